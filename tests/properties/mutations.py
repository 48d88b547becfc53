"""Kinds of mutation of jackson.yaml: each is a function that yields all that it can do.

A mutation changes one line and says where a mistake must be told: at that line, or, for what
concerns a part as a whole, at the line of that part. Numbering of lines is kept: what is deleted
leaves an empty line.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, NamedTuple

from model.loading import SHIPPED
from model.problems import Location, dotted
from model.quantity import FAMILIES
from model.yamlfile import Document, read

PATH = SHIPPED / "jackson.yaml"
PER_KIND = 53
TEXTS = ("name", "title", "group", "counted_in", "reason", "source", "ask", "note", "kind")
NAMING = ("payer", "provider", "operator", "funded_by", "in_kind_by", "follows", "from", "to")
NAMING_MONEY = ("payee", "lender", "rescuer", "partner", "account", "moves", "pays_into", "cases")
LISTING = ("segments", "delivered_by", "restricted_to", "carved_out")
MONEY = "financing"
# Mappings whose keys are names of the scenario's own, not fields.
OF_NAMES = ("parties", "segments", "services", "interventions")
OF_NAMES_INSIDE = ("use", "price", "payment", "payer", "effects", "comparator_rate", "discounts")
OF_NAMES_INSIDE += ("financed_by", "distribution", "others", "measures")
OF_LABELS = ("metrics", "hours_saved")  # free to choose
SUMMED = (
    "payer",
    "payment",
    "need",
    "financed_by",
    "activities",
    "weights",
    "distribution",
    "others",
)
NUMBER = r"[-+]?[0-9.]+(?:[eE][-+]?[0-9]+)?"


class Site(NamedTuple):
    """A key of the file: its place, what it holds, its line (from 0), and where its value is."""

    at: Location
    data: Any
    line: int
    start: int  # of the key
    value: int  # first column of the value

    @property
    def key(self) -> str:
        return str(self.at[-1])


class Mutation(NamedTuple):
    """A changed text, the lines (from 1) where a mistake may be told, and whether it is one."""

    text: str
    lines: set[int]
    valid: bool | None  # None: either, as the place decides


@cache
def document() -> Document:
    return read(PATH)


@cache
def lines() -> list[str]:
    return PATH.read_text(encoding="utf-8").split("\n")


def at(location: Location) -> Any:
    data = document().data
    for part in location:
        data = data[part]
    return data


@cache
def sites() -> list[Site]:
    """Every key of the file once, aliases left out, in the order of the file."""
    found: dict[tuple[int, int], Site] = {}
    for location, mark in document().marks.items():
        if location and isinstance(location[-1], str):
            row, start = mark.line - 1, mark.column - 1
            head = re.compile(rf"""["']?{re.escape(location[-1])}["']?:\s*""")
            if match := head.match(lines()[row], start):
                site = Site(location, at(location), row, start, match.end())
                found.setdefault((row, start), site)
    return [found[place] for place in sorted(found)]


def line_of(location: Location) -> int:
    return document().mark(location).line


def replaced(row: int, line: str) -> str:
    """The file with one line changed."""
    return "\n".join([*lines()[:row], line, *lines()[row + 1 :]])


def with_value(site: Site, end: int, value: str) -> str:
    line = lines()[site.line]
    return replaced(site.line, line[: site.value] + value + line[end:])


def block_rows() -> list[int]:
    """Rows that are one `key: ...` of a block, complete on the row, without anchor or alias."""
    rows = []
    for site in sites():
        line = lines()[site.line]
        first = line[: site.start].strip() in ("", "-")
        if first and complete(site.line) and not re.search(r"[&*]\w", line):
            rows.append(site.line)
    return rows


def complete(row: int) -> bool:
    """Whether the entry of a row ends on it: nothing hangs on it below, all brackets closed."""
    line = lines()[row]
    below = next((x for x in lines()[row + 1 :] if x.strip() and not x.strip().startswith("#")), "")
    ends = line.rstrip().endswith((">-", ">", "|", ":"))
    balanced = line.count("{") == line.count("}") and line.count("[") == line.count("]")
    return not ends and balanced and indent(below) <= indent(line)


def indent(line: str) -> int:
    return len(line) - len(line.lstrip(" -"))


def by_name(location: Location) -> bool:
    """Whether the key at a location is a name of the scenario's own."""
    return is_defined(location) or is_used(location)


def is_defined(location: Location) -> bool:
    """Whether the key at a location gives a name to something."""
    above = location[:-1]
    if above[:1] == (MONEY,):
        return (len(above) == 2 and above[1] != "accounts") or above[-1] in OF_LABELS
    return len(above) == 1 and above[0] in OF_NAMES


def is_used(location: Location) -> bool:
    """Whether the key at a location is a name that was given elsewhere."""
    above = location[:-1]
    return above == (MONEY, "accounts") or (above != () and above[-1] in OF_NAMES_INSIDE)


def number_of(location: Location) -> Location:
    """The quantity that a location belongs to."""
    for size in range(len(location), 0, -1):
        data = at(location[:size])
        if isinstance(data, dict) and {"value", "ref", *FAMILIES} & data.keys():
            return location[:size]
    return location


def uses_of(word: str) -> set[int]:
    """Lines that hold a word."""
    return {row + 1 for row, line in enumerate(lines()) if re.search(rf"\b{word}\b", line)}


# --- kinds of mutation: each yields all that it can do; a sample of them is tried

Kind = Callable[[], Iterator[Mutation]]
KINDS: dict[str, Kind] = {}
MONEY_KINDS: list[str] = []


def kind(make: Kind) -> Kind:
    KINDS[make.__name__] = make
    return make


def numbers() -> Iterator[tuple[Site, int]]:
    """Sites whose value is a number, and where it ends."""
    for site in sites():
        if isinstance(site.data, int | float) and not isinstance(site.data, bool):
            match = re.compile(NUMBER).match(lines()[site.line], site.value)
            if match:
                yield site, match.end()


def number_replaced_by(value: str) -> Iterator[Mutation]:
    for site, end in numbers():
        yield Mutation(with_value(site, end, value), {site.line + 1}, False)


@kind
def text_for_a_number() -> Iterator[Mutation]:
    return number_replaced_by("twelve")


@kind
def quoted_number() -> Iterator[Mutation]:
    return number_replaced_by('"12"')


@kind
def not_a_number() -> Iterator[Mutation]:
    return number_replaced_by(".nan")


@kind
def infinity() -> Iterator[Mutation]:
    return number_replaced_by("-.inf")


@kind
def too_large_to_store() -> Iterator[Mutation]:
    return number_replaced_by("1e999")


@kind
def date_for_a_number() -> Iterator[Mutation]:
    return number_replaced_by("2021-03-31")


@kind
def truth_for_a_number() -> Iterator[Mutation]:
    return number_replaced_by("true")


@kind
def list_for_a_number() -> Iterator[Mutation]:
    return number_replaced_by("[1, 2]")


@kind
def mapping_for_a_number() -> Iterator[Mutation]:
    return number_replaced_by("{a: 1}")


@kind
def far_below_any_range() -> Iterator[Mutation]:
    """Negative rates, shares, money: no field goes so low."""
    return number_replaced_by("-1e12")


@kind
def far_above_any_range() -> Iterator[Mutation]:
    for site, end in numbers():
        if "comparator_rate" not in site.at and "discounts" not in site.at:
            yield Mutation(with_value(site, end, "1e14"), {site.line + 1}, False)


@kind
def nothing_for_a_number() -> Iterator[Mutation]:
    """Null may be allowed (a price year); else the number as a whole says what it lacks."""
    for site, end in numbers():
        told = {site.line + 1, line_of(number_of(site.at))}
        yield Mutation(with_value(site, end, "null"), told, None)


@kind
def another_number() -> Iterator[Mutation]:
    """One per cent more, which may break a sum of shares: told at the shares."""
    for site, end in numbers():
        if isinstance(site.data, float):
            parts = [n for n, part in enumerate(site.at) if part in SUMMED]
            told = {site.line + 1} | {line_of(site.at[: n + 1]) for n in parts}
            yield Mutation(with_value(site, end, f"{site.data * 1.01:.6g}"), told, None)


@kind
def the_same_number_written_otherwise() -> Iterator[Mutation]:
    for site, end in numbers():
        if isinstance(site.data, float):
            yield Mutation(with_value(site, end, f"{site.data!r}e+0"), set(), True)


@kind
def misspelled_field() -> Iterator[Mutation]:
    for site in sites():
        if not by_name(site.at) and site.at[:1] != ("correlations",):
            line = lines()[site.line]
            wrong = site.key[:1] + "q" + site.key[1:]
            text = line[: site.start] + line[site.start :].replace(site.key, wrong, 1)
            yield Mutation(replaced(site.line, text), {site.line + 1}, False)


@kind
def misspelled_name_in_use() -> Iterator[Mutation]:
    for site in sites():
        if is_used(site.at) and len(site.at) > 2:
            line = lines()[site.line]
            text = line[: site.start] + line[site.start :].replace(site.key, site.key + "x", 1)
            yield Mutation(replaced(site.line, text), {site.line + 1}, False)


@kind
def renamed_definition() -> Iterator[Mutation]:
    """Told where the old name is used; a name that nobody uses may change."""
    for site in sites():
        if is_defined(site.at):
            line = lines()[site.line]
            text = line[: site.start] + line[site.start :].replace(site.key, site.key + "x", 1)
            yield Mutation(replaced(site.line, text), uses_of(site.key), None)


@kind
def unknown_name() -> Iterator[Mutation]:
    for site in sites():
        named = site.key in NAMING or (site.at[0] == MONEY and site.key in NAMING_MONEY)
        if named and isinstance(site.data, str) and "terms" not in site.at:
            text = with_value(site, site.value + len(site.data), "nobody_known")
            yield Mutation(text, {site.line + 1}, False)


@kind
def unknown_name_in_a_list() -> Iterator[Mutation]:
    for site in sites():
        line = lines()[site.line]
        first = re.compile(r"\[\s*([\w.]+)").match(line, site.value)
        if site.key in LISTING and first:
            text = line[: first.start(1)] + "nobody_known" + line[first.end(1) :]
            yield Mutation(replaced(site.line, text), {site.line + 1}, False)


def money_kind(make: Kind) -> Kind:
    """A kind that finds nothing to change where a scenario has no contract or no loan."""
    MONEY_KINDS.append(make.__name__)
    return kind(make)


@money_kind
def unknown_terms() -> Iterator[Mutation]:
    for site in sites():
        named = site.key == "terms" or site.at[-2:] == ("terms", "extends")
        if site.at[0] == MONEY and named and isinstance(site.data, str):
            text = with_value(site, site.value + len(site.data), "nobody_known")
            yield Mutation(text, {site.line + 1}, False)


@money_kind
def event_outside_the_horizon() -> Iterator[Mutation]:
    """A contract, a loan or a move into another's budget that begins before or after it."""
    for site in sites():
        of_contract = site.at[:2] == (MONEY, "contracts") and site.key == "start"
        if (of_contract or site.key == "date") and isinstance(site.data, str):
            for wrong in ("1999-01", "2099-01"):
                text = with_value(site, site.value + len(site.data), wrong)
                yield Mutation(text, {site.line + 1}, False)


@kind
def unknown_evidence() -> Iterator[Mutation]:
    for row, line in enumerate(lines()):
        for match in re.finditer(r"(?<=[\[, ])E\d{3}(?=[,\]:])", line.partition("reason:")[0]):
            if "evidence:" in line or "comparator_rate:" in line:
                text = line[: match.start()] + "E999" + line[match.end() :]
                yield Mutation(replaced(row, text), {row + 1}, False)


@kind
def unknown_reference() -> Iterator[Mutation]:
    for site in sites():
        if site.key == "ref":
            text = with_value(site, site.value + len(site.data), "U999")
            yield Mutation(text, {site.line + 1}, False)


@kind
def unknown_unit() -> Iterator[Mutation]:
    for site in sites():
        written = re.compile(r'(\*py|"[^"]+"|[^,}&*"]+)(?=[,}]|$)')
        quantity = number_of(site.at) != site.at
        if (
            site.key == "unit"
            and quantity
            and (match := written.match(lines()[site.line], site.value))
        ):
            yield Mutation(with_value(site, match.end(), "furlongs"), {site.line + 1}, False)


@kind
def no_month() -> Iterator[Mutation]:
    for site in sites():
        if site.key in ("start", "end", "date") and isinstance(site.data, str):
            for wrong in ("2021-13", "2021", "next year", "2021-1", "21-01"):
                text = with_value(site, site.value + len(site.data), wrong)
                yield Mutation(text, {site.line + 1}, False)


@kind
def reversed_dates() -> Iterator[Mutation]:
    """An end before the start, or a start after the horizon: told at either date."""
    for site in sites():
        if site.key in ("start", "end") and isinstance(site.data, str):
            late = "2099-01" if site.key == "start" else "1901-01"
            both = {line_of((*site.at[:-1], key)) for key in ("start", "end")}
            text = with_value(site, site.value + len(site.data), late)
            valid = None if site.at[0] in ("movements", "services", MONEY) else False
            yield Mutation(text, both, valid)


@kind
def shares_that_do_not_fit() -> Iterator[Mutation]:
    """Payers' shares over or under 1, need levels that leave nobody stable: told at the part."""
    for site, end in numbers():
        for n, part in enumerate(site.at):
            whole = site.at[: n + 1]
            if part in ("payer", "payment", "financed_by") and site.key not in (
                "low",
                "mode",
                "high",
            ):
                for wrong in ("0.999", "0.0123"):
                    told = {line_of(whole), site.line + 1}
                    yield Mutation(with_value(site, end, wrong), told, False)
            if part == "need" and site.at[n + 1] in ("at_risk", "in_crisis"):
                told = {line_of(whole), site.line + 1}
                wrong = "1.0" if site.key != "low" else "0.9999"
                yield Mutation(with_value(site, end, wrong), told, None)


@kind
def number_for_text() -> Iterator[Mutation]:
    for site in sites():
        line = lines()[site.line]
        inside = line[: site.start].count("{") > line[: site.start].count("}")
        plain = r"[^\s,}&*>|\"'][^,}]*" if inside else r"[^\s&*>|\"'].*"
        match = re.compile(rf'"[^"]*"|{plain}').match(line, site.value)
        if site.key in TEXTS and match and complete(site.line):
            yield Mutation(with_value(site, match.end(), "12"), {site.line + 1}, False)


@kind
def deleted_entry() -> Iterator[Mutation]:
    """What was needed is missed at the part that it is deleted from; names, where they are used."""
    for row in block_rows():
        site = next(s for s in sites() if s.line == row)
        if lines()[row].lstrip().startswith("-"):
            continue
        told = {row, row + 1, row + 2, line_of(site.at[:-1])}
        if by_name(site.at):
            told |= uses_of(site.key)
        if site.key in FAMILIES:  # no longer uncertain
            told |= uses_of(re.escape(dotted(number_of(site.at))))
        if (
            len(site.at) > 2
        ):  # what a party, a payer or an account needs may be missed where it is used
            told |= uses_of(str(site.at[1 if site.at[0] != MONEY else 2]))
        if site.at[:2] == (MONEY, "contracts"):  # told where the contract asks for it
            told |= {s.line + 1 for s in sites() if s.at[:3] == site.at[:3]}
        yield Mutation(replaced(row, ""), told, None)


@kind
def repeated_key() -> Iterator[Mutation]:
    for row in block_rows():
        if not lines()[row].lstrip().startswith("-"):
            yield Mutation(replaced(row, lines()[row] + "\n" + lines()[row]), {row + 2}, False)


@kind
def unknown_field() -> Iterator[Mutation]:
    for site in sites():
        line = lines()[site.line]
        if line[site.value : site.value + 1] == "{" and site.key not in OF_LABELS:
            text = line[: site.value + 1] + "surprise: 1, " + line[site.value + 1 :]
            yield Mutation(replaced(site.line, text), {site.line + 1}, False)


@kind
def list_for_a_mapping() -> Iterator[Mutation]:
    for site in sites():
        if isinstance(site.data, dict) and lines()[site.line].endswith("}"):
            line = lines()[site.line]
            if line[site.value : site.value + 1] == "{" and complete(site.line):
                depth = 0
                for end in range(site.value, len(line)):
                    depth += {"{": 1, "}": -1}.get(line[end], 0)
                    if depth == 0:
                        break
                yield Mutation(with_value(site, end + 1, "[1, 2]"), {site.line + 1}, False)


@kind
def mapping_for_a_list() -> Iterator[Mutation]:
    for site in sites():
        line = lines()[site.line]
        if isinstance(site.data, list) and line[site.value : site.value + 1] == "[":
            end = line.index("]", site.value) + 1
            yield Mutation(with_value(site, end, "{a: 1}"), {site.line + 1}, False)


def next_row(row: int) -> int:
    """The next row of the same block or of one around it."""
    for below in range(row + 1, len(lines())):
        line = lines()[below]
        if (
            line.strip()
            and not line.strip().startswith("#")
            and indent(line) <= indent(lines()[row])
        ):
            return below
    return row


@kind
def wrong_indentation() -> Iterator[Mutation]:
    """Told at the line or at the next of the same block, where the reader loses the thread."""
    for row in block_rows():
        told = {row + 1, next_row(row) + 1}
        yield Mutation(replaced(row, " " + lines()[row]), told, None)
        if lines()[row].startswith("  "):
            yield Mutation(replaced(row, lines()[row][1:]), told, None)


@kind
def tab_for_indentation() -> Iterator[Mutation]:
    for row in block_rows():
        if lines()[row].startswith("  "):
            yield Mutation(replaced(row, "\t" + lines()[row][2:]), {row + 1}, False)


@kind
def open_bracket() -> Iterator[Mutation]:
    """A bracket that is never closed: told at the line, or where what follows does not fit."""
    for row in block_rows():
        line = lines()[row]
        if line.endswith("}"):
            yield Mutation(replaced(row, line[:-1]), {row + 1, next_row(row) + 1}, False)


@kind
def open_quote() -> Iterator[Mutation]:
    """A quote runs to the next quote of the file: told where it begins or where that ends."""
    for site, _ in numbers():
        line = lines()[site.line]
        text = line[: site.value] + '"' + line[site.value :]
        if '"' in line[site.value :]:
            yield Mutation(replaced(site.line, text), {site.line + 1}, False)


@kind
def text_after_a_quote() -> Iterator[Mutation]:
    for row, line in enumerate(lines()):
        if line.endswith('"') and ": " in line and not line.lstrip().startswith("#"):
            yield Mutation(replaced(row, line + " more"), {row + 1}, False)


@kind
def unprintable_character() -> Iterator[Mutation]:
    for row in block_rows():
        yield Mutation(replaced(row, lines()[row] + "\x07"), {row + 1}, False)


@kind
def tag() -> Iterator[Mutation]:
    for site, end in numbers():
        yield Mutation(with_value(site, end, "!!python/name:os.system x"), {site.line + 1}, False)


@kind
def unknown_alias() -> Iterator[Mutation]:
    for site, end in numbers():
        yield Mutation(with_value(site, end, "*nowhere"), {site.line + 1}, False)


@kind
def comment() -> Iterator[Mutation]:
    for row in block_rows():
        yield Mutation(replaced(row, lines()[row] + "  # a remark: {[("), set(), True)


@kind
def empty_line_and_comment_above() -> Iterator[Mutation]:
    for row in block_rows():
        yield Mutation(replaced(row, "\n# a remark\n" + lines()[row]), set(), True)


@kind
def swapped_neighbours() -> Iterator[Mutation]:
    """The order of fields is free; that of definitions and list items says something."""
    rows = set(block_rows())
    for row in sorted(rows):
        below, line = row + 1, lines()[row]
        plain = below in rows and not lines()[below].lstrip().startswith("-")
        if plain and not line.lstrip().startswith("-") and indent(line) == indent(lines()[below]):
            both = [lines()[below], line]
            text = "\n".join([*lines()[:row], *both, *lines()[below + 1 :]])
            yield Mutation(text, set(), True)


@kind
def the_same_in_another_unit() -> Iterator[Mutation]:
    """Per year for per month, in one line."""
    for row, line in enumerate(lines()):
        match = re.search(rf"value: ({NUMBER}), unit: 1/month", line)
        if match:
            per_year = f"value: {12 * float(match[1])!r}, unit: 1/year"
            yield Mutation(replaced(row, line.replace(match[0], per_year)), set(), True)


@cache
def mutations(name: str) -> list[Mutation]:
    """A sample of one kind, the same every time."""
    unique = {mutation.text: mutation for mutation in KINDS[name]()}
    found = list(unique.values())
    return random.Random(name).sample(found, min(PER_KIND, len(found)))
