"""Variation of use between members: from frailty, need levels and segments to one person's year.

Given frailty Z (gamma, mean 1, variance v) and a path through need levels, events are Poisson.
With L a person's mean rate over a year, relative to the mean of all, the relative variance of a
year is counting + (1 + v) E[L^2] - 1, and the covariance of two adjacent years (1 + v) E[L L'] - 1:
the law of total variance. Movement between segments, deaths and arrivals are left out, as is what
use of one service does to another: an approximation within two years.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from scipy import linalg

from .distributions import Floats
from .draws import Columns
from .episode_terms import EpisodeTerms
from .parameters import community, need_shares
from .power import Person
from .scenario import Scenario
from .services import use_rates

YEAR = np.arange(12) + 0.5  # months' middles


class Events(NamedTuple):
    """Events of chosen services at central numbers; a stay counted in days is one event."""

    rate: Floats  # [segment, need, service] events a person-month in usual care
    amount: Floats  # [segment, service] USD an event, to the payer
    scatter: Floats  # [service] (sd / mean)^2 of the amount of one event


class Group(NamedTuple):
    """People at a moment: their shares, and how they move between need levels from then on."""

    share: Floats  # [segment, need], adding up to 1
    moves: Floats  # [segment, need, need] rates of change, 1/month

    def later(self, segment: int, months: float, rate: Floats) -> Floats:
        """Expected rate [need] some months after (or, as the moves are reversible, before)."""
        return np.asarray(linalg.expm(self.moves[segment] * months) @ rate)


class Use(NamedTuple):
    """A year of a group: mean amount of a person, and its relative variation."""

    mean: float  # events or USD a person-year
    person: Person


# --- facts of a scenario


def frailty_variance(scenario: Scenario) -> float:
    return (scenario.episodes or EpisodeTerms()).frailty_variance.central


def events_of(scenario: Scenario, get: Columns, services: Sequence[str], amount: Floats) -> Events:
    """Events of the services named; `amount` [segment, service] is USD a unit."""
    names = list(scenario.services)
    chosen = [names.index(name) for name in services]
    length = np.array([_length(scenario, get, name) for name in services])
    rate = use_rates(scenario, get, need_shares(scenario, get))[0][:, :, chosen] / length
    scatter = np.array([_scatter(scenario, get, name) for name in services])
    return Events(rate, amount * length, scatter)


def _length(scenario: Scenario, get: Columns, name: str) -> float:
    staying = scenario.services[name].length_of_stay is not None
    return float(get(f"services.{name}.length_of_stay")[0]) if staying else 1.0


def _scatter(scenario: Scenario, get: Columns, name: str) -> float:
    """As the episodes draw it: lognormal amounts, geometric days of a stay, (sd/mean)^2 1 - 1/L."""
    terms, length = scenario.episodes or EpisodeTerms(), _length(scenario, get, name)
    staying = scenario.services[name].length_of_stay is not None
    own = terms.amounts.get(name)
    each = 0.0 if staying and own is None else (own or terms.amount_variation).central
    return (1.0 + each**2) * (1.0 + max(0.0, 1.0 - 1.0 / length)) - 1.0


def everybody(scenario: Scenario, get: Columns, weight: Floats) -> Group:
    """The members of segments, weighted [segment], as they are at the start."""
    shares = need_shares(scenario, get)
    c = community(scenario, get, shares)
    moves = np.zeros((len(scenario.segments), 3, 3))
    for rate, origin, to in (
        (c.onset, 0, 1), (c.escalation, 1, 2), (c.recovery, 1, 0), (c.relief, 2, 1)
    ):  # fmt: skip
        moves[:, origin, to] += rate[0]
        moves[:, origin, origin] -= rate[0]
    whole = weight[:, None] * shares[0]
    return Group(whole / max(whole.sum(), 1e-300), moves)


def those_in(group: Group, weight: Floats) -> Group:
    """The part of a group [segment, need] that is chosen, such as those whom a service takes on."""
    chosen = group.share * weight
    return group._replace(share=chosen / max(chosen.sum(), 1e-300))


# --- one person's year


def counts(group: Group, events: Events, frailty: float, factor: Floats) -> Use:
    """Events of all services of a person in a year; `factor` [service] is trend and shocks."""
    rate = events.rate * factor
    mean, one, two = moments(group, rate.sum(axis=2))
    counting = 1.0 / (12.0 * mean) if mean > 0.0 else 0.0
    return Use(12.0 * mean, _person(counting, frailty, mean, one, two))


def costs(group: Group, events: Events, frailty: float, factor: Floats) -> Use:
    """Their cost: events and amounts compounded, counting part sum(rate E[amount^2]) / cost^2."""
    rate = events.rate * factor
    mean, one, two = moments(group, (rate * events.amount[:, None, :]).sum(axis=2))
    squared = rate * (events.amount**2 * (1.0 + events.scatter))[:, None, :]
    square, _, _ = moments(group, squared.sum(axis=2))
    counting = square / (12.0 * mean**2) if mean > 0.0 else 0.0
    return Use(12.0 * mean, _person(counting, frailty, mean, one, two))


def _person(counting: float, frailty: float, mean: float, one: float, two: float) -> Person:
    if mean <= 0.0:
        return Person(0.0, 0.0)
    between = (1.0 + frailty) * one / mean**2 - 1.0
    return Person(counting + between, (1.0 + frailty) * two / mean**2 - 1.0, counting)


def moments(group: Group, rate: Floats) -> tuple[float, float, float]:
    """Of a person's rate [segment, need]: mean of the year from now, E[L^2], E[L before x L after].

    Given today's level the year before and the year after are independent, and alike, since moves
    along three levels are reversible.
    """
    mean = one = two = 0.0
    for g in range(rate.shape[0]):
        share = group.share[g]
        if share.sum() <= 0.0:
            continue
        step = linalg.expm(group.moves[g])
        ahead = np.array([group.later(g, t, rate[g]) for t in YEAR])  # [month, need]
        mean += float(share @ ahead.mean(axis=0))
        two += float(share @ ahead.mean(axis=0) ** 2)
        then = share @ linalg.expm(group.moves[g] * 0.5)
        for month in range(12):
            later, lag = rate[g], np.zeros(3)
            for k in range(month, 12):
                lag += (1.0 if k == month else 2.0) * later
                later = step @ later
            one += float((then * rate[g]) @ lag) / 144.0
            then = then @ step
    return mean, one, two


# --- how long a service reaches people


def reached(duration: float, completion: float, persistence: float) -> Callable[[float], float]:
    """Chance to be in service or protected, t months after enrolment: exponential stays.

    Leaves at 1/d, completes with share q, protection ends at 1/p.
    """

    def at(t: float) -> float:
        a, b = 1.0 / duration, 1.0 / persistence
        stays = float(np.exp(-a * t))
        if abs(a - b) < 1e-9 * a:
            return stays * (1.0 + completion * a * t)
        return stays + completion * a * (stays - float(np.exp(-b * t))) / (b - a)

    return at


def reached_share(
    group: Group, rate: Floats, at: Callable[[float], float], ages: Floats
) -> tuple[float, float, float]:
    """While a service reaches people: share of the first year, of that year's use, and use a month.

    The first two turn an effect on those reached into one on all enrolled, over the first year. The
    last is the mean use of those reached, who recover while they are served, in months `ages`
    after the service began: nobody has been in it for longer. Enrolment is taken as steady.
    """
    times = np.arange(max(12, int(np.max(ages, initial=0.0)))) + 0.5
    use = np.zeros(times.size)
    for g in range(rate.shape[0]):
        step, later = linalg.expm(group.moves[g]), group.later(g, 0.5, rate[g])
        for k in range(times.size):
            use[k] += float(group.share[g] @ later)
            later = step @ later
    still = np.array([at(float(t)) for t in times])
    year = use[:12].sum()
    of_use = float((still * use)[:12].sum() / year) if year > 0.0 else 0.0
    there = still * (ages[None, :] > times[:, None]).sum(axis=1)
    monthly = float((there * use).sum() / there.sum()) if there.sum() > 0.0 else 0.0
    return float(still[:12].mean()), of_use, monthly
