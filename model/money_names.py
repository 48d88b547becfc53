"""Names in a scenario's financing: does every name exist where it is used?

Like names.py, on the raw document: all that is wrong with a file is told at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from .explain import problem_at
from .names import Use, key_uses, listed, mapping, some, value_use
from .problems import Location, Problem, described
from .yamlfile import Document

MONEY = "financing"
ACCOUNTED = (  # parts of financing whose things belong to an account
    "posts",
    "costs",
    "dues",
    "fees",
    "grants",
    "hard_wiring",
    "loans",
    "contracts",
    "reinvestment",
)
NAME_PARTIES = {  # part of financing -> the fields that name a party
    "dues": ("payer",),
    "fees": ("payer",),
    "grants": ("payer",),
    "hard_wiring": ("partner",),
    "loans": ("lender",),
    "contracts": ("payer", "payee"),
}


class _Known(NamedTuple):
    """The names that a scenario defines; what a grant may pay is named with its part."""

    parties: list[str]
    segments: list[str]
    services: list[str]
    interventions: list[str]
    accounts: list[str]
    posts: list[str]
    funds: list[str]
    movable: list[str]
    payable: list[str]


def unknown_money_names(document: Document) -> list[Problem]:
    """Every use of a name in financing that is nowhere defined."""
    data = document.data
    known = _known(data)
    uses = (*_party_uses(data, known), *_part_uses(data, known), *_contracts_uses(data, known))
    accounts = _account_uses(data, known)
    return [_told(document, use, "one of") for use in _wrong(uses)] + [
        _told(document, use, "a party with an account, one of") for use in _wrong(accounts)
    ]


def _wrong(uses: Iterable[Use]) -> Iterator[Use]:
    return (use for use in uses if isinstance(use[1], str) and use[1] not in use[2])


def _told(document: Document, use: Use, words: str) -> Problem:
    at, name, names = use
    return problem_at(document, at, described(name), f"{words}: {some(names)}", names)


def _known(data: Any) -> _Known:
    def names(*path: str) -> list[str]:
        return list(mapping(data, *path))

    movable = [f"{part}.{name}" for part in ("posts", "costs") for name in names(MONEY, part)]
    interventions = names("interventions")
    return _Known(
        parties=names("parties"),
        segments=names("segments"),
        services=names("services"),
        interventions=interventions,
        accounts=names(MONEY, "accounts"),
        posts=names(MONEY, "posts"),
        funds=names(MONEY, "reinvestment"),
        movable=movable,
        payable=movable + [f"interventions.{name}" for name in interventions],
    )


def _things(data: Any, part: str) -> Iterator[tuple[Location, Any]]:
    """Place and raw text of each thing of one part of financing."""
    for name, thing in mapping(data, MONEY, part).items():
        yield (MONEY, part, name), thing


def _items(thing: Any, at: Location, names: list[str]) -> Iterator[Use]:
    """The items of the list at the location, the last key of which is one of the thing's."""
    for index, name in enumerate(listed(thing, str(at[-1]))):
        yield (*at, index), name, names


def _account_uses(data: Any, known: _Known) -> Iterator[Use]:
    for part in ACCOUNTED:
        for at, thing in _things(data, part):
            yield from value_use(thing, (*at, "account"), known.accounts)


def _party_uses(data: Any, known: _Known) -> Iterator[Use]:
    yield from key_uses(mapping(data, MONEY), (MONEY, "accounts"), known.parties)
    for at, account in _things(data, "accounts"):
        for inside, field in (("credit", "lender"), ("rescue", "rescuer")):
            named = mapping(account, inside)
            yield from value_use(named, (*at, inside, field), known.parties)
    for part, fields in NAME_PARTIES.items():
        for at, thing in _things(data, part):
            for field in fields:
                yield from value_use(thing, (*at, field), known.parties)


def _part_uses(data: Any, known: _Known) -> Iterator[Use]:
    """Posts, costs and interventions, where money is for them."""
    for at, fee in _things(data, "fees"):
        yield from _items(fee, (*at, "delivered_by"), known.posts)
    for at, grant in _things(data, "grants"):
        yield from _items(grant, (*at, "restricted_to"), known.payable)
    for at, move in _things(data, "hard_wiring"):
        yield from value_use(move, (*at, "moves"), known.movable)
    for at, fund in _things(data, "reinvestment"):
        yield from value_use(fund, (*at, "intervention"), known.interventions)


def _contracts_uses(data: Any, known: _Known) -> Iterator[Use]:
    for at, contract in _things(data, "contracts"):
        covers, terms = mapping(contract, "covers"), mapping(contract, "terms")
        yield from _items(covers, (*at, "covers", "segments"), known.segments)
        yield from _items(covers, (*at, "covers", "carved_out"), known.services)
        yield from value_use(contract, (*at, "cases"), known.interventions)
        yield from value_use(contract, (*at, "pays_into"), known.funds)
        yield from _measure_uses(contract, (*at, "measures"), known)
        yield from key_uses(terms, (*at, "terms", "distribution"), known.parties)
        withhold = mapping(terms, "withhold")
        yield from key_uses(withhold, (*at, "terms", "withhold", "others"), known.parties)


def _measure_uses(contract: Any, at: Location, known: _Known) -> Iterator[Use]:
    """A measure has the name of a metric in the terms."""
    metrics = list(mapping(contract, "terms", "outcomes", "metrics"))
    yield from key_uses(contract, at, metrics)
    for name, measure in mapping(contract, "measures").items():
        yield from value_use(measure, (*at, name, "service"), known.services)
        yield from value_use(measure, (*at, name, "intervention"), known.interventions)
