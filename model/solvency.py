"""Solvency: how long the money of each account lasts, what is missing, and where it goes.

For each party with an account, in usual care and in the strategy. Nominal USD at the month's end,
months counted from 0, the start. Measures are named as in outcomes.py.

Actual money is what the books say: an account that runs short hires nobody, lets go who is not
core, and is insolvent once a core obligation is not paid. Planned money is what it was meant to
do: `needed`, payments with all posts filled, and `expected`, receipts if solvent and fully staffed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple, get_args

import numpy as np

from .contract_cash import shares_of_pool
from .deals import by_year
from .distributions import Floats
from .finance.revenue import highest_dues, lowest_dues, value_of_membership
from .financing import Activity
from .money import later
from .money_plan import Bools, Ints, contract_account, restricted_funds
from .revenue_outcomes import hard_wired, revenue_measures
from .statements import Account, received, share_of
from .totals import over_months
from .valuation import lowest, months_until
from .worlds import STRATEGY, USUAL, Measure, Worlds

CENT = 0.01
# Core staff missing for so many months in a row is a failure, whatever the cash.
MONTHS_BELOW_CORE = 3
ACTIVITIES: tuple[str, ...] = get_args(Activity)
# Activities that serve members.
FOR_MEMBERS = ("support_aligned_activities", "establish_shared_measurement")
# Kinds of lines by what they are shown as.
KINDS = {
    "grants": ("grants", "indirect"),
    "dues": ("dues",),
    "fees": ("fees",),
    "contracts": ("contracts",),
    "hard_wiring": ("hard_wiring",),
    "loans": ("loans",),
    "rescue": ("rescue",),
}


def measures(w: Worlds) -> Iterator[Measure]:
    """Every outcome of the accounts over the horizon, [draw]; none without financing."""
    for a in accounts(w):
        yield from cash_measures(a)
        yield from gap_measures(a)
        yield from staff_measures(a)
        yield from revenue_measures(a)
        for activity in ACTIVITIES:
            yield a.says("paid", "USD", over_months(activity_cost(a, activity)), activity)
        yield a.says("hard_wired", "USD", hard_wired(a))
        yield from membership_measures(a)


def accounts(w: Worlds) -> Iterator[Account]:
    if w.scenario.financing is not None:
        for party in w.scenario.financing.accounts:
            for label in (USUAL, STRATEGY):
                yield Account(w, label, party)


# --- cash


def cash_measures(a: Account) -> Iterator[Measure]:
    """Whether and when it is insolvent, and how near it comes, [draw].

    `runway_months` ends with the horizon where nothing happens: then `runway_censored` is 1.
    `lowest_cash` is unrestricted cash less credit drawn, up to and with the month of insolvency;
    there it stands at what was left when the bills were not paid: 0, or minus the credit line.
    `solvent_by_luck` is 1 where the account is solvent at the end and in any year got more from a
    settlement than the truth would have paid: luck, or an error in its favour.
    """
    insolvent = a.booked("alive")[:, -1] <= 0.0
    yield a.says("p_insolvent", "1", insolvent.astype(np.float64))
    if a.label == STRATEGY and a.financing.contracts:
        by_luck = ~insolvent & was_lucky(a)
        yield a.says("solvent_by_luck", "1", by_luck.astype(np.float64))
    yield a.says("runway_months", "months", a.runway)
    yield a.says("runway_censored", "1", (~insolvent).astype(np.float64))
    net = a.booked("cash") - a.booked("credit")
    net = np.where(np.abs(net) < CENT, 0.0, net)
    least = lowest(np.where(a.open > 0.0, net, np.inf))
    yield a.says("lowest_cash", "USD", least.value)
    yield a.says("lowest_cash_month", "months", least.month)


# --- the gap in planned money


class Gap(NamedTuple):
    """What planned money lacks, each [draw]."""

    first_short: Floats  # month; the number of months where it is never short
    closing: Floats  # USD/year
    first_year: Floats  # USD


def gap_measures(a: Account) -> Iterator[Measure]:
    opening = np.asarray(a.money.account["opening"][:, a.index])
    planned = a.booked("expected") - a.booked("needed")
    found = gap(opening, planned - luck_in_settlements(a))
    yield a.says("first_short_month", "months", found.first_short)
    yield a.says("closing_gap", "USD/year", found.closing)
    yield a.says("gap_first_year", "USD", found.first_year)
    yield a.says("closing_gap_with_luck", "USD/year", gap(opening, planned).closing)


class Lucky(NamedTuple):
    """What settlements of one contract bring an account beyond what the truth would."""

    amount: Floats  # USD, both payments together [draw, year]
    end: Ints  # last month of each year [year]
    interim: Floats  # share that is paid at the year's end [draw]
    lag: Floats  # months after which the rest is [draw]


def luck_in_settlements(a: Account) -> Floats:
    """Of what settlements pay the account [draw, month]: all that exact measurement would not.

    In the months in which it is paid; a plan that a board may rely on leaves it out.
    """
    out = a.nothing()
    for lucky in lucky_years(a):
        whole = a.nothing()
        for year, end in enumerate(lucky.end):
            if 0 <= end < a.months:
                whole[:, end] = lucky.amount[:, year]
        share = lucky.interim[:, None]
        out += share * whole + later((1.0 - share) * whole, lucky.lag)
    return out


def was_lucky(a: Account) -> Bools:
    """Whether any settlement that is paid within the horizon brings more than the truth [draw]."""
    out = np.zeros(a.get.size, dtype=np.bool_)
    for lucky in lucky_years(a):
        early = (lucky.interim[:, None] > 0.0) & (lucky.end < a.months)
        whole = lucky.end + lucky.lag[:, None] < a.months
        out |= ((lucky.amount > CENT) & (early | whole)).any(axis=1)
    return out


def lucky_years(a: Account) -> Iterator[Lucky]:
    """The contracts that pay into the account, and what luck and error bring by each.

    A year's settlement is income as far as all its parts together are a gain: what is owed is a
    debt. Withhold pools are paid apart, and have no luck.
    """
    deals = a.world.deals
    for h, (name, contract) in enumerate(a.financing.contracts.items()):
        if deals is None or contract_account(a.scenario, name) != a.party:
            continue
        settled, c = a.books.settled[:, h, : contract.years], deals.contract[:, h]
        pool = by_year(a.scenario, contract, a.books.pool[:, :, h])
        pool = pool * shares_of_pool(c)[1][:, None]
        measured = settled["payment"] + settled["other"] - pool
        truth = settled["payment_on_truth"] + settled["other_on_truth"] - pool
        gained = np.maximum(measured, 0.0) - np.maximum(truth, 0.0)
        end = a.scenario.clock.index(contract.start) + 12 * np.arange(contract.years) + 11
        yield Lucky(gained * c["to_account"][:, None], end, c["interim"], np.round(c["lag"]))


def gap(opening: Floats, flows: Floats) -> Gap:
    """When planned money runs short, and what would close it; flows [draw, month], USD.

    The balance is the opening cash and all flows so far; it is short below 0. A constant amount x a
    month from the first short month s on leaves balance[m] + (m - s + 1) x at the end of month m:
    the least x that keeps this at or above 0 is the largest -balance[m] / (m - s + 1), times 12
    `closing`. `first_year` is the deepest shortage within 12 months from s: what a bridge over
    that year would have to hold.
    """
    balance = opening[:, None] + np.cumsum(flows, axis=1)
    first = months_until(balance < -CENT)
    since = np.arange(flows.shape[1])[None, :] - first[:, None] + 1.0
    missing = np.where(since >= 1.0, np.maximum(-balance, 0.0), 0.0)
    monthly = missing / np.maximum(since, 1.0)
    within = np.where(since <= 12.0, missing, 0.0)
    return Gap(first, 12.0 * monthly.max(axis=1), within.max(axis=1))


# --- staff


def staff_measures(a: Account) -> Iterator[Measure]:
    """Core staff below the minimum for three months, ever; and posts filled, [draw].

    Months after insolvency count: shrinking hides no failure. `posts_filled` is post-months filled
    by those wanted, whoever pays them; 1 where none are wanted.
    """
    minimum = a.get(f"financing.accounts.{a.party}.minimum_core")
    below = a.booked("core_posts") < minimum[:, None] - 1e-9
    yield a.says("below_core_staff", "1", in_a_row(below, MONTHS_BELOW_CORE))
    filled, wanted = np.zeros(a.get.size), np.zeros(a.get.size)
    for j, _ in a.posts:
        running = np.broadcast_to(a.plan.post_running[None, :, j], (a.get.size, a.months))
        filled = filled + over_months(a.books.posts[:, :, j] * running)
        wanted = wanted + over_months(a.money.post["wanted"][:, j, None] * running)
    share = np.divide(filled, wanted, out=np.ones_like(filled), where=wanted > 0.0)
    yield a.says("posts_filled", "1", share)


def in_a_row(flag: np.ndarray[tuple[int, ...], np.dtype[np.bool_]], months: int) -> Floats:
    """1 where a flag [draw, month] is true for so many successive months, else 0."""
    length = flag.shape[1] - months + 1
    if length < 1:
        return np.zeros(flag.shape[0])
    every = flag[:, :length]
    for k in range(1, months):
        every = every & flag[:, k : k + length]
    return np.asarray(every.any(axis=1), dtype=np.float64)


# --- where the money goes


def activity_cost(a: Account, activity: str) -> Floats:
    """What the account pays for one activity: time of posts, and costs [draw, month], USD."""
    out = a.nothing()
    for position, owed in a.owed:
        if owed.kind == "posts" and activity in a.financing.posts[owed.name].activities:
            share = a.get(f"financing.{owed.key}.activities.{activity}")
            out = out + share[:, None] * a.paid(position)
        elif owed.kind == "costs" and a.financing.costs[owed.name].activity == activity:
            out = out + a.paid(position)
    return out


# --- membership


def membership_measures(a: Account) -> Iterator[Measure]:
    """What membership of the backbone is worth, and between what bounds its dues lie, [draw].

    `member_value` is time saved at a loaded wage, less members' own time in the network: no cash,
    never added to any; it ends with insolvency. Where dues are invoiced, per paying member and
    year, over the months in which they are, up to insolvency: `highest_dues`, what is left of the
    value once members keep their share; `lowest_dues`, the cost of the two activities that serve
    members; `dues_per_member`, what is invoiced. 0 where nobody is a member.
    """
    if a.financing.membership is None or a.party != a.scenario.backbone.party:
        return
    value = yearly_value(a)
    yield a.says("member_value", "USD/year", value * over_months(a.open) / a.months)
    if not tiers(a):
        return
    members, invoiced, cost = dues_years(a)
    kept = a.get("financing.membership.kept_share")
    high, low = by_draw(highest_dues, value, members, kept), by_draw(lowest_dues, cost, members)
    each = share_of(invoiced, members)
    inside = (members > 0.0) & (low <= each) & (each <= high)
    yield a.says("highest_dues", "USD/member-year", high)
    yield a.says("lowest_dues", "USD/member-year", low)
    yield a.says("dues_per_member", "USD/member-year", each)
    yield a.says("dues_within_corridor", "1", inside.astype(np.float64))


def yearly_value(a: Account) -> Floats:
    """Value of membership to all members in a year of coordination [draw], USD/year."""
    assert a.financing.membership is not None
    at = "financing.membership"
    hours = np.zeros(a.get.size)
    for part in a.financing.membership.hours_saved:
        hours = hours + a.get(f"{at}.hours_saved.{part}")
    clients, wage = a.get(f"{at}.coordinated"), a.get(f"{at}.loaded_wage")
    return 12.0 * by_draw(value_of_membership, clients, hours, wage, a.get(f"{at}.own_time"))


def tiers(a: Account) -> list[int]:
    """Positions of the account's dues that are there in this world."""
    mine = {line.name for _, line in a.lines if line.kind == "dues"}
    found = enumerate(a.financing.dues.items())
    return [d for d, (name, dues) in found if name in mine and a.here(dues)]


