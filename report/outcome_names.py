"""Outcomes in words: what `metric:subject@month` means to a reader."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from rich.console import RenderableType

from model import runfolder
from model.loading import Loaded
from model.wanted import Known
from model.worlds import ALL

from .screen import text, topics
from .wording import month_at, short_names

MORE = (
    "An outcome is a metric and whom it is told of, as in npv:backbone; words after the scenario "
    "list them, as in: headwater outcomes SCENARIO npv"
)

# By metric; {of} is the subject in words. Units are shown beside them.
WORDS: dict[str, str] = {
    # services and interventions
    "rescue_spending": "rescue spending: {of}",
    "avoided_rescue_spending": "rescue spending avoided: {of}",
    "added_offset_spending": "care added because people are served: {of}",
    "not_freed": "avoided spending that is not freed: {of}",
    "programme_cost": "programme cost: {of}",
    "net_saving": "avoided less added care, not freed and programme cost: {of}",
    "avoided_budget_cost": "average cost avoided in budgets: {of}",
    "freed_budget_cost": "cost that can leave budgets: {of}",
    "backbone_cost": "cost of the backbone's posts and costs: {of}",
    "member_months": "member-months: {of}",
    "total_spending": "all spending on members: {of}",
    "net_of_added_care_pmpm": "avoided less added care a member-month: {of}",
    "savings_rate": "avoided less added care, share of all spending: {of}",
    "use": "use: {of}",
    "avoided_use": "use avoided: {of}",
    "enrollments": "people enrolled: {of}",
    "person_years_served": "person-years served: {of}",
    "mean_wait": "mean wait: {of}",
    "intervention_cost": "cost: {of}",
    "cost_per_enrollment": "cost of an enrolment: {of}",
    "effect_at_floor": "effect cut off at the preventable part: {of}",
    "avoided_per_person_year_served": "rescue spending avoided a person-year served: {of}",
    "avoided_marginal_cost": "marginal cost that a provider avoids: {of}",
    "released_fixed_cost": "fixed cost that a provider releases: {of}",
    # equity
    "reached": "people enrolled of 1,000 person-years: {of}",
    "rescue_cost_per_person_year": "rescue cost a person-year: {of}",
    "avoided_per_person_year": "rescue cost avoided a person-year: {of}",
    "reached_ratio": "reach, lowest group over highest: {of}",
    "rescue_cost_ratio": "rescue cost, lowest group over highest: {of}",
    # ledger
    "net_cash": "net cash: {of}",
    "npv": "net present value: {of}",
    "real_net": "net cash at prices of the start: {of}",
    "outlay": "present value put in: {of}",
    "benefit": "present value of what it brings: {of}",
    "roi_gross": "benefit over outlay: {of}",
    "roi_net": "net return on outlay: {of}",
    "irr": "yearly rate of return: {of}",
    "irr_known": "whether one rate of return fits: {of}",
    "payback_month": "month from which it has paid back: {of}",
    "pays_back": "chance to pay back: {of}",
    "net_cash_pmpm": "net cash a member-month: {of}",
    "waterfall": "step of the waterfall: {of}",
    "waterfall_month": "month of a step of the waterfall: {of}",
    # accounts
    "p_insolvent": "chance to be insolvent: {of}",
    "solvent_by_luck": "chance to be solvent by luck: {of}",
    "runway_months": "months until insolvency: {of}",
    "runway_censored": "chance to last to the end: {of}",
    "lowest_cash": "lowest cash: {of}",
    "lowest_cash_month": "month of lowest cash: {of}",
    "first_short_month": "month in which planned money falls short: {of}",
    "closing_gap": "money needed a year so as never to be short: {of}",
    "gap_first_year": "deepest shortage in the first short year: {of}",
    "closing_gap_with_luck": "money needed a year, luck of settlements counted: {of}",
    "below_core_staff": "chance of three months below core staff: {of}",
    "posts_filled": "share of posts filled: {of}",
    "paid": "paid for an activity: {of}",
    "hard_wired": "paid by partners' own budgets: {of}",
    "member_value": "value of membership to all members: {of}",
    "lowest_dues": "cost of serving a member: {of}",
    "dues_per_member": "dues of a member: {of}",
    "highest_dues": "highest dues that pay for a member: {of}",
    "dues_within_corridor": "chance that dues lie between the two: {of}",
    # revenue
    "revenue": "revenue: {of}",
    "staff_time_cost": "staff time that a source takes: {of}",
    "net_contribution": "net contribution of a source: {of}",
    "revenue_total": "revenue of all sources: {of}",
    "recurring_share": "share of revenue that recurs: {of}",
    "concentration": "concentration of revenue on few payers: {of}",
    # contracts
    "contract_members": "attributed members: {of}",
    "true_savings_rate": "true savings rate: {of}",
    "largest_savings_rate": "true savings rate if every slot were filled: {of}",
    "measured_savings_rate": "measured savings rate: {of}",
    "benchmark_error_rate": "error of the benchmark: {of}",
    "rebasing_rate": "taken off by re-basing: {of}",
    "benchmark_per_member": "benchmark of a member: {of}",
    "contract_payment": "shared savings paid: {of}",
    "contract_payment_yearly": "shared savings paid a year: {of}",
    "contract_payment_first_year": "shared savings paid for the first year: {of}",
    "payment_on_truth": "shared savings if the truth were measured: {of}",
    "payment_by_error_and_luck": "shared savings by error and luck: {of}",
    "payment_by_benchmark_error": "shared savings by benchmark error: {of}",
    "payment_by_luck": "shared savings by luck: {of}",
    "p_paid": "chance of a settled year to pay: {of}",
    "p_owed": "chance of a settled year to owe: {of}",
    "p_paid_without_effect": "chance to be paid without any effect: {of}",
    "p_real_saving": "chance of a true saving: {of}",
    "p_not_paid_though_real": "chance of a true saving that is not paid: {of}",
    "contract_received": "received from the contract: {of}",
    "other_payment": "paid besides shared savings: {of}",
    "monthly_payment": "paid by the month: {of}",
    "payer_saving_on_attributed": "the payer's true saving on members: {of}",
    "payer_net_of_contract": "the payer's true saving less what it pays: {of}",
    # month by month
    "people": "people: {of}",
    "waiting": "people waiting: {of}",
    "enrolled": "people in service: {of}",
    "protected": "people protected after service: {of}",
    "staff": "staff: {of}",
    "cash": "cash: {of}",
    "restricted": "restricted money: {of}",
    "credit": "credit drawn: {of}",
    "needed": "payments with all posts filled: {of}",
    "expected": "receipts if solvent and staffed: {of}",
    "expected_on_truth": "receipts if solvent, with exact settlements: {of}",
    "core_posts": "core posts filled: {of}",
    "insolvent": "chance to be insolvent: {of}",
    "receipts": "receipts: {of}",
    "payments": "payments: {of}",
    "receipts_by_kind": "receipts of a kind: {of}",
}


def outcome(name: str, names: Mapping[str, str]) -> str:
    """npv:backbone@2027-12 -> net present value: Jackson Collaborative Network, December 2027"""
    base, _, month = name.partition("@")
    metric, _, subject = base.partition(":")
    at = f", {month_at(month, 0)}" if month else ""
    return WORDS.get(metric, metric.replace("_", " ")).format(of=of(subject, names)) + at


def of(subject: str, names: Mapping[str, str]) -> str:
    """A subject in words: contracts.x -> its name; 04_paid_for_others -> paid for others."""
    if subject in ("", ALL):
        return "all together"
    parts = subject.split(".")
    known = [names.get(part, part.lstrip("0123456789_").replace("_", " ")) for part in parts]
    return ": ".join(known)


def names_of(*scenarios: Loaded) -> dict[str, str]:
    """What people call things in all the scenarios, money's too; without brackets at the end."""
    names: dict[str, str] = {}
    for loaded in scenarios:
        names |= runfolder.names_of(loaded.scenario)
        for part in (loaded.document.data.get("financing") or {}).values():
            if isinstance(part, dict):
                names |= {
                    key: said["name"]
                    for key, said in part.items()
                    if isinstance(said, dict) and "name" in said
                }
    return short_names(names)


