"""Crossings: where curves over values meet a bound, and what resampling of draws leaves open."""

from __future__ import annotations

import numpy as np

from .distributions import Floats
from .sampling import stream
from .targets import CONFIDENCE, Target

RESAMPLES = 400


def bootstrap_counts(draws: int, seed: int) -> Floats:
    """How often each draw is in each resample [resample, draw]."""
    rng = stream(seed, "thresholds.bootstrap")
    picked = rng.multinomial(draws, np.full(draws, 1.0 / draws), size=RESAMPLES)
    return picked.astype(np.float64)


def nearest_crossings(
    xs: Floats, curves: Floats, target: Target, answer: float, above: bool
) -> Floats:
    """Where curves [curve, value] cross the bound nearest to an answer, in its direction.

    Linear between values. A curve that never does holds everywhere or nowhere, or crosses only the
    other way: the answer lies beyond the end at which it would have to.
    """
    miss = target.miss(curves)
    holds = target.holds(curves)
    turns = (~holds[:, :-1] & holds[:, 1:]) if above else (holds[:, :-1] & ~holds[:, 1:])
    first, second = miss[:, :-1], miss[:, 1:]
    with np.errstate(invalid="ignore"):  # from infinite to infinite: no crossing between
        gap = first - second
    share = np.divide(first, gap, out=np.full_like(gap, 0.5), where=np.isfinite(gap) & (gap != 0.0))
    at = xs[:-1] + np.clip(share, 0.0, 1.0) * np.diff(xs)
    distance = np.where(turns, np.abs(at - answer), np.inf)
    pick = distance.argmin(axis=1)
    rows = np.arange(len(curves))
    below = holds[:, -1] if above else ~holds[:, -1] & ~holds[:, 0]
    beyond = np.where(below, -np.inf, np.inf)
    return np.where(turns[rows, pick], at[rows, pick], beyond)


def middle_share(values: Floats) -> tuple[float, float]:
    """The ends of the 90 % interval; infinite values are ordered, not averaged."""
    tail = (1.0 - CONFIDENCE) / 2.0
    known = values[~np.isnan(values)]
    low, high = np.quantile(known, [tail, 1.0 - tail], method="nearest").tolist()
    return float(low), float(high)
