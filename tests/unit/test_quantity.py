"""Quantities: units converted once, ranges kept, what is said in more than one way refused."""

import re
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError
from scipy import stats

from model import scenario as fields
from model.quantity import UNITS, Parameter, Quantity, Spec

U = (np.arange(20_000) + 0.5) / 20_000


def spec(name: str) -> Spec:
    return getattr(fields, name).__metadata__[0]


def refusal(allowed: str) -> Any:
    """Expect a refusal that says so."""
    return pytest.raises(PydanticCustomError, match=re.escape(allowed))


def fitted(field: str, written: Any) -> Parameter:
    return spec(field).fit(Quantity.model_validate(written))


@pytest.mark.parametrize(
    ("field", "value", "unit", "expected"),
    [
        ("Share", 35, "%", 0.35),
        ("Rate", 0.6, "1/year", 0.05),
        ("Rate", 0.01, "1/week", 0.01 * 365.25 / 84),
        ("Rate", 0.01, "1/day", 0.01 * 30.4375),
        ("Rate", 12, "%/year", 0.01),
        ("Rate", 2, "%/month", 0.02),
        ("Rate", 870, "per 100,000 person-years", 0.000725),
        ("Trend", -2.2, "%/year", -0.022),
        ("Months", 26, "week", 26 * 84 / 365.25),
        ("Months", 180, "day", 180 * 12 / 365.25),
        ("Months", 2, "year", 24),
        ("UseRate", 600, "per 1,000 person-years", 0.05),
        ("UseRate", 50, "per 1,000 person-months", 0.05),
        ("UseRate", 60_000, "per 100,000 person-years", 0.05),
        ("UseRate", 0.6, "events/person-year", 0.05),
        ("Entrants", 120, "persons/year", 10),
        ("Block", 16, "units/day", 487),
        ("MonthlyMoney", 150_000, "USD/year", 12_500),
        ("PostMoney", 94_658, "USD/post-year", 94_658 / 12),
        ("SlotMoney", 1200, "USD/slot-year", 100),
        ("MemberMoney", 6000, "USD/person-year", 500),
        ("MemberMoney", 10, "USD/person-day", 304.375),
    ],
)
def test_units_are_converted(field: str, value: float, unit: str, expected: float) -> None:
    """Unit conversions, by arithmetic: a year has 365.25 days, a month a twelfth of it."""
    parameter = fitted(field, {"value": value, "unit": unit})
    assert parameter.central == pytest.approx(expected, rel=1e-12)


def test_a_field_without_unit_is_in_its_own() -> None:
    assert fitted("Rate", 0.25).central == 0.25
    assert all(units[own] == 1.0 for own, units in UNITS.items())


def test_distributions_are_converted_like_numbers() -> None:
    """Unit conversions of draws: per 1,000 person-years to per person-month."""
    written = {"uniform": {"low": 600, "high": 1200}, "unit": "per 1,000 person-years"}
    drawn = fitted("UseRate", written).draws(U)
    known = stats.uniform(0.05, 0.05)
    np.testing.assert_allclose(drawn, known.ppf(U), rtol=1e-12)


@pytest.mark.parametrize(
    ("field", "written", "known"),
    [
        ("Share", {"normal": {"mean": 0.9, "sd": 0.06}}, stats.truncnorm(-15, 5 / 3, 0.9, 0.06)),
        ("Months", {"normal": {"mean": 2, "sd": 0.9}}, stats.truncnorm(-5 / 3, 660, 2, 0.9)),
        (
            "Rate",
            {"normal": {"mean": 30, "sd": 18}, "unit": "%/year"},
            stats.truncnorm(-5 / 3, 65, 0.025, 0.015),
        ),
    ],
    ids=["share", "duration", "rate with a unit"],
)
def test_draws_are_truncated_to_the_range(field: str, written: Any, known: Any) -> None:
    """Truncation to the field's range keeps the shape inside it: scipy's truncated normal."""
    drawn = fitted(field, written).draws(U)
    np.testing.assert_allclose(drawn, known.ppf(U), rtol=1e-9)
    assert spec(field).low <= drawn.min()
    assert drawn.max() <= spec(field).high


