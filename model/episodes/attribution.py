"""Attribution: whose claims a contract of the scenario counts, and which of them.

A contract covers its payer's members in some segments, and of them its share `attributed`: who is
in it lasts with the person (Traits.payer) and is the same in both worlds. Care that is carved out
is never counted. Its years are twelve months from its start: base years before it, then the
performance years that end within the horizon.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from model.deals import area_sd, chance_of_baseline, variation
from model.distributions import Floats
from model.draws import Columns, central
from model.episode_terms import Attribution
from model.explain import problem_at
from model.finance.measurement import Noise
from model.financing import ContractLine
from model.loading import Loaded
from model.names import some
from model.problems import BadInput, Problem
from model.scenario import Scenario

from .case import LEVELS, Case, Flags, Ints
from .claims import member_of
from .spans import Spans

MONTHS = 12
AT_ONCE = 1e-9  # months
ROUNDING = 1e-9


class ClaimRules(NamedTuple):
    """What a contract's terms in the scenario leave open about its claims."""

    attribution: Attribution = "member_months"
    minimum_months: float = 0.0  # with the payer in the year
    percentile: float | None = None  # 0 to 100: cost above it, of members' years, is left out
    cap: float | None = None  # USD/member-year, at prices of the year before the contract
    run_out: float | None = None  # months after a year's end until its claims are counted


USUAL_RULES = ClaimRules()


class Deal(NamedTuple):
    """One contract that shares savings, as far as claims go."""

    name: str
    payer: int
    segments: Flags  # [segment]
    services: Flags  # [service], other care last
    attributed: float
    first: int  # month of the start
    base: int  # base years before it
    years: int  # that end within the horizon
    agreement_years: int
    weights: Floats  # [base year], the earliest first; 0 for a comparison group
    trend: float  # 1/year, fixed in advance; nan: that of usual care
    trend_sd: float
    rebased: float  # share
    area_sd: float
    compared: float  # people of the comparison group for each member; 0: none
    above_cap: float  # share of cost
    run_out: float  # months, inf: all claims are counted
    factor: float  # that completes claims
    noise: Noise  # of the formula
    rules: ClaimRules

    @property
    def starts(self) -> Ints:
        """First month of every year, base years first; below 0 before the horizon."""
        return self.first + MONTHS * np.arange(-self.base, self.years)


def deals_of(loaded: Loaded, case: Case, rules: ClaimRules | None = None) -> list[Deal]:
    """The contracts of a scenario that share savings, with a whole year within the horizon.

    `rules` are for all of them; without, each has its own of `episodes.settlement`. BadInput for
    rules of no such contract, a comparison group of more people than there are, and claims that
    are never as incomplete as a contract says.
    """
    money = loaded.scenario.financing
    lines = money.contracts if money is not None else {}
    get = Columns(central(loaded), slice(0, 1))
    names = [
        name
        for name, line in lines.items()
        if line.terms.shared_savings is not None and line.benchmark is not None
    ]
    _refuse(_misnamed(loaded, names))
    found = [
        deal_of(loaded.scenario, case, get, name, rules or rules_of(loaded, name)) for name in names
    ]
    _refuse([*_too_many_compared(loaded, found), *_never_so_incomplete(loaded, case, found, get)])
    return [one for one in found if one.years > 0]


def rules_of(loaded: Loaded, name: str) -> ClaimRules:
    """What `episodes.settlement` says of a contract."""
    terms = loaded.scenario.episodes
    said = terms.settlement.get(name) if terms is not None else None
    if said is None:
        return USUAL_RULES
    return ClaimRules(
        said.attribution, said.minimum_months, said.cap_percentile, said.cap, said.run_out_months
    )


def _refuse(problems: list[Problem]) -> None:
    if problems:
        raise BadInput(problems)


def _misnamed(loaded: Loaded, names: list[str]) -> list[Problem]:
    """Rules for what is no contract that shares savings."""
    terms = loaded.scenario.episodes
    allowed = f"a contract that shares savings: {some(names) if names else 'there is none'}"
    return [
        problem_at(loaded.document, ("episodes", "settlement", name), f"`{name}`", allowed, names)
        for name in (terms.settlement if terms is not None else ())
        if name not in names
    ]


def _too_many_compared(loaded: Loaded, found: list[Deal]) -> Iterator[Problem]:
    """A comparison group is made of the payer's other members: there must be enough of them."""
    for deal in found:
        whole = deal.attributed * (1.0 + deal.compared)
        if not deal.compared or whole <= 1.0 + ROUNDING:
            continue
        told = (
            f"{deal.attributed:.4g} of the members, and for each {deal.compared:.4g} to compare "
            f"with: {whole:.4g} of all members"
            if deal.attributed < 1.0
            else "all members, so that nobody is left to compare with"
        )
        at = ("financing", "contracts", deal.name, "covers", "attributed")
        allowed = (
            f"at most {1.0 / (1.0 + deal.compared):.4g} with a comparison_ratio of "
            f"{deal.compared:.4g}, to settle on claims"
        )
        yield problem_at(loaded.document, at, told, allowed)


