"""Ramp: something that builds up over time at a rate that is constant within a month."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from model.distributions import Floats

from .case import Ints

TABLE = 16  # cells a month, on average
T = TypeVar("T", bound=tuple[Any, ...])


class Ramp:
    """Rows of cumulated rates; `at` reads one at a time, `when` finds the time of a value."""

    def __init__(self, rate: Floats) -> None:
        """rate: [row, month]"""
        rows, self.months = rate.shape
        self.total = np.zeros((rows, self.months + 1))
        np.cumsum(rate, axis=1, out=self.total[:, 1:])
        self.step = np.diff(self.total, axis=1)
        self.inverse = np.divide(1.0, self.step, out=np.zeros_like(rate), where=self.step > 0.0)
        self.apart = float(self.total.max()) + 1.0
        self.flat = (self.total + self.apart * np.arange(rows)[:, None]).ravel()
        self.tables: dict[int, tuple[float, Ints]] = {}

    def at(self, row: Any, time: Floats) -> Floats:
        month = np.minimum(time.astype(np.int64), self.months - 1)
        if isinstance(row, int):
            return np.asarray(self.total[row][month] + (time - month) * self.step[row][month])
        out: Floats = self.total[row, month] + (time - month) * self.step[row, month]
        return out

    def when(self, row: Any, value: Floats) -> Floats:
        """The time at which a row reaches a value that lies within it."""
        if isinstance(row, int):
            month = self._month_in(row, value)
            part = (value - self.total[row][month]) * self.inverse[row][month]
        else:
            month = self._month(row, value)
            part = (value - self.total[row, month]) * self.inverse[row, month]
        out: Floats = month + np.clip(part, 0.0, 1.0)
        return out

    def _month(self, row: Ints, value: Floats) -> Ints:
        found = np.searchsorted(self.flat, value + self.apart * row, side="left") - 1
        return np.asarray(np.clip(found - row * (self.months + 1), 0, self.months - 1))

    def _month_in(self, row: int, value: Floats) -> Ints:
        """The same for one row: looked up in a table of equal steps, each with its first month,
        and put right month by month. A search for each value takes several times as long.
        """
        total = self.total[row]
        if row not in self.tables:
            self.tables[row] = _first_months(total)
        per_unit, first = self.tables[row]
        cell = np.clip((value * per_unit).astype(np.intp), 0, first.size - 1)
        month = first[cell]
        while True:
            later = (value > total[month + 1]) & (month < self.months - 1)
            if not later.any():
                return month
            month += later


def _first_months(total: Floats) -> tuple[float, Ints]:
    """Cells/unit of a row, and the month in which each cell begins."""
    months = total.size - 1
    per_unit = TABLE * months / max(float(total[-1]), 1e-300)
    starts = np.arange(TABLE * months) / per_unit
    first = np.clip(np.searchsorted(total, starts * (1.0 - 1e-12), side="left") - 1, 0, months - 1)
    return per_unit, first.astype(np.intp)


def some(columns: T, which: Any) -> T:
    """The same columns, of some rows or in another order."""
    make: Any = type(columns)
    made: T = make(*(column[which] for column in columns))
    return made


def joined_up(parts: Sequence[T]) -> T:
    """The rows of all parts, one after the other."""
    make: Any = type(parts[0])
    made: T = make(*(np.concatenate(column) for column in zip(*parts, strict=True)))
    return made


def first_index(person: Ints, people: int) -> Ints:
    """[person + 1]: where each person's rows begin in rows sorted by person."""
    return np.searchsorted(person, np.arange(people + 1)).astype(np.int64)
