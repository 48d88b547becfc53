"""Every function of contracts.py in a table: small numbers whose answer is seen by eye."""

import ast
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model.finance import contracts
from model.finance.contracts import Clauses, Settled

INF, NAN = np.inf, np.nan
NONE = np.empty(0)


def of(*values: float) -> Any:
    return np.array(values)


# 10 % at 100 members falls to 6 % at 200, and from 201 on to 2 % at 401.
SCALE = (of(100, 201), of(200, 401), of(0.10, 0.06), of(0.06, 0.02))
TIERS = (of(0.04, 0.08), of(0.6, 0.8))
BANDS = (of(0.0, 0.1), of(0.1, 0.3), of(1000, 3000))
# 10,000 members of CV 2: 2 % a year; the baseline half of that, the area 1 %.
NOISE = (10_000.0, 2.0, 0.25, 0.01)
TAPER = (0.5, 6.0, 15.0)
SAVING = Clauses(
    sharing_rate=0.5, minimum_savings_rate=0.02, quality_share=0.9, sequestration=0.02,
    payment_limit=0.08, loss_rate=0.4,
)  # fmt: skip
LOSING = Clauses(
    sharing_rate=0.5, minimum_loss_rate=0.1, sequestration=0.02, loss_rate=0.4, loss_limit=70.0,
    forgiven=20.0,
)  # fmt: skip
BELOW = Clauses(sharing_rate=0.4, minimum_savings_rate=0.3, below_minimum_share=0.5)

