"""What `headwater check` finds too good to be true, repeated where the result is read.

The scenario of the run folder is checked, which holds all that the run used, settings too.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from .money import financing_name
from .rundata import Run
from .wording import in_words, readable

if TYPE_CHECKING:
    from model.lint import Finding

MIN_PARTS = 3  # financing.contracts.medicaid_plan_savings


def of_run(folder: Path) -> list[Finding]:
    """The findings on a run, the most serious first; none where its scenario cannot be read."""
    path = folder / "scenario.yaml"
    words = path.read_bytes()
    if words not in _KNOWN:
        _KNOWN.clear()
        _KNOWN[words] = _found(path)
    return _KNOWN[words]


# The page and the terminal ask for the same scenario, in two folders.
_KNOWN: dict[bytes, list[Finding]] = {}


def _found(path: Path) -> list[Finding]:
    from model import lint  # noqa: PLC0415  needed once, after the run
    from model.loading import load  # noqa: PLC0415
    from model.problems import BadInput  # noqa: PLC0415

    try:
        return lint.findings(load(path))
    except BadInput:  # written by another version
        return []


def counted(found: Sequence[Finding], most: int) -> str:
    """Too good to be true? Three findings of `headwater check`, the most serious first"""
    several = f"{in_words(len(found))} findings" if len(found) > 1 else "one finding"
    order = ", the most serious first" if len(found) > 1 else ""
    order = f", the {in_words(most)} most serious first" if len(found) > most else order
    return f"Too good to be true? {several.capitalize()} of `headwater check`{order}:"


def about(run: Run, finding: Finding) -> str:
    """Whose number it is: Supportive housing: duration"""
    parts = finding.key.split(".")
    if parts[0] != "financing" or len(parts) < MIN_PARTS:
        return readable(finding.key, run.names)
    name = financing_name(run, parts[1], parts[2])
    return ": ".join([name, *(part.replace("_", " ") for part in parts[3:])])


def in_short(run: Run, finding: Finding) -> str:
    """Whose number it is, what was found, and what limits it."""
    return f"{about(run, finding)}: {finding.found} (limit: {finding.limit})"
