"""Too good to be true? What an actuary on the other side of the table would ask of a scenario.

Each rule compares a number with a limit of scenarios/evidence/limits.yaml or with another number
of the scenario, and yields findings. docs/checks.md lists the rules.
"""

from model.loading import Loaded

from . import agreements, effects, plan, savings
from .case import Case, Finding

RULES = (  # the most serious first
    agreements.too_small,
    agreements.paid_by_luck,
    agreements.paid_twice,
    effects.above_trials,
    effects.no_counterfactual,
    savings.above_analogue,
    savings.above_prior,
    savings.above_published_return,
    savings.average_cost,
    agreements.selected_members,
    plan.same_person,
    effects.outlasts_evidence,
    plan.horizon,
    plan.outside_horizon,
    plan.budget_gap,
    plan.dues_above_value,
    plan.staff_time,
    plan.frozen,
    plan.discount_rate,
)


def findings(loaded: Loaded) -> list[Finding]:
    """Every finding, the most serious first."""
    case = Case(loaded)
    return [finding for rule in RULES for finding in rule(case)]


__all__ = ["RULES", "Finding", "findings"]
