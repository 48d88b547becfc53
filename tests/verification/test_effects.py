"""The direct path (contact) and the path through need together give the published effect.

Rule: the published ratio is the use of the enrolled cohort over the trial's follow-up, relative
to the same people in usual care. The direct ratio is what is left for contact once the moves
between need levels have had their share; it acts on the preventable part alone.
"""

from typing import Any

import numpy as np
import pytest
from scipy.linalg import expm

from model import simulation
from model.community import use_left
from model.ensemble import blank_activity, without_interventions
from model.parameters import Inputs, inputs
from tests.conftest import central, scenario

FOLLOW_UP, DURATION, COMPLETION, PERSISTENCE = 12.0, 5.0, 0.6, 4.0
SHARES = np.array([0.75, 0.20, 0.05])
RECOVERY, RELIEF = 0.1, 0.2
ONSET, ESCALATION = RECOVERY * 0.20 / 0.75, RELIEF * 0.05 / 0.20  # these keep the shares steady
# service: mean use a month; use relative to a stable person's; preventable; published ratio
SERVICES = {
    "visit": (0.05, np.array([1.0, 3.0, 10.0]), 0.6, 0.80),
    "stay": (0.01, np.array([1.0, 2.0, 30.0]), 0.9, 0.70),
    "check_up": (0.20, np.array([1.0, 1.5, 2.0]), 0.5, 1.15),
}
CONTACT_ONLY = (1.0, 1.0, 1.0, 1.0)
BOTH_PATHS = (0.8, 0.7, 1.3, 1.5)  # on onset, escalation, recovery, relief
HARMS_BY_NEED = (1.2, 1.4, 0.8, 0.9)


def trial(need_ratios: tuple[float, ...], steps: int, **changes: Any) -> Inputs:
    """The equations' inputs for a programme with three services and dropping out."""
    onset, escalation, recovery, relief = need_ratios
    team = "interventions.team"
    values: dict[str, Any] = {
        "clock.steps_per_month": steps,
        "segments.adults.use": {name: mean for name, (mean, *_) in SERVICES.items()},
        "services": {
            name: {
                "name": name,
                "counted_in": "units",
                "cost": 1,
                "relative_use": {"at_risk": float(relative[1]), "in_crisis": float(relative[2])},
                "preventable": preventable,
            }
            for name, (_, relative, preventable, _) in SERVICES.items()
        },
        f"{team}.effects": {name: {"ratio": ratio} for name, (*_, ratio) in SERVICES.items()},
        f"{team}.duration": DURATION,
        f"{team}.completion": COMPLETION,
        f"{team}.persistence": PERSISTENCE,
        f"{team}.follow_up": FOLLOW_UP,
        f"{team}.need_effects": {
            "onset": onset,
            "escalation": escalation,
            "recovery": recovery,
            "relief": relief,
        },
    }
    return inputs(central(scenario(values | changes)), slice(0, 1))


def moves(ratios: tuple[float, ...]) -> np.ndarray:
    """Generator of moves between need levels: d/dt [stable, at risk, in crisis] = M x."""
    onset, escalation, recovery, relief = np.array([ONSET, ESCALATION, RECOVERY, RELIEF]) * ratios
    return np.array(
        [
            [-onset, recovery, 0.0],
            [onset, -recovery - escalation, relief],
            [0.0, escalation, -relief],
        ]
    )


def person_months(need_ratios: tuple[float, ...]) -> np.ndarray:
    """[usual, no longer served, enrolled, protected] x need, by the matrix exponential.

    Twelve states; their integral over follow-up is the corner of a block exponential
    (Van Loan 1978).
    """
    usual, exposed, one = moves(CONTACT_ONLY), moves(need_ratios), np.eye(3)
    end, fade, nothing = one / DURATION, one / PERSISTENCE, np.zeros((3, 3))
    generator = np.block(
        [
            [usual, nothing, nothing, nothing],
            [nothing, usual, (1 - COMPLETION) * end, fade],
            [nothing, nothing, exposed - end, nothing],
            [nothing, nothing, COMPLETION * end, exposed - fade],
        ]
    )
    enrolled = np.array([0.0, 0.20, 0.05]) / 0.25
    start = np.concatenate([enrolled, np.zeros(3), enrolled, np.zeros(3)])
    block = np.block([[generator, np.eye(12)], [np.zeros((12, 24))]])
    return (expm(block * FOLLOW_UP)[:12, 12:] @ start).reshape(4, 3)


