"""Conditions of failure in words, with coverage and density, and how sure they are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from model.wide import SUPPORT, Lever

from . import discovery_figures
from .answer_page import Page, Rows
from .wording import listed, number, percent, plural, readable

Told = Mapping[str, Any]
LUCK = "luck"
_EVENT = re.compile(r"(grants|hard_wiring|loans)\.(\w+?)(?:\.renewal\[(\d+)\])?$")
_ERROR = re.compile(r"(?:contracts\.)?(\w+)(?:\.(year|baseline|trend|measures\.\w+))?\[(\d+)\]$")
FEW = 30  # failures below which nothing much can be found


def page(told: Told, names: Mapping[str, str], scatter: Sequence[Mapping[str, Any]]) -> Page:
    """Everything that the page and the terminal show."""
    charts = []
    if told["trajectory"]:
        caption = (
            "Each dot is a box on the way from all draws to the smallest; the chosen one is filled."
        )
        charts.append(
            (discovery_figures.peeling(told["trajectory"], _chosen(told), told["turned"]), caption)
        )
    if told["holds"]:
        axes = [_axis(c, names) for c in told["conditions"][:2]]
        caption = "All draws by the two strongest conditions; the frame is the box."
        charts.append((discovery_figures.scatter(scatter, axes), caption))
    return Page(
        title=f"{told['scenario_title']}: when does it {'last' if told['turned'] else 'fail'}?",
        meta=f"Discovery · fails: {told['fails']} · {plural(told['draws'], 'draw')} · seed "
        f"{told['seed']}",
        sentences=list(sentences(told, names)),
        charts=charts,
        tables=list(tables(told, names)),
        notes=list(notes(told, names)),
    )


def _chosen(told: Told) -> int:
    scores = [2 * b["coverage"] * b["density"] / max(b["coverage"] + b["density"], 1e-12)
              for b in told["trajectory"]]  # fmt: skip
    return scores.index(max(scores))


# --- sentences


def sentences(told: Told, names: Mapping[str, str]) -> Sequence[str]:
    failures = round(told["base"] * told["draws"])
    said = [
        (
            f"{told['fails']} in {plural(failures, 'draw')} of {told['draws']:,} "
            f"({percent(told['base'])})."
        )
    ]
    if failures == 0:
        return [*said, "Nothing fails in these ranges: there is nothing to explain."]
    if failures == told["draws"]:
        return [
            *said,
            "All fail in these ranges: no condition here prevents it. Widen the ranges of levers.",
        ]
    if told["turned"]:
        said.append("Most fail, so the question is turned round: when does it last?")
    if not told["holds"]:
        said.append(
            "No simple condition was found: no box of a few limits holds more of them than chance "
            "would put there, on draws that it was not found on."
        )
    else:
        words = listed(condition(c, names) for c in told["conditions"])
        what, does = ("draws that last", "last") if told["turned"] else ("failures", "fail")
        base = 1.0 - told["base"] if told["turned"] else told["base"]
        said.append(
            f"It {'lasts' if told['turned'] else 'fails'} mostly where {words}: "
            f"{percent(told['coverage'])} of the {what} are there (coverage), and "
            f"{percent(told['density'])} of what is there {does} (density), against "
            f"{percent(base)} of all."
        )
        said += _by_kind(told, names)
    if min(failures, told["draws"] - failures) < FEW:
        said.append(
            f"Few draws differ from the rest ({failures} fail): more draws make this firmer."
        )
    return said


def _by_kind(told: Told, names: Mapping[str, str]) -> Sequence[str]:
    """Who can do something about it."""
    of = {kind: [label(c["name"], names) for c in told["conditions"] if c["kind"] == kind]
          for kind in ("lever", "fact", "chance")}  # fmt: skip
    said = []
    if of["lever"]:
        said.append(f"Somebody decides on {listed(of['lever'])}.")
    if of["fact"]:
        said.append(f"A fact about the world, to be found out: {listed(of['fact'])}.")
    if of["chance"]:
        said.append(f"Luck, which nobody can set or find out beforehand: {listed(of['chance'])}.")
    return said


def condition(row: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """renewal 1 of United Way fails (luck); dues: amount is below 500 USD"""
    name, luck = label(row["name"], names), f" ({LUCK})" if row["kind"] == "chance" else ""
    low, high, unit = (
        row["low"],
        row["high"],
        f" {row['unit']}" if row["unit"] not in ("", "1", "ratio") else "",
    )
    if row["yes_no"]:
        return f"{name} {'fails' if high is not None else 'comes'}{luck}"
    if low is None:
        return f"{name} is at most {number(high)}{unit}{luck}"
    if high is None:
        return f"{name} is at least {number(low)}{unit}{luck}"
    return f"{name} is between {number(low)} and {number(high)}{unit}{luck}"


def label(name: str, names: Mapping[str, str]) -> str:
    """The name of a column in words."""
    if name == SUPPORT:
        return "the support that is renewed the first time"
    if found := _EVENT.match(name):
        kind, what, term = found.groups()
        called = names.get(what, what.replace("_", " "))
        if kind == "grants":
            return f"renewal {term} of {called}" if term else f"the award of {called}"
        return called
    if (found := _ERROR.match(name)) and not name.startswith(("services", "movements")):
        who, what, event = found.groups()
        about = {"year": "year", "baseline": "agreement", "trend": "trend, year"}.get(
            what or "", "year"
        )
        called = "the area's shock" if who == "area" else f"chance in {names.get(who, who)}"
        return f"{called}, {about} {int(event) + 1}"
    parts = name.split(".")
    if parts[0] == "financing" and len(parts) > 2:
        parts = parts[2:] if parts[2] in names else parts[1:]
    return readable(".".join(parts), dict(names))


# --- tables


def tables(told: Told, names: Mapping[str, str]) -> Sequence[Rows]:
    out = []
    if told["conditions"] and told["holds"]:
        rows = [
            [condition(c, names), c["kind"], _p(c["quasi_p"]), f"{100 * c['found_again']:.0f}"]
            for c in told["conditions"]
        ]
        headings = ("condition", "kind", "quasi-p", "found again,\n% of resamples")
        out.append(Rows("The conditions", headings, rows))
    if told["holds"]:
        rows = [
            [
                str(b["conditions"]),
                percent(b["coverage"]),
                percent(b["density"]),
                percent(b["mass"]),
            ]
            for b in _few(told["trajectory"])
        ]
        headings = ("conditions", "coverage", "density", "share of draws")
        note = "On the draws on which the box was found; the sentence above counts the others."
        out.append(Rows("The way there", headings, rows, note))
    return out


def _few(trajectory: Sequence[Any], most: int = 10) -> Sequence[Any]:
    step = max(1, -(-len(trajectory) // most))
    return trajectory[::step]


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else number(p, 2)


# --- notes


def notes(told: Told, names: Mapping[str, str]) -> Sequence[str]:
    said = [
        (
            f"Found by PRIM on half of the draws; coverage and density are counted on the other "
            f"{told['unseen']:,}. {told['columns']} things could have been conditions."
        )
    ]
    if told["levers"]:
        ranges = [
            f"{label(lever.name, names)} {number(lever.low)} to {number(lever.high)}"
            for lever in told["levers"]
        ]
        more = f" and {len(ranges) - 6} more" if len(ranges) > 6 else ""
        said.append(f"Levers were spread evenly: {'; '.join(ranges[:6])}{more}.")
        said.append(
            "Shares of draws are shares of these ranges and distributions, not chances: nobody "
            "says that a lever will be anywhere in its range alike."
        )
    if told["left_out"]:
        said.append(f"{plural(told['left_out'], 'draw')} without the outcome left out.")
    said.append(
        "A box has one piece with straight sides: failures elsewhere, or on a slant, are missed."
    )
    return said


def ranges_json(levers: Sequence[Lever]) -> list[dict[str, Any]]:
    return [lever._asdict() for lever in levers]


def _axis(row: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "title": label(row["name"], names) + (f", {row['unit']}" if row["unit"] else ""),
        "low": row["low"],
        "high": row["high"],
        "yes_no": row["yes_no"],
    }
