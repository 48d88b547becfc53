"""Stocks, flows and records of a draw: what the loop over months reads, changes and writes.

Types and their blank instances only; the loop stands in simulation.py.
"""

from typing import NamedTuple

import numpy as np

from .community import Community, Use
from .compiled import allocating, equation
from .interventions import Programmes


class Plan(NamedTuple):
    """What no draw changes."""

    served: np.ndarray  # [intervention, segment] bool
    eligible: np.ndarray  # [intervention, need] 0 or 1
    running: np.ndarray  # [month, intervention] bool
    begun: np.ndarray  # [month, intervention] bool: until then nobody is in it
    changes_need: np.ndarray  # [intervention] bool
    origin: np.ndarray  # [movement] segment
    destination: np.ndarray  # [movement] segment
    moving: np.ndarray  # [month, movement] bool
    rescue: np.ndarray  # [service] bool
    cell: np.ndarray  # [segment, service, k] who pays for what (a cell), -1 for nobody
    year: np.ndarray  # [month] calendar years since the start


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
    payments: np.ndarray  # [month, cell] USD for care
    base_payments: np.ndarray  # [cell] USD over the horizon, at base prices
    use_by_segment: np.ndarray  # [year, segment, service] units
    started_by: np.ndarray  # [year, intervention, segment] enrolments
    contract_care: np.ndarray  # [month, contract] USD of care that a contract counts
    measured: np.ndarray  # [month, measure] units that an outcome payment counts
    ratio: np.ndarray  # [intervention, segment, service] as carried (interventions.carried_ratio)


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
    "payments": ("month", "cell"),
    "base_payments": ("cell",),
    "use_by_segment": ("year", "segment", "service"),
    "started_by": ("year", "intervention", "segment"),
    "contract_care": ("month", "contract"),
    "measured": ("month", "measure"),
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
    started_by: np.ndarray  # [intervention, segment] enrolments
    care: np.ndarray  # [contract] USD of care that it counts
    measured: np.ndarray  # [measure] units that an outcome payment counts
    units: np.ndarray  # [segment, service] used
    share: np.ndarray  # [intervention, need] share reached, of the segment at hand


@allocating
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


@allocating
def activity_of(a, d):
    return Activity(
        a.people[d],
        a.person_months[d],
        a.died[d],
        a.left[d],
        a.entered[d],
        a.moved[d],
        a.waiting[d],
        a.enrolled[d],
        a.protected[d],
        a.staff[d],
        a.referred[d],
        a.started[d],
        a.enrolled_months[d],
        a.staff_months[d],
        a.use[d],
        a.payments[d],
        a.base_payments[d],
        a.use_by_segment[d],
        a.started_by[d],
        a.contract_care[d],
        a.measured[d],
        a.ratio[d],
    )


@allocating
def use_of(u, d):
    return Use(u.rate[d], u.preventable[d], u.factor[d], u.price[d], u.price_factor[d])


@allocating
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


@allocating
def new_state(interventions, segments):
    shape = (interventions, segments, 3)
    return State(
        np.zeros((segments, 3)),
        np.zeros(shape),
        np.zeros(shape),
        np.zeros(shape),
        np.zeros(interventions),
    )


@allocating
def new_month(interventions, segments, services, contracts, measures):
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
        np.zeros((interventions, segments)),
        np.zeros(contracts),
        np.zeros(measures),
        np.zeros((segments, services)),
        np.zeros((interventions, 3)),
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
    m.started_by[:] = 0.0
    m.care[:] = 0.0
    m.measured[:] = 0.0
