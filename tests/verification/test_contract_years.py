"""Contracts inside the simulation: what they pay is worked out from what happened in both worlds.

One payer, 1,000 members, three years from January 2025. Without luck a settlement follows from the
payer's payments; with luck its chances follow from the normal integrals of finance/measurement.py.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numba import config

from model.draws import sample
from model.ensemble import both_worlds
from model.finance.contracts import Clauses
from model.finance.measurement import Noise, agreement, chances
from model.loading import Loaded
from model.worlds import Worlds
from tests.conftest import scenario
from tests.financed import Months, account, settled

DRAWS = 200 if config.DISABLE_JIT else 20_000
SHARED = {"sharing_rate": 0.5}
OWN = {"method": "own_history", "weights": [1]}
LONGER = {"clock.end": "2027-12", "services.visit.provider": "hospital"}
HOSPITAL = {"parties.hospital": {"name": "Hospital", "kind": "provider"}}


def near(x: Any) -> Any:
    return pytest.approx(x, rel=1e-9, abs=1e-6)


def contract(terms: dict[str, Any], **more: Any) -> dict[str, Any]:
    named = {"name": "ours", "title": "Ours", "source": "a letter"}
    line = {
        "name": "Deal",
        "payer": "plan",
        "payee": "network",
        "terms": named | terms,
        "start": "2025-01",
        "years": 3,
        "covers": {"segments": ["adults"], "other_care": False},
        "benchmark": OWN,
    }
    return line | more


def deal(line: dict[str, Any], changes: dict[str, Any] | None = None, **parts: Any) -> Loaded:
    money = {
        "discount_rate": 0.03,
        "accounts": {"network": account(0)},
        "contracts": {"deal": line},
    }
    return scenario(LONGER | HOSPITAL | {"financing": money | parts} | (changes or {}))


def paid_in_years(w: Worlds) -> tuple[Any, Any]:
    """The payer's payments in usual care and in the strategy, by calendar year."""
    usual, strategy = (
        x.payments[0, :, 0].reshape(3, 12).sum(axis=1) for x in (w.usual, w.strategy)
    )
    return usual, strategy


def payments(loaded: Loaded, w: Worlds) -> Any:
    return Months(loaded, w.strategy_world).received("contracts.deal")


# --- without luck


@pytest.mark.parametrize("lag", [0, 3])
def test_half_of_the_saving_is_paid_after_the_lag(lag: int) -> None:
    """A year's saving counts from the first dollar if it meets 1 % of what was expected."""
    terms = {"shared_savings": SHARED | {"minimum_rate": {"fixed": 0.01}}, "settlement_lag": lag}
    loaded = deal(contract(terms))
    w = settled(loaded)
    usual, strategy = paid_in_years(w)
    saved = usual - strategy
    assert (saved > 0.01 * usual).all()
    expected = np.zeros(36)
    for year in range(3):
        if 12 * year + 11 + lag < 36:
            expected[12 * year + 11 + lag] = 0.5 * saved[year]
    assert payments(loaded, w) == near(expected)
    steps = w.strategy_world.books.settled[0, 0]
    assert steps["true_saving"] == near(saved)
    assert steps["measured"] == near(saved)
    assert steps["luck"] == near([0, 0, 0])
    assert steps["payment_on_truth"] == near(0.5 * saved)
    assert steps["payment_without_effect"] == near([0, 0, 0])
    assert steps["members"] == near([1_000] * 3)
    assert not w.usual_world.books.settled["payable"].any()


def test_a_minimum_above_the_saving_pays_nothing() -> None:
    loaded = deal(contract({"shared_savings": SHARED | {"minimum_rate": {"fixed": 0.9}}}))
    assert not payments(loaded, settled(loaded)).any()


def test_a_contract_that_the_horizon_cuts_short_settles_whole_years_only() -> None:
    loaded = deal(contract({"shared_savings": SHARED}, start="2026-07"))
    w = settled(loaded)
    expected = np.zeros(36)
    expected[29] = observed_saving(w, slice(6, 18), slice(18, 30)) / 2
    assert payments(loaded, w) == near(expected)


def observed_saving(w: Worlds, base: slice, year: slice) -> float:
    """Against what was observed in the base year, the programme at work in it already."""
    usual, strategy = w.usual.payments[0, :, 0], w.strategy.payments[0, :, 0]
    observed = strategy[base].sum() / usual[base].sum()
    assert observed < 0.999
    return float(usual[year].sum() * observed - strategy[year].sum())


