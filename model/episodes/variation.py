"""Variation: how far cost scatters between members, from replications, as contracts need it.

`sums` (cost_sums.py) keeps of a replication what this needs, `variation` makes estimates of many,
`overlay` a scenario file that hands them to the contracts. docs/claims-and-luck.md explains. In
`run`:

    keep = partial(sums, case, loaded=loaded, seed=seed)
    many = list(run(case, replications, seed, keep, claims=("usual", "strategy"), workers=2))
    found = variation(case, many, loaded)
    text = overlay(loaded, found, "scenario.yaml", seed)
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from model.distributions import Floats
from model.explain import problem_at
from model.finance.measurement import Noise
from model.loading import Loaded
from model.problems import BadInput

from .case import Case
from .claims_settlement import sd_by_members, settles
from .cost_sums import (
    Sums,
    correlation_of,
    cv_of,
    cv_of_pair,
    rms,
    sd_of_change,
    sums,
)
from .interval import Interval, of_mean, t_reach

__all__ = ["Interval", "Sums", "Variation", "overlay", "sums", "variation"]
WORLD = "usual"


# --- estimates


class Variation(NamedTuple):
    """A payer that carries other care, or a contract that shares savings, in usual care.

    A payer's measured savings rate is that against one own year before, trended rightly; a
    contract's is that of its own benchmark.
    """

    name: str
    contract: bool
    replications: int
    members: Interval  # member-years a year
    cost: Interval  # USD/member-year that counts
    cv: Interval  # sd / mean of a member-year's cost that counts, before any cap
    cv_all_year: Interval  # the same of who is a member through two years
    cv_capped: Interval  # cv with the cost above the contract's cap left out
    capped_share: Interval  # of cost, above the cap
    cv_services: Interval  # of the cost of rescue services alone
    correlation: Interval  # of the cost of one year and the next, of who is there through both
    sd: Interval  # of the measured savings rate, from the scatter between members
    baseline_factor: float  # f - 1 of the formula
    sd_formula: float  # sqrt(f / n) CV, with the CV that the scenario states
    sd_formula_found: float  # the same with the CV found here, capped
    cv_in_formula: Interval  # the CV with which the formula gives `sd`


def variation(case: Case, many: Sequence[Sums], loaded: Loaded | None = None) -> list[Variation]:
    """Estimates, each the mean over replications of one replication's, with exact t intervals.

    `loaded` is not needed: what contracts state is in the sums. Rates and variations of several
    years are root mean squares, so that they stand for a year.
    """
    del loaded
    payers = [_of_payer(case, name, many) for name in many[0].payers]
    contracts = [_of_contract(name, many) for name in many[0].contracts]
    return payers + [found for found in contracts if found is not None]


def _of_payer(case: Case, name: str, many: Sequence[Sums]) -> Variation:
    sides = [s.payers[name][WORLD if WORLD in s.payers[name] else next(iter(s.payers[name]))]
             for s in many]  # fmt: skip
    years = range(sides[0].cost.size)
    stated = float(case.other_care.variation[case.names.parties.index(name)])
    return _estimates(
        name,
        False,
        Measures(
            members=[float(s.members.mean()) for s in sides],
            cost=[float(s.cost.sum() / s.members.sum()) for s in sides],
            cv=[rms(cv_of(s.moments, y) for y in years) for s in sides],
            cv_capped=[rms(cv_of(s.moments, y) for y in years) for s in sides],
            capped=[0.0 for _ in sides],
            services=[rms(cv_of(s.services, y) for y in years) for s in sides],
            pairs=[s.pairs for s in sides],
            sd=[rms(sd_of_change(s, y) for y in years[1:]) for s in sides],
        ),
        Noise(stated, 0.0, 1.0),
    )


def _of_contract(name: str, many: Sequence[Sums]) -> Variation | None:
    """None where some replication has no year to settle."""
    found = [s.contracts[name] for s in many]
    deal = found[0].deal
    at = [deal.base + y for y in range(deal.years) if all(settles(b, y) for b in found)]
    if not at:
        return None
    own = [b.usual for b in found]
    noise = Noise(deal.noise.cv, 0.0, deal.noise.baseline_factor)
    return _estimates(
        name,
        True,
        Measures(
            members=[float(u.members[at].mean()) for u in own],
            cost=[float(u.complete[at].sum() / u.members[at].sum()) for u in own],
            cv=[rms(cv_of(u.uncapped, y) for y in at) for u in own],
            cv_capped=[rms(cv_of(u.moments, y) for y in at) for u in own],
            capped=[float(1.0 - u.complete[at].sum() / u.whole[at].sum()) for u in own],
            services=[rms(cv_of(u.services, y) for y in at) for u in own],
            pairs=[u.pairs[deal.base :] for u in own],
            sd=[rms(sd_by_members(b, b.usual, y - deal.base) for y in at) for b in found],
        ),
        noise,
    )


class Measures(NamedTuple):
    """One number a replication of everything that is estimated."""

    members: list[float]
    cost: list[float]
    cv: list[float]
    cv_capped: list[float]
    capped: list[float]
    services: list[float]
    pairs: list[Floats]
    sd: list[float]


def _estimates(name: str, contract: bool, of: Measures, noise: Noise) -> Variation:
    size, capped = float(np.mean(of.members)), float(np.mean(of.cv_capped))
    whole = math.sqrt(1.0 + noise.baseline_factor)
    needed = [sd * math.sqrt(n) / whole for sd, n in zip(of.sd, of.members, strict=True)]
    return Variation(
        name=name,
        contract=contract,
        replications=len(of.sd),
        members=_mean(of.members),
        cost=_mean(of.cost),
        cv=_mean(of.cv),
        cv_all_year=_mean([rms(cv_of_pair(p) for p in pairs) for pairs in of.pairs]),
        cv_capped=_mean(of.cv_capped),
        capped_share=_mean(of.capped),
        cv_services=_mean(of.services),
        correlation=_mean([correlation_of(pairs) for pairs in of.pairs]),
        sd=_mean(of.sd),
        baseline_factor=noise.baseline_factor,
        sd_formula=noise.sd(size),
        sd_formula_found=Noise(capped, 0.0, noise.baseline_factor).sd(size),
        cv_in_formula=_mean(needed),
    )


def _mean(values: list[float]) -> Interval:
    return of_mean(np.array(values, dtype=np.float64))


# --- a scenario file


def overlay(loaded: Loaded, found: Sequence[Variation], scenario_file: str, seed: int) -> str:
    """A YAML scenario that extends the file and sets what its contracts assume about variation.

    Of each contract it sets `terms.measurement.cv`: the CV with which the formula gives the sd of
    the measured savings rate that claims show. Where cost above a cap is left out,
    `truncation.variation_left` is
    the CV below the cap over that of all cost, and `cv` is divided by it, since a run multiplies
    them. The interval becomes a normal distribution, the standard error of the mean.
    BadInput where no contract shares savings.
    """
    contracts = [v for v in found if v.contract]
    if not contracts:
        at = ("financing", "contracts") if loaded.scenario.financing is not None else ()
        allowed = "a contract that shares savings: nothing else in a run uses the variation"
        raise BadInput([problem_at(loaded.document, at, "no such contract", allowed)])
    name = f"{loaded.scenario.name}_variation"[:60]
    lines = [
        "# Random variation of measured savings, from claims of individuals.",
        "# What the numbers mean: docs/claims-and-luck.md",
        f"extends: {json.dumps(scenario_file)}",
        f"name: {name}",
        "financing:",
        "  contracts:",
    ]
    for one in contracts:
        lines += _of_one(loaded, one, seed)
    return "\n".join(lines) + "\n"


def _of_one(loaded: Loaded, v: Variation, seed: int) -> list[str]:
    at = f"financing.contracts.{v.name}"
    left = v.cv_capped.value / v.cv.value
    capped = v.capped_share.value > 0.0
    source = (
        f"estimated from {v.replications} replication{'s' * (v.replications > 1)} of "
        f"{loaded.scenario.name}, seed {seed}: "
        f"a member-year's counted cost has CV {_told(v.cv)}"
        + (f", below the cap {_told(v.cv_capped)}" if capped else "")
        + f"; correlation with the next year {_told(v.correlation)}; measured savings rate of "
        f"{v.members.value:,.0f} members sd {_told(v.sd)}; "
        + ("no intervals" if v.replications == 1 else "90 % intervals over replications")
    )
    cv = Interval(*(x / (left if capped else 1.0) for x in v.cv_in_formula))
    said = _quantity(loaded, f"{at}.terms.measurement.cv", cv, v.replications, source)
    out = [f"    {v.name}:", "      terms:", "        measurement:", f"          cv: {said}"]
    if capped:
        stated = f"{at}.truncation"
        fixed = Interval(left, math.nan, math.nan)
        share = Interval(v.capped_share.value, math.nan, math.nan)
        out += ["      truncation:"]
        if f"{stated}.cost_share" not in loaded.parameters:
            said = _quantity(loaded, f"{stated}.cost_share", share, v.replications, source)
            out += [f"        cost_share: {said}"]
        said = _quantity(loaded, f"{stated}.variation_left", fixed, v.replications, source)
        out += [f"        variation_left: {said}"]
    return out


def _told(x: Interval) -> str:
    if math.isnan(x.low):
        return f"{x.value:.4g}"
    return f"{x.value:.4g} ({x.low:.4g} to {x.high:.4g})"


def _quantity(loaded: Loaded, name: str, x: Interval, replications: int, source: str) -> str:
    """A number, or a normal distribution where there is an interval, for what the file said."""
    if math.isnan(x.low) or x.high <= x.low:
        number: dict[str, object] = {"value": float(f"{x.value:.6g}")}
    else:
        error = (x.high - x.low) / 2.0 / t_reach(replications)
        said = {"mean": float(f"{x.value:.6g}"), "sd": float(f"{error:.3g}")}
        number = {"normal": said}
    number |= {"unit": "1", "source": source[:600]}
    return json.dumps(number | _put_out(loaded, name, number), ensure_ascii=False)


def _put_out(loaded: Loaded, name: str, number: dict[str, object]) -> dict[str, None]:
    """null for every part of the number that the files below write and this one does not."""
    at = tuple(name.split("."))
    written = [str(place[-1]) for place in loaded.document.marks if place[:-1] == at]
    return {part: None for part in written if part not in number}
