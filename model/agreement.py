"""Agreement: what the dynamics and the episodes make of one scenario at its real size.

The dynamics are right for many people and many posts; at real size chance itself moves the means.
Two things pull against each other (docs/episodes.md): a list or a slot that is empty now and then
starts fewer people (E[min] <= min E), and slots that come and go with a post start more, since a
lost post discharges nobody.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .distributions import Floats
from .draws import central
from .ensemble import both_worlds
from .episodes import Replication, prepare, run
from .episodes.checks import with_interventions
from .episodes.run import Progress, silent
from .loading import Loaded, from_document
from .stocks import Activity
from .yamlfile import assign

STEPS = 32  # a month; the error of a step goes with its length
MEASURES = {
    "enrolled": "person-months",
    "started": "persons",
    "waiting": "persons, mean of month ends",
}


class Difference(NamedTuple):
    """One measure of one intervention over the horizon, in both lenses."""

    intervention: str
    measure: str
    unit: str
    dynamics: float
    episodes: float  # mean of replications
    standard_error: float
    share: float  # episodes / dynamics - 1


def finite_size(
    loaded: Loaded,
    replications: int,
    seed: int,
    workers: int = 1,
    progress: Progress = silent,
) -> list[Difference]:
    """How far replications are from the dynamics on average, by intervention and measure.

    Both with staff paid whatever happens: money is left out of the dynamics.
    """
    with_interventions(loaded)
    exact = of_dynamics(both_worlds(central(without_money(loaded)), slice(0, 1)).strategy)
    made = run(prepare(loaded), replications, seed, tally, (), workers, progress)
    return list(differences(list(loaded.scenario.interventions), exact, np.array(list(made))))


def differences(names: list[str], exact: Floats, found: Floats) -> Iterator[Difference]:
    """exact: [measure, intervention]; found: [replication, measure, intervention]"""
    mean = found.mean(axis=0)
    error = found.std(axis=0, ddof=1) / np.sqrt(len(found)) if len(found) > 1 else mean * np.nan
    for i, name in enumerate(names):
        for m, (measure, unit) in enumerate(MEASURES.items()):
            dynamics, episodes = float(exact[m, i]), float(mean[m, i])
            share = episodes / dynamics - 1.0 if dynamics > 0.0 else float("nan")
            yield Difference(name, measure, unit, dynamics, episodes, float(error[m, i]), share)


def without_money(loaded: Loaded) -> Loaded:
    """The same scenario without financing and correlations, in fine steps."""
    document = loaded.document
    for setting in ("financing=null", "correlations=null", f"clock.steps_per_month={STEPS}"):
        if setting.partition("=")[0] in document.data or "." in setting:
            document = assign(document, setting)
    return from_document(document)


def of_dynamics(a: Activity) -> Floats:
    """[measure, intervention]"""
    return np.stack(
        [a.enrolled_months[0].sum(axis=0), a.started[0].sum(axis=0), a.waiting[0].mean(axis=0)]
    )


def tally(found: Replication) -> Floats:
    """The same of one replication; months enrolled to the day."""
    p, a = found.pathways, found.activity
    began = ~np.isnan(p.started)
    until = np.fmin(p.ended[began], float(len(a.started)))
    months = np.bincount(p.intervention[began], until - p.started[began], a.started.shape[1])
    return np.stack([months, a.started.sum(axis=0), a.waiting.mean(axis=0)])
