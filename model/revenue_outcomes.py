"""Revenue as outcomes: what each source brings an account, what it costs, and on whom it rests.

Revenue is grants, dues, fees, contracts and hard-wired amounts. Loans and rescues are received
too, but are no revenue. A source is named by kind and name, as in `grants.united_way`; a grant's
indirect part belongs to it. Nominal USD over the horizon; nothing is received, and no staff time
spent, after the month of insolvency.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .books import CONTRACTS, DIRECT, REPAYMENTS
from .distributions import Floats
from .money import Granted
from .money_plan import restricted_funds
from .statements import Account, received, share_of
from .totals import over_months
from .valuation import concentration
from .worlds import USUAL, Measure

REVENUE = ("grants", "dues", "fees", "hard_wiring", "contracts")
ALWAYS_RECURRING = ("dues", "fees", "hard_wiring")


class Source(NamedTuple):
    """A source of revenue: kind, name, who pays it, and its lines."""

    kind: str
    name: str
    payer: str
    positions: tuple[int, ...]

    @property
    def key(self) -> str:
        return f"{self.kind}.{self.name}"


def sources(a: Account) -> list[Source]:
    """The account's sources of revenue, in the order of the books."""
    indirect = {line.name: i for i, line in a.lines if line.kind == "indirect"}
    return [
        Source(
            line.kind,
            line.name,
            line.payer,
            (i, indirect[line.name]) if line.kind == "grants" else (i,),
        )
        for i, line in a.lines
        if line.kind in REVENUE
    ]


# --- measures


def revenue_measures(a: Account) -> Iterator[Measure]:
    """Revenue, cost and net contribution of each source; totals; on what and whom they rest."""
    found = sources(a)
    amounts = {source: over_months(received(a, source.positions)) for source in found}
    for source, amount in amounts.items():
        time = staff_time_cost(a, source)
        net = amount + relief(a, source) - direct_cost(a, source) - time
        for metric, values in (
            ("revenue", amount),
            ("staff_time_cost", time),
            ("net_contribution", net),
        ):
            yield Measure(metric, source.key, a.label, "USD", values)
    whole = np.zeros(a.get.size)
    for amount in amounts.values():
        whole = whole + amount
    yield a.says("revenue_total", "USD", whole)
    yield a.says("recurring_share", "1", share_of(recurring(a, amounts), whole))
    yield a.says("concentration", "1", concentration_by_payer(a, amounts))


def concentration_by_payer(a: Account, amounts: dict[Source, Floats]) -> Floats:
    """Herfindahl-Hirschman index of revenue by payer [draw]; 0 where nothing is received."""
    by_payer: dict[str, Floats] = {}
    for source, amount in amounts.items():
        by_payer[source.payer] = by_payer.get(source.payer, 0.0) + amount
    if not by_payer:
        return np.zeros(a.get.size)
    return np.nan_to_num(concentration(np.stack(list(by_payer.values()), axis=1)), nan=0.0)


def recurring(a: Account, amounts: dict[Source, Floats]) -> Floats:
    """Revenue that comes again without a new award [draw], USD.

    Dues, fees, hard-wired amounts, budget lines (grants with `recurring`), and of contracts what is
    paid by the month (fee not at risk, capitation, cases); never what is settled by the year.
    """
    out = np.zeros(a.get.size)
    for source, amount in amounts.items():
        if source.kind in ALWAYS_RECURRING or (
            source.kind == "grants" and a.financing.grants[source.name].recurring
        ):
            out = out + amount
        elif source.kind == "contracts":
            out = out + over_months(paid_by_the_month(a, source))
    return out


def paid_by_the_month(a: Account, source: Source) -> Floats:
    """What a contract pays by the month, as far as the account received it [draw, month]."""
    deals, h = a.world.deals, source.positions[0] - int(a.plan.first_line[CONTRACTS])
    assert deals is not None
    due = a.books.monthly[:, :, h] * deals.contract["to_account"][:, h, None]
    return np.asarray(np.minimum(received(a, source.positions), due))


# --- what a source costs


def direct_cost(a: Account, source: Source) -> Floats:
    """What a source takes beside staff time [draw], USD.

    Direct cost of a fee, repayments of a contract, what is left of a restricted grant at its end.
    """
    out = np.zeros(a.get.size)
    if source.kind == "fees":
        at = int(a.plan.first[DIRECT]) + list(a.financing.fees).index(source.name)
        out = over_months(a.paid(at))
    elif source.kind == "contracts":
        at = int(a.plan.first[REPAYMENTS]) + list(a.financing.contracts).index(source.name)
        out = over_months(a.paid(at))
    funds = restricted_funds(a.financing)
    if source.key in funds:
        out = out + over_months(a.books.returned[:, :, funds.index(source.key)])
    return out


