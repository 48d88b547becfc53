"""Every command that the README and docs/contracts.md show is one that runs."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from cli import main
from model.loading import SHIPPED

ROOT = SHIPPED.parent
# A word in capitals stands for a file of the reader's own.
PLACEHOLDER = re.compile(r"\b[A-Z]{3,}\.csv|terms\.yaml")

DOCUMENTS = ("README.md", "docs/contracts.md", "docs/sensitivity.md", "docs/explain.md")
# Enough to see that a command runs, whatever the document asks for.
FEWER = {command: ["--draws", "100"] for command in ("run", "compare", "plan", "frontier")} | {
    "episodes": ["--replications", "2"],
    "sensitivity": ["--samples", "4"],
    "explain": ["--draws", "8"],
    "solve": ["--draws", "20"],
    "grid": ["--draws", "8"],
    "voi": ["--draws", "200"],
    "discover": ["--draws", "200"],
}


def shown(document: str) -> list[str]:
    """The lines of a document that are commands, in their order."""
    text = (ROOT / document).read_text(encoding="utf-8")
    lines = [line.strip() for line in text.splitlines() if line.startswith("    headwater ")]
    return [line for line in lines if not PLACEHOLDER.search(line)]


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_commands_of_a_document_run(
    document: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scenarios").symlink_to(SHIPPED, target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    commands = shown(document)
    assert commands
    for command in commands:
        words = shlex.split(command.split("  #")[0])[1:]
        fewer = FEWER.get(words[0], [])
        done = CliRunner().invoke(main, words + fewer)
        assert done.exit_code == 0, f"{command}\n{done.output}"
        assert done.output.strip()
