"""From published studies to the ratio that a new site may expect.

The rules of docs/evidence.md in the order in which they act, every step kept with its numbers:
1 ratio and 2 standard error (study_effect.py), 5 offered to enrolled, 3 design discount,
4 random effects and the predictive distribution of a new site. Rule 6 needs the scenario's need
levels and stands with the engine. Everything is on the natural-log ratio.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations
from math import exp, inf, log, sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from .evidence import EvidenceError, Registry
from .evidence_records import Finding, Rules
from .study_effect import Step, ratio_estimate, refusal, standard_error

Floats = NDArray[np.float64]
Comparator = Mapping[str, float] | float | None
# Studies with a standard error of their own from which the between-study sd is estimated.
MIN_KNOWN = 3


class Pooled(NamedTuple):
    """Random-effects mean on the log scale, and what it was made of."""

    k: int
    mean: float
    se: float
    se_dl: float
    se_hk: float
    tau: float
    tau_from: str
    df: float
    q: float
    i2: float
    weights: tuple[float, ...]


class Summary(NamedTuple):
    """Percentiles and mean of the ratio at a new site."""

    p05: float
    median: float
    p95: float
    mean: float


@dataclass(frozen=True)
class StudyRow:
    """One finding on its way: as published, as a ratio, corrected, discounted, weighed."""

    id: str
    label: str
    metric: str
    value: float | None
    low: float | None
    high: float | None
    unit: str | None
    status: str
    ratio: float
    how: str
    se: float
    se_from: str
    uptake: str
    enrolled_ratio: float
    enrolled_se: float
    discount: float
    y: float
    weight: float
    steps: tuple[Step, ...]


@dataclass(frozen=True)
class Synthesis:
    """Predictive distribution of the ratio at a new site, with the rows that it rests on."""

    rows: tuple[StudyRow, ...]
    k: int
    tau: float
    tau_from: str
    mean_log: float
    se: float
    df: float
    scale: float
    low_bound: float
    high_bound: float
    q: float
    i2: float
    assumptions: tuple[str, ...] = field(repr=False)

    def quantile(self, u: ArrayLike) -> Floats:
        """Ratio at probability u in [0, 1], truncated to the bounds; shape as u."""
        low, high = (self._cdf(log(b)) for b in (self.low_bound, self.high_bound))
        if high - low < 1e-12:  # the whole distribution lies beyond one bound
            low = high = 0.5
        p = low + np.asarray(u, dtype=np.float64) * (high - low)
        z = special.ndtri(p) if self.df == inf else special.stdtrit(self.df, p)
        ratio: Floats = np.exp(self.mean_log + self.scale * z)
        return ratio.clip(self.low_bound, self.high_bound)

    def summary(self) -> Summary:
        """Percentiles, and the mean over 10,000 equal steps of probability."""
        p05, median, p95 = self.quantile([0.05, 0.5, 0.95]).tolist()
        mean = self.quantile((np.arange(10_000) + 0.5) / 10_000).mean()
        return Summary(p05, median, p95, float(mean))

    def _cdf(self, y: float) -> float:
        z = (y - self.mean_log) / self.scale
        return float(special.ndtr(z) if self.df == inf else special.stdtr(self.df, z))


def synthesise(
    registry: Registry,
    ids: Sequence[str],
    *,
    comparator_rate: Comparator = None,
    acceptance: float,
    discounts: Mapping[str, float] | None = None,
    assumed_tau: float | None = None,
) -> Synthesis:
    """Pool the findings `ids` into what a new site may expect of those whom it enrols.

    comparator_rate: one number, or finding id -> number, in `comparator_unit(finding)`.
    acceptance: share of the offered who enrol, used where a study publishes no uptake.
    discounts: design class or finding id -> share of the log ratio that is believed.
    """
    rules = registry.rules
    findings = _distinct([registry.finding(name) for name in ids])
    _check_share("acceptance", acceptance)
    _check_keys(findings, comparator_rate, discounts, rules)
    tau = rules.assumed_tau.value if assumed_tau is None else assumed_tau
    rows = [_row(f, comparator_rate, acceptance, discounts or {}, rules) for f in findings]
    known = sum(row.discount > 0 and row.se_from != "assumption" for row in rows)
    given = assumed_tau is not None
    pooled = random_effects(*_used(rows), tau, known=known, given=given)
    return _synthesis(rows, pooled, rules, known)


def follow_up_months(registry: Registry, ids: Sequence[str]) -> float | None:
    """Simple mean of the known follow-ups, months; None if no finding has one."""
    known = [m for name in ids if (m := registry.finding(name).follow_up_months) is not None]
    return sum(known) / len(known) if known else None


# --- Rule 5: from everybody offered to those enrolled


class Enrolled(NamedTuple):
    """The ratio among the enrolled with its standard error."""

    ratio: float
    se: float
    text: str
    steps: tuple[Step, ...]


def to_enrolled(finding: Finding, y: float, se: float, acceptance: float, floor: float) -> Enrolled:
    """R_enrolled = 1 - (1 - R)/u (Bloom 1984); se by the delta method: se R / (u R_enrolled)."""
    ratio, published = exp(y), finding.study.uptake
    if finding.counted_from != "offered":
        text = f"counted from the {finding.counted_from}: unchanged"
        return Enrolled(ratio, se, text, (Step(5, text),))
    uptake = acceptance if published is None else published
    raised = 1 - (1 - ratio) / uptake
    enrolled = max(raised, floor)
    source = "the scenario's acceptance" if published is None else "published"
    text = f"offered to enrolled, uptake {uptake:.3g} ({source}): 1 - (1 - R)/u = {raised:.4f}"
    if enrolled > raised:
        text += f", bounded at {floor:g}"
    step = Step(5, text, assumed=published is None or enrolled > raised)
    return Enrolled(enrolled, se * ratio / (uptake * enrolled), text, (step,))


# --- Rule 3: design discount


def discount_of(finding: Finding, discounts: Mapping[str, float], rules: Rules) -> float:
    """Share of the log ratio that is believed: by finding, else by design, else the default."""
    default = rules.design_discounts[finding.design_class].value
    return discounts.get(finding.id, discounts.get(finding.design_class, default))


def _discount_step(finding: Finding, discount: float) -> Step:
    text = f"{finding.design_class}: log ratio x {discount:g}, se unchanged"
    if discount == 0:
        text = f"{finding.design_class}: excluded (not evidence of no effect)"
    return Step(3, text, assumed=finding.design_class != "randomised" or discount != 1)


# --- Rule 4: random effects and a new site


def random_effects(
    y: Sequence[float],
    se: Sequence[float],
    assumed_tau: float,
    *,
    known: int | None = None,
    given: bool = False,
) -> Pooled:
    """DerSimonian-Laird tau^2, Hartung-Knapp standard error but never below the usual one.

    known: how many of the standard errors are no assumption (all, unless said). With fewer than
    three, tau is not below the assumed one and the distribution is normal (df infinite): wide
    guesses would otherwise hide that studies differ. given: the assumed tau is used as it is.
    DerSimonian & Laird 1986; Hartung & Knapp 2001; safeguard: Röver et al. 2015.
    """
    values, errors = np.asarray(y, dtype=np.float64), np.asarray(se, dtype=np.float64)
    _check_pool(values, errors, assumed_tau)
    k = len(values)
    q, dl = _between(values, errors)
    known = k if known is None else known
    estimated = known >= MIN_KNOWN and not given
    tau = sqrt(dl) if estimated else assumed_tau if given else max(sqrt(dl), assumed_tau)
    weights = 1 / (errors**2 + tau**2)
    mean = float(weights @ values / weights.sum())
    se_dl = float(1 / np.sqrt(weights.sum()))
    spread = float(weights @ (values - mean) ** 2)
    se_hk = sqrt(spread / (k - 1)) * se_dl if k > 1 else 0.0
    i2 = max(0.0, (q - (k - 1)) / q) if q > 0 else 0.0
    from_data = estimated or sqrt(dl) > assumed_tau
    tau_from = "given" if given else "DerSimonian-Laird" if from_data else "assumption"
    df = k - 1.0 if known >= MIN_KNOWN else inf
    shares = tuple((weights / weights.sum()).tolist())
    return Pooled(k, mean, max(se_dl, se_hk), se_dl, se_hk, tau, tau_from, df, q, i2, shares)


def _between(y: Floats, se: Floats) -> tuple[float, float]:
    """Cochran's Q and tau^2 = max(0, (Q - (k - 1)) / (S1 - S2/S1))."""
    w = 1 / se**2
    q = float(w @ (y - w @ y / w.sum()) ** 2)
    spare = float(w.sum() - w @ w / w.sum())
    return q, max(0.0, (q - (len(y) - 1)) / spare) if spare > 0 else 0.0


