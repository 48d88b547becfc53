"""A sensitivity study in words and tables: at the terminal, as JSON, and for the page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from model.problems import printable
from model.sensitivity.study import Row, Study

from .screen import numbers, text
from .screen import table as plain_table
from .sensitivity_answer import (
    GIVEN_DRAWS,
    Told,
    amount,
    answer,
    bare,
    index,
    per,
    samples_of,
    signed,
    told,
)
from .wording import CENT, capital, plural

__all__ = ["CALLED", "Told", "as_json", "show", "told"]

SHOWN = 12
WIDE = 112  # columns of a terminal that has room for what a number is about
EVERYWHERE = "all are on the page and in sensitivity.csv"
# What an index is, in a reader's words.
MEANS = {
    "tornado": (
        "Each number goes from its low to its high value (5th to 95th percentile; levers that are "
        "held fixed: 20 % less to 20 % more) while all others keep their draws and luck. Shown is "
        "how the mean changes at both, and the largest change between low, as drawn and high with "
        "the 90 % interval of that mean. Facts and levers are moved by different measures: compare "
        "within each, not across. Chance is not in a tornado: use sobol or morris."
    ),
    "sobol": (
        "Total: the share of the variance that would be left if all else were known, with what the "
        "number does together with others. First: the share that would go if it alone were known. "
        "Together the first-order shares are at most 1, the total ones at least. Chance is a "
        "factor of its own. Estimates can lie below 0 or above 1 by accident."
    ),
    "morris": (
        "mu*: the mean size of the change when one number moves by two thirds of its 5-95 % span "
        "(5th to 65th, or 35th to 95th percentile), from many starting points. Good for telling "
        "what does not matter; not a share of anything. Its points are a design, so that their "
        "mean and spread are not those of the outcome."
    ),
    "pawn": (
        "Median distance between the outcome's distribution with and without knowing a tenth of "
        "the number (0: none, 1: all). Of tied numbers the one that tells most. Chance is not "
        "ranked."
    ),
    "delta": (
        "Mean shift of the outcome's density once the number is known (0: none, 1: all). Of tied "
        "numbers the one that tells most. Chance is not ranked."
    ),
    "regional": (
        "Distance between the number's distributions in the better and in the worse half of the "
        "outcome (0: none, 1: all); a yes or no is split by its value. Of tied numbers the one "
        "that tells most. Chance is not ranked."
    ),
}
CALLED = {
    "tornado": "largest change",
    "sobol": "total share",
    "morris": "mu*",
    "pawn": "PAWN",
    "delta": "delta",
    "regional": "distance",
}


# --- tables


def columns(s: Study) -> list[str]:
    if s.method == "tornado":
        return ["at low", "at high", "largest", "90 % interval"]
    if s.method == "sobol":
        return ["first", "90 %", "total", "90 %"]
    return [CALLED[s.method], "90 % interval"]


def cells(s: Study, row: Row) -> list[str]:
    if s.method == "tornado":
        assert row.outcome is not None
        changes = [signed(s, at - s.mean) for at in row.outcome]
        return [*changes, signed(s, row.value), _between(s, row)]
    if s.method == "sobol":
        assert row.first is not None
        value, low, high = row.first
        total = _share(row.value), _span(row.low, row.high)
        return [_share(value), _span(low, high), *total]
    if s.method == "morris":
        return [bare(s, row.value), _between(s, row)]
    return [index(row.value), f"{index(row.low)} to {index(row.high)}"]


def _between(s: Study, row: Row) -> str:
    tell = signed if s.method == "tornado" else bare
    return f"{tell(s, row.low)} to {tell(s, row.high)}"


def _span(low: float, high: float) -> str:
    return f"{_share(low)} to {_share(high)}"


def _share(x: float) -> str:
    """0.58, and never -0.00"""
    return f"{x + 0.0 if abs(x) >= CENT else 0.0:.2f}"


def nothing(s: Study, row: Row) -> bool:
    """Whether a row reads as nothing from end to end."""
    zero = row._replace(value=0.0, low=0.0, high=0.0, outcome=(s.mean, s.mean))
    if row.first is not None:
        zero = zero._replace(first=(0.0, 0.0, 0.0))
    return cells(s, row) == cells(s, zero)


def parts(s: Study) -> list[tuple[str, list[Row]]]:
    """Facts and levers apart: nobody can choose a fact."""
    facts = [r for r in s.rows if r.factor.role != "lever"]
    levers = [r for r in s.rows if r.factor.role == "lever"]
    chance = any(r.factor.role == "chance" for r in facts)
    title = "Facts about the world, and chance" if chance else "Facts about the world"
    if s.method == "tornado":
        title += ": 5th to 95th percentile"
    found = [(title, facts), (lever_title(s), levers)]
    return [(title, rows) for title, rows in found if rows]


def lever_title(s: Study) -> str:
    """Levers, and by how much they were moved."""
    return (
        "Levers: 20 % less to 20 % more, or 5th to 95th percentile"
        if s.method == "tornado"
        else "Levers"
    )


def in_unit(s: Study, title: str) -> str:
    """A title with the unit of the numbers below it."""
    if s.method not in ("tornado", "morris"):
        return title
    unit = "$" + per(s) if "USD" in s.output.unit else per(s).strip()
    return f"{title} ({unit})" if unit else title


def beside(t: Told, row: Row) -> str:
    """What stands under a number's name: its low and high value, what it rests on."""
    return "; ".join(filter(None, [t.span(row), t.basis(row.factor)]))


