"""Agreement: the series that Headwater records, rebuilt from another engine's stocks.

Stocks and flows are the other engine's own. Use and payments are reckoned here from its monthly
person-months, with the direct ratios that Headwater has solved: they are arithmetic on a month,
not dynamics.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from model.parameters import Inputs
from model.scenario import NEED_LEVELS
from model.stocks import Activity

from .engines import Stocks

Series = dict[str, np.ndarray]

AS_RECORDED = (
    "waiting",
    "enrolled",
    "protected",
    "staff",
    "referred",
    "started",
    "enrolled_months",
    "staff_months",
    "use",
    "payments",
)
OF_THE_SEGMENT = ("people", "person_months", "died", "left", "entered")


def recorded(activity: Activity, draw: int = 0) -> Series:
    """What Headwater recorded of its one segment, each [month, ...]."""
    series = {name: getattr(activity, name)[draw] for name in AS_RECORDED}
    return series | {name: getattr(activity, name)[draw, :, 0] for name in OF_THE_SEGMENT}


def rebuilt(
    stocks: Stocks, built: Inputs, names: list[str], ratio: np.ndarray, draw: int = 0
) -> Series:
    """The same series from another engine's stocks; ratio [intervention, service]."""
    person_months = _by_level(stocks, "person_months", np.diff)
    reached = [_by_level(stocks, f"reached_{name}", np.diff) for name in names]
    series = {
        "people": _by_level(stocks, "people", _ends),
        "person_months": person_months.sum(axis=1),
        "use": _use(built, person_months, reached, ratio, draw),
    }
    series |= {name: np.diff(stocks[name]) for name in ("died", "left", "entered")}
    for state in ("waiting", "enrolled", "protected"):
        each = [_by_level(stocks, f"{state}_{name}", _ends).sum(axis=1) for name in names]
        series[state] = np.stack(each, axis=1)
    series["staff"] = np.stack([_ends(stocks[f"staff_{name}"]) for name in names], axis=1)
    for flow in ("referred", "started", "enrolled_months", "staff_months"):
        series[flow] = np.stack([np.diff(stocks[f"{flow}_{name}"]) for name in names], axis=1)
    return series


def _ends(stock: np.ndarray) -> np.ndarray:
    return stock[1:]


def _by_level(stocks: Stocks, kind: str, of: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """[month, need]"""
    return np.stack([of(stocks[f"{kind}_{level}"]) for level in NEED_LEVELS], axis=1)


def _use(
    built: Inputs,
    person_months: np.ndarray,
    reached: list[np.ndarray],
    ratio: np.ndarray,
    draw: int,
) -> np.ndarray:
    """Units [month, service]: person-months x rate x ((1-f) + f x falls) x rises."""
    u = built.uses
    falls = np.ones((*person_months.shape, ratio.shape[1]))
    rises = falls.copy()
    for i, months in enumerate(reached):
        share = months / np.where(person_months > 0.0, person_months, 1.0)
        falls *= 1.0 + share[:, :, None] * np.minimum(ratio[i] - 1.0, 0.0)
        rises *= 1.0 + share[:, :, None] * np.maximum(ratio[i] - 1.0, 0.0)
    f = u.preventable[draw]
    units = person_months[:, :, None] * u.rate[draw, 0] * ((1.0 - f) + f * falls) * rises
    return units.sum(axis=1) * u.factor[draw]


def with_payments(series: Series, built: Inputs, cells: int, draw: int = 0) -> Series:
    """The series with payments [month, cell]: units x price of the month."""
    u, plan = built.uses, built.plan
    months, services = series["use"].shape
    paid = np.zeros((months, cells))
    for r in range(services):
        for k, cell in enumerate(plan.cell[0, r]):
            if cell >= 0:
                price = u.price[draw, 0, r, k] * u.price_factor[draw, :, r]
                paid[:, cell] += series["use"][:, r] * price
    return series | {"payments": paid}


def differences(ours: Series, theirs: Series) -> dict[str, float]:
    """Largest difference of each series, relative to the largest value of that series.

    A series is one quantity of one subject (an intervention, a need level, a party).
    """
    return {name: _difference(ours[name], theirs[name]) for name in ours}


def _difference(a: np.ndarray, b: np.ndarray) -> float:
    if a.shape != b.shape:
        raise ValueError(f"{a.shape} against {b.shape}")
    size = np.abs(a).max(axis=0)
    return float((np.abs(a - b).max(axis=0) / np.where(size > 0.0, size, 1.0)).max(initial=0.0))
