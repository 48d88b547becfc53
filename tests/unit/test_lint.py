"""Too good to be true: each rule with a scenario that breaks it and one that does not."""

import json
import re
from pathlib import Path

import pytest

from model import evidence, lint
from model.evidence import load_registry
from model.lint import agreements, effects, plan, savings
from model.lint.case import Case
from model.lint.limits import FILE, SCHEMA_NAME, load_limits, schema
from model.loading import SHIPPED, load
from tests.conftest import scenario

HW = "interventions.health_workers"
PLAN = "financing.contracts.medicaid_plan_savings"
LIMITS = load_limits()


def case(file: str, *settings: str) -> Case:
    return Case(load(SHIPPED / f"{file}.yaml", settings))


def found(rule: object, file: str, *settings: str) -> list[lint.Finding]:
    assert rule in lint.RULES
    return list(rule(case(file, *settings)))  # type: ignore[operator]


def only(rule: object, file: str, *settings: str) -> lint.Finding:
    (finding,) = found(rule, file, *settings)
    return finding


class TestLimits:
    def test_every_limit_has_a_unit_and_a_source(self) -> None:
        kinds = LIMITS.kinds.values()
        own = [limit for kind in kinds for limit in (kind.saving, kind.roi) if limit]
        for limit in [*LIMITS.limits.values(), *LIMITS.marginal_shares.values(), *own]:
            assert limit.unit
            assert limit.source
            assert all(f in load_registry().findings for f in limit.findings)

    def test_limits_from_findings_are_those_in_the_registry(self) -> None:
        get = load_registry().finding
        kinds = LIMITS.kinds
        assert LIMITS["default_saving"].value == -get("E109").value  # type: ignore[operator]
        assert LIMITS["default_return"].value == get("E001").high
        assert LIMITS["persistence"].value == get("E097").study.persistence_months
        expected = {
            "health_workers": (-12 * get("E033").value, get("E001").high),  # type: ignore[operator]
            "housing": (-get("E044").low, get("E135").value),  # type: ignore[operator]
            "justice": (-get("E130").value, None),  # type: ignore[operator]
            "asthma": (-get("E073").value, get("E075").value),  # type: ignore[operator]
            "food": (12 * (4591 - 3838), None),
            "prevention": (-get("E121").value * 12 / 15, None),  # type: ignore[operator]
        }
        told = {
            name: (kind.saving and kind.saving.value, kind.roi and kind.roi.value)
            for name, kind in kinds.items()
        }
        assert told == expected

    def test_nothing_persists_longer_in_the_registry(self) -> None:
        months = [s.persistence_months or 0 for s in load_registry().studies.values()]
        assert max(months) == LIMITS["persistence"].value

    def test_a_category_is_one_of_the_registry_and_of_one_kind(self) -> None:
        there = {study.category for study in load_registry().studies.values()}
        named = [c for kind in LIMITS.kinds.values() for c in kind.categories]
        assert set(named) <= there
        assert len(named) == len(set(named))

    def test_the_schema_is_in_step(self) -> None:
        stored = (SHIPPED / "schema" / SCHEMA_NAME).read_text(encoding="utf-8")
        assert json.loads(stored) == schema()

    def test_a_broken_file_is_told(self, tmp_path: Path) -> None:
        text = FILE.read_text(encoding="utf-8").replace("value: 0.8", "value: -0.8")
        (tmp_path / "limits.yaml").write_text(text, encoding="utf-8")
        with pytest.raises(evidence.EvidenceError, match=r"limits\.yaml: limits\.power\.value"):
            load_limits(tmp_path / "limits.yaml")


