"""Contracts: one clause, one function, inert at its neutral value.

Equations only, USD and shares from 0 to 1. A limit is inert at infinity, a minimum at 0, a share
that reduces (sequestration, a fee at risk) at 0, and a share that is kept (quality) at 1.
Explained in docs/contracts.md.
"""

from typing import NamedTuple

import numpy as np

from model.compiled import allocating, equation


class Clauses(NamedTuple):
    """The numbers of one shared-savings settlement, with their neutral values."""

    sharing_rate: float = 1.0  # from the first dollar that counts
    tier_above: np.ndarray = np.empty(0)  # [tier] savings rate from which the tier's rate holds
    tier_rate: np.ndarray = np.empty(0)  # [tier] sharing rate there
    minimum_savings_rate: float = 0.0  # share of the benchmark
    minimum_loss_rate: float = 0.0  # share of the benchmark
    excess_only: float = 0.0  # 1: only what lies beyond the minimum is shared
    below_minimum_share: float = 0.0  # of the sharing rate, for savings below the minimum
    quality_share: float = 1.0  # of the sharing rate, after quality
    savings_counted: float = 1.0  # 0: guardrail, termination
    losses_counted: float = 1.0
    sequestration: float = 0.0  # share of a payment
    payment_limit: float = np.inf  # share of the benchmark
    capture_cap: float = np.inf  # share of the payer's saving
    loss_rate: float = 0.0  # 0: one-sided
    loss_limit: float = np.inf  # USD
    forgiven: float = 0.0  # USD of a loss, after its limit


class Settled(NamedTuple):
    """A settlement, dollar by dollar; everything but `gross` is 0 or more."""

    gross: float  # savings positive, losses negative
    counted: float  # savings that pass the minimum
    shared: float  # after rate and quality
    sequestered: float  # after sequestration
    payment: float  # after the limit and the cap
    lost: float  # losses that pass the minimum
    owed: float  # after the loss rate
    limited: float  # after the loss limit
    repayment: float  # after forgiveness


# --- what is measured


@equation
def gross_savings(benchmark, expenditure):
    """Savings are positive."""
    return benchmark - expenditure


@equation
def net_of_fee(gross, fee):
    """A programme fee that is paid out of the savings first."""
    return gross - fee


@equation
def largest_savings_rate(people_served, saving_each, members, cost_each):
    """What a programme that serves some of the attributed members can reach on all of them."""
    return people_served * saving_each / (members * cost_each)


@allocating
def measurement_error(z_year, z_baseline, z_area, members, cv, baseline_factor, area_sd):
    """Error of a measured savings rate, of standard normal z: sd^2 = f CV^2/n + area^2.

    f = 1 + baseline_factor: the year's own chance, and that of the baseline, which all years of an
    agreement share. The area's shock is common to everybody there.
    """
    person_level = z_year + np.sqrt(baseline_factor) * z_baseline
    return cv / np.sqrt(members) * person_level + area_sd * z_area


# --- shared savings: minimum


@equation
def minimum_rate_by_members(members, lower, upper, rate_at_lower, rate_at_upper):
    """Sliding scale [band], linear between the ends of a band, flat outside the scale."""
    rate = rate_at_lower[0]
    for k in range(len(lower)):
        if members >= lower[k]:
            n = min(members, upper[k])
            ends = rate_at_lower[k] * (upper[k] - n) + rate_at_upper[k] * (n - lower[k])
            rate = ends / (upper[k] - lower[k])
    return rate


@equation
def counted_savings(gross, benchmark, minimum_rate, excess_only):
    """Savings that meet or exceed the minimum count from the first dollar, or beyond it only."""
    if gross <= 0.0 or gross / benchmark < minimum_rate:
        return 0.0
    return gross - excess_only * minimum_rate * benchmark


@equation
def counted_losses(gross, benchmark, minimum_rate, excess_only):
    """The mirror image of counted savings, as a positive amount."""
    return counted_savings(-gross, benchmark, minimum_rate, excess_only)


@equation
def savings_below_minimum(gross, counted):
    """Savings that fail the minimum; some contracts share them at a lower rate."""
    if counted > 0.0:
        return 0.0
    return max(0.0, gross)


# --- shared savings: rate


@equation
def quality_share(score, scales, gate):
    """Share of the rate that quality leaves: all (scales 0) or the score (1), 0 under the gate."""
    if score < gate:
        return 0.0
    return 1.0 - scales * (1.0 - score)


@equation
def tiered_share(counted, gross, benchmark, sharing_rate, tier_above, tier_rate):
    """Flat rate, and from each tier's savings rate on, the tier's rate for what lies above."""
    shared = sharing_rate * counted
    below = sharing_rate
    for k in range(len(tier_above)):
        above = min(counted, max(0.0, gross - tier_above[k] * benchmark))
        shared += (tier_rate[k] - below) * above
        below = tier_rate[k]
    return shared


@equation
def loss_rate_by_quality(sharing_rate, score, floor, ceiling):
    """1 - sharing rate x quality, kept between floor and ceiling."""
    return min(ceiling, max(floor, 1.0 - sharing_rate * score))


# --- shared savings: reductions and limits


