"""The planner's parts by hand, what it refuses, and what it prints."""

import csv
import io
import json
import math
from dataclasses import replace
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from rich.console import Console

from cli import main
from model import planning, power
from model.loading import SHIPPED, load
from model.planning import CHANGE, LEVEL, LOTTERY, METRICS, OWN, PRE_POST, Plan, chosen
from model.power import Person
from model.problems import BadInput
from report import plan as words
from report import renderer
from report.plan_figure import figure
from report.plan_page import page
from tests.verification.test_planning import contract

JACKSON = SHIPPED / "jackson_medicaid_shared_savings.yaml"


# --- formulas by hand


def test_variances_by_hand() -> None:
    p = Person(4.0, 1.0)  # correlation 1/4
    assert p.correlation == 0.25
    assert power.after_only(p, 3) == 2.0
    assert power.change(p, 1, 3) == 4.0
    assert power.adjusted(p, 1, 3) == 2.0 - 1.0 / 4.0
    assert power.adjusted(Person(0.0, 0.0), 1, 1) == 0.0


def test_a_trend_error_adds_up_within_an_agreement() -> None:
    """Errors a, b, c: the mean of a, a+b, a+b+c is (3a + 2b + c)/3, variance 14/9."""
    assert power.trend_variance(1.0, 3, 3) == pytest.approx(14 / 9)
    assert power.trend_variance(1.0, 6, 3) == pytest.approx(2 * 14 / 36)
    assert power.trend_variance(1.0, 4, 3) == pytest.approx(15 / 16)
    assert power.trend_variance(2.0, 1, 3) == 4.0


def test_no_number_of_people_is_enough() -> None:
    floor = 0.01
    needed = power.people_needed(
        0.02, lambda n: math.hypot(2 / math.sqrt(n), floor), 0.05, 0.8, False
    )
    assert needed is None  # 2.8 x 1 % is more than 2 %
    assert power.people_needed(0.0, lambda n: 1 / n, 0.05, 0.8, False) is None
    assert power.people_needed(-0.1, lambda n: 1 / n, 0.05, 0.8, False) is None


def test_months_count_the_ramp_up() -> None:
    """Nothing in the first year, 4 % from then on; the sd of m months is 10 % / sqrt(m)."""
    so_far = planning.Accrued(np.array([0.0, 0.04]))
    assert [so_far(12), so_far(24), so_far(48)] == pytest.approx([0.0, 0.02, 0.03])
    months = power.months_needed(so_far, lambda m: 0.1 / math.sqrt(m), 0.05, 0.8, False)
    z = power.z_sum(0.05, 0.8)
    # 4 % (m - 12) / m = z 10 % / sqrt(m)
    root = (z * 0.1 + math.sqrt((z * 0.1) ** 2 + 4 * 0.04 * 0.48)) / (2 * 0.04)
    assert months == math.ceil(root**2)
    assert power.months_needed(so_far, lambda _: 0.1, 0.05, 0.8, False) is None


def test_what_is_detectable_is_found_with_that_power() -> None:
    for log in (False, True):
        least = power.detectable(0.1, 0.05, 0.9, log)
        assert power.found(least, 0.1, 0.05, log) == pytest.approx(0.9)
    assert power.found(0.0, 0.1, 0.05, True) == pytest.approx(0.025)


def test_nothing_to_regress_without_selection_or_dispersion() -> None:
    assert power.fall_without_effect(0.0, Person(1, 0, 1), 2) == 0.0
    assert power.fall_without_effect(2.0, Person(1, 0.5, 0.5), 0) == 0.0
    poisson = power.fall_without_effect(1.0, Person(1, 0, 1), 2)  # back to the mean of 1
    before = (1 - math.exp(-1)) / (1 - 2 * math.exp(-1))
    assert poisson == pytest.approx(1 - 1 / before)


# --- which contract


def test_the_only_contract_needs_no_name() -> None:
    assert chosen(load(JACKSON), None) == "medicaid_plan_savings"


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(BadInput, match="did you mean `medicaid_plan_savings`"):
        chosen(load(JACKSON), "medicaid_plan_saving")


