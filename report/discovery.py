"""Conditions of failure in words, with coverage and density, and how sure they are."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from model.discovery import FIRM, RESAMPLES
from model.targets import parse
from model.wide import SUPPORT, Lever

from . import discovery_figures
from .answer_page import Page, Rows
from .number_names import called
from .outcome_names import of, outcome
from .renderer import Spec
from .wording import capital, listed, month_at, number, percent, plural

Told = Mapping[str, Any]
LUCK = "luck"
_EVENT = re.compile(r"(grants|hard_wiring|loans)\.(\w+?)(?:\.renewal\[(\d+)\])?$")
_ERROR = re.compile(r"(?:contracts\.)?(\w+)(?:\.(year|baseline|trend|measures\.\w+))?\[(\d+)\]$")
MOSTLY = 0.5  # share of all that is there, and of what is there
FEW = 30  # failures below which nothing much can be found


def page(told: Told, names: Mapping[str, str], picture: Mapping[str, Any]) -> Page:
    """Everything that the page and the terminal show; `picture` as report/asking.py makes it."""
    return Page(
        title=f"{told['scenario_title']}: when does it {'last' if told['turned'] else 'fail'}?",
        meta=f"Discovery · fails: {told['fails']} · {plural(told['draws'], 'draw')} · seed "
        f"{told['seed']}",
        sentences=list(sentences(told, names)),
        charts=list(_charts(told, names, picture)),
        tables=list(tables(told, names)),
        notes=list(notes(told, names)),
    )


def _charts(
    told: Told, names: Mapping[str, str], picture: Mapping[str, Any]
) -> Iterator[tuple[Spec, str]]:
    if not told["holds"]:
        return
    axes = [_axis(c, names) for c in told["conditions"][:2]]
    does = "last" if told["turned"] else "fail"
    if len(axes) == 1:
        yield (
            discovery_figures.along(picture["bins"], axes[0], does),
            (
                f"Of 100 draws whose number lies within a bar, so many {does}, with 95 % interval. "
                "Blue: where the condition holds."
            ),
        )
        return
    yield (
        discovery_figures.scatter(picture["points"], axes),
        "Draws by two of the conditions; the frame is where both hold.",
    )
    yield (
        discovery_figures.peeling(told["trajectory"], _chosen(told), told["turned"]),
        (
            "How the conditions were found, step by step: each dot is a set of limits, from none "
            "at the right to the tightest at the left; the chosen one is filled."
        ),
    )


def _chosen(told: Told) -> int:
    scores = [2 * b["coverage"] * b["density"] / max(b["coverage"] + b["density"], 1e-12)
              for b in told["trajectory"]]  # fmt: skip
    return scores.index(max(scores))


# --- sentences


def meaning(fails: str, names: Mapping[str, str]) -> str:
    """p_insolvent:backbone@2022-12 > 0 -> the network is insolvent by December 2022"""
    target = parse(fails, "--fails")
    metric, _, rest = target.statistic.metric.partition(":")
    subject, _, month = rest.partition("@")
    if metric == "p_insolvent" and target.op in (">", ">=") and 0.0 <= target.bound < 1.0:
        at = f" by {month_at(month, 0)}" if month else " at some time"
        return f"{of(subject, names)} is insolvent{at}"
    compared = {">": "above", "<": "below", ">=": "at least", "<=": "at most"}[target.op]
    return f"{outcome(target.statistic.metric, names)} is {compared} {number(target.bound)}"


def sentences(told: Told, names: Mapping[str, str]) -> Sequence[str]:
    failures = round(told["base"] * told["draws"])
    said = [
        (
            f"{capital(meaning(told['fails'], names))} in {percent(told['base'])} of "
            f"{plural(told['draws'], 'draw')}."
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
    said += _found(told, names) if told["holds"] else [NOTHING]
    if min(failures, told["draws"] - failures) < FEW:
        said.append(
            f"Few draws differ from the rest ({failures} fail): more draws make this firmer."
        )
    return said


NOTHING = (
    "No simple condition was found: no set of a few limits holds more of them than chance would "
    "put there, on draws that it was not found on."
)


def _found(told: Told, names: Mapping[str, str]) -> Sequence[str]:
    """The conditions that resamples find again first; then what else was found, and by whom."""
    firm = [c for c in told["conditions"] if c["firm"]]
    weak = [c for c in told["conditions"] if not c["firm"]]
    lasts = "lasts" if told["turned"] else "fails"
    what, does = ("draws that last", "last") if told["turned"] else ("failures", "fail")
    base = 1.0 - told["base"] if told["turned"] else told["base"]
    among = f"against {percent(base)} of all draws"
    said = []
    if told["firm"]["holds"]:
        words = listed(condition(c, names) for c in firm)
        said.append(
            f"It {lasts} mostly where {words}: {_shares(told['firm'], what, does)}, {among}."
        )
    else:
        said.append(
            "No single condition is firm: which limits are found depends on the draws, so take "
            "what follows as one description among several."
        )
    if weak or not told["firm"]["holds"]:
        known = weak if told["firm"]["holds"] else told["conditions"]
        also = "also " if told["firm"]["holds"] else ""
        words = listed(f"{condition(c, names)} (found again in {_again(c)})" for c in known)
        rival = "another condition does" if len(known) == 1 else "other conditions do"
        said.append(
            f"Not firm: {also}where {words}; {rival} nearly as well. With all "
            f"of it {_shares(told, what, does)}."
        )
    return [*said, *_by_kind(firm or weak, names)]


def _again(row: Told) -> str:
    return f"{RESAMPLES * row['found_again']:.0f} of {RESAMPLES} resamples"


def _shares(one: Told, what: str, does: str) -> str:
    """97 % (94 to 99) of the failures are there, and 90 % (85 to 94) of what is there fails"""
    coverage, density = (
        f"{percent(one[key])} ({between(one[key + '_between'])})" for key in ("coverage", "density")
    )
    singular = {"last": "lasts", "fail": "fails"}[does]
    return f"{coverage} of the {what} are there, and {density} of what is there {singular}"


def between(ends: Sequence[float]) -> str:
    """94 to 99"""
    low, high = (number(100.0 * x, 2) if x < 0.995 else number(100.0 * x) for x in ends)
    return f"{low} to {high}"


def _by_kind(rows: Sequence[Told], names: Mapping[str, str]) -> Sequence[str]:
    """Who can do something about it."""
    by = {kind: [label(c["name"], names) for c in rows if c["kind"] == kind]
          for kind in ("lever", "fact", "chance")}  # fmt: skip
    said = []
    if by["lever"]:
        said.append(f"Somebody decides on {listed(by['lever'])}.")
    if by["fact"]:
        said.append(f"A fact about the world, to be found out: {listed(by['fact'])}.")
    if by["chance"]:
        said.append(f"Luck, which nobody can set or find out beforehand: {listed(by['chance'])}.")
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
        who = names.get(what, what.replace("_", " "))
        if kind == "grants":
            return f"renewal {term} of {who}" if term else f"the award of {who}"
        return who
    if (found := _ERROR.match(name)) and not name.startswith(("services", "movements")):
        who, what, event = found.groups()
        about = {"year": "year", "baseline": "agreement", "trend": "trend, year"}.get(
            what or "", "year"
        )
        shock = "the area's shock" if who == "area" else f"chance in {names.get(who, who)}"
        return f"{shock}, {about} {int(event) + 1}"
    return called(name, names)


# --- tables


def tables(told: Told, names: Mapping[str, str]) -> Sequence[Rows]:
    if not told["holds"]:
        return []
    rows = [
        [condition(c, names), c["kind"], _p(c["quasi_p"]), _again(c)] for c in told["conditions"]
    ]
    headings = ("condition", "kind", "chance it is noise", "found again in")
    note = (
        f"Found again: in how many resamples of the draws it is found; below {100 * FIRM:.0f} % "
        "another condition does nearly as well. Chance it is noise: of as many failures if it "
        "picked draws at random (quasi-p)."
    )
    out = [Rows("The conditions", headings, rows, note)]
    rows = [
        [str(b["conditions"]), percent(b["coverage"]), percent(b["density"]), percent(b["mass"])]
        for b in _few(told["trajectory"])
    ]
    does = "last" if told["turned"] else "fail"
    headings = ("conditions", f"of all that {does},\nin it", f"of what is in it,\n{does}",
                "share of draws")  # fmt: skip
    note = "On the draws on which it was found; the sentences above count the others."
    return [*out, Rows("How limits were tightened", headings, rows, note)]


def _few(trajectory: Sequence[Any], most: int = 10) -> Sequence[Any]:
    step = max(1, -(-len(trajectory) // most))
    return trajectory[::step]


def _p(p: float) -> str:
    return "< 0.001" if p < 0.001 else number(p, 2)


# --- notes


def notes(told: Told, names: Mapping[str, str]) -> Sequence[str]:
    said = [
        (
            "Limits were tightened step by step where failures get densest (the patient rule "
            "induction method, PRIM) on half of the draws; the shares in the sentences are of the "
            f"other {told['unseen']:,}, in brackets 95 % intervals. The share of all that is "
            "there is called coverage, the share of what is there density. "
            f"{told['columns']} things could have been conditions."
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
        "Limits make one piece with straight sides: failures elsewhere, or on a slant, are missed."
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
