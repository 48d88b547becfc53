"""The ledgers of both worlds: who pays whom, who keeps a saving, and what rates pass on.

Where a saving by hand is needed, the strategy's use and payments are usual care's times a factor by
segment (`falling`): a constant saving from the first month, so that sums have closed forms.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from model.draws import sample
from model.ensemble import both_worlds
from model.finance.ledger import BOUNDARY, Ledger, difference
from model.freed import freed_of
from model.loading import Loaded
from model.outcomes import measures
from model.perspectives import differences
from model.postings import ledgers
from model.services import payer_table
from model.valuation import present_value
from model.waterfall import branches
from model.worlds import Worlds
from tests.conftest import SMALL, project, scenario, worlds
from tests.financed import Floats, account, grant, post, settled

PLAN = {"name": "Plan", "kind": "payer", "payment_to_cost": 1.0}
LEVELS = {
    "parties.federal": {"name": "Federal", "kind": "government", "perspective": "federal"},
    "parties.state": {"name": "State", "kind": "government", "perspective": "state"},
}
NINETY = {"segments.adults.financed_by": {"federal": 0.9, "state": 0.1}}


def with_rates(lag: int, **more: Any) -> dict[str, Any]:
    return LEVELS | NINETY | {"parties.plan.rates": {"reset_after": lag} | more}


def segment(**more: Any) -> dict[str, Any]:
    return {**SMALL["segments"]["adults"], **more}


def ten_years(changes: dict[str, Any]) -> Worlds:
    """Ten years without an intervention to speak of."""
    nobody = {"interventions.team.staff.posts": 0, "interventions.team.costs.fixed": 0}
    return project(nobody | {"clock.end": "2034-12"} | changes)


def falling(w: Worlds, **factors: float) -> Worlds:
    """A strategy in which segments' use is usual care's times a factor: of steady segments."""
    usual, names = w.usual, list(w.scenario.segments)
    each = np.array([factors.get(name, 1.0) for name in names])
    by_segment = usual.use_by_segment * each[:, None]
    share = by_segment.sum(axis=(1, 2)) / usual.use_by_segment.sum(axis=(1, 2))
    table, _ = payer_table(w.scenario)
    payments, base = usual.payments.copy(), usual.base_payments.copy()
    for z, cell in enumerate(w.scenario.cells):
        s = list(w.scenario.services).index(cell.service)
        pays = np.array([cell.party in row[s] for row in table])
        units = usual.use_by_segment[0, :, :, s].sum(axis=0) * pays
        factor = float((units * each).sum() / units.sum())  # one price for all in these tests
        payments[:, :, z] *= factor
        base[:, z] *= factor
    strategy = usual._replace(
        use=usual.use * share[:, None, :],
        use_by_segment=by_segment,
        payments=payments,
        base_payments=base,
    )
    return w._replace(strategy_world=w.strategy_world._replace(activity=strategy))


def changes_of(w: Worlds) -> Ledger:
    usual, strategy = ledgers(w, freed_of(w))
    return difference(strategy, usual)


def amounts(change: Ledger, payer: str, kind: str, payee: str | None = None) -> Floats:
    found = np.zeros(change.months)
    for e in change.entries:
        if e.payer == payer and e.kind == kind and payee in (None, e.payee):
            found = found + e.amounts[0]
    return found


def worth(flow: Floats, rate: float = 0.05) -> float:
    return float(present_value(flow[None], np.array([rate]))[0])


# --- every kind of financing at once


def everything() -> Loaded:
    """Grants of three kinds, dues, fees, a loan, hard-wiring, a contract, credit, reinvestment."""
    own = {"restricted_to": ["posts.analyst"]}
    tier = {"name": "Members", "payer": "plan", "members": 30, "amount": 200, "start": "2025-01"}
    day = {"name": "Training", "payer": "county", "unit": "day", "price": 900, "demand": 5}
    line = {
        "name": "Deal",
        "payer": "plan",
        "payee": "network",
        "terms": {
            "name": "ours",
            "title": "Ours",
            "source": "a letter",
            "shared_savings": {"sharing_rate": 0.5, "loss": {"rate": {"fixed": 0.3}}},
            "member_fee": {"per_member_month": 1, "at_risk": 0.5},
            "settlement_lag": 2,
            "measurement": {"cv": 2},
        },
        "start": "2025-01",
        "years": 2,
        "covers": {"segments": ["adults"], "other_care": False},
        "benchmark": {"method": "own_history", "weights": [1]},
    }
    loan = {"name": "Loan", "lender": "county", "amount": 9_000, "interest": 0.05}
    moves = {"name": "Move", "partner": "state", "moves": "posts.analyst", "share": 0.5}
    budget = {"name": "Line", "partner": "federal", "amount": 400, "date": "2025-09"}
    more = {"name": "More", "intervention": "team", "surplus_share": 0.5, "reserve": 2}
    opening = {"uniform": {"low": 2_000, "high": 90_000}}
    credit = {"lender": "plan", "limit": 4_000, "interest": 0.08}
    money = {
        "discount_rate": 0.03,
        "accounts": {
            "network": account(0)
            | {"opening": opening, "credit": credit}
            | {"rescue": {"rescuer": "state", "most": 5_000}}
        },
        "posts": {"director": post(8_000), "analyst": post(4_000, core=False)},
        "costs": {"rent": {"name": "Rent", "amount": 800, "activity": "advance_policy"}},
        "grants": {
            "gift": grant(3_000),
            "tied": grant(2_500, end="2026-06") | own | {"indirect": 0.1, "usual_care": False},
            "claimed": grant(1_000) | own | {"reimbursed": True, "collection_lag": 1},
        },
        "dues": {"members": tier | {"renewal": 0.8, "collection_lag": 1}},
        "fees": {
            "training": day
            | {"hours": 12, "delivered_by": ["analyst"], "billable": 40, "direct_cost": 50}
            | {"start": "2025-03", "collection_lag": 2}
        },
        "loans": {"loan": loan | {"date": "2025-04", "months": 6, "chance": 0.5}},
        "hard_wiring": {"move": moves | {"date": "2026-01", "chance": 0.5}, "line": budget},
        "contracts": {"deal": line},
        "reinvestment": {"more": more | {"desired_posts": 2}},
    }
    care = {
        "parties.plan.rates": {
            "reset_after": 6,
            "expected_loss_ratio": 0.9,
            "minimum_loss_ratio": 0.85,
        },
        "parties.county.pays": "budget",
        "parties.hospital": {"name": "Hospital", "kind": "provider"},
        "services.visit.provider": "hospital",
        "services.visit.payment": {"segment": 0.7, "county": 0.3},
        "services.visit.back_fill": 0.4,
        "services.visit.marginal_share": 0.3,
        "services.visit.capacity": {"size": {"value": 2, "unit": "units/month"}, "delay": 3},
        "interventions.team.costs.in_kind": 200,
        "interventions.team.costs.in_kind_by": "hospital",
    }
    return scenario(LEVELS | NINETY | care | {"financing": money})


DRAWS = 20


@pytest.fixture(scope="module")
def rich() -> Worlds:
    return both_worlds(sample(everything(), DRAWS, 1), slice(0, DRAWS))


def test_every_kind_of_entry_is_there(rich: Worlds) -> None:
    """What the tests below speak of: nothing is left out because it is nought."""
    kinds = {e.kind for e in ledgers(rich, freed_of(rich))[1].entries if e.amounts.any()}
    assert kinds >= {
        "care", "back_fill", "cost", "rate_reset", "programmes", "in_kind", "posts", "costs",
        "grants", "dues", "fees", "fee_costs", "loans", "loan_payments", "hard_wired", "contracts",
        "hard_wiring", "credit", "interest", "rescue", "returned",
    }  # fmt: skip


def test_each_month_sums_to_zero_and_the_boundary_is_what_resources_cost(rich: Worlds) -> None:
    """Nothing is made or lost between parties: staff and suppliers get what the books spend."""
    freed = freed_of(rich)
    for ledger, world in zip(
        ledgers(rich, freed), (rich.usual_world, rich.strategy_world), strict=True
    ):
        parties = [*rich.scenario.parties, BOUNDARY]
        nets = [ledger.net(party) for party in parties]
        np.testing.assert_allclose(np.sum(nets, axis=0), 0.0, atol=1e-6)
        books = world.books
        care = rich.usual.use[:, :, 0] * 500
        if world is rich.strategy_world:
            care = care - freed.variable[0] - freed.released[0]
        spent = books.programme["cost"].sum(axis=2) + books.programme["in_kind"].sum(axis=2)
        own = books.paid[:, :, :3].sum(axis=2)  # two posts and the rent
        direct = ledger.payments("network", ["fee_costs"])
        partner = books.partner.sum(axis=2)
        np.testing.assert_allclose(
            ledger.net(BOUNDARY), care + spent + own + direct + partner, atol=1e-6
        )


def test_society_gains_what_resources_cost_less(rich: Worlds) -> None:
    change = changes_of(rich)
    usual, strategy = ledgers(rich, freed_of(rich))
    flows = differences(rich, change)
    less = usual.net(BOUNDARY) - strategy.net(BOUNDARY)
    assert less.any()
    np.testing.assert_allclose(flows["society"], less, atol=1e-5)
    everybody = np.sum([flows[party] for party in rich.scenario.parties], axis=0)
    np.testing.assert_allclose(flows["society"], everybody, atol=1e-4)


def test_an_accounts_net_cash_is_what_its_balance_changes_by(rich: Worlds) -> None:
    for ledger, world in zip(
        ledgers(rich, freed_of(rich)), (rich.usual_world, rich.strategy_world), strict=True
    ):
        book = world.books.account[:, :, 0]
        balance = book["cash"] + book["restricted"] - book["credit"]
        opening = rich.get("financing.accounts.network.opening")[:, None]
        before = np.concatenate([opening, balance[:, :-1]], axis=1)
        borrowed = ledger.receipts("network", ["credit"])  # it is owed: no gain
        np.testing.assert_allclose(ledger.net("network") - borrowed, balance - before, atol=0.01)


def test_steps_add_up_to_net_cash(rich: Worlds) -> None:
    """For everybody, the payer with rates, a contract and dues among them."""
    freed, change = freed_of(rich), changes_of(rich)
    found = branches(rich, freed, change)
    assert {"plan", "county", "hospital", "network", "federal", "state"} <= set(found)
    assert {"avoided_at_price", "paid_for_others_who_use_it", "passed_on_by_rates"} <= set(
        found["plan"]
    )
    for party, steps in found.items():
        parts = [x for name, x in steps.items() if name != "net_cash"]
        np.testing.assert_allclose(
            np.sum(parts, axis=0), change.net(party), atol=1e-6, err_msg=party
        )


def test_net_present_values_by_hand(rich: Worlds) -> None:
    """Of the state and the hospital, summed entry by entry: (1.03)^(-months / 12)."""
    told = {m.subject: m.values for m in measures(rich) if m.metric == "npv"}
    usual, strategy = ledgers(rich, freed_of(rich))
    for party in ("state", "hospital"):
        value = np.zeros(DRAWS)
        for sign, ledger in ((1, strategy), (-1, usual)):
            for e in ledger.entries:
                side = (e.payee == party) - (e.payer == party)
                for month in range(24):
                    value += sign * side * e.amounts[:, month] * 1.03 ** (-(month + 1) / 12)
        assert value.any()
        np.testing.assert_allclose(told[party], value, rtol=1e-9, atol=1e-3)


# --- rates


@pytest.mark.parametrize(
    ("lag", "low", "high"), [(24, 0.24, 0.25), (36, 0.35, 0.36), (0, 0, 0), (120, 1, 1)]
)
@pytest.mark.parametrize("back_fill", [0, 0.5])
def test_what_a_capitated_payer_keeps_of_its_net_saving(
    lag: int, low: float, high: float, back_fill: float
) -> None:
    """Closed form, at 5 %: (1 - 1.05^-2) / (1 - 1.05^-10) = 0.241, three years 0.353."""
    w = ten_years(with_rates(lag) | {"services.visit.back_fill": back_fill})
    change = changes_of(falling(w, adults=0.9))
    net = change.net("plan")[0]
    saved = -amounts(change, "plan", "care") - amounts(change, "plan", "back_fill")
    assert saved == pytest.approx(np.full(120, saved[0]))
    assert saved[0] == pytest.approx((1 - back_fill) * 0.1 * w.usual.use[0, 0, 0] * 500, rel=1e-9)
    kept = worth(net) / worth(saved)
    assert low - 1e-9 <= kept <= high + 1e-9


def test_where_all_is_used_again_nothing_is_passed_on() -> None:
    """A real programme, rising prices, part of a year: zero in each month, not just in sum."""
    more = {"services.visit.price_trend": 0.06, "clock.start": "2025-05", "clock.end": "2028-03"}
    team = {"interventions.team.start": "2025-05"}
    one = with_rates(3) | {"services.visit.back_fill": 1.0} | more | team
    change = changes_of(project(one))
    assert amounts(change, "plan", "care").sum() < -1_000
    np.testing.assert_allclose(amounts(change, "plan", "rate_reset"), 0.0, atol=1e-6)
    half = changes_of(project(one | {"services.visit.back_fill": 0.5}))
    saved = -amounts(half, "plan", "care") - amounts(half, "plan", "back_fill")
    np.testing.assert_allclose(amounts(half, "plan", "rate_reset")[3:], saved[:-3], rtol=1e-9)


def test_each_segment_passes_on_by_its_own_shares() -> None:
    """Expansion 90:10, the others 65:35: the saving is where use falls, back-fill by all users."""
    two = {
        "segments.others": segment(
            name="Others", population=3_000, financed_by={"federal": 0.65, "state": 0.35}
        )
    }
    w = ten_years(with_rates(0) | two)
    saved = 0.1 * 500 * w.usual.use_by_segment[0, :, 0, 0].sum()
    change = changes_of(falling(w, adults=0.9))
    federal = amounts(change, "plan", "rate_reset", "federal").sum()
    state = amounts(change, "plan", "rate_reset", "state").sum()
    assert federal == pytest.approx(0.9 * saved, rel=1e-9)
    assert state == pytest.approx(0.1 * saved, rel=1e-9)

    again = ten_years(with_rates(0) | two | {"services.visit.back_fill": 0.4})
    change = changes_of(falling(again, adults=0.9))
    paid = 0.4 * saved  # a quarter of usual payments is for the adults
    federal = amounts(change, "plan", "rate_reset", "federal").sum()
    assert federal == pytest.approx(0.9 * saved - paid * (0.25 * 0.9 + 0.75 * 0.65), rel=1e-9)


def test_a_plan_that_pays_for_one_service_only_has_rates() -> None:
    """A carve-out: it covers no segment, and passes on what it saves in the financed one."""
    carved = {
        "parties.carve_out": PLAN | {"name": "Carve-out", "rates": {"reset_after": 12}},
        "services.visit.payment": {"carve_out": 1},
        "segments.others": segment(name="Others", population=3_000),
    }
    w = ten_years(LEVELS | NINETY | carved)
    saved = 0.1 * 500 * w.usual.use_by_segment[0, :, 0, 0].sum() * 9 / 10
    change = changes_of(falling(w, adults=0.9, others=0.9))
    assert amounts(change, "carve_out", "rate_reset", "federal").sum() == pytest.approx(0.9 * saved)
    assert amounts(change, "carve_out", "rate_reset", "state").sum() == pytest.approx(0.1 * saved)
    own = 0.1 * 500 * w.usual.use[0, :, 0].sum()
    assert change.net("carve_out").sum() == pytest.approx(own - saved)


# --- rebates


RATIOS = {"expected_loss_ratio": 0.9, "minimum_loss_ratio": 0.855}


def test_a_rebate_by_hand() -> None:
    """Cost C a year, premium C / 0.9, saving 0.2 C: below 0.855 of it are 0.2 C - 0.05 C."""
    w = ten_years(with_rates(24) | {"parties.plan.rates": {"reset_after": 24} | RATIOS})
    cost = 500 * w.usual.use[0, :12, 0].sum()
    owed = amounts(changes_of(falling(w, adults=0.8)), "plan", "loss_ratio_rebate")
    expected = np.zeros(120)
    expected[[11, 23]] = 0.15 * cost  # from then on rates follow, and nothing is kept
    np.testing.assert_allclose(owed, expected, atol=1e-6 * cost)


def test_spending_on_programmes_and_the_network_lowers_the_rebate() -> None:
    """A fee to the network of 1,000 a month, in the strategy only; in usual care it does not."""
    rates = with_rates(24) | {"parties.plan.rates": {"reset_after": 24} | RATIOS}
    nobody = {"interventions.team.staff.posts": 0}
    for usual_care, fixed, spent in ((False, 0, 12_000), (True, 0, 0), (True, 500, 6_000)):
        money = {
            "discount_rate": 0.03,
            "accounts": {"network": account(0)},
            "grants": {"gift": grant(1_000, end="2034-12", usual_care=usual_care)},
        }
        costs = {"interventions.team.costs.fixed": fixed}
        loaded = scenario(rates | nobody | costs | {"clock.end": "2034-12", "financing": money})
        w = falling(settled(loaded), adults=0.8)
        cost = 500 * w.usual.use[0, :12, 0].sum()
        owed = amounts(changes_of(w), "plan", "loss_ratio_rebate")
        assert owed[11] == pytest.approx(0.15 * cost - spent, abs=1e-6 * cost)
        assert owed[35] == 0.0
        assert not amounts(changes_of(w), "plan", "rate_reset")[:24].any()
        reset = amounts(changes_of(w), "plan", "rate_reset")[24]
        assert reset == pytest.approx(0.2 * cost / 12)  # spending raises no rates


def test_what_is_used_again_lowers_the_rebate_once() -> None:
    rates = {"parties.plan.rates": {"reset_after": 24} | RATIOS}
    w = ten_years(with_rates(24) | rates | {"services.visit.back_fill": 0.5})
    cost = 500 * w.usual.use[0, :12, 0].sum()
    owed = amounts(changes_of(falling(w, adults=0.8)), "plan", "loss_ratio_rebate")
    assert owed[11] == pytest.approx((0.1 - 0.05) * cost, rel=1e-6)


# --- budgets


def two_budgets() -> dict[str, Any]:
    """Charity pays for people without insurance, the county for the adults; half is marginal."""
    return {
        "parties.charity": PLAN | {"name": "Charity", "pays": "budget"},
        "parties.county.pays": "budget",
        "segments.adults.payer": "county",
        "segments.uninsured": segment(name="Uninsured", payer="charity", population=3_000),
        "services.visit.marginal_share": 0.5,
    }


def steps_of(w: Worlds, party: str) -> dict[str, Floats]:
    return branches(w, freed_of(w), changes_of(w)).get(party, {})


def test_a_budget_whose_people_are_not_served_gets_nothing() -> None:
    """Three quarters of use are the charity's, all of the fall is the county's."""
    w = ten_years(two_budgets())
    served = falling(w, adults=0.9)
    saved = 0.1 * 500 * w.usual.use_by_segment[0, :, 0, 0].sum()
    change, told = changes_of(served), {}
    for m in measures(served):
        told[m.metric, m.subject] = float(m.values[0])
    assert not change.net("charity").any()
    assert steps_of(served, "charity") == {}
    assert told["not_freed", "charity"] == 0.0
    assert change.net("county").sum() == pytest.approx(0.5 * saved)
    assert told["not_freed", "county"] == pytest.approx(0.5 * saved)
    assert told["net_saving", "county"] == pytest.approx(0.5 * saved)


def test_what_is_freed_is_split_by_who_uses_less() -> None:
    """Falls of 10 and 5 % in segments of 1 to 3: 100 and 150 of 250 units; and so for a rise."""
    w = ten_years(two_budgets())
    for sign in (1, -1):
        change = changes_of(falling(w, adults=1 - 0.1 * sign, uninsured=1 - 0.05 * sign))
        county, charity = change.net("county").sum(), change.net("charity").sum()
        whole = sign * 0.5 * 500 * 250 / 4_000 * w.usual.use[0, :, 0].sum()
        assert county == pytest.approx(0.4 * whole)
        assert charity == pytest.approx(0.6 * whole)


def test_who_uses_more_frees_nothing() -> None:
    """Use falls by 100 units there and rises by 60 here: the 40 less are the county's."""
    w = ten_years(two_budgets())
    change = changes_of(falling(w, adults=0.9, uninsured=1.02))
    assert not change.net("charity").any()
    less = 0.5 * 500 * 40 / 4_000 * w.usual.use[0, :, 0].sum()
    assert change.net("county").sum() == pytest.approx(less)


# --- nothing


def test_without_effect_nobody_pays_another_price_for_care() -> None:
    """The team serves people and costs money; no use changes, so no flow of care does."""
    base = with_rates(3, **RATIOS) | {"services.visit.back_fill": 0.4} | two_budgets()
    payers = {"segments.adults.payer": "plan"}
    w = worlds(scenario(base | payers | {"interventions.team.effects.visit": {"ratio": 1.0}}))
    kinds = {e.kind for e in changes_of(w).entries}
    assert kinds == {"programmes"}


def test_who_pays_no_price_pays_and_passes_on_nothing() -> None:
    free = with_rates(3) | {"parties.plan.payment_to_cost": 0, "services.visit.back_fill": 0.4}
    w = project(free | {"interventions.team.funded_by": "county"})
    usual, strategy = ledgers(w, freed_of(w))
    assert w.usual.use.sum() > w.strategy.use.sum() + 10
    for ledger in (usual, strategy):
        assert not ledger.payments("plan").any()
        assert not ledger.receipts("plan").any()
        assert not ledger.receipts("federal").any()
