"""Pockets: the wrong-pocket ledger, service x party x year: who gains without paying.

What each party avoids on each service, and beside it what it puts into programmes and into the
network, by calendar year, strategy less usual care, nominal USD. A party that saves and puts in
nothing gains from others' money.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .distributions import Floats
from .finance.ledger import Ledger
from .parameters import calendar_years
from .worlds import DIFFERENCE, Measure, Worlds

PROGRAMMES = ("programmes", "carried", "in_kind")
NETWORK = ("grants", "dues", "fees", "contracts", "hard_wiring", "hard_wired", "rescue")


def by_year(w: Worlds, change: Ledger) -> Iterator[Measure]:
    """[draw, year]: `pocket:service.party`, and what each party puts in and nets."""
    for z, cell in enumerate(w.scenario.cells):
        avoided = w.usual.payments[:, :, z] - w.strategy.payments[:, :, z]
        if np.any(avoided):
            subject = f"{cell.service}.{cell.party}"
            yield Measure("pocket", subject, DIFFERENCE, "USD", years_of(w, avoided))
    for party, net in change.nets(w.scenario.parties).items():
        if party not in w.scenario.parties or not np.any(net):
            continue
        for metric, kinds in (("put_into_programmes", PROGRAMMES), ("put_into_network", NETWORK)):
            paid = change.payments(party, kinds)
            if np.any(paid):
                yield Measure(metric, party, DIFFERENCE, "USD", years_of(w, paid))
        yield Measure("net_cash", party, DIFFERENCE, "USD", years_of(w, net))


def years_of(w: Worlds, monthly: Floats) -> Floats:
    """Sums [draw, year] of [draw, month] over calendar years."""
    year = calendar_years(w.scenario)
    out = np.zeros((monthly.shape[0], year[-1] + 1))
    for month, y in enumerate(year):
        out[:, y] += monthly[:, month]
    return out