@pytest.mark.parametrize("need_ratios", [CONTACT_ONLY, BOTH_PATHS, HARMS_BY_NEED])
def test_both_paths_give_the_published_effect(need_ratios: tuple[float, ...]) -> None:
    """Effect: direct and need path together are the published total, by matrix exponential."""
    built = trial(need_ratios, steps=64)
    activity = blank_activity(built, parties=3)
    simulation.simulate(*built, 64, activity)
    usual, unexposed, enrolled, protected = person_months(need_ratios)
    assert usual.sum() == pytest.approx(FOLLOW_UP)
    assert (unexposed + enrolled + protected).sum() == pytest.approx(FOLLOW_UP)
    for r, (mean, relative, preventable, published) in enumerate(SERVICES.values()):
        rate = mean * relative / (SHARES @ relative)
        contact = 1.0 - preventable + preventable * activity.ratio[0, 0, 0, r]
        total = unexposed @ rate + contact * ((enrolled + protected) @ rate)
        assert total / (usual @ rate) == pytest.approx(published, rel=2e-3)


@pytest.mark.parametrize("need_ratios", [CONTACT_ONLY, BOTH_PATHS, HARMS_BY_NEED])
def test_a_whole_cohort_in_the_engine_has_the_published_effect(
    need_ratios: tuple[float, ...],
) -> None:
    """Effect: everybody eligible enrolled on day one, then the months of the engine itself."""
    built = trial(need_ratios, steps=4)
    strategy = cohort_use(built)
    usual = cohort_use(without_interventions(built))
    published = [ratio for *_, ratio in SERVICES.values()]
    np.testing.assert_allclose(strategy / usual, published, rtol=1e-9)


def cohort_use(built: Inputs) -> np.ndarray:
    """Units of each service over follow-up of 200 at risk and 50 in crisis, all enrolled."""
    plan, steps, months = built.plan, 4, int(FOLLOW_UP)
    c = simulation.community_of(built.communities, 0)
    c.people[0] = 0.0, 200.0, 50.0
    u = simulation.use_of(built.uses, 0)
    v = simulation.programmes_of(built.programmes, 0)._replace(referral=np.zeros(1))
    activity = blank_activity(built, parties=3)
    ratio = activity.ratio[0]
    simulation.solve_direct_effects(c, u, v, plan, 1 / steps, ratio)
    nobody = np.zeros((1, 1, 3))
    enrolled = c.people[None] * plan.served[0, 0]
    s = simulation.State(c.people.copy(), nobody, enrolled, nobody.copy(), np.zeros(1))
    m, need = simulation.new_month(1, 1), np.empty((1, 4))
    for month in range(months):
        simulation.clear(m)
        for _ in range(steps):
            simulation.step(c, v, plan, s, m, need, 1 / steps, month)
        simulation.book_use(u, plan, m, ratio, month, activity, 0)
    return activity.use[0, :months].sum(axis=0)


def test_contact_cannot_prevent_more_than_the_preventable_part() -> None:
    """Effect below the floor: the direct ratio stops at 0, the cohort's use above the published."""
    built = trial(CONTACT_ONLY, 4, **{"interventions.team.effects": {"visit": {"ratio": 0.1}}})
    relative = cohort_use(built) / cohort_use(without_interventions(built))
    _, unexposed, enrolled, protected = person_months(CONTACT_ONLY)
    mean, weights, preventable, _ = SERVICES["visit"]
    rate = mean * weights / (SHARES @ weights)
    exposed = (enrolled + protected) @ rate
    floor = (unexposed @ rate + (1 - preventable) * exposed) / (unexposed @ rate + exposed)
    assert relative[0] == pytest.approx(floor, rel=0.01)
    assert relative[0] > 0.1


def test_a_service_of_which_nothing_is_published_changes_by_need_alone() -> None:
    """Effect: without a published ratio the direct path is inert and the need path works."""
    effects = {"interventions.team.effects": {"visit": {"ratio": 0.8}}}
    contact, both = trial(CONTACT_ONLY, 4, **effects), trial(BOTH_PATHS, 4, **effects)
    usual = cohort_use(without_interventions(contact))
    assert cohort_use(contact)[1:] == pytest.approx(usual[1:], rel=1e-12)
    _, *programme = person_months(BOTH_PATHS)
    rates = [mean * weights / (SHARES @ weights) for mean, weights, *_ in SERVICES.values()]
    by_need = 250.0 * np.array([sum(programme) @ rate for rate in rates])
    np.testing.assert_allclose(cohort_use(both)[1:], by_need[1:], rtol=0.01)
    assert (cohort_use(both)[1:] < 0.99 * usual[1:]).all()


def test_ratios_of_two_interventions_multiply() -> None:
    """Effect: use = base x ((1 - f) + f x product of the ratios), here for all who use it."""
    built = trial(CONTACT_ONLY, 4)
    plan = built.plan._replace(served=np.ones((2, 1), dtype=np.bool_))
    ratio, reached = np.array([[[0.5]], [[0.8]]]), np.ones((2, 3))
    assert simulation.mean_use_ratio(plan, ratio, reached, 0, 1, 0) == pytest.approx(0.4)
    half = simulation.mean_use_ratio(plan, ratio, reached / 2, 0, 1, 0)
    assert half == pytest.approx(0.75 * 0.9)
    assert use_left(0.5, 0.4) == pytest.approx(0.7)
    assert use_left(0.5, 0.0) == pytest.approx(0.5)
