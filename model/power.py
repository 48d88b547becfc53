"""Power: how well a design measures an effect, and how many people it needs.

Effects and standard deviations are shares of the mean of usual care (0.05: five per cent), so that
cost and counts read alike; variances of a person are relative to the mean squared. Two-sided normal
tests throughout. Sources: two samples and normal errors, any text (Armitage, Berry, Matthews 2002,
ch. 18); before and after with repeated years, Frison and Pocock 1992, Statistics in Medicine
11:1685; negative binomial counts, Zhu and Lakkis 2014, Statistics in Medicine 33:376.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

from scipy import special, stats

MOST_PEOPLE = 1e8  # a design that needs more has no number: a third of a large country
MOST_MONTHS = 600  # fifty years: who needs longer needs another design


class Person(NamedTuple):
    """One person's yearly amount, relative to the mean: variance, and its parts.

    For a negative binomial count with mean m and dispersion k the variance is 1/m + k, of which
    1/m is counting; `lasting` is the covariance of two years of the same person.
    """

    variance: float
    lasting: float
    counting: float = 0.0

    @property
    def correlation(self) -> float:
        """Of two years of the same person."""
        return self.lasting / self.variance if self.variance > 0.0 else 0.0


# --- variance of one person's estimate (Frison and Pocock 1992, compound symmetry)


def after_only(p: Person, years: float) -> float:
    """Variance of a person's mean over some years: (v - c)/q + c."""
    return (p.variance - p.lasting) / years + p.lasting


def change(p: Person, before: float, after: float) -> float:
    """Variance of a person's change from the mean of years before to that of years after.

    `before` may be the effective number of weighted baseline years, 1 / sum of w^2.
    """
    return (p.variance - p.lasting) * (1.0 / before + 1.0 / after)


def adjusted(p: Person, before: float, after: float) -> float:
    """Variance left after regression on the years before (analysis of covariance)."""
    known = after_only(p, before)
    explained = p.lasting**2 / known if known > 0.0 else 0.0
    return after_only(p, after) - explained


def fewer_events(p: Person, effect: float, years: float) -> float:
    """Added variance of a person whose events are fewer by the share `effect`: (1/RR - 1)/(m q).

    The term by which Zhu and Lakkis' variance of a log rate ratio (their second approach, true
    rates) differs between the arms.
    """
    return p.counting * (1.0 / (1.0 - effect) - 1.0) / years


def trend_variance(yearly_sd: float, years: float, agreement: int) -> float:
    """Variance of the mean error of a trend that adds up within each agreement.

    Over A years the mean of the partial sums of A independent errors has variance
    sd^2 x (1^2 + ... + A^2) / A^2; agreements are independent.
    """
    whole = max(1, math.ceil(years - 1e-9))
    lengths = [min(agreement, whole - begun) for begun in range(0, whole, agreement)]
    return yearly_sd**2 * sum(n * (n + 1) * (2 * n + 1) / 6.0 for n in lengths) / whole**2


# --- tests


def z_sum(alpha: float, power: float) -> float:
    return float(special.ndtri(1.0 - alpha / 2.0) + special.ndtri(power))


def on_log_scale(effect: float) -> float:
    """A fall of a rate as a difference of logarithms: -ln(1 - effect)."""
    return -math.log1p(-min(effect, 1.0 - 1e-12))


def detectable(sd: float, alpha: float, power: float, log: bool) -> float:
    """Smallest effect found with this power: (z + z) sd, of a log ratio where `log`."""
    size = z_sum(alpha, power) * sd
    return -math.expm1(-size) if log else size


def found(effect: float, sd: float, alpha: float, log: bool) -> float:
    """Chance that a true effect is found, as a saving and significant (two-sided alpha).

    Without any effect it is alpha / 2: the false-payment risk of paying on a significant saving.
    """
    size = on_log_scale(effect) if log else effect
    if sd <= 0.0:
        return 1.0 if size > 0.0 else 0.0
    return float(special.ndtr(size / sd - special.ndtri(1.0 - alpha / 2.0)))


def people_needed(
    effect: float, sd: Callable[[float], float], alpha: float, power: float, log: bool
) -> int | None:
    """Fewest people for which the effect is found with this power; None where 100 million do not.

    `sd` falls with the number of people, though it may not fall to 0 (a shock to the area).
    """
    size = on_log_scale(effect) if log else effect
    z = z_sum(alpha, power)
    if effect <= 0.0 or z * sd(MOST_PEOPLE) > size:
        return None
    low, high = 1, int(MOST_PEOPLE)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if z * sd(middle) <= size else (middle + 1, high)
    return low


def months_needed(
    effect: Callable[[int], float],
    sd: Callable[[int], float],
    alpha: float,
    power: float,
    log: bool,
) -> int | None:
    """Fewest months, 12 to 600, over which the mean effect so far is found with this power.

    Neither need rise or fall steadily: effects ramp up and fade, trend errors add up.
    """
    z = z_sum(alpha, power)
    for months in range(12, MOST_MONTHS + 1):
        mean = effect(months)
        size = on_log_scale(mean) if log else mean
        if mean > 0.0 and z * sd(months) <= size:
            return months
    return None


# --- regression to the mean


def use_when_picked(mean: float, p: Person, at_least: int) -> float:
    """Events of a year, relative to the mean of all, of those who had `at_least` of them.

    Counts are negative binomial with mean m and dispersion k = variance - counting.
    """
    counts = _counts(mean, dispersion(p))
    picked = float(counts.sf(at_least - 1))
    below = math.fsum(y * float(counts.pmf(y)) for y in range(at_least))
    return (mean - below) / picked / mean if mean > 0.0 and picked > 0.0 else 1.0


def dispersion(p: Person) -> float:
    """k of a negative binomial count: variance beyond counting, relative to the mean squared."""
    return p.variance - p.counting


def _counts(mean: float, k: float) -> Any:
    if k <= 0.0:
        return stats.poisson(mean)
    return stats.nbinom(1.0 / k, 1.0 / (1.0 + k * mean))


def fall_without_effect(mean: float, p: Person, at_least: int) -> float:
    """Fall that before and after reports, with no effect at all, of people picked by their use.

    Who had `at_least` events in a year is followed for another year. After y events its rate is
    expected at m (1 + r ((y + 1/k) / (m + 1/k) - 1)): the gamma posterior mean, drawn towards m by
    r, the correlation of two years' rates (linear credibility: Buehlmann 1967, ASTIN 4:199).
    """
    if mean <= 0.0 or at_least <= 0:
        return 0.0
    before, k = mean * use_when_picked(mean, p, at_least), dispersion(p)
    if k <= 0.0:
        return 1.0 - mean / before
    r = min(max(p.lasting / k, 0.0), 1.0)
    posterior = (before + 1.0 / k) / (mean + 1.0 / k)
    return 1.0 - mean * (1.0 + r * (posterior - 1.0)) / before
