"""Deals: from contracts in a scenario, usual care and luck to the arrays of contract_years.py.

What differs between measured and true savings is computed here: the benchmark's method, its trend
error, selection, run-out, attribution, churn, truncation and chance (model.md 7; docs/money.md).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .books import CLAUSES, CONTRACT_MONTH, CONTRACT_YEAR, OUTCOME, Deals, records
from .clauses import bands, clauses, outcome_luck, outcome_terms, tiers
from .contract_plan import measured
from .distributions import Floats
from .draws import Columns
from .fields import month_number
from .finance import contracts
from .finance.measurement import baseline_factor
from .financing import ContractLine
from .luck import AREA
from .money_plan import financing_of
from .quantity import Parameter
from .scenario import Scenario
from .services import years_since_price_year
from .stocks import Activity
from .terms import MinimumRate


class Attributed(NamedTuple):
    """The attributed members of a contract in usual care, [draw, month]."""

    members: Floats
    cost: Floats  # USD that the contract counts


def deals(scenario: Scenario, get: Columns, usual: Activity) -> Deals:
    """Numbers of the contracts, given usual care."""
    contracts_of = financing_of(scenario).contracts
    out = no_deals(scenario, get.size)
    out.month["usual_care"] = usual.contract_care
    out.usual_measured[:] = usual.measured
    for h, (name, c) in enumerate(contracts_of.items()):
        who = attributed(scenario, get, name, usual, h)
        out.month["members"][:, :, h] = who.members
        out.month["usual_cost"][:, :, h] = who.cost
        out.month["base_weight"][:, :, h] = base_weights(scenario, get, name, who)
        set_years(scenario, get, name, who, out.year[:, h, : c.years])
    above, rate = tiers(scenario, get)
    return out._replace(
        contract=clauses(scenario, get),
        tier_above=above,
        tier_rate=rate,
        measure=outcome_terms(scenario, get),
        band=bands(scenario, get),
        outcome_luck=outcome_luck(scenario, get, out.year.shape[2]),
    )


def no_deals(scenario: Scenario, draws: int) -> Deals:
    """No contract pays anything: usual care, on which the contracts of the strategy are settled."""
    contracts_of, found = list(financing_of(scenario).contracts.values()), measured(scenario)
    months, count = scenario.clock.months, len(contracts_of)
    years = max((c.years for c in contracts_of), default=0)
    return Deals(
        contract=records(CLAUSES, draws, count),
        year=records(CONTRACT_YEAR, draws, count, years),
        month=records(CONTRACT_MONTH, draws, months, count),
        tier_above=np.zeros((draws, count, 0)),
        tier_rate=np.zeros((draws, count, 0)),
        measure=records(OUTCOME, draws, len(found)),
        band=np.zeros((draws, len(found), 0, 3)),
        outcome_luck=np.zeros((draws, len(found), years)),
        usual_measured=np.zeros((draws, months, len(found))),
    )


def set_years(scenario: Scenario, get: Columns, name: str, who: Attributed, year: Any) -> None:
    """Fill the records [draw, year] of one contract."""
    c = financing_of(scenario).contracts[name]
    members = by_year(scenario, c, who.members) / 12.0
    year["usual_cost"] = by_year(scenario, c, who.cost)
    year["benchmark"] = benchmarks(scenario, get, name, who)
    year["yearly_luck"], year["luck"] = errors_of_chance(scenario, get, name, members)
    year["minimum_rate"] = minimum_rates(get, c, name, members)
    year["loss_minimum"] = loss_minimum_rates(get, c, name, year["minimum_rate"])
    year["loss_limit"] = loss_limits(get, c, name, c.years)


def attributed(scenario: Scenario, get: Columns, name: str, usual: Activity, h: int) -> Attributed:
    """Members and their cost in usual care: the payer's share of each segment, attributed."""
    c = financing_of(scenario).contracts[name]
    at = f"financing.contracts.{name}"
    months = np.zeros((get.size, scenario.clock.months))
    for g, (key, segment) in enumerate(scenario.segments.items()):
        if key in c.covers.segments and c.payer in segment.payers:
            whole = segment.payers[c.payer] is None
            share = 1.0 if whole else get(f"segments.{key}.payer.{c.payer}")[:, None]
            months += usual.person_months[:, :, g] * share
    cost = usual.contract_care[:, :, h].copy()
    if c.covers.other_care and scenario.parties[c.payer].other_care is not None:
        care = f"parties.{c.payer}.other_care"
        years = years_since_price_year(scenario)
        price = (1.0 + get(f"{care}.trend"))[:, None] ** years
        cost += months * get(f"{care}.cost")[:, None] * price
    share = get(f"{at}.covers.attributed")[:, None]
    left = 1.0 - _or(get, c.truncation, f"{at}.truncation.cost_share", 0.0)[:, None]
    return Attributed(months * share, cost * share * left)


def _or(get: Columns, part: object, name: str, neutral: float) -> Floats:
    """The number, where the part that holds it is there."""
    return np.full(get.size, neutral) if part is None else get(name)


