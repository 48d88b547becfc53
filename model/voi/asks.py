"""Asks: who could tell what is not known, so that a number becomes a request to somebody.

A payer can tell use, need and prices of its members; providers what leaves when use falls; those
who run a programme its reach and cost; the network its own money. Effects only a trial can tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

from model.distributions import Floats
from model.loading import Loaded
from model.quantity import Parameter
from model.scenario import payers_of
from model.sensitivity.factors import Factor

Teller = Literal["payer", "provider", "programme", "network", "trial", "nobody yet"]
TELLERS: dict[str, Teller] = {
    "use": "payer",
    "people and need": "payer",
    "prices": "payer",
    "payers": "payer",
    "what is freed": "provider",
    "reach": "programme",
    "programme costs": "programme",
    "backbone's money": "network",
    "effects": "trial",
}
ALL_FACTS, ALL_PAYERS = "all facts", "all that payers could tell"


class Ask(NamedTuple):
    """Some numbers that one request, or one study, could tell."""

    name: str
    kind: Literal["fact", "group", "request", "whole"]
    members: tuple[str, ...]
    meaning: str
    teller: Teller
    whom: str  # the party to ask, by key; none for a trial


def asks(loaded: Sequence[Loaded], facts: Sequence[Factor], asking: str = "") -> list[Ask]:
    """Each fact, each meaning, each request, and all facts; `asking` is a payer asked first."""
    main = asking or largest_payer(loaded[0])
    single = [_single(loaded, fact, main) for fact in facts]
    groups = _joined(single, "group", lambda a: (a.meaning, ""))
    requests = _joined(single, "request", lambda a: (a.meaning, a.whom))
    told = [a for a in single if a.teller == "payer"]
    wholes = [_whole(ALL_PAYERS, told)] if told else []
    return [*wholes, _whole(ALL_FACTS, single), *groups, *requests, *single]


def _single(loaded: Sequence[Loaded], fact: Factor, main: str) -> Ask:
    teller = TELLERS.get(fact.meaning, "nobody yet")
    whom = next(w for one in loaded if (w := _whom(one, fact.members[0], teller, main)) is not None)
    return Ask(fact.name, "fact", fact.members, fact.meaning, teller, whom)


def _joined(single: Sequence[Ask], kind: Literal["group", "request"], key: object) -> list[Ask]:
    together: dict[tuple[str, str], list[Ask]] = {}
    for ask in single:
        together.setdefault(key(ask), []).append(ask)  # type: ignore[operator]
    return [
        Ask(
            meaning,
            kind,
            tuple(n for a in found for n in a.members),
            meaning,
            found[0].teller,
            whom,
        )
        for (meaning, whom), found in together.items()
    ]


def _whole(name: str, found: Sequence[Ask]) -> Ask:
    members = tuple(n for a in found for n in a.members)
    teller: Teller = "payer" if name == ALL_PAYERS else "nobody yet"
    return Ask(name, "whole", members, name, teller, "")


def largest_payer(loaded: Loaded) -> str:
    """The payer with most people in the segments that the interventions serve."""
    s = loaded.scenario
    served = {g for i in s.programmes for g in i.eligible.segments} or set(s.segments)
    people: dict[str, float] = {}
    for name in served:
        segment = s.segments[name]
        for party, share in segment.payers.items():
            whole = segment.population.central * _central(share)
            people[party] = people.get(party, 0.0) + whole
    return max(sorted(people), key=lambda party: people[party])


def _central(share: Parameter | None) -> float:
    return 1.0 if share is None else share.central


def _whom(loaded: Loaded, name: str, teller: Teller, main: str) -> str | None:
    """The party to ask for a number; None where this scenario does not have it."""
    if name not in loaded.parameters and name not in loaded.effects:
        return None
    s, parts = loaded.scenario, name.split(".")
    if teller in ("trial", "nobody yet", "network"):
        return s.backbone.party if teller == "network" else ""
    if parts[0] == "parties":
        return parts[1]
    if parts[0] == "interventions":
        return s.interventions[parts[1]].operator
    of = _of_service if parts[0] == "services" else _of_segment
    return of(loaded, parts, teller, main)


def _of_service(loaded: Loaded, parts: Sequence[str], teller: Teller, main: str) -> str:
    service = loaded.scenario.services[parts[1]]
    if teller == "provider":
        return service.provider or ""
    return payers_of(service.payment, {main: 1.0})[0]


def _of_segment(loaded: Loaded, parts: Sequence[str], teller: Teller, main: str) -> str:
    """Who pays for a segment, or for one service that it uses."""
    del teller
    s = loaded.scenario
    if parts[0] != "segments" or parts[1] not in s.segments:
        return main
    payers = s.segments[parts[1]].payers
    if len(parts) > 3 and parts[2] == "use":
        return payers_of(s.services[parts[3]].payment, dict(payers))[0]
    return max(payers, key=lambda party: _central(payers[party]))


def inputs_of(ask: Ask, known: Mapping[str, Floats]) -> list[Floats]:
    """Values [draw] of the numbers of an ask."""
    return [known[name] for name in ask.members]
