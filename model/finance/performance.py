"""Performance files: one contract-year a row of CSV, checked cell by cell.

Columns are found by name, in any order; others are ignored. A bad row becomes problems at its
line, and the rest of the file is still read.
"""

from __future__ import annotations

import csv
import io
import math
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from model.problems import BadInput, Mark, Problem, nearest, shortened

NUMBER = re.compile(r"[-+]?(\d{1,3}(,\d{3})+|\d+)?(\.\d*)?([eE][-+]?\d{1,3})?")
DAY = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{2}|\d{4})(\s+\d{1,2}:\d{2}(:\d{2})?(\s*[AaPp][Mm])?)?")
ISO_DAY = re.compile(r"(\d{4})-(\d{2})-(\d{2})([T ].*)?")
TRUE = frozenset(("1", "1.0", "yes", "y", "true", "t"))
FALSE = frozenset(("0", "0.0", "no", "n", "false", "f"))
YEARS = range(1980, 2101)
LONGEST_ID = 100


class Row(NamedTuple):
    """One contract-year: what was measured, and the facts that clauses ask for. None: blank."""

    year: int | None
    aco_id: str
    benchmark: float  # USD
    expenditure: float  # USD
    track: str = ""
    members: float | None = None
    printed_minimum: float | None = None  # share of the benchmark
    score: float | None = None
    met_standard: bool | None = None
    met_alternative: bool | None = None
    final_rate: float | None = None  # read only to see that it is 0
    adjustment: float | None = None  # USD, 0 or less
    six_month: bool | None = None
    terminated: bool | None = None
    guardrail: bool | None = None
    revenue_category: str = ""
    agreement_start: date | None = None
    revenue: float | None = None  # USD, of participants
    line: int = 1


class Refused(Exception):
    """What was found in a cell, and what is allowed there."""

    def __init__(self, found: str, allowed: str, near: str = "") -> None:
        super().__init__(found, allowed, near)
        self.found, self.allowed, self.near = found, allowed, near


# --- cells


def number(text: str) -> float:
    """A finite number; thousands separators, a dollar sign and a final % are read."""
    plain = text.removeprefix("$")
    plain, percent = plain.removesuffix("%").rstrip(), plain.endswith("%")
    value = float(plain.replace(",", "")) if _is_number(plain) else math.nan
    if not math.isfinite(value):
        raise Refused(f"`{shortened(text)}`", "a finite number such as 62,500,000.00")
    return value / 100.0 if percent else value


def _is_number(text: str) -> bool:
    return bool(NUMBER.fullmatch(text)) and any(char.isdigit() for char in text)


def _between(low: float, high: float, words: str) -> Callable[[str], float]:
    def parse(text: str) -> float:
        value = number(text)
        if not low <= value <= high:
            raise Refused(f"`{shortened(text)}`", words)
        return value

    return parse


def flag(text: str) -> bool:
    lower = text.lower()
    if lower not in TRUE and lower not in FALSE:
        raise Refused(f"`{shortened(text)}`", "blank, 0 or 1, yes or no, true or false")
    return lower in TRUE


def day(text: str) -> date:
    """A date, month first, as 01/31/2024, 1/31/24, with a time, or as 2024-01-31."""
    try:
        if found := DAY.fullmatch(text):
            year = int(found[3]) + (2000 if len(found[3]) == 2 else 0)
            return date(year, int(found[1]), int(found[2]))
        if found := ISO_DAY.fullmatch(text):
            return date(int(found[1]), int(found[2]), int(found[3]))
    except ValueError:
        pass
    raise Refused(f"`{shortened(text)}`", "a date such as 01/31/2024, 1/31/24 or 2024-01-31")


def _year(text: str) -> int:
    value = number(text)
    if value not in YEARS:
        raise Refused(f"`{shortened(text)}`", f"a year from {YEARS[0]} to {YEARS[-1]}")
    return int(value)


def _name(text: str) -> str:
    if len(text) > LONGEST_ID or not text.isprintable():
        raise Refused(f"`{shortened(text)}`", f"printable text, at most {LONGEST_ID} characters")
    return text


@dataclass(frozen=True)
class Column:
    """A column of the file, and the field of a Row that it fills."""

    name: str
    field: str
    parse: Callable[[str], Any]
    required: bool = False


