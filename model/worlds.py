"""Worlds: the same draws in usual care and in the strategy, and how outcomes name what they say."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .books import Books, Deals, Money
from .distributions import Floats
from .draws import Columns
from .scenario import Scenario
from .services import years_since_price_year
from .stocks import Activity
from .totals import over_months

ALL = "all"
USUAL, STRATEGY, DIFFERENCE = "usual_care", "strategy", "difference"
CENT = 0.01  # USD


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
    for z, cell in enumerate(scenario.cells):
        if scenario.services[cell.service].rescue == rescue:
            out[..., parties.index(cell.party)] += paid[..., z]
    return out


def by_service(scenario: Scenario, paid: Floats) -> Floats:
    """Payments [draw, cell] as [draw, service, party]."""
    parties, services = list(scenario.parties), list(scenario.services)
    out = np.zeros((paid.shape[0], len(services), len(parties)))
    for z, cell in enumerate(scenario.cells):
        out[:, services.index(cell.service), parties.index(cell.party)] += paid[:, z]
    return out


def mean_month(amounts: Floats, months: Floats) -> Floats:
    """Month [draw] around which amounts [draw, entry] fall, weighted by their size; nan for none.

    Amounts below a cent are none.
    """
    size = np.where(np.abs(amounts) < CENT, 0.0, np.abs(amounts))
    whole, when = over_months(size), over_months(size * months)
    return np.divide(when, whole, out=np.full_like(when, np.nan), where=whole > 0.0)


def members_of(w: Worlds, payer: str, segment: str) -> Floats:
    """Person-months [draw, month] of a segment, as far as a party pays for them."""
    g = list(w.scenario.segments).index(segment)
    whole = w.scenario.segments[segment].payers[payer] is None
    share = 1.0 if whole else w.get(f"segments.{segment}.payer.{payer}")[:, None]
    return np.asarray(w.usual.person_months[:, :, g] * share)


def other_care_of(w: Worlds, payer: str) -> Floats:
    """All other care of a payer's members [draw, month], USD; the same in both worlds."""
    out = np.zeros((w.get.size, w.scenario.clock.months))
    if w.scenario.parties[payer].other_care is None:
        return out
    at = f"parties.{payer}.other_care"
    price = (1.0 + w.get(f"{at}.trend"))[:, None] ** years_since_price_year(w.scenario)
    for name, segment in w.scenario.segments.items():
        if payer in segment.payers:
            out += members_of(w, payer, name)
    return out * price * w.get(f"{at}.cost")[:, None]
