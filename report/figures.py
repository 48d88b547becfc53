"""Charts, each defined once as a Vega-Lite specification, for the page (SVG) and for PNG.

Plain dictionaries rather than a plotting library: docs/decisions/0006-charts.md. Names from a
scenario enter as data only, never as an expression; nothing is fetched.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from textwrap import wrap
from typing import Any

import numpy as np

from .renderer import BLUE, GREEN, GREY, INK, ORANGE, Spec
from .rundata import Floats, Series

Rows = Sequence[Mapping[str, Any]]

WIDTH = 560
WIDE = 740  # of charts without names at their left
DOLLARS = "replace(format(datum.value, '$.3~s'), 'G', 'B')"


def quantity(name: str, **about: Any) -> Spec:
    return {"field": name, "type": "quantitative", **about}


def dollars(title: str | None, **about: Any) -> Spec:
    return {"title": title, "labelExpr": DOLLARS, **about}


def _colours(pairs: Mapping[str, str]) -> Spec:
    return {"domain": list(pairs), "range": list(pairs.values())}


def _data(rows: Iterable[Mapping[str, Any]]) -> Spec:
    return {"values": list(rows)}


ZERO: Spec = {"data": {"values": [{"zero": 0}]}}
ZERO_DOWN: Spec = ZERO | {
    "mark": {"type": "rule", "color": INK},
    "encoding": {"x": quantity("zero")},
}
ZERO_ACROSS: Spec = ZERO | {
    "mark": {"type": "rule", "color": INK},
    "encoding": {"y": quantity("zero")},
}


# --- who saves


AVOIDED, COST, NET = "avoided rescue spending", "programme cost", "net result"
PARTY_COLOURS = {AVOIDED: BLUE, COST: ORANGE, NET: GREY}


def by_party(rows: Rows, order: Sequence[str], axis: str) -> Spec:
    """Dot and 90 % interval; rows: name, what, mean, p05, p95. One line a party and kind."""
    kinds = [kind for kind in PARTY_COLOURS if any(row["what"] == kind for row in rows)]
    colours = {kind: PARTY_COLOURS[kind] for kind in kinds}
    return intervals(rows, order, colours, axis)


def intervals(
    rows: Rows, order: Sequence[str], colours: Mapping[str, str], axis: str, single: int = 24
) -> Spec:
    """Dots with intervals, kinds below each other within a name."""
    kinds = list(colours)
    y = {
        "field": "name",
        "type": "nominal",
        "sort": list(order),
        "title": None,
        "axis": {
            "grid": True,
            "tickBand": "extent",
            "domain": False,
            "ticks": False,
            "labelExpr": "split(datum.label, '\\n')",
        },
    }
    offset = {"yOffset": {"field": "what", "sort": kinds}} if len(kinds) > 1 else {}
    legend: Spec = {} if len(kinds) > 1 else {"legend": None}
    shared = {
        "y": y,
        "color": {"field": "what", "scale": _colours(colours), **legend},
        **offset,
    }
    symbols = {"domain": kinds, "range": ["circle", "square", "diamond", "cross"][: len(kinds)]}
    apart = {"labelOverlap": True, "labelSeparation": 8, "labelFlush": False}
    low = quantity("p05", title=axis, axis=dollars(axis, tickCount=6, **apart))
    bars = {
        "mark": {"type": "rule", "strokeWidth": 2.5, "opacity": 0.75},
        "encoding": shared | {"x": low, "x2": {"field": "p95"}},
    }
    dots = {
        "mark": {"type": "point", "filled": True, "size": 75, "opacity": 1},
        "encoding": shared
        | {"x": quantity("mean"), "shape": {"field": "what", "scale": symbols, **legend}},
    }
    height = {"step": 15 if len(kinds) > 1 else single}
    return {
        "data": _data(rows),
        "width": WIDTH,
        "height": height | ({"for": "offset"} if len(kinds) > 1 else {}),
        "layer": [ZERO_DOWN, bars, dots],
    }


# --- when


def _months(kind: str, series: Series, sign: float = 1.0) -> list[Spec]:
    return [
        {"month": f"{m}-01", "what": kind, "mean": sign * a, "p05": sign * b, "p95": sign * c}
        for m, a, b, c in zip(
            series.months,
            series.mean.tolist(),
            series.p05.tolist(),
            series.p95.tolist(),
            strict=True,
        )
    ]


def time() -> Spec:
    axis = {
        "format": "%Y",
        "tickCount": "year",
        "grid": False,
        "title": None,
        "labelFlush": False,
        "labelOverlap": "greedy",
        "labelSeparation": 6,
    }
    return {"field": "month", "type": "temporal", "scale": {"type": "utc"}, "axis": axis}


LINES: Spec = {
    "symbolType": "stroke",
    "symbolStrokeWidth": 3,
    "symbolOpacity": 1,
    "symbolSize": 300,
}


def _bands(
    rows: Rows, colours: Mapping[str, str], y: Spec, width: int, height: int, **about: Any
) -> Spec:
    """Mean lines with 90 % bands over months; dashes tell the second line from the first."""
    dashes = [[1, 0], [5, 3], [2, 2], [8, 2, 2, 2]][: len(colours)]
    colour = {"field": "what", "scale": _colours(colours), "legend": LINES}
    dash = {"field": "what", "scale": {"domain": list(colours), "range": dashes}, "legend": LINES}
    band = {
        "mark": {"type": "area", "opacity": 0.18},
        "encoding": {"x": time(), "y": quantity("p05", **y), "y2": {"field": "p95"}},
    }
    line = {
        "mark": {"type": "line", "strokeWidth": 1.8},
        "encoding": {"x": time(), "y": quantity("mean", **y), "strokeDash": dash},
    }
    for layer in (band, line):
        layer["encoding"] |= {"color": colour}  # type: ignore[operator]
    return {
        "data": _data(rows),
        "width": width,
        "height": height,
        "layer": [ZERO_ACROSS, band, line],
        **about,
    }


USUAL_CARE, WITH_THEM = "usual care", "with the interventions"


def spending_by_month(usual: Series, strategy: Series) -> Spec:
    """Rescue spending of all payers a month, in both worlds."""
    rows = _months(USUAL_CARE, usual) + _months(WITH_THEM, strategy)
    colours = {USUAL_CARE: GREY, WITH_THEM: BLUE}
    y = {"axis": dollars(None)}
    title = "Rescue spending a month, all payers"
    return _bands(rows, colours, y, WIDE, 190, title=title)


def avoided_by_month(avoided: Series, cost: Series | None) -> Spec:
    """What is avoided a month, beside what the programmes cost in it."""
    rows = _months(AVOIDED, avoided) + (_months(COST, cost) if cost is not None else [])
    colours = {AVOIDED: BLUE, COST: ORANGE}
    y = {"axis": dollars(None)}
    title = "The difference a month (its own scale), and what the interventions cost"
    return _bands(rows, colours, y, WIDE, 170, title=title)


# --- reach


SLOTS = "slots (staff in post x caseload)"
PANEL_WIDTH = 350
STOCKS = {"enrolled": BLUE, "waiting": ORANGE, "protected": GREEN, SLOTS: INK}


def reach(panels: Sequence[tuple[str, dict[str, Series]]]) -> Spec:
    """Small multiples: the people of each intervention over time, and its slots."""
    return {
        "concat": [_panel(name, found) for name, found in panels],
        "columns": 2,
        "spacing": {"row": 22, "column": 34},
        "resolve": {"scale": {"color": "shared", "strokeDash": "shared"}},
    }


def _panel(name: str, found: Mapping[str, Series]) -> Spec:
    rows = [row for kind in STOCKS if kind in found for row in _months(kind, _thinned(found[kind]))]
    y = {"axis": {"title": None, "tickCount": 4, "minExtent": 28}}
    title = {"text": name, "limit": PANEL_WIDTH + 30}
    return _bands(rows, STOCKS, y, PANEL_WIDTH, 130, title=title)


def _thinned(series: Series) -> Series:
    """Every n-th month, so that a small panel has 60 points at most."""
    step = -(-len(series.months) // 60)
    return Series(*(x[::step] for x in series))  # type: ignore[arg-type]


# --- how sure


def distribution(name: str, values: Floats, axis: str) -> Spec:
    """Histogram of a result over draws; orange left of zero, blue right of it."""
    bars = bins(values)
    colours = {"loss": ORANGE, "gain": BLUE}
    x = quantity("low", title=axis, axis=dollars(axis, tickCount=6), scale={"zero": False})
    chart = {
        "data": _data(bars),
        "mark": {"type": "bar", "stroke": "white", "strokeWidth": 0.5},
        "encoding": {
            "x": x,
            "x2": {"field": "high"},
            "y": quantity("draws", axis={"title": "draws", "tickCount": 4}),
            "y2": {"field": "base"},
            "color": {"field": "what", "scale": _colours(colours), "legend": None},
        },
    }
    mean = {
        "data": _data([{"mean": float(values.mean())}]),
        "mark": {"type": "rule", "color": INK, "strokeDash": [4, 3]},
        "encoding": {"x": quantity("mean")},
    }
    layers = [chart, mean] + ([ZERO_DOWN] if values.min() <= 0 <= values.max() else [])
    return {"title": name, "width": WIDE, "height": 130, "layer": layers}


def bins(values: Floats, most: int = 40) -> list[Spec]:
    """Counts of draws in equal bins, zero on an edge where it lies within the range."""
    low, high = float(values.min()), float(values.max())
    if low == high:
        low, high = low - 0.5, high + 0.5
    width = (high - low) / most
    edges = np.arange(np.floor(low / width), np.ceil(high / width) + 1) * width
    counts, _ = np.histogram(values, edges)
    return [
        {"low": a, "high": b, "draws": n, "base": 0, "what": "loss" if b <= width / 2 else "gain"}
        for (a, b), n in zip(pairwise(edges.tolist()), counts.tolist(), strict=True)
    ]


# --- scenarios side by side


SAVED = "USD over the horizon; left of zero: more spending, or a loss"


def compared(title: str, rows: Rows, order: Sequence[str], axis: str = SAVED) -> Spec:
    """One dot with its interval a scenario; rows: name, mean, p05, p95."""
    lines = {name: "\n".join(wrap(name, 32)) for name in order}
    shown = [dict(row) | {"name": lines[row["name"]]} for row in rows]
    step = 14 + 16 * max((words.count("\n") + 1 for words in lines.values()), default=1)
    about = {"title": title, "width": 440}  # narrow, so that letters stay legible on a phone
    return intervals(shown, list(lines.values()), {"": BLUE}, axis, step) | about
