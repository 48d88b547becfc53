"""Present values, returns, internal rates and paybacks against textbooks and closed forms."""

import numpy as np
import pytest

from model.distributions import Floats
from model.valuation import (
    concentration,
    deflate,
    discount_factors,
    gross_return,
    internal_rate,
    lowest,
    months_until,
    net_return,
    payback_month,
    present_value,
)


def rates(*values: float) -> Floats:
    return np.array(values)


def yearly(*flows: float) -> Floats:
    """One draw with a textbook's yearly flows: year 0 in month 0, year 1 in month 12, ..."""
    out = np.zeros((1, 12 * (len(flows) - 1) + 1))
    out[0, ::12] = flows
    return out


def worth(flows: tuple[float, ...], rate: float) -> float:
    """Net present value at year 0 of yearly flows, by numpy's polynomials."""
    return float(np.polyval(flows[::-1], 1.0 / (1.0 + rate)))


# --- worth at another date


def test_a_year_of_discounting_takes_one_rate_off() -> None:
    """The end of month 11 is one year from the start, the end of month 23 two."""
    factors = discount_factors(rates(0.04, 0.0), 24)
    assert factors.shape == (2, 24)
    np.testing.assert_allclose(factors[0, [11, 23]], [1 / 1.04, 1 / 1.04**2], rtol=1e-15)
    np.testing.assert_allclose(factors[0, 0], 0.9967369, atol=5e-8)  # 1.04^(-1/12), tables
    assert (factors[1] == 1.0).all()


def test_the_base_date_is_the_start_of_its_month() -> None:
    """Base 12: the end of month 11 is that very moment; the end of month 23 a year later."""
    factors = discount_factors(rates(0.1), 24, base=12)[0]
    assert factors[11] == 1.0
    np.testing.assert_allclose(factors[23], 1 / 1.1, rtol=1e-15)
    np.testing.assert_allclose(factors[5], 1.1**0.5, rtol=1e-15)


@pytest.mark.parametrize("months", [1, 12, 144, 600])
def test_annuity(months: int) -> None:
    """Closed form: n payments in arrears are worth (1 - v^n) / i, i the monthly rate."""
    rate = 0.05
    i = 1.05 ** (1 / 12) - 1
    value = present_value(np.full((1, months), 1e9), rates(rate))
    np.testing.assert_allclose(value, 1e9 * (1 - (1 + i) ** -months) / i, rtol=1e-12)


def test_growing_annuity_at_a_later_base() -> None:
    """Closed form: (1 - q^n) / (1 - q) q, q = (1 + growth) / (1 + rate) a month; then moved on."""
    flows = 100.0 * 1.02 ** (np.arange(1, 61) / 12)[None]
    q = (1.02 / 1.07) ** (1 / 12)
    at_start = 100.0 * q * (1 - q**60) / (1 - q)
    np.testing.assert_allclose(present_value(flows, rates(0.07)), at_start, rtol=1e-12)
    moved = present_value(flows, rates(0.07), base=30)
    np.testing.assert_allclose(moved, at_start * 1.07**2.5, rtol=1e-12)


@pytest.mark.parametrize(
    ("flows", "value"),
    [
        ((-2000, 500, 500, 5000), 2624),
        ((-2000, 500, 1800, 0), -58),
        ((-2000, 1800, 500, 0), 50),
    ],
)
def test_net_present_value_of_a_textbook(flows: tuple[float, ...], value: float) -> None:
    """Brealey, Myers and Allen, Principles of Corporate Finance, payback rule: NPV at 10 %."""
    at_year_0 = present_value(yearly(*flows), rates(0.1)) * 1.1 ** (1 / 12)
    assert round(at_year_0.item()) == value


def test_deflated_amounts_have_prices_of_the_start() -> None:
    """What rises with prices is level in real terms; each draw has its own inflation."""
    inflation = rates(0.03, 0.0)
    years = np.arange(1, 25) / 12
    nominal = 200.0 * (1.0 + inflation[:, None]) ** years
    np.testing.assert_allclose(deflate(nominal, inflation), 200.0, rtol=1e-14)
    np.testing.assert_allclose(deflate(np.full((1, 12), 103.0), rates(0.03))[0, 11], 100.0)


# --- ratios


def test_returns_of_a_published_programme() -> None:
    """IMPaCT, Kangovi et al. 2020: 2.47 USD back for each USD spent."""
    programme = rates(567_950.82)
    saved = rates(3_852_189.78 - 2_450_881.80)
    assert gross_return(saved, programme).round(3) == 2.467
    assert net_return(saved, programme).round(3) == 1.467


def test_no_return_where_nothing_is_spent() -> None:
    benefits, costs = rates(100.0, 100.0, 0.0, -50.0), rates(0.0, -10.0, 50.0, 100.0)
    np.testing.assert_array_equal(gross_return(benefits, costs), [np.nan, np.nan, 0.0, -0.5])
    np.testing.assert_array_equal(net_return(benefits, costs), [np.nan, np.nan, -1.0, -1.5])