def _never_so_incomplete(
    loaded: Loaded, case: Case, found: list[Deal], get: Columns
) -> Iterator[Problem]:
    """The share known when a year ends is the least that a contract can settle on."""
    delay = case.scatter.run_out
    for deal in found:
        known = _one(get, f"financing.contracts.{deal.name}.completeness.known")
        least = 1.0 - missing(delay, 0.0)
        if deal.rules.run_out is None and known < least:
            at = ("financing", "contracts", deal.name, "completeness", "known")
            allowed = (
                f"at least {least:.4g}: with episodes.run_out of {delay:.4g} months that share is "
                "paid when the year ends"
            )
            yield problem_at(loaded.document, at, f"{known:.4g}", allowed)


def deal_of(scenario: Scenario, case: Case, get: Columns, name: str, rules: ClaimRules) -> Deal:
    assert scenario.financing is not None
    line = scenario.financing.contracts[name]
    terms = line.benchmark
    assert terms is not None
    at, first = f"financing.contracts.{name}", scenario.clock.index(line.start)
    compared = terms.method == "comparison_group"
    count = max(1, len(terms.weights))
    weights = [_one(get, f"{at}.benchmark.weights[{k}]") for k in range(len(terms.weights))]
    noise = noise_of(scenario, get, name)
    known = _one(get, f"{at}.completeness.known")
    return Deal(
        name=name,
        payer=case.names.parties.index(line.payer),
        segments=np.array([g in line.covers.segments for g in case.names.segments]),
        services=_counted(scenario, line),
        attributed=_one(get, f"{at}.covers.attributed"),
        first=first,
        base=count,
        years=max(0, min(line.years, (case.months - first) // MONTHS)),
        agreement_years=line.agreement_years,
        weights=np.zeros(count) if compared else np.array((weights or [1.0])[::-1]),
        trend=_one(get, f"{at}.benchmark.trend") if terms.method == "trend" else np.nan,
        trend_sd=_one(get, f"{at}.benchmark.trend_error"),
        rebased=0.0 if compared else _one(get, f"{at}.benchmark.rebased_share"),
        area_sd=noise.area_sd,
        compared=_comparison_ratio(get, line, at) if compared else 0.0,
        above_cap=_one(get, f"{at}.truncation.cost_share") if line.truncation else 0.0,
        run_out=run_out(case.scatter.run_out, rules, known),
        factor=_one(get, f"{at}.completeness.factor"),
        noise=noise,
        rules=rules,
    )


def _one(get: Columns, name: str) -> float:
    return float(get(name)[0])


def _comparison_ratio(get: Columns, line: ContractLine, at: str) -> float:
    stated = line.terms.measurement
    if stated is None or stated.comparison_ratio is None:
        return 1.0
    return _one(get, f"{at}.terms.measurement.comparison_ratio")


def noise_of(scenario: Scenario, get: Columns, name: str) -> Noise:
    """Noise of the formula, as contract_chances.noise_of has it."""
    assert scenario.financing is not None
    line = scenario.financing.contracts[name]
    cv, area = variation(scenario, get, name), area_sd(get, line, name)
    return Noise(float(cv[0]), float(area[0]), float(chance_of_baseline(get, line, name)[0]))


def _counted(scenario: Scenario, line: ContractLine) -> Flags:
    """Services that a contract counts, other care last (contract_plan._counts)."""
    held = line.terms.withhold is not None
    services = [
        name not in line.covers.carved_out and (not held or service.provider == line.payee)
        for name, service in scenario.services.items()
    ]
    return np.array([*services, line.covers.other_care])


def run_out(delay: float, rules: ClaimRules, known: float) -> float:
    """Months after a year's end until claims are counted; a part of a month counts its claims in
    that part.

    As asked for; or else, where the contract states that less than all is known, such that this is
    the share of a steady year that is counted; or else never: all are known.
    """
    if rules.run_out is not None:
        return rules.run_out
    if known >= 1.0:
        return np.inf
    if missing(delay, 0.0) <= 1.0 - known:
        return 0.0
    at_end = missing(delay, 0.0)
    whole = float(np.floor(delay * np.log(at_end / (1.0 - known))))
    before, after = missing(delay, whole), missing(delay, whole + 1.0)
    return whole + (before - (1.0 - known)) / (before - after)


def missing(delay: float, months: float) -> float:
    """Share of a steady year's cost not yet paid some months after its end.

    With claims paid exponentially, mean d, R months after twelve of care it is
    (d / 12) exp(-R / d) (1 - exp(-12 / d)).
    """
    if delay <= 0.0:
        return 0.0
    return float(-delay / MONTHS * np.exp(-months / delay) * np.expm1(-MONTHS / delay))


# --- people


def plan_members(case: Case, deal: Deal, payer: Floats, low: float = 0.0) -> Flags:
    """[segment, person]: whom a contract covers while in a segment.

    Of the payer's members it is those from the share `low` on: 0 for the attributed, and for a
    comparison group the attributed share, whose members it follows.
    """
    wide = deal.attributed if low == 0.0 else deal.attributed * deal.compared
    return members(case, deal.payer, deal.segments, payer, low, low + wide)


def members(
    case: Case, party: int, segments: Flags, payer: Floats, low: float = 0.0, high: float = 1.0
) -> Flags:
    """[segment, person]: a party's members, from one share of them to another."""
    out = np.zeros((segments.size, payer.size), dtype=np.bool_)
    for g in np.flatnonzero(segments):
        for k in np.flatnonzero(case.member.party[g, 0] == party):
            begins = case.member.share[g, 0, k - 1] if k else 0.0
            size = case.member.share[g, 0, k] - begins
            out[g] = (payer >= begins + low * size) & (payer < begins + high * size)
    return out


class People(NamedTuple):
    """Those whom a contract may count, one row each."""

    covered: Flags  # [segment, person]
    row: Ints  # [person], -1 for all others
    size: int


def people_of(covered: Flags) -> People:
    anywhere = covered.any(axis=0)
    row = np.where(anywhere, np.cumsum(anywhere) - 1, -1)
    return People(covered, row, int(anywhere.sum()))


def member_years(spans: Spans, world: str, who: People, starts: Ints) -> Floats:
    """Years of membership [row, year] in twelve months from each start."""
    cell = spans.world(world)
    segment = np.maximum(cell, 0) // LEVELS
    mine = np.flatnonzero((cell >= 0) & who.covered[segment, spans.person])
    return overlap(who, spans, mine, starts, float(MONTHS)) / MONTHS


def overlap(who: People, spans: Spans, mine: Ints, starts: Ints, length: float) -> Floats:
    """Months [row, window] that some spans have in windows of a length."""
    row, begin, end = who.row[spans.person[mine]], spans.start[mine], spans.end[mine]
    out = np.zeros((len(starts), who.size))
    for w, start in enumerate(starts):
        months = np.minimum(end, start + length) - np.maximum(begin, float(start))
        some = np.flatnonzero(months > 0.0)
        out[w] = np.bincount(row[some], months[some], minlength=who.size)
    return out.T


def attributed(
    case: Case, deal: Deal, spans: Spans, world: str, known: Floats, who: People, years: Floats
) -> Flags:
    """[row, year]: members whom the contract's rule attributes to it in a year.

    member_months: everybody, for the months of membership. plurality: who is with the payer longer
    than with any other in that year. prospective: who is a member in the month before the year, or
    when the horizon begins where the year begins no later. A year before the horizon has those who
    are members when it begins.
    """
    rule = deal.rules
    out = (years > 0.0) & (MONTHS * years >= rule.minimum_months)
    first = deal.starts <= 0  # nobody moves or comes before the horizon
    if rule.attribution == "prospective":
        before = np.maximum(deal.starts - 1, 0)
        cell = spans.world(world)
        covered = who.covered[np.maximum(cell, 0) // LEVELS, spans.person]
        mine = np.flatnonzero((cell >= 0) & covered)
        there = overlap(who, spans, mine, before, 1.0) > 0.0
        there[:, first] = overlap(who, spans, mine, before[:1], AT_ONCE) > 0.0
        out &= there
    elif rule.attribution == "plurality":
        longest = _longest_elsewhere(case, deal, spans, world, known, who)
        longest[:, deal.starts < 0] = 0.0
        out &= MONTHS * years >= longest
    return out


def _longest_elsewhere(
    case: Case, deal: Deal, spans: Spans, world: str, known: Floats, who: People
) -> Floats:
    """Months [row, year] with the other payer where each person was longest."""
    cell = spans.world(world)
    mine = np.flatnonzero((cell >= 0) & (who.row[spans.person] >= 0))
    segment, person = cell[mine] // LEVELS, spans.person[mine]
    theirs = member_of(case, segment, known[person])
    longest = np.zeros((who.size, deal.starts.size))
    for other in np.unique(theirs[theirs != deal.payer]):
        there = overlap(who, spans, mine[theirs == other], deal.starts, float(MONTHS))
        longest = np.maximum(longest, there)
    return longest
