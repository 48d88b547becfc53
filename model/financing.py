"""Financing: what a scenario says of money (model.md 5 to 7; docs/money.md).

Only a party with an account can run out of money; every other party pays what it owes. Names of
parties are checked in names.py, what the numbers do stands in finance/ and treasury.py.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from .distributions import Frozen, refuse
from .fields import (
    Delay,
    Label,
    Money,
    Month,
    MonthlyMoney,
    Months,
    Name,
    PostMoney,
    Posts,
    Rate,
    Ratio,
    Share,
    Text,
    Trend,
    default,
)
from .quantity import Parameter, Spec
from .terms import Contract

MAX_LINES = 40

Yearly = Annotated[Parameter, Spec("1/year", 0.0, 1.0, "a yearly rate")]
Hours = Annotated[Parameter, Spec("hours", 0.0, 1e6, "hours")]
MonthlyHours = Annotated[Parameter, Spec("hours/month", 0.0, 1e6, "hours a month")]
Wage = Annotated[Parameter, Spec("USD/hour", 0.0, 1e4, "a loaded wage")]
Members = Annotated[Parameter, Spec("members", 0.0, 1e6, "member organisations")]
Joining = Annotated[Parameter, Spec("members/month", 0.0, 1e4, "members that join")]
Units = Annotated[Parameter, Spec("units/month", 0.0, 1e7, "units of work")]
Signed = Annotated[Parameter, Spec("1", -0.5, 0.5, "a signed share")]
Times = Annotated[int, Field(ge=0, le=40)]
Instalment = Annotated[int, Field(ge=1, le=60)]
CalendarMonth = Annotated[int, Field(ge=1, le=12)]
Activity = Literal[
    "guide_vision_and_strategy",
    "support_aligned_activities",
    "establish_shared_measurement",
    "build_public_will",
    "advance_policy",
    "mobilise_funding",
]


class Credit(Frozen):
    """A line of credit: drawn when cash is short, paid back first."""

    lender: Name
    limit: Money
    interest: Yearly


class Rescue(Frozen):
    """A party that steps in before insolvency, up to an amount in all."""

    rescuer: Name
    most: Money


class Account(Frozen):
    """The money of one party, which can run out."""

    opening: Money
    minimum_core: Posts = Field(description="core posts below which the party cannot do its work")
    freeze_below: Delay = default(
        2.0, Delay, "months of payments in hand below which nobody is hired"
    )
    time_to_trust: Months = default(
        12.0, Months, "how fast members' trust follows the share of posts that are filled"
    )
    credit: Credit | None = None
    rescue: Rescue | None = None


class Post(Frozen):
    """Staff of a party with an account; core posts are paid first and never let go for money."""

    name: Label
    account: Name | None = Field(default=None, description="left out: the backbone's")
    posts: Posts
    cost: PostMoney
    trend: Trend = default(0.0, Trend)
    activities: dict[Activity, Share] = Field(min_length=1, description="shares of working time")
    core: bool = False
    time_to_hire: Months
    turnover: Rate
    start: Month | None = None
    end: Month | None = None

    @model_validator(mode="after")
    def _whole(self) -> Post:
        total = sum(share.central for share in self.activities.values())
        if abs(total - 1.0) > 1e-6:
            raise refuse("shares of time that add up to 1", f"{total:.6g}", ("activities",))
        return self


class CostLine(Frozen):
    """A cost that is not staff: rent, data, engagement of residents."""

    name: Label
    account: Name | None = None
    amount: MonthlyMoney
    trend: Trend = default(0.0, Trend)
    activity: Activity
    core: bool = True
    start: Month | None = None
    end: Month | None = None


class Source(Frozen):
    """What every source of revenue says of itself."""

    name: Label
    account: Name | None = Field(default=None, description="left out: the backbone's")
    staff_time: Posts = default(0.0, Posts, "posts' time that winning and keeping it takes")


class Dues(Source):
    """A tier of membership: invoiced once a year, renewed then, collected later."""

    payer: Name
    members: Members
    amount: Money
    trend: Trend = default(0.0, Trend)
    invoice_month: CalendarMonth = 1
    start: Month
    end: Month | None = None
    joining: Joining = default(0.0, Joining)
    renewal: Share
    trust_response: Share = default(0.0, Share, "of renewal, that is lost when trust is gone")
    collection_lag: Delay = default(0.0, Delay)
    bad_debt: Share = default(0.0, Share)
    usual_care: bool = False


class Fee(Source):
    """Fee for service: a price a unit, demand that grows, delivery limited by staff's hours."""

    payer: Name
    unit: Label
    price: Money
    trend: Trend = default(0.0, Trend)
    demand: Units
    growth: Trend = default(0.0, Trend)
    hours: Hours = Field(description="of staff, for one unit")
    delivered_by: tuple[Name, ...] = Field(min_length=1, max_length=MAX_LINES, strict=False)
    billable: MonthlyHours = Field(description="hours that one post can bill")
    direct_cost: Money = default(0.0, Money)
    start: Month
    end: Month | None = None
    collection_lag: Delay = default(0.0, Delay)
    bad_debt: Share = default(0.0, Share)
    usual_care: bool = False


