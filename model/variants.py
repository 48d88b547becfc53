"""Variants: several sets of numbers on the same draws and luck, told of a few outcomes.

Sensitivity, thresholds and the value of information ask the same model many times, with some
numbers changed. A world whose inputs are those of the first variant, number for number, is not
simulated again: prices and effects leave usual care as it was, a re-set of rates leaves both.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from .cluster import mapped
from .distributions import Floats
from .draws import Draws
from .ensemble import (
    CHUNK,
    Aside,
    Prepared,
    Progress,
    chunks,
    prepared,
    silent,
    usual_care,
    with_contracts,
    with_interventions,
)
from .outcomes import PARTS, Told
from .wanted import Plan, Wanted, told
from .worlds import World, Worlds

# A worker of a cluster gets all variants of this many draws at a time.
DRAWS_PER_WORKER = 64


def changed(base: Draws, values: Mapping[str, Floats]) -> Draws:
    """The same draws with some of the numbers [draw] changed."""
    return replace(base, values={**base.values, **values})


def exchanged(base: Draws, other: Draws, names: Iterable[str]) -> Draws:
    """The same draws with some of the numbers taken from other draws."""
    return changed(base, {name: other.values[name] for name in names})


def with_luck(base: Draws, other: Draws) -> Draws:
    """The same numbers with the luck of other draws."""
    return replace(base, luck=other.luck)


def outputs(
    variants: Sequence[Draws],
    asked: Plan,
    chunk: int = CHUNK,
    progress: Progress = silent,
    address: str | None = None,
) -> Floats:
    """Values [variant, output, draw]; all variants have as many draws, and the same scenario.

    `progress` is told how many draws are done, counted over all variants. With the address of a
    Dask cluster its workers do the work; the values are the same.
    """
    if address is not None:
        return _on_cluster(variants, asked, address, progress)
    size = variants[0].size
    out = np.empty((len(variants), len(asked.outputs), size))
    done, bench = 0, Bench()

    def tell(worlds: Worlds, of: tuple[int, slice]) -> None:
        variant, rows = of
        for k, values in told(Told(worlds, asked.care), asked):
            out[variant, k, rows] = values

    for rows in chunks(size, chunk):
        bench.first = None
        with Aside(tell) as aside:
            for k, draws in enumerate(variants):
                bench.free(aside.room)
                aside.tell(bench.worlds(draws, rows), (k, rows))
                done += rows.stop - rows.start
                progress(done)
        bench.free(aside.room)
    return out


@dataclass(frozen=True)
class Work:
    """On a worker: what is asked for, its parts by number, since they do not pickle."""

    outputs: tuple[Wanted, ...]
    parts: tuple[int, ...]
    monthly: bool
    care: bool

    def __call__(self, variants: Sequence[Draws]) -> Floats:
        parts = tuple(PARTS[number] for number in self.parts)
        return outputs(variants, Plan(self.outputs, parts, self.monthly, self.care))


def _on_cluster(variants: Sequence[Draws], asked: Plan, address: str, progress: Progress) -> Floats:
    out = np.empty((len(variants), len(asked.outputs), variants[0].size))
    numbers = tuple(PARTS.index(part) for part in asked.parts)
    work = Work(asked.outputs, numbers, asked.monthly, asked.care)
    each = list(chunks(variants[0].size, DRAWS_PER_WORKER))
    shares = (some_draws(variants, rows) for rows in each)
    for rows, values in zip(each, mapped(work, shares, address), strict=True):
        out[:, :, rows] = values
        progress(rows.stop * len(variants))
    return out


def some_draws(variants: Sequence[Draws], rows: slice) -> list[Draws]:
    """The same variants of some of the draws; what variants share stays shared."""
    known: dict[int, Floats] = {}

    def cut(values: Floats) -> Floats:
        if values.ndim == 0:
            return values
        return known.setdefault(id(values), values[rows])

    size = rows.stop - rows.start
    return [
        replace(
            draws,
            size=size,
            values={name: cut(values) for name, values in draws.values.items()},
            luck={name: cut(values) for name, values in draws.luck.items()},
        )
        for draws in variants
    ]


class Bench:
    """Worlds of one variant after the other; those of the first are kept to compare with."""

    def __init__(self) -> None:
        self.first: tuple[Prepared, Prepared, Worlds] | None = None
        self._rooms: list[World] = []

    def free(self, worlds: Worlds | None) -> None:
        """What has been told of may be written over, unless it is the first variant's."""
        kept = self.first[2] if self.first else None
        taken = [kept.usual_world, kept.strategy_world, *self._rooms] if kept else self._rooms
        for world in (worlds.usual_world, worlds.strategy_world) if worlds else ():
            if not any(world.activity.use is other.activity.use for other in taken):
                self._rooms.append(world)

    def worlds(self, draws: Draws, rows: slice) -> Worlds:
        """Both worlds; those whose inputs are the first variant's are the first variant's."""
        ready = prepared(draws, rows)
        first = self.first
        if first is not None and same_usual_care(ready, first[0]):
            usual = first[2].usual_world
        else:
            usual = usual_care(ready, self._room())
        settled = with_contracts(ready, usual)
        if first is not None and same(settled[1:], first[1][1:]):
            strategy = first[2].strategy_world
        else:
            strategy = with_interventions(settled, self._room())
        found = Worlds(draws.scenario, ready.get, usual, strategy)
        if first is None:
            self.first = ready, settled, found
        return found

    def _room(self) -> World | None:
        return self._rooms.pop() if self._rooms else None


def same_usual_care(a: Prepared, b: Prepared) -> bool:
    """Whether usual care is the same: nobody is served, so programmes do not matter to it."""
    built = b.built._replace(programmes=a.built.programmes)
    return same(a.built, built) and same(a.finances, b.finances)


def same(a: Any, b: Any) -> bool:
    """Whether two trees of arrays hold the same numbers, bit for bit."""
    if isinstance(a, tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, np.ndarray):
        return a is b or (a.shape == b.shape and a.tobytes() == b.tobytes())
    return a is b or bool(a == b)
