"""One small scenario that every test may change, and the two worlds that it gives."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from model.draws import central
from model.ensemble import both_worlds
from model.loading import Loaded, from_document
from model.worlds import Worlds
from model.yamlfile import Document

# Round numbers: 1,000 adults, of whom 200 are at risk and 50 in crisis; nobody dies or moves.
SMALL: dict[str, Any] = {
    "name": "small",
    "title": "A small community",
    "description": "For tests.",
    "clock": {"start": "2025-01", "end": "2026-12"},
    "prices": {"year": 2025},
    "parties": {
        "plan": {"name": "Plan", "kind": "payer", "payment_to_cost": 1.0},
        "county": {"name": "County", "kind": "agency", "payment_to_cost": 1.0},
        "network": {"name": "Network", "kind": "backbone"},
    },
    "segments": {
        "adults": {
            "name": "Adults",
            "group": "all",
            "payer": "plan",
            "population": 1000,
            "need": {"at_risk": 0.2, "in_crisis": 0.05, "recovery": 0.1, "relief": 0.2},
            "deaths": {"stable": 0, "at_risk": 0, "in_crisis": 0},
            "use": {"visit": 0.05},
        },
    },
    "services": {
        "visit": {
            "name": "Visits",
            "counted_in": "visits",
            "cost": 500,
            "relative_use": {"at_risk": 3, "in_crisis": 10},
            "preventable": 0.5,
        },
    },
    "interventions": {
        "team": {
            "name": "Team",
            "operator": "county",
            "funded_by": "plan",
            "start": "2025-01",
            "eligible": {"segments": ["adults"]},
            "referral": 0.1,
            "acceptance": 0.5,
            "time_to_enroll": 1,
            "patience": 3,
            "staff": {"posts": 2, "caseload": 30, "time_to_hire": 2, "turnover": 0.02},
            "duration": 6,
            "completion": 0.7,
            "persistence": 12,
            "follow_up": 12,
            "effects": {"visit": {"ratio": 0.8}},
            "costs": {"per_post": 5000, "fixed": 1000},
        },
    },
    "backbone": {"party": "network", "budget": 10_000},
}


def scenario(changes: Mapping[str, Any] | None = None, base: Mapping[str, Any] = SMALL) -> Loaded:
    """The small scenario with `{"dotted.path": value}` put in; None deletes."""
    data = copy.deepcopy(dict(base))
    for path, value in (changes or {}).items():
        *above, last = re.split(r"\.", path)
        part = data
        for key in above:
            part = part.setdefault(key, {})
        if value is None:
            del part[last]
        else:
            part[last] = value
    return from_document(Document(data, {}, "small.yaml"))


def worlds(loaded: Loaded) -> Worlds:
    """Usual care and the strategy, at central numbers."""
    return both_worlds(central(loaded), slice(0, 1))


def project(changes: Mapping[str, Any] | None = None) -> Worlds:
    """Both worlds of the small scenario with changes, at central numbers."""
    return worlds(scenario(changes))
