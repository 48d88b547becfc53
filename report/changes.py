"""What changed between two scenarios, in words, numbers and charts: `headwater explain`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from model import runfolder, what_changed
from model.changes import Change, is_number
from model.distributions import Floats
from model.loading import Loaded
from model.quantity import FAMILIES
from model.wanted import Wanted

from . import answer_page, changes_figures, wording
from .changes_figures import ASSUMPTION, DEFAULT, FRAME, LEVER, MODIFIED, POLICY
from .changes_words import (
    KEYS,
    POINTS,
    ZERO_TO_ONE,
    amount,
    between,
    error,
    level,
    matters,
    sentences,
    within_error,
)
from .number_names import called
from .outcome_names import names_of, outcome
from .renderer import Spec

NAME = "explain"
KINDS = {"frame": FRAME, "assumption": ASSUMPTION, "lever": LEVER}


def folder_for(out: Path | None, asked: what_changed.Asked) -> Path:
    """Where the answer goes; BadInput where it cannot."""
    if out is None:
        hashes = [
            runfolder.run_hash(one, asked.draws, asked.seed, "lhs")
            for one in (asked.first, asked.second)
        ]
        words = (*hashes, *asked.names, *asked.levers, *asked.facts, asked.most_exact, asked.orders)
        mixed = hashlib.blake2b(" ".join(map(str, words)).encode(), digest_size=5).hexdigest()
        name = f"{asked.first.scenario.name}-{asked.second.scenario.name}"
        out = Path("runs") / f"{NAME}-{name[:80]}-{mixed}"
    runfolder.refuse_uncreatable(out)
    answer_page.refuse_foreign(out, NAME)
    return out


def write(told: dict[str, Any], folder: Path) -> answer_page.Page:
    """explain.json and index.html; returns the page."""
    made = page(told)
    answer_page.write(made, told, NAME, folder)
    return made


# --- for another program


def as_json(found: what_changed.Explained) -> dict[str, Any]:
    """All that is told, in plain numbers."""
    asked = found.asked
    return {
        "first": _scenario(asked.first),
        "second": _scenario(asked.second),
        "draws": asked.draws,
        "seed": asked.seed,
        "order": ["frame", "assumption", "lever"],
        "splits": {kind: split._asdict() for kind, split in found.splits.items()},
        "notes": list(found.notes),
        "outcomes": [_outcome(found, k, name) for k, name in enumerate(found.outputs)],
        "series": [_track(found, wanted) for wanted in found.tracks],
    }


def _scenario(loaded: Loaded) -> dict[str, str]:
    return {"name": loaded.scenario.name, "title": loaded.scenario.title}


def _outcome(found: what_changed.Explained, k: int, name: str) -> dict[str, Any]:
    output = found.outputs[name]
    lines = {DEFAULT: found.first[k], MODIFIED: found.modified[k], POLICY: found.second[k]}
    companion = found.companions[output.name]
    yes_no = all(bool(np.isin(values, (0.0, 1.0)).all()) for values in lines.values())
    first = None if found.levers_first is None else _spread(found.levers_first[k])
    return {
        "outcome": name,
        "meaning": outcome(name, names_of(found.asked.first, found.asked.second)),
        "unit": output.unit,
        "shown_as": _shown_as(output.unit, *lines.values()),
        "yes_no": yes_no,
        "lines": {name: _spread(values) for name, values in lines.items()},
        "difference": _spread(found.whole()[k]),
        "frame": _spread(found.of_kind("frame")[k]),
        "assumptions": _spread(found.of_kind("assumption")[k]),
        "levers": _spread(found.of_kind("lever")[k]),
        "levers_under_first_assumptions": first,
        "parts": [_part(part, k, found.asked) for part in found.parts],
        "series": companion.name,
    }


def _part(part: what_changed.Part, k: int, asked: what_changed.Asked) -> dict[str, Any]:
    names = names_of(asked.first, asked.second)
    told = {
        "key": part.group.name,
        "kind": part.group.kind,
        "label": _label(part, names),
        "changes": [
            {"path": c.name, "from": said(c.old), "to": said(c.new)} for c in part.group.changes
        ],
    }
    se = {} if part.se is None else {"se_orders": float(part.se[k])}
    return told | _spread(part.values[k]) | se


def _spread(values: Floats) -> dict[str, float]:
    """Mean with its Monte Carlo standard error, and where 90 % of draws lie."""
    # Sums that cancel leave dust in the last digits.
    values = np.where(np.abs(values) < 1e-9 * max(float(np.abs(values).max()), 1.0), 0.0, values)
    low, mid, high = np.quantile(values, [0.05, 0.5, 0.95]).tolist()
    mcse = float(values.std(ddof=1)) / values.size**0.5 if values.size > 1 else 0.0
    return {"mean": float(values.mean()), "mcse": mcse, "p05": low, "p50": mid, "p95": high}


def _shown_as(unit: str, *lines: Floats) -> str:
    """A share of one is told in points."""
    if unit != ZERO_TO_ONE:
        return unit
    inside = all(x.min() >= 0.0 and x.max() <= 1.0 for x in lines)
    return POINTS if inside else unit


def _track(found: what_changed.Explained, wanted: Wanted) -> dict[str, Any]:
    lines = dict(zip((DEFAULT, MODIFIED, POLICY), found.tracks[wanted], strict=True))
    return {
        "series": wanted.name,
        "meaning": outcome(wanted.name, names_of(found.asked.first, found.asked.second)),
        "unit": wanted.unit,
        "shown_as": _shown_as(wanted.unit, *lines.values()),
        "months": list(found.asked.first.scenario.clock.labels()),
        "lines": {
            name: {
                "mean": values.mean(axis=0).tolist(),
                "p05": np.quantile(values, 0.05, axis=0).tolist(),
                "p95": np.quantile(values, 0.95, axis=0).tolist(),
            }
            for name, values in lines.items()
        },
    }


# --- names of changes


def _label(part: what_changed.Part, names: dict[str, str]) -> str:
    """Supportive housing: staff: posts (2.67 to 6); what begins or ends says so."""
    told = [_change(change, names) for change in part.group.changes[:3]]
    more = len(part.group.changes) - len(told)
    return ", ".join(told) + (f" and {more} more" if more else "")


def _change(change: Change, names: dict[str, str]) -> str:
    parts = list(map(str, change.at))
    label = wording.readable(".".join(parts), names)
    if parts[0] == "financing" and len(parts) > 2:
        label = called(".".join(parts), names)
        if len(parts) == 3:
            label = names.get(parts[2], parts[2].replace("_", " "))
    if is_number(change.old) or is_number(change.new):
        return f"{label} ({said(change.old)} → {said(change.new)})"
    if change.old is None or change.new is None:
        return f"{label} ({'new' if change.old is None else 'ends'})"
    return f"{label} (changed)"


def said(data: Any) -> str:
    """A number or choice of a scenario in a few words."""
    if data is None:
        return "nothing"
    if isinstance(data, dict):
        unit = f" {data['unit']}" if data.get("unit") else ""
        for family in FAMILIES:
            if data.get(family) is not None:
                return f"{family} {_numbers(data[family])}{unit}"
        if "value" in data:
            return f"{_number(data['value'])}{unit}"
        return f"{len(data)} entries"
    if isinstance(data, list):
        plain = all(isinstance(x, str | int | float) for x in data)
        return ", ".join(map(_number, data)) if plain else f"a list of {len(data)}"
    return _number(data)


def _numbers(about: Any) -> str:
    if not isinstance(about, dict):
        return ""
    ends = [about[key] for key in ("low", "high", "p05", "p95") if key in about]
    if len(ends) == 2:
        return f"{_number(ends[0])} to {_number(ends[1])}"
    return ", ".join(f"{key} {_number(x)}" for key, x in about.items())


def _number(x: Any) -> str:
    numeric = isinstance(x, int | float) and not isinstance(x, bool)
    return wording.number(float(x), 4) if numeric else str(x)


# --- for people


def page(told: dict[str, Any]) -> answer_page.Page:
    """The answer in sentences, a waterfall and three lines an outcome, and tables."""
    first, second = told["first"]["title"], told["second"]["title"]
    names = [told[key]["name"] for key in ("first", "second")]
    return answer_page.Page(
        title=f"From {first} to {second}: what changed",
        meta=f"Headwater explain · {names[0]} to {names[1]} · {told['draws']:,} draws · seed "
        f"{told['seed']} · same draws and luck in every run",
        sentences=[sentence for o in told["outcomes"] for sentence in sentences(o, told["draws"])],
        charts=list(_charts(told)),
        tables=[_table(o) for o in told["outcomes"]],
        notes=list(_notes(told)),
    )


def _title(told: dict[str, Any]) -> str:
    return wording.capital(told["meaning"])


def _charts(told: dict[str, Any]) -> Iterator[tuple[Spec, str]]:
    for o in told["outcomes"]:
        if o["parts"]:
            yield (
                changes_figures.waterfall(
                    wording.capital(o["meaning"]), list(_steps(o)), o["shown_as"]
                ),
                (
                    "Means over draws. Diamonds: the three lines of the chart below; the axis need "
                    "not begin at zero. Within a colour the order of the bars does not matter. "
                    "Pale bars are within error (1.96 standard errors)."
                ),
            )
    for s in told["series"]:
        band = "" if s["shown_as"] == POINTS else " Band: 90 % of draws with the policy."
        yield (
            changes_figures.lines(
                wording.capital(s["meaning"]), s["months"], s["lines"], s["shown_as"]
            ),
            (
                "By month, means over draws. Default baseline: the first scenario. Modified "
                f"baseline: with the second's assumptions. Policy: with its levers too.{band}"
            ),
        )


def _steps(o: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Marks for the three lines, and bars from one to the next."""
    as_, at = o["shown_as"], o["lines"][DEFAULT]["mean"]
    yield _mark("First scenario (default baseline)", at, as_)
    modified = False
    for part in o["parts"]:
        if part["kind"] == "lever" and not modified:
            modified = True
            yield _mark("With its assumptions (modified baseline)", at, as_)
        if not matters(part["mean"], o):
            continue
        low, high = sorted((at, at + part["mean"]))
        told = amount(part["mean"], as_)
        unsure = within_error(part)
        yield {
            "step": part["label"], "low": low, "high": high, "sure": 0.35 if unsure else 1.0,
            "told": f"{'' if told.startswith('-') else '+'}{told}{' ?' if unsure else ''}",
            "what": KINDS[part["kind"]],
        }  # fmt: skip
        at += part["mean"]
    yield _mark("Second scenario (policy)", o["lines"][POLICY]["mean"], as_)


