"""The evidence registry as text: a table of effects, and a card with all that a row holds.

Every string of the registry is shown as it stands (rich Text, no markup).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from pydantic import BaseModel
from rich import box
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from model.evidence import EvidenceError, Registry, UnknownEvidence
from model.evidence_records import Effect, Finding, Study

LEVELS = {"roi", "programme_cost", "share", "level", "lag", "icer"}
"""Metrics that describe and compare nothing: shown as number and unit."""

FIRST = {"item", "measure", "outcome", "intervention"}
FLAGS = {"derived", "net_of_programme"}

COLOURS = {"rise": "red", "no significant effect": "yellow", "unverified": "yellow"}


def evidence_table(
    registry: Registry, service: str | None = None, intervention: str | None = None
) -> RenderableType:
    """One row per published number; filters are case-insensitive parts of a name.

    service: of the service, the outcome's rescue service or the category;
    intervention: of the intervention or the category.
    """
    found = [f for f in registry.findings.values() if _matches(f, service, intervention)]
    if not found:
        raise EvidenceError(_no_match(registry, service, intervention))
    table = Table(box=box.SIMPLE_HEAD, expand=True)
    table.add_column("id", no_wrap=True, width=5)
    table.add_column("intervention, outcome", ratio=5)
    table.add_column("effect", ratio=4)
    table.add_column("design and size", ratio=4)
    for finding in found:
        table.add_row(*_cells(finding))
    return Group(table, _caption(found))


def evidence_card(registry: Registry, name: str) -> RenderableType:
    """All fields of one finding (E), unit cost (U) or base rate (B)."""
    record = _record(registry, name)
    rows = _finding_rows(record) if isinstance(record, Finding) else _rows(record)
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for key, value in rows:
        grid.add_row(Text(key), _coloured(value))
    return Panel(grid, title=Text(record.id), title_align="left", box=box.ROUNDED)


def effect_in_words(finding: Finding) -> str:
    """The published effect with its interval, as a sentence would say it."""
    if finding.metric == "direction":
        return f"direction only: {finding.note}" if finding.note else "direction only"
    if finding.metric == "null":
        return f"no significant effect{_null_value(finding)}"
    if finding.metric in LEVELS:
        return _level(finding)
    text = _change(finding) + _interval(finding)
    return f"no significant effect: {text}" if _is_null(finding) else text


# --- Filters


def _matches(finding: Finding, service: str | None, intervention: str | None) -> bool:
    study = finding.study
    services = [*finding.services, finding.rescue_service or "", study.category]
    return _has(services, service) and _has([study.intervention, study.category], intervention)


def _has(texts: list[str], part: str | None) -> bool:
    return part is None or any(part.casefold() in text.casefold() for text in texts)


def _no_match(registry: Registry, service: str | None, intervention: str | None) -> str:
    """What was looked for, and the services of like names."""
    sought = {"service": service, "intervention": intervention}
    words = " and ".join(f"{what} {name!r}" for what, name in sought.items() if name is not None)
    findings = registry.findings.values()
    names = {name for f in findings for name in (*f.services, f.rescue_service) if name}
    services = sorted(filter(str.isidentifier, names))
    near = get_close_matches((service or "").casefold(), services, n=3)
    return f"no finding matches {words}" + (f"; nearest: {', '.join(near)}" if near else "")


def _record(registry: Registry, name: str) -> Any:
    known = [*registry.findings, *registry.unit_costs, *registry.base_rates]
    if name in registry.findings:
        return registry.findings[name]
    if name in known:
        return registry.lookup(name)
    raise UnknownEvidence(name, known)


# --- Words


def _change(finding: Finding) -> str:
    value, metric = finding.value, finding.metric
    if value is None:
        return "no single figure"
    if metric in {"abs_diff", "abs_diff_prepost"}:
        before = "before to after, no control: " if metric == "abs_diff_prepost" else ""
        return f"{before}{_direction(value)} of {_number(abs(value))} {_plain(finding.unit)}"
    what = {"odds_ratio": " in the odds", "hazard_ratio": " in the hazard"}.get(metric, "")
    return f"{_direction(_percent(finding, value))} of {_share(finding, value)} %{what}"


def _interval(finding: Finding) -> str:
    if finding.low is None or finding.high is None:
        return f" ({_significance(finding)})"
    kind = {"range": "range ", "iqr": "IQR ", "sensitivity": "sensitivity range "}
    low, high = (_percent_or_points(finding, x) for x in (finding.low, finding.high))
    return f" ({kind.get(finding.interval or '', '95 % interval ')}{low} to {high})"


def _significance(finding: Finding) -> str:
    said = finding.significant
    return "no interval published" if said is None else said.replace("yes", "significant")


def _percent_or_points(finding: Finding, x: float) -> str:
    if finding.metric in {"abs_diff", "abs_diff_prepost"}:
        return f"{x:+,.10g}"
    return f"{_percent(finding, x):+.0f} %"


def _percent(finding: Finding, x: float) -> float:
    """Change in per cent: of a ratio, or as published."""
    return x if finding.metric == "pct_change" else 100 * (x - 1)


def _share(finding: Finding, x: float) -> str:
    return _number(round(abs(_percent(finding, x)), 1))


def _direction(change: float) -> str:
    return "fall" if change < 0 else "rise"


def _level(finding: Finding) -> str:
    if finding.value is None:
        return f"{_range(finding)} {_plain(finding.unit)}"
    extra = f" ({_range(finding)})" if finding.low is not None else ""
    return f"{_number(finding.value)} {_plain(finding.unit)}{extra}"


def _range(finding: Effect) -> str:
    low, high = ("?" if x is None else _number(x) for x in (finding.low, finding.high))
    return f"{low} to {high}"


def _null_value(finding: Finding) -> str:
    if finding.value is None:
        return ""
    return f" ({finding.value:+g} {_plain(finding.unit)})"


def _is_null(finding: Finding) -> bool:
    return "ns" in (finding.significant or "").split()


def _number(x: float) -> str:
    return f"{x:,.0f}" if x == round(x) else f"{x:,.10g}"


def _plain(unit: str | None) -> str:
    """The unit without the words that the sentence says already; cards show it whole."""
    return (unit or "").replace(" INCREASE", "").split(" (")[0]


# --- Cells and cards


def _cells(finding: Finding) -> Iterator[RenderableType]:
    study = finding.study
    yield Text(finding.id, style="bold")
    yield Text.assemble((study.intervention, "bold"), "\n", finding.outcome)
    yield _coloured(effect_in_words(finding))
    parts = [finding.design_class, f"n {study.n}" if study.n else "", study.follow_up or ""]
    yield Text.assemble("\n".join(filter(None, parts)), "\n", _coloured(finding.status))


def _coloured(text: str) -> Text:
    style = next((c for word, c in COLOURS.items() if text.startswith(word)), "")
    return Text(text, style=style)


def _caption(found: list[Finding]) -> Text:
    nulls = sum(f.metric == "null" or _is_null(f) for f in found)
    unverified = sum(f.status == "unverified" for f in found)
    return Text(
        f"{len(found)} findings, {nulls} without a significant effect, {unverified} unverified. "
        "A 95 % interval that the source does not name is read as one.",
        style="dim",
    )


def _finding_rows(finding: Finding) -> Iterator[tuple[str, str]]:
    yield "effect", effect_in_words(finding)
    repeated = {"address"} if finding.address == finding.study.source.address else set()
    yield from _rows(finding, leave={"study", *repeated})
    yield "study", finding.study.id
    yield from _rows(finding.study, leave={"id", "findings", *_own(finding)})


def _own(finding: Finding) -> set[str]:
    """Fields of the study that the finding shows already."""
    return (set(type(finding).model_fields) & set(Study.model_fields)) - {"source"}


def _rows(record: BaseModel, leave: set[str] | None = None) -> Iterator[tuple[str, str]]:
    """The fields that hold something, what the number is of first."""
    hidden = {"id"} | (leave or set())
    for key in sorted(type(record).model_fields, key=lambda name: name not in FIRST):
        value = getattr(record, key)
        if key not in hidden and value not in (None, "", ()) and (value or key not in FLAGS):
            yield key.replace("_", " "), _shown(value)


def _shown(value: Any) -> str:
    if isinstance(value, BaseModel):
        value = value.model_dump(exclude_none=True)
    if isinstance(value, Mapping):
        return "; ".join(f"{key} {_shown(item)}" for key, item in value.items())
    if isinstance(value, tuple):
        return ", ".join(str(item) for item in value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    return _number(value) if isinstance(value, float) else str(value)


__all__ = ["EvidenceError", "effect_in_words", "evidence_card", "evidence_table"]
