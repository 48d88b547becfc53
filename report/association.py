"""Rank correlation of what was drawn with what came out: association, no sensitivity analysis."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .rundata import FEW_DRAWS, Floats, Run

# Ranks of more draws than these tell the same and cost time.
MOST_DRAWS = 5_000


class Association(NamedTuple):
    parameter: str
    rank: float  # Spearman, -1 to 1


def associations(run: Run, metric: str, party: str, top: int = 10) -> list[Association]:
    """The parameters whose rank goes most with a metric's, without those that may be noise.

    Noise: below 3 standard errors of no correlation, 3 / sqrt(draws - 1).
    """
    drawn = run.parameters(MOST_DRAWS)
    known = min((x.size for x in drawn.values()), default=0)
    values = run.values(metric, party)[:known]
    if values.size < FEW_DRAWS or np.ptp(values) == 0:
        return []
    outcome = ranks(values)
    noise = 3.0 / (values.size - 1) ** 0.5
    found = []
    for name, column in drawn.items():
        x = column[: values.size]
        if np.ptp(x) > 0 and abs(rho := correlation(ranks(x), outcome)) > noise:
            found.append(Association(name, rho))
    return sorted(found, key=lambda a: (-abs(a.rank), a.parameter))[:top]


def ranks(x: Floats) -> Floats:
    """Average ranks, ties shared."""
    _, inverse, count = np.unique(x, return_inverse=True, return_counts=True)
    last = np.cumsum(count)
    middle: Floats = (last - (count - 1) / 2.0)[inverse]
    return middle


def correlation(x: Floats, y: Floats) -> float:
    return float(np.corrcoef(x, y)[0, 1])
