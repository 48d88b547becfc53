"""Simulation: the only loops over time and draws.

Order of a month, stated here and nowhere else:
 1. posts: an intervention wants its staff between its start and its end;
 2. steps: referral, waiting, enrolment, service, protection, need levels, deaths, arrivals and
    staff advance by Euler's method, and person-months are counted at each step's start;
 3. use: each service's units from the month's person-months, trend and shocks;
 4. payments: units x price of the month, by party;
 5. movement between segments at the month's end, which carries need level and, where the
    destination is served too, the service state;
 6. stocks are recorded at the month's end.
Every draw writes its own row, so threads and chunks change nothing.
"""

from typing import NamedTuple

import numpy as np
from numba import prange

from .community import (
    Community,
    Use,
    need_changes,
    use_left,
    with_reach,
)
from .compiled import equation, parallel_loop
from .interventions import (
    Programmes,
    direct_ratio,
    enrollments,
    hires,
    list_changes,
    preventable_ratio,
    quits,
    referrals,
    slots,
)


class Plan(NamedTuple):
    """What no draw changes."""

    served: np.ndarray  # [intervention, segment] bool
    eligible: np.ndarray  # [intervention, need] 0 or 1
    running: np.ndarray  # [month, intervention] bool
    changes_need: np.ndarray  # [intervention] bool
    origin: np.ndarray  # [movement] segment
    destination: np.ndarray  # [movement] segment
    moving: np.ndarray  # [month, movement] bool
    rescue: np.ndarray  # [service] bool
    payers: np.ndarray  # [segment, service, k] party, -1 for none


class State(NamedTuple):
    """Stocks of one draw; who is in none of the three service states is not referred."""

    people: np.ndarray  # [segment, need]
    waiting: np.ndarray  # [intervention, segment, need]
    enrolled: np.ndarray  # [intervention, segment, need]
    protected: np.ndarray  # [intervention, segment, need]
    staff: np.ndarray  # [intervention]


class Activity(NamedTuple):
    """What is recorded, [draw, ...]; flows are sums over the month, stocks at its end."""

    people: np.ndarray  # [month, segment, need]
    person_months: np.ndarray  # [month, segment]
    died: np.ndarray  # [month, segment]
    left: np.ndarray  # [month, segment]
    entered: np.ndarray  # [month, segment]
    moved: np.ndarray  # [month, segment] net, at the month's end
    waiting: np.ndarray  # [month, intervention]
    enrolled: np.ndarray  # [month, intervention]
    protected: np.ndarray  # [month, intervention]
    staff: np.ndarray  # [month, intervention]
    referred: np.ndarray  # [month, intervention] accepted referrals
    started: np.ndarray  # [month, intervention] enrolments
    enrolled_months: np.ndarray  # [month, intervention] person-months served
    staff_months: np.ndarray  # [month, intervention]
    use: np.ndarray  # [month, service] units
    payments: np.ndarray  # [month, party] USD for rescue services
    offsets: np.ndarray  # [month, party] USD for other services
    use_by_segment: np.ndarray  # [segment, service] units over the horizon
    paid: np.ndarray  # [service, party] USD over the horizon
    ratio: np.ndarray  # [intervention, segment, service] on the preventable part


AXES: dict[str, tuple[str, ...]] = {
    "people": ("month", "segment", "need"),
    "person_months": ("month", "segment"),
    "died": ("month", "segment"),
    "left": ("month", "segment"),
    "entered": ("month", "segment"),
    "moved": ("month", "segment"),
    "waiting": ("month", "intervention"),
    "enrolled": ("month", "intervention"),
    "protected": ("month", "intervention"),
    "staff": ("month", "intervention"),
    "referred": ("month", "intervention"),
    "started": ("month", "intervention"),
    "enrolled_months": ("month", "intervention"),
    "staff_months": ("month", "intervention"),
    "use": ("month", "service"),
    "payments": ("month", "party"),
    "offsets": ("month", "party"),
    "use_by_segment": ("segment", "service"),
    "paid": ("service", "party"),
    "ratio": ("intervention", "segment", "service"),
}


