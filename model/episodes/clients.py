"""Clients: how the lives of those whom an intervention has touched go on.

A client follows the path of usual care until an intervention changes the rates of need; from then
on the next move is drawn when the last has happened, by the rates of that moment. Segments stay
those of usual care either way.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import NamedTuple

from model.stocks import Plan

from .case import ABSENT, LEVELS, Case
from .chance import Chance
from .desk import Episode
from .people import Paths, Stints, moves

DEATH, DEPARTURE = "died", "left"
_FATES = ("", DEATH, DEPARTURE)


class Client:
    """One person: where they are, and their episode with each intervention."""

    __slots__ = (
        "cell",
        "change",
        "considered",
        "drawn",
        "episodes",
        "exposed",
        "person",
        "planned",
        "row",
        "stint",
    )

    def __init__(self, person: int, row: int, cell: int, interventions: int) -> None:
        self.person, self.row, self.cell = person, row, cell
        self.episodes: list[Episode | None] = [None] * interventions
        self.exposed = 0  # bit i: enrolled in or protected by intervention i
        self.drawn = False  # the path of need is drawn as it goes
        self.stint = -1
        self.change = 0.0  # time of the next change of cell
        self.planned = 0  # counts the plans made: an older one no longer holds
        self.considered = 0  # likewise, of referral


class Change(NamedTuple):
    """The next change of a client's life."""

    time: float
    cell: int  # ABSENT: out of the community
    fate: str


class Lives:
    """The next change of each client: as in usual care, or drawn."""

    def __init__(self, case: Case, paths: Paths, stints: Stints, chance: Chance) -> None:
        self.horizon = float(case.months)
        self.cell, self.end = paths.cell.tolist(), paths.end.tolist()
        self.first, self.fate = paths.first.tolist(), paths.fate.tolist()
        self.segment, self.until = stints.segment.tolist(), stints.end.tolist()
        self.stint_start, self.first_stint = stints.start, stints.first
        self.leaves = stints.leaves
        rates = moves(case.community)
        self.worse, self.better = rates.worse.tolist(), rates.better.tolist()
        self.death = rates.death.tolist()
        self.ratios = need_ratios(case.programmes.need_ratio.tolist(), case.plan)
        self.wait = chance.exponentials("needs of clients")
        self.uniform = chance.uniforms("moves of clients")

    def next(self, client: Client, now: float) -> Change:
        return self._drawn(client, now) if client.drawn else self._as_usual(client)

    def follow(self, client: Client, change: Change) -> None:
        """Keep the place on the path after a change has happened."""
        if not client.drawn:
            client.row += 1
        elif change.time >= self.until[client.stint]:
            client.stint += 1

    def leave_usual(self, client: Client, now: float) -> None:
        """From here on the client's path is drawn."""
        client.drawn = True
        first, last = self.first_stint[client.person], self.first_stint[client.person + 1]
        starts = self.stint_start[first:last].tolist()
        client.stint = int(first) + bisect_right(starts, now) - 1

    def _as_usual(self, client: Client) -> Change:
        end, row = self.end[client.row], client.row + 1
        if row < self.first[client.person + 1]:
            return Change(end, self.cell[row], "")
        fate = self.fate[client.person]
        return Change(end, ABSENT, _FATES[fate]) if fate else Change(float("inf"), client.cell, "")

    def _drawn(self, client: Client, now: float) -> Change:
        cell = client.cell
        onset, escalation, recovery, relief = self.ratios(client.exposed)
        level = cell % LEVELS
        worse = self.worse[cell] * (onset if level == 0 else escalation)
        better = self.better[cell] * (recovery if level == 1 else relief)
        total = worse + better + self.death[cell]
        time = now + self.wait() / total if total else float("inf")
        if time >= self.until[client.stint]:
            return self._next_stint(client)
        u = self.uniform() * total
        if u < worse:
            return Change(time, cell + 1, "")
        return Change(time, cell - 1, "") if u < worse + better else Change(time, ABSENT, DEATH)

    def _next_stint(self, client: Client) -> Change:
        end, stint = self.until[client.stint], client.stint + 1
        if stint < self.first_stint[client.person + 1]:
            return Change(end, LEVELS * self.segment[stint] + client.cell % LEVELS, "")
        if self.leaves[client.person]:
            return Change(end, ABSENT, DEPARTURE)
        return Change(float("inf"), client.cell, "")


Ratios = tuple[float, float, float, float]


def need_ratios(ratio: list[list[float]], plan: Plan) -> Callable[[int], Ratios]:
    """Ratios on onset, escalation, recovery and relief by who is exposed to what."""
    known: dict[int, Ratios] = {}
    changes = [bool(changes) for changes in plan.changes_need]

    def of(exposed: int) -> Ratios:
        if exposed not in known:
            product = [1.0, 1.0, 1.0, 1.0]
            for i, changed in enumerate(changes):
                if changed and exposed >> i & 1:
                    product = [p * r for p, r in zip(product, ratio[i], strict=True)]
            known[exposed] = (product[0], product[1], product[2], product[3])
        return known[exposed]

    return of
