"""Episodes: the same people one at a time, against closed forms and against the dynamics."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import special, stats

from model.episodes import Case, Replication, prepare, replicate, run
from model.episodes.care import happen, traits
from model.episodes.case import ABSENT
from model.episodes.chance import Chance
from model.episodes.claims import claim_variation
from model.episodes.people import newcomers, paths, stints
from model.episodes.ramp import Ramp
from model.episodes.spans import Spans
from model.episodes.stays import Presence, dated
from model.episodes.tables import claims_table, pathways_table, write
from model.loading import Loaded
from model.worlds import Worlds
from tests.conftest import SMALL, project, scenario

ROOT = Path(__file__).resolve().parents[2]
SEED = 5


# --- agreement of the two lenses

YOUTH: dict[str, Any] = {
    "name": "Youth",
    "group": "all",
    "payer": "plan",
    "population": 300,
    "need": {"at_risk": 0.25, "in_crisis": 0.08, "recovery": 0.12, "relief": 0.25},
    "deaths": {"stable": 0.001, "at_risk": 0.002, "in_crisis": 0.01},
    "leaving": 0.004,
    "use": {"visit": 0.08},
}
TWO_SEGMENTS: dict[str, Any] = {
    "clock.end": "2026-06",
    "clock.steps_per_month": 64,
    "segments.adults.deaths": {"stable": 0.0005, "at_risk": 0.001, "in_crisis": 0.005},
    "movements": [
        {"from": "adults", "to": "youth", "rate": 0.01},
        {"from": "youth", "to": "adults", "rate": 0.02},
    ],
    "interventions.team.eligible": {"segments": ["adults", "youth"]},
    "interventions.team.staff.time_to_hire": 1,
    "interventions.team.referral": 0.3,
    "interventions.team.need_effects": {
        "relief": 1.8,
        "escalation": 0.5,
        "recovery": 1.3,
        "onset": 0.7,
    },
}


def two_segments(scale: float) -> dict[str, Any]:
    """Two segments, need effects, a list longer than the free slots; all scaled together."""
    return TWO_SEGMENTS | {
        "segments.youth": YOUTH | {"population": 300 * scale},
        "segments.adults.population": 500 * scale,
        "interventions.team.staff.posts": scale,
    }


def of_dynamics(w: Worlds) -> np.ndarray:
    a = w.strategy
    return np.array(
        [
            a.people[0, -1, :, 2].sum(),
            a.people[0, -1, 1].sum(),
            a.waiting[0, -1, 0],
            a.enrolled[0, :, 0].mean(),
            a.protected[0, -1, 0],
            a.started[0].sum(),
            a.use[0].sum(),
            a.payments[0].sum(),
        ]
    )


def of_episodes(r: Replication) -> np.ndarray:
    a, world = r.activity, r.worlds["strategy"]
    assert world.spending is not None
    return np.array(
        [
            world.community.people[-1, :, 2].sum(),
            world.community.people[-1, 1].sum(),
            a.waiting[-1, 0],
            a.enrolled[:, 0].mean(),
            a.protected[-1, 0],
            a.started.sum(),
            world.spending.use.sum(),
            world.spending.payments.sum(),
        ]
    )


HEADLINE = [3, 7]  # mean enrolled and payments: what a decision rests on


def without_step(scale: float) -> np.ndarray:
    """The dynamics with the error of the step, of first order, taken out."""
    coarse, fine = (
        of_dynamics(project(two_segments(scale) | {"clock.steps_per_month": steps}))
        for steps in (32, 64)
    )
    return np.asarray(2.0 * fine - coarse)


def test_replications_approach_the_dynamics() -> None:
    """Error falls with the root of the scale; at the largest, within 1 % and two standard errors.

    Of eight outcomes at once one misses two standard errors by chance in a third of all tries. So
    the rule of two holds for the headline outcomes, named before, each by itself; and for all eight
    together, by Hotelling's T2 at the level that two standard errors have for one.
    """
    exact = without_step(1.0)
    scales, replications = np.array([1, 4, 16, 64]), (60, 30, 16, 30)
    errors = []
    for scale, number in zip(scales, replications, strict=True):
        case = prepare(scenario(two_segments(float(scale))))
        found = run(case, number, SEED, of_episodes, workers=2 if scale > 4 else 1)
        errors.append(np.array(list(found)) / scale / exact - 1.0)
    rmse = np.array([np.sqrt((e**2).mean()) for e in errors])
    slope = np.polyfit(np.log(scales), np.log(rmse), 1)[0]
    assert -0.6 < slope < -0.4, (slope, rmse)
    last = errors[-1]
    mean, error = last.mean(axis=0), last.std(axis=0, ddof=1) / np.sqrt(len(last))
    assert (np.abs(mean) < 0.01).all(), mean
    assert (np.abs(mean) < 2.0 * error)[HEADLINE].all(), mean / error
    assert of_no_difference(last) > 2.0 * stats.norm.sf(2.0), mean / error


def of_no_difference(errors: np.ndarray) -> float:
    """Chance of means as far from 0 together as these, if all are 0 (Hotelling 1931)."""
    n, p = errors.shape
    mean = errors.mean(axis=0)
    t2 = n * mean @ np.linalg.solve(np.cov(errors.T), mean)
    return float(stats.f.sf(t2 * (n - p) / (p * (n - 1)), p, n - p))


# --- the queue

AT_ONCE = np.full(1, 1e-9)
# Service has mean 1 in the formulas' time, of which a month holds this many: more to average.
PACE = 10.0
MONTHS = 360


def queue(servers: int, arrivals: float, patience: float, set_up: float) -> Case:
    """Poisson arrivals out of a very large population."""
    people = 200_000
    changes = {
        "clock.end": f"{2025 + MONTHS // 12 - 1}-12",
        "segments.adults.population": people,
        "segments.adults.use": {},
        "interventions.team.eligible": {
            "segments": ["adults"],
            "need": ["stable", "at_risk", "in_crisis"],
        },
        "interventions.team.staff": {
            "posts": servers,
            "caseload": 1,
            "time_to_hire": 0.5,
            "turnover": 0,
        },
        "interventions.team.effects": {},
        "interventions.team.completion": 0,
    }
    case = prepare(scenario(changes))
    one = np.ones(1)
    programmes = case.programmes._replace(
        referral=one * PACE * arrivals / people,
        acceptance=one,
        duration=one / PACE,
        patience=one * patience / PACE,
        time_to_enroll=one * set_up / PACE,
        time_to_hire=AT_ONCE,
    )
    still = case.community._replace(
        **{k: getattr(case.community, k) * 0.0 for k in ("onset", "escalation", "recovery")},
        relief=case.community.relief * 0.0,
    )
    return case._replace(programmes=programmes, community=still)


def stationary(
    servers: int, arrivals: float, patience: float, set_up: float
) -> tuple[float, float]:
    """Mean number waiting and enrolled of the chain of two numbers, solved exactly."""
    longest = 6 * servers
    index = np.arange((longest + 1) * (servers + 1)).reshape(longest + 1, servers + 1)
    rate = np.zeros((index.size, index.size))
    for w in range(longest + 1):
        for e in range(servers + 1):
            here = index[w, e]
            if w < longest:
                rate[here, index[w + 1, e]] += arrivals
            if w:
                rate[here, index[w - 1, e]] += w / patience
            if w and e < servers:
                rate[here, index[w - 1, e + 1]] += min(w, servers - e) / set_up
            if e:
                rate[here, index[w, e - 1]] += e
    rate[np.diag_indices(index.size)] -= rate.sum(axis=1)
    equations = np.vstack([rate.T, np.ones(index.size)])
    p = np.linalg.lstsq(equations, np.append(np.zeros(index.size), 1.0), rcond=None)[0]
    p = p.reshape(index.shape)
    waiting = (np.arange(longest + 1) * p.sum(axis=1)).sum()
    return float(waiting), float((np.arange(servers + 1) * p.sum(axis=0)).sum())


def erlang_c(servers: int, load: float) -> float:
    """Mean number waiting in M/M/c."""
    terms = load ** np.arange(servers) / special.factorial(np.arange(servers))
    last = load**servers / special.factorial(servers) * servers / (servers - load)
    return float(last / (terms.sum() + last) * load / (servers - load))


def mean_waiting_and_enrolled(case: Case) -> tuple[np.ndarray, np.ndarray]:
    """Means of years, as the time that those who came in a year spent in them."""
    means: list[list[np.ndarray]] = [[], []]
    edges = np.arange(12.0, case.months - 10.0, 12.0)
    for k in range(2):
        p = replicate(case, k, SEED, claims=()).pathways
        came = ~np.isnan(p.reached)
        off = np.where(np.isnan(p.started), p.ended, p.started)
        for spent, to in zip((off - p.reached, p.ended - p.started), means, strict=True):
            total, _ = np.histogram(p.reached[came], edges, weights=np.nan_to_num(spent[came]))
            to.append(total / np.diff(edges))
    return np.concatenate(means[0]), np.concatenate(means[1])


def close(found: np.ndarray, expected: float) -> None:
    """The mean is within three standard errors, and known to a tenth."""
    error = found.std(ddof=1) / np.sqrt(found.size)
    assert abs(found.mean() - expected) < 3.0 * error, (found.mean(), expected, error)
    assert error < 0.1 * expected, (error, expected)


def test_waiting_is_that_of_erlang_c() -> None:
    """M/M/c: nobody gives up, the set-up takes no time."""
    case = queue(servers=10, arrivals=7.0, patience=1e9, set_up=1e-9)
    waiting, enrolled = mean_waiting_and_enrolled(case)
    close(waiting, erlang_c(10, 7.0))
    close(enrolled, 7.0)


def test_waiting_with_giving_up_is_that_of_erlang_a() -> None:
    """M/M/c+M, overloaded: the exact stationary chain."""
    case = queue(servers=10, arrivals=12.0, patience=0.5, set_up=1e-9)
    expected = stationary(10, 12.0, 0.5, 1e-6)
    waiting, enrolled = mean_waiting_and_enrolled(case)
    close(waiting, expected[0])
    close(enrolled, expected[1])


def test_a_slot_is_held_for_its_set_up() -> None:
    """Enrolment at rate min(waiting, free slots) / time_to_enroll: the exact stationary chain."""
    case = queue(servers=10, arrivals=9.0, patience=2.0, set_up=0.5)
    expected = stationary(10, 9.0, 2.0, 0.5)
    waiting, enrolled = mean_waiting_and_enrolled(case)
    close(waiting, expected[0])
    close(enrolled, expected[1])


def test_the_order_of_the_list_spreads_waits_and_changes_no_mean() -> None:
    """Where all are alike, who is next changes neither the number waiting nor the mean wait."""
    case = queue(servers=10, arrivals=8.0, patience=1e9, set_up=1e-9)
    waits = {}
    for pick in ("random", "first_come", "priority"):
        p = replicate(case._replace(pick=pick), 0, SEED, claims=()).pathways
        waits[pick] = (p.started - p.reached)[~np.isnan(p.started)]
    fair = waits["first_come"]
    for pick in ("random", "priority"):
        assert waits[pick].mean() == pytest.approx(fair.mean(), rel=1e-3)
        assert waits[pick].std() > 1.1 * fair.std()


# --- one person

ALONE = scenario(two_segments(64))


def test_people_are_conserved() -> None:
    """In each world: residents = those before + arrivals - deaths - departures, every month."""
    case = prepare(scenario(two_segments(4) | {"segments.youth.entrants": 20}))
    found = replicate(case, 0, SEED)
    start = (found.newcomers.entered == 0.0).sum()
    for world in found.worlds.values():
        c = world.community
        there = c.people.sum(axis=(1, 2))
        change = c.entered - c.died - c.left
        np.testing.assert_allclose(there, start + change.cumsum(), atol=0.0)
        assert c.died.sum() > 0
        assert c.left.sum() > 0
        assert c.entered.sum() > 0


def test_nobody_is_in_two_places_and_slots_hold() -> None:
    """An episode is on the list, then enrolled, then protected; people are there meanwhile."""
    found = replicate(prepare(scenario(two_segments(4))), 0, SEED)
    p, a = found.pathways, found.activity
    started = p.started[~np.isnan(p.started)]
    assert (p.referred <= np.where(np.isnan(p.reached), p.ended, p.reached)).all()
    assert (started >= p.reached[~np.isnan(p.started)]).all()
    assert not (p.ended < p.started).any()
    assert not (p.faded < p.ended).any()
    assert (a.waiting >= 0).all()
    inside = a.referred.cumsum() - a.started.cumsum()
    assert (a.waiting[:, 0] <= inside).all()
    # An episode of one person begins when the last is over.
    order = np.lexsort((p.reached, p.person))
    joined = order[~np.isnan(p.reached[order])]
    over = np.fmax(p.ended, np.where(np.isnan(p.faded), p.ended, p.faded))
    same = p.person[joined][1:] == p.person[joined][:-1]
    assert (over[joined][:-1][same] <= p.reached[joined][1:][same]).all()


def test_stays_at_a_need_level_are_exponential() -> None:
    """First sojourns of people who begin in crisis: death, relief and leaving compete."""
    case = prepare(ALONE)._replace(months=18)
    chance = Chance(SEED, 0)
    new = newcomers(case, chance)
    lives = paths(case, new, stints(case, new, chance), chance)
    rows = lives.first[:-1][(new.level == 2) & (new.segment == 0)]
    c = case.community
    rate = c.relief[0] + c.deaths[0, 2]
    took = lives.end[rows] - lives.start[rows]
    month = took[took < 1.0]  # the first movement is at the end of a month
    expected = 1.0 - np.exp(-rate * month)
    uniform = expected / (1.0 - np.exp(-rate))
    assert stats.kstest(uniform, "uniform").pvalue > 0.001
    assert (took < 1.0).mean() == pytest.approx(1.0 - np.exp(-rate), abs=0.03)


def test_services_last_as_long_as_said() -> None:
    """Time enrolled and time protected are exponential, apart from deaths and departures."""
    base = {
        "clock.end": "2044-12",
        "segments.adults.population": 4000,
        "interventions.team.staff.posts": 10,
    }
    p = replicate(prepare(scenario(base)), 0, SEED).pathways
    early = p.started < 120.0
    served = (p.ended - p.started)[early & ~np.isnan(p.ended)]
    kept = (p.faded - p.ended)[early & ~np.isnan(p.faded)]
    assert stats.kstest(served, "expon", args=(0.0, 6.0)).pvalue > 0.001
    assert stats.kstest(kept, "expon", args=(0.0, 12.0)).pvalue > 0.001


# --- use and claims


def test_frailty_is_gamma_and_makes_use_overdispersed() -> None:
    """Mean 1, the variance asked for; counts of a group have variance mean + v mean^2."""
    variance = 0.8
    case = prepare(
        scenario(
            {
                "episodes": {"frailty_variance": variance},
                "interventions": {},
                "segments.adults.population": 40_000,
                "segments.adults.need": {
                    "at_risk": 0,
                    "in_crisis": 0,
                    "recovery": 0,
                    "relief": 0,
                },
            }
        )
    )
    known = traits(case, 40_000, Chance(SEED, 0))
    assert stats.kstest(known.frailty, "gamma", args=(1 / variance, 0, variance)).pvalue > 0.001
    found = replicate(case, 0, SEED).claims["strategy"]
    counts = np.bincount(found.person, minlength=40_000)
    mean = 0.05 * 24
    assert counts.mean() == pytest.approx(mean, rel=0.03)
    assert counts.var() == pytest.approx(mean + variance * mean**2, rel=0.06)


def test_claims_are_use_times_price() -> None:
    """Without scatter of amounts, claims add up to units x price of their month, exactly."""
    changes = {"episodes": {"amount_variation": 0}, "services.visit.price_trend": 0.04}
    case = prepare(scenario(changes))
    c = replicate(case, 0, SEED).claims["strategy"]
    expected = 500.0 * 1.04 ** (c.incurred / 12.0)
    np.testing.assert_allclose(c.amount, expected, rtol=1e-12)
    assert (c.paid >= c.incurred).all()
    assert (c.paid - c.incurred).mean() == pytest.approx(1.5, abs=0.15)


def test_other_care_varies_between_members_as_asked() -> None:
    """Mean cost of a member-month, and sd / mean of a member's year."""
    care = {"cost": 400, "variation": 2.1, "correlation": 0.5}
    changes = {
        "parties.plan.other_care": care,
        "segments.adults.population": 60_000,
        "interventions": {},
        "clock.end": "2025-12",
    }
    case = prepare(scenario(changes))
    assert claim_variation(case)[0] > 0.0
    c = replicate(case, 0, SEED).claims["strategy"]
    other = c.service == 1
    year = np.bincount(c.person[other], c.amount[other], minlength=60_000)
    assert year.mean() == pytest.approx(12 * 400, rel=0.04)
    assert year.std() / year.mean() == pytest.approx(2.1, rel=0.1)


