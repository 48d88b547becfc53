"""Accounts inside the simulation, month by month: every expectation is worked out by hand.

The small scenario lasts from January 2025 (month 0) to December 2026 (month 23).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from tests.conftest import scenario
from tests.financed import (
    NOBODY,
    account,
    financed,
    grant,
    months,
    post,
    settled,
)

ONE_PER_CENT = 1.01**12 - 1.0  # a year's interest that makes 1 % a month
RENT = {"name": "Rent", "amount": 1_000, "activity": "guide_vision_and_strategy"}


def near(x: Any) -> Any:
    return pytest.approx(x, rel=1e-9, abs=1e-6)


# --- cash and insolvency


def test_cash_lasts_as_long_as_the_closed_form_says() -> None:
    """100,000 + 4,000 a month - 10,000 a month: whole months = floor(100,000 / 6,000) = 16."""
    m = months(
        financed(
            100_000,
            posts={"director": post(9_000)},
            costs={"rent": RENT},
            grants={"g": grant(4_000)},
        )
    )
    lasts = math.floor(100_000 / 6_000)
    assert m.account("alive").tolist() == [1.0] * lasts + [0.0] * (24 - lasts)
    assert m.account("cash")[:lasts] == near([100_000 - 6_000 * (k + 1) for k in range(lasts)])


def test_an_insolvent_account_neither_receives_nor_pays_nor_employs() -> None:
    """In the last month 4,000 are left and 4,000 come: the director is paid 8,000, rent nothing."""
    m = months(
        financed(
            100_000,
            posts={"director": post(9_000)},
            costs={"rent": RENT},
            grants={"g": grant(4_000)},
        )
    )
    assert m.paid("posts.director")[:16] == near([9_000] * 16)
    assert m.paid("posts.director")[16:] == near([8_000, *[0] * 7])
    assert m.paid("costs.rent")[15:] == near([1_000, *[0] * 8])
    assert m.received("grants.g") == near([4_000] * 17 + [0] * 7)
    assert m.account("cash")[16:] == near([0] * 8)
    assert m.filled("director") == near([1] * 16 + [0] * 8)
    assert m.account("core_posts") == near([1] * 16 + [0] * 8)


def test_posts_that_are_not_core_go_before_the_account_is_insolvent() -> None:
    """6,000 a month: core takes 5,000, so that the analyst is a fifth of a post from month 3 on."""
    m = months(
        financed(
            12_000,
            posts={"director": post(5_000), "analyst": post(5_000, core=False)},
            grants={"g": grant(6_000)},
        )
    )
    assert m.account("cash") == near([8_000, 4_000, *[0] * 22])
    assert m.account("alive") == near([1] * 24)
    assert m.paid("posts.director") == near([5_000] * 24)
    assert m.filled("analyst")[:3] == near([1, 1, 1])
    # Hiring is free to go on here (freeze_below: 0), so the post fills within the month, half a
    # post a month of the four fifths missing; what cannot be paid is let go as the month begins.
    assert m.paid("posts.analyst")[3:] == near([1_000] * 21)


def test_costs_that_are_not_core_wait_for_those_that_are() -> None:
    """Party comes first in the file, rent is core: of 1,500 rent takes 1,000."""
    m = months(
        financed(
            0,
            costs={"party": RENT | {"core": False}, "rent": RENT},
            grants={"g": grant(1_500)},
        )
    )
    assert m.paid("costs.rent") == near([1_000] * 24)
    assert m.paid("costs.party") == near([500] * 24)
    assert m.account("alive") == near([1] * 24)


def test_needed_is_what_all_of_it_would_cost() -> None:
    m = months(financed(15_000, posts={"director": post(9_000)}, costs={"rent": RENT}))
    assert m.account("needed") == near([10_000] * 24)  # insolvent in month 1, all the same


def test_a_post_costs_nothing_past_its_end_and_nothing_before_its_start() -> None:
    m = months(
        financed(
            100_000,
            posts={
                "past": post(1_000, core=False, end="2025-03"),
                "coming": post(1_000, core=False, start="2026-01"),
            },
        )
    )
    assert m.paid("posts.past") == near([1_000] * 3 + [0] * 21)
    assert m.paid("posts.coming")[:12] == near([0] * 12)
    assert m.paid("posts.coming")[12] > 0.0


# --- restricted money


def test_restricted_money_pays_no_other_payroll() -> None:
    """The director's 5,000 are gone after a month; the analyst's grant may not pay a director."""
    m = months(
        financed(
            5_000,
            posts={"director": post(5_000), "analyst": post(5_000, core=False)},
            grants={"g": grant(10_000, restricted_to=["posts.analyst"])},
        )
    )
    assert m.account("restricted")[:2] == near([5_000, 10_000])
    assert m.account("alive")[:2] == near([1, 0])
    assert m.paid("posts.director")[:3] == near([5_000, 0, 0])


def test_indirect_part_of_a_restricted_grant_pays_anything() -> None:
    m = months(
        financed(
            0,
            posts={"director": post(1_000), "analyst": post(5_000, core=False)},
            grants={"g": grant(10_000, restricted_to=["posts.analyst"], indirect=0.1)},
        )
    )
    assert m.account("alive") == near([1] * 24)
    assert m.account("cash") == near([0] * 24)
    assert m.received("grants.g") == near([9_000] * 24)
    assert m.received("indirect.g") == near([1_000] * 24)


@pytest.mark.parametrize("lag", [0, 2])
def test_what_is_left_at_a_grants_end_goes_back(lag: int) -> None:
    """Three months of 10,000, of which the analyst costs 4,000 a month, with or without money."""
    tied = grant(10_000, end="2025-03", restricted_to=["posts.analyst"], collection_lag=lag)
    m = months(financed(100_000, posts={"analyst": post(4_000, core=False)}, grants={"g": tied}))
    received = [0] * lag + [10_000] * 3 + [0] * (21 - lag)
    assert m.received("grants.g") == near(received)
    returned = m.books.returned[0, :, 0]
    assert returned[: 2 + lag] == near([0] * (2 + lag))
    assert returned[2 + lag] == near(3 * 6_000)
    assert m.account("restricted")[2 + lag :] == near([0] * (22 - lag))
    assert returned[3 + lag :] == near([0] * (21 - lag))


def test_an_instalment_is_paid_in_advance() -> None:
    m = months(financed(0, grants={"g": grant(1_000, end="2025-05", instalment=3)}))
    assert m.received("grants.g")[:6] == near([3_000, 0, 0, 2_000, 0, 0])


def test_a_renewed_grant_goes_on_for_another_term_of_the_same_length() -> None:
    given = grant(1_000, end="2025-04", renewal={"chance": 1, "times": 2})
    assert months(financed(0, grants={"g": given})).received("grants.g") == near(
        [1_000] * 12 + [0] * 12
    )
    never = grant(1_000, end="2025-04", renewal={"chance": 0, "times": 2})
    assert months(financed(0, grants={"g": never})).received("grants.g").sum() == near(4_000)


def reimbursed(opening: float, **more: Any) -> Any:
    paid_later = grant(5_000, restricted_to=["posts.analyst"], reimbursed=True, **more)
    return months(financed(opening, posts={"analyst": post(5_000)}, grants={"g": paid_later}))


def test_a_reimbursed_grant_squeezes_cash_by_its_lag() -> None:
    """Two months are paid before the first claim comes in: 10,000 do, 9,999 do not."""
    m = reimbursed(10_000, collection_lag=2)
    assert m.account("cash") == near([5_000, *[0] * 23])
    assert m.received("grants.g") == near([0, 0] + [5_000] * 22)
    assert m.account("alive") == near([1] * 24)
    assert reimbursed(9_999, collection_lag=2).account("alive")[:2] == near([1, 0])


def test_a_reimbursed_grant_pays_overhead_on_what_is_claimed() -> None:
    """5,000 a month with a fifth for overhead: 4,000 of salary bring 1,000; the rest is own."""
    m = reimbursed(100_000, indirect=0.2)
    assert m.received("grants.g") == near([4_000] * 24)
    assert m.received("indirect.g") == near([1_000] * 24)


def test_nothing_is_claimed_after_a_grants_end() -> None:
    """The grant allows 5,000 a month for three months, 2,000 a month are spent."""
    tied = grant(5_000, end="2025-03", restricted_to=["posts.analyst"], reimbursed=True)
    m = months(financed(100_000, posts={"analyst": post(2_000)}, grants={"g": tied}))
    assert m.received("grants.g") == near([2_000] * 3 + [0] * 21)


# --- debts


def test_credit_line_drawn_and_paid_back_with_interest() -> None:
    """5,000 a month; 3,000 come for three months, then 9,000. Interest 1 % on what is owed."""
    credit = {"lender": "county", "limit": 10_000, "interest": ONE_PER_CENT}
    m = months(
        financed(
            account(0, credit=credit),
            posts={"director": post(5_000)},
            grants={"g": grant(3_000), "more": grant(6_000, start="2025-04")},
        )
    )
    owed = [2_000.0, 4_020.0, 6_060.2, 2_120.802, 0.0]
    assert m.account("credit")[:5] == near(owed)
    assert m.account("drawn")[:5] == near([2_000, 2_020, 2_040.2, -3_939.398, -2_120.802])
    assert m.paid("interest.network")[:6] == near([0, 20, 40.2, 60.602, 21.20802, 0])
    assert m.account("cash")[4] == near(9_000 - 5_000 - 21.20802 - 2_120.802)


def test_an_exhausted_credit_line_ends_in_insolvency() -> None:
    credit = {"lender": "county", "limit": 10_000, "interest": 0}
    m = months(financed(account(1_000, credit=credit), posts={"director": post(4_000)}))
    assert m.account("credit")[:3] == near([3_000, 7_000, 10_000])
    assert m.account("alive")[:3] == near([1, 1, 0])


def test_a_loan_is_an_annuity_and_is_no_part_of_usual_care() -> None:
    """12,000 in March at 1 % a month, four payments of 3,075.373 from April on."""
    loan = {
        "name": "Bridge",
        "lender": "county",
        "amount": 12_000,
        "date": "2025-03",
        "months": 4,
        "interest": ONE_PER_CENT,
    }
    loaded = financed(20_000, loans={"bridge": loan})
    worlds = settled(loaded)
    m = months(loaded)
    each = 12_000 * 0.01 / (1 - 1.01**-4)
    assert m.received("loans.bridge") == near([0, 0, 12_000, *[0] * 21])
    assert m.paid("loans.bridge") == near([0] * 3 + [each] * 4 + [0] * 17)
    assert worlds.usual_world.books.receipts.sum() == 0.0
    assert worlds.usual_world.books.paid.sum() == 0.0


def test_a_rescue_pays_core_obligations_until_it_is_used_up() -> None:
    """10,000 last for 6,000 and 4,000 of core; then a rescue pays 1,000, 5,000 and 1,000."""
    m = months(
        financed(
            account(10_000, rescue={"rescuer": "county", "most": 7_000}),
            posts={"director": post(5_000)},
            costs={"party": RENT | {"core": False}},
        )
    )
    assert m.received("rescue.network") == near([0, 1_000, 5_000, 1_000, *[0] * 20])
    assert m.paid("posts.director") == near([5_000, 5_000, 5_000, 1_000, *[0] * 20])
    assert m.paid("costs.party") == near([1_000, *[0] * 23])
    assert m.account("alive")[:5] == near([1, 1, 1, 0, 0])


# --- dues


DUES = {
    "name": "Members",
    "payer": "plan",
    "members": 100,
    "amount": 120,
    "invoice_month": 3,
    "start": "2025-01",
    "joining": 1,
    "renewal": 0.8,
    "collection_lag": 1,
    "bad_debt": 0.1,
}


def test_dues_are_invoiced_renewed_and_collected() -> None:
    """March 2025: 100 members and 2 who joined. A year later four fifths of 102, and 12 who joined.

    Each pays 120, a tenth is never paid, all of it comes in April.
    """
    loaded = financed(0, dues={"members": DUES})
    m = months(loaded)
    expected = np.zeros(24)
    expected[3], expected[15] = 102 * 108, (81.6 + 12) * 108
    assert m.received("dues.members") == near(expected)
    assert m.account("expected") == near(expected)
    assert m.books.members[0, [0, 2, 13, 14, 15], 0] == near([100, 102, 113, 93.6, 94.6])
    assert settled(loaded).usual_world.books.receipts.sum() == 0.0


def test_dues_without_a_lag_are_cash_at_once_and_only_once() -> None:
    m = months(financed(0, dues={"members": DUES | {"collection_lag": 0}}))
    assert m.account("cash")[[1, 2, 13, 14]] == near([0, 11_016, 11_016, 11_016 + 93.6 * 108])


def test_members_who_lose_trust_do_not_renew() -> None:
    """Half the posts are empty from the first month on: trust falls from 1 towards a half."""
    m = months(
        financed(
            account(1_000, freeze_below=2),
            posts={"director": post(0), "analyst": post(5_000, core=False, time_to_hire=60)},
            dues={"members": DUES | {"trust_response": 0.5, "amount": 0}},
        )
    )
    assert m.filled("analyst")[0] == near(0.2)
    trust = 1.0
    for filled in m.filled("analyst")[:14]:
        trust += ((1.0 + filled) / 2.0 - trust) * (1.0 - math.exp(-1 / 12))
    assert trust < 0.9
    assert m.books.members[0, 14, 0] == near(102 * 0.8 * (1 - 0.5 * (1 - trust)) + 12)


def test_an_insolvent_party_has_no_members() -> None:
    m = months(
        financed(1_000, posts={"director": post(900)}, dues={"members": DUES | {"amount": 0}})
    )
    assert m.account("alive")[:2] == near([1, 0])
    assert m.books.members[0, 2:, 0] == near([0] * 22)


# --- fees


FEE = {
    "name": "Training",
    "payer": "plan",
    "unit": "day",
    "price": 1_000,
    "demand": 8,
    "hours": 12,
    "delivered_by": ["coach"],
    "billable": 30,
    "direct_cost": 60,
    "start": "2025-01",
    "end": "2026-06",
    "collection_lag": 2,
    "bad_debt": 0.03,
}


@pytest.mark.parametrize(("demand", "days"), [(8, 5), (3, 3)])
def test_fees_are_limited_by_hours(demand: float, days: float) -> None:
    """Two coaches have 60 hours: five days of 12. Each brings 970 two months later, costs 60."""
    m = months(
        financed(
            500_000,
            posts={"coach": post(6_000, posts=2, core=False)},
            fees={"training": FEE | {"demand": demand}},
        )
    )
    assert m.books.delivered[0, :, 0] == near([days] * 18 + [0] * 6)
    assert m.paid("fees.training") == near([60 * days] * 18 + [0] * 6)
    assert m.received("fees.training") == near([0, 0] + [970 * days] * 18 + [0] * 4)


def test_without_staff_no_fee_is_earned_though_it_was_expected() -> None:
    m = months(
        financed(
            0, posts={"coach": post(6_000, core=False)}, fees={"training": FEE | {"demand": 2}}
        )
    )
    assert m.received("fees.training")[2] < 970 * 2
    assert m.account("expected")[2] == near(970 * 2)


# --- hard-wiring


def test_a_partner_takes_over_half_of_two_posts() -> None:
    move = {
        "name": "Move",
        "partner": "county",
        "moves": "posts.analyst",
        "share": 0.5,
        "date": "2025-07",
    }
    loaded = financed(
        500_000, posts={"analyst": post(5_000, posts=2, core=False)}, hard_wiring={"move": move}
    )
    m = months(loaded)
    assert m.paid("posts.analyst") == near([10_000] * 6 + [5_000] * 18)
    assert m.books.partner[0, :, 0] == near([0] * 6 + [5_000] * 18)
    usual = settled(loaded).usual_world.books
    assert usual.paid[0, :, 0] == near([10_000] * 24)
    assert usual.partner.sum() == 0.0


def test_the_partners_post_outlives_the_account() -> None:
    """35,000 pay 3 months of 10,000 and one of 5,000; then one of two posts is the partner's."""
    move = {
        "name": "Move",
        "partner": "county",
        "moves": "posts.analyst",
        "share": 0.5,
        "date": "2025-04",
    }
    m = months(
        financed(35_000, posts={"analyst": post(5_000, posts=2)}, hard_wiring={"move": move})
    )
    assert m.account("alive")[:6] == near([1, 1, 1, 1, 0, 0])
    assert m.filled("analyst") == near([2] * 4 + [1] * 20)
    assert m.books.partner[0, :, 0] == near([0] * 3 + [5_000] * 21)


