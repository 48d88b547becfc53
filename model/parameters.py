"""Parameters: from draws to the arrays of the equations.

`inputs` turns a slice of draws into the NamedTuples that the compiled loop reads, [draw, ...], in
the units of the equations.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .community import Community, Use
from .distributions import Floats
from .draws import Columns, Draws
from .explain import problem_at
from .fields import month_number
from .interventions import Programmes
from .problems import BadInput
from .scenario import NEED_LEVELS, Cell, Intervention, Scenario
from .services import payer_table, use
from .stocks import Plan
from .yamlfile import Document

# Draws of two large shares of need are scaled so that at least a tenth stays stable.
LARGEST_IN_NEED = 0.9
# A stock may lose at most this share of itself in one Euler step.
LARGEST_LOSS = 1.0


class Inputs(NamedTuple):
    """What the compiled loop reads for a slice of draws."""

    communities: Community
    uses: Use
    programmes: Programmes
    plan: Plan


def inputs(draws: Draws, rows: slice) -> Inputs:
    """The arrays of the equations for a slice of draws."""
    scenario, get = draws.scenario, Columns(draws, rows)
    shares = need_shares(scenario, get)
    built = Inputs(
        community(scenario, get, shares),
        use(scenario, get, shares),
        programmes(scenario, get),
        plan(scenario),
    )
    steps = scenario.clock.steps_per_month
    _check_step(draws.loaded.document, steps, built, rows.start or 0)
    return built


# --- the community


def need_shares(scenario: Scenario, get: Columns) -> Floats:
    """Shares [draw, segment, need] at the start; draws of two large shares are scaled down."""
    parts = []
    for name in scenario.segments:
        at_risk = get(f"segments.{name}.need.at_risk")
        in_crisis = get(f"segments.{name}.need.in_crisis")
        in_need = np.maximum(at_risk + in_crisis, 1e-300)
        scale = np.minimum(1.0, LARGEST_IN_NEED / in_need)
        parts.append(
            np.stack(
                [1.0 - (at_risk + in_crisis) * scale, at_risk * scale, in_crisis * scale], axis=1
            )
        )
    return np.stack(parts, axis=1)


def community(scenario: Scenario, get: Columns, shares: Floats) -> Community:
    names = list(scenario.segments)
    population = get.each(f"segments.{n}.population" for n in names)
    recovery = get.each(f"segments.{n}.need.recovery" for n in names)
    relief = get.each(f"segments.{n}.need.relief" for n in names)
    deaths = np.stack(
        [get.each(f"segments.{n}.deaths.{level}" for n in names) for level in NEED_LEVELS], axis=2
    )
    leaving = get.each(f"segments.{n}.leaving" for n in names)
    mean_death = deaths[:, :, 0] * shares[:, :, 0]
    mean_death = mean_death + deaths[:, :, 1] * shares[:, :, 1] + deaths[:, :, 2] * shares[:, :, 2]
    onset, escalation = steady_rates(shares, recovery, relief, deaths, mean_death)
    entrants = population * (mean_death + leaving)
    for g, (name, segment) in enumerate(scenario.segments.items()):
        if segment.need.onset is not None:
            onset[:, g] = get(f"segments.{name}.need.onset")
        if segment.need.escalation is not None:
            escalation[:, g] = get(f"segments.{name}.need.escalation")
        if segment.entrants is not None:
            entrants[:, g] = get(f"segments.{name}.entrants")
    movement = get.each(f"movements[{k}].rate" for k in range(len(scenario.movements)))
    return Community(
        people=population[:, :, None] * shares,
        onset=onset,
        escalation=escalation,
        recovery=recovery,
        relief=relief,
        deaths=deaths,
        leaving=leaving,
        entrants=entrants,
        entrant_mix=shares,
        movement=movement,
    )


def steady_rates(
    shares: Floats, recovery: Floats, relief: Floats, deaths: Floats, mean_death: Floats
) -> tuple[Floats, Floats]:
    """Onset and escalation [draw, segment] that keep the shares of need steady.

    Flows into and out of a level balance when those who die or leave are replaced at the
    segment's own mix: onset x stable = recovery x at_risk + (mean death - death) x stable, and
    escalation x at_risk = (relief + death - mean death) x in_crisis. Never below zero.
    """
    stable, at_risk, in_crisis = shares[:, :, 0], shares[:, :, 1], shares[:, :, 2]
    onset = recovery * at_risk / stable + mean_death - deaths[:, :, 0]
    needed = (relief + deaths[:, :, 2] - mean_death) * in_crisis
    escalation = np.divide(needed, at_risk, out=np.zeros_like(needed), where=at_risk > 0.0)
    return np.maximum(onset, 0.0), np.maximum(escalation, 0.0)


# --- interventions


def programmes(scenario: Scenario, get: Columns) -> Programmes:
    names = list(scenario.interventions)

    def of(key: str) -> Floats:
        return get.each(f"interventions.{name}.{key}" for name in names)

    def backbone(key: str) -> Floats:
        return get(f"backbone.multipliers.{key}")[:, None]

    ratios = ("onset", "escalation", "recovery", "relief")
    return Programmes(
        referral=np.minimum(of("referral") * backbone("referral"), 1.0),
        acceptance=np.minimum(of("acceptance") * backbone("acceptance"), 1.0),
        time_to_enroll=of("time_to_enroll"),
        patience=of("patience"),
        posts=of("staff.posts"),
        caseload=of("staff.caseload"),
        time_to_hire=np.maximum(of("staff.time_to_hire") * backbone("time_to_hire"), 0.5),
        turnover=of("staff.turnover"),
        duration=of("duration"),
        completion=of("completion"),
        persistence=of("persistence"),
        follow_up=of("follow_up"),
        published=published_ratios(scenario, get),
        need_ratio=np.stack([of(f"need_effects.{r}") for r in ratios], axis=2),
    )


def published_ratios(scenario: Scenario, get: Columns) -> Floats:
    """Published ratio [draw, intervention, service]; nan where nothing is said."""
    shape = (get.size, len(scenario.interventions), len(scenario.services))
    out = np.full(shape, np.nan)
    services = list(scenario.services)
    for i, (name, programme) in enumerate(scenario.interventions.items()):
        for service in programme.effects:
            out[:, i, services.index(service)] = get(effect_name(name, programme, service))
    return out


def effect_name(name: str, programme: Intervention, service: str) -> str:
    """Dotted name of the number that an effect uses: its own, or the one that it follows."""
    effect = programme.effects[service]
    if effect.follows:
        return effect_name(name, programme, effect.follows)
    path = f"interventions.{name}.effects.{service}"
    return path if effect.evidence else f"{path}.ratio"


def plan(scenario: Scenario) -> Plan:
    """What no draw changes: who is served where and when, who moves, who pays."""
    months = np.arange(scenario.clock.months)
    served = np.array(
        [[g in i.eligible.segments for g in scenario.segments] for i in scenario.programmes],
        dtype=np.bool_,
    ).reshape(len(scenario.interventions), len(scenario.segments))
    eligible = np.array(
        [[float(n in i.eligible.need) for n in NEED_LEVELS] for i in scenario.programmes]
    ).reshape(len(scenario.interventions), 3)
    segments = list(scenario.segments)
    running = _running(scenario, months, [(i.start, i.end) for i in scenario.programmes])
    return Plan(
        served=served,
        eligible=eligible,
        running=running,
        begun=np.logical_or.accumulate(running, axis=0),
        changes_need=np.array([_changes_need(i) for i in scenario.programmes], dtype=np.bool_),
        origin=np.array([segments.index(m.origin) for m in scenario.movements], dtype=np.int64),
        destination=np.array(
            [segments.index(m.destination) for m in scenario.movements], dtype=np.int64
        ),
        moving=_running(scenario, months, [(m.start, m.end) for m in scenario.movements]),
        rescue=np.array([s.rescue for s in scenario.services.values()], dtype=np.bool_),
        cell=_cells(scenario),
        year=calendar_years(scenario),
    )


def _running(
    scenario: Scenario, months: Any, spans: list[tuple[str | None, str | None]]
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """[month, span]: whether a month lies between a span's first and last month."""
    clock = scenario.clock
    out = np.zeros((months.size, len(spans)), dtype=np.bool_)
    for k, (start, end) in enumerate(spans):
        first = clock.index(start) if start else 0
        last = clock.index(end) if end else clock.months
        out[:, k] = (first <= months) & (months <= last)
    return out


