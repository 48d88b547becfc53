"""Grids: what an outcome comes to over two numbers at once, on the same draws and luck."""

from __future__ import annotations

import re
from typing import NamedTuple, NoReturn

import numpy as np

from .distributions import Floats
from .draws import Draws
from .ensemble import Progress, silent
from .loading import Loaded
from .problems import BadInput, Mark, Problem, shortened
from .targets import Z90, Statistic, errors
from .variants import outputs
from .varied import Varied, reach, varied
from .wanted import Plan

MOST = 41  # values on an axis
_AXIS = re.compile(r"(?P<path>[^=\s]+)\s*=\s*(?P<low>[^:]+):(?P<high>[^:]+):(?P<count>\d+)")
SHAPE = "PATH=LOW:HIGH:N, as in `financing.dues.large_members.amount=0:10000:9`"


class Axis(NamedTuple):
    """One number that is varied, and the values that it takes."""

    varied: Varied
    values: tuple[float, ...]


class Grid(NamedTuple):
    """What a statistic reaches [y, x], with its Monte Carlo standard error and 90 % interval."""

    x: Axis
    y: Axis
    statistic: Statistic
    draws: int
    reached: Floats
    error: Floats
    low: Floats
    high: Floats
    known: Floats  # share of draws that have the outcome

    def doubtful(self, bound: float) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Cells [y, x] whose interval holds the bound: on which side they lie is not known."""
        return np.asarray((self.low <= bound) & (bound <= self.high) & (self.low < self.high))


class Segment(NamedTuple):
    """A piece of a contour, in the units of the axes."""

    x: float
    y: float
    x2: float
    y2: float


def axis(loaded: Loaded, text: str, scale: bool = False) -> Axis:
    """The values that `PATH=LOW:HIGH:N` asks for; BadInput where it asks for none."""
    found = _AXIS.fullmatch(text.strip())
    if found is None:
        _refuse(text, SHAPE)
    v = varied(loaded, found["path"], scale)
    try:
        low, high = float(found["low"]), float(found["high"])
    except ValueError:
        _refuse(text, SHAPE)
    count = int(found["count"])
    if not 2 <= count <= MOST:
        _refuse(f"{count} values", f"from 2 to {MOST}")
    low, high = reach(loaded, v, low, high)
    return Axis(v, tuple(np.linspace(low, high, count).tolist()))


def _refuse(found: str, allowed: str) -> NoReturn:
    raise BadInput([Problem(Mark("--vary", 0, 0), "", f"`{shortened(found)}`", allowed)])


def grid(
    base: Draws, x: Axis, y: Axis, statistic: Statistic, asked: Plan, progress: Progress = silent
) -> Grid:
    """Every pair of values, in one call; the statistic is that of the first output asked for."""
    if set(x.varied.names) & set(y.varied.names):
        _refuse(f"{x.varied.path}` and `{y.varied.path}", "two different numbers")
    variants = [y.varied.at(x.varied.at(base, a), b) for b in y.values for a in x.values]
    values = outputs(variants, asked, progress=progress)[:, 0]
    shape = len(y.values), len(x.values)
    known = np.isfinite(values).mean(axis=1).reshape(shape)
    reached, error = statistic.of(values).reshape(shape), errors(values, statistic).reshape(shape)
    low, high = (ends.reshape(shape) for ends in intervals(values, statistic))
    return Grid(x, y, statistic, base.size, reached, error, low, high, known)


def intervals(values: Floats, statistic: Statistic) -> tuple[Floats, Floats]:
    """90 % interval [variant] of a statistic of values [variant, draw].

    Of a chance and a percentile as in Statistic.limits; of a mean from its standard error.
    """
    reached, off = statistic.of(values), Z90 * errors(values, statistic)
    told = [statistic.limits(each) for each in values]
    ends = [
        each or (middle - half, middle + half)
        for each, middle, half in zip(told, reached.tolist(), off.tolist(), strict=True)
    ]
    low, high = np.array(ends, dtype=np.float64).T
    return low, high


# --- the contour


def contour(xs: Floats, ys: Floats, reached: Floats, bound: float) -> list[Segment]:
    """Where a surface [y, x], linear along the edges of its cells, crosses a bound.

    Marching squares (Lorensen and Cline 1987, in the plane); of a saddle, the mean of the four
    corners decides which pair belongs together. Cells with an unknown corner are left out.
    """
    out: list[Segment] = []
    for j in range(len(ys) - 1):
        for i in range(len(xs) - 1):
            corners = [(i, j), (i + 1, j), (i + 1, j + 1), (i, j + 1)]
            points = [
                (float(xs[a]), float(ys[b]), float(reached[b, a] - bound)) for a, b in corners
            ]
            out += _in_cell(points)
    return out


Corner = tuple[float, float, float]


def _in_cell(corners: list[Corner]) -> list[Segment]:
    """Pieces of the contour inside one cell, its corners in order around it."""
    if not all(np.isfinite(z) for _, _, z in corners):
        return []
    edges = zip(corners, corners[1:] + corners[:1], strict=True)
    crossed = [_on_edge(a, b) for a, b in edges if (a[2] >= 0.0) != (b[2] >= 0.0)]
    if len(crossed) == 4:
        middle = sum(z for _, _, z in corners) >= 0.0
        if middle != (corners[0][2] >= 0.0):  # the first corner is apart from its opposite
            crossed = [crossed[3], *crossed[:3]]
    pairs = zip(crossed[::2], crossed[1::2], strict=True)
    return [Segment(*a, *b) for a, b in pairs]


def _on_edge(a: Corner, b: Corner) -> tuple[float, float]:
    share = a[2] / (a[2] - b[2])
    return a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])
