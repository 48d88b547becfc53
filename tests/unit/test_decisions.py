"""Decisions, whom to ask, and pilots of the value of information."""

import numpy as np
import pytest

from model.loading import SHIPPED, load
from model.problems import BadInput
from model.voi import decisions
from model.voi.answer import answer, as_json
from model.voi.asks import ALL_FACTS, asks
from model.voi.pilots import OVERDISPERSION, pilot, usual_rate
from report.voi import page, sentences
from tests.conftest import SMALL, scenario

STARTER = SHIPPED / "starter.yaml"
FUND = "fund:health_workers"
EFFECT = "interventions.health_workers.effects.ed_visit"


def test_options_share_their_draws() -> None:
    made = decisions.named(load(STARTER), FUND, 50, 3)
    none, fund = made.draws
    assert [option.name for option in made.options] == ["do not fund", "fund"]
    assert not none.scenario.interventions
    for name in none.values:
        assert np.array_equal(none.values[name], fund.values[name]), name


def test_funding_nothing_is_worth_nothing_and_funding_is_the_scenario() -> None:
    made = decisions.named(load(STARTER), FUND, 40, 1)
    told = decisions.benefits(made, "npv:medicaid_plan")
    assert told.shape == (1, 40, 2)
    assert not told[0, :, 0].any()
    assert (told[0, :, 1] < 0.0).all()
    both = decisions.benefits(made, "npv:medicaid_plan - npv:hospital")[0, :, 1]
    hospital = decisions.benefits(made, "npv:hospital")[0, :, 1]
    assert both == pytest.approx(told[0, :, 1] - hospital)


def test_one_of_several() -> None:
    other = SMALL["interventions"]["team"] | {"name": "Other"}
    loaded = scenario({"interventions.other": other})
    made = decisions.named(loaded, "fund:team,other", 10, 1)
    served = [list(option.loaded.scenario.interventions) for option in made.options]
    assert served == [[], ["team"], ["other"]]


def test_luck_is_averaged_over_and_counted_for_perfect_information() -> None:
    loaded = load(SHIPPED / "jackson_mix.yaml")
    made = decisions.named(loaded, "sign:medicaid_plan_savings", 20, 1)
    cost = "npv:backbone - staff_time_cost:contracts.medicaid_plan_savings"
    told = decisions.benefits(made, cost, lucks=2)
    assert told.shape == (2, 20, 2)
    assert not np.array_equal(told[0], told[1])
    again = decisions.benefits(made, cost)
    assert np.array_equal(again[0], told[0])


def test_what_an_option_lacks_counts_as_nothing() -> None:
    """Without the contract there is no such outcome at all."""
    loaded = load(SHIPPED / "jackson_mix.yaml")
    made = decisions.named(loaded, "sign:medicaid_plan_savings", 12, 1)
    cost = decisions.benefits(made, "staff_time_cost:contracts.medicaid_plan_savings", lucks=2)
    assert cost.shape == (2, 12, 2)
    assert not cost[:, :, 0].any()
    assert (cost[:, :, 1] > 0.0).all()
    both = decisions.benefits(
        made, "npv:backbone - staff_time_cost:contracts.medicaid_plan_savings", lucks=2
    )
    left = decisions.benefits(made, "npv:backbone", lucks=2)
    assert both == pytest.approx(left - cost)


def test_what_is_no_present_value_is_told_with_how_much_it_counts_too_much() -> None:
    assert decisions.undiscounted("npv:a - staff_time_cost:b + benefit:c") == ("staff_time_cost:b",)
    loaded = load(SHIPPED / "jackson_mix.yaml")
    rate = loaded.parameters["financing.discount_rate"].central
    months = loaded.scenario.clock.months
    force = np.log1p(rate) / 12.0  # an annuity of 1/months a month, by its closed form
    known = (1.0 - np.exp(-force * months)) / np.expm1(force) / months
    assert decisions.worth_if_even(loaded) == pytest.approx(known)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("fund:health_worker", "did you mean `health_workers`"),
        ("sign:anything", "this scenario has no contract to sign"),
        ("buy:health_workers", "fund:INTERVENTION"),
        ("fund", "fund:INTERVENTION"),
    ],
)
def test_a_decision_that_is_not_there(words: str, said: str) -> None:
    with pytest.raises(BadInput, match="--decision") as told:
        decisions.named(load(STARTER), words, 10, 1)
    assert said in str(told.value)


