"""Decisions: options as scenarios on the same draws and luck, and their net benefit in each draw.

`sign:CONTRACT` (sign it or not), `fund:INTERVENTION` (fund it or not), `fund:A,B,C` (none, or one
of them), or scenario files. An option's net benefit is its value beside usual care.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from model.distributions import Floats
from model.draws import Draws, central, sample
from model.ensemble import Progress, both_worlds, silent
from model.loading import Loaded, from_document
from model.luck import luck
from model.problems import BadInput, Mark, Problem, nearest
from model.sensitivity.factors import Factor, factors
from model.valuation import discount_factors
from model.variants import changed, outputs
from model.wanted import Plan, plan
from model.yamlfile import Document

KINDS = {"sign": ("financing", "contracts"), "fund": ("interventions",)}
SIGNED = re.compile(r"\s*([+-]?)\s*([^\s+]+)")
PRESENT_VALUES = ("npv", "outlay", "benefit")  # other outcomes in USD are sums of months
DISCOUNT_RATE = "financing.discount_rate"
ALIKE = 1e-6  # relative difference below which two usual cares are the same


class Option(NamedTuple):
    """One thing that can be chosen: its name in words, and the scenario that it is."""

    name: str
    loaded: Loaded


class Decision(NamedTuple):
    """Options, and what is known before choosing: draws of each on the same uniform numbers."""

    title: str
    options: tuple[Option, ...]
    draws: tuple[Draws, ...]

    @property
    def facts(self) -> tuple[Factor, ...]:
        """Everything uncertain in any option but chance: each once."""
        found = {f.members: f for o in self.options for f in factors(o.loaded)}
        return tuple(f for f in found.values() if f.role != "chance")

    @property
    def has_luck(self) -> bool:
        return any(f.role == "chance" for o in self.options for f in factors(o.loaded))

    def known(self, names: Iterable[str]) -> list[Floats]:
        """Values [draw] of each number, from the first option in which it is uncertain."""
        size = self.draws[0].size
        return [
            next(d.values[n] for d in self.draws if n in d.values and d.values[n].shape == (size,))
            for n in names
        ]


# --- options


def named(loaded: Loaded, words: str, draws: int, seed: int) -> Decision:
    """A decision within one scenario; BadInput for a kind or name that is not there."""
    kind, called = checked(loaded, words)
    options = tuple(_options(loaded, kind, called))
    base = sample(loaded, draws, seed)
    shared = tuple(_on_draws_of(base, option, draws, seed) for option in options)
    return Decision(_title(kind, list(called.values())), options, shared)


def checked(loaded: Loaded, words: str) -> tuple[str, dict[str, str]]:
    """What kind of decision it is, and what it is about: its key, and what people call it."""
    kind, _, names = words.partition(":")
    if kind not in KINDS or not names:
        allowed = "sign:CONTRACT, fund:INTERVENTION or fund:ONE,OTHER"
        raise _bad("--decision", f"`{words}`", allowed, nearest(kind, KINDS))
    things: Any = loaded.document.data
    for key in KINDS[kind]:
        things = things.get(key) or {}
    if not things:
        what, does = ("contract", "sign") if kind == "sign" else ("intervention", "fund")
        found = f"`{words}`, but this scenario has no {what} to {does}"
        raise _bad("--decision", found, f"a scenario with a {what}")
    chosen = list(dict.fromkeys(names.split(",")))
    for name in chosen:
        if name not in things:
            allowed = f"one of: {', '.join(things)}"
            raise _bad("--decision", f"`{name}`", allowed, nearest(name, things))
    if kind == "sign" and len(chosen) > 1:
        raise _bad("--decision", f"`{words}`", "one contract")
    return kind, {name: things[name].get("name", name) for name in chosen}


def _title(kind: str, names: Sequence[str]) -> str:
    if kind == "sign":
        return f"Sign or not: {names[0]}"
    return f"Fund or not: {names[0]}" if len(names) == 1 else f"Fund one of {len(names)}, or none"


def _options(loaded: Loaded, kind: str, called: dict[str, str]) -> Iterable[Option]:
    at = KINDS[kind]
    yes, no = ("sign", "do not sign") if kind == "sign" else ("fund", "fund none")
    none = from_document(without(loaded.document, at, called))
    if len(called) == 1:
        yield Option("do not sign" if kind == "sign" else "do not fund", none)
        yield Option(yes, loaded)
        return
    yield Option(no, none)
    for name, words in called.items():
        others = [other for other in called if other != name]
        yield Option(f"{yes} {words}", from_document(without(loaded.document, at, others)))


def without(document: Document, at: Sequence[str], names: Iterable[str]) -> Document:
    """The document without some named things, and without correlations of their numbers."""
    gone = set(names)
    data = dict(document.data)
    part = data
    for key in at:
        part[key] = dict(part[key])
        part = part[key]
    for name in gone:
        del part[name]
    prefixes = tuple(f"{'.'.join(at)}.{name}." for name in gone)
    tied = data.get("correlations")
    if tied:
        kept = [c for c in tied if not any(n.startswith(prefixes) for n in c["between"])]
        data["correlations"] = kept
    return Document(data, document.marks, document.path)


def _on_draws_of(base: Draws, option: Option, draws: int, seed: int) -> Draws:
    """Draws of an option whose every number is that of the whole scenario."""
    if option.loaded is base.loaded:
        return base
    own = sample(option.loaded, draws, seed)
    return changed(own, {name: base.values[name] for name in own.values})


def of_files(loaded: Sequence[Loaded], draws: int, seed: int) -> Decision:
    """A choice among scenario files; what they share is drawn alike, stream by name."""
    clocks = {(one.scenario.clock.start, one.scenario.clock.end) for one in loaded}
    if len(clocks) > 1:
        found = " and ".join(f"{start} to {end}" for start, end in sorted(clocks))
        raise _bad("--option", found, "scenarios over the same months")
    names = [one.scenario.name for one in loaded]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise _bad("--option", f"two scenarios named `{twice[0]}`", "a name of its own for each")
    options = tuple(Option(one.scenario.title, one) for one in loaded)
    shared = tuple(sample(one, draws, seed) for one in loaded)
    return Decision(f"Choose one of {len(options)} scenarios", options, shared)


def usual_care_apart(decision: Decision) -> float:
    """Largest relative difference between the options' usual cares: spending, and cash."""
    sums = []
    for option in decision.options:
        usual = both_worlds(central(option.loaded), slice(0, 1)).usual_world
        cash = float(usual.books.paid.sum())
        sums.append((float(usual.activity.payments.sum()), cash))
    whole = np.array(sums)
    return float((np.ptp(whole, axis=0) / np.maximum(np.abs(whole).max(axis=0), 1.0)).max())


