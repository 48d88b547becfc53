"""Money: from a scenario's financing and its luck to the numbers of the treasury, [draw, ...].

Costs and posts are at the scenario's price year and follow their trend from there; revenue is in
dollars of its own start. A scenario without financing has no account and no line, only what
interventions cost. A number that is the same in every draw is worked out once and broadcast.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .books import (
    ACCOUNT_NUMBERS,
    COST_NUMBERS,
    DUES_NUMBERS,
    FEE_MONTH,
    FEE_NUMBERS,
    GRANT_NUMBERS,
    POST_NUMBERS,
    PROGRAMME_COSTS,
    REINVESTMENT_NUMBERS,
    Costs,
    Money,
    records,
)
from .distributions import Floats
from .draws import Columns
from .finance.cash import annuity
from .financing import Financing, HardWiring
from .money_plan import filled, financing_of, lines, month_span, restricted_funds, spans
from .scenario import Scenario
from .services import years_since_price_year


def costs(scenario: Scenario, get: Columns) -> Costs:
    """What interventions cost, whoever pays."""
    names = list(scenario.interventions)

    def of(key: str) -> Floats:
        return get.each(f"interventions.{name}.costs.{key}" for name in names)

    fields = {key: of(key) for key in PROGRAMME_COSTS.names or () if key != "per_enrolled"}
    fields["per_enrolled"] = of("per_enrolled") + of("stipends")
    years = years_since_price_year(scenario)
    price = np.empty((get.size, scenario.clock.months, len(names)))
    for i, name in enumerate(names):
        price[:, :, i] = (1.0 + get.column(f"interventions.{name}.costs.trend")) ** years
    return Costs(filled(PROGRAMME_COSTS, (get.size, len(names)), **fields), price)


def money(scenario: Scenario, get: Columns) -> Money:
    """The numbers of the strategy."""
    f = financing_of(scenario)
    size, months = get.size, scenario.clock.months
    granted = {name: Granted(scenario, get, name) for name in f.grants}
    loans = {name: Borrowed(scenario, get, name) for name in f.loans}
    return Money(
        due=_due(scenario, get, granted, loans),
        account=_accounts(get, f),
        post=_numbers(get, POST_NUMBERS, "posts", list(f.posts), wanted="posts"),
        post_cost=_costs_of(scenario, get, "posts", "cost", f.posts),
        cost=_costs_of(scenario, get, "costs", "amount", f.costs),
        loan_payment=_stacked([x.payment for x in loans.values()], size, months),
        closes=_closes(get, f, granted),
        ceiling=_stacked([g.ceiling for g in granted.values()], size, months),
        grant=filled(
            GRANT_NUMBERS,
            (size, len(granted)),
            lag=_columns([g.lag for g in granted.values()], size),
            indirect=_columns([g.indirect_per_claim for g in granted.values()], size),
        ),
        dues=_numbers(get, DUES_NUMBERS, "dues", list(f.dues), lag="collection_lag"),
        invoice=_stacked(
            [nominal(scenario, get, f"financing.dues.{n}", d.start) for n, d in f.dues.items()],
            size,
            months,
        ),
        fee=_numbers(get, FEE_NUMBERS, "fees", list(f.fees), lag="collection_lag"),
        fee_month=_fee_months(scenario, get, f),
        reinvestment=_numbers(
            get,
            REINVESTMENT_NUMBERS,
            "reinvestment",
            list(f.reinvestment),
            desired="desired_posts",
        ),
    )


def in_usual_care(scenario: Scenario, m: Money) -> Money:
    """The same money without what belongs to the strategy alone.

    What moves to a partner then stays; loans, hard-wired amounts and reinvestment are not there,
    and of dues, fees and grants those that say so.
    """
    f = financing_of(scenario)
    grants = [g.exists(scenario.clock.start) for g in f.grants.values()]
    dues = [d.usual_care for d in f.dues.values()]
    fees = [fee.usual_care for fee in f.fees.values()]
    only_strategy = [True] * (len(f.hard_wiring) + len(f.loans))
    gone = np.flatnonzero(
        [*(not here for here in (*grants, *grants, *dues, *fees)), *only_strategy]
    )
    return m._replace(
        due=_without(m.due, gone),
        post_cost=_all_own(m.post_cost),
        cost=_all_own(m.cost),
        loan_payment=np.zeros_like(m.loan_payment),
        ceiling=_without(m.ceiling, np.flatnonzero(np.logical_not(grants))),
        dues=_scaled(m.dues, dues, "members", "joining"),
        fee_month=_scaled(m.fee_month, fees, "demand"),
        reinvestment=_scaled(
            m.reinvestment, [False] * len(f.reinvestment), "desired", "surplus_share"
        ),
    )


def _without(x: Floats, gone: Any) -> Floats:
    """[draw, month, line] with nothing in the lines that are gone."""
    if gone.size == 0:
        return x
    out = x.copy()
    out[:, :, gone] = 0.0
    return out


def _all_own(cost: Any) -> Any:
    """Costs of which partners pay nothing."""
    if not cost["partner"].any():
        return cost
    return filled(COST_NUMBERS, cost.shape, own=cost["own"] + cost["partner"])


def _scaled(numbers: Any, present: list[bool], *fields: str) -> Any:
    """Records [..., line], with fields at 0 where a line is not there."""
    if all(present):
        return numbers
    out = numbers.copy()
    for field in fields:
        out[field] *= np.array(present, dtype=np.float64)
    return out


# --- records of numbers


def _each(get: Columns, kind: str, names: list[str], field: str) -> Floats:
    """[draw, name]"""
    return get.each(f"financing.{kind}.{name}.{field}" for name in names)


def _numbers(get: Columns, kind: np.dtype[Any], part: str, names: list[str], **called: str) -> Any:
    """Records [draw, name] of the numbers that the scenario gives by the same name, or another.

    A lag is in whole months.
    """
    fields = {key: _each(get, part, names, called.get(key, key)) for key in kind.names or ()}
    if "lag" in fields:
        fields["lag"] = np.round(fields["lag"])
    return filled(kind, (get.size, len(names)), **fields)


def _accounts(get: Columns, f: Financing) -> Any:
    names = list(f.accounts)
    return filled(
        ACCOUNT_NUMBERS,
        (get.size, len(names)),
        opening=_each(get, "accounts", names, "opening"),
        credit_limit=_optional(get, f, names, "credit", "limit"),
        credit_rate=monthly_rate(_optional(get, f, names, "credit", "interest")),
        rescue=_optional(get, f, names, "rescue", "most"),
        freeze_below=_each(get, "accounts", names, "freeze_below"),
        time_to_trust=_each(get, "accounts", names, "time_to_trust"),
    )


def monthly_rate(yearly: Floats) -> Floats:
    return np.asarray((1.0 + yearly) ** (1 / 12) - 1.0)


def _optional(get: Columns, f: Financing, accounts: list[str], part: str, field: str) -> Floats:
    """[draw, account], 0 where an account has no such part"""
    columns = [
        get(f"financing.accounts.{name}.{part}.{field}")
        if getattr(f.accounts[name], part) is not None
        else np.zeros(get.size)
        for name in accounts
    ]
    return _columns(columns, get.size)


def _columns(columns: list[Floats], draws: int) -> Floats:
    """[draw, item]"""
    return np.stack(columns, axis=1) if columns else np.zeros((draws, 0))


def _stacked(columns: list[Floats], draws: int, months: int) -> Floats:
    """[draw, month, item], each item [draw or 1, month]"""
    out = np.zeros((draws, months, len(columns)))
    for k, column in enumerate(columns):
        out[:, :, k] = column
    return out


def _costs_of(
    scenario: Scenario, get: Columns, kind: str, field: str, parts: dict[str, Any]
) -> Any:
    """Own cost and partners' [draw, month, item], at the month's prices and while it runs."""
    out = records(COST_NUMBERS, get.size, scenario.clock.months, len(parts))
    years = years_since_price_year(scenario)
    runs = spans(scenario, [(part.start, part.end) for part in parts.values()])
    for k, name in enumerate(parts):
        at = f"financing.{kind}.{name}"
        cost = get.column(f"{at}.{field}") * (1.0 + get.column(f"{at}.trend")) ** years
        cost = cost * runs[:, k]
        moved = moved_share(scenario, get, f"{kind}.{name}")
        out["own"][:, :, k] = cost if moved is None else cost * (1.0 - moved)
        if moved is not None:
            out["partner"][:, :, k] = cost * moved
    return out


def moved_share(scenario: Scenario, get: Columns, item: str) -> Floats | None:
    """Share [draw, month] of a post or cost that partners take over; None: none of it."""
    out = None
    for key, wiring in financing_of(scenario).hard_wiring.items():
        if wiring.moves == item:
            share = get.column(f"financing.hard_wiring.{key}.share")
            part = share * _wired(scenario, get, key, wiring)
            out = part if out is None else out + part
    return None if out is None else np.minimum(out, 1.0)


def _wired(scenario: Scenario, get: Columns, name: str, wiring: HardWiring) -> Floats:
    """[draw, month]: 1 from the date on, where it comes about."""
    since = np.arange(scenario.clock.months) >= scenario.clock.index(wiring.date)
    happens = get.luck(f"hard_wiring.{name}")[:, 0] < get(f"financing.hard_wiring.{name}.chance")
    return (since[None, :] & happens[:, None]).astype(np.float64)


def _fee_months(scenario: Scenario, get: Columns, f: Financing) -> Any:
    """Demand, price and direct cost [draw, month, fee], from the fee's start on."""
    out = records(FEE_MONTH, get.size, scenario.clock.months, len(f.fees))
    for k, (name, fee) in enumerate(f.fees.items()):
        at = f"financing.fees.{name}"
        rises = growth(scenario, get.column(f"{at}.trend"), fee.start)
        grows = growth(scenario, get.column(f"{at}.growth"), fee.start)
        out["price"][:, :, k] = get.column(f"{at}.price") * rises
        out["direct"][:, :, k] = get.column(f"{at}.direct_cost") * rises
        out["demand"][:, :, k] = get.column(f"{at}.demand") * grows
    return out


