"""Episodes told: numbers of a replication by hand, their spread, words, and charts."""

from __future__ import annotations

import inspect
import json
import shlex
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

from model import episode_runs
from model.episodes import Case, Replication, prepare, replicate
from model.episodes.care import WORLDS
from model.episodes.desk import OUTCOMES
from model.episodes.evaluation import evaluate
from model.episodes.kept import (
    BIN,
    ENDINGS,
    Kept,
    Key,
    Months,
    ending,
    months,
    numbers,
    of_stocks,
    time_on_list,
    waits,
)
from model.episodes.outreach import Pathway
from model.episodes.spread import REACH, beside, holm, metrics, plain
from model.episodes.timelines import AFTER, BEFORE, PROTECTED, SERVICE, WAIT, timelines
from report import episodes_figures as figures
from report import episodes_findings as findings
from report import episodes_story as story
from report.episodes import command
from report.episodes_data import Episodes
from tests.conftest import scenario

SEED = 4
NAN = np.nan
SOME = Key("enrollments", "team", "persons")


@pytest.fixture(scope="module")
def case() -> Case:
    return prepare(scenario())


@pytest.fixture(scope="module")
def replication(case: Case) -> Replication:
    return replicate(case, 0, SEED, WORLDS)


# --- a replication in numbers


def pathway(*rows: tuple[float, float, float, str]) -> Pathway:
    """reached, started, ended, outcome; everybody is another person, in the one intervention."""
    size = len(rows)
    nil = np.zeros(size, dtype=np.int64)
    reached, started, ended = (np.array([row[k] for row in rows], dtype=float) for k in range(3))
    outcome = np.array([OUTCOMES.index(row[3]) for row in rows])
    unknown = np.full(size, NAN)
    return Pathway(
        np.arange(size), nil, nil, nil, nil, unknown, reached, started, ended, unknown, outcome
    )


BY_HAND = pathway(
    (1.0, 1.5, 7.5, "completed"),
    (2.0, 4.0, 10.0, "dropped_out"),
    (3.0, NAN, 3.25, "gave_up"),
    (22.0, NAN, 23.0, "died"),
    (20.0, 23.5, NAN, "enrolled"),
    (23.0, NAN, NAN, "waiting"),
    (NAN, NAN, 5.0, "refused"),
)


class TestNumbers:
    def test_waits_by_hand(self, case: Case) -> None:
        time = time_on_list(BY_HAND, 24.0)
        assert time[:6].tolist() == [0.5, 2.0, 0.25, 1.0, 3.5, 1.0]
        assert np.isnan(time[6])
        told = [ENDINGS[k] for k in ending(BY_HAND)[:6]]
        assert told == ["started", "started", "gave_up", "other", "started", "waiting"]
        found = waits(case, BY_HAND)
        where = [(ENDINGS[e], b * BIN, found[0, e, b]) for _, e, b in np.argwhere(found)]
        assert where == [
            ("started", 0.5, 1),
            ("started", 2.0, 1),
            ("started", 3.5, 1),
            ("gave_up", 0.25, 1),
            ("other", 1.0, 1),
            ("waiting", 1.0, 1),
        ]

    def test_shares_by_hand(self, case: Case, replication: Replication) -> None:
        found = {
            key.metric: value
            for key, value in numbers(case, replication._replace(pathways=BY_HAND))
            if key.subject == "team"
        }
        assert found["referrals"] == 7
        assert found["share_gave_up"] == pytest.approx(1 / 5)  # of those no longer on the list
        # Who came in the last three months is left out of who started within three.
        assert found["share_started_soon"] == pytest.approx(2 / 4)
        assert found["wait_p50"] == pytest.approx(2.0)
        assert found["person_years_served"] == pytest.approx((6 + 6 + 0.5) / 12)
        waited = months(case, replication._replace(pathways=BY_HAND)).waited[:, 0]
        assert {k: x for k, x in enumerate(waited.tolist()) if x} == {1: 0.5, 3: 2.0, 23: 3.5}

    def test_capacity_by_hand(self, case: Case) -> None:
        """In 6 of 24 months the list is longer than the free slots; in 4 all slots are in use."""
        enrolled, slots, waiting = np.full(24, 50.0), np.full(24, 60.0), np.full(24, 10.0)
        waiting[:6] = 10.5
        enrolled[20:], waiting[20:] = 60.0, 0.0
        nil = np.zeros(24)
        columns = (waiting, enrolled, nil, slots / 30, slots, nil, nil, nil, nil)
        m = Months(*(column[:, None] for column in columns))
        found = {key.metric: value for key, value in of_stocks(case, m, 0, "team")}
        assert found["months_binding"] == pytest.approx(6 / 24)
        assert found["months_full"] == pytest.approx(4 / 24)
        assert found["occupancy"] == pytest.approx((20 * 50 + 4 * 60) / (24 * 60))
        assert found["mean_staff"] == pytest.approx(2.0)


