"""Cost sums: what one replication keeps, so that the scatter of cost between members can be told.

Sums and second moments over people, by payer and by contract: a few thousand numbers, whatever the
number of people. variation.py makes estimates of many.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np

from model.distributions import Floats
from model.loading import Loaded

from .attribution import (
    MONTHS,
    ClaimRules,
    People,
    deals_of,
    member_years,
    members,
    people_of,
)
from .case import Case
from .claims import Claims
from .claims_settlement import variance_of
from .claims_years import Books, books, moments, pairs_of
from .ramp import some
from .run import Replication

CHUNK = 1 << 16  # claims at a time, so that they stay in the processor's cache


class Side(NamedTuple):
    """The members of a payer in one world, summed over people, by year from the first month."""

    members: Floats  # [year] member-years
    cost: Floats  # [year] USD that the payer paid for them
    moments: Floats  # second moments between people (claims_years.moments)
    services: Floats  # the same of rescue services alone
    pairs: Floats  # [year - 1, 6] of who is there through two years (claims_years.pairs_of)


class Sums(NamedTuple):
    """What one replication keeps: small, whatever the number of people."""

    number: int
    payers: dict[str, dict[str, Side]]  # by payer, then by world
    contracts: dict[str, Books]


def sums(
    case: Case,
    replication: Replication,
    loaded: Loaded | None = None,
    seed: int = 0,
    rules: ClaimRules | None = None,
) -> Sums:
    """Sums over people of each payer that carries other care, and of each contract of `loaded`.

    Worlds are those whose claims the replication holds; contracts need both. `seed` is that of the
    run: base years before the horizon are drawn anew.
    """
    found = {world: sides(case, replication, world) for world in replication.claims}
    names = next(iter(found.values()), {})
    payers = {name: {world: found[world][name] for world in found} for name in names}
    deals = deals_of(loaded, case, rules) if loaded is not None else []
    contracts = {deal.name: books(case, replication, deal, seed) for deal in deals}
    return Sums(replication.number, payers, contracts)


def sides(case: Case, replication: Replication, world: str) -> dict[str, Side]:
    """Sums over the members of each payer that carries other care, by its name.

    A payer's claims for people who never were its members are left out.
    """
    everywhere = np.ones(len(case.names.segments), dtype=np.bool_)
    u, starts = replication.traits.payer, MONTHS * np.arange(case.months // MONTHS)
    payers = np.flatnonzero(case.other_care.cost > 0.0).tolist()
    people = {p: people_of(members(case, p, everywhere, u)) for p in payers}
    spent = _spending(case, replication.claims[world], people, starts.size)
    out = {}
    for p, who in people.items():
        rescue, other = spent[p]
        years = member_years(replication.spans, world, who, starts)
        whole = rescue + other
        out[case.names.parties[p]] = Side(
            members=years.sum(axis=0),
            cost=whole.sum(axis=0),
            moments=moments(whole, years, 1),
            services=moments(rescue, years, 0),
            pairs=pairs_of(whole, years),
        )
    return out


def _spending(
    case: Case, claims: Claims, people: dict[int, People], years: int
) -> dict[int, tuple[Floats, Floats]]:
    """USD [row, year] of rescue services and of other care, by payer: all claims in one pass.

    Rows of all payers stand one after the other. What is nobody's goes to one more row, what is of
    no whole year to a place behind all years.
    """
    ends = np.cumsum([0, *(who.size for who in people.values())])
    rows, persons = int(ends[-1]), max((who.row.size for who in people.values()), default=0)
    row = np.full((len(people) + 1, persons), rows)
    slot = np.full(len(case.names.parties), len(people))
    for k, (p, who) in enumerate(people.items()):
        slot[p] = k
        row[k] = np.where(who.row >= 0, who.row + ends[k], rows)
    year = np.full(int(claims.incurred.max(initial=0)) + 1, 2 * years)
    whole = np.arange(min(MONTHS * years, year.size))
    year[whole] = whole // MONTHS
    key = np.empty(claims.person.size, dtype=np.int64)
    for begin in range(0, key.size, CHUNK):
        c = some(claims, slice(begin, begin + CHUNK))
        place = year[c.incurred] + years * (c.service == len(case.names.services))
        key[begin : begin + CHUNK] = np.minimum(place, 2 * years) * (rows + 1)
        key[begin : begin + CHUNK] += row.ravel()[slot[c.payer] * persons + c.person]
    size = (2 * years + 1) * (rows + 1)
    found = np.bincount(key, claims.amount, minlength=size).reshape(-1, rows + 1)
    half = found[: 2 * years].astype(np.float64, copy=False).reshape(2, years, rows + 1)
    return {
        p: (half[0, :, ends[k] : ends[k + 1]].T, half[1, :, ends[k] : ends[k + 1]].T)
        for k, p in enumerate(people)
    }


# --- from sums over people to one number


def rms(values: Iterable[float]) -> float:
    """Root mean square of what is known; nan of nothing."""
    known = [x * x for x in values if not math.isnan(x)]
    return math.sqrt(sum(known) / len(known)) if known else math.nan


def cv_of(second: Floats, year: int) -> float:
    """sd / mean of a member-year's cost, such that CV / sqrt(member-years) is the relative standard
    deviation of cost per member-year: a member of half a year counts as half of one.

    With cost c and years m of each person, CV^2 = sum (c - mean m)^2 x sum m / (sum c)^2.
    """
    count = (len(second) - 1) // 2
    cost, years = second[-1, year], second[-1, count + year]
    if cost <= 0.0 or years <= 0.0:
        return math.nan
    mean = cost / years
    c, m = year, count + year
    scatter = second[c, c] - 2.0 * mean * second[c, m] + mean**2 * second[m, m]
    return math.sqrt(max(0.0, scatter) * years) / float(cost)


def sd_of_change(of: Side, year: int) -> float:
    """Relative standard deviation of cost per member-year against that of the year before."""
    if min(of.cost[year - 1], of.cost[year]) <= 0.0:
        return math.nan
    move = np.zeros((2, of.cost.size))
    move[0, [year, year - 1]] = 1.0 / of.cost[year], -1.0 / of.cost[year - 1]
    move[1, [year, year - 1]] = -1.0 / of.members[year], 1.0 / of.members[year - 1]
    return math.sqrt(variance_of(move, of.moments))


def cv_of_pair(pair: Floats) -> float:
    """sd / mean in the first of two years of who is there through both."""
    count, first, _, square, _, _ = pair
    if count < 2 or first <= 0.0:
        return math.nan
    mean = first / count
    return math.sqrt(max(0.0, (square - count * mean**2) / (count - 1))) / float(mean)


def correlation_of(pairs: Floats) -> float:
    """Of a year's cost and the next year's: covariances of all pairs of years over variances.

    Each year is taken in multiples of its mean, so that trend makes none.
    """
    over, under = 0.0, 0.0
    for count, a, b, aa, bb, ab in pairs:
        if count > 1 and a > 0.0 and b > 0.0:
            covariance = ab * count / (a * b) - 1.0
            variances = (aa * count / a**2 - 1.0, bb * count / b**2 - 1.0)
            over += covariance * count
            under += math.sqrt(max(0.0, variances[0] * variances[1])) * count
    return over / under if under > 0.0 else math.nan