class Month(NamedTuple):
    """Flows and person-months of the month so far, in one draw."""

    people: np.ndarray  # [segment, need] person-months
    reached: np.ndarray  # [intervention, segment, need] person-months enrolled or protected
    died: np.ndarray  # [segment]
    left: np.ndarray  # [segment]
    entered: np.ndarray  # [segment]
    moved: np.ndarray  # [segment]
    referred: np.ndarray  # [intervention]
    started: np.ndarray  # [intervention]
    enrolled: np.ndarray  # [intervention] person-months served
    staff: np.ndarray  # [intervention] post-months


@equation
def community_of(c, d):
    return Community(
        c.people[d],
        c.onset[d],
        c.escalation[d],
        c.recovery[d],
        c.relief[d],
        c.deaths[d],
        c.leaving[d],
        c.entrants[d],
        c.entrant_mix[d],
        c.movement[d],
    )


@equation
def use_of(u, d):
    return Use(u.rate[d], u.preventable[d], u.factor[d], u.price[d], u.price_factor[d])


@equation
def programmes_of(v, d):
    return Programmes(
        v.referral[d],
        v.acceptance[d],
        v.time_to_enroll[d],
        v.patience[d],
        v.posts[d],
        v.caseload[d],
        v.time_to_hire[d],
        v.turnover[d],
        v.duration[d],
        v.completion[d],
        v.persistence[d],
        v.follow_up[d],
        v.published[d],
        v.need_ratio[d],
    )


@parallel_loop
def simulate(communities, uses, programmes, plan, steps_per_month, activity):
    """Fill the activity of every draw; the arrays of the parameters lead with [draw]."""
    for draw in prange(communities.people.shape[0]):
        c = community_of(communities, draw)
        u = use_of(uses, draw)
        v = programmes_of(programmes, draw)
        simulate_draw(c, u, v, plan, steps_per_month, activity, draw)


@equation
def simulate_draw(c, u, v, plan, steps_per_month, activity, draw):
    interventions, segments = plan.served.shape
    shape = (interventions, segments, 3)
    s = State(
        c.people.copy(), np.zeros(shape), np.zeros(shape), np.zeros(shape), np.zeros(interventions)
    )
    m = new_month(interventions, segments)
    need = np.empty((segments, 4))
    ratio = activity.ratio[draw]
    dt = 1.0 / steps_per_month
    solve_direct_effects(c, u, v, plan, dt, ratio)
    for month in range(activity.use.shape[1]):
        clear(m)
        stop_ended(s, plan, month)
        for _ in range(steps_per_month):
            step(c, v, plan, s, m, need, dt, month)
        book_use(u, plan, m, ratio, month, activity, draw)
        move(c, plan, s, m, month)
        record(s, m, month, activity, draw)


@equation
def new_month(interventions, segments):
    return Month(
        np.zeros((segments, 3)),
        np.zeros((interventions, segments, 3)),
        np.zeros(segments),
        np.zeros(segments),
        np.zeros(segments),
        np.zeros(segments),
        np.zeros(interventions),
        np.zeros(interventions),
        np.zeros(interventions),
        np.zeros(interventions),
    )


@equation
def clear(m):
    m.people[:] = 0.0
    m.reached[:] = 0.0
    m.died[:] = 0.0
    m.left[:] = 0.0
    m.entered[:] = 0.0
    m.moved[:] = 0.0
    m.referred[:] = 0.0
    m.started[:] = 0.0
    m.enrolled[:] = 0.0
    m.staff[:] = 0.0


@equation
def stop_ended(s, plan, month):
    """An intervention past its end keeps no staff: intake stops, who is enrolled finishes."""
    for i in range(s.staff.size):
        if not plan.running[month, i]:
            s.staff[i] = 0.0


