"""Agenda: SimPy's clock and queue of events, with events that are a call and nothing more.

A generator process, or a Timeout with its callbacks, costs more than what most events here do. A
`Call` is the least that SimPy's environment takes for an event: it happens when it is due, in
order with all others, and hands itself to one function.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from simpy import Environment

NORMAL = 1  # SimPy's priority of what is neither urgent nor late


class Call:
    """`action(call)` after a delay; `value` is what it is about."""

    __slots__ = ("callbacks", "value")
    _ok = True  # SimPy asks each event whether it failed

    def __init__(
        self, env: Environment, delay: float, action: Callable[[Call], None], value: Any = None
    ) -> None:
        self.callbacks, self.value = (action,), value
        env.schedule(self, NORMAL, delay)  # type: ignore[arg-type]

    def again(self, env: Environment, delay: float, action: Callable[[Call], None]) -> None:
        """The same call once more, after it has happened."""
        self.callbacks = (action,)
        env.schedule(self, NORMAL, delay)  # type: ignore[arg-type]
