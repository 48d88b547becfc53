"""The commands as a user meets them: what they print, what they leave, how they say no."""

import json
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
import yaml
from click.testing import CliRunner, Result

from cli import main
from model import comparison, ensemble, runfolder
from model.loading import SHIPPED, load
from model.schema import SCHEMA_FILE, scenario_schema, scenario_schema_text

STARTER = SHIPPED / "starter.yaml"
HEAD = "segments.medicaid_adults."
EFFECT = "interventions.health_workers.effects.ed_visit.evidence="
TOO_GOOD = "interventions.health_workers.persistence={value: 24, source: a brochure}"
FILES = {
    "scenario.yaml",
    "draws.parquet",
    "metrics.parquet",
    "series.parquet",
    "inputs.json",
    "summary.json",
    "run.json",
    "years.parquet",
    "contracts.json",
    "index.html",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def run_starter(*words: object) -> Result:
    return call("run", STARTER, "--draws", 20, *words)


class TestHelp:
    def test_commands_stand_in_the_order_of_the_work(self) -> None:
        shown = call("--help").output
        names = ["run", "check", "compare", "evidence", "settle", "schema", "init"]
        places = [shown.index(f"  {name} ") for name in names]
        assert places == sorted(places)

    def test_help_imports_no_numbers(self) -> None:
        """What makes --help instant: none of the heavy libraries is imported for it."""
        code = (
            "import sys\nfrom click.testing import CliRunner\nimport cli\n"
            "CliRunner().invoke(cli.main, ['run', '--help'])\n"
            "print(sorted({'numpy', 'numba', 'pandas', 'pydantic', 'rich'} & set(sys.modules)))"
        )
        done = subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            cwd=SHIPPED.parent,
            check=True,
        )
        assert done.stdout.strip() == "[]"

    def test_version(self) -> None:
        assert call("--version").output.startswith("headwater ")