# --- a few people


class TestTimelines:
    def test_stretches_are_those_of_the_pathway(self, case: Case, replication: Replication) -> None:
        p, told = replication.pathways, timelines(case, replication, SEED)
        assert len(told) == 12
        for one in told:
            row = np.flatnonzero((p.person == one.person) & (p.reached == one.listed))
            assert row.size == 1
            start, end = p.started[row[0]], p.ended[row[0]]
            assert one.outcome == OUTCOMES[p.outcome[row[0]]]
            mine = {s.what: s for s in one.stretches[::-1] if s.intervention and s.start >= 0.0}
            if np.isnan(start):
                assert SERVICE not in mine or mine[SERVICE].start > one.wait
            else:
                assert mine[WAIT].start == 0.0
                assert one.wait == pytest.approx(start - one.listed)
                services = [s for s in one.stretches if s.what == SERVICE]
                last = min(24.0 if np.isnan(end) else end, one.listed + AFTER) - one.listed
                assert any(
                    s.start == pytest.approx(one.wait) and s.end == pytest.approx(last)
                    for s in services
                )
            for s in one.stretches:
                assert -BEFORE <= s.start <= s.end <= AFTER

    def test_need_covers_the_time_there_once(self, case: Case, replication: Replication) -> None:
        s = replication.spans
        for one in timelines(case, replication, SEED):
            low, high = max(one.listed - BEFORE, 0.0), min(one.listed + AFTER, 24.0)
            mine = (s.person == one.person) & (s.strategy >= 0)
            there = np.clip(s.end[mine], low, high) - np.clip(s.start[mine], low, high)
            needs = [x for x in one.stretches if not x.intervention]
            assert sum(x.end - x.start for x in needs) == pytest.approx(there.sum())
            assert PROTECTED not in {x.what for x in needs}

    def test_marks_are_the_claims(self, case: Case, replication: Replication) -> None:
        claims = replication.claims["strategy"]
        some = 0
        for one in timelines(case, replication, SEED):
            month = claims.incurred[claims.person == one.person]
            marked = [int(np.floor(one.listed + m.month)) for m in one.marks]
            inside = [
                k for k in sorted(month) if one.listed - BEFORE + 1 <= k <= one.listed + AFTER
            ]
            assert [k for k in marked if k >= one.listed - BEFORE + 1] == inside
            some += len(marked)
        assert some > 10

    def test_nobody_is_chosen_for_their_luck(self, case: Case, replication: Replication) -> None:
        """Over seeds, people are drawn alike from all who were listed a year before the end."""
        p = replication.pathways
        pool = np.flatnonzero(~np.isnan(p.reached) & (p.reached <= case.months - 12))
        drawn = [one.wait for seed in range(60) for one in timelines(case, replication, seed)]
        every = time_on_list(p, 24.0)[pool]
        assert np.mean(drawn) == pytest.approx(
            every.mean(), abs=4 * every.std() / len(drawn) ** 0.5
        )


# --- over replications


def kept(*values: float) -> list[Kept]:
    empty: Any = np.zeros((1, 1, 1), dtype=np.int64)
    nil = Months(*(np.zeros((1, 1)) for _ in Months._fields))
    return [Kept(k, {SOME: v}, nil, empty, [], [], None, []) for k, v in enumerate(values)]


