"""Money in words: sentences from known numbers, nothing without financing, nulls, escaping."""

import json
from collections import defaultdict
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from model import ensemble, lint, runfolder
from model.comparison import compare
from model.loading import load
from report import (
    compared,
    compared_money,
    figures_money,
    findings,
    money,
    money_notes,
    money_page,
    money_story,
    reasons,
    renderer,
    rundata,
    terminal,
    wording,
)
from report.html import _environment
from report.rundata import Run

ROOT = Path(__file__).resolve().parents[2]
EVIL = "<img src=x onerror=alert(1)>[red]"
MONTHS = [f"{2020 + m // 12}-{m % 12 + 1:02d}" for m in range(48)]
SCENARIO: dict[str, Any] = {
    "backbone": {"party": "net"},
    "parties": {"plan": {}, "net": {}},
    "services": {"ed": {}},
    "financing": {
        "grants": {"gift": {"name": "The gift"}},
        "contracts": {"deal": {"name": "The deal", "payer": "plan"}},
    },
}
NAMES = {"net": "Network", "plan": "Plan", "ed": "Visits"}


def row(metric: str, party: str, strategy: str, *numbers: float | None, **more: Any) -> Any:
    """Mean, 5th, 50th and 95th percentile; one number stands for all."""
    mean, p05, p50, p95 = numbers if len(numbers) == 4 else (numbers[0],) * 4
    sd = 0.0 if p05 == p95 else 1.0
    told = {"metric": metric, "party": party, "strategy": strategy, "unit": "USD"}
    return told | {"mean": mean, "sd": sd, "mcse": 0.0, "p05": p05, "p50": p50, "p95": p95} | more


def world(strategy: str, insolvent: float, runway: tuple[float, ...], gap: float) -> list[Any]:
    return [
        row("p_insolvent", "net", strategy, insolvent),
        row("runway_months", "net", strategy, *runway),
        row("first_short_month", "net", strategy, 33, 33, 33, 34),
        row("closing_gap", "net", strategy, gap, 0.9 * gap, gap, 1.1 * gap),
        row("gap_first_year", "net", strategy, gap / 2),
        row("below_core_staff", "net", strategy, insolvent),
        row("posts_filled", "net", strategy, 0.24),
        row("lowest_cash", "net", strategy, 0.0),
    ]


SAME = [
    *world("usual_care", 1.0, (35.4, 35, 35, 36), 480_000.0),
    *world("strategy", 1.0, (35.4, 35, 35, 36), 480_000.0),
    row("member_months", "plan", "usual_care", 48 * 10_000.0),
    row("avoided_rescue_spending", "plan", "difference", 1_000.0),
    row("revenue_total", "net", "strategy", 90_000.0),
    row("revenue", "grants.gift", "usual_care", 90_000.0),
    row("revenue", "grants.gift", "strategy", 90_000.0),
    row("staff_time_cost", "grants.gift", "strategy", 4_000.0),
    row("net_contribution", "grants.gift", "strategy", 86_000.0),
    row("npv", "plan", "difference", -500.0, -900.0, -500.0, -100.0),
    row("net_cash", "plan", "difference", -600.0, -1_000.0, -600.0, -120.0),
    row("outlay", "plan", "difference", 500.0),
    row("roi_gross", "plan", "difference", None, share_known=0.0),
    row("npv", "society", "difference", -9.0),
    row("net_cash", "society", "difference", -9.0),
]
DEAL = [
    row("contract_payment", "deal", "strategy", 200_000.0, 0.0, 1.0, 900_000.0),
    row("contract_payment_yearly", "deal", "strategy", 50_000.0),
    row("payment_on_truth", "deal", "strategy", 20_000.0),
    row("payment_by_error_and_luck", "deal", "strategy", 180_000.0),
    row("p_paid", "deal", "strategy", 0.30),
    row("p_paid_without_effect", "deal", "strategy", 0.28),
    row("p_real_saving", "deal", "strategy", 0.5),
    row("p_not_paid_though_real", "deal", "strategy", 0.35),
    row("contract_received", "deal", "strategy", 0.0),
]


