"""Evaluation: what would be reported of people picked for much recent use, and what is true.

Three reports of the same people: before against after, against others whom the same rule picks and
nobody serves, and against everybody else. Beside them the truth: the same people with the same
luck, without the programme.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import numpy as np

from model.distributions import Floats
from model.problems import BadInput, Mark, Problem

from .care import WORLDS
from .case import LEVELS, Case, Flags
from .interval import standard_error
from .run import Replication
from .selection import (
    OPTION,
    History,
    Residents,
    Rule,
    Selected,
    checked,
    history,
    nobody,
    residents,
    select,
)

Programme = Literal["scenario", "placebo"]
USUAL, STRATEGY = WORLDS
PRE_POST = "before and after"
COMPARISON = "against others picked by the same rule"
UNSELECTED = "against everybody else"
TRUTH = "truth"
DESIGNS = (PRE_POST, COMPARISON, UNSELECTED, TRUTH)
UNITS = {"use": "units/person-month", "usd": "USD/person-month", "any": "share of people"}


class Change(NamedTuple):
    """How much less after the date than before it; a rise is negative."""

    use: float  # units/person-month
    usd: float  # USD/person-month
    any: float  # share of people with any event in the period

    def beyond(self, other: Change) -> Change:
        return Change(*(mine - theirs for mine, theirs in zip(self, other, strict=True)))


class Group(NamedTuple):
    """Use of some people before and after their date; nan where there is nobody.

    A person-month is a month that a person was in the community: who dies or leaves has fewer.
    Shares are of all the people.
    """

    people: int
    use_before: float  # units/person-month
    use_after: float
    usd_before: float  # USD/person-month
    usd_after: float
    any_before: float  # share with any event
    any_after: float
    by_month: Floats  # [month] units/person-month: whole months before the date, then after it
    months_before: float  # person-months in the community
    months_after: float
    months_by_month: Floats  # [month] the same, of `by_month`

    @property
    def fall(self) -> Change:
        return Change(
            self.use_before - self.use_after,
            self.usd_before - self.usd_after,
            self.any_before - self.any_after,
        )


class Evaluation(NamedTuple):
    """One replication's evaluation of one rule."""

    rule: Rule
    months_before: float
    months_after: float
    selected: int
    already: int  # of the selected, served before their date: in no group
    served: Group  # as observed
    without: Group  # the same people and the same luck without the programme
    comparison: Group  # selected too, and not served
    unselected: Group  # neither selected nor served

    def reported(self, design: str) -> Change:
        """The saving that a design finds."""
        others = {
            TRUTH: self.without,
            COMPARISON: self.comparison,
            UNSELECTED: self.unselected,
        }
        fall = self.served.fall
        return fall if design == PRE_POST else fall.beyond(others[design].fall)


class Reported(NamedTuple):
    """A saving over replications: mean, its standard error, and the range of 90 % of them."""

    design: str
    measure: str  # use, usd or any
    unit: str
    mean: float
    se: float  # of the mean; nan where one replication alone tells it
    p05: float
    p95: float


def rescue(case: Case) -> tuple[str, ...]:
    """All rescue services of a scenario."""
    names = zip(case.names.services, case.plan.rescue, strict=True)
    return tuple(name for name, counts in names if counts)


