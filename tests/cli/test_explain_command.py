"""headwater explain, and run --luck, as a user meets them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli import main
from model.loading import SHIPPED

STARTER = SHIPPED / "starter.yaml"


def call(*words: object) -> Result:
    return CliRunner().invoke(main, [str(w) for w in words])


@pytest.fixture
def other(tmp_path: Path) -> Path:
    scenario = tmp_path / "other.yaml"
    scenario.write_text(
        "extends: starter.yaml\nname: other\n"
        "interventions: {health_workers: {name: '<b>Workers', staff: {posts: 6}}}\n"
        "segments: {medicaid_adults: {use: {ed_visit: 0.1}}}\n"
    )
    return scenario


def test_parts_are_told_and_add_up(other: Path, tmp_path: Path) -> None:
    words = ("explain", STARTER, other, "--output", "net_saving:all", "--draws", 20)
    out = tmp_path / "out"
    told = call(*words, "--out", out)
    assert told.exit_code == 0, told.output
    for expected in ("lever", "assumption", "Whole difference"):
        assert expected in told.output
    found = json.loads((out / "explain.json").read_text())
    [outcome] = found["outcomes"]
    parts = sum(part["mean"] for part in outcome["parts"])
    lines = outcome["lines"]
    ends = [line["mean"] for line in (lines["default baseline"], lines["policy"])]
    assert parts == pytest.approx(ends[1] - ends[0])
    page = (out / "index.html").read_text()
    assert "<b>Workers" not in page
    again = tmp_path / "again"
    call(*words, "--out", again)
    assert (again / "explain.json").read_bytes() == (out / "explain.json").read_bytes()


def test_what_cannot_be_explained_is_told(other: Path, tmp_path: Path) -> None:
    for words, expected in (
        (("--output", "net_savin:all"), "net_saving"),
        (("--output", "net_saving:all", "--lever", "segments.medicaid"), "--lever"),
    ):
        done = call("explain", STARTER, other, *words, "--out", tmp_path / "x", "--draws", 4)
        assert done.exit_code == 2, done.output
        assert expected in done.output
        assert not (tmp_path / "x").exists()


def test_a_run_says_what_is_chance_and_how_settled_it_is(tmp_path: Path) -> None:
    mix = SHIPPED / "jackson_mix.yaml"
    done = call("run", mix, "--draws", 24, "--luck", 3, "--out", tmp_path / "run")
    assert done.exit_code == 0, done.output
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    shares = {(r["metric"], r["party"]): r for r in summary["chance"]["shares"]}
    assert summary["chance"]["replicates"] == 3
    paid = shares["contract_payment", "medicaid_plan_savings"]
    assert paid["chance"] + paid["parameters"] == pytest.approx(1.0)
    assert paid["chance"] > 0.5
    headlines = {r["metric"] for r in summary["convergence"]["headlines"]}
    assert {"p_insolvent", "closing_gap", "npv"} <= headlines
    assert "chance" in done.output
    alone = call("run", STARTER, "--draws", 24, "--out", tmp_path / "alone", "--quiet")
    assert alone.exit_code == 0
    summary = json.loads((tmp_path / "alone" / "summary.json").read_text())
    assert summary["chance"] is None
