"""The small scenario of conftest.py with money, for tests that work out its months by hand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from model.draws import Draws
from model.ensemble import both_worlds
from model.loading import Loaded
from model.luck import luck
from model.money_plan import lines, obligations
from model.worlds import World, Worlds

from .conftest import scenario

Floats = np.ndarray[Any, np.dtype[np.float64]]
NOBODY = {"interventions.team.staff.posts": 0, "interventions.team.costs.fixed": 0}


def post(cost: float, posts: float = 1, core: bool = True, **more: Any) -> dict[str, Any]:
    """Staff that nobody leaves, so that a month costs the same until somebody is let go."""
    base = {
        "name": "Post",
        "posts": posts,
        "cost": cost,
        "activities": {"mobilise_funding": 1},
        "core": core,
        "time_to_hire": 2,
        "turnover": 0,
    }
    return base | more


def grant(
    amount: float, start: str = "2025-01", end: str = "2026-12", **more: Any
) -> dict[str, Any]:
    return {"name": "Grant", "payer": "plan", "amount": amount, "start": start, "end": end} | more


def account(opening: float, **more: Any) -> dict[str, Any]:
    return {"opening": opening, "minimum_core": 1, "freeze_below": 0} | more


def financed(
    opening: float | dict[str, Any],
    changes: Mapping[str, Any] | None = None,
    **financing: Any,
) -> Loaded:
    """The small scenario with an account of the network, and no intervention to speak of."""
    first = opening if isinstance(opening, dict) else account(opening)
    accounts = {"network": first} | financing.pop("accounts", {})
    money = {"discount_rate": 0.03, "accounts": accounts} | financing
    return scenario(NOBODY | {"financing": money} | dict(changes or {}))


def without_luck(loaded: Loaded) -> Draws:
    """One draw at central numbers: what may happen happens, and no error has a size."""
    values = {name: np.asarray(p.central) for name, p in loaded.parameters.items()}
    values |= {name: np.asarray(e.quantile([0.5])[0]) for name, e in loaded.effects.items()}
    events = {name: np.zeros_like(z) for name, z in luck(loaded.scenario, 1, 0).items()}
    return Draws(loaded, 1, 0, "plain", values, events)


def settled(loaded: Loaded) -> Worlds:
    return both_worlds(without_luck(loaded), slice(0, 1))


class Months:
    """What the books of one draw say by month and name."""

    def __init__(self, loaded: Loaded, world: World, draw: int = 0) -> None:
        self.scenario, self.books, self.draw = loaded.scenario, world.books, draw
        self.owed = [o.key for o in obligations(loaded.scenario)]
        self.revenue = [line.key for line in lines(loaded.scenario)]

    def received(self, line: str) -> Floats:
        return np.asarray(self.books.receipts[self.draw, :, self.revenue.index(line)])

    def paid(self, obligation: str) -> Floats:
        return np.asarray(self.books.paid[self.draw, :, self.owed.index(obligation)])

    def account(self, field: str, name: str = "network") -> Floats:
        assert self.scenario.financing is not None
        k = list(self.scenario.financing.accounts).index(name)
        return np.asarray(self.books.account[self.draw, :, k][field])

    def filled(self, name: str) -> Floats:
        assert self.scenario.financing is not None
        return np.asarray(
            self.books.posts[self.draw, :, list(self.scenario.financing.posts).index(name)]
        )


def months(loaded: Loaded) -> Months:
    """The strategy's months, without luck."""
    return Months(loaded, settled(loaded).strategy_world)