def evaluate(
    case: Case,
    replication: Replication,
    rule: Rule,
    months_before: float = 6.0,
    months_after: float = 6.0,
    *,
    services: Sequence[str] | None = None,
    programme: Programme | None = None,
    reach: float = 3.0,
    opens: float | None = None,
    closes: float | None = None,
) -> Evaluation:
    """What evaluations of the people whom a rule picks would report, and the truth.

    A person's date is when the rule first picks them, from month `opens` on and before `closes`;
    before is up to and with that moment, as an index stay counts before.
    services: whose use is compared; left out, those of the rule; `rescue(case)` gives all.
    programme: `scenario`: who of them starts a service of the scenario within `reach` months is
    served, and who starts none up to the end of the period after is the comparison; all are of
    segments that an intervention serves. `placebo`:
    every other one is called served, and nothing is done for anybody. Left out: `placebo` where
    the scenario has no intervention. Who is served after `reach` and before the period after ends
    is in no group; everybody else is who was not picked up to the date of theirs.
    The replication must hold its claims. BadInput for periods that do not fit into the horizon.
    """
    checked(rule, case)
    real = (programme or ("scenario" if case.names.interventions else "placebo")) == "scenario"
    periods = Periods(months_before, months_after, reach)
    first, last = periods.recruiting(case, rule, real, opens, closes)
    world = STRATEGY if real else USUAL
    people = residents(case, replication, world)
    for_rule = history(case, replication, rule.services, world)
    meeting = select(rule, for_rule, people, first, last, max(rule.months, months_before))
    could = _could_be_served(case, replication, meeting) if real else meeting.person >= 0
    picked = meeting.some(could)
    start = _starts(replication, real)
    early = start[picked.person] <= picked.date
    served, others = _groups(picked, start, periods, early, real)
    used = tuple(services or rule.services)
    same = used == rule.services
    observed = for_rule if same else history(case, replication, used, world)
    usual = history(case, replication, used, USUAL) if real else observed
    there = residents(case, replication, USUAL) if real else people
    rest = _rest(rule, for_rule, people, meeting, served, start, periods)
    if real:
        rest = rest.some(_could_be_served(case, replication, rest))
    return Evaluation(
        rule,
        months_before,
        months_after,
        picked.person.size,
        int(early.sum()),
        group(observed, people, served, periods),
        group(usual, there, served, periods),
        group(observed, people, others, periods),
        group(observed, people, rest, periods),
    )


class Periods(NamedTuple):
    """Months before and after a person's date, and in how many of these service must start."""

    before: float
    after: float
    reach: float

    def recruiting(
        self, case: Case, rule: Rule, real: bool, opens: float | None, closes: float | None
    ) -> tuple[float, float]:
        """From when to when people are picked: as early and as long as all periods fit."""
        begun = int(case.plan.running.any(axis=1).argmax()) if real else 0
        first = max(rule.months, self.before, begun) if opens is None else opens
        last = case.months - self.after if closes is None else closes
        one_date = not (rule.at_event or rule.rolling)
        needed = first + self.after if one_date else max(first, last) + self.after
        if first < max(rule.months, self.before) or needed > case.months or min(self[:2]) <= 0:
            found = (
                f"{max(rule.months, self.before):g} months before a date from month {first:g} on"
                f" and {self.after:g} after it"
            )
            allowed = f"periods that fit into the {case.months} months of the scenario"
            raise BadInput([Problem(Mark("--months", 0, 0), "", found, allowed)])
        if real and not case.names.interventions:
            raise BadInput([Problem(OPTION, "", "no intervention", "a scenario that has one")])
        return first, last


def _starts(replication: Replication, real: bool) -> Floats:
    """Month of each person's first start of a service, inf for none."""
    out = np.full(replication.newcomers.entered.size, np.inf)
    if real:
        np.fmin.at(out, replication.pathways.person, replication.pathways.started)
    return out


