"""Contracts on claims: what settlements of many replications come to, beside the formula.

One replication is settled in claims_settlement.py. Measured and true rates, chances of payment and
payments over replications stand beside what the dynamics take from the formula (model.md 7,
finance/measurement.py) for the same members, true rate and clauses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from model.distributions import Floats
from model.finance.measurement import Chances, Noise, chances
from model.loading import Loaded

from .attribution import ClaimRules, Deal, deals_of
from .case import Case
from .claims_settlement import Payer, Settled, settled
from .interval import Interval, of_mean, of_sd, of_share

__all__ = ["ClaimRules", "Interval", "Row", "Settled", "distribution", "settled"]
ALL_YEARS = 0


class Row(NamedTuple):
    """One contract-year (0: all its years) over replications, beside the formula."""

    contract: str
    year: int
    replications: int
    members: float
    true_rate: Interval  # mean
    measured_rate: Interval  # mean, errors of trend and area in it
    rate_by_claims: Interval  # mean, without them
    sd: Interval  # of the measured rate over replications
    sd_by_claims: Interval  # without the errors of trend and area, over replications
    sd_by_members: Interval  # the same from the scatter between members, mean of replications
    sd_formula: float
    sd_by_claims_formula: float
    p_paid: Interval
    p_paid_formula: float
    p_paid_without_effect: Interval
    p_paid_without_effect_formula: float
    payment: Interval  # USD a year, mean
    payment_formula: float  # USD a year


def distribution(case: Case, many: Sequence[list[Settled]], loaded: Loaded) -> list[Row]:
    """By contract and year over replications; year 0 is all years of a contract together.

    A year is left out where not every replication has it (nobody was a member, or the contract was
    left before).
    """
    out: list[Row] = []
    for deal in deals_of(loaded, case):
        pay = Payer(loaded, deal)
        found = [[s for s in one if s.contract == deal.name] for one in many]
        years = [y + 1 for y in range(deal.years) if all(_has(one, y + 1) for one in found)]
        table = [[_of(one, year) for year in years] for one in found]
        formula = [_formula(deal, pay, [one[k] for one in table]) for k in range(len(years))]
        for k, year in enumerate(years):
            out.append(_row(deal, year, [[one[k]] for one in table], formula[k : k + 1]))
        if years:
            out.append(_row(deal, ALL_YEARS, table, formula))
    return out


def _has(one: list[Settled], year: int) -> bool:
    return any(s.year == year for s in one)


def _of(one: list[Settled], year: int) -> Settled:
    return next(s for s in one if s.year == year)


class Formula(NamedTuple):
    """One contract-year by the formula: with all errors, with no effect, and by claims alone."""

    seen: Chances
    without: Chances
    sd_by_claims: float


def _formula(deal: Deal, pay: Payer, over: list[Settled]) -> Formula:
    """At the means over replications of members, benchmark and true rate."""
    members = float(np.mean([s.members for s in over]))
    benchmark = float(np.mean([s.benchmark for s in over]))
    true, year = float(np.mean([s.true_rate for s in over])), over[0].year - 1
    rules = pay.clauses_at(members, benchmark, year)
    # The trend's error adds up within an agreement; all members share it.
    trend_sd = deal.trend_sd * math.sqrt(year % deal.agreement_years + 1)
    noise = deal.noise
    wide = Noise(noise.cv, math.hypot(noise.area_sd, trend_sd), noise.baseline_factor)
    return Formula(
        chances(benchmark, members, true, rules, wide),
        chances(benchmark, members, 0.0, rules, wide),
        Noise(noise.cv, 0.0, noise.baseline_factor).sd(members),
    )


def _row(deal: Deal, year: int, table: list[list[Settled]], formula: list[Formula]) -> Row:
    """table: [replication][year]"""
    paid = [s.payment > 0.0 for one in table for s in one]
    without = [s.payment_without_effect > 0.0 for one in table for s in one]
    return Row(
        contract=deal.name,
        year=year,
        replications=len(table),
        members=float(_column(table, "members").mean()),
        true_rate=_mean(table, "true_rate"),
        measured_rate=_mean(table, "measured_rate"),
        rate_by_claims=_mean(table, "rate_by_claims"),
        sd=of_sd(_column(table, "measured_rate")),
        sd_by_claims=of_sd(_column(table, "rate_by_claims")),
        sd_by_members=_root_mean_square(table, "sd_by_members"),
        sd_formula=math.sqrt(float(np.mean([f.seen.sd**2 for f in formula]))),
        sd_by_claims_formula=math.sqrt(float(np.mean([f.sd_by_claims**2 for f in formula]))),
        p_paid=_share(paid, len(table)),
        p_paid_formula=float(np.mean([f.seen.p_paid for f in formula])),
        p_paid_without_effect=_share(without, len(table)),
        p_paid_without_effect_formula=float(np.mean([f.without.p_paid for f in formula])),
        payment=_mean(table, "payment"),
        payment_formula=float(np.mean([f.seen.expected for f in formula])),
    )


def _column(table: list[list[Settled]], field: str) -> Floats:
    """[replication, year]"""
    return np.array([[getattr(s, field) for s in one] for one in table], dtype=np.float64)


def _mean(table: list[list[Settled]], field: str) -> Interval:
    """Over replications, of the mean of their years: replications are independent, years not."""
    return of_mean(_column(table, field).mean(axis=1))


def _root_mean_square(table: list[list[Settled]], field: str) -> Interval:
    squares = of_mean((_column(table, field) ** 2).mean(axis=1))
    return Interval(*(x if math.isnan(x) else math.sqrt(max(0.0, x)) for x in squares))


def _share(happened: list[bool], replications: int) -> Interval:
    """With several years the interval is that of as many events as there are replications.

    Years of an agreement share their baseline, so that more years are not as many more events.
    """
    years = len(happened) // replications
    return of_share_of_years(sum(happened), years, replications)


def of_share_of_years(happened: int, years: int, replications: int) -> Interval:
    exact = of_share(round(happened / years), replications)
    return Interval(happened / (years * replications), exact.low, exact.high)
