"""Wanted: outcomes by name, `metric[:subject][@YYYY-MM]`, and the parts that tell them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from .distributions import Floats
from .draws import central
from .ensemble import MAY_BE_MISSING, both_worlds
from .loading import Loaded
from .outcomes import PARTS, Part, Told, parts_of, series
from .postings import apart
from .problems import BadInput, Mark, Problem, nearest
from .worlds import ALL, DIFFERENCE, STRATEGY, Measure

# What is a chance over the horizon is yes or no in a draw's month.
BY_MONTH = {"p_insolvent": "insolvent"}


class Wanted(NamedTuple):
    """One outcome that is asked for; of several worlds the strategy's, or its difference."""

    metric: str
    subject: str
    month: str | None  # "2027-12", for what is told month by month
    unit: str

    @property
    def name(self) -> str:
        at = f"@{self.month}" if self.month else ""
        return f"{self.metric}:{self.subject}{at}"


class Plan(NamedTuple):
    """What is asked for, and the parts that tell it."""

    outputs: tuple[Wanted, ...]
    parts: tuple[Part, ...]
    monthly: bool  # whether monthly series are asked for
    care: bool  # whether a party is asked for that has to do with care


class Known(NamedTuple):
    """A metric that can be asked for, and of whom."""

    metric: str
    unit: str
    subjects: tuple[str, ...]
    monthly: bool  # told month by month; else over the horizon


def known(loaded: Loaded) -> list[Known]:
    """All that can be asked of a scenario, found by telling one draw."""
    told = Told(both_worlds(central(loaded), slice(0, 1)))
    found = []
    for monthly, measures in ((False, parts_of(told, PARTS)), (True, series(told.worlds))):
        subjects: dict[tuple[str, str], dict[str, None]] = {}
        for m in measures:
            subjects.setdefault((m.metric, m.unit), {})[m.subject] = None
        found += [Known(*key, tuple(of), monthly) for key, of in subjects.items()]
    return found


def plan(loaded: Loaded, names: Sequence[str], option: str = "--output") -> Plan:
    """Outcomes by name, found by telling one draw; BadInput for what no part tells."""
    told = Told(both_worlds(central(loaded), slice(0, 1)))
    by_part = [(part, list(part(told))) for part in PARTS]
    whole = [m for _, found in by_part for m in found]
    monthly = list(series(told.worlds))
    outputs = tuple(_found(name, whole, monthly, loaded, option) for name in names)
    asked = {(o.metric, o.subject) for o in outputs if o.month is None}
    parts = tuple(p for p, found in by_part if asked & {(m.metric, m.subject) for m in found})
    others = apart(loaded.scenario)
    care = any(o.subject.partition(".")[0] not in others for o in outputs)
    return Plan(outputs, parts, any(o.month for o in outputs), care)


def _found(
    name: str, whole: list[Measure], monthly: list[Measure], loaded: Loaded, option: str
) -> Wanted:
    base, _, month = name.partition("@")
    metric, _, subject = base.partition(":")
    if month:
        _check_month(name, month, loaded, option)
        metric = BY_MONTH.get(metric, metric)
    among = monthly if month else whole
    subjects = list(dict.fromkeys(m.subject for m in among if m.metric == metric))
    if not subjects:
        metrics = sorted({m.metric for m in among})
        raise _unknown(option, name, metric, metrics, "a metric such as ")
    if not subject:
        subject = ALL if ALL in subjects else subjects[0] if len(subjects) == 1 else ""
    if subject not in subjects:
        full = [f"{metric}:{each}" for each in subjects]
        raise _unknown(option, name, f"{metric}:{subject}", full, "one of: ")
    unit = next(m.unit for m in among if (m.metric, m.subject) == (metric, subject))
    return Wanted(metric, subject, month or None, unit)


def _check_month(name: str, month: str, loaded: Loaded, option: str) -> None:
    clock = loaded.scenario.clock
    if month not in clock.labels():
        example = f"`{name.partition('@')[0]}@{clock.end}`"
        allowed = f"a month from {clock.start} to {clock.end}, as in {example}"
        raise BadInput([Problem(Mark(option, 0, 0), "", f"month `{month}`", allowed)])


def _unknown(option: str, name: str, wrong: str, names: list[str], words: str) -> BadInput:
    few = ", ".join(names[:8])
    if len(names) > 8:
        few += " ... (headwater outcomes SCENARIO lists all)"
    near = nearest(wrong, names)
    return BadInput([Problem(Mark(option, 0, 0), "", f"`{name}`", f"{words}{few}", near)])


def told(w: Told, asked: Plan) -> Iterator[tuple[int, Floats]]:
    """Values [draw] of each output by its number; nan where a draw has no such value."""
    found = _by_name(parts_of(w, asked.parts))
    monthly = _by_name(series(w.worlds)) if asked.monthly else {}
    clock = w.worlds.scenario.clock
    for k, output in enumerate(asked.outputs):
        among = monthly if output.month else found
        measure = among.get((output.metric, output.subject))
        if measure is None:
            missing = np.nan if output.metric in MAY_BE_MISSING else 0.0
            yield k, np.full(w.worlds.get.size, missing)
        else:
            values = measure.values
            yield k, values[:, clock.index(output.month)] if output.month else values


def _by_name(measures: Iterable[Measure]) -> dict[tuple[str, str], Measure]:
    """What is told of the strategy, or of the difference, before what is told of usual care."""
    out: dict[tuple[str, str], Measure] = {}
    for m in measures:
        if m.strategy in (STRATEGY, DIFFERENCE) or (m.metric, m.subject) not in out:
            out[m.metric, m.subject] = m
    return out
