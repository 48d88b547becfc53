"""Scenarios side by side: the same rows for the terminal and the page of a comparison."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from model.problems import printable

from . import compared_money
from .compared_money import CASH
from .money import PERSPECTIVES
from .rundata import ALL, DUST, FEW_DRAWS
from .story import PERSPECTIVE, TOO_FEW
from .wording import (
    chance,
    change,
    change_interval,
    count,
    month_span,
    months_of,
    short_interval,
    short_money,
    short_names,
)

FIRST_COLUMN, COLUMN, PAIR, CHART = 24, 20, 42, 44
RECEIVED, WIDE = 3, 118  # a column of the overview for wide screens only
ROOMY = 100  # columns from which no interval of the overview is broken

if TYPE_CHECKING:
    from model.comparison import Compared

Grouped = dict[tuple[str, str], list[dict[str, Any]]]

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


# The main result, then what it comes from: metric, words, and a rise and a fall of it.
MAIN = (
    ("net_saving", "the net result of all payers and funders is", ("better", "worse")),
    ("avoided_rescue_spending", "avoided rescue spending is", ("higher", "lower")),
    ("programme_cost", "the interventions cost", ("more", "less")),
)


class Cell(NamedTuple):
    """A metric in one scenario; the first scenario has no difference."""

    mean: str
    interval: str
    difference: str
    difference_interval: str
    higher: str


NOTHING = Cell("–", "", "", "", "")


class Row(NamedTuple):
    label: str
    cells: list[Cell]


class Block(NamedTuple):
    title: str
    rows: list[Row]


def with_period(compared: Compared) -> dict[str, Any]:
    """The comparison as JSON, with the months that all its scenarios share."""
    clock = compared.baseline.draws.scenario.clock
    return compared_money.kept(compared) | {"start": clock.start, "end": clock.end}


def titles(data: dict[str, Any]) -> dict[str, str]:
    """What to call each scenario: its title, or its name where titles do not tell them apart."""
    found = {s["name"]: s["title"] for s in data["scenarios"]}
    distinct = len(set(found.values())) == len(found)
    return {name: title if distinct and title else name for name, title in found.items()}


def opening(data: dict[str, Any]) -> list[tuple[str, str]]:
    """For each further scenario: its title, and the main difference from the first."""
    by_key, called = grouped(data), titles(data)
    return [
        (called[s["name"]], _differences(by_key, k, data))
        for k, s in enumerate(data["scenarios"])
        if k > 0
    ]


def _differences(by_key: Grouped, k: int, data: dict[str, Any]) -> str:
    draws = data["draws"]
    told = []
    if data["accounts"] and draws >= FEW_DRAWS:
        account = data["accounts"][0]
        rows = {metric: by_key[metric, account] for metric in CASH if (metric, account) in by_key}
        told = compared_money.opening(rows, k, data)
    main = [(words, up_down, by_key.get((metric, ALL))) for metric, words, up_down in MAIN]
    if told and all(rows is None or _same(rows[k]["difference"]) for _, _, rows in main):
        return f"{'; '.join(told)}. The interventions cost and avoid the same."
    told += [f"{words} {_shift(rows[k], up_down, draws)}" for words, up_down, rows in main if rows]
    return f"{'; '.join(told)}." if told else "the two have no metric in common."


def _shift(row: dict[str, Any], words: tuple[str, str], draws: int) -> str:
    """$5.2 million worse (90 % interval: $3.1 million to $7.0 million worse)"""
    d = row["difference"]
    if _same(d):
        return "the same"
    told = change(d["mean"], words)
    between = change_interval(d["p05"], d["p95"], words)
    return told if draws < FEW_DRAWS else f"{told} (90 % interval: {between})"


def about(data: dict[str, Any]) -> str:
    """What every number of the comparison is."""
    few = f" These are {data['draws']:,} draws: {TOO_FEW}." if data["draws"] < FEW_DRAWS else ""
    span = month_span(data["start"], data["end"])
    return (
        f"All amounts are means over {data['draws']:,} draws of nominal, undiscounted dollars, "
        f"summed over {data['start']} to {data['end']} ({span}). Each scenario is compared with "
        "the first draw by draw, each with its own usual care; a saving is positive, and an "
        f"interval holds 90 % of the draws.{_discounted(data)}{few}"
    )


def _discounted(data: dict[str, Any]) -> str:
    return " Net present values alone are discounted." if data["accounts"] else ""


def blocks(data: dict[str, Any]) -> list[Block]:
    """Totals, then party by party and service by service."""
    by_key = grouped(data)
    names = short_names(data["names"])
    totals = [
        Row(words, cells(found, data))
        for metric, words in TOTALS
        if (found := by_key.get((metric, ALL)))
    ]
    out = [*money_blocks(data, by_key), Block("All payers and funders", totals)]
    for metric, title in BY_SUBJECT:
        rows = [
            Row(names.get(party, party), cells(found, data))
            for (m, party), found in by_key.items()
            if m == metric and party != ALL and any(_differs(r) for r in found)
        ]
        if rows:
            out.append(Block(title, rows))
    return out


def money_blocks(data: dict[str, Any], by_key: Grouped) -> Iterator[Block]:
    """Cash of each account, contracts, and present values; nothing without financing."""
    names = short_names(data["names"]) | {"society": PERSPECTIVES["society"]}
    for party in data["accounts"]:
        there = [(words, by_key.get((metric, party))) for metric, words in CASH.items()]
        rows = [Row(words, cells(found, data)) for words, found in there if found]
        lucky = compared_money.by_luck(data, party)
        if any(lucky):
            words = compared_money.BY_LUCK["solvent_by_luck"]
            rows.insert(2, Row(words, [_own(row, data) for row in lucky]))
        yield Block(f"Cash of {names.get(party, party)}", rows)
    contracts = [
        Row(f"{names.get(key, key)}: {words}", [_own(row, data) for row in found])
        for key, words, found in compared_money.contract_rows(data)
    ]
    if contracts:
        yield Block("Contracts", contracts)
    if data["accounts"]:
        valued = ((p, by_key.get(("npv", p))) for p in compared_money.valued(data))
        rows = [Row(names.get(p, p), cells(found, data)) for p, found in valued if found]
        yield Block("Net present value by party, strategy beside usual care", rows)


def _own(row: dict[str, Any] | None, data: dict[str, Any]) -> Cell:
    """Of what not every scenario has: the value alone."""
    if row is None:
        return NOTHING
    shown = cell(row | {"difference": {}}, True, data)
    return shown if data["draws"] >= FEW_DRAWS else shown._replace(interval="")


def grouped(data: dict[str, Any]) -> Grouped:
    """(metric, party) -> one row a scenario, of usual care none."""
    out: Grouped = {}
    wanted = {metric for metric, _ in (*TOTALS, *BY_SUBJECT)}
    money = compared_money.wanted(data)
    for row in data["metrics"]:
        if compared_money.is_usual(row):
            continue
        if row["metric"] in wanted or (row["metric"], row["party"]) in money:
            out.setdefault((row["metric"], row["party"]), []).append(row)
    return out


def _differs(row: dict[str, Any]) -> bool:
    return any(abs(row[key]) >= DUST for key in ("mean", "p05", "p95"))


def _same(d: dict[str, Any]) -> bool:
    return all(abs(d[key]) < DUST for key in ("mean", "p05", "p95", "sd"))


def cells(rows: list[dict[str, Any]], data: dict[str, Any]) -> list[Cell]:
    whole = [cell(row, k == 0, data) for k, row in enumerate(rows)]
    if data["draws"] >= FEW_DRAWS:
        return whole
    return [c._replace(interval="", difference_interval="", higher="") for c in whole]


def cell(row: dict[str, Any], first: bool, data: dict[str, Any]) -> Cell:
    """Mean, interval, and the difference from the first scenario in words."""
    money = row["unit"].startswith("USD")
    months = months_of(data["start"], data["end"])
    mean, between = compared_money.words(row, data["start"], months) or _words(row, money)
    if first:
        return Cell(mean, between, "", "", "")
    d = row["difference"]
    if _same(d):
        return Cell(mean, between, "the same", "", "")
    special = compared_money.difference(row)
    if special is not None:
        return Cell(mean, between, *special, "")
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
    by_key, called = grouped(data), titles(data)
    wanted = [(metric, ALL, title) for metric, title in CHARTED]
    found = [(by_key[m, party], title) for m, party, title in wanted if (m, party) in by_key]
    if data["accounts"]:
        found = [(rows, title) for rows, title in found if not _all_same(rows)]
        if gaps := by_key.get(("closing_gap", data["accounts"][0])):
            found.insert(0, (gaps, compared_money.CASH["closing_gap"]))
    return [(title, [_mark(row, called) for row in rows]) for rows, title in found]


def _all_same(rows: list[dict[str, Any]]) -> bool:
    return all(_same(row["difference"]) for row in rows)


def _mark(row: dict[str, Any], called: dict[str, str]) -> dict[str, Any]:
    return {"name": called[row["scenario"]], "what": ""} | {
        k: row[k] for k in ("mean", "p05", "p95")
    }


# --- at the terminal


def comparison_view(data: dict[str, Any], folder: Path, width: int) -> RenderableType:
    """Heading, charts, tables of as many scenarios as fit, where the page is."""
    names = list(titles(data).values())
    heading = Text(f"{len(names)} scenarios on the same {data['draws']:,} draws", style="bold")
    parts: list[RenderableType] = [heading, ""]
    if data["accounts"]:
        parts += [_overview(data, width), ""]
    for name, told in opening(data):
        parts += [_text(f"{name}, beside {names[0]}: {told}"), ""]
    parts += [_text(about(data), "dim"), _text(f"Perspective: {PERSPECTIVE}", "dim"), ""]
    for title, marks in chart_rows(data):
        parts += [Text(title, style="bold"), *text_chart(marks, names, width), ""]
    found = blocks(data)
    for chosen in columns(len(names), width):
        parts += [_table(found, names, chosen), ""]
    parts.append(_text(f"Page: {folder / 'index.html'}"))
    return Group(*parts)


def _overview(data: dict[str, Any], width: int) -> Table:
    """A line a scenario: what a board asks first."""
    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False)
    table.add_column("", overflow="fold", min_width=14)
    kept = [k for k in range(len(compared_money.HEADINGS)) if k != RECEIVED or width >= WIDE]
    for heading in (compared_money.HEADINGS[k] for k in kept):
        table.add_column(Text(heading), justify="right", overflow="fold", no_wrap=width >= ROOMY)
    called = titles(data)
    for name, shown in compared_money.overview(data):
        row = (
            _lines((told, "bold"), (between, "dim")) for told, between in (shown[k] for k in kept)
        )
        table.add_row(_text(called[name]), *row)
    return table


def _text(words: str, style: str = "") -> Text:
    return Text(printable(words), style=style)


def columns(scenarios: int, width: int) -> Iterator[list[int]]:
    """Which scenarios stand side by side: the first, and as many others as fit."""
    fit = max(1, (width - FIRST_COLUMN - COLUMN) // PAIR)
    for start in range(1, scenarios, fit):
        yield [0, *range(start, min(start + fit, scenarios))]


def _table(found: list[Block], names: list[str], chosen: list[int]) -> Table:
    table = Table(
        box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, expand=True
    )
    table.add_column("", ratio=1, overflow="fold")
    for k in chosen:
        table.add_column(_text(names[k]), justify="right", ratio=1, overflow="fold")
        if k > 0:
            table.add_column(Text("difference from\nthe first"), justify="right", ratio=1)
    for block in found:
        rows = [row for row in block.rows if any(row.cells[k] != NOTHING for k in chosen)]
        if not rows:
            continue
        table.add_row(_text(block.title, "bold"))
        for row in rows:
            shown = [lines for k in chosen for lines in _cells(row.cells[k], first=k == 0)]
            table.add_row(_text(row.label), *shown)
        table.add_section()
    return table


def _cells(c: Cell, first: bool) -> Iterator[Text]:
    """Mean with its interval; beside it the difference with its interval and chance."""
    yield _lines((c.mean, "bold"), (c.interval, "dim"))
    if not first:
        yield _lines((c.difference, "bold"), (c.difference_interval, "dim"), (c.higher, ""))


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
        yield _text(name)
        yield _text(f"  {line}  {short_money(mark['mean'])}")


def drawn(mark: dict[str, Any], low: float, high: float, room: int) -> str:
    """An interval as characters on the scale from low to high."""

    def at(x: float) -> int:
        return round((x - low) / (high - low) * (room - 1)) if high > low else 0

    line = [" "] * room
    line[at(mark["p05"]) : at(mark["p95"]) + 1] = "-" * (at(mark["p95"]) - at(mark["p05"]) + 1)
    line[at(0.0)] = "|"
    line[at(mark["mean"])] = "o"
    return "".join(line)
