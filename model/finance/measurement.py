"""What chance makes of a settlement: measured savings differ from true ones.

A measured savings rate is normal around the true one, sd^2 = f CV^2/n + area^2: n members, CV of a
member's yearly cost, f = 1 + baseline factor, and an area shock that all share. A contract pays a
piecewise linear function of it, so expectations and chances are exact normal integrals; over the
years of an agreement, which share the baseline's error, they are Gauss-Hermite sums.
Formulas: docs/contracts.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from scipy import special

from model.distributions import Floats
from model.terms import Measurement

from . import contracts
from .contracts import Clauses, Settled

POWER = 0.8
NODES = 201  # of the Gauss-Hermite rule
MOST_MEMBERS = 1e12


@dataclass(frozen=True)
class Noise:
    """How far chance moves a measured savings rate. `baseline_factor` is f - 1."""

    cv: float
    area_sd: float = 0.0
    baseline_factor: float = 0.0

    def sd(self, members: float) -> float:
        """Standard deviation of the measured savings rate, a share of the benchmark."""
        return math.hypot(self.yearly_sd(members), self.baseline_sd(members))

    def yearly_sd(self, members: float) -> float:
        """The part that every year draws anew."""
        return math.hypot(self.cv / math.sqrt(members), self.area_sd)

    def baseline_sd(self, members: float) -> float:
        """The part that all years of an agreement share."""
        return self.cv * math.sqrt(self.baseline_factor / members)

    def correlation(self, members: float) -> float:
        """Correlation of the measured rates of two years of one agreement; 0 without chance."""
        total = self.sd(members)
        return (self.baseline_sd(members) / total) ** 2 if total > 0 else 0.0


def noise_of(terms: Measurement) -> Noise:
    """Noise under the benchmark's design, numbers at their means."""
    weights = [weight.central for weight in terms.baseline_weights]
    ratio = terms.comparison_ratio.central if terms.comparison_ratio else 0.0
    return Noise(terms.cv.central, terms.area_sd.central, baseline_factor(weights, ratio))


def baseline_factor(weights: Iterable[float] = (), comparison_ratio: float = 0.0) -> float:
    """f - 1, by benchmark design.

    Own history with weights w: sum of w^2 (independent years of equal size); a comparison group of
    r people for each member: 1/r; a benchmark that others set: 0.
    """
    own = sum(weight**2 for weight in weights)
    return own + (1.0 / comparison_ratio if comparison_ratio > 0 else 0.0)


# --- the payoff


@dataclass(frozen=True)
class Piece:
    """Where the payoff is intercept + slope x measured savings rate."""

    low: float
    high: float
    intercept: float
    slope: float


def payoff(benchmark: float, rate: float, clauses: Clauses) -> float:
    """USD for a measured savings rate."""
    s = Settled(*contracts.settlement(benchmark, benchmark * (1.0 - rate), clauses))
    return s.payment - s.repayment


def pieces(benchmark: float, clauses: Clauses) -> list[Piece]:
    """The payoff, cut where it jumps or bends."""
    cuts = {0.0, clauses.minimum_savings_rate, -clauses.minimum_loss_rate, *clauses.tier_above}
    unlimited = clauses._replace(
        payment_limit=np.inf, capture_cap=np.inf, loss_limit=np.inf, forgiven=0.0
    )
    lines = [
        (clauses.payment_limit * benchmark, 0.0),
        (0.0, clauses.capture_cap * benchmark),
        (-clauses.loss_limit, 0.0),
        (-clauses.forgiven, 0.0),
    ]
    bends = [
        bend
        for piece in _cut(benchmark, cuts, unlimited)
        for line in lines
        for bend in _crossing(piece, *line)
    ]
    return _cut(benchmark, cuts | set(bends), clauses)


def _crossing(piece: Piece, intercept: float, slope: float) -> list[float]:
    """Where a piece meets a limit, intercept + slope x measured savings rate."""
    steeper = piece.slope - slope
    if not math.isfinite(intercept) or not math.isfinite(slope) or steeper == 0:
        return []
    return [(intercept - piece.intercept) / steeper]


def _cut(benchmark: float, cuts: Iterable[float], clauses: Clauses) -> list[Piece]:
    """Linear pieces between cuts, each from its values at two points inside."""
    edges = [-math.inf, *sorted(float(cut) for cut in set(cuts)), math.inf]
    return [_piece(benchmark, low, high, clauses) for low, high in pairwise(edges)]


def _piece(benchmark: float, low: float, high: float, clauses: Clauses) -> Piece:
    start = low if math.isfinite(low) else high - 3.0
    end = high if math.isfinite(high) else low + 3.0
    one, two = start + (end - start) / 3.0, start + 2.0 * (end - start) / 3.0
    paid = payoff(benchmark, one, clauses), payoff(benchmark, two, clauses)
    slope = (paid[1] - paid[0]) / (two - one) if two > one else 0.0
    return Piece(low, high, paid[0] - slope * one, slope)


# --- one year: exact normal integrals


def expected(parts: Iterable[Piece], mean: float, sd: float) -> float:
    """E(a + bX) over pieces: (a + b mean) P + b sd (phi(low) - phi(high))."""
    total = 0.0
    for piece in parts:
        low, high = _z(piece.low, mean, sd), _z(piece.high, mean, sd)
        share = _probability(low, high)
        total += (piece.intercept + piece.slope * mean) * share
        total += piece.slope * sd * (_density(low) - _density(high))
    return total


def probability(parts: Iterable[Piece], mean: float, sd: float, sign: float) -> float:
    """P(something is paid, sign 1; owed, sign -1)."""
    return sum(
        _probability(_z(piece.low, mean, sd), _z(piece.high, mean, sd))
        for piece in parts
        if sign * _inside(piece) > 0
    )


