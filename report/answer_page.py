"""The page of one answer: heading, sentences, charts and tables, in one file that works offline."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from markupsafe import Markup
from rich.console import Console, RenderableType
from rich.text import Text

from model.problems import BadInput, Mark, Problem
from model.runfolder import written_whole

from . import html, renderer, terminal
from .screen import numbers, table, text


class Rows(NamedTuple):
    """A table: headings, and rows of cells; the first cell of a row names it."""

    title: str
    headings: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


class Page(NamedTuple):
    """What is told, in its order."""

    title: str
    meta: str
    sentences: Sequence[str]
    charts: Sequence[tuple[renderer.Spec, str]]  # each with its caption
    tables: Sequence[Rows]
    notes: Sequence[str]


def write(page: Page, data: Mapping[str, Any], name: str, folder: Path) -> None:
    """NAME.json and index.html, all or nothing."""
    refuse_foreign(folder, name)
    charts = [(Markup(renderer.svg(spec)), caption) for spec, caption in page.charts]
    made = html._environment().get_template("answer.html")
    with written_whole(folder) as filling:
        words = json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False)
        (filling / f"{name}.json").write_text(words + "\n", encoding="utf-8", newline="\n")
        rendered = made.render(page=page, charts=charts)
        (filling / html.PAGE).write_text(rendered, encoding="utf-8", newline="\n")


def refuse_foreign(folder: Path, name: str) -> None:
    """A folder that holds something else is never replaced."""
    foreign = folder.exists() and not (folder / f"{name}.json").is_file()
    if foreign and not (folder.is_dir() and not any(folder.iterdir())):
        found = f"`{folder}`, which is there and holds no {name}.json"
        allowed = "a new folder, an empty one, or an earlier answer"
        raise BadInput([Problem(Mark("--out", 1, 1), "", found, allowed)])


def show(page: Page, folder: Path, to: Console | None = None) -> None:
    """The same at the terminal, without charts."""
    out = to or terminal.console()
    heading = Text.assemble(text(page.title, "bold"), "\n", text(page.meta, "dim"))
    parts: list[RenderableType] = [heading]
    parts += [text(sentence) for sentence in page.sentences]
    parts += [part for rows in page.tables for part in _table(rows)]
    parts += [text(note, "dim") for note in page.notes]
    where = Text.assemble(("Page: ", "bold"), text(str(folder / html.PAGE)))
    terminal.show(out, [*parts, where])


def _table(rows: Rows) -> list[RenderableType]:
    made = table(rows.title, rows.headings[0])
    numbers(made, *rows.headings[1:])
    for first, *cells in rows.rows:
        made.add_row(text(first), *(text(cell) for cell in cells))
    return [made, *([text(rows.note, "dim")] if rows.note else [])]
