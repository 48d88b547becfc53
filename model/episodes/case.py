"""Case: the numbers of one draw, as the dynamics read them, with what individuals need beside."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from model.cohort import solve_direct_effects
from model.community import Community, Use
from model.distributions import Floats
from model.draws import Columns, Draws
from model.episode_terms import EpisodeTerms
from model.interventions import Programmes
from model.parameters import Inputs, inputs
from model.quantity import DAYS_PER_MONTH
from model.scenario import Scenario
from model.services import payer_shares, payer_table, price_of, years_since_price_year
from model.stocks import Plan

Ints = np.ndarray[Any, np.dtype[np.signedinteger[Any]]]
Flags = np.ndarray[Any, np.dtype[np.bool_]]
LEVELS = 3
ABSENT = -1  # the cell of who is not there; else segment x 3 + need level


class Names(NamedTuple):
    """Names in the order of every array."""

    segments: tuple[str, ...]
    services: tuple[str, ...]
    interventions: tuple[str, ...]
    parties: tuple[str, ...]


class Billing(NamedTuple):
    """Who pays what for a claim; the payer is one party, by share."""

    party: Ints  # [segment, service, k], -1 for none
    share: Floats  # [segment, service, k] cumulative: 1 from the last payer on
    price: Floats  # [segment, service, k] USD/unit that this payer pays, whole
    lasting: Flags  # [service] the payer is the person's own, claim after claim


class OtherCareTerms(NamedTuple):
    """All other care of the members of each party; cost 0 where it has none."""

    cost: Floats  # [party] USD/person-month
    factor: Floats  # [month, party] price trend
    variation: Floats  # [party] sd / mean of a member's cost of a year
    correlation: Floats  # [party] with the frailty, of the normal scores
    claims: float  # claims/person-month
    lasting_share: float  # of the variance of a year


class Scatter(NamedTuple):
    """How individuals and claims scatter."""

    frailty_variance: float
    amount_variation: Floats  # [service] sd / mean of one claim
    length: Floats  # [service] units that one event counts: days of a stay, or 1
    stay: Floats  # [service] mean months of a stay, 0 for a visit
    run_out: float  # months
    attempts: int
    between_attempts: float  # months


class Case(NamedTuple):
    """One draw of a scenario; arrays have no draw axis."""

    names: Names
    start: str
    months: int
    community: Community
    use: Use
    programmes: Programmes
    plan: Plan
    ratio: Floats  # [intervention, segment, service] direct, as carried
    billing: Billing
    other_care: OtherCareTerms
    member: Billing  # [segment, 1, k]: whose members a segment's people are
    scatter: Scatter
    pick: str


def plain(equation: Any) -> Any:
    """An equation as plain Python, for a number at a time: a compiled call costs more than that."""
    return getattr(equation, "py_func", equation)


def case_of(draws: Draws, draw: int) -> Case:
    """The case of one draw, from the very arrays that the dynamics read."""
    scenario, rows = draws.scenario, slice(draw, draw + 1)
    get = Columns(draws, rows)
    built = inputs(draws, rows)
    c = Community(*(a[0] for a in built.communities))
    u = Use(*(a[0] for a in built.uses))
    v = Programmes(*(a[0] for a in built.programmes))
    terms = scenario.episodes or EpisodeTerms()
    return Case(
        names=Names(
            tuple(scenario.segments),
            tuple(scenario.services),
            tuple(scenario.interventions),
            tuple(scenario.parties),
        ),
        start=scenario.clock.start,
        months=scenario.clock.months,
        community=c,
        use=u,
        programmes=v,
        plan=built.plan,
        ratio=direct_effects(c, u, v, built, scenario.clock.steps_per_month),
        billing=billing(scenario, get),
        other_care=other_care(scenario, get, terms),
        member=membership(scenario, get),
        scatter=scatter(scenario, get, terms),
        pick=terms.pick,
    )


def direct_effects(c: Community, u: Use, v: Programmes, built: Inputs, steps: int) -> Floats:
    """The ratios that the dynamics solve for, by the same cohort."""
    ratio = np.ones((len(v.referral), len(c.onset), len(u.preventable)))
    solve_direct_effects(c, u, v, built.plan, 1.0 / steps, ratio)
    return ratio


# --- who pays


def billing(scenario: Scenario, get: Columns) -> Billing:
    table, most = payer_table(scenario)
    parties = list(scenario.parties)
    shape = (len(scenario.segments), len(scenario.services), most)
    party, share, price = np.full(shape, -1, dtype=np.int64), np.zeros(shape), np.zeros(shape)
    for g, segment in enumerate(scenario.segments):
        for s, (name, service) in enumerate(scenario.services.items()):
            shares = payer_shares(scenario, get, segment, name)
            for k, who in enumerate(table[g][s]):
                party[g, s, k], share[g, s, k] = parties.index(who), _one(shares[who])
                if name in scenario.segments[segment].use:
                    price[g, s, k] = _one(price_of(get, name, service, who))
    lasting = np.array([s.payment is None for s in scenario.services.values()], dtype=np.bool_)
    return Billing(party, share.cumsum(axis=2), price, lasting)


def membership(scenario: Scenario, get: Columns) -> Billing:
    """Whose members the people of a segment are, as a billing of one service."""
    parties, segments = list(scenario.parties), scenario.segments
    shape = (len(segments), 1, max(len(s.payers) for s in segments.values()))
    party, share = np.full(shape, -1, dtype=np.int64), np.zeros(shape)
    for g, (name, segment) in enumerate(segments.items()):
        whole = 0.0
        for k, (who, part) in enumerate(segment.payers.items()):
            party[g, 0, k] = parties.index(who)
            whole += 1.0 if part is None else _one(get(f"segments.{name}.payer.{who}"))
            share[g, 0, k] = whole
        share[g] /= whole
    return Billing(party, share, np.ones(shape), np.ones(1, dtype=np.bool_))


def other_care(scenario: Scenario, get: Columns, terms: EpisodeTerms) -> OtherCareTerms:
    parties, years = scenario.parties, years_since_price_year(scenario)
    numbers = np.zeros((4, len(parties)))
    for p, (name, party) in enumerate(parties.items()):
        if party.other_care is not None:
            keys = ("cost", "trend", "variation", "correlation")
            numbers[:, p] = [_one(get(f"parties.{name}.other_care.{key}")) for key in keys]
    return OtherCareTerms(
        cost=numbers[0],
        factor=(1.0 + numbers[1]) ** years[:, None],
        variation=numbers[2],
        correlation=numbers[3],
        claims=terms.other_care_claims.central,
        lasting_share=terms.lasting_share.central,
    )


# --- how people and claims scatter


def scatter(scenario: Scenario, get: Columns, terms: EpisodeTerms) -> Scatter:
    length = np.ones(len(scenario.services))
    stay, amounts = np.zeros_like(length), np.zeros_like(length)
    for s, (name, service) in enumerate(scenario.services.items()):
        own = terms.amounts.get(name, terms.amount_variation)
        amounts[s] = 0.0 if service.length_of_stay and name not in terms.amounts else own.central
        if service.length_of_stay:
            length[s] = _one(get(f"services.{name}.length_of_stay"))
            stay[s] = length[s] / DAYS_PER_MONTH
        elif name in terms.stays:
            stay[s] = terms.stays[name].central / DAYS_PER_MONTH
    return Scatter(
        frailty_variance=terms.frailty_variance.central,
        amount_variation=amounts,
        length=length,
        stay=stay,
        run_out=terms.run_out.central,
        attempts=terms.outreach.attempts,
        between_attempts=terms.outreach.days_between.central / DAYS_PER_MONTH,
    )


def _one(column: Any) -> float:
    """The one number of a column of one draw, or a number."""
    return float(np.ravel(column)[0])
