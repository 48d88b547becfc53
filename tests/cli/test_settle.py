"""`headwater settle`: a performance file row by row, and one contract on one's own figures."""

import csv
import json
import time
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli import main

HEADER = (
    "year,aco_id,track,six_month,assigned_beneficiaries,benchmark_total,expenditure_total,"
    "minimum_savings_rate,quality_score,met_quality_standard,met_alternative_quality_standard,"
    "final_share_rate,disaster_adjustment,mid_year_termination,guardrail,revenue_category,"
    "agreement_start"
)
GOOD = "2022,A1,A,,12000,100000000,95000000,0.0288,0.8,1,,,,,,,"  # 40 % of 5 million, less 2 %
TERMS = """\
name: ours
title: Our contract
source: a letter
shared_savings: {sharing_rate: 0.4, minimum_rate: {fixed: 0.03}}
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*words: object) -> Result:
    return CliRunner().invoke(main, ["settle", *(str(word) for word in words)])


def settle(*rows: str, header: str = HEADER, ending: str = "\n", bom: str = "") -> Result:
    text = bom + ending.join([header, *rows]) + ending
    Path("in.csv").write_bytes(text.encode())
    return call("in.csv", "--output", "out.csv")


def answers() -> list[dict[str, str]]:
    with Path("out.csv").open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


# --- a performance file


def test_a_good_file() -> None:
    done = settle(GOOD)
    assert done.exit_code == 0, done.output
    assert answers() == [
        {
            "year": "2022",
            "aco_id": "A1",
            "gross_savings": "5000000.00",
            "threshold_rate": "0.02879975995",  # (3.0 % x 2,999 + 2.7 % x 2,000) / 4,999
            "applied_rate": "0.4",
            "earned": "1960000.00",
            "decided_by": "full sharing rate",
        }
    ]
    assert "1 settlement" in done.output


@pytest.mark.parametrize(("ending", "bom"), [("\r\n", ""), ("\n", "\ufeff"), ("\r\n", "\ufeff")])
def test_line_ends_and_byte_order_marks(ending: str, bom: str) -> None:
    assert settle(GOOD, "", ending=ending, bom=bom).exit_code == 0
    assert answers()[0]["earned"] == "1960000.00"


def test_numbers_with_separators_and_signs() -> None:
    done = settle('2022,A1,a,,"12,000","$100,000,000.00","95,000,000",2.88%,80%,Yes,,,,no,,,')
    assert done.exit_code == 0, done.output
    assert answers()[0]["earned"] == "1960000.00"


def test_columns_in_any_order_and_others_ignored() -> None:
    header = "note,expenditure_total,benchmark_total,Assigned_Beneficiaries,track,aco_id,year"
    done = settle("x,95e6,100e6,12000,A,A1,2022", header=header)
    assert done.exit_code == 0, done.output
    assert answers()[0]["earned"] == "1960000.00"
    assert "quality standard not stated: taken as met" in answers()[0]["decided_by"]


@pytest.mark.parametrize(
    "began",
    ["01/01/2024", "1/1/24", "1/1/24 00:00", "01/01/2024 12:00:00 AM", "1/1/2024", "2024-01-01"],
)
def test_dates_in_every_form(began: str) -> None:
    row = f"2024,A1,A,,12000,100e6,99e6,0.0288,0.8,1,,,,,,Low Revenue,{began}"
    assert settle(row).exit_code == 0
    assert float(answers()[0]["earned"]) == pytest.approx(1e6 * 0.2 * 0.98)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (GOOD.replace("2022", "2031"), "2013 to 2024"),
        (GOOD.replace(",A,", ",Q,"), "the track `Q`"),
        (GOOD.replace(",A,", ",,"), "no track"),
        (GOOD.replace("100000000", "NaN"), "benchmark_total"),
        (GOOD.replace("100000000", "inf"), "benchmark_total"),
        (GOOD.replace("100000000", "0"), "a number above 0"),
        (GOOD.replace("100000000", ""), "found nothing"),
        (GOOD.replace("95000000", "95 million"), "a finite number"),
        (GOOD.replace("95000000", '"1,00,000"'), "a finite number"),
        (GOOD.replace(",0.8,", ",8,"), "a share from 0 to 1"),
        (GOOD.replace(",1,,", ",maybe,,"), "yes or no"),
        (GOOD + "13/45/2024", "a date such as"),
        (GOOD + ",extra", "18 cells"),
        (GOOD.replace("A1", ""), "aco_id"),
        (GOOD.replace("A1", '"A"1'), "no CSV"),
        (GOOD.replace("A1", "A\u2028B"), "printable text"),
        (GOOD.replace("A1", "A\x00B"), "printable text"),
        (GOOD.replace(",A,", ",EN,").replace("0.0288", ""), "no minimum_savings_rate"),
        (GOOD.replace("2022", "2018").replace(",A,", ",T1,").replace("0.8,", ","), "quality_score"),
        (GOOD.replace("A1", "A0"), "also on line 2"),
    ],
)
def test_bad_rows_are_told_and_good_ones_written(row: str, words: str) -> None:
    done = settle(GOOD.replace("A1", "A0"), row, GOOD.replace("A1", "A2"))
    assert done.exit_code == 2
    assert words in done.output
    assert "in.csv:3:" in done.output
    assert [answer["aco_id"] for answer in answers()] == ["A0", "A2"]


def test_every_fault_of_a_row_is_told() -> None:
    done = settle(GOOD.replace("100000000", "x").replace("95000000", "y"))
    assert done.output.count("in.csv:2:") == 2


def test_a_quoted_line_break_keeps_the_count_of_lines() -> None:
    done = settle('2022,"A\n1",A,,12000,100e6,95e6,,,1,,,,,,,', GOOD.replace("A1", "Q,Q"))
    assert "in.csv:2:" in done.output
    assert "in.csv:4:" in done.output


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"", "an empty file"),
        (b"\n\n", "an empty file"),
        (HEADER.encode() + b"\n", "a file without rows"),
        (b"year,aco_id\n2022,A1\n", "benchmark_total"),
        (b"year;aco_id\n", "no such column"),
        (HEADER.replace("track", "trak").encode() + b"\n", "did you mean `trak`"),
        (HEADER.encode() + b",year\n" + GOOD.encode() + b",1\n", "a column twice"),
        ("é".encode("latin-1"), "not UTF-8"),
    ],
)
def test_files_that_are_no_performance_file(text: bytes, words: str) -> None:
    Path("in.csv").write_bytes(text)
    done = call("in.csv", "--output", "out.csv")
    assert done.exit_code == 2
    assert words in done.output
    assert not Path("out.csv").exists()


def test_paths_that_cannot_be() -> None:
    assert "no such file" in call("none.csv", "--output", "out.csv").output
    settle(GOOD)
    for output in ("in.csv", ".", "no/such/folder.csv"):
        assert call("in.csv", "--output", output).exit_code == 2
    assert Path("in.csv").read_text(encoding="utf-8").startswith("year,")


@pytest.mark.parametrize("name", ["=1+1", "+A", "-A", "@A"])
def test_no_cell_becomes_a_formula(name: str) -> None:
    assert settle(GOOD.replace("A1", name)).exit_code == 0
    assert answers()[0]["aco_id"] == f"'{name}"


def test_own_terms_for_a_whole_file() -> None:
    Path("terms.yaml").write_text(TERMS, encoding="utf-8")
    header = "year,aco_id,benchmark_total,expenditure_total"
    Path("in.csv").write_text(f"{header}\n2031,A,100,96\n2031,B,100,98\n", encoding="utf-8")
    done = call("in.csv", "--terms", "terms.yaml", "--output", "out.csv")
    assert done.exit_code == 0, done.output
    assert [answer["earned"] for answer in answers()] == ["1.60", "0.00"]


def test_100_000_rows_take_seconds() -> None:
    rows = (GOOD.replace("A1", f"A{k}") for k in range(100_000))
    Path("in.csv").write_text("\n".join([HEADER, *rows]), encoding="utf-8")
    began = time.perf_counter()
    assert call("in.csv", "--output", "out.csv").exit_code == 0
    assert time.perf_counter() - began < 30
    assert len(answers()) == 100_000


# --- one's own figures


def test_figures_by_the_default_terms() -> None:
    done = call("--benchmark", "62.5e6", "--expenditure", "60.1e6", "--members", 5000)
    assert done.exit_code == 0, done.output
    assert "1,200,000.00 USD" in done.output
    assert "25.0%" in done.output  # paid without any effect


def test_figures_by_own_terms_as_json() -> None:
    Path("terms.yaml").write_text(TERMS, encoding="utf-8")
    figures = ("--benchmark", "100e6", "--expenditure", "95e6", "--format", "json")
    told = json.loads(call("--terms", "terms.yaml", *figures).output)
    assert told["earned"] == pytest.approx(2e6)
    assert "measurement" in told["note"]


def test_figures_by_a_shipped_contract() -> None:
    figures = ("--benchmark", "100e6", "--expenditure", "95e6", "--members", 12_000)
    done = call("--terms", "mssp_basic_e", *figures, "--minimum-savings-rate", 0.02)
    assert done.exit_code == 0, done.output
    assert "2,450,000.00 USD" in done.output


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--benchmark", "100", "--terms", "mssp_basic_e"), "--expenditure"),
        (("--benchmark", "nan", "--expenditure", "1"), "--benchmark"),
        (("--benchmark", "0", "--expenditure", "1"), "--benchmark"),
        (("--benchmark", "9", "--expenditure", "-1"), "--expenditure"),
        (
            ("--benchmark", "9", "--expenditure", "1", "--terms", "mssp_basic_e"),
            "add --minimum-savings-rate 0.01; this contract lets choose one",
        ),
        (("--benchmark", "9", "--expenditure", "1", "--terms", "none.yaml"), "no such file"),
        (
            ("--benchmark", "9", "--expenditure", "1", "--terms", "medicaid_plan_fee"),
            "shared_savings",
        ),
        (
            ("--benchmark", "9", "--expenditure", "1", "--terms", "mssp_basic_a", "--year", "2031"),
            "--year  found the year 2031",
        ),
        (
            ("--benchmark", "9", "--expenditure", "1", "--terms", "mssp_basic"),
            "one of: ",
        ),
        (
            ("--benchmark", "9", "--expenditure", "1", "--terms", "mssp_basic"),
            "did you mean `mssp_basic_",
        ),
        (("nofile.csv",), "nofile.csv  found no such file"),
        (("docs",), "docs  found a folder; allowed: a CSV file"),
        ((), "PERFORMANCE"),
    ],
)
def test_figures_that_cannot_be_settled(words: tuple[str, ...], told: str) -> None:
    Path("docs").mkdir()
    done = call(*words)
    assert done.exit_code == 2
    assert told in done.output
