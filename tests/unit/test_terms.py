"""Terms of contracts: shipped files, users' files, and mistakes told at their line."""

from pathlib import Path

import pytest

from model.finance.presets import (
    SCHEMA_FILE,
    SHIPPED,
    contract_schema_text,
    load,
    load_fixed,
    preset,
    preset_paths,
    tracks,
)
from model.problems import BadInput
from model.terms import Contract

PLAIN = """\
name: ours
title: Our contract
source: a letter
shared_savings:
  sharing_rate: {value: 40, unit: "%"}
  minimum_rate: {fixed: 0.01}
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "terms.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def refusal(folder: Path, text: str) -> str:
    with pytest.raises(BadInput) as caught:
        load_fixed(write(folder, text))
    return str(caught.value)


# --- shipped


def test_shipped_schema_is_in_step() -> None:
    assert SCHEMA_FILE.read_text(encoding="utf-8") == contract_schema_text()


@pytest.mark.parametrize("name", preset_paths())
def test_every_shipped_contract_loads_and_says_its_source(name: str) -> None:
    contract = preset(name).contract
    assert contract.name == name
    assert contract.source


def test_every_track_of_the_program_has_terms() -> None:
    public = {"T1", "T2", "T3", "T1+", "A", "B", "C", "D", "E", "EN"}
    assert public <= set(tracks())


def test_a_track_belongs_to_one_contract() -> None:
    names = [t for name in preset_paths() for t in preset(name).contract.tracks]
    assert len(names) == len(set(names))


@pytest.mark.parametrize(
    ("year", "sequestration", "pays", "alternative"),
    [
        (2013, 0.02, "score", "nothing"),
        (2018, 0.02, "score", "nothing"),
        (2019, 0.0, "score", "nothing"),
        (2020, 0.0, "score", "nothing"),
        (2021, 0.02, "all", "nothing"),
        (2022, 0.02, "all", "nothing"),
        (2023, 0.02, "all", "score"),
        (2024, 0.02, "all", "score"),
    ],
)
@pytest.mark.parametrize("name", ["mssp_track_1", "mssp_basic_e", "mssp_enhanced"])
def test_amendments_by_year(
    name: str, year: int, sequestration: float, pays: str, alternative: str
) -> None:
    terms = preset(name).in_year(year).shared_savings
    assert terms is not None
    assert terms.sequestration.central == sequestration
    assert (terms.quality.pays, terms.quality.alternative_pays) == (pays, alternative)


def test_levels_of_the_basic_track_differ_in_limits_only() -> None:
    limits = {}
    for level in "cde":
        terms = preset(f"mssp_basic_{level}").contract.shared_savings
        assert terms is not None
        assert terms.loss is not None
        assert terms.loss.limit_of_benchmark is not None
        assert terms.loss.limit_of_revenue is not None
        assert terms.sharing_rate.central == 0.5
        benchmark, revenue = terms.loss.limit_of_benchmark, terms.loss.limit_of_revenue
        limits[level] = (benchmark.central, revenue.central)
    assert limits == {"c": (0.01, 0.02), "d": (0.02, 0.04), "e": (0.04, 0.08)}


# --- users' own


def test_units_are_converted_at_the_door(tmp_path: Path) -> None:
    terms = load(write(tmp_path, PLAIN)).contract.shared_savings
    assert terms is not None
    assert terms.sharing_rate.central == pytest.approx(0.4)


def test_a_file_may_extend_a_shipped_contract(tmp_path: Path) -> None:
    text = "extends: mssp_basic_e.yaml\nshared_savings: {sharing_rate: 0.6}\n"
    terms = load(write(tmp_path, text)).in_year(2023).shared_savings
    assert terms is not None
    assert terms.sharing_rate.central == 0.6
    assert terms.quality.alternative_pays == "score"
    assert terms.loss is not None


def test_a_distribution_is_kept_for_draws_and_refused_for_a_settlement(tmp_path: Path) -> None:
    text = PLAIN.replace("{value: 40", "{uniform: {low: 30, high: 50}")
    assert load(write(tmp_path, text)).contract.shared_savings is not None
    told = refusal(tmp_path, text)
    assert "terms.yaml:5:3" in told
    assert "shared_savings.sharing_rate" in told
    assert "a settlement has no uncertainty" in told


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("sharing_rate:", "sharing_rat:", 5, "did you mean `sharing_rate`"),
        ("value: 40", "value: 140", 5, "from 0 to 1"),
        ("value: 40", "value: .nan", 5, "finite"),
        ("fixed: 0.01", "fixed: 0.01, elected: [0.02]", 6, "either fixed, or scale"),
        ("fixed: 0.01", "elected: [0.02]", 6, "fixed, or scale"),
        ("fixed: 0.01", "scale: [{lower: 5000, rate_at_lower: 2}]", 6, "from 0 to 1"),
        (
            "{fixed: 0.01}",
            "{scale: [{lower: 50, upper: 9, rate_at_lower: 0.1, rate_at_upper: 0.2}]}",
            6,
            "an upper end above",
        ),
        ("minimum_rate: {fixed: 0.01}", "loss: {rate: {floor: 0.4}}", 6, "either fixed, or floor"),
        ("source: a letter\n", "", 1, "text (required)"),
    ],
)
def test_mistakes_are_told_at_their_line(
    tmp_path: Path, old: str, new: str, line: int, words: str
) -> None:
    told = refusal(tmp_path, PLAIN.replace(old, new))
    assert f"terms.yaml:{line}:" in told
    assert words in told


AMENDED = """\
amendments:
  - since: 2026
    source: a second letter
    changes:
      shared_savings: {sharing_rate: 0.5}
  - since: 2027
    through: 2027
    source: a third letter
    changes:
      shared_savings: {sequestration: 0.02}
