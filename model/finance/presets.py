"""Contract files: read, amended by year, and found by name or by the track of a public file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from model.explain import problem_at, problems_of
from model.problems import BadInput, Problem, nearest
from model.terms import Amendment, Contract, uncertain
from model.yamlfile import Document, overlay, part_at, read_chain, without

SHIPPED = Path(__file__).resolve().parents[2] / "scenarios" / "contracts"
SCHEMA_FILE = SHIPPED.parent / "schema" / "contract.schema.json"
_AMENDMENTS: TypeAdapter[tuple[Amendment, ...]] = TypeAdapter(tuple[Amendment, ...])


@dataclass(frozen=True)
class Terms:
    """One contract file: its text, the contract as written, and as amended in each period."""

    document: Document
    contract: Contract
    _amended: dict[tuple[int, ...], Contract] = field(default_factory=dict)

    def in_year(self, year: int | None) -> Contract:
        """The contract with the amendments that hold in a year; None: as written."""
        return self._amended[_holding(self.contract.amendments, year)]


def load(path: Path) -> Terms:
    """The terms in a file, amended versions checked too; BadInput tells all problems."""
    return _terms(read_chain(path, SHIPPED))


def load_fixed(path: Path) -> Terms:
    """Terms to settle by: numbers, no distributions."""
    terms = load(path)
    allowed = "a number: a settlement has no uncertainty"
    problems = [
        problem_at(terms.document, at, "a distribution", allowed)
        for contract in terms._amended.values()
        for at in uncertain(contract)
    ]
    if problems:
        raise BadInput(problems)
    return terms


@cache
def preset(name: str) -> Terms:
    """A shipped contract by its name, as in `mssp_basic_e`."""
    return load_fixed(preset_paths()[name])


def preset_paths() -> dict[str, Path]:
    return {path.stem: path for path in sorted(SHIPPED.glob("*.yaml"))}


@cache
def tracks() -> dict[str, str]:
    """Name of the shipped contract by its tracks' names, in capitals."""
    contracts = {name: preset(name).contract for name in preset_paths()}
    return {track.upper(): name for name, c in contracts.items() for track in c.tracks}


def nearest_track(track: str) -> str:
    return nearest(track, tracks())


def contract_schema_text() -> str:
    """The JSON Schema of contract files, as shipped."""
    schema = Contract.model_json_schema()
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Headwater contract"
    schema["properties"]["extends"] = {
        "type": "string",
        "description": "the contract whose terms stand where this one is silent",
    }
    schema["if"] = {"not": {"required": ["extends"]}}
    schema["then"] = {"required": schema.pop("required")}
    for part in schema["$defs"].values():
        part.pop("required", None)
    return json.dumps(schema, indent=1, ensure_ascii=False) + "\n"


# --- amendments


def amended(document: Document, year: int | None) -> Document:
    """Terms as they hold in a year, without their list of amendments; None: as written.

    A list that is not valid stays, for the schema to tell what is wrong with it.
    """
    try:
        amendments = _AMENDMENTS.validate_python(document.data.get("amendments", ()))
    except ValidationError:
        return document
    return without(_amended(document, _holding(amendments, year)), "amendments")


def _terms(document: Document) -> Terms:
    written = _contract(document)
    versions: dict[tuple[int, ...], Contract] = {}
    problems: list[Problem] = []
    for year in (None, *_years_of_change(written)):
        holding = _holding(written.amendments, year)
        try:
            versions.setdefault(holding, _contract(_amended(document, holding)))
        except BadInput as error:
            problems += error.problems
    if problems:
        raise BadInput(problems)
    return Terms(document, written, versions)


def _contract(document: Document) -> Contract:
    try:
        return Contract.model_validate(document.data)
    except ValidationError as error:
        raise BadInput(problems_of(error, document, Contract)) from None


def _years_of_change(contract: Contract) -> list[int]:
    """A year in each period; before the first amendment nothing is amended."""
    starts = {amendment.since for amendment in contract.amendments}
    ends = {a.through + 1 for a in contract.amendments if a.through is not None}
    return sorted(starts | ends)


def _holding(amendments: Sequence[Amendment], year: int | None) -> tuple[int, ...]:
    """Indices of the amendments that hold in a year."""
    if year is None:
        return ()
    return tuple(k for k, a in enumerate(amendments) if _holds(a, year))


def _holds(amendment: Amendment, year: int) -> bool:
    return amendment.since <= year and (amendment.through is None or year <= amendment.through)


def _amended(document: Document, holding: tuple[int, ...]) -> Document:
    for index in holding:
        document = overlay(document, part_at(document, ("amendments", index, "changes")))
    return document
