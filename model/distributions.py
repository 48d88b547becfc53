"""Distributions: the families that a scenario may give for a number, by everyday parameters.

Formulas: Johnson, Kotz and Balakrishnan, Continuous Univariate Distributions; Beta-PERT after
Malcolm et al. 1959. Every family is drawn by inverting its cdf, so that one uniform number
gives one draw and streams stay in step (docs/decisions/0005).
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError
from scipy import special

Floats = NDArray[np.float64]


class Frozen(BaseModel):
    """Base of everything read from YAML: immutable, and an unknown key is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, strict=True)


def refuse(allowed: str, found: str = "", at: tuple[str | int, ...] = ()) -> PydanticCustomError:
    """The error that a validator raises: what was found and what is allowed, in words."""
    return PydanticCustomError(
        "problem", "{allowed}", {"allowed": allowed, "found": found, "at": list(at)}
    )


class Distribution(Frozen):
    """A family of distributions by its everyday parameters; `ppf` inverts its cdf."""

    def ppf(self, u: Floats) -> Floats:
        raise NotImplementedError

    def cdf(self, x: float) -> float:
        """Probability below x; only the unbounded families need it, to be truncated."""
        raise NotImplementedError

    @property
    def mean(self) -> float:
        raise NotImplementedError

    @property
    def support(self) -> tuple[float, float]:
        raise NotImplementedError


class Triangular(Distribution):
    low: float
    mode: float
    high: float

    @model_validator(mode="after")
    def _ordered(self) -> Triangular:
        return _in_order(self, self.low, self.mode, self.high)

    def ppf(self, u: Floats) -> Floats:
        width = self.high - self.low
        turn = (self.mode - self.low) / width
        rising = self.low + np.sqrt(u * width * (self.mode - self.low))
        falling = self.high - np.sqrt((1.0 - u) * width * (self.high - self.mode))
        return np.where(u < turn, rising, falling)

    @property
    def mean(self) -> float:
        return (self.low + self.mode + self.high) / 3.0

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high


class Pert(Distribution):
    """Beta-PERT, shape 4: mean (low + 4 mode + high) / 6 (Malcolm et al. 1959)."""

    low: float
    mode: float
    high: float

    @model_validator(mode="after")
    def _ordered(self) -> Pert:
        return _in_order(self, self.low, self.mode, self.high)

    def ppf(self, u: Floats) -> Floats:
        width = self.high - self.low
        a = 1.0 + 4.0 * (self.mode - self.low) / width
        b = 1.0 + 4.0 * (self.high - self.mode) / width
        return self.low + width * np.asarray(special.betaincinv(a, b, u))

    @property
    def mean(self) -> float:
        return (self.low + 4.0 * self.mode + self.high) / 6.0

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high


class Uniform(Distribution):
    low: float
    high: float

    @model_validator(mode="after")
    def _ordered(self) -> Uniform:
        return _in_order(self, self.low, self.low, self.high)

    def ppf(self, u: Floats) -> Floats:
        return self.low + u * (self.high - self.low)

    @property
    def mean(self) -> float:
        return (self.low + self.high) / 2.0

    @property
    def support(self) -> tuple[float, float]:
        return self.low, self.high


class Normal(Distribution):
    mean_: float = Field(alias="mean")
    sd: float = Field(gt=0)

    def ppf(self, u: Floats) -> Floats:
        return self.mean_ + self.sd * np.asarray(special.ndtri(u))

    def cdf(self, x: float) -> float:
        return float(special.ndtr((x - self.mean_) / self.sd))

    @property
    def mean(self) -> float:
        return self.mean_

    @property
    def support(self) -> tuple[float, float]:
        return -np.inf, np.inf


class Lognormal(Distribution):
    """By mean and sd of the quantity itself, or by its 5th and 95th percentile."""

    mean_: float | None = Field(default=None, alias="mean", gt=0)
    sd: float | None = Field(default=None, gt=0)
    p05: float | None = Field(default=None, gt=0)
    p95: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _one_way(self) -> Lognormal:
        by_moments = self.mean_ is not None and self.sd is not None
        by_percentiles = self.p05 is not None and self.p95 is not None
        given = sum(x is not None for x in (self.mean_, self.sd, self.p05, self.p95))
        if given != 2 or by_moments == by_percentiles:
            raise refuse("either mean and sd, or p05 and p95", "another combination")
        if self.p05 is not None and self.p95 is not None and self.p05 >= self.p95:
            raise refuse("p05 below p95", f"p05 {self.p05:g}, p95 {self.p95:g}")
        return self

    @property
    def log_moments(self) -> tuple[float, float]:
        """Mean and sd of the logarithm."""
        if self.mean_ is not None and self.sd is not None:
            variance = np.log1p((self.sd / self.mean_) ** 2)
            return float(np.log(self.mean_) - variance / 2.0), float(np.sqrt(variance))
        assert self.p05 is not None and self.p95 is not None
        low, high = np.log(self.p05), np.log(self.p95)
        return float((low + high) / 2.0), float((high - low) / (2.0 * special.ndtri(0.95)))

    def ppf(self, u: Floats) -> Floats:
        mu, sigma = self.log_moments
        return np.asarray(np.exp(mu + sigma * special.ndtri(u)), dtype=np.float64)

    def cdf(self, x: float) -> float:
        mu, sigma = self.log_moments
        return float(special.ndtr((np.log(x) - mu) / sigma)) if x > 0 else 0.0

    @property
    def mean(self) -> float:
        mu, sigma = self.log_moments
        return float(np.exp(mu + sigma**2 / 2.0))

    @property
    def support(self) -> tuple[float, float]:
        return 0.0, np.inf


