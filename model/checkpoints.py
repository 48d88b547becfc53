"""Checkpoints: a large ensemble in chunks, each kept on disk as soon as it is finished.

Beside the run folder stands a hidden work folder while a run goes on: what was drawn, one file a
finished chunk, and what they belong to. A run that was killed goes on with the chunks that are
there, to the same bytes; the work folder goes when the run folder is whole. Since outcomes are read
back column by column, memory stays bounded however many draws there are (docs/scale.md).
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO, Any, NamedTuple

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
from .ondisk import Columns, Damaged, OnDisk, Place, check, places, read, write_block
from .problems import BadInput, Mark, Problem, Unfinished
from .runfolder import run_hash
from .sampling import Method

CHUNK = 2_048  # draws
# Smaller runs are over in half a minute and fit in memory (docs/decisions/0014).
KEPT_FROM = 20_000  # draws
TABLES = ("metrics", "series", "years")
ABOUT, LOCK = "about.json", "lock"


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


def work_folder(folder: Path) -> Path:
    """Where a run to this folder keeps its finished chunks."""
    return folder.parent / f".{folder.name}.work"


def left_over(folder: Path) -> int:
    """Chunks that an earlier run to this folder has kept."""
    return len(list(work_folder(folder).glob("*.chunk")))


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
    there = work_folder(folder)
    _refuse_foreign(there)
    with _locked(there):
        kept = _opened(there, asked, resume)
        try:
            with _to_be_resumed(kept):
                yield _result(asked, kept, address, progress)
        except (KeyboardInterrupt, SystemExit, Unfinished, BadInput):
            if not kept.done:
                shutil.rmtree(there, ignore_errors=True)
            raise
        except BaseException:  # a mistake that would come again
            shutil.rmtree(there, ignore_errors=True)
            raise
        shutil.rmtree(there, ignore_errors=True)


@contextmanager
def _to_be_resumed(kept: Kept) -> Iterator[None]:
    """Whatever stops a run, with a word on how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        raise Unfinished(f"Interrupted: {kept.progress_told()}") from None
    except Unfinished as lost:
        raise Unfinished(f"Stopped: {lost}; {kept.progress_told()}") from None
    except OSError as error:
        found = f"`{kept.folder}`: cannot write there ({error.strerror or error})"
        allowed = f"a disk with room for the run; {kept.progress_told()}"
        raise BadInput([Problem(Mark("--out", 1, 1), "", found, allowed)]) from None


# --- the work folder


class Kept:
    """The finished chunks of a run in its work folder."""

    def __init__(self, folder: Path, asked: Asked) -> None:
        self.folder, self.rows = folder, asked.chunks
        self.done: dict[int, dict[tuple[str, ...], Place]] = {}

    def path(self, number: int) -> Path:
        return self.folder / f"{number:06}.chunk"

    def save(self, number: int, part: Part) -> None:
        tables = zip(TABLES, (part.metrics, part.series, part.years), strict=True)
        arrays: dict[tuple[str, ...], Floats] = {
            (table, *key): values for table, found in tables for key, values in found.items()
        }
        write_block(self.path(number), arrays)
        self.done[number] = places(self.path(number))

    def find(self) -> None:
        """The chunks that are there; a damaged one is done again."""
        for number in range(len(self.rows)):
            path = self.path(number)
            if path.exists():
                try:
                    check(path)
                    self.done[number] = places(path)
                except (Damaged, OSError):
                    path.unlink(missing_ok=True)

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

    def progress_told(self) -> str:
        if not self.done:
            return "nothing was finished, and nothing was written"
        return (
            f"{len(self.done):,} of {len(self.rows):,} chunks are kept in {self.folder}; "
            "go on with the same command and --resume"
        )


def _opened(folder: Path, asked: Asked, resume: bool) -> Kept:
    """The work folder of a run: the one that is there, or anew."""
    kept = Kept(folder, asked)
    identity = asked.identity()
    if resume and (folder / ABOUT).exists():
        _refuse_other(folder, identity)
        kept.find()
    else:
        with _can_write(folder):
            for path in folder.iterdir():
                if path.name != LOCK:
                    path.unlink()
            (folder / ABOUT).write_text(json.dumps(identity, indent=1) + "\n", encoding="utf-8")
    return kept


def _refuse_foreign(folder: Path) -> None:
    """BadInput where something else has the name of the work folder: nothing of it is dropped."""
    ours = (ABOUT, LOCK)
    if folder.is_dir():
        inside = [path.name for path in folder.iterdir()]
        if not inside or any(name in ours for name in inside):
            return
    elif not folder.exists():
        return
    found = f"`{folder}`, which is there and holds no chunks of a run"
    raise BadInput([Problem(Mark("--out", 1, 1), "", found, "another --out, or to move it away")])


def _refuse_other(folder: Path, identity: dict[str, Any]) -> None:
    """BadInput where the chunks that are there belong to another run."""
    try:
        found = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    except ValueError:
        found = {}
    wrong = [name for name in identity if found.get(name) != identity[name]]
    if not wrong:
        return
    told = ", ".join(f"{name} {found.get(name, 'unknown')}" for name in wrong)
    asked = ", ".join(f"{name} {identity[name]}" for name in wrong)
    where = f"chunks in `{folder}` of another run ({told})"
    allowed = f"chunks of this run ({asked}); without --resume it begins anew and they are dropped"
    raise BadInput([Problem(Mark("--resume", 0, 0), "", where, allowed)])


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """The folder for one process alone; the system drops the lock of a killed one."""
    with _can_write(folder):
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / LOCK).open("w", encoding="utf-8")
    with file:
        try:
            _lock(file)
        except OSError:
            found = f"`{folder}`, in which another process is at work"
            allowed = "to wait for it, or another --out"
            raise BadInput([Problem(Mark("--out", 1, 1), "", found, allowed)]) from None
        yield


@contextmanager
def _can_write(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        found = f"`{folder}`: cannot create a folder there ({error.strerror or error})"
        mark = Mark("--out", 1, 1)
        raise BadInput([Problem(mark, "", found, "a folder you may write to")]) from None


def _lock(file: IO[str]) -> None:
    """OSError where another process has the file."""
    if sys.platform == "win32":
        import msvcrt  # noqa: PLC0415

        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
    else:
        import fcntl  # noqa: PLC0415

        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


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
        kept.save(number, part)
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
