"""Heat maps: dark to light by value, signs written in the cells, the contour as a line."""

from __future__ import annotations

import math
from itertools import pairwise
from textwrap import wrap

import numpy as np

from model.grids import Axis, Grid, contour

from .figures import DOLLARS, quantity
from .renderer import INK, ORANGE, Spec
from .wording import number, short_money

SIDE = 460
MOST_LABELS = 13  # values on an axis, up to which cells hold words
# Even steps of lightness, told apart with any colour vision and in grey (Nunez et al. 2018).
SCHEME = "cividis"


def heat_map(g: Grid, unit: str, bound: float | None, title: str, axes: tuple[str, str]) -> Spec:
    """Cells around each pair of values; the line where the outcome crosses the bound."""
    cells = _cells(g, unit, bound)
    x, y = _scale("x", g.x, axes[0], SIDE + 160), _scale("y", g.y, axes[1], SIDE)
    layers: list[Spec] = [_tiles(cells, x, y, unit)]
    subtitle = [f"{g.draws:,} draws; dark is low, light is high"]
    if bound is not None:
        segments = contour(np.array(g.x.values), np.array(g.y.values), g.reached, bound)
        layers += _contour([s._asdict() for s in segments], x, y)
        told = _told(bound, unit)
        line = f"line: {told}, interpolated between the middles of cells"
        subtitle.append(line if segments else f"{told} is crossed nowhere here")
        if doubtful := [cell for cell in cells if cell["doubtful"]]:
            layers.append(_doubtful(doubtful, x, y))
            subtitle.append(
                f"dashed cells: these draws cannot tell on which side of {told} they are"
            )
    if here := _here(g):
        layers.append(_now(here, x, y))
        subtitle.append("ring: as in the file")
    if max(len(g.x.values), len(g.y.values)) <= MOST_LABELS:
        layers.append(_words(cells, x, y))
    head = {"text": wrap(title, 80), "subtitle": wrap("; ".join(subtitle), 92)}
    return {"title": head, "width": SIDE + 160, "height": SIDE, "layer": layers}


def _edges(values: tuple[float, ...]) -> list[float]:
    middles = [(a + b) / 2.0 for a, b in pairwise(values)]
    first, last = values[0] - (middles[0] - values[0]), values[-1] + (values[-1] - middles[-1])
    return [first, *middles, last]


def _cells(g: Grid, unit: str, bound: float | None) -> list[Spec]:
    xs, ys = _edges(g.x.values), _edges(g.y.values)
    known = g.reached[np.isfinite(g.reached)]
    doubtful = g.doubtful(np.inf if bound is None else bound)
    middle = (known.min() + known.max()) / 2.0 if known.size else 0.0
    return [
        {
            "x": xs[i], "x2": xs[i + 1], "y": ys[j], "y2": ys[j + 1],
            "at": g.x.values[i], "up": g.y.values[j],
            "z": None if math.isnan(z) else z, "told": _told(z, unit),
            "ink": "white" if z < middle else "black",
            "doubtful": bool(doubtful[j, i]),
        }
        for j, line in enumerate(g.reached.tolist())
        for i, z in enumerate(line)
    ]  # fmt: skip


def _told(z: float, unit: str) -> str:
    if math.isnan(z):
        return "-"
    if unit.startswith("USD"):
        return f"+{short_money(z)}" if z > 0 else short_money(z)
    return number(z, 2)


def _scale(side: str, a: Axis, name: str, room: int) -> Spec:
    edges = _edges(a.values)
    unit = {"factor": "times", "strength": "times the effect"}.get(a.varied.how, a.varied.unit)
    title = name if unit in ("1", "ratio") else f"{name}, {unit}"
    axis = {
        "title": wrap(title, room // 7),
        "grid": False,
        "values": list(a.values[:: -(-len(a.values) // MOST_LABELS)]),
        "titleLimit": SIDE + 160,
        "format": ".4~s" if a.values[-1] >= 1e4 else ".4~g",
    }
    scale = {"domain": [edges[0], edges[-1]], "zero": False, "nice": False}
    return quantity(side, axis=axis, scale=scale)


def _tiles(cells: list[Spec], x: Spec, y: Spec, unit: str) -> Spec:
    legend: Spec = {"title": None, "orient": "right", "direction": "vertical"}
    if unit.startswith("USD"):
        legend["labelExpr"] = DOLLARS
    colour = quantity("z", scale={"scheme": SCHEME}, legend=legend)
    encoding = {"x": x, "x2": {"field": "x2"}, "y": y, "y2": {"field": "y2"}, "color": colour}
    return {"data": {"values": cells}, "mark": {"type": "rect"}, "encoding": encoding}


def _words(cells: list[Spec], x: Spec, y: Spec) -> Spec:
    ink = {"field": "ink", "type": "nominal", "scale": None}
    at, up = x | {"field": "at"}, y | {"field": "up"}
    told = {"field": "told", "type": "nominal"}
    mark = {"type": "text", "fontSize": 12, "baseline": "middle", "align": "center"}
    encoding = {"x": at, "y": up, "text": told, "color": ink}
    return {"data": {"values": cells}, "mark": mark, "encoding": encoding}


def _doubtful(cells: list[Spec], x: Spec, y: Spec) -> Spec:
    """A dashed frame inside each cell, of the colour of its words."""
    shown = []
    for cell in cells:
        dx, dy = 0.06 * (cell["x2"] - cell["x"]), 0.06 * (cell["y2"] - cell["y"])
        edges = {"x": cell["x"] + dx, "x2": cell["x2"] - dx}
        shown.append(edges | {"y": cell["y"] + dy, "y2": cell["y2"] - dy, "ink": cell["ink"]})
    frame = {"field": "ink", "type": "nominal", "scale": None}
    return {
        "data": {"values": shown},
        "mark": {"type": "rect", "filled": False, "strokeDash": [4, 3], "strokeWidth": 1.5},
        "encoding": {
            "x": x, "x2": {"field": "x2"}, "y": y, "y2": {"field": "y2"}, "stroke": frame,
        },
    }  # fmt: skip


def _contour(segments: list[Spec], x: Spec, y: Spec) -> list[Spec]:
    """Orange on a white edge: seen on dark and on light."""
    if not segments:
        return []
    encoding = {"x": x, "x2": {"field": "x2"}, "y": y, "y2": {"field": "y2"}}
    data: Spec = {"data": {"values": segments}, "encoding": encoding}
    marks = ({"color": "white", "strokeWidth": 6}, {"color": ORANGE, "strokeWidth": 3})
    return [data | {"mark": {"type": "rule", "strokeCap": "round", **m}} for m in marks]


def _here(g: Grid) -> Spec | None:
    x, y = g.x.varied.now, g.y.varied.now
    inside = g.x.values[0] <= x <= g.x.values[-1] and g.y.values[0] <= y <= g.y.values[-1]
    return {"x": x, "y": y} if inside else None


def _now(here: Spec, x: Spec, y: Spec) -> Spec:
    """A ring around the number of where the file stands, seen on dark cells and on light ones."""
    ring = {"type": "point", "shape": "circle", "filled": False, "size": 2200, "opacity": 1.0}
    strokes = (("white", 4.5), (INK, 1.5))
    layers = [
        {"mark": ring | {"stroke": colour, "strokeWidth": width}, "encoding": {"x": x, "y": y}}
        for colour, width in strokes
    ]
    return {"data": {"values": [here]}, "layer": layers}