def _mark(step: str, at: float, as_: str) -> dict[str, Any]:
    return {"step": step, "low": at, "high": at, "told": level(at, as_), "what": "",
            "sure": 1.0}  # fmt: skip


def _table(o: dict[str, Any]) -> answer_page.Rows:
    parts = [p for p in o["parts"] if matters(p["mean"], o)]
    rows = [_row(p["label"], KINDS[p["kind"]], p, o) for p in parts]
    for key in ("assumptions", "levers"):
        if sum(part["kind"] == KEYS[key] for part in o["parts"]) > 1:
            rows.append(_row(f"All {key}", "", o[key], o))
    rows.append(_row("Whole difference", "", o["difference"], o))
    idle = [p["label"] for p in o["parts"] if not matters(p["mean"], o)]
    note = f"Changed, and no part of this difference: {'; '.join(idle)}." if idle else ""
    if any(within_error(p) for p in (*parts, o["difference"])):
        note = f"? within error: no more than 1.96 standard errors from 0. {note}".strip()
    last = "95 % interval\nof the mean" if o["yes_no"] else "90 % of draws"
    headings = ("What changed", "kind", "adds", "standard\nerror", last)
    return answer_page.Rows(_title(o), headings, rows, note)


def _row(label: str, kind: str, spread: dict[str, float], o: dict[str, Any]) -> tuple[str, ...]:
    as_ = o["shown_as"]
    adds = amount(spread["mean"], as_) + (" ?" if within_error(spread) else "")
    return label, kind, adds, amount(error(spread), as_), between(spread, o) or "the same in all"


def _notes(told: dict[str, Any]) -> Iterator[str]:
    yield (
        "Order: first the second scenario's assumptions, then its levers; parts sum to the whole "
        "difference in every draw. Kind: a lever is what somebody decides on (posts, prices, "
        "contracts, programmes that begin or end); an assumption is what is taken to be so."
    )
    for kind, split in told["splits"].items():
        many = wording.plural(split["keys"], KINDS[kind])
        if split["orders"]:
            yield (
                f"{many}: Shapley values from {split['orders']} sampled orders, each with its "
                f"reverse; the standard error holds that too. {split['runs']} runs of all draws."
            )
        elif split["keys"] > 1:
            yield f"{many}: exact Shapley values, the mean over all orders of making the changes."
    yield from told["notes"]
