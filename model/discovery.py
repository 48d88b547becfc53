"""Discovery: the simplest conditions under which a network fails, over a wide ensemble.

The patient rule induction method (PRIM; Friedman and Fisher 1999; for scenarios Bryant and Lempert
2010): a box is peeled a little at a time so that failures get denser in it. It is found on half of
the draws; coverage and density are those of the other half. docs/decisions/0013-own-prim.md.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from .distributions import Floats
from .sampling import stream

Kind = Literal["fact", "lever", "chance"]
Bools = NDArray[np.bool_]
PEEL = 0.05  # share of the box that a peel takes off
SMALLEST = 0.05  # share of all draws that a box keeps, and at least FEWEST draws
FEWEST = 10
WORTH_IT = 0.03  # a further condition must add this to the mean of coverage and density
UNLIKELY = 0.05  # quasi-p-value above which a condition is no finding
RESAMPLES = 20
FIRM = 0.8  # share of resamples: below it another condition does nearly as well
NO_FINDING = 0.01  # chance of a box as dense on unseen draws, if there were no structure


class Column(NamedTuple):
    """One thing that may be a condition: values [draw], and what kind of thing it is."""

    name: str
    kind: Kind
    values: Floats
    unit: str = ""
    yes_no: bool = False


class Limit(NamedTuple):
    """One condition: low <= column <= high; infinite where there is none."""

    column: int
    low: float
    high: float


class Box(NamedTuple):
    """A box and what it holds: coverage of failures, density of failures, share of draws."""

    limits: tuple[Limit, ...]
    coverage: float
    density: float
    mass: float

    @property
    def score(self) -> float:
        """Harmonic mean of coverage and density."""
        whole = self.coverage + self.density
        return 2.0 * self.coverage * self.density / whole if whole > 0.0 else 0.0


class Counted(NamedTuple):
    """A box on unseen draws, with 95 % intervals of coverage and density (Wilson 1927)."""

    box: Box
    coverage: tuple[float, float]
    density: tuple[float, float]
    p_value: float  # of a density as high, without structure

    @property
    def holds(self) -> bool:
        """Whether unseen draws bear the box out."""
        return bool(self.box.limits) and self.p_value < NO_FINDING


class Finding(NamedTuple):
    """The box, on draws that it was not found on, and how sure it is."""

    whole: Counted
    firm: Counted  # without conditions that few resamples find again
    trajectory: tuple[Box, ...]  # on the draws on which it was found
    quasi_p: tuple[float, ...]  # of each condition, on unseen draws
    found_again: tuple[float, ...]  # share of resamples in which the condition's column is used
    base: float  # share of all draws that fail
    unseen: int  # draws on which coverage and density are counted

    @property
    def box(self) -> Box:
        return self.whole.box

    @property
    def holds(self) -> bool:
        return self.whole.holds


def discover(columns: Sequence[Column], fails: Bools, most: int, seed: int) -> Finding:
    """The simplest box of at most `most` conditions; fails [draw]."""
    values = np.column_stack([c.values for c in columns])
    size = len(fails)
    order = stream(seed, "discovery.halves").permutation(size)
    half = np.zeros(size, dtype=bool)
    half[order[: size // 2]] = True
    trajectory = simplest(values[half], fails[half], most)
    chosen = pruned(best_of(trajectory), values[half], fails[half])
    unseen, failed = values[~half], fails[~half]
    again = found_again(chosen, values[half], fails[half], most, seed)
    firm = tuple(c for c, share in zip(chosen.limits, again, strict=True) if share >= FIRM)
    quasi = tuple(quasi_p(chosen.limits, k, unseen, failed) for k in range(len(chosen.limits)))
    return Finding(
        counted(chosen.limits, unseen, failed),
        counted(firm, unseen, failed),
        trajectory,
        quasi,
        again,
        float(fails.mean()),
        len(failed),
    )


def counted(limits: tuple[Limit, ...], values: Floats, fails: Bools) -> Counted:
    """A box on draws that it was not found on."""
    box, inside = measured(limits, values, fails), within(limits, values)
    count, there, failed = int(fails[inside].sum()), int(inside.sum()), int(fails.sum())
    p_value = float(stats.binom.sf(count - 1, there, float(fails.mean()))) if there else 1.0
    return Counted(box, wilson(count, failed), wilson(count, there), p_value)


def wilson(count: int, of: int) -> tuple[float, float]:
    """95 % interval of a share; anything where there is nothing to count."""
    if of == 0:
        return 0.0, 1.0
    found = stats.binomtest(count, of).proportion_ci(method="wilson")
    return float(found.low), float(found.high)


# --- one box


def simplest(values: Floats, fails: Bools, most: int) -> tuple[Box, ...]:
    """The trajectory with fewest columns whose best box is nearly as good as any."""
    every = peel(values, fails, range(values.shape[1]))
    ranked = _ranked(best_of(every), values, fails)
    if not ranked:
        return every
    found = [peel(values, fails, ranked[: k + 1]) for k in range(min(most, len(ranked)))]
    scores = [best_of(one).score for one in found]
    enough = next(k for k, score in enumerate(scores) if score >= max(scores) - WORTH_IT)
    return found[enough]


def _ranked(box: Box, values: Floats, fails: Bools) -> list[int]:
    """The columns of a box; first the one whose condition is missed most."""
    loss = [
        (_without(box, k, values, fails).density, limit.column)
        for k, limit in enumerate(box.limits)
    ]
    return [column for _, column in sorted(loss)]


def _without(box: Box, k: int, values: Floats, fails: Bools) -> Box:
    return measured(box.limits[:k] + box.limits[k + 1 :], values, fails)


def best_of(trajectory: Sequence[Box]) -> Box:
    return max(trajectory, key=lambda box: box.score)


def pruned(box: Box, values: Floats, fails: Bools) -> Box:
    """Without conditions that chance explains, or that add nothing to speak of."""
    while box.limits:
        p = [quasi_p(box.limits, k, values, fails) for k in range(len(box.limits))]
        fewer = [_without(box, k, values, fails) for k in range(len(box.limits))]
        idle = [k for k in range(len(p)) if p[k] > UNLIKELY or fewer[k].score >= box.score]
        if not idle:
            break
        box = max((fewer[k] for k in idle), key=lambda one: one.score)
    return box


def peel(values: Floats, fails: Bools, among: Sequence[int]) -> tuple[Box, ...]:
    """Boxes from all draws down to the smallest, each a peel of the one before.

    Of all peels the one is taken that adds most density for what it takes off.
    """
    columns = list(among)
    inside = np.ones(len(fails), dtype=bool)
    limits: dict[int, tuple[float, float]] = {}
    boxes = [measured((), values, fails)]
    ordered = np.argsort(values[:, columns], axis=0, kind="stable")
    least = max(SMALLEST * len(fails), FEWEST)
    while inside.any():
        step = _step(values, fails, columns, ordered, inside, least)
        if step is None:
            break
        column, low, high = step
        before = limits.get(column, (-np.inf, np.inf))
        limits[column] = (max(before[0], low), min(before[1], high))
        inside &= (values[:, column] >= low) & (values[:, column] <= high)
        told = tuple(Limit(c, *between) for c, between in limits.items())
        boxes.append(measured(told, values, fails))
    return tuple(boxes)


def _step(
    values: Floats, fails: Bools, columns: Sequence[int], ordered: NDArray[np.intp],
    inside: Bools, least: float,
) -> tuple[int, float, float] | None:  # fmt: skip
    """The best peel of a box: column, low, high; none where no peel makes it denser."""
    count = int(inside.sum())
    base = float(fails[inside].mean())
    cut = max(int(PEEL * count), 1)
    best, found = 0.0, None
    for place, column in enumerate(columns):
        rows = ordered[inside[ordered[:, place]], place]
        x, y = values[rows, column], fails[rows]
        if x[0] == x[-1]:
            continue
        # Draws of equal value go together.
        first = int(np.searchsorted(x, x[cut - 1], side="right"))
        last = int(np.searchsorted(x, x[count - cut], side="left"))
        for kept, off, low, high in (
            (slice(first, None), first, x[first] if first < count else np.inf, np.inf),
            (slice(None, last), count - last, -np.inf, x[last - 1] if last > 0 else -np.inf),
        ):
            if count - off < least:
                continue
            gain = (float(y[kept].mean()) - base) / off
            if gain > best:
                best, found = gain, (column, float(low), float(high))
    return found


def within(limits: Sequence[Limit], values: Floats) -> Bools:
    """[draw]"""
    inside = np.ones(len(values), dtype=bool)
    for column, low, high in limits:
        inside &= (values[:, column] >= low) & (values[:, column] <= high)
    return inside


def measured(limits: tuple[Limit, ...], values: Floats, fails: Bools) -> Box:
    inside = within(limits, values)
    there, failed = int(inside.sum()), int(fails[inside].sum())
    coverage = failed / max(int(fails.sum()), 1)
    return Box(limits, coverage, failed / max(there, 1), there / max(len(fails), 1))


def quasi_p(limits: tuple[Limit, ...], k: int, values: Floats, fails: Bools) -> float:
    """Chance of as many failures in the box, if its k-th condition chose draws at random."""
    inside = within(limits, values)
    wider = within(limits[:k] + limits[k + 1 :], values)
    if not inside.any():
        return 1.0
    base = float(fails[wider].mean())
    return float(stats.binom.sf(int(fails[inside].sum()) - 1, int(inside.sum()), base))


def found_again(box: Box, values: Floats, fails: Bools, most: int, seed: int) -> tuple[float, ...]:
    """Share of resamples in which each condition's column is in the box (Bryant and Lempert)."""
    counts = np.zeros(len(box.limits))
    rng = stream(seed, "discovery.resamples")
    for _ in range(RESAMPLES):
        rows = rng.integers(0, len(fails), len(fails))
        other = best_of(simplest(values[rows], fails[rows], most))
        used = {limit.column for limit in other.limits}
        counts += [limit.column in used for limit in box.limits]
    return tuple((counts / RESAMPLES).tolist())


