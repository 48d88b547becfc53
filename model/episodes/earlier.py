"""Earlier: the base years of a contract that lie before the horizon, and their claims.

Who is a member when the horizon begins was one all the time before, in the same segment; nobody
else was. Their need led up to what it then is: the chain of need levels is run backwards from
there. Frailty and lasting cost are the person's own; the luck of each year is drawn anew.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from model.community import Community
from model.distributions import Floats

from .attribution import MONTHS, Deal, People
from .case import Case, Flags
from .chance import Chance
from .claims import Claims, claims_of, collected
from .people import Newcomers, Stints, paths, shares_of
from .ramp import some
from .run import Replication
from .spans import Spans
from .stays import Presence

WORLD = "usual"


class Earlier(NamedTuple):
    """Base years before the horizon."""

    there: Flags  # [row] member in all of them
    claims: list[Claims]  # of each, the earliest first, in its own months from 0


class Streams(Chance):
    """Streams of the years before the horizon of one contract."""

    def __init__(self, seed: int, replication: int, name: str) -> None:
        super().__init__(seed, replication)
        self.name = name

    def stream(self, purpose: str) -> np.random.Generator:
        return super().stream(f"contracts.{self.name}.{purpose}")


def earlier_years(
    case: Case, replication: Replication, deal: Deal, who: People, seed: int
) -> Earlier:
    """Base years before the horizon lie end to end before it; prices are the first year's."""
    new, missing = replication.newcomers, int((deal.starts < 0).sum())
    present = (new.entered == 0.0) & (who.row >= 0)
    present &= who.covered[new.segment, np.arange(present.size)]
    mine = np.flatnonzero(present)
    there = np.zeros(who.size, dtype=np.bool_)
    there[who.row[mine]] = True
    if not missing:
        return Earlier(there, [])
    chance = Streams(seed, replication.number, f"{deal.name}.before")
    lives = before(case, new, present, float(MONTHS * missing), chance)
    always = Presence(np.zeros(present.size), np.full(present.size, float(MONTHS)))
    never, claims = np.full(present.size, np.inf), []
    for k in range(missing):
        luck = Streams(seed, replication.number, f"{deal.name}.base.{deal.base - k}")
        year = window(lives, float(MONTHS * k), float(MONTHS))
        made = claims_of(case, year, replication.traits, {WORLD: always}, never, luck)
        claims.append(collected(made, (WORLD,), False)[1][WORLD])
    return Earlier(there, claims)


def before(case: Case, new: Newcomers, present: Flags, months: float, chance: Chance) -> Spans:
    """Need of some people in the months that lead up to the horizon, counted from their first.

    A birth-death chain in balance is the same backwards, so its path is drawn from the state at
    the start and turned round.
    """
    mine = np.flatnonzero(present)
    people = Newcomers(np.zeros(mine.size), new.segment[mine], new.level[mine])
    stay = Stints(
        start=np.zeros(mine.size),
        end=np.full(mine.size, months),
        segment=people.segment,
        first=np.arange(mine.size + 1),
        leaves=np.zeros(mine.size, dtype=np.bool_),
    )
    back = paths(case._replace(community=balanced(case.community)), people, stay, chance)
    order = np.lexsort((-back.end, back.person))
    cell = back.cell[order]
    return Spans(
        person=mine[back.person[order]],
        start=months - back.end[order],
        end=months - back.start[order],
        usual=cell,
        strategy=cell,
        exposed=np.zeros(cell.size, dtype=np.int64),
    )


def balanced(c: Community) -> Community:
    """Rates of need that keep the shares at the start, with as many moves up as down between two
    levels and no deaths.

    The moves between two levels are the mean of both directions; without deaths and in steady
    shares these are the community's own rates.
    """
    p = shares_of(c.people)
    mild = (p[:, 0] * c.onset + p[:, 1] * c.recovery) / 2.0
    severe = (p[:, 1] * c.escalation + p[:, 2] * c.relief) / 2.0
    return c._replace(
        onset=_rate(mild, p[:, 0]),
        recovery=_rate(mild, p[:, 1]),
        escalation=_rate(severe, p[:, 1]),
        relief=_rate(severe, p[:, 2]),
        deaths=np.zeros_like(c.deaths),
    )


def _rate(moved: Floats, share: Floats) -> Floats:
    out: Floats = np.divide(moved, share, out=np.zeros_like(share), where=share > 0.0)
    return out


def window(spans: Spans, start: float, length: float) -> Spans:
    """What spans hold of a window, in months from its start."""
    begin, end = np.maximum(spans.start - start, 0.0), np.minimum(spans.end - start, length)
    return some(spans._replace(start=begin, end=end), end > begin)