@pytest.mark.parametrize("sources", [1, 2, 7])
def test_equal_sources_have_concentration_of_one_over_n(sources: int) -> None:
    """Closed form: n (1/n)^2 = 1/n, in whatever unit."""
    amounts = np.full((2, sources), 3.7) * np.array([[1.0], [1e9]])
    np.testing.assert_allclose(concentration(amounts), 1 / sources, rtol=1e-14)


def test_concentration_as_published() -> None:
    """US Department of Justice: shares of 30, 30, 20 and 20 percent have an index of 2,600."""
    amounts = np.array([[30.0, 30.0, 20.0, 20.0]])
    np.testing.assert_allclose(concentration(amounts), 0.26, rtol=1e-14)


def test_repayments_are_no_source() -> None:
    amounts = np.array([[60.0, -500.0, 60.0], [0.0, 0.0, 0.0], [-1.0, 0.0, -2.0]])
    np.testing.assert_array_equal(concentration(amounts), [0.5, np.nan, np.nan])


# --- the internal rate of return

# Flows by year, and the rate in print or by hand.
ONE_RATE = {
    "100 grows to 110": ((-100, 110), 0.1),
    "numpy-financial, Gitman": ((-100, 39, 59, 55, 20), 0.2809484211599611),
    "numpy-financial, loss": ((-100, 0, 0, 74), -0.0955),
    "numpy-financial, late": ((-100, 100, 0, 7), 0.06206),
    "by hand: half is lost each year": ((-100, 0, 25), -0.5),
    "by hand: x = 1/2 solves -6 + 10 x + 4 x^2": ((-6, 10, 4), 1.0),
    "all paid back at once and laid out again": ((-100, 110, -100, 110), 0.1),
    "a loan costs 5 %": ((1000, -50, -50, -1050), 0.05),
    "nothing gained": ((-100, 60, 40), 0.0),
}


@pytest.mark.parametrize(("flows", "rate"), ONE_RATE.values(), ids=ONE_RATE.keys())
def test_internal_rates_of_textbooks(flows: tuple[float, ...], rate: float) -> None:
    """To the digits in print."""
    found = internal_rate(yearly(*flows))
    printed = len(str(rate).partition(".")[2])
    assert found.unique.all()
    assert found.rate.item() == pytest.approx(rate, rel=0, abs=max(0.5 * 10**-printed, 1e-13))


SEVERAL = {
    "25 % and 400 %, first and last alike": ((-4000, 25000, -25000), (0.25, 4.0)),
    "7.47 % and 41.35 % (Blank and Tarquin)": ((2000, -500, -8100, 6800), (0.0747, 0.4135)),
    "three: 10, 20 and 30 %": ((-1000, 3600, -4310, 1716), (0.1, 0.2, 0.3)),
}


@pytest.mark.parametrize(("flows", "known"), SEVERAL.values(), ids=SEVERAL.keys())
def test_several_rates_are_no_rate(flows: tuple[float, ...], known: tuple[float, ...]) -> None:
    for rate in known:
        assert abs(worth(flows, rate)) < 1e-4 * max(np.abs(flows))
    found = internal_rate(yearly(*flows))
    assert np.isnan(found.rate).all()
    assert not found.unique.any()


def test_rates_can_be_left_aside_from_below() -> None:
    """Above 100 % the project of 25 % and 400 % has one rate; below 10 % it has two."""
    flows = yearly(-4000, 25000, -25000)
    above = internal_rate(flows, above=1.0)
    assert above.unique.all()
    np.testing.assert_allclose(above.rate, 4.0, rtol=1e-12)
    assert not internal_rate(flows, above=0.1).unique.any()
    assert not internal_rate(flows, above=5.0).unique.any()


def test_a_cost_at_the_end_has_a_second_rate_far_below_zero() -> None:
    """Cumulative flows change sign once, so one rate is positive (Norstrom), but not the only."""
    flows = (-12000, -2000, 3000, 8000, 8000, -1000)
    assert worth(flows, -0.95) < 0 < worth(flows, -0.8)
    assert worth(flows, 0.08) > 0 > worth(flows, 0.09)
    assert not internal_rate(yearly(*flows)).unique.any()
    positive = internal_rate(yearly(*flows), above=0.0)
    assert positive.unique.all()
    assert 0.08 < positive.rate.item() < 0.09
    assert abs(worth(flows, positive.rate.item())) < 1e-8


NO_RATE = {
    "nothing": (0, 0, 0),
    "receipts only": (1, 2, 3),
    "payments only": (-1, 0, -3),
    "one flow": (0, -5, 0),
    "never worth 0": (-100, 100, -100),
    "touches 0 at 10 %": (-100, 220, -121),
    "unknown": (-100, np.nan, 120),
    "unbounded": (-100, 10, np.inf),
}


@pytest.mark.parametrize("flows", NO_RATE.values(), ids=NO_RATE.keys())
def test_no_internal_rate(flows: tuple[float, ...]) -> None:
    found = internal_rate(yearly(*flows))
    assert np.isnan(found.rate).all()
    assert not found.unique.any()


