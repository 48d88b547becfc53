"""Books: the records in which money is planned, counted and kept, for every draw.

The months are advanced in treasury.py and contract_years.py; docs/money.md explains. Records are
structured arrays (`t.account[k].cash`): a few arrays with named fields compile many times faster
than many arrays. Axes are given in brackets, a leading [draw] is left out.

Obligations stand in this order: posts, costs, loans, interventions funded by an account, staff
paid by a reinvestment, repayments to payers, direct costs of fees, interest. Lines of revenue:
grants, their indirect parts, dues, fees, hard-wired amounts, loans, contracts, rescues.
"""

from typing import Any, NamedTuple

import numpy as np

from .compiled import allocating

# Positions in `first` and `first_line`; the last is the number of all.
POSTS, COSTS, LOANS, PROGRAMMES, REINVESTED, REPAYMENTS, DIRECT, INTEREST, OBLIGATIONS = range(9)
GRANTS, INDIRECT, DUES, FEES, HARD_WIRED, BORROWED, CONTRACTS, RESCUES, LINES = range(9)
UNITS, PERSON_MONTHS, PERSON_DAYS, ENROLLMENTS = range(4)


def numbers(*names: str) -> np.dtype[Any]:
    """A record of numbers."""
    return np.dtype([(name, np.float64) for name in names])


def indices(*names: str) -> np.dtype[Any]:
    """A record of indices (-1: none) and of yes (1) or no (0)."""
    return np.dtype([(name, np.int64) for name in names])


def records(kind: np.dtype[Any], *shape: int) -> Any:
    """Blank records: fields are attributes in compiled and in plain Python alike."""
    return np.zeros(shape, dtype=kind).view(np.recarray)


# --- the plan


OBLIGATION = indices("account", "core", "only_funds", "turn")  # turn: order of payment
LINE = indices("account", "fund")
POST = indices("core")
REINVESTMENT = indices("intervention", "fund")
CONTRACT = indices(
    "start",  # month
    "years",
    "agreement_years",
    "netted",  # the fee is paid out of the savings first
    "shares_savings",
    "captures",  # reinvestment that it pays into
    "cases",  # intervention
    "tiers",
)
MEASURE = indices("contract", "service", "intervention", "counted_in", "bands")


class MoneyPlan(NamedTuple):
    """What no draw changes."""

    first: np.ndarray  # [kind] first obligation of each kind, and their number
    first_line: np.ndarray  # [kind]
    obligation: Any  # [obligation]
    line: Any  # [line]
    fund_account: np.ndarray  # [fund]
    may_pay: np.ndarray  # [fund, obligation]
    may_claim: np.ndarray  # [grant, obligation]: a reimbursing grant pays it afterwards
    post: Any  # [post]
    post_running: np.ndarray  # [month, post]
    invoiced: np.ndarray  # [month, dues]
    joins: np.ndarray  # [month, dues]
    offered: np.ndarray  # [month, fee]
    delivers: np.ndarray  # [fee, post]
    starting: np.ndarray  # [month, intervention]: the start-up cost falls due
    reinvestment: Any  # [reinvestment]
    years_end: np.ndarray  # [month]: last of a calendar year


class ContractPlan(NamedTuple):
    """What no draw changes of the contracts."""

    contract: Any  # [contract]
    measure: Any  # [measure]
    cell_counted: np.ndarray  # [contract, cell]: care that it is settled on
    covered: np.ndarray  # [contract, segment]


# --- numbers of a draw, USD of the month


ACCOUNT_NUMBERS = numbers(
    "opening", "credit_limit", "credit_rate", "rescue", "freeze_below", "time_to_trust"
)
POST_NUMBERS = numbers("wanted", "time_to_hire", "turnover")
COST_NUMBERS = numbers("own", "partner")  # a month's; per post-month for posts
DUES_NUMBERS = numbers("members", "joining", "renewal", "trust_response", "bad_debt", "lag")
FEE_NUMBERS = numbers("hours", "billable", "bad_debt", "lag")
FEE_MONTH = numbers("demand", "price", "direct")
GRANT_NUMBERS = numbers("lag", "indirect")  # of a reimbursing grant: overhead per USD claimed
REINVESTMENT_NUMBERS = numbers("desired", "surplus_share", "reserve", "spread_over")
PROGRAMME_COSTS = numbers(
    "start_up", "fixed", "per_post", "per_slot", "per_enrollment", "per_enrolled", "in_kind"
)


