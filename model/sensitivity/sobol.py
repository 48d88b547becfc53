"""Sobol indices: which factor's uncertainty makes how much of an outcome's variance.

First order: the share that would go if the factor were known, alone. Total order: what would be
left if all others were known, with everything that it does together with others. Saltelli's design:
two matrices of draws, and one more for each factor with its column exchanged. Estimators and
bootstrap are SALib's (Saltelli et al. 2010 for the first order, Jansen 1999 for the total).
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from model.distributions import Floats
from model.draws import Draws, drawn
from model.loading import Loaded
from model.luck import luck
from model.sampling import SMALLEST, stream
from model.variants import exchanged, with_luck

from .bootstrap import CONFIDENCE, RESAMPLES, Resampled, resampled
from .factors import CHANCE, Factor


def problem(count: int) -> dict[str, Any]:
    """What SALib asks to know of the inputs."""
    names = [str(k) for k in range(count)]
    return {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}


class Indices(NamedTuple):
    """First- and total-order indices of one outcome, [factor], and their bootstrap resamples."""

    first: Resampled
    total: Resampled


def pair(loaded: Loaded, base: int, seed: int) -> tuple[Draws, Draws]:
    """Two independent sets of `base` draws from one scrambled Sobol sequence, each its own luck."""
    from scipy.stats import qmc  # noqa: PLC0415  half a second that other commands need not pay

    names = sorted(loaded.uncertain)
    engine = qmc.Sobol(2 * max(len(names), 1), scramble=True, rng=stream(seed, "saltelli"))
    points = np.clip(engine.random(base), SMALLEST, 1.0 - SMALLEST)
    sets = []
    for k in range(2):
        u = {name: points[:, k * len(names) + column] for column, name in enumerate(names)}
        chance = luck(loaded.scenario, base, seed + k)
        sets.append(drawn(loaded, u, seed, "sobol", chance))
    return sets[0], sets[1]


def design(a: Draws, b: Draws, factors: Sequence[Factor]) -> list[Draws]:
    """A, then A with each factor from B, then B."""
    return [a, *(one_exchanged(a, b, factor) for factor in factors), b]


def one_exchanged(a: Draws, b: Draws, factor: Factor) -> Draws:
    moved = exchanged(a, b, factor.members)
    return with_luck(moved, b) if factor.role == CHANCE else moved


def indices(values: Floats, seed: int) -> Indices | None:
    """Indices from values [variant, draw] in the order of the design; None where nothing varies."""
    from SALib.analyze import sobol  # noqa: PLC0415

    count = values.shape[0] - 2
    if not np.ptp(values) > 0.0:
        return None
    with warnings.catch_warnings():  # resamples in which nothing varies are dropped
        warnings.simplefilter("ignore", RuntimeWarning)
        found = sobol.analyze(
            problem(count),
            values.T.reshape(-1),
            calc_second_order=False,
            num_resamples=RESAMPLES,
            conf_level=CONFIDENCE,
            keep_resamples=True,
            seed=seed,
        )
    return Indices(
        resampled(found["S1"], found["S1_conf_all"]), resampled(found["ST"], found["ST_conf_all"])
    )


def alone(first: Resampled) -> tuple[float, float, float]:
    """What the factors make alone, together: the sum of their first orders, with its interval.

    Of the indices as estimated: without the negative ones the sum of many small ones would be too
    large. SALib draws the same rows for all factors of a resample.
    """
    found = Resampled(first.values.sum(keepdims=True), first.resamples.sum(axis=1, keepdims=True))
    low, high = found.interval()
    return float(found.values[0]), float(low[0]), float(high[0])
