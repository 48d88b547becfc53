"""Varied: one number of a scenario, or all that a pattern names by one factor.

An exact name is set to a value in every draw, in the unit of the file and at the scenario's prices,
as `--set` does: the answer to "if it were known to be v". A pattern, or a name with `scale`, is
multiplied by a factor in every draw and keeps what is uncertain about it. The factor of an effect
acts on the logarithm of its middle ratio, as studies are pooled: 0 is no effect, 2 the squared
ratio; every draw keeps its distance from the middle.
"""

from __future__ import annotations

import difflib
import re
from typing import Literal, NamedTuple, NoReturn

import numpy as np

from .distributions import Floats
from .draws import Draws
from .loading import Loaded
from .problems import BadInput, Mark, Problem, nearest
from .sensitivity.factors import Role, role
from .variants import changed

How = Literal["value", "factor", "strength"]
_EFFECT = re.compile(r"interventions\.\w+\.(effects\.\w+(\.ratio)?|need_effects\.\w+)$")
# Shares of a whole: one of them cannot move alone.
_PART_OF_WHOLE = re.compile(
    r"(benchmark\.weights\[|baseline_weights\[|\.activities\.|distribution\.)"
)
# What the model rounds, or what there is only in whole numbers.
_ROUNDED = re.compile(r"(collection_lag|settlement_lag|reset_after|capacity\.delay)$")
WHOLE_UNITS = ("posts", "members", "persons")
LARGEST_FACTOR, LARGEST_STRENGTH = 4.0, 3.0
RATIO_RANGE = (0.01, 10.0)


class Varied(NamedTuple):
    """What is varied, in the unit that the user gives values in."""

    path: str
    names: tuple[str, ...]
    how: How
    unit: str  # of the value, as the file has it; "1" of a factor
    per: float  # one of the file's unit, in the model's
    allowed: tuple[float, float]
    now: float  # the scenario's: its mean where it is uncertain
    known: bool  # whether the scenario holds it fixed
    role: Role
    whole: Literal["", "rounded", "counted"]

    def at(self, base: Draws, x: float) -> Draws:
        """The same draws with the number at x, or all numbers times x."""
        return changed(base, {name: self._moved(base, name, x) for name in self.names})

    def _moved(self, base: Draws, name: str, x: float) -> Floats:
        if self.how == "value":
            return np.asarray(x * self.per)
        if self.how == "strength":
            return np.asarray(base.values[name] * middle(base.loaded, name) ** (x - 1.0))
        return np.asarray(base.values[name] * x)

    @property
    def says(self) -> str:
        """What moving it means, in words."""
        if self.how == "value":
            return "set to the value in every draw, as if it were known"
        many = f"{len(self.names)} numbers" if len(self.names) > 1 else "the number"
        if self.how == "strength":
            told = "so many times the middle effect, with its spread"
            return f"{many}: {told} (0: none, 1: as in the file)"
        return f"{many} times one factor (1: as in the file), draw by draw"


def middle(loaded: Loaded, name: str) -> float:
    """The median of a number."""
    half = np.array([0.5])
    effect = loaded.effects.get(name)
    found = loaded.parameters[name].draws(half) if effect is None else effect.quantile(half)
    return float(found[0])


def varied(loaded: Loaded, path: str, scale: bool = False, option: str = "--vary") -> Varied:
    """What a dotted name or a pattern with `*` stands for; BadInput where it stands for nothing."""
    path = path.strip()
    every = [*loaded.parameters, *loaded.effects]
    names = _matching(path, every, option)
    if any(_PART_OF_WHOLE.search(name) for name in names):
        _refuse(option, path, "a share of a whole: the others would have to change with it", "")
    if "*" in path or scale:
        return _scaled(loaded, path, names, option)
    return _valued(loaded, path)


def _matching(path: str, every: list[str], option: str) -> tuple[str, ...]:
    if "*" in path:
        pattern = re.compile(r"[^.]*".join(map(re.escape, path.split("*"))))
        found = tuple(name for name in every if pattern.fullmatch(name))
        if not found:
            why, allowed, near = _no_such(path, every)
            _refuse(option, path, why, allowed, near)
        return found
    if path in every:
        return (path,)
    inside = [name for name in every if name.startswith((f"{path}.", f"{path}["))]
    few = ", ".join(inside[:8]) + (" ..." if len(inside) > 8 else "")
    allowed = f"a number in it: {few}" if inside else "the dotted name of a number, or a pattern"
    near = nearest(path, every)
    return _refuse(option, path, "which is no number of the scenario", allowed, near)


def _no_such(path: str, every: list[str]) -> tuple[str, str, str]:
    """Why a pattern fits nothing, the patterns that are most like it, and the nearest."""
    kind = ".".join(
        path.split("*", maxsplit=1)[0].split(".")[:-1]
    )  # what stands before the first star
    absent = bool(kind) and not any(name.startswith(f"{kind}.") for name in every)
    last = kind.rpartition(".")[2].replace("_", " ")
    there = list(dict.fromkeys(starred(name) for name in every if starred(name) != name))
    first = path.split(".", maxsplit=1)[0]
    there = [each for each in there if first in (each.split(".")[0], "*")]
    close = difflib.get_close_matches(path, there, n=4, cutoff=0.5)
    why = f"this scenario has no {last}" if absent else "a pattern that no number has"
    allowed = ", ".join(f"`{each}`" for each in close) or "the name of a number"
    return why, allowed, "" if absent else nearest(path, there)


