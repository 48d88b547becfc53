"""The variation that public settlements allow: recovered where it is known, then read off them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calibration.mssp_variation import Change, bound, changes_of, read

PUBLISHED = Path(__file__).resolve().parents[3] / "shared/data/mssp/settlements_2013_2021.csv"


def test_a_known_variation_is_recovered() -> None:
    """Rates of two years, each with sd 2 / sqrt(members), and true changes of 1 %."""
    rng = np.random.default_rng(5)
    members = rng.lognormal(np.log(12_000), 0.6, 6000)
    rates = rng.normal(0, 2 / np.sqrt(members), (2, 6000))
    moved = rng.normal(0, 0.01, 6000)
    changes = [
        Change(f"A{k // 2}", float(rates[1, k] - rates[0, k] + moved[k]), float(members[k]))
        for k in range(6000)
    ]
    found = bound(changes, 200)
    assert found.low < 2 < found.high
    assert found.cv == pytest.approx(2, rel=0.1)


def test_changes_are_within_an_agreement() -> None:
    def row(year: int, start: str, spent: float, half: str = "False") -> dict[str, str]:
        return {
            "year": str(year), "aco_id": "A1", "six_month": half, "agreement_start": start,
            "benchmark_total": "100", "expenditure_total": str(spent),
            "assigned_beneficiaries": "5000",
        }  # fmt: skip

    rows = [
        row(2016, "1/1/16", 98),
        row(2017, "01/01/2016 12:00:00 AM", 95),
        row(2018, "01/01/2018", 90),
        row(2019, "01/01/2018", 90, "True"),
    ]
    assert changes_of(rows) == [Change("A1", pytest.approx(0.03), pytest.approx(5000))]


@pytest.mark.skipif(not PUBLISHED.is_file(), reason="the public table is not beside the checkout")
def test_the_public_files_give_what_the_page_says() -> None:
    found = bound(changes_of(read(PUBLISHED)))
    page = (Path(__file__).resolve().parents[2] / "docs/claims-and-luck.md").read_text("utf-8")
    assert f"at most {found.cv:.1f} ({found.low:.1f} to {found.high:.1f})" in page
    assert f"{found.changes:,} changes" in page
