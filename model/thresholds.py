"""Thresholds: at which values of a number a target is reached, and how sure that is.

Every value is tried on the same draws and luck, so a curve over values is smooth where the model
is. The range is scanned, every change between "holds" and "does not" is narrowed by a root finder
(scipy: Brent's method; bisection where the statistic moves in steps), and the curve is evaluated
again around each answer. The interval of an answer is what a number of draws leaves open: of a
percentile and of a chance it is where their limits (order statistics; Wilson's) cross the bound; of
a mean it is a bootstrap, draws resampled whole and the crossing found again on the evaluated curve.
What is uncertain about the world is in the target itself, and in `by_draw`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Literal, NamedTuple

import numpy as np

from .crossings import bootstrap_counts, middle_share, nearest_crossings
from .distributions import Floats
from .draws import Draws
from .ensemble import Progress, silent
from .targets import Statistic, Target, errors
from .variants import outputs
from .varied import Varied
from .wanted import Plan

# [value, output, draw] of values; output 0 is the target's.
Evaluate = Callable[[Sequence[float]], Floats]
Bools = np.ndarray[tuple[int, ...], np.dtype[np.bool_]]
IN_TAIL = 10  # draws beyond a percentile, or in which a chance comes true, that tell enough
FINENESS = 1e-3  # of the range, to which a threshold of a statistic that moves in steps is found
SMOOTH = 1e-6  # likewise of a smooth one


class Evaluated(NamedTuple):
    """One value that was tried."""

    value: float
    asked: Literal["scan", "root", "around", "whole"]
    reached: float
    error: float  # Monte Carlo standard error of what is reached
    low: float  # 90 % interval of what is reached (Statistic.limits; of a mean by bootstrap)
    high: float
    holds: bool
    known: float  # share of draws that have the outcome


class ByDraw(NamedTuple):
    """Where each draw alone crosses the bound: what knowing the uncertain numbers would change."""

    p05: float  # infinite where it is outside the range
    p50: float
    p95: float
    inside: float  # share of draws that cross within the range


class Whole(NamedTuple):
    """The nearest whole number on the side where the target holds."""

    value: float
    reached: float
    holds: bool


class Root(NamedTuple):
    """A value at which the target begins or ceases to hold."""

    value: float
    side: Literal["above", "below"]  # where it holds
    low: float  # 90 % interval; infinite where it goes beyond the range
    high: float
    elsewhere: float  # share of resamples without such a crossing in the range
    reached: float
    error: float  # Monte Carlo standard error of what is reached there
    slope: float  # of what is reached, by one of the value; nan where unknown
    few: float  # draws that would do, where there are fewer; 0 where there are enough
    by_draw: ByDraw | None
    whole: Whole | None


class Answer(NamedTuple):
    """All crossings in a range, in order, and where the target holds."""

    target: Target
    low: float
    high: float
    draws: int
    roots: tuple[Root, ...]
    holds: tuple[tuple[float, float], ...]
    curve: tuple[Evaluated, ...]
    best: Evaluated  # nearest to the target, or furthest into it
    also: Floats  # means of the other outputs [curve, output]
    resampled: bool  # whether intervals are by bootstrap

    @property
    def verdict(self) -> Literal["one", "several", "always", "never"]:
        if self.roots:
            return "one" if len(self.roots) == 1 else "several"
        return "always" if self.curve[0].holds else "never"

    @property
    def indistinct(self) -> bool:
        """Whether crossings lie within each other's intervals: more draws are needed."""
        return any(a.high >= b.low for a, b in pairwise(self.roots))


def solve(
    evaluate: Evaluate,
    target: Target,
    low: float,
    high: float,
    points: int = 13,
    seed: int = 1,
    whole: bool = False,
) -> Answer:
    """All values in [low, high] at which the target begins or ceases to hold."""
    curve = Curve(evaluate, target, seed)
    curve.ask(scan(low, high, points), "scan")
    found = [curve.narrowed(a, b, high - low) for a, b in curve.changes()]
    curve.ask(_around(curve, found, low, high), "around")
    found += [curve.narrowed(a, b, high - low) for a, b in curve.changes() if not {a, b} & {*found}]
    found.sort()
    rounded = {x: _whole_beside(curve, x, low, high) for x in found} if whole else {}
    curve.ask([x for x in rounded.values() if x is not None], "whole")
    roots = tuple(curve.root(x, rounded.get(x)) for x in found)
    table = curve.table()
    also = np.array([Statistic("").of(curve.samples[e.value][1:]) for e in table])
    best = min(table, key=lambda e: float(target.miss(np.asarray(e.reached))))
    return Answer(
        target, low, high, curve.draws, roots, curve.spans(), table, best, also, curve.by_bootstrap
    )