_share = _between(0.0, 1.0, "a share from 0 to 1")
_positive = _between(1e-9, 1e15, "a number above 0")
_not_negative = _between(0.0, 1e15, "a number from 0")
COLUMNS = (
    Column("year", "year", _year, True),
    Column("aco_id", "aco_id", _name, True),
    Column("benchmark_total", "benchmark", _positive, True),
    Column("expenditure_total", "expenditure", _not_negative, True),
    Column("track", "track", _name),
    Column("assigned_beneficiaries", "members", _not_negative),
    Column("minimum_savings_rate", "printed_minimum", _share),
    Column("quality_score", "score", _share),
    Column("met_quality_standard", "met_standard", flag),
    Column("met_alternative_quality_standard", "met_alternative", flag),
    Column("final_share_rate", "final_rate", _share),
    Column("disaster_adjustment", "adjustment", _between(-1e15, 0.0, "0 or less: loss forgiven")),
    Column("six_month", "six_month", flag),
    Column("mid_year_termination", "terminated", flag),
    Column("guardrail", "guardrail", flag),
    Column("revenue_category", "revenue_category", _name),
    Column("agreement_start", "agreement_start", day),
    Column("participant_revenue", "revenue", _not_negative),
)
BY_TRACK = ("track", "assigned_beneficiaries")  # needed where a row's track chooses the terms


# --- files


def read(path: Path, by_track: bool) -> Iterator[Row | list[Problem]]:
    """Every row, or what is wrong with it; BadInput where the file as a whole cannot be read."""
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    header = _header(reader, path)
    columns = _columns(header, path, by_track)
    seen: dict[tuple[int | None, str], int] = {}
    count = 0
    for line, cells in _records(reader, path):
        if isinstance(cells, Problem):
            yield [cells]
        elif any(cells):
            count += 1
            yield _row(cells, line, len(header), columns, str(path), seen)
    if not count:
        raise BadInput([Problem(Mark(str(path), 1, 1), "", "a file without rows", "one or more")])


def _text(path: Path) -> str:
    start = Mark(str(path), 1, 1)
    try:
        content = path.read_bytes()
        return content.decode("utf-8-sig")
    except FileNotFoundError:
        problem = Problem(start, "", "no such file", "an existing file")
    except UnicodeDecodeError as error:
        mark = Mark(str(path), content.count(b"\n", 0, error.start) + 1, 1)
        found = f"the byte 0x{content[error.start]:02x}, not UTF-8"
        problem = Problem(mark, "", found, "text in UTF-8 (in a spreadsheet: CSV UTF-8)")
    except (OSError, ValueError) as error:
        problem = Problem(start, "", f"a file that cannot be read ({error})", "a readable file")
    raise BadInput([problem])


def _records(reader: Any, path: Path) -> Iterator[tuple[int, list[str] | Problem]]:
    """Line and stripped cells; a record that csv cannot read is a problem."""
    while True:
        line = reader.line_num + 1
        try:
            yield line, [cell.strip() for cell in next(reader)]
        except StopIteration:
            return
        except csv.Error as error:
            mark = Mark(str(path), line, 1)
            yield line, Problem(mark, "", f"a row that is no CSV ({error})", "quotes that close")


def _header(reader: Any, path: Path) -> list[str]:
    for line, cells in _records(reader, path):
        if isinstance(cells, Problem):
            raise BadInput([cells])
        names = [cell.lower() for cell in cells]
        if any(names):
            return _distinct(names, Mark(str(path), line, 1))
    raise BadInput([Problem(Mark(str(path), 1, 1), "", "an empty file", "a line of column names")])


def _distinct(names: list[str], mark: Mark) -> list[str]:
    known = {column.name for column in COLUMNS}
    twice = sorted({name for name in names if name in known and names.count(name) > 1})
    if twice:
        raise BadInput(
            [Problem(mark, name, "a column twice", "each column once") for name in twice]
        )
    return names


def _columns(header: list[str], path: Path, by_track: bool) -> list[tuple[int, Column]]:
    """Where in the file the columns are; a required one that is missing is told."""
    mark = Mark(str(path), 1, 1)
    missing = [
        Problem(mark, c.name, "no such column", "a column of this name", nearest(c.name, header))
        for c in COLUMNS
        if (c.required or (by_track and c.name in BY_TRACK)) and c.name not in header
    ]
    if missing:
        raise BadInput(missing)
    return [(header.index(c.name), c) for c in COLUMNS if c.name in header]


def _row(
    cells: list[str],
    line: int,
    width: int,
    columns: list[tuple[int, Column]],
    file: str,
    seen: dict[tuple[int | None, str], int],
) -> Row | list[Problem]:
    if len(cells) != width:
        found = f"{len(cells)} cells"
        return [Problem(Mark(file, line, 1), "", found, f"{width}, one for each column")]
    values: dict[str, Any] = {"line": line}
    problems: list[Problem] = []
    for index, column in columns:
        try:
            if cells[index]:
                values[column.field] = column.parse(cells[index])
            elif column.required:
                raise Refused("nothing", "a value")
        except Refused as refused:
            mark = Mark(file, line, index + 1)
            problems.append(Problem(mark, column.name, refused.found, refused.allowed))
    if problems:
        return problems
    row = Row(**values)
    first = seen.setdefault((row.year, row.aco_id), line)
    if first != line:
        found = f"{row.year} {row.aco_id}, which is also on line {first}"
        return [Problem(Mark(file, line, 1), "aco_id", found, "one row for each contract-year")]
    return row
