"""Outcomes: what the activity of two worlds says, per draw.

Usual care is the counterfactual, the strategy adds the interventions; a saving is positive.
Nominal USD, undiscounted, over the horizon (docs/decisions/0003). Each measure has a name and
a subject (a party, or what it speaks of): `metric:subject` on the command line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property

import numpy as np

from . import contract_outcomes, equity, perspectives, pockets, solvency, waterfall
from .distributions import Floats
from .finance.ledger import Ledger, difference
from .freed import Freed, back_filled, freed_cost, freed_of
from .money_plan import obligations
from .postings import ledgers, ledgers_apart
from .rates import sum_of
from .scenario import Scenario, payers_of
from .services import years_since_price_year
from .stocks import Activity
from .totals import over_months, total
from .worlds import (
    ALL,
    DIFFERENCE,
    STRATEGY,
    USUAL,
    Measure,
    Worlds,
    by_party,
    members_of,
    other_care_of,
)

NOBODY = 1e-9  # people, person-months or USD over the horizon: fewer are none to divide by


class Told:
    """What is told of both worlds; what several parts need is worked out once.

    Without `care` only of parties that have nothing to do with care (postings.apart).
    """

    def __init__(self, worlds: Worlds, care: bool = True) -> None:
        self.worlds, self._care = worlds, care

    @cached_property
    def freed(self) -> Freed:
        return freed_of(self.worlds)

    @cached_property
    def change(self) -> Ledger:
        """What changes hands in the strategy beyond usual care."""
        w = self.worlds
        usual, strategy = ledgers(w, self.freed) if self._care else ledgers_apart(w)
        return difference(strategy, usual)


Part = Callable[[Told], Iterator[Measure]]
PARTS: tuple[Part, ...] = (
    lambda told: spending(told.worlds),
    lambda told: savings(told.worlds, told.freed),
    lambda told: natural_counts(told.worlds),
    lambda told: programme_activity(told.worlds),
    lambda told: provider_side(told.worlds, told.freed),
    lambda told: equity.measures(told.worlds),
    lambda told: perspectives.measures(told.worlds, told.change),
    lambda told: waterfall.measures(told.worlds, told.freed, told.change),
    lambda told: solvency.measures(told.worlds),
    lambda told: contract_outcomes.measures(told.worlds),
)


def measures(w: Worlds) -> Iterator[Measure]:
    """Every outcome of the whole horizon, [draw]."""
    return parts_of(Told(w), PARTS)


def parts_of(told: Told, parts: Sequence[Part]) -> Iterator[Measure]:
    """The outcomes of some parts, [draw]."""
    for part in parts:
        yield from part(told)


def by_year(told: Told) -> Iterator[Measure]:
    """Outcomes by calendar year, [draw, year]."""
    yield from pockets.by_year(told.worlds, told.change)
    yield from equity.by_year(told.worlds)


# --- payers


def paid(w: Worlds, world: Activity, rescue: bool) -> Floats:
    """What each party pays for care over the horizon [draw, party], USD."""
    return by_party(w.scenario, over_months(world.payments), rescue)


def spending(w: Worlds) -> Iterator[Measure]:
    """Rescue spending of each party with and without the interventions, and what is avoided."""
    usual, strategy = paid(w, w.usual, True), paid(w, w.strategy, True)
    offsets = paid(w, w.strategy, False) - paid(w, w.usual, False)
    parties = list(w.scenario.parties)
    for party in who_pays(w.scenario, rescue=True):
        p = parties.index(party)
        yield Measure("rescue_spending", party, USUAL, "USD", usual[:, p])
        yield Measure("rescue_spending", party, STRATEGY, "USD", strategy[:, p])
    for p, party in enumerate(parties):
        avoided = usual[:, p] - strategy[:, p]
        yield Measure("avoided_rescue_spending", party, DIFFERENCE, "USD", avoided)
    for party in who_pays(w.scenario, rescue=False):
        p = parties.index(party)
        yield Measure("added_offset_spending", party, DIFFERENCE, "USD", offsets[:, p])
    yield Measure("rescue_spending", ALL, USUAL, "USD", total(usual))
    yield Measure("rescue_spending", ALL, STRATEGY, "USD", total(strategy))
    avoided = total(usual) - total(strategy)
    yield Measure("avoided_rescue_spending", ALL, DIFFERENCE, "USD", avoided)
    yield Measure("added_offset_spending", ALL, DIFFERENCE, "USD", total(offsets))


def who_pays(scenario: Scenario, rescue: bool) -> list[str]:
    """Parties that pay for services of one kind, in the scenario's order."""
    paying = {
        party
        for segment in scenario.segments.values()
        for name in segment.use
        if scenario.services[name].rescue == rescue
        for party in payers_of(scenario.services[name].payment, segment.payers)
    }
    return [party for party in scenario.parties if party in paying]


