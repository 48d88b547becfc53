"""The folder of a measurement plan: plan.json, plan.csv, plan.png and plan.html, all or nothing."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from model.loading import Loaded
from model.planning import DESIGNS, Asked, Plan, chosen, plan
from model.problems import BadInput, Mark, Problem
from model.runfolder import refuse_uncreatable, run_hash, written_whole

from . import renderer
from .plan import (
    METRIC_NAMES,
    NAMES,
    answer,
    as_json,
    cells,
    columns,
    explained,
    payment_columns,
    payment_rows,
    subtitle,
)
from .plan_figure import figure

TEMPLATES = Path(__file__).parent / "templates"


def prepared(
    loaded: Loaded, contract: str | None, draws: int, seed: int, asked: Asked, out: Path | None
) -> tuple[str, Path]:
    """The contract, and the folder for its plan; BadInput before any work is done."""
    name = chosen(loaded, contract)
    folder = out
    if folder is None:
        key = run_hash(loaded, draws, seed, "lhs")
        test = f"{100 * asked.power:g}-{100 * asked.alpha:g}"
        folder = Path("runs") / f"plan-{loaded.scenario.name}-{name}-{test}-{key}"
    refuse_uncreatable(folder)
    foreign = folder.exists() and not (folder / "plan.json").is_file()
    if foreign and not (folder.is_dir() and not any(folder.iterdir())):
        found = f"`{folder}`, which is there and is no plan"
        allowed = "a new folder, an empty one, or an earlier plan"
        raise BadInput([Problem(Mark("--out", 1, 1), "", found, allowed)])
    return name, folder


def made(
    loaded: Loaded,
    name: str,
    draws: int,
    seed: int,
    asked: Asked,
    folder: Path,
    advance: Callable[[int], None],
) -> Plan:
    """The plan, and its folder written whole."""
    p = plan(loaded, name, draws, seed, asked, progress=advance)
    with written_whole(folder) as filling:
        words = json.dumps(as_json(p), indent=1, ensure_ascii=False, allow_nan=False)
        (filling / "plan.json").write_text(words + "\n", encoding="utf-8", newline="\n")
        write_csv(p, filling / "plan.csv")
        drawn = figure(p)
        (filling / "plan.png").write_bytes(renderer.png(drawn))
        html = page(p, renderer.svg(drawn))
        (filling / "plan.html").write_text(html, encoding="utf-8", newline="\n")
    return p


def write_csv(p: Plan, path: Path) -> None:
    """One row a metric and design; what is not known, or no number does, is empty."""
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = [asdict(row) for row in p.rows]
        out = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        out.writeheader()
        out.writerows(rows)


def page(p: Plan, svg: str) -> str:
    made_of = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made_of.filters["minus"] = lambda words: words.replace("-", "\N{MINUS SIGN}")
    return made_of.get_template("plan.html").render(_view(p, svg))


def _view(p: Plan, svg: str) -> dict[str, Any]:
    from markupsafe import Markup  # noqa: PLC0415  only a page needs it

    return {
        "title": p.expected.line.name,
        "about": subtitle(p),
        "answer": answer(p),
        "svg": Markup(svg),  # made by the renderer, which escapes names
        "columns": columns(p, wide=True),
        "metrics": [
            {"title": METRIC_NAMES[metric], "rows": [_row(p, d, metric) for d in DESIGNS]}
            for metric in p.expected.effects
        ],
        "payment_columns": payment_columns(p),
        "payments": [
            {"title": METRIC_NAMES[metric], "rows": [_dashed(row) for row in rows]}
            for metric, rows in payment_rows(p).items()
        ],
        "notes": list(explained(p)),
    }


def _row(p: Plan, design: str, metric: str) -> dict[str, Any]:
    return {"name": NAMES[design], "cells": _dashed(cells(p.row(design, metric), True))}


def _dashed(cells: list[str]) -> list[str]:
    """A dash alone means not told: it is no sign."""
    return ["\N{EN DASH}" if cell == "-" else cell for cell in cells]
