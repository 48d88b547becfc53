"""Rules on contracts: too small for its noise, paid twice, a benchmark of selected people."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

from scipy import special

from model.fields import month_number
from model.finance.measurement import members_needed
from model.financing import ContractLine
from model.scenario import Intervention

from .case import Case, Finding, percent, said, slots


def too_small(case: Case) -> Iterator[Finding]:
    """Members under those needed for the effect to be seen, or an effect that never can be."""
    for name, contract in case.financing.contracts.items():
        if contract.terms.shared_savings is None:
            continue
        settled = case.projection.settled(name)
        if settled is None or settled.members <= 0.0:
            continue
        power, s = case.limits["power"].value, settled
        needed = members_needed(s.rate, s.minimum, s.noise, power)
        if needed is not None and s.members >= needed:
            continue
        least = s.minimum(s.members)
        none = f"none: no number of members is enough ({percent(least)} minimum)"
        yield case.finding(
            "contract_too_small",
            ("financing", "contracts", name, "covers"),
            f"{s.members:,.0f} members; true savings {percent(s.rate)} of their cost, "
            f"{percent(s.best)} in the best year",
            none if needed is None else f"{needed:,} members",
            f"docs/contracts.md: members for a {percent(power)} chance of being paid for a true "
            f"effect, by {_cv(case, contract, s.noise.cv)}",
            "What this contract pays would be chance, not the work: expect nothing from it, or be "
            "paid for an outcome or a fee.",
        )


def _cv(case: Case, contract: ContractLine, cv: float) -> str:
    """The variation of a member's cost and where it comes from."""
    terms, care = contract.terms.measurement, case.scenario.parties[contract.payer].other_care
    source = said(terms.cv) if terms else said(care.variation) if care else "none stated"
    capped = " below the cap" if contract.truncation else ""
    return f"a coefficient of variation of {cv:.2g}{capped} ({source})"


def paid_by_luck(case: Case) -> Iterator[Finding]:
    """A payment that comes often without any effect."""
    limit = case.limits["paid_by_luck"]
    for name, contract in case.financing.contracts.items():
        terms = contract.terms.shared_savings
        settled = case.projection.settled(name) if terms else None
        if terms is None or settled is None or settled.members <= 0.0:
            continue
        sd, least = settled.noise.sd(settled.members), settled.minimum(settled.members)
        if sd <= 0.0:
            continue
        chance = float(special.ndtr((settled.selection - least) / sd))
        if chance > limit.value:
            yield case.finding(
                "paid_by_luck",
                ("financing", "contracts", name, "terms"),
                f"paid in {percent(chance)} of years without any effect; sd of measured savings "
                f"{percent(sd)}, minimum {percent(least)}",
                percent(limit.value),
                limit.told,
                "The payer's actuary will see this first, and ask for more members or a higher "
                "minimum: what is expected from the contract is luck.",
            )


def paid_twice(case: Case) -> Iterator[Finding]:
    """Two contracts that pay for one saving."""
    pairs = combinations(case.financing.contracts.items(), 2)
    for (first, a), (second, b) in pairs:
        segments = [g for g in a.covers.segments if g in b.covers.segments]
        if not segments or not _overlap(a, b):
            continue
        shared = sorted(_pays_for(case, a) & _pays_for(case, b))
        if shared and (a.payer == b.payer or bool(_counted(a)) != bool(_counted(b))):
            yield case.finding(
                "paid_twice",
                ("financing", "contracts", second, "covers", "segments"),
                f"{first} and {second} both pay for {', '.join(shared)} of {', '.join(segments)}",
                "one payment for one saving",
                "docs/contracts.md; a service can be carved out (covers.carved_out)",
                "The same avoided event is paid for twice: one of the two will be taken out.",
            )


def _overlap(a: ContractLine, b: ContractLine) -> bool:
    first, second = month_number(a.start), month_number(b.start)
    return first < second + 12 * b.years and second < first + 12 * a.years


def _counted(contract: ContractLine) -> set[str]:
    """Services whose use an outcome contract pays for."""
    if contract.terms.outcomes is None:
        return set()
    return {m.service for m in contract.measures.values() if m.service is not None}


def _pays_for(case: Case, contract: ContractLine) -> set[str]:
    """Services on whose avoided use a contract pays."""
    out = _counted(contract)
    if contract.terms.shared_savings or contract.terms.capture:
        paid = {cell.service for cell in case.scenario.cells if cell.party == contract.payer}
        out |= paid - set(contract.covers.carved_out)
    return out


def selected_members(case: Case) -> Iterator[Finding]:
    """A benchmark from the past of people picked in crisis, without regression to the mean."""
    limit = case.limits["selected_members"]
    for name, contract in case.financing.contracts.items():
        benchmark = contract.benchmark
        if benchmark is None or benchmark.method == "comparison_group":
            continue
        members = _members(case, contract)
        picked = sum(_slots_in(case, p, contract) for p in _of_crisis(case))
        if benchmark.selection.central != 0.0 or picked <= limit.value * members:
            continue
        yield case.finding(
            "selected_members",
            ("financing", "contracts", name, "benchmark"),
            f"{benchmark.method}, selection 0; programmes for people in crisis have places for "
            f"{percent(picked / members)} of the members",
            f"{percent(limit.value)}, or a comparison group, or a selection",
            limit.told,
            "People picked while in crisis cost less next year without any programme: a benchmark "
            "from their past is too high.",
        )


def _of_crisis(case: Case) -> list[Intervention]:
    return [i for i in case.scenario.programmes if i.eligible.need == ("in_crisis",)]


def _members(case: Case, contract: ContractLine) -> float:
    return sum(case.scenario.segments[g].population.central for g in contract.covers.segments)


def _slots_in(case: Case, programme: Intervention, contract: ContractLine) -> float:
    """Places that fall to the covered segments, by their eligible people."""
    own, covered = case.eligible(programme), set(contract.covers.segments)
    common = [g for g in programme.eligible.segments if g in covered]
    if own <= 0.0 or not common:
        return 0.0
    reached = sum(case.people(g, level) for g in common for level in programme.eligible.need)
    return min(slots(programme), own) * reached / own
