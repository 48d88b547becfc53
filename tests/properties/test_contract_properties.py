"""What holds of every contract: random clauses, random terms, and all that are shipped."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from model.finance import contracts as c
from model.finance.contracts import Clauses, Settled
from model.finance.payments import fee, outcome_payments, outcome_total, withhold_parts
from model.finance.performance import Row
from model.finance.presets import preset, preset_paths
from model.finance.rules import rules_of
from model.finance.settlement import settle
from model.terms import MemberFee, Outcomes, Withhold

EXAMPLES = settings(max_examples=100, deadline=None, derandomize=True)
CENT = 0.01
USD = st.floats(1e3, 1e9)
SHARE = st.floats(0.0, 1.0)
RATE = st.floats(0.0, 0.15)
SAVING = st.floats(-0.5, 0.5)  # share of the benchmark


@st.composite
def clauses(draw: st.DrawFn) -> Clauses:
    """All clauses at once. Tiers rise; a part of the rate below the minimum only with first-dollar
    sharing: otherwise meeting the minimum may cost money, as such terms say."""
    count = draw(st.integers(0, 3))
    above = sorted(draw(st.lists(RATE, min_size=count, max_size=count)))
    rates = sorted(draw(st.lists(SHARE, min_size=count + 1, max_size=count + 1)))
    excess = draw(st.sampled_from([0.0, 1.0]))
    return Clauses(
        sharing_rate=rates[0],
        tier_above=np.array(above),
        tier_rate=np.array(rates[1:]),
        minimum_savings_rate=draw(RATE),
        minimum_loss_rate=draw(RATE),
        excess_only=excess,
        below_minimum_share=0.0 if excess else draw(SHARE),
        quality_share=draw(SHARE),
        savings_counted=draw(SHARE),
        losses_counted=draw(SHARE),
        sequestration=draw(SHARE),
        payment_limit=draw(st.one_of(RATE, st.just(np.inf))),
        capture_cap=draw(st.one_of(SHARE, st.just(np.inf))),
        loss_rate=draw(SHARE),
        loss_limit=draw(st.one_of(USD, st.just(np.inf))),
        forgiven=draw(st.floats(0.0, 1e8)),
    )


def settled(benchmark: float, saving: float, terms: Clauses) -> Settled:
    return Settled(*c.settlement(benchmark, benchmark * (1.0 - saving), terms))


# --- shared savings


@EXAMPLES
@given(USD, clauses(), SAVING, SAVING)
def test_a_payment_never_falls_with_savings(
    benchmark: float, terms: Clauses, one: float, other: float
) -> None:
    less, more = (settled(benchmark, saving, terms) for saving in sorted((one, other)))
    assert more.payment >= less.payment - CENT
    assert more.repayment <= less.repayment + CENT


@EXAMPLES
@given(USD, clauses(), SAVING)
def test_a_settlement_stays_within_its_limits(
    benchmark: float, terms: Clauses, saving: float
) -> None:
    s = settled(benchmark, saving, terms)
    assert min(s[1:]) >= 0
    assert s.payment * s.repayment == 0
    assert s.payment <= max(0.0, s.gross) + CENT
    assert s.payment <= terms.payment_limit * benchmark + CENT
    assert s.gross <= 0 or s.payment <= terms.capture_cap * s.gross + CENT
    assert s.repayment <= min(terms.loss_limit, max(0.0, -s.gross)) + CENT
    assert s.sequestered == pytest.approx(s.shared * (1 - terms.sequestration), abs=CENT)


MINIMA = ("minimum_savings_rate", "minimum_loss_rate")
OPTIONAL: dict[str, st.SearchStrategy[Any]] = {
    "tier": st.tuples(RATE, SHARE),
    "minimum_savings_rate": RATE,
    "minimum_loss_rate": RATE,
    "excess_only": st.just(1.0),
    "below_minimum_share": SHARE,
    "quality_share": SHARE,
    "savings_counted": SHARE,
    "losses_counted": SHARE,
    "sequestration": SHARE,
    "payment_limit": RATE,
    "capture_cap": SHARE,
    "loss_rate": SHARE,
    "loss_limit": USD,
    "forgiven": st.floats(0.0, 1e8),
}
STATED = st.fixed_dictionaries({"sharing_rate": SHARE}, optional=OPTIONAL).filter(
    lambda stated: not {"excess_only", "below_minimum_share"} <= stated.keys()
)


def paid(gross: float, benchmark: float, stated: dict[str, Any]) -> float:
    """A payment by steps; what is not stated has no step."""
    rate, start = stated["sharing_rate"], 0.0
    amount: float
    if "minimum_savings_rate" in stated and gross < stated["minimum_savings_rate"] * benchmark:
        amount = gross * rate * stated.get("below_minimum_share", 0)
    else:
        if "excess_only" in stated and "minimum_savings_rate" in stated:
            start = stated["minimum_savings_rate"] * benchmark
        amount = rate * (gross - start)
        if "tier" in stated:
            edge = min(gross, max(start, stated["tier"][0] * benchmark))
            amount = rate * (edge - start) + stated["tier"][1] * (gross - edge)
    for name in ("quality_share", "savings_counted"):
        if name in stated:
            amount *= stated[name]
    if "sequestration" in stated:
        amount -= stated["sequestration"] * amount
    if "payment_limit" in stated:
        amount = min(amount, stated["payment_limit"] * benchmark)
    if "capture_cap" in stated:
        amount = min(amount, stated["capture_cap"] * gross)
    return amount


def owed(loss: float, benchmark: float, stated: dict[str, Any]) -> float:
    """A repayment by steps; what is not stated has no step."""
    if "loss_rate" not in stated:
        return 0.0
    amount: float = loss
    if "minimum_loss_rate" in stated:
        if loss < stated["minimum_loss_rate"] * benchmark:
            return 0.0
        if "excess_only" in stated:
            amount = loss - stated["minimum_loss_rate"] * benchmark
    amount *= stated["loss_rate"]
    if "losses_counted" in stated:
        amount *= stated["losses_counted"]
    if "loss_limit" in stated:
        amount = min(amount, stated["loss_limit"])
    if "forgiven" in stated:
        amount = max(0.0, amount - stated["forgiven"])
    return amount


@EXAMPLES
@given(USD, SAVING, STATED)
def test_a_clause_that_is_not_stated_is_inert(
    benchmark: float, saving: float, stated: dict[str, Any]
) -> None:
    """Any clauses together: the others, at their neutral values, are as if they were not there."""
    numbers = {name: value for name, value in stated.items() if name != "tier"}
    if "tier" in stated:
        above, rate = stated["tier"]
        numbers |= {"tier_above": np.array([above]), "tier_rate": np.array([rate])}
    s = settled(benchmark, saving, Clauses()._replace(**numbers))
    assume(all(abs(abs(saving) - stated.get(name, 1.0)) > 1e-9 for name in MINIMA))
    assert s.payment == pytest.approx(paid(max(0.0, s.gross), benchmark, stated), abs=CENT)
    assert s.repayment == pytest.approx(owed(max(0.0, -s.gross), benchmark, stated), abs=CENT)


# --- when and to whom


@EXAMPLES
@given(st.floats(-1e9, 1e9), st.floats(-1e9, 1e9), SHARE)
def test_interim_and_final_payment_are_the_settlement(
    estimate: float, final: float, share: float
) -> None:
    interim = c.interim_payment(estimate, share)
    assert interim >= 0
    assert interim + c.final_payment(final, interim) == pytest.approx(final, abs=CENT)


YEARS = st.floats(0.0, 30.0)


@EXAMPLES
@given(SHARE, YEARS, YEARS, YEARS, YEARS)
def test_the_captured_share_never_rises_with_the_fund(
    share: float, full_until: float, none_from: float, one: float, other: float
) -> None:
    """Nor leaves 0 to the whole share, in whatever order the two ends are given."""
    less, more = sorted((one, other))
    early = c.capture_share(less, share, full_until, none_from)
    late = c.capture_share(more, share, full_until, none_from)
    assert 0 <= late <= early <= share
    assert less > full_until or early == share
    assert more < none_from or more <= full_until or late == 0


# --- the other kinds


@EXAMPLES
@given(st.floats(0.0, 1e6), st.floats(0.0, 1e5), SHARE, SHARE, SHARE)
def test_a_fee_rises_with_targets_up_to_the_whole(
    months: float, price: float, at_risk: float, one: float, other: float
) -> None:
    terms = MemberFee.model_validate({"per_member_month": price, "at_risk": at_risk})
    less, more = sorted((one, other))
    whole = months * price
    assert (1 - at_risk) * whole - CENT <= fee(terms, months, less) <= fee(terms, months, more)
    assert fee(terms, months, more) <= whole + CENT
    assert fee(terms, months) == whole


@EXAMPLES
@given(
    USD, SHARE, SHARE, SHARE, SHARE, st.lists(st.integers(1, 100), min_size=1, max_size=6), SHARE
)
def test_a_withhold_pool_is_all_paid_out(
    payment: float, rate: float, limit: float, release: float, achieved: float,
    weights: list[int], more: float,
) -> None:  # fmt: skip
    terms = Withhold.model_validate(
        {
            "withheld_from": "payment",
            "rate": rate,
            "earn_back_limit": limit,
            "forfeit_released": release,
            "others": {f"p{n}": weight / sum(weights) for n, weight in enumerate(weights)},
        }
    )
    parts = withhold_parts(terms, payment, achieved)
    assert sum(parts.values()) == pytest.approx(payment * rate, abs=CENT)
    assert min(parts.values()) >= 0
    assert parts["payee"] <= payment * rate * limit + CENT
    better = withhold_parts(terms, payment, max(achieved, more))
    assert better["payee"] >= parts["payee"]
    assert better["payer"] <= parts["payer"]


MONEY = st.floats(0.0, 1e6)


@st.composite
def outcomes(draw: st.DrawFn) -> Outcomes:
    ends = sorted(draw(st.lists(SHARE, min_size=6, max_size=6, unique=True)))
    bands = [
        {"lower": low, "upper": high, "per_point": draw(MONEY)}
        for low, high in zip(ends[::2], ends[1::2], strict=True)
    ]
    metrics: dict[str, dict[str, Any]] = {
        "days": {"unit": "day", "price": draw(MONEY)},
        "jail": {"unit": "reduction", "bands": bands, "starts_at": draw(SHARE)},
    }
    for metric in metrics.values():
        if draw(st.booleans()):
            metric["cap"] = draw(MONEY)
    minimum, maximum = sorted((draw(MONEY), draw(MONEY)))
    return Outcomes.model_validate({"metrics": metrics, "minimum": minimum, "maximum": maximum})


@EXAMPLES
@given(outcomes(), st.floats(0.0, 1e4), SHARE, SHARE)
def test_outcome_payments_stay_within_caps_and_rise_with_outcomes(
    terms: Outcomes, days: float, jail: float, more: float
) -> None:
    paid_by_metric = outcome_payments(terms, {"days": days, "jail": jail})
    for name, metric in terms.metrics.items():
        cap = np.inf if metric.cap is None else metric.cap.central
        assert 0 <= paid_by_metric[name] <= cap
    assert terms.maximum is not None
    total = outcome_total(terms, {"days": days, "jail": jail})
    assert terms.minimum.central <= total <= terms.maximum.central
    better = {"days": days + 1, "jail": max(jail, more)}
    assert outcome_total(terms, better) >= total - CENT
    assert outcome_payments(terms, {"days": 0.0, "jail": 0.0})["days"] == 0


# --- shipped contracts

SHARED_SAVINGS = [name for name in preset_paths() if preset(name).contract.shared_savings]
FLAG = st.sampled_from([None, False, True])
FACTS = st.fixed_dictionaries(
    {
        "members": st.floats(500.0, 1e6),
        "printed_minimum": st.sampled_from([0.0, 0.005, 0.01, 0.02]),
        "score": SHARE,
        "met_standard": FLAG,
        "met_alternative": FLAG,
        "guardrail": FLAG,
        "terminated": FLAG,
        "adjustment": st.floats(-1e7, 0.0),
        "revenue": st.floats(0.0, 1e9),
        "revenue_category": st.sampled_from(["Low Revenue", "High Revenue"]),
    }
)


@pytest.mark.parametrize("name", SHARED_SAVINGS)
@EXAMPLES
@given(st.integers(2013, 2024), FACTS, st.lists(SAVING, min_size=2, max_size=2))
def test_no_shipped_contract_pays_less_for_more_savings(
    name: str, year: int, facts: dict[str, Any], savings: list[float]
) -> None:
    rules = rules_of(preset(name).in_year(year))
    less, more = (
        settle(Row(year, "X", 1e8, 1e8 * (1.0 - saving), **facts), rules)
        for saving in sorted(savings)
    )
    assert more.earned >= less.earned - CENT
    for s in (less, more):
        assert s.earned * s.gross_savings >= 0
        assert abs(s.earned) <= abs(s.gross_savings) + CENT
