"""Charts of sensitivity: tornado, bars with intervals, and scatter of the leading numbers.

Names stand above their bars, so that a chart is narrow enough for a phone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

import numpy as np

from model.sensitivity.study import Row

from .figures import quantity
from .renderer import BLUE, GREY, INK, ORANGE, Spec
from .sensitivity import CALLED, folded, parts
from .sensitivity_answer import Told, stands_out

WIDTH, MOST = 440, 12
LINE = 58  # letters
STEP, LETTERS, BAR = 36, 16, 12  # points of a bar with its name, of another line, another bar
HALF, HALF_LINE = 175, 27  # of a scatter
SCATTERED, POINTS = 4, 600
LOW, HIGH = "at its low value", "at its high value"
USD = "replace(format(datum.value, '$.3~s'), 'G', 'B')"
Bars = Sequence[Mapping[str, Any]]


def figure(t: Told) -> Spec:
    """The study as one picture."""
    if t.study.method == "tornado":
        return tornado(t)
    bars = indices(t)
    if t.study.points is None or not stands_out(t.study):
        return bars
    apart = {"legend": {"color": "independent"}}
    return {"vconcat": [bars, scatter(t)], "spacing": 28, "resolve": apart}


def _labels(t: Told, rows: Sequence[Row]) -> dict[str, str]:
    """Of each factor: its place, and its name in two lines at most; all have as many."""
    found = {
        row.factor.name: _lines(f"{k + 1}. {t.label(row.factor)}", LINE)
        for k, row in enumerate(rows)
    }
    most = max(label.count("\n") for label in found.values())
    return {name: " \n" * (most - label.count("\n")) + label for name, label in found.items()}


def _lines(words: str, letters: int) -> str:
    mark = " \N{HORIZONTAL ELLIPSIS}"
    return "\n".join(wrap(words, letters, max_lines=2, placeholder=mark))


def _axis(t: Told, title: str | None, of_outcome: bool = True) -> Spec:
    axis: dict[str, Any] = {"title": title, "tickCount": 5, "grid": False}
    if of_outcome and "USD" in t.study.output.unit:
        axis["labelExpr"] = USD
    return axis


def _step(labels: Mapping[str, str], bars: int = 1) -> int:
    """Points from a row to the next."""
    lines = max(label.count("\n") for label in labels.values())
    return STEP + LETTERS * lines + BAR * (bars - 1)


def _place(labels: Mapping[str, str]) -> Spec:
    """Rows below each other, without an axis: their names stand in the chart."""
    return {"field": "label", "type": "nominal", "sort": list(labels.values()), "axis": None}


def _names(labels: Mapping[str, str], bars: int = 1) -> list[Spec]:
    """Each name above its bars, with a white rim where lines cross it."""
    mark = {
        "type": "text", "align": "left", "baseline": "line-top", "lineBreak": "\n",
        "dy": 2 - _step(labels, bars) / 2, "color": INK, "fontSize": 13,
    }  # fmt: skip
    encoding = {"x": {"value": 0}, "y": _place(labels), "text": {"field": "label"}}
    data = {"values": [{"label": label} for label in labels.values()]}
    rim = {"stroke": "white", "strokeWidth": 4, "strokeJoin": "round"}
    return [{"data": data, "mark": mark | style, "encoding": encoding} for style in (rim, {})]


def _below(labels: Mapping[str, str], bars: int = 1) -> float:
    """From the middle of a row to that of its first bar."""
    return _step(labels, bars) / 2 - 10 - BAR * (bars - 1)


# --- tornado


def tornado(t: Told) -> Spec:
    """Facts and levers, each with a scale of its own: they are moved by different measures."""
    panels = [
        _panel(t, title, some)
        for title, rows in parts(t.study)
        if (some := folded(t.study, rows)[0][:MOST])
    ]
    words = {"text": wrap(f"What moves {t.outcome}, one number at a time", LINE), "offset": 18}
    apart = {"scale": {"x": "independent", "y": "independent"}}
    return {"title": words, "vconcat": panels, "spacing": 26, "resolve": apart}


def _panel(t: Told, title: str, rows: Sequence[Row]) -> Spec:
    """A bar from the mean as drawn to that at the low and at the high value."""
    s, labels = t.study, _labels(t, rows)
    values = [
        {"label": labels[row.factor.name], "end": end, "by": at - s.mean, "zero": 0.0}
        for row in rows
        if row.outcome is not None
        for end, at in zip((LOW, HIGH), row.outcome, strict=True)
    ]
    x = quantity("by", axis=_axis(t, "change of the mean over draws"), scale={"zero": True})
    colour = {
        "field": "end",
        "scale": {"domain": [LOW, HIGH], "range": [GREY, BLUE]},
        "legend": {"title": None, "orient": "bottom"},
    }
    bar = {"type": "bar", "height": 12, "yOffset": _below(labels), "opacity": 0.85}
    layers: list[Spec] = [
        {
            "data": {"values": values},
            "mark": bar,
            "encoding": {"x": x, "x2": {"field": "zero"}, "y": _place(labels), "color": colour},
        },
        {
            "mark": {"type": "rule", "color": INK},
            "data": {"values": [{"zero": 0.0}]},
            "encoding": {"x": quantity("zero")},
        },
        *_names(labels),
    ]
    height = _step(labels) * len(labels)
    return {"title": title, "width": WIDTH, "height": height, "layer": layers}


# --- indices


def indices(t: Told) -> Spec:
    """Indices with their 90 % intervals; for Sobol both orders."""
    s = t.study
    rows = [row for _, some in parts(s) for row in folded(s, some)[0]]
    rows = sorted(rows or s.rows[:1], key=lambda row: -row.value)[:MOST]
    labels = _labels(t, rows)
    values = [
        {"label": labels[r.factor.name], "v": r.value, "lo": r.low, "hi": r.high} for r in rows
    ]
    first = [
        {"label": labels[r.factor.name], "v": r.first[0], "lo": r.first[1], "hi": r.first[2]}
        for r in rows
        if r.first
    ]
    x = quantity("v", axis=_axis(t, _index_title(t), s.method == "morris"), scale={"zero": True})
    orders = {CALLED[s.method]: (values, BLUE)} | ({"first share": (first, GREY)} if first else {})
    layers: list[Spec] = []
    for k, (order, (data, _)) in enumerate(orders.items()):
        below = _below(labels, len(orders)) + BAR * k
        layers += _bars(data, order, below, x, labels, {n: c for n, (_, c) in orders.items()})
    if s.inert > 0.0:
        layers.append(
            {
                "mark": {"type": "rule", "strokeDash": [4, 3], "color": ORANGE},
                "data": {"values": [{"v": s.inert}]},
                "encoding": {"x": quantity("v")},
            }
        )
    layers += _names(labels, len(orders))
    dashed = "; dashed: reached by accident" if s.inert > 0.0 else ""
    return {
        "title": {
            "text": wrap(f"What {t.outcome} hangs on", LINE),
            "subtitle": f"{s.method}; lines: 90 % intervals{dashed}",
        },
        "width": WIDTH,
        "height": _step(labels, len(orders)) * len(labels),
        "layer": layers,
    }


def _bars(
    data: Bars, order: str, below: float, x: Spec, labels: Mapping[str, str], colours: Spec
) -> list[Spec]:
    """One order's bars and the lines of their intervals."""
    colour: Spec = {"datum": order} | {
        "scale": {"domain": list(colours), "range": list(colours.values())},
        "legend": {"title": None, "orient": "bottom"} if len(colours) > 1 else None,
    }
    y = _place(labels)
    bar = {"type": "bar", "height": 9, "opacity": 0.75, "yOffset": below}
    line = {"type": "rule", "strokeWidth": 1.6, "color": INK, "yOffset": below}
    ends = {"x": quantity("lo"), "x2": {"field": "hi"}, "y": y}
    return [
        {"data": {"values": data}, "mark": bar, "encoding": {"x": x, "y": y, "color": colour}},
        {"data": {"values": data}, "mark": line, "encoding": ends},
    ]


