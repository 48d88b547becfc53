"""Money: from a scenario's financing and its luck to the arrays of the treasury.

Costs and posts are at the scenario's price year and follow their trend from there; revenue is in
dollars of its own start. A scenario without financing has no account and no line, only what
interventions cost.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from .books import (
    ACCOUNT_NUMBERS,
    COST_NUMBERS,
    DUES_NUMBERS,
    FEE_MONTH,
    FEE_NUMBERS,
    LINE,
    OBLIGATION,
    POST,
    POST_NUMBERS,
    PROGRAMME_COSTS,
    REINVESTMENT,
    REINVESTMENT_NUMBERS,
    Costs,
    Money,
    MoneyPlan,
    records,
)
from .distributions import Floats
from .draws import Columns
from .fields import month_number
from .finance.cash import annuity
from .financing import Financing, Grant, HardWiring
from .scenario import Scenario
from .services import years_since_price_year

Bools = np.ndarray[Any, np.dtype[np.bool_]]
Ints = np.ndarray[Any, np.dtype[np.int64]]


def financing_of(scenario: Scenario) -> Financing:
    """The scenario's financing; one without any account where it has none."""
    return scenario.financing or Financing.model_construct(accounts={})


class Obligation(NamedTuple):
    """What an account may have to pay: kind and name, as in `posts.director`."""

    kind: str
    name: str
    account: str | None
    core: bool

    @property
    def key(self) -> str:
        return f"{self.kind}.{self.name}"


class Line(NamedTuple):
    """A line of revenue, and who pays it."""

    kind: str
    name: str
    account: str | None
    payer: str

    @property
    def key(self) -> str:
        return f"{self.kind}.{self.name}"


def account_of(scenario: Scenario, named: str | None) -> str:
    return named or scenario.backbone.party


def obligations(scenario: Scenario) -> list[Obligation]:
    """In the order of books.py: posts, costs, loans, interventions, reinvested, repayments ..."""
    f = financing_of(scenario)

    def at(part: Any) -> str:
        return account_of(scenario, part.account)

    funded = [
        Obligation("interventions", name, i.funded_by if i.funded_by in f.accounts else None, False)
        for name, i in scenario.interventions.items()
    ]
    return [
        *(Obligation("posts", name, at(p), p.core) for name, p in f.posts.items()),
        *(Obligation("costs", name, at(c), c.core) for name, c in f.costs.items()),
        *(Obligation("loans", name, at(loan), True) for name, loan in f.loans.items()),
        *funded,
        *(Obligation("reinvestment", name, at(r), False) for name, r in f.reinvestment.items()),
        *(
            Obligation("repayments", name, contract_account(scenario, name), True)
            for name in f.contracts
        ),
        *(Obligation("fees", name, at(fee), True) for name, fee in f.fees.items()),
        *(Obligation("interest", name, name, True) for name in f.accounts),
    ]


def lines(scenario: Scenario) -> list[Line]:
    """In the order of books.py: grants, their indirect parts, dues, fees, hard-wired ..."""
    f = financing_of(scenario)

    def at(part: Any) -> str:
        return account_of(scenario, part.account)

    return [
        *(Line("grants", name, at(g), g.payer) for name, g in f.grants.items()),
        *(Line("indirect", name, at(g), g.payer) for name, g in f.grants.items()),
        *(Line("dues", name, at(d), d.payer) for name, d in f.dues.items()),
        *(Line("fees", name, at(fee), fee.payer) for name, fee in f.fees.items()),
        *(Line("hard_wiring", name, at(w), w.partner) for name, w in f.hard_wiring.items()),
        *(Line("loans", name, at(loan), loan.lender) for name, loan in f.loans.items()),
        *(
            Line("contracts", name, contract_account(scenario, name), c.payer)
            for name, c in f.contracts.items()
        ),
        *(
            Line("rescue", name, name, a.rescue.rescuer if a.rescue else name)
            for name, a in f.accounts.items()
        ),
    ]


def contract_account(scenario: Scenario, name: str) -> str | None:
    """The account that a contract pays into: its payee's, or that of somebody it shares with."""
    f = financing_of(scenario)
    contract = f.contracts[name]
    withhold = contract.terms.withhold
    others = list(withhold.others) if withhold else []
    for party in (contract.payee, *contract.terms.distribution, *others):
        if party in f.accounts:
            return party
    return None


# --- the plan


