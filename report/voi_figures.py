"""Chart of the value of information: bars with intervals, and the line that nothing exceeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

from .figures import WIDTH, dollars, quantity
from .renderer import BLUE, GREEN, GREY, INK, ORANGE, Spec

WHO = {
    "a payer": BLUE,
    "only a trial": ORANGE,
    "providers": GREEN,
    "the programme": "#CC79A7",
    "the network": "#E69F00",
    "all facts": GREY,
}


def worths(title: str, rows: Sequence[Mapping[str, Any]], evpi: float, top: float) -> Spec:
    """Rows: name, who, worth, low, high; one bar each, in the order given."""
    shown = [dict(r) | {"name": "\n".join(wrap(r["name"], 44))} for r in rows]
    lines = 1 + max((r["name"].count("\n") for r in shown), default=0)
    step = 8 + 16 * lines
    who = {name: colour for name, colour in WHO.items() if any(r["who"] == name for r in rows)}
    y = {
        "field": "name",
        "type": "nominal",
        "sort": [r["name"] for r in shown],
        "title": None,
        "axis": {
            "ticks": False,
            "domain": False,
            "labelLimit": 310,
            "minExtent": 310,
            "maxExtent": 310,
            "labelExpr": "split(datum.label, '\\n')",
        },
    }
    x = {"scale": {"domain": [0, top], "nice": True}, "axis": dollars(None, tickCount=5)}
    bars = {
        "mark": {"type": "bar", "height": 12},
        "encoding": {
            "y": y,
            "x": quantity("worth", **x),
            "color": {
                "field": "who",
                "scale": {"domain": list(who), "range": list(who.values())},
                "legend": {"columns": 3, "symbolType": "square"},
            },
        },
    }
    between = {
        "mark": {"type": "rule", "strokeWidth": 1.5, "color": INK},
        "encoding": {"y": y, "x": quantity("low", **x), "x2": {"field": "high"}},
    }
    line = {
        "data": {"values": [{"evpi": evpi}]},
        "mark": {"type": "rule", "color": INK, "strokeDash": [5, 3], "strokeWidth": 1.5},
        "encoding": {"x": quantity("evpi")},
    }
    return {
        "title": title,
        "data": {"values": shown},
        "width": WIDTH - 130,
        "height": {"step": step},
        "layer": [bars, between, line],
    }
