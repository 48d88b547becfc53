"""Selection: who is picked for having used much lately, and when.

A rule says what an evaluation or a programme that looks at recent use would ask for. It is written
in one of two forms:

    inpatient_stay >= 3 in 12 months            who has that many behind them, at a date
    index inpatient_stay with 1 more in 6 months    at an event that has others before it

The first may end in `, rolling`: then each month's start is a date until one qualifies. Several
services are counted together when joined by `+`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from model.distributions import Floats
from model.problems import BadInput, Mark, Problem, nearest, shortened

from .case import Case, Flags, Ints
from .ramp import some
from .run import Replication
from .series import presence

OPTION = Mark("--select", 0, 0)
FORMS = (
    "`SERVICE >= N in M months`, the same with `, rolling`, or "
    "`index SERVICE with K more in M months`"
)
_SERVICES = r"(?P<services>[\w-]+(\s*\+\s*[\w-]+)*)"
_PERIOD = r"in\s+(?P<months>\d+(\.\d+)?)\s+months?"
_AT_A_DATE = re.compile(
    rf"{_SERVICES}\s*>=\s*(?P<least>\d+)\s+{_PERIOD}(?P<rolling>\s*,\s*rolling)?"
)
_AT_AN_EVENT = re.compile(rf"index\s+{_SERVICES}\s+with\s+(>=\s*)?(?P<more>\d+)\s+more\s+{_PERIOD}")


@dataclass(frozen=True)
class Rule:
    """At least so many events of these services, counted together, within so many months."""

    services: tuple[str, ...]
    at_least: int  # an index event is one of them
    months: float
    at_event: bool = False  # picked at an event; otherwise at a date
    rolling: bool = False  # at the first month's start that qualifies; otherwise at one date

    def __str__(self) -> str:
        services = " + ".join(self.services)
        if self.at_event:
            return f"index {services} with {self.at_least - 1} more in {self.months:g} months"
        rolling = ", rolling" if self.rolling else ""
        return f"{services} >= {self.at_least} in {self.months:g} months{rolling}"


def parse(text: str, mark: Mark = OPTION) -> Rule:
    """The rule that a text says; BadInput for any other text.

    mark: where the text stands, told in the error.
    """
    said = " ".join(text.split())
    at_event = _AT_AN_EVENT.fullmatch(said)
    found = at_event or _AT_A_DATE.fullmatch(said)
    if found is None:
        raise _bad(mark, f"`{shortened(said)}`" if said else "nothing", FORMS)
    services = tuple(name.strip() for name in found["services"].split("+"))
    twice = [name for name in services if services.count(name) > 1]
    if twice:
        raise _bad(mark, f"`{twice[0]}` twice", "each service once")
    at_least = int(found["more"]) + 1 if at_event else int(found["least"])
    months = float(found["months"])
    if at_least < (2 if at_event else 1):
        raise _bad(mark, f"{at_least - bool(at_event)} in `{said}`", "1 or more")
    if months <= 0.0:
        raise _bad(mark, f"{found['months']} months", "more than 0 months")
    rolling = at_event is None and found["rolling"] is not None
    return Rule(services, at_least, months, at_event is not None, rolling)


def checked(rule: Rule, case: Case, mark: Mark = OPTION) -> Rule:
    """The rule itself; BadInput where the scenario lacks a service or is too short for it."""
    names = case.names.services
    unknown = [name for name in rule.services if name not in names]
    if unknown:
        allowed = f"services of the scenario: {', '.join(names)}"
        raise _bad(mark, f"`{unknown[0]}` in `{rule}`", allowed, nearest(unknown[0], names))
    if rule.months >= case.months:
        allowed = f"fewer months than the scenario has, {case.months}"
        raise _bad(mark, f"{rule.months:g} months in `{rule}`", allowed)
    return rule


def _bad(mark: Mark, found: str, allowed: str, near: str = "") -> BadInput:
    return BadInput([Problem(mark, "", found, allowed, near)])


# --- what each person used, and when


class History:
    """Events of some services in one world, sorted by person and time."""

    def __init__(
        self, person: Ints, time: Floats, units: Floats, usd: Floats, horizon: float
    ) -> None:
        self.longest = 2.0 * horizon  # no time that is asked for is further from the start
        key = self._keys(person, time)
        order = np.argsort(key, kind="stable")
        self.person, self.time = person[order], time[order]
        self.units, self.usd = units[order], usd[order]
        self._key = key[order]

    def _keys(self, person: Any, time: Any) -> Floats:
        """One number for person and time, in the order of both."""
        near = np.clip(time, -self.longest, self.longest)
        out: Floats = person * (2.0 * self.longest + 1.0) + near
        return out

    def count(self, person: Any, start: Any, end: Any) -> Ints:
        """Events of each person after a start, up to and with an end."""
        upto = np.searchsorted(self._key, self._keys(person, end), side="right")
        before = np.searchsorted(self._key, self._keys(person, start), side="right")
        return np.asarray(upto - before, dtype=np.int64)


def history(case: Case, replication: Replication, services: Sequence[str], world: str) -> History:
    """The events of some services in one world (`usual` or `strategy`), timed as on the path.

    USD at the price of the payer, the month of the event and its scatter.
    """
    every = replication.bills
    if every is None:
        raise ValueError("no bills were asked for: replicate(..., with_bills=True)")
    wanted = [case.names.services.index(name) for name in services]
    b = some(every, getattr(every, world) & np.isin(every.service, wanted))
    month = np.minimum(b.time.astype(np.int64), case.months - 1)
    usd = b.units * b.price * case.use.price_factor[month, b.service]
    return History(b.person, b.time, b.units, usd, float(case.months))


class Residents(NamedTuple):
    """When each person comes and goes in one world [person]."""

    entered: Floats
    gone: Floats

    def there(self, person: Any, since: Any, at: Any) -> Flags:
        """Whether they were in the community from `since` on and still are at `at`."""
        return np.asarray((self.entered[person] <= since) & (self.gone[person] > at))

    def months(self, person: Any, start: Any, end: Any) -> Floats:
        """Months that they were in the community between a start and an end."""
        last = np.minimum(self.gone[person], end)
        return np.asarray(np.maximum(last - np.maximum(self.entered[person], start), 0.0))


def residents(case: Case, replication: Replication, world: str) -> Residents:
    """When they come and go; who is there at the horizon is taken to stay."""
    entered, gone = presence(case, replication.spans, world, replication.newcomers.entered)
    return Residents(entered, np.where(gone >= case.months, np.inf, gone))


# --- who is selected


class Selected(NamedTuple):
    """Who meets a rule, in the order of their numbers, and the date that follow-up begins."""

    person: Ints
    date: Floats  # months since the start

    def some(self, which: Flags) -> Selected:
        return Selected(self.person[which], self.date[which])


def select(
    rule: Rule, events: History, people: Residents, opens: float, closes: float, since: float
) -> Selected:
    """Each person the first time that they meet the rule from `opens` on and before `closes`.

    At a date: that of opening alone, or with `rolling` each month after it. A person counts who
    has been in the community for the last `since` months. events: of the rule's services.
    """
    if rule.at_event:
        person, date = events.person, events.time
    else:
        dates = np.arange(opens, closes) if rule.rolling else np.array([opens])
        able = np.unique(events.person)
        person, date = np.repeat(able, dates.size), np.tile(dates, able.size)
    met = events.count(person, date - rule.months, date) >= rule.at_least
    met &= (date >= opens) & (date < max(closes, opens + 1e-9))
    met &= people.there(person, date - since, date)
    who, first = np.unique(person[met], return_index=True)
    return Selected(who, date[met][first])


class Retention(NamedTuple):
    """How many of those selected at a date meet the rule again later."""

    selected: int
    residents: int  # at the date
    still: Floats  # [later] share that meets the rule then; who died or left does not
    always: float  # share that meets it at every month's start up to the last of the dates
    ever: float  # residents who meet it at some month's start, a person selected


def retention(
    case: Case, replication: Replication, rule: Rule, date: float, later: Sequence[float],
    world: str = "usual",
) -> Retention:  # fmt: skip
    """Who meets a rule at a date, and how many of them still do so many months later."""
    checked(rule, case)
    events = history(case, replication, rule.services, world)
    people = residents(case, replication, world)
    at_date = Rule(rule.services, rule.at_least, rule.months)
    now = select(at_date, events, people, date, date, rule.months)
    if not now.person.size:
        raise nobody(rule)

    def meets(person: Ints, month: float) -> Flags:
        at = date + month
        enough = events.count(person, at - rule.months, at) >= rule.at_least
        return np.asarray(enough & people.there(person, np.inf, at))

    monthly = np.arange(1.0, max(later) + 1e-9)
    every, able = np.arange(people.entered.size), np.unique(events.person)
    always = np.logical_and.reduce([meets(now.person, m) for m in monthly])
    ever = np.logical_or.reduce([meets(able, m) for m in [0.0, *monthly]])
    return Retention(
        selected=now.person.size,
        residents=int(people.there(every, date - rule.months, date).sum()),
        still=np.array([meets(now.person, m).mean() for m in later]),
        always=float(always.mean()),
        ever=float(ever.sum() / now.person.size),
    )


def nobody(rule: Rule, mark: Mark = OPTION) -> BadInput:
    """A rule that no resident meets."""
    allowed = "a rule that somebody meets: fewer events, more months, or more residents"
    return _bad(mark, f"`{rule}`, which selects nobody", allowed)
