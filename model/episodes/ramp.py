"""Ramp: something that builds up over time at a rate that is constant within a month."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from model.distributions import Floats

from .case import Ints

T = TypeVar("T", bound=tuple[Any, ...])


class Ramp:
    """Rows of cumulated rates; `at` reads one at a time, `when` finds the time of a value."""

    def __init__(self, rate: Floats) -> None:
        """rate: [row, month]"""
        rows, self.months = rate.shape
        self.total = np.zeros((rows, self.months + 1))
        np.cumsum(rate, axis=1, out=self.total[:, 1:])
        self.apart = float(self.total.max()) + 1.0
        self.flat = (self.total + self.apart * np.arange(rows)[:, None]).ravel()

    def at(self, row: Any, time: Floats) -> Floats:
        month = np.minimum(time.astype(np.int64), self.months - 1)
        before = self.total[row, month]
        out: Floats = before + (time - month) * (self.total[row, month + 1] - before)
        return out

    def when(self, row: Any, value: Floats) -> Floats:
        """The time at which a row reaches a value that lies within it."""
        first = row * (self.months + 1)
        found = np.searchsorted(self.flat, value + self.apart * row, side="left") - 1
        month = np.clip(found - first, 0, self.months - 1)
        before = self.total[row, month]
        step = self.total[row, month + 1] - before
        part = np.divide(value - before, step, out=np.zeros_like(value), where=step > 0.0)
        out: Floats = month + np.clip(part, 0.0, 1.0)
        return out


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
