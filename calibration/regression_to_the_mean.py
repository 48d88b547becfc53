"""Need-level rates that give both the Camden and the Denver figures, with no effect of anybody's.

A person's stays are a Poisson process at the rate of their need level times a lasting gamma
frailty of mean 1 (docs/episodes.md). Shares of people who qualify are exact: matrix exponentials
of need level and count, over the quadrature nodes of the frailty. Nobody dies or moves here.

    OMP_NUM_THREADS=1 python -m calibration.regression_to_the_mean

One thread: the matrices are too small for more, which only wait for each other.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import yaml
from scipy import linalg, optimize, special

from model.distributions import Floats
from model.quantity import DAYS_PER_MONTH

FILE = Path(__file__).with_suffix(".yaml")
NODES = 32  # of the frailty
STEPS = 8  # a month, in the recruitment of Camden
EVERYBODY = np.ones(3)


class Rates(NamedTuple):
    """What is fitted; uses of the need levels are multiples of a stable person's."""

    stays: float  # 1/year, mean of all residents
    at_risk: float  # share of residents
    in_crisis: float  # share of residents
    recovery: float  # 1/month
    relief: float  # 1/month
    at_risk_use: float
    in_crisis_use: float
    frailty_variance: float


class Chain(NamedTuple):
    """Need level over time and its stays, at frailty 1; in balance from the start."""

    mix: Floats  # [need] shares
    moves: Floats  # [need, need] 1/month
    stays: Floats  # [need] 1/month


def chain(r: Rates) -> Chain:
    """Onset and escalation keep the shares steady, as in a scenario that leaves them out."""
    mix = np.array([1.0 - r.at_risk - r.in_crisis, r.at_risk, r.in_crisis])
    onset, escalation = r.recovery * mix[1] / mix[0], r.relief * mix[2] / mix[1]
    moves = np.array(
        [
            [-onset, onset, 0.0],
            [r.recovery, -r.recovery - escalation, escalation],
            [0.0, r.relief, -r.relief],
        ]
    )
    multiple = np.array([1.0, r.at_risk_use, r.in_crisis_use])
    return Chain(mix, moves, r.stays / 12.0 * multiple / (mix @ multiple))


def frailties(variance: float) -> tuple[Floats, Floats]:
    """Nodes and weights of a gamma of mean 1 (generalised Gauss-Laguerre)."""
    if variance == 0.0:
        return np.ones(1), np.ones(1)
    nodes, weights = special.roots_genlaguerre(NODES, 1.0 / variance - 1.0)
    return nodes * variance, weights / weights.sum()


def counted(c: Chain, frailty: float, months: float, most: int) -> list[Floats]:
    """[need, need] chance to have so many stays in a period, 0, 1 ... and `most` or more."""
    stays, size = np.diag(frailty * c.stays), 3 * (most + 1)
    rate = np.zeros((size, size))
    for k in range(most + 1):
        here = slice(3 * k, 3 * k + 3)
        rate[here, here] = c.moves - (stays if k < most else 0.0)
        if k < most:
            rate[here, 3 * k + 3 : 3 * k + 6] = stays
    whole = linalg.expm(rate * months)
    return [whole[:3, 3 * k : 3 * k + 3] for k in range(most + 1)]


# --- Denver: who has so many stays behind them at a date, and again later


def denver(r: Rates, rule: Mapping[str, Any]) -> Floats:
    """Share of residents who qualify at a date, then of them so many months later."""
    c, later = chain(r), rule["later"]
    nodes = zip(*frailties(r.frailty_variance), strict=True)
    both = sum(w * _at_both(c, z, rule["at_least"], rule["months"], later) for z, w in nodes)
    return np.append(both[0], both[1:] / both[0])


def _at_both(c: Chain, z: float, least: int, months: float, later: list[float]) -> Floats:
    out = [float(c.mix @ counted(c, z, months, least)[least] @ EVERYBODY)]
    for wait in later:
        apart, common = min(wait, months), max(months - wait, 0.0)
        ends, shared = counted(c, z, apart, least), counted(c, z, common, least)
        between = linalg.expm(c.moves * max(wait - months, 0.0))
        meet = 0.0
        for k in range(least + 1):
            rest = sum(ends[max(least - k, 0) :])
            meet += float(c.mix @ rest @ shared[k] @ between @ rest @ EVERYBODY)
        out.append(meet)
    return np.array(out)


# --- Camden: the first stay while recruiting that has others before it


def camden(r: Rates, rule: Mapping[str, Any]) -> float:
    """Share of those recruited with any stay in the follow-up.

    rule: one more stay before the index stay (`more: 1`). By small steps in time, people are
    counted by need level and the time since their last stay.
    """
    c, months = chain(r), rule["follow_up_days"] / DAYS_PER_MONTH
    recruited = again = 0.0
    for z, w in zip(*frailties(r.frailty_variance), strict=True):
        index = _recruited(c, z, rule["months"], rule["recruiting_months"])
        none = linalg.expm((c.moves - np.diag(z * c.stays)) * months) @ EVERYBODY
        recruited += w * index.sum()
        again += w * index @ (1.0 - none)
    return float(again / recruited)