def _could_be_served(case: Case, replication: Replication, who: Selected) -> Flags:
    """Whether each is, at their date, in a segment that some intervention serves."""
    spans = replication.spans
    width = 2.0 * case.months + 1.0
    key = spans.person * width + spans.start
    at = np.searchsorted(key, who.person * width + who.date, side="right") - 1
    served = np.asarray(case.plan.served).any(axis=0)
    return np.asarray(np.atleast_1d(served)[spans.strategy[at] // LEVELS])


def _groups(
    picked: Selected, start: Floats, periods: Periods, early: Flags, real: bool
) -> tuple[Selected, Selected]:
    """Who is served, and who is compared with them."""
    if not real:
        odd = np.arange(picked.person.size) % 2 == 1
        return picked.some(~odd), picked.some(odd)
    waited = start[picked.person] - picked.date
    return picked.some(~early & (waited <= periods.reach)), picked.some(waited > periods.after)


def _rest(
    rule: Rule,
    events: History,
    people: Residents,
    meeting: Selected,
    served: Selected,
    start: Floats,
    periods: Periods,
) -> Selected:
    """Everybody whom the rule has not picked so far, each at the date of one served, in turn.

    Who is picked later stays: an evaluator on that date does not know who will be.
    """
    if not served.person.size:
        return served
    person = np.arange(people.entered.size)
    first = np.full(person.size, np.inf)
    first[meeting.person] = meeting.date
    date = np.sort(served.date)[np.arange(person.size) % served.date.size]
    here = people.there(person, date - max(rule.months, periods.before), date)
    here &= start[person] > date + periods.after
    here &= first[person] > date
    here &= events.count(person, date - rule.months, date) < rule.at_least
    return Selected(person[here], date[here])


def group(events: History, people: Residents, who: Selected, periods: Periods) -> Group:
    """Use of some people before and after their date; people: of the world of the events."""
    rank = np.searchsorted(who.person, events.person)
    known = np.append(who.person, -1)[rank] == events.person
    rank, units, usd = rank[known], events.units[known], events.usd[known]
    since = events.time[known] - who.date[rank]
    size, months = who.person.size, (periods.before, periods.after)
    before = (since > -periods.before) & (since <= 0.0)
    after = (since > 0.0) & (since <= periods.after)
    lived = [
        float(people.months(who.person, who.date + start, who.date + end).sum())
        for start, end in ((-periods.before, 0.0), (0.0, periods.after))
    ]
    use, spent, share = [], [], []
    for period, exposure in zip((before, after), lived, strict=True):
        use.append(_mean(units[period].sum(), exposure))
        spent.append(_mean(usd[period].sum(), exposure))
        share.append(_mean(np.unique(rank[period]).size, size))
    past, future = (int(length + 1e-9) for length in months)
    bin_of = np.ceil(since).astype(np.int64) - 1 + past
    inside = (bin_of >= 0) & (bin_of < past + future)
    found = np.bincount(bin_of[inside], units[inside], minlength=past + future)
    begin = np.arange(-past, future)
    monthly = np.array(
        [people.months(who.person, who.date + k, who.date + k + 1).sum() for k in begin]
    )
    by_month = np.divide(found, monthly, out=np.full(begin.size, np.nan), where=monthly > 0.0)
    both = (use[0], use[1], spent[0], spent[1], share[0], share[1])
    return Group(size, *both, by_month, lived[0], lived[1], monthly)


def _mean(total: float, over: float) -> float:
    """A total over people or person-months."""
    return float(total) / over if over > 0.0 else float("nan")


# --- many replications


def evaluations(found: Iterable[Evaluation]) -> list[Reported]:
    """What each design reports: mean over replications, its error, and the range of 90 % of them.

    A replication without the people for a design says nothing of it. BadInput where the rule
    picks nobody at all, or nobody whom it picks is served.
    """
    every = list(found)
    if not any(e.selected for e in every):
        raise nobody(every[0].rule)
    if not any(e.served.people for e in every):
        count = sum(e.selected for e in every)
        told = f"nobody served of the {count:,} whom `{every[0].rule}` picks".replace(",", " ")
        allowed = "a rule that picks whom the scenario serves, a longer reach, or a placebo"
        raise BadInput([Problem(OPTION, "", told, allowed)])
    rows = []
    for design in DESIGNS:
        changes = np.array([e.reported(design) for e in every])
        for k, (measure, unit) in enumerate(UNITS.items()):
            values = changes[~np.isnan(changes[:, k]), k]
            if values.size:
                low, high = np.quantile(values, (0.05, 0.95)).tolist()
                mean, se = float(values.mean()), standard_error(values)
                rows.append(Reported(design, measure, unit, mean, se, low, high))
    return rows


def pooled(groups: Iterable[Group]) -> Group:
    """The people of several replications as one group."""
    some = [g for g in groups if g.people]
    people = np.array([g.people for g in some], dtype=np.float64)
    before = np.array([g.months_before for g in some])
    after = np.array([g.months_after for g in some])
    weights = (before, after, before, after, people, people)
    means = [float(np.average([g[k + 1] for g in some], weights=w)) for k, w in enumerate(weights)]
    monthly = np.array([g.months_by_month for g in some])
    units = np.where(monthly > 0.0, [g.by_month for g in some], 0.0) * monthly
    total = monthly.sum(axis=0)
    by_month = np.divide(
        units.sum(axis=0), total, out=np.full(total.size, np.nan), where=total > 0.0
    )
    lived = float(before.sum()), float(after.sum())
    return Group._make([int(people.sum()), *means, by_month, *lived, total])
