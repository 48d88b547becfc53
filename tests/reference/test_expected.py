"""Every shipped scenario gives the answer that stands beside it."""

from pathlib import Path

import pytest

from .expected import (
    DRAWS,
    MIDDLE_MONTHS,
    SHARES_OF_DRAWS,
    TOLERANCE,
    Row,
    answer,
    expected_file,
    read,
    scenarios,
)


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda path: path.stem)
def test_the_answer_beside_the_scenario(scenario: Path) -> None:
    expected, found = read(expected_file(scenario)), answer(scenario)
    assert [row["metric"] + ":" + row["party"] for row in found] == [
        row["metric"] + ":" + row["party"] for row in expected
    ]
    for now, then in zip(found, expected, strict=True):
        name = f"{now['metric']}:{now['party']}"
        assert (now["mean"] == "") == (then["mean"] == ""), name
        if then["mean"] != "":
            agrees(now, then, name)


def agrees(now: Row, then: Row, name: str) -> None:
    """A difference of large numbers is held to the size of its interval."""
    columns, cents = ("mean", "p05", "p50", "p95"), 1e-3 if then["unit"] == "USD" else 1e-9
    slack = TOLERANCE * max(abs(float(then[c])) for c in ("mean", "p05", "p95")) + cents
    if now["metric"] in SHARES_OF_DRAWS:
        columns, slack = ("mean",), 2.0 / DRAWS
    if now["metric"] in MIDDLE_MONTHS:
        columns, slack = ("p50",), 1.0
    for column in columns:
        assert float(now[column]) == pytest.approx(float(then[column]), rel=TOLERANCE, abs=slack), (
            f"{name} {column}"
        )
