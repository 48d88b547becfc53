"""On disk: columns of numbers too many to keep in memory, read when they are asked for.

Raw doubles of this machine's byte order, for the machine that wrote them: a work folder is no
result. A block of columns is one file, which is there whole or not at all.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
K = TypeVar("K")
BYTES = 8
Name = tuple[str, ...]


class OnDisk(Mapping[K, Floats], Generic[K]):
    """Columns by key; the last one read stays at hand."""

    def __init__(self, keys: Iterable[K], read: Callable[[K], Floats]) -> None:
        self._keys = dict.fromkeys(keys)
        self._read = read
        self._last: tuple[K, Floats] | None = None

    def __getitem__(self, key: K) -> Floats:
        last = self._last
        if last is not None and last[0] == key:
            return last[1]
        if key not in self._keys:
            raise KeyError(key)
        values = self._read(key)
        self._last = key, values
        return values

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __iter__(self) -> Iterator[K]:
        return iter(self._keys)

    def __len__(self) -> int:
        return len(self._keys)


class Columns:
    """Columns [draw] or [draw, event] by name, one behind the other in a file."""

    def __init__(self, path: Path, size: int, columns: Iterable[tuple[str, Floats]]) -> None:
        self._path, self._size = path, size
        self._rows: dict[str, tuple[int, int | None]] = {}  # name -> first row, events
        written = 0
        with path.open("wb") as file:
            for name, values in columns:
                np.ascontiguousarray(values.T, dtype=np.float64).tofile(file)
                events = values.shape[1] if values.ndim > 1 else None
                self._rows[name] = written, events
                written += 1 if events is None else events

    def __iter__(self) -> Iterator[str]:
        return iter(self._rows)

    def read(self, name: str, rows: slice) -> Floats:
        """Values [draw] or [draw, event] of some of the draws."""
        first, events = self._rows[name]
        if events is None:
            return self._row(first, rows)
        found = [self._row(first + k, rows) for k in range(events)]
        return np.stack(found).T if found else np.zeros((rows.stop - rows.start, 0))

    def _row(self, row: int, rows: slice) -> Floats:
        offset = (row * self._size + rows.start) * BYTES
        return np.fromfile(self._path, np.float64, rows.stop - rows.start, offset=offset)


class Place(NamedTuple):
    """Where an array stands in a file of blocks."""

    offset: int
    shape: tuple[int, ...]


class Damaged(Exception):
    """A file that is not what was written."""


def write_block(path: Path, arrays: Mapping[Name, Floats]) -> None:
    """Arrays by name in one file, which takes its name when all of it is there."""
    body = [np.ascontiguousarray(a, dtype=np.float64) for a in arrays.values()]
    check = 0
    for array in body:
        check = zlib.crc32(array.data.cast("B") if array.size else b"", check)
    columns = [[list(name), list(a.shape)] for name, a in zip(arrays, body, strict=True)]
    header = json.dumps({"check": check, "columns": columns}).encode() + b"\n"
    partial = path.with_suffix(".tmp")
    with partial.open("wb") as file:
        file.write(header)
        for array in body:
            array.tofile(file)
    partial.replace(path)


def places(path: Path) -> dict[Name, Place]:
    """Where each array of a block stands; Damaged where the file is cut off."""
    with path.open("rb") as file:
        header = file.readline()
    told = _header(header)
    found, offset = {}, len(header)
    for name, shape in told["columns"]:
        found[tuple(name)] = Place(offset, tuple(shape))
        offset += BYTES * int(np.prod(shape))
    if path.stat().st_size != offset:
        raise Damaged(path.name)
    return found


def _header(line: bytes) -> dict[str, Any]:
    try:
        told: dict[str, Any] = json.loads(line)
    except ValueError:
        raise Damaged("no header") from None
    return told


def check(path: Path) -> None:
    """Damaged unless every byte is as it was written."""
    places(path)
    found = 0
    with path.open("rb") as file:
        expected = _header(file.readline())["check"]
        while piece := file.read(1 << 20):
            found = zlib.crc32(piece, found)
    if found != expected:
        raise Damaged(path.name)


def read(path: Path, at: Place) -> Floats:
    """One array of a block."""
    values = np.fromfile(path, np.float64, int(np.prod(at.shape)), offset=at.offset)
    return values.reshape(at.shape)