# --- Assembly


def _row(
    finding: Finding,
    comparator: Comparator,
    acceptance: float,
    discounts: Mapping[str, float],
    rules: Rules,
) -> StudyRow:
    given = comparator.get(finding.id) if isinstance(comparator, Mapping) else comparator
    effect = ratio_estimate(finding, given)
    error = standard_error(finding, effect.value, given, rules)
    floor = rules.ratio_bounds.low
    enrolled = to_enrolled(finding, effect.value, error.value, acceptance, floor)
    discount = discount_of(finding, discounts, rules)
    last = _discount_step(finding, discount)
    return StudyRow(
        id=finding.id,
        label=finding.label,
        metric=finding.metric,
        value=finding.value,
        low=finding.low,
        high=finding.high,
        unit=finding.unit,
        status=finding.status,
        ratio=exp(effect.value),
        how=effect.source,
        se=error.value,
        se_from=error.source,
        uptake=enrolled.text,
        enrolled_ratio=enrolled.ratio,
        enrolled_se=enrolled.se,
        discount=discount,
        y=discount * log(enrolled.ratio),
        weight=0.0,
        steps=(*effect.steps, *error.steps, *enrolled.steps, last),
    )


def _synthesis(rows: Sequence[StudyRow], pooled: Pooled, rules: Rules, known: int) -> Synthesis:
    return Synthesis(
        rows=_weighed(rows, pooled.weights),
        k=pooled.k,
        tau=pooled.tau,
        tau_from=pooled.tau_from,
        mean_log=pooled.mean,
        se=pooled.se,
        df=pooled.df,
        scale=sqrt(pooled.tau**2 + pooled.se**2),
        low_bound=rules.ratio_bounds.low,
        high_bound=rules.ratio_bounds.high,
        q=pooled.q,
        i2=pooled.i2,
        assumptions=_assumptions(rows, pooled, known),
    )


