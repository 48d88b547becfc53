"""What a scenario's financing says that no draw changes: accounts, obligations, lines and dates."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from .books import LINE, OBLIGATION, POST, REINVESTMENT, MoneyPlan, records
from .fields import month_number
from .financing import Financing, Grant
from .scenario import Scenario

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
    allowed = [[_may_pay(scenario, fund, o) for o in owed] for fund in funds]
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
        post_running=spans(scenario, [(p.start, p.end) for p in f.posts.values()]),
        invoiced=_invoiced(scenario, f),
        joins=spans(scenario, [(d.start, d.end) for d in f.dues.values()]),
        offered=spans(scenario, [(fee.start, fee.end) for fee in f.fees.values()]),
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


def _may_pay(scenario: Scenario, fund: str, owed: Obligation) -> bool:
    """A fund pays obligations of its own account; a reinvestment only its own."""
    kind, _, name = fund.partition(".")
    if kind == "reinvestment":
        return owed.key == fund
    grant = financing_of(scenario).grants[name]
    return owed.account == account_of(scenario, grant.account) and _allows(scenario, grant, owed)


def _may_claim(scenario: Scenario, grant: Grant, owed: Obligation) -> bool:
    own = owed.account == account_of(scenario, grant.account)
    return grant.reimbursed and own and _allows(scenario, grant, owed)


def _allows(scenario: Scenario, grant: Grant, owed: Obligation) -> bool:
    """What a grant may pay; staff of an intervention that a reinvestment pays are its staff."""
    key = owed.key
    if owed.kind == "reinvestment":
        key = f"interventions.{financing_of(scenario).reinvestment[owed.name].intervention}"
    return key in grant.restricted_to


def _indices(names: Iterable[str | None], of: list[str]) -> Ints:
    return np.array([of.index(n) if n in of else -1 for n in names], dtype=np.int64)


def _grid(rows: list[list[bool]], columns: int) -> Bools:
    return np.array(rows, dtype=np.bool_).reshape(len(rows), columns)


def _starts(kinds: list[Any]) -> Ints:
    return np.cumsum([0, *(len(kind) for kind in kinds)]).astype(np.int64)


def spans(scenario: Scenario, spans: list[tuple[str | None, str | None]]) -> Bools:
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


def month_span(grant: Grant) -> int:
    return month_number(grant.end) - month_number(grant.start) + 1