def made(folder: Path, rows: list[Any], inputs: tuple[Any, ...] = (), **summary: Any) -> Run:
    about = {"scenario": "fake", "title": "Fake", "draws": 400, "names": NAMES, "metrics": rows}
    about |= {"start": MONTHS[0], "end": MONTHS[-1], "price_year": 2020, "seed": 1, "method": "lhs"}
    (folder / "scenario.yaml").write_text(json.dumps(SCENARIO))
    rate = {"name": "financing.discount_rate", "value": 0.06, "status": "assumption"}
    rate |= {"family": "fixed"}
    (folder / "inputs.json").write_text(json.dumps({"parameters": [rate, *inputs], "effects": {}}))
    series(folder / "series.parquet")
    values = {"metric": ["npv"] * 4, "party": ["plan"] * 4, "value": [-1.0, -1.0, -1.0, 2.0]}
    pq.write_table(pa.table(values), folder / "metrics.parquet")
    return Run(folder, about | summary)


def series(path: Path) -> None:
    """Insolvent from December 2022 on in 63 of 100 draws, a month later in all."""
    ends = [0.0 if k < 35 else 0.63 if k == 35 else 1.0 for k in range(48)]
    flat = dict.fromkeys(("cash", "credit", "needed", "expected_on_truth", "receipts"), [10.0] * 48)
    kinds = {**flat, "insolvent": ends}
    table: dict[str, list[Any]] = {"metric": [], "party": [], "strategy": [], "month": []}
    numbers: dict[str, list[float]] = {n: [] for n in ("mean", "p05", "p25", "p50", "p75", "p95")}
    for metric in sorted(kinds):
        for strategy in ("strategy", "usual_care"):
            table["metric"] += [metric] * 48
            table["party"] += ["net"] * 48
            table["strategy"] += [strategy] * 48
            table["month"] += MONTHS
            for column in numbers.values():
                column.extend(kinds[metric])
    pq.write_table(pa.table(table | numbers), path)


def told(run: Run) -> dict[str, str]:
    return dict(money_story.topics(run))


# --- sentences


def test_the_month_in_which_cash_runs_out(tmp_path: Path) -> None:
    cash = told(made(tmp_path, SAME))["Cash"]
    assert "Network runs out of cash in December 2022" in cash
    assert "(90 %: December 2022 to January 2023)" in cash
    assert "by December 2022 in 63 of 100 draws, by December 2023 in every draw" in cash


def test_the_gap_by_year_member_and_month(tmp_path: Path) -> None:
    gap = told(made(tmp_path, SAME))["Gap"]
    assert "(90 %: $432,000 to $528,000) is needed so as never to be short, beyond all" in gap
    assert "from October 2022 on" in gap
    assert "in the first year $240,000" in gap
    assert "$4.00 a month for each of 10,000 members of Plan" in gap


def test_the_same_cash_is_said_once(tmp_path: Path) -> None:
    assert told(made(tmp_path, SAME))["Usual care"].startswith("The same cash, staff and gap")


def test_usual_care_is_told_where_it_differs(tmp_path: Path) -> None:
    rows = [*world("strategy", 0.2, (45.0, 40, 48, 48), 0.0), *SAME[:8], *SAME[16:]]
    words = told(made(tmp_path, rows))
    assert "stays solvent to the end (December 2023) in most draws" in words["Cash"]
    assert "in the worst 5 of 100 it runs out of cash by May 2023" in words["Cash"]
    assert "Planned receipts cover all that is needed" in words["Gap"]
    assert "Without the strategy Network runs out of cash in December 2022" in words["Usual care"]


def test_shrinking_hides_no_failure(tmp_path: Path) -> None:
    rows = world("strategy", 0.02, (48.0, 48, 48, 48), 0.0)
    rows[5] = row("below_core_staff", "net", "strategy", 0.9)
    staff = told(made(tmp_path, rows))["Staff"]
    assert staff.startswith("It lasts by shrinking, which is failure too")
    assert "core staff is below its minimum for three months or more in 90 of 100 draws" in staff


