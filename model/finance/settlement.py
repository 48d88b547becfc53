"""Settlements: from one row of performance to dollars, and the clause that decided.

The order is that of 42 CFR part 425 subpart G; the arithmetic stands in contracts.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from model.terms import LossRate

from . import contracts
from .contracts import Clauses, Settled
from .performance import Refused, Row
from .rules import Rules, agreement_year
from .verdict import decided_by


class Settlement(NamedTuple):
    """What one contract-year pays; `decided_by` names the clause in words."""

    year: int | None
    aco_id: str
    gross_savings: float  # USD
    threshold_rate: float  # share of the benchmark, positive
    applied_rate: float  # of what counts, after quality, before sequestration; 0 if nothing
    earned: float  # USD, a payment positive, a loss negative
    decided_by: str


def settle(row: Row, rules: Rules) -> Settlement:
    """What the terms make of a row; Refused where an answer needs what the row does not say."""
    clauses, quality = clauses_for(row, rules)
    settled = Settled(*contracts.settlement(row.benchmark, _expenditure(row, rules), clauses))
    earned = settled.payment - settled.repayment
    saved = settled.gross > 0
    threshold = clauses.minimum_savings_rate if saved else clauses.minimum_loss_rate
    return Settlement(
        row.year,
        row.aco_id,
        settled.gross,
        threshold,
        _applied_rate(settled) if earned else 0.0,
        earned + 0.0,
        decided_by(row, rules, clauses, settled, quality),
    )


def clauses_for(row: Row, rules: Rules) -> tuple[Clauses, str]:
    """The numbers that hold for one row, and quality's part in words."""
    minimum = minimum_rate(row, rules)
    loss_minimum = minimum if rules.loss_minimum is None else rules.loss_minimum
    below = rules.below_share if _shares_below_minimum(row, rules) else 0.0
    clauses = rules.clauses._replace(
        minimum_savings_rate=minimum,
        minimum_loss_rate=loss_minimum,
        below_minimum_share=below,
    )
    counted = _counted(row, rules, clauses)
    share, words = (1.0, "") if counted <= 0 else _quality(row, rules)
    pays = rules.terminated_pays if row.terminated else 1.0
    return clauses._replace(
        quality_share=share,
        savings_counted=pays * (rules.guardrail_pays if row.guardrail else 1.0),
        losses_counted=pays,
        loss_rate=_loss_rate(row, rules, counted),
        loss_limit=_loss_limit(row, rules),
        forgiven=_forgiven(row, rules),
    ), words


def clauses_both_ways(row: Row, rules: Rules) -> Clauses:
    """The numbers for whatever is measured: quality as for savings, loss rate as for losses."""
    saving, _ = clauses_for(row._replace(expenditure=0.0), rules)
    losing, _ = clauses_for(row._replace(expenditure=2.0 * row.benchmark), rules)
    return saving._replace(loss_rate=losing.loss_rate)


def minimum_by_members(row: Row, rules: Rules) -> Callable[[float], float]:
    """The minimum rate for other numbers of members; flat below the scale."""
    least = 0.0 if rules.scale is None else float(rules.scale.lower[0])
    return lambda n: minimum_rate(row._replace(members=max(n, least)), rules)


def minimum_rate(row: Row, rules: Rules) -> float:
    """Fixed, or as printed where the contract lets choose, or the unrounded scale by members."""
    if rules.scale is None:
        return rules.fixed_minimum
    printed, smallest = row.printed_minimum, rules.scale.lower[0]
    if rules.elected and printed is None:
        raise Refused("no minimum_savings_rate", "the rate that this contract lets choose")
    for rate in rules.elected:
        if printed is not None and abs(printed - rate) < 1e-9:
            return rate
    if row.members is None:
        raise Refused("no assigned_beneficiaries", "members, which set the minimum savings rate")
    if row.members >= smallest:
        return float(contracts.minimum_rate_by_members(row.members, *rules.scale))
    if printed is None:
        raise Refused("no minimum_savings_rate", f"the rate, with fewer than {smallest:g} members")
    return printed


