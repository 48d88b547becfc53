"""A Sobol analysis: of Jackson whole, and of one segment beside SALib around PySD.

The one-segment model is that of `peers`; both sides get the same factors, Saltelli's design and
SALib's estimators, and one outcome: person-months in service over the horizon. Not timed: loading,
translation, compilation. PySD runs BASE_OF_PEER base samples, and its time is scaled to BASE.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from model.distributions import Floats
from model.draws import Draws
from model.loading import Loaded, load
from model.parameters import Inputs
from model.sensitivity import sobol, study
from model.sensitivity.factors import Factor, factors

from .engines import PySD
from .jackson import ROOT
from .peers import Case
from .table import Row

SCENARIO = ROOT / "scenarios" / "jackson.yaml"
BASE, BASE_OF_PEER = 1024, 32
SEED = 1
OUTPUT = "npv:backbone"


def rows() -> Iterator[Row]:
    loaded = load(SCENARIO)
    yield from whole(loaded)
    yield from beside_pysd(loaded)


def whole(loaded: Loaded) -> Iterator[Row]:
    """First and total order of every uncertain number."""
    study.run(loaded, "sobol", [OUTPUT], 8, SEED)  # what is read and compiled once
    for base in (BASE // 4, BASE):
        began, cpu = time.perf_counter(), time.process_time()
        [found] = study.run(loaded, "sobol", [OUTPUT], base, SEED)
        wall, spent = time.perf_counter() - began, time.process_time() - cpu
        label = f"Jackson, Sobol of {OUTPUT}, {base:,} base samples, {found.runs:,} runs"
        yield Row(label, f"{wall:.0f} s", "under 90 s" if base == BASE else "")
        yield Row("the same: processor time of a run", f"{1e3 * spent / found.runs:.2f} ms")


def beside_pysd(loaded: Loaded) -> Iterator[Row]:
    case = Case(loaded)
    varied = [f for f in factors(loaded) if matters(case, loaded, f)]
    ours = _seconds(lambda: analysis(case, loaded, varied, BASE, compiled(case)))
    yield Row(f"one segment, {len(varied)} factors, {BASE:,} base samples", f"{ours:.1f} s")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "one_segment.xmile"
        path.write_text(case.xmile(), encoding="utf-8")
        peer = around(case, PySD(path, *case.recorded))
        theirs = _seconds(lambda: analysis(case, loaded, varied, BASE_OF_PEER, peer))
    scaled = theirs * BASE / BASE_OF_PEER
    label = f"the same by SALib around PySD ({BASE_OF_PEER} base samples: {theirs:.0f} s), scaled"
    yield Row(label, f"{scaled:,.0f} s")
    yield Row("SALib around PySD / Headwater", f"{scaled / ours:,.0f}")


def matters(case: Case, loaded: Loaded, factor: Factor) -> bool:
    """Whether a factor changes any constant of the one-segment model."""
    a, b = sobol.pair(loaded, 2, SEED)
    before, after = (
        case.constants(case.inputs(draws, slice(0, 2)), 0)
        for draws in (a, sobol.one_exchanged(a, b, factor))
    )
    return bool(factor.members) and before != after


Runner = Callable[[Inputs], Floats]


def analysis(
    case: Case, loaded: Loaded, varied: list[Factor], base: int, run: Runner
) -> sobol.Indices | None:
    """Indices of the person-months in service, from runs [variant, draw]."""
    a, b = sobol.pair(loaded, base, SEED)
    values = [served(case, draws, run) for draws in sobol.design(a, b, varied)]
    return sobol.indices(np.stack(values), SEED)


def served(case: Case, draws: Draws, run: Runner) -> Floats:
    return run(case.inputs(draws, slice(0, draws.size)))


def compiled(case: Case) -> Runner:
    def run(built: Inputs) -> Floats:
        return np.asarray(case.run(built).enrolled.sum(axis=(1, 2)))

    return run


def around(case: Case, engine: PySD) -> Runner:
    def run(built: Inputs) -> Floats:
        out = []
        names = [name for name in case.recorded[0] if name.startswith("enrolled_")]
        for draw in range(built.uses.rate.shape[0]):
            stocks = engine.run(case.constants(built, draw))
            out.append(sum(stocks[name][1:].sum() for name in names))
        return np.array(out)

    return run


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
