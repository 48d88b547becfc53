"""`headwater voi` and `headwater discover` as a user meets them; their documents' commands run."""

import json
import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from cli import main
from model.loading import SHIPPED

STARTER = SHIPPED / "starter.yaml"
HOSPITAL = ("--decision", "fund:health_workers", "--value", "npv:hospital", "--draws", 100)
LOSES = ("--fails", "npv:hospital < 0", "--draws", 200)
PILOT = "effect=interventions.health_workers.effects.ed_visit,people=200"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scenarios").symlink_to(SHIPPED, target_is_directory=True)
    return tmp_path


def call(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def test_voi_tells_in_words_and_leaves_a_page(folder: Path) -> None:
    done = call("voi", STARTER, *HOSPITAL, "--pilot", PILOT, "--out", "out")
    assert done.exit_code == 0, done.output
    assert "To know everything before deciding would be worth $" in done.output
    assert "only a trial" in done.output
    assert {path.name for path in (folder / "out").iterdir()} == {"index.html", "voi.json"}
    text = (folder / "out" / "index.html").read_text(encoding="utf-8")
    assert "<svg" in text
    assert "http://" not in text.replace("http://www.w3.org", "")
    assert "https://" not in text


def test_voi_json_is_what_the_folder_holds(folder: Path) -> None:
    done = call("voi", STARTER, *HOSPITAL, "--format", "json", "--out", "out")
    told = json.loads(done.stdout)
    assert told == json.loads((folder / "out" / "voi.json").read_text(encoding="utf-8"))
    assert call("voi", STARTER, *HOSPITAL, "--format", "json").stdout == done.stdout


def test_a_choice_among_files() -> None:
    done = call("voi", STARTER, "--option", "other.yaml", "--value", "npv:hospital")
    assert done.exit_code == 2
    Path("other.yaml").write_text(
        f"extends: {STARTER.name}\nname: other\ntitle: Other\n"
        "interventions: {health_workers: {staff: {posts: {value: 8}}}}\n"
    )
    Path("starter.yaml").symlink_to(STARTER)
    words = ("--option", "other.yaml", "--value", "npv:hospital", "--draws", 100)
    done = call("voi", "starter.yaml", *words)
    assert done.exit_code == 0, done.output
    assert "Choose one of 2 scenarios" in done.output


@pytest.mark.parametrize(
    "words",
    [
        ("voi", STARTER, "--value", "npv:hospital"),
        ("voi", STARTER, "--decision", "fund:nobody", "--value", "npv:hospital"),
        ("voi", STARTER, "--decision", "fund:health_workers", "--value", "npv:nobody"),
        ("voi", STARTER, *HOSPITAL, "--pilot", "people=3"),
        ("discover", STARTER, "--fails", "nothing > 0"),
        ("discover", STARTER, *LOSES, "--vary", "nothing=1:2"),
    ],
)
def test_mistakes_are_told_without_a_traceback(words: tuple[object, ...]) -> None:
    done = call(*words)
    assert done.exit_code == 2
    assert "Traceback" not in done.output
    assert not Path("runs").exists()


def test_a_decision_that_is_not_there_is_told_before_too_few_draws() -> None:
    words = ("voi", STARTER, "--value", "npv:hospital", "--draws", 5, "--decision")
    done = call(*words, "fund:nobody")
    assert done.exit_code == 2
    assert "nobody" in done.output
    done = call(*words, "fund:health_workers")
    assert done.exit_code == 2
    assert "100 to 20,000" in done.output


def test_a_folder_of_something_else_is_kept(folder: Path) -> None:
    (folder / "mine").mkdir()
    (folder / "mine" / "thesis.txt").write_text("years")
    for words in (("voi", STARTER, *HOSPITAL), ("discover", STARTER, *LOSES)):
        assert call(*words, "--out", "mine").exit_code == 2
    assert (folder / "mine" / "thesis.txt").is_file()


def test_discover_tells_the_box_in_words(folder: Path) -> None:
    done = call("discover", STARTER, *LOSES, "--no-levers", "--out", "out")
    assert done.exit_code == 0, done.output
    said = " ".join(done.output.split())
    assert "of the failures are there" in said
    assert "of what is there fails" in said
    assert "npv:hospital < 0 in" not in done.output
    told = json.loads((folder / "out" / "discovery.json").read_text(encoding="utf-8"))
    assert told["holds"]
    names = {row["name"] for row in told["conditions"]}
    assert names <= {
        "interventions.health_workers.effects.ed_visit",
        "interventions.health_workers.effects.inpatient_stay",
    }


def test_discover_says_where_there_is_nothing_to_find() -> None:
    done = call("discover", STARTER, "--fails", "npv:medicaid_plan > 0", "--draws", 100)
    assert done.exit_code == 0, done.output
    assert "Nothing fails in these ranges" in done.output


@pytest.mark.parametrize("document", ["docs/value-of-information.md", "docs/discovery.md"])
def test_the_commands_of_a_document_run(document: str) -> None:
    text = (SHIPPED.parent / document).read_text(encoding="utf-8").replace("\\\n", " ")
    commands = [line.strip() for line in text.splitlines() if line.startswith("    headwater ")]
    assert commands
    for command in commands:
        words = re.sub(r"--(draws|luck) \d+", "", command.split("  #")[0])
        done = call(*shlex.split(words)[1:], "--draws", 100)
        assert done.exit_code == 0, f"{command}\n{done.output}"
        assert done.output.strip()
