"""The episodes on the benchmark network, through the model itself with all tables written.

The network stands in a scenario: one segment of 60,000 people in need, one intervention. Staff are
there from the first day and the set-up takes no time, so that the queue is that of the others.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from model.episodes import Case, Replication, prepare, replicate
from model.episodes.tables import claims_table, pathways_table, write
from model.loading import Loaded, from_document
from model.yamlfile import Document

from .clock import best_seconds
from .queue_engines import ARRIVALS, MONTHS, PATIENCE, SERVICE, SLOTS, Count, installed
from .table import Row

SEED, REPEATS = 1, 5
PEOPLE = 60_000
AT_ONCE = 1e-9  # months

NETWORK: dict[str, Any] = {
    "name": "queue",
    "title": "The benchmark network",
    "description": "One list and many slots.",
    "clock": {"start": "2025-01", "end": "2027-12"},
    "prices": {"year": 2025},
    "parties": {
        "plan": {"name": "Plan", "kind": "payer", "payment_to_cost": 1},
        "network": {"name": "Network", "kind": "backbone"},
    },
    "segments": {
        "adults": {
            "name": "Adults",
            "group": "all",
            "payer": "plan",
            "population": PEOPLE,
            "need": {"at_risk": 0.6, "in_crisis": 0.3, "recovery": 0.02, "relief": 0.03},
            "deaths": {"stable": 0.0005, "at_risk": 0.001, "in_crisis": 0.002},
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
            "operator": "plan",
            "funded_by": "plan",
            "start": "2025-01",
            "eligible": {"segments": ["adults"], "need": ["stable", "at_risk", "in_crisis"]},
            "referral": 2.0 * ARRIVALS / PEOPLE,
            "acceptance": 0.5,
            "time_to_enroll": 0.5,
            "patience": PATIENCE,
            "staff": {"posts": SLOTS / 40, "caseload": 40, "time_to_hire": 0.5, "turnover": 0},
            "duration": SERVICE,
            "completion": 0.5,
            "persistence": 6,
            "follow_up": 12,
            "effects": {"visit": {"ratio": 0.8}},
            "costs": {},
        },
    },
    "backbone": {"party": "network", "budget": 0},
}


def network() -> Case:
    """The case, with what the other engines do not have taken out."""
    case = prepare(loaded())
    at_once = np.full(1, AT_ONCE)
    # A tenth of the people is in service and not referred, and some give up, as elsewhere.
    referral = case.programmes.referral * 1.12
    programmes = case.programmes._replace(
        time_to_enroll=at_once, time_to_hire=at_once, referral=referral
    )
    assert case.months == MONTHS
    return case._replace(programmes=programmes)


def loaded() -> Loaded:
    return from_document(Document(NETWORK, {}, "network.yaml"))


def written(case: Case, folder: Path) -> Replication:
    """One replication, its two tables written."""
    found = replicate(case, 0, SEED)
    write(claims_table(case, found.claims["strategy"]), folder / "claims.parquet")
    write(pathways_table(case, found.pathways), folder / "pathways.parquet")
    return found


def count(found: Replication) -> Count:
    a = found.activity
    return Count(int(a.referred.sum()), int(a.started.sum()), int(a.gave_up.sum()))


def rows() -> Iterator[Row]:
    """Each engine and the episodes by turns, so that other work on the machine meets both."""
    case = network()
    with tempfile.TemporaryDirectory() as folder:
        ours = count(written(case, Path(folder)))
        yield Row("episodes: clients, started, gave up", _told(ours))
        for name, run in installed().items():
            theirs, seconds, its_seconds = run(SEED), [], []
            for _ in range(REPEATS):
                seconds.append(best_seconds(lambda: written(case, Path(folder)), 1))
                its_seconds.append(best_seconds(lambda run=run: run(SEED), 1))
            speed = ours.clients / min(seconds)
            its_speed = theirs.clients / min(its_seconds)
            yield Row(f"{name}: clients, started, gave up", _told(theirs))
            yield Row(f"{name}: clients/s", f"{its_speed:,.0f}")
            yield Row("episodes: clients/s, all tables written", f"{speed:,.0f}")
            aim = "at least 0.6" if name == "simpy" else "above 1"
            yield Row(f"episodes / {name}", f"{speed / its_speed:.2f}", aim)


def _told(found: Count) -> str:
    return f"{found.clients:,}, {found.started:,}, {found.gave_up:,}"


def main() -> None:
    for row in rows():
        print(f"{row.what}: {row.measured}", flush=True)


if __name__ == "__main__":
    main()
