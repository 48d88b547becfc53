"""A run, a check and a comparison at the terminal: the answer first, then what it rests on.

Every string of a scenario is shown as it stands (rich Text, no markup, no control characters).
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group, RenderableType
from rich.table import Table
from rich.text import Text

from . import findings, money, story, terminal_money
from .rundata import Run, Spread
from .screen import numbers, table, text, topics
from .story import InterventionRow, PartyRow, ServiceRow
from .wording import count, of_hundred, percent, short_interval, short_money

if TYPE_CHECKING:
    from model.comparison import Compared
    from model.lint import Finding
    from model.loading import Loaded

PIPE_WIDTH = 100
WIDEST = 140
LESS, GAINS = "less, of\n100 draws", "gain, of\n100 draws"
WORST = 3  # findings of `check` that are repeated after a run
WIDE = 118  # columns from which an interval has a column of its own


def console(file: Any = None, width: int | None = None) -> Console:
    """Writes to stdout, as wide as the terminal, 100 columns into a pipe or file."""
    out = file or sys.stdout
    if isinstance(out, io.TextIOWrapper):
        out.reconfigure(errors="replace")  # a narrow code page loses a letter, not the run
    shown = Console(file=out, width=width, highlight=False, markup=False, emoji=False)
    if width is None and not shown.is_terminal and "COLUMNS" not in shown._environ:
        return Console(file=out, width=PIPE_WIDTH, highlight=False, markup=False, emoji=False)
    return shown


# --- a run


def run_json(summary: dict[str, Any], folder: Path) -> dict[str, Any]:
    """The run for another program: what it was, and each metric over draws."""
    strategies: dict[tuple[str, str], int] = {}
    for row in summary["metrics"]:
        key = (row["metric"], row["party"])
        strategies[key] = strategies.get(key, 0) + 1
    return {
        "scenario": summary["scenario"],
        "seed": summary["seed"],
        "draws": summary["draws"],
        "run_folder": str(folder),
        "metrics": [
            _json_row(row, strategies[row["metric"], row["party"]] > 1)
            for row in summary["metrics"]
        ],
    }


def _json_row(row: dict[str, Any], several: bool) -> dict[str, Any]:
    """One metric; what some draws lack, such as a rate of return, says how many have it."""
    told = {"strategy": row["strategy"]} if several else {}
    keys = ["unit", "mean", "sd", "p05", "p50", "p95"]
    keys += ["share_known"] if "share_known" in row else []
    return {"metric": row["metric"], "party": row["party"]} | told | {k: row[k] for k in keys}


def show_run(summary: dict[str, Any], folder: Path, to: Console | None = None) -> None:
    """The answer, then the tables it comes from, then what to know before quoting it."""
    out = to or console()
    run = Run(folder, summary)
    wide = out.width >= WIDE
    show(out, _with_money(run, out.width) if money.accounts(run) else _without_money(run, wide))


def _with_money(run: Run, width: int) -> list[RenderableType]:
    """Cash, gap, sources, contracts and who gains first; the page has what is shortened here."""
    return [
        _heading(run),
        terminal_money.lead(run),
        terminal_money.who_gains(run, width),
        terminal_money.rest(run),
        *_too_good(run),
        _where(run.folder),
    ]


def _without_money(run: Run, wide: bool) -> list[RenderableType]:
    parts: list[RenderableType] = [_heading(run), _answer(run), _amounts(run, wide)]
    rows = story.party_rows(run)
    if run.subjects("enrollments"):
        parts += [_spending(run, rows, wide), _net(run, rows, wide)]
        parts += [_reach(run, story.intervention_rows(run), wide)]
        parts += [_services(run, list(story.service_rows(run)), wide)]
    return [*parts, topics(story.notes(run), "dim"), *_too_good(run), _where(run.folder)]


def show(out: Console, parts: list[RenderableType]) -> None:
    """Parts with an empty line between them."""
    for k, part in enumerate(parts):
        out.print(*[""] * (k > 0), part, sep="\n", width=min(out.width, WIDEST))


def _heading(run: Run) -> Text:
    draws = f"{run.draws:,} draw{'s' * (run.draws != 1)}"
    return Text.assemble(
        text(run.summary["title"], "bold"),
        "\n",
        text(f"{run.summary['scenario']}, {story.horizon(run)}, {draws}", "dim"),
    )


def _answer(run: Run) -> Text:
    return text(" ".join(s.strip() for s in story.summary_sentences(run)))


def _amounts(run: Run, wide: bool) -> Text:
    """What the numbers of the tables are."""
    if not run.enough:
        return text(f"Amounts are means over {run.draws:,} draws, {story.TOO_FEW}.", "dim")
    where = "beside the mean" if wide else "in the second line where shown"
    return text(f"Amounts are means over draws, with their 90 % intervals {where}.", "dim")


def _spending(run: Run, rows: list[PartyRow], wide: bool) -> Table:
    made = table("Spending on rescue services, by who pays", "party")
    numbers(made, "usual care", "with them", "avoided")
    if wide:
        numbers(made, "90 % interval")
    numbers(made, LESS)
    for row in rows:
        if row.usual is None or row.strategy is None or row.avoided is None:
            continue
        if row.key == "all":
            made.add_section()
        made.add_row(
            text(row.name),
            short_money(row.usual.mean),
            short_money(row.strategy.mean),
            *_with_interval(run, row.avoided, wide),
            _chance(run, row.avoided, row.p_less),
        )
    return made


def _chance(run: Run, spread: Spread | None, share: float) -> str:
    return of_hundred(share) if run.enough and not story.is_nothing(spread) else "-"


def _with_interval(run: Run, spread: Spread | None, wide: bool) -> Iterator[RenderableType]:
    """A mean with its interval: beside it, or under it where the screen is narrow."""
    if spread is None:
        yield from ["-"] * (2 if wide else 1)
        return
    mean = Text(short_money(spread.mean), style="bold" if story.harmful(run, spread) else "")
    told = run.enough and not story.is_nothing(spread)
    between = short_interval(spread.p05, spread.p95) if told else ""
    if wide:
        yield from (mean, Text(between))
    else:
        yield Text.assemble(mean, "\n" if between else "", (between, "dim"))


def _net(run: Run, rows: list[PartyRow], wide: bool) -> Table:
    made = table("From avoided to net, by party", "party")
    numbers(made, "avoided", "added\ncare", "not\nfreed", "pro-\ngramme", "net")
    if wide:
        numbers(made, "90 % interval")
    numbers(made, GAINS)
    for row in rows:
        if not row.concerned:
            continue
        if row.key == "all":
            made.add_section()
        parts = (row.avoided, row.offsets, row.not_freed, row.cost)
        made.add_row(
            text(row.name),
            *(_mean(part) for part in parts),
            *_with_interval(run, row.net, wide),
            _chance(run, row.net, row.p_gain),
        )
    return made


def _mean(spread: Spread | None) -> str:
    return "-" if story.is_nothing(spread) or spread is None else short_money(spread.mean)


def _reach(run: Run, rows: list[InterventionRow], wide: bool) -> Table:
    made = table("Reach and cost of the interventions", "intervention")
    numbers(made, "persons\nenrolled", "person-years\nserved", "mean wait,\nmonths", "cost")
    if wide:
        numbers(made, "90 % interval")
    numbers(made, "cost per\nenrolment")
    for row in rows:
        each = "-" if row.cost_each is None else short_money(row.cost_each.mean)
        people = (_count(s) for s in (row.enrolled, row.served, row.wait))
        made.add_row(text(row.name), *people, *_with_interval(run, row.cost, wide), each)
    return made


def _count(spread: Spread | None) -> str:
    return "-" if spread is None else count(spread.mean)


def _services(run: Run, rows: list[ServiceRow], wide: bool) -> Table:
    made = table("Services avoided (negative: more of them)", "service")
    numbers(made, "usual care", "avoided", "90 % interval")
    if wide:
        numbers(made, "share")
    for row in rows:
        a = row.avoided
        still = story.is_nothing(a)
        cells = ["0" if still else count(a.mean)]
        told = run.enough and not still
        cells.append(f"{count(a.p05)} to {count(a.p95)}" if told else "")
        if wide:
            base = row.usual.mean if row.usual is not None else 0.0
            cells.append(percent(a.mean / base) if base > 0 else "-")
        made.add_row(text(f"{row.name}, {row.unit}"), _count(row.usual), *cells)
    return made


def _too_good(run: Run) -> list[RenderableType]:
    """What `check` finds too good to be true, in short; nothing where it finds nothing."""
    found = findings.of_run(run.folder)
    if not found:
        return []
    lines = [(str(k), findings.in_short(run, f)) for k, f in enumerate(found[:WORST], start=1)]
    told = text(findings.counted(found, WORST), "bold")
    command = f"headwater check {run.folder / 'scenario.yaml'}"
    return [
        Group(told, topics(lines, "dim", width=1), text(f"Why, with place and source: {command}"))
    ]


def _where(folder: Path) -> Text:
    page = folder / "index.html"
    return Text.assemble(("Page: ", "bold"), text(str(page)), ("  (open it in a browser)", "dim"))


# --- a check, a comparison


def show_check(
    loaded: Loaded,
    path: Path,
    to: Console | None = None,
    found: Sequence[Finding] | None = None,
) -> int:
    """Every number with unit, source and status, and what is too good to be true.

    Returns how many numbers have no source.
    """
    from model import lint  # noqa: PLC0415

    from .check import checked  # noqa: PLC0415

    body, unsourced = checked(loaded, path, lint.findings(loaded) if found is None else found)
    (to or console()).print(body)
    return unsourced


def count_unsourced(loaded: Loaded) -> int:
    """How many numbers have neither a source nor a word that they are an assumption."""
    from model.runfolder import inputs_of  # noqa: PLC0415

    return story.counts(inputs_of(loaded)["parameters"]).no_source


def show_comparison(compared: Compared, folder: Path, to: Console | None = None) -> None:
    """Scenarios side by side, and the difference of each from the first on the same draws."""
    from .compared import with_period  # noqa: PLC0415
    from .compared_terminal import comparison_view  # noqa: PLC0415

    out = to or console()
    out.print(comparison_view(with_period(compared), folder, min(out.width, WIDEST)))
