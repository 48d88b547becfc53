"""Scenario discovery: planted boxes are found again, and noise is called noise."""

from itertools import pairwise

import numpy as np
import pytest

from model import wide
from model.discovery import Column, Finding, Limit, as_numbers, discover, peel, wilson
from model.loading import SHIPPED, load
from model.problems import BadInput
from report.asking import _bins
from report.discovery import condition, label, meaning, page, sentences
from report.number_names import called

DRAWS, WIDTH = 1000, 30


def numbers(seed: int = 2) -> np.ndarray:
    return np.random.default_rng(seed).random((DRAWS, WIDTH))


def found(values: np.ndarray, fails: np.ndarray, most: int = 3) -> Finding:
    columns = [Column(f"x{k}", "fact", values[:, k]) for k in range(values.shape[1])]
    return discover(columns, fails, most, seed=1)


def test_a_planted_box_is_recovered() -> None:
    x = numbers()
    finding = found(x, (x[:, 3] < 0.5) & (x[:, 7] > 0.6))
    assert finding.holds
    limits = {limit.column: limit for limit in finding.box.limits}
    assert set(limits) == {3, 7}
    assert limits[3].high == pytest.approx(0.5, abs=0.05)
    assert limits[3].low == limits[7].high * -1 == -np.inf
    assert limits[7].low == pytest.approx(0.6, abs=0.05)
    assert finding.box.coverage > 0.9
    assert finding.box.density > 0.9
    assert max(finding.quasi_p) < 1e-6
    assert min(finding.found_again) > 0.8


def test_yes_or_no_may_be_a_condition() -> None:
    x = numbers()
    x[:, 20] = x[:, 20] < 0.7
    noise = np.random.default_rng(4).random(DRAWS) < 0.02
    finding = found(x, (x[:, 20] == 0.0) & (x[:, 5] < 0.4) | noise)
    assert {limit.column for limit in finding.box.limits} == {5, 20}
    assert finding.box.density > 0.9


@pytest.mark.parametrize("seed", range(10))
def test_noise_has_no_conditions(seed: int) -> None:
    fails = np.random.default_rng(seed + 100).random(DRAWS) < 0.3
    assert not found(numbers(seed), fails).holds


def test_one_condition_is_not_told_with_two() -> None:
    x = numbers()
    assert [limit.column for limit in found(x, x[:, 11] > 0.8).box.limits] == [11]


def test_coverage_and_density_are_counted_by_hand() -> None:
    """On the half that the box was not found on, which the sentence in words speaks of."""
    x = numbers()
    fails = x[:, 1] < 0.3
    finding = found(x, fails)
    assert finding.unseen == DRAWS // 2
    assert finding.base == fails.mean()
    assert finding.box.mass == pytest.approx(0.3, abs=0.06)


def test_a_trajectory_only_gets_denser_and_smaller() -> None:
    x = numbers()
    boxes = peel(x, (x[:, 0] + x[:, 1] > 1.3), range(WIDTH))
    for before, after in pairwise(boxes):
        assert after.density >= before.density
        assert after.mass < before.mass


def test_nothing_fails_or_everything() -> None:
    for fails in (np.zeros(DRAWS, dtype=bool), np.ones(DRAWS, dtype=bool)):
        assert not found(numbers(), fails).holds


def test_the_same_seed_the_same_finding() -> None:
    x = numbers()
    fails = x[:, 0] * x[:, 1] > 0.4
    assert found(x, fails) == found(x, fails)


def test_shares_have_the_interval_of_a_share() -> None:
    """Wilson's interval of 81 of 263, as Newcombe (1998) has it: 0.2553 to 0.3662."""
    assert wilson(81, 263) == pytest.approx((0.2553, 0.3662), abs=5e-5)
    assert wilson(0, 0) == (0.0, 1.0)
    x = numbers()
    finding = found(x, (x[:, 3] < 0.5) & (np.random.default_rng(9).random(DRAWS) < 0.7))
    whole = finding.whole
    inside = round(whole.box.mass * finding.unseen)
    assert whole.density == wilson(round(whole.box.density * inside), inside)
    assert whole.density[0] < 0.7 < whole.density[1]
    assert whole.coverage[0] <= whole.box.coverage <= whole.coverage[1]


def rivals() -> tuple[np.ndarray, np.ndarray]:
    """One strong condition, and two that stand for each other."""
    x = numbers()
    both = x[:, 8] + 0.25 * np.random.default_rng(3).standard_normal(DRAWS)
    x[:, 9] = both + 0.25 * np.random.default_rng(4).standard_normal(DRAWS)
    x[:, 10] = both + 0.25 * np.random.default_rng(5).standard_normal(DRAWS)
    return x, (x[:, 3] < 0.4) & (both > 0.3)


def told_of(x: np.ndarray, fails: np.ndarray) -> dict[str, object]:
    columns = [Column(f"x{k}", "fact", x[:, k]) for k in range(x.shape[1])]
    about = {
        "fails": "npv:b < 0", "draws": DRAWS, "seed": 1, "turned": False, "columns": WIDTH,
        "left_out": 0, "scenario_title": "A county", "levers": [],
    }  # fmt: skip
    return as_numbers(discover(columns, fails, 3, 1), columns) | about


