"""Postings: the ledger of each world, from what was used, paid and kept in the books.

Accounts of entries: care, back_fill (paid for others who use freed capacity), cost (what providers
spend), rate_reset and loss_ratio_rebate (rates.py), programmes, carried (by operators), in_kind,
posts, costs, fee_costs, loan_payments, interest, repayments, returned, hard_wired, withheld, and
one for each line of revenue.
All other care is the same in both worlds and is left out. A party that pays budgets pays less only
by what leaves them (freed.py).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .distributions import Floats
from .finance.ledger import BOUNDARY, Entry, Ledger
from .freed import Freed, average_cost, bears_cost, paid_less
from .money import later
from .money_plan import contract_account, financing_of, lines, obligations, restricted_funds
from .rates import rate_resets, touched
from .scenario import Scenario, Service
from .worlds import World, Worlds

PAID_TO_OTHERS = {"posts": "posts", "costs": "costs", "fees": "fee_costs"}
# What a loss-ratio rule counts with care (42 CFR 438.8(e)), and what of it comes back.
FOR_QUALITY = ("programmes", "carried", "in_kind", "contracts", "dues", "fees", "grants")
REFUNDS = ("withheld", "repayments", "returned")


def ledgers(w: Worlds, freed: Freed) -> tuple[Ledger, Ledger]:
    """The ledgers of usual care and of the strategy."""
    months = w.scenario.clock.months
    usual = (
        *care(w, None),
        *provider_costs(w, None),
        *finances(w, w.usual_world),
    )
    strategy = (
        *care(w, freed),
        *back_fill(w, freed),
        *provider_costs(w, freed),
        *programmes(w),
        *finances(w, w.strategy_world),
        *contracts_of_others(w),
    )
    before, after = Ledger(usual, w.get.size, months), Ledger(strategy, w.get.size, months)
    resets = rate_resets(
        w, freed, lambda payer: for_quality(after, payer) - for_quality(before, payer)
    )
    return before, Ledger((*strategy, *resets), w.get.size, months)


def ledgers_apart(w: Worlds) -> tuple[Ledger, Ledger]:
    """The same without care and rates: whole for parties that have nothing to do with either."""
    months = w.scenario.clock.months
    usual = tuple(finances(w, w.usual_world))
    strategy = (*programmes(w), *finances(w, w.strategy_world), *contracts_of_others(w))
    return Ledger(usual, w.get.size, months), Ledger(strategy, w.get.size, months)


def apart(scenario: Scenario) -> set[str]:
    """Parties that neither pay nor provide care, nor pay premiums or rates."""
    providers = {receiver(service) for service in scenario.services.values()}
    payers = {cell.party for cell in scenario.cells}
    return set(scenario.parties) - providers - payers - touched(scenario)


def for_quality(ledger: Ledger, payer: str) -> Floats:
    """What counts as care or its improvement beside care itself [draw, month], less refunds."""
    return ledger.payments(payer, FOR_QUALITY) - ledger.receipts(payer, REFUNDS)


# --- care


def receiver(service: Service) -> str:
    """Who is paid for a service; without a provider its price is what it costs society."""
    return service.provider or BOUNDARY


def care(w: Worlds, freed: Freed | None) -> Iterator[Entry]:
    """Payments for care; with `freed` (cost set free, by service) those of the strategy."""
    world = w.usual if freed is None else w.strategy
    for z, cell in enumerate(w.scenario.cells):
        amounts = world.payments[:, :, z]
        if freed is not None and bears_cost(w, cell):
            amounts = w.usual.payments[:, :, z] - paid_less(w, freed, z)
        provider = receiver(w.scenario.services[cell.service])
        yield Entry(cell.party, provider, f"care.{cell.service}", amounts)


def back_fill(w: Worlds, freed: Freed) -> Iterator[Entry]:
    """What payers of prices pay for others who use the capacity set free."""
    for z, cell in enumerate(w.scenario.cells):
        provider = receiver(w.scenario.services[cell.service])
        yield Entry(cell.party, provider, f"back_fill.{cell.service}", freed.for_others[z])


def provider_costs(w: Worlds, freed: Freed | None) -> Iterator[Entry]:
    """What providers spend on services: cost of all use, less what is set free."""
    for s, (name, service) in enumerate(w.scenario.services.items()):
        if service.provider is not None:
            cost = w.usual.use[:, :, s] * average_cost(w, name)
            amounts = cost if freed is None else cost - freed.cost(s)
            yield Entry(service.provider, BOUNDARY, f"cost.{name}", amounts)


# --- interventions


def programmes(w: Worlds) -> Iterator[Entry]:
    """Cost of interventions: their funders', what operators carry, gifts in kind."""
    f, books = financing_of(w.scenario), w.strategy_world.books
    owed = obligations(w.scenario)
    for i, (name, programme) in enumerate(w.scenario.interventions.items()):
        spent = books.programme[:, :, i]
        funded = spent["cost"] - spent["carried"]
        for o, obligation in enumerate(owed):
            kind, of = obligation.kind, obligation.name
            if kind == "reinvestment" and f.reinvestment[of].intervention == name:
                assert obligation.account is not None
                part = books.paid[:, :, o]
                yield Entry(obligation.account, BOUNDARY, f"programmes.{name}", part, True)
                funded = funded - part
        yield Entry(programme.funded_by, BOUNDARY, f"programmes.{name}", funded)
        yield Entry(programme.operator, BOUNDARY, f"carried.{name}", spent["carried"])
        giver = programme.costs.in_kind_by or programme.operator
        yield Entry(giver, BOUNDARY, f"in_kind.{name}", spent["in_kind"])


