"""What changed: the difference between two scenarios, split exactly, on the same draws and luck.

From the first scenario (default baseline) to the second (policy) in a stated order: the frame of
the calculation, the second's assumptions (modified baseline), the second's levers. Within the
assumptions, and within the levers, each key gets its Shapley value. Every part is a difference
[draw] of whole runs of the model, so that the parts sum to the difference, draw by draw.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from . import shapley
from .changes import STEPS, Group, changes, groups, joined, with_changes
from .distributions import Floats
from .draws import Draws, central, sample
from .ensemble import CHUNK, MAY_BE_MISSING, NotFinite, Progress, both_worlds, silent
from .loading import Loaded, from_document
from .outcomes import PARTS, series
from .parameters import inputs
from .postings import apart
from .problems import BadInput, Mark, Problem
from .sampling import stream
from .scenario import Scenario
from .variants import outputs
from .wanted import Plan, Wanted, plan
from .worlds import ALL

EXACT = 8  # so many keys of one kind get exact values: 2^8 runs of every draw
ORDERS = 20  # are sampled where there are more
CASH, INSOLVENT, AVOIDED = "cash", "insolvent", "avoided_rescue_spending"
ENDINGS = frozenset({"p_insolvent", "runway_months", "runway_censored", "below_core_staff"})


class Asked(NamedTuple):
    """Two scenarios, the outcomes to explain, and how."""

    first: Loaded
    second: Loaded
    names: Sequence[str]
    draws: int
    seed: int
    levers: Sequence[str] = ()  # keys to be taken for levers
    facts: Sequence[str] = ()  # keys to be taken for assumptions
    most_exact: int = EXACT
    orders: int = ORDERS


class Split(NamedTuple):
    """How one kind of change was split."""

    keys: int
    orders: int  # sampled; 0: every order counts
    runs: int  # variants of the model that it took, each of all draws


@dataclass(frozen=True)
class Part:
    """What a group of changes adds to each outcome [output, draw]."""

    group: Group
    values: Floats
    se: Floats | None = None  # [output] of the mean, from the orders sampled


@dataclass(frozen=True)
class Explained:
    """Values [output, draw] of the three lines, the parts between them, and monthly series."""

    asked: Asked
    outputs: dict[str, Wanted]  # by the name that was asked for
    first: Floats
    modified: Floats
    second: Floats
    parts: tuple[Part, ...]
    levers_first: Floats | None  # what levers add under the first's assumptions; None if invalid
    splits: dict[str, Split]
    notes: tuple[str, ...]
    tracks: dict[Wanted, tuple[Floats, Floats, Floats]]  # each [draw, month], by what it is
    companions: dict[str, Wanted] = field(default_factory=dict)  # of each output, by its name

    def whole(self) -> Floats:
        return self.second - self.first

    def of_kind(self, kind: str) -> Floats:
        """What all changes of a kind add together [output, draw]."""
        found = [part.values for part in self.parts if part.group.kind == kind]
        return sum(found, start=np.zeros_like(self.first))


def explain(asked: Asked, progress: Progress = silent, chunk: int = CHUNK) -> Explained:
    """Split the difference of the second scenario from the first."""
    _same_months(asked.first, asked.second)
    found = groups(changes(asked.first.document, asked.second.document), asked.levers, asked.facts)
    wanted, named = _wanted(asked)
    runs = Runs(asked, found, wanted, named, progress, chunk)
    return _split(asked, runs, found, _companions(asked, wanted.outputs))


def _split(
    asked: Asked, runs: Runs, found: list[Group], companions: dict[str, Wanted]
) -> Explained:
    before = [g for g in found if g.kind == "frame" and _is_first(g)]
    after = [g for g in found if g.kind == "frame" and not _is_first(g)]
    assumptions = [g for g in found if g.kind == "assumption"]
    levers = [g for g in found if g.kind == "lever"]
    notes: list[str] = []
    assumptions, levers = _apart(runs, before, assumptions, levers, notes)
    start = _names(before)
    middle = start | _names(assumptions)
    parts, splits = _framed(runs, before, frozenset()), {}
    for kind, of_kind, base in (("assumption", assumptions, start), ("lever", levers, middle)):
        if of_kind:
            made, splits[kind] = _game(asked, runs, of_kind, base, notes)
            parts += made
    parts += _framed(runs, after, middle | _names(levers))
    other = None
    if assumptions and levers and runs.valid(start | _names(levers)):
        other = runs.outcomes(start | _names(levers)) - runs.outcomes(start)
    states = (frozenset[str](), middle, _names(found))
    tracks = {w: tuple(runs.track(s, w) for s in states) for w in companions.values()}
    first, modified, second = (runs.outcomes(state) for state in states)
    return Explained(
        asked, runs.named, first, modified, second, tuple(parts), other, splits, tuple(notes),
        tracks, companions,  # type: ignore[arg-type]
    )  # fmt: skip


def _names(found: Iterable[Group]) -> frozenset[str]:
    return frozenset(name for group in found for name in group.name.split(" + "))


def _is_first(group: Group) -> bool:
    """Whether a change of the frame comes first: a finer step, a new party; the rest is last."""
    change = group.changes[0]
    if change.at == STEPS:
        return int(change.new or 1) > int(change.old or 1)
    return change.old is None


def _framed(runs: Runs, found: list[Group], base: frozenset[str]) -> list[Part]:
    """What the frame adds by itself; parties without a payment add nothing."""
    if not found:
        return []
    group = joined(found)
    return [Part(group, runs.outcomes(base | _names(found)) - runs.outcomes(base))]


# --- which changes can be made one by one


def _apart(
    runs: Runs, before: list[Group], assumptions: list[Group], levers: list[Group], notes: list[str]
) -> tuple[list[Group], list[Group]]:
    """Assumptions that hold without the second's levers; the others are made with the levers."""
    start = _names(before)
    kept = list(assumptions)
    if kept and not runs.valid(start | _names(kept)):
        kept = [g for g in assumptions if runs.valid(start | _names([g]))]
        if kept and not runs.valid(start | _names(kept)):
            kept = []
    moved = [g for g in assumptions if g not in kept]
    if moved:
        names = ", ".join(g.name for g in moved)
        notes.append(f"Only valid with the levers, and counted with them: {names}.")
        if levers:
            levers = [joined([levers[0], *moved]), *levers[1:]]
        else:
            levers = moved
    assumptions = _workable(runs, kept, start, notes)
    return assumptions, _workable(runs, levers, start | _names(kept), notes)


