"""Clients: how the lives of those whom an intervention has touched go on.

A client follows the path of usual care until an intervention changes the rates of need; from then
on the next move is drawn when the last has happened, by the rates of that moment. Segments stay
those of usual care either way.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

from model.stocks import Plan

from .agenda import Call
from .case import ABSENT, LEVELS, Case
from .chance import Chance
from .desk import Episode
from .people import ALIVE, DIED, LEFT, Paths, Stints, moves

INFINITY = float("inf")


class Client:
    """One person: where they are, and their episode with each intervention."""

    __slots__ = (
        "busy",
        "cell",
        "change",
        "drawn",
        "episodes",
        "exposed",
        "fate",
        "person",
        "plan",
        "referral",
        "row",
        "stint",
        "then",
    )

    def __init__(self, person: int, row: int, cell: int, interventions: int) -> None:
        self.person, self.row, self.cell = person, row, cell
        self.episodes: list[Episode | None] = [None] * interventions
        self.busy = 0  # bit i: on the list of, enrolled in or protected by intervention i
        self.exposed = 0  # bit i: enrolled in or protected by intervention i
        self.drawn = False  # the path of need is drawn as it goes
        self.stint = -1
        # The next change of cell: when, to which (ABSENT: out of the community), and why out.
        self.change, self.then, self.fate = INFINITY, cell, ALIVE
        # What is due next; one that was due before and no longer is does not count.
        self.plan: Call | None = None
        self.referral: Call | None = None


class Lives:
    """The next change of each client: as in usual care, or drawn."""

    def __init__(self, case: Case, paths: Paths, stints: Stints, chance: Chance) -> None:
        self.horizon = float(case.months)
        # A view gives one number of a column at a time, quicker than the column does.
        self.cell, self.end = paths.cell.data, paths.end.data
        self.first, self.fate = paths.first.data, paths.fate.data
        self.segment, self.until = stints.segment.data, stints.end.data
        self.stint_start, self.first_stint = stints.start.data, stints.first.data
        self.leaves = stints.leaves.data
        rates = moves(case.community)
        self.worse, self.better = rates.worse.tolist(), rates.better.tolist()
        self.death = rates.death.tolist()
        self.ratios = need_ratios(case.programmes.need_ratio.tolist(), case.plan)
        self.wait = chance.exponentials("needs of clients")
        self.uniform = chance.uniforms("moves of clients")

    def plan(self, client: Client, now: float) -> None:
        """Give the client the next change of life."""
        if client.drawn:
            self._drawn(client, now)
        else:
            self._as_usual(client)

    def follow(self, client: Client) -> None:
        """Keep the place on the path after a change has happened."""
        if not client.drawn:
            client.row += 1
        elif client.change >= self.until[client.stint]:
            client.stint += 1

    def leave_usual(self, client: Client, now: float) -> None:
        """From here on the client's path is drawn."""
        client.drawn = True
        first, last = self.first_stint[client.person], self.first_stint[client.person + 1]
        client.stint = bisect_right(self.stint_start, now, first, last) - 1

    def _as_usual(self, client: Client) -> None:
        row = client.row
        client.change = self.end[row]
        if row + 1 < self.first[client.person + 1]:
            client.then = self.cell[row + 1]
            return
        client.fate = self.fate[client.person]
        if client.fate == ALIVE:
            client.change = INFINITY
        else:
            client.then = ABSENT

    def _drawn(self, client: Client, now: float) -> None:
        cell = client.cell
        onset, escalation, recovery, relief = self.ratios(client.exposed)
        level = cell % LEVELS
        worse = self.worse[cell] * (onset if level == 0 else escalation)
        better = self.better[cell] * (recovery if level == 1 else relief)
        total = worse + better + self.death[cell]
        client.change = now + self.wait() / total if total else INFINITY
        if client.change >= self.until[client.stint]:
            self._next_stint(client)
            return
        u = self.uniform() * total
        if u < worse:
            client.then = cell + 1
        elif u < worse + better:
            client.then = cell - 1
        else:
            client.then, client.fate = ABSENT, DIED

    def _next_stint(self, client: Client) -> None:
        stint = client.stint + 1
        client.change = self.until[client.stint]
        if stint < self.first_stint[client.person + 1]:
            client.then = LEVELS * self.segment[stint] + client.cell % LEVELS
        elif self.leaves[client.person]:
            client.then, client.fate = ABSENT, LEFT
        else:
            client.change = INFINITY


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
