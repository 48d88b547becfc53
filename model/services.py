"""Services: use by need level, trends and shocks, who pays and at what price, [draw, ...]."""

from __future__ import annotations

from typing import Any

import numpy as np

from .community import Use
from .distributions import Floats
from .draws import Columns
from .fields import month_number
from .scenario import SEGMENT_PAYER, Scenario, Service, payers_of


def use(scenario: Scenario, get: Columns, shares: Floats) -> Use:
    return Use(
        rate=use_rates(scenario, get, shares),
        preventable=get.each(f"services.{s}.preventable" for s in scenario.services),
        factor=use_factors(scenario, get),
        price=prices(scenario, get),
        price_factor=price_factors(scenario, get),
    )


def use_rates(scenario: Scenario, get: Columns, shares: Floats) -> Floats:
    """Units per person-month [draw, segment, need, service].

    The segment's mean is the observed rate: level rate = mean x relative / sum(share x relative).
    """
    columns = []
    for service, about in scenario.services.items():
        relative = np.stack(
            [
                np.ones(get.size),
                get(f"services.{service}.relative_use.at_risk"),
                get(f"services.{service}.relative_use.in_crisis"),
            ],
            axis=1,
        )[:, None, :]
        length = get(f"services.{service}.length_of_stay") if about.length_of_stay else 1.0
        mean = np.stack([_mean_use(scenario, get, g, service) for g in scenario.segments], axis=1)
        weighted = shares * relative
        average = weighted[:, :, 0] + weighted[:, :, 1] + weighted[:, :, 2]
        columns.append((mean.T * length).T[:, :, None] * relative / average[:, :, None])
    return np.stack(columns, axis=3)


def _mean_use(scenario: Scenario, get: Columns, segment: str, service: str) -> Floats:
    given = service in scenario.segments[segment].use
    return get(f"segments.{segment}.use.{service}") if given else np.zeros(get.size)


def use_factors(scenario: Scenario, get: Columns) -> Floats:
    """Trend since the start, times the shocks of the month [draw, month, service]."""
    years = np.arange(scenario.clock.months) / 12.0
    columns = []
    for name, service in scenario.services.items():
        factor = (1.0 + get(f"services.{name}.use_trend"))[:, None] ** years
        for k, shock in enumerate(service.shocks):
            first = max(scenario.clock.index(shock.start), 0)
            last = scenario.clock.index(shock.end) if shock.end else scenario.clock.months
            factor[:, first : max(last + 1, 0)] *= get(f"services.{name}.shocks[{k}].factor")[
                :, None
            ]
        columns.append(factor)
    return np.stack(columns, axis=2)


def price_factors(scenario: Scenario, get: Columns) -> Floats:
    """Nominal prices relative to January of the price year [draw, month, service]."""

    def compute() -> Floats:
        years = years_since_price_year(scenario)
        trends = [get(f"services.{name}.price_trend") for name in scenario.services]
        return np.stack([(1.0 + trend)[:, None] ** years for trend in trends], axis=2)

    return get.once("price_factors", compute)


def years_since_price_year(scenario: Scenario) -> Floats:
    first = month_number(scenario.clock.start) - 12 * scenario.prices.year
    return (first + np.arange(scenario.clock.months)) / 12.0


def payer_table(scenario: Scenario) -> tuple[list[list[list[str]]], int]:
    """Who pays, [segment][service][k], and the largest number of payers."""
    table = [
        [payers_of(service.payment, segment.payers) for service in scenario.services.values()]
        for segment in scenario.segments.values()
    ]
    return table, max((len(payers) for row in table for payers in row), default=1)


def prices(scenario: Scenario, get: Columns) -> Floats:
    """USD per unit that the k-th payer pays [draw, segment, service, k]."""
    return get.once("prices", lambda: _prices(scenario, get))


def _prices(scenario: Scenario, get: Columns) -> Floats:
    table, most = payer_table(scenario)
    shape = (get.size, len(scenario.segments), len(scenario.services), most)
    price = np.zeros(shape)
    for g, segment in enumerate(scenario.segments):
        for s, (name, service) in enumerate(scenario.services.items()):
            shares = payer_shares(scenario, get, segment, name)
            for k, party in enumerate(table[g][s]):
                price[:, g, s, k] = shares[party] * price_of(get, name, service, party)
    return price


def payer_shares(scenario: Scenario, get: Columns, segment: str, service: str) -> dict[str, Any]:
    """Share of a service's price that each party pays for a segment; scaled to add up to 1."""
    own = scenario.segments[segment].payers
    segment_shares: dict[str, Any] = {
        party: 1.0 if whole is None else get(f"segments.{segment}.payer.{party}")
        for party, whole in own.items()
    }
    payment = scenario.services[service].payment
    if payment is None:
        return _scaled(segment_shares)
    out: dict[str, Any] = {}
    for party in payment:
        part = get(f"services.{service}.payment.{party}")
        if party == SEGMENT_PAYER:
            for payer, share in _scaled(segment_shares).items():
                out[payer] = out.get(payer, 0.0) + part * share
        else:
            out[party] = out.get(party, 0.0) + part
    return _scaled(out)


def _scaled(shares: dict[str, Any]) -> dict[str, Any]:
    total = sum(shares.values())
    return {party: share / total for party, share in shares.items()}


def price_of(get: Columns, name: str, service: Service, party: str) -> Floats:
    """A payer's own price, or the cost times its ratio of payment to cost, USD/unit."""
    if party in service.price:
        return get(f"services.{name}.price.{party}")
    return get(f"services.{name}.cost") * get(f"parties.{party}.payment_to_cost")