def who_funds(scenario: Scenario) -> list[str]:
    """Parties that pay for interventions in money or in kind, in the scenario's order."""
    funding = set()
    for programme in scenario.programmes:
        funding.add(programme.funded_by)
        if programme.costs.in_kind.uncertain or programme.costs.in_kind.central > 0.0:
            funding.add(programme.costs.in_kind_by or programme.operator)
    return [party for party in scenario.parties if party in funding]


def savings(w: Worlds, freed: Freed) -> Iterator[Measure]:
    """Each party's own saving, net of offsets, of what is not freed and of programme costs."""
    parties = list(w.scenario.parties)
    avoided = paid(w, w.usual, True) - paid(w, w.strategy, True)
    offsets = paid(w, w.strategy, False) - paid(w, w.usual, False)
    kept = not_freed(w, avoided, freed)
    cost = np.zeros_like(avoided)
    for party, amount in programme_costs(w).items():
        cost[:, parties.index(party)] = over_months(amount)
    net = avoided - offsets - kept - cost
    payers, funders = who_pays(w.scenario, rescue=True), who_funds(w.scenario)
    others = who_pays(w.scenario, rescue=False)
    for p, party in enumerate(parties):
        if party in payers:
            yield Measure("not_freed", party, DIFFERENCE, "USD", kept[:, p])
        if party in funders:
            yield Measure("programme_cost", party, DIFFERENCE, "USD", cost[:, p])
        if party in {*payers, *others, *funders}:
            yield Measure("net_saving", party, DIFFERENCE, "USD", net[:, p])
    yield Measure("not_freed", ALL, DIFFERENCE, "USD", total(kept))
    yield Measure("programme_cost", ALL, DIFFERENCE, "USD", total(cost))
    yield Measure("net_saving", ALL, DIFFERENCE, "USD", total(net))
    budgets = [p for p, party in enumerate(parties) if w.scenario.parties[party].pays == "budget"]
    if budgets:
        at_cost, stays = total(avoided[:, budgets]), total(kept[:, budgets])
        yield Measure("avoided_budget_cost", ALL, DIFFERENCE, "USD", at_cost)
        yield Measure("freed_budget_cost", ALL, DIFFERENCE, "USD", at_cost - stays)
    backbone = w.scenario.backbone.party
    yield Measure("backbone_cost", backbone, USUAL, "USD", over_months(backbone_budget(w)))
    yield from members(w, avoided - offsets)


def not_freed(w: Worlds, avoided: Floats, freed: Freed) -> Floats:
    """The part of what is avoided that no payer keeps [draw, party], USD.

    Who pays a price: what is charged for others who use the freed capacity (back-fill). Who bears
    a budget: all but the marginal cost after back-fill and the blocks of capacity released.
    """
    parties = w.scenario.parties.values()
    budget = np.array([party.pays == "budget" for party in parties])
    return np.where(budget, avoided - freed_cost(w, freed), back_filled(w))


