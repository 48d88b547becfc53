"""A sensitivity study in words and tables: at the terminal, as JSON, and for the page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from model.loading import Loaded
from model.problems import printable
from model.sensitivity.bootstrap import FINE
from model.sensitivity.factors import Factor
from model.sensitivity.study import Row, Study

from .outcome_names import names_of, outcome
from .wording import CENT, capital, number, plural, readable, short_money

SHOWN = 12
ALL_ALONE = 0.95
# What an index is, in a reader's words.
MEANS = {
    "tornado": (
        "Each number goes from its low to its high value (5th to 95th percentile; levers that are "
        "held fixed: 20 % less to 20 % more) while all others keep their draws and luck. The bar "
        "is the mean change; its interval is that of the mean."
    ),
    "sobol": (
        "Total: the share of the variance that would be left if all else were known, with what the "
        "number does together with others. First: the share that would go if it alone were known. "
        "Together the first-order shares are at most 1. Chance is a factor of its own."
    ),
    "morris": (
        "mu*: the mean size of the change when one number moves by two thirds of its range, from "
        "many starting points. Good for telling what does not matter; not a share of anything."
    ),
    "pawn": (
        "Median distance between the outcome's distribution with and without knowing a tenth of "
        "the number (0: none, 1: all)."
    ),
    "delta": "Mean shift of the outcome's density once the number is known (0: none, 1: all).",
    "regional": (
        "Distance between the number's distributions in the better and in the worse half of the "
        "outcome (0: none, 1: all)."
    ),
}
CALLED = {
    "tornado": "mean change",
    "sobol": "total share",
    "morris": "mu*",
    "pawn": "PAWN",
    "delta": "delta",
    "regional": "distance",
}
GIVEN_DRAWS = ("pawn", "delta", "regional")


class Told(NamedTuple):
    """A study with what its factors are called."""

    study: Study
    names: dict[str, str]

    def label(self, factor: Factor) -> str:
        """A factor in words; tied ones together."""
        if not factor.members or factor.name == factor.meaning:
            return f"{factor.name}: awards and claims" if not factor.members else factor.name
        return " with ".join(readable(member, self.names) for member in factor.members)

    @property
    def outcome(self) -> str:
        """The outcome in words."""
        return outcome(self.study.output.name, self.names)


def told(loaded: Loaded, studies: Sequence[Study]) -> list[Told]:
    names = names_of(loaded)
    return [Told(study, names) for study in studies]


# --- the answer


def answer(t: Told) -> list[str]:
    """What the study comes to, in a few sentences."""
    s = t.study
    if not s.rows:
        return [f"Nothing that is uncertain moves it: {t.outcome} is {amount(s, s.mean)} always."]
    leading = s.rows[0]
    first = f"What matters most is {t.label(leading.factor)}"
    if s.method == "sobol":
        left = "of the variance would be left if all else were known"
        first += f": {share(leading.value)} {left}"
    if s.method == "tornado":
        first += (
            f": from its low to its high value it changes the mean by {amount(s, leading.value)}"
        )
    out = [first + ".", *_rest(t)]
    if judged := trusted(s):
        out.append(judged)
    return out


def _rest(t: Told) -> Iterator[str]:
    s = t.study
    if s.method == "sobol":
        single = sum(max(r.first[0], 0.0) for r in s.rows if r.first)
        alone = f"Alone, all numbers together make {share(single)} of the variance; the rest is"
        hardly = "Nearly all of the variance is what numbers make alone, not together."
        yield hardly if single > ALL_ALONE else f"{alone} what they do together."
        chance = next((r for r in s.rows if r.factor.role == "chance"), None)
        if chance:
            made = share(max(chance.value, 0.0))
            yield f"Chance (awards, claims) makes {made}; the rest is inputs."
    if s.method in GIVEN_DRAWS:
        above = sum(r.low > s.inert for r in s.rows)
        yield (
            f"{plural(above, 'number stands', 'numbers stand')} above {s.inert:.2f}, which a "
            "number without any influence could reach by accident."
        )
    levers = [r for r in s.rows if r.factor.role == "lever"]
    if levers and s.method == "tornado":
        name, moved = t.label(levers[0].factor), amount(s, levers[0].value)
        yield f"Of the levers {name} moves it most ({moved})."


def trusted(s: Study) -> str:
    """Whether the ranking can be trusted, and about how many runs it would take."""
    if s.trust is None:
        return ""
    t = s.trust
    after = f"(in at least 90 % of resamples) after {t.runs:,} runs"
    if t.leading == 0:
        sure = f"Which of the first two comes first is not sure after {t.runs:,} runs"
    elif t.leading == 1:
        sure = f"The first place is sure {after}, the order behind it is not"
    else:
        sure = f"The order of the first {t.leading} is sure {after}"
    if t.enough:
        return sure + "."
    if t.needed > 1e8:
        return f"{sure}; no number of runs would tell them apart."
    return f"{sure}; about {significant_count(t.needed)} would do (intervals within {FINE:g})."


def significant_count(count: int) -> str:
    digits = 10 ** max(int(math.log10(max(count, 1))) - 1, 0)
    return f"{math.ceil(count / digits) * digits:,}"


def share(x: float) -> str:
    return f"{100.0 * x:.0f} %"


def amount(s: Study, x: float) -> str:
    """A value of the outcome in its unit."""
    if "USD" in s.output.unit:
        return short_money(x) + s.output.unit.replace("USD", "")
    if s.output.unit == "1":
        return f"{100.0 * x:.1f} %"
    return f"{number(x)} {s.output.unit}"


# --- tables


def columns(s: Study) -> list[str]:
    if s.method == "tornado":
        return ["low", "high", "at low", "at high", CALLED[s.method], "90 % interval"]
    if s.method == "sobol":
        return ["first share", "90 %", CALLED[s.method], "90 %"]
    return [CALLED[s.method], "90 %"]


def cells(s: Study, row: Row) -> list[str]:
    if s.method == "tornado":
        assert row.ends is not None and row.outcome is not None
        return [
            *(number(x) for x in row.ends),
            *(amount(s, x) for x in row.outcome),
            amount(s, row.value),
            f"{amount(s, row.low)} to {amount(s, row.high)}",
        ]
    if s.method == "sobol":
        assert row.first is not None
        value, low, high = row.first
        total = _share(row.value), _span(row.low, row.high)
        return [_share(value), _span(low, high), *total]
    if s.method == "morris":
        return [amount(s, row.value), f"{amount(s, row.low)} to {amount(s, row.high)}"]
    return [_share(row.value), _span(row.low, row.high)]


def _span(low: float, high: float) -> str:
    return f"{_share(low)} to {_share(high)}"


def _share(x: float) -> str:
    """0.58, and never -0.00"""
    return f"{x + 0.0 if abs(x) >= CENT else 0.0:.2f}"


def parts(s: Study) -> list[tuple[str, list[Row]]]:
    """Facts and levers apart: nobody can choose a fact."""
    facts = [r for r in s.rows if r.factor.role != "lever"]
    levers = [r for r in s.rows if r.factor.role == "lever"]
    found = [("Facts about the world, and chance", facts), ("Levers", levers)]
    return [(title, rows) for title, rows in found if rows]


def table(t: Told, title: str, rows: Sequence[Row], most: int = SHOWN) -> Table:
    out = Table(title=title, box=None, title_justify="left", title_style="bold", pad_edge=False)
    out.add_column("number", overflow="fold", min_width=24)
    out.add_column("about", style="dim")
    for name in columns(t.study):
        out.add_column(name, justify="right")
    for row in rows[:most]:
        out.add_row(printable(t.label(row.factor)), row.factor.meaning, *cells(t.study, row))
    if len(rows) > most:
        out.add_row(f"{len(rows) - most} more", "", *[""] * len(columns(t.study)))
    return out


def subtitle(t: Told, scenario: str) -> str:
    s = t.study
    unit = {"sobol": "base samples", "morris": "trajectories"}.get(s.method, "draws")
    return f"{scenario}, {s.method}, {s.samples:,} {unit}, {s.runs:,} runs of the model"


def show(told_of: Sequence[Told], scenario: str, out: Console) -> None:
    """At the terminal: the answer, the tables, what the index means, what to trust."""
    for t in told_of:
        s = t.study
        lines: list[RenderableType] = [
            Text(printable(f"{capital(t.outcome)} ({s.output.name})"), style="bold"),
            Text(subtitle(t, printable(scenario))),
            Text(f"mean {amount(s, s.mean)}, standard deviation {amount(s, s.sd)}"),
            Text(),
            *(Text(printable(words)) for words in answer(t)),
            Text(),
        ]
        for title, rows in parts(s):
            lines += [table(t, title, rows), Text()]
        lines.append(Text(MEANS[s.method], style="dim"))
        for line in lines:
            out.print(line)
        out.print()


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
        "mean": s.mean,
        "sd": None if math.isnan(s.sd) else s.sd,
        "trust": s.trust._asdict() if s.trust else None,
        "inert": s.inert if s.method in GIVEN_DRAWS else None,
        "answer": answer(t),
        "rows": [
            {
                "factor": row.factor.name,
                "label": t.label(row.factor),
                "meaning": row.factor.meaning,
                "role": row.factor.role,
                "value": row.value,
                "low": row.low,
                "high": row.high,
                "first": row.first,
                "ends": row.ends,
                "outcome": row.outcome,
            }
            for row in s.rows
        ],
    }
