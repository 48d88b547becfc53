"""Expected cost: what usual care costs a contract's members on average, whoever has what luck.

The mean of the chain of people.py, solved exactly month by month, times rates of use and prices:
the same in every replication, so that a benchmark trended by it takes out nobody's luck.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from model.distributions import Floats

from .attribution import MONTHS, Deal
from .case import LEVELS, Case
from .people import moves, shares_of


def expected_cost(case: Case, deal: Deal) -> Floats:
    """Expected USD/member-year [year] in usual care of the people of a contract's segments.

    A year before the horizon has the need of the first day, at the first year's rates and prices;
    where nobody is there yet, it is as the first year.
    """
    mine = np.array([_share(case, g, deal.payer) for g in range(deal.segments.size)])
    of = (mine * deal.segments)[None, :, None]
    along = _by_month(case, deal, expected_people(case) * of)
    steady = np.broadcast_to(_at_start(case), (case.months, *case.community.people.shape))
    at_first = _by_month(case, deal, steady * of)
    out = np.empty(deal.starts.size)
    for k, start in enumerate(deal.starts):
        cost, members = at_first if start < 0 and at_first[1][0] > 0.0 else along
        year = slice(max(int(start), 0), max(int(start), 0) + MONTHS)
        out[k] = MONTHS * cost[year].sum() / members[year].sum()
    return out


def _by_month(case: Case, deal: Deal, months: Floats) -> tuple[Floats, Floats]:
    """USD and person-months [month] of person-months [month, segment, need]."""
    use, each = case.use, member_price(case, deal)
    cost = np.einsum("mgl,gls,ms,gs->m", months, use.rate, use.factor * use.price_factor, each)
    members = months.sum(axis=(1, 2))
    if deal.services[-1]:
        care = case.other_care
        cost += members * care.cost[deal.payer] * care.factor[:, deal.payer]
    return cost, members


def _at_start(case: Case) -> Floats:
    """People [segment, need]: whole persons, with each segment's own mix of need."""
    people = case.community.people
    return np.asarray(np.rint(people.sum(axis=1))[:, None] * shares_of(people))


def expected_people(case: Case) -> Floats:
    """Expected person-months [month, segment, need] in usual care."""
    c, plan = case.community, case.plan
    step, there = month_of_change(case), _at_start(case)
    out = np.empty((case.months, *there.shape))
    nothing, one = np.zeros_like(there), np.ones((len(there), 1))
    for month in range(case.months):
        begun = np.concatenate([there, nothing, one], axis=1)
        ended = np.einsum("gi,gij->gj", begun, step)
        there, out[month] = ended[:, :LEVELS], ended[:, LEVELS : 2 * LEVELS]
        moved = (plan.moving[month] * c.movement)[:, None] * there[plan.origin]
        there = there.copy()
        np.subtract.at(there, plan.origin, moved)
        np.add.at(there, plan.destination, moved)
    return out


def month_of_change(case: Case) -> Floats:
    """exp of the generator [segment, 7, 7] of (people, person-months so far, 1) over a month."""
    c, rates = case.community, moves(case.community)
    worse, better, death = (r.reshape(-1, LEVELS) for r in rates)
    a = np.zeros((len(worse), 2 * LEVELS + 1, 2 * LEVELS + 1))
    for level in range(LEVELS):
        gone = worse[:, level] + better[:, level] + death[:, level] + c.leaving
        a[:, level, level] = -gone
        a[:, level, LEVELS + level] = 1.0
        a[:, -1, level] = c.entrants * c.entrant_mix[:, level]
        if level + 1 < LEVELS:
            a[:, level, level + 1] = worse[:, level]
            a[:, level + 1, level] = better[:, level + 1]
    return np.asarray(linalg.expm(a))


def _share(case: Case, segment: int, payer: int) -> float:
    """Of a segment's people, who is the payer's member."""
    share = np.diff(case.member.share[segment, 0], prepend=0.0)
    return float(share[case.member.party[segment, 0] == payer].sum())


def member_price(case: Case, deal: Deal) -> Floats:
    """USD that the payer pays for a unit of each service of one of its members, [segment, service].

    A service that the segment's own payers pay is paid by the member's; another in shares.
    """
    billing = case.billing
    part = np.diff(billing.share, axis=2, prepend=0.0)
    part = np.where(billing.lasting[None, :, None], 1.0, part)
    paid = np.where(billing.party == deal.payer, part * billing.price, 0.0).sum(axis=2)
    return np.asarray(paid * deal.services[None, :-1])
