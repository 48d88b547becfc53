"""Work folder: what long work has finished, kept part by part while it goes on.

It stands hidden beside the folder that is to be filled, with what the parts belong to, and is gone
when the work is done. Work that was killed goes on with the parts that are there, to the same
bytes. It is locked, for one process alone.
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from .ondisk import Damaged, Floats, Name, Place, check, places, read, write_block
from .problems import BadInput, Mark, Problem, Unfinished

ABOUT, LOCK = "about.json", "lock"


def work_folder(folder: Path) -> Path:
    """Where work for this folder keeps its finished chunks."""
    return folder.parent / f".{folder.name}.work"


def left_over(folder: Path) -> int:
    """Chunks that earlier work for this folder has kept."""
    return len(list(work_folder(folder).glob("*.chunk")))


class Finished:
    """The finished chunks in a work folder, by number, and where their arrays stand."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder, self.count = folder, count
        self.done: dict[int, dict[Name, Place]] = {}

    def path(self, number: int) -> Path:
        return self.folder / f"{number:06}.chunk"

    def save(self, number: int, arrays: Mapping[Name, Floats]) -> None:
        write_block(self.path(number), arrays)
        self.done[number] = places(self.path(number))

    def read(self, number: int, name: Name) -> Floats:
        return read(self.path(number), self.done[number][name])

    def find(self) -> None:
        """The chunks that are there; a damaged one is done again."""
        for number in range(self.count):
            path = self.path(number)
            if path.exists():
                try:
                    check(path)
                    self.done[number] = places(path)
                except (Damaged, OSError):
                    path.unlink(missing_ok=True)

    def progress_told(self) -> str:
        if not self.done:
            return "nothing was finished, and nothing was written"
        return (
            f"{len(self.done):,} of {self.count:,} chunks are kept in {self.folder}; "
            "go on with the same command and --resume"
        )


@contextmanager
def held(kept: Finished, identity: dict[str, Any], resume: bool) -> Iterator[None]:
    """Hold a work folder while its work is done; it goes when the block is left as it should be.

    `identity` is what must be the same for chunks to belong to the same work. Unfinished says how
    to go on; BadInput where chunks of other work would be resumed, where another process is at it,
    and where the disk is full.
    """
    _refuse_foreign(kept.folder)
    with locked(kept.folder):
        _open(kept, identity, resume)
        try:
            with _to_be_resumed(kept):
                yield
        except (KeyboardInterrupt, SystemExit, Unfinished, BadInput):
            if not kept.done:
                shutil.rmtree(kept.folder, ignore_errors=True)
            raise
        except BaseException:  # a mistake that would come again
            shutil.rmtree(kept.folder, ignore_errors=True)
            raise
        shutil.rmtree(kept.folder, ignore_errors=True)


@contextmanager
def _to_be_resumed(kept: Finished) -> Iterator[None]:
    """Whatever stops the work, with a word on how to go on."""
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


def _open(kept: Finished, identity: dict[str, Any], resume: bool) -> None:
    """The work folder that is there, or anew."""
    if resume and (kept.folder / ABOUT).exists():
        _refuse_other(kept.folder, identity)
        kept.find()
        return
    with _can_write(kept.folder):
        for path in kept.folder.iterdir():
            if path.name != LOCK:
                path.unlink()
        told = json.dumps(identity, indent=1) + "\n"
        (kept.folder / ABOUT).write_text(told, encoding="utf-8")


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
def locked(folder: Path) -> Iterator[None]:
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
