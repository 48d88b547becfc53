"""Kept: what remains of a replication when its people and claims are gone.

Numbers by name, by month and by length of wait, small whatever the population, so that hundreds of
replications fit into memory. Whole tables go to disk from the process that made them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np

from model.distributions import Floats
from model.loading import Loaded

from .care import WORLDS
from .case import Case, Flags, Ints
from .claims_settlement import Settled, settled
from .desk import OUTCOMES
from .evaluation import Evaluation, evaluate
from .outreach import Pathway
from .parts import PartWriter
from .run import Replication
from .selection import Rule
from .timelines import Timeline, timelines
from .variation import Sums, sums

Tables = Literal["first", "all", "none"]
ALL = "all"
USUAL, STRATEGY = WORLDS
ENDINGS = ("started", "gave_up", "other", "waiting")  # how time on a list ended, or has not
BIN = 0.25  # months, of lengths of wait
BINS = 241  # the last holds all waits from 60 months on
SOON = 3.0  # months
ROUNDING = 1e-9


class Key(NamedTuple):
    """A number of a replication: what it is, of whom or what, in which unit."""

    metric: str
    subject: str
    unit: str


class Months(NamedTuple):
    """Interventions by month; stocks at its end, flows over it [month, intervention]."""

    waiting: Floats
    enrolled: Floats
    protected: Floats
    staff: Floats
    slots: Floats  # staff x caseload
    referred: Floats  # put on the list
    started: Floats
    gave_up: Floats
    waited: Floats  # person-months that those who started had waited


class Kept(NamedTuple):
    """What one replication leaves."""

    number: int
    numbers: dict[Key, float]
    months: Months
    waits: Ints  # [intervention, ending, bin] persons
    settled: list[Settled]
    evaluated: list[Evaluation]  # one for each rule
    sums: Sums | None
    people: list[Timeline]  # of the first replication


@dataclass(frozen=True)
class Keep:
    """What a worker does with each replication; goes to the workers once."""

    case: Case
    seed: int
    parts: PartWriter
    tables: Tables = "first"
    loaded: Loaded | None = None  # to settle its contracts
    estimate: bool = False
    rules: tuple[Rule, ...] = ()

    def __call__(self, r: Replication) -> Kept:
        if self.tables == "all" or (self.tables == "first" and r.number == 0):
            self.parts(r._replace(claims={STRATEGY: r.claims[STRATEGY]}))
        return Kept(
            number=r.number,
            numbers=dict(numbers(self.case, r)),
            months=months(self.case, r),
            waits=waits(self.case, r.pathways),
            settled=settled(self.case, r, self.loaded, self.seed) if self.loaded else [],
            evaluated=[evaluate(self.case, r, rule) for rule in self.rules],
            sums=sums(self.case, r, self.loaded, self.seed) if self.estimate else None,
            people=timelines(self.case, r, self.seed) if r.number == 0 else [],
        )


# --- by month


def months(case: Case, r: Replication) -> Months:
    a, p = r.activity, r.pathways
    shape = (case.months, len(case.names.interventions))
    served = ~np.isnan(p.started)
    at = np.ceil(p.started[served] - ROUNDING).astype(np.int64) - 1
    cell = np.clip(at, 0, case.months - 1) * shape[1] + p.intervention[served]
    waited = np.bincount(cell, (p.started - p.reached)[served], minlength=shape[0] * shape[1])
    return Months(
        a.waiting,
        a.enrolled,
        a.protected,
        a.staff,
        a.staff * case.programmes.caseload,
        a.referred,
        a.started,
        a.gave_up,
        np.asarray(waited.reshape(shape), dtype=np.float64),
    )


# --- waits


def time_on_list(p: Pathway, horizon: float) -> Floats:
    """Months on the list, so far for who still waits; nan for who was never put on it."""
    until = np.where(np.isnan(p.started), p.ended, p.started)
    out: Floats = np.where(np.isnan(until), horizon, until) - p.reached
    return out


def ending(p: Pathway) -> Ints:
    """How time on the list ended, an index into ENDINGS."""
    told = np.full(p.person.size, ENDINGS.index("other"))
    told[p.outcome == OUTCOMES.index("gave_up")] = ENDINGS.index("gave_up")
    told[p.outcome == OUTCOMES.index("waiting")] = ENDINGS.index("waiting")
    told[~np.isnan(p.started)] = ENDINGS.index("started")
    return told


def waits(case: Case, p: Pathway) -> Ints:
    """Persons [intervention, ending, bin] by months on the list."""
    listed = ~np.isnan(p.reached)
    long = np.minimum(time_on_list(p, float(case.months))[listed] / BIN, BINS - 1)
    shape = (len(case.names.interventions), len(ENDINGS), BINS)
    cell = np.ravel_multi_index(
        (p.intervention[listed], ending(p)[listed], long.astype(np.int64)), shape
    )
    size = int(np.prod(shape))
    return np.bincount(cell, minlength=size).reshape(shape)


# --- numbers by name


def numbers(case: Case, r: Replication) -> Iterator[tuple[Key, float]]:
    """Everything that is said of a replication as a whole."""
    kept = months(case, r)
    for i, name in enumerate(case.names.interventions):
        yield from _of_waiting(case, r.pathways, i, name)
        yield from of_stocks(case, kept, i, name)
    yield from _of_use(case, r)
    yield from _of_money(case, r)


def _of_waiting(case: Case, p: Pathway, i: int, name: str) -> Iterator[tuple[Key, float]]:
    horizon, mine = float(case.months), p.intervention == i
    listed = mine & ~np.isnan(p.reached)
    time, how = time_on_list(p, horizon)[listed], ending(p)[listed]
    count = dict(zip(ENDINGS, np.bincount(how, minlength=len(ENDINGS)).tolist(), strict=True))
    over = time.size - count["waiting"]
    begun = how == ENDINGS.index("started")
    early = p.reached[listed] <= horizon - SOON
    for metric, number in (
        ("referrals", int(mine.sum())),
        ("listed", time.size),
        ("enrollments", count["started"]),
        ("gave_up", count["gave_up"]),
        ("left_list", count["other"]),
        ("waiting_at_end", count["waiting"]),
    ):
        yield Key(metric, name, "persons"), float(number)
    if over:
        yield Key("share_gave_up", name, "1"), count["gave_up"] / over
    if early.any():
        yield Key("share_started_soon", name, "1"), float((begun & (time <= SOON))[early].mean())
    if time.size:
        yield Key("mean_wait", name, "months"), float(time.mean())
    if begun.any():
        median, most = np.quantile(time[begun], (0.5, 0.9)).tolist()
        yield Key("wait_p50", name, "months"), median
        yield Key("wait_p90", name, "months"), most
    served = np.where(np.isnan(p.ended), horizon, p.ended)[listed][begun]
    person_months = float((served - p.started[listed][begun]).sum())
    yield Key("person_years_served", name, "person-years"), person_months / 12.0


def of_stocks(case: Case, m: Months, i: int, name: str) -> Iterator[tuple[Key, float]]:
    """Occupancy, and how often the list is longer than the free slots, while it runs."""
    run: Flags = case.plan.running[:, i].astype(np.bool_)
    if not run.any():
        return
    enrolled, slots, waiting = (x[run, i] for x in (m.enrolled, m.slots, m.waiting))
    yield Key("mean_enrolled", name, "persons"), float(enrolled.mean())
    yield Key("mean_waiting", name, "persons"), float(waiting.mean())
    yield Key("mean_staff", name, "posts"), float(m.staff[run, i].mean())
    if slots.sum() > 0.0:
        yield Key("occupancy", name, "1"), float(enrolled.sum() / slots.sum())
    binds = waiting > np.maximum(slots - enrolled, 0.0)
    yield Key("months_binding", name, "1"), float(binds.mean())
    yield Key("months_full", name, "1"), float(((enrolled >= slots) & (slots > 0.0)).mean())


def _of_use(case: Case, r: Replication) -> Iterator[tuple[Key, float]]:
    """Units in usual care and avoided; counted from the path."""
    usual, strategy = (r.worlds[world].spending for world in WORLDS)
    if usual is None or strategy is None:
        return
    for s, name in enumerate(case.names.services):
        before = float(usual.use[:, s].sum())
        yield Key("use", name, "units"), before
        yield Key("avoided_use", name, "units"), before - float(strategy.use[:, s].sum())


def _of_money(case: Case, r: Replication) -> Iterator[tuple[Key, float]]:
    """Rescue spending in usual care and avoided, by payer and of all."""
    usual, strategy = (r.worlds[world].spending for world in WORLDS)
    if usual is None or strategy is None:
        return
    rescue = np.flatnonzero(case.plan.rescue)
    paid = [world.payments[:, rescue].sum(axis=(0, 1)) for world in (usual, strategy)]
    for p, name in enumerate(case.names.parties):
        if paid[0][p] or paid[1][p]:
            yield Key("rescue_spending", name, "USD"), float(paid[0][p])
            yield Key("avoided_rescue_spending", name, "USD"), float(paid[0][p] - paid[1][p])
    whole = [float(part.sum()) for part in paid]
    yield Key("rescue_spending", ALL, "USD"), whole[0]
    yield Key("avoided_rescue_spending", ALL, "USD"), whole[0] - whole[1]
