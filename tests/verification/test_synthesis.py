"""The rules from study to effect, against arithmetic by hand and a published meta-analysis."""

from __future__ import annotations

import math
import re
from math import exp, inf, log, sqrt
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from model.evidence import EvidenceError, UnknownEvidence, load_registry
from model.evidence_records import Finding, PValue
from model.study_effect import UNUSABLE, comparator_unit, log_ratio, standard_error
from model.synthesis import (
    Synthesis,
    follow_up_months,
    random_effects,
    synthesise,
    to_enrolled,
)

ROOT = Path(__file__).resolve().parents[2]
REGISTRY = load_registry()
RULES = REGISTRY.rules

# Trial: cases and non-cases of tuberculosis, vaccinated then not (Colditz et al., JAMA 1994).
BCG = np.array(
    [
        (4, 119, 11, 128),
        (6, 300, 29, 274),
        (3, 228, 11, 209),
        (62, 13536, 248, 12619),
        (33, 5036, 47, 5761),
        (180, 1361, 372, 1079),
        (8, 2537, 10, 619),
        (505, 87886, 499, 87892),
        (29, 7470, 45, 7232),
        (17, 1699, 65, 1600),
        (186, 50448, 141, 27197),
        (5, 2493, 3, 2338),
        (27, 16886, 29, 17825),
    ],
    dtype=float,
)


def bcg_log_ratios() -> tuple[list[float], list[float]]:
    a, b, c, d = BCG.T
    y = np.log((a / (a + b)) / (c / (c + d)))
    se = np.sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))
    return y.tolist(), se.tolist()


def finding(name: str, **change: object) -> Finding:
    return REGISTRY.finding(name).model_copy(update=change)


def one(name: str, **options: object) -> Synthesis:
    return synthesise(REGISTRY, [name], **({"acceptance": 0.6} | options))  # type: ignore[arg-type]


class TestRandomEffects:
    def test_three_studies_by_hand(self) -> None:
        """y = -0.1, -0.3, -0.8 with se 0.1, 0.2, 0.2.

        w = 100, 25, 25; fixed mean = -37.5/150 = -0.25.
        Q = 100 x 0.15^2 + 25 x 0.05^2 + 25 x 0.55^2 = 2.25 + 0.0625 + 7.5625 = 9.875.
        S1 - S2/S1 = 150 - 11,250/150 = 75; tau^2 = (9.875 - 2)/75 = 0.105.
        w* = 1/0.115, 1/0.145, 1/0.145 = 8.695652, 6.896552, 6.896552; sum 22.488756.
        mean = -(0.869565 + 2.068966 + 5.517241)/22.488756 = -0.376.
        se (usual) = 1/sqrt(22.488756) = 0.210871.
        Hartung-Knapp: sum w* (y - mean)^2 / 2 = (0.662470 + 0.039834 + 1.239779)/2 = 0.971042,
        se = 0.210871 x sqrt(0.971042) = 0.207795, below the usual one, which therefore holds.
        """
        pooled = random_effects([-0.1, -0.3, -0.8], [0.1, 0.2, 0.2], assumed_tau=9.0)
        assert pooled.q == pytest.approx(9.875)
        assert pooled.tau**2 == pytest.approx(0.105)
        assert pooled.mean == pytest.approx(-0.376, abs=5e-6)
        assert pooled.se_dl == pytest.approx(0.210871, abs=1e-6)
        assert pooled.se_hk == pytest.approx(0.207795, abs=1e-6)
        assert pooled.se == pooled.se_dl
        assert pooled.i2 == pytest.approx((9.875 - 2) / 9.875)
        assert (pooled.k, pooled.df, pooled.tau_from) == (3, 2.0, "DerSimonian-Laird")

    def test_bcg_as_published(self) -> None:
        """metafor, rma(measure="RR", data=dat.bcg, method="DL")."""
        pooled = random_effects(*bcg_log_ratios(), assumed_tau=0.15)
        assert pooled.mean == pytest.approx(-0.7141, abs=5e-5)
        assert pooled.se_dl == pytest.approx(0.1787, abs=5e-5)
        assert pooled.tau**2 == pytest.approx(0.3088, abs=5e-5)
        assert pooled.q == pytest.approx(152.23, abs=5e-3)
        assert pooled.i2 == pytest.approx(0.9212, abs=5e-5)

    def test_hartung_knapp_is_the_textbook_formula(self) -> None:
        y, se = (np.array(x) for x in bcg_log_ratios())
        pooled = random_effects(y.tolist(), se.tolist(), assumed_tau=0.15)
        w = 1 / (se**2 + pooled.tau**2)
        mean = np.average(y, weights=w)
        assert pooled.se_hk**2 == pytest.approx(np.sum(w * (y - mean) ** 2) / (12 * w.sum()))
        assert pooled.se == max(pooled.se_hk, pooled.se_dl)

    def test_alike_studies_have_no_between_study_variance(self) -> None:
        pooled = random_effects([-0.2, -0.2, -0.2], [0.1, 0.1, 0.1], assumed_tau=0.15)
        assert (pooled.tau, pooled.q, pooled.i2) == (0.0, pytest.approx(0.0), 0.0)
        assert pooled.se == pytest.approx(0.1 / sqrt(3))

    @pytest.mark.parametrize("k", [1, 2])
    def test_too_few_studies_take_the_assumed_sd_and_a_normal(self, k: int) -> None:
        pooled = random_effects([-0.2] * k, [0.1] * k, assumed_tau=0.15)
        assert (pooled.tau, pooled.tau_from, pooled.df) == (0.15, "assumption", inf)
        assert pooled.se == pytest.approx(sqrt((0.01 + 0.0225) / k))

    def test_two_that_disagree_are_not_made_certain(self) -> None:
        pooled = random_effects([0.0, -1.0], [0.05, 0.05], assumed_tau=0.15)
        assert pooled.se == pooled.se_hk == pytest.approx(0.5)

    @pytest.mark.parametrize(
        ("y", "se"), [([], []), ([0.1], [0.0]), ([0.1], [0.1, 0.2]), ([float("nan")], [0.1])]
    )
    def test_what_cannot_be_pooled_is_refused(self, y: list[float], se: list[float]) -> None:
        with pytest.raises(EvidenceError):
            random_effects(y, se, 0.15)


