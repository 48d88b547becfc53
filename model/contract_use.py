"""Contract use: whose use a contract sees, and how much of it its programmes avoid, over all draws.

For measuring rather than paying: events and their cost beside total cost, and who was enrolled.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .contract_history import histories
from .contract_plan import contract_plan
from .deals import by_year
from .distributions import Floats
from .draws import Columns
from .financing import ContractLine
from .money_plan import financing_of
from .scenario import Intervention, Scenario
from .services import payer_table, price_factors, prices
from .worlds import Worlds


class Taken(NamedTuple):
    """Sums over the contract's years, of its members: one array [draw] each, by year for use."""

    usual_events: Floats  # [draw, year]
    avoided_events: Floats
    usual_cost: Floats
    avoided_cost: Floats
    all_usual: Floats  # [draw, year] USD of attributed members
    all_saved: Floats
    reached: Floats  # [draw] person-years enrolled or protected
    started: Floats  # [draw] persons
    accepted: Floats  # [draw] persons


# --- whose use


def targeted(scenario: Scenario, name: str) -> tuple[str, ...]:
    """Services that the contract's outcomes count; else rescue services that it counts the cost of
    and a programme of its members acts on; else all rescue services that it counts.
    """
    f = financing_of(scenario)
    line, h = f.contracts[name], list(f.contracts).index(name)
    stated = [m.service for m in line.measures.values() if m.service is not None]
    if stated:
        return tuple(dict.fromkeys(stated))
    counted_cell = contract_plan(scenario).cell_counted[h]
    counted = {c.service for c, seen in zip(scenario.cells, counted_cell, strict=True) if seen}
    rescue = [s for s, about in scenario.services.items() if about.rescue and s in counted]
    acted_on = {s for p in serving(scenario, line).values() for s in p.effects}
    return tuple(s for s in rescue if s in acted_on) or tuple(rescue)


def serving(scenario: Scenario, line: ContractLine) -> dict[str, Intervention]:
    """Interventions that serve a covered segment."""
    covered = set(line.covers.segments)
    all_of = scenario.interventions.items()
    return {name: p for name, p in all_of if covered & set(p.eligible.segments)}


def acting(scenario: Scenario, line: ContractLine, services: tuple[str, ...]) -> tuple[str, ...]:
    """Of those, the ones that act on a targeted service: whom a trial would enrol."""
    found = serving(scenario, line)
    return tuple(n for n, p in found.items() if set(p.effects) & set(services))


def settled_years(scenario: Scenario, line: ContractLine) -> int:
    """Contract years that end within the horizon."""
    return int((by_year(scenario, line, np.ones((1, scenario.clock.months))) > 0.0).sum())


# --- what happened to the members of a contract


def take(
    w: Worlds, name: str, line: ContractLine, services: tuple[str, ...], programmes: tuple[str, ...]
) -> Taken:
    """Sums of a slice of draws."""
    x = next(x for x in histories(w) if x.name == name)
    scenario, at = w.scenario, f"financing.contracts.{name}.covers"
    years = settled_years(scenario, line)
    attributed = w.get(f"{at}.attributed")
    seen = np.minimum(1.0, attributed * w.get(f"{at}.served_ratio"))
    seen = seen * (1.0 - w.get(f"{at}.churn") / 2.0)
    weight = payer_weight(scenario, w.get, line)
    usual, less = used(w, line, weight, services, years)
    price = unit_price(scenario, w.get, line.payer, services)
    factor = mean_by_year(scenario, line, price_factors(scenario, w.get), services, years)
    length = np.array([_length(w.get, scenario, s) for s in services]).T  # [draw, service]

    def spent(use: Floats) -> Floats:
        return np.asarray((use * price[:, None] * factor[:, :, None, :]).sum(axis=(2, 3)))

    def events(use: Floats) -> Floats:
        return np.asarray((use / length[:, None, None, :]).sum(axis=(2, 3)))

    served, started, accepted = programme_flows(w, line, weight, programmes)
    return Taken(
        events(usual) * attributed[:, None],
        events(less) * seen[:, None],
        spent(usual) * attributed[:, None],
        spent(less) * seen[:, None],
        x.usual_cost[:, :years],
        x.true_saving[:, :years],
        served * seen,
        started * seen,
        accepted * seen,
    )


