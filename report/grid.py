"""Grids for readers: a table, a heat map with its contour, and how it was made."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np

from model.draws import sample
from model.grids import Axis, Grid, axis, grid
from model.loading import Loaded
from model.problems import BadInput, Mark, Problem
from model.targets import Target, parse, parse_statistic
from model.wanted import Plan, plan

from . import renderer, solved_files
from .answer_page import Page, Rows
from .grid_figure import heat_map
from .outcome_names import names_of
from .solved_view import number_name, statistic_name, target_name
from .solved_words import UNPRICED
from .wording import capital, number, plural, short_money, within


class Asked(NamedTuple):
    """Two axes and what is told over them; the bound is what the contour is drawn at."""

    loaded: Loaded
    x: Axis
    y: Axis
    target: Target | None
    statistic: Any
    plan: Plan

    @property
    def unit(self) -> str:
        return "1" if self.statistic.op else self.plan.outputs[0].unit

    @property
    def bound(self) -> float | None:
        """The target's value; break-even for amounts of money."""
        if self.target is not None:
            return self.target.bound
        return 0.0 if self.unit.startswith("USD") else None

    @property
    def variants(self) -> int:
        return len(self.x.values) * len(self.y.values)

    def cost(self, draws: int) -> str:
        """What it will take; nothing where it is little."""
        what = f"{self.variants} pairs of values"
        return solved_files.cost(self.loaded, self.plan, what, self.variants, draws)


def question(
    loaded: Loaded, vary: Sequence[str], output: str | None, target: str | None, scale: bool
) -> Asked:
    """What the options say; BadInput where they do not fit together or the scenario."""
    if len(vary) != 2:
        _refuse("--vary", plural(len(vary), "number"), "two: --vary PATH=LOW:HIGH:N, twice")
    if (output is None) == (target is None):
        _refuse("--output", "both or neither", "--output METRIC, or --target 'METRIC OP VALUE'")
    aim = parse(target) if target is not None else None
    statistic = aim.statistic if aim else parse_statistic(output or "", "--output")
    asked = plan(loaded, [statistic.metric], "--target" if aim else "--output")
    x, y = (axis(loaded, words, scale) for words in vary)
    return Asked(loaded, x, y, aim, statistic, asked)


def _refuse(option: str, found: str, allowed: str) -> NoReturn:
    raise BadInput([Problem(Mark(option, 0, 0), "", found, allowed)])


def answered(q: Asked, draws: int, seed: int, advance: Callable[[int], None]) -> Grid:
    return grid(sample(q.loaded, draws, seed), q.x, q.y, q.statistic, q.plan, advance)


def rows(q: Asked, g: Grid) -> list[dict[str, Any]]:
    """One row a pair of values."""
    out = []
    for j, b in enumerate(g.y.values):
        for i, a in enumerate(g.x.values):
            row: dict[str, Any] = {
                g.x.varied.path: a,
                g.y.varied.path: b,
                str(g.statistic): float(g.reached[j, i]),
                "standard_error": float(g.error[j, i]),
                "low": float(g.low[j, i]),
                "high": float(g.high[j, i]),
                "share_known": float(g.known[j, i]),
            }
            if q.target is not None:
                row["holds"] = bool(q.target.holds(np.asarray(g.reached[j, i])))
            out.append(row)
    return out


def as_json(q: Asked, g: Grid, seed: int, folder: Path | None = None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "scenario": q.loaded.scenario.name,
        "draws": g.draws,
        "seed": seed,
        "output": str(g.statistic),
        "unit": q.unit,
        "contour_at": q.bound,
        "x": _axis_json(g.x),
        "y": _axis_json(g.y),
        "reached": g.reached.tolist(),
        "standard_error": g.error.tolist(),
        "low": g.low.tolist(),
        "high": g.high.tolist(),
    }
    told |= {"target": str(q.target)} if q.target else {}
    return solved_files.plain(told | ({"folder": str(folder)} if folder else {}))  # type: ignore[no-any-return]


def _axis_json(a: Axis) -> dict[str, Any]:
    v = a.varied
    about = {"path": v.path, "names": list(v.names), "how": v.how, "unit": v.unit, "in_file": v.now}
    return about | {"values": list(a.values)}


def write(q: Asked, g: Grid, seed: int, folder: Path) -> Page:
    """The folder of a grid; returns its page."""
    told = page(q, g, seed)
    files = {
        "grid.csv": solved_files.table(rows(q, g)),
        "grid.png": renderer.png(told.charts[0][0]),
    }
    return solved_files.write(folder, "grid", as_json(q, g, seed), files, told)