class TestRatio:
    def test_camden(self) -> None:
        """(61.7 + 0.82)/61.7 = 1.01329; limits (61.7 - 5.97)/61.7 and (61.7 + 7.61)/61.7."""
        row = one("E009").rows[0]
        assert row.ratio == pytest.approx(62.52 / 61.7)
        assert row.se == pytest.approx(log(69.31 / 55.73) / (2 * 1.959964))
        assert row.se_from == "interval"

    def test_detroit(self) -> None:
        """p < .01 two-sided is z 2.575829 at its bound: se = -ln 0.96 / 2.575829."""
        row = one("E005").rows[0]
        assert row.ratio == pytest.approx(0.96)
        assert row.se == pytest.approx(-log(0.96) / 2.575829, rel=1e-6)
        assert row.se_from == "p bound, conservative"

    def test_odds_ratio_with_the_published_risk(self) -> None:
        """OR 0.35 at 13.0 %: 0.35/(1 - 0.13 + 0.13 x 0.35) = 0.38230."""
        y, steps = log_ratio(finding("E051"), None)
        assert exp(y) == pytest.approx(0.35 / (0.87 + 0.0455))
        assert not any(step.assumed for step in steps)

    def test_a_given_comparator_is_marked(self) -> None:
        y, steps = log_ratio(finding("E097"), 0.2)
        assert exp(y) == pytest.approx(0.22 / (0.8 + 0.2 * 0.22))
        assert steps[0].assumed

    def test_the_published_comparator_wins(self) -> None:
        assert log_ratio(finding("E009"), 30.0) == log_ratio(finding("E009"), None)

    @pytest.mark.parametrize(
        ("name", "ratio"), [("E040", 0.71), ("E161", 1.4), ("E015", 0.62), ("E084", 0.88)]
    )
    def test_per_cent_rate_and_hazard(self, name: str, ratio: float) -> None:
        assert exp(log_ratio(finding(name), None)[0]) == pytest.approx(ratio)

    @pytest.mark.parametrize("name", ["E008", "E018", "E060", "E069", "E150", "E153"])
    def test_a_null_is_ratio_one_with_its_standard_error(self, name: str) -> None:
        row = one(name).rows[0] if name != "E150" else None
        assert log_ratio(finding(name, comparator_rate=None), None)[0] == 0.0
        assert row is None or row.se > 0

    def test_a_null_with_points_and_a_rate_keeps_them(self) -> None:
        null = finding("E069", value=1.8)
        assert exp(log_ratio(null, None)[0]) == pytest.approx(37.8 / 36)

    @pytest.mark.parametrize("name", ["E097", "E106", "E127"])
    def test_no_comparator_is_refused_with_the_unit_it_needs(self, name: str) -> None:
        unit = re.escape(comparator_unit(finding(name)))
        with pytest.raises(EvidenceError, match=rf"{name}.*without its comparator's rate \({unit}"):
            log_ratio(finding(name), None)

    @pytest.mark.parametrize(("name", "rate"), [("E097", 0.0), ("E097", 1.0), ("E106", -3.0)])
    def test_an_impossible_comparator_is_refused(self, name: str, rate: float) -> None:
        with pytest.raises(EvidenceError, match="comparator's rate"):
            log_ratio(finding(name), rate)

    def test_a_difference_larger_than_the_rate_is_refused(self) -> None:
        with pytest.raises(EvidenceError, match="ratio above 0"):
            log_ratio(finding("E106"), 40.0)

    def test_pre_post_is_refused_because_of_regression_to_the_mean(self) -> None:
        with pytest.raises(EvidenceError, match=r"E010.*regression to the mean"):
            one("E010")

    def test_every_metric_that_is_no_effect_is_refused(self) -> None:
        for name, found in REGISTRY.findings.items():
            if found.metric in UNUSABLE:
                with pytest.raises(EvidenceError, match=name):
                    log_ratio(found, 0.5)

    @pytest.mark.parametrize("name", ["E012", "E044", "E045", "E133"])
    def test_a_cost_net_of_the_programme_would_count_it_twice(self, name: str) -> None:
        with pytest.raises(EvidenceError, match="twice"):
            log_ratio(finding(name), 10_000.0)

    def test_a_range_without_a_point_is_refused(self) -> None:
        with pytest.raises(EvidenceError, match="no point value"):
            one("E155")


