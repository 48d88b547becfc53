"""Freed: what a fall in use really sets free, for providers and for those whose budgets pay them.

Average cost is not avoidable: only marginal cost goes at once, fixed cost in whole blocks and
later, and freed capacity is used by others (docs/decisions/0007).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .distributions import Floats
from .services import price_factors, years_since_price_year
from .totals import over_months, total
from .worlds import Worlds, by_service


class Freed(NamedTuple):
    """What is set free, one array [draw, month] for each service; USD of the month."""

    average_cost: list[Floats]  # of one unit, to its provider
    taken_up: list[Floats]  # units that others use where capacity is freed
    variable: list[Floats]  # marginal cost avoided, after what others use
    released: list[Floats]  # fixed cost released in whole blocks

    def cost(self, s: int) -> Floats:
        """Cost set free, variable and fixed."""
        return self.variable[s] + self.released[s]


def freed_of(w: Worlds) -> Freed:
    """What the strategy sets free at each service."""
    out = Freed([], [], [], [])
    for s, name in enumerate(w.scenario.services):
        cost, taken_up = average_cost(w, name), back_filled_units(w, s, name)
        variable, released = provider_saving(w, s, name, cost, taken_up)
        out.average_cost.append(cost)
        out.taken_up.append(taken_up)
        out.variable.append(variable)
        out.released.append(released)
    return out


def average_cost(w: Worlds, name: str) -> Floats:
    at = f"services.{name}"
    growth = (1.0 + w.get(f"{at}.price_trend"))[:, None] ** years_since_price_year(w.scenario)
    return np.asarray(w.get(f"{at}.cost")[:, None] * growth)


def back_filled_units(w: Worlds, s: int, name: str) -> Floats:
    """Where use rises nobody is taken to be crowded out: that would be booked as a gain."""
    fewer: Floats = np.maximum(w.usual.use[:, :, s] - w.strategy.use[:, :, s], 0.0)
    return fewer * w.get(f"services.{name}.back_fill")[:, None]


def back_filled(w: Worlds) -> Floats:
    """What payers of others pay where freed capacity is used again [draw, party], USD.

    Each unit avoided in a month is taken up with the service's back-fill share, at the month's
    prices, by people whose payers are those of all users of the service over the horizon. Where
    use rises nobody is taken to be crowded out: that would be booked as a gain.
    """
    share = w.get.each(f"services.{s}.back_fill" for s in w.scenario.services)
    freed = np.maximum(w.usual.use - w.strategy.use, 0.0) * price_factors(w.scenario, w.get)
    units = over_months(w.usual.use)[:, :, None]
    base = by_service(w.scenario, w.usual.base_payments)
    at_base = np.divide(base, units, out=np.zeros_like(base), where=units > 0.0)
    taken_up = (over_months(freed) * share)[:, :, None] * at_base
    return over_months(taken_up)  # axis 1 is the service here


def share_of(base: Floats, s: int, p: int) -> Floats:
    """Share [draw] of a service's payments [draw, service, party] that one party makes."""
    whole = total(base[:, s])
    return np.divide(base[:, s, p], whole, out=np.zeros_like(whole), where=whole > 0.0)


def freed_cost(w: Worlds, freed: Freed) -> Floats:
    """Marginal cost avoided and fixed cost released, by who pays the services [draw, party]."""
    base = by_service(w.scenario, w.usual.base_payments)
    share = np.divide(
        base, total(base)[:, :, None], out=np.zeros_like(base), where=total(base)[:, :, None] > 0.0
    )
    out = np.zeros((w.get.size, base.shape[2]))
    for s, service in enumerate(w.scenario.services.values()):
        if service.rescue:
            out += share[:, s, :] * over_months(freed.cost(s))[:, None]
    return out


def provider_saving(
    w: Worlds, s: int, name: str, cost: Floats, taken_up: Floats
) -> tuple[Floats, Floats]:
    """Marginal cost avoided, and fixed cost released in whole blocks, each [draw, month], USD."""
    service = w.scenario.services[name]
    at = f"services.{name}"
    marginal = w.get(f"{at}.marginal_share")[:, None]
    freed = w.usual.use[:, :, s] - w.strategy.use[:, :, s] - taken_up
    variable = freed * marginal * cost
    if service.capacity is None:
        return variable, np.zeros_like(variable)
    size = w.get(f"{at}.capacity.size")[:, None]
    delay = np.round(w.get(f"{at}.capacity.delay")).astype(int)
    closed = np.floor(np.maximum(_sustained(freed, delay), 0.0) / size) * size
    return variable, closed * (1.0 - marginal) * cost


def _sustained(x: Floats, months: np.ndarray[tuple[int, ...], np.dtype[np.int_]]) -> Floats:
    """Least of a series [draw, month] over the months up to now, its own number for each draw."""
    least = x.copy()
    for k in range(1, int(months.max()) + 1):
        earlier = _delayed(x, np.full(months.shape, k))
        least = np.where((months >= k)[:, None], np.minimum(least, earlier), least)
    return least


def _delayed(x: Floats, months: np.ndarray[tuple[int, ...], np.dtype[np.int_]]) -> Floats:
    """Each draw's series [draw, month] moved later by its own number of months."""
    index = np.arange(x.shape[1])[None, :] - months[:, None]
    moved = np.take_along_axis(x, np.maximum(index, 0), axis=1)
    return np.where(index >= 0, moved, 0.0)
