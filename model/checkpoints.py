"""Checkpoints: a large ensemble in chunks, each kept on disk as soon as it is finished.

Beside the run folder stands a hidden work folder while a run goes on: what was drawn, one file a
finished chunk, and what they belong to. A run that was killed goes on with the chunks that are
there, to the same bytes; the work folder goes when the run folder is whole. Since outcomes are read
back column by column, memory stays bounded however many draws there are (docs/scale.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .cluster import about, mapped
from .distributions import Floats
from .draws import Draws, each_drawn, fixed
from .ensemble import (
    Key,
    Part,
    Progress,
    Result,
    chunks,
    in_order,
    part_of,
    result_of,
    silent,
    untold,
)
from .loading import Loaded
from .luck import each_luck
from .ondisk import Columns, OnDisk, read
from .runfolder import run_hash
from .sampling import Method
from .workfolder import Finished, held, work_folder

CHUNK = 2_048  # draws
# Smaller runs are over in half a minute and fit in memory (docs/decisions/0014).
KEPT_FROM = 20_000  # draws
TABLES = ("metrics", "series", "years")


class Asked(NamedTuple):
    """A run: what its results follow from, and the size of its chunks."""

    loaded: Loaded
    draws: int
    seed: int
    method: Method
    luck: int
    chunk: int

    @property
    def size(self) -> int:
        """Draws with their replicates of chance."""
        return self.draws * self.luck

    @property
    def chunks(self) -> list[slice]:
        return list(chunks(self.size, self.chunk))

    def inputs(self) -> str:
        return run_hash(self.loaded, self.draws, self.seed, self.method, self.luck)

    def identity(self) -> dict[str, Any]:
        """What must be the same for chunks to belong to the same run."""
        told = {"draws": self.draws, "luck": self.luck, "seed": self.seed, "sampling": self.method}
        return told | {"inputs": self.inputs(), "chunk": self.chunk} | about()


def wanted(size: int, address: str | None, chunk: int | None, resume: bool) -> bool:
    """Whether a run is kept chunk by chunk: where it is large, or somebody asks for it."""
    return size > KEPT_FROM or resume or address is not None or chunk is not None


@contextmanager
def kept_run(
    asked: Asked,
    folder: Path,
    resume: bool = False,
    address: str | None = None,
    progress: Progress = silent,
) -> Iterator[Result]:
    """Run an ensemble to be written to `folder`; leave the block once it is written.

    Unfinished says how to go on; BadInput where chunks of another run would be resumed, where
    another process is at the same run, and where the disk is full.
    """
    kept = Kept(work_folder(folder), asked)
    with held(kept, asked.identity(), resume):
        yield _result(asked, kept, address, progress)


# --- the work folder


class Kept(Finished):
    """The finished chunks of a run in its work folder, column by column."""

    def __init__(self, folder: Path, asked: Asked) -> None:
        super().__init__(folder, len(asked.chunks))
        self.rows = asked.chunks

    def save_part(self, number: int, part: Part) -> None:
        tables = zip(TABLES, (part.metrics, part.series, part.years), strict=True)
        self.save(
            number,
            {(table, *key): values for table, found in tables for key, values in found.items()},
        )

    def keys(self, table: str) -> list[Key]:
        found = (name for _, there in sorted(self.done.items()) for name in there)
        return [Key(*name[1:]) for name in dict.fromkeys(found) if name[0] == table]

    def metric(self, key: Key) -> Floats:
        """Values [draw] over all chunks."""
        parts = []
        for number, there in sorted(self.done.items()):
            at = there.get(("metrics", *key))
            rows = self.rows[number]
            size = rows.stop - rows.start
            parts.append(read(self.path(number), at) if at else untold(key.metric, size))
        return np.concatenate(parts)

    def series(self, table: str) -> Callable[[Key], Floats]:
        """Reads values [draw, month or year] over the chunks that have them."""
        draws = {
            number: next((at.shape[0] for name, at in there.items() if name[0] == table), 0)
            for number, there in sorted(self.done.items())
        }

        def column(key: Key) -> Floats:
            at = {number: self.done[number].get((table, *key)) for number in draws}
            width = next(place.shape[1] for place in at.values() if place)
            return np.concatenate([
                read(self.path(number), place) if place else np.zeros((draws[number], width))
                for number, place in at.items()
            ])  # fmt: skip

        return column


# --- the run


class Item(NamedTuple):
    """What a chunk is simulated from: its place, and what was drawn for it."""

    first: int
    size: int
    values: dict[str, Floats]
    luck: dict[str, Floats]


@dataclass(frozen=True)
class Work:
    """Simulates a chunk, here or on a worker."""

    asked: Asked

    @property
    def inputs(self) -> str:
        return self.asked.inputs()

    def __call__(self, item: Item, progress: Progress = silent) -> Part:
        loaded, _, seed, method, _, _ = self.asked
        values = fixed(loaded) | item.values
        return part_of(
            Draws(loaded, item.size, seed, method, values, item.luck),
            item.first,
            progress=lambda done: progress(item.first + done),
        )


def _result(asked: Asked, kept: Kept, address: str | None, progress: Progress) -> Result:
    """Simulate the chunks that are not there yet, and all outcomes as columns on disk."""
    todo = [number for number in range(len(kept.rows)) if number not in kept.done]
    drawn, chance = _drawn(asked, kept.folder)

    def items() -> Iterator[Item]:
        for rows in (kept.rows[number] for number in todo):
            values = {name: drawn.read(name, rows) for name in drawn}
            luck = {name: chance.read(name, rows) for name in chance}
            yield Item(rows.start, rows.stop - rows.start, values, luck)

    work = Work(asked)
    told: Callable[[Item], Part] = work
    if address is None:
        told = partial(work, progress=progress)
    for number, part in zip(todo, mapped(told, items(), address, work.inputs), strict=True):
        kept.save_part(number, part)
        progress(kept.rows[number].stop)
    scenario, (monthly, yearly) = asked.loaded.scenario, TABLES[1:]
    return result_of(
        _draws(asked, drawn, chance),
        OnDisk(in_order(kept.keys("metrics"), scenario), kept.metric),
        OnDisk(kept.keys(monthly), kept.series(monthly)),
        OnDisk(kept.keys(yearly), kept.series(yearly)),
        asked.luck,
    )


def _drawn(asked: Asked, folder: Path) -> tuple[Columns, Columns]:
    """What `draws.sample` gives, one column after the other, as files."""
    each = each_drawn(asked.loaded, asked.draws, asked.seed, asked.method)
    repeated = ((name, np.repeat(values, asked.luck)) for name, values in each)
    chance = each_luck(asked.loaded.scenario, asked.size, asked.seed)
    return (
        Columns(folder / "draws", asked.size, repeated),
        Columns(folder / "luck", asked.size, chance),
    )


def _draws(asked: Asked, drawn: Columns, chance: Columns) -> Draws:
    """All draws, each column read when it is asked for."""
    everything, same = slice(0, asked.size), fixed(asked.loaded)

    def value(name: str) -> Floats:
        return same[name] if name in same else drawn.read(name, everything)

    values = OnDisk([*same, *drawn], value)
    luck = OnDisk(chance, lambda name: chance.read(name, everything))
    return Draws(asked.loaded, asked.size, asked.seed, asked.method, values, luck)
