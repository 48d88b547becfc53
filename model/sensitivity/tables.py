"""Tables: what each factor is worth to one outcome, from the runs of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np

from model.distributions import Floats
from model.loading import Loaded
from model.wanted import Wanted

from . import given, morris, oneway, sobol
from .bootstrap import Resampled, Trust, trust
from .factors import Factor

Method = Literal["tornado", "sobol", "morris", "pawn", "delta", "regional"]
MISSING = "{missing:,} of {runs:,} runs have no such value, so that nothing can be said of its {of}"


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
    mean: float  # of the outcome over the draws; nan for Morris, whose points are a design
    sd: float
    runs: int
    samples: int  # base samples, trajectories or draws
    points: tuple[Mapping[str, Floats], Floats] | None = None  # numbers [draw], outcomes [draw]
    inert: float = 0.0  # what the largest index of numbers without influence may be by accident
    alone: tuple[float, float, float] | None = None  # sum of the first orders with its interval
    missing: int = 0  # draws that have no such value and are left out
    problem: str = ""  # why there is no table, though the outcome may vary
    still: bool = False  # whether the outcome is the same in all runs
    chance: bool = True  # whether chance is among the factors, or nothing is left to it
    instead: tuple[str, ...] = ()  # outcomes that do move, where this one is still


def empty(w: Wanted, method: Method, y: Floats, samples: int, problem: str = "") -> Study:
    """A study of what never moves, or of what cannot be told."""
    known = y[np.isfinite(y)]
    mean = float(known.mean()) if known.size else np.nan
    return Study(w, method, [], None, mean, 0.0, y.size, samples, None, 0.0, None,
                 int(y.size - known.size), problem, not problem)  # fmt: skip


def told(w: Wanted, method: Method, y: Floats, samples: int, of: str) -> Study | None:
    """A study without rows where that is all that the runs allow."""
    missing = int(y.size - np.isfinite(y).sum())
    if missing:
        return empty(w, method, y, samples, MISSING.format(missing=missing, runs=y.size, of=of))
    return None if np.ptp(y) > 0.0 else empty(w, method, y, samples)


def one_way(
    loaded: Loaded, w: Wanted, varied: Sequence[Factor], values: Floats, samples: int
) -> Study:
    """Bars with the interval of their mean (1.645 standard errors, paired draws)."""
    if nothing := told(w, "tornado", values, samples, "mean"):
        return nothing
    rows = []
    for bar in oneway.bars(loaded, varied, values):
        mean = float(bar.swing.mean())
        error = 1.645 * float(bar.swing.std(ddof=1)) / np.sqrt(samples)
        outcome = float(bar.at_low.mean()), float(bar.at_high.mean())
        rows.append(
            Row(bar.factor, mean, mean - error, mean + error, None, (bar.low, bar.high), outcome)
        )
    base = values[0]
    if not any(row.value for row in rows):
        return empty(w, "tornado", values, samples, "no number changes its mean, only chance does")
    mean, sd = float(base.mean()), float(base.std(ddof=1))
    return Study(w, "tornado", rows, None, mean, sd, values.size, samples)


def shares(
    w: Wanted,
    varied: Sequence[Factor],
    values: Floats,
    samples: int,
    seed: int,
    x: Mapping[str, Floats] | None,
) -> Study:
    """Sobol's indices of both orders."""
    if nothing := told(w, "sobol", values, samples, "variance"):
        return nothing
    found = sobol.indices(values, seed)
    both = np.concatenate([values[0], values[-1]])
    if found is None or not (found.total.told and found.first.told):
        return empty(w, "sobol", values, samples, given.HARDLY)
    first = np.stack([found.first.values, *found.first.interval()], axis=1).tolist()
    rows = [
        row._replace(first=tuple(order))
        for row, order in zip(_rows(varied, found.total), first, strict=True)
    ]
    return Study(
        w,
        "sobol",
        _ordered(rows),
        trust(found.total, values.size),
        float(both.mean()),
        float(both.std(ddof=1)),
        values.size,
        samples,
        None if x is None else (x, values[0]),
        alone=sobol.alone(found.first),
    )


def screened(
    w: Wanted, varied: Sequence[Factor], points: Floats, y: Floats, samples: int, seed: int
) -> Study:
    """Morris' mean changes; they are judged beside the largest of them."""
    if nothing := told(w, "morris", y, samples, "changes"):
        return nothing
    found = morris.effects(varied, points, y, seed)
    if not found.values.max() > 0.0:
        return empty(w, "morris", y, samples, given.HARDLY)
    judged = trust(found, y.size, float(found.values.max()))
    return Study(
        w, "morris", _ordered(_rows(varied, found)), judged, np.nan, np.nan, y.size, samples
    )


def of_draws(
    w: Wanted,
    method: Method,
    varied: Sequence[Factor],
    values: Mapping[str, Floats],
    y: Floats,
    samples: int,
    seed: int,
) -> Study:
    """PAWN, delta or regional, over the draws that have such a value."""
    there = np.isfinite(y)
    missing = int(y.size - there.sum())
    if there.sum() < given.LEAST[method]:
        return empty(w, method, y, samples, f"only {there.sum():,} of {y.size:,} draws have it")
    kept = y[there]
    if not np.ptp(kept) > 0.0:
        return empty(w, method, y, samples)
    try:
        split = given.better(kept).astype(np.float64) if method == "regional" else kept
    except given.TooFew as error:
        return empty(w, method, y, samples, str(error))
    columns = {name: values[name][there] for factor in varied for name in factor.members}
    x = np.stack(list(columns.values()))
    index = given.INDICES[method]
    found = given.ranked(index, x, split, varied, seed)
    return Study(
        w,
        method,
        _ordered(_rows(varied, found)),
        trust(found, kept.size),
        float(kept.mean()),
        float(kept.std(ddof=1)),
        y.size,
        samples,
        (columns, kept),
        given.accident(index, len(x), split, seed),
        missing=missing,
    )


def _rows(varied: Sequence[Factor], found: Resampled) -> list[Row]:
    """One row a factor, in their order."""
    each = zip(varied, found.values, *found.interval(), strict=True)
    return [Row(f, float(v), float(low), float(high)) for f, v, low, high in each]


def _ordered(rows: Sequence[Row]) -> list[Row]:
    """The largest index first."""
    return sorted(rows, key=lambda r: -r.value)