def by_year(scenario: Scenario, c: ContractLine, x: Floats) -> Floats:
    """Sums [draw, year] of [draw, month] over contract years; 0 where the horizon ends before."""
    out = np.zeros((x.shape[0], c.years))
    first = scenario.clock.index(c.start)
    for year in range(c.years):
        begin, end = first + 12 * year, first + 12 * year + 12
        if begin >= 0 and end <= x.shape[1]:
            for month in range(begin, end):
                out[:, year] += x[:, month]
    return out


def benchmarks(scenario: Scenario, get: Columns, name: str, who: Attributed) -> Floats:
    """Benchmark [draw, year], USD: by its method, with the errors of trend and selection."""
    c = financing_of(scenario).contracts[name]
    members, cost = by_year(scenario, c, who.members), by_year(scenario, c, who.cost)
    if c.benchmark is None:
        return cost
    at = f"financing.contracts.{name}.benchmark"
    if c.benchmark.method == "trend":
        years = np.arange(1, c.years + 1)
        rises = (1.0 + get(f"{at}.trend"))[:, None] ** years
        cost = base_cost(scenario, c, who)[:, None] * rises * members
    sd = get(f"{at}.trend_error")[:, None]
    error = 1.0 + sd * get.luck(f"contracts.{name}.trend")
    for year in range(1, c.years):
        if year % c.agreement_years:
            error[:, year] *= error[:, year - 1]
    return cost * error * (1.0 + get(f"{at}.selection"))[:, None]


def base_cost(scenario: Scenario, c: ContractLine, who: Attributed) -> Floats:
    """Cost per member-month [draw] in the year before a contract, or its trend back to there."""
    first, months = scenario.clock.index(c.start), scenario.clock.months
    if first >= 12:
        return _per_member(who, first - 12)
    apart = max(1, min(12, months - 12))  # months between the first year and the one it grows to
    one, two = _per_member(who, 0), _per_member(who, apart)
    rises = np.divide(two, one, out=np.ones_like(one), where=(one > 0.0) & (two > 0.0))
    return one * rises ** ((first - 12) / apart)


def _per_member(who: Attributed, begin: int) -> Floats:
    """Mean over a year that begins in a month [draw]."""
    cost, members = np.zeros(who.cost.shape[0]), np.zeros(who.cost.shape[0])
    for month in range(begin, min(begin + 12, who.cost.shape[1])):
        cost += who.cost[:, month]
        members += who.members[:, month]
    return np.divide(cost, members, out=np.zeros_like(cost), where=members > 0.0)


def variation(scenario: Scenario, get: Columns, name: str) -> Floats:
    """Coefficient of variation [draw] of a member's yearly cost, as far as the contract sees it."""
    c = financing_of(scenario).contracts[name]
    at = f"financing.contracts.{name}"
    if c.terms.measurement is not None:
        cv = get(f"{at}.terms.measurement.cv")
    elif scenario.parties[c.payer].other_care is not None:
        cv = get(f"parties.{c.payer}.other_care.variation")
    else:
        cv = np.zeros(get.size)
    return cv * _or(get, c.truncation, f"{at}.truncation.variation_left", 1.0)


def chance_of_baseline(get: Columns, c: ContractLine, name: str) -> Floats:
    """f - 1 of model.md 7 [draw], by the benchmark's method (finance/measurement.py)."""
    at, terms = f"financing.contracts.{name}", c.terms.measurement
    ratio = np.zeros(get.size)
    if terms is not None and terms.comparison_ratio is not None:
        ratio = get(f"{at}.terms.measurement.comparison_ratio")
    if terms is not None and terms.baseline_weights:
        stated = f"{at}.terms.measurement.baseline_weights"
        return _baseline(get, stated, len(terms.baseline_weights), ratio)
    if c.benchmark is None or c.benchmark.method == "comparison_group":
        return _baseline(get, "", 0, np.where(ratio > 0.0, ratio, 1.0))
    if not c.benchmark.weights:  # one year before
        return np.ones(get.size)
    return _baseline(get, f"{at}.benchmark.weights", len(c.benchmark.weights), np.zeros(get.size))


def _baseline(get: Columns, weights: str, count: int, ratio: Floats) -> Floats:
    columns = zip(*(get(f"{weights}[{k}]") for k in range(count)), strict=True)
    rows = list(columns) if count else [()] * get.size
    return np.array([baseline_factor(w, r) for w, r in zip(rows, ratio, strict=True)])


def area_sd(get: Columns, c: ContractLine, name: str) -> Floats:
    at = f"financing.contracts.{name}.terms.measurement.area_sd"
    return _or(get, c.terms.measurement, at, 0.0)