class TestRun:
    def test_json_is_one_object_with_every_party(self) -> None:
        done = run_starter("--seed", 7, "--format", "json")
        assert done.exit_code == 0, done.output
        told = json.loads(done.stdout)
        assert (told["scenario"], told["seed"], told["draws"]) == ("starter", 7, 20)
        avoided = {
            m["party"]: m for m in told["metrics"] if m["metric"] == "avoided_rescue_spending"
        }
        parties = set(load(STARTER).scenario.parties)
        assert parties <= set(avoided)
        for row in avoided.values():
            assert {"metric", "party", "unit", "mean", "sd", "p05", "p50", "p95"} <= set(row)
            assert row["p05"] <= row["p50"] <= row["p95"]
        assert Path(told["run_folder"]).is_dir()

    def test_the_run_folder_is_whole(self, folder: Path) -> None:
        run_starter("--out", "out")
        assert {path.name for path in (folder / "out").iterdir()} == FILES
        assert [path.name for path in folder.iterdir()] == ["out"]

    def test_default_folder_is_named_by_scenario_and_hash(self, folder: Path) -> None:
        run_starter()
        run_starter("--set", "interventions.health_workers.staff.posts=8")
        names = sorted(path.name for path in (folder / "runs").iterdir())
        assert len(names) == 2
        assert all(name.startswith("starter-") for name in names)

    def test_the_same_inputs_give_the_same_bytes(self, folder: Path) -> None:
        run_starter("--out", "one")
        run_starter("--out", "two")
        for name in FILES - {"run.json", "index.html"}:
            one, two = (folder / out / name for out in ("one", "two"))
            assert one.read_bytes() == two.read_bytes(), name

    def test_the_resolved_scenario_runs_by_itself(self, folder: Path) -> None:
        first = run_starter("--out", "one", "--format", "json")
        again = call("run", folder / "one" / "scenario.yaml", "--draws", 20, "--format", "json")
        assert again.exit_code == 0, again.output
        assert json.loads(again.stdout)["metrics"] == json.loads(first.stdout)["metrics"]

    def test_set_changes_the_answer(self) -> None:
        def served(*words: object) -> float:
            told = json.loads(run_starter("--format", "json", *words).stdout)
            return next(m["mean"] for m in told["metrics"] if m["metric"] == "enrollments")

        assert served("--set", "interventions.health_workers.staff.posts=8") > served()

    def test_a_run_replaces_an_earlier_run_only(self, folder: Path) -> None:
        assert run_starter("--out", "out").exit_code == 0
        assert run_starter("--out", "out").exit_code == 0
        (folder / "mine").mkdir()
        (folder / "mine" / "thesis.txt").write_text("years of work")
        refused = run_starter("--out", "mine")
        assert refused.exit_code == 2
        assert "no run folder" in refused.output
        assert (folder / "mine" / "thesis.txt").read_text() == "years of work"

    @pytest.mark.parametrize(
        "out", ["file/sub", "file/a/b", "/proc/foo", "x" * 300, ".", "..", "/"]
    )
    @pytest.mark.parametrize("words", [("run", STARTER), ("compare", STARTER, STARTER)])
    def test_a_folder_that_cannot_be_made_is_told_before_the_run(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[object, ...], out: str
    ) -> None:
        monkeypatch.setattr(ensemble, "run", None)
        monkeypatch.setattr(comparison, "compare", None)
        (folder / "file").write_text("")
        done = call(*words, "--out", out)
        assert (done.exit_code, done.output.count("cannot create a folder there")) == (2, 1)
        assert "--out  found `" in done.output
        assert [path.name for path in folder.iterdir()] == ["file"]

    def test_a_file_named_runs_is_told_before_the_run(self, folder: Path) -> None:
        (folder / "runs").write_text("")
        for done in (run_starter(), call("compare", STARTER, STARTER)):
            assert done.exit_code == 2
            assert "cannot create a folder there" in done.output

    def test_a_full_disk_is_told(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        def full(*_: object) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(runfolder, "metrics_table", full)
        done = run_starter("--out", "out")
        assert done.exit_code == 2
        assert "(No space left on device)" in done.output
        assert list(folder.iterdir()) == []

    @pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
    def test_a_killed_run_leaves_nothing_that_looks_finished(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, error: type[BaseException]
    ) -> None:
        def stop(*_: object) -> None:
            raise error

        monkeypatch.setattr(runfolder, "metrics_table", stop)
        done = run_starter("--out", "out")
        assert not (folder / "out").exists()
        assert not any(runfolder.is_run_folder(path) for path in folder.iterdir())
        assert "Traceback" not in done.output

    def test_interruption_has_its_own_exit_code(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def stop(*_: object, **__: object) -> None:
            raise KeyboardInterrupt

        monkeypatch.setattr(ensemble, "run", stop)
        assert run_starter().exit_code == 3

    def test_quiet_prints_nothing(self) -> None:
        done = run_starter("--quiet")
        assert (done.exit_code, done.output) == (0, "")


class TestMistakes:
    def test_a_bad_file_is_answered_in_one_screen(self, folder: Path) -> None:
        text = STARTER.read_text(encoding="utf-8")
        text = text.replace("population:", "populaton:", 1).replace("completion:", "completon:")
        text = text.replace("acceptance: {beta: {mean: 0.55", "acceptance: {beta: {mean: 1.55")
        (folder / "bad.yaml").write_text(text, encoding="utf-8")
        done = call("run", "bad.yaml")
        assert done.exit_code == 2
        assert len(done.output.splitlines()) < 24
        for words in ("bad.yaml:", "populaton", "did you mean `population`", "completon", "1.55"):
            assert words in done.output
        assert "Traceback" not in done.output

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (("run", "starte.yaml"), "no such file"),
            (("run", "."), "a folder"),
            (("run", STARTER, "--set", "interventions.health_workers.staf.posts=3"), "staff"),
            (("run", STARTER, "--set", "nonsense"), "dotted.path=value"),
            (("run", STARTER, "--set", "clock.steps_per_month=1"), "steps_per_month"),
            (("check", STARTER, "--set", "backbone.party=hospitl"), "hospital"),
            (("evidence", "E9999"), "E9999"),
            (("check", STARTER, "--set", "clock.start=2029-13"), "a month such as 2029-12"),
            (("check", STARTER, "--set", "clock.start=2029"), "a month such as 2029-12"),
            (("check", STARTER, "--set", "name=Our County"), "small letters, digits and _"),
            (("check", STARTER, "--set", HEAD + "population={value: 14,000}"), "14000 for 14,000"),
            (("check", STARTER, "--set", HEAD + "population={value: 14,250}"), "14000 for 14,000"),
            (("check", STARTER, "--set", HEAD + "population={value: 1,000,000}"), "14000 for"),
            (("check", STARTER, "--set", HEAD + "population=null"), "from 0 to 50,000,000"),
            (("check", STARTER, "--set", HEAD + "population={ref: U909}"), "from U001 to U073"),
            (
                ("check", STARTER, "--set", HEAD + "need.at_risk=0.99"),
                "; allowed: below 1 together",
            ),
            (("check", STARTER, "--set", EFFECT + "[E37]"), "did you mean `E037`"),
            (("check", STARTER, "--set", EFFECT + "[E999]"), "from E001 to E161"),
            (("evidence", "--service", "ed_visits"), "nearest: ed_visit"),
            (("evidence", "--service", "ed_visit", "--intervention", "zz"), "no finding matches"),
            (("check", "scenario/starter.yaml"), "found no such file; allowed: an existing file"),
            (("check", "scenario/starter.yaml"), "scenarios/starter.yaml`?"),
            (("check", "starter.yaml"), "scenarios/starter.yaml`?"),
            (("check", "startr.yaml"), "scenarios/starter.yaml`?"),
            (("init", "../away"), "small letters"),
            (("compare", STARTER, STARTER), "another name"),
        ],
    )
    def test_every_mistake_is_told_in_words(self, words: tuple[object, ...], told: str) -> None:
        done = call(*words)
        assert done.exit_code == 2, done.output
        assert told in done.output
        assert "Traceback" not in done.output
        assert ":1:1" not in done.output

    def test_a_setting_inside_what_is_not_there_is_one_problem(self) -> None:
        done = call("check", STARTER, "--set", "interventions.health_worker.staff.posts=3")
        assert done.exit_code == 2
        assert done.output.startswith("1 problem in --set")
        assert "interventions.health_worker\n" in done.output
        assert "did you mean `health_workers`?" in done.output

    def test_a_setting_may_fill_an_optional_part(self) -> None:
        for setting in (
            "backbone.multipliers.referral=1.2",
            "interventions.health_workers.need_effects.relief=1.2",
        ):
            assert call("check", STARTER, "--set", setting).exit_code == 0

    def test_a_misspelt_key_is_one_problem(self, folder: Path) -> None:
        text = STARTER.read_text(encoding="utf-8").replace(" acceptance:", " acceptence:")
        (folder / "bad.yaml").write_text(text, encoding="utf-8")
        done = call("check", "bad.yaml")
        assert done.output.startswith("1 problem in bad.yaml")
        assert "did you mean `acceptance`?" in done.output

    def test_compare_needs_two(self) -> None:
        assert call("compare", STARTER).exit_code == 2