def test_thinning_gives_each_world_its_own_rate() -> None:
    """One set of events: Poisson in each world, and shared as far as the rates are."""
    size = 20_000
    cells = np.zeros(size, dtype=np.int64)
    nobody = np.full(size, ABSENT)
    time = np.zeros(size)
    spans = Spans(np.arange(size), time, time + 6.0, cells, cells, cells)
    clock = Ramp(np.ones((1, 12)))
    rng = np.random.default_rng(SEED)
    found = happen(spans, np.full(size, 0.5), np.full(size, 0.3), clock, 0, rng)
    assert found.usual.sum() == pytest.approx(size * 3.0, rel=0.02)
    assert found.strategy.sum() == pytest.approx(size * 1.8, rel=0.02)
    assert found.usual[found.strategy].all()
    gone = happen(spans._replace(strategy=nobody), np.full(size, 0.5), time, clock, 0, rng)
    assert not gone.strategy.any()


def test_a_stay_moves_events_and_removes_none() -> None:
    """Every event keeps its person; none but the stays themselves is dated inside a stay."""
    rng, size = np.random.default_rng(SEED), 20_000
    person, time = np.sort(rng.integers(0, 500, size)), rng.random(size) * 24.0
    stay = np.where(rng.random(size) < 0.1, rng.exponential(0.3, size), 0.0)
    there = Presence(np.zeros(500), np.full(500, 24.0))
    date = dated(person, time, stay, there, rng)
    assert date.size == size
    assert ((date >= 0.0) & (date <= 24.0 + 1e-9)).all()
    moved = date != time
    assert moved.any()
    assert (~moved).any()
    for who in range(40):
        mine, is_stay = person == who, stay > 0.0
        begins, ends = date[mine & is_stay], (date + stay)[mine & is_stay]
        visits = date[mine & ~is_stay]
        inside = (visits[:, None] > begins + 1e-6) & (visits[:, None] < ends - 1e-6)
        assert not inside.any()
        order = np.argsort(begins)
        assert (begins[order][1:] >= ends[order][:-1] - 1e-6).all()


