"""Distribution families against scipy.stats: quantiles, mean, and what they refuse."""

from typing import Any

import numpy as np
import pytest
from pydantic import ValidationError
from scipy import stats

from model.quantity import FAMILIES, Quantity

U = np.array([1e-6, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 1 - 1e-6])
Z95 = 1.6448536269514722  # 95th percentile of the standard normal, from tables


def family(**written: Any) -> Any:
    """The distribution as it stands in YAML: family(pert={...})."""
    return Quantity.model_validate(written).distribution


# Each: as written in YAML, and the same distribution by scipy's own parameters.
SAME = {
    "triangular": (
        {"triangular": {"low": 2, "mode": 3, "high": 7}},
        stats.triang(c=0.2, loc=2, scale=5),
    ),
    "triangular, mode at the end": (
        {"triangular": {"low": 2, "mode": 7, "high": 7}},
        stats.triang(c=1.0, loc=2, scale=5),
    ),
    "pert": (
        {"pert": {"low": 2, "mode": 3, "high": 7}},
        stats.beta(a=1.8, b=4.2, loc=2, scale=5),
    ),
    "uniform": ({"uniform": {"low": -1, "high": 3}}, stats.uniform(-1, 4)),
    "normal": ({"normal": {"mean": 5, "sd": 2}}, stats.norm(5, 2)),
    "lognormal by moments": (
        {"lognormal": {"mean": 10, "sd": 5}},
        stats.lognorm(s=np.sqrt(np.log(1.25)), scale=10 / np.sqrt(1.25)),
    ),
    "lognormal by percentiles": (
        {"lognormal": {"p05": 750, "p95": 1150}},
        stats.lognorm(s=np.log(1150 / 750) / (2 * Z95), scale=np.sqrt(750 * 1150)),
    ),
    "beta by moments": ({"beta": {"mean": 0.3, "sd": 0.1}}, stats.beta(6.0, 14.0)),
    "beta by counts": ({"beta": {"count": 7, "of": 20}}, stats.beta(8, 14)),
    "gamma": ({"gamma": {"mean": 6, "sd": 3}}, stats.gamma(a=4, scale=1.5)),
}


@pytest.mark.parametrize(("written", "known"), SAME.values(), ids=SAME.keys())
def test_quantiles_and_mean_are_those_of_scipy(written: dict[str, Any], known: Any) -> None:
    """Every distribution family against scipy.stats (mean, quantiles)."""
    ours = family(**written)
    np.testing.assert_allclose(ours.ppf(U), known.ppf(U), rtol=1e-9)
    assert ours.mean == pytest.approx(known.mean(), rel=1e-12)
    np.testing.assert_allclose(ours.support, known.support())


@pytest.mark.parametrize("written", ["normal", "lognormal by percentiles", "gamma"])
@pytest.mark.parametrize("x", [-1.0, 0.0, 0.5, 3.0, 900.0])
def test_the_cdf_of_unbounded_families_is_that_of_scipy(written: str, x: float) -> None:
    """Truncation rests on it."""
    yaml, known = SAME[written]
    assert family(**yaml).cdf(x) == pytest.approx(known.cdf(x), abs=1e-12)


def test_every_family_is_compared() -> None:
    tested = {name for written, _ in SAME.values() for name in written}
    assert tested | {"discrete", "empirical"} == set(FAMILIES)


def test_lognormal_percentiles_are_percentiles() -> None:
    """Lognormal by percentiles."""
    ours = family(lognormal={"p05": 750, "p95": 1150})
    np.testing.assert_allclose(ours.ppf(np.array([0.05, 0.95])), [750, 1150], rtol=1e-12)


def test_beta_by_counts_has_laplace_mean() -> None:
    """Beta by counts: (count + 1) / (of + 2)."""
    assert family(beta={"count": 7, "of": 20}).mean == pytest.approx(8 / 22)
    assert family(beta={"count": 0, "of": 3}).mean == pytest.approx(1 / 5)


def test_discrete_takes_each_value_as_often_as_said() -> None:
    """Discrete: 20 % of an even grid gives -1, 50 % gives 2, 30 % gives 10."""
    ours = family(discrete={"values": [-1, 2, 10], "probabilities": [0.2, 0.5, 0.3]})
    drawn = ours.ppf((np.arange(1000) + 0.5) / 1000)
    assert [int((drawn == value).sum()) for value in (-1, 2, 10)] == [200, 500, 300]
    assert ours.mean == pytest.approx(3.8)
    assert ours.support == (-1, 10)


def test_discrete_never_takes_a_value_of_no_probability() -> None:
    ours = family(discrete={"values": [1, 2, 3], "probabilities": [0.5, 0.0, 0.5]})
    assert set(ours.ppf(np.array([2.0**-53, 0.5 - 1e-16, 0.5, 1 - 2.0**-53]))) == {1, 3}


def test_empirical_takes_each_value_equally_often() -> None:
    """Empirical: the five listed values, 200 times each; one listed twice counts twice."""
    ours = family(empirical={"values": [5, 1, 4, 1, 3]})
    drawn = ours.ppf((np.arange(1000) + 0.5) / 1000)
    assert [int((drawn == value).sum()) for value in (1, 3, 4, 5)] == [400, 200, 200, 200]
    assert ours.mean == pytest.approx(2.8)
    assert ours.support == (1, 5)


REFUSED = {
    "low above high": {"uniform": {"low": 3, "high": 1}},
    "a point": {"uniform": {"low": 3, "high": 3}},
    "mode outside": {"pert": {"low": 1, "mode": 5, "high": 3}},
    "triangle inside out": {"triangular": {"low": 1, "mode": 0, "high": 3}},
    "no spread": {"normal": {"mean": 1, "sd": 0}},
    "lognormal both ways": {"lognormal": {"mean": 1, "sd": 1, "p05": 1, "p95": 2}},
    "lognormal half": {"lognormal": {"mean": 1}},
    "percentiles reversed": {"lognormal": {"p05": 2, "p95": 1}},
    "beta mixed": {"beta": {"mean": 0.5, "of": 3}},
    "beta too wide": {"beta": {"mean": 0.5, "sd": 0.5}},
    "more than all": {"beta": {"count": 5, "of": 4}},
    "gamma below zero": {"gamma": {"mean": -1, "sd": 1}},
    "lengths differ": {"discrete": {"values": [1, 2], "probabilities": [1]}},
    "not all": {"discrete": {"values": [1, 2], "probabilities": [0.5, 0.4]}},
    "negative": {"discrete": {"values": [1, 2], "probabilities": [1.5, -0.5]}},
    "no values": {"empirical": {"values": []}},
    "not finite": {"normal": {"mean": float("inf"), "sd": 1}},
}


@pytest.mark.parametrize("written", REFUSED.values(), ids=REFUSED.keys())
def test_no_distribution(written: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        family(**written)
