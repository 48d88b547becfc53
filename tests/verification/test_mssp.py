"""Real settlements of the Medicare Shared Savings Program, and later years' rules by hand.

../shared/data/mssp: the public "Performance Year Financial and Quality Results" files of the
Centers for Medicare & Medicaid Services. Seven of 3,860 rows turn on a fact that the files lack.
"""

import csv
from pathlib import Path

import pytest

from model.finance.batch import settle_performance
from model.finance.performance import Row
from model.finance.presets import preset, tracks
from model.finance.rules import rules_of
from model.finance.settlement import Settlement, settle

ROOT = Path(__file__).resolve().parents[2]
PUBLISHED = ROOT.parent / "shared" / "data" / "mssp" / "settlements_2013_2021.csv"
with_settlements = pytest.mark.skipif(
    not PUBLISHED.is_file(), reason="the table of published settlements is not beside the checkout"
)
MAXIMUM = {"T1": 0.5, "T1+": 0.5, "T2": 0.6, "T3": 0.75, "EN": 0.75, "A": 0.4, "B": 0.4}


def published() -> list[dict[str, str]]:
    with PUBLISHED.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def tolerance(row: dict[str, str]) -> float:
    """$1 where quality does not scale the rate, else what a score of 4 decimals leaves open."""
    by_score = int(row["year"]) <= 2020 or row["track"] in ("T2", "T3", "EN")
    if not by_score or row["quality_score"] in ("", "0.0", "1.0"):
        return 1.0
    gross = float(row["benchmark_total"]) - float(row["expenditure_total"])
    return abs(gross) * MAXIMUM.get(row["track"], 0.5) * 0.00005 + 1.50


def settled(path: Path) -> dict[tuple[int | None, str], Settlement]:
    settlements, problems = settle_performance(path)
    assert problems == []
    return {(s.year, s.aco_id): s for s in settlements}


def without(columns: tuple[str, ...], folder: Path) -> Path:
    """The published file without some columns."""
    path = folder / "without.csv"
    rows = published()
    kept = [name for name in rows[0] if name not in columns]
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, kept, extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    return path


def misses(settlements: dict[tuple[int | None, str], Settlement]) -> list[dict[str, str]]:
    return [
        row
        for row in published()
        if abs(settlements[int(row["year"]), row["aco_id"]].earned - float(row["earned_published"]))
        > tolerance(row)
    ]


@with_settlements
def test_all_derivable_rows_are_reproduced_without_the_published_answer(tmp_path: Path) -> None:
    path = without(("earned_published", "not_derivable_because"), tmp_path)
    missed = misses(settled(path))
    derivable = sum(not row["not_derivable_because"] for row in published())
    assert derivable == 3853
    reasons = {row["not_derivable_because"] for row in missed}
    assert reasons == {"revenue-based loss limit, revenue not published"}
    assert len(missed) == 4  # and the three quality failures, which a final rate of 0 reveals


@with_settlements
def test_the_final_rate_only_reveals_that_it_is_zero(tmp_path: Path) -> None:
    """Without it nothing changes but the three rows of 2014-15 whose failed quality it shows."""
    path = without(("earned_published", "final_share_rate"), tmp_path)
    missed = misses(settled(path))
    assert all(row["not_derivable_because"] for row in missed)
    assert len(missed) == 7


@with_settlements
def test_rows_that_need_revenue_say_so() -> None:
    """A loss that a limit by revenue might lower is marked where the revenue is not given."""
    of_file = settled(PUBLISHED)
    open_rows = [r for r in published() if r["not_derivable_because"].startswith("revenue")]
    told = [of_file[int(r["year"]), r["aco_id"]].decided_by for r in open_rows]
    assert all("participant_revenue is not given" in words for words in told)