@equation
def sequestered(payment, sequestration):
    return payment * (1.0 - sequestration)


@equation
def limited(payment, limit_share, base):
    """At most a share of the benchmark (or of whatever the limit is set on)."""
    if np.isinf(limit_share):
        return payment
    return min(payment, limit_share * base)


@equation
def loss_limit(benchmark, benchmark_share, revenue, revenue_share):
    """The lower of a share of the benchmark and one of participants' revenue; nan: not known."""
    limit = np.inf
    if not np.isinf(benchmark_share):
        limit = benchmark_share * benchmark
    if not np.isnan(revenue) and not np.isinf(revenue_share):
        limit = min(limit, revenue_share * revenue)
    return limit


@equation
def after_forgiveness(loss, forgiven):
    """A loss that an extreme event takes off, as far as there is one."""
    return max(0.0, loss - forgiven)


@equation
def captured(payment, payer_saving, cap):
    """At most a share of what the payer saves."""
    return limited(payment, cap, max(0.0, payer_saving))


@equation
def capture_share(years_of_spending, share, full_until, none_from):
    """Share of a payer's saving that is captured for reinvestment.

    Whole up to full_until years of desired spending in the fund, none from none_from, linear
    between; a none_from that is no later ends it right after full_until.
    """
    if years_of_spending <= full_until:
        return share
    if years_of_spending >= none_from:
        return 0.0
    return share * (none_from - years_of_spending) / (none_from - full_until)


@equation
def settlement(benchmark, expenditure, c):
    """One contract-year: minimum, rate, sequestration, limit; or loss rate, limit, forgiveness."""
    gross = gross_savings(benchmark, expenditure)
    counted = counted_savings(gross, benchmark, c.minimum_savings_rate, c.excess_only)
    below = savings_below_minimum(gross, counted)
    full = tiered_share(counted, gross, benchmark, c.sharing_rate, c.tier_above, c.tier_rate)
    offered = full + below * c.sharing_rate * c.below_minimum_share
    shared = offered * c.quality_share * c.savings_counted
    paid = sequestered(shared, c.sequestration)
    lost = counted_losses(gross, benchmark, c.minimum_loss_rate, c.excess_only)
    owed = lost * c.loss_rate * c.losses_counted
    most = min(owed, c.loss_limit)
    return Settled(
        gross,
        counted,
        shared,
        paid,
        captured(limited(paid, c.payment_limit, benchmark), gross, c.capture_cap),
        lost,
        owed,
        most,
        after_forgiveness(most, c.forgiven),
    )


# --- when and to whom


@equation
def is_due(month, period_end, lag):
    """1 in the month in which a settlement is paid."""
    return 1.0 if month == period_end + lag else 0.0


@equation
def interim_payment(estimate, interim_share):
    """Paid before the settlement, on an estimate; a loss is not collected early."""
    return interim_share * max(0.0, estimate)


@equation
def final_payment(settled, interim):
    """What remains; negative where the interim payment was too high."""
    return settled - interim


@equation
def distributed(amount, share):
    """One partner's part."""
    return amount * share


@equation
def stays(loss, exit_loss):
    """1 while the loss so far leaves no right to exit (or none that is used), else 0."""
    return 0.0 if loss > exit_loss else 1.0


# --- fees, case rate, capitation


@equation
def member_fee(member_months, per_member_month):
    return member_months * per_member_month


@equation
def fee_at_risk(fee, at_risk_share, achieved):
    """The part at risk is paid by the share of targets achieved."""
    return fee * (1.0 - at_risk_share * (1.0 - achieved))


@equation
def case_payment(cases, case_rate):
    return cases * case_rate


@equation
def capitation_payment(capitation, share):
    """A share of what the payer is paid per member."""
    return capitation * share


# --- withhold


@equation
def withheld(payment, withhold_rate):
    return payment * withhold_rate


@equation
def earned_back(pool, achieved, earn_back_limit):
    """By the share of targets achieved; never more than the part that can be earned back."""
    return pool * earn_back_limit * achieved


@equation
def forfeited(pool, achieved, earn_back_limit):
    """What could have been earned back and was not."""
    return pool * earn_back_limit * (1.0 - achieved)


@equation
def released_to_others(pool, missed, earn_back_limit, forfeit_released):
    """What was never to be earned back, and the released share of what was forfeited."""
    return pool * (1.0 - earn_back_limit) + missed * forfeit_released


@equation
def kept_by_payer(missed, forfeit_released):
    return missed * (1.0 - forfeit_released)


# --- outcome payments


@equation
def unit_payment(units, price):
    return units * price


@equation
def band_payment(reduction, lower, upper, per_point, start):
    """Dollars per percentage point of reduction, each band [band] at its own rate.

    Nothing below the start; from there on all bands pay, also those that lie below it.
    """
    if reduction < start:
        return 0.0
    paid = 0.0
    for k in range(len(lower)):
        paid += per_point[k] * 100.0 * max(0.0, min(reduction, upper[k]) - lower[k])
    return paid


@equation
def within(total, minimum, maximum):
    """Kept between a minimum and a maximum (a cap), USD."""
    return min(maximum, max(minimum, total))