def evaluation(base: Draws, v: Varied, asked: Plan, progress: Progress = silent) -> Evaluate:
    """The model as a function of a number's values, always on the same draws and luck.

    `progress` is told how many draws are done in all.
    """
    done = 0

    def evaluate(values: Sequence[float]) -> Floats:
        nonlocal done
        before = done
        variants = [v.at(base, x) for x in values]
        out = outputs(variants, asked, progress=lambda n: progress(before + n))
        done += len(values) * base.size
        return out

    return evaluate


def scan(low: float, high: float, points: int) -> list[float]:
    """Values from low to high: equal steps, or equal ratios over two powers of ten and more."""
    if low > 0.0 and high / low >= 100.0:
        return [float(x) for x in np.geomspace(low, high, points)]
    return [float(x) for x in np.linspace(low, high, points)]


class Curve:
    """What the target's statistic reaches over values, all on the same draws."""

    def __init__(self, evaluate: Evaluate, target: Target, seed: int) -> None:
        self.evaluate, self.target, self.seed = evaluate, target, seed
        self.samples: dict[float, Floats] = {}  # [output, draw]
        self.asked: dict[float, Literal["scan", "root", "around", "whole"]] = {}
        self._weights: Floats | None = None
        self._resampled: dict[float, Floats] = {}

    def ask(self, values: Sequence[float], why: Literal["scan", "root", "around", "whole"]) -> None:
        """Try values that were not tried before, all in one call."""
        new = [x for x in dict.fromkeys(values) if x not in self.samples]
        if new:
            for x, sample in zip(new, self.evaluate(new), strict=True):
                self.samples[x], self.asked[x] = sample, why

    @property
    def draws(self) -> int:
        return int(next(iter(self.samples.values())).shape[1])

    @property
    def values(self) -> list[float]:
        return sorted(self.samples)

    def reached(self, x: float) -> float:
        return float(self.target.statistic.of(self.samples[x][0]))

    def holds(self, x: float) -> bool:
        return bool(self.target.holds(np.asarray(self.reached(x))))

    def changes(self) -> list[tuple[float, float]]:
        """Neighbours of which one holds and one does not."""
        xs = self.values
        return [(a, b) for a, b in pairwise(xs) if self.holds(a) != self.holds(b)]

    # --- narrowing

    def narrowed(self, a: float, b: float, width: float) -> float:
        """The crossing between two values, on the side where the target holds."""
        from scipy.optimize import bisect, brentq  # noqa: PLC0415  a tenth of a second

        def at(x: float) -> float:
            self.ask([x], "root")
            return self.reached(x) - self.target.bound

        def side(x: float) -> float:
            self.ask([x], "root")
            return 1.0 if self.holds(x) else -1.0

        smooth = not any(self.target.statistic.in_steps(self.samples[x][0]) for x in (a, b))
        if smooth and at(a) * at(b) < 0.0:
            brentq(at, a, b, xtol=SMOOTH * width, rtol=1e-12)
        else:
            bisect(side, a, b, xtol=FINENESS * width, rtol=1e-12)
        inside = [(p, q) for p, q in self.changes() if a <= p and q <= b]
        p, q = min(inside, key=lambda pair: pair[1] - pair[0])
        return p if self.holds(p) else q

    def spans(self) -> tuple[tuple[float, float], ...]:
        """Where the target holds: runs of values that do."""
        xs, out = self.values, list[tuple[float, float]]()
        for k, x in enumerate(xs):
            if not self.holds(x):
                continue
            if out and k and self.holds(xs[k - 1]):
                out[-1] = (out[-1][0], x)
            else:
                out.append((x, x))
        return tuple(out)

    # --- how sure

    def resampled(self, x: float) -> Floats:
        """The mean [resample] of resampled draws, the same ones at every value."""
        if x not in self._resampled:
            self._resampled[x] = self._resample(self.samples[x][0])
        return self._resampled[x]

    def _resample(self, sample: Floats) -> Floats:
        if self._weights is None:
            self._weights = bootstrap_counts(self.draws, self.seed)
        statistic, counts = self.target.statistic, self._weights
        known = np.isfinite(sample)
        counted = np.where(known, statistic.counted(sample), 0.0)
        size = counts @ known.astype(np.float64)
        none = np.full(len(counts), np.nan)
        return np.asarray(np.divide(counts @ counted, size, out=none, where=size > 0.0))

    def error(self, x: float) -> float:
        return float(errors(self.samples[x][:1], self.target.statistic)[0])

    def slope(self, x: float) -> float:
        """Of what is reached, between the nearest tried values on both sides that are apart."""
        xs = self.values
        apart = 2.0 * FINENESS * (xs[-1] - xs[0])
        left = [v for v in xs if v < x - apart] or [x]
        right = [v for v in xs if v > x + apart] or [x]
        width = right[0] - left[-1]
        return (self.reached(right[0]) - self.reached(left[-1])) / width if width else np.nan

    def root(self, x: float, whole: float | None) -> Root:
        above = self.holds_beyond(x)
        low, high, elsewhere = self._interval_of(x, above)
        beside = None if whole is None else Whole(whole, self.reached(whole), self.holds(whole))
        return Root(
            x,
            "above" if above else "below",
            min(low, x),
            max(high, x),
            elsewhere,
            self.reached(x),
            self.error(x),
            self.slope(x),
            self._few(x),
            self._by_draw(x),
            beside,
        )

    def holds_beyond(self, x: float) -> bool:
        """Whether the target holds at larger values and not at smaller ones."""
        below = [v for v in self.values if v < x]
        if below:
            return not self.holds(below[-1])
        after = [v for v in self.values if v > x]
        return not after or self.holds(after[0])

    def _interval_of(self, x: float, above: bool) -> tuple[float, float, float]:
        """90 % interval of an answer, and the share of resamples without it in the range.

        Of a chance or percentile: all values at which the bound lies within the limits of what is
        reached (a test, inverted). Of a mean: the same crossing of resampled curves.
        """
        xs = np.array(self.values)
        if self.by_bootstrap:
            curves = np.stack([self.resampled(v) for v in self.values], axis=1)
            crossed = nearest_crossings(xs, curves, self.target, x, above)
            return *middle_share(crossed), float(np.mean(~np.isfinite(crossed)))
        band = np.array(self.limits, dtype=np.float64).T
        low, high = sorted(nearest_crossings(xs, band, self.target, x, above).tolist())
        return low, high, 0.0

    @property
    def limits(self) -> list[tuple[float, float] | None]:
        """Of what is reached at each value; None where only a bootstrap tells them."""
        unknown = (np.nan, np.nan)
        return [
            self.target.statistic.limits(self.samples[v][0])
            or (unknown if self.draws > 1 and self._known(v) * self.draws < 1.5 else None)
            for v in self.values
        ]

    @property
    def by_bootstrap(self) -> bool:
        return any(each is None for each in self.limits)

    def _few(self, x: float) -> float:
        """Draws that the interval would need where there are fewer: more are named, else 0.

        Ten in the tail of a percentile or chance; of a mean 25 times its squared skewness
        (Cochran 1977, Sampling Techniques, 2.15).
        """
        statistic, sample = self.target.statistic, self.samples[x][0]
        known = sample[np.isfinite(sample)]
        if statistic.level is not None or statistic.in_steps(sample):
            level = self.target.bound if statistic.level is None else statistic.level
            needed = IN_TAIL / max(min(level, 1.0 - level), 1e-9)
        else:
            spread = float(known.std())
            skewness = float(((known - known.mean()) ** 3).mean()) / spread**3 if spread else 0.0
            needed = 25.0 * skewness**2
        return needed if known.size < needed else 0.0

    def _by_draw(self, x: float) -> ByDraw | None:
        """Each draw's own crossing; none for a chance, which no single draw has."""
        statistic = self.target.statistic
        if not statistic.is_mean or statistic.in_steps(self.samples[x][0]):
            return None
        xs = np.array(self.values)
        each = np.stack([self.samples[v][0] for v in xs.tolist()], axis=1)
        crossed = nearest_crossings(xs, each, self.target, x, self.holds_beyond(x))
        p05, p50, p95 = np.quantile(crossed, [0.05, 0.5, 0.95], method="nearest").tolist()
        return ByDraw(p05, p50, p95, float(np.mean(np.isfinite(crossed))))

    def table(self) -> tuple[Evaluated, ...]:
        return tuple(self._evaluated(x) for x in self.values)

    def _known(self, x: float) -> float:
        return float(np.mean(np.isfinite(self.samples[x][0])))

    def _interval(self, x: float) -> tuple[float, float]:
        if self._known(x) * self.draws < 1.0:
            return np.nan, np.nan
        limits = self.target.statistic.limits(self.samples[x][0])
        return limits or middle_share(self.resampled(x))

    def _evaluated(self, x: float) -> Evaluated:
        low, high = self._interval(x)
        known = self._known(x)
        reached, error = self.reached(x), self.error(x)
        return Evaluated(x, self.asked[x], reached, error, low, high, self.holds(x), known)


def _around(curve: Curve, roots: Sequence[float], low: float, high: float) -> list[float]:
    """One and two standard errors of each answer (delta method) to either side, in the range."""
    out: list[float] = []
    widest = (high - low) / 8.0
    for x in roots:
        slope = curve.slope(x)
        step = abs(curve.error(x) / slope) if slope and np.isfinite(slope) else widest
        step = float(np.clip(step, FINENESS * (high - low), widest))
        out += [x + k * step for k in (-2, -1, 1, 2) if low <= x + k * step <= high]
    return out


def _whole_beside(curve: Curve, x: float, low: float, high: float) -> float | None:
    """The whole number next to a crossing, on the side where the target holds."""
    above = curve.holds_beyond(x)
    near = float(np.ceil(x - 1e-9) if above else np.floor(x + 1e-9))
    return near if low <= near <= high else None