def _workable(
    runs: Runs, found: list[Group], base: frozenset[str], notes: list[str]
) -> list[Group]:
    """Groups that can each be made first and each be made last; what cannot is joined."""
    found = list(found)
    while len(found) > 1:
        stuck = next((g for g in found if not _free(runs, [g], found, base)), None)
        if stuck is None:
            break
        others = [g for g in found if g is not stuck]
        partner = next((g for g in others if _free(runs, [stuck, g], found, base)), None)
        together = [stuck, partner] if partner else found
        notes.append(f"Only valid together, and counted as one: {joined(together).name}.")
        found = [g for g in found if g not in together] + [joined(together)]
    return found


def _free(runs: Runs, some: list[Group], found: list[Group], base: frozenset[str]) -> bool:
    rest = [g for g in found if g not in some]
    return runs.valid(base | _names(some)) and runs.valid(base | _names(rest))


# --- the values


def _game(
    asked: Asked, runs: Runs, found: list[Group], base: frozenset[str], notes: list[str]
) -> tuple[list[Part], Split]:
    """Shapley values of the groups of one kind, beyond a base."""
    ran = runs.ran
    by_name = {g.name: g for g in found}
    try:
        shares = _shares(asked, runs, by_name, base)
    except BadInput as error:  # a few changes that fit one by one, and not all together
        group = joined(found)
        notes.append(f"Only valid together, and counted as one: {group.name} ({error}).")
        by_name = {group.name: group}
        shares = _shares(asked, runs, by_name, base)
    parts = [Part(by_name[n], v, shares.se.get(n)) for n, v in shares.parts.items()]
    return parts, Split(len(by_name), shares.orders, runs.ran - ran)


def _shares(
    asked: Asked, runs: Runs, by_name: dict[str, Group], base: frozenset[str]
) -> shapley.Shares:
    def value(chosen: frozenset[str]) -> Floats:
        return runs.outcomes(base | _names(by_name[name] for name in chosen))

    players = list(by_name)
    if len(players) <= asked.most_exact:
        return shapley.exact(players, value)
    rng = stream(asked.seed, "explain.orders")
    return shapley.sampled(players, value, asked.orders, rng)


# --- outcomes


def _wanted(asked: Asked) -> tuple[Plan, dict[str, Wanted]]:
    """The outcomes, of whichever scenario has them, also by the names that were asked for."""
    plans = [_plan_of(asked, name) for name in asked.names]
    told = tuple(dict.fromkeys(output for each in plans for output in each.outputs))
    for name, output in zip(asked.names, (p.outputs[0] for p in plans), strict=True):
        if output.metric in MAY_BE_MISSING:
            found = f"`{name}`, which some draws do not have"
            allowed = "an outcome that every draw has, as in npv or net_saving"
            raise BadInput([Problem(Mark("--output", 0, 0), "", found, allowed)])
    both = (asked.first.scenario, asked.second.scenario)
    others = set.intersection(*(apart(s) | (all_parties(both) - set(s.parties)) for s in both))
    # An outcome that is asked for twice has its first name.
    named = dict(zip((p.outputs[0] for p in reversed(plans)), reversed(asked.names), strict=True))
    parts = tuple(p for p in PARTS if any(p in each.parts for each in plans))
    care = any(output.subject.partition(".")[0] not in others for output in told)
    asked_for = Plan(told, parts, any(each.monthly for each in plans), care)
    return asked_for, {named[output]: output for output in told}


