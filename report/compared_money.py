"""The money of scenarios side by side: cash, gap, contracts, and present values by party."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from .rundata import DUST, FEW_DRAWS, STRATEGY, USUAL
from .wording import (
    chance,
    change_interval,
    month_at,
    months_of,
    of_hundred,
    short_interval,
    short_money,
    short_month_at,
)
from .wording import change as changed
from .wording import money as dollars

if TYPE_CHECKING:
    from model.comparison import Compared
    from model.distributions import Floats

# Of an account: metric -> words; in the order in which a board asks.
CASH = {
    "runway_months": "Cash runs out (median)",
    "p_insolvent": "Insolvent by the end, of 100 draws",
    "below_core_staff": "Core staff below minimum, of 100 draws",
    "closing_gap": "Needed a year so as never to be short",
    "gap_first_year": "Needed in the first short year",
    "lowest_cash": "Lowest cash",
    "revenue_total": "Received over the horizon",
}
# Of an account that has contracts.
BY_LUCK = {"solvent_by_luck": "Solvent, and paid by luck or error, of 100 draws"}
# Of a contract, which some scenarios have and others not.
CONTRACT = {
    "contract_payment": "would pay, if the network survived",
    "payment_by_error_and_luck": "of which luck and error",
    "contract_received": "received by the network",
    "p_paid": "a payment comes out, of 100 contract years",
    "p_paid_without_effect": "the same without any effect, of 100",
}
PARTIES = 8  # with a present value of their own


def kept(compared: Compared) -> dict[str, Any]:
    """The comparison as JSON, without what is no number, and what only some scenarios have."""
    data = compared.as_json()
    data["metrics"] = [known(row, compared) for row in data["metrics"]]
    data["own"] = own(compared)
    data["accounts"] = accounts(compared)
    for result in compared.results:
        financing = result.draws.scenario.financing
        for key, line in (financing.contracts if financing is not None else {}).items():
            data["names"].setdefault(key, line.name or key.replace("_", " "))
    return data


def accounts(compared: Compared) -> list[str]:
    """Parties whose cash every scenario has, the backbone first."""
    found = {k.subject for k in compared.baseline.metrics if k.metric == "p_insolvent"}
    backbone = compared.baseline.draws.scenario.backbone
    return sorted(found, key=lambda party: (party != backbone.party, party))


def known(row: dict[str, Any], compared: Compared) -> dict[str, Any]:
    """A row over the draws that have the metric, such as a rate of return; else as it is."""
    numbers = [x for x in (*row.values(), *row["difference"].values()) if isinstance(x, float)]
    if all(map(math.isfinite, numbers)):
        return row
    key = next(
        k
        for k in compared.baseline.metrics
        if (k.metric, k.subject, k.strategy) == (row["metric"], row["party"], row["strategy"])
    )
    result = next(r for r in compared.results if r.draws.scenario.name == row["scenario"])
    values, first = result.metrics[key], compared.baseline.metrics[key]
    there, both = np.isfinite(values), np.isfinite(values) & np.isfinite(first)
    higher = float((values[both] > first[both]).mean()) if both.any() else None
    told = row | spread(values[there]) | {"difference": spread(values[both] - first[both])}
    return told | {"p_higher": higher}


def spread(values: Floats) -> dict[str, float | None]:
    from model import comparison  # noqa: PLC0415  a run's page reads files only

    if values.size:
        found: dict[str, float | None] = dict(comparison.spread(values))
        return found
    return dict.fromkeys(comparison.spread(np.zeros(1)))


def own(compared: Compared) -> list[dict[str, Any]]:
    """Outcomes of contracts, and luck of accounts that have any: not every scenario has them.

    So there is no difference between scenarios.
    """
    return [
        {
            "metric": key.metric,
            "party": key.subject,
            "strategy": key.strategy,
            "unit": key.unit,
            "scenario": result.draws.scenario.name,
        }
        | spread(values)
        for result in compared.results
        for key, values in result.metrics.items()
        if key.metric in CONTRACT or key.metric in BY_LUCK
    ]


# --- what is said of it


def wanted(data: dict[str, Any]) -> set[tuple[str, str]]:
    """(metric, party) of what is shown of cash, and of present values."""
    cash = {(metric, party) for metric in CASH for party in data.get("accounts", [])}
    return cash | {("npv", party) for party in valued(data)}


def valued(data: dict[str, Any]) -> list[str]:
    """Parties of interest: the largest present values of either sign, and society; no account."""
    most: dict[str, float] = {}
    accounts = data.get("accounts", [])
    for row in data["metrics"]:
        party = row["party"]
        if row["metric"] == "npv" and not (party.startswith("perspective.") or party in accounts):
            most[party] = max(most.get(party, 0.0), abs(row["mean"] or 0.0))
    always = [p for p in ("society",) if p in most]
    rest = sorted((p for p in most if p not in always), key=lambda p: -most[p])
    return [*[p for p in rest if most[p] > DUST][:PARTIES], *always]


def opening(rows: dict[str, list[dict[str, Any]]], k: int, data: dict[str, Any]) -> list[str]:
    """Of one scenario beside the first: cash, insolvency and gap; nothing without an account."""
    told = []
    start, months = data["start"], months_of(data["start"], data["end"])
    if runway := rows.get("runway_months"):
        now, first = (row["p50"] for row in (runway[k], runway[0]))
        words = "cash lasts to the end" if now >= months else ""
        words = words or f"cash runs out in {month_at(start, now)}"
        then = "to the end" if first >= months else month_at(start, first)
        told.append(f"{words} (median)" + ("" if now == first else f" instead of {then}"))
    if chances := rows.get("p_insolvent"):
        now, first = (row["mean"] for row in (chances[k], chances[0]))
        before = "" if now == first else f" instead of {chance(first).removeprefix('in ')}"
        told.append(f"insolvent by the end {chance(now)}{before}")
        lucky = by_luck(data, data["accounts"][0])[k]
        if lucky is not None and lucky["mean"] > 0.0:
            paid = f"{of_hundred(lucky['mean'])} were paid settlements by luck or error"
            told.append(f"of the {of_hundred(1.0 - now)} in 100 that stay solvent, {paid}")
    if gaps := rows.get("closing_gap"):
        d = gaps[k]["difference"]
        told.append(
            f"{dollars(gaps[k]['mean'])} a year is needed so as never to be short, {shift(d)}"
        )
    return told


def by_luck(data: dict[str, Any], party: str) -> list[dict[str, Any] | None]:
    """By scenario: how often an account is solvent and was paid by luck; None without contracts."""
    found = {
        r["scenario"]: r
        for r in data.get("own", [])
        if r["metric"] in BY_LUCK and r["party"] == party and r["mean"] is not None
    }
    return [found.get(s["name"]) for s in data["scenarios"]]


INSOLVENT, SETTLED = "Insolvent,\nof 100 draws", "Settlements\n(by luck)"
RECEIVED, SOCIETY = "Received over\nthe horizon", "Society, net\n(present)"
HEADINGS = (
    INSOLVENT, "Cash runs out\n(median)", "Needed a year\n(90 %)", RECEIVED, SETTLED, SOCIETY,
)  # fmt: skip


def overview(data: dict[str, Any]) -> list[tuple[str, list[tuple[str, str]]]]:
    """By scenario: each answer with its interval; nothing without an account."""
    if not data.get("accounts"):
        return []
    party, enough = data["accounts"][0], data["draws"] >= FEW_DRAWS
    months = months_of(data["start"], data["end"])
    rows = {
        (r["metric"], r["scenario"]): r
        for r in data["metrics"]
        if r["party"] == party and r["metric"] in CASH and not is_usual(r)
    }
    out = []
    for scenario in data["scenarios"]:
        name, shown = scenario["name"], []
        for metric in ("p_insolvent", "runway_months", "closing_gap", "revenue_total"):
            row = rows.get((metric, name))
            told = ("–", "") if row is None else words(row, data["start"], months) or usd(row)
            shown.append(told if enough else (told[0], ""))
        society = net_of_society(data, name)
        shown += [settled(data, name), society if enough else (society[0], "")]
        out.append((name, shown))
    return out


def net_of_society(data: dict[str, Any], scenario: str) -> tuple[str, str]:
    """Present value of resource cost: no payment between parties is in it, nor health."""
    found = (r for r in data["metrics"] if (r["metric"], r["party"]) == ("npv", "society"))
    row = next((r for r in found if r["scenario"] == scenario), None)
    return ("–", "") if row is None else usd(row)


def usd(row: dict[str, Any]) -> tuple[str, str]:
    return short_money(row["mean"]), short_interval(row["p05"], row["p95"])


def settled(data: dict[str, Any], scenario: str) -> tuple[str, str]:
    """What the contracts of a scenario pay, and how much of it no true saving earns."""
    mine = [r for r in data.get("own", []) if r["scenario"] == scenario]
    paid = sum(r["mean"] for r in mine if r["metric"] == "contract_payment")
    lucky = sum(r["mean"] for r in mine if r["metric"] == "payment_by_error_and_luck")
    if not any(r["metric"] == "contract_payment" for r in mine):
        return "–", ""
    return short_money(paid), f"({short_money(lucky)})"


def shift(d: dict[str, Any]) -> str:
    """$229,000 less (90 % interval: $120,000 to $270,000 less)"""
    if abs(d["mean"]) < DUST and d["sd"] < DUST:
        return "the same"
    between = change_interval(-d["p95"], -d["p05"])
    return f"{changed(-d['mean'])} (90 % interval: {between})"


def words(row: dict[str, Any], start: str, months: int) -> tuple[str, str] | None:
    """A value and its interval where neither dollars nor counts say it; else None."""
    if row["metric"] == "runway_months":
        low, mid, high = (
            "beyond" if row[p] >= months else short_month_at(start, row[p])
            for p in ("p05", "p50", "p95")
        )
        return mid, "" if low == high else f"{low} to {high}"
    if row["unit"] == "1":
        return of_hundred(row["mean"]), ""
    return None


def difference(row: dict[str, Any]) -> tuple[str, str] | None:
    d = row["difference"]
    if row["metric"] == "runway_months":
        low, mid, high = (round(d[p]) for p in ("p05", "p50", "p95"))
        between = "" if low == high else f"{low} to {high} months"
        return f"{mid:+d} month{'s' * (abs(mid) != 1)}" if mid else "0 months", between
    if row["unit"] == "1":
        return f"{100 * d['mean']:+.0f}", ""
    return None


def is_usual(row: dict[str, Any]) -> bool:
    """Whether a row of a metric of both worlds is that of usual care, the same in all."""
    return bool(row["strategy"] == USUAL)


def contract_rows(data: dict[str, Any]) -> list[tuple[str, str, list[dict[str, Any] | None]]]:
    """(contract, what, a row or nothing by scenario), for contracts of any of the scenarios."""
    names = [s["name"] for s in data["scenarios"]]
    found = {
        (r["party"], r["metric"], r["scenario"]): r
        for r in data.get("own", [])
        if r["metric"] in CONTRACT and r["strategy"] == STRATEGY and r["mean"] is not None
    }
    contracts = list(dict.fromkeys(party for party, _, _ in found))
    return [
        (contract, told, [found.get((contract, metric, name)) for name in names])
        for contract in contracts
        for metric, told in CONTRACT.items()
    ]
