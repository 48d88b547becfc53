"""Equations of cash and revenue, worked by hand."""

import math

import pytest

from model.finance.cash import (
    affordable,
    annuity,
    borrowed,
    extra_posts,
    may_hire,
    paid_back,
    payable,
    surplus,
)
from model.finance.revenue import (
    collected,
    delivered,
    highest_dues,
    lowest_dues,
    reimbursed,
    renewed,
    trust_gained,
    unrestricted_part,
    value_of_membership,
)


def near(x: float) -> object:
    return pytest.approx(x, rel=1e-12, abs=1e-9)


@pytest.mark.parametrize(
    ("need", "available", "paid"),
    [(100, 250, 100), (100, 60, 60), (100, 100, 100), (100, -5, 0), (0, 60, 0)],
)
def test_payable(need: float, available: float, paid: float) -> None:
    assert payable(need, available) == paid


@pytest.mark.parametrize(
    ("cash", "undrawn", "drawn"),
    [(50, 100, 0), (0, 100, 0), (-30, 100, 30), (-100, 100, 100), (-130, 100, 100), (-30, 0, 0)],
)
def test_borrowed_is_what_is_missing_up_to_the_limit(
    cash: float, undrawn: float, drawn: float
) -> None:
    assert borrowed(cash, undrawn) == drawn


@pytest.mark.parametrize(
    ("cash", "credit", "back"),
    [(50, 80, 50), (80, 50, 50), (0, 50, 0), (-10, 50, 0), (80, 0, 0)],
)
def test_credit_is_paid_back_with_cash_in_hand(cash: float, credit: float, back: float) -> None:
    assert paid_back(cash, credit) == back


@pytest.mark.parametrize(
    ("posts", "need", "paid", "kept"),
    [
        (4, 8_000, 8_000, 4),
        (4, 8_000, 6_000, 3),
        (4, 8_000, 0, 0),
        (4, 0, 0, 4),  # volunteers cost nothing
        (4, 8_000, 9_000, 4),  # more money hires nobody by itself
    ],
)
def test_posts_stay_as_far_as_they_are_paid(
    posts: float, need: float, paid: float, kept: float
) -> None:
    assert affordable(posts, need, paid) == kept


@pytest.mark.parametrize(
    ("in_hand", "monthly", "months", "allowed"),
    [
        (20_000, 10_000, 2, 1),
        (19_999.99, 10_000, 2, 0),
        (5_000, 10_000, 0.5, 1),
        (4_999, 10_000, 0.5, 0),
        (0, 10_000, 0, 1),
        (-1, 10_000, 0, 0),
    ],
)
def test_hiring_needs_money_for_the_months_asked_for(
    in_hand: float, monthly: float, months: float, allowed: float
) -> None:
    assert may_hire(in_hand, monthly, months) == allowed


def test_annuity_of_two_payments() -> None:
    """1,000 at 10 % a month: 576.19 twice, as 1,000 = x / 1.1 + x / 1.21."""
    each = annuity(1_000.0, 0.1, 2)
    assert each == pytest.approx(576.1904761904, rel=1e-10)
    assert each / 1.1 + each / 1.21 == near(1_000)


@pytest.mark.parametrize(("rate", "months"), [(0.005, 1), (0.005, 36), (0.02, 480)])
def test_annuity_pays_a_loan_back_to_the_cent(rate: float, months: int) -> None:
    owed, each = 250_000.0, annuity(250_000.0, rate, months)
    for _ in range(months):
        owed += owed * rate - each
    assert owed == pytest.approx(0.0, abs=0.01)


def test_annuity_without_interest() -> None:
    assert annuity(1_200.0, 0.0, 12) == 100.0


@pytest.mark.parametrize(
    ("cash", "reserve", "share", "moved"),
    [(100, 60, 0.5, 20), (60, 60, 0.5, 0), (40, 60, 0.5, 0), (100, 0, 1, 100), (100, 60, 0, 0)],
)
def test_surplus_above_the_reserve(cash: float, reserve: float, share: float, moved: float) -> None:
    assert surplus(cash, reserve, share) == moved


