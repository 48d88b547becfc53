"""Perspectives: what the strategy is worth to each party, kept apart.

All of it is the difference of two ledgers, strategy less usual care (docs/decisions/0003): the
backbone's, each payer's, provider's and funder's own, that of each level of government (the sum of
its parties), and society's, which is what resources cost and nothing else.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .distributions import Floats
from .finance.ledger import BOUNDARY, Ledger
from .money_plan import financing_of
from .totals import over_months, weighted
from .valuation import discount_factors, gross_return, internal_rate, net_return, payback_month
from .worlds import DIFFERENCE, Measure, Worlds, members_of

SOCIETY = "society"
# A yearly rate of return beyond this says only that next to nothing was put in.
MEANINGLESS = 10.0
# Less than this is the rounding of sums that cancel, USD.
DUST = 1e-5
LEVELS = ("federal", "state", "local")
# What a party puts in; everything else that changes for it is what it gets out.
OUTLAYS = (
    "programmes", "in_kind", "carried", "grants", "dues", "fees", "contracts", "hard_wiring",
    "hard_wired", "loans", "rescue", "posts", "costs", "fee_costs", "withheld", "credit",
)  # fmt: skip


def measures(w: Worlds, change: Ledger) -> Iterator[Measure]:
    """Net present value and its kin of every party and perspective, [draw]."""
    flows = differences(w, change)
    months = w.scenario.clock.months
    worth = discount_factors(discount_rate(w), months)
    real = discount_factors(inflation(w), months)
    for who, flow in flows.items():
        if np.any(flow):
            yield Measure("net_cash", who, DIFFERENCE, "USD", over_months(flow))
            yield Measure("npv", who, DIFFERENCE, "USD", weighted(flow, worth))
            yield Measure("real_net", who, DIFFERENCE, "USD", weighted(flow, real))
        else:
            yield Measure("npv", who, DIFFERENCE, "USD", np.zeros(w.get.size))
    yield from returns(w, change, flows, worth)
    yield from per_member(w, flows)


def discount_rate(w: Worlds) -> Floats:
    """Nominal, per year; 0 where the scenario has no financing."""
    if w.scenario.financing is None:
        return np.zeros(w.get.size)
    return w.get("financing.discount_rate")


def inflation(w: Worlds) -> Floats:
    if w.scenario.financing is None:
        return np.zeros(w.get.size)
    return w.get("financing.inflation")


def differences(w: Worlds, change: Ledger) -> dict[str, Floats]:
    """Net cash [draw, month], strategy less usual care, by party and perspective."""
    out = change.nets(w.scenario.parties)
    boundary = out.pop(BOUNDARY)
    for level in LEVELS:
        own = [n for n, p in w.scenario.parties.items() if p.perspective == level]
        if own:
            whole = np.zeros_like(out[own[0]])
            for party in own:
                whole += out[party]
            out[f"perspective.{level}"] = whole
    out[SOCIETY] = -boundary
    for flow in out.values():
        flow[np.abs(flow) < DUST] = 0.0
    return out


def returns(
    w: Worlds, change: Ledger, flows: dict[str, Floats], worth: Floats
) -> Iterator[Measure]:
    """Return on what each party puts in: gross (benefits / outlays), net, payback and IRR.

    Both are present values at the same rate. A draw without outlay has no return, one that never
    pays back no month, and there is a rate only where money is put in first, more comes back and
    no other rate fits: else nan, which summaries leave out and count.
    """
    accounts = financing_of(w.scenario).accounts
    for party in w.scenario.parties:
        if party in accounts:
            continue  # it passes on what others give: its answer is the runway
        put_in = change.payments(party, OUTLAYS)
        if not np.any(put_in):
            continue
        outlay = weighted(put_in, worth)
        benefit = weighted(flows[party] + put_in, worth)
        yield Measure("outlay", party, DIFFERENCE, "USD", outlay)
        yield Measure("benefit", party, DIFFERENCE, "USD", benefit)
        yield Measure("roi_gross", party, DIFFERENCE, "1", gross_return(benefit, outlay))
        yield Measure("roi_net", party, DIFFERENCE, "1", net_return(benefit, outlay))
        yield from rates_of_return(party, flows[party])
        month = payback_month(flows[party])
        yield Measure("pays_back", party, DIFFERENCE, "1", np.isfinite(month).astype(np.float64))
        if np.isfinite(month).any():
            yield Measure("payback_month", party, DIFFERENCE, "months", month)


def rates_of_return(party: str, flow: Floats) -> Iterator[Measure]:
    """IRR where money goes in first, more comes back, and no other rate fits; else nan."""
    invests = (over_months(flow) > 0.0) & (first_flow(flow) < 0.0)
    rate = np.full(invests.shape, np.nan)
    if invests.any():
        found = internal_rate(flow[invests])
        told = found.unique & (found.rate < MEANINGLESS)
        rate[invests] = np.where(told, found.rate, np.nan)
    known = np.isfinite(rate)
    yield Measure("irr_known", party, DIFFERENCE, "1", known.astype(np.float64))
    if known.any():
        yield Measure("irr", party, DIFFERENCE, "1/year", rate)


def first_flow(flow: Floats) -> Floats:
    """The first amount that is not nothing [draw]."""
    first = np.argmax(np.abs(flow) > 0.0, axis=1)
    return np.take_along_axis(flow, first[:, None], axis=1)[:, 0]


def per_member(w: Worlds, flows: dict[str, Floats]) -> Iterator[Measure]:
    """Net cash per member and month of each payer that covers members."""
    covering = {party for segment in w.scenario.segments.values() for party in segment.payers}
    for party in w.scenario.parties:
        if party in covering and w.scenario.parties[party].kind == "payer":
            months = np.zeros(w.get.size)
            for name, segment in w.scenario.segments.items():
                if party in segment.payers:
                    months += over_months(members_of(w, party, name))
            net = over_months(flows[party])
            pmpm = np.divide(net, months, out=np.zeros_like(net), where=months > 0.0)
            yield Measure("net_cash_pmpm", party, DIFFERENCE, "USD/person-month", pmpm)
