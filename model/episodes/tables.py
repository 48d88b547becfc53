"""Tables: claims and pathways as tidy Parquet files; columns are explained in docs/episodes.md."""

from __future__ import annotations

from collections.abc import Mapping
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

CLAIMS_COLUMNS = {
    "person": "number of the resident, the same in all tables of a replication",
    "segment": "segment at the time of the event",
    "payer": "party that pays; a person of a segment with several payers stays with one",
    "service": f"service of the scenario, or {OTHER_CARE} (bundles of all other care)",
    "month_incurred": "first day of the month of care, outside stays",
    "month_paid": "first day of the month of payment (run-out); may lie after the horizon",
    "units": "1, or the days of a stay",
    "amount": "USD, to the cent: units x price of that payer and month x scatter",
    "period": "before or after the person's first enrolment; untouched if there is none",
}
PATHWAYS_COLUMNS = {
    "person": "number of the resident, the same in all tables of a replication",
    "intervention": "to what the person was referred",
    "segment": "segment when reached, or when refused",
    "need": "need level when reached, or when refused",
    "attempts": "attempts of outreach until reached; all of them where refused",
    "referred": "day of the referral",
    "reached": "day on which the person was reached and joined the list; null if never, or refused",
    "started": "day on which service began",
    "ended": "day on which service ended; without a start, on which the person left the list",
    "faded": "day on which protection after completion ended",
    "outcome": "what became of the referral; waiting or enrolled: still so at the horizon",
    "wait_months": "from being reached to the start, to leaving the list, or to the horizon",
}


def claims_table(case: Case, claims: Claims) -> pa.Table:
    """Claims sorted by person and month."""
    c = some(claims, sorted_by(claims.person, claims.incurred, case.months))
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


def sorted_by(person: Ints, month: Ints, months: int) -> Ints:
    """The order by person and month, rows of both alike as they stand.

    With its own row number in it each key is another, so the quickest sort will do.
    """
    size = max(person.size, 1)
    key = (person.astype(np.int64) * months + month) * size + np.arange(person.size)
    key.sort()
    return np.asarray(key % size)


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


def write(table: pa.Table, path: Path, about: Mapping[str, str] | None = None) -> None:
    """The same table, the same bytes; names are plain text to every reader.

    about: key and value of the file's own metadata.
    """
    text = [f.name for f in table.schema if pa.types.is_dictionary(f.type)]
    with pq.ParquetWriter(
        path, table.schema, compression="zstd", store_schema=False, use_dictionary=text
    ) as file:
        file.write_table(table, row_group_size=ROW_GROUP)
        if about:
            file.add_key_value_metadata(dict(about))


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