@with_settlements
def test_every_answer_names_a_clause_and_fits_it() -> None:
    for s in settled(PUBLISHED).values():
        assert s.decided_by
        assert s.threshold_rate >= 0
        assert (s.applied_rate == 0) == (s.earned == 0)
        assert s.earned * s.gross_savings >= 0


# --- tracks and years beyond the file, by hand: benchmark 100 million


def one(track: str, year: int, expenditure: float, **facts: object) -> Settlement:
    facts = {"members": 12_000.0, "met_standard": True, "printed_minimum": 0.02} | facts
    row = Row(year, "X", 100e6, expenditure, track=track, **facts)  # type: ignore[arg-type]
    return settle(row, rules_of(preset(tracks()[track]).in_year(year)))


@pytest.mark.parametrize(
    ("track", "year", "expenditure", "facts", "earned", "words"),
    [
        # 2022: meeting the standard pays the whole maximum rate; sequestration is back.
        ("A", 2022, 95e6, {"score": 0.7}, 5e6 * 0.4 * 0.98, "full sharing rate"),
        ("EN", 2022, 95e6, {"score": 0.7}, 5e6 * 0.75 * 0.98, "full sharing rate"),
        ("EN", 2022, 95e6, {"met_standard": False}, 0, "quality standard not met"),
        # the alternative standard: only from 2023, maximum rate x score
        (
            "E",
            2022,
            95e6,
            {"met_standard": False, "met_alternative": True, "score": 0.6},
            0,
            "not met",
        ),
        (
            "E",
            2023,
            95e6,
            {"met_standard": False, "met_alternative": True, "score": 0.6},
            5e6 * 0.5 * 0.6 * 0.98,
            "alternative quality standard",
        ),
        ("E", 2023, 95e6, {"met_standard": False, "met_alternative": False}, 0, "not met"),
        # losses of ENHANCED use the score in all years; 75 % where quality failed
        ("EN", 2023, 105e6, {"score": 0.6}, -5e6 * (1 - 0.75 * 0.6), "loss rate of 55 %"),
        ("EN", 2023, 105e6, {"score": 0.9}, -5e6 * 0.40, "loss rate of 40 %"),
        (
            "EN",
            2024,
            105e6,
            {"met_standard": False, "score": 0.2},
            -5e6 * 0.75,
            "loss rate of 75 %",
        ),
        ("EN", 2022, 130e6, {"score": 0.6}, -15e6, "loss limit of 15 % of the benchmark"),
        # BASIC losses: 30 %, limits by benchmark and by revenue
        ("C", 2022, 103e6, {"revenue": 1e9}, -0.9e6, "loss rate of 30 %"),
        ("C", 2022, 105e6, {"revenue": 1e9}, -1e6, "loss limit of 1 % of the benchmark"),
        ("C", 2022, 105e6, {"revenue": 20e6}, -0.4e6, "loss limit of 2 % of participants' revenue"),
        ("D", 2023, 110e6, {}, -2e6, "loss limit of 2 % of the benchmark"),
        ("E", 2024, 120e6, {}, -4e6, "loss limit of 4 % of the benchmark"),
        ("E", 2024, 120e6, {"adjustment": -1e6}, -3e6, "a part of the loss forgiven"),
        ("E", 2024, 120e6, {"adjustment": -9e6}, 0, "the whole loss forgiven"),
        # payment limits, after sequestration, and exactly the limit
        ("A", 2022, 70e6, {}, 10e6, "payment limit of 10 % of the benchmark"),
        ("EN", 2022, 70e6, {}, 20e6, "payment limit of 20 % of the benchmark"),
        ("T2", 2015, 70e6, {"score": 1.0}, 15e6, "payment limit of 15 % of the benchmark"),
        # later years' flags
        ("E", 2024, 95e6, {"guardrail": True}, 0, "guardrail"),
        ("E", 2024, 105e6, {"guardrail": True}, -1.5e6, "loss rate of 30 %"),
        ("E", 2024, 95e6, {"guardrail": False}, 5e6 * 0.5 * 0.98, "full sharing rate"),
        ("E", 2023, 95e6, {"terminated": True}, 0, "mid-year termination"),
        ("E", 2023, 105e6, {"terminated": True}, 0, "mid-year termination: a pro-rated loss"),
        ("B", 2024, 105e6, {}, 0, "one-sided"),
    ],
)
def test_rules_of_tracks_and_years(
    track: str, year: int, expenditure: float, facts: dict[str, object], earned: float, words: str
) -> None:
    answer = one(track, year, expenditure, **facts)
    assert answer.earned == pytest.approx(earned, abs=0.01)
    assert words in answer.decided_by


