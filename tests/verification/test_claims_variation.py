"""Scatter of cost between members: known answers, and what a scenario file makes of it."""

from __future__ import annotations

import json
import math
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model.deals import chance_of_baseline
from model.deals import variation as assumed
from model.draws import Columns, central
from model.episodes import prepare, run
from model.episodes.attribution import ClaimRules, deals_of
from model.episodes.claims_years import cap_of, moments, pairs_of
from model.episodes.cost_sums import Sums, correlation_of, cv_of, sums
from model.episodes.variation import Variation, overlay, variation
from model.finance.measurement import Noise
from model.loading import Loaded, load
from model.problems import BadInput
from tests.conftest import scenario
from tests.settled_claims import BOTH, QUIET, contract, deal

SEED = 11
CARE = "parties.plan.other_care"


def many_sums(
    loaded: Loaded, count: int, workers: int = 1, rules: ClaimRules | None = None
) -> list[Sums]:
    case = prepare(loaded)
    keep = partial(sums, case, loaded=loaded, seed=SEED, rules=rules)
    return list(run(case, count, SEED, keep, claims=BOTH, workers=workers))


def estimates(
    loaded: Loaded, count: int, rules: ClaimRules | None = None
) -> tuple[Variation, Variation]:
    """The plan as a whole, and its contract."""
    payer, of_contract = variation(prepare(loaded), many_sums(loaded, count, 1, rules), loaded)
    assert (payer.name, payer.contract) == ("plan", False)
    assert (of_contract.name, of_contract.contract) == ("deal", True)
    return payer, of_contract


# --- what parameters imply


@pytest.mark.parametrize(("stated", "lasting"), [(1.0, 0.0), (1.0, 0.3), (2.1, 0.4)])
def test_claims_vary_and_last_as_the_parameters_say(stated: float, lasting: float) -> None:
    """CV of a member's year, and its correlation with the next, which is the lasting share."""
    care = {"cost": 800, "variation": stated}
    loaded = deal(
        contract(),
        {CARE: care, "episodes": {"lasting_share": lasting}, "segments.adults.population": 8000},
    )
    payer, ours = estimates(loaded, 6)
    assert payer.cv.value == pytest.approx(stated, rel=0.03 * stated)  # heavier tail
    assert payer.cv_all_year.value == pytest.approx(payer.cv.value, rel=0.02)
    assert payer.correlation.value == pytest.approx(lasting, abs=0.035)
    assert payer.cost.value == pytest.approx(9600, rel=0.02)
    assert payer.members.value == pytest.approx(8000)
    formula = Noise(stated, 0.0, 1.0).sd(8000)
    assert payer.sd.value == pytest.approx(formula * math.sqrt(1 - lasting), rel=0.05)
    assert payer.sd_formula == pytest.approx(formula)
    # The contract's formula, with 0.6 and 0.4 of two base years.
    assert ours.baseline_factor == pytest.approx(0.52)
    assert ours.cv_in_formula.value == pytest.approx(stated * math.sqrt(1 - lasting), rel=0.05)


def test_the_interval_holds_what_is_estimated() -> None:
    """About nine in ten: 12 estimates of 5 replications each, of a CV of 1."""
    care = {CARE: {"cost": 800, "variation": 1.0}}
    loaded = deal(contract(), care | {"segments.adults.population": 600})
    case, many = prepare(loaded), many_sums(loaded, 60)
    found = [variation(case, many[k : k + 5], loaded)[1].cv for k in range(0, 60, 5)]
    assert 8 <= sum(x.low < 1.0 < x.high for x in found) <= 12


def test_rescue_services_alone() -> None:
    """Poisson visits of one amount, no frailty: CV = 1 / sqrt(visits a year)."""
    changes = {
        "segments.adults.use.visit": 0.25,
        "services.visit.relative_use": {"at_risk": 1, "in_crisis": 1},
        "episodes": {"frailty_variance": 0, "amount_variation": 0},
    }
    payer, ours = estimates(deal(contract(), changes), 4)
    assert payer.cv_services.value == pytest.approx(1 / math.sqrt(3), rel=0.02)
    assert ours.cv_services.value == pytest.approx(1 / math.sqrt(3), rel=0.02)


def test_a_cap_leaves_less_variation() -> None:
    loaded = deal(contract(truncation={"cost_share": 0.08, "variation_left": 0.67}))
    ours = estimates(loaded, 4)[1]
    assert ours.capped_share.value == pytest.approx(0.08, abs=0.02)
    assert ours.cv_capped.value < 0.8 * ours.cv.value
    steps = [
        estimates(loaded, 2, ClaimRules(percentile=p))[1].cv_capped.value for p in (90, 97, 100)
    ]
    assert steps == sorted(steps)


# --- sums over people


def table() -> tuple[Any, Any]:
    rng = np.random.default_rng(SEED)
    lasting = rng.lognormal(0, 0.8, 4000)
    cost = lasting[:, None] * rng.lognormal(0, 0.7, (4000, 3)) * 1000
    return cost, np.ones_like(cost)


