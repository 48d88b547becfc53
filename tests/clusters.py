"""Clusters for tests: a real Dask scheduler and its workers, as processes on this machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]


class Cluster:
    """A scheduler and workers as processes on this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.processes = folder, list[subprocess.Popen[bytes]]()
        about = folder / "scheduler.json"
        self.scheduler = self._start("scheduler", "--port", "0", "--scheduler-file", str(about))
        until(lambda: about.exists() and about.stat().st_size > 0)
        self.address: str = json.loads(about.read_text())["address"]

    def _start(self, what: str, *words: str, **environment: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", f"distributed.cli.dask_{what}", *words]
        with (self.folder / f"{what}-{len(self.processes)}.log").open("wb") as log:
            process = subprocess.Popen(
                [*command, "--host", "127.0.0.1", "--no-dashboard"],
                cwd=self.folder,
                stdout=log,
                stderr=log,
                env=os.environ | {"PYTHONPATH": str(ROOT)} | environment,
            )
        self.processes.append(process)
        return process

    def worker(self, **environment: str) -> subprocess.Popen[bytes]:
        known = self.workers()
        process = self._start(
            "worker", self.address, "--nthreads", "1", "--no-nanny",
            "--local-directory", str(self.folder), **environment,
        )  # fmt: skip
        until(lambda: self.workers() > known)
        return process

    def workers(self) -> int:
        from distributed import Client

        with Client(self.address, set_as_default=False) as client:
            return len(client.nthreads())


def until(met: Callable[[], bool]) -> None:
    limit = time.monotonic() + 60
    while not met():
        assert time.monotonic() < limit, "the cluster did not start"
        time.sleep(0.2)


@contextmanager
def started(folder: Path) -> Iterator[Cluster]:
    there = Cluster(folder)
    try:
        yield there
    finally:
        for process in reversed(there.processes):
            process.kill()
            process.wait()
