"""Claims: what each event costs whom, when it happened and when it was paid."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from model.distributions import Floats

from .care import WORLDS, Events, Traits, happen, lasting_factor, rates, use_of
from .case import ABSENT, LEVELS, Billing, Case, Flags, Ints
from .chance import Chance
from .ramp import Ramp, joined_up, some
from .spans import Spans
from .stays import Presence, dated

OTHER_CARE = "other_care"
UNTOUCHED, BEFORE, AFTER = 0, 1, 2
BOTH = "both"
BLOCK = 1 << 14  # spans
PERIODS = ("untouched", "before", "after")


class Bills(NamedTuple):
    """Every event of both worlds with the luck that goes with it, service by service."""

    person: Ints
    time: Floats  # as counted from the path
    segment: Ints
    service: Ints  # other care is the last
    party: Ints
    units: Floats
    price: Floats  # USD/unit at base prices, with the scatter of amounts
    delay: Floats  # months until paid
    usual: Flags
    strategy: Flags


class Claims(NamedTuple):
    """The claims of one world."""

    person: Ints
    segment: Ints
    payer: Ints
    service: Ints
    counted: Ints  # month to which the path gives it
    incurred: Ints  # month of its date, outside stays
    paid: Ints
    units: Floats
    amount: Floats
    period: Ints


class Block(NamedTuple):
    """Some people, numbered from 0, who all live alike in both worlds or are all touched."""

    who: Ints  # [person] their numbers
    touched: bool  # by an intervention
    spans: Spans
    segment: Ints  # [span]: the same in both worlds for who is there
    known: Traits


def bills(case: Case, block: Block, events: Iterable[Events], streams: Streams) -> Bills:
    """One row for each event of a service and for each bundle of other care."""
    rows = [_of_service(case, s, block, found, streams.bills[s]) for s, found in enumerate(events)]
    if case.other_care.cost.any():
        rows.append(_of_other_care(case, block, streams))
    return joined_up(rows)


def _of_service(case: Case, s: int, block: Block, found: Events, rng: np.random.Generator) -> Bills:
    billing, size = case.billing, found.span.size
    segment, u = block.segment, block.known.payer[block.spans.person]
    if not billing.lasting[s]:
        segment, u = segment[found.span], rng.random(size)
    k = segment * billing.share.shape[2] + payer_index(billing, segment, s, u)
    price, party = billing.price[:, s].ravel()[k], billing.party[:, s].ravel()[k]
    if billing.lasting[s]:
        price, party = price[found.span], party[found.span]
    units = _units(float(case.scatter.length[s]), size, rng)
    price = price * _noise(float(case.scatter.amount_variation[s]), size, rng)
    return _rows(case, block, found, s, party, units, price, rng)


def _of_other_care(case: Case, block: Block, streams: Streams) -> Bills:
    other, spans = case.other_care, block.spans
    party = member_of(case, block.segment, block.known.payer[spans.person])
    rate = np.where(other.cost[party] > 0.0, other.claims, 0.0)
    usual, strategy = (
        np.where(cell == ABSENT, 0.0, rate) for cell in (spans.usual, spans.strategy)
    )
    clock = Ramp(np.ones((1, case.months)))
    found = happen(spans, usual, strategy, clock, 0, streams.use[-1])
    price = other.cost[party] / other.claims
    price = price * lasting_factor(case, block.known, spans.person, party)
    spread = np.sqrt(np.log1p(claim_variation(case) ** 2))[party][found.span]
    rng, size = streams.bills[-1], found.span.size
    noise = np.exp(spread * (rng.standard_normal(size) - 0.5 * spread))
    service = len(case.names.services)
    price, party = price[found.span] * noise, party[found.span]
    return _rows(case, block, found, service, party, np.ones(size), price, rng)


def _rows(
    case: Case,
    block: Block,
    found: Events,
    service: int,
    party: Ints,
    units: Floats,
    price: Floats,
    rng: np.random.Generator,
) -> Bills:
    size = found.span.size
    return Bills(
        person=block.spans.person[found.span],
        time=found.time,
        segment=block.segment[found.span],
        service=np.full(size, service),
        party=party,
        units=units,
        price=price,
        delay=case.scatter.run_out * rng.standard_exponential(size),
        usual=found.usual,
        strategy=found.strategy,
    )


def claim_variation(case: Case) -> Floats:
    """sd / mean of one claim of other care [party], so that a member's year varies as asked.

    variation^2 = c + (1 + c) (1 + claim variation^2) / (12 claims a month), with c the part of
    it that lasts; never below 0.
    """
    other = case.other_care
    c = other.lasting_share * other.variation**2
    square = (other.variation**2 - c) * 12.0 * other.claims / (1.0 + c) - 1.0
    out: Floats = np.sqrt(np.maximum(square, 0.0))
    return out


def member_of(case: Case, segment: Ints, u: Floats) -> Ints:
    """The party whose member each person is."""
    k = payer_index(case.member, segment, 0, u)
    return np.asarray(case.member.party[segment, 0, k])


def payer_index(billing: Billing, segment: Ints, service: int, u: Floats) -> Ints:
    """Which of a service's payers each claim goes to, by their shares."""
    share, party = billing.share[:, service], billing.party[:, service]
    last = np.maximum((party >= 0).sum(axis=1) - 1, 0)
    chosen = np.zeros(segment.size, dtype=np.intp)
    for k in range(int(last.max(initial=0))):
        chosen += (u >= share[:, k][segment]) & (k < last)[segment]
    return chosen


def _units(length: float, size: int, rng: np.random.Generator) -> Floats:
    """Whole days of a stay (geometric with the mean length), or 1."""
    if length <= 1.0:
        return np.full(size, length)
    return rng.geometric(1.0 / length, size).astype(np.float64)


