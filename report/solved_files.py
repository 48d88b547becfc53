"""Folders of analyses: a page, tables, charts and one JSON file, written whole."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import math
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from model.draws import sample
from model.loading import Loaded
from model.problems import BadInput, Mark, Problem
from model.runfolder import refuse_uncreatable, run_hash, written_whole
from model.variants import outputs
from model.wanted import Plan

from . import html, renderer
from .answer_page import Page
from .wording import cell, listed, number

PILOT = 40  # draws, to say beforehand how long all will take
MANY = 2_000  # runs from which that is said


def folder_for(
    out: Path | None, kind: str, loaded: Loaded, draws: int, seed: int, words: Sequence[object]
) -> Path:
    """Where an analysis goes: --out, or runs/KIND-NAME-HASH; BadInput where it cannot."""
    if out is None:
        asked = f"{run_hash(loaded, draws, seed, 'lhs')} {' '.join(map(str, words))}"
        mixed = hashlib.blake2b(asked.encode(), digest_size=5).hexdigest()
        out = Path("runs") / f"{kind}-{loaded.scenario.name}-{mixed}"
    refuse_uncreatable(out)
    foreign = out.exists() and not (out / f"{kind}.json").is_file()
    if foreign and not (out.is_dir() and not any(out.iterdir())):
        found = f"`{out}`, which is there and is no `{kind}` folder"
        allowed = f"a new folder, an empty one, or an earlier one of `{kind}`"
        raise BadInput([Problem(Mark("--out", 1, 1), "", found, allowed)])
    return out


def write(
    folder: Path, kind: str, told: Mapping[str, Any], files: Mapping[str, bytes], page: Page
) -> Page:
    """The page and KIND.json beside other files, all or nothing; the page names them."""
    text = json.dumps(plain(told), indent=1, allow_nan=False) + "\n"
    beside = listed([f"{kind}.json (all numbers)", *files])
    page = page._replace(notes=[*page.notes, f"Files beside the page: {beside}."])
    charts = [(Markup(renderer.svg(spec)), caption) for spec, caption in page.charts]
    rendered = html._environment().get_template("answer.html").render(page=page, charts=charts)
    with written_whole(folder) as filling:
        (filling / f"{kind}.json").write_text(text, encoding="utf-8", newline="\n")
        (filling / html.PAGE).write_text(rendered, encoding="utf-8", newline="\n")
        for name, content in files.items():
            (filling / name).write_bytes(content)
    return page


def cost(loaded: Loaded, asked: Plan, what: str, variants: int, draws: int) -> str:
    """What many runs will take, from a pilot of a few draws; nothing where they are few."""
    if variants * draws < MANY:
        return ""
    base = sample(loaded, PILOT, 0)
    outputs([base], asked)  # the first call starts threads and reads the equations
    began = time.perf_counter()
    outputs([base, base], asked)
    each = (time.perf_counter() - began) / (2.0 * PILOT)
    runs = variants * draws
    return f"{what}, {draws:,} draws each: {runs:,} runs, about {lasting(runs * each)} here."


def lasting(seconds: float) -> str:
    """40 s; 12 minutes; 3.4 hours"""
    if seconds < 100.0:
        return f"{number(seconds, 2)} s"
    minutes = seconds / 60.0
    return f"{minutes:.0f} minutes" if minutes < 100.0 else f"{number(minutes / 60.0, 2)} hours"


def plain(value: Any) -> Any:
    """For JSON: what is not a number is null, what is beyond a range a word."""
    if isinstance(value, Mapping):
        return {key: plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None if math.isnan(value) else "above" if value > 0 else "below"
    return value


def table(rows: Sequence[Mapping[str, Any]]) -> bytes:
    """A CSV file of rows with the same keys."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(rows[0])
    writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return text.getvalue().encode()


def _cell(value: Any) -> Any:
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.10g}"
    return cell(value) if isinstance(value, str) else value
