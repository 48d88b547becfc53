"""Claims that are missing, new agreements, luck in need, and what a scenario says of its claims."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import linalg, stats

from model.episodes import prepare, replicate
from model.episodes.attribution import ClaimRules, deals_of
from model.episodes.claims_settlement import settled
from model.episodes.kept import Keep
from model.problems import BadInput
from tests.settled_claims import BOTH, column, contract, deal, many_settled

SEED = 3


# --- run-out


def test_late_claims_lower_what_is_seen_by_their_share() -> None:
    """Paid after 1.5 months on average: (1.5 / 12) exp(-R / 1.5) is missing R months later."""
    loaded = deal(contract(), {"parties.plan.other_care": {"cost": 800, "variation": 0.5}})
    case = prepare(loaded)
    found = replicate(case, 0, SEED, BOTH)
    for months in (0, 1, 3):
        year = settled(case, found, loaded, SEED, ClaimRules(run_out=months))[0]
        whole = settled(case, found, loaded, SEED, ClaimRules(run_out=1000))[0]
        missing = 0.125 * math.exp(-months / 1.5)
        assert year.missing_share == pytest.approx(missing, rel=0.05)
        assert 1 - year.expenditure / whole.expenditure == pytest.approx(year.missing_share)
        assert whole.missing_share == 0


def test_the_date_follows_from_the_share_known() -> None:
    """All is known where no share is stated, whenever the contract is settled."""
    stated = {"known": 0.95, "factor": 1 / 0.95}
    one, two = (-0.125 * math.exp(-months / 1.5) * math.expm1(-8) for months in (1, 2))
    cut_off = 1 + (one - 0.05) / (one - two)  # between the whole months around 1.37
    for terms, more, months in (
        ({}, {}, math.inf),
        ({"settlement_lag": 9}, {}, math.inf),
        ({"settlement_lag": 9}, {"completeness": stated}, cut_off),
    ):
        loaded = deal(contract(terms, **more))
        assert deals_of(loaded, prepare(loaded))[0].run_out == pytest.approx(months)


@pytest.mark.parametrize("known", [0.9, 0.95, 0.99])
def test_the_share_known_is_counted(known: float) -> None:
    """Not that of the nearest whole month, and no saving nor loss comes of it, cap or none."""
    line = contract(
        completeness={"known": known, "factor": 1 / known},
        truncation={"cost_share": 0.25, "variation_left": 0.5},
    )
    for terms, capped in ((line, 0.25), (line | {"truncation": None}, 0.0)):
        partly, all_known = deal(terms), deal(terms | {"completeness": {}})
        case, missing, ratio = prepare(partly), [], []
        for k in range(8):
            found = replicate(case, k, SEED, BOTH)
            a, b = (settled(case, found, x, SEED)[0] for x in (partly, all_known))
            missing.append(a.missing_share)
            ratio.append(a.expenditure / b.expenditure)
            assert a.capped_share == pytest.approx(capped, abs=0.06)
            assert a.benchmark == b.benchmark
        for values, expected in ((missing, 1 - known), (ratio, 1)):
            error = np.std(values, ddof=1) / math.sqrt(len(values))
            assert abs(np.mean(values) - expected) < 3 * error < 0.012


def test_a_share_that_is_never_missing_is_refused() -> None:
    """Paid after a month on average, 1 - 1/12 is known when the year ends."""
    stated = {"completeness": {"known": 0.9, "factor": 1.1}}
    loaded = deal(contract(**stated), {"episodes": {"run_out": 1}})
    with pytest.raises(BadInput, match=r"at least 0\.9167"):
        deals_of(loaded, prepare(loaded))


# --- luck over the years


def test_nothing_is_measured_over_a_new_agreement() -> None:
    """Years that become base years are complete, below the cap, and what is late is completed."""
    line = contract(
        years=4,
        agreement_years=2,
        completeness={"known": 0.9, "factor": 1 / 0.9},
        truncation={"cost_share": 0.1, "variation_left": 0.6},
    )
    care = {"cost": 800, "variation": 1.0}
    loaded = deal(line, {"clock.end": "2030-12", "parties.plan.other_care": care})
    many = many_settled(loaded, 24, SEED)
    for year in range(4):
        rates = column(many, "measured_rate", year)
        error = rates.std(ddof=1) / math.sqrt(len(rates))
        assert abs(rates.mean()) < 3 * error < 0.02


NEED = {
    "clock.end": "2028-12",
    "segments.adults.population": 1500,
    "segments.adults.need": {"at_risk": 0.2, "in_crisis": 0.05, "recovery": 0.04, "relief": 0.06},
    "segments.adults.use.visit": 2.0,
    "services.visit.relative_use": {"at_risk": 4, "in_crisis": 25},
    "episodes": {"frailty_variance": 0, "amount_variation": 0},
}


def scatter_of_need(year: int) -> float:
    """sd of the measured rate from the chain alone: covariances of years of visits.

    Visits are Poisson at the rate of the need level; k(t) is the covariance of rates t apart.
    """
    mix, visits = np.array([0.75, 0.2, 0.05]), 2.0 * np.array([1.0, 4.0, 25.0])
    visits /= visits @ mix
    onset, escalation = 0.04 * 0.2 / 0.75, 0.06 * 0.05 / 0.2
    chain = np.array([[-onset, onset, 0], [0.04, -0.04 - escalation, escalation], [0, 0.06, -0.06]])

    def covariance(years: int) -> float:
        apart = np.linspace(-12, 12, 481)
        k = [(mix * visits) @ linalg.expm(chain * abs(u + 12 * years)) @ visits - 1 for u in apart]
        return float(np.trapezoid((12 - np.abs(apart)) * np.array(k), apart)) / 144

    move, when = np.array([1.0, -0.6, -0.4]), np.array([year + 2, 1, 0])
    lags = np.abs(when[:, None] - when[None, :])
    table = np.vectorize(covariance)(lags) + np.eye(3) / 24  # and 24 visits a year
    return math.sqrt(float(move @ table @ move) / 1500)


@pytest.mark.parametrize("start", ["2025-01", "2027-01"])
def test_luck_in_need_is_luck(start: str) -> None:
    """All scatter is who is in crisis when: over replications as much as between members.

    Base years before the horizon must not repeat the first year, and the trend must not take
    the year's luck for a trend.
    """
    line = contract(start=start, covers={"segments": ["adults"], "other_care": False})
    many = many_settled(deal(line, NEED), 40, SEED)
    for year in range(2):
        rates = column(many, "measured_rate", year)
        seen = np.sqrt((column(many, "sd_by_members", year) ** 2).mean())
        free = len(rates) - 1
        low, high = stats.chi2.ppf((0.001, 0.999), free) / free
        assert low < (rates.std(ddof=1) / seen) ** 2 < high
        assert abs(rates.mean()) < 3 * rates.std(ddof=1) / math.sqrt(len(rates))
        assert seen == pytest.approx(scatter_of_need(year), rel=0.04)


# --- what a scenario says of its claims


def test_a_scenario_states_the_rules() -> None:
    said = {
        "attribution": "prospective",
        "minimum_months": 6,
        "cap_percentile": 95,
        "run_out_months": 2,
    }
    loaded = deal(contract(), {"episodes": {"settlement": {"deal": said}}})
    case = prepare(loaded)
    rules = ClaimRules("prospective", 6, 95, None, 2)
    assert deals_of(loaded, case)[0].rules == rules
    found = replicate(case, 0, SEED, BOTH)
    plain = deal(contract())
    assert settled(case, found, loaded, SEED) == settled(case, found, plain, SEED, rules)
    assert settled(case, found, loaded, SEED) != settled(case, found, plain, SEED)
    # Every replication of the command is settled by them.
    keep = Keep(case, SEED, lambda _: None, "none", loaded)  # type: ignore[arg-type]
    assert keep(found).settled == settled(case, found, plain, SEED, rules)


def test_rules_of_no_contract_are_refused() -> None:
    loaded = deal(contract(), {"episodes": {"settlement": {"deel": {"cap": 1000}}}})
    with pytest.raises(BadInput, match="a contract that shares savings: deal") as refused:
        deals_of(loaded, prepare(loaded))
    assert "did you mean" in str(refused.value).lower()
    with pytest.raises(BadInput, match="either cap or cap_percentile"):
        deal(contract(), {"episodes": {"settlement": {"deal": {"cap": 1, "cap_percentile": 9}}}})