def test_what_was_saved_before_the_contract_is_not_paid_for() -> None:
    """The base year holds the programme: a lasting effect alone earns next to nothing."""
    whole = deal(contract({"shared_savings": SHARED}, start="2025-01"))
    late = deal(contract({"shared_savings": SHARED}, start="2027-01"))
    paid, paid_late = (float(payments(x, settled(x)).sum()) for x in (whole, late))
    w = settled(late)
    assert paid_late == near(observed_saving(w, slice(12, 24), slice(24, 36)) / 2)
    assert paid_late < 0.2 * paid


def test_an_interim_payment_comes_first_and_the_rest_later() -> None:
    terms = {"shared_savings": SHARED, "interim_share": 0.4, "settlement_lag": 6}
    loaded = deal(contract(terms))
    w = settled(loaded)
    usual, strategy = paid_in_years(w)
    half = (usual - strategy) / 2
    paid = payments(loaded, w)
    assert paid[[11, 17, 23, 29, 35]] == near(
        [0.4 * half[0], 0.6 * half[0], 0.4 * half[1], 0.6 * half[1], 0.4 * half[2]]
    )


def test_attribution_churn_and_truncation_shrink_what_is_seen() -> None:
    """Half of the members; of those served a fifth leaves, a tenth of cost lies above the cap."""
    covers = {"segments": ["adults"], "other_care": False, "attributed": 0.5, "churn": 0.2}
    cut = {"cost_share": 0.1, "variation_left": 0.6}
    loaded = deal(contract({"shared_savings": SHARED}, covers=covers, truncation=cut))
    w = settled(loaded)
    usual, strategy = paid_in_years(w)
    steps = w.strategy_world.books.settled[0, 0]
    assert steps["usual_cost"] == near(usual * 0.5 * 0.9)
    assert steps["true_saving"] == near((usual - strategy) * 0.5 * 0.9 * 0.9)
    assert steps["members"] == near([500] * 3)


def test_carved_out_care_is_neither_expected_nor_saved() -> None:
    covers = {"segments": ["adults"], "other_care": False, "carved_out": ["visit"]}
    w = settled(deal(contract({"shared_savings": SHARED}, covers=covers)))
    steps = w.strategy_world.books.settled[0, 0]
    assert steps["usual_cost"] == near([0, 0, 0])
    assert steps["payable"] == near([0, 0, 0])


def test_total_cost_contracts_expect_all_other_care() -> None:
    """1,000 members at 100 a month rise the benchmark by 1.2 million and leave the saving."""
    covers = {"segments": ["adults"]}
    care = {"parties.plan.other_care": {"cost": 100}}
    w = settled(deal(contract({"shared_savings": SHARED}, covers=covers), care))
    usual, strategy = paid_in_years(w)
    steps = w.strategy_world.books.settled[0, 0]
    assert steps["benchmark"] == near(usual + 1_200_000)
    assert steps["measured"] == near(usual - strategy)


@pytest.mark.parametrize(
    ("known", "factor", "seen"), [(0.9, 1.0, 0.9), (0.9, 1.2, 1.08), (0.8, 1.25, 1.0)]
)
def test_claims_not_yet_known_look_like_savings(known: float, factor: float, seen: float) -> None:
    line = contract({"shared_savings": SHARED}, completeness={"known": known, "factor": factor})
    w = settled(deal(line))
    usual, strategy = paid_in_years(w)
    assert w.strategy_world.books.settled[0, 0]["measured"] == near(usual - seen * strategy)


@pytest.mark.parametrize("selection", [0.05, -0.05])
def test_selection_moves_the_benchmark_by_its_sign(selection: float) -> None:
    line = contract({"shared_savings": SHARED}, benchmark=OWN | {"selection": selection})
    w = settled(deal(line))
    usual, strategy = paid_in_years(w)
    steps = w.strategy_world.books.settled[0, 0]
    assert steps["measured"] == near(usual * (1 + selection) - strategy)
    assert steps["payment"] == near(0.5 * np.maximum(0, usual * (1 + selection) - strategy))


