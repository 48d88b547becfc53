"""A measurement plan in words and tables: at the terminal, as JSON, and for the page."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

from model.planned_effect import COST, EVENTS, TOTAL, Effect
from model.planning import (
    CHANGE,
    DESIGNS,
    LEVEL,
    LOTTERY,
    OWN,
    PICKED_BY,
    PRE_POST,
    RANDOMISED,
    Asked,
    Plan,
    Row,
)
from model.problems import printable
from model.runfolder import names_of

from .wording import significant

NAMES = {
    PRE_POST: "before and after",
    OWN: "own history",
    LEVEL: "comparison, level",
    CHANGE: "comparison, change",
    RANDOMISED: "randomised, all",
    LOTTERY: "randomised, referred",
}
METRIC_NAMES = {
    TOTAL: "Total cost per member",
    COST: "Cost of targeted services",
    EVENTS: "Events of targeted services",
}
NEXT_TO_NOTHING = 1e-5  # a mean effect below this has no sign that means anything
SHORT = {TOTAL: "Total cost", COST: "Targeted cost", EVENTS: "Targeted events"}
WIDE = 108  # columns from which people and assurance have room


def bare(share: float | None) -> str:
    """Of a hundred, two digits: 0.0264 -> 2.6; tiny shares say that they are; None: not known."""
    if share is None:
        return "?"
    if share != 0.0 and abs(share) < 1e-5:
        return "<0.001" if share > 0.0 else ">-0.001"
    return f"{significant(100.0 * share, 2):,.10g}"


def per_cent(share: float | None) -> str:
    return f"{bare(share)} %"


def change(share: float) -> str:
    """A saving in words: 0.13 % less, 0.17 % more, unchanged."""
    if share == 0.0:
        return "unchanged"
    return f"{per_cent(abs(share))} {'less' if share >= 0.0 else 'more'}"


def expected_change(row: Row) -> str:
    """The expected effect with its interval; one that near to nothing is said to be that."""
    low, high = change(row.effect_p05), change(row.effect_p95)
    if abs(row.effect) < NEXT_TO_NOTHING:
        return f"next to nothing (between {low} and {high}: 90 % interval)"
    return f"{change(row.effect)} (90 % interval {low} to {high})"


def whole(number: float | None) -> str:
    """Three digits of what is needed: 6,760, 16.2 M; none where no number would do."""
    if number is None:
        return "none"
    r = significant(number, 3)
    return f"{r / 1e6:,.3g} M" if r >= 1e6 else f"{r:,.0f}"


# --- the answer


def answer(p: Plan) -> list[str]:
    """What the plan comes to, in a few sentences."""
    return [_expected(p), *_needed(p), *_biased(p), *_paid(p)]


def _expected(p: Plan) -> str:
    metric = next(iter(p.expected.effects))
    row = p.row(OWN, metric)
    return (
        f"{METRIC_NAMES[metric]} of the {p.expected.members:,.0f} attributed members is expected "
        f"to be {expected_change(row)}. Measured against their own history over {row.months:.0f} "
        f"months, chance alone moves it by {per_cent(row.sd)} (standard deviation)."
    )


def _needed(p: Plan) -> Iterator[str]:
    total = [r for r in p.rows if r.metric == TOTAL and r.usable]
    if total and all(out_of_reach(r) for r in total):
        yield (
            "No design would show the expected effect on total cost, not with a hundred times the "
            "people that there are."
        )
    possible = [r for r in p.rows if r.people_needed is not None]
    if not possible:
        yield "No design finds any of the expected effects."
        return
    best = min(possible, key=lambda r: (r.people_needed or 0) / max(r.people, 1e-9))
    yield (
        f"Nearest to what is possible: {METRIC_NAMES[best.metric].lower()}, {NAMES[best.design]}: "
        f"{whole(best.people_needed)} people, if each of them has {change(best.effect)}. "
        f"{whole(best.people)} are to be had in {best.months:.0f} months; with them the chance to "
        f"find that effect is {per_cent(best.power_now)}, and {per_cent(best.assurance)} over all "
        "that the effect may be."
    )


def out_of_reach(row: Row) -> bool:
    """A hundred times the people would not do: said so, as the mean effect differs by seed."""
    return row.people_needed is None or row.people_needed > 100.0 * row.people


def _biased(p: Plan) -> Iterator[str]:
    told = next((r for r in p.rows if r.design == PRE_POST and r.metric == EVENTS), None)
    if told is not None and told.bias is not None:
        yield (
            f"Before and after is not usable: people picked by {PICKED_BY} or more such events in "
            f"a year would show {per_cent(told.bias)} fewer in the next with no effect at all"
            f"{_paid_for_nothing(told)}."
        )


def _paid_for_nothing(row: Row) -> str:
    if row.false_payment is None:
        return ""
    paid = chance(row.false_payment)
    return f", and the contract's threshold on them would be met in {paid} % of years"


def _paid(p: Plan) -> Iterator[str]:
    row = next((r for r in p.rows if r.metric == TOTAL and r.is_contract), None)
    if row is not None and row.false_payment is not None and p.minimum_rate is not None:
        yield (
            f"The contract's own rule, {per_cent(p.minimum_rate)} of the benchmark, pays in "
            f"{per_cent(row.false_payment)} of years without any effect and does not pay in "
            f"{per_cent(row.missed_payment)} of years with the expected one."
        )


# --- the terminal


def show(p: Plan, folder: Any, to: Console) -> None:
    parts: list[RenderableType] = [heading(p)]
    parts += [Text(printable(" ".join(answer(p))))]
    parts += [metric_table(p, e, to.width >= WIDE) for e in p.expected.effects.values()]
    parts += [*payment_table(p), notes(p)]
    page = Text.assemble(("Page: ", "bold"), printable(str(folder / "plan.html")))
    for part in [*parts, page]:
        to.print(part, "", sep="\n", width=min(to.width, 140))


def heading(p: Plan) -> Text:
    name = printable(p.expected.line.name)
    return Text.assemble((name, "bold"), "\n", (printable(subtitle(p)), "dim"))


def subtitle(p: Plan) -> str:
    f = p.expected
    return (
        f"{f.draws.scenario.name}, contract {f.name}, from {f.line.start}: {f.years} settled "
        f"years, {f.draws.size:,} draws; power {per_cent(p.asked.power)}, "
        f"alpha {per_cent(p.asked.alpha)} two-sided"
    )


def _table(title: str, first: str) -> Table:
    table = Table(
        title=Text(title, style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
        header_style="dim",
    )
    table.add_column(first, no_wrap=True)
    return table


def metric_table(p: Plan, effect: Effect, wide: bool) -> Table:
    table = _table(f"{METRIC_NAMES[effect.metric]}: effects in % of usual care", "design")
    for name in columns(p, wide):
        table.add_column(name, justify="right", no_wrap=True)
    for design in DESIGNS:
        row = p.row(design, effect.metric)
        table.add_row(NAMES[design], *cells(row, wide), style="dim" if not row.usable else "")
    return table


def columns(p: Plan, wide: bool) -> list[str]:
    finds = f"finds\nat {significant(100 * p.asked.power, 3):g} %"
    names = ["effect", "sd", finds, "chance\nnow", "people\nneeded", "months\nneeded"]
    names += ["if no\neffect"]
    return ["people", *names[:1], "90 % interval", *names[1:]] if wide else names


def cells(row: Row, wide: bool) -> list[str]:
    said = [
        bare(row.effect),
        bare(row.sd),
        bare(row.detectable),
        bare(row.power_now) if row.usable else "-",
        whole(row.people_needed) if row.usable else "biased",
        whole(row.months_needed) if row.usable else "-",
        bare(row.bias),
    ]
    if not wide:
        return said
    between = f"{bare(row.effect_p05)} to {bare(row.effect_p95)}"
    return [whole(row.people), said[0], between, *said[1:]]


def payment_columns(p: Plan) -> list[str]:
    least = "no rule" if p.minimum_rate is None else f"rule of {per_cent(p.minimum_rate)}"
    rule = f"{least},\none year:"
    test = f"test over\n{12 * p.expected.years} months:"
    ends = ("\npaid, no\neffect", "\nnot paid,\neffect")
    return [what + end for what in (rule, test) for end in ends]


def payment_rows(p: Plan) -> dict[str, list[list[str]]]:
    """Chances in % by metric: the contract's threshold beside a test. A dash: no meaning there."""
    found: dict[str, list[list[str]]] = {}
    for r in p.rows:
        by_rule, by_test = (
            (r.false_payment, r.missed_payment),
            (r.false_payment_by_test, r.missed_payment_by_test),
        )
        told = ["-" if x is None else chance(x) for x in (*by_rule, *by_test)]
        found.setdefault(r.metric, []).append([NAMES[r.design], *told])
    return found


