"""Planned effect: what a contract's programmes are expected to change, over all draws.

True effects on the attributed members of a contract, as shares of usual care: of total cost, of the
cost and of the events of targeted use; by contract year, since programmes ramp up. And the same for
one person enrolled, over the first year, which a trial among those referred would measure.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from . import contract_outcomes
from .contract_chances import central, noise_of
from .contract_history import ratio
from .contract_use import (
    Taken,
    acting,
    payer_weight,
    settled_years,
    take,
    targeted,
    unit_price,
)
from .distributions import Floats
from .draws import Columns, Draws, sample
from .ensemble import CHUNK, Progress, both_worlds, chunks, silent
from .episode_terms import EpisodeTerms
from .financing import ContractLine
from .loading import Loaded
from .money_plan import financing_of
from .parameters import need_shares
from .power import Person
from .sampling import Method
from .scenario import NEED_LEVELS, Scenario
from .services import price_factors, use_factors, use_rates
from .use_variation import (
    Events,
    Group,
    Use,
    costs,
    counts,
    events_of,
    everybody,
    frailty_variance,
    reached,
    reached_share,
    those_in,
)
from .worlds import Worlds

TOTAL, COST, EVENTS = "total_cost", "targeted_cost", "targeted_events"
Reach = Callable[[float], float]  # chance to be reached, by months since enrolment


@dataclass(frozen=True)
class Effect:
    """One metric: its true effect as a share of usual care, and how it varies between people."""

    metric: str
    draws: Floats  # [draw] mean of the contract's years
    years: Floats  # [year] mean over draws
    enrolled: Floats  # [draw] on a person enrolled, over the first year
    members: Use  # of the attributed members; total cost: mean cost, variation as the contract has
    referred: Use  # of those whom the programmes take on


@dataclass(frozen=True)
class Expected:
    """All that a plan needs of a scenario: effects, people, and the contract's own measures."""

    draws: Draws
    name: str
    line: ContractLine
    number: int
    years: int  # that are settled within the horizon
    services: tuple[str, ...]  # the targeted ones
    programmes: tuple[str, ...]  # that serve covered segments
    effects: dict[str, Effect]
    values: dict[str, Floats]  # outcomes of the contract by metric:contract, [draw]
    members: float  # attributed, mean of the years
    started: float  # of them enrolled a year, mean
    accepted: float  # of them referred and willing a year, mean


def expect(
    loaded: Loaded,
    name: str,
    draws: int,
    seed: int,
    method: Method = "lhs",
    progress: Progress = silent,
) -> Expected:
    """Simulate both worlds for every draw and take what concerns one contract."""
    sampled = sample(loaded, draws, seed, method)
    scenario = loaded.scenario
    contracts = financing_of(scenario).contracts
    line, number = contracts[name], list(contracts).index(name)
    services = targeted(scenario, name)
    programmes = acting(scenario, line, services)
    values: dict[str, list[Floats]] = {}
    taken: list[Taken] = []
    worlds: Worlds | None = None
    for rows in chunks(draws, CHUNK):
        worlds = both_worlds(sampled, rows, worlds)
        for m in contract_outcomes.measures(worlds):
            values.setdefault(f"{m.metric}:{m.subject}", []).append(m.values.copy())
        taken.append(take(worlds, name, line, services, programmes))
        progress(rows.stop)
    whole = Taken(*(np.concatenate(parts) for parts in zip(*taken, strict=True)))
    about = {key: np.concatenate(parts) for key, parts in values.items()}
    years = settled_years(scenario, line)
    setting = setting_of(sampled, name, services, programmes)
    return Expected(
        draws=sampled,
        name=name,
        line=line,
        number=number,
        years=years,
        services=services,
        programmes=programmes,
        effects=effects_of(setting, whole, about),
        values=about,
        members=float(about[f"contract_members:{name}"].mean()),
        started=float(whole.started.mean()) / years,
        accepted=float(whole.accepted.mean()) / years,
    )


# --- effects


@dataclass(frozen=True)
class Setting:
    """What the metrics share: a contract at central numbers, its members, and those taken on."""

    draws: Draws
    line: ContractLine
    name: str
    services: tuple[str, ...]
    members: Group
    referred: Group
    events: Events
    factor: Floats  # [service] trend and shocks of the contract's years
    scale: Floats  # [draw] use of those taken on, relative to central numbers
    stays: tuple[tuple[Reach, Floats], ...]  # of the programmes, and their ages in those years

    def reach(self, rate: Floats) -> tuple[float, float, float]:
        """Mean of reached_share over programmes; nobody reached where there are none."""
        each = [reached_share(self.referred, rate, at, ages) for at, ages in self.stays]
        if not each:
            return 0.0, 0.0, 0.0
        time, use, monthly = (float(np.mean(part)) for part in zip(*each, strict=True))
        return time, use, monthly


def setting_of(
    draws: Draws, name: str, services: tuple[str, ...], programmes: tuple[str, ...]
) -> Setting:
    scenario, get = draws.scenario, central(draws)
    line = financing_of(scenario).contracts[name]
    people = np.array([s.population.central for s in scenario.segments.values()])
    members = everybody(scenario, get, payer_weight(scenario, get, line)[0] * people)
    referred = those_in(members, takes_on(scenario, programmes))
    begin = max(0, scenario.clock.index(line.start))
    months = slice(begin, begin + 12 * settled_years(scenario, line))
    chosen = [list(scenario.services).index(s) for s in services]
    price = price_factors(scenario, get)[0, months][:, chosen].mean(axis=0)
    amount = unit_price(scenario, get, line.payer, services)[0] * price
    return Setting(
        draws,
        line,
        name,
        services,
        members,
        referred,
        events_of(scenario, get, services, amount),
        use_factors(scenario, get)[0, months][:, chosen].mean(axis=0),
        scales(draws, referred, chosen),
        tuple((stay_of(get, p), ages_of(scenario, p, months)) for p in programmes),
    )


