"""Sensitivity: known functions, and what a study says of a scenario."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import qmc

from model.distributions import Floats
from model.draws import sample, value_at
from model.loading import SHIPPED, load
from model.problems import BadInput
from model.sensitivity import morris, oneway, sobol, study
from model.sensitivity.bootstrap import Resampled, trust
from model.sensitivity.factors import Factor, by_meaning, factors, levers, role
from tests.conftest import scenario

STARTER = SHIPPED / "starter.yaml"
EFFECTS = "interventions.health_workers.effects"
Function = Callable[[Floats], Floats]


def ishigami(u: Floats) -> Floats:
    """Ishigami & Homma (1990) with a = 7, b = 0.1, on uniform numbers."""
    x = np.pi * (2.0 * u - 1.0)
    return np.asarray(
        np.sin(x[:, 0]) + 7.0 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])
    )


def saltelli(f: Function, count: int, base: int) -> Floats:
    """Values [variant, draw] in the order of the design: A, A with each column of B, B."""
    points = qmc.Sobol(2 * count, scramble=True, rng=3).random(base)
    a, b = points[:, :count], points[:, count:]
    mixed = [np.where(np.arange(count) == k, b, a) for k in range(count)]
    return np.stack([f(x) for x in (a, *mixed, b)])


def numbered(count: int) -> list[Factor]:
    return [Factor(f"x{k}", (f"x{k}",), "other", "fact") for k in range(count)]


# --- known functions


def test_sobol_indices_of_ishigami() -> None:
    """First order 0.3139, 0.4424, 0; total 0.5576, 0.4424, 0.2437 (Saltelli et al. 2008)."""
    found = sobol.indices(saltelli(ishigami, 3, 4096), 1)
    assert found is not None
    np.testing.assert_allclose(found.first.values, [0.3139, 0.4424, 0.0], atol=0.03)
    np.testing.assert_allclose(found.total.values, [0.5576, 0.4424, 0.2437], atol=0.03)
    for order, exact in (
        (found.first, [0.3139, 0.4424, 0.0]),
        (found.total, [0.5576, 0.4424, 0.2437]),
    ):
        low, high = order.interval()
        assert (low - 0.01 <= exact).all()
        assert (exact <= high + 0.01).all()


def test_sobol_indices_of_the_g_function() -> None:
    """Sobol's g with a = 0, 1, 9, 99: V_i = 1/3/(1+a)^2 over the product's variance."""
    a = np.array([0.0, 1.0, 9.0, 99.0])

    def g(u: Floats) -> Floats:
        return np.asarray(((np.abs(4.0 * u - 2.0) + a) / (1.0 + a)).prod(axis=1))

    part = 1.0 / 3.0 / (1.0 + a) ** 2
    whole = (1.0 + part).prod() - 1.0
    total = part * (1.0 + part).prod() / (1.0 + part) / whole
    found = sobol.indices(saltelli(g, 4, 4096), 1)
    assert found is not None
    np.testing.assert_allclose(found.first.values, part / whole, atol=0.03)
    np.testing.assert_allclose(found.total.values, total, atol=0.03)


def test_what_does_not_vary_has_no_indices() -> None:
    assert sobol.indices(np.ones((4, 64)), 1) is None


def test_morris_of_a_straight_line() -> None:
    """Of a linear function every move over 2/3 of the range changes it by 2/3 of the slope."""
    three = numbered(3)
    x = morris.trajectories(three, 20, 1)
    y = x @ np.array([3.0, -1.5, 0.0])
    found = morris.effects(three, x, y, 1)
    np.testing.assert_allclose(found.values, [2.0, 1.0, 0.0], atol=1e-12)
    low, high = found.interval()
    np.testing.assert_allclose(high - low, 0.0, atol=1e-12)


# --- trust


def test_a_ranking_is_trusted_as_far_as_resamples_keep_it() -> None:
    rng = np.random.default_rng(1)
    values = np.array([0.2, 0.6, 0.19, 0.0])
    tight = Resampled(values, values + 0.01 * rng.normal(size=(400, 4)))
    judged = trust(tight, 1000)
    assert (judged.leading, judged.enough) == (1, True)
    wide = Resampled(values, values + 0.1 * rng.normal(size=(400, 4)))
    judged = trust(wide, 1000)
    assert not judged.enough
    # Half-width 0.16 to 0.05: (0.164 / 0.05)^2 times as many runs.
    assert judged.needed == pytest.approx(1000 * (1.645 * 0.1 / 0.05) ** 2, rel=0.2)
    # Each place alone is sure in 93 of 100 resamples, both at once in 86.
    places = np.tile([0.5, 0.4, 0.1], (100, 1))
    places[:7, 0], places[7:14, 1] = 0.0, 0.0
    assert trust(Resampled(np.array([0.5, 0.4, 0.1]), places), 1000).leading == 1
    level = Resampled(np.array([0.3, 0.3]), 0.3 + 0.1 * rng.normal(size=(400, 2)))
    assert trust(level, 1000).leading == 0


# --- factors


def test_levers_are_apart_from_facts() -> None:
    assert role("interventions.team.staff.posts") == "lever"
    assert role("financing.dues.members.amount") == "lever"
    assert role("segments.adults.use.visit") == "fact"
    loaded = load(STARTER)
    assert {f.name for f in levers(loaded)} == {
        "interventions.health_workers.staff.posts",
        "interventions.health_workers.staff.caseload",
    }
    assert all(f.role == "fact" for f in factors(loaded))


def test_tied_numbers_are_one_factor_and_chance_is_another() -> None:
    loaded = load(SHIPPED / "jackson_mix.yaml")
    found = factors(loaded)
    names = [name for f in found for name in f.members]
    assert sorted(names) == sorted(loaded.uncertain)
    assert found[-1].role == "chance"
    tied = [f for f in found if len(f.members) > 1]
    pairs = {frozenset(c.between) for c in loaded.scenario.correlations}
    for pair in pairs:
        assert any(pair <= set(f.members) for f in tied)
    assert {name for f in tied for name in f.members} == set().union(*pairs)
    grouped = by_meaning(found)
    assert sorted(n for f in grouped for n in f.members) == sorted(names)
    assert len(grouped) < 15


# --- a study of a scenario


@pytest.mark.parametrize("method", study.METHODS)
def test_the_effects_matter_most_in_the_starter(method: study.Method) -> None:
    samples = {"tornado": 16, "sobol": 64, "morris": 10}.get(method, 200)
    [found] = study.run(load(STARTER), method, ["net_saving:all"], samples, 1)
    facts = [row for row in found.rows if row.factor.role == "fact"]
    assert {row.factor.name for row in facts[:2]} == {
        f"{EFFECTS}.inpatient_stay",
        f"{EFFECTS}.ed_visit",
    }
    assert found.runs == study.runs(load(STARTER), method, samples)
    for row in found.rows:
        assert row.low <= row.value <= row.high
    again = study.run(load(STARTER), method, ["net_saving:all"], samples, 1)[0]
    assert [r._replace(factor=None) for r in again.rows] == [  # type: ignore[arg-type]
        r._replace(factor=None)
        for r in found.rows  # type: ignore[arg-type]
    ]


def test_a_bar_is_the_outcome_with_the_number_at_its_ends() -> None:
    """One-way bars against two scenarios in which the number is written down."""
    loaded = load(STARTER)
    [found] = study.run(loaded, "tornado", ["net_saving:all"], 8, 1)
    posts = next(r for r in found.rows if r.factor.name.endswith("staff.posts"))
    assert posts.ends is not None
    assert posts.outcome is not None
    assert posts.ends == pytest.approx((0.8 * 4, 1.2 * 4))
    from model.ensemble import run

    for end, at in zip(posts.ends, posts.outcome, strict=True):
        written = load(STARTER, [f"interventions.health_workers.staff.posts={end}"])
        assert run(written, 8, 1).values("net_saving:all").mean() == pytest.approx(at, rel=1e-12)


def test_tied_numbers_move_together() -> None:
    """At the first one's 95th percentile the other is at the median that goes with it."""
    loaded = load(SHIPPED / "jackson.yaml")
    tied = next(f for f in factors(loaded) if len(f.members) == 2)
    low, high = oneway.ends(loaded, tied)
    for name in tied.members:
        assert low[name] != high[name]
    draws = sample(loaded, 4000, 1)
    first, second = (draws.values[name] for name in tied.members)
    near = np.abs(first - high[tied.members[0]]) < 0.02 * np.ptp(first)
    assert np.median(second[near]) == pytest.approx(high[tied.members[1]], rel=0.05)


