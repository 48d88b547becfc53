"""Quantities: a number with its unit, its source and how uncertain it is.

In a scenario any number may be a bare number (where the field fixes the unit), a mapping
`{value, unit, source}`, or a distribution such as `{pert: {low, mode, high}, unit, source}`.
A field's `Spec` converts it once, at the door, to the field's own unit and checks its range.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
from pydantic import Field, GetCoreSchemaHandler, GetJsonSchemaHandler, model_validator
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from .distributions import (
    Beta,
    Discrete,
    Distribution,
    Empirical,
    Floats,
    Frozen,
    Gamma,
    Lognormal,
    Normal,
    Pert,
    Triangular,
    Uniform,
    refuse,
)
from .problems import nearest

DAYS_PER_MONTH = 365.25 / 12.0
WEEKS_PER_MONTH = DAYS_PER_MONTH / 7.0

# What one of the unit is in the field's own unit. A unit not listed is refused, never guessed.
UNITS: dict[str, dict[str, float]] = {
    "1": {"1": 1.0, "%": 0.01, "ratio": 1.0},
    "1/month": {
        "1/month": 1.0,
        "1/year": 1 / 12,
        "1/week": WEEKS_PER_MONTH,
        "1/day": DAYS_PER_MONTH,
        "%/month": 0.01,
        "%/year": 0.01 / 12,
        "per 1,000 person-years": 1 / 12_000,
        "per 100,000 person-years": 1 / 1_200_000,
    },
    "1/year": {"1/year": 1.0, "%/year": 0.01, "% per year": 0.01},
    "month": {
        "month": 1.0,
        "months": 1.0,
        "year": 12.0,
        "week": 1 / WEEKS_PER_MONTH,
        "day": 1 / DAYS_PER_MONTH,
    },
    "events/person-month": {
        "events/person-month": 1.0,
        "events/person-year": 1 / 12,
        "per 1,000 person-months": 1 / 1_000,
        "per 1,000 person-years": 1 / 12_000,
        "per 100,000 person-years": 1 / 1_200_000,
    },
    "persons": {"persons": 1.0, "people": 1.0},
    "persons/month": {"persons/month": 1.0, "persons/year": 1 / 12},
    "posts": {"posts": 1.0, "staff": 1.0},
    "persons/post": {"persons/post": 1.0},
    "years": {"years": 1.0, "year": 1.0},
    "members": {"members": 1.0, "member": 1.0},
    "members/month": {"members/month": 1.0, "members/year": 1 / 12},
    "hours": {"hours": 1.0, "hour": 1.0, "minutes": 1 / 60},
    "hours/month": {"hours/month": 1.0, "hours/year": 1 / 12, "hours/week": WEEKS_PER_MONTH},
    "USD/hour": {"USD/hour": 1.0},
    "units/month": {"units/month": 1.0, "units/day": DAYS_PER_MONTH, "units/year": 1 / 12},
    "days": {"days": 1.0, "day": 1.0},
    "USD": {"USD": 1.0},
    "USD/month": {"USD/month": 1.0, "USD/year": 1 / 12},
    "USD/post-month": {
        "USD/post-month": 1.0,
        "USD/post-year": 1 / 12,
        "USD/month": 1.0,
        "USD/year": 1 / 12,
    },
    "USD/slot-month": {
        "USD/slot-month": 1.0,
        "USD/slot-year": 1 / 12,
        "USD/month": 1.0,
        "USD/year": 1 / 12,
    },
    "USD/person-month": {
        "USD/person-month": 1.0,
        "USD/person-year": 1 / 12,
        "USD/person-day": DAYS_PER_MONTH,
        "USD/month": 1.0,
        "USD/year": 1 / 12,
    },
}


FAMILIES = (
    "triangular",
    "pert",
    "normal",
    "lognormal",
    "beta",
    "gamma",
    "uniform",
    "discrete",
    "empirical",
)
# An unbounded family may lose this much of itself to the field's range before it is refused.
LARGEST_TRUNCATED_SHARE = 0.05


class Quantity(Frozen):
    """A number as written in YAML: one value or one distribution, in the unit it names."""

    value: float | None = None
    unit: str | None = Field(default=None, max_length=60)
    year: int | None = Field(default=None, ge=1980, le=2060, description="price year of money")
    source: str | None = Field(default=None, max_length=600)
    status: Literal["verified", "unverified"] | None = None
    ref: str | None = Field(default=None, description="id of a unit cost or base rate it is from")
    assumption: bool = Field(default=False, description="true: no source; say why and whom to ask")
    reason: str | None = Field(default=None, max_length=600)
    ask: str | None = Field(default=None, max_length=300)
    note: str | None = Field(default=None, max_length=600)
    triangular: Triangular | None = None
    pert: Pert | None = None
    normal: Normal | None = None
    lognormal: Lognormal | None = None
    beta: Beta | None = None
    gamma: Gamma | None = None
    uniform: Uniform | None = None
    discrete: Discrete | None = None
    empirical: Empirical | None = None

    @model_validator(mode="before")
    @classmethod
    def _bare_number(cls, data: Any) -> Any:
        if isinstance(data, (int, float)) and not isinstance(data, bool):
            return {"value": data}
        if not isinstance(data, dict):
            raise refuse("a number, {value, unit, source} or a distribution", _in_words(data))
        return data

    @model_validator(mode="after")
    def _one_number(self) -> Quantity:
        named = [f for f in FAMILIES if getattr(self, f) is not None]
        if len(named) > 1:
            raise refuse("one distribution", " and ".join(named))
        if named and self.value is not None:
            allowed = "one number: write `value: null` or a bare number to replace the parent's"
            raise refuse(allowed, f"value and {named[0]}")
        if not named and self.value is None:
            raise refuse(f"a value or a distribution ({', '.join(FAMILIES)})", "neither")
        if self.assumption and not (self.reason or self.source):
            raise refuse("a reason beside `assumption: true`", "no reason")
        return self

    @property
    def distribution(self) -> Distribution | None:
        families = (getattr(self, f) for f in FAMILIES)
        return next((f for f in families if f is not None), None)

    @property
    def family(self) -> str:
        return next((f for f in FAMILIES if getattr(self, f) is not None), "fixed")


def _in_words(data: Any) -> str:
    if data is None:
        return "nothing"
    kind = {str: "text", list: "a list", bool: "true/false"}.get(type(data), type(data).__name__)
    return f"{str(data)[:60]!r} ({kind})"


def in_digits(x: float) -> str:
    """A number as people write it: 50,000,000 rather than 5e+07."""
    return f"{x:,.0f}" if 1e4 <= abs(x) < 1e15 and x == round(x) else f"{x:.10g}"


_SAID = {"percent": "%", "per cent": "%", "share": "1", "dollars": "USD", "$": "USD"}
_NUMBER = re.compile(r"[$ ]*([-+]?[0-9]+(?:,[0-9]{3})*(?:[.][0-9]+)?)(?![0-9,]) *(%?)")


def _number_in(text: str) -> float | None:
    """The number that a text begins with: 12 of `12 months`, 0.06 of `6%`, 14000 of `14,000`."""
    found = _NUMBER.match(text)
    if found is None:
        return None
    number = float(found[1].replace(",", ""))
    return number / 100.0 if found[2] else number


@dataclass(frozen=True)
class Parameter:
    """A quantity in its field's unit: factor x distribution, kept within low and high, x price.

    The range is that of the field at the number's own prices; `price` is the price index.
    """

    quantity: Quantity
    unit: str
    factor: float
    low: float
    high: float
    price: float = 1.0

    def times(self, index: float) -> Parameter:
        """The same parameter at another year's prices."""
        return replace(self, price=index)

    @property
    def uncertain(self) -> bool:
        return self.quantity.distribution is not None

    @property
    def central(self) -> float:
        """Mean, in the field's unit (before truncation to its range)."""
        family = self.quantity.distribution
        if family is not None:
            return self.price * self.factor * family.mean
        assert self.quantity.value is not None
        return self.price * self.factor * self.quantity.value

    def draws(self, u: Floats) -> Floats:
        """Draws for uniform numbers u, in the field's unit, truncated to its range."""
        family = self.quantity.distribution
        if family is None:
            return np.full(u.shape, self.central)
        low, high = _truncation(family, self.low / self.factor, self.high / self.factor)
        drawn = self.factor * family.ppf(low + u * (high - low))
        return self.price * np.clip(drawn, self.low, self.high)

    @property
    def sourced(self) -> bool:
        return bool(self.quantity.source or self.quantity.ref) and not self.quantity.assumption