def takes_on(scenario: Scenario, programmes: tuple[str, ...]) -> Floats:
    """1 for each [segment, need] that a programme serves, else 0."""
    out = np.zeros((len(scenario.segments), len(NEED_LEVELS)))
    for name in programmes:
        about = scenario.interventions[name].eligible
        for g, segment in enumerate(scenario.segments):
            for n, level in enumerate(NEED_LEVELS):
                if segment in about.segments and level in about.need:
                    out[g, n] = 1.0
    return out


def stay_of(get: Columns, programme: str) -> Reach:
    at = f"interventions.{programme}"
    duration, completion, persistence = (
        float(get(f"{at}.{part}")[0]) for part in ("duration", "completion", "persistence")
    )
    return reached(duration, completion, persistence)


def ages_of(scenario: Scenario, programme: str, months: slice) -> Floats:
    """Months [month] since an intervention began; it begins with the horizon at the earliest."""
    first = max(0, scenario.clock.index(scenario.interventions[programme].start))
    return np.maximum(0.0, np.arange(months.start, months.stop) + 1.0 - first)


def scales(draws: Draws, group: Group, chosen: list[int]) -> Floats:
    """Use [draw] of a group as it is taken on, relative to what it is at central numbers."""

    def of(get: Columns) -> Floats:
        rate = use_rates(draws.scenario, get, need_shares(draws.scenario, get))
        return np.asarray((rate[..., chosen].sum(axis=3) * group.share).sum(axis=(1, 2)))

    middle = of(central(draws))[0]
    each = of(Columns(draws, slice(0, draws.size)))
    return each / middle if middle > 0.0 else np.ones(draws.size)


def effects_of(s: Setting, t: Taken, values: dict[str, Floats]) -> dict[str, Effect]:
    """Effects by metric; those of targeted use are left out where nobody uses or pays for it."""
    out = {EVENTS: use_effect(s, EVENTS, t.usual_events, t.avoided_events, t.reached)}
    paid = use_effect(s, COST, t.usual_cost, t.avoided_cost, t.reached)
    out |= {COST: paid, TOTAL: total_cost(s, t, values, paid)}
    told = {key: out[key] for key in (TOTAL, COST, EVENTS)}
    return {key: e for key, e in told.items() if e.members.mean > 0.0 < e.members.person.variance}


def use_effect(s: Setting, key: str, usual: Floats, less: Floats, person_years: Floats) -> Effect:
    """Effect on events, or on their cost, of targeted use.

    Avoided use a person-year reached over the use of those reached is the effect while reached; the
    first year's share of use in which an enrolled person is reached makes it that of the year.
    """
    use, worth = (counts, 1.0) if key == EVENTS else (costs, s.events.amount[:, None, :])
    frailty = frailty_variance(s.draws.scenario)
    _, of_use, monthly = s.reach((s.events.rate * s.factor * worth).sum(axis=2))
    each = ratio(less.sum(axis=1), person_years * 12.0 * monthly * s.scale)
    return Effect(
        key,
        ratio(less.sum(axis=1), usual.sum(axis=1)),
        ratio(less, usual).mean(axis=0),
        each * of_use,
        use(s.members, s.events, frailty, s.factor),
        use(s.referred, s.events, frailty, s.factor),
    )


def total_cost(s: Setting, t: Taken, values: dict[str, Floats], paid: Effect) -> Effect:
    """Effect on all cost that the contract counts.

    A member's variation is the contract's own; its lasting part is that of other care in the
    episodes (`lasting_share`). Those taken on cost more by their targeted use; relative to their
    mean they are taken to vary as all members do.
    """
    get = central(s.draws)
    years = np.asarray(values[f"contract_members:{s.name}"]) * t.all_usual.shape[1]
    mean = float(ratio(t.all_usual.sum(axis=1), years).mean())
    more = mean + paid.referred.mean - paid.members.mean
    saved = ratio(t.all_saved.sum(axis=1), t.reached) * reached_years(s, paid)
    terms = s.draws.scenario.episodes or EpisodeTerms()
    variance = noise_of(get, s.name).cv ** 2
    person = Person(variance, variance * terms.lasting_share.central)
    return Effect(
        TOTAL,
        np.asarray(values[f"true_savings_rate:{s.name}"]),
        ratio(t.all_saved, t.all_usual).mean(axis=0),
        saved / more if more > 0.0 else 0.0 * saved,
        Use(mean, person),
        Use(more, person),
    )


def reached_years(s: Setting, paid: Effect) -> float:
    """Person-years reached, on average, that one enrolled person's first year is worth.

    Savings go with use, and those just enrolled use more than all who are reached.
    """
    rate = (s.events.rate * s.factor * s.events.amount[:, None, :]).sum(axis=2)
    time, of_use, monthly = s.reach(rate)
    return of_use * paid.referred.mean / (12.0 * monthly) if monthly > 0.0 else time