def matching(found: Sequence[Known], words: Sequence[str], names: Mapping[str, str]) -> list[Known]:
    """The outcomes of whose name or meaning each word is a part, whatever its case."""
    kept = []
    for one in found:
        told = WORDS.get(one.metric, "").replace("{of}", "")
        full = {s: f"{one.metric}:{s} {told} {of(s, names)}".lower() for s in one.subjects}
        subjects = tuple(s for s in full if all(word.lower() in full[s] for word in words))
        if subjects:
            kept.append(one._replace(subjects=subjects))
    return kept


def listed(found: Sequence[Known], names: Mapping[str, str], whole: bool) -> list[RenderableType]:
    """What can be asked for: a line a metric, or a line each of whom it is told."""
    out: list[RenderableType] = []
    for monthly, title in ((False, "Over the horizon"), (True, "By month (add @YYYY-MM)")):
        rows = dict(_rows([one for one in found if one.monthly == monthly], names, whole))
        if rows:
            out += [text(title, "bold"), topics(rows.items(), style="")]
    if not whole:
        out.append(text(MORE, "dim"))
    return out


def _rows(
    found: Sequence[Known], names: Mapping[str, str], whole: bool
) -> Iterator[tuple[str, str]]:
    for one in found:
        unit = f", {one.unit}" if one.unit != "1" else ""
        if whole:
            for subject in one.subjects:
                name = f"{one.metric}:{subject}"
                yield name, outcome(name, names) + unit
        else:
            units = {each.unit for each in found if each.metric == one.metric}
            told = WORDS.get(one.metric, one.metric).removesuffix(": {of}")
            yield one.metric, told + (unit if len(units) == 1 else "")
