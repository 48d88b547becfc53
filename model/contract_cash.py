"""Contract cash: from a payer's true saving to what an account receives, and the payer's side."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from .contract_history import History, over_years
from .deals import by_year
from .distributions import Floats
from .finance.contracts import earned_back, forfeited, kept_by_payer, released_to_others
from .money_plan import contract_account, financing_of
from .worlds import Worlds, mean_month

# From avoided to cash, the payer's branch: the first is an amount, the others change it.
STEPS = (
    "01_true_saving",  # of the payer in the covered segments, of care that the contract counts
    "02_not_attributed",  # other members, who left within the year, cost above the cap
    "03_benchmark_error",  # benchmark, selection, run-out, re-basing
    "04_luck",
    "05_losses_not_owed",  # measured losses: all of them, or below the minimum and by the loss rate
    "06_not_counted",  # a fee that is netted first, then the threshold
    "07_not_shared",  # of savings, what the payer keeps
    "08_limits",  # sequestration, payment limit, capture cap, loss limit
    "09_after_horizon",  # falls due later: the settlement's lag
    "10_to_others",
    "11_insolvent",  # an insolvent account receives nothing, and repays nothing
)


class Flow(NamedTuple):
    """Amounts and when they fall, each [draw, entry]; USD, months counted from 1."""

    amount: Floats
    month: Floats

    @property
    def total(self) -> Floats:
        return over_years(self.amount)

    @property
    def when(self) -> Floats:
        """Month around which it falls [draw], weighted by size; nan where there is nothing."""
        return mean_month(self.amount, self.month)


def steps(w: Worlds, x: History) -> dict[str, Flow]:
    """Signed steps over the horizon; they add up to `contract_received`.

    A saving falls in the months in which it is made, what is measured and what the clauses make of
    it at the end of the year, a payment when it is due: after the horizon too.
    """
    own = x.clauses["counted_share"][:, None]
    saved, due, received = savings_by_month(w, x), *cash(w, x)
    left = due.amount * (1.0 - x.clauses["to_account"][:, None])
    flows = [
        saved,
        saved._replace(amount=saved.amount * (own - 1.0)),
        *at_settlement(w, x),
        after_horizon(x, due),
        due._replace(amount=-left),
        due._replace(amount=received.amount - (due.amount - left)),
    ]
    return dict(zip(STEPS, flows, strict=True))


def savings_by_month(w: Worlds, x: History) -> Flow:
    """The payer's saving in the covered segments, in the months of settled years."""
    months = w.scenario.clock.months
    saved = w.usual.contract_care[:, :, x.number] - w.strategy.contract_care[:, :, x.number]
    year = (np.arange(months) - w.scenario.clock.index(x.line.start)) // 12
    agreed = (year >= 0) & (year < x.line.years)
    counted = agreed[None, :] & x.years[:, np.clip(year, 0, x.line.years - 1)]
    month = np.broadcast_to(np.arange(1.0, months + 1.0), saved.shape)
    return Flow(np.where(counted, saved, 0.0), month)


def at_settlement(w: Worlds, x: History) -> Iterator[Flow]:
    """From the true saving to the payment of shared savings, at each year's end."""
    at = x.settled
    measured, shared = at["measured"], at["shared"]
    owed = np.where(measured < 0.0, np.maximum(measured, shared), measured)
    calm = measured - at["luck"]
    levels = (x.true_saving, calm, measured, owed, counted(x), shared, at["payment"])
    month = np.broadcast_to(1.0 + year_ends(w, x), x.years.shape)
    for before, after in pairwise(levels):
        yield Flow(np.where(x.years, after - before, 0.0), month)


def counted(x: History) -> Floats:
    """Savings of which a share is paid [draw, year]; of a loss, what is owed.

    A contract that shares savings below the minimum, at a lower rate, counts them too.
    """
    at, fee = x.settled, x.netted * 12.0 * x.settled["members"] * x.clauses["fee"][:, None]
    gross = at["measured"] - fee
    below = (at["counted"] <= 0.0) & (at["shared"] > 0.0)
    savings = np.where(below, gross, at["counted"])
    return np.asarray(np.where(gross < 0.0, at["shared"], savings))


def year_ends(w: Worlds, x: History) -> Floats:
    """The last month of each contract year, counted from 0 [year]."""
    years = np.arange(1, x.line.years + 1, dtype=np.float64)
    return w.scenario.clock.index(x.line.start) + 12.0 * years - 1.0


