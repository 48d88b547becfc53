"""Every clause by hand, and inert at its neutral value."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.finance import contracts as c
from model.finance.contracts import Clauses, Settled
from model.finance.payments import fee, outcome_payments, outcome_total, withhold_parts
from model.finance.presets import preset

USD = st.floats(1e3, 1e9)
SHARE = st.floats(0.0, 1.0)
AT_ANY_SPEED = settings(deadline=None)  # a first call may compile


def settled(benchmark: float, expenditure: float, **clauses: object) -> Settled:
    return Settled(*c.settlement(benchmark, expenditure, Clauses()._replace(**clauses)))


# --- published worked examples


@pytest.mark.parametrize(
    ("actual", "minimum", "paid"),
    [(495.50, 0.0, 281_250), (495.50, 0.01, 0), (495.00, 0.01, 312_500), (495.00, 0.0, 312_500)],
)
def test_minimum_savings_rate_worked(actual: float, minimum: float, paid: float) -> None:
    """125,000 member-months at a target of $500, half of the savings."""
    months = 125_000
    s = settled(500 * months, actual * months, sharing_rate=0.5, minimum_savings_rate=minimum)
    assert s.payment == pytest.approx(paid)


def test_largest_savings_rate() -> None:
    """200 people x $1,500 among 20,000 at $6,000 is 0.25 %."""
    assert c.largest_savings_rate(200, 1500, 20_000, 6000) == pytest.approx(0.0025)


def test_denver_outcome_payments_reproduce_the_published_total() -> None:
    """4,534,911.36 for housing and 5,104,000 for jail days (Urban Institute, July 2021)."""
    terms = preset("denver_supportive_housing").contract.outcomes
    assert terms is not None
    measured = {"housing_days": 299_928, "jail_days": 0.338}
    paid = outcome_payments(terms, measured)
    assert paid["housing_days"] == pytest.approx(4_534_911.36)
    assert paid["jail_days"] == pytest.approx(5_104_000)
    assert outcome_total(terms, measured) == pytest.approx(9_638_911.36)
    assert outcome_payments(terms, {"jail_days": 0.199})["jail_days"] == 0
    assert outcome_payments(terms, {"jail_days": 0.90})["jail_days"] == pytest.approx(7_600_000)
    assert outcome_total(terms, {"housing_days": 1e6, "jail_days": 0.65}) == 11_420_000


# --- shared savings, clause by clause


@pytest.mark.parametrize(
    ("clauses", "payment"),
    [
        ({}, 10e6),
        ({"sharing_rate": 0.5}, 5e6),
        ({"sharing_rate": 0.5, "sequestration": 0.02}, 4.9e6),
        ({"sharing_rate": 0.5, "sequestration": 0.02, "payment_limit": 0.049}, 4.9e6),
        ({"sharing_rate": 0.5, "sequestration": 0.02, "payment_limit": 0.04}, 4e6),
        ({"minimum_savings_rate": 0.10}, 10e6),  # meets
        ({"minimum_savings_rate": 0.1000001}, 0),
        ({"minimum_savings_rate": 0.02, "excess_only": 1.0}, 8e6),
        ({"minimum_savings_rate": 0.2, "below_minimum_share": 0.5, "sharing_rate": 0.4}, 2e6),
        ({"quality_share": 0.9, "sharing_rate": 0.5}, 4.5e6),
        ({"savings_counted": 0.0}, 0),
        ({"capture_cap": 0.5}, 5e6),
        (
            {"sharing_rate": 0.5, "tier_above": np.array([0.04]), "tier_rate": np.array([0.6])},
            0.5 * 4e6 + 0.6 * 6e6,
        ),
    ],
)
def test_savings(clauses: dict[str, object], payment: float) -> None:
    """A benchmark of 100 million and savings of 10."""
    assert settled(100e6, 90e6, **clauses).payment == pytest.approx(payment)


@pytest.mark.parametrize(
    ("clauses", "owed"),
    [
        ({}, 0),  # one-sided
        ({"loss_rate": 0.3}, 3e6),
        ({"loss_rate": 0.3, "minimum_loss_rate": 0.1}, 3e6),
        ({"loss_rate": 0.3, "minimum_loss_rate": 0.11}, 0),
        ({"loss_rate": 0.3, "minimum_loss_rate": 0.02, "excess_only": 1.0}, 2.4e6),
        ({"loss_rate": 0.3, "loss_limit": 2e6}, 2e6),
        ({"loss_rate": 0.3, "loss_limit": 2e6, "forgiven": 0.5e6}, 1.5e6),
        ({"loss_rate": 0.3, "forgiven": 5e6}, 0),
        ({"loss_rate": 0.3, "losses_counted": 0.0}, 0),
        ({"loss_rate": 0.3, "sequestration": 0.02, "payment_limit": 0.001}, 3e6),
    ],
)
def test_losses(clauses: dict[str, object], owed: float) -> None:
    """A benchmark of 100 million and losses of 10."""
    s = settled(100e6, 110e6, **clauses)
    assert s.repayment == pytest.approx(owed)
    assert s.payment == 0


@pytest.mark.parametrize(
    ("score", "rate"), [(1.0, 0.4), (0.8, 0.4), (0.6, 0.55), (0.3333, 0.75), (0.0, 0.75)]
)
def test_loss_rate_by_quality(score: float, rate: float) -> None:
    assert c.loss_rate_by_quality(0.75, score, 0.4, 0.75) == pytest.approx(rate, abs=1e-4)


def test_loss_limit_is_the_lower_of_two() -> None:
    assert c.loss_limit(100e6, 0.04, 30e6, 0.08) == pytest.approx(2.4e6)
    assert c.loss_limit(100e6, 0.04, 90e6, 0.08) == 4e6
    assert c.loss_limit(100e6, 0.04, np.nan, 0.08) == 4e6
    assert c.loss_limit(100e6, np.inf, np.nan, np.inf) == np.inf


NEUTRAL = {
    "minimum_savings_rate": 0.0,
    "minimum_loss_rate": 0.0,
    "excess_only": 0.0,
    "below_minimum_share": 0.0,
    "quality_share": 1.0,
    "savings_counted": 1.0,
    "losses_counted": 1.0,
    "sequestration": 0.0,
    "payment_limit": np.inf,
    "capture_cap": np.inf,
    "loss_limit": np.inf,
    "forgiven": 0.0,
}


@AT_ANY_SPEED
@given(USD, USD, SHARE, SHARE)
def test_all_clauses_neutral_leave_the_plain_shares(
    benchmark: float, expenditure: float, sharing: float, loss: float
) -> None:
    s = settled(benchmark, expenditure, sharing_rate=sharing, loss_rate=loss, **NEUTRAL)
    gross = benchmark - expenditure
    assert s.payment == pytest.approx(sharing * max(0.0, gross))
    assert s.repayment == pytest.approx(loss * max(0.0, -gross))


@AT_ANY_SPEED
@given(USD, USD, SHARE, SHARE, SHARE, st.sampled_from(sorted(NEUTRAL)))
def test_each_clause_alone_is_inert_at_its_neutral_value(
    benchmark: float, expenditure: float, sharing: float, minimum: float, cut: float, name: str
) -> None:
    """In a contract with other clauses at work, its neutral value is as if it were not there."""
    others: dict[str, object] = {
        "sharing_rate": sharing,
        "minimum_savings_rate": minimum / 10,
        "sequestration": cut,
        "payment_limit": cut,
        "loss_rate": sharing,
    }
    others.pop(name, None)
    plain = settled(benchmark, expenditure, **others)
    assert settled(benchmark, expenditure, **others, **{name: NEUTRAL[name]}) == plain


@AT_ANY_SPEED
@given(USD, USD, SHARE, SHARE, SHARE, SHARE)
def test_a_settlement_stays_within_its_bounds(
    benchmark: float, expenditure: float, rate: float, minimum: float, cut: float, limit: float
) -> None:
    s = settled(
        benchmark, expenditure, sharing_rate=rate, loss_rate=rate, minimum_savings_rate=minimum,
        minimum_loss_rate=minimum, sequestration=cut, payment_limit=limit,
        loss_limit=limit * benchmark,
    )  # fmt: skip
    assert 0 <= s.payment <= s.sequestered <= s.shared <= s.counted + 1e-9
    assert 0 <= s.repayment <= s.limited <= s.owed <= s.lost + 1e-9
    assert max(s.payment, s.repayment) <= limit * benchmark + 1e-9
    assert s.payment * s.repayment == 0


@AT_ANY_SPEED
@given(SHARE, st.lists(USD, min_size=2, max_size=2))
def test_a_payment_never_falls_with_savings(minimum: float, spent: list[float]) -> None:
    less, more = sorted(spent)
    terms = {"sharing_rate": 0.5, "loss_rate": 0.3, "minimum_savings_rate": minimum / 20}
    high, low = settled(5e8, less, **terms), settled(5e8, more, **terms)
    assert high.payment - high.repayment >= low.payment - low.repayment


# --- the other kinds


@pytest.mark.parametrize("achieved", [0.0, 0.37, 1.0])
def test_central_oregon_withhold(achieved: float) -> None:
    """12.5 % of 8 million is 1 million; the hospital can earn back half of it."""
    terms = preset("central_oregon_withhold").contract.withhold
    assert terms is not None
    parts = withhold_parts(terms, 8e6, achieved)
    assert sum(parts.values()) == pytest.approx(1e6)
    assert parts["payee"] == pytest.approx(500_000 * achieved)
    assert parts["payer"] == 0


@AT_ANY_SPEED
@given(USD, SHARE, SHARE, SHARE, SHARE)
def test_withhold_parts_sum_to_the_pool(
    payment: float, rate: float, achieved: float, limit: float, release: float
) -> None:
    pool = c.withheld(payment, rate)
    missed = c.forfeited(pool, achieved, limit)
    parts = (
        c.earned_back(pool, achieved, limit),
        c.released_to_others(pool, missed, limit, release),
        c.kept_by_payer(missed, release),
    )
    assert sum(parts) == pytest.approx(pool)
    assert min(parts) >= 0


def test_full_earn_back_and_full_forfeit() -> None:
    pool = c.withheld(8e6, 0.125)
    assert c.earned_back(pool, 1.0, 1.0) == 1e6
    assert c.kept_by_payer(c.forfeited(pool, 1.0, 1.0), 0.0) == 0
    assert c.earned_back(pool, 0.0, 1.0) == 0
    assert c.kept_by_payer(c.forfeited(pool, 0.0, 1.0), 0.0) == 1e6


@AT_ANY_SPEED
@given(USD, SHARE)
def test_inert_fees_and_shares(amount: float, achieved: float) -> None:
    assert c.fee_at_risk(amount, 0.0, achieved) == amount
    assert c.fee_at_risk(amount, 1.0, achieved) == pytest.approx(amount * achieved, abs=1e-6)
    assert c.net_of_fee(amount, 0.0) == amount
    assert c.withheld(amount, 0.0) == 0
    assert c.within(amount, 0.0, np.inf) == amount
    assert c.captured(amount, 0.0, np.inf) == amount
    assert c.limited(amount, np.inf, 0.0) == amount
    assert c.sequestered(amount, 0.0) == amount
    assert c.after_forgiveness(amount, 0.0) == amount
    assert c.final_payment(amount, c.interim_payment(amount, 0.0)) == amount
    assert c.distributed(amount, 1.0) == c.capitation_payment(amount, 1.0) == amount
    assert c.quality_share(achieved, 0.0, 0.0) == 1
    assert c.stays(amount, np.inf) == 1


def test_capture_cap_at_half_of_a_payers_saving() -> None:
    assert c.captured(80.0, 100.0, 0.5) == 50
    assert c.captured(30.0, 100.0, 0.5) == 30
    assert c.captured(30.0, -100.0, 0.5) == 0


def test_interim_payment_and_settlement() -> None:
    interim = c.interim_payment(100_000.0, 0.4)
    assert interim == 40_000
    assert c.final_payment(30_000.0, interim) == -10_000  # paid back
    assert c.interim_payment(-5.0, 0.4) == 0
    assert [c.is_due(month, 12, 6) for month in (17, 18, 19)] == [0, 1, 0]


def test_fee_of_the_medicaid_plan() -> None:
    terms = preset("medicaid_plan_fee").contract.member_fee
    assert terms is not None
    assert fee(terms, 12 * 5000) == pytest.approx(180_000)
    assert fee(terms, 12 * 5000, achieved=0.5) == pytest.approx(162_000)
    assert c.case_payment(30, 4000) == 120_000


BANDS = tuple(np.array(x) for x in ([0.0, 0.1], [0.1, 0.3], [1000.0, 3000.0]))


@pytest.mark.parametrize(
    ("reduction", "start", "paid"),
    [(0.05, 0, 5000), (0.10, 0, 10_000), (0.20, 0, 40_000), (0.9, 0, 70_000), (0.05, 0.06, 0),
     (-0.1, 0, 0), (0.06, 0.06, 6000)],
)  # fmt: skip
def test_bands(reduction: float, start: float, paid: float) -> None:
    assert c.band_payment(reduction, *BANDS, start) == pytest.approx(paid)


@AT_ANY_SPEED
@given(st.floats(0, 1), st.floats(0, 1))
def test_bands_never_fall(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert c.band_payment(low, *BANDS, 0.0) <= c.band_payment(high, *BANDS, 0.0) + 1e-9


def test_equations_are_the_same_as_plain_python() -> None:
    plain = getattr(c.band_payment, "py_func", c.band_payment)
    assert plain(0.2, *BANDS, 0.0) == c.band_payment(0.2, *BANDS, 0.0)
