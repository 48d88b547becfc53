"""Claims years: what a contract's people cost, person by person and year by year.

From the claims of one replication to [person, year]: who is attributed, what is counted, what was
paid in time, what lies above a cap; base years that lie before the horizon are drawn anew. Of it
only sums over people remain (`Ledger`): how the scatter between members makes a measured rate
scatter follows from their second moments.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from model.distributions import Floats

from .attribution import (
    MONTHS,
    Deal,
    People,
    attributed,
    member_years,
    people_of,
    plan_members,
)
from .case import Case, Flags, Ints
from .chance import Chance
from .claims import Claims, claims_of, collected
from .ramp import some
from .run import Replication
from .spans import Spans
from .stays import Presence

WORLD = "usual"


class Ledger(NamedTuple):
    """Sums over the people of a contract in one world, by year, base years first."""

    members: Floats  # [year] member-years
    cost: Floats  # [year] USD, as seen: attributed, counted, paid in time, below the cap
    whole: Floats  # [year] USD before the cap
    late: Floats  # [year] USD that was not yet paid when counted
    true: Floats  # [year] USD, complete and without a cap, of who is attributed in either world
    moments: Floats  # second moments between people: see `moments`
    uncapped: Floats  # the same of whole cost
    services: Floats  # the same of rescue services alone
    pairs: Floats  # [year - 1, 6]: see `pairs_of`; of whole cost


class Books(NamedTuple):
    """A contract in one replication."""

    deal: Deal
    usual: Ledger
    strategy: Ledger
    compared: Ledger | None  # its comparison group, which lives in usual care
    expected: Floats  # [year] USD/member-year in usual care
    drawn: Flags  # [year] base years before the horizon


def books(case: Case, replication: Replication, deal: Deal, seed: int) -> Books:
    """All that a contract's settlement reads; the replication holds the claims of both worlds."""
    who = people_of(plan_members(case, deal, replication.traits.payer))
    drawn = deal.starts < 0
    index = expected_cost(case, replication, deal)
    years, chosen = {}, {}
    for world in ("usual", "strategy"):
        years[world] = _membership(replication, world, who, deal)
        known = replication.traits.payer
        chosen[world] = attributed(case, deal, replication.spans, world, known, who, years[world])
    either = chosen["usual"] | chosen["strategy"]
    earlier = drawn_anew(case, replication, deal, who, seed)
    found = {}
    for world in ("usual", "strategy"):
        spent = _spent(case, replication.claims[world], deal, who, earlier)
        found[world] = ledger(deal, spent, years[world], chosen[world], either, index)
    group = _comparison(case, replication, deal, index, seed) if deal.compared else None
    return Books(deal, found["usual"], found["strategy"], group, index, drawn)


def _comparison(
    case: Case, replication: Replication, deal: Deal, index: Floats, seed: int
) -> Ledger:
    """The payer's other members of the same segments, whom no programme reaches."""
    who = people_of(plan_members(case, deal, replication.traits.payer, deal.attributed))
    years = _membership(replication, "usual", who, deal)
    known = replication.traits.payer
    chosen = attributed(case, deal, replication.spans, "usual", known, who, years)
    earlier = drawn_anew(case, replication, deal, who, seed)
    spent = _spent(case, replication.claims["usual"], deal, who, earlier)
    return ledger(deal, spent, years, chosen, chosen, index)


def _membership(replication: Replication, world: str, who: People, deal: Deal) -> Floats:
    """Years of membership [row, year]; a drawn base year has the people of the first."""
    starts = np.maximum(deal.starts, 0)
    spans = replication.spans
    out = member_years(spans, world, who, starts)
    if (deal.starts < 0).any():
        first = member_years(spans, "usual", who, np.zeros(1, dtype=np.int64))
        out[:, deal.starts < 0] = first
    return out


# --- cost


class Spent(NamedTuple):
    """USD [row, year] of a contract's people on care that counts, before any cap."""

    whole: Floats  # complete
    late: Floats  # of it, not yet paid when the year is counted
    services: Floats  # of it, rescue services


def _spent(case: Case, claims: Claims, deal: Deal, who: People, earlier: list[Claims]) -> Spent:
    mine = counted(claims, deal, who)
    year = _year(deal, claims.incurred[mine])
    inside = year >= 0
    mine, year = mine[inside], year[inside]
    out = _by_person(case, claims, deal, who, mine, year)
    for k, drawn in enumerate(earlier):
        again = counted(drawn, deal, who)
        part = _by_person(case, drawn, deal, who, again, np.full(again.size, k))
        out.whole[:, k], out.services[:, k] = part.whole[:, k], part.services[:, k]
        out.late[:, k] = 0.0
    return out