# --- accounts


def finances(w: Worlds, world: World) -> Iterator[Entry]:
    """Receipts and payments of the parties with an account, and what partners pay for them."""
    yield from revenue(w, world)
    yield from spending(w, world)
    yield from credit(w, world)
    yield from returned(w, world)
    f, books = financing_of(w.scenario), world.books
    for k, (kind, name) in enumerate(
        [*(("posts", n) for n in f.posts), *(("costs", n) for n in f.costs)]
    ):
        for wiring in f.hard_wiring.values():
            if wiring.moves == f"{kind}.{name}":
                account = f"hard_wired.{name}"
                yield Entry(wiring.partner, BOUNDARY, account, books.partner[:, :, k])
                break  # partners who share a function are shown as the first


def revenue(w: Worlds, world: World) -> Iterator[Entry]:
    """One entry for each line of revenue; an indirect part stands with its grant."""
    f = financing_of(w.scenario)
    tied = set(restricted_funds(f))
    for x, line in enumerate(lines(w.scenario)):
        if line.account is None:
            continue
        kind = "grants" if line.kind == "indirect" else line.kind
        into = f.contracts[line.name].pays_into if line.kind == "contracts" else None
        restricted = line.key in tied or into is not None
        amounts = world.books.receipts[:, :, x]
        yield Entry(line.payer, line.account, f"{kind}.{line.name}", amounts, restricted)


def spending(w: Worlds, world: World) -> Iterator[Entry]:
    """What accounts pay for staff, costs and debts (interventions are booked by themselves)."""
    f = financing_of(w.scenario)
    for o, obligation in enumerate(obligations(w.scenario)):
        amounts = world.books.paid[:, :, o]
        if obligation.account is None:
            continue
        if obligation.kind in PAID_TO_OTHERS:
            account = f"{PAID_TO_OTHERS[obligation.kind]}.{obligation.name}"
            yield Entry(obligation.account, BOUNDARY, account, amounts)
        elif obligation.kind == "loans":
            payee = f.loans[obligation.name].lender
            yield Entry(obligation.account, payee, f"loan_payments.{obligation.name}", amounts)
        elif obligation.kind == "repayments":
            payee = f.contracts[obligation.name].payer
            yield Entry(obligation.account, payee, f"repayments.{obligation.name}", amounts)
        elif obligation.kind == "interest":
            line = f.accounts[obligation.name].credit
            if line is not None:
                yield Entry(obligation.account, line.lender, "interest.credit", amounts)


def credit(w: Worlds, world: World) -> Iterator[Entry]:
    """Drawn on credit lines, less paid back."""
    for k, (name, account) in enumerate(financing_of(w.scenario).accounts.items()):
        if account.credit is not None:
            drawn = world.books.account[:, :, k]["drawn"]
            yield Entry(account.credit.lender, name, "credit.drawn", drawn)


