"""Tables: claims and pathways as tidy Parquet files; columns are explained in docs/episodes.md."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from model.distributions import Floats
from model.scenario import NEED_LEVELS

from .case import Case, Ints
from .claims import OTHER_CARE, PERIODS, Claims
from .desk import OUTCOMES
from .outreach import Pathway
from .ramp import some

ROW_GROUP = 1 << 18


def claims_table(case: Case, claims: Claims) -> pa.Table:
    """Claims sorted by person and month."""
    width = case.months
    order = np.argsort(claims.person * width + claims.incurred, kind="stable")
    c = some(claims, order)
    services = (*case.names.services, OTHER_CARE)
    days = month_starts(case, int(c.paid.max(initial=0)) + 1)
    return pa.table(
        {
            "person": pa.array(c.person.astype(np.int32)),
            "segment": named(c.segment, case.names.segments),
            "payer": named(c.payer, case.names.parties),
            "service": named(c.service, services),
            "month_incurred": pa.array(days[c.incurred]),
            "month_paid": pa.array(days[c.paid]),
            "units": pa.array(c.units),
            "amount": pa.array(np.round(c.amount, 2)),
            "period": named(c.period, PERIODS),
        }
    )


def pathways_table(case: Case, p: Pathway) -> pa.Table:
    """Referrals sorted by person and time; a date that has not come is null."""
    over = np.where(np.isnan(p.started), p.ended, p.started)
    until = np.where(np.isnan(over), float(case.months), over)
    wait = np.where(np.isnan(p.reached), np.nan, until - p.reached)
    return pa.table(
        {
            "person": pa.array(p.person.astype(np.int32)),
            "intervention": named(p.intervention, case.names.interventions),
            "segment": named(p.segment, case.names.segments),
            "need": named(p.level, NEED_LEVELS),
            "attempts": pa.array(p.attempts.astype(np.int16)),
            "referred": dates(case, p.referred),
            "reached": dates(case, p.reached),
            "started": dates(case, p.started),
            "ended": dates(case, p.ended),
            "faded": dates(case, p.faded),
            "outcome": named(p.outcome, OUTCOMES),
            "wait_months": pa.array(wait, mask=np.isnan(wait)),
        }
    )


def write(table: pa.Table, path: Path) -> None:
    """The same table, the same bytes."""
    pq.write_table(table, path, compression="zstd", row_group_size=ROW_GROUP)


def named(code: Ints, names: tuple[str, ...]) -> Any:
    kind = np.int8 if len(names) < 128 else np.int16
    return pa.DictionaryArray.from_arrays(pa.array(code.astype(kind)), pa.array(list(names)))


def month_starts(case: Case, months: int) -> Any:
    """The first day of each month since the start, [month]."""
    first = np.datetime64(case.start, "M")
    return (first + np.arange(months + 1)).astype("datetime64[D]")


def dates(case: Case, time: Floats) -> Any:
    """Days of times in months since the start."""
    known = np.where(np.isnan(time), 0.0, time)
    starts = month_starts(case, case.months + 1)
    month = np.clip(known.astype(np.int64), 0, case.months)
    length = (starts[month + 1] - starts[month]).astype(np.int64)
    day = starts[month] + np.floor((known - month) * length).astype("timedelta64[D]")
    return pa.array(day, mask=np.isnan(time))
