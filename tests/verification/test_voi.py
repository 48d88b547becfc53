"""Value of information against closed forms and nested Monte Carlo.

Two options, the first worth 0, the other normal with mean m and standard deviation s: knowing it is
worth s (phi(m/s) - |m|/s (1 - Phi(|m|/s))), the unit normal loss (Raiffa and Schlaifer 1961).
"""

import numpy as np
import pytest
from scipy.stats import norm

from model.voi.information import Worth, evpi, evppi, evsi
from model.voi.pilots import Pilot

DRAWS = 2000
SHARES = np.array([2.0, 1.0, 0.5])  # standard deviations of three independent parts


def loss(mean: float, sd: float) -> float:
    z = abs(mean) / sd
    return float(sd * (norm.pdf(z) - z * norm.sf(z)))


def parts(seed: int = 5) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((DRAWS, 4))


def benefit(mean: float, z: np.ndarray) -> np.ndarray:
    return np.column_stack([np.zeros(DRAWS), mean + z[:, :3] @ SHARES])


def near(found: Worth, known: float) -> bool:
    return abs(found.value - known) < 3.0 * found.error + 0.01


@pytest.mark.parametrize("mean", [-2.0, -0.5, 1.0])
class TestTwoArms:
    def test_everything(self, mean: float) -> None:
        found = evpi(benefit(mean, parts()))
        assert near(found, loss(mean, float(np.hypot.reduce(SHARES))))
        assert found.error < 0.05

    def test_one_part(self, mean: float) -> None:
        z = parts()
        for k, sd in enumerate(SHARES[:2]):
            assert near(evppi(benefit(mean, z), [z[:, k]]), loss(mean, float(sd)))

    def test_two_parts(self, mean: float) -> None:
        z = parts()
        found = evppi(benefit(mean, z), [z[:, 0], z[:, 1]])
        assert near(found, loss(mean, float(np.hypot(2.0, 1.0))))

    def test_a_study(self, mean: float) -> None:
        """A study with error sd e shows 2 z as well as a part of sd 2 x 2 / sqrt(4 + e^2)."""
        z = parts()
        for e in (0.5, 4.0):
            found = evsi(benefit(mean, z), 2.0 * z[:, 0], np.full(DRAWS, e))
            assert near(found, loss(mean, 4.0 / np.sqrt(4.0 + e * e)))

    def test_the_interval_holds_the_truth_as_often_as_it_says(self, mean: float) -> None:
        held = 0
        for seed in range(20):
            z = parts(seed)[:500]
            worth = evppi(np.column_stack([np.zeros(500), mean + z[:, :3] @ SHARES]), [z[:, 0]])
            held += worth.low <= loss(mean, 2.0) <= worth.high
        assert held >= 14  # of 20 at 90 %: fewer has a chance of 0.2 %


def test_what_does_not_matter_is_worth_nothing() -> None:
    z = parts()
    found = evppi(benefit(-0.5, z), [z[:, 3]])
    assert found.value <= 2.0 * found.error + 1e-9
    assert found.value < 0.01


def test_sets_are_worth_no_less_than_their_parts() -> None:
    z = parts()
    b = benefit(-0.5, z)
    one, two = evppi(b, [z[:, 0]]), evppi(b, [z[:, 0], z[:, 1]])
    three, whole = evppi(b, [z[:, k] for k in range(3)]), evpi(b)
    assert one.value < two.value < three.value + 1e-6 <= whole.value + 2e-6
    assert three.value == pytest.approx(whole.value, rel=0.01)


def test_no_information_is_worth_more_than_all() -> None:
    z = parts()
    b = benefit(-3.0, z)
    for k in range(4):
        assert evppi(b, [z[:, k]]).value <= evpi(b).value


def test_an_answer_that_never_changes_makes_information_worthless() -> None:
    z = parts()
    b = np.column_stack([np.zeros(DRAWS), -np.exp(z[:, 0])])
    assert evpi(b).value == 0.0
    assert evppi(b, [z[:, 0]]).value == 0.0


def test_larger_studies_are_worth_more_and_never_more_than_the_truth() -> None:
    z = parts()
    b, ratio = benefit(-0.5, z), np.exp(0.2 * z[:, 0] - 0.1)
    worth = []
    for people in (20, 200, 2_000_000):
        sd = Pilot("x", people, 12.0, 0.1, 2.0).sd(ratio)
        worth.append(evsi(b, np.log(ratio), sd).value)
    assert worth == sorted(worth)
    most = evppi(b, [np.log(ratio)])
    assert worth[-1] == pytest.approx(most.value, abs=2.0 * most.error)


def curved(x: np.ndarray, y: np.ndarray, e: np.ndarray) -> np.ndarray:
    """Three options; one bends in x, one is a product of x and y."""
    return np.stack([np.zeros_like(x), 1.5 * x**2 - 1.2 + 0.5 * e, x * y + 0.3 * y], axis=-1)


@pytest.mark.parametrize("known", ["x", "xy"])
def test_nested_monte_carlo_agrees(known: str) -> None:
    """Outer draws of what is known, inner draws of the rest, by brute force."""
    rng = np.random.default_rng(11)
    outer, inner = 4000, 500
    x, y = rng.standard_normal((2, outer, 1))
    others = rng.standard_normal((2, outer, inner))
    shape = (outer, inner)
    y_inner = np.broadcast_to(y, shape) if known == "xy" else others[0]
    given = curved(np.broadcast_to(x, shape), y_inner, others[1]).mean(axis=1)
    nested = float(given.max(axis=1).mean() - given.mean(axis=0).max())
    a, b, c = np.random.default_rng(12).standard_normal((3, DRAWS))
    found = evppi(curved(a, b, c), [a] if known == "x" else [a, b])
    outer_error = float(given.max(axis=1).std()) / np.sqrt(outer)
    assert abs(found.value - nested) < 3.0 * float(np.hypot(found.error, outer_error))


def test_trial_error_is_that_of_simulated_trials() -> None:
    """Standard deviation of the log ratio over 4,000 trials with gamma-Poisson counts."""
    rng, trial = np.random.default_rng(3), Pilot("x", 1000, 12.0, 0.2, 1.5)
    ratio, usual = 0.7, 0.2 * 12.0

    def events(mean: float) -> np.ndarray:
        own = rng.gamma(1.0 / 1.5, 1.5, (4000, 500))
        return rng.poisson(mean * own).sum(axis=1)

    log = np.log(events(ratio * usual) / events(usual))
    assert log.std() == pytest.approx(float(trial.sd(np.array([ratio]))[0]), rel=0.05)
