"""Chance in measured savings: published facts, closed forms, and draws against exact integrals."""

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats

from model.finance.contracts import Clauses
from model.finance.measurement import (
    Noise,
    agreement,
    baseline_factor,
    chances,
    curve,
    expected,
    measured_rates,
    members_needed,
    noise_of,
    payments,
    payoff,
    pieces,
)
from model.finance.presets import preset

CV = Noise(2.1)
BOTH_WAYS = Clauses(
    sharing_rate=0.5, minimum_savings_rate=0.02, minimum_loss_rate=0.02, loss_rate=0.5
)
ONE_SIDED = Clauses(sharing_rate=0.5, minimum_savings_rate=0.02)
RICH = Clauses(
    sharing_rate=0.5, tier_above=np.array([0.04]), tier_rate=np.array([0.7]),
    minimum_savings_rate=0.02, minimum_loss_rate=0.01, excess_only=1.0, quality_share=0.9,
    sequestration=0.02, payment_limit=0.03, capture_cap=0.45, loss_rate=0.4, loss_limit=1.2e6,
    forgiven=0.2e6,
)  # fmt: skip
# The capture cap bends the payment at 3 %: 0.9 (x - 2 %) = 0.3 x.
CAPPED = Clauses(sharing_rate=0.9, minimum_savings_rate=0.02, excess_only=1.0, capture_cap=0.3)


@pytest.mark.parametrize(("members", "paid", "penalised"), [(5000, 24, 26), (50_000, 2, 2)])
def test_delia_2012(members: int, paid: float, penalised: float) -> None:
    """No true effect, 2 % threshold both ways: within 2 points of the published shares."""
    c = chances(12_000 * members, members, 0.0, BOTH_WAYS, CV)
    assert 100 * c.p_paid == pytest.approx(paid, abs=2)
    assert 100 * c.p_penalised == pytest.approx(penalised, abs=2)


def test_luck_of_a_one_sided_contract() -> None:
    """5,000 members at $12,000, half of the savings, 2 %: about $283,000 a year without effect."""
    c = chances(60e6, 5000, 0.0, ONE_SIDED, CV)
    assert c.luck == c.expected == pytest.approx(283_000, rel=0.005)
    sd = 2.1 / math.sqrt(5000)
    assert c.expected == pytest.approx(0.5 * 60e6 * sd * stats.norm.pdf(0.02 / sd))
    assert c.payment_on_truth == 0


def test_an_area_shock_lifts_luck_at_50_000_members() -> None:
    c = chances(600e6, 50_000, 0.0, ONE_SIDED, Noise(2.1, area_sd=0.01))
    assert c.p_paid_without_effect == pytest.approx(0.07, abs=0.005)


@pytest.mark.parametrize("clauses", [ONE_SIDED, BOTH_WAYS, RICH, CAPPED])
@pytest.mark.parametrize("rate", [-0.03, 0.0, 0.031])
def test_exact_integrals_agree_with_quadrature(clauses: Clauses, rate: float) -> None:
    benchmark, sd = 60e6, CV.sd(5000)
    parts = pieces(benchmark, clauses)
    edges = [p.low for p in parts][1:]

    def integrand(x: float) -> float:
        return payoff(benchmark, x, clauses) * stats.norm.pdf(x, rate, sd)

    stops = [rate - 12 * sd, *sorted(e for e in edges if abs(e - rate) < 12 * sd), rate + 12 * sd]
    numeric = sum(
        integrate.quad(integrand, low, high)[0]
        for low, high in pairwise(stops)
        if high - low > 1e-12
    )
    assert expected(parts, rate, sd) == pytest.approx(numeric, rel=1e-6, abs=1.0)


@pytest.mark.parametrize("clauses", [ONE_SIDED, BOTH_WAYS, RICH])
def test_draws_agree_with_the_exact_answer(clauses: Clauses) -> None:
    noise, draws = Noise(2.1, 0.005, 0.46), 40_000
    rng = np.random.default_rng(7)
    z = rng.standard_normal((3, draws, 1))
    rates = measured_rates(np.full((draws, 1), 0.02), 5000, noise, z[0], z[1, :, 0], z[2])
    paid = payments(60e6, rates, clauses)
    c = chances(60e6, 5000, 0.02, clauses, noise)
    assert rates.std() == pytest.approx(c.sd, rel=0.02)
    assert paid.mean() == pytest.approx(c.expected, abs=4 * paid.std() / math.sqrt(draws))
    assert (paid > 0).mean() == pytest.approx(c.p_paid, abs=0.01)
    assert (paid < 0).mean() == pytest.approx(c.p_penalised, abs=0.01)
    low, high = np.quantile(paid, [0.1, 0.9])
    assert (low, high) == pytest.approx((c.p10, c.p90), abs=0.03 * paid.std())


