"""Mixes: combinations of a scenario's own lines of revenue, on or off, at several levels.

A line is switched off by setting numbers to 0, so that all mixes run on the same draws and luck and
share one usual care; tests hold each to a scenario without the line, number for number:

    dues          amount, members and joining
    fees          demand
    contracts     attributed members, and what is paid for cases, outcomes and withholds
    hard_wiring   chance

and its staff time. Grants, loans, the account and its posts stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from typing import NamedTuple

import numpy as np

from .distributions import Floats
from .draws import Draws
from .financing import Financing
from .loading import Loaded
from .problems import BadInput, Mark, Problem
from .variants import changed

KINDS = ("dues", "fees", "contracts", "hard_wiring")
_OFF = {
    "dues": r"amount|members|joining|staff_time",
    "fees": r"demand|staff_time",
    "contracts": (
        r"covers\.attributed|staff_time|terms\.(case_rate|withhold\.rate|outcomes\.minimum"
        r"|outcomes\.metrics\.\w+\.(price|bands\[\d+\]\.per_point))"
    ),
    "hard_wiring": r"chance|staff_time",
}


class Mix(NamedTuple):
    """One mix of revenue: levels as factors, 0 is off; a contract's level is its sharing rate."""

    dues: float  # times the dues of the file
    fees: bool
    hard_wiring: bool
    contracts: tuple[tuple[str, float], ...]  # those signed, with the sharing rate (nan: none)

    @property
    def kinds(self) -> int:
        return (self.dues > 0.0) + self.fees + self.hard_wiring + bool(self.contracts)


class Lines(NamedTuple):
    """The lines of revenue of the backbone that a mix may use, by kind."""

    dues: tuple[str, ...]
    fees: tuple[str, ...]
    contracts: tuple[str, ...]
    hard_wiring: tuple[str, ...]

    def __iter__(self) -> Iterator[tuple[str, ...]]:
        return iter((self.dues, self.fees, self.contracts, self.hard_wiring))

    @property
    def keys(self) -> list[str]:
        """As metrics name them: `dues.large_members`."""
        return [f"{kind}.{name}" for kind, names in zip(KINDS, self, strict=True) for name in names]


class Limits(NamedTuple):
    """What a mix may not exceed; None is no limit."""

    dues: float | None = None  # USD a member and year, of the dearest tier
    contracts: int | None = None


def financing(loaded: Loaded) -> Financing:
    """The scenario's money; BadInput where it says nothing of it."""
    found = loaded.scenario.financing
    party = loaded.scenario.backbone.party
    if found is None or party not in found.accounts:
        name = loaded.scenario.name
        text = f"no account of the backbone `{party}` in `{name}`"
        allowed = "a scenario with financing, as scenarios/jackson_mix.yaml"
        raise BadInput([Problem(Mark("SCENARIO", 0, 0), "", text, allowed)])
    return found


def lines(loaded: Loaded) -> Lines:
    """The backbone's own lines; a contract that pays into a reinvestment or to others is none."""
    f, party = financing(loaded), loaded.scenario.backbone.party
    own = {
        kind: tuple(n for n, s in getattr(f, kind).items() if s.account in (None, party))
        for kind in KINDS
    }
    own["contracts"] = tuple(
        name
        for name in own["contracts"]
        if f.contracts[name].pays_into is None
        and party in (f.contracts[name].payee, *f.contracts[name].terms.distribution)
    )
    return Lines(*(own[kind] for kind in KINDS))


def mixes(
    loaded: Loaded, dues: Sequence[float], shares: Sequence[float], limits: Limits
) -> list[Mix]:
    """Every combination within the limits.

    `dues` are factors, 0 is off; `shares` are sharing rates beside each contract's own.
    """
    mine = lines(loaded)
    levels = _allowed_dues(loaded, mine, dues, limits) if mine.dues else [0.0]
    signed = [_choices(loaded, name, shares) for name in mine.contracts]
    most = len(mine.contracts) if limits.contracts is None else limits.contracts
    bundles = [tuple(c for c in bundle if c) for bundle in product(*signed)]
    bundles = [bundle for bundle in bundles if len(bundle) <= most]
    return [
        Mix(level, fees, wired, bundle)
        for level in levels
        for fees in ([True, False] if mine.fees else [False])
        for wired in ([True, False] if mine.hard_wiring else [False])
        for bundle in bundles
    ]


def _choices(loaded: Loaded, name: str, shares: Sequence[float]) -> list[tuple[str, float] | None]:
    """A contract at its own sharing rate, at others, or not at all."""
    rate = loaded.parameters.get(sharing_rate(name))
    if rate is None:
        return [(name, float("nan")), None]
    own = float(rate.central)
    return [*((name, share) for share in dict.fromkeys([own, *shares]) if share > 0.0), None]


def sharing_rate(contract: str) -> str:
    return f"financing.contracts.{contract}.terms.shared_savings.sharing_rate"


def _allowed_dues(
    loaded: Loaded, mine: Lines, factors: Sequence[float], limits: Limits
) -> list[float]:
    dearest = max(_central(loaded, f"financing.dues.{name}.amount") for name in mine.dues)
    most = np.inf if limits.dues is None else limits.dues
    return [x for x in dict.fromkeys(factors) if x * dearest <= most * (1.0 + 1e-12)]


def _central(loaded: Loaded, name: str) -> float:
    return float(loaded.parameters[name].central)


# --- a mix as numbers


def with_mix(base: Draws, mine: Lines, mix: Mix) -> Draws:
    """The same draws with only the lines of a mix, at its levels."""
    values: dict[str, Floats] = {}
    signed = dict(mix.contracts)
    off = {
        "dues": mine.dues if mix.dues == 0.0 else (),
        "fees": () if mix.fees else mine.fees,
        "contracts": tuple(name for name in mine.contracts if name not in signed),
        "hard_wiring": () if mix.hard_wiring else mine.hard_wiring,
    }
    values |= with_dues(base, mine, mix.dues) if mix.dues not in (0.0, 1.0) else {}
    for name, rate in mix.contracts:
        values |= with_share(base, name, rate) if np.isfinite(rate) else {}
    return changed(base, values | switched_off(base, off))


def switched_off(base: Draws, off: Mapping[str, Sequence[str]]) -> dict[str, Floats]:
    """The numbers that make lines, by kind, as if they were not there."""
    out: dict[str, Floats] = {}
    for kind, names in off.items():
        for name in names:
            pattern = re.compile(rf"financing\.{kind}\.{re.escape(name)}\.({_OFF[kind]})")
            out |= {key: np.zeros(()) for key in base.values if pattern.fullmatch(key)}
    return out


def with_dues(base: Draws, mine: Lines, factor: float) -> dict[str, Floats]:
    """All dues times one factor."""
    names = (f"financing.dues.{name}.amount" for name in mine.dues)
    return {name: np.asarray(base.values[name] * factor) for name in names}


def with_share(base: Draws, contract: str, rate: float) -> dict[str, Floats]:
    """A contract's sharing rate; as the file has it where it is the same."""
    name = sharing_rate(contract)
    if base.values[name].ndim == 0 and float(base.values[name]) == rate:
        return {}
    return {name: np.asarray(rate)}
