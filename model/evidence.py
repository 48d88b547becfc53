"""The evidence registry: published effects, unit costs, base rates and price indices.

Read from scenarios/evidence/*.yaml. Loading is lazy: a file is read when something in it is
first asked for.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import BaseModel, ValidationError

from . import yamlfile
from .evidence_records import (
    BaseRate,
    BaseRatesFile,
    Effect,
    EffectsFile,
    Finding,
    IndexYear,
    IndicesFile,
    PriceIndex,
    Rules,
    RulesFile,
    Status,
    Study,
    UnitCost,
    UnitCostsFile,
)
from .problems import BadInput

DEFAULT_FOLDER = Path(__file__).resolve().parent.parent / "scenarios" / "evidence"


class EvidenceError(ValueError):
    """What is wrong with a piece of evidence or its use, and what is allowed."""


class UnknownEvidence(EvidenceError, KeyError):
    """No such id; `nearest` holds the ids that look like it."""

    def __init__(self, name: str, known: Iterable[str], kind: str = "evidence") -> None:
        known = list(known)
        self.id, self.nearest, self.reach = name, nearest(name, known), reach(name, known)
        hint = f"; nearest: {', '.join(self.nearest)}" if self.nearest else self.reach
        super().__init__(f"{name!r} is no {kind} in the registry{hint}")

    def __str__(self) -> str:
        return str(self.args[0])


def nearest(name: str, known: Iterable[str]) -> tuple[str, ...]:
    """Up to three known ids that look like `name`: E5 is read as E005, u009 as U009.

    None for an id beyond the last one of its letter: all would be far.
    """
    ids, text = list(known), name.strip().upper()
    if text[1:].isdecimal():
        text = f"{text[0]}{int(text[1:]):03d}"
        of_letter = [int(known_id[1:]) for known_id in ids if known_id[0] == text[0]]
        if text in ids:
            return (text,)
        if of_letter and int(text[1:]) > max(of_letter):
            return ()
    return tuple(difflib.get_close_matches(text, ids, n=3, cutoff=0.5))


def reach(name: str, known: Iterable[str]) -> str:
    """The first and last id of the letter that `name` has, and how to see them."""
    letter = name.strip().upper()[:1]
    ids = sorted(known_id for known_id in known if known_id.startswith(letter or "-"))
    if not ids:
        return ""
    shown = "lists them" if letter == "E" else "shows one"
    command = "headwater evidence" if letter == "E" else f"headwater evidence {ids[0]}"
    return f"; ids go from {ids[0]} to {ids[-1]}: `{command}` {shown}"


SCHEMAS: dict[str, type[BaseModel]] = {
    "effects.schema.json": EffectsFile,
    "unit_costs.schema.json": UnitCostsFile,
    "base_rates.schema.json": BaseRatesFile,
    "indices.schema.json": IndicesFile,
    "evidence_rules.schema.json": RulesFile,
}


def json_schemas() -> dict[str, dict[str, Any]]:
    """File name under scenarios/schema -> JSON Schema of that kind of registry file."""
    return {name: model.model_json_schema() for name, model in SCHEMAS.items()}


class Registry:
    """Everything under one evidence folder; each kind is read when first asked for."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    @cached_property
    def studies(self) -> Mapping[str, Study]:
        studies: dict[str, Study] = {}
        for path in sorted(self.folder.glob("effects*.yaml")):
            _add(studies, _load(path, EffectsFile).studies, path)
        for key, study in studies.items():
            _check_study(key, study, studies)
        return studies

    @cached_property
    def findings(self) -> Mapping[str, Finding]:
        findings: dict[str, Finding] = {}
        for key, study in self.studies.items():
            own = {name: _finding(name, effect, study) for name, effect in study.findings.items()}
            _add(findings, own, f"study {key}")
        return dict(sorted(findings.items()))

    @cached_property
    def unit_costs(self) -> Mapping[str, UnitCost]:
        return _load(self.folder / "unit_costs.yaml", UnitCostsFile).unit_costs

    @cached_property
    def base_rates(self) -> Mapping[str, BaseRate]:
        return _load(self.folder / "base_rates.yaml", BaseRatesFile).base_rates

    @cached_property
    def indices(self) -> Mapping[str, PriceIndex]:
        return _load(self.folder / "indices.yaml", IndicesFile).indices

    @cached_property
    def rules(self) -> Rules:
        return _load(self.folder / "rules.yaml", RulesFile).rules

    def finding(self, name: str) -> Finding:
        """The published effect E..."""
        if name in self.findings:
            return self.findings[name]
        raise UnknownEvidence(name, self.findings, "finding")

    def lookup(self, name: str) -> UnitCost | BaseRate:
        """The unit cost U... or base rate B..."""
        if name.startswith("U") and name in self.unit_costs:
            return self.unit_costs[name]
        if name in self.base_rates:
            return self.base_rates[name]
        raise UnknownEvidence(name, [*self.unit_costs, *self.base_rates], "unit cost or base rate")