def test_what_of_a_contract_is_luck(tmp_path: Path) -> None:
    words = told(made(tmp_path, [*SAME, *DEAL]))
    deal = words["Contract"]
    assert "The deal: it would pay $200,000 (90 %: $0 to $900,000) if the network survived" in deal
    assert "survived; $0 is received, the rest comes too late" in deal
    assert "it would pay $20,000 is for true savings and $180,000 (90 %) is luck and error" in deal
    assert "comes out in 30 of 100 contract years, and in 28 without any effect" in deal
    assert "70 of 100 years with a real saving go unpaid" in deal
    assert "mostly by luck and error: nobody can plan on that part" in words["Gap"]


def test_a_payment_that_arrives_is_expected(tmp_path: Path) -> None:
    deal = [*DEAL[:-1], row("contract_received", "deal", "strategy", 199_000.0)]
    words = told(made(tmp_path, [*SAME, *deal]))["Contract"]
    assert words.startswith("The deal: expected payment $200,000 (90 %: $0 to $900,000).")
    assert "Of what it pays $20,000 is for true savings" in words


def test_who_stays_solvent_by_luck(tmp_path: Path) -> None:
    by_luck = row("solvent_by_luck", "net", "strategy", 0.09)
    rows = [*world("strategy", 0.88, (35.4, 35, 35, 48), 480_000.0), *SAME[:8], *SAME[16:]]
    words = "Of the 12 in 100 draws that stay solvent, 9 were paid settlements by luck or error."
    run = made(tmp_path, [*rows, by_luck])
    assert words in told(run)["Cash"]
    assert words in money_story.headline(run)
    assert "by luck or error" not in told(made(tmp_path, rows))["Cash"]
    few = told(made(tmp_path, [*rows, by_luck], draws=99))["Cash"]
    assert few.endswith(
        "Some of the draws that stay solvent were paid settlements by luck or error."
    )


def test_an_account_neither_gains_nor_loses(tmp_path: Path) -> None:
    timing = [row(m, "net", "difference", 90.0, 1.0, 90.0, 900.0) for m in ("npv", "net_cash")]
    run = made(tmp_path, [*SAME, *timing])
    words = told(run)["Who gains"]
    assert words.startswith("No payer, provider or funder gains")
    assert "1 party loses" in words
    assert words.endswith("Network is not counted: runway, chance and gap are told above.")
    assert [g.key for g in money.gains(run)] == ["plan"]
    assert [name for name, _ in money.own_cash(run)] == ["Network"]


def test_no_gain_is_said_plainly(tmp_path: Path) -> None:
    words = told(made(tmp_path, SAME))["Who gains"]
    assert words.startswith("No payer, provider or funder gains")
    assert "1 party loses (interval below zero), most of all Plan, $500" in words


def test_a_sure_gain_is_named(tmp_path: Path) -> None:
    rows = [r for r in SAME if r["metric"] not in ("npv", "net_cash")]
    rows += [row(m, "plan", "difference", 500.0, 100.0, 500.0, 900.0) for m in ("npv", "net_cash")]
    words = told(made(tmp_path, rows))["Who gains"]
    assert "90 % interval above zero goes to Plan ($500, 90 %: $100 to $900)" in words


def test_few_draws_give_no_chance(tmp_path: Path) -> None:
    words = " ".join(told(made(tmp_path, [*SAME, *DEAL], draws=99)).values())
    assert "of 100" not in words
    assert "90 %:" not in words


def test_months_by_name() -> None:
    assert wording.month_at("2020-01", 35) == "December 2022"
    assert wording.month_at("2020-11", 2) == "January 2021"
    assert wording.short_month_at("2020-01", 0) == "Jan 2020"
    assert wording.points(-5.8e-7) == "0.00 %"


# --- why, and what stands beside it

STEPS = [
    row("waterfall", f"plan.{name}", "difference", usd)
    for name, usd in (
        ("01_avoided_at_price", 300.0),
        ("02_added_care_elsewhere", -100.0),
        ("04_paid_for_others_who_use_it", -700.0),
        ("13_programmes", -40.0),
        ("19_grants_paid", -60.0),
        ("25_net_cash", -600.0),
    )
]


