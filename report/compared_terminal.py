"""Scenarios side by side at the terminal: a line a scenario, who gains, and what differs.

Two scenarios are told row by row; of more the screen has what a board asks first, and the page of
the comparison all the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from . import compared_money
from .compared import NOTHING, Block, Cell, about, blocks, cells, chart_rows, grouped, names_of

from .compared import opening, titles  # isort: skip
from .compared_money import RECEIVED, SETTLED, SOCIETY
from .rundata import ALL, FEW_DRAWS
from .screen import text
from .story import PERSPECTIVE
from .wording import listed, short_money

CHART = 44
TOLD_ROW_BY_ROW = 2  # scenarios
NEEDS = {SOCIETY: 80, SETTLED: 100, RECEIVED: 118}  # columns of the screen from which it is shown
ROOMY = 100  # columns from which no interval of the overview is broken
TOTALS = {
    "programme_cost": "Interventions\ncost",
    "avoided_rescue_spending": "Rescue spending\navoided",
    "net_saving": "Net result of\nall payers",
}


def comparison_view(data: dict[str, Any], folder: Path, width: int) -> RenderableType:
    """Heading, a line a scenario, who gains; of two scenarios what differs; where the page is."""
    names = list(titles(data).values())
    heading = f"{len(names)} scenarios on the same {data['draws']:,} draws"
    parts: list[RenderableType] = [text(heading, "bold"), ""]
    if data["accounts"]:
        parts += [_overview(data, width), ""]
    if len(names) <= TOLD_ROW_BY_ROW:
        parts += [*_row_by_row(data, names, width)]
    else:
        parts += [*_parties(data), *_totals(data, width), ""]
    parts.append(text(about(data), "dim"))
    if not data["accounts"] or len(names) <= TOLD_ROW_BY_ROW:
        parts.append(text(f"Perspective: {PERSPECTIVE}", "dim"))
    parts += ["", text(f"Page, with every number of every scenario: {folder / 'index.html'}")]
    return Group(*parts)


# --- a line a scenario


def _overview(data: dict[str, Any], width: int) -> Table:
    """What a board asks first of each scenario, numbered."""
    table = _plain()
    table.add_column("", overflow="fold", min_width=14)
    headings = compared_money.HEADINGS
    kept = [k for k, heading in enumerate(headings) if width >= NEEDS.get(heading, 0)]
    for k in kept:
        table.add_column(
            Text(headings[k]), justify="right", overflow="fold", no_wrap=width >= ROOMY
        )
    for number, (name, shown) in enumerate(compared_money.overview(data), start=1):
        row = (_lines((shown[k][0], "bold"), (shown[k][1], "dim")) for k in kept)
        table.add_row(text(f"{number} {name}"), *row)
    return table


def _parties(data: dict[str, Any]) -> Iterator[RenderableType]:
    """Present value of each party by scenario: means, in brackets where nobody can be sure."""
    by_key, names = grouped(data), names_of(data)
    if not data["accounts"]:
        return
    table = _plain("Net present value by party, strategy beside usual care")
    table.add_column("party", overflow="fold", min_width=14)
    for number in range(1, len(data["scenarios"]) + 1):
        table.add_column(Text(str(number)), justify="right", no_wrap=True)
    for party in compared_money.valued(data):
        if rows := by_key.get(("npv", party)):
            told = (_short(row, cell) for row, cell in zip(rows, cells(rows, data), strict=True))
            table.add_row(text(names.get(party, party)), *told)
    yield table
    words = "Means; =: the same as in 1."
    if data["draws"] >= FEW_DRAWS:
        words = "Means; in brackets where the 90 % interval holds zero; =: the same as in 1."
    yield text(words, "dim")
    yield ""


def _short(row: dict[str, Any], cell: Cell) -> Text:
    if cell.difference == "the same":
        return Text("=", style="dim")
    unsure = bool(cell.interval) and row["p05"] <= 0.0 <= row["p95"]
    return Text(f"({short_money(row['mean'])})" if unsure else short_money(row["mean"]))


def _totals(data: dict[str, Any], width: int) -> Iterator[RenderableType]:
    """What the interventions cost and avoid, a line a scenario; one line where nothing differs."""
    by_key, called = grouped(data), [scenario["name"] for scenario in data["scenarios"]]
    found = {h: cells(rows, data) for m, h in TOTALS.items() if (rows := by_key.get((m, ALL)))}
    apart = any(c.difference != "the same" for column in found.values() for c in column[1:])
    if not apart and data["accounts"]:
        yield text("The interventions cost and avoid the same in all.")
        return
    table = _plain("Care and programmes, all payers and funders")
    table.add_column("", overflow="fold", min_width=12)
    for heading in (*found, "Net beside\nthe first"):
        table.add_column(Text(heading), justify="right", overflow="fold", no_wrap=width >= ROOMY)
    last = list(found.values())[-1] if found else []
    for k, name in enumerate(called):
        row = [_lines((c[k].mean, "bold"), (c[k].interval, "dim")) for c in found.values()]
        beside = _lines((last[k].difference, "bold"), (last[k].difference_interval, "dim"))
        table.add_row(text(f"{k + 1} {name}"), *row, beside if k else Text("–"))
    yield table


# --- two scenarios, row by row


def _row_by_row(data: dict[str, Any], names: list[str], width: int) -> Iterator[RenderableType]:
    """The difference in words and pictures, the rows that differ, and a word for the others."""
    for name, told in opening(data):
        yield text(f"{name}, beside {names[0]}: {told}")
        yield ""
    for title, marks in chart_rows(data):
        yield text(title, "bold")
        yield from text_chart(marks, names, width)
        yield ""
    found = blocks(data)
    if any(block.apart for block in found):
        yield _differing(found, names)
        yield ""
    alike = [f"{block.title} ({len(block.alike)})" for block in found if block.alike]
    if alike:
        yield text(f"Rows that are the same in both, on the page: {listed(alike)}.")
        yield ""


def _differing(found: list[Block], names: list[str]) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, expand=True
    )
    table.add_column("", ratio=1, overflow="fold")
    for k, name in enumerate(names):
        table.add_column(text(name), justify="right", ratio=1, overflow="fold")
        if k > 0:
            table.add_column(Text("difference from\nthe first"), justify="right", ratio=1)
    for block in found:
        rows = [row for row in block.apart if any(c != NOTHING for c in row.cells)]
        if not rows:
            continue
        table.add_row(text(block.title, "bold"))
        for row in rows:
            shown = [lines for k, c in enumerate(row.cells) for lines in _cells(c, first=k == 0)]
            table.add_row(text(row.label), *shown)
        table.add_section()
    return table


def _cells(c: Cell, first: bool) -> Iterator[Text]:
    """Mean with its interval; beside it the difference with its interval and chance."""
    yield _lines((c.mean, "bold"), (c.interval, "dim"))
    if not first:
        yield _lines((c.difference, "bold"), (c.difference_interval, "dim"), (c.higher, ""))


def _plain(title: str | None = None) -> Table:
    return Table(
        title=Text(title, style="bold") if title else None, title_justify="left",
        box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False,
    )  # fmt: skip


def _lines(*lines: tuple[str, str]) -> Text:
    shown = [Text(words, style=style) for words, style in lines if words]
    return Text("\n").join(shown)


def text_chart(marks: list[dict[str, Any]], names: list[str], width: int) -> Iterator[Text]:
    """A scenario's title, and under it -----o--- for interval and mean, | for zero."""
    low = min(0.0, *(m["p05"] for m in marks), *(m["mean"] for m in marks))
    high = max(0.0, *(m["p95"] for m in marks), *(m["mean"] for m in marks))
    room = max(20, min(CHART, width - 22))
    for mark, name in zip(marks, names, strict=True):
        line = drawn(mark, low, high, room)
        yield text(name)
        yield text(f"  {line}  {short_money(mark['mean'])}")


def drawn(mark: dict[str, Any], low: float, high: float, room: int) -> str:
    """An interval as characters on the scale from low to high."""

    def at(x: float) -> int:
        return round((x - low) / (high - low) * (room - 1)) if high > low else 0

    line = [" "] * room
    line[at(mark["p05"]) : at(mark["p95"]) + 1] = "-" * (at(mark["p95"]) - at(mark["p05"]) + 1)
    line[at(0.0)] = "|"
    line[at(mark["mean"])] = "o"
    return "".join(line)
