"""Chance: a named random stream for each purpose of each replication.

Replications are independent, and none depends on which process makes it or when.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from model.sampling import stream

FIRST_BLOCK, LARGEST_BLOCK = 16, 4096


class Chance:
    """The streams of one replication."""

    def __init__(self, seed: int, replication: int) -> None:
        self.seed, self.replication = seed, replication

    def stream(self, purpose: str) -> np.random.Generator:
        return stream(self.seed, f"episodes.{self.replication}.{purpose}")

    def exponentials(self, purpose: str) -> Callable[[], float]:
        """Exponential numbers of mean 1, one at a time."""
        return _endless(self.stream(purpose).standard_exponential).__next__

    def uniforms(self, purpose: str) -> Callable[[], float]:
        """Uniform numbers in [0, 1), one at a time."""
        return _endless(self.stream(purpose).random).__next__


def _endless(draw: Callable[[int], np.ndarray]) -> Iterator[float]:
    """Number by number, drawn in blocks that grow: the blocks change no number."""
    size = FIRST_BLOCK
    while True:
        yield from draw(size).tolist()
        size = min(2 * size, LARGEST_BLOCK)