def test_a_partner_hires_for_its_part_whatever_the_account_can_pay() -> None:
    """The account has nothing in hand and may not hire; the analyst is wholly the partner's."""
    move = {"name": "Move", "partner": "county", "moves": "posts.analyst", "date": "2025-01"}
    m = months(
        financed(
            account(0, freeze_below=6),
            posts={
                "analyst": post(5_000, core=False, turnover=0.1),
                "director": post(0, turnover=0.1),
            },
            hard_wiring={"move": move},
        )
    )
    balance = 0.5 / (0.5 + 0.1)  # hires (1 - x) / 2 a month meet 0.1 x who leave
    assert m.filled("analyst")[-1] == pytest.approx(balance, abs=1e-3)


def test_a_hard_wired_amount_comes_from_its_date_on() -> None:
    line = {"name": "Budget line", "partner": "county", "amount": 700, "date": "2025-05"}
    m = months(financed(0, hard_wiring={"line": line}))
    assert m.received("hard_wiring.line") == near([0] * 4 + [700] * 20)


# --- hiring freeze


def frozen(freeze_below: float) -> Any:
    """A core post of 4,000 a month, a tenth of which leaves each month; fees are not promised."""
    fee = FEE | {"price": 900, "demand": 5, "bad_debt": 0, "direct_cost": 0, "collection_lag": 0}
    return months(
        financed(
            account(4_000, freeze_below=freeze_below),
            posts={"coach": post(4_000, turnover=0.1)},
            fees={"training": fee | {"billable": 1_000, "end": None}},
        )
    )