def test_a_value_that_is_a_chance_is_told_to_be_none_in_usd() -> None:
    made = decisions.named(load(SHIPPED / "jackson.yaml"), "fund:supportive_housing", 10, 1)
    with pytest.raises(BadInput, match=r"a share or a chance.*USD"):
        decisions.benefits(made, "p_insolvent:backbone")


@pytest.mark.parametrize(
    "words", ["npv:nobody", "use:ed_visit", "npv:hospital -", "", "p_insolvent"]
)
def test_a_value_that_is_none(words: str) -> None:
    made = decisions.named(load(STARTER), FUND, 10, 1)
    with pytest.raises(BadInput, match="--value"):
        decisions.benefits(made, words)


def test_scenarios_of_other_months_are_refused() -> None:
    one, two = scenario(), scenario({"name": "late", "clock.end": "2027-12"})
    with pytest.raises(BadInput, match="same months"):
        decisions.of_files([one, two], 10, 1)


def test_usual_cares_that_differ_are_told() -> None:
    one, two = scenario(), scenario({"name": "more", "segments.adults.population": 1100})
    apart = decisions.usual_care_apart(decisions.of_files([one, two], 10, 1))
    assert apart == pytest.approx(1.0 - 1000 / 1100)
    same = scenario({"name": "same", "interventions.team.staff.posts": 3})
    assert decisions.usual_care_apart(decisions.of_files([one, same], 10, 1)) == 0.0


class TestAsks:
    def test_who_can_tell(self) -> None:
        loaded = load(STARTER)
        found = asks([loaded], decisions.named(loaded, FUND, 10, 1).facts)
        teller = {a.name: (a.teller, a.whom) for a in found if a.kind == "fact"}
        assert teller["segments.medicaid_adults.use.ed_visit"] == ("payer", "medicaid_plan")
        assert teller[EFFECT] == ("trial", "")
        assert teller["interventions.health_workers.acceptance"][0] == "programme"
        assert teller["interventions.health_workers.acceptance"][1] == "health_department"

    def test_groups_hold_every_fact_once(self) -> None:
        loaded = load(SHIPPED / "jackson.yaml")
        found = asks([loaded], decisions.named(loaded, "fund:supportive_housing", 10, 1).facts)
        whole = next(a for a in found if a.name == ALL_FACTS)
        assert set(whole.members) == set(loaded.uncertain)
        for kind in ("group", "request", "fact"):
            names = [n for a in found if a.kind == kind for n in a.members]
            assert sorted(names) == sorted(whole.members), kind


class TestPilot:
    def test_the_rate_is_that_of_those_eligible(self) -> None:
        """200 at risk with 3 and 50 in crisis with 10 times the use of 750 stable; mean 0.05."""
        changes = {
            "interventions.team.effects.visit": {"ratio": {"uniform": {"low": 0.6, "high": 1}}}
        }
        loaded = scenario(changes)
        mean = (750 + 3 * 200 + 10 * 50) / 1000
        assert usual_rate(loaded, "team", "visit") == pytest.approx(0.05 / mean * 1100 / 250)
        trial = pilot(loaded, "effect=interventions.team.effects.visit,people=100")
        assert (trial.people, trial.months, trial.overdispersion) == (100, 12.0, OVERDISPERSION)
        given = pilot(loaded, "effect=interventions.team.effects.visit.ratio,people=100,rate=2.4")
        assert given.rate == pytest.approx(0.2)

    @pytest.mark.parametrize(
        ("words", "said"),
        [
            ("effect=x,people=10", "an uncertain effect"),
            (f"effect={EFFECT}", "people"),
            (f"effect={EFFECT},people=2", "4 people or more"),
            (f"effect={EFFECT},people=many", "a number from 0"),
            (f"effect={EFFECT},peopel=10", "did you mean `people`"),
            (f"effect={EFFECT},people=10,months=0", "above 0"),
        ],
    )
    def test_what_is_no_pilot(self, words: str, said: str) -> None:
        with pytest.raises(BadInput, match="--pilot") as told:
            pilot(load(STARTER), words)
        assert said in str(told.value)


