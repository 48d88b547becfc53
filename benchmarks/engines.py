"""Other engines, each run in its fastest documented way on the same XMILE file.

Loading, translation and compilation are done once, when an engine is made, and are not timed. A
run sets the constants of one draw, runs, and returns the stocks at month ends.
"""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import numpy as np

Stocks = dict[str, np.ndarray]


class Engine(Protocol):
    """`wanted` stocks at month ends, [month + 1], the start included."""

    name: str

    def run(self, constants: dict[str, float]) -> Stocks: ...


class PySD:
    """PySD: Python functions, one per variable.

    Only the stocks asked for are returned, only at month ends, and outputs are not cached, as
    its documentation advises where the step is finer than what is saved.
    """

    name = "PySD"

    def __init__(self, path: Path, wanted: list[str], months: int, steps_per_month: int) -> None:
        import pysd

        self.model = pysd.read_xmile(str(path))
        self.time_step = 1.0 / steps_per_month
        self.wanted = wanted
        self.month_ends = np.arange(months + 1)

    def run(self, constants: dict[str, float]) -> Stocks:
        table = self.model.run(
            params=constants,
            return_columns=self.wanted,
            return_timestamps=self.month_ends,
            time_step=self.time_step,
            cache_output=False,
        )
        return {name: table[name].to_numpy(dtype=float) for name in self.wanted}


class Simlin:
    """Simlin: byte code in Rust. One simulation is reset, not built anew, for every draw."""

    name = "pysimlin"

    def __init__(self, path: Path, wanted: list[str], months: int, steps_per_month: int) -> None:
        import simlin

        self.simulation = simlin.load(path).simulate()
        self.wanted = wanted
        self.month_ends = slice(0, months * steps_per_month + 1, steps_per_month)

    def run(self, constants: dict[str, float]) -> Stocks:
        simulation = self.simulation
        simulation.reset()
        for name, value in constants.items():
            simulation.set_value(name, value)
        simulation.run_to_end()
        return {name: simulation.get_series(name)[self.month_ends] for name in self.wanted}


ENGINES = {"pysd": PySD, "simlin": Simlin}


def installed() -> Iterator[type[PySD] | type[Simlin]]:
    """The engines that this Python can import; they are in the `bench` extra."""
    for module, engine in ENGINES.items():
        if importlib.util.find_spec(module):
            yield engine