# --- common luck, and the engine


def test_without_effects_both_worlds_are_one() -> None:
    """A programme that changes nothing: every event happens in both worlds."""
    changes = {"interventions.team.effects": {}, "interventions.team.need_effects": {}}
    found = replicate(prepare(scenario(changes)), 0, SEED, with_bills=True)
    assert found.activity.started.sum() > 0
    assert found.bills is not None
    assert (found.bills.usual & found.bills.strategy).all()


def test_who_is_never_enrolled_is_the_same_in_both_worlds() -> None:
    """Only the enrolled differ, and only from their first enrolment on."""
    found = replicate(prepare(scenario(two_segments(2))), 0, SEED, with_bills=True)
    assert found.bills is not None
    differ = found.bills.usual != found.bills.strategy
    started = np.full(found.newcomers.entered.size, np.inf)
    np.fmin.at(started, found.pathways.person, found.pathways.started)
    assert differ.any()
    assert (found.bills.time[differ] >= started[found.bills.person[differ]] - 1e-9).all()


def replicated_bytes(loaded: Loaded, workers: int) -> list[bytes]:
    return list(run(prepare(loaded), 4, SEED, to_bytes, workers=workers))


def to_bytes(found: Replication) -> bytes:
    parts = [*found.claims["strategy"], *found.pathways, *found.activity]
    return b"".join(part.tobytes() for part in parts)


