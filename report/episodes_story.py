"""What episodes say, in words: how long people wait, where capacity binds, what luck does."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from . import episodes_findings as findings
from . import wording
from .episodes_data import ENOUGH, FEWEST, Beside, Episodes, Spread
from .rundata import Floats
from .wording import count, money, of_hundred, percent

DAYS = 365.25 / 12.0  # a month
ALL = "all"
TRIFLE = 1000.0  # USD over the horizon
OTHERS = "Others (each change under $1,000)"
COMPARED = (  # beside the dynamics: metric, what people call it, how it is told
    ("listed", "put on the list", "count"),
    ("enrollments", "enrolled", "count"),
    ("mean_enrolled", "in service at a time", "count"),
    ("mean_waiting", "on the list at a time", "count"),
    ("mean_staff", "staff in post", "number"),
    ("mean_wait", "months on the list, mean", "number"),
)


SHORT = 2.0  # months below which waits are told in days


def lasting(months: float, unit: str = "") -> str:
    """17 days; 58 days; 2.1 months; 11 months; or in the unit that is asked for"""
    if unit != MONTHS and (unit == DAYS_TOLD or months < SHORT):
        whole = round(months * DAYS)
        return "less than a day" if whole == 0 else wording.plural(whole, "day")
    told = wording.number(months, 2)
    return f"{told} month{'' if told == '1' else 's'}"


DAYS_TOLD, MONTHS = "days", "months"


def wait_unit(e: Episodes) -> str:
    """One unit for all waits of a page: days where all of 90 % are below two months."""
    most = [s.mean for i in e.interventions if (s := e.spread("wait_p90", i))]
    return DAYS_TOLD if most and max(most) < SHORT else MONTHS


def between(s: Spread | None, words: str) -> str:
    """The interval of a number over replications, in words; nothing where it does not vary."""
    if s is None or s.replications < 2:
        return ""
    low, high = (told(x, words) for x in (s.low, s.high))
    return "" if low == high else f"{low} to {high}"


def told(x: float, words: str) -> str:
    """A number as one of the ways of wording, or as a length of time."""
    if words == "short":
        return wording.number(x, 2)
    if words in {DAYS_TOLD, MONTHS}:
        return str(round(x * DAYS)) if words == DAYS_TOLD else wording.number(x, 2)
    return lasting(x) if words == "lasting" else str(getattr(wording, words)(x))


def interval_name(e: Episodes) -> str:
    """What an interval is: 90 % of replications, or the range of few."""
    if e.enough:
        return "90 % of replications"
    return f"range of {e.replications} replications" if e.replications > 1 else "one replication"


# --- the answer


def answer(e: Episodes, folder: Path | None = None) -> list[str]:
    """Sentences that lead a page and a screen; `folder` is where a screen says the files are."""
    sentences = [*_waiting(e), *_capacity(e), *_finite(e), *_luck(e)]
    sentences += [findings.contract(e, row) for row in e.contracts if row["year"] == 0]
    sentences += [findings.selection(row) for row in e.summary["selection"]]
    return sentences + findings.estimate(e, folder)


def _waiting(e: Episodes) -> Iterator[str]:
    """Of one intervention, or of the one with the longest and the one with the shortest waits."""
    found = [(s.mean, name) for name in e.interventions if (s := e.spread("wait_p50", name))]
    if not found:
        if e.interventions:
            yield "Nobody was enrolled in any intervention."
        return
    unit = wait_unit(e)
    for _, name in [max(found)] if len(found) == 1 else [max(found), min(found)]:
        half, most = e.spread("wait_p50", name), e.spread("wait_p90", name)
        assert half is not None and most is not None
        lead = "" if len(found) == 1 else ("longest" if name == max(found)[1] else "shortest")
        where = f"{e.name(name)}" if not lead else f"People wait {lead} for {e.name(name)}"
        yield (
            f"{where}: half of those who are enrolled wait {lasting(half.mean, unit)} or less, "
            f"90 % {lasting(most.mean, unit)} or less. {_of_hundred_listed(e, name)}"
        )


def _of_hundred_listed(e: Episodes, name: str) -> str:
    """What becomes of those who are put on the list."""
    soon, gave_up = (e.spread(metric, name) for metric in ("share_started_soon", "share_gave_up"))
    parts = [] if soon is None else [f"{of_hundred(soon.mean)} are enrolled within three months"]
    parts += [] if gave_up is None else [f"{of_hundred(gave_up.mean)} give up"]
    return f"Of 100 people on the list {wording.listed(parts)}." if parts else ""


def _capacity(e: Episodes) -> Iterator[str]:
    """Where the list is longer than the free slots, and how full the slots are."""
    found = []
    for name in e.interventions:
        binds, full = e.spread("months_binding", name), e.spread("occupancy", name)
        if binds is not None and full is not None:
            found.append((binds.mean, full.mean, name))
    if not found:
        return
    binds_most, occupied, name = max(found)
    where = "" if len(found) == 1 else f" most for {e.name(name)}:"
    whose = "the" if len(found) == 1 else "its"
    if binds_most < 0.005:
        yield "Capacity never binds: there are always more free slots than people on the list."
        return
    yield (
        f"Capacity binds{where or ':'} {of_hundred(binds_most)} of 100 months end with more people "
        f"on the list than free slots; over all months {percent(occupied)} of {whose} slots are in "
        "use."
    )


def _finite(e: Episodes) -> Iterator[str]:
    """By how much the dynamics overstate or understate reach, where it is most."""
    found = [
        b
        for metric in ("enrollments", "mean_enrolled")
        for name in e.interventions
        if (b := e.beside(metric, name)) is not None and b.share is not None
    ]
    apart = [b for b in found if b.beyond_chance]
    if found and e.few:
        yield (
            f"{wording.plural(e.replications, 'replication')}: too few to tell a difference from "
            f"the dynamics from chance ({FEWEST} are needed)."
        )
        return
    if found and not apart:
        yield "No difference in enrolment from the dynamics is beyond chance."
    if not apart:
        return
    most = max(apart, key=lambda b: abs(b.share or 0.0))
    share = most.share or 0.0
    what = "are enrolled in" if most.metric == "enrollments" else "are in service at a time in"
    yield (
        f"One person at a time, {percent(abs(share))} {'fewer' if share < 0 else 'more'} {what} "
        f"{e.name(most.subject)} than the dynamics expect ({count(most.episodes)} against "
        f"{count(most.dynamics)})."
    )


def _luck(e: Episodes) -> Iterator[str]:
    s = e.spread("avoided_rescue_spending", ALL)
    if s is None or not e.interventions:
        return
    exact = e.beside("avoided_rescue_spending", ALL)
    expects = f" (the dynamics expect {money(exact.dynamics)})" if exact else ""
    if s.replications < 2:
        yield f"Avoided rescue spending in this one replication: {rough(e, s.mean)}{expects}."
        return
    if s.low == s.high == 0.0:
        yield f"Rescue spending avoided: none in {e.replications} replications{expects}."
        return
    over = (
        "in 90 % of replications" if e.enough
        else f"over {e.replications} replications (their range)"
    )  # fmt: skip
    yield (
        f"The same programmes with other luck: rescue spending avoided is {rough(e, s.mean)} in "
        f"the mean{expects}, and {rough(e, s.low)} to {rough(e, s.high)} {over}, by chance alone."
    )


def rough(e: Episodes, usd: float, short: bool = False) -> str:
    """A difference in USD; to two digits where replications are few."""
    told = (wording.short_money if short else money)(wording.significant(usd, 2) if e.few else usd)
    return _THIRD.sub(r"\1", told) if e.few else told


_THIRD = re.compile(r"(?:\.0+|(\.[1-9])0)(?=[kMB ]|$)")  # a zero that only fills three digits


# --- tables


class Queue(NamedTuple):
    """One intervention: how people fared on its list, and its capacity."""

    name: str
    listed: Spread | None
    enrolled: Spread | None
    gave_up: Spread | None
    half: Spread | None
    most: Spread | None
    soon: Spread | None
    occupancy: Spread | None
    binding: Spread | None


def queues(e: Episodes) -> list[Queue]:
    metrics = ("listed", "enrollments", "share_gave_up", "wait_p50", "wait_p90",
               "share_started_soon", "occupancy", "months_binding")  # fmt: skip
    return [Queue(e.name(i), *(e.spread(m, i) for m in metrics)) for i in e.interventions]


class Agreement(NamedTuple):
    """One line of the two lenses side by side."""

    intervention: str
    what: str
    words: str  # how to tell the numbers
    beside: Beside


def agreements(e: Episodes) -> list[Agreement]:
    """Every intervention in the dynamics and one person at a time."""
    rows = []
    for i in e.interventions:
        for metric, what, words in COMPARED:
            b = e.beside(metric, i)
            if b is not None:
                rows.append(Agreement(e.name(i), what, words, b))
    return rows


class Money(NamedTuple):
    """Rescue spending that a party avoids, over replications and in the dynamics."""

    name: str
    avoided: Spread
    dynamics: float | None
    usual: Spread | None


def avoided(e: Episodes) -> list[Money]:
    """Of every party whose spending changes by more than a trifle, of the others, and of all."""
    rows = []
    for party in e.subjects("avoided_rescue_spending"):
        s, exact = e.spread("avoided_rescue_spending", party), None
        if (b := e.beside("avoided_rescue_spending", party)) is not None:
            exact = b.dynamics
        if s is not None and (party == ALL or _matters(s, exact)):
            name = "All" if party == ALL else e.name(party)
            rows.append(Money(name, s, exact, e.spread("rescue_spending", party)))
    return [*rows[:-1], *_others(e, rows), *rows[-1:]]


def _others(e: Episodes, shown: list[Money]) -> Iterator[Money]:
    """What is left of all when the rows that are told are taken out, replication by replication."""
    whole = next((row for row in shown if row.name == "All"), None)
    told = [row for row in shown if row is not whole]
    if whole is None or len(told) + 1 == len(e.subjects("avoided_rescue_spending")):
        return
    avoided, usual = (_rest(e, m) for m in ("avoided_rescue_spending", "rescue_spending"))
    exact = None
    if whole.dynamics is not None:
        exact = whole.dynamics - sum(row.dynamics or 0.0 for row in told)
        exact = 0.0 if abs(exact) < wording.CENT else exact
    yield Money(OTHERS, avoided, exact, usual)


def _rest(e: Episodes, metric: str) -> Spread:
    """Of the parties that have no row of their own."""
    each = e.of_each(metric)
    shown = {party for party in each if party == ALL or _told(e, party)}
    rows = [x for party, x in each.items() if party not in shown]
    x = np.sum(rows, axis=0) if rows else np.zeros(e.replications)
    low, high = ends(x)
    error = float(x.std(ddof=1) / math.sqrt(x.size)) if x.size > 1 else None
    which = "90 %" if x.size >= ENOUGH else "range"
    return Spread(float(x.mean()), error, low, high, which, float(np.median(x)), int(x.size))


def ends(values: Floats) -> tuple[float, float]:
    """5 and 95 %; of few replications their range."""
    if values.size >= ENOUGH:
        low, high = np.quantile(values, (0.05, 0.95)).tolist()
        return low, high
    return float(values.min()), float(values.max())


def _told(e: Episodes, party: str) -> bool:
    s, b = (f("avoided_rescue_spending", party) for f in (e.spread, e.beside))
    return isinstance(s, Spread) and _matters(s, b.dynamics if isinstance(b, Beside) else None)


def _matters(s: Spread, exact: float | None) -> bool:
    return max(abs(s.mean), abs(s.low), abs(s.high), abs(exact or 0.0)) >= TRIFLE


# --- what to know


def notes(e: Episodes) -> list[tuple[str, str]]:
    """What the numbers are, and what is not in them."""
    which = e.summary["numbers"]
    held = (
        "all numbers of the scenario are held at their central values"
        if which == "central"
        else f"all numbers are those of {which} of “headwater run” with the same seed"
    )
    chance = (
        f"each replication has other luck and the same numbers: {held}. What is not known about "
        "the numbers themselves is not in these intervals; “headwater run” shows that."
    )
    waits = (
        "from being put on the list to the start of service, the time to set up a slot included; "
        "half and 90 % are of those who were enrolled. "
        f"{pick_words(e).capitalize()}."
    )
    binds = (
        "months that end with more people on the list than free slots (staff in post x caseload, "
        "less those in service). More people than slots may be in service: a lost post discharges "
        "nobody."
    )
    dynamics = (
        "follow expected numbers: slots are never empty by chance while people wait at another "
        "time. Here they are taken at the same numbers in fine steps, and staff are paid whatever "
        "happens, as in the episodes."
    )
    rows = [("Chance", chance), ("Intervals", f"{interval_name(e)}.")]
    if e.interventions:
        rows += [("Waits", waits), ("Capacity", binds)]
        rows.append(("Dynamics", dynamics))
    if e.summary["asked"] > e.replications:
        whole = f"after {e.replications} of {e.summary['asked']} replications, which are whole."
        rows.insert(0, ("Interrupted", whole))
    return rows


def pick_words(e: Episodes) -> str:
    return {
        "random": "the next on the list is picked at random",
        "first_come": "first come, first served",
        "priority": "the highest need is served first",
    }[e.summary["pick"]]


def horizon(e: Episodes) -> str:
    span = wording.month_span(e.summary["start"], e.summary["end"])
    return f"{e.summary['start']} to {e.summary['end']} ({span})"


def heading(e: Episodes) -> str:
    """starter, 2025-01 to 2029-12 (5 years), 50 replications, ..."""
    replications = wording.plural(e.replications, "replication")
    alone = "" if e.interventions else ", no interventions: usual care alone"
    return f"{e.summary['scenario']}, {horizon(e)}, {replications}{alone}"
