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
from .claims import Claims
from .earlier import Earlier, earlier_years
from .expected import expected_cost
from .run import Replication


class Ledger(NamedTuple):
    """Sums over the people of a contract in one world, by year, base years first."""

    members: Floats  # [year] member-years
    cost: Floats  # [year] USD of a performance year: paid in time and completed, below the cap
    complete: Floats  # [year] USD of a base year: complete, below the cap
    whole: Floats  # [year] USD, complete, before the cap
    late: Floats  # [year] USD that was not yet paid when a performance year was counted
    true: Floats  # [year] USD, complete and without a cap, of who is attributed in either world
    moments: Floats  # second moments between people of `complete` and then `cost`: see `moments`
    uncapped: Floats  # the same of whole cost alone
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
    index = expected_cost(case, deal)
    earlier = earlier_years(case, replication, deal, who, seed)
    years, chosen = {}, {}
    for world in ("usual", "strategy"):
        years[world] = _membership(replication, world, who, deal, earlier)
        known = replication.traits.payer
        chosen[world] = attributed(case, deal, replication.spans, world, known, who, years[world])
    either = chosen["usual"] | chosen["strategy"]
    found = {}
    for world in ("usual", "strategy"):
        spent = _spent(case, replication.claims[world], deal, who, earlier)
        found[world] = ledger(deal, spent, years[world], chosen[world], either, index)
    group = _comparison(case, replication, deal, index, seed) if deal.compared else None
    return Books(deal, found["usual"], found["strategy"], group, index, deal.starts < 0)


def _comparison(
    case: Case, replication: Replication, deal: Deal, index: Floats, seed: int
) -> Ledger:
    """The payer's other members of the same segments, whom no programme reaches."""
    who = people_of(plan_members(case, deal, replication.traits.payer, deal.attributed))
    earlier = earlier_years(case, replication, deal, who, seed)
    years = _membership(replication, "usual", who, deal, earlier)
    known = replication.traits.payer
    chosen = attributed(case, deal, replication.spans, "usual", known, who, years)
    spent = _spent(case, replication.claims["usual"], deal, who, earlier)
    return ledger(deal, spent, years, chosen, chosen, index)


def _membership(
    replication: Replication, world: str, who: People, deal: Deal, earlier: Earlier
) -> Floats:
    """Years of membership [row, year]; before the horizon of who is there when it begins."""
    out = member_years(replication.spans, world, who, np.maximum(deal.starts, 0))
    out[:, deal.starts < 0] = earlier.there[:, None]
    return out


# --- cost


class Spent(NamedTuple):
    """USD [row, year] of a contract's people on care that counts, before any cap."""

    whole: Floats  # complete
    late: Floats  # of it, not yet paid when the year is counted
    services: Floats  # of it, rescue services


def _spent(case: Case, claims: Claims, deal: Deal, who: People, earlier: Earlier) -> Spent:
    mine = counted(claims, deal, who)
    year = _year(deal, claims.incurred[mine])
    inside = year >= 0
    mine, year = mine[inside], year[inside]
    out = _by_person(case, claims, deal, who, mine, year)
    for k, drawn in enumerate(earlier.claims):
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
    until = deal.starts[year] + MONTHS + deal.run_out
    late = np.clip(claims.paid[mine] + 1 - until, 0.0, 1.0) * (year >= deal.base)
    rescue = claims.service[mine] < len(case.names.services)

    def total(cost: Floats) -> Floats:
        out = np.bincount(key, cost, minlength=who.size * width).astype(np.float64)
        return out.reshape(-1, width)

    return Spent(total(amount), total(amount * late), total(amount * rescue))


# --- sums over people


def ledger(
    deal: Deal, spent: Spent, years: Floats, chosen: Flags, either: Flags, index: Floats
) -> Ledger:
    """Sums over people of who is attributed, with the cost above the cap left out.

    Of a member's cost below the cap the same share is paid in time as of all their cost, and the
    contract's factor completes that: so it is as right below the cap as it is without one.
    """
    m = np.where(chosen, years, 0.0)
    whole, late = np.where(chosen, spent.whole, 0.0), np.where(chosen, spent.late, 0.0)
    cap = cap_of(deal, whole[:, deal.base - 1], m[:, deal.base - 1])
    levels = cap * index / index[deal.base - 1] if np.isfinite(cap) else np.full(m.shape[1], cap)
    complete = np.minimum(whole, levels * m) if np.isfinite(cap) else whole
    in_time = np.divide(whole - late, whole, out=np.ones_like(whole), where=whole > 0.0)
    cost = deal.factor * complete * in_time
    return Ledger(
        members=m.sum(axis=0),
        cost=cost.sum(axis=0),
        complete=complete.sum(axis=0),
        whole=whole.sum(axis=0),
        late=late.sum(axis=0),
        true=np.where(either, spent.whole, 0.0).sum(axis=0),
        moments=moments(np.hstack([complete, cost]), np.hstack([m, m])),
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