def _inside(piece: Piece) -> float:
    """The payoff inside a piece; its sign is that of the whole piece, since 0 is a cut."""
    low = piece.low if math.isfinite(piece.low) else piece.high - 2.0
    high = piece.high if math.isfinite(piece.high) else piece.low + 2.0
    return piece.intercept + piece.slope * (low + high) / 2.0


def _z(rate: float, mean: float, sd: float) -> float:
    """Standardised edge of a piece; without chance all lies at the mean, in the piece it begins."""
    if sd > 0:
        return (rate - mean) / sd
    return -math.inf if rate <= mean else math.inf


def _probability(low: float, high: float) -> float:
    if low > 0:  # the far tail keeps its digits on the other side
        return float(special.ndtr(-low) - special.ndtr(-high))
    return float(special.ndtr(high) - special.ndtr(low))


def _density(z: float) -> float:
    return math.exp(-0.5 * z * z) / math.sqrt(2.0 * math.pi) if math.isfinite(z) else 0.0


@dataclass(frozen=True)
class Chances:
    """What one settlement can be expected to pay, and how much of that is chance."""

    members: float
    true_rate: float
    sd: float  # of the measured savings rate
    payment_on_truth: float  # USD, if the true rate were measured
    expected: float  # USD
    luck: float  # USD, expected - payment_on_truth
    p_paid: float
    p_penalised: float
    p_paid_without_effect: float
    p_not_paid: float
    p10: float  # USD
    p90: float  # USD


def chances(
    benchmark: float, members: float, true_rate: float, clauses: Clauses, noise: Noise
) -> Chances:
    """Chances of one year's settlement. Percentiles follow the measured rate: the payoff rises."""
    sd = noise.sd(members)
    parts = pieces(benchmark, clauses)
    truth = payoff(benchmark, true_rate, clauses)
    mean_paid = expected(parts, true_rate, sd)
    p_paid = probability(parts, true_rate, sd, 1.0)
    low, high = (true_rate + sd * float(special.ndtri(q)) for q in (0.1, 0.9))
    return Chances(
        members,
        true_rate,
        sd,
        truth,
        mean_paid,
        mean_paid - truth,
        p_paid,
        probability(parts, true_rate, sd, -1.0),
        probability(parts, 0.0, sd, 1.0),
        1.0 - p_paid,
        payoff(benchmark, low, clauses),
        payoff(benchmark, high, clauses),
    )


def curve(
    cost_per_member: float,
    members: Iterable[float],
    true_rate: float,
    clauses_for: Callable[[float], Clauses],
    noise: Noise,
) -> list[Chances]:
    """Chances over the number of members, at one benchmark per member and year."""
    return [chances(n * cost_per_member, n, true_rate, clauses_for(n), noise) for n in members]


def members_needed(
    true_rate: float, minimum_rate: Callable[[float], float], noise: Noise, power: float = POWER
) -> int | None:
    """Fewest members for which a true effect is paid with this chance; None where no number does.

    (effect - minimum(n)) / sd(n) >= z(power): the left side rises with n, as both minimum and sd
    fall, so that bisection finds the one n.
    """
    z = float(special.ndtri(power))

    def enough(n: float) -> bool:
        return true_rate - minimum_rate(n) >= z * noise.sd(n)

    if true_rate <= 0 or not enough(MOST_MEMBERS):
        return None
    low, high = 1, int(MOST_MEMBERS)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle + 1, high)
    return low


# --- the years of an agreement


@dataclass(frozen=True)
class AgreementChances:
    """An agreement of some years, all measured against one baseline."""

    years: int
    expected: float  # USD, all years
    p_ever_paid: float
    p_always_paid: float
    p_paid_then_never: float  # paid in the first year and in no other
    correlation: float  # of two years' measured rates


def agreement(
    benchmark: float,
    members: float,
    true_rate: float,
    years: int,
    clauses: Clauses,
    noise: Noise,
) -> AgreementChances:
    """Given the baseline's error years are independent; its error is summed out by nodes."""
    shared, yearly = noise.baseline_sd(members), noise.yearly_sd(members)
    nodes, weights = special.roots_hermitenorm(NODES)
    weights = weights / weights.sum()
    parts = pieces(benchmark, clauses)
    paid = np.array([probability(parts, true_rate + shared * z, yearly, 1.0) for z in nodes])
    return AgreementChances(
        years,
        years * expected(parts, true_rate, noise.sd(members)),
        float(weights @ (1.0 - (1.0 - paid) ** years)),
        float(weights @ paid**years),
        float(weights @ (paid * (1.0 - paid) ** (years - 1))),
        noise.correlation(members),
    )


def measured_rates(
    true_rate: Floats,
    members: float,
    noise: Noise,
    z_year: Floats,
    z_baseline: Floats,
    z_area: Floats,
) -> Floats:
    """Measured savings rates [draw, year] of given standard normal shocks.

    true_rate, z_year [draw, year]; z_baseline [draw]; z_area [draw, year], the same for every
    contract in the area.
    """
    error = contracts.measurement_error(
        z_year, z_baseline[:, None], z_area, members, noise.cv, noise.baseline_factor, noise.area_sd
    )
    return np.asarray(true_rate + error, dtype=np.float64)


def payments(benchmark: float, rates: Floats, clauses: Clauses) -> Floats:
    """USD for each measured rate, whatever its shape: where exact integrals do not reach."""
    flat = [payoff(benchmark, float(rate), clauses) for rate in rates.ravel()]
    return np.array(flat, dtype=np.float64).reshape(rates.shape)
