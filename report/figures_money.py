"""Charts of money: cash and its end, revenue beside needs, contracts by size, steps to cash."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from textwrap import wrap
from typing import Any

from .figures import LINES, WIDE, WIDTH, ZERO_ACROSS, ZERO_DOWN, dollars, quantity, time
from .renderer import BLUE, GREEN, GREY, INK, ORANGE, Spec
from .rundata import Series

NEW, OLD = "with the strategy", "usual care"
WORLD_COLOURS = {NEW: BLUE, OLD: GREY}
DASHES = {NEW: [1, 0], OLD: [5, 3]}
MISSING = "not covered: needed, less received"
KIND_COLOURS = {
    "grants": BLUE,
    "dues": GREEN,
    "fees": "#56B4E9",
    "contracts": "#CC79A7",
    "hard-wiring": "#E69F00",
    "loans": GREY,
    "rescue": "#8a6d3b",
    MISSING: "#fbe3d6",
}


UPRIGHT: Spec = LINES | {"direction": "vertical"}
WORDY: Spec = UPRIGHT | {"labelLimit": WIDE}


def _rows(rows: Iterable[Mapping[str, Any]]) -> Spec:
    return {"values": list(rows)}


def _scale(colours: Mapping[str, Any]) -> Spec:
    return {"domain": list(colours), "range": list(colours.values())}


# --- cash


def cash(
    found: Mapping[str, tuple[Series, Series]], credit: tuple[Series, float] | None = None
) -> Spec:
    """By world: cash as a fan, and below it the chance of insolvency up to each month.

    `credit` is what is owed on a line of credit, with its limit in USD: a third panel.
    """
    fan, chance = [], []
    for world, (money, insolvent) in found.items():
        columns = (money.p05, money.p25, money.p50, money.p75, money.p95)
        for month, *values in zip(money.months, *(c.tolist() for c in columns), strict=True):
            names = ("p05", "p25", "p50", "p75", "p95")
            fan.append(
                {"month": f"{month}-01", "what": world, **dict(zip(names, values, strict=True))}
            )
        for month, p in zip(insolvent.months, insolvent.mean.tolist(), strict=True):
            chance.append({"month": f"{month}-01", "what": world, "draws": 100.0 * p})
    worlds = [world for world in WORLD_COLOURS if world in found]
    return {
        "vconcat": [
            _fan(fan, worlds),
            *([_credit(*credit)] if credit else []),
            _insolvent(chance, worlds),
        ],
        "spacing": 14,
        "resolve": {"scale": {"color": "shared", "strokeDash": "shared"}},
    }


def _worlds(worlds: Sequence[str]) -> Spec:
    legend: Spec = {"legend": LINES if len(worlds) > 1 else None}
    colours = {world: WORLD_COLOURS[world] for world in worlds}
    dashes = {world: DASHES[world] for world in worlds}
    return {
        "color": {"field": "what", "scale": _scale(colours), **legend},
        "strokeDash": {"field": "what", "scale": _scale(dashes), **legend},
    }


def _fan(rows: Sequence[Mapping[str, Any]], worlds: Sequence[str]) -> Spec:
    look = _worlds(worlds)
    y: Spec = {"axis": dollars(None, tickCount=5)}

    def band(low: str, high: str, opacity: float) -> Spec:
        return {
            "mark": {"type": "area", "opacity": opacity},
            "encoding": {
                "x": time(),
                "y": quantity(low, **y),
                "y2": {"field": high},
                "color": look["color"],
            },
        }

    median = {
        "mark": {"type": "line", "strokeWidth": 2},
        "encoding": {"x": time(), "y": quantity("p50", **y), **look},
    }
    return {
        "title": "Unrestricted cash at the end of each month",
        "data": _rows(rows),
        "width": WIDE,
        "height": 200,
        "layer": [band("p05", "p95", 0.16), band("p25", "p75", 0.22), median, ZERO_ACROSS],
    }


def _credit(owed: Series, limit: float) -> Spec:
    """Mean and 90 % of draws of what is owed, beside the limit."""
    columns = (owed.months, owed.mean.tolist(), owed.p05.tolist(), owed.p95.tolist())
    rows = [
        {"month": f"{month}-01", "mean": mean, "p05": low, "p95": high}
        for month, mean, low, high in zip(*columns, strict=True)
    ]
    y: Spec = {"axis": dollars(None, tickCount=3)}
    band = {
        "mark": {"type": "area", "opacity": 0.16, "color": ORANGE},
        "encoding": {"x": time(), "y": quantity("p05", **y), "y2": {"field": "p95"}},
    }
    line = {
        "mark": {"type": "line", "strokeWidth": 2, "color": ORANGE},
        "encoding": {"x": time(), "y": quantity("mean", **y)},
    }
    most = {
        "data": _rows([{"limit": limit}]),
        "mark": {"type": "rule", "color": INK, "strokeDash": [3, 3]},
        "encoding": {"y": quantity("limit", **y)},
    }
    return {
        "title": "Owed on the line of credit at the end of each month (dotted: its limit)",
        "data": _rows(rows),
        "width": WIDE,
        "height": 90,
        "layer": [band, line, most, ZERO_ACROSS],
    }


def _insolvent(rows: Sequence[Mapping[str, Any]], worlds: Sequence[str]) -> Spec:
    y = quantity("draws", scale={"domain": [0, 100]}, axis={"title": None, "tickCount": 3})
    return {
        "title": "Insolvent by then, of 100 draws",
        "data": _rows(rows),
        "width": WIDE,
        "height": 80,
        "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2},
        "encoding": {"x": time(), "y": y, **_worlds(worlds)},
    }


# --- revenue


def revenue(years: Sequence[Mapping[str, Any]], needed: Sequence[Mapping[str, Any]]) -> Spec:
    """Stacked receipts by kind and what is not covered; a line where needs are, one for plans.

    `years`: year, kind, usd, order. `needed`: year, what, usd.
    """
    kinds = [kind for kind in KIND_COLOURS if any(row["kind"] == kind for row in years)]
    x = {"field": "year", "type": "ordinal", "axis": {"title": None, "labelAngle": 0}}
    bars = {
        "data": _rows(years),
        "mark": {"type": "bar", "stroke": "white", "strokeWidth": 0.5},
        "encoding": {
            "x": x,
            "y": quantity("usd", stack="zero", axis=dollars(None, tickCount=5)),
            "color": {
                "field": "kind",
                "scale": _scale({kind: KIND_COLOURS[kind] for kind in kinds}),
                "legend": {"orient": "bottom", "offset": 6},
            },
            "order": quantity("order"),
        },
    }
    plans = next((line["what"] for line in needed if line["what"] != NEEDED), PLANNED)
    marks = {NEEDED: INK, plans: ORANGE}
    dashes = {NEEDED: [1, 0], plans: [4, 3]}
    lines = {
        "data": _rows(needed),
        "mark": {"type": "rule", "strokeWidth": 2.4},
        "encoding": {
            "x": x | {"bandPosition": 0},
            "x2": {"field": "year", "bandPosition": 1},
            "y": quantity("usd"),
            "stroke": {"field": "what", "scale": _scale(marks), "legend": WORDY},
            "strokeDash": {"field": "what", "scale": _scale(dashes), "legend": WORDY},
        },
    }
    return {
        "title": "Received in each year, beside what is needed",
        "width": WIDE,
        "height": 220,
        "layer": [bars, lines],
        "resolve": {"scale": {"color": "independent"}},
    }


NEEDED = "needed: payments with all posts filled"
PLANNED = "planned: what listed sources would bring if solvent and fully staffed"
WITHOUT_LUCK = f"{PLANNED}, without what settlements pay by luck"


# --- contracts


WITH_EFFECT, WITHOUT_EFFECT = "with the projected effect", "without any effect"


def contract(curve: Sequence[Mapping[str, Any]], members: float) -> Spec:
    """Over the number of members: the chance of payment, and the payment by member and year."""
    chances = [
        {"members": p["members"], "what": what, "y": 100.0 * p[key]}
        for what, key in ((WITH_EFFECT, "p_paid"), (WITHOUT_EFFECT, "p_paid_without_effect"))
        for p in curve
    ]
    paid = [
        {
            "members": p["members"],
            "y": p["expected_per_member"],
            "p05": p["p10_per_member"],
            "p95": p["p90_per_member"],
            "truth": p["payment_on_truth_per_member"],
        }
        for p in curve
    ]
    return {
        "hconcat": [_chances(chances, members), _paid(paid, members)],
        "spacing": 40,
        "resolve": {"scale": {"color": "independent", "strokeDash": "independent"}},
    }


def _size() -> Spec:
    axis = {"title": "members", "values": [1e3, 1e4, 1e5, 1e6], "format": "~s", "grid": False}
    return quantity("members", scale={"type": "log", "nice": False}, axis=axis)


def _here(members: float) -> Spec:
    return {
        "data": _rows([{"members": members}]),
        "mark": {"type": "rule", "color": INK, "strokeDash": [3, 3]},
        "encoding": {"x": _size()},
    }


def _chances(rows: Sequence[Mapping[str, Any]], members: float) -> Spec:
    colours = {WITH_EFFECT: BLUE, WITHOUT_EFFECT: ORANGE}
    dashes = {WITH_EFFECT: [1, 0], WITHOUT_EFFECT: [5, 3]}
    line = {
        "data": _rows(rows),
        "mark": {"type": "line", "strokeWidth": 2},
        "encoding": {
            "x": _size(),
            "y": quantity("y", scale={"domain": [0, 100]}, axis={"title": None, "tickCount": 4}),
            "color": {"field": "what", "scale": _scale(colours), "legend": UPRIGHT},
            "strokeDash": {"field": "what", "scale": _scale(dashes), "legend": UPRIGHT},
        },
    }
    title = {"text": "Paid, in … of 100 years"}
    return {"title": title, "width": 330, "height": 160, "layer": [line, _here(members)]}


EXPECTED, ON_TRUTH = "expected (band: 10th to 90th percentile)", "if the truth were measured"


def _paid(rows: Sequence[Mapping[str, Any]], members: float) -> Spec:
    colours = {EXPECTED: BLUE, ON_TRUTH: GREEN}
    y: Spec = {"axis": dollars(None, tickCount=4)}
    flat = [
        {"members": r["members"], "what": what, "y": r[key]}
        for what, key in ((EXPECTED, "y"), (ON_TRUTH, "truth"))
        for r in rows
    ]
    band = {
        "data": _rows(rows),
        "mark": {"type": "area", "opacity": 0.16, "color": BLUE},
        "encoding": {"x": _size(), "y": quantity("p05", **y), "y2": {"field": "p95"}},
    }
    line = {
        "data": _rows(flat),
        "mark": {"type": "line", "strokeWidth": 2},
        "encoding": {
            "x": _size(),
            "y": quantity("y", **y),
            "color": {
                "field": "what",
                "scale": _scale(colours),
                "legend": UPRIGHT,
            },
        },
    }
    title = {"text": "Payment a member and year"}
    return {"title": title, "width": 330, "height": 160, "layer": [band, line, _here(members)]}


# --- from avoided to cash


PLUS, MINUS, NET = "more", "less", "net cash"
LABELS = 240  # points for the words of a step, the same in every panel


def waterfalls(panels: Sequence[tuple[str, Sequence[Mapping[str, Any]]]]) -> Spec:
    """One panel a party, each with its own scale; rows: step, low, high, at, told, what."""
    return {
        "vconcat": [_waterfall(name, rows) for name, rows in panels],
        "spacing": 18,
        "resolve": {"scale": {"x": "independent", "y": "independent"}},
    }


def _waterfall(name: str, rows: Sequence[Mapping[str, Any]]) -> Spec:
    colours = {PLUS: BLUE, MINUS: ORANGE, NET: GREY}
    shown = [dict(r) | {"step": "\n".join(wrap(r["step"], 34))} for r in rows]
    y = {
        "field": "step",
        "type": "nominal",
        "sort": [r["step"] for r in shown],
        "title": None,
        "axis": {
            "ticks": False,
            "domain": False,
            "labelExpr": "split(datum.label, '\\n')",
            "labelLimit": LABELS,
            "minExtent": LABELS,
            "maxExtent": LABELS,
        },
    }
    shared = {"y": y, "color": {"field": "what", "scale": _scale(colours), "legend": None}}
    low = min(0.0, *(r["low"] for r in rows))
    high = max(0.0, *(r["high"] for r in rows))
    room = 0.62 * (high - low)  # for words behind a bar that ends at the right
    low -= 0.01 * (high - low)
    x = quantity(
        "low",
        scale={"domain": [low, high + room], "nice": False, "zero": False},
        axis=dollars(None, tickCount=5, labelOverlap=True),
    )
    bars = {
        "mark": {"type": "bar", "height": 13},
        "encoding": shared | {"x": x, "x2": {"field": "high"}},
    }
    mark: Spec = {"type": "text", "align": "left", "dx": 6, "fontSize": 12, "color": INK}
    told: Spec = {"field": "told", "type": "nominal"}
    words = {"mark": mark, "encoding": {"y": y, "x": quantity("high"), "text": told}}
    halo = words | {"mark": mark | {"stroke": "white", "strokeWidth": 3, "strokeJoin": "round"}}
    step = 34 if any("\n" in r["step"] for r in shown) else 23
    return {
        "title": name,
        "data": _rows(shown),
        "width": WIDTH - 60,
        "height": {"step": step},
        "layer": [ZERO_DOWN, bars, halo, words],
    }
