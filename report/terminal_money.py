"""Money at the terminal: what a board asks first, and a table of who gains."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from rich.text import Text

from . import convergence, money, money_notes, money_story, reasons, story
from .money import Gain
from .rundata import DUST, Run, Spread
from .screen import numbers, table, text, topics
from .story import is_nothing
from .wording import of_hundred, short_interval, short_money

PUTS_IN, GETS_OUT, MOSTLY = "puts in", "gets out", "mostly\nthrough"
HEADINGS = (
    PUTS_IN,
    GETS_OUT,
    "net present\nvalue",
    "90 % interval",
    "net > 0, of\n100 draws",
    MOSTLY,
)
NEEDS = {MOSTLY: 80, PUTS_IN: 100, GETS_OUT: 118}  # columns of the screen from which it is shown
ROWS = 9  # of single parties; the others stand in one row


def lead(run: Run) -> Table:
    """Topic and sentence, in the order in which people ask."""
    return topics(money_story.topics(run), "bold")


def rest(run: Run) -> Table:
    """What the programmes cost and avoid, and how to read it all; the page has every table."""
    parties = [*story.summary_sentences(run)[:2]]
    notes = dict(story.notes(run))
    return topics(
        [
            ("Mostly", f"{reasons.TOLD}."),
            ("Programmes", " ".join(parties)),
            ("Dollars", money_notes.dollars_note(run)),
            ("Interval", notes["Interval"]),
            *convergence.topics(run),
            ("Inputs", notes["Inputs"]),
        ],
        "dim",
    )


def who_gains(run: Run, width: int) -> Table:
    """Present values by party; the smallest in one row, as means add up."""
    made = table("Who gains and who loses, strategy beside usual care (present values)", "party")
    kept = [k for k, heading in enumerate(HEADINGS) if width >= NEEDS.get(heading, 0)]
    numbers(made, *(HEADINGS[k] for k in kept))

    def add(name: Text, cells: Sequence[str]) -> None:
        made.add_row(name, *(cells[k] for k in kept))

    single, rest = split(money.gains(run))
    for g in single:
        add(text(g.name), row(run, g))
    if rest:
        add(text(f"{len(rest)} others together", "dim"), together(rest))
    made.add_section()
    for g in money.perspectives(run):
        if g.key == money.SOCIETY:
            add(text(g.name), row(run, g))
    return made


def split(found: Sequence[Gain]) -> tuple[list[Gain], list[Gain]]:
    """Parties with rows of their own: the largest, and who gains for sure."""
    kept = [g for k, g in enumerate(found) if k < ROWS or g.npv.p05 > DUST]
    rest = [g for g in found if g not in kept]
    return (list(found), []) if len(rest) < 2 else (kept, rest)


def row(run: Run, g: Gain) -> list[str]:
    party = g.key != money.SOCIETY
    return [
        _mean(g.outlay) if party else "",
        _mean(g.gets_out) if party else "",
        short_money(g.npv.mean),
        (short_interval(g.npv.p05, g.npv.p95) or "the same in all") if run.enough else "",
        of_hundred(g.p_gain) if run.enough else "-",
        reasons.mostly(run, g.key) if party else "",
    ]


def together(rest: list[Gain]) -> list[str]:
    """Sums of means, which have no interval of their own here."""
    npv = sum(g.npv.mean for g in rest)
    put_in = sum(g.outlay.mean for g in rest if g.outlay is not None)
    return [*map(short_money, (put_in, npv + put_in, npv)), "", "", ""]


def _mean(s: Spread | None) -> str:
    return "-" if s is None or is_nothing(s) else short_money(s.mean)
