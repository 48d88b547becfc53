"""The command `headwater episodes`: what it leaves, that its numbers hold, and how it says no."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from html import unescape
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner, Result

from cli import main
from model import ensemble, episode_runs
from model.episodes import prepare, replicate
from model.episodes.evaluation import rescue
from model.loading import load
from report.episodes_data import Episodes
from report.episodes_story import avoided, told, wait_unit
from report.episodes_terminal import show_episodes
from report.terminal import console
from tests.conftest import scenario
from tests.settled_claims import contract, deal

RULE = "visit >= 2 in 6 months, rolling"
FILES = {
    "scenario.yaml",
    "inputs.json",
    "episodes.json",
    "episodes.csv",
    "episodes.html",
    "replications.parquet",
    "months.parquet",
    "dynamics.parquet",
    "waits.parquet",
    "run.json",
    "charts",
    "claims",
    "eligibility",
    "pathways",
}


def call(*words: object) -> Result:
    return CliRunner().invoke(main, ["episodes", *(str(word) for word in words)])


def written(path: Path, loaded: Any) -> Path:
    path.write_text(yaml.safe_dump(loaded.document.data, sort_keys=False), encoding="utf-8")
    return path


def bytes_of(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths}


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return written(tmp_path / "small.yaml", scenario({"clock.end": "2025-12"}))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of four replications, made by one process."""
    folder = tmp_path_factory.mktemp("made")
    path = written(folder / "small.yaml", scenario())
    done = call(path, "--replications", 4, "--workers", 1, "--select", RULE,
                "--tables", "all", "--out", folder / "one", "--quiet")  # fmt: skip
    assert (done.exit_code, done.output) == (0, "")
    return folder / "one"


# --- the folder


def test_the_folder_is_whole(made: Path) -> None:
    assert {path.name for path in made.iterdir()} == FILES
    assert {path.name for path in (made / "charts").iterdir()} == {
        f"{name}.{kind}"
        for name in ("waiting", "waiting_over_time", "occupancy", "people", "selection_1")
        for kind in ("svg", "png")
    }


def test_workers_change_no_byte(made: Path) -> None:
    done = call(made.parent / "small.yaml", "--replications", 4, "--workers", 2, "--select", RULE,
                "--tables", "all", "--out", made.parent / "two", "--quiet")  # fmt: skip
    assert (done.exit_code, done.output) == (0, "")
    one, two = bytes_of(made), bytes_of(made.parent / "two")
    assert one.keys() == two.keys()
    assert {name for name in one if one[name] != two[name]} == {"run.json"}
    assert json.loads(two["run.json"])["workers"] == 2


def test_other_seeds_are_other_luck(small: Path, tmp_path: Path) -> None:
    for seed in (1, 2):
        call(small, "--replications", 1, "--seed", seed, "--out", tmp_path / str(seed), "--quiet")
    one, two = (pq.read_table(tmp_path / str(seed) / "replications.parquet") for seed in (1, 2))
    assert one["metric"] == two["metric"]
    assert one["value"] != two["value"]


def test_tables_are_kept_as_asked(small: Path, tmp_path: Path) -> None:
    call(small, "--replications", 2, "--quiet")
    first = tmp_path / "runs" / "small-episodes"
    assert [p.name for p in (first / "claims/world=strategy").iterdir()] == ["replication=0"]
    call(small, "--replications", 2, "--tables", "none", "--quiet")
    assert not (first / "claims").exists()
    assert "--tables none" in (first / "episodes.html").read_text("utf-8")


def test_json_and_the_screen(small: Path) -> None:
    done = call(small, "--replications", 2, "--format", "json")
    data = json.loads(done.stdout)
    assert (data["replications"], data["folder"]) == (2, "runs/small-episodes")
    shown = call(small, "--replications", 2).stdout
    mean = next(m["mean"] for m in data["metrics"] if m["metric"] == "enrollments")
    assert told(mean, "count") in shown
    for words in ("by chance alone", "held at their central values", "beside the dynamics"):
        assert words in " ".join(shown.split())


