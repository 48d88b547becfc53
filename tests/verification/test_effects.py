"""The direct path (contact) and the path through need together give the published effect.

Rule: the published ratio is the use of the enrolled cohort over the trial's follow-up, relative
to the same people in usual care. The direct ratio is what is left for contact once the moves
between need levels have had their share; it acts on the preventable part alone.
"""

from typing import Any, NamedTuple

import numpy as np
import pytest
from scipy.linalg import expm

from model.draws import Columns
from model.ensemble import simulate, without_interventions
from model.parameters import Inputs, inputs
from tests.conftest import SMALL, central, project, scenario

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


class Trial(NamedTuple):
    """A small scenario like a trial: its numbers, and what the equations read."""

    get: Columns
    built: Inputs


def idle(a_trial: Trial) -> Trial:
    """The same with nobody served."""
    return a_trial._replace(built=without_interventions(a_trial.built))


def trial(need_ratios: tuple[float, ...], steps: int, **changes: Any) -> Trial:
    """The equations' inputs for a programme with three services and dropping out."""
    onset, escalation, recovery, relief = need_ratios
    team = "interventions.team"
    values: dict[str, Any] = {
        "clock.steps_per_month": steps,
        "clock.end": "2026-01",
        f"{team}.eligible.need": ["stable", "at_risk", "in_crisis"],
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
    one = central(scenario(values | changes))
    return Trial(Columns(one, slice(0, 1)), inputs(one, slice(0, 1)))


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
    start = np.concatenate([SHARES, np.zeros(3), SHARES, np.zeros(3)])
    block = np.block([[generator, np.eye(12)], [np.zeros((12, 24))]])
    return (expm(block * FOLLOW_UP)[:12, 12:] @ start).reshape(4, 3)


@pytest.mark.parametrize("need_ratios", [CONTACT_ONLY, BOTH_PATHS, HARMS_BY_NEED])
def test_both_paths_give_the_published_effect(need_ratios: tuple[float, ...]) -> None:
    """Effect: direct and need path together are the published total, by matrix exponential."""
    activity = simulate(*trial(need_ratios, steps=64)).activity
    usual, unexposed, enrolled, protected = person_months(need_ratios)
    assert usual.sum() == pytest.approx(FOLLOW_UP)
    assert (unexposed + enrolled + protected).sum() == pytest.approx(FOLLOW_UP)
    for r, (mean, relative, preventable, published) in enumerate(SERVICES.values()):
        rate = mean * relative / (SHARES @ relative)
        carried = activity.ratio[0, 0, 0, r]
        contact = carried if carried > 1.0 else 1.0 - preventable + preventable * carried
        total = unexposed @ rate + contact * ((enrolled + protected) @ rate)
        assert total / (usual @ rate) == pytest.approx(published, rel=2e-3)


def everybody_enrolled(built: Inputs) -> Inputs:
    """The whole segment is on the list after one step, enrolled after two, and then intake ends.

    With two steps a month the cohort of the trial starts with the second month. Its mix of need
    is steady, so the first month does not change it.
    """
    v, step = built.programmes, 0.5
    at_once = v._replace(
        referral=np.full_like(v.referral, 1 / step),
        acceptance=np.ones_like(v.acceptance),
        time_to_enroll=np.full_like(v.time_to_enroll, step),
        patience=np.full_like(v.patience, 1e12),
        posts=np.full_like(v.posts, 1e12),
        time_to_hire=np.full_like(v.time_to_hire, step),
        turnover=np.zeros_like(v.turnover),
    )
    first_month_only = np.zeros_like(built.plan.running)
    first_month_only[0] = True
    return built._replace(programmes=at_once, plan=built.plan._replace(running=first_month_only))


def cohort_use(a_trial: Trial) -> np.ndarray:
    """Units of each service over the twelve months of follow-up of the whole segment."""
    return simulate(a_trial.get, everybody_enrolled(a_trial.built)).activity.use[0, 1:].sum(axis=0)


@pytest.mark.parametrize("need_ratios", [CONTACT_ONLY, BOTH_PATHS, HARMS_BY_NEED])
def test_a_whole_cohort_in_the_engine_has_the_published_effect(
    need_ratios: tuple[float, ...],
) -> None:
    """Effect: everybody enrolled on one day, then twelve months of the engine itself."""
    everybody = trial(need_ratios, steps=2)
    activity = simulate(everybody.get, everybody_enrolled(everybody.built)).activity
    assert activity.enrolled[0, 0, 0] == pytest.approx(1000.0)
    published = [ratio for *_, ratio in SERVICES.values()]
    usual = cohort_use(idle(everybody))
    np.testing.assert_allclose(cohort_use(everybody) / usual, published, rtol=1e-9)


def test_contact_cannot_prevent_more_than_the_preventable_part() -> None:
    """Effect below the floor: the direct ratio stops at 0, the cohort's use above the published."""
    strong = trial(CONTACT_ONLY, 2, **{"interventions.team.effects": {"visit": {"ratio": 0.1}}})
    relative = cohort_use(strong) / cohort_use(idle(strong))
    _, unexposed, enrolled, protected = person_months(CONTACT_ONLY)
    mean, weights, preventable, _ = SERVICES["visit"]
    rate = mean * weights / (SHARES @ weights)
    exposed = (enrolled + protected) @ rate
    floor = (unexposed @ rate + (1 - preventable) * exposed) / (unexposed @ rate + exposed)
    assert relative[0] == pytest.approx(floor, rel=0.02)
    assert relative[0] > 0.1


def test_a_service_of_which_nothing_is_published_changes_by_need_alone() -> None:
    """Effect: without a published ratio the direct path is inert and the need path works."""
    effects = {"interventions.team.effects": {"visit": {"ratio": 0.8}}}
    contact, both = trial(CONTACT_ONLY, 2, **effects), trial(BOTH_PATHS, 2, **effects)
    usual = cohort_use(idle(contact))
    assert cohort_use(contact)[1:] == pytest.approx(usual[1:], rel=1e-12)
    _, *programme = person_months(BOTH_PATHS)
    rates = [mean * weights / (SHARES @ weights) for mean, weights, *_ in SERVICES.values()]
    by_need = 1000.0 * np.array([sum(programme) @ rate for rate in rates])
    np.testing.assert_allclose(cohort_use(both)[1:], by_need[1:], rtol=0.02)
    assert (cohort_use(both)[1:] < 0.99 * usual[1:]).all()


def test_ratios_of_two_interventions_multiply() -> None:
    """Effect: use = base x ((1 - f) + f x product of the ratios), here for all who use it.

    Of use, 60 % is preventable; published 0.8 and 0.7 are 2/3 and 1/2 of that part.
    """
    assert left_with_two({"ratio": 0.8}, {"ratio": 0.7}) == pytest.approx(0.4 + 0.6 * 2 / 3 * 1 / 2)


def test_harms_multiply_on_all_use() -> None:
    """Harm: what raises use is not held by the preventable part, nor magnified by its smallness."""
    assert left_with_two({"ratio": 1.25}, {"ratio": 1.25}) == pytest.approx(1.25 * 1.25)
    mixed = left_with_two({"ratio": 0.8}, {"ratio": 1.25})
    assert mixed == pytest.approx(0.8 * 1.25)
    nothing = {"services.visit.preventable": 0.0}
    assert left_with_two({"ratio": 0.8}, {"ratio": 1.25}, **nothing) == pytest.approx(1.25)


def left_with_two(first: dict[str, Any], second: dict[str, Any], **more: Any) -> float:
    """Share of visits left while everybody is served by two interventions for ever."""
    team = SMALL["interventions"]["team"]
    for_all = {"segments": ["adults"], "need": ["stable", "at_risk", "in_crisis"]}
    other = team | {"eligible": for_all, "effects": {"visit": second}}
    effects = {"interventions.team.effects": {"visit": first}}
    two = trial(CONTACT_ONLY, 2, **{"interventions.other": other}, **effects, **more)
    built = two.built
    for_ever = np.full_like(built.programmes.duration, 1e12)
    built = built._replace(programmes=built.programmes._replace(duration=for_ever))
    two = two._replace(built=built)
    return float((cohort_use(two) / cohort_use(idle(two)))[0])


def test_people_who_come_later_have_the_effect_too() -> None:
    """Effect: a segment, or a need level, that is empty at the start is no reason for no effect."""
    empty = {"at_risk": 0.0, "in_crisis": 0.0, "onset": 0.05, "escalation": 0.05}
    both = project({"segments.adults.need": empty | {"recovery": 0.1, "relief": 0.1}})
    assert both.strategy.enrolled[0, -1, 0] > 1.0
    assert both.strategy.use[0, -1, 0] < 0.999 * both.usual.use[0, -1, 0]

    served = {"interventions.team.eligible.segments": ["adults", "others"]}
    adults = SMALL["segments"]["adults"]
    move = {"from": "adults", "to": "others", "rate": 0.2}
    both = project(served | {"segments.others": adults | {"population": 0}, "movements": [move]})
    in_adults, in_others = both.strategy.ratio[0, 0, :, 0]
    assert in_others == pytest.approx(in_adults)