# --- value


class Term(NamedTuple):
    """One outcome of a value, added or taken off."""

    sign: float
    name: str


def terms(words: str) -> tuple[Term, ...]:
    """`npv:backbone - staff_time_cost:savings` as terms."""
    found = [Term(-1.0 if sign == "-" else 1.0, name) for sign, name in SIGNED.findall(words)]
    if not found or any(name in "+-" for _, name in found):
        raise _bad("--value", f"`{words}`", "an outcome, or several with + or - between them")
    return tuple(found)


def undiscounted(words: str) -> tuple[str, ...]:
    """Terms of a value that are sums of months, not present values."""
    return tuple(t.name for t in terms(words) if t.name.partition(":")[0] not in PRESENT_VALUES)


def worth_if_even(loaded: Loaded) -> float:
    """Present value of 1 USD that is spread evenly over the horizon, at the central rate."""
    rate = loaded.parameters.get(DISCOUNT_RATE)
    central_rate = np.array([rate.central if rate else 0.0])
    return float(discount_factors(central_rate, loaded.scenario.clock.months).mean())


def benefits(decision: Decision, words: str, lucks: int = 1, progress: Progress = silent) -> Floats:
    """Net benefit [luck, draw, option] in USD; an outcome that an option lacks is 0.

    The first luck is that of the draws; of the others each is drawn anew.
    """
    value = terms(words)
    plans = [_plan(option.loaded, value) for option in decision.options]
    for term in value:
        if not any(term.name in found for _, found in plans):
            plan(decision.options[-1].loaded, [term.name], "--value")
    columns, done = [], 0
    for draws, (asked, found) in zip(decision.draws, plans, strict=True):
        told = np.empty((lucks, 0, draws.size))
        if found:
            told = outputs(_lucks(draws, lucks), asked, progress=_from(done, progress))
        whole = np.zeros((lucks, draws.size))
        for term in value:
            if term.name in found:
                whole = whole + term.sign * told[:, found.index(term.name)]
        columns.append(whole)
        done += lucks * draws.size
    out = np.stack(columns, axis=2)
    if not np.isfinite(out).all():
        raise _bad("--value", f"`{words}`", "an outcome that every draw has, as npv:PARTY")
    return out


def _from(done: int, progress: Progress) -> Progress:
    """Counts on from what other options have done."""
    return lambda more: progress(done + more)


def _lucks(draws: Draws, lucks: int) -> list[Draws]:
    """The same numbers with several lucks."""
    others = [luck(draws.scenario, draws.size, draws.seed + k) for k in range(1, lucks)]
    return [draws, *(replace(draws, luck=other) for other in others)]


def _plan(loaded: Loaded, value: Sequence[Term]) -> tuple[Plan, list[str]]:
    """What an option can tell of a value; a party's net present value must be there."""
    found = []
    for term in value:
        try:
            unit = plan(loaded, [term.name], "--value").outputs[0].unit
        except BadInput:
            if term.name.startswith("npv:"):
                raise
            continue
        if unit != "USD":
            told = "a share or a chance" if unit == "1" else f"told in {unit}"
            wrong = f"`{term.name}`, which is {told}"
            raise _bad("--value", wrong, "an outcome in USD, as npv:PARTY")
        found.append(term.name)
    return plan(loaded, found, "--value"), found


def _bad(option: str, found: str, allowed: str, near: str = "") -> BadInput:
    return BadInput([Problem(Mark(option, 0, 0), "", found, allowed, near)])
