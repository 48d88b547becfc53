"""The money part of the page: rows of its tables, and its charts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from . import figures_money, money, money_notes, money_story, reasons, sources
from .figures_money import MINUS, MISSING, NEEDED, NET, NEW, OLD, PLANNED, PLUS, WITHOUT_LUCK
from .money import Gain, Step
from .renderer import Spec
from .rundata import DIFFERENCE, DUST, STRATEGY, USUAL, Run, Series
from .wording import chance, number, percent, short_interval, short_money, short_month_at
from .wording import money as dollars

PANELS, CURVES = 4, 2
TINY = 1e-9


def view(run: Run) -> dict[str, Any] | None:
    """Everything that the money part shows; nothing without financing."""
    parties = money.accounts(run)
    if not parties:
        return None
    main = parties[0]
    return {
        "headline": money_story.headline(run),
        "topics": money_story.topics(run),
        "name": run.name(main),
        "differs": money.differs(run, main),
        "now": money.account(run, main, STRATEGY),
        "usual": money.account(run, main, USUAL),
        "sources": sources.sources(run),
        "kinds": money.KINDS,
        "rest_on": rest_on(run, main),
        "dues": dues(run, main),
        "member_value": run.spread("member_value", main, STRATEGY),
        "contracts": money.contracts(run),
        "gains": money.gains(run),
        "perspectives": money.perspectives(run),
        "own_cash": money.own_cash(run),
        "payback": lambda g: payback(run, g),
        "irr": irr,
        "returns": returns,
        "pockets": pockets(run),
        "groups": list(groups(run)),
        "notes": money_notes.notes(run),
        "discount": money_notes.discount(run),
        "usual_care": money_notes.usual_care(run),
        "two_nets": money_notes.two_nets(run),
        "lucky_plan": lucky_plan(run, main),
        "reasons": (why := reasons.reasons(run)),
        "columns": reasons.shown(why),
        "mostly": lambda party: reasons.mostly(run, party),
        "why": reasons.TOLD,
    }


# --- charts


def charts(run: Run) -> Iterator[tuple[str, Spec]]:
    parties = money.accounts(run)
    if not parties:
        return
    main = parties[0]
    if cash := cash_series(run, main):
        yield "cash", figures_money.cash(cash, credit_series(run, main))
    if (years := revenue_years(run, main)) is not None:
        yield "revenue", figures_money.revenue(*years)
    for c in money.contracts(run)[:CURVES]:
        if curve := c.chances.get("curve"):
            members = c.chances.get("members") or 0.0
            yield f"contract:{c.key}", figures_money.contract(curve, members)
        if found := list(bars(run, money.contract_steps(run, c.key), RECEIVED)):
            yield f"contract_steps:{c.key}", figures_money.waterfalls([(c.name, found)])
    panels = [(run.name(p), steps) for p in matters(run) if (steps := list(steps_of(run, p)))]
    if panels:
        yield "waterfalls", figures_money.waterfalls(panels)


def cash_series(run: Run, party: str) -> dict[str, tuple[Series, Series]]:
    worlds = {NEW: STRATEGY, OLD: USUAL} if money.differs(run, party) else {NEW: STRATEGY}
    found = {
        label: (run.series("cash", party, world), run.series("insolvent", party, world))
        for label, world in worlds.items()
    }
    return {
        label: (cash, insolvent)
        for label, (cash, insolvent) in found.items()
        if cash is not None and insolvent is not None
    }


def credit_series(run: Run, party: str) -> tuple[Series, float] | None:
    """What is owed on a line of credit with the strategy, and its limit; None without one."""
    line, owed = money.credit_line(run, party, STRATEGY), run.series("credit", party, STRATEGY)
    return None if line is None or owed is None else (owed, line.limit)


def lucky_plan(run: Run, party: str) -> str:
    """What a plan leaves out as luck; nothing without contracts."""
    gap, lucky = (
        run.spread(metric, party, STRATEGY) for metric in ("closing_gap", "closing_gap_with_luck")
    )
    if not money.contracts(run) or gap is None or lucky is None:
        return ""
    return (
        "The dashed line and the gap leave out what settlements pay by luck and error: the gap is "
        f"{dollars(gap.mean)} a year, with that {dollars(lucky.mean)}."
    )


def revenue_years(run: Run, party: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]] | None:
    """Mean receipts by year and kind with what is missing, and lines of needs and plans."""
    needed, planned, received = (
        run.series(m, party, STRATEGY) for m in ("needed", "expected_on_truth", "receipts")
    )
    if needed is None or planned is None or received is None:
        return None
    by_kind = {
        name: by_year(s)
        for kind, name in money.KINDS.items()
        if (s := run.series("receipts_by_kind", f"{party}.{kind}", STRATEGY)) and s.mean.max() > 0
    }
    wanted, whole = by_year(needed), by_year(received)
    lack = {year: max(0.0, usd - whole[year]) for year, usd in wanted.items()}
    if max(lack.values()) > DUST:
        by_kind[MISSING] = lack
    bars = [
        {"year": year, "kind": kind, "usd": usd, "order": k}
        for k, (kind, years) in enumerate(by_kind.items())
        for year, usd in years.items()
    ]
    plans = WITHOUT_LUCK if run.subjects("contract_payment") else PLANNED
    lines = [
        {"year": year, "what": what, "usd": usd}
        for what, years in ((NEEDED, wanted), (plans, by_year(planned)))
        for year, usd in years.items()
    ]
    return bars, lines


def by_year(series: Series) -> dict[str, float]:
    out: dict[str, float] = {}
    for month, usd in zip(series.months, series.mean.tolist(), strict=True):
        out[month[:4]] = out.get(month[:4], 0.0) + usd
    return out


def matters(run: Run) -> list[str]:
    """Whose steps are drawn: who avoids most, payers of contracts, a provider, the accounts."""
    first: dict[str, float] = {}
    lost: dict[str, float] = {}
    for subject in run.subjects("waterfall"):
        party, _, step = subject.rpartition(".")
        amount = run.spread("waterfall", subject)
        if amount is not None and step[3:] == "avoided_at_price":
            first[party] = abs(amount.mean)
        if amount is not None and step[3:] == "revenue_lost":
            lost[party] = abs(amount.mean)
    most = [max(found, key=lambda p: found[p]) for found in (first, lost) if found]
    said = (run.scenario.get("financing") or {}).get("contracts") or {}
    most[1:1] = [
        p for c in money.contracts(run) if (p := said.get(c.key, {}).get("payer")) in first
    ]
    own = [p for p in money.accounts(run) if any(money.waterfall(run, p))]
    return list(dict.fromkeys([*most, *own]))[:PANELS]


def steps_of(run: Run, party: str) -> Iterator[dict[str, Any]]:
    """A party's way to its net cash, which for an account is no gain."""
    own = party in money.accounts(run)
    return bars(run, money.waterfall(run, party), UNTIL_INSOLVENT if own else NET)