def test_a_benchmark_by_trend_grows_from_the_year_before() -> None:
    """Prices do not rise, so that the first year costs what the year before did; 3 % are added."""
    line = contract({"shared_savings": SHARED}, benchmark={"method": "trend", "trend": 0.03})
    w = settled(deal(line))
    usual, _ = paid_in_years(w)
    steps = w.strategy_world.books.settled[0, 0]
    assert steps["benchmark"] == near(usual[0] * 1.03 ** np.array([1, 2, 3]))


def test_rebasing_takes_past_savings_off_once() -> None:
    """Agreements of a year. Each benchmark is usual care less the last year's saving, as a share
    of usual care: the third is not higher for the second's being low.
    """
    line = contract({"shared_savings": SHARED}, agreement_years=1)
    w = settled(deal(line))
    usual, strategy = paid_in_years(w)
    rates = (usual - strategy) / usual
    steps = w.strategy_world.books.settled[0, 0]
    assert steps["benchmark"] == near(usual * (1 - np.array([0, rates[0], rates[1]])))
    assert steps["payment_on_truth"] == near((usual - strategy) / 2)


def test_rebasing_by_half_and_within_an_agreement_not_at_all() -> None:
    line = contract(
        {"shared_savings": SHARED}, agreement_years=2, benchmark=OWN | {"rebased_share": 0.5}
    )
    w = settled(deal(line))
    usual, strategy = paid_in_years(w)
    rates = (usual - strategy) / usual
    steps = w.strategy_world.books.settled[0, 0]
    factors = np.array([1, 1, 1 - 0.5 * (rates[0] + rates[1]) / 2])
    assert steps["benchmark"] == near(usual * factors)


def test_a_loss_is_repaid_and_a_right_to_exit_used() -> None:
    """Benchmark a tenth too low: 30 % of the loss is due two months later; then the payee exits."""
    terms = {
        "shared_savings": SHARED | {"loss": {"rate": {"fixed": 0.3}}, "exit_loss": 1},
        "settlement_lag": 2,
    }
    changes = {"interventions.team.effects.visit.ratio": 1}
    loaded = deal(
        contract(terms, benchmark=OWN | {"selection": -0.1}),
        changes,
        accounts={"network": account(1_000_000)},
    )
    w = settled(loaded)
    usual, _ = paid_in_years(w)
    owed = Months(loaded, w.strategy_world).paid("repayments.deal")
    assert owed[13] == near(0.3 * 0.1 * usual[0])
    assert owed.sum() == near(owed[13])  # nothing is settled after the exit
    assert Months(loaded, w.strategy_world).account("cash")[13] == near(1_000_000 - owed[13])


def test_a_loss_is_limited_by_the_benchmark_as_rebased() -> None:
    terms = {
        "shared_savings": SHARED | {"loss": {"rate": {"fixed": 1}, "limit_of_benchmark": 0.02}}
    }
    line = contract(terms, benchmark=OWN | {"selection": -0.1}, agreement_years=1)
    w = settled(deal(line))
    steps = w.strategy_world.books.settled[0, 0]
    assert steps["payment"] == near(-0.02 * steps["benchmark"])
    assert steps["benchmark"][1] < steps["benchmark"][0] * 0.999


# --- fees, cases, capitation, withhold


def test_a_fee_is_paid_by_the_month_and_its_part_at_risk_by_the_year() -> None:
    """1,000 members x 2 USD; a quarter is at risk, 60 % of targets are achieved."""
    terms = {"member_fee": {"per_member_month": 2, "at_risk": 0.25}}
    loaded = deal(contract(terms, achieved=0.6, benchmark=None))
    w = settled(loaded)
    expected = np.full(36, 1_500.0)
    expected[[11, 23, 35]] += 12 * 500 * 0.6
    assert payments(loaded, w) == near(expected)
    assert w.strategy_world.books.monthly[0, :, 0] == near([1_500] * 36)


def test_a_fee_that_is_netted_comes_off_the_saving() -> None:
    terms = {
        "member_fee": {"per_member_month": 1},
        "shared_savings": SHARED | {"fee_netted_first": True},
    }
    loaded = deal(contract(terms))
    w = settled(loaded)
    usual, strategy = paid_in_years(w)
    paid = payments(loaded, w).reshape(3, 12).sum(axis=1)
    assert paid == near(12_000 + np.maximum(0, usual - strategy - 12_000) / 2)