class Renewal(Frozen):
    """Chance of another term of the same length, up to so many times."""

    chance: Share
    times: Times = 1


class Grant(Source):
    """A grant, gift or appropriation: from its start to its end, in advance or reimbursed."""

    payer: Name
    amount: MonthlyMoney
    trend: Trend = default(0.0, Trend)
    start: Month
    end: Month
    instalment: Instalment = Field(default=1, description="months paid for at once, in advance")
    award: Share = default(1.0, Share)
    renewal: Renewal | None = None
    restricted_to: tuple[str, ...] = Field(
        default=(),
        max_length=MAX_LINES,
        strict=False,
        description="posts.X, costs.X or interventions.X that it may pay; left out: anything",
    )
    indirect: Share = default(0.0, Share, "of a restricted grant, that may pay anything")
    reimbursed: bool = Field(default=False, description="paid afterwards, for what was spent")
    collection_lag: Delay = default(0.0, Delay)
    recurring: bool = Field(default=False, description="true for a budget line of a government")
    usual_care: bool | None = Field(
        default=None,
        description="whether it is there without the strategy; left out: if it runs at the start",
    )

    def exists(self, start: str) -> bool:
        """Whether it is part of usual care in a scenario that starts in a month."""
        return self.start <= start if self.usual_care is None else self.usual_care

    @model_validator(mode="after")
    def _fits(self) -> Grant:
        if self.end < self.start:
            raise refuse(f"a month not before the start, {self.start}", self.end, ("end",))
        if self.reimbursed and not self.restricted_to:
            raise refuse("what it reimburses, in restricted_to", "nothing", ("reimbursed",))
        return self


class HardWiring(Source):
    """A function and its cost move into a partner's budget, or become a line in it."""

    partner: Name
    moves: str | None = Field(default=None, description="posts.X or costs.X")
    share: Share = default(1.0, Share)
    amount: MonthlyMoney | None = None
    trend: Trend = default(0.0, Trend)
    date: Month
    chance: Share = default(1.0, Share)

    @model_validator(mode="after")
    def _one_way(self) -> HardWiring:
        if (self.moves is None) == (self.amount is None):
            raise refuse("either moves (a post or cost) or amount", "both or neither")
        return self


class Loan(Frozen):
    """Borrowed at a date, paid back in equal monthly amounts with interest."""

    name: Label
    account: Name | None = None
    lender: Name
    amount: Money
    date: Month
    months: Annotated[int, Field(ge=1, le=480)]
    interest: Yearly
    chance: Share = default(1.0, Share)


class Covered(Frozen):
    """The members whose cost a contract is settled on, and the care that counts."""

    segments: tuple[Name, ...] = Field(min_length=1, max_length=60, strict=False)
    attributed: Share = default(1.0, Share)
    served_ratio: Ratio = default(
        1.0, Ratio, "attributed share of the people served / attributed share of members"
    )
    churn: Share = default(
        0.0, Share, "of those served, who leave the payer within a year; half a year is lost"
    )
    other_care: bool = Field(default=True, description="settled on total cost, not services alone")
    carved_out: tuple[Name, ...] = Field(default=(), max_length=60, strict=False)


class Benchmark(Frozen):
    """How the cost that would have been is set, and how far it may be wrong."""

    method: Literal["trend", "own_history", "comparison_group"]
    trend: Trend | None = Field(default=None, description="of the benchmark, fixed in advance")
    weights: tuple[Share, ...] = Field(
        default=(), max_length=10, strict=False, description="of baseline years, latest first"
    )
    trend_error: Share = default(0.0, Share, "sd of chance in the trend, a year")
    selection: Signed = default(
        0.0, Signed, "benchmark too high (+) or low, as by regression to the mean"
    )
    rebased_share: Share = default(
        1.0, Share, "of earlier measured savings, taken off the next agreement's benchmark"
    )

    @model_validator(mode="after")
    def _whole(self) -> Benchmark:
        if (self.method == "trend") != (self.trend is not None):
            raise refuse("a trend for the method `trend`, and for no other", at=("trend",))
        if self.method == "own_history" and not self.weights:
            raise refuse("weights of the baseline years, latest first", at=("weights",))
        if self.weights and abs(sum(w.central for w in self.weights) - 1.0) > 1e-6:
            raise refuse("weights that add up to 1", at=("weights",))
        return self


