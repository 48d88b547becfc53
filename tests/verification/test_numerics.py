"""Numerics: Euler's method converges at first order, and the shipped step is fine enough."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.linalg import expm

from model.ensemble import both_worlds
from model.loading import SHIPPED, Loaded, load
from model.outcomes import measures
from tests.conftest import central, project

TEAM = "interventions.team"


def test_first_order_of_convergence() -> None:
    """Order of convergence: against the exact chain of need levels, half the step is half the
    error."""
    rates = {"onset": 0.05, "escalation": 0.08, "recovery": 0.1, "relief": 0.2}
    generator = np.array([[-0.05, 0.1, 0.0], [0.05, -0.18, 0.2], [0.0, 0.08, -0.2]])
    exact = expm(24.0 * generator) @ [700.0, 300.0, 0.0]
    errors = []
    for steps in (2, 4, 8, 16, 32):
        need = {"at_risk": 0.3, "in_crisis": 0.0} | rates
        usual = project({"segments.adults.need": need, "clock.steps_per_month": steps}).usual
        errors.append(np.abs(usual.people[0, -1, 0] - exact).max())
    order = np.log2(np.divide(errors[:-1], errors[1:]))
    np.testing.assert_allclose(order, 1.0, atol=0.1)


def test_first_order_of_convergence_of_a_saving() -> None:
    """Order of convergence of all stocks together, by the differences between four steps."""
    avoided = []
    for steps in (8, 16, 32, 64):
        ratios = {"escalation": 0.7, "recovery": 1.3}
        both = project({"clock.steps_per_month": steps, f"{TEAM}.need_effects": ratios})
        avoided.append((both.usual.use - both.strategy.use).sum())
    order = np.log2(np.divide(np.diff(avoided)[:-1], np.diff(avoided)[1:]))
    np.testing.assert_allclose(order, 1.0, atol=0.1)


def outcomes(loaded: Loaded, steps: int) -> dict[str, float]:
    """Every measure of the horizon; what is released in whole blocks jumps and is left out."""
    clock = loaded.scenario.clock.model_copy(update={"steps_per_month": steps})
    finer = replace(loaded, scenario=loaded.scenario.model_copy(update={"clock": clock}))
    found = measures(both_worlds(central(finer), slice(0, 1)))
    return {
        f"{m.metric}:{m.subject} {m.strategy}": float(m.values[0])
        for m in found
        if m.metric != "released_fixed_cost"
    }


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.stem)
def test_half_the_step_moves_no_outcome(path: Path) -> None:
    """Step-halving: every metric of every shipped scenario moves by less than 0.5 %."""
    loaded = load(path)
    steps = loaded.scenario.clock.steps_per_month
    coarse, fine = outcomes(loaded, steps), outcomes(loaded, 2 * steps)
    told = {name: value for name, value in coarse.items() if abs(value) > 1e-6}
    moved = {name: abs(fine[name] / value - 1.0) for name, value in told.items()}
    assert {name: share for name, share in moved.items() if share >= 0.005} == {}
    assert len(moved) > 20
