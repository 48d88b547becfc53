"""Freed: what a fall in use really sets free, for providers and for those whose budgets pay them.

Average cost is not avoidable: only marginal cost goes at once, fixed cost in whole blocks and
later, and freed capacity is used by others (docs/decisions/0007).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from .distributions import Floats
from .scenario import Cell
from .services import price_factors
from .totals import over_months, total
from .worlds import Worlds, by_service


class Freed(NamedTuple):
    """What is set free, one array [draw, month] for each service; USD of the month."""

    share: Floats  # of it, by who pays [draw, service, party]

    average_cost: list[Floats]  # of one unit, to its provider
    taken_up: list[Floats]  # units that others use where capacity is freed
    variable: list[Floats]  # marginal cost avoided, after what others use
    released: list[Floats]  # fixed cost released in whole blocks
    for_others: list[Floats]  # by cell: what its payer pays for others who use freed capacity

    def cost(self, s: int) -> Floats:
        """Cost set free, variable and fixed."""
        return self.variable[s] + self.released[s]

    def cost_for(self, s: int, p: int) -> Floats:
        """The part of it that is freed by a party's own people [draw, month]."""
        return self.share[:, s, p][:, None] * self.cost(s)


def freed_of(w: Worlds) -> Freed:
    """What the strategy sets free at each service."""
    out = Freed(shares_of_change(w), [], [], [], [], [])
    for s, name in enumerate(w.scenario.services):
        cost, taken_up = average_cost(w, name), back_filled_units(w, s, name)
        variable, released = provider_saving(w, s, name, cost, taken_up)
        out.average_cost.append(cost)
        out.taken_up.append(taken_up)
        out.variable.append(variable)
        out.released.append(released)
    for z in range(len(w.scenario.cells)):
        out.for_others.append(paid_for_others(w, out, z))
    return out


def average_cost(w: Worlds, name: str) -> Floats:
    growth = price_factors(w.scenario, w.get)[:, :, list(w.scenario.services).index(name)]
    return np.asarray(w.get(f"services.{name}.cost")[:, None] * growth)


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


def shares_of_change(w: Worlds) -> Floats:
    """By whose people the use of each service changes [draw, service, party], adding up to 1.

    Over the horizon at base prices: each payer's part of the fall, where use falls in all; of the
    rise, where it rises. Whose people go the other way has no part. Where nothing changes, by use.
    """
    base = by_service(w.scenario, w.usual.base_payments)
    fewer = base - by_service(w.scenario, w.strategy.base_payments)
    part = np.maximum(np.where(total(fewer) < 0.0, -1.0, 1.0)[:, :, None] * fewer, 0.0)
    return in_proportion(np.where(total(part)[:, :, None] > 0.0, part, base))


def in_proportion(amounts: Floats) -> Floats:
    """Shares of their sum over the last axis; 0 where it is 0."""
    whole = total(amounts)[..., None]
    return np.divide(amounts, whole, out=np.zeros_like(amounts), where=whole > 0.0)


def bears_cost(w: Worlds, cell: Cell) -> bool:
    """Whether a payer saves what is set free, not the price (docs/decisions/0007)."""
    rescue = w.scenario.services[cell.service].rescue
    return rescue and w.scenario.parties[cell.party].pays == "budget"


def paid_less(w: Worlds, freed: Freed, z: int) -> Floats:
    """What the payer of a cell pays less for its own people [draw, month], USD."""
    cell = w.scenario.cells[z]
    if bears_cost(w, cell):
        services, parties = list(w.scenario.services), list(w.scenario.parties)
        return freed.cost_for(services.index(cell.service), parties.index(cell.party))
    return np.asarray(w.usual.payments[:, :, z] - w.strategy.payments[:, :, z])


def paid_for_others(w: Worlds, freed: Freed, z: int) -> Floats:
    """What the payer of a cell pays for others who use the capacity set free [draw, month], USD.

    A budget pays nothing: its saving is what is left after them.
    """
    cell = w.scenario.cells[z]
    s = list(w.scenario.services).index(cell.service)
    if w.scenario.parties[cell.party].pays == "budget":
        return np.zeros_like(freed.taken_up[s])
    units, price = total(w.usual.use[:, :, s]), price_factors(w.scenario, w.get)[:, :, s]
    each = np.divide(
        w.usual.base_payments[:, z], units, out=np.zeros_like(units), where=units > 0.0
    )
    return np.asarray(freed.taken_up[s] * price * each[:, None])


def freed_cost(w: Worlds, freed: Freed) -> Floats:
    """Marginal cost avoided and fixed cost released, by who pays the services [draw, party]."""
    out = np.zeros((w.get.size, freed.share.shape[2]))
    for s, service in enumerate(w.scenario.services.values()):
        if service.rescue:
            for p in range(out.shape[1]):
                out[:, p] += over_months(freed.cost_for(s, p))
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
        earlier = np.pad(x, ((0, 0), (k, 0)))[:, : x.shape[1]]
        least = np.where((months >= k)[:, None], np.minimum(least, earlier), least)
    return least
