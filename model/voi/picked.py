"""Picked: the best of several requests, with an allowance for having picked it.

The largest of many estimates is large by chance too. Limits for all at once come from simulated
maxima over the sets of coefficients: the 95th percentile of the largest deviation, in standard
errors (the max-t method: Westfall and Young 1993). What the draws cannot tell from nothing counts
for the upper limit as in hidden.py, its chance shared among the requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from model.distributions import Floats
from model.sampling import stream

from .hidden import hidden
from .information import LIMIT, SIMULATED, Worth, error_of_draws, expected, gain, worth_of

SURE = 0.95


class Picked(NamedTuple):
    """The best of several requests: how many there are, and limits that allow for picking."""

    requests: int
    low: float  # 95 % sure that the best is worth more, USD; 0: not shown to be worth anything
    high: float  # 95 % sure that none is worth more, USD


def with_deviations(
    benefit: Floats, inputs: Sequence[Floats], seed: int, key: str, of: int = 1
) -> tuple[Worth, Floats]:
    """EVPPI of one of several requests, and how far it may be off by the coefficients and by the
    sample of draws, simulated [set]."""
    known, simulated, fits = expected(benefit, inputs, seed, key)
    sets = gain(simulated)
    normal = stream(seed, f"voi.draws.{key}").standard_normal(SIMULATED)
    away = sets - sets.mean() + error_of_draws(benefit, known) * normal
    worth = worth_of(benefit, known, simulated, fits)
    unseen = hidden(benefit, inputs, (1.0 - SURE) / of)
    return worth._replace(hidden=unseen), np.asarray(away)


def picked(found: Sequence[tuple[Worth, Floats]]) -> Picked | None:
    """Limits for the best of requests that may be off [set]; none where there are no requests."""
    if not found:
        return None
    worths = [worth for worth, _ in found]
    best = max(worths, key=lambda worth: worth.value)
    moved = [(w, away / w.error) for w, away in found if w.error > 0.0]
    if not moved:
        return Picked(len(found), best.value, max(w.high for w in worths))
    scaled = np.stack([away for _, away in moved])
    quantiles = (float(np.quantile(x.max(axis=0), SURE)) for x in (scaled, -scaled))
    over, under = (max(q, LIMIT) for q in quantiles)
    high = max(min(max(w.value + under * w.error, w.hidden), w.most) for w in worths)
    return Picked(len(found), max(0.0, best.value - over * best.error), high)
