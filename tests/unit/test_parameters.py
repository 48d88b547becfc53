"""Parameters: from a scenario's numbers to draws, and to the arrays of the equations."""

from typing import Any

import numpy as np
import pytest
from scipy import stats

from model.draws import sample
from model.loading import Loaded
from model.outcomes import measures
from model.parameters import inputs
from model.problems import BadInput
from model.sampling import Method
from model.worlds import USUAL, by_party
from tests.conftest import central, project, scenario

TEAM = "interventions.team"
ADULTS = {
    "name": "Adults",
    "group": "all",
    "payer": "plan",
    "population": 500,
    "need": {"at_risk": 0.2, "in_crisis": 0.05, "recovery": 0.1, "relief": 0.2},
    "deaths": {"stable": 0, "at_risk": 0, "in_crisis": 0},
    "use": {"visit": 0.05},
}
UNCERTAIN = {
    "segments.adults.need.at_risk": {"uniform": {"low": 0.1, "high": 0.3}},
    "segments.adults.use.visit": {"gamma": {"mean": 0.05, "sd": 0.01}},
    "services.visit.relative_use.in_crisis": {"pert": {"low": 5, "mode": 10, "high": 20}},
    "services.visit.cost": {"lognormal": {"p05": 400, "p95": 600}},
    f"{TEAM}.acceptance": {"beta": {"count": 30, "of": 60}},
}


def built(changes: dict[str, Any], draws: int = 50) -> Any:
    return inputs(sample(scenario(changes), draws, seed=1), slice(0, draws))


# --- use and need


def test_use_by_need_level_averages_to_the_observed_mean() -> None:
    """Use rates by need level average back to the observed segment mean, in every draw."""
    loaded = scenario(UNCERTAIN)
    draws = sample(loaded, 50, seed=1)
    rate = inputs(draws, slice(0, 50)).uses.rate[:, 0, :, 0]
    at_risk = draws.values["segments.adults.need.at_risk"]
    shares = np.stack([0.95 - at_risk, at_risk, np.full(50, 0.05)], axis=1)
    observed = draws.values["segments.adults.use.visit"]
    np.testing.assert_allclose((shares * rate).sum(axis=1), observed, rtol=1e-12)
    np.testing.assert_allclose(rate[:, 1] / rate[:, 0], 3.0)
    relative = draws.values["services.visit.relative_use.in_crisis"]
    np.testing.assert_allclose(rate[:, 2] / rate[:, 0], relative, rtol=1e-12)


def test_stays_become_days() -> None:
    """Services counted in days: admissions x length of stay."""
    stays, days = project(), project({"services.visit.length_of_stay": 4.5})
    np.testing.assert_allclose(days.usual.use, 4.5 * stays.usual.use, rtol=1e-12)


def test_a_segment_that_names_no_use_has_none() -> None:
    assert not project({"segments.adults.use": {}}).usual.use.any()


def test_people_by_need_stay_as_they_are_for_years() -> None:
    """Steady shares: no interventions, movements or trends, entrants by default, ten years."""
    deaths = {"stable": 0.001, "at_risk": 0.002, "in_crisis": 0.01}
    usual = project(
        {"clock.end": "2034-12", "segments.adults.deaths": deaths, "segments.adults.leaving": 0.005}
    ).usual
    expected = np.broadcast_to([750.0, 200.0, 50.0], (120, 3))
    np.testing.assert_allclose(usual.people[0, :, 0], expected, rtol=1e-9)
    np.testing.assert_allclose(usual.use[0, :, 0], 50.0, rtol=1e-9)


def test_draws_of_need_leave_some_people_stable() -> None:
    """Two large shares that are drawn together are scaled down, not below zero."""
    large = {"uniform": {"low": 0.01, "high": 0.97}}
    need = {"at_risk": large, "in_crisis": large, "recovery": 0.1, "relief": 0.2}
    need |= {"onset": 0.1, "escalation": 0.1}
    people = built({"segments.adults.need": need}, 400).communities.people[:, 0]
    assert people.min() > 0.0
    np.testing.assert_allclose(people.sum(axis=1), 1000.0)
    assert people[:, 0].min() == pytest.approx(100.0)


