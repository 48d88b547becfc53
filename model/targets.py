"""Targets: `STATISTIC(METRIC) OP VALUE`, what an outcome should reach over all draws.

npv:medicaid_plans >= 0                          the mean over draws
p_insolvent:backbone@2027-12 <= 0.2              the chance
p05(npv:backbone) >= 0                           a percentile, p01 to p99
p(npv:medicaid_plans > 0) >= 80 %                the share of draws in which it is so
"""

from __future__ import annotations

import re
from typing import NamedTuple, NoReturn

import numpy as np

from .distributions import Floats
from .problems import BadInput, Mark, Problem, shortened

CONFIDENCE = 0.90
Z90 = 1.6449  # of the normal distribution, for a 90 % interval

_METRIC = r"(?P<metric>[A-Za-z_]\w*(?::[\w.]+)?(?:@[\w-]+)?)"
_COMPARE = r"\s*(?P<op>>=|<=|>|<)\s*(?P<number>.+?)"
_PLAIN = re.compile(_METRIC)
_PERCENTILE = re.compile(rf"p(?P<percent>\d\d)\(\s*{_METRIC}\s*\)")
_MEAN = re.compile(rf"mean\(\s*{_METRIC}\s*\)")
_SHARE = re.compile(rf"p\(\s*{_METRIC}{_COMPARE}\s*\)")
_SPLIT = re.compile(r"(?P<left>.*[\w)])" + _COMPARE)
_NUMBER = re.compile(r"-?\$?-?(\d{1,3}(,\d{3})+|\d+)?(\.\d+)?([eE][-+]?\d+)?")
EXAMPLES = (
    "METRIC OP VALUE, as in `npv:backbone >= 0`, `p05(npv:backbone) >= 0` or "
    "`p(npv:backbone > 0) >= 0.8`; OP is >=, <=, > or <"
)
# Metrics that are a chance, from 0 to 1, besides all that begin with `p_`.
CHANCES = frozenset(
    {
        "insolvent", "below_core_staff", "runway_censored", "solvent_by_luck", "pays_back",
        "dues_within_corridor",
    }
)  # fmt: skip
SOLVENT = {"p_solvent": "p_insolvent", "solvent": "insolvent"}  # told by its opposite
MIRRORED = {">=": "<=", "<=": ">=", ">": "<", "<": ">"}
COMPARED = {">=": np.greater_equal, "<=": np.less_equal, ">": np.greater, "<": np.less}


class Statistic(NamedTuple):
    """What is told of an outcome over draws: its mean, a percentile, or how often it is so."""

    metric: str
    level: float | None = None  # of a percentile
    op: str = ""  # of a share of draws
    bound: float = 0.0

    def __str__(self) -> str:
        if self.op:
            return f"p({self.metric} {self.op} {self.bound:,.10g})"
        return f"p{100 * self.level:02.0f}({self.metric})" if self.level else self.metric

    @property
    def is_mean(self) -> bool:
        return not self.op and self.level is None

    @property
    def is_chance(self) -> bool:
        """Whether what it comes to lies between 0 and 1."""
        return bool(self.op) or is_chance(self.metric)

    def of(self, values: Floats) -> Floats:
        """Of values [..., draw]: [...]; draws without such a value are left out; nan if all are."""
        known = np.isfinite(values)
        out = np.full(values.shape[:-1], np.nan)
        any_known = known.any(axis=-1)
        if self.level is not None:
            out[any_known] = np.nanquantile(values[any_known], self.level, axis=-1)
            return out
        counted = self.counted(values)
        whole = np.where(known, counted, 0.0).sum(axis=-1)
        return np.asarray(np.divide(whole, known.sum(axis=-1), out=out, where=any_known))

    def counted(self, values: Floats) -> Floats:
        """What the mean is taken of: the outcome, or 1 where a draw is so, else 0."""
        if not self.op:
            return values
        return np.where(np.isfinite(values), COMPARED[self.op](values, self.bound), np.nan)

    def yes_or_no(self, values: Floats) -> bool:
        """Whether it is the share of draws that are so."""
        known = values[np.isfinite(values)]
        return bool(self.op) or (self.is_mean and bool(np.isin(known, (0.0, 1.0)).all()))

    def in_steps(self, values: Floats) -> bool:
        """Whether it is a chance: it moves in steps, and no single draw has it."""
        chance = self.is_mean and self.metric.startswith("p_")
        return chance or self.yes_or_no(values)

    def limits(self, values: Floats) -> tuple[float, float] | None:
        """90 % interval from values [draw]: Wilson's of a chance, order statistics of a percentile.

        Infinite where no draw lies beyond; None for a mean, where nothing is known, and for one
        draw, which is all there is where nothing is uncertain.
        """
        known = values[np.isfinite(values)]
        if known.size < 2:
            return None
        if self.level is not None:
            return order_limits(known, self.level)
        return wilson(float(self.of(values)), known.size) if self.yes_or_no(values) else None