def bars(run: Run, steps: Iterable[Step], sum_of_all: str) -> Iterator[dict[str, Any]]:
    """Floating bars: each step from where the one before it ended; the last is their sum."""
    at, start = 0.0, run.summary["start"]
    for name, amount, month in steps:
        last = name in ("net_cash", "received")
        begin = 0.0 if last else at
        end = amount.mean if last else at + amount.mean
        at = end
        if abs(amount.mean) < DUST and not last:
            continue
        what = NET if last else PLUS if amount.mean > 0 else MINUS
        sign = "+" if amount.mean > 0 and not last else ""
        told = sign + short_money(amount.mean)
        if run.enough and (between := short_interval(amount.p05, amount.p95)):
            told += f" ({between})"
        if month is not None and month.p50 >= 1.0 and not last:
            told += f", about {short_month_at(start, month.p50 - 1.0)[4:]}"
        yield {
            "step": sum_of_all if last else STEPS.get(name, name.replace("_", " ")),
            "low": min(begin, end),
            "high": max(begin, end),
            "told": told.replace("-", "\N{MINUS SIGN}"),
            "what": what,
        }


STEPS = {
    "avoided_at_price": "avoided, at its prices",
    "added_care_elsewhere": "added care elsewhere",
    "stays_in_the_budget": "stays in the budget",
    "paid_for_others_who_use_it": "paid for others who use it",
    "passed_on_by_rates": "passed on when rates are re-set",
    "avoided_at_average_cost": "avoided, at average cost",
    "used_by_others": "capacity used by others",
    "fixed_cost_that_stays": "fixed cost that stays",
    "released_in_blocks": "capacity closed in blocks",
    "true_saving": "true saving of the payer, as the contract counts it",
    "not_attributed": "not of attributed members, or not in full",
    "benchmark_error": "error of benchmark, attribution and late claims",
    "luck": "luck in claims (chance)",
    "losses_not_owed": "losses that a one-sided contract does not owe (chance)",
    "not_counted": "below the minimum, or a fee taken off first",
    "not_shared": "share that the payer keeps",
    "limits": "limits of the payment",
    "after_horizon": "due after the horizon",
    "to_others": "goes to others",
    "insolvent": "due when the network is insolvent",
}
RECEIVED = "received by the network"
UNTIL_INSOLVENT = "receipts less payments until insolvency"


# --- tables


def rest_on(run: Run, party: str) -> dict[str, str] | None:
    """How much of the revenue comes again, and on how many payers it rests."""
    again = run.spread("recurring_share", party, STRATEGY)
    index = run.spread("concentration", party, STRATEGY)
    if again is None or index is None:
        return None
    return {
        "recurring": percent(again.mean),
        "index": number(index.mean, 2),
        "like": number(1.0 / index.mean, 2) if index.mean > 0 else "no",
    }


