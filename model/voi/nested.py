"""Nested: who knows more knows no less, also where both are estimated.

Of two estimates, one of a part and one of a whole that holds it, the part's is cut to the whole's
where they differ within error; beyond it the whole, whose regression missed something, is lifted.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .asks import Ask
from .information import LIMIT, Worth

Rows = Sequence[tuple[Ask, Worth]]


def nested(rows: Rows) -> tuple[tuple[Ask, Worth], ...]:
    """The same rows, no part worth more than what holds it."""
    order = sorted(range(len(rows)), key=lambda k: len(rows[k][0].members))
    members = [frozenset(ask.members) for ask, _ in rows]
    worths = [worth for _, worth in rows]
    for place, whole in enumerate(order):
        for part in order[:place]:
            if members[part] <= members[whole] and _beyond(worths[part], worths[whole]):
                worths[whole] = _lifted(worths[whole], worths[part])
    for place, part in enumerate(order):
        for whole in order[place + 1 :]:
            if members[part] <= members[whole]:
                worths[part] = cut(worths[part], worths[whole])
    return tuple((ask, worth) for (ask, _), worth in zip(rows, worths, strict=True))


def cut(part: Worth, whole: Worth) -> Worth:
    """The part, worth no more than the whole."""
    most = min(part.most, whole.high)
    return part._replace(value=min(part.value, whole.value), most=most)


def _lifted(whole: Worth, part: Worth) -> Worth:
    return whole._replace(value=part.value, error=max(part.error, whole.error))


def _beyond(part: Worth, whole: Worth) -> bool:
    """Whether a part exceeds its whole by more than error."""
    return part.value - whole.value > LIMIT * float(np.hypot(part.error, whole.error))
