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


def who_gains(run: Run, wide: bool) -> Table:
    """Net cash and present value by party; the smallest in one row, as means add up."""
    table = Table(
        title=Text("Who gains and who loses, strategy beside usual care", style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
        pad_edge=False,
        show_edge=False,
        header_style="dim",
    )
    table.add_column("party", overflow="fold", min_width=14)
    headings = ["avoided", "puts in\n(present)", "net cash", "90 % interval", "present\nvalue"]
    headings += ["90 % interval"] if wide else []
    for heading in [*headings, "gain, of\n100 draws"]:
        table.add_column(Text(heading), justify="right", no_wrap=True)
    single, rest = split(run, money.gains(run))
    for g in single:
        table.add_row(*row(run, g, wide))
    if rest:
        table.add_row(*together(rest, wide))
    table.add_section()
    for g in money.perspectives(run):
        if g.key == "society":
            table.add_row(*row(run, g, wide))
    return table


def split(run: Run, found: Sequence[Gain]) -> tuple[list[Gain], list[Gain]]:
    """Parties with rows of their own: the largest, who gains for sure, and accounts."""
    own = set(money.accounts(run))
    kept = [g for k, g in enumerate(found) if k < ROWS or g.npv.p05 > DUST or g.key in own]
    rest = [g for g in found if g not in kept]
    return (list(found), []) if len(rest) < 2 else (kept, rest)


def row(run: Run, g: Gain, wide: bool) -> list[Text | str]:
    avoided = run.spread("avoided_rescue_spending", g.key)
    cells: list[Text | str] = [
        Text(printable(g.name)),
        _mean(avoided),
        _mean(g.outlay),
        short_money(g.net_cash.mean),
        _between(run, g.net_cash),
        short_money(g.npv.mean),
    ]
    cells += [_between(run, g.npv)] if wide else []
    return [*cells, of_hundred(g.p_gain) if run.enough else "-"]


def together(rest: list[Gain], wide: bool) -> list[Text | str]:
    """Sums of means, which have no interval of their own here."""
    cash, npv = (sum(x) for x in zip(*((g.net_cash.mean, g.npv.mean) for g in rest), strict=True))
    put_in = sum(g.outlay.mean for g in rest if g.outlay is not None)
    cells: list[Text | str] = [
        Text(f"{len(rest)} others together", style="dim"),
        "",
        short_money(put_in),
        short_money(cash),
        "",
        short_money(npv),
    ]
    return [*cells, *([""] if wide else []), ""]


def _mean(s: Spread | None) -> str:
    return "-" if s is None or is_nothing(s) else short_money(s.mean)


def _between(run: Run, s: Spread) -> str:
    return short_interval(s.p05, s.p95) if run.enough else ""
