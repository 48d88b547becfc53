"""Contract chances: what chance makes of each contract, exactly, at the means of all draws.

finance/measurement.py has the integrals (docs/contracts.md, Chance). Percentiles over draws, which
hold what is uncertain about the parameters too, stand beside those of chance alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from .clauses import clauses, tiers
from .contract_history import CLAUSES, clauses_of, tier_count
from .deals import (
    area_sd,
    chance_of_baseline,
    loss_limits,
    loss_minimum_rates,
    minimum_rates,
    variation,
)
from .distributions import Floats
from .draws import Columns, Draws
from .finance.contracts import Clauses
from .finance.measurement import POWER, Chances, Noise, chances, members_needed, payoff
from .money_plan import financing_of

FEWEST, MOST, POINTS = 1e3, 1e6, 25  # members, for the curve


@dataclass(frozen=True)
class Facts:
    """What the chances of a settlement follow from; rates are shares of a benchmark."""

    members: float
    benchmark_per_member: float  # USD a year
    true_rate: float
    noise: Noise
    clauses_for: Callable[[float], Clauses]  # by members
    netted_rate: float = 0.0  # a fee that is paid out of the savings first
    benchmark_error: float = 0.0  # measured without effect and luck
    rebasing: float = 0.0  # taken off the benchmark for earlier savings
    trend_sd: float = 0.0  # of the benchmark's trend; all members share it


def contract_report(draws: Draws, values: Mapping[str, Floats]) -> dict[str, Any]:
    """Every contract that shares savings, by name: plain numbers, ready for JSON.

    `values` are the outcomes of contract_outcomes.py by `metric:contract`: [draw], or their means
    (then nothing is spread over draws). Terms and noise are at their central values, loss limits
    those of an agreement's first year. Beside what `report_of` tells:

    - `largest_rate`, and `p_not_paid_given_real` (None where no draw has a real saving);
    - `first_year_over_draws`: mean, 10th and 90th percentile of the payment of the first year, from
      the draws: chance, errors and what is uncertain about the parameters.
    """
    get = central(draws)
    return {
        name: report_of(facts_of(get, h, name, values)) | over_draws(name, values)
        for h, (name, line) in enumerate(financing_of(draws.scenario).contracts.items())
        if line.terms.shared_savings is not None
    }


def over_draws(name: str, values: Mapping[str, Floats]) -> dict[str, Any]:
    """What the draws say of a contract."""
    year = np.asarray(values[f"contract_payment_first_year:{name}"], dtype=np.float64)
    low, high = np.quantile(year, [0.1, 0.9])
    real = _mean(values, "p_real_saving", name)
    unpaid = _mean(values, "p_not_paid_though_real", name)
    return {
        "largest_rate": _mean(values, "largest_savings_rate", name),
        "p_not_paid_given_real": unpaid / real if real > 0.0 else None,
        "first_year_over_draws": {
            "mean": float(year.mean()),
            "p10": float(low),
            "p90": float(high),
        },
    }


def _mean(values: Mapping[str, Floats], metric: str, name: str) -> float:
    return float(np.mean(values[f"{metric}:{name}"]))


# --- one contract


def report_of(facts: Facts) -> dict[str, Any]:
    """Chances of one year's settlement: now, over the number of members, and members needed.

    `now`, `curve`: chance alone, USD of one year. The benchmark is right on average, the measured
    rate normal around the true one; `p10` and `p90` are percentiles of chance alone.
    `now_with_errors`: the benchmark's error too; `error_and_luck` is what it and chance pay beyond
    the truth. `members_needed`: None where no number is enough. Where nothing was settled, there
    are no chances: None.
    """
    there = facts.members > 0.0 and facts.benchmark_per_member > 0.0
    sizes = [float(round(n)) for n in np.geomspace(FEWEST, MOST, POINTS)]
    return {
        "members": facts.members,
        "benchmark_per_member": facts.benchmark_per_member,
        "true_rate": facts.true_rate,
        "netted_rate": facts.netted_rate,
        "benchmark_error": facts.benchmark_error,
        "rebasing": facts.rebasing,
        "trend_sd": facts.trend_sd,
        "cv": facts.noise.cv,
        "area_sd": facts.noise.area_sd,
        "baseline_factor": facts.noise.baseline_factor,
        "power": POWER,
        "members_needed": needed(facts),
        "now": point(by_chance(facts, facts.members)) if there else None,
        "now_with_errors": _renamed(point(with_errors(facts, facts.members))) if there else None,
        "curve": [point(by_chance(facts, n)) for n in sizes] if there else None,
    }


def _renamed(told: dict[str, float]) -> dict[str, float]:
    return {name.replace("luck", "error_and_luck"): value for name, value in told.items()}


def by_chance(facts: Facts, members: float) -> Chances:
    """Chances where the benchmark is right on average."""
    return with_errors(replace(facts, benchmark_error=0.0, rebasing=0.0, trend_sd=0.0), members)


def with_errors(facts: Facts, members: float) -> Chances:
    """Chances of a measured rate that errors shift too.

    An error of the benchmark's trend acts as a shock to the area: members do not average it out.
    """
    benchmark, clauses = members * facts.benchmark_per_member, facts.clauses_for(members)
    noise = replace(facts.noise, area_sd=math.hypot(facts.noise.area_sd, facts.trend_sd))
    idle = facts.benchmark_error - facts.netted_rate
    seen = chances(benchmark, members, facts.true_rate + idle - facts.rebasing, clauses, noise)
    truth = payoff(benchmark, facts.true_rate - facts.netted_rate, clauses)
    return replace(
        seen,
        true_rate=facts.true_rate,
        payment_on_truth=truth,
        luck=seen.expected - truth,
        p_paid_without_effect=chances(benchmark, members, idle, clauses, noise).p_paid,
    )


def point(c: Chances) -> dict[str, float]:
    """Chances as plain numbers, and the money per member-year."""
    money = ("expected", "luck", "payment_on_truth", "p10", "p90")
    each = {f"{name}_per_member": getattr(c, name) / c.members for name in money}
    return {name: float(value) + 0.0 for name, value in (asdict(c) | each).items()}


def needed(facts: Facts) -> int | None:
    """Fewest members for which the true effect is paid with 80 % chance."""
    rate = facts.true_rate - facts.netted_rate
    return members_needed(rate, lambda n: facts.clauses_for(n).minimum_savings_rate, facts.noise)


# --- facts of a contract in a scenario


def central(draws: Draws) -> Columns:
    """One draw with every number at its central value."""
    values = {name: np.asarray(p.central) for name, p in draws.loaded.parameters.items()}
    one = Draws(draws.loaded, 1, draws.seed, draws.method, values, draws.luck)
    return Columns(one, slice(0, 1))


def facts_of(get: Columns, h: int, name: str, values: Mapping[str, Floats]) -> Facts:
    """Means over draws for what was measured, central values for the terms."""
    line = financing_of(get.draws.scenario).contracts[name]
    cost = _mean(values, "benchmark_per_member", name)
    savings = line.terms.shared_savings
    fee = 12.0 * float(clauses(get.draws.scenario, get)["fee"][0, h])
    netted = savings is not None and savings.fee_netted_first and cost > 0.0
    return Facts(
        members=_mean(values, "contract_members", name),
        benchmark_per_member=cost,
        true_rate=_mean(values, "true_savings_rate", name),
        noise=noise_of(get, name),
        clauses_for=clauses_by_members(get, h, name, cost),
        netted_rate=fee / cost if netted else 0.0,
        benchmark_error=_mean(values, "benchmark_error_rate", name),
        rebasing=_mean(values, "rebasing_rate", name),
        trend_sd=trend_sd(get, name),
    )


def noise_of(get: Columns, name: str) -> Noise:
    """CV as far as the contract sees it, the area's shock, and f - 1 by the benchmark's method."""
    scenario = get.draws.scenario
    line = financing_of(scenario).contracts[name]
    cv, area = variation(scenario, get, name), area_sd(get, line, name)
    return Noise(float(cv[0]), float(area[0]), float(chance_of_baseline(get, line, name)[0]))


def trend_sd(get: Columns, name: str) -> float:
    """Of the benchmark's trend error, which adds up within an agreement: root mean square."""
    line = financing_of(get.draws.scenario).contracts[name]
    if line.benchmark is None:
        return 0.0
    yearly = float(get(f"financing.contracts.{name}.benchmark.trend_error")[0])
    years = np.arange(line.years) % line.agreement_years + 1
    return yearly * math.sqrt(float(years.mean()))


def clauses_by_members(
    get: Columns, h: int, name: str, benchmark_per_member: float
) -> Callable[[float], Clauses]:
    """The clauses for other numbers of members, whom the minimum rate and the loss limit follow."""
    scenario = get.draws.scenario
    line = financing_of(scenario).contracts[name]
    count = tier_count(line)
    above, rates = (part[0, h, :count] for part in tiers(scenario, get))
    clause = clauses(scenario, get)[0, h]
    limit = float(loss_limits(get, line, name, 1)[0, 0])
    cost = benchmark_per_member

    def at(members: float) -> Clauses:
        minimum = minimum_rates(get, line, name, np.full((1, 1), members))
        loss = loss_minimum_rates(get, line, name, minimum)
        most = limit if math.isinf(limit) else limit * members * cost
        fixed = [float(clause[part]) for part in CLAUSES]
        row = [*fixed, float(minimum[0, 0]), float(loss[0, 0]), most]
        return clauses_of(above, rates, *row)

    return at