def test_a_freeze_lets_turnover_shrink_core_staff_below_its_minimum() -> None:
    """Nobody is hired while cash is under 3 x 4,000: filled = 0.975^(4 months), Euler's steps."""
    m = frozen(3)
    below = int(np.argmax(m.account("cash") > 12_000))
    assert 4 < below < 20
    shrinks = 0.975 ** (4 * np.arange(1, below + 1))
    assert m.account("core_posts")[:below] == near(shrinks)
    assert m.account("core_posts")[below - 1] < 0.7
    assert m.account("core_posts")[below + 2] > m.account("core_posts")[below]  # it recovers
    assert m.account("alive") == near([1] * 24)


def test_without_a_freeze_staff_settles_between_hires_and_quits() -> None:
    assert frozen(0).account("core_posts")[-1] == pytest.approx(0.5 / 0.6, abs=1e-3)


def test_half_a_month_in_hand_is_half_a_month() -> None:
    """2,000 in hand after the first payment are half a month of 4,000; 1,999 are not."""
    for opening, first in ((6_000, 1.0), (5_999, 0.0)):
        m = months(
            financed(
                account(opening, freeze_below=0.5),
                posts={"coach": post(4_000, turnover=0.1)},
            )
        )
        assert (m.filled("coach")[0] > 0.975**4 + 1e-9) == bool(first)