"""


def test_amendments_add_up(tmp_path: Path) -> None:
    terms = load(write(tmp_path, PLAIN + AMENDED))
    shares = {}
    for year in (2025, 2026, 2027, 2028):
        now = terms.in_year(year).shared_savings
        assert now is not None
        shares[year] = (round(now.sharing_rate.central, 9), now.sequestration.central)
    assert shares == {2025: (0.4, 0), 2026: (0.5, 0), 2027: (0.5, 0.02), 2028: (0.5, 0)}


def test_a_mistake_in_an_amendment_is_told_at_its_line(tmp_path: Path) -> None:
    told = refusal(tmp_path, PLAIN + AMENDED.replace("sequestration: 0.02", "sequestration: 2"))
    assert "terms.yaml:16:" in told
    assert "shared_savings.sequestration" in told


OVERLAPPING = "[{lower: 0, upper: 0.3, per_point: 1}, {lower: 0.2, upper: 0.4, per_point: 1}]"


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("", "one kind of payment or more"),
        ("withhold: {withheld_from: x, rate: 0.1, earn_back_limit: 0.5}", "others, who receive"),
        ("withhold: {withheld_from: x, rate: 0.1, others: {a: 0.5}}", "shares that add up to 1"),
        ("outcomes: {metrics: {a: {unit: x}}}", "either a price or bands"),
        (
            "outcomes: {minimum: 9, maximum: 3, metrics: {a: {unit: x, price: 1}}}",
            "a maximum not below",
        ),
        (
            f"outcomes: {{metrics: {{a: {{unit: x, bands: {OVERLAPPING}}}}}}}",
            "ascending order",
        ),
        ("case_rate: 100\ndistribution: {a: 0.5, b: 0.4}", "shares that add up to 1"),
    ],
)
def test_other_kinds_are_checked(tmp_path: Path, kind: str, words: str) -> None:
    assert words in refusal(tmp_path, f"name: ours\ntitle: x\nsource: y\n{kind}\n")


def test_shipped_contracts_hold_numbers_only() -> None:
    assert SHIPPED.is_dir()
    assert all(isinstance(load_fixed(path).contract, Contract) for path in preset_paths().values())
