"""What a row of the evidence registry holds: effects, unit costs, base rates, indices, rules.

One number a row, with its unit, source and status. A key that is absent means that the source
says nothing.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.json_schema import SkipJsonSchema

Service = Literal[
    "ed_visit",
    "inpatient_stay",
    "ems_transport",
    "psychiatric_stay",
    "psychiatric_ed_visit",
    "jail_day",
    "jail_booking",
    "shelter_night",
    "police_contact",
    "foster_care_day",
    "preterm_birth",
    "outpatient_visit",
    "inpatient_day",
    "detox_visit",
    "skilled_nursing_stay",
    "total_cost",
    "multi_system",
]
Metric = Literal[
    "rate_ratio",
    "odds_ratio",
    "hazard_ratio",
    "pct_change",
    "abs_diff",
    "abs_diff_prepost",
    "null",
    "roi",
    "programme_cost",
    "share",
    "level",
    "lag",
    "icer",
    "direction",
]
DesignClass = Literal["randomised", "controlled", "uncontrolled", "review", "simulation"]
Basis = Literal["itt", "treated", "area", "unclear"]
CountedFrom = Literal["offered", "enrolled", "area"]
Measure = Literal["count", "days", "share", "cost", "other"]
Interval = Literal["ci95", "iqr", "range", "sensitivity"]
Status = Literal["verified", "unverified"]
CostUnit = Literal["USD", "USD/month", "USD/year", "1", "%"]
RateUnit = Literal[
    "per 1,000 person-years",
    "1",
    "%",
    "persons",
    "USD/year",
    "% per year",
    "USD/month",
    "months",
    "days",
]

Share = Annotated[float, Field(gt=0, le=1)]
FindingId = Annotated[str, Field(pattern=r"^E\d{3,}$")]
CostId = Annotated[str, Field(pattern=r"^U\d{3,}$")]
RateId = Annotated[str, Field(pattern=r"^B\d{3,}$")]
Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]


class Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class PValue(Record):
    """p of a two-sided test as published: `=` exact, `<` only a bound."""

    value: float = Field(gt=0, lt=1)
    bound: Literal["<", "="]


class ComparatorRate(Record):
    """The comparison group's rate as the source prints it."""

    value: float
    unit: str
    text: str = Field(description="the words of the source that it was read from")


class ProgrammeCost(Record):
    """What the programme cost, as published; `finding` holds the row it stands in."""

    unit: str
    finding: FindingId
    value: float | None = None
    low: float | None = None
    high: float | None = None


class Source(Record):
    """Where a study was published."""

    authors: str
    year: int
    address: str | None = None
    journal: str | None = None
    doi: str | None = None


class Effect(Record):
    """One published number of a study."""

    outcome: str
    services: tuple[Service, ...] = Field(description="services of the model that it speaks of")
    rescue_service: str | None = Field(default=None, description="the same in the source's words")
    measure: Measure = Field(description="what the outcome is: decides the standard error from n")
    metric: Metric
    value: float | None = None
    low: float | None = None
    high: float | None = None
    interval: Interval | None = Field(default=None, description="what low and high are")
    unit: str | None = None
    year: int = Field(description="year of publication")
    significant: str | None = Field(default=None, description="as published")
    p: PValue | None = None
    comparator_rate: ComparatorRate | None = None
    net_of_programme: bool = Field(default=False, description="programme cost already taken off")
    status: Status
    derived: bool = Field(default=False, description="arithmetic on published numbers")
    note: str | None = None
    # Where a finding differs from its study:
    design_class: DesignClass | None = None
    basis: Basis | None = None
    counted_from: CountedFrom | None = None
    follow_up_months: float | None = Field(default=None, gt=0)
    address: str | None = None


class Study(Record):
    """One study: how it was done, on whom, against what; and its findings."""

    id: SkipJsonSchema[str] = ""
    intervention: str
    category: str
    population: str
    comparator: str | None = None
    design: str = Field(description="as published")
    design_class: DesignClass
    n: str | None = None
    arms: tuple[int, int] | None = Field(default=None, description="people treated, control")
    follow_up: str | None = None
    follow_up_months: float | None = Field(default=None, gt=0)
    basis: Basis = Field(description="who is counted in the treated arm")
    basis_stated: bool = Field(description="false: read from the design")
    counted_from: CountedFrom = Field(description="whose average the published effect is")
    uptake: Share | None = Field(default=None, description="share of the offered who took part")
    uptake_from: str | None = None
    cost: ProgrammeCost | None = None
    persistence: str | None = Field(default=None, description="what is said of decay")
    persistence_months: float | None = Field(default=None, ge=0)
    overlaps: tuple[Key, ...] = Field(default=(), description="studies of the same people")
    source: Source
    findings: dict[FindingId, Effect]


class Finding(Effect):
    """One published number with its study; what it does not say itself is the study's."""

    id: str
    study: Study
    design_class: DesignClass
    basis: Basis
    counted_from: CountedFrom

    @property
    def label(self) -> str:
        return f"{self.study.intervention} ({self.year}): {self.outcome}"


class Fact(Record):
    """A unit cost or a base rate: a number with its unit, year, source and status."""

    id: SkipJsonSchema[str] = ""
    category: str
    geography: str
    value: float | None = None
    low: float | None = None
    high: float | None = None
    unit: str = Field(description="as published")
    year: int | None = None
    year_text: str | None = Field(default=None, description="where the source has no plain year")
    population: str | None = None
    design: str | None = None
    source: str
    status: Status
    address: str | None = None
    derived: bool = False
    note: str | None = None


class UnitCost(Fact):
    """Money per unit of a service or an input; `payer_basis` says whose money."""

    item: str
    payer_basis: str
    model_unit: CostUnit | None = Field(default=None, description="absent: not usable as it is")


class BaseRate(Fact):
    """A rate of a population."""

    measure: str
    model_unit: RateUnit | None = Field(default=None, description="absent: not usable as it is")


class IndexYear(Record):
    value: float = Field(gt=0)
    status: Status


class PriceIndex(Record):
    """Annual averages of a price index."""

    id: SkipJsonSchema[str] = ""
    name: str
    unit: str
    source: str
    years: dict[int, IndexYear]


class Assumption(Record):
    """A number that no source gives, with the reason for it."""

    value: float = Field(ge=0)
    reason: str
    unit: str | None = None


class RatioBounds(Record):
    low: float = Field(gt=0, lt=1)
    high: float = Field(gt=1)
    reason: str


class PersonYearUnits(Record):
    reason: str
    units: dict[str, float]


class Rules(Record):
    """The assumptions behind the rules from study to effect."""

    assumed_se: Assumption
    assumed_tau: Assumption
    design_discounts: dict[DesignClass, Assumption]
    ratio_bounds: RatioBounds
    frailty_variance: Assumption
    person_year_units: PersonYearUnits


class Named(Record):
    """A file of records by id: each record is told the id that it stands under."""

    @model_validator(mode="before")
    @classmethod
    def _tell_ids(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {kind: _with_ids(records) for kind, records in data.items()}


def _with_ids(records: Any) -> Any:
    if not isinstance(records, dict):
        return records
    return {key: r | {"id": key} if isinstance(r, dict) else r for key, r in records.items()}


class EffectsFile(Named):
    studies: dict[Key, Study]


class UnitCostsFile(Named):
    unit_costs: dict[CostId, UnitCost]


class BaseRatesFile(Named):
    base_rates: dict[RateId, BaseRate]


class IndicesFile(Named):
    indices: dict[Key, PriceIndex]


class RulesFile(Record):
    rules: Rules
