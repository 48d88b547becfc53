"""The other kinds of contract, from their terms: fees, withhold pools, outcome payments."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from model.terms import MemberFee, OutcomeMetric, Outcomes, Withhold

from . import contracts

PAYEE, PAYER = "payee", "payer"


def fee(terms: MemberFee, member_months: float, achieved: float = 1.0) -> float:
    """USD of a fee per member and month, by the share of targets achieved."""
    whole = contracts.member_fee(member_months, terms.per_member_month.central)
    return float(contracts.fee_at_risk(whole, terms.at_risk.central, achieved))


def withhold_parts(terms: Withhold, payment: float, achieved: float) -> dict[str, float]:
    """USD of the pool by receiver; the parts sum to what was withheld.

    `payee` is earned back, the others receive what is released to them, `payer` keeps the rest.
    """
    pool = contracts.withheld(payment, terms.rate.central)
    limit, release = terms.earn_back_limit.central, terms.forfeit_released.central
    missed = contracts.forfeited(pool, achieved, limit)
    released = contracts.released_to_others(pool, missed, limit, release)
    parts = {PAYEE: float(contracts.earned_back(pool, achieved, limit))}
    for party, share in terms.others.items():
        parts[party] = float(contracts.distributed(released, share.central))
    return parts | {PAYER: float(contracts.kept_by_payer(missed, release))}


def outcome_payments(terms: Outcomes, measured: Mapping[str, float]) -> dict[str, float]:
    """USD by metric, each up to its own cap: units for a price, a reduction (0-1) for bands."""
    return {
        name: _metric_payment(metric, measured.get(name, 0.0))
        for name, metric in terms.metrics.items()
    }


def outcome_total(terms: Outcomes, measured: Mapping[str, float]) -> float:
    """USD over all metrics, within the contract's overall minimum and maximum."""
    total = sum(outcome_payments(terms, measured).values())
    maximum = np.inf if terms.maximum is None else terms.maximum.central
    return float(contracts.within(total, terms.minimum.central, maximum))


def _metric_payment(metric: OutcomeMetric, measured: float) -> float:
    cap = np.inf if metric.cap is None else metric.cap.central
    return float(contracts.within(_uncapped(metric, measured), 0.0, cap))


def _uncapped(metric: OutcomeMetric, measured: float) -> float:
    if metric.price is not None:
        return float(contracts.unit_payment(measured, metric.price.central))
    lower, upper, per_point = np.array(
        [(b.lower.central, b.upper.central, b.per_point.central) for b in metric.bands]
    ).T
    start = metric.starts_at.central
    return float(contracts.band_payment(measured, lower, upper, per_point, start))