class TestStandardError:
    def test_the_order_is_interval_p_counts_assumption(self) -> None:
        full = finding("E071", p=PValue(value=0.001, bound="="))
        y = log_ratio(full, 3.0)[0]
        sources = [standard_error(full, y, 3.0, RULES).source]
        no_interval = full.model_copy(update={"low": None, "high": None})
        sources.append(standard_error(no_interval, y, 3.0, RULES).source)
        no_p = no_interval.model_copy(update={"p": None})
        sources.append(standard_error(no_p, y, 3.0, RULES).source)
        no_arms = no_p.model_copy(update={"study": no_p.study.model_copy(update={"arms": None})})
        sources.append(standard_error(no_arms, y, 3.0, RULES).source)
        assert sources == ["interval", "p", "n and base rate", "assumption"]

    def test_exact_p(self) -> None:
        """Ratio 0.446, p = .002 two-sided: z 3.0902; se 0.80744/3.0902 = 0.26129."""
        row = one("E063").rows[0]
        assert (row.se, row.se_from) == (pytest.approx(0.26129, abs=1e-5), "p")

    def test_poisson_counts(self) -> None:
        """3 events a year, 224 people, 1 year: 672; ratio 1, 199 people: 597."""
        changed = RULES.frailty_variance.model_copy(update={"value": 0.0})
        rules = RULES.model_copy(update={"frailty_variance": changed})
        null = finding("E018", follow_up_months=12.0)
        estimate = standard_error(null, 0.0, 3.0, rules)
        assert estimate.value == pytest.approx(sqrt(1 / 672 + 1 / 597))
        assert estimate.steps[0].assumed

    def test_frailty_adds_the_variance_between_people(self) -> None:
        null = finding("E018", follow_up_months=12.0)
        estimate = standard_error(null, 0.0, 3.0, RULES)
        assert estimate.value == pytest.approx(sqrt(1 / 672 + 1 / 597 + 1 / 224 + 1 / 199))
        assert estimate.steps[0].assumed

    def test_shares(self) -> None:
        """39.0 % of 272 against 21.3 % of 197, without the published p."""
        bare = finding("E090", p=None)
        estimate = standard_error(bare, log(21.3 / 39), None, RULES)
        expected = sqrt(0.61 / (272 * 0.39) + 0.787 / (197 * 0.213))
        assert estimate.value == pytest.approx(expected)

    def test_published_rates_are_brought_to_person_years(self) -> None:
        """317.5 visits per 1,000 over 9 months is 0.42333 a year; 0.75 years of 1,134 and 1,746."""
        bare = finding("E113", low=None, high=None)
        estimate = standard_error(bare, log(230.5 / 317.5), None, RULES)
        expected = sqrt(1 / (0.3175 * 1134) + 1 / (0.2305 * 1746) + 1 / 1134 + 1 / 1746)
        assert estimate.value == pytest.approx(expected)

    def test_days_come_in_spells_so_counts_are_not_used(self) -> None:
        assert one("E041", comparator_rate=4.0).rows[0].se_from == "assumption"

    def test_a_sensitivity_range_is_no_interval(self) -> None:
        wide = finding("E015", interval="sensitivity")
        assert standard_error(wide, log(0.62), None, RULES).source == "assumption"

    def test_an_interval_that_reaches_zero_is_passed_over(self) -> None:
        wide = finding("E113", low=-400.0)
        assert standard_error(wide, log(0.726), None, RULES).source == "n and base rate"

    def test_the_assumed_one_is_the_registry_s(self) -> None:
        row = one("E040").rows[0]
        assert row.se == RULES.assumed_se.value == 0.35
        assert any("nothing to take an se from" in line for line in one("E040").assumptions)


