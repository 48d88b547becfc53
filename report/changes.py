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
from .outcome_names import names_of
from .renderer import Spec

NAME = "explain"
KEYS = {"frame": "frame", "assumptions": "assumption", "levers": "lever"}
KINDS = {"frame": FRAME, "assumption": ASSUMPTION, "lever": LEVER}
SMALL = 1e-9  # of the largest value: adds nothing
POINTS = "share"
ZERO_TO_ONE = "1"


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
    first = None if found.levers_first is None else _spread(found.levers_first[k])
    return {
        "outcome": name,
        "unit": output.unit,
        "shown_as": _shown_as(output.unit, *lines.values()),
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
    parts = list(change.at)
    if parts[0] == "financing" and len(parts) > 2:
        parts = parts[1:]
    label = wording.readable(".".join(map(str, parts)), names)
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
        title=f"What changed: from {names[0]} to {names[1]}",
        meta=f"Headwater explain · {told['draws']:,} draws · seed {told['seed']} · same draws and "
        "luck in every run",
        sentences=[
            f"First scenario: {first}. Second: {second}.",
            *(_sentence(o) for o in told["outcomes"]),
        ],
        charts=list(_charts(told)),
        tables=[_table(o) for o in told["outcomes"]],
        notes=list(_notes(told)),
    )


def amount(x: float, shown_as: str) -> str:
    """-$366k, -62 points, 1.8 months"""
    if shown_as.partition("/")[0] == "USD":
        return wording.short_money(x) + shown_as.removeprefix("USD").replace("/", " a ")
    if shown_as == POINTS:
        return f"{wording.number(100 * x)} points"
    unit = "" if shown_as == ZERO_TO_ONE else f" {shown_as.partition('/')[0]}"
    return f"{wording.number(x)}{unit}"


def level(x: float, shown_as: str) -> str:
    return f"{wording.number(100 * x)} %" if shown_as == POINTS else amount(x, shown_as)


def _sentence(o: dict[str, Any]) -> str:
    as_ = o["shown_as"]
    before, after = o["lines"][DEFAULT]["mean"], o["lines"][POLICY]["mean"]
    if not o["parts"]:
        return f"{o['outcome']}: the two scenarios compute with the same numbers."
    kinds = [
        f"{amount(o[key]['mean'], as_)} {words}"
        for key, words in (
            ("assumptions", "from what is assumed"),
            ("levers", "from what is decided"),
            ("frame", "from how it is calculated"),
        )
        if any(KEYS[key] == part["kind"] for part in o["parts"])
        and (key != "frame" or _matters(o["frame"]["mean"], o))
    ]
    sentence = (
        f"{o['outcome']} goes from {level(before, as_)} to {level(after, as_)}, a difference of "
        f"{_with_interval(o['difference'], as_)}: {wording.listed(kinds)}."
    )
    other = o["levers_under_first_assumptions"]
    if other is None:
        return sentence
    between = o["levers"]["mean"] - other["mean"]
    return (
        f"{sentence} Under the first scenario's assumptions the levers would add "
        f"{amount(other['mean'], as_)}: {amount(between, as_)} of theirs is there only with the "
        "new assumptions."
    )


def _with_interval(spread: dict[str, float], as_: str) -> str:
    between = _between(spread, as_)
    return f"{amount(spread['mean'], as_)}{f' (90 % of draws: {between})' if between else ''}"


def _between(spread: dict[str, float], as_: str) -> str:
    """-100 to 0 points; nothing where both ends read the same"""
    low, high = amount(spread["p05"], as_), amount(spread["p95"], as_)
    unit = f" {high.split(' ', 1)[1]}" if " " in high else ""
    return "" if low == high else f"{low.removesuffix(unit)} to {high}"


def _matters(x: float, o: dict[str, Any]) -> bool:
    largest = max(abs(s["mean"]) for s in (*o["lines"].values(), *o["parts"]))
    return bool(abs(x) > SMALL * largest)


def _charts(told: dict[str, Any]) -> Iterator[tuple[Spec, str]]:
    for o in told["outcomes"]:
        if o["parts"]:
            yield (
                changes_figures.waterfall(o["outcome"], list(_steps(o)), o["shown_as"]),
                (
                    "Means over draws. Diamonds: the three lines of the chart below; the axis need "
                    "not begin at zero. Within a colour the order of the bars does not matter."
                ),
            )
    for s in told["series"]:
        band = "" if s["shown_as"] == POINTS else " Band: 90 % of draws with the policy."
        yield (
            changes_figures.lines(s["series"], s["months"], s["lines"], s["shown_as"]),
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
        if not _matters(part["mean"], o):
            continue
        low, high = sorted((at, at + part["mean"]))
        told = amount(part["mean"], as_)
        yield {
            "step": part["label"], "low": low, "high": high,
            "told": told if told.startswith("-") else f"+{told}", "what": KINDS[part["kind"]],
        }  # fmt: skip
        at += part["mean"]
    yield _mark("Second scenario (policy)", o["lines"][POLICY]["mean"], as_)


def _mark(step: str, at: float, as_: str) -> dict[str, Any]:
    return {"step": step, "low": at, "high": at, "told": level(at, as_), "what": ""}


def _table(o: dict[str, Any]) -> answer_page.Rows:
    as_ = o["shown_as"]
    parts = [p for p in o["parts"] if _matters(p["mean"], o)]
    rows = [_row(p["label"], KINDS[p["kind"]], p, as_) for p in parts]
    for key in ("assumptions", "levers"):
        if sum(part["kind"] == KEYS[key] for part in o["parts"]) > 1:
            rows.append(_row(f"All {key}", "", o[key], as_))
    rows.append(_row("Whole difference", "", o["difference"], as_))
    idle = [p["label"] for p in o["parts"] if not _matters(p["mean"], o)]
    note = f"Changed, and no part of this difference: {'; '.join(idle)}." if idle else ""
    headings = ("What changed", "kind", "adds", "standard\nerror", "90 % of draws")
    return answer_page.Rows(o["outcome"], headings, rows, note)


def _row(label: str, kind: str, spread: dict[str, float], as_: str) -> tuple[str, ...]:
    error = (spread["mcse"] ** 2 + spread.get("se_orders", 0.0) ** 2) ** 0.5
    between = _between(spread, as_) or "the same in all"
    return label, kind, amount(spread["mean"], as_), amount(error, as_), between


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
