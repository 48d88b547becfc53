"""Account: one account in one world, read from the books."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from .books import Money, MoneyPlan
from .distributions import Floats
from .financing import Financing, Grant
from .money_plan import Line, Obligation, financing_of, lines, money_plan, obligations
from .valuation import months_until
from .worlds import USUAL, Measure, Worlds


class Account:
    """One account in one world, and how what is said of it is named."""

    def __init__(self, w: Worlds, label: str, party: str) -> None:
        self.label, self.party = label, party
        self.scenario, self.get = w.scenario, w.get
        self.world = w.usual_world if label == USUAL else w.strategy_world
        self.books = self.world.books
        self.financing: Financing = financing_of(w.scenario)
        self.index = list(self.financing.accounts).index(party)
        self.months = w.scenario.clock.months

    @cached_property
    def plan(self) -> MoneyPlan:
        return money_plan(self.scenario)

    @property
    def money(self) -> Money:
        assert self.world.money is not None
        return self.world.money

    def booked(self, field: str) -> Floats:
        """A field of the account's books [draw, month]."""
        return np.asarray(self.books.account[field][:, :, self.index])

    def paid(self, position: int) -> Floats:
        """What was paid of an obligation [draw, month]."""
        return self.books.paid[:, :, position]

    @cached_property
    def runway(self) -> Floats:
        """Months from the start to the month of insolvency; the horizon's where there is none."""
        return months_until(self.booked("alive") <= 0.0)

    @cached_property
    def open(self) -> Floats:
        """[draw, month]: 1 up to and with the month of insolvency, then 0."""
        at = np.arange(self.months)[None, :] <= self.runway[:, None]
        return np.asarray(at.astype(np.float64))

    @cached_property
    def owed(self) -> list[tuple[int, Obligation]]:
        """Its obligations: position among all, and obligation."""
        found = enumerate(obligations(self.scenario))
        return [(i, owed) for i, owed in found if owed.account == self.party]

    @cached_property
    def posts(self) -> list[tuple[int, str]]:
        """Its posts: position among all, and name."""
        return [(j, owed.name) for j, owed in self.owed if owed.kind == "posts"]

    @cached_property
    def lines(self) -> list[tuple[int, Line]]:
        """Its lines of revenue: position among all, and line."""
        found = enumerate(lines(self.scenario))
        return [(i, line) for i, line in found if line.account == self.party]

    @cached_property
    def post_cost(self) -> Floats:
        """Mean cost of a wanted post [draw, month], USD/post-month, whoever pays it."""
        cost, wanted, each = self.nothing(), self.nothing(), self.money.post_cost
        for j, _ in self.posts:
            posts = self.money.post["wanted"][:, j, None] * self.plan.post_running[None, :, j]
            cost = cost + posts * (each["own"][:, :, j] + each["partner"][:, :, j])
            wanted = wanted + posts
        return share_of(cost, wanted)

    def here(self, part: Any) -> bool:
        """Whether dues, a fee or a grant are there in this world."""
        if isinstance(part, Grant):
            return self.label != USUAL or part.exists(self.scenario.clock.start)
        return self.label != USUAL or bool(part.usual_care)

    def nothing(self) -> Floats:
        return np.zeros((self.get.size, self.months))

    def says(self, metric: str, unit: str, values: Floats, of: str = "") -> Measure:
        """A measure of the account, or of a part of it: subject `backbone.mobilise_funding`."""
        subject = f"{self.party}.{of}" if of else self.party
        return Measure(metric, subject, self.label, unit, values)


def received(a: Account, positions: tuple[int, ...]) -> Floats:
    """Receipts of some lines [draw, month]."""
    out = a.nothing()
    for i in positions:
        out = out + a.books.receipts[:, :, i]
    return out


def share_of(part: Floats, whole: Floats) -> Floats:
    """part / whole, 0 where there is nothing."""
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0.0)