def _index_title(t: Told) -> str:
    if t.study.method == "sobol":
        return "share of the variance"
    if t.study.method == "morris":
        return "mean change by a move over two thirds of the 5-95 % span"
    return CALLED[t.study.method]


# --- scatter


def scatter(t: Told) -> Spec:
    """The outcome against the leading numbers, draw by draw; of tied ones against the first."""
    s = t.study
    assert s.points is not None
    x, y = s.points
    some = np.arange(y.size)[:: max(1, y.size // POINTS)]
    leading = [r for r in s.rows if r.factor.members and r.low > s.inert][:SCATTERED]
    panels = []
    for row in leading:
        column = x[row.factor.members[0]][some]
        values = [{"x": float(a), "y": float(b)} for a, b in zip(column, y[some], strict=True)]
        label = t.label(row.factor._replace(name=row.factor.members[0],
                                            members=row.factor.members[:1]))  # fmt: skip
        title = wrap(label, HALF_LINE, max_lines=3, placeholder=" \N{HORIZONTAL ELLIPSIS}")
        panels.append(
            {
                "title": {"text": title, "fontSize": 12},
                "data": {"values": values},
                "width": HALF,
                "height": 130,
                "mark": {"type": "circle", "size": 12, "opacity": 0.45, "color": BLUE},
                "encoding": {
                    "x": quantity("x", axis={"title": None, "tickCount": 3}, scale={"zero": False}),
                    "y": quantity(
                        "y", axis=_axis(t, None) | {"tickCount": 4}, scale={"zero": False}
                    ),
                },
            }
        )
    words = wrap(f"Each draw: {t.outcome}, by the numbers that matter most", LINE)
    above = {"text": words, "anchor": "start", "offset": 14}
    return {"title": above, "concat": panels, "columns": 2, "spacing": 18}
