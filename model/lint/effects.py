"""Rules on effects: above the trials, without a counterfactual, outlasting the evidence."""

from __future__ import annotations

from collections.abc import Iterator
from math import exp, log
from typing import NamedTuple

from model.evidence import EvidenceError
from model.evidence_records import Finding as Published
from model.scenario import Effect, Intervention
from model.study_effect import UNUSABLE, Z95
from model.synthesis import synthesise

from .case import Case, Finding, percent, said

NEVER_ALONE = ("uncontrolled", "simulation")


def ratio_of(case: Case, name: str, service: str) -> float:
    """The ratio on use among the enrolled: as stated, the predictive median, or another's."""
    effect = case.scenario.interventions[name].effects[service]
    if effect.follows is not None:
        return ratio_of(case, name, effect.follows)
    if effect.ratio is not None:
        return effect.ratio.central
    return float(case.loaded.effects[f"interventions.{name}.effects.{service}"].quantile([0.5])[0])


def above_trials(case: Case) -> Iterator[Finding]:
    """More favourable than the most favourable limit of any trial of the like on the service."""
    for name, programme in case.scenario.interventions.items():
        for service in programme.effects:
            ratio, best = ratio_of(case, name, service), best_trial(case, name, service)
            if best is None or ratio >= min(best.ratio, 1.0) - 1e-9:
                continue
            where = "of the like" if best.like else "of any intervention; none is of the like"
            yield case.finding(
                "effect_above_trials",
                ("interventions", name, "effects", service),
                f"ratio {ratio:.2f} ({percent(1 - ratio)} less use)",
                f"ratio {best.ratio:.2f}, {best.what}",
                f"{best.finding.id}, {best.finding.label} (trials {where})",
                "No randomised trial on this service leaves room for so large an effect. Is it "
                "measured against people who were not served?",
            )


class Best(NamedTuple):
    """The most favourable limit among some trials."""

    ratio: float
    interval: bool  # or the estimate, where no interval can be had
    finding: Published
    like: bool  # of the same kind of intervention

    @property
    def what(self) -> str:
        return "its most favourable 95 % limit" if self.interval else "its estimate (no interval)"


def best_trial(case: Case, name: str, service: str) -> Best | None:
    """Among trials of the like on the service or an analogue; else of anything on them."""
    kind = case.kind_of(name)
    near = {service, *case.limits.analogues.get(service, ())}
    programme = case.scenario.interventions[name]
    found: list[Best] = []
    for trial in case.registry.findings.values():
        if _is_trial(trial) and near & set(trial.services):
            limit = _limit(case, trial, programme, programme.effects[service])
            like = kind is not None and trial.study.category in kind.categories
            found += [] if limit is None else [Best(*limit, trial, like)]
    closest = [best for best in found if best.like] or found
    return min(closest, key=lambda best: best.ratio, default=None)


def _is_trial(finding: Published) -> bool:
    return finding.design_class == "randomised" and finding.metric not in UNUSABLE


def _limit(
    case: Case, finding: Published, programme: Intervention, effect: Effect
) -> tuple[float, bool] | None:
    """The ratio among the enrolled at the favourable end, and whether it is that of an interval.

    A study that publishes nothing to take a standard error from counts with its estimate.
    """
    rate = {k: v for k, v in effect.comparator_rate.items() if k == finding.id}
    try:
        found = synthesise(
            case.registry,
            [finding.id],
            comparator_rate=rate or None,
            acceptance=programme.acceptance.central,
        )
    except EvidenceError:
        return None
    row = found.rows[0]
    if row.se_from == "assumption":
        return row.enrolled_ratio, False
    return exp(log(row.enrolled_ratio) - Z95 * row.enrolled_se), True


def no_counterfactual(case: Case) -> Iterator[Finding]:
    """Effects that rest on before and after, on belief beyond the rules, or on no source."""
    for name, programme in case.scenario.interventions.items():
        for service, effect in programme.effects.items():
            if effect.ratio is not None:
                yield from _unsourced(case, name, service)
            elif effect.evidence:
                yield from _weak_designs(case, name, service)


