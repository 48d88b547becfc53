"""Rates: who keeps a saving of a payer that is paid by capitation.

The payer keeps it until its rates are re-set (model.md 5): from then on premiums are lower by what
was saved `reset_after` months before, after what the payer pays for others who use freed capacity,
to the benefit of who pays the premiums, segment by segment (the federal share differs). Before that
a medical-loss-ratio rule may make the payer rebate a part. What a payer spends on programmes and on
the network counts there as care, but raises no rates: the payer bears it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from .distributions import Floats
from .finance.ledger import Entry
from .freed import Freed, in_proportion, paid_less
from .money import later
from .parameters import calendar_years
from .scenario import Scenario, payers_of
from .services import payer_table, price_factors, prices
from .totals import over_months, total
from .worlds import Worlds, members_of, other_care_of


def rate_resets(w: Worlds, freed: Freed, spent: Callable[[str], Floats]) -> Iterator[Entry]:
    """Entries from each payer with rates to who pays its premiums; a dearer year is paid back.

    `spent` says what a payer spends on quality beyond usual care [draw, month], USD.
    """
    for name, party in w.scenario.parties.items():
        if party.rates is None:
            continue
        lag = w.get(f"parties.{name}.rates.reset_after")
        savings = saved_by_financer(w, freed, name)
        for financer, saved in savings.items():
            yield Entry(name, financer, "rate_reset", later(saved, lag))
        yield from rebates(w, name, savings, spent)


def touched(scenario: Scenario) -> set[str]:
    """Parties that pay or receive when rates are re-set: payers with rates, who pays premiums."""
    payers = {name for name, party in scenario.parties.items() if party.rates is not None}
    return payers.union(*(segment.financed_by for segment in scenario.segments.values()))


# --- savings by segment


class Saving(NamedTuple):
    """What a payer saves on a service: by month in all, by segment only by year."""

    by_segment: Floats  # [draw, year, segment] at the year's mean price, USD
    part: Floats  # [draw, year, segment] shares for what the mean price and year leave open
    users: Floats  # [draw, segment] shares in what the payer pays in usual care
    paid_less: Floats  # [draw, month] in all, USD
    for_others: Floats  # [draw, month] paid for others who use freed capacity, USD


def saved_by_financer(w: Worlds, freed: Freed, payer: str) -> dict[str, Floats]:
    """What a payer saves after back-fill [draw, month], by who pays the segments' premiums."""
    year, months = calendar_years(w.scenario), months_in_year(w)
    shares = financing(w, payer)
    out = {financer: np.zeros((w.get.size, months.size)) for financer in shares}
    for saving in savings_on(w, freed, payer):
        rest = saving.paid_less - total(saving.by_segment)[:, year] / months
        for financer, share in shares.items():
            own = total(saving.by_segment * share[:, None, :])[:, year] / months
            own += rest * total(saving.part * share[:, None, :])[:, year]
            own -= saving.for_others * total(saving.users * share)[:, None]
            out[financer] += own
    return out


def savings_on(w: Worlds, freed: Freed, payer: str) -> Iterator[Saving]:
    """A payer's saving on each service that it pays for."""
    table, _ = payer_table(w.scenario)
    price, factor = prices(w.scenario, w.get), yearly_prices(w)
    for z, cell in enumerate(w.scenario.cells):
        if cell.party != payer:
            continue
        s = list(w.scenario.services).index(cell.service)
        each = np.zeros((w.get.size, len(w.scenario.segments)))
        for g, row in enumerate(table):
            if payer in row[s]:
                each[:, g] = price[:, g, s, row[s].index(payer)]
        usual = w.usual.use_by_segment[:, :, :, s] * each[:, None, :]
        fewer = usual - w.strategy.use_by_segment[:, :, :, s] * each[:, None, :]
        fewer *= factor[:, :, s][:, :, None]
        size = np.abs(fewer)
        yield Saving(
            by_segment=fewer,
            part=in_proportion(np.where(total(size)[:, :, None] > 0.0, size, usual)),
            users=in_proportion(over_months(usual)),  # axis 1 is the year here
            paid_less=paid_less(w, freed, z),
            for_others=freed.for_others[z],
        )


