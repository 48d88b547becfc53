"""Simulation: the only loops over time and draws.

Order of a month, stated here and nowhere else:
 1. posts: an intervention wants its staff between its start and its end;
 2. receipts: what is due is received, and dues are invoiced; from what is in hand each party
    with an account keeps the staff that it can pay, core posts before all others, and allows
    hiring or not (treasury.open_month);
 3. steps: referral, waiting, enrolment, service, protection, need levels, deaths, arrivals and
    staff advance by Euler's method, and person-months are counted at each step's start;
 4. use: each service's units from the month's person-months, trend and shocks;
 5. payments for care: units x price of the month, by who pays for which service;
 6. contracts count the month, and settle the years that end with it; what they pay falls due after
    their lag (contract_years.advance_contracts);
 7. payments: costs of staff, programmes and debts, restricted money first; what is missing is
    borrowed, then rescued; who cannot pay a core obligation is insolvent (treasury.close_month);
 8. movement between segments at the month's end, all at once, which carries need level and,
    where the destination is served too, the service state;
 9. stocks are recorded at the month's end.
Every draw writes its own row, so threads and chunks change nothing.
"""

import numpy as np

from .books import books_of, costs_of, deals_of, money_of, treasury_of
from .cohort import solve_direct_effects
from .community import need_changes, reach, use_left, with_reach
from .compiled import allocating, equation, loop
from .contract_years import advance_contracts, count_for_contracts
from .interventions import (
    enrollments,
    hires,
    list_changes,
    quits,
    referrals,
    served_total,
    slots,
)
from .staffing import advance_posts, stop_ended
from .stocks import (
    activity_of,
    clear,
    community_of,
    new_month,
    new_state,
    programmes_of,
    use_of,
)
from .treasury import begin, close_month, open_month


@loop
def simulate(
    first,
    last,
    communities,
    uses,
    programmes,
    plan,
    moneys,
    costs,
    money_plan,
    deals,
    contract_plan,
    usual_care,
    steps_per_month,
    activity,
    treasuries,
    books,
):
    """Fill activity and books of draws from first to before last; all arrays lead with [draw]."""
    for draw in range(first, last):
        simulate_draw(
            community_of(communities, draw),
            use_of(uses, draw),
            programmes_of(programmes, draw),
            plan,
            money_of(moneys, draw),
            costs_of(costs, draw),
            money_plan,
            deals_of(deals, draw),
            contract_plan,
            usual_care,
            steps_per_month,
            activity_of(activity, draw),
            treasury_of(treasuries, draw),
            books_of(books, draw),
        )


@allocating
def simulate_draw(c, u, v, plan, n, e, money_plan, d, x, usual_care, steps_per_month, a, t, b):
    interventions, segments = plan.served.shape
    s = new_state(interventions, segments)
    before = new_state(interventions, segments)
    s.people[:] = c.people
    m = new_month(interventions, segments, u.preventable.size, x.contract.size, t.measure.size)
    need = np.empty((segments, 4))
    dt = 1.0 / steps_per_month
    b.receipts[:] = n.due
    begin(money_plan, n, t, v, usual_care)
    solve_direct_effects(c, u, v, plan, dt, a.ratio)
    for month in range(a.use.shape[0]):
        clear(m)
        stop_ended(s, plan, month)
        open_month(money_plan, n, t, b, e, v, plan, s, month)
        for _ in range(steps_per_month):
            advance_posts(money_plan, n, t, month, dt)
            step(c, v, plan, s, m, t, need, dt, month)
        book_use(
            m.people,
            u.rate,
            u.preventable,
            u.factor[month],
            plan.served,
            m.reached,
            a.ratio,
            m.share,
            m.units,
        )
        add_up(m.units, a.use[month], a.use_by_segment[plan.year[month]])
        book_payments(
            m.units, u.price, u.price_factor[month], plan.cell, a.payments[month], a.base_payments
        )
        count_for_contracts(u, plan, x, m, month)
        advance_contracts(money_plan, x, d, t, b, m, month)
        close_month(money_plan, n, t, b, e, v, plan, s, m, month)
        move(c, plan, s, before, m, month)
        record(plan, s, m, a, month)


@equation
def step(c, v, plan, s, m, t, need, dt, month):
    """One Euler step of every stock: all flows are from the step's start."""
    set_need_rates(c, v, plan, s, need, month)
    for i in range(plan.served.shape[0]):
        if plan.begun[month, i]:
            running = plan.running[month, i]
            intake = advance_staff(v, plan, s, m, t, i, running, dt)
            advance_clients(c, v, plan, s, m, need, i, intake, running, dt)
    advance_people(c, s, m, need, dt)