def chance(share: float) -> str:
    """Of a hundred; what is all but certain is not said to be so."""
    if 0.0 < share < 0.0005:
        return "<0.1"
    return ">99" if share > 0.995 else bare(share)


def payment_table(p: Plan) -> Iterator[Table]:
    table = _table("Would it be paid? Chances in %", "measured by")
    for what in payment_columns(p):
        table.add_column(what, justify="right", no_wrap=True)
    for metric, rows in payment_rows(p).items():
        table.add_row(Text(SHORT[metric], style="bold"))
        for row in rows:
            table.add_row(*row)
    yield table


def notes(p: Plan) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style="dim", no_wrap=True)
    grid.add_column(overflow="fold")
    for topic, words in explained(p):
        grid.add_row(topic, Text(printable(words)))
    return grid


def explained(p: Plan) -> Iterator[tuple[str, str]]:
    """What the words mean here, in the order of the tables."""
    f = p.expected
    names = names_of(f.draws.scenario)
    served = ", ".join(names.get(n, n) for n in f.programmes) or "no programme"
    few = whole(p.row(PRE_POST, next(iter(f.effects))).people)
    yield "targeted", ", ".join(names.get(s, s) for s in f.services) + f"; by {served}."
    about = {
        NAMES[PRE_POST]: (
            f"The {few} enrolments of members in these years (who comes back counts again), a year "
            "before and a year after. Not "
            "usable: what it reports without effect is regression to the mean (of total cost, an "
            "understatement)."
        ),
        NAMES[OWN]: (
            "All attributed members, against the contract's baseline years; what moves the whole "
            "area, and an error in the trend, stay in it."
        ),
        NAMES[LEVEL]: (
            "Members beside people of the same years who are not offered the programmes, picked "
            f"alike: {significant(_ratio(f), 2):g} for each member, on top of the people needed. "
            "Contracts with a comparison group settle this."
        ),
        NAMES[CHANGE]: (
            "The same people, each group against its own baseline years: difference in differences."
        ),
        NAMES[RANDOMISED]: (
            "Members in two halves; one is offered the programmes, as far as they reach."
        ),
        NAMES[LOTTERY]: (
            "Those referred and willing, half of them served "
            f"({whole(f.started)} enrolments a year); both halves counted, followed for "
            "a year. Months: recruiting and that year."
        ),
        "effect": "True saving, mean over draws: of members, or of a first year of those enrolled.",
        "finds": "The smallest effect that is found with the people and months there are.",
        "chance now": "In %, to find the expected effect with them; without one half of alpha.",
        "if no effect": "What is reported, on average, where there is none. ?: not known.",
        "paid": (
            "By the contract's threshold on that metric in one year (of enrolments: a year's), and "
            "on a saving that is significant in all months. Before and after: with what it reports "
            "without effect. -: nobody to measure, that is not known, or nothing is shared."
        ),
        "none": "Neither 100 million people (M: million) nor 600 months would do.",
    }
    yield from about.items()


