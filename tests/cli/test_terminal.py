"""What a run, a check and a comparison look like at a terminal, and in a pipe."""

import io
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from model import ensemble, runfolder
from model.comparison import Compared, compare
from model.loading import load
from report import compared, compared_money, compared_terminal, progress, terminal

STARTER = Path(__file__).resolve().parents[2] / "scenarios" / "starter.yaml"
WIDTHS = (60, 80, 100, 140)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    folder = tmp_path_factory.mktemp("run")
    return runfolder.write(ensemble.run(load(STARTER), 128, 1), folder, 1.0), folder


def printed(show: Callable[[Console], object], width: int, colour: bool = False) -> str:
    out = io.StringIO()
    system = "standard" if colour else None
    show(Console(file=out, width=width, force_terminal=colour, color_system=system))  # type: ignore[arg-type]
    return out.getvalue()


@pytest.mark.parametrize("width", WIDTHS)
def test_a_run_fits_the_screen_and_loses_no_number(
    run: tuple[dict[str, Any], Path], width: int
) -> None:
    summary, folder = run
    text = printed(lambda to: terminal.show_run(summary, folder, to), width)
    assert max(map(len, text.splitlines())) <= width
    flat = " ".join(text.split())
    for words in ("Community", "90 % interval", "of 100 draws", "undiscounted", "are means over"):
        assert words in flat, words
    if width >= 80:
        assert "Medicaid health plan" in flat
        assert "…" not in text


@pytest.fixture(scope="module")
def financed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], Path]:
    folder = tmp_path_factory.mktemp("financed")
    loaded = load(STARTER.with_name("jackson_mix.yaml"))
    return runfolder.write(ensemble.run(loaded, 128, 1), folder, 1.0), folder


@pytest.mark.parametrize("width", WIDTHS)
def test_a_financed_run_says_why_and_what_is_too_good(
    financed: tuple[dict[str, Any], Path], width: int
) -> None:
    summary, folder = financed
    text = printed(lambda to: terminal.show_run(summary, folder, to), width)
    where = str(folder / "scenario.yaml")
    lines = [line for line in text.splitlines() if where not in line]
    assert max(map(len, lines)) <= width
    flat = " ".join(text.split())
    assert "Too good to be true? Three findings of `headwater check`" in flat
    assert "no number of members is enough" in flat
    assert "Back-fill: others use the capacity that is freed" in flat
    if width >= 80:
        [medicare] = [line for line in lines if line.startswith("Traditional ")]
        assert medicare.rstrip().endswith("  back-fill")
        assert "…" not in text


@pytest.fixture(scope="module")
def jacksons() -> Compared:
    names = ("jackson", "jackson_dues", "jackson_mix")
    return compare([load(STARTER.with_name(f"{name}.yaml")) for name in names], 128, 1, "lhs")


def test_many_scenarios_are_a_line_each(jacksons: Compared, tmp_path: Path) -> None:
    text = printed(lambda to: terminal.show_comparison(jacksons, tmp_path, to), 100)
    lines = text.splitlines()
    assert len(lines) < 50
    for number, name in enumerate(("jackson", "jackson_dues", "jackson_mix"), start=1):
        assert sum(line.startswith(f"{number} {name} ") for line in lines) == 1
    assert "The interventions cost and avoid the same in all." in text
    [county] = [line.split() for line in lines if line.startswith("Jackson County")]
    assert county[-2:] == ["=", "="]


@pytest.mark.parametrize("width", WIDTHS)
def test_no_number_of_a_comparison_is_cut(jacksons: Compared, tmp_path: Path, width: int) -> None:
    text = printed(lambda to: terminal.show_comparison(jacksons, tmp_path, to), width)
    assert max(map(len, text.splitlines())) <= width
    assert "…" not in text
    shown = set(text.split())
    data = compared.with_period(jacksons)
    for k, heading in enumerate(compared_money.HEADINGS):
        if width >= compared_terminal.NEEDS.get(heading, 0):
            for _, cells in compared_money.overview(data):
                assert set(cells[k][0].split()) <= shown, heading


def test_scenarios_that_cost_more_show_it(tmp_path: Path) -> None:
    posts = "interventions.health_workers.staff.posts"
    three = [load(STARTER, [f"name=s{k}", f"{posts}={k}"]) for k in (4, 6, 8)]
    text = printed(
        lambda to: terminal.show_comparison(compare(three, 128, 1, "lhs"), tmp_path, to), 100
    )
    assert "Care and programmes, all payers and funders" in text
    assert "Interventions" in text


