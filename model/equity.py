"""Equity: the same outcome by group, over the years, and its ratio between groups.

A group is what segments name as theirs (race, place, age). Rates are per person-year of the whole
group, served or not, so that a group that is not reached counts. Ratios are lowest / highest over
groups: 1 is equal.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .distributions import Floats
from .parameters import calendar_years
from .services import payer_table, prices
from .stocks import Activity
from .totals import total
from .worlds import ALL, DIFFERENCE, STRATEGY, USUAL, Measure, Worlds

PER = 1000.0


def measures(w: Worlds) -> Iterator[Measure]:
    """Who is reached, who benefits, by group over the horizon; nothing for a single group."""
    groups = groups_of(w)
    if len(groups) < 2 or not w.scenario.interventions:
        return
    years = {g: total(person_years(w, members)) for g, members in groups.items()}
    reached = {g: PER * _ratio(total(reach(w, m)), years[g]) for g, m in groups.items()}
    before = {g: _ratio(total(rescue_cost(w, w.usual, m)), years[g]) for g, m in groups.items()}
    after = {g: _ratio(total(rescue_cost(w, w.strategy, m)), years[g]) for g, m in groups.items()}
    for g in groups:
        unit = "persons per 1,000 person-years"
        yield Measure("reached", g, STRATEGY, unit, reached[g])
        yield Measure("rescue_cost_per_person_year", g, USUAL, "USD/person-year", before[g])
        yield Measure("rescue_cost_per_person_year", g, STRATEGY, "USD/person-year", after[g])
        saved = before[g] - after[g]
        yield Measure("avoided_per_person_year", g, DIFFERENCE, "USD/person-year", saved)
    yield Measure("reached_ratio", ALL, STRATEGY, "1", lowest_to_highest(reached))
    yield Measure("rescue_cost_ratio", ALL, USUAL, "1", lowest_to_highest(before))
    yield Measure("rescue_cost_ratio", ALL, STRATEGY, "1", lowest_to_highest(after))


def by_year(w: Worlds) -> Iterator[Measure]:
    """The same by calendar year, [draw, year]."""
    groups = groups_of(w)
    if len(groups) < 2 or not w.scenario.interventions:
        return
    for g, members in groups.items():
        years = person_years(w, members)
        unit = "persons per 1,000 person-years"
        yield Measure("reached", g, STRATEGY, unit, PER * _ratio(reach(w, members), years))
        saved = rescue_cost(w, w.usual, members) - rescue_cost(w, w.strategy, members)
        each = _ratio(saved, years)
        yield Measure("avoided_per_person_year", g, DIFFERENCE, "USD/person-year", each)


def groups_of(w: Worlds) -> dict[str, list[int]]:
    """Segments of each group."""
    out: dict[str, list[int]] = {}
    for g, segment in enumerate(w.scenario.segments.values()):
        out.setdefault(segment.group, []).append(g)
    return out


def person_years(w: Worlds, members: list[int]) -> Floats:
    """[draw, year]"""
    year = calendar_years(w.scenario)
    out = np.zeros((w.get.size, year[-1] + 1))
    for month, y in enumerate(year):
        for g in members:
            out[:, y] += w.usual.person_months[:, month, g] / 12.0
    return out


def reach(w: Worlds, members: list[int]) -> Floats:
    """People enrolled in any intervention [draw, year]."""
    out = np.zeros(w.strategy.started_by.shape[:2])
    for i in range(w.strategy.started_by.shape[2]):
        for g in members:
            out += w.strategy.started_by[:, :, i, g]
    return out


def rescue_cost(w: Worlds, world: Activity, members: list[int]) -> Floats:
    """Rescue services used, at prices of the price year [draw, year], USD."""
    table, most = payer_table(w.scenario)
    price = prices(w.scenario, w.get)
    out = np.zeros(world.use_by_segment.shape[:2])
    for g in members:
        for s, service in enumerate(w.scenario.services.values()):
            if service.rescue:
                for k in range(min(most, len(table[g][s]))):
                    out += world.use_by_segment[:, :, g, s] * price[:, g, s, k][:, None]
    return out


def lowest_to_highest(by_group: dict[str, Floats]) -> Floats:
    """Lowest of the groups over the highest, [draw]; 1 where all are nothing."""
    values = np.stack(list(by_group.values()), axis=1)
    highest, lowest = values.max(axis=1), values.min(axis=1)
    ratio: Floats = np.divide(lowest, highest, out=np.ones_like(highest), where=highest > 0.0)
    return ratio


def _ratio(top: Floats, bottom: Floats) -> Floats:
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom > 0.0)
