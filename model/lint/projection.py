"""A central projection: one draw, numbers at their means and published effects at their medians.

Enough to see an order of magnitude within a second; intervals are the business of `headwater run`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, cached_property
from typing import Any, NamedTuple

import numpy as np

from model import deals
from model.draws import Draws
from model.ensemble import both_worlds
from model.finance.measurement import Noise
from model.loading import Loaded
from model.luck import luck
from model.money_plan import financing_of
from model.outcomes import measures
from model.worlds import Worlds

ONE = slice(0, 1)


class Alone(NamedTuple):
    """What one intervention does when the others have no staff."""

    served: float  # person-years
    saving: float  # USD a person-year at the scenario's prices, net of added care
    avoided: float  # USD over the horizon, net of added care
    cost: float  # USD over the horizon


class Settled(NamedTuple):
    """A shared-savings contract on true savings, and what chance makes of it."""

    members: float  # mean of the years that are settled
    rate: float  # true savings / cost of the attributed members, all years
    best: float  # the same, in the best year
    minimum: Callable[[float], float]  # minimum savings rate at a number of members
    noise: Noise  # the error of the benchmark's trend inside
    selection: float  # how far the benchmark is too high


class Projection:
    """The strategy whole, and each intervention alone."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded, self.scenario = loaded, loaded.scenario
        self._luck = luck(self.scenario, 1, 0)

    def _worlds(self, idle: frozenset[str] = frozenset()) -> Worlds:
        """Both worlds; interventions named in `idle` have no staff."""
        values = {name: np.asarray(p.central) for name, p in self.loaded.parameters.items()}
        values |= {n: np.asarray(e.quantile([0.5])[0]) for n, e in self.loaded.effects.items()}
        values |= {f"interventions.{name}.staff.posts": np.asarray(0.0) for name in idle}
        return both_worlds(Draws(self.loaded, 1, 0, "plain", values, self._luck), ONE)

    @cached_property
    def whole(self) -> Worlds:
        return self._worlds()

    @cache  # noqa: B019  a projection lives as long as one check
    def alone(self, name: str) -> Alone:
        others = frozenset(self.scenario.interventions) - {name}
        w = self._worlds(others) if others else self.whole
        told = {(m.metric, m.subject): float(m.values[0]) for m in measures(w)}
        served = told["person_years_served", name]
        at_base = float((w.usual.base_payments - w.strategy.base_payments).sum())
        return Alone(
            served,
            at_base / served if served > 0.0 else 0.0,
            told["avoided_rescue_spending", "all"] - told["added_offset_spending", "all"],
            told["intervention_cost", name],
        )

    def savings_rates(self) -> dict[str, float]:
        """True savings of each payer as a share of all that it spends."""
        found = (m for m in measures(self.whole) if m.metric == "savings_rate")
        return {m.subject: float(m.values[0]) for m in found}

    def settled(self, name: str) -> Settled | None:
        """A contract on shared savings; None where no year of it ends within the horizon."""
        w, f = self.whole, financing_of(self.scenario)
        contract, h = f.contracts[name], list(f.contracts).index(name)
        years: Any = w.strategy_world.books.settled[0, h, : contract.years]
        years = years[years["usual_cost"] > 0.0]
        if not len(years):
            return None
        rates = years["true_saving"] / years["usual_cost"]
        benchmark = contract.benchmark

        def minimum(members: float) -> float:
            return float(deals.minimum_rates(w.get, contract, name, np.array([[members]]))[0, 0])

        trend_error = benchmark.trend_error.central if benchmark else 0.0
        area = math.hypot(float(deals.area_sd(w.get, contract, name)[0]), trend_error)
        cv = float(deals.variation(self.scenario, w.get, name)[0])
        return Settled(
            float(years["members"].mean()),
            float(years["true_saving"].sum() / years["usual_cost"].sum()),
            float(rates.max()),
            minimum,
            Noise(cv, area, float(deals.chance_of_baseline(w.get, contract, name)[0])),
            benchmark.selection.central if benchmark else 0.0,
        )