def test_a_scenario_without_contracts_names_those_with() -> None:
    with pytest.raises(BadInput) as told:
        chosen(load(SHIPPED / "jackson.yaml"), None)
    assert "scenarios/jackson_medicaid_shared_savings.yaml" in str(told.value)
    assert "scenarios/jackson.yaml:" in str(told.value) or "jackson.yaml" in str(told.value)


def test_no_year_within_the_horizon() -> None:
    with pytest.raises(BadInput, match="a whole year between"):
        planning.plan(contract(5000, start="2026-06"), "savings", 2, 1)


# --- plans


@pytest.fixture(scope="module")
def made() -> Plan:
    loaded = load(JACKSON)
    return planning.plan(loaded, chosen(loaded, None), 60, 1)


def test_jackson_is_told_from_chance_by_no_design_in_total_cost(made: Plan) -> None:
    rows = {(r.design, r.metric): r for r in made.rows}
    assert len(rows) == 18
    assert all(words.out_of_reach(rows[d, "total_cost"]) for d in planning.DESIGNS)
    assert rows[OWN, "total_cost"].people_needed is None  # the trend's error stays
    own = rows[OWN, "total_cost"]
    assert own.is_contract
    assert own.false_payment == pytest.approx(0.26, abs=0.03)
    trial = rows[LOTTERY, "targeted_events"]
    assert 0 < trial.people < 1500
    pre_post = rows[PRE_POST, "targeted_events"]
    assert pre_post.bias is not None
    assert pre_post.bias > pre_post.effect
    assert not pre_post.usable


def test_the_settlement_is_that_of_a_run(made: Plan) -> None:
    """False payment as contracts.json has it: p_paid_without_effect with errors."""
    from model import ensemble
    from model.runfolder import contracts_of

    run = ensemble.run(load(JACKSON), 60, 1)
    told = contracts_of(run)["medicaid_plan_savings"]["now_with_errors"]
    row = made.row(OWN, "total_cost")
    assert row.false_payment == pytest.approx(told["p_paid_without_effect"])
    assert row.missed_payment == pytest.approx(told["p_not_paid"])
    assert row.effect == run.values("true_savings_rate:medicaid_plan_savings").mean()


def test_payment_risks_by_design_and_metric(made: Plan) -> None:
    """By hand from the estimates told: threshold 2 %, one of six years; a test over all six."""
    normal, z, least = NormalDist(), NormalDist().inv_cdf(0.975), -math.log(0.98)
    assert made.minimum_rate == pytest.approx(0.02)
    for row in made.rows:
        assert row.false_payment is not None
        assert row.false_payment_by_test is not None
        assert row.missed_payment_by_test is not None
        if row.design != PRE_POST and row.bias in {0.0, None}:
            assert row.false_payment_by_test == pytest.approx(0.025)
            assert row.missed_payment_by_test == pytest.approx(1.0 - row.power_now)
    trial = made.row(LOTTERY, "targeted_events")
    assert trial.sd is not None
    fewer = 2.0 * (1.0 / (1.0 - trial.effect) - 1.0)  # the treated arm's, not without an effect
    p = made.expected.effects["targeted_events"].referred.person
    under = math.sqrt(6.0) * trial.sd
    one = math.sqrt(6.0 * (trial.sd**2 - fewer * p.counting / trial.people))
    assert trial.false_payment == pytest.approx(normal.cdf(-least / one))
    shown_effect = -math.log(1.0 - trial.effect)
    assert trial.missed_payment == pytest.approx(normal.cdf((least - shown_effect) / under))
    naive = made.row(PRE_POST, "targeted_events")
    assert naive.bias is not None
    assert naive.sd is not None
    score = -math.log(1.0 - naive.bias) / naive.sd - z
    assert naive.false_payment_by_test == pytest.approx(normal.cdf(score))
    assert naive.false_payment_by_test > 0.99  # nothing done, and nearly always paid
    assert naive.false_payment is not None
    assert naive.false_payment > 0.9


def test_an_effect_next_to_nothing_has_no_sign(made: Plan) -> None:
    row = replace(made.row(OWN, "total_cost"), effect=-4e-6, effect_p05=-0.0017, effect_p95=0.0013)
    told = "next to nothing (between 0.17 % more and 0.13 % less: 90 % interval)"
    assert words.expected_change(row) == told
    assert words.expected_change(replace(row, effect=2e-4)).startswith("0.02 % less (")