def table(t: Told, title: str, rows: Sequence[Row], width: int) -> Table:
    """The leading rows, as wide as the screen: the names are folded, numbers never."""
    s = t.study
    out = plain_table(in_unit(s, title), "number")
    if width >= WIDE:
        out.add_column("about", style="dim", no_wrap=True)
    numbers(out, *columns(s))
    for row in rows:
        name = Text(printable(t.label(row.factor)))
        if words := beside(t, row):
            name.append(f"\n  {printable(words)}", style="dim")
        about = [row.factor.meaning] if width >= WIDE else []
        out.add_row(name, *about, *cells(s, row))
    return out


def folded(s: Study, rows: Sequence[Row]) -> tuple[list[Row], str]:
    """The rows that are shown, and how many others there are."""
    some = [row for row in rows if not nothing(s, row)]
    more, still = len(some[SHOWN:]), len(rows) - len(some)
    told_of = [f"{more} more: {EVERYWHERE}"] if more else []
    if still:
        told_of.append(f"{plural(still, 'other')}: nothing")
    return some[:SHOWN], "; ".join(told_of)


def subtitle(t: Told, scenario: str) -> str:
    s = t.study
    return f"{scenario}, {s.method}, {s.samples:,} {samples_of(s)}, {s.runs:,} runs of the model"


def spread(s: Study) -> str:
    """Mean and standard deviation; nothing without rows, or for the design of Morris."""
    if math.isnan(s.mean) or not s.rows:
        return ""
    return f"mean {amount(s, s.mean)}, standard deviation {amount(s, s.sd)}"


def show(told_of: Sequence[Told], scenario: str, out: Console) -> None:
    """At the terminal: the answer, the tables, what the index means, what to trust."""
    for t in told_of:
        for line in _lines(t, scenario, out.width):
            out.print(line)
        out.print()


def _lines(t: Told, scenario: str, width: int) -> Iterator[RenderableType]:
    s = t.study
    yield text(f"{capital(t.outcome)} ({s.output.name})", "bold")
    yield text(subtitle(t, scenario))
    if words := spread(s):
        yield text(words)
    yield Text()
    yield from map(text, answer(t))
    yield Text()
    for title, rows in parts(s):
        shown, others = folded(s, rows)
        if shown:
            yield table(t, title, shown, width)
        else:
            yield text(title, "bold")
        if others:
            yield text(others, "dim")
        yield Text()
    if s.rows:
        yield text(MEANS[s.method], "dim")


def as_json(t: Told) -> dict[str, Any]:
    """Everything, by key."""
    s = t.study
    return {
        "output": s.output.name,
        "outcome": t.outcome,
        "unit": s.output.unit,
        "method": s.method,
        "samples": s.samples,
        "runs": s.runs,
        "missing": s.missing,
        "mean": None if math.isnan(s.mean) else s.mean,
        "sd": None if math.isnan(s.sd) else s.sd,
        "trust": s.trust._asdict() if s.trust else None,
        "inert": s.inert if s.method in GIVEN_DRAWS else None,
        "alone": s.alone,
        "chance_ranked": s.method in ("sobol", "morris"),
        "problem": s.problem or None,
        "answer": answer(t),
        "rows": [_row_json(t, row) for row in s.rows],
    }


def _row_json(t: Told, row: Row) -> dict[str, Any]:
    return {
        "factor": row.factor.name,
        "label": t.label(row.factor),
        "meaning": row.factor.meaning,
        "role": row.factor.role,
        "basis": t.basis(row.factor),
        "value": row.value,
        "low": row.low,
        "high": row.high,
        "first": row.first,
        "ends": row.ends,
        "unit": t.units.get(row.factor.members[0]) if row.ends else None,
        "outcome": row.outcome,
    }