def members(w: Worlds, saved: Floats) -> Iterator[Measure]:
    """Avoided less added care per member and month, and as a share of all that the payer spends.

    A member whose cost several payers share counts for each by its share.
    """
    other, months = other_care(w)
    usual = paid(w, w.usual, True) + paid(w, w.usual, False) + other
    covering = {party for segment in w.scenario.segments.values() for party in segment.payers}
    for p, (name, party) in enumerate(w.scenario.parties.items()):
        if party.kind == "payer" and name in covering:
            pmpm = _ratio(saved[:, p], months[:, p])
            yield Measure("member_months", name, USUAL, "person-months", months[:, p])
            yield Measure("total_spending", name, USUAL, "USD", usual[:, p])
            yield Measure("net_of_added_care_pmpm", name, DIFFERENCE, "USD/person-month", pmpm)
            rate = _ratio(saved[:, p], usual[:, p])
            yield Measure("savings_rate", name, DIFFERENCE, "1", rate)


def other_care(w: Worlds) -> tuple[Floats, Floats]:
    """All other care, USD, and member-months, each [draw, party], in usual care."""
    parties = list(w.scenario.parties)
    spent = np.zeros((w.get.size, len(parties)))
    months = np.zeros_like(spent)
    for p, party in enumerate(parties):
        for name, segment in w.scenario.segments.items():
            if party in segment.payers:
                months[:, p] += over_months(members_of(w, party, name))
        if w.scenario.parties[party].other_care is not None:
            spent[:, p] = over_months(other_care_of(w, party))
    return spent, months


# --- natural counts


def natural_counts(w: Worlds) -> Iterator[Measure]:
    """Units of each service, with and without; counts stand beside money, never inside it."""
    usual, strategy = over_months(w.usual.use), over_months(w.strategy.use)
    for s, (name, service) in enumerate(w.scenario.services.items()):
        unit = service.counted_in
        yield Measure("use", name, USUAL, unit, usual[:, s])
        yield Measure("use", name, STRATEGY, unit, strategy[:, s])
        yield Measure("avoided_use", name, DIFFERENCE, unit, usual[:, s] - strategy[:, s])


def programme_activity(w: Worlds) -> Iterator[Measure]:
    """Reach, waiting and cost of each intervention."""
    started = over_months(w.strategy.started)
    served = over_months(w.strategy.enrolled_months) / 12.0
    waited = over_months(w.strategy.waiting)
    for i, name in enumerate(w.scenario.interventions):
        cost = over_months(intervention_cost(w, i))
        yield Measure("enrollments", name, STRATEGY, "persons", started[:, i])
        yield Measure("person_years_served", name, STRATEGY, "person-years", served[:, i])
        wait = _ratio(waited[:, i], over_months(w.strategy.referred)[:, i])
        yield Measure("mean_wait", name, STRATEGY, "months", wait)
        yield Measure("intervention_cost", name, STRATEGY, "USD", cost)
        yield Measure(
            "cost_per_enrollment", name, STRATEGY, "USD/person", _ratio(cost, started[:, i])
        )
        yield from effects_at_floor(w, i, name)
    if w.scenario.interventions:
        avoided = total(paid(w, w.usual, True) - paid(w, w.strategy, True))
        yield Measure(
            "avoided_per_person_year_served",
            ALL,
            DIFFERENCE,
            "USD/person-year",
            _ratio(avoided, total(served)),
        )


def effects_at_floor(w: Worlds, i: int, name: str) -> Iterator[Measure]:
    """Where the published effect is more than the preventable part can carry: share, [draw].

    The mean over draws is how often the floor binds, over the segments served.
    """
    served = [g in w.scenario.interventions[name].eligible.segments for g in w.scenario.segments]
    for service in w.scenario.interventions[name].effects:
        s = list(w.scenario.services).index(service)
        at_floor = (w.strategy.ratio[:, i, served, s] <= 0.0).astype(np.float64)
        share = total(at_floor) / at_floor.shape[1]
        yield Measure("effect_at_floor", f"{name}.{service}", STRATEGY, "1", share)


