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

    @property
    def told(self) -> bool:
        """Whether there is an index for every factor, and resamples that tell how sure it is."""
        return bool(np.isfinite(self.values).all()) and len(self.resamples) >= RESAMPLES // 8

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


def resampled(values: Floats, resamples: Floats) -> Resampled:
    """Without the resamples that tell nothing, in which by accident all outcomes are the same."""
    return Resampled(values, resamples[np.isfinite(resamples).all(axis=1)])


def trust(found: Resampled, runs: int, scale: float = 1.0) -> Trust:
    """Judge a ranking by its resamples.

    The first N lead if in SURE of the resamples all of them at once are in this order and before
    all others. Intervals shrink with the root of the number of runs. `scale` is what counts as
    all: 1 for shares of variance.
    """
    order = np.argsort(-found.values, kind="stable")
    ranked = found.resamples[:, order]
    best_from = np.maximum.accumulate(ranked[:, ::-1], axis=1)[:, ::-1]
    ahead = ranked[:, :-1] > best_from[:, 1:]
    together = np.logical_and.accumulate(ahead, axis=1).mean(axis=0)
    leading = int((together >= SURE).sum()) if len(order) > 1 else 1
    low, high = found.interval()
    half = float(((high - low) / 2.0)[order[: max(leading, 1)]].max() / scale)
    times = (half / FINE) ** 2
    if leading == 0:  # what tells the first from the second
        gap = found.values[order[0]] - found.values[order[1]]
        spread = np.std(ranked[:, 0] - ranked[:, 1])
        times = max(times, float((1.28 * spread / gap) ** 2) if gap > 0.0 else np.inf)
    needed = int(np.ceil(runs * min(max(times, 1.0), MANY)))
    return Trust(leading, half, leading > 0 and half <= FINE, runs, needed)