def test_trend_and_shocks_of_use() -> None:
    """Use = rate x (1 + trend)^years x the shocks of the month; an open shock goes on."""
    shocks = [
        {"start": "2024-06", "end": "2025-01", "factor": 0.5},
        {"start": "2025-03", "end": "2025-04", "factor": 2.0},
        {"start": "2026-01", "factor": 0.9},
        {"start": "2020-01", "end": "2020-12", "factor": 0.1},
        {"start": "2030-01", "factor": 0.1},
    ]
    usual = project({"services.visit.shocks": shocks, "services.visit.use_trend": 0.06}).usual
    expected = 50.0 * 1.06 ** (np.arange(24) / 12)
    expected[0] *= 0.5
    expected[2:4] *= 2.0
    expected[12:] *= 0.9
    np.testing.assert_allclose(usual.use[0, :, 0], expected, rtol=1e-9)


# --- prices


def unit_price(changes: dict[str, Any]) -> np.ndarray:
    """What is paid for a visit, by month, over all parties."""
    usual = project(changes).usual
    return usual.payments[0].sum(axis=1) / usual.use[0, :, 0]


def test_price_index_is_applied_once() -> None:
    """A cost of 2015 at prices of 2020: CPI-U (BLS) 258.811 / 237.017, and no more."""
    cost = {"value": 100, "year": 2015}
    paid = unit_price({"services.visit.cost": cost, "prices.year": 2020, "clock.start": "2020-01"})
    np.testing.assert_allclose(paid, 100 * 258.811 / 237.017, rtol=1e-5)


def test_price_trend_starts_in_the_price_year() -> None:
    """From January of the price year on, prices grow by the nominal trend alone."""
    paid = unit_price({"services.visit.price_trend": 0.04, "prices.year": 2023})
    np.testing.assert_allclose(paid, 500 * 1.04 ** (2 + np.arange(24) / 12), rtol=1e-9)


def test_money_that_names_no_year_is_of_the_price_year() -> None:
    np.testing.assert_allclose(unit_price({"prices.year": 2019}), 500.0, rtol=1e-9)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"parties.plan.payment_to_cost": 1.4}, 700.0),
        ({"services.visit.price": {"plan": 320}}, 320.0),
        ({"services.visit.price": {"plan": 320}, "parties.plan.payment_to_cost": 9}, 320.0),
        ({"services.visit.price": {"county": 320}}, 500.0),
    ],
)
def test_price_is_cost_times_payment_to_cost_or_the_payers_own(
    changes: dict[str, Any], expected: float
) -> None:
    """Prices = cost x payment_to_cost, unless the payer has a price of its own."""
    np.testing.assert_allclose(unit_price(changes), expected, rtol=1e-9)


@pytest.mark.parametrize(
    ("payer", "payment", "plan", "county"),
    [
        ("plan", None, 1.0, 0.0),
        ({"plan": 0.3, "county": 0.7}, None, 0.3, 0.7),
        ("plan", {"county": 1.0}, 0.0, 1.0),
        ("plan", {"segment": 0.6, "county": 0.4}, 0.6, 0.4),
        ({"plan": 0.5, "county": 0.5}, {"segment": 0.6, "county": 0.4}, 0.3, 0.7),
        ({"plan": 0.5, "county": 0.5}, {"plan": 0.2, "segment": 0.8}, 0.6, 0.4),
    ],
)
def test_who_pays(payer: Any, payment: Any, plan: float, county: float) -> None:
    """Payer shares: the segment's, the service's own, or a mixture; they add up to 1."""
    changes = {"segments.adults.payer": payer}
    if payment:
        changes["services.visit.payment"] = payment
    both = project(changes)
    paid = by_party(both.scenario, both.usual.payments, True)[0, 0]
    np.testing.assert_allclose(paid / paid.sum(), [plan, county, 0.0], rtol=1e-9, atol=1e-15)
    assert paid.sum() == pytest.approx(50 * 500)


def test_drawn_shares_are_scaled_to_one() -> None:
    """Payer shares sum to 1 in every draw."""
    share = {"beta": {"mean": 0.5, "sd": 0.1}}
    uses = built({"segments.adults.payer": {"plan": share, "county": share}}).uses
    np.testing.assert_allclose(uses.price.sum(axis=3), 500.0, rtol=1e-12)
    assert np.ptp(uses.price[:, 0, 0, 0]) > 10.0


