"""Valuation: what flows of money are worth, per draw; and when, and from how many sources.

Flows [draw, month] are nominal USD at the end of their month, receipts positive, payments negative
(docs/decisions/0003). Months are counted from 0; a rate is per year and effective: 0.04 is 4 %.

Return on investment is said in one of two ways: `gross_return`, benefits / costs, and `net_return`,
(benefits - costs) / costs, which is 1 lower. Kangovi et al. 2020 print the gross one (2.47). There
is no third: "benefit-cost ratio" is the gross return of two present values at one rate and base;
of undiscounted sums say "gross return".

Sums over months run in order, and each draw by itself: how draws are divided changes no byte.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import prange
from numpy.typing import NDArray

from .compiled import equation, parallel_loop
from .distributions import Floats
from .totals import over_months, total

Bools = NDArray[np.bool_]

# Amounts below this share of a draw's sum of |flows| are rounding: 1e-12 of 1 billion USD is 0.1 c.
ROUNDING = 1e-12
# Halves the widest bracket (55, in log growth) below the spacing of floats at 0.1 % a month.
BISECTIONS = 68


class InternalRate(NamedTuple):
    """`rate` [draw] per year, nan where it is not shown to be the only one; `unique` [draw]."""

    rate: Floats
    unique: Bools


class Lowest(NamedTuple):
    """The lowest `value` of a series and the first `month` it is reached, both [draw]."""

    value: Floats
    month: Floats


# --- worth at another date


def discount_factors(rate: Floats, months: int, base: int = 0) -> Floats:
    """Worth at the start of month `base` of 1 USD at the end of each month [draw, month].

    Compound interest by the year: (1 + rate)^-t, t = (month + 1 - base) / 12. Before the base
    date t is negative: amounts grow.
    """
    years = (np.arange(months) + 1 - base) / 12.0
    return np.power((1.0 + rate)[:, None], -years)


def present_value(flows: Floats, rate: Floats, base: int = 0) -> Floats:
    """Worth of flows at the start of month `base` [draw], USD; real flows need a real rate."""
    return over_months(flows * discount_factors(rate, flows.shape[1], base))


def deflate(flows: Floats, inflation: Floats) -> Floats:
    """Real amounts [draw, month], USD at prices of the start; inflation [draw] is per year."""
    return flows * discount_factors(inflation, flows.shape[1])


# --- ratios


def gross_return(benefits: Floats, costs: Floats) -> Floats:
    """Gross return on investment, benefits / costs [draw]; nan where nothing is spent."""
    return _ratio(benefits, costs)


def net_return(benefits: Floats, costs: Floats) -> Floats:
    """Net return on investment, (benefits - costs) / costs [draw]; nan where nothing is spent."""
    return _ratio(benefits - costs, costs)


def concentration(amounts: Floats) -> Floats:
    """Herfindahl-Hirschman index of amounts [draw, source]: 1 / n if n are equal, 1 if one is all.

    The sum of squared shares. Repayments (negative) count as 0; nan where nothing is received.
    """
    received = np.maximum(amounts, 0.0)
    share = _ratio(received, np.broadcast_to(total(received)[:, None], received.shape))
    return total(share * share)


def _ratio(above: Floats, below: Floats) -> Floats:
    """above / below, nan unless below is positive."""
    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0.0)


# --- the internal rate of return


def internal_rate(flows: Floats, above: float = -1.0) -> InternalRate:
    """The internal rate of return, per year, where it is shown to be the only one [draw].

    The rate at which flows are worth 0; `unique` claims that no other rate in (above, infinity)
    does that: by default no other rate at all, with `above=0.0` no other positive one (never
    refused where cumulative flows change sign once, Norstrom 1972, JFQA 7:1835).

    The claim rests on balances. With growth g a month the balance is B[k] = B[k-1] g + flow[k];
    at the rate found, worth = sum flow[k] x^k = (1 - g x) sum B[k] x^k, x the discount of a month.
    If no two B differ in sign, the last sum is 0 for no x > 0 and the rate is the only one: all
    the time money is laid out, or all the time owed (Soper 1959, Economic Journal 69:174; a "pure"
    project of Teichroew, Robichek and Montalbano 1965, Management Science 11:395). One sign change
    in the flows is enough. Rates up to `above`, of growth h, are left aside by the same step again:
    if no two A[k] = B[k] + h A[k-1] differ in sign, no other rate lies above.

    Sufficient, not necessary: a mixed project, lent to and borrowed from in turn at its own rate,
    is refused even where that rate happens to be the only one. A cost in the last month means a
    second rate, mostly near -100 %, so none is given unless `above` leaves that one aside. A loan
    has a rate, too: its cost. Amounts below ROUNDING have no sign.
    """
    draws = flows.shape[0]
    rate, unique = np.full(draws, np.nan), np.zeros(draws, dtype=np.bool_)
    given = np.ascontiguousarray(flows)
    growth = (1.0 + above) ** (1.0 / 12.0)
    _internal_rates(given, _rounding(given), growth, np.zeros_like(given), rate, unique)
    return InternalRate(rate, unique)


def _rounding(flows: Floats) -> Floats:
    """What is too little to have a sign [draw], USD."""
    return ROUNDING * over_months(np.abs(flows))


@parallel_loop
def _internal_rates(flows, rounding, lowest_growth, balance, rate, unique):
    for draw in prange(flows.shape[0]):
        first, last = _span(flows, draw, rounding[draw])
        if first < last:
            low, high = _bracket(flows, draw, first, last, lowest_growth)
            if low < high:
                log_growth = _root(flows, draw, first, last, low, high)
                _balances(flows, draw, first, last, log_growth, balance)
                if _one_sided(balance, draw, first, last, lowest_growth, rounding[draw]):
                    rate[draw] = math.expm1(12.0 * log_growth)
                    unique[draw] = True


@equation
def _span(flows, draw, rounding):
    """First and last month with a flow; (0, -1) if there is none."""
    first, last = 0, -1
    for month in range(flows.shape[1]):
        if abs(flows[draw, month]) > rounding:
            if last < 0:
                first = month
            last = month
    return first, last


@equation
def _worth(flows, draw, first, last, log_growth):
    """Worth at the first flow if growth >= 1, else at the last: so no power overflows (Horner)."""
    step, value = math.exp(-abs(log_growth)), 0.0
    for k in range(last - first + 1):
        month = last - k if log_growth >= 0.0 else first + k
        value = value * step + flows[draw, month]
    return value


@equation
def _bracket(flows, draw, first, last, lowest_growth):
    """Log growth per month between which worth changes sign; (0, 0) if the ends do not differ.

    Cauchy's bound: beyond 1 + max |flow| / |first flow| that flow alone decides the sign, and
    likewise the last flow at the other end.
    """
    largest = 0.0
    for month in range(first, last + 1):
        largest = max(largest, abs(flows[draw, month]))
    high, end = math.log1p(largest / abs(flows[draw, first])), flows[draw, last]
    low = -math.log1p(largest / abs(end))
    if lowest_growth > 0.0 and math.log(lowest_growth) > low:
        low = math.log(lowest_growth)
        end = _worth(flows, draw, first, last, low)
    if (flows[draw, first] < 0.0 < end) or (end < 0.0 < flows[draw, first]):
        return low, high
    return 0.0, 0.0


@equation
def _root(flows, draw, first, last, low, high):
    """Log growth per month at which worth is 0, by bisection."""
    sign = math.copysign(1.0, flows[draw, first])
    for _ in range(BISECTIONS):
        middle = 0.5 * (low + high)
        if sign * _worth(flows, draw, first, last, middle) > 0.0:
            high = middle
        else:
            low = middle
    return 0.5 * (low + high)


@equation
def _balances(flows, draw, first, last, log_growth, balance):
    """What has been received so far with interest [month], USD; 0 after the last flow.

    From the end if money grows, from the start if it shrinks: so errors die out.
    """
    step = math.exp(-abs(log_growth))
    if log_growth >= 0.0:
        balance[draw, last] = 0.0
        for month in range(last, first, -1):
            balance[draw, month - 1] = (balance[draw, month] - flows[draw, month]) * step
    else:
        balance[draw, first] = flows[draw, first]
        for month in range(first + 1, last):
            balance[draw, month] = balance[draw, month - 1] * step + flows[draw, month]


@equation
def _one_sided(balance, draw, first, last, lowest_growth, rounding):
    """Whether balances, accumulated at the lowest growth considered, have one sign only."""
    positive, negative, accumulated = False, False, 0.0
    for month in range(first, last):
        accumulated = accumulated * lowest_growth + balance[draw, month]
        positive = positive or accumulated > rounding
        negative = negative or accumulated < -rounding
    return positive != negative


# --- months


def payback_month(flows: Floats) -> Floats:
    """First month from which cumulative flows stay at or above 0 to the end [draw].

    "Stay", so that an early success cannot hide a later cost. nan if they end below 0, and nan if
    they never are: where nothing was laid out, nothing can be paid back. Undiscounted, unless
    flows are given times `discount_factors`.
    """
    below = np.cumsum(flows, axis=1) < -_rounding(flows)[:, None]
    months = flows.shape[1]
    after_last = months - np.argmax(below[:, ::-1], axis=1)
    paid_back = below.any(axis=1) & ~below[:, -1]
    return np.where(paid_back, after_last, np.nan)


def months_until(flag: Bools) -> Floats:
    """First month in which flag [draw, month] is true; if none is, the number of months."""
    return np.where(flag.any(axis=1), np.argmax(flag, axis=1), float(flag.shape[1]))


def lowest(balance: Floats) -> Lowest:
    """The lowest point of balance [draw, month] and the first month it is reached."""
    return Lowest(balance.min(axis=1), np.argmin(balance, axis=1).astype(np.float64))