@cache
def load_registry(folder: Path | None = None) -> Registry:
    """The registry in `folder`, or the one that ships with Headwater; the same object each time."""
    folder = folder or DEFAULT_FOLDER
    if not folder.is_dir():
        raise EvidenceError(f"{folder}: no such evidence folder")
    return Registry(folder)


class PriceChange(NamedTuple):
    """From one year's prices to another's: factor = to_value / from_value."""

    factor: float
    from_value: float
    to_value: float
    status: Status


def price_change(registry: Registry, index: str, from_year: int, to_year: int) -> PriceChange:
    """Price factor with the two index values; unverified if either of them is."""
    if index not in registry.indices:
        raise EvidenceError(f"price index {index!r}: unknown; known: {', '.join(registry.indices)}")
    years = registry.indices[index].years
    start, end = _year(index, years, from_year), _year(index, years, to_year)
    status: Status = "unverified" if "unverified" in {start.status, end.status} else "verified"
    return PriceChange(end.value / start.value, start.value, end.value, status)


def price_factor(registry: Registry, index: str, from_year: int, to_year: int) -> float:
    """What one dollar of `from_year` is in dollars of `to_year`."""
    return price_change(registry, index, from_year, to_year).factor


def _year(index: str, years: Mapping[int, IndexYear], year: int) -> IndexYear:
    if year in years:
        return years[year]
    have = f"{min(years)} to {max(years)}" if years else "no year"
    raise EvidenceError(f"price index {index}: no value for {year}; it has {have}")


def _finding(name: str, effect: Effect, study: Study) -> Finding:
    own = dict(effect)
    inherited = {
        "design_class": study.design_class,
        "basis": study.basis,
        "counted_from": study.counted_from,
        "follow_up_months": study.follow_up_months,
        "address": study.source.address,
    }
    own.update({key: value for key, value in inherited.items() if own[key] is None})
    return Finding(id=name, study=study, **own)


def _check_study(key: str, study: Study, studies: Mapping[str, Study]) -> None:
    for other in study.overlaps:
        if other not in studies:
            raise EvidenceError(f"study {key}: overlaps {other!r}, which is no study")
    if study.cost and study.cost.finding not in study.findings:
        raise EvidenceError(f"study {key}: its cost names {study.cost.finding}, not its own")


_T = TypeVar("_T")
_M = TypeVar("_M", bound=BaseModel)


def _add(all_: dict[str, _T], new: Mapping[str, _T], where: object) -> None:
    for name, value in new.items():
        if name in all_:
            raise EvidenceError(f"{where}: {name} is there twice; an id stands once")
        all_[name] = value


def _read(path: Path) -> Any:
    """The YAML document of one file: the single place that knows how it is read."""
    try:
        return yamlfile.read(path).data
    except BadInput as error:
        raise EvidenceError(str(error)) from error


def _load(path: Path, model: type[_M]) -> _M:
    """One registry file, checked."""
    try:
        return model.model_validate(_read(path))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise EvidenceError(f"{path.name}: {where}: {first['msg']}") from error
