"""Pathways: the event loop. Referral, list, service, protection; one person at a time.

Whoever is referred becomes a client. From then on a client's next change of life, next referral
and the end of each stage are events of SimPy; who is never referred needs none.
"""

from __future__ import annotations

import gc
import math
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

from simpy import Environment, Event, Timeout

from .case import ABSENT, LEVELS, Case
from .chance import Chance
from .clients import Change, Client, Lives
from .desk import ENROLLED, OVER, PROTECTED, WAITING, Desk, Episode
from .people import Paths, Stints
from .referral import Referrals, hazards

# Outcomes of an episode, as the table of pathways tells them.
GAVE_UP, NOT_ELIGIBLE, MOVED = "gave_up", "no_longer_eligible", "moved"
COMPLETED, DROPPED_OUT = "completed", "dropped_out"
STILL_WAITING, STILL_ENROLLED = "waiting", "enrolled"


class Log(NamedTuple):
    """What happened to clients, in the order of time, and the staff of each intervention."""

    episodes: list[Episode]
    exposures: list[tuple[int, float, int]]  # person, time, exposed from then on
    moves: list[tuple[int, float, int]]  # person, time, cell from then on, where it is drawn
    departed: list[tuple[int, str]]  # person, died or left, likewise
    staffed: list[list[tuple[float, float]]]  # [intervention] time, change of staff


