"""Scenario: everything that a YAML file says, checked once and never changed afterwards.

The parts follow model.md sections 2 to 4 (docs/model.md). Every number is a `Parameter`: bare
in YAML where the field fixes the unit, or with value, unit and source, or a distribution.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Literal, NamedTuple

from pydantic import BaseModel, Field, field_validator, model_validator

from .distributions import Frozen, refuse
from .episode_terms import EpisodeTerms
from .fields import (
    Block,
    Caseload,
    Correlation,
    Days,
    Delay,
    Entrants,
    Label,
    MemberMoney,
    Money,
    Month,
    MonthlyMoney,
    Months,
    Name,
    Persons,
    PositiveRatio,
    PostMoney,
    Posts,
    Rate,
    Ratio,
    Share,
    SlotMoney,
    Text,
    Trend,
    UseRate,
    default,
    month_number,
)
from .financing import Financing, Rates
from .quantity import Parameter

MAX_SEGMENTS = 60
MAX_NAMED = 60
MAX_YEARS = 50
NEED_LEVELS = ("stable", "at_risk", "in_crisis")

NeedLevel = Literal["stable", "at_risk", "in_crisis"]


class Clock(Frozen):
    """The months simulated, first and last included, and the Euler steps in each."""

    start: Month
    end: Month
    steps_per_month: int = Field(default=4, ge=1, le=64)

    @model_validator(mode="after")
    def _forward(self) -> Clock:
        if self.months < 1:
            raise refuse(f"an end not before the start, {self.start}", self.end, ("end",))
        if self.months > 12 * MAX_YEARS:
            raise refuse(f"at most {MAX_YEARS} years", f"{self.months} months", ("end",))
        return self

    @property
    def months(self) -> int:
        return month_number(self.end) - month_number(self.start) + 1

    def index(self, month: str) -> int:
        """Months since the start: 0 is the first month; negative is before it."""
        return month_number(month) - month_number(self.start)

    def label(self, index: int) -> str:
        year, month = divmod(month_number(self.start) + index, 12)
        return f"{year:04d}-{month + 1:02d}"

    def labels(self) -> list[str]:
        return [self.label(i) for i in range(self.months)]


class Prices(Frozen):
    """The year that costs are brought to, once, with a named index (scenarios/evidence)."""

    year: int = Field(ge=1980, le=2060)
    index: Name = "cpi_u"


class OtherCare(Frozen):
    """All care that is not listed as a service: a total-cost contract is settled on it too."""

    cost: MemberMoney
    trend: Trend = default(0.0, Trend)
    variation: Ratio = default(2.1, Ratio)
    correlation: Correlation = default(0.0, Correlation)


class Party(Frozen):
    """Somebody who pays, provides, funds or coordinates."""

    name: Label
    kind: Literal["payer", "provider", "agency", "funder", "backbone", "government", "members"]
    pays: Literal["price", "budget"] = Field(
        default="price",
        description="budget: bears its providers' cost, of which only a part leaves when use falls",
    )
    payment_to_cost: Ratio | None = None
    other_care: OtherCare | None = None
    perspective: Literal["federal", "state", "local"] | None = Field(
        default=None, description="the level of government whose money it is"
    )
    rates: Rates | None = Field(
        default=None, description="paid by capitation: who pays the rates gains later"
    )


class Need(Frozen):
    """Shares of a segment by need level at the start, and how fast people get better.

    Onset and escalation left out are those that keep today's shares steady:
    onset = recovery x at_risk / stable + mean death - death; escalation = (relief + death - mean
    death) x in_crisis / at_risk, with the death of the level that people come from or go to.
    """

    at_risk: Share
    in_crisis: Share
    recovery: Rate
    relief: Rate
    onset: Rate | None = None
    escalation: Rate | None = None


class Deaths(Frozen):
    stable: Rate
    at_risk: Rate
    in_crisis: Rate


class Segment(Frozen):
    """Residents who share a payer and a group."""

    name: Label
    group: Label
    payer: Name | dict[Name, Share] = Field(description="a party, or shares of several")
    financed_by: dict[Name, Share] = Field(
        default_factory=dict, description="who pays the premiums of the segment's payer, in shares"
    )
    population: Persons
    need: Need
    deaths: Deaths
    leaving: Rate = default(0.0, Rate)
    entrants: Entrants | None = Field(
        default=None, description="left out: as many as leave at the start, so that it is steady"
    )
    use: dict[Name, UseRate] = Field(description="use of each service, mean of the segment")

    @property
    def payers(self) -> dict[str, Parameter | None]:
        """Share of each payer; None is the whole."""
        return dict(self.payer) if isinstance(self.payer, dict) else {self.payer: None}


class Movement(Frozen):
    """People who change segment at a month's end: ageing, plan choice, redetermination."""

    origin: Name = Field(alias="from")
    destination: Name = Field(alias="to")
    rate: Rate
    start: Month | None = None
    end: Month | None = None


