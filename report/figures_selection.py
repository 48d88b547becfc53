"""Charts of selection: use before and after people are picked, and who still qualifies later."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .figures import LINES, ZERO_ACROSS, quantity
from .renderer import BLUE, GREY, INK, ORANGE, RULE, Spec
from .rundata import Floats

SERVED = "in a programme that does nothing"
ALIKE = "picked alike, left alone"
OTHERS = "everybody else"
LOOK = {SERVED: (BLUE, [1, 0]), ALIKE: (ORANGE, [5, 3]), OTHERS: (GREY, [2, 2])}
WIDTH, HEIGHT = 560, 210
Point = tuple[float, float, str]  # months later, share, words beside it
EVERY_SIX = {"values": list(range(-60, 61, 6)), "grid": False}


def picture(
    found: Mapping[str, Floats], before: int, still: Floats, published: Sequence[Point],
    service: str,
) -> Spec:  # fmt: skip
    """Both charts, one above the other; see `fall` and `decay`."""
    return {
        "vconcat": [fall(found, before, service), decay(still, published)],
        "spacing": 26,
        "resolve": {"scale": {"color": "independent", "strokeDash": "independent"}},
    }


def fall(found: Mapping[str, Floats], before: int, service: str) -> Spec:
    """Use by month around the date on which people are picked.

    found: name of a group (SERVED, ALIKE, OTHERS) -> units/person-month [month]; before: how many
    of the months lie before the date.
    """
    rows = [
        {"month": k - before + 0.5, "what": name, "use": 100.0 * use}
        for name, by_month in found.items()
        for k, use in enumerate(by_month.tolist())
    ]
    served = found[SERVED]
    past, future = float(served[:before].mean()), float(served[before:].mean())
    axis = {"title": "months before and after they were picked", **EVERY_SIX}
    ends = {"domain": [-before, len(served) - before], "nice": False}
    x = quantity("month", axis=axis, scale=ends)
    line = {
        "data": {"values": rows},
        "mark": {"type": "line", "strokeWidth": 2.4},
        "encoding": {"x": x, "y": quantity("use", axis={"title": None, "tickCount": 5})}
        | _told_apart({name: LOOK[name] for name in found}),
    }
    layers = [ZERO_ACROSS, _date("picked"), line]
    less = f"{service} a month for each 100 people: {1.0 - future / past:.0%} fewer afterwards"
    title = {"text": "Nobody did anything, and use fell all the same", "subtitle": less}
    return {"title": title, "width": WIDTH, "height": HEIGHT, "layer": layers}


def decay(still: Floats, published: Sequence[Point]) -> Spec:
    """Share of those picked who still qualify; still: [month], with 1 at month 0."""
    rows = [{"month": k, "share": 100.0 * share} for k, share in enumerate(still.tolist())]
    points = [
        {"month": month, "share": 100.0 * share, "told": words} for month, share, words in published
    ]
    x = quantity("month", axis={"title": "months after they were picked", **EVERY_SIX})
    y = quantity("share", scale={"domain": [0, 100]}, axis={"title": None, "tickCount": 5})
    line = {
        "data": {"values": rows},
        "mark": {"type": "line", "strokeWidth": 2.4, "color": BLUE},
        "encoding": {"x": x, "y": y},
    }
    mark = {"color": INK, "size": 90, "filled": True, "opacity": 1}
    dots = {
        "data": {"values": points},
        "mark": {"type": "point", **mark},
        "encoding": {"x": x, "y": y},
    }
    words = {
        "data": {"values": points},
        "mark": {"type": "text", "align": "left", "dx": 9, "dy": -8, "fontSize": 13, "color": INK},
        "encoding": {"x": x, "y": y, "text": {"field": "told"}},
    }
    title = {
        "text": "Few of those picked would still be picked later",
        "subtitle": "percent; line: the model, where nobody does anything; dots: as published",
    }
    layers = [ZERO_ACROSS, line, dots, words]
    return {"title": title, "width": WIDTH, "height": HEIGHT, "layer": layers}


def _told_apart(look: Mapping[str, tuple[str, Sequence[int]]]) -> dict[str, Any]:
    """Colour and dashes by `what`."""
    names = list(look)
    colours = {"domain": names, "range": [colour for colour, _ in look.values()]}
    dashes = {"domain": names, "range": [dash for _, dash in look.values()]}
    return {
        "color": {"field": "what", "scale": colours, "legend": LINES},
        "strokeDash": {"field": "what", "scale": dashes, "legend": LINES},
    }


def _date(word: str) -> Spec:
    """The moment of picking."""
    return {
        "data": {"values": [{"month": 0, "told": word}]},
        "layer": [
            {
                "mark": {"type": "rule", "color": RULE, "strokeWidth": 2},
                "encoding": {"x": quantity("month")},
            },
            {
                "mark": {"type": "text", "align": "left", "dx": 6, "fontSize": 13, "color": INK},
                "encoding": {"x": quantity("month"), "y": {"value": 10}, "text": {"field": "told"}},
            },
        ],
    }