class TestSpread:
    def test_few_say_their_range_and_many_ninety_per_cent(self) -> None:
        (few,) = metrics(kept(*range(19)))
        assert (few["low"], few["high"], few["interval"]) == (0, 18, "range")
        (many,) = metrics(kept(*range(101)))
        assert (many["low"], many["high"], many["interval"]) == (5, 95, "90 %")

    def test_holm_by_hand(self) -> None:
        """0.05 / 4, / 3, / 2, / 1: the third stops it, and all after it."""
        assert holm([0.03, 0.01, 0.015, 0.04]) == [False, True, True, False]
        assert holm([0.02, 0.02, 0.02]) == [False] * 3
        assert holm([]) == []

    def test_against_scipy(self) -> None:
        values = (4.0, 6.0, 11.0, 5.0)
        (row,) = metrics(kept(*values))
        assert row["mean"] == pytest.approx(6.5)
        assert row["se"] == pytest.approx(stats.sem(values))
        assert (row["low"], row["high"], row["median"]) == (4.0, 11.0, 5.5)
        assert row["replications"] == 4

    @pytest.mark.parametrize("exact", [3.0, 5.0, 9.0, 12.0, 14.0])
    def test_beyond_chance_is_a_t_test(self, exact: float) -> None:
        values = (8.0, 10.0, 9.5, 7.0, 11.5) * 2
        (row,) = beside(kept(*values), {SOME: exact})
        p = stats.ttest_1samp(values, exact).pvalue
        assert row["p"] == pytest.approx(p)
        assert row["beyond_chance"] == (p < 0.05)
        assert row["share"] == pytest.approx(9.2 / exact - 1)

    def test_one_replication_knows_no_chance(self) -> None:
        (row,) = beside(kept(8.0), {SOME: 0.0})
        assert (row["se"], row["share"], row["beyond_chance"]) == (None, None, None)
        assert metrics(kept(8.0))[0]["se"] is None
        assert plain(np.nan) is None

    def test_a_number_that_some_lack(self) -> None:
        some = kept(4.0, 6.0)
        some[0].numbers.clear()
        assert metrics(some)[0]["replications"] == 1


def test_workers_fit_into_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(episode_runs.os, "cpu_count", lambda: 8)
    monkeypatch.setattr(episode_runs, "events", lambda *_: 14e6)
    sizes = {"SC_PHYS_PAGES": 16 * 2**18, "SC_PAGE_SIZE": 2**12}  # 16 GiB
    monkeypatch.setattr(episode_runs.os, "sysconf", sizes.__getitem__)
    nothing: Any = None
    assert episode_runs.workers_for(nothing, nothing, 50) == 4
    assert episode_runs.workers_for(nothing, nothing, 1) == 1
    monkeypatch.setattr(episode_runs, "events", lambda *_: 1e5)
    assert episode_runs.workers_for(nothing, nothing, 500) == 8
    assert episode_runs.workers_for(nothing, nothing, 5) == 1  # starting workers takes longer


# --- in words


def told_by(
    tmp_path: Path, numbers: dict[str, tuple[float, float, float]], **more: Any
) -> Episodes:
    """Episodes of one intervention with these numbers: mean, 5 and 95 %."""
    summary = {
        "scenario": "small", "title": "Small", "start": "2025-01", "end": "2026-12", "months": 24,
        "replications": 20, "asked": 20, "seed": 1, "numbers": "central", "draw": None,
        "tables": "first", "pick": "random", "names": {"team": "Team"}, "interventions": ["team"],
        "dynamics": [], "contracts": [], "variation": [], "selection": [], "people": [],
        "metrics": [
            {"metric": metric, "subject": "all" if "spending" in metric else "team", "mean": mean,
             "se": 1.0, "low": low, "high": high, "interval": "90 %", "median": mean,
             "replications": 20}
            for metric, (mean, low, high) in numbers.items()
        ],
    }  # fmt: skip
    (tmp_path / "episodes.json").write_text(json.dumps(summary | more))
    return Episodes(tmp_path)