class Completeness(Frozen):
    """Run-out: the share of claims known when it is settled, and the factor that corrects it."""

    known: Share = default(1.0, Share)
    factor: Ratio = default(1.0, Ratio)


class Truncation(Frozen):
    """Cost above a cap per person is left out: its share, and what is left of the variation."""

    cost_share: Share
    variation_left: Share


class Measure(Frozen):
    """What an outcome payment counts: use of a service, or work of an intervention."""

    service: Name | None = None
    intervention: Name | None = None
    counted_in: Literal["units", "person_months", "person_days", "enrollments"] = "units"
    error: Share = default(0.0, Share, "sd of chance in a measured reduction")

    @model_validator(mode="after")
    def _one_way(self) -> Measure:
        if (self.service is None) == (self.intervention is None):
            raise refuse("either service or intervention", "both or neither")
        if (self.service is not None) != (self.counted_in == "units"):
            allowed = "units for a service; person_months, person_days or enrollments for work"
            raise refuse(allowed, self.counted_in, ("counted_in",))
        return self


class ContractLine(Source):
    """A contract in the simulation: its terms, whom it covers, how savings are measured."""

    payer: Name
    payee: Name
    terms: Contract
    start: Month
    years: Annotated[int, Field(ge=1, le=30)]
    agreement_years: Annotated[int, Field(ge=1, le=30)] = Field(
        default=30, description="years after which the benchmark is set anew"
    )
    covers: Covered
    benchmark: Benchmark | None = None
    completeness: Completeness = Field(default_factory=Completeness)
    truncation: Truncation | None = None
    achieved: Share = default(
        1.0, Share, "share of quality targets achieved: quality score, fee at risk, withhold"
    )
    measures: dict[Name, Measure] = Field(default_factory=dict, max_length=MAX_LINES)
    cases: Name | None = Field(default=None, description="intervention that a case rate pays for")
    pays_into: Name | None = Field(default=None, description="a reinvestment that receives it")


class Reinvestment(Frozen):
    """A fund for more staff of an intervention: from captured savings, or from surplus."""

    name: Label
    account: Name | None = None
    intervention: Name
    desired_posts: Posts
    surplus_share: Share = default(
        0.0, Share, "of unrestricted cash above the reserve, once a year"
    )
    reserve: Delay = default(6.0, Delay, "months of payments kept back")
    spread_over: Months = default(
        12.0, Months, "months for which the fund must be able to pay a post"
    )


class Membership(Frozen):
    """What membership is worth, without outcomes that a contract pays for: time saved."""

    coordinated: Units = Field(description="clients coordinated through the network, per month")
    hours_saved: dict[Name, Hours] = Field(
        min_length=1, max_length=20, description="per client: intake, duplicate assessment ..."
    )
    loaded_wage: Wage
    own_time: MonthlyHours = Field(description="members' time in the network, all members")
    kept_share: Share = default(
        0.5, Share, "of the value, that a member wants to keep: sets the upper end of dues"
    )


class Financing(Frozen):
    """Accounts, costs, sources of revenue and contracts."""

    discount_rate: Yearly
    inflation: Trend = default(0.0, Trend)
    accounts: dict[Name, Account] = Field(min_length=1, max_length=6)
    posts: dict[Name, Post] = Field(default_factory=dict, max_length=MAX_LINES)
    costs: dict[Name, CostLine] = Field(default_factory=dict, max_length=MAX_LINES)
    dues: dict[Name, Dues] = Field(default_factory=dict, max_length=MAX_LINES)
    fees: dict[Name, Fee] = Field(default_factory=dict, max_length=MAX_LINES)
    grants: dict[Name, Grant] = Field(default_factory=dict, max_length=MAX_LINES)
    hard_wiring: dict[Name, HardWiring] = Field(default_factory=dict, max_length=MAX_LINES)
    loans: dict[Name, Loan] = Field(default_factory=dict, max_length=MAX_LINES)
    contracts: dict[Name, ContractLine] = Field(default_factory=dict, max_length=12)
    reinvestment: dict[Name, Reinvestment] = Field(default_factory=dict, max_length=12)
    membership: Membership | None = None
    note: Text = ""


class Rates(Frozen):
    """A payer paid by capitation: when a change of cost reaches who pays its rates."""

    reset_after: Delay
    expected_loss_ratio: Share = default(1.0, Share, "cost of care / premium")
    minimum_loss_ratio: Share = default(0.0, Share, "below it the payer owes a rebate; 0: none")