# --- receipts known beforehand


def growth(scenario: Scenario, trend: Floats, start: str) -> Floats:
    """[draw or 1, month] relative to the start of a line of revenue; 1 before it."""
    years = np.maximum(np.arange(scenario.clock.months) - scenario.clock.index(start), 0) / 12.0
    return np.asarray((1.0 + trend) ** years)


def nominal(scenario: Scenario, get: Columns, at: str, start: str) -> Floats:
    """Amount [draw or 1, month] in dollars of the line's start, with its trend."""
    return get.column(f"{at}.amount") * growth(scenario, get.column(f"{at}.trend"), start)


def later(x: Floats, months: Floats) -> Floats:
    """Each draw's [draw, month] moved later by its own whole number of months."""
    lag = np.round(months).astype(np.int64)
    if not lag.any():
        return x
    index = np.arange(x.shape[1])[None, :] - lag[:, None]
    return np.where(index >= 0, np.take_along_axis(x, np.maximum(index, 0), axis=1), 0.0)


def _due(
    scenario: Scenario,
    get: Columns,
    granted: dict[str, Granted],
    loans: dict[str, Borrowed],
) -> Floats:
    """Receipts known beforehand [draw, month, line]; the others are 0 until they are earned."""
    f, revenue = financing_of(scenario), lines(scenario)
    out = np.zeros((get.size, scenario.clock.months, len(revenue)))
    for x, line in enumerate(revenue):
        if line.kind == "grants":
            out[:, :, x] = granted[line.name].paid
        elif line.kind == "indirect" and granted[line.name].indirect is not None:
            out[:, :, x] = granted[line.name].indirect
        elif line.kind == "hard_wiring" and f.hard_wiring[line.name].amount is not None:
            wiring, at = f.hard_wiring[line.name], f"financing.hard_wiring.{line.name}"
            amount = nominal(scenario, get, at, wiring.date)
            out[:, :, x] = amount * _wired(scenario, get, line.name, wiring)
        elif line.kind == "loans":
            out[:, :, x] = loans[line.name].received
    return out


