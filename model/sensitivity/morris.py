"""Morris: screening by elementary effects, one factor after the other along trajectories."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from model.distributions import Floats
from model.draws import Draws, drawn, value_at
from model.loading import Loaded
from model.luck import luck
from model.sampling import stream
from model.variants import changed

from .bootstrap import RESAMPLES, Resampled
from .factors import CHANCE, Factor
from .oneway import HIGH, LOW, levels
from .sobol import problem

STEPS = 4  # levels of the design; a move is two thirds of the way from the first to the last


def trajectories(factors: Sequence[Factor], count: int, seed: int) -> Floats:
    """Points [trajectory x (factors + 1), factor] between 0 and 1."""
    from SALib.sample import morris as salib  # noqa: PLC0415

    return np.asarray(
        salib.sample(problem(len(factors)), count, num_levels=STEPS, seed=seed % 2**32)
    )


def along(loaded: Loaded, factors: Sequence[Factor], points: Floats, seed: int) -> Draws:
    """Draws at the points of trajectories; a trajectory keeps its luck until chance moves.

    A point is a quantile between LOW and HIGH: the ends of a distribution are no news. Tied numbers
    move together, as in the tornado.
    """
    steps = len(factors) + 1
    count = points.shape[0] // steps
    sets = [luck(loaded.scenario, count, seed + k) for k in range(2)]
    own = np.repeat(np.arange(count), steps)
    at = [k for k, factor in enumerate(factors) if factor.role == CHANCE]
    second = points[:, at[0]] > 0.5 if at else np.zeros(points.shape[0], dtype=bool)
    chance = {
        name: np.where(second[:, None], sets[1][name][own], sets[0][name][own]) for name in sets[0]
    }
    levels_at = LOW + (HIGH - LOW) * points
    u = {n: levels_at[:, k] for k, factor in enumerate(factors) for n in factor.members}
    draws = drawn(loaded, u, seed, "plain", chance)
    tied: dict[str, Floats] = {}
    for k, factor in enumerate(factors):
        if len(factor.members) > 1:
            tied |= _together(loaded, factor, levels_at[:, k])
    return changed(draws, tied)


def _together(loaded: Loaded, factor: Factor, level: Floats) -> dict[str, Floats]:
    """Values [point] of tied numbers, with the first at these levels."""
    distinct, which = np.unique(level, return_inverse=True)
    each = [levels(loaded, factor, float(at)) for at in distinct]
    return {
        name: np.array([value_at(loaded, name, at[name]) for at in each])[which]
        for name in factor.members
    }


def effects(factors: Sequence[Factor], points: Floats, y: Floats, seed: int) -> Resampled:
    """mu*: mean size of a factor's elementary effects (Campolongo et al. 2007), in the outcome's
    unit for a move over two thirds of the way from LOW to HIGH; bootstrap over trajectories."""
    steps = len(factors) + 1
    moves = np.diff(points.reshape(-1, steps, len(factors)), axis=1)
    change = np.diff(y.reshape(-1, steps), axis=1)
    which = np.abs(moves).argmax(axis=2)
    found = np.zeros((which.shape[0], len(factors)))
    np.put_along_axis(found, which, np.abs(change), axis=1)
    rng = stream(seed, "bootstrap.morris")
    rows = rng.integers(0, len(found), (RESAMPLES, len(found)))
    return Resampled(found.mean(axis=0), found[rows].mean(axis=1))
