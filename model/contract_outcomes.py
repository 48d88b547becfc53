"""Contract outcomes [draw]: what each contract measured and paid, and what was error or luck.

Over the settled years (contract_history.py). A draw without any has 0 everywhere. The mean of a
rate is the mean of its yearly values.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .contract_cash import payer_and_others, steps
from .contract_history import History, clauses_at, histories, mean_year, over_years, ratio
from .deals import by_year
from .distributions import Floats
from .finance import contracts
from .finance.contracts import Settled
from .worlds import STRATEGY, Measure, Worlds

Found = Iterator[tuple[str, str, Floats]]


def measures(w: Worlds) -> Iterator[Measure]:
    """What each contract came to [draw]; nothing without contracts."""
    for history in histories(w):
        for metric, unit, values in outcomes(w, history):
            yield Measure(metric, history.name, STRATEGY, unit, values)
        if history.shares_savings:
            for step, flow in steps(w, history).items():
                subject = f"{history.name}.{step}"
                yield Measure("waterfall", subject, STRATEGY, "USD", flow.total)
                yield Measure("waterfall_month", subject, STRATEGY, "months", flow.when)


def outcomes(w: Worlds, x: History) -> Found:
    """Metric, unit and values [draw] of one contract."""
    yield from members_and_rates(w, x)
    if x.shares_savings:
        yield from payments(x)
        yield from how_often(x)
    yield from payer_and_others(w, x)


# --- members and rates


def members_and_rates(w: Worlds, x: History) -> Found:
    """Members, and savings as shares of their cost (true) and of the benchmark (measured).

    `benchmark_error_rate` is what would be measured without effect and without luck: the method's
    error, its trend, selection and run-out, before re-basing. `rebasing_rate` is the part of a
    benchmark that earlier years, saved or lucky, have taken off it (negative: added to it).
    """
    at, first = x.settled, x.numbers["benchmark"]
    yield "contract_members", "persons", mean_year(x, at["members"])
    yield "true_savings_rate", "1", mean_year(x, ratio(x.true_saving, x.usual_cost))
    yield "largest_savings_rate", "1", largest_savings_rate(w, x)
    if x.shares_savings or x.line.pays_into:
        per_member = ratio(at["benchmark"], at["members"])
        seen = x.usual_cost * x.clauses["seen"][:, None]
        yield "measured_savings_rate", "1", mean_year(x, ratio(at["measured"], at["benchmark"]))
        yield "benchmark_error_rate", "1", mean_year(x, ratio(first - seen, first))
        yield "rebasing_rate", "1", mean_year(x, ratio(first - at["benchmark"], first))
        yield "benchmark_per_member", "USD/member-year", mean_year(x, per_member)


def largest_savings_rate(w: Worlds, x: History) -> Floats:
    """The true savings rate if every slot were filled all year [draw].

    Slots (posts x caseload, while an intervention runs) of all interventions that serve a covered
    segment, each saving what a person enrolled has truly saved there in a year on average,
    among the attributed members at their usual cost, over the settled years together. People
    whom a service still protects after it ended are taken to grow with the slots. At least what was
    reached; 0 where nobody was enrolled.
    """
    slots, enrolled = person_years(w, x)
    each = ratio(over_years(x.true_saving), enrolled)
    members = over_years(np.where(x.years, x.settled["members"], 0.0))
    cost = ratio(over_years(x.usual_cost), members)
    spent = members * cost > 0.0
    rows = zip(np.maximum(slots, enrolled), each, members, cost, strict=True)
    rates = [
        contracts.largest_savings_rate(*row) if any_ else 0.0
        for row, any_ in zip(rows, spent, strict=True)
    ]
    return np.array(rates, dtype=np.float64)


def person_years(w: Worlds, x: History) -> tuple[Floats, Floats]:
    """Person-years of slots and of people enrolled [draw] in the settled years."""
    clock = w.scenario.clock
    months = np.arange(clock.months)
    slots, enrolled = np.zeros((2, w.get.size, months.size))
    for i, (name, programme) in enumerate(w.scenario.interventions.items()):
        if set(programme.eligible.segments) & set(x.line.covers.segments):
            at = f"interventions.{name}.staff"
            last = clock.index(programme.end) if programme.end else clock.months
            running = (clock.index(programme.start) <= months) & (months <= last)
            slots += (w.get(f"{at}.posts") * w.get(f"{at}.caseload"))[:, None] * running
            enrolled += w.strategy.enrolled_months[:, :, i]

    def settled(stock: Floats) -> Floats:
        return over_years(np.where(x.years, by_year(w.scenario, x.line, stock), 0.0)) / 12.0

    return settled(slots), settled(enrolled)


# --- what shared savings pay


def payments(x: History) -> Found:
    """Payments of shared savings, and what of them the truth would not have paid.

    `payment_by_error_and_luck` is payment less payment on truth. It is not chance alone: it holds
    the errors of the benchmark, of selection and of run-out too. It is split in one order, which
    matters, as payments are kinked. `payment_by_benchmark_error`: what the recorded benchmark would
    have paid without the year's luck, less payment on truth; what re-basing changed in the
    benchmark is in it, and through it the luck of earlier agreements. `payment_by_luck`: payment,
    less what it would have been without the year's luck.
    """
    paid, truth = x.settled["payment"], x.settled["payment_on_truth"]
    calm = payment_without_luck(x)
    yield "contract_payment", "USD", over_years(paid)
    yield "contract_payment_yearly", "USD/year", mean_year(x, paid)
    yield "contract_payment_first_year", "USD", np.array(paid[:, 0], dtype=np.float64)
    yield "payment_on_truth", "USD", over_years(truth)
    yield "payment_by_error_and_luck", "USD", over_years(paid - truth)
    yield "payment_by_benchmark_error", "USD", over_years(calm - truth)
    yield "payment_by_luck", "USD", over_years(paid - calm)


def payment_without_luck(x: History) -> Floats:
    """The settlements [draw, year] of the recorded benchmarks, had the year brought no luck."""
    out = np.where(x.years, x.settled["payment"], 0.0)
    lucky = x.years & (x.settled["luck"] != 0.0) & (x.settled["benchmark"] > 0.0)
    at, c = x.settled[lucky], x.clauses
    fee = np.broadcast_to(c["fee"][:, None], lucky.shape)[lucky]
    seen = np.broadcast_to(c["seen"][:, None], lucky.shape)[lucky]
    cost = (at["usual_cost"] - at["true_saving"]) * seen + x.netted * 12.0 * at["members"] * fee
    rows = zip(at["benchmark"].tolist(), cost.tolist(), clauses_at(x, lucky), strict=True)
    found = (Settled(*contracts.settlement(*row)) for row in rows)
    out[lucky] = [s.payment - s.repayment for s in found]
    return out


def how_often(x: History) -> Found:
    """Shares of the settled years: paid, owed, paid had there been no effect.

    `p_not_paid_though_real` is the share of settled years with a true saving of the attributed
    members (net of added care) and no payment; it is 0 where no year has one. The chance of no
    payment given a real saving is its mean over draws divided by that of `p_real_saving`.
    """
    paid, real = x.settled["payment"] > 0.0, x.true_saving > 0.0
    yield "p_paid", "1", mean_year(x, paid)
    yield "p_owed", "1", mean_year(x, x.settled["payment"] < 0.0)
    yield "p_paid_without_effect", "1", mean_year(x, x.settled["payment_without_effect"] > 0.0)
    yield "p_real_saving", "1", mean_year(x, real)
    yield "p_not_paid_though_real", "1", mean_year(x, real & ~paid)
