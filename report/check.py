"""Every number of a scenario with unit, source and status, for the team that has to find it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from model.problems import printable, shortened
from model.runfolder import inputs_of

from .story import Counts, counts
from .wording import spoken

if TYPE_CHECKING:
    from model.lint import Finding
    from model.loading import Loaded

Parameter = dict[str, Any]
TO_ASK = {"assumption", "no source"}
STYLES = {"assumption": "yellow", "no source": "bold red", "unverified": "yellow"}
SOURCE = 120


def checked(loaded: Loaded, path: Path, found: Sequence[Finding]) -> tuple[RenderableType, int]:
    """The whole screen, and how many numbers have neither source nor a word on it."""
    inputs = inputs_of(loaded)
    rows = inputs["parameters"]
    c = counts(rows)
    title = Text.assemble((printable(loaded.scenario.title), "bold"), f"\n{printable(str(path))}")
    parts: list[RenderableType] = [title, "", _counted(c, len(found)), ""]
    for part, group in groupby(rows, key=_part):
        parts += [_table(part, list(group)), ""]
    for name, effect in inputs["effects"].items():
        parts += [_steps(name, effect), ""]
    parts += _to_ask([row for row in rows if row["status"] in TO_ASK])
    parts += [*_too_good(found), "", _counted(c, len(found))]
    return Group(*parts), c.no_source


def _part(row: Parameter) -> str:
    """services.ed_visit.cost -> services.ed_visit; movements[0].rate -> movements"""
    first, _, rest = row["name"].partition(".")
    listed, _, _ = first.partition("[")
    return listed if listed != first else f"{first}.{rest.partition('.')[0]}"


def _counted(c: Counts, findings: int) -> Table:
    """The counts, first and last on the screen."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(justify="right", style="bold")
    grid.add_column()
    lines = [
        (c.numbers, f"numbers, {c.uncertain} of them uncertain"),
        (c.evidence, "effects from published studies (`headwater evidence ID` shows one)"),
        (c.verified, "with a source that was verified"),
        (c.unverified, "with a source that is not verified yet"),
        (c.stated, "with a source that the scenario states"),
        (c.assumptions, "assumptions: no source, a reason instead"),
        (c.no_source, "without source or reason" + _fails(c.no_source)),
        (findings, "too good to be true?" + _fails(findings)),
    ]
    for size, words in lines:
        grid.add_row(f"{size:,}", words)
    return grid


def _fails(size: int) -> str:
    return " (--strict fails)" if size else ""


def _too_good(found: Sequence[Finding]) -> Iterator[RenderableType]:
    """What an actuary would ask, the most serious first; docs/checks.md lists the rules."""
    yield Text("Too good to be true?", style="bold")
    if not found:
        yield Text("Nothing found: no number is better than the limits in docs/checks.md allow.")
        return
    for number, finding in enumerate(found, start=1):
        yield ""
        yield _finding(number, finding)


def _finding(number: int, finding: Finding) -> Table:
    grid = Table.grid(padding=(0, 1, 0, 0))
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    rows = [
        ("where", place_of(finding)),
        ("found", finding.found),
        ("limit", finding.limit),
        ("source", finding.source),
        ("", finding.says),
    ]
    grid.add_row(str(number), "key", Text(printable(finding.key), style="bold"))
    for label, words in rows:
        grid.add_row("", label, Text(printable(words)))
    return grid


def place_of(finding: Finding) -> str:
    """scenarios/jackson.yaml:1305, or the setting that says it."""
    at = finding.place
    return str(at) if str(at) == at.file else f"{at.file}:{at.line}"


def _table(part: str, rows: list[Parameter]) -> Table:
    table = _blank(part)
    table.add_column("number", ratio=4, overflow="fold")
    table.add_column("value, or 5 to 95 %", ratio=4, overflow="fold")
    table.add_column("status", width=10)
    table.add_column("source or reason", ratio=5, overflow="fold")
    for row in rows:
        table.add_row(*_cells(part, row))
    return table


def _cells(part: str, row: Parameter) -> tuple[Text, Text, Text, Text]:
    name = row["name"].removeprefix(part).removeprefix(".")
    said = f"{row['ref']} {row['source']}".strip() or row["reason"]
    status = row["status"]
    return (
        Text(printable(name or part)),
        Text(value_of(row)),
        Text(status, style=STYLES.get(status, "")),
        Text(printable(shortened(said, SOURCE))),
    )


def value_of(row: Parameter) -> str:
    """931 per 1,000 person-years; 750 to 1,150 per 1,000 person-years (mean 936)"""
    mean, unit = spoken(row["value"], row["unit"])
    year = f" of {row['price_year']}" if row["price_year"] else ""
    if row["family"] == "fixed":
        return f"{mean} {unit}{year}".strip()
    low, high = (spoken(row[key], row["unit"])[0] for key in ("p05", "p95"))
    return f"{low} to {high} {unit}".strip() + f", mean {mean}{year}"


def _steps(name: str, effect: dict[str, Any]) -> Table:
    """The way from each study to the effect that is drawn, with its numbers (docs/evidence.md)."""
    drawn, table = effect["drawn"], _blank(f"{name}: from studies to what is drawn")
    for column in ("study", "ratio", "standard error", "enrolled", "discount", "used", "weight"):
        table.add_column(
            column, justify="left" if column in ("study", "standard error") else "right"
        )
    for row in effect["studies"]:
        table.add_row(
            Text(row["id"]),
            f"{row['ratio']:.3f}",
            Text(f"{row['se']:.3f} ({row['se_from']})"),
            f"{row['enrolled_ratio']:.3f}",
            f"{row['discount']:g}",
            f"{math.exp(row['log_ratio_used']):.3f}",
            f"{100 * row['weight']:.0f} %",
        )
    table.caption = (
        f"pooled {math.exp(effect['mean_log_ratio']):.3f}, se {effect['se']:.3f}, between-study sd "
        f"{effect['between_study_sd']:.3f} ({effect['between_study_sd_from']}); drawn for a new "
        f"site {drawn['p05']:.3f} to {drawn['p95']:.3f}, median {drawn['p50']:.3f}"
    )
    table.caption_justify = "left"
    return table


def _to_ask(rows: list[Parameter]) -> list[RenderableType]:
    """Assumptions and numbers without a source, under whom to ask."""
    if not rows:
        return [Text("Every number has a source."), ""]
    table = _blank("To find out, and whom to ask")
    longest = max(len(row["name"]) for row in rows)
    table.add_column("number", max_width=longest + 2, overflow="fold")
    table.add_column("reason", ratio=1, min_width=22, overflow="fold")
    for who, group in groupby(sorted(rows, key=_asked), key=_asked):
        table.add_row(Text(printable(who[1] or "nobody named yet"), style="bold"))
        for row in group:
            reason = row["reason"] or "no reason given"
            table.add_row(Text(printable(f"  {row['name']}")), Text(printable(reason)))
    return [table, ""]


def _asked(row: Parameter) -> tuple[bool, str]:
    return (not row["ask"], row["ask"])


def _blank(title: str) -> Table:
    return Table(
        title=Text(printable(title), style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
        expand=True,
        header_style="dim",
    )
