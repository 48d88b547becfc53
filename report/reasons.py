"""Why a party gains or loses: the steps of its waterfall in columns, and the largest of them.

Steps and their order stand in model/waterfall.py. Nominal USD over the horizon, strategy less usual
care; the columns of a party add up to its net cash.
"""

from __future__ import annotations

from typing import NamedTuple

from . import money
from .money import Gain
from .rundata import DIFFERENCE, DUST, Run, Spread

# Column -> steps in it; what no column names is the network's and the contracts'.
AVOIDED, ADDED, BACK_FILL, STAYS = "Avoided", "Added care", "Back-fill", "Stays in the budget"
REVENUE, RATES, PROGRAMMES = "Revenue of providers", "Rates re-set", "Programmes"
NETWORK = "Network and contracts"
COLUMNS: dict[str, tuple[str, ...]] = {
    AVOIDED: ("avoided_at_price", "avoided_at_average_cost"),
    ADDED: ("added_care_elsewhere",),
    BACK_FILL: ("paid_for_others_who_use_it", "used_by_others"),
    STAYS: ("stays_in_the_budget", "fixed_cost_that_stays", "released_in_blocks"),
    REVENUE: ("revenue_lost", "revenue_from_others"),
    RATES: ("passed_on_by_rates", "lower_rates"),
    PROGRAMMES: ("programmes",),
    NETWORK: (),
}
CARE = (AVOIDED, ADDED, BACK_FILL, STAYS)
SHORT = {
    AVOIDED: "avoided care",
    ADDED: "added care",
    BACK_FILL: "back-fill",
    STAYS: "stays in budget",
    REVENUE: "lost revenue",
    RATES: "rates re-set",
    PROGRAMMES: "programmes",
    NETWORK: "network",
}
TOLD = (
    "what moves a party's net cash most. Back-fill: others use the capacity that is freed, and "
    "whoever pays for their care is charged for it; so a party that puts nothing in can lose"
)


class Reason(NamedTuple):
    """A party's net cash, and the mean of each column that leads to it."""

    party: str
    name: str
    columns: dict[str, float]
    net_cash: Spread

    @property
    def largest(self) -> str:
        """The column that moves the net most in its own direction; nothing where none does.

        What care costs is one sum first: back-fill of what is avoided anyway moves nobody.
        """
        sign = 1.0 if self.net_cash.mean > 0.0 else -1.0
        care = {name: sign * self.columns[name] for name in CARE}
        others = {name: sign * x for name, x in self.columns.items() if name not in CARE}
        most = max(others, key=lambda name: others[name])
        if sum(care.values()) > max(others[most], DUST):
            return max(care, key=lambda name: care[name])
        return most if others[most] > DUST else ""


def reason(run: Run, party: str) -> Reason | None:
    """Why a party has the net cash that it has; None where the run has no steps of it."""
    steps = {step.name: step.amount.mean for step in money.waterfall(run, party)}
    net = run.spread("net_cash", party, DIFFERENCE)
    if net is None or "net_cash" not in steps:
        return None
    del steps["net_cash"]
    columns = {
        column: sum(steps.pop(name, 0.0) for name in names) for column, names in COLUMNS.items()
    }
    columns[NETWORK] = sum(steps.values())
    return Reason(party, run.name(party), columns, net)


def reasons(run: Run) -> list[Reason]:
    """Of each party that gains or loses, in the order of the present values; accounts last."""
    parties = [g.key for g in money.gains(run)] + money.accounts(run)
    return [r for party in parties if (r := reason(run, party)) and _moves(r)]


def _moves(r: Reason) -> bool:
    return max(map(abs, (r.net_cash.mean, *r.columns.values()))) > DUST


def shown(found: list[Reason]) -> list[str]:
    """Columns in which anything stands."""
    return [c for c in COLUMNS if any(abs(r.columns[c]) > DUST for r in found)]


def mostly(run: Run, party: str) -> str:
    """A word for what moves a party most: back-fill"""
    found = reason(run, party)
    return SHORT.get(found.largest, "") if found else ""


def without_putting_in(run: Run, down: list[Gain]) -> list[str]:
    """Parties that lose for sure though they put nothing in, by back-fill more than all else."""
    unpaid = (g for g in down if g.outlay is None or abs(g.outlay.mean) < DUST)
    return [g.name for g in unpaid if mostly(run, g.key) == SHORT[BACK_FILL]]
