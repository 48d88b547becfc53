"""Money is conserved, whatever the financing: every account balances to the cent in every month.

opening + receipts - payments - returned = closing, where closing is unrestricted cash and
restricted funds less what is owed on the credit line, and receipts include loans and rescues.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model import ensemble
from model.draws import sample
from model.ensemble import both_worlds
from model.loading import Loaded
from model.money_plan import lines, obligations, restricted_funds
from model.worlds import World, Worlds
from tests.conftest import scenario
from tests.financed import post

CENT = 0.01
DRAWS = 3
FEW = settings(
    max_examples=40, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
shares = st.floats(0, 1).map(lambda x: round(x, 3))
months = st.integers(1, 24).map(lambda m: f"{2025 + (m - 1) // 12}-{(m - 1) % 12 + 1:02d}")
lags = st.integers(0, 5)


def money(most: int) -> st.SearchStrategy[Any]:
    """An amount, sometimes uncertain."""
    sure = st.integers(0, most)
    spread = sure.map(lambda x: {"uniform": {"low": x, "high": 2 * x + 1}})
    return st.one_of(sure, spread)


accounts = st.builds(
    lambda opening, freeze, limit, rescue: {
        "opening": opening,
        "minimum_core": 1,
        "freeze_below": freeze,
        "credit": {"lender": "plan", "limit": limit, "interest": 0.08},
        "rescue": {"rescuer": "plan", "most": rescue},
    },
    money(60_000),
    st.sampled_from([0, 0.5, 2, 6]),
    st.sampled_from([0, 5_000]),
    st.sampled_from([7_000, 0]),
)
posts = st.builds(
    lambda cost, core, turnover, count: post(cost, count, core, turnover=turnover),
    money(6_000),
    st.booleans(),
    st.sampled_from([0, 0.03]),
    st.sampled_from([1, 2.5]),
)
grants = st.builds(
    lambda amount, ends, tied, reimbursed, indirect, lag, instalment, award: {
        "name": "Grant",
        "payer": "plan",
        "amount": amount,
        "start": min(ends),
        "end": max(ends),
        "restricted_to": tied or (["posts.analyst"] if reimbursed else []),
        "reimbursed": reimbursed,
        "indirect": indirect,
        "collection_lag": lag,
        "instalment": instalment,
        "award": award,
        "renewal": {"chance": 0.5, "times": 1},
    },
    money(12_000),
    st.tuples(months, months),
    st.sampled_from([["posts.analyst"], [], ["posts.analyst", "costs.rent"]]),
    st.booleans(),
    shares,
    lags,
    st.sampled_from([1, 3, 12]),
    shares,
)
dues = st.builds(
    lambda members, amount, invoice, lag, bad: {
        "name": "Members",
        "payer": "plan",
        "members": members,
        "amount": amount,
        "invoice_month": invoice,
        "start": "2025-01",
        "joining": 1,
        "renewal": 0.8,
        "trust_response": 0.5,
        "collection_lag": lag,
        "bad_debt": bad,
    },
    st.integers(0, 100),
    money(500),
    st.integers(1, 12),
    lags,
    shares,
)
fees = st.builds(
    lambda price, lag, direct: {
        "name": "Training",
        "payer": "plan",
        "unit": "day",
        "price": price,
        "demand": 5,
        "hours": 12,
        "delivered_by": ["analyst"],
        "billable": 40,
        "direct_cost": direct,
        "start": "2025-03",
        "collection_lag": lag,
    },
    money(1_500),
    lags,
    st.integers(0, 200),
)
contracts = st.builds(
    lambda rate, lag, interim, selection, start: {
        "name": "Deal",
        "payer": "plan",
        "payee": "network",
        "terms": {
            "name": "ours",
            "title": "Ours",
            "source": "a letter",
            "shared_savings": {"sharing_rate": rate, "loss": {"rate": {"fixed": rate}}},
            "member_fee": {"per_member_month": 1, "at_risk": 0.5},
            "settlement_lag": lag,
            "interim_share": interim,
            "measurement": {"cv": 2},
        },
        "start": start,
        "years": 2,
        "achieved": 0.5,
        "covers": {"segments": ["adults"], "other_care": False},
        "benchmark": {"method": "own_history", "weights": [1], "selection": selection},
    },
    shares,
    lags,
    shares,
    st.sampled_from([-0.1, 0, 0.1]),
    st.sampled_from(["2025-01", "2025-06"]),
)


@st.composite
def financings(draw: Any) -> dict[str, Any]:
    """The network and the county have accounts; the county funds the team."""
    pays = {"name": "Budget", "payer": "plan", "account": "county", "usual_care": False}
    budget = pays | {"amount": draw(money(15_000)), "start": "2025-01", "end": draw(months)}
    budget["restricted_to"] = draw(st.sampled_from([[], ["interventions.team"]]))
    surplus = {"surplus_share": draw(shares), "reserve": 2, "desired_posts": 2}
    loan = {"name": "Loan", "lender": "plan", "amount": draw(money(20_000)), "interest": 0.05}
    moves = {"name": "Move", "partner": "plan", "moves": "posts.analyst"}
    return {
        "discount_rate": 0.03,
        "accounts": {"network": draw(accounts), "county": draw(accounts)},
        "posts": {"director": draw(posts), "analyst": draw(posts)},
        "costs": {
            "rent": {"name": "Rent", "amount": draw(money(1_000)), "activity": "advance_policy"}
        },
        "grants": {"one": draw(grants), "two": draw(grants), "budget": budget},
        "dues": {"members": draw(dues)},
        "fees": {"training": draw(fees)},
        "loans": {"loan": loan | {"date": draw(months), "months": 6, "chance": 0.5}},
        "hard_wiring": {
            "move": moves | {"share": draw(shares), "date": draw(months), "chance": 0.5}
        },
        "contracts": {"deal": draw(contracts)},
        "reinvestment": {"more": {"name": "More", "intervention": "team"} | surplus},
    }


def financed(financing: dict[str, Any]) -> Loaded:
    return scenario({"financing": financing, "interventions.team.funded_by": "county"})


def project(loaded: Loaded, draws: int = DRAWS) -> Worlds:
    return both_worlds(sample(loaded, draws, 1), slice(0, draws))


def flows(loaded: Loaded, world: World) -> tuple[Any, Any]:
    """Receipts and payments [draw, month, account] from the lines and obligations by name."""
    names = list(loaded.scenario.financing.accounts)  # type: ignore[union-attr]
    books = world.books
    into = np.zeros((*books.receipts.shape[:2], len(names)))
    out = np.zeros_like(into)
    for x, line in enumerate(lines(loaded.scenario)):
        if line.account is not None:
            into[:, :, names.index(line.account)] += books.receipts[:, :, x]
    for o, owed in enumerate(obligations(loaded.scenario)):
        if owed.account is not None:
            out[:, :, names.index(owed.account)] += books.paid[:, :, o]
    for f, fund in enumerate(restricted_funds(loaded.scenario.financing)):  # type: ignore[arg-type]
        at = "county" if fund == "grants.budget" else "network"
        out[:, :, names.index(at)] += books.returned[:, :, f]
    return into, out


def both(loaded: Loaded, w: Worlds) -> list[tuple[World, Any, Any, Any]]:
    """Each world with its receipts, payments and opening balances [draw, 1, account]."""
    found = []
    for world in (w.usual_world, w.strategy_world):
        assert world.money is not None
        into, out = flows(loaded, world)
        found.append((world, into, out, world.money.account["opening"][:, None, :]))
    return found


@FEW
@given(financings())
def test_every_account_balances_to_the_cent_and_stays_within_its_means(
    financing: dict[str, Any],
) -> None:
    loaded = financed(financing)
    for world, into, out, opening in both(loaded, project(loaded)):
        book = world.books.account
        closing = book["cash"] + book["restricted"] - book["credit"]
        left = np.concatenate([opening, closing], axis=1)
        assert np.abs(left[:, :-1] + into - out - left[:, 1:]).max() < CENT
        assert book["cash"].min() > -CENT
        assert book["restricted"].min() > -CENT
        assert book["credit"].min() > -CENT
        assert (book["credit"] <= world.money.account["credit_limit"][:, None] + CENT).all()  # type: ignore[union-attr]
        steps = np.diff(np.concatenate([0 * opening, book["credit"]], axis=1), axis=1)
        assert np.allclose(steps, book["drawn"], atol=CENT)


@FEW
@given(financings())
def test_insolvency_is_for_good_and_ends_all_payments(financing: dict[str, Any]) -> None:
    loaded = financed(financing)
    for world, into, out, _ in both(loaded, project(loaded)):
        alive = world.books.account["alive"]
        assert set(np.unique(alive)) <= {0.0, 1.0}
        assert (np.diff(alive, axis=1) <= 0.0).all()
        before = np.concatenate([np.ones_like(alive[:, :1]), alive[:, :-1]], axis=1)
        assert not into[before == 0.0].any()
        assert not out[before == 0.0].any()
        assert not world.books.account["drawn"][before == 0.0].any()
        own = world.books.posts * (alive[:, :, :1] == 0.0)
        paid_by_partners = world.books.partner[:, :, :2].sum(axis=1) > 0.0
        assert not own.sum(axis=1)[~paid_by_partners].any()


@FEW
@given(financings())
def test_restricted_grants_never_pay_more_than_they_brought(financing: dict[str, Any]) -> None:
    """What a fund received is what it paid for its own, gave back or still holds."""
    loaded = financed(financing)
    for world, *_ in both(loaded, project(loaded)):
        books, money_of = world.books, loaded.scenario.financing
        assert money_of is not None
        for f, fund in enumerate(restricted_funds(money_of)):
            if fund.startswith("grants."):
                x = [line.key for line in lines(loaded.scenario)].index(fund)
                received = np.cumsum(books.receipts[:, :, x], axis=1)
                back = np.cumsum(books.returned[:, :, f], axis=1)
                assert (back <= received + CENT).all()
                keys = [o.key for o in obligations(loaded.scenario)]
                tied = money_of.grants[fund.removeprefix("grants.")].restricted_to
                mine = [k for k, key in enumerate(keys) if key in tied or "reinvest" in key]
                paid = np.cumsum(books.paid[:, :, mine].sum(axis=2), axis=1)
                k = list(money_of.accounts).index("county" if "budget" in fund else "network")
                held = books.account["restricted"][:, :, k]
                assert (received <= paid + back + held + CENT).all()


def test_the_examples_see_all_that_can_happen() -> None:
    """The properties above would hold of accounts to which nothing happens, too."""
    seen = {"insolvent": 0, "rescued": 0, "drawn": 0, "returned": 0, "repaid": 0, "fees": 0}

    @FEW
    @given(financings())
    def look(financing: dict[str, Any]) -> None:
        loaded = financed(financing)
        world = project(loaded, 2).strategy_world
        keys = [line.key for line in lines(loaded.scenario)]
        received = dict(zip(keys, world.books.receipts.sum(axis=(0, 1)), strict=True))
        paid = [o.key for o in obligations(loaded.scenario)]
        spent = dict(zip(paid, world.books.paid.sum(axis=(0, 1)), strict=True))
        seen["insolvent"] += int((world.books.account["alive"] == 0.0).any())
        seen["rescued"] += int(received["rescue.network"] > 0.0)
        seen["drawn"] += int(world.books.account["drawn"].max() > 0.0)
        seen["returned"] += int(world.books.returned.max() > 0.0)
        seen["repaid"] += int(spent["repayments.deal"] > 0.0)
        seen["fees"] += int(received["fees.training"] > 0.0)

    look()
    assert min(seen.values()) >= 1, seen


# --- draws, chunks and threads


def bytes_of(w: Worlds) -> list[bytes]:
    worlds = (w.usual_world, w.strategy_world)
    return [array.tobytes() for world in worlds for array in (*world.books, *world.activity)]


@settings(FEW, max_examples=8)
@given(financings())
def test_a_draw_alone_is_as_in_a_crowd(financing: dict[str, Any]) -> None:
    loaded = financed(financing)
    drawn = sample(loaded, 5, 7)
    crowd = both_worlds(drawn, slice(0, 5))
    for d in range(5):
        alone = both_worlds(drawn, slice(d, d + 1))
        for name, array in alone.strategy_world.books._asdict().items():
            among = getattr(crowd.strategy_world.books, name)[d : d + 1]
            assert array.tobytes() == among.tobytes(), name


@settings(FEW, max_examples=5)
@given(financings())
def test_threads_and_memory_used_before_change_no_byte(financing: dict[str, Any]) -> None:
    loaded = financed(financing)
    drawn = sample(loaded, 6, 7)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ensemble.os, "cpu_count", lambda: 1)
        one = bytes_of(both_worlds(drawn, slice(0, 6)))
        patch.setattr(ensemble.os, "cpu_count", lambda: 4)
        many = both_worlds(drawn, slice(0, 6))
        assert bytes_of(many) == one
        assert bytes_of(both_worlds(drawn, slice(0, 6), many)) == one
