"""Charts of sensitivity: tornado, bars with intervals, and scatter of the leading numbers."""

from __future__ import annotations

from textwrap import wrap
from typing import Any

import numpy as np

from .figures import quantity
from .renderer import BLUE, GREY, INK, ORANGE, Spec
from .sensitivity import CALLED, Told

WIDTH, BAR, MOST = 460, 34, 12
LINE = 50  # letters
SCATTERED, POINTS = 4, 600
FACT, LEVER = "fact", "lever"
COLOURS = {FACT: BLUE, LEVER: ORANGE}
USD = "replace(format(datum.value, '$.3~s'), 'G', 'B')"


def figure(t: Told) -> Spec:
    """The study as one picture."""
    bars = tornado(t) if t.study.method == "tornado" else indices(t)
    if t.study.points is None or not t.study.rows:
        return bars
    apart = {"legend": {"color": "independent"}}
    return {"vconcat": [bars, scatter(t)], "spacing": 28, "resolve": apart}


def _labels(t: Told) -> dict[str, str]:
    """Of each leading factor: its place, and its name in lines of LINE letters, two at most."""
    rows = t.study.rows[:MOST]
    return {
        row.factor.name: f"{k + 1}. {_lines(t.label(row.factor))}" for k, row in enumerate(rows)
    }


def _lines(words: str) -> str:
    return "\n".join(wrap(words, LINE, max_lines=2, placeholder=" \N{HORIZONTAL ELLIPSIS}"))


def _axis(t: Told, title: str | None, of_outcome: bool = True) -> Spec:
    axis: dict[str, Any] = {"title": title, "tickCount": 6}
    if of_outcome and "USD" in t.study.output.unit:
        axis["labelExpr"] = USD
    return axis


def _names(labels: dict[str, str]) -> Spec:
    return {
        "field": "label",
        "type": "nominal",
        "sort": list(labels.values()),
        "axis": {
            "title": None,
            "labelLimit": 400,
            "ticks": False,
            "domain": False,
            "labelExpr": "split(datum.label, '\\n')",
        },
    }


def tornado(t: Told) -> Spec:
    """A bar from the outcome at the low to that at the high value, about the mean as it is."""
    s, labels = t.study, _labels(t)
    rows = []
    for row in s.rows[:MOST]:
        assert row.outcome is not None
        role = LEVER if row.factor.role == "lever" else FACT
        for end, at in zip(("low", "high"), row.outcome, strict=True):
            rows.append(
                {
                    "label": labels[row.factor.name],
                    "end": end,
                    "at": at,
                    "mean": s.mean,
                    "role": role,
                    "mark": "\N{BLACK CIRCLE}" if end == "high" else "",
                }
            )
    y = _names(labels)
    x = quantity("at", axis=_axis(t, f"{t.outcome}, mean over draws"), scale={"zero": False})
    colour = {
        "field": "role",
        "scale": {"domain": list(COLOURS), "range": list(COLOURS.values())},
        "legend": {"title": None, "orient": "bottom"},
    }
    layers: list[Spec] = [
        {
            "mark": {"type": "bar", "height": 12},
            "encoding": {
                "x": x,
                "x2": {"field": "mean"},
                "y": y,
                "color": colour,
                "opacity": {
                    "field": "end",
                    "scale": {"domain": ["low", "high"], "range": [0.45, 1.0]},
                    "legend": {
                        "title": None,
                        "orient": "bottom",
                        "labelExpr": "'at its ' + datum.label + ' value'",
                    },
                },
            },
        },
        {
            "mark": {"type": "rule", "color": INK},
            "encoding": {"x": {"datum": s.mean, "type": "quantitative"}},
        },
    ]
    return {
        "title": {"text": f"What moves {t.outcome}", "subtitle": "one number at a time"},
        "data": {"values": rows},
        "width": WIDTH,
        "height": BAR * len(labels),
        "layer": layers,
    }


def indices(t: Told) -> Spec:
    """Indices with their 90 % intervals; for Sobol both orders."""
    s, labels = t.study, _labels(t)
    rows: list[dict[str, Any]] = []
    for row in s.rows[:MOST]:
        role = LEVER if row.factor.role == "lever" else FACT
        common = {"label": labels[row.factor.name], "role": role}
        span = {"v": row.value, "lo": row.low, "hi": row.high}
        rows.append(common | {"order": CALLED[s.method]} | span)
        if row.first:
            value, low, high = row.first
            rows.append(common | {"order": "first share", "v": value, "lo": low, "hi": high})
    orders = list(dict.fromkeys(r["order"] for r in rows))
    in_its_unit = s.method == "morris"
    x = quantity("v", axis=_axis(t, _index_title(t), in_its_unit), scale={"zero": True})
    y = _names(labels)
    shift = {"field": "order", "sort": orders} if len(orders) > 1 else None
    at: Spec = {"y": y} | ({"yOffset": shift} if shift else {})
    colour = {
        "field": "order" if shift else "role",
        "scale": {"domain": orders, "range": [BLUE, GREY]}
        if shift
        else {"domain": list(COLOURS), "range": list(COLOURS.values())},
        "legend": {"title": None, "orient": "bottom"},
    }
    layers: list[Spec] = [
        {
            "mark": {"type": "bar", "opacity": 0.75},
            "encoding": {"x": x, **at, "color": colour},
        },
        {
            "mark": {"type": "rule", "strokeWidth": 1.6, "color": INK},
            "encoding": {"x": quantity("lo"), "x2": {"field": "hi"}, **at},
        },
    ]
    if s.inert > 0.0:
        layers.append(
            {
                "mark": {"type": "rule", "strokeDash": [4, 3], "color": ORANGE},
                "encoding": {"x": {"datum": s.inert, "type": "quantitative"}},
            }
        )
    no_more = "; dashed: reached by accident" if s.inert > 0.0 else ""
    return {
        "title": {
            "text": f"What {t.outcome} hangs on",
            "subtitle": f"{s.method}; lines: 90 % intervals{no_more}",
        },
        "data": {"values": rows},
        "width": WIDTH,
        "height": (BAR if shift is None else 38) * len(labels),
        "layer": layers,
    }


def _index_title(t: Told) -> str:
    if t.study.method == "sobol":
        return "share of the variance"
    return CALLED[t.study.method]


def scatter(t: Told) -> Spec:
    """The outcome against the leading numbers, draw by draw."""
    s = t.study
    assert s.points is not None
    x, y = s.points
    order = {f.name: k for k, f in enumerate(s.factors)}
    labels = _labels(t)
    panels = []
    leading = [r for r in s.rows if r.factor.members][:SCATTERED]
    few = _axis(t, None) | {"tickCount": 4}
    some = np.arange(y.size)[:: max(1, y.size // POINTS)]
    for row in leading:
        column = x[some, order[row.factor.name]]
        values = [{"x": float(a), "y": float(b)} for a, b in zip(column, y[some], strict=True)]
        panels.append(
            {
                "title": {"text": labels[row.factor.name].split("\n"), "fontSize": 12},
                "data": {"values": values},
                "width": 300,
                "height": 150,
                "mark": {"type": "circle", "size": 12, "opacity": 0.45, "color": BLUE},
                "encoding": {
                    "x": quantity("x", axis={"title": None, "tickCount": 4}, scale={"zero": False}),
                    "y": quantity("y", axis=few, scale={"zero": False}),
                },
            }
        )
    told = f"Each draw: {t.outcome}, by the numbers that matter most"
    title = {"text": told, "anchor": "start"}
    return {"title": title, "concat": panels, "columns": 2, "spacing": 22}
