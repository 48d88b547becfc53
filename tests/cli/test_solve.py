"""solve, grid and frontier as a user meets them: the answer, the files, how they say no."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli import main
from model.loading import SHIPPED

STARTER, MIX = SHIPPED / "starter.yaml", SHIPPED / "jackson_mix.yaml"
COST = "interventions.health_workers.costs.per_post"
POSTS = "interventions.health_workers.staff.posts"
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def solve(*words: object, target: str = "npv:medicaid_plan >= -500000") -> Result:
    return call("solve", STARTER, "--vary", COST, "--target", target, "--draws", 10, *words)


class TestSolve:
    def test_answer_in_words_and_files(self, folder: Path) -> None:
        done = solve("--out", "out")
        assert done.exit_code == 0, done.output
        assert "The target holds up to $" in done.output
        assert "Monte Carlo standard error" in done.output
        assert {path.name for path in (folder / "out").iterdir()} == {
            "solve.json", "curve.csv", "curve.png"
        }  # fmt: skip
        assert (folder / "out" / "curve.png").read_bytes().startswith(PNG)

    def test_the_answer_reaches_the_target_in_a_run_of_its_own(self) -> None:
        told = json.loads(solve("--format", "json").output)
        value = told["roots"][0]["value"]
        run = call("run", STARTER, "--draws", 10, "--set", f"{COST}={value}", "--format", "json")
        metrics = json.loads(run.output)["metrics"]
        npv = next(m for m in metrics if (m["metric"], m["party"]) == ("npv", "medicaid_plan"))
        assert npv["mean"] == pytest.approx(-500_000, abs=50)

    def test_no_solution_says_what_the_ends_reach(self) -> None:
        done = solve(target="npv:medicaid_plan >= 1e9")
        assert done.exit_code == 0
        assert "No solution: at $0 a post-year it comes to" in done.output
        assert "--low and --high look further" in done.output

    def test_whole_posts_and_other_outcomes(self) -> None:
        done = call("solve", STARTER, "--vary", POSTS, "--target", "npv:medicaid_plan >= -1e6",
                    "--draws", 10, "--also", "benefit:medicaid_plan")  # fmt: skip
        assert done.exit_code == 0, done.output
        assert "In whole numbers: " in done.output
        assert "Beside it" in done.output
        assert "benefit:" in done.output

    def test_the_same_bytes_again(self, folder: Path) -> None:
        for name in ("a", "b"):
            assert solve("--out", name, "--quiet").output == ""
        for name in ("solve.json", "curve.csv", "curve.png"):
            first, second = ((folder / out / name).read_bytes() for out in ("a", "b"))
            assert first == second

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (["--vary", "nothing.here"], "no number of the scenario"),
            (["--target", "npv:medicaid_plans >= 0"], "did you mean `npv:medicaid_plan`"),
            (["--target", "npv"], "no comparison with a number"),
            (["--low", "-5"], "outside what"),
            (["--also", "nothing"], "--also"),
            (["--out", "taken"], "is no `solve` folder"),
        ],
    )
    def test_says_no_without_a_traceback(self, words: list[str], told: str, folder: Path) -> None:
        (folder / "taken").mkdir()
        (folder / "taken" / "letter.txt").write_text("mine")
        done = solve(*words)
        assert done.exit_code == 2
        assert told in done.output
        assert "Traceback" not in done.output
        assert (folder / "taken" / "letter.txt").exists()


class TestGrid:
    def grid(self, *words: object) -> Result:
        axes = ("--vary", f"{POSTS}=2:6:3", "--vary", f"{COST}=0:120000:3")
        return call("grid", STARTER, *axes, "--draws", 6, "--out", "out", *words)

    def test_table_and_files(self, folder: Path) -> None:
        done = self.grid("--output", "npv:medicaid_plan")
        assert done.exit_code == 0, done.output
        assert "-$" in done.output
        with (folder / "out" / "grid.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == 9
        npv = [float(row["npv:medicaid_plan"]) for row in rows]
        assert npv[0] > npv[3] > npv[6]  # dearer posts, less net
        assert (folder / "out" / "grid.png").read_bytes().startswith(PNG)

    def test_target_says_where_it_holds(self, folder: Path) -> None:
        done = self.grid("--target", "p(npv:medicaid_plan > -400000) >= 0.5", "--format", "json")
        assert done.exit_code == 0, done.output
        assert json.loads(done.output)["contour_at"] == 0.5
        assert "holds" in (folder / "out" / "grid.csv").read_text().splitlines()[0]

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            ([], "--output METRIC, or --target"),
            (["--output", "npv:medicaid_plan", "--vary", f"{POSTS}=1:2:2"], "twice"),
            (["--output", "p5(npv:medicaid_plan)"], "the statistic `p5`"),
        ],
    )
    def test_says_no(self, words: list[str], told: str) -> None:
        done = self.grid(*words)
        assert done.exit_code == 2
        assert told in done.output


class TestFrontier:
    def frontier(self, *words: object) -> Result:
        few = ("--dues", "0,1", "--shares", "0.75", "--draws", 6, "--out", "out")
        return call("frontier", MIX, *few, *words)

    def test_sets_ranks_and_files(self, folder: Path) -> None:
        done = self.frontier("--most-contracts", 0)
        assert done.exit_code == 0, done.output
        assert "8 mixes and 4 levels with grants lost, 6 draws each: 72 runs" in done.stderr
        assert "united way support not renewed" in " ".join(done.output.split())
        assert "at most 0 contracts" in done.output
        with (folder / "out" / "mixes.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == 8
        assert sorted(int(row["rank_regret"]) for row in rows) == list(range(1, 9))
        nets = [float(row["net"]) for row in rows]
        assert nets == sorted(nets, reverse=True)
        names = {path.name for path in (folder / "out").iterdir()}
        assert names == {"frontier.json", "mixes.csv", "frontier.png", "surface.csv", "surface.png"}

    def test_limits_that_only_a_run_can_tell(self) -> None:
        done = self.frontier("--least-sustainable", 1, "--most-cost", 1, "--loss", "none")
        assert done.exit_code == 0, done.output
        assert "No mix is within the limits." in done.output

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (["--dues", "a,b"], "numbers from 0 with commas"),
            (["--shares", "2"], "numbers from 0 to 1"),
            (["--dues", "1,2", "--most-dues", "10"], "no mix of revenue within the limits"),
        ],
    )
    def test_says_no(self, words: list[str], told: str) -> None:
        done = self.frontier(*words)
        assert done.exit_code == 2
        assert told in done.output

    def test_a_scenario_without_money_is_refused(self) -> None:
        done = call("frontier", STARTER, "--draws", 4)
        assert done.exit_code == 2
        assert "a scenario with financing" in done.output
