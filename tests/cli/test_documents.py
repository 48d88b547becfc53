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


def shown(document: str) -> list[str]:
    """The lines of a document that are commands, in their order."""
    text = (ROOT / document).read_text(encoding="utf-8")
    lines = [line.strip() for line in text.splitlines() if line.startswith("    headwater ")]
    return [line for line in lines if not PLACEHOLDER.search(line)]


@pytest.mark.parametrize("document", ["README.md", "docs/contracts.md"])
def test_the_commands_of_a_document_run(
    document: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "scenarios").symlink_to(SHIPPED, target_is_directory=True)
    monkeypatch.chdir(tmp_path)
    commands = shown(document)
    assert commands
    for command in commands:
        words = shlex.split(command.split("  #")[0])[1:]
        fewer = ["--draws", "100"] if words[0] in ("run", "compare", "plan") else []
        fewer = ["--replications", "2"] if words[0] == "episodes" else fewer
        done = CliRunner().invoke(main, words + fewer)
        assert done.exit_code == 0, f"{command}\n{done.output}"
        assert done.output.strip()
