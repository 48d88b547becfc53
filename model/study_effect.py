"""From one published number to a log ratio (rule 1) and its standard error (rule 2).

The rules stand in docs/evidence.md. Everything is on the natural-log ratio; a ratio below 1 is
less use.
"""

from __future__ import annotations

from math import exp, log, nan, sqrt
from typing import NamedTuple

from scipy import special

from .evidence import EvidenceError
from .evidence_records import Finding, Rules

Z95 = 1.959964
"""97.5th percentile of the normal distribution: half a 95 % interval in standard errors."""

UNUSABLE = {
    "abs_diff_prepost": "a change before to after holds regression to the mean",
    "direction": "only the direction was published",
    "icer": "a cost-effectiveness ratio is no effect on use",
    "lag": "a lag is a time, not an effect",
    "level": "a level describes one group and compares nothing",
    "programme_cost": "a cost of the programme is no effect on use",
    "roi": "a return on investment mixes effect, price and cost",
    "share": "a share describes one group and compares nothing",
}
"""Metrics that cannot be used as an effect, and why."""


class Step(NamedTuple):
    """One step from a publication to a number; `assumed` marks what no source says."""

    rule: int
    text: str
    assumed: bool = False


class Estimate(NamedTuple):
    """A log ratio or a standard error (`value`) and how it came about."""

    value: float
    source: str
    steps: tuple[Step, ...]


def comparator_unit(finding: Finding) -> str:
    """The unit in which a comparator's rate is given for this finding."""
    if finding.metric == "abs_diff" or (finding.metric == "null" and finding.value):
        return finding.unit or "the finding's own unit"
    if finding.metric == "odds_ratio" or finding.measure == "share":
        return "share from 0 to 1"
    return "events per person-year"


def refusal(finding: Finding, wrong: str, allowed: str = "another finding") -> EvidenceError:
    """The error that names the finding, what is wrong with it and what is allowed."""
    return EvidenceError(f"{finding.id} ({finding.outcome}) {wrong}; allowed: {allowed}")


# --- Rule 1: a published number as a ratio


def log_ratio(finding: Finding, comparator_rate: float | None) -> tuple[float, tuple[Step, ...]]:
    """Natural log of the effect as a ratio, and the steps to it."""
    estimate = ratio_estimate(finding, comparator_rate)
    return estimate.value, estimate.steps


def ratio_estimate(finding: Finding, given: float | None) -> Estimate:
    _check_usable(finding)
    if finding.metric == "null" and (finding.value is None or not _convertible(finding, given)):
        return _null(finding)
    if finding.value is None:
        raise refusal(finding, "has no point value", "a finding with one")
    rate, steps = _comparator(finding, given)
    ratio = _ratio(finding, finding.value, rate)
    if ratio <= 0:
        raise refusal(finding, f"gives the ratio {ratio:.3g}", "a ratio above 0")
    how = _how(finding, rate)
    return Estimate(log(ratio), how, (*steps, Step(1, f"{how} = {ratio:.4f}")))


def _check_usable(finding: Finding) -> None:
    if finding.metric in UNUSABLE:
        raise refusal(finding, f"has the metric {finding.metric}: {UNUSABLE[finding.metric]}")
    if finding.net_of_programme:
        raise refusal(finding, "is net of the programme's cost, which would count twice")


def _null(finding: Finding) -> Estimate:
    value = "no value" if finding.value is None else f"{finding.value:g} {finding.unit}"
    how = f"no significant effect, {value}: ratio 1"
    return Estimate(0.0, how, (Step(1, how),))


def _convertible(finding: Finding, given: float | None) -> bool:
    """A null's value is points: it needs a rate of the same outcome beside it."""
    has_rate = finding.comparator_rate is not None or given is not None
    return has_rate and finding.measure in {"share", "count", "days", "cost"}


def _ratio(finding: Finding, x: float, rate: float) -> float:
    """RR = OR / (1 - p0 + p0 OR); 1 + x/100; (c + x)/c; x. `rate` is c, or p0 as a share."""
    if finding.metric == "odds_ratio":
        return x / (1 - rate + rate * x)
    if finding.metric == "pct_change":
        return 1 + x / 100
    if finding.metric in {"abs_diff", "null"}:
        return (rate + x) / rate
    return x


def _how(finding: Finding, rate: float) -> str:
    x = finding.value
    if finding.metric == "odds_ratio":
        return f"odds ratio {x:g} at comparator risk {rate:.3g}: {x:g}/(1 - p0 + p0 {x:g})"
    if finding.metric == "pct_change":
        return f"{x:+g} %: 1 + ({x:g})/100"
    if finding.metric in {"abs_diff", "null"}:
        return f"difference {x:+g} on {rate:g}: ({rate:g} + ({x:g}))/{rate:g}"
    return f"{finding.metric.replace('_', ' ')} as published"


