"""Terms of the episodes: what individuals need beyond the numbers that both lenses share.

The dynamics ask for means only. How people and claims scatter around them stands here, in one
optional block of a scenario; what a file leaves out is an assumption of this model.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from .distributions import Frozen, refuse
from .fields import Days, Delay, Name, Ratio, Share, default
from .quantity import Parameter, Spec

Attribution = Literal["member_months", "plurality", "prospective"]
Pick = Literal["random", "first_come", "priority"]
ClaimRate = Annotated[Parameter, Spec("events/person-month", 0.01, 31.0, "claims of other care")]


class Outreach(Frozen):
    """How often a referred person is sought; together the attempts reach the share accepted."""

    attempts: int = Field(default=3, ge=1, le=20)
    days_between: Days = default(7.0, Days, "assumption: one attempt a week")


class SettlementTerms(Frozen):
    """What a contract's terms leave open about its claims (docs/claims-and-luck.md)."""

    attribution: Attribution = Field(default="member_months", description="whose year counts")
    minimum_months: float = Field(
        default=0.0, ge=0.0, le=12.0, description="with the payer in a year, to count in it"
    )
    cap_percentile: float | None = Field(
        default=None, ge=0.0, le=100.0, description="cost above it, of members' years, is left out"
    )
    cap: float | None = Field(
        default=None, gt=0.0, le=1e9, description="USD/member-year in the year before the contract"
    )
    run_out_months: float | None = Field(
        default=None, ge=0.0, le=120.0, description="after a year's end until claims are counted"
    )

    @model_validator(mode="after")
    def _one_cap(self) -> SettlementTerms:
        if self.cap is not None and self.cap_percentile is not None:
            raise refuse("either cap or cap_percentile", "both", ("cap",))
        return self


class EpisodeTerms(Frozen):
    """Scatter of individuals and claims; each default is an assumption, to be replaced."""

    pick: Pick = Field(default="random", description="who on the list is next")
    outreach: Outreach = Field(default_factory=Outreach)
    frailty_variance: Ratio = default(
        1.0, Ratio, "of the lasting gamma factor (mean 1) on a person's use; an assumption"
    )
    stays: dict[Name, Days] = Field(
        default_factory=dict, description="mean days of a stay that is counted in stays"
    )
    amount_variation: Ratio = default(
        1.0, Ratio, "sd / mean of the amount of one claim; an assumption"
    )
    amounts: dict[Name, Ratio] = Field(
        default_factory=dict, description="the same for a service of its own"
    )
    run_out: Delay = default(1.5, Delay, "mean months from care to payment; an assumption")
    other_care_claims: ClaimRate = default(
        0.2, ClaimRate, "claims of other care, bundled, a person-month; an assumption"
    )
    lasting_share: Share = default(
        0.4, Share, "of the variance of a year's other care, lasting with the person; an assumption"
    )
    settlement: dict[Name, SettlementTerms] = Field(
        default_factory=dict, description="of contracts that share savings, by name"
    )
