"""PAWN, delta and regional: against SciPy, closed forms, and numbers that cannot matter."""

from __future__ import annotations

import contextlib
import io
import warnings

import numpy as np
import pytest
from SALib.analyze import delta as salib_delta
from SALib.analyze import pawn as salib_pawn
from scipy import stats

from model.distributions import Floats
from model.loading import SHIPPED, load
from model.problems import BadInput
from model.sensitivity import given, study, tables
from model.sensitivity.factors import Factor
from model.wanted import Wanted

MIX = SHIPPED / "jackson_mix.yaml"
MONEY = Wanted("npv", "all", None, "USD")


def numbered(count: int) -> list[Factor]:
    return [Factor(f"x{k}", (f"x{k}",), "other", "fact") for k in range(count)]


def of_draws(x: Floats, y: Floats, method: study.Method, varied: list[Factor]) -> study.Study:
    values = {f"x{k}": column for k, column in enumerate(x)}
    return tables.of_draws(MONEY, method, varied, values, y, y.size, 1)


@pytest.mark.parametrize("index", [given.pawn, given.delta])
def test_given_draws_find_what_matters(index: given.Index) -> None:
    """Two that matter in their order, two that do not; the same for the same seed."""
    x = np.random.default_rng(2).normal(size=(4, 1500))
    y = 2.0 * x[0] + 1.2 * x[1]
    found = given.ranked(index, x, y, numbered(4), 1)
    assert found.values[0] > found.values[1] > 1.3 * found.values[2:].max()
    again = given.ranked(index, x, y, numbered(4), 1)
    np.testing.assert_array_equal(again.resamples, found.resamples)


@pytest.mark.parametrize("tied", [False, True])
def test_pawn_is_the_median_of_scipys_distances(tied: bool) -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(size=(3, 500))
    y = x[0] + rng.normal(size=500)
    y = np.round(y) if tied else y
    each = []
    for column in x:
        slices = np.array_split(np.argsort(column), given.SLICES)
        each.append(np.median([stats.ks_2samp(y[rows], y).statistic for rows in slices]))
    np.testing.assert_allclose(given.pawn(x, y), each, atol=1e-12)


def test_regional_is_scipys_distance() -> None:
    rng = np.random.default_rng(4)
    x = np.round(rng.normal(size=(3, 400)), 1)  # with ties
    good = x[0] + rng.normal(size=400) > 0.3
    each = [stats.ks_2samp(column[good], column[~good]).statistic for column in x]
    np.testing.assert_allclose(given.regional(x, good.astype(float)), each, atol=1e-12)


def test_regional_of_a_normal_is_known() -> None:
    """y = x: the two halves of x do not overlap, distance 1; correlation r: P by the normal."""
    x, noise = np.random.default_rng(5).normal(size=(2, 20_000))

    def index(y: Floats) -> float:
        return float(given.regional(x[None], given.better(y).astype(float))[0])

    assert index(x) == 1.0
    # P(x < 0 | y < 0) - P(x < 0 | y > 0) = 2 asin(r) / pi.
    exact = 2.0 * np.arcsin(0.6) / np.pi
    assert index(0.6 * x + 0.8 * noise) == pytest.approx(exact, abs=0.02)


def test_delta_of_a_normal_is_known() -> None:
    """y = 0.8 x + 0.6 e: the shift of a normal density, integrated over x; however stretched."""
    x, noise = np.random.default_rng(6).normal(size=(2, 20_000))
    y = 0.8 * x + 0.6 * noise
    grid = np.linspace(-6.0, 6.0, 1201)
    at = stats.norm.ppf((np.arange(400) + 0.5) / 400.0)
    apart = stats.norm.pdf(grid) - stats.norm.pdf(grid, 0.8 * at[:, None], 0.6)
    exact = 0.5 * np.trapezoid(np.abs(apart), grid, axis=1).mean()
    assert given.delta(x[None], y)[0] == pytest.approx(exact, abs=0.02)
    assert given.delta(x[None], np.exp(3.0 * y))[0] == given.delta(x[None], y)[0]


def test_delta_of_yes_or_no_is_a_difference_of_shares() -> None:
    """y = 1 above the median of x: of seven slices six tell all that a half left open."""
    x = np.random.default_rng(7).permutation(np.arange(1204.0))
    assert given.classes(1204) == 7
    found = given.delta(x[None], (x > np.median(x)).astype(float))[0]
    assert found == pytest.approx(6.0 / 7.0 * 0.5)


# --- yes or no


