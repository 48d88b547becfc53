"""Pathways: the event loop. Referral, list, service, protection; one person at a time.

Whoever is referred becomes a client. From then on a client's next change of life, next referral
and the end of each stage are events of SimPy; who is never referred needs none.
"""

from __future__ import annotations

import gc
import math
from array import array
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np
from simpy import Environment, Event

from model.distributions import Floats

from .agenda import Call
from .case import ABSENT, LEVELS, Case, Ints
from .chance import Chance
from .clients import Client, Lives
from .desk import (
    COMPLETED,
    DROPPED_OUT,
    ENROLLED,
    GAVE_UP,
    HAS_DIED,
    HAS_LEFT,
    MOVED,
    NOT_ELIGIBLE,
    OPEN,
    OVER,
    PROTECTED,
    WAITING,
    Desk,
    Episode,
    Joined,
    joined,
)
from .people import Paths, Stints
from .referral import Referrals, hazards

BY_FATE = (OPEN, HAS_DIED, HAS_LEFT)  # the outcome of who is ALIVE, DIED, LEFT


class Changes(NamedTuple):
    """Something of a person that is so from a time on, in the order of time."""

    person: Ints
    time: Floats
    value: Ints


class Log(NamedTuple):
    """What happened to clients, and the staff of each intervention."""

    episodes: Joined
    exposures: Changes  # what they are exposed to
    moves: Changes  # their cell, where it is drawn
    departed: list[tuple[int, int]]  # person, DIED or LEFT, likewise
    staffed: list[list[tuple[float, float]]]  # [intervention] time, change of staff


def followed(case: Case, paths: Paths, stints: Stints, first: Referrals, chance: Chance) -> Log:
    """All clients from their first referral on."""
    with _no_collection():
        return Pathways(case, paths, stints, first, chance).run()