def test_colour_is_no_part_of_the_message(run: tuple[dict[str, Any], Path]) -> None:
    summary, folder = run
    plain = printed(lambda to: terminal.show_run(summary, folder, to), 100)
    colour = printed(lambda to: terminal.show_run(summary, folder, to), 100, colour=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", colour) == plain


def test_names_cannot_move_the_cursor(run: tuple[dict[str, Any], Path]) -> None:
    summary, folder = run
    names = dict(summary["names"]) | {"medicaid_plan": "evil\x1b[2J[red]name"}
    changed = summary | {"names": names, "title": "t\x1b]0;x\x07"}
    text = printed(lambda to: terminal.show_run(changed, folder, to), 100)
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[red]" in text


def test_a_check_counts_first_and_last() -> None:
    loaded = load(STARTER)
    found: list[int] = []
    text = printed(lambda to: found.append(terminal.show_check(loaded, STARTER, to)), 100)
    assert text.count("assumptions: no source") == 2
    assert found == [terminal.count_unsourced(loaded)]
    numbers = [line for line in text.splitlines() if "without source or reason" in line]
    assert len(numbers) == 2
    assert numbers[0].split()[0] == str(found[0])
    assert "your state's enrolment" in text


def test_a_check_says_units_as_people_do() -> None:
    text = printed(lambda to: terminal.show_check(load(STARTER), STARTER, to), 140)
    assert "750 to 1,150 per 1,000 person-years" in text


@pytest.mark.parametrize("width", WIDTHS)
def test_findings_fit_the_screen(width: int) -> None:
    scenario = STARTER.with_name("jackson_medicaid_shared_savings.yaml")
    text = printed(lambda to: terminal.show_check(load(scenario), scenario, to), width)
    section = text[text.index("Too good to be true?") :]
    assert max(len(line.rstrip()) for line in section.splitlines()) <= width
    flat = " ".join(section.split())
    assert flat.index("1 key financing.contracts") < flat.index("2 key financing.contracts")
    assert flat.index("2 key financing.contracts") < flat.index("3 key interventions.")
    assert "no number of members is enough (2 % minimum)" in flat


@pytest.mark.parametrize("width", WIDTHS)
def test_a_comparison_shows_every_scenario(width: int, tmp_path: Path) -> None:
    many = [load(STARTER, [f"name=s{k}"]) for k in range(5)]
    compared = compare(many, 8, 1, "lhs")
    text = printed(lambda to: terminal.show_comparison(compared, tmp_path, to), width)
    assert max(map(len, text.splitlines())) <= width
    assert all(f"s{k}" in text for k in range(5))
    assert "the same" in text


def test_a_difference_is_said_with_its_interval_and_chance(tmp_path: Path) -> None:
    more = load(STARTER, ["name=more", "interventions.health_workers.staff.posts=8"])
    compared = compare([load(STARTER), more], 128, 1, "lhs")
    text = printed(lambda to: terminal.show_comparison(compared, tmp_path, to), 100)
    assert "difference from" in text
    assert "+$1.85M" in text
    assert "higher in every draw" in text


def test_few_draws_are_said_to_be_few(tmp_path: Path) -> None:
    two = [load(STARTER), load(STARTER, ["name=b"])]
    text = printed(
        lambda to: terminal.show_comparison(compare(two, 9, 1, "lhs"), tmp_path, to), 100
    )
    flat = " ".join(text.split())
    assert "too few draws for a chance or an interval" in flat
    assert "of 100 draws" not in flat


def test_a_pipe_gets_a_hundred_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert terminal.console(io.StringIO()).width == 100


def test_json_is_one_object(run: tuple[dict[str, Any], Path]) -> None:
    summary, folder = run
    assert json.loads(json.dumps(terminal.run_json(summary, folder), allow_nan=False))


# --- progress


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_silent_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    for quiet, stream in ((True, Screen()), (False, io.StringIO())):
        monkeypatch.setattr("sys.stderr", stream)
        with progress.bar("x", 10, quiet) as advance:
            advance(10)
        assert stream.getvalue() == ""


def test_a_quick_run_shows_no_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setattr("sys.stderr", screen)
    with progress.bar("x", 10, quiet=False) as advance:
        advance(10)
    assert screen.getvalue() == ""


@pytest.mark.parametrize("compiled", [True, False])
def test_a_slow_run_says_what_it_does(monkeypatch: pytest.MonkeyPatch, compiled: bool) -> None:
    import time

    screen = Screen()
    monkeypatch.setattr("sys.stderr", screen)
    monkeypatch.setattr(progress, "AFTER", 0.01)
    monkeypatch.setattr(progress, "is_compiled", lambda: compiled)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with progress.bar("starter: 10 draws", 10, quiet=False) as advance:
        time.sleep(0.2)
        advance(5)
        time.sleep(0.2)
    shown = screen.getvalue()
    assert ("compiling the equations" in shown) is not compiled
    assert "starter: 10 draws" in shown
