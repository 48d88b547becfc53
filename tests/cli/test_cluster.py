"""Commands on a Dask cluster: the same files as here, and a word when the cluster fails."""

from __future__ import annotations

import json
import shlex
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cli import main
from model import cluster, episode_runs, variants
from model.loading import SHIPPED
from model.workfolder import Finished
from tests.cli.test_documents import FEWER, shown
from tests.cli.test_episodes_command import bytes_of, written
from tests.clusters import Cluster, started
from tests.conftest import scenario

STARTER = SHIPPED / "starter.yaml"
SOBOL = ("sensitivity", STARTER, "--method", "sobol", "--samples", 16, "--output", "npv:society")
PARTS = 4  # of this study
EPISODES = ("episodes", "small.yaml", "--replications", 4, "--tables", "all", "--worlds", "both")
RUN = ("run", STARTER, "--draws", 40, "--chunk", 10)


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with started(tmp_path_factory.mktemp("dask")) as there:
        there.worker()
        there.worker()
        yield there


@pytest.fixture
def passing(tmp_path: Path) -> Iterator[Cluster]:
    """A cluster that a test may take down."""
    (tmp_path / "dask").mkdir()
    with started(tmp_path / "dask") as there:
        there.worker()
        yield there


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of one's own with a small scenario; parts are small, and a loss is soon noticed."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(variants, "RUNS_PER_PART", 1)
    monkeypatch.setattr(variants, "DRAWS_PER_PART", 4)
    monkeypatch.setattr(cluster, "LOOK", 0.5)
    monkeypatch.setattr(cluster, "ALONE", 1.0)
    written(tmp_path / "small.yaml", scenario({"clock.end": "2026-03"}))
    return tmp_path


def call(*words: object) -> Result:
    done = CliRunner().invoke(main, [*(str(word) for word in words), "--quiet"])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done