def test_the_capture_cap_bends_the_payment() -> None:
    """E of 0.9 (x - 2 %) from 2 % on, less 0.6 (x - 3 %) from 3 % on, in closed form."""
    sd = CV.sd(5000)

    def beyond(edge: float) -> float:
        return float(sd * stats.norm.pdf(edge / sd) - edge * stats.norm.sf(edge / sd))

    c = chances(60e6, 5000, 0.0, CAPPED, CV)
    assert c.expected == pytest.approx(60e6 * (0.9 * beyond(0.02) - 0.6 * beyond(0.03)))


def test_a_real_effect_may_go_unpaid() -> None:
    c = chances(60e6, 5000, 0.02, ONE_SIDED, CV)  # right at the threshold
    assert c.p_paid == c.p_not_paid == pytest.approx(0.5)
    assert c.luck == pytest.approx(c.expected - 0.5 * 0.02 * 60e6)


def test_members_needed_in_closed_form() -> None:
    """(effect - 2 %) / (CV / sqrt n) = z(0.8)."""
    n = members_needed(0.03, lambda _: 0.02, CV)
    assert n == math.ceil((2.1 * stats.norm.ppf(0.8) / 0.01) ** 2)
    assert chances(1e6, n, 0.03, ONE_SIDED, CV).p_paid == pytest.approx(0.8, abs=1e-4)


@pytest.mark.parametrize(
    ("effect", "noise"),
    [(0.02, CV), (0.0025, CV), (0.0, CV), (-0.01, CV), (0.03, Noise(2.1, area_sd=0.012))],
)
def test_no_number_of_members_is_enough(effect: float, noise: Noise) -> None:
    """An effect under the threshold, or an area shock that members do not average out."""
    assert members_needed(effect, lambda _: 0.02, noise) is None


def test_the_curve_over_members() -> None:
    sizes = [1000, 5000, 20_000, 100_000]
    points = curve(12_000, sizes, 0.03, lambda _: ONE_SIDED, CV)
    assert [p.members for p in points] == sizes
    assert [p.p_paid for p in points] == sorted(p.p_paid for p in points)
    falling = [p.p_paid_without_effect for p in points]
    assert falling == sorted(falling, reverse=True)


def test_baseline_designs() -> None:
    assert baseline_factor() == 0  # a benchmark set by others
    assert baseline_factor([1.0]) == 1  # one own year: f = 2
    assert baseline_factor([1 / 3] * 3) == pytest.approx(1 / 3)
    assert baseline_factor([0.1, 0.3, 0.6]) == pytest.approx(0.46)
    assert baseline_factor(comparison_ratio=2.0) == 0.5
    assert Noise(2.1, 0.01, 0.46).sd(5000) == pytest.approx(
        math.sqrt(1.46 * 2.1**2 / 5000 + 0.01**2)
    )


def test_the_shipped_noise_is_the_fitted_one() -> None:
    for name in ("mssp_track_1", "one_sided_half"):
        terms = preset(name).contract.measurement
        assert terms is not None
        assert noise_of(terms) == CV


def test_years_of_an_agreement_share_the_baseline() -> None:
    """With independent years P(ever) = 1 - (1 - p)^3; a shared error makes luck come together."""
    alone = agreement(60e6, 5000, 0.0, 3, ONE_SIDED, CV)
    year = chances(60e6, 5000, 0.0, ONE_SIDED, CV)
    p = year.p_paid
    assert alone.p_ever_paid == pytest.approx(1 - (1 - p) ** 3)
    assert alone.p_always_paid == pytest.approx(p**3)
    assert alone.p_paid_then_never == pytest.approx(p * (1 - p) ** 2)
    assert alone.expected == pytest.approx(3 * year.expected)
    assert alone.correlation == 0
    shared = agreement(60e6, 5000, 0.0, 3, ONE_SIDED, Noise(2.1, 0.0, 1.0))
    assert shared.correlation == pytest.approx(0.5)
    two = stats.multivariate_normal([0, 0, 0], 0.5 * np.eye(3) + 0.5)
    edge = -0.02 / Noise(2.1, 0.0, 1.0).sd(5000)
    assert shared.p_always_paid == pytest.approx(two.cdf([edge] * 3), abs=1e-4)
    assert shared.p_ever_paid == pytest.approx(1 - two.cdf([-edge] * 3), abs=1e-4)


def test_without_chance_the_truth_is_paid() -> None:
    c = chances(60e6, 5000, 0.03, ONE_SIDED, Noise(0.0))
    assert (c.p_paid, c.luck, c.p_paid_without_effect) == (1, 0, 0)
    assert c.expected == c.p10 == c.p90 == pytest.approx(900_000)
