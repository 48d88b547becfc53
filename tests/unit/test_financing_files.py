"""Financing in scenario files: terms by reference, names that exist, parts that fit together."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import jsonschema
import pytest
import yaml
from click.testing import CliRunner

from cli import main
from model.finance.presets import preset, preset_paths
from model.loading import Loaded, load
from model.problems import BadInput, Problem
from model.runfolder import resolved_yaml
from model.schema import scenario_schema

# The starter with one of each: two accounts, a grant, a fee, a contract of most kinds.
MONEY = """\
extends: starter.yaml
name: starter_with_money
parties:
  medicaid_plan:
    rates: {reset_after: 24}
  state: {name: The state, kind: government, perspective: state}
segments:
  medicaid_adults:
    financed_by: {state: 0.4, county: 0.6}
financing:
  discount_rate: 0.03
  accounts:
    network:
      opening: 50000
      minimum_core: 1
      credit: {lender: county, limit: 10000, interest: 0.08}
      rescue: {rescuer: state, most: 5000}
    health_department: {opening: 1000, minimum_core: 0}
  posts:
    director:
      name: Director
      posts: 1
      cost: 9000
      activities: {mobilise_funding: 1}
      time_to_hire: 3
      turnover: 0.02
    nurse:
      name: Nurse
      account: health_department
      posts: 1
      cost: 8000
      activities: {support_aligned_activities: 1}
      time_to_hire: 3
      turnover: 0.02
      start: 2025-03
      end: 2028-03
  costs:
    rent:
      name: Rent
      amount: 900
      activity: guide_vision_and_strategy
      start: 2025-01
      end: 2027-01
  dues:
    members:
      name: Members
      payer: hospital
      members: 20
      amount: 500
      start: 2025-01
      end: 2029-01
      renewal: 0.9
  fees:
    training:
      name: Training
      payer: hospital
      unit: day
      price: 800
      demand: 2
      hours: 12
      delivered_by: [director]
      billable: 60
      start: 2025-04
      end: 2029-04
  grants:
    federal:
      name: Federal grant
      payer: county
      amount: 20000
      start: 2025-01
      end: 2026-12
      restricted_to: [posts.director, costs.rent, interventions.health_workers]
  hard_wiring:
    move:
      name: The director moves
      partner: hospital
      moves: posts.director
      date: 2028-01
  loans:
    bridge:
      name: Bridge
      lender: state
      amount: 10000
      date: 2026-06
      months: 12
      interest: 0.05
  contracts:
    medicaid:
      name: With the plan
      payer: medicaid_plan
      payee: network
      terms: one_sided_half
      start: 2026-01
      years: 3
      covers: {segments: [medicaid_adults], carved_out: [jail_day]}
      benchmark: {method: trend, trend: 0.04}
    outcomes:
      name: For outcomes
      payer: county
      payee: network
      start: 2026-01
      years: 3
      covers: {segments: [medicaid_adults]}
      measures:
        jail_days: {service: jail_day}
        months: {intervention: health_workers, counted_in: person_months}
      cases: health_workers
      pays_into: workers
      benchmark: {method: comparison_group}
      terms:
        name: ours
        title: Outcomes, cases, a withhold and capture
        source: a letter
        case_rate: 100
        distribution: {network: 0.5, hospital: 0.5}
        outcomes:
          metrics:
            jail_days: {unit: point, bands: [{lower: 0, upper: 0.3, per_point: 1000}]}
            months: {unit: month, price: 50}
    hospital:
      name: Withhold
      payer: medicaid_plan
      payee: hospital
      terms:
        name: withhold
        title: Withhold
        source: a letter
        withhold:
          withheld_from: payment to the hospital
          rate: 0.1
          forfeit_released: 0.5
          others: {health_department: 1}
      start: 2026-01
      years: 3
      covers: {segments: [medicaid_adults]}
  reinvestment:
    workers:
      name: More health workers
      intervention: health_workers
      desired_posts: 2