def test_promised_grants_count_as_money_in_hand() -> None:
    """Nothing in hand, but two months' grants of 5,000 cover two months of 4,000."""
    m = months(
        financed(
            account(0, freeze_below=2),
            posts={"coach": post(4_000, turnover=0.1)},
            grants={"g": grant(5_000)},
        )
    )
    assert m.filled("coach")[-1] == pytest.approx(0.5 / 0.6, abs=1e-3)


# --- interventions that an account funds


TEAM = {"interventions.team.funded_by": "county"}


def county(appropriation: float, opening: float = 0.0, **more: Any) -> Any:
    """The network and the county have accounts; the county's budget line pays the team."""
    line = grant(appropriation, account="county", restricted_to=["interventions.team"])
    return scenario(
        TEAM
        | {
            "financing": {
                "discount_rate": 0.03,
                "accounts": {
                    "network": account(1_000_000),
                    "county": account(opening, minimum_core=0, **more),
                },
                "posts": {"director": post(5_000)},
                "grants": {"budget": line} if appropriation else {},
            }
        }
    )


def test_an_account_with_enough_changes_nothing() -> None:
    """Funded by an account with enough, or by a party without one: the same to the last bit."""
    rich, free = settled(county(0, 1_000_000)), settled(scenario(TEAM))
    for name, array in rich.strategy._asdict().items():
        assert np.array_equal(array, getattr(free.strategy, name)), name
    spent = rich.strategy_world.books.programme["cost"]
    assert np.array_equal(spent, free.strategy_world.books.programme["cost"])
    assert not rich.strategy_world.books.programme["carried"].any()