def _used(rows: Sequence[StudyRow]) -> tuple[list[float], list[float]]:
    """Log ratios and standard errors of the rows that a discount does not exclude."""
    used = [(row.y, row.enrolled_se) for row in rows if row.discount > 0]
    if not used:
        names = ", ".join(row.id for row in rows)
        raise EvidenceError(
            f"{names}: excluded by design, so no evidence is left (not evidence of no effect); "
            "allowed: a controlled study, a discount above 0, or a stated ratio"
        )
    return [y for y, _ in used], [se for _, se in used]


def _weighed(rows: Sequence[StudyRow], weights: Sequence[float]) -> tuple[StudyRow, ...]:
    left = iter(weights)
    return tuple(replace(row, weight=next(left)) if row.discount > 0 else row for row in rows)


def _assumptions(rows: Sequence[StudyRow], pooled: Pooled, known: int) -> tuple[str, ...]:
    lines = [f"{row.id}: {step.text}" for row in rows for step in row.steps if step.assumed]
    lines += [f"{row.id}: unverified in its source" for row in rows if row.status != "verified"]
    if pooled.tau_from == "given":
        lines.append(f"between-study sd {pooled.tau:g}: given by the scenario")
    if pooled.tau_from == "assumption":
        least = f"at least {pooled.tau:.3g}" if pooled.k >= MIN_KNOWN else f"{pooled.tau:g}"
        why = f"{known} of {MIN_KNOWN} studies needed have a standard error of their own"
        lines.append(f"between-study sd {least} (default): {why}")
    return tuple(lines)


# --- Refusals


def _distinct(findings: Sequence[Finding]) -> Sequence[Finding]:
    """The findings, unless two of them count the same people twice."""
    if not findings:
        raise EvidenceError("no finding given; allowed: one or more ids such as E005")
    for first, second in combinations(findings, 2):
        if _same_people(first, second):
            where = f"{first.study.id} and {second.study.id}"
            wrong = f"counts the same people as {first.id} ({where})"
            raise refusal(second, wrong, "one finding of a study for one effect")
    return findings


def _same_people(one: Finding, other: Finding) -> bool:
    a, b = one.study, other.study
    return a.id == b.id or a.id in b.overlaps or b.id in a.overlaps


def _check_share(name: str, value: float) -> None:
    if not 0 < value <= 1:
        raise EvidenceError(f"{name} is {value:g}; allowed: above 0, at most 1")


def _check_keys(
    findings: Sequence[Finding],
    comparator: Comparator,
    discounts: Mapping[str, float] | None,
    rules: Rules,
) -> None:
    names = {finding.id for finding in findings}
    if isinstance(comparator, Mapping):
        _check_known("comparator_rate", comparator, names)
    _check_known("discounts", discounts or {}, names | set(rules.design_discounts))
    for key, value in (discounts or {}).items():
        if not 0 <= value <= 1:
            raise EvidenceError(f"discount of {key} is {value:g}; allowed: 0 to 1")


def _check_known(what: str, given: Mapping[str, float], known: set[str]) -> None:
    for key in given:
        if key not in known:
            raise EvidenceError(f"{what}: {key!r} is unknown; allowed: {', '.join(sorted(known))}")


def _check_pool(y: Floats, se: Floats, tau: float) -> None:
    if len(y) == 0 or y.shape != se.shape:
        raise EvidenceError(f"{len(y)} effects with {len(se)} standard errors; allowed: as many")
    if not (np.isfinite(y).all() and np.isfinite(se).all() and (se > 0).all() and tau >= 0):
        raise EvidenceError("effects must be finite, standard errors above 0 and tau 0 or more")