class Target(NamedTuple):
    """What a statistic should reach."""

    statistic: Statistic
    op: str
    bound: float

    def __str__(self) -> str:
        return f"{self.statistic} {self.op} {self.bound:,.10g}"

    def holds(self, reached: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
        """Whether it does; not where nothing is known."""
        return np.asarray(COMPARED[self.op](reached, self.bound) & np.isfinite(reached))

    def miss(self, reached: Floats) -> Floats:
        """By how much it is missed: negative where it holds with room to spare."""
        return np.asarray(self.bound - reached if self.op[0] == ">" else reached - self.bound)


def is_chance(metric: str) -> bool:
    """Whether `metric:subject@month` is a chance, from 0 to 1."""
    bare = metric.partition("@")[0].partition(":")[0]
    return bare.startswith("p_") or bare in CHANCES


def wilson(share: float, draws: float) -> tuple[float, float]:
    """90 % interval of a chance, which stays open where no draw, or every one, is so (1927)."""
    z2 = Z90**2
    middle = (share + z2 / (2.0 * draws)) / (1.0 + z2 / draws)
    spread = share * (1.0 - share) / draws + z2 / (4.0 * draws**2)
    half = Z90 * np.sqrt(spread) / (1.0 + z2 / draws)
    low = 0.0 if share <= 0.0 else float(middle - half)
    return low, 1.0 if share >= 1.0 else float(middle + half)


def errors(values: Floats, statistic: Statistic) -> Floats:
    """Monte Carlo standard error [variant] of a statistic of values [variant, draw].

    Of a mean or share: sd / sqrt(n). Of a percentile: half the distance between the order
    statistics one binomial standard deviation to either side (Woodruff 1952).
    """
    known = np.maximum(np.isfinite(values).sum(axis=1), 1)
    if statistic.level is not None:
        off = np.sqrt(statistic.level * (1.0 - statistic.level) / known)
        return np.array(
            [_quantile_error(v, statistic.level, d) for v, d in zip(values, off, strict=True)]
        )
    counted = statistic.counted(values)
    mean = statistic.of(values)[:, None]
    square = np.where(np.isfinite(counted), (counted - mean) ** 2, 0.0).sum(axis=1)
    return np.asarray(np.sqrt(square / np.maximum(known - 1, 1) / known))


def _quantile_error(values: Floats, level: float, off: float) -> float:
    have = values[np.isfinite(values)]
    if not have.size:
        return float("nan")
    low, high = np.quantile(have, np.clip([level - off, level + off], 0.0, 1.0))
    return float(high - low) / 2.0


def order_limits(known: Floats, level: float) -> tuple[float, float]:
    """90 % interval of a percentile: the order statistics that enclose it (binomial).

    Holds for any distribution, and rather too often than too seldom; infinite where there are too
    few draws to enclose it.
    """
    from scipy.stats import binom  # noqa: PLC0415  a second to import

    tail = (1.0 - CONFIDENCE) / 2.0
    first = int(binom.ppf(tail, known.size, level))  # counted from 1; 0: none lies so low
    last = int(binom.ppf(1.0 - tail, known.size, level)) + 1
    ordered = np.sort(known)
    low = float(ordered[first - 1]) if first >= 1 else -np.inf
    return low, float(ordered[last - 1]) if last <= known.size else np.inf


def parse(text: str, option: str = "--target") -> Target:
    """The target that a text says; BadInput where it says none."""
    found = _SPLIT.fullmatch(text.strip())
    if found is None:
        _refuse(option, text, "no comparison with a number" if text.strip() else "nothing")
    left = found["left"].strip()
    if left.startswith("p(") and not left.endswith(")"):
        _refuse(option, text, "no comparison of the share with a number")
    _tell_opposite(left, found["op"], found["number"], option)
    statistic = parse_statistic(left, option)
    bound = _number(found["number"], option)
    if statistic.is_chance:
        _refuse_beyond(found["number"], bound, option)
    return Target(statistic, found["op"], bound)


def _tell_opposite(left: str, op: str, number: str, option: str) -> None:
    """`p_solvent:x >= 0.8` is refused with what says the same."""
    metric = _PLAIN.fullmatch(left) or _MEAN.fullmatch(left)
    word, _, rest = metric["metric"].partition(":") if metric else ("", "", "")
    if word in SOLVENT:
        bound = _number(number, option)
        _refuse_beyond(number, bound, option)
        same = f"{SOLVENT[word]}:{rest} {MIRRORED[op]} {1.0 - bound:.10g}"
        found = f"`{word}`, which is told as its opposite"
        raise BadInput([Problem(Mark(option, 0, 0), "", found, f"`{same}` says the same")])


def _refuse_beyond(text: str, bound: float, option: str) -> None:
    """A chance is from 0 to 1."""
    if not 0.0 <= bound <= 1.0:
        near = f"{bound:g} % ({bound / 100:g})" if 1.0 < bound <= 100.0 else ""
        found = f"{text.strip()} for a chance"
        raise BadInput([Problem(Mark(option, 0, 0), "", found, "0 to 1, or 0 % to 100 %", near)])


def parse_statistic(text: str, option: str) -> Statistic:
    """`METRIC`, `mean(METRIC)`, `p05(METRIC)` or `p(METRIC > VALUE)`."""
    text = text.strip()
    if (word := re.split(r"[:@]", text.partition("(")[2] or text)[0].strip()) in SOLVENT:
        found_ = f"`{word}`, which is told as its opposite"
        allowed = f"`{text.replace(word, SOLVENT[word], 1)}`, of which it is the rest to 1"
        raise BadInput([Problem(Mark(option, 0, 0), "", found_, allowed)])
    if found := _PLAIN.fullmatch(text) or _MEAN.fullmatch(text):
        return Statistic(found["metric"])
    if found := _PERCENTILE.fullmatch(text):
        if found["percent"] == "00":
            _refuse(option, text, "the percentile p00, allowed are p01 to p99")
        return Statistic(found["metric"], level=int(found["percent"]) / 100.0)
    if found := _SHARE.fullmatch(text):
        bound = _number(found["number"], option)
        if is_chance(found["metric"]):
            _refuse_beyond(found["number"], bound, option)
        return Statistic(found["metric"], op=found["op"], bound=bound)
    word, called, _ = text.partition("(")
    known = f"the statistic `{word}`, known are mean, p01 to p99 and p"
    return _refuse(option, text, known if called else "no name of a metric")


def _number(text: str, option: str) -> float:
    """0.2, 20 %, $1,500,000 or 1.5e6"""
    bare = text.strip()
    share = bare.endswith("%")
    bare = bare.removesuffix("%").strip()
    if not _NUMBER.fullmatch(bare) or not re.search(r"\d", bare):
        _refuse(option, text, "which is no number, as in 0.2, 20 %, -1500000 or $1,500,000")
    number = float(bare.replace("$", "").replace(",", ""))
    return number / 100.0 if share else number


def _refuse(option: str, text: str, why: str) -> NoReturn:
    found = f"`{shortened(text)}`: {why}"
    raise BadInput([Problem(Mark(option, 0, 0), "", found, EXAMPLES)])
