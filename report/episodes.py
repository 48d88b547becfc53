"""The command `headwater episodes`: from a scenario to a folder, whole or not at all."""

from __future__ import annotations

import json
import shlex
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from model.episode_runs import (
    Found,
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
    asked: int
    interrupted: bool
    overlay: Path | None
    stopped: str = ""  # why, where it was not Ctrl-C

    @property
    def words(self) -> str:
        """What to say of an interruption."""
        kept = f"{self.replications} of {self.asked} replications"
        why = f"Stopped: {self.stopped}; " if self.stopped else "Interrupted: "
        return f"{why}{kept} are kept, whole, in {self.folder}."


# --- options


def loaded_until(
    load: Callable[[Path, tuple[str, ...]], Loaded],
    scenario: Path,
    settings: tuple[str, ...],
    until: str | None,
) -> Loaded:
    """The scenario, ended with --until; a mistake in that is told as one."""
    if until is None:
        return load(scenario, settings)
    setting = f"clock.end={until}"
    try:
        return load(scenario, (*settings, setting))
    except BadInput as error:
        raise BadInput([_of_until(problem, setting) for problem in error.problems]) from None


def _of_until(problem: Problem, setting: str) -> Problem:
    if problem.mark.file != f"--set {setting}":
        return problem
    return replace(problem, mark=Mark("--until", 0, 0), key="")


def cut(settings: Sequence[str], until: str | None) -> str:
    """Options that make the scenario another than its file says."""
    words = [f"--until {until}"] if until else []
    return ", ".join([*words, *(f"--set {setting}" for setting in settings)])


def command(
    scenario: Path,
    settings: Sequence[str],
    until: str | None,
    variation: str | None,
    asked: Mapping[str, Any],
) -> str:
    """What makes these numbers again; --out, --workers and --cluster change none."""
    words = ["headwater", "episodes", str(scenario)]
    words += ["--replications", str(asked["replications"]), "--seed", str(asked["seed"])]
    for setting in settings:
        words += ["--set", setting]
    words += ["--until", until] if until else []
    for name, usual in (("draw", None), ("tables", "first"), ("worlds", "strategy")):
        words += [f"--{name}", str(asked[name])] if asked[name] != usual else []
    for rule in asked["select"]:
        words += ["--select", rule]
    if variation is not None:
        words += ["--estimate-variation", variation] if variation else ["--estimate-variation"]
    return shlex.join(words)


def folder_for(out: Path | None, loaded: Loaded) -> Path:
    """Where the files go; a folder that holds something else is never replaced."""
    folder = out if out is not None else default_folder(loaded)
    refuse_uncreatable(folder)
    foreign = folder.exists() and not is_episodes_folder(folder)
    if folder.exists() and not foreign and (other := scenario_in(folder)) != loaded.scenario.name:
        found = f"`{folder}`, which holds episodes of another scenario, `{other}`"
        allowed = f"a new folder, an empty one, or earlier episodes of `{loaded.scenario.name}`"
        raise BadInput([Problem(Mark("--out", 1, 1), "", found, allowed)])
    if foreign and not (folder.is_dir() and not any(folder.iterdir())):
        found = f"`{folder}`, which is there and holds no episodes"
        allowed = "a new folder, an empty one, or earlier episodes"
        raise BadInput([Problem(Mark("--out", 1, 1), "", found, allowed)])
    return folder


def scenario_in(folder: Path) -> str:
    """Name of the scenario whose episodes are in a folder; empty where it cannot be read."""
    try:
        return str(json.loads((folder / "episodes.json").read_text("utf-8"))["scenario"])
    except (OSError, ValueError, KeyError, TypeError):
        return ""


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
    plan = _plan(found, overlay, folder, scenario) if options.estimate else None
    with written_whole(folder) as filling:
        found = replicated(found, filling, advance)
        told = plan.told() if plan is not None else None
        write_all(found, filling, time.perf_counter() - began, told)
        episodes_page.write(filling)
        if plan is not None and overlay is not None:
            target = filling / OVERLAY if plan.inside else overlay
            target.write_text(plan.text(found), encoding="utf-8", newline="\n")
    done = len(found.kept)
    return Made(folder, done, options.replications, found.interrupted, overlay, found.stopped)


# --- what --estimate-variation writes


@dataclass(frozen=True)
class Plan:
    """A file that gives contracts the variation found: where, and what it extends."""

    file: str  # empty: no contract could use it
    inside: bool  # the folder
    extends: str
    shipped: bool  # what it extends is found from anywhere
    cut: str  # options that the scenario which it extends keeps

    def told(self) -> dict[str, Any]:
        """For a page and a screen."""
        return {"file": self.file, "inside": self.inside, "extends": self.extends, "cut": self.cut}

    def text(self, found: Found) -> str:
        """YAML: a heading with what to know of it, a title, and the numbers."""
        first, _, rest = overlay_of(found, self.extends).partition("\n")
        where = (
            f"# It extends {self.extends}, which comes with Headwater."
            if self.shipped
            else f"# It extends {self.extends}: it must lie beside that file."
        )
        notes = [where]
        if found.options.cut and not self.cut:
            notes.append(f"# The numbers were found with {found.options.cut}; it is not cut so.")
        if self.cut:
            notes.append(f"# That scenario keeps what was asked of the episodes: {self.cut}.")
        title = json.dumps(f"{found.loaded.scenario.title} with variation from claims")
        head, name, tail = rest.partition("\nname: ")
        told, _, more = tail.partition("\n")
        return "\n".join([first, *notes, f"{head}{name}{told}", f"title: {title}", more])


def _plan(found: Found, overlay: Path | None, folder: Path, scenario: Path) -> Plan:
    """The scenario as it was given is extended wherever the file can name it."""
    shipped = scenario.absolute().parent == SHIPPED
    inside = overlay is not None and overlay == folder / OVERLAY
    if overlay is None:
        return Plan("", True, "", False, "")
    if inside and not shipped:
        return Plan(OVERLAY, True, "scenario.yaml", False, found.options.cut)
    return Plan(OVERLAY if inside else str(overlay), inside, scenario.name, shipped, "")
