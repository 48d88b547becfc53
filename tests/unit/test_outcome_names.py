"""Outcomes in words, and the list of what can be asked for."""

from pathlib import Path

import pytest

from model.loading import load
from model.wanted import known, plan
from report.outcome_names import WORDS, matching, names_of, outcome

ROOT = Path(__file__).parents[2]
MIX = ROOT / "scenarios" / "jackson_mix.yaml"


@pytest.mark.parametrize("name", ["jackson_mix", "jackson", "starter"])
def test_every_outcome_of_a_shipped_scenario_has_words(name: str) -> None:
    found = known(load(ROOT / "scenarios" / f"{name}.yaml"))
    assert found
    assert {one.metric for one in found} <= set(WORDS)


def test_an_outcome_in_words() -> None:
    names = names_of(load(MIX))
    told = outcome("p_insolvent:backbone@2027-12", names)
    assert told == "chance to be insolvent: Jackson Collaborative Network, December 2027"
    assert outcome("avoided_rescue_spending", names) == "rescue spending avoided: all together"
    step = outcome("waterfall:medicaid_plan_savings.03_benchmark_error", names)
    assert step.endswith("Shared savings with one Medicaid plan: benchmark error")


def test_what_is_listed_can_be_asked_for() -> None:
    loaded = load(ROOT / "scenarios" / "starter.yaml")
    found = known(loaded)
    whole = [f"{one.metric}:{one.subjects[-1]}" for one in found if not one.monthly]
    monthly = [f"{one.metric}:{one.subjects[0]}@2026-12" for one in found if one.monthly]
    asked = plan(loaded, [*whole, *monthly])
    assert [output.name for output in asked.outputs] == [*whole, *monthly]


def test_words_narrow_the_list_down() -> None:
    loaded = load(MIX)
    names, found = names_of(loaded), known(loaded)
    few = matching(found, ["INSOLVENT", "collaborative"], names)
    assert {(one.metric, one.subjects) for one in few} == {
        ("p_insolvent", ("backbone",)),
        ("insolvent", ("backbone",)),
    }
    assert matching(found, ["nothing_of_the_kind"], names) == []