class Shock(Frozen):
    """A dated factor on the use of a service (an epidemic, a change of law)."""

    start: Month
    end: Month | None = None
    factor: PositiveRatio


class Capacity(Frozen):
    """A provider sheds cost only in whole blocks (a jail pod, a shift), and later."""

    size: Block
    delay: Delay


class RelativeUse(Frozen):
    """Use of a person in need, as a multiple of a stable person's."""

    at_risk: Ratio
    in_crisis: Ratio


class Service(Frozen):
    """A rescue service, or (rescue: false) one that may rise instead, such as outpatient care."""

    name: Label
    rescue: bool = True
    counted_in: Label
    provider: Name | None = None
    payment: dict[Name, Share] | None = Field(
        default=None,
        description="who pays, in shares; left out: the segment's payer; `segment` names it",
    )
    cost: Money
    price: dict[Name, Money] = Field(
        default_factory=dict,
        description="what a payer pays; left out: cost x the payer's payment_to_cost",
    )
    length_of_stay: Days | None = Field(
        default=None, description="given where use is counted in stays and price in days"
    )
    relative_use: RelativeUse
    preventable: Share
    marginal_share: Share = default(1.0, Share)
    back_fill: Share = default(0.0, Share)
    capacity: Capacity | None = None
    use_trend: Trend = default(0.0, Trend)
    price_trend: Trend = default(0.0, Trend)
    shocks: tuple[Shock, ...] = Field(default=(), max_length=40, strict=False)


class Eligible(Frozen):
    segments: tuple[Name, ...] = Field(min_length=1, max_length=MAX_SEGMENTS, strict=False)
    need: tuple[NeedLevel, ...] = Field(
        default=("at_risk", "in_crisis"), min_length=1, max_length=3, strict=False
    )


class Staff(Frozen):
    """Slots = staff x caseload; a vacancy takes time_to_hire to fill; turnover makes vacancies."""

    posts: Posts
    caseload: Caseload
    time_to_hire: Months
    turnover: Rate


class Effect(Frozen):
    """Effect on the use of one service: from evidence, as a stated ratio, or as another's.

    The ratio is the published total among the enrolled, over `follow_up` months of the trial.
    """

    evidence: tuple[str, ...] = Field(default=(), max_length=40, strict=False)
    comparator_rate: dict[str, float] = Field(
        default_factory=dict, description="finding id -> the comparator's rate, in its own unit"
    )
    discounts: dict[str, float] = Field(
        default_factory=dict,
        description="design class or finding id -> share of the log ratio that is believed",
    )
    between_study_sd: float | None = Field(default=None, ge=0, le=2)
    ratio: Ratio | None = None
    follows: Name | None = None
    assumption: bool = False
    reason: Text | None = None
    ask: Text | None = None

    @model_validator(mode="after")
    def _one_way(self) -> Effect:
        ways = {"evidence": bool(self.evidence), "ratio": self.ratio, "follows": self.follows}
        given = [way for way, is_given in ways.items() if is_given]
        if len(given) != 1:
            raise refuse("one of evidence, ratio or follows", " and ".join(given) or "none")
        if self.follows and not self.reason:
            raise refuse("a reason beside `follows`: it is an assumption", "no reason")
        return self


class NeedEffects(Frozen):
    """Ratios on the moves between need levels while enrolled or protected; 1 is inert."""

    onset: PositiveRatio = default(1.0, PositiveRatio)
    escalation: PositiveRatio = default(1.0, PositiveRatio)
    recovery: PositiveRatio = default(1.0, PositiveRatio)
    relief: PositiveRatio = default(1.0, PositiveRatio)


class Costs(Frozen):
    """What an intervention costs whoever pays; `in_kind` is given by `in_kind_by`."""

    start_up: Money = default(0.0, Money)
    fixed: MonthlyMoney = default(0.0, MonthlyMoney)
    per_post: PostMoney = default(0.0, PostMoney)
    per_slot: SlotMoney = default(0.0, SlotMoney)
    per_enrollment: Money = default(0.0, Money)
    per_enrolled: MemberMoney = default(0.0, MemberMoney)
    stipends: MemberMoney = default(0.0, MemberMoney)
    in_kind: MonthlyMoney = default(0.0, MonthlyMoney)
    in_kind_by: Name | None = None
    trend: Trend = default(0.0, Trend)


