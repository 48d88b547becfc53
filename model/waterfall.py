"""Waterfall: from what is avoided to what is in somebody's account, in signed steps that add up.

Two branches start from avoided units (model.md 5). A payer's: at its prices, less care that rises,
less what it pays for others, less what rates pass on, less what it pays for programmes and the
network. A provider's or agency's: at average cost, less back-fill, less cost that stays, plus
blocks released, less revenue lost, plus what contracts and others pay it. The last step is the net
cash of the party in its ledger, and the sum of the others. Steps of a contract stand in
contract_outcomes.py. Nominal, undiscounted.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .distributions import Floats
from .finance.ledger import Ledger
from .freed import Freed, bears_cost, paid_less
from .totals import over_months
from .worlds import DIFFERENCE, Measure, Worlds, mean_month


def measures(w: Worlds, freed: Freed, change: Ledger) -> Iterator[Measure]:
    """Each step over the horizon, and the month around which it falls (weighted by amount)."""
    months = np.arange(1, w.scenario.clock.months + 1, dtype=np.float64)
    for party, steps in branches(w, freed, change).items():
        for name, amounts in steps.items():
            subject = f"{party}.{place(name):02d}_{name}"
            yield Measure("waterfall", subject, DIFFERENCE, "USD", over_months(amounts))
            when = mean_month(amounts, months)
            yield Measure("waterfall_month", subject, DIFFERENCE, "months", when)


def place(name: str) -> int:
    """Number of a step, the same for every party; the sum comes last."""
    return ORDER.index(name) + 1 if name in ORDER else len(ORDER) + 1


Steps = dict[str, dict[str, Floats]]


def branches(w: Worlds, freed: Freed, change: Ledger) -> Steps:
    """Steps [draw, month] by party and name, in order; the last is the sum of the others."""
    found: Steps = {party: {} for party in w.scenario.parties}
    care_steps(w, freed, found)
    back_fill_steps(w, freed, found)
    ledger_steps(change, found)
    nets = change.nets(w.scenario.parties)
    out: Steps = {}
    for party, steps in found.items():
        ordered = {name: steps[name] for name in ORDER if name in steps and np.any(steps[name])}
        if ordered:
            out[party] = ordered | {"net_cash": nets[party]}
    return out


def add(found: Steps, party: str, name: str, amounts: Floats) -> None:
    """Add to a step of a party; whoever has no branch (the boundary) is passed over."""
    if party in found:
        steps = found[party]
        steps[name] = steps[name] + amounts if name in steps else amounts


def care_steps(w: Worlds, freed: Freed, found: Steps) -> None:
    """Avoided units at the payer's price, at the provider's cost, and the revenue between them."""
    for z, cell in enumerate(w.scenario.cells):
        service = w.scenario.services[cell.service]
        if service.provider == cell.party:
            continue  # who pays itself has the provider's branch only
        fewer = w.usual.payments[:, :, z] - w.strategy.payments[:, :, z]
        name = "avoided_at_price" if service.rescue else "added_care_elsewhere"
        add(found, cell.party, name, fewer)
        less = paid_less(w, freed, z)
        if bears_cost(w, cell):
            add(found, cell.party, "stays_in_the_budget", less - fewer)
        if service.provider is not None:
            add(found, service.provider, "revenue_lost", -less)


def back_fill_steps(w: Worlds, freed: Freed, found: Steps) -> None:
    """From avoided units at average cost to the cost that a provider sheds."""
    for s, service in enumerate(w.scenario.services.values()):
        if service.provider is not None:
            each, taken_up = freed.average_cost[s], freed.taken_up[s]
            fewer = (w.usual.use[:, :, s] - w.strategy.use[:, :, s]) * each
            others = taken_up * each
            add(found, service.provider, "avoided_at_average_cost", fewer)
            add(found, service.provider, "used_by_others", -others)
            stays = freed.variable[s] - (fewer - others)
            add(found, service.provider, "fixed_cost_that_stays", stays)
            add(found, service.provider, "released_in_blocks", freed.released[s])


def ledger_steps(change: Ledger, found: Steps) -> None:
    """Everything else stands in the ledger: who pays, and who receives, of each kind."""
    for e in change.entries:
        if e.kind in PAID:
            add(found, e.payer, PAID[e.kind], -e.amounts)
        if e.kind in RECEIVED:
            add(found, e.payee, RECEIVED[e.kind], e.amounts)


PAID = {
    "back_fill": "paid_for_others_who_use_it",
    "rate_reset": "passed_on_by_rates",
    "loss_ratio_rebate": "passed_on_by_rates",
    "programmes": "programmes",
    "carried": "programmes",
    "in_kind": "programmes",
    "contracts": "contracts_paid",
    "withheld": "withheld",
    "repayments": "contracts_received",
    "dues": "dues_and_fees_paid",
    "fees": "dues_and_fees_paid",
    "fee_costs": "dues_and_fees_received",
    "grants": "grants_paid",
    "returned": "grants_received",
    "hard_wired": "functions_taken_over",
    "hard_wiring": "functions_taken_over",
    "posts": "staff_and_costs",
    "costs": "staff_and_costs",
    "loans": "loans_and_rescues",
    "loan_payments": "loans_and_rescues",
    "credit": "loans_and_rescues",
    "interest": "loans_and_rescues",
    "rescue": "loans_and_rescues",
}
RECEIVED = {
    "back_fill": "revenue_from_others",
    "rate_reset": "lower_rates",
    "loss_ratio_rebate": "lower_rates",
    "contracts": "contracts_received",
    "withheld": "contracts_paid",
    "repayments": "contracts_paid",
    "dues": "dues_and_fees_received",
    "fees": "dues_and_fees_received",
    "grants": "grants_received",
    "returned": "grants_paid",
    "hard_wiring": "lines_in_partners_budgets",
    "loans": "loans_and_rescues",
    "loan_payments": "loans_and_rescues",
    "credit": "loans_and_rescues",
    "interest": "loans_and_rescues",
    "rescue": "loans_and_rescues",
}
ORDER = (
    "avoided_at_price",
    "added_care_elsewhere",
    "stays_in_the_budget",
    "paid_for_others_who_use_it",
    "passed_on_by_rates",
    "avoided_at_average_cost",
    "used_by_others",
    "fixed_cost_that_stays",
    "released_in_blocks",
    "revenue_lost",
    "revenue_from_others",
    "lower_rates",
    "programmes",
    "contracts_paid",
    "withheld",
    "contracts_received",
    "dues_and_fees_paid",
    "dues_and_fees_received",
    "grants_paid",
    "grants_received",
    "functions_taken_over",
    "lines_in_partners_budgets",
    "staff_and_costs",
    "loans_and_rescues",
)
