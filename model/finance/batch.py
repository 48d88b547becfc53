"""Settling a whole performance file: each row by its track's terms, or all by one contract."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from model.problems import BadInput, Mark, Problem

from . import performance
from .performance import Refused, Row
from .presets import Terms, nearest_track, preset, tracks
from .rules import Rules, rules_of
from .settlement import Settlement, settle

EVERY = 1000  # rows between two calls of advance


def settle_performance(
    path: Path, terms: Terms | None = None, advance: Callable[[int], None] | None = None
) -> tuple[list[Settlement], list[Problem]]:
    """Settlements of all good rows, in order, and the problems of the others."""
    settler = Settler(terms)
    settled: list[Settlement] = []
    problems: list[Problem] = []
    for count, row in enumerate(performance.read(path, by_track=terms is None), start=1):
        if isinstance(row, list):
            problems += row
        else:
            try:
                settled.append(settler.settle(row))
            except Refused as refused:
                problems.append(_problem(path, row, refused))
        if advance is not None and count % EVERY == 0:
            advance(count)
    return settled, problems


def _problem(path: Path, row: Row, refused: Refused) -> Problem:
    key = f"{row.year} {row.aco_id}"
    return Problem(Mark(str(path), row.line, 1), key, refused.found, refused.allowed, refused.near)


class Settler:
    """Settles rows; the numbers of each track and year are fetched once."""

    def __init__(self, terms: Terms | None) -> None:
        self.terms = terms
        self.rules: dict[tuple[str, int | None], Rules] = {}
        if terms is not None and terms.contract.shared_savings is None:
            mark = terms.document.mark(())
            allowed = "a shared-savings contract, which a performance file can settle"
            raise BadInput([Problem(mark, "", "terms without `shared_savings`", allowed)])

    def settle(self, row: Row) -> Settlement:
        return settle(row, self._rules(row))

    def _rules(self, row: Row) -> Rules:
        key = ("" if self.terms else row.track.upper(), row.year)
        if key not in self.rules:
            self.rules[key] = rules_of(
                self._chosen(row).in_year(known_year(row, self._chosen(row)))
            )
        return self.rules[key]

    def _chosen(self, row: Row) -> Terms:
        """The terms given, or those of the row's track."""
        if self.terms is not None:
            return self.terms
        name = tracks().get(row.track.upper())
        if name is None:
            found = f"the track `{row.track}`" if row.track else "no track"
            raise Refused(found, f"one of: {', '.join(tracks())}", nearest_track(row.track))
        return preset(name)


def known_year(row: Row, terms: Terms) -> int | None:
    """The row's year; Refused where the terms are not known for it."""
    years = terms.contract.years
    if years is None or row.year is None or years.first <= row.year <= years.last:
        return row.year
    allowed = (
        f"{years.first} to {years.last}, for which the terms of {terms.contract.name} are known"
    )
    raise Refused(f"the year {row.year}", allowed)
