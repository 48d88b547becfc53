"""What changed: parts that sum to the whole, levers apart from assumptions, and who gets what."""

from __future__ import annotations

from itertools import permutations
from pathlib import Path

import numpy as np
import pytest

from model import shapley
from model.distributions import Floats
from model.ensemble import run
from model.loading import SHIPPED, load
from model.problems import BadInput
from model.sampling import stream
from model.what_changed import Asked, Explained, explain
from report import changes, changes_figures
from report.changes_words import between, error, sentences, within_error

STARTER = SHIPPED / "starter.yaml"
POSTS = "interventions.health_workers.staff.posts=6"
USE = "segments.medicaid_adults.use.ed_visit=0.1"
STAY = "services.inpatient_stay.cost=9000"
NAMES = ["net_saving:all", "avoided_rescue_spending:all"]


# --- Shapley values


def game(chosen: frozenset[str]) -> Floats:
    """Three players: two make ten together, the third one by itself, all three three more."""
    value = 10.0 * ({"a", "b"} <= chosen) + 1.0 * ("c" in chosen) + 3.0 * (len(chosen) == 3)
    return np.array([[value, 2.0 * value]])


def test_shapley_values_by_all_orders() -> None:
    found = shapley.exact(["a", "b", "c"], game)
    by_hand = dict.fromkeys("abc", 0.0)
    for order in permutations("abc"):
        for k, player in enumerate(order):
            before, after = frozenset(order[:k]), frozenset(order[: k + 1])
            by_hand[player] += float((game(after) - game(before))[0, 0]) / 6.0
    for player, value in by_hand.items():
        assert found.parts[player][0] == pytest.approx([value, 2.0 * value])
    assert by_hand == pytest.approx({"a": 6.0, "b": 6.0, "c": 2.0})


def test_sampled_orders_come_near_and_sum_to_the_whole() -> None:
    found = shapley.sampled(["a", "b", "c"], game, 400, stream(1, "test"))
    whole = sum(found.parts.values())
    np.testing.assert_allclose(whole, game(frozenset("abc")), rtol=1e-12)
    for player, value in (("a", 6.0), ("b", 6.0), ("c", 2.0)):
        error = float(found.se[player][0])
        assert abs(float(found.parts[player][0, 0]) - value) <= 4.0 * error + 1e-9


# --- two scenarios


@pytest.fixture(scope="module")
def explained() -> Explained:
    both = load(STARTER), load(STARTER, [POSTS, USE, STAY, "name=other"])
    return explain(Asked(*both, NAMES, 24, 1))


def test_parts_sum_to_the_difference_draw_by_draw(explained: Explained) -> None:
    """And the difference is that of two runs of their own on the same draws."""
    whole = sum(part.values for part in explained.parts)
    np.testing.assert_allclose(whole, explained.whole(), rtol=1e-9, atol=1e-6)
    for k, name in enumerate(NAMES):
        first = run(explained.asked.first, 24, 1).values(name)
        second = run(explained.asked.second, 24, 1).values(name)
        np.testing.assert_allclose(explained.whole()[k], second - first, rtol=1e-9, atol=1e-6)


def test_levers_and_assumptions_are_apart(explained: Explained) -> None:
    kinds = {part.group.name: part.group.kind for part in explained.parts}
    assert kinds == {
        "interventions.health_workers.staff.posts": "lever",
        "segments.medicaid_adults.use.ed_visit": "assumption",
        "services.inpatient_stay.cost": "assumption",
    }


def test_three_lines(explained: Explained) -> None:
    """The modified baseline is the first scenario with the second's assumptions alone."""
    modified = load(STARTER, [USE, STAY])
    for k, name in enumerate(NAMES):
        np.testing.assert_allclose(explained.modified[k], run(modified, 24, 1).values(name))
    np.testing.assert_allclose(
        explained.of_kind("assumption"), explained.modified - explained.first, rtol=1e-9, atol=1e-6
    )
    np.testing.assert_allclose(
        explained.of_kind("lever"), explained.second - explained.modified, rtol=1e-9, atol=1e-6
    )


