"""Desk: one intervention's list, slots and staff.

A free slot is being set up for as long as somebody waits: min(waiting, free slots) set-ups run
at once, each exponential with mean time_to_enroll, and when one ends, somebody is picked from the
list. Who waits gives up at rate 1 / patience. Lost staff take their slots with them, and discharge
nobody (docs/decisions/0011-episodes.md).
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from heapq import heappop, heappush
from operator import attrgetter
from typing import Any, NamedTuple, Protocol

import numpy as np
from simpy import Environment, Event

from model.distributions import Floats
from model.interventions import enrollments

from .agenda import Call
from .case import LEVELS, Case, Ints, plain
from .chance import Chance

_enrollments = plain(enrollments)

NEVER = float("nan")
WAITING, ENROLLED, PROTECTED, OVER = 0, 1, 2, 3

# What can become of a referral, as the table of pathways tells it.
OUTCOMES = (
    "refused",
    "gave_up",
    "no_longer_eligible",
    "moved",
    "died",
    "left",
    "completed",
    "dropped_out",
    "waiting",
    "enrolled",
)
REFUSED, GAVE_UP, NOT_ELIGIBLE, MOVED, HAS_DIED, HAS_LEFT = range(6)
COMPLETED, DROPPED_OUT, STILL_WAITING, STILL_ENROLLED = range(6, 10)
OPEN = -1  # not over at the horizon


class Episode:
    """One person's way through one intervention, from referral on."""

    __slots__ = (
        "cell",
        "client",
        "ended",
        "faded",
        "intervention",
        "number",
        "outcome",
        "person",
        "place",
        "reached",
        "started",
        "state",
    )

    def __init__(self, client: Any, intervention: int, now: float) -> None:
        self.client, self.intervention, self.reached = client, intervention, now
        self.person, self.cell = client.person, client.cell
        self.started = self.ended = self.faded = NEVER
        self.outcome = OPEN
        self.state = WAITING
        self.place = self.number = 0


class Joined(NamedTuple):
    """Episodes as columns; times in months since the start, nan for what did not happen."""

    person: Ints
    intervention: Ints
    segment: Ints
    level: Ints
    reached: Floats
    started: Floats
    ended: Floats
    faded: Floats
    outcome: Ints  # index into OUTCOMES, or OPEN


def joined(episodes: list[Episode]) -> Joined:
    def column(name: str, kind: Any) -> Any:
        return np.fromiter(map(attrgetter(name), episodes), kind, len(episodes))

    segment, level = np.divmod(column("cell", np.int64), LEVELS)
    return Joined(
        person=column("person", np.int64),
        intervention=column("intervention", np.int64),
        segment=segment,
        level=level,
        reached=column("reached", np.float64),
        started=column("started", np.float64),
        ended=column("ended", np.float64),
        faded=column("faded", np.float64),
        outcome=column("outcome", np.int64),
    )


class List(Protocol):
    """Who waits, in any order, and who of them is next."""

    everybody: list[Episode]

    def add(self, episode: Episode) -> None: ...
    def remove(self, episode: Episode) -> None: ...
    def need_changed(self, episode: Episode) -> None: ...
    def pick(self) -> Episode: ...
    def anybody(self, u: float) -> Episode: ...


class RandomPick:
    """Anybody on the list, alike."""

    def __init__(self, uniform: Callable[[], float]) -> None:
        self.uniform = uniform
        self.everybody: list[Episode] = []

    def add(self, episode: Episode) -> None:
        episode.place = len(self.everybody)
        self.everybody.append(episode)

    def remove(self, episode: Episode) -> None:
        last = self.everybody.pop()
        if last is not episode:
            self.everybody[episode.place] = last
            last.place = episode.place

    def need_changed(self, episode: Episode) -> None:
        """Nothing: need gives no right of way here."""

    def pick(self) -> Episode:
        return self.anybody(self.uniform())

    def anybody(self, u: float) -> Episode:
        return self.everybody[int(u * len(self.everybody))]


class OrderedPick(RandomPick):
    """First come, first served; `by_need`: the highest need level first."""

    def __init__(self, by_need: bool) -> None:
        super().__init__(uniform=float)
        self.by_need = by_need
        self.arrived = 0
        self.heap: list[tuple[int, int, Episode]] = []

    def add(self, episode: Episode) -> None:
        super().add(episode)
        self.arrived += 1
        episode.number = self.arrived
        heappush(self.heap, (self._rank(episode), self.arrived, episode))

    def need_changed(self, episode: Episode) -> None:
        if self.by_need:
            heappush(self.heap, (self._rank(episode), episode.number, episode))

    def pick(self) -> Episode:
        """Who stands first; entries of who has left, or of an earlier need, are thrown away."""
        while True:
            rank, _, episode = self.heap[0]
            if episode.state == WAITING and rank == self._rank(episode):
                return episode
            heappop(self.heap)

    def _rank(self, episode: Episode) -> int:
        return -(episode.client.cell % 3) if self.by_need else 0


