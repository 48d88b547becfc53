"""Contracts in the outcomes: by hand, against published answers, and against the draws."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model.contract_cash import STEPS, steps
from model.contract_chances import Facts, contract_report, report_of
from model.contract_history import histories
from model.contract_outcomes import measures, payment_without_luck
from model.draws import Draws, sample
from model.ensemble import both_worlds
from model.finance.contracts import Clauses
from model.finance.measurement import Noise
from model.loading import load
from model.money_plan import lines
from model.worlds import STRATEGY, Worlds
from tests.conftest import scenario

SHIPPED = Path(__file__).parents[2] / "scenarios"
TWO_SIDED: dict[str, Any] = {"sharing_rate": 0.5, "loss": {"rate": {"fixed": 0.3}}}
RICH: dict[str, Any] = {
    "sharing_rate": 0.5,
    "tiers": [{"above": 0.04, "sharing_rate": 0.7}],
    "minimum_rate": {"fixed": 0.02},
    "excess_only": True,
    "quality": {"pays": "score"},
    "sequestration": 0.02,
    "payment_limit": 0.05,
    "capture_cap": 0.45,
    "loss": {"rate": {"floor": 0.4, "ceiling": 0.7}, "limit_of_benchmark": 0.02},
    "fee_netted_first": True,
}


def terms(**parts: Any) -> dict[str, Any]:
    return {"name": "ours", "title": "Ours", "source": "a letter"} | parts


def money(its_terms: dict[str, Any], **contract: Any) -> dict[str, Any]:
    """The small scenario's network with a large account and one contract, `deal`."""
    line = {
        "name": "Deal",
        "payer": "plan",
        "payee": "network",
        "terms": its_terms,
        "start": "2025-01",
        "years": 3,  # the horizon holds two of them
        "covers": {"segments": ["adults"], "attributed": 0.5, "other_care": False},
    }
    return {
        "discount_rate": 0.03,
        "accounts": {"network": {"opening": 1e8, "minimum_core": 0}},
        "contracts": {"deal": line | contract},
    }


COMPARED = {"benchmark": {"method": "comparison_group"}}


def drawn(
    financing: dict[str, Any], draws: int = 3, changes: Mapping[str, Any] | None = None
) -> tuple[Draws, Worlds]:
    sampled = sample(scenario({"financing": financing, **(changes or {})}), draws, 1)
    return sampled, both_worlds(sampled, slice(0, draws))


def found(w: Worlds) -> dict[str, Any]:
    values = {f"{m.metric}:{m.subject}": m.values for m in measures(w)}
    assert all(m.values.shape == (w.get.size,) and m.strategy == STRATEGY for m in measures(w))
    dated = "waterfall_month"  # nan where a step is nothing
    assert all(np.isfinite(v).all() for key, v in values.items() if not key.startswith(dated))
    return values


def test_nothing_without_contracts() -> None:
    sampled = sample(scenario(), 2, 1)
    assert list(measures(both_worlds(sampled, slice(0, 2)))) == []


# --- by hand


def by_hand() -> Worlds:
    """Two settled years, written over: a gain, of which a part is limited, and a shared loss."""
    shares = {"distribution": {"network": 0.75, "county": 0.25}}
    _, w = drawn(
        money(
            terms(shared_savings=TWO_SIDED, settlement_lag=3, interim_share=0.2, **shares),
            **COMPARED,
        )
    )
    w.usual.contract_care[:] = 100.0
    w.strategy.contract_care[:, :12] = 80.0
    w.strategy.contract_care[:, 12:] = 104.0
    w.strategy.enrolled_months[:] = 30.0
    assert w.strategy_world.deals is not None
    w.strategy_world.deals.year["usual_cost"] = 1000.0
    w.strategy_world.deals.year["benchmark"] = 1250.0
    settled = w.strategy_world.books.settled
    for field, one, two in (
        ("usual_cost", 1000, 1000),
        ("benchmark", 1250, 1000),
        ("true_saving", 120, -24),
        ("luck", 30, -50),
        ("measured", 200, -60),
        ("counted", 200, -60),
        ("shared", 100, -18),
        ("payment", 90, -18),
        ("payment_on_truth", 40, 0),
        ("payment_without_effect", 10, 0),
        ("other", 5, 0),
        ("members", 500, 500),
    ):
        settled[field][:, 0, :2] = one, two
    return w


