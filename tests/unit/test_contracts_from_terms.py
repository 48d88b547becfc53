"""From the words of a contract to dollars: every clause that terms can state, by hand."""

from datetime import date
from typing import Any

import pytest

from model.finance.payments import fee, outcome_payments, outcome_total, withhold_parts
from model.finance.performance import Refused, Row
from model.finance.rules import rules_of
from model.finance.settlement import (
    Settlement,
    clauses_both_ways,
    minimum_by_members,
    settle,
)
from model.terms import Contract, MemberFee, Outcomes, Withhold

HALF: dict[str, Any] = {"sharing_rate": 0.5}
TWO_SIDED = HALF | {"loss": {"rate": {"fixed": 0.3}}}
BY_QUALITY = HALF | {"loss": {"rate": {"floor": 0.4, "ceiling": 0.7}}}
SCALE = [
    {"lower": 100, "upper": 200, "rate_at_lower": 0.1, "rate_at_upper": 0.06},
    {"lower": 201, "rate_at_lower": 0.05},
]


def contract(shared_savings: dict[str, Any], **others: Any) -> Contract:
    return Contract.model_validate(
        {"name": "ours", "title": "Ours", "source": "a letter", "shared_savings": shared_savings}
        | others
    )


def row(expenditure: float, **facts: Any) -> Row:
    """A benchmark of 100, 10 members and a quality score of 0.8, for clauses that ask for it."""
    return Row(2024, "X", 100.0, expenditure, **({"members": 10.0, "score": 0.8} | facts))


def settled(terms: dict[str, Any], expenditure: float, **facts: Any) -> Settlement:
    return settle(row(expenditure, **facts), rules_of(contract(terms)))


# --- savings


@pytest.mark.parametrize(
    ("terms", "facts", "earned"),
    [
        ({}, {}, 5),
        ({"sequestration": 0.02}, {}, 4.9),
        ({"sequestration": 0.02, "payment_limit": 0.04}, {}, 4),  # exactly the limit
        ({"sequestration": 0.02, "payment_limit": 0.0495}, {}, 4.9),
        ({"capture_cap": 0.3}, {}, 3),
        ({"minimum_rate": {"fixed": 0.1}}, {}, 5),
        ({"minimum_rate": {"fixed": 0.11}}, {}, 0),
        ({"minimum_rate": {"fixed": 0.02}, "excess_only": True}, {}, 4),
        ({"tiers": [{"above": 0.04, "sharing_rate": 0.8}]}, {}, 0.5 * 4 + 0.8 * 6),
        # quality
        ({"quality": {"pays": "all"}}, {}, 5),
        ({"quality": {"pays": "score"}}, {}, 4),
        ({"quality": {"gate": 0.8}}, {}, 5),
        ({"quality": {"gate": 0.9}}, {}, 0),
        ({}, {"met_standard": False}, 0),
        ({}, {"final_rate": 0.0}, 0),  # which reveals that the standard was not met
        ({}, {"final_rate": 0.0, "met_standard": True}, 5),
        ({}, {"met_standard": False, "met_alternative": True}, 0),
        ({"quality": {"alternative_pays": "score"}}, {"met_alternative": True}, 4),
        # flags
        ({"guardrail_pays": 0.2}, {"guardrail": True}, 1),
        ({"guardrail_pays": 0.2}, {"guardrail": False}, 5),
        ({"terminated_pays": 0.4}, {"terminated": True}, 2),
        ({"terminated_pays": 0.4}, {}, 5),
        # a part of the rate below the minimum
        ({"minimum_rate": {"fixed": 0.2}, "below_minimum": {"rate_share": 0.4}}, {}, 2),
        ({"minimum_rate": {"fixed": 0.1}, "below_minimum": {"rate_share": 0.4}}, {}, 5),
    ],
)
def test_savings(terms: dict[str, Any], facts: dict[str, Any], earned: float) -> None:
    assert settled(HALF | terms, 90.0, **facts).earned == pytest.approx(earned)


@pytest.mark.parametrize(("netted", "earned"), [(True, 2.0), (False, 5.0)])
def test_a_fee_netted_first(netted: bool, earned: float) -> None:
    """5 cents for each of 10 members in 12 months are 6: of savings of 10, 4 remain."""
    terms = contract(HALF | {"fee_netted_first": netted}, member_fee={"per_member_month": 0.05})
    assert settle(row(90.0), rules_of(terms)).earned == pytest.approx(earned)


# --- losses