class TestEffects:
    def test_an_effect_above_every_trial(self) -> None:
        stated = HW + ".effects.ed_visit={{ratio: {{value: {}, source: a brochure}}}}"
        finding = only(effects.above_trials, "starter", stated.format(0.3))
        assert finding.key == f"{HW}.effects.ed_visit"
        assert finding.source.startswith("E")
        assert "ratio 0.30" in finding.found
        assert not found(effects.above_trials, "starter", stated.format(0.95))
        assert not found(effects.above_trials, "starter")

    def test_without_a_trial_of_the_like_any_trial_counts(self) -> None:
        jail = HW + ".effects.jail_day.ratio={value: 0.2, source: a brochure}"
        finding = only(effects.above_trials, "starter", jail)
        assert "none is of the like" in finding.source

    def test_a_stated_effect_needs_a_study(self) -> None:
        believed = HW + ".effects.ed_visit={ratio: {value: 0.95, assumption: true, reason: hope}}"
        finding = only(effects.no_counterfactual, "starter", believed)
        assert "hope" in finding.found
        assert "docs/evidence.md" in finding.source
        sourced = HW + ".effects.ed_visit={ratio: {value: 0.95, source: our own trial}}"
        assert not found(effects.no_counterfactual, "starter", sourced)

    def test_a_weak_design_believed_beyond_the_rules(self) -> None:
        weak = HW + ".effects.inpatient_stay={{evidence: [E106], {}comparator_rate: {{E106: 300}}}}"
        finding = only(effects.no_counterfactual, "starter", weak.format("discounts: {E106: 1}, "))
        assert "E106" in finding.found
        assert "rules.yaml" in finding.source
        assert not found(effects.no_counterfactual, "starter", weak.format(""))

    def test_a_design_that_never_stands_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """No finding of the registry can be used with such a design today: one is made so."""
        monkeypatch.setattr(effects, "NEVER_ALONE", ("randomised",))
        ed, stays = found(effects.no_counterfactual, "starter")
        assert ed.key == f"{HW}.effects.ed_visit.evidence"
        assert stays.key == f"{HW}.effects.inpatient_stay.evidence"
        assert "regression to the mean" in ed.source

    @pytest.mark.parametrize(
        ("setting", "key", "source"),
        [
            ("persistence={value: 10, source: x}", "persistence", "E097"),
            ("follow_up={value: 24, unit: month, source: x}", "follow_up", "E0"),
            ("duration={value: 60, source: x}", "duration", "assumption"),
        ],
    )
    def test_an_effect_that_outlasts_its_evidence(
        self, setting: str, key: str, source: str
    ) -> None:
        followed = HW + ".effects.ed_visit={evidence: [E005]}"  # E037 does not say for how long
        findings = found(effects.outlasts_evidence, "starter", f"{HW}.{setting}", followed)
        assert [f.key for f in findings] == [f"{HW}.{key}"]
        assert source in findings[0].source
        assert not found(effects.outlasts_evidence, "starter")

    def test_a_study_that_does_not_say_leaves_the_stated_follow_up(self) -> None:
        findings = found(effects.outlasts_evidence, "jackson")
        assert [f.key for f in findings] == ["interventions.supportive_housing.duration"]


class TestSavings:
    def test_above_the_closest_analogue(self) -> None:
        dear = "services.inpatient_stay.cost={value: 60000, unit: USD, source: x}"
        finding = only(savings.above_analogue, "starter", dear)
        assert finding.key == HW
        assert "E033" in finding.source
        assert not found(savings.above_analogue, "starter")

    def test_the_kind_is_that_of_the_studies_or_else_of_the_name(self) -> None:
        stated = [
            HW + ".effects.ed_visit={ratio: {value: 0.9, source: x}}",
            HW + ".effects.inpatient_stay={ratio: {value: 0.9, source: x}}",
        ]
        housing = stated[0], HW + ".effects.inpatient_stay={evidence: [E040]}"
        assert case("starter", *stated).kind_of("health_workers") is LIMITS.kinds["health_workers"]
        assert case("starter", *housing).kind_of("health_workers") is LIMITS.kinds["housing"]

    def test_an_intervention_of_no_known_kind_has_the_default(self) -> None:
        choir = scenario({"services.visit.cost": 5000})
        (finding,) = savings.above_analogue(Case(choir))
        assert "Whole Person Care" in finding.source
        assert not list(savings.above_analogue(Case(scenario({"services.visit.cost": 50}))))

    def test_above_what_payers_expect(self) -> None:
        most = [
            f"{HW}.staff.posts={{value: 60, source: x}}",
            f"{HW}.referral={{value: 0.5, source: x}}",
            HW + ".effects.inpatient_stay={ratio: {value: 0.2, source: x}}",
            "services.inpatient_stay.cost={value: 60000, unit: USD, source: x}",
        ]
        finding = only(savings.above_prior, "starter", *most)
        assert finding.key == "parties.medicaid_plan"
        assert "Michigan" in finding.source
        assert not found(savings.above_prior, "starter")

    def test_a_return_above_the_published_range(self) -> None:
        cheap = HW + ".costs.per_post={value: 1000, unit: USD/post-year, source: x}"
        finding = only(savings.above_published_return, "starter", cheap)
        assert "IMPaCT" in finding.source
        assert finding.limit.startswith("3.09")
        free = HW + ".costs.per_post={value: 0, source: x}"
        assert "no cost at all" in only(savings.above_published_return, "starter", free).found
        assert not found(savings.above_published_return, "starter")

    def test_average_cost_of_a_budget(self) -> None:
        fewer = HW + ".effects.jail_day.ratio={value: 0.9, source: x}"
        left_out = "services.jail_day.marginal_share=null"
        finding = only(savings.average_cost, "starter", fewer, left_out)
        assert finding.key == "services.jail_day.marginal_share"
        assert "default" in finding.found
        assert "U023" in finding.source
        assert "county" in finding.says
        assert not found(savings.average_cost, "starter", fewer)
        assert not found(savings.average_cost, "starter", left_out)  # nothing lowers jail days

    def test_a_marginal_share_above_its_source_without_blocks(self) -> None:
        share = "services.ed_visit.marginal_share={value: 0.6, source: x}"
        assert "Williams" in only(savings.average_cost, "starter", share).source
        blocks = "services.ed_visit.capacity={size: {value: 100}, delay: {value: 6}}"
        assert not found(savings.average_cost, "starter", share, blocks)


