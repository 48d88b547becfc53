"""Numbers in words: three significant digits, thousands separated, never "-0".

A saving is positive: `change` says "less" for it and "more" for added spending, so that harm is
read, not inferred from a sign.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable

CENT = 0.005

# How people say a unit of the engine: the number is multiplied, the words replace the unit.
SPOKEN: dict[str, tuple[float, str]] = {
    "1": (1.0, ""),
    "events/person-month": (12_000.0, "per 1,000 person-years"),
    "1/month": (1.0, "a month"),
    "1/year": (1.0, "a year"),
    "USD/person-month": (1.0, "USD a person and month"),
    "USD/post-month": (12.0, "USD a post and year"),
    "USD/slot-month": (12.0, "USD a slot and year"),
    "USD/month": (12.0, "USD a year"),
    "month": (1.0, "months"),
    "persons/post": (1.0, "persons a post"),
    "persons/month": (1.0, "persons a month"),
    "units/month": (1.0, "units a month"),
}
_HARMLESS = re.compile(r"\s*[+-]?[\d.,]+(e[+-]?\d+)?%?\s*", re.IGNORECASE)


def significant(x: float, digits: int = 3) -> float:
    """x rounded to so many significant digits; 0 for what is not finite."""
    if x == 0 or not math.isfinite(x):
        return 0.0
    return round(x, digits - 1 - math.floor(math.log10(abs(x))))


def number(x: float, digits: int = 3) -> str:
    """48,643.25 -> 48,600; 70.08 -> 70.1; 0.0776 -> 0.0776"""
    r = significant(x, digits)
    if r == 0:
        return "0"
    if abs(r) < 1e-4:
        return f"{r:.{digits}g}"
    decimals = max(0, digits - 1 - math.floor(math.log10(abs(r))))
    text = f"{r:,.{decimals}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def count(x: float) -> str:
    """Things that are counted: 48,643.25 -> 48,600; 82.7 -> 83; 3.15 -> 3.2"""
    if abs(x) < CENT:
        return "0"
    return number(x, 3) if abs(x) >= 99.5 else number(x, 2)


def money(x: float) -> str:
    """$1.24 million, $29,400, $91, $0.08; a loss is -$1.24 million"""
    return _money(x, (("billion", 1e9), ("million", 1e6)), " ")


def short_money(x: float) -> str:
    """$1.24M, $29.4k, $91, $0.08: for tables"""
    return _money(x, (("B", 1e9), ("M", 1e6), ("k", 1e3)), "")


def _money(x: float, scales: tuple[tuple[str, float], ...], space: str) -> str:
    r = significant(x) if abs(x) >= CENT else 0.0
    sign = "-" if r < 0 else ""
    size = abs(r)
    for word, scale in scales:
        if size >= scale:
            return f"{sign}${_three(size / scale)}{space}{word}"
    if size == 0:
        return "$0"
    return f"{sign}${size:,.2f}" if size < 10 else f"{sign}${size:,.0f}"


def _three(x: float) -> str:
    """Three significant digits, zeros kept: 1.20, 73.0, 156"""
    return f"{x:,.{max(0, 2 - math.floor(math.log10(x)))}f}"


LESS_MORE = ("less", "more")


def change(saved: float, words: tuple[str, str] = LESS_MORE) -> str:
    """$29,400 less; $1.2 million more; no change"""
    text = money(abs(saved))
    if text == "$0":
        return "no change"
    return f"{text} {words[0] if saved > 0 else words[1]}"


def change_interval(low: float, high: float, words: tuple[str, str] = LESS_MORE) -> str:
    """Of a saving: $598,000 more to $517,000 less; $1.2 million to $1.9 million less"""
    first, last = change(low, words), change(high, words)
    if first == last:
        return first
    if low >= 0 and first != "no change":
        return f"{money(low)} to {last}"
    if high <= 0 and last != "no change":
        return f"{money(-high)} to {first}"
    return f"{first} to {last}"


def interval(low: float, high: float) -> str:
    """-$598,000 to $517,000"""
    return f"{money(low)} to {money(high)}"


def short_interval(low: float, high: float) -> str:
    """-$598k to $517k; nothing where both ends read the same"""
    first, last = short_money(low), short_money(high)
    return "" if first == last else f"{first} to {last}"


def result(net: float) -> str:
    """a net gain of $1.2 million; a net cost of $1.2 million"""
    text = money(abs(net))
    if text == "$0":
        return "neither gain nor loss"
    return f"a net {'gain' if net > 0 else 'cost'} of {text}"


def result_interval(low: float, high: float) -> str:
    """$19.2 million to $28.0 million; a cost of $1.00 million to a gain of $2.00 million"""
    if high <= 0:
        return f"{money(-high)} to {money(-low)}"
    if low >= 0:
        return interval(low, high)
    return f"a cost of {money(-low)} to a gain of {money(high)}"


def of_hundred(share: float) -> str:
    """12; below 1 and above 99 only where some draws differ."""
    if 0 < share < 0.01:
        return "<1"
    if 0.99 < share < 1:
        return ">99"
    return f"{100 * share:.0f}"


def chance(share: float) -> str:
    """in 12 of 100 draws; in no draw; in every draw"""
    if share <= 0:
        return "in no draw"
    if share >= 1:
        return "in every draw"
    text = of_hundred(share)
    words = {"<1": "fewer than 1", ">99": "more than 99"}
    return f"in {words.get(text, text)} of 100 draws"


def percent(share: float) -> str:
    """0.0123 -> 1.2 %"""
    return f"{number(100 * share, 2)} %"


def points(share: float) -> str:
    """To a hundredth of a per cent: -5.8e-7 -> 0.00 %; 0.0013 -> 0.13 %"""
    text = f"{100 * share:.2f}"
    return f"{'0.00' if float(text) == 0 else text} %"


def relative(saved: float, of: float) -> str:
    """0.13 % less; 2.1 % more; nothing where there is nothing to relate to"""
    if of <= 0:
        return ""
    share = percent(abs(saved) / of)
    return "no change" if share == "0 %" else f"{share} {'less' if saved > 0 else 'more'}"


def spoken(value: float, unit: str) -> tuple[str, str]:
    """A number and its unit as people say them: 0.0776 events/person-month -> 931 per 1,000 ..."""
    factor, words = SPOKEN.get(unit, (1.0, unit))
    return number(value * factor), words


def listed(words: Iterable[str]) -> str:
    """a, b and c"""
    items = list(words)
    if len(items) < 2:
        return "".join(items)
    return f"{', '.join(items[:-1])} and {items[-1]}"


def short_names(names: dict[str, str]) -> dict[str, str]:
    """Names without what stands in brackets at their end, where that leaves them distinct."""
    cut = {key: re.sub(r"\s*\([^()]*\)$", "", name) or name for key, name in names.items()}
    taken = list(cut.values())
    return {key: cut[key] if taken.count(cut[key]) == 1 else names[key] for key in names}


def capital(words: str) -> str:
    """Its first letter large: net present value -> Net present value"""
    return words[:1].upper() + words[1:]


def plural(count: int, one: str, many: str = "") -> str:
    """1 draw; 1,000 draws"""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def in_words(whole: int) -> str:
    """two to nine; 10 and more in figures"""
    words = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
    return words[whole] if whole < len(words) else f"{whole:,}"


def month_span(start: str, end: str) -> str:
    """2025-01 to 2029-12 -> 5 years"""
    months = months_of(start, end)
    if months % 12:
        return plural(months, "month")
    return plural(months // 12, "year")


MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip


def month_at(start: str, months: float) -> str:
    """So many whole months after the start: 2020-01, 35 -> December 2022"""
    year, month = map(int, start.split("-"))
    years, index = divmod(month - 1 + round(months), 12)
    return f"{MONTHS[index]} {year + years}"


def short_month_at(start: str, months: float) -> str:
    """Dec 2022"""
    month, year = month_at(start, months).split()
    return f"{month[:3]} {year}"


def months_of(start: str, end: str) -> int:
    """How many months from the first to the last, both counted."""
    (y0, m0), (y1, m1) = (map(int, text.split("-")) for text in (start, end))
    return 12 * (y1 - y0) + m1 - m0 + 1


def readable(name: str, names: dict[str, str]) -> str:
    """interventions.x.effects.ed_visit -> Health workers: effect on emergency visits"""
    parts = name.split(".")
    if parts[0] in {"parties", "segments", "services", "interventions"} and len(parts) > 1:
        parts = parts[1:]
    out: list[str] = []
    for before, part in zip(["", *parts], parts, strict=False):
        if before in JOINED and part in names:
            out[-1] = f"{JOINED[before]} {within(names[part])}"
        else:
            out.append(names.get(part, part.replace("_", " ")))
    return ": ".join(out)


# What a number of one thing is about another: effects.ed_visit -> effect on emergency visits.
JOINED = {"effects": "effect on", "use": "use of"}


def within(name: str) -> str:
    """A name in the middle of words: Emergency visit -> emergency visit; EMS run stays."""
    return name if name[:2].isupper() else name[:1].lower() + name[1:]


def cell(text: str) -> str:
    """Text for a CSV cell: what a spreadsheet would take for a formula gets a leading quote."""
    if text.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) and not _HARMLESS.fullmatch(text):
        return "'" + text
    return text


# What a reader outside the field asks first, in plain words.
GLOSSARY = (
    (
        "Rescue services",
        (
            "what is used when things have gone wrong: emergency visits, hospital stays, "
            "ambulances, jail and shelter, as the scenario lists them"
        ),
    ),
    ("Usual care", "the same people and years without the interventions"),
    (
        "Draw",
        (
            "one run of the model with every uncertain input set to a value that it may have; both "
            "worlds share it"
        ),
    ),
    ("90 % interval", "from the 5th to the 95th of 100 draws put in order"),
    (
        "Avoided",
        "spending in usual care less spending with the interventions; no payment to anybody",
    ),
    ("Added care", "services that rise because people are served, such as outpatient visits"),
    (
        "Not freed",
        (
            "the part of avoided spending that no payer keeps. Who pays prices is charged for "
            "others who use the freed capacity (back-fill); of a budget only the marginal cost and "
            "whole blocks of capacity leave"
        ),
    ),
    ("Net result", "avoided - added care - not freed - programme cost"),
    ("Person-year served", "one person in an intervention for twelve months, or two for six"),
    ("Slots", "the most people that the staff in post can serve at a time"),
    (
        "Preventable floor",
        (
            "the use of a service that no intervention can prevent; an effect that would go below "
            "is cut off there"
        ),
    ),
)
