"""The contracts of a scenario as far as no draw changes them: dates, whom and what they count."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .books import (
    CONTRACT,
    ENROLLMENTS,
    MEASURE,
    PERSON_DAYS,
    PERSON_MONTHS,
    UNITS,
    ContractPlan,
)
from .financing import ContractLine, Financing
from .money_plan import Bools, Ints, filled, financing_of
from .scenario import Cell, Scenario
from .terms import OutcomeMetric

MEASURED_IN = {
    "units": UNITS,
    "person_months": PERSON_MONTHS,
    "person_days": PERSON_DAYS,
    "enrollments": ENROLLMENTS,
}


class Measured(NamedTuple):
    """One outcome of one contract."""

    contract: str
    name: str


def measured(scenario: Scenario) -> list[Measured]:
    f = financing_of(scenario)
    return [Measured(h, q) for h, c in f.contracts.items() for q in c.measures]


def metric_of(f: Financing, m: Measured) -> OutcomeMetric:
    outcomes = f.contracts[m.contract].terms.outcomes
    assert outcomes is not None
    return outcomes.metrics[m.name]


# --- the plan


def contract_plan(scenario: Scenario) -> ContractPlan:
    """What no draw changes."""
    f = financing_of(scenario)
    deals, found = list(f.contracts.values()), measured(scenario)
    services, interventions = list(scenario.services), list(scenario.interventions)
    about = [f.contracts[m.contract].measures[m.name] for m in found]
    shared = [c.terms.shared_savings for c in deals]
    return ContractPlan(
        contract=filled(
            CONTRACT,
            (len(deals),),
            start=[scenario.clock.index(c.start) for c in deals],
            years=[c.years for c in deals],
            agreement_years=[c.agreement_years for c in deals],
            netted=[bool(s and s.fee_netted_first) for s in shared],
            shares_savings=[s is not None for s in shared],
            captures=_index_of((c.pays_into for c in deals), list(f.reinvestment)),
            cases=_index_of((c.cases for c in deals), interventions),
            tiers=[len(s.tiers) if s else 0 for s in shared],
        ),
        measure=filled(
            MEASURE,
            (len(found),),
            contract=_index_of((m.contract for m in found), list(f.contracts)),
            service=_index_of((a.service for a in about), services),
            intervention=_index_of((a.intervention for a in about), interventions),
            counted_in=[MEASURED_IN[a.counted_in] for a in about],
            bands=[len(metric_of(f, m).bands) for m in found],
        ),
        cell_counted=_cells_counted(scenario, deals),
        covered=_covered(scenario, deals),
    )


def _cells_counted(scenario: Scenario, deals: list[ContractLine]) -> Bools:
    """[contract, cell]: care that the payer pays for and the contract counts."""
    return np.array(
        [[_counts(scenario, c, cell) for cell in scenario.cells] for c in deals], dtype=np.bool_
    ).reshape(len(deals), len(scenario.cells))


def _counts(scenario: Scenario, c: ContractLine, cell: Cell) -> bool:
    if cell.party != c.payer or cell.service in c.covers.carved_out:
        return False
    return c.terms.withhold is None or scenario.services[cell.service].provider == c.payee


def _covered(scenario: Scenario, deals: list[ContractLine]) -> Bools:
    rows = [[g in c.covers.segments for g in scenario.segments] for c in deals]
    return np.array(rows, dtype=np.bool_).reshape(len(deals), len(scenario.segments))


def _index_of(names: Any, of: list[str]) -> Ints:
    return np.array([of.index(n) if n in of else -1 for n in names], dtype=np.int64)