def _changes_need(programme: Intervention) -> bool:
    ratios = programme.need_effects
    return any(
        p.uncertain or p.central != 1.0
        for p in (ratios.onset, ratios.escalation, ratios.recovery, ratios.relief)
    )


def _cells(scenario: Scenario) -> np.ndarray[Any, np.dtype[np.int64]]:
    """[segment, service, k]: index of the cell of the k-th payer, -1 for none."""
    table, most = payer_table(scenario)
    index = {cell: z for z, cell in enumerate(scenario.cells)}
    out = np.full((len(table), len(scenario.services), most), -1, dtype=np.int64)
    for g, (row, segment) in enumerate(zip(table, scenario.segments.values(), strict=True)):
        for s, (name, payers) in enumerate(zip(scenario.services, row, strict=True)):
            if name in segment.use:
                out[g, s, : len(payers)] = [index[Cell(name, party)] for party in payers]
    return out


def calendar_years(scenario: Scenario) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    """[month]: calendar years since the year of the start."""
    first = month_number(scenario.clock.start) % 12
    return (first + np.arange(scenario.clock.months)) // 12


# --- the step


def _check_step(document: Document, steps: int, built: Inputs, first: int) -> None:
    """No stock may lose more than all of itself in one step: ask for a finer step instead."""
    c, v = built.communities, built.programmes
    worst_need = np.maximum(
        np.maximum(c.onset, c.escalation + c.recovery), c.relief
    ) * _largest_ratio(v)
    exits = (worst_need + c.deaths.max(axis=2) + c.leaving[:, :]).max(axis=1)
    service = np.zeros(exits.shape)
    if v.duration.shape[1]:
        waiting = 1.0 / v.time_to_enroll + 1.0 / v.patience
        service = np.maximum(waiting, np.maximum(1.0 / v.duration, 1.0 / v.persistence))
        service = np.maximum(service, v.referral * v.acceptance)
        service = np.maximum(service, 1.0 / v.time_to_hire + v.turnover).max(axis=1)
    rate = exits + service
    moving = most_moving(built)
    if moving.max() > 1.0:
        found = (
            f"draw {first + int(moving.argmax())} moves {moving.max():.2f} of a segment in a month"
        )
        raise BadInput([problem_at(document, ("movements",), found, "at most all of a segment")])
    if rate.max() / steps > LARGEST_LOSS:
        needed = int(np.ceil(rate.max()))
        found = f"{steps}; draw {first + int(rate.argmax())} empties a stock within one step"
        raise BadInput(
            [problem_at(document, ("clock", "steps_per_month"), found, f"at least {needed}")]
        )


def most_moving(built: Inputs) -> Floats:
    """Largest share [draw] of a segment that leaves it by movement at one month's end."""
    share, plan = built.communities.movement, built.plan
    out = np.zeros(share.shape[0])
    for months in np.unique(plan.moving, axis=0):
        for origin in np.unique(plan.origin):
            leaving = share[:, months & (plan.origin == origin)]
            out = np.maximum(out, leaving.sum(axis=1))
    return out


def _largest_ratio(v: Programmes) -> Floats:
    """Upper bound [draw, 1] of what interventions together do to a move between need levels."""
    if not v.need_ratio.shape[1]:
        return np.ones((v.need_ratio.shape[0], 1))
    bound: Floats = np.maximum(v.need_ratio, 1.0).max(axis=2).prod(axis=1)[:, None]
    return bound
