"""What a run folder holds, read as it is asked for. Nothing else is read."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ALL = "all"
USUAL, STRATEGY, DIFFERENCE = "usual_care", "strategy", "difference"
# Floating-point dust of a difference of sums over a horizon is no saving, USD.
DUST = 0.01
# Metrics whose single draws the reports look at; the others are read from summary.json.
PER_DRAW = ("avoided_rescue_spending", "net_saving")


class Spread(NamedTuple):
    """A metric over draws."""

    mean: float
    sd: float
    mcse: float
    p05: float
    p50: float
    p95: float
    unit: str


class Series(NamedTuple):
    """A monthly series over draws: lists by month."""

    months: list[str]
    mean: Floats
    p05: Floats
    p95: Floats


@dataclass(frozen=True)
class Run:
    """One run: summary.json at once, the other files when they are asked for."""

    folder: Path
    summary: dict[str, Any]
    _values: dict[tuple[str, str], Floats] = field(default_factory=dict, repr=False)

    @cached_property
    def inputs(self) -> dict[str, Any]:
        return _json(self.folder / "inputs.json")

    @cached_property
    def about(self) -> dict[str, Any]:
        return _json(self.folder / "run.json")

    @property
    def draws(self) -> int:
        return int(self.summary["draws"])

    @property
    def names(self) -> dict[str, str]:
        names: dict[str, str] = self.summary["names"]
        return names

    def name(self, key: str) -> str:
        return self.names.get(key, key)

    @cached_property
    def _spreads(self) -> dict[tuple[str, str, str], Spread]:
        rows = self.summary["metrics"]
        return {(r["metric"], r["party"], r["strategy"]): _spread(r) for r in rows}

    def spread(self, metric: str, party: str, strategy: str | None = None) -> Spread | None:
        """A metric's spread; where it has one strategy only that need not be named."""
        strategies = (strategy,) if strategy else (DIFFERENCE, STRATEGY, USUAL)
        found = (self._spreads.get((metric, party, s)) for s in strategies)
        return next((s for s in found if s is not None), None)

    def subjects(self, metric: str) -> list[str]:
        """Of whom a metric speaks, in the run's order."""
        rows = self.summary["metrics"]
        return list(dict.fromkeys(r["party"] for r in rows if r["metric"] == metric))

    def values(self, metric: str, party: str) -> Floats:
        """Values [draw] of one of PER_DRAW; empty where the run has none."""
        if not self._values:
            self._values.update(per_draw(self.folder / "metrics.parquet"))
        return self._values.get((metric, party), np.zeros(0))

    def share_above_zero(self, metric: str, party: str) -> float:
        """Share of draws with more than dust."""
        values = self.values(metric, party)
        return float((values > DUST).mean()) if values.size else 0.0

    @cached_property
    def _series(self) -> dict[tuple[str, str, str], Series]:
        return monthly(self.folder / "series.parquet")

    def series(self, metric: str, party: str, strategy: str) -> Series | None:
        return self._series.get((metric, party, strategy))

    def parameters(self) -> dict[str, Floats]:
        """What was drawn: parameter -> [draw]."""
        table = pq.read_table(self.folder / "draws.parquet")
        columns = {name: table.column(name).to_numpy() for name in table.column_names}
        return {name: x for name, x in columns.items() if name != "draw"}


def read(folder: Path) -> Run:
    return Run(folder, _json(folder / "summary.json"))


def _json(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data


def _spread(row: dict[str, Any]) -> Spread:
    numbers = [float(row[key]) for key in ("mean", "sd", "mcse", "p05", "p50", "p95")]
    return Spread(*numbers, unit=row["unit"])


def per_draw(path: Path) -> dict[tuple[str, str], Floats]:
    """(metric, party) -> [draw] for the metrics of which single draws are looked at."""
    table = pq.read_table(
        path,
        columns=["metric", "party", "value"],
        filters=[("metric", "in", list(PER_DRAW))],
        read_dictionary=["metric", "party"],
    )
    if not table.num_rows:
        return {}
    values = table.column("value").to_numpy()
    return {key: values[rows] for key, rows in _runs(table, ["metric", "party"]).items()}


def monthly(path: Path) -> dict[tuple[str, str, str], Series]:
    """(metric, party, strategy) -> its monthly series."""
    table = pq.read_table(path)
    months = table.column("month").to_pylist()
    numbers = [table.column(name).to_numpy() for name in ("mean", "p05", "p95")]
    found = _runs(table, ["metric", "party", "strategy"])
    return {key: Series(months[rows], *(x[rows] for x in numbers)) for key, rows in found.items()}


def _runs(table: Any, columns: list[str]) -> dict[Any, slice]:
    """Each combination of words, whose rows stand together in a sorted table."""
    words = [np.asarray(table.column(c).to_numpy(zero_copy_only=False)) for c in columns]
    edge = np.zeros(table.num_rows, dtype=bool)
    edge[:1] = True
    for column in words:
        edge[1:] |= column[1:] != column[:-1]
    starts = [*np.flatnonzero(edge).tolist(), table.num_rows]
    bounds = zip(starts[:-1], starts[1:], strict=True)
    return {tuple(str(w[a]) for w in words): slice(a, b) for a, b in bounds}
