"""Value of information against closed forms and nested Monte Carlo.

Two options, the first worth 0, the other normal with mean m and standard deviation s: knowing it is
worth s (phi(m/s) - |m|/s (1 - Phi(|m|/s))), the unit normal loss (Raiffa and Schlaifer 1961).
"""

import numpy as np
import pytest
from scipy.stats import norm

from model.voi.asks import Ask
from model.voi.hidden import spread
from model.voi.information import Worth, evpi, evppi, evsi
from model.voi.nested import nested
from model.voi.picked import picked, with_deviations
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


def test_lucks_of_a_draw_are_no_draws_of_their_own() -> None:
    """The same draws told five times over, and with a luck that adds next to nothing."""
    once = benefit(-0.5, parts())[:200]
    copies = np.stack([once + 1e-6 * k for k in range(5)])
    alone, told = evpi(once), evpi(copies)
    assert told.value == pytest.approx(alone.value, rel=1e-6)
    assert told.error == pytest.approx(alone.error, rel=1e-6)
    luck = np.random.default_rng(8).standard_normal((5, 200, 2))
    assert evpi(copies + luck).error > 0.6 * alone.error


def test_the_error_with_luck_is_the_spread_over_studies() -> None:
    """100 draws with 5 lucks each, 200 times over: what one study says of its error is so."""
    rng = np.random.default_rng(21)
    found = []
    for _ in range(200):
        known, luck = rng.standard_normal((1, 100, 1)), rng.standard_normal((5, 100, 1))
        gain = 2.0 * known + 0.5 * luck - 3.0
        found.append(evpi(np.concatenate([np.zeros_like(gain), gain], axis=2)))
    spread = float(np.std([one.value for one in found]))
    said = float(np.mean([one.error for one in found]))
    assert said == pytest.approx(spread, rel=0.15)


def test_a_tie_makes_the_plain_number_too_low_and_a_part_of_that_is_added() -> None:
    """Two options that are equal on average: EVPI is phi(0); the plain one is short of it."""
    rng, plain, added = np.random.default_rng(22), [], []
    for _ in range(300):
        found = evpi(np.column_stack([np.zeros(100), rng.standard_normal(100)]))
        plain.append(found.value + found.bias)
        added.append(found.value)
    known = float(norm.pdf(0.0))
    # E[max(0, mean)] = phi(0) / sqrt(n): a tenth of it at 100 draws.
    assert np.mean(plain) == pytest.approx(0.9 * known, abs=0.015)
    assert 0.25 < (np.mean(added) - np.mean(plain)) / (0.1 * known) < 0.6


def test_the_best_of_several_worthless_requests_is_seldom_taken_for_shown() -> None:
    """A near tie, eight requests that tell nothing: one limit of its own is passed too often."""
    alone = together = 0
    for seed in range(30):
        z = np.random.default_rng(seed).standard_normal((150, 9))
        b = np.column_stack([np.zeros(150), z[:, 8]])
        found = [with_deviations(b, [z[:, k]], 1, str(k)) for k in range(8)]
        alone += max((w for w, _ in found), key=lambda w: w.value).low > 0.0
        limits = picked(found)
        assert limits is not None
        together += limits.low > 0.0
        assert limits.high >= max(w.value for w, _ in found)
    assert together <= 4  # of 30 at 5 %: more has a chance of 2 %
    assert alone > together


def test_a_request_that_matters_is_still_shown() -> None:
    z = parts()[:, :4]
    found = [with_deviations(benefit(-0.5, z), [z[:, k]], 1, str(k)) for k in range(4)]
    limits = picked(found)
    assert limits is not None
    assert 0.3 < limits.low < loss(-0.5, 2.0) < limits.high


def test_what_the_draws_cannot_tell_from_nothing_is_not_ruled_out() -> None:
    """An effect of a fifth of a standard error of one draw, seldom seen: its worth is in reach."""
    held = dropped = 0
    for seed in range(20):
        z = np.random.default_rng(seed).standard_normal((200, 4))
        b = np.column_stack([np.zeros(200), 0.1 * z[:, 0] + z[:, 3]])
        worth = evppi(b, [z[:, 0]])
        held += worth.high >= loss(0.0, 0.1)
        dropped += worth.value + 1.645 * worth.error < loss(0.0, 0.1)
    assert dropped >= 5  # what the regression alone would rule out
    assert held >= 16  # of 20 at 95 %: fewer has a chance of 0.3 %


def test_the_limit_of_a_spread_is_that_of_a_correlation() -> None:
    """One number, no effect in sight: the upper 95 % limit is 1.645 to 1.96 standard errors."""
    x = np.tile([1.0, -1.0], 500)
    y = np.repeat([1.0, -1.0], 500)
    limit = spread(np.column_stack([np.ones(1000), x]), y, 0.05)
    assert limit == 0.0  # a statistic of exactly 0 is rarer than 5 %
    y = y + x / np.sqrt(1000.0)
    limit = spread(np.column_stack([np.ones(1000), x]), y, 0.05)
    assert 2.6 < limit * np.sqrt(1000.0) < 2.7  # seen 1 standard error: 1 + 1.645, two-sided


def ask(name: str, *members: str) -> Ask:
    return Ask(name, "fact", members, "use", "payer", "plan")


def test_a_part_is_worth_no_more_than_its_whole() -> None:
    part, whole = Worth(116.0, 5.0, 0.0, 0.9, ""), Worth(115.0, 5.0, 0.0, 0.9, "")
    rows = nested([(ask("whole", "a", "b"), whole), (ask("part", "a"), part)])
    assert [w.value for _, w in rows] == [115.0, 115.0]
    assert rows[1][1].high <= rows[0][1].high


def test_a_whole_whose_regression_missed_its_part_is_lifted() -> None:
    part, whole = Worth(116.0, 5.0, 0.0, 0.9, ""), Worth(20.0, 5.0, 0.0, 0.9, "")
    rows = nested([(ask("whole", "a", "b"), whole), (ask("part", "a"), part)])
    assert [w.value for _, w in rows] == [116.0, 116.0]


def test_no_limit_exceeds_that_of_everything() -> None:
    z = parts()[:100]
    b = np.column_stack([np.zeros(100), -0.5 + z[:, :3] @ SHARES])
    assert evppi(b, [z[:, k] for k in range(3)]).high <= evpi(b).high
