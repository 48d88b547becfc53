"""Whose claims a contract counts, and what its benchmark is made of, against counting by hand."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from model.episodes import Replication, prepare, replicate
from model.episodes.attribution import (
    ClaimRules,
    attributed,
    deals_of,
    member_years,
    people_of,
    plan_members,
)
from model.episodes.chance import Chance
from model.episodes.claims_settlement import base_weights, errors
from model.episodes.claims_years import books
from model.episodes.earlier import before
from model.episodes.expected import expected_people
from model.episodes.people import newcomers
from tests.settled_claims import BOTH, OWN, contract, deal

SEED = 3
ELDERS = {"name": "Elders", "group": "all", "payer": "county", "population": 60,
         "need": {"at_risk": 0.2, "in_crisis": 0.05, "recovery": 0.1, "relief": 0.2},
         "deaths": {"stable": 0.002, "at_risk": 0.01, "in_crisis": 0.02},
         "use": {"visit": 0.1}}  # fmt: skip
MOVING: dict[str, Any] = {
    "segments.elders": ELDERS,
    "segments.adults.population": 150,
    "movements": [
        {"from": "adults", "to": "elders", "rate": 0.05},
        {"from": "elders", "to": "adults", "rate": 0.05},
    ],
}


def test_who_is_attributed_by_each_rule() -> None:
    """Against the months of each person, counted one span after the other."""
    changes = MOVING
    line = contract(covers={"segments": ["adults"], "attributed": 0.5})
    for rule in ("member_months", "plurality", "prospective"):
        rules = ClaimRules(attribution=rule, minimum_months=3)  # type: ignore[arg-type]
        loaded = deal(line, changes)
        case = prepare(loaded)
        found = replicate(case, 0, SEED, BOTH)
        terms = deals_of(loaded, case, rules)[0]
        payer = found.traits.payer
        who = people_of(plan_members(case, terms, payer))
        years = member_years(found.spans, "usual", who, terms.starts)
        chosen = attributed(case, terms, found.spans, "usual", payer, who, years)
        theirs = counted_by_hand(found, terms.starts, 12.0)
        before = counted_by_hand(found, np.maximum(terms.starts - 1, 0), 1.0)
        expected = theirs[:, :, 0] >= 3
        if rule == "plurality":
            expected &= theirs[:, :, 0] >= theirs[:, :, 1]
        elif rule == "prospective":
            expected &= before[:, :, 0] > 0
        mine = np.flatnonzero(payer < 0.5)
        ever = mine[who.row[mine] >= 0]
        assert ever.size == who.size
        assert years == pytest.approx(theirs[ever, :, 0] / 12)
        assert (chosen == expected[ever]).all()
        assert 0 < chosen.sum() < chosen.size


def counted_by_hand(found: Replication, starts: Any, length: float) -> Any:
    """Months [person, window, segment]."""
    s = found.spans
    out = np.zeros((found.newcomers.entered.size, len(starts), 2))
    for person, start, end, cell in zip(s.person, s.start, s.end, s.usual, strict=True):
        if cell >= 0:
            for w, begins in enumerate(starts):
                out[person, w, cell // 3] += max(
                    0.0, min(end, begins + length) - max(start, begins)
                )
    return out


# --- benchmarks of later years


def test_weights_of_base_years() -> None:
    """Years of the last agreement replace the share of the base that is re-based."""
    loaded = deal(
        contract(years=5, agreement_years=2, benchmark=OWN | {"rebased_share": 0.5}),
        {"clock.end": "2031-12"},
    )
    terms = deals_of(loaded, prepare(loaded))[0]
    assert base_weights(terms, 1) == pytest.approx([0.4, 0.6, 0, 0, 0, 0, 0])
    assert base_weights(terms, 2) == pytest.approx([0.2, 0.3, 0.25, 0.25, 0, 0, 0])
    assert base_weights(terms, 4) == pytest.approx([0.1, 0.15, 0.125, 0.125, 0.25, 0.25, 0])


def test_the_trend_error_adds_up_within_an_agreement() -> None:
    loaded = deal(
        contract(years=4, agreement_years=2, benchmark=OWN | {"trend_error": 0.01}),
        {"clock.end": "2030-12"},
    )
    case = prepare(loaded)
    terms = deals_of(loaded, case)[0]
    drawn = np.array([errors(terms, case, k, SEED).trend for k in range(2000)])
    expected = 0.01 * np.sqrt([1, 2, 1, 2])
    assert drawn.std(axis=0) == pytest.approx(expected, rel=0.06)
    assert np.corrcoef(drawn.T)[0, 1] == pytest.approx(math.sqrt(0.5), abs=0.05)
    assert np.corrcoef(drawn.T)[1, 2] == pytest.approx(0, abs=0.07)


def test_expected_cost_follows_trend_and_prices() -> None:
    """In a steady community usual care grows as the price of other care does."""
    care = {"cost": 800, "variation": 2.1, "trend": 0.05}
    loaded = deal(contract(), {"parties.plan.other_care": care})
    case = prepare(loaded)
    found = books(case, replicate(case, 0, SEED, BOTH), deals_of(loaded, case)[0], SEED)
    assert found.expected[1:] / found.expected[:-1] == pytest.approx(1.05, rel=1e-3)
    assert found.expected[0] == pytest.approx(9600, rel=0.03)


def test_expected_people_are_the_mean_of_the_episodes() -> None:
    """With arrivals, deaths, leaving and moves between segments; the same in every replication."""
    loaded = deal(contract(), MOVING)
    case = prepare(loaded)
    exact = expected_people(case)
    made = [replicate(case, k, SEED, ()) for k in range(40)]
    seen = np.array([r.worlds["usual"].community.person_months for r in made])
    each = seen.reshape(40, -1, 12, *exact.shape[1:]).sum(axis=2)  # of years
    error = each.std(axis=0, ddof=1) / math.sqrt(40)
    away = (each.mean(axis=0) - exact.reshape(-1, 12, *exact.shape[1:]).sum(axis=1)) / error
    assert np.abs(away).max() < 4
    assert np.sqrt((away**2).mean()) < 1.5


# --- base years before the horizon


def test_need_before_the_horizon_leads_up_to_it() -> None:
    """It ends where the person begins, and its shares are those of the start all the time."""
    loaded = deal(contract(), {"segments.adults.population": 40_000})
    case = prepare(loaded)
    chance = Chance(SEED, 0)
    new = newcomers(case, chance)
    spans = before(case, new, np.ones(new.level.size, dtype=np.bool_), 24.0, chance)
    last = spans.end == 24.0
    assert (spans.person[last] == np.arange(new.level.size)).all()
    assert (spans.usual[last] == new.level).all()
    for month in (0.0, 6.0, 18.0):
        at = (spans.start <= month) & (spans.end > month)
        assert at.sum() == new.level.size
        shares = np.bincount(spans.usual[at], minlength=3) / new.level.size
        assert shares == pytest.approx([0.75, 0.2, 0.05], abs=0.006)
    # Rates of leaving each level are those of the community, which is in balance.
    whole = np.bincount(spans.usual, spans.end - spans.start, minlength=3)
    ended = np.bincount(spans.usual[spans.start > 0], minlength=3)
    c = case.community
    rates = [c.onset[0], c.recovery[0] + c.escalation[0], c.relief[0]]
    assert ended / whole == pytest.approx(rates, rel=0.03)


@pytest.mark.parametrize("rule", ["member_months", "plurality", "prospective"])
def test_who_is_there_at_the_start_was_there_before(rule: Any) -> None:
    line = contract(start="2025-01", covers={"segments": ["adults"], "attributed": 0.5})
    loaded = deal(line, MOVING)
    case = prepare(loaded)
    terms = deals_of(loaded, case, ClaimRules(rule))[0]
    found = replicate(case, 0, SEED, BOTH)
    new = found.newcomers
    there = (new.entered == 0) & (new.segment == 0) & (found.traits.payer < 0.5)
    made = books(case, found, terms, SEED)
    assert made.usual.members[:2] == pytest.approx(there.sum())
    assert made.usual.complete[:2] / there.sum() == pytest.approx(made.expected[0], rel=0.5)
    if rule == "prospective":
        assert made.usual.members[2] <= there.sum()
