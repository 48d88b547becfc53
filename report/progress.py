"""Progress on stderr: draws per second and time left, for people at a terminal.

A run of less than a second shows nothing. Where stderr is no terminal, work of more than ten
seconds says a line now and then. While the equations are being compiled, which a new
version does once, the line says so.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.progress import Progress

AFTER = 1.0  # seconds
FIRST_LINE, LINES = 10.0, 30.0  # seconds
COMPILING = "compiling the equations (once per version, about a minute)"

Advance = Callable[[int], None]


@contextmanager
def bar(title: str, total: int, quiet: bool, unit: str = "draws") -> Iterator[Advance]:
    """Yields advance(done); silent when quiet."""
    if quiet:
        yield lambda _: None
        return
    shown = _Shown(title, total, unit) if sys.stderr.isatty() else _Lines(title, total, unit)
    shown.timer.start()
    try:
        yield shown.advance
    finally:
        shown.stop()


class _Lines:
    """A line after ten seconds, and every half minute from then on."""

    def __init__(self, title: str, total: int, unit: str) -> None:
        self.title, self.total, self.done, self.unit = title, total, 0, unit
        self.began = time.monotonic()
        self.compiling = not is_compiled()
        self.timer = self._in(FIRST_LINE)

    def _in(self, seconds: float) -> threading.Timer:
        timer = threading.Timer(seconds, self._say)
        timer.daemon = True
        return timer

    def _say(self) -> None:
        sys.stderr.write(f"{self.title}: {self._told()}\n")
        sys.stderr.flush()
        self.timer = self._in(LINES)
        self.timer.start()

    def _told(self) -> str:
        if self.done == 0:
            return COMPILING if self.compiling else f"{self.total:,} {self.unit}"
        spent = time.monotonic() - self.began
        left = spent * (self.total - self.done) / self.done
        return f"{self.done:,} of {self.total:,} {self.unit}, about {left:,.0f} s left"

    def advance(self, done: int) -> None:
        self.done = done

    def stop(self) -> None:
        self.timer.cancel()


class _Shown:
    """A bar that appears after a second, from its own thread: compiling makes no progress."""

    def __init__(self, title: str, total: int, unit: str) -> None:
        self.title, self.total, self.done, self.unit = title, total, 0, unit
        self.compiling = not is_compiled()
        self.lock = threading.Lock()
        self.progress: Progress | None = None
        self.stopped = False
        self.timer = threading.Timer(AFTER, self.start)
        self.timer.daemon = True

    def start(self) -> None:
        with self.lock:
            if self.stopped:
                return
            self.progress = _progress(self.unit)
            self.task = self.progress.add_task("", total=None)
            self._show()
            self.progress.start()

    def advance(self, done: int) -> None:
        with self.lock:
            self.done = done
            if self.progress is not None:
                self._show()

    def _show(self) -> None:
        assert self.progress is not None
        if self.done == 0 and self.compiling:
            self.progress.update(self.task, description=COMPILING)
            return
        self.progress.update(
            self.task, description=self.title, total=self.total, completed=self.done
        )

    def stop(self) -> None:
        self.timer.cancel()
        with self.lock:
            self.stopped = True
            if self.progress is not None:
                self.progress.stop()


def _progress(unit: str) -> Progress:
    from rich.console import Console  # noqa: PLC0415  most runs show no bar
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        Progress,
        ProgressColumn,
        SpinnerColumn,
        Task,
        TextColumn,
        TimeElapsedColumn,
    )
    from rich.text import Text  # noqa: PLC0415

    class Rate(ProgressColumn):
        def render(self, task: Task) -> Text:
            rate = task.finished_speed or task.speed
            if rate is None:
                return Text("")
            return Text(f"{rate:,.0f} {unit}/s" if rate >= 20 else f"{60 * rate:,.0f} a minute")

    class Left(ProgressColumn):
        def render(self, task: Task) -> Text:
            left = task.time_remaining
            return Text("" if left is None or task.finished else f"{left:,.0f} s left")

    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        Rate(),
        TimeElapsedColumn(),
        Left(),
        console=Console(stderr=True),
        transient=True,
    )


def is_compiled() -> bool:
    """Whether this version's equations are on disk."""
    from model.compiled import cache_root, source_hash  # noqa: PLC0415  imports the compiler

    return any((cache_root() / f"equations-{source_hash()}").rglob("*.nbi"))