def dues_years(a: Account) -> tuple[Floats, Floats, Floats]:
    """Mean paying members, what they are invoiced and what serving them costs, a year [draw].

    Over the months in which any dues are open to members, up to insolvency.
    """
    running = np.zeros(a.months, dtype=np.bool_)
    members, invoiced = a.nothing(), a.nothing()
    for d in tiers(a):
        running = running | a.plan.joins[:, d]
        members = members + a.books.members[:, :, d]
        invoiced = invoiced + a.books.members[:, :, d] * a.money.invoice[:, :, d]
    cost = a.nothing()
    for activity in FOR_MEMBERS:
        cost = cost + activity_cost(a, activity)
    counted = a.open * running[None, :]
    months = np.maximum(over_months(counted), 1.0)

    def mean(x: Floats) -> Floats:
        return over_months(x * counted) / months

    return mean(members), mean(invoiced), 12.0 * mean(cost)


def by_draw(equation: Callable[..., float], *columns: Floats) -> Floats:
    """An equation of numbers, draw by draw [draw]."""
    return np.array([equation(*row) for row in zip(*columns, strict=True)], dtype=np.float64)


# --- series


def series(w: Worlds) -> Iterator[Measure]:
    """Monthly series of the accounts [draw, month]; none without financing.

    Receipts - payments + what is drawn on credit = change of cash and restricted money.
    """
    for a in accounts(w):
        for field, unit in (
            ("cash", "USD"),
            ("restricted", "USD"),
            ("credit", "USD"),
            ("needed", "USD"),
            ("expected", "USD"),
            ("core_posts", "posts"),
        ):
            yield a.says(field, unit, a.booked(field))
        on_truth = a.booked("expected") - luck_in_settlements(a)
        yield a.says("expected_on_truth", "USD", on_truth)
        yield a.says("insolvent", "1", 1.0 - a.booked("alive"))
        yield a.says("receipts", "USD", received(a, tuple(i for i, _ in a.lines)))
        yield a.says("payments", "USD", payments(a))
        for kind, shown in KINDS.items():
            positions = tuple(i for i, line in a.lines if line.kind in shown)
            if positions and (kind != "rescue" or a.financing.accounts[a.party].rescue):
                yield a.says("receipts_by_kind", "USD", received(a, positions), kind)


def payments(a: Account) -> Floats:
    """All that the account pays, and what goes back to funders at a grant's end [draw, month]."""
    out = a.nothing()
    for position, _ in a.owed:
        out = out + a.paid(position)
    for position in range(len(restricted_funds(a.financing))):
        if a.plan.fund_account[position] == a.index:
            out = out + a.books.returned[:, :, position]
    return out
