"""Fields: the kinds of name, date and number that scenarios and contracts are written in."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, StringConstraints

from .quantity import Parameter, Quantity, Spec

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
Month = Annotated[
    str,
    StringConstraints(pattern=r"^(19|20)\d\d-(0[1-9]|1[0-2])$"),
    Field(description="a month, YYYY-MM"),
]
Text = Annotated[str, StringConstraints(max_length=4000)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=160)]

Share = Annotated[Parameter, Spec("1", 0.0, 1.0, "a share")]
Rate = Annotated[Parameter, Spec("1/month", 0.0, 1.0, "a rate per month")]
Ratio = Annotated[Parameter, Spec("1", 0.0, 100.0, "a ratio")]
PositiveRatio = Annotated[Parameter, Spec("1", 0.01, 10.0, "a ratio")]
Correlation = Annotated[Parameter, Spec("1", -1.0, 1.0, "a correlation")]
Trend = Annotated[Parameter, Spec("1/year", -0.5, 0.5, "a yearly trend")]
Months = Annotated[Parameter, Spec("month", 0.5, 600.0, "a duration")]
Delay = Annotated[Parameter, Spec("month", 0.0, 120.0, "a delay")]
UseRate = Annotated[Parameter, Spec("events/person-month", 0.0, 31.0, "use of a service")]
Persons = Annotated[Parameter, Spec("persons", 0.0, 5e7, "people")]
Entrants = Annotated[Parameter, Spec("persons/month", 0.0, 1e6, "births and arrivals")]
Posts = Annotated[Parameter, Spec("posts", 0.0, 1e5, "full-time posts")]
Caseload = Annotated[Parameter, Spec("persons/post", 0.1, 1e4, "clients served at once")]
Days = Annotated[Parameter, Spec("days", 0.01, 3650.0, "length of stay")]
Block = Annotated[Parameter, Spec("units/month", 0.01, 1e7, "capacity released at once")]
Money = Annotated[Parameter, Spec("USD", 0.0, 1e9, "money")]
MonthlyMoney = Annotated[Parameter, Spec("USD/month", 0.0, 1e9, "money a month")]
PostMoney = Annotated[Parameter, Spec("USD/post-month", 0.0, 1e6, "cost of a post")]
SlotMoney = Annotated[Parameter, Spec("USD/slot-month", 0.0, 1e6, "cost of a slot")]
MemberMoney = Annotated[Parameter, Spec("USD/person-month", 0.0, 1e6, "cost of a person served")]


def fixed(value: float, spec: Spec) -> Parameter:
    """A default: a bare number in the field's own unit."""
    return spec.fit(Quantity(value=value, source="default"))


def default(value: float, annotation: Any, description: str | None = None) -> Any:
    """A field that is this number where the file says nothing."""
    spec = annotation.__metadata__[0]
    return Field(default_factory=lambda: fixed(value, spec), description=description)


def month_number(month: str) -> int:
    year, number = month.split("-")
    return 12 * int(year) + int(number) - 1
