"""A picture of a few people: need, the way through services, and rescue events, line by line."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from textwrap import wrap
from typing import Any

from . import wording
from .episodes_data import Episodes, Row
from .episodes_story import lasting
from .figures import WIDE, quantity
from .renderer import BLUE, INK, Spec

NEEDS = {"stable": ("stable", "#e4e9ee"), "at_risk": ("at risk", "#f2cf8d"),
         "in_crisis": ("in crisis", "#d9826b")}  # fmt: skip
STATES = {"waiting": ("on the list", "#E69F00"), "in service": ("in service", BLUE),
          "protected": ("protected after completing", "#74c1a6")}  # fmt: skip
SHAPES = ("circle", "triangle-up", "diamond", "square", "cross", "triangle-down")
OUTCOMES = {
    "gave_up": "gave up",
    "no_longer_eligible": "recovered first",
    "dropped_out": "dropped out",
    "waiting": "still waiting",
    "enrolled": "still in service",
}
ROW = 46
NAME_WIDTH, LINES_OF_NAME, LINE = 36, 2, 13


def people(e: Episodes) -> Spec:
    """One line a person: need below, the way through services above it, rescue events on top."""
    strips, marks, labels, busy = [], [], [], []
    shapes = _services_shown(e)
    for k, person in enumerate(e.people):
        labels.append(_label(e, k, person))
        for s in person["stretches"]:
            strips.append(_strip(k, s))
        many, few = _crowded(person)
        busy += [{"x": a, "x2": b, "y": k + 0.06, "y2": k + 0.12, "event": s} for s, a, b in many]
        for m in few:
            service = e.name(m["service"])
            what = service if service in shapes else OTHER_EVENT
            marks.append({"x": m["month"], "y": k + 0.21, "event": what})
    size = len(e.people)
    parts = [_axis_of(size), _strips(strips), _zero(size), _events(marks, shapes), _names(labels)]
    parts += [_busy(e, busy)] if busy else []
    return {
        "width": WIDE - 210,
        "height": ROW * size,
        "layer": [*parts],
        "resolve": {"legend": dict.fromkeys(("color", "shape", "fill"), "independent")},
    }


OTHER_EVENT = "another rescue service"
CROWD = 4  # events of one service in a month, from which they are drawn as one line


def _crowded(person: Mapping[str, Any]) -> tuple[list[tuple[str, float, float]], list[Row]]:
    """Months with many events of a service, as lines; and all other events.

    Months are those of the calendar; lines of months that follow each other are one.
    """
    listed, marks = person["listed"], person["marks"]
    of = [(m["service"], math.floor(listed + m["month"] + 1e-9)) for m in marks]
    counted = Counter(of)
    lines: list[tuple[str, float, float]] = []
    for service, month in sorted(key for key, many in counted.items() if many >= CROWD):
        start = max(month - listed, -12.0)
        end = min(month + 1.0 - listed, 36.0)
        if lines and lines[-1][0] == service and abs(lines[-1][2] - start) < 1e-6:
            lines[-1] = (service, lines[-1][1], end)
        else:
            lines.append((service, start, end))
    return lines, [m for m, key in zip(marks, of, strict=True) if counted[key] < CROWD]


def _busy(e: Episodes, rows: Sequence[Row]) -> Spec:
    """Lines above a person's events, by service."""
    names = list(dict.fromkeys(row["event"] for row in rows))
    told = {name: f"{e.name(name)}: {CROWD} or more a month" for name in names}
    greys = ["#3b4754", "#8a6fb0", "#a0522d", "#4f7f4f"]
    scale = {"domain": list(told.values()), "range": [greys[k % 4] for k in range(len(names))]}
    return {
        "data": {"values": [row | {"event": told[row["event"]]} for row in rows]},
        "mark": {"type": "rect"},
        "encoding": {
            "x": quantity("x"),
            "x2": {"field": "x2"},
            "y": quantity("y", axis=None),
            "y2": {"field": "y2"},
            "fill": {
                "field": "event",
                "type": "nominal",
                "scale": scale,
                "legend": {"orient": "top", "columns": 1, "symbolType": "square"},
            },
        },
    }


