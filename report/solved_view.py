"""Numbers, outcomes and targets of analyses in words."""

from __future__ import annotations

import math
from collections.abc import Mapping

from model.targets import Statistic, Target

from .outcome_names import outcome
from .wording import money, number, readable

COMPARED = {">=": "at least", "<=": "at most", ">": "above", "<": "below"}
ORDINAL = {1: "st", 2: "nd", 3: "rd"}
# What stands between a thing and its number in a file, and says nothing more.
_BETWEEN = ("terms",)


def number_name(path: str, names: Mapping[str, str]) -> str:
    """financing.dues.x.amount -> Dues of x: amount; financing.dues.*.amount -> all dues: amount"""
    parts = [part for part in path.removeprefix("financing.").split(".") if part not in _BETWEEN]
    if len(parts) > 2 and path.startswith("financing.") and parts[1] in names:
        parts = parts[1:]
    if "*" not in path:
        return readable(".".join(parts), dict(names))
    out: list[str] = []
    for part in parts:
        if part == "*" and out:
            out[-1] = f"all {out[-1]}"
        else:
            out.append(names.get(part, part.replace("_", " ")))
    return ": ".join(out[1:] if out[0] == "interventions" and len(out) > 1 else out)


def statistic_name(statistic: Statistic, names: Mapping[str, str], unit: str) -> str:
    """p05(npv:backbone) -> 5th percentile of net present value: the network"""
    told = outcome(statistic.metric, names)
    if statistic.op:
        return f"share of draws with {told} {COMPARED[statistic.op]} {value(statistic.bound, unit)}"
    if statistic.level is not None:
        rank = round(100 * statistic.level)
        ending = "th" if rank in (11, 12, 13) else ORDINAL.get(rank % 10, "th")
        return f"{rank}{ending} percentile of {told}"
    return told if statistic.is_chance else f"mean of {told}"


def target_name(target: Target, names: Mapping[str, str], unit: str) -> str:
    """npv:backbone >= 0 -> mean of net present value: the network: at least $0"""
    told = statistic_name(target.statistic, names, unit)
    of = "1" if target.statistic.op else unit
    return f"{told}: {COMPARED[target.op]} {value(target.bound, of)}"


def value(x: float, unit: str) -> str:
    """A number of an outcome."""
    if math.isnan(x):
        return "nothing known"
    if math.isinf(x):
        return "open"
    return money(x) if unit.startswith("USD") else number(x)
