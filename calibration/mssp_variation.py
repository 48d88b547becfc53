"""How far chance makes the savings rate of Medicare ACOs move from one year to the next.

From the public table of settlements: the change of an organisation's savings rate between two
consecutive years of one agreement, squared, on 1 / members. Were only chance at work, with CV of a
member-year's cost, it would be 2 CV^2 / members: so half the slope is an upper bound of CV^2.
Organisations are drawn with replacement for the interval.

    python -m calibration.mssp_variation ../shared/data/mssp/settlements_2013_2021.csv
"""

from __future__ import annotations

import csv
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np

from model.distributions import Floats

SAMPLES, SEED = 2000, 1


class Change(NamedTuple):
    """Of one organisation between two years of an agreement."""

    organisation: str
    rate: float  # change of 1 - expenditure / benchmark
    members: float  # harmonic mean of both years


class Bound(NamedTuple):
    """Upper bound of the CV of a member-year, with a 90 % interval."""

    changes: int
    cv: float
    low: float
    high: float


def read(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def changes_of(rows: Sequence[dict[str, str]]) -> list[Change]:
    """Between years that follow each other within one agreement; half years are left out."""
    table = {
        (row["aco_id"], int(row["year"])): row
        for row in rows
        if row["six_month"] != "True" and float(row["benchmark_total"] or 0.0) > 0.0
    }
    out = []
    for (name, year), one in table.items():
        two = table.get((name, year + 1))
        if two is not None and began(one) == began(two) != ():
            sizes = [float(row["assigned_beneficiaries"]) for row in (one, two)]
            members = 2.0 / (1.0 / sizes[0] + 1.0 / sizes[1])
            out.append(Change(name, _rate(two) - _rate(one), members))
    return out


def began(row: dict[str, str]) -> tuple[int, ...]:
    """Month, day and year of the agreement's start, which the files write in several ways."""
    date = row["agreement_start"].split(" ")[0]
    numbers = [int(part) for part in date.split("/")] if date else []
    return (*numbers[:2], numbers[2] % 100) if numbers else ()


def _rate(row: dict[str, str]) -> float:
    return 1.0 - float(row["expenditure_total"]) / float(row["benchmark_total"])


def bound(changes: Sequence[Change], samples: int = SAMPLES) -> Bound:
    """Least squares of squared changes on 1 / members, with what all share as the constant."""
    x = np.array([1.0 / c.members for c in changes])
    y = np.array([c.rate**2 for c in changes])
    names = {c.organisation: k for k, c in enumerate(dict.fromkeys(changes))}
    _, who = np.unique([names[c.organisation] for c in changes], return_inverse=True)
    rng, again = np.random.default_rng(SEED), np.empty(samples)
    for k in range(samples):
        drawn = rng.integers(0, who.max() + 1, who.max() + 1)
        times = np.bincount(drawn, minlength=who.max() + 1)[who].astype(np.float64)
        again[k] = slope(x, y, times)
    low, high = np.quantile(again, [0.05, 0.95])
    return Bound(len(changes), *(_cv(s) for s in (slope(x, y, np.ones_like(x)), low, high)))


def slope(x: Floats, y: Floats, weight: Floats) -> float:
    x0, y0 = np.average(x, weights=weight), np.average(y, weights=weight)
    return float((weight * (x - x0)) @ (y - y0) / ((weight * (x - x0)) @ (x - x0)))


def _cv(slope: float) -> float:
    return float(np.sqrt(max(0.0, slope) / 2.0))


if __name__ == "__main__":
    found = bound(changes_of(read(Path(sys.argv[1]))))
    limits = f"{found.low:.2f} to {found.high:.2f}"
    sys.stdout.write(f"{found.changes:,} changes: CV at most {found.cv:.2f} ({limits})\n")