def money_plan(scenario: Scenario) -> MoneyPlan:
    """What no draw changes."""
    f = financing_of(scenario)
    owed, revenue = obligations(scenario), lines(scenario)
    accounts, funds = list(f.accounts), restricted_funds(f)
    posts, interventions = list(f.posts), list(scenario.interventions)
    order = np.argsort([not o.core for o in owed], kind="stable")
    allowed = [[_may_pay(f, fund, o) for o in owed] for fund in funds]
    claimed = [[_may_claim(scenario, g, o) for o in owed] for g in f.grants.values()]
    delivers = [[p in fee.delivered_by for p in posts] for fee in f.fees.values()]
    kinds = (f.posts, f.costs, f.loans, interventions, f.reinvestment, f.contracts, f.fees)
    kinds_of_lines = (f.grants, f.grants, f.dues, f.fees, f.hard_wiring, f.loans, f.contracts)
    return MoneyPlan(
        first=_starts([*kinds, accounts]),
        first_line=_starts([*kinds_of_lines, accounts]),
        obligation=filled(
            OBLIGATION,
            (len(owed),),
            account=_indices((o.account for o in owed), accounts),
            core=[o.core for o in owed],
            only_funds=[o.kind == "reinvestment" for o in owed],
            turn=order,
        ),
        line=filled(
            LINE,
            (len(revenue),),
            account=_indices((line.account for line in revenue), accounts),
            fund=[_fund_of(f, line, funds) for line in revenue],
        ),
        fund_account=_indices((_fund_account(scenario, fund) for fund in funds), accounts),
        may_pay=_grid(allowed, len(owed)),
        may_claim=_grid(claimed, len(owed)),
        post=filled(POST, (len(posts),), core=[p.core for p in f.posts.values()]),
        post_running=_spans(scenario, [(p.start, p.end) for p in f.posts.values()]),
        invoiced=_invoiced(scenario, f),
        joins=_spans(scenario, [(d.start, d.end) for d in f.dues.values()]),
        offered=_spans(scenario, [(fee.start, fee.end) for fee in f.fees.values()]),
        delivers=_grid(delivers, len(posts)),
        starting=_starting(scenario),
        reinvestment=filled(
            REINVESTMENT,
            (len(f.reinvestment),),
            intervention=_indices((r.intervention for r in f.reinvestment.values()), interventions),
            fund=_indices((f"reinvestment.{name}" for name in f.reinvestment), funds),
        ),
        years_end=_years_end(scenario),
    )


def filled(kind: np.dtype[Any], shape: tuple[int, ...], **fields: Any) -> Any:
    """Records with their fields filled in."""
    out = records(kind, *shape)
    for name, values in fields.items():
        out[name] = values
    return out


def restricted_funds(f: Financing) -> list[str]:
    """Restricted grants paid in advance, and reinvestments: money that may not pay everything."""
    granted = [f"grants.{n}" for n, g in f.grants.items() if g.restricted_to and not g.reimbursed]
    return [*granted, *(f"reinvestment.{name}" for name in f.reinvestment)]


def _fund_of(f: Financing, line: Line, funds: list[str]) -> int:
    name = line.key
    if line.kind == "contracts" and f.contracts[line.name].pays_into:
        name = f"reinvestment.{f.contracts[line.name].pays_into}"
    return funds.index(name) if name in funds else -1


def _fund_account(scenario: Scenario, fund: str) -> str:
    kind, _, name = fund.partition(".")
    part: Any = getattr(financing_of(scenario), kind)[name]
    return account_of(scenario, part.account)


def _may_pay(f: Financing, fund: str, owed: Obligation) -> bool:
    kind, _, name = fund.partition(".")
    if kind == "reinvestment":
        return owed.key == fund
    return owed.key in f.grants[name].restricted_to


def _may_claim(scenario: Scenario, grant: Grant, owed: Obligation) -> bool:
    own = owed.account == account_of(scenario, grant.account)
    return grant.reimbursed and own and owed.key in grant.restricted_to


def _indices(names: Iterable[str | None], of: list[str]) -> Ints:
    return np.array([of.index(n) if n in of else -1 for n in names], dtype=np.int64)


def _grid(rows: list[list[bool]], columns: int) -> Bools:
    return np.array(rows, dtype=np.bool_).reshape(len(rows), columns)


def _starts(kinds: list[Any]) -> Ints:
    return np.cumsum([0, *(len(kind) for kind in kinds)]).astype(np.int64)


def _spans(scenario: Scenario, spans: list[tuple[str | None, str | None]]) -> Bools:
    """[month, span]: whether a month lies between a span's first and last month."""
    clock = scenario.clock
    months = np.arange(clock.months)
    out = np.zeros((months.size, len(spans)), dtype=np.bool_)
    for k, (start, end) in enumerate(spans):
        first = clock.index(start) if start else 0
        last = clock.index(end) if end else clock.months
        out[:, k] = (first <= months) & (months <= last)
    return out


