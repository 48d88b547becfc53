"""The episodes: other engines on the benchmark network, and the reference case many times over.

On the benchmark network the model itself runs, with its tables of claims and pathways written, and
so with all that the others do not have: needs that change, use, claims. The network stands in a
scenario: one segment of 60,000 people in need, one intervention. Staff are there from the first
day and the set-up takes no time, so that the queue is that of the others.
"""

from __future__ import annotations

import tempfile
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

from model.episodes import Case, Replication, prepare, replicate, run
from model.episodes.care import WORLDS
from model.episodes.run import summary
from model.episodes.tables import claims_table, pathways_table, write
from model.loading import SHIPPED, Loaded, from_document, load
from model.yamlfile import Document

from .clock import best_seconds
from .machine import cores
from .queue_engines import ARRIVALS, MONTHS, PATIENCE, SERVICE, SLOTS, Count, installed
from .table import Row

SEED, REPEATS, MANY = 1, 5, 200
SCENARIO, THREE_YEARS = SHIPPED / "jackson.yaml", "clock.end=2022-12"
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
    yield from network_rows()
    yield from jackson_rows(load(SCENARIO, [THREE_YEARS]))


def network_rows() -> Iterator[Row]:
    """Every engine and the episodes by turns, so that other work on the machine meets all."""
    case, engines = network(), installed()
    with tempfile.TemporaryDirectory() as folder:
        ours = count(written(case, Path(folder)))
        theirs = {name: engine(SEED) for name, engine in engines.items()}
        own: list[float] = []
        seconds: dict[str, list[float]] = {name: [] for name in engines}
        for _ in range(REPEATS):
            own.append(cpu_seconds(lambda: written(case, Path(folder))))
            for name, engine in engines.items():
                seconds[name].append(cpu_seconds(lambda engine=engine: engine(SEED)))
    speed = ours.clients / min(own)
    yield Row("the network, Headwater: clients, of whom started, gave up", _told(ours))
    yield Row("Headwater, all tables written: clients a second", f"{speed:,.0f}")
    for name, found in theirs.items():
        its_speed = found.clients / min(seconds[name])
        yield Row(f"{name}: clients, of whom started, gave up", _told(found))
        yield Row(f"{name}: clients a second", f"{its_speed:,.0f}")
        aim = "at least 0.6" if name == "simpy" else "above 1"
        yield Row(f"Headwater / {name}", f"{speed / its_speed:.2f}", aim)


def jackson_rows(loaded: Loaded) -> Iterator[Row]:
    """Three years of the reference case, claims of one world and of both."""
    case, what = prepare(loaded), "Jackson, three years"
    found = replicate(case, 0, SEED)
    claims = found.claims["strategy"].person.size
    yield Row(f"{what}: residents", f"{found.newcomers.entered.size:,}")
    yield Row(f"{what}: claims of a replication", f"{claims:,}")
    for worlds in ((), ("strategy",), WORLDS):
        best = min(
            cpu_seconds(lambda w=worlds: replicate(case, 0, SEED, w)) for _ in range(REPEATS)
        )
        label = " and ".join(worlds) or "none"
        yield Row(f"{what}: a replication, claims of: {label}", f"{best:.2f} s")
    took = best_seconds(lambda: deque(run(case, MANY, SEED, summary, workers=cores()), 0), 1)
    yield Row(f"{what}: {MANY} replications with claims, all cores", f"{took:.0f} s", "under 120 s")


def cpu_seconds(work: Callable[[], object]) -> float:
    """Seconds of the processor that one call takes: all here run on one core."""
    began = time.process_time()
    work()
    return time.process_time() - began


def _told(found: Count) -> str:
    return f"{found.clients:,}, {found.started:,}, {found.gave_up:,}"
