"""What a run folder holds, read as it is asked for. Nothing else is read."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
import yaml
from numpy.typing import NDArray

from .wording import short_names

Floats = NDArray[np.float64]

ALL = "all"
USUAL, STRATEGY, DIFFERENCE = "usual_care", "strategy", "difference"
# Floating-point dust of a difference of sums over a horizon is no saving, USD.
DUST = 0.01
# Metrics of which the reports tell a chance of gain, for everybody whom they speak of.
GAINS = ("avoided_rescue_spending", "net_saving", "npv")
# Below these no chance and no interval is quoted.
FEW_DRAWS = 100


class Spread(NamedTuple):
    """A metric over draws."""

    mean: float
    sd: float
    mcse: float
    p05: float
    p50: float
    p95: float
    unit: str


NONE: Floats = np.zeros(0)


class Series(NamedTuple):
    """A series over draws: lists by month, or by year."""

    months: list[str]
    mean: Floats
    p05: Floats
    p95: Floats
    p25: Floats = NONE
    p50: Floats = NONE
    p75: Floats = NONE


@dataclass(frozen=True)
class Run:
    """One run: summary.json at once, the other files when they are asked for."""

    folder: Path
    summary: dict[str, Any]

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
    def enough(self) -> bool:
        """Whether there are draws enough to quote a chance or an interval."""
        return self.draws >= FEW_DRAWS

    @cached_property
    def scenario(self) -> dict[str, Any]:
        """The scenario as it was run."""
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # several times faster where built
        words = (self.folder / "scenario.yaml").read_text(encoding="utf-8")
        said: dict[str, Any] = yaml.load(words, Loader=loader)
        return said

    @cached_property
    def effects(self) -> dict[str, dict[str, Any]]:
        """What the scenario says of each effect, by dotted name."""
        found = self.scenario.get("interventions") or {}
        return {
            f"interventions.{name}.effects.{service}": said
            for name, about in found.items()
            for service, said in (about.get("effects") or {}).items()
            if isinstance(said, dict)
        }

    @cached_property
    def names(self) -> dict[str, str]:
        """What people call a party, segment, service or intervention, without brackets."""
        return short_names(self.summary["names"])

    def name(self, key: str) -> str:
        return self.names.get(key, key)

    @cached_property
    def _spreads(self) -> dict[tuple[str, str, str], Spread]:
        whole = self.summary["metrics"]
        rows = [r for r in whole if r["mean"] is not None and math.isfinite(r["mean"])]
        return {(r["metric"], r["party"], r["strategy"]): _spread(r) for r in rows}

    def spread(self, metric: str, party: str, strategy: str | None = None) -> Spread | None:
        """A metric's spread; where it has one strategy only that need not be named."""
        strategies = (strategy,) if strategy else (DIFFERENCE, STRATEGY, USUAL)
        found = (self._spreads.get((metric, party, s)) for s in strategies)
        return next((s for s in found if s is not None), None)

    @cached_property
    def _known(self) -> dict[tuple[str, str], float]:
        rows = self.summary["metrics"]
        return {(r["metric"], r["party"]): r.get("share_known", 1.0) for r in rows}

    def share_known(self, metric: str, party: str) -> float:
        """Share of draws that have a value of a metric at all, such as a rate of return."""
        return self._known.get((metric, party), 0.0)

    def subjects(self, metric: str) -> list[str]:
        """Of whom a metric speaks, in the run's order."""
        rows = self.summary["metrics"]
        return list(dict.fromkeys(r["party"] for r in rows if r["metric"] == metric))

    def values(self, metric: str, party: str) -> Floats:
        """Values [draw], empty where the run has none; not kept: a million draws take 8 MB."""
        found = columns(self.folder / "metrics.parquet", (metric,), party)
        return next((values for _, values in found), NONE)

    @cached_property
    def _gained(self) -> dict[tuple[str, str], float]:
        found = columns(self.folder / "metrics.parquet", GAINS)
        return {key: float((values > DUST).mean()) for key, values in found}

    def share_above_zero(self, metric: str, party: str) -> float:
        """Share of draws with more than dust of one of GAINS."""
        return self._gained.get((metric, party), 0.0)

    @cached_property
    def _series(self) -> dict[tuple[str, str, str], Series]:
        return over_time(self.folder / "series.parquet", "month")

    def series(self, metric: str, party: str, strategy: str) -> Series | None:
        return self._series.get((metric, party, strategy))

    @cached_property
    def _years(self) -> dict[tuple[str, str, str], Series]:
        path = self.folder / "years.parquet"
        return over_time(path, "year") if path.is_file() else {}

    def years(self, metric: str) -> dict[str, Series]:
        """Yearly series of a metric, by whom it speaks of."""
        return {party: s for (name, party, _), s in self._years.items() if name == metric}

    @cached_property
    def contracts(self) -> dict[str, dict[str, Any]]:
        """Chances of each contract's settlement; nothing where the run has no such file."""
        path = self.folder / "contracts.json"
        found = _json(path) if path.is_file() else {}
        return {name: told for name, told in found.items() if isinstance(told, dict)}

    def parameter(self, name: str) -> float | None:
        """Central value of an input; None for a default."""
        found = (p["value"] for p in self.inputs["parameters"] if p["name"] == name)
        return next(found, None)

    def parameters(self, most: int) -> dict[str, Floats]:
        """What was drawn: parameter -> [draw], of the first draws, no more than `most`."""
        with pq.ParquetFile(self.folder / "draws.parquet") as file:
            names = [name for name in file.schema_arrow.names if name != "draw"]
            drawn = ((name, _numbers(file.read_row_group(0, [name]), name)) for name in names)
            return {name: values[:most].copy() for name, values in drawn}


