"""Tables and lists of the terminal, in one look.

Every string of a scenario is shown as it stands (rich Text, no markup, no control characters).
"""

from __future__ import annotations

from collections.abc import Iterable

from rich import box
from rich.table import Table
from rich.text import Text

from model.problems import printable


def text(words: str, style: str = "") -> Text:
    return Text(printable(words), style=style)


def table(title: str, first: str) -> Table:
    """A table under its title; the first column names the rows."""
    made = Table(
        title=Text(title, style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
        header_style="dim",
        expand=False,
    )
    made.add_column(Text(first), ratio=None, min_width=14, overflow="fold")
    return made


def numbers(made: Table, *headings: str) -> None:
    """Columns of numbers, which are never broken."""
    for heading in headings:
        made.add_column(Text(heading), justify="right", no_wrap=True, vertical="top")


def topics(rows: Iterable[tuple[str, str]], style: str, width: int = 10) -> Table:
    """Topic and what there is to say of it."""
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style=style, no_wrap=True, min_width=width)
    grid.add_column(overflow="fold")
    for topic, words in rows:
        grid.add_row(Text(topic), text(words))
    return grid
