"""Scale: on disk, in chunks and on a cluster a run gives what it gives in memory, bit for bit."""

from __future__ import annotations

import pickle
import socket
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from model import checkpoints, cluster, ensemble, runfolder, variants
from model.checkpoints import Asked, kept_run
from model.draws import each_drawn, sample
from model.ensemble import Result
from model.episodes import prepare
from model.episodes.run import run as replicated
from model.episodes.run import summary
from model.loading import SHIPPED, Loaded, load
from model.luck import luck
from model.ondisk import Columns, Damaged, check, places, read, write_block
from model.problems import BadInput
from model.wanted import plan
from model.workfolder import work_folder
from tests.clusters import Cluster, started, until
from tests.conftest import scenario

DRAWS, CHUNK = 90, 20


@pytest.fixture(scope="module")
def starter() -> Loaded:
    return load(SHIPPED / "starter.yaml")


@pytest.fixture(scope="module")
def jackson() -> Loaded:
    return load(SHIPPED / "jackson.yaml")


def same(a: Result, b: Result) -> None:
    assert list(a.metrics) == list(b.metrics)
    for key in a.metrics:
        assert a.metrics[key].tobytes() == b.metrics[key].tobytes(), key
    for one, two in ((a.series, b.series), (a.years, b.years)):
        assert one.keys() == two.keys()
        for key, found in one.items():
            for name, values in found.items():
                assert values.tobytes() == two[key][name].tobytes(), (key, name)