SEEN = (  # a contract without chance or minimum
    f"{PLAN}.terms.measurement.cv={{value: 0.0001, source: x}}",
    f"{PLAN}.terms.shared_savings.minimum_rate.fixed={{value: 0, source: x}}",
    f"{PLAN}.benchmark.trend_error={{value: 0, source: x}}",
)
SAVINGS = "jackson_medicaid_shared_savings"
OTHER = """
extends: jackson_medicaid_shared_savings.yaml
name: two
financing:
  contracts:
    stays:
      name: A price for each stay avoided
      payer: {payer}
      payee: backbone
      terms:
        name: stays
        title: Stays avoided
        source: a test
        outcomes:
          metrics:
            stays: {{unit: stays, price: {{value: 1000, source: x}}}}
      start: {start}
      years: 2
      covers: {{segments: [{segment}]}}
      measures: {{stays: {{service: {service}}}}}
"""


class TestContracts:
    def test_the_shipped_contract_is_too_small(self) -> None:
        finding = only(agreements.too_small, SAVINGS)
        assert finding.key == f"{PLAN}.covers"
        assert finding.place.file.endswith(f"{SAVINGS}.yaml")
        assert finding.limit.startswith("none")
        assert "B081" in finding.source
        assert not found(agreements.too_small, SAVINGS, *SEEN)
        assert not found(agreements.too_small, "jackson")

    def test_members_needed_are_said_where_some_are_enough(self) -> None:
        finding = only(agreements.too_small, SAVINGS, *SEEN[1:])
        needed = int(finding.limit.split()[0].replace(",", ""))
        assert needed > 1_000_000

    def test_paid_without_effect(self) -> None:
        finding = only(agreements.paid_by_luck, SAVINGS)
        assert finding.found.startswith("paid in 25.7 % of years")
        assert "76 FR 67802" in finding.source
        high = f"{PLAN}.terms.shared_savings.minimum_rate.fixed={{value: 0.1, source: x}}"
        assert not found(agreements.paid_by_luck, SAVINGS, high)

    @pytest.mark.parametrize(
        ("payer", "start", "segment", "service", "count"),
        [
            ("medicaid_plans", "2024-01", "medicaid_adults", "inpatient_stay", 1),
            ("state_of_michigan", "2024-01", "medicaid_adults", "inpatient_stay", 1),
            ("county", "2024-01", "medicaid_adults", "jail_day", 0),
            ("medicaid_plans", "2030-01", "medicaid_adults", "inpatient_stay", 0),
            ("medicaid_plans", "2024-01", "medicaid_children", "inpatient_stay", 0),
        ],
    )
    def test_paid_twice(
        self, tmp_path: Path, payer: str, start: str, segment: str, service: str, count: int
    ) -> None:
        text = OTHER.format(payer=payer, start=start, segment=segment, service=service)
        (tmp_path / "two.yaml").write_text(text, encoding="utf-8")
        findings = list(agreements.paid_twice(Case(load(tmp_path / "two.yaml"))))
        assert len(findings) == count
        for finding in findings:
            assert finding.key == "financing.contracts.stays.covers.segments"
            assert "inpatient_stay of medicaid_adults" in finding.found
            assert "carved_out" in finding.source

    def test_a_benchmark_of_people_in_crisis(self) -> None:
        few = f"{PLAN}.covers.segments=[people_without_stable_home]"
        finding = only(agreements.selected_members, SAVINGS, few)
        assert "B001" in finding.source
        allowed = f"{PLAN}.benchmark.selection={{value: 0.05, source: x}}"
        assert not found(agreements.selected_members, SAVINGS, few, allowed)
        assert not found(agreements.selected_members, SAVINGS)


