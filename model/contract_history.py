"""Contract history: what a contract's settled years hold, for every draw.

Settled years are those that end within the horizon while the contract is in force: who has left a
contract has no more of them. Amounts are nominal USD, a payment is positive, a loss negative.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from .deals import by_year
from .distributions import Floats
from .finance.contracts import Clauses
from .financing import ContractLine
from .money_plan import Bools, financing_of
from .totals import total
from .worlds import Worlds

# Of books.CLAUSES, in the order of `clauses_of`.
CLAUSES = (
    "sharing_rate",
    "excess_only",
    "below_minimum",
    "quality",
    "sequestration",
    "payment_limit",
    "capture_cap",
    "loss_rate",
)


class History(NamedTuple):
    """One contract over its years, [draw, year]; 0 where a year is not settled."""

    name: str
    line: ContractLine
    number: int  # among the contracts
    settled: Any  # records of books.SETTLEMENT
    years: Bools  # that are settled
    usual_cost: Floats  # of the attributed members
    covered_saving: Floats  # of the payer in the covered segments, of care that the contract counts
    true_saving: Floats  # of it, on attributed members
    numbers: Any  # records of books.CONTRACT_YEAR
    clauses: Any  # records of books.CLAUSES [draw]
    tier_above: Floats  # [draw, tier]
    tier_rate: Floats  # [draw, tier]

    @property
    def shares_savings(self) -> bool:
        return self.line.terms.shared_savings is not None

    @property
    def netted(self) -> bool:
        """Whether a fee is paid out of the savings first."""
        terms = self.line.terms.shared_savings
        return terms is not None and terms.fee_netted_first


def histories(w: Worlds) -> Iterator[History]:
    deals = w.strategy_world.deals
    for h, (name, line) in enumerate(financing_of(w.scenario).contracts.items()):
        assert deals is not None
        settled = w.strategy_world.books.settled[:, h, : line.years]
        numbers, clauses = deals.year[:, h, : line.years], deals.contract[:, h]
        # A contract that was left has blank records, which have no members.
        ended = by_year(w.scenario, line, np.ones((1, w.scenario.clock.months))) > 0.0
        expected = by_year(w.scenario, line, deals.month["members"][:, :, h])
        years = ended & ((settled["members"] > 0.0) | (expected == 0.0))
        saved = w.usual.contract_care[:, :, h] - w.strategy.contract_care[:, :, h]
        covered = np.where(years, by_year(w.scenario, line, saved), 0.0)
        yield History(
            name=name,
            line=line,
            number=h,
            settled=settled,
            years=years,
            usual_cost=np.where(years, numbers["usual_cost"], 0.0),
            covered_saving=covered,
            true_saving=covered * clauses["counted_share"][:, None],
            numbers=numbers,
            clauses=clauses,
            tier_above=deals.tier_above[:, h, : tier_count(line)],
            tier_rate=deals.tier_rate[:, h, : tier_count(line)],
        )


# --- clauses


def tier_count(line: ContractLine) -> int:
    return len(line.terms.shared_savings.tiers) if line.terms.shared_savings else 0


def clauses_at(x: History, chosen: Bools) -> Iterator[Clauses]:
    """The clauses of chosen contract-years, as contract_years.clauses_of has them."""
    year, draws = x.numbers, np.nonzero(chosen)[0]
    columns = [
        *(x.clauses[name][draws] for name in CLAUSES),
        *(year[name][chosen] for name in ("minimum_rate", "loss_minimum")),
        year["loss_limit"][chosen] * x.settled["benchmark"][chosen],
    ]
    for draw, row in zip(draws, zip(*(c.tolist() for c in columns), strict=True), strict=True):
        yield clauses_of(x.tier_above[draw], x.tier_rate[draw], *row)


def clauses_of(
    tier_above: Floats,
    tier_rate: Floats,
    sharing_rate: float,
    excess_only: float,
    below_minimum: float,
    quality: float,
    sequestration: float,
    payment_limit: float,
    capture_cap: float,
    loss_rate: float,
    minimum_rate: float,
    loss_minimum: float,
    loss_limit: float,
) -> Clauses:
    """One settlement's clauses; `loss_limit` in USD."""
    return Clauses(
        sharing_rate=sharing_rate,
        tier_above=np.ascontiguousarray(tier_above, dtype=np.float64),
        tier_rate=np.ascontiguousarray(tier_rate, dtype=np.float64),
        minimum_savings_rate=minimum_rate,
        minimum_loss_rate=loss_minimum,
        excess_only=excess_only,
        below_minimum_share=below_minimum,
        quality_share=quality,
        sequestration=sequestration,
        payment_limit=payment_limit,
        capture_cap=capture_cap,
        loss_rate=loss_rate,
        loss_limit=loss_limit,
    )


# --- sums and means over years


def over_years(values: Floats) -> Floats:
    """Sum [draw] over years, in order."""
    return np.asarray(total(np.ascontiguousarray(values, dtype=np.float64)))


def mean_year(x: History, values: Any) -> Floats:
    """Mean [draw] over the settled years; 0 where there is none."""
    count = over_years(x.years.astype(np.float64))
    return over_years(np.where(x.years, values, 0.0)) / np.maximum(count, 1.0)


def ratio(top: Any, bottom: Any) -> Floats:
    """0 where there is nothing to divide by."""
    out = np.zeros(np.broadcast_shapes(np.shape(top), np.shape(bottom)))
    np.divide(top, bottom, out=out, where=np.asarray(bottom) > 0.0)
    return out
