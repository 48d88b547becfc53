"""Spans: where each person is in both worlds at once, and what they are exposed to.

Who was never referred lives alike in both; for the others usual care and strategy are laid over
each other, so that both can share what happens by chance.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..distributions import Floats
from .case import ABSENT, Case, Flags, Ints
from .pathways import Log
from .people import ALIVE, Paths

UNKNOWN = -2


class Spans(NamedTuple):
    """Sorted by person and time; a cell is ABSENT where the person is not there."""

    person: Ints
    start: Floats
    end: Floats
    usual: Ints  # cell in usual care
    strategy: Ints  # cell in the strategy
    exposed: Ints  # bit i: enrolled in or protected by intervention i

    def world(self, name: str) -> Ints:
        cells: Ints = getattr(self, name)
        return cells


def spans(case: Case, paths: Paths, log: Log) -> Spans:
    touched = np.zeros(paths.first.size - 1, dtype=np.bool_)
    touched[np.array(log.person, dtype=np.int64)] = True
    apart = touched[paths.person]
    alike = [column[~apart] for column in (paths.person, paths.start, paths.end, paths.cell)]
    same = Spans(*alike, alike[3], np.zeros(alike[0].size, dtype=np.int64))
    both = [same, _laid_over(case, paths, log, apart, touched)]
    columns = [np.concatenate(column) for column in zip(*both, strict=True)]
    order = np.argsort(columns[0], kind="stable")
    return Spans(*(column[order] for column in columns))


def _laid_over(case: Case, paths: Paths, log: Log, apart: Flags, touched: Flags) -> Spans:
    """The two lives of each client, cut wherever one of them changes."""
    usual = _usual_rows(paths, apart, touched)
    strategy = _strategy_rows(usual, log)
    person, time, in_usual, in_strategy, exposed = (
        np.concatenate(pair) for pair in zip(usual, strategy, strict=True)
    )
    order = np.lexsort((time, person))
    person, time = person[order], time[order]
    end = np.append(time[1:], case.months).astype(np.float64)
    last = np.append(person[1:] != person[:-1], True)[: person.size]
    end[last] = case.months
    known = (_filled(column[order]) for column in (in_usual, in_strategy, exposed))
    out = Spans(person, time, end, *known)
    there = (out.usual != ABSENT) | (out.strategy != ABSENT)
    keep = there & (last | (out.end > out.start))
    return Spans(*(column[keep] for column in out))


def _usual_rows(paths: Paths, apart: Flags, touched: Flags) -> tuple[Any, ...]:
    """Changes in usual care: each row of the path, and the exit."""
    who = np.flatnonzero(touched & (paths.fate != ALIVE))
    person = np.concatenate([paths.person[apart], who])
    time = np.concatenate([paths.start[apart], paths.end[paths.first[who + 1] - 1]])
    cell = np.concatenate([paths.cell[apart], np.full(who.size, ABSENT)])
    unknown = np.full(person.size, UNKNOWN)
    return person, time, cell, unknown, unknown


def _strategy_rows(usual: tuple[Any, ...], log: Log) -> tuple[Any, ...]:
    """Changes in the strategy: as in usual care before the first referral, then as logged."""
    person, time = np.array(log.person, dtype=np.int64), np.array(log.time)
    since = np.full(int(max(person.max(initial=0), usual[0].max(initial=0))) + 1, np.inf)
    np.minimum.at(since, person, time)
    before = usual[1] < since[usual[0]]
    nothing = np.zeros(int(before.sum()), dtype=np.int64)
    columns = (
        np.concatenate([usual[0][before], person]),
        np.concatenate([usual[1][before], time]),
        np.concatenate([usual[2][before], np.array(log.cell, dtype=np.int64)]),
        np.concatenate([nothing, np.array(log.exposed, dtype=np.int64)]),
    )
    unknown = np.full(columns[0].size, UNKNOWN)
    return columns[0], columns[1], unknown, columns[2], columns[3]


def _filled(column: Ints) -> Ints:
    """The last known value; each person's first rows know all."""
    known = np.maximum.accumulate(np.where(column != UNKNOWN, np.arange(column.size), 0))
    return column[known]