def read(folder: Path) -> Run:
    return Run(folder, _json(folder / "summary.json"))


def _json(path: Path) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return data


def _spread(row: dict[str, Any]) -> Spread:
    return Spread(**{key: row[key] for key in Spread._fields})


def columns(
    path: Path, metrics: Sequence[str], party: str | None = None
) -> Iterator[tuple[tuple[str, str], Floats]]:
    """(metric, party) and values [draw], one after the other: all parties, or one.

    Rows are sorted by metric and party, so that of a large run only some row groups are read, and
    one column is in memory at a time.
    """
    before: tuple[str, str] | None = None
    parts: list[Floats] = []
    with pq.ParquetFile(path, read_dictionary=["metric", "party"]) as file:
        for group in range(file.num_row_groups):
            if not _may_hold(file, group, metrics, party):
                continue
            table = file.read_row_group(group, ["metric", "party", "value"])
            values = _numbers(table, "value")
            for key, rows in _blocks(table, ["metric", "party"]).items():
                if key[0] not in metrics or party not in (None, key[1]):
                    continue
                if before is not None and key != before:
                    yield before, np.concatenate(parts)
                    parts = []
                before = key
                parts.append(values[rows])
    if before is not None:
        yield before, np.concatenate(parts)


def _may_hold(file: Any, group: int, metrics: Sequence[str], party: str | None) -> bool:
    """Whether a row group's least and greatest metric and party leave room for what is wanted."""
    asked = {"metric": metrics, "party": (party,)} if party is not None else {"metric": metrics}
    about, names = file.metadata.row_group(group), file.schema_arrow.names
    for name, words in asked.items():
        limits = about.column(names.index(name)).statistics
        known = limits is not None and limits.has_min_max
        if known and not any(limits.min <= word <= limits.max for word in words):
            return False
    return True


def over_time(path: Path, period: str) -> dict[tuple[str, str, str], Series]:
    """(metric, party, strategy) -> its series by month or year."""
    words = ["metric", "party", "strategy"]
    with pq.ParquetFile(path, read_dictionary=words) as file:
        table = file.read()
    months = table.column(period).to_pylist()
    numbers = [_numbers(table, name) for name in Series._fields[1:]]
    found = _blocks(table, words)
    return {key: Series(months[rows], *(x[rows] for x in numbers)) for key, rows in found.items()}


def _blocks(table: Any, columns: list[str]) -> dict[Any, slice]:
    """Each combination of words, whose rows stand together in a sorted table."""
    whole = [table.column(c).combine_chunks() for c in columns]
    codes = [np.from_dlpack(c.indices) for c in whole]
    edge = np.zeros(table.num_rows, dtype=bool)
    edge[:1] = True
    for code in codes:
        edge[1:] |= code[1:] != code[:-1]
    starts = [*np.flatnonzero(edge).tolist(), table.num_rows]
    return {tuple(str(c[a]) for c in whole): slice(a, b) for a, b in pairwise(starts)}


def _numbers(table: Any, column: str) -> Floats:
    """A column without nulls; pyarrow's to_numpy would import pandas, a quarter of a second."""
    return np.asarray(np.from_dlpack(table.column(column).combine_chunks()), dtype=np.float64)