def test_targeted_events_are_those_of_the_simulation() -> None:
    """Everybody attributed, one segment: the share of all visits that the strategy avoids."""
    from tests.conftest import worlds

    loaded = contract(5000, {"interventions.team.staff.posts": 2})
    w = worlds(loaded)
    p = planning.plan(loaded, "savings", 1, 1)
    avoided = 1.0 - w.strategy.use.sum() / w.usual.use.sum()
    assert p.expected.effects["targeted_events"].draws == pytest.approx(avoided, rel=1e-9)
    assert p.expected.effects["targeted_cost"].draws == pytest.approx(avoided, rel=1e-6)


def test_a_contract_year_that_begins_in_summer() -> None:
    """Months of two calendar years; half of the members attributed changes no share."""
    staff = {"interventions.team.staff.posts": 2}
    summer = {
        "start": "2025-07",
        "years": 1,
        "covers": {"segments": ["adults"], "attributed": 0.5},
    }
    p = planning.plan(contract(5000, staff, **summer), "savings", 1, 1)
    whole = planning.plan(contract(5000, staff), "savings", 1, 1)
    assert p.expected.members == pytest.approx(2500)
    early, late = whole.expected.effects["targeted_events"].years
    between = p.expected.effects["targeted_events"].years
    assert between.shape == (1,)
    assert early < between[0] < late


def test_nobody_served() -> None:
    """No staff: no effect, nobody to try it on, and numbers that JSON can hold."""
    p = planning.plan(contract(5000), "savings", 2, 1)
    row = p.row(LOTTERY, "targeted_events")
    assert row.people == 0.0
    assert row.sd is None
    assert row.people_needed is None
    assert row.false_payment is row.false_payment_by_test is None
    json.dumps(words.as_json(p), allow_nan=False)
    shown(p, 80)
    renderer.svg(figure(p))


def test_a_contract_that_shares_no_savings() -> None:
    """A fee: nothing is paid on savings, yet they can be measured."""
    terms = {"name": "fee", "title": "Fee", "source": "test", "member_fee": {"per_member_month": 3}}
    p = planning.plan(contract(5000, terms=terms), "savings", 2, 1)
    assert p.minimum_rate is None
    assert all(r.false_payment is None for r in p.rows)
    assert p.row(OWN, "total_cost").false_payment_by_test == pytest.approx(0.025)
    shown(p, 80)


# --- words and files


def shown(p: Plan, width: int) -> str:
    out = io.StringIO()
    words.show(p, Path("runs/plan"), Console(file=out, width=width))
    return out.getvalue()


@pytest.mark.parametrize("width", [80, 100, 120])
def test_the_screen_holds_every_number(made: Plan, width: int) -> None:
    text = shown(made, width)
    assert max(map(len, text.splitlines())) <= width
    assert "\N{HORIZONTAL ELLIPSIS}" not in text
    for told in (
        "No design would show", "not usable", "rule of 2 %", "randomised, referred",
        "enrolments of members", "comparison, level", "comparison, change",
    ):  # fmt: skip
        assert told in " ".join(text.split())


@pytest.mark.parametrize(
    ("share", "told"),
    [
        (0.0264, "2.6"),
        (1e-6, "<0.001"),
        (-1e-7, ">-0.001"),
        (0.0, "0"),
        (None, "?"),
        (-0.17, "-17"),
    ],
)
def test_shares_in_words(share: float | None, told: str) -> None:
    assert words.bare(share) == told


def test_numbers_of_people_in_words() -> None:
    assert [words.whole(x) for x in (None, 6755, 16_228_683)] == ["none", "6,760", "16.2 M"]


def test_names_of_a_scenario_stay_text() -> None:
    p = planning.plan(contract(5000, name="<b>x</b>\x1b[2J"), "savings", 1, 1)
    assert "\x1b" not in shown(p, 80)
    drawn = page(p, "")
    assert "<b>x" not in drawn
    assert "http" not in drawn.replace("http-equiv", "")


