"""The page of a run and of a comparison: self-contained HTML that works offline and prints.

Reads only files of the run folder. Every string of a scenario is escaped (Jinja2 autoescape; in
charts names are data, and SVG text is escaped by the renderer).
"""

from __future__ import annotations

import csv
import json
import math
import re
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from . import convergence, figures, findings, money_page, renderer, story, wording
from .association import associations
from .rundata import ALL, DIFFERENCE, STRATEGY, USUAL, Run, Series, Spread, read
from .story import PartyRow

if TYPE_CHECKING:
    from model.comparison import Compared

TEMPLATES = Path(__file__).parent / "templates"
PAGE = "index.html"
THREADS = 4
_SIGN = re.compile(r"(?<![\w-])-(?=[$\d])")  # of a number, not within a word
_JOINED = re.compile(r"(?<=\d) (?=%|million\b|billion\b)")  # within an amount
MISSING = "USD a year"
DOMINANT = 0.9  # share of the weight from which one study speaks for all
FIXED = "same in every draw"
STOCKS = ("enrolled", "waiting", "protected")


def write_run_page(folder: Path) -> None:
    """index.html of a run folder."""
    run = read(folder)
    _write(folder / PAGE, _environment().get_template("run.html").render(view(run)))


def _write(path: Path, words: str) -> None:
    path.write_text(words, encoding="utf-8", newline="\n")


def _environment() -> Environment:
    made = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for words in ("money", "short_money", "count", "number", "percent"):
        made.filters[words] = _with_minus(getattr(wording, words))
    made.filters["minus"] = _with_minus(str)
    made.filters["prose"] = prose
    made.filters["points"] = _with_minus(wording.points)
    made.filters["of_hundred"] = wording.of_hundred
    made.filters["status"] = _status_class
    made.filters["unbroken"] = _unbroken
    made.filters["between_study"] = _between_study
    made.globals["nothing"] = story.is_nothing
    made.globals["glossary"] = wording.GLOSSARY
    made.globals["too_few"] = story.TOO_FEW
    made.globals["quantity"] = quantity
    made.globals["pooled"] = lambda effect: math.exp(effect["mean_log_ratio"])
    made.globals["analogue"] = json.loads((TEMPLATES / "analogue.json").read_text("utf-8"))
    return made


def _with_minus(words: Any) -> Any:
    """The same words with a true minus sign."""
    return lambda *numbers: _joined(words(*numbers).replace("-", "\N{MINUS SIGN}"))


def prose(words: str) -> str:
    """A sentence with true minus signs, in which no line ends within an amount."""
    return _joined(_SIGN.sub("\N{MINUS SIGN}\N{WORD JOINER}", words))


def _joined(words: str) -> str:
    return _JOINED.sub("\N{NO-BREAK SPACE}", words)


def _count_between(low: float, high: float) -> str:
    first, last = wording.count(low), wording.count(high)
    return "" if first == last else f"{first} to {last}"


def _between(run: Run, words: Any) -> Any:
    """The interval of a spread under its mean; what no uncertain input moves says so."""

    def told(spread: Spread) -> str:
        if not run.enough:
            return ""
        if spread.sd <= 1e-9 * abs(spread.mean):
            return FIXED
        return _unbroken(_with_minus(words)(spread.p05, spread.p95)) or "hardly varies"

    return told


def _ranged(run: Run) -> Any:
    """The interval of an amount as a phrase: 90 %: $1.2M to $1.4M; nothing for few draws."""

    def told(spread: Spread) -> str:
        between = _between(run, wording.short_interval)(spread)
        return f"90\N{NO-BREAK SPACE}%: {between}" if " to " in between else between

    return told


def _bracketed(run: Run) -> Any:
    """The same within a sentence, behind a mean; nothing where there is no interval."""

    def told(spread: Spread) -> str:
        ranged = _ranged(run)(spread)
        return f" ({ranged})" if " to " in ranged else ""

    return told


def _unbroken(words: str) -> str:
    """No line ends between a minus sign and its number."""
    return words.replace("\N{MINUS SIGN}", "\N{MINUS SIGN}\N{WORD JOINER}")


def _between_study(source: str) -> str:
    """Where the spread between sites comes from."""
    return {
        "given": "given by the scenario",
        "assumption": "an assumption",
        "DerSimonian-Laird": "estimated from the studies, DerSimonian-Laird",
    }.get(source, source)


def _status_class(status: str) -> str:
    return "weak" if status in {"assumption", "no source", "unverified"} else "firm"


def quantity(row: dict[str, Any]) -> str:
    """A parameter in words: value or 5-95 %, and unit, as people say it."""
    mean, unit = wording.spoken(row["value"], row["unit"])
    if row["family"] != "fixed":
        low, high = (wording.spoken(row[key], row["unit"])[0] for key in ("p05", "p95"))
        mean += f" ({low} to {high})"
    return prose(f"{mean} {unit}".strip())