def test_offsets_are_counted_apart() -> None:
    """A service that is no rescue service is paid as an offset and never as rescue spending."""
    both = project({"services.visit.rescue": False, f"{TEAM}.effects.visit.ratio": 1.4})
    assert not by_party(both.scenario, both.usual.payments, True).any()
    assert not by_party(both.scenario, both.strategy.payments, True).any()
    assert by_party(both.scenario, both.usual.payments, False)[0, 0, 0] == pytest.approx(50 * 500)
    added = next(m for m in measures(both) if m[:2] == ("added_offset_spending", "all"))
    assert added.values[0] == pytest.approx((both.strategy.use - both.usual.use).sum() * 500)
    assert added.values[0] > 0.0
    spending = [m for m in measures(both) if m.metric == "rescue_spending" and m.strategy == USUAL]
    assert [m.values.tolist() for m in spending] == [[0.0]]


# --- movements


def moving(served: list[str], rate: float) -> Any:
    """All adults served move to others' segment at the rate, at the end of June 2025."""
    move = {"from": "adults", "to": "others", "rate": rate, "start": "2025-06", "end": "2025-06"}
    return project(
        {
            "segments.others": ADULTS | {"name": "Others"},
            "movements": [move],
            f"{TEAM}.eligible.segments": served,
        }
    )


def test_movement_conserves_people() -> None:
    """Movement conserves people: a fifth of each need level, once, at the month's end."""
    usual = moving(["adults"], 0.2).usual
    np.testing.assert_allclose(usual.people[0, 4], [[750, 200, 50], [375, 100, 25]])
    np.testing.assert_allclose(usual.people[0, 5], [[600, 160, 40], [525, 140, 35]])
    np.testing.assert_allclose(usual.moved[0, 4:7], [[0, 0], [-200, 200], [0, 0]], atol=1e-9)
    np.testing.assert_allclose(usual.people[0].sum(axis=(1, 2)), 1500.0)


def test_movement_carries_service_states_only_where_served() -> None:
    """Who moves to a segment that is not served leaves the service and its protection."""
    stay, away = moving(["adults"], 0.0).strategy, moving(["adults"], 0.25).strategy
    for stock in ("waiting", "enrolled", "protected"):
        kept = getattr(stay, stock)[0, 5, 0]
        assert kept > 0.0
        assert getattr(away, stock)[0, 5, 0] == pytest.approx(0.75 * kept)
    stay = moving(["adults", "others"], 0.0).strategy
    along = moving(["adults", "others"], 0.25).strategy
    for stock in ("waiting", "enrolled", "protected"):
        np.testing.assert_allclose(getattr(along, stock), getattr(stay, stock), rtol=1e-9)


def test_movement_between_its_dates_alone() -> None:
    move = {"from": "adults", "to": "others", "rate": 0.1, "start": "2025-03", "end": "2025-04"}
    usual = project({"segments.others": ADULTS, "movements": [move]}).usual
    assert np.flatnonzero(usual.moved[0, :, 0]).tolist() == [2, 3]


# --- interventions


def test_the_intervention_runs_from_its_first_to_its_last_month() -> None:
    both = project({f"{TEAM}.start": "2025-04", f"{TEAM}.end": "2025-09"}).strategy
    assert np.flatnonzero(both.staff[0, :, 0]).tolist() == [3, 4, 5, 6, 7, 8]
    assert np.flatnonzero(both.referred[0, :, 0]).tolist() == [3, 4, 5, 6, 7, 8]


def test_the_backbones_multipliers() -> None:
    """The backbone's own effect: referral and acceptance raised up to 1, hiring faster to 0.5."""
    multipliers = {"referral": 1.5, "acceptance": 3.0, "time_to_hire": 0.1}
    v = built({"backbone.multipliers": multipliers}, 1).programmes
    assert (v.referral[0, 0], v.acceptance[0, 0], v.time_to_hire[0, 0]) == (
        pytest.approx(0.15),
        1.0,
        0.5,
    )


