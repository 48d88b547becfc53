"""Closed forms: the dynamics against formulas that can be derived on paper.

Stocks are recorded at the ends of months 1, 2, ...; the finest clock is used, and the tolerance
is the error of Euler's method at that step (test_numerics.py shows that it falls with the step).
"""

import numpy as np
import pytest

from tests.conftest import project

FINE = {"clock.steps_per_month": 64}
MONTHS = np.arange(1, 25)
EULER = 0.005  # relative, at 64 steps a month

TEAM = "interventions.team"
QUEUE_NEVER_EMPTY = {
    "segments.adults.population": 1e6,
    f"{TEAM}.referral": 1.0,
    f"{TEAM}.acceptance": 1.0,
    f"{TEAM}.staff.turnover": 0.0,
}
NO_MOVES = {
    "segments.adults.need": {
        "at_risk": 0.2,
        "in_crisis": 0.0,
        "onset": 0.0,
        "recovery": 0.0,
        "escalation": 0.0,
        "relief": 0.0,
    }
}


def test_two_level_chain() -> None:
    """Closed form: stable <-> at risk with rates a and b relaxes to a / (a + b) at a + b."""
    a, b, people = 0.05, 0.15, 1000.0
    usual = project(
        FINE
        | {
            "segments.adults.need": {
                "at_risk": 0.6,
                "in_crisis": 0.0,
                "onset": a,
                "recovery": b,
                "escalation": 0.0,
                "relief": 0.5,
            }
        }
    ).usual
    settled = people * a / (a + b)
    at_risk = settled + (600.0 - settled) * np.exp(-(a + b) * MONTHS)
    np.testing.assert_allclose(usual.people[0, :, 0, 1], at_risk, rtol=EULER)
    np.testing.assert_allclose(usual.people[0, :, 0, 0], people - at_risk, rtol=EULER)
    assert not usual.people[0, :, 0, 2].any()


def test_two_level_chain_step_by_step() -> None:
    """Closed form of Euler's method itself: (1 - (a + b) dt)^n, to rounding."""
    a, b, dt = 0.05, 0.15, 0.25
    need = {"at_risk": 0.6, "in_crisis": 0.0, "onset": a, "recovery": b, "relief": 0.5}
    usual = project({"segments.adults.need": need | {"escalation": 0.0}}).usual
    at_risk = 250.0 + 350.0 * (1.0 - (a + b) * dt) ** (4 * MONTHS)
    np.testing.assert_allclose(usual.people[0, :, 0, 1], at_risk, rtol=1e-12)


def test_deaths_and_entrants() -> None:
    """Closed form: births at a constant rate, deaths at rate d: N = b/d + (N0 - b/d) exp(-d t)."""
    d, births = 0.01, 4.0
    usual = project(
        FINE
        | {
            "segments.adults.deaths": {"stable": d, "at_risk": d, "in_crisis": d},
            "segments.adults.entrants": births,
        }
    ).usual
    settled = births / d
    people = settled + (1000.0 - settled) * np.exp(-d * MONTHS)
    np.testing.assert_allclose(usual.people[0, :, 0].sum(axis=1), people, rtol=EULER)


def test_staff_fill_their_posts() -> None:
    """Closed form: staff = posts / (1 + turnover x time to hire), reached at 1/hire + turnover."""
    team = project(FINE).strategy
    settled, speed = 2.0 / (1.0 + 0.02 * 2.0), 1.0 / 2.0 + 0.02
    np.testing.assert_allclose(
        team.staff[0, :, 0], settled * (1.0 - np.exp(-speed * MONTHS)), rtol=EULER
    )


def test_capacity_limited_enrolment() -> None:
    """Closed form: free slots fill at 1 / time_to_enroll while staff are still being hired.

    e' = (slots (1 - exp(-t/h)) - e) / T - e / D: two exponentials; in the end the share
    D / (D + T) of the slots is taken, because a freed slot stands empty for T on average.
    """
    slots, hire, to_enroll, duration = 60.0, 2.0, 1.5, 6.0
    team = project(FINE | QUEUE_NEVER_EMPTY | {f"{TEAM}.time_to_enroll": to_enroll}).strategy
    out = 1.0 / to_enroll + 1.0 / duration
    filled = (1.0 - np.exp(-out * MONTHS)) / out
    lag = (np.exp(-MONTHS / hire) - np.exp(-out * MONTHS)) / (out - 1.0 / hire)
    enrolled = slots / to_enroll * (filled - lag)
    np.testing.assert_allclose(team.enrolled[0, :, 0], enrolled, rtol=EULER)
    assert team.enrolled[0, -1, 0] == pytest.approx(
        slots * duration / (duration + to_enroll), rel=EULER
    )


def test_waiting_list_without_slots() -> None:
    """Closed form: nobody is served, so w' = r (N - w) - w / patience."""
    team = project(FINE | NO_MOVES | {f"{TEAM}.staff.posts": 0.0}).strategy
    joins, gives_up = 0.1 * 0.5, 1.0 / 3.0
    settled = 200.0 * joins / (joins + gives_up)
    waiting = settled * (1.0 - np.exp(-(joins + gives_up) * MONTHS))
    np.testing.assert_allclose(team.waiting[0, :, 0], waiting, rtol=EULER)
    assert not team.started.any()


def test_exponential_fade_out() -> None:
    """Closed form: after the last month of intake the enrolled leave at 1 / duration, and the
    protected, fed by those who complete, fade at 1 / persistence (Bateman); the avoided use of
    a month is in proportion to the person-months of both."""
    duration, persistence, completion = 6.0, 12.0, 0.7
    both = project(FINE | NO_MOVES | {f"{TEAM}.end": "2025-12", "clock.end": "2027-12"})
    team, last = both.strategy, 11
    months = np.arange(0, 25)
    leave, fade = 1.0 / duration, 1.0 / persistence
    enrolled, protected = team.enrolled[0, last:, 0], team.protected[0, last:, 0]
    left, faded = np.exp(-leave * months), np.exp(-fade * months)
    completed = enrolled[0] * completion * leave / (fade - leave) * (left - faded)
    np.testing.assert_allclose(enrolled, enrolled[0] * left, rtol=2 * EULER)
    np.testing.assert_allclose(protected, protected[0] * faded + completed, rtol=2 * EULER)
    reached = enrolled + protected
    avoided = (both.usual.use - both.strategy.use)[0, last + 1 :, 0]
    per_month = avoided / ((reached[1:] + reached[:-1]) / 2.0)
    np.testing.assert_allclose(per_month, per_month[0], rtol=EULER)
    assert per_month[0] > 0.0


def test_an_intervention_that_ends_discharges_nobody() -> None:
    """Lost staff stop intake, never discharge: the enrolled end by duration alone."""
    team = project(FINE | {f"{TEAM}.end": "2025-12"}).strategy
    assert not team.staff[0, 12:].any()
    assert not team.started[0, 12:].any()
    assert team.enrolled[0, 12, 0] == pytest.approx(
        team.enrolled[0, 11, 0] * np.exp(-1.0 / 6.0), rel=EULER
    )
