"""The folder's page, charts and CSV: self-contained, escaped, made from its files alone."""

from __future__ import annotations

import csv
import re
from collections import defaultdict
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from . import episodes_findings as findings
from . import episodes_story as story
from . import renderer, wording
from .episodes_data import Episodes, Row
from .episodes_figures import charts
from .episodes_terminal import beyond, money_between, signed_percent
from .figures import intervals
from .figures_selection import ALIKE, OTHERS, SERVED, fall

TEMPLATES = Path(__file__).parent / "templates"
PAGE = "episodes.html"
MINUS = "\N{MINUS SIGN}\N{WORD JOINER}"
_SIGN = re.compile(r"(?<![\w-])-(?=[$\d])")  # of a number, not within a word
GLOSSARY = (
    ("Replication", "one run of chance: the same numbers, other luck"),
    ("Usual care", "the same people with the same luck without the interventions"),
    ("Slots", "the most people that the staff in post can serve at a time"),
    ("On the list", "referred, reached and willing, and not yet in service"),
    ("Dynamics", "the other lens on the same numbers: flows of expected people, no luck"),
    ("Truth", "usual care less the strategy for the same people and luck; nobody could measure it"),
    ("Standard error", "how far a mean over these replications may be from that of many more"),
)


def write(folder: Path) -> None:
    """episodes.html, episodes.csv and charts/ of a folder of episodes."""
    e = Episodes(folder)
    drawn = dict(charts(e)) | {
        f"selection_{k + 1}": _selection(row)
        for k, row in enumerate(e.summary["selection"])
        if row["reported"]
    }
    drawn |= _falls(e)
    (folder / "charts").mkdir()
    shown: dict[str, Markup] = {}
    for name, spec in drawn.items():
        svg = renderer.svg(spec)
        (folder / "charts" / f"{name}.svg").write_text(svg, encoding="utf-8", newline="\n")
        (folder / "charts" / f"{name}.png").write_bytes(renderer.png(spec))
        shown[name] = Markup(svg)
    page = _environment().get_template(PAGE).render(view(e, shown))
    (folder / PAGE).write_text(page, encoding="utf-8", newline="\n")
    write_csv(e, folder / "episodes.csv")


def view(e: Episodes, shown: dict[str, Markup]) -> dict[str, Any]:
    """Everything that the template shows."""
    rows = e.summary["selection"]
    return {
        "s": e.summary,
        "heading": story.heading(e),
        "answer": [_minus(sentence) for sentence in story.answer(e)],
        "interval": story.interval_name(e),
        "chance_note": findings.titled(dict(story.notes(e))["Chance"]),
        "command": e.summary["command"],
        "estimate": findings.estimate(e),
        "notes": story.notes(e),
        "glossary": GLOSSARY,
        "queues": story.queues(e),
        "agreements": [
            list(rows) for _, rows in groupby(story.agreements(e), lambda row: row.intervention)
        ],
        "avoided": story.avoided(e),
        "charts": defaultdict(str, shown),
        "savings": [svg for name, svg in shown.items() if name.startswith("savings_")],
        "selections": [shown.get(f"selection_{k + 1}", "") for k in range(len(rows))],
        "falls": [shown.get(f"fall_{k + 1}", "") for k in range(len(rows))],
        "between": lambda s, words: _minus(story.between(s, words)),
        "tell": lambda x, words: _minus(story.told(x, words)),
        "signed": lambda share: _minus(signed_percent(share)),
        "contract_name": lambda row: findings.contract_name(e, row),
        "too_few": lambda row: findings.too_few(e, row),
        "people_of": lambda row: findings.people_of(e, row),
        "scarce": findings.scarce,
        "unit": story.wait_unit(e),
        "beyond": beyond,
        "usd": lambda x: _minus(story.rough(e, x, short=True)),
        "usd_between": lambda s: _minus(money_between(e, s)),
        "label": lambda name: findings.titled(e.name(name)),
    }


def _minus(words: str) -> str:
    """A true minus sign before a number; hyphens of words stay."""
    return _SIGN.sub(MINUS, words)


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in ("short_money", "count", "number", "points", "of_hundred"):
        words = getattr(wording, name)
        made.filters[name] = lambda x, words=words: _minus(words(x))
    return made


def _selection(row: Row) -> renderer.Spec:
    """What each design reports, and the truth."""
    rows = [
        {"name": r["design"], "what": "", "mean": r["mean"], "p05": r["low"], "p95": r["high"]}
        for r in row["reported"]
        if r["measure"] == "usd"
    ]
    order = [r["name"] for r in rows]
    axis = "saving reported, USD a person and month"
    return intervals(rows, order, {"": renderer.BLUE}, axis, single=30) | {"width": 440}


def _falls(e: Episodes) -> dict[str, renderer.Spec]:
    """Use before and after people were picked, where nothing was done for anybody."""
    found = {}
    for k, row in enumerate(e.summary["selection"]):
        use = row["by_month"]
        if row["placebo"] and use:
            groups = {SERVED: "served", ALIKE: "comparison", OTHERS: "unselected"}
            lines = {name: np.array(use[g]) for name, g in groups.items() if g in use}
            services = wording.listed(e.name(s) for s in row["services"])
            found[f"fall_{k + 1}"] = fall(lines, int(row["months_before"]), services)
    return found


def write_csv(e: Episodes, path: Path) -> None:
    """One row a metric, with the name that people call its subject; safe in a spreadsheet."""
    fields = ("metric", "subject", "unit", "mean", "se", "sd", "median", "low", "high", "interval",
              "replications")  # fmt: skip
    exact = {(r["metric"], r["subject"]): r["dynamics"] for r in e.summary["dynamics"]}
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow([*fields, "dynamics", "name"])
        for row in e.summary["metrics"]:
            told = [row[field] for field in fields]
            told += [exact.get((row["metric"], row["subject"])), e.name(row["subject"])]
            out.writerow([wording.cell(x) if isinstance(x, str) else x for x in told])
