"""Given draws: indices from one ordinary ensemble, whatever ties its inputs.

Morris asks for a design of its own (one factor moves at a time along trajectories); PAWN, delta and
regional analysis read any sample. The last three say what a factor and the outcome have to do with
each other; where inputs are correlated, that includes what a factor stands for.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy import stats

from model.distributions import Floats
from model.draws import Draws, drawn
from model.loading import Loaded
from model.luck import luck
from model.sampling import stream

from .bootstrap import RESAMPLES, Resampled
from .factors import CHANCE, Factor

LEVELS = 4
SPAN = (0.05, 0.95)  # Morris moves quantiles between these: ends of a distribution are no news
SLICES = 10  # of PAWN's conditioning factor


def columns(draws: Draws, factors: Sequence[Factor]) -> Floats:
    """Values [draw, factor]: a factor's first number; chance as the first of its events."""
    found = []
    for factor in factors:
        if factor.role == CHANCE:
            found.append(next(iter(draws.luck.values()))[:, 0])
        else:
            found.append(draws.values[factor.members[0]])
    return np.stack(found, axis=1)


def problem(count: int) -> dict[str, Any]:
    """What SALib asks to know of the inputs."""
    names = [str(k) for k in range(count)]
    return {"num_vars": len(names), "names": names, "bounds": [[0.0, 1.0]] * len(names)}


def pawn(x: Floats, y: Floats, seed: int) -> Resampled:
    """PAWN: the median distance between the outcome's distributions with and without knowing a
    factor's tenth (Pianosi & Wagener 2018), 0 to 1; with bootstrap."""

    def index(rows: np.ndarray[Any, np.dtype[np.int64]]) -> Floats:
        return np.array([_pawn_one(column[rows], y[rows]) for column in x.T])

    return _resampled(index, y.size, seed, "pawn", RESAMPLES // 4)


def _pawn_one(x: Floats, y: Floats) -> float:
    """Median Kolmogorov-Smirnov statistic over slices of equal size."""
    slices = np.array_split(np.argsort(x, kind="stable"), SLICES)
    return float(np.median([stats.ks_2samp(y[rows], y).statistic for rows in slices]))


def delta(x: Floats, y: Floats, seed: int) -> Resampled:
    """Delta: the mean shift of the outcome's density once a factor is known, 0 to 1 (Borgonovo
    2007), by the estimator of Plischke, Borgonovo & Smith (2013) in SALib.

    SALib gives the bootstrap's standard error; resamples are normal with it.
    """
    from SALib.analyze import delta as salib  # noqa: PLC0415

    uniform = (stats.rankdata(x, axis=0) - 0.5) / x.shape[0]
    found = salib.analyze(
        problem(x.shape[1]), uniform, y, num_resamples=RESAMPLES // 4, seed=seed, method="delta"
    )
    error = np.asarray(found["delta_raw_conf"]) / stats.norm.ppf(0.975)
    noise = stream(seed, "delta").standard_normal((RESAMPLES, x.shape[1]))
    return Resampled(np.asarray(found["delta_raw"]), found["delta_raw"] + error * noise)


def regional(x: Floats, y: Floats, seed: int) -> Resampled:
    """Regional: the distance between a factor's distributions in the best and the worst half of the
    outcome (Spear & Hornberger 1980): Kolmogorov-Smirnov statistic, 0 to 1; with bootstrap."""

    def index(rows: np.ndarray[Any, np.dtype[np.int64]]) -> Floats:
        good = y[rows] > np.median(y[rows])
        if good.all() or not good.any():
            return np.zeros(x.shape[1])
        return np.array([stats.ks_2samp(c[rows][good], c[rows][~good]).statistic for c in x.T])

    return _resampled(index, y.size, seed, "regional", RESAMPLES // 4)


def _resampled(index: Any, size: int, seed: int, name: str, times: int) -> Resampled:
    rng = stream(seed, f"bootstrap.{name}")
    again = [index(rng.integers(0, size, size)) for _ in range(times)]
    return Resampled(index(np.arange(size)), np.array(again))


# --- Morris


def trajectories(factors: Sequence[Factor], count: int, seed: int) -> Floats:
    """Points [trajectory x (factors + 1), factor] between 0 and 1."""
    from SALib.sample import morris as salib  # noqa: PLC0415

    return np.asarray(
        salib.sample(problem(len(factors)), count, num_levels=LEVELS, seed=seed % 2**32)
    )


def along(loaded: Loaded, factors: Sequence[Factor], points: Floats, seed: int) -> Draws:
    """Draws at the points of trajectories; a trajectory keeps its luck until chance moves."""
    steps = len(factors) + 1
    count = points.shape[0] // steps
    low, high = SPAN
    u = {
        name: low + (high - low) * points[:, k]
        for k, factor in enumerate(factors)
        for name in factor.members
    }
    sets = [luck(loaded.scenario, count, seed + k) for k in range(2)]
    own = np.repeat(np.arange(count), steps)
    at = [k for k, factor in enumerate(factors) if factor.role == CHANCE]
    second = points[:, at[0]] > 0.5 if at else np.zeros(points.shape[0], dtype=bool)
    chance = {
        name: np.where(second[:, None], sets[1][name][own], sets[0][name][own]) for name in sets[0]
    }
    return drawn(loaded, u, seed, "plain", chance)


def morris(factors: Sequence[Factor], points: Floats, y: Floats, seed: int) -> Resampled:
    """mu*: mean size of a factor's elementary effects (Campolongo et al. 2007), in the outcome's
    unit for a move over two thirds of the factor's range; bootstrap over trajectories."""
    steps = len(factors) + 1
    moves = np.diff(points.reshape(-1, steps, len(factors)), axis=1)
    change = np.diff(y.reshape(-1, steps), axis=1)
    which = np.abs(moves).argmax(axis=2)
    effects = np.zeros((which.shape[0], len(factors)))
    np.put_along_axis(effects, which, np.abs(change), axis=1)
    rng = stream(seed, "bootstrap.morris")
    rows = rng.integers(0, len(effects), (RESAMPLES, len(effects)))
    return Resampled(effects.mean(axis=0), effects[rows].mean(axis=1))
