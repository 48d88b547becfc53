"""Table: rows of what was measured, as plain text and between the markers of a page."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple


class Row(NamedTuple):
    what: str
    measured: str
    aim: str = ""


def markdown(rows: Iterable[Row]) -> str:
    cells = [Row("", "measured", "aim"), *rows]
    widths = [max(len(row[k]) for row in cells) for k in range(3)]
    head, *body = [_line(row, widths) for row in cells]
    rule = f"|{'-' * (widths[0] + 2)}|{'-' * (widths[1] + 1)}:|{'-' * (widths[2] + 1)}:|"
    return "\n".join([head, rule, *body])


def _line(row: Row, widths: list[int]) -> str:
    what, measured, aim = row
    return f"| {what:<{widths[0]}} | {measured:>{widths[1]}} | {aim:>{widths[2]}} |"


def write_between_markers(page: Path, text: str, name: str) -> None:
    begin, end = f"<!-- begin {name} -->", f"<!-- end {name} -->"
    before, rest = page.read_text(encoding="utf-8").split(begin)
    _, after = rest.split(end)
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}", encoding="utf-8")


def microseconds(seconds: float) -> str:
    return f"{seconds * 1e6:,.0f} µs"