def test_the_columns_of_a_party_add_up_to_its_net_cash(tmp_path: Path) -> None:
    [why] = reasons.reasons(made(tmp_path, [*SAME, *STEPS]))
    assert sum(why.columns.values()) == why.net_cash.mean == -600.0
    assert why.columns[reasons.NETWORK] == -60.0
    assert why.columns[reasons.BACK_FILL] == -700.0
    assert reasons.shown([why]) == [
        "Avoided", "Added care", "Back-fill", "Programmes", "Network and contracts",
    ]  # fmt: skip


def test_the_largest_reason_nets_care_first(tmp_path: Path) -> None:
    run = made(tmp_path, [*SAME, *STEPS])
    assert reasons.mostly(run, "plan") == "back-fill"
    dear = [r for r in STEPS if "programmes" not in r["party"]]
    dear.append(row("waterfall", "plan.13_programmes", "difference", -501.0))
    assert reasons.mostly(made(tmp_path, [*SAME, *dear]), "plan") == "programmes"


def test_who_loses_by_back_fill_alone_is_told(tmp_path: Path) -> None:
    unpaid = [r for r in SAME if r["metric"] != "outlay"]
    assert "Plan puts nothing in and loses by back-fill" in told(
        made(tmp_path, [*unpaid, *STEPS])
    ).get("Who gains", "")
    paid = told(made(tmp_path, [*SAME, *STEPS]))["Who gains"]
    assert "back-fill" not in paid


def test_usual_care_keeps_what_is_there_already(tmp_path: Path) -> None:
    assert "the 1 source of revenue that it has" in money_notes.usual_care(made(tmp_path, SAME))
    rows = [r for r in SAME if (r["metric"], r["strategy"]) != ("revenue", "usual_care")]
    assert "source of revenue" not in money_notes.usual_care(made(tmp_path, rows))


def test_the_two_nets_are_told_apart_with_numbers(tmp_path: Path) -> None:
    saving = row("net_saving", "plan", "difference", -250.0)
    words = money_notes.two_nets(made(tmp_path, [*SAME, saving]))
    assert "net result -$250, net cash -$600" in words
    assert "net cash -$" not in money_notes.two_nets(made(tmp_path, SAME))


def test_a_line_of_credit_is_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account = {"credit": {"lender": "plan", "limit": 80}}
    monkeypatch.setitem(SCENARIO, "financing", {"accounts": {"net": account}})
    run = made(tmp_path, SAME)
    assert "Credit" not in told(run)
    limit = {"name": "financing.accounts.net.credit.limit", "value": 80.0, "status": "assumption"}
    limit |= {"family": "fixed"}
    run = made(tmp_path, SAME, (limit,))
    words = told(run)["Credit"]
    assert words.startswith("The line of credit is $80, from Plan. When most of it is drawn")
    assert "$10 is owed and $70 is left undrawn" in words
    assert len(dict(money_page.charts(run))["cash"]["vconcat"]) == 3


def test_a_plan_with_contracts_says_that_luck_is_left_out(tmp_path: Path) -> None:
    lucky = row("closing_gap_with_luck", "net", "strategy", 300_000.0)
    run = made(tmp_path, [*SAME, *DEAL, lucky])
    found = money_page.revenue_years(run, "net")
    assert found is not None
    assert {line["what"] for line in found[1]} == {figures_money.NEEDED, figures_money.WITHOUT_LUCK}
    assert "the gap is $480,000 a year, with that $300,000" in money_page.lucky_plan(run, "net")
    plain = made(tmp_path, SAME)
    found = money_page.revenue_years(plain, "net")
    assert found is not None
    assert {line["what"] for line in found[1]} == {figures_money.NEEDED, figures_money.PLANNED}
    assert money_page.lucky_plan(plain, "net") == ""


def test_findings_of_a_check_are_those_of_the_scenario(tmp_path: Path) -> None:
    loaded = load(ROOT / "scenarios" / "jackson_medicaid_shared_savings.yaml")
    runfolder.write(ensemble.run(loaded, 2, 1), tmp_path, 1.0)
    found = findings.of_run(tmp_path)
    assert [(f.key, f.found) for f in found] == [(f.key, f.found) for f in lint.findings(loaded)]
    run = rundata.read(tmp_path)
    assert findings.about(run, found[0]) == "Shared savings with one Medicaid plan: covers"
    assert "no number of members is enough" in findings.in_short(run, found[0])
    assert findings.counted(found, 3).startswith("Too good to be true? Three findings")
    assert findings.counted(found, 2).endswith("the two most serious first:")


