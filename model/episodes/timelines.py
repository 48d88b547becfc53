"""Timelines: a few people's way through need, waiting, service and rescue events, for a picture.

People are drawn at random from all who were put on a list, so that the picture shows neither the
best nor the worst.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from model.scenario import NEED_LEVELS

from .case import LEVELS, Case, Flags
from .chance import Chance
from .desk import OUTCOMES
from .outreach import Pathway
from .run import Replication

PEOPLE = 12
BEFORE, AFTER = 12.0, 36.0  # months shown on either side of being put on the list
WAIT, SERVICE, PROTECTED = "waiting", "in service", "protected"


class Stretch(NamedTuple):
    """Time in one state; months since being put on the list."""

    what: str  # a need level, WAIT, SERVICE or PROTECTED
    intervention: str  # empty for a need level
    start: float
    end: float


class Mark(NamedTuple):
    """A rescue event; months since being put on the list."""

    service: str
    month: float


class Timeline(NamedTuple):
    """One person around the day of being put on a list."""

    person: int
    intervention: str
    segment: str
    listed: float  # months since the start of the scenario
    outcome: str
    wait: float  # months
    stretches: list[Stretch]
    marks: list[Mark]


def timelines(case: Case, r: Replication, seed: int, people: int = PEOPLE) -> list[Timeline]:
    """As many people as are asked for, from every intervention alike, in the order of referral."""
    chosen = _chosen(case, r.pathways, Chance(seed, r.number), people)
    return [_timeline(case, r, k) for k in chosen]


def _chosen(case: Case, p: Pathway, chance: Chance, people: int) -> list[int]:
    """Rows of pathways; each intervention gives the same number, as far as it has them.

    Only people whose next year is inside the horizon, where there are such.
    """
    rng, by_intervention = chance.stream("timelines"), []
    listed = ~np.isnan(p.reached)
    seen = listed & (p.reached <= case.months - 12.0)
    for i in range(len(case.names.interventions)):
        mine = np.flatnonzero((seen if (seen & (p.intervention == i)).any() else listed)
                              & (p.intervention == i))  # fmt: skip
        by_intervention.append(rng.permutation(mine).tolist())
    out: list[int] = []
    while len(out) < people and any(by_intervention):
        out += [rows.pop() for rows in by_intervention if rows]
    rows = np.array(sorted(out[:people]), dtype=np.int64)
    order = np.lexsort((p.reached[rows], p.intervention[rows]))
    return [int(row) for row in rows[order]]


def _timeline(case: Case, r: Replication, row: int) -> Timeline:
    p = r.pathways
    person, zero = int(p.person[row]), float(p.reached[row])
    low, high = max(zero - BEFORE, 0.0), min(zero + AFTER, float(case.months))
    over = p.started[row] if not np.isnan(p.started[row]) else p.ended[row]
    until = float(case.months) if np.isnan(over) else float(over)
    stretches = _need(r, person, zero, low, high) + _services(case, p, person, zero, low, high)
    return Timeline(
        person=person,
        intervention=case.names.interventions[p.intervention[row]],
        segment=case.names.segments[p.segment[row]],
        listed=zero,
        outcome=OUTCOMES[p.outcome[row]],
        wait=until - zero,
        stretches=stretches,
        marks=_marks(case, r, person, zero, low, high),
    )


def _need(r: Replication, person: int, zero: float, low: float, high: float) -> list[Stretch]:
    """Need levels in the strategy; a change of segment alone starts no new stretch."""
    s = r.spans
    mine = np.flatnonzero((s.person == person) & (s.strategy >= 0) & (s.end > low))
    out: list[Stretch] = []
    for k in mine[s.start[mine] < high].tolist():
        level = NEED_LEVELS[int(s.strategy[k]) % LEVELS]
        start, end = max(float(s.start[k]), low) - zero, min(float(s.end[k]), high) - zero
        if out and out[-1].what == level and out[-1].end == start:
            out[-1] = out[-1]._replace(end=end)
        else:
            out.append(Stretch(level, "", start, end))
    return out


def _services(
    case: Case, p: Pathway, person: int, zero: float, low: float, high: float
) -> list[Stretch]:
    """Waiting, service and protection, in every intervention that the person was in."""
    out = []
    listed: Flags = (p.person == person) & ~np.isnan(p.reached)
    last = float(case.months)
    for k in np.flatnonzero(listed).tolist():
        name = case.names.interventions[int(p.intervention[k])]
        reached, started = float(p.reached[k]), float(p.started[k])
        ended = last if np.isnan(p.ended[k]) else float(p.ended[k])
        parts = [(WAIT, reached, ended if np.isnan(started) else started)]
        if not np.isnan(started):
            parts.append((SERVICE, started, ended))
        if p.outcome[k] == OUTCOMES.index("completed"):
            faded = last if np.isnan(p.faded[k]) else float(p.faded[k])
            parts.append((PROTECTED, ended, faded))
        out += [
            Stretch(what, name, max(start, low) - zero, min(end, high) - zero)
            for what, start, end in parts
            if end > low and start < high
        ]
    return out


def _marks(
    case: Case, r: Replication, person: int, zero: float, low: float, high: float
) -> list[Mark]:
    """Rescue events in the strategy; a claim knows its month, in which they are spread evenly."""
    c = r.claims.get("strategy")
    if c is None:
        return []
    rescue = np.append(case.plan.rescue, False)  # other care is none
    mine = np.flatnonzero(c.person == person)
    mine = mine[rescue[c.service[mine]]]
    month = c.incurred[mine]
    mine, month = mine[np.argsort(month, kind="stable")], np.sort(month)
    first = np.searchsorted(month, month)
    many = np.searchsorted(month, month, side="right") - first
    time = month + (np.arange(month.size) - first + 0.5) / many
    return [
        Mark(case.names.services[c.service[k]], float(at) - zero)
        for k, at in zip(mine.tolist(), time.tolist(), strict=True)
        if low <= at < high
    ]