@equation
def set_need_rates(c, v, plan, s, need, month):
    """Fill need [segment, move], 1/month: the mean over people in all service states.

    Interventions are taken as independent given segment and need level.
    """
    for g in range(need.shape[0]):
        need[g, 0], need[g, 1] = c.onset[g], c.escalation[g]
        need[g, 2], need[g, 3] = c.recovery[g], c.relief[g]
    for i in range(plan.changes_need.size):
        if plan.changes_need[i] and plan.begun[month, i]:
            for g in range(need.shape[0]):
                reach0 = reach(s.enrolled[i, g, 0] + s.protected[i, g, 0], s.people[g, 0])
                reach1 = reach(s.enrolled[i, g, 1] + s.protected[i, g, 1], s.people[g, 1])
                reach2 = reach(s.enrolled[i, g, 2] + s.protected[i, g, 2], s.people[g, 2])
                need[g, 0] *= with_reach(v.need_ratio[i, 0], reach0)
                need[g, 1] *= with_reach(v.need_ratio[i, 1], reach1)
                need[g, 2] *= with_reach(v.need_ratio[i, 2], reach1)
                need[g, 3] *= with_reach(v.need_ratio[i, 3], reach2)


@equation
def advance_staff(v, plan, s, m, t, i, running, dt):
    """Advance one intervention's staff; returns the rate at which each waiting person enrols."""
    waiting = served_total(s.waiting, plan.served, i)
    enrolled = served_total(s.enrolled, plan.served, i)
    staff = s.staff[i]
    starts = enrollments(waiting, enrolled, slots(staff, v.caseload[i]), v.time_to_enroll[i])
    m.started[i] += dt * starts
    m.enrolled[i] += dt * enrolled
    m.staff[i] += dt * staff
    if running:
        hired = t.programme[i].hiring * hires(t.programme[i].wanted, staff, v.time_to_hire[i])
        s.staff[i] += dt * (hired - quits(staff, v.turnover[i]))
    return starts / waiting if waiting > 0.0 else 0.0


@equation
def advance_clients(c, v, plan, s, m, need, i, intake, running, dt):
    """Advance who waits, is enrolled or is protected, in each segment and need level."""
    l0, l1, l2 = plan.eligible[i, 0], plan.eligible[i, 1], plan.eligible[i, 2]
    rate, acceptance = v.referral[i] if running else 0.0, v.acceptance[i]
    off = intake + 1.0 / v.patience[i]
    ending, fading = 1.0 / v.duration[i], 1.0 / v.persistence[i]
    done = v.completion[i] * ending
    changes_need = plan.changes_need[i]
    n0, n1, n2, n3 = v.need_ratio[i, 0], v.need_ratio[i, 1], v.need_ratio[i, 2], v.need_ratio[i, 3]
    referred = 0.0
    for g in range(plan.served.shape[1]):
        if not plan.served[i, g]:
            continue
        w0, w1, w2 = s.waiting[i, g, 0], s.waiting[i, g, 1], s.waiting[i, g, 2]
        e0, e1, e2 = s.enrolled[i, g, 0], s.enrolled[i, g, 1], s.enrolled[i, g, 2]
        p0, p1, p2 = s.protected[i, g, 0], s.protected[i, g, 1], s.protected[i, g, 2]
        m.reached[i, g, 0] += dt * (e0 + p0)
        m.reached[i, g, 1] += dt * (e1 + p1)
        m.reached[i, g, 2] += dt * (e2 + p2)
        x0 = c.deaths[g, 0] + c.leaving[g]
        x1 = c.deaths[g, 1] + c.leaving[g]
        x2 = c.deaths[g, 2] + c.leaving[g]
        onset, escalation, recovery, relief = need[g, 0], need[g, 1], need[g, 2], need[g, 3]
        if changes_need:  # the means of all interventions, less this one
            onset /= with_reach(n0, reach(e0 + p0, s.people[g, 0]))
            escalation /= with_reach(n1, reach(e1 + p1, s.people[g, 1]))
            recovery /= with_reach(n2, reach(e1 + p1, s.people[g, 1]))
            relief /= with_reach(n3, reach(e2 + p2, s.people[g, 2]))

        r0 = referrals(l0, s.people[g, 0], w0, e0, p0, rate, acceptance)
        r1 = referrals(l1, s.people[g, 1], w1, e1, p1, rate, acceptance)
        r2 = referrals(l2, s.people[g, 2], w2, e2, p2, rate, acceptance)
        referred += r0 + r1 + r2
        d0, d1, d2 = list_changes(w0, w1, w2, onset, escalation, recovery, relief, l0, l1, l2)
        m.started_by[i, g] += dt * intake * (w0 + w1 + w2)
        s.waiting[i, g, 0] = w0 + dt * (r0 + d0 - (off + x0) * w0)
        s.waiting[i, g, 1] = w1 + dt * (r1 + d1 - (off + x1) * w1)
        s.waiting[i, g, 2] = w2 + dt * (r2 + d2 - (off + x2) * w2)

        if changes_need:
            onset, escalation, recovery, relief = (
                onset * n0,
                escalation * n1,
                recovery * n2,
                relief * n3,
            )
        d0, d1, d2 = need_changes(e0, e1, e2, onset, escalation, recovery, relief)
        s.enrolled[i, g, 0] = e0 + dt * (intake * w0 + d0 - (ending + x0) * e0)
        s.enrolled[i, g, 1] = e1 + dt * (intake * w1 + d1 - (ending + x1) * e1)
        s.enrolled[i, g, 2] = e2 + dt * (intake * w2 + d2 - (ending + x2) * e2)
        d0, d1, d2 = need_changes(p0, p1, p2, onset, escalation, recovery, relief)
        s.protected[i, g, 0] = p0 + dt * (done * e0 + d0 - (fading + x0) * p0)
        s.protected[i, g, 1] = p1 + dt * (done * e1 + d1 - (fading + x1) * p1)
        s.protected[i, g, 2] = p2 + dt * (done * e2 + d2 - (fading + x2) * p2)
    m.referred[i] += dt * referred


