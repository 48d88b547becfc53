"""Planning against what was not computed with it: textbooks, simulated trials, published risks."""

import math
from typing import Any

import numpy as np
import pytest
from scipy import integrate, linalg, stats

from model import planned_payment, power
from model.planning import LEVEL, OWN, Asked, plan
from model.power import Person
from model.use_variation import Events, Group, costs, counts, moments, reached, reached_share
from tests.conftest import SMALL, scenario

Floats = np.ndarray[Any, np.dtype[np.float64]]


# --- textbooks


@pytest.mark.parametrize("difference", [0.2, 0.5, 0.8])
def test_two_samples_against_the_noncentral_t(difference: float) -> None:
    """Cohen's d of 0.2, 0.5, 0.8: 394, 64, 26 in each arm by Student's t; the normal one fewer."""

    def by_t(n: int) -> float:
        df, shift = 2 * n - 2, difference * math.sqrt(n / 2)
        return float(stats.nct.sf(stats.t.isf(0.025, df), df, shift))

    each = next(n for n in range(2, 2000) if by_t(n) >= 0.8)
    assert each == {0.2: 394, 0.5: 64, 0.8: 26}[difference]
    total = power.people_needed(
        difference,
        lambda n: math.sqrt(4.0 * power.after_only(Person(1, 0), 1) / n),
        0.05,
        0.8,
        False,
    )
    assert total is not None
    assert total / 2 == pytest.approx(each, abs=1.5)


def test_negative_binomial_as_zhu_and_lakkis() -> None:
    """Rate 0.8 a year, ratio 0.85, dispersion 0.4, 0.75 years: 1,316 an arm (true rates).

    By their formula written out: n = (z + z)^2 ((1/(r0 t) + 1/(r1 t)) + 2k) / ln(r1/r0)^2.
    """
    r0, rr, k, t = 0.8, 0.85, 0.4, 0.75
    by_hand = (
        (stats.norm.ppf(0.975) + stats.norm.ppf(0.8)) ** 2
        * (1 / (r0 * t) + 1 / (r0 * rr * t) + 2 * k)
        / math.log(rr) ** 2
    )
    assert math.ceil(by_hand) == 1316
    person = Person(1 / r0 + k, k, 1 / r0)
    assert person.variance == pytest.approx(1.65)

    def sd(people: float) -> float:
        one = 4.0 * power.after_only(person, t) + 2.0 * power.fewer_events(person, 1 - rr, t)
        return math.sqrt(one / people)

    total = power.people_needed(1 - rr, sd, 0.05, 0.8, log=True)
    assert total is not None
    assert total / 2 == pytest.approx(by_hand, abs=1)


# --- designs on simulated people