def _ratio(f: Any) -> float:
    measured = f.line.terms.measurement
    stated = measured is not None and measured.comparison_ratio is not None
    return float(measured.comparison_ratio.central) if stated else 1.0


# --- for other programs


def as_json(p: Plan) -> dict[str, Any]:
    """Plain numbers for another program."""
    f = p.expected
    return {
        "scenario": f.draws.scenario.name,
        "contract": f.name,
        "draws": f.draws.size,
        "seed": f.draws.seed,
        "power": p.asked.power,
        "alpha": p.asked.alpha,
        "members": f.members,
        "years": f.years,
        "enrolments_a_year": f.started,
        "willing_a_year": f.accepted,
        "minimum_rate": p.minimum_rate,
        "targeted_services": list(f.services),
        "programmes": list(f.programmes),
        "people": [_people(e) for e in f.effects.values()],
        "designs": [asdict(row) for row in p.rows],
    }


def _people(e: Effect) -> dict[str, Any]:
    """How one person's year varies, of all members and of those taken on."""
    out: dict[str, Any] = {"metric": e.metric, "effect_by_year": e.years.tolist()}
    for who, use in (("members", e.members), ("taken_on", e.referred)):
        out[who] = {
            "mean": use.mean,
            "cv": math.sqrt(use.person.variance),
            "correlation": use.person.correlation,
        }
    return out


__all__ = ["Asked", "answer", "as_json", "show"]