WAITED = {"wait_p50": (0.5, 0.4, 0.6), "wait_p90": (2.4, 2.0, 2.9), "share_gave_up": (0.28, 0, 1)}


class TestWords:
    def test_how_long_people_wait(self, tmp_path: Path) -> None:
        assert story.answer(told_by(tmp_path, WAITED))[0] == (
            "Team: half of those who are enrolled wait 0.5 months or less, 90 % 2.4 months or "
            "less. Of 100 people on the list 28 give up."
        )

    def test_nobody_is_enrolled(self, tmp_path: Path) -> None:
        found = story.answer(told_by(tmp_path, {"months_binding": (0, 0, 0)}))
        assert found == ["Nobody was enrolled in any intervention."]

    @pytest.mark.parametrize(
        ("binding", "says"),
        [
            (0.0, "Capacity never binds"),
            (0.3, "Capacity binds: 30 of 100 months end with more people"),
        ],
    )
    def test_capacity(self, tmp_path: Path, binding: float, says: str) -> None:
        numbers = {"months_binding": (binding, 0, 1), "occupancy": (0.75, 0.7, 0.8)}
        assert any(said.startswith(says) for said in story.answer(told_by(tmp_path, numbers)))

    def test_the_dynamics_beside(self, tmp_path: Path) -> None:
        row = {"metric": "enrollments", "subject": "team", "unit": "persons", "dynamics": 100.0,
               "episodes": 90.0, "se": 1.0, "share": -0.1, "beyond_chance": True}  # fmt: skip
        (said,) = story._finite(told_by(tmp_path, {}, dynamics=[row]))
        assert said == (
            "One person at a time, 10 % fewer are enrolled in Team than the dynamics expect "
            "(90 against 100)."
        )
        (said,) = story._finite(told_by(tmp_path, {}, dynamics=[row | {"beyond_chance": False}]))
        assert said == "No difference in enrolment from the dynamics is beyond chance."
        few = {"replications": 9, "dynamics": [row | {"beyond_chance": None}]}
        (said,) = story._finite(told_by(tmp_path, {}, **few))
        assert "too few to tell a difference" in said

    def test_luck_is_named_and_a_rise_is_a_minus(self, tmp_path: Path) -> None:
        numbers = {"avoided_rescue_spending": (-2e5, -3e5, 1e5)}
        (said,) = story._luck(told_by(tmp_path, numbers))
        assert "-$200,000 in the mean" in said
        assert "-$300,000 to $100,000 in 90 % of replications, by chance alone" in said

    def test_few_replications_give_a_range(self, tmp_path: Path) -> None:
        assert story.interval_name(told_by(tmp_path, {}, replications=4, asked=4)) == (
            "range of 4 replications"
        )

    def test_notes_say_what_is_held_fixed(self, tmp_path: Path) -> None:
        notes = dict(story.notes(told_by(tmp_path, {}, replications=7)))
        assert "held at their central values" in notes["Chance"]
        assert "7 of 20" in notes["Interrupted"]

    def test_the_command_repeats_the_run(self) -> None:
        asked = {"replications": 20, "seed": 1, "draw": 3, "tables": "all", "worlds": "both",
                 "select": ("visit >= 2 in 6 months",)}  # fmt: skip
        found = command(Path("my town.yaml"), ("a.b=1",), "2026-12", "", asked)
        assert shlex.split(found) == [
            "headwater", "episodes", "my town.yaml", "--replications", "20", "--seed", "1",
            "--set", "a.b=1", "--until", "2026-12", "--draw", "3", "--tables", "all",
            "--worlds", "both", "--select", "visit >= 2 in 6 months", "--estimate-variation",
        ]  # fmt: skip

    def test_few_replications_have_two_digits(self, tmp_path: Path) -> None:
        few, many = (told_by(tmp_path, {}, replications=n) for n in (2, 2))
        assert story.rough(few, 96_312.0, short=True) == "$96k"
        assert story.rough(few, -1_234_000.0) == "-$1.2 million"
        assert story.rough(few, 100_400.0) == "$100,000"
        many.replications = 10
        assert story.rough(many, 96_312.0, short=True) == "$96.3k"

    @pytest.mark.parametrize(("replications", "years"), [(9, 3), (10, 1)])
    def test_a_contract_is_told_from_enough_years_on(
        self, tmp_path: Path, replications: int, years: int
    ) -> None:
        rate, chance = {"value": 0.01, "low": -0.02, "high": 0.04}, {"value": 0.5, "low": 0.31,
                                                                     "high": 0.69}  # fmt: skip
        row = {"contract": "team", "replications": replications, "true_rate": rate,
               "measured_rate": rate, "sd": rate, "p_paid": chance,
               "p_paid_without_effect": chance}  # fmt: skip
        rows = [row | {"year": y, "begins": f"{2023 + y}-07"} for y in range(1, years + 1)]
        e = told_by(tmp_path, {}, replications=replications, contracts=[*rows, row | {"year": 0}])
        said = findings.contract(e, e.contracts[-1])
        assert "too few replications to say" in said
        assert "50" not in said
        assert findings.contract_year(rows[0]) == "2024-07 to 2025-06"
        e = told_by(tmp_path, {}, contracts=[*rows, row | {"year": 0, "replications": 20}])
        said = findings.contract(e, e.contracts[-1])
        assert "in 50 (31 to 69) of 100 years" in said
        assert "1.00 % (-2.00 % to 4.00 %)" in said

    def test_a_rule_that_serves_few_has_no_dollars(self) -> None:
        row = {"rule": "visit >= 2 in 6 months", "selected": 345.0, "served": 4.0,
               "served_in_all": 8, "placebo": False, "months_after": 6.0,
               "reported": [{"design": d, "measure": "usd", "mean": x}
                            for d, x in (("before and after", 900.0), ("truth", 0.0))]}  # fmt: skip
        said = findings.selection(row)
        assert "345" in said
        assert "too few" in said
        assert "$" not in said
        said = findings.selection(row | {"served_in_all": 30})
        assert "$900" in said
        assert "$0" not in said

    @pytest.mark.parametrize(
        ("months", "words"),
        [(0.001, "less than a day"), (0.04, "1 day"), (0.5, "15 days"), (1.9, "58 days"),
         (11.04, "11 months")],
    )  # fmt: skip
    def test_lengths_of_time(self, months: float, words: str) -> None:
        assert story.lasting(months) == words


