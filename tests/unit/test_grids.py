"""Grids: known surfaces, contours worked out by hand, and the model's own answer at each point."""

from __future__ import annotations

import numpy as np
import pytest

from model.draws import sample
from model.grids import Grid, axis, contour, grid, intervals
from model.loading import load
from model.problems import BadInput
from model.targets import errors, parse_statistic
from model.variants import outputs
from model.wanted import plan
from tests.unit.test_solvency import MIX
from tests.unit.test_thresholds import dues_only

STARTER = MIX.with_name("starter.yaml")
COST = "interventions.health_workers.costs.per_post"


class TestContour:
    def test_of_a_plane_is_a_straight_line(self) -> None:
        xs, ys = np.linspace(0, 4, 5), np.linspace(0, 3, 4)
        plane = xs[None, :] + 2.0 * ys[:, None]
        segments = contour(xs, ys, plane, 3.5)
        ends = np.array([(s.x, s.y, s.x2, s.y2) for s in segments])
        assert ends[:, 0] + 2 * ends[:, 1] == pytest.approx(3.5)
        assert ends[:, 2] + 2 * ends[:, 3] == pytest.approx(3.5)
        length = np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1]).sum()
        assert length == pytest.approx(np.hypot(3.5, 1.75))  # from (3.5, 0) to (0, 1.75)

    def test_of_a_circle_has_its_length(self) -> None:
        xs = np.linspace(-2, 2, 81)
        segments = contour(xs, xs, np.hypot(xs[None, :], xs[:, None]), 1.5)
        length = sum(np.hypot(s.x2 - s.x, s.y2 - s.y) for s in segments)
        assert length == pytest.approx(2 * np.pi * 1.5, rel=0.002)

    @pytest.mark.parametrize(("middle", "apart"), [(3.0, (0.25, 0.25)), (-1.0, (0.75, 0.25))])
    def test_of_a_saddle_keeps_the_middle_with_its_side(
        self, middle: float, apart: tuple[float, float]
    ) -> None:
        """Corners high, low, high, low: the mean decides which corners the line cuts off."""
        high, low = (3.0, -1.0) if middle > 0 else (1.0, -3.0)
        square = np.array([[high, low], [low, high]])
        segments = contour(np.array([0.0, 1.0]), np.array([0.0, 1.0]), square, 0.0)
        assert len(segments) == 2
        for s in segments:
            corner = np.array([round((s.x + s.x2) / 2), round((s.y + s.y2) / 2)])
            cut_off = square[corner[1], corner[0]]
            assert (cut_off < 0) == (middle > 0)

    def test_nothing_where_nothing_crosses_or_is_unknown(self) -> None:
        at = np.array([0.0, 1.0])
        assert contour(at, at, np.ones((2, 2)), 0.0) == []
        assert contour(at, at, np.array([[1.0, -1.0], [np.nan, 1.0]]), 0.0) == []


class TestErrors:
    values = np.random.default_rng(1).standard_normal((1, 10_000))

    def test_of_a_mean_and_a_share(self) -> None:
        assert errors(self.values, parse_statistic("x", "")) == pytest.approx(0.01, rel=0.03)
        share = errors(self.values, parse_statistic("p(x > 0)", ""))
        assert share == pytest.approx(0.005, rel=0.01)

    def test_of_a_percentile(self) -> None:
        """sqrt(p (1 - p) / n) / density: 0.2179 / 100 / 0.1031 at the 5th of a normal."""
        many = self.values.reshape(25, 400)
        found = errors(many, parse_statistic("p05(x)", ""))
        assert found.mean() == pytest.approx(5 * 0.0211, rel=0.15)  # of 400 draws


