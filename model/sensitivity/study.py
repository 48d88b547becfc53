"""Study: one method of sensitivity analysis on a scenario's own distributions, as a table.

All runs of the model are one compiled ensemble. Each index has its interval, and each ranking says
whether it can be trusted and about how many runs it would take.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np

from model.checkpoints import wanted
from model.cluster import about
from model.distributions import Floats
from model.draws import sample
from model.ensemble import Progress, silent
from model.loading import Loaded
from model.problems import BadInput, Mark, Problem
from model.runfolder import run_hash
from model.sampling import stream
from model.variants import outputs, parts
from model.wanted import Wanted, plan
from model.workfolder import Finished, held, work_folder

from . import given, oneway, sobol
from .bootstrap import Resampled, Trust, trust
from .factors import Factor, by_meaning, factors, levers

Method = Literal["tornado", "sobol", "morris", "pawn", "delta", "regional"]
METHODS: tuple[Method, ...] = ("tornado", "sobol", "morris", "pawn", "delta", "regional")
# Draws of one-way bars, base samples of Sobol, trajectories of Morris, draws of the others.
DEFAULT_SIZE: dict[str, int] = {
    "tornado": 100, "sobol": 512, "morris": 40, "pawn": 2000, "delta": 2000, "regional": 2000,
}  # fmt: skip
INERT = 8  # shuffled columns; the largest of their indices stands for no influence


class Row(NamedTuple):
    """What one factor is worth to one outcome."""

    factor: Factor
    value: float
    low: float
    high: float
    first: tuple[float, float, float] | None = None  # Sobol's first order with its interval
    ends: tuple[float, float] | None = None  # one-way: the factor's low and high value
    outcome: tuple[float, float] | None = None  # one-way: the outcome's mean at both


class Study(NamedTuple):
    """One outcome's table, the most important factor first; no rows where nothing varies."""

    output: Wanted
    method: Method
    rows: list[Row]
    trust: Trust | None
    mean: float  # of the outcome over the draws
    sd: float
    runs: int
    samples: int  # base samples, trajectories or draws
    factors: tuple[Factor, ...] = ()  # in the order of the columns of points
    points: tuple[Floats, Floats] | None = None  # draws [draw, factor] and outcomes [draw]
    inert: float = 0.0  # what the index of a number without any influence would be


def run(
    loaded: Loaded,
    method: Method,
    names: Sequence[str],
    size: int | None = None,
    seed: int = 1,
    grouped: bool = False,
    progress: Progress = silent,
    address: str | None = None,
    kept: Finished | None = None,
) -> list[Study]:
    """One study for each outcome named; the model runs once for all of them.

    With the address of a Dask cluster its workers run the model; parts that are `kept` are not run
    again. The numbers are the same.
    """
    asked = plan(loaded, names)
    varied = varying(loaded, method, grouped)
    samples = size or DEFAULT_SIZE[method]
    told = partial(outputs, progress=progress, address=address, kept=kept)
    if method == "tornado":
        draws = sample(loaded, samples, seed)
        sets = oneway.variants(loaded, draws, varied)
        values = told(sets, asked)
        return [
            _one_way(loaded, w, varied, values[:, k], samples) for k, w in enumerate(asked.outputs)
        ]
    if method == "sobol":
        a, b = sobol.pair(loaded, samples, seed)
        values = told(sobol.design(a, b, varied), asked)
        points = given.columns(a, varied) if not grouped else None
        return [
            _sobol(w, varied, values[:, k], samples, seed, points)
            for k, w in enumerate(asked.outputs)
        ]
    if method == "morris":
        x = given.trajectories(varied, samples, seed)
        [values] = told([given.along(loaded, varied, x, seed)], asked)
        return [
            _ranked(w, method, varied, given.morris(varied, x, y, seed), y, samples, None)
            for w, y in zip(asked.outputs, values, strict=True)
        ]
    draws = sample(loaded, samples, seed)
    x = given.columns(draws, varied)
    [values] = told([draws], asked)
    of = {"pawn": given.pawn, "delta": given.delta, "regional": given.regional}[method]
    found = []
    for w, y in zip(asked.outputs, values, strict=True):
        indices = of(x, y, seed) if np.ptp(y) > 0.0 else _nothing(len(varied))
        table = _ranked(w, method, varied, indices, y, samples, (x, y))
        shuffled = stream(seed, "inert").permuted(np.repeat(y[:, None], INERT, axis=1), axis=0)
        inert = of(shuffled, y, seed).values.max() if np.ptp(y) > 0.0 else 0.0
        found.append(table._replace(inert=float(inert)))
    return found


def runs(loaded: Loaded, method: Method, size: int | None, grouped: bool = False) -> int:
    """How many runs of the model a study takes."""
    variants, draws = _shape(loaded, method, size or DEFAULT_SIZE[method], grouped)
    return variants * draws


