"""Cohort: from the published ratio of an effect to the ratio while exposed.

A cohort is followed over the trial's follow-up by the equations of the dynamics, so that direct
path and path through need together give what was published (docs/model.md, section 3).
"""

import numpy as np

from .community import need_changes
from .compiled import allocating, equation
from .interventions import carried_ratio, direct_ratio


@allocating
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
                    if told and exposed_use > 0.0:
                        direct = direct_ratio(
                            v.published[i, r],
                            (usual * rate).sum(),
                            (unexposed * rate).sum(),
                            exposed_use,
                        )
                        ratio[i, g, r] = carried_ratio(direct, u.preventable[r])


@allocating
def follow_cohort(c, v, plan, i, g, dt):
    """Person-months by need level over follow-up: usual care; unexposed; exposed.

    The cohort begins with the segment's shares of need among the eligible levels (equal ones
    where nobody is in them at the start).
    """
    with_usual, with_free, with_exposed = np.zeros(3), np.zeros(3), np.zeros(3)
    people = 0.0
    for n in range(3):
        people += plan.eligible[i, n] * (c.entrant_mix[g, n] + 1e-12)
    usual = served = (
        plan.eligible[i, 0] * (c.entrant_mix[g, 0] + 1e-12) / people,
        plan.eligible[i, 1] * (c.entrant_mix[g, 1] + 1e-12) / people,
        plan.eligible[i, 2] * (c.entrant_mix[g, 2] + 1e-12) / people,
    )
    free = kept = (0.0, 0.0, 0.0)
    ending, fading, completion = 1.0 / v.duration[i], 1.0 / v.persistence[i], v.completion[i]
    usually = (c.onset[g], c.escalation[g], c.recovery[g], c.relief[g])
    helped = (
        c.onset[g] * v.need_ratio[i, 0],
        c.escalation[g] * v.need_ratio[i, 1],
        c.recovery[g] * v.need_ratio[i, 2],
        c.relief[g] * v.need_ratio[i, 3],
    )
    for _ in range(max(1, int(round(v.follow_up[i] / dt)))):
        for n in range(3):
            with_usual[n] += dt * usual[n]
            with_free[n] += dt * free[n]
            with_exposed[n] += dt * (served[n] + kept[n])
        ended = scaled(served, dt * ending)
        faded = scaled(kept, dt * fading)
        usual = after_step(usual, usually, dt)
        free = plus(after_step(free, usually, dt), ended, 1.0 - completion)
        free = plus(free, faded, 1.0)
        served = plus(after_step(served, helped, dt), ended, -1.0)
        kept = plus(after_step(kept, helped, dt), ended, completion)
        kept = plus(kept, faded, -1.0)
    return with_usual, with_free, with_exposed


@equation
def scaled(p, factor):
    return p[0] * factor, p[1] * factor, p[2] * factor


@equation
def plus(p, q, factor):
    return p[0] + factor * q[0], p[1] + factor * q[1], p[2] + factor * q[2]


@equation
def after_step(p, rates, dt):
    """A closed group by need level after one step of moves between levels."""
    onset, escalation, recovery, relief = rates
    return plus(p, need_changes(p[0], p[1], p[2], onset, escalation, recovery, relief), dt)