def test_morris_moves_tied_numbers_as_the_tornado_does() -> None:
    """Rank 0.5: the other at the quantile normal(2 sin(pi / 12) z) of the first one's z."""
    loaded = load(SHIPPED / "jackson.yaml")
    first, second = "services.ed_visit.cost", "services.inpatient_stay.cost"
    varied = factors(loaded)
    draws = morris.along(loaded, varied, morris.trajectories(varied, 6, 1), 1)
    # By hand: z(0.05) = -1.6449, z(0.35) = -0.3853; rho = 2 sin(15 degrees) = 0.51764.
    by_hand = {first: (0.05, 0.35, 0.65, 0.95), second: (0.19725, 0.42095, 0.57905, 0.80275)}
    for name, quantiles in by_hand.items():
        found = np.unique(draws.values[name])
        np.testing.assert_allclose(found, [value_at(loaded, name, q) for q in quantiles], rtol=2e-4)


def test_a_swing_of_a_u_shape_is_not_nothing() -> None:
    """Both ends 4 above what is drawn: high less low is 0, the outcome moves by 4 or 5."""
    base = np.array([1.0, 2.0, 3.0])
    assert oneway.swing(base, base + 4.0, base + 5.0).mean() == 5.0
    assert oneway.swing(base, base + 4.0, base + 4.0).mean() == 4.0
    assert oneway.swing(base, base - 1.0, base + 2.0).mean() == 3.0


