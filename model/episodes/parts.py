"""Parts: the tables of each replication as files of one folder that reads as one table.

    claims/world=strategy/replication=0/claims.parquet
    pathways/replication=0/pathways.parquet
    eligibility/world=strategy/replication=0/eligibility.parquet

The last, who was whose member when, is written where a writer has `members`. Folders are named as
pandas, pyarrow and DuckDB expect, and become columns when all is read.
Each file says inside what it is: scenario, seed, replication, currency, and what each column means.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import pyarrow as pa

from model.distributions import Floats
from model.loading import Loaded

from .case import LEVELS, Case
from .claims import member_of
from .run import Replication
from .spans import Spans
from .tables import (
    CLAIMS_COLUMNS,
    PATHWAYS_COLUMNS,
    claims_table,
    dates,
    month_starts,
    named,
    pathways_table,
    write,
)

T = TypeVar("T")
ELIGIBILITY_COLUMNS = {
    "person": "number of the resident, the same in all tables of a replication",
    "segment": "segment of the resident throughout",
    "payer": "party whose member the resident is throughout; null: of none",
    "first_day": "first day there",
    "last_day": "day on which it ended; the day after the horizon for who is still there",
    "first_month": "first day of the first month with a day in it",
    "last_month": "first day of the last month with a day in it",
    "member_months": "months in it, parts of a month counted as parts",
}


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


# --- who was whose member when


def eligibility_table(case: Case, spans: Spans, world: str, payer: Floats) -> pa.Table:
    """One row for each unbroken time of a person in a segment, sorted by person and time.

    payer [person]: which of a segment's payers each person stays with (Traits.payer).
    """
    cell = spans.world(world)
    there = np.flatnonzero(cell >= 0)
    person, segment = spans.person[there], cell[there] // LEVELS
    start, end = spans.start[there], spans.end[there]
    new = np.ones(person.size, dtype=np.bool_)
    new[1:] = (person[1:] != person[:-1]) | (segment[1:] != segment[:-1]) | (start[1:] > end[:-1])
    first = np.flatnonzero(new)
    last = np.append(first[1:], person.size)[: first.size] - 1
    who, where, begins, ends = person[first], segment[first], start[first], end[last]
    party = member_of(case, where, payer[who])
    months = month_starts(case, case.months)
    final = np.maximum(np.ceil(ends).astype(np.int64) - 1, begins.astype(np.int64))
    members = named(np.maximum(party, 0), case.names.parties)
    return pa.table(
        {
            "person": pa.array(who.astype(np.int32)),
            "segment": named(where, case.names.segments),
            "payer": pa.DictionaryArray.from_arrays(
                pa.array(members.indices, mask=party < 0), members.dictionary
            ),
            "first_day": dates(case, begins),
            "last_day": dates(case, ends),
            "first_month": pa.array(months[begins.astype(np.int64)]),
            "last_month": pa.array(months[final]),
            "member_months": pa.array(ends - begins),
        }
    )


# --- writing


class PartWriter(NamedTuple):
    """Writes the claims of some worlds, and the pathways, of each replication; `keep` of a run."""

    folder: str
    case: Case
    about: About
    members: bool = False  # eligibility beside the claims, and claims with numbers

    def __call__(self, found: Replication) -> Part:
        files = [self._claims(found, world) for world in found.claims]
        if self.members:
            files += [self._eligibility(found, world) for world in found.claims]
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
        table, columns = claims_table(self.case, found.claims[world]), CLAIMS_COLUMNS
        if self.members:
            table = table.add_column(0, "claim", pa.array(np.arange(table.num_rows)))
            columns = {"claim": "number of the claim in its file, from 0"} | columns
        told = self.about.told(found.number, columns) | {"world": world}
        return self._written(table, "claims", f"world={world}/{_numbered(found.number)}", told)

    def _eligibility(self, found: Replication, world: str) -> str:
        told = self.about.told(found.number, ELIGIBILITY_COLUMNS) | {"world": world}
        table = eligibility_table(self.case, found.spans, world, found.traits.payer)
        return self._written(table, "eligibility", f"world={world}/{_numbered(found.number)}", told)

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


@dataclass(frozen=True)
class WriteAnd(Generic[T]):
    """Writes the tables of the first replication or of all, then keeps what `keep` makes of each.

    worlds: whose claims are written; the replication may hold those of more.
    """

    keep: Callable[[Replication], T]
    writer: PartWriter
    every: bool
    worlds: tuple[str, ...]

    def __call__(self, found: Replication) -> T:
        if self.every or found.number == 0:
            claims = {world: found.claims[world] for world in self.worlds}
            self.writer(found._replace(claims=claims))
        return self.keep(found)


@dataclass(frozen=True)
class Sent(Generic[T]):
    """What a worker elsewhere made of a replication: what is kept, and files by their paths."""

    kept: T
    files: dict[str, bytes]

    def written(self, folder: Path) -> T:
        """The files written here; returns what is kept."""
        for name, data in self.files.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        return self.kept


@dataclass(frozen=True)
class SendBack(Generic[T]):
    """WriteAnd on a machine that has no way to the folder: what it writes is sent back."""

    work: WriteAnd[T]

    def __call__(self, found: Replication) -> Sent[T]:
        with TemporaryDirectory() as place:
            writer = self.work.writer._replace(folder=place)
            kept = replace(self.work, writer=writer)(found)
            files = sorted(Path(place).rglob("*.parquet"))
            return Sent(kept, {f.relative_to(place).as_posix(): f.read_bytes() for f in files})