def _length(get: Columns, scenario: Scenario, service: str) -> Floats:
    if scenario.services[service].length_of_stay is None:
        return np.ones(get.size)
    return get(f"services.{service}.length_of_stay")


def payer_weight(scenario: Scenario, get: Columns, line: ContractLine) -> Floats:
    """Share [draw, segment] of a covered segment's people for whom the payer pays."""
    out = np.zeros((get.size, len(scenario.segments)))
    for g, (name, segment) in enumerate(scenario.segments.items()):
        if name in line.covers.segments and line.payer in segment.payers:
            whole = segment.payers[line.payer] is None
            out[:, g] = 1.0 if whole else get(f"segments.{name}.payer.{line.payer}")
    return out


def used(
    w: Worlds, line: ContractLine, weight: Floats, services: tuple[str, ...], years: int
) -> tuple[Floats, Floats]:
    """Units in usual care, and units avoided, [draw, year, segment, service].

    Records are of calendar years: a contract year that begins within one takes its months' share.
    """
    scenario = w.scenario
    names = list(scenario.services)
    chosen = [names.index(s) for s in services]
    first = int(scenario.clock.start[5:]) - 1
    months = np.arange(scenario.clock.months)
    calendar = (first + months) // 12
    begin = scenario.clock.index(line.start)
    part = np.zeros((years, calendar[-1] + 1))
    for year in range(years):
        for month in range(begin + 12 * year, begin + 12 * year + 12):
            if month >= 0:
                part[year, calendar[month]] += 1.0 / (calendar == calendar[month]).sum()

    def taken(x: Floats) -> Floats:
        of = np.einsum("yc,dcgs->dygs", part, x[..., chosen])
        return np.asarray(of * weight[:, None, :, None])

    usual = taken(w.usual.use_by_segment)
    return usual, usual - taken(w.strategy.use_by_segment)


def unit_price(scenario: Scenario, get: Columns, party: str, services: tuple[str, ...]) -> Floats:
    """USD a unit that the party pays [draw, segment, service], at the price year's prices."""
    table, _ = payer_table(scenario)
    price, names = prices(scenario, get), list(scenario.services)
    out = np.zeros((get.size, len(scenario.segments), len(services)))
    for g in range(len(scenario.segments)):
        for k, service in enumerate(services):
            s = names.index(service)
            if party in table[g][s]:
                out[:, g, k] = price[:, g, s, table[g][s].index(party)]
    return out


def mean_by_year(
    scenario: Scenario, line: ContractLine, x: Floats, services: tuple[str, ...], years: int
) -> Floats:
    """Mean [draw, year, service] over contract years of a factor [draw, month, service]."""
    names = list(scenario.services)
    each = [by_year(scenario, line, x[:, :, names.index(s)])[:, :years] for s in services]
    return np.stack(each, axis=2) / 12.0


def programme_flows(
    w: Worlds, line: ContractLine, weight: Floats, programmes: tuple[str, ...]
) -> tuple[Floats, Floats, Floats]:
    """Person-years reached, persons enrolled, persons referred and willing [draw], of the payer's
    covered segments, over the settled years; shared out by who enrolled.
    """
    served, started, accepted = (np.zeros(w.get.size) for _ in range(3))
    for name in programmes:
        i = list(w.scenario.interventions).index(name)
        of = w.strategy.started_by[:, :, i, :].sum(axis=1)
        whole = of.sum(axis=1)
        part = np.divide(
            (of * weight).sum(axis=1), whole, out=np.zeros_like(whole), where=whole > 0
        )

        def total(flow: Floats, part: Floats = part) -> Floats:
            return np.asarray(part * by_year(w.scenario, line, flow).sum(axis=1))

        served += total(w.strategy.enrolled_months[:, :, i] + w.strategy.protected[:, :, i]) / 12.0
        started += total(w.strategy.started[:, :, i])
        accepted += total(w.strategy.referred[:, :, i])
    return served, started, accepted