def _recruited(c: Chain, z: float, months: float, recruiting: float) -> Floats:
    """[need] share of residents recruited, by their need at the index stay."""
    move, stay = linalg.expm(c.moves / STEPS), -np.expm1(-z * c.stays / STEPS)
    longest, index = round(months * STEPS), np.zeros(3)
    since = np.zeros((longest + 1, 3))  # steps since the last stay; the last row: longer
    since[longest] = c.mix
    for step in range(longest + round(recruiting * STEPS)):
        since = since @ move
        staying = since * stay
        since = since - staying
        since[longest] += since[longest - 1]
        since[1:longest] = since[: longest - 1].copy()
        since[0] = staying[longest]
        if step < longest:
            since[0] += staying[:longest].sum(axis=0)
        else:
            index += staying[:longest].sum(axis=0)
    return index


def counts(r: Rates, months: float, most: int) -> Floats:
    """Share of residents with 0, 1 ... and `most` or more stays in a period."""
    c, nodes = chain(r), zip(*frailties(r.frailty_variance), strict=True)
    each = (
        [float(c.mix @ ends @ EVERYBODY) for ends in counted(c, z, months, most)] for z, _ in nodes
    )
    weights = frailties(r.frailty_variance)[1]
    return np.asarray(weights @ np.array(list(each)))


# --- the fit


def facts(r: Rates, rules: Mapping[str, Any]) -> dict[str, float]:
    """What the rates say of each published fact, by its name."""
    share, *still = denver(r, rules["denver"]).tolist()
    after = zip(rules["denver"]["later"], still, strict=True)
    told = {f"denver_still_after_{months}": found for months, found in after}
    return {"camden_any_after": camden(r, rules["camden"]), "denver_share": share, **told}


def read(file: Path = FILE) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found


def misses(found: Mapping[str, float], asked: Mapping[str, Any]) -> Floats:
    """(model - fact) / sd of each fact."""
    return np.array([(found[name] - f["value"]) / f["sd"] for name, f in asked.items()])


def fit(
    asked: Mapping[str, Any],
    fixed: Mapping[str, float] | None = None,
    begin: Rates | None = None,
) -> Rates:
    """Rates of the least sum of squares; `fixed` ones keep their value.

    begin: where the search begins; left out, at the values that open parameters stay near.
    """
    starts, kept = asked["starts"], dict(fixed or {})
    free = [name for name in Rates._fields if name not in kept]
    centre = np.log([starts[name]["value"] for name in free])
    sd = np.array([starts[name]["sd"] for name in free])

    def rates(logs: Floats) -> Rates:
        return Rates(**kept, **dict(zip(free, np.exp(logs).tolist(), strict=True)))

    def objective(logs: Floats) -> Floats:
        said = misses(facts(rates(logs), asked["rules"]), asked["facts"])
        return np.concatenate([said, (logs - centre) / sd])

    first = centre if begin is None else np.log([getattr(begin, name) for name in free])
    return rates(optimize.least_squares(objective, first, xtol=1e-6).x)


def main() -> None:
    """Fit, and say what comes out."""
    asked, say = read(), sys.stdout.write
    found = fit(asked)
    for name, value in found._asdict().items():
        start = asked["starts"][name]
        moved = np.log(value / start["value"]) / start["sd"]
        say(f"{name:20}{value:10.4g}   from {start['value']:g}: {moved:+.1f} sd\n")
    _tell("all", found, asked)
    for variance in (0.0, 0.5, 1.0, 2.0):
        _tell(f"frailty variance {variance:g}", fit(asked, {"frailty_variance": variance}), asked)
    alone = {"at_risk_use": 1.0, "in_crisis_use": 1.0, "recovery": 0.1, "relief": 0.1}
    _tell("lasting frailty alone", fit(asked, alone | {"at_risk": 0.1, "in_crisis": 0.1}), asked)


def _tell(what: str, found: Rates, asked: Mapping[str, Any]) -> None:
    told = facts(found, asked["rules"])
    missed = misses(told, asked["facts"])
    sys.stdout.write(f"\n{what}: sum of squares of the facts {np.sum(missed**2):.2f}\n")
    for (name, fact), miss in zip(asked["facts"].items(), missed, strict=True):
        line = f"  {name:24}{fact['value']:8.3f}{told[name]:8.3f}   {miss:+.1f} sd\n"
        sys.stdout.write(line)
    shares = " ".join(f"{share:.1%}" for share in counts(found, 12.0, 3))
    sys.stdout.write(f"  none, one, two, three or more stays in a year: {shares}\n")


if __name__ == "__main__":
    main()
