"""Parts: the tables of each replication as files of one folder that reads as one table.

    claims/world=strategy/replication=0/claims.parquet
    pathways/replication=0/pathways.parquet

Folders are named as pandas, pyarrow and DuckDB expect, and become columns when all is read.
Each file says inside what it is: scenario, seed, replication, currency, and what each column means.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa

from model.loading import Loaded

from .case import Case
from .run import Replication
from .tables import CLAIMS_COLUMNS, PATHWAYS_COLUMNS, claims_table, pathways_table, write


class About(NamedTuple):
    """What every file of a run says of itself."""

    scenario: str
    title: str
    months: str
    seed: int
    price_year: int

    def told(self, replication: int, columns: dict[str, str]) -> dict[str, str]:
        """Key and value of the metadata of a file."""
        return {
            "made_by": "Headwater, episodes: synthetic data, of no real person",
            "scenario": self.scenario,
            "title": self.title,
            "months": self.months,
            "seed": str(self.seed),
            "replication": str(replication),
            "currency": "USD",
            "price_basis": "nominal, at the price of the month of care; the scenario's numbers are "
            f"at prices of {self.price_year}",
            **{f"column.{name}": text for name, text in columns.items()},
        }


class Part(NamedTuple):
    """What was written of one replication."""

    replication: int
    files: tuple[str, ...]
    claims: dict[str, int]  # rows by world
    amount: dict[str, float]  # USD by world
    pathways: int  # rows


class PartWriter(NamedTuple):
    """Writes the claims of some worlds, and the pathways, of each replication; `keep` of a run."""

    folder: str
    case: Case
    about: About

    def __call__(self, found: Replication) -> Part:
        files = [self._claims(found, world) for world in found.claims]
        table = pathways_table(self.case, found.pathways)
        told = self.about.told(found.number, PATHWAYS_COLUMNS)
        files.append(self._written(table, "pathways", _numbered(found.number), told))
        return Part(
            found.number,
            tuple(files),
            {world: c.person.size for world, c in found.claims.items()},
            {world: float(c.amount.sum()) for world, c in found.claims.items()},
            found.pathways.person.size,
        )

    def _claims(self, found: Replication, world: str) -> str:
        told = self.about.told(found.number, CLAIMS_COLUMNS) | {"world": world}
        table = claims_table(self.case, found.claims[world])
        return self._written(table, "claims", f"world={world}/{_numbered(found.number)}", told)

    def _written(self, table: pa.Table, name: str, where: str, told: dict[str, str]) -> str:
        """The file's path in the folder: whole, or not there at all."""
        path = Path(self.folder) / name / where / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(f".{path.name}.{os.getpid()}")  # readers pass over such names
        try:
            write(table, unfinished, told)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
        return path.relative_to(self.folder).as_posix()


def _numbered(replication: int) -> str:
    return f"replication={replication}"


def part_writer(loaded: Loaded, case: Case, folder: Path, seed: int) -> PartWriter:
    """For `run(case, replications, seed, part_writer(...), claims=worlds, workers=...)`."""
    scenario = loaded.scenario
    months = f"{scenario.clock.start} to {scenario.clock.end}"
    about = About(scenario.name, scenario.title, months, seed, scenario.prices.year)
    return PartWriter(str(folder), case, about)