def two_arms(people: int, mean: float, k: float, rr: float, trials: int) -> Floats:
    """z of the log rate ratio in simulated trials of gamma-Poisson counts; arms of equal size."""
    rng = np.random.default_rng(11)
    shape = (trials, people // 2)

    def arm(rate: float) -> Floats:
        return rng.poisson(rate * rng.gamma(1 / k, k, shape)).astype(np.float64)

    control, treated = arm(mean), arm(mean * rr)
    variance = sum(x.var(axis=1) / x.mean(axis=1) ** 2 / shape[1] for x in (control, treated))
    return np.asarray(np.log(control.mean(axis=1) / treated.mean(axis=1)) / np.sqrt(variance))


def test_counts_have_the_power_that_is_told() -> None:
    """2,000 simulated trials at the number of people needed for 80 %."""
    mean, k, rr = 1.7, 1.5, 0.75
    person = Person(1 / mean + k, k, 1 / mean)

    def sd(people: float) -> float:
        one = 4.0 * power.after_only(person, 1) + 2.0 * power.fewer_events(person, 1 - rr, 1)
        return math.sqrt(one / people)

    people = power.people_needed(1 - rr, sd, 0.05, 0.8, log=True)
    assert people is not None
    won = (two_arms(people, mean, k, rr, 2000) > stats.norm.ppf(0.975)).mean()
    assert won == pytest.approx(0.8, abs=0.035)
    by_luck = (two_arms(people, mean, k, 1.0, 2000) > stats.norm.ppf(0.975)).mean()
    assert by_luck == pytest.approx(0.025, abs=0.012)  # alpha / 2


def yearly(people: int, years: int, p: Person, trials: int) -> Floats:
    """Normal yearly amounts [trial, person, year] with mean 1 and compound symmetry."""
    rng = np.random.default_rng(5)
    lasting = rng.standard_normal((trials, people, 1)) * math.sqrt(p.lasting)
    own = rng.standard_normal((trials, people, years)) * math.sqrt(p.variance - p.lasting)
    return np.asarray(1.0 + lasting + own)


def test_before_and_after_on_simulated_people() -> None:
    """Change and covariance adjustment of three years after two years before."""
    p, people, trials = Person(4.0, 1.6), 200, 2000
    x = yearly(people, 5, p, trials)
    before, after = x[:, :, :2].mean(axis=2), x[:, :, 2:].mean(axis=2)
    change = (after - before).mean(axis=1).var() * people
    assert change == pytest.approx(power.change(p, 2, 3), rel=0.1)
    slope = ((before - before.mean()) * (after - after.mean())).mean() / before.var()
    left = (after - slope * before).var()
    assert left == pytest.approx(power.adjusted(p, 2, 3), rel=0.02)
    assert after.var() == pytest.approx(power.after_only(p, 3), rel=0.02)


@pytest.mark.parametrize("ratio", [1, 2])
def test_members_beside_others_on_simulated_people(ratio: int) -> None:
    """Level of three years, and change from two before, beside `ratio` others for each member."""
    p, people, trials = Person(4.0, 1.6), 100, 2000
    members = yearly(people, 5, p, trials)
    others = yearly(people * ratio, 5, p, trials + 1)[1:]

    def mean(x: Floats, years: slice) -> Floats:
        return np.asarray(x[:, :, years].mean(axis=(1, 2)))

    level = mean(others, slice(2, 5)) - mean(members, slice(2, 5))
    change = level - (mean(others, slice(0, 2)) - mean(members, slice(0, 2)))
    beside = 1.0 + 1.0 / ratio
    assert level.var() * people == pytest.approx(power.after_only(p, 3) * beside, rel=0.1)
    assert change.var() * people == pytest.approx(power.change(p, 2, 3) * beside, rel=0.1)


@pytest.mark.parametrize(("rr", "minimum"), [(1.0, 0.02), (1.0, 0.1), (0.85, 0.1), (0.85, 0.0)])
def test_a_threshold_on_simulated_trials(rr: float, minimum: float) -> None:
    """How often 4,000 trials of 600 gamma-Poisson people show at least so many fewer events."""
    mean, k, people, rng = 1.7, 1.5, 600, np.random.default_rng(21)
    shape = (4000, people // 2)
    control, treated = (
        rng.poisson(mean * ratio * rng.gamma(1 / k, k, shape)).mean(axis=1) for ratio in (1.0, rr)
    )
    paid = (1.0 - treated / control >= minimum).mean()
    p = Person(1 / mean + k, k, 1 / mean)
    one = 4.0 * power.after_only(p, 1) + 2.0 * power.fewer_events(p, 1 - rr, 1)
    sd = math.sqrt(one / people)
    told = planned_payment.by_threshold(minimum, 1 - rr, 0.0, (sd, sd), log=True)
    if rr == 1.0:
        assert told.false_payment == pytest.approx(paid, abs=0.025)
    assert 1.0 - told.missed_payment == pytest.approx(paid, abs=0.025)


def test_own_history_keeps_area_and_trend() -> None:
    """Weighted baseline, yearly area shocks, a trend error that adds up and starts anew: the sd."""
    p, people, trials, rng = Person(4.0, 1.6), 300, 20_000, np.random.default_rng(9)
    weights, area, drift, years, agreement = np.array([0.6, 0.3, 0.1]), 0.01, 0.01, 6, 3
    shocks = area * rng.standard_normal((trials, years))
    steps = drift * rng.standard_normal((trials, 2, agreement))
    trend = np.cumsum(steps, axis=2).reshape(trials, years)
    common = (shocks + trend).mean(axis=1)
    expected = area**2 / years + power.trend_variance(drift, years, agreement)
    assert common.var() == pytest.approx(expected, rel=0.08)
    fresh = yearly(people, 9, p, 1500).mean(axis=1)
    estimate = fresh[:, 3:].mean(axis=1) - fresh[:, :3] @ weights[::-1]
    effective = 1.0 / float((weights**2).sum())
    assert estimate.var() == pytest.approx(power.change(p, effective, years) / people, rel=0.12)


def test_picked_people_fall_without_effect() -> None:
    """Gamma-Poisson people whose rate lasts in part: picked by two events, followed for a year."""
    rng, people, mean = np.random.default_rng(3), 2_000_000, 1.7
    k, r = 1.5, 0.6
    # Rates of two years: gamma with correlation r, as sums of a shared and an own gamma part.
    shared = rng.gamma(r / k, k, people)
    rates = [shared + rng.gamma((1 - r) / k, k, people) for _ in range(2)]
    one, two = (rng.poisson(mean * rate) for rate in rates)
    picked = one >= 2
    p = Person(1 / mean + k, r * k, 1 / mean)
    assert one.var() / mean**2 == pytest.approx(p.variance, rel=0.01)
    fell = 1.0 - two[picked].mean() / one[picked].mean()
    assert power.fall_without_effect(mean, p, 2) == pytest.approx(fell, abs=0.005)
    before = one[picked].mean() / mean
    assert power.use_when_picked(mean, p, 2) == pytest.approx(before, rel=0.005)


# --- variation from need levels


def paths(group: Group, months: int, people: int) -> Floats:
    """Level of each person [person, 10th of a month] from now on, one segment, by small steps."""
    rng = np.random.default_rng(4)
    step = linalg.expm(group.moves[0] / 10.0).cumsum(axis=1)
    level = rng.choice(3, people, p=group.share[0])
    out = np.empty((people, 10 * months), dtype=np.int64)
    for k in range(10 * months):
        out[:, k] = level
        level = (rng.random(people)[:, None] > step[level]).sum(axis=1)
    return out


def steady() -> Group:
    """Shares 0.75, 0.2, 0.05 that moves keep: recovery 0.1, relief 0.2 a month."""
    moves = np.array([[-0.1 * 0.2 / 0.75, 0.1 * 0.2 / 0.75, 0], [0.1, -0.15, 0.05], [0, 0.2, -0.2]])
    return Group(np.array([[0.75, 0.2, 0.05]]), moves[None])


def test_variation_of_events_and_cost_on_simulated_paths() -> None:
    """Frailty, need levels, events and amounts of 60,000 people over two years."""
    group, people, frailty = steady(), 60_000, 1.0
    rng = np.random.default_rng(8)
    events = Events(
        np.array([[[0.03, 0.01], [0.09, 0.05], [0.3, 0.2]]]),
        np.array([[500.0, 4000.0]]),
        np.array([1.0, 0.5]),
    )
    level = paths(group, 24, people)
    z = rng.gamma(1 / frailty, frailty, people)
    count, cost = np.zeros((people, 2)), np.zeros((people, 2))
    for s in range(2):
        rate = events.rate[0, :, s][level].reshape(people, 2, 120).sum(axis=2) / 10.0
        n = rng.poisson(rate * z[:, None])
        count += n
        v = events.scatter[s]
        amount = rng.gamma(np.maximum(n, 1e-12) / v, events.amount[0, s] * v)
        cost += np.where(n > 0, amount, 0.0)
    for use, x, rel in ((counts, count, 0.03), (costs, cost, 0.06)):
        told = use(group, events, frailty, np.ones(2))
        assert told.mean == pytest.approx(x.mean(), rel=0.02)
        assert told.person.variance == pytest.approx(x.var() / x.mean() ** 2, rel=rel)
        covariance = np.cov(x.T)[0, 1] / x.mean() ** 2
        assert told.person.lasting == pytest.approx(covariance, rel=0.08)


def test_those_in_crisis_move_back() -> None:
    """Who is in crisis now, by quadrature: the next year, and use while a service reaches them."""
    group = steady()._replace(share=np.array([[0.0, 0.0, 1.0]]))
    rate = np.array([[1.0, 3.0, 10.0]])

    def use(t: float) -> float:
        return float(linalg.expm(group.moves[0] * t)[2] @ rate[0])

    def total(what: Any, end: float) -> float:
        return float(integrate.quad(what, 0.0, end)[0])

    mean, _, _ = moments(group, rate)
    assert mean == pytest.approx(total(use, 12.0) / 12.0, rel=0.003)
    time, of_use, monthly = reached_share(group, rate, reached(6.0, 0.0, 3.0), np.full(12, 200.0))

    def reached_use(t: float) -> float:  # leaves at 1/6 a month, and nothing lasts
        return use(t) * math.exp(-t / 6.0)

    assert time == pytest.approx(6.0 * (1.0 - math.exp(-2.0)) / 12.0, rel=0.003)
    assert of_use == pytest.approx(total(reached_use, 12.0) / total(use, 12.0), rel=0.003)
    assert monthly == pytest.approx(total(reached_use, 120.0) / 6.0, rel=0.003)


def test_protection_after_completion() -> None:
    """The two-stage chain by its matrix exponential, and equal rates by their limit."""
    for duration, completion, persistence in ((6.0, 0.75, 3.0), (6.0, 0.75, 6.0)):
        chain = np.array([[-1 / duration, completion / duration], [0, -1 / persistence]])
        at = reached(duration, completion, persistence)
        for t in (0.0, 1.0, 10.0):
            assert at(t) == pytest.approx(linalg.expm(chain * t)[0].sum(), abs=1e-9)


@pytest.mark.parametrize(("end", "years"), [("2026-12", 2), ("2034-12", 10)])
def test_the_effect_on_the_enrolled_is_the_published_one(end: str, years: int) -> None:
    """The scenario's effect is a published total of 20 % among the enrolled over twelve months; it
    comes back from what a projection avoids, less drop-out and fading, spread over all members.
    """
    changes = {"clock.end": end, "interventions.team.staff.posts": 20}
    p = plan(contract(5000, changes, years=years), "savings", 2, 1)
    assert p.expected.effects["targeted_events"].enrolled == pytest.approx(0.2, rel=0.06)
    assert p.expected.effects["targeted_cost"].enrolled == pytest.approx(0.2, rel=0.06)


# --- what a contract pays


def contract(population: float, changes: Any = None, **more: Any) -> Any:
    """The small plan with a total-cost contract as DeLia has it; a benchmark set from outside."""
    line = {
        "name": "Savings",
        "payer": "plan",
        "payee": "network",
        "terms": {
            "extends": "one_sided_half",
            "measurement": {"cv": 2.1, "comparison_ratio": 100},
        },
        "start": "2025-01",
        "years": 2,
        "covers": {"segments": ["adults"]},
        "benchmark": {"method": "comparison_group"},
    } | more
    money = {
        "discount_rate": 0.03,
        "accounts": {"network": {"opening": 0, "minimum_core": 1}},
        "contracts": {"savings": line},
    }
    party = SMALL["parties"]["plan"] | {"other_care": {"cost": 900, "variation": 2.1}}
    return scenario(
        {
            "segments.adults.population": population,
            "parties.plan": party,
            "financing": money,
            "interventions.team.staff.posts": 0,
        }
        | (changes or {})
    )


@pytest.mark.parametrize(("members", "paid"), [(5000, 24), (50_000, 2)])
def test_delia_2012(members: int, paid: float) -> None:
    """No effect, threshold 2 %: paid in 24 and about 2 % of years; a test pays in 2.5 %."""
    p = plan(contract(members), "savings", 2, 1)
    row = p.row(LEVEL, "total_cost")
    assert row.is_contract
    assert row.false_payment is not None
    assert 100 * row.false_payment == pytest.approx(paid, abs=2)
    assert row.effect == 0.0
    assert row.missed_payment == pytest.approx(1.0 - row.false_payment)
    assert row.power_now == pytest.approx(0.025)
    assert row.people_needed is None


def test_a_trend_error_leaves_no_number() -> None:
    """Own history of the same members, with and without a trend error of 1 % a year."""
    strong = {
        "interventions.team.staff.posts": 60,
        "interventions.team.effects": {"visit": {"ratio": 0.2}},
        "services.visit.preventable": 0.9,
    }
    needed = []
    for error in (0.0, 0.01):
        history = {"method": "own_history", "weights": [1.0], "trend_error": error}
        p = plan(contract(5000, strong, benchmark=history), "savings", 2, 1, Asked(power=0.9))
        row = p.row(OWN, "total_cost")
        assert row.effect > 0.001
        needed.append(row.people_needed)
    assert needed[0] is not None
    assert needed[1] is None
