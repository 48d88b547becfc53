"""Planning: could a design tell the expected effect of a contract's programmes from chance?

For each design and metric: the sd of its estimate, the smallest effect that it finds, people and
months needed, and what it would report with no effect at all; and for a contract that shares
savings, the risks of paying for nothing and of not paying for something. docs/planner.md explains.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from . import planned_payment, power
from .contract_chances import Facts, central
from .deals import area_sd, chance_of_baseline
from .distributions import Floats
from .ensemble import Progress, silent
from .financing import ContractLine
from .loading import SHIPPED, Loaded, load
from .money_plan import financing_of
from .planned_effect import COST, EVENTS, TOTAL, Effect, Expected, expect
from .power import Person
from .problems import BadInput, Mark, Problem, nearest
from .sampling import Method

PRE_POST, OWN = "pre_post", "own_history"
LEVEL, CHANGE = "comparison_level", "comparison_change"  # a contract settles the level of one year
RANDOMISED, LOTTERY = "randomised", "randomised_referred"
DESIGNS = (PRE_POST, OWN, LEVEL, CHANGE, RANDOMISED, LOTTERY)
METRICS = (TOTAL, COST, EVENTS)
AMONG_ENROLLED = frozenset({PRE_POST, LOTTERY})
PICKED_BY = 2  # events in the year before: whom a programme for high users takes on; an assumption
POINTS = 41
FEWEST, MOST = 100.0, 1e8  # people, for the curves


@dataclass(frozen=True)
class Asked:
    """What a user asks of a test."""

    power: float = 0.8
    alpha: float = 0.05


@dataclass(frozen=True)
class Row:
    """One design and metric; effects and sds are shares of usual care, None: not told or none."""

    design: str
    metric: str
    people: float  # that there are; members, or enrolments (who comes back counts again)
    months: float  # over which they are measured
    effect: float  # true, mean over draws
    effect_p05: float
    effect_p95: float
    sd: float | None  # of the estimate, with the people and months that there are
    detectable: float | None
    power_now: float  # chance to find the mean effect, as a significant saving
    assurance: float  # the same, mean over draws of the effect
    people_needed: int | None
    months_needed: int | None
    bias: float | None  # what it reports with no effect at all, on average
    usable: bool
    is_contract: bool  # the design of the contract's own benchmark
    false_payment: float | None  # paid in a year without any effect, by the contract's threshold
    missed_payment: float | None  # not paid in a year with the expected effect
    false_payment_by_test: float | None  # paid without any effect, on a significant saving
    missed_payment_by_test: float | None  # not paid with the expected effect


@dataclass(frozen=True)
class Plan:
    """The answer."""

    expected: Expected
    asked: Asked
    rows: tuple[Row, ...]
    curves: tuple[dict[str, Any], ...]  # metric, design, people, detectable
    minimum_rate: float | None  # the contract's own threshold, at its members

    def row(self, design: str, metric: str) -> Row:
        return next(r for r in self.rows if (r.design, r.metric) == (design, metric))


# --- which contract


def chosen(loaded: Loaded, name: str | None) -> str:
    """The contract named, or the only one; BadInput where there is none of the name, or several."""
    names = list(financing_of(loaded.scenario).contracts)
    mark = loaded.document.mark(("financing", "contracts"))
    if not names:
        told = f"a scenario with a contract; of those shipped: {', '.join(with_contracts())}"
        raise BadInput([Problem(mark, "financing.contracts", "no contract", told)])
    if name is None and len(names) > 1:
        found = f"{len(names)} contracts and no --contract"
        raise BadInput(
            [Problem(Mark("--contract", 1, 1), "", found, f"one of: {', '.join(names)}")]
        )
    if name is not None and name not in names:
        allowed = f"one of: {', '.join(names)}"
        near = nearest(name, names)
        raise BadInput([Problem(Mark("--contract", 1, 1), "", f"`{name}`", allowed, near)])
    return names[0] if name is None else name


def with_contracts() -> list[str]:
    """Shipped scenarios that have a contract."""
    files = sorted(SHIPPED.glob("*.yaml"))
    return [f"scenarios/{f.name}" for f in files if financing_of(load(f).scenario).contracts]


# --- the plan


def plan(
    loaded: Loaded,
    name: str,
    draws: int,
    seed: int,
    asked: Asked | None = None,
    method: Method = "lhs",
    progress: Progress = silent,
) -> Plan:
    """Project both worlds, then measure the difference by every design."""
    asked = asked or Asked()
    _refuse_unsettled(loaded, name)
    found = expect(loaded, name, draws, seed, method, progress)
    if not found.effects:
        place = loaded.document.mark(("financing", "contracts", name))
        allowed = "use of services that it counts, or a variation of total cost"
        key = f"financing.contracts.{name}"
        raise BadInput([Problem(place, key, "nothing that could be measured", allowed)])
    designs = Designs(found)
    facts = planned_payment.contract_facts(found)
    rows = [
        with_payment(row_of(found, designs, effect, design, asked), designs, asked, facts)
        for effect in found.effects.values()
        for design in DESIGNS
    ]
    return Plan(
        found,
        asked,
        tuple(rows),
        tuple(curves(found, designs, asked)),
        facts.clauses_for(found.members).minimum_savings_rate if facts else None,
    )


def _refuse_unsettled(loaded: Loaded, name: str) -> None:
    scenario = loaded.scenario
    line, at = financing_of(scenario).contracts[name], ("financing", "contracts", name, "start")
    begin = scenario.clock.index(line.start)
    if begin < 0 or begin + 12 > scenario.clock.months:
        found = f"a first year from {line.start}, outside the horizon"
        allowed = f"a whole year between {scenario.clock.start} and {scenario.clock.end}"
        place = loaded.document.mark(at)
        raise BadInput([Problem(place, ".".join(at), found, allowed)])


# --- designs


def contract_design(line: ContractLine) -> str:
    """How the contract itself measures; a trend set in advance counts as its own history."""
    compared = line.benchmark is None or line.benchmark.method == "comparison_group"
    return LEVEL if compared else OWN


class Designs:
    """How each design measures: variance of its estimate by people and years.

    All attributed members: own history (the contract's baseline weights; area and trend errors stay
    whatever the members), and beside others in the same area, whose shocks cancel: the level of the
    same years, as a contract settles it, or the change from the years before (difference in
    differences). Two halves at random: all members, the programme offered to one half at the
    scenario's coverage; or those referred and willing, a year before and a year after.
    """

    def __init__(self, found: Expected) -> None:
        self.found = found
        get, line, name = central(found.draws), found.line, found.name
        at = f"financing.contracts.{name}"
        compared = contract_design(line) == LEVEL
        own = 1.0 if compared else float(chance_of_baseline(get, line, name)[0])
        self.before = 1.0 / own if own > 0.0 else 1.0  # effective years of the baseline
        self.area = float(area_sd(get, line, name)[0])
        self.trend = float(get(f"{at}.benchmark.trend_error")[0]) if line.benchmark else 0.0
        measured = line.terms.measurement
        stated = measured is not None and measured.comparison_ratio is not None
        self.ratio = float(get(f"{at}.terms.measurement.comparison_ratio")[0]) if stated else 1.0
        self.stays = 1.0 - float(get(f"{at}.covers.churn")[0])

    def person(self, effect: Effect, design: str) -> Person:
        """Who is measured; what lasts is less where members leave and others come."""
        if design in AMONG_ENROLLED:
            return effect.referred.person
        p = effect.members.person
        return p._replace(lasting=p.lasting * self.stays)

    def variance(self, effect: Effect, design: str, years: float, size: float) -> float:
        """Of the estimate with one person (both arms, where there are two); `size`: true effect."""
        p = self.person(effect, design)
        followed = 1.0 if design in AMONG_ENROLLED else years
        fewer = power.fewer_events(p, size, followed)
        if design == PRE_POST:
            return power.change(p, 1.0, 1.0) + fewer
        if design == LOTTERY:
            return 4.0 * power.adjusted(p, 1.0, 1.0) + 2.0 * fewer
        if design == RANDOMISED:
            return 4.0 * power.adjusted(p, 1.0, years) + 2.0 * fewer
        beside = 1.0 if design == OWN else 1.0 + 1.0 / self.ratio
        if design == LEVEL:
            return power.after_only(p, years) * beside + fewer
        return power.change(p, self.before, years) * beside + fewer

    def floor(self, design: str, years: float) -> float:
        """Variance that no number of people takes away."""
        if design not in {OWN, PRE_POST}:
            return 0.0
        shared = years if design == OWN else 1.0
        agreement = self.found.line.agreement_years
        return self.area**2 / shared + power.trend_variance(self.trend, shared, agreement)

    def sd(self, effect: Effect, design: str, people: float, years: float, size: float) -> float:
        each = self.variance(effect, design, years, size) / people if people > 0.0 else math.inf
        return math.sqrt(each + self.floor(design, years))

    def people(self, design: str) -> float:
        """Attributed members; enrolments; of a lottery both arms, as far as enough are willing."""
        f = self.found
        if design == PRE_POST:
            return f.started * f.years
        return min(2.0 * f.started, f.accepted) * f.years if design == LOTTERY else f.members

    def a_year(self, design: str) -> float:
        return self.people(design) / self.found.years


# --- one row


def row_of(found: Expected, d: Designs, effect: Effect, design: str, asked: Asked) -> Row:
    enrolled, log = design in AMONG_ENROLLED, effect.metric != TOTAL
    each = effect.enrolled if enrolled else effect.draws
    mean, people = float(each.mean()), d.people(design)
    low, high = np.quantile(each, [0.05, 0.95])
    sd = d.sd(effect, design, people, float(found.years), mean)
    chance = [power.found(x, sd, asked.alpha, log) for x in each.tolist()]
    least = power.detectable(sd, asked.alpha, asked.power, log) if people > 0.0 else None
    return Row(
        design=design,
        metric=effect.metric,
        people=people,
        months=12.0 * found.years,
        effect=mean,
        effect_p05=float(low),
        effect_p95=float(high),
        sd=sd if people > 0.0 else None,
        detectable=least,
        power_now=power.found(mean, sd, asked.alpha, log),
        assurance=math.fsum(chance) / len(chance),
        people_needed=people_needed(found, d, effect, design, asked),
        months_needed=months_needed(found, d, effect, design, asked),
        bias=bias_of(found, effect, design),
        usable=design != PRE_POST,
        is_contract=design == contract_design(found.line),
        false_payment=None,
        missed_payment=None,
        false_payment_by_test=None,
        missed_payment_by_test=None,
    )


def people_needed(
    found: Expected, d: Designs, effect: Effect, design: str, asked: Asked
) -> int | None:
    """In the months that there are; None too for a design whose bias no number takes away."""
    mean = float((effect.enrolled if design in AMONG_ENROLLED else effect.draws).mean())
    if design == PRE_POST:
        return None

    def sd(people: float) -> float:
        return d.sd(effect, design, people, float(found.years), mean)

    return power.people_needed(mean, sd, asked.alpha, asked.power, effect.metric != TOTAL)


def months_needed(
    found: Expected, d: Designs, effect: Effect, design: str, asked: Asked
) -> int | None:
    """With the people that there are: of performance, or of recruiting and a year after it."""
    if design == PRE_POST:
        return None
    if design == LOTTERY:
        people = people_needed(found, d, effect, design, asked)
        a_month = d.a_year(design) / 12.0
        months = math.inf if people is None or a_month <= 0.0 else people / a_month + 12.0
        return math.ceil(months) if months <= power.MOST_MONTHS else None
    so_far = Accrued(effect.years)

    def sd(months: int) -> float:
        return d.sd(effect, design, found.members, months / 12.0, so_far(months))

    return power.months_needed(so_far, sd, asked.alpha, asked.power, effect.metric != TOTAL)


class Accrued:
    """Mean effect from the contract's start on; after its last year as in that year."""

    def __init__(self, years: Floats) -> None:
        self.years = years

    def __call__(self, months: int) -> float:
        each = [float(self.years[min(m // 12, self.years.size - 1)]) for m in range(months)]
        return math.fsum(each) / months


def bias_of(found: Expected, effect: Effect, design: str) -> float | None:
    """Saving reported with no effect at all. None: not known.

    Before and after: regression to the mean of people picked by PICKED_BY events in a year, from
    the scenario's own dispersion; in total cost only targeted use falls, so it is understated. The
    contract's design: what its benchmark is off by on average. Others: 0 if all goes as planned.
    """
    off = found.values.get(f"benchmark_error_rate:{found.name}")
    if off is not None and effect.metric == TOTAL and design == contract_design(found.line):
        return float(off.mean())
    if design == OWN:
        return None
    return regression(found, effect) if design == PRE_POST else 0.0


def regression(found: Expected, effect: Effect) -> float | None:
    """Fall of the people picked, in targeted use; or of total cost, of which it is a part."""
    events, cost = found.effects.get(EVENTS), found.effects.get(COST)
    if events is None:
        return None
    use = events.referred
    fall = power.fall_without_effect(use.mean, use.person, PICKED_BY)
    if effect.metric != TOTAL:
        return fall
    if cost is None:
        return None
    before = cost.referred.mean * power.use_when_picked(use.mean, use.person, PICKED_BY)
    others = effect.referred.mean - cost.referred.mean
    return fall * before / (before + others)


# --- what the contract pays


def with_payment(row: Row, d: Designs, asked: Asked, facts: Facts | None) -> Row:
    """Risks of paying for nothing and of not paying, by the contract's threshold and by a test.

    None where nobody is measured, what the design reports without effect is not known (before and
    after without events), or, for the threshold, nothing is shared. Own history is taken to be
    right on average where its own bias is not told.
    """
    if row.sd is None or (row.bias is None and row.design == PRE_POST):
        return row
    effect, log = d.found.effects[row.metric], row.metric != TOTAL
    bias = row.bias or 0.0
    test = planned_payment.by_test(row.effect, bias, row.sd, asked.alpha, log)
    told = replace(row, false_payment_by_test=test[0], missed_payment_by_test=test[1])
    if facts is None:
        return told
    measured = d.a_year(row.design) if row.design in AMONG_ENROLLED else d.found.members
    one, under = (d.sd(effect, row.design, measured, 1.0, size) for size in (0.0, row.effect))
    if row.metric != TOTAL or row.design in AMONG_ENROLLED:
        minimum = facts.clauses_for(facts.members).minimum_savings_rate
        rule = planned_payment.by_threshold(minimum, row.effect, bias, (one, under), log)
    elif row.is_contract:
        rule = planned_payment.settled(facts, d.found.members)
    else:
        rule = planned_payment.by_clauses(facts, d.found.members, one)
    return replace(told, false_payment=rule[0], missed_payment=rule[1])


# --- curves


def curves(found: Expected, d: Designs, asked: Asked) -> Iterator[dict[str, Any]]:
    """Smallest effect found, by number of people, in the months that there are."""
    for effect in found.effects.values():
        for design in DESIGNS:
            about = {"metric": effect.metric, "design": design}
            for people in np.geomspace(FEWEST, MOST, POINTS).tolist():
                sd = d.sd(effect, design, people, float(found.years), 0.0)
                least = power.detectable(sd, asked.alpha, asked.power, effect.metric != TOTAL)
                yield about | {"people": people, "detectable": least}


__all__ = ["DESIGNS", "METRICS", "Asked", "Plan", "Row", "chosen", "plan"]
