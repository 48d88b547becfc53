"""The small scenario with all other care and a contract, for tests that settle it on claims."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from model.episodes import prepare, run
from model.episodes.attribution import ClaimRules
from model.episodes.claims_settlement import Settled, settled
from model.loading import Loaded

from .conftest import scenario
from .financed import account

BOTH = ("usual", "strategy")
OWN = {"method": "own_history", "weights": [0.6, 0.4]}
# As good as nobody is referred, no services: all cost is other care, which varies by 2.1.
QUIET: dict[str, Any] = {
    "clock.end": "2028-12",
    "interventions.team.referral": 1e-9,
    "segments.adults.use.visit": 0,
    "segments.adults.population": 3000,
    "parties.plan.other_care": {"cost": 800, "variation": 2.1},
}


def contract(terms: Mapping[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    """Half of the savings from 2 % on, against the two years before 2027."""
    said: dict[str, Any] = {
        "name": "ours",
        "title": "Ours",
        "source": "a letter",
        "shared_savings": {"sharing_rate": 0.5, "minimum_rate": {"fixed": 0.02}},
        "measurement": {"cv": 2.1},
    }
    line = {
        "name": "Deal",
        "payer": "plan",
        "payee": "network",
        "terms": said | dict(terms or {}),
        "start": "2027-01",
        "years": 2,
        "covers": {"segments": ["adults"]},
        "benchmark": OWN,
    }
    return line | more


def deal(line: dict[str, Any], changes: Mapping[str, Any] | None = None) -> Loaded:
    money = {
        "discount_rate": 0.03,
        "accounts": {"network": account(1000)},
        "contracts": {"deal": line},
    }
    return scenario(QUIET | {"financing": money} | dict(changes or {}))


def many_settled(
    loaded: Loaded, replications: int, seed: int = 1, rules: ClaimRules | None = None
) -> list[list[Settled]]:
    case = prepare(loaded)
    keep = partial(settled, case, loaded=loaded, seed=seed, rules=rules)
    return list(run(case, replications, seed, keep, claims=BOTH))


def column(many: list[list[Settled]], field: str, year: int = 0) -> Any:
    """[replication] of one year of the one contract."""
    return np.array([getattr(one[year], field) for one in many])
