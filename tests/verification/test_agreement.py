"""Where the two lenses differ for a reason: overlapping interventions, and real size."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

import numpy as np
import pytest

from model.agreement import MEASURES, Difference, finite_size
from model.episodes import Case, Replication, prepare, run
from model.episodes.care import rates
from model.episodes.case import ABSENT
from model.problems import BadInput
from tests.conftest import SMALL, project, scenario

SEED = 5
SCALE, REPLICATIONS = 16, 12


# --- interventions for the same people


def overlapping(number: int) -> dict[str, Any]:
    """Teams alike for the same segment and needs, each with a place for 6 % of the people."""
    team = copy.deepcopy(SMALL["interventions"]["team"])
    team["staff"] = {"posts": SCALE, "caseload": 60, "time_to_hire": 1, "turnover": 0.02}
    team["referral"] = 0.3
    return {
        "segments.adults.population": 1000 * SCALE,
        "segments.adults.deaths": {"stable": 0.0005, "at_risk": 0.001, "in_crisis": 0.005},
        "interventions": {f"team_{k}": copy.deepcopy(team) for k in range(number)},
    }


def avoided(case: Case, found: Replication) -> float:
    """Use avoided that the paths of a replication make expected; there is no trend here."""
    spans, rate = found.spans, rates(case, found.spans.exposed)
    cells = rate.usual.shape[1]
    usual, strategy = (
        np.where(cell == ABSENT, cells - 1, cell) for cell in (spans.usual, spans.strategy)
    )
    strategy = strategy + cells * np.searchsorted(rate.masks, spans.exposed)
    difference = rate.usual[0][usual] - rate.strategy[0][strategy]
    return float((difference * (spans.end - spans.start)).sum())


def kept(case: Case, found: Replication) -> tuple[float, float]:
    return avoided(case, found), float(found.activity.enrolled.mean(axis=0).sum())


def of_dynamics(changes: dict[str, Any]) -> np.ndarray:
    """Use avoided and mean enrolled; the error of the step is taken out by two steps."""
    found = []
    for steps in (32, 64):
        w = project(changes | {"clock.steps_per_month": steps})
        less = w.usual.use[0].sum() - w.strategy.use[0].sum()
        found.append([less, w.strategy.enrolled[0].mean(axis=0).sum()])
    return np.asarray(2.0 * np.array(found[1]) - np.array(found[0]))


@pytest.mark.parametrize("number", [1, 3])
def test_independent_states_overstate_what_overlapping_interventions_avoid(number: int) -> None:
    """One alone agrees; of three for the same people the dynamics avoid a few per cent too much.

    Those who are long in need are in one service and in another together more often than
    independence says, and there the ratios multiply. Enrolment is not touched by it.
    """
    changes = overlapping(number)
    case = prepare(scenario(changes))
    found = np.array(list(run(case, REPLICATIONS, SEED, partial(kept, case), claims=())))
    share = found / of_dynamics(changes) - 1.0
    mean, error = share.mean(axis=0), share.std(axis=0, ddof=1) / np.sqrt(REPLICATIONS)
    assert abs(mean[1]) < 3.0 * error[1] + 0.005
    if number == 1:
        assert abs(mean[0]) < 3.0 * error[0]
    else:
        assert mean[0] < -3.0 * error[0]
        assert -0.06 < mean[0] < -0.02


# --- real size


def lasting(turnover: float) -> dict[str, Any]:
    """Two posts whose clients hardly ever leave, and a list that is never empty."""
    return {
        "clock.end": "2044-12",
        "interventions.team.duration": 600,
        "interventions.team.staff": {
            "posts": 2,
            "caseload": 30,
            "time_to_hire": 3,
            "turnover": turnover,
        },
    }


def enrolled(table: list[Difference]) -> Difference:
    (row,) = (row for row in table if row.measure == "enrolled")
    return row


def test_a_post_that_comes_and_goes_leaves_its_clients_enrolled() -> None:
    """Lost staff discharge nobody: in the end all slots that ever were are full.

    In the dynamics a steady part of the posts, 1 / (1 + turnover x time to hire), bears all
    clients; one by one each post fills its slots before it is lost. So the episodes have up to
    turnover x time to hire more, here 30 %, less what the first years and departures take.
    """
    row = enrolled(finite_size(scenario(lasting(0.1)), 12, SEED))
    assert 0.12 < row.share < 0.30
    assert row.standard_error < 0.03 * row.dynamics


def test_with_lasting_posts_it_is_no_more_than_the_dynamics() -> None:
    """E[min] <= min E: chance alone starts fewer, by little where the list is never empty."""
    row = enrolled(finite_size(scenario(lasting(0.0)), 12, SEED))
    assert -0.03 < row.share < 2.0 * row.standard_error / row.dynamics


def test_the_table_has_each_measure_of_each_intervention() -> None:
    """In their order, each share that of its own row; the same whatever the workers."""
    changes = {"interventions.other": copy.deepcopy(SMALL["interventions"]["team"])}
    table = finite_size(scenario(changes), 3, SEED)
    assert [(row.intervention, row.measure) for row in table] == [
        (name, measure) for name in ("team", "other") for measure in MEASURES
    ]
    for row in table:
        assert row.share == pytest.approx(row.episodes / row.dynamics - 1.0)
        assert row.standard_error > 0.0
    assert table == finite_size(scenario(changes), 3, SEED, workers=2)


def test_no_intervention_has_no_table() -> None:
    with pytest.raises(BadInput, match="no intervention"):
        finite_size(scenario({"interventions": {}}), 2, SEED)