def staff_time_cost(a: Account, source: Source) -> Floats:
    """Staff time that winning and keeping a source takes, at the mean cost of a post [draw], USD.

    Over the months in which the source runs, up to insolvency.
    """
    posts = a.get(f"financing.{source.key}.staff_time")
    return posts * over_months(a.post_cost * runs(a, source) * a.open)


def runs(a: Account, source: Source) -> Floats:
    """[draw, month]: 1 where a source runs: offered, awarded, or agreed."""
    f, name = a.financing, source.name
    if source.kind == "grants":
        return grant_runs(a, name)
    if source.kind == "hard_wiring":
        return wired(a, name)
    if source.kind == "contracts":
        return contract_runs(a, name)
    there = a.here(f.dues[name] if source.kind == "dues" else f.fees[name])
    open_to = a.plan.joins if source.kind == "dues" else a.plan.offered
    span = open_to[:, list(getattr(f, source.kind)).index(name)]
    return np.where(span[None, :] & there, 1.0, a.nothing())


def grant_runs(a: Account, name: str) -> Floats:
    """From a grant's first month to the last of its last award; 0 where it is not awarded."""
    grant = a.financing.grants[name]
    given = Granted(a.scenario, a.get, name)
    awarded = a.get.luck(f"grants.{name}")[:, 0] < a.get(f"financing.grants.{name}.award")
    months = np.arange(a.months)[None, :]
    within = (months >= a.scenario.clock.index(grant.start)) & (months <= given.last[:, None])
    return (within & awarded[:, None] & a.here(grant)).astype(np.float64)


def contract_runs(a: Account, name: str) -> Floats:
    """The contract's years, up to one after which the account left it."""
    contract = a.financing.contracts[name]
    if a.label == USUAL:
        return a.nothing()
    since = np.arange(a.months) - a.scenario.clock.index(contract.start)
    agreed = (since >= 0) & (since < 12 * contract.years)
    settled_years = min(max(int(since[-1] + 1) // 12, 0), contract.years)
    if settled_years == 0:
        return np.where(agreed[None, :], 1.0, a.nothing())
    h = list(a.financing.contracts).index(name)
    stayed = np.asarray(a.books.settled["members"][:, h, :settled_years]) > 0.0
    year = np.clip(since // 12, 0, settled_years - 1)
    return (agreed[None, :] & stayed[:, year]).astype(np.float64)


# --- hard-wiring


def wired(a: Account, name: str) -> Floats:
    """[draw, month]: 1 from its date on, where a function moves into a partner's budget."""
    if a.label == USUAL:
        return a.nothing()
    at = f"financing.hard_wiring.{name}"
    since = np.arange(a.months) >= a.scenario.clock.index(a.financing.hard_wiring[name].date)
    happens = a.get.luck(f"hard_wiring.{name}")[:, 0] < a.get(f"{at}.chance")
    return (since[None, :] & happens[:, None]).astype(np.float64)


def by_partners(a: Account, item: str) -> Floats:
    """What partners pay of a post or cost of the account [draw, month], USD."""
    (at,) = (i for i, owed in a.owed if owed.key == item)  # posts and costs stand first
    return a.books.partner[:, :, at]


def relief(a: Account, source: Source) -> Floats:
    """Cost that a partner has taken over while the account is solvent [draw], USD.

    Where several partners share a post or cost, in proportion to what each has taken.
    """
    moves = source.kind == "hard_wiring" and a.financing.hard_wiring[source.name].moves
    if not moves:
        return np.zeros(a.get.size)
    own, every = a.nothing(), a.nothing()
    for name, wiring in a.financing.hard_wiring.items():
        if wiring.moves == moves:
            part = a.get(f"financing.hard_wiring.{name}.share")[:, None] * wired(a, name)
            every = every + part
            own = part if name == source.name else own
    return over_months(by_partners(a, moves) * share_of(own, every) * a.open)


def hard_wired(a: Account) -> Floats:
    """All that partners pay of the account's posts and costs [draw], USD; also once insolvent."""
    out = np.zeros(a.get.size)
    for _, owed in a.owed:
        if owed.kind in ("posts", "costs"):
            out = out + over_months(by_partners(a, owed.key))
    return out
