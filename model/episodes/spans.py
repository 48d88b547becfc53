"""Spans: where each person is in both worlds at once, and what they are exposed to.

Who was never referred lives alike in both; for the others usual care and strategy are laid over
each other, so that both can share what happens by chance.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from model.distributions import Floats

from .case import ABSENT, Case, Flags, Ints
from .pathways import Changes, Log
from .people import ALIVE, Paths
from .ramp import joined_up, some

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
    exposures, moves = log.exposures, log.moves
    touched = np.zeros(paths.first.size - 1, dtype=np.bool_)
    touched[exposures.person] = True
    apart = touched[paths.person]
    nothing = np.zeros(paths.person.size, dtype=np.int64)
    usual = Spans(paths.person, paths.start, paths.end, paths.cell, paths.cell, nothing)
    rows = [_usual(paths, apart, touched, moves), _exposed(exposures), _moved(moves)]
    both = joined_up([some(usual, ~apart), _laid_over(rows, float(case.months))])
    return some(both, np.argsort(both.person, kind="stable"))


class _Rows(NamedTuple):
    """What becomes known of a person at a time; the rest stays as it was."""

    person: Ints
    time: Floats
    usual: Ints
    strategy: Ints
    exposed: Ints


def _usual(paths: Paths, apart: Flags, touched: Flags, moves: Changes) -> _Rows:
    """Changes in usual care, and the exit; the strategy's, too, until its path is drawn."""
    who = np.flatnonzero(touched & (paths.fate != ALIVE))
    person = np.concatenate([paths.person[apart], who])
    time = np.concatenate([paths.start[apart], paths.end[paths.first[who + 1] - 1]])
    cell = np.concatenate([paths.cell[apart], np.full(who.size, ABSENT)])
    drawn = np.full(touched.size, np.inf)
    np.minimum.at(drawn, moves.person, moves.time)
    strategy = np.where(time < drawn[person], cell, UNKNOWN)
    first = (np.arange(paths.person.size) == paths.first[paths.person])[apart]
    exposed = np.concatenate([np.where(first, 0, UNKNOWN), np.full(who.size, UNKNOWN)])
    return _Rows(person, time, cell, strategy, exposed)


def _exposed(exposures: Changes) -> _Rows:
    unknown = np.full(exposures.person.size, UNKNOWN)
    return _Rows(exposures.person, exposures.time, unknown, unknown, exposures.value)


def _moved(moves: Changes) -> _Rows:
    unknown = np.full(moves.person.size, UNKNOWN)
    return _Rows(moves.person, moves.time, unknown, moves.value, unknown)


def _laid_over(rows: list[_Rows], horizon: float) -> Spans:
    """The two lives of each client, cut wherever one of them changes."""
    known = joined_up(rows)
    known = some(known, np.lexsort((known.time, known.person)))
    person, time = known.person, known.time
    last = np.append(person[1:] != person[:-1], True)[: person.size]
    end = np.append(time[1:], horizon)[: person.size]
    end[last] = horizon
    usual, strategy = _filled(known.usual), _filled(known.strategy)
    out = Spans(person, time, end, usual, strategy, _filled(known.exposed))
    there = (out.usual != ABSENT) | (out.strategy != ABSENT)
    keep = there & (last | (out.end > out.start))
    return some(out, keep)


def _filled(column: Ints) -> Ints:
    """The last known value; each person's first row knows all."""
    known = np.maximum.accumulate(np.where(column != UNKNOWN, np.arange(column.size), 0))
    return column[known]
