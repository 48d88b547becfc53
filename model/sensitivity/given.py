"""Given draws: indices from one ordinary ensemble, whatever ties its inputs.

PAWN, delta and regional analysis read any sample. They say what a number and the outcome have to
do with each other; where inputs are correlated, that includes what a number stands for. A factor
of several tied numbers has the index of the one that tells most. Chance is many events, no single
one of which is its worth: it has no index here. All numbers are worked on at once, [number, draw].
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri
from scipy.stats import rankdata

from model.distributions import Floats
from model.sampling import stream

from .bootstrap import Resampled
from .factors import Factor

Whole = npt.NDArray[np.int64]
Index = Callable[[Floats, Floats], Floats]  # numbers [number, draw], outcomes [draw] -> [number]

AGAIN = 50  # resamples: each costs as much as the index itself
SLICES = 10  # of PAWN's conditioning number
GRID = 256  # points of a density
FEW = 10  # values that an outcome takes, so that shares say more than densities
SIDE = 10  # draws on either side of a regional split, at least
LEAST = {"pawn": 100, "delta": 100, "regional": 50}  # draws
HARDLY = "hardly any run differs from the others"
ACCIDENT = 0.05  # chance that any of all numbers, all without influence, is above the line
SHUFFLES = 30  # numbers without influence for each that is ranked, to find that line


class TooFew(ValueError):
    """The draws do not let the index be told; the message says why."""


def ranked(index: Index, x: Floats, y: Floats, factors: Sequence[Factor], seed: int) -> Resampled:
    """The index of each factor with its bootstrap: of tied numbers the largest."""
    first = np.cumsum([0, *(len(factor.members) for factor in factors)])[:-1]
    rng = stream(seed, "bootstrap.given")
    again = []
    for _ in range(AGAIN):
        rows = rng.integers(0, y.size, y.size)
        again.append(index(x[:, rows], y[rows]))
    found = np.vstack([index(x, y), *again])
    found = np.maximum.reduceat(found, first, axis=1)
    return Resampled(found[0], found[1:])


def accident(index: Index, count: int, y: Floats, seed: int) -> float:
    """What the largest index of so many numbers without any influence exceeds with 5 % chance.

    The quantile (1 - 5 %) ^ (1 / count) of one number's index, from shuffled numbers.
    """
    rng = stream(seed, "inert")
    ranks = np.tile(np.arange(y.size, dtype=np.float64), (max(count, 20), 1))
    blocks = -(-SHUFFLES * max(count, 20) // len(ranks))
    found = [index(rng.permuted(ranks, axis=1), y) for _ in range(blocks)]
    return float(np.quantile(np.concatenate(found), (1.0 - ACCIDENT) ** (1.0 / count)))


# --- PAWN


def pawn(x: Floats, y: Floats) -> Floats:
    """PAWN [number]: the median distance between the outcome's distributions with and without
    knowing a number's tenth, 0 to 1 (Pianosi & Wagener 2018); Kolmogorov-Smirnov statistics."""
    slices = slices_of(x, SLICES)
    order = np.argsort(y, kind="stable")
    inside, last = slices[:, order], _ends_of_ties(y[order])
    whole = np.arange(1, y.size + 1) / y.size
    distances = []
    for k in range(SLICES):
        within = inside == k
        share = np.cumsum(within, axis=1) / within.sum(axis=1, keepdims=True)
        distances.append(np.abs(share - whole)[:, last].max(axis=1))
    return np.asarray(np.median(distances, axis=0))


