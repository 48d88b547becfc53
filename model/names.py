"""Names: does every name that a scenario uses exist, and do its parts fit together?

The checks read the raw document, part by part, so that they can speak beside the schema's own
errors: all that is wrong with a file is told at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, get_args

from .evidence import Registry, nearest, reach
from .evidence_records import DesignClass
from .explain import problem_at
from .problems import Location, Problem, described
from .quantity import Parameter
from .scenario import SEGMENT_PAYER, Scenario, parameters, payers_of
from .yamlfile import Document

DESIGNS = get_args(DesignClass)
ROUNDING = 1e-6


Use = tuple[Location, Any, list[str]]


def unknown_names(document: Document, registry: Registry) -> list[Problem]:
    """Every use of a name (party, segment, service, evidence ...) that is nowhere defined."""
    data = document.data
    known = {part: list(mapping(data, part)) for part in ("parties", "segments", "services")}
    findings = list(registry.findings)
    return [
        _unknown(document, use, findings)
        for use in _uses(data, known, findings)
        if isinstance(use[1], str) and use[1] not in use[2]
    ]


def _unknown(document: Document, use: Use, findings: list[str]) -> Problem:
    location, name, names = use
    if names is findings:
        told = f"the id of a published effect{reach('E', names)}"
        return problem_at(document, location, described(name), told, nearest(name, names))
    return problem_at(document, location, described(name), f"one of: {some(names)}", names)


def mapping(data: Any, *path: str) -> dict[str, Any]:
    """The mapping at a path of the raw data; empty where there is none."""
    for part in path:
        data = data.get(part) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def listed(data: Any, *path: str) -> list[Any]:
    """The list at a path of the raw data; empty where there is none."""
    *above, last = path
    for part in above:
        data = data.get(part) if isinstance(data, dict) else None
    found = data.get(last) if isinstance(data, dict) else None
    return found if isinstance(found, list) else []


def some(names: list[str], most: int = 12) -> str:
    """The first of the valid names, in words."""
    return ", ".join(names[:most]) + (" ..." if len(names) > most else "") or "(none defined)"


def _uses(data: Any, known: dict[str, list[str]], findings: list[str]) -> Iterator[Use]:
    """Each place that names something, the name, and the names valid there."""
    parties, segments, services = known["parties"], known["segments"], known["services"]
    for name, segment in mapping(data, "segments").items():
        at: Location = ("segments", name)
        yield from _name_or_keys(segment, (*at, "payer"), parties)
        yield from key_uses(segment, (*at, "use"), services)
        yield from key_uses(segment, (*at, "financed_by"), parties)
    for name, service in mapping(data, "services").items():
        at = ("services", name)
        yield from value_use(service, (*at, "provider"), parties)
        yield from key_uses(service, (*at, "payment"), [*parties, SEGMENT_PAYER])
        yield from key_uses(service, (*at, "price"), parties)
    for name, programme in mapping(data, "interventions").items():
        yield from _intervention_uses(programme, ("interventions", name), known, findings)
    for index, movement in enumerate(listed(data, "movements")):
        yield from value_use(movement, ("movements", index, "from"), segments)
        yield from value_use(movement, ("movements", index, "to"), segments)
    yield from value_use(mapping(data, "backbone"), ("backbone", "party"), parties)


def _intervention_uses(
    programme: Any, at: Location, known: dict[str, list[str]], findings: list[str]
) -> Iterator[Use]:
    parties = known["parties"]
    yield from value_use(programme, (*at, "operator"), parties)
    yield from value_use(programme, (*at, "funded_by"), parties)
    yield from value_use(mapping(programme, "costs"), (*at, "costs", "in_kind_by"), parties)
    for index, segment in enumerate(listed(programme, "eligible", "segments")):
        yield (*at, "eligible", "segments", index), segment, known["segments"]
    yield from key_uses(programme, (*at, "effects"), known["services"])
    effects = mapping(programme, "effects")
    own = [s for s, e in effects.items() if isinstance(e, dict) and "follows" not in e]
    for service, effect in effects.items():
        here: Location = (*at, "effects", service)
        yield from value_use(effect, (*here, "follows"), own)
        cited = listed(effect, "evidence")
        for index, finding in enumerate(cited):
            yield (*here, "evidence", index), finding, findings
        own_ids = [c for c in cited if c in findings]
        yield from key_uses(effect, (*here, "comparator_rate"), own_ids)
        yield from key_uses(effect, (*here, "discounts"), [*DESIGNS, *own_ids])


def value_use(part: Any, location: Location, names: list[str]) -> Iterator[Use]:
    """The name that stands at the location, the last key of which is one of the part's."""
    if isinstance(part, dict) and location[-1] in part:
        yield location, part[location[-1]], names