@pytest.mark.parametrize("often", [0.1, 0.5, 0.9])
def test_yes_or_no_is_split_by_its_value(often: float) -> None:
    """Also where a yes is the median, so that nothing lies above it."""
    x = np.random.default_rng(8).random((2, 600))
    y = (x[0] < often).astype(float)
    found = of_draws(x, y, "regional", numbered(2))
    assert found.rows[0].factor.name == "x0"
    assert found.rows[0].value == pytest.approx(1.0)
    assert found.rows[1].value < found.inert < found.rows[0].low


def test_hardly_any_yes_is_told_instead_of_ranked() -> None:
    x = np.random.default_rng(9).random((2, 300))
    y = np.zeros(300)
    y[:3] = 1.0
    found = of_draws(x, y, "regional", numbered(2))
    assert (found.rows, found.problem) == ([], "only 3 of 300 draws differ from all the others")


# --- missing


@pytest.mark.parametrize("method", ["pawn", "delta", "regional"])
def test_draws_without_a_value_are_left_out_and_counted(method: study.Method) -> None:
    x = np.random.default_rng(10).random((2, 400))
    whole = x[0] + 0.1 * x[1]
    y = np.where(np.arange(400) < 100, np.nan, whole)
    found = of_draws(x, y, method, numbered(2))
    assert found.missing == 100
    alone = of_draws(x[:, 100:], whole[100:], method, numbered(2))
    assert [(r.factor.name, r.value) for r in found.rows] == [
        (r.factor.name, r.value) for r in alone.rows
    ]
    assert found.mean == pytest.approx(whole[100:].mean())


def test_what_draws_lack_is_refused_where_each_must_have_it() -> None:
    """Of this member some draws have no outlay: 46 of the first 200."""
    loaded, name = load(MIX), "roi_net:community_action_agency"
    with pytest.raises(BadInput, match=r"which \d+ of 200 draws do not have"):
        study.run(loaded, "sobol", [name], 4)
    [found] = study.run(loaded, "regional", [name], 100)
    assert 5 < found.missing < 60


# --- chance and tied numbers


def test_chance_is_not_ranked_by_one_of_its_events() -> None:
    loaded = load(MIX)
    [found] = study.run(loaded, "regional", ["closing_gap:backbone"], 60)
    assert not found.chance
    assert all(row.factor.role != "chance" for row in found.rows)
    assert any(f.role == "chance" for f in study.varying(loaded, "sobol", False))


def test_of_tied_numbers_the_one_that_tells_most_counts() -> None:
    x = np.random.default_rng(11).random((3, 400))
    pair = Factor("x0 & x1", ("x0", "x1"), "other", "fact")
    found = of_draws(x, x[1] ** 2, "pawn", [pair, *numbered(3)[2:]])
    assert found.rows[0].factor.name == "x0 & x1"
    assert found.rows[0].value == given.pawn(x[1:2], x[1] ** 2)[0]


# --- accident


def test_numbers_without_influence_pass_the_line_one_time_in_twenty() -> None:
    """30 numbers that have nothing to do with the outcome, 200 times: any of them above."""
    rng = np.random.default_rng(12)
    y = rng.normal(size=80)
    good = given.better(y).astype(float)
    line = given.accident(given.regional, 30, good, 1)
    above = [given.regional(rng.random((30, 80)), good).max() > line for _ in range(400)]
    assert 0.015 < np.mean(above) < 0.10  # 5 % with its error, and that of the line


def test_few_samples_are_refused() -> None:
    loaded = load(SHIPPED / "starter.yaml")
    for method in ("pawn", "delta", "regional"):
        with pytest.raises(BadInput, match="or more with"):
            study.run(loaded, method, ["npv:society"], 20)  # type: ignore[arg-type]
    with pytest.raises(BadInput, match="at most"):
        study.sized("delta", 1_000_000)
    assert (study.sized("sobol", 33), study.sized("sobol", 64)) == (64, 64)


def test_pawn_and_delta_are_those_of_salib_where_its_are_sound() -> None:
    """Ishigami's function, 4,000 plain draws; SALib slices and smooths a little otherwise."""
    x = np.random.default_rng(1).uniform(-np.pi, np.pi, (4000, 3))
    y = np.sin(x[:, 0]) + 7.0 * np.sin(x[:, 1]) ** 2 + 0.1 * x[:, 2] ** 4 * np.sin(x[:, 0])
    about = {"num_vars": 3, "names": ["a", "b", "c"], "bounds": [[-np.pi, np.pi]] * 3}
    with contextlib.redirect_stdout(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        distances = salib_pawn.analyze(about, x, y, S=given.SLICES, seed=1)["median"]
        shifts = salib_delta.analyze(about, x, y, seed=1, num_resamples=2)["delta_raw"]
    np.testing.assert_allclose(given.pawn(x.T, y), distances, atol=0.001)
    np.testing.assert_allclose(given.delta(x.T, y), shifts, atol=0.02)
