"""How a mistake is told: place, key, what was found, what is allowed, the nearest name."""

import pickle
from typing import Any

import pytest

from model.problems import BadInput, Mark, Problem, described, dotted, kind, nearest, printable


def test_a_problem_is_told_in_two_lines() -> None:
    problem = Problem(Mark("a.yaml", 3, 5), "b.c", "'x' (text)", "a number", "d")
    assert str(problem) == (
        "a.yaml:3:5  b.c\n    found 'x' (text); allowed: a number; did you mean `d`?"
    )


def test_a_problem_without_key_and_suggestion_is_told_in_one_line() -> None:
    problem = Problem(Mark("a.yaml", 1, 1), "", "no such file", "an existing file")
    assert str(problem) == "a.yaml:1:1  found no such file; allowed: an existing file"


def test_a_problem_cannot_move_the_cursor_of_a_terminal() -> None:
    problem = Problem(Mark("a\x1b[2J", 1, 1), "k\ny", "x\r", "é")
    assert str(problem) == "a\\x1b[2J:1:1  k\\ny\n    found x\\r; allowed: é"


def test_bad_input_sorts_drops_repetitions_and_names_every_file() -> None:
    late = Problem(Mark("b.yaml", 1, 1), "", "x", "y")
    second = Problem(Mark("a.yaml", 10, 1), "", "x", "y")
    first = Problem(Mark("a.yaml", 9, 7), "", "x", "y")
    error = BadInput([late, second, first, second])
    assert error.problems == (first, second, late)
    assert str(error).splitlines()[0] == "3 problems in a.yaml, b.yaml"
    assert str(error).splitlines()[1:] == [str(first), str(second), str(late)]


def test_bad_input_counts_one_problem_and_travels_between_processes() -> None:
    error = BadInput([Problem(Mark("a.yaml", 1, 1), "", "x", "y")])
    assert str(error).startswith("1 problem in a.yaml\n")
    assert pickle.loads(pickle.dumps(error)).problems == error.problems


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ((), ""),
        (("a", "b", 0, "c"), "a.b[0].c"),
        ((0, 1, "a"), "[0][1].a"),
    ],
)
def test_dotted(location: tuple[str | int, ...], expected: str) -> None:
    assert dotted(location) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [("referal", "referral"), ("REFERRAL", "referral"), ("Staf", "Staff"), ("zzz", "")],
)
def test_nearest(name: str, expected: str) -> None:
    assert nearest(name, ["referral", "Staff"]) == expected


@pytest.mark.parametrize(
    ("value", "words", "told"),
    [
        (None, "nothing", "nothing"),
        (True, "a truth value", "true"),
        (3, "a number", "3 (a number)"),
        (2.5, "a number", "2.5 (a number)"),
        ("2020-01", "a date", "'2020-01' (a date)"),
        ("2020-01-01", "a date", "'2020-01-01' (a date)"),
        ("yes", "text", "'yes' (text)"),
        ([1], "a list", "[1] (a list)"),
        ({"a": 1}, "a mapping", "{'a': 1} (a mapping)"),
        ("x" * 58, "text", "'" + "x" * 58 + "' (text)"),
        ("x" * 99, "text", "'" + "x" * 56 + "... (text)"),
    ],
)
def test_a_value_in_words(value: Any, words: str, told: str) -> None:
    assert kind(value) == words
    assert described(value) == told


def test_printable_keeps_what_people_write() -> None:
    assert printable("naïve 数\t") == "naïve 数\\t"
