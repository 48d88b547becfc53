"""Grids for readers: a table, a heat map with its contour, and how it was made."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np
from rich.console import Console

from model.draws import sample
from model.grids import Axis, Grid, axis, grid
from model.loading import Loaded
from model.problems import BadInput, Mark, Problem
from model.targets import Target, parse, parse_statistic
from model.wanted import Plan, plan

from . import renderer, solved_files
from .grid_figure import heat_map
from .screen import text, topics
from .solved import UNPRICED
from .solved_view import table
from .terminal import console, show
from .wording import number, plural, short_money


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
    }
    told |= {"target": str(q.target)} if q.target else {}
    return solved_files.plain(told | ({"folder": str(folder)} if folder else {}))  # type: ignore[no-any-return]


def _axis_json(a: Axis) -> dict[str, Any]:
    v = a.varied
    about = {"path": v.path, "names": list(v.names), "how": v.how, "unit": v.unit, "in_file": v.now}
    return about | {"values": list(a.values)}


def write(q: Asked, g: Grid, seed: int, folder: Path) -> None:
    png = renderer.png(heat_map(g, q.unit, q.bound, str(q.target or g.statistic)))
    files = {"grid.csv": solved_files.table(rows(q, g)), "grid.png": png}
    solved_files.write(folder, "grid", as_json(q, g, seed), files)


# --- at the terminal


def view(q: Asked, g: Grid, folder: Path, to: Console | None = None) -> None:
    """The grid as a table with signs, largest y first, as on the chart."""
    body = [
        [number(b, 3), *(signed(float(v), q.unit) for v in line)]
        for b, line in zip(reversed(g.y.values), g.reached[::-1], strict=True)
    ]
    title = str(q.target or g.statistic)
    show(
        to or console(),
        [
            text(q.loaded.scenario.title, "bold"),
            table(title, ["", *(number(a, 3) for a in g.x.values)], body),
            topics(_notes(q, g), "dim"),
            text(f"Files: {folder}"),
        ],
    )


def signed(x: float, unit: str) -> str:
    """With its sign, so that no colour is needed to tell a loss."""
    if math.isnan(x):
        return "-"
    if unit.startswith("USD"):
        return f"+{short_money(x)}" if x > 0 else short_money(x)
    return number(x, 2)


def _notes(q: Asked, g: Grid) -> list[tuple[str, str]]:
    out = [(side, f"{a.varied.path}: {a.varied.says}") for side, a in (("right", g.x), ("up", g.y))]
    largest = float(np.nanmax(g.error)) if np.isfinite(g.error).any() else math.nan
    out.append(
        ("error", f"largest Monte Carlo standard error {signed(largest, q.unit).strip('+')}")
    )
    if q.bound is not None:
        inside = np.nanmin(g.reached) < q.bound <= np.nanmax(g.reached)
        where = "drawn as a line" if inside else "not reached anywhere in this grid, or everywhere"
        out.append(("contour", f"{q.target or 'break-even'}: {where}"))
    if any(a.varied.path.startswith(("financing.dues.", "financing.fees.")) for a in (g.x, g.y)):
        out.append(("demand", UNPRICED))
    pairs = f"{q.variants} pairs of values on the same {plural(g.draws, 'draw')} and luck"
    return [*out, ("runs", pairs)]
