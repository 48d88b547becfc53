"""Charts of what changed: from the first scenario to the second, and three lines over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

from .figures import WIDE, dollars, quantity, time
from .renderer import BLUE, GREY, INK, ORANGE, Spec

FRAME, ASSUMPTION, LEVER = "calculation", "assumption", "lever"
DEFAULT, MODIFIED, POLICY = "default baseline", "modified baseline", "policy"
COLOURS = {ASSUMPTION: ORANGE, LEVER: BLUE, FRAME: GREY}
LINES = {DEFAULT: (GREY, [1, 0], 4.0), MODIFIED: (ORANGE, [6, 3], 2.2), POLICY: (BLUE, [1, 0], 1.6)}
WIDTH, NAMES = 400, 300


def waterfall(title: str, rows: Sequence[Mapping[str, Any]], unit: str) -> Spec:
    """Rows: step, low, high, told, what, sure; a line of the chart is a mark, a change a bar.

    The axis need not begin at zero: totals are marks, and no length stands for them.
    """
    shown = [dict(row) | {"step": "\n".join(wrap(row["step"], 42))} for row in rows]
    kinds = [kind for kind in COLOURS if any(row["what"] == kind for row in rows)]
    low, high = min(row["low"] for row in rows), max(row["high"] for row in rows)
    room = 0.3 * ((high - low) or abs(high) or 1.0)
    x = quantity(
        "low",
        title=None,
        scale={"domain": [low - room / 6, high + room], "nice": False, "zero": False},
        axis=_axis(unit, **_ticks(low, high, unit), labelOverlap=True),
    )
    y = {
        "field": "step",
        "type": "nominal",
        "sort": [row["step"] for row in shown],
        "title": None,
        "axis": {
            "ticks": False,
            "domain": False,
            "grid": True,
            "tickBand": "extent",
            "labelExpr": "split(datum.label, '\\n')",
            "labelLimit": NAMES,
            "minExtent": NAMES,
            "maxExtent": NAMES,
        },
    }
    colour = {
        "field": "what",
        "scale": {"domain": kinds, "range": [COLOURS[kind] for kind in kinds]},
        "legend": {"symbolType": "square"} if kinds else None,
    }
    total, part = {"filter": "datum.what == ''"}, {"filter": "datum.what != ''"}
    bars = {
        "transform": [part],
        "mark": {"type": "bar", "height": 13},
        "encoding": {"y": y, "x": x, "x2": {"field": "high"}, "color": colour}
        | {"opacity": {"field": "sure", "type": "quantitative", "scale": None}},
    }
    marks = {
        "transform": [total],
        "mark": {"type": "point", "shape": "diamond", "filled": True, "size": 110, "color": INK},
        "encoding": {"y": y, "x": x},
    }
    mark: Spec = {"type": "text", "align": "left", "dx": 8, "fontSize": 12, "color": INK}
    words = {
        "mark": mark,
        "encoding": {"y": y, "x": quantity("high"), "text": {"field": "told", "type": "nominal"}},
    }
    halo = words | {"mark": mark | {"stroke": "white", "strokeWidth": 3, "strokeJoin": "round"}}
    step = 36 if any("\n" in row["step"] for row in shown) else 24
    return {
        "title": title,
        "data": {"values": shown},
        "width": WIDTH,
        "height": {"step": step},
        "layer": [bars, marks, halo, words],
    }


def _ticks(low: float, high: float, unit: str) -> dict[str, Any]:
    """Of a chance none below 0 % or above 100 %, where only words and passing bars are."""
    if unit != "share":
        return {"tickCount": 5}
    span = max(high - low, 0.01)
    step = next((s for s in (0.01, 0.02, 0.05, 0.1, 0.2) if span / s <= 5.0), 0.25)
    first, last = (round(x / step) for x in (max(low, 0.0), min(high, 1.0)))
    values = [round(k * step, 2) for k in range(first - 1, last + 2)]
    return {"values": [v for v in values if 0.0 <= v <= 1.0]}


def _axis(unit: str, **about: Any) -> Spec:
    if unit.startswith("USD"):
        return dollars(None, **about)
    return {"title": None, **({"format": ".0%"} if unit == "share" else {}), **about}


def lines(title: str, months: Sequence[str], found: Mapping[str, Any], unit: str) -> Spec:
    """Means of the three lines by month; the band is 90 % of draws with the policy."""
    rows = [
        {"month": f"{month}-01", "what": name, "mean": mean, "p05": low, "p95": high}
        for name, told in found.items()
        for month, mean, low, high in zip(
            months, told["mean"], told["p05"], told["p95"], strict=True
        )
    ]
    names = list(LINES)
    colour = {
        "field": "what",
        "scale": {"domain": names, "range": [LINES[n][0] for n in names]},
        "legend": {"symbolType": "stroke", "symbolStrokeWidth": 3, "symbolSize": 300},
    }
    dash = {
        "field": "what",
        "scale": {"domain": names, "range": [LINES[n][1] for n in names]},
        "legend": None,
    }
    width = {
        "field": "what",
        "scale": {"domain": names, "range": [LINES[n][2] for n in names]},
        "legend": None,
    }
    y = quantity("mean", title=None, axis=_axis(unit))
    line = {
        "mark": {"type": "line"},
        "encoding": {"x": time(), "y": y, "color": colour, "strokeDash": dash}
        | {"strokeWidth": width},
    }
    band = {
        "transform": [{"filter": f"datum.what == '{POLICY}'"}],
        "mark": {"type": "area", "opacity": 0.15, "color": BLUE},
        "encoding": {
            "x": time(), "y": quantity("p05", title=None, axis=_axis(unit)),
            "y2": {"field": "p95"},
        },
    }  # fmt: skip
    layers = [line] if unit == "share" else [band, line]
    return {
        "title": title, "data": {"values": rows}, "width": WIDE, "height": 200, "layer": layers,
    }  # fmt: skip