def test_a_weak_condition_is_kept_out_of_the_main_sentence() -> None:
    told = told_of(*rivals())
    firm = {c["name"]: c["firm"] for c in told["conditions"]}
    assert firm["x3"]
    weak = [name for name, is_firm in firm.items() if not is_firm]
    assert weak
    main = next(s for s in sentences(told, {}) if s.startswith("It fails mostly"))
    assert "x3" in main
    assert not any(name in main for name in weak)
    assert told["firm"]["coverage"] >= told["coverage"]
    other = next(s for s in sentences(told, {}) if s.startswith("Not firm"))
    assert weak[0] in other
    assert "of 20 resamples" in other
    assert "nearly as well" in other


def test_one_condition_is_one_picture_with_shares_counted_by_hand() -> None:
    x = numbers()
    fails = x[:, 11] > 0.8
    told = told_of(x, fails)
    ensemble = wide.Ensemble((Column("x11", "fact", x[:, 11]),), fails, (), 0)
    bins = _bins(ensemble, Limit(0, 0.8, np.inf), turned=False)
    assert sum(b["share"] * (b["x2"] > 0.85) for b in bins) >= 100.0
    for b in bins:
        here = (x[:, 11] >= b["x"]) & ((x[:, 11] < b["x2"]) | (b["x2"] == x[:, 11].max()))
        assert b["share"] == pytest.approx(100.0 * fails[here].mean())
        assert b["low"] <= b["share"] <= b["high"]
    assert len(page(told, {}, {"bins": bins}).charts) == 1


NAMES = {"united_way_support": "United Way", "agencies": "Dues of agencies"}


class TestWords:
    def test_luck_is_called_luck(self) -> None:
        row = {"name": "grants.united_way_support.renewal[1]", "kind": "chance", "unit": "",
               "yes_no": True, "low": None, "high": 0.0}  # fmt: skip
        assert condition(row, NAMES) == "renewal 1 of United Way fails (luck)"
        assert "comes" in condition(row | {"low": 1.0, "high": None}, NAMES)

    def test_levers_have_their_unit(self) -> None:
        row = {"name": "financing.dues.agencies.amount", "kind": "lever", "unit": "USD",
               "yes_no": False, "low": None, "high": 612.3}  # fmt: skip
        assert condition(row, NAMES) == "Dues of agencies: amount is at most 612 USD"

    def test_errors_of_contracts(self) -> None:
        assert label("contracts.plan.year[0]", {"plan": "Plan"}) == "chance in Plan, year 1"
        assert label("area[2]", {}) == "the area's shock, year 3"

    def test_numbers_of_money_say_what_they_are(self) -> None:
        names = {"backbone": "the network"}
        assert called("financing.accounts.backbone.opening", names) == "the network: opening cash"

    @pytest.mark.parametrize(
        ("fails", "said"),
        [
            ("p_insolvent:backbone@2022-12 > 0", "the network is insolvent by December 2022"),
            ("npv:backbone < 0", "net present value: the network is below 0"),
        ],
    )
    def test_what_a_failure_means(self, fails: str, said: str) -> None:
        assert meaning(fails, {"backbone": "the network"}) == said


class TestEnsemble:
    def test_columns_are_in_the_units_and_ranges_of_the_file(self) -> None:
        loaded = load(SHIPPED / "jackson_dues.yaml")
        levers = wide.ranges(loaded, ["financing.dues.agencies.amount=100:2000"], default=True)
        assert [lever.name for lever in levers] == ["financing.dues.agencies.amount"]
        target = wide.failing("p_insolvent:backbone@2023-03 > 0")
        made = wide.ensemble(loaded, target, levers, 60, 1)
        columns = {c.name: c for c in made.columns}
        dues = columns["financing.dues.agencies.amount"]
        assert dues.kind == "lever"
        assert dues.unit == "USD"
        assert 100 <= dues.values.min() < 200
        assert 1900 < dues.values.max() <= 2000
        assert columns["grants.united_way_support.renewal[1]"].yes_no
        assert columns["support that is renewed"].values.max() <= 240_000 + 1e-6
        assert made.fails.shape == (60,)
        assert 0 < made.fails.sum() < 60

    def test_default_ranges_stay_within_the_field(self) -> None:
        levers = wide.ranges(
            load(SHIPPED / "jackson_medicaid_shared_savings.yaml"), [], default=True
        )
        by_name = {lever.name.rpartition(".")[2]: lever for lever in levers}
        assert by_name["attributed"].low == pytest.approx(0.175)
        assert by_name["attributed"].high == pytest.approx(0.525)
        assert by_name["sharing_rate"].high == pytest.approx(0.75)
        assert not wide.ranges(load(SHIPPED / "jackson.yaml"), [], default=False)

    @pytest.mark.parametrize(
        "words",
        ["nothing=1:2", "financing.dues.agencies.amount", "financing.dues.agencies.amount=3:1"],
    )
    def test_a_range_that_is_none(self, words: str) -> None:
        with pytest.raises(BadInput, match="--vary"):
            wide.ranges(load(SHIPPED / "jackson_dues.yaml"), [words], default=True)

    def test_a_range_that_is_turned_round_says_so(self) -> None:
        words = "financing.dues.agencies.amount=3:1"
        with pytest.raises(BadInput, match="the first is not below the second"):
            wide.ranges(load(SHIPPED / "jackson_dues.yaml"), [words], default=True)

    @pytest.mark.parametrize("words", ["p_insolvent", "p05(npv:backbone) < 0", ""])
    def test_a_failure_that_is_none(self, words: str) -> None:
        with pytest.raises(BadInput, match="--fails"):
            wide.failing(words)
