"""What a run says, in rows and sentences: the terminal and the page tell the same story."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np

from . import convergence
from .rundata import ALL, DIFFERENCE, DUST, STRATEGY, USUAL, Run, Spread
from .wording import (
    chance,
    change,
    change_interval,
    count,
    in_words,
    interval,
    listed,
    money,
    month_span,
    number,
    percent,
    plural,
    relative,
    result,
    result_interval,
)

TOO_FEW = "too few draws for a chance or an interval"
# Share of draws from which an effect at its floor is worth a note.
OFTEN_AT_FLOOR = 0.1


class PartyRow(NamedTuple):
    """One party: what it spends on rescue services, and the way from avoided to net."""

    key: str
    name: str
    usual: Spread | None
    strategy: Spread | None
    avoided: Spread | None
    p_less: float
    offsets: Spread | None
    not_freed: Spread | None
    cost: Spread | None
    net: Spread | None
    p_gain: float

    @property
    def concerned(self) -> bool:
        """Whether anything changes for the party."""
        parts = (self.offsets, self.not_freed, self.cost, self.net)
        return any(p is not None for p in parts) or not is_nothing(self.avoided)


def is_nothing(spread: Spread | None) -> bool:
    """Whether a difference is zero in (nearly) every draw."""
    return spread is None or max(map(abs, (spread.mean, spread.p05, spread.p95))) < DUST


def party_rows(run: Run) -> list[PartyRow]:
    """Every party that spends on rescue services or for which something changes, then all."""
    keys = [k for k in run.subjects("avoided_rescue_spending") if k != ALL]
    rows = [party_row(run, key, run.name(key)) for key in keys]
    kept = [row for row in rows if row.usual is not None or row.concerned]
    return [*kept, party_row(run, ALL, "All payers and funders")]


def party_row(run: Run, key: str, name: str) -> PartyRow:
    return PartyRow(
        key=key,
        name=name,
        usual=run.spread("rescue_spending", key, USUAL),
        strategy=run.spread("rescue_spending", key, STRATEGY),
        avoided=run.spread("avoided_rescue_spending", key, DIFFERENCE),
        p_less=run.share_above_zero("avoided_rescue_spending", key),
        offsets=run.spread("added_offset_spending", key),
        not_freed=run.spread("not_freed", key),
        cost=run.spread("programme_cost", key),
        net=run.spread("net_saving", key),
        p_gain=run.share_above_zero("net_saving", key),
    )


class ServiceRow(NamedTuple):
    name: str
    unit: str
    usual: Spread | None
    avoided: Spread


def service_rows(run: Run) -> Iterator[ServiceRow]:
    for key in run.subjects("avoided_use"):
        avoided = run.spread("avoided_use", key)
        if avoided is not None:
            usual = run.spread("use", key, USUAL)
            yield ServiceRow(run.name(key), avoided.unit, usual, avoided)


class InterventionRow(NamedTuple):
    key: str
    name: str
    enrolled: Spread | None
    served: Spread | None
    wait: Spread | None
    cost: Spread | None
    cost_each: Spread | None
    floors: list[tuple[str, float]]


def intervention_rows(run: Run) -> list[InterventionRow]:
    return [
        InterventionRow(
            key,
            run.name(key),
            run.spread("enrollments", key),
            run.spread("person_years_served", key),
            run.spread("mean_wait", key),
            run.spread("intervention_cost", key),
            run.spread("cost_per_enrollment", key),
            list(floors(run, key)),
        )
        for key in run.subjects("enrollments")
    ]


def floors(run: Run, intervention: str) -> Iterator[tuple[str, float]]:
    """Services whose effect sits at its floor, with the share of draws in which it does."""
    for subject in run.subjects("effect_at_floor"):
        owner, _, service = subject.partition(".")
        spread = run.spread("effect_at_floor", subject)
        if owner == intervention and spread is not None and spread.mean > 0:
            yield run.name(service), spread.mean


# --- sentences


def summary_sentences(run: Run) -> list[str]:
    """The answer in a paragraph: cost, avoided spending, net."""
    everyone = party_row(run, ALL, "all")
    if not run.subjects("enrollments"):
        return ["The scenario has no intervention: both worlds are the same."]
    told = [sentence(run, everyone) for sentence in (cost_sentence, avoided_sentence, net_sentence)]
    return told + ([] if run.enough else [f"These are {plural(run.draws, 'draw')}: {TOO_FEW}."])


def cost_sentence(run: Run, everyone: PartyRow) -> str:
    several = len(run.subjects("enrollments"))
    what = (
        "The intervention costs" if several == 1 else f"The {in_words(several)} interventions cost"
    )
    return f"{what} {_with_interval(run, everyone.cost)} over {years(run)}."


def avoided_sentence(run: Run, everyone: PartyRow) -> str:
    a = everyone.avoided
    if a is None or is_nothing(a):
        return "Spending on rescue services does not change."
    less = change(a.mean)
    if everyone.usual is not None and everyone.usual.mean > DUST:
        less = f"{money(abs(a.mean))} or {relative(a.mean, everyone.usual.mean)}"
    told = f"Rescue services cost their payers {less} than in usual care"
    if spreads(run, a):
        told += f" (90 % interval: {change_interval(a.p05, a.p95)})"
    told += f"; they cost less {chance(everyone.p_less)}" if run.enough else ""
    return f"{told}.{budget_sentence(run)}"


def budget_sentence(run: Run) -> str:
    """How much of it is average cost of budgets, which stays when a little use goes."""
    at_cost, freed = (run.spread(f"{part}_budget_cost", ALL) for part in ("avoided", "freed"))
    if at_cost is None or freed is None or is_nothing(at_cost):
        return ""
    told = (
        f" Of what is avoided {money(at_cost.mean)} is average cost of public and donated budgets"
    )
    return f"{told}, of which {money(freed.mean)} could leave them."


def net_sentence(run: Run, everyone: PartyRow) -> str:
    """After everything, with the reason if savings do not cover the cost."""
    n = everyone.net
    if n is None:
        return ""
    told = (
        "After programme costs, added care elsewhere and what is not freed the payers and funders "
        "have "
    )
    told += result(n.mean)
    if spreads(run, n):
        told += f" (90 % interval: {result_interval(n.p05, n.p95)})"
    told += f"; they gain {chance(everyone.p_gain)}" if run.enough else ""
    return f"{told}.{cover(run)}"


def cover(run: Run) -> str:
    """Spending avoided less added care for a programme dollar: ratio of means, and its draws."""
    metrics = ("avoided_rescue_spending", "added_offset_spending", "programme_cost")
    avoided, added, cost = (run.values(metric, ALL) for metric in metrics)
    if not run.enough or cost.size == 0 or cost.min() < DUST:
        return ""
    saved = avoided - added
    low, high = np.quantile(saved / cost, [0.05, 0.95]).tolist()
    told = f"With each programme dollar care costs {change(float(saved.mean() / cost.mean()))}"
    return f" {told} (added care taken off; 90 % interval: {change_interval(low, high)})."


def who_sentences(run: Run) -> Iterator[str]:
    """Who avoids most, who pays, who would gain without paying."""
    rows = [r for r in party_rows(run) if r.key != ALL]
    payers = [r.name for r in rows if r.cost is not None]
    saving = [r for r in rows if r.avoided is not None and r.avoided.mean > DUST]
    if saving:
        most = max(saving, key=lambda r: r.avoided.mean if r.avoided else 0.0)
        assert most.avoided is not None
        part = _with_interval(run, most.avoided)
        yield f"The largest part, {part}, is avoided for {most.name}."
    if payers:
        yield f"Programmes are paid for by {listed(payers)}."
    gaining = [r for r in rows if r.net is not None and r.net.p05 > DUST] if run.enough else []
    net_cash = {r.key: run.spread("net_cash", r.key, DIFFERENCE) for r in gaining}
    sure = {key for key, s in net_cash.items() if s is None or s.p05 > DUST}
    free = [r.name for r in gaining if is_nothing(r.cost) and r.key in sure]
    if free:
        yield f"A gain without paying goes to {listed(free)}: their interval lies above zero."
    if run.enough and payers and not gaining:
        yield "No party has a net result whose 90 % interval lies above zero."


def harmful(run: Run, spread: Spread | None) -> bool:
    """Whether a saving is a loss for sure enough to be marked: its interval lies below zero."""
    return run.enough and spread is not None and spread.p95 < -DUST


def _with_interval(run: Run, spread: Spread | None) -> str:
    if spread is None:
        return "nothing"
    return money(spread.mean) + between(run, spread, "90 % interval")


def between(run: Run, spread: Spread, words: str = "90 %") -> str:
    """An interval in brackets behind a mean; nothing where it has nothing to say."""
    told = f" ({words}: {interval(spread.p05, spread.p95)})"
    return told if spreads(run, spread) else ""


def spreads(run: Run, spread: Spread) -> bool:
    """Whether an interval has something to say."""
    return run.enough and money(spread.p05) != money(spread.p95)


def years(run: Run) -> str:
    return month_span(run.summary["start"], run.summary["end"])


def horizon(run: Run) -> str:
    start, end = run.summary["start"], run.summary["end"]
    return f"{start} to {end} ({years(run)})"


# --- notes


def notes(run: Run) -> list[tuple[str, str]]:
    """What a careful reader asks first: (topic, answer)."""
    at_floor = floor_note(run)
    return [
        ("Compared", COMPARED),
        ("Perspective", PERSPECTIVE),
        ("Dollars", dollars(run)),
        ("Not counted", not_counted(run)),
        ("Interval", interval_note(run)),
        ("Monte Carlo", monte_carlo(run)),
        *convergence.topics(run),
        *([("At the floor", at_floor)] if at_floor else []),
        ("Inputs", inputs_note(run)),
    ]


COMPARED = (
    "usual care, with the existing network and without the interventions, against the same "
    "draws with them."
)
PERSPECTIVE = (
    "each party's own payments at the prices it pays, or the average cost of its budget; avoided "
    "spending is no payment to anybody. Net = avoided - added care elsewhere - not freed - "
    "programme cost. Not freed: for who pays prices, what others who use the freed capacity are "
    "charged; for budgets, all but the marginal cost and whole blocks of capacity."
)


def dollars(run: Run) -> str:
    year = run.summary["price_year"]
    return (
        f"nominal (prices of {year}, then the scenario's trends), undiscounted, summed over "
        f"{horizon(run)}."
    )


def not_counted(run: Run) -> str:
    told = "revenue that providers lose or gain; health, wages and lives are not valued in money."
    for party in run.subjects("backbone_cost"):
        spread = run.spread("backbone_cost", party)
        if spread is not None and spread.mean > DUST:
            told += (
                f" The budget of {run.name(party)} ({money(spread.mean)}) is spent in both worlds "
                "and so is not part of the net result."
            )
    return told


def interval_note(run: Run) -> str:
    if not run.enough:
        return f"{plural(run.draws, 'draw')}: {TOO_FEW}; --draws 1000 or more gives both."
    drawn = "uncertain inputs"
    if run.subjects("p_insolvent"):
        drawn += ", awards of grants and luck of settlements"
    return (
        f"90 % of {run.draws:,} draws of the {drawn} lie within; on top come the luck of who falls "
        "ill when, and that fixed inputs may be wrong."
    )


def monte_carlo(run: Run) -> str:
    """Standard error of the two means that are quoted first."""
    parts = []
    for metric, words in (("avoided_rescue_spending", "avoided"), ("net_saving", "net")):
        spread = run.spread(metric, ALL, DIFFERENCE)
        if spread is not None:
            parts.append(f"{money(spread.mcse)} ({words})")
    about = run.summary
    return (
        f"standard error of the mean: {listed(parts)}; more draws make it smaller, not the "
        f"interval. {plural(run.draws, 'draw')}, sampling {about['method']}, seed {about['seed']}."
    )


def floor_note(run: Run) -> str:
    """Effects that are cut at the preventable floor in many draws."""
    found = [
        f"{row.name}: {name} ({percent(share)})"
        for row in intervention_rows(run)
        for name, share in row.floors
        if share > OFTEN_AT_FLOOR
    ]
    told = "effects cut off at what is not preventable, with the share of draws: "
    return f"{told}{'; '.join(found)}." if found else ""


class Counts(NamedTuple):
    """How well the inputs are founded."""

    numbers: int
    uncertain: int
    verified: int
    unverified: int
    stated: int
    evidence: int
    assumptions: int
    no_source: int

    @property
    def sourced(self) -> int:
        return self.verified + self.unverified + self.stated + self.evidence


def counts(parameters: list[dict[str, Any]]) -> Counts:
    status = [p["status"] for p in parameters]
    return Counts(
        numbers=len(parameters),
        uncertain=sum(p["family"] != "fixed" for p in parameters),
        verified=status.count("verified"),
        unverified=status.count("unverified"),
        stated=status.count("stated"),
        evidence=status.count("evidence"),
        assumptions=status.count("assumption"),
        no_source=status.count("no source"),
    )


def inputs_note(run: Run) -> str:
    c = counts(run.inputs["parameters"])
    return (
        f"{plural(c.numbers, 'number')}, {c.uncertain} of them uncertain; {c.verified} verified in "
        f"their source, {c.unverified + c.stated} with a stated source, {c.evidence} pooled from "
        f"studies, {plural(c.assumptions, 'stated assumption')}, {c.no_source} without a source."
    )


def reach_sentence(row: InterventionRow) -> str:
    """779 persons enrolled, 328 person-years served, mean wait 0.8 months"""
    parts = []
    if row.enrolled is not None:
        parts.append(f"{count(row.enrolled.mean)} persons enrolled")
    if row.served is not None:
        parts.append(f"{count(row.served.mean)} person-years served")
    if row.wait is not None:
        parts.append(f"mean wait {number(row.wait.mean, 2)} months")
    return ", ".join(parts)
