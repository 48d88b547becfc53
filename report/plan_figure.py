"""The picture of a measurement plan: the smallest effect found, by people, beside what is expected.

Small multiples on logarithmic scales: rows are metrics, columns are whom a design measures.
"""

from __future__ import annotations

from typing import Any

from model.planning import CHANGE, LEVEL, LOTTERY, OWN, PRE_POST, RANDOMISED, Plan

from .figures import quantity
from .plan import METRIC_NAMES, NAMES, NEXT_TO_NOTHING, change, per_cent, whole
from .renderer import BLUE, GREEN, GREY, INK, ORANGE, Spec

PURPLE = "#CC79A7"  # Okabe and Ito's reddish purple
LINES = {
    OWN: (ORANGE, [1, 0]),
    LEVEL: (GREEN, [6, 3]),
    CHANGE: (PURPLE, [8, 2, 2, 2]),
    RANDOMISED: (BLUE, [2, 2]),
    PRE_POST: (GREY, [4, 4]),
    LOTTERY: (BLUE, [1, 0]),
}
SCOPES = {
    "All attributed members": (OWN, LEVEL, CHANGE, RANDOMISED),
    "People enrolled, or referred and willing": (PRE_POST, LOTTERY),
}
LEAST, MOST = 0.01, 100.0  # per cent
FEWEST, LARGEST = 100.0, 1e8
WIDTH, HEIGHT = 350, 190
BAND = "#F0E442"  # Okabe and Ito's yellow: no line has it


def figure(p: Plan) -> Spec:
    """Rows by metric, columns by whom the design measures."""
    rows = [
        {"hconcat": [_panel(p, metric, scope) for scope in SCOPES], "spacing": 30}
        for metric in p.expected.effects
    ]
    months = 12 * p.expected.years
    shared = {"color": "shared", "strokeDash": "shared"}
    return {
        "title": {
            "text": "Can the expected effect be told from chance?",
            "subtitle": [
                (
                    f"Lines: smallest effect found with {per_cent(p.asked.power)} chance, measured "
                    f"over {months} months. Expected effect: yellow 90 % interval, black mean;"
                ),
                (
                    "it is found where a line lies below it. Upright: the people that there are. "
                    "Logarithmic scales."
                ),
            ],
        },
        "vconcat": rows,
        "spacing": 26,
        "resolve": {"scale": shared},
    }


def _panel(p: Plan, metric: str, scope: str) -> Spec:
    designs = SCOPES[scope]
    row = p.row(designs[-1], metric)
    low, high = (100.0 * x for x in (row.effect_p05, row.effect_p95))
    layers = [*_band(low, high, 100.0 * row.effect), *_now(row.people), _lines(p, metric, designs)]
    about = [scope, _expected(low, 100.0 * row.effect)]
    return {
        "title": {"text": f"{METRIC_NAMES[metric]}", "subtitle": about, "limit": WIDTH + 20},
        "width": WIDTH,
        "height": HEIGHT,
        "layer": layers,
    }


def _x(title: str | None) -> Spec:
    axis = {
        "title": title,
        "values": [100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000],
        "labelExpr": "datum.value < 1e6 ? format(datum.value, ',') : datum.value / 1e6 + ' M'",
        "grid": True,
    }
    return {"scale": {"type": "log", "domain": [FEWEST, LARGEST], "nice": False}, "axis": axis}


def _y() -> Spec:
    axis = {"title": "% of usual care", "values": [0.01, 0.1, 1, 10, 100], "format": ",~g"}
    return {"scale": {"type": "log", "domain": [LEAST, MOST], "nice": False}, "axis": axis}


def _band(low: float, high: float, mean: float) -> list[Spec]:
    """The interval and its mean as far as they lie within the scale."""
    if high <= LEAST:
        return []
    rows = [{"low": max(low, LEAST), "high": min(high, MOST), "from": FEWEST, "to": LARGEST}]
    band = {
        "data": {"values": rows},
        "mark": {"type": "rect", "opacity": 0.45, "color": BAND},
        "encoding": {
            "x": quantity("from", **_x("people")),
            "x2": {"field": "to"},
            "y": quantity("low", **_y()),
            "y2": {"field": "high"},
        },
    }
    layers = [band]
    if mean > LEAST:
        layers.append(
            {
                "data": {"values": [{"mean": mean}]},
                "mark": {"type": "rule", "color": INK, "strokeWidth": 1.2},
                "encoding": {"y": quantity("mean", **_y())},
            }
        )
    return layers


def _expected(low: float, mean: float) -> str:
    """The expected effect above its panel, since logarithms have no place for what is below 0."""
    near = abs(mean) < 100.0 * NEXT_TO_NOTHING
    told = "next to nothing" if near else change(mean / 100.0)
    return f"Expected: {told}" + ("; interval reaches below 0 (harm)" if low <= 0.0 else "")


def _now(people: float) -> list[Spec]:
    """The people that there are."""
    if not FEWEST <= people <= LARGEST:
        return []
    values = [{"people": people, "top": MOST, "told": f"{whole(people)} now"}]
    rule = {
        "data": {"values": values},
        "mark": {"type": "rule", "color": INK, "strokeDash": [3, 3]},
        "encoding": {"x": quantity("people", **_x("people"))},
    }
    text = {
        "data": {"values": values},
        "mark": {"type": "text", "align": "left", "dx": 4, "dy": 9, "fontSize": 12, "color": INK},
        "encoding": {
            "x": quantity("people", **_x("people")),
            "y": quantity("top", **_y()),
            "text": {"field": "told"},
        },
    }
    return [rule, text]


def _lines(p: Plan, metric: str, designs: tuple[str, ...]) -> Spec:
    rows: list[dict[str, Any]] = [
        {
            "people": c["people"],
            "finds": 100.0 * c["detectable"],
            "design": label(c["design"]),
        }
        for c in p.curves
        if c["metric"] == metric and c["design"] in designs
        if LEAST <= 100.0 * c["detectable"] <= MOST
    ]
    names = [label(design) for design in LINES]
    colours, dashes = zip(*LINES.values(), strict=True)
    legend = {"symbolType": "stroke", "symbolStrokeWidth": 3, "symbolSize": 300, "columns": 3}
    return {
        "data": {"values": rows},
        "mark": {"type": "line", "strokeWidth": 2.2},
        "encoding": {
            "x": quantity("people", **_x("people")),
            "y": quantity("finds", **_y()),
            "color": {
                "field": "design",
                "scale": {"domain": names, "range": list(colours)},
                "legend": legend,
            },
            "strokeDash": {
                "field": "design",
                "scale": {"domain": names, "range": list(dashes)},
                "legend": legend,
            },
        },
    }


def label(design: str) -> str:
    """The name in the legend, with a warning where the design misleads."""
    return NAMES[design] + (" (biased)" if design == PRE_POST else "")
