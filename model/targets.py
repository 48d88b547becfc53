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


def parse(text: str, option: str = "--target") -> Target:
    """The target that a text says; BadInput where it says none."""
    found = _SPLIT.fullmatch(text.strip())
    if found is None:
        _refuse(option, text, "no comparison with a number" if text.strip() else "nothing")
    left = found["left"].strip()
    if left.startswith("p(") and not left.endswith(")"):
        _refuse(option, text, "no comparison of the share with a number")
    statistic = parse_statistic(left, option)
    return Target(statistic, found["op"], _number(found["number"], option))


def parse_statistic(text: str, option: str) -> Statistic:
    """`METRIC`, `mean(METRIC)`, `p05(METRIC)` or `p(METRIC > VALUE)`."""
    text = text.strip()
    if found := _PLAIN.fullmatch(text) or _MEAN.fullmatch(text):
        return Statistic(found["metric"])
    if found := _PERCENTILE.fullmatch(text):
        if found["percent"] == "00":
            _refuse(option, text, "the percentile p00, allowed are p01 to p99")
        return Statistic(found["metric"], level=int(found["percent"]) / 100.0)
    if found := _SHARE.fullmatch(text):
        return Statistic(found["metric"], op=found["op"], bound=_number(found["number"], option))
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