# --- for people


def page(q: Asked, g: Grid, seed: int) -> Page:
    """The map, the same as a table with signs, and how it was made."""
    names = names_of(q.loaded)
    outcome_unit = q.plan.outputs[0].unit
    right, up = (capital(number_name(a.varied.path, names)) for a in (g.x, g.y))
    told = capital(statistic_name(q.statistic, names, outcome_unit))
    title = capital(target_name(q.target, names, outcome_unit)) if q.target else told
    chart = heat_map(g, q.unit, q.bound, title, (right, up))
    return Page(
        title=f"{right}, and {within(up)}",
        meta=f"Headwater grid · {q.loaded.scenario.title} · {plural(g.draws, 'draw')} · seed "
        f"{seed}",
        sentences=_sentences(q, g, told),
        charts=[(chart, f"{told}, over both numbers.")],
        tables=[_table(q, g, title, right, up)],
        notes=[f"{capital(topic)}: {words}." for topic, words in _notes(q, g, right, up)],
    )


def _sentences(q: Asked, g: Grid, told: str) -> list[str]:
    """From where to where it goes, and how many cells lie on which side of the bound."""
    known = np.isfinite(g.reached)
    if not known.any():
        return [f"{told}: known nowhere in this grid."]
    ends = " to ".join(
        signed(float(end), q.unit) for end in (g.reached[known].min(), g.reached[known].max())
    )
    out = [f"{told}: {ends} over this grid."]
    if q.bound is None:
        return out
    doubtful = g.doubtful(q.bound)
    aim = f"the target ({q.target})" if q.target else "break-even"
    above = q.target.holds(g.reached) if q.target else g.reached >= q.bound
    out.append(
        f"{aim[0].upper()}{aim[1:]} is met in {int((above & ~doubtful).sum())} of {known.sum()} "
        f"cells and missed in {int((~above & ~doubtful & known).sum())}; in {int(doubtful.sum())} "
        "these draws cannot tell (their 90 % interval holds the bound)."
    )
    return out


def _table(q: Asked, g: Grid, title: str, right: str, up: str) -> Rows:
    """Largest y first, as on the chart."""
    doubtful = g.doubtful(np.inf if q.bound is None else q.bound)
    body = [
        [
            number(g.y.values[j], 3),
            *(_cell(q, g, j, i, bool(doubtful[j, i])) for i in range(len(g.x.values))),
        ]
        for j in reversed(range(len(g.y.values)))
    ]
    note = f"To the right: {right}; down: {up}."
    note += " ~ these draws cannot tell on which side of the bound it is." if doubtful.any() else ""
    return Rows(title, ["", *(number(a, 3) for a in g.x.values)], body, note)


def _cell(q: Asked, g: Grid, j: int, i: int, doubtful: bool) -> str:
    return ("~" if doubtful else "") + signed(float(g.reached[j, i]), q.unit)


def signed(x: float, unit: str) -> str:
    """With its sign, so that no colour is needed to tell a loss."""
    if math.isnan(x):
        return "-"
    if unit.startswith("USD"):
        return f"+{short_money(x)}" if x > 0 else short_money(x)
    return number(x, 2)


def _notes(q: Asked, g: Grid, right: str, up: str) -> list[tuple[str, str]]:
    sides = (("right", right, g.x), ("up", up, g.y))
    out = [(side, f"{name} ({a.varied.path}): {a.varied.says}") for side, name, a in sides]
    largest = float(np.nanmax(g.error)) if np.isfinite(g.error).any() else math.nan
    out.append(
        ("error", f"largest Monte Carlo standard error {signed(largest, q.unit).strip('+')}")
    )
    if q.bound is not None and np.isfinite(g.reached).any():
        inside = np.nanmin(g.reached) < q.bound <= np.nanmax(g.reached)
        where = "a line, interpolated between the middles of cells, which has an error of its own"
        told = where if inside else "not reached anywhere in this grid, or everywhere"
        out.append(("contour", f"{q.target or 'break-even'}: {told}"))
    if any(a.varied.path.startswith(("financing.dues.", "financing.fees.")) for a in (g.x, g.y)):
        out.append(("demand", UNPRICED))
    pairs = f"{q.variants} pairs of values on the same {plural(g.draws, 'draw')} and luck"
    return [*out, ("runs", pairs)]
