"""From terms to numbers: what a contract says in one year, fetched once for all rows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from model.distributions import Floats
from model.quantity import Parameter
from model.terms import Contract, MinimumRate, SharedSavings

from .contracts import Clauses
from .performance import Refused, Row

MONTHS = 12


class Scale(NamedTuple):
    """A sliding scale as arrays [band]."""

    lower: Floats
    upper: Floats
    rate_at_lower: Floats
    rate_at_upper: Floats


class Rules(NamedTuple):
    """The numbers of one contract in one year, fetched once for all rows."""

    terms: SharedSavings
    clauses: Clauses
    fixed_minimum: float
    elected: tuple[float, ...]
    scale: Scale | None
    loss_minimum: float | None
    below_share: float
    gate: float
    loss_limits: tuple[float, ...]
    revenue_limit: float
    half_year_share: float
    guardrail_pays: float
    terminated_pays: float
    fee: float  # USD per member and year, netted first
    first_year: int


def rules_of(contract: Contract) -> Rules:
    """The numbers of a contract's shared savings; Refused if it has none."""
    terms = contract.shared_savings
    if terms is None:
        raise Refused("terms without `shared_savings`", "a shared-savings contract")
    minimum = terms.minimum_rate or MinimumRate.model_validate({"fixed": 0})
    return Rules(
        terms=terms,
        clauses=_clauses(terms),
        fixed_minimum=_value(minimum.fixed, 0.0),
        elected=tuple(rate.central for rate in minimum.elected),
        scale=_scale(minimum),
        loss_minimum=terms.loss.minimum_rate.central
        if terms.loss and terms.loss.minimum_rate
        else None,
        below_share=terms.below_minimum.rate_share.central if terms.below_minimum else 0.0,
        gate=terms.quality.gate.central,
        loss_limits=_loss_limits(terms),
        revenue_limit=_value(terms.loss.limit_of_revenue if terms.loss else None, np.inf),
        half_year_share=terms.half_year_adjustment_share.central,
        guardrail_pays=terms.guardrail_pays.central,
        terminated_pays=terms.terminated_pays.central,
        fee=_netted_fee(contract),
        first_year=contract.years.first if contract.years else 0,
    )


def _value(parameter: Parameter | None, neutral: float) -> float:
    return neutral if parameter is None else parameter.central


def _clauses(terms: SharedSavings) -> Clauses:
    """The clauses that no row changes."""
    return Clauses(
        sharing_rate=terms.sharing_rate.central,
        tier_above=np.array([tier.above.central for tier in terms.tiers], dtype=np.float64),
        tier_rate=np.array([tier.sharing_rate.central for tier in terms.tiers], dtype=np.float64),
        excess_only=float(terms.excess_only),
        sequestration=terms.sequestration.central,
        payment_limit=_value(terms.payment_limit, np.inf),
        capture_cap=_value(terms.capture_cap, np.inf),
    )


def _scale(minimum: MinimumRate) -> Scale | None:
    if not minimum.scale:
        return None
    rows = []
    for band in minimum.scale:
        lower, rate = band.lower.central, band.rate_at_lower.central
        rows.append(
            (lower, _value(band.upper, lower + 1.0), rate, _value(band.rate_at_upper, rate))
        )
    return Scale(*np.array(rows, dtype=np.float64).T.copy())


def _loss_limits(terms: SharedSavings) -> tuple[float, ...]:
    """Shares of the benchmark by year of the agreement; the last one stays."""
    if terms.loss is None:
        return (np.inf,)
    by_year = tuple(limit.central for limit in terms.loss.limit_of_benchmark_by_year)
    return by_year or (_value(terms.loss.limit_of_benchmark, np.inf),)


def _netted_fee(contract: Contract) -> float:
    fee, terms = contract.member_fee, contract.shared_savings
    netted = fee is not None and terms is not None and terms.fee_netted_first
    return MONTHS * fee.per_member_month.central if fee and netted else 0.0


def agreement_year(row: Row, rules: Rules) -> int:
    """Year of the agreement, from 1 to the last that has a limit of its own."""
    last = len(rules.loss_limits)
    if row.agreement_start is None or row.year is None:
        return last
    began = max(row.agreement_start.year, rules.first_year)
    return min(last, max(1, row.year - began + 1))