def test_the_reach_that_is_told_is_the_one_used() -> None:
    assert inspect.signature(evaluate).parameters["reach"].default == REACH


# --- charts


class TestCharts:
    def test_bars_upon_each_other_hold_everybody(self) -> None:
        found = [
            figures.Waits("started", 0.0, 5.0),
            figures.Waits("started", 0.25, 3.0),
            figures.Waits("gave_up", 0.25, 2.0),
            figures.Waits("waiting", 0.75, 1.0),
        ]
        rows = figures._stacked(found, 0.5)
        assert sum(row["top"] - row["base"] for row in rows) == pytest.approx(11.0)
        assert [(row["what"], row["base"], row["top"]) for row in rows if row["low"] == 0.0] == [
            ("was enrolled", 0.0, 8.0),
            ("gave up", 8.0, 10.0),
        ]

    def test_nearly_all_waits_are_drawn(self) -> None:
        found = [figures.Waits("started", k * 0.25, 1.0) for k in range(1000)]
        assert figures._shown_until(found) == pytest.approx(0.995 * 250, abs=0.5)

    def test_every_contract_year_is_in_the_histogram(self) -> None:
        values = np.array([-0.02, 0.0, 0.01, 0.01, 0.03])
        rows = figures._bins(values, np.histogram_bin_edges(values, bins=8))
        assert sum(row["count"] for row in rows) == values.size

    def test_few_replications_show_their_range(self) -> None:
        assert figures.ends(np.arange(19.0)) == (0.0, 18.0)
        assert figures.ends(np.arange(101.0)) == (5.0, 95.0)