def test_steps_by_hand() -> None:
    """Of a loss of 60, 18 is owed: 42 is not, and no part of the share that the payer keeps."""
    values = [192, -96, 64, -20, 42, 0, -100, -10, 18, -22.5, 0]
    w = by_hand()
    told = found(w)
    got = [told[f"waterfall:deal.{step}"] for step in STEPS]
    assert np.array(got) == pytest.approx(np.array(values)[:, None] * np.ones(3))
    assert sum(values) == 67.5
    assert told["contract_received:deal"] == pytest.approx(67.5)


def test_an_insolvent_account_receives_nothing() -> None:
    """The interim payment of month 12 comes in, the rest of month 15 does not."""
    w = by_hand()
    w.strategy_world.books.account["alive"][:, 12:] = 0.0
    told = found(w)
    assert told["waterfall:deal.11_insolvent"] == pytest.approx(-54)
    assert told["contract_received:deal"] == pytest.approx(13.5)


def test_dates_of_steps_by_hand() -> None:
    """Savings of 240 a month 1 to 12 and -48 a month 13 to 24, by size; then ends of years."""
    told = found(by_hand())
    got = [told[f"waterfall_month:deal.{step}"][0] for step in STEPS]
    saving = (240 * 6.5 + 48 * 18.5) / 288
    due = (72 * 15 + 18 * 12) / 90  # of 90: an interim 18 in month 12, the rest in month 15
    expected = [
        saving,
        saving,
        (50 * 12 + 14 * 24) / 64,
        (30 * 12 + 50 * 24) / 80,
        24,
        np.nan,
        12,
        12,
        27,  # a loss of month 24 falls due after the horizon
        due,
        np.nan,
    ]
    assert got == pytest.approx(expected, nan_ok=True)


def one_sided(**year: float) -> Worlds:
    """The first settled year written over, the second blank; half is shared, nothing owed."""
    w = by_hand()
    assert w.strategy_world.deals is not None
    settled = w.strategy_world.books.settled
    for field in ("luck", "measured", "counted", "shared", "payment"):
        settled[field][:, 0, :2] = 0.0
        settled[field][:, 0, 0] = year.get(field, 0.0)
    return w


def test_a_one_sided_contract_does_not_owe_losses() -> None:
    """Measured -60 by luck: all of it is not owed, and nothing is said of a share."""
    told = found(one_sided(luck=-60, measured=-60, counted=-60))
    assert told["waterfall:deal.05_losses_not_owed"] == pytest.approx(60)
    for step in ("06_not_counted", "07_not_shared", "08_limits", "10_to_others"):
        assert told[f"waterfall:deal.{step}"] == pytest.approx(0)


def test_savings_below_the_minimum_that_are_shared_count() -> None:
    """10 measured, too little to count in full, of which a tenth is paid: the payer keeps 9."""
    told = found(one_sided(luck=10, measured=10, counted=0, shared=1, payment=1))
    assert told["waterfall:deal.06_not_counted"] == pytest.approx(0)
    assert told["waterfall:deal.07_not_shared"] == pytest.approx(-9)


@pytest.mark.parametrize("loss", [None, RICH["loss"]])
def test_the_payers_share_is_never_a_gain(loss: Any) -> None:
    its = terms(
        shared_savings=RICH | {"loss": loss, "below_minimum": {"rate_share": 0.2}},
        member_fee={"per_member_month": 0.5},
        measurement={"cv": 1},
    )
    (history,) = histories(w := drawn(money(its, **COMPARED), 40)[1])
    got = steps(w, history)
    for step in ("06_not_counted", "07_not_shared"):
        assert (got[step].total <= 1e-6).all()
        assert np.any(got[step].total < -1.0)
    assert (got["05_losses_not_owed"].total >= 0.0).all()
    assert np.any(got["05_losses_not_owed"].total)


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("contract_members", 500),
        ("true_savings_rate", (0.12 - 0.024) / 2),
        ("measured_savings_rate", (0.16 - 0.06) / 2),
        ("benchmark_error_rate", 0.2),
        ("rebasing_rate", 0.1),
        ("benchmark_per_member", (2.5 + 2.0) / 2),
        ("largest_savings_rate", 2 * 96 / 2000),  # 60 slots, 30 people
        ("contract_payment", 72),
        ("contract_payment_yearly", 36),
        ("contract_payment_first_year", 90),
        ("payment_on_truth", 40),
        ("payment_by_error_and_luck", 32),
        ("p_paid", 0.5),
        ("p_owed", 0.5),
        ("p_paid_without_effect", 0.5),
        ("p_real_saving", 0.5),
        ("p_not_paid_though_real", 0),
        ("other_payment", 5),
        ("payer_saving_on_attributed", 96),
        ("payer_net_of_contract", 96 - 72 - 5),
    ],
)
def test_metrics_by_hand(metric: str, value: float) -> None:
    assert found(by_hand())[f"{metric}:deal"] == pytest.approx(value)


