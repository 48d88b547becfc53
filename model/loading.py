"""Loading: from a YAML file to a checked scenario with its evidence, or to one list of problems."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from .contract_files import Years, laid_over, start_years, with_terms
from .evidence import EvidenceError, Registry, UnknownEvidence, load_registry, price_factor
from .evidence_records import BaseRate, UnitCost
from .explain import problem_at, problems_of
from .money_fit import money_misfits
from .money_names import ACCOUNTED, MONEY, unknown_money_names
from .names import misfits, unknown_names
from .problems import BadInput, Location, Mark, Problem, dotted, nearest
from .quantity import FAMILIES, Parameter
from .scenario import Effect, Intervention, Scenario, parameters
from .synthesis import Synthesis, synthesise
from .yamlfile import Document, assign, chain, setting_mark

SHIPPED = Path(__file__).resolve().parent.parent / "scenarios"
NAMED = ("parties", "segments", "services", "interventions")
MONEY_NAMED = ("accounts", *ACCOUNTED)


@dataclass(frozen=True)
class Loaded:
    """A scenario ready to be sampled.

    parameters: dotted name -> number at the scenario's prices; effects: dotted name of an effect
    -> its predictive distribution. `document` is the merged file with registry values filled in.
    """

    scenario: Scenario
    document: Document
    parameters: dict[str, Parameter]
    effects: dict[str, Synthesis]

    @property
    def uncertain(self) -> list[str]:
        """Names of all that a draw may change, in the order of the file's schema."""
        names = [name for name, p in self.parameters.items() if p.uncertain]
        return names + list(self.effects)


def load(path: Path, settings: Iterable[str] = ()) -> Loaded:
    """The scenario in a file, with `dotted.path=value` settings; BadInput tells all problems."""
    _refuse_absent(path)
    return from_document(_changed(chain(path, SHIPPED), tuple(settings)))


def _changed(files: list[Document], settings: tuple[str, ...]) -> Document:
    """The merged files with settings; terms are those of the year in which a contract starts.

    A setting may move that year: then all is done again with the year that it gives.
    """
    years = start_years(*files)
    changed = _with_settings(files, settings, years)
    moved = start_years(changed)
    return changed if moved == years else _with_settings(files, settings, moved)


def _with_settings(files: list[Document], settings: tuple[str, ...], years: Years) -> Document:
    document = with_terms(laid_over(files, years), years)
    for setting in settings:
        _refuse_unnamed(document, setting)
        document = with_terms(assign(document, setting), years)
    return document


def _refuse_absent(path: Path) -> None:
    """Where no file is, the file of that name, or of a like one, in the folders of scenarios."""
    if not path.name or os.path.lexists(path) or "\0" in str(path):
        return
    folders = (path.parent, Path(), Path("scenarios"), SHIPPED)
    files = [file for folder in folders for file in sorted(folder.glob("*.yaml"))]
    by_stem = {file.stem: file for file in reversed(files)}
    near = by_stem.get(nearest(path.stem, by_stem), "")
    mark = Mark(str(path), 0, 0)
    raise BadInput([Problem(mark, "", "no such file", "an existing file", str(near))])


def _refuse_unnamed(document: Document, setting: str) -> None:
    """A setting inside a thing with a name, which is not there, is a slip."""
    above, name, *inside = _named_thing(setting.partition("=")[0].strip().split("."))
    things = document.data
    for part in above.split("."):
        things = things.get(part) if isinstance(things, dict) else None
    names = {} if things is None else things
    if not inside or not isinstance(names, dict) or name in names:
        return
    key, found = f"{above}.{name}", f"`{name}`, which is not there"
    allowed = f"one of: {', '.join(names) or '(none defined)'}"
    raise BadInput([Problem(setting_mark(setting), key, found, allowed, nearest(name, names))])


def _named_thing(path: list[str]) -> list[str]:
    """The mapping of named things that a setting goes through, the name, and the way on from it."""
    if path[0] == MONEY and len(path) > 2 and path[1] in MONEY_NAMED:
        return [f"{MONEY}.{path[1]}", *path[2:]]
    return path if path[0] in NAMED and len(path) > 1 else ["", ""]


def from_document(document: Document) -> Loaded:
    """The scenario of a merged document."""
    registry = load_registry()
    document, problems = with_references(with_terms(document), registry)
    problems += unknown_names(document, registry) + unknown_money_names(document)
    scenario: Scenario | None = None
    try:
        scenario = Scenario.model_validate(document.data)
    except ValidationError as error:
        problems += problems_of(error, document, Scenario)
    if problems or scenario is None:
        raise BadInput(_once_each(problems))
    problems = misfits(scenario, document) + money_misfits(scenario, document)
    if problems:
        raise BadInput(problems)
    priced, price_problems = at_scenario_prices(scenario, document, registry)
    effects, effect_problems = predictive_effects(scenario, document, registry)
    if price_problems or effect_problems:
        raise BadInput(price_problems + effect_problems)
    return Loaded(scenario, document, priced, effects)


