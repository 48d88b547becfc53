"""Savings by hand: what is avoided, used again, kept in a budget, and paid for programmes."""

from typing import Any

import numpy as np
import pytest

from model.freed import back_filled, freed_of
from model.outcomes import measures, not_freed
from model.totals import over_months
from model.worlds import Worlds, by_party
from tests.conftest import project

# A programme from the first month for everybody in need, without trends: visits fall steadily.
LARGE: dict[str, Any] = {"interventions.team.staff.posts": 20, "clock.end": "2028-12"}


def found(w: Worlds) -> dict[tuple[str, str, str], float]:
    return {(m.metric, m.subject, m.strategy): float(m.values[0]) for m in measures(w)}


def units(w: Worlds) -> tuple[float, float]:
    return float(w.usual.use[0, :, 0].sum()), float(w.strategy.use[0, :, 0].sum())


def test_a_payer_avoids_units_at_its_price() -> None:
    """500 USD of cost x payment_to_cost 0.8 for each visit that does not take place."""
    w = project(LARGE | {"parties.plan.payment_to_cost": 0.8})
    usual, strategy = units(w)
    assert usual > strategy
    avoided = found(w)["avoided_rescue_spending", "plan", "difference"]
    assert avoided == pytest.approx((usual - strategy) * 400)


def test_back_fill_charges_the_payers_of_all_users() -> None:
    """A quarter is used again: with one payer and rising prices it pays a quarter back."""
    w = project(LARGE | {"services.visit.back_fill": 0.25, "services.visit.price_trend": 0.05})
    told = found(w)
    avoided = told["avoided_rescue_spending", "plan", "difference"]
    assert told["not_freed", "plan", "difference"] == pytest.approx(0.25 * avoided)
    assert told["net_saving", "plan", "difference"] == pytest.approx(
        0.75 * avoided - told["programme_cost", "plan", "difference"]
    )


def test_nobody_gains_where_use_rises() -> None:
    """A harmful programme: more use crowds nobody out, and its whole cost is the provider's."""
    harm = {
        "interventions.team.effects": {"visit": {"ratio": 1.3}},
        "services.visit.back_fill": 0.5,
    }
    w = project(LARGE | harm | {"services.visit.provider": "county"})
    assert units(w)[1] > units(w)[0]
    assert not back_filled(w).any()
    variable = freed_of(w).variable[0]
    assert float(variable.sum()) == pytest.approx(500 * (units(w)[0] - units(w)[1]))


def test_a_budget_keeps_all_but_the_marginal_cost() -> None:
    """The county bears its own cost: a fifth is marginal, half is back-filled, no block closes."""
    own = {
        "services.visit.payment": {"county": 1},
        "services.visit.marginal_share": 0.2,
        "services.visit.back_fill": 0.5,
        "parties.county.pays": "budget",
    }
    w = project(LARGE | own)
    told = found(w)
    avoided = told["avoided_rescue_spending", "county", "difference"]
    assert told["not_freed", "county", "difference"] == pytest.approx(0.9 * avoided)
    assert told["freed_budget_cost", "all", "difference"] == pytest.approx(0.1 * avoided)
    assert told["net_saving", "county", "difference"] == pytest.approx(0.1 * avoided)


def test_fixed_cost_leaves_in_whole_blocks_once_use_has_stayed_low() -> None:
    """Blocks of two visits a month after three months: the least fall of the last three, halved
    and rounded down; the cost less its marginal fifth."""
    capacity = {"size": {"value": 2, "unit": "units/month"}, "delay": 3}
    w = project(LARGE | {"services.visit.capacity": capacity, "services.visit.marginal_share": 0.2})
    freed = (w.usual.use - w.strategy.use)[0, :, 0]
    window = [min(freed[max(m - 3, 0) : m + 1]) if m >= 3 else 0.0 for m in range(freed.size)]
    expected = np.floor(np.maximum(window, 0.0) / 2) * 2 * 500 * 0.8
    released = freed_of(w).released[0]
    assert expected.max() > 0
    np.testing.assert_allclose(released[0], expected)


def test_who_is_still_served_is_paid_for() -> None:
    """After its end the team has no staff and 30 people a post are still served for a while."""
    ended = {"interventions.team.end": "2025-12", "interventions.team.costs": {"per_post": 3000}}
    w = project(LARGE | ended)
    served = w.strategy.enrolled_months[0, 12:, 0]
    assert served.sum() > 10
    assert not w.strategy.staff_months[0, 12:, 0].any()
    cost = found(w)["programme_cost", "plan", "difference"]
    running = np.maximum(
        w.strategy.staff_months[0, :12, 0], w.strategy.enrolled_months[0, :12, 0] / 30
    )
    assert cost == pytest.approx(3000 * (running.sum() + served.sum() / 30))


def test_parts_add_up() -> None:
    """Net = avoided - added care - not freed - programme cost, and parties add up to all."""
    w = project(LARGE | {"services.visit.back_fill": 0.3, "parties.county.pays": "budget"})
    told = found(w)
    for subject in ("plan", "all"):
        parts = [
            told.get((metric, subject, "difference"), 0.0)
            for metric in ("added_offset_spending", "not_freed", "programme_cost")
        ]
        avoided = told["avoided_rescue_spending", subject, "difference"]
        assert told["net_saving", subject, "difference"] == pytest.approx(avoided - sum(parts))
    fewer = over_months(w.usual.payments) - over_months(w.strategy.payments)
    avoided_all = by_party(w.scenario, fewer, rescue=True)
    assert not_freed(w, avoided_all, freed_of(w)).shape == (1, 3)
