"""Variants: several sets of numbers on the same draws and luck, told of a few outcomes.

Sensitivity, thresholds and the value of information ask the same model many times, with some
numbers changed. A world whose inputs are those of the first variant, number for number, is not
simulated again: prices and effects leave usual care as it was, a re-set of rates leaves both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from .cluster import mapped
from .distributions import Floats
from .draws import Draws
from .ensemble import (
    CHUNK,
    WORKERS,
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
from .workfolder import Finished
from .worlds import World, Worlds

# Large work goes in parts, all variants of some draws: this many runs of the model, or draws.
RUNS_PER_PART = 1_024
DRAWS_PER_PART = 128
VALUES = ("values",)


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
    kept: Finished | None = None,
) -> Floats:
    """Values [variant, output, draw]; all variants have as many draws, and the same scenario.

    `progress` is told how many draws are done, counted over all variants. With the address of a
    Dask cluster its workers do the work; with `kept` it goes on with the parts that are there. The
    values are the same.
    """
    if address is not None or kept is not None:
        return _in_parts(variants, asked, address, kept, progress)
    size = variants[0].size
    out = np.empty((len(variants), len(asked.outputs), size))
    done, bench = 0, Bench()
    with ThreadPoolExecutor(WORKERS) as threads:
        for rows in chunks(size, chunk):
            bench.begin(variants[0], rows)

            def tell(k: int, rows: slice = rows) -> None:
                with bench.worlds(variants[k], rows) as worlds:
                    for j, values in told(Told(worlds, asked.care), asked):
                        out[k, j, rows] = values

            for _ in in_turn(threads, tell, range(len(variants))):
                progress(done := done + rows.stop - rows.start)
    return out


def in_turn(
    threads: ThreadPoolExecutor, work: Callable[[int], None], items: range
) -> Iterator[None]:
    """Work on the items in threads; when something stops it, what has not begun is dropped."""
    begun = [threads.submit(work, k) for k in items]
    try:
        for each in begun:
            yield each.result()
    except BaseException:
        for each in begun:
            each.cancel()
        raise


def parts(variants: int, draws: int) -> list[slice]:
    """Draws of each part of large work."""
    return list(chunks(draws, max(DRAWS_PER_PART, RUNS_PER_PART // variants)))


class Share(NamedTuple):
    """A part of the draws of all variants, and how many runs come before it."""

    before: int
    variants: list[Draws]


@dataclass(frozen=True)
class Work:
    """Here or on a worker: what is asked for, its parts by number, since they do not pickle."""

    outputs: tuple[Wanted, ...]
    parts: tuple[int, ...]
    monthly: bool
    care: bool

    def __call__(self, share: Share, progress: Progress = silent) -> Floats:
        told_by = tuple(PARTS[number] for number in self.parts)
        asked = Plan(self.outputs, told_by, self.monthly, self.care)
        return outputs(share.variants, asked, progress=lambda done: progress(share.before + done))


def _in_parts(
    variants: Sequence[Draws],
    asked: Plan,
    address: str | None,
    kept: Finished | None,
    progress: Progress,
) -> Floats:
    """The same part by part, each kept as soon as it is finished; here or on a cluster."""
    count, size = len(variants), variants[0].size
    out, each = np.empty((count, len(asked.outputs), size)), parts(count, size)
    done = sorted(kept.done) if kept is not None else []
    for part in done:
        assert kept is not None
        out[:, :, each[part]] = kept.read(part, VALUES)
    todo = [part for part in range(len(each)) if part not in done]
    shares = (Share(each[k].start * count, some_draws(variants, each[k])) for k in todo)
    numbers = tuple(PARTS.index(part) for part in asked.parts)
    work = Work(asked.outputs, numbers, asked.monthly, asked.care)
    simulated: Callable[[Share], Floats] = work
    if address is None:
        simulated = partial(work, progress=progress)
    for part, values in zip(todo, mapped(simulated, shares, address), strict=True):
        if kept is not None:
            kept.save(part, {VALUES: values})
        out[:, :, each[part]] = values
        progress(each[part].stop * count)
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
    """Both worlds of variants on the same rows; those of the first are kept to compare with.

    Several threads may ask at once: each variant is simulated in the thread that asks, in room
    that no other uses at the time.
    """

    def __init__(self) -> None:
        self._first: tuple[Draws, Prepared, Prepared, Worlds] | None = None
        self._rooms: list[World] = []

    def begin(self, draws: Draws, rows: slice) -> None:
        """Simulate the first variant, in all threads; the one before it may be written over."""
        if self._first is not None:
            before = self._first[-1]
            self._rooms += [before.usual_world, before.strategy_world]
        ready = prepared(draws, rows)
        usual = usual_care(ready, self._room())
        settled = with_contracts(ready, usual)
        strategy = with_interventions(settled, self._room())
        self._first = draws, ready, settled, Worlds(draws.scenario, ready.get, usual, strategy)

    @contextmanager
    def worlds(self, draws: Draws, rows: slice) -> Iterator[Worlds]:
        """Both worlds; those whose inputs are the first variant's are the first variant's.

        The others may be written over once the block is left.
        """
        assert self._first is not None
        first, first_ready, first_settled, found = self._first
        if draws is first:
            yield found
            return
        ready, rooms = prepared(draws, rows), []
        usual, strategy = found.usual_world, found.strategy_world
        if not same_usual_care(ready, first_ready):
            usual = usual_care(ready, self._room(), threads=1)
            rooms.append(usual)
        settled = with_contracts(ready, usual)
        if not same(settled[1:], first_settled[1:]):
            strategy = with_interventions(settled, self._room(), threads=1)
            rooms.append(strategy)
        yield Worlds(draws.scenario, ready.get, usual, strategy)
        self._rooms += rooms

    def _room(self) -> World | None:
        try:
            return self._rooms.pop()
        except IndexError:
            return None


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