class Granted:
    """One grant: what it pays each month [draw, month], as awarded and renewed."""

    def __init__(self, scenario: Scenario, get: Columns, name: str) -> None:
        at, grant = f"financing.grants.{name}", financing_of(scenario).grants[name]
        amount = nominal(scenario, get, at, grant.start)
        self.lag = np.round(get(f"{at}.collection_lag"))
        monthly, paid = self._terms(scenario, get, name, amount)
        overhead = get.column(f"{at}.indirect")
        self.ceiling: Floats = np.zeros((1, 1))
        self.indirect: Floats | None = None
        self.indirect_per_claim = np.zeros(get.size)
        if grant.reimbursed:
            self.ceiling, self.paid = monthly * (1.0 - overhead), np.zeros((1, 1))
            share = get(f"{at}.indirect")
            np.divide(share, 1.0 - share, out=self.indirect_per_claim, where=share < 1.0)
        elif grant.restricted_to:
            self.indirect = later(paid * overhead, self.lag)
            self.paid = later(paid * (1.0 - overhead), self.lag)
        else:
            self.paid = later(paid, self.lag)

    def _terms(
        self, scenario: Scenario, get: Columns, name: str, amount: Floats
    ) -> tuple[Floats, Floats]:
        """By the month, and as paid; sets the last month of the last term."""
        at, grant = f"financing.grants.{name}", financing_of(scenario).grants[name]
        first, length = scenario.clock.index(grant.start), month_span(grant)
        u = get.luck(f"grants.{name}")
        awarded = u[:, 0] < get(f"{at}.award")
        monthly = np.zeros((get.size, scenario.clock.months))
        paid = monthly if grant.instalment == 1 else monthly.copy()
        self.last = np.full(get.size, float(first + length - 1))
        for term in range(u.shape[1]):
            if term > 0:
                awarded = awarded & (u[:, term] < get(f"{at}.renewal.chance"))
                self.last = np.where(awarded, self.last + length, self.last)
            begin = first + term * length
            inside = slice(max(begin, 0), max(begin + length, 0))
            monthly[:, inside] = amount[:, inside] * awarded[:, None]
            if grant.instalment > 1:
                _instalments(monthly, paid, begin, inside, grant.instalment)
        return monthly, paid


