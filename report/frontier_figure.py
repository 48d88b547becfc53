"""Charts of the frontier: chance against cost of every mix, and P(sustainable) over levels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

from model.frontier import Ranked, Surface

from .figures import WIDE, dollars, quantity
from .renderer import BLUE, GREY, INK, Spec

CHARACTER = 0.01  # of the chart's width, of a label
EFFICIENT, OTHER = "efficient", "another is better"


def efficient_set(found: Sequence[Ranked], numbered: Mapping[int, tuple[Ranked, str]]) -> Spec:
    """Chance to last over cost to payers and partners; those in `numbered` have a key below.

    A mark stands at the chance without luck; a dotted line leads up to what luck adds.
    """
    rows = [
        {
            "cost": r.cost,
            "p": 100.0 * r.not_by_luck,
            "top": 100.0 * r.sustainable,
            "what": EFFICIENT if r.efficient else OTHER,
        }
        for r in found
    ]
    axis = dollars("expected cost to payers and partners over the horizon", tickCount=6, grid=False)
    x = quantity("cost", axis=axis)
    highest = max(*(100.0 * r.sustainable for r in found), 1.0)
    y = quantity("p", axis={"title": None, "tickCount": 6}, scale={"domain": [0, 1.12 * highest]})
    kinds = [EFFICIENT, OTHER]
    colour = {"field": "what", "scale": {"domain": kinds, "range": [BLUE, GREY]}}
    luck = {
        "data": {
            "values": [
                row for row, r in zip(rows, found, strict=True) if r.sustainable > r.not_by_luck
            ]
        },
        "mark": {"type": "rule", "strokeDash": [1, 3], "strokeWidth": 1.5},
        "encoding": {"x": x, "y": y, "y2": {"field": "top"}, "color": colour},
    }
    points = {
        "data": {"values": rows},
        "mark": {"type": "point", "filled": True, "size": 70, "opacity": 0.9},
        "encoding": {
            "x": x,
            "y": y,
            "color": colour,
            "shape": {"field": "what", "scale": {"domain": kinds, "range": ["circle", "cross"]}},
        },
    }
    span = max(r.cost for r in found) or 1.0
    marks = _apart({k: r for k, (r, _) in numbered.items()}, span, highest)
    numbers = {
        "data": {"values": marks},
        "mark": {"type": "text", "fontSize": 12, "color": INK, "dx": 8, "dy": -9, "align": "left"},
        "encoding": {"x": x, "y": y, "text": {"field": "told", "type": "nominal"}},
    }
    title = {
        "text": "Sustainable without luck, of 100 draws, and what others pay for it",
        "subtitle": [
            "efficient: no other mix is as good in chance, net and cost, and better in one",
            "dotted: up to what lucky settlements add",
        ],
    }
    chart = {"width": WIDE, "height": 340, "layer": [luck, points, numbers]}
    key = _key({k: words for k, (_, words) in numbered.items()})
    return {"title": title, "vconcat": [chart, key] if numbered else [chart], "spacing": 10}


def _apart(marked: Mapping[int, Ranked], span: float, highest: float) -> list[dict[str, Any]]:
    """One label for marks so close that theirs would overlap: `2-4, 9`."""
    labels: list[tuple[float, float, list[int]]] = []
    for k, r in sorted(marked.items(), key=lambda item: (item[1].cost, item[0])):
        p = 100.0 * r.not_by_luck
        for at, height, those in labels:
            room = CHARACTER * span * (len(_runs([*those, k])) + 2)
            if r.cost - at < room and abs(p - height) < 0.06 * highest:
                those.append(k)
                break
        else:
            labels.append((r.cost, p, [k]))
    return [{"cost": at, "p": p, "told": _runs(those)} for at, p, those in labels]


def _runs(numbers: Sequence[int]) -> str:
    """2, 3, 4, 9 -> 2-4, 9"""
    runs: list[list[int]] = []
    for k in sorted(numbers):
        if runs and k == runs[-1][-1] + 1:
            runs[-1].append(k)
        else:
            runs.append([k])
    return ", ".join(f"{run[0]}-{run[-1]}" if len(run) > 1 else f"{run[0]}" for run in runs)


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


def lost_grants(s: Surface, titles: Sequence[str]) -> Spec:
    """P(sustainable) over dues and sharing rate, one panel for each grant that is lost."""
    cells = [
        {
            "panel": k,
            "percent": (percent := 100.0 * float(s.sustainable[k, j, i])),
            "told": f"{percent:.0f}",
            "ink": "white" if percent < 50.0 else "black",
            "dues": f"x {factor:g}",
            "share": f"{100.0 * share:g} %",
        }
        for k in range(len(s.lost))
        for j, factor in enumerate(s.dues)
        for i, share in enumerate(s.shares)
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
            "title": {"text": wrap(head, 44)},
            "data": {"values": [cell for cell in cells if cell["panel"] == k]},
            "width": 290,
            "height": {"step": 30},
            "layer": [tile, words],
            "resolve": {"scale": {"color": "independent"}},
        }
        for k, head in enumerate(titles)
    ]
    title = {"text": "Sustainable, of 100 draws", "subtitle": "dark is low, light is high"}
    return {"title": title, "concat": each, "columns": 2, "spacing": 40}