def starred(name: str) -> str:
    """The pattern of all that are alike: `financing.grants.*.amount` of one grant's amount."""
    parts = name.split(".")
    at = 2 if parts[0] == "financing" else 1
    if len(parts) <= at + 1:
        return name
    return ".".join([*parts[:at], "*", *parts[at + 1 :]])


def _valued(loaded: Loaded, path: str) -> Varied:
    if path in loaded.effects:
        ratio = middle(loaded, path)
        return Varied(
            path, (path,), "value", "ratio", 1.0, RATIO_RANGE, ratio, False, role(path), ""
        )
    p = loaded.parameters[path]
    unit = p.quantity.unit or p.unit
    per = p.factor
    allowed = (p.price * p.low / per, p.price * p.high / per)
    whole = _whole(path, p.unit)
    now = p.central / per
    return Varied(
        path, (path,), "value", unit, per, allowed, now, not p.uncertain, role(path), whole
    )


def _whole(path: str, unit: str) -> Literal["", "rounded", "counted"]:
    if _ROUNDED.search(path):
        return "rounded"
    return "counted" if unit in WHOLE_UNITS and not path.endswith(("staff_time", "core")) else ""


def _scaled(loaded: Loaded, path: str, names: tuple[str, ...], option: str) -> Varied:
    effects = [bool(_EFFECT.match(name)) for name in names]
    roles = {role(name) for name in names}
    of = roles.pop() if len(roles) == 1 else "fact"
    known = not set(names) & set(loaded.uncertain)
    if any(effects):
        if not all(effects):
            _refuse(option, path, "effects and other numbers together", "one kind of number")
        return Varied(path, names, "strength", "1", 1.0, (0.0, 20.0), 1.0, known, of, "")
    units = sorted({loaded.parameters[name].unit for name in names})
    if len({unit.startswith("USD") for unit in units}) > 1:
        _refuse(
            option, path, f"numbers in {', '.join(units)}", "amounts, or none: a narrower pattern"
        )
    if all(loaded.parameters[name].central == 0.0 for name in names):
        _refuse(option, path, "only numbers that are 0: a factor leaves them so", "another number")
    allowed = _factor_range(loaded, names)
    return Varied(path, names, "factor", "1", 1.0, allowed, 1.0, known, of, "")


def _factor_range(loaded: Loaded, names: tuple[str, ...]) -> tuple[float, float]:
    """The factors that keep every number in its range, in every draw that may come."""
    low, high = 0.0, np.inf
    ends = np.array([1e-9, 1.0 - 1e-9])
    for name in names:
        p = loaded.parameters[name]
        for value in (p.draws(ends) / p.price).tolist():
            if value > 0.0:
                high = min(high, p.high / value)
                low = max(low, p.low / value)
            elif value < 0.0:
                high = min(high, p.low / value)
    return low, float(high)


# --- where to look


def reach(loaded: Loaded, v: Varied, low: float | None, high: float | None) -> tuple[float, float]:
    """The range to look in: given, or from the number's own distribution or allowed range."""
    first, last = _default_reach(loaded, v)
    low, high = (first if low is None else low), (last if high is None else high)
    bottom, top = v.allowed
    for option, end in (("--low", low), ("--high", high)):
        slack = 1e-9 * max(1.0, abs(end))
        if not np.isfinite(end):
            _refuse(option, f"{end}", f"no end to look to for `{v.path}`", "a number")
        if not bottom - slack <= end <= top + slack:
            _refuse(option, f"{end:g}", f"outside what `{v.path}` may be", f"{bottom:g} to {top:g}")
    if not low < high:
        _refuse("--low", f"{low:g}", f"not below --high {high:g}", "a range with two ends")
    return low, high


def _default_reach(loaded: Loaded, v: Varied) -> tuple[float, float]:
    bottom, top = v.allowed
    if v.how == "strength":
        return 0.0, LARGEST_STRENGTH
    if v.how == "factor":
        return max(0.0, bottom), min(LARGEST_FACTOR, top)
    if not v.known:
        return _spread(loaded, v)
    if np.isfinite(top) and top <= 1.0:
        return bottom, top
    if v.now <= 0.0:
        _refuse("--vary", v.path, "0 in the file, which tells no range", "also --low and --high")
    return max(0.0, bottom), min(LARGEST_FACTOR * v.now, top)


def _spread(loaded: Loaded, v: Varied) -> tuple[float, float]:
    """From the 0.5th to the 99.5th percentile; of a ratio up to no effect at least."""
    levels = np.array([0.005, 0.995])
    if v.path in loaded.effects:
        low, high = loaded.effects[v.path].quantile(levels)
        return max(float(low), RATIO_RANGE[0]), min(max(float(high), 1.0), RATIO_RANGE[1])
    low, high = loaded.parameters[v.path].draws(levels) / v.per
    return float(low), float(high)


def _refuse(option: str, found: str, why: str, allowed: str, near: str = "") -> NoReturn:
    told = allowed or "a number that stands alone"
    raise BadInput([Problem(Mark(option, 0, 0), "", f"`{found}`: {why}", told, near)])
