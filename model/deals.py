"""Deals: from contracts in a scenario, usual care and luck to the arrays of contract_years.py.

What differs between measured and true savings is computed here: the benchmark's method, its trend
error, selection, run-out, attribution, churn, truncation and chance (model.md 7; docs/money.md).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .books import (
    CLAUSES,
    CONTRACT,
    CONTRACT_MONTH,
    CONTRACT_YEAR,
    ENROLLMENTS,
    MEASURE,
    OUTCOME,
    PERSON_DAYS,
    PERSON_MONTHS,
    UNITS,
    ContractPlan,
    Deals,
    records,
)
from .distributions import Floats
from .draws import Columns
from .fields import month_number
from .finance import contracts
from .finance.measurement import baseline_factor
from .financing import ContractLine, Financing
from .luck import AREA
from .money import Bools, Ints, contract_account, filled, financing_of
from .quantity import Parameter
from .scenario import Scenario
from .services import Cell, cells, years_since_price_year
from .stocks import Activity
from .terms import MinimumRate, OutcomeMetric

MEASURED_IN = {
    "units": UNITS,
    "person_months": PERSON_MONTHS,
    "person_days": PERSON_DAYS,
    "enrollments": ENROLLMENTS,
}


class Measured(NamedTuple):
    """One outcome of one contract."""

    contract: str
    name: str


def measured(scenario: Scenario) -> list[Measured]:
    f = financing_of(scenario)
    return [Measured(h, q) for h, c in f.contracts.items() for q in c.measures]


def metric_of(f: Financing, m: Measured) -> OutcomeMetric:
    outcomes = f.contracts[m.contract].terms.outcomes
    assert outcomes is not None
    return outcomes.metrics[m.name]


# --- the plan


def contract_plan(scenario: Scenario) -> ContractPlan:
    """What no draw changes."""
    f = financing_of(scenario)
    deals, found = list(f.contracts.values()), measured(scenario)
    services, interventions = list(scenario.services), list(scenario.interventions)
    about = [f.contracts[m.contract].measures[m.name] for m in found]
    shared = [c.terms.shared_savings for c in deals]
    tiers = [tuple(s.tiers) if s else () for s in shared]
    return ContractPlan(
        contract=filled(
            CONTRACT,
            (len(deals),),
            start=[scenario.clock.index(c.start) for c in deals],
            years=[c.years for c in deals],
            agreement_years=[c.agreement_years for c in deals],
            netted=[bool(s and s.fee_netted_first) for s in shared],
            shares_savings=[s is not None for s in shared],
            captures=_index_of((c.pays_into for c in deals), list(f.reinvestment)),
            cases=_index_of((c.cases for c in deals), interventions),
            tiers=[len(row) for row in tiers],
        ),
        measure=filled(
            MEASURE,
            (len(found),),
            contract=_index_of((m.contract for m in found), list(f.contracts)),
            service=_index_of((a.service for a in about), services),
            intervention=_index_of((a.intervention for a in about), interventions),
            counted_in=[MEASURED_IN[a.counted_in] for a in about],
            bands=[len(metric_of(f, m).bands) for m in found],
        ),
        cell_counted=_cells_counted(scenario, deals),
        covered=_covered(scenario, deals),
        tier_above=_padded([[t.above.central for t in row] for row in tiers]),
    )


def _cells_counted(scenario: Scenario, deals: list[ContractLine]) -> Bools:
    """[contract, cell]: care that the payer pays for and the contract counts."""
    return np.array(
        [[_counts(scenario, c, cell) for cell in cells(scenario)] for c in deals], dtype=np.bool_
    ).reshape(len(deals), len(cells(scenario)))


def _counts(scenario: Scenario, c: ContractLine, cell: Cell) -> bool:
    if cell.party != c.payer or cell.service in c.covers.carved_out:
        return False
    return c.terms.withhold is None or scenario.services[cell.service].provider == c.payee


def _covered(scenario: Scenario, deals: list[ContractLine]) -> Bools:
    rows = [[g in c.covers.segments for g in scenario.segments] for c in deals]
    return np.array(rows, dtype=np.bool_).reshape(len(deals), len(scenario.segments))


def _index_of(names: Any, of: list[str]) -> Ints:
    return np.array([of.index(n) if n in of else -1 for n in names], dtype=np.int64)


def _padded(rows: list[list[float]]) -> Floats:
    """[row, longest], 0 beyond a row's own."""
    out = np.zeros((len(rows), max((len(r) for r in rows), default=0)))
    for k, row in enumerate(rows):
        out[k, : len(row)] = row
    return out


