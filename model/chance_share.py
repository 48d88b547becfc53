"""Share of chance: how much of an outcome's variance is luck, and how much is inputs not known.

Each draw of the parameters is run several times with luck anew. By the law of total variance the
variance of an outcome is the mean variance within a draw (chance: awards, claims) plus the
variance between the draws' means (parameters). The means of n replicates still hold a part of
chance, within / n, which is taken off (Searle, Casella & McCulloch 1992, one-way layout).
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np

from .distributions import Floats
from .draws import Draws
from .luck import luck

FEWEST_DRAWS = 3  # of the parameters: fewer have no standard error
# Floating-point dust of an outcome that is the same in every draw is no variance.
DUST = 1e-9


class Share(NamedTuple):
    """Parts of an outcome's variance, in squares of its unit, and the share that is chance."""

    chance: float  # of the whole variance, 0 to 1
    se: float  # standard error of that share, by the jackknife over draws
    within: float  # variance of chance
    between: float  # variance of parameters; below zero where the estimate is


def repeated(drawn: Draws, replicates: int) -> Draws:
    """Each draw's numbers `replicates` times, one after the other, with luck anew each time.

    Replicate k of draw d has the number d * replicates + k.
    """
    if replicates == 1:
        return drawn
    size = drawn.size * replicates
    values = {n: np.repeat(v, replicates) if v.ndim else v for n, v in drawn.values.items()}
    return replace(drawn, size=size, values=values, luck=luck(drawn.scenario, size, drawn.seed))


def share(values: Floats, replicates: int) -> Share | None:
    """Parts of the variance of values [draw x replicate]; None where there is none to part.

    A single replicate tells nothing of chance, and values that are missing are no basis.
    """
    draws = values.size // replicates
    if replicates < 2 or draws < FEWEST_DRAWS or not np.isfinite(values).all():
        return None
    by_draw = values.reshape(draws, replicates)
    spread = by_draw.var(axis=1, ddof=1)
    means = by_draw.mean(axis=1)
    if max(float(spread.mean()), float(means.var())) <= (DUST * np.abs(values).max()) ** 2:
        return None
    within = float(spread.mean())
    between = float(means.var(ddof=1)) - within / replicates
    each = _without_each(spread, means, replicates)
    se = np.sqrt((draws - 1) / draws * np.square(each - each.mean()).sum())
    whole = within + max(between, 0.0)
    return Share(within / whole, float(se), within, between)


def _without_each(spread: Floats, means: Floats, replicates: int) -> Floats:
    """The share [draw] without one draw after the other, not cut off at 0 and 1."""
    draws = spread.size
    within = (spread.sum() - spread) / (draws - 1)
    squares = np.square(means - means.mean())
    between = (squares.sum() - squares * draws / (draws - 1)) / (draws - 2)
    whole = within + between - within / replicates
    found: Floats = np.divide(within, whole, out=np.zeros(draws), where=whole > 0.0)
    return found
