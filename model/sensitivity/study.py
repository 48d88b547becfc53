"""Study: one method of sensitivity analysis on a scenario's own distributions, as a table.

All runs of the model are one compiled ensemble. Each index has its interval, and each ranking says
whether it can be trusted and about how many runs it would take.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from math import ceil, log2
from pathlib import Path

import numpy as np

from model.checkpoints import wanted
from model.cluster import about
from model.draws import sample
from model.ensemble import MAY_BE_MISSING, Progress, silent
from model.loading import Loaded
from model.problems import BadInput, Mark, Problem
from model.runfolder import run_hash
from model.variants import outputs, parts
from model.wanted import Plan, known, plan
from model.workfolder import Finished, held, work_folder

from . import given, morris, oneway, sobol, tables
from .factors import Factor, by_meaning, factors, has_luck, levers
from .tables import Method, Row, Study

__all__ = ["METHODS", "Method", "Row", "Study", "resumable", "run", "runs", "sized"]

METHODS: tuple[Method, ...] = ("tornado", "sobol", "morris", "pawn", "delta", "regional")
# Draws of one-way bars, base samples of Sobol, trajectories of Morris, draws of the others.
DEFAULT_SIZE: dict[str, int] = {
    "tornado": 100, "sobol": 512, "morris": 40, "pawn": 2000, "delta": 2000, "regional": 2000,
}  # fmt: skip
LEAST = {"tornado": 4, "sobol": 4, "morris": 4} | given.LEAST
MOST_GIVEN = 50_000  # draws whose ranks are taken again and again
LOOKED_AT = 200  # draws, to see whether an outcome may be missing, or moves at all
LIKELY = ("npv:society", "net_saving:all", "closing_gap:backbone", "avoided_rescue_spending:all")


def run(
    loaded: Loaded,
    method: Method,
    names: Sequence[str],
    size: int | None = None,
    seed: int = 1,
    grouped: bool = False,
    progress: Progress = silent,
    address: str | None = None,
    kept: Finished | None = None,
) -> list[Study]:
    """One study for each outcome named; the model runs once for all of them.

    With the address of a Dask cluster its workers run the model; parts that are `kept` are not run
    again. The numbers are the same.
    """
    asked = plan(loaded, names)
    varied = varying(loaded, method, grouped)
    samples = sized(method, size)
    _refuse_missing(loaded, method, asked, seed)
    told = partial(outputs, progress=progress, address=address, kept=kept)
    if method == "tornado":
        draws = sample(loaded, samples, seed)
        values = told(oneway.variants(loaded, draws, varied), asked)
        found = [
            tables.one_way(loaded, w, varied, values[:, k], samples)
            for k, w in enumerate(asked.outputs)
        ]
    elif method == "sobol":
        a, b = sobol.pair(loaded, samples, seed)
        values = told(sobol.design(a, b, varied), asked)
        points = None if grouped else a.values
        found = [
            tables.shares(w, varied, values[:, k], samples, seed, points)
            for k, w in enumerate(asked.outputs)
        ]
    elif method == "morris":
        x = morris.trajectories(varied, samples, seed)
        [values] = told([morris.along(loaded, varied, x, seed)], asked)
        found = [
            tables.screened(w, varied, x, y, samples, seed)
            for w, y in zip(asked.outputs, values, strict=True)
        ]
    else:
        draws = sample(loaded, samples, seed)
        [values] = told([draws], asked)
        found = [
            tables.of_draws(w, method, varied, draws.values, y, samples, seed)
            for w, y in zip(asked.outputs, values, strict=True)
        ]
    left_out = method not in ("sobol", "morris") and has_luck(loaded)
    instead = moving(loaded, seed) if any(one.still for one in found) else ()
    return [
        one._replace(chance=not left_out, instead=instead if one.still else ()) for one in found
    ]


def sized(method: Method, size: int | None) -> int:
    """Samples of a study: Sobol's are rounded up to a power of two, at which its points are
    balanced; BadInput for so few, or so many, that the method tells nothing."""
    asked = DEFAULT_SIZE[method] if size is None else size
    if asked < LEAST[method]:
        raise _bad_option("--samples", f"{asked}", f"{LEAST[method]} or more with {method}")
    if method in given.INDICES and asked > MOST_GIVEN:
        raise _bad_option("--samples", f"{asked}", f"at most {MOST_GIVEN} with {method}")
    return 2 ** ceil(log2(asked)) if method == "sobol" else asked


def moving(loaded: Loaded, seed: int) -> tuple[str, ...]:
    """Outcomes, of those that are asked for most, that are not the same in every draw."""
    there = {
        f"{one.metric}:{of}" for one in known(loaded) if not one.monthly for of in one.subjects
    }
    likely = [name for name in LIKELY if name in there]
    if not likely:
        return ()
    [values] = outputs([sample(loaded, LOOKED_AT, seed)], plan(loaded, likely))
    return tuple(name for name, y in zip(likely, values, strict=True) if np.ptp(y) > 0.0)


def _refuse_missing(loaded: Loaded, method: Method, asked: Plan, seed: int) -> None:
    """Refuse what some draws lack, where a method needs a value in every draw."""
    if method in given.INDICES or not any(w.metric in MAY_BE_MISSING for w in asked.outputs):
        return
    [values] = outputs([sample(loaded, LOOKED_AT, seed)], asked)
    for w, y in zip(asked.outputs, values, strict=True):
        if missing := int(np.isnan(y).sum()):
            found = f"`{w.name}`, which {missing} of {LOOKED_AT} draws do not have"
            allowed = (
                f"with {method} an outcome that every draw has, or --method pawn, delta or regional"
            )
            raise _bad_option("--output", found, allowed)


def runs(loaded: Loaded, method: Method, size: int | None, grouped: bool = False) -> int:
    """How many runs of the model a study takes."""
    variants, draws = _shape(loaded, method, sized(method, size), grouped)
    return variants * draws


def _shape(loaded: Loaded, method: Method, samples: int, grouped: bool) -> tuple[int, int]:
    """How many variants of how many draws a study asks the model for."""
    count = len(varying(loaded, method, grouped))
    if method == "tornado":
        return 2 * count + 1, samples
    if method == "sobol":
        return count + 2, samples
    return (1, (count + 1) * samples) if method == "morris" else (1, samples)


@contextmanager
def resumable(
    loaded: Loaded,
    method: Method,
    names: Sequence[str],
    samples: int,
    seed: int,
    grouped: bool,
    folder: Path,
    resume: bool = False,
    address: str | None = None,
) -> Iterator[Finished | None]:
    """What a large study to `folder` has finished, kept while the block lasts; None if small."""
    variants, draws = _shape(loaded, method, sized(method, samples), grouped)
    if not wanted(variants * draws, address, None, resume):
        yield None
        return
    each = parts(variants, draws)
    identity = {
        "method": method,
        "outputs": list(names),
        "samples": samples,
        "groups": grouped,
        "seed": seed,
        "inputs": run_hash(loaded, samples, seed, "lhs"),
        "chunk": each[0].stop,
    }
    kept = Finished(work_folder(folder), len(each))
    with held(kept, identity | about(), resume):
        yield kept


def varying(loaded: Loaded, method: Method, grouped: bool) -> tuple[Factor, ...]:
    """What a method varies; BadInput where it cannot."""
    found = factors(loaded)
    if not found:
        raise _refused(loaded, "no uncertain number", "a scenario with at least one distribution")
    if grouped and method != "sobol":
        raise _bad_option("--groups", f"--groups with {method}", "--groups with --method sobol")
    if grouped:
        return by_meaning(found)
    if method in ("sobol", "morris"):
        return found
    without = tuple(f for f in found if f.role != "chance")
    if method == "tornado":
        return without + levers(loaded)
    if not without:
        raise _refused(loaded, "nothing uncertain but chance", "--method sobol or morris")
    return without


def _refused(loaded: Loaded, found: str, allowed: str) -> BadInput:
    return BadInput([Problem(Mark(loaded.scenario.name, 0, 0), "", found, allowed)])


def _bad_option(option: str, found: str, allowed: str) -> BadInput:
    return BadInput([Problem(Mark(option, 0, 0), "", found, allowed)])