def _instalments(monthly: Floats, paid: Floats, begin: int, inside: slice, instalment: int) -> None:
    """Pay a term's months in advance, so many at once.

    An instalment of before the horizon is not in the opening balance: its months are paid monthly.
    """
    for month in range(inside.start, min(inside.stop, monthly.shape[1])):
        at = month - (month - begin) % instalment
        paid[:, at if at >= 0 else month] += monthly[:, month]


def _closes(get: Columns, f: Financing, granted: dict[str, Granted]) -> Floats:
    """[draw, fund]: the month after which what is left goes back; -1 for never."""
    columns = []
    for fund in restricted_funds(f):
        kind, _, name = fund.partition(".")
        ends = kind == "grants"
        columns.append(granted[name].last + granted[name].lag if ends else np.full(get.size, -1.0))
    return _columns(columns, get.size)


class Borrowed:
    """One loan: what comes in and what is paid back [draw, month]."""

    def __init__(self, scenario: Scenario, get: Columns, name: str) -> None:
        at, loan = f"financing.loans.{name}", financing_of(scenario).loans[name]
        month, months = scenario.clock.index(loan.date), scenario.clock.months
        taken = get.luck(f"loans.{name}")[:, 0] < get(f"{at}.chance")
        amount = get(f"{at}.amount") * taken
        rates, which = np.unique(monthly_rate(get(f"{at}.interest")), return_inverse=True)
        each = np.array([annuity(1.0, rate, loan.months) for rate in rates])[which]
        self.received, self.payment = np.zeros((get.size, months)), np.zeros((get.size, months))
        self.received[:, month] = amount
        self.payment[:, month + 1 : month + 1 + loan.months] = (amount * each)[:, None]