def test_an_effect_that_follows_another_has_its_draws() -> None:
    stay = {"name": "Stays", "counted_in": "stays", "cost": 1, "preventable": 0.5}
    stay["relative_use"] = {"at_risk": 1, "in_crisis": 1}
    ratio = {"ratio": {"uniform": {"low": 0.5, "high": 0.9}}}
    effects = {"visit": ratio, "stay": {"follows": "visit", "reason": "no study"}}
    published = built({"services.stay": stay, f"{TEAM}.effects": effects}).programmes.published
    np.testing.assert_array_equal(published[:, 0, 0], published[:, 0, 1])
    assert np.ptp(published) > 0.3


# --- draws


@pytest.mark.parametrize("method", ["plain", "lhs"])
def test_a_new_uncertain_number_moves_no_other(method: Method) -> None:
    """A new parameter moves no other draw (plain and lhs), in a scenario."""
    before = sample(scenario(UNCERTAIN), 100, 3, method)
    more = UNCERTAIN | {f"{TEAM}.patience": {"uniform": {"low": 1, "high": 5}}}
    after = sample(scenario(more), 100, 3, method)
    changed = [n for n, v in before.values.items() if not np.array_equal(v, after.values[n])]
    assert changed == [f"{TEAM}.patience"]


def test_a_fixed_number_moves_no_other() -> None:
    loaded, fixed = scenario(UNCERTAIN), scenario(UNCERTAIN | {"services.visit.cost": 500})
    before, after = sample(loaded, 100, 3), sample(fixed, 100, 3)
    changed = [n for n, v in before.values.items() if not np.array_equal(v, after.values[n])]
    assert changed == ["services.visit.cost"]


def correlated(*pairs: tuple[str, str, float]) -> Loaded:
    told = [{"between": [one, other], "rank": rank} for one, other, rank in pairs]
    return scenario(UNCERTAIN | {"correlations": told})


USE, COST = "segments.adults.use.visit", "services.visit.cost"
CRISIS = "services.visit.relative_use.in_crisis"


def test_correlated_numbers() -> None:
    """Rank correlation achieved within four standard errors; margins as written; the first of
    the group and all others unchanged."""
    size = 4000
    free, tied = sample(scenario(UNCERTAIN), size, 3), sample(correlated((USE, COST, 0.6)), size, 3)
    ranks = stats.spearmanr(tied.values[USE], tied.values[COST]).statistic
    assert ranks == pytest.approx(0.6, abs=4 / np.sqrt(size))
    for name in tied.values:
        same = np.array_equal(free.values[name], tied.values[name])
        assert same == (name != COST), name
    assert stats.kstest(tied.values[COST], free.values[COST]).pvalue > 1e-3


def test_contradictory_correlations_are_refused() -> None:
    """Contradictory correlations are bad input, told at the latest when draws are made."""
    impossible = (USE, COST, 0.9), (COST, CRISIS, 0.9), (USE, CRISIS, -0.9)
    with pytest.raises(BadInput, match="correlations"):
        sample(correlated(*impossible), 10, 1)


def test_a_correlation_with_a_fixed_number_is_refused() -> None:
    with pytest.raises(BadInput, match="dotted name of an uncertain number"):
        correlated((USE, "services.visit.preventable", 0.5))


@pytest.mark.parametrize("method", ["plain", "lhs", "sobol"])
def test_draws_have_the_distribution_written(method: Method) -> None:
    """Every draw comes from its distribution, whatever the design: Kolmogorov-Smirnov."""
    values = sample(scenario(UNCERTAIN), 1024, 11, method).values
    known = {
        USE: stats.gamma(a=25, scale=0.002),
        CRISIS: stats.beta(a=1 + 4 * 5 / 15, b=1 + 4 * 10 / 15, loc=5, scale=15),
        COST: stats.lognorm(s=np.log(1.5) / (2 * 1.6448536), scale=np.sqrt(400 * 600)),
        f"{TEAM}.acceptance": stats.beta(31, 31),
        "segments.adults.need.at_risk": stats.uniform(0.1, 0.2),
    }
    for name, distribution in known.items():
        assert stats.kstest(values[name], distribution.cdf).pvalue > 1e-3, name


def test_central_numbers_are_the_means() -> None:
    values = central(scenario(UNCERTAIN)).values
    assert float(values[USE]) == pytest.approx(0.05)
    assert float(values[f"{TEAM}.acceptance"]) == pytest.approx(0.5)
    assert float(values[CRISIS]) == pytest.approx((5 + 4 * 10 + 20) / 6)
