"""Ledger: who paid whom, when, on which account, and from what kind of money.

Every entry has one payer and one payee, so that over all parties, with the boundary (staff,
suppliers, people outside) that receives what resources cost, each month sums to zero. Receipts are
positive, payments negative, at the month's end (docs/decisions/0003). Savings are differences of
two ledgers, never entries.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from model.distributions import Floats

BOUNDARY = "boundary"


@dataclass(frozen=True)
class Entry:
    """Payments of one kind from one party to another, USD [draw, month]; a refund is negative."""

    payer: str
    payee: str
    account: str  # what it is for, as in `care.ed_visit` or `grants.united_way`
    amounts: Floats
    restricted: bool = False

    @property
    def kind(self) -> str:
        return self.account.partition(".")[0]


@dataclass(frozen=True)
class Ledger:
    """All entries of one world."""

    entries: tuple[Entry, ...]
    draws: int
    months: int

    def receipts(self, party: str, kinds: Iterable[str] | None = None) -> Floats:
        """What a party receives [draw, month], of some kinds of account or of all."""
        of = None if kinds is None else set(kinds)
        return self._sum(e for e in self.entries if e.payee == party and (not of or e.kind in of))

    def payments(self, party: str, kinds: Iterable[str] | None = None) -> Floats:
        """What a party pays [draw, month], positive."""
        of = None if kinds is None else set(kinds)
        return self._sum(e for e in self.entries if e.payer == party and (not of or e.kind in of))

    def net(self, party: str) -> Floats:
        """Receipts less payments of a party [draw, month]; for the boundary: resources used."""
        return self.receipts(party) - self.payments(party)

    def nets(self, parties: Iterable[str]) -> dict[str, Floats]:
        """Receipts less payments of each party, and of the boundary, in one pass."""
        out = {party: np.zeros((self.draws, self.months)) for party in (*parties, BOUNDARY)}
        for entry in self.entries:
            if entry.payer != entry.payee:
                out[entry.payee] += entry.amounts
                out[entry.payer] -= entry.amounts
        return out

    def _sum(self, wanted: Iterable[Entry]) -> Floats:
        out = np.zeros((self.draws, self.months))
        for entry in wanted:
            out += entry.amounts
        return out


def difference(after: Ledger, before: Ledger) -> Ledger:
    """What changes between two ledgers, entry by entry; what does not change is left out."""
    sums: list[dict[tuple[str, str, str, bool], Floats]] = [{}, {}]
    for found, ledger in zip(sums, (after, before), strict=True):
        for e in ledger.entries:
            key = (e.payer, e.payee, e.account, e.restricted)
            found[key] = found[key] + e.amounts if key in found else e.amounts
    changed: dict[tuple[str, str, str, bool], Floats] = {}
    for key in dict.fromkeys([*sums[0], *sums[1]]):
        amounts = _change(sums[0].get(key), sums[1].get(key))
        if np.any(amounts):
            changed[key] = amounts
    entries = (Entry(a, b, account, x, tied) for (a, b, account, tied), x in changed.items())
    return Ledger(tuple(entries), after.draws, after.months)


def _change(after: Floats | None, before: Floats | None) -> Floats:
    if after is None:
        assert before is not None
        return -before
    return after if before is None else after - before