def test_a_party_without_an_account_always_pays() -> None:
    """The network is insolvent in month 1; the plan, which has no account, goes on."""
    poor = {
        "discount_rate": 0.03,
        "accounts": {"network": account(5_000)},
        "posts": {"d": post(5_000)},
    }
    insolvent, free = settled(scenario({"financing": poor})), settled(scenario())
    assert insolvent.strategy_world.books.account["alive"][0, 1, 0] == 0.0
    assert np.array_equal(insolvent.strategy.staff, free.strategy.staff)
    assert np.array_equal(insolvent.strategy.payments, free.strategy.payments)


def test_a_short_funder_keeps_the_staff_that_it_can_pay() -> None:
    """6,000 a month pay 1,000 fixed and one post of two: fewer enrol, less is avoided."""
    loaded = county(6_000, freeze_below=1)
    short, whole = settled(loaded), settled(county(0, 1_000_000))
    m = months(loaded)
    assert m.paid("interventions.team").max() <= 6_000 * 24
    assert (np.cumsum(m.paid("interventions.team")) <= 6_000 * np.arange(1, 25) + 1e-6).all()
    assert short.strategy.staff[0, -1, 0] < 1.2 < whole.strategy.staff[0, -1, 0]
    assert short.strategy.started.sum() < 0.8 * whole.strategy.started.sum()
    avoided = [w.usual.payments.sum() - w.strategy.payments.sum() for w in (short, whole)]
    assert 0.0 < avoided[0] < avoided[1]
    assert m.account("alive", "county") == near([1] * 24)  # an intervention is no core obligation