# function -> (arguments, answer)
BY_HAND: dict[str, list[tuple[tuple[Any, ...], Any]]] = {
    "gross_savings": [((100.0, 90.0), 10), ((90.0, 100.0), -10)],
    "net_of_fee": [((10.0, 4.0), 6), ((3.0, 4.0), -1), ((10.0, 0.0), 10)],
    "largest_savings_rate": [
        ((200.0, 1500.0, 20_000.0, 6000.0), 0.0025),
        ((0.0, 1500.0, 20_000.0, 6000.0), 0),
    ],
    "measurement_error": [
        ((1.0, 0.0, 0.0, *NOISE), 0.02),
        ((0.0, 1.0, 0.0, *NOISE), 0.01),
        ((0.0, 0.0, 1.0, *NOISE), 0.01),
        ((1.0, 1.0, -2.0, *NOISE), 0.01),
        ((1.0, 1.0, 1.0, 1e30, *NOISE[1:]), 0.01),  # members average out all but the area
    ],
    "minimum_rate_by_members": [
        ((members, *SCALE), rate)
        for members, rate in [
            (1.0, 0.10), (100.0, 0.10), (101.3, 0.09948), (150.0, 0.08), (200.0, 0.06),
            (200.5, 0.06), (201.0, 0.06), (301.0, 0.04), (401.0, 0.02), (9999.0, 0.02),
        ]
    ],
    "counted_savings": [
        ((10.0, 100.0, 0.0, 0.0), 10),
        ((10.0, 100.0, 0.1, 0.0), 10),  # meets the minimum
        ((10.0, 100.0, 0.1001, 0.0), 0),
        ((10.0, 100.0, 0.04, 1.0), 6),
        ((0.0, 100.0, 0.0, 0.0), 0),
        ((-10.0, 100.0, 0.0, 0.0), 0),
    ],
    "counted_losses": [
        ((-10.0, 100.0, 0.1, 0.0), 10),
        ((-10.0, 100.0, 0.1001, 0.0), 0),
        ((-10.0, 100.0, 0.04, 1.0), 6),
        ((10.0, 100.0, 0.0, 0.0), 0),
    ],
    "savings_below_minimum": [((10.0, 0.0), 10), ((10.0, 10.0), 0), ((-10.0, 0.0), 0)],
    "quality_share": [
        ((0.8, 0.0, 0.0), 1),
        ((0.8, 1.0, 0.0), 0.8),
        ((0.8, 0.5, 0.0), 0.9),
        ((0.3, 0.0, 0.4), 0),
        ((0.4, 1.0, 0.4), 0.4),  # meets the gate
    ],
    "tiered_share": [
        ((10.0, 10.0, 100.0, 0.5, NONE, NONE), 5),
        ((4.0, 4.0, 100.0, 0.5, *TIERS), 2),
        ((10.0, 10.0, 100.0, 0.5, *TIERS), 0.5 * 4 + 0.6 * 4 + 0.8 * 2),
        ((6.0, 10.0, 100.0, 0.5, *TIERS), 0.6 * 4 + 0.8 * 2),  # beyond a minimum of 4
        ((1.0, 10.0, 100.0, 0.5, *TIERS), 0.8),  # beyond a minimum of 9
        ((0.0, 10.0, 100.0, 0.5, *TIERS), 0),
    ],
    "loss_rate_by_quality": [
        ((0.75, 1.0, 0.4, 0.7), 0.4),
        ((0.75, 0.6, 0.4, 0.7), 0.55),
        ((0.75, 0.0, 0.4, 0.7), 0.7),
    ],
    "sequestered": [((100.0, 0.02), 98), ((100.0, 0.0), 100)],
    "limited": [
        ((100.0, 0.05, 1000.0), 50),
        ((40.0, 0.05, 1000.0), 40),
        ((100.0, INF, 1000.0), 100),
        ((100.0, INF, 0.0), 100),
    ],
    "loss_limit": [
        ((100.0, 0.04, 30.0, 0.1), 3),
        ((100.0, 0.04, 90.0, 0.1), 4),
        ((100.0, 0.04, NAN, 0.1), 4),
        ((100.0, 0.04, 30.0, INF), 4),
        ((100.0, INF, 30.0, 0.1), 3),
        ((100.0, INF, NAN, INF), INF),
    ],
    "after_forgiveness": [((10.0, 4.0), 6), ((10.0, 14.0), 0), ((10.0, 0.0), 10)],
    "captured": [
        ((80.0, 100.0, 0.5), 50),
        ((30.0, 100.0, 0.5), 30),
        ((30.0, -100.0, 0.5), 0),
        ((30.0, 10.0, INF), 30),
    ],
    "capture_share": [
        ((0.0, *TAPER), 0.5),
        ((6.0, *TAPER), 0.5),
        ((9.0, *TAPER), 0.5 * 2 / 3),
        ((10.5, *TAPER), 0.25),
        ((15.0, *TAPER), 0),
        ((99.0, *TAPER), 0),
        ((6.0, 0.5, 6.0, 6.0), 0.5),  # no room for a taper
        ((6.1, 0.5, 6.0, 6.0), 0),
        ((4.0, 0.5, 6.0, 3.0), 0.5),
        ((7.0, 0.5, 6.0, 3.0), 0),
        ((1e9, 0.5, INF, INF), 0.5),
    ],
    "settlement": [
        ((1000.0, 900.0, SAVING), (100, 100, 45, 44.1, 44.1, 0, 0, 0, 0)),
        ((1000.0, 800.0, SAVING), (200, 200, 90, 88.2, 80, 0, 0, 0, 0)),
        ((1000.0, 800.0, SAVING._replace(capture_cap=0.3)), (200, 200, 90, 88.2, 60, 0, 0, 0, 0)),
        ((1000.0, 1010.0, SAVING), (-10, 0, 0, 0, 0, 10, 4, 4, 4)),  # savings have the minimum
        ((1000.0, 1100.0, LOSING), (-100, 0, 0, 0, 0, 100, 40, 40, 20)),
        ((1000.0, 1200.0, LOSING), (-200, 0, 0, 0, 0, 200, 80, 70, 50)),
        ((1000.0, 1099.0, LOSING), (-99, 0, 0, 0, 0, 0, 0, 0, 0)),
        ((1000.0, 800.0, BELOW), (200, 0, 40, 40, 40, 0, 0, 0, 0)),
    ],
    "is_due": [((17.0, 12.0, 6.0), 0), ((18.0, 12.0, 6.0), 1), ((19.0, 12.0, 6.0), 0)],
    "interim_payment": [((100.0, 0.4), 40), ((-100.0, 0.4), 0), ((100.0, 0.0), 0)],
    "final_payment": [((100.0, 40.0), 60), ((30.0, 40.0), -10)],
    "distributed": [((100.0, 0.25), 25)],
    "stays": [((9.0, 10.0), 1), ((10.0, 10.0), 1), ((10.1, 10.0), 0), ((1e12, INF), 1)],
    "member_fee": [((60_000.0, 3.0), 180_000), ((0.0, 3.0), 0)],
    "fee_at_risk": [
        ((100.0, 0.2, 1.0), 100),
        ((100.0, 0.2, 0.5), 90),
        ((100.0, 0.2, 0.0), 80),
        ((100.0, 0.0, 0.0), 100),
    ],
    "case_payment": [((30.0, 4000.0), 120_000)],
    "capitation_payment": [((1000.0, 0.1), 100)],
    "withheld": [((8e6, 0.125), 1e6), ((8e6, 0.0), 0)],
    # a pool of 100, of which 60 can be earned back: a fifth of the targets brings 12
    "earned_back": [((100.0, 0.2, 0.6), 12), ((100.0, 1.0, 1.0), 100), ((100.0, 0.0, 1.0), 0)],
    "forfeited": [((100.0, 0.2, 0.6), 48), ((100.0, 1.0, 0.6), 0)],
    "released_to_others": [((100.0, 48.0, 0.6, 0.25), 52), ((100.0, 100.0, 1.0, 0.0), 0)],
    "kept_by_payer": [((48.0, 0.25), 36), ((48.0, 1.0), 0)],
    "unit_payment": [((10.0, 15.0), 150)],
    "band_payment": [
        ((reduction, *BANDS, start), paid)
        for reduction, start, paid in [
            (0.05, 0.0, 5000), (0.10, 0.0, 10_000), (0.20, 0.0, 40_000), (0.9, 0.0, 70_000),
            (0.05, 0.06, 0), (0.06, 0.06, 6000), (0.20, 0.06, 40_000), (-0.1, 0.0, 0),
        ]
    ],
    "within": [((5.0, 0.0, INF), 5), ((5.0, 10.0, 20.0), 10), ((25.0, 10.0, 20.0), 20)],
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "arguments", "answer"),
    [(name, *case) for name, cases in BY_HAND.items() for case in cases],
)
def test_by_hand(name: str, arguments: tuple[Any, ...], answer: Any) -> None:
    assert getattr(contracts, name)(*arguments) == pytest.approx(answer, rel=1e-12, abs=1e-12)


def test_every_function_stands_in_the_table() -> None:
    module = ast.parse(Path(contracts.__file__).read_text(encoding="utf-8"))
    names = [part.name for part in module.body if isinstance(part, ast.FunctionDef)]
    assert list(BY_HAND) == [name for name in names if not name.startswith("_")]


def test_a_settlement_names_its_dollars() -> None:
    s = Settled(*contracts.settlement(1000.0, 1200.0, LOSING))
    assert (s.gross, s.lost, s.owed, s.limited, s.repayment) == (-200, 200, 80, 70, 50)