@contextmanager
def _no_collection() -> Iterator[None]:
    """No search for cyclic garbage while clients, who all live on, are made and let go."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


class Choice(NamedTuple):
    """What somebody can be referred to."""

    rate: float  # of all together, 1/month
    to: list[tuple[int, float]]  # intervention, rate


class Pathways:
    """All interventions and clients of one replication."""

    def __init__(
        self, case: Case, paths: Paths, stints: Stints, first: Referrals, chance: Chance
    ) -> None:
        self.case, self.paths, self.first = case, paths, first
        self.env = Environment()
        self.horizon = float(case.months)
        self.lives = Lives(case, paths, stints, chance)
        self.desks = [Desk(self.env, case, i, chance) for i in range(len(case.names.interventions))]
        for desk in self.desks:
            desk.enroll, desk.give_up = self._enroll, self._give_up
        self.clients: dict[int, Client] = {}
        self.episodes: list[Episode] = []
        # One after the other: person, time, and what is so from then on.
        self.exposures, self.moves = array("d"), array("d")
        self.departed: list[tuple[int, int]] = []
        v = case.programmes
        self.open = 0  # bit i: intervention i takes referrals
        self.rates = hazards(case).T.tolist()
        self.choices: dict[tuple[int, int], Choice] = {}
        self.served = case.plan.served.tolist()
        self.eligible = (case.plan.eligible > 0.0).tolist()
        self.changes_need = sum(1 << i for i, c in enumerate(case.plan.changes_need) if c)
        self.duration = v.duration.tolist()
        self.completion, self.persistence = v.completion.tolist(), v.persistence.tolist()
        names = case.names.interventions
        self.duration_of = [chance.exponentials(f"{name}.duration") for name in names]
        self.completes = [chance.uniforms(f"{name}.completion") for name in names]
        self.fading_of = [chance.exponentials(f"{name}.persistence") for name in names]
        self.referral = chance.exponentials("later referrals")
        self.referred_to = chance.uniforms("later referrals, to what")

    def run(self) -> Log:
        """From the start to the horizon, with what happens at its last instant."""
        for i, desk in enumerate(self.desks):
            self.env.process(self._programme(i, desk))
        self._begin_arrivals()
        self.env.run(until=math.nextafter(self.horizon, math.inf))
        staffed = [desk.staffed for desk in self.desks]
        made = joined(self.episodes)
        self._let_go()
        return Log(made, _columns(self.exposures), _columns(self.moves), self.departed, staffed)

    def _let_go(self) -> None:
        """Undo circular references, so that memory is free without a search for garbage."""
        for episode in self.episodes:
            client = episode.client
            client.plan = client.referral = None
            client.episodes.clear()
        for desk in self.desks:
            del desk.enroll, desk.give_up

    def _after(
        self, now: float, delay: float, action: Callable[[Call], None], value: Any
    ) -> Call | None:
        """Call `action` later with the value, unless that is beyond the horizon."""
        return Call(self.env, delay, action, value) if now + delay <= self.horizon else None

    # --- programmes and arrivals

    def _programme(self, i: int, desk: Desk) -> Generator[Event, Any, None]:
        """An intervention begins at its start and ends after its last month."""
        running = self.case.plan.running[:, i]
        if not running.any():
            return
        first = int(running.argmax())
        last = first + int(running[first:].sum())
        yield self.env.timeout(first)
        desk.begin(float(self.case.programmes.posts[i]))
        self.open |= 1 << i
        for client in self.clients.values():
            self._consider(client, self.env.now)
        if last < self.case.months:
            # What the month's end brings still finds it open.
            yield self.env.timeout(math.nextafter(last - first, math.inf))
            desk.end()
            self.open &= ~(1 << i)
            for client in self.clients.values():
                self._consider(client, self.env.now)

    def _begin_arrivals(self) -> None:
        """First referrals, in the order of time: each sets the clock of the next."""
        first, cells = self.first, self.paths.cell[self.first.row]
        columns = (first.time, first.person, first.row, cells, first.intervention)
        self.arriving = zip(*(c.tolist() for c in columns), strict=True)
        self.arrival = next(self.arriving, None)
        if self.arrival is not None:
            Call(self.env, self.arrival[0], self._arrive)

    def _arrive(self, call: Call) -> None:
        assert self.arrival is not None
        now = self.env.now
        _, person, row, cell, i = self.arrival
        client = Client(person, row, cell, len(self.desks))
        self.clients[person] = client
        self._plan(client, now)
        self._refer(client, i, now)
        self.arrival = next(self.arriving, None)
        if self.arrival is not None:
            call.again(self.env, max(0.0, self.arrival[0] - now), self._arrive)

    # --- referral and the list

    def _choice(self, cell: int, free: int) -> Choice:
        """To what somebody in a cell can be referred, and the rates of it."""
        found = self.choices.get((cell, free))
        if found is None:
            to = [(i, rate) for i, rate in enumerate(self.rates[cell]) if rate and free >> i & 1]
            found = self.choices[cell, free] = Choice(sum(rate for _, rate in to), to)
        return found

    def _consider(self, client: Client, now: float) -> None:
        """Draw the next accepted referral, unless the client's life changes first."""
        client.referral = None
        free = self.open & ~client.busy
        if free:
            total = self._choice(client.cell, free).rate
            if total:
                delay = self.referral() / total
                if now + delay < client.change:
                    client.referral = self._after(now, delay, self._referred, client)

    def _referred(self, call: Call) -> None:
        client: Client = call.value
        if client.referral is not call:
            return
        rate, to = self._choice(client.cell, self.open & ~client.busy)
        u = self.referred_to() * rate
        for i, part in to:
            u -= part
            if u < 0.0:
                self._refer(client, i, self.env.now)
                return

    def _refer(self, client: Client, i: int, now: float) -> None:
        episode = Episode(client, i, now)
        client.episodes[i] = episode
        client.busy |= 1 << i
        self.episodes.append(episode)
        self._consider(client, now)
        self.desks[i].add(episode)

    def _give_up(self, episode: Episode, now: float) -> None:
        self._end(episode, GAVE_UP, now)
        self._consider(episode.client, now)

    # --- service and protection

    def _enroll(self, episode: Episode, now: float) -> None:
        i, client = episode.intervention, episode.client
        episode.state, episode.started = ENROLLED, now
        self._after(now, self.duration_of[i]() * self.duration[i], self._finish, episode)
        self._expose(client, client.exposed | 1 << i, now)

    def _finish(self, call: Call) -> None:
        episode: Episode = call.value
        if episode.state != ENROLLED:
            return
        i, now = episode.intervention, self.env.now
        if self.completes[i]() < self.completion[i]:
            episode.state, episode.ended, episode.outcome = PROTECTED, now, COMPLETED
            self._after(now, self.fading_of[i]() * self.persistence[i], self._fade, episode)
            self.desks[i].discharge()
        else:
            self._end(episode, DROPPED_OUT, now)
            self._unexpose(episode, now)

    def _fade(self, call: Call) -> None:
        episode: Episode = call.value
        if episode.state == PROTECTED:
            now = self.env.now
            self._end(episode, COMPLETED, now)
            self._unexpose(episode, now)

    def _end(self, episode: Episode, outcome: int, now: float) -> None:
        """Out of whatever state the episode is in; the client is not referred again."""
        i, state = episode.intervention, episode.state
        episode.state = OVER
        episode.client.episodes[i] = None
        episode.client.busy &= ~(1 << i)
        if state == PROTECTED:
            episode.faded = now
            return
        episode.ended, episode.outcome = now, outcome
        if state == WAITING:
            self.desks[i].waiting.remove(episode)
        else:
            self.desks[i].discharge()

    def _unexpose(self, episode: Episode, now: float) -> None:
        client = episode.client
        self._expose(client, client.exposed & ~(1 << episode.intervention), now)
        self._consider(client, now)

    def _expose(self, client: Client, exposed: int, now: float) -> None:
        """Begin or end exposure; where that changes the rates of need, the future is drawn anew."""
        changed, client.exposed = client.exposed ^ exposed, exposed
        self.exposures.extend((client.person, now, exposed))
        if changed & self.changes_need:
            if not client.drawn:
                self.lives.leave_usual(client, now)
                self.moves.extend((client.person, now, client.cell))
            self._plan(client, now)
            self._consider(client, now)

    # --- lives

    def _plan(self, client: Client, now: float) -> None:
        """Set the clock of the next change of life."""
        self.lives.plan(client, now)
        client.plan = self._after(now, client.change - now, self._change, client)

    def _change(self, call: Call) -> None:
        client: Client = call.value
        if client.plan is not call:
            return
        now, before, client.cell = self.env.now, client.cell, client.then
        if client.drawn:
            self.moves.extend((client.person, client.change, client.cell))
        if client.cell == ABSENT:
            self._depart(client, now)
            return
        self.lives.follow(client)
        if client.busy:
            self._carry(client, before // LEVELS != client.cell // LEVELS, now)
        self._plan(client, now)
        self._consider(client, now)

    def _depart(self, client: Client, now: float) -> None:
        client.referral = None
        del self.clients[client.person]
        if client.drawn:
            self.departed.append((client.person, client.fate))
        for episode in client.episodes:
            if episode is not None:
                self._end(episode, BY_FATE[client.fate], now)

    def _carry(self, client: Client, moved: bool, now: float) -> None:
        """A service that the new segment does not offer ends; who recovers leaves the list."""
        segment, level = divmod(client.cell, LEVELS)
        exposed = client.exposed
        for i, episode in enumerate(client.episodes):
            if episode is None:
                continue
            if moved and not self.served[i][segment]:
                self._end(episode, MOVED, now)
                exposed &= ~(1 << i)
            elif episode.state == WAITING:
                if self.eligible[i][level]:
                    self.desks[i].waiting.need_changed(episode)
                else:
                    self._end(episode, NOT_ELIGIBLE, now)
        if exposed != client.exposed:
            client.exposed = exposed
            self.exposures.extend((client.person, now, exposed))


def _columns(told: array[float]) -> Changes:
    person, time, value = np.frombuffer(told, dtype=np.float64).reshape(-1, 3).T
    return Changes(person.astype(np.int64), time.copy(), value.astype(np.int64))