def test_each_account_pays_for_itself() -> None:
    """The network's money pays none of the county's, nor the other way round."""
    m = months(county(6_000, freeze_below=1))
    assert m.account("cash") == near(1_000_000 - 5_000 * np.arange(1, 25))
    spent = np.cumsum(m.paid("interventions.team"))
    assert m.account("restricted", "county")[:23] == near((6_000 * np.arange(1, 25) - spent)[:23])


def test_staff_leaves_when_the_appropriation_ends() -> None:
    line = grant(50_000, end="2025-12", account="county", restricted_to=["interventions.team"])
    loaded = scenario(
        TEAM
        | {
            "financing": {
                "discount_rate": 0.03,
                "accounts": {"network": account(0), "county": account(0, freeze_below=1)},
                "grants": {"budget": line},
            }
        }
    )
    w = settled(loaded)
    assert w.strategy.staff[0, 11, 0] > 1.0
    assert w.strategy.staff[0, 12, 0] < 0.5
    assert w.strategy.started[0, 16:, 0] == near([0] * 8)
    assert w.strategy.enrolled[0, 16, 0] > 0.0  # who is enrolled is still served
    carried = w.strategy_world.books.programme[0, 16, 0]
    assert carried["carried"] == near(carried["cost"])  # and the operator bears it


