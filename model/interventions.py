"""Interventions: referral, waiting, slots, staff, service, protection and effect.

Equations only: each is for one group of people at one instant, rates per month.
Explained in docs/model.md, section 2.
"""

from typing import NamedTuple

import numpy as np

from .compiled import equation


class Programmes(NamedTuple):
    """Parameters of the interventions, with a leading [draw] axis outside the compiled loop."""

    referral: np.ndarray  # [intervention] of eligible people not referred, 1/month
    acceptance: np.ndarray  # [intervention] share of the referred
    time_to_enroll: np.ndarray  # [intervention] months
    patience: np.ndarray  # [intervention] months on the list before giving up
    posts: np.ndarray  # [intervention] staff wanted
    caseload: np.ndarray  # [intervention] persons/post
    time_to_hire: np.ndarray  # [intervention] months
    turnover: np.ndarray  # [intervention] 1/month
    duration: np.ndarray  # [intervention] months
    completion: np.ndarray  # [intervention] share of those who end
    persistence: np.ndarray  # [intervention] months
    follow_up: np.ndarray  # [intervention] months of the trial
    published: (
        np.ndarray
    )  # [intervention, service] ratio over follow_up among the enrolled; nan: none
    need_ratio: np.ndarray  # [intervention, 4] on onset, escalation, recovery, relief


@equation
def referrals(eligible, people, waiting, enrolled, protected, rate, acceptance):
    """Accepted referrals; who refuses stays not referred."""
    return eligible * rate * acceptance * (people - waiting - enrolled - protected)


@equation
def list_changes(w0, w1, w2, onset, escalation, recovery, relief, eligible0, eligible1, eligible2):
    """Net change of the list by need level: who moves to a level not eligible leaves it."""
    return (
        eligible0 * recovery * w1 - onset * w0,
        eligible1 * (onset * w0 + relief * w2) - (escalation + recovery) * w1,
        eligible2 * escalation * w1 - relief * w2,
    )


@equation
def served_total(stock, served, i):
    """People in a stock of one intervention, over the segments that it serves."""
    people = 0.0
    for g in range(stock.shape[1]):
        if served[i, g]:
            people += stock[i, g, 0] + stock[i, g, 1] + stock[i, g, 2]
    return people


@equation
def slots(staff, caseload):
    return staff * caseload


@equation
def enrollments(waiting, enrolled, slots, time_to_enroll):
    """Enrolment is limited by the list or by the free slots; lost staff never discharge."""
    return min(waiting, max(0.0, slots - enrolled)) / time_to_enroll


@equation
def hires(posts, staff, time_to_hire):
    return max(0.0, posts - staff) / time_to_hire


@equation
def quits(staff, turnover):
    return turnover * staff


@equation
def direct_ratio(published, all_use, unexposed_use, exposed_use):
    """Ratio while exposed that makes the whole cohort's use the published ratio.

    published x all_use = unexposed_use + ratio x exposed_use, each in units over follow-up.
    """
    return (published * all_use - unexposed_use) / exposed_use


@equation
def carried_ratio(ratio, preventable):
    """The same ratio as its part of use carries it: a fall is carried by the preventable part
    alone, with 0 where that is all gone; a rise by all use (docs/decisions/0012).
    """
    if ratio >= 1.0:
        return ratio
    return max(0.0, (ratio - (1.0 - preventable)) / preventable) if preventable > 0.0 else 0.0
