"""People: every resident's life in usual care, sampled outside the event loop.

A life is a path through segments, which nothing else moves (`stints`), and on it a path through
need levels with an end by death (`paths`): both are sampled person by person, event by event,
with all people side by side. Rates are those of model/community.py.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from model.community import Community
from model.distributions import Floats
from model.stocks import Plan

from .case import LEVELS, Case, Flags, Ints
from .chance import Chance
from .ramp import Ramp, first_index

ALIVE, DIED, LEFT = 0, 1, 2
# A share that moves with certainty is a hazard of this size.
CERTAIN = 50.0


class Newcomers(NamedTuple):
    """Who is there at the start, and who arrives later [person]."""

    entered: Floats  # months since the start
    segment: Ints
    level: Ints


class Stints(NamedTuple):
    """Time in one segment after the other, sorted by person and time, whoever dies."""

    start: Floats
    end: Floats
    segment: Ints
    first: Ints  # [person + 1]
    leaves: Flags  # [person] before the horizon


class Paths(NamedTuple):
    """Time in one cell (segment x 3 + need level) after the other, sorted by person and time."""

    person: Ints
    start: Floats
    end: Floats
    cell: Ints
    first: Ints  # [person + 1]
    fate: Ints  # [person] ALIVE, DIED or LEFT


def newcomers(case: Case, chance: Chance) -> Newcomers:
    """The first residents, each with the segment's own mix of need, and Poisson arrivals."""
    c, rng = case.community, chance.stream("newcomers")
    first = np.rint(c.people.sum(axis=1)).astype(np.int64)
    later = rng.poisson(c.entrants * case.months)
    segment = np.repeat(np.tile(np.arange(first.size), 2), np.concatenate([first, later]))
    at_start = int(first.sum())
    entered = np.zeros(segment.size)
    entered[at_start:] = rng.random(segment.size - at_start) * case.months
    mix = np.concatenate(
        [shares_of(c.people)[segment[:at_start]], c.entrant_mix[segment[at_start:]]]
    )
    level = (rng.random(segment.size)[:, None] >= mix.cumsum(axis=1)[:, :-1]).sum(axis=1)
    return Newcomers(entered, segment, level.astype(np.int64))


def shares_of(people: Floats) -> Floats:
    """Shares [segment, need] of people by need level; all stable where there is nobody."""
    whole = people.sum(axis=1, keepdims=True)
    nobody = np.zeros_like(people)
    nobody[:, 0] = 1.0
    shares: Floats = np.divide(people, whole, out=nobody, where=whole > 0.0)
    return shares


# --- segments


class _Moving:
    """Movement at month ends, as the plan and the shares of movements say."""

    def __init__(self, c: Community, plan: Plan) -> None:
        segments = len(c.onset)
        share = plan.moving * c.movement  # [month, movement]
        by_origin = plan.origin[None, :] == np.arange(segments)[:, None]
        self.share = (share[None] * by_origin[:, None, :]).cumsum(axis=2)  # [segment, month, k]
        whole = self.share[:, :, -1] if share.shape[1] else np.zeros((segments, share.shape[0]))
        hazard = np.minimum(-np.log1p(-np.minimum(whole, 1.0 - 1e-15)), CERTAIN)
        self.ramp = Ramp(hazard)
        self.destination = plan.destination

    def next(self, segment: Ints, time: Floats, wait: Floats) -> Floats:
        """Month end of the next movement after a time; inf for none before the horizon."""
        ramp = self.ramp
        month = time.astype(np.int64)
        target = ramp.total[segment, month] + wait
        first = segment * (ramp.months + 1)
        end = np.searchsorted(ramp.flat, target + ramp.apart * segment, side="left") - first
        beyond = (target > ramp.total[segment, -1]) | (end > ramp.months)
        return np.where(beyond, np.inf, end.astype(np.float64))

    def goal(self, segment: Ints, month_end: Floats, u: Floats) -> Ints:
        share = self.share[segment, month_end.astype(np.int64) - 1]
        chosen = (u[:, None] * share[:, -1:] < share).argmax(axis=1)
        return np.asarray(self.destination[chosen])


def stints(case: Case, new: Newcomers, chance: Chance) -> Stints:
    """Segments over time: out of the community at rate `leaving`, movement at month ends."""
    rng, moving = chance.stream("segments"), _Moving(case.community, case.plan)
    person, time, segment = np.arange(new.segment.size), new.entered.copy(), new.segment.copy()
    leaves = np.zeros(person.size, dtype=np.bool_)
    rows = []
    while person.size:
        left = time + _wait(rng, case.community.leaving[segment])
        moved = moving.next(segment, time, rng.standard_exponential(person.size))
        end = np.minimum(np.minimum(left, moved), float(case.months))
        rows.append((person, time, end, segment))
        leaves[person[(left < moved) & (left < case.months)]] = True
        on = (moved <= left) & np.isfinite(moved)
        person, time = person[on], moved[on]
        segment = moving.goal(segment[on], time, rng.random(time.size)) if on.any() else segment[on]
    person, start, end, segment = _by_person(rows)
    return Stints(start, end, segment, first_index(person, new.segment.size), leaves)


# --- need levels


class Moves(NamedTuple):
    """Rates [cell] of what ends a stay at a need level, 1/month."""

    worse: Floats
    better: Floats
    death: Floats


def moves(c: Community) -> Moves:
    nil = np.zeros(c.onset.size)
    worse = np.stack([c.onset, c.escalation, nil], axis=1).ravel()
    better = np.stack([nil, c.recovery, c.relief], axis=1).ravel()
    return Moves(worse, better, c.deaths.ravel())


def paths(case: Case, new: Newcomers, stays: Stints, chance: Chance) -> Paths:
    """Need levels over time: one exponential sojourn after the other, until death or exit."""
    rng, rates = chance.stream("needs"), moves(case.community)
    total = rates.worse + rates.better + rates.death
    person, time, level = np.arange(new.level.size), new.entered.copy(), new.level.copy()
    stint = stays.first[:-1].copy()
    fate = np.where(stays.leaves, LEFT, ALIVE)
    rows = []
    while person.size:
        cell = LEVELS * stays.segment[stint] + level
        change, limit = time + _wait(rng, total[cell]), stays.end[stint]
        through = change >= limit
        rows.append((person, time, np.minimum(change, limit), cell))
        u = rng.random(person.size) * total[cell]
        died = ~through & (u < rates.death[cell])
        fate[person[died]] = DIED
        worse = u < rates.death[cell] + rates.worse[cell]
        on = np.where(through, stint + 1 < stays.first[person + 1], ~died)
        level = np.where(through, level, level + np.where(worse, 1, -1))[on]
        stint, time = (stint + through)[on], np.minimum(change, limit)[on]
        person = person[on]
    person, start, end, cell = _by_person(rows)
    return Paths(person, start, end, cell, first_index(person, new.level.size), fate)


def _wait(rng: np.random.Generator, rate: Floats) -> Floats:
    """Exponential times, inf where the rate is 0."""
    wait = rng.standard_exponential(rate.size)
    out: Floats = np.divide(wait, rate, out=np.full(rate.size, np.inf), where=rate > 0.0)
    return out


def _by_person(rows: list[tuple[Any, ...]]) -> tuple[Any, ...]:
    """Rounds of rows as columns, sorted by person; each person's rows stay in their order."""
    columns = [np.concatenate(column) for column in zip(*rows, strict=True)]
    order = np.argsort(columns[0], kind="stable")
    return tuple(column[order] for column in columns)