def test_a_folder_that_no_longer_loads_has_no_findings(tmp_path: Path) -> None:
    assert findings.of_run(made(tmp_path, SAME).folder) == []


# --- nulls


def test_a_return_that_no_draw_has_is_a_dash(tmp_path: Path) -> None:
    run = made(tmp_path, SAME)
    [gain] = money.gains(run)
    assert gain.roi_gross is None
    assert money_page.returns(gain) == ("", "")
    assert gain.p_gain == pytest.approx(0.25)


def test_a_rate_of_the_lucky_few_is_not_quoted(tmp_path: Path) -> None:
    rate = row("irr", "plan", "difference", 2.0, share_known=0.03)
    month = row("payback_month", "plan", "difference", 5.0, share_known=0.2)
    often = row("pays_back", "plan", "difference", 0.2)
    run = made(tmp_path, [*SAME, rate, month, often])
    [gain] = money.gains(run)
    assert money_page.irr(gain) == "in 3 of 100 draws only"
    assert money_page.payback(run, gain) == "only in 20 of 100 draws"


def test_json_says_how_many_draws_have_a_value(tmp_path: Path) -> None:
    data = terminal.run_json(made(tmp_path, SAME).summary, tmp_path)
    by_metric = {r["metric"]: r for r in data["metrics"]}
    assert by_metric["roi_gross"]["mean"] is None
    assert by_metric["roi_gross"]["share_known"] == 0.0
    assert "share_known" not in by_metric["npv"]
    json.dumps(data, allow_nan=False)


def test_a_comparison_survives_what_is_no_number(tmp_path: Path) -> None:
    values = {"mean": float("nan"), "difference": {"mean": float("nan")}}
    two = compare(
        [load(ROOT / "scenarios" / "starter.yaml", [f"name=s{k}"]) for k in (1, 2)], 8, 1, "lhs"
    )
    key = next(k for k in two.baseline.metrics if k.metric == "roi_gross")
    for result in two.results:
        result.metrics[key][0] = float("nan")
    found = {"metric": key.metric, "party": key.subject, "strategy": key.strategy}
    fixed = compared_money.known(found | {"scenario": "s2"} | values, two)
    json.dumps(fixed, allow_nan=False)
    assert fixed["difference"]["mean"] == 0.0
    json.dumps(compared.with_period(two), allow_nan=False)


def test_a_comparison_tells_who_stays_solvent_by_luck() -> None:
    rows = {"p_insolvent": [{"mean": 1.0}, {"mean": 0.9}]}
    data: dict[str, Any] = {"start": MONTHS[0], "end": MONTHS[-1], "accounts": ["net"]}
    data["scenarios"] = [{"name": "a"}, {"name": "b"}]
    lucky = row("solvent_by_luck", "net", "strategy", 0.07, scenario="b")
    words = "of the 10 in 100 that stay solvent, 7 were paid settlements by luck or error"
    assert words in compared_money.opening(rows, 1, data | {"own": [lucky]})
    assert len(compared_money.opening(rows, 1, data)) == 1
    assert compared_money.contract_rows(data | {"own": [lucky]}) == []


def test_accounts_are_not_valued_in_a_comparison() -> None:
    rows = [row("npv", party, "difference", 9.0) for party in ("net", "plan", "society")]
    assert compared_money.valued({"metrics": rows, "accounts": ["net"]}) == ["plan", "society"]


# --- nothing, and hostile names


def test_without_financing_there_is_no_money(tmp_path: Path) -> None:
    rows = [r for r in SAME if r["metric"] in ("npv", "net_cash")]
    run = made(tmp_path, rows)
    assert money_story.topics(run) == []
    assert money_page.view(run) is None
    assert list(money_page.charts(run)) == []