class TestEnrolledAndDiscount:
    def test_offered_is_brought_to_the_enrolled_with_the_acceptance(self) -> None:
        """1 - 0.04/0.5 = 0.92; se x 0.96/(0.5 x 0.92)."""
        row = one("E005", acceptance=0.5).rows[0]
        assert row.enrolled_ratio == pytest.approx(0.92)
        assert row.enrolled_se == pytest.approx(row.se * 0.96 / 0.46)
        assert any("acceptance" in line for line in one("E005", acceptance=0.5).assumptions)

    def test_the_published_uptake_wins(self) -> None:
        row = one("E015", acceptance=0.1).rows[0]
        assert row.enrolled_ratio == pytest.approx(1 - 0.38 / 0.86)
        assert "published" in row.uptake

    def test_a_harm_grows_among_the_enrolled(self) -> None:
        assert one("E017").rows[0].enrolled_ratio == pytest.approx(1 + 0.84 / 0.86)

    @pytest.mark.parametrize("name", ["E009", "E040", "E089"])
    def test_enrolled_and_area_are_unchanged(self, name: str) -> None:
        row = one(name, acceptance=0.2).rows[0]
        assert (row.enrolled_ratio, row.enrolled_se) == (pytest.approx(row.ratio), row.se)

    def test_all_of_the_offered_changes_nothing(self) -> None:
        row = one("E005", acceptance=1.0).rows[0]
        assert (row.enrolled_ratio, row.enrolled_se) == pytest.approx((row.ratio, row.se))

    def test_an_impossible_ratio_is_bounded_and_said(self) -> None:
        enrolled = to_enrolled(finding("E005"), log(0.3), 0.1, 0.5, 0.1)
        assert enrolled.ratio == 0.1
        assert "bounded at 0.1" in enrolled.text
        assert enrolled.steps[0].assumed

    def test_delta_method_against_draws(self) -> None:
        y, se, u = log(0.7), 0.03, 0.8
        draws = np.log(1 - (1 - np.exp(stats.norm(y, se).ppf(np.linspace(5e-4, 0.9995, 1000)))) / u)
        enrolled = to_enrolled(finding("E005"), y, se, u, 0.1)
        assert enrolled.se == pytest.approx(draws.std(), rel=0.02)

    def test_controlled_is_believed_by_half(self) -> None:
        row = one("E011").rows[0]
        assert row.discount == 0.5
        assert row.y == pytest.approx(0.5 * log(0.47))
        assert row.enrolled_se == row.se

    def test_a_discount_by_design_or_by_finding(self) -> None:
        assert one("E011", discounts={"controlled": 0.2}).rows[0].discount == 0.2
        both = {"controlled": 0.2, "E011": 0.3}
        assert one("E011", discounts=both).rows[0].discount == 0.3

    def test_zero_excludes_and_is_not_evidence_of_no_effect(self) -> None:
        both = synthesise(REGISTRY, ["E009", "E011"], acceptance=1, discounts={"controlled": 0})
        assert both.k == 1
        assert [row.weight for row in both.rows] == [1.0, 0.0]
        assert both.mean_log == pytest.approx(one("E009").mean_log)
        with pytest.raises(EvidenceError, match="not evidence of no effect"):
            one("E011", discounts={"controlled": 0})


