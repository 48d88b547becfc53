"""Tables and lines of analyses at the terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from . import screen
from .screen import text


def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """The first column to the left, numbers to the right."""
    made = screen.table(title, columns[0])
    screen.numbers(made, *columns[1:])
    for row in rows:
        made.add_row(*map(text, row))
    return made


def lines(words: Iterable[str], style: str = "") -> Text:
    """Sentences below each other."""
    return Text("\n").join(text(each, style) for each in words)
