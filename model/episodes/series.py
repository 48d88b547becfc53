"""Series: what a replication adds up to, month by month, by the names of the dynamics' records."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from model.distributions import Floats

from .case import LEVELS, Case, Flags, Ints
from .claims import Claims
from .desk import COMPLETED, GAVE_UP, Joined
from .people import DIED, LEFT
from .spans import Spans
from .stays import Presence

# A time this close to a month's end belongs to it: sums of times are rounded.
ROUNDING = 1e-9


class Community(NamedTuple):
    """People of one world."""

    people: Floats  # [month, segment, need] at the month's end
    person_months: Floats  # [month, segment, need]
    died: Floats  # [month]
    left: Floats  # [month]
    entered: Floats  # [month]


class Activity(NamedTuple):
    """Interventions; stocks at the month's end, flows over the month."""

    waiting: Floats  # [month, intervention]
    enrolled: Floats  # [month, intervention]
    protected: Floats  # [month, intervention]
    staff: Floats  # [month, intervention]
    referred: Floats  # [month, intervention] accepted referrals
    started: Floats  # [month, intervention]
    gave_up: Floats  # [month, intervention]


class Spending(NamedTuple):
    """Use and payments of one world; other care is the last service."""

    use: Floats  # [month, service] units, counted from the path
    payments: Floats  # [month, service, party] USD, by the month of the date


def community(case: Case, spans: Spans, world: str, entered: Floats, fate: Ints) -> Community:
    cell, months = spans.world(world), case.months
    there = cell >= 0
    person, start, end, cell = (
        spans.person[there],
        spans.start[there],
        spans.end[there],
        cell[there],
    )
    last = np.append(person[1:] != person[:-1], True)[: person.size]
    stays = last & (fate[person] != DIED) & (fate[person] != LEFT)
    people = _running_total(start, cell, months, case) - _running_total(
        end[~stays], cell[~stays], months, case
    )
    time = _time_until(start, cell, months, case) - _time_until(end, cell, months, case)
    shape = (months, -1, LEVELS)
    gone, why = end[last], fate[person[last]]
    return Community(
        people=people.reshape(shape),
        person_months=np.diff(time, axis=0).reshape(shape),
        died=_by_month(gone[why == DIED], months),
        left=_by_month(gone[why == LEFT], months),
        entered=_by_month(entered[entered > 0.0], months),
    )


def presence(case: Case, spans: Spans, world: str, entered: Floats) -> Presence:
    """When each person comes and goes in one world."""
    there = spans.world(world) >= 0
    gone = np.zeros(entered.size)
    np.maximum.at(gone, spans.person[there], spans.end[there])
    return Presence(entered, np.where(gone > 0.0, gone, float(case.months)))


def _running_total(time: Floats, cell: Ints, months: int, case: Case) -> Floats:
    """How many times had come by each month's end [month, cell]."""
    cells = LEVELS * len(case.names.segments)
    bin_of = np.ceil(time - ROUNDING).astype(np.int64) * cells + cell
    counts = np.bincount(bin_of, minlength=(months + 2) * cells).reshape(-1, cells)
    return counts.cumsum(axis=0)[1 : months + 1].astype(np.float64)


def _time_until(time: Floats, cell: Ints, months: int, case: Case) -> Floats:
    """Sum of the time since each, at each month's start and at the end [month + 1, cell]."""
    cells = LEVELS * len(case.names.segments)
    bin_of = np.ceil(time).astype(np.int64) * cells + cell
    size = (months + 2) * cells
    counts = np.bincount(bin_of, minlength=size).reshape(-1, cells).cumsum(axis=0)
    sums = np.bincount(bin_of, weights=time, minlength=size).reshape(-1, cells).cumsum(axis=0)
    ends = np.arange(months + 1.0)[:, None]
    out: Floats = ends * counts[: months + 1] - sums[: months + 1]
    return out


def _by_month(time: Floats, months: int) -> Floats:
    month = np.clip(np.ceil(time - ROUNDING).astype(np.int64) - 1, 0, months - 1)
    return np.bincount(month, minlength=months).astype(np.float64)


# --- interventions


def activity(case: Case, episodes: Joined, staffed: list[list[tuple[float, float]]]) -> Activity:
    months, names = case.months, case.names.interventions
    out = Activity(*(np.zeros((months, len(names))) for _ in Activity._fields))
    reached, started, ended, faded = episodes[4:8]
    completed, gave_up = episodes.outcome == COMPLETED, episodes.outcome == GAVE_UP
    for i in range(len(names)):
        mine = episodes.intervention == i
        served = mine & ~np.isnan(started)
        out.referred[:, i] = _by_month(reached[mine], months)
        out.started[:, i] = _by_month(started[served], months)
        out.gave_up[:, i] = _by_month(ended[mine & gave_up], months)
        lists = _had_come(reached[mine], months) - _had_come(started[served], months)
        out.waiting[:, i] = lists - _had_come(_known(ended, mine & ~served), months)
        ends = _had_come(_known(ended, served), months)
        out.enrolled[:, i] = _had_come(started[served], months) - ends
        kept = _had_come(_known(ended, mine & completed), months)
        out.protected[:, i] = kept - _had_come(_known(faded, mine), months)
        out.staff[:, i] = _staff(staffed[i], months)
    return out


def _known(time: Floats, which: Flags) -> Floats:
    return time[which & ~np.isnan(time)]


def _had_come(time: Floats, months: int) -> Floats:
    return _by_month(time, months).cumsum()


def _staff(changes: list[tuple[float, float]], months: int) -> Floats:
    """Staff at month ends."""
    out = np.zeros(months)
    for time, change in changes:
        out[max(0, int(np.ceil(time)) - 1) :] += change
    return out


# --- use and payments


def spending(case: Case, claims: Claims) -> Spending:
    months, services, parties = case.months, len(case.names.services) + 1, len(case.names.parties)
    use = np.bincount(
        claims.counted * services + claims.service, claims.units, minlength=months * services
    )
    cell = (claims.incurred * services + claims.service) * parties + claims.payer
    paid = np.bincount(cell, claims.amount, minlength=months * services * parties)
    return Spending(
        np.asarray(use.reshape(months, services), dtype=np.float64),
        np.asarray(paid.reshape(months, services, parties), dtype=np.float64),
    )