# --- the numbers


def metric(folder: Path, name: str, subject: str) -> dict[int, float]:
    """A number of each replication."""
    table = pq.read_table(folder / "replications.parquet")
    rows = table.filter((pc.field("metric") == name) & (pc.field("subject") == subject))
    return dict(zip(rows["replication"].to_pylist(), rows["value"].to_pylist(), strict=True))


@pytest.mark.parametrize("replication", [0, 2])
def test_numbers_are_those_of_the_pathways(made: Path, replication: int) -> None:
    table = pq.read_table(made / f"pathways/replication={replication}/pathways.parquet")
    rows = table.to_pylist()
    listed = [row for row in rows if row["reached"] is not None]
    begun = [row["wait_months"] for row in listed if row["started"] is not None]
    found = {name: metric(made, name, "team")[replication] for name in (
        "referrals", "listed", "enrollments", "gave_up", "waiting_at_end", "wait_p50",
        "wait_p90", "mean_wait", "share_gave_up",
    )}  # fmt: skip
    gave_up = sum(row["outcome"] == "gave_up" for row in listed)
    waiting = sum(row["outcome"] == "waiting" for row in listed)
    expected = {
        "referrals": len(rows),
        "listed": len(listed),
        "enrollments": len(begun),
        "gave_up": gave_up,
        "waiting_at_end": waiting,
        "wait_p50": np.quantile(begun, 0.5),
        "wait_p90": np.quantile(begun, 0.9),
        "mean_wait": np.mean([row["wait_months"] for row in listed]),
        "share_gave_up": gave_up / (len(listed) - waiting),
    }
    assert found == pytest.approx(expected)
    waits = pq.read_table(made / "waits.parquet").filter(pc.field("replication") == replication)
    assert pc.sum(waits["persons"]).as_py() == len(listed)


def test_months_add_up(made: Path) -> None:
    months = pq.read_table(made / "months.parquet")
    for replication, started in metric(made, "enrollments", "team").items():
        rows = months.filter(pc.field("replication") == replication)
        assert pc.sum(rows["started"]).as_py() == started
        enrolled, slots = (np.array(rows[name]) for name in ("enrolled", "slots"))
        assert metric(made, "occupancy", "team")[replication] == pytest.approx(
            enrolled.sum() / slots.sum()
        )
        binds = np.array(rows["waiting"]) > np.maximum(slots - enrolled, 0)
        assert metric(made, "months_binding", "team")[replication] == pytest.approx(binds.mean())


def test_money_is_that_of_the_claims(made: Path) -> None:
    case = prepare(load(made / "scenario.yaml"))
    claims = pq.read_table(made / "claims/world=strategy/replication=1/claims.parquet")
    kept = claims.filter(pc.field("service").isin(rescue(case)))
    spent = pc.sum(kept["amount"]).as_py()
    usual, saved = (
        metric(made, name, "all")[1] for name in ("rescue_spending", "avoided_rescue_spending")
    )
    assert usual - saved == pytest.approx(spent, rel=1e-6)


def test_the_page_tells_the_numbers_of_the_files(made: Path) -> None:
    page = unescape((made / "episodes.html").read_text("utf-8"))
    data = json.loads((made / "episodes.json").read_text("utf-8"))
    assert data["metrics"]
    unit = wait_unit(Episodes(made))
    with (made / "episodes.csv").open(encoding="utf-8") as file:
        rows = {(row["metric"], row["subject"]): row for row in csv.DictReader(file)}
    for name, words in (("listed", "count"), ("wait_p50", unit), ("occupancy", "of_hundred")):
        values = np.array(list(metric(made, name, "team").values()))
        found = next(m for m in data["metrics"] if m["metric"] == name)
        assert found["mean"] == pytest.approx(values.mean())
        assert found["se"] == pytest.approx(values.std(ddof=1) / 2)
        assert (found["low"], found["high"]) == pytest.approx((values.min(), values.max()))
        assert float(rows[name, "team"]["mean"]) == found["mean"]
        assert f'<td class="n">{told(found["mean"], words)}<' in page
    assert "range of 4 replications" in page  # too few for 5 and 95 %