def _expenditure(row: Row, rules: Rules) -> float:
    return row.expenditure + rules.fee * (row.members or 0.0)


def _counted(row: Row, rules: Rules, clauses: Clauses) -> float:
    """What is shared, before any rate: savings positive, losses negative."""
    gross = contracts.gross_savings(row.benchmark, _expenditure(row, rules))
    base, beyond = row.benchmark, clauses.excess_only
    if gross > 0 and clauses.below_minimum_share > 0:
        return float(gross)
    saved = contracts.counted_savings(gross, base, clauses.minimum_savings_rate, beyond)
    return float(saved - contracts.counted_losses(gross, base, clauses.minimum_loss_rate, beyond))


def _shares_below_minimum(row: Row, rules: Rules) -> bool:
    below = rules.terms.below_minimum
    if below is None:
        return False
    fits = not below.low_revenue_only or row.revenue_category.lower().startswith("low")
    since = row.agreement_start.isoformat() if row.agreement_start else ""
    return fits and (below.agreement_from is None or since >= below.agreement_from)


def _quality(row: Row, rules: Rules) -> tuple[float, str]:
    """Share of the sharing rate that quality leaves, and why."""
    terms = rules.terms.quality
    alternative = terms.alternative_pays == "score" and row.met_alternative is True
    met = _met_standard(row)
    if not met and not alternative:
        return 0.0, "quality standard not met"
    by_score = terms.pays == "score" if met else True
    if not by_score and rules.gate <= 0:
        return 1.0, f"full sharing rate{_unstated(row, rules)}"
    share = contracts.quality_share(_score(row, rules), float(by_score), rules.gate)
    words = "sharing rate times quality score" if by_score else "full sharing rate"
    words = words + _unstated(row, rules) if met else f"alternative quality standard: {words}"
    return float(share), words if share > 0 else "quality score under the gate"


def _unstated(row: Row, rules: Rules) -> str:
    """Says that the quality standard was taken as met, from the year on in which files state it."""
    stated_after = rules.terms.quality.reporting_only_through
    if row.met_standard is not None or row.met_alternative or row.final_rate is not None:
        return ""
    late = stated_after is not None and (row.year is None or row.year > stated_after)
    return " (quality standard not stated: taken as met)" if late else ""


def _met_standard(row: Row) -> bool:
    """As said; where nothing is, met unless the published final rate is 0."""
    if row.met_standard is None:
        return row.final_rate != 0.0 and not row.met_alternative
    return row.met_standard


def _score(row: Row, rules: Rules) -> float:
    if row.score is not None:
        return row.score
    full_marks_through = rules.terms.quality.reporting_only_through
    if row.year is None or full_marks_through is None or row.year > full_marks_through:
        raise Refused("no quality_score", "the score, on which this payment or loss depends")
    return 1.0


def _loss_rate(row: Row, rules: Rules, counted: float) -> float:
    loss = rules.terms.loss
    if loss is None or counted >= 0:
        return 0.0
    if loss.rate.fixed is not None:
        return loss.rate.fixed.central
    return _loss_rate_by_quality(row, rules, loss.rate)


def _loss_rate_by_quality(row: Row, rules: Rules, rate: LossRate) -> float:
    assert rate.floor is not None and rate.ceiling is not None
    if not _met_standard(row) and not row.met_alternative:
        return rate.ceiling.central
    return float(
        contracts.loss_rate_by_quality(
            rules.clauses.sharing_rate,
            _score(row, rules),
            rate.floor.central,
            rate.ceiling.central,
        )
    )


def _loss_limit(row: Row, rules: Rules) -> float:
    revenue = np.nan if row.revenue is None else row.revenue
    share = rules.loss_limits[agreement_year(row, rules) - 1]
    return float(contracts.loss_limit(row.benchmark, share, revenue, rules.revenue_limit))


def _forgiven(row: Row, rules: Rules) -> float:
    share = rules.half_year_share if row.six_month else 1.0
    return -(row.adjustment or 0.0) * share


def _applied_rate(settled: Settled) -> float:
    if settled.gross > 0:
        return settled.shared / (settled.counted or settled.gross)
    return settled.owed / settled.lost
