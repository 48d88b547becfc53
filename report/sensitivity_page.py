"""The folder of a sensitivity study: JSON, CSV, charts and a page, all or nothing."""

from __future__ import annotations

import csv
import hashlib
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from model.loading import Loaded
from model.problems import BadInput, Mark, Problem
from model.runfolder import refuse_uncreatable, run_hash, written_whole
from model.sensitivity.study import Row

from . import renderer
from .sensitivity import (
    MEANS,
    as_json,
    cells,
    columns,
    folded,
    in_unit,
    nothing,
    parts,
    spread,
    subtitle,
)
from .sensitivity_answer import Told, answer
from .sensitivity_figures import figure
from .wording import capital, cell

TEMPLATES = Path(__file__).parent / "templates"
COLUMNS = (
    "output", "unit", "method", "factor", "about", "role", "value", "p05", "p95",
    "first", "first_p05", "first_p95", "low", "high", "at_low", "at_high", "basis",
)  # fmt: skip


class Question(NamedTuple):
    """What a study is asked: another question has another folder."""

    method: str
    outputs: tuple[str, ...]
    samples: int
    grouped: bool
    seed: int


def prepared(loaded: Loaded, asked: Question, out: Path | None) -> Path:
    """The folder of the study; BadInput before any work is done."""
    folder = out
    if folder is None:
        whole = run_hash(loaded, asked.samples, asked.seed, "lhs") + repr(asked)
        key = hashlib.blake2b(whole.encode(), digest_size=5).hexdigest()
        folder = Path("runs") / f"sensitivity-{loaded.scenario.name}-{asked.method}-{key}"
    refuse_uncreatable(folder)
    foreign = folder.exists() and not (folder / "sensitivity.json").is_file()
    if foreign and not (folder.is_dir() and not any(folder.iterdir())):
        found = f"`{folder}`, which is there and is no sensitivity study"
        allowed = "a new folder, an empty one, or an earlier study"
        raise BadInput([Problem(Mark("--out", 1, 1), "", found, allowed)])
    return folder


def write(told: Sequence[Told], loaded: Loaded, folder: Path) -> None:
    """Everything at once, so that nothing half-written is left."""
    scenario = loaded.scenario.name
    with written_whole(folder) as filling:
        whole = {"scenario": scenario, "studies": [as_json(t) for t in told]}
        words = json.dumps(whole, indent=1, ensure_ascii=False, allow_nan=False)
        (filling / "sensitivity.json").write_text(words + "\n", encoding="utf-8", newline="\n")
        _write_csv(told, filling / "sensitivity.csv")
        drawn = [figure(t) if t.study.rows else None for t in told]
        for k, spec in enumerate(drawn):
            if spec is not None:
                (filling / f"sensitivity-{k + 1}.png").write_bytes(renderer.png(spec))
        html = page(told, loaded, [renderer.svg(spec) if spec else "" for spec in drawn])
        (filling / "sensitivity.html").write_text(html, encoding="utf-8", newline="\n")


def _write_csv(told: Sequence[Told], path: Path) -> None:
    """One row an outcome and factor."""
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow(COLUMNS)
        for t in told:
            s = t.study
            for r in s.rows:
                blank = ("", "", "")
                about = (
                    s.output.name,
                    s.output.unit,
                    s.method,
                    cell(r.factor.name),
                    r.factor.meaning,
                )
                index = r.factor.role, r.value, r.low, r.high
                more = *(r.first or blank), *(r.ends or blank[:2]), *(r.outcome or blank[:2])
                out.writerow((*about, *index, *more, t.basis(r.factor)))


# A minus before a number, kept together with it by a word joiner.
OPTION = re.compile(r"--(samples|method|output) [\w:.@]+\w")
MINUS = re.compile(r"(?<![\w.])-(?=[$\d])")


def minus(words: str) -> str:
    """A typographic minus, and no line break between a number and its sign or per cent."""
    joined = MINUS.sub("\N{MINUS SIGN}\N{WORD JOINER}", words)
    return re.sub(r"(?<=\d) %", "\N{NO-BREAK SPACE}%", joined)


def said(words: str) -> Markup:
    """A sentence in which options can be told, and copied."""
    option = r'<code style="white-space: nowrap">\g<0></code>'
    return Markup(OPTION.sub(option, str(escape(minus(words)))))


def page(told: Sequence[Told], loaded: Loaded, svgs: Sequence[str]) -> str:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["capital"] = capital
    made.filters["minus"] = minus
    made.filters["said"] = said
    views = [_view(t, loaded.scenario.name, svg) for t, svg in zip(told, svgs, strict=True)]
    template = made.get_template("sensitivity.html")
    return template.render(title=loaded.scenario.title, studies=views)


def _view(t: Told, scenario: str, svg: str) -> dict[str, Any]:
    s = t.study
    return {
        "name": s.output.name,
        "outcome": t.outcome,
        "about": subtitle(t, scenario),
        "spread": spread(s),
        "answer": answer(t),
        "svg": Markup(svg),  # made by the renderer, which escapes names
        "columns": columns(s),
        "ends": s.method == "tornado",
        "parts": [_part(t, title, rows) for title, rows in parts(s)],
        "means": MEANS[s.method],
    }


def _part(t: Told, title: str, rows: Sequence[Row]) -> dict[str, Any]:
    shown, _ = folded(t.study, rows)
    others = [row for row in rows if row not in shown]
    still = sum(nothing(t.study, row) for row in others)
    matter = f"{len(others) - still} more that matter less" if len(others) > still else ""
    zero = f"{still} that {'changes' if still == 1 else 'change'} nothing" if still else ""
    return {
        "title": in_unit(t.study, title),
        "shown": _rows(t, shown),
        "folded": _rows(t, others),
        "others": ", ".join(filter(None, [matter, zero])),
    }


def _rows(t: Told, rows: Sequence[Row]) -> list[dict[str, Any]]:
    return [
        {
            "label": t.label(r.factor),
            "key": r.factor.name,
            "meaning": r.factor.meaning,
            "span": t.span(r),
            "basis": t.basis(r.factor),
            "cells": cells(t.study, r),
        }
        for r in rows
    ]
