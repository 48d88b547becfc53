"""Clauses: the numbers of each contract's terms, per draw; neutral where the terms are silent."""

from __future__ import annotations

from typing import Any

import numpy as np

from .books import CLAUSES, OUTCOME, records
from .contract_plan import Measured, measured, metric_of
from .distributions import Floats
from .draws import Columns
from .financing import ContractLine
from .money_plan import contract_account, financing_of
from .scenario import Scenario

SAVINGS = "terms.shared_savings"
# Where a clause stands in a contract, and its value where the contract is silent.
STATED: dict[str, tuple[str, float]] = {
    "achieved": ("achieved", 1.0),
    "rebased_share": ("benchmark.rebased_share", 0.0),
    "lag": ("terms.settlement_lag", 0.0),
    "interim": ("terms.interim_share", 0.0),
    "exit_loss": (f"{SAVINGS}.exit_loss", np.inf),
    "sharing_rate": (f"{SAVINGS}.sharing_rate", 0.0),
    "below_minimum": (f"{SAVINGS}.below_minimum.rate_share", 0.0),
    "sequestration": (f"{SAVINGS}.sequestration", 0.0),
    "payment_limit": (f"{SAVINGS}.payment_limit", np.inf),
    "capture_cap": (f"{SAVINGS}.capture_cap", np.inf),
    "fee": ("terms.member_fee.per_member_month", 0.0),
    "at_risk": ("terms.member_fee.at_risk", 0.0),
    "withhold": ("terms.withhold.rate", 0.0),
    "earn_back": ("terms.withhold.earn_back_limit", 0.0),
    "released": ("terms.withhold.forfeit_released", 0.0),
    "case_rate": ("terms.case_rate", 0.0),
    "capitation": ("terms.capitation_share", 0.0),
    "capture": ("terms.capture.share", 0.0),
    "capture_full_until": ("terms.capture.full_until", 0.0),
    "capture_none_from": ("terms.capture.none_from", 1.0),
    "outcomes_least": ("terms.outcomes.minimum", 0.0),
    "outcomes_most": ("terms.outcomes.maximum", np.inf),
}


def clauses(scenario: Scenario, get: Columns) -> Any:
    """The clauses' numbers [draw, contract]."""
    contracts = financing_of(scenario).contracts
    out = records(CLAUSES, get.size, len(contracts))
    for h, (name, contract) in enumerate(contracts.items()):
        of = Terms(get, name, contract)
        for field, (path, neutral) in STATED.items():
            out[field][:, h] = of(path, neutral)
        out["lag"][:, h] = np.round(of("terms.settlement_lag", 0.0))
        out["counted_share"][:, h] = _counted(of)
        out["seen"][:, h] = of("completeness.known", 1.0) * of("completeness.factor", 1.0)
        out["quality"][:, h] = _quality(contract, of)
        out["loss_rate"][:, h] = _loss_rate(contract, of)
        out["to_account"][:, h] = _to_account(scenario, of)
        out["own_pool"][:, h], out["others_pool"][:, h] = _from_pool(scenario, of)
        if contract.benchmark is None or contract.benchmark.method == "comparison_group":
            out["rebased_share"][:, h] = 0.0  # people measured beside are their own benchmark
        terms = contract.terms.shared_savings
        out["excess_only"][:, h] = float(terms is not None and terms.excess_only)
    return out


class Terms:
    """Numbers of one contract by path; neutral where a part on the way is not there."""

    def __init__(self, get: Columns, name: str, contract: ContractLine) -> None:
        self.get, self.name, self.contract = get, name, contract

    def __call__(self, path: str, neutral: float = 0.0) -> Floats:
        if not _there(self.contract, path):
            return np.full(self.get.size, neutral)
        return self.get(f"financing.contracts.{self.name}.{path}")


def _counted(of: Terms) -> Floats:
    """Share of what the payer saves that a contract sees: half a year is lost of who leaves."""
    attributed = np.minimum(1.0, of("covers.attributed", 1.0) * of("covers.served_ratio", 1.0))
    stayed = 1.0 - of("covers.churn") / 2.0
    return attributed * stayed * (1.0 - of("truncation.cost_share"))


def _there(contract: ContractLine, path: str) -> bool:
    part: Any = contract
    for key in path.split("."):
        part = getattr(part, key)
        if part is None:
            return False
    return True