# --- numbers


class Attributed(NamedTuple):
    """The attributed members of a contract in usual care, [draw, month]."""

    members: Floats
    cost: Floats  # USD that the contract counts


def deals(scenario: Scenario, get: Columns, usual: Activity | None) -> Deals:
    """Numbers of the contracts; `usual` is usual care, None while it is being simulated itself."""
    f, names = financing_of(scenario), list(financing_of(scenario).contracts)
    years = max((c.years for c in f.contracts.values()), default=0)
    found, months = measured(scenario), scenario.clock.months
    year = records(CONTRACT_YEAR, get.size, len(names), years)
    month = records(CONTRACT_MONTH, get.size, months, len(names))
    usual_measured = np.zeros((get.size, months, len(found)))
    if usual is not None:
        month["usual_care"] = usual.contract_care
        usual_measured = usual.measured
        for h, name in enumerate(names):
            who = attributed(scenario, get, name, usual, h)
            month["members"][:, :, h] = who.members
            set_years(scenario, get, name, who, year[:, h, : f.contracts[name].years])
    return Deals(
        contract=_clauses(scenario, get, names),
        year=year,
        month=month,
        tier_rate=_tier_rates(get, f),
        measure=_outcomes(scenario, get),
        band=_bands(scenario, get),
        outcome_luck=_outcome_luck(scenario, get, years),
        usual_measured=usual_measured,
    )


def set_years(scenario: Scenario, get: Columns, name: str, who: Attributed, year: Any) -> None:
    """Fill the records [draw, year] of one contract."""
    c = financing_of(scenario).contracts[name]
    members = by_year(scenario, c, who.members) / 12.0
    year["usual_cost"] = by_year(scenario, c, who.cost)
    year["benchmark"] = benchmarks(scenario, get, name, who)
    year["luck"] = error_of_chance(scenario, get, name, members)
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
    first = scenario.clock.index(c.start)
    if first >= 12:
        return _per_member(who, first - 12)
    one, two = _per_member(who, 0), _per_member(who, 12)
    yearly = np.divide(two, one, out=np.ones_like(one), where=(one > 0.0) & (two > 0.0))
    return one * yearly ** ((first - 12) / 12.0)


def _per_member(who: Attributed, begin: int) -> Floats:
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


def chance_of_baseline(c: ContractLine) -> float:
    """f - 1 of model.md 7, by the benchmark's method."""
    terms = c.terms.measurement
    ratio = terms.comparison_ratio.central if terms and terms.comparison_ratio else 0.0
    if terms and terms.baseline_weights:
        return baseline_factor([w.central for w in terms.baseline_weights], ratio)
    if c.benchmark is None or c.benchmark.method == "comparison_group":
        return baseline_factor((), ratio or 1.0)
    weights = [w.central for w in c.benchmark.weights] or [1.0]
    return baseline_factor(weights, 0.0)


def area_sd(get: Columns, c: ContractLine, name: str) -> Floats:
    at = f"financing.contracts.{name}.terms.measurement.area_sd"
    return _or(get, c.terms.measurement, at, 0.0)


def error_of_chance(scenario: Scenario, get: Columns, name: str, members: Floats) -> Floats:
    """Error [draw, year] of the measured savings rate; years of an agreement share the baseline's.

    sd^2 = f CV^2 / n + area^2 (finance/contracts.py).
    """
    c = financing_of(scenario).contracts[name]
    first = month_number(c.start) // 12 - month_number(scenario.clock.start) // 12
    agreement = np.arange(c.years) // c.agreement_years
    area = get.luck(AREA)
    when = np.clip(first + np.arange(c.years), 0, area.shape[1] - 1)
    return np.asarray(
        contracts.measurement_error(
            get.luck(f"contracts.{name}.year"),
            get.luck(f"contracts.{name}.baseline")[:, agreement],
            area[:, when],
            np.maximum(members, 1.0),
            variation(scenario, get, name)[:, None],
            chance_of_baseline(c),
            area_sd(get, c, name)[:, None],
        )
    )


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
    bands = [
        (b.lower.central, _number(b.upper), b.rate_at_lower.central, _number(b.rate_at_upper))
        for b in minimum.scale
    ]
    lower, upper, low, high = np.array(bands, dtype=np.float64).T.copy()
    upper, high = np.where(np.isnan(upper), lower + 1.0, upper), np.where(np.isnan(high), low, high)
    flat = [contracts.minimum_rate_by_members(n, lower, upper, low, high) for n in members.ravel()]
    return np.array(flat, dtype=np.float64).reshape(members.shape)


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


