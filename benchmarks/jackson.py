"""The whole reference case: both worlds of every draw, and whole commands from the shell."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from model import ensemble
from model.draws import Draws, sample
from model.loading import Loaded

from .clock import best_seconds
from .table import Row, microseconds

ROOT = Path(__file__).parents[1]
MANY, FEW = 10_000, 1_000
SEED = 1


def rows(path: Path, loaded: Loaded) -> Iterator[Row]:
    both = "Jackson, strategy and usual care"
    yield Row(f"{both}: one draw", microseconds(one_draw(loaded)))
    yield Row(f"{both}: each of {MANY:,} draws", microseconds(each_of_many(loaded)))
    command(path, FEW)  # compiles what the cache does not hold, so that no time below compiles
    few, many = (best_seconds(lambda n=n: command(path, n), 2) for n in (FEW, MANY))
    yield Row(f"`headwater run`, {MANY:,} draws, the whole command", f"{many:.1f} s", "under 10 s")
    yield Row(f"a second `headwater run`, {FEW:,} draws", f"{few:.1f} s", "under 3 s")


def one_draw(loaded: Loaded) -> float:
    """Seconds: parameters to arrays, and both projections."""
    draws = sample(loaded, 1, SEED)
    ensemble.both_worlds(draws, slice(0, 1))
    return best_seconds(lambda: ensemble.both_worlds(draws, slice(0, 1)), 50)


def each_of_many(loaded: Loaded) -> float:
    """Seconds per draw of the same, in chunks on all cores."""
    draws = sample(loaded, MANY, SEED)
    return best_seconds(lambda: _all_worlds(draws), 2) / MANY


def _all_worlds(draws: Draws) -> None:
    for rows_of_chunk in ensemble.chunks(draws.size, ensemble.CHUNK):
        ensemble.both_worlds(draws, rows_of_chunk)


def command(path: Path, draws: int) -> None:
    """`headwater run` in a process of its own, its results written and thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        out = ["--out", str(Path(folder) / "run"), "--quiet"]
        words = [sys.executable, "-m", "cli", "run", str(path), "--draws", str(draws), *out]
        subprocess.run(words, cwd=ROOT, check=True)
