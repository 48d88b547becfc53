"""Contract cash: from a payer's true saving to what an account receives, and the payer's side."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from .contract_history import History, over_years
from .deals import by_year
from .distributions import Floats
from .finance.contracts import earned_back, forfeited, kept_by_payer, released_to_others
from .money_plan import contract_account, financing_of
from .worlds import Worlds

# From avoided to cash, the payer's branch: the first is an amount, the others change it.
STEPS = (
    "01_true_saving",  # of the payer in the covered segments, of care that the contract counts
    "02_not_attributed",  # other members, who left within the year, cost above the cap
    "03_benchmark_error",  # benchmark, selection, run-out, re-basing
    "04_luck",
    "05_not_counted",  # a fee that is netted first, then the threshold
    "06_not_shared",  # losses too, where they are not shared
    "07_limits",  # sequestration, payment limit, capture cap, loss limit
    "08_after_horizon",  # falls due later: the settlement's lag
    "09_to_others",
    "10_insolvent",  # an insolvent account receives nothing, and repays nothing
)


def steps(w: Worlds, x: History) -> dict[str, Floats]:
    """Signed steps [draw], USD over the horizon; they add up to `contract_received`."""
    levels = [np.zeros(w.get.size), *(over_years(level) for level in path(w, x))]
    changes = (after - before for before, after in pairwise(levels))
    return dict(zip(STEPS, changes, strict=True))


def path(w: Worlds, x: History) -> list[Floats]:
    """What is left after each step, [draw, year]."""
    at = x.settled
    due, received = cash(w, x)
    return [
        x.covered_saving,
        x.true_saving,
        at["measured"] - at["luck"],
        at["measured"],
        at["counted"],
        at["shared"],
        at["payment"],
        due,
        due * x.clauses["to_account"][:, None],
        received,
    ]


def cash(w: Worlds, x: History) -> tuple[Floats, Floats]:
    """Of shared savings, what falls due within the horizon and what the account gets of it.

    By contract-year [draw, year]. An interim payment is taken to be made on the payment of shared
    savings alone; other payments of the same settlement have their own.
    """
    months = w.scenario.clock.months
    ends = w.scenario.clock.index(x.line.start) + 12 * np.arange(1, x.line.years + 1) - 1
    final = ends[None, :] + x.clauses["lag"][:, None].astype(np.int64)
    payment = np.where(x.years, x.settled["payment"], 0.0)
    interim = x.clauses["interim"][:, None] * np.maximum(payment, 0.0)
    rest = np.where(final < months, payment - interim, 0.0)
    alive = account_alive(w, x.name)
    ends, final = np.clip(ends, 1, months), np.clip(final, 1, months)
    by_end, by_final = alive[:, ends - 1], np.take_along_axis(alive, final - 1, axis=1)
    received = x.clauses["to_account"][:, None] * (interim * by_end + rest * by_final)
    return interim + rest, received


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
        yield "contract_received", "USD", over_years(cash(w, x)[1])
    yield "other_payment", "USD", other
    yield "monthly_payment", "USD", monthly
    yield "payer_saving_on_attributed", "USD", saved
    yield "payer_net_of_contract", "USD", saved - paid


def pools(w: Worlds, x: History) -> tuple[Floats, Floats]:
    """Of withhold pools over the horizon [draw]: what the payer keeps, what the account gets."""
    c = x.clauses
    held = by_year(w.scenario, x.line, w.strategy_world.books.pool[:, :, x.number])
    pool = over_years(np.where(x.years, held, 0.0))
    rows = zip(pool, c["achieved"], c["earn_back"], c["released"], strict=True)
    parts = [_pool_parts(*map(float, row)) for row in rows]
    kept, back, released = np.array(parts, dtype=np.float64).reshape(-1, 3).T
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
    deals, c = w.strategy_world.deals, x.clauses
    assert deals is not None
    months = deals.month[:, :, x.number]
    fee = (c["fee"] * (1.0 - c["at_risk"]))[:, None] * months["members"]
    share = (c["counted_share"] * c["capitation"])[:, None]
    paid = fee + share * months["usual_care"] + c["case_rate"][:, None] * cases(w, x)
    return np.where(x.years, by_year(w.scenario, x.line, paid), 0.0)


def cases(w: Worlds, x: History) -> Floats:
    """Enrolments [draw, month] from the covered segments, which are recorded by calendar year.

    A month's are all its enrolments times the year's covered share.
    """
    if x.line.cases is None:
        return np.zeros((w.get.size, w.scenario.clock.months))
    i = list(w.scenario.interventions).index(x.line.cases)
    covered = [g in x.line.covers.segments for g in w.scenario.segments]
    by = w.strategy.started_by[:, :, i]
    whole = over_years(by)
    mine = over_years(by * np.array(covered, dtype=np.float64))
    share = np.divide(mine, whole, out=np.zeros_like(whole), where=whole > 0.0)
    first = int(w.scenario.clock.start[5:]) - 1
    year = (first + np.arange(w.scenario.clock.months)) // 12
    return np.asarray(w.strategy.started[:, :, i] * share[:, year])
