"""The dynamics against other engines: the same equations, written again as XMILE, run in both.

The starter scenario is given a second intervention, effects on need, an end, people who leave,
and too few posts, so that a list binds; every series recorded must agree to 1e-6 of its largest.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import peers
from benchmarks.engines import PySD, Simlin
from benchmarks.one_segment import months_queue_binds
from model.draws import sample
from model.loading import load

REASON = "the other engines are in the bench extra: pip install -e '.[bench]'"

TWO_TEAMS = """
extends: starter.yaml
name: two_teams
segments:
  medicaid_adults: {leaving: 0.01}
  employed_adults: {leaving: 0.005}
interventions:
  health_workers:
    end: 2028-06
    staff: {posts: 6, caseload: 20}
    need_effects: {escalation: 0.8, recovery: 1.3, relief: 1.2}
  housing:
    name: Housing
    operator: health_department
    funded_by: county
    start: 2026-03
    eligible: {segments: [medicaid_adults], need: [in_crisis]}
    referral: 0.2
    acceptance: 0.8
    time_to_enroll: 1.5
    patience: 12
    staff: {posts: 3, caseload: 6, time_to_hire: 2, turnover: 0.03}
    duration: 24
    completion: 0.8
    persistence: 12
    follow_up: 12
    effects:
      ed_visit: {ratio: 0.7, assumption: true, reason: a test}
      jail_day: {ratio: 0.6, assumption: true, reason: a test}
    need_effects: {onset: 0.9, escalation: 0.7, relief: 1.5}
    costs: {per_post: 5000}
"""


@pytest.fixture(scope="module")
def case(tmp_path_factory: pytest.TempPathFactory) -> peers.Case:
    path = tmp_path_factory.mktemp("scenario") / "two_teams.yaml"
    path.write_text(TWO_TEAMS, encoding="utf-8")
    return peers.Case(load(path))


@pytest.fixture(scope="module")
def written(case: peers.Case, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("xmile") / "two_teams.xmile"
    path.write_text(case.xmile(), encoding="utf-8")
    return path


def test_the_comparison_covers_what_can_go_wrong(case: peers.Case) -> None:
    activity = case.run(case.central)
    assert months_queue_binds(case.central, activity).max() >= 12
    assert case.central.plan.changes_need.sum() == 2
    assert not case.central.plan.running[-1, 0]
    assert case.central.plan.running[-1, 1]
    assert activity.staff[0, -1, 0] == 0.0
    assert activity.enrolled[0, -1].min() > 0.0
    for series in (activity.left, activity.died, activity.entered, activity.protected):
        assert series[0, -1].min() > 0.0


@pytest.mark.filterwarnings("ignore")  # theirs, not ours
def test_pysd_finds_the_same(case: peers.Case, written: Path) -> None:
    pytest.importorskip("pysd", reason=REASON)
    agrees(case, PySD(written, *case.recorded))


def test_simlin_finds_the_same(case: peers.Case, written: Path) -> None:
    pytest.importorskip("simlin", reason=REASON)
    agrees(case, Simlin(written, *case.recorded))


def agrees(case: peers.Case, engine: PySD | Simlin) -> None:
    """At the central parameters, and at two draws set as constants of the same loaded model."""
    drawn = case.inputs(sample(case.loaded, 2, seed=1), slice(0, 2))
    for built, draw in ((case.central, 0), (drawn, 0), (drawn, 1)):
        stocks = engine.run(case.constants(built, draw))
        found = case.differences(built, case.run(built), stocks, draw)
        assert {name: d for name, d in found.items() if not d < peers.LARGEST_DIFFERENCE} == {}


def test_a_difference_is_seen(case: peers.Case, written: Path) -> None:
    pytest.importorskip("simlin", reason=REASON)
    engine = Simlin(written, *case.recorded)
    changed = case.constants(case.central, 0) | {"patience_housing": 11.999}
    found = case.differences(case.central, case.run(case.central), engine.run(changed))
    assert found["waiting"] > peers.LARGEST_DIFFERENCE
    assert np.isfinite(list(found.values())).all()
