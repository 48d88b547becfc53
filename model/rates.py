"""Rates: who keeps a saving of a payer that is paid by capitation.

The payer keeps it until its rates are re-set (model.md 5): from then on premiums are lower by what
was saved `reset_after` months before, to the benefit of who pays them, segment by segment (the
federal share differs). Before that a medical-loss-ratio rule may make the payer rebate a part.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .distributions import Floats
from .finance.ledger import Entry
from .money import later
from .services import cells, payer_table, price_factors, prices
from .totals import over_months
from .worlds import Worlds, calendar_years, members_of, other_care_of


def rate_resets(w: Worlds) -> Iterator[Entry]:
    """Entries from each payer with rates to who pays its premiums; a dearer year is paid back."""
    for name, party in w.scenario.parties.items():
        if party.rates is None:
            continue
        lag = w.get(f"parties.{name}.rates.reset_after")
        shares = saved_by_financer(w, name)
        for financer, saved in shares.items():
            yield Entry(name, financer, "rate_reset", later(saved, lag))
        yield from rebates(w, name, shares)


def saved_by_financer(w: Worlds, payer: str) -> dict[str, Floats]:
    """What a payer saves on care [draw, month], by who pays the premiums of the segment."""
    out: dict[str, Floats] = {}
    by_segment = saved_by_segment(w, payer)
    for g, (name, segment) in enumerate(w.scenario.segments.items()):
        if payer in segment.payers:
            for financer in segment.financed_by:
                share = w.get(f"segments.{name}.financed_by.{financer}")[:, None]
                part = by_segment[:, calendar_years(w), g] / months_in_year(w) * share
                out[financer] = out[financer] + part if financer in out else part
    return out


def months_in_year(w: Worlds) -> Floats:
    """[month]: how many months of its calendar year are simulated."""
    year = calendar_years(w)
    return np.bincount(year)[year].astype(np.float64)


def saved_by_segment(w: Worlds, payer: str) -> Floats:
    """What a payer saves on care, before back-fill [draw, year, segment], USD."""
    table, _ = payer_table(w.scenario)
    price, factor = prices(w.scenario, w.get), yearly_prices(w)
    fewer = w.usual.use_by_segment - w.strategy.use_by_segment
    out = np.zeros(fewer.shape[:3])
    for g, (row, segment) in enumerate(zip(table, w.scenario.segments.values(), strict=True)):
        for s, (name, payers) in enumerate(zip(w.scenario.services, row, strict=True)):
            if name in segment.use and payer in payers:
                each = price[:, g, s, payers.index(payer)]
                out[:, :, g] += fewer[:, :, g, s] * factor[:, :, s] * each[:, None]
    return out


def yearly_prices(w: Worlds) -> Floats:
    """Mean price of each year relative to the price year [draw, year, service]."""
    factor, year = price_factors(w.scenario, w.get), calendar_years(w)
    out = np.zeros((factor.shape[0], year[-1] + 1, factor.shape[2]))
    for month, y in enumerate(year):
        out[:, y] += factor[:, month]
    return out / np.bincount(year)[None, :, None]


def rebates(w: Worlds, payer: str, shares: dict[str, Floats]) -> Iterator[Entry]:
    """Premium owed back where cost falls below the minimum loss ratio before rates are re-set.

    rebate = saving kept - (expected - minimum loss ratio) x premium, if above zero, each year, to
    who pays the premiums by their share of the members. Premium = cost / expected loss ratio.
    """
    at = f"parties.{payer}.rates"
    least = w.get(f"{at}.minimum_loss_ratio")
    if not shares or not least.any():
        return
    expected, lag = w.get(f"{at}.expected_loss_ratio"), w.get(f"{at}.reset_after")
    kept = sum_of([saved - later(saved, lag) for saved in shares.values()])
    room = cost_of_members(w, payer) * ((expected - least) / expected)[:, None]
    year = calendar_years(w)
    owed = np.zeros_like(kept)
    for y in range(year[-1] + 1):
        months = np.flatnonzero(year == y)
        over = sum_of([kept[:, m] - room[:, m] for m in months])
        owed[:, months[-1]] = np.where(least > 0.0, np.maximum(0.0, over), 0.0)
    for who in shares:
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
    for z, cell in enumerate(cells(w.scenario)):
        if cell.party == payer:
            cost += w.usual.payments[:, :, z]
    return cost


def financed_share(w: Worlds, payer: str, financer: str) -> Floats:
    """Share [draw] of a payer's members whose premiums a party pays."""
    whole, part = np.zeros(w.get.size), np.zeros(w.get.size)
    for name, segment in w.scenario.segments.items():
        if payer in segment.payers and segment.financed_by:
            members = over_months(members_of(w, payer, name))
            whole += members
            if financer in segment.financed_by:
                part += members * w.get(f"segments.{name}.financed_by.{financer}")
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0.0)
