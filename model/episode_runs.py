"""Episodes by the command line: many replications into one folder, whole or not at all.

What is in the folder is explained in docs/episodes-command.md. The same inputs give the same bytes
in every file but run.json, whatever the number of workers. An interruption keeps what was computed.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from importlib import metadata
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa

from . import agreement
from .draws import Draws, central, sample
from .ensemble import both_worlds
from .episode_dynamics import months_of, of_dynamics
from .episodes import Case, case_of
from .episodes.attribution import Deal, deals_of
from .episodes.care import WORLDS
from .episodes.checks import checked as named_right
from .episodes.claims_contract import distribution
from .episodes.claims_settlement import Payer
from .episodes.kept import STRATEGY, Keep, Kept, Tables
from .episodes.parts import SendBack, Sent, WriteAnd, part_writer
from .episodes.run import Replication, run
from .episodes.selection import Rule, checked, nobody, parse
from .episodes.spread import (
    Row,
    beside,
    by_month,
    metrics,
    months_table,
    numbers_table,
    selections,
    settlements_table,
    told,
    waits_table,
)
from .episodes.tables import write
from .episodes.timelines import Timeline
from .episodes.variation import Variation, overlay, variation
from .explain import problem_at
from .loading import Loaded
from .luck import luck
from .problems import BadInput, Mark, Problem, Unfinished
from .runfolder import inputs_of, names_of, resolved_yaml, version
from .worlds import Worlds

YEARS = 24  # months from which one year can be set beside another
DRAWS = 1000  # of `headwater run`, one of which --draw takes
BYTES_AN_EVENT = 200  # of memory that a replication needs at its largest, measured
ALONE = 5e6  # events in all, below which starting workers takes longer than the work
LIBRARIES = ("numpy", "scipy", "simpy", "pyarrow")
Written = Literal["strategy", "both"]
Progress = Callable[[int], None]


@dataclass(frozen=True)
class Options:
    """What is asked for."""

    replications: int = 20
    seed: int = 1
    workers: int | None = None  # None: as many as cores and memory allow
    draw: int | None = None  # None: central numbers
    tables: Tables = "first"
    estimate: bool = False
    select: tuple[str, ...] = ()
    worlds: Written = "strategy"  # whose claims are written
    command: str = ""  # that asks for all this
    cut: str = ""  # options that make the scenario another than its file
    cluster: str | None = None  # address of a Dask cluster that does the work


@dataclass(frozen=True)
class Found:
    """What replications left, with the dynamics at the same numbers."""

    loaded: Loaded
    options: Options
    case: Case
    dynamics: Worlds
    rules: tuple[Rule, ...]
    workers: int
    kept: tuple[Kept, ...] = ()
    stopped: str = ""  # why the work ended early, if it was not Ctrl-C

    @property
    def deals(self) -> list[Deal]:
        """Contracts that share savings."""
        return deals_of(self.loaded, self.case)

    @property
    def interrupted(self) -> bool:
        return len(self.kept) < self.options.replications


def asked(loaded: Loaded, options: Options) -> Found:
    """Everything that can be refused is refused here, before the work."""
    draws, row = draws_of(loaded, options)
    if not (loaded.scenario.interventions or options.select or options.estimate):
        allowed = "one or more (without any, only --select and --estimate-variation have work)"
        raise BadInput([problem_at(loaded.document, ("interventions",), "none", allowed)])
    case = case_of(draws, row)
    if options.estimate and case.months < YEARS:
        mark, allowed = Mark("--estimate-variation", 0, 0), f"{YEARS} months or more (two years)"
        raise BadInput([Problem(mark, "", f"{case.months} months", allowed)])
    named_right(loaded, case)
    rules = tuple(checked(parse(text), case) for text in options.select)
    dynamics = both_worlds(without_money(draws), slice(row, row + 1))
    workers = options.workers or workers_for(case, dynamics, options.replications)
    return Found(loaded, options, case, dynamics, rules, workers)


def draws_of(loaded: Loaded, options: Options) -> tuple[Draws, int]:
    """The numbers to use: central, or those of one draw of `headwater run` with this seed."""
    if options.draw is None:
        return central(loaded), 0
    return sample(loaded, DRAWS, options.seed), options.draw


def without_money(draws: Draws) -> Draws:
    """The same numbers in fine steps, with staff paid whatever happens, as in the episodes."""
    loaded = agreement.without_money(draws.loaded)
    names = [*loaded.parameters, *loaded.effects]
    values = {name: draws.values[name] for name in names}
    chances = luck(loaded.scenario, draws.size, draws.seed)
    return Draws(loaded, draws.size, draws.seed, draws.method, values, chances)


def workers_for(case: Case, dynamics: Worlds, replications: int) -> int:
    """As many as cores, fewer where memory would not hold their claims; one for little work."""
    most = min(os.cpu_count() or 1, replications)
    if events(case, dynamics) * replications < ALONE:
        return 1
    try:
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        return most
    return max(1, min(most, int(0.7 * memory / (BYTES_AN_EVENT * events(case, dynamics)))))


def events(case: Case, dynamics: Worlds) -> float:
    """How many events a replication has, about."""
    rescue = float((dynamics.usual.use[0].sum(axis=0) / case.scatter.length).sum())
    covered = (case.other_care.cost > 0.0).any()
    other = float(dynamics.usual.person_months[0].sum()) * case.other_care.claims
    return rescue + other * bool(covered) + 1.0


def replicated(found: Found, folder: Path, progress: Progress) -> Found:
    """All replications, or those done when interrupted, or when a cluster was lost.

    KeyboardInterrupt or Unfinished where there are none. Claims and pathways go into the folder as
    they are made.
    """
    options, kept, stopped = found.options, list[Kept](), ""
    try:
        for one in _each(found, folder, progress):
            _refuse_nobody(one)
            kept.append(one)
    except KeyboardInterrupt:
        if not kept:
            raise
    except Unfinished as lost:
        if not kept:
            raise Unfinished(f"Stopped: {lost}; nothing was written.") from None
        stopped = str(lost)
    except (BrokenProcessPool, MemoryError):
        raise _out_of_memory(options, found.workers) from None
    _remove_parts_after(folder, len(kept))
    return replace(found, kept=tuple(kept), stopped=stopped)


def _each(found: Found, folder: Path, progress: Progress) -> Iterator[Kept]:
    """Replications in order, their tables in the folder."""
    options, keep = found.options, _keep(found, folder)
    if options.cluster is not None and isinstance(keep, WriteAnd):
        keep = SendBack(keep)  # a worker there has no way to the folder
    made: Iterator[Kept | Sent[Kept]] = run(
        found.case,
        options.replications,
        options.seed,
        keep,
        WORLDS,
        found.workers,
        progress,
        with_bills=bool(found.rules),
        address=options.cluster,
    )
    for one in made:
        yield one.written(folder) if isinstance(one, Sent) else one


def _out_of_memory(options: Options, workers: int) -> BadInput:
    if options.cluster is not None:
        told = f"`{options.cluster}`, a worker of which ran out of memory"
        allowed = "workers with more memory or with --nthreads 1, or an earlier --until"
        return BadInput([Problem(Mark("--cluster", 0, 0), "", told, allowed)])
    told = f"{workers} at once, one of which ended for want of memory"
    allowed = "fewer --workers, or an earlier --until"
    return BadInput([Problem(Mark("--workers", 0, 0), "", told, allowed)])


def _keep(found: Found, folder: Path) -> Callable[[Replication], Kept | Sent[Kept]]:
    """What remains of each replication; tables are written here, with members and claim numbers."""
    options = found.options
    writer = part_writer(found.loaded, found.case, folder, options.seed)._replace(members=True)
    deals = found.loaded if found.deals else None
    estimate = options.estimate and bool(deals or (found.case.other_care.cost > 0.0).any())
    keep = Keep(found.case, options.seed, writer, "none", deals, estimate, found.rules)
    if options.tables == "none":
        return keep
    worlds = (STRATEGY,) if options.worlds == "strategy" else WORLDS
    return WriteAnd(keep, writer, options.tables == "all", worlds)


def _refuse_nobody(one: Kept) -> None:
    """A rule that picks nobody in a whole community is told at once, not after all the work."""
    for found in one.evaluated:
        if one.number == 0 and not found.selected:
            raise nobody(found.rule)


def _remove_parts_after(folder: Path, replications: int) -> None:
    """Tables of replications that were not finished, or whose numbers did not arrive."""
    for path in sorted(folder.glob("**/replication=*")):
        if int(path.name.partition("=")[2]) >= replications:
            shutil.rmtree(path)


# --- files


def write_all(found: Found, folder: Path, seconds: float, estimate: Row | None = None) -> Row:
    """Everything but the page and the charts; returns the summary.

    estimate: what --estimate-variation wrote, None where it was not asked for.
    """
    summary = summary_of(found) | {"estimate": estimate}
    _text(folder / "scenario.yaml", resolved_yaml(found.loaded))
    _json(folder / "inputs.json", inputs_of(found.loaded))
    _json(folder / "episodes.json", summary)
    case, kept = found.case, found.kept
    tables: dict[str, pa.Table] = {
        "replications": numbers_table(kept),
        "months": months_table(case, kept),
        "dynamics": by_month(case, [months_of(case, found.dynamics)]),
        "waits": waits_table(case, kept),
    }
    if kept[0].settled:
        tables["settlements"] = settlements_table(kept)
    for name, table in tables.items():
        write(table, folder / f"{name}.parquet")
    _json(folder / "run.json", _about(found, seconds))
    return summary


def summary_of(found: Found) -> Row:
    """episodes.json: what is said of all replications."""
    scenario, kept = found.loaded.scenario, found.kept
    return {
        "scenario": scenario.name,
        "title": scenario.title,
        "description": scenario.description,
        "seed": found.options.seed,
        "replications": len(kept),
        "asked": found.options.replications,
        "numbers": "central" if found.options.draw is None else f"draw {found.options.draw}",
        "draw": found.options.draw,
        "tables": found.options.tables,
        "worlds": found.options.worlds,
        "command": found.options.command,
        "start": scenario.clock.start,
        "end": scenario.clock.end,
        "months": found.case.months,
        "pick": found.case.pick,
        "names": names_of(scenario),
        "interventions": list(found.case.names.interventions),
        "metrics": metrics(kept),
        "dynamics": beside(kept, of_dynamics(found.case, found.dynamics)),
        "contracts": contracts(found),
        "variation": variations(found),
        "selection": selections(found.case, found.rules, kept, not scenario.interventions),
        "people": [_person(one) for one in kept[0].people],
    }


def contracts(found: Found) -> list[Row]:
    """Each contract-year over replications, beside the formula; year 0 is all years.

    minimum_rate: measured savings from which it pays, at the mean members. begins: first month.
    """
    if not found.kept[0].settled:
        return []
    deals = {deal.name: deal for deal in found.deals}
    begins = {(s.contract, s.year): s.begins for one in found.kept for s in one.settled}
    rows = []
    for row in distribution(found.case, [k.settled for k in found.kept], found.loaded):
        payer = Payer(found.loaded, deals[row.contract])
        clauses = payer.clauses_at(row.members, 1.0, max(row.year - 1, 0))
        rows.append(
            told(row)
            | {
                "minimum_rate": clauses.minimum_savings_rate,
                "begins": begins.get((row.contract, row.year), ""),
            }
        )
    return rows


def variations(found: Found) -> list[Row]:
    return [told(row) for row in _variation(found)]


def _variation(found: Found) -> list[Variation]:
    many = [one.sums for one in found.kept if one.sums is not None]
    return variation(found.case, many, found.loaded) if many else []


def overlay_of(found: Found, scenario_file: str) -> str:
    """YAML that extends a scenario file and gives its contracts the variation found here."""
    return overlay(found.loaded, _variation(found), scenario_file, found.options.seed)


def _person(one: Timeline) -> Row:
    return one._asdict() | {
        "stretches": [s._asdict() for s in one.stretches],
        "marks": [m._asdict() for m in one.marks],
    }


def _about(found: Found, seconds: float) -> Row:
    return {
        "scenario": found.loaded.scenario.name,
        "replications": len(found.kept),
        "asked": found.options.replications,
        "interrupted": found.interrupted,
        "workers": found.workers if found.options.cluster is None else None,
        "cluster": found.options.cluster,
        "seconds": round(seconds, 3),
        "versions": {"headwater": version(), "python": platform.python_version()}
        | {name: metadata.version(name) for name in LIBRARIES},
        "machine": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }


def default_folder(loaded: Loaded) -> Path:
    return Path("runs") / f"{loaded.scenario.name}-episodes"


def is_episodes_folder(folder: Path) -> bool:
    return (folder / "run.json").is_file() and (folder / "episodes.json").is_file()


def _json(path: Path, data: Any) -> None:
    _text(path, json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


def _text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")