@equation
def step(c, v, plan, s, m, need, dt, month):
    """One Euler step of every stock: all flows are from the step's start."""
    interventions, segments = plan.served.shape
    set_need_rates(c, v, plan, s, need)
    for i in range(interventions):
        running = plan.running[month, i]
        intake = advance_staff(v, s, m, i, running, dt)
        advance_clients(c, v, plan, s, m, need, i, intake, running, dt)
    for g in range(segments):
        advance_people(c, s, m, need, g, dt)


@equation
def set_need_rates(c, v, plan, s, need):
    """Fill need [segment, move], 1/month: the mean over people in all service states."""
    for g in range(need.shape[0]):
        need[g, 0] = c.onset[g] * mean_need_ratio(v, plan, s, g, 0, 0)
        need[g, 1] = c.escalation[g] * mean_need_ratio(v, plan, s, g, 1, 1)
        need[g, 2] = c.recovery[g] * mean_need_ratio(v, plan, s, g, 1, 2)
        need[g, 3] = c.relief[g] * mean_need_ratio(v, plan, s, g, 2, 3)


@equation
def reach(s, i, g, n):
    """Share of people at need level n who are enrolled or protected."""
    people = s.people[g, n]
    return (s.enrolled[i, g, n] + s.protected[i, g, n]) / people if people > 0.0 else 0.0


@equation
def mean_need_ratio(v, plan, s, g, n, which):
    """Mean ratio on one move between need levels; interventions are taken as independent."""
    product = 1.0
    for i in range(plan.changes_need.size):
        if plan.changes_need[i] and plan.served[i, g]:
            product *= with_reach(v.need_ratio[i, which], reach(s, i, g, n))
    return product


@equation
def advance_staff(v, s, m, i, running, dt):
    """Advance one intervention's staff; returns the rate at which each waiting person enrols."""
    waiting, enrolled = total(s.waiting, i), total(s.enrolled, i)
    staff = s.staff[i]
    starts = enrollments(waiting, enrolled, slots(staff, v.caseload[i]), v.time_to_enroll[i])
    m.started[i] += dt * starts
    m.enrolled[i] += dt * enrolled
    m.staff[i] += dt * staff
    if running:
        s.staff[i] += dt * (
            hires(v.posts[i], staff, v.time_to_hire[i]) - quits(staff, v.turnover[i])
        )
    return starts / waiting if waiting > 0.0 else 0.0


@equation
def total(stock, i):
    people = 0.0
    for g in range(stock.shape[1]):
        people += stock[i, g, 0] + stock[i, g, 1] + stock[i, g, 2]
    return people


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
            onset /= with_reach(n0, reach(s, i, g, 0))
            escalation /= with_reach(n1, reach(s, i, g, 1))
            recovery /= with_reach(n2, reach(s, i, g, 1))
            relief /= with_reach(n3, reach(s, i, g, 2))

        r0 = referrals(l0, s.people[g, 0], w0, e0, p0, rate, acceptance)
        r1 = referrals(l1, s.people[g, 1], w1, e1, p1, rate, acceptance)
        r2 = referrals(l2, s.people[g, 2], w2, e2, p2, rate, acceptance)
        referred += r0 + r1 + r2
        d0, d1, d2 = list_changes(w0, w1, w2, onset, escalation, recovery, relief, l0, l1, l2)
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
def advance_people(c, s, m, need, g, dt):
    """Advance all people of one segment by need level, in and out of every service state."""
    p0, p1, p2 = s.people[g, 0], s.people[g, 1], s.people[g, 2]
    m.people[g, 0] += dt * p0
    m.people[g, 1] += dt * p1
    m.people[g, 2] += dt * p2
    leaving, entrants = c.leaving[g], c.entrants[g]
    died = c.deaths[g, 0] * p0 + c.deaths[g, 1] * p1 + c.deaths[g, 2] * p2
    m.died[g] += dt * died
    m.left[g] += dt * leaving * (p0 + p1 + p2)
    m.entered[g] += dt * entrants
    d0, d1, d2 = need_changes(p0, p1, p2, need[g, 0], need[g, 1], need[g, 2], need[g, 3])
    s.people[g, 0] += dt * (entrants * c.entrant_mix[g, 0] + d0 - (c.deaths[g, 0] + leaving) * p0)
    s.people[g, 1] += dt * (entrants * c.entrant_mix[g, 1] + d1 - (c.deaths[g, 1] + leaving) * p1)
    s.people[g, 2] += dt * (entrants * c.entrant_mix[g, 2] + d2 - (c.deaths[g, 2] + leaving) * p2)


