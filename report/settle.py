"""Settlements for readers: a result file beside a performance file, or one contract in words."""

from __future__ import annotations

import csv
import io
import math
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model.finance.batch import known_year, settle_performance
from model.finance.measurement import Chances, chances, members_needed, noise_of
from model.finance.performance import Refused, Row
from model.finance.presets import Terms, load_fixed, preset, preset_paths
from model.finance.rules import Rules, rules_of
from model.finance.settlement import Settlement, clauses_both_ways, minimum_by_members, settle
from model.problems import BadInput, Mark, Problem, nearest
from model.terms import Contract

COLUMNS = (
    "year",
    "aco_id",
    "gross_savings",
    "threshold_rate",
    "applied_rate",
    "earned",
    "decided_by",
)
DEFAULT_TERMS = "one_sided_half"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
OK, BAD_ROWS = 0, 2
OPTIONS = {  # what a settlement may ask for, by the words in which it does
    "no minimum_savings_rate": "--minimum-savings-rate",
    "no assigned_beneficiaries": "--members",
    "no quality_score": "--quality-score",
    "the year": "--year",
}


# --- a performance file


@dataclass(frozen=True)
class FileSettled:
    """What settling a file left: good rows are written even where others are bad."""

    output: Path
    rows: int
    payments: float  # USD
    losses: float  # USD, 0 or more
    problems: tuple[Problem, ...]

    @property
    def exit_code(self) -> int:
        return BAD_ROWS if self.problems else OK

    @property
    def summary(self) -> str:
        rows = f"{self.rows:,} settlement{'' if self.rows == 1 else 's'}"
        money = f"{self.payments:,.2f} USD paid, {self.losses:,.2f} USD owed"
        return f"Wrote {self.output}: {rows}, {money}."

    @property
    def complaint(self) -> str:
        """Every bad row; empty where there is none."""
        return str(BadInput(self.problems)) if self.problems else ""


def settle_file(
    performance: Path,
    terms: Path | None,
    output: Path,
    advance: Callable[[int], None] | None = None,
) -> FileSettled:
    """Settle each row by its track and year, or all by one file of terms."""
    _check_output(output, performance)
    chosen = None if terms is None else terms_at(terms)
    settled, problems = settle_performance(performance, chosen, advance)
    _write_whole(output, _as_csv(settled))
    return FileSettled(
        output,
        len(settled),
        math.fsum(max(0.0, s.earned) for s in settled),
        math.fsum(max(0.0, -s.earned) for s in settled),
        tuple(problems),
    )


def refuse_no_file(performance: Path) -> None:
    """BadInput where a performance file is none."""
    mark = Mark(str(performance), 0, 0)
    if performance.is_dir():
        raise BadInput([Problem(mark, "", "a folder", "a CSV file")])
    if not os.path.lexists(performance):
        near = nearest(performance.name, (path.name for path in performance.parent.glob("*.csv")))
        raise BadInput([Problem(mark, "", "no such file", "an existing file", near)])


def terms_at(path: Path) -> Terms:
    """The terms in a file, or the shipped terms of that name."""
    if path.name == str(path) and path.stem in preset_paths() and not path.exists():
        return preset(path.stem)
    if path.name == str(path) and not path.suffix and not os.path.lexists(path):
        names = list(preset_paths())
        allowed = f"a file of terms, or one of: {', '.join(names)}"
        near = nearest(path.name, names)
        raise BadInput([Problem(Mark("--terms", 1, 1), "", f"`{path}`", allowed, near)])
    return load_fixed(path)


def _check_output(output: Path, performance: Path) -> None:
    mark = Mark("--output", 1, 1)
    if output.is_dir() or not output.parent.is_dir():
        found = f"`{output}`, a folder or in a folder that is not there"
        raise BadInput([Problem(mark, "", found, "a file in a folder that is there")])
    if output.resolve() == performance.resolve():
        raise BadInput([Problem(mark, "", "the performance file itself", "another file")])


