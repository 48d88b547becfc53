"""Ensemble: both worlds on the same draws, in chunks that bound memory.

Every draw writes its own row and sums are taken in a fixed order, so that chunk size and number
of threads change no byte of the result.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np

from . import simulation
from .books import (
    BOOK_AXES,
    TREASURY_AXES,
    Books,
    ContractPlan,
    Costs,
    Deals,
    Money,
    MoneyPlan,
    Treasury,
    records,
)
from .chance_share import repeated
from .contract_plan import contract_plan, measured
from .deals import deals, no_deals
from .distributions import Floats
from .draws import Columns, Draws, sample
from .loading import Loaded
from .money import costs, in_usual_care, money
from .money_plan import financing_of, lines, money_plan, obligations, restricted_funds
from .outcomes import PARTS, Told, by_year, parts_of, series
from .parameters import Inputs, inputs
from .sampling import Method
from .scenario import Scenario
from .stocks import AXES, Activity
from .worlds import Measure, World, Worlds

CHUNK = 256
# Monthly series keep their quantiles over this many draws at most: they are the page's pictures.
SERIES_DRAWS = 2_000
# Draws are shared out in more parts than there are threads, so that no thread waits for long.
SHARES_PER_THREAD = 4
WORKERS = os.cpu_count() or 1
DRAW_PERCENTILES = {"p05": 0.05, "p25": 0.25, "p50": 0.50, "p75": 0.75, "p95": 0.95}

# What a draw may not have: no single rate of return, no payback, nothing put in.
MAY_BE_MISSING = frozenset({"irr", "payback_month", "roi_gross", "roi_net", "waterfall_month"})

Progress = Callable[[int], None]


def silent(done: int) -> None:
    """No progress shown, however many draws are done."""
    del done


class NotFinite(ArithmeticError):
    """A draw whose simulation is not a number: named, with its parameters."""


class Key(NamedTuple):
    """What a measure is: a column of the result."""

    metric: str
    subject: str
    strategy: str
    unit: str

    @property
    def name(self) -> str:
        return f"{self.metric}:{self.subject}"


@dataclass
class Result:
    """Outcomes of an ensemble: by key, values [draw]; by month and by year, quantiles."""

    draws: Draws
    metrics: Mapping[Key, Floats]
    series: dict[Key, dict[str, Floats]]
    years: dict[Key, dict[str, Floats]]
    luck: int = 1  # replicates of chance for each draw of the parameters

    def values(self, name: str, strategy: str | None = None) -> Floats:
        """Values [draw] of `metric:subject`."""
        for key, values in self.metrics.items():
            if key.name == name and strategy in (None, key.strategy):
                return values
        raise KeyError(name)


def run(
    loaded: Loaded,
    draws: int,
    seed: int,
    method: Method = "lhs",
    chunk: int = CHUNK,
    progress: Progress = silent,
    luck: int = 1,
) -> Result:
    """Project usual care and the strategy for every draw; `luck` times, with luck anew."""
    sampled = repeated(sample(loaded, draws, seed, method), luck)
    draws = sampled.size
    part = part_of(sampled, chunk=chunk, progress=progress)
    metrics = {key: part.metrics[key] for key in in_order(part.metrics, sampled.scenario)}
    return result_of(sampled, metrics, part.series, part.years, luck)


@dataclass
class Part:
    """What a part of the draws says: by key values [draw]; [draw, month] and [draw, year] of the
    first SERIES_DRAWS of all draws."""

    metrics: dict[Key, Floats] = field(default_factory=dict)
    series: dict[Key, Floats] = field(default_factory=dict)
    years: dict[Key, Floats] = field(default_factory=dict)


def part_of(draws: Draws, first: int = 0, chunk: int = CHUNK, progress: Progress = silent) -> Part:
    """Simulate draws, which are those from `first` on of all draws."""
    part = Part()
    pictured = min(draws.size, SERIES_DRAWS - first)

    def tell(worlds: Worlds, rows: slice) -> None:
        told = Told(worlds)
        _store(part.metrics, parts_of(told, PARTS), rows, draws.size)
        if rows.start < pictured:
            _keep(part.series, series(worlds), rows, pictured)
            _keep(part.years, by_year(told), rows, pictured)

    with Aside(tell) as aside:
        for rows in chunks(draws.size, chunk):
            aside.tell(both_worlds(draws, rows, aside.room), rows)
            progress(rows.stop)
    _check_finite(part.metrics, draws, first)
    return part


def result_of(
    draws: Draws,
    metrics: Mapping[Key, Floats],
    monthly: Mapping[Key, Floats],
    yearly: Mapping[Key, Floats],
    luck: int,
) -> Result:
    """Outcomes with the quantiles of series [draw, month] and [draw, year]."""
    with ThreadPoolExecutor(WORKERS) as threads:
        told = threads.map(lambda key: quantiles(monthly[key]), monthly)
        by_month = dict(zip(monthly, told, strict=True))
    years = {key: quantiles(yearly[key]) for key in yearly}
    return Result(draws, metrics, by_month, years, luck)


class Aside:
    """Tells what a chunk says while the next one is simulated: one chunk at a time, in order.

    `room` is a chunk that has been told of and may be written over, if there is one.
    """

    def __init__(self, tell: Callable[[Worlds, Any], None]) -> None:
        self._tell = tell
        self._thread = ThreadPoolExecutor(1)
        self._telling: tuple[Worlds, Future[None]] | None = None
        self.room: Worlds | None = None

    def __enter__(self) -> Aside:
        return self

    def tell(self, worlds: Worlds, of: Any) -> None:
        self._wait()
        self._telling = worlds, self._thread.submit(self._tell, worlds, of)

    def _wait(self) -> None:
        if self._telling is not None:
            worlds, future = self._telling
            future.result()
            self.room = worlds

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._wait()
        finally:
            self._thread.shutdown()


def chunks(draws: int, size: int) -> Iterator[slice]:
    for start in range(0, draws, size):
        yield slice(start, min(start + size, draws))


def both_worlds(draws: Draws, rows: slice, earlier: Worlds | None = None) -> Worlds:
    """Usual care (the network as it is) and the strategy on the same draws.

    Usual care comes first: contracts of the strategy are settled on it. The arrays of an earlier
    chunk, no smaller, are written over: memory anew costs time.
    """
    ready = prepared(draws, rows)
    usual = usual_care(ready, earlier and earlier.usual_world)
    settled = with_contracts(ready, usual)
    strategy = with_interventions(settled, earlier and earlier.strategy_world)
    return Worlds(draws.scenario, ready.get, usual, strategy)


class Prepared(NamedTuple):
    """What both worlds of a slice of draws are simulated from."""

    get: Columns
    built: Inputs
    finances: Finances


def prepared(draws: Draws, rows: slice) -> Prepared:
    """Inputs and money of a slice of draws; contracts find no members until usual care is known."""
    get = Columns(draws, rows)
    return Prepared(get, inputs(draws, rows), finances_of(get))


def usual_care(ready: Prepared, room: World | None = None, threads: int = WORKERS) -> World:
    """The network as it is: nobody is served by the interventions."""
    idle = without_interventions(ready.built)
    money = in_usual_care(ready.get.draws.scenario, ready.finances.money)
    return simulate(ready.get, idle, ready.finances._replace(money=money), True, room, threads)


def with_contracts(ready: Prepared, usual: World) -> Prepared:
    """The same with contracts that are measured against usual care."""
    found = deals(ready.get.draws.scenario, ready.get, usual.activity)
    return ready._replace(finances=ready.finances._replace(deals=found))


def with_interventions(ready: Prepared, room: World | None = None, threads: int = WORKERS) -> World:
    """The strategy."""
    return simulate(ready.get, ready.built, ready.finances, room=room, threads=threads)


def without_interventions(built: Inputs) -> Inputs:
    """The same community with nobody served."""
    idle = built.plan._replace(
        served=np.zeros_like(built.plan.served),
        running=np.zeros_like(built.plan.running),
        begun=np.zeros_like(built.plan.begun),
        changes_need=np.zeros_like(built.plan.changes_need),
    )
    return built._replace(plan=idle)


class Finances(NamedTuple):
    """The money of a slice of draws in one world."""

    money: Money
    costs: Costs
    deals: Deals
    money_plan: MoneyPlan
    contract_plan: ContractPlan


def finances_of(get: Columns) -> Finances:
    """The strategy's money; its contracts find no members until usual care is known."""
    scenario = get.draws.scenario
    return Finances(
        money(scenario, get),
        costs(scenario, get),
        no_deals(scenario, get.size),
        money_plan(scenario),
        contract_plan(scenario),
    )


