"""Contract years: what contracts measure and pay in one draw, month by month.

The arithmetic is in finance/contracts.py; docs/money.md explains. A payment differs from the true
saving by the benchmark's error, run-out, selection and luck, which are all drawn outside.
"""

import numpy as np

from .accounts import earn
from .books import CONTRACTS, ENROLLMENTS, PERSON_DAYS, REPAYMENTS
from .compiled import allocating, equation
from .finance.contracts import (
    Clauses,
    band_payment,
    capitation_payment,
    capture_share,
    case_payment,
    distributed,
    earned_back,
    fee_at_risk,
    final_payment,
    forfeited,
    interim_payment,
    loss_limit,
    member_fee,
    released_to_others,
    settlement,
    stays,
    unit_payment,
    withheld,
    within,
)

DAYS_PER_MONTH = 365.25 / 12.0


@allocating
def advance_contracts(p, x, d, t, b, m, month):
    """Add the month to each contract's year; settle the years that end."""
    for h in range(x.contract.size):
        since = month - x.contract[h].start
        if since < 0:
            count_base(d, t, m, h, month)
        if 0 <= since < 12 * x.contract[h].years and t.contract[h].active > 0.0:
            count_month(x, d, t, m, h, month)
            pay_monthly(p, x, d, t, b, m, h, month)
            if since % 12 == 11:
                settle_year(p, x, d, t, b, h, since // 12, month)


# --- by the month


@equation
def count_for_contracts(u, plan, x, m, month):
    """Add up the month's care that each contract counts, and what outcome payments measure."""
    for h in range(x.contract.size):
        for g in range(plan.cell.shape[0]):
            if x.covered[h, g]:
                m.care[h] += care_counted(u, plan, x, m, h, g, month)
    for q in range(x.measure.size):
        m.measured[q] += count_measure(x, m, q)


@equation
def care_counted(u, plan, x, m, h, g, month):
    """USD of care of one segment that a contract counts."""
    care = 0.0
    for r in range(plan.cell.shape[1]):
        for k in range(plan.cell.shape[2]):
            z = plan.cell[g, r, k]
            if z >= 0 and x.cell_counted[h, z]:
                care += m.units[g, r] * u.price[g, r, k] * u.price_factor[month, r]
    return care


@equation
def count_measure(x, m, q):
    """Units of a service in the segments covered, or work of an intervention."""
    h, r, i = x.measure[q].contract, x.measure[q].service, x.measure[q].intervention
    if r < 0:
        return m.started[i] if x.measure[q].counted_in == ENROLLMENTS else m.enrolled[i]
    units = 0.0
    for g in range(x.covered.shape[1]):
        if x.covered[h, g]:
            units += m.units[g, r]
    return units


@equation
def count_base(d, t, m, h, month):
    """What the strategy saved in the base years already: their observed cost is lower by it."""
    saved = d.month[month, h].usual_care - m.care[h]
    t.contract[h].rebased += saved * d.contract[h].counted_share * d.month[month, h].base_weight


@equation
def count_month(x, d, t, m, h, month):
    """Add the month's savings, members and measured outcomes to the contract year."""
    so_far, usual = t.contract[h], d.month[month, h]
    so_far.saved += usual.usual_care - m.care[h]
    so_far.care += m.care[h]
    so_far.member_months += usual.members
    for q in range(x.measure.size):
        if x.measure[q].contract == h:
            t.measure[q].units += m.measured[q]
            t.measure[q].usual += d.usual_measured[month, q]


@equation
def pay_monthly(p, x, d, t, b, m, h, month):
    """Fees, cases and capitation; what is withheld, and fees at risk, wait for the year's end."""
    clauses, usual = d.contract[h], d.month[month, h]
    b.pool[month, h] = withheld(m.care[h], clauses.withhold)
    paid = fee_at_risk(member_fee(usual.members, clauses.fee), clauses.at_risk, 0.0)
    paid += capitation_payment(usual.usual_cost, clauses.capitation)
    if x.contract[h].cases >= 0:
        paid += case_payment(cases_covered(x, m, h), clauses.case_rate)
    b.monthly[month, h] = paid
    earn(p, t, b, month, 0.0, p.first_line[CONTRACTS] + h, distributed(paid, clauses.to_account))


@equation
def cases_covered(x, m, h):
    """Enrolments of the month in the segments that a contract covers."""
    cases = 0.0
    for g in range(x.covered.shape[1]):
        if x.covered[h, g]:
            cases += m.started_by[x.contract[h].cases, g]
    return cases


# --- the year's end


@allocating
def settle_year(p, x, d, t, b, h, year, month):
    """Settle a contract year and start the next."""
    rebase(x, d, t, h, year)
    shared, step = 0.0, b.settled[h, year]
    if x.contract[h].shares_savings or x.contract[h].captures >= 0:
        shared = settle_savings(x, d, t, b, h, year)
    earned = earned_fee(d, t, h)
    other = earned + outcomes(x, d, t, b, h, year, 1.0)
    on_truth = earned + outcomes(x, d, t, b, h, year, 0.0)
    if x.contract[h].captures >= 0:
        share = captured_share(p, x, d, t, h)
        other += share * max(0.0, step.measured)
        on_truth += share * max(0.0, step.true_saving)
    from_pool = pool_payment(d, t, h)
    step.other = other + from_pool
    step.other_on_truth = on_truth + from_pool
    step.payable = shared + step.other
    step.members = t.contract[h].member_months / 12.0
    pay_settlement(p, d, t, b, shared + other, from_pool, h, month)
    t.contract[h].active = stays(max(0.0, -shared), d.contract[h].exit_loss)
    start_year(x, t, h)


@equation
def rebase(x, d, t, h, year):
    """A new agreement's base years are the last one's: their true saving, and their own luck.

    The errors of the old benchmark go with it, as far as it is replaced.
    """
    so_far, share = t.contract[h], d.contract[h].rebased_share
    if year > 0 and year % x.contract[h].agreement_years == 0:
        last = x.contract[h].agreement_years
        so_far.rebased += share * (so_far.rates / last - so_far.rebased)
        so_far.rebased_without += share * (so_far.rates_without / last - so_far.rebased_without)
        so_far.rates = 0.0
        so_far.rates_without = 0.0


@equation
def start_year(x, t, h):
    t.contract[h].saved = 0.0
    t.contract[h].care = 0.0
    t.contract[h].member_months = 0.0
    for q in range(x.measure.size):
        if x.measure[q].contract == h:
            t.measure[q].units = 0.0
            t.measure[q].usual = 0.0


@equation
def pay_settlement(p, d, t, b, amount, from_pool, h, month):
    """Interim and final payment; a repayment falls due at the final settlement."""
    line, share, lag = p.first_line[CONTRACTS] + h, d.contract[h].to_account, d.contract[h].lag
    interim = interim_payment(amount, d.contract[h].interim)
    rest = distributed(final_payment(amount, interim), share)
    earn(p, t, b, month, 0.0, line, distributed(interim, share))
    earn(p, t, b, month, lag, line, from_pool + max(0.0, rest))
    later, o = month + int(lag), p.first[REPAYMENTS] + h
    if rest < 0.0 and later < b.paid.shape[0] and p.obligation[o].account >= 0:
        b.paid[later, o] += -rest


# --- savings


@allocating
def settle_savings(x, d, t, b, h, year):
    """Measured savings and what the clauses make of them; returns the payment, losses negative.

    Three settlements: as measured; on the truth, without error and luck; and without any effect,
    with the same errors and luck.
    """
    clauses, so_far, step = d.contract[h], t.contract[h], b.settled[h, year]
    usual, first = d.year[h, year].usual_cost, d.year[h, year].benchmark
    luck = d.year[h, year].luck
    fee = member_fee(so_far.member_months, clauses.fee) if x.contract[h].netted else 0.0
    true_saving = so_far.saved * clauses.counted_share
    benchmark = first * (1.0 - so_far.rebased)
    seen = (usual - true_saving) * clauses.seen
    step.usual_cost = usual
    step.benchmark = benchmark
    step.true_saving = true_saving
    step.luck = luck * benchmark
    step.measured = benchmark - seen + step.luck
    without = first * (1.0 - so_far.rebased_without)
    no_effect = usual * clauses.seen - luck * without
    if usual > 0.0:
        so_far.rates += true_saving / usual + d.year[h, year].yearly_luck
        so_far.rates_without += d.year[h, year].yearly_luck
    s = settlement(benchmark, seen - step.luck + fee, clauses_of(x, d, h, year, benchmark))
    step.counted = s.counted - s.lost
    step.shared = s.shared - s.owed
    if not x.contract[h].shares_savings:
        return 0.0
    step.payment = s.payment - s.repayment
    truth = usual - true_saving + fee
    step.payment_on_truth = settled(x, d, h, year, usual, truth)
    step.payment_without_effect = settled(x, d, h, year, without, no_effect + fee)
    return step.payment


@allocating
def settled(x, d, h, year, benchmark, expenditure):
    """Payment, losses negative."""
    s = settlement(benchmark, expenditure, clauses_of(x, d, h, year, benchmark))
    return s.payment - s.repayment


@allocating
def clauses_of(x, d, h, year, benchmark):
    """The clauses of one contract year."""
    n, clauses = x.contract[h].tiers, d.contract[h]
    return Clauses(
        clauses.sharing_rate,
        d.tier_above[h, :n],
        d.tier_rate[h, :n],
        d.year[h, year].minimum_rate,
        d.year[h, year].loss_minimum,
        clauses.excess_only,
        clauses.below_minimum,
        clauses.quality,
        1.0,
        1.0,
        clauses.sequestration,
        clauses.payment_limit,
        clauses.capture_cap,
        clauses.loss_rate,
        loss_limit(benchmark, d.year[h, year].loss_limit, np.nan, np.inf),
        0.0,
    )


@equation
def captured_share(p, x, d, t, h):
    """Share of its measured saving that a payer pays into a reinvestment, by the fund's size."""
    r, clauses = x.contract[h].captures, d.contract[h]
    balance, yearly = t.fund[p.reinvestment[r].fund].balance, 12.0 * t.reinvestment[r].full_cost
    return capture_share(
        balance / yearly if yearly > 0.0 else 0.0,
        clauses.capture,
        clauses.capture_full_until,
        clauses.capture_none_from,
    )


# --- fees at risk, withhold and outcomes


@equation
def earned_fee(d, t, h):
    """The part at risk of the year's fee, as far as targets were achieved."""
    clauses = d.contract[h]
    fee = member_fee(t.contract[h].member_months, clauses.fee)
    earned = fee_at_risk(fee, clauses.at_risk, clauses.achieved)
    return earned - fee_at_risk(fee, clauses.at_risk, 0.0)


@equation
def pool_payment(d, t, h):
    """What the account gets of a withhold pool: earned back, and of what is released."""
    pool = withheld(t.contract[h].care, d.contract[h].withhold)
    missed = forfeited(pool, d.contract[h].achieved, d.contract[h].earn_back)
    back = earned_back(pool, d.contract[h].achieved, d.contract[h].earn_back)
    released = released_to_others(pool, missed, d.contract[h].earn_back, d.contract[h].released)
    return back * d.contract[h].own_pool + released * d.contract[h].others_pool


@allocating
def outcomes(x, d, t, b, h, year, luck):
    """Payments for outcomes, each within its cap, all within the contract's bounds.

    `luck` is 1 as measured, 0 without the error of measurement.
    """
    total, counted = 0.0, 0
    for q in range(x.measure.size):
        if x.measure[q].contract == h:
            measured = measured_outcome(x, t, q, luck * d.outcome_luck[q, year])
            if luck > 0.0:
                b.outcome[q, year] = measured
            paid = outcome_payment(x, d, q, measured)
            total += within(paid, 0.0, d.measure[q].cap)
            counted += 1
    if counted == 0:
        return 0.0
    return within(total, d.contract[h].outcomes_least, d.contract[h].outcomes_most)


@allocating
def outcome_payment(x, d, q, measured):
    """By bands of a reduction, or a price for each unit."""
    n = x.measure[q].bands
    if n == 0:
        return unit_payment(max(0.0, measured), d.measure[q].price)
    bands = d.band[q]
    return band_payment(measured, bands[:n, 0], bands[:n, 1], bands[:n, 2], d.measure[q].start)


@equation
def measured_outcome(x, t, q, luck):
    """A reduction (bands) or units avoided (price) of a service; or work of an intervention."""
    if x.measure[q].service < 0:
        days = DAYS_PER_MONTH if x.measure[q].counted_in == PERSON_DAYS else 1.0
        return t.measure[q].units * days
    avoided = t.measure[q].usual - t.measure[q].units
    if x.measure[q].bands == 0:
        return avoided + luck * t.measure[q].usual
    if t.measure[q].usual <= 0.0:
        return 0.0
    return avoided / t.measure[q].usual + luck
