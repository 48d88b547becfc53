"""Each shipped scenario's answer, `NAME.expected.csv` beside it.

`python -m tests.reference.expected` writes them anew; a change belongs in CHANGELOG.md under
"Numbers that changed".
"""

import csv
from pathlib import Path

import numpy as np

from model.ensemble import run
from model.loading import SHIPPED, load

DRAWS, SEED = 400, 1
COLUMNS = ("metric", "party", "strategy", "unit", "mean", "p05", "p50", "p95")
# Machines round differently (fused multiply-add, vector libraries); the model does not.
TOLERANCE = 1e-6
# Whether a draw has these at all can turn on the last digit of a sum that cancels: how many have is
# held to two draws, the middle of what they have to a month, and what few draws have is left out.
SHARES_OF_DRAWS = ("irr_known", "pays_back")
MIDDLE_MONTHS = ("waterfall_month",)
OF_FEW_DRAWS = ("irr", "payback_month")

Row = dict[str, str]


def scenarios() -> list[Path]:
    return sorted(SHIPPED.glob("*.yaml"))


def expected_file(scenario: Path) -> Path:
    return scenario.with_suffix(".expected.csv")


def answer(scenario: Path) -> list[Row]:
    """The scenario's metrics at DRAWS draws and SEED, to 10 figures; without a value, empty."""
    result = run(load(scenario), DRAWS, SEED)
    rows = []
    for key, drawn in result.metrics.items():
        if key.metric in OF_FEW_DRAWS:
            continue
        values = drawn[np.isfinite(drawn)]
        numbers = [""] * 4
        if values.size:
            points = [values.mean(), *np.quantile(values, [0.05, 0.5, 0.95])]
            numbers = [f"{x:.10g}" for x in points]
        rows.append(
            dict(
                zip(
                    COLUMNS,
                    [key.metric, key.subject, key.strategy, key.unit, *numbers],
                    strict=True,
                )
            )
        )
    return rows


def read(path: Path) -> list[Row]:
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def write(path: Path, rows: list[Row]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    for scenario_file in scenarios():
        write(expected_file(scenario_file), answer(scenario_file))