def _clauses(scenario: Scenario, get: Columns, names: list[str]) -> Any:
    """The clauses' numbers [draw, contract]; neutral where the terms are silent."""
    f = financing_of(scenario)

    def of(path: str, neutral: float) -> Floats:
        """A number of the contract, or its neutral value where a part on the way is missing."""
        columns = [
            get(f"financing.contracts.{name}.{path}")
            if _there(f.contracts[name], path)
            else np.full(get.size, neutral)
            for name in names
        ]
        return np.stack(columns, axis=1) if columns else np.zeros((get.size, 0))

    savings = "terms.shared_savings"
    achieved = of("achieved", 1.0)
    sharing = of(f"{savings}.sharing_rate", 0.0)
    counted = np.minimum(1.0, of("covers.attributed", 1.0) * of("covers.served_ratio", 1.0))
    counted = counted * (1.0 - of("covers.churn", 0.0) / 2.0)
    counted = counted * (1.0 - of("truncation.cost_share", 0.0))
    flags = [c.terms.shared_savings for c in f.contracts.values()]
    excess = np.array([float(s.excess_only) if s else 0.0 for s in flags])
    whose = _from_pool(scenario, get, names)
    fields = {
        "counted_share": counted,
        "seen": of("completeness.known", 1.0) * of("completeness.factor", 1.0),
        "rebased_share": of("benchmark.rebased_share", 0.0),
        "achieved": achieved,
        "lag": np.round(of("terms.settlement_lag", 0.0)),
        "interim": of("terms.interim_share", 0.0),
        "exit_loss": of(f"{savings}.exit_loss", np.inf),
        "to_account": _to_account(scenario, get, names),
        "sharing_rate": sharing,
        "excess_only": np.broadcast_to(excess.reshape(1, -1), sharing.shape),
        "below_minimum": of(f"{savings}.below_minimum.rate_share", 0.0),
        "quality": _quality(f, of(f"{savings}.quality.gate", 0.0), achieved),
        "sequestration": of(f"{savings}.sequestration", 0.0),
        "payment_limit": of(f"{savings}.payment_limit", np.inf),
        "capture_cap": of(f"{savings}.capture_cap", np.inf),
        "loss_rate": _loss_rate(f, of, sharing, achieved),
        "fee": of("terms.member_fee.per_member_month", 0.0),
        "at_risk": of("terms.member_fee.at_risk", 0.0),
        "withhold": of("terms.withhold.rate", 0.0),
        "earn_back": of("terms.withhold.earn_back_limit", 0.0),
        "released": of("terms.withhold.forfeit_released", 0.0),
        "own_pool": whose[:, :, 0],
        "others_pool": whose[:, :, 1],
        "case_rate": of("terms.case_rate", 0.0),
        "capitation": of("terms.capitation_share", 0.0),
        "capture": of("terms.capture.share", 0.0),
        "capture_full_until": of("terms.capture.full_until", 0.0),
        "capture_none_from": of("terms.capture.none_from", 1.0),
        "outcomes_least": of("terms.outcomes.minimum", 0.0),
        "outcomes_most": of("terms.outcomes.maximum", np.inf),
    }
    return filled(CLAUSES, (get.size, len(names)), **fields)


def _there(contract: ContractLine, path: str) -> bool:
    part: Any = contract
    for key in path.split("."):
        part = getattr(part, key)
        if part is None:
            return False
    return True


def _to_account(scenario: Scenario, get: Columns, names: list[str]) -> Floats:
    """Share [draw, contract] of a payment that goes to the account."""
    f = financing_of(scenario)
    columns = []
    for name in names:
        account = contract_account(scenario, name)
        shared = f.contracts[name].terms.distribution
        if account in shared:
            columns.append(get(f"financing.contracts.{name}.terms.distribution.{account}"))
        else:
            whole = not shared and account == f.contracts[name].payee
            columns.append(np.full(get.size, float(whole)))
    return np.stack(columns, axis=1) if columns else np.zeros((get.size, 0))