class Beta(Distribution):
    """By mean and sd, or by counts: `count` of `of` with a uniform prior (Laplace)."""

    mean_: float | None = Field(default=None, alias="mean", gt=0, lt=1)
    sd: float | None = Field(default=None, gt=0)
    count: float | None = Field(default=None, ge=0)
    of: float | None = Field(default=None, gt=0)

    @model_validator(mode="after")
    def _one_way(self) -> Beta:
        by_moments = self.mean_ is not None and self.sd is not None
        by_counts = self.count is not None and self.of is not None
        given = sum(x is not None for x in (self.mean_, self.sd, self.count, self.of))
        if given != 2 or by_moments == by_counts:
            raise refuse("either mean and sd, or count and of", "another combination")
        if self.count is not None and self.of is not None and self.count > self.of:
            raise refuse("count no larger than of", f"count {self.count:g} of {self.of:g}")
        if self.mean_ is not None and self.sd is not None:
            limit = np.sqrt(self.mean_ * (1 - self.mean_))
            if self.sd >= limit:
                raise refuse(f"sd below {limit:.3g} for a mean of {self.mean_:g}", f"{self.sd:g}")
        return self

    @property
    def shapes(self) -> tuple[float, float]:
        if self.count is not None and self.of is not None:
            return self.count + 1.0, self.of - self.count + 1.0
        assert self.mean_ is not None and self.sd is not None
        size = self.mean_ * (1.0 - self.mean_) / self.sd**2 - 1.0
        return self.mean_ * size, (1.0 - self.mean_) * size

    def ppf(self, u: Floats) -> Floats:
        return np.asarray(special.betaincinv(*self.shapes, u))

    @property
    def mean(self) -> float:
        a, b = self.shapes
        return a / (a + b)

    @property
    def support(self) -> tuple[float, float]:
        return 0.0, 1.0


class Gamma(Distribution):
    mean_: float = Field(alias="mean", gt=0)
    sd: float = Field(gt=0)

    @property
    def shape_scale(self) -> tuple[float, float]:
        return (self.mean_ / self.sd) ** 2, self.sd**2 / self.mean_

    def ppf(self, u: Floats) -> Floats:
        shape, scale = self.shape_scale
        return np.asarray(scale * special.gammaincinv(shape, u), dtype=np.float64)

    def cdf(self, x: float) -> float:
        shape, scale = self.shape_scale
        return float(special.gammainc(shape, max(x, 0.0) / scale))

    @property
    def mean(self) -> float:
        return self.mean_

    @property
    def support(self) -> tuple[float, float]:
        return 0.0, np.inf


class Discrete(Distribution):
    values: tuple[float, ...] = Field(min_length=1, max_length=1000, strict=False)
    probabilities: tuple[float, ...] = Field(min_length=1, max_length=1000, strict=False)

    @model_validator(mode="after")
    def _a_distribution(self) -> Discrete:
        if len(self.values) != len(self.probabilities):
            raise refuse(
                "as many probabilities as values",
                f"{len(self.values)} values, {len(self.probabilities)} probabilities",
            )
        if min(self.probabilities) < 0 or abs(sum(self.probabilities) - 1.0) > 1e-9:
            raise refuse("probabilities from 0 that add up to 1", f"{sum(self.probabilities):g}")
        return self

    def ppf(self, u: Floats) -> Floats:
        edges = np.cumsum(self.probabilities)[:-1]
        return np.array(self.values, dtype=np.float64)[np.searchsorted(edges, u, side="right")]

    @property
    def mean(self) -> float:
        return float(np.dot(self.values, self.probabilities))

    @property
    def support(self) -> tuple[float, float]:
        return min(self.values), max(self.values)


class Empirical(Distribution):
    """Every listed value equally likely."""

    values: tuple[float, ...] = Field(min_length=1, max_length=10_000, strict=False)

    def ppf(self, u: Floats) -> Floats:
        ordered = np.sort(np.array(self.values, dtype=np.float64))
        drawn: Floats = ordered[np.minimum((u * ordered.size).astype(int), ordered.size - 1)]
        return drawn

    @property
    def mean(self) -> float:
        return float(np.mean(self.values))

    @property
    def support(self) -> tuple[float, float]:
        return min(self.values), max(self.values)


Family = TypeVar("Family", bound=Distribution)


def _in_order(family: Family, low: float, mode: float, high: float) -> Family:
    if not low <= mode <= high or low == high:
        raise refuse("low <= mode <= high, with low below high", f"{low:g}, {mode:g}, {high:g}")
    return family