@pytest.mark.parametrize(
    ("terms", "facts", "owed"),
    [
        (HALF, {}, 0),
        (TWO_SIDED, {}, 3),
        (TWO_SIDED | {"sequestration": 0.02, "payment_limit": 0.01}, {}, 3),
        (TWO_SIDED | {"minimum_rate": {"fixed": 0.1}}, {}, 3),
        (TWO_SIDED | {"minimum_rate": {"fixed": 0.11}}, {}, 0),
        (TWO_SIDED, {"guardrail": True}, 3),
        (TWO_SIDED | {"guardrail_pays": 0.0}, {"guardrail": True}, 3),
        (TWO_SIDED | {"terminated_pays": 0.5}, {"terminated": True}, 1.5),
        (TWO_SIDED, {"adjustment": -1.0}, 2),
        (TWO_SIDED, {"adjustment": -9.0}, 0),
        (TWO_SIDED | {"half_year_adjustment_share": 0.5}, {"adjustment": -1.0}, 2),
        (
            TWO_SIDED | {"half_year_adjustment_share": 0.5},
            {"adjustment": -1.0, "six_month": True},
            2.5,
        ),
        (BY_QUALITY, {"score": 1.0}, 5),
        (BY_QUALITY | {"sharing_rate": 0.75}, {"score": 1.0}, 4),
        (BY_QUALITY, {"score": 0.9}, 5.5),
        (BY_QUALITY, {"score": 0.2}, 7),
        (BY_QUALITY, {"score": 0.9, "met_standard": False}, 7),
        (BY_QUALITY, {"score": 0.9, "met_standard": False, "met_alternative": True}, 5.5),
    ],
)
def test_losses(terms: dict[str, Any], facts: dict[str, Any], owed: float) -> None:
    assert settled(terms, 110.0, **facts).earned == pytest.approx(-owed)


def with_loss(**clauses: Any) -> dict[str, Any]:
    return HALF | {
        "minimum_rate": {"fixed": 0.01},
        "loss": {"rate": {"fixed": 0.3}} | clauses,
    }


@pytest.mark.parametrize(
    ("clauses", "facts", "owed"),
    [
        ({"minimum_rate": 0.1}, {}, 3),
        ({"minimum_rate": 0.11}, {}, 0),
        ({"limit_of_benchmark": 0.02}, {}, 2),
        ({"limit_of_benchmark": 0.02}, {"adjustment": -0.5}, 1.5),
        ({"limit_of_benchmark": 0.02, "limit_of_revenue": 0.1}, {"revenue": 15.0}, 1.5),
        ({"limit_of_benchmark": 0.02, "limit_of_revenue": 0.1}, {"revenue": 25.0}, 2),
        ({"limit_of_benchmark": 0.02, "limit_of_revenue": 0.1}, {}, 2),
        ({"limit_of_revenue": 0.1}, {"revenue": 15.0}, 1.5),
    ],
)
def test_minimum_and_limits_of_losses(
    clauses: dict[str, Any], facts: dict[str, Any], owed: float
) -> None:
    assert settled(with_loss(**clauses), 110.0, **facts).earned == pytest.approx(-owed)


@pytest.mark.parametrize(
    ("began", "limit"), [(2024, 0.5), (2023, 1.0), (2022, 1.5), (2015, 1.5), (None, 1.5)]
)
def test_limits_by_year_of_the_agreement(began: int | None, limit: float) -> None:
    terms = with_loss(limit_of_benchmark_by_year=[0.005, 0.01, 0.015])
    start = None if began is None else date(began, 7, 1)
    assert settled(terms, 110.0, agreement_start=start).earned == pytest.approx(-limit)


def test_an_agreement_older_than_the_terms_begins_with_them() -> None:
    terms = contract(
        with_loss(limit_of_benchmark_by_year=[0.005, 0.01]), years={"first": 2024, "last": 2026}
    )
    began = {"agreement_start": date(2020, 1, 1)}
    assert settle(row(110.0, **began), rules_of(terms)).earned == pytest.approx(-0.5)


# --- minimum, and what is said of a settlement


@pytest.mark.parametrize(
    ("members", "rate"), [(100.0, 0.1), (101.3, 0.09948), (200.0, 0.06), (201.0, 0.05), (1e6, 0.05)]
)
def test_minimum_by_members(members: float, rate: float) -> None:
    """Unrounded, whatever the file prints."""
    terms = HALF | {"minimum_rate": {"scale": SCALE}}
    told = settled(terms, 90.0, members=members, printed_minimum=round(rate, 3))
    assert told.threshold_rate == pytest.approx(rate, abs=1e-12)