def _noise(variation: float, size: int, rng: np.random.Generator) -> Any:
    """Lognormal factors of mean 1."""
    if variation == 0.0:
        return 1.0
    spread = float(np.sqrt(np.log1p(variation**2)))
    return np.exp(spread * (rng.standard_normal(size) - 0.5 * spread))


# --- the claims of a world


def claims_in(
    case: Case, block: Block, b: Bills, there: Presence, started: Floats, rng: np.random.Generator
) -> Claims:
    """The events of one world, dated outside stays and priced.

    there, started: of everybody [person]; `started` is the month of the first enrolment, inf for
    none.
    """
    here = Presence(there.entered[block.who], there.gone[block.who])
    date = dated(b.person, b.time, stay_lengths(case, b), here, rng)
    last, services = case.months - 1, len(case.names.services)
    incurred = np.minimum(date.astype(np.intp), last)
    factor = np.concatenate([case.use.price_factor, case.other_care.factor], axis=1)
    which = np.where(b.service < services, b.service, services + b.party)
    return Claims(
        person=block.who[b.person].astype(np.int32),
        segment=b.segment.astype(np.int32),
        payer=b.party.astype(np.int32),
        service=b.service.astype(np.int32),
        counted=np.minimum(b.time.astype(np.int32), last),
        incurred=incurred.astype(np.int32),
        paid=(date + b.delay).astype(np.int32),
        units=b.units,
        amount=b.units * b.price * factor.ravel()[incurred * factor.shape[1] + which],
        period=_period(date, started[block.who][b.person]) if block.touched else _untouched(date),
    )


def _period(date: Floats, started: Floats) -> Ints:
    period = np.where(date < started, BEFORE, AFTER)
    return np.where(np.isinf(started), UNTOUCHED, period).astype(np.int32)


def _untouched(date: Floats) -> Ints:
    return np.full(date.size, UNTOUCHED, dtype=np.int32)


def stay_lengths(case: Case, b: Bills) -> Floats:
    """Months that each event lasts: its days, the mean of its service, or 0 for a visit."""
    per_unit = np.append(case.scatter.stay / case.scatter.length, 0.0)
    return np.asarray(per_unit[b.service] * b.units)


# --- all claims


class Streams(NamedTuple):
    """Chance of use and claims; one for each service and one for other care."""

    use: list[np.random.Generator]
    bills: list[np.random.Generator]
    dates: dict[str, np.random.Generator]  # by world, and of those who live alike in both


def streams(case: Case, chance: Chance) -> Streams:
    names = (*case.names.services, OTHER_CARE)
    return Streams(
        [chance.stream(f"use.{name}") for name in names],
        [chance.stream(f"claims.{name}") for name in names],
        {world: chance.stream(f"dates.{world}") for world in (*WORLDS, BOTH)},
    )


def claims_of(
    case: Case,
    spans: Spans,
    known: Traits,
    there: dict[str, Presence],
    started: Floats,
    chance: Chance,
) -> Iterator[tuple[Block, Bills, dict[str, Claims]]]:
    """Claims of the worlds that `there` names, and the bills behind them, block by block.

    Who is not touched has the same claims in both worlds, to the day and the cent.
    """
    drawn, rate = streams(case, chance), rates(case, spans.exposed)
    for block in blocks(spans, known):
        events = use_of(case, block.spans, block.known.frailty, rate, drawn.use)
        made = bills(case, block, events, drawn)
        found: dict[str, Claims] = {}
        if block.touched:
            for world, presence in there.items():
                own = some(made, getattr(made, world))
                found[world] = claims_in(case, block, own, presence, started, drawn.dates[world])
        else:
            presence = next(iter(there.values()))
            common = claims_in(case, block, made, presence, started, drawn.dates[BOTH])
            found = dict.fromkeys(there, common)
        yield block, made, found


def collected(
    made: Iterable[tuple[Block, Bills, dict[str, Claims]]], worlds: Sequence[str], with_bills: bool
) -> tuple[Bills | None, dict[str, Claims]]:
    """The blocks put together."""
    found: dict[str, list[Claims]] = {world: [] for world in worlds}
    every: list[Bills] = []
    for block, made_there, claims in made:
        for world in worlds:
            found[world].append(claims[world])
        if with_bills:
            every.append(made_there._replace(person=block.who[made_there.person]))
    together = joined_up(every) if every else None
    return together, {world: joined_up(parts) for world, parts in found.items()}


def blocks(spans: Spans, known: Traits) -> Iterator[Block]:
    """Who lives alike in both worlds, then who does not; as many people at a time as make a block
    of spans, since what fits the processor's cache takes half the time.
    """
    people = known.frailty.size
    touched = np.zeros(people, dtype=np.bool_)
    touched[spans.person[(spans.exposed != 0) | (spans.usual != spans.strategy)]] = True
    for group in (False, True):
        who = np.flatnonzero(touched == group)
        rows = some(spans, touched[spans.person] == group)
        person = (np.cumsum(touched == group) - 1)[rows.person]
        cuts = person[BLOCK::BLOCK]  # who lies across a cut belongs to the next block
        for first, last in pairwise(np.unique([0, *cuts, who.size])):
            here = slice(*np.searchsorted(person, [first, last]))
            part = some(rows, here)._replace(person=person[here] - first)
            yield _block(who[first:last], group, part, known)


def _block(who: Ints, touched: bool, spans: Spans, known: Traits) -> Block:
    cell = np.where(spans.strategy == ABSENT, spans.usual, spans.strategy)
    return Block(who, touched, spans, cell // LEVELS, some(known, who))
