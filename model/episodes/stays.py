"""Stays: the dates of events outside stays.

What happens in a month is counted from the path first (care.py). Here an event that would fall
into a stay gets another date of its month, or the day of discharge: a stay moves events, and
removes none.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from model.distributions import Floats

from .case import Flags, Ints

ROUNDS = 8


class Presence(NamedTuple):
    """From when to when each person is in the community [person]."""

    entered: Floats
    gone: Floats


def dated(
    person: Ints, time: Floats, stay: Floats, there: Presence, rng: np.random.Generator
) -> Floats:
    """Times outside the person's stays; `stay` is in months, 0 for a visit."""
    out = time.copy()
    is_stay = stay > 0.0
    if not is_stay.any():
        return out
    calendar = _Calendar(person, time, stay, np.flatnonzero(is_stay), there)
    out[calendar.event] = calendar.start
    visits = np.flatnonzero(~is_stay & calendar.has_stays[person])
    out[visits] = _outside(calendar, person[visits], time[visits], there, rng)
    return out


class _Calendar:
    """Each person's stays, one after the other: one that begins in another follows it."""

    def __init__(
        self, person: Ints, time: Floats, stay: Floats, which: Ints, there: Presence
    ) -> None:
        order = which[np.lexsort((time[which], person[which]))]
        who, start, length = person[order], time[order], stay[order]
        begins = np.flatnonzero(np.append(True, who[1:] != who[:-1]))
        rank = np.repeat(np.arange(begins.size), np.diff(np.append(begins, who.size)))
        before = np.cumsum(length) - length
        before -= before[begins][rank]
        slack = start - before
        self.apart = float(slack.max() - slack.min()) + 1.0
        slack = np.maximum.accumulate(slack + self.apart * rank) - self.apart * rank
        begun = np.maximum(slack + before, start)
        late = begun >= there.gone[who]
        self.start = np.where(late, start, begun)
        self.end = np.where(late, start, begun + length)
        self.event = order
        self.has_stays = np.zeros(there.entered.size, dtype=np.bool_)
        self.has_stays[who] = True
        self.width = float(max(self.end.max(), there.gone.max())) + 1.0
        by_time = np.argsort(self.width * who + self.start, kind="stable")
        self.key = (self.width * who + self.start)[by_time]
        self.sorted_start, self.sorted_end = self.start[by_time], self.end[by_time]
        self.who = who[by_time]

    def stay_of(self, person: Ints, time: Floats) -> tuple[Ints, Flags]:
        """The last stay that began before, and whether it is still going on."""
        k = np.searchsorted(self.key, self.width * person + time, side="right") - 1
        inside = (k >= 0) & (self.who[k] == person) & (time < self.sorted_end[k])
        return k, inside & (time > self.sorted_start[k])


def _outside(
    calendar: _Calendar, person: Ints, time: Floats, there: Presence, rng: np.random.Generator
) -> Floats:
    """Dates in the month that are free, each alike; the day of discharge where none is found."""
    out, at = time.copy(), np.arange(time.size)
    month = np.floor(time)
    low, high = (
        np.maximum(month, there.entered[person]),
        np.minimum(month + 1.0, there.gone[person]),
    )
    for _ in range(ROUNDS):
        _, inside = calendar.stay_of(person[at], out[at])
        at = at[inside]
        out[at] = low[at] + rng.random(at.size) * (high[at] - low[at])
    k, inside = calendar.stay_of(person[at], out[at])
    at, k = at[inside], k[inside]
    end = calendar.sorted_end[k]
    out[at] = np.where(end < there.gone[person[at]], end, calendar.sorted_start[k])
    return out
