"""Regression: what an outcome is expected to be, given some of the numbers.

A straight line in each number and a smooth curve around it (low-rank thin-plate spline: Ruppert,
Wand and Carroll 2003), for groups also products of the numbers that matter most. Each part has a
variance of its own, estimated by marginal likelihood (MacKay 1992), so that numbers that do not
matter fall out by themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, stats

from model.distributions import Floats

Places = NDArray[np.intp]
KNOTS = 6  # of the curve of one number
BENT = 12  # numbers of a group that may have a curve; the others have a line
STRONGEST = 8  # numbers of a group whose products are tried
ITERATIONS, CLOSE = 100, 5e-3
OUT = 30.0  # times the draws: a part with a larger penalty counts for less than 3 % and is none
BINS = 10  # of the fitted value, in which residuals should average out


class Fit(NamedTuple):
    """The expected outcome at the draws, and how sure it is.

    Coefficients are normal with `mean` [column] and covariance root root', [column, column].
    """

    design: Floats  # [draw, column], the first column is 1
    mean: Floats
    root: Floats
    residuals: Floats  # [draw]
    left_out: Floats  # residuals [draw] of a fit without that draw
    complexity: float  # effective number of coefficients

    @property
    def fitted(self) -> Floats:
        return np.asarray(self.design @ self.mean)

    @property
    def variance(self) -> tuple[float, float]:
        """Variance that is left in draws that the fit has not seen, and the outcome's own."""
        return float((self.left_out**2).mean()), float(np.var(self.fitted + self.residuals))

    @property
    def misfit(self) -> float:
        """Probability of residuals as far from zero, by bins of the fitted value, if it fits."""
        edges = np.quantile(self.fitted, np.linspace(0.0, 1.0, BINS + 1)[1:-1])
        where = np.searchsorted(edges, self.fitted)
        count = np.bincount(where, minlength=BINS)
        mean = np.bincount(where, self.residuals, minlength=BINS) / np.maximum(count, 1)
        noise = float(np.var(self.residuals))
        if noise <= 0.0:
            return 1.0
        return float(stats.chi2.sf(float((count * mean**2).sum()) / noise, max(BINS - 2, 1)))


def lines_of(inputs: Sequence[Floats]) -> list[Floats]:
    """Each number that varies, [draw], with mean 0 and variance 1."""
    return [(v - v.mean()) / v.std() for v in inputs if np.ptp(v) > 0.0]


def bends(x: Floats, knots: int) -> Floats | None:
    """What a smooth curve adds to the line [draw, column]; nothing for two or three values."""
    places = np.quantile(np.unique(x), np.linspace(0.0, 1.0, knots + 2)[1:-1])
    places = np.unique(places)
    if np.unique(x).size < 4 or places.size < 2:
        return None
    cubes = np.abs(x[:, None] - places[None]) ** 3
    left, size, _ = np.linalg.svd(np.abs(places[:, None] - places[None]) ** 3)
    raw = cubes @ (left / np.sqrt(size)) @ left.T
    line = np.column_stack([np.ones_like(x), x])
    rest = raw - line @ np.linalg.lstsq(line, raw, rcond=None)[0]
    scale = np.sqrt((rest**2).mean())
    return np.asarray(rest / scale) if scale > 1e-9 else None


def fit(inputs: Sequence[Floats], outcome: Floats) -> Fit:
    """The expected outcome [draw] given the inputs, each [draw]; a constant where there are none.

    First lines alone; then curves of those that matter most, and products of the first of them.
    """
    lines = lines_of(inputs)
    straight = [x[:, None] for x in lines]
    order = list(range(len(lines)))
    if len(lines) > BENT:
        slopes = np.abs(_fit(straight, outcome).mean[1:])
        order = [int(k) for k in np.argsort(-slopes, kind="stable") if slopes[k] > 0.0]
    bent = [part for k in order[:BENT] if (part := bends(lines[k], KNOTS)) is not None]
    found = _fit([*straight, *bent], outcome)
    if len(lines) > 1:
        slopes = np.abs(found.mean[1 : 1 + len(lines)])
        top = [int(k) for k in np.argsort(-slopes, kind="stable")[:STRONGEST] if slopes[k] > 0.0]
        pairs = [product(lines[j], lines[k]) for j, k in combinations(top, 2)]
        found = _fit([*straight, *bent, *pairs], outcome) if pairs else found
    return found


