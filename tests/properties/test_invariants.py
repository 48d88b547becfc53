"""What holds in every valid scenario: random ones, with all features switched on or off."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from model.draws import Columns
from model.ensemble import MAY_BE_MISSING, both_worlds, simulate, without_interventions
from model.outcomes import measures
from model.parameters import inputs
from model.problems import BadInput
from model.worlds import Worlds, by_party
from tests.conftest import central, project, scenario, worlds

EXAMPLES = settings(
    max_examples=50,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)


def number(low: float, high: float) -> st.SearchStrategy[float]:
    return st.floats(low, high, allow_nan=False, allow_subnormal=False)


months = st.integers(0, 17).map(lambda k: f"{2025 + k // 12}-{k % 12 + 1:02d}")


@st.composite
def segment(draw: st.DrawFn, services: list[str]) -> dict[str, Any]:
    at_risk = draw(number(0.0, 0.4))
    need: dict[str, Any] = {
        "at_risk": at_risk,
        "in_crisis": draw(number(0.0, 0.2)) if at_risk > 0.0 else 0.0,
        "recovery": draw(number(0.0, 0.3)),
        "relief": draw(number(0.0, 0.4)),
    }
    if draw(st.booleans()):
        need |= {"onset": draw(number(0.0, 0.2)), "escalation": draw(number(0.0, 0.2))}
    written = {
        "name": "People",
        "group": "all",
        "payer": draw(st.sampled_from(["plan", "county", {"plan": 0.25, "county": 0.75}])),
        "population": draw(number(0.0, 1e5)),
        "need": need,
        "deaths": {level: draw(number(0.0, 0.02)) for level in ("stable", "at_risk", "in_crisis")},
        "leaving": draw(number(0.0, 0.02)),
        "use": {service: draw(number(0.0, 2.0)) for service in services},
    }
    if draw(st.booleans()):
        written["entrants"] = draw(number(0.0, 100.0))
    return written


@st.composite
def service(draw: st.DrawFn) -> dict[str, Any]:
    written: dict[str, Any] = {
        "name": "Service",
        "counted_in": "units",
        "rescue": draw(st.booleans()),
        "cost": draw(number(0.0, 5000.0)),
        "relative_use": {"at_risk": draw(number(0.0, 5.0)), "in_crisis": draw(number(0.0, 30.0))},
        "preventable": draw(number(0.0, 1.0)),
        "use_trend": draw(number(-0.05, 0.05)),
        "price_trend": draw(number(-0.02, 0.08)),
    }
    if draw(st.booleans()):
        written["payment"] = {"segment": 0.5, "county": 0.5}
    if draw(st.booleans()):
        written["shocks"] = [{"start": "2025-06", "end": "2025-09", "factor": 0.7}]
    return written


@st.composite
def intervention(draw: st.DrawFn, segments: list[str], services: list[str]) -> dict[str, Any]:
    levels = st.lists(
        st.sampled_from(["stable", "at_risk", "in_crisis"]), min_size=1, max_size=3, unique=True
    )
    places = st.lists(st.sampled_from(segments), min_size=1, unique=True)
    written = {
        "name": "Programme",
        "operator": "network",
        "funded_by": "plan",
        "start": draw(months),
        "eligible": {"segments": draw(places), "need": draw(levels)},
        "referral": draw(number(0.0, 1.0)),
        "acceptance": draw(number(0.0, 1.0)),
        "time_to_enroll": draw(number(0.5, 6.0)),
        "patience": draw(number(0.5, 12.0)),
        "staff": {
            "posts": draw(number(0.0, 50.0)),
            "caseload": draw(number(0.1, 200.0)),
            "time_to_hire": draw(number(0.5, 6.0)),
            "turnover": draw(number(0.0, 0.1)),
        },
        "duration": draw(number(1.0, 36.0)),
        "completion": draw(number(0.0, 1.0)),
        "persistence": draw(number(1.0, 36.0)),
        "follow_up": draw(number(1.0, 24.0)),
        "effects": {name: {"ratio": draw(number(0.2, 1.3))} for name in services},
        "need_effects": {
            key: draw(st.just(1.0) | number(0.5, 2.0))
            for key in ("onset", "escalation", "recovery", "relief")
        },
        "costs": {"per_post": draw(number(0.0, 9000.0)), "in_kind": draw(number(0.0, 100.0))},
    }
    if draw(st.booleans()):
        written["end"] = f"2026-{draw(st.integers(7, 12)):02d}"
    return written


@st.composite
def scenarios(draw: st.DrawFn) -> dict[str, Any]:
    """Changes that make the small scenario any valid one of up to 3 x 2 x 2 parts."""
    segments = ["one", "two", "three"][: draw(st.integers(1, 3))]
    services = ["visit", "stay"][: draw(st.integers(1, 2))]
    teams = ["first", "second"][: draw(st.integers(0, 2))]
    moves = st.fixed_dictionaries(
        {
            "from": st.sampled_from(segments),
            "to": st.sampled_from(segments),
            "rate": number(0, 0.33),
        },
        optional={"start": months},
    ).filter(lambda move: move["from"] != move["to"])
    return {
        "clock.steps_per_month": draw(st.sampled_from([4, 8])),
        "prices": {"year": draw(st.integers(2020, 2026))},
        "segments": {name: draw(segment(services)) for name in segments},
        "services": {name: draw(service()) for name in services},
        "interventions": {name: draw(intervention(segments, services)) for name in teams},
        "movements": draw(st.lists(moves, max_size=3)) if len(segments) > 1 else [],
    }


def projected(changes: dict[str, Any]) -> Worlds:
    """Both worlds; a scenario that asks for a finer step is not an example."""
    loaded = scenario(changes)
    try:
        return worlds(loaded)
    except BadInput as refusal:
        assume("steps_per_month" not in str(refusal))
        raise


@EXAMPLES
@given(scenarios())
def test_people_are_conserved(changes: dict[str, Any]) -> None:
    """People conserved to 1e-9 relative in every segment; waiting, enrolled and protected are
    among them; nobody is negative."""
    both = projected(changes)
    start = inputs(central(both.get.draws.loaded), slice(0, 1)).communities.people[0].sum(axis=1)
    for world in (both.usual, both.strategy):
        people = world.people[0].sum(axis=2)
        flows = (world.entered - world.died - world.left + world.moved)[0]
        before = np.vstack([start, people[:-1]])
        size = np.maximum(before + world.entered[0] + np.abs(world.moved[0]), 1e-6)
        assert (np.abs(before + flows - people) <= 1e-9 * size).all()
        assert (world.people >= 0.0).all()
        for stock in (world.waiting, world.enrolled, world.protected, world.staff):
            assert (stock >= 0.0).all()
        assert np.abs(world.moved.sum(axis=2)).max() <= 1e-9 * max(start.sum(), 1.0)


@EXAMPLES
@given(scenarios())
def test_those_in_service_are_among_the_eligible(changes: dict[str, Any]) -> None:
    """Waiting, enrolled and protected are among the people of the segments that are served."""
    both = projected(changes)
    segments = list(both.scenario.segments)
    for i, programme in enumerate(both.scenario.programmes):
        served = [segments.index(name) for name in programme.eligible.segments]
        people = both.strategy.people[0][:, served].sum(axis=(1, 2))
        inside = (both.strategy.waiting + both.strategy.enrolled + both.strategy.protected)[0, :, i]
        assert (inside <= people * (1.0 + 1e-9) + 1e-9).all()


@EXAMPLES
@given(scenarios())
def test_a_zero_effect_changes_nothing_but_cost(changes: dict[str, Any]) -> None:
    """A zero-effect intervention changes nothing but cost."""
    for programme in changes["interventions"].values():
        programme["effects"] = {name: {"ratio": 1.0} for name in programme["effects"]}
        programme["need_effects"] = {}
    both = projected(changes)
    for name in ("people", "died", "entered", "left", "moved"):
        np.testing.assert_array_equal(getattr(both.usual, name), getattr(both.strategy, name))
    for name in ("use", "payments"):
        usual, strategy = getattr(both.usual, name), getattr(both.strategy, name)
        np.testing.assert_allclose(strategy, usual, rtol=1e-12, atol=1e-12, err_msg=name)


@EXAMPLES
@given(scenarios(), number(1.0, 5.0))
def test_more_capacity_of_one_beneficial_programme_never_raises_use(
    changes: dict[str, Any], more: float
) -> None:
    """With one beneficial programme more capacity never raises rescue use, in any month."""
    assume(changes["interventions"])
    (name, programme), *_ = changes["interventions"].items()
    changes["interventions"] = {name: programme}
    programme["effects"] = {
        service: {"ratio": min(effect["ratio"], 1.0)}
        for service, effect in programme["effects"].items()
    }
    programme["need_effects"] = {}
    before = projected(changes).strategy.use
    programme["staff"] = programme["staff"] | {"posts": more * programme["staff"]["posts"]}
    after = projected(changes).strategy.use
    assert (after <= before * (1.0 + 1e-9) + 1e-9).all()


@EXAMPLES
@given(scenarios())
def test_use_never_falls_below_its_floor(changes: dict[str, Any]) -> None:
    """Use never falls below its preventable floor: (1 - f) x what the same people would use."""
    both = projected(changes)
    bare = inputs(central(both.get.draws.loaded), slice(0, 1))
    preventable = bare.uses.preventable[0]
    unchanged = all(
        not i["need_effects"] or set(i["need_effects"].values()) == {1.0}
        for i in changes["interventions"].values()
    )
    if unchanged:
        floor = (1.0 - preventable) * both.usual.use[0]
        assert (both.strategy.use[0] >= floor * (1.0 - 1e-12)).all()
    # The same paths of people without contact: interventions that change need alone.
    by_need_only = bare._replace(
        programmes=bare.programmes._replace(
            published=np.full_like(bare.programmes.published, np.nan)
        )
    )
    same_people = simulate(both.get, by_need_only).activity
    np.testing.assert_array_equal(same_people.people, both.strategy.people)
    floor = (1.0 - preventable) * same_people.use[0]
    assert (both.strategy.use[0] >= floor * (1.0 - 1e-12)).all()


@EXAMPLES
@given(scenarios())
def test_payments_are_use_at_price(changes: dict[str, Any]) -> None:
    """Payer shares sum: what all parties pay is use x cost x price trend, as every ratio of
    payment to cost is 1; rescue and offsets are counted apart."""
    both = projected(changes)
    clock, year = both.scenario.clock, both.scenario.prices.year
    years = (12 * (2025 - year) + np.arange(clock.months)) / 12.0
    for world in (both.usual, both.strategy):
        paid = {True: np.zeros(clock.months), False: np.zeros(clock.months)}
        for s, written in enumerate(changes["services"].values()):
            price = written["cost"] * (1.0 + written["price_trend"]) ** years
            paid[written["rescue"]] += world.use[0, :, s] * price
        for rescue, expected in paid.items():
            found = by_party(both.scenario, world.payments, rescue)[0].sum(axis=1)
            np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


@EXAMPLES
@given(scenarios())
def test_every_outcome_is_finite(changes: dict[str, Any]) -> None:
    for measure in measures(projected(changes)):
        missing = measure.metric in MAY_BE_MISSING
        assert missing or np.isfinite(measure.values).all(), measure


@EXAMPLES
@given(scenarios())
def test_steady_shares(changes: dict[str, Any]) -> None:
    """Steady shares: left to themselves, with the defaults, people by need stay as they are."""
    changes["movements"] = []
    for written in changes["segments"].values():
        for key in ("onset", "escalation"):
            written["need"].pop(key, None)
        written.pop("entrants", None)
    both = projected(changes)
    start = inputs(central(both.get.draws.loaded), slice(0, 1)).communities
    # Where a level with higher deaths is emptied faster than it can be filled, no onset is steady.
    assume((start.onset > 0.0).all() and (start.escalation > 0.0).all())
    np.testing.assert_allclose(
        both.usual.people[0], np.broadcast_to(start.people, both.usual.people[0].shape), rtol=1e-9
    )


def test_without_interventions_is_usual_care() -> None:
    """Usual care is the scenario with nobody served, and the scenario that has no interventions."""
    loaded, bare = scenario(), scenario({"interventions": {}})
    usual = both_worlds(central(loaded), slice(0, 1)).usual
    one = central(bare)
    idle = without_interventions(inputs(one, slice(0, 1)))
    none = simulate(Columns(one, slice(0, 1)), idle).activity
    np.testing.assert_array_equal(usual.use, none.use)
    np.testing.assert_array_equal(usual.payments, none.payments)


def test_a_step_that_empties_a_stock_is_refused() -> None:
    """Nobody is negative: all eligible people are referred in one step while some of them die."""
    team = "interventions.team"
    slow = dict.fromkeys(("time_to_enroll", "patience", "duration", "persistence"), 10)
    changes = {f"{team}.{key}": value for key, value in slow.items()} | {
        "clock.steps_per_month": 1,
        f"{team}.referral": 1.0,
        f"{team}.acceptance": 1.0,
        f"{team}.staff": {"posts": 0, "caseload": 30, "time_to_hire": 10, "turnover": 0},
        "segments.adults.deaths": {"stable": 0.05, "at_risk": 0.05, "in_crisis": 0.05},
        "segments.adults.entrants": 0,
    }
    with pytest.raises(BadInput, match="steps_per_month"):
        project(changes)