def _as_csv(settled: Iterable[Settlement]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(map(_cells, settled))
    return text.getvalue()


def _cells(s: Settlement) -> tuple[Any, ...]:
    return (
        s.year,
        harmless(s.aco_id),
        f"{s.gross_savings:.2f}",
        f"{s.threshold_rate:.10g}",
        f"{s.applied_rate:.10g}",
        f"{s.earned:.2f}",
        s.decided_by,
    )


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula: a leading apostrophe where it might."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _write_whole(output: Path, text: str) -> None:
    """The whole file or nothing."""
    partial = output.with_name(f".{output.name}.{os.getpid()}.partial")
    try:
        partial.write_text(text, encoding="utf-8", newline="")
        partial.replace(output)
    except OSError as error:
        partial.unlink(missing_ok=True)
        mark = Mark("--output", 1, 1)
        raise BadInput([Problem(mark, "", f"`{output}` ({error})", "a writable file")]) from None


# --- one contract on the user's own figures


@dataclass(frozen=True)
class FiguresSettled:
    """One settlement, and what chance makes of such contracts; no `chances` without members."""

    title: str
    settlement: Settlement
    benchmark: float  # USD
    chances: Chances | None
    members_needed: int | None  # for 80 % power, if the measured savings rate is the true one
    note: str  # why there are no chances

    def as_json(self) -> dict[str, Any]:
        settled = self.settlement._asdict()
        own = {key: settled[key] for key in COLUMNS[2:]}
        if self.chances is None:
            return {"terms": self.title, **own, "note": self.note}
        chance = vars(self.chances) | {"members_needed_for_80_percent": self.members_needed}
        return {"terms": self.title, **own, "if_the_measured_rate_is_true": chance}

    @property
    def lines(self) -> list[str]:
        """The result, one statement a line."""
        s = self.settlement
        rate = s.gross_savings / self.benchmark
        out = [
            self.title,
            f"Gross savings    {s.gross_savings:18,.2f} USD ({rate:.2%} of the benchmark)",
            f"Threshold        {s.threshold_rate:18.3%}",
            f"Applied rate     {s.applied_rate:18.3%}",
            f"Earned           {s.earned:18,.2f} USD",
            f"Decided by       {s.decided_by}",
        ]
        if self.chances is None:
            return [*out, f"({self.note})"]
        return out + _chance_lines(self.chances, self.members_needed)


def _chance_lines(c: Chances, needed: int | None) -> list[str]:
    members = "none" if needed is None else f"{needed:,}"
    return [
        "",
        f"Chance, with {c.members:,.0f} members (sd of the measured savings rate {c.sd:.2%}):",
        f"  paid without any effect             {c.p_paid_without_effect:8.1%}",
        f"If the true savings rate is the measured one, {c.true_rate:.2%}:",
        f"  paid                                {c.p_paid:8.1%}",
        f"  not paid though real                {c.p_not_paid:8.1%}"
        if c.true_rate > 0
        else f"  owed                                {c.p_penalised:8.1%}",
        f"  expected payment                    {c.expected:,.0f} USD, of it luck {c.luck:,.0f}",
        f"  10th and 90th percentile            {c.p10:,.0f} and {c.p90:,.0f} USD",
        f"  members needed for 80 % power       {members}",
    ]


def settle_figures(
    terms: Path | None,
    benchmark: float,
    expenditure: float,
    members: float | None = None,
    quality_score: float | None = None,
    minimum_savings_rate: float | None = None,
    revenue: float | None = None,
    year: int | None = None,
) -> FiguresSettled:
    """Settle one contract-year given as figures; BadInput names the option that is wrong."""
    chosen = preset(DEFAULT_TERMS) if terms is None else terms_at(terms)
    row = Row(
        year or _latest_year(chosen),
        "",
        _in_range("--benchmark", benchmark, above=0.0),
        _in_range("--expenditure", expenditure),
        members=None if members is None else _in_range("--members", members, above=0.0),
        printed_minimum=minimum_savings_rate,
        score=quality_score,
        revenue=revenue,
    )
    try:
        contract = chosen.in_year(known_year(row, chosen))
        rules = rules_of(contract)
        settled = settle(row, rules)
    except Refused as refused:
        raise BadInput([_by_option(refused, year, chosen)]) from None
    chance, needed, note = _chance(row, rules, settled, contract)
    return FiguresSettled(contract.title, settled, row.benchmark, chance, needed, note)


def _by_option(refused: Refused, year: int | None, chosen: Terms) -> Problem:
    """What a settlement lacks, told with the option that gives it."""
    option = OPTIONS.get(refused.found.removesuffix(f" {year}"))
    mark = Mark(option, 1, 1) if option else chosen.document.mark(())
    allowed = refused.allowed
    if refused.found == "no minimum_savings_rate":
        allowed = "add --minimum-savings-rate 0.01; this contract lets choose one"
        if refused.allowed.startswith("the rate, with"):
            allowed = f"add --minimum-savings-rate 0.01; {refused.allowed}"
    return Problem(mark, "", refused.found, allowed)


def _latest_year(terms: Terms) -> int | None:
    years = terms.contract.years
    return years.last if years else None


def _in_range(option: str, value: float, above: float | None = None) -> float:
    if not math.isfinite(value) or value < 0 or (above is not None and value <= above):
        allowed = "a finite number" + (" above 0" if above is not None else " from 0")
        raise BadInput([Problem(Mark(option, 1, 1), "", f"{value:g}", allowed)])
    return value


def _chance(
    row: Row, rules: Rules, settled: Settlement, contract: Contract
) -> tuple[Chances | None, int | None, str]:
    """Chances if the measured rate is the true one, and the members that 80 % power needs."""
    if row.members is None or contract.measurement is None:
        return None, None, "chance not shown: it needs members, and `measurement` in the terms"
    noise = noise_of(contract.measurement)
    rate = settled.gross_savings / row.benchmark
    try:
        clauses = clauses_both_ways(row, rules)
    except Refused as refused:
        return None, None, f"chance not shown: {refused.found}"
    chance = chances(row.benchmark, row.members, rate, clauses, noise)
    return chance, members_needed(rate, minimum_by_members(row, rules), noise), ""