def _to_account(scenario: Scenario, of: Terms) -> Floats:
    """Share [draw] of a payment that goes to the account."""
    account = contract_account(scenario, of.name)
    shared = of.contract.terms.distribution
    if account in shared:
        return of.get(f"financing.contracts.{of.name}.terms.distribution.{account}")
    return np.full(of.get.size, float(not shared and account == of.contract.payee))


def _from_pool(scenario: Scenario, of: Terms) -> tuple[float, Floats]:
    """The account's share of what is earned back, and of what is released."""
    account, withhold = contract_account(scenario, of.name), of.contract.terms.withhold
    own = float(withhold is not None and account == of.contract.payee)
    if withhold is None or account not in withhold.others:
        return own, np.zeros(of.get.size)
    return own, of.get(f"financing.contracts.{of.name}.terms.withhold.others.{account}")


def _quality(contract: ContractLine, of: Terms) -> Floats:
    """Share of the rate that quality leaves."""
    terms, achieved = contract.terms.shared_savings, of("achieved", 1.0)
    if terms is None:
        return np.ones(of.get.size)
    scales = float(terms.quality.pays == "score")
    kept = 1.0 - scales * (1.0 - achieved)
    return np.where(achieved < of(f"{SAVINGS}.quality.gate"), 0.0, kept)


def _loss_rate(contract: ContractLine, of: Terms) -> Floats:
    """Share of a loss that is owed; 0 for a one-sided contract."""
    terms = contract.terms.shared_savings
    if terms is None or terms.loss is None:
        return np.zeros(of.get.size)
    at = f"{SAVINGS}.loss.rate"
    if terms.loss.rate.fixed is not None:
        return of(f"{at}.fixed")
    by_quality = 1.0 - of(f"{SAVINGS}.sharing_rate") * of("achieved", 1.0)
    return np.minimum(of(f"{at}.ceiling"), np.maximum(of(f"{at}.floor"), by_quality))


def tiers(scenario: Scenario, get: Columns) -> tuple[Floats, Floats]:
    """Savings rate from which each tier holds and its sharing rate, [draw, contract, tier]."""
    contracts = financing_of(scenario).contracts
    shared = [c.terms.shared_savings for c in contracts.values()]
    counts = [len(terms.tiers) if terms else 0 for terms in shared]
    above = np.zeros((get.size, len(counts), max(counts, default=0)))
    rate = np.zeros_like(above)
    for h, (name, count) in enumerate(zip(contracts, counts, strict=True)):
        for k in range(count):
            at = f"financing.contracts.{name}.{SAVINGS}.tiers[{k}]"
            above[:, h, k], rate[:, h, k] = get(f"{at}.above"), get(f"{at}.sharing_rate")
    return above, rate


# --- outcomes


def outcome_luck(scenario: Scenario, get: Columns, years: int) -> Floats:
    f, found = financing_of(scenario), measured(scenario)
    out = np.zeros((get.size, len(found), years))
    for q, m in enumerate(found):
        z = get.luck(f"contracts.{m.contract}.measures.{m.name}")
        error = get(f"financing.contracts.{m.contract}.measures.{m.name}.error")
        out[:, q, : f.contracts[m.contract].years] = error[:, None] * z
    return out


def outcome_terms(scenario: Scenario, get: Columns) -> Any:
    """Price, start and cap of each outcome [draw, measure]."""
    f, found = financing_of(scenario), measured(scenario)
    out = records(OUTCOME, get.size, len(found))
    out["cap"] = np.inf
    for q, m in enumerate(found):
        metric, at = metric_of(f, m), _metric_name(m)
        out["start"][:, q] = get(f"{at}.starts_at")
        if metric.price is not None:
            out["price"][:, q] = get(f"{at}.price")
        if metric.cap is not None:
            out["cap"][:, q] = get(f"{at}.cap")
    return out


def bands(scenario: Scenario, get: Columns) -> Floats:
    """[draw, measure, band, (lower, upper, USD a point)]"""
    f, found = financing_of(scenario), measured(scenario)
    most = max((len(metric_of(f, m).bands) for m in found), default=0)
    out = np.zeros((get.size, len(found), most, 3))
    for q, m in enumerate(found):
        for k in range(len(metric_of(f, m).bands)):
            for j, part in enumerate(("lower", "upper", "per_point")):
                out[:, q, k, j] = get(f"{_metric_name(m)}.bands[{k}].{part}")
    return out


def _metric_name(m: Measured) -> str:
    return f"financing.contracts.{m.contract}.terms.outcomes.metrics.{m.name}"
