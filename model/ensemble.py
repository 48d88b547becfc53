"""Ensemble: both worlds on the same draws, in chunks that bound memory.

Every draw writes its own row and sums are taken in a fixed order, so that chunk size and number
of threads change no byte of the result.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from . import simulation
from .distributions import Floats
from .draws import Columns, Draws, sample
from .loading import Loaded
from .outcomes import Measure, Worlds, measures, series
from .parameters import Inputs, inputs
from .sampling import Method
from .scenario import Scenario
from .stocks import AXES, Activity

CHUNK = 256
# Monthly series keep their quantiles over this many draws at most: they are the page's pictures.
SERIES_DRAWS = 2_000
DRAW_PERCENTILES = {"p05": 0.05, "p25": 0.25, "p50": 0.50, "p75": 0.75, "p95": 0.95}

Progress = Callable[[int], None]


def silent(done: int) -> None:
    """No progress shown, however many draws are done."""
    del done


class NotFinite(ArithmeticError):
    """A draw whose simulation is not a number: named, with its parameters."""


class Key(NamedTuple):
    """What a measure is: a column of the result."""

    metric: str
    subject: str
    strategy: str
    unit: str

    @property
    def name(self) -> str:
        return f"{self.metric}:{self.subject}"


@dataclass
class Result:
    """Outcomes of an ensemble: by key, values [draw], and monthly series as quantiles."""

    draws: Draws
    metrics: dict[Key, Floats]
    series: dict[Key, dict[str, Floats]]

    def values(self, name: str, strategy: str | None = None) -> Floats:
        """Values [draw] of `metric:subject`."""
        for key, values in self.metrics.items():
            if key.name == name and strategy in (None, key.strategy):
                return values
        raise KeyError(name)


def run(
    loaded: Loaded,
    draws: int,
    seed: int,
    method: Method = "lhs",
    chunk: int = CHUNK,
    progress: Progress = silent,
) -> Result:
    """Project usual care and the strategy for every draw."""
    sampled = sample(loaded, draws, seed, method)
    metrics: dict[Key, Floats] = {}
    kept: dict[Key, list[Floats]] = {}
    worlds: Worlds | None = None
    for rows in chunks(draws, chunk):
        worlds = both_worlds(sampled, rows, worlds)
        _store(metrics, measures(worlds), rows, draws)
        _keep(kept, worlds, rows)
        progress(rows.stop)
    _check_finite(metrics, sampled)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        monthly = dict(zip(kept, threads.map(quantiles, kept.values()), strict=True))
    return Result(sampled, metrics, monthly)


def chunks(draws: int, size: int) -> Iterator[slice]:
    for start in range(0, draws, size):
        yield slice(start, min(start + size, draws))


def both_worlds(draws: Draws, rows: slice, earlier: Worlds | None = None) -> Worlds:
    """Usual care (the network as it is) and the strategy on the same draws.

    The arrays of an earlier chunk, no smaller, are written over: memory anew costs time.
    """
    built = inputs(draws, rows)
    scenario = draws.scenario
    return Worlds(
        scenario,
        Columns(draws, rows),
        simulate(without_interventions(built), scenario, earlier and earlier.usual),
        simulate(built, scenario, earlier and earlier.strategy),
    )


def without_interventions(built: Inputs) -> Inputs:
    """The same community with nobody served."""
    idle = built.plan._replace(
        served=np.zeros_like(built.plan.served),
        running=np.zeros_like(built.plan.running),
        begun=np.zeros_like(built.plan.begun),
        changes_need=np.zeros_like(built.plan.changes_need),
    )
    return built._replace(plan=idle)


def simulate(built: Inputs, scenario: Scenario, room: Activity | None = None) -> Activity:
    """Run the compiled loop; returns the activity, [draw, ...], in `room` if it is given."""
    if room is None:
        activity = blank_activity(built, len(scenario.parties))
    else:
        activity = Activity(*(array[: built.communities.people.shape[0]] for array in room))
        for array in activity:
            array.fill(0.0)
    simulation.simulate(
        built.communities,
        built.uses,
        built.programmes,
        built.plan,
        scenario.clock.steps_per_month,
        activity,
    )
    return activity


def blank_activity(built: Inputs, parties: int) -> Activity:
    draws, segments, _, services = built.uses.rate.shape
    months, interventions = built.plan.running.shape
    sizes = {
        "month": months,
        "segment": segments,
        "need": 3,
        "intervention": interventions,
        "service": services,
        "party": parties,
    }
    return Activity(*(np.zeros((draws, *(sizes[axis] for axis in axes))) for axes in AXES.values()))


def _store(metrics: dict[Key, Floats], found: Iterator[Measure], rows: slice, draws: int) -> None:
    for metric, subject, strategy, unit, values in found:
        key = Key(metric, subject, strategy, unit)
        metrics.setdefault(key, np.zeros(draws))[rows] = values


def _keep(kept: dict[Key, list[Floats]], worlds: Worlds, rows: slice) -> None:
    room = SERIES_DRAWS - rows.start
    if room > 0:
        for metric, subject, strategy, unit, values in series(worlds):
            kept.setdefault(Key(metric, subject, strategy, unit), []).append(values[:room].copy())


def quantiles(parts: list[Floats]) -> dict[str, Floats]:
    """Mean and percentiles over draws of a monthly series, each [month]."""
    values = np.concatenate(parts)
    points = np.quantile(values, list(DRAW_PERCENTILES.values()), axis=0)
    mean = np.add.accumulate(values, axis=0)[-1] / values.shape[0]
    return {"mean": mean} | dict(zip(DRAW_PERCENTILES, points, strict=True))


def _check_finite(metrics: dict[Key, Floats], draws: Draws) -> None:
    for key, values in metrics.items():
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            draw = int(bad[0])
            numbers = {n: float(v[draw]) for n, v in draws.values.items() if v.ndim}
            raise NotFinite(f"draw {draw}: {key.name} is not finite; its parameters: {numbers}")
