"""The chart of a threshold: the curve with its band, the target, the answer and its interval."""

from __future__ import annotations

import math
from textwrap import wrap
from typing import Any

from model.thresholds import Answer

from .figures import WIDE, dollars, quantity
from .renderer import BLUE, INK, ORANGE, Spec
from .wording import number


def threshold(answer: Answer, axis: str, statistic: str, unit: str, aim: str) -> Spec:
    """What is reached over values; the target dashed; each answer upright, its interval shaded."""
    rows = [
        {"x": e.value, "y": e.reached, "low": e.low, "high": e.high}
        for e in answer.curve
        if not math.isnan(e.reached)
    ]
    drawn = [{"x": row["x"], "y": row["y"]} for row in rows]
    x = quantity(
        "x",
        axis={
            "title": wrap(axis, 88),
            "grid": False,
            "format": ".4~s" if answer.high >= 1e4 else ".4~g",
        },
        scale={"domain": [answer.low, answer.high], "zero": False, "nice": False},
    )
    shown: Spec = dollars(None) if unit.startswith("USD") else {"title": None}
    y: Spec = {"axis": shown, "scale": {"zero": False}}
    band = {
        "data": {"values": [r for r in rows if math.isfinite(r["low"] + r["high"])]},
        "mark": {"type": "area", "color": BLUE, "opacity": 0.2},
        "encoding": {"x": x, "y": quantity("low", **y), "y2": {"field": "high"}},
    }
    line = {
        "data": {"values": drawn},
        "mark": {
            "type": "line",
            "color": BLUE,
            "strokeWidth": 2,
            "point": {"size": 22, "color": BLUE},
        },
        "encoding": {"x": x, "y": quantity("y", **y)},
    }
    target = {
        "data": {"values": [{"y": answer.target.bound}]},
        "mark": {"type": "rule", "color": ORANGE, "strokeDash": [6, 4], "strokeWidth": 2},
        "encoding": {"y": quantity("y", **y)},
    }
    layers = [*_answers(answer, x), band, target, line]
    dashed = [f"dashed: {words}" if k == 0 else words for k, words in enumerate(wrap(aim, 92))]
    band_of = f"band: 90 % interval of {answer.draws:,} draws"
    title = {"text": wrap(statistic, 88), "subtitle": [*dashed, band_of, _said(answer)]}
    return {"title": title, "width": WIDE, "height": 280, "layer": layers}


def _answers(answer: Answer, x: Spec) -> list[Spec]:
    rows = [
        {"x": r.value, "a": max(r.low, answer.low), "b": min(r.high, answer.high)}
        for r in answer.roots
    ]
    if not rows:
        return []
    data: dict[str, Any] = {"data": {"values": rows}}
    shade = {
        "mark": {"type": "rect", "color": INK, "opacity": 0.12},
        "encoding": {"x": x | {"field": "a"}, "x2": {"field": "b"}},
    }
    rule = {"mark": {"type": "rule", "color": INK, "strokeWidth": 1.5}, "encoding": {"x": x}}
    return [data | shade, data | rule]


def _said(answer: Answer) -> str:
    if not answer.roots:
        return {"always": "it holds everywhere here", "never": "it holds nowhere here"}[
            answer.verdict
        ]
    told = ", ".join(f"{number(r.value)} ({_ends(r.low, r.high)})" for r in answer.roots)
    return f"upright: the threshold and its 90 % interval, {told}"


def _ends(low: float, high: float) -> str:
    first = number(low) if math.isfinite(low) else "beyond"
    return f"{first} to {number(high) if math.isfinite(high) else 'beyond'}"
