"""Shapley values: a difference shared out among those who made it together (Shapley 1953).

A value is told of every set of players, as an array; each player gets the mean, over all orders,
of what it adds when it joins. The parts sum to value(all) - value(none), element by element.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import combinations
from math import factorial
from typing import NamedTuple

import numpy as np

from .distributions import Floats

Value = Callable[[frozenset[str]], Floats]


class Shares(NamedTuple):
    """What each player adds [...], and the standard error of its mean from the orders sampled."""

    parts: dict[str, Floats]
    se: dict[str, Floats]  # by the value's first axis; nothing where every order is counted
    orders: int  # that were sampled; 0 where every order is counted


def exact(players: Sequence[str], value: Value) -> Shares:
    """Every order counts: the value is asked of all 2^n sets."""
    n = len(players)
    weight = [factorial(s) * factorial(n - s - 1) / factorial(n) for s in range(n)]
    parts: dict[str, Floats] = {}
    for size in range(n + 1):
        for chosen in combinations(players, size):
            found = value(frozenset(chosen))
            for player in players:
                sign = weight[size - 1] if player in chosen else -weight[size]
                parts[player] = parts.get(player, 0.0) + sign * found
    return Shares(parts, {}, 0)


def sampled(players: Sequence[str], value: Value, orders: int, rng: np.random.Generator) -> Shares:
    """Some orders, each with its reverse (Castro et al. 2009; Mitchell et al. 2022).

    Parts still sum to the whole, as they do in every order; the error is in who gets what.
    """
    pairs = max(2, orders // 2)
    sums: dict[str, Floats] = {}
    means: dict[str, list[Floats]] = {player: [] for player in players}
    for _ in range(pairs):
        order = [players[k] for k in rng.permutation(len(players))]
        forth, back = _added(order, value), _added(order[::-1], value)
        for player in players:
            both = (forth[player] + back[player]) / 2.0
            sums[player] = sums.get(player, 0.0) + both
            means[player].append(both.mean(axis=-1))
    parts = {player: sums[player] / pairs for player in players}
    se = {p: np.std(np.array(found), axis=0, ddof=1) / pairs**0.5 for p, found in means.items()}
    return Shares(parts, se, 2 * pairs)


def _added(order: Sequence[str], value: Value) -> dict[str, Floats]:
    """What each adds to those before it."""
    joined: frozenset[str] = frozenset()
    before, out = value(joined), {}
    for player in order:
        joined |= {player}
        now = value(joined)
        out[player], before = now - before, now
    return out