def _services_shown(e: Episodes) -> dict[str, str]:
    """A shape for each of the services that occur most."""
    counted = Counter(e.name(m["service"]) for person in e.people for m in _crowded(person)[1])
    common = [service for service, _ in counted.most_common()]
    if len(common) > len(SHAPES):
        common = [*common[: len(SHAPES) - 1], OTHER_EVENT]
    return dict(zip(common, SHAPES, strict=False))


def _label(e: Episodes, k: int, person: Mapping[str, Any]) -> Row:
    outcome = person["outcome"]
    ending = OUTCOMES.get(outcome, outcome.replace("_", " "))
    who = person["intervention"] if len(e.interventions) > 1 else person["segment"]
    name = wording.short_names(e.names)[who]
    lines = wrap(name, NAME_WIDTH)[:LINES_OF_NAME]
    lines.append(f"{ending} (waited {lasting(person['wait'])})")
    middle = k + 0.5 - (len(lines) - 1) * LINE / 2 / ROW  # of the first line
    return {"y": middle, "label": "\n".join(lines)}


def _strip(k: int, stretch: Mapping[str, Any]) -> Row:
    need = NEEDS.get(stretch["what"])
    low, high = (0.68, 0.86) if need else (0.34, 0.64)
    what = need or STATES[stretch["what"]]
    return {"x": stretch["start"], "x2": stretch["end"], "y": k + low, "y2": k + high,
            "what": what[0]}  # fmt: skip


def _axis_of(size: int) -> Spec:
    """Thin lines between people."""
    rows = [{"y": k} for k in range(size + 1)]
    scale = {"domain": [0, size], "reverse": True, "nice": False, "zero": False}
    return {
        "data": {"values": rows},
        "mark": {"type": "rule", "color": "#d9dee3"},
        "encoding": {"y": quantity("y", scale=scale, axis=None)},
    }


def _strips(rows: Sequence[Row]) -> Spec:
    states = [*STATES.values(), *NEEDS.values()]
    colours = {"domain": [w for w, _ in states], "range": [c for _, c in states]}
    axis = {
        "title": "months since being put on the list",
        "values": list(range(-12, 37, 6)),
        "grid": False,
    }
    x = quantity("x", axis=axis, scale={"domain": [-12, 36], "nice": False})
    return {
        "data": {"values": list(rows)},
        "mark": {"type": "rect"},
        "encoding": {
            "x": x,
            "x2": {"field": "x2"},
            "y": quantity("y", axis=None),
            "y2": {"field": "y2"},
            "color": {
                "field": "what",
                "type": "nominal",
                "scale": colours,
                "legend": {"columns": 3, "symbolType": "square"},
            },
        },
    }


def _zero(size: int) -> Spec:
    return {
        "data": {"values": [{"x": 0, "y": 0, "y2": size}]},
        "mark": {"type": "rule", "color": INK},
        "encoding": {"x": quantity("x"), "y": quantity("y", axis=None), "y2": {"field": "y2"}},
    }


def _events(rows: Sequence[Row], shapes: Mapping[str, str]) -> Spec:
    scale = {"domain": list(shapes), "range": list(shapes.values())}
    return {
        "data": {"values": list(rows)},
        "mark": {"type": "point", "filled": False, "color": INK, "size": 34, "strokeWidth": 1.2},
        "encoding": {
            "x": quantity("x"),
            "y": quantity("y", axis=None),
            "shape": {
                "field": "event",
                "type": "nominal",
                "scale": scale,
                "legend": {"orient": "bottom", "columns": 3, "symbolFillColor": "transparent"},
            },
        },
    }


def _names(rows: Sequence[Row]) -> Spec:
    mark = {
        "type": "text",
        "align": "right",
        "baseline": "middle",
        "fontSize": 11,
        "color": INK,
        "lineBreak": "\n",
        "dx": -8,
        "lineHeight": LINE,
    }
    encoding = {
        "x": {"value": 0},
        "y": quantity("y", axis=None),
        "text": {"field": "label", "type": "nominal"},
    }
    return {"data": {"values": list(rows)}, "mark": mark, "encoding": encoding}
