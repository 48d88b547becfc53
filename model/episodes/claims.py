"""Claims: what each event costs whom, when it happened and when it was paid."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from model.distributions import Floats

from .care import Events, Traits, happen, lasting_factor
from .case import LEVELS, Billing, Case, Flags, Ints
from .chance import Chance
from .ramp import Ramp, joined_up, some
from .spans import Spans
from .stays import Presence, dated

OTHER_CARE = "other_care"
UNTOUCHED, BEFORE, AFTER = 0, 1, 2
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


def bills(case: Case, spans: Spans, known: Traits, events: list[Events], chance: Chance) -> Bills:
    """One row for each event of a service and for each bundle of other care."""
    parts = [_of_service(case, s, known, found, chance) for s, found in enumerate(events)]
    if case.other_care.cost.any():
        parts.append(_of_other_care(case, spans, known, chance))
    return joined_up(parts)


def _of_service(case: Case, s: int, known: Traits, found: Events, chance: Chance) -> Bills:
    rng, size = chance.stream(f"claims.{case.names.services[s]}"), found.person.size
    lasting = bool(case.billing.lasting[s])
    u = known.payer[found.person] if lasting else rng.random(size)
    k = payer_index(case.billing, found.segment, s, u)
    units = _units(float(case.scatter.length[s]), size, rng)
    price = case.billing.price[found.segment, s, k]
    price = price * _noise(float(case.scatter.amount_variation[s]), size, rng)
    return Bills(
        person=found.person,
        time=found.time,
        segment=found.segment,
        service=np.full(size, s),
        party=case.billing.party[found.segment, s, k],
        units=units,
        price=price,
        delay=case.scatter.run_out * rng.standard_exponential(size),
        usual=found.usual,
        strategy=found.strategy,
    )


def _of_other_care(case: Case, spans: Spans, known: Traits, chance: Chance) -> Bills:
    rng, other = chance.stream(OTHER_CARE), case.other_care
    rate = [_members_rate(case, spans, known, cell) for cell in (spans.usual, spans.strategy)]
    found = happen(spans, rate[0], rate[1], Ramp(np.ones((1, case.months))), 0, rng)
    size = found.person.size
    party = member_of(case, found.segment, known.payer[found.person])
    price = other.cost[party] / other.claims * lasting_factor(case, known, found.person, party)
    spread = np.sqrt(np.log1p(claim_variation(case) ** 2))[party]
    price = price * np.exp(spread * rng.standard_normal(size) - 0.5 * spread**2)
    return Bills(
        person=found.person,
        time=found.time,
        segment=found.segment,
        service=np.full(size, len(case.names.services)),
        party=party,
        units=np.ones(size),
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


def _members_rate(case: Case, spans: Spans, known: Traits, cell: Ints) -> Floats:
    """Claims/month of other care of who is in a cell."""
    party = member_of(case, np.maximum(cell, 0) // LEVELS, known.payer[spans.person])
    covered = (cell >= 0) & (case.other_care.cost[party] > 0.0)
    return np.where(covered, case.other_care.claims, 0.0)


def member_of(case: Case, segment: Ints, u: Floats) -> Ints:
    """The party whose member each person is."""
    k = payer_index(case.member, segment, 0, u)
    return np.asarray(case.member.party[segment, 0, k])


def payer_index(billing: Billing, segment: Ints, service: int, u: Floats) -> Ints:
    """Which of a service's payers each claim goes to, by their shares."""
    share, party = billing.share[:, service], billing.party[:, service]
    if share.shape[1] == 1:
        return np.zeros(segment.size, dtype=np.int64)
    last = np.maximum((party >= 0).sum(axis=1) - 1, 0)
    chosen = (u[:, None] >= share[segment]).sum(axis=1)
    return np.asarray(np.minimum(chosen, last[segment]), dtype=np.int64)


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
    return np.exp(spread * rng.standard_normal(size) - 0.5 * spread**2)


# --- the claims of a world


def claims_in(
    case: Case, world: str, every: Bills, there: Presence, started: Floats, chance: Chance
) -> Claims:
    """The events of one world, dated outside stays and priced.

    started: month of each person's first enrolment [person], inf for none.
    """
    kept: Flags = getattr(every, world)
    b = every if kept.all() else some(every, kept)
    date = dated(b.person, b.time, stay_lengths(case, b), there, chance.stream(f"dates.{world}"))
    last = case.months - 1
    incurred = np.minimum(date.astype(np.int64), last)
    services = len(case.names.services)
    factor = np.concatenate([case.use.price_factor, case.other_care.factor], axis=1)
    which = np.where(b.service < services, b.service, services + b.party)
    since = started[b.person]
    return Claims(
        person=b.person,
        segment=b.segment,
        payer=b.party,
        service=b.service,
        counted=np.minimum(b.time.astype(np.int64), last),
        incurred=incurred,
        paid=(date + b.delay).astype(np.int64),
        units=b.units,
        amount=b.units * b.price * factor[incurred, which],
        period=np.where(np.isinf(since), UNTOUCHED, np.where(date < since, BEFORE, AFTER)),
    )


def stay_lengths(case: Case, b: Bills) -> Floats:
    """Months that each event lasts: its days, the mean of its service, or 0 for a visit."""
    per_unit = np.append(case.scatter.stay / case.scatter.length, 0.0)
    return np.asarray(per_unit[b.service] * b.units)
