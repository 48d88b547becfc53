"""The model that is compared: a scenario's largest segment with all its interventions.

Every intervention is made eligible there, whomever the scenario means it for, so that one
segment holds all the equations: need levels, lists, slots, hiring, protection and effects.
Nobody moves between segments, since there is one.
"""

from __future__ import annotations

import numpy as np

from model.draws import Draws
from model.loading import Loaded
from model.luck import luck
from model.parameters import Inputs
from model.stocks import Activity


def central(loaded: Loaded) -> Draws:
    """One draw: every parameter at its central value, every effect at its median."""
    values = {name: np.asarray(p.central) for name, p in loaded.parameters.items()}
    values |= {name: effect.quantile(np.array([0.5])) for name, effect in loaded.effects.items()}
    return Draws(loaded, 1, 0, "lhs", values, luck(loaded.scenario, 1, 0))


def largest_segment(loaded: Loaded) -> int:
    return int(np.argmax([s.population.central for s in loaded.scenario.segments.values()]))


def one_segment(whole: Inputs, segment: int) -> Inputs:
    """The inputs of one segment, with every intervention serving it."""
    g = slice(segment, segment + 1)
    c, u, plan = whole.communities, whole.uses, whole.plan
    nobody = np.zeros(0, dtype=np.int64)
    return Inputs(
        c._replace(
            people=c.people[:, g].copy(),
            onset=c.onset[:, g].copy(),
            escalation=c.escalation[:, g].copy(),
            recovery=c.recovery[:, g].copy(),
            relief=c.relief[:, g].copy(),
            deaths=c.deaths[:, g].copy(),
            leaving=c.leaving[:, g].copy(),
            entrants=c.entrants[:, g].copy(),
            entrant_mix=c.entrant_mix[:, g].copy(),
            movement=c.movement[:, :0].copy(),
        ),
        u._replace(rate=u.rate[:, g].copy(), price=u.price[:, g].copy()),
        whole.programmes,
        plan._replace(
            served=np.ones((plan.served.shape[0], 1), dtype=np.bool_),
            origin=nobody,
            destination=nobody,
            moving=plan.moving[:, :0].copy(),
            cell=plan.cell[g].copy(),
        ),
    )


def months_queue_binds(built: Inputs, activity: Activity) -> np.ndarray:
    """[intervention] months at whose end more people wait than slots are free, in draw 0."""
    slots = activity.staff[0] * built.programmes.caseload[0]
    free = np.maximum(slots - activity.enrolled[0], 0.0)
    return ((activity.waiting[0] > free) & (activity.staff[0] > 0.0)).sum(axis=0)