def counted(claims: Claims, deal: Deal, who: People) -> Ints:
    """Which claims are of the contract's payer, people, segments and services."""
    mine = np.flatnonzero(claims.payer == deal.payer)
    kept = deal.services[claims.service[mine]]
    kept &= who.covered[claims.segment[mine], claims.person[mine]]
    out: Ints = mine[kept]
    return out


def _year(deal: Deal, month: Ints) -> Ints:
    """Number of the year of a month; -1 outside, also in a base year before the horizon."""
    begins = int(deal.starts[0])
    year = np.floor_divide(month - begins, MONTHS)
    return np.where((year < deal.starts.size) & (year >= (deal.starts < 0).sum()), year, -1)


def _by_person(
    case: Case, claims: Claims, deal: Deal, who: People, mine: Ints, year: Ints
) -> Spent:
    width = deal.starts.size
    key = who.row[claims.person[mine]] * width + year
    amount = claims.amount[mine]
    late = claims.paid[mine] >= deal.starts[year] + MONTHS + deal.run_out
    late &= year >= deal.base
    rescue = claims.service[mine] < len(case.names.services)

    def total(which: Flags | None) -> Floats:
        k, a = (key, amount) if which is None else (key[which], amount[which])
        out = np.bincount(k, a, minlength=who.size * width).astype(np.float64)
        return out.reshape(-1, width)

    return Spent(total(None), total(late), total(rescue))


# --- sums over people


def ledger(
    deal: Deal, spent: Spent, years: Floats, chosen: Flags, either: Flags, index: Floats
) -> Ledger:
    """Sums over people of who is attributed, with the cost above the cap left out."""
    m = np.where(chosen, years, 0.0)
    whole, late = np.where(chosen, spent.whole, 0.0), np.where(chosen, spent.late, 0.0)
    cap = cap_of(deal, whole[:, deal.base - 1], m[:, deal.base - 1])
    levels = cap * index / index[deal.base - 1] if np.isfinite(cap) else np.full(m.shape[1], cap)
    cost = whole - late
    if np.isfinite(cap):
        cost = np.minimum(cost, levels * m)
    return Ledger(
        members=m.sum(axis=0),
        cost=cost.sum(axis=0),
        whole=(whole - late).sum(axis=0),
        late=late.sum(axis=0),
        true=np.where(either, spent.whole, 0.0).sum(axis=0),
        moments=moments(cost, m),
        uncapped=moments(whole, m, 0),
        services=moments(np.where(chosen, spent.services, 0.0), m, 0),
        pairs=pairs_of(whole, m),
    )


def moments(cost: Floats, years: Floats, reach: int | None = None) -> Floats:
    """Second moments [2 x year + 1, ...] of (cost, member-years, 1) summed over people.

    With 1 as the last row, the last row holds the sums themselves. Products of years that are more
    than `reach` apart are left out: nan. einsum adds up in one order, whatever the threads.
    """
    count = cost.shape[1]
    of = [np.ascontiguousarray(cost.T), np.ascontiguousarray(years.T)]
    out = np.full((2 * count + 1, 2 * count + 1), np.nan)
    for lag in range(count if reach is None else min(count, reach + 1)):
        at = np.arange(count - lag)
        for i, a in enumerate(of):
            for j, b in enumerate(of):
                found = np.einsum("yp,yp->y", a[: count - lag], b[lag:])
                out[i * count + at, j * count + at + lag] = found
                out[j * count + at + lag, i * count + at] = found
    out[-1] = out[:, -1] = np.concatenate([of[0].sum(axis=1), of[1].sum(axis=1), [len(cost)]])
    return out


ALL_YEAR = 1.0 - 1e-9


def pairs_of(cost: Floats, years: Floats) -> Floats:
    """Of who is there through a year and the next: count, sums, squares, products [year - 1, 6]."""
    there = np.ascontiguousarray((years >= ALL_YEAR).T, dtype=np.float64)
    spent = there * cost.T
    one, two, a, b = there[:-1], there[1:], spent[:-1], spent[1:]
    parts = ((one, two), (a, two), (one, b), (a, a * two), (b, b * one), (a, b))
    return np.stack([np.einsum("yp,yp->y", x, y) for x, y in parts], axis=1)