def test_what_numbers_make_alone_is_not_the_sum_of_the_positive_ones() -> None:
    """Forty numbers without influence, first orders of +-0.1 by accident: about nothing."""
    rng = np.random.default_rng(3)
    resamples = 0.1 * rng.normal(size=(200, 40))
    value, low, high = sobol.alone(Resampled(resamples[0], resamples))
    assert value == pytest.approx(resamples[0].sum())
    assert high - low == pytest.approx(2.0 * 1.645 * 0.1 * 40**0.5, rel=0.3)


def test_a_lever_is_no_fact_in_a_group() -> None:
    two = [
        Factor("a", ("a",), "money", "fact"),
        Factor("b", ("b",), "money", "lever"),
        Factor("c", ("c",), "money", "fact"),
    ]
    assert [(f.name, f.role, f.members) for f in by_meaning(two)] == [
        ("money", "fact", ("a", "c")),
        ("money: levers", "lever", ("b",)),
    ]


def test_sobol_shares_of_chance() -> None:
    """A grant that comes or does not, and nothing else uncertain: all of it is chance."""
    loaded = load(SHIPPED / "jackson_mix.yaml")
    [found] = study.run(loaded, "sobol", ["contract_payment:medicaid_plan_savings"], 32, 1, True)
    by_name = {row.factor.name: row for row in found.rows}
    assert by_name["chance"].value > 0.5
    assert found.runs == 32 * (len(by_name) + 2)


def test_bad_questions_are_told() -> None:
    loaded = load(STARTER)
    with pytest.raises(BadInput, match="net_saving"):
        study.run(loaded, "sobol", ["net_savin:all"], 16)
    with pytest.raises(BadInput, match="one of: "):
        study.run(loaded, "sobol", ["npv:backbon"], 16)
    with pytest.raises(BadInput, match="a month from 2025-01 to 2029-12"):
        study.run(loaded, "sobol", ["use:ed_visit@2031-01"], 16)
    with pytest.raises(BadInput, match="--groups"):
        study.run(loaded, "morris", ["net_saving:all"], 16, 1, True)
    with pytest.raises(BadInput, match="at least one distribution"):
        study.run(scenario(), "sobol", ["net_saving:all"], 16)
