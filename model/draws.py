"""Draws: a number for every parameter and draw, by dotted name, and the luck of each draw."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np

from .distributions import Floats
from .explain import problem_at
from .loading import Loaded
from .luck import luck
from .problems import BadInput
from .sampling import Correlated, Method, NotACorrelation, correlate, linked, uniforms
from .scenario import Scenario

BLOCK = 65_536  # draws


@dataclass(frozen=True)
class Draws:
    """Values [draw] by dotted name; a parameter without uncertainty is one number."""

    loaded: Loaded
    size: int
    seed: int
    method: Method
    values: Mapping[str, Floats]
    luck: Mapping[str, Floats]

    @property
    def scenario(self) -> Scenario:
        return self.loaded.scenario


def sample(loaded: Loaded, draws: int, seed: int, method: Method = "lhs") -> Draws:
    """Draw every uncertain parameter; the same seed gives the same draws, name by name."""
    u = uniforms(loaded.uncertain, draws, seed, method)
    return drawn(loaded, u, seed, method, luck(loaded.scenario, draws, seed))


def drawn(
    loaded: Loaded,
    u: Mapping[str, Floats],
    seed: int,
    method: Method,
    chance: dict[str, Floats],
) -> Draws:
    """The draws that uniform numbers [draw] of every uncertain parameter stand for."""
    names = loaded.uncertain
    u = _correlated(loaded, u, _pairs(loaded))
    values = fixed(loaded)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        each = threads.map(lambda name: _values(loaded, name, u[name]), names)
        values |= dict(zip(names, each, strict=True))
    size = len(u[names[0]]) if names else next(map(len, chance.values()), 1)
    return Draws(loaded, size, seed, method, values, chance)


def fixed(loaded: Loaded) -> dict[str, Floats]:
    """The numbers that are the same in every draw."""
    return {name: np.asarray(p.central) for name, p in loaded.parameters.items() if not p.uncertain}


def each_drawn(
    loaded: Loaded, draws: int, seed: int, method: Method
) -> Iterator[tuple[str, Floats]]:
    """What `sample` draws, one uncertain parameter after the other, so that few are in memory.

    A group of correlated ones is drawn together; a Sobol sequence is drawn whole.
    """
    names, pairs = loaded.uncertain, _pairs(loaded)
    groups = linked(pairs)
    tied = {name for group in groups for name in group}
    whole = uniforms(names, draws, seed, method) if method == "sobol" else None
    for group in [*groups, *([name] for name in names if name not in tied)]:
        u = whole or uniforms(group, draws, seed, method)
        among = [pair for pair in pairs if pair.first in group]
        each = _in_blocks(loaded, {name: u[name] for name in group}, among)
        for name in group:
            yield name, _values(loaded, name, each.pop(name))


def _in_blocks(loaded: Loaded, u: dict[str, Floats], pairs: list[Correlated]) -> dict[str, Floats]:
    """Correlated draws, a block after the other: the work takes several times their memory."""
    size = len(next(iter(u.values())))
    for start in range(0, size if pairs else 0, BLOCK):
        rows = slice(start, start + BLOCK)
        told = _correlated(loaded, {name: values[rows] for name, values in u.items()}, pairs)
        for name, values in told.items():
            u[name][rows] = values
    return u


def _pairs(loaded: Loaded) -> list[Correlated]:
    return [Correlated(*c.between, c.rank) for c in loaded.scenario.correlations]


def _correlated(
    loaded: Loaded, u: Mapping[str, Floats], pairs: list[Correlated]
) -> Mapping[str, Floats]:
    try:
        return correlate(u, pairs)
    except NotACorrelation as error:
        at = problem_at(loaded.document, ("correlations",), str(error), "ranks that can hold")
        raise BadInput([at]) from None


def central(loaded: Loaded) -> Draws:
    """One draw: every number at its mean, every published effect at its median."""
    values = {name: np.asarray(p.central) for name, p in loaded.parameters.items()}
    values |= {name: np.asarray(e.quantile([0.5])[0]) for name, e in loaded.effects.items()}
    return Draws(loaded, 1, 0, "plain", values, luck(loaded.scenario, 1, 0))


def value_at(loaded: Loaded, name: str, level: float) -> float:
    """The value of an uncertain number at a quantile level."""
    return float(_values(loaded, name, np.array([level]))[0])


def _values(loaded: Loaded, name: str, u: Floats) -> Floats:
    effect = loaded.effects.get(name)
    return loaded.parameters[name].draws(u) if effect is None else effect.quantile(u)


class Columns:
    """Values of a slice of draws by dotted name, each [draw]."""

    def __init__(self, draws: Draws, rows: slice) -> None:
        self.draws, self.rows = draws, rows
        self.size = len(range(*rows.indices(draws.size)))
        self._known: dict[str, Floats] = {}

    def __call__(self, name: str) -> Floats:
        values = self.draws.values[name]
        return values[self.rows] if values.ndim else np.full(self.size, float(values))

    def column(self, name: str) -> Floats:
        """[draw, 1], or [1, 1] where a number is the same in every draw."""
        values = self.draws.values[name]
        return values[self.rows, None] if values.ndim else values.reshape(1, 1)

    def once(self, what: str, compute: Callable[[], Floats]) -> Floats:
        """What follows from these draws and is asked for again and again; not to be changed."""
        if what not in self._known:
            self._known[what] = compute()
        return self._known[what]

    def luck(self, name: str) -> Floats:
        """Chance events [draw, event] by name."""
        return self.draws.luck[name][self.rows]

    def each(self, names: Iterable[str]) -> Floats:
        """[draw, name]"""
        columns = [self(name) for name in names]
        return np.stack(columns, axis=1) if columns else np.zeros((self.size, 0))
