"""Comparison: scenarios on the same draws, and the difference of each from the first.

Parameters that scenarios share have the same named streams, so a difference is taken draw by
draw and its interval is that of the difference, not of two separate runs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .distributions import Floats
from .ensemble import DRAW_PERCENTILES, Key, Progress, Result, run, silent
from .loading import Loaded
from .problems import BadInput, Problem
from .runfolder import names_of, run_hash
from .sampling import Method


@dataclass(frozen=True)
class Compared:
    """Results on the same draws; the first is what the others are compared with."""

    results: tuple[Result, ...]

    @property
    def baseline(self) -> Result:
        return self.results[0]

    def rows(self) -> list[dict[str, Any]]:
        """One row a metric and scenario: its spread, and that of its difference from the first."""
        out = []
        for key in self._shared():
            first = self.baseline.metrics[key]
            for result in self.results:
                name = result.draws.scenario.name
                values = result.metrics[key]
                row = key._asdict() | {"party": key.subject, "scenario": name} | spread(values)
                row["difference"] = spread(values - first)
                row["p_higher"] = float((values > first).mean())
                out.append({k: v for k, v in row.items() if k != "subject"})
        return out

    def _shared(self) -> list[Key]:
        """Metrics that every scenario has, in the order of the first."""
        return [k for k in self.baseline.metrics if all(k in r.metrics for r in self.results)]

    def as_json(self) -> dict[str, Any]:
        draws = self.baseline.draws
        scenarios = [r.draws.scenario for r in self.results]
        names: dict[str, str] = {}
        for scenario in scenarios:
            names |= names_of(scenario)
        return {
            "baseline": scenarios[0].name,
            "scenarios": [
                {"name": s.name, "title": s.title, "description": s.description} for s in scenarios
            ],
            "seed": draws.seed,
            "draws": draws.size,
            "method": draws.method,
            "names": names,
            "metrics": self.rows(),
        }


def spread(values: Floats) -> dict[str, float]:
    """Mean, sd and percentiles over draws."""
    sd = float(values.std(ddof=1)) if values.size > 1 else 0.0
    points = np.quantile(values, list(DRAW_PERCENTILES.values())).tolist()
    return {"mean": float(values.mean()), "sd": sd} | dict(
        zip(DRAW_PERCENTILES, points, strict=True)
    )


def compare(
    loaded: Sequence[Loaded],
    draws: int,
    seed: int,
    method: Method,
    progress: Progress = silent,
) -> Compared:
    """Run every scenario on the same draws; progress counts draws over all of them."""
    results = []
    for k, one in enumerate(loaded):
        done = k * draws
        results.append(run(one, draws, seed, method, progress=_after(done, progress)))
    return Compared(tuple(results))


def _after(done: int, progress: Progress) -> Progress:
    return lambda draws: progress(done + draws)


def distinct(loaded: Sequence[Loaded], paths: Sequence[Path]) -> Sequence[Loaded]:
    """The scenarios, if each has a name of its own and all have the same months."""
    problems = []
    seen: dict[str, Path] = {}
    first = loaded[0].scenario.clock
    for one, path in zip(loaded, paths, strict=True):
        name, clock = one.scenario.name, one.scenario.clock
        if name in seen:
            found = f"`{name}`, the name of {seen[name]} too"
            problems.append(Problem(one.document.mark(("name",)), "name", found, "another name"))
        if (clock.start, clock.end) != (first.start, first.end):
            found, allowed = f"{clock.start} to {clock.end}", f"{first.start} to {first.end}"
            at = one.document.mark(("clock",))
            problems.append(Problem(at, "clock", found, f"the months of the first, {allowed}"))
        seen[name] = path
    if problems:
        raise BadInput(problems)
    return loaded


def default_folder(compared: Compared) -> Path:
    draws = compared.baseline.draws
    hashes = [
        run_hash(r.draws.loaded, draws.size, draws.seed, draws.method) for r in compared.results
    ]
    mixed = hashlib.blake2b(" ".join(hashes).encode(), digest_size=5).hexdigest()
    return Path("runs") / f"compare-{compared.baseline.draws.scenario.name}-{mixed}"
