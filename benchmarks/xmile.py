"""XMILE: one segment of Headwater's dynamics, written for other engines.

The equations are written here a second time, as a modeller would draw them: a stock per box, a
flow per arrow, an auxiliary per factor, all scalar (PySD is faster without subscripts). Euler's
method with the scenario's step. What draws change is a constant that an engine can override.

Headwater reckons with the person-months of a month. Stocks that only fill (person_months_...,
reached_..., started_...) carry them here: a month's figure is the difference of two month ends.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple
from xml.etree import ElementTree

import numpy as np

from model.parameters import Inputs
from model.scenario import NEED_LEVELS

NAMESPACE = "http://docs.oasis-open.org/xmile/ns/XMILE/v1.0"


class Move(NamedTuple):
    """A move between need levels."""

    name: str
    origin: int
    destination: int


MOVES = (
    Move("onset", 0, 1),
    Move("escalation", 1, 2),
    Move("recovery", 1, 0),
    Move("relief", 2, 1),
)

PROGRAMME_CONSTANTS = (
    "referral",
    "acceptance",
    "time_to_enroll",
    "patience",
    "posts",
    "caseload",
    "time_to_hire",
    "turnover",
    "duration",
    "completion",
    "persistence",
)


@dataclass
class Stock:
    initial: str = "0"
    inflows: list[str] = field(default_factory=list)
    outflows: list[str] = field(default_factory=list)


@dataclass
class Model:
    """Stocks, flows and auxiliaries by name, in the order in which they were drawn."""

    stocks: dict[str, Stock] = field(default_factory=dict)
    flows: dict[str, str] = field(default_factory=dict)
    auxiliaries: dict[str, str] = field(default_factory=dict)

    def flow(self, name: str, equation: str, origin: str = "", destination: str = "") -> None:
        """An arrow from one stock to another; a side left out is the world outside."""
        self.flows[name] = equation
        if origin:
            self.stocks[origin].outflows.append(name)
        if destination:
            self.stocks[destination].inflows.append(name)

    def count(self, name: str, rate: str) -> None:
        """A stock that only fills, at the rate given."""
        self.stocks[name] = Stock()
        self.flow(f"counting_{name}", rate, destination=name)


def write(built: Inputs, interventions: Iterable[str], steps_per_month: int) -> str:
    """The text of an XMILE file for inputs of one segment; constants are those of draw 0."""
    names = list(interventions)
    model = Model(auxiliaries=as_equations(constants(built, names, 0)))
    _people(model)
    for i, name in enumerate(names):
        _running(model, name, np.flatnonzero(built.plan.running[:, i]), 0.5 / steps_per_month)
        _reach(model, name)
    changers = [name for i, name in enumerate(names) if built.plan.changes_need[i]]
    _need_rates(model, changers)
    _people_flows(model)
    for i, name in enumerate(names):
        eligible = [n for n in range(3) if built.plan.eligible[i, n]]
        _staff(model, name, steps_per_month)
        _service(model, name, eligible, name in changers)
    return _text(model, built.plan.running.shape[0], steps_per_month)


def constants(built: Inputs, names: list[str], draw: int) -> dict[str, float]:
    """What one draw sets, by the name of its XMILE variable."""
    c, v = built.communities, built.programmes
    out = {f"{move.name}_rate": getattr(c, move.name)[draw, 0] for move in MOVES}
    out |= {"leaving_rate": c.leaving[draw, 0], "entrants": c.entrants[draw, 0]}
    for n, level in enumerate(NEED_LEVELS):
        out[f"initial_people_{level}"] = c.people[draw, 0, n]
        out[f"death_rate_{level}"] = c.deaths[draw, 0, n]
        out[f"entrant_mix_{level}"] = c.entrant_mix[draw, 0, n]
    for i, name in enumerate(names):
        out |= {f"{key}_{name}": getattr(v, key)[draw, i] for key in PROGRAMME_CONSTANTS}
        if built.plan.changes_need[i]:
            ratios = v.need_ratio[draw, i]
            out |= {f"{m.name}_ratio_{name}": r for m, r in zip(MOVES, ratios, strict=True)}
    return {name: float(value) for name, value in out.items()}


def as_equations(numbers: dict[str, float]) -> dict[str, str]:
    return {name: repr(value) for name, value in numbers.items()}


# --- the community


def _people(model: Model) -> None:
    for level in NEED_LEVELS:
        model.stocks[f"people_{level}"] = Stock(f"initial_people_{level}")


def _people_flows(model: Model) -> None:
    model.stocks |= {"died": Stock(), "left": Stock()}
    for level in NEED_LEVELS:
        people = f"people_{level}"
        model.flow(f"deaths_{level}", f"death_rate_{level} * {people}", people, "died")
        model.flow(f"leaving_{level}", f"leaving_rate * {people}", people, "left")
        model.flow(f"arrivals_{level}", f"entrants * entrant_mix_{level}", "", people)
        model.count(f"person_months_{level}", people)
    for move in MOVES:
        _move(model, "people", move, f"mean_{move.name}")
    model.count("entered", "entrants")


def _move(model: Model, stock: str, move: Move, rate: str, stays: bool = True) -> None:
    """A move between need levels; where `stays` is false it leads out of the stock."""
    origin, destination = NEED_LEVELS[move.origin], NEED_LEVELS[move.destination]
    start = f"{stock}_{origin}"
    end = f"{stock}_{destination}" if stays else ""
    model.flow(f"{move.name}_{stock}", f"{rate} * {start}", start, end)


def _reach(model: Model, name: str) -> None:
    """Share of the people at each need level who are enrolled or protected."""
    for level in NEED_LEVELS:
        served = f"(enrolled_{name}_{level} + protected_{name}_{level})"
        model.auxiliaries[f"reach_{name}_{level}"] = (
            f"IF people_{level} > 0 THEN {served} / people_{level} ELSE 0"
        )


def _need_rates(model: Model, changers: list[str]) -> None:
    """Mean rate of each move over all people; interventions are taken as independent."""
    for move in MOVES:
        level = NEED_LEVELS[move.origin]
        for name in changers:
            model.auxiliaries[f"{move.name}_factor_{name}"] = (
                f"1 + reach_{name}_{level} * ({move.name}_ratio_{name} - 1)"
            )
        factors = [f"{move.name}_factor_{name}" for name in changers]
        model.auxiliaries[f"mean_{move.name}"] = " * ".join([f"{move.name}_rate", *factors])


# --- an intervention


def _running(model: Model, name: str, months: np.ndarray, half_step: float) -> None:
    """1 between the start and the end; half a step aside, clear of rounding in the clock."""
    first, after = (months[0], months[-1] + 1) if months.size else (0, 0)
    begins, ends = float(first - half_step), float(after - half_step)
    model.auxiliaries[f"running_{name}"] = (
        f"IF (TIME > {begins!r}) AND (TIME < {ends!r}) THEN 1 ELSE 0"
    )
    model.auxiliaries[f"over_{name}"] = f"IF TIME > {ends!r} THEN 1 ELSE 0"


def _staff(model: Model, name: str, steps_per_month: int) -> None:
    """Hiring and quitting while it runs; the first step after the end dismisses all."""
    staff, running = f"staff_{name}", f"running_{name}"
    model.stocks[staff] = Stock()
    vacant = f"MAX(0, posts_{name} - {staff})"
    model.flow(f"hires_{name}", f"{running} * {vacant} / time_to_hire_{name}", "", staff)
    model.flow(f"quits_{name}", f"{running} * turnover_{name} * {staff}", staff)
    model.flow(f"dismissals_{name}", f"over_{name} * {staff} * {steps_per_month}", staff)
    model.auxiliaries[f"slots_{name}"] = f"{running} * {staff} * caseload_{name}"
    model.count(f"staff_months_{name}", f"{running} * {staff}")


def _service(model: Model, name: str, eligible: list[int], changes_need: bool) -> None:
    for state in ("waiting", "enrolled", "protected"):
        for level in NEED_LEVELS:
            model.stocks[f"{state}_{name}_{level}"] = Stock()
        model.auxiliaries[f"{state}_{name}"] = _sum(f"{state}_{name}")
    _intake(model, name)
    usual, exposed = _rates(model, name, changes_need)
    for move in MOVES:
        _move(model, f"waiting_{name}", move, usual[move.name], move.destination in eligible)
        _move(model, f"enrolled_{name}", move, exposed[move.name])
        _move(model, f"protected_{name}", move, exposed[move.name])
    for n, level in enumerate(NEED_LEVELS):
        _level(model, name, level, n in eligible)
    referred = [f"referrals_{name}_{NEED_LEVELS[n]}" for n in eligible]
    model.count(f"referred_{name}", " + ".join(referred))
    model.count(f"started_{name}", f"enrollments_{name}")
    model.count(f"enrolled_months_{name}", f"enrolled_{name}")


def _sum(stock: str) -> str:
    return " + ".join(f"{stock}_{level}" for level in NEED_LEVELS)


def _intake(model: Model, name: str) -> None:
    """Enrolments, limited by the list or the free slots, shared out over who waits."""
    waiting = f"waiting_{name}"
    free = f"MAX(0, slots_{name} - enrolled_{name})"
    model.auxiliaries[f"enrollments_{name}"] = f"MIN({waiting}, {free}) / time_to_enroll_{name}"
    model.auxiliaries[f"intake_{name}"] = (
        f"IF {waiting} > 0 THEN enrollments_{name} / {waiting} ELSE 0"
    )


def _rates(model: Model, name: str, changes_need: bool) -> tuple[dict[str, str], dict[str, str]]:
    """Rates of the moves between need levels while not exposed, and while exposed."""
    mean = {move.name: f"mean_{move.name}" for move in MOVES}
    if not changes_need:
        return mean, mean
    usual = {move: f"usual_{move}_{name}" for move in mean}
    exposed = {move: f"exposed_{move}_{name}" for move in mean}
    for move in mean:
        model.auxiliaries[usual[move]] = f"mean_{move} / {move}_factor_{name}"
        model.auxiliaries[exposed[move]] = f"{usual[move]} * {move}_ratio_{name}"
    return usual, exposed


def _level(model: Model, name: str, level: str, eligible: bool) -> None:
    """Referral, enrolment, completion and every exit of the people at one need level."""
    waiting, enrolled, protected = (
        f"{state}_{name}_{level}" for state in ("waiting", "enrolled", "protected")
    )
    gone = f"(death_rate_{level} + leaving_rate)"
    if eligible:
        free = f"(people_{level} - {waiting} - {enrolled} - {protected})"
        rate = f"running_{name} * referral_{name} * acceptance_{name}"
        model.flow(f"referrals_{name}_{level}", f"{rate} * {free}", "", waiting)
    model.flow(f"enrolling_{name}_{level}", f"intake_{name} * {waiting}", waiting, enrolled)
    model.flow(f"giving_up_{name}_{level}", f"(1 / patience_{name} + {gone}) * {waiting}", waiting)
    ending = f"{enrolled} / duration_{name}"
    model.flow(f"completing_{name}_{level}", f"completion_{name} * {ending}", enrolled, protected)
    dropping = f"(1 - completion_{name}) * {ending} + {gone} * {enrolled}"
    model.flow(f"dropping_out_{name}_{level}", dropping, enrolled)
    fading = f"(1 / persistence_{name} + {gone}) * {protected}"
    model.flow(f"fading_{name}_{level}", fading, protected)
    model.count(f"reached_{name}_{level}", f"{enrolled} + {protected}")


# --- the file


def _text(model: Model, months: int, steps_per_month: int) -> str:
    root = ElementTree.Element("xmile", version="1.0", xmlns=NAMESPACE)
    header = ElementTree.SubElement(root, "header")
    _leaf(header, "vendor", "Headwater")
    _leaf(header, "product", "Headwater benchmark")
    specs = ElementTree.SubElement(root, "sim_specs", method="Euler", time_units="Months")
    _leaf(specs, "start", "0")
    _leaf(specs, "stop", str(months))
    _leaf(specs, "dt", repr(1.0 / steps_per_month))
    variables = ElementTree.SubElement(ElementTree.SubElement(root, "model"), "variables")
    for name, stock in model.stocks.items():
        _stock(variables, name, stock)
    for kind, equations in (("flow", model.flows), ("aux", model.auxiliaries)):
        for name, equation in equations.items():
            _leaf(ElementTree.SubElement(variables, kind, name=name), "eqn", equation)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True)


def _stock(variables: ElementTree.Element, name: str, stock: Stock) -> None:
    element = ElementTree.SubElement(variables, "stock", name=name)
    _leaf(element, "eqn", stock.initial)
    for flow in stock.inflows:
        _leaf(element, "inflow", flow)
    for flow in stock.outflows:
        _leaf(element, "outflow", flow)


def _leaf(parent: ElementTree.Element, tag: str, text: str) -> None:
    ElementTree.SubElement(parent, tag).text = text


def stock_names(interventions: Iterable[str]) -> list[str]:
    """The stocks from which every recorded series follows."""
    of_people = [f"{kind}_{level}" for kind in ("people", "person_months") for level in NEED_LEVELS]
    return [*of_people, "died", "left", "entered", *chain(*map(_programme_stocks, interventions))]


def _programme_stocks(name: str) -> list[str]:
    kinds = ("waiting", "enrolled", "protected", "reached")
    by_level = [f"{kind}_{name}_{level}" for kind in kinds for level in NEED_LEVELS]
    whole = ("staff", "referred", "started", "enrolled_months", "staff_months")
    return [*by_level, *(f"{kind}_{name}" for kind in whole)]
