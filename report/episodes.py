"""The command `headwater episodes`: from a scenario to a folder, whole or not at all."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from model.episode_runs import (
    Options,
    asked,
    default_folder,
    is_episodes_folder,
    overlay_of,
    replicated,
    write_all,
)
from model.loading import SHIPPED, Loaded
from model.problems import BadInput, Mark, Problem
from model.runfolder import refuse_uncreatable, written_whole

from . import episodes_page

OVERLAY = "variation.yaml"
FIRST = "# Random variation of measured savings"  # of an overlay


@dataclass(frozen=True)
class Made:
    """What a command has left, and whether it was interrupted."""

    folder: Path
    replications: int
    interrupted: bool
    overlay: Path | None

    @property
    def words(self) -> str:
        """What to say of an interruption."""
        whole = f"{self.replications} replication{'s' * (self.replications != 1)}"
        return f"Interrupted: {whole} of those asked for are kept, whole, in {self.folder}."


def folder_for(out: Path | None, loaded: Loaded) -> Path:
    """Where the files go; a folder that holds something else is never replaced."""
    folder = out if out is not None else default_folder(loaded)
    refuse_uncreatable(folder)
    foreign = folder.exists() and not is_episodes_folder(folder)
    if foreign and not (folder.is_dir() and not any(folder.iterdir())):
        found = f"`{folder}`, which is there and holds no episodes"
        allowed = "a new folder, an empty one, or earlier episodes"
        raise BadInput([Problem(Mark("--out", 1, 1), "", found, allowed)])
    return folder


def overlay_file(variation: str | None, folder: Path, scenario: Path) -> Path | None:
    """Where the variation goes: variation.yaml of the folder, or a file beside the scenario.

    A scenario extends a file of its own folder, or a shipped one.
    """
    if variation is None:
        return None
    if not variation:
        return folder / OVERLAY
    path, home = Path(variation), scenario.absolute().parent
    beside = path.absolute().parent in (home, SHIPPED) or home == SHIPPED
    taken = path.exists() and not (path.is_file() and _is_overlay(path))
    if taken or not beside or not path.absolute().parent.is_dir() or path.suffix != ".yaml":
        why = "was not written by this" if taken else "a scenario could not extend yours from there"
        allowed = f"a new .yaml file in {home}, or one that this wrote before"
        mark = Mark("--estimate-variation", 1, 1)
        raise BadInput([Problem(mark, "", f"`{path}`: {why}", allowed)])
    return path


def _is_overlay(path: Path) -> bool:
    with path.open(encoding="utf-8", errors="replace") as file:
        return file.readline().startswith(FIRST)


def made(
    loaded: Loaded,
    options: Options,
    folder: Path,
    overlay: Path | None,
    scenario: Path,
    advance: Callable[[int], None],
) -> Made:
    """All replications, the tables, the page and the charts."""
    began, found = time.perf_counter(), asked(loaded, options)
    if overlay is not None and not found.deals:
        if overlay != folder / OVERLAY:
            overlay_of(found, "")  # says that no contract could use it
        overlay = None
    with written_whole(folder) as filling:
        found = replicated(found, filling, advance)
        write_all(found, filling, time.perf_counter() - began)
        episodes_page.write(filling)
        if overlay is not None:
            inside = overlay == folder / OVERLAY
            text = overlay_of(found, "scenario.yaml" if inside else scenario.name)
            target = filling / OVERLAY if inside else overlay
            target.write_text(text, encoding="utf-8", newline="\n")
    return Made(folder, len(found.kept), found.interrupted, overlay)