def _shape(loaded: Loaded, method: Method, samples: int, grouped: bool) -> tuple[int, int]:
    """How many variants of how many draws a study asks the model for."""
    count = len(varying(loaded, method, grouped))
    if method == "tornado":
        return 2 * count + 1, samples
    if method == "sobol":
        return count + 2, samples
    return (1, (count + 1) * samples) if method == "morris" else (1, samples)


@contextmanager
def resumable(
    loaded: Loaded,
    method: Method,
    names: Sequence[str],
    samples: int,
    seed: int,
    grouped: bool,
    folder: Path,
    resume: bool = False,
    address: str | None = None,
) -> Iterator[Finished | None]:
    """What a large study to `folder` has finished, kept while the block lasts; None if small."""
    variants, draws = _shape(loaded, method, samples, grouped)
    if not wanted(variants * draws, address, None, resume):
        yield None
        return
    each = parts(variants, draws)
    identity = {
        "method": method,
        "outputs": list(names),
        "samples": samples,
        "groups": grouped,
        "seed": seed,
        "inputs": run_hash(loaded, samples, seed, "lhs"),
        "chunk": each[0].stop,
    }
    kept = Finished(work_folder(folder), len(each))
    with held(kept, identity | about(), resume):
        yield kept


def varying(loaded: Loaded, method: Method, grouped: bool) -> tuple[Factor, ...]:
    """What a method varies; BadInput where it cannot."""
    found = factors(loaded)
    if not found:
        raise _refused(loaded, "no uncertain number", "a scenario with at least one distribution")
    if method == "tornado":
        return tuple(f for f in found if f.role != "chance") + levers(loaded)
    if grouped and method == "sobol":
        return by_meaning(found)
    if grouped:
        raise _refused(loaded, f"--groups with {method}", "--groups with --method sobol")
    return found


def _refused(loaded: Loaded, found: str, allowed: str) -> BadInput:
    return BadInput([Problem(Mark(loaded.scenario.name, 0, 0), "", found, allowed)])


def _nothing(count: int) -> Resampled:
    return Resampled(np.zeros(count), np.zeros((2, count)))


def _one_way(
    loaded: Loaded, w: Wanted, varied: Sequence[Factor], values: Floats, samples: int
) -> Study:
    """Bars with the interval of their mean (1.645 standard errors, paired draws)."""
    rows = []
    for bar in oneway.bars(loaded, varied, values):
        change = bar.at_high - bar.at_low
        mean = float(change.mean())
        error = 1.645 * float(change.std(ddof=1)) / np.sqrt(samples) if samples > 1 else np.nan
        outcome = float(bar.at_low.mean()), float(bar.at_high.mean())
        rows.append(
            Row(bar.factor, mean, mean - error, mean + error, None, (bar.low, bar.high), outcome)
        )
    swings = np.array([np.abs(r.value) for r in rows])
    rows = [r for r, swing in zip(rows, swings, strict=True) if swing > 0.0]
    base = values[0]
    sd = float(base.std(ddof=1)) if samples > 1 else np.nan
    return Study(w, "tornado", rows, None, float(base.mean()), sd, values.size, samples)


def _sobol(
    w: Wanted, varied: Sequence[Factor], values: Floats, samples: int, seed: int, x: Floats | None
) -> Study:
    found = sobol.indices(values, seed)
    both = np.concatenate([values[0], values[-1]])
    points = None if x is None else (x, values[0])
    if found is None:
        return Study(w, "sobol", [], None, float(both.mean()), 0.0, values.size, samples)
    low, high = found.total.interval()
    first_low, first_high = found.first.interval()
    rows = [
        Row(
            factor,
            float(found.total.values[k]),
            float(low[k]),
            float(high[k]),
            (float(found.first.values[k]), float(first_low[k]), float(first_high[k])),
        )
        for k, factor in enumerate(varied)
    ]
    return Study(
        w,
        "sobol",
        sorted(rows, key=lambda r: -r.value),
        trust(found.total, values.size),
        float(both.mean()),
        float(both.std(ddof=1)),
        values.size,
        samples,
        tuple(varied),
        points,
    )


def _ranked(
    w: Wanted,
    method: Method,
    varied: Sequence[Factor],
    found: Resampled,
    y: Floats,
    samples: int,
    points: tuple[Floats, Floats] | None,
) -> Study:
    sd = float(y.std(ddof=1))
    low, high = found.interval()
    rows = [
        Row(f, float(v), float(lo), float(hi))
        for f, v, lo, hi in zip(varied, found.values, low, high, strict=True)
    ]
    scale = sd if method == "morris" else 1.0
    judged = trust(found, y.size, scale) if sd > 0.0 else None
    rows = sorted(rows, key=lambda r: -r.value) if sd > 0.0 else []
    mean, columns = float(y.mean()), tuple(varied)
    return Study(w, method, rows, judged, mean, sd, y.size, samples, columns, points)
