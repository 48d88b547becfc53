"""Checks: what only the episodes ask of a scenario, told before anything is simulated.

Every refusal is of something that would come back as an empty table, or be ignored without a word.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import compress

import numpy as np

from model.draws import central
from model.explain import problem_at
from model.loading import Loaded
from model.names import some
from model.problems import BadInput, Location, Problem
from model.scenario import NEED_LEVELS

from .case import LEVELS, Case, Flags, case_of
from .people import moves

STAYS = ("stay", "stays", "admission", "admissions")


def prepare(loaded: Loaded) -> Case:
    """The case of a scenario at its central numbers; BadInput where it makes no episodes."""
    case = case_of(central(loaded), 0)
    checked(loaded, case)
    return case


def checked(loaded: Loaded, case: Case) -> None:
    """BadInput with all that is wrong: names in `episodes`, and interventions that serve nobody."""
    problems = [*_misnamed(loaded), *_stays_of_visits(loaded), *_serves_nobody(loaded, case)]
    if problems:
        raise BadInput(problems)


def with_interventions(loaded: Loaded) -> None:
    """BadInput where there is no intervention, for what is about interventions alone."""
    if not loaded.scenario.interventions:
        allowed = "at least one, to whom people are referred: see scenarios/starter.yaml"
        found = "no intervention"
        raise BadInput([problem_at(loaded.document, ("interventions",), found, allowed)])


# --- names in the block `episodes`


def _misnamed(loaded: Loaded) -> Iterator[Problem]:
    services, terms = list(loaded.scenario.services), loaded.scenario.episodes
    for part in ("stays", "amounts") if terms else ():
        for name in getattr(terms, part):
            if name not in services:
                where, allowed = ("episodes", part, name), f"one of: {some(services)}"
                yield problem_at(loaded.document, where, f"`{name}`", allowed, services)


def _stays_of_visits(loaded: Loaded) -> Iterator[Problem]:
    scenario = loaded.scenario
    for name in scenario.episodes.stays if scenario.episodes else ():
        service = scenario.services.get(name)
        where: Location = ("episodes", "stays", name)
        if service is None:
            continue
        if service.length_of_stay:
            allowed = f"none here: services.{name}.length_of_stay says it"
            yield problem_at(loaded.document, where, "a second length of stay", allowed)
        elif not set(service.counted_in.lower().split()) & set(STAYS):
            found = f"a stay of what is counted in {service.counted_in}"
            allowed = f"a service counted in stays: {some(_counted_in_stays(loaded))}"
            yield problem_at(loaded.document, where, found, allowed)


def _counted_in_stays(loaded: Loaded) -> list[str]:
    services = loaded.scenario.services.items()
    return [name for name, s in services if set(s.counted_in.lower().split()) & set(STAYS)]


# --- interventions that can serve nobody


def _serves_nobody(loaded: Loaded, case: Case) -> Iterator[Problem]:
    ever = ever_there(case)
    for i, name in enumerate(case.names.interventions):
        at: Location = ("interventions", name)
        one_more = f"above 0, or no `{name}` among the interventions"
        numbers = {
            ("staff", "posts"): (case.programmes.posts[i], "posts"),
            ("referral",): (case.programmes.referral[i], "referrals"),
            ("acceptance",): (case.programmes.acceptance[i], "acceptance"),
        }
        for key, (number, what) in numbers.items():
            if not number > 0.0:
                found = f"0 ({what}): nobody can ever be served"
                yield problem_at(loaded.document, (*at, *key), found, one_more)
        if not (ever & selected(case, i)).any():
            where: Location = (*at, "eligible")
            yield problem_at(
                loaded.document, where, "a rule that selects nobody", _where(case, ever)
            )


def selected(case: Case, i: int) -> Flags:
    """The cells of whom an intervention is for [segment x need]."""
    plan = case.plan
    rule: Flags = plan.served[i][:, None] & (plan.eligible[i] > 0.0)[None, :]
    return rule.ravel()


def ever_there(case: Case) -> Flags:
    """Cells [segment x need] in which anybody can be: at the start, by arrival or by moves."""
    c, rates = case.community, moves(case.community)
    there: Flags = ((c.people > 0.0) | (c.entrants[:, None] * c.entrant_mix > 0.0)).ravel()
    last = np.arange(there.size) % LEVELS == LEVELS - 1
    first = np.arange(there.size) % LEVELS == 0
    paths = [
        *((k, k + 1) for k in np.flatnonzero((rates.worse > 0.0) & ~last)),
        *((k, k - 1) for k in np.flatnonzero((rates.better > 0.0) & ~first)),
    ]
    for m in np.flatnonzero((case.plan.moving * c.movement > 0.0).any(axis=0)):
        origin, goal = LEVELS * case.plan.origin[m], LEVELS * case.plan.destination[m]
        paths += [(origin + level, goal + level) for level in range(LEVELS)]
    for _ in range(there.size):
        for here, to in paths:
            there[to] |= there[here]
    return there


def _where(case: Case, ever: Flags) -> str:
    """Where somebody can be, in words."""
    by_segment = ever.reshape(-1, LEVELS)
    there = [
        f"{name} ({', '.join(compress(NEED_LEVELS, row))})"
        for name, row in zip(case.names.segments, by_segment, strict=True)
        if row.any()
    ]
    return f"segments and need levels with people: {some(there)}"
