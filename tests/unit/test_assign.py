"""Settings of the command line: --set dotted.path=value."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.problems import BadInput, Mark, Problem
from model.yamlfile import Document, assign, read


def document(folder: Path, text: str = "") -> Document:
    path = folder / "x.yaml"
    path.write_text(text or BASE, encoding="utf-8")
    return read(path)


def refusal(base: Document, setting: str) -> Problem:
    with pytest.raises(BadInput) as raised:
        assign(base, setting)
    (problem,) = raised.value.problems
    return problem


def places(data: Any, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in the data: each must have a mark, and no other."""
    parts: Any = {dict: dict.items, list: enumerate}.get(type(data), lambda _: ())(data)
    return [at, *(place for part, inner in parts for place in places(inner, (*at, part)))]


BASE = "a:\n  b: {value: 1, unit: x}\n  n: null\nl:\n- {c: 1}\n- 2\n- 3\nflag: true\n'0': zero\n"


@pytest.mark.parametrize(
    ("setting", "at", "value"),
    [
        ("a.b=5", ("a", "b"), {"value": 5, "unit": "x"}),  # a bare number keeps the unit
        ("a.b={value: 5}", ("a", "b"), {"value": 5}),
        ("a.b.value=62.5e6", ("a", "b", "value"), 62.5e6),
        ("a.b.unit=per cent", ("a", "b", "unit"), "per cent"),
        (" a.b.unit = y ", ("a", "b", "unit"), "y"),
        ("flag=no", ("flag",), "no"),
        ("flag=false", ("flag",), False),
        ("flag='null'", ("flag",), "null"),
        ("flag=''", ("flag",), ""),
        ("flag=2020-01-01", ("flag",), "2020-01-01"),
        ("flag=a=b", ("flag",), "a=b"),
        ("l[0].c=9", ("l", 0, "c"), 9),
        ("l.0.c=9", ("l", 0, "c"), 9),
        ("l[2]=9", ("l", 2), 9),
        ("l=[1, [2]]", ("l",), [1, [2]]),
        ("a={x: {y: null}}", ("a",), {"x": {"y": None}}),
        ("new.x.y=1", ("new", "x", "y"), 1),
        ("a.n.x=1", ("a", "n", "x"), 1),
        ("0=1", ("0",), 1),
    ],
)
def test_assign(tmp_path: Path, setting: str, at: tuple[str | int, ...], value: Any) -> None:
    base = document(tmp_path)
    before = repr(base)
    found = assign(base, setting)
    target = found.data
    for part in at:
        target = target[part]
    assert target == value
    assert found.mark(at) == Mark(f"--set {setting}", 1, 1)
    assert str(found.mark(at)) == f"--set {setting}"
    assert set(found.marks) == set(places(found.data))
    assert repr(base) == before


def test_assign_leaves_the_rest_as_it_was(tmp_path: Path) -> None:
    base = document(tmp_path)
    found = assign(base, "a.b.value=2")
    assert found.data == base.data | {"a": {"b": {"value": 2, "unit": "x"}, "n": None}}
    assert [at for at in found.marks if found.mark(at) != base.mark(at)] == [("a", "b", "value")]


def test_what_assign_creates_on_the_way_is_marked_too(tmp_path: Path) -> None:
    found = assign(document(tmp_path), "new.x.y={z: 1}")
    spot = Mark("--set new.x.y={z: 1}", 1, 1)
    created = [("new",), ("new", "x"), ("new", "x", "y"), ("new", "x", "y", "z")]
    assert [at for at, mark in found.marks.items() if mark == spot] == created


@pytest.mark.parametrize("null", ["null", "~"])
def test_assigning_null_deletes(tmp_path: Path, null: str) -> None:
    found = assign(document(tmp_path), f"a.b={null}")
    assert found.data["a"] == {"n": None}
    assert set(found.marks) == set(places(found.data))


def test_deleting_a_list_element_moves_the_marks_of_those_below(tmp_path: Path) -> None:
    found = assign(document(tmp_path), "l[0]=null")
    assert found.data["l"] == [2, 3]
    assert [found.mark(("l", i)).line for i in range(2)] == [6, 7]
    assert set(found.marks) == set(places(found.data))


def test_deleting_deep_in_a_list_moves_only_its_own_marks(tmp_path: Path) -> None:
    text = "a:\n- x: 0\n- x:\n  - y: 1\n  - y: 2\n  - y: {z: 3}\n- x: [4, 5]\n"
    base = document(tmp_path, text)
    found = assign(base, "a[1].x[1]=null")
    assert found.data["a"] == [{"x": 0}, {"x": [{"y": 1}, {"y": {"z": 3}}]}, {"x": [4, 5]}]
    assert set(found.marks) == set(places(found.data))
    assert found.mark(("a", 1, "x", 1, "y", "z")) == base.mark(("a", 1, "x", 2, "y", "z"))
    assert found.mark(("a", 2, "x", 1)) == base.mark(("a", 2, "x", 1))