def financing(w: Worlds, payer: str) -> dict[str, Floats]:
    """Share of the premiums that each party pays [draw, segment], where a payer covers or pays."""
    out: dict[str, Floats] = {}
    for g, name in enumerate(w.scenario.segments):
        if pays_for(w, payer, name):
            for financer in w.scenario.segments[name].financed_by:
                none = np.zeros((w.get.size, len(w.scenario.segments)))
                share = w.get(f"segments.{name}.financed_by.{financer}")
                out.setdefault(financer, none)[:, g] = share
    return out


def pays_for(w: Worlds, payer: str, name: str) -> bool:
    """Whether a party covers a segment, or pays for a service that it uses."""
    segment = w.scenario.segments[name]
    payments = (w.scenario.services[service].payment for service in segment.use)
    return payer in segment.payers or any(payer in payers_of(p, segment.payers) for p in payments)


def months_in_year(w: Worlds) -> Floats:
    """[month]: how many months of its calendar year are simulated."""
    year = calendar_years(w.scenario)
    return np.bincount(year)[year].astype(np.float64)


def yearly_prices(w: Worlds) -> Floats:
    """Mean price of each year relative to the price year [draw, year, service]."""

    def compute() -> Floats:
        factor, year = price_factors(w.scenario, w.get), calendar_years(w.scenario)
        out = np.zeros((factor.shape[0], year[-1] + 1, factor.shape[2]))
        for month, y in enumerate(year):
            out[:, y] += factor[:, month]
        return out / np.bincount(year)[None, :, None]

    return w.get.once("yearly_prices", compute)


# --- rebates


def rebates(
    w: Worlds, payer: str, savings: dict[str, Floats], spent: Callable[[str], Floats]
) -> Iterator[Entry]:
    """Premium owed back where cost falls below the minimum loss ratio before rates are re-set.

    rebate = saving kept - spent on quality - (expected - minimum loss ratio) x premium, if above
    zero, each year, to who pays the premiums by their share of the members. Premium = cost /
    expected loss ratio.
    """
    at = f"parties.{payer}.rates"
    least = w.get(f"{at}.minimum_loss_ratio")
    if not savings or not least.any():
        return
    expected, lag = w.get(f"{at}.expected_loss_ratio"), w.get(f"{at}.reset_after")
    kept = sum_of([saved - later(saved, lag) for saved in savings.values()]) - spent(payer)
    room = cost_of_members(w, payer) * ((expected - least) / expected)[:, None]
    year = calendar_years(w.scenario)
    owed = np.zeros_like(kept)
    for y in range(year[-1] + 1):
        months = np.flatnonzero(year == y)
        over = sum_of([kept[:, m] - room[:, m] for m in months])
        owed[:, months[-1]] = np.where(least > 0.0, np.maximum(0.0, over), 0.0)
    for who in savings:
        share = financed_share(w, payer, who)[:, None]
        yield Entry(payer, who, "loss_ratio_rebate", owed * share)


def sum_of(parts: list[Floats]) -> Floats:
    """Their sum, in order."""
    out = parts[0].copy()
    for part in parts[1:]:
        out += part
    return out


def cost_of_members(w: Worlds, payer: str) -> Floats:
    """All that a payer spends on care in usual care [draw, month], USD."""
    cost = other_care_of(w, payer)
    for z, cell in enumerate(w.scenario.cells):
        if cell.party == payer:
            cost += w.usual.payments[:, :, z]
    return cost


def financed_share(w: Worlds, payer: str, financer: str) -> Floats:
    """Share [draw] of a payer's members whose premiums a party pays, by person-months.

    Where it pays for a service only, everybody in the segment is a member.
    """
    whole, part = np.zeros(w.get.size), np.zeros(w.get.size)
    for g, (name, segment) in enumerate(w.scenario.segments.items()):
        if segment.financed_by and pays_for(w, payer, name):
            covers = payer in segment.payers
            present = members_of(w, payer, name) if covers else w.usual.person_months[:, :, g]
            members = over_months(present)
            whole += members
            if financer in segment.financed_by:
                part += members * w.get(f"segments.{name}.financed_by.{financer}")
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0.0)
