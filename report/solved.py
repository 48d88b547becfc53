"""Thresholds for readers: the answer in a sentence, its interval, the curve that it comes from."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Console
from rich.table import Table

from model.draws import sample
from model.loading import Loaded
from model.targets import Target, parse
from model.thresholds import Answer, Root, evaluation, solve
from model.varied import Varied, reach, varied
from model.wanted import Plan, plan

from . import renderer, solved_files
from .screen import text, topics
from .solved_figure import threshold
from .solved_view import lines, table
from .terminal import console, show
from .wording import listed, money, number, plural

POINTS = 13
MOST_NAMES = 6
UNPRICED = (
    "Members join, and buy, whatever the price: in the model demand answers to trust only. A price "
    "far above today's has to be put to those who would pay it."
)
BOOTSTRAP = (
    "bootstrap over the common draws (400 resamples, solved again on the curve): what a number of "
    "draws leaves open, and nothing else"
)
_PRICES = ("financing.dues.", "financing.fees.")


class Solved(NamedTuple):
    """An answer with what it was asked of."""

    loaded: Loaded
    varied: Varied
    answer: Answer
    asked: Plan
    seed: int
    evaluations: int  # model runs, draws counted

    @property
    def unit(self) -> str:
        """Of what is reached."""
        statistic = self.answer.target.statistic
        return "1" if statistic.op else self.asked.outputs[0].unit


class Question(NamedTuple):
    """What is asked: a number to vary, a range to look in, a target."""

    loaded: Loaded
    varied: Varied
    target: Target
    low: float
    high: float
    asked: Plan


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
        asked = plan(loaded, [wanted.statistic.metric, *also], "--also")
    return Question(loaded, v, wanted, first, last, asked)


def answered(q: Question, draws: int, seed: int, advance: Callable[[int], None]) -> Solved:
    base, done = sample(q.loaded, draws, seed), 0

    def told(count: int) -> None:
        nonlocal done
        done = count
        advance(count)

    evaluate = evaluation(base, q.varied, q.asked, told)
    whole = bool(q.varied.whole)
    answer = solve(evaluate, q.target, q.low, q.high, POINTS, seed, whole)
    return Solved(q.loaded, q.varied, answer, q.asked, seed, done)


# --- in words


def sentences(s: Solved) -> list[str]:
    """The answer, and what it is worth."""
    a = s.answer
    if not a.roots:
        return [_no_threshold(s)]
    out = [_threshold(s, root) for root in a.roots]
    if len(a.roots) > 1:
        spans = listed(f"from {_at(s, x)} to {_at(s, y)}" for x, y in a.holds)
        out.insert(0, f"There are {len(a.roots)} thresholds; the target holds {spans}.")
    if a.indistinct:
        out.append("Their intervals overlap: these draws cannot tell them apart. Use more draws.")
    return out


def _threshold(s: Solved, root: Root) -> str:
    way = "from" if root.side == "above" else "up to"
    direction = "upward" if root.side == "above" else ""
    told = f"The target holds {way} {_at(s, root.value)} {direction}".rstrip()
    told += f" (90 % interval {_ends(s, root.low, root.high)}, {plural(s.answer.draws, 'draw')})."
    told += f" There it comes to {reached(s, root.reached)}"
    told += f", Monte Carlo standard error {reached(s, root.error)}."
    if root.whole is not None:
        holds = "holds" if root.whole.holds else "does not hold"
        told += f" In whole numbers: {number(root.whole.value)}, where the target {holds}"
        told += f" ({reached(s, root.whole.reached)})."
    if root.elsewhere >= 0.005:
        told += f" In {100 * root.elsewhere:.0f} % of resamples it lies outside the range tried."
    return told + _by_draw(s, root)


def _by_draw(s: Solved, root: Root) -> str:
    d = root.by_draw
    if d is None:
        return ""
    return (
        " What is uncertain about the world is in the mean. Draw by draw the threshold lies at "
        f"{_ends(s, d.p05, d.p95)} (90 % of draws; middle {_end(s, d.p50)}); "
        f"{100 * d.inside:.0f} % of draws have one in the range."
    )


def _no_threshold(s: Solved) -> str:
    a = s.answer
    first, last = a.curve[0], a.curve[-1]
    head = "The target holds at every value tried" if a.verdict == "always" else "No solution"
    ends = f"at {_at(s, a.low)} it comes to {reached(s, first.reached)}"
    ends += f", at {_at(s, a.high)} to {reached(s, last.reached)}"
    told = f"{head}: {ends}."
    told += f" Best at {_at(s, a.best.value)}: {reached(s, a.best.reached)}"
    told += f" (90 % interval {reached(s, a.best.low)} to {reached(s, a.best.high)})."
    if a.verdict == "never":
        told += " --low and --high look further."
    return told


def _at(s: Solved, x: float) -> str:
    unit = s.varied.unit
    if s.varied.how != "value":
        return f"factor {number(x)}"
    if unit.startswith("USD"):
        return (money(x) + unit.removeprefix("USD").replace("/", " a ")).strip()
    return number(x) if unit in ("1", "ratio") else f"{number(x)} {unit}"


def _end(s: Solved, x: float) -> str:
    if math.isfinite(x):
        return number(x, 4)
    return f"below {number(s.answer.low)}" if x < 0 else f"above {number(s.answer.high)}"


def _ends(s: Solved, low: float, high: float) -> str:
    return f"{_end(s, low)} to {_end(s, high)}"


def reached(s: Solved, x: float) -> str:
    """What the statistic comes to, in its unit."""
    return told(x, s.unit)


def told(x: float, unit: str) -> str:
    """A number of an outcome."""
    if math.isnan(x):
        return "nothing known"
    return money(x) if unit.startswith("USD") else number(x)


def meaning(s: Solved, x: float, most: int = MOST_NAMES) -> list[str]:
    """What a factor makes of each number, at its mean, in the file's unit."""
    if s.varied.how != "factor":
        return []
    out = []
    for name in s.varied.names[:most]:
        p = s.loaded.parameters[name]
        now = p.central / p.factor
        out.append(f"{name}: {number(now)} -> {number(now * x)} {p.quantity.unit or p.unit}")
    more = len(s.varied.names) - most
    return [*out, f"and {more} more"] if more > 0 else out


