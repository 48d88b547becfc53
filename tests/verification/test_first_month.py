"""Jackson's first month, January 2020, by hand arithmetic.

No programme has begun; trends count from January, so they are still 1; the shocks come later.
Every number stands in scenarios/jackson.yaml; where that gives low, mode and high, the table has
their mean (low + 4 mode + high) / 6, as the projection here is at the mean of every number.

people         at the start
died           stable, at risk, in crisis x their own rates: a month's deaths
came           `entrants`; where the file gives none, as many as die, so that people stay the same
months         person-months: people + 3/8 (came - died), as the four weeks are counted at their
               starts, when 0, 1/4, 1/2 and 3/4 of the month's arrivals and deaths have happened
visits, stays  person-months x visits or stays per 1,000 person-years / 12,000
days           person-months x jail bookings per 1,000 person-years / 12,000 x 22 days
"""

import numpy as np
import pytest

from model.loading import SHIPPED, load
from model.worlds import Worlds, by_party
from tests.conftest import worlds

TABLE = """
segment                   people  died  came   months ED/1000  visits IP/1000  stays   jail    days
medicaid_children          15148  0.42 65.00 15172.22  498.33  630.07  50.00  63.22   0.00    0.00
medicaid_adults             8355  4.68  4.68  8355.00  850.00  591.81 160.83 111.98  55.43  849.09
expansion_adults            9116  3.48  3.48  9116.00  661.67  502.65 100.83  76.60 146.87 2454.53
expansion_adults_black      1745  1.01  1.01  1745.00  905.00  131.60 125.83  18.30 328.60 1051.25
dual_eligible               7053 23.25  0.00  7044.28  805.00  472.55 405.60 238.10   0.00    0.00
medicare_traditional       15218 44.19  0.00 15201.43  447.50  566.89 270.40 342.54   0.00    0.00
medicare_advantage         10948 29.48  0.00 10936.95  403.00  367.30 230.00 209.62   0.00    0.00
commercial                 84962 13.46 77.00 84985.83  240.00 1699.72  60.00 424.93   6.70 1043.91
uninsured                   7571  2.35  2.35  7571.00  423.33  267.09  45.83  28.92  91.67 1272.35
people_without_stable_home   250  0.46  0.46   250.00 1346.67   28.06 408.33   8.51 763.00  349.71
"""
LINES = [line.split() for line in TABLE.strip().splitlines()]
ROWS = {name: [float(cell) for cell in cells] for name, *cells in LINES[1:]}
COLUMNS = LINES[0][1:]


def column(name: str) -> np.ndarray:
    return np.array([row[COLUMNS.index(name)] for row in ROWS.values()])


@pytest.fixture(scope="module")
def jackson() -> Worlds:
    return worlds(load(SHIPPED / "jackson.yaml"))


def test_the_table_is_arithmetic() -> None:
    """First month: the table follows from its own columns."""
    months = column("people") + 3 / 8 * (column("came") - column("died"))
    np.testing.assert_allclose(column("months"), months, atol=0.01)
    for rate, units in (("ED/1000", "visits"), ("IP/1000", "stays")):
        expected = column("months") * column(rate) / 12_000
        np.testing.assert_allclose(column(units), expected, atol=0.02)
    days = column("months") * column("jail") / 12_000 * 22
    np.testing.assert_allclose(column("days"), days, atol=0.1)


def test_people_of_the_first_month(jackson: Worlds) -> None:
    """First month: deaths, arrivals and person-months of each segment."""
    assert list(jackson.scenario.segments) == list(ROWS)
    np.testing.assert_allclose(jackson.usual.died[0, 0], column("died"), atol=0.006)
    np.testing.assert_allclose(jackson.usual.entered[0, 0], column("came"), atol=0.006)
    np.testing.assert_allclose(jackson.usual.person_months[0, 0], column("months"), atol=0.02)


def test_deaths_of_one_segment() -> None:
    """First month: 8,355 Medicaid adults, 18.17 % at risk and 4.08 % in crisis, who die at 5, 10
    and 25 per 1,000 a year."""
    at_risk, in_crisis = (0.13 + 4 * 0.18 + 0.24) / 6, (0.025 + 4 * 0.04 + 0.06) / 6
    per_1000 = 5 * (1 - at_risk - in_crisis) + 10 * at_risk + 25 * in_crisis
    assert 8355 * per_1000 / 12_000 == pytest.approx(column("died")[1], abs=0.005)