def all_parties(scenarios: Iterable[Scenario]) -> set[str]:
    return {name for scenario in scenarios for name in scenario.parties}


def _plan_of(asked: Asked, name: str) -> Plan:
    try:
        return plan(asked.first, [name])
    except BadInput:
        return plan(asked.second, [name])


def _companions(asked: Asked, told: Sequence[Wanted]) -> dict[str, Wanted]:
    """The monthly series that goes with each outcome, by the outcome's name."""
    worlds = (both_worlds(central(one), slice(0, 1)) for one in (asked.first, asked.second))
    units = {(m.metric, m.subject): m.unit for each in worlds for m in series(each)}
    out = {}
    for w in told:
        ending = INSOLVENT if w.metric in ENDINGS else CASH
        tries = ((w.metric, w.subject), (ending, w.subject), (AVOIDED, ALL))
        metric, subject = next(key for key in tries if key in units)
        out[w.name] = Wanted(metric, subject, None, units[metric, subject])
    return out


def _same_months(first: Loaded, second: Loaded) -> None:
    one, two = first.scenario.clock, second.scenario.clock
    if (one.start, one.end) != (two.start, two.end):
        found = f"{two.start} to {two.end}"
        allowed = f"the months of the first, {one.start} to {one.end}"
        at = second.document.mark(("clock",))
        raise BadInput([Problem(at, "clock", found, allowed)])


class Runs:
    """Outcomes of the first scenario with some of the changes made; each set is run once."""

    def __init__(
        self,
        asked: Asked,
        found: list[Group],
        wanted: Plan,
        named: dict[str, Wanted],
        progress: Progress,
        chunk: int,
    ) -> None:
        self.asked, self.named, self.ran = asked, named, 0
        self._wanted, self._progress, self._chunk = wanted, progress, chunk
        self._by_name = {group.name: group for group in found}
        self._outcomes: dict[frozenset[str], Floats] = {}
        self._tracks: dict[tuple[frozenset[str], Wanted], Floats] = {}
        self._valid: dict[frozenset[str], bool] = {}

    def valid(self, names: frozenset[str]) -> bool:
        """Whether the scenario with these changes can be run."""
        if names not in self._valid:
            try:
                inputs(self._drawn(names), slice(0, self.asked.draws))
                self._valid[names] = True
            except BadInput:
                self._valid[names] = False
        return self._valid[names]

    def outcomes(self, names: frozenset[str]) -> Floats:
        """Values [output, draw]."""
        if names not in self._outcomes:
            self._outcomes[names] = self._run(names, self._wanted)
        return self._outcomes[names]

    def track(self, names: frozenset[str], wanted: Wanted) -> Floats:
        """A monthly series [draw, month]."""
        months = self.asked.first.scenario.clock.labels()
        asked = Plan(tuple(wanted._replace(month=m) for m in months), (), True, False)
        if (names, wanted) not in self._tracks:
            self._tracks[names, wanted] = self._run(names, asked).T
        return self._tracks[names, wanted]

    def _run(self, names: frozenset[str], asked: Plan) -> Floats:
        found: Floats = outputs([self._drawn(names)], asked, self._chunk)[0]
        if not np.isfinite(found).all():
            told = ", ".join(sorted(names)) or "nothing"
            raise NotFinite(f"an outcome is not finite with {told}")
        self.ran += 1
        self._progress(self.ran)
        return found

    def _drawn(self, names: frozenset[str]) -> Draws:
        return sample(self._loaded(names), self.asked.draws, self.asked.seed)

    def _loaded(self, names: frozenset[str]) -> Loaded:
        """All changes made is the second scenario itself."""
        if not names:
            return self.asked.first
        if len(names) == len(self._by_name):
            return self.asked.second
        chosen = [c for g in self._by_name.values() if g.name in names for c in g.changes]
        return from_document(
            with_changes(self.asked.first.document, self.asked.second.document, chosen)
        )


def about(asked: Asked) -> int:
    """About how many variants will be run, before groups are joined."""
    found = groups(changes(asked.first.document, asked.second.document), asked.levers, asked.facts)
    total = 4
    for kind in ("assumption", "lever"):
        keys = sum(g.kind == kind for g in found)
        total += 2**keys if keys <= asked.most_exact else asked.orders * keys
    return total