@equation
def book_use(u, plan, m, ratio, month, activity, draw):
    """Units and payments of the month from its person-months."""
    segments, _, services = u.rate.shape
    reached = np.empty((plan.served.shape[0], 3))
    for g in range(segments):
        set_reach(plan, m, g, reached)
        for r in range(services):
            units = 0.0
            for n in range(3):
                left = use_left(u.preventable[r], mean_use_ratio(plan, ratio, reached, g, n, r))
                units += m.people[g, n] * u.rate[g, n, r] * left
            units *= u.factor[month, r]
            activity.use[draw, month, r] += units
            activity.use_by_segment[draw, g, r] += units
            pay(u, plan, units, g, r, month, activity, draw)


@equation
def set_reach(plan, m, g, reached):
    """Fill reached [intervention, need]: mean share of the month's people served or protected."""
    for i in range(reached.shape[0]):
        for n in range(3):
            people = m.people[g, n] if plan.served[i, g] else 0.0
            reached[i, n] = m.reached[i, g, n] / people if people > 0.0 else 0.0


@equation
def mean_use_ratio(plan, ratio, reached, g, n, r):
    """Mean ratio on the preventable use of a group; interventions are taken as independent."""
    product = 1.0
    for i in range(reached.shape[0]):
        if plan.served[i, g]:
            product *= with_reach(ratio[i, g, r], reached[i, n])
    return product


@equation
def pay(u, plan, units, g, r, month, activity, draw):
    """Book what each payer of the segment's units pays."""
    for k in range(plan.payers.shape[2]):
        party = plan.payers[g, r, k]
        if party >= 0:
            paid = units * u.price[g, r, k] * u.price_factor[month, r]
            activity.paid[draw, r, party] += paid
            if plan.rescue[r]:
                activity.payments[draw, month, party] += paid
            else:
                activity.offsets[draw, month, party] += paid


@equation
def move(c, plan, s, m, month):
    """Move people between segments; a service not offered at the destination ends."""
    for k in range(plan.origin.size):
        if plan.moving[month, k]:
            origin, destination, share = plan.origin[k], plan.destination[k], c.movement[k]
            for n in range(3):
                people = share * s.people[origin, n]
                s.people[origin, n] -= people
                s.people[destination, n] += people
                m.moved[origin] -= people
                m.moved[destination] += people
            for i in range(plan.served.shape[0]):
                if plan.served[i, origin]:
                    carried = 1.0 if plan.served[i, destination] else 0.0
                    for n in range(3):
                        carry(s.waiting, i, origin, destination, n, share, carried)
                        carry(s.enrolled, i, origin, destination, n, share, carried)
                        carry(s.protected, i, origin, destination, n, share, carried)


@equation
def carry(stock, i, origin, destination, n, share, carried):
    moving = share * stock[i, origin, n]
    stock[i, origin, n] -= moving
    stock[i, destination, n] += carried * moving


@equation
def record(s, m, month, activity, draw):
    interventions, segments = s.waiting.shape[:2]
    for g in range(segments):
        for n in range(3):
            activity.people[draw, month, g, n] = s.people[g, n]
            activity.person_months[draw, month, g] += m.people[g, n]
        activity.died[draw, month, g] = m.died[g]
        activity.left[draw, month, g] = m.left[g]
        activity.entered[draw, month, g] = m.entered[g]
        activity.moved[draw, month, g] = m.moved[g]
    for i in range(interventions):
        activity.waiting[draw, month, i] = total(s.waiting, i)
        activity.enrolled[draw, month, i] = total(s.enrolled, i)
        activity.protected[draw, month, i] = total(s.protected, i)
        activity.staff[draw, month, i] = s.staff[i]
        activity.referred[draw, month, i] = m.referred[i]
        activity.started[draw, month, i] = m.started[i]
        activity.enrolled_months[draw, month, i] = m.enrolled[i]
        activity.staff_months[draw, month, i] = m.staff[i]


