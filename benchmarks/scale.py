"""Scale: time and memory of `headwater run` by number of draws, each in a process of its own.

    python -m benchmarks.scale scenarios/starter.yaml 20000 50000 1000000

Memory is the most that was resident at once, over the whole command: sampling, simulating, the run
folder and its page. Time is CPU time, which other work on the machine disturbs least. Linux and
macOS only: the system counts for us.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

ROOT = Path(__file__).parents[1]
GIB = 2.0**30
UNIT = 1 if sys.platform == "darwin" else 1024  # of ru_maxrss, bytes
LIMIT = 2.0  # GiB


class Cost(NamedTuple):
    """What a run took."""

    draws: int
    cpu: float  # seconds
    wall: float  # seconds
    resident: float  # GiB
    disk: float  # GiB, of the run folder


def measured(scenario: Path, draws: int, options: Sequence[str] = ()) -> Cost:
    """One `headwater run` in a process of its own; its folder is thrown away."""
    with tempfile.TemporaryDirectory() as place:
        out = Path(place) / "run"
        words = ["-m", "cli", "run", str(scenario.absolute()), "--draws", str(draws)]
        words += ["--out", str(out), "--quiet", *options]
        began = time.perf_counter()
        child = subprocess.Popen([sys.executable, *words], cwd=ROOT)
        _, status, used = os.wait4(child.pid, 0)
        wall = time.perf_counter() - began
        if status != 0:
            raise SystemExit(f"headwater run ended with status {status}")
        disk = sum(path.stat().st_size for path in out.iterdir())
    cpu = used.ru_utime + used.ru_stime
    return Cost(draws, cpu, wall, used.ru_maxrss * UNIT / GIB, disk / GIB)


def line(costs: Sequence[Cost]) -> tuple[float, float]:
    """Seconds of CPU to begin with, and for each draw: least squares on relative errors."""
    draws = np.array([c.draws for c in costs], dtype=float)
    cpu = np.array([c.cpu for c in costs])
    design = np.stack([np.ones_like(draws), draws], axis=1) / cpu[:, None]
    start, each = np.linalg.lstsq(design, np.ones_like(cpu), rcond=None)[0]
    return float(start), float(each)


def main(words: Sequence[str]) -> None:
    scenario, sizes = Path(words[0]), [int(word) for word in words[1:]]
    measured(scenario, 10)  # compiles what the cache does not hold
    print("| draws | CPU s | wall s | resident GiB | folder GiB |\n|---:|---:|---:|---:|---:|")
    costs = []
    for size in sizes:
        cost = measured(scenario, size)
        costs.append(cost)
        numbers = f"{cost.cpu:.1f} | {cost.wall:.1f} | {cost.resident:.2f} | {cost.disk:.3f}"
        print(f"| {size:,} | {numbers} |", flush=True)
    if len(costs) > 1:
        start, each = line(costs)
        print(f"\nCPU: {start:.1f} s + {1e3 * each:.3f} ms a draw; measured / line:")
        print(", ".join(f"{c.draws:,}: {c.cpu / (start + each * c.draws):.2f}" for c in costs))
    worst = max(cost.resident for cost in costs)
    print(f"most resident: {worst:.2f} GiB, {'under' if worst < LIMIT else 'OVER'} {LIMIT:.0f} GiB")


if __name__ == "__main__":
    main(sys.argv[1:])