def test_names_of_the_scenario_are_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    contract = {"name": EVIL, "payer": "plan"}
    evil = {"grants": {"gift": {"name": EVIL}}, "contracts": {"deal": contract}}
    monkeypatch.setitem(SCENARIO, "financing", evil)
    run = made(tmp_path, [*SAME, *DEAL], names=NAMES | {"net": EVIL, "plan": EVIL})
    page = (
        _environment()
        .get_template("money.html")
        .render(
            run=run,
            s=run.summary,
            money=money_page.view(run),
            charts=defaultdict(str),
            between=lambda _: "",
            count_between=lambda _: "",
            ranged=lambda _: "",
            bracketed=lambda _: "",
            harmful=lambda _: False,
        )
    )
    assert "<img" not in page
    assert "&lt;img src=x" in page


def test_charts_are_drawn_and_hold_names_as_data(tmp_path: Path) -> None:
    run = made(tmp_path, SAME)
    specs = dict(money_page.charts(run))
    assert set(specs) == {"cash", "revenue"}
    step = {"step": EVIL, "low": 0.0, "high": 5.0, "told": "+$5", "what": "more"}
    drawn = [renderer.svg(spec) for spec in specs.values()]
    drawn.append(renderer.svg(figures_money.waterfalls([(EVIL, [step])])))
    assert all("<svg" in svg and "<img" not in svg for svg in drawn)


def test_the_steps_of_a_waterfall_stand_on_each_other(tmp_path: Path) -> None:
    steps = [("01_avoided_at_price", 10.0), ("02_programmes", -30.0), ("03_net_cash", -20.0)]
    rows = [row("waterfall", f"plan.{name}", "difference", usd) for name, usd in steps]
    found = list(money_page.steps_of(made(tmp_path, rows), "plan"))
    assert [(s["low"], s["high"]) for s in found] == [(0.0, 10.0), (-20.0, 10.0), (-20.0, 0.0)]
    assert [s["what"] for s in found] == ["more", "less", "net cash"]


def test_steps_of_a_contract_show_chance_side_by_side(tmp_path: Path) -> None:
    steps = [("03_benchmark_error", 1.0), ("04_luck", 2.0), ("05_not_counted", -1.0)]
    steps += [("06_losses_not_owed", 7.0), ("11_insolvent", -9.0)]
    rows = [row("waterfall", f"deal.{name}", "strategy", usd) for name, usd in steps]
    rows += [row("waterfall_month", "deal.04_luck", "strategy", 9.0, share_known=0.4)]
    rows += [row("waterfall_month", "deal.11_insolvent", "strategy", None, share_known=0.0)]
    found = money.contract_steps(made(tmp_path, [*SAME, *DEAL, *rows]), "deal")
    names = ["benchmark_error", "luck", "losses_not_owed", "not_counted", "insolvent", "received"]
    assert [step.name for step in found] == names
    assert not any(step.month for step in found)
    drawn = [b["step"] for b in money_page.bars(made(tmp_path, [*SAME, *rows]), found, "sum")]
    assert drawn[2] == "losses that a one-sided contract does not owe (chance)"
    assert drawn[-1] == "sum"


def test_the_sum_of_an_account_is_no_gain(tmp_path: Path) -> None:
    rows = [row("waterfall", "net.25_net_cash", "difference", 5.0)]
    [bar] = money_page.steps_of(made(tmp_path, [*SAME, *rows]), "net")
    assert bar["step"] == "receipts less payments until insolvency"


def test_who_rides_free_gains_for_sure(tmp_path: Path) -> None:
    sure = row("net_cash", "plan", "difference", 500.0, 100.0, 500.0, 900.0)
    maybe = row("net_cash", "plan", "difference", 500.0, -100.0, 500.0, 900.0)
    assert money_page.gains_for_sure(made(tmp_path, [sure]), "plan")
    assert not money_page.gains_for_sure(made(tmp_path, [sure], draws=99), "plan")
    assert not money_page.gains_for_sure(made(tmp_path, [maybe]), "plan")
    assert not money_page.gains_for_sure(made(tmp_path, []), "plan")


def test_what_is_missing_is_a_part_of_the_chart(tmp_path: Path) -> None:
    run = made(tmp_path, SAME)
    found = money_page.revenue_years(run, "net")
    assert found is not None
    assert {line["usd"] for line in found[1]} == {120.0}