class TestDraws:
    @pytest.mark.parametrize("method", ["lhs", "plain", "sobol"])
    def test_column_by_column_they_are_those_of_the_whole(
        self, jackson: Loaded, method: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("model.draws.BLOCK", 7)  # correlated ones block by block
        whole = sample(jackson, 50, 3, method)
        found = dict(each_drawn(jackson, 50, 3, method))
        assert jackson.scenario.correlations
        assert sorted(found) == sorted(jackson.uncertain)
        for name, values in found.items():
            assert values.tobytes() == whole.values[name].tobytes(), name

    def test_columns_on_disk_are_read_in_part(self, jackson: Loaded, tmp_path: Path) -> None:
        chance = luck(jackson.scenario, 50, 3)
        assert any(values.shape[1] > 1 for values in chance.values())
        stored = Columns(tmp_path / "luck", 50, chance.items())
        for name, values in chance.items():
            assert np.array_equal(stored.read(name, slice(11, 30)), values[11:30])


class TestOnDisk:
    def test_a_run_with_correlation_money_and_luck_is_the_same(
        self, jackson: Loaded, tmp_path: Path
    ) -> None:
        whole = ensemble.run(jackson, 15, 2, luck=2)
        with kept_run(Asked(jackson, 15, 2, "lhs", 2, 8), tmp_path / "out") as found:
            same(whole, found)
        assert not work_folder(tmp_path / "out").exists()

    def test_series_of_the_first_draws_are_gathered_over_chunks(
        self, starter: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(ensemble, "SERIES_DRAWS", 50)
        whole = ensemble.run(starter, DRAWS, 1)
        with kept_run(Asked(starter, DRAWS, 1, "lhs", 1, CHUNK), tmp_path / "out") as found:
            same(whole, found)

    def test_metrics_are_written_in_row_groups(
        self, starter: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(runfolder, "ROWS_PER_GROUP", 70)
        result = ensemble.run(starter, DRAWS, 1)
        with kept_run(Asked(starter, DRAWS, 1, "lhs", 1, CHUNK), tmp_path / "out") as found:
            runfolder.write(found, tmp_path, 0.0)
        with pq.ParquetFile(tmp_path / "metrics.parquet") as file:
            sizes = [file.metadata.row_group(k).num_rows for k in range(file.num_row_groups)]
            rows = file.read().to_pylist()
        assert set(sizes[:-1]) == {70}
        assert len(rows) == DRAWS * len(result.metrics)
        for row in rows[:: DRAWS // 3 + 1]:
            values = result.values(f"{row['metric']}:{row['party']}", row["strategy"])
            np.testing.assert_equal(row["value"], values[row["draw"]])

    def test_what_was_drawn_is_written_with_few_numbers_in_memory(
        self, starter: Loaded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A part of a column that is on disk must not keep the whole column."""
        monkeypatch.setattr(runfolder, "ROWS_PER_GROUP", 1_000)
        asked = Asked(starter, 20_000, 1, "lhs", 1, 2_048)
        drawn = checkpoints._draws(asked, *checkpoints._drawn(asked, tmp_path))
        tracemalloc.start()
        runfolder._tables(
            tmp_path / "draws.parquet", runfolder.draws_table(Result(drawn, {}, {}, {}))
        )
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        column = 8 * asked.size
        assert len(starter.uncertain) * column > 8 * column > most
        found = pq.read_table(tmp_path / "draws.parquet")
        for name, values in sample(starter, asked.size, 1).values.items():
            if name in starter.uncertain:
                assert np.array_equal(found.column(name).to_numpy(), values)

    def test_a_block_tells_when_it_is_not_what_was_written(self, tmp_path: Path) -> None:
        path = tmp_path / "a.chunk"
        arrays = {("a", "x"): np.arange(6.0).reshape(2, 3), ("b",): np.array([np.nan, 1.0])}
        write_block(path, arrays)
        check(path)
        assert [p.name for p in tmp_path.iterdir()] == ["a.chunk"]
        for name, values in arrays.items():
            np.testing.assert_array_equal(read(path, places(path)[name]), values)
        whole = path.read_bytes()
        for damaged in (whole[:-8], whole[:-1] + b"\x01", b"", whole + b"12345678"):
            path.write_bytes(damaged)
            with pytest.raises(Damaged):
                check(path)


# --- a real cluster


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with started(tmp_path_factory.mktemp("dask")) as there:
        there.worker()
        yield there


class TestCluster:
    """In this order: the last test takes a worker away."""

    def test_a_worker_that_cannot_import_headwater_is_told(
        self, starter: Loaded, dask: Cluster, tmp_path: Path
    ) -> None:
        (tmp_path / "model").mkdir()
        (tmp_path / "model" / "__init__.py").write_text("")
        (tmp_path / "model" / "cluster.py").write_text("raise ImportError('no such library')")
        process = dask.worker(PYTHONPATH=str(tmp_path))
        try:
            with pytest.raises(BadInput, match=r"which cannot import Headwater \(ImportError"):
                cluster.mapped(abs, [1], dask.address)
        finally:
            process.kill()
            process.wait()
        until(lambda: dask.workers() == 1)

    def test_another_version_is_told_with_both(self) -> None:
        other = cluster.about() | {"numpy": "1.26.0"}
        with pytest.raises(BadInput) as told:
            cluster._check_worker("tcp://a:1", other)
        here = cluster.about()["numpy"]
        assert (
            f"numpy 1.26.0; allowed: the same as here, for the same results: numpy {here}"
            in str(told.value)
        )

    def test_a_worker_that_came_later_refuses_what_it_would_do_differently(self) -> None:
        with pytest.raises(ImportError, match="not"):
            cluster.refuse_other(cluster.about() | {"code": "0"}, abs, "")

        class Work:
            inputs = "abc"

        with pytest.raises(ImportError, match="got inputs abc, not abd"):
            cluster.refuse_other(cluster.about(), Work(), "abd")

    def test_results_come_in_order(self, dask: Cluster) -> None:
        assert list(cluster.mapped(abs, range(-9, 0), dask.address)) == list(range(9, 0, -1))

    def test_an_error_of_the_work_is_the_error_here(self, dask: Cluster) -> None:
        with pytest.raises(ValueError, match="invalid literal"):
            list(cluster.mapped(int, ["1", "x"], dask.address))

    def test_outcomes_of_variants_are_the_same(
        self, starter: Loaded, dask: Cluster, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(variants, "RUNS_PER_PART", 1)  # parts of 128 draws
        base = sample(starter, 130, 1)
        asked = plan(starter, ["avoided_rescue_spending:all", "net_saving:all"])
        name = starter.uncertain[0]
        several = [base, variants.changed(base, {name: base.values[name] * 1.1})]
        here = variants.outputs(several, asked)
        there = variants.outputs(several, asked, address=dask.address)
        assert here.tobytes() == there.tobytes()
        assert not np.array_equal(here[0], here[1])

    def test_episodes_are_the_same(self, dask: Cluster) -> None:
        case = prepare(scenario({"segments.adults.population": 200, "clock.end": "2025-06"}))
        here, there = (
            pickle.dumps(list(replicated(case, 3, 1, summary, (), address=address)))
            for address in (None, dask.address)
        )
        assert len(here) > 1000
        assert repr(pickle.loads(here)) == repr(pickle.loads(there))

    def test_a_worker_that_dies_is_survived(
        self, starter: Loaded, dask: Cluster, tmp_path: Path
    ) -> None:
        victim = dask.worker()
        assert dask.workers() == 2
        seen: list[int] = []

        def killing(done: int) -> None:
            seen.append(done)
            victim.kill()

        asked = Asked(starter, 400, 1, "lhs", 1, 40)
        with kept_run(asked, tmp_path / "out", address=dask.address, progress=killing) as found:
            same(ensemble.run(starter, 400, 1), found)
        assert seen == list(range(40, 401, 40))
        assert victim.wait() != 0


class TestUnreachable:
    @pytest.mark.parametrize("address", ["scheduler:8786", "http://a:1", "tcp://a", "tcp://a:b"])
    def test_an_address_of_another_form(self, address: str) -> None:
        with pytest.raises(BadInput, match=r"allowed: tcp://HOST:PORT"):
            cluster.refuse_unreachable(address)

    def test_nobody_there_is_told_at_once(self) -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            address = f"tcp://127.0.0.1:{taken.getsockname()[1]}"
        began = time.monotonic()
        with pytest.raises(BadInput, match=r"cannot be reached .connection refused.*is it running"):
            cluster.mapped(abs, [1], address)
        assert time.monotonic() - began < cluster.ANSWER

    def test_somebody_else_there_is_told_in_seconds(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cluster, "ANSWER", 1.0)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            address = f"tcp://127.0.0.1:{silent.getsockname()[1]}"
            with pytest.raises(BadInput, match="where something else answers"):
                cluster.mapped(abs, [1], address)

    def test_a_scheduler_without_workers_is_told(self, tmp_path: Path) -> None:
        with (
            started(tmp_path) as bare,
            pytest.raises(BadInput, match=r"a scheduler without workers; allowed: .*dask worker"),
        ):
            cluster.mapped(abs, [1], bare.address)
