"""Spread: what many replications say together, and what the dynamics say beside them.

Tables and rows are plain: they go into files as they stand (docs/episodes-command.md).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
from scipy import stats

from model.distributions import Floats
from model.problems import BadInput

from .case import Case
from .evaluation import Evaluation, Group, Periods, evaluations, pooled
from .interval import standard_error
from .kept import BIN, ENDINGS, Kept, Key, Months
from .selection import Rule
from .tables import named

Row = dict[str, Any]
PERCENTILES = (0.05, 0.5, 0.95)
ENOUGH = 20  # replications from which 5 and 95 % can be told; of fewer the range is
RANGE, NINETY = "range", "90 %"
FEWEST = 10  # replications from which a difference is called beyond chance
ERROR = 0.05  # of all numbers tested together (Holm)
TINY = 1e-6  # of the dynamics, of which no share is told
REACH = 3.0  # months in which service must start, as `evaluate` takes it


def metrics(kept: Sequence[Kept]) -> list[Row]:
    """Each number over replications: mean, its standard error, sd, median and interval.

    `interval` says what `low` and `high` are: the range, or 90 % of replications. A number that
    some replications lack (nobody was enrolled) says of how many it is told.
    """
    keys = dict.fromkeys(key for one in kept for key in one.numbers)
    return [_row(key, values_of(kept, key)) for key in keys]


def values_of(kept: Sequence[Kept], key: Key) -> Floats:
    """Of the replications that have it."""
    return np.array([one.numbers[key] for one in kept if key in one.numbers])


def _row(key: Key, values: Floats) -> Row:
    sd = float(values.std(ddof=1)) if values.size > 1 else None
    numbers = {"mean": float(values.mean()), "se": plain(standard_error(values)), "sd": sd}
    told = numbers | between(values) | {"median": float(np.median(values))}
    return key._asdict() | told | {"replications": int(values.size)}


def between(values: Floats) -> Row:
    """The range of few values, 5 and 95 % of many, and which of them it is."""
    if values.size < ENOUGH:
        return {"low": float(values.min()), "high": float(values.max()), "interval": RANGE}
    low, _, high = np.quantile(values, PERCENTILES).tolist()
    return {"low": low, "high": high, "interval": NINETY}


def beside(kept: Sequence[Kept], dynamics: Mapping[Key, float]) -> list[Row]:
    """The dynamics beside the mean of replications, and whether chance explains the difference.

    `share` is the difference over the dynamics, None where these are 0. `p` is that of Student's t
    of one number alone. `beyond_chance`: by Holm's method over all numbers here, so that where
    nothing differs, one or more of them is called so in 5 of 100 runs; None where there are too
    few replications to say.
    """
    rows = []
    for key, exact in dynamics.items():
        values = values_of(kept, key)
        if values.size:
            mean, se = float(values.mean()), plain(standard_error(values))
            share = mean / exact - 1.0 if abs(exact) > TINY else None
            p = float(2.0 * stats.t.sf(abs(mean - exact) / se, values.size - 1)) if se else None
            told_of = {"dynamics": exact, "episodes": mean, "se": se, "difference": mean - exact}
            rows.append(key._asdict() | told_of | {"share": share, "p": p})
    beyond = holm([1.0 if row["p"] is None else row["p"] for row in rows])
    enough = len(kept) >= FEWEST
    return [row | {"beyond_chance": b if enough else None}
            for row, b in zip(rows, beyond, strict=True)]  # fmt: skip


def holm(p: Sequence[float], error: float = ERROR) -> list[bool]:
    """Which of several hypotheses are rejected (Holm, Scand J Stat 1979;6:65-70)."""
    order = sorted(range(len(p)), key=lambda k: p[k])
    out = [False] * len(p)
    for rank, k in enumerate(order):
        if p[k] > error / (len(p) - rank):
            break
        out[k] = True
    return out


def plain(number: float) -> float | None:
    """What JSON can say: None for what is not known."""
    return float(number) if math.isfinite(number) else None


def told(record: Any) -> Row:
    """A record of numbers, intervals and words as JSON holds it."""
    out: Row = {}
    for name, value in record._asdict().items():
        if hasattr(value, "_asdict"):
            out[name] = told(value)
        else:
            out[name] = plain(value) if isinstance(value, float) else value
    return out


def selections(case: Case, rules: Sequence[Rule], kept: Sequence[Kept], placebo: bool) -> list[Row]:
    """For each rule what evaluations would report, over replications, and whom it picks.

    People a replication: selected = already served + served + later + compared. `later`: service
    started too late to be called served, and too early to be compared.
    """
    out = []
    for k, rule in enumerate(rules):
        found = [one.evaluated[k] for one in kept]
        first = found[0]
        reported, note = _reported(found)
        people = {
            "selected": [e.selected for e in found],
            "already": [e.already for e in found],
            "served": [e.served.people for e in found],
            "compared": [e.comparison.people for e in found],
        }
        mean = {name: float(np.mean(count)) for name, count in people.items()}
        later = mean["selected"] - mean["already"] - mean["served"] - mean["compared"]
        out.append(
            {
                "rule": str(rule),
                "services": list(rule.services),
                "months_before": first.months_before,
                "months_after": first.months_after,
                **mean,
                "later": later,
                "served_in_all": sum(people["served"]),
                "placebo": placebo,  # nobody is served: every other one is called so
                **_picking(case, rule, first, placebo),
                "reported": reported,
                "note": note,
                "by_month": _by_month(found),
            }
        )
    return out


def _picking(case: Case, rule: Rule, first: Evaluation, placebo: bool) -> Row:
    """Who is considered, and when, as `evaluate` does it."""
    periods = Periods(first.months_before, first.months_after, REACH)
    opens, closes = periods.recruiting(case, rule, not placebo, None, None)
    able = np.ones(len(case.names.segments), dtype=np.bool_)
    if not placebo:
        able = np.atleast_1d(np.asarray(case.plan.served).any(axis=0))
    start = np.datetime64(case.start, "M")
    one_date = not (rule.at_event or rule.rolling)
    last = opens if one_date else max(opens, np.ceil(closes) - 1)
    return {
        "segments": [s for s, can in zip(case.names.segments, able, strict=True) if can],
        "when": "at events" if rule.at_event else "every month" if rule.rolling else "once",
        "from": str(start + int(opens)),
        "to": str(start + int(last)),
        "reach": REACH,
    }


def _by_month(found: Sequence[Evaluation]) -> Row:
    """Use of each group, units/person-month by whole months before the date, then after it."""
    groups = ("served", "without", "comparison", "unselected")
    with_people = {g: [getattr(e, g) for e in found] for g in groups}
    return {g: pooled(many).by_month.tolist() for g, many in with_people.items() if _any(many)}


def _any(groups: Sequence[Group]) -> bool:
    return any(group.people for group in groups)


def _reported(found: Sequence[Evaluation]) -> tuple[list[Row], str]:
    """What the designs report, or why they report nothing."""
    try:
        return [_with_interval(told(row), found) for row in evaluations(found)], ""
    except BadInput as error:
        return [], "; ".join(f"Found {p.found}." for p in error.problems)


def _with_interval(row: Row, found: Sequence[Evaluation]) -> Row:
    """A saving with its range or 90 % of replications, whichever can be told."""
    values = np.array([getattr(e.reported(row["design"]), row["measure"]) for e in found])
    kept = {k: v for k, v in row.items() if k not in {"p05", "p95"}}
    known = values[~np.isnan(values)]
    return kept | between(known) | {"replications": int(known.size)}


# --- tables


def months_table(case: Case, kept: Sequence[Kept]) -> pa.Table:
    """One row a replication, intervention and month; sorted so."""
    size = len(kept) * len(case.names.interventions)
    columns = {"replication": np.repeat([one.number for one in kept], size // max(len(kept), 1))}
    return by_month(case, [one.months for one in kept], columns)


def by_month(case: Case, many: Sequence[Months], about: dict[str, Any] | None = None) -> pa.Table:
    """Columns of `about` name each of `many` and each intervention, [many x intervention]."""
    months, names = case.months, case.names.interventions
    labels = np.datetime64(case.start, "M") + np.arange(months)
    table: dict[str, Any] = {
        name: np.repeat(np.asarray(column, dtype=np.int32), months)
        for name, column in (about or {}).items()
    }
    code = np.tile(np.repeat(np.arange(len(names)), months), len(many))
    table["intervention"] = named(code, names)
    table["month"] = pa.array(np.tile(labels.astype("datetime64[D]"), len(many) * len(names)))
    for field in Months._fields:
        columns = [getattr(one, field).T.ravel() for one in many]
        values = np.concatenate(columns) if columns else np.zeros(0)
        table[field] = pa.array(values, mask=np.isnan(values))
    return pa.table(table)


def waits_table(case: Case, kept: Sequence[Kept]) -> pa.Table:
    """Persons by replication, intervention, how their time on the list ended, and its length."""
    rows = [np.argwhere(one.waits) for one in kept]
    where = np.concatenate(rows) if rows else np.zeros((0, 3), dtype=np.int64)
    persons = [one.waits[one.waits > 0] for one in kept]
    return pa.table(
        {
            "replication": pa.array(
                np.repeat([one.number for one in kept], [len(r) for r in rows]).astype(np.int32)
            ),
            "intervention": named(where[:, 0], case.names.interventions),
            "ending": named(where[:, 1], ENDINGS),
            "months_from": pa.array(where[:, 2] * BIN),
            "persons": pa.array(
                np.concatenate(persons) if persons else np.zeros(0, dtype=np.int64)
            ),
        }
    )


def numbers_table(kept: Sequence[Kept]) -> pa.Table:
    """Every number of every replication, long."""
    rows = list(_numbers(kept))
    names = ("replication", *Key._fields, "value")
    columns = zip(*rows, strict=True) if rows else ([] for _ in names)
    return pa.table({name: pa.array(column) for name, column in zip(names, columns, strict=True)})


def _numbers(kept: Sequence[Kept]) -> Iterator[tuple[Any, ...]]:
    for one in kept:
        for key, value in one.numbers.items():
            yield (one.number, *key, value)


def settlements_table(kept: Sequence[Kept]) -> pa.Table:
    """Every contract-year of every replication."""
    rows = [{"replication": one.number} | s._asdict() for one in kept for s in one.settled]
    return pa.Table.from_pylist(rows)