"""
CAPTURE = "        capture: {share: 0.5, full_until: 6, none_from: 15}\n"
TERMS = "financing.contracts.medicaid.terms"
SHARING = f"{TERMS}.shared_savings.sharing_rate"

# Capture is measured on the payer's cost: the county has no other care.
WHOLE = MONEY.replace(
    "covers: {segments: [medicaid_adults]}\n      measures",
    "covers: {segments: [medicaid_adults], other_care: false}\n      measures",
).replace("        case_rate: 100\n", f"        case_rate: 100\n{CAPTURE}")


def write(folder: Path, text: str, name: str = "mine.yaml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def changed(old: str, new: str, text: str = WHOLE) -> str:
    assert text.count(old) == 1, f"{text.count(old)} times: {old}"
    return text.replace(old, new)


def refused(action: Callable[[], object]) -> tuple[Problem, ...]:
    with pytest.raises(BadInput) as raised:
        action()
    return raised.value.problems


def refusal(folder: Path, text: str, *settings: str) -> Problem:
    (problem,) = refused(lambda: load(write(folder, text), settings))
    return problem


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def central(loaded: Loaded, name: str) -> float:
    return loaded.parameters[name].central


def terms_of(loaded: Loaded, name: str = "medicaid") -> object:
    assert loaded.scenario.financing is not None
    return loaded.scenario.financing.contracts[name].terms


def test_the_whole_of_it_loads(tmp_path: Path) -> None:
    """Every number of financing has a dotted name, those of the terms among them."""
    loaded = load(write(tmp_path, WHOLE))
    assert central(loaded, "financing.accounts.network.credit.limit") == 10_000
    assert central(loaded, "financing.contracts.outcomes.terms.capture.share") == 0.5
    assert central(loaded, SHARING) == 0.5


# --- terms by reference


def terms(changes: str) -> str:
    return changed("terms: one_sided_half", f"terms: {changes}")


def test_a_name_stands_for_the_whole_shipped_contract(tmp_path: Path) -> None:
    """Less whom it is between, which the scenario says."""
    for name in preset_paths():
        if name == "central_oregon_withhold":
            continue  # its parties are not here
        text = terms(name)
        if name == "denver_supportive_housing":
            metrics = "{housing_days: {service: jail_day}, jail_days: {service: jail_day}}"
            text = text.replace(f"terms: {name}", f"terms: {name}\n      measures: {metrics}")
        found = terms_of(load(write(tmp_path, text)))
        expected = preset(name).in_year(2026)
        dropped = {"payer": None, "payee": None, "tracks": (), "amendments": ()}
        assert found == expected.model_copy(update=dropped)


def test_numbers_of_a_preset_have_the_place_where_they_are_written(tmp_path: Path) -> None:
    document = load(write(tmp_path, WHOLE)).document
    location = tuple(SHARING.split("."))
    mark, text = document.mark(location), preset_paths()["one_sided_half"].read_text("utf-8")
    assert mark.file == str(preset_paths()["one_sided_half"])
    assert mark.line == line_of(text, "sharing_rate:")
    assert Path(document.mark(location[:4]).file).name == "mine.yaml"


def test_a_mapping_says_what_differs(tmp_path: Path) -> None:
    """Mappings merge, lists replace, null deletes; a number may be a distribution."""
    half = "{uniform: {low: 0.4, high: 0.6}, value: null, source: null}"
    text = terms(
        "{extends: mssp_basic_e, shared_savings: {loss: null, minimum_rate: {elected: [0.01]}, "
        f"sharing_rate: {half}}}}}"
    )
    path = write(tmp_path, text)
    loaded = load(path)
    assert SHARING in loaded.uncertain
    found = terms_of(loaded).shared_savings  # type: ignore[attr-defined]
    assert found.loss is None
    assert [rate.central for rate in found.minimum_rate.elected] == [0.01]
    assert len(found.minimum_rate.scale) == 13
    mark = loaded.document.mark((*SHARING.split("."), "uniform"))
    assert (mark.file, mark.line) == (str(path), line_of(text, "terms: {extends"))


def test_a_file_beside_the_scenario_may_be_extended(tmp_path: Path) -> None:
    own = "extends: one_sided_half.yaml\nname: own\nshared_savings: {sharing_rate: 0.3}\n"
    write(tmp_path, own, "my_terms.yaml")
    for said in ("my_terms.yaml", "{extends: my_terms.yaml}"):
        loaded = load(write(tmp_path, terms(said)))
        assert central(loaded, SHARING) == 0.3
        mark = loaded.document.mark(tuple(SHARING.split(".")))
        assert (Path(mark.file).name, mark.line) == ("my_terms.yaml", 3)


def test_a_mistake_in_a_file_of_terms_is_told_there(tmp_path: Path) -> None:
    write(tmp_path, "extends: one_sided_half.yaml\nshared_savings: {sharing_rat: 1}\n", "own.yaml")
    problem = refusal(tmp_path, terms("own.yaml"))
    assert (Path(problem.mark.file).name, problem.mark.line) == ("own.yaml", 2)
    assert problem.key == f"{TERMS}.shared_savings.sharing_rat"
    assert problem.nearest == "sharing_rate"


@pytest.mark.parametrize(
    ("said", "key", "found", "allowed", "near"),
    [
        ("one_sided_haf", "", "no shipped contract", "mssp_basic_a", "one_sided_half"),
        ("{extends: mssp_basic_ee}", ".extends", "no shipped", "or a file", "mssp_basic_e"),
        ("my_term.yaml", "", "which is not there", "a file in", "my_terms.yaml"),
        ("{extends: ../my_terms.yaml}", ".extends", "'../my_terms.yaml'", "without folders", ""),
        ("{extends: /etc/terms.yaml}", ".extends", "'/etc/terms.yaml'", "without folders", ""),
        ("{extends: 3}", ".extends", "3 (a number)", "the name of a file", ""),
        ("12", "", "12 (a number)", "a shipped contract", ""),
        ("[one_sided_half]", "", "(a list)", "a shipped contract", ""),
        ("link.yaml", "", "leads outside", "a file inside", ""),
        (
            "{extends: one_sided_half, shared_savings: {los: null}}",
            ".shared_savings.los",
            "not there to delete",
            "null for a key",
            "",
        ),
        (
            "{extends: one_sided_half, shared_savings: {sharing_rte: 0.4}}",
            ".shared_savings.sharing_rte",
            "unknown key",
            "sharing_rate",
            "sharing_rate",
        ),
        (
            "{extends: one_sided_half, shared_savings: {sharing_rate: 40}}",
            ".shared_savings.sharing_rate",
            "40",
            "a share",
            "",
        ),
    ],
)
def test_wrong_terms_are_told_at_their_line(
    tmp_path: Path, said: str, key: str, found: str, allowed: str, near: str
) -> None:
    folder = tmp_path / "here"
    folder.mkdir()
    write(folder, "extends: one_sided_half.yaml\n", "my_terms.yaml")
    (folder / "link.yaml").symlink_to(write(tmp_path, "name: outside\n", "outside.yaml"))
    text = terms(said)
    problem = refusal(folder, text)
    assert problem.mark.line == line_of(text, f"terms: {said}")
    assert problem.key == TERMS + key
    assert found in problem.found
    assert allowed in problem.allowed
    assert problem.nearest == near


def test_all_wrong_terms_are_told_at_once(tmp_path: Path) -> None:
    text = changed(
        "terms:\n        name: withhold", "terms: nobody\n      wrong:", terms("nothing")
    )
    problems = refused(lambda: load(write(tmp_path, text)))
    assert [problem.key for problem in problems] == [TERMS, "financing.contracts.hospital.terms"]


def test_a_wrong_name_ends_the_command_with_2(tmp_path: Path) -> None:
    path = write(tmp_path, terms("one_sided_haf"))
    done = CliRunner().invoke(main, ["check", str(path)])
    assert done.exit_code == 2
    assert "did you mean `one_sided_half`?" in done.output


# --- amendments


def year(start: str, said: str) -> str:
    old = "terms: one_sided_half\n      start: 2026-01"
    new = f"terms: {said}\n      start: {start}"
    return changed(old, new, f"clock: {{start: 2018-01}}\n{WHOLE}")


@pytest.mark.parametrize(("start", "share"), [("2018-05", 0.02), ("2020-12", 0), ("2021-01", 0.02)])
def test_amendments_of_the_year_in_which_a_contract_starts_hold(
    tmp_path: Path, start: str, share: float
) -> None:
    loaded = load(write(tmp_path, year(start, "mssp_track_1")))
    assert central(loaded, f"{TERMS}.shared_savings.sequestration") == share
    assert terms_of(loaded) == preset("mssp_track_1").in_year(int(start[:4])).model_copy(
        update={"payer": None, "payee": None, "tracks": (), "amendments": ()}
    )


def test_a_setting_may_move_the_start_to_another_year(tmp_path: Path) -> None:
    path = write(tmp_path, year("2018-01", "mssp_track_1"))
    sequestration = f"{TERMS}.shared_savings.sequestration"
    moved = "financing.contracts.medicaid.start=2019-02"
    assert central(load(path, [moved]), sequestration) == 0
    for settings in ([moved, f"{sequestration}=0.01"], [f"{sequestration}=0.01", moved]):
        assert central(load(path, settings), sequestration) == 0.01


def test_what_a_scenario_says_goes_before_a_presets_amendments(tmp_path: Path) -> None:
    said = "{extends: mssp_track_1, shared_savings: {sequestration: 0.03}}"
    loaded = load(write(tmp_path, year("2020-01", said)))
    assert central(loaded, f"{TERMS}.shared_savings.sequestration") == 0.03


def test_a_scenario_may_amend_its_terms_itself(tmp_path: Path) -> None:
    """Its list replaces that of the preset."""
    changes = "{shared_savings: {sharing_rate: 0.2}}"
    said = (
        f"{{extends: mssp_track_1, amendments: [{{since: 2020, source: x, changes: {changes}}}]}}"
    )
    for start, share in (("2019-01", 0.5), ("2020-01", 0.2)):
        loaded = load(write(tmp_path, year(start, said)))
        assert central(loaded, SHARING) == share
        assert central(loaded, f"{TERMS}.shared_savings.sequestration") == 0.02


@pytest.mark.parametrize(
    ("amendment", "key"),
    [
        ("{since: soon, source: x, changes: {}}", ".amendments[0].since"),
        ("{since: 2019, source: x, changes: {nothing: null}}", ".nothing"),
    ],
)
def test_a_wrong_amendment_is_told(tmp_path: Path, amendment: str, key: str) -> None:
    said = f"{{extends: one_sided_half, amendments: [{amendment}]}}"
    problem = refusal(tmp_path, year("2020-01", said))
    assert problem.key == TERMS + key


# --- what-if scenarios and settings


def test_a_what_if_changes_one_number_of_its_parents_terms(tmp_path: Path) -> None:
    write(tmp_path, WHOLE)
    said = "{financing: {contracts: {medicaid: {terms: {shared_savings: {sharing_rate: 0.6}}}}}}"
    path = write(tmp_path, f"extends: mine.yaml\n{said[1:-1]}\n", "what_if.yaml")
    loaded = load(path)
    assert central(loaded, SHARING) == 0.6
    assert central(loaded, f"{TERMS}.shared_savings.minimum_rate.fixed") == 0.02
    assert loaded.document.mark(tuple(SHARING.split("."))).file == str(path)


def test_a_what_if_deletes_what_its_parent_takes_from_a_preset(tmp_path: Path) -> None:
    write(tmp_path, terms("mssp_basic_e"))
    said = "{terms: {shared_savings: {loss: null}}}"
    text = f"extends: mine.yaml\nfinancing: {{contracts: {{medicaid: {said}}}}}\n"
    found = terms_of(load(write(tmp_path, text, "what_if.yaml")))
    assert found.shared_savings.loss is None  # type: ignore[attr-defined]
    path = write(tmp_path, text.replace("loss", "los"), "what_if.yaml")
    (problem,) = refused(lambda: load(path))
    assert (problem.key, problem.mark.line) == (f"{TERMS}.shared_savings.los", 2)
    assert problem.nearest == "loss"


def test_a_what_if_moves_the_start_to_another_year(tmp_path: Path) -> None:
    write(tmp_path, year("2018-01", "mssp_track_1"))
    text = "extends: mine.yaml\nfinancing: {contracts: {medicaid: {start: 2020-01}}}\n"
    loaded = load(write(tmp_path, text, "what_if.yaml"))
    assert central(loaded, f"{TERMS}.shared_savings.sequestration") == 0


@pytest.mark.parametrize("said", ["mssp_track_1", "{extends: mssp_track_1}"])
def test_terms_that_a_what_if_names_leave_nothing_of_its_parents(tmp_path: Path, said: str) -> None:
    write(tmp_path, terms("{extends: one_sided_half, capitation_share: 0.1}"))
    text = f"extends: mine.yaml\nfinancing: {{contracts: {{medicaid: {{terms: {said}}}}}}}\n"
    found = terms_of(load(write(tmp_path, text, "what_if.yaml")))
    assert found.capitation_share is None  # type: ignore[attr-defined]
    assert found.name == "mssp_track_1"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("setting", "name", "value"),
    [
        (f"{SHARING}=0.6", SHARING, 0.6),
        (f"{TERMS}.shared_savings.minimum_rate.fixed.value=0.03", None, 0.03),
        (f"{TERMS}=mssp_basic_a", SHARING, 0.4),
        (f"{TERMS}={{extends: mssp_basic_a, shared_savings: {{sharing_rate: 0.1}}}}", SHARING, 0.1),
    ],
)
def test_a_setting_reaches_into_a_preset(
    tmp_path: Path, setting: str, name: str | None, value: float
) -> None:
    found = load(write(tmp_path, WHOLE), [setting])
    assert central(found, name or f"{TERMS}.shared_savings.minimum_rate.fixed") == value


def test_settings_reach_into_lists_and_delete(tmp_path: Path) -> None:
    path = write(tmp_path, terms("mssp_track_1"))
    rate = f"{TERMS}.shared_savings.minimum_rate.scale[0].rate_at_lower"
    settings = [f"{rate}=0.2", f"{TERMS}.shared_savings.payment_limit=null"]
    loaded = load(path, settings)
    assert central(loaded, rate) == 0.2
    assert terms_of(loaded).shared_savings.payment_limit is None  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("setting", "key", "found", "near"),
    [
        (f"{TERMS}=one_sided", TERMS, "no shipped contract", "one_sided_half"),
        (f"{TERMS}.extends=mssp_basic_a", f"{TERMS}.extends", "`extends` alone", ""),
        (f"{SHARING}=40", SHARING, "40", ""),
        (f"{TERMS}.shared_savings.shoring_rate=1", None, "unknown key", "sharing_rate"),
        ("financing.contracts.medicad.years=2", None, "which is not there", "medicaid"),
        ("financing.posts.directr.posts=2", None, "which is not there", "director"),
    ],
)
def test_a_wrong_setting_is_told(
    tmp_path: Path, setting: str, key: str | None, found: str, near: str
) -> None:
    problem = refusal(tmp_path, WHOLE, setting)
    assert problem.mark.file.startswith("--set financing")
    assert found in problem.found
    assert problem.nearest == near
    assert key in (None, problem.key)


def test_the_resolved_scenario_runs_by_itself(tmp_path: Path) -> None:
    loaded = load(write(tmp_path, terms("mssp_basic_e")), [f"{SHARING}=0.45"])
    again = load(write(tmp_path, resolved_yaml(loaded), "resolved.yaml"))
    assert again.parameters == loaded.parameters
    assert again.scenario == loaded.scenario
    text = json.dumps(again.document.data["financing"])
    assert "extends" not in text
    assert "amendments" not in text


def test_editors_take_terms_by_name() -> None:
    """The JSON Schema allows what the loader allows."""
    for said in ("one_sided_half", "{extends: own.yaml, shared_savings: {sharing_rate: 0.4}}"):
        jsonschema.validate(yaml.safe_load(terms(said)), scenario_schema())
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(yaml.safe_load(terms("{extend: own.yaml}")), scenario_schema())


# --- names


@pytest.mark.parametrize(
    ("old", "new", "key", "near"),
    [
        ("{state: 0.4,", "{stat: 0.4,", "segments.medicaid_adults.financed_by.stat", "state"),
        ("    network:\n", "    netwrk:\n", "accounts.netwrk", "network"),
        ("lender: county", "lender: conty", "accounts.network.credit.lender", "county"),
        ("rescuer: state", "rescuer: stat", "accounts.network.rescue.rescuer", "state"),
        (
            "account: health_department",
            "account: health_departmen",
            "posts.nurse.account",
            "health_department",
        ),
        (
            "payer: hospital\n      mem",
            "payer: hospitl\n      mem",
            "dues.members.payer",
            "hospital",
        ),
        (
            "payer: hospital\n      uni",
            "payer: hospitl\n      uni",
            "fees.training.payer",
            "hospital",
        ),
        ("[director]", "[directr]", "fees.training.delivered_by[0]", "director"),
        ("payer: county\n      am", "payer: conty\n      am", "grants.federal.payer", "county"),
        (
            "[posts.director, costs.rent",
            "[posts.director, costs.rnt",
            "grants.federal.restricted_to[1]",
            "costs.rent",
        ),
        (
            "interventions.health_workers]",
            "interventions.health_worker]",
            "grants.federal.restricted_to[2]",
            "interventions.health_workers",
        ),
        ("partner: hospital", "partner: hospitl", "hard_wiring.move.partner", "hospital"),
        (
            "moves: posts.director",
            "moves: post.director",
            "hard_wiring.move.moves",
            "posts.director",
        ),
        ("lender: state", "lender: stat", "loans.bridge.lender", "state"),
        (
            "payer: medicaid_plan\n      payee: network",
            "payer: medicad_plan\n      payee: network",
            "contracts.medicaid.payer",
            "medicaid_plan",
        ),
        ("payee: hospital", "payee: hospitals", "contracts.hospital.payee", "hospital"),
        (
            "[medicaid_adults], carved",
            "[medicaid_adult], carved",
            "contracts.medicaid.covers.segments[0]",
            "medicaid_adults",
        ),
        ("[jail_day]", "[jal_day]", "contracts.medicaid.covers.carved_out[0]", "jail_day"),
        (
            "cases: health_workers",
            "cases: health_worker",
            "contracts.outcomes.cases",
            "health_workers",
        ),
        ("pays_into: workers", "pays_into: worker", "contracts.outcomes.pays_into", "workers"),
        (
            "{service: jail_day}",
            "{service: jal_day}",
            "contracts.outcomes.measures.jail_days.service",
            "jail_day",
        ),
        (
            "{intervention: health_workers,",
            "{intervention: health_worker,",
            "contracts.outcomes.measures.months.intervention",
            "health_workers",
        ),
        (
            "{network: 0.5, hospital: 0.5}",
            "{network: 0.5, hospitl: 0.5}",
            "contracts.outcomes.terms.distribution.hospitl",
            "hospital",
        ),
        (
            "others: {health_department: 1}",
            "others: {health_departmen: 1}",
            "contracts.hospital.terms.withhold.others.health_departmen",
            "health_department",
        ),
        (
            "intervention: health_workers\n      desired",
            "intervention: health_worker\n      desired",
            "reinvestment.workers.intervention",
            "health_workers",
        ),
    ],
)
def test_an_unknown_name_is_told(tmp_path: Path, old: str, new: str, key: str, near: str) -> None:
    text = changed(old, new)
    problem = refusal(tmp_path, text)
    assert problem.mark.line == line_of(text, new)
    assert problem.key == (key if key.startswith("segments") else f"financing.{key}")
    assert "one of: " in problem.allowed
    assert near in problem.allowed
    assert problem.nearest == near


def test_a_measure_has_the_name_of_a_metric(tmp_path: Path) -> None:
    text = changed("        months: {inter", "        month: {inter")
    problem = refusal(tmp_path, text)
    assert problem.key == "financing.contracts.outcomes.measures.month"
    assert (problem.mark.line, problem.nearest) == (line_of(text, "month: {inter"), "months")


def test_an_account_is_that_of_a_party_that_has_one(tmp_path: Path) -> None:
    text = changed("account: health_department", "account: hospital")
    problem = refusal(tmp_path, text)
    assert problem.mark.line == line_of(text, "account: hospital")
    assert problem.allowed == "a party with an account, one of: network, health_department"


def test_names_in_a_presets_terms_are_told_in_the_preset(tmp_path: Path) -> None:
    """The parties of Central Oregon are not those of this scenario."""
    problems = refused(lambda: load(write(tmp_path, terms("central_oregon_withhold"))))
    assert {Path(problem.mark.file).name for problem in problems} == {
        "central_oregon_withhold.yaml"
    }
    assert f"{TERMS}.withhold.others.council" in [problem.key for problem in problems]


def test_names_and_numbers_that_are_wrong_are_told_together(tmp_path: Path) -> None:
    text = changed("partner: hospital", "partner: nobody", changed("months: 12", "months: -1"))
    keys = [problem.key for problem in refused(lambda: load(write(tmp_path, text)))]
    assert keys == ["financing.hard_wiring.move.partner", "financing.loans.bridge.months"]


# --- parts that fit together

OUTCOMES = "financing.contracts.outcomes"
WITHHOLD = "financing.contracts.hospital"
MEDICAID = "financing.contracts.medicaid"


@pytest.mark.parametrize(
    ("old", "new", "at", "key", "found", "allowed"),
    [
        # dates
        ("end: 2028-03", "end: 2025-02", "", "financing.posts.nurse.end", "2025-02", "2025-03"),
        ("end: 2027-01", "end: 2024-12", "", "financing.costs.rent.end", "2024-12", "2025-01"),
        ("end: 2029-01", "end: 2024-12", "", "financing.dues.members.end", "2024-12", "2025-01"),
        ("end: 2029-04", "end: 2025-03", "", "financing.fees.training.end", "2025-03", "2025-04"),
        (
            "date: 2028-01",
            "date: 2030-01",
            "",
            "financing.hard_wiring.move.date",
            "2030",
            "2029-12",
        ),
        ("date: 2026-06", "date: 2024-12", "", "financing.loans.bridge.date", "2024", "2025-01"),
        (
            "terms: one_sided_half\n      start: 2026-01",
            "terms: one_sided_half\n      start: 2030-01",
            "start: 2030-01",
            f"{MEDICAID}.start",
            "2030-01",
            "2025-01 to 2029-12",
        ),
        # who pays the rates
        (
            "{state: 0.4, county: 0.6}",
            "{state: 0.4, county: 0.5}",
            "",
            "segments.medicaid_adults.financed_by",
            "0.9 in all",
            "adding up to 1",
        ),
        (
            "    financed_by: {state: 0.4, county: 0.6}\n",
            "    group: adults\n",
            "  medicaid_adults:",
            "segments.medicaid_adults.financed_by",
            "no financed_by, and the rates of medicaid_plan",
            "who pays the rates",
        ),
        # accounts
        (
            "restricted_to: [posts.director,",
            "restricted_to: [posts.nurse,",
            "",
            "financing.grants.federal.restricted_to[0]",
            "`posts.nurse`, which the account of network does not pay",
            "posts.director, costs.rent, interventions.health_workers",
        ),
        (
            "[director]",
            "[director, nurse]",
            "",
            "financing.fees.training.delivered_by[1]",
            "`nurse`, which the account of network",
            "director",
        ),
        (
            "moves: posts.director",
            "moves: posts.nurse",
            "",
            "financing.hard_wiring.move.moves",
            "`posts.nurse`, which the account of network",
            "posts.director, costs.rent",
        ),
        # contracts
        (
            "[medicaid_adults], carved",
            "[employed_adults], carved",
            "",
            f"{MEDICAID}.covers.segments",
            "medicaid_plan, the payer, pays nothing",
            "medicaid_adults",
        ),
        (
            "      benchmark: {method: trend, trend: 0.04}\n",
            "",
            "    medicaid:",
            f"{MEDICAID}.benchmark",
            "no benchmark",
            "how savings are measured",
        ),
        (
            "[medicaid_adults], other_care: false}",
            "[medicaid_adults]}",
            "payer: county\n      payee",
            f"{OUTCOMES}.payer",
            "county, whose other_care is not given",
            "parties.county.other_care",
        ),
        (
            "      benchmark: {method: comparison_group}\n",
            "",
            "    outcomes:",
            f"{OUTCOMES}.benchmark",
            "no benchmark",
            "method",
        ),
        (
            "        months: {intervention: health_workers, counted_in: person_months}\n",
            "",
            "      measures:",
            f"{OUTCOMES}.measures",
            "no measure for months",
            "months: {service: ...}",
        ),
        (
            "jail_days: {service: jail_day}",
            "jail_days: {intervention: health_workers, counted_in: enrollments}",
            "",
            f"{OUTCOMES}.measures.jail_days",
            "paid by bands",
            "a service, whose use is reduced",
        ),
        (
            "      cases: health_workers\n",
            "",
            "    outcomes:",
            f"{OUTCOMES}.cases",
            "nothing",
            "terms.case_rate",
        ),
        (
            "        case_rate: 100\n",
            "",
            "cases: health_workers",
            f"{OUTCOMES}.cases",
            "without case_rate",
            "or no `cases`",
        ),
        (
            "      pays_into: workers\n",
            "",
            "    outcomes:",
            f"{OUTCOMES}.pays_into",
            "nothing",
            "terms.capture",
        ),
        (
            CAPTURE,
            "",
            "pays_into:",
            f"{OUTCOMES}.pays_into",
            "without capture",
            "or no `pays_into`",
        ),
        (
            "payee: hospital",
            "payee: health_department",
            "",
            f"{WITHHOLD}.payee",
            "health_department, who provides nothing that medicaid_plan pays for",
            "one of: hospital",
        ),
    ],
)
def test_parts_that_do_not_fit_are_told(
    tmp_path: Path, old: str, new: str, at: str, key: str, found: str, allowed: str
) -> None:
    text = changed(old, new)
    problem = refusal(tmp_path, text)
    assert problem.key == key
    assert problem.mark.line == line_of(text, at or new)
    assert found in problem.found
    assert allowed in problem.allowed


def test_the_backbone_has_an_account_where_it_is_meant(tmp_path: Path) -> None:
    """Told once, not at every line that leaves `account` out."""
    start, end = WHOLE.index("    network:\n"), WHOLE.index("    health_department: {")
    path = write(tmp_path, WHOLE[:start] + WHOLE[end:])
    problems = [p for p in refused(lambda: load(path)) if p.key.endswith("account")]
    assert [problem.key for problem in problems] == ["financing.posts.director.account"]
    assert "network, the backbone, has none" in problems[0].found
    assert "one of health_department" in problems[0].allowed


def test_an_intervention_is_paid_by_its_funder_or_by_reinvestment(tmp_path: Path) -> None:
    funded = "interventions: {health_workers: {funded_by: network}}\n"
    alone = changed("    workers:\n", "    others:\n      account: health_department\n")
    alone = changed("pays_into: workers", "pays_into: others", alone)
    problem = refusal(tmp_path, alone)
    assert problem.key == "financing.grants.federal.restricted_to[2]"
    assert load(write(tmp_path, alone + funded))


def test_a_scale_by_members_has_no_distribution(tmp_path: Path) -> None:
    rate = f"{TERMS}.shared_savings.minimum_rate.scale[0].rate_at_lower"
    problem = refusal(tmp_path, terms("mssp_track_1"), f"{rate}={{uniform: {{low: 0, high: 0.1}}}}")
    assert problem.key == rate
    assert (problem.found, problem.allowed) == (
        "a distribution",
        "a number: the scale is fixed",
    )


def test_a_minimum_that_is_fixed_may_be_uncertain(tmp_path: Path) -> None:
    fixed = f"{TERMS}.shared_savings.minimum_rate.fixed"
    loaded = load(write(tmp_path, WHOLE), [f"{fixed}={{uniform: {{low: 0, high: 0.02}}}}"])
    assert fixed in loaded.uncertain


def test_anybody_may_pay_for_outcomes_and_cases(tmp_path: Path) -> None:
    """A payer that bears none of the care may buy an outcome, but shares no savings."""
    anybody = changed(CAPTURE, "", changed("      pays_into: workers\n", ""))
    assert load(
        write(tmp_path, changed("payer: county\n      payee", "payer: state\n      payee", anybody))
    )
    with_capture = changed("payer: county\n      payee", "payer: state\n      payee")
    keys = {problem.key for problem in refused(lambda: load(write(tmp_path, with_capture)))}
    assert f"{OUTCOMES}.covers.segments" in keys


def test_a_saving_is_not_both_shared_and_captured(tmp_path: Path) -> None:
    """Shared savings beside capture would pay for one saving twice; each alone is accepted."""
    both = changed(CAPTURE, f"{CAPTURE}        shared_savings: {{sharing_rate: 0.5}}\n")
    problem = refusal(tmp_path, both)
    assert problem.key == f"{OUTCOMES}.terms.capture"
    assert problem.mark.line == line_of(both, CAPTURE)
    assert "both pay for the same saving" in problem.found
    assert "one of the two" in problem.allowed
    alone = changed(CAPTURE, "        shared_savings: {sharing_rate: 0.5}\n")
    assert load(write(tmp_path, changed("      pays_into: workers\n", "", alone)))


def test_a_fee_or_a_capitation_share_needs_nothing_beside_it(tmp_path: Path) -> None:
    for clause in ("capitation_share: 0.02", "member_fee: {per_member_month: 3}"):
        own = f"{{name: own, title: Own, source: a letter, {clause}}}"
        text = changed("      benchmark: {method: trend, trend: 0.04}\n", "", terms(own))
        assert load(write(tmp_path, text))


def test_a_scenario_without_financing_stays_valid(tmp_path: Path) -> None:
    assert load(write(tmp_path, "extends: starter.yaml\n")).scenario.financing is None
    problem = refusal(tmp_path, "extends: starter.yaml\n", "financing.contracts.x.years=2")
    assert "which is not there" in problem.found
