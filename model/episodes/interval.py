"""Intervals: what a few replications can say of a mean, of a scatter and of a chance, at 90 %.

Exact for normal values (mean: Student's t; standard deviation: chi-square) and for counts (share:
Clopper and Pearson, 1934). One replication has no interval: nan.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from scipy import stats

from model.distributions import Floats

LEVEL = 0.9
TAIL = (1.0 - LEVEL) / 2.0


class Interval(NamedTuple):
    """An estimate and its 90 % interval; nan where there are too few replications for one."""

    value: float
    low: float
    high: float


def of_mean(values: Floats) -> Interval:
    """Mean of independent values."""
    mean = float(values.mean())
    if values.size < 2:
        return Interval(mean, math.nan, math.nan)
    reach = t_reach(values.size) * standard_error(values)
    return Interval(mean, mean - reach, mean + reach)


def standard_error(values: Floats) -> float:
    """Of the mean; nan for one value."""
    return float(values.std(ddof=1) / math.sqrt(values.size)) if values.size > 1 else math.nan


def t_reach(count: int) -> float:
    """Standard errors from the mean of so many values to an end of its interval."""
    return float(stats.t.ppf(1.0 - TAIL, count - 1))


def of_sd(values: Floats) -> Interval:
    """Standard deviation of independent normal values; `values` [replication] or, for years that
    are pooled, [replication, year] with a mean of its own for each year.

    Pooled years of one agreement share their baseline and are not independent: the degrees of
    freedom are those of one year, and the interval is wider than it might be.
    """
    rows = values.reshape(len(values), -1)
    free = len(rows) - 1
    if free < 1:
        return Interval(math.nan, math.nan, math.nan)
    sd = float(np.sqrt(rows.var(axis=0, ddof=1).mean()))
    most, least = (float(stats.chi2.ppf(q, free)) for q in (1.0 - TAIL, TAIL))
    return Interval(sd, sd * math.sqrt(free / most), sd * math.sqrt(free / least))


def of_share(happened: int, count: int) -> Interval:
    """Chance of something that happened so many times out of `count`."""
    low = float(stats.beta.ppf(TAIL, happened, count - happened + 1)) if happened else 0.0
    high = float(stats.beta.ppf(1.0 - TAIL, happened + 1, count - happened))
    return Interval(happened / count, low, 1.0 if happened == count else high)
