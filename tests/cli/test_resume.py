"""A run that is stopped half-way goes on with --resume, to the same bytes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli import main
from model import checkpoints, workfolder
from model.loading import SHIPPED

ROOT = Path(__file__).parents[2]
STARTER = SHIPPED / "starter.yaml"
DRAWS, CHUNK = 240, 40
ANSWERS = ("draws", "metrics", "series", "years")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*words: object, draws: int = DRAWS) -> Result:
    told = ["run", STARTER, "--draws", draws, "--quiet", *words]
    return CliRunner().invoke(main, [str(word) for word in told])


def kept(*words: object) -> Result:
    return run("--out", "out", "--chunk", CHUNK, *words)


def answers(folder: Path) -> dict[str, bytes]:
    """Every file of a run but run.json."""
    return {p.name: p.read_bytes() for p in folder.iterdir() if p.name not in ("run.json", PAGE)}


PAGE = "index.html"  # shows what run.json says


def stopped(monkeypatch: pytest.MonkeyPatch, error: BaseException, after: int = 2) -> Result:
    """A run in which an error comes up in the chunk after some have been finished."""
    real, calls = checkpoints.part_of, []

    def part_of(*words: Any, **named: Any) -> Any:
        calls.append(1)
        if len(calls) > after:
            raise error
        return real(*words, **named)

    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "part_of", part_of)
        return kept()


def simulated(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """First draws of the chunks that are simulated from now on."""
    real, firsts = checkpoints.part_of, []

    def part_of(draws: Any, first: int, **named: Any) -> Any:
        firsts.append(first)
        return real(draws, first, **named)

    monkeypatch.setattr(checkpoints, "part_of", part_of)
    return firsts


def wait_for(met: Callable[[], bool], child: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 120
    while not met() and time.monotonic() < until:
        assert child.poll() is None, "it ended before it could be killed"
        time.sleep(0.005)


class TestKilled:
    def test_a_killed_run_goes_on_to_the_same_bytes(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        draws, chunk, work = 3_000, 100, folder / ".out.work"
        words = ["run", STARTER, "--draws", draws, "--chunk", chunk, "--out", folder / "out"]
        command = [sys.executable, "-m", "cli", *(str(word) for word in words), "--quiet"]
        child = subprocess.Popen(command, cwd=ROOT)
        wait_for(lambda: len(list(work.glob("*.chunk"))) >= 3, child)
        child.kill()
        assert child.wait() == -signal.SIGKILL
        done = len(list(work.glob("*.chunk")))
        assert 3 <= done < draws // chunk
        assert not (folder / "out").exists()

        firsts = simulated(monkeypatch)
        resumed = run("--out", "out", "--chunk", chunk, "--resume", draws=draws)
        assert resumed.exit_code == 0, resumed.output
        assert firsts == list(range(done * chunk, draws, chunk))
        assert not work.exists()
        assert run("--out", "whole", draws=draws).exit_code == 0  # in memory, in one piece
        assert answers(folder / "out") == answers(folder / "whole")

    def test_a_killed_study_goes_on_to_the_same_bytes(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        samples, parts, work = 1024, 8, folder / ".out.work"  # parts of 128 draws
        words = ["sensitivity", STARTER, "--method", "sobol", "--samples", samples]
        words += ["--output", "npv:society", "--output", "net_saving:all", "--quiet"]
        words = [str(word) for word in words]
        command = [sys.executable, "-m", "cli", *words, "--resume", "--out", str(folder / "out")]
        child = subprocess.Popen(command, cwd=ROOT)
        wait_for(lambda: len(list(work.glob("*.chunk"))) >= 2, child)
        child.kill()
        assert child.wait() == -signal.SIGKILL
        done = len(list(work.glob("*.chunk")))
        assert 2 <= done < parts
        assert not (folder / "out").exists()

        keep, numbers = workfolder.Finished.save, list[int]()

        def save(self: workfolder.Finished, number: int, *words: Any) -> None:
            numbers.append(number)
            keep(self, number, *words)

        monkeypatch.setattr(workfolder.Finished, "save", save)
        refused = CliRunner().invoke(main, [*words, "--seed", "2", "--resume", "--out", "out"])
        assert (refused.exit_code, "of another run (seed 1, inputs " in refused.output) == (2, True)
        resumed = CliRunner().invoke(main, [*words, "--resume", "--out", "out"])
        assert resumed.exit_code == 0, resumed.output
        assert numbers == list(range(done, parts))
        assert not work.exists()
        whole = CliRunner().invoke(main, [*words, "--out", "whole"])  # in memory, in one piece
        assert (whole.exit_code, len(numbers)) == (0, parts - done)
        names = {path.name for path in (folder / "whole").iterdir()}
        assert "sensitivity.csv" in names
        assert {n: (folder / "out" / n).read_bytes() for n in names} == {
            n: (folder / "whole" / n).read_bytes() for n in names
        }


class TestStopped:
    def test_ctrl_c_says_how_to_go_on(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        done = stopped(monkeypatch, KeyboardInterrupt())
        assert done.exit_code == 3
        assert "2 of 6 chunks are kept in .out.work; go on with" in done.output
        assert "--resume" in done.output
        firsts = simulated(monkeypatch)
        assert kept("--resume").exit_code == 0
        assert firsts == [80, 120, 160, 200]
        assert [path.name for path in folder.iterdir()] == ["out"]

    def test_ctrl_c_before_the_first_chunk_leaves_nothing(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        done = stopped(monkeypatch, KeyboardInterrupt(), after=0)
        assert (done.exit_code, "nothing was written" in done.output) == (3, True)
        assert list(folder.iterdir()) == []

    def test_a_full_disk_keeps_what_is_finished(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        done = stopped(monkeypatch, OSError(28, "No space left on device"))
        assert done.exit_code == 2
        assert "No space left on device" in done.output
        assert "--resume" in done.output
        assert kept("--resume").exit_code == 0

    def test_a_mistake_that_would_come_again_leaves_nothing(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        assert isinstance(stopped(monkeypatch, ArithmeticError("nan")).exception, ArithmeticError)
        assert list(folder.iterdir()) == []

    def test_nothing_to_resume_is_a_run(self, folder: Path) -> None:
        assert kept("--resume").exit_code == 0
        assert [path.name for path in folder.iterdir()] == ["out"]


class TestRefused:
    @pytest.mark.parametrize(
        ("words", "named"),
        [
            (("--seed", 2), "seed 1"),
            (("--set", "interventions.health_workers.staff.posts=8"), "inputs "),
            (("--chunk", 30), "chunk 40"),
        ],
    )
    def test_chunks_of_another_run_are_never_mixed_in(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[object, ...], named: str
    ) -> None:
        stopped(monkeypatch, KeyboardInterrupt())
        before = {path.name: path.read_bytes() for path in (folder / ".out.work").iterdir()}
        done = kept("--resume", *words)
        assert done.exit_code == 2
        assert "--resume  found chunks in `.out.work` of another run" in done.output
        assert named in done.output
        assert {p.name: p.read_bytes() for p in (folder / ".out.work").iterdir()} == before

    def test_chunks_of_another_version_are_refused(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stopped(monkeypatch, KeyboardInterrupt())
        other = checkpoints.about() | {"code": "0123"}
        monkeypatch.setattr(checkpoints, "about", lambda: other)
        done = kept("--resume")
        assert (done.exit_code, "allowed: chunks of this run (code 0123)" in done.output) == (
            2,
            True,
        )

    def test_a_damaged_chunk_is_done_again(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stopped(monkeypatch, KeyboardInterrupt(), after=3)
        path = folder / ".out.work" / "000001.chunk"
        data = bytearray(path.read_bytes())
        data[-9] ^= 1
        path.write_bytes(data)
        (folder / ".out.work" / "000002.chunk").write_bytes(data[:-8])
        firsts = simulated(monkeypatch)
        assert kept("--resume").exit_code == 0
        assert firsts == [40, 80, 120, 160, 200]
        run("--out", "whole")
        assert answers(folder / "out") == answers(folder / "whole")

    def test_without_resume_a_run_begins_anew_and_says_so(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stopped(monkeypatch, KeyboardInterrupt())
        firsts = simulated(monkeypatch)
        done = kept()
        assert (done.exit_code, len(firsts)) == (0, 6)
        assert "Begins anew: 2 chunks" in done.output

    def test_a_folder_that_is_not_ours_is_left_alone(self, folder: Path) -> None:
        (folder / ".out.work").mkdir()
        (folder / ".out.work" / "letters.txt").write_text("dear")
        done = kept()
        assert (done.exit_code, "holds no chunks" in done.output) == (2, True)
        assert (folder / ".out.work" / "letters.txt").read_text() == "dear"

    @pytest.mark.skipif(os.name == "nt", reason="locks are tried by another system call there")
    def test_two_processes_do_not_share_a_work_folder(
        self, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stopped(monkeypatch, KeyboardInterrupt())
        with workfolder.locked(folder / ".out.work"):
            done = kept("--resume")
        assert (done.exit_code, "another process is at work" in done.output) == (2, True)
        assert kept("--resume").exit_code == 0
