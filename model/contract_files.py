"""Terms of contracts by reference: a scenario names a shipped contract or a file beside itself.

`terms: one_sided_half`, or `terms: {extends: one_sided_half, ...}` with what differs, becomes the
whole contract in the document: every number has a dotted name and the place that said it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import reduce
from pathlib import Path
from typing import Any, NoReturn

from .finance.presets import SHIPPED, amended, preset_paths
from .problems import BadInput, Location, Mark, Problem, described, dotted, nearest
from .yamlfile import Document, named_file, overlay, part_at, read_chain, replaced, without

CONTRACTS = ("financing", "contracts")
OPTION = "--"  # what the mark of a setting begins with
NAMED_BY_SCENARIO = ("payer", "payee", "tracks")
WORDS = "the name of a shipped contract, or a mapping with `extends` or with whole terms"

Years = Mapping[str, int]
"""Year in which each contract starts: the amendments of that year hold."""


def start_years(*documents: Document) -> Years:
    """The year in which each contract starts, so far as it is said; the last document holds."""
    found = ((name, _year(text.get("start"))) for d in documents for name, text in _contracts(d))
    return {name: year for name, year in found if year is not None}


def laid_over(documents: Sequence[Document], years: Years) -> Document:
    """A scenario's files over each other, the lowest first, every named contract written out.

    So a file may change, or delete, one number of a contract that a file below it names.
    """
    lowest, *others = documents
    start = _with_terms(lowest, _references(lowest), years)
    return reduce(lambda parent, child: _over(parent, child, years), others, start)


def with_terms(document: Document, years: Years | None = None) -> Document:
    """The document with the whole terms of every contract, as amended in its first year."""
    years = start_years(document) if years is None else years
    return _with_terms(document, [name for name, _ in _contracts(document)], years)


def _over(parent: Document, child: Document, years: Years) -> Document:
    """The child over the parent; terms that the child takes from elsewhere leave nothing behind."""
    parents = dict(_contracts(parent))
    named = _references(child)
    for name in named:
        if "terms" in parents.get(name, {}):
            at = (*CONTRACTS, name)
            parent = replaced(parent, at, without(part_at(parent, at), "terms"))
    return overlay(parent, _with_terms(child, named, years))


def _contracts(document: Document) -> Iterator[tuple[str, dict[str, Any]]]:
    """Name and raw text of each contract, so far as it is a mapping."""
    found = document.data
    for key in CONTRACTS:
        found = found.get(key) if isinstance(found, dict) else None
    if isinstance(found, dict):
        yield from ((name, text) for name, text in found.items() if isinstance(text, dict))


def _references(document: Document) -> list[str]:
    """The contracts whose terms are from elsewhere."""
    terms = {name: text.get("terms") for name, text in _contracts(document)}
    return [name for name, said in terms.items() if isinstance(said, str) or _extends(said)]


def _extends(terms: Any) -> bool:
    return isinstance(terms, dict) and "extends" in terms


def _year(start: Any) -> int | None:
    match = re.match("[0-9]{4}(?=-)", start) if isinstance(start, str) else None
    return int(match[0]) if match else None


# --- from a name to terms


def _with_terms(document: Document, names: Iterable[str], years: Years) -> Document:
    problems: list[Problem] = []
    for name in names:
        try:
            document = _with_terms_of(document, name, years.get(name))
        except BadInput as error:
            problems += error.problems
    if problems:
        raise BadInput(problems)
    return document


def _with_terms_of(document: Document, name: str, year: int | None) -> Document:
    at: Location = (*CONTRACTS, name, "terms")
    written = _as_mapping(part_at(document, at))
    if written.data is None:
        return document
    if not isinstance(written.data, dict):
        _refuse(document.mark(at), dotted(at), described(written.data), WORDS)
    whole = _whole(written, Path(document.path), at, year)
    return document if whole is written else replaced(document, at, whole)


def _as_mapping(written: Document) -> Document:
    if not isinstance(written.data, str):
        return written
    mark = written.mark(())
    return Document({"extends": written.data}, {(): mark, ("extends",): mark}, written.path)


def _whole(written: Document, scenario: Path, at: Location, year: int | None) -> Document:
    """Terms laid over those that they extend, as they hold in the contract's first year.

    What a scenario says goes before what a preset's amendments say.
    """
    if _extends(written.data):
        base = _base(written, scenario, at)
        own = without(written, "extends")
        base = base if "amendments" in own.data else amended(base, year)
        dropped = [key for key in NAMED_BY_SCENARIO if key not in own.data]
        with _told_from(at):
            written = overlay(without(base, *dropped), own)
    if "amendments" in written.data:
        with _told_from(at):
            written = amended(written, year)
    return written


@contextmanager
def _told_from(at: Location) -> Iterator[None]:
    """Mistakes inside terms, with keys that begin at the scenario's root."""
    try:
        yield
    except BadInput as error:
        start = dotted(at)
        raise BadInput(replace(p, key=f"{start}.{p.key}") for p in error.problems) from None


def _base(written: Document, scenario: Path, at: Location) -> Document:
    """The contract that terms extend: shipped, or a file beside the scenario."""
    name, mark = written.data["extends"], written.mark(("extends",))
    key = dotted((*at, "extends") if mark != written.mark(()) else at)
    if mark.file.startswith(OPTION) and mark != written.mark(()):
        _refuse(mark, key, "`extends` alone", f"`{dotted(at)}=NAME`: other terms, whole")
    if isinstance(name, str) and name in preset_paths():
        return read_chain(preset_paths()[name], SHIPPED)
    if isinstance(name, str) and not name.endswith((".yaml", ".yml")):
        _refuse_name(name, mark, key)
    path = named_file(name, scenario, (scenario.parent, SHIPPED), mark, key)
    return read_chain(path, SHIPPED)


def _refuse_name(name: str, mark: Mark, key: str) -> NoReturn:
    names = list(preset_paths())
    allowed = f"one of: {', '.join(names)}; or a file beside the scenario, as in `terms.yaml`"
    _refuse(mark, key, f"`{name}`, which is no shipped contract", allowed, nearest(name, names))


def _refuse(mark: Mark, key: str, found: str, allowed: str, near: str = "") -> NoReturn:
    raise BadInput([Problem(mark, key, found, allowed, near)])
