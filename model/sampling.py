"""Sampling: uniform numbers for every uncertain parameter, one named stream each.

A parameter's stream is keyed by the seed and its dotted name, so a new parameter moves no other
(plain and Latin-hypercube draws; a Sobol sequence is a choice that gives this up). Rank
correlation between named parameters is a Gaussian copula. See docs/decisions/0005.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Literal, NamedTuple

import numpy as np
from scipy import special

from .distributions import Floats

Method = Literal["plain", "lhs", "sobol"]
METHODS: tuple[Method, ...] = ("plain", "lhs", "sobol")
# Uniform numbers stay inside (0, 1): an unbounded family has no value at the ends.
SMALLEST = 2.0**-53


class Correlated(NamedTuple):
    first: str
    second: str
    rank: float  # Spearman


class NotACorrelation(ValueError):
    """The rank correlations asked for cannot hold together."""


def stream(seed: int, name: str) -> np.random.Generator:
    """The random stream of one parameter or chance event."""
    key = hashlib.blake2b(name.encode(), digest_size=16).digest()
    words = np.frombuffer(key, dtype=np.uint32).tolist()
    return np.random.Generator(np.random.PCG64DXSM(np.random.SeedSequence([seed, *words])))


def uniforms(names: Sequence[str], draws: int, seed: int, method: Method) -> dict[str, Floats]:
    """Uniform numbers [draw] in (0, 1) for each name."""
    if method == "sobol":
        return _sobol(names, draws, seed)
    pick = _latin if method == "lhs" else _plain
    return {name: pick(stream(seed, name), draws) for name in names}


def _plain(rng: np.random.Generator, draws: int) -> Floats:
    return _inside(rng.random(draws))


def _latin(rng: np.random.Generator, draws: int) -> Floats:
    """One number in each of `draws` equal strata, in random order (McKay et al. 1979)."""
    within = rng.random(draws)
    return _inside((rng.permutation(draws) + within) / draws)


def _inside(u: Floats) -> Floats:
    return np.clip(u, SMALLEST, 1.0 - SMALLEST)


def _sobol(names: Sequence[str], draws: int, seed: int) -> dict[str, Floats]:
    """Scrambled Sobol numbers; a column per name in sorted order, as a power of two is drawn."""
    from scipy.stats import qmc  # noqa: PLC0415  half a second that other draws need not pay

    if not names:
        return {}
    ordered = sorted(names)
    engine = qmc.Sobol(len(ordered), scramble=True, rng=stream(seed, "sobol"))
    points = engine.random_base2(int(np.ceil(np.log2(max(draws, 1)))))[:draws]
    return {name: _inside(points[:, column]) for column, name in enumerate(ordered)}


def correlate(u: Mapping[str, Floats], pairs: Sequence[Correlated]) -> dict[str, Floats]:
    """The same numbers with the rank correlations asked for; margins stay uniform.

    Names in no pair are untouched, and the first name of each linked group keeps its numbers.
    """
    out = dict(u)
    for group in linked(pairs):
        normal = np.stack([special.ndtri(u[name]) for name in group])
        mixed = np.add.accumulate(_cholesky(group, pairs)[:, :, None] * normal[None], axis=1)[:, -1]
        for row, name in zip(mixed, group, strict=True):
            out[name] = _inside(special.ndtr(row))
        out[group[0]] = u[group[0]]
    return out


def linked(pairs: Sequence[Correlated]) -> list[list[str]]:
    """Names that pairs tie together, directly or through others."""
    groups: list[list[str]] = []
    for pair in pairs:
        linked = [g for g in groups if pair.first in g or pair.second in g]
        merged = list(dict.fromkeys([n for g in linked for n in g] + [pair.first, pair.second]))
        groups = [g for g in groups if g not in linked] + [merged]
    return groups


def _cholesky(group: list[str], pairs: Sequence[Correlated]) -> Floats:
    """Lower factor of the normal correlations; Pearson = 2 sin(pi/6 Spearman) (Kruskal 1958)."""
    matrix = np.eye(len(group))
    for first, second, rank in pairs:
        if first in group:
            i, j = group.index(first), group.index(second)
            matrix[i, j] = matrix[j, i] = 2.0 * np.sin(np.pi / 6.0 * rank)
    try:
        return np.asarray(np.linalg.cholesky(matrix), dtype=np.float64)
    except np.linalg.LinAlgError:
        raise NotACorrelation(
            f"the correlations among {', '.join(group)} contradict each other"
        ) from None