def test_error_and_luck_by_hand() -> None:
    """Without luck: half of a gain of 1,250 less 880, and 0.3 of a loss of 24."""
    told = found(by_hand())
    calm = 0.5 * (1250 - 880) - 0.3 * 24
    assert told["payment_by_benchmark_error:deal"] == pytest.approx(calm - 40)
    assert told["payment_by_luck:deal"] == pytest.approx(72 - calm)


def test_a_real_saving_that_is_not_paid() -> None:
    w = by_hand()
    w.strategy_world.books.settled["payment"][:, 0, 0] = 0.0
    assert found(w)["p_not_paid_though_real:deal"] == pytest.approx(0.5)


def test_years_after_an_exit_do_not_count() -> None:
    w = by_hand()
    w.strategy_world.books.settled["members"][:, 0, 1] = 0.0
    w.strategy_world.books.settled["payment"][:, 0, 1] = 0.0
    told = found(w)
    assert told["p_paid:deal"] == pytest.approx(1)
    assert told["waterfall:deal.01_true_saving"] == pytest.approx(240)


# --- by the engine


def noisy(cv: float) -> Worlds:
    rich = terms(
        shared_savings=RICH,
        member_fee={"per_member_month": 0.5},
        measurement={"cv": cv},
        settlement_lag=1,
    )
    return drawn(
        money(rich, benchmark={"method": "comparison_group", "selection": 0.01}, achieved=0.9), 40
    )[1]


def test_without_luck_the_settlement_is_that_of_certain_care() -> None:
    """Every clause, draw by draw: the engine's own payment where chance is absent."""
    (with_luck,), (without,) = histories(noisy(1.0)), histories(noisy(0.0))
    assert np.any(with_luck.settled["luck"])
    assert not np.any(without.settled["luck"])
    calm = payment_without_luck(with_luck)
    assert np.any(calm[:, :2])
    assert calm == pytest.approx(np.where(without.years, without.settled["payment"], 0.0))
    assert with_luck.true_saving == pytest.approx(
        np.where(with_luck.years, with_luck.settled["true_saving"], 0.0)
    )


def test_a_draw_alone_is_as_in_a_crowd() -> None:
    its = money(terms(shared_savings=RICH, measurement={"cv": 1}), **COMPARED)
    sampled, w = drawn(its, 7)
    alone = found(both_worlds(sampled, slice(4, 5)))
    crowd = found(w)
    assert list(crowd) == list(alone)
    assert [v[4].tobytes() for v in crowd.values()] == [v[0].tobytes() for v in alone.values()]


def test_steps_add_up_in_every_draw() -> None:
    w = noisy(1.0)
    (history,) = histories(w)
    total = sum(flow.total for flow in steps(w, history).values())
    assert np.ptp(total) > 0
    assert total == pytest.approx(found(w)["contract_received:deal"], abs=1e-6)


@pytest.mark.parametrize("lag", [0, 5, 14])
def test_received_is_what_the_books_received(lag: int) -> None:
    """One-sided, so that nothing is repaid; a lag of 14 months takes it all beyond the horizon."""
    half = {"sharing_rate": 0.5}
    its = terms(shared_savings=half, measurement={"cv": 1}, settlement_lag=lag, interim_share=0.3)
    _, w = drawn(money(its, **COMPARED), 20)
    k = [line.key for line in lines(w.scenario)].index("contracts.deal")
    received = w.strategy_world.books.receipts[:, :, k].sum(axis=1)
    assert received.any()
    assert found(w)["contract_received:deal"] == pytest.approx(received)