def test_sums_say_what_the_table_says() -> None:
    cost, years = table()
    second = moments(cost, years)
    for y in range(3):
        assert cv_of(second, y) == pytest.approx(cost[:, y].std() / cost[:, y].mean())
    pairs = pairs_of(cost, years)
    for y in range(2):
        both = np.corrcoef(cost[:, y], cost[:, y + 1])[0, 1]
        assert correlation_of(pairs[y : y + 1]) == pytest.approx(both)
    assert np.isnan(moments(cost, years, 1)[0, 2])  # too far apart


def test_members_of_part_of_a_year_count_in_part() -> None:
    """CV / sqrt(member-years) is how far cost per member-year scatters, by resampling people."""
    cost, years = table()
    rng = np.random.default_rng(SEED)
    years *= rng.uniform(0.1, 1.0, years.shape)
    cost *= years
    second = moments(cost, years)
    chosen = rng.integers(0, 4000, (600, 4000))
    rates = cost[chosen, 0].sum(axis=1) / years[chosen, 0].sum(axis=1)
    expected = cv_of(second, 0) / math.sqrt(years[:, 0].sum())
    assert rates.std() / rates.mean() == pytest.approx(expected, rel=0.08)


def test_a_cap_for_a_share_of_cost() -> None:
    cost, years = table()
    loaded = deal(contract(truncation={"cost_share": 0.15, "variation_left": 0.5}))
    terms = deals_of(loaded, prepare(loaded))[0]
    cap = cap_of(terms, cost[:, 0], years[:, 0])
    above = np.maximum(cost[:, 0] - cap, 0).sum() / cost[:, 0].sum()
    assert above == pytest.approx(0.15, abs=1e-3)


def test_workers_change_nothing() -> None:
    loaded = deal(contract(start="2025-01"), {"segments.adults.population": 300})
    one, two = (many_sums(loaded, 3, workers) for workers in (1, 2))
    for a, b in zip(one, two, strict=True):
        assert a.number == b.number
        for world in BOTH:
            for x, y in zip(a.payers["plan"][world], b.payers["plan"][world], strict=True):
                assert np.array_equal(x, y, equal_nan=True)
        for x, y in zip(a.contracts["deal"].usual, b.contracts["deal"].usual, strict=True):
            assert np.array_equal(x, y, equal_nan=True)


# --- the file that hands it to contracts


def written(folder: Path, line: dict[str, Any]) -> Loaded:
    """The scenario of `deal`, as a file."""
    found = deal(line)
    text = json.dumps(found.document.data)
    (folder / "below.yaml").write_text(text, encoding="utf-8")
    return load(folder / "below.yaml")


@pytest.mark.parametrize("count", [1, 6])
@pytest.mark.parametrize("capped", [False, True])
def test_a_run_uses_what_was_found(tmp_path: Path, count: int, capped: bool) -> None:
    """With the file laid over, the formula of the dynamics gives the sd that claims show."""
    more = {"truncation": {"cost_share": 0.08, "variation_left": 0.9}} if capped else {}
    below = written(tmp_path, contract(**more))
    ours = estimates(below, count)[1]
    (tmp_path / "over.yaml").write_text(overlay(below, [ours], "below.yaml", SEED), "utf-8")
    loaded = load(tmp_path / "over.yaml")
    get = Columns(central(loaded), slice(0, 1))
    line = loaded.scenario.financing.contracts["deal"]  # type: ignore[union-attr]
    cv = float(assumed(loaded.scenario, get, "deal")[0])
    noise = Noise(cv, 0.0, float(chance_of_baseline(get, line, "deal")[0]))
    assert noise.sd(ours.members.value) == pytest.approx(ours.sd.value, rel=1e-3)
    number = loaded.parameters["financing.contracts.deal.terms.measurement.cv"]
    assert number.uncertain == (count > 1)
    assert f"{count} replication" in str(number.quantity.source)
    # Its own input, how other care varies between members, stays.
    assert loaded.parameters[f"{CARE}.variation"].central == 2.1


def test_a_number_that_was_a_distribution_gives_way(tmp_path: Path) -> None:
    cv = {"uniform": {"low": 1.5, "high": 2.5}, "assumption": True, "reason": "a guess"}
    below = written(tmp_path, contract({"measurement": {"cv": cv}}))
    ours = estimates(below, 2)[1]
    (tmp_path / "over.yaml").write_text(overlay(below, [ours], "below.yaml", SEED), "utf-8")
    said = load(tmp_path / "over.yaml").parameters["financing.contracts.deal.terms.measurement.cv"]
    assert said.quantity.family == "normal"
    assert said.quantity.reason is None
    assert not said.quantity.assumption


def test_without_a_contract_there_is_nothing_to_set() -> None:
    loaded = scenario({k: v for k, v in QUIET.items() if k != "clock.end"})
    found = variation(prepare(loaded), many_sums(loaded, 1), loaded)
    assert [v.name for v in found] == ["plan"]
    with pytest.raises(BadInput, match="a contract that shares savings"):
        overlay(loaded, found, "small.yaml", SEED)
