"""Terms of contracts, as YAML says them: shipped presets and users' own files.

A file may extend another and amend itself by year; every mistake is told at its line. What the
clauses do stands in contracts.py, in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import BaseModel, Field, StringConstraints, model_validator

from .distributions import Frozen, refuse
from .quantity import Parameter, Quantity, Spec

MAX_ITEMS = 60

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
Label = Annotated[str, StringConstraints(min_length=1, max_length=160)]
Text = Annotated[str, StringConstraints(max_length=4000)]
Date = Annotated[str, StringConstraints(pattern=r"^(19|20)\d\d-(0[1-9]|1[0-2])-([0-2]\d|3[01])$")]
Year = Annotated[int, Field(ge=1980, le=2100)]

SHARE = Spec("1", 0.0, 1.0, "a share")
SCORE = Spec("1", 0.0, 1.0, "a score or a share")
RATIO = Spec("1", 0.0, 100.0, "a ratio")
MONEY = Spec("USD", 0.0, 1e12, "money")
MEMBER_MONEY = Spec("USD/person-month", 0.0, 1e6, "money per member and month")
MEMBERS = Spec("persons", 0.0, 1e9, "members")
DELAY = Spec("month", 0.0, 120.0, "a delay")

Share = Annotated[Parameter, SHARE]
Score = Annotated[Parameter, SCORE]
Ratio = Annotated[Parameter, RATIO]
Money = Annotated[Parameter, MONEY]
MemberMoney = Annotated[Parameter, MEMBER_MONEY]
Members = Annotated[Parameter, MEMBERS]
Delay = Annotated[Parameter, DELAY]
SpendingYears = Annotated[Parameter, Spec("years", 0.0, 100.0, "years of desired spending")]


def _default(value: float, spec: Spec) -> Any:
    return Field(default_factory=lambda: spec.fit(Quantity(value=value, source="neutral")))


def _items(least: int = 0) -> Any:
    """A list in YAML, a tuple here."""
    bounds: Any = {"min_length": least, "max_length": MAX_ITEMS, "strict": False}
    return Field(**bounds) if least else Field(default=(), **bounds)


class MemberBand(Frozen):
    """Part of a sliding scale: the rate at both ends, linear between them."""

    lower: Members
    upper: Members | None = Field(default=None, description="absent: the last band, without end")
    rate_at_lower: Share
    rate_at_upper: Share | None = None

    @model_validator(mode="after")
    def _whole(self) -> MemberBand:
        if (self.upper is None) != (self.rate_at_upper is None):
            raise refuse("upper and rate_at_upper together", "one of them")
        if self.upper is not None and self.upper.central <= self.lower.central:
            raise refuse("an upper end above the lower one", at=("upper",))
        return self


class MinimumRate(Frozen):
    """Least savings, as a share of the benchmark, that are shared: fixed, elected or by members."""

    fixed: Share | None = None
    elected: tuple[Share, ...] = _items()
    scale: tuple[MemberBand, ...] = _items()

    @model_validator(mode="after")
    def _one_way(self) -> MinimumRate:
        if self.fixed is not None and (self.elected or self.scale):
            raise refuse("either fixed, or scale and elected", "both")
        if self.fixed is None and not self.scale:
            raise refuse("fixed, or scale (with or without elected)", "neither")
        ends = [x for band in self.scale for x in (band.lower, band.upper) if x is not None]
        if any(one.central >= two.central for one, two in pairwise(ends)):
            raise refuse("bands in ascending order that do not overlap", at=("scale",))
        return self


class BelowMinimum(Frozen):
    """Savings below the minimum that are shared all the same, at a part of the rate."""

    rate_share: Share
    low_revenue_only: bool = False
    agreement_from: Date | None = None


class Tier(Frozen):
    """From this savings rate on, what lies above is shared at this rate."""

    above: Share
    sharing_rate: Share


class Quality(Frozen):
    """How quality acts on the rate: `pays` all of it or `score` of it, when the standard is met."""

    pays: Literal["all", "score"] = "all"
    alternative_pays: Literal["nothing", "score"] = "nothing"
    gate: Score = _default(0.0, SCORE)
    reporting_only_through: Year | None = Field(
        default=None, description="through this year an empty score means full marks"
    )


class LossRate(Frozen):
    """A fixed rate, or 1 - sharing rate x quality score between floor and ceiling."""

    fixed: Share | None = None
    floor: Share | None = None
    ceiling: Share | None = Field(default=None, description="also the rate if quality failed")

    @model_validator(mode="after")
    def _one_way(self) -> LossRate:
        given = (self.fixed is not None, self.floor is not None, self.ceiling is not None)
        if given not in ((True, False, False), (False, True, True)):
            raise refuse("either fixed, or floor and ceiling", "another combination")
        return self


class Loss(Frozen):
    """Shared losses; a contract without this part is one-sided."""

    rate: LossRate
    minimum_rate: Share | None = Field(default=None, description="absent: as for savings")
    limit_of_benchmark: Share | None = None
    limit_of_benchmark_by_year: tuple[Share, ...] = _items()
    limit_of_revenue: Share | None = None


class SharedSavings(Frozen):
    """Benchmark less expenditure, shared; without `loss` one-sided."""

    sharing_rate: Share
    tiers: tuple[Tier, ...] = _items()
    minimum_rate: MinimumRate | None = None
    below_minimum: BelowMinimum | None = None
    excess_only: bool = False
    quality: Quality = Quality()
    sequestration: Share = _default(0.0, SHARE)
    payment_limit: Ratio | None = Field(default=None, description="share of the benchmark")
    loss: Loss | None = None
    half_year_adjustment_share: Share = _default(1.0, SHARE)
    guardrail_pays: Share = _default(1.0, SHARE)
    terminated_pays: Share = _default(1.0, SHARE)
    capture_cap: Share | None = Field(default=None, description="most, of the payer's saving")
    fee_netted_first: bool = False
    exit_loss: Money | None = Field(default=None, description="loss that opens a right to exit")

    @model_validator(mode="after")
    def _ascending(self) -> SharedSavings:
        above = [tier.above.central for tier in self.tiers]
        if above != sorted(set(above)):
            raise refuse("tiers in ascending order", at=("tiers",))
        return self


class MemberFee(Frozen):
    """A fee per member and month, a part of it paid only for targets achieved."""

    per_member_month: MemberMoney
    at_risk: Share = _default(0.0, SHARE)


class Withhold(Frozen):
    """A pool held back from a payment; `others` divide what is released to them."""

    withheld_from: Label
    rate: Share
    earn_back_limit: Share = _default(1.0, SHARE)
    forfeit_released: Share = _default(0.0, SHARE)
    others: dict[Name, Share] = Field(default_factory=dict, max_length=MAX_ITEMS)

    @model_validator(mode="after")
    def _whole(self) -> Withhold:
        if self.others:
            _adds_up(self.others, ("others",))
        elif self.earn_back_limit.central < 1 or self.forfeit_released.central > 0:
            raise refuse("others, who receive what is released", "nobody", ("others",))
        return self


class Band(Frozen):
    """A band of reduction, from lower to upper, and what each percentage point in it pays."""

    lower: Share
    upper: Share
    per_point: Money

    @model_validator(mode="after")
    def _forward(self) -> Band:
        if self.lower.central >= self.upper.central:
            raise refuse("an upper end above the lower one", at=("upper",))
        return self


class OutcomeMetric(Frozen):
    """One outcome: a price for each unit, or bands of dollars per point of reduction."""

    unit: Label
    price: Money | None = None
    bands: tuple[Band, ...] = _items()
    starts_at: Share = _default(0.0, SHARE)
    cap: Money | None = None

    @model_validator(mode="after")
    def _one_way(self) -> OutcomeMetric:
        if (self.price is not None) == bool(self.bands):
            raise refuse("either a price or bands", "both or neither")
        ends = [x.central for band in self.bands for x in (band.lower, band.upper)]
        if ends != sorted(ends):
            raise refuse("bands in ascending order that do not overlap", at=("bands",))
        return self


class Outcomes(Frozen):
    """Payments for outcomes, with an overall minimum and maximum."""

    metrics: dict[Name, OutcomeMetric] = Field(min_length=1, max_length=MAX_ITEMS)
    minimum: Money = _default(0.0, MONEY)
    maximum: Money | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Outcomes:
        if self.maximum is not None and self.maximum.central < self.minimum.central:
            raise refuse("a maximum not below the minimum", at=("maximum",))
        return self


class Capture(Frozen):
    """A payer pays a share of its saving into a fund, less as the fund grows (model.md 6)."""

    share: Share
    full_until: SpendingYears = Field(description="years of desired spending in the fund")
    none_from: SpendingYears = Field(description="years of desired spending in the fund")

    @model_validator(mode="after")
    def _ordered(self) -> Capture:
        if self.none_from.central <= self.full_until.central:
            raise refuse("more than full_until", at=("none_from",))
        return self


class Measurement(Frozen):
    """Random variation of a measured savings rate: sd^2 = f CV^2/n + area^2 (measurement.py)."""

    cv: Ratio
    area_sd: Share = _default(0.0, SHARE)
    baseline_weights: tuple[Share, ...] = _items()
    comparison_ratio: Ratio | None = Field(default=None, description="comparison people per member")


class Years(Frozen):
    """Performance years for which the terms are known."""

    first: Year
    last: Year


class Amendment(Frozen):
    """What changes from a year on, or from one year through another."""

    since: Year
    through: Year | None = None
    source: Text
    changes: dict[str, Any]


class Contract(Frozen):
    """A bundle of clauses between a payer and a payee; a kind that is absent is inert."""

    name: Name
    title: Label
    description: Text = ""
    source: Text
    payer: Label | None = None
    payee: Label | None = None
    tracks: tuple[Label, ...] = _items()
    years: Years | None = None
    shared_savings: SharedSavings | None = None
    member_fee: MemberFee | None = None
    withhold: Withhold | None = None
    outcomes: Outcomes | None = None
    case_rate: Money | None = None
    capitation_share: Share | None = None
    capture: Capture | None = None
    distribution: dict[Name, Share] = Field(default_factory=dict, max_length=MAX_ITEMS)
    settlement_lag: Delay = _default(0.0, DELAY)
    interim_share: Share = _default(0.0, SHARE)
    measurement: Measurement | None = None
    amendments: tuple[Amendment, ...] = _items()

    @model_validator(mode="after")
    def _whole(self) -> Contract:
        if not any(getattr(self, kind) is not None for kind in KINDS):
            raise refuse(f"one kind of payment or more: {', '.join(KINDS)}", "none")
        if self.distribution:
            _adds_up(self.distribution, ("distribution",))
        return self


KINDS = (
    "shared_savings",
    "member_fee",
    "withhold",
    "outcomes",
    "case_rate",
    "capitation_share",
    "capture",
)


def _adds_up(shares: dict[str, Parameter], at: tuple[str, ...]) -> None:
    total = sum(share.central for share in shares.values())
    if abs(total - 1.0) > 1e-9:
        raise refuse("shares that add up to 1", f"{total:.6g}", at)


def uncertain(part: Any, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where the terms hold a distribution instead of a number."""
    if isinstance(part, Parameter):
        if part.uncertain:
            yield at
    elif isinstance(part, BaseModel):
        for name in type(part).model_fields:
            yield from uncertain(getattr(part, name), (*at, name))
    elif isinstance(part, dict):
        for name, value in part.items():
            yield from uncertain(value, (*at, name))
    elif isinstance(part, tuple):
        for index, value in enumerate(part):
            yield from uncertain(value, (*at, index))