@contextmanager
def _no_collection() -> Iterator[None]:
    """No search for cyclic garbage while clients, who all live on, are made."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()


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
        self.log = Log([], [], [], [], [desk.staffed for desk in self.desks])
        v = case.programmes
        self.rates = [_positive(rates) for rates in hazards(case).T.tolist()]
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
        self.env.process(self._arrivals())
        with _no_collection():
            self.env.run(until=math.nextafter(self.horizon, math.inf))
        return self.log

    def _after(self, delay: float, action: Callable[[Event], None], value: Any) -> None:
        """Call `action` later with the value, unless that is beyond the horizon."""
        if self.env.now + delay <= self.horizon:
            Timeout(self.env, delay, value).callbacks.append(action)

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
        for client in self.clients.values():
            self._consider(client)
        if last < self.case.months:
            # What the month's end brings still finds it open.
            yield self.env.timeout(math.nextafter(last - first, math.inf))
            desk.end()

    def _arrivals(self) -> Generator[Event, Any, None]:
        """First referrals, in the order of time."""
        first, cells, env = self.first, self.paths.cell[self.first.row], self.env
        columns = (first.person, first.row, first.time, first.intervention, cells)
        for person, row, time, i, cell in zip(*(c.tolist() for c in columns), strict=True):
            yield Timeout(env, max(0.0, time - env.now))
            client = Client(person, row, cell, len(self.desks))
            self.clients[person] = client
            self._plan(client)
            self._refer(client, i)

    # --- referral and the list

    def _consider(self, client: Client) -> None:
        """Draw the next accepted referral, unless the client's life changes first."""
        client.considered += 1
        total = 0.0
        for i, rate in self.rates[client.cell]:
            if client.episodes[i] is None and self.desks[i].open:
                total += rate
        if total:
            delay = self.referral() / total
            if self.env.now + delay < client.change:
                self._after(delay, self._referred, (client, client.considered))

    def _referred(self, event: Event) -> None:
        client, considered = _given(event)
        if client.considered == considered:
            free = client.episodes
            open_to = [(i, r) for i, r in self.rates[client.cell] if free[i] is None]
            open_to = [(i, rate) for i, rate in open_to if self.desks[i].open]
            u = self.referred_to() * sum(rate for _, rate in open_to)
            for i, rate in open_to:
                u -= rate
                if u < 0.0:
                    self._refer(client, i)
                    return

    def _refer(self, client: Client, i: int) -> None:
        episode = Episode(client, i, self.env.now, client.cell)
        client.episodes[i] = episode
        self.log.episodes.append(episode)
        self._consider(client)
        self.desks[i].add(episode)

    def _give_up(self, episode: Episode) -> None:
        self._end(episode, GAVE_UP)
        self._consider(episode.client)

    # --- service and protection

    def _enroll(self, episode: Episode) -> None:
        i = episode.intervention
        episode.state, episode.started = ENROLLED, self.env.now
        self._after(self.duration_of[i]() * self.duration[i], self._finish, episode)
        self._expose(episode.client, episode.client.exposed | 1 << i)

    def _finish(self, event: Event) -> None:
        episode: Episode = _given(event)
        if episode.state != ENROLLED:
            return
        i = episode.intervention
        if self.completes[i]() < self.completion[i]:
            episode.state, episode.ended, episode.outcome = PROTECTED, self.env.now, COMPLETED
            self._after(self.fading_of[i]() * self.persistence[i], self._fade, episode)
            self.desks[i].discharge()
        else:
            self._end(episode, DROPPED_OUT)
            self._expose(episode.client, episode.client.exposed & ~(1 << i))
            self._consider(episode.client)

    def _fade(self, event: Event) -> None:
        episode: Episode = _given(event)
        if episode.state == PROTECTED:
            self._end(episode, COMPLETED)
            self._expose(episode.client, episode.client.exposed & ~(1 << episode.intervention))
            self._consider(episode.client)

    def _end(self, episode: Episode, outcome: str) -> None:
        """Out of whatever state the episode is in; the client is not referred again."""
        i, now = episode.intervention, self.env.now
        state, episode.state = episode.state, OVER
        episode.client.episodes[i] = None
        if state == PROTECTED:
            episode.faded = now
            return
        episode.ended, episode.outcome = now, outcome
        if state == WAITING:
            self.desks[i].waiting.remove(episode)
        else:
            self.desks[i].discharge()

    def _expose(self, client: Client, exposed: int) -> None:
        """Begin or end exposure; where that changes the rates of need, the future is drawn anew."""
        changed, client.exposed = client.exposed ^ exposed, exposed
        self.log.exposures.append((client.person, self.env.now, exposed))
        if changed & self.changes_need:
            if not client.drawn:
                self.lives.leave_usual(client, self.env.now)
                self.log.moves.append((client.person, self.env.now, client.cell))
            self._plan(client)
            self._consider(client)

    # --- lives

    def _plan(self, client: Client) -> None:
        """Set the clock of the next change of life."""
        client.planned += 1
        change = self.lives.next(client, self.env.now)
        client.change = change.time
        if change.time <= self.horizon:
            value = (client, client.planned, change)
            self._after(change.time - self.env.now, self._change, value)

    def _change(self, event: Event) -> None:
        client, planned, change = _given(event)
        if client.planned != planned:
            return
        client.cell, before = change.cell, client.cell
        if client.drawn:
            self.log.moves.append((client.person, change.time, change.cell))
        if change.cell == ABSENT:
            self._depart(client, change)
            return
        self.lives.follow(client, change)
        if any(client.episodes):
            self._carry(client, before // LEVELS != change.cell // LEVELS)
        self._plan(client)
        self._consider(client)

    def _depart(self, client: Client, change: Change) -> None:
        client.considered += 1
        del self.clients[client.person]
        if client.drawn:
            self.log.departed.append((client.person, change.fate))
        for episode in client.episodes:
            if episode is not None:
                self._end(episode, change.fate)

    def _carry(self, client: Client, moved: bool) -> None:
        """A service that the new segment does not offer ends; who recovers leaves the list."""
        segment, level = divmod(client.cell, LEVELS)
        exposed = client.exposed
        for i, episode in enumerate(client.episodes):
            if episode is None:
                continue
            if moved and not self.served[i][segment]:
                self._end(episode, MOVED)
                exposed &= ~(1 << i)
            elif episode.state == WAITING:
                if self.eligible[i][level]:
                    self.desks[i].waiting.need_changed(episode)
                else:
                    self._end(episode, NOT_ELIGIBLE)
        if exposed != client.exposed:
            client.exposed = exposed
            self.log.exposures.append((client.person, self.env.now, exposed))


def _given(event: Event) -> Any:
    """What an event was made to carry."""
    return event.value


def _positive(rates: list[float]) -> list[tuple[int, float]]:
    return [(i, rate) for i, rate in enumerate(rates) if rate > 0.0]
