"""Scenarios side by side: the same rows for the terminal and the page of a comparison."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from model.problems import printable

from .rundata import ALL, DUST
from .wording import chance, count, short_interval, short_money, short_names

FIRST_COLUMN, COLUMN, CHART = 24, 26, 44

# What is compared: title of a block -> (metric, words).
TOTALS = (
    ("programme_cost", "Cost of the interventions"),
    ("avoided_rescue_spending", "Avoided rescue spending"),
    ("added_offset_spending", "Added care elsewhere"),
    ("not_freed", "Not freed"),
    ("net_saving", "Net result of all payers and funders"),
    ("avoided_per_person_year_served", "Avoided per person-year served"),
)
BY_SUBJECT = (
    ("avoided_rescue_spending", "Avoided rescue spending, by party"),
    ("net_saving", "Net result, by party"),
    ("avoided_use", "Services avoided"),
    ("enrollments", "Persons enrolled"),
)
CHARTED = (
    ("avoided_rescue_spending", "Avoided rescue spending, all payers and funders"),
    ("net_saving", "Net result, all payers and funders"),
)


class Cell(NamedTuple):
    """A metric in one scenario; the first scenario has no difference."""

    mean: str
    interval: str
    difference: str
    difference_interval: str
    higher: str


class Row(NamedTuple):
    label: str
    cells: list[Cell]


class Block(NamedTuple):
    title: str
    rows: list[Row]


def blocks(data: dict[str, Any]) -> list[Block]:
    """Totals, then party by party and service by service."""
    by_key = grouped(data)
    names = short_names(data["names"])
    totals = [
        Row(words, cells(found)) for metric, words in TOTALS if (found := by_key.get((metric, ALL)))
    ]
    out = [Block("All payers and funders", totals)]
    for metric, title in BY_SUBJECT:
        rows = [
            Row(names.get(party, party), cells(found))
            for (m, party), found in by_key.items()
            if m == metric and party != ALL and any(_differs(r) for r in found)
        ]
        if rows:
            out.append(Block(title, rows))
    return out


def grouped(data: dict[str, Any]) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """(metric, party) -> one row a scenario; of metrics of both worlds, neither."""
    out: dict[tuple[str, str], list[dict[str, Any]]] = {}
    wanted = {metric for metric, _ in (*TOTALS, *BY_SUBJECT)}
    for row in data["metrics"]:
        if row["metric"] in wanted:
            out.setdefault((row["metric"], row["party"]), []).append(row)
    return out


def _differs(row: dict[str, Any]) -> bool:
    return any(abs(row[key]) >= DUST for key in ("mean", "p05", "p95"))


def cells(rows: list[dict[str, Any]]) -> list[Cell]:
    return [cell(row, first=k == 0) for k, row in enumerate(rows)]


def cell(row: dict[str, Any], first: bool) -> Cell:
    """Mean, interval, and the difference from the first scenario in words."""
    money = row["unit"].startswith("USD")
    mean, between = _words(row, money)
    if first:
        return Cell(mean, between, "", "", "")
    d = row["difference"]
    if max(abs(d["mean"]), abs(d["p05"]), abs(d["p95"]), d["sd"]) < DUST:
        return Cell(mean, between, "the same", "", "")
    by, by_between = _words(d, money)
    sign = "+" if d["mean"] > 0 and not by.startswith("-") else ""
    return Cell(mean, between, sign + by, by_between, f"higher {chance(row['p_higher'])}")


def _words(spread: dict[str, Any], money: bool) -> tuple[str, str]:
    if money:
        return short_money(spread["mean"]), short_interval(spread["p05"], spread["p95"])
    low, high = count(spread["p05"]), count(spread["p95"])
    return count(spread["mean"]), "" if low == high else f"{low} to {high}"


def chart_rows(data: dict[str, Any]) -> list[tuple[str, list[dict[str, Any]]]]:
    """For each charted metric: title, and a mean with its interval for each scenario."""
    by_key = grouped(data)
    return [
        (title, [_mark(row) for row in by_key[metric, ALL]])
        for metric, title in CHARTED
        if (metric, ALL) in by_key
    ]


def _mark(row: dict[str, Any]) -> dict[str, Any]:
    return {"name": row["scenario"], "what": ""} | {k: row[k] for k in ("mean", "p05", "p95")}


# --- at the terminal


def comparison_view(data: dict[str, Any], folder: Path, width: int) -> RenderableType:
    """Heading, charts, tables of as many scenarios as fit, where the page is."""
    names = [s["name"] for s in data["scenarios"]]
    heading = Text(f"{len(names)} scenarios on the same {data['draws']:,} draws", style="bold")
    told = (
        f"Each is compared with the first, {data['baseline']}, draw by draw. "
        "A saving is positive; intervals hold 90 % of the draws."
    )
    parts: list[RenderableType] = [heading, _text(told), ""]
    for title, marks in chart_rows(data):
        parts += [Text(title, style="bold"), *text_chart(marks, names, width), ""]
    found = blocks(data)
    for chosen in columns(len(names), width):
        parts += [_table(found, names, chosen), ""]
    parts.append(_text(f"Page: {folder / 'index.html'}"))
    return Group(*parts)


def _text(words: str, style: str = "") -> Text:
    return Text(printable(words), style=style)


def columns(scenarios: int, width: int) -> Iterator[list[int]]:
    """Which scenarios stand side by side: the first, and as many others as fit."""
    fit = max(1, (width - FIRST_COLUMN - COLUMN) // COLUMN)
    for start in range(1, scenarios, fit):
        yield [0, *range(start, min(start + fit, scenarios))]


def _table(found: list[Block], names: list[str], chosen: list[int]) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False
    )  # fmt: skip
    table.add_column("", max_width=34, overflow="fold")
    for k in chosen:
        table.add_column(_text(names[k]), justify="right")
    for block in found:
        table.add_row(Text(block.title, style="bold"))
        for row in block.rows:
            table.add_row(_text(row.label), *(_cell(row.cells[k]) for k in chosen))
        table.add_section()
    return table


def _cell(c: Cell) -> Text:
    """Up to five short lines: mean, interval, difference, its interval, its chance."""
    lines = [(c.mean, "bold"), (c.interval, "dim")]
    if c.difference:
        by = c.difference if c.difference == "the same" else f"difference {c.difference}"
        lines += [(by, ""), (c.difference_interval, "dim"), (c.higher, "")]
    shown = [Text(words, style=style) for words, style in lines if words]
    return Text("\n").join(shown)


def text_chart(marks: list[dict[str, Any]], names: list[str], width: int) -> Iterator[Text]:
    """One line a scenario: -----o--- for interval and mean, | for zero."""
    low = min(0.0, *(m["p05"] for m in marks), *(m["mean"] for m in marks))
    high = max(0.0, *(m["p95"] for m in marks), *(m["mean"] for m in marks))
    label = min(max(map(len, names)), 24)
    room = max(20, min(CHART, width - label - 22))
    for mark, name in zip(marks, names, strict=True):
        line = drawn(mark, low, high, room)
        yield _text(f"{name[:label]:<{label}}  {line}  {short_money(mark['mean'])}")


def drawn(mark: dict[str, Any], low: float, high: float, room: int) -> str:
    """An interval as characters on the scale from low to high."""

    def at(x: float) -> int:
        return round((x - low) / (high - low) * (room - 1)) if high > low else 0

    line = [" "] * room
    line[at(mark["p05"]) : at(mark["p95"]) + 1] = "-" * (at(mark["p95"]) - at(mark["p05"]) + 1)
    line[at(0.0)] = "|"
    line[at(mark["mean"])] = "o"
    return "".join(line)