# --- a run


def view(run: Run) -> dict[str, Any]:
    """Everything that the template shows."""
    rows = story.party_rows(run)
    parameters = run.inputs["parameters"]
    specs = dict(charts(run, rows)) | dict(money_page.charts(run))
    return {
        "run": run,
        "between": _between(run, wording.short_interval),
        "count_between": _between(run, _count_between),
        "ranged": _ranged(run),
        "bracketed": _bracketed(run),
        "findings": [(findings.about(run, f), f) for f in findings.of_run(run.folder)],
        "harmful": lambda spread: story.harmful(run, spread),
        "relative": wording.relative,
        "about": run.about,
        "horizon": story.horizon(run),
        "sentences": [*story.summary_sentences(run), *story.who_sentences(run)],
        "everyone": rows[-1],
        "parties": rows[:-1],
        "interventions": story.intervention_rows(run),
        "services": list(story.service_rows(run)),
        "providers": list(providers(run)),
        "per_person": run.spread("avoided_per_person_year_served", ALL),
        "charts": defaultdict(str, drawn(specs)),
        "money": money_page.view(run),
        "starts": any(p["name"].endswith(".start_up") and p["value"] > 0.0 for p in parameters),
        "drivers": list(drivers(run)),
        "effects": list(evidence(run)),
        "unsourced": [p for p in parameters if p["status"] in {"assumption", "no source"}],
        "sourced": [p for p in parameters if p["status"] not in {"assumption", "no source"}],
        "counts": story.counts(parameters),
        "notes": story.notes(run),
        "convergence": list(convergence.rows(run)),
        "convergence_note": convergence.NOTE,
        "label": lambda name: wording.readable(name, run.names),
    }


def providers(run: Run) -> Iterator[dict[str, Any]]:
    """What each provider stops spending, and what leaves its budget in whole blocks."""
    for key in run.subjects("avoided_marginal_cost"):
        yield {
            "name": run.name(key),
            "marginal": run.spread("avoided_marginal_cost", key),
            "released": run.spread("released_fixed_cost", key),
        }


def drawn(specs: dict[str, renderer.Spec]) -> dict[str, Markup]:
    """Each chart as inline SVG; the renderer works beside Python, so threads share the time."""
    with ThreadPoolExecutor(THREADS) as pool:
        return dict(zip(specs, map(Markup, pool.map(renderer.svg, specs.values())), strict=True))


def charts(run: Run, rows: list[PartyRow]) -> Iterator[tuple[str, renderer.Spec]]:
    """Each chart that the run has data for."""
    if run.subjects("enrollments"):
        yield "parties", _party_chart(rows)
        yield "reach", _reach_chart(run)
    usual, strategy = (run.series("rescue_spending", ALL, s) for s in (USUAL, STRATEGY))
    if usual is not None and strategy is not None:
        yield "spending", figures.spending_by_month(usual, strategy)
    avoided = run.series("avoided_rescue_spending", ALL, DIFFERENCE)
    if avoided is not None and run.subjects("enrollments"):
        cost = _programme_cost(run)
        yield "avoided", figures.avoided_by_month(avoided, cost)
    yield from _distributions(run, rows)


def _party_chart(rows: list[PartyRow]) -> renderer.Spec:
    shown = [rows[-1], *(row for row in rows[:-1] if row.concerned)]
    marks = [
        {"name": row.name, "what": what, "mean": s.mean, "p05": s.p05, "p95": s.p95}
        for row in shown
        for what, s in ((figures.AVOIDED, row.avoided), (figures.COST, row.cost))
        if s is not None and not story.is_nothing(s)
    ]
    names = [row.name for row in shown if any(m["name"] == row.name for m in marks)]
    return figures.by_party(marks, names, "USD over the horizon; left of zero: more spending")


def _programme_cost(run: Run) -> Series | None:
    """Mean cost of all interventions a month: means add up, so there is no band."""
    keys = run.subjects("intervention_cost")
    found = [s for key in keys if (s := run.series("intervention_cost", key, STRATEGY))]
    if not found:
        return None
    total = sum((s.mean for s in found[1:]), start=found[0].mean)
    return Series(found[0].months, total, total, total)


def _reach_chart(run: Run) -> renderer.Spec:
    panels = []
    for row in story.intervention_rows(run):
        found = {s: series for s in STOCKS if (series := run.series(s, row.key, STRATEGY))}
        slots = _slots(run, row.key)
        panels.append((row.name, found | ({figures.SLOTS: slots} if slots else {})))
    return figures.reach(panels)


def _slots(run: Run, key: str) -> Series | None:
    """Mean staff in post x mean caseload: a line without a band."""
    staff = run.series("staff", key, STRATEGY)
    caseload = run.parameter(f"interventions.{key}.staff.caseload")
    if staff is None or caseload is None:
        return None
    slots = staff.mean * caseload
    return Series(staff.months, slots, slots, slots)