class TestDoubtful:
    def test_intervals_of_a_mean_a_chance_and_a_percentile(self) -> None:
        values = np.stack([np.arange(10.0), np.arange(10.0) % 2])
        low, high = intervals(values[:1], parse_statistic("x", ""))
        off = 1.6449 * np.std(values[0], ddof=1) / np.sqrt(10)
        assert (low[0], high[0]) == pytest.approx((4.5 - off, 4.5 + off))
        low, high = intervals(values[1:], parse_statistic("x", ""))
        assert (low[0], high[0]) == pytest.approx((0.269, 0.731), abs=0.001)  # Wilson: 5 of 10
        low, high = intervals(values[:1], parse_statistic("p50(x)", ""))
        assert (low[0], high[0]) == (1.0, 8.0)

    def test_a_cell_is_doubtful_where_its_interval_holds_the_bound(self) -> None:
        """Of ten draws none, four and all are so: 0 to 0.21, 0.19 to 0.65, 0.79 to 1."""
        x = axis(dues_only(), "financing.dues.members.amount=600:1400:3")
        y = axis(dues_only(), "financing.posts.director.cost=1000:1100:2")
        statistic = parse_statistic("p_insolvent:network", "")
        values = np.array([[0.0] * 10, [1.0] * 4 + [0.0] * 6, [1.0] * 10])
        low, high = (np.stack([ends, ends]) for ends in intervals(values, statistic))
        reached = np.array([[0.0, 0.4, 1.0]] * 2)
        found = Grid(x, y, statistic, 10, reached, reached, low, high, np.ones((2, 3)))
        assert found.doubtful(0.2).tolist() == [[True, True, False]] * 2
        assert found.doubtful(0.7).tolist() == [[False, False, False]] * 2
        assert found.doubtful(np.inf).tolist() == [[False, False, False]] * 2

    def test_what_one_draw_tells_where_nothing_is_uncertain_is_not_doubtful(self) -> None:
        one = np.array([[0.0], [1.0]])
        low, high = intervals(one, parse_statistic("p_insolvent:network", ""))
        assert (low.tolist(), high.tolist()) == ([0.0, 1.0], [0.0, 1.0])


class TestGrid:
    def test_each_cell_is_the_model_run_there(self) -> None:
        loaded = load(STARTER)
        x = axis(loaded, "interventions.health_workers.staff.posts=2:6:3")
        y = axis(loaded, f"{COST}=60000:120000:2")
        asked = plan(loaded, ["npv:medicaid_plan"])
        base = sample(loaded, 8, 3)
        found = grid(base, x, y, parse_statistic("npv:medicaid_plan", ""), asked)
        assert found.reached.shape == (2, 3)
        settings = ["interventions.health_workers.staff.posts=4", f"{COST}=120000"]
        alone = load(STARTER, settings)
        again = outputs([sample(alone, 8, 3)], plan(alone, ["npv:medicaid_plan"]))[0, 0]
        assert found.reached[1, 1] == pytest.approx(float(again.mean()), rel=1e-9)

    def test_dues_by_hand(self) -> None:
        """1,000 a month for a director and twelve members: solvent from dues of 1,000 a year."""
        loaded = dues_only()
        x = axis(loaded, "financing.dues.members.amount=600:1400:3")
        y = axis(loaded, "financing.posts.director.cost=1000:1400:2")
        asked = plan(loaded, ["p_insolvent:network"])
        statistic = parse_statistic("p_insolvent:network", "")
        found = grid(sample(loaded, 2, 1), x, y, statistic, asked)
        assert found.reached.tolist() == [[1.0, 0.0, 0.0], [1.0, 1.0, 0.0]]

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            (COST, "PATH=LOW:HIGH:N"),
            (f"{COST}=1:2", "PATH=LOW:HIGH:N"),
            (f"{COST}=a:b:3", "PATH=LOW:HIGH:N"),
            (f"{COST}=1:2:1", "from 2 to 41"),
            (f"{COST}=3:2:5", "not below"),
            ("interventions.health_worker.costs=1:2:3", "no number of the scenario"),
        ],
    )
    def test_refuses_what_is_no_axis(self, text: str, told: str) -> None:
        with pytest.raises(BadInput, match=told):
            axis(load(STARTER), text)

    def test_refuses_the_same_number_twice(self) -> None:
        loaded = load(STARTER)
        x = axis(loaded, f"{COST}=1:2:2")
        asked = plan(loaded, ["npv:medicaid_plan"])
        with pytest.raises(BadInput, match="two different"):
            grid(sample(loaded, 2, 1), x, x, parse_statistic("npv:medicaid_plan", ""), asked)
