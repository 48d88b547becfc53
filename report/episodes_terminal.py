"""Episodes at the terminal: the answer in words, then the tables that it comes from."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from . import episodes_findings as findings
from . import episodes_story as story
from .episodes_data import Episodes, Row, Spread
from .screen import numbers, table, text, topics
from .terminal import WIDE, console, show
from .wording import number, of_hundred, points, short_interval, short_money, significant


def show_episodes(folder: Path, to: Console | None = None) -> None:
    """Everything in the order of the page; charts and people are on the page alone."""
    out, e = to or console(), Episodes(folder)
    show(out, list(_parts(e, out.width >= WIDE)))


def as_json(folder: Path) -> dict[str, Any]:
    """episodes.json without its people, and where the folder is."""
    e = Episodes(folder)
    told = {"answer": story.answer(e, folder), "folder": str(folder)}
    return {k: v for k, v in e.summary.items() if k != "people"} | told


def _parts(e: Episodes, wide: bool) -> Iterator[RenderableType]:
    yield Text.assemble(text(e.summary["title"], "bold"), "\n", text(story.heading(e), "dim"))
    yield Text("\n").join(text(sentence) for sentence in story.answer(e, e.folder))
    if e.interventions:
        yield _queues(e, wide)
        yield _agreements(e)
        yield _avoided(e)
    if e.contracts:
        yield _contracts(e, wide)
    for row in e.summary["selection"]:
        yield _selection(e, row)
    if e.summary["variation"]:
        yield _variation(e, wide)
    yield topics(story.notes(e), "dim", 12)
    yield _where(e.folder)


def _cell(s: Spread | None, words: str) -> Text:
    """A mean, and its interval under it."""
    if s is None:
        return Text("-")
    between = story.between(s, words)
    shown = Text(story.told(s.mean, words))
    return shown.append(f"\n{between}", "dim") if between else shown


def _queues(e: Episodes, wide: bool) -> Table:
    title = f"Waiting and capacity ({story.interval_name(e)} {'below' if wide else 'at the right'})"
    unit = story.wait_unit(e)
    columns = (
        ("put on\nthe list", "listed", "count"),
        ("enrolled", "enrolled", "count"),
        (f"half wait,\n{unit}", "half", unit),
        (f"90 % wait,\n{unit}", "most", unit),
        ("give up,\nof 100", "gave_up", "of_hundred"),
        ("enrolled in\n3 months,\nof 100", "soon", "of_hundred"),
        ("slots in\nuse, of\n100", "occupancy", "of_hundred"),
        ("binds, of\n100\nmonths", "binding", "of_hundred"),
    )
    if wide:
        made = table(title, "intervention")
        numbers(made, *(heading for heading, _, _ in columns))
        for q in story.queues(e):
            cells = (_cell(getattr(q, field), words) for _, field, words in columns)
            made.add_row(text(q.name), *cells)
        return made
    return _stacked(
        title,
        [
            (q.name, [_line(h, getattr(q, field), words) for h, field, words in columns])
            for q in story.queues(e)
        ],
    )


Line = tuple[str, str, str]


def _line(heading: str, s: Spread | None, words: str) -> Line:
    mean = "-" if s is None else story.told(s.mean, words)
    return heading.replace("\n", " "), mean, story.between(s, words)


def _stacked(title: str, groups: Sequence[tuple[str, Sequence[Line]]]) -> Table:
    """A number a line, its interval beside it: for screens too narrow for a column of each."""
    made = table(title, "")
    numbers(made, "mean", "interval")
    for k, (name, lines) in enumerate(groups):
        if k:
            made.add_section()
        made.add_row(text(name, "bold"))
        for heading, mean, interval in lines:
            made.add_row(f"  {heading}", mean, Text(interval, "dim"))
    return made


def _agreements(e: Episodes) -> Table:
    made = table("One person at a time, beside the dynamics", "")
    numbers(made, "dynamics", "episodes", "± standard\nerror", "difference", "beyond\nchance")
    last = ""
    for row in story.agreements(e):
        b = row.beside
        if row.intervention != last:
            if last:
                made.add_section()
            made.add_row(text(row.intervention, "bold"))
        made.add_row(
            f"  {row.what}",
            story.told(b.dynamics, row.words),
            story.told(b.episodes, row.words),
            "-" if b.se is None else f"± {number(b.se, 2)}",
            "-" if b.share is None else signed_percent(b.share),
            beyond(b.beyond_chance),
        )
        last = row.intervention
    return made


def beyond(chance: bool | None) -> str:
    return {None: "too few", True: "yes", False: "no"}[chance]


def signed_percent(share: float) -> str:
    """+1.2 %, -8.5 %, +13 %; nothing finer than a tenth"""
    told = f"{100.0 * share:.1f}" if abs(share) < 0.0995 else number(100.0 * share, 2)
    return f"{'+' if share > 0 else ''}{'0.0' if told == '-0.0' else told} %"


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
        none = s.low == s.high == 0.0
        made.add_row(
            text(row.name),
            "-" if row.usual is None else short_money(row.usual.mean),
            "none" if none else story.rough(e, s.mean, short=True),
            f"none in {s.replications}" if none else money_between(e, s),
            "-" if s.se is None or none else f"± {short_money(significant(s.se, 2))}",
            "-" if row.dynamics is None else short_money(row.dynamics),
        )
    return made


def money_between(e: Episodes, s: Spread) -> str:
    """The interval of a difference in USD; nothing for one replication."""
    if s.replications < 2:
        return ""
    return " to ".join(story.rough(e, x, short=True) for x in (s.low, s.high))


def _contracts(e: Episodes, wide: bool) -> Table:
    title = "What contracts measure on claims, beside the formula of the dynamics"
    if not wide:
        groups = [(findings.contract_name(e, row), _contract_lines(e, row)) for row in e.contracts]
        return _stacked(f"{title} (90 % intervals of the estimates)", groups)
    made = table(title, "contract")
    numbers(made, "members", "truth", "measured", "sd", "sd by\nformula", "paid, of\n100 years")
    numbers(made, "with no\neffect", "payment\na year")
    for row in e.contracts:
        few = findings.too_few(e, row)
        made.add_row(
            text(findings.contract_name(e, row)),
            story.told(row["members"], "count"),
            _of_interval(row["true_rate"], points),
            _of_interval(row["measured_rate"], points),
            _of_interval(row["sd"], points),
            points(row["sd_formula"]),
            TOO_FEW if few else _of_interval(row["p_paid"], of_hundred),
            TOO_FEW if few else _of_interval(row["p_paid_without_effect"], of_hundred),
            short_money(row["payment"]["value"]),
        )
    return made


TOO_FEW = "too few\nto say"


def _contract_lines(e: Episodes, row: Row) -> list[Line]:
    few = findings.too_few(e, row)
    rates = (("truth", "true_rate"), ("measured", "measured_rate"), ("sd of the measured", "sd"))
    lines: list[Line] = [("members", story.told(row["members"], "count"), "")]
    lines += [(what, _points(row[key]["value"]), _ends(row[key], points)) for what, key in rates]
    lines.append(("sd by the formula", points(row["sd_formula"]), ""))
    for what, key in (("paid, of 100 years", "p_paid"),
                      ("paid with no effect, of 100", "p_paid_without_effect")):  # fmt: skip
        told = (
            ("too few", "") if few else (of_hundred(row[key]["value"]), _ends(row[key], of_hundred))
        )
        lines.append((what, *told))
    return [*lines, ("payment a year", short_money(row["payment"]["value"]), "")]


def _ends(x: Row, words: Callable[[float], str]) -> str:
    return "" if x["low"] is None else f"{words(x['low'])} to {words(x['high'])}"


def _of_interval(x: Row, words: Callable[[float], str]) -> Text:
    """An estimate, and its interval under it."""
    shown, under = Text("-" if x["value"] is None else words(x["value"])), _ends(x, words)
    return shown.append(f"\n{under}", "dim") if under else shown


def _wrapped(e: Episodes) -> list[str]:
    """The name of an interval as a heading of two lines."""
    first, _, rest = story.interval_name(e).partition(" of ")
    return [f"{first} of\n{rest}" if rest else first]


def _points(share: float | None) -> str:
    return "-" if share is None else points(share)


def _selection(e: Episodes, row: Row) -> Table:
    made = table(f"Picked by: {row['rule']}", "what is reported")
    numbers(made, "USD a person\nand month", *_wrapped(e))
    for r in row["reported"]:
        if r["measure"] == "usd":
            made.add_row(r["design"], short_money(r["mean"]), short_interval(r["low"], r["high"]))
    few = f"Only {row['served_in_all']:,} people were served in all: too few to quote. "
    said = (few if findings.scarce(row) else "") + findings.people_of(e, row)
    made.caption = Text(said, style="dim")
    made.caption_justify = "left"
    return made


def _variation(e: Episodes, wide: bool) -> Table:
    title = "Scatter between members, from claims"
    if not wide:
        rows = e.summary["variation"]
        return _stacked(
            f"{title} (90 % intervals of the estimates)",
            [(findings.titled(e.name(row["name"])), _variation_lines(row)) for row in rows],
        )
    made = table(title, "payer or contract")
    numbers(made, "members", "sd / mean\nof a year", "90 %\ninterval", "rescue\nalone")
    numbers(made, "year to\nyear", "sd of the\nsavings rate", "by the\nformula")
    for row in e.summary["variation"]:
        cv, services, lasts = (row[k] for k in ("cv", "cv_services", "correlation"))
        made.add_row(
            text(findings.titled(e.name(row["name"]))),
            story.told(row["members"]["value"], "count"),
            _number(cv["value"]),
            _ends(cv, _number),
            _number(services["value"]),
            _number(lasts["value"]),
            _points(row["sd"]["value"]),
            points(row["sd_formula"]),
        )
    return made


def _variation_lines(row: Row) -> list[Line]:
    told = (("sd / mean of a year", "cv"), ("rescue services alone", "cv_services"),
            ("correlation of two years", "correlation"))  # fmt: skip
    lines: list[Line] = [("members", story.told(row["members"]["value"], "count"), "")]
    lines += [(what, _number(row[key]["value"]), _ends(row[key], _number)) for what, key in told]
    lines.append(("sd of the savings rate", _points(row["sd"]["value"]), _ends(row["sd"], points)))
    return [*lines, ("the same by the formula", points(row["sd_formula"]), "")]


def _number(x: float | None) -> str:
    return "-" if x is None else number(x, 2)


def _where(folder: Path) -> Text:
    page = folder / "episodes.html"
    return Text.assemble(("Page: ", "bold"), text(str(page)), ("  (open it in a browser)", "dim"))
