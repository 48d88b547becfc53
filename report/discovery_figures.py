"""Charts of scenario discovery: shares along one condition, draws by two, and the search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .figures import WIDTH, quantity
from .renderer import BLUE, GREY, INK, ORANGE, Spec

PERCENT: Spec = {"domain": [0, 100]}


def peeling(trajectory: Sequence[Mapping[str, Any]], chosen: int, turned: bool) -> Spec:
    """Coverage against density, from all draws at the right to the smallest box at the left."""
    rows = [
        {"x": 100 * b["coverage"], "y": 100 * b["density"], "n": str(b["conditions"]), "at": k}
        for k, b in enumerate(trajectory)
    ]
    does = "last" if turned else "fail"
    covers = {"title": f"of 100 draws that {does}, so many are within the limits"}
    holds = {"title": f"of 100 draws within, so many {does}"}
    x = quantity("x", scale=PERCENT, axis=covers)
    y = quantity("y", scale=PERCENT, axis=holds)
    places = {"x": x, "y": y}
    path = {
        "mark": {"type": "line", "color": GREY, "strokeWidth": 1},
        "encoding": places | {"order": quantity("at")},
    }
    dots = {
        "mark": {"type": "point", "size": 40, "opacity": 1, "filled": False},
        "encoding": places
        | {
            "color": {
                "field": "n",
                "type": "nominal",
                "scale": {"range": [GREY, BLUE, ORANGE, "#009E73", "#CC79A7", INK]},
                "legend": {"title": "conditions", "orient": "right", "direction": "vertical"},
            }
        },
    }
    here = {
        "data": {"values": [rows[chosen]]},
        "mark": {"type": "point", "filled": True, "size": 140, "color": INK, "opacity": 1},
        "encoding": places,
    }
    return {
        "title": "From all draws to the tightest limits",
        "data": {"values": rows},
        "width": WIDTH - 140,
        "height": 260,
        "layer": [path, dots, here],
    }


def along(bins: Sequence[Mapping[str, Any]], axis: Mapping[str, Any], does: str) -> Spec:
    """Bins: x, x2, middle, share, low, high, inside; of yes or no the middles are 0 and 1."""
    place = _axis("x", axis)
    y = quantity("share", scale=PERCENT, axis={"title": f"of 100 draws so many {does}"})
    bars = {
        "mark": {"type": "rect", "stroke": "white", "strokeWidth": 1},
        "encoding": {
            "x": place,
            "x2": {"field": "x2"},
            "y": y,
            "y2": {"datum": 0},
            "color": {
                "field": "inside",
                "scale": {"domain": ["within the limits", "outside"], "range": [BLUE, GREY]},
            },
        },
    }
    between = {
        "mark": {"type": "rule", "color": INK},
        "encoding": {"x": quantity("middle"), "y": quantity("low"), "y2": {"field": "high"}},
    }
    return {
        "title": f"Share of draws that {does}",
        "data": {"values": [dict(b) for b in bins]},
        "width": WIDTH,
        "height": 260,
        "layer": [bars, between],
    }


def scatter(rows: Sequence[Mapping[str, Any]], axes: Sequence[Mapping[str, Any]]) -> Spec:
    """Rows: x, y, what. Two axes: title, low, high, yes_no."""
    colours = {"fails": ORANGE, "lasts": BLUE}
    places = {name: _axis(name, axis) for name, axis in zip(("x", "y"), axes, strict=True)}
    points = {
        "mark": {"type": "point", "filled": True, "size": 14, "opacity": 0.55},
        "encoding": places
        | {
            "color": {
                "field": "what",
                "scale": {"domain": list(colours), "range": list(colours.values())},
            },
            "shape": {
                "field": "what",
                "scale": {"domain": list(colours), "range": ["cross", "circle"]},
            },
        },
    }
    frame = {
        "data": {"values": [_frame(rows, axes)]},
        "mark": {"type": "rect", "fill": None, "stroke": INK, "strokeWidth": 2},
        "encoding": places | {"x2": {"field": "x2"}, "y2": {"field": "y2"}},
    }
    return {
        "title": "Draws by two of the conditions",
        "width": WIDTH - 140,
        "height": 300,
        "data": {"values": [dict(r) for r in rows]},
        "layer": [points, frame],
    }


def _axis(name: str, axis: Mapping[str, Any]) -> Spec:
    about: Spec = {"title": axis["title"]}
    if axis["yes_no"]:
        about |= {"values": [0, 1], "labelExpr": "datum.value == 1 ? 'comes' : 'fails'"}
    return quantity(name, scale={"zero": False, "nice": False}, axis=about)


def _frame(
    rows: Sequence[Mapping[str, Any]], axes: Sequence[Mapping[str, Any]]
) -> dict[str, float]:
    """The box, cut at the edge of the picture."""
    out = {}
    for k, name in enumerate(("x", "y")):
        values = [r[name] for r in rows]
        least, most = min(values), max(values)
        low, high = axes[k]["low"], axes[k]["high"]
        if axes[k]["yes_no"]:
            low, high = (None, 0.4) if high is not None else (0.6, None)
        out[name] = least if low is None else max(low, least)
        out[f"{name}2"] = most if high is None else min(high, most)
    return out