def test_cases_and_capitation() -> None:
    """100 for each enrolment, and 1 % of what the members cost in usual care."""
    terms = {"case_rate": 100, "capitation_share": 0.01}
    covers = {"segments": ["adults"], "other_care": False, "attributed": 0.5}
    loaded = deal(contract(terms, cases="team", benchmark=None, covers=covers))
    w = settled(loaded)
    started, usual = w.strategy.started[0, :, 0], w.usual.payments[0, :, 0]
    assert payments(loaded, w) == near(100 * started + 0.01 * 0.5 * usual)


def test_a_withhold_is_earned_back_released_and_kept() -> None:
    """A tenth of the hospital's payment is held back. 80 % can be earned back, of which 75 % is;
    of the rest, 20 % and half of what was missed, the network gets all: 0.2 + 0.8 x 0.25 x 0.5.
    """
    withhold = {
        "withheld_from": "payments to the hospital",
        "rate": 0.1,
        "earn_back_limit": 0.8,
        "forfeit_released": 0.5,
        "others": {"network": 1},
    }
    line = contract({"withhold": withhold}, payee="hospital", achieved=0.75, benchmark=None)
    loaded = deal(line)
    w = settled(loaded)
    _, strategy = paid_in_years(w)
    assert w.strategy_world.books.pool[0, :, 0] == near(0.1 * w.strategy.payments[0, :, 0])
    assert payments(loaded, w)[[11, 23, 35]] == near(0.1 * strategy * 0.3)


def test_partners_share_a_payment() -> None:
    terms = {"shared_savings": SHARED, "distribution": {"network": 0.3, "hospital": 0.7}}
    loaded = deal(contract(terms))
    w = settled(loaded)
    usual, strategy = paid_in_years(w)
    assert payments(loaded, w)[[11, 23, 35]] == near(0.3 * (usual - strategy) / 2)


# --- outcomes


BANDS = [
    {"lower": 0, "upper": 0.05, "per_point": 1_000},
    {"lower": 0.05, "upper": 0.3, "per_point": 3_000},
]


def outcome(metric: dict[str, Any], measure: dict[str, Any], **more: Any) -> Loaded:
    terms = {"outcomes": {"metrics": {"it": {"unit": "x"} | metric}} | more}
    return deal(contract(terms, benchmark=None, measures={"it": measure}))


def test_bands_of_a_reduction() -> None:
    """Each point of reduction in its band; none below 2 %."""
    loaded = outcome({"bands": BANDS, "starts_at": 0.02}, {"service": "visit"})
    w = settled(loaded)
    usual, strategy = (x.use[0, :, 0].reshape(3, 12).sum(axis=1) for x in (w.usual, w.strategy))
    reduction = 100 * (usual - strategy) / usual
    assert reduction.max() > 2.0
    by_hand = [
        0.0 if r < 2 else 1_000 * min(r, 5) + 3_000 * max(0.0, min(r, 30) - 5) for r in reduction
    ]
    assert payments(loaded, w)[[11, 23, 35]] == near(by_hand)


def test_unit_prices_caps_and_bounds() -> None:
    """Enrolments at 50 each, at most 1,000 a year; in all at least 800."""
    free = outcome({"price": 50}, {"intervention": "team", "counted_in": "enrollments"})
    w = settled(free)
    started = w.strategy.started[0, :, 0].reshape(3, 12).sum(axis=1)
    assert payments(free, w)[[11, 23, 35]] == near(50 * started)
    assert (50 * started > 1_000).any()
    measure = {"intervention": "team", "counted_in": "enrollments"}
    capped = outcome({"price": 50, "cap": 1_000}, measure)
    assert payments(capped, settled(capped))[[11, 23, 35]] == near(np.minimum(1_000, 50 * started))
    least = outcome({"price": 0}, measure, minimum=800)
    assert payments(least, settled(least))[[11, 23, 35]] == near([800] * 3)


@pytest.mark.parametrize(
    ("counted_in", "days"), [("person_months", 1.0), ("person_days", 365.25 / 12)]
)
def test_work_of_an_intervention_is_paid_by_the_time_served(counted_in: str, days: float) -> None:
    loaded = outcome({"price": 2}, {"intervention": "team", "counted_in": counted_in})
    w = settled(loaded)
    served = w.strategy.enrolled_months[0, :, 0].reshape(3, 12).sum(axis=1)
    assert payments(loaded, w)[[11, 23, 35]] == near(2 * days * served)


# --- capture