def _calendar_months(scenario: Scenario) -> Ints:
    first = month_number(scenario.clock.start)
    return (first + np.arange(scenario.clock.months)) % 12 + 1


def _years_end(scenario: Scenario) -> Bools:
    return np.asarray(_calendar_months(scenario) == 12)


def _invoiced(scenario: Scenario, f: Financing) -> Bools:
    at = [d.invoice_month for d in f.dues.values()]
    return np.asarray(_calendar_months(scenario)[:, None] == np.array(at, dtype=np.int64)[None, :])


def _starting(scenario: Scenario) -> Bools:
    """[month, intervention]: its first month, where it begins within the horizon."""
    first = [scenario.clock.index(i.start) for i in scenario.programmes]
    months = np.arange(scenario.clock.months)[:, None]
    return np.asarray(months == np.array(first, dtype=np.int64)[None, :])


# --- numbers


def costs(scenario: Scenario, get: Columns) -> Costs:
    names = list(scenario.interventions)

    def of(key: str) -> Floats:
        return get.each(f"interventions.{name}.costs.{key}" for name in names)

    years = years_since_price_year(scenario)[None, :, None]
    fields = {key: of(key) for key in PROGRAMME_COSTS.names or () if key != "per_enrolled"}
    fields["per_enrolled"] = of("per_enrolled") + of("stipends")
    each = filled(PROGRAMME_COSTS, (get.size, len(names)), **fields)
    return Costs(each, (1.0 + of("trend"))[:, None, :] ** years)


def money(scenario: Scenario, get: Columns, usual_care: bool) -> Money:
    """The numbers of one world: what belongs to the strategy alone is absent in usual care."""
    f = financing_of(scenario)
    accounts, posts, months = list(f.accounts), list(f.posts), scenario.clock.months

    def here(part: Any) -> float:
        return 1.0 if part.usual_care or not usual_care else 0.0

    granted = {name: Granted(scenario, get, name, g, here(g)) for name, g in f.grants.items()}
    moved_posts = moved_shares(scenario, get, "posts", posts, usual_care)
    moved_costs = moved_shares(scenario, get, "costs", list(f.costs), usual_care)
    post_cost = _grown(scenario, get, "posts", "cost", posts)
    cost = _grown(scenario, get, "costs", "amount", list(f.costs))
    cost = cost * _spans(scenario, [(c.start, c.end) for c in f.costs.values()])
    loans = [Borrowed(scenario, get, name, usual_care) for name in f.loans]
    size = get.size
    return Money(
        due=_due(scenario, get, f, granted, loans, usual_care),
        account=_accounts(get, f),
        post=_numbers(get, POST_NUMBERS, "posts", posts, wanted="posts"),
        post_cost=_split(post_cost, moved_posts),
        cost=_split(cost, moved_costs),
        loan_payment=_stacked([loan.payment for loan in loans], size, months),
        closes=_closes(get, f, granted),
        ceiling=_stacked([g.ceiling for g in granted.values()], size, months),
        grant_lag=np.round(_each(get, "grants", list(f.grants), "collection_lag")),
        dues=_dues(get, f, here),
        invoice=_stacked(
            [_nominal(scenario, get, f"financing.dues.{n}", d.start) for n, d in f.dues.items()],
            size,
            months,
        ),
        fee=_numbers(get, FEE_NUMBERS, "fees", list(f.fees), lag="collection_lag"),
        fee_month=_fee_months(scenario, get, f, here),
        reinvestment=_reinvestments(scenario, get, f, usual_care),
    )


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
        credit_rate=(1.0 + _optional(get, f, names, "credit", "interest")) ** (1 / 12) - 1.0,
        rescue=_optional(get, f, names, "rescue", "most"),
        freeze_below=np.round(_each(get, "accounts", names, "freeze_below")),
        time_to_trust=_each(get, "accounts", names, "time_to_trust"),
    )


def _split(cost: Floats, moved: Floats) -> Any:
    """Own cost and partners' [draw, month, item]."""
    return filled(COST_NUMBERS, cost.shape, own=cost * (1.0 - moved), partner=cost * moved)


def _dues(get: Columns, f: Financing, here: Any) -> Any:
    present = np.array([here(d) for d in f.dues.values()])
    out = _numbers(get, DUES_NUMBERS, "dues", list(f.dues), lag="collection_lag")
    out["members"] *= present
    out["joining"] *= present
    return out


