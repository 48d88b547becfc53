"""What holds for any flows of money: linear values, rates that are truly the only ones."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from model.distributions import Floats
from model.valuation import (
    concentration,
    deflate,
    discount_factors,
    internal_rate,
    lowest,
    months_until,
    payback_month,
    present_value,
)

# The first example waits for the compiler.
EXAMPLES = settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
amounts = st.floats(-1e9, 1e9)
rate = st.floats(-0.5, 1.0)
whole_flows = st.lists(st.integers(-30, 30), min_size=2, max_size=7)


def series(draws: int, months: int) -> st.SearchStrategy[Floats]:
    return arrays(np.float64, (draws, months), elements=amounts)


def size(flows: Floats, of: Floats) -> Floats:
    """What rounding is measured against: present value of flows and of the factor, unsigned."""
    return present_value(np.abs(flows), of) + 1e-300


# --- present value


@EXAMPLES
@given(series(2, 30), series(2, 30), st.floats(-10, 10), rate)
def test_present_value_is_linear(x: Floats, y: Floats, a: float, i: float) -> None:
    each = np.full(2, i)
    left = present_value(a * x + y, each)
    right = a * present_value(x, each) + present_value(y, each)
    error = np.abs(left - right) / size(np.abs(a * x) + np.abs(y), each)
    assert (error < 1e-13).all()


@EXAMPLES
@given(series(1, 40), rate, st.integers(0, 60))
def test_a_later_base_is_worth_more_by_the_rate(x: Floats, i: float, base: int) -> None:
    each = np.array([i])
    moved = present_value(x, each) * (1.0 + i) ** (base / 12)
    error = np.abs(present_value(x, each, base) - moved)
    assert (error <= 1e-12 * size(x, each) * (1.0 + i) ** (base / 12)).all()


@EXAMPLES
@given(series(1, 40), rate, st.floats(-0.2, 0.5))
def test_real_flows_at_the_real_rate_are_worth_the_same(x: Floats, real: float, pi: float) -> None:
    """Fisher: nominal = (1 + real)(1 + inflation) - 1."""
    nominal, deflated = (1 + real) * (1 + pi) - 1, deflate(x, np.array([pi]))
    error = present_value(x, np.array([nominal])) - present_value(deflated, np.array([real]))
    assert (np.abs(error) <= 1e-12 * size(deflated, np.array([real]))).all()


# --- internal rate


@EXAMPLES
@given(series(3, 50), st.sampled_from([-1.0, -0.5, 0.0]), st.integers(0, 30))
def test_flows_are_worth_nothing_at_their_internal_rate(
    x: Floats, above: float, costly: int
) -> None:
    """Whole dollars, so that none is taken for rounding; first costs, then receipts."""
    x = np.where(np.arange(50) < costly, -1.0, 1.0) * np.abs(np.round(x))
    found = internal_rate(x, above)
    for draw in np.flatnonzero(found.unique & (found.rate < 1e6) & (found.rate > -0.999)):
        flows, at = x[draw : draw + 1], found.rate[draw : draw + 1]
        assert at > above
        assert np.abs(present_value(flows, at)) <= 1e-9 * size(flows, at)


def sign_changes(values: list[Fraction]) -> int:
    signs = [v > 0 for v in values if v != 0]
    return sum(a != b for a, b in pairwise(signs))


def trimmed(p: list[Fraction]) -> list[Fraction]:
    """Coefficients from the lowest power, without zeros at the top."""
    while p and p[-1] == 0:
        p = p[:-1]
    return p


def remainder(p: list[Fraction], q: list[Fraction]) -> list[Fraction]:
    while len(p) >= len(q):
        factor, shift = p[-1] / q[-1], len(p) - len(q)
        p = trimmed([a - factor * b for a, b in zip(p, [0] * shift + q, strict=True)][:-1])
    return p


def value(p: list[Fraction], x: Fraction) -> Fraction:
    return sum((c * x**k for k, c in enumerate(p)), Fraction(0))


def count_discounts(flows: list[int], below: Fraction | None) -> int:
    """Different x in (0, below) that make flows worth 0: Sturm's theorem, in exact fractions."""
    p = trimmed([Fraction(c) for c in flows])
    while p and p[0] == 0:
        p = p[1:]
    if len(p) < 2:
        return 0
    chain = [p, [k * c for k, c in enumerate(p)][1:]]
    while rest := remainder(chain[-2], chain[-1]):
        chain.append([-c for c in rest])
    at_zero = sign_changes([q[0] for q in chain])
    if below is None:
        return at_zero - sign_changes([q[-1] for q in chain])
    here = int(value(p, below) == 0)
    return at_zero - sign_changes([value(q, below) for q in chain]) - here