def test_captured_savings_taper_as_the_fund_grows() -> None:
    """Half of the saving up to 2 % of a year's spending in the fund, nothing from 8 % on."""
    fund = {"name": "More", "intervention": "team", "desired_posts": 1, "spread_over": 600}
    terms = {"capture": {"share": 0.5, "full_until": 0.02, "none_from": 0.08}}
    loaded = deal(contract(terms, pays_into="more"), reinvestment={"more": fund})
    w = settled(loaded)
    usual, strategy = paid_in_years(w)
    m = Months(loaded, w.strategy_world)
    paid, tied = m.received("contracts.deal"), m.account("restricted")
    years = [0.0, tied[22] / 60_000, tied[34] / 60_000]  # 1 post x 5,000 x 12
    shares = [0.5 * np.clip((0.08 - y) / 0.06, 0, 1) for y in years]
    assert 0.02 < years[1] < 0.08  # so that the taper is at work
    assert paid[[11, 23, 35]] == near((usual - strategy) * shares)
    assert m.account("cash") == near([0] * 36)  # none of it pays anything else


# --- luck


def with_noise(of_benchmark: dict[str, Any] | None = None, **more: Any) -> Loaded:
    """No effect at all, CV 2 among 1,000 members, benchmark from one year's history."""
    terms = {
        "shared_savings": SHARED | {"minimum_rate": {"fixed": 0.02}},
        "measurement": {"cv": 2},
    }
    changes = {"interventions.team.effects.visit.ratio": 1}
    benchmark = OWN | (of_benchmark or {"rebased_share": 0})
    line = contract(terms, benchmark=benchmark, **more)
    return deal(line, changes)


def paid_shares(loaded: Loaded) -> Any:
    """Payments by draw and year, all true savings being 0."""
    w = both_worlds(sample(loaded, DRAWS, 1), slice(0, DRAWS))
    steps = w.strategy_world.books.settled[:, 0]
    assert not steps["true_saving"].any()
    assert np.array_equal(steps["payment"], steps["payment_without_effect"])
    assert not steps["payment_on_truth"].any()
    return steps


NOISE = Noise(2.0, 0.0, 1.0)
CLAUSES = Clauses(sharing_rate=0.5, minimum_savings_rate=0.02)


def test_without_effect_chance_pays_as_often_as_the_integral_says() -> None:
    steps = paid_shares(with_noise())
    exact = chances(float(steps["benchmark"][0, 0]), 1_000, 0.0, CLAUSES, NOISE)
    for year in range(3):
        paid = steps["payment"][:, year]
        error = np.sqrt(exact.p_paid * (1 - exact.p_paid) / DRAWS)
        assert (paid > 0).mean() == pytest.approx(exact.p_paid, abs=4 * error)
        assert paid.mean() == pytest.approx(exact.expected, abs=4 * paid.std() / np.sqrt(DRAWS))


def test_a_new_agreement_is_measured_against_the_luck_of_the_last() -> None:
    """Re-based each year on observed cost: measured = luck - last year's luck, sd CV sqrt(2/n),
    and two years in a row pull against each other, correlation -1/2."""
    steps = paid_shares(with_noise({"rebased_share": 1}, agreement_years=1))
    measured = steps["measured"] / steps["benchmark"]
    assert measured[:, 2].std() == pytest.approx(2 * np.sqrt(2 / 1_000), rel=0.2)
    assert np.corrcoef(measured[:, 1], measured[:, 2])[0, 1] == pytest.approx(-0.5, abs=0.2)


@pytest.mark.parametrize("years", [1, 3])
def test_years_of_one_baseline_share_its_error(years: int) -> None:
    """Always paid: more often than by three independent chances, until the baseline is replaced."""
    steps = paid_shares(with_noise(agreement_years=years))
    benchmark = float(steps["benchmark"][0, 0])
    shared = agreement(benchmark, 1_000, 0.0, 3, CLAUSES, NOISE).p_always_paid
    alone = chances(benchmark, 1_000, 0.0, CLAUSES, NOISE).p_paid ** 3
    exact = shared
    always = (steps["payment"] > 0).all(axis=1).mean()
    assert shared > alone + 0.1
    assert always == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / DRAWS))
    if years == 3:
        correlation = np.corrcoef(steps["measured"][:, 0], steps["measured"][:, 2])[0, 1]
        assert correlation == pytest.approx(0.5, abs=4 / np.sqrt(DRAWS))
