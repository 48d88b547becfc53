"""The dynamics by the names of the episodes, at the same numbers, to be set beside them."""

from __future__ import annotations

import numpy as np

from .distributions import Floats
from .episodes import Case
from .episodes.kept import ALL, Key, Months, of_stocks
from .worlds import Worlds, by_party


def months_of(case: Case, found: Worlds) -> Months:
    """Interventions by month in the dynamics; who gives up, and waits, are not recorded there."""
    a = found.strategy
    unknown = np.full_like(a.waiting[0], np.nan)
    slots = a.staff[0] * case.programmes.caseload
    return Months(
        a.waiting[0],
        a.enrolled[0],
        a.protected[0],
        a.staff[0],
        slots,
        a.referred[0],
        a.started[0],
        unknown,
        unknown,
    )


def of_dynamics(case: Case, found: Worlds) -> dict[Key, float]:
    """The numbers of a replication, by their names, as far as the dynamics have them."""
    out: dict[Key, float] = {}
    m = months_of(case, found)
    for i, name in enumerate(case.names.interventions):
        listed = float(m.referred[:, i].sum())
        out[Key("listed", name, "persons")] = listed
        out[Key("enrollments", name, "persons")] = float(m.started[:, i].sum())
        if listed:
            out[Key("mean_wait", name, "months")] = float(m.waiting[:, i].sum()) / listed
        served = float(found.strategy.enrolled_months[0, :, i].sum()) / 12.0
        out[Key("person_years_served", name, "person-years")] = served
        out |= dict(of_stocks(case, m, i, name))
    usual, strategy = (x.use[0].sum(axis=0) for x in (found.usual, found.strategy))
    for s, name in enumerate(case.names.services):
        out[Key("use", name, "units")] = float(usual[s])
        out[Key("avoided_use", name, "units")] = float(usual[s] - strategy[s])
    before, after = (_rescue(found, x.payments[0]) for x in (found.usual, found.strategy))
    for p, name in enumerate(case.names.parties):
        if before[p] or after[p]:
            out[Key("rescue_spending", name, "USD")] = float(before[p])
            out[Key("avoided_rescue_spending", name, "USD")] = float(before[p] - after[p])
    out[Key("rescue_spending", ALL, "USD")] = float(before.sum())
    out[Key("avoided_rescue_spending", ALL, "USD")] = float(before.sum() - after.sum())
    return out


def _rescue(found: Worlds, payments: Floats) -> Floats:
    """USD [party] over the horizon."""
    return by_party(found.scenario, payments.sum(axis=0), rescue=True)
