"""Scenarios side by side: the same rows for the terminal and the page of a comparison."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from . import compared_money
from .compared_money import CASH
from .money import PERSPECTIVES
from .rundata import ALL, DUST, FEW_DRAWS
from .story import TOO_FEW
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


SAME = "the same"


class Row(NamedTuple):
    label: str
    cells: list[Cell]

    @property
    def same(self) -> bool:
        """Whether no scenario differs from the first."""
        return all(cell.difference == SAME for cell in self.cells[1:])


class Block(NamedTuple):
    title: str
    rows: list[Row]

    @property
    def apart(self) -> list[Row]:
        """Rows in which a scenario differs from the first."""
        return [row for row in self.rows if not row.same]

    @property
    def alike(self) -> list[Row]:
        return [row for row in self.rows if row.same]


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


def names_of(data: dict[str, Any]) -> dict[str, str]:
    """What people call parties, contracts and society."""
    return short_names(data["names"]) | {"society": PERSPECTIVES["society"]}


def money_blocks(data: dict[str, Any], by_key: Grouped) -> Iterator[Block]:
    """Cash of each account, contracts, and present values; nothing without financing."""
    names = names_of(data)
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
        return Cell(mean, between, SAME, "", "")
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