class TestTheSame:
    def test_sensitivity_leaves_the_same_files(self, dask: Cluster, folder: Path) -> None:
        for words in (("--out", "here"), ("--out", "there", "--cluster", dask.address)):
            done = call(*SOBOL, *words)
            assert (done.exit_code, done.output) == (0, "")
        here = bytes_of(folder / "here")
        assert "sensitivity.csv" in here
        assert here == bytes_of(folder / "there")
        assert not (folder / ".there.work").exists()

    def test_episodes_leave_the_same_files(self, dask: Cluster, folder: Path) -> None:
        """Claims, pathways and eligibility come back from workers and are written here."""
        words = ("--select", "visit >= 2 in 3 months")
        for more in (("--workers", 1, "--out", "here"), ("--cluster", dask.address, "--out", "it")):
            done = call(*EPISODES, *words, *more)
            assert (done.exit_code, done.output) == (0, "")
        here, there = bytes_of(folder / "here"), bytes_of(folder / "it")
        assert sum(name.endswith("claims.parquet") for name in here) == 8
        assert sum(name.endswith("pathways.parquet") for name in here) == 4
        ran = json.loads(there.pop("run.json"))
        assert (ran["cluster"], ran["workers"]) == (dask.address, None)
        del here["run.json"]
        assert here == there

    def test_a_worker_that_dies_takes_nothing_with_it(
        self, dask: Cluster, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        victim, keep = dask.worker(), Finished.save

        def killing(self: Finished, *words: Any) -> None:
            keep(self, *words)
            victim.kill()

        call(*SOBOL, "--out", "here")
        monkeypatch.setattr(Finished, "save", killing)
        done = call(*SOBOL, "--out", "there", "--cluster", dask.address)
        assert (done.exit_code, done.output) == (0, "")
        assert victim.wait() != 0
        assert bytes_of(folder / "here") == bytes_of(folder / "there")

    def test_the_commands_of_docs_scale_run(self, dask: Cluster, folder: Path) -> None:
        (folder / "scenarios").symlink_to(SHIPPED, target_is_directory=True)
        commands = shown("docs/scale.md")
        assert any("--cluster" in command for command in commands)
        assert {shlex.split(command)[1] for command in commands} >= {
            "run",
            "sensitivity",
            "episodes",
        }
        for command in commands:
            words = shlex.split(command)[1:]
            words = [dask.address if word.startswith("tcp:") else word for word in words]
            done = call(*words, *FEWER[words[0]])
            assert (done.exit_code, done.output) == (0, ""), command + done.output


class TestLost:
    def test_a_study_goes_on_when_its_scheduler_is_gone(
        self, passing: Cluster, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        keep, numbers = Finished.save, list[int]()

        def killing(self: Finished, number: int, *words: Any) -> None:
            keep(self, number, *words)
            numbers.append(number)
            if len(numbers) == 2:
                passing.scheduler.kill()

        monkeypatch.setattr(Finished, "save", killing)
        done = call(*SOBOL, "--out", "out", "--cluster", passing.address)
        assert done.exit_code == 3, done.output
        assert done.stderr.startswith(f"Stopped: `{passing.address}` ")
        assert len(done.stderr.splitlines()) == 1
        assert (
            "chunks are kept in .out.work; go on with the same command and --resume" in done.stderr
        )
        assert not (folder / "out").exists()
        kept = len(numbers)
        assert 2 <= kept < PARTS

        assert call(*SOBOL, "--out", "out", "--resume").exit_code == 0
        assert numbers == list(range(PARTS))
        call(*SOBOL, "--out", "whole")
        assert bytes_of(folder / "out") == bytes_of(folder / "whole")

    def test_episodes_keep_what_came_back(
        self, passing: Cluster, folder: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        look = episode_runs._refuse_nobody

        def killing(one: Any) -> None:
            look(one)
            passing.scheduler.kill()

        monkeypatch.setattr(episode_runs, "_refuse_nobody", killing)
        words = (*EPISODES[:3], 40, *EPISODES[4:])
        done = call(*words, "--out", "out", "--cluster", passing.address)
        assert done.exit_code == 3, done.output
        assert done.stderr.startswith(f"Stopped: `{passing.address}` ")
        assert "of 40 replications are kept, whole, in out." in done.stderr
        kept = json.loads((folder / "out/run.json").read_text())["replications"]
        assert 1 <= kept < 40
        call(*EPISODES[:3], kept, *EPISODES[4:], "--out", "here", "--workers", 1)
        here, there = bytes_of(folder / "here"), bytes_of(folder / "out")
        assert here.keys() == there.keys()
        parquet = [name for name in here if name.endswith(".parquet")]
        assert [name for name in parquet if here[name] != there[name]] == []


class TestRefused:
    @pytest.mark.parametrize("words", [RUN, SOBOL, EPISODES], ids=lambda words: words[0])
    def test_a_cluster_without_workers(
        self, words: tuple[object, ...], folder: Path, bare: Cluster
    ) -> None:
        done = call(*words, "--out", "out", "--cluster", bare.address)
        assert done.exit_code == 2
        assert "a scheduler without workers; allowed: a cluster with workers" in done.stderr
        assert {path.name for path in folder.iterdir()} == {"small.yaml"}

    @pytest.mark.parametrize("command", ["run", "sensitivity", "episodes"])
    def test_nobody_there_is_told_before_anything_is_read(self, command: str) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        more = ("--output", "npv:all") if command == "sensitivity" else ()
        done = call(command, "no-such-file.yaml", "--cluster", address, *more)
        assert done.exit_code == 2
        assert f"--cluster  found `{address}`, which cannot be reached" in done.stderr

    def test_workers_are_here_or_there(self) -> None:
        done = call(*EPISODES, "--workers", 2, "--cluster", "tcp://a:1")
        assert (done.exit_code, "not both" in done.stderr) == (2, True)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with started(tmp_path_factory.mktemp("bare")) as there:
        yield there