def notes(s: Solved) -> list[tuple[str, str]]:
    """What to know before quoting the answer."""
    v = s.varied
    role = {"lever": "a lever", "fact": "a fact about the world"}.get(v.role, v.role)
    span = f"from {_at(s, s.answer.low)} to {_at(s, s.answer.high)}; in the file {_at(s, v.now)}"
    out = [("varied", f"{v.path} ({role}): {v.says}; {span}")]
    if len(v.names) > 1:
        more = f" and {len(v.names) - MOST_NAMES} more" if len(v.names) > MOST_NAMES else ""
        out.append(("numbers", ", ".join(v.names[:MOST_NAMES]) + more))
    if any(name in pair.between for name in v.names for pair in s.loaded.scenario.correlations):
        out.append(("correlated", "what is tied to it by a rank correlation stays as drawn"))
    if v.whole == "rounded":
        out.append(("rounded", "the model rounds it to whole months: the curve has steps"))
    if v.path.startswith(_PRICES) and v.path.endswith(("amount", "price")):
        out.append(("demand", UNPRICED))
    out.append(("interval", BOOTSTRAP))
    if (known := min(e.known for e in s.answer.curve)) < 1.0:
        out.append(("left out", f"draws without such a value, up to {100 * (1 - known):.0f} %"))
    runs = len(s.answer.curve)
    out.append(("runs", f"{runs} values on the same {plural(s.answer.draws, 'draw')} and luck"))
    return out


# --- at the terminal, in files


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
        "holds": [list(span) for span in a.holds],
        "roots": [_root_json(root) for root in a.roots],
        "best": {"value": a.best.value, "reached": a.best.reached},
        "curve": curve_rows(s),
    }
    return solved_files.plain(told | ({"folder": str(folder)} if folder else {}))  # type: ignore[no-any-return]


def _root_json(root: Root) -> dict[str, Any]:
    told = root._asdict()
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


def write(s: Solved, folder: Path) -> None:
    png = renderer.png(threshold(s.answer, _axis(s), str(s.answer.target.statistic), s.unit))
    files = {"curve.csv": solved_files.table(curve_rows(s)), "curve.png": png}
    solved_files.write(folder, "solve", as_json(s), files)


def _axis(s: Solved) -> str:
    unit = {"factor": "times", "strength": "times the effect"}.get(s.varied.how, s.varied.unit)
    return f"{s.varied.path}, {unit}" if unit not in ("1", "ratio") else s.varied.path


def view(s: Solved, folder: Path, to: Console | None = None) -> None:
    """Answer, curve, notes."""
    a = s.answer
    heading = lines([s.loaded.scenario.title, f"Target: {a.target}"], "bold")
    words = sentences(s)
    for root in a.roots:
        words += meaning(s, root.value)
    parts: list[Any] = [heading, lines(words), _curve(s), *_beside(s), topics(notes(s), "dim")]
    show(to or console(), [*parts, text(f"Files: {folder}")])


def _curve(s: Solved) -> Table:
    columns = ["value", "reached", "error", "90 % interval", "holds", "tried for"]
    rows = [
        [
            number(e.value, 4),
            reached(s, e.reached),
            reached(s, e.error),
            f"{reached(s, e.low)} to {reached(s, e.high)}",
            "yes" if e.holds else "no",
            e.asked,
        ]
        for e in s.answer.curve
    ]
    return table(f"The curve: {s.answer.target.statistic}", columns, rows)


def _beside(s: Solved) -> list[Table]:
    """Means of the other outputs, where the curve was scanned and at the thresholds."""
    others = s.asked.outputs[1:]
    at = {root.value for root in s.answer.roots}
    rows = [
        [number(e.value, 4), *(told(float(x), o.unit) for x, o in zip(row, others, strict=True))]
        for e, row in zip(s.answer.curve, s.answer.also, strict=True)
        if e.asked == "scan" or e.value in at
    ]
    names = [output.name.replace(":", ":\n") for output in others]
    return [table("Beside it", ["value", *names], rows)] if others else []