def errors_of_chance(
    scenario: Scenario, get: Columns, name: str, members: Floats
) -> tuple[Floats, Floats]:
    """Errors [draw, year] of the measured savings rate: the year's own, and with the baseline's.

    sd^2 = f CV^2 / n + area^2 (finance/contracts.py). Years of an agreement share the baseline's.
    Where an agreement is re-based the last one's years are the baseline instead, as far as it is
    (contract_years.py); a comparison group is drawn anew for each agreement.
    """
    c = financing_of(scenario).contracts[name]
    first = month_number(c.start) // 12 - month_number(scenario.clock.start) // 12
    agreement = np.arange(c.years) // c.agreement_years
    area = get.luck(AREA)
    when = np.clip(first + np.arange(c.years), 0, area.shape[1] - 1)
    factor, cv = chance_of_baseline(get, c, name), variation(scenario, get, name)
    compared = c.benchmark is None or c.benchmark.method == "comparison_group"
    shared = get.luck(f"contracts.{name}.baseline")[:, agreement if compared else 0 * agreement]
    kept = np.ones(shared.shape)
    if not compared:
        share = get(f"financing.contracts.{name}.benchmark.rebased_share")[:, None]
        kept = (1.0 - share) ** agreement[None, :]

    def error(baseline: Floats) -> Floats:
        return np.asarray(
            contracts.measurement_error(
                get.luck(f"contracts.{name}.year"),
                baseline,
                area[:, when],
                np.maximum(members, 1.0),
                cv[:, None],
                factor[:, None],
                area_sd(get, c, name)[:, None],
            )
        )

    return error(np.zeros(shared.shape)), error(shared * kept)


def base_weights(scenario: Scenario, get: Columns, name: str, who: Attributed) -> Floats:
    """Weight of each month [draw, month] of the base years, over the cost of its base year, 1/USD.

    0 for a comparison group, which no programme of the network reaches, and before the horizon.
    """
    c = financing_of(scenario).contracts[name]
    out = np.zeros(who.cost.shape)
    if c.benchmark is None or c.benchmark.method == "comparison_group":
        return out
    first = scenario.clock.index(c.start)
    at = f"financing.contracts.{name}.benchmark.weights"
    for k in range(max(1, len(c.benchmark.weights))):
        begin = first - 12 * (k + 1)
        if begin < 0:
            break
        weight = get(f"{at}[{k}]") if c.benchmark.weights else np.ones(get.size)
        cost = np.zeros(get.size)
        for month in range(begin, begin + 12):
            cost += who.cost[:, month]
        each = np.divide(weight, cost, out=np.zeros_like(cost), where=cost > 0.0)
        out[:, begin : begin + 12] = each[:, None]
    return out


def minimum_rates(get: Columns, c: ContractLine, name: str, members: Floats) -> Floats:
    """Minimum savings rate [draw, year]: fixed, or the scale at the members of the year."""
    terms = c.terms.shared_savings
    if terms is None or terms.minimum_rate is None:
        return np.zeros(members.shape)
    at = f"financing.contracts.{name}.terms.shared_savings.minimum_rate"
    if terms.minimum_rate.fixed is not None:
        return np.broadcast_to(get(f"{at}.fixed")[:, None], members.shape)
    return scale_rates(terms.minimum_rate, members)


def scale_rates(minimum: MinimumRate, members: Floats) -> Floats:
    """The sliding scale at any number of members (contracts.minimum_rate_by_members)."""
    bands_of = [
        (b.lower.central, _number(b.upper), b.rate_at_lower.central, _number(b.rate_at_upper))
        for b in minimum.scale
    ]
    lower, upper, low, high = np.array(bands_of, dtype=np.float64).T.copy()
    upper, high = np.where(np.isnan(upper), lower + 1.0, upper), np.where(np.isnan(high), low, high)
    rates = np.full(members.shape, low[0])
    for k in range(lower.size):
        n = np.minimum(members, upper[k])
        ends = low[k] * (upper[k] - n) + high[k] * (n - lower[k])
        rates = np.where(members >= lower[k], ends / (upper[k] - lower[k]), rates)
    return rates


def _number(p: Parameter | None) -> float:
    return np.nan if p is None else p.central


def loss_minimum_rates(get: Columns, c: ContractLine, name: str, minimum: Floats) -> Floats:
    terms = c.terms.shared_savings
    if terms is None or terms.loss is None or terms.loss.minimum_rate is None:
        return minimum
    at = f"financing.contracts.{name}.terms.shared_savings.loss.minimum_rate"
    return np.broadcast_to(get(at)[:, None], minimum.shape)


def loss_limits(get: Columns, c: ContractLine, name: str, years: int) -> Floats:
    """Share of the benchmark [draw, year]; by year of the agreement where the terms say so."""
    out = np.full((get.size, years), np.inf)
    terms = c.terms.shared_savings
    if terms is None or terms.loss is None:
        return out
    at = f"financing.contracts.{name}.terms.shared_savings.loss"
    listed = len(terms.loss.limit_of_benchmark_by_year)
    for year in range(years):
        if listed:
            which = min(year % c.agreement_years, listed - 1)
            out[:, year] = get(f"{at}.limit_of_benchmark_by_year[{which}]")
        elif terms.loss.limit_of_benchmark is not None:
            out[:, year] = get(f"{at}.limit_of_benchmark")
    return out