@equation
def solve_direct_effects(c, u, v, plan, dt, ratio):
    """Fill ratio [intervention, segment, service] so that both paths give the published effect.

    A cohort enrolled at the segment's own mix of need is followed over the trial's follow-up,
    with and without the intervention, by the equations of this module (no deaths or arrivals).
    Where nothing is published (nan) the direct ratio is 1 and only the need path works.
    """
    interventions, segments = plan.served.shape
    services = u.preventable.size
    ratio[:] = 1.0
    for i in range(interventions):
        for g in range(segments):
            if plan.served[i, g]:
                usual, unexposed, exposed = follow_cohort(c, v, plan, i, g, dt)
                for r in range(services):
                    rate = u.rate[g, :, r]
                    exposed_use = (exposed * rate).sum()
                    told = not np.isnan(v.published[i, r])
                    if told and exposed_use > 0.0 and u.preventable[r] > 0.0:
                        direct = direct_ratio(
                            v.published[i, r],
                            (usual * rate).sum(),
                            (unexposed * rate).sum(),
                            exposed_use,
                        )
                        ratio[i, g, r] = preventable_ratio(direct, u.preventable[r])


@equation
def follow_cohort(c, v, plan, i, g, dt):
    """Person-months by need level over follow-up: usual care; unexposed; exposed."""
    with_usual, with_free, with_exposed = np.zeros(3), np.zeros(3), np.zeros(3)
    people = 0.0
    for n in range(3):
        people += plan.eligible[i, n] * c.people[g, n]
    people = max(people, 1e-300)
    usual = served = (
        plan.eligible[i, 0] * c.people[g, 0] / people,
        plan.eligible[i, 1] * c.people[g, 1] / people,
        plan.eligible[i, 2] * c.people[g, 2] / people,
    )
    free = kept = (0.0, 0.0, 0.0)
    ending, fading, completion = 1.0 / v.duration[i], 1.0 / v.persistence[i], v.completion[i]
    for _ in range(int(round(v.follow_up[i] / dt))):
        for n in range(3):
            with_usual[n] += dt * usual[n]
            with_free[n] += dt * free[n]
            with_exposed[n] += dt * (served[n] + kept[n])
        ended = scaled(served, dt * ending)
        faded = scaled(kept, dt * fading)
        usual = after_step(c, v, i, g, usual, dt, False)
        free = plus(after_step(c, v, i, g, free, dt, False), ended, 1.0 - completion)
        free = plus(free, faded, 1.0)
        served = plus(after_step(c, v, i, g, served, dt, True), ended, -1.0)
        kept = plus(after_step(c, v, i, g, kept, dt, True), ended, completion)
        kept = plus(kept, faded, -1.0)
    return with_usual, with_free, with_exposed


@equation
def scaled(p, factor):
    return p[0] * factor, p[1] * factor, p[2] * factor


@equation
def plus(p, q, factor):
    return p[0] + factor * q[0], p[1] + factor * q[1], p[2] + factor * q[2]


@equation
def after_step(c, v, i, g, p, dt, exposed):
    """A closed group by need level after one step of moves between levels."""
    onset, escalation, recovery, relief = c.onset[g], c.escalation[g], c.recovery[g], c.relief[g]
    if exposed:
        onset *= v.need_ratio[i, 0]
        escalation *= v.need_ratio[i, 1]
        recovery *= v.need_ratio[i, 2]
        relief *= v.need_ratio[i, 3]
    change = need_changes(p[0], p[1], p[2], onset, escalation, recovery, relief)
    return plus(p, change, dt)
