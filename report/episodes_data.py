"""What a page, a screen and the charts of episodes read: the files of the folder, nothing else."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from .rundata import Floats

Row = dict[str, Any]
ENOUGH = 20  # replications from which 5 and 95 % are told; below, the range
FEWEST = 10  # replications below which no difference is called more than chance


class Spread(NamedTuple):
    """A number over replications."""

    mean: float
    se: float | None  # of the mean
    low: float
    high: float
    interval: str  # what low and high are: range, or 90 %
    median: float
    replications: int


class Waits(NamedTuple):
    """Persons by length of time on a list, a replication (mean)."""

    ending: str
    months_from: float
    persons: float


class Beside(NamedTuple):
    """One number of the dynamics beside the mean of replications."""

    metric: str
    subject: str
    unit: str
    dynamics: float
    episodes: float
    se: float | None
    share: float | None  # of the dynamics by which the episodes are above them
    beyond_chance: bool | None  # (Holm, 5 % for all numbers together); None: too few to say


class Episodes:
    """A folder of episodes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.summary: Row = json.loads((folder / "episodes.json").read_text("utf-8"))
        self.names: dict[str, str] = self.summary["names"]
        self.interventions: list[str] = self.summary["interventions"]
        self.replications: int = self.summary["replications"]

    @property
    def enough(self) -> bool:
        """To tell 5 and 95 % of replications."""
        return self.replications >= ENOUGH

    @property
    def few(self) -> bool:
        """Too few to tell a difference from chance, or for a third digit of one."""
        return self.replications < FEWEST

    def name(self, key: str) -> str:
        return self.names.get(key, key.replace("_", " "))

    def spread(self, metric: str, subject: str) -> Spread | None:
        row = self._metrics.get((metric, subject))
        return None if row is None else Spread(*(row[field] for field in Spread._fields))

    def subjects(self, metric: str) -> list[str]:
        return [subject for name, subject in self._metrics if name == metric]

    @cached_property
    def _metrics(self) -> dict[tuple[str, str], Row]:
        return {(row["metric"], row["subject"]): row for row in self.summary["metrics"]}

    def beside(self, metric: str, subject: str) -> Beside | None:
        for row in self.summary["dynamics"]:
            if (row["metric"], row["subject"]) == (metric, subject):
                return Beside(*(row[field] for field in Beside._fields))
        return None

    # --- tables

    @cached_property
    def labels(self) -> list[str]:
        """Month by month, 2025-01-01 ..."""
        first = np.datetime64(self.summary["start"], "M")
        months = first + np.arange(self.summary["months"])
        return [str(month) for month in months.astype("datetime64[D]")]

    @cached_property
    def _months(self) -> dict[str, Floats]:
        return self._columns("months", (self.replications, len(self.interventions), -1))

    @cached_property
    def _dynamics(self) -> dict[str, Floats]:
        return self._columns("dynamics", (len(self.interventions), -1))

    def _columns(self, name: str, shape: Sequence[int]) -> dict[str, Floats]:
        table = pq.read_table(self.folder / f"{name}.parquet")
        words = {"replication", "intervention", "month"}
        return {c: table[c].to_numpy().reshape(shape) for c in table.column_names if c not in words}

    def monthly(self, stock: str, intervention: str) -> Floats:
        """[replication, month]"""
        return np.asarray(self._months[stock][:, self.interventions.index(intervention)])

    def expected(self, stock: str, intervention: str) -> Floats:
        """The dynamics, [month]."""
        return np.asarray(self._dynamics[stock][self.interventions.index(intervention)])

    def waits(self, intervention: str) -> list[Waits]:
        """Persons a replication, by how their time on the list ended and its length."""
        rows: dict[tuple[str, float], float] = {}
        for row in self._waits:
            if row["intervention"] == intervention:
                key = (row["ending"], row["months_from"])
                rows[key] = rows.get(key, 0.0) + row["persons"] / self.replications
        return [Waits(*key, persons) for key, persons in rows.items()]

    @cached_property
    def _waits(self) -> list[Row]:
        return list(pq.read_table(self.folder / "waits.parquet").to_pylist())

    @cached_property
    def settlements(self) -> list[Row]:
        """Every contract-year of every replication."""
        path = self.folder / "settlements.parquet"
        return list(pq.read_table(path).to_pylist()) if path.is_file() else []

    def of_each(self, metric: str) -> dict[str, Floats]:
        """A metric by subject, [replication]."""
        table = pq.read_table(self.folder / "replications.parquet")
        rows = table.filter(pc.field("metric") == metric)
        subject, value = rows["subject"].to_numpy(zero_copy_only=False), rows["value"].to_numpy()
        return {name: value[subject == name] for name in dict.fromkeys(subject.tolist())}

    @property
    def contracts(self) -> list[Row]:
        return list(self.summary["contracts"])

    @property
    def people(self) -> list[Row]:
        return list(self.summary["people"])