class TestAnswer:
    def test_where_the_answer_never_changes_it_says_so(self) -> None:
        made = decisions.named(load(STARTER), FUND, 100, 1)
        found = answer(made, "npv:medicaid_plan", [f"effect={EFFECT},people=100"])
        told = as_json(found)
        assert told["evpi"]["value"] == 0.0
        assert all(row["value"] == 0.0 for row in [*told["evppi"], *told["evsi"]])
        said = " ".join(sentences(told, {}))
        assert "No information is worth buying" in said
        assert "do not fund\N{RIGHT DOUBLE QUOTATION MARK} in all 100 draws" in said
        assert "below 3 %" in said

    def test_lucks_are_no_draws(self) -> None:
        """The rule of three counts draws: 3 of 100, however many lucks each has."""
        made = decisions.named(load(STARTER), FUND, 100, 1)
        told = as_json(answer(made, "npv:medicaid_plan")) | {"lucks": 5}
        assert "below 3 %" in " ".join(sentences(told, {}))
        assert "below 0.6 %" not in " ".join(sentences(told, {}))

    def test_without_luck_all_facts_are_everything_and_nothing_is_more(self) -> None:
        made = decisions.named(load(STARTER), FUND, 200, 1)
        told = as_json(answer(made, "npv:hospital", [f"effect={EFFECT},people=100"]))
        by_name = {row["name"]: row["value"] for row in told["evppi"] if row["kind"] == "whole"}
        assert by_name[ALL_FACTS] == told["evpi"]["value"] > 0.0
        assert max(r["value"] for r in told["evppi"]) <= told["evpi"]["value"]
        assert 0.0 <= told["evsi"][0]["value"] < told["evpi"]["value"]
        shown = page(told, {})
        assert "only a trial" in str(shown.tables)
        assert shown.charts

    def test_a_pilot_comes_late_and_is_worth_no_more_than_its_number(self) -> None:
        made = decisions.named(load(STARTER), FUND, 200, 1)
        found = answer(made, "npv:hospital", [f"effect={EFFECT},people=100000,months=12"])
        told = as_json(found)
        [trial] = told["evsi"]
        fact = next(
            r for r in told["evppi"] if r["kind"] == "fact" and trial["number"] in r["numbers"]
        )
        assert 0.0 < trial["value"] <= fact["value"]
        months = load(STARTER).scenario.clock.months
        assert trial["left_after_waiting"] == pytest.approx(
            trial["value"] * (1.0 - 12 / months), rel=1e-4
        )
        assert f"after 12 of the {months} months" in " ".join(sentences(told, {}))

    def test_a_request_is_put_in_words(self) -> None:
        told = request_told(low=2e4)
        said = " ".join(sentences(told, {"plan": "the Medicaid plan", "b": "the network"}))
        assert "Ask the Medicaid plan for use of services, by need: worth up to $50,000" in said
        assert "95 % sure more than $20,000, allowing for its being picked from 2" in said
        assert "No other request to a payer exceeds $10,000." in said
        assert "net present value: the network" in said
        assert "npv:b" not in said

    def test_the_best_of_several_is_not_taken_for_shown(self) -> None:
        said = " ".join(sentences(request_told(low=0.0), {"plan": "the Medicaid plan"}))
        assert "No request to a payer is shown to be worth anything" in said
        assert "95 % sure that none is worth more than $70,000" in said


def request_told(low: float) -> dict[str, object]:
    """Two requests, the best of which exceeds `low` after allowing for having been picked."""
    ask = {"kind": "request", "teller": "payer", "meaning": "use", "ask": "plan", "name": "use"}
    row = {
        "value": 5e4, "low": 4e4, "high": 6e4, "numbers": ["a"], "warning": "", "explained": 1,
        "bias": 0.0,
    }  # fmt: skip
    return {
        "scenario": "A county", "value": "npv:b", "undiscounted": [],
        "options": [{"name": "yes", "mean": 1.0, "error": 1.0, "share_best": 0.5}],
        "best": "yes", "share_best": 0.5, "draws": 1000, "lucks": 1, "evsi": [],
        "best_request": {"requests": 2, "low": low, "high": 7e4},
        "evpi": row, "evppi": [row | ask, row | ask | {"meaning": "prices", "value": 1e4}],
    }  # fmt: skip
