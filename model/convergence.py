"""Convergence: how far the outcomes that are quoted first still depend on the draws taken.

The Monte Carlo standard error of a mean is sd / sqrt(draws), which takes draws for independent:
Latin hypercube and Sobol draws do better, so it is on the safe side. Percentiles have the interval
of order statistics, chances that of Wilson (1927). With replicates of chance draws come in
clusters, and count by what their means vary.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
from scipy import special

from .chance_share import share
from .distributions import Floats
from .ensemble import Key, Result
from .worlds import ALL, USUAL

Z = 1.959964  # 95 % of a normal distribution lies within so many standard deviations
TAILS = (0.025, 0.975)
# Stable: the standard error of a mean is below 1 % of the outcome's 90 % interval or 5 % of the
# mean; a chance is known within 5 points.
OF_INTERVAL, OF_MEAN, POINTS = 0.01, 0.05, 0.05
FEWEST = 2  # draws below which nothing is said
MOST = 10**9

ACCOUNT_METRICS = ("p_insolvent", "runway_months", "closing_gap", "npv")
WHOLE = (("avoided_rescue_spending", ALL), ("net_saving", ALL), ("npv", "society"))
CONTRACT_METRIC = "contract_payment"


def headlines(metrics: Mapping[Key, Floats]) -> Iterator[Key]:
    """The outcomes that a report quotes first, as far as a run has them."""
    found = {(k.metric, k.subject): k for k in metrics if k.strategy != USUAL}
    accounts = [subject for metric, subject in found if metric == "p_insolvent"]
    wanted = [(metric, account) for account in accounts for metric in ACCOUNT_METRICS]
    wanted += [key for key in found if key[0] == CONTRACT_METRIC]
    yield from (found[key] for key in (*wanted, *WHOLE) if key in found)


# --- chance and parameters apart


def chance_of(result: Result) -> dict[str, Any] | None:
    """Shares of each outcome's variance that are chance and parameters; None without replicates."""
    if result.luck < 2:
        return None
    quoted = set(headlines(result.metrics))
    rows = []
    for key, values in result.metrics.items():
        found = share(values, result.luck)
        if found is not None:
            parts = {"chance": found.chance, "parameters": 1.0 - found.chance, "se": found.se}
            rows.append(_named(key) | parts | {"headline": key in quoted})
    draws = result.draws.size // result.luck
    return {"replicates": result.luck, "parameter_draws": draws, "shares": rows}


def _named(key: Key) -> dict[str, Any]:
    return {"metric": key.metric, "party": key.subject, "strategy": key.strategy, "unit": key.unit}


# --- convergence


class Precision(NamedTuple):
    """How well draws tell a mean: its standard error, and as how many independent draws."""

    mcse: float
    draws: float


def precision(values: Floats, luck: int) -> Precision:
    """Standard error of the mean of values [draw x replicate]."""
    if luck == 1:
        return Precision(float(values.std(ddof=1)) / values.size**0.5, values.size)
    means = values.reshape(-1, luck).mean(axis=1)
    mcse = float(means.std(ddof=1)) / means.size**0.5
    alike = float(values.var()) / mcse**2 if mcse > 0.0 else means.size
    return Precision(mcse, float(np.clip(alike, means.size, values.size)))


def convergence_of(result: Result) -> dict[str, Any]:
    """What the draws taken leave open of the headlines, and about how many would settle them."""
    draws = result.draws.size // result.luck
    rows = []
    for key in headlines(result.metrics):
        values = result.metrics[key]
        if draws >= FEWEST and np.isfinite(values).all():
            rows.append(_named(key) | _settled(values, key.unit, result.luck))
    return {
        "draws": draws,
        "stable": bool(rows) and all(row["stable"] for row in rows),
        "draws_needed": max((row["draws_needed"] for row in rows), default=None),
        "headlines": rows,
    }


def _settled(values: Floats, unit: str, luck: int) -> dict[str, Any]:
    """One headline: its error, intervals, whether that is fine enough, and what would be."""
    known, mean = precision(values, luck), float(values.mean())
    chance = unit == "1" and bool(np.isin(values, (0.0, 1.0)).all())
    if chance:
        low, high = wilson(mean, known.draws)
        times = _enough(mean) / known.draws
        width = 0.0
    else:
        low, high = mean - Z * known.mcse, mean + Z * known.mcse
        width = float(np.ptp(np.quantile(values, [0.05, 0.95])))
        times = _times(known.mcse, width, mean)
    draws = values.size // luck
    return {
        "kind": "chance" if chance else "mean",
        "mean": mean,
        "mcse": known.mcse,
        "low": low,
        "high": high,
        "p05_between": order_interval(values, 0.05, known.draws),
        "p95_between": order_interval(values, 0.95, known.draws),
        "stable": times <= 1.0,
        "draws_needed": rounded_up(min(times * draws, MOST)),
    }


def _times(mcse: float, width: float, mean: float) -> float:
    """As many times as many draws make the standard error small enough; the easier rule holds."""
    fine = max(OF_INTERVAL * width, OF_MEAN * abs(mean))
    return (mcse / fine) ** 2 if fine > 0.0 else float(mcse > 0.0) * MOST


def wilson(chance: float, draws: float) -> tuple[float, float]:
    """95 % interval of a chance of which `draws` independent draws tell."""
    middle = (chance + Z**2 / (2 * draws)) / (1 + Z**2 / draws)
    half = _half(chance, draws)
    low = max(middle - half, 0.0) if chance > 0.0 else 0.0
    return low, min(middle + half, 1.0) if chance < 1.0 else 1.0


def _half(chance: float, draws: float) -> float:
    inside = chance * (1 - chance) / draws + Z**2 / (4 * draws**2)
    return Z / (1 + Z**2 / draws) * float(np.sqrt(inside))


def _enough(chance: float) -> int:
    """Fewest independent draws that tell a chance within POINTS."""
    return 1 + bisect_left(range(1, 10_000), True, key=lambda n: _half(chance, n) <= POINTS)


def order_interval(values: Floats, level: float, draws: float) -> list[float | None]:
    """95 % interval of a quantile, from the draws that enclose it; None where no draw does."""
    ordered = np.sort(values)
    ranks = (float(special.bdtrik(tail, draws, level)) / draws * values.size for tail in TAILS)
    low, high = int(np.floor(next(ranks))), int(np.ceil(next(ranks))) + 1  # counted from 1
    return [
        float(ordered[low - 1]) if low >= 1 else None,
        float(ordered[high - 1]) if high <= values.size else None,
    ]


def rounded_up(draws: float, digits: int = 2) -> int:
    """Two significant digits, upwards: no more is known of it."""
    scale = 10.0 ** max(0, len(str(int(draws))) - digits)
    return max(1, int(np.ceil(draws / scale - 1e-9) * scale))
