"""What changed between two scenarios, in sentences and amounts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from . import wording
from .changes_figures import DEFAULT, POLICY

KEYS = {"frame": "frame", "assumptions": "assumption", "levers": "lever"}
SMALL = 1e-9  # of the largest value: adds nothing
POINTS = "share"
ZERO_TO_ONE = "1"
Z95 = 1.96  # standard errors to either side of a mean in 95 of 100
REVENUE = ("dues", "fees", "contracts", "hard_wiring", "grants")


def amount(x: float, shown_as: str) -> str:
    """-$366k, -62 points, 1.8 months"""
    if shown_as.partition("/")[0] == "USD":
        return wording.short_money(x) + shown_as.removeprefix("USD").replace("/", " a ")
    if shown_as == POINTS:
        return f"{wording.number(100 * x, 2)} points"
    unit = "" if shown_as == ZERO_TO_ONE else f" {shown_as.partition('/')[0]}"
    return f"{wording.number(x)}{unit}"


def level(x: float, shown_as: str) -> str:
    return f"{wording.number(100 * x)} %" if shown_as == POINTS else amount(x, shown_as)


def sentences(o: dict[str, Any], draws: int) -> Iterator[str]:
    """From where to where, and by what; of a chance its standard error, never its 0s and 1s."""
    as_ = o["shown_as"]
    before, after = o["lines"][DEFAULT]["mean"], o["lines"][POLICY]["mean"]
    title = wording.capital(o["meaning"])
    if not o["parts"]:
        yield f"{title}: the two scenarios compute with the same numbers."
        return
    kinds = [
        f"{amount(o[key]['mean'], as_)} {words}"
        for key, words in (
            ("assumptions", "from what is assumed"),
            ("levers", "from what is decided"),
            ("frame", "from how it is calculated"),
        )
        if any(KEYS[key] == part["kind"] for part in o["parts"])
        and (key != "frame" or matters(o["frame"]["mean"], o))
    ]
    yield (
        f"{title} goes from {level(before, as_)} to {level(after, as_)}, a difference of "
        f"{_with_interval(o['difference'], o)}: {wording.listed(kinds)}."
    )
    if not matters(o["difference"]["mean"], o) and error(o["difference"]) == 0.0:
        sure = wording.number(300.0 / draws, 2)
        known = f": a difference in {sure} % of draws or more would have shown, at 95 % confidence"
        yield f"It is the same in every draw{known if o['yes_no'] else ''}."
        return
    if within_error(o["difference"]):
        yield "That is within error: these draws do not show that the two differ."
    yield from _most(o)
    other = o["levers_under_first_assumptions"]
    if other is not None:
        more = o["levers"]["mean"] - other["mean"]
        yield (
            f"Under the first scenario's assumptions the levers would add "
            f"{amount(other['mean'], as_)}: {amount(more, as_)} of theirs is there only with "
            "the new assumptions."
        )
    yield from _dues_that_raise_insolvency(o)


def _most(o: dict[str, Any]) -> Iterator[str]:
    """The largest part that is beyond its error, and how many are not."""
    parts = [p for p in o["parts"] if matters(p["mean"], o)]
    shown = [p for p in parts if not within_error(p)]
    if len(parts) < 2:
        return
    unsure = len(parts) - len(shown)
    told = f"{wording.in_words(unsure)} of {wording.in_words(len(parts))} parts are within error"
    if not shown:
        yield "No single part is told apart from none: all are within error."
        return
    largest = max(shown, key=lambda p: abs(p["mean"]))
    words = f"The largest part is {largest['label']}: {amount(largest['mean'], o['shown_as'])}"
    yield f"{words}; {told}." if unsure else f"{words}."


def _dues_that_raise_insolvency(o: dict[str, Any]) -> Iterator[str]:
    """Money that comes in and does harm looks like a mistake, and is none."""
    found = [
        p["label"] + (" (here within error)" if within_error(p) else "")
        for p in o["parts"]
        if o["outcome"].startswith("p_insolvent") and p["kind"] == "lever"
        and p["key"].startswith(tuple(f"financing.{kind}." for kind in REVENUE))
        and all(c["from"] == "nothing" for c in p["changes"])
        and p["mean"] > 0.0 and matters(p["mean"], o)
    ]  # fmt: skip
    if found:
        raises = "raises" if len(found) == 1 else "raise"
        yield (
            f"{wording.capital(wording.listed(found))} {raises} the chance a little, though money "
            "comes in: with more in hand more staff is kept and more is spent before, so that in "
            "some draws the account runs out sooner."
        )


def error(spread: dict[str, float]) -> float:
    """Standard error of a mean: of the draws, and of the orders where they are sampled."""
    return float(np.hypot(spread["mcse"], spread.get("se_orders", 0.0)))


def within_error(spread: dict[str, float]) -> bool:
    """Whether the mean is no further from 0 than 1.96 of its standard errors."""
    return error(spread) > 0.0 and abs(spread["mean"]) <= Z95 * error(spread)


def _with_interval(spread: dict[str, float], o: dict[str, Any]) -> str:
    ends, what = between(spread, o), "95 % interval" if o["yes_no"] else "90 % of draws"
    told = amount(spread["mean"], o["shown_as"])
    return f"{told} ({what}: {ends})" if ends else told


def between(spread: dict[str, float], o: dict[str, Any]) -> str:
    """-100 to 0 points; nothing where both ends read the same.

    Where 90 % of draws lie; of a chance, which no single draw has, the 95 % interval of its mean.
    """
    as_, away = o["shown_as"], Z95 * error(spread)
    ends = (spread["mean"] - away, spread["mean"] + away)
    ends = ends if o["yes_no"] else (spread["p05"], spread["p95"])
    low, high = (amount(x, as_) for x in ends)
    unit = f" {high.split(' ', 1)[1]}" if " " in high else ""
    return "" if low == high else f"{low.removesuffix(unit)} to {high}"


def matters(x: float, o: dict[str, Any]) -> bool:
    largest = max(abs(s["mean"]) for s in (*o["lines"].values(), *o["parts"]))
    return bool(abs(x) > SMALL * largest)