def dues(run: Run, party: str) -> dict[str, Any] | None:
    """The corridor: what serving a member costs, what members would pay at most, what is asked."""
    names = ("lowest_dues", "highest_dues", "dues_per_member", "dues_within_corridor")
    low, high, each, inside = (run.spread(name, party, STRATEGY) for name in names)
    if low is None or high is None or each is None or inside is None:
        return None
    return {"low": low, "high": high, "each": each, "inside": chance(inside.mean)}


def payback(run: Run, g: Gain) -> str:
    """A month only where most draws have one: else it would be that of the lucky ones."""
    share = f"in {100 * g.pays_back:.0f} of 100 draws"
    if g.outlay is None:
        return ""
    if g.payback is None or g.pays_back <= 0.0:
        return "never"
    if g.pays_back < money.MOST:
        return f"only {share}"
    return f"{short_month_at(run.summary['start'], g.payback.p50)}, {share}"


def irr(g: Gain) -> str:
    if g.outlay is None:
        return ""
    if g.irr is None or g.irr_known < money.MOST:
        return "none" if g.irr_known <= 0 else f"in {100 * g.irr_known:.0f} of 100 draws only"
    return f"{percent(g.irr.p50)} a year"


def returns(g: Gain) -> tuple[str, str]:
    """ROI gross with net in brackets; the interval of gross, or the share of draws that have it."""
    gross, net = g.roi_gross, g.roi_net
    if gross is None or net is None:
        return "", ""
    between = f"{two(gross.p05)} to {two(gross.p95)}" if gross.sd > TINY else ""
    if g.roi_known < 1.0:
        between = f"in {100 * g.roi_known:.0f} of 100 draws"
    return f"{two(gross.mean)} ({two(net.mean)})", between


def two(x: float) -> str:
    """Two decimals, and never -0.00."""
    return f"{round(x, 2) + 0.0:.2f}"


def pockets(run: Run) -> dict[str, Any] | None:
    """Service by party, sums of yearly means, with what each party puts in."""
    found = run.years("pocket")
    if not found:
        return None
    cells = {tuple(key.split(".", 1)): s for key, s in found.items()}
    services = [s for s in run.scenario["services"] if any(key[0] == s for key in cells)]
    put = {m: run.years(m) for m in ("put_into_programmes", "put_into_network", "net_cash")}
    there = {key[1] for key in cells} | set(put["put_into_programmes"]) | set(put["net_cash"])
    parties = [p for p in run.scenario["parties"] if p in there]
    sums = {key: float(s.mean.sum()) for key, s in cells.items()}
    most = max(map(abs, sums.values()), default=1.0) or 1.0
    rows, own = [], money.accounts(run)
    for party in parties:
        mine = {s: sums.get((s, party)) for s in services}
        paid = {m: _total(series.get(party)) for m, series in put.items()}
        saves = sum(x for x in mine.values() if x is not None)
        paid_in = paid["put_into_programmes"] + paid["put_into_network"]
        if max(abs(saves), abs(paid_in), abs(paid["net_cash"])) < DUST:
            continue
        rows.append(
            {
                "name": run.name(party),
                "cells": [(x, heat(x, most)) for x in mine.values()],
                **paid,
                "free": saves > DUST and paid_in < DUST and gains_for_sure(run, party),
                "own": party in own,
            }
        )
    years = next(iter(found.values())).months
    yearly = [
        {
            "name": f"{run.name(party)}: {run.name(service)}",
            "cells": [(float(x), heat(float(x), _peak(cells))) for x in s.mean],
        }
        for (service, party), s in cells.items()
        if np.abs(s.mean).max() > DUST
    ]
    names = [run.name(s) for s in services]
    return {"services": names, "rows": rows, "years": years, "yearly": yearly}


def gains_for_sure(run: Run, party: str) -> bool:
    """Whether the interval of its net cash lies above zero."""
    net = run.spread("net_cash", party, DIFFERENCE)
    return run.enough and net is not None and net.p05 > DUST


def _peak(cells: dict[tuple[str, ...], Series]) -> float:
    return max(float(np.abs(s.mean).max()) for s in cells.values()) or 1.0


def _total(series: Series | None) -> float:
    return 0.0 if series is None else float(series.mean.sum())


def heat(x: float | None, most: float) -> str:
    """A background: blue for avoided, orange for more spending, stronger for more."""
    if x is None or abs(x) < DUST:
        return ""
    strength = 0.08 + 0.42 * min(1.0, abs(x) / most) ** 0.5
    return f"rgba({'0,114,178' if x > 0 else '213,94,0'},{strength:.2f})"


def groups(run: Run) -> Iterator[dict[str, Any]]:
    """Who is reached and who benefits, by group."""
    for group in run.subjects("reached"):
        yield {
            "name": group,
            "reached": run.spread("reached", group),
            "before": run.spread("rescue_cost_per_person_year", group, USUAL),
            "avoided": run.spread("avoided_per_person_year", group),
        }
