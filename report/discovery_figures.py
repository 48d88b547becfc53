"""Charts of scenario discovery: peeling trajectory, and draws by the two strongest conditions."""

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
    covers = {"title": f"coverage: of 100 draws that {does}, so many are in the box"}
    holds = {"title": f"density: of 100 draws in the box, so many {does}"}
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
        "title": "From all draws to a small box",
        "data": {"values": rows},
        "width": WIDTH - 140,
        "height": 260,
        "layer": [path, dots, here],
    }


def scatter(rows: Sequence[Mapping[str, Any]], axes: Sequence[Mapping[str, Any]]) -> Spec:
    """Rows: x, y, what. Axes: title, low, high, yes_no; of one alone draws are spread out."""
    colours = {"fails": ORANGE, "lasts": BLUE}
    places = {name: _axis(name, axis) for name, axis in zip(("x", "y"), axes, strict=False)}
    if len(axes) < 2:
        places["y"] = quantity("y", axis={"title": None, "labels": False, "ticks": False})
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
        "title": "Draws by the two strongest conditions",
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
        low, high = (axes[k]["low"], axes[k]["high"]) if k < len(axes) else (None, None)
        if k < len(axes) and axes[k]["yes_no"]:
            low, high = (None, 0.4) if high is not None else (0.6, None)
        out[name] = least if low is None else max(low, least)
        out[f"{name}2"] = most if high is None else min(high, most)
    return out
