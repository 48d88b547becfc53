"""Convergence and chance in words: how far headlines depend on the draws, and on luck."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .rundata import Run
from .wording import listed, number, percent, short_money

LABELS = {
    "p_insolvent": "chance of insolvency",
    "runway_months": "runway",
    "closing_gap": "gap",
    "npv": "net present value",
    "contract_payment": "payment of",
    "avoided_rescue_spending": "avoided rescue spending",
    "net_saving": "net saving",
}
NOBODY = ("all",)  # who need not be named


def topics(run: Run) -> list[tuple[str, str]]:
    """(topic, words) for the terminal and the page's method section."""
    found = [("Draws", told)] if (told := stable(run)) else []
    return found + ([("Chance", told)] if (told := chance(run)) else [])


def stable(run: Run) -> str:
    """Whether the headlines would stay where they are with other draws."""
    about = run.summary.get("convergence")
    if not about or not about["headlines"]:
        return ""
    rows = about["headlines"]
    loose = [row for row in rows if not row["stable"]]
    if not loose:
        worst = max((r for r in rows if r["kind"] == "mean"), key=_relative, default=None)
        tail = f"; the largest error: {_error(worst)}" if worst else ""
        return f"{about['draws']:,} are enough for all {len(rows)} headlines{tail}."
    named = listed(f"{name(run, row)} ({_error(row)})" for row in loose[:3])
    more = f" and {len(loose) - 3} more" if len(loose) > 3 else ""
    return (
        f"{about['draws']:,} leave {len(loose)} of {len(rows)} headlines loose: {named}{more}; "
        f"about {about['draws_needed']:,} would settle all."
    )


def _relative(row: dict[str, Any]) -> float:
    return float(row["mcse"] / abs(row["mean"])) if row["mean"] else 0.0


def _error(row: dict[str, Any]) -> str:
    """What is known of a headline by sampling alone."""
    if row["kind"] == "chance":
        return f"{percent(row['low'])} to {percent(row['high'])}"
    return f"{amount(row['mean'], row['unit'])} ± {amount(row['mcse'], row['unit'])}"


def chance(run: Run) -> str:
    """Of what varies, how much is chance; nothing from a single replicate."""
    about = run.summary.get("chance")
    if not about:
        return ""
    found = {(row["metric"], row["party"]): row for row in about["shares"] if row["headline"]}
    order = [(row["metric"], row["party"]) for row in run.summary["convergence"]["headlines"]]
    first, *others = [found[key] for key in order if key in found] or [None]
    if first is None:
        return "no headline varies."
    told = (
        f"of the variance of {name(run, first)}, {_share(first)} is chance (awards, claims), "
        f"{whole(first['parameters'])} % is what is uncertain about the inputs. "
    )
    if others:
        rest = listed(f"{name(run, row)} {_share(row)}" for row in others)
        told += f"Chance in the variance of others: {rest}. "
    lucks = f"{about['replicates']} lucks of each of {about['parameter_draws']:,} draws"
    return f"{told}From {lucks}, ± one standard error."


def _share(row: dict[str, Any]) -> str:
    error = f" ± {number(100 * row['se'], 2)}" if row["se"] >= 0.0005 else ""
    return f"{whole(row['chance'])} %{error}"


def whole(share: float) -> str:
    """34; below 1 and above 99 only where it is not all or nothing."""
    if 0.0 < share < 0.005:
        return "<1" if share > 1e-9 else "0"
    if 0.995 < share < 1.0:
        return ">99" if share < 1.0 - 1e-9 else "100"
    return f"{100 * share:.0f}"


def name(run: Run, row: dict[str, Any]) -> str:
    """net present value (The community network)"""
    words = str(LABELS.get(row["metric"], row["metric"].replace("_", " ")))
    if row["party"] in NOBODY:
        return words
    label = "society" if row["party"] == "society" else contract(run, row["party"])
    return f"{words} {label}" if words.endswith(" of") else f"{words} ({label})"


def contract(run: Run, key: str) -> str:
    """What people call a party or contract."""
    if key in run.names:
        return run.name(key)
    money = run.scenario.get("financing") or {}
    about = (money.get("contracts") or {}).get(key)
    return str(about["name"]) if isinstance(about, dict) and "name" in about else key


def amount(x: float, unit: str) -> str:
    if unit.startswith("USD"):
        return short_money(x)
    return f"{number(x)} {unit}" if unit != "1" else number(x)


# --- the page


def rows(run: Run) -> Iterator[dict[str, Any]]:
    """One row a headline for the page's table: error, intervals, and what it would take."""
    about = run.summary.get("convergence") or {"headlines": []}
    shares = {
        (r["metric"], r["party"], r["strategy"]): r
        for r in (run.summary.get("chance") or {"shares": []})["shares"]
    }
    for row in about["headlines"]:
        share = shares.get((row["metric"], row["party"], row["strategy"]))
        chances = row["kind"] == "chance"

        def told(x: float, chances: bool = chances, unit: str = row["unit"]) -> str:
            return percent(x) if chances else amount(x, unit)

        yield {
            "name": name(run, row),
            "mean": told(row["mean"]),
            "mcse": told(row["mcse"]),
            "between": _range(told(row["low"]), told(row["high"])),
            "p05": "–" if chances else _ends(row["p05_between"], row["unit"]),
            "p95": "–" if chances else _ends(row["p95_between"], row["unit"]),
            "stable": "yes" if row["stable"] else f"no: about {row['draws_needed']:,} draws",
            "chance": f"{whole(share['chance'])} %" if share else "–",
        }


def _range(low: str, high: str) -> str:
    """50 to 56.4 months; 37 months where both ends read the same"""
    unit = f" {high.split(' ', 1)[1]}" if " " in high else ""
    return high if low == high else f"{low.removesuffix(unit)} to {high}"


def _ends(between: list[float | None], unit: str) -> str:
    low, high = between
    if low is None and high is None:
        return "–"
    if low is None or high is None:
        return f"{'below' if low is None else 'above'} {amount(high if low is None else low, unit)}"  # type: ignore[arg-type]
    return _range(amount(low, unit), amount(high, unit))


NOTE = (
    "Error: the standard error of the mean, sd / √draws (with replicates of chance, of the draws' "
    "means), as if draws were independent: those of a Latin hypercube or Sobol sequence do better. "
    "95 % intervals: of the mean ± 1.96 errors, of a "
    "chance Wilson's, of a percentile from the draws around it. Settled: the error is below 1 % of "
    "the 90 % interval or 5 % of the mean; a chance is known within 5 points. More draws settle "
    "what was computed, not whether the inputs are right."
)