@pytest.mark.parametrize(
    ("flows", "only"), [((-1000, 2100, -2100, 1100), 0.1), ((-1000, 600, -100, 25), -0.5)]
)
def test_a_mixed_project_is_refused(flows: tuple[float, ...], only: float) -> None:
    """It has one rate, -(1 - 1.1 x)(1 - x + x^2), yet at that rate it both lends and borrows."""
    real = [x.real for x in np.roots(flows[::-1]) if abs(x.imag) < 1e-9]
    np.testing.assert_allclose(real, 1 / (1 + only))
    assert not internal_rate(yearly(*flows)).unique.any()


@pytest.mark.parametrize("months", [2, 144, 600])
def test_an_annuity_earns_the_rate_it_was_priced_at(months: int) -> None:
    """Closed form again, and 1e9 a month for 50 years."""
    rate = np.array([-0.3, -0.02, 0.001, 0.05, 0.4])
    i = (1 + rate) ** (1 / 12) - 1
    flows = np.full((5, months + 1), 1e9)
    flows[:, 0] = -1e9 * (1 - (1 + i) ** -months) / i
    found = internal_rate(flows)
    assert found.unique.all()
    np.testing.assert_allclose(found.rate, rate, rtol=1e-9, atol=1e-12)


def test_each_draw_has_its_own_rate() -> None:
    flows = np.concatenate(
        [yearly(-100, 105), yearly(0, 0), yearly(-100, 220), yearly(100, 1), yearly(100, -90)]
    )
    found = internal_rate(flows)
    np.testing.assert_array_equal(found.unique, [True, False, True, False, True])
    np.testing.assert_allclose(found.rate, [0.05, np.nan, 1.2, np.nan, -0.1], rtol=1e-12)


def test_cents_of_rounding_make_no_second_rate() -> None:
    """A residue of 1e-7 USD beside flows of 1e9 has no sign; a real cost at the end has one."""
    flows = yearly(0, -1e9, 1.1e9, 0)
    residue = yearly(1e-7, -1e9, 1.1e9, -1e-7)
    np.testing.assert_allclose(internal_rate(residue).rate, 0.1, rtol=1e-12)
    np.testing.assert_allclose(internal_rate(flows).rate, 0.1, rtol=1e-12)
    assert not internal_rate(yearly(0, -1e9, 1.1e9, -1.0)).unique.any()


def test_a_rate_of_thousands_of_percent_a_month() -> None:
    """1 back as 1e6 a month later is 1e72 times in a year; the other way round almost all lost."""
    gained, lost = np.array([[-1.0, 1e6]]), np.array([[-1e6, 1.0]])
    np.testing.assert_allclose(internal_rate(gained).rate, 1e72, rtol=1e-11)
    np.testing.assert_allclose(internal_rate(lost).rate, -1.0, rtol=1e-12)


# --- months


@pytest.mark.parametrize(
    ("flows", "month"),
    [
        # Brealey, Myers and Allen, the payback rule: projects A, B and C.
        ((-2000, 500, 500, 5000), 3),
        ((-2000, 500, 1800, 0), 2),
        ((-2000, 1800, 500, 0), 2),
        # Back at exactly 0, then a later cost, and back again.
        ((-100, 60, 40, 0), 2),
        ((-100, 150, -80, 40, 40), 3),
        ((50, -100, 60), 2),
        # In binary four tenths less 0.4 are -2.8e-17: an error of rounding, no debt.
        ((-0.4, 0.1, 0.1, 0.1, 0.1), 4),
        # Never; only to lose it again; nothing laid out; nothing at all.
        ((-100, 40, 40), np.nan),
        ((-100, 150, -51), np.nan),
        ((100, -40, -60), np.nan),
        ((0, 0, 0), np.nan),
    ],
)
def test_payback(flows: tuple[float, ...], month: float) -> None:
    np.testing.assert_array_equal(payback_month(np.array([flows], dtype=float)), [month])


def test_payback_of_several_draws() -> None:
    flows = np.array([[-5.0, 5.0, 0.0], [-5.0, 0.0, 5.0], [-5.0, 0.0, 0.0], [5.0, 0.0, 0.0]])
    np.testing.assert_array_equal(payback_month(flows), [1.0, 2.0, np.nan, np.nan])


def test_months_until_the_first_true_month() -> None:
    """First of several, at once, in the last month, and never: censored at the horizon."""
    flag = np.zeros((4, 6), dtype=bool)
    flag[0, [2, 4]] = flag[1, 0] = flag[2, 5] = True
    np.testing.assert_array_equal(months_until(flag), [2.0, 0.0, 5.0, 6.0])


def test_lowest_point_and_its_first_month() -> None:
    balance = np.array([[3.0, -2.0, 5.0, -2.0], [1.0, 2.0, 3.0, 0.5]])
    found = lowest(balance)
    np.testing.assert_array_equal(found.value, [-2.0, 0.5])
    np.testing.assert_array_equal(found.month, [1.0, 3.0])
