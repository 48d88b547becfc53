"""Settlements: from one row of performance to dollars, and the clause that decided.

The order is that of 42 CFR part 425 subpart G; the arithmetic stands in contracts.py.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..distributions import Floats
from ..quantity import Parameter
from . import contracts
from .contracts import Clauses, Settled
from .performance import Refused, Row
from .terms import Contract, LossRate, MinimumRate, SharedSavings

MONTHS = 12


class Settlement(NamedTuple):
    """What one contract-year pays; `decided_by` names the clause in words."""

    year: int | None
    aco_id: str
    gross_savings: float  # USD
    threshold_rate: float  # share of the benchmark, positive
    applied_rate: float  # of what counts, after quality, before sequestration; 0 if nothing
    earned: float  # USD, a payment positive, a loss negative
    decided_by: str


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
    capture_cap: float
    fee: float  # USD per member and year, netted first
    first_year: int


# --- from terms to numbers


def rules_of(contract: Contract) -> Rules:
    """The numbers of a contract's shared savings; Refused if it has none."""
    terms = contract.shared_savings
    if terms is None:
        raise Refused("terms without `shared_savings`", "a shared-savings contract")
    minimum = terms.minimum_rate or MinimumRate(fixed=terms.sharing_rate.times(0.0))
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
        capture_cap=_value(terms.capture_cap, np.inf),
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


# --- one row


def settle(row: Row, rules: Rules) -> Settlement:
    """What the terms make of a row; Refused where an answer needs what the row does not say."""
    clauses, quality = clauses_for(row, rules)
    settled = Settled(*contracts.settlement(row.benchmark, _expenditure(row, rules), clauses))
    payment = contracts.captured(settled.payment, settled.gross, rules.capture_cap)
    earned = payment - settled.repayment
    saved = settled.gross > 0
    threshold = clauses.minimum_savings_rate if saved else clauses.minimum_loss_rate
    return Settlement(
        row.year,
        row.aco_id,
        settled.gross,
        threshold,
        _applied_rate(settled) if earned else 0.0,
        earned + 0.0,
        decided_by(row, rules, clauses, settled, payment, quality),
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
    share = rules.loss_limits[_agreement_year(row, rules) - 1]
    return float(contracts.loss_limit(row.benchmark, share, revenue, rules.revenue_limit))


def _agreement_year(row: Row, rules: Rules) -> int:
    """Year of the agreement, from 1 to the last that has a limit of its own."""
    last = len(rules.loss_limits)
    if row.agreement_start is None or row.year is None:
        return last
    began = max(row.agreement_start.year, rules.first_year)
    return min(last, max(1, row.year - began + 1))


def _forgiven(row: Row, rules: Rules) -> float:
    share = rules.half_year_share if row.six_month else 1.0
    return -(row.adjustment or 0.0) * share


def _applied_rate(settled: Settled) -> float:
    if settled.gross > 0:
        return settled.shared / (settled.counted or settled.gross)
    return settled.owed / settled.lost


# --- in words


def decided_by(
    row: Row, rules: Rules, clauses: Clauses, settled: Settled, payment: float, quality: str
) -> str:
    """The clause that decided, in words."""
    if settled.gross > 0:
        return _savings_decided_by(row, clauses, settled, payment, quality)
    if settled.gross < 0:
        return _loss_decided_by(row, rules, clauses, settled)
    return "neither savings nor losses"


def _savings_decided_by(
    row: Row, clauses: Clauses, settled: Settled, payment: float, quality: str
) -> str:
    tests: tuple[tuple[bool, Callable[[], str]], ...] = (
        (_takes_all(row.terminated, clauses), lambda: "mid-year termination: no payment"),
        (_takes_all(row.guardrail, clauses), lambda: "guardrail: no payment for these savings"),
        (
            settled.counted == 0 and clauses.below_minimum_share == 0,
            lambda: (
                f"savings of {_percent(settled.gross / row.benchmark)} below the minimum savings "
                f"rate of {_percent(clauses.minimum_savings_rate)}"
            ),
        ),
        (settled.shared == 0, lambda: quality),
        (payment < settled.payment, lambda: "capture cap: a share of the payer's saving"),
        (
            settled.payment < settled.sequestered,
            lambda: f"payment limit of {_percent(clauses.payment_limit)} of the benchmark",
        ),
        (
            settled.counted == 0,
            lambda: (
                f"below the minimum savings rate, {_percent(clauses.below_minimum_share)} of the "
                f"rate: {quality}"
            ),
        ),
    )
    return next((words() for true, words in tests if true), quality)


def _takes_all(flag: bool | None, clauses: Clauses) -> bool:
    return bool(flag) and clauses.savings_counted == 0


def _loss_decided_by(row: Row, rules: Rules, clauses: Clauses, settled: Settled) -> str:
    if rules.terms.loss is None:
        return "one-sided contract: losses are not shared"
    if settled.lost == 0:
        rate = _percent(-settled.gross / row.benchmark)
        return (
            f"losses of {rate} below the minimum loss rate of {_percent(clauses.minimum_loss_rate)}"
        )
    if row.terminated and clauses.losses_counted == 0:
        return "mid-year termination: a pro-rated loss may be owed, which needs its date"
    if settled.repayment < settled.limited:
        whole = "the whole" if settled.repayment == 0 else "a part of the"
        return f"disaster adjustment: {whole} loss forgiven{_unknown(row, rules)}"
    if settled.limited < settled.owed:
        of_benchmark = rules.loss_limits[_agreement_year(row, rules) - 1]
        limit = of_benchmark * row.benchmark
        if settled.limited < limit:
            return f"loss limit of {_percent(rules.revenue_limit)} of participants' revenue"
        return f"loss limit of {_percent(of_benchmark)} of the benchmark{_unknown(row, rules)}"
    return f"loss rate of {_percent(clauses.loss_rate)}{_unknown(row, rules)}"


def _unknown(row: Row, rules: Rules) -> str:
    known = row.revenue is not None or np.isinf(rules.revenue_limit)
    return "" if known else " (limit by revenue not tested: participant_revenue is not given)"


def _percent(share: float) -> str:
    return f"{100.0 * share:.4g} %"