def test_thirty_levels_are_the_deepest(tmp_path: Path) -> None:
    base = document(tmp_path, "a: null")
    path = ".".join("a" * 28)
    assert assign(base, f"{path}.a=1").data
    assert assign(base, f"{path}=[1]").data
    assert refusal(base, f"{path}.a=[1]").found == "too deep a path"


def test_a_key_whose_value_is_null_can_be_deleted(tmp_path: Path) -> None:
    assert "n" not in assign(document(tmp_path), "a.n=null").data["a"]


@pytest.mark.parametrize(
    ("setting", "key", "found", "allowed"),
    [
        ("a.b", "", "`a.b`", "`dotted.path=value`"),
        ("", "", "``", "`dotted.path=value`"),
        ("=1", "", "`=1`", "`dotted.path=value`"),
        ("a..b=1", "", "`a..b=1`", "`dotted.path=value`"),
        (".a=1", "", "`.a=1`", "`dotted.path=value`"),
        ("l[x]=1", "", "`l[x]=1`", "`dotted.path=value`"),
        ("l[-1]=1", "", "`l[-1]=1`", "`dotted.path=value`"),
        ("l[0=1", "", "`l[0=1`", "`dotted.path=value`"),
        ("l[99999999999]=1", "", "`l[9", "`dotted.path=value`"),
        ("[0]=1", "", "`[0]=1`", "`dotted.path=value`"),
        ("a.b=", "a.b", "no value", "null to delete"),
        ("a.b=  # x", "a.b", "no value", "null to delete"),
        ("l[3]=1", "l", "`3` as an index", "an index from 0 to 2"),
        ("l.3=1", "l", "`3` as an index", "an index from 0 to 2"),
        ("l.c=1", "l", "`c` as an index", "an index from 0 to 2"),
        ("l.²=1", "l", "`²` as an index", "an index from 0 to 2"),
        ("a[0]=1", "a", "[0] where there is no list", "names between dots"),
        ("new[0]=1", "new", "[0] where there is no list", "names between dots"),
        ("l[1].x=1", "l[1]", "2 (a number), which has nothing inside", "a path through"),
        ("flag.x=1", "flag", "true, which has nothing inside", "a path through"),
        ("a.c=null", "a.c", "`c`, which is not there to delete", "a key that is there"),
        ("new.c=null", "new.c", "`c`, which is not there to delete", "a key that is there"),
        ("a=x: 1", "", "a block", "`: ` in quotes"),
        ("a=- 1", "", "a block", "[1, 2]"),
        ("a=[1", "", "a bracket of line 1 not closed", "[1, 2]"),
        ("a='x", "", "a quote that is never closed", "quotes in pairs"),
        ("a=.inf", "", ".inf", "a finite number"),
        ("a=1e999", "", "too large", "1.8e308"),
        ("a=!!python/name:os.x 1", "", "the tag", "without tags"),
        ("a={x: 1, x: 2}", "x", "`x` again", "each key once"),
        ("a={<<: {b: 1}}", "", "a merge key", "extends"),
        ("a=1\n--- 2", "", "a second document", "one document"),
        ("a=\x1b", "", "U+001B", "printable"),
        ("a=\t@", "", "a character that no value", "in quotes"),
        ("a=" + "[" * 50, "[0]" * 30, "too many levels", "30"),
        ("a=" + "[" * 30 + "]" * 30, "a", "too deep a path", "30"),
        ("a=[" + "1," * 60_000 + "]", "[49999]", "too many values", "50,000"),
        (".".join("a" * 40) + "=1", ".".join("a" * 40), "too deep a path", "30"),
    ],
)
def test_a_wrong_setting(tmp_path: Path, setting: str, key: str, found: str, allowed: str) -> None:
    base = document(tmp_path, BASE.replace("a:\n", "a:\n  a: null\n"))
    problem = refusal(base, setting)
    shown = setting if len(setting) <= 80 else setting[:77] + "..."
    assert problem.mark == Mark(f"--set {shown}", 1, 1)
    assert problem.key == key
    assert found in problem.found
    assert allowed in problem.allowed


def test_deleting_from_an_empty_list(tmp_path: Path) -> None:
    problem = refusal(document(tmp_path, "a: []"), "a[0]=null")
    assert problem.allowed == "no index: the list is empty"


def test_a_setting_that_deletes_nothing_suggests_the_nearest(tmp_path: Path) -> None:
    problem = refusal(document(tmp_path), "a.b.valu=null")
    assert problem.nearest == "value"


SETTING_PIECES = [
    *("a", "[0]", "[1]", ".", "=", "a=", "a[0]=", "1", "null", "[", "]", "{", "}", ": ", "- "),
    *(",", "&a ", "*a", "!x ", "'", '"', "|", "#", "\n", "\t", "\0", "---\n", "\\", "\ud800"),
]


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.text(max_size=60), st.lists(st.sampled_from(SETTING_PIECES)).map("".join)))
def test_whatever_setting_gives_a_document_or_bad_input(setting: str) -> None:
    try:
        found = assign(Document({"a": [1]}, {}, "x"), setting)
    except BadInput as error:
        told = str(error)
        assert told.startswith("1 problem in --set") or " problems in --set" in told
    else:
        assert isinstance(found.data, dict)