class TestCheck:
    def test_counts_and_numbers(self) -> None:
        done = call("check", STARTER)
        assert done.exit_code == 0, done.output
        assert "segments.medicaid_adults.population" in done.output
        assert "assumption" in done.output

    def test_strict_finds_numbers_without_source(self) -> None:
        assert call("check", STARTER, "--strict").exit_code == 0
        bare = "interventions.health_workers.staff.posts=8"
        assert call("check", STARTER, "--strict", "--set", bare).exit_code == 1

    def test_what_is_too_good_to_be_true_is_told(self) -> None:
        none = call("check", STARTER)
        assert "Too good to be true?" in none.output
        assert "Nothing found" in none.output
        told = call("check", STARTER, "--set", TOO_GOOD)
        assert told.exit_code == 0
        flat = " ".join(told.output.split())
        assert "1 key interventions.health_workers.persistence where --set" in flat
        assert "limit 9 months source longest persistence that the registry holds" in flat
        assert call("check", STARTER, "--strict", "--set", TOO_GOOD).exit_code == 1

    def test_a_finding_has_its_file_and_line(self) -> None:
        shared = SHIPPED / "jackson_medicaid_shared_savings.yaml"
        lines = shared.read_text(encoding="utf-8").splitlines()
        done = json.loads(call("check", shared, "--format", "json").stdout)
        first = done["findings"][0]
        assert first["rule"] == "contract_too_small"
        assert first["key"] == "financing.contracts.medicaid_plan_savings.covers"
        assert first["file"] == str(shared)
        assert "covers:" in lines[first["line"] - 1]
        assert set(first) == {"rule", "key", "file", "line", "found", "limit", "source", "says"}

    def test_strict_fails_on_findings_in_json_too(self) -> None:
        strict = "check", STARTER, "--strict", "--format", "json"
        none = call(*strict)
        assert none.exit_code == 0
        assert json.loads(none.stdout)["findings"] == []
        assert call(*strict, "--set", TOO_GOOD).exit_code == 1

    def test_an_invalid_scenario_is_told_before_findings(self) -> None:
        done = call("check", STARTER, "--strict", "--set", TOO_GOOD, "--set", "clock.start=2029-13")
        assert done.exit_code == 2
        assert "Too good" not in done.output

    def test_help_says_what_strict_fails_on(self) -> None:
        flat = " ".join(call("check", "--help").output.split())
        assert "a number has no source or something is too good to be true" in flat

    def test_json_shows_the_way_from_study_to_effect(self) -> None:
        told = json.loads(call("check", STARTER, "--format", "json").stdout)
        effect = told["effects"]["interventions.health_workers.effects.ed_visit"]
        assert [study["id"] for study in effect["studies"]] == ["E005", "E037"]
        assert all(study["se"] > 0 for study in effect["studies"])


