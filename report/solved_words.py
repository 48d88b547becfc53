"""Thresholds in words: the answer, how sure it is, and what to know before quoting it."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

from model.thresholds import Root
from model.varied import middle

from .solved_view import number_name, value
from .wording import capital, listed, money, number, plural

if TYPE_CHECKING:
    from .solved import Solved

MOST_NAMES = 6
WORTH = ("dues_per_member", "highest_dues")
UNPRICED = (
    "members join, and buy, whatever the price: in the model demand answers to trust only. A price "
    "far above today's has to be put to those who would pay it"
)
_PRICES = ("financing.dues.", "financing.fees.")
# What a network is there to have more of: a target met only by less of it needs a second look.
_WANTED = re.compile(r"(\.effects\.|need_effects\.|staff\.posts$|caseload|capacity|\.reach)")


def sentences(s: Solved) -> list[str]:
    """The answer, and what it is worth."""
    a = s.answer
    out = [_threshold(s, root) for root in a.roots] or [_no_threshold(s)]
    if len(a.roots) > 1:
        spans = listed(f"from {_at(s, x)} to {_at(s, y)}" for x, y in a.holds)
        out.insert(0, f"There are {len(a.roots)} thresholds; the target holds {spans}.")
    if a.indistinct:
        out.append("Their intervals overlap: these draws cannot tell them apart. Use more draws.")
    return [*out, *_few(s), *_worth(s), *_less(s)]


def _threshold(s: Solved, root: Root) -> str:
    way = "from" if root.side == "above" else "up to"
    direction = "upward" if root.side == "above" else ""
    told = f"The target holds {way} {_at(s, root.value)} {direction}".rstrip()
    told += f" (90 % interval {_ends(s, root.low, root.high)}, {plural(s.answer.draws, 'draw')})."
    told += f" There it comes to {value(root.reached, s.unit)}"
    told += f", Monte Carlo standard error {value(root.error, s.unit)}."
    if root.whole is not None:
        holds = "holds" if root.whole.holds else "does not hold"
        told += f" In whole numbers: {number(root.whole.value)}, where the target {holds}"
        told += f" ({value(root.whole.reached, s.unit)})."
    if root.elsewhere >= 0.005:
        told += f" In {100 * root.elsewhere:.0f} % of resamples it lies outside the range tried."
    return told + _by_draw(s, root)


def _by_draw(s: Solved, root: Root) -> str:
    d = root.by_draw
    if d is None:
        return ""
    return (
        " What is uncertain about the world is in the mean. Draw by draw the threshold lies at "
        f"{_ends(s, d.p05, d.p95)} (90 % of draws; middle {_end(s, d.p50)}); "
        f"{100 * d.inside:.0f} % of draws have one in the range."
    )


def _no_threshold(s: Solved) -> str:
    a = s.answer
    first, last = a.curve[0], a.curve[-1]
    head = "The target holds at every value tried" if a.verdict == "always" else "No solution"
    ends = f"at {_at(s, a.low)} it comes to {value(first.reached, s.unit)}"
    ends += f", at {_at(s, a.high)} to {value(last.reached, s.unit)}"
    told = f"{head}: {ends}."
    told += f" Best at {_at(s, a.best.value)}: {value(a.best.reached, s.unit)}"
    told += f" (90 % interval {value(a.best.low, s.unit)} to {value(a.best.high, s.unit)})."
    if a.verdict == "never":
        told += " --low and --high look further."
    return told


def _few(s: Solved) -> list[str]:
    """Too few draws for the interval to be what it says."""
    needed = max((root.few for root in s.answer.roots), default=0.0)
    if not needed:
        return []
    statistic = s.answer.target.statistic
    if statistic.is_mean and not statistic.is_chance:
        why = "a few draws carry this mean, so the interval may be too narrow"
    else:
        why = "fewer than ten draws lie in the tail, so the answer rests on single draws"
    more = f"use {number(needed, 2)} or more" if needed < 1e6 else "more draws tell it better"
    return [f"{capital(plural(s.answer.draws, 'draw'))} are few here: {why}; {more}."]


def _worth(s: Solved) -> list[str]:
    """Dues at the threshold, or at the best value, beside what membership is worth."""
    a, at = s.answer, {o.metric: k for k, o in enumerate(s.asked.outputs[1:])}
    if not set(WORTH) <= set(at) or not s.varied.path.startswith("financing.dues."):
        return []
    wanted = a.roots[0].value if a.roots else a.best.value
    row = next(row for e, row in zip(a.curve, a.also, strict=True) if e.value == wanted)
    paid, worth = (float(row[at[metric]]) for metric in WORTH)
    where = "the threshold" if a.roots else _at(s, wanted)
    told = (
        f"At {where} dues are {money(paid)} a member and year on average, against about "
        f"{money(worth)} at most that pay for a member"
    )
    if paid > worth:
        return [f"{told}: more than membership is worth, so nobody can be expected to pay it."]
    return [f"{told}: within what membership is worth."]


def _less(s: Solved) -> list[str]:
    """A target that only less of something wanted meets is no advice to have less of it."""
    a = s.answer
    only = bool(a.roots) and all(root.side == "below" for root in a.roots)
    if not only or not all(_WANTED.search(name) for name in s.varied.names):
        return []
    thing = "a weaker effect" if s.varied.how == "strength" else f"less of it ({s.number})"
    ends = f"from {value(a.curve[0].reached, s.unit)} at {_at(s, a.low)}"
    ends += f" to {value(a.curve[-1].reached, s.unit)} at {_at(s, a.high)}"
    return [
        (
            f"The target is met by {thing}, not by more: {s.reached} goes {ends}. "
            "That is no advice: it says that whoever is asked about loses by more of it, as a "
            "provider who is paid by volume does when visits fall, or a payer for whom more "
            "service costs more than it saves."
        )
    ]


def _at(s: Solved, x: float) -> str:
    unit = s.varied.unit
    if s.varied.how != "value":
        return f"factor {number(x)}"
    if unit.startswith("USD"):
        return (money(x) + unit.removeprefix("USD").replace("/", " a ")).strip()
    return number(x) if unit in ("1", "ratio") else f"{number(x)} {unit}"


def _end(s: Solved, x: float) -> str:
    if math.isfinite(x):
        return number(x)
    return f"below {number(s.answer.low)}" if x < 0 else f"above {number(s.answer.high)}"


def _ends(s: Solved, low: float, high: float) -> str:
    return f"{_end(s, low)} to {_end(s, high)}"


# --- what to know before quoting the answer


def notes(s: Solved) -> list[tuple[str, str]]:
    v, a = s.varied, s.answer
    role = {"lever": "a lever", "fact": "a fact about the world"}.get(v.role, v.role)
    span = f"from {_at(s, a.low)} to {_at(s, a.high)}; in the file {_at(s, v.now)}"
    out = [("varied", f"{s.number} ({v.path}, {role}): {v.says}; {span}")]
    if len(v.names) > 1:
        more = f" and {len(v.names) - MOST_NAMES} more" if len(v.names) > MOST_NAMES else ""
        told = "; ".join(number_name(name, s.names) for name in v.names[:MOST_NAMES])
        out.append(("numbers", told + more))
    out += _strength(s)
    if any(name in pair.between for name in v.names for pair in s.loaded.scenario.correlations):
        out.append(("correlated", "what is tied to it by a rank correlation stays as drawn"))
    if v.whole == "rounded":
        out.append(("rounded", "the model rounds it to whole months: the curve has steps"))
    if v.path.startswith(_PRICES) and v.path.endswith(("amount", "price")):
        out.append(("demand", UNPRICED))
    out.append(("interval", _interval(s)))
    if (known := min(e.known for e in a.curve)) < 1.0:
        out.append(("left out", f"draws without such a value, up to {100 * (1 - known):.0f} %"))
    out.append(("runs", f"{len(a.curve)} values on the same {plural(a.draws, 'draw')} and luck"))
    return out


def _strength(s: Solved) -> list[tuple[str, str]]:
    """What a factor on effects means, and which of them do harm."""
    if s.varied.how != "strength":
        return []
    told = "0 is no effect, 1 the effect as published, 2 its squared ratio"
    harmful = [name for name in s.varied.names if middle(s.loaded, name) > 1.0]
    if harmful:
        which = "; ".join(number_name(name, s.names) for name in harmful[:MOST_NAMES])
        told += (
            f". Use that rises (a ratio above 1) grows with it: {len(harmful)} of "
            f"{len(s.varied.names)}, {which}"
        )
    return [("factor on effects", told)]


def _interval(s: Solved) -> str:
    statistic = s.answer.target.statistic
    how = "bootstrap over the common draws (400 resamples, solved again on the curve)"
    if statistic.level is not None:
        how = "where the limits of order statistics cross the bound"
    elif not s.answer.resampled:
        how = "where the limits of a chance (Wilson 1927) cross the bound"
    return f"{how}: what a number of draws leaves open, and nothing else"