def _distributions(run: Run, rows: list[PartyRow]) -> Iterator[tuple[str, renderer.Spec]]:
    """Net result of all, and of the party that pays most for rescue services and is concerned."""
    largest = max(
        (row for row in rows[:-1] if row.usual is not None and row.cost is not None),
        key=lambda row: row.usual.mean if row.usual else 0.0,
        default=None,
    )
    for name, row in (("net_all", rows[-1]), ("net_largest", largest)):
        values = run.values("net_saving", row.key) if row is not None else None
        if row is not None and values is not None and values.size > 1 and values.any():
            yield name, figures.distribution(row.name, values, "net result, USD over the horizon")


def drivers(run: Run) -> Iterator[dict[str, Any]]:
    """Parameters whose rank goes most with the two results."""
    titles = {
        "avoided_rescue_spending": "Avoided rescue spending, all payers and funders",
        "net_saving": "Net result, all payers and funders",
    }
    for metric, title in titles.items():
        found = associations(run, metric, ALL)
        if found:
            rows = [{"name": wording.readable(a.parameter, run.names), "rank": a.rank}
                    for a in found]  # fmt: skip
            yield {"title": title, "rows": rows}


def evidence(run: Run) -> Iterator[dict[str, Any]]:
    """Each effect that rests on studies, with what is drawn from it."""
    for name, effect in run.inputs["effects"].items():
        _, intervention, _, service = name.split(".", 3)
        said = run.effects.get(name, {})
        yield {
            "intervention": run.name(intervention),
            "service": run.name(service),
            "key": name,
            "expected": expected(effect["drawn"]["p50"]),
            "dominated": dominated(effect["studies"]),
            "reason": said.get("reason") or "",
            "discounts": said.get("discounts") or {},
            **effect,
        }


def dominated(studies: list[dict[str, Any]]) -> str:
    """dominated by E005 (99 % of the weight); nothing where no one of several has over 90 %"""
    most = max(studies, key=lambda study: float(study["weight"]), default=None)
    if most is None or len(studies) < 2 or most["weight"] <= DOMINANT:
        return ""
    return f"dominated by {most['id']} ({wording.percent(most['weight'])} of the weight)"


def expected(ratio: float) -> str:
    """What is worth a word beside a median ratio: no fall, or a rise."""
    if ratio > 1.02:
        return "a rise is expected"
    return "no fall is expected" if ratio > 0.98 else ""


# --- a comparison


def write_comparison(compared: Compared, folder: Path) -> None:
    """comparison.json, comparison.csv and index.html, all or nothing."""
    from model.runfolder import written_whole  # noqa: PLC0415  a run's page reads files only

    from .compared import with_period  # noqa: PLC0415

    refuse_foreign(folder)
    data = with_period(compared)
    with written_whole(folder) as filling:
        words = json.dumps(data, indent=1, ensure_ascii=False, allow_nan=False)
        _write(filling / "comparison.json", words + "\n")
        write_csv(data["metrics"], filling / "comparison.csv")
        page = _environment().get_template("comparison.html")
        _write(filling / PAGE, page.render(comparison_view(data)))


def refuse_foreign(folder: Path) -> None:
    """A folder that holds something else is never replaced."""
    from model.problems import BadInput, Mark, Problem  # noqa: PLC0415

    foreign = folder.exists() and not (folder / "comparison.json").is_file()
    if foreign and not (folder.is_dir() and not any(folder.iterdir())):
        found = f"`{folder}`, which is there and is no comparison"
        allowed = "a new folder, an empty one, or an earlier comparison"
        raise BadInput([Problem(Mark("--out", 1, 1), "", found, allowed)])


def write_csv(rows: list[dict[str, Any]], path: Path) -> None:
    """One row a metric and scenario; text that a spreadsheet would run is quoted."""
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file, lineterminator="\n")
        for k, row in enumerate(rows):
            flat = {key: x for key, x in row.items() if key != "difference"}
            flat |= {f"difference_{key}": x for key, x in row["difference"].items()}
            if k == 0:
                out.writerow(flat)
            out.writerow([wording.cell(x) if isinstance(x, str) else x for x in flat.values()])


def comparison_view(data: dict[str, Any]) -> dict[str, Any]:
    from .compared import about, blocks, chart_rows, opening, titles  # noqa: PLC0415
    from .compared_money import CASH, HEADINGS, overview  # noqa: PLC0415

    called = titles(data)
    order = list(called.values())
    marks = chart_rows(data)
    axes = [MISSING if title == CASH["closing_gap"] else figures.SAVED for title, _ in marks]
    charts = [
        Markup(renderer.svg(figures.compared(title, rows, order, axis)))
        for (title, rows), axis in zip(marks, axes, strict=True)
    ]
    return {
        "data": data,
        "titles": called,
        "overview": overview(data),
        "headings": HEADINGS,
        "opening": opening(data),
        "told": about(data),
        "blocks": blocks(data),
        "charts": charts,
    }