def _once_each(problems: Iterable[Problem]) -> list[Problem]:
    """One problem for each place: what names a wrong name is told once."""
    first: dict[tuple[object, str], Problem] = {}
    for problem in problems:
        first.setdefault((problem.mark, problem.key), problem)
    return list(first.values())


# --- references to unit costs and base rates


def with_references(document: Document, registry: Registry) -> tuple[Document, list[Problem]]:
    """The document with every `ref: U016` filled in: unit, source, status, year and value."""
    problems: list[Problem] = []
    data = _filled(document.data, (), document, registry, problems)
    return Document(data, document.marks, document.path), problems


def _filled(
    data: Any, at: Location, document: Document, registry: Registry, problems: list[Problem]
) -> Any:
    if isinstance(data, list):
        return [_filled(x, (*at, k), document, registry, problems) for k, x in enumerate(data)]
    if not isinstance(data, dict):
        return data
    inner = {k: _filled(x, (*at, k), document, registry, problems) for k, x in data.items()}
    if not isinstance(inner.get("ref"), str):
        return inner
    try:
        fact = registry.lookup(inner["ref"])
    except UnknownEvidence as error:
        allowed = "the id of a unit cost (U...) or base rate (B...)"
        allowed += "" if error.nearest else error.reach
        where = (*at, "ref")
        problems.append(problem_at(document, where, f"`{inner['ref']}`", allowed, error.nearest))
        return {key: value for key, value in inner.items() if key != "ref"} | {"value": 0}
    return _from_fact(fact) | inner if _gives_number(inner) else _with_value(fact) | inner


def _gives_number(inner: dict[str, Any]) -> bool:
    return any(key in inner for key in (*FAMILIES, "value"))


def _from_fact(fact: UnitCost | BaseRate) -> dict[str, Any]:
    """What a registry entry tells of a number beside its value."""
    out: dict[str, Any] = {"source": fact.source[:600], "status": fact.status}
    if fact.model_unit is not None:
        out["unit"] = fact.model_unit
        if fact.year is not None and fact.model_unit.startswith("USD"):
            out["year"] = fact.year
    return out


def _with_value(fact: UnitCost | BaseRate) -> dict[str, Any]:
    return _from_fact(fact) | ({} if fact.value is None else {"value": fact.value})


# --- prices


def at_scenario_prices(
    scenario: Scenario, document: Document, registry: Registry
) -> tuple[dict[str, Parameter], list[Problem]]:
    """Every parameter, money brought to the scenario's price year with its index, once."""
    out: dict[str, Parameter] = {}
    problems: list[Problem] = []
    target = scenario.prices
    for name, parameter in parameters(scenario):
        year = parameter.quantity.year
        if year is None or year == target.year:
            out[name] = parameter
            continue
        try:
            out[name] = parameter.times(price_factor(registry, target.index, year, target.year))
        except EvidenceError as error:
            where = (*_location(document, name), "year")
            problems.append(problem_at(document, where, str(year), str(error)))
    return out, problems


def _location(document: Document, name: str) -> Location:
    return next((at for at in document.marks if dotted(at) == name), ())


# --- effects from evidence


def cited(scenario: Scenario) -> Iterator[tuple[str, str, Intervention]]:
    """Intervention, service and programme of each effect that cites evidence."""
    for name, programme in scenario.interventions.items():
        for service, effect in programme.effects.items():
            if effect.evidence:
                yield name, service, programme


def _blamed(at: Location, effect: Effect, message: str) -> Location:
    """The number inside an effect that an error speaks of, if it names one; else the effect."""
    for part in ("comparator_rate", "discounts"):
        for key in getattr(effect, part):
            if key in message and part.split("_")[0].removesuffix("s") in message:
                return (*at, part, key)
    return at


def predictive_effects(
    scenario: Scenario, document: Document, registry: Registry
) -> tuple[dict[str, Synthesis], list[Problem]]:
    """The predictive distribution of each effect that cites evidence, by its dotted name."""
    out: dict[str, Synthesis] = {}
    problems: list[Problem] = []
    for name, service, programme in cited(scenario):
        effect = programme.effects[service]
        try:
            out[f"interventions.{name}.effects.{service}"] = synthesise(
                registry,
                effect.evidence,
                comparator_rate=effect.comparator_rate or None,
                acceptance=programme.acceptance.central,
                discounts=effect.discounts or None,
                assumed_tau=effect.between_study_sd,
            )
        except EvidenceError as error:
            where = _blamed(("interventions", name, "effects", service), effect, str(error))
            found = f"evidence {', '.join(effect.evidence)}"
            problems.append(problem_at(document, where, found, str(error)))
    return out, problems