def product(one: Floats, other: Floats) -> Floats:
    """[draw, 1], with mean 0 and variance 1."""
    both = one * other
    both = both - both.mean()
    return np.asarray((both / max(float(both.std()), 1e-12))[:, None])


def _fit(parts: Sequence[Floats], outcome: Floats) -> Fit:
    """Ridge regression whose penalties are those of the largest marginal likelihood."""
    draws = outcome.size
    size = float(outcome.std())
    design = np.column_stack([np.ones(draws), *parts]) if parts else np.ones((draws, 1))
    columns = design.shape[1]
    if size <= 1e-12 * max(abs(float(outcome.mean())), 1e-300) or not parts:
        mean, root = np.zeros(columns), np.zeros((columns, columns))
        mean[0], root[0, 0] = outcome.mean(), size / np.sqrt(draws)
        apart = outcome - outcome.mean()
        return Fit(design, mean, root, apart, apart, 1.0)
    y = (outcome - outcome.mean()) / size
    of = np.repeat(np.arange(len(parts)), [part.shape[1] for part in parts])
    x = design[:, 1:] - design[:, 1:].mean(axis=0)
    found = _estimated(x.T @ x, x.T @ y, float(y @ y), of, draws)
    return _as_fit(design, x, outcome, size, found)


class _Estimate(NamedTuple):
    """Coefficients [kept] of the kept columns, and root root' of their covariance / noise."""

    mean: Floats
    root: Floats
    kept: Places
    noise: float
    complexity: float


def _estimated(cross: Floats, toward: Floats, square: float, of: Places, draws: int) -> _Estimate:
    """From products of centred columns and outcome; `of` is each column's part."""
    count = int(of[-1]) + 1
    sizes = np.bincount(of, minlength=count)
    penalty, noise, used = np.ones(count), 0.5, np.inf
    out = OUT * draws
    for _ in range(ITERATIONS):
        active = np.flatnonzero(penalty[of] < out)
        here = of[active]
        inner = cross[np.ix_(active, active)] + np.diag(penalty[here])
        factor = linalg.cholesky(inner + 1e-9 * draws * np.eye(active.size), lower=True)
        lower = linalg.solve_triangular(factor, np.eye(active.size), lower=True)
        mean = lower.T @ (lower @ toward[active])
        spread = np.bincount(here, (lower**2).sum(axis=0), minlength=count)
        worth = np.clip(sizes - penalty * spread, 1e-12, None)
        worth[penalty >= out] = 0.0
        rest = square - 2.0 * mean @ toward[active] + mean @ cross[np.ix_(active, active)] @ mean
        before, used = used, float(worth.sum())
        noise = max(float(rest), 1e-12 * draws) / max(draws - 1.0 - used, 1.0)
        energy = np.bincount(here, mean**2, minlength=count)
        penalty = np.minimum(noise * worth / np.maximum(energy, 1e-300), out)
        penalty[worth <= 0.0] = out
        if abs(used - before) < CLOSE * max(used, 1.0):
            break
    return _Estimate(mean, lower.T, active, noise, used)


def _as_fit(design: Floats, x: Floats, outcome: Floats, size: float, found: _Estimate) -> Fit:
    """In the outcome's own units, with the constant that goes with uncentred columns."""
    columns, sd, at = design.shape[1], np.sqrt(found.noise) * size, 1 + found.kept
    centres = design[:, at].mean(axis=0)
    every = np.zeros(columns)
    every[at] = size * found.mean
    every[0] = outcome.mean() - size * float(centres @ found.mean)
    root = np.zeros((columns, columns))
    root[np.ix_(at, at)] = sd * found.root
    root[0, at] = -sd * (centres @ found.root)
    root[0, 0] = sd / np.sqrt(outcome.size)
    apart = outcome - design @ every
    seen = ((x[:, found.kept] @ found.root) ** 2).sum(axis=1) + 1.0 / outcome.size
    left_out = apart / np.maximum(1.0 - seen, 1e-3)
    return Fit(design, every, root, apart, left_out, 1.0 + found.complexity)