class TestCompare:
    def test_the_difference_is_taken_draw_by_draw(self, folder: Path) -> None:
        other = folder / "more.yaml"
        other.write_text(
            "extends: starter.yaml\nname: more\ninterventions:\n"
            "  health_workers: {staff: {posts: 8}}\n"
        )
        done = call("compare", STARTER, other, "--draws", 20, "--format", "json")
        assert done.exit_code == 0, done.output
        told = json.loads(done.stdout)
        rows = {(row["scenario"], row["metric"], row["party"]): row for row in told["metrics"]}
        same = rows["starter", "enrollments", "health_workers"]["difference"]
        more = rows["more", "enrollments", "health_workers"]
        assert same["mean"] == same["p95"] == 0
        assert more["difference"]["mean"] > 0
        assert more["difference"]["mean"] == pytest.approx(
            more["mean"] - rows["starter", "enrollments", "health_workers"]["mean"]
        )
        assert (Path(told["folder"]) / "index.html").is_file()


class TestInitAndSchema:
    def test_the_starter_runs(self, folder: Path) -> None:
        assert call("init", "our_county").exit_code == 0
        text = (folder / "our_county.yaml").read_text(encoding="utf-8")
        assert yaml.safe_load(text)["name"] == "our_county"
        assert SCHEMA_FILE.as_posix() in text.splitlines()[0]
        assert call("run", "our_county.yaml", "--draws", 5).exit_code == 0

    def test_a_file_that_is_there_is_left_alone(self, folder: Path) -> None:
        (folder / "mine.yaml").write_text("name: mine\n")
        assert call("init", "mine").exit_code == 2
        assert (folder / "mine.yaml").read_text() == "name: mine\n"

    def test_the_schema_file_is_in_step_with_the_code(self) -> None:
        assert call("schema").stdout == SCHEMA_FILE.read_text(encoding="utf-8")
        assert scenario_schema_text() == SCHEMA_FILE.read_text(encoding="utf-8")

    @pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda p: p.stem)
    def test_every_shipped_scenario_fits_the_schema(self, path: Path) -> None:
        jsonschema.validate(yaml.safe_load(path.read_text(encoding="utf-8")), scenario_schema())
