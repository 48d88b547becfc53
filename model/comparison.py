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
from .ensemble import DRAW_PERCENTILES, MAY_BE_MISSING, Key, Progress, Result, run, silent
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
        for key in self._told():
            nothing = np.zeros(self.baseline.draws.size)
            first = self.baseline.metrics.get(key, nothing)
            for result in self.results:
                name = result.draws.scenario.name
                values = result.metrics.get(key, nothing)
                row = key._asdict() | {"party": key.subject, "scenario": name} | spread(values)
                row["difference"] = spread(values - first)
                row["p_higher"] = higher(values, first)
                out.append({k: v for k, v in row.items() if k != "subject"})
        return out

    def _told(self) -> list[Key]:
        """Metrics of any scenario, those of the first before others; what one has not is nothing.

        Left out: rates of return and dates that some scenario has in no draw.
        """
        keys = dict.fromkeys(key for result in self.results for key in result.metrics)
        return [key for key in keys if self._has_values(key)]

    def _has_values(self, key: Key) -> bool:
        if key.metric not in MAY_BE_MISSING:
            return True
        known = [np.isfinite(r.metrics[key]) for r in self.results if key in r.metrics]
        together = np.logical_and.reduce(known)
        return len(known) == len(self.results) and bool(together.any())

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


def spread(values: Floats) -> dict[str, float | None]:
    """Mean, sd and percentiles over the draws that have a value; None where none has."""
    known = values[np.isfinite(values)]
    if known.size == 0:
        return dict.fromkeys(("mean", "sd", *DRAW_PERCENTILES))
    sd = float(known.std(ddof=1)) if known.size > 1 else 0.0
    points = np.quantile(known, list(DRAW_PERCENTILES.values())).tolist()
    return {"mean": float(known.mean()), "sd": sd} | dict(
        zip(DRAW_PERCENTILES, points, strict=True)
    )


def higher(values: Floats, first: Floats) -> float | None:
    """Share of the draws, of those that have both, in which a scenario is above the first."""
    known = np.isfinite(values) & np.isfinite(first)
    return float((values > first)[known].mean()) if known.any() else None


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
