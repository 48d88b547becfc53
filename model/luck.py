"""Luck: chance events of a scenario, drawn outside the simulation from named streams.

Chance is what nobody can know beforehand: an award, a renewal, the claims of one year. It is kept
apart from what is uncertain about the parameters, and is the same in every scenario that names the
same grant or contract, so that scenarios differ by what they do and not by luck.
"""

from __future__ import annotations

from collections.abc import Iterator

from .distributions import Floats
from .sampling import stream
from .scenario import Scenario

AREA = "area"


def luck(scenario: Scenario, draws: int, seed: int) -> dict[str, Floats]:
    """Uniform numbers of yes-or-no events and normal ones of errors, [draw, event] by name."""
    return dict(each_luck(scenario, draws, seed))


def each_luck(scenario: Scenario, draws: int, seed: int) -> Iterator[tuple[str, Floats]]:
    """The same, one name after the other."""
    for name, events in chances(scenario):
        # Event by event, so that one more year moves no other.
        yield name, stream(seed, f"chance.{name}").random((events, draws)).T
    for name, events in errors(scenario):
        yield name, stream(seed, f"chance.{name}").standard_normal((events, draws)).T


def chances(scenario: Scenario) -> Iterator[tuple[str, int]]:
    """Yes-or-no events: awards and renewals, hard-wiring, loans."""
    money = scenario.financing
    if money is None:
        return
    for name, grant in money.grants.items():
        yield f"grants.{name}", 1 + (grant.renewal.times if grant.renewal else 0)
    for name in money.hard_wiring:
        yield f"hard_wiring.{name}", 1
    for name in money.loans:
        yield f"loans.{name}", 1


def errors(scenario: Scenario) -> Iterator[tuple[str, int]]:
    """Errors of what contracts measure: by year, by agreement, of the trend, of the area."""
    money = scenario.financing
    if money is None or not money.contracts:
        return
    yield AREA, scenario.clock.months // 12 + 2  # by calendar year, the same for all contracts
    for name, contract in money.contracts.items():
        yield f"contracts.{name}.year", contract.years
        yield f"contracts.{name}.baseline", contract.years
        yield f"contracts.{name}.trend", contract.years
        for measure in contract.measures:
            yield f"contracts.{name}.measures.{measure}", contract.years
