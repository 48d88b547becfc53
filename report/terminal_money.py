"""Money at the terminal: what a board asks first, and a table of who gains."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from model.problems import printable

from . import money, money_story, story
from .money import Gain
from .rundata import DUST, Run, Spread
from .story import is_nothing
from .wording import of_hundred, short_interval, short_money

NARROW, WIDE = 80, 118  # columns below and from which less or more is shown
HEADINGS = (
    "puts in\n(present)",
    "gets out\n(present)",
    "net\n(present)",
    "90 % interval\n(present)",
    "net > 0, of\n100 draws",
    "net cash\n(nominal)",
    "90 % interval\n(nominal)",
)
ROWS = 9  # of single parties; the others stand in one row


def lead(run: Run) -> Table:
    """Topic and sentence, in the order in which people ask."""
    return _grid(money_story.topics(run), "bold")


def rest(run: Run) -> Table:
    """What the programmes cost and avoid, and how to read it all; the page has every table."""
    parties = [*story.summary_sentences(run)[:2]]
    notes = dict(story.notes(run))
    return _grid(
        [
            ("Programmes", " ".join(parties)),
            ("Dollars", money_story.dollars_note(run)),
            ("Interval", notes["Interval"]),
            ("Inputs", notes["Inputs"]),
        ],
        "dim",
    )


def _grid(rows: Iterable[tuple[str, str]], style: str) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(style=style, no_wrap=True, min_width=10)
    grid.add_column(overflow="fold")
    for topic, words in rows:
        grid.add_row(Text(topic), Text(printable(words)))
    return grid


def who_gains(run: Run, width: int) -> Table:
    """Present values by party; the smallest in one row, as means add up."""
    title = "Who gains and who loses, strategy beside usual care (present values)"
    table = Table(
        title=Text(title, style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
        header_style="dim",
    )
    table.add_column("party", overflow="fold", min_width=14)
    shown = slice(2 if width < NARROW else 0, len(HEADINGS) if width >= WIDE else -2)
    for heading in HEADINGS[shown]:
        table.add_column(Text(heading), justify="right", no_wrap=True)
    single, rest = split(money.gains(run))
    for g in single:
        table.add_row(Text(printable(g.name)), *row(run, g)[shown])
    if rest:
        name = Text(f"{len(rest)} others together", style="dim")
        table.add_row(name, *together(rest)[shown])
    table.add_section()
    for g in money.perspectives(run):
        if g.key == money.SOCIETY:
            table.add_row(Text(printable(g.name)), *row(run, g)[shown])
    return table


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
        _between(run, g.npv),
        of_hundred(g.p_gain) if run.enough else "-",
        short_money(g.net_cash.mean),
        _between(run, g.net_cash),
    ]


def together(rest: list[Gain]) -> list[str]:
    """Sums of means, which have no interval of their own here."""
    cash, npv = (sum(x) for x in zip(*((g.net_cash.mean, g.npv.mean) for g in rest), strict=True))
    put_in = sum(g.outlay.mean for g in rest if g.outlay is not None)
    present = (put_in, npv + put_in, npv)
    return [*map(short_money, present), "", "", short_money(cash), ""]


def _mean(s: Spread | None) -> str:
    return "-" if s is None or is_nothing(s) else short_money(s.mean)


def _between(run: Run, s: Spread) -> str:
    return short_interval(s.p05, s.p95) if run.enough else ""