def test_a_fee_a_part_of_it_at_risk() -> None:
    """500 members at 2 USD a month for two years; a quarter at risk, 60 % of it achieved."""
    its = terms(member_fee={"per_member_month": 2, "at_risk": 0.25})
    told = found(drawn(money(its, achieved=0.6))[1])
    assert told["monthly_payment:deal"] == pytest.approx(18_000)
    assert told["other_payment:deal"] == pytest.approx(3600)
    net = told["payer_saving_on_attributed:deal"] - told["payer_net_of_contract:deal"]
    assert net == pytest.approx(21_600)
    assert not any(key.startswith(("waterfall", "p_paid", "contract_p")) for key in told)


def test_a_payer_gains_what_it_keeps_of_a_withhold_pool() -> None:
    withhold = {
        "withheld_from": "payment", "rate": 0.1, "earn_back_limit": 0.6, "forfeit_released": 0.25,
        "others": {"county": 1},
    }  # fmt: skip
    own = {"services.visit.provider": "network"}
    _, w = drawn(money(terms(withhold=withhold), achieved=0.5), changes=own)
    told, pool = found(w), w.strategy_world.books.pool[:, :, 0].sum(axis=1)
    assert told["other_payment:deal"] == pytest.approx(0.6 * 0.5 * pool)
    gain = told["payer_net_of_contract:deal"] - told["payer_saving_on_attributed:deal"]
    assert gain == pytest.approx(0.6 * 0.5 * 0.75 * pool)


def test_what_is_paid_by_the_month_is_that_of_the_books() -> None:
    """A capitation of a tenth of the attributed cost in usual care, to all who receive it."""
    its = terms(capitation_share=0.1, distribution={"network": 0.75, "county": 0.25})
    _, w = drawn(money(its))
    assert w.strategy_world.deals is not None
    cost = w.strategy_world.deals.month["usual_cost"][:, :, 0].sum(axis=1)
    assert cost.all()
    assert found(w)["monthly_payment:deal"] == pytest.approx(0.1 * cost)
    w.strategy_world.books.monthly[:, :, 0] = 7.0
    assert found(w)["monthly_payment:deal"] == pytest.approx(24 * 7)


def test_cases_are_paid_for_by_the_month() -> None:
    _, w = drawn(money(terms(case_rate=400), cases="team"))
    enrolled = w.strategy.started[:, :, 0].sum(axis=1)
    assert found(w)["monthly_payment:deal"] == pytest.approx(400 * enrolled)


# --- known answers, through the report


BOTH_WAYS = Clauses(
    sharing_rate=0.5, minimum_savings_rate=0.02, minimum_loss_rate=0.02, loss_rate=0.5
)
ONE_SIDED = Clauses(sharing_rate=0.5, minimum_savings_rate=0.02)


def report(
    members: float,
    true_rate: float = 0.0,
    clauses: Clauses = ONE_SIDED,
    noise: Noise = Noise(2.1),  # noqa: B008
    cost: float = 12_000.0,
    **errors: float,
) -> dict[str, Any]:
    return report_of(Facts(members, cost, true_rate, noise, lambda _: clauses, **errors))


@pytest.mark.parametrize(
    ("actual", "minimum", "paid"),
    [(495.50, 0.0, 281_250), (495.50, 0.01, 0), (495.00, 0.01, 312_500)],
)
def test_minimum_savings_rate_worked(actual: float, minimum: float, paid: float) -> None:
    """125,000 member-months at a target of $500, half of the savings, no chance."""
    clauses = Clauses(sharing_rate=0.5, minimum_savings_rate=minimum)
    told = report(125_000 / 12, 1 - actual / 500, clauses, Noise(0.0), 6000.0)
    assert told["now"]["payment_on_truth"] == pytest.approx(paid)
    assert told["now"]["luck"] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("members", "paid", "penalised"), [(5000, 24, 26), (50_000, 2, 2)])
def test_delia_2012(members: int, paid: float, penalised: float) -> None:
    now = report(members, clauses=BOTH_WAYS)["now"]
    assert 100 * now["p_paid_without_effect"] == pytest.approx(paid, abs=2)
    assert 100 * now["p_penalised"] == pytest.approx(penalised, abs=2)


def test_luck_alone() -> None:
    """About $283,000 a year on 5,000 members; an area shock of 1 % pays 50,000 7 % of the time."""
    now = report(5000)["now"]
    assert now["luck"] == now["expected"] == pytest.approx(283_000, rel=0.005)
    assert now["luck_per_member"] == pytest.approx(283_000 / 5000, rel=0.005)
    shaken = report(50_000, noise=Noise(2.1, area_sd=0.01))["now"]
    assert shaken["p_paid_without_effect"] == pytest.approx(0.07, abs=0.005)