def simulate(
    get: Columns,
    built: Inputs,
    finances: Finances | None = None,
    usual_care: bool = False,
    room: World | None = None,
    threads: int = WORKERS,
) -> World:
    """Run the compiled loop for one world, in `room` if it is given."""
    scenario = get.draws.scenario
    finances = finances or finances_of(get)
    world = blank_world(scenario, built) if room is None else cleared(room, built)
    in_threads(
        simulation.simulate,
        threads,
        get.size,
        built.communities,
        built.uses,
        built.programmes,
        built.plan,
        finances.money,
        finances.costs,
        finances.money_plan,
        finances.deals,
        finances.contract_plan,
        usual_care,
        scenario.clock.steps_per_month,
        world.activity,
        treasury(scenario, built),
        world.books,
    )
    return world._replace(deals=finances.deals, money=finances.money)


def in_threads(run_range: Callable[..., None], threads: int, draws: int, *arrays: Any) -> None:
    """Run a loop over all draws in threads; each draw writes its own row."""
    if threads == 1:
        run_range(0, draws, *arrays)
        return
    size = -(-draws // (SHARES_PER_THREAD * threads))
    with ThreadPoolExecutor(threads) as pool:
        starts = range(0, draws, size)
        list(pool.map(lambda at: run_range(at, min(at + size, draws), *arrays), starts))


def cleared(room: World, built: Inputs) -> World:
    """The arrays of an earlier chunk, emptied, for as many draws as there are."""
    draws = built.communities.people.shape[0]
    activity = Activity(*(array[:draws] for array in room.activity))
    books = Books(*(array[:draws] for array in room.books))
    for array in activity:
        array.fill(0.0)
    for record in books:
        record.view(np.float64).fill(0.0)
    return room._replace(activity=activity, books=books)


def blank_world(scenario: Scenario, built: Inputs) -> World:
    """Arrays of zeros, [draw, ...], for what is recorded."""
    draws, sizes = built.communities.people.shape[0], sizes_of(scenario, built)

    def zeros(axes: tuple[str, ...]) -> Floats:
        return np.zeros((draws, *(sizes[axis] for axis in axes)))

    activity = Activity(*(zeros(axes) for axes in AXES.values()))
    return World(activity, Books(*blank(BOOK_AXES, draws, sizes)))


def treasury(scenario: Scenario, built: Inputs) -> Treasury:
    """Room for the balances of each draw."""
    draws, sizes = built.communities.people.shape[0], sizes_of(scenario, built)
    return Treasury(*blank(TREASURY_AXES, draws, sizes))


def blank(axes: dict[str, Any], draws: int, sizes: dict[str, int]) -> Iterator[Any]:
    """Records and arrays of zeros, [draw, ...]."""
    for kind, names in axes.values():
        shape = (draws, *(sizes[name] for name in names))
        yield records(kind, *shape) if kind.names else np.zeros(shape)


def sizes_of(scenario: Scenario, built: Inputs) -> dict[str, int]:
    """How long each axis of the records is."""
    f = financing_of(scenario)
    _, segments, _, services = built.uses.rate.shape
    months, interventions = built.plan.running.shape
    return {
        "month": months,
        "year": int(built.plan.year[-1]) + 1,
        "segment": segments,
        "need": 3,
        "intervention": interventions,
        "service": services,
        "cell": len(scenario.cells),
        "account": len(f.accounts),
        "post": len(f.posts),
        "post_or_cost": len(f.posts) + len(f.costs),
        "dues": len(f.dues),
        "fee": len(f.fees),
        "line": len(lines(scenario)),
        "obligation": len(obligations(scenario)),
        "fund": len(restricted_funds(f)),
        "contract": len(f.contracts),
        "contract_year": max((c.years for c in f.contracts.values()), default=0),
        "grant": len(f.grants),
        "reinvestment": len(f.reinvestment),
        "measure": len(measured(scenario)),
    }


def _store(metrics: dict[Key, Floats], found: Iterator[Measure], rows: slice, draws: int) -> None:
    """Fill the rows of a chunk; what another chunk does not tell is nothing, or missing."""
    for metric, subject, strategy, unit, values in found:
        key = Key(metric, subject, strategy, unit)
        if key not in metrics:
            metrics[key] = untold(metric, draws)
        metrics[key][rows] = values


def untold(metric: str, draws: int) -> Floats:
    """Values [draw] where nothing is told: missing, if the metric may be, or nothing."""
    return np.full(draws, np.nan if metric in MAY_BE_MISSING else 0.0)


def _keep(kept: dict[Key, Floats], found: Iterator[Measure], rows: slice, most: int) -> None:
    """Keep the first `most` draws of series [draw, month] or [draw, year]."""
    for metric, subject, strategy, unit, values in found:
        key = Key(metric, subject, strategy, unit)
        if key not in kept:
            kept[key] = np.zeros((most, values.shape[1]))
        kept[key][rows.start : rows.stop] = values[: most - rows.start]


def in_order(keys: Iterable[Key], scenario: Scenario) -> list[Key]:
    """By metric, then in the scenario's order of parties, services ...: chunks change nothing."""
    parts = (scenario.parties, scenario.segments, scenario.services, scenario.interventions)
    rank = {name: k for k, name in enumerate(name for part in parts for name in part)}

    def place(key: Key) -> tuple[str, int, Key]:
        return key.metric, rank.get(key.subject.partition(".")[0], len(rank)), key

    return sorted(keys, key=place)


def quantiles(values: Floats) -> dict[str, Floats]:
    """Mean and percentiles over draws of a series [draw, month], each [month]."""
    points = np.quantile(values, list(DRAW_PERCENTILES.values()), axis=0)
    mean = np.add.accumulate(values, axis=0)[-1] / values.shape[0]
    return {"mean": mean} | dict(zip(DRAW_PERCENTILES, points, strict=True))


def _check_finite(metrics: dict[Key, Floats], draws: Draws, first: int) -> None:
    for key, values in metrics.items():
        missing = np.isnan(values) if key.metric in MAY_BE_MISSING else np.zeros(draws.size, bool)
        bad = np.flatnonzero(~np.isfinite(values) & ~missing)
        if bad.size:
            draw = int(bad[0])
            numbers = {n: float(v[draw]) for n, v in draws.values.items() if v.ndim}
            raise NotFinite(
                f"draw {first + draw}: {key.name} is not finite; its parameters: {numbers}"
            )