def cash(w: Worlds, x: History) -> tuple[Flow, Flow]:
    """Of shared savings, what falls due within the horizon and what the account gets of it.

    By contract-year, interim payments first [draw, 2 x year]. An interim payment is taken to be
    made on the payment of shared savings alone; other payments of the same settlement have their
    own.
    """
    months = w.scenario.clock.months
    interim, rest = parts(x)
    ends = np.broadcast_to(year_ends(w, x), rest.shape)
    when = np.concatenate([ends, ends + x.clauses["lag"][:, None]], axis=1)
    due = np.concatenate([interim, rest], axis=1)
    due = np.where(when < months, due, 0.0)
    before = np.clip(when, 1, months).astype(np.int64) - 1
    alive = np.take_along_axis(account_alive(w, x.name), before, axis=1)
    received = x.clauses["to_account"][:, None] * due * alive
    return Flow(due, when + 1.0), Flow(received, when + 1.0)


def parts(x: History) -> tuple[Floats, Floats]:
    """Interim payments and what remains of shared savings [draw, year]."""
    payment = np.where(x.years, x.settled["payment"], 0.0)
    interim = x.clauses["interim"][:, None] * np.maximum(payment, 0.0)
    return interim, payment - interim


def after_horizon(x: History, due: Flow) -> Flow:
    """What is taken off because it falls due later."""
    payments = np.concatenate(parts(x), axis=1)
    return due._replace(amount=due.amount - payments)


def account_alive(w: Worlds, name: str) -> Floats:
    """1 while the account of a contract is solvent, at each month's end [draw, month]."""
    account = contract_account(w.scenario, name)
    if account is None:
        return np.ones((w.get.size, w.scenario.clock.months))
    k = list(financing_of(w.scenario).accounts).index(account)
    return np.array(w.strategy_world.books.account["alive"][:, :, k], dtype=np.float64)


# --- other payments, and the payer


def payer_and_others(w: Worlds, x: History) -> Iterator[tuple[str, str, Floats]]:
    """What else the contract pays, and what the payer keeps of its saving; metric, unit, [draw].

    `other_payment`: at settlements, fees at risk, outcomes, capture and what the account gets of a
    withhold pool. `monthly_payment`: fees not at risk, capitation, case rates. The payer pays all
    of these, but a withhold pool was its provider's money: what it keeps of it is a gain.
    """
    pool, from_pool = pools(w, x)
    other, monthly = over_years(x.settled["other"]), over_years(monthly_payments(w, x))
    paid = over_years(x.settled["payment"]) + other - from_pool + monthly - pool
    saved = over_years(x.true_saving)
    if x.shares_savings:
        yield "contract_received", "USD", cash(w, x)[1].total
    yield "other_payment", "USD", other
    yield "monthly_payment", "USD", monthly
    yield "payer_saving_on_attributed", "USD", saved
    yield "payer_net_of_contract", "USD", saved - paid


def pools(w: Worlds, x: History) -> tuple[Floats, Floats]:
    """Of withhold pools over the horizon [draw]: what the payer keeps, what the account gets."""
    held = by_year(w.scenario, x.line, w.strategy_world.books.pool[:, :, x.number])
    pool = over_years(np.where(x.years, held, 0.0))
    kept, received = shares_of_pool(x.clauses)
    return pool * kept, pool * received


def shares_of_pool(c: Any) -> tuple[Floats, Floats]:
    """Shares of a withhold pool that the payer keeps and that the account gets [draw]."""
    rows = zip(c["achieved"], c["earn_back"], c["released"], strict=True)
    found = [_pool_parts(1.0, *map(float, row)) for row in rows]
    kept, back, released = np.array(found, dtype=np.float64).reshape(-1, 3).T
    return kept, back * c["own_pool"] + released * c["others_pool"]


def _pool_parts(
    pool: float, achieved: float, limit: float, release: float
) -> tuple[float, float, float]:
    """Kept by the payer, earned back, released to others."""
    missed = forfeited(pool, achieved, limit)
    return (
        kept_by_payer(missed, release),
        earned_back(pool, achieved, limit),
        released_to_others(pool, missed, limit, release),
    )


def monthly_payments(w: Worlds, x: History) -> Floats:
    """Paid by the month in the settled years [draw, year], USD, to all who receive them."""
    paid = w.strategy_world.books.monthly[:, :, x.number]
    return np.where(x.years, by_year(w.scenario, x.line, paid), 0.0)
