"""Engine: the compiler, threads, chunks and other draws change nothing; each draw is its own."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from model import ensemble, simulation
from model.draws import Columns, sample
from model.ensemble import run, simulate
from model.loading import SHIPPED, Loaded, load
from model.parameters import inputs
from model.stocks import Activity
from tests.conftest import central, scenario

ROOT = Path(__file__).resolve().parents[2]
DRAWS = 40
UNCERTAIN = {
    "segments.adults.need.recovery": {"pert": {"low": 0.05, "mode": 0.1, "high": 0.2}},
    "interventions.team.acceptance": {"beta": {"mean": 0.5, "sd": 0.1}},
    "interventions.team.need_effects.relief": {"uniform": {"low": 1.0, "high": 2.0}},
    "services.visit.cost": {"lognormal": {"mean": 500, "sd": 100}},
    "services.visit.use_trend": {"normal": {"mean": 0.0, "sd": 0.02}},
}


def starter() -> Loaded:
    return load(SHIPPED / "starter.yaml")


def activity_of(loaded: Loaded, rows: slice) -> Activity:
    draws = sample(loaded, DRAWS, seed=7)
    return simulate(Columns(draws, rows), inputs(draws, rows)).activity


def assert_same_bytes(one: Activity, other: Activity) -> None:
    for name, a, b in zip(Activity._fields, one, other, strict=True):
        assert a.tobytes() == b.tobytes(), name


@pytest.mark.parametrize("loaded", [starter(), scenario(UNCERTAIN)], ids=["starter", "small"])
@pytest.mark.parametrize("draw", [0, 17, DRAWS - 1])
def test_a_draw_alone_is_the_draw_in_a_crowd(loaded: Loaded, draw: int) -> None:
    """A draw alone = in a crowd, bit for bit."""
    crowd = activity_of(loaded, slice(0, DRAWS))
    alone = activity_of(loaded, slice(draw, draw + 1))
    assert_same_bytes(Activity(*(rows[draw : draw + 1] for rows in crowd)), alone)


def test_threads_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """1 thread = n threads, bit for bit."""
    monkeypatch.setattr(ensemble, "WORKERS", 1)
    one = activity_of(starter(), slice(0, DRAWS))
    monkeypatch.setattr(ensemble, "WORKERS", 5)
    many = activity_of(starter(), slice(0, DRAWS))
    assert_same_bytes(one, many)


@pytest.mark.parametrize("chunk", [1, 7, 39, 1000])
def test_chunks_change_nothing(chunk: int) -> None:
    """Same bytes for any chunk size: metrics and the quantiles of monthly series."""
    whole, parts = run(starter(), DRAWS, 3), run(starter(), DRAWS, 3, chunk=chunk)
    assert list(whole.metrics) == list(parts.metrics)
    for key, values in whole.metrics.items():
        assert values.tobytes() == parts.metrics[key].tobytes(), key
    assert list(whole.series) == list(parts.series)
    for key, quantiles in whole.series.items():
        for name, values in quantiles.items():
            assert values.tobytes() == parts.series[key][name].tobytes(), (key, name)


def test_chunks_change_nothing_where_some_draws_pay_nothing() -> None:
    """Same bytes for any chunk size, also where an amount is zero in a part of the draws."""
    free = {"discrete": {"values": [0.0, 100.0], "probabilities": [0.5, 0.5]}}
    loaded = scenario({"services.visit.price": {"plan": free}})
    whole, parts = run(loaded, 20, 1, chunk=20), run(loaded, 20, 1, chunk=1)
    assert whole.series.keys() == parts.series.keys()
    for key, quantiles in whole.series.items():
        for name, values in quantiles.items():
            np.testing.assert_array_equal(values, parts.series[key][name], f"{key} {name}")
    assert whole.metrics.keys() == parts.metrics.keys()


INTERPRETED = """
import sys
import numpy as np
sys.path[:0] = {paths!r}
from test_engine import short_run
np.savez({out!r}, **short_run()._asdict())
"""


def short_run() -> Activity:
    """Three draws of eight months of the small scenario: little enough for plain Python."""
    return activity_of(scenario(UNCERTAIN | {"clock.end": "2025-08"}), slice(0, 3))


def test_compiled_is_interpreted(tmp_path: Path) -> None:
    """Compiled = interpreted, to 1e-12: the compiler may fuse a product and a sum into one
    rounding, so the last bit is not promised."""
    out = str(tmp_path / "plain.npz")
    program = INTERPRETED.format(paths=[str(ROOT), str(Path(__file__).parent)], out=out)
    without_compiler = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    subprocess.run([sys.executable, "-c", program], env=without_compiler, check=True, timeout=120)
    plain, compiled = np.load(out), short_run()
    for name, values in compiled._asdict().items():
        np.testing.assert_allclose(values, plain[name], rtol=1e-12, atol=1e-12, err_msg=name)
    assert compiled.use.any()
    assert compiled.protected.any()


def test_one_compilation_serves_scenarios_of_all_sizes() -> None:
    """Types do not depend on a scenario's sizes: no second compilation."""
    for loaded in (starter(), scenario(), scenario({"interventions": {}})):
        one = central(loaded)
        activity = simulate(Columns(one, slice(0, 1)), inputs(one, slice(0, 1))).activity
        assert activity.use.all()
    assert len(simulation.simulate.signatures) == 1
