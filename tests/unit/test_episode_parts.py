"""Part files: what is written of many replications, and who can read it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from model.episodes import prepare, run
from model.episodes.parts import Part, part_writer
from model.episodes.tables import CLAIMS_COLUMNS, PATHWAYS_COLUMNS
from tests.conftest import scenario

SEED = 3
DOCS = Path(__file__).parents[2] / "docs" / "episodes.md"
WORLDS = ("usual", "strategy")


def written(folder: Path, workers: int = 1) -> list[Part]:
    loaded = scenario({"clock.end": "2025-12", "episodes": {"amount_variation": 0.5}})
    case = prepare(loaded)
    keep = part_writer(loaded, case, folder, SEED)
    return list(run(case, 3, SEED, keep, claims=WORLDS, workers=workers))


def files(folder: Path) -> dict[str, bytes]:
    found = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


def test_the_same_bytes_from_any_number_of_workers(tmp_path: Path) -> None:
    one = written(tmp_path / "one")
    assert one == written(tmp_path / "two", workers=2)
    assert files(tmp_path / "one") == files(tmp_path / "two")
    assert sorted(files(tmp_path / "one")) == sorted(name for part in one for name in part.files)
    assert len(files(tmp_path / "one")) == 3 * 3


def test_a_folder_reads_as_one_table(tmp_path: Path) -> None:
    """By pandas, with world and replication as columns; rows and sums as the parts said."""
    parts = written(tmp_path)
    claims = pd.read_parquet(tmp_path / "claims")
    assert set(claims.columns) == {*CLAIMS_COLUMNS, "world", "replication"}
    for part in parts:
        for world in WORLDS:
            here = (claims["replication"].astype(int) == part.replication) & (
                claims["world"].astype(str) == world
            )
            assert here.sum() == part.claims[world]
            assert claims["amount"][here].sum() == pytest.approx(part.amount[world], abs=5.0)
    pathways = pd.read_parquet(tmp_path / "pathways")
    assert len(pathways) == sum(part.pathways for part in parts)
    assert (pathways["wait_months"].dropna() >= 0.0).all()


def test_names_are_text_dates_are_dates_and_amounts_are_cents(tmp_path: Path) -> None:
    part = written(tmp_path)[0]
    schema = pq.read_schema(tmp_path / part.files[0])
    kinds = {name: str(schema.field(name).type) for name in schema.names}
    assert kinds == {
        "person": "int32",
        "segment": "string",
        "payer": "string",
        "service": "string",
        "month_incurred": "date32[day]",
        "month_paid": "date32[day]",
        "units": "double",
        "amount": "double",
        "period": "string",
    }
    claims = pd.read_parquet(tmp_path / part.files[0])
    cents = claims["amount"] * 100.0
    np.testing.assert_allclose(cents, cents.round(), atol=1e-6)
    assert (claims["month_paid"] >= claims["month_incurred"]).all()
    order = claims[["person", "month_incurred"]]
    pd.testing.assert_frame_equal(order, order.sort_values([*order], kind="stable"))


def test_a_file_says_what_it_is(tmp_path: Path) -> None:
    """Each column is explained in the file, and named in the docs."""
    part = written(tmp_path)[1]
    docs = DOCS.read_text(encoding="utf-8")
    for name in part.files:
        told = pq.read_metadata(tmp_path / name).metadata
        about = {key.decode(): value.decode() for key, value in told.items()}
        assert about["scenario"] == "small"
        assert about["seed"] == str(SEED)
        assert about["replication"] == "1"
        assert about["currency"] == "USD"
        assert "2025" in about["price_basis"]
        columns = PATHWAYS_COLUMNS if name.startswith("pathways") else CLAIMS_COLUMNS
        assert pq.read_schema(tmp_path / name).names == list(columns)
        for column, text in columns.items():
            assert about[f"column.{column}"] == text
            assert f"`{column}`" in docs


def test_a_file_is_whole_or_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left of a file whose writing fails."""
    from model.episodes import parts

    def fails(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(parts, "write", fails)
    with pytest.raises(OSError, match="disk full"):
        written(tmp_path)
    assert files(tmp_path) == {}


def test_the_untouched_have_the_same_claims_in_both_worlds(tmp_path: Path) -> None:
    """To the day and the cent: what differs between the worlds is the intervention's."""
    part = written(tmp_path)[0]
    usual, strategy = (pd.read_parquet(tmp_path / name) for name in part.files[:2])
    alike = [
        table[table["period"] == "untouched"].reset_index(drop=True) for table in (usual, strategy)
    ]
    pd.testing.assert_frame_equal(*alike)
    assert len(alike[0])
    assert len(usual) != len(strategy)