def returned(w: Worlds, world: World) -> Iterator[Entry]:
    """What is left of restricted grants at their end."""
    f = financing_of(w.scenario)
    for x, fund in enumerate(restricted_funds(f)):
        kind, _, name = fund.partition(".")
        if kind == "grants":
            grant = f.grants[name]
            account = grant.account or w.scenario.backbone.party
            amounts = world.books.returned[:, :, x]
            yield Entry(account, grant.payer, f"returned.{name}", amounts, restricted=True)


# --- contracts that pay parties without an account


def contracts_of_others(w: Worlds) -> Iterator[Entry]:
    """Settlements and pools, as far as they go to parties without an account."""
    for h, (name, contract) in enumerate(financing_of(w.scenario).contracts.items()):
        account, at = contract_account(w.scenario, name), f"financing.contracts.{name}.terms"
        shares = {p: w.get(f"{at}.distribution.{p}") for p in contract.terms.distribution}
        if not shares:
            shares = {contract.payee: np.ones(w.get.size)}
        shares.pop(account or "", None)
        paid = settled_months(w, h, name)
        for party, share in shares.items():
            amounts = share[:, None] * (paid + w.strategy_world.books.monthly[:, :, h])
            yield Entry(contract.payer, party, f"contracts.{name}", amounts)
        yield from pool_entries(w, h, name)


def settled_months(w: Worlds, h: int, name: str) -> Floats:
    """What settlements pay beside the pool [draw, month], after their lag."""
    contract = financing_of(w.scenario).contracts[name]
    settled, deals = w.strategy_world.books.settled, w.strategy_world.deals
    assert deals is not None
    months, first = w.scenario.clock.months, w.scenario.clock.index(contract.start)
    out = np.zeros((w.get.size, months))
    for year in range(contract.years):
        end = first + 12 * year + 11
        if 0 <= end < months:
            row = settled[:, h, year]
            out[:, end] += row["payment"] + row["other"] - own_pool(w, h, name, year)
    return later(out, deals.contract["lag"][:, h])


def own_pool(w: Worlds, h: int, name: str, year: int) -> Floats:
    """What the account receives of a year's pool: it stands in `other` of the settlement."""
    parts = pool_parts(w, h, name, year)
    account = contract_account(w.scenario, name)
    return parts.get(account or "", np.zeros(w.get.size))


def pool_parts(w: Worlds, h: int, name: str, year: int) -> dict[str, Floats]:
    """A year's withhold pool by receiver [draw], USD; what is kept is the payer's."""
    contract, deals = financing_of(w.scenario).contracts[name], w.strategy_world.deals
    withhold = contract.terms.withhold
    if withhold is None or deals is None:
        return {}
    begin = w.scenario.clock.index(contract.start) + 12 * year
    pool = np.zeros(w.get.size)
    for month in range(begin, min(begin + 12, w.scenario.clock.months)):
        pool += w.strategy_world.books.pool[:, month, h]
    c = deals.contract[:, h]
    earned = pool * c["earn_back"] * c["achieved"]
    missed = pool * c["earn_back"] * (1.0 - c["achieved"])
    released = pool * (1.0 - c["earn_back"]) + missed * c["released"]
    parts = {contract.payee: earned}
    for party in withhold.others:
        share = w.get(f"financing.contracts.{name}.terms.withhold.others.{party}")
        parts[party] = parts.get(party, 0.0) + released * share
    return parts


def pool_entries(w: Worlds, h: int, name: str) -> Iterator[Entry]:
    """A withhold pool: held back from the payee by the month, paid out after the year."""
    contract, deals = financing_of(w.scenario).contracts[name], w.strategy_world.deals
    if contract.terms.withhold is None or deals is None:
        return
    pool = w.strategy_world.books.pool[:, :, h]
    yield Entry(contract.payee, contract.payer, f"withheld.{name}", pool)
    account = contract_account(w.scenario, name)
    months, first = w.scenario.clock.months, w.scenario.clock.index(contract.start)
    out: dict[str, Floats] = {}
    for year in range(contract.years):
        end = first + 12 * year + 11
        if 0 <= end < months:
            for party, amount in pool_parts(w, h, name, year).items():
                out.setdefault(party, np.zeros((w.get.size, months)))[:, end] += amount
    for party, amounts in out.items():
        if party != account:
            paid = later(amounts, deals.contract["lag"][:, h])
            yield Entry(contract.payer, party, f"contracts.{name}", paid)