def test_a_kind_can_be_told_by_the_user() -> None:
    both = load(STARTER), load(STARTER, [USE, "name=other"])
    key = "segments.medicaid_adults.use.ed_visit"
    found = explain(Asked(*both, NAMES[:1], 8, 1, levers=[key]))
    assert {part.group.kind for part in found.parts} == {"lever"}


def test_new_lines_of_revenue_are_levers() -> None:
    """Jackson and its dues: all that differs is decided by somebody, and adds up."""
    both = load(SHIPPED / "jackson.yaml"), load(SHIPPED / "jackson_dues.yaml")
    found = explain(Asked(*both, ["npv:backbone", "closing_gap:backbone"], 8, 1))
    assert {part.group.kind for part in found.parts} <= {"lever", "assumption"}
    whole = sum(part.values for part in found.parts)
    np.testing.assert_allclose(whole, found.whole(), rtol=1e-9, atol=1e-6)
    assert found.whole()[1].mean() < -10_000.0  # dues close a part of the gap


def test_scenarios_of_other_months_are_refused() -> None:
    both = load(STARTER), load(STARTER, ["clock.end=2028-12", "name=other"])
    with pytest.raises(BadInput, match="the months of the first"):
        explain(Asked(*both, NAMES, 4, 1))


def test_the_same_scenario_differs_by_nothing() -> None:
    both = load(STARTER), load(STARTER)
    found = explain(Asked(*both, NAMES[:1], 4, 1))
    assert found.parts == ()
    assert not found.whole().any()


# --- what cannot be made one by one


SERVICE = """
extends: starter.yaml
name: other
services:
  shelter_night:
    name: Shelter nights
    counted_in: nights
    provider: county
    payment: {county: {value: 1, assumption: true, reason: test}}
    cost: {value: 60, unit: USD, assumption: true, reason: test}
    relative_use:
      at_risk: {value: 3, assumption: true, reason: test}
      in_crisis: {value: 20, assumption: true, reason: test}
    preventable: {value: 0.5, assumption: true, reason: test}
    marginal_share: {value: 0.5, assumption: true, reason: test}
segments:
  medicaid_adults:
    use:
      shelter_night: {value: 0.01, assumption: true, reason: test}
interventions:
  health_workers:
    staff: {posts: 6}
    effects: {shelter_night: {ratio: {value: 0.8, assumption: true, reason: test}}}
"""


def test_what_is_only_valid_together_is_counted_as_one(tmp_path: Path) -> None:
    """A use and an effect of a service that only the second scenario has."""
    path = tmp_path / "other.yaml"
    path.write_text(SERVICE, encoding="utf-8")
    found = explain(Asked(load(STARTER), load(path), NAMES[:1], 8, 1))
    kinds = {part.group.name: part.group.kind for part in found.parts}
    assert kinds["interventions.health_workers.staff.posts"] == "lever"
    together = next(name for name in kinds if " + " in name)
    assert "services.shelter_night" in together
    assert any(together in note for note in found.notes)
    whole = sum(part.values for part in found.parts)
    np.testing.assert_allclose(whole, found.whole(), rtol=1e-9, atol=1e-6)
    assert abs(found.whole()).min() > 0.0


def test_the_way_back_is_the_way_turned_round() -> None:
    """What begins one way ends the other; with levers alone, parts change their sign."""
    jackson, dues = load(SHIPPED / "jackson.yaml"), load(SHIPPED / "jackson_dues.yaml")
    there = explain(Asked(jackson, dues, ["closing_gap:backbone"], 6, 1))
    back = explain(Asked(dues, jackson, ["closing_gap:backbone"], 6, 1))
    turned = {part.group.name: part.values for part in back.parts}
    assert turned.keys() == {part.group.name for part in there.parts}
    for part in there.parts:
        np.testing.assert_allclose(turned[part.group.name], -part.values, rtol=1e-9, atol=1e-6)