class TestPlan:
    def test_two_programmes_for_the_same_people(self) -> None:
        finding = only(plan.same_person, "jackson_housing_first")
        assert "jail_day, police_contact" in finding.found
        assert "independent" in finding.source
        assert not found(plan.same_person, "jackson")

    def test_a_horizon_beyond_the_evidence(self) -> None:
        finding = only(plan.horizon, "starter", "clock.end=2039-12")
        assert finding.key == "clock.end"
        assert "ten years" in finding.source
        assert not found(plan.horizon, "starter")

    def test_a_start_up_before_the_horizon(self) -> None:
        cost = HW + ".costs.start_up={value: 50000, source: x}"
        finding = only(plan.outside_horizon, "starter", cost, f"{HW}.start=2024-06")
        assert "50,000 USD" in finding.found
        assert "docs/model.md" in finding.source
        assert not found(plan.outside_horizon, "starter", cost)
        assert not found(plan.outside_horizon, "starter", f"{HW}.start=2024-06")

    def test_a_loan_paid_back_after_the_horizon(self) -> None:
        loan = (
            "financing.loans.bridge={{name: Bridge, lender: credit_union, date: 2030-01,"
            " amount: {{value: 1000, source: x}}, months: {}, interest: {{value: 0, source: x}}}}"
        )
        finding = only(plan.outside_horizon, "jackson", loan.format(36))
        assert finding.found.startswith("13 of 36")
        assert finding.source == "clock.end"
        assert not found(plan.outside_horizon, "jackson", loan.format(23))

    def test_a_two_sided_contract_settled_after_the_horizon(self) -> None:
        loss = f"{PLAN}.terms.shared_savings.loss={{rate: {{fixed: {{value: 0.5, source: x}}}}}}"
        late = f"{PLAN}.start=2026-01"
        finding = only(plan.outside_horizon, SAVINGS, loss, late)
        assert "year 6" in finding.found
        assert "settlement_lag" in finding.source
        assert not found(plan.outside_horizon, SAVINGS, loss)
        assert not found(plan.outside_horizon, SAVINGS, late)

    def test_a_budget_and_its_lines(self) -> None:
        less = "backbone.budget={value: 500000, unit: USD/year, source: x}"
        finding = only(plan.budget_gap, "jackson", less)
        assert "500,000 USD" in finding.found
        assert "520,290 USD" in finding.found
        assert not found(plan.budget_gap, "jackson")
        assert not found(plan.budget_gap, "starter")

    def test_hiring_frozen_from_the_first_month(self) -> None:
        frozen = "financing.accounts.backbone.freeze_below={value: 3, unit: month, source: x}"
        finding = only(plan.frozen, "jackson", frozen)
        assert finding.limit.startswith("1.4 months")
        assert finding.source.endswith("opening")
        assert not found(plan.frozen, "jackson")

    def test_more_time_for_revenue_than_posts(self) -> None:
        asked = "financing.grants.united_way_support.staff_time={value: 6, source: x}"
        assert "6.2" in only(plan.staff_time, "jackson", asked).found
        assert not found(plan.staff_time, "jackson")

    @pytest.mark.parametrize("rate", [0, 0.12])
    def test_a_discount_rate_that_flatters(self, rate: float) -> None:
        given = f"financing.discount_rate={{value: {rate}, source: x}}"
        assert "OMB" in only(plan.discount_rate, "jackson", given).source
        assert not found(plan.discount_rate, "jackson")

    def test_dues_above_the_value_of_membership(self) -> None:
        much = "financing.dues.small_members.amount={value: 5000, unit: USD, source: x}"
        finding = only(plan.dues_above_value, "jackson_dues", much)
        assert finding.source == "financing.membership"
        assert not found(plan.dues_above_value, "jackson_dues")


HOUSING = "interventions.supportive_housing.duration"
EXPECTED = {
    "jackson_medicaid_shared_savings": [f"{PLAN}.covers", f"{PLAN}.terms"],
    "jackson_mix": [f"{PLAN}.covers", f"{PLAN}.terms"],
    "jackson_housing_first": ["interventions.crisis_diversion.eligible"],
}


class TestShipped:
    """What is found in the shipped scenarios is meant: docs/checks.md says why."""

    @pytest.mark.parametrize("name", sorted(p.stem for p in SHIPPED.glob("*.yaml")))
    def test_findings(self, name: str) -> None:
        findings = lint.findings(load(SHIPPED / f"{name}.yaml"))
        housing = [HOUSING] if name.startswith("jackson") else []
        assert [f.key for f in findings] == EXPECTED.get(name, []) + housing
        for finding in findings:
            assert finding.source
            assert finding.says.endswith((".", "?"))
            assert finding.place.line > 1

    def test_every_rule_stands_in_the_document(self) -> None:
        text = (SHIPPED.parent / "docs" / "checks.md").read_text(encoding="utf-8")
        modules = (agreements, effects, plan, savings)
        source = "".join(Path(str(m.__file__)).read_text(encoding="utf-8") for m in modules)
        rules = set(re.findall(r'case\.finding\(\s*"([a-z_]+)"', source))
        assert len(rules) >= 15
        assert [rule for rule in sorted(rules) if f"`{rule}`" not in text] == []