def test_the_count_of_this_test_itself() -> None:
    """By hand: rates of 25 and 400 %; 10, 20 and 30 %; a double 10 %."""
    assert count_discounts([-4000, 25000, -25000], None) == 2
    assert count_discounts([-4000, 25000, -25000], Fraction(1, 2)) == 1
    assert count_discounts([-1000, 3600, -4310, 1716], None) == 3
    assert count_discounts([-100, 220, -121], None) == 1
    assert count_discounts([-100, 100, -100], None) == 0
    assert count_discounts([0, -1, 1], Fraction(1)) == 0


@EXAMPLES
@given(whole_flows, st.sampled_from([None, Fraction(1), Fraction(1, 2)]))
@example([-1000, 3600, -4310, 1716], None)
@example([-4000, 25000, -25000], Fraction(1, 2))
@example([-1000, 2100, -2100, 1100], Fraction(1))
def test_a_rate_that_is_given_is_the_only_one(flows: list[int], below: Fraction | None) -> None:
    """Against an exact count of the real roots; months here, so growth is per month."""
    above = -1.0 if below is None else float(1 / below) ** 12 - 1.0
    found = internal_rate(np.array([flows], dtype=float), above)
    assert np.isnan(found.rate).item() != found.unique.item()
    if found.unique:
        assert count_discounts(flows, below) == 1
        assert found.rate >= above  # 23 becoming 1 in a month is -100 % a year in floats


@EXAMPLES
@given(whole_flows)
def test_one_sign_change_always_has_a_rate(flows: list[int]) -> None:
    """Descartes: one change of sign, one positive root; none, none."""
    changes = sign_changes([Fraction(f) for f in flows])
    found = internal_rate(np.array([flows], dtype=float))
    if changes < 2:
        assert found.unique.item() == (changes == 1)


@EXAMPLES
@given(whole_flows)
@example([-12, -2, 3, 8, 8, -1])
def test_norstrom_always_has_a_positive_rate(flows: list[int]) -> None:
    """Norstrom 1972: one change of sign in cumulative flows that end off 0, one positive rate."""
    cumulative = [Fraction(int(c)) for c in np.cumsum(flows)]
    assume(cumulative[-1] != 0 and sign_changes(cumulative) == 1)
    found = internal_rate(np.array([flows], dtype=float), above=0.0)
    assert found.unique.all()
    assert found.rate > 0.0


@EXAMPLES
@given(series(2, 20), st.sampled_from([-4.0, -1.0, 0.5, 1024.0]))
@example(np.array([[1.0, -1.0], [-3.0, 3.0]]), -1.0)
def test_internal_rate_knows_no_unit(x: Floats, factor: float) -> None:
    assume(np.abs(x[x != 0.0]).min(initial=1.0) > 1e-9)
    np.testing.assert_array_equal(internal_rate(x).rate, internal_rate(factor * x).rate)


# --- payback


@EXAMPLES
@given(st.lists(st.integers(-5, 5), min_size=1, max_size=12))
def test_payback_splits_the_months(flows: list[int]) -> None:
    """Below 0 in the month before, never below from then on; nan only if there is no such month."""
    cumulative = np.cumsum(flows)
    month = payback_month(np.array([flows], dtype=float)).item()
    if np.isnan(month):
        assert cumulative[-1] < 0 or (cumulative >= 0).all()
    else:
        assert cumulative[int(month) - 1] < 0
        assert (cumulative[int(month) :] >= 0).all()


# --- chunks


@pytest.mark.parametrize("months", [1, 7, 144])
@pytest.mark.parametrize("chunk", [1, 3, 16])
def test_how_draws_are_divided_changes_no_byte(months: int, chunk: int) -> None:
    rng = np.random.default_rng(months)
    flows = rng.normal(3e5, 2e5, (37, months))
    flows[:, : months // 3] -= 7e5
    each = rng.uniform(0.0, 0.1, 37)

    def everything(part: slice) -> list[Floats]:
        x, i = flows[part], each[part]
        return [
            discount_factors(i, months, 5),
            present_value(x, i, 5),
            deflate(x, i),
            internal_rate(x).rate,
            internal_rate(x, above=0.0).rate,
            payback_month(x),
            concentration(x),
            months_until(x > 7e5),
            *lowest(x),
        ]

    parts = [everything(slice(at, at + chunk)) for at in range(0, 37, chunk)]
    whole = everything(slice(None))
    for which, expected in enumerate(whole):
        joined = np.concatenate([part[which] for part in parts])
        assert joined.tobytes() == expected.tobytes()
    if months == 144:
        assert all(np.isfinite(values).sum() > 5 for values in whole)