def slices_of(x: Floats, count: int) -> Whole:
    """To which of so many equal slices of its number [number, draw] a draw belongs."""
    rank = np.empty(x.shape, dtype=np.int64)
    np.put_along_axis(
        rank, np.argsort(x, axis=1, kind="stable"), np.arange(x.shape[1])[None], axis=1
    )
    return np.asarray(rank * count // x.shape[1])


def _ends_of_ties(ordered: Floats) -> npt.NDArray[np.bool_]:
    """The last of each run of equal values along the last axis, where a step function is read."""
    end = np.ones((*ordered.shape[:-1], 1), dtype=bool)
    return np.concatenate([ordered[..., 1:] != ordered[..., :-1], end], axis=-1)


# --- delta


def delta(x: Floats, y: Floats) -> Floats:
    """Delta [number]: the mean shift of the outcome's density once a number is known, 0 to 1
    (Borgonovo 2007), by the estimator of Plischke, Borgonovo & Smith (2013).

    Delta stays the same when the outcome is stretched, so its normal scores take its place: a long
    tail spoils no density. Gaussian kernels by Fourier transform, with Silverman's bandwidth for
    all draws and for each slice; an outcome of FEW values has shares in place of densities.
    """
    y = ndtri((rankdata(y) - 0.5) / y.size)
    values, at = np.unique(y, return_inverse=True)
    if values.size <= FEW:
        grid, bins = values.size, at
    else:
        bandwidth = _silverman(y.size, float(y.std(ddof=1)))
        low, high = y.min() - 4.0 * bandwidth, y.max() + 4.0 * bandwidth
        step = (high - low) / (GRID - 1)
        grid, bins = GRID, np.rint((y - low) / step).astype(np.int64)
    count = classes(y.size)
    cell = slices_of(x, count) + count * np.arange(len(x))[:, None]  # slices of all numbers
    cells = len(x) * count
    density = np.bincount((cell * grid + bins).ravel(), minlength=cells * grid)
    sizes = np.bincount(cell.ravel(), minlength=cells).astype(np.int64)
    shares = density.reshape(cells, grid) / sizes[:, None]
    whole = np.bincount(bins, minlength=grid)[None] / y.size
    if values.size > FEW:
        shares = _smooth(shares, _silverman(sizes, _spread(cell, y, sizes)) / step)
        whole = _smooth(whole, np.array([bandwidth / step]))
    shifts = np.abs(shares - whole).sum(axis=1) / 2.0 * sizes / y.size
    return np.asarray(shifts.reshape(len(x), count).sum(axis=1))


def classes(size: int) -> int:
    """Slices of the conditioning number, by the number of draws (Plischke et al. 2013)."""
    power = 2.0 / (7.0 + np.tanh((1500.0 - size) / 500.0))
    return int(min(np.ceil(size**power), 48))


def _silverman(size: Whole | int, sd: Floats | float) -> Floats:
    return np.asarray(sd * (0.75 * np.asarray(size)) ** -0.2)


def _spread(cell: Whole, y: Floats, sizes: Whole) -> Floats:
    """Standard deviation of the outcome in each slice."""
    off = np.broadcast_to(y - y.mean(), cell.shape).ravel()
    mean = np.bincount(cell.ravel(), off, sizes.size) / sizes
    square = np.bincount(cell.ravel(), off**2, sizes.size) / sizes - mean**2
    return np.asarray(np.sqrt(np.maximum(square, 0.0) * sizes / np.maximum(sizes - 1, 1)))


def _smooth(shares: Floats, bandwidth: Floats) -> Floats:
    """Shares [row, point] under a normal kernel of so many points, at least half a point."""
    frequency = 2.0 * np.pi * np.fft.rfftfreq(shares.shape[1] * 2)
    kernel = np.exp(-0.5 * (frequency * np.maximum(bandwidth, 0.5)[:, None]) ** 2)
    smooth = np.fft.irfft(np.fft.rfft(shares, shares.shape[1] * 2, axis=1) * kernel, axis=1)
    return np.asarray(smooth[:, : shares.shape[1]])


# --- regional


def better(y: Floats) -> npt.NDArray[np.bool_]:
    """Which draws are in the better half: above the median, or at it where that halves better (a
    yes or no is split by its value); TooFew where hardly any draws are on one side."""
    middle = np.median(y)
    sides = (y > middle, y >= middle)
    good = min(sides, key=lambda side: abs(float(side.mean()) - 0.5))
    few = int(min(good.sum(), y.size - good.sum()))
    if few < SIDE:
        raise TooFew(f"only {few} of {y.size:,} draws differ from all the others")
    return np.asarray(good)


def regional(x: Floats, good: Floats) -> Floats:
    """Regional [number]: the distance between a number's distributions in the better and in the
    worse draws, 0 to 1 (Spear & Hornberger 1980): Kolmogorov-Smirnov statistic."""
    side = good > 0.5
    if side.all() or not side.any():
        return np.zeros(len(x))
    order = np.argsort(x, axis=1, kind="stable")
    last = _ends_of_ties(np.take_along_axis(x, order, axis=1))
    up = np.cumsum(side[order], axis=1)
    gap = up / side.sum() - (np.arange(1, side.size + 1) - up) / (~side).sum()
    return np.asarray(np.where(last, np.abs(gap), 0.0).max(axis=1))


INDICES: dict[str, Index] = {"pawn": pawn, "delta": delta, "regional": regional}
