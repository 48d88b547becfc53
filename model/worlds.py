"""Worlds: the same draws in usual care and in the strategy, and how outcomes name what they say."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .books import Books, Deals, Money
from .distributions import Floats
from .draws import Columns
from .scenario import Scenario
from .services import cells
from .stocks import Activity

ALL = "all"
USUAL, STRATEGY, DIFFERENCE = "usual_care", "strategy", "difference"


class Measure(NamedTuple):
    """One outcome: values [draw], or [draw, month] where it is a series."""

    metric: str
    subject: str
    strategy: str
    unit: str
    values: Floats


class World(NamedTuple):
    """One world: what happened, what was paid, and the numbers that the money followed."""

    activity: Activity
    books: Books
    deals: Deals | None = None
    money: Money | None = None


class Worlds(NamedTuple):
    """The same draws in both worlds, with the scenario and its numbers."""

    scenario: Scenario
    get: Columns
    usual_world: World
    strategy_world: World

    @property
    def usual(self) -> Activity:
        return self.usual_world.activity

    @property
    def strategy(self) -> Activity:
        return self.strategy_world.activity


def by_party(scenario: Scenario, paid: Floats, rescue: bool) -> Floats:
    """Payments [..., cell] for rescue services, or for all others, by who pays [..., party]."""
    parties = list(scenario.parties)
    out = np.zeros((*paid.shape[:-1], len(parties)))
    for z, cell in enumerate(cells(scenario)):
        if scenario.services[cell.service].rescue == rescue:
            out[..., parties.index(cell.party)] += paid[..., z]
    return out


def by_service(scenario: Scenario, paid: Floats) -> Floats:
    """Payments [draw, cell] as [draw, service, party]."""
    parties, services = list(scenario.parties), list(scenario.services)
    out = np.zeros((paid.shape[0], len(services), len(parties)))
    for z, cell in enumerate(cells(scenario)):
        out[:, services.index(cell.service), parties.index(cell.party)] += paid[:, z]
    return out
