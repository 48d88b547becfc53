"""Rules on savings: above what was published, average cost for avoidable cost."""

from __future__ import annotations

from collections.abc import Iterator

from .case import Case, Finding, dollars, percent, said
from .effects import ratio_of

SMALL_COST = 1.0  # USD: below it a programme is free


def above_analogue(case: Case) -> Iterator[Finding]:
    """Avoided spending a person-year served, above the closest published analogue."""
    for name in case.scenario.interventions:
        alone, kind = case.projection.alone(name), case.kind_of(name)
        own = kind.saving if kind else None
        limit = own or case.limits["default_saving"]
        most = case.priced(limit)
        if alone.served > 0.0 and alone.saving > most:
            year = case.scenario.prices.year
            yield case.finding(
                "saving_above_analogue",
                ("interventions", name),
                f"{dollars(alone.saving)} a person-year served, net of added care",
                f"{dollars(most)} at prices of {year}",
                limit.told,
                "Alone, and projected at central numbers, it saves payers more a person than the "
                "best published programme of its kind: what is different here?",
            )


def above_prior(case: Case) -> Iterator[Finding]:
    """A payer's whole saving, above what payers themselves expect."""
    limit = case.limits["payer_saving"]
    for party, rate in case.projection.savings_rates().items():
        if case.scenario.parties[party].other_care is not None and rate > limit.value:
            yield case.finding(
                "payer_saving_above_prior",
                ("parties", party),
                f"{percent(rate)} of all that it spends",
                percent(limit.value),
                limit.told,
                "It saves this payer more of its total spending than a payer would believe.",
            )


def above_published_return(case: Case) -> Iterator[Finding]:
    """Avoided less added care per programme dollar, above the published range."""
    for name in case.scenario.interventions:
        alone, kind = case.projection.alone(name), case.kind_of(name)
        own = kind.roi if kind else None
        limit = own or case.limits["default_return"]
        if alone.avoided <= 0.0 or alone.avoided <= limit.value * alone.cost:
            continue
        free = alone.cost < SMALL_COST
        found = "no cost at all" if free else f"{alone.avoided / alone.cost:.2f} USD per USD"
        yield case.finding(
            "return_above_published",
            ("interventions", name, "costs"),
            f"{found}; avoided less added care {dollars(alone.avoided)}",
            f"{limit.value:g} USD per USD",
            limit.told,
            "Is every cost in it: supervision, overhead, partners' time, rent?",
        )


def average_cost(case: Case) -> Iterator[Finding]:
    """A whole average cost, or more than can stop, counted as avoidable."""
    affected = {
        service
        for intervention, about in case.scenario.interventions.items()
        for service in about.effects
        if ratio_of(case, intervention, service) < 1.0
    }
    for name, service in case.scenario.services.items():
        if not service.rescue or name not in affected:
            continue
        at = ("services", name, "marginal_share")
        share, limit = service.marginal_share.central, case.limits.marginal_share(name)
        budgets = [p for p in _payers(case, name) if case.scenario.parties[p].pays == "budget"]
        whole = share >= 1.0 and service.back_fill.central == 0.0 and bool(budgets)
        above = service.capacity is None and share > limit.value + 1e-9
        concerned = budgets or service.provider is not None
        if not (whole or (above and concerned)):
            continue
        left = "" if case.is_written(at) else ", left at its default"
        bearer = ", ".join(budgets) or service.provider
        yield case.finding(
            "average_cost",
            at,
            f"{share:.2f} of average cost stops with each unit{left}",
            f"{limit.value:g}, or blocks of capacity that close, or back-fill",
            limit.told,
            f"Fewer units do not take the average cost out of the budget of {bearer}: staff and "
            f"building stay. The scenario says: {said(service.marginal_share)}.",
        )


def _payers(case: Case, service: str) -> list[str]:
    return [cell.party for cell in case.scenario.cells if cell.service == service]
