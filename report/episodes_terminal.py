"""Episodes at the terminal: the answer in words, then the tables that it comes from."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from . import episodes_story as story
from .episodes_data import Episodes, Row, Spread
from .screen import numbers, table, text, topics
from .terminal import WIDE, console, show
from .wording import number, of_hundred, points, short_interval, short_money

MEASURES = {"use": "units a\nmonth", "usd": "USD a\nmonth", "any": "of 100\npeople"}


def show_episodes(folder: Path, to: Console | None = None) -> None:
    """Everything in the order of the page; charts and people are on the page alone."""
    out, e = to or console(), Episodes(folder)
    show(out, list(_parts(e, out.width >= WIDE)))


def as_json(folder: Path) -> dict[str, Any]:
    """episodes.json without its people, and where the folder is."""
    summary = Episodes(folder).summary
    return {k: v for k, v in summary.items() if k != "people"} | {"folder": str(folder)}


def _parts(e: Episodes, wide: bool) -> Iterator[RenderableType]:
    yield Text.assemble(text(e.summary["title"], "bold"), "\n", text(story.heading(e), "dim"))
    yield Text("\n").join(text(sentence) for sentence in story.answer(e))
    if e.interventions:
        yield _queues(e, wide)
        yield _agreements(e)
        yield _avoided(e)
    if e.contracts:
        yield _contracts(e)
    for row in e.summary["selection"]:
        yield _selection(row)
    if e.summary["variation"]:
        yield _variation(e)
    yield topics(story.notes(e), "dim", 12)
    yield _where(e.folder)


def _cell(s: Spread | None, words: str, interval: bool = True) -> Text:
    """A mean, and its interval under it."""
    if s is None:
        return Text("-")
    between = story.between(s, words) if interval else ""
    shown = Text(story.told(s.mean, words))
    return shown.append(f"\n{between}", "dim") if between else shown


def _queues(e: Episodes, wide: bool) -> Table:
    made = table(f"Waiting and capacity ({story.interval_name(e)} below)", "intervention")
    numbers(made, "put on\nthe list", "enrolled", "half wait,\nmonths", "90 % wait,\nmonths")
    numbers(made, "give up,\nof 100")
    if wide:
        numbers(made, "enrolled in\n3 months,\nof 100")
    numbers(made, "slots in\nuse, of\n100", "binds, of\n100\nmonths")
    for q in story.queues(e):
        cells = [_cell(q.listed, "count", wide), _cell(q.enrolled, "count", wide)]
        cells += [_cell(q.half, "short"), _cell(q.most, "short"), _cell(q.gave_up, "of_hundred")]
        cells += [_cell(q.soon, "of_hundred")] if wide else []
        cells += [_cell(q.occupancy, "of_hundred"), _cell(q.binding, "of_hundred")]
        made.add_row(text(q.name), *cells)
    return made


def _agreements(e: Episodes) -> Table:
    made = table("One person at a time, beside the dynamics", "intervention")
    made.add_column("")
    numbers(made, "dynamics", "episodes", "± standard\nerror", "difference", "beyond\nchance")
    last = ""
    for row in story.agreements(e):
        b = row.beside
        if last and row.intervention != last:
            made.add_section()
        made.add_row(
            text(row.intervention if row.intervention != last else ""),
            row.what,
            story.told(b.dynamics, row.words),
            story.told(b.episodes, row.words),
            "-" if b.se is None else f"± {story.told(b.se, row.words)}",
            "-" if b.share is None else signed_percent(b.share),
            "yes" if b.beyond_chance else "no",
        )
        last = row.intervention
    return made


def signed_percent(share: float) -> str:
    """+1.2 %, -8.5 %"""
    return f"{'+' if share > 0 else ''}{number(100.0 * share, 2)} %"


def _avoided(e: Episodes) -> Table:
    made = table(
        "Rescue spending avoided: the same programmes with other luck (negative: more spending)",
        "party",
    )
    numbers(made, "usual\ncare", "avoided", *_wrapped(e), "± standard\nerror", "dynamics")
    for row in story.avoided(e):
        s = row.avoided
        if row.name == "All":
            made.add_section()
        made.add_row(
            text(row.name),
            "-" if row.usual is None else short_money(row.usual.mean),
            short_money(s.mean),
            short_interval(s.p05, s.p95) if s.replications > 1 else "",
            "-" if s.se is None else f"± {short_money(s.se)}",
            "-" if row.dynamics is None else short_money(row.dynamics),
        )
    return made


def _contracts(e: Episodes) -> Table:
    made = table("What contracts measure on claims, beside the formula of the dynamics", "contract")
    numbers(made, "members", "truth", "measured", "sd", "sd by\nformula", "paid, of\n100 years")
    numbers(made, "with no\neffect", "payment\na year")
    for row in e.contracts:
        made.add_row(
            text(contract_name(e, row)),
            story.told(row["members"], "count"),
            points(row["true_rate"]["value"]),
            points(row["measured_rate"]["value"]),
            _points(row["sd"]["value"]),
            points(row["sd_formula"]),
            of_hundred(row["p_paid"]["value"]),
            of_hundred(row["p_paid_without_effect"]["value"]),
            short_money(row["payment"]["value"]),
        )
    return made


def _wrapped(e: Episodes) -> list[str]:
    """The name of an interval as a heading of two lines."""
    first, _, rest = story.interval_name(e).partition(" of ")
    return [f"{first} of\n{rest}" if rest else first]


def _points(share: float | None) -> str:
    return "-" if share is None else points(share)


def contract_name(e: Episodes, row: Row) -> str:
    """Medicaid plan savings, year 2; of all its years together no year is said."""
    name = story.titled(e.name(row["contract"]))
    return f"{name}, year {row['year']}" if row["year"] else f"{name}, all years"


def _selection(row: Row) -> Table:
    made = table(f"Picked by: {row['rule']}", "what is reported")
    numbers(made, "USD a person\nand month", "90 % of\nreplications")
    for r in row["reported"]:
        if r["measure"] == "usd":
            between = short_interval(r["p05"], r["p95"])
            made.add_row(r["design"], short_money(r["mean"]), between)
    made.caption = Text(people_of(row), style="dim")
    made.caption_justify = "left"
    return made


def people_of(row: Row) -> str:
    """Whom the rule picks, a replication."""
    picked, served, alike = (
        story.told(row[k], "count") for k in ("selected", "served", "compared")
    )
    called = "called served, though nothing is done," if row["placebo"] else "served,"
    return (
        f"{picked} picked, {served} {called} {alike} picked alike and not served; "
        f"{row['months_before']:g} months before, {row['months_after']:g} after"
    )


def _variation(e: Episodes) -> Table:
    made = table("Scatter between members, from claims", "payer or contract")
    numbers(made, "members", "sd / mean\nof a year", "90 %\ninterval", "rescue\nalone")
    numbers(made, "year to\nyear", "sd of the\nsavings rate", "by the\nformula")
    for row in e.summary["variation"]:
        cv, services, lasts = (row[k] for k in ("cv", "cv_services", "correlation"))
        made.add_row(
            text(story.titled(e.name(row["name"]))),
            story.told(row["members"]["value"], "count"),
            _number(cv["value"]),
            "" if cv["low"] is None else f"{_number(cv['low'])} to {_number(cv['high'])}",
            _number(services["value"]),
            _number(lasts["value"]),
            _points(row["sd"]["value"]),
            points(row["sd_formula"]),
        )
    return made


def _number(x: float | None) -> str:
    return "-" if x is None else number(x, 2)


def _where(folder: Path) -> Text:
    page = folder / "episodes.html"
    return Text.assemble(("Page: ", "bold"), text(str(page)), ("  (open it in a browser)", "dim"))