class Money(NamedTuple):
    """Numbers of the accounts."""

    due: np.ndarray  # [month, line] receipts known beforehand
    account: Any  # [account]
    post: Any  # [post]
    post_cost: Any  # [month, post]
    cost: Any  # [month, cost]
    loan_payment: np.ndarray  # [month, loan]
    closes: np.ndarray  # [fund] month after which what is left goes back, -1: never
    ceiling: np.ndarray  # [month, grant] that a reimbursing grant adds to what it may pay
    grant: Any  # [grant]
    dues: Any  # [dues]
    invoice: np.ndarray  # [month, dues] USD per member
    fee: Any  # [fee]
    fee_month: Any  # [month, fee]
    reinvestment: Any  # [reinvestment]


class Costs(NamedTuple):
    """What interventions cost, at the price year, and prices relative to it."""

    each: Any  # [intervention]
    price: np.ndarray  # [month, intervention]


CLAUSES = numbers(
    "counted_share",  # of what the payer saves: attributed, stayed, below the cap per person
    "seen",  # cost seen / cost: run-out times its correction
    "rebased_share",
    "achieved",
    "lag",
    "interim",
    "exit_loss",
    "to_account",  # share of a payment that the account receives
    "sharing_rate",
    "excess_only",
    "below_minimum",
    "quality",  # share of the rate that quality leaves
    "sequestration",
    "payment_limit",
    "capture_cap",
    "loss_rate",
    "fee",  # per member-month
    "at_risk",
    "withhold",
    "earn_back",
    "released",
    "own_pool",  # account's share of what is earned back
    "others_pool",  # account's share of what is released
    "case_rate",
    "capitation",  # share of the attributed members' cost in usual care
    "capture",
    "capture_full_until",
    "capture_none_from",
    "outcomes_least",
    "outcomes_most",
)
CONTRACT_YEAR = numbers(
    "usual_cost",  # USD of the attributed members in usual care, as far as the contract counts it
    "benchmark",  # USD before re-basing, run-out and luck
    "luck",  # error of the measured savings rate by chance
    "yearly_luck",  # of it, that of the year itself: it is in the next agreement's base years
    "minimum_rate",
    "loss_minimum",
    "loss_limit",  # share of the benchmark
)
CONTRACT_MONTH = numbers(
    "base_weight",  # of a month of the base years, over their cost: 1/USD
    "usual_care",  # care that counts in usual care, of all the payer's members
    "usual_cost",  # and all cost that counts, of the attributed members
    "members",  # attributed
)
OUTCOME = numbers("price", "start", "cap")


class Deals(NamedTuple):
    """Numbers of the contracts; clauses as in finance/contracts.py."""

    contract: Any  # [contract]
    year: Any  # [contract, year]
    month: Any  # [month, contract]
    tier_above: np.ndarray  # [contract, tier], 0 beyond its own
    tier_rate: np.ndarray  # [contract, tier]
    measure: Any  # [measure]
    band: np.ndarray  # [measure, band, (lower, upper, USD a point)]
    outcome_luck: np.ndarray  # [measure, year] error of a measured reduction by chance
    usual_measured: np.ndarray  # [month, measure]


# --- where the money of a draw stands


ACCOUNT_STATE = numbers(
    "cash",  # unrestricted
    "credit",  # owed
    "rescue",  # left of it
    "alive",  # 1: solvent
    "trust",  # of members
    "means",  # left to spend in the month
    "promised",  # unrestricted, in hand and due within the months that hiring asks for
    "spending",  # unrestricted, of a month as it is
)
FUND_STATE = numbers("balance", "trial", "planned")  # planned: if the account stayed solvent
OBLIGATION_STATE = numbers("need", "paid", "unrestricted")
POST_STATE = numbers("wanted", "filled", "hiring", "months")
DUES_STATE = numbers("members", "invoiced", "likely", "likely_invoiced")
PROGRAMME_STATE = numbers("wanted", "hiring")
REINVESTMENT_STATE = numbers("posts", "full_cost")  # a month's, of the posts desired
CONTRACT_STATE = numbers(
    "saved",
    "care",
    "member_months",
    "rates",  # true saving and the years' luck, summed over the agreement so far
    "rebased",  # share of the benchmark that its base years have saved already
    "rates_without",  # the same without any effect
    "rebased_without",
    "active",
)
MEASURE_STATE = numbers("units", "usual")


class Treasury(NamedTuple):
    """Balances of one draw, and room for the month's sums."""

    account: Any  # [account]
    fund: Any  # [fund]
    obligation: Any  # [obligation]
    post: Any  # [post]
    dues: Any  # [dues]
    ceiling: np.ndarray  # [grant] left to reimburse
    programme: Any  # [intervention]
    reinvestment: Any  # [reinvestment]
    contract: Any  # [contract], of the contract year so far
    measure: Any  # [measure], of the contract year so far


# --- what is recorded


