"""Thresholds for readers: the answer in a sentence, its interval, the curve that it comes from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from textwrap import wrap
from typing import Any, NamedTuple

from model.draws import sample
from model.loading import Loaded
from model.targets import Target, parse
from model.thresholds import Answer, evaluation, solve
from model.varied import Varied, reach, varied
from model.wanted import Plan, plan

from . import renderer, solved_files, solved_words
from .answer_page import Page, Rows
from .outcome_names import names_of, outcome
from .solved_figure import threshold
from .solved_view import number_name, statistic_name, target_name, value
from .wording import capital, listed, number, plural

POINTS = 13
ABOUT = POINTS + 12  # values that are tried: a root takes some more
_DUES = ("financing.dues.", "amount")


class Question(NamedTuple):
    """What is asked: a number to vary, a range to look in, a target."""

    loaded: Loaded
    varied: Varied
    target: Target
    low: float
    high: float
    asked: Plan

    def cost(self, draws: int) -> str:
        """What it will take; nothing where it is little."""
        return solved_files.cost(self.loaded, self.asked, f"About {ABOUT} values", ABOUT, draws)


def question(
    loaded: Loaded, path: str, low: float | None, high: float | None, target: str,
    scale: bool, also: tuple[str, ...],
) -> Question:  # fmt: skip
    """What the options say; BadInput where they do not fit the scenario."""
    wanted, v = parse(target), varied(loaded, path, scale)
    first, last = reach(loaded, v, low, high)
    asked = plan(loaded, [wanted.statistic.metric], "--target")
    if also:
        plan(loaded, list(also), "--also")
    if beside := tuple(dict.fromkeys([*also, *_worth(loaded, v)])):
        asked = plan(loaded, [wanted.statistic.metric, *beside], "--also")
    return Question(loaded, v, wanted, first, last, asked)


def _worth(loaded: Loaded, v: Varied) -> list[str]:
    """Where dues are varied: what members pay, and what membership is worth to them."""
    f, party = loaded.scenario.financing, loaded.scenario.backbone.party
    dues = v.path.startswith(_DUES[0]) and v.path.endswith(_DUES[1])
    known = dues and f is not None and f.membership is not None and party in f.accounts
    return [f"{metric}:{party}" for metric in solved_words.WORTH] if known else []


class Solved(NamedTuple):
    """An answer with what it was asked of."""

    loaded: Loaded
    varied: Varied
    answer: Answer
    asked: Plan
    seed: int
    evaluations: int  # model runs, draws counted
    names: dict[str, str]

    @property
    def unit(self) -> str:
        """Of what is reached."""
        return "1" if self.answer.target.statistic.op else self.outcome_unit

    @property
    def outcome_unit(self) -> str:
        return self.asked.outputs[0].unit

    @property
    def number(self) -> str:
        """What is varied, in words."""
        return number_name(self.varied.path, self.names)

    @property
    def reached(self) -> str:
        """What is told of the outcome, in words."""
        return statistic_name(self.answer.target.statistic, self.names, self.outcome_unit)


def answered(q: Question, draws: int, seed: int, advance: Callable[[int], None]) -> Solved:
    base, done = sample(q.loaded, draws, seed), 0

    def told(count: int) -> None:
        nonlocal done
        done = count
        advance(count)

    evaluate = evaluation(base, q.varied, q.asked, told)
    whole = bool(q.varied.whole)
    answer = solve(evaluate, q.target, q.low, q.high, POINTS, seed, whole)
    return Solved(q.loaded, q.varied, answer, q.asked, seed, done, names_of(q.loaded))


# --- for people


def page(s: Solved) -> Page:
    """The answer, the chart of its curve, the tables, and what to know before quoting it."""
    a = s.answer
    aim = target_name(a.target, s.names, s.outcome_unit)
    chart = threshold(a, _axis(s), capital(s.reached), s.unit, aim)
    caption = "What is reached over the values tried; band: 90 % interval; dashed: the target."
    return Page(
        title=f"What it takes: {s.number}",
        meta=f"Headwater solve · {s.loaded.scenario.title} · {plural(a.draws, 'draw')} · seed "
        f"{s.seed}",
        sentences=[f"Target: {aim} ({a.target}).", *solved_words.sentences(s)],
        charts=[(chart, caption)],
        tables=[*_meant(s), *_beside(s), _curve(s)],
        notes=[f"{capital(topic)}: {words}." for topic, words in solved_words.notes(s)],
    )


def _meant(s: Solved) -> list[Rows]:
    """What each threshold makes of each number that a factor moves, at its mean."""
    roots = s.answer.roots
    if s.varied.how != "factor" or not roots:
        return []
    rows = []
    for name in s.varied.names[: solved_words.MOST_NAMES]:
        p = s.loaded.parameters[name]
        now, unit = p.central / p.factor, p.quantity.unit or p.unit
        told = [value(x, unit) for x in (now, *(now * root.value for root in roots))]
        rows.append([number_name(name, s.names), *told, unit])
    headings = ["number", "in the\nfile", *(f"at factor\n{number(r.value)}" for r in roots), "unit"]
    more = len(s.varied.names) - solved_words.MOST_NAMES
    return [Rows("In the file's numbers", headings, rows, f"And {more} more." if more > 0 else "")]


def _curve(s: Solved) -> Rows:
    columns = ["value", "reached", "standard\nerror", "90 % interval", "holds", "tried for"]
    rows = [
        [
            number(e.value, 4),
            value(e.reached, s.unit),
            value(e.error, s.unit),
            f"{value(e.low, s.unit)} to {value(e.high, s.unit)}",
            "yes" if e.holds else "no",
            e.asked,
        ]
        for e in s.answer.curve
    ]
    return Rows(f"The curve: {s.reached}", columns, rows)


def _beside(s: Solved) -> list[Rows]:
    """Means of the other outputs, where the curve was scanned and at the thresholds."""
    others = s.asked.outputs[1:]
    at = {root.value for root in s.answer.roots}
    rows = [
        [number(e.value, 4), *(value(float(x), o.unit) for x, o in zip(row, others, strict=True))]
        for e, row in zip(s.answer.curve, s.answer.also, strict=True)
        if e.asked == "scan" or e.value in at
    ]
    heads = ["value", *("\n".join(wrap(outcome(o.name, s.names), 22)) for o in others)]
    note = listed(o.name for o in others)
    return [Rows("Beside it, means", heads, rows, f"{note}.")] if others else []


def _axis(s: Solved) -> str:
    unit = {"factor": "times", "strength": "times the effect"}.get(s.varied.how, s.varied.unit)
    return capital(s.number) + (f", {unit}" if unit not in ("1", "ratio") else "")


# --- in files


def as_json(s: Solved, folder: Path | None = None) -> dict[str, Any]:
    """All of it for another program; a value beyond the range is "above" or "below"."""
    a, v = s.answer, s.varied
    told = {
        "scenario": s.loaded.scenario.name,
        "draws": a.draws,
        "seed": s.seed,
        "target": str(a.target),
        "vary": {
            "path": v.path,
            "names": list(v.names),
            "how": v.how,
            "unit": v.unit,
            "role": v.role,
            "low": a.low,
            "high": a.high,
            "in_file": v.now,
        },
        "verdict": a.verdict,
        "indistinct": a.indistinct,
        "answer": solved_words.sentences(s),
        "holds": [list(span) for span in a.holds],
        "roots": [_root_json(root) for root in a.roots],
        "best": {"value": a.best.value, "reached": a.best.reached},
        "curve": curve_rows(s),
    }
    return solved_files.plain(told | ({"folder": str(folder)} if folder else {}))  # type: ignore[no-any-return]


def _root_json(root: Any) -> dict[str, Any]:
    told: dict[str, Any] = root._asdict()
    told["by_draw"] = root.by_draw._asdict() if root.by_draw else None
    told["whole"] = root.whole._asdict() if root.whole else None
    return told


def curve_rows(s: Solved) -> list[dict[str, Any]]:
    """Every value that was tried, in order, with the other outputs that were asked for."""
    others = [output.name for output in s.asked.outputs[1:]]
    return [
        e._asdict() | dict(zip(others, (float(x) for x in row), strict=True))
        for e, row in zip(s.answer.curve, s.answer.also, strict=True)
    ]


def write(s: Solved, folder: Path) -> Page:
    """The folder of an answer; returns its page."""
    told = page(s)
    files = {
        "curve.csv": solved_files.table(curve_rows(s)),
        "curve.png": renderer.png(told.charts[0][0]),
    }
    return solved_files.write(folder, "solve", as_json(s), files, told)