def test_who_changes_segment_at_the_end_of_the_first_month(jackson: Worlds) -> None:
    """First month: Medicare Advantage gains 0.72 % of traditional Medicare and 0.085 % of the
    commercially insured, all counted before anybody moves."""
    from_traditional = 0.0072 * (15218 - 44.19)
    from_commercial = 0.00085 * (84962 + 77 - 13.46)
    moved = jackson.usual.moved[0, 0, list(ROWS).index("medicare_advantage")]
    assert moved == pytest.approx(from_traditional + from_commercial, abs=0.01)
    assert moved == pytest.approx(181.52, abs=0.01)


def test_use_in_the_first_month(jackson: Worlds) -> None:
    """First month: 5,258 emergency visits, 1,523 hospital stays, 7,021 jail days; shelter nights
    of 250 people at 127 a year."""
    services = list(jackson.scenario.services)
    used = dict(zip(services, jackson.usual.use[0, 0], strict=True))
    assert used["ed_visit"] == pytest.approx(column("visits").sum(), rel=1e-4)
    assert used["inpatient_stay"] == pytest.approx(column("stays").sum(), rel=1e-4)
    assert used["jail_day"] == pytest.approx(column("days").sum(), rel=1e-4)
    assert used["shelter_night"] == pytest.approx(250 * 127 / 12)
    assert np.round([used["ed_visit"], used["inpatient_stay"], used["jail_day"]]).tolist() == [
        5258,
        1523,
        7021,
    ]


# Consumer prices of all urban consumers, yearly means (BLS).
CPI = {2010: 218.056, 2012: 229.594, 2017: 245.120, 2019: 255.657, 2020: 258.811}


def at_2020(low: float, mode: float, high: float, year: int) -> float:
    """Mean of a range of that year's dollars, in dollars of 2020."""
    return (low + 4 * mode + high) / 6 * CPI[2020] / CPI[year]


def test_payments_of_the_first_month(jackson: Worlds) -> None:
    """First month: who pays what. The county pays jail days at cost (84 USD a day in 2019), the
    shelter funders nights (45 in 2010), traditional Medicare 84 % of cost for its own members and
    52 % of the dually eligible."""
    paid = dict(
        zip(
            jackson.scenario.parties,
            by_party(jackson.scenario, jackson.usual.payments, True)[0, 0],
            strict=True,
        )
    )
    county = column("days").sum() * at_2020(40, 84, 110, 2019)
    shelter = 250 * 127 / 12 * at_2020(19, 45, 90, 2010)
    assert paid["county"] == pytest.approx(county, rel=1e-4)
    assert paid["county"] == pytest.approx(575_700, abs=100)
    assert paid["shelter_funders"] == pytest.approx(shelter, rel=1e-4)
    assert paid["shelter_funders"] == pytest.approx(151_260, abs=50)

    visit, stay = at_2020(400, 530, 900, 2017), at_2020(8500, 10400, 14600, 2012)
    # Ambulance: lognormal with 5 % below 195 and 5 % above 944 USD of 2010.
    spread = np.log(944 / 195) / (2 * 1.64485)
    transport = np.sqrt(195 * 944) * np.exp(spread**2 / 2) * CPI[2020] / CPI[2010]
    own = 566.89 * visit + 342.54 * stay + 15201.43 * 113 / 12_000 * transport
    dual = 472.55 * visit + 238.10 * stay + 7044.28 * 186 / 12_000 * transport
    assert paid["medicare"] == pytest.approx(0.84 * (own + 0.52 * dual), rel=1e-4)


def test_first_month_of_the_health_workers(jackson: Worlds) -> None:
    """First month of a programme (January 2021): six posts, three months to hire, 2 % leave.

    week   at its start   hired                     left
    1      0              1/4 x 6 / 3     = 0.5     0
    2      0.5            1/4 x 5.5 / 3   = 0.4583  1/4 x 0.02 x 0.5    = 0.0025
    3      0.9558         1/4 x 5.0442/3  = 0.4203  1/4 x 0.02 x 0.9558 = 0.0048
    4      1.3714         (0.5 + 0.9558 + 1.3714) / 4 = 0.7068 post-months
    """
    month = jackson.scenario.clock.index("2021-01")
    assert jackson.strategy.staff_months[0, month, 0] == pytest.approx(0.7068, abs=1e-4)
    assert not jackson.strategy.staff_months[0, :month].any()
    spent = jackson.strategy_world.books.programme[:, :, 0]
    cash, in_kind = spent["cost"], spent["in_kind"]
    per_post = (80_000 + 4 * 94_658 + 120_000) / 6 / 12
    stipends = 10 * jackson.strategy.enrolled_months[0, month, 0]
    expected = 1.03 * (60_000 + 0.7068 * per_post + stipends)  # wages grew 3 % since January 2020
    assert cash[0, month] == pytest.approx(expected, rel=1e-4)
    assert in_kind[0, month] == pytest.approx(1.03 * 2500)
    assert not cash[0, :month].any()