ACCOUNT_BOOK = numbers(
    "drawn",  # on the credit line, less paid back
    "cash",  # unrestricted, at the month's end
    "restricted",
    "credit",  # owed
    "alive",  # 1: solvent
    "core_posts",  # filled
    "needed",  # payments with all posts filled
    "expected",  # receipts if it stayed solvent and staffed
)
PROGRAMME_BOOK = numbers("cost", "in_kind", "carried")  # carried: what its funder cannot pay
SETTLEMENT = numbers(
    "usual_cost",  # of the attributed members
    "benchmark",  # as re-based
    "true_saving",  # on the attributed members, as far as the contract counts it
    "luck",  # chance in what is measured
    "measured",  # saving, losses negative
    "counted",  # passes the minimum
    "shared",  # after rate and quality
    "payment",  # of shared savings after limits, losses negative
    "payment_on_truth",  # without error and luck
    "payment_without_effect",  # with the same errors and luck
    "other",  # fees at risk, withhold, outcomes, capture
    "other_on_truth",  # the same measured without error and luck
    "payable",  # all that the year's settlement pays
    "members",  # mean attributed
)


class Books(NamedTuple):
    """Records, USD."""

    receipts: np.ndarray  # [month, line] received; of a month ahead: due
    paid: np.ndarray  # [month, obligation]
    returned: np.ndarray  # [month, fund] to the funder at a grant's end
    account: Any  # [month, account]
    posts: np.ndarray  # [month, post] filled at the month's end
    partner: np.ndarray  # [month, post and cost] paid by partners
    members: np.ndarray  # [month, dues]
    delivered: np.ndarray  # [month, fee] units
    programme: Any  # [month, intervention]
    settled: Any  # [contract, year]
    outcome: np.ndarray  # [measure, year] measured units or reduction
    pool: np.ndarray  # [month, contract] withheld
    monthly: np.ndarray  # [month, contract] fees, cases and capitation, whoever receives them


FLOAT = np.dtype(np.float64)
TREASURY_AXES: dict[str, tuple[np.dtype[Any], tuple[str, ...]]] = {
    "account": (ACCOUNT_STATE, ("account",)),
    "fund": (FUND_STATE, ("fund",)),
    "obligation": (OBLIGATION_STATE, ("obligation",)),
    "post": (POST_STATE, ("post",)),
    "dues": (DUES_STATE, ("dues",)),
    "ceiling": (FLOAT, ("grant",)),
    "programme": (PROGRAMME_STATE, ("intervention",)),
    "reinvestment": (REINVESTMENT_STATE, ("reinvestment",)),
    "contract": (CONTRACT_STATE, ("contract",)),
    "measure": (MEASURE_STATE, ("measure",)),
}
BOOK_AXES: dict[str, tuple[np.dtype[Any], tuple[str, ...]]] = {
    "receipts": (FLOAT, ("month", "line")),
    "paid": (FLOAT, ("month", "obligation")),
    "returned": (FLOAT, ("month", "fund")),
    "account": (ACCOUNT_BOOK, ("month", "account")),
    "posts": (FLOAT, ("month", "post")),
    "partner": (FLOAT, ("month", "post_or_cost")),
    "members": (FLOAT, ("month", "dues")),
    "delivered": (FLOAT, ("month", "fee")),
    "programme": (PROGRAMME_BOOK, ("month", "intervention")),
    "settled": (SETTLEMENT, ("contract", "contract_year")),
    "outcome": (FLOAT, ("measure", "contract_year")),
    "pool": (FLOAT, ("month", "contract")),
    "monthly": (FLOAT, ("month", "contract")),
}


# --- one draw


@allocating
def money_of(n, d):
    return Money(
        n.due[d],
        n.account[d],
        n.post[d],
        n.post_cost[d],
        n.cost[d],
        n.loan_payment[d],
        n.closes[d],
        n.ceiling[d],
        n.grant[d],
        n.dues[d],
        n.invoice[d],
        n.fee[d],
        n.fee_month[d],
        n.reinvestment[d],
    )


@allocating
def costs_of(e, d):
    return Costs(e.each[d], e.price[d])


@allocating
def deals_of(x, d):
    return Deals(
        x.contract[d],
        x.year[d],
        x.month[d],
        x.tier_above[d],
        x.tier_rate[d],
        x.measure[d],
        x.band[d],
        x.outcome_luck[d],
        x.usual_measured[d],
    )


@allocating
def treasury_of(t, d):
    return Treasury(
        t.account[d],
        t.fund[d],
        t.obligation[d],
        t.post[d],
        t.dues[d],
        t.ceiling[d],
        t.programme[d],
        t.reinvestment[d],
        t.contract[d],
        t.measure[d],
    )


@allocating
def books_of(b, d):
    return Books(
        b.receipts[d],
        b.paid[d],
        b.returned[d],
        b.account[d],
        b.posts[d],
        b.partner[d],
        b.members[d],
        b.delivered[d],
        b.programme[d],
        b.settled[d],
        b.outcome[d],
        b.pool[d],
        b.monthly[d],
    )
