"""Outreach: attempts to reach who was referred, and those who were never reached or refused.

The dynamics know one share accepted, without delay. The attempts tell it in more detail and change
nothing: whoever joins a list at some time was referred a few attempts before. Who refuses stays
not referred, so refusals need no queue and are sampled on the paths.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from model.distributions import Floats

from .case import LEVELS, Case, Flags, Ints
from .chance import Chance
from .desk import COMPLETED, OPEN, REFUSED, STILL_ENROLLED, STILL_WAITING, Joined
from .ramp import Ramp, joined_up, some
from .spans import Spans


class Pathway(NamedTuple):
    """One row for each referral; times in months since the start, nan for what did not happen."""

    person: Ints
    intervention: Ints
    segment: Ints
    level: Ints
    attempts: Ints
    referred: Floats
    reached: Floats
    started: Floats
    ended: Floats
    faded: Floats
    outcome: Ints  # index into OUTCOMES


def pathways(case: Case, spans: Spans, episodes: Joined, chance: Chance) -> Pathway:
    """All referrals, sorted by person and time of being reached or refused."""
    joined = _joined(case, episodes, chance)
    parts = [joined, *(_refused(case, spans, i, joined, chance) for i in _interventions(case))]
    out = joined_up(parts)
    known = np.where(np.isnan(out.reached), out.ended, out.reached)
    order = np.lexsort((known, out.person))
    return some(out, order)


def _interventions(case: Case) -> range:
    return range(len(case.names.interventions))


def _joined(case: Case, e: Joined, chance: Chance) -> Pathway:
    """Who joined a list; who still waits or is enrolled at the horizon has that for an outcome."""
    i, reached = e.intervention, e.reached
    still = np.where(np.isnan(e.started), STILL_WAITING, STILL_ENROLLED)
    attempts = _attempts(case, i, chance)
    earliest = np.minimum(case.plan.running.argmax(axis=0)[i], reached)
    referred = np.maximum(reached - (attempts - 1) * case.scatter.between_attempts, earliest)
    return Pathway(
        e.person,
        i,
        e.segment,
        e.level,
        attempts,
        referred,
        reached,
        e.started,
        e.ended,
        e.faded,
        np.where(e.outcome == OPEN, still, e.outcome),
    )


def _attempts(case: Case, i: Ints, chance: Chance) -> Ints:
    """At which attempt each was reached: all succeed alike, and together reach the share."""
    most, u = case.scatter.attempts, chance.stream("attempts").random(i.size)
    accepted = np.clip(case.programmes.acceptance[i], 1e-12, 1.0 - 1e-12)
    missed = np.log1p(-accepted) / most  # log of the chance that one attempt fails
    attempt = np.ceil(np.log1p(-u * accepted) / missed)
    return np.asarray(np.clip(attempt, 1, most), dtype=np.int64)


def _refused(case: Case, spans: Spans, i: int, joined: Pathway, chance: Chance) -> Pathway:
    """Referrals that came to nothing, of eligible people who are not in the intervention."""
    v, plan = case.programmes, case.plan
    rng = chance.stream(f"{case.names.interventions[i]}.refusals")
    rate = float(v.referral[i] * (1.0 - v.acceptance[i]))
    served = (plan.served[i][:, None] & (plan.eligible[i] > 0.0)[None, :]).ravel()
    here = np.flatnonzero((spans.strategy >= 0) & served[np.maximum(spans.strategy, 0)])
    clock = Ramp(plan.running[:, i][None, :].astype(np.float64))
    began = clock.at(0, spans.start[here])
    grown = np.cumsum(rate * (clock.at(0, spans.end[here]) - began))
    size = int(rng.poisson(grown[-1])) if grown.size else 0
    at = np.sort(rng.random(size)) * (grown[-1] if grown.size else 0.0)
    k = np.minimum(np.searchsorted(grown, at, side="right"), max(grown.size - 1, 0))
    time = clock.when(0, began[k] + (at - np.concatenate([[0.0], grown])[k]) / max(rate, 1e-300))
    person, cell = spans.person[here][k], spans.strategy[here][k]
    free = ~_inside(joined, i, person, time, case.months)
    person, time, cell = person[free], time[free], cell[free]
    unknown = np.full(person.size, np.nan)
    months = case.scatter.between_attempts * (case.scatter.attempts - 1)
    return Pathway(
        person=person,
        intervention=np.full(person.size, i),
        segment=cell // LEVELS,
        level=cell % LEVELS,
        attempts=np.full(person.size, case.scatter.attempts),
        referred=np.maximum(time - months, np.minimum(float(plan.running[:, i].argmax()), time)),
        reached=unknown,
        started=unknown,
        ended=time,
        faded=unknown,
        outcome=np.full(person.size, REFUSED),
    )


def _inside(joined: Pathway, i: int, person: Ints, time: Floats, months: int) -> Flags:
    """Whether a person is waiting, enrolled or protected at a time."""
    mine = joined.intervention == i
    over = np.fmax(joined.ended[mine], joined.faded[mine])
    completed = joined.outcome[mine] == COMPLETED
    over = np.where(completed, joined.faded[mine], over)
    over = np.where(np.isnan(over), np.inf, over)
    who, begun, width = joined.person[mine], joined.reached[mine], months + 1.0
    order = np.lexsort((begun, who))
    if not order.size:
        return np.zeros(person.size, dtype=np.bool_)
    key = (width * who + begun)[order]
    k = np.searchsorted(key, width * person + time, side="right") - 1
    last = order[np.maximum(k, 0)]
    return np.asarray((k >= 0) & (who[last] == person) & (time < over[last]))
