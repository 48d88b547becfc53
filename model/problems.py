"""What is wrong with an input: where, what was found, what is allowed, the nearest valid name."""

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

Location = tuple[str | int, ...]
"""Keys and list indices from the root of a document to a value."""

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}(-[0-9]{2})?([Tt ][0-9:.+ Zz-]*)?")
_LONGEST = 60
NO_COMMA = "numbers without commas: 14000 for 14,000"


@dataclass(frozen=True, order=True)
class Mark:
    """A place in a file; line and column count from 1; line 0 is the file as a whole."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        if self.line == 0 or self.file.startswith("--"):  # an option has no lines
            return self.file
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Problem:
    """One mistake, told in one or two lines. `key` is dotted and may be empty."""

    mark: Mark
    key: str
    found: str
    allowed: str
    nearest: str = ""

    def __str__(self) -> str:
        told = f"found {self.found}; allowed: {self.allowed}"
        if self.nearest:
            told += f"; did you mean `{self.nearest}`?"
        if not self.key:
            return printable(f"{self.mark}  {told}")
        return f"{printable(f'{self.mark}  {self.key}')}\n    {printable(told)}"


class BadInput(Exception):
    """Every mistake that one reading of the input could tell, in the order of the files."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        ordered = sorted(problems, key=lambda problem: (problem.mark, problem.key, problem.found))
        self.problems = tuple(dict.fromkeys(ordered))
        super().__init__(self.problems)

    def __str__(self) -> str:
        count = len(self.problems)
        files = ", ".join(dict.fromkeys(problem.mark.file for problem in self.problems))
        heading = f"{count} problem{'' if count == 1 else 's'} in {printable(files)}"
        return "\n".join([heading, *map(str, self.problems)])


class Unfinished(Exception):
    """Work that stopped half-way; the message says how to go on."""


PART = 3  # letters that a part of a name has at least


def nearest(name: str, names: Iterable[str]) -> str:
    """The valid name that looks most like `name`, whatever the case; "" when none does.

    A name of which it is the beginning, or a part between underscores, comes first.
    """
    by_lower = {valid.lower(): valid for valid in names}
    lower = name.lower()
    if len(lower) >= PART:
        of_it = [valid for valid in by_lower if valid.startswith(lower)]
        of_it += [valid for valid in by_lower if f"_{lower}" in valid and "." not in valid]
        if of_it:
            return by_lower[min(of_it, key=len)]
    close = difflib.get_close_matches(lower, by_lower, n=1)
    return by_lower[close[0]] if close else ""


def dotted(location: Iterable[str | int]) -> str:
    """('a', 'b', 0, 'c') -> 'a.b[0].c'"""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).removeprefix(".")


def kind(value: Any) -> str:
    """What a value read from YAML is, in words."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "a truth value"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a date" if _DATE.fullmatch(value) else "text"
    return "a mapping" if isinstance(value, dict) else "a list"


def described(value: Any) -> str:
    """A value, shortened, and its kind: `'yes' (text)`, `true`, `nothing`."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{shortened(repr(value))} ({kind(value)})"


def shortened(text: str, longest: int = _LONGEST) -> str:
    """The text itself, or its beginning and `...`, `longest` characters in all."""
    return text if len(text) <= longest else text[: longest - 3] + "..."


def printable(text: str) -> str:
    """The text on one line, without characters that would move a terminal's cursor."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
