"""Planned payment: would a design pay where there is no effect, or not pay where there is one?

Two ways to decide: an estimate that reaches the contract's threshold in one year, and one that is
significant as a saving over the months that there are. Estimates are normal, of total cost as
shares, of events and their cost as logarithms of ratios (power.py). docs/planner.md explains.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

from scipy import special

from . import power
from .contract_chances import Facts, by_chance, central, facts_of, with_errors
from .finance.measurement import Noise
from .planned_effect import Expected


class Risks(NamedTuple):
    """Of paying without any effect, and of not paying with the expected one."""

    false_payment: float
    missed_payment: float


def contract_facts(found: Expected) -> Facts | None:
    """None where nothing is shared."""
    if found.line.terms.shared_savings is None or found.members <= 0.0:
        return None
    get = central(found.draws)
    facts = facts_of(get, found.number, found.name, found.values)
    return facts if facts.benchmark_per_member > 0.0 else None


def settled(facts: Facts, members: float) -> Risks:
    """One year by the contract's own design, as `headwater run` has it."""
    seen = with_errors(facts, members)
    return Risks(seen.p_paid_without_effect, seen.p_not_paid)


def by_clauses(facts: Facts, members: float, sd: float) -> Risks:
    """One year by the same clauses, total cost measured with another sd."""
    seen = by_chance(replace(facts, noise=Noise(sd * math.sqrt(members))), members)
    return Risks(seen.p_paid_without_effect, seen.p_not_paid)


def by_threshold(
    minimum: float, effect: float, bias: float, sds: tuple[float, float], log: bool
) -> Risks:
    """Paid where the estimate reaches the threshold, a share of usual care; 0: any saving.

    sds: of the estimate without and with the effect.
    """
    least = power.on_log_scale(minimum) if log else minimum
    wrong, true = _sizes(effect, bias, log)
    scores = (wrong - least) / sds[0], (true - least) / sds[1]
    return Risks(float(special.ndtr(scores[0])), float(special.ndtr(-scores[1])))


def by_test(effect: float, bias: float, sd: float, alpha: float, log: bool) -> Risks:
    """Paid where the estimate is significant as a saving (two-sided alpha)."""
    z = float(special.ndtri(1.0 - alpha / 2.0))
    wrong, true = _sizes(effect, bias, log)
    return Risks(float(special.ndtr(wrong / sd - z)), float(special.ndtr(z - true / sd)))


def _sizes(effect: float, bias: float, log: bool) -> tuple[float, float]:
    """Expected estimates without and with the effect: ratios multiply, shares of cost add up."""
    if not log:
        return bias, bias + effect
    wrong = power.on_log_scale(bias)
    return wrong, wrong + power.on_log_scale(effect)


__all__ = ["Risks", "by_clauses", "by_test", "by_threshold", "contract_facts", "settled"]