def _truncation(family: Distribution, low: float, high: float) -> tuple[float, float]:
    """Probabilities below low and high; a bounded family was found to lie within them."""
    bottom, top = family.support
    if np.isfinite(top):
        return 0.0, 1.0
    return family.cdf(low) if bottom < low else 0.0, family.cdf(high) if top > high else 1.0


@dataclass(frozen=True)
class Spec:
    """What a field allows: its unit and its range (inclusive)."""

    unit: str
    low: float = 0.0
    high: float = np.inf
    says: str = ""

    def __get_pydantic_core_schema__(
        self, source: Any, handler: GetCoreSchemaHandler
    ) -> CoreSchema:
        inner = core_schema.no_info_before_validator_function(
            self._refuse_words, handler.generate_schema(Quantity)
        )
        return core_schema.no_info_after_validator_function(self.fit, inner)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        written = handler(schema)
        number: JsonSchemaValue = {"type": "number"}
        if np.isfinite(self.low):
            number["minimum"] = self.low
        if np.isfinite(self.high):
            number["maximum"] = self.high
        return {"anyOf": [number, written], "description": self.describe()}

    def describe(self) -> str:
        reach = "any number"
        if np.isfinite(self.low):
            reach = f"from {self.low:g}" + (f" to {self.high:g}" if np.isfinite(self.high) else "")
        return f"{self.says + '; ' if self.says else ''}unit {self.unit}, {reach}"

    def allows(self) -> str:
        """What may stand here, in words: `a share from 0 to 1`."""
        unit = f"; unit {self.unit}" if self._in_unit() else ""
        return f"{self.says or 'a number'}{unit}{self._reach()}"

    def _in_unit(self) -> str:
        unit = {"1": "", "month": "months"}.get(self.unit, self.unit)
        return f" in {unit}" if unit else ""

    def _reach(self) -> str:
        if not np.isfinite(self.low):
            return ""
        comma = "," if self._in_unit() else ""
        top = f" to {in_digits(self.high)}" if np.isfinite(self.high) else ""
        return f"{comma} from {in_digits(self.low)}{top}"

    def _refuse_words(self, data: Any) -> Any:
        """The data, if it may be a number; text in its place is told with what may stand here."""
        number = data.get("value", 0) if isinstance(data, dict) else data
        at = ("value",) if isinstance(data, dict) else ()
        if isinstance(number, str):
            raise refuse(self._as_in(number), _in_words(number), at)
        if not at and (isinstance(data, (bool, list)) or data is None):
            raise refuse(self._as_in(""), _in_words(data))
        return data

    def _as_in(self, text: str) -> str:
        told = f"a number{self._in_unit()}{self._reach()}, as in {self._example(text)}"
        if "," in text and _number_in(text) is not None:
            told += " (without a comma)"
        return f"{told}; or {{value, unit, source}}; or a distribution"

    def _example(self, text: str) -> str:
        """The number that the text holds, if it may stand here, or another that may."""
        number = _number_in(text)
        tried = (12.0, 0.1, 1.0) if number is None else (number, 12.0, 0.1, 1.0)
        fitting = (x for x in tried if self.low <= x <= self.high)
        return f"{next(fitting, self.low):.10g}"

    def _hint(self, value: float) -> str:
        """How a percentage is written where a share is asked for."""
        if self.high > 1.0 or not 1.0 < value <= 100.0 * self.high:
            return ""
        return f" (write {value / 100.0:.10g} for {value:.10g} %)"

    def fit(self, quantity: Quantity) -> Parameter:
        factor = self._factor(quantity)
        parameter = Parameter(quantity, self.unit, factor, self.low, self.high)
        family = quantity.distribution
        if family is None:
            self._check_value(parameter.central)
        else:
            self._check_reach(quantity.family, family, factor)
        return parameter

    def _factor(self, quantity: Quantity) -> float:
        allowed = UNITS[self.unit]
        unit = quantity.unit or self.unit
        if unit not in allowed:
            names = f"a unit of this field: {', '.join(allowed)}"
            near = nearest(_SAID.get(unit.lower().strip(), unit), allowed)
            hint = f"; did you mean `{near}`?" if near else ""
            raise refuse(names + hint, f"`{unit}`", ("unit",))
        if quantity.year is not None and not self.unit.startswith("USD"):
            raise refuse("a price year only where the unit is USD", str(quantity.year), ("year",))
        return allowed[unit]

    def _check_value(self, value: float) -> None:
        if not self.low <= value <= self.high:
            raise refuse(self.allows() + self._hint(value), self._found(value), ("value",))

    def _found(self, *values: float) -> str:
        """Numbers with the field's unit."""
        shown = " to ".join(map(in_digits, values))
        return shown if self.unit == "1" else f"{shown} {self.unit}"

    def _check_reach(self, name: str, family: Distribution, factor: float) -> None:
        bottom, top = (factor * x for x in family.support)
        if np.isfinite(top) and not (self.low - 1e-12 <= bottom and top <= self.high + 1e-12):
            raise refuse(self.allows() + self._hint(top), self._found(bottom, top), (name,))
        if not np.isfinite(top):
            below, above = _truncation(family, self.low / factor, self.high / factor)
            if above - below < 1.0 - LARGEST_TRUNCATED_SHARE:
                lost = 100.0 * (1.0 - above + below)
                found = f"{lost:.0f} % of the distribution lies outside"
                raise refuse(self.allows(), found, (name,))