def cap_of(deal: Deal, cost: Floats, years: Floats) -> float:
    """USD/member-year in the year before the contract, inf without a cap.

    The amount itself, or that percentile of members' years, or where the contract states the share
    of cost above its cap, the cap above which that share lies. A member of a part of a year has
    that part of the cap.
    """
    if deal.rules.cap is not None:
        return deal.rules.cap
    there = years > 0.0
    yearly, weight = cost[there] / years[there], years[there]
    order = np.argsort(yearly)
    yearly, weight = yearly[order], weight[order]
    if deal.rules.percentile is not None:
        reached = np.searchsorted(weight.cumsum(), deal.rules.percentile / 100.0 * weight.sum())
        return float(yearly[min(int(reached), yearly.size - 1)])
    if deal.above_cap <= 0.0 or not yearly.size:
        return np.inf
    # Above a cap at one of these costs lie what is dearer, less the cap for each.
    dearer = np.append(weight[::-1].cumsum()[::-1][1:], 0.0)
    spent = np.append((weight * yearly)[::-1].cumsum()[::-1][1:], 0.0)
    above = spent - dearer * yearly
    target = deal.above_cap * float((weight * yearly).sum())
    return float(np.interp(-target, -above, yearly))


# --- what usual care is expected to cost


def expected_cost(case: Case, replication: Replication, deal: Deal) -> Floats:
    """Expected USD/member-year [year] in usual care of the segments' people as they are.

    Rates of use times prices, by segment, need level and month: the trend of the area as it is,
    without the luck of anybody's claims. A base year before the horizon is as the first year.
    """
    there = replication.worlds["usual"].community.person_months
    mine = np.array([_share(case, g, deal.payer) for g in range(deal.segments.size)])
    months = there * (mine * deal.segments)[None, :, None]
    use, each = case.use, member_price(case, deal)
    monthly = np.einsum("mgl,gls,ms,gs->m", months, use.rate, use.factor * use.price_factor, each)
    if deal.services[-1]:
        care = case.other_care
        monthly += months.sum(axis=(1, 2)) * care.cost[deal.payer] * care.factor[:, deal.payer]
    members = months.sum(axis=(1, 2))
    starts = np.maximum(deal.starts, 0)
    year = np.add.outer(starts, np.arange(MONTHS))
    out: Floats = MONTHS * monthly[year].sum(axis=1) / members[year].sum(axis=1)
    return out


def _share(case: Case, segment: int, payer: int) -> float:
    """Of a segment's people, who is the payer's member."""
    share = np.diff(case.member.share[segment, 0], prepend=0.0)
    return float(share[case.member.party[segment, 0] == payer].sum())


def member_price(case: Case, deal: Deal) -> Floats:
    """USD that the payer pays for a unit of each service of one of its members, [segment, service].

    A service that the segment's own payers pay is paid by the member's; another in shares.
    """
    billing = case.billing
    part = np.diff(billing.share, axis=2, prepend=0.0)
    part = np.where(billing.lasting[None, :, None], 1.0, part)
    paid = np.where(billing.party == deal.payer, part * billing.price, 0.0).sum(axis=2)
    return np.asarray(paid * deal.services[None, :-1])


# --- base years before the horizon


class Earlier(Chance):
    """Streams of a base year before the horizon."""

    def __init__(self, seed: int, replication: int, name: str) -> None:
        super().__init__(seed, replication)
        self.name = name

    def stream(self, purpose: str) -> np.random.Generator:
        return super().stream(f"contracts.{self.name}.{purpose}")


def drawn_anew(
    case: Case, replication: Replication, deal: Deal, who: People, seed: int
) -> list[Claims]:
    """Claims of each base year before the horizon, the earliest first.

    The same people as in the first year of usual care, with their segments, need levels, lasting
    frailty and cost; the luck of the year is drawn anew.
    """
    missing = int((deal.starts < 0).sum())
    if not missing:
        return []
    first = first_year(replication.spans, who)
    there = Presence(np.zeros(who.row.size), np.full(who.row.size, float(MONTHS)))
    never = np.full(who.row.size, np.inf)
    out = []
    for k in range(missing):
        chance = Earlier(seed, replication.number, f"{deal.name}.base.{deal.base - k}")
        made = claims_of(case, first, replication.traits, {WORLD: there}, never, chance)
        out.append(collected(made, (WORLD,), False)[1][WORLD])
    return out


def first_year(spans: Spans, who: People) -> Spans:
    """The first twelve months of a contract's people in usual care."""
    mine = (spans.usual >= 0) & (spans.start < MONTHS) & (who.row[spans.person] >= 0)
    of = some(spans, np.flatnonzero(mine))
    return of._replace(
        end=np.minimum(of.end, float(MONTHS)), strategy=of.usual, exposed=np.zeros_like(of.exposed)
    )