def _unsourced(case: Case, name: str, service: str) -> Iterator[Finding]:
    ratio = case.scenario.interventions[name].effects[service].ratio
    if ratio is not None and ratio.central < 1.0 and not ratio.sourced:
        yield case.finding(
            "no_counterfactual",
            ("interventions", name, "effects", service, "ratio"),
            f"ratio {ratio.central:.2f}, {said(ratio)}",
            "1, or a study with people who were not served",
            "docs/evidence.md: an effect comes from a study, nulls included",
            "A saving that no study stands behind. `headwater evidence --service "
            f"{service}` lists the studies.",
        )


def _weak_designs(case: Case, name: str, service: str) -> Iterator[Finding]:
    at = ("interventions", name, "effects", service)
    rows = [r for r in case.loaded.effects[".".join(at)].rows if r.discount > 0.0]
    designs = {row.id: case.registry.finding(row.id).design_class for row in rows}
    usual = case.registry.rules.design_discounts
    ids = ", ".join(designs)
    if all(design in NEVER_ALONE for design in designs.values()):
        yield case.finding(
            "no_counterfactual",
            (*at, "evidence"),
            f"{ids}: {' and '.join(sorted(set(designs.values())))} only",
            "one study with a comparison group, or more",
            f"rules.yaml: {usual['uncontrolled'].reason}",
            "Before and after without a comparison group: people picked for high use come down by "
            "themselves (regression to the mean).",
        )
        return
    for row in rows:
        least = usual[designs[row.id]]
        if row.discount > least.value + 1e-9:
            yield case.finding(
                "no_counterfactual",
                (*at, "discounts"),
                f"{row.id} ({designs[row.id]}) believed at {percent(row.discount)}",
                percent(least.value),
                f"rules.yaml: {least.reason}",
                "A study without randomisation is believed more than the rules believe it.",
            )


class Followed(NamedTuple):
    """How long the studies cited were followed."""

    months: float  # the longest known; what the scenario states where a study does not say
    which: str  # the finding that was followed so long; empty where it is only stated
    known: bool  # every study says


def followed(case: Case, programme: Intervention) -> Followed:
    findings = [case.registry.finding(c) for e in programme.effects.values() for c in e.evidence]
    known = [(f.follow_up_months, f.id) for f in findings if f.follow_up_months is not None]
    months, which = max(known, default=(0.0, ""))
    every, stated = bool(findings) and len(known) == len(findings), programme.follow_up.central
    if not every and stated >= months:
        return Followed(stated, "", every)
    return Followed(months, which, every)


def outlasts_evidence(case: Case) -> Iterator[Finding]:
    """Effects used for longer than anybody looked."""
    for name, programme in case.scenario.interventions.items():
        yield from _persists(case, name, programme)
        yield from _overstated(case, name, programme)
        yield from _stretched(case, name, programme)


def _persists(case: Case, name: str, programme: Intervention) -> Iterator[Finding]:
    limit, months = case.limits["persistence"], programme.persistence.central
    if months > limit.value:
        yield case.finding(
            "effect_outlasts_evidence",
            ("interventions", name, "persistence"),
            f"{months:.3g} months after completion",
            f"{limit.value:g} months",
            limit.told,
            "The effect lasts longer after the programme's end than any study has seen.",
        )


def _overstated(case: Case, name: str, programme: Intervention) -> Iterator[Finding]:
    f, stated = followed(case, programme), programme.follow_up.central
    if f.known and stated > f.months + 0.5:
        yield case.finding(
            "effect_outlasts_evidence",
            ("interventions", name, "follow_up"),
            f"{stated:.3g} months",
            f"{f.months:g} months, the longest cited",
            f"{f.which}, {case.registry.finding(f.which).label}",
            "The follow-up stated is longer than that of any study cited.",
        )


def _stretched(case: Case, name: str, programme: Intervention) -> Iterator[Finding]:
    limit, f = case.limits["stretch"], followed(case, programme)
    lasts = programme.duration.central + programme.persistence.central
    if lasts > limit.value * f.months:
        yield case.finding(
            "effect_outlasts_evidence",
            ("interventions", name, "duration"),
            f"{lasts:.3g} months enrolled and protected, "
            f"{lasts / f.months:.1f} times the longest follow-up",
            f"{limit.value:g} times {f.months:g} months ({f.which or 'as stated'})",
            limit.told,
            "The effect is taken to stay as it was measured for far longer than it was measured.",
        )
