"""Rules on the plan: double claims, a flattering horizon, and money that does not add up."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations
from typing import Any

from model.fields import month_number
from model.finance import revenue
from model.scenario import Intervention

from .case import Case, Finding, dollars, percent, slots
from .effects import followed, ratio_of


def same_person(case: Case) -> Iterator[Finding]:
    """Two programmes that claim the same people and service."""
    limit = case.limits["coverage"]
    for (first, a), (second, b) in combinations(case.scenario.interventions.items(), 2):
        segments = [g for g in a.eligible.segments if g in b.eligible.segments]
        levels = [n for n in a.eligible.need if n in b.eligible.need]
        services = [s for s in a.effects if s in b.effects and _less(case, first, second, s)]
        common = sum(case.people(g, level) for g in segments for level in levels)
        if not services or common <= 0.0 or not _overlap(a, b):
            continue
        share = sum(slots(i) / case.eligible(i) for i in (a, b))
        if share > limit.value:
            yield case.finding(
                "same_person_twice",
                ("interventions", second, "eligible"),
                f"{first} and {second} have places for {percent(share)} of the {common:,.0f} "
                f"people whom both serve, and both lower {', '.join(services)}",
                percent(limit.value),
                limit.told,
                "Many are in both programmes. Their ratios are multiplied; whether the second adds "
                "to the first has not been measured.",
            )


def _less(case: Case, first: str, second: str, service: str) -> bool:
    return max(ratio_of(case, first, service), ratio_of(case, second, service)) < 1.0


def _overlap(a: Intervention, b: Intervention) -> bool:
    return (a.end is None or a.end >= b.start) and (b.end is None or b.end >= a.start)


def horizon(case: Case) -> Iterator[Finding]:
    """A horizon far longer than anything cited was followed."""
    limit, months = case.limits["horizon"], case.scenario.clock.months
    longest = max((followed(case, i) for i in case.scenario.programmes), default=None)
    if longest is not None and months > limit.value * longest.months:
        yield case.finding(
            "horizon_flatters",
            ("clock", "end"),
            f"{months} months, {months / longest.months:.1f} times the longest follow-up",
            f"{limit.value:g} times {longest.months:g} months ({longest.which or 'as stated'})",
            limit.told,
            "Most of the horizon lies beyond anything observed: show a shorter one beside it.",
        )


def outside_horizon(case: Case) -> Iterator[Finding]:
    """Costs that fall before the horizon's start or after its end."""
    clock = case.scenario.clock
    for name, programme in case.scenario.interventions.items():
        start_up = programme.costs.start_up.central
        if programme.start < clock.start and start_up > 0.0:
            yield case.finding(
                "cost_outside_horizon",
                ("interventions", name, "start"),
                f"starts {programme.start}; start-up of {dollars(start_up)} is not counted",
                f"a start from {clock.start} on",
                "docs/model.md: before the horizon its start-up cost is taken as paid",
                "The savings are inside the horizon and what was paid for them is not.",
            )
    after = month_number(clock.end)
    for name, loan in case.financing.loans.items():
        last = month_number(loan.date) + loan.months
        if month_number(loan.date) <= after < last:
            yield case.finding(
                "cost_outside_horizon",
                ("financing", "loans", name),
                f"{last - after} of {loan.months} instalments fall after the end",
                f"paid back by {clock.end}",
                "clock.end",
                "The loan's money is inside the horizon and part of its repayment is not.",
            )
    for name, contract in case.financing.contracts.items():
        terms = contract.terms.shared_savings
        whole = min(contract.years, (after + 1 - month_number(contract.start)) // 12)
        due = (
            month_number(contract.start) + 12 * whole + round(contract.terms.settlement_lag.central)
        )
        if terms is not None and terms.loss is not None and whole > 0 and due > after:
            yield case.finding(
                "cost_outside_horizon",
                ("financing", "contracts", name, "years"),
                f"year {whole} is settled {due - after} months after the end",
                f"settled by {clock.end}",
                "clock.end and terms.settlement_lag",
                "The contract is two-sided: a loss of its last year would fall due too late.",
            )


# --- money


def _lines(case: Case, account: str, first: int, last: int) -> Iterator[tuple[float, int]]:
    """USD a month of each post and cost of an account, and months of it from first to last."""
    f, own = case.financing, case.scenario.backbone.party
    parts: list[tuple[Any, float]] = []
    for name, post in f.posts.items():
        at = f"financing.posts.{name}"
        parts.append((post, case.number(f"{at}.posts") * case.number(f"{at}.cost")))
    for name, line in f.costs.items():
        parts.append((line, case.number(f"financing.costs.{name}.amount")))
    for part, monthly in parts:
        if (part.account or own) == account:
            yield monthly, _months(case, part, first, last)


def _months(case: Case, part: Any, first: int, last: int) -> int:
    """Months in which something with a start and an end runs, from first to last."""
    clock = case.scenario.clock
    start = clock.index(part.start) if part.start else first
    end = clock.index(part.end) if part.end else last
    return max(0, min(end, last) - max(start, first) + 1)


def budget_gap(case: Case) -> Iterator[Finding]:
    """The backbone's budget, and its posts and costs in the first year."""
    if not case.financing.posts and not case.financing.costs:
        return
    limit, backbone = case.limits["budget_gap"], case.scenario.backbone
    budget = 12.0 * case.number("backbone.budget")
    lines = sum(m * months for m, months in _lines(case, backbone.party, 0, 11))
    if abs(lines - budget) > limit.value * max(budget, lines):
        yield case.finding(
            "budget_gap",
            ("backbone", "budget"),
            f"{dollars(budget)} a year; posts and costs of the first year are {dollars(lines)} "
            f"({lines - budget:+,.0f})",
            f"a difference of {percent(limit.value)}",
            limit.told,
            "Two statements of what the backbone costs differ: which is to be paid?",
        )


def frozen(case: Case) -> Iterator[Finding]:
    """Cash in hand too low for anybody to be hired, from the first month."""
    for name, account in case.financing.accounts.items():
        opening = case.number(f"financing.accounts.{name}.opening")
        monthly = sum(m for m, months in _lines(case, name, 0, 0) if months)
        asked = account.freeze_below.central
        if monthly > 0.0 and opening < asked * monthly:
            yield case.finding(
                "frozen_from_start",
                ("financing", "accounts", name, "freeze_below"),
                f"{asked:g} months of payments in hand, or nobody is hired",
                f"{opening / monthly:.1f} months: opening cash {dollars(opening)}, payments "
                f"{dollars(monthly)} a month",
                f"financing.accounts.{name}.opening",
                "Hiring is frozen from the first month: payrolls look cheaper than the plan.",
            )


def staff_time(case: Case) -> Iterator[Finding]:
    """Sources of revenue that together take more time than there are posts."""
    f, own = case.financing, case.scenario.backbone.party
    groups: tuple[dict[str, Any], ...] = (f.grants, f.dues, f.fees, f.hard_wiring, f.contracts)
    sources = [source for group in groups for source in group.values()]
    for account in f.accounts:
        posts = [p for p in f.posts.values() if (p.account or own) == account]
        held = sum(p.posts.central for p in posts)
        asked = sum(s.staff_time.central for s in sources if (s.account or own) == account)
        if asked > held > 0.0 or (asked > 0.0 and not held):
            yield case.finding(
                "staff_time",
                ("financing", "posts"),
                f"sources of revenue take {asked:.2f} posts of {account} to win and keep",
                f"{held:g} posts",
                "financing.posts",
                "Nobody is left to do the work that the revenue pays for.",
            )


def discount_rate(case: Case) -> Iterator[Finding]:
    """No discounting, or more than is used for public programmes."""
    if case.scenario.financing is None:
        return
    limit, rate = case.limits["discount_rate"], case.financing.discount_rate.central
    if rate <= 0.0 or rate > limit.value:
        yield case.finding(
            "discount_rate",
            ("financing", "discount_rate"),
            f"{percent(rate)} a year",
            f"above 0, at most {percent(limit.value)}",
            limit.told,
            "Without discounting, late savings count as much as early costs."
            if rate <= 0.0
            else "So high a rate hides late costs, such as a grant's end.",
        )


def dues_above_value(case: Case) -> Iterator[Finding]:
    """Dues that are more than members would pay for the time that they save."""
    f = case.financing
    if f.membership is None or not f.dues:
        return
    m = f.membership
    value = 12.0 * revenue.value_of_membership(
        m.coordinated.central,
        sum(hours.central for hours in m.hours_saved.values()),
        m.loaded_wage.central,
        m.own_time.central,
    )
    members = sum(d.members.central for d in f.dues.values())
    asked = sum(d.members.central * d.amount.central for d in f.dues.values())
    most = revenue.highest_dues(value, members, m.kept_share.central)
    if members > 0.0 and asked > most * members * (1.0 + 1e-9):
        yield case.finding(
            "dues_above_value",
            ("financing", "dues"),
            f"{dollars(asked)} a year from {members:,.0f} members, {dollars(asked / members)} each",
            f"{dollars(most)} each: time saved is worth {dollars(value)} a year to all, of which "
            f"they keep {percent(m.kept_share.central)}",
            "financing.membership",
            "Members would pay more than they gain: renewal will not hold.",
        )
