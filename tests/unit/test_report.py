"""Numbers in words, the page of a run, and what a hostile scenario may not do to it."""

import csv
import json
import re
from html.parser import HTMLParser
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from model import ensemble, runfolder
from model.comparison import compare
from model.draws import sample
from model.evidence import load_registry
from model.loading import Loaded, load
from report import association, figures, html, renderer, rundata, story, terminal, wording
from report.compared import opening, titles, with_period
from report.rundata import Series

ROOT = Path(__file__).resolve().parents[2]
STARTER = ROOT / "scenarios" / "starter.yaml"
EVIL = "</script><img src=x onerror=alert(1)>=cmd|'{{ 7*7 }}'"
DRAWS = 128


def project(loaded: Loaded, folder: Path, draws: int = DRAWS) -> Path:
    result = ensemble.run(loaded, draws, 1)
    folder.mkdir()
    runfolder.write(result, folder, 1.0)
    html.write_run_page(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return project(load(STARTER), tmp_path_factory.mktemp("runs") / "starter")


@pytest.fixture(scope="module")
def evil_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The starter with markup, a formula and a template in every name that people read."""
    raw = STARTER.read_text(encoding="utf-8")
    quoted = json.dumps(EVIL)
    raw = re.sub(r"^(title|    name): .*$", rf"\1: {quoted}", raw, flags=re.MULTILINE)
    raw = raw.replace("name: Emergency visits", f"name: {quoted}")
    path = tmp_path_factory.mktemp("evil") / "evil.yaml"
    path.write_text(raw, encoding="utf-8")
    return project(load(path), path.parent / "run")


# --- words


def test_no_line_ends_within_an_amount() -> None:
    words = html.prose("-$1.24 million to $3 billion (90 % interval) in-kind, 12 of 100 draws")
    assert words == (
        "\N{MINUS SIGN}\N{WORD JOINER}$1.24\xa0million to $3\xa0billion (90\xa0% interval) "
        "in-kind, 12 of 100 draws"
    )


@pytest.mark.parametrize(
    ("x", "long", "short"),
    [
        (1_238_000, "$1.24 million", "$1.24M"),
        (-29_423.5, "-$29,400", "-$29.4k"),
        (73_000_000, "$73.0 million", "$73.0M"),
        (999_600, "$1.00 million", "$1.00M"),
        (999_499, "$999,000", "$999k"),
        (3.64e9, "$3.64 billion", "$3.64B"),
        (91.01, "$91", "$91"),
        (0.08, "$0.08", "$0.08"),
        (-1e-9, "$0", "$0"),
        (0.0, "$0", "$0"),
    ],
)
def test_money(x: float, long: str, short: str) -> None:
    assert (wording.money(x), wording.short_money(x)) == (long, short)


@pytest.mark.parametrize(
    ("x", "words"),
    [
        (48_643.25, "48,600"),
        (70.08, "70.1"),
        (0.07764, "0.0776"),
        (-0.0, "0"),
        (6.0, "6"),
        (1.2e-6, "1.2e-06"),
        (100, "100"),
    ],
)
def test_number(x: float, words: str) -> None:
    assert wording.number(x) == words


def test_no_number_is_minus_zero() -> None:
    for x in (-0.0, -1e-12, -0.004):
        assert "-0" not in (wording.money(x), wording.count(x))
        assert not wording.money(x).startswith("-")


def test_a_negative_saving_is_more_spending() -> None:
    assert wording.change(-1_200_000) == "$1.20 million more"
    assert wording.change(29_400) == "$29,400 less"
    assert wording.change(0) == "no change"
    assert wording.change_interval(-598_000, 517_000) == "$598,000 more to $517,000 less"
    assert wording.change_interval(1e6, 2e6) == "$1.00 million to $2.00 million less"
    assert wording.change_interval(-2e6, -1e6) == "$1.00 million to $2.00 million more"
    assert wording.change_interval(0, 5) == "no change to $5.00 less"


def test_chance_is_never_rounded_to_certainty() -> None:
    assert wording.chance(0.12) == "in 12 of 100 draws"
    assert wording.chance(0) == "in no draw"
    assert wording.chance(1) == "in every draw"
    assert wording.chance(0.001) == "in fewer than 1 of 100 draws"
    assert wording.chance(0.9999) == "in more than 99 of 100 draws"


def test_units_are_said_as_people_say_them() -> None:
    assert wording.spoken(0.0776, "events/person-month") == ("931", "per 1,000 person-years")
    assert wording.spoken(6, "persons") == ("6", "persons")


def test_brackets_are_cut_only_where_names_stay_distinct() -> None:
    names = {"a": "Plan (Medicaid)", "b": "Plan (Medicare)", "c": "Jail (county)"}
    assert wording.short_names(names) == names | {"c": "Jail"}


@pytest.mark.parametrize(
    ("text", "safe"),
    [("=1+1", "'=1+1"), ("@x", "'@x"), ("-cmd", "'-cmd"), ("-1.5", "-1.5"), ("plain", "plain")],
)
def test_a_cell_is_no_formula(text: str, safe: str) -> None:
    assert wording.cell(text) == safe


# --- the run folder, read back


def test_values_come_back_by_name(folder: Path) -> None:
    result = ensemble.run(load(STARTER), DRAWS, 1)
    run = rundata.read(folder)
    for metric, party in (("avoided_rescue_spending", "all"), ("net_saving", "medicaid_plan")):
        assert np.array_equal(run.values(metric, party), result.values(f"{metric}:{party}"))
    assert run.values("avoided_rescue_spending", "nobody").size == 0
    series = run.series("rescue_spending", "all", "usual_care")
    assert series is not None
    assert len(series.months) == 60
    names = result.draws.loaded.uncertain
    assert set(run.parameters(most=50)) == set(names)


def test_values_come_back_from_several_row_groups(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runfolder, "ROWS_PER_GROUP", 100)
    small = project(load(STARTER), tmp_path / "small")
    result, many = ensemble.run(load(STARTER), DRAWS, 1), rundata.read(small)
    parties = many.subjects("net_saving")
    assert len(parties) > 3
    for party in parties:
        values = result.values(f"net_saving:{party}")
        assert np.array_equal(many.values("net_saving", party), values)
        assert many.share_above_zero("net_saving", party) == (values > rundata.DUST).mean()


def test_what_was_drawn_is_read_of_the_first_draws(folder: Path) -> None:
    drawn = rundata.read(folder).parameters(most=7)
    whole = sample(load(STARTER), DRAWS, 1)
    assert drawn.keys() == set(whole.loaded.uncertain)
    for name, values in drawn.items():
        assert np.array_equal(values, whole.values[name][:7])


def test_parts_of_the_net_result_add_up(folder: Path) -> None:
    for row in story.party_rows(rundata.read(folder)):
        if row.net is not None:
            parts = (row.offsets, row.not_freed, row.cost)
            left = (row.avoided.mean if row.avoided else 0) - sum(p.mean for p in parts if p)
            assert left == pytest.approx(row.net.mean, abs=1e-3)


def test_association_finds_what_moves_the_result(folder: Path) -> None:
    run = rundata.read(folder)
    found = association.associations(run, "avoided_rescue_spending", "all")
    first = found[0]
    assert first.parameter == "interventions.health_workers.effects.inpatient_stay"
    assert first.rank < -0.5


def test_rank_correlation_shares_ties() -> None:
    x = np.array([1.0, 2.0, 2.0, 5.0])
    assert association.ranks(x).tolist() == [1.0, 2.5, 2.5, 4.0]
    assert association.correlation(association.ranks(x), association.ranks(x)) == pytest.approx(1)


# --- the page


class Page(HTMLParser):
    """Tags with their attributes, and the text."""

    def __init__(self, raw: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.feed(raw)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def page(folder: Path) -> Page:
    return Page((folder / "index.html").read_text(encoding="utf-8"))


def test_the_page_says_what_a_reader_needs(folder: Path) -> None:
    text = page(folder).text
    for words in ("Avoided", "90 %", "usual care", "nominal", "undiscounted", "not freed", "E009"):
        assert words in text, words
    assert "not a payment" in text
    counts = story.counts(rundata.read(folder).inputs["parameters"])
    assert f"{counts.assumptions + counts.no_source} of its {counts.numbers} numbers" in text


def test_the_page_fetches_nothing(folder: Path) -> None:
    for tag, attributes in page(folder).tags:
        assert tag not in {"script", "link", "iframe", "img", "object"}, tag
        for name in ("src", "href", "xlink:href"):
            assert (attributes.get(name) or "#").startswith("#"), attributes
    raw = (folder / "index.html").read_text(encoding="utf-8")
    assert "@import" not in raw
    assert re.search(r"url\((?!#)", raw.replace('url("#', "url(#")) is None


def test_charts_are_there_and_described(folder: Path) -> None:
    tags = page(folder).tags
    charts = [a for tag, a in tags if tag == "svg"]
    described = [a for _, a in tags if a.get("role") == "img" and a.get("aria-label")]
    assert len(charts) == len(described) == 6


def test_names_are_text_and_nothing_else(evil_folder: Path) -> None:
    seen = page(evil_folder)
    assert not [tag for tag, a in seen.tags if tag in {"script", "img"} or "onerror" in a]
    assert "{{ 7*7 }}" in seen.text
    assert "onerror=alert(1)" in seen.text


def test_the_page_is_the_same_every_time(folder: Path) -> None:
    before = (folder / "index.html").read_bytes()
    html.write_run_page(folder)
    assert (folder / "index.html").read_bytes() == before


def test_a_loss_is_marked_only_where_its_interval_says_so(folder: Path) -> None:
    run = rundata.read(folder)
    spread = rundata.Spread(-5.0, 1.0, 0.1, -7.0, -5.0, -3.0, "USD")
    assert story.harmful(run, spread)
    assert not story.harmful(run, spread._replace(p95=0.5))
    assert not story.harmful(run, spread._replace(mean=5.0, p05=3.0, p95=7.0))


def test_a_gain_is_named_only_where_its_interval_says_so(folder: Path) -> None:
    run = rundata.read(folder)
    told = " ".join(story.who_sentences(run))
    sure = [r for r in story.party_rows(run) if r.net and r.net.p05 > 0 and r.key != "all"]
    assert ("No party has a net result" in told) is not sure
    for row in story.party_rows(run):
        if row.net is not None and row.net.p05 < 0 and row.cost is None:
            assert f"goes to {row.name}" not in told


def test_few_draws_give_no_chance_and_no_interval(tmp_path: Path) -> None:
    few = project(load(STARTER), tmp_path / "few", draws=99)
    text = page(few).text
    assert "99 draws: too few draws for a chance or an interval" in text
    told = " ".join(story.summary_sentences(rundata.read(few)))
    assert "of 100 draws" not in told
    assert "90 % interval" not in told
    assert not re.search(r"in \d+ of 100 draws", text)


def test_a_programme_dollar_is_told_with_its_interval(folder: Path) -> None:
    run = rundata.read(folder)
    avoided, cost = (run.values(m, "all") for m in ("avoided_rescue_spending", "programme_cost"))
    ratio = (avoided - run.values("added_offset_spending", "all")) / cost
    high = wording.change(float(np.quantile(ratio, 0.95)))
    assert f"to {high})" in story.cover(run)


def test_effects_are_told_with_the_scenarios_reason(tmp_path: Path) -> None:
    at = "interventions.health_workers.effects.inpatient_stay"
    loaded = load(STARTER, [f"{at}.reason=because we looked"])
    folder = project(loaded, tmp_path / "told", draws=4)
    [told] = [e for e in html.evidence(rundata.read(folder)) if e["key"] == at]
    assert told["reason"] == "because we looked"
    assert "because we looked" in page(folder).text


def test_one_study_that_speaks_for_all_is_named() -> None:
    studies = [{"id": "E1", "weight": 0.991}, {"id": "E2", "weight": 0.009}]
    assert html.dominated(studies) == "dominated by E1 (99 % of the weight)"
    assert html.dominated(studies[:1]) == ""
    assert html.dominated([{"id": "E1", "weight": 0.9}, {"id": "E2", "weight": 0.1}]) == ""


def test_one_draw_and_no_intervention_still_make_a_page(tmp_path: Path) -> None:
    project(load(STARTER), tmp_path / "one", draws=1)
    bare = load(STARTER, ["interventions={}"])
    none = project(bare, tmp_path / "none", draws=4)
    assert "has no intervention" in page(none).text


def test_the_published_analogue_is_the_registrys() -> None:
    told = json.loads((html.TEMPLATES / "analogue.json").read_text("utf-8"))
    saving, spending = (load_registry().finding(name) for name in told["ids"])
    assert saving.value == -told["saving_per_year"]
    assert spending.value == pytest.approx(told["spending_per_enrollee"], rel=0.005)


# --- charts


def test_a_chart_is_drawn_as_png_too() -> None:
    spec = figures.distribution("x", np.array([-1.0, 2.0, 3.0]), "USD")
    assert renderer.png(spec, 1.0).startswith(b"\x89PNG")


def test_bins_hold_every_draw_and_part_at_zero() -> None:
    values = np.random.default_rng(1).normal(0.3, 1.0, 500)
    bars = figures.bins(values)
    assert sum(bar["draws"] for bar in bars) == 500
    losses = sum(bar["draws"] for bar in bars if bar["what"] == "loss")
    assert losses == (values < 0).sum()


def test_labels_of_a_chart_are_escaped() -> None:
    months = ["2025-01", "2025-02"]
    series = Series(months, np.ones(2), np.zeros(2), np.full(2, 2.0))
    drawn = renderer.svg(figures.reach([(EVIL, {"enrolled": series})]))
    assert "<img" not in drawn
    assert "</script" not in drawn


# --- comparison


def test_a_comparison_leaves_its_three_files(tmp_path: Path) -> None:
    other = load(STARTER, ["name=bigger", "interventions.health_workers.staff.posts=8"])
    compared = compare([load(STARTER), other], 16, 1, "lhs")
    html.write_comparison(compared, tmp_path / "c")
    assert {p.name for p in (tmp_path / "c").iterdir()} == {
        "comparison.json",
        "comparison.csv",
        "index.html",
    }
    rows = list(csv.DictReader(StringIO((tmp_path / "c" / "comparison.csv").read_text("utf-8"))))
    data = json.loads((tmp_path / "c" / "comparison.json").read_text("utf-8"))
    assert len(rows) == len(data["metrics"])
    assert {row["scenario"] for row in rows} == {"starter", "bigger"}
    html.write_comparison(compared, tmp_path / "c")


def test_a_comparison_begins_with_the_main_difference(tmp_path: Path) -> None:
    more = load(
        STARTER, ["name=b", "title=Twice as many", "interventions.health_workers.staff.posts=8"]
    )
    compared = compare([load(STARTER), more], 128, 1, "lhs")
    html.write_comparison(compared, tmp_path / "c")
    text = page(tmp_path / "c").text
    [(title, told)] = opening(with_period(compared))
    assert title == "Twice as many"
    assert told.startswith("the net result of all payers and funders is $")
    assert "(90 % interval: " in told
    for words in ("With Twice as many", "nominal", "5 years", "Difference from the first"):
        assert words in text, words


def test_scenarios_of_one_title_are_told_apart_by_name() -> None:
    two = {"scenarios": [{"name": "a", "title": "T"}, {"name": "b", "title": "T"}]}
    assert titles(two) == {"a": "a", "b": "b"}
    two["scenarios"][1]["title"] = "U"
    assert titles(two) == {"a": "T", "b": "U"}


def test_a_comparison_replaces_nothing_else(tmp_path: Path) -> None:
    from model.problems import BadInput

    (tmp_path / "letter.txt").write_text("mine")
    compared = compare([load(STARTER), load(STARTER, ["name=b"])], 2, 1, "lhs")
    with pytest.raises(BadInput, match="no comparison"):
        html.write_comparison(compared, tmp_path)
    assert (tmp_path / "letter.txt").read_text() == "mine"


# --- json


def test_json_of_a_run_has_exactly_what_was_promised(folder: Path) -> None:
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text("utf-8"))
    data = terminal.run_json(summary, folder)
    assert list(data) == ["scenario", "seed", "draws", "run_folder", "metrics"]
    keys = {"metric", "party", "unit", "mean", "sd", "p05", "p50", "p95"}
    for row in data["metrics"]:
        both = row["metric"] in {"rescue_spending", "use"}
        partly = {"share_known"} & set(row)  # where some draws have no value
        assert set(row) == keys | ({"strategy"} if both else set()) | partly
    avoided = {r["party"] for r in data["metrics"] if r["metric"] == "avoided_rescue_spending"}
    assert avoided == {*load(STARTER).scenario.parties, "all"}


# --- the documentation


def test_the_pandas_example_of_the_documentation_runs(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    said = (ROOT / "docs" / "run-folder.md").read_text(encoding="utf-8")
    [example] = re.findall(r"```python\n(.*?)```", said, flags=re.DOTALL)
    exec(compile(example, "run-folder.md", "exec"), {"folder": folder})
    assert "of 100 draws" in capsys.readouterr().out


def test_the_documentation_names_every_file_column_and_metric(folder: Path) -> None:
    import pyarrow.parquet as pq

    said = (ROOT / "docs" / "run-folder.md").read_text(encoding="utf-8")
    words = {path.name for path in folder.iterdir()}
    for name in ("metrics", "series"):
        words |= set(pq.read_schema(folder / f"{name}.parquet").names)
    for name in ("summary", "run", "inputs"):
        words |= set(json.loads((folder / f"{name}.json").read_text("utf-8")))
    summary = json.loads((folder / "summary.json").read_text("utf-8"))
    words |= {row["metric"] for row in summary["metrics"]} | set(summary["metrics"][0])
    missing = sorted(word for word in words if f"`{word}`" not in said)
    assert not missing
