"""Wide: an ensemble over facts, chance and levers, each a column that a condition may rest on.

Facts are drawn from their distributions, chance from its own streams, levers evenly over ranges:
those given, or from half to one and a half times what the scenario says, an assumption.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from .discovery import Bools, Column, Kind
from .distributions import Floats
from .draws import Columns, Draws, sample
from .ensemble import Progress, silent
from .loading import Loaded
from .luck import chances, errors
from .problems import BadInput, Mark, Problem, nearest
from .quantity import Parameter
from .sampling import stream
from .sensitivity.factors import levers
from .targets import COMPARED, Target, parse
from .variants import changed, outputs
from .wanted import plan

HALF, MORE = 0.5, 1.5
SUPPORT = "support that is renewed"


class Lever(NamedTuple):
    """A number that somebody decides on, and its range in the unit of the file."""

    name: str
    low: float
    high: float


class Ensemble(NamedTuple):
    """What may be a condition, and which draws fail."""

    columns: tuple[Column, ...]
    fails: Bools
    levers: tuple[Lever, ...]
    left_out: int  # draws in which the outcome is not known


def failing(text: str) -> Target:
    """`METRIC OP VALUE`, of a draw; BadInput where it is something else."""
    target = parse(text, "--fails")
    if not target.statistic.is_mean:
        raise _bad("--fails", f"`{text}`", "METRIC OP VALUE, which is so or not in a draw")
    return target


def ranges(loaded: Loaded, given: Sequence[str], default: bool) -> tuple[Lever, ...]:
    """`PATH=LOW:HIGH` as levers; without any, the scenario's own with default ranges."""
    if given:
        return tuple(_given(loaded, words) for words in given)
    found = [factor.name for factor in levers(loaded)] if default else []
    return tuple(_around(name, loaded.parameters[name]) for name in found)


def _around(name: str, p: Parameter) -> Lever:
    scale = p.price * p.factor
    least, most = p.low / p.factor, p.high / p.factor
    middle = p.central / scale
    return Lever(name, max(HALF * middle, least), min(MORE * middle, most))


def _given(loaded: Loaded, words: str) -> Lever:
    name, _, between = words.partition("=")
    name = name.strip()
    if name not in loaded.parameters:
        near = nearest(name, loaded.parameters)
        raise _bad("--vary", f"`{name}`", "PATH=LOW:HIGH, PATH a number of the scenario", near)
    try:
        low, high = (float(part) for part in between.split(":"))
    except ValueError:
        low = high = np.nan
    p = loaded.parameters[name]
    least, most = p.low / p.factor, p.high / p.factor
    if low >= high:
        raise _bad("--vary", f"`{words}`, of which the first is not below the second", "LOW:HIGH")
    if not least <= low < high <= most:
        allowed = f"LOW:HIGH within {least:g} to {most:g} {p.quantity.unit or p.unit}"
        raise _bad("--vary", f"`{words}`", allowed)
    return Lever(name, low, high)


def ensemble(
    loaded: Loaded,
    target: Target,
    varied: Sequence[Lever],
    draws: int,
    seed: int,
    progress: Progress = silent,
) -> Ensemble:
    """Run it once; draws without the outcome are left out."""
    asked = plan(loaded, [target.statistic.metric], "--fails")
    base = sample(loaded, draws, seed)
    moved = {lever.name: _spread(loaded, lever, draws, seed) for lever in varied}
    wide = changed(base, moved)
    told = outputs([wide], asked, progress=progress)[0, 0]
    known = np.isfinite(told)
    fails = COMPARED[target.op](told[known], target.bound)
    found = [*_numbers(wide, moved), *_luck(wide)]
    kept = tuple(c._replace(values=c.values[known]) for c in found if np.ptp(c.values) > 0.0)
    return Ensemble(kept, fails, tuple(varied), int((~known).sum()))


def _spread(loaded: Loaded, lever: Lever, draws: int, seed: int) -> Floats:
    """Evenly over the range, in strata, in the field's own unit."""
    rng, p = stream(seed, f"lever.{lever.name}"), loaded.parameters[lever.name]
    u = (rng.permutation(draws) + rng.random(draws)) / draws
    return np.asarray(p.price * p.factor * (lever.low + u * (lever.high - lever.low)))


# --- columns


def _numbers(draws: Draws, moved: dict[str, Floats]) -> Iterator[Column]:
    """Levers and facts, in the unit of the file."""
    loaded = draws.loaded
    for name in dict.fromkeys([*moved, *loaded.uncertain]):
        values = draws.values[name]
        if name in loaded.effects:
            yield Column(name, "fact", values, "ratio")
            continue
        p = loaded.parameters[name]
        kind: Kind = "lever" if name in moved else "fact"
        yield Column(name, kind, values / (p.price * p.factor), p.quantity.unit or p.unit)


def _luck(draws: Draws) -> Iterator[Column]:
    """Chance events, yes or no; errors of contracts, in standard deviations."""
    get = Columns(draws, slice(None))
    support = np.zeros(draws.size)
    several = 0
    for name, events in chances(draws.scenario):
        for event in range(events):
            happens = get.luck(name)[:, event] < get(_chance_of(name, event))
            label = f"{name}.renewal[{event}]" if event else name
            yield Column(label, "chance", happens.astype(np.float64), yes_no=True)
            if event == 1 and happens.any() and not happens.all():
                several += 1
                support += happens * 12.0 * get(f"financing.{name}.amount")
    if several > 1:
        yield Column(SUPPORT, "chance", support, "USD/year")
    for name, events in errors(draws.scenario):
        for event in range(events):
            yield Column(f"{name}[{event}]", "chance", get.luck(name)[:, event], "sd")


def _chance_of(name: str, event: int) -> str:
    if name.startswith("grants."):
        return f"financing.{name}.renewal.chance" if event else f"financing.{name}.award"
    return f"financing.{name}.chance"


def _bad(option: str, found: str, allowed: str, near: str = "") -> BadInput:
    return BadInput([Problem(Mark(option, 0, 0), "", found, allowed, near)])