def as_numbers(finding: Finding, columns: Sequence[Column]) -> dict[str, Any]:
    """The finding as plain numbers, ready for JSON; no limit is null."""
    rows = [
        {"name": columns[c].name, "kind": columns[c].kind, "unit": columns[c].unit,
         "yes_no": columns[c].yes_no, "low": _limit(low), "high": _limit(high),
         "quasi_p": p, "found_again": again, "firm": again >= FIRM}
        for (c, low, high), p, again in zip(
            finding.box.limits, finding.quasi_p, finding.found_again, strict=True)
    ]  # fmt: skip
    path = [
        {"coverage": b.coverage, "density": b.density, "mass": b.mass, "conditions": len(b.limits)}
        for b in finding.trajectory
    ]
    return _numbers(finding.whole) | {
        "base": finding.base,
        "holds": finding.holds,
        "unseen": finding.unseen,
        "conditions": rows,
        "firm": _numbers(finding.firm) | {"holds": finding.firm.holds},
        "trajectory": path,
    }


def _numbers(one: Counted) -> dict[str, Any]:
    return {
        "coverage": one.box.coverage,
        "coverage_between": list(one.coverage),
        "density": one.box.density,
        "density_between": list(one.density),
        "mass": one.box.mass,
        "p_value": one.p_value,
    }


def _limit(x: float) -> float | None:
    return float(x) if np.isfinite(x) else None
