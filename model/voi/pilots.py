"""Pilots: what a trial of a given size would show of an intervention's effect on use.

Half of the people are served, half are not; events of each person over the follow-up are negative
binomial counts. Then the logarithm of the measured ratio of rates is nearly normal around the true
one, with variance (1 / mean_served + k) / n + (1 / mean_usual + k) / n, n people in each half
(Zhu and Lakkis 2014), k the overdispersion.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from model.distributions import Floats
from model.loading import Loaded
from model.problems import BadInput, Mark, Problem, nearest

OVERDISPERSION = 2.0  # of emergency visits and stays of a person; an assumption, by --pilot changed
KEYS = ("effect", "people", "months", "rate", "overdispersion")
SMALLEST_RATIO = 1e-3


class Pilot(NamedTuple):
    """A trial: which number it measures, on how many people, for how long."""

    number: str  # dotted name of an effect
    people: int  # both halves together
    months: float
    rate: float  # events a person-month in usual care
    overdispersion: float

    def sd(self, ratio: Floats) -> Floats:
        """Standard error of the measured log ratio, given the true ratio."""
        each = self.people / 2.0
        usual = self.rate * self.months
        served = np.maximum(ratio, SMALLEST_RATIO) * usual
        k = self.overdispersion
        return np.sqrt((1.0 / served + k) / each + (1.0 / usual + k) / each)


def pilot(loaded: Loaded, words: str) -> Pilot:
    """`effect=interventions.X.effects.S,people=200` as a trial; BadInput for what cannot be."""
    given = _pairs(words)
    number = _effect(loaded, given.get("effect", ""))
    _, intervention, _, service = number.split(".")[:4]
    people = _number(given, "people", None)
    if people < 4:
        raise _bad(f"people={given['people']}", "4 people or more")
    follow_up = loaded.parameters[f"interventions.{intervention}.follow_up"].central
    months = _number(given, "months", follow_up)
    usual = usual_rate(loaded, intervention, service)
    rate = _number(given, "rate", 12.0 * usual) / 12.0
    if not (months > 0.0 and rate > 0.0):
        raise _bad(f"`{words}`", "months and a yearly rate of events above 0")
    k = _number(given, "overdispersion", OVERDISPERSION)
    return Pilot(number, int(people), months, rate, k)


def usual_rate(loaded: Loaded, intervention: str, service: str) -> float:
    """Events a person-month among those eligible, at central numbers, in usual care."""
    s, get = loaded.scenario, loaded.parameters
    eligible = s.interventions[intervention].eligible
    relative = {"stable": 1.0} | {
        level: get[f"services.{service}.relative_use.{level}"].central
        for level in ("at_risk", "in_crisis")
    }
    events = people = 0.0
    for name in eligible.segments:
        use = get.get(f"segments.{name}.use.{service}")
        share = {
            level: get[f"segments.{name}.need.{level}"].central
            for level in ("at_risk", "in_crisis")
        }
        share["stable"] = 1.0 - sum(share.values())
        mean = sum(share[level] * relative[level] for level in share)
        here = get[f"segments.{name}.population"].central
        for level in eligible.need:
            people += here * share[level]
            if use is not None:
                events += here * share[level] * use.central * relative[level] / mean
    return events / people if people > 0.0 else 0.0


def _pairs(words: str) -> dict[str, str]:
    given: dict[str, str] = {}
    for part in words.split(","):
        key, equals, value = part.strip().partition("=")
        if key not in KEYS or not equals:
            raise _bad(
                f"`{part.strip()}`", f"KEY=VALUE, KEY one of: {', '.join(KEYS)}", nearest(key, KEYS)
            )
        given[key] = value.strip()
    for key in ("effect", "people"):
        if key not in given:
            raise _bad(f"`{words}`", f"`{key}=...` in it")
    return given


def _effect(loaded: Loaded, name: str) -> str:
    """An uncertain effect on use, by its dotted name with or without `.ratio`."""
    names = [
        n
        for n in loaded.uncertain
        if n.startswith("interventions.") and n.split(".")[2] == "effects"
    ]
    found = next((n for n in names if n in (name, f"{name}.ratio")), None)
    if found is None:
        allowed = f"an uncertain effect: {', '.join(names[:8]) or '(none)'}"
        raise _bad(f"`{name}`", allowed, nearest(name, names))
    return found


def _number(given: dict[str, str], key: str, default: float | None) -> float:
    words = given.get(key)
    if words is None and default is not None:
        return default
    try:
        value = float(words or "")
    except ValueError:
        value = np.nan
    if not (np.isfinite(value) and value >= 0.0):
        raise _bad(f"`{key}={words}`", "a number from 0")
    return value


def _bad(found: str, allowed: str, near: str = "") -> BadInput:
    return BadInput([Problem(Mark("--pilot", 0, 0), "", found, allowed, near)])