def _from_pool(scenario: Scenario, get: Columns, names: list[str]) -> Floats:
    """[draw, contract, 2]: the account's share of what is earned back, and of what is released."""
    f = financing_of(scenario)
    out = np.zeros((get.size, len(names), 2))
    for h, name in enumerate(names):
        account, withhold = contract_account(scenario, name), f.contracts[name].terms.withhold
        if withhold is not None:
            out[:, h, 0] = float(account == f.contracts[name].payee)
            if account in withhold.others:
                out[:, h, 1] = get(f"financing.contracts.{name}.terms.withhold.others.{account}")
    return out


def _tier_rates(get: Columns, f: Financing) -> Floats:
    """[draw, contract, tier]"""
    tiers = [
        len(c.terms.shared_savings.tiers) if c.terms.shared_savings else 0
        for c in f.contracts.values()
    ]
    out = np.zeros((get.size, len(tiers), max(tiers, default=0)))
    for h, (name, count) in enumerate(zip(f.contracts, tiers, strict=True)):
        for k in range(count):
            at = f"financing.contracts.{name}.terms.shared_savings.tiers[{k}].sharing_rate"
            out[:, h, k] = get(at)
    return out


def _quality(f: Financing, gate: Floats, achieved: Floats) -> Floats:
    """Share of the rate that quality leaves [draw, contract]."""
    out = np.ones_like(achieved)
    for h, c in enumerate(f.contracts.values()):
        if c.terms.shared_savings is not None:
            scales = float(c.terms.shared_savings.quality.pays == "score")
            kept = 1.0 - scales * (1.0 - achieved[:, h])
            out[:, h] = np.where(achieved[:, h] < gate[:, h], 0.0, kept)
    return out


def _loss_rate(f: Financing, of: Any, sharing: Floats, achieved: Floats) -> Floats:
    """Share of a loss that is owed [draw, contract]; 0 for a one-sided contract."""
    fixed = of("terms.shared_savings.loss.rate.fixed", 0.0)
    floor = of("terms.shared_savings.loss.rate.floor", 0.0)
    ceiling = of("terms.shared_savings.loss.rate.ceiling", 0.0)
    by_quality = np.minimum(ceiling, np.maximum(floor, 1.0 - sharing * achieved))
    losses = [
        c.terms.shared_savings.loss if c.terms.shared_savings else None
        for c in f.contracts.values()
    ]
    scaled = np.array(
        [loss is not None and loss.rate.fixed is None for loss in losses], dtype=np.bool_
    )
    return np.where(scaled[None, :], by_quality, fixed)


def _outcome_luck(scenario: Scenario, get: Columns, years: int) -> Floats:
    f, found = financing_of(scenario), measured(scenario)
    out = np.zeros((get.size, len(found), years))
    for q, m in enumerate(found):
        z = get.luck(f"contracts.{m.contract}.measures.{m.name}")
        error = get(f"financing.contracts.{m.contract}.measures.{m.name}.error")
        out[:, q, : f.contracts[m.contract].years] = error[:, None] * z
    return out


def _outcomes(scenario: Scenario, get: Columns) -> Any:
    """Price, start and cap of each outcome [draw, measure]."""
    f, found = financing_of(scenario), measured(scenario)
    out = records(OUTCOME, get.size, len(found))
    out["cap"] = np.inf
    for q, m in enumerate(found):
        metric, at = metric_of(f, m), _metric_name(m)
        out["start"][:, q] = get(f"{at}.starts_at")
        if metric.price is not None:
            out["price"][:, q] = get(f"{at}.price")
        if metric.cap is not None:
            out["cap"][:, q] = get(f"{at}.cap")
    return out


def _bands(scenario: Scenario, get: Columns) -> Floats:
    """[draw, measure, band, (lower, upper, USD a point)]"""
    f, found = financing_of(scenario), measured(scenario)
    most = max((len(metric_of(f, m).bands) for m in found), default=0)
    out = np.zeros((get.size, len(found), most, 3))
    for q, m in enumerate(found):
        for k in range(len(metric_of(f, m).bands)):
            for j, part in enumerate(("lower", "upper", "per_point")):
                out[:, q, k, j] = get(f"{_metric_name(m)}.bands[{k}].{part}")
    return out


def _metric_name(m: Measured) -> str:
    return f"financing.contracts.{m.contract}.terms.outcomes.metrics.{m.name}"