def listed(pick: str, chance: Chance, name: str) -> List:
    if pick == "random":
        return RandomPick(chance.uniforms(f"{name}.pick"))
    return OrderedPick(by_need=pick == "priority")


class Clocks:
    """As many exponential clocks as are due: more are wound up when more are due, and of those that
    run, only as many count. One that rings counts with the chance due / running, which for
    exponential times is the same as stopping the superfluous ones.
    """

    def __init__(
        self, env: Environment, mean: float, due: Callable[[], int], chance: Chance, name: str
    ) -> None:
        self.env, self.mean, self.due = env, mean, due
        self.wait, self.share = chance.exponentials(name), chance.uniforms(f"{name}.counts")
        self.running = 0
        self.action: Callable[[float], None]

    def wind(self) -> None:
        due = self.due()
        while self.running < due:
            self.running += 1
            Call(self.env, self.wait() * self.mean, self._ring)

    def _ring(self, _: Call) -> None:
        due, running = self.due(), self.running
        self.running -= 1
        if due >= running or self.share() * running < due:
            self.action(self.env.now)


class Desk:
    """One intervention: who waits, how many are enrolled, and how many slots there are."""

    def __init__(self, env: Environment, case: Case, i: int, chance: Chance) -> None:
        name, v = case.names.interventions[i], case.programmes
        self.env, self.intervention, self.horizon = env, i, float(case.months)
        self.caseload = float(v.caseload[i])
        self.time_to_hire, self.turnover = float(v.time_to_hire[i]), float(v.turnover[i])
        self.waiting = listed(case.pick, chance, name)
        set_up, patience = float(v.time_to_enroll[i]), float(v.patience[i])
        self.set_ups = Clocks(env, set_up, self.due, chance, f"{name}.set_up")
        self.set_ups.action = self._start
        impatient = self.waiting.everybody.__len__
        self.patience = Clocks(env, patience, impatient, chance, f"{name}.patience")
        self.patience.action = self._lose
        self.who = chance.uniforms(f"{name}.gives_up")
        self.chance, self.name = chance, name
        self.enrolled = self.slots = 0
        self.open = False
        self.staffed: list[tuple[float, float]] = []  # time, change of staff
        self.enroll: Callable[[Episode, float], None]
        self.give_up: Callable[[Episode, float], None]

    # --- staff

    def begin(self, posts: float) -> None:
        """Each post is hired and lost on its own; the last may be a part of one."""
        self.open = True
        whole = int(posts)
        shares = [1.0] * whole + ([posts - whole] if posts > whole else [])
        for k, share in enumerate(shares):
            self.env.process(self._post(share, f"{self.name}.post.{k}"))

    def end(self) -> None:
        """No staff from here on: intake stops, and who is enrolled finishes."""
        self.open = False
        staff = sum(change for _, change in self.staffed)
        self.staffed.append((self.env.now, -staff))
        self.slots = 0

    def _post(self, share: float, name: str) -> Generator[Event, Any, None]:
        """Vacant, filled, vacant again; a caseload is a whole number, right in the mean."""
        wait, part = self.chance.exponentials(name), self.chance.uniforms(f"{name}.caseload")
        while True:
            yield self.env.timeout(wait() * self.time_to_hire)
            if self._over():
                return
            slots = int(share * self.caseload + part())
            self._staff(share, slots)
            yield self.env.timeout(wait() / self.turnover if self.turnover else float("inf"))
            if self._over():
                return
            self._staff(-share, -slots)

    def _over(self) -> bool:
        return not self.open

    def _staff(self, change: float, slots: int) -> None:
        self.staffed.append((self.env.now, change))
        self.slots += slots
        self.set_ups.wind()

    # --- the list and the slots

    def due(self) -> int:
        """How many set-ups run at once."""
        waiting = len(self.waiting.everybody)
        return int(_enrollments(waiting, self.enrolled, self.slots, 1.0)) if waiting else 0

    def add(self, episode: Episode) -> None:
        self.waiting.add(episode)
        self.patience.wind()
        self.set_ups.wind()

    def discharge(self) -> None:
        self.enrolled -= 1
        if self.waiting.everybody:
            self.set_ups.wind()

    def _start(self, now: float) -> None:
        """A set-up has ended: the next on the list is enrolled. One less is due, one less runs."""
        episode = self.waiting.pick()
        self.waiting.remove(episode)
        self.enrolled += 1
        self.enroll(episode, now)

    def _lose(self, now: float) -> None:
        """Somebody gives up: patience has no memory, so it is anybody alike."""
        self.give_up(self.waiting.anybody(self.who()), now)
        self.patience.wind()
