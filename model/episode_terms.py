"""Terms of the episodes: what individuals need beyond the numbers that both lenses share.

The dynamics ask for means only. How people and claims scatter around them stands here, in one
optional block of a scenario; what a file leaves out is an assumption of this model.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from .distributions import Frozen
from .fields import Days, Delay, Name, Ratio, Share, default
from .quantity import Parameter, Spec

Pick = Literal["random", "first_come", "priority"]
ClaimRate = Annotated[Parameter, Spec("events/person-month", 0.01, 31.0, "claims of other care")]


class Outreach(Frozen):
    """How often a referred person is sought; together the attempts reach the share accepted."""

    attempts: int = Field(default=3, ge=1, le=20)
    days_between: Days = default(7.0, Days, "assumption: one attempt a week")


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