@equation
def advance_people(c, s, m, need, dt):
    """Advance all people by need level, in and out of every service state."""
    for g in range(need.shape[0]):
        p0, p1, p2 = s.people[g, 0], s.people[g, 1], s.people[g, 2]
        x0, x1, x2 = c.deaths[g, 0], c.deaths[g, 1], c.deaths[g, 2]
        leaving, entrants = c.leaving[g], c.entrants[g]
        m.people[g, 0] += dt * p0
        m.people[g, 1] += dt * p1
        m.people[g, 2] += dt * p2
        m.died[g] += dt * (x0 * p0 + x1 * p1 + x2 * p2)
        m.left[g] += dt * leaving * (p0 + p1 + p2)
        m.entered[g] += dt * entrants
        d0, d1, d2 = need_changes(p0, p1, p2, need[g, 0], need[g, 1], need[g, 2], need[g, 3])
        s.people[g, 0] = p0 + dt * (entrants * c.entrant_mix[g, 0] + d0 - (x0 + leaving) * p0)
        s.people[g, 1] = p1 + dt * (entrants * c.entrant_mix[g, 1] + d1 - (x1 + leaving) * p1)
        s.people[g, 2] = p2 + dt * (entrants * c.entrant_mix[g, 2] + d2 - (x2 + leaving) * p2)


@equation
def book_use(people, rate, preventable, factor, served, reached, ratio, share, units):
    """Fill units [segment, service] of the month from its person-months.

    people and reached are person-months [segment, need] and [intervention, segment, need];
    share [intervention, need] is room to work in.
    """
    segments, _, services = rate.shape
    for g in range(segments):
        anybody = set_share_reached(people, reached, served, g, share)
        for r in range(services):
            left0, left1, left2 = 1.0, 1.0, 1.0
            if anybody:
                left0 = mean_use_left(preventable[r], ratio, share, g, 0, r)
                left1 = mean_use_left(preventable[r], ratio, share, g, 1, r)
                left2 = mean_use_left(preventable[r], ratio, share, g, 2, r)
            stable = people[g, 0] * rate[g, 0, r] * left0
            at_risk = people[g, 1] * rate[g, 1, r] * left1
            in_crisis = people[g, 2] * rate[g, 2, r] * left2
            units[g, r] = factor[r] * (stable + at_risk + in_crisis)


