"""The benchmark network in other engines: one list, many slots, clients who give up.

600 referrals a month, 3,600 slots, exponential service of 6 months, patience of 3 months, over 36
months, empty at the start. Each engine is used in its fastest documented way, makes its own random
numbers, and keeps a record of each client (arrival, start, end).
"""

from __future__ import annotations

import importlib.util
import random
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

ARRIVALS, SLOTS, SERVICE, PATIENCE, MONTHS = 600.0, 3600, 6.0, 3.0, 36.0


class Count(NamedTuple):
    """What became of the clients of one run."""

    clients: int
    started: int
    gave_up: int


def simpy_bare(seed: int) -> Count:
    """SimPy: a process for each client, a Container for the slots."""
    import simpy

    rng, env = random.Random(seed), simpy.Environment()
    slots = simpy.Container(env, SLOTS, SLOTS)
    records: list[list[float]] = []
    gave_up: list[float] = []

    def client(record: list[float]) -> Iterator[Any]:
        slot = slots.get(1)
        if not slot.triggered:  # else no patience is needed: half of the time is saved
            yield slot | env.timeout(rng.expovariate(1.0 / PATIENCE))
            if not slot.triggered:
                slot.cancel()
                gave_up.append(env.now)
                return
        record.append(env.now)
        yield env.timeout(rng.expovariate(1.0 / SERVICE))
        record.append(env.now)
        slots.put(1)

    def arrivals() -> Iterator[Any]:
        while True:
            yield env.timeout(rng.expovariate(ARRIVALS))
            record = [env.now]
            records.append(record)
            env.process(client(record))

    env.process(arrivals())
    env.run(until=MONTHS)
    return Count(len(records), sum(len(record) > 1 for record in records), len(gave_up))


def ciw_run(seed: int) -> Count:
    """Ciw: one node with reneging."""
    import ciw

    network = ciw.create_network(
        arrival_distributions=[ciw.dists.Exponential(rate=ARRIVALS)],
        service_distributions=[ciw.dists.Exponential(rate=1.0 / SERVICE)],
        reneging_time_distributions=[ciw.dists.Exponential(rate=1.0 / PATIENCE)],
        number_of_servers=[SLOTS],
    )
    ciw.seed(seed)
    simulation = ciw.Simulation(network)
    simulation.simulate_until_max_time(MONTHS)
    records = simulation.get_all_records()
    gave_up = sum(r.record_type == "renege" for r in records)
    inside = simulation.nodes[1].all_individuals
    started = len(records) - gave_up + sum(bool(one.server) for one in inside)
    return Count(len(records) + len(inside), started, gave_up)


def salabim_run(seed: int) -> Count:
    """salabim: a component for each client, without its monitors."""
    import salabim as sim

    env = sim.Environment(trace=False, random_seed=seed, yieldless=False)
    slots = sim.Resource("slots", capacity=SLOTS, env=env, monitor=False)
    rng = random.Random(seed)
    records: list[list[float]] = []

    class Client(sim.Component):  # type: ignore[misc]
        def process(self) -> Iterator[Any]:
            record = [self.env.now()]
            records.append(record)
            yield self.request(slots, fail_delay=rng.expovariate(1.0 / PATIENCE))
            record.append(self.env.now())
            if not self.failed():
                record.append(1.0)
                yield self.hold(rng.expovariate(1.0 / SERVICE))
                self.release()
                record.append(self.env.now())

    class Arrivals(sim.Component):  # type: ignore[misc]
        def process(self) -> Iterator[Any]:
            while True:
                yield self.hold(rng.expovariate(ARRIVALS))
                Client(suppress_trace=True)

    Arrivals()
    env.run(till=MONTHS)
    started = sum(len(record) > 2 for record in records)
    return Count(len(records), started, sum(len(record) == 2 for record in records))


ENGINES: dict[str, Callable[[int], Count]] = {
    "simpy": simpy_bare,
    "ciw": ciw_run,
    "salabim": salabim_run,
}


def installed() -> dict[str, Callable[[int], Count]]:
    """The engines that this Python can import; SimPy is one of Headwater's libraries."""
    return {name: run for name, run in ENGINES.items() if importlib.util.find_spec(name)}
