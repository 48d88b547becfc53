"""Contract years: what contracts measure and pay in one draw, month by month.

The arithmetic is in finance/contracts.py; docs/money.md explains. A payment differs from the true
saving by the benchmark's error, run-out, selection and luck, which are all drawn outside.
"""

from .books import (
    CONTRACTS,
    PERSON_DAYS,
    REPAYMENTS,
)
from .compiled import allocating, equation
from .finance.contracts import (
    Clauses,
    band_payment,
    capitation_payment,
    capture_share,
    case_payment,
    earned_back,
    fee_at_risk,
    final_payment,
    forfeited,
    interim_payment,
    member_fee,
    released_to_others,
    settlement,
    stays,
    unit_payment,
    withheld,
    within,
)
from .treasury import earn

DAYS_PER_MONTH = 365.25 / 12.0


@allocating
def advance_contracts(p, n, x, d, t, b, m, month):
    """Add the month to each contract's year; settle the years that end."""
    for h in range(x.contract.size):
        since = month - x.contract[h].start
        if since < 0 or since >= 12 * x.contract[h].years or t.contract[h].active == 0.0:
            continue
        count_month(p, x, d, t, b, m, h, month)
        if since % 12 == 11:
            settle_year(p, n, x, d, t, b, h, since // 12, month)


@equation
def count_month(p, x, d, t, b, m, h, month):
    """Savings, members and measured outcomes of the month; what is paid by the month."""
    t.contract[h].saved += d.month[month, h].usual_care - m.care[h]
    t.contract[h].care += m.care[h]
    t.contract[h].member_months += d.month[month, h].members
    for q in range(x.measure.size):
        if x.measure[q].contract == h:
            t.measure[q].units += m.measured[q]
            t.measure[q].usual += d.usual_measured[month, q]
    b.pool[month, h] = withheld(m.care[h], d.contract[h].withhold)
    line = p.first_line[CONTRACTS] + h
    fee = member_fee(d.month[month, h].members, d.contract[h].fee)
    paid = fee_at_risk(fee, d.contract[h].at_risk, 0.0)  # the part at risk waits for the year's end
    paid += capitation_payment(
        d.month[month, h].usual_care * d.contract[h].counted_share, d.contract[h].capitation
    )
    i = x.contract[h].cases
    if i >= 0:
        cases = 0.0
        for g in range(x.covered.shape[1]):
            if x.covered[h, g]:
                cases += m.started_by[i, g]
        paid += case_payment(cases, d.contract[h].case_rate)
    earn(p, t, b, month, 0.0, line, paid * d.contract[h].to_account)


@allocating
def settle_year(p, n, x, d, t, b, h, year, month):
    """Settle a contract year and start the next."""
    agreement = year % x.contract[h].agreement_years
    if agreement == 0 and year > 0:
        t.contract[h].rebased = t.contract[h].rates / x.contract[h].agreement_years
        t.contract[h].rates = 0.0
    fee = member_fee(t.contract[h].member_months, d.contract[h].fee)
    other = fee - fee_at_risk(fee, d.contract[h].at_risk, 0.0)
    other = other * d.contract[h].achieved
    other += outcomes(x, d, t, b, h, year)
    shared = 0.0
    if x.contract[h].shares_savings or x.contract[h].captures >= 0:
        shared = settle_savings(x, d, t, b, fee, h, year)
    if x.contract[h].captures >= 0:
        other += captured_saving(p, n, x, d, t, b, h, year)
    from_pool = pool_payment(d, t, h)
    step = b.settled[h, year]
    step.other = other + from_pool
    step.payable = other + from_pool + shared
    step.members = t.contract[h].member_months / 12.0
    pay_settlement(p, d, t, b, shared + other, from_pool, h, month)
    if shared < 0.0 and stays(-shared, d.contract[h].exit_loss) == 0.0:
        t.contract[h].active = 0.0
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
    line = p.first_line[CONTRACTS] + h
    interim = interim_payment(amount, d.contract[h].interim)
    rest = final_payment(amount, interim)
    earn(p, t, b, month, 0.0, line, interim * d.contract[h].to_account)
    earn(p, t, b, month, d.contract[h].lag, line, from_pool)
    if rest >= 0.0:
        earn(p, t, b, month, d.contract[h].lag, line, rest * d.contract[h].to_account)
    else:
        later = month + int(d.contract[h].lag)
        o = p.first[REPAYMENTS] + h
        if later < b.paid.shape[0] and p.obligation[o].account >= 0:
            b.paid[later, o] += -rest * d.contract[h].to_account


@allocating
def settle_savings(x, d, t, b, fee, h, year):
    """Measured savings and what the clauses make of them; returns the payment, losses negative."""
    usual = d.year[h, year].usual_cost
    true_saving = t.contract[h].saved * d.contract[h].counted_share
    netted = fee if x.contract[h].netted else 0.0
    benchmark = d.year[h, year].benchmark * (
        1.0 - d.contract[h].rebased_share * t.contract[h].rebased
    )
    luck = d.year[h, year].luck * benchmark
    seen = (usual - true_saving) * d.contract[h].seen
    clauses = clauses_of(x, d, h, year)
    s = settlement(benchmark, seen - luck + netted, clauses)
    truth = settlement(usual, usual - true_saving + netted, clauses)
    first = d.year[h, year].benchmark
    lucky = d.year[h, year].luck * first
    none = settlement(first, usual * d.contract[h].seen - lucky + netted, clauses)
    step = b.settled[h, year]
    step.usual_cost = usual
    step.benchmark = benchmark
    step.true_saving = true_saving
    step.luck = luck
    step.measured = benchmark - seen + luck
    step.counted = s.counted - s.lost
    step.shared = s.shared - s.owed
    payment = s.payment - s.repayment if x.contract[h].shares_savings else 0.0
    step.payment = payment
    if x.contract[h].shares_savings:
        step.payment_on_truth = truth.payment - truth.repayment
        step.payment_without_effect = none.payment - none.repayment
    if benchmark > 0.0:
        t.contract[h].rates += step.measured / benchmark
    return payment


@allocating
def clauses_of(x, d, h, year):
    """The clauses of one contract-year."""
    n = x.contract[h].tiers
    return Clauses(
        d.contract[h].sharing_rate,
        x.tier_above[h, :n],
        d.tier_rate[h, :n],
        d.year[h, year].minimum_rate,
        d.year[h, year].loss_minimum,
        d.contract[h].excess_only,
        d.contract[h].below_minimum,
        d.contract[h].quality,
        1.0,
        1.0,
        d.contract[h].sequestration,
        d.contract[h].payment_limit,
        d.contract[h].capture_cap,
        d.contract[h].loss_rate,
        d.year[h, year].loss_limit * d.year[h, year].benchmark,
        0.0,
    )


@equation
def captured_saving(p, n, x, d, t, b, h, year):
    """What a payer pays into a reinvestment, by its measured saving and the fund's size."""
    r = x.contract[h].captures
    f = p.reinvestment[r].fund
    yearly = 12.0 * n.reinvestment[r].full_cost
    years = t.fund[f].balance / yearly if yearly > 0.0 else 0.0
    share = capture_share(
        years,
        d.contract[h].capture,
        d.contract[h].capture_full_until,
        d.contract[h].capture_none_from,
    )
    return share * max(0.0, b.settled[h, year].measured)


@equation
def pool_payment(d, t, h):
    """What the account gets of a withhold pool: earned back, and of what is released."""
    pool = withheld(t.contract[h].care, d.contract[h].withhold)
    missed = forfeited(pool, d.contract[h].achieved, d.contract[h].earn_back)
    back = earned_back(pool, d.contract[h].achieved, d.contract[h].earn_back)
    released = released_to_others(pool, missed, d.contract[h].earn_back, d.contract[h].released)
    return back * d.contract[h].own_pool + released * d.contract[h].others_pool


@allocating
def outcomes(x, d, t, b, h, year):
    """Payments for outcomes, each within its cap, all within the contract's bounds."""
    total, any_of_them = 0.0, False
    for q in range(x.measure.size):
        if x.measure[q].contract == h:
            any_of_them = True
            measured = measure(x, d, t, q, year)
            b.outcome[q, year] = measured
            n = x.measure[q].bands
            if n > 0:
                paid = band_payment(
                    measured,
                    d.band[q, :n, 0],
                    d.band[q, :n, 1],
                    d.band[q, :n, 2],
                    d.measure[q].start,
                )
            else:
                paid = unit_payment(max(0.0, measured), d.measure[q].price)
            total += within(paid, 0.0, d.measure[q].cap)
    if not any_of_them:
        return 0.0
    return within(total, d.contract[h].outcomes_least, d.contract[h].outcomes_most)


@equation
def measure(x, d, t, q, year):
    """A reduction (bands) or units avoided (price) of a service; or work of an intervention."""
    if x.measure[q].service < 0:
        days = DAYS_PER_MONTH if x.measure[q].counted_in == PERSON_DAYS else 1.0
        return t.measure[q].units * days
    avoided = t.measure[q].usual - t.measure[q].units
    if x.measure[q].bands == 0:
        return avoided + d.outcome_luck[q, year] * t.measure[q].usual
    if t.measure[q].usual <= 0.0:
        return 0.0
    return avoided / t.measure[q].usual + d.outcome_luck[q, year]
