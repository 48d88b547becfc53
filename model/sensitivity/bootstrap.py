"""Bootstrap: how sure an index is, and whether the ranking of factors can be trusted."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from model.distributions import Floats

CONFIDENCE = 0.90
RESAMPLES = 200
# Half-width of an index (1 is all of the variance) that ranks factors well enough to act on;
# Sarrazin, Pianosi & Wagener (2016) ask for a width of 0.05 to 0.1.
FINE = 0.05
# An index is told from nothing, and one factor from the next, in this share of the resamples.
SURE = 0.90
MANY = 1e6  # times as many runs: never


class Resampled(NamedTuple):
    """Values [factor] and their bootstrap resamples [resample, factor]."""

    values: Floats
    resamples: Floats

    def interval(self) -> tuple[Floats, Floats]:
        """Percentiles of the resamples about their median, moved to the estimate: resampling adds
        its own bias to distances between distributions, which this leaves out."""
        tail = (1.0 - CONFIDENCE) / 2.0
        low, middle, high = np.quantile(self.resamples, [tail, 0.5, 1.0 - tail], axis=0)
        return self.values - (middle - low), self.values + (high - middle)


class Trust(NamedTuple):
    """Whether the ranking can be trusted, and what it would take."""

    leading: int  # factors whose order among themselves and before all others is sure
    half_width: float  # of the widest of the leading factors (of the first one if none leads)
    enough: bool
    runs: int  # that it took
    needed: int  # about how many runs would make the half-width FINE


def trust(found: Resampled, runs: int, scale: float = 1.0) -> Trust:
    """Judge a ranking by its resamples.

    A factor leads if it stands before all that follow in SURE of the resamples, and so do all
    before it. Intervals shrink with the root of the number of runs. `scale` is what counts as all:
    1 for shares of variance.
    """
    order = np.argsort(-found.values, kind="stable")
    leading = 0
    for k in range(len(order) - 1):
        ahead = found.resamples[:, order[k]] > found.resamples[:, order[k + 1 :]].max(axis=1)
        if ahead.mean() < SURE:
            break
        leading = k + 1
    low, high = found.interval()
    half = float(((high - low) / 2.0)[order[: max(leading, 1)]].max() / scale)
    times = (half / FINE) ** 2
    if leading == 0 and len(order) > 1:  # what tells the first from the second
        gap = found.values[order[0]] - found.values[order[1]]
        spread = np.std(found.resamples[:, order[0]] - found.resamples[:, order[1]])
        times = max(times, float((1.28 * spread / gap) ** 2) if gap > 0.0 else np.inf)
    needed = int(np.ceil(runs * min(max(times, 1.0), MANY)))
    return Trust(leading, half, leading > 0 and half <= FINE, runs, needed)