def run(*arguments: str) -> Any:
    return CliRunner().invoke(main, ["plan", *arguments])


def test_the_command_writes_a_folder(tmp_path: Path) -> None:
    folder = tmp_path / "plan"
    asked = [str(JACKSON), "--draws", "20", "--power", "0.9", "--format", "json"]
    done = run(*asked, "--output", str(folder))
    assert done.exit_code == 0, done.output
    told = json.loads(done.output)
    assert told["power"] == 0.9
    assert {r["metric"] for r in told["designs"]} == set(METRICS)
    files = {f.name: f.read_bytes() for f in folder.iterdir()}
    assert set(files) == {"plan.csv", "plan.html", "plan.json", "plan.png"}
    rows = list(csv.DictReader(io.StringIO(files["plan.csv"].decode())))
    assert len(rows) == 18
    assert float(rows[1]["sd"]) == told["designs"][1]["sd"]
    again = run(*asked, "--output", str(folder))
    assert again.exit_code == 0
    assert {f.name: f.read_bytes() for f in folder.iterdir()} == files


def test_the_command_refuses(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    for arguments, told in (
        ([str(JACKSON), "--contract", "x"], "--contract"),
        ([str(SHIPPED / "jackson.yaml")], "no contract"),
        ([str(JACKSON), "--out", str(tmp_path / "mine")], "is no plan"),
        ([str(JACKSON), "--power", "2"], "Invalid value"),
    ):
        done = run(*arguments)
        assert done.exit_code == 2, told
        assert told in done.output
        assert "Traceback" not in done.output


def test_the_commands_of_the_document_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (SHIPPED.parent / "docs" / "planner.md").read_text(encoding="utf-8")
    commands = [line.split() for line in text.splitlines() if line.startswith("    headwater ")]
    (tmp_path / "scenarios").symlink_to(SHIPPED, target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    assert len(commands) == 2
    for words_of in commands:
        done = CliRunner().invoke(main, [*words_of[1:], "--draws", "10"])
        assert done.exit_code == 0, done.output
        assert "randomised, referred" in done.output
    assert len(list((tmp_path / "runs").iterdir())) == 2


def test_designs_by_hand() -> None:
    """What each design makes of one person's variance; own baseline one year, 100 beside each."""
    staff = {"interventions.team.staff.posts": 2}
    p = planning.plan(contract(5000, staff), "savings", 1, 1)
    total, designs = p.expected.effects["total_cost"], planning.Designs(p.expected)
    v, c = 2.1**2, 0.4 * 2.1**2
    assert total.members.person == pytest.approx((v, c, 0.0))
    expected = {
        PRE_POST: 2 * (v - c),
        OWN: (v - c) * (1 + 1 / 2),
        LEVEL: ((v - c) / 2 + c) * (1 + 1 / 100),
        CHANGE: (v - c) * (1 + 1 / 2) * (1 + 1 / 100),
        planning.RANDOMISED: 4 * ((v - c) / 2 + c - c**2 / v),
        LOTTERY: 4 * (v - c**2 / v),
    }
    for design, variance in expected.items():
        assert designs.variance(total, design, 2.0, 0.0) == pytest.approx(variance)
        assert designs.sd(total, design, 400.0, 2.0, 0.0) == pytest.approx(
            math.sqrt(variance / 400)
        )


def test_members_who_leave_take_their_savings_with_them() -> None:
    """Churn of 40 %: half a year of it is lost, a fifth of the effect; and years share less."""
    staff = {"interventions.team.staff.posts": 2}
    stays = planning.plan(contract(5000, staff), "savings", 1, 1).expected
    covers = {"segments": ["adults"], "churn": 0.4}
    leaves = planning.plan(contract(5000, staff, covers=covers), "savings", 1, 1).expected
    for metric, effect in stays.effects.items():
        assert leaves.effects[metric].draws == pytest.approx(0.8 * effect.draws)
        assert leaves.effects[metric].enrolled == pytest.approx(effect.enrolled)
    assert leaves.started == pytest.approx(0.8 * stays.started)
    person = planning.Designs(leaves).person(leaves.effects["total_cost"], OWN)
    assert person.lasting == pytest.approx(0.6 * 0.4 * 2.1**2)