def test_a_trend_error_acts_as_an_area_shock() -> None:
    told = report(50_000, trend_sd=0.01)
    assert told["now"] == report(50_000)["now"]
    assert told["now_with_errors"]["p_paid"] == pytest.approx(0.07, abs=0.005)


def test_members_needed() -> None:
    assert report(5000, 0.0025)["members_needed"] is None  # below the threshold
    assert report(5000, -0.01)["members_needed"] is None
    needed = report(5000, 0.03)["members_needed"]
    assert report(needed, 0.03)["now"]["p_paid"] == pytest.approx(0.8, abs=1e-4)
    assert report(5000, 0.03, netted_rate=0.01)["members_needed"] is None


def test_errors_of_the_benchmark_shift_what_is_measured() -> None:
    """Without chance: 3 % true, 1 % benchmark too high, half a percent of re-basing: 3.5 %."""
    told = report(5000, 0.03, noise=Noise(0.0), benchmark_error=0.01, rebasing=0.005)
    assert told["now"]["expected"] == pytest.approx(0.015 * 60e6)
    errors = told["now_with_errors"]
    assert errors["expected"] == pytest.approx(0.0175 * 60e6)
    assert errors["error_and_luck"] == pytest.approx(0.0025 * 60e6)


def test_the_curve() -> None:
    told = report(5000, 0.03)
    sizes = [at["members"] for at in told["curve"]]
    assert (sizes[0], sizes[-1], len(sizes)) == (1000, 1_000_000, 25)
    luck = [at["p_paid_without_effect"] for at in told["curve"]]
    assert luck == sorted(luck, reverse=True)
    assert all(at["p10"] <= at["expected"] <= at["p90"] for at in told["curve"][:8])


def test_nothing_settled_has_no_chances() -> None:
    told = report(0.0)
    assert told["now"] is told["curve"] is told["now_with_errors"] is None


def test_terms_of_the_scenario_reach_the_report() -> None:
    """Members, noise, a fee netted first and every clause."""
    rich = terms(
        shared_savings=RICH,
        member_fee={"per_member_month": 0.5},
        measurement={"cv": 1, "area_sd": 0.01},
    )
    sampled, w = drawn(money(rich, **COMPARED, achieved=0.9))
    (told,) = contract_report(sampled, found(w)).values()
    assert (told["members"], told["cv"], told["area_sd"]) == pytest.approx((500, 1, 0.01))
    assert told["baseline_factor"] == 1  # as many people compared as covered
    assert told["netted_rate"] == pytest.approx(6 / told["benchmark_per_member"])
    clauses = Clauses(
        0.5, np.array([0.04]), np.array([0.7]), 0.02, 0.02, 1.0, 0.0, 0.9, sequestration=0.02,
        payment_limit=0.05, capture_cap=0.45, loss_rate=1 - 0.5 * 0.9,
        loss_limit=0.02 * told["members"] * told["benchmark_per_member"],
    )  # fmt: skip
    same = report(
        told["members"],
        told["true_rate"],
        clauses,
        Noise(1.0, 0.01, 1.0),
        told["benchmark_per_member"],
        netted_rate=told["netted_rate"],
    )
    assert told["now"] == pytest.approx(same["now"])


# --- draws against exact chances: Jackson with one Medicaid plan


@pytest.mark.parametrize(
    ("setting", "exact"), [("0", "now"), ("0.01", "now_with_errors")], ids=["chance", "trend"]
)
def test_draws_agree_with_the_exact_chances(setting: str, exact: str) -> None:
    """One agreement: a second one is re-based by the luck of the first, which widens its own."""
    at = "financing.contracts.medicaid_plan_savings"
    settings = [f"{at}.benchmark.trend_error={setting}", f"{at}.agreement_years=30"]
    loaded = load(SHIPPED / "jackson_medicaid_shared_savings.yaml", settings)
    sampled = sample(loaded, 400, 1)
    told = found(both_worlds(sampled, slice(0, 400)))
    (about,) = contract_report(sampled, told).values()
    json.dumps(about, allow_nan=False)
    paid = told["p_paid_without_effect:medicaid_plan_savings"]
    error = paid.std() / np.sqrt(paid.size)
    assert paid.mean() == pytest.approx(about[exact]["p_paid_without_effect"], abs=3 * error)
    assert about["members_needed"] is None
    assert about["largest_rate"] < 0.001