@pytest.mark.parametrize(
    ("fund", "cost", "months", "desired", "posts"),
    [
        (120_000, 5_000, 12, 4, 2),  # two posts for a year
        (600_000, 5_000, 12, 4, 4),
        (0, 5_000, 12, 4, 0),
        (-10, 5_000, 12, 4, 0),
        (120_000, 0, 12, 4, 0),  # posts without a cost are not what a fund is for
    ],
)
def test_extra_posts(fund: float, cost: float, months: float, desired: float, posts: float) -> None:
    assert extra_posts(fund, cost, months, desired) == posts


# --- revenue


@pytest.mark.parametrize(
    ("members", "renewal", "response", "trust", "stay"),
    [
        (100, 0.9, 0.3, 1.0, 90),
        (100, 0.9, 0.3, 0.0, 63),  # 90 less 30 %
        (100, 0.9, 0.3, 0.5, 76.5),  # 90 less 15 %
        (100, 0.9, 0.0, 0.0, 90),
        (0, 0.9, 0.3, 0.5, 0),
    ],
)
def test_renewed(
    members: float, renewal: float, response: float, trust: float, stay: float
) -> None:
    assert renewed(members, renewal, response, trust) == near(stay)


def test_trust_follows_staff_with_a_first_order_delay() -> None:
    """After one delay 63 % of the way, after two 86 %, from above as from below."""
    trust = 1.0
    for _ in range(12):
        trust += trust_gained(trust, 0.25, 12.0)
    assert trust == near(0.25 + 0.75 * math.exp(-1))
    for _ in range(12):
        trust += trust_gained(trust, 0.25, 12.0)
    assert trust == near(0.25 + 0.75 * math.exp(-2))
    assert trust_gained(0.4, 0.4, 12.0) == 0.0
    assert trust_gained(0.4, 1.0, 12.0) > 0.0


@pytest.mark.parametrize(("invoiced", "bad", "got"), [(1_000, 0.05, 950), (1_000, 0, 1_000)])
def test_collected(invoiced: float, bad: float, got: float) -> None:
    assert collected(invoiced, bad) == near(got)


@pytest.mark.parametrize(
    ("demand", "hours", "each", "done"),
    [(3, 70, 12, 3), (8, 70, 14, 5), (8, 0, 14, 0), (8, -1, 14, 0), (8, 0, 0, 8)],
)
def test_delivery_is_limited_by_hours(
    demand: float, hours: float, each: float, done: float
) -> None:
    assert delivered(demand, hours, each) == done


@pytest.mark.parametrize(
    ("spent", "ceiling", "claimed"), [(80, 100, 80), (120, 100, 100), (-1, 100, 0), (80, -1, 0)]
)
def test_reimbursed_up_to_what_is_left(spent: float, ceiling: float, claimed: float) -> None:
    assert reimbursed(spent, ceiling) == claimed


def test_unrestricted_part_of_a_grant() -> None:
    assert unrestricted_part(20_000, 0.1) == near(2_000)


def test_value_of_membership_is_net_of_own_time() -> None:
    """300 clients x 1.75 hours less 300 hours, at 31 USD: 225 hours, 6,975 USD."""
    assert value_of_membership(300, 1.75, 31, 300) == near(6_975)
    assert value_of_membership(100, 1.75, 31, 300) == near(-3_875)


@pytest.mark.parametrize(
    ("value", "members", "kept", "most"),
    [(6_975, 100, 0.5, 34.875), (-3_875, 100, 0.5, 0), (6_975, 0, 0.5, 0), (6_975, 100, 0, 69.75)],
)
def test_highest_dues(value: float, members: float, kept: float, most: float) -> None:
    assert highest_dues(value, members, kept) == near(most)


def test_lowest_dues() -> None:
    assert lowest_dues(5_000, 100) == 50
    assert lowest_dues(5_000, 0) == 0