class Intervention(Frozen):
    """A programme: whom it reaches, how many it can serve, what it changes, what it costs."""

    name: Label
    operator: Name
    funded_by: Name
    start: Month = Field(
        pattern=r"^(19|20)\d\d-(0[1-9]|1[0-2])$",
        description="a month, YYYY-MM; before the horizon: begins with it, its start-up cost paid",
    )
    end: Month | None = None
    eligible: Eligible
    referral: Rate
    acceptance: Share
    time_to_enroll: Months
    patience: Months = Field(description="mean time on the list before giving up")
    staff: Staff
    duration: Months
    completion: Share
    persistence: Months = Field(description="mean time that the effect lasts after completion")
    follow_up: Months = Field(description="months over which the published effect was measured")
    effects: dict[Name, Effect]
    need_effects: NeedEffects = Field(default_factory=NeedEffects)
    costs: Costs


class Multipliers(Frozen):
    """The backbone's own effect on every intervention: 1 unless evidence says otherwise."""

    referral: PositiveRatio = default(1.0, PositiveRatio)
    acceptance: PositiveRatio = default(1.0, PositiveRatio)
    time_to_hire: PositiveRatio = default(1.0, PositiveRatio)


class Backbone(Frozen):
    """The organisation that coordinates: its party, its budget, its own effect."""

    party: Name
    budget: MonthlyMoney
    trend: Trend = default(0.0, Trend)
    multipliers: Multipliers = Field(default_factory=Multipliers)


class RankCorrelation(Frozen):
    """Spearman correlation between two parameters, by a Gaussian copula."""

    between: tuple[str, str] = Field(strict=False)
    rank: float = Field(gt=-1, lt=1)


SEGMENT_PAYER = "segment"


def payers_of(payment: dict[str, Any] | None, segment_payers: dict[str, Any]) -> list[str]:
    """Names of those who pay for a service used by a segment, in order."""
    named = payment if payment is not None else {SEGMENT_PAYER: None}
    out: list[str] = []
    for party in named:
        out += list(segment_payers) if party == SEGMENT_PAYER else [party]
    return list(dict.fromkeys(out))


class Cell(NamedTuple):
    """Who pays for which service: a flow of money from a payer to a provider."""

    service: str
    party: str


class Scenario(Frozen):
    """One scenario file, whole."""

    name: Name
    title: Label
    description: Text
    clock: Clock
    prices: Prices
    parties: dict[Name, Party] = Field(min_length=1, max_length=MAX_NAMED)
    segments: dict[Name, Segment] = Field(min_length=1, max_length=MAX_SEGMENTS)
    movements: tuple[Movement, ...] = Field(default=(), max_length=400, strict=False)
    services: dict[Name, Service] = Field(min_length=1, max_length=MAX_NAMED)
    interventions: dict[Name, Intervention] = Field(default_factory=dict, max_length=MAX_NAMED)
    backbone: Backbone
    financing: Financing | None = None
    episodes: EpisodeTerms | None = None
    correlations: tuple[RankCorrelation, ...] = Field(default=(), max_length=200, strict=False)

    @field_validator("segments", mode="after")
    @classmethod
    def _stable_remain(cls, segments: dict[str, Segment]) -> dict[str, Segment]:
        for name, segment in segments.items():
            need = segment.need
            if need.at_risk.central + need.in_crisis.central >= 1.0:
                at_risk, in_crisis = need.at_risk.central, need.in_crisis.central
                found = f"at_risk {at_risk:g} + in_crisis {in_crisis:g} = {at_risk + in_crisis:.2f}"
                allowed = "below 1 together: the rest are stable"
                raise refuse(allowed, found, (name, "need"))
        return segments

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """Every pair of service and payer that there is, in the scenario's order."""
        found = {
            Cell(name, party)
            for segment in self.segments.values()
            for name in segment.use
            for party in payers_of(self.services[name].payment, segment.payers)
        }
        services, parties = list(self.services), list(self.parties)
        return tuple(
            sorted(found, key=lambda c: (services.index(c.service), parties.index(c.party)))
        )

    @property
    def programmes(self) -> list[Intervention]:
        return list(self.interventions.values())


def parameters(part: object, path: str = "") -> Iterator[tuple[str, Parameter]]:
    """Every number of a scenario with its dotted name, in the order of the file's schema."""
    if isinstance(part, Parameter):
        yield path, part
    elif isinstance(part, BaseModel):
        for field, info in type(part).model_fields.items():
            yield from parameters(getattr(part, field), _join(path, info.alias or field))
    elif isinstance(part, dict):
        for key, value in part.items():
            yield from parameters(value, _join(path, key))
    elif isinstance(part, tuple):
        for index, value in enumerate(part):
            yield from parameters(value, f"{path}[{index}]")


def _join(path: str, key: str) -> str:
    return f"{path}.{key}" if path else key
