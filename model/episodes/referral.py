"""Referral: who is first referred to what, and when.

Everybody in need is exposed to the hazard of an accepted referral. Nobody is in a queue before,
so the first referral of each person is sampled on the path of usual care; what follows happens in
the event loop.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from model.distributions import Floats

from .case import LEVELS, Case, Ints
from .chance import Chance
from .people import Paths
from .ramp import Ramp


class Referrals(NamedTuple):
    """The first accepted referral of those who have one, in the order of time."""

    person: Ints
    row: Ints  # of the person's path
    time: Floats
    intervention: Ints


def hazards(case: Case) -> Floats:
    """Rate of accepted referrals while running [intervention, cell], 1/month."""
    v, plan = case.programmes, case.plan
    rate = (v.referral * v.acceptance)[:, None, None] * plan.served[:, :, None]
    out: Floats = (rate * plan.eligible[:, None, :]).reshape(
        len(v.referral), plan.served.shape[1] * LEVELS
    )
    return out


def first_referrals(case: Case, paths: Paths, chance: Chance) -> Referrals:
    """Competing hazards of all interventions, cumulated along each person's path."""
    rng, hazard = chance.stream("referrals"), hazards(case)
    each = hazard.T[:, :, None] * case.plan.running.T[None]  # [cell, intervention, month]
    ramp = Ramp(each.sum(axis=1))
    people = paths.first.size - 1
    patience = rng.standard_exponential(people)
    start = ramp.at(paths.cell, paths.start)
    grown = np.cumsum(ramp.at(paths.cell, paths.end) - start)
    before = np.concatenate([[0.0], grown])
    target = (before[paths.first[:-1]] + patience)[paths.person]
    row = np.flatnonzero((before[:-1] < target) & (target <= grown))
    time = ramp.when(paths.cell[row], start[row] + (target[row] - before[row]))
    time = np.clip(time, paths.start[row], paths.end[row])
    month = np.minimum(time.astype(np.int64), case.months - 1)
    share = each[paths.cell[row], :, month].cumsum(axis=1)
    u = rng.random(row.size)[:, None]
    chosen = (u * share[:, -1:] < share).argmax(axis=1) if row.size else row
    order = np.lexsort((row, time))
    row = row[order]
    return Referrals(paths.person[row], row, time[order], chosen[order])


def segment_of(cell: Ints) -> Ints:
    return cell // LEVELS
