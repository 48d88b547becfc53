"""The clause that decided a settlement, in words."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .contracts import Clauses, Settled
from .performance import Row
from .rules import Rules, agreement_year


def decided_by(row: Row, rules: Rules, clauses: Clauses, settled: Settled, quality: str) -> str:
    """The clause that decided, in words."""
    if settled.gross > 0:
        return _savings_decided_by(row, clauses, settled, quality)
    if settled.gross < 0:
        return _loss_decided_by(row, rules, clauses, settled)
    return "neither savings nor losses"


def _savings_decided_by(row: Row, clauses: Clauses, settled: Settled, quality: str) -> str:
    below = settled.counted == 0
    tests: tuple[tuple[bool, Callable[[], str]], ...] = (
        (_takes_all(row.terminated, clauses), lambda: "mid-year termination: no payment"),
        (_takes_all(row.guardrail, clauses), lambda: "guardrail: no payment for these savings"),
        (
            below and clauses.below_minimum_share == 0,
            lambda: (
                f"savings of {_percent(settled.gross / row.benchmark)} below the minimum savings "
                f"rate of {_percent(clauses.minimum_savings_rate)}"
            ),
        ),
        (settled.shared == 0, lambda: quality),
        (settled.payment < settled.sequestered, lambda: _limit(row, clauses, settled)),
        (
            below,
            lambda: (
                f"below the minimum savings rate, {_percent(clauses.below_minimum_share)} of the "
                f"rate: {quality}"
            ),
        ),
    )
    return next((words() for true, words in tests if true), quality)


def _limit(row: Row, clauses: Clauses, settled: Settled) -> str:
    """Which of the two limits of a payment is the lower one."""
    if clauses.capture_cap * settled.gross < clauses.payment_limit * row.benchmark:
        return f"capture cap of {_percent(clauses.capture_cap)} of the payer's saving"
    return f"payment limit of {_percent(clauses.payment_limit)} of the benchmark"


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
        words = f"disaster adjustment: {whole} loss forgiven"
    elif settled.limited < settled.owed:
        words = _loss_limit(row, rules, settled)
    else:
        words = f"loss rate of {_percent(clauses.loss_rate)}"
    return words + _untested(row, rules)


def _loss_limit(row: Row, rules: Rules, settled: Settled) -> str:
    """Which of the two limits of a loss is the lower one."""
    of_benchmark = rules.loss_limits[agreement_year(row, rules) - 1]
    if settled.limited < of_benchmark * row.benchmark:
        return f"loss limit of {_percent(rules.revenue_limit)} of participants' revenue"
    return f"loss limit of {_percent(of_benchmark)} of the benchmark"


def _untested(row: Row, rules: Rules) -> str:
    known = row.revenue is not None or np.isinf(rules.revenue_limit)
    return "" if known else " (limit by revenue not tested: participant_revenue is not given)"


def _percent(share: float) -> str:
    return f"{100.0 * share:.4g} %"
