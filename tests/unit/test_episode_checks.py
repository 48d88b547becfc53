"""What the episodes refuse, and how it is told."""

from pathlib import Path
from typing import Any

import pytest

from model.draws import central
from model.episodes import case_of, prepare
from model.episodes.case import LEVELS
from model.episodes.checks import ever_there, with_interventions
from model.loading import load
from model.problems import BadInput, Problem
from tests.conftest import scenario

STARTER = Path(__file__).parents[2] / "scenarios" / "starter.yaml"


def told(changes: dict[str, Any]) -> tuple[Problem, ...]:
    with pytest.raises(BadInput) as refused:
        prepare(scenario(changes))
    return refused.value.problems


def test_a_good_scenario_is_taken() -> None:
    assert prepare(scenario()).months == 24
    with_interventions(scenario())


def test_no_intervention_is_told() -> None:
    with pytest.raises(BadInput) as refused:
        with_interventions(scenario({"interventions": {}}))
    (problem,) = refused.value.problems
    assert problem.key == "interventions"
    assert problem.found == "no intervention"


@pytest.mark.parametrize(
    ("key", "part"),
    [("staff.posts", "posts"), ("referral", "referral"), ("acceptance", "acceptance")],
)
def test_an_intervention_that_serves_nobody_is_told(key: str, part: str) -> None:
    (problem,) = told({f"interventions.team.{key}": 0})
    assert problem.key == f"interventions.team.{key}"
    assert problem.found.startswith("0 (")
    assert part in problem.found
    assert "nobody" in problem.found


def test_a_rule_that_selects_nobody_is_told() -> None:
    """Nobody is, becomes or arrives in crisis: who could be is said."""
    nobody = {"at_risk": 0.2, "in_crisis": 0, "recovery": 0.1, "relief": 0.2}
    rule = {"segments": ["adults"], "need": ["in_crisis"]}
    changes = {"segments.adults.need": nobody, "interventions.team.eligible": rule}
    (problem,) = told(changes)
    assert problem.key == "interventions.team.eligible"
    assert problem.found == "a rule that selects nobody"
    assert "adults (stable, at_risk)" in problem.allowed


def test_who_can_come_is_not_nobody() -> None:
    """An empty segment into which others move has somebody; one that nobody enters has none."""
    empty = {
        "name": "Elders",
        "group": "all",
        "payer": "plan",
        "population": 0,
        "need": {"at_risk": 0, "in_crisis": 0, "recovery": 0, "relief": 0},
        "deaths": {"stable": 0, "at_risk": 0, "in_crisis": 0},
        "use": {"visit": 0.05},
    }
    rule = {"segments": ["elders"]}
    alone = {"segments.elders": empty, "interventions.team.eligible": rule}
    (problem,) = told(alone)
    assert problem.key == "interventions.team.eligible"
    assert "elders" not in problem.allowed
    moved = alone | {"movements": [{"from": "adults", "to": "elders", "rate": 0.01}]}
    case = prepare(scenario(moved))
    assert ever_there(case)[LEVELS:].all()


def test_a_misnamed_service_is_told_with_the_nearest() -> None:
    stays, amounts = told({"episodes": {"stays": {"visits": 3}, "amounts": {"vist": 1}}})
    assert {stays.key, amounts.key} == {"episodes.stays.visits", "episodes.amounts.vist"}
    assert stays.nearest == amounts.nearest == "visit"
    assert "visit" in stays.allowed


def test_a_stay_of_a_visit_is_told() -> None:
    (problem,) = told({"episodes": {"stays": {"visit": 3}}})
    assert problem.key == "episodes.stays.visit"
    assert "counted in visits" in problem.found
    changes = {"services.visit.counted_in": "days", "services.visit.length_of_stay": 3}
    (twice,) = told(changes | {"episodes": {"stays": {"visit": 3}}})
    assert "services.visit.length_of_stay" in twice.allowed
    assert (
        prepare(
            scenario({"services.visit.counted_in": "stays", "episodes": {"stays": {"visit": 3}}})
        ).scatter.stay[0]
        > 0.0
    )


def test_the_place_in_the_file_is_told() -> None:
    """All at once, each at its line."""
    with pytest.raises(BadInput) as refused:
        prepare(load(STARTER, ["episodes.stays.nowhere=2"]))
    (problem,) = refused.value.problems
    assert problem.key == "episodes.stays.nowhere"
    name = next(iter(load(STARTER).scenario.interventions))
    with pytest.raises(BadInput) as refused:
        prepare(load(STARTER, [f"interventions.{name}.staff.posts=0"]))
    assert f"interventions.{name}.staff.posts" in str(refused.value)


def test_a_case_of_one_draw_is_not_checked() -> None:
    """A draw may make zero of a number that is not zero: that is luck, and no mistake."""
    assert case_of(central(scenario({"interventions.team.staff.posts": 0})), 0).months == 24
