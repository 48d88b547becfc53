"""Charts of the frontier: chance against cost of every mix, and P(sustainable) over levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from model.frontier import Ranked

from .figures import WIDE, dollars, quantity
from .renderer import BLUE, GREY, INK, Spec

EFFICIENT, OTHER = "efficient", "another is better"


def efficient_set(found: Sequence[Ranked], numbered: Mapping[int, tuple[Ranked, str]]) -> Spec:
    """P(sustainable) over cost to payers and partners; those in `numbered` have a key below."""
    rows = [
        {"cost": r.cost, "p": 100.0 * r.sustainable, "what": EFFICIENT if r.efficient else OTHER}
        for r in found
    ]
    axis = dollars("expected cost to payers and partners over the horizon", tickCount=6, grid=False)
    x = quantity("cost", axis=axis)
    y = quantity("p", axis={"title": None, "tickCount": 6}, scale={"domain": [0, 108]})
    kinds = [EFFICIENT, OTHER]
    points = {
        "data": {"values": rows},
        "mark": {"type": "point", "filled": True, "size": 70, "opacity": 0.9},
        "encoding": {
            "x": x,
            "y": y,
            "color": {"field": "what", "scale": {"domain": kinds, "range": [BLUE, GREY]}},
            "shape": {"field": "what", "scale": {"domain": kinds, "range": ["circle", "cross"]}},
        },
    }
    marks = [
        {"cost": r.cost, "p": 100.0 * r.sustainable, "told": str(k)}
        for k, (r, _) in numbered.items()
    ]
    numbers = {
        "data": {"values": marks},
        "mark": {"type": "text", "fontSize": 12, "color": INK, "dy": -12},
        "encoding": {"x": x, "y": y, "text": {"field": "told", "type": "nominal"}},
    }
    title = {
        "text": "Sustainable, of 100 draws, and what others pay for it",
        "subtitle": "efficient: no other mix is as good in chance, net and cost, and better in one",
    }
    chart = {"width": WIDE, "height": 340, "layer": [points, numbers]}
    key = _key({k: words for k, (_, words) in numbered.items()})
    return {"title": title, "vconcat": [chart, key] if numbered else [chart], "spacing": 10}


def _key(names: Mapping[int, str]) -> Spec:
    """What the numbers stand for, one line each."""
    rows = [{"line": k, "told": f"{k}  {words}"} for k, words in names.items()]
    y = {"field": "line", "type": "ordinal", "axis": None}
    text = {"field": "told", "type": "nominal"}
    mark = {"type": "text", "align": "left", "fontSize": 12, "color": INK, "x": 0}
    return {
        "data": {"values": rows},
        "width": WIDE,
        "height": {"step": 17},
        "mark": mark,
        "encoding": {"y": y, "text": text},
    }


def lost_grants(rows: Sequence[Mapping[str, Any]], panels: Mapping[str, str]) -> Spec:
    """P(sustainable) over dues and sharing rate, one panel for each grant that is lost."""
    cells = [
        dict(row)
        | {
            "percent": 100.0 * row["p_sustainable"],
            "told": f"{100.0 * row['p_sustainable']:.0f}",
            "ink": "white" if row["p_sustainable"] < 0.5 else "black",
            "dues": f"x {row['dues_factor']:g}",
            "share": f"{100.0 * row['sharing_rate']:g} %",
        }
        for row in rows
    ]
    dues = list(dict.fromkeys(cell["dues"] for cell in cells))[::-1]
    x = {
        "field": "share",
        "type": "ordinal",
        "sort": None,
        "axis": {"title": "sharing rate", "labelAngle": 0},
    }
    y = {"field": "dues", "type": "ordinal", "sort": dues, "axis": {"title": "dues"}}
    colour = quantity("percent", scale={"scheme": "cividis", "domain": [0, 100]}, legend=None)
    tile = {
        "mark": {"type": "rect", "stroke": "white"},
        "encoding": {"x": x, "y": y, "color": colour},
    }
    ink = {"field": "ink", "type": "nominal", "scale": None}
    told = {"field": "told", "type": "nominal"}
    words = {
        "mark": {"type": "text", "fontSize": 13},
        "encoding": {"x": x, "y": y, "text": told, "color": ink},
    }
    each: list[Spec] = [
        {
            "title": {"text": words_of_it, "limit": 330},
            "data": {"values": [cell for cell in cells if cell["grant_lost"] == grant]},
            "width": 290,
            "height": {"step": 30},
            "layer": [tile, words],
            "resolve": {"scale": {"color": "independent"}},
        }
        for grant, words_of_it in panels.items()
    ]
    title = {"text": "Sustainable, of 100 draws", "subtitle": "dark is low, light is high"}
    return {"title": title, "concat": each, "columns": 2, "spacing": 40}
