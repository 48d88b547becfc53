"""Contracts settled on claims: by hand, without an effect, and against published chances."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from model.episodes import Case, Replication, prepare, replicate, run
from model.episodes.attribution import ClaimRules, deals_of
from model.episodes.claims import Claims
from model.episodes.claims_contract import distribution
from model.episodes.claims_settlement import Payer, settled
from model.episodes.interval import of_mean, of_sd, of_share
from model.finance.measurement import Noise
from model.loading import Loaded
from model.problems import BadInput
from tests.settled_claims import BOTH, OWN, column, contract, deal, many_settled

SEED = 3


# --- by hand

PLAN, COUNTY = 0, 1
VISIT, LAB, OTHER = 0, 1, 2
# person, payer, service, month incurred, month paid, USD
STRATEGY = (
    (0, PLAN, VISIT, 3, 4, 1000),
    (1, PLAN, OTHER, 5, 9, 2000),
    (2, PLAN, OTHER, 11, 30, 12_000),  # base years are complete, and 2,000 is above the cap
    (0, PLAN, VISIT, 12, 13, 2000),
    (1, PLAN, OTHER, 23, 25, 4000),
    (2, PLAN, VISIT, 15, 15, 8000),
    (3, PLAN, OTHER, 14, 15, 50_000),  # not attributed
    (0, PLAN, VISIT, 24, 25, 1500),
    (1, PLAN, OTHER, 30, 31, 30_000),  # 20,000 above the cap
    (2, PLAN, OTHER, 26, 38, 1000),  # paid in the last month that counts
    (2, PLAN, VISIT, 35, 39, 500),  # paid too late
    (0, PLAN, LAB, 28, 29, 9999),  # carved out
    (1, COUNTY, VISIT, 29, 29, 777),  # somebody else pays
    (0, PLAN, OTHER, 36, 37, 14_000),
    (1, PLAN, OTHER, 47, 47, 4000),
)
USUAL = (*STRATEGY, (2, PLAN, VISIT, 27, 28, 2000))


LAB_TESTS = {
    "name": "Laboratory",
    "counted_in": "tests",
    "cost": 10,
    "preventable": 0,
    "relative_use": {"at_risk": 1, "in_crisis": 1},
}
FOUR = {"segments.adults.population": 4, "services.lab": LAB_TESTS}


def table(rows: tuple[tuple[float, ...], ...]) -> Claims:
    person, payer, service, incurred, paid, amount = np.array(rows).T
    whole = [x.astype(np.int64) for x in (person, payer, service, incurred, paid)]
    nil = np.zeros_like(whole[0])
    return Claims(
        person=whole[0], segment=nil, payer=whole[1], service=whole[2], counted=whole[3],
        incurred=whole[3], paid=whole[4], units=np.ones(nil.size), amount=amount, period=nil,
    )  # fmt: skip


def by_hand() -> tuple[Loaded, Case, Replication]:
    line = contract(
        covers={"segments": ["adults"], "attributed": 0.75, "carved_out": ["lab"]},
        completeness={"known": 0.98, "factor": 1.02},
    )
    loaded = deal(line, FOUR)
    case = prepare(loaded)
    found = replicate(case, 0, SEED, BOTH)
    members = found.traits._replace(payer=np.array([0.1, 0.3, 0.6, 0.9]))
    claims = {"usual": table(USUAL), "strategy": table(STRATEGY)}
    return loaded, case, found._replace(traits=members, claims=claims)


def test_a_settlement_by_hand() -> None:
    """Three of four members; 10,000 USD is the cap; claims paid within three months count."""
    loaded, case, found = by_hand()
    rules = ClaimRules(cap=10_000, run_out=3)
    first, second = settled(case, found, loaded, SEED, rules)
    # Base years: 1,000 + 2,000 + 10,000 and 2,000 + 4,000 + 8,000, weighed 0.4 and 0.6.
    assert first.benchmark == pytest.approx(0.4 * 13_000 + 0.6 * 14_000)
    assert first.expenditure == pytest.approx((1500 + 10_000 + 1000) * 1.02)
    assert first.members == pytest.approx(3)
    assert first.measured_rate == pytest.approx(850 / 13_600) == first.rate_by_claims
    assert first.payment == pytest.approx(0.5 * 850)
    assert first.decided_by == "full sharing rate"
    assert first.true_rate == pytest.approx(2000 / 35_000)
    assert first.missing_share == pytest.approx(500 / 33_000)
    assert first.capped_share == pytest.approx(20_000 / 33_000)
    # Without an effect 2,000 more is spent: a loss that nobody owes.
    assert first.measured_without_effect == pytest.approx(1 - 14_500 * 1.02 / 13_600)
    assert first.payment_without_effect == 0
    assert (first.begins, second.begins) == ("2027-01", "2028-01")
    assert second.expenditure == pytest.approx((10_000 + 4000) * 1.02)
    assert (second.payment, second.true_rate) == (0, 0)
    assert second.decided_by == "one-sided contract: losses are not shared"


def test_the_scatter_between_three_members_by_hand() -> None:
    """sd^2: squares of what each member moves 1 - 1.02 c / b by, from cost below the cap."""
    loaded, case, found = by_hand()
    first = settled(case, found, loaded, SEED, ClaimRules(cap=10_000, run_out=3))[0]
    base = 0.4 * np.array([1, 2, 10]) + 0.6 * np.array([2, 4, 8])
    now = np.array([1.5, 10, 1])
    each = (now - now.mean()) / now.sum() - (base - base.mean()) / base.sum()
    expected = math.sqrt((each**2).sum()) * 1.02 * now.sum() / base.sum()
    assert first.sd_by_members == pytest.approx(expected)


def test_a_cap_from_its_share_and_from_a_percentile() -> None:
    """Of 14,000 USD in 2026, costs of 2,000, 4,000 and 8,000: 10 % lie above 6,600."""
    loaded, case, found = by_hand()
    line = contract(
        covers={"segments": ["adults"], "attributed": 0.75, "carved_out": ["lab"]},
        truncation={"cost_share": 0.1, "variation_left": 0.7},
    )
    capped = deal(line, FOUR)
    rules = ClaimRules(run_out=3)
    one = settled(case, found, capped, SEED, rules)[0]
    assert one.benchmark == pytest.approx(0.4 * (3000 + 6600) + 0.6 * (6000 + 6600))
    assert one.expenditure == pytest.approx(1500 + 6600 + 1000)
    two = settled(case, found, loaded, SEED, ClaimRules(run_out=3, percentile=66))[0]
    assert two.expenditure == pytest.approx((1500 + 4000 + 1000) * 1.02)


def test_claims_of_one_world_do_not_settle() -> None:
    loaded, case, found = by_hand()
    one = found._replace(claims={"strategy": found.claims["strategy"]})
    with pytest.raises(ValueError, match="usual"):
        settled(case, one, loaded)


def test_what_no_claim_can_settle_is_left_out() -> None:
    """No cost in a base year; a contract that begins after the last whole year."""
    loaded, case, found = by_hand()
    late = [row for row in STRATEGY if not 12 <= row[3] < 24]
    claims = {"usual": table(tuple(late)), "strategy": table(tuple(late))}
    assert settled(case, found._replace(claims=claims), loaded, SEED) == []
    assert deals_of(deal(contract(start="2028-02")), case) == []


# --- without an effect


@pytest.mark.parametrize("lasting", [0.0, 0.4])
def test_no_effect_is_measured_as_none(lasting: float) -> None:
    """Mean 0, and sd of the formula where nothing lasts; else less by sqrt(1 - lasting share).

    What lasts with a member is in the base years too and cancels; the formula takes base years
    for independent.
    """
    loaded = deal(contract(), {"episodes": {"lasting_share": lasting}})
    many = many_settled(loaded, 80, SEED)
    rates = np.stack([column(many, "measured_rate", y) for y in (0, 1)], axis=1)
    yearly = rates.mean(axis=1)
    assert abs(yearly.mean()) < 2.6 * yearly.std(ddof=1) / math.sqrt(len(yearly))
    assert (column(many, "true_rate") == 0).all()
    formula = Noise(2.1, 0.0, 0.6**2 + 0.4**2).sd(3000) * math.sqrt(1 - lasting)
    seen = np.sqrt(np.mean([s.sd_by_members**2 for one in many for s in one]))
    assert seen == pytest.approx(formula, rel=0.04)
    free = len(many) - 1
    low, high = stats.chi2.ppf((0.001, 0.999), free) / free
    assert low < (rates[:, 0].std(ddof=1) / seen) ** 2 < high
    if lasting == 0.0:
        row = distribution(prepare(loaded), many, loaded)[0]
        assert row.sd_by_claims_formula == pytest.approx(formula)
        assert row.p_paid.low - 0.03 < row.p_paid_formula < row.p_paid.high + 0.03
        assert row.p_paid == row.p_paid_without_effect


def test_base_years_before_the_horizon_are_drawn_from_usual_care() -> None:
    """A contract from the first month on: the same people, other luck; mean 0, the same scatter."""
    loaded = deal(contract(start="2025-01"), {"episodes": {"lasting_share": 0.4}})
    many = many_settled(loaded, 60, SEED)
    assert set(column(many, "drawn_base_years")) == {2}
    rates = column(many, "measured_rate")
    assert abs(rates.mean()) < 2.6 * rates.std(ddof=1) / math.sqrt(60)
    seen = np.sqrt((column(many, "sd_by_members") ** 2).mean())
    assert seen == pytest.approx(Noise(2.1, 0.0, 0.52).sd(3000) * math.sqrt(0.6), rel=0.06)
    assert rates.std(ddof=1) == pytest.approx(seen, rel=0.3)


def test_a_comparison_group_is_other_members() -> None:
    """sd^2 = CV^2 / n (1 + 1 / r): nothing that lasts cancels."""
    line = contract(
        {"measurement": {"cv": 1.0, "comparison_ratio": 2.0}},
        benchmark={"method": "comparison_group"},
        covers={"segments": ["adults"], "attributed": 0.3},
    )
    care = {"cost": 800, "variation": 1.0}
    many = many_settled(deal(line, {"parties.plan.other_care": care}), 40, SEED)
    members = column(many, "members").mean()
    assert members == pytest.approx(900, rel=0.02)
    seen = np.sqrt((column(many, "sd_by_members") ** 2).mean())
    assert seen == pytest.approx(Noise(1.0, 0.0, 0.5).sd(members), rel=0.05)
    rates = column(many, "measured_rate")
    assert abs(rates.mean()) < 2.6 * rates.std(ddof=1) / math.sqrt(len(rates))


def test_a_comparison_group_needs_others() -> None:
    loaded = deal(contract(benchmark={"method": "comparison_group"}))
    with pytest.raises(BadInput, match="nobody is left to compare with"):
        deals_of(loaded, prepare(loaded))


def test_a_comparison_group_needs_enough_others() -> None:
    """Six tenths of the members attributed leave no group as large."""
    covers = {"segments": ["adults"], "attributed": 0.6}
    line = contract(benchmark={"method": "comparison_group"}, covers=covers)
    with pytest.raises(BadInput, match=r"1\.2 of all members.*at most 0\.5"):
        deals_of(deal(line), prepare(deal(line)))
    half = deal(contract(benchmark=line["benchmark"], covers=covers | {"attributed": 0.5}))
    assert deals_of(half, prepare(half))[0].compared == 1.0


def test_delia_2012_from_claims() -> None:
    """Cost of people that varies by 2.1, no effect, 2 % both ways: DeLia's shares, from claims.

    The CV is put in; what it shows are the clauses and that sums of such claims are as normal.
    5,000 members are paid 24 % of the time and penalised 26 %, 50,000 about 2 %. Groups are drawn,
    with replacement, from 400,000 people; the benchmark is what all these cost on average.
    """
    both_ways = {
        "sharing_rate": 0.5,
        "minimum_rate": {"fixed": 0.02},
        "loss": {"rate": {"fixed": 0.5}},
    }
    line = contract({"shared_savings": both_ways}, start="2025-01", years=1)
    population = 400_000
    loaded = deal(line, {"segments.adults.population": population, "clock.end": "2025-12"})
    case, rng = prepare(loaded), np.random.default_rng(SEED)
    pay = Payer(loaded, deals_of(loaded, case)[0])
    outcomes: dict[int, list[float]] = {5000: [], 50_000: []}
    for spent in run(case, 6, SEED, yearly_cost, claims=("usual",)):
        assert spent.std() / spent.mean() == pytest.approx(2.1, rel=0.08)
        for size, paid in outcomes.items():
            expected = float(spent.mean()) * size
            for _ in range(16_000_000 // size):
                group = spent[rng.integers(0, spent.size, size)].sum()
                paid.append(pay.settle(expected, float(group), size, 0).payment)
    small, large = (np.array(outcomes[size]) for size in (5000, 50_000))
    assert (small > 0).mean() == pytest.approx(0.24, abs=0.02)
    assert (small < 0).mean() == pytest.approx(0.26, abs=0.02)
    assert (large > 0).mean() == pytest.approx(0.02, abs=0.015)


def yearly_cost(found: Replication) -> Any:
    claims = found.claims["usual"]
    return np.bincount(claims.person, claims.amount, minlength=found.newcomers.entered.size)


# --- what a contract leaves out


def test_a_carve_out_shrinks_bias_and_error() -> None:
    """DeLia 2017: with a trend of other care that the benchmark misses, and its scatter."""
    changes = {
        "parties.plan.other_care": {"cost": 800, "variation": 2.1, "trend": 0.08},
        "segments.adults.use.visit": 0.3,
        "segments.adults.need": {"at_risk": 0.2, "in_crisis": 0.05, "recovery": 0, "relief": 0},
    }
    benchmark = {"method": "trend", "trend": 0.0}
    wrong = {}
    for other_care in (True, False):
        covers = {"segments": ["adults"], "other_care": other_care}
        many = many_settled(deal(contract(benchmark=benchmark, covers=covers), changes), 30, SEED)
        wrong[other_care] = column(many, "benchmark") - column(many, "expenditure")
    assert wrong[True].mean() < -1e6  # 8 % of 29 million USD
    assert abs(wrong[False].mean()) < 2.6 * wrong[False].std(ddof=1) / math.sqrt(30)
    assert wrong[False].std(ddof=1) < 0.5 * wrong[True].std(ddof=1)


# --- an effect


def test_the_true_rate_is_the_difference_of_the_worlds() -> None:
    """All members attributed: true saving is what the plan pays less, world against world."""
    changes = {
        "interventions.team.referral": 0.5,
        "interventions.team.staff.posts": 10,
        "interventions.team.effects": {"visit": {"ratio": 0.2}},
        "segments.adults.use.visit": 0.5,
        "services.visit.preventable": 1.0,
    }
    loaded = deal(contract(start="2026-01", benchmark=OWN | {"weights": [1]}), changes)
    case = prepare(loaded)
    found = replicate(case, 0, SEED, BOTH)
    year = settled(case, found, loaded, SEED)[0]
    paid = []
    for world in BOTH:
        spending = found.worlds[world].spending
        assert spending is not None
        paid.append(spending.payments[12:24, :, PLAN].sum())
    assert year.true_rate == pytest.approx(1 - paid[1] / paid[0])
    assert year.true_rate > 0.02
    assert year.payment >= year.payment_without_effect


# --- what many replications say


def test_intervals_of_known_values() -> None:
    rng = np.random.default_rng(SEED)
    values = rng.normal(5.0, 2.0, (4000, 6))
    covered = [of_mean(v).low < 5.0 < of_mean(v).high for v in values]
    assert np.mean(covered) == pytest.approx(0.9, abs=0.015)
    covered = [of_sd(v).low < 2.0 < of_sd(v).high for v in values]
    assert np.mean(covered) == pytest.approx(0.9, abs=0.015)
    assert of_share(0, 10)[:2] == (0, 0)
    assert of_share(0, 10).high == pytest.approx(1 - 0.05**0.1)
    assert of_share(10, 10).low == pytest.approx(0.05**0.1)
    assert math.isnan(of_mean(np.array([1.0])).low)


def test_a_row_says_what_its_replications_do() -> None:
    loaded = deal(contract(benchmark=OWN | {"trend_error": 0.02}))
    case, many = prepare(loaded), many_settled(loaded, 6, SEED)
    one, two, both = distribution(case, many, loaded)
    assert (one.year, two.year, both.year) == (1, 2, 0)
    assert one.measured_rate.value == pytest.approx(column(many, "measured_rate").mean())
    assert one.sd.value == pytest.approx(column(many, "measured_rate").std(ddof=1))
    assert one.sd_by_claims.value == pytest.approx(column(many, "rate_by_claims").std(ddof=1))
    assert one.sd_formula == pytest.approx(math.hypot(one.sd_by_claims_formula, 0.02))
    assert two.sd_formula == pytest.approx(math.hypot(two.sd_by_claims_formula, 0.02 * 2**0.5))
    paid = [s.payment > 0 for found in many for s in found]
    assert both.p_paid.value == pytest.approx(np.mean(paid))
    assert both.payment.value == pytest.approx(np.mean([s.payment for f in many for s in f]))