def key_uses(part: Any, location: Location, names: list[str]) -> Iterator[Use]:
    """The keys of the mapping at the location, the last key of which is one of the part's."""
    for key in mapping(part, str(location[-1])):
        yield (*location, key), key, names


def _name_or_keys(part: Any, location: Location, names: list[str]) -> Iterator[Use]:
    yield from value_use(part, location, names)
    yield from key_uses(part, location, names)


def misfits(scenario: Scenario, document: Document) -> list[Problem]:
    """What is wrong between parts that are each valid: dates, shares, prices, correlations."""
    checks = (_dates, _shares, _need, _prices, _correlations)
    found = [misfit for check in checks for misfit in check(scenario)]
    return [problem_at(document, at, was, allowed, names) for at, was, allowed, names in found]


Misfit = tuple[Location, str, str, Iterable[str]]


def _dates(s: Scenario) -> Iterator[Misfit]:
    spans: list[tuple[Location, str | None, str | None]] = [
        (("interventions", name), i.start, i.end) for name, i in s.interventions.items()
    ]
    spans += [(("movements", k), m.start, m.end) for k, m in enumerate(s.movements)]
    for name, service in s.services.items():
        shocks = enumerate(service.shocks)
        spans += [(("services", name, "shocks", k), x.start, x.end) for k, x in shocks]
    for at, start, end in spans:
        if start and end and end < start:
            yield (*at, "end"), end, f"a month not before the start, {start}", ()
    for name, i in s.interventions.items():
        if i.start > s.clock.end:
            yield ("interventions", name, "start"), i.start, f"a month up to {s.clock.end}", ()
    for k, m in enumerate(s.movements):
        if m.origin == m.destination:
            yield ("movements", k, "to"), m.destination, "another segment than `from`", ()


def _shares(s: Scenario) -> Iterator[Misfit]:
    """Payers' shares add up to 1, as written (draws are scaled to 1)."""
    for name, segment in s.segments.items():
        if isinstance(segment.payer, dict):
            yield from _not_whole(segment.payer, ("segments", name, "payer"))
        if segment.financed_by:
            yield from _not_whole(segment.financed_by, ("segments", name, "financed_by"))
    for name, service in s.services.items():
        if service.payment is not None:
            yield from _not_whole(service.payment, ("services", name, "payment"))


def _not_whole(shares: Mapping[str, Parameter], at: Location) -> Iterator[Misfit]:
    """Shares that do not add up to 1."""
    total = sum(share.central for share in shares.values())
    if abs(total - 1.0) > ROUNDING:
        yield at, f"{total:g} in all", "shares adding up to 1", ()


def _need(s: Scenario) -> Iterator[Misfit]:
    """Nobody can come into crisis from an empty level at risk."""
    for name, segment in s.segments.items():
        need = segment.need
        if need.at_risk.central == 0.0 and need.in_crisis.central > 0.0 and not need.escalation:
            at: Location = ("segments", name, "need", "at_risk")
            yield at, "0, with people in crisis", "a share above 0, or an escalation rate", ()


def _prices(s: Scenario) -> Iterator[Misfit]:
    """Whoever pays for a service has a price for it, or a ratio of payment to cost."""
    told = set()
    for segment in s.segments.values():
        for name in segment.use:
            service = s.services[name]
            for party in payers_of(service.payment, segment.payers):
                priced = party in service.price or s.parties[party].payment_to_cost is not None
                if not priced and (name, party) not in told:
                    told.add((name, party))
                    allowed = f"a price for {name}, or parties.{party}.payment_to_cost"
                    yield ("services", name), f"no price for {party}, who pays", allowed, ()


def _correlations(s: Scenario) -> Iterator[Misfit]:
    uncertain = [name for name, p in parameters(s) if p.uncertain] + [
        f"interventions.{i}.effects.{e}"
        for i, programme in s.interventions.items()
        for e, effect in programme.effects.items()
        if effect.evidence
    ]
    seen: set[frozenset[str]] = set()
    for k, pair in enumerate(s.correlations):
        at: Location = ("correlations", k, "between")
        for j, name in enumerate(pair.between):
            if name not in uncertain:
                yield (*at, j), f"`{name}`", "the dotted name of an uncertain number", uncertain
        if pair.between[0] == pair.between[1]:
            yield at, "the same name twice", "two different parameters", ()
        if frozenset(pair.between) in seen:
            yield at, "a pair that is correlated above", "each pair once", ()
        seen.add(frozenset(pair.between))