def _comparator(finding: Finding, given: float | None) -> tuple[float, tuple[Step, ...]]:
    """The comparator's rate in the unit that rule 1 needs; nan where it needs none."""
    if finding.metric not in {"odds_ratio", "abs_diff", "null"}:
        return nan, ()
    published = finding.comparator_rate
    if published is None and given is None:
        need = f"its comparator's rate ({comparator_unit(finding)})"
        raise refusal(finding, f"has the metric {finding.metric} without {need}", "comparator_rate")
    if published is not None:
        share = finding.metric == "odds_ratio"
        rate = published.value / 100 if share else published.value
        step = Step(1, f"comparator {published.value:g} {published.unit}, published")
    else:
        assert given is not None
        rate = given
        step = Step(1, f"comparator {given:g} ({comparator_unit(finding)}), given", assumed=True)
    return _checked_rate(finding, rate), (step,)


def _checked_rate(finding: Finding, rate: float) -> float:
    is_share = finding.metric == "odds_ratio"
    if rate > 0 and (rate < 1 or not is_share):
        return rate
    allowed = "a share between 0 and 1" if is_share else "a rate above 0"
    raise refusal(finding, f"has the comparator's rate {rate:g}", allowed)


# --- Rule 2: its standard error


def standard_error(
    finding: Finding, y: float, comparator_rate: float | None, rules: Rules
) -> Estimate:
    """Standard error of the log ratio: from the interval, else p, else n, else assumed."""
    return (
        _se_interval(finding, comparator_rate)
        or _se_p(finding, y)
        or _se_counts(finding, y, comparator_rate, rules)
        or _se_assumed(rules)
    )


def _se_interval(finding: Finding, given: float | None) -> Estimate | None:
    """(ln hi - ln lo) / (2 z), the limits turned into ratios as the estimate was."""
    low, high = finding.low, finding.high
    if finding.interval != "ci95" or low is None or high is None or finding.metric == "null":
        return None
    rate, _ = _comparator(finding, given)
    limits = _ratio(finding, low, rate), _ratio(finding, high, rate)
    if min(limits) <= 0:
        return None
    se = (log(max(limits)) - log(min(limits))) / (2 * Z95)
    text = f"interval {low:g} to {high:g}, as ratio {limits[0]:.4f} to {limits[1]:.4f}"
    return Estimate(se, "interval", (Step(2, f"{text}: se {se:.4f}"),))


def _se_p(finding: Finding, y: float) -> Estimate | None:
    """|y| / z(p), two-sided; a bound on p gives an se that is too wide, never too narrow."""
    if finding.p is None or y == 0:
        return None
    z = float(special.ndtri(1 - finding.p.value / 2))
    bound = finding.p.bound == "<"
    source = "p bound, conservative" if bound else "p"
    text = f"p {finding.p.bound} {finding.p.value:g}, z {z:.3f}: se {abs(y) / z:.4f}"
    return Estimate(abs(y) / z, source, (Step(2, text + (" at most" if bound else "")),))


def _se_counts(finding: Finding, y: float, given: float | None, rules: Rules) -> Estimate | None:
    """From the arms and a base rate: counts as Poisson, shares as binomial."""
    arms, rate = finding.study.arms, _base_rate(finding, given, rules)
    if arms is None or rate is None:
        return None
    if finding.measure == "share":
        return _se_share(arms, rate, exp(y)) if max(rate, rate * exp(y)) < 1 else None
    months = finding.follow_up_months
    if finding.measure != "count" or months is None:
        return None
    return _se_count(arms, rate, exp(y), months / 12, rules.frailty_variance.value)


def _se_count(
    arms: tuple[int, int], rate: float, ratio: float, years: float, frailty: float
) -> Estimate:
    """sqrt(1/(r0 n0 t) + 1/(R r0 n1 t) + v (1/n0 + 1/n1)); r0 events per person-year."""
    treated, control = arms
    events = rate * control * years, ratio * rate * treated * years
    se = sqrt(1 / events[0] + 1 / events[1] + frailty * (1 / control + 1 / treated))
    kind = f"frailty variance {frailty:g}" if frailty else "Poisson, a floor"
    text = f"{events[0]:.0f} and {events[1]:.0f} events expected, {kind}: se {se:.4f}"
    return Estimate(se, "n and base rate", (Step(2, text, assumed=True),))


def _se_share(arms: tuple[int, int], rate: float, ratio: float) -> Estimate:
    """sqrt((1 - p0)/(n0 p0) + (1 - p1)/(n1 p1))."""
    treated, control = arms
    p1 = rate * ratio
    se = sqrt((1 - rate) / (control * rate) + (1 - p1) / (treated * p1))
    text = f"share {p1:.4f} of {treated} against {rate:.4f} of {control}: se {se:.4f}"
    return Estimate(se, "n and base rate", (Step(2, text),))


def _base_rate(finding: Finding, given: float | None, rules: Rules) -> float | None:
    """The comparator's rate as a share, or as events per person-year; None if not known."""
    published = finding.comparator_rate
    value = published.value if published else given
    unit = published.unit if published else comparator_unit(finding)
    if value is None or value <= 0:
        return None
    if finding.measure == "share":
        return value if unit.startswith("share") else value / 100
    factors = {"events per person-year": 1.0, **rules.person_year_units.units}
    return value * factors[unit] if unit in factors else None


def _se_assumed(rules: Rules) -> Estimate:
    se = rules.assumed_se.value
    return Estimate(se, "assumption", (Step(2, f"nothing to take an se from: {se:g}", True),))
