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


def flat(done: Result) -> str:
    """What was told, whatever the width of the terminal."""
    return " ".join(done.output.split())


def solve(*words: object, target: str = "npv:medicaid_plan >= -500000") -> Result:
    return call("solve", STARTER, "--vary", COST, "--target", target, "--draws", 10, *words)


class TestSolve:
    def test_answer_in_words_and_files(self, folder: Path) -> None:
        done = solve("--out", "out")
        assert done.exit_code == 0, done.output
        assert "The target holds up to $" in done.output
        assert "Monte Carlo standard error" in done.output
        assert {path.name for path in (folder / "out").iterdir()} == {
            "index.html", "solve.json", "curve.csv", "curve.png"
        }  # fmt: skip
        assert "Page: out/index.html" in done.output
        assert "solve.json (all numbers), curve.csv and curve.png" in flat(done)
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
        assert "No solution: at $0 a post-year it comes to" in flat(done)
        assert "--low and --high look further" in flat(done)

    def test_whole_posts_and_other_outcomes(self) -> None:
        done = call("solve", STARTER, "--vary", POSTS, "--target", "npv:medicaid_plan >= -1e6",
                    "--draws", 10, "--also", "benefit:medicaid_plan")  # fmt: skip
        assert done.exit_code == 0, done.output
        assert "In whole numbers: " in flat(done)
        assert "Beside it" in done.output
        assert "benefit:medicaid_plan" in done.output

    def test_the_same_bytes_again(self, folder: Path) -> None:
        for name in ("a", "b"):
            assert solve("--out", name, "--quiet").output == ""
        for name in ("index.html", "solve.json", "curve.csv", "curve.png"):
            first, second = ((folder / out / name).read_bytes() for out in ("a", "b"))
            assert first == second

    def test_few_runs_are_not_announced_and_many_are(self) -> None:
        assert "runs, about" not in solve().stderr
        many = call("solve", STARTER, "--vary", COST, "--target", "npv:medicaid_plan >= -500000",
                    "--draws", 100)  # fmt: skip
        assert "About 25 values, 100 draws each: 2,500 runs, about" in many.stderr

    def test_dues_are_told_beside_what_membership_is_worth(self) -> None:
        """By hand: dues of the average member grow with the factor, their worth does not."""
        done = call("solve", MIX, "--vary", "financing.dues.*.amount", "--high", 16, "--target",
                    "p_insolvent:backbone@2027-12 <= 50 %", "--draws", 20,
                    "--format", "json")  # fmt: skip
        told = json.loads(done.stdout)
        (sentence,) = [words for words in told["answer"] if "against about" in words]
        assert "more than membership is worth" in sentence
        at = {row["value"]: row for row in told["curve"]}
        root, once = at[told["roots"][0]["value"]], at[min(at, key=lambda x: abs(x - 4 / 3))]
        ratio = root["dues_per_member:backbone"] / once["dues_per_member:backbone"]
        assert ratio == pytest.approx(root["value"] / once["value"], rel=0.15)
        assert f"${root['dues_per_member:backbone']:,.0f}"[:4] in sentence
        assert root["highest_dues:backbone"] < root["dues_per_member:backbone"]

    def test_less_of_an_effect_is_no_advice(self) -> None:
        """A hospital paid by the visit earns less the more is prevented."""
        done = call("solve", STARTER, "--vary", "interventions.*.effects.*", "--target",
                    "npv:hospital >= 0", "--draws", 10)  # fmt: skip
        assert done.exit_code == 0, done.output
        assert "met by a weaker effect, not by more" in flat(done)
        assert "0 is no effect, 1 the effect as published" in flat(done)

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (["--target", "pays_back:medicaid_plan >= 80"], "did you mean `80 % (0.8)`"),
            (["--vary", "financing.dues.*.amount"], "this scenario has no dues"),
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
        assert "Page: out/index.html" in done.output
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
        assert "United Way not renewed" in flat(done)
        assert "at most 0 contracts" in flat(done)
        assert "the best of many looks better than it is" in flat(done)
        with (folder / "out" / "mixes.csv").open() as file:
            rows = list(csv.DictReader(file))
        assert len(rows) == 8
        assert sorted(int(row["rank_regret"]) for row in rows) == list(range(1, 9))
        order = [(-float(row["not_by_luck"]), float(row["cost"])) for row in rows]
        assert order == sorted(order)
        names = {path.name for path in (folder / "out").iterdir()}
        pictures = {"frontier.png", "surface.png"}
        assert names == pictures | {"index.html", "frontier.json", "mixes.csv", "surface.csv"}

    def test_limits_that_only_a_run_can_tell(self) -> None:
        done = self.frontier("--least-sustainable", 1, "--most-cost", 1, "--loss", "none")
        assert done.exit_code == 0, done.output
        told = flat(done)
        assert "No mix is within the limits." in told
        assert "--most-cost $1.00 leaves out" in told
        assert "the cheapest is grants alone at $0" in told
        assert "the nearest within --most-cost is grants alone with" in told

    def test_a_contract_that_helps_by_luck_alone_is_said_to(self) -> None:
        done = call("frontier", MIX, "--dues", "4", "--shares", "0.75", "--draws", 40, "--out",
                    "out", "--loss", "none", "--format", "json")  # fmt: skip
        assert done.exit_code == 0, done.output
        mixes = json.loads(done.stdout)["mixes"]
        signed = next(m for m in mixes if m["mix"].endswith("contract at 75 %") and m["fees"])
        bare = next(
            m for m in mixes if m["mix"] == signed["mix"].removesuffix(", contract at 75 %")
        )
        assert signed["sustainable"] > bare["sustainable"] == signed["bare"]
        assert signed["not_by_luck"] <= signed["sustainable"] - signed["with_luck"] + signed["bare"]
        assert mixes[0]["contracts"] == ""  # as likely without luck, at less cost to others

    def test_nothing_is_cut_at_eighty_columns(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("COLUMNS", "80")
        told = self.frontier("--loss", "none").output
        assert max(map(len, told.splitlines())) <= 80
        for heading in ("not by", "90 % interval", "counted", "tracts", "fit", "regret", "in set"):
            assert heading in told

    def test_a_scenario_without_lines_says_what_is_missing(self) -> None:
        done = call("frontier", SHIPPED / "jackson.yaml", "--draws", 4)
        assert done.exit_code == 2
        assert "no dues, fees, contracts or hard-wiring in `jackson`" in done.output

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (["--dues", "a,b"], "numbers from 0 with commas"),
            (["--shares", "2"], "numbers from 0 to 1"),
            (["--dues", "1,2", "--most-dues", "10"], "1 times the dues is $2,500"),
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
