"""Thresholds: targets by their words, roots of known curves, dues worked out by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest

from model.crossings import nearest_crossings
from model.distributions import Floats
from model.draws import sample
from model.loading import Loaded, load
from model.problems import BadInput
from model.sampling import stream
from model.targets import is_chance, parse
from model.thresholds import Answer, evaluation, scan, solve
from model.varied import reach, varied
from model.wanted import plan
from report.outcome_names import WORDS
from tests.conftest import scenario
from tests.financed import financed, post
from tests.unit.test_solvency import MIX

START = "2025-01"


def curve(each: Callable[[float, Floats], Floats], draws: int = 400, seed: int = 1) -> Any:
    """A stand-in for the model: a function of a value and of one normal number a draw."""
    z = stream(seed, "stand-in").standard_normal(draws)

    def evaluate(values: Sequence[float]) -> Floats:
        return np.stack([np.broadcast_to(each(x, z), (1, draws)) for x in values])

    return evaluate


def found(each: Callable[[float, Floats], Floats], text: str, low: float, high: float) -> Answer:
    return solve(curve(each), parse(text), low, high)


class TestTarget:
    values = np.array([[1.0, 2.0, 3.0, np.nan], [0.0, 0.0, 10.0, 10.0]])

    @pytest.mark.parametrize(
        ("text", "reached"),
        [
            ("x:y >= 1", [2.0, 5.0]),
            ("mean(x:y) >= 1", [2.0, 5.0]),
            ("p50(x:y@2027-12) < 0", [2.0, 5.0]),
            ("p(x > 1.5) >= 80 %", [2 / 3, 0.5]),
            ("p( x:y.z <= 0 ) > .1", [0.0, 0.5]),
        ],
    )
    def test_tells_a_statistic_of_the_draws_that_have_it(
        self, text: str, reached: list[float]
    ) -> None:
        assert parse(text).statistic.of(self.values).tolist() == pytest.approx(reached)

    @pytest.mark.parametrize(
        ("text", "bound"),
        [
            ("x >= 0.2", 0.2),
            ("x<=20%", 0.2),
            ("x > $1,500,000", 1.5e6),
            ("x < -3e4", -3e4),
            ("p(x > -5) >= 80 %", 0.8),
        ],
    )
    def test_reads_numbers_as_people_write_them(self, text: str, bound: float) -> None:
        assert parse(text).bound == pytest.approx(bound)

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("", "nothing"),
            ("npv:backbone", "no comparison"),
            ("npv:backbone == 0", "no comparison"),
            ("npv:backbone = 0", "no comparison"),
            ("p(npv:backbone > 0)", "no comparison of the share"),
            ("median(npv:backbone) > 0", "statistic `median`"),
            ("p00(npv:backbone) > 0", "p01 to p99"),
            ("npv:backbone >= ten", "no number"),
            ("npv:backbone >= 1,00", "no number"),
            ("p(npv:backbone > x) >= 0.1", "no number"),
            ("import os >= 1", "name of a metric"),
        ],
    )
    def test_refuses_what_says_no_target(self, text: str, told: str) -> None:
        with pytest.raises(BadInput, match=told) as error:
            parse(text)
        assert "as in `npv:backbone >= 0`" in str(error.value)

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("p_insolvent:backbone@2027-12 <= 80", "did you mean `80 % (0.8)`"),
            ("p(npv:backbone > 0) >= 80", "did you mean `80 % (0.8)`"),
            ("p05(p_paid:x) >= 5", "did you mean `5 % (0.05)`"),
            ("p(p_paid:x > 50) >= 0.1", "did you mean `50 % (0.5)`"),
            ("below_core_staff:backbone <= 1.5", "0 to 1, or 0 % to 100 %"),
            ("insolvent:backbone@2027-12 <= 120 %", "0 to 1"),
            ("p_insolvent:backbone <= -0.1", "0 to 1"),
            ("p_solvent:backbone@2027-12 >= 0.8", "`p_insolvent:backbone@2027-12 <= 0.2` says"),
            ("p_solvent:backbone > 75 %", "`p_insolvent:backbone < 0.25` says"),
            ("solvent:backbone@2027-12 <= 0.4", "`insolvent:backbone@2027-12 >= 0.6` says"),
            ("p_solvent:backbone >= 80", "did you mean `80 % (0.8)`"),
            ("p10(p_solvent:backbone) >= 0.8", "told as its opposite"),
        ],
    )
    def test_a_chance_is_from_0_to_1(self, text: str, told: str) -> None:
        with pytest.raises(BadInput) as error:
            parse(text)
        assert told in str(error.value)

    def test_percents_are_a_way_to_write_a_chance(self) -> None:
        for text in ("p_insolvent:x <= 80 %", "p_insolvent:x <= 80%", "p_insolvent:x <= 0.8"):
            assert parse(text).bound == pytest.approx(0.8)
        assert parse("npv:x >= 80").bound == 80.0  # no chance, so no bound on the bound

    def test_what_is_a_chance_in_words_is_one_here(self) -> None:
        """Every metric that the list of outcomes calls a chance, and no other."""
        for metric, words in WORDS.items():
            assert is_chance(f"{metric}:x@2027-12") == words.startswith("chance"), metric

    def test_limits_enclose_a_percentile_by_hand(self) -> None:
        """Of 10 draws the median lies between the 2nd and the 9th in 97.9 % of samples (10 and 1
        of 1,024 heads or fewer), between the 3rd and the 8th in 89.1 %: fewer than 90."""
        draws = np.arange(1.0, 11.0)
        assert parse("p50(x) >= 0").statistic.limits(draws) == (2.0, 9.0)
        assert parse("p01(x) >= 0").statistic.limits(draws) == (-np.inf, 2.0)
        assert parse("x >= 0").statistic.limits(draws) is None
        assert parse("p50(x) >= 0").statistic.limits(draws[:2]) == (-np.inf, np.inf)

    def test_holds_at_the_bound_only_where_it_says_so(self) -> None:
        at = np.array([1.0, np.nan])
        assert parse("x >= 1").holds(at).tolist() == [True, False]
        assert parse("x > 1").holds(at).tolist() == [False, False]


class TestRoots:
    def test_one(self) -> None:
        answer = found(lambda x, z: x**2 + 0.0 * z, "y >= 2", 0, 4)
        (root,) = answer.roots
        assert answer.verdict == "one"
        assert root.value == pytest.approx(np.sqrt(2.0), abs=1e-5)
        assert root.side == "above"
        assert root.error < 1e-12
        assert root.low == pytest.approx(root.high, abs=1e-5)
        assert answer.holds == ((root.value, 4.0),)

    def test_several_and_where_it_holds_between_them(self) -> None:
        answer = found(lambda x, z: np.sin(x) + 0.0 * z, "y >= 0", 1, 10)
        assert answer.verdict == "several"
        values = [root.value for root in answer.roots]
        assert values == pytest.approx([np.pi, 2 * np.pi, 3 * np.pi], abs=1e-4)
        assert [root.side for root in answer.roots] == ["below", "above", "below"]
        assert np.ravel(answer.holds) == pytest.approx([1, *values], abs=1e-4)

    @pytest.mark.parametrize(
        ("text", "verdict", "best"), [("y >= 20", "never", 4.0), ("y <= 20", "always", 0.0)]
    )
    def test_none(self, text: str, verdict: str, best: float) -> None:
        answer = found(lambda x, z: x**2 + 0.0 * z, text, 0, 4)
        assert (answer.verdict, answer.roots) == (verdict, ())
        assert answer.best.value == best
        assert [answer.curve[0].reached, answer.curve[-1].reached] == [0.0, 16.0]

    @pytest.mark.parametrize(("op", "edge"), [(">=", 1.3), (">", 2.6)])
    def test_steps_and_plateaus_at_the_bound_itself(self, op: str, edge: float) -> None:
        """0 below 1.3, exactly 0.5 up to 2.6, 1 above."""

        def steps(x: float, z: Floats) -> Floats:
            half = np.arange(z.size) % 2 == 0
            return np.where(half, x >= 1.3, x >= 2.6).astype(np.float64)

        (root,) = found(steps, f"y {op} 0.5", 0, 4).roots
        assert root.value == pytest.approx(edge, abs=0.004)
        assert root.value >= edge  # on the side where it holds

    def test_share_of_draws_and_percentile_against_the_normal(self) -> None:
        def shifted(x: float, z: Floats) -> Floats:
            return x + z

        (share,) = solve(curve(shifted, 4000), parse("p(y > 0) >= 80 %"), -3, 3).roots
        (low,) = solve(curve(shifted, 4000), parse("p05(y) >= 0"), -3, 3).roots
        assert share.value == pytest.approx(0.8416, abs=0.07)
        assert share.low < 0.8416 < share.high
        assert low.value == pytest.approx(1.645, abs=0.1)

    def test_values_of_a_draw_alone(self) -> None:
        """Each draw crosses at its own number: a standard normal one."""
        (root,) = solve(curve(lambda x, z: x - z, 4000), parse("y >= 0"), -4, 4).roots
        assert root.by_draw is not None
        spread = root.by_draw.p05, root.by_draw.p50, root.by_draw.p95
        assert spread == pytest.approx([-1.645, 0.0, 1.645], abs=0.1)
        assert root.by_draw.inside == pytest.approx(1.0, abs=0.001)
        assert root.high - root.low == pytest.approx(2 * 1.645 / np.sqrt(4000), rel=0.15)

    def test_a_chance_has_no_value_of_a_draw_alone(self) -> None:
        (root,) = found(lambda x, z: 1.0 * (z < x), "y >= 0.5", -2, 2).roots
        assert root.by_draw is None
        (root,) = found(lambda x, z: x + z, "p_paid:y >= 0.5", -2, 2).roots  # a share of years
        assert root.by_draw is None

    def test_whole_number_on_the_side_where_it_holds(self) -> None:
        up = solve(curve(lambda x, z: x + 0 * z), parse("y >= 2.3"), 0, 5, whole=True)
        down = solve(curve(lambda x, z: x + 0 * z), parse("y <= 2.3"), 0, 5, whole=True)
        assert up.roots[0].whole is not None
        assert down.roots[0].whole is not None
        assert (up.roots[0].whole.value, up.roots[0].whole.holds) == (3.0, True)
        assert (down.roots[0].whole.value, down.roots[0].whole.holds) == (2.0, True)

    def test_what_holds_at_the_first_value_alone_holds_up_to_it(self) -> None:
        """Nothing at 0, then 0.5 and falling: as a contract without members pays nobody."""
        first, second = found(
            lambda x, z: np.where(x == 0, 0.0, 0.5 - x / 10) + 0 * z, "y <= 0.2", 0, 4
        ).roots
        assert (first.value, first.side) == (0.0, "below")
        assert (second.side, second.value) == ("above", pytest.approx(3.0, abs=1e-5))
        assert (second.low, second.high) == pytest.approx((3.0, 3.0), abs=1e-5)

    def test_percentiles_where_nothing_is_known_at_first(self) -> None:
        (root,) = found(lambda x, z: np.where(x < 1, np.nan, x + z / 9), "p10(y) >= 2", 0, 4).roots
        assert root.low < 2.0 + 1.2816 / 9 < root.high

    def test_nothing_known_never_holds(self) -> None:
        answer = found(lambda x, z: np.where(x < 2, np.nan, 1.0) + 0 * z, "y >= 0", 0, 4)
        assert answer.curve[0].known == 0.0
        assert not answer.curve[0].holds
        assert answer.roots[0].value == pytest.approx(2.0, abs=0.005)

    def test_wide_ranges_are_scanned_by_ratio(self) -> None:
        assert scan(1.0, 10_000.0, 5) == pytest.approx([1, 10, 100, 1000, 10_000])
        assert scan(0.0, 8.0, 3) == [0.0, 4.0, 8.0]

    def test_same_seed_same_answer(self) -> None:
        def noisy() -> Answer:
            return solve(curve(lambda x, z: x + z), parse("y >= 0"), -3, 3, seed=4)

        assert repr(noisy()) == repr(noisy())  # repr, as nan differs from itself

    def test_a_crossing_outside_the_range_is_beyond_its_end(self) -> None:
        xs = np.array([0.0, 1.0, 2.0])
        curves = np.array([[-1, 0.5, 1], [-3, -2, -1], [1, 2, 3], [1.0, -1, 1]])
        above = nearest_crossings(xs, curves, parse("y >= 0"), 1.0, above=True)
        assert above.tolist() == pytest.approx([2 / 3, np.inf, -np.inf, 1.5])
        below = nearest_crossings(xs, -curves, parse("y >= 0"), 1.0, above=False)
        assert below.tolist() == pytest.approx([2 / 3, np.inf, -np.inf, 1.5])


def test_interval_covers_the_truth_as_often_as_it_says() -> None:
    """200 repetitions, of a curved mean (truth: ln 2) and of a chance (truth: 0.5244)."""
    mean, chance = 0, 0
    for seed in range(200):
        (root,) = solve(
            curve(lambda x, z: np.exp(x + z / 3 - 1 / 18), 150, seed), parse("y >= 2"), -1, 2
        ).roots
        mean += root.low <= np.log(2.0) <= root.high
        (root,) = solve(
            curve(lambda x, z: 1.0 * (z < x), 150, seed), parse("y >= 0.7"), -2, 3
        ).roots
        chance += root.low <= 0.5244 <= root.high
    assert 0.84 <= mean / 200 <= 0.95  # 0.90 and three standard errors, less a small-sample lack
    assert 0.84 <= chance / 200 <= 0.95


def crossed(text: str, draws: int, truth: float, each: Any, ends: tuple[float, float]) -> float:
    """In how many of 200 repetitions the interval of a threshold holds the truth."""
    inside = 0
    for seed in range(200):
        (root,) = solve(curve(each, draws, seed), parse(text), *ends).roots
        inside += root.low <= truth <= root.high
    return inside / 200


@pytest.mark.parametrize(
    ("text", "draws", "truth"),
    [("p01(y) >= 0", 100, 2.3263), ("p01(y) >= 0", 400, 2.3263), ("p05(y) >= 0", 100, 1.6449)],
)
def test_interval_of_a_percentile_covers_in_the_tails_too(
    text: str, draws: int, truth: float
) -> None:
    """A bootstrap covers 55, 83 and 85 % here; order statistics 90 % at least."""
    assert crossed(text, draws, truth, lambda x, z: x + z, (-1.0, 7.0)) >= 0.88


def test_interval_of_a_rare_chance_covers() -> None:
    """A chance of 2 %: two draws of a hundred. A bootstrap covers 85 %."""
    assert crossed("y <= 0.02", 100, 2.0537, lambda x, z: 1.0 * (z > x), (-1.0, 6.0)) >= 0.87


class TestFewDraws:
    """Ten draws in a tail; for a mean 25 times the squared skewness (Cochran 1977)."""

    def needed(self, text: str, each: Any, draws: int = 200) -> float:
        return solve(curve(each, draws), parse(text), -3.0, 8.0).roots[0].few

    def test_of_a_percentile_and_a_chance(self) -> None:
        assert self.needed("p01(y) >= 0", lambda x, z: x + z) == pytest.approx(1000)
        assert self.needed("p05(y) >= 0", lambda x, z: x + z) == 0.0  # 5 % of 200 are ten
        assert self.needed("p(y > 0) <= 0.04", lambda x, z: z - x) == pytest.approx(250)

    def test_of_a_mean_that_few_draws_carry(self) -> None:
        """Paid in 5 % of draws: skewness 0.9 / 0.218 = 4.13, so 426 draws."""
        half = np.linspace(0.0, 1.0, 200, endpoint=False)
        rare = self.needed("y >= 0", lambda x, _: x - 1.0 * (half < 0.05))
        assert rare == pytest.approx(426, rel=0.01)
        assert self.needed("y >= 0", lambda x, _: x - 1.0 * (half < 0.2)) == 0.0  # 56 will do
        assert self.needed("y >= 0", lambda x, z: x + z) == 0.0


# --- through the model


def dues_only(opening: float = 0.0) -> Loaded:
    """Two years; 1,000 a month for a director; twelve members invoiced in January."""
    return financed(
        opening,
        posts={"director": post(1000)},
        dues={
            "members": {
                "name": "Members",
                "payer": "county",
                "members": 12,
                "amount": 100,
                "invoice_month": 1,
                "start": START,
                "renewal": 1.0,
            }
        },
    )


class TestByHand:
    """A year costs 12,000, twelve members pay in January: dues of 1,000 carry it."""

    def solved(self, text: str, path: str = "financing.dues.members.amount") -> Answer:
        loaded = dues_only()
        target, v = parse(text), varied(loaded, path)
        low, high = reach(loaded, v, 0.0, 2000.0 if v.how == "value" else 20.0)
        asked = plan(loaded, [target.statistic.metric], "--target")
        return solve(evaluation(sample(loaded, 4, 1), v, asked), target, low, high)

    def test_dues_that_keep_it_solvent(self) -> None:
        (root,) = self.solved("p_insolvent:network <= 0").roots
        assert (root.side, root.error) == ("above", 0.0)
        assert 1000.0 <= root.value <= 1002.0  # within a thousandth of the range
        assert root.low == pytest.approx(root.high, abs=2.1)

    def test_the_same_as_a_factor_on_all_dues(self) -> None:
        (root,) = self.solved("p_insolvent:network <= 0", "financing.dues.*.amount").roots
        assert 10.0 <= root.value <= 10.02

    def test_dues_with_which_plans_lack_half_the_year(self) -> None:
        """Lacking 12,000 - 12 a; by the month from when it is short: 6,000 a year at 500."""
        (root,) = self.solved("closing_gap:network <= 6000").roots
        x = root.value
        balance = [12 * x * (1 + m // 12) - 1000 * (m + 1) for m in range(24)]
        first = next(m for m, b in enumerate(balance) if b < 0)
        worst = max(-b / (m - first + 1) for m, b in enumerate(balance) if m >= first)
        assert 12 * worst == pytest.approx(6000, abs=20)


class TestVaried:
    def test_a_value_is_what_a_setting_of_the_file_gives(self) -> None:
        """In the file's unit: 144,000 a year is 12,000 a month in the model."""
        name = "financing.grants.united_way_support.amount"
        loaded = load(MIX)
        v = varied(loaded, name)
        assert (v.unit, v.now) == ("USD/year", pytest.approx(60_000))
        set_ = load(MIX, [f"{name}=72000"])
        moved = v.at(sample(loaded, 3, 1), 72_000)
        assert float(moved.values[name]) == pytest.approx(set_.parameters[name].central)
        assert moved.values["financing.accounts.backbone.opening"].ndim == 1  # others stay as drawn

    def test_an_uncertain_number_is_fixed_by_a_value_and_kept_by_a_factor(self) -> None:
        loaded = load(MIX)
        base = sample(loaded, 5, 1)
        name = "financing.fees.coaching_days.price"
        fixed, scaled = varied(loaded, name), varied(loaded, name, scale=True)
        assert fixed.at(base, 900.0).values[name].tolist() == 900.0
        twice = scaled.at(base, 2.0).values[name]
        assert twice.tolist() == pytest.approx((2 * base.values[name]).tolist())

    def test_strength_moves_the_middle_of_an_effect_and_keeps_its_spread(self) -> None:
        loaded = load(MIX.with_name("starter.yaml"))
        base = sample(loaded, 5, 1)
        v = varied(loaded, "interventions.health_workers.effects.*")
        name = "interventions.health_workers.effects.ed_visit"
        ratio = float(loaded.effects[name].quantile(np.array([0.5]))[0])
        assert v.how == "strength"
        for strength in (0.0, 1.0, 2.0):
            moved = v.at(base, strength).values[name]
            away = np.log(base.values[name] / ratio)
            assert np.log(moved) == pytest.approx(strength * np.log(ratio) + away)
        # A ratio that is stated: nothing but the ratio to the power of the factor.
        alone = scenario()
        team = varied(alone, "interventions.team.effects.*.ratio")
        moved = team.at(sample(alone, 1, 1), 2.0).values["interventions.team.effects.visit.ratio"]
        assert float(moved) == pytest.approx(0.8**2)

    def test_default_ranges(self) -> None:
        loaded = load(MIX)
        amount = varied(loaded, "financing.dues.agencies.amount")
        assert reach(loaded, amount, None, None) == (0.0, 2400.0)
        share = varied(loaded, "financing.contracts.medicaid_plan_savings.covers.attributed")
        assert reach(loaded, share, None, None) == (0.0, 1.0)
        price = varied(loaded, "financing.fees.coaching_days.price")
        low, high = reach(loaded, price, None, None)
        assert 700 < low < 760
        assert 1300 < high < 1400
        both = varied(loaded, "financing.hard_wiring.*.chance")
        assert reach(loaded, both, None, None) == pytest.approx((0.0, 2.5))  # 0.4 x 2.5 = 1

    @pytest.mark.parametrize(
        ("path", "told"),
        [
            ("financing.dues.large_member.amount", "financing.dues.large_members.amount"),
            ("financing.dues.large_members", "financing.dues.large_members.amount, "),
            ("financing.dues.*.size", "a pattern that no number has"),
            ("financing.dues.*.amuont", "did you mean `financing.dues.*.amount`?"),
            ("financing.loans.*.amount", "this scenario has no loans"),
            ("financing.grants.*.indirect", "a factor leaves them so"),
            ("financing.dues.*.*", "a narrower pattern"),
            ("financing.contracts.medicaid_plan_savings.benchmark.weights[0]", "share of a whole"),
            ("financing.posts.director.activities.mobilise_funding", "share of a whole"),
        ],
    )
    def test_refuses_what_cannot_be_varied(self, path: str, told: str) -> None:
        with pytest.raises(BadInput) as error:
            varied(load(MIX), path)
        assert told in str(error.value)

    def test_a_pattern_of_lines_that_are_not_there_names_those_that_are(self) -> None:
        with pytest.raises(BadInput) as error:
            varied(load(MIX.with_name("jackson.yaml")), "financing.dues.*.amount")
        told = str(error.value)
        assert "this scenario has no dues" in told
        assert "`financing.grants.*.amount`" in told
        assert "`financing.dues.*" not in told.partition("allowed")[2]

    @pytest.mark.parametrize(
        ("low", "high", "told"),
        [
            (0.5, 0.2, "not below"),
            (-0.1, 0.5, "--low"),
            (0.1, 1.2, "0 to 1"),
            (0.1, np.inf, "no end"),
        ],
    )
    def test_refuses_a_range_that_cannot_be(self, low: float, high: float, told: str) -> None:
        loaded = load(MIX)
        v = varied(loaded, "financing.hard_wiring.coaching_in_college.chance")
        with pytest.raises(BadInput, match=told):
            reach(loaded, v, low, high)

    def test_a_number_at_nothing_needs_a_range(self) -> None:
        loaded = scenario({"interventions.team.costs.fixed": 0})
        with pytest.raises(BadInput, match="--low and --high"):
            reach(loaded, varied(loaded, "interventions.team.costs.fixed"), None, None)

    def test_counted_things_and_rounded_lags_are_known(self) -> None:
        loaded = load(MIX)
        lag = varied(loaded, "financing.contracts.medicaid_plan_savings.terms.settlement_lag")
        posts = varied(loaded, "financing.posts.coach.posts")
        time = varied(loaded, "financing.dues.agencies.staff_time")
        assert (lag.whole, posts.whole, time.whole) == ("rounded", "counted", "")
