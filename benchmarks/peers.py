"""Headwater, PySD and Simlin on one segment: do they agree, and how fast is each?

Every engine gets the same draws. Not timed: loading, translation, compilation and making the
draws. Timed: for Headwater, a compiled run with its results' memory, use and payments included;
for the others, setting the constants that draws change, the run, and reading the stocks.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from model import ensemble
from model.draws import Columns, Draws, sample
from model.loading import Loaded
from model.luck import luck
from model.parameters import Inputs, inputs
from model.stocks import Activity

from . import xmile
from .agreement import differences, rebuilt, recorded, with_payments
from .clock import best_seconds
from .engines import Engine, Stocks, installed
from .one_segment import central, largest_segment, months_queue_binds, one_segment
from .table import Row, microseconds

SEED = 1
AIMS = {"PySD": 1_000, "pysimlin": 15}
# How many draws an engine runs for one time, and how often; the best time counts.
RUNS = {"PySD": (3, 3), "pysimlin": (100, 5)}
LARGEST_DIFFERENCE = 1e-6


class Disagreement(ArithmeticError):
    """Another engine finds something else."""


class Case:
    """One segment of a scenario, with the constants that its XMILE file holds."""

    def __init__(self, loaded: Loaded) -> None:
        self.loaded = loaded
        self.scenario = loaded.scenario
        self.interventions = list(self.scenario.interventions)
        self.segment = largest_segment(loaded)
        self.central = self.inputs(central(loaded), slice(0, 1))
        self.months = self.scenario.clock.months
        self.steps_per_month = self.scenario.clock.steps_per_month

    def inputs(self, draws: Draws, rows: slice) -> Inputs:
        return one_segment(inputs(draws, rows), self.segment)

    def run(self, built: Inputs) -> Activity:
        return ensemble.simulate(self.columns(built.communities.people.shape[0]), built).activity

    def columns(self, size: int) -> Columns:
        """Numbers of the accounts, at their means; only people are compared."""
        known = central(self.loaded)
        drawn = Draws(self.loaded, size, 0, "plain", known.values, luck(self.scenario, size, 0))
        return Columns(drawn, slice(0, size))

    def constants(self, built: Inputs, draw: int) -> dict[str, float]:
        return xmile.constants(built, self.interventions, draw)

    def xmile(self) -> str:
        return xmile.write(self.central, self.interventions, self.steps_per_month)

    @property
    def recorded(self) -> tuple[list[str], int, int]:
        """The stocks that an engine returns, and the clock by which it does."""
        return xmile.stock_names(self.interventions), self.months, self.steps_per_month

    def engines(self, folder: Path) -> Iterator[Engine]:
        """The engines that are installed, each with the case's XMILE file loaded."""
        path = folder / "one_segment.xmile"
        path.write_text(self.xmile(), encoding="utf-8")
        for engine in installed():
            yield engine(path, *self.recorded)

    def differences(
        self, built: Inputs, activity: Activity, stocks: Stocks, draw: int = 0
    ) -> dict[str, float]:
        """Largest relative difference of each recorded series, by its name."""
        ratio = activity.ratio[draw, :, 0]
        theirs = rebuilt(stocks, built, self.interventions, ratio, draw)
        theirs = with_payments(theirs, built, len(self.scenario.cells), draw)
        return differences(recorded(activity, draw), theirs)


def rows(loaded: Loaded) -> Iterator[Row]:
    case = Case(loaded)
    assert_queue_binds(case)
    all_cores = {draws: headwater(case, draws) for draws in (2_000, 10_000)}
    one_core = headwater_on_one_core(case, 2_000)
    for draws, seconds in all_cores.items():
        label = f"one segment, Headwater: each of {draws:,} draws, all cores"
        yield Row(label, microseconds(seconds))
    yield Row("the same on one core", microseconds(one_core))
    with tempfile.TemporaryDirectory() as folder:
        for engine in case.engines(Path(folder)):
            yield from engine_rows(case, engine, all_cores[10_000], one_core)


def assert_queue_binds(case: Case) -> None:
    binding = months_queue_binds(case.central, case.run(case.central))
    if not binding.any():
        raise AssertionError(f"no list is longer than the free slots in {case.scenario.name}")


def headwater(case: Case, draws: int) -> float:
    """Seconds per draw of the compiled loop over an ensemble, in chunks."""
    sampled = sample(case.loaded, draws, SEED)
    return sum(_chunk_seconds(case, sampled, rows) for rows in _chunks(draws)) / draws


def _chunks(draws: int) -> Iterator[slice]:
    return ensemble.chunks(draws, ensemble.CHUNK)


def _chunk_seconds(case: Case, sampled: Draws, rows_of_chunk: slice) -> float:
    built = case.inputs(sampled, rows_of_chunk)
    return best_seconds(lambda: case.run(built), 5)


def headwater_on_one_core(case: Case, draws: int) -> float:
    workers, ensemble.WORKERS = ensemble.WORKERS, 1
    try:
        return headwater(case, draws)
    finally:
        ensemble.WORKERS = workers


def engine_rows(case: Case, engine: Engine, all_cores: float, one_core: float) -> Iterator[Row]:
    draws, repeats = RUNS[engine.name]
    sampled = sample(case.loaded, draws, SEED)
    built = case.inputs(sampled, slice(0, draws))
    worst = worst_difference(case, engine, built)
    seconds = seconds_per_draw(engine, changed_constants(case, built), repeats)
    aim = AIMS[engine.name]
    yield Row(f"one segment, {engine.name}: one draw, one core", microseconds(seconds))
    label = f"{engine.name} / Headwater"
    yield Row(
        f"{label}, an ensemble on all cores", f"{seconds / all_cores:,.0f}", f"at least {aim:,}"
    )
    yield Row(f"{label}, an ensemble on one core", f"{seconds / one_core:,.0f}")
    yield Row(f"{engine.name}: largest relative difference", f"{worst:.0e}", "under 1e-06")


def worst_difference(case: Case, engine: Engine, built: Inputs) -> float:
    """Over all series and months, of the central parameters and the first drawn ones."""
    found = [difference_of(case, engine, case.central, 0)]
    found += [difference_of(case, engine, built, draw) for draw in range(3)]
    return max(found)


def difference_of(case: Case, engine: Engine, built: Inputs, draw: int) -> float:
    stocks = engine.run(case.constants(built, draw))
    by_series = case.differences(built, case.run(built), stocks, draw)
    for series, difference in by_series.items():
        if not difference < LARGEST_DIFFERENCE:
            raise Disagreement(f"{engine.name}, draw {draw}: {series} differs by {difference:.1e}")
    return max(by_series.values())


def changed_constants(case: Case, built: Inputs) -> list[dict[str, float]]:
    """For each draw the constants that differ from the file's in any draw: no others are set."""
    in_file = case.constants(case.central, 0)
    each = [case.constants(built, draw) for draw in range(built.uses.rate.shape[0])]
    changed = [name for name, value in in_file.items() if any(c[name] != value for c in each)]
    return [{name: c[name] for name in changed} for c in each]


def seconds_per_draw(engine: Engine, each: list[dict[str, float]], repeats: int) -> float:
    return best_seconds(lambda: [engine.run(c) for c in each], repeats) / len(each)
