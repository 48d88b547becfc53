"""Hidden: how much a number may be worth although the regression shows nothing of it.

A regression that drops what it cannot tell from noise takes it for nothing, and is too sure. What
the draws leave possible is the upper limit of the share of variance that straight lines in the
numbers explain, from the non-central chi-square distribution (Steiger and Fouladi 1997), put into
the unit normal loss with the least difference between options that the draws allow. Over several
options the losses are added, which is no less than the worth.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import special

from model.distributions import Floats

from .regression import lines_of

CHANCE = 0.05
SPARE = 10  # draws beyond the coefficients, below which nothing is known


def hidden(benefit: Floats, inputs: Sequence[Floats], chance: float = CHANCE) -> float:
    """Upper limit of the worth of inputs, each [draw], at 1 - chance; benefit [draw, option]."""
    lines = lines_of(inputs)
    base = int(np.argmax(benefit.mean(axis=0)))
    apart = np.delete(benefit - benefit[:, [base]], base, axis=1)
    if not lines:
        return 0.0
    if len(apart) < len(lines) + SPARE:
        return np.inf
    design = np.column_stack([np.ones(len(apart)), *lines])
    each = 0.5 * chance / max(apart.shape[1], 1)  # half for the mean, half for the spread
    away = special.ndtri(1.0 - each) / np.sqrt(len(apart))
    means = [max(0.0, -float(y.mean()) - away * float(y.std(ddof=1))) for y in apart.T]
    spreads = [spread(design, y, each) for y in apart.T]
    return round(sum(map(_loss, means, spreads)), 6)


def spread(design: Floats, outcome: Floats, chance: float) -> float:
    """Largest standard deviation that the design may explain of an outcome [draw]."""
    draws = len(outcome)
    coefficients, _, rank, _ = np.linalg.lstsq(design, outcome, rcond=None)
    fitted = design @ coefficients
    numbers = int(rank) - 1
    noise = float(((outcome - fitted) ** 2).sum()) / (draws - int(rank))
    found = float(((fitted - outcome.mean()) ** 2).sum())
    if numbers < 1 or noise <= 1e-12 * max(found, 1e-300):
        return float(np.sqrt(found / draws))
    seen = found / noise
    if special.chdtr(numbers, seen) <= chance:
        return 0.0
    return float(np.sqrt(noise * special.chndtrinc(seen, numbers, chance) / draws))


def _loss(mean: float, sd: float) -> float:
    """Unit normal loss: E[max(0, x)] of a normal x with mean -`mean` and standard deviation."""
    if sd <= 0.0:
        return 0.0
    z = mean / sd
    return float(sd * (np.exp(-0.5 * z * z) / np.sqrt(2.0 * np.pi) - z * special.ndtr(-z)))