def _fee_months(scenario: Scenario, get: Columns, f: Financing, here: Any) -> Any:
    """Demand, price and direct cost [draw, month, fee], from the fee's start on."""
    out = records(FEE_MONTH, get.size, scenario.clock.months, len(f.fees))
    for k, (name, fee) in enumerate(f.fees.items()):
        at = f"financing.fees.{name}"
        rises = growth(scenario, get(f"{at}.trend"), fee.start)
        grows = growth(scenario, get(f"{at}.growth"), fee.start)
        out["price"][:, :, k] = get(f"{at}.price")[:, None] * rises
        out["direct"][:, :, k] = get(f"{at}.direct_cost")[:, None] * rises
        out["demand"][:, :, k] = here(fee) * get(f"{at}.demand")[:, None] * grows
    return out


def _reinvestments(scenario: Scenario, get: Columns, f: Financing, usual_care: bool) -> Any:
    names = list(f.reinvestment)
    out = filled(
        REINVESTMENT_NUMBERS,
        (get.size, len(names)),
        desired=_each(get, "reinvestment", names, "desired_posts"),
        surplus_share=_each(get, "reinvestment", names, "surplus_share"),
        reserve=_each(get, "reinvestment", names, "reserve"),
        spread_over=_each(get, "reinvestment", names, "spread_over"),
    )
    for k, r in enumerate(f.reinvestment.values()):
        at = f"interventions.{r.intervention}"
        slots = get(f"{at}.staff.caseload") * get(f"{at}.costs.per_slot")
        out["full_cost"][:, k] = out["desired"][:, k] * (get(f"{at}.costs.per_post") + slots)
    if usual_care:
        out["desired"] = 0.0
        out["surplus_share"] = 0.0
    return out


def _optional(get: Columns, f: Financing, accounts: list[str], part: str, field: str) -> Floats:
    """[draw, account], 0 where an account has no such part"""
    columns = [
        get(f"financing.accounts.{name}.{part}.{field}")
        if getattr(f.accounts[name], part) is not None
        else np.zeros(get.size)
        for name in accounts
    ]
    return np.stack(columns, axis=1) if columns else np.zeros((get.size, 0))


def _stacked(columns: list[Floats], draws: int, months: int) -> Floats:
    """[draw, month, item]"""
    return np.stack(columns, axis=2) if columns else np.zeros((draws, months, 0))


def _grown(scenario: Scenario, get: Columns, kind: str, field: str, names: list[str]) -> Floats:
    """Costs [draw, month, item] at the month's prices, from those of the price year."""
    years = years_since_price_year(scenario)[None, :, None]
    at = _each(get, kind, names, field)[:, None, :]
    return np.asarray(at * (1.0 + _each(get, kind, names, "trend"))[:, None, :] ** years)


def growth(scenario: Scenario, trend: Floats, start: str) -> Floats:
    """[draw, month] relative to the start of a line of revenue; 1 before it."""
    years = np.maximum(np.arange(scenario.clock.months) - scenario.clock.index(start), 0) / 12.0
    return np.asarray((1.0 + trend)[:, None] ** years)


def _nominal(scenario: Scenario, get: Columns, at: str, start: str) -> Floats:
    """Amount [draw, month] in dollars of the line's start, with its trend."""
    return get(f"{at}.amount")[:, None] * growth(scenario, get(f"{at}.trend"), start)


def later(x: Floats, months: Floats) -> Floats:
    """Each draw's [draw, month] moved later by its own whole number of months."""
    index = np.arange(x.shape[1])[None, :] - np.round(months).astype(np.int64)[:, None]
    return np.where(index >= 0, np.take_along_axis(x, np.maximum(index, 0), axis=1), 0.0)


class Granted:
    """One grant: what it pays each month [draw, month], as awarded and renewed."""

    def __init__(
        self, scenario: Scenario, get: Columns, name: str, grant: Grant, present: float
    ) -> None:
        at, clock = f"financing.grants.{name}", scenario.clock
        first, length = clock.index(grant.start), month_span(grant)
        amount = present * _nominal(scenario, get, at, grant.start)
        renewals = grant.renewal.times if grant.renewal else 0
        u = get.luck(f"grants.{name}")
        awarded = u[:, 0] < get(f"{at}.award")
        monthly, paid = np.zeros_like(amount), np.zeros_like(amount)
        self.last = np.full(get.size, float(first + length - 1))
        for term in range(1 + renewals):
            if term > 0:
                awarded = awarded & (u[:, term] < get(f"{at}.renewal.chance"))
                self.last = np.where(awarded, self.last + length, self.last)
            begin = first + term * length
            _pay_term(amount * awarded[:, None], monthly, paid, begin, length, grant.instalment)
        self.lag = np.round(get(f"{at}.collection_lag"))
        indirect = get(f"{at}.indirect")[:, None] if grant.restricted_to else 0.0
        self.indirect = later(paid * indirect, self.lag)
        direct = 1.0 - indirect
        self.ceiling = monthly * direct if grant.reimbursed else np.zeros_like(monthly)
        self.paid = np.zeros_like(paid) if grant.reimbursed else later(paid * direct, self.lag)