class TestPredictive:
    def test_one_study_is_a_normal_of_both_variances(self) -> None:
        """scale^2 = tau^2 + (se^2 + tau^2): the mean is as uncertain as one site is."""
        camden = one("E009")
        se = camden.rows[0].se
        assert camden.scale == pytest.approx(sqrt(0.15**2 + se**2 + 0.15**2))
        u = np.array([0.05, 0.5, 0.95])
        expected = np.exp(stats.norm(camden.mean_log, camden.scale).ppf(u))
        assert camden.quantile(u) == pytest.approx(expected, rel=1e-4)

    def test_three_studies_are_a_student_t(self) -> None:
        three = synthesise(REGISTRY, ["E009", "E113", "E100"], acceptance=1)
        assert three.df == 2
        t = stats.t(2, three.mean_log, three.scale)
        low, high = t.cdf([log(0.1), log(3.0)])
        u = np.linspace(0.01, 0.99, 25)
        expected = np.exp(t.ppf(low + u * (high - low)))
        assert three.quantile(u) == pytest.approx(expected, rel=1e-9)

    def test_draws_have_the_quantiles_and_the_mean_that_are_stated(self) -> None:
        three = synthesise(REGISTRY, ["E009", "E113", "E100"], acceptance=1)
        draws = three.quantile(np.random.default_rng(1).random(200_000))
        summary = three.summary()
        assert np.quantile(draws, [0.05, 0.5, 0.95]) == pytest.approx(
            [summary.p05, summary.median, summary.p95], rel=0.01
        )
        assert draws.mean() == pytest.approx(summary.mean, rel=0.005)

    def test_bounds_hold_at_the_ends(self) -> None:
        wide = one("E056", assumed_tau=2.0)
        ends = wide.quantile([0.0, 1.0])
        assert ends == pytest.approx([0.1, 3.0])
        assert wide.quantile(np.linspace(0, 1, 101)).min() >= 0.1
        assert np.all(np.diff(wide.quantile(np.linspace(0, 1, 101))) >= 0)

    @pytest.mark.parametrize(("mean", "bound"), [(log(50), 3.0), (log(0.001), 0.1)])
    def test_a_mean_beyond_a_bound_is_that_bound(self, mean: float, bound: float) -> None:
        from dataclasses import replace

        far = replace(one("E009"), mean_log=mean, scale=0.01)
        assert far.quantile([0.0, 0.5, 1.0]) == pytest.approx([bound] * 3)

    def test_the_shape_is_that_of_the_probabilities(self) -> None:
        assert one("E009").quantile(np.full((2, 3), 0.5)).shape == (2, 3)

    def test_a_new_site_is_less_certain_than_the_mean(self) -> None:
        for name in ("E005", "E009", "E015"):
            assert one(name).scale > one(name).se

    def test_the_assumed_sd_may_be_changed_and_is_shown(self) -> None:
        assert one("E009", assumed_tau=0.4).tau == 0.4
        given = "between-study sd 0.4: given by the scenario"
        assert given in one("E009", assumed_tau=0.4).assumptions
        assert any("0.15 (default)" in line for line in one("E009").assumptions)

    def test_a_given_sd_is_used_however_many_studies_there_are(self) -> None:
        many = synthesise(REGISTRY, ["E009", "E113", "E100"], acceptance=1, assumed_tau=0.5)
        assert (many.tau, many.tau_from) == (0.5, "given")

    def test_assumed_errors_do_not_hide_that_studies_differ(self) -> None:
        """Of these four one has a standard error of its own: tau is not below the assumed one."""
        pooled = synthesise(REGISTRY, ["E005", "E037", "E048", "E049"], acceptance=0.6)
        assert [row.se_from for row in pooled.rows].count("assumption") == 3
        assert (pooled.tau, pooled.tau_from, pooled.df) == (0.15, "assumption", math.inf)

    def test_an_unverified_row_is_named(self) -> None:
        assert "E055: unverified in its source" in one("E055").assumptions


