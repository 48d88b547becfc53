"""Mutated scenarios: jackson.yaml, changed in one place in more than two thousand ways.

Each loads or gives BadInput where the mutation says (mutations.py); any other exception fails.
"""

from __future__ import annotations

import random
from functools import cache
from pathlib import Path

import pytest

from model.loading import Loaded, load
from model.problems import BadInput
from tests.properties.mutations import KINDS, MONEY_KINDS, PATH, Mutation, lines, mutations


@cache
def original() -> Loaded:
    return load(PATH)


def failure(mutation: Mutation, path: Path) -> str:
    """What is wrong with the answer to a mutation; empty if nothing is."""
    path.write_text(mutation.text, encoding="utf-8", newline="\n")
    try:
        loaded = load(path)
    except BadInput as refusal:
        return f"refused: {refusal}" if mutation.valid else misplaced(refusal, mutation, path)
    except Exception as error:  # a traceback for the user: what must never be
        return f"{type(error).__name__}: {error}"
    if mutation.valid is False:
        return "loaded"
    same = not mutation.valid or central(loaded) == pytest.approx(central(original()), rel=1e-9)
    return "" if same else "loaded as something else"


def misplaced(refusal: BadInput, mutation: Mutation, path: Path) -> str:
    """What is wrong with where the problems are told; empty if nothing is."""
    told = {problem.mark.line for problem in refusal.problems}
    files = {problem.mark.file for problem in refusal.problems}
    if told & mutation.lines and files == {str(path)}:
        return ""
    return f"told at {sorted(told)}, not at {sorted(mutation.lines)[:9]}: {refusal}"


def central(loaded: Loaded) -> dict[str, float]:
    return {name: p.central for name, p in loaded.parameters.items()}


def changed_line(text: str) -> str:
    old, new = lines(), text.split("\n")
    row = next((n for n, pair in enumerate(zip(old, new, strict=False)) if pair[0] != pair[1]), 0)
    return f"line {row + 1}: {new[row].strip()[:120]}"


@pytest.mark.parametrize("name", KINDS)
def test_a_mutation_loads_or_is_refused_where_it_is(name: str, tmp_path: Path) -> None:
    """Each mutation loads or gives an error located at the mutated line, never a traceback."""
    failures = []
    for mutation in mutations(name):
        if told := failure(mutation, tmp_path / "mutated.yaml"):
            failures.append(f"{changed_line(mutation.text)}\n  {told}")
    assert not failures, f"{len(failures)} of {len(mutations(name))}\n" + "\n".join(failures[:5])


def test_there_are_enough_of_them() -> None:
    """At least 2,000 random mutations of jackson.yaml, of which at least half are invalid."""
    all_of_them = [mutation for name in KINDS for mutation in mutations(name)]
    assert len({mutation.text for mutation in all_of_them}) >= 2000
    assert sum(mutation.valid is False for mutation in all_of_them) >= 1000
    assert 2 * sum(mutation.valid is False for mutation in all_of_them) >= len(all_of_them)
    assert sum(mutation.valid is True for mutation in all_of_them) >= 100
    assert all(mutations(name) for name in KINDS if name not in MONEY_KINDS)


def test_random_damage_gives_no_traceback(tmp_path: Path) -> None:
    """Never a traceback: characters and lines lost, doubled and exchanged anywhere in the file."""
    path, whole = tmp_path / "damaged.yaml", "\n".join(lines())
    rng, refused = random.Random("damage"), 0
    characters = "\"'{}[]:,-#&*!|>%@`\\ \n\t0.e~\ufeffé"
    for _ in range(80):
        start = rng.randrange(len(whole))
        end = start + rng.choice([0, 1, 2, 40, 400])
        put = rng.choice(["", whole[start:end] * 2, *characters])
        path.write_text(whole[:start] + put + whole[end:], encoding="utf-8", newline="\n")
        try:
            load(path)
        except BadInput as refusal:
            refused += any(problem.mark.line > 1 for problem in refusal.problems)
    assert refused > 20