def month_span(grant: Grant) -> int:
    return month_number(grant.end) - month_number(grant.start) + 1


def _pay_term(
    amount: Floats, monthly: Floats, paid: Floats, begin: int, length: int, instalment: int
) -> None:
    """Add one term: by the month, and as instalments in advance (what lies before is past)."""
    months = amount.shape[1]
    for month in range(max(begin, 0), min(begin + length, months)):
        monthly[:, month] += amount[:, month]
        since = month - begin
        at = month - since % instalment
        if at >= 0:
            paid[:, at] += amount[:, month]
        else:  # an instalment of before the horizon is not in the opening balance: paid monthly
            paid[:, month] += amount[:, month]


class Borrowed:
    """One loan: what comes in and what is paid back [draw, month]."""

    def __init__(self, scenario: Scenario, get: Columns, name: str, usual_care: bool) -> None:
        at, loan = f"financing.loans.{name}", financing_of(scenario).loans[name]
        month, months = scenario.clock.index(loan.date), scenario.clock.months
        taken = get.luck(f"loans.{name}")[:, 0] < get(f"{at}.chance")
        amount = get(f"{at}.amount") * taken * (0.0 if usual_care else 1.0)
        rate = (1.0 + get(f"{at}.interest")) ** (1 / 12) - 1.0
        each = np.array([annuity(a, r, loan.months) for a, r in zip(amount, rate, strict=True)])
        self.received, self.payment = np.zeros((get.size, months)), np.zeros((get.size, months))
        if 0 <= month < months:
            self.received[:, month] = amount
            self.payment[:, month + 1 : month + 1 + loan.months] = each[:, None]


def moved_shares(
    scenario: Scenario, get: Columns, kind: str, names: list[str], usual_care: bool
) -> Floats:
    """Share [draw, month, item] of posts or costs that partners have taken into their budgets."""
    out = np.zeros((get.size, scenario.clock.months, len(names)))
    for key, wiring in financing_of(scenario).hard_wiring.items():
        if wiring.moves is not None and not usual_care:
            moved, _, item = wiring.moves.partition(".")
            if moved == kind:
                at = f"financing.hard_wiring.{key}"
                out[:, :, names.index(item)] += get(f"{at}.share")[:, None] * _wired(
                    scenario, get, key, wiring
                )
    return np.minimum(out, 1.0)


def _wired(scenario: Scenario, get: Columns, name: str, wiring: HardWiring) -> Floats:
    """[draw, month]: 1 from the date on, where it comes about."""
    since = np.arange(scenario.clock.months) >= scenario.clock.index(wiring.date)
    happens = get.luck(f"hard_wiring.{name}")[:, 0] < get(f"financing.hard_wiring.{name}.chance")
    return (since[None, :] & happens[:, None]).astype(np.float64)


def _due(
    scenario: Scenario,
    get: Columns,
    f: Financing,
    granted: dict[str, Granted],
    loans: list[Borrowed],
    usual_care: bool,
) -> Floats:
    """Receipts known beforehand [draw, month, line]; the others are 0 until they are earned."""
    months = scenario.clock.months
    nothing = np.zeros((get.size, months))
    wired = []
    for name, wiring in f.hard_wiring.items():
        if wiring.amount is None or usual_care:
            wired.append(nothing)
        else:
            at = f"financing.hard_wiring.{name}"
            amount = _nominal(scenario, get, at, wiring.date)
            wired.append(amount * _wired(scenario, get, name, wiring))
    columns = [
        *(g.paid for g in granted.values()),
        *(g.indirect for g in granted.values()),
        *([nothing] * (len(f.dues) + len(f.fees))),
        *wired,
        *(loan.received for loan in loans),
        *([nothing] * (len(f.contracts) + len(f.accounts))),
    ]
    return _stacked(columns, get.size, months)


def _closes(get: Columns, f: Financing, granted: dict[str, Granted]) -> Floats:
    """[draw, fund]: the month after which what is left goes back; -1 for never."""
    columns = []
    for fund in restricted_funds(f):
        kind, _, name = fund.partition(".")
        ends = (
            granted[name].last + granted[name].lag if kind == "grants" else np.full(get.size, -1.0)
        )
        columns.append(ends)
    return np.stack(columns, axis=1) if columns else np.zeros((get.size, 0))