def test_workers_change_nothing() -> None:
    """1 process = 2 processes, bit for bit; replications differ."""
    loaded = scenario(two_segments(1))
    one = replicated_bytes(loaded, 1)
    assert one == replicated_bytes(loaded, 2)
    assert len(set(one)) == 4


def test_tables_have_the_same_bytes(tmp_path: Path) -> None:
    case = prepare(scenario(two_segments(1)))
    files = []
    for k in range(2):
        found = replicate(case, 0, SEED)
        for table in (
            claims_table(case, found.claims["strategy"]),
            pathways_table(case, found.pathways),
        ):
            write(table, tmp_path / f"{len(files)}.parquet")
            files.append((tmp_path / f"{len(files)}.parquet").read_bytes())
        assert len(files) == 2 * (k + 1)
    assert files[:2] == files[2:]


INTERPRETED = """
import sys, hashlib
sys.path[:0] = {paths!r}
from test_episodes import short
print(hashlib.sha256(short()).hexdigest())
"""


def short() -> bytes:
    changes = {"clock.end": "2025-08", "interventions.team.effects": {}}
    return to_bytes(replicate(prepare(scenario(changes)), 0, SEED))


def test_compiled_is_interpreted() -> None:
    """The same bytes without the compiler."""
    import hashlib

    program = INTERPRETED.format(paths=[str(ROOT), str(Path(__file__).parent)])
    without_compiler = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=without_compiler,
        check=True,
        timeout=120,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == hashlib.sha256(short()).hexdigest()


def test_no_intervention_is_usual_care() -> None:
    """Nobody to refer: no pathways, one world."""
    found = replicate(prepare(scenario({"interventions": {}})), 0, SEED)
    assert found.pathways.person.size == 0
    assert found.claims["strategy"].person.size > 0
    assert SMALL["interventions"]