def _ratio(top: Floats, bottom: Floats) -> Floats:
    """0 where there is nothing to divide by (NOBODY)."""
    return np.divide(top, bottom, out=np.zeros_like(top), where=bottom > NOBODY)


# --- costs


def programme_costs(w: Worlds) -> dict[str, Floats]:
    """What each party pays for the interventions [draw, month], USD; in kind is its giver's."""
    out: dict[str, Floats] = {}
    for i, programme in enumerate(w.scenario.programmes):
        spent = w.strategy_world.books.programme[:, :, i]
        giver = programme.costs.in_kind_by or programme.operator
        parts = (
            (programme.funded_by, spent["cost"] - spent["carried"]),
            (programme.operator, spent["carried"]),
            (giver, spent["in_kind"]),
        )
        for party, amount in parts:
            out[party] = out.get(party, 0.0) + amount
    return out


def intervention_cost(w: Worlds, i: int) -> Floats:
    """Cash and in-kind cost of one intervention [draw, month], USD of the month."""
    books = w.strategy_world.books
    return np.asarray(books.programme["cost"][:, :, i] + books.programme["in_kind"][:, :, i])


def backbone_budget(w: Worlds) -> Floats:
    """The backbone's cost [draw, month], USD of the month: as paid, or its budget if it has no
    account."""
    paid = [
        w.usual_world.books.paid[:, :, o]
        for o, owed in enumerate(obligations(w.scenario))
        if owed.account == w.scenario.backbone.party and owed.kind in ("posts", "costs")
    ]
    if paid:
        return sum_of(paid)
    growth = (1.0 + w.get("backbone.trend"))[:, None] ** years_since_price_year(w.scenario)
    return w.get("backbone.budget")[:, None] * growth


# --- providers


def provider_side(w: Worlds, freed: Freed) -> Iterator[Measure]:
    """What providers stop spending, and what leaves their budgets: average cost is neither."""
    variable: dict[str, Floats] = {}
    released: dict[str, Floats] = {}
    for s, service in enumerate(w.scenario.services.values()):
        if service.provider and service.rescue:
            there = service.provider
            variable[there] = variable.get(there, 0.0) + over_months(freed.variable[s])
            released[there] = released.get(there, 0.0) + over_months(freed.released[s])
    for party, value in variable.items():
        yield Measure("avoided_marginal_cost", party, DIFFERENCE, "USD", value)
        yield Measure("released_fixed_cost", party, DIFFERENCE, "USD", released[party])


# --- series


def series(w: Worlds) -> Iterator[Measure]:
    """Monthly series [draw, month] that the run folder keeps as quantiles."""
    for label, world in ((USUAL, w.usual), (STRATEGY, w.strategy)):
        paying = by_party(w.scenario, world.payments, True)
        for party in who_pays(w.scenario, rescue=True):
            p = list(w.scenario.parties).index(party)
            yield Measure("rescue_spending", party, label, "USD", paying[:, :, p])
        yield Measure("rescue_spending", ALL, label, "USD", total(paying))
        for s, (name, service) in enumerate(w.scenario.services.items()):
            yield Measure("use", name, label, service.counted_in, world.use[:, :, s])
    for g, name in enumerate(w.scenario.segments):
        yield Measure("people", name, STRATEGY, "persons", total(w.strategy.people[:, :, g]))
    for i, name in enumerate(w.scenario.interventions):
        for stock in ("waiting", "enrolled", "protected"):
            values = getattr(w.strategy, stock)[:, :, i]
            yield Measure(stock, name, STRATEGY, "persons", values)
        yield Measure("staff", name, STRATEGY, "posts", w.strategy.staff[:, :, i])
        yield Measure("intervention_cost", name, STRATEGY, "USD", intervention_cost(w, i))
    usual = total(by_party(w.scenario, w.usual.payments, True))
    avoided = usual - total(by_party(w.scenario, w.strategy.payments, True))
    yield Measure("avoided_rescue_spending", ALL, DIFFERENCE, "USD", avoided)
    yield from solvency.series(w)