def test_staff_recovers_when_money_comes_back() -> None:
    lines = {
        name: grant(50_000, start, end, account="county", restricted_to=["interventions.team"])
        for name, start, end in (("one", "2025-01", "2025-06"), ("two", "2026-01", "2026-12"))
    }
    loaded = scenario(
        TEAM
        | {
            "financing": {
                "discount_rate": 0.03,
                "accounts": {"network": account(0), "county": account(0, freeze_below=1)},
                "grants": lines,
            }
        }
    )
    staff = settled(loaded).strategy.staff[0, :, 0]
    assert staff[5] > 1.0
    assert staff[8] < 0.1
    assert staff[17] > 1.0


# --- reinvestment


def reinvesting(opening: float, **more: Any) -> Any:
    fund = {"name": "More", "intervention": "team", "desired_posts": 2} | more
    return scenario(
        {
            "financing": {
                "discount_rate": 0.03,
                "accounts": {"network": account(opening)},
                "posts": {"director": post(1_000)},
                "reinvestment": {"more": fund},
            }
        }
    )


def test_surplus_goes_into_the_fund_once_a_year() -> None:
    """December: 112,000 of 124,000 are left; 6 months of 1,000 stay, of 106,000 half is moved."""
    m = months(reinvesting(124_000, surplus_share=0.5))
    assert m.account("cash")[10:12] == near([113_000, 59_000])
    assert m.account("restricted")[10:12] == near([0, 53_000])


def test_the_fund_pays_extra_posts_as_far_as_it_lasts_a_year() -> None:
    """53,000 pay 53,000 / 12 / 5,000 = 0.883 posts; their share of the cost is the fund's."""
    loaded = reinvesting(124_000, surplus_share=0.5)
    w, m = settled(loaded), months(loaded)
    extra = 53_000 / 12 / 5_000
    cost = w.strategy_world.books.programme["cost"][0, 12, 0]
    assert m.paid("reinvestment.more")[12] == near(cost * extra / (2 + extra))
    assert m.paid("reinvestment.more")[:12] == near([0] * 12)
    plain = settled(scenario())
    assert w.strategy.staff[0, 16, 0] > plain.strategy.staff[0, 16, 0] + 0.2
    assert np.array_equal(w.strategy.staff[0, :12], plain.strategy.staff[0, :12])


def test_extra_posts_leave_when_the_account_is_insolvent() -> None:
    loaded = scenario(
        {
            "financing": {
                "discount_rate": 0.03,
                "accounts": {"network": account(40_000)},
                "posts": {"director": post(1_000)},
                "costs": {"rent": RENT | {"amount": 10_000, "start": "2026-04"}},
                "reinvestment": {
                    "more": {
                        "name": "More",
                        "intervention": "team",
                        "desired_posts": 2,
                        "surplus_share": 0.5,
                        "reserve": 0,
                    }
                },
            }
        }
    )
    m, staff = months(loaded), settled(loaded).strategy.staff[0, :, 0]
    dead = int(np.argmin(m.account("alive")))
    assert 14 < dead < 23
    assert staff[dead + 1 :].max() <= 2.0
    assert m.paid("reinvestment.more")[dead + 1 :].sum() == 0.0
    assert staff[-1] > 1.5  # the plan's own two posts go on


# --- usual care


def test_usual_care_has_only_lines_that_say_so() -> None:
    loaded = financed(
        0,
        grants={
            "kept": grant(100),
            "new": grant(200, usual_care=False),
            "tied": grant(400, restricted_to=["costs.rent"], indirect=0.5, usual_care=False),
        },
        costs={"rent": RENT | {"core": False}},
        fees={"training": FEE | {"hours": 0, "delivered_by": ["coach"], "direct_cost": 0}},
        posts={"coach": post(0)},
    )
    usual = settled(loaded).usual_world.books.receipts[0].sum()
    assert usual == near(24 * 100)
    assert settled(loaded).strategy_world.books.receipts[0, :, :6].sum() == near(24 * 700)


def test_nobody_is_in_the_small_scenarios_team() -> None:
    """What the tests above take for granted."""
    assert settled(scenario(NOBODY)).strategy.enrolled.sum() == 0.0