def test_a_distribution_that_is_mostly_truncated_is_refused() -> None:
    """A normal with 6.7 % (z = -1.5) below the range is another distribution than written."""
    with refusal("a share from 0 to 1"):
        fitted("Share", {"normal": {"mean": 0.3, "sd": 0.2}})


@pytest.mark.parametrize(
    ("field", "written", "allowed"),
    [
        ("Share", 1.01, "from 0 to 1"),
        ("Share", {"value": 101, "unit": "%"}, "from 0 to 1"),
        ("Share", {"pert": {"low": 0.5, "mode": 0.9, "high": 1.1}}, "from 0 to 1"),
        ("Share", {"empirical": {"values": [0.1, 2.0]}}, "from 0 to 1"),
        ("Months", 0.4, "from 0.5 to 600"),
        ("Months", {"value": 12, "unit": "day"}, "from 0.5 to 600"),
        ("Rate", {"value": 5, "unit": "1/week"}, "from 0 to 1"),
        ("Money", -1, "from 0 to"),
        ("Share", {"value": 5, "unit": "USD"}, "a unit of this field: 1, %, ratio"),
        ("Money", {"value": 5, "unit": "dollars"}, "a unit of this field: USD"),
        ("Share", {"value": 0.5, "year": 2020}, "a price year only where the unit is USD"),
    ],
)
def test_out_of_range_or_in_another_unit(field: str, written: Any, allowed: str) -> None:
    with refusal(allowed):
        fitted(field, written)


@pytest.mark.parametrize(
    ("field", "written", "told"),
    [
        ("Share", 70, "a share from 0 to 1 (write 0.7 for 70 %)"),
        ("Trend", 3, "a yearly trend; unit 1/year, from -0.5 to 0.5 (write 0.03 for 3 %)"),
        ("Persons", 1e9, "people; unit persons, from 0 to 50,000,000"),
        ("Months", "twelve", "a number in months, from 0.5 to 600, as in 12; or {value, unit"),
        ("Months", "24 months", "as in 24;"),
        ("Share", "6%", "a number from 0 to 1, as in 0.06;"),
        ("Persons", "14,000", "as in 14000 (without a comma);"),
        ("Persons", {"value": "$14,000"}, "as in 14000 (without a comma);"),
        ("Persons", "1,00", "as in 12;"),
        ("Months", None, "a number in months"),
        ("Months", [1], "a number in months"),
        ("Share", {"value": 5, "unit": "percent"}, "did you mean `%`?"),
        ("Months", {"value": 5, "unit": "mnths"}, "did you mean `months`?"),
    ],
)
def test_what_people_write_is_answered_in_their_words(field: str, written: Any, told: str) -> None:
    with pytest.raises(ValidationError, match=re.escape(told)):
        TypeAdapter(getattr(fields, field)).validate_python(written)


@pytest.mark.parametrize(
    "written",
    [
        {"unit": "1"},
        {"value": 1, "uniform": {"low": 0, "high": 1}},
        {"uniform": {"low": 0, "high": 1}, "normal": {"mean": 0, "sd": 1}},
        {"value": 1, "assumption": True},
        {"value": True},
        {"value": "1"},
        {"value": float("nan")},
        {"value": 1, "unknown": 2},
        "1",
        None,
        [1],
        True,
    ],
)
def test_no_number(written: Any) -> None:
    with pytest.raises(ValidationError):
        Quantity.model_validate(written)


@pytest.mark.parametrize(
    "family",
    [
        {"uniform": {"low": 1, "high": 900_000}},
        {"triangular": {"low": 1, "mode": 2, "high": 900_000}},
        {"empirical": {"values": [1, 900_000]}},
    ],
)
def test_money_near_the_limit_may_be_indexed(family: dict[str, Any]) -> None:
    """An amount of an earlier year is drawn even if the index takes it past the field's range."""
    indexed = fitted("MemberMoney", family | {"year": 2010}).times(1.4)
    drawn = indexed.draws(U)
    assert drawn.min() >= 1.0
    assert drawn.max() <= 1.4 * 900_000


def test_a_bound_within_rounding_of_the_range_is_drawn() -> None:
    """Bounds are checked to 1e-12, so draws must accept what the check accepted."""
    drawn = fitted("Share", {"uniform": {"low": -1e-13, "high": 0.5}}).draws(U)
    assert drawn.min() >= 0.0