def test_a_draw_is_that_of_a_run(small: Path, tmp_path: Path) -> None:
    """The dynamics beside the episodes are those of `headwater run` for the same draw."""
    data = yaml.safe_load(small.read_text("utf-8"))
    data["interventions"]["team"]["referral"] = {"uniform": {"low": 0.02, "high": 0.3}}
    small.write_text(yaml.safe_dump(data), encoding="utf-8")
    call(small, "--replications", 1, "--draw", 7, "--seed", 3, "--out", tmp_path / "out", "--quiet")
    found = json.loads((tmp_path / "out" / "episodes.json").read_text("utf-8"))
    fine = load(small, ("clock.steps_per_month=32",))
    result = ensemble.run(fine, 1000, 3, "lhs")
    exact = next(v[7] for k, v in result.metrics.items() if k.metric == "enrollments")
    told = next(row for row in found["dynamics"] if row["metric"] == "enrollments")
    assert told["dynamics"] == pytest.approx(exact)
    assert "those of draw 7" in (tmp_path / "out" / "episodes.html").read_text("utf-8")


# --- contracts


def test_a_contract_and_the_variation_that_a_run_uses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path / "deal.yaml", deal(contract(), {"segments.adults.population": 400}))
    words = (path, "--replications", 3, "--workers", 1, "--quiet", "--out", "out")
    done = call(*words, "--estimate-variation", "found.yaml")
    assert (done.exit_code, done.output) == (0, "")
    data = json.loads(Path("out/episodes.json").read_text("utf-8"))
    whole = next(row for row in data["contracts"] if row["year"] == 0)
    rates = np.array(pq.read_table("out/settlements.parquet")["measured_rate"]).reshape(3, -1)
    assert whole["measured_rate"]["value"] == pytest.approx(rates.mean())
    assert any(path.name.startswith("savings_") for path in Path("out/charts").iterdir())
    name = data["contracts"][0]["contract"]
    before, after = (
        load(file).parameters[f"financing.contracts.{name}.terms.measurement.cv"].central
        for file in (Path("out/scenario.yaml"), Path("found.yaml"))
    )
    assert before != after
    assert call(*words, "--estimate-variation", "found.yaml").exit_code == 0  # replaces its own
    refused = call(*words, "--estimate-variation", "deal.yaml")
    assert refused.exit_code == 2
    assert "was not written by this" in refused.output


