"""One at a time: what an outcome does when one factor goes from its low to its high value.

Everything else keeps its draws and its luck, so a bar is a mean over all that is uncertain, and its
interval says how far it hangs on the rest. Facts go from their 5th to their 95th percentile,
levers that the scenario holds fixed from 20 % less to 20 % more.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.special import ndtr, ndtri

from model.distributions import Floats
from model.draws import Draws, value_at
from model.loading import Loaded
from model.sampling import Correlated
from model.variants import changed

from .factors import Factor

LOW, HIGH = 0.05, 0.95
LEVER_STEP = 0.2


class Bar(NamedTuple):
    """A factor's low and high end: values of its first number, the outcome [draw] at both, and the
    largest change."""

    factor: Factor
    low: float
    high: float
    at_low: Floats
    at_high: Floats
    swing: Floats


def levels(loaded: Loaded, factor: Factor, level: float) -> dict[str, float]:
    """Quantile levels by dotted name, with the first number of a factor at `level`.

    Tied numbers move together: the others to the level that goes with the first one's (the
    conditional median of the normal copula).
    """
    pairs = [Correlated(*c.between, c.rank) for c in loaded.scenario.correlations]
    first, *others = factor.members
    found = {first: level}
    for other in others:
        rank = sum(pair.rank for pair in pairs if {first, other} == {*pair[:2]})
        rho = 2.0 * np.sin(np.pi / 6.0 * rank)
        found[other] = float(ndtr(rho * ndtri(level)))
    return found


def values_at(loaded: Loaded, factor: Factor, level: float) -> dict[str, float]:
    """The values at these levels."""
    each = levels(loaded, factor, level).items()
    return {name: value_at(loaded, name, at) for name, at in each}


def ends(loaded: Loaded, factor: Factor) -> tuple[dict[str, float], dict[str, float]]:
    """Low and high values by dotted name."""
    if factor.role == "lever" and not loaded.parameters[factor.name].uncertain:
        mean = float(loaded.parameters[factor.name].central)
        return {factor.name: (1 - LEVER_STEP) * mean}, {factor.name: (1 + LEVER_STEP) * mean}
    return values_at(loaded, factor, LOW), values_at(loaded, factor, HIGH)


def variants(loaded: Loaded, draws: Draws, factors: Sequence[Factor]) -> list[Draws]:
    """The draws as they are, then each factor at its low and at its high end."""
    out = [draws]
    for factor in factors:
        for end in ends(loaded, factor):
            out.append(changed(draws, {n: np.full(draws.size, v) for n, v in end.items()}))
    return out


def bars(loaded: Loaded, factors: Sequence[Factor], values: Floats) -> list[Bar]:
    """Bars from values [variant, draw] in the order of `variants`, the longest first."""
    found = []
    for k, factor in enumerate(factors):
        low, high = (next(iter(end.values())) for end in ends(loaded, factor))
        at_low, at_high = values[1 + 2 * k], values[2 + 2 * k]
        found.append(Bar(factor, low, high, at_low, at_high, swing(values[0], at_low, at_high)))
    return sorted(found, key=lambda bar: -abs(float(np.mean(bar.swing))))


def swing(base: Floats, at_low: Floats, at_high: Floats) -> Floats:
    """The largest change [draw] of the mean between low end, as drawn and high end.

    From the low to the high end, but where both ends lie on the same side of what is drawn: there
    it is the farther end's change.
    """
    changes = (at_high - at_low, at_high - base, at_low - base)
    return max(changes, key=lambda change: abs(float(change.mean())))
