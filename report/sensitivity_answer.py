"""What a sensitivity study comes to, in a few sentences, and how sure that is."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from model.loading import Loaded
from model.runfolder import parameter_rows
from model.sensitivity.bootstrap import FINE
from model.sensitivity.factors import Factor
from model.sensitivity.study import MOST_GIVEN, Row, Study

from .number_names import called
from .outcome_names import names_of, outcome
from .wording import listed, number, plural, short_money, spoken

ALL_ALONE = 0.95
FIRST = 10  # numbers of which it is said how many are assumptions
ASSUMED = ("assumption", "no source")
FEW = {"tornado": 30, "sobol": 32, "morris": 10}  # samples
GIVEN_DRAWS = ("pawn", "delta", "regional")
NO_CHANCE = "Chance (awards, claims) is not ranked here: use --method sobol or morris."


class Told(NamedTuple):
    """A study with what its factors are called, their units and what they rest on."""

    study: Study
    names: Mapping[str, str]
    units: Mapping[str, str]
    status: Mapping[str, str]  # assumption, no source, evidence ...

    def label(self, factor: Factor) -> str:
        """A factor in words; tied ones together."""
        if not factor.members:
            return "chance: awards and claims"
        if self.grouped(factor):
            return factor.name
        return " with ".join(called(member, self.names) for member in factor.members)

    def grouped(self, factor: Factor) -> bool:
        """Whether a factor is all numbers of one meaning."""
        return factor.name != " & ".join(factor.members)

    def basis(self, factor: Factor) -> str:
        """What its numbers rest on: assumption; evidence; of a group how many are assumptions."""
        found = [self.status.get(member, "default") for member in factor.members]
        if self.grouped(factor) and found:
            count = sum(one in ASSUMED for one in found)
            return f"{count} of {plural(len(found), 'assumption')}" if count else ""
        return ", ".join(dict.fromkeys(found))

    def span(self, row: Row) -> str:
        """One-way: from which to which value the first of its numbers goes, with the unit."""
        if row.ends is None:
            return ""
        unit = self.units.get(row.factor.members[0], "1")
        (low, words), (high, _) = (spoken(end, unit) for end in row.ends)
        return f"{low} to {high} {words}".rstrip()

    @property
    def outcome(self) -> str:
        """The outcome in words."""
        return outcome(self.study.output.name, dict(self.names))


def told(loaded: Loaded, studies: Sequence[Study]) -> list[Told]:
    names = names_of(loaded)
    units = {name: p.unit for name, p in loaded.parameters.items()}
    status = {row["name"]: row["status"] for row in parameter_rows(loaded)}
    return [Told(study, names, units, status) for study in studies]


# --- the answer


def answer(t: Told) -> list[str]:
    """What the study comes to, in a few sentences."""
    s = t.study
    if s.problem:
        return [f"The numbers cannot be ranked: {s.problem}."]
    if not s.rows:
        return list(_still(t))
    said = {"tornado": _tornado, "sobol": _sobol, "morris": _morris}.get(s.method, _given)
    out = list(said(t))
    if s.missing:
        left = f"{s.missing:,} of {s.runs:,} draws have no such value and are left out"
        out.append(f"{left}: what is said holds where there is one.")
    if not s.chance:
        out.append(NO_CHANCE)
    return [*out, *_assumed(t), *filter(None, [trusted(s), _few(s)])]


def _still(t: Told) -> Iterator[str]:
    """What never moves: why it may be so, and what does."""
    s = t.study
    every = "every run"
    if s.missing:
        every = f"each of the {s.runs - s.missing:,} of {s.runs:,} draws that have such a value"
    yield f"Nothing that is uncertain moves it: {t.outcome} is {amount(s, s.mean)} in {every}."
    if s.mean == 0.0 and "USD" in s.output.unit:
        yield (
            "That may well be true: an outcome that is told as a difference is nothing where the "
            "strategy changes nothing of it compared to usual care."
        )
    if s.instead:
        likest = sorted(s.instead, key=lambda name: not name.endswith(f":{s.output.subject}"))
        yield f"What does move in this scenario: {listed(f'--output {n}' for n in likest)}."


def stands_out(s: Study) -> bool:
    """Whether at least one number can be told apart from accident."""
    return bool(s.rows) and (s.method == "tornado" or s.rows[0].low > s.inert)


def _accident(s: Study) -> str:
    more = "more draws" if s.method in ("sobol", "morris") else "more draws, or sobol or morris"
    few = f"with {s.samples:,} {samples_of(s)}"
    return f"Nothing can be told apart from accident {few}: use {more}."


def _unsure(t: Told, each: str) -> str:
    """Of the first two neither is sure to be ahead."""
    s = t.study
    both = " or ".join(f"{t.label(r.factor)} ({between(s, r, each)})" for r in s.rows[:2])
    return f"Which matters most cannot be said yet: {both}."


def between(s: Study, row: Row, each: str = "") -> str:
    """0.4, 90 % interval 0.3 to 0.5"""
    if s.method == "sobol":
        low, high = share(row.low), share(row.high)
        return f"{share(row.value)}{each}, 90 % interval {low} to {high}"
    tell = amount if s.method in ("morris", "tornado") else lambda _, x: index(x)
    low, high = tell(s, row.low), tell(s, row.high)
    return f"{tell(s, row.value)}{each}, 90 % interval {low} to {high}"


def _sobol(t: Told) -> Iterator[str]:
    s = t.study
    first, of_variance = s.rows[0], " of the variance"
    if not stands_out(s):
        yield _accident(s)
    elif s.trust is not None and s.trust.leading == 0:
        yield _unsure(t, of_variance)
    else:
        yield (
            f"{parts_in(first.value)} of the uncertainty {_come(first.value)} from "
            f"{t.label(first.factor)} ({between(s, first, of_variance)}), with what it does "
            "together with others."
        )
    if s.alone is not None and stands_out(s):
        yield _alone(*s.alone)
    chance = next((r for r in s.rows if r.factor.role == "chance"), None)
    if chance and chance is not first and stands_out(s):
        made = f"{share(chance.value)} of the variance"
        span = f"90 % interval {share(chance.low)} to {share(chance.high)}"
        yield f"Chance (awards, claims) makes {made} ({span}), with what it does beside inputs."


def _come(x: float) -> str:
    return "come" if "parts" in parts_in(x) else "comes"


def _alone(value: float, low: float, high: float) -> str:
    """What numbers make alone: said as far as the interval excludes the contrary."""
    span = f"{share(low)} to {share(high)}"
    if low > ALL_ALONE:
        return f"Nearly all of the variance is what numbers make alone (90 % interval {span})."
    if high < 1.0:
        alone = f"{share(value)} of the variance (90 % interval {span})"
        return f"Alone, all numbers together make {alone}; the rest is what they do together."
    return (
        "How much numbers make alone, and how much together, these samples do not tell "
        f"(alone: 90 % interval {span})."
    )


def _morris(t: Told) -> Iterator[str]:
    s = t.study
    if not stands_out(s):
        yield _accident(s)
    elif s.trust is not None and s.trust.leading == 0:
        yield _unsure(t, " a move")
    else:
        first = s.rows[0]
        yield (
            f"What matters most is {t.label(first.factor)}: a move over two thirds of its 5-95 % "
            f"span changes the outcome by {between(s, first, ' on average')}."
        )


def _given(t: Told) -> Iterator[str]:
    s = t.study
    if not stands_out(s):
        yield _accident(s)
        return
    if s.trust is not None and s.trust.leading == 0:
        yield _unsure(t, "")
    else:
        yield f"What matters most is {t.label(s.rows[0].factor)} ({between(s, s.rows[0])})."
    above = sum(r.low > s.inert for r in s.rows)
    yield (
        f"{plural(above, 'number stands', 'numbers stand')} above {s.inert:.2f}, which any of "
        f"{len(s.rows)} numbers, all without influence, would pass with 5 % chance."
    )


def _tornado(t: Told) -> Iterator[str]:
    s = t.study
    facts = [r for r in s.rows if r.factor.role != "lever" and r.value != 0.0]
    levers = [r for r in s.rows if r.factor.role == "lever" and r.value != 0.0]
    if facts:
        ranged = "What matters most of the facts, each over its 5-95 % span, is"
        yield f"{ranged} {_moved(t, facts[0])}"
    else:
        yield "None of the facts about the world changes its mean."
    if levers:
        yield (
            "Of what can be decided, changed by 20 % each way (or over its 5-95 % span where it "
            f"is uncertain), it is {_moved(t, levers[0])} The two do not compare."
        )


def _moved(t: Told, row: Row) -> str:
    s = t.study
    assert row.outcome is not None
    low, high = (signed(s, at - s.mean) + per(s) for at in row.outcome)
    sure = f"largest change {between(s, row)}"
    if row.low <= 0.0 <= row.high:
        sure += "; not told apart from accident with these draws"
    return f"{t.label(row.factor)}: {low} at its low value, {high} at its high value ({sure})."


def _assumed(t: Told) -> Iterator[str]:
    """How many of the leading facts nobody has measured."""
    s = t.study
    tornado = s.method == "tornado"
    zero = bare(s, 0.0)
    told_apart = [r for r in s.rows if (signed(s, r.value) != zero if tornado else r.low > s.inert)]
    first = [r.factor for r in told_apart if r.factor.role == "fact"][:FIRST]
    if not first or any(t.grouped(factor) for factor in first):
        return
    count = sum(any(t.status.get(m) in ASSUMED for m in factor.members) for factor in first)
    if count:
        which = f"Of the first {len(first)} facts {count}" if len(first) > 1 else "It"
        rest = "rests" if count == 1 else "rest"
        yield f"{which} {rest} on {'an assumption' if count == 1 else 'assumptions'} (see below)."


# --- how sure


def trusted(s: Study) -> str:
    """Whether the ranking can be trusted, and about how many runs it would take."""
    if s.trust is None:
        return ""
    t = s.trust
    after = f"(in at least 90 % of resamples) after {t.runs:,} runs"
    if t.leading == 0:
        sure = f"Which of the first two comes first is not sure after {t.runs:,} runs"
    elif t.leading == 1:
        sure = f"The first place is sure {after}, the order behind it is not"
    else:
        sure = f"The order of the first {t.leading}, all of it, is sure {after}"
    if t.enough:
        return sure + "."
    if t.needed > 1e8:
        return f"{sure}; no number of runs would tell them apart."
    return f"{sure}. {_enough(s, t.needed)}."


def _enough(s: Study, needed: int) -> str:
    """How many runs make the intervals of the leading numbers narrow, as samples to ask for."""
    precise = {
        "sobol": "so that each of the leading shares is known to within 5 points",
        "morris": "so that each leading change is known to within 5 % of the largest",
    }.get(s.method, f"so that each leading index is known to within {FINE:g}")
    asked = needed / s.runs * s.samples
    if s.method == "sobol":
        asked = 2.0 ** math.ceil(math.log2(asked))
        needed = round(asked * s.runs / s.samples)
    if s.method in GIVEN_DRAWS and asked > MOST_GIVEN:
        return f"About {significant_count(needed)} would do: use sobol or morris"
    apart = " and the first two are told apart" if s.trust and s.trust.leading == 0 else ""
    asking = f"--samples {significant_count(math.ceil(asked), s.method).replace(',', '')}"
    return f"About {significant_count(needed)} ({asking}) would do, {precise}{apart}"


def significant_count(count: int, method: str = "") -> str:
    if method == "sobol":  # a power of two is not rounded
        return f"{count:,}"
    digits = 10 ** max(int(math.log10(max(count, 1))) - 1, 0)
    return f"{math.ceil(count / digits) * digits:,}"


def _few(s: Study) -> str:
    """A bootstrap of very few samples does not know what they missed."""
    if s.samples >= FEW.get(s.method, 0):
        return ""
    few = f"{s.samples} {samples_of(s)} are few"
    return f"{few}: the intervals themselves are not sure below {FEW[s.method]}."


# --- numbers


def parts_in(x: float) -> str:
    """0.58 -> About 6 parts in 10; 1.07 -> Nearly all"""
    if x >= ALL_ALONE:
        return "Nearly all"
    tenths = round(10.0 * x)
    if tenths < 1:
        return f"About {max(round(100.0 * x), 1)} parts in 100"
    return f"About {tenths} {'part' if tenths == 1 else 'parts'} in 10"


def share(x: float) -> str:
    """A share of all: 58 %, at least 0 % and at most 100 %."""
    return f"{100.0 * min(max(x, 0.0), 1.0):.0f} %"


def index(x: float) -> str:
    """0.58; 0.00 for what is below nothing"""
    return f"{max(x, 0.0):.2f}"


def bare(s: Study, x: float) -> str:
    """A value of the outcome without what it is per."""
    if "USD" in s.output.unit:
        return short_money(x)
    return f"{100.0 * x + 0.0:.1f} %" if s.output.unit == "1" else number(x)


def signed(s: Study, x: float) -> str:
    """A change: +$1.2M, -$0.8M, $0"""
    words = bare(s, x)
    if words == bare(s, 0.0) or not re.search("[1-9]", words):
        return bare(s, 0.0)
    return f"+{words}" if x > 0.0 else words


def per(s: Study) -> str:
    """What follows the number: /year, persons."""
    unit = s.output.unit
    if "USD" in unit:
        return unit.replace("USD", "")
    return "" if unit == "1" else f" {unit}"


def amount(s: Study, x: float) -> str:
    """A value of the outcome in its unit."""
    return bare(s, x) + per(s)


def samples_of(s: Study) -> str:
    """What the samples of a method are called."""
    return {"sobol": "base samples", "morris": "trajectories"}.get(s.method, "draws")