def test_the_variation_extends_the_scenario_as_it_was_given(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Beside it, also after --until; inside the folder what was asked is kept, and said."""
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path / "deal.yaml", deal(contract(), {"segments.adults.population": 400}))
    whole = load(path).scenario
    year, month = map(int, whole.clock.end.split("-"))
    until = f"{year - (month == 1)}-{(month - 2) % 12 + 1:02}"
    words = (path, "--replications", 2, "--workers", 1, "--tables", "none", "--until", until)
    beside = call(*words, "--estimate-variation", "found.yaml", "--out", "a").stdout
    assert load(Path("found.yaml")).scenario.clock.end == whole.clock.end
    assert load(Path("found.yaml")).scenario.title == f"{whole.title} with variation from claims"
    assert "must lie beside that file" in Path("found.yaml").read_text("utf-8")
    assert "headwater run found.yaml" in " ".join(beside.split())
    inside = " ".join(call(*words, "--estimate-variation", "--out", "b").stdout.split())
    assert load(Path("b/variation.yaml")).scenario.clock.end == until
    for said in (inside, Path("b/variation.yaml").read_text("utf-8"),
                 Path("b/episodes.html").read_text("utf-8")):  # fmt: skip
        assert f"keeps what was asked of the episodes: --until {until}" in said
    assert "too few replications to say" in inside


def test_no_variation_is_claimed_where_nothing_is_written(small: Path, tmp_path: Path) -> None:
    written(small, scenario())
    done = call(small, "--replications", 2, "--estimate-variation", "--out", "out")
    assert "no contract shares savings, so that nothing was written" in " ".join(
        done.stdout.split()
    )
    assert "nothing was written" in (tmp_path / "out/episodes.html").read_text("utf-8")
    assert not (tmp_path / "out/variation.yaml").exists()


# --- claims for an actuary


def test_cost_per_member_and_month_as_documented(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The example of the docs, against sums of the replication that no file holds."""
    call(small, "--replications", 1, "--worlds", "both", "--out", "out", "--quiet")
    docs = Path(episode_runs.__file__).parents[1] / "docs" / "episodes-command.md"
    code = docs.read_text("utf-8").partition("```python\n")[2].partition("```")[0]
    monkeypatch.chdir(tmp_path / "out")
    found: dict[str, Any] = {}
    exec(compile(code, "example", "exec"), found)
    case = prepare(load(tmp_path / "out/scenario.yaml"))
    one = replicate(case, 0, 1, ("usual", "strategy"))
    members = pq.read_table("eligibility").to_pandas()
    for world in ("usual", "strategy"):
        spent, lived = one.worlds[world].spending, one.worlds[world].community.person_months
        assert spent is not None
        months = members["member_months"][members["world"].astype(str) == world].sum()
        assert months == pytest.approx(lived.sum())
        for (_, payer), pmpm in found["pmpm"][world].items():
            k = case.names.parties.index(payer)
            mine = [case.member.party[g, 0, 0] == k for g in range(len(case.names.segments))]
            expected = spent.payments[:, :, k].sum() / lived[:, mine].sum()
            assert pmpm == pytest.approx(expected, abs=0.011)
    assert (members["first_day"] <= members["last_day"]).all()
    claims = pq.read_table("claims/world=usual")["claim"].to_numpy()
    assert (claims == np.arange(claims.size)).all()


def test_parts_of_the_picked_add_up(made: Path) -> None:
    (row,) = json.loads((made / "episodes.json").read_text("utf-8"))["selection"]
    parts = sum(row[name] for name in ("already", "served", "later", "compared"))
    assert row["selected"] == pytest.approx(parts)
    assert row["served_in_all"] == pytest.approx(4 * row["served"])
    assert row["segments"]
    assert row["from"] <= row["to"]


def test_parties_add_up_to_all(made: Path) -> None:
    rows = {row.name: row for row in avoided(Episodes(made))}
    whole = rows.pop("All")
    assert sum(row.avoided.mean for row in rows.values()) == pytest.approx(whole.avoided.mean)


def test_eighty_columns_hold_every_column(made: Path) -> None:
    for width in (80, 120):
        out = io.StringIO()
        show_episodes(made, console(out, width))
        said = out.getvalue()
        assert max(map(len, said.splitlines())) <= width
        for words in ("binds", "chance", "give up", "dynamics", "error"):
            assert words in said
        assert "\N{HORIZONTAL ELLIPSIS}" not in said


def test_episodes_of_another_scenario_are_not_replaced(small: Path, tmp_path: Path) -> None:
    assert call(small, "--replications", 1, "--out", "out", "--quiet").exit_code == 0
    assert call(small, "--replications", 1, "--out", "out", "--quiet").exit_code == 0
    other = written(tmp_path / "other.yaml", scenario({"clock.end": "2025-12", "name": "other"}))
    refused = call(other, "--replications", 1, "--out", "out", "--quiet")
    assert refused.exit_code == 2
    assert "episodes of another scenario, `small`" in " ".join(refused.output.split())


# --- text of a scenario is text


def test_text_of_a_scenario_is_escaped(small: Path, tmp_path: Path) -> None:
    data = yaml.safe_load(small.read_text("utf-8"))
    data["title"] = "<script>alert(1)</script>"
    data["interventions"]["team"]["name"] = '=HYPERLINK("http://x")'
    data["segments"]["adults"]["name"] = "<img src=x onerror=alert(2)>"
    small.write_text(yaml.safe_dump(data), encoding="utf-8")
    done = call(small, "--replications", 2)
    assert done.exit_code == 0
    folder = tmp_path / "runs" / "small-episodes"
    page = (folder / "episodes.html").read_text("utf-8")
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    with (folder / "episodes.csv").open(encoding="utf-8") as file:
        names = {row["name"] for row in csv.DictReader(file)}
    assert """'=HYPERLINK("http://x")""" in names


# --- interruption


def interrupting(after: int) -> Callable[..., Any]:
    """The same replications, and Ctrl-C when so many are done."""
    whole = episode_runs.run

    def stopped(*words: Any, **more: Any) -> Any:
        for done, one in enumerate(whole(*words, **more)):
            if done == after:
                raise KeyboardInterrupt
            yield one

    return stopped


def test_what_was_computed_before_an_interruption_is_kept(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = (small, "--workers", 1, "--tables", "all", "--quiet")
    call(*words, "--replications", 2, "--out", "two")
    monkeypatch.setattr(episode_runs, "run", interrupting(2))
    done = call(*words, "--replications", 9, "--out", "nine")
    assert done.exit_code == 3
    assert "2 of 9 replications are kept" in done.stderr
    two, nine = bytes_of(tmp_path / "two"), bytes_of(tmp_path / "nine")
    assert two.keys() == nine.keys()  # the third one's claims were on disk, and are gone
    about = json.loads(nine["run.json"])
    assert (about["replications"], about["asked"], about["interrupted"]) == (2, 9, True)
    apart = {name for name in two if two[name] != nine[name]}
    assert apart == {"run.json", "episodes.json", "episodes.html"}
    assert "after 2 of 9 replications" in (tmp_path / "nine/episodes.html").read_text("utf-8")


def test_an_interruption_before_the_first_leaves_nothing(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(episode_runs, "run", interrupting(0))
    done = call(small, "--replications", 9, "--workers", 1, "--out", "out")
    assert (done.exit_code, done.stderr) == (3, "Interrupted: nothing was written.\n")
    assert {path.name for path in tmp_path.iterdir()} == {"small.yaml"}


# --- bad input


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--replications", 0), "0 is not in the range"),
        (("--draw", 1000), "1000 is not in the range"),
        (("--until", "2030-13"), "--until found '2030-13'"),
        (("--until", "2024-01"), "--until found 2024-01"),
        (("--set", "interventions.team=null"), "found none; allowed: one or more (without any"),
        (("--select", "visit >= 99 in 6 months"), "which selects nobody"),
        (("--select", "vist >= 2 in 6 months"), "did you mean `visit`?"),
        (("--select", "often"), "--select found `often`"),
        (("--select", "visit >= 2 in 60 months"), "fewer months than the scenario has"),
        (("--estimate-variation", "no/such.yaml"), "--estimate-variation found `no/such.yaml`"),
        (("--estimate-variation", "x.yaml"), "--estimate-variation found 12 months"),
        (("--estimate-variation", "x.yaml", "--until", "2026-12"), "contract that shares savings"),
        (("--out", "."), "cannot create a folder there"),
        (("--out", "mine"), "which is there and holds no episodes"),
    ],
)
def test_bad_input_is_told_and_leaves_nothing(
    small: Path, tmp_path: Path, words: tuple[object, ...], says: str
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years of work")
    done = call(small, "--replications", 2, *words)
    assert done.exit_code == 2
    assert says in " ".join(done.output.split())
    assert "Traceback" not in done.output
    assert {path.name for path in tmp_path.iterdir()} <= {"small.yaml", "mine", "runs"}
    assert not list(tmp_path.glob("runs/*"))
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years of work"
