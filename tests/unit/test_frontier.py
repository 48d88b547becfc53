"""The frontier: lines that are off are not there, measures by hand, the efficient set by hand."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest

from model import frontier
from model.draws import sample
from model.frontier import (
    Money,
    asked,
    pareto,
    picked_on_half,
    ranked,
    regrets,
    surface,
    worst_decile,
)
from model.loading import Loaded, from_document, load
from model.mixes import Limits, Mix, lines, mixes, switched_off, with_mix
from model.problems import BadInput
from model.variants import changed, outputs
from model.wanted import plan
from model.yamlfile import Document
from tests.financed import financed, post
from tests.unit.test_solvency import MIX
from tests.unit.test_thresholds import dues_only

JACKSON_LINES = [
    ("dues", "large_members"),
    ("dues", "agencies"),
    ("fees", "coaching_days"),
    ("contracts", "medicaid_plan_savings"),
    ("hard_wiring", "analysis_in_health_system"),
    ("hard_wiring", "coaching_in_college"),
]
TOLD = [
    "npv:backbone",
    "p_insolvent:backbone",
    "below_core_staff:backbone",
    "closing_gap:backbone",
    "revenue_total:backbone",
    "npv:medicaid_plans",
    "npv:network_members",
    "npv:hospital",
]


def without(loaded: Loaded, *gone: tuple[str, str]) -> Loaded:
    """The scenario whose file does not have some lines."""
    data = copy.deepcopy(loaded.document.data)
    for kind, name in gone:
        del data["financing"][kind][name]
    return from_document(Document(data, loaded.document.marks, loaded.document.path))


@pytest.fixture(scope="module")
def jackson() -> Loaded:
    return load(MIX)


@pytest.mark.parametrize("line", JACKSON_LINES, ids=lambda line: line[1])
def test_a_line_that_is_off_is_as_if_it_were_not_there(
    jackson: Loaded, line: tuple[str, str]
) -> None:
    """Bit for bit, in every outcome that a mix is judged by, and those of who would pay."""
    kind, name = line
    base = sample(jackson, 12, 5)
    off = changed(base, switched_off(base, {kind: [name]}))
    gone = without(jackson, line)
    told = outputs([off], plan(jackson, TOLD))[0]
    alone = outputs([sample(gone, 12, 5)], plan(gone, TOLD))[0]
    assert told.tobytes() == alone.tobytes()
    assert told.tobytes() != outputs([base], plan(jackson, TOLD))[0].tobytes()


def test_no_lines_at_all_is_the_file_without_these_blocks(jackson: Loaded) -> None:
    """Bit for bit: the mix of grants alone, and a file from which the four blocks are deleted."""
    base = sample(jackson, 12, 5)
    off = with_mix(base, lines(jackson), Mix(0.0, False, False, ()))
    data = copy.deepcopy(jackson.document.data)
    for kind in ("dues", "fees", "contracts", "hard_wiring"):
        del data["financing"][kind]
    document = Document(data, jackson.document.marks, jackson.document.path)
    gone = from_document(document)
    told = outputs([off], plan(jackson, TOLD))[0]
    alone = outputs([sample(gone, 12, 5)], plan(gone, TOLD))[0]
    assert told.tobytes() == alone.tobytes()


def test_all_lines_off_are_jackson_alone(jackson: Loaded) -> None:
    base = sample(jackson, 12, 5)
    mine = lines(jackson)
    off = with_mix(base, mine, Mix(0.0, False, False, ()))
    alone = load(MIX.with_name("jackson.yaml"))
    names = TOLD[:5]
    told = outputs([off], plan(jackson, names))[0]
    assert told.tobytes() == outputs([sample(alone, 12, 5)], plan(alone, names))[0].tobytes()
    same = with_mix(base, mine, Mix(1.0, True, True, (("medicaid_plan_savings", 0.5),)))
    assert same.values == base.values  # nothing moved, not even a copy


SHARED = {"shared_savings": {"sharing_rate": 0.5}}
COMPARED = {"benchmark": {"method": "comparison_group"}}
BANDS = [{"lower": 0, "upper": 1, "per_point": 40}]
BY_MONTH = {"unit": "month", "price": 3}
OUTCOMES = {"minimum": 500, "metrics": {"served": BY_MONTH, "fewer": {"unit": "x", "bands": BANDS}}}
MEASURES = {
    "served": {"intervention": "team", "counted_in": "person_months"},
    "fewer": {"service": "visit"},
}
POOL = {"withheld_from": "payment", "rate": 0.1, "earn_back_limit": 0.6, "others": {"county": 1}}
OWN = {"services.visit.provider": "network"}  # a pool is withheld from what it is paid for care


@pytest.mark.parametrize(
    ("terms", "more", "changes"),
    [
        (SHARED, COMPARED, {}),
        ({"outcomes": OUTCOMES}, {"measures": MEASURES}, {}),
        ({"withhold": POOL}, {"achieved": 0.5}, OWN),
        ({"case_rate": 700}, {"cases": "team"}, {}),
        ({"member_fee": {"per_member_month": 2}}, {}, {}),
        ({"capitation_share": 0.1}, {}, {}),
    ],
    ids=["shared savings", "outcomes", "withhold", "case rate", "member fee", "capitation"],
)
def test_a_contract_of_any_kind_is_off_as_if_it_were_not_there(
    terms: dict[str, Any], more: dict[str, Any], changes: dict[str, Any]
) -> None:
    about = {"name": "ours", "title": "Ours", "source": "a test"}
    contract = {
        "name": "Deal",
        "payer": "plan",
        "payee": "network",
        "terms": about | terms,
        "start": "2025-01",
        "years": 1,
        "covers": {"segments": ["adults"], "other_care": False},
    }
    team = {"interventions.team.staff.posts": 2} | changes
    loaded = financed(30_000, team, posts={"d": post(1000)}, contracts={"deal": contract | more})
    base = sample(loaded, 2, 1)
    told = ["npv:network", "npv:plan", "p_insolvent:network", "revenue:contracts.deal"]
    off = with_mix(base, lines(loaded), Mix(0.0, False, False, ()))
    with_it, without_it = outputs([base, off], plan(loaded, told))
    assert abs(with_it[0] - without_it[0]).min() > 1.0  # the contract pays, or withholds
    assert without_it[3].tolist() == [0.0, 0.0]
    gone = without(loaded, ("contracts", "deal"))
    alone = outputs([sample(gone, 2, 1)], plan(gone, told[:3]))[0]
    assert (without_it[:3] == alone[:, :1]).all()  # without luck all draws are the same


def test_a_lost_grant_is_one_that_is_never_renewed(jackson: Loaded) -> None:
    assert frontier.grants_by_size(jackson)[0] == "united_way_support"
    base = sample(jackson, 12, 5)
    lost = changed(base, frontier.without_grant(jackson, "united_way_support"))
    never = load(MIX, ["financing.grants.united_way_support.renewal.chance=0"])
    told = outputs([lost], plan(jackson, TOLD))[0]
    assert told.tobytes() == outputs([sample(never, 12, 5)], plan(never, TOLD))[0].tobytes()


class TestMixes:
    def test_every_combination_once_and_the_file_first(self, jackson: Loaded) -> None:
        found = mixes(jackson, [1, 0, 2], [0.75], Limits())
        assert len(found) == 3 * 2 * 2 * 3 == len(set(found))
        assert found[0] == Mix(1, True, True, (("medicaid_plan_savings", 0.5),))

    def test_limits(self, jackson: Loaded) -> None:
        found = mixes(jackson, [0, 1, 2, 4], [0.75], Limits(dues=5000.0, contracts=0))
        assert {mix.dues for mix in found} == {0, 1, 2}  # 2,500 x 2 is within, x 4 is not
        assert {mix.contracts for mix in found} == {()}

    def test_only_lines_that_are_there(self) -> None:
        found = mixes(dues_only(), [0, 1], [0.5], Limits())
        assert found == [Mix(0, False, False, ()), Mix(1, False, False, ())]

    def test_a_scenario_without_an_account_is_refused(self) -> None:
        with pytest.raises(BadInput, match="a scenario with financing"):
            lines(load(MIX.with_name("starter.yaml")))


class TestMeasures:
    def test_worst_decile(self) -> None:
        values = np.arange(100.0)[::-1]
        assert worst_decile(values) == 4.5  # 0 to 9
        assert worst_decile(np.array([3.0, 1.0, 2.0])) == 1.0

    def test_regret_is_against_the_best_of_each_draw(self) -> None:
        net = np.array([[5.0, 0.0], [3.0, 4.0]])
        assert regrets(net).tolist() == [[0.0, 4.0], [2.0, 0.0]]

    def test_efficient_set_by_hand(self) -> None:
        """B is as A but dearer; C is cheaper; D worse than C in all; E equals A."""
        p = np.array([0.8, 0.8, 0.3, 0.2, 0.8])
        net = np.array([10.0, 10.0, 4.0, 3.0, 10.0])
        cost = np.array([6.0, 7.0, 2.0, 3.0, 6.0])
        assert pareto(p, net, cost).tolist() == [True, False, True, False, True]

    def test_efficient_set_against_its_definition(self) -> None:
        rng = np.random.default_rng(2)
        p, net, cost = rng.integers(0, 5, (3, 40)).astype(np.float64)
        found = pareto(p, net, cost)
        for k in range(40):
            beaten = any(
                p[j] >= p[k] and net[j] >= net[k] and cost[j] <= cost[k]
                and (p[j], net[j], cost[j]) != (p[k], net[k], cost[k])
                for j in range(40)
            )  # fmt: skip
            assert found[k] != beaten

    def test_ranked_by_chance_without_luck(self) -> None:
        """The contract lasts in three draws of four, always by luck; alone the mix lasts in one."""
        contract = (("c", 0.5),)
        mix = [Mix(1, False, False, contract), Mix(1, False, False, ())]
        alone = np.array([1.0, 0, 0, 0])
        money = Money(
            np.array([[1.0, 1, 1, 0], alone]),
            np.array([[2.0, 4, 2, 4], [1, 1, 1, 1]]),
            np.array([[1.0] * 4, [0.5] * 4]),
            np.array([[1.0, 1, 1, 0], [0.0] * 4]),
            np.array([[1.0, 0, 0, 0], [np.nan] * 4]),
            np.stack([alone, alone]),
        )
        first, second = ranked(mix, money, 1)
        assert (first.mix, first.not_by_luck, first.sustainable) == (mix[1], 0.25, 0.25)
        assert (second.mix, second.sustainable, second.with_luck) == (mix[0], 0.75, 0.75)
        assert (second.not_by_luck, second.bare) == (0.25, 0.25)
        assert second.net_error == pytest.approx(np.std([2, 4, 2, 4], ddof=1) / 2)
        assert (first.regret, first.best_share, first.efficient) == (2.0, 0.0, True)
        assert (second.corridor, second.worst_decile) == (0.25, 2.0)
        assert first.efficient_share == second.efficient_share == 1.0

    def test_luck_that_is_not_needed_is_not_held_against_a_mix(self) -> None:
        """By draw: exact settlement; luck it needs; luck it does not need; does not last."""
        lasts, luck = np.array([[1.0, 1, 1, 0]]), np.array([[0.0, 1, 1, 0]])
        none = np.zeros((1, 4))
        bare = np.array([[0.0, 0, 1, 0]])
        told = Money(lasts, none, none, luck, none, bare).not_by_luck
        assert told.tolist() == [[1.0, 0.0, 1.0, 0.0]]

    def test_no_draw_of_sixty_is_not_never(self) -> None:
        """The exact 90 % bound for 0 of 60 is 1 - 0.05^(1/60) = 4.9 %; Wilson says 4.3 %."""
        none, alone = np.zeros((1, 60)), [Mix(0, False, False, ())]
        (one,) = ranked(alone, Money(none, none, none, none, none, none), 1)
        assert (one.sustainable, one.sustainable_low) == (0.0, 0.0)
        assert 0.04 < one.sustainable_high < 0.05

    def test_the_best_of_many_that_are_alike_is_told_without_flattery(self) -> None:
        """96 mixes that all last in 30 % of draws: the best of them seems better, by selection."""
        rng = np.random.default_rng(3)
        best, told = [], []
        for _ in range(40):
            lasts = (rng.random((96, 60)) < 0.3).astype(np.float64)
            none = np.zeros_like(lasts)
            money = Money(lasts, none, none, none, none, lasts)
            best.append(float(lasts.mean(axis=1).max()))
            told.append(picked_on_half(money))
        assert np.mean(best) > 0.42
        assert np.mean(told) == pytest.approx(0.3, abs=0.03)  # three standard errors


class TestByHand:
    """A director for 1,000 a month; dues of 100 x 12 members a January; a grant of 900 a month."""

    @pytest.fixture
    def loaded(self) -> Loaded:
        grant = {
            "name": "Grant",
            "payer": "plan",
            "amount": 900,
            "start": "2025-01",
            "end": "2026-12",
        }
        small = grant | {"amount": 10}
        dues = dues_only().document.data["financing"]["dues"]
        return financed(
            0, posts={"director": post(1000)}, dues=dues, grants={"small": small, "large": grant}
        )

    def test_sustainable_over_dues_and_a_lost_grant(self, loaded: Loaded) -> None:
        """With both grants 90 a month are missing: 1,080 a year; dues bring 1,200."""
        lost = ["", *frontier.grants_by_size(loaded)]
        assert lost == ["", "large", "small"]
        found = surface(sample(loaded, 3, 1), lost, [0.0, 1.0, 10.0], [0.5], asked(loaded))
        assert found.sustainable[:, :, 0].tolist() == [[0, 1, 1], [0, 0, 1], [0, 1, 1]]

    def test_net_and_cost(self, loaded: Loaded) -> None:
        found = mixes(loaded, [0, 1], [], Limits())
        money = frontier.evaluate(sample(loaded, 3, 1), found, asked(loaded))
        assert money.cost.tolist() == [[0.0] * 3, [2400.0] * 3]
        assert money.sustainable.tolist() == [[0.0] * 3, [1.0] * 3]
        assert money.with_luck.tolist() == [[0.0] * 3] * 2
        assert money.net[1].tolist() == pytest.approx([2400 + 24 * 910] * 3)
        assert money.net[0].max() < 24 * 910  # grants stop with the account

    def test_the_same_for_the_same_seed(self, loaded: Loaded) -> None:
        def once() -> list[Any]:
            found = mixes(loaded, [0, 1, 2], [], Limits())
            money = frontier.evaluate(sample(loaded, 3, 1), found, asked(loaded))
            return [repr(r) for r in ranked(found, money, 1)]

        assert once() == once()
