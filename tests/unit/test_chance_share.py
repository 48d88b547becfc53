"""Chance and parameters apart, and what the draws taken leave open."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from model import runfolder
from model.chance_share import repeated, share
from model.convergence import chance_of, convergence_of, order_interval, precision, wilson
from model.draws import central, sample
from model.ensemble import Key, Result, run
from model.loading import SHIPPED, load
from model.variants import outputs
from model.wanted import plan


def test_parts_of_a_known_variance() -> None:
    """sd 3 between draws, 4 within: 16 of 25 is chance, within three standard errors."""
    rng = np.random.default_rng(1)
    values = 3.0 * rng.normal(size=(4000, 1)) + 4.0 * rng.normal(size=(4000, 5))
    found = share(values.ravel(), 5)
    assert found is not None
    assert found.within == pytest.approx(16.0, rel=0.05)
    assert found.between == pytest.approx(9.0, rel=0.1)
    assert abs(found.chance - 0.64) < 3.0 * found.se
    assert 0.0 < found.se < 0.02


def test_the_standard_error_is_that_of_repeated_samples() -> None:
    rng = np.random.default_rng(2)
    found = []
    for _ in range(200):
        values = rng.normal(size=(60, 1)) + rng.normal(size=(60, 4))
        one = share(values.ravel(), 4)
        assert one is not None
        found.append((one.chance, one.se))
    shares, errors = np.array(found).T
    assert errors.mean() == pytest.approx(shares.std(), rel=0.2)
    assert shares.mean() == pytest.approx(0.5, abs=0.02)


def test_all_or_none_is_chance() -> None:
    rng = np.random.default_rng(3)
    alike = share(np.repeat(rng.normal(size=50), 4), 4)
    assert alike is not None
    assert alike.chance == pytest.approx(0.0, abs=1e-12)
    luck = share(rng.integers(0, 2, 50 * 40).astype(float), 40)
    assert luck is not None
    assert luck.chance > 0.95
    assert share(np.ones(40), 4) is None
    assert share(rng.normal(size=40), 1) is None


def test_each_draw_is_repeated_with_luck_anew() -> None:
    drawn = sample(load(SHIPPED / "jackson_mix.yaml"), 6, 1)
    many = repeated(drawn, 3)
    assert many.size == 18
    for name, values in drawn.values.items():
        expected = np.repeat(values, 3) if values.ndim else values
        np.testing.assert_array_equal(many.values[name], expected)
    for name, events in many.luck.items():
        assert events.shape[0] == 18
        assert events.size == 0 or not np.array_equal(events[0], events[1]), name


def test_a_run_with_luck_says_what_is_chance() -> None:
    """The contract's payment is nearly all luck; spending avoided has none."""
    result = run(load(SHIPPED / "jackson_mix.yaml"), 30, 1, luck=4)
    assert result.luck == 4
    paid = share(result.values("contract_payment:medicaid_plan_savings"), 4)
    avoided = share(result.values("avoided_rescue_spending:medicaid_plans"), 4)
    assert paid is not None
    assert avoided is not None
    assert paid.chance > 0.8
    assert avoided.chance < 0.3


def test_wilsons_interval() -> None:
    """Brown, Cai & DasGupta (2001): 0 of 10 is 0 to 0.278, 5 of 10 is 0.237 to 0.763."""
    assert wilson(0.0, 10) == pytest.approx((0.0, 0.2775), abs=2e-3)
    assert wilson(0.5, 10) == pytest.approx((0.2366, 0.7634), abs=2e-3)


def test_the_interval_of_a_percentile_covers_it() -> None:
    """Order statistics of a uniform sample hold its median in about 95 % of samples."""
    rng = np.random.default_rng(4)
    held = 0
    for _ in range(400):
        low, high = order_interval(rng.random(200), 0.5, 200)
        assert low is not None
        assert high is not None
        held += low <= 0.5 <= high
    assert 0.92 <= held / 400 <= 0.985


# --- known answers of whole runs


def test_without_awards_and_claims_nothing_is_chance() -> None:
    """The starter leaves nothing to luck: replicates are alike to the last bit."""
    result = run(load(SHIPPED / "starter.yaml"), 12, 1, luck=3)
    told = chance_of(result)
    assert told is not None
    assert told["shares"]
    assert all(row["chance"] == pytest.approx(0.0, abs=1e-12) for row in told["shares"])
    values = result.values("net_saving:all").reshape(12, 3)
    assert (values == values[:, :1]).all()


def test_without_uncertain_inputs_all_is_chance() -> None:
    """Every number at its centre: awards alone make the difference."""
    loaded = load(SHIPPED / "jackson_hard_wiring.yaml")
    fixed = replace(sample(loaded, 40, 1), values=central(loaded).values)
    asked = plan(loaded, ["closing_gap:backbone"])
    found = share(outputs([repeated(fixed, 10)], asked)[0, 0], 10)
    assert found is not None
    assert found.within > 0.0
    assert 1.0 - found.chance <= 3.0 * found.se
    assert found.chance > 0.9


def test_chunks_change_nothing() -> None:
    """Also where a chunk ends within the replicates of a draw."""
    loaded = load(SHIPPED / "jackson_mix.yaml")
    whole, parts = (run(loaded, 7, 1, luck=3, chunk=chunk) for chunk in (256, 4))
    assert runfolder.summary_of(whole) == runfolder.summary_of(parts)
    for key, values in whole.metrics.items():
        assert values.tobytes() == parts.metrics[key].tobytes(), key.name


def test_errors_of_replicates_are_those_of_the_draws() -> None:
    """Replicates that agree tell no more than one: the error is that of as many draws."""
    rng = np.random.default_rng(5)
    values = rng.normal(size=100)
    known = precision(np.repeat(values, 4), 4)
    assert known.mcse == pytest.approx(values.std(ddof=1) / 10.0)
    assert known.draws == pytest.approx(100.0)
    apart = precision(rng.normal(size=40_000), 4)
    assert apart.draws == pytest.approx(40_000, rel=0.05)


def test_about_how_many_draws_it_takes() -> None:
    """sd 1 about 0: the 90 % interval is 3.29 wide, so 1 % of it takes (1 / 0.0329)^2 = 924."""
    loaded = load(SHIPPED / "starter.yaml")
    key = Key("net_saving", "all", "difference", "USD")
    values = stats.norm.ppf((np.arange(400) + 0.5) / 400)
    told = convergence_of(Result(sample(loaded, 400, 1), {key: values}, {}, {}))
    (row,) = told["headlines"]
    assert not told["stable"]
    assert row["mcse"] == pytest.approx(0.05, rel=0.01)
    assert row["draws_needed"] == pytest.approx(924, rel=0.05)


def test_dollars_that_never_flow_are_no_chance() -> None:
    """0 USD in every draw is an amount, not a probability of 0."""
    loaded = load(SHIPPED / "starter.yaml")
    key = Key("contract_payment", "plan", "strategy", "USD")
    told = convergence_of(Result(sample(loaded, 100, 1), {key: np.zeros(100)}, {}, {}))
    assert told["headlines"][0]["kind"] == "mean"


def test_never_and_always_have_one_sided_intervals() -> None:
    assert wilson(0.0, 60)[0] == 0.0
    assert wilson(1.0, 60)[1] == 1.0
    assert wilson(1.0, 60)[0] == pytest.approx(60 / (60 + 1.959964**2))
