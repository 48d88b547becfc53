"""What episodes say, in words: how long people wait, where capacity binds, what luck does."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from . import wording
from .episodes_data import Beside, Episodes, Row, Spread
from .wording import count, money, of_hundred, percent, points

DAYS = 365.25 / 12.0  # a month
ALL = "all"
TRIFLE = 1000.0  # USD over the horizon
PRE_POST, TRUTH = "before and after", "truth"
COMPARED = (  # beside the dynamics: metric, what people call it, how it is told
    ("listed", "put on the list", "count"),
    ("enrollments", "enrolled", "count"),
    ("mean_enrolled", "in service at a time", "count"),
    ("mean_waiting", "on the list at a time", "count"),
    ("mean_staff", "staff in post", "number"),
    ("mean_wait", "months on the list, mean", "number"),
)


def lasting(months: float) -> str:
    """17 days; 1.1 months; 11 months"""
    if months < 0.5 / DAYS:
        return "less than a day"
    if months < 0.99:
        return wording.plural(round(months * DAYS), "day")
    told = wording.number(months, 2)
    return f"{told} month{'' if told == '1' else 's'}"


def between(s: Spread | None, words: str) -> str:
    """The interval of a number over replications, in words; nothing where it does not vary."""
    if s is None or s.replications < 2:
        return ""
    low, high = (told(x, words) for x in (s.p05, s.p95))
    return "" if low == high else f"{low} to {high}"


def titled(words: str) -> str:
    """The words with a capital at their beginning."""
    return words[:1].upper() + words[1:]


def told(x: float, words: str) -> str:
    """A number as one of the ways of wording, or as a length of time."""
    if words == "short":
        return wording.number(x, 2)
    return lasting(x) if words == "lasting" else str(getattr(wording, words)(x))


def interval_name(e: Episodes) -> str:
    """What an interval is: 90 % of replications, or the range of few."""
    if e.enough:
        return "90 % of replications"
    return f"range of {e.replications} replications" if e.replications > 1 else "one replication"


# --- the answer


def answer(e: Episodes) -> list[str]:
    """Sentences that lead a page and a screen."""
    sentences = [*_waiting(e), *_capacity(e), *_finite(e), *_luck(e)]
    sentences += [_contract(e, row) for row in e.contracts if row["year"] == 0]
    sentences += [_selection(row) for row in e.summary["selection"] if row["reported"]]
    return sentences


def _waiting(e: Episodes) -> Iterator[str]:
    """Of one intervention, or of the one with the longest and the one with the shortest waits."""
    found = [(s.mean, name) for name in e.interventions if (s := e.spread("wait_p50", name))]
    if not found:
        if e.interventions:
            yield "Nobody was enrolled in any intervention."
        return
    for _, name in [max(found)] if len(found) == 1 else [max(found), min(found)]:
        half, most = e.spread("wait_p50", name), e.spread("wait_p90", name)
        assert half is not None and most is not None
        lead = "" if len(found) == 1 else ("longest" if name == max(found)[1] else "shortest")
        where = f"{e.name(name)}" if not lead else f"People wait {lead} for {e.name(name)}"
        yield (
            f"{where}: half of those who are enrolled wait {lasting(half.mean)} or less, "
            f"90 % {lasting(most.mean)} or less. {_of_hundred_listed(e, name)}"
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
        f"Capacity binds{where} in {of_hundred(binds_most)} of 100 months, when more people wait "
        f"than there are free slots; {percent(occupied)} of {whose} slots are in use."
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
    if found and e.replications > 1 and not apart:
        yield "The dynamics enrol as many, within chance."
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
        yield f"Avoided rescue spending in this one replication: {money(s.mean)}{expects}."
        return
    over = "in 90 % of replications" if e.enough else f"over {e.replications} replications"
    yield (
        f"The same programmes with other luck: rescue spending avoided is {money(s.mean)} in the "
        f"mean{expects}, and {wording.interval(s.p05, s.p95)} {over}, by chance alone."
    )


def _contract(e: Episodes, row: Row) -> str:
    """What the contract would measure and pay, beside the truth."""
    sd = row["sd"]["value"]
    chance = "" if sd is None else f", give or take {points(sd)} (standard deviation) by chance"
    return (
        f"Where the truth is {points(row['true_rate']['value'])} saved a year, the contract "
        f"“{titled(e.name(row['contract']))}” measures {points(row['measured_rate']['value'])} in "
        f"the mean{chance}; it pays in {of_hundred(row['p_paid']['value'])} of 100 years, and in "
        f"{of_hundred(row['p_paid_without_effect']['value'])} with no effect at all."
    )


def _selection(row: Row) -> str:
    found = {r["design"]: r["mean"] for r in row["reported"] if r["measure"] == "usd"}
    parts = [f"{design}: {signed(x)}" for design, x in found.items() if design != TRUTH]
    return (
        f"Of people picked by “{row['rule']}”, evaluations would report these savings a person "
        f"and month: {'; '.join(parts)}. The truth is {signed(found.get(TRUTH, 0.0))}"
        f"{': nothing was done for anybody' if row['placebo'] else ''}."
    )


def signed(x: float) -> str:
    """A saving; a rise is told as one."""
    return f"{money(-x)} more spending" if x < -0.5 else money(x)


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
    """Of every party whose spending changes by more than a trifle, and of all."""
    rows = []
    for party in e.subjects("avoided_rescue_spending"):
        s, exact = e.spread("avoided_rescue_spending", party), None
        if (b := e.beside("avoided_rescue_spending", party)) is not None:
            exact = b.dynamics
        if s is not None and (party == ALL or _matters(s, exact)):
            name = "All" if party == ALL else e.name(party)
            rows.append(Money(name, s, exact, e.spread("rescue_spending", party)))
    return rows


def _matters(s: Spread, exact: float | None) -> bool:
    return max(abs(s.mean), abs(s.p05), abs(s.p95), abs(exact or 0.0)) >= TRIFLE


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
        "less those in service)."
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
    return f"{e.summary['scenario']}, {horizon(e)}, {replications}"
