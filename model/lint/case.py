"""What every rule reads: the scenario, the registry, the limits and a central projection."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from model.evidence import EvidenceError, Registry, load_registry, price_factor
from model.financing import Financing
from model.loading import Loaded
from model.money_plan import financing_of
from model.problems import Location, Mark, dotted
from model.quantity import Parameter
from model.scenario import NEED_LEVELS, Intervention, Scenario

from .limits import Kind, Limit, Limits, load_limits
from .projection import Projection


@dataclass(frozen=True)
class Finding:
    """A number that is better than it should be: where it stands, what it is, what limits it."""

    rule: str
    key: str
    place: Mark
    found: str
    limit: str
    source: str
    says: str

    def as_json(self) -> dict[str, Any]:
        return {
            "rule": self.rule,
            "key": self.key,
            "file": self.place.file,
            "line": self.place.line,
            "found": self.found,
            "limit": self.limit,
            "source": self.source,
            "says": self.says,
        }


class Case:
    """A scenario under question. The projection is made when a rule first asks for it."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.registry: Registry = load_registry()
        self.limits: Limits = load_limits()

    @property
    def scenario(self) -> Scenario:
        return self.loaded.scenario

    @property
    def financing(self) -> Financing:
        return financing_of(self.scenario)

    @cached_property
    def projection(self) -> Projection:
        return Projection(self.loaded)

    def finding(
        self, rule: str, at: Location, found: str, limit: str, source: str, says: str
    ) -> Finding:
        """A finding at a place of the scenario, or at the nearest place around it."""
        return Finding(rule, dotted(at), self.loaded.document.mark(at), found, limit, source, says)

    def number(self, name: str) -> float:
        """A number of the scenario by its dotted name, at the scenario's prices, at its mean."""
        return self.loaded.parameters[name].central

    def is_written(self, at: Location) -> bool:
        """Whether the file says it, or it was left at its default."""
        part: Any = self.loaded.document.data
        for key in at:
            if not isinstance(part, dict) or key not in part:
                return False
            part = part[key]
        return True

    def priced(self, limit: Limit) -> float:
        """A limit in USD at the scenario's prices; as published where the index lacks its year."""
        prices = self.scenario.prices
        if limit.price_year is None:
            return limit.value
        try:
            factor = price_factor(self.registry, prices.index, limit.price_year, prices.year)
        except EvidenceError:
            return limit.value
        return limit.value * factor

    def kind_of(self, name: str) -> Kind | None:
        """The kind whose studies an intervention cites most, else the one that its name says."""
        programme = self.scenario.interventions[name]
        cited = [c for effect in programme.effects.values() for c in effect.evidence]
        categories = [self.registry.finding(c).study.category for c in cited]
        kinds = self.limits.kinds.values()
        best = max(kinds, key=lambda kind: sum(c in kind.categories for c in categories))
        if any(c in best.categories for c in categories):
            return best
        called = f"{name} {programme.name}".replace("_", " ").lower()
        return next((kind for kind in kinds if any(w in called for w in kind.words)), None)

    def people(self, segment: str, level: str) -> float:
        """People of a segment at a need level at the start."""
        about = self.scenario.segments[segment]
        shares = [0.0, about.need.at_risk.central, about.need.in_crisis.central]
        shares[0] = 1.0 - shares[1] - shares[2]
        return about.population.central * shares[NEED_LEVELS.index(level)]

    def eligible(self, programme: Intervention) -> float:
        about = programme.eligible
        return sum(self.people(g, level) for g in about.segments for level in about.need)


def slots(programme: Intervention) -> float:
    return programme.staff.posts.central * programme.staff.caseload.central


def said(parameter: Parameter) -> str:
    """What the scenario says of where a number comes from."""
    q = parameter.quantity
    return q.source or q.reason or "no source"


def percent(share: float) -> str:
    return f"{100.0 * share:.3g} %"


def dollars(amount: float) -> str:
    return f"{amount:,.0f} USD"