def test_an_elected_minimum() -> None:
    terms = HALF | {"minimum_rate": {"scale": SCALE, "elected": [0.0, 0.005]}}
    elected = settled(terms, 99.5, members=150.0, printed_minimum=0.005)
    assert (elected.threshold_rate, elected.earned) == pytest.approx((0.005, 0.25))
    assert settled(terms, 99.5, members=150.0, printed_minimum=0.08).earned == 0


def test_fewer_members_than_the_scale_holds() -> None:
    terms = contract(HALF | {"minimum_rate": {"scale": SCALE}})
    rules = rules_of(terms)
    assert settle(row(90.0, printed_minimum=0.12), rules).threshold_rate == 0.12
    with pytest.raises(Refused):
        settle(row(90.0), rules)
    rate = minimum_by_members(row(90.0), rules)
    assert [rate(n) for n in (1.0, 150.0, 999.0)] == pytest.approx([0.1, 0.08, 0.05])


def test_threshold_and_applied_rate() -> None:
    """After quality, before sequestration; the threshold is that of the side."""
    terms = with_loss(minimum_rate=0.04) | {"sequestration": 0.02, "quality": {"pays": "score"}}
    saved, lost = settled(terms, 90.0), settled(terms, 110.0)
    assert (saved.threshold_rate, saved.applied_rate) == pytest.approx((0.01, 0.4))
    assert (lost.threshold_rate, lost.applied_rate) == pytest.approx((0.04, 0.3))


def test_numbers_for_whatever_is_measured() -> None:
    """Quality as for savings, loss rate as for losses, the minimum of both."""
    terms = BY_QUALITY | {"minimum_rate": {"fixed": 0.02}, "quality": {"pays": "score"}}
    clauses = clauses_both_ways(row(100.0, score=0.9), rules_of(contract(terms)))
    assert (clauses.quality_share, clauses.loss_rate) == pytest.approx((0.9, 0.55))
    assert (clauses.minimum_savings_rate, clauses.minimum_loss_rate) == (0.02, 0.02)


# --- the other kinds


@pytest.mark.parametrize(
    ("at_risk", "achieved", "paid"),
    [(0.0, 0.0, 300), (0.2, 1.0, 300), (0.2, 0.5, 270), (0.2, 0.0, 240), (1.0, 0.3, 90)],
)
def test_fee(at_risk: float, achieved: float, paid: float) -> None:
    terms = MemberFee.model_validate({"per_member_month": 3, "at_risk": at_risk})
    assert fee(terms, 100.0, achieved) == pytest.approx(paid)


def test_withhold() -> None:
    """A tenth of 1,000; 60 can be earned back; a fifth of the targets brings 12 of them."""
    terms = Withhold.model_validate(
        {
            "withheld_from": "payment", "rate": 0.1, "earn_back_limit": 0.6,
            "forfeit_released": 0.25, "others": {"clinics": 0.75, "council": 0.25},
        }
    )  # fmt: skip
    parts = withhold_parts(terms, 1000.0, achieved=0.2)
    assert parts == pytest.approx({"payee": 12, "clinics": 39, "council": 13, "payer": 36})
    assert sum(parts.values()) == pytest.approx(100)


OUTCOMES: dict[str, Any] = {
    "minimum": 1000,
    "maximum": 50_000,
    "metrics": {
        "days": {"unit": "day", "price": 10, "cap": 9000},
        "jail": {
            "unit": "reduction",
            "starts_at": 0.05,
            "cap": 45_000,
            "bands": [
                {"lower": 0, "upper": 0.1, "per_point": 1000},
                {"lower": 0.1, "upper": 0.3, "per_point": 2000},
            ],
        },
    },
}


@pytest.mark.parametrize(
    ("days", "jail", "paid", "total"),
    [
        (0, 0.0, (0, 0), 1000),  # the overall minimum
        (200, 0.04, (2000, 0), 2000),
        (200, 0.05, (2000, 5000), 7000),
        (200, 0.2, (2000, 30_000), 32_000),
        (9999, 0.2, (9000, 30_000), 39_000),  # each metric up to its own cap
        (200, 0.9, (2000, 45_000), 47_000),
        (9999, 0.9, (9000, 45_000), 50_000),  # the overall maximum
    ],
)
def test_outcomes(days: float, jail: float, paid: tuple[float, ...], total: float) -> None:
    terms = Outcomes.model_validate(OUTCOMES)
    measured = {"days": days, "jail": jail}
    assert tuple(outcome_payments(terms, measured).values()) == pytest.approx(paid)
    assert outcome_total(terms, measured) == pytest.approx(total)


def test_a_metric_that_was_not_measured_pays_nothing() -> None:
    terms = Outcomes.model_validate(OUTCOMES)
    assert outcome_payments(terms, {"days": 1.0}) == pytest.approx({"days": 10, "jail": 0})