@equation
def book_payments(units, price, price_factor, cell, payments, base):
    """Book what is paid for the month's units [segment, service], by who pays for what."""
    segments, services, most = cell.shape
    for g in range(segments):
        for r in range(services):
            if units[g, r] > 0.0:
                for k in range(most):
                    z = cell[g, r, k]
                    if z < 0:
                        break  # the others, if any, are not payers either
                    at_base = units[g, r] * price[g, r, k]
                    base[z] += at_base
                    payments[z] += at_base * price_factor[r]


@equation
def add_up(units, use, use_by_segment):
    """Add the month's units to the month's use [service] and the horizon's [segment, service]."""
    for g in range(units.shape[0]):
        for r in range(units.shape[1]):
            use[r] += units[g, r]
            use_by_segment[g, r] += units[g, r]


@equation
def set_share_reached(people, reached, served, g, share):
    """Fill share [intervention, need] of the segment's person-months; is anybody served there?"""
    anybody = False
    for i in range(share.shape[0]):
        anybody = anybody or served[i, g]
        for n in range(3):
            share[i, n] = reach(reached[i, g, n], people[g, n]) if served[i, g] else 0.0
    return anybody


@equation
def mean_use_left(preventable, ratio, share, g, n, r):
    """Mean share of a group's use left; interventions are taken as independent."""
    falls, rises = 1.0, 1.0
    for i in range(share.shape[0]):
        if share[i, n] > 0.0:
            mean = with_reach(ratio[i, g, r], share[i, n])
            falls, rises = falls * min(mean, 1.0), rises * max(mean, 1.0)
    return use_left(preventable, falls, rises)


@equation
def move(c, plan, s, before, m, month):
    """Move people between segments, all from the month's end; see docs/model.md.

    A service that the destination does not offer ends. `before` is room for the stocks before.
    """
    keep(plan, s, before)
    for k in range(plan.origin.size):
        if plan.moving[month, k]:
            origin, destination, share = plan.origin[k], plan.destination[k], c.movement[k]
            for n in range(3):
                people = share * before.people[origin, n]
                s.people[origin, n] -= people
                s.people[destination, n] += people
                m.moved[origin] -= people
                m.moved[destination] += people
            for i in range(plan.served.shape[0]):
                if plan.served[i, origin]:
                    carried = 1.0 if plan.served[i, destination] else 0.0
                    carry(before.waiting, s.waiting, i, origin, destination, share, carried)
                    carry(before.enrolled, s.enrolled, i, origin, destination, share, carried)
                    carry(before.protected, s.protected, i, origin, destination, share, carried)


@equation
def keep(plan, s, before):
    """Copy the people of all stocks."""
    interventions, segments = plan.served.shape
    for g in range(segments):
        for n in range(3):
            before.people[g, n] = s.people[g, n]
        for i in range(interventions):
            if plan.served[i, g]:
                for n in range(3):
                    before.waiting[i, g, n] = s.waiting[i, g, n]
                    before.enrolled[i, g, n] = s.enrolled[i, g, n]
                    before.protected[i, g, n] = s.protected[i, g, n]


@equation
def carry(before, stock, i, origin, destination, share, carried):
    for n in range(3):
        moving = share * before[i, origin, n]
        stock[i, origin, n] -= moving
        stock[i, destination, n] += carried * moving


@equation
def record(plan, s, m, a, month):
    interventions, segments = s.waiting.shape[:2]
    for h in range(m.care.size):
        a.contract_care[month, h] = m.care[h]
    for q in range(m.measured.size):
        a.measured[month, q] = m.measured[q]
    for g in range(segments):
        a.people[month, g, 0] = s.people[g, 0]
        a.people[month, g, 1] = s.people[g, 1]
        a.people[month, g, 2] = s.people[g, 2]
        a.person_months[month, g] = m.people[g, 0] + m.people[g, 1] + m.people[g, 2]
        a.died[month, g] = m.died[g]
        a.left[month, g] = m.left[g]
        a.entered[month, g] = m.entered[g]
        a.moved[month, g] = m.moved[g]
    for i in range(interventions):
        a.waiting[month, i] = served_total(s.waiting, plan.served, i)
        a.enrolled[month, i] = served_total(s.enrolled, plan.served, i)
        a.protected[month, i] = served_total(s.protected, plan.served, i)
        a.staff[month, i] = s.staff[i]
        for g in range(segments):
            a.started_by[plan.year[month], i, g] += m.started_by[i, g]
        a.referred[month, i] = m.referred[i]
        a.started[month, i] = m.started[i]
        a.enrolled_months[month, i] = m.enrolled[i]
        a.staff_months[month, i] = m.staff[i]