def test_a_chance_by_a_month_keeps_its_name() -> None:
    both = load(SHIPPED / "jackson.yaml"), load(SHIPPED / "jackson_dues.yaml")
    name = "p_insolvent:backbone@2022-12"
    found = explain(Asked(*both, [name], 4, 1))
    assert list(found.outputs) == [name]
    assert np.isin(found.first, (0.0, 1.0)).all()


# --- in words


def chance_told(mean: float, mcse: float, label: str = "Dues (new)") -> dict[str, object]:
    """Of a chance, one lever: every draw is 0 or 1, or differs by -1, 0 or 1."""
    line = {"mcse": 0.0, "p05": 0.0, "p50": 0.0, "p95": 1.0}
    moved = {"mean": mean, "mcse": mcse, "p05": -1.0, "p50": 0.0, "p95": 0.0}
    part = moved | {
        "key": "financing.dues.a", "kind": "lever", "label": label,
        "changes": [{"path": "financing.dues.a", "from": "nothing", "to": "3 entries"}],
    }  # fmt: skip
    still = line | {"mean": 0.0, "p95": 0.0}
    return {
        "outcome": "p_insolvent:b", "meaning": "chance to be insolvent: the network",
        "shown_as": "share", "yes_no": True,
        "lines": {
            "default baseline": line | {"mean": 0.62}, "modified baseline": line | {"mean": 0.62},
            "policy": line | {"mean": 0.62 + mean},
        },
        "difference": moved, "frame": still, "assumptions": still, "levers": moved,
        "levers_under_first_assumptions": None, "parts": [part],
    }  # fmt: skip


def test_a_chance_is_told_with_the_error_of_its_mean() -> None:
    told = chance_told(-0.1, 0.03)
    said = " ".join(sentences(told, 100))
    assert "-100 to 0" not in said
    assert "-10 points (95 % interval: -16 to -4.1 points)" in said
    assert said.startswith("Chance to be insolvent: the network goes from 62 % to 52 %")
    assert "p_insolvent" not in said


def test_what_is_within_error_is_marked() -> None:
    told = chance_told(-0.000548, 0.000393)
    assert within_error(told["difference"])
    assert "That is within error" in " ".join(sentences(told, 100))
    rows = changes._table(told).rows
    assert all(row[2].endswith("?") for row in rows)
    assert not any("the same in all" in cell for row in rows for cell in row)
    sure = [step["sure"] for step in changes._steps(told) if step["what"]]
    assert sure == [0.35]
    assert not within_error(chance_told(-0.1, 0.03)["difference"])


def test_the_error_of_sampled_orders_counts_too() -> None:
    assert error({"mcse": 3.0, "se_orders": 4.0}) == pytest.approx(5.0)


def test_amounts_are_told_by_draws_and_chances_by_their_mean() -> None:
    spread = {"mean": 0.0, "mcse": 0.01, "p05": -1.0, "p50": 0.0, "p95": 1.0}
    assert between(spread, {"yes_no": True, "shown_as": "share"}) == "-2 to 2 points"
    assert between(spread, {"yes_no": False, "shown_as": "share"}) == "-100 to 100 points"


@pytest.mark.parametrize(("mean", "told"), [(0.01, True), (-0.01, False)])
def test_dues_that_raise_insolvency_are_explained(mean: float, told: bool) -> None:
    said = " ".join(sentences(chance_told(mean, 0.002), 100))
    assert ("more is spent before" in said) == told


def test_no_difference_says_what_would_have_shown() -> None:
    assert "a difference in 3 % of draws or more" in " ".join(sentences(chance_told(0.0, 0.0), 100))


def test_the_axis_of_a_chance_ends_at_a_hundred() -> None:
    axis = changes_figures._ticks(0.95, 1.01, "share")["values"]
    assert max(axis) == 1.0
    assert min(changes_figures._ticks(-0.02, 0.3, "share")["values"]) == 0.0
    assert changes_figures._ticks(-5.0, 7.0, "USD") == {"tickCount": 5}
