"""The registry: complete, unaltered, checked; its errors; its rendering as text."""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from pathlib import Path

import pytest
from pydantic import ValidationError
from rich.console import Console, RenderableType

from model.evidence import (
    DEFAULT_FOLDER,
    EvidenceError,
    Registry,
    UnknownEvidence,
    json_schemas,
    load_registry,
    price_change,
    price_factor,
)
from model.evidence_records import Finding
from report.evidence import effect_in_words, evidence_card, evidence_table

ROOT = Path(__file__).resolve().parents[2]
SHARED = ROOT.parent / "shared" / "data"
REGISTRY = load_registry()

needs_tables = pytest.mark.skipif(
    not SHARED.is_dir(), reason="the tables that the registry was made from are not beside it"
)


def table(name: str) -> list[dict[str, str]]:
    with (SHARED / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def number(text: str) -> float | None:
    return float(text) if text else None


def text(value: str | None) -> str:
    return (value or "").casefold()


def shown(renderable: RenderableType, width: int = 80) -> str:
    console = Console(width=width, file=io.StringIO(), color_system=None)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


class TestNothingIsLost:
    @needs_tables
    def test_every_effect(self) -> None:
        rows = table("evidence/effects.csv")
        assert [row["id"] for row in rows] == list(REGISTRY.findings)
        for row in rows:
            found = REGISTRY.findings[row["id"]]
            assert (found.value, found.low, found.high) == tuple(
                number(row[key]) for key in ("value", "low", "high")
            ), row["id"]
            for key in ("outcome", "rescue_service", "metric", "unit", "significant", "status"):
                assert (getattr(found, key) or "") == row[key], (row["id"], key)
            assert (found.year, found.derived) == (int(row["year"]), row["derived"] == "yes")
            assert (found.address or "") == row["address"], row["id"]
            assert text(found.note) == row["note"].casefold(), row["id"]

    @needs_tables
    def test_every_study(self) -> None:
        for row in table("evidence/effects.csv"):
            study = REGISTRY.findings[row["id"]].study
            for key in ("intervention", "category", "population", "comparator", "design", "n"):
                assert (getattr(study, key) or "") == row[key], (row["id"], key)
            assert (study.follow_up or "") == row["followup"]
            assert (study.persistence or "") == row["decay_note"]
            source = study.source
            assert source.authors == row["authors"]
            assert (source.journal or "", source.doi or "") == (row["journal"], row["doi"])

    @needs_tables
    @pytest.mark.parametrize("kind", ["unit_costs", "base_rates"])
    def test_every_cost_and_rate(self, kind: str) -> None:
        rows, facts = table(f"evidence/{kind}.csv"), getattr(REGISTRY, kind)
        assert [row["id"] for row in rows] == list(facts)
        for row in rows:
            fact = REGISTRY.lookup(row["id"])
            assert (fact.value, fact.low, fact.high) == tuple(
                number(row[key]) for key in ("value", "low", "high")
            ), row["id"]
            assert (str(fact.year) if fact.year else fact.year_text or "") == row["year"]
            assert fact.derived == (row["derived"] == "yes")
            for key in set(row) - {"id", "value", "low", "high", "year", "derived"}:
                assert text(getattr(fact, key)) == row[key].casefold(), (row["id"], key)

    @needs_tables
    def test_the_price_index(self) -> None:
        years = REGISTRY.indices["cpi_u"].years
        rows = table("series/cpi_u_annual_average.csv")
        assert {int(r["year"]): (float(r["cpi_u"]), r["status"]) for r in rows} == {
            year: (entry.value, entry.status) for year, entry in years.items()
        }

    def test_counts(self) -> None:
        sizes = [len(REGISTRY.findings), len(REGISTRY.unit_costs), len(REGISTRY.base_rates)]
        assert sizes == [161, 73, 218]
        assert sum(f.metric == "null" for f in REGISTRY.findings.values()) == 22


class TestConsistency:
    def test_an_id_stands_once_in_the_files(self) -> None:
        lines = "".join(path.read_text(encoding="utf-8") for path in DEFAULT_FOLDER.glob("*.yaml"))
        ids = Counter(re.findall(r"^ *([EUB]\d{3}):", lines, flags=re.MULTILINE))
        assert set(ids.values()) == {1}
        assert len(ids) == 161 + 73 + 218

    def test_every_file_names_its_schema(self) -> None:
        for path in DEFAULT_FOLDER.glob("*.yaml"):
            first = path.read_text(encoding="utf-8").splitlines()[0]
            schema = first.removeprefix("# yaml-language-server: $schema=")
            assert (path.parent / schema).is_file(), path.name

    def test_the_schemas_are_in_step(self) -> None:
        for name, schema in json_schemas().items():
            stored = (ROOT / "scenarios" / "schema" / name).read_text(encoding="utf-8")
            assert json.loads(stored) == schema, f"{name}: write json_schemas() again"

    def test_p_values_are_those_in_the_text(self) -> None:
        for found in REGISTRY.findings.values():
            printed = re.match(r"p([<=])(\.\d+)", found.significant or "")
            read = (found.p.bound, found.p.value) if found.p else None
            assert read == (printed and (printed[1], float(printed[2]))), found.id

    def test_a_published_comparator_has_the_unit_of_its_difference(self) -> None:
        for found in REGISTRY.findings.values():
            rate = found.comparator_rate
            if rate and found.metric in {"abs_diff", "null"}:
                assert rate.unit == found.unit, found.id
            if rate and found.metric == "odds_ratio":
                assert rate.unit == "%"

    def test_arms_are_in_the_text_of_n(self) -> None:
        for key, study in REGISTRY.studies.items():
            numbers = [int(n.replace(",", "")) for n in re.findall(r"\d[\d,]*", study.n or "")]
            for arm in study.arms or ():
                remainder = [a - b for a in numbers for b in numbers]
                known = arm in numbers or arm in remainder or key == "san_francisco_housing_2006"
                assert known, key

    def test_uptake_is_stated_with_where_it_comes_from(self) -> None:
        for key, study in REGISTRY.studies.items():
            assert (study.uptake is None) == (study.uptake_from is None), key
            assert study.uptake is None or study.counted_from == "offered", key

    def test_low_never_exceeds_high(self) -> None:
        facts = [*REGISTRY.findings.values(), *REGISTRY.unit_costs.values()]
        for fact in [*facts, *REGISTRY.base_rates.values()]:
            assert fact.low is None or fact.high is None or fact.low <= fact.high, fact.id

    def test_a_finding_takes_from_its_study_what_it_does_not_say(self) -> None:
        assert REGISTRY.finding("E009").design_class == "randomised"
        assert REGISTRY.finding("E010").design_class == "uncontrolled"
        assert REGISTRY.finding("E022").follow_up_months == 36
        assert REGISTRY.finding("E028").follow_up_months == 24
        assert REGISTRY.finding("E005").study is REGISTRY.studies["detroit_plan_chw_2022"]

    def test_model_units(self) -> None:
        units = {name: REGISTRY.lookup(name).model_unit for name in REGISTRY.unit_costs}
        assert (units["U009"], units["U023"], units["U038"]) == ("USD", "USD", "USD/month")
        assert (units["U055"], units["U070"], units["U019"]) == ("USD/year", "1", "%")
        assert (units["U008"], units["U069"]) == (None, None)
        assert REGISTRY.lookup("B193").model_unit == "per 1,000 person-years"
        assert REGISTRY.lookup("B159").model_unit is None  # per 100,000


class TestErrors:
    @pytest.mark.parametrize(("name", "near"), [("U73", "U073"), ("B1", "B001"), ("u009", "U009")])
    def test_an_unknown_id_suggests_the_nearest(self, name: str, near: str) -> None:
        with pytest.raises(UnknownEvidence) as caught:
            REGISTRY.lookup(name)
        assert near in caught.value.nearest
        assert near in str(caught.value)
        assert isinstance(caught.value, KeyError)

    def test_zeros_are_added_before_anything_else_is_tried(self) -> None:
        with pytest.raises(UnknownEvidence) as caught:
            REGISTRY.finding("E37")
        assert caught.value.nearest == ("E037",)

    @pytest.mark.parametrize(
        ("name", "told"),
        [
            ("E999", "ids go from E001 to E161: `headwater evidence` lists them"),
            ("U909", "ids go from U001 to U073: `headwater evidence U001` shows one"),
        ],
    )
    def test_an_id_beyond_the_last_has_no_neighbour(self, name: str, told: str) -> None:
        with pytest.raises(UnknownEvidence, match=told) as caught:
            REGISTRY.finding(name) if name[0] == "E" else REGISTRY.lookup(name)
        assert caught.value.nearest == ()

    def test_a_finding_is_no_unit_cost(self) -> None:
        with pytest.raises(UnknownEvidence, match="no unit cost or base rate"):
            REGISTRY.lookup("E005")
        with pytest.raises(UnknownEvidence, match="no finding"):
            REGISTRY.finding("U005")

    def test_records_are_frozen_and_strict(self) -> None:
        found = REGISTRY.finding("E005")
        with pytest.raises(ValidationError):
            found.value = 0.5  # type: ignore[misc]
        with pytest.raises(ValidationError, match="extra"):
            Finding.model_validate(dict(found) | {"surprise": 1})

    def test_price_factor(self) -> None:
        assert price_factor(REGISTRY, "cpi_u", 2017, 2022) == pytest.approx(292.655 / 245.12)
        assert price_factor(REGISTRY, "cpi_u", 2020, 2020) == 1.0
        assert price_change(REGISTRY, "cpi_u", 2017, 2022).status == "verified"
        assert price_change(REGISTRY, "cpi_u", 2010, 2022).status == "unverified"

    def test_price_factor_names_what_there_is(self) -> None:
        with pytest.raises(EvidenceError, match="2000 to 2024"):
            price_factor(REGISTRY, "cpi_u", 1981, 2022)
        with pytest.raises(EvidenceError, match="known: cpi_u"):
            price_factor(REGISTRY, "cpi", 2012, 2022)

    def test_the_registry_is_loaded_once_and_lazily(self, tmp_path: Path) -> None:
        assert load_registry() is REGISTRY
        empty = Registry(tmp_path)
        assert (empty.studies, empty.findings) == ({}, {})
        with pytest.raises(EvidenceError, match=r"unit_costs\.yaml"):
            _ = empty.unit_costs
        with pytest.raises(EvidenceError, match="no such evidence folder"):
            load_registry(tmp_path / "nowhere")

    @pytest.mark.parametrize(
        "content",
        [
            "",
            "[]",
            "studies: 3",
            "studies: {a: 1}",
            "studies: {a: {surprise: 1}}",
            "studies: [",
            "3",
        ],
    )
    def test_a_bad_file_is_named(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "effects_bad.yaml").write_text(content, encoding="utf-8")
        with pytest.raises(EvidenceError, match=r"effects_bad\.yaml"):
            _ = Registry(tmp_path).studies

    def test_an_id_in_two_files_and_a_loose_overlap(self, tmp_path: Path) -> None:
        source = (DEFAULT_FOLDER / "effects_health_workers.yaml").read_text(encoding="utf-8")
        (tmp_path / "effects_a.yaml").write_text(source, encoding="utf-8")
        (tmp_path / "effects_b.yaml").write_text(source, encoding="utf-8")
        with pytest.raises(EvidenceError, match="there twice"):
            _ = Registry(tmp_path).findings
        loose = source.replace("overlaps: [impact_pooled_2020]", "overlaps: [nobody]")
        (tmp_path / "effects_b.yaml").unlink()
        (tmp_path / "effects_a.yaml").write_text(loose, encoding="utf-8")
        with pytest.raises(EvidenceError, match="nobody"):
            _ = Registry(tmp_path).studies


class TestReport:
    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("E008", "no significant effect"),
            ("E009", "no significant effect: rise of 0.82 percentage points"),
            ("E007", "rise of 15 % (p<.01)"),
            ("E010", "before to after, no control: fall of 38 percentage points"),
            ("E015", "fall of 38 % (95 % interval -57 % to -9 %)"),
            ("E051", "fall of 65 % in the odds"),
            ("E040", "fall of 29 % (no interval published)"),
            ("E137", "rise of 12,056 USD per person-year"),
            ("E161", "rise of 40 %"),
            ("E099", "direction only"),
            ("E155", "no single figure (range -28 % to -16 %)"),
            ("E059", "-13,600,000,000 USD per year"),
        ],
    )
    def test_words(self, name: str, words: str) -> None:
        assert effect_in_words(REGISTRY.finding(name)).startswith(words)

    @pytest.mark.parametrize("width", [80, 120])
    def test_everything_fits(self, width: int) -> None:
        names = [*REGISTRY.findings, *REGISTRY.unit_costs, *REGISTRY.base_rates]
        pages = [shown(evidence_table(REGISTRY), width)]
        pages += [shown(evidence_card(REGISTRY, name), width) for name in names[::7]]
        assert max(len(line) for page in pages for line in page.splitlines()) <= width
        assert all(name in pages[0] for name in REGISTRY.findings)

    def test_filters(self) -> None:
        def ids(**filters: str) -> set[str]:
            return set(re.findall(r"E\d{3}", shown(evidence_table(REGISTRY, **filters), 200)))

        assert ids(service="JAIL_DAY") == {"E018", "E026", "E128"}
        assert ids(intervention="camden") == {"E009", "E010"}
        assert ids(service="ed_visit", intervention="chw") == {"E005", "E006", "E049", "E071"}
        assert ids(intervention="MOUD") >= {"E084", "E091"}
        with pytest.raises(EvidenceError, match="no finding matches service 'nothing'"):
            evidence_table(REGISTRY, service="nothing")

    def test_cards_show_all_that_is_known(self) -> None:
        card = shown(evidence_card(REGISTRY, "E009"), 120)
        for part in ("E009", "61.7", "10.1056/NEJMsa1906848", "ci95", "enrolled", "verified"):
            assert part in card
        assert "GAO-13-6" in shown(evidence_card(REGISTRY, "U020"))
        assert "fewer than half" in shown(evidence_card(REGISTRY, "B002"))
        with pytest.raises(UnknownEvidence):
            evidence_card(REGISTRY, "X1")

    def test_text_is_no_markup(self, tmp_path: Path) -> None:
        source = (DEFAULT_FOLDER / "effects_health_workers.yaml").read_text(encoding="utf-8")
        marked = source.replace("outcome: ED visits\n", "outcome: '[red]ED[/red] [link=x]visits'\n")
        (tmp_path / "effects.yaml").write_text(marked, encoding="utf-8")
        registry = Registry(tmp_path)
        assert "[red]ED[/red] [link=x]visits" in shown(evidence_table(registry), 200)
        registry.__dict__ |= {"unit_costs": {}, "base_rates": {}}
        assert "[red]ED[/red] [link=x]visits" in shown(evidence_card(registry, "E005"), 120)
