"""Charts of episodes: waiting, occupancy, a few people, measured savings against the truth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from .episodes_data import Episodes, Row, Waits
from .episodes_findings import YEARS, titled
from .episodes_people import people
from .episodes_story import ends, lasting, wait_unit
from .figures import LINES, PANEL_WIDTH, WIDE, ZERO_ACROSS, quantity, time
from .renderer import BLUE, GREEN, GREY, INK, ORANGE, Spec
from .rundata import Floats

QUARTER = 3
HEIGHT = 150
MONTHS_SHOWN = 18
SHARE_SHOWN = 0.995  # of people on a list whose waits a panel shows


def charts(e: Episodes) -> Iterator[tuple[str, Spec]]:
    """Each chart that the folder has data for, by the name of its file."""
    if e.interventions:
        yield "waiting", panels([_waits(e, name) for name in e.interventions])
        yield "waiting_over_time", panels([_wait_by_quarter(e, n) for n in e.interventions])
        yield "occupancy", panels([_occupancy(e, name) for name in e.interventions])
    if e.people:
        yield "people", people(e)
    for contract in dict.fromkeys(row["contract"] for row in e.settlements):
        yield f"savings_{contract}", savings(e, contract)


def panels(specs: Sequence[Spec]) -> Spec:
    """Two side by side; one alone is wide."""
    if len(specs) == 1:
        return specs[0] | {"width": WIDE}
    return {
        "concat": list(specs),
        "columns": 2,
        "spacing": {"row": 26, "column": 38},
        "resolve": {"scale": {"color": "shared", "strokeDash": "shared"}},
    }


def _title(e: Episodes, intervention: str, under: str = "") -> Spec:
    title: Spec = {"text": e.name(intervention), "limit": PANEL_WIDTH + 30}
    return title | ({"subtitle": under} if under else {})


# --- waiting

ENDED = {
    "started": ("was enrolled", BLUE),
    "gave_up": ("gave up", ORANGE),
    "other": ("recovered, moved or died", "#9aa5b1"),
    "waiting": ("still waiting at the end", INK),
}


def _waits(e: Episodes, intervention: str) -> Spec:
    """How long people were on the list, by how it ended; persons a replication."""
    found = e.waits(intervention)
    bins = sorted({w.months_from for w in found}) or [0.0]
    until, width = _shown_until(found), 0.25
    while (until / width) > 32:
        width *= 2
    rows = _stacked([w for w in found if w.months_from < until], width)
    colours = {"domain": [w for w, _ in ENDED.values()], "range": [c for _, c in ENDED.values()]}
    axis = "months on the list" + (" (longer waits are not drawn)" if until <= bins[-1] else "")
    bars: Spec = {
        "data": {"values": rows},
        "mark": {"type": "bar", "stroke": "white", "strokeWidth": 0.5},
        "encoding": {
            "x": quantity("low", title=axis, axis={"title": axis, "grid": False, "tickCount": 6}),
            "x2": {"field": "high"},
            "y": quantity("base", axis={"title": "persons", "tickCount": 4}),
            "y2": {"field": "top"},
            "color": {"field": "what", "type": "nominal", "scale": colours},
        },
    }
    return {
        "title": _title(e, intervention, _wait_words(e, intervention)),
        "width": PANEL_WIDTH,
        "height": HEIGHT,
        "layer": [bars, *_wait_rules(e, intervention)],
    }


def _stacked(found: Sequence[Waits], width: float) -> list[Row]:
    """Bars upon each other, in the order of ENDED."""
    rows: list[Row] = []
    height: dict[float, float] = {}
    for ending, (what, _) in ENDED.items():
        persons: dict[float, float] = {}
        for w in found:
            if w.ending == ending:
                low = width * (w.months_from // width)
                persons[low] = persons.get(low, 0.0) + w.persons
        for low, count in sorted(persons.items()):
            base = height.get(low, 0.0)
            height[low] = base + count
            rows.append(
                {"low": low, "high": low + width, "what": what, "base": base, "top": base + count}
            )
    return rows


def _shown_until(found: Sequence[Waits]) -> float:
    """The length of wait that nearly all stay below, in months."""
    longest = sorted((w.months_from, w.persons) for w in found)
    if not longest:
        return 1.0
    total = np.cumsum([persons for _, persons in longest])
    k = int(np.searchsorted(total, SHARE_SHOWN * total[-1]))
    return longest[min(k, len(longest) - 1)][0] + 0.25


def _wait_words(e: Episodes, intervention: str) -> str:
    half, most = (e.spread(m, intervention) for m in ("wait_p50", "wait_p90"))
    if half is None or most is None:
        return "nobody was enrolled"
    unit = wait_unit(e)
    first, last = lasting(half.mean, unit), lasting(most.mean, unit)
    return f"of the enrolled: half within {first}, 90 % within {last}"


def _wait_rules(e: Episodes, intervention: str) -> list[Spec]:
    found = [e.spread(m, intervention) for m in ("wait_p50", "wait_p90")]
    rows = [{"at": s.mean} for s in found if s is not None]
    if not rows:
        return []
    rule = {"type": "rule", "color": INK, "strokeDash": [4, 3]}
    return [{"data": {"values": rows}, "mark": rule, "encoding": {"x": quantity("at")}}]


MEAN_WAIT = "mean over replications"


def _wait_by_quarter(e: Episodes, intervention: str) -> Spec:
    """Mean wait of those enrolled in each quarter, with its scatter between replications."""
    waited, started = (e.monthly(s, intervention) for s in ("waited", "started"))
    rows = []
    for k in range(0, started.shape[1] - QUARTER + 1, QUARTER):
        people = started[:, k : k + QUARTER].sum(axis=1)
        time_waited = waited[:, k : k + QUARTER].sum(axis=1)
        known = people > 0
        if known.any():
            each = time_waited[known] / people[known]
            low, high = ends(each)
            mean = float(time_waited.sum() / people.sum())
            rows.append({"month": e.labels[k + 1], "mean": mean, "p05": low, "p95": high})
    return {
        "title": _title(e, intervention),
        "data": {"values": rows},
        "width": PANEL_WIDTH,
        "height": 130,
        "layer": [
            ZERO_ACROSS,
            _band(e, BLUE, {"title": "months waited", "tickCount": 4}),
            _line(e, BLUE, {"title": "months waited", "tickCount": 4}),
        ],
    }


def years(e: Episodes) -> Spec:
    """The axis of the whole horizon, the same for every panel; months of short scenarios."""
    scale = {"type": "utc", "domain": [e.labels[0], e.labels[-1]]}
    axis = time()
    if len(e.labels) <= 2 * MONTHS_SHOWN:
        axis["axis"] |= {"format": "%b %Y", "tickCount": {"interval": "month", "step": 6}}
    return axis | {"scale": scale}


def _band(e: Episodes, colour: str, axis: Spec) -> Spec:
    return {
        "mark": {"type": "area", "opacity": 0.2, "color": colour},
        "encoding": {"x": years(e), "y": quantity("p05", axis=axis), "y2": {"field": "p95"}},
    }


def _line(e: Episodes, colour: str, axis: Spec) -> Spec:
    return {
        "mark": {"type": "line", "strokeWidth": 1.8, "color": colour},
        "encoding": {"x": years(e), "y": quantity("mean", axis=axis)},
    }


# --- occupancy

ENROLLED, ONE, SLOTS = "enrolled, mean of replications", "one replication", "slots, mean"
DYNAMICS = "enrolled in the dynamics"
ABOVE = "may lie above the slots: a lost post discharges nobody"
OCCUPANCY = {ENROLLED: BLUE, ONE: "#7fb2d9", SLOTS: INK, DYNAMICS: ORANGE}


def _occupancy(e: Episodes, intervention: str) -> Spec:
    """Enrolled against slots; the dynamics know neither luck nor part of a person."""
    enrolled, slots = (e.monthly(s, intervention) for s in ("enrolled", "slots"))
    low, high = zip(*(ends(column) for column in enrolled.T), strict=True)
    lines = {
        ENROLLED: enrolled.mean(axis=0),
        ONE: enrolled[0],
        SLOTS: slots.mean(axis=0),
        DYNAMICS: e.expected("enrolled", intervention),
    }
    step = -(-len(e.labels) // 72)
    every = range(0, len(e.labels), step)
    band = [{"month": e.labels[k], "p05": low[k], "p95": high[k]} for k in every]
    rows = [
        {"month": e.labels[k], "what": what, "mean": float(line[k])}
        for what, line in lines.items()
        for k in every
    ]
    axis = {"title": "persons", "tickCount": 4}
    dashes = {"domain": list(OCCUPANCY), "range": [[1, 0], [1, 0], [5, 3], [3, 2]]}
    colours = {"domain": list(OCCUPANCY), "range": list(OCCUPANCY.values())}
    widths = {"domain": list(OCCUPANCY), "range": [2, 1, 1.6, 2.4]}
    legend = LINES | {"columns": 2}
    drawn: Spec = {
        "data": {"values": rows},
        "mark": {"type": "line"},
        "encoding": {
            "x": years(e),
            "y": quantity("mean", axis=axis),
            "color": {"field": "what", "type": "nominal", "scale": colours, "legend": legend},
            "strokeDash": {"field": "what", "scale": dashes, "legend": legend},
            "strokeWidth": {"field": "what", "type": "nominal", "scale": widths, "legend": None},
        },
    }
    return {
        "title": _title(e, intervention, ABOVE),
        "width": PANEL_WIDTH,
        "height": HEIGHT,
        "layer": [ZERO_ACROSS, {"data": {"values": band}} | _band(e, BLUE, axis), drawn],
    }


# --- measured savings

Look = Mapping[str, tuple[str, Sequence[int]]]  # colour and dashes by name
TRUE, PAID, WITHOUT = "the truth (mean)", "paid from here on", "measured, no effect at all"
RULES = {TRUE: (GREEN, [1, 0]), PAID: (ORANGE, [5, 3]), WITHOUT: (GREY, [1, 0])}
MEASURED = "measured, with the interventions"


def savings(e: Episodes, contract: str) -> Spec:
    """Histogram of measured savings rates over replications and years, beside the truth."""
    mine = [row for row in e.settlements if row["contract"] == contract]
    if len(mine) < YEARS:
        return _single(e, contract, mine)
    measured = np.array([row["measured_rate"] for row in mine])
    without = np.array([row["measured_without_effect"] for row in mine])
    both = np.concatenate([measured, without])
    bins = int(np.clip(np.sqrt(2.0 * both.size), 8, 40))
    edges = np.histogram_bin_edges(both[np.isfinite(both)], bins=bins)
    bars: Spec = {
        "data": {"values": [row | {"what": MEASURED} for row in _bins(measured, edges)]},
        "mark": {"type": "bar", "stroke": "white", "strokeWidth": 0.5},
        "encoding": {
            "x": quantity("low", axis=SAVED_AXIS, scale={"zero": False}),
            "x2": {"field": "high"},
            "y": quantity("count", axis={"title": "contract-years", "tickCount": 4}),
            "y2": {"field": "base"},
            "color": {
                "field": "what",
                "type": "nominal",
                "scale": {"domain": [MEASURED], "range": ["#7fb2d9"]},
            },
        },
    }
    return {
        "title": {"text": titled(e.name(contract)), "limit": WIDE},
        "width": WIDE,
        "height": 170,
        "layer": [bars, _outline(_bins(without, edges)), _savings_rules(e, contract, RULES)],
    }


def _single(e: Episodes, contract: str, mine: Sequence[Row]) -> Spec:
    """A mark for each contract-year, where they are too few for a distribution."""
    rows = [
        {"at": row[field], "what": what}
        for row in mine
        for field, what in (("measured_rate", MEASURED), ("measured_without_effect", WITHOUT))
        if np.isfinite(row[field])
    ]
    colours = {"domain": [MEASURED, WITHOUT], "range": ["#7fb2d9", GREY]}
    y = {
        "field": "what",
        "type": "nominal",
        "sort": [MEASURED, WITHOUT],
        "axis": {"title": None, "labelLimit": 230},
    }
    marks: Spec = {
        "data": {"values": rows},
        "mark": {"type": "point", "filled": True, "size": 90, "opacity": 0.75},
        "encoding": {
            "x": quantity("at", axis=SAVED_AXIS, scale={"zero": False}),
            "y": y,
            "color": {"field": "what", "type": "nominal", "scale": colours, "legend": None},
        },
    }
    under = f"{len(mine)} contract-years, each a mark: too few for a distribution"
    return {
        "title": {"text": titled(e.name(contract)), "subtitle": under, "limit": WIDE},
        "width": WIDE - 190,
        "height": 90,
        "layer": [marks, _savings_rules(e, contract, {name: RULES[name] for name in (TRUE, PAID)})],
    }


SAVED_AXIS = {"title": "measured savings rate", "format": ".1%", "tickCount": 7, "grid": False}


def _bins(values: Floats, edges: Floats) -> list[Row]:
    counts, _ = np.histogram(values[np.isfinite(values)], edges)
    low_high_count = zip(edges[:-1].tolist(), edges[1:].tolist(), counts.tolist(), strict=True)
    return [{"low": a, "high": b, "count": n, "base": 0} for a, b, n in low_high_count]


def _outline(bins: Sequence[Row]) -> Spec:
    """The same counts as a line around bars."""
    ends = [{"low": bins[0]["low"], "count": 0}, *bins, {"low": bins[-1]["high"], "count": 0}]
    rows = [{"at": row["low"], "count": row["count"], "what": WITHOUT, "k": k}
            for k, row in enumerate(ends)]  # fmt: skip
    return {
        "data": {"values": rows},
        "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 2.2},
        "encoding": {
            "x": quantity("at"),
            "y": quantity("count"),
            "order": quantity("k"),
            **_strokes(RULES),
        },
    }


def _savings_rules(e: Episodes, contract: str, look: Look) -> Spec:
    """The truth, and from where the contract pays."""
    whole = next(r for r in e.contracts if r["contract"] == contract and r["year"] == 0)
    rows = [
        {"at": whole["true_rate"]["value"], "what": TRUE},
        {"at": whole["minimum_rate"], "what": PAID},
    ]
    return {
        "data": {"values": rows},
        "mark": {"type": "rule", "strokeWidth": 2.5},
        "encoding": {"x": quantity("at"), **_strokes(look)},
    }


def _strokes(look: Look) -> Spec:
    """Lines told apart by colour and dashes."""
    names = list(look)
    colours = {"domain": names, "range": [colour for colour, _ in look.values()]}
    dashes = {"domain": names, "range": [dash for _, dash in look.values()]}
    return {
        "stroke": {"field": "what", "type": "nominal", "scale": colours, "legend": LINES},
        "strokeDash": {"field": "what", "type": "nominal", "scale": dashes, "legend": LINES},
    }