class TestRefusals:
    @pytest.mark.parametrize(
        "ids",
        [
            ("E022", "E023"),  # one study
            ("E020", "E022"),  # two reports of one trial
            ("E040", "E044"),  # a trial and its cost analysis
            ("E003", "E149"),  # a trial and the pool that holds it
            ("E035", "E050"),
            ("E037", "E157"),
            ("E005", "E005"),
        ],
    )
    def test_the_same_people_are_not_counted_twice(self, ids: tuple[str, str]) -> None:
        with pytest.raises(EvidenceError, match="counts the same people"):
            synthesise(REGISTRY, ids, acceptance=1, comparator_rate=100.0)

    @pytest.mark.parametrize("acceptance", [0.0, -1.0, 1.2, float("nan")])
    def test_acceptance_is_a_share(self, acceptance: float) -> None:
        with pytest.raises(EvidenceError, match="acceptance"):
            one("E005", acceptance=acceptance)

    @pytest.mark.parametrize(
        "options",
        [
            {"discounts": {"randomized": 0.5}},
            {"discounts": {"controlled": 1.5}},
            {"comparator_rate": {"E006": 1.0}},
            {"assumed_tau": -0.1},
        ],
    )
    def test_options_out_of_range_are_refused(self, options: dict[str, object]) -> None:
        with pytest.raises(EvidenceError):
            one("E005", **options)

    def test_no_finding_and_an_unknown_one(self) -> None:
        with pytest.raises(EvidenceError, match="no finding given"):
            synthesise(REGISTRY, [], acceptance=1)
        with pytest.raises(UnknownEvidence, match="E005"):
            one("E0005")


def test_follow_up_is_the_simple_mean_of_the_known() -> None:
    assert follow_up_months(REGISTRY, ["E009", "E005"]) == 9.0
    assert follow_up_months(REGISTRY, ["E009", "E106"]) == 6.0
    assert follow_up_months(REGISTRY, ["E106"]) is None


@pytest.mark.parametrize("name", sorted(REGISTRY.findings))
def test_every_row_becomes_a_distribution_or_is_refused_by_name(name: str) -> None:
    found = REGISTRY.finding(name)
    rate = 0.3 if comparator_unit(found).startswith("share") else 20_000.0
    if found.metric in UNUSABLE or found.net_of_programme or name == "E155":
        with pytest.raises(EvidenceError, match=name):
            one(name, comparator_rate=rate)
    else:
        summary = one(name, comparator_rate=rate).summary()
        assert 0.1 <= summary.p05 <= summary.median <= summary.p95 <= 3.0


def test_the_worked_example_of_the_documentation() -> None:
    text = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
    example = text.split("## A worked example")[1].split("\n## ")[0]
    ids = ["E005", "E100", "E113", "E120"]
    result = synthesise(REGISTRY, ids, comparator_rate={"E120": 120}, acceptance=0.6)
    for row in result.rows:
        numbers = (row.ratio, row.se, row.enrolled_ratio, row.enrolled_se, row.y, row.weight)
        cells = [cell.strip() for cell in _line(example, f"| {row.id} ").strip("|").split("|")]
        printed = [*cells[1:3], *cells[4:6], *cells[7:]]
        assert printed == [f"{x:.4f}" for x in numbers], row.id
        assert cells[3] == row.se_from
        assert float(cells[6]) == row.discount
    expected = {
        "Q": result.q,
        "tau": result.tau,
        "mean log ratio": result.mean_log,
        "standard error": result.se,
        "scale": result.scale,
        "5th percentile": result.summary().p05,
        "median": result.summary().median,
        "95th percentile": result.summary().p95,
    }
    for key, value in expected.items():
        assert _line(example, f"| {key} |").split("|")[2].strip() == f"{value:.4f}", key


def _line(text: str, start: str) -> str:
    return next(line for line in text.splitlines() if line.startswith(start))
