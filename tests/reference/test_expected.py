"""Every shipped scenario gives the answer that stands beside it."""

from pathlib import Path

import pytest

from .expected import TOLERANCE, answer, expected_file, read, scenarios


@pytest.mark.parametrize("scenario", scenarios(), ids=lambda path: path.stem)
def test_the_answer_beside_the_scenario(scenario: Path) -> None:
    expected, found = read(expected_file(scenario)), answer(scenario)
    assert [row["metric"] + ":" + row["party"] for row in found] == [
        row["metric"] + ":" + row["party"] for row in expected
    ]
    for now, then in zip(found, expected, strict=True):
        # A difference of large numbers is held to the size of its interval.
        if then["mean"] == "":
            assert now["mean"] == "", f"{now['metric']}:{now['party']}"
            continue
        size = max(abs(float(then[c])) for c in ("mean", "p05", "p95"))
        cents = 1e-3 if then["unit"] == "USD" else 1e-9
        for column in ("mean", "p05", "p50", "p95"):
            assert float(now[column]) == pytest.approx(
                float(then[column]), rel=TOLERANCE, abs=TOLERANCE * size + cents
            ), f"{now['metric']}:{now['party']} {column}"