LOW = {"revenue_category": "Low Revenue"}


@pytest.mark.parametrize(
    ("year", "began", "facts", "rate"),
    [
        (2024, "2024-01-01", LOW, 0.25),
        (2024, "2024-01-01", {"revenue_category": "High Revenue"}, 0),
        (2024, "2023-01-01", LOW, 0),
        (2024, None, LOW, 0),
        (2023, "2022-01-01", LOW, 0),
        (2024, "2024-01-01", LOW | {"met_standard": False}, 0),
        (
            2024,
            "2024-01-01",
            LOW | {"met_standard": False, "met_alternative": True, "score": 0.8},
            0.2,
        ),
    ],
)
def test_low_revenue_gets_half_the_rate_below_the_minimum_from_2024(
    year: int, began: str | None, facts: dict[str, object], rate: float
) -> None:
    from datetime import date

    start = date.fromisoformat(began) if began else None
    answer = one("C", year, 99e6, agreement_start=start, **facts)  # saved 1 %, minimum 2 %
    assert answer.earned == pytest.approx(1e6 * rate * 0.98)
    assert answer.applied_rate == pytest.approx(rate)
    assert answer.threshold_rate == 0.02


def test_track_2_limits_losses_by_year_of_the_agreement() -> None:
    from datetime import date

    start = date(2016, 1, 1)
    limits = [
        -one("T2", year, 140e6, score=0.5, agreement_start=start).earned / 100e6
        for year in (2016, 2017, 2018, 2019)
    ]
    assert limits == pytest.approx([0.05, 0.075, 0.10, 0.10])
    first = one("T2", 2013, 140e6, score=0.5, agreement_start=date(2012, 4, 1))
    assert first.earned == -5e6  # 2012 and 2013 were one performance year


@pytest.mark.parametrize(
    ("members", "rate"),
    [
        (500, 0.122), (999, 0.087), (1000, 0.087), (2999, 0.050), (3000, 0.050), (4999, 0.039),
        (5000, 0.039), (5999, 0.036), (6000, 0.036), (7000, 0.034), (8000, 0.032), (9000, 0.031),
        (10_000, 0.030), (14_999, 0.027), (15_000, 0.027), (20_000, 0.025),
        (35_000, 704.975 / 29_999),
        (49_999, 0.022), (50_000, 0.022), (59_999, 0.020), (60_000, 0.020), (900_000, 0.020),
    ],
)  # fmt: skip
def test_the_sliding_scale(members: float, rate: float) -> None:
    assert one("A", 2022, 95e6, members=members).threshold_rate == pytest.approx(rate, abs=1e-9)


def test_below_500_members_the_printed_rate_holds() -> None:
    assert one("A", 2022, 95e6, members=400.0, printed_minimum=0.13).threshold_rate == 0.13


def test_a_two_sided_contract_elects_its_minimum_or_takes_the_unrounded_scale() -> None:
    assert one("E", 2022, 95e6, printed_minimum=0.005).threshold_rate == 0.005
    scale = one("E", 2022, 95e6, members=12_345.0, printed_minimum=0.0286).threshold_rate
    assert scale == pytest.approx((0.030 * 2654 + 0.027 * 2345) / 4999, abs=1e-12)
