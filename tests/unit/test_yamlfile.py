"""Scenario files: found or not, laid over each other, extending each other."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from model.problems import BadInput, Mark, Problem
from model.yamlfile import Document, overlay, read, read_chain


def write(folder: Path, text: str | bytes, name: str = "x.yaml") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def document(folder: Path, text: str, name: str = "x.yaml") -> Document:
    return read(write(folder, text, name))


def refused(action: Callable[[], object]) -> tuple[Problem, ...]:
    with pytest.raises(BadInput) as raised:
        action()
    return raised.value.problems


def refusal(action: Callable[[], object]) -> Problem:
    (problem,) = refused(action)
    return problem


def place(problem: Problem) -> tuple[int, int]:
    return problem.mark.line, problem.mark.column


def places(data: Any, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    """Every place in the data: each must have a mark, and no other."""
    parts: Any = {dict: dict.items, list: enumerate}.get(type(data), lambda _: ())(data)
    return [at, *(place for part, inner in parts for place in places(inner, (*at, part)))]


def test_a_place_without_a_mark_has_that_of_the_nearest_around_it(tmp_path: Path) -> None:
    read_document = document(tmp_path, "a:\n  b: 1\n")
    file = str(tmp_path / "x.yaml")
    assert read_document.mark(("a", "b", "c", 0)) == Mark(file, 2, 3)
    assert read_document.mark(("a", "z")) == Mark(file, 1, 1)
    assert read_document.mark(("z",)) == Mark(file, 1, 1)
    assert Document({}, {}, "p").mark(("z",)) == Mark("p", 1, 1)


# --- what is refused at the path


def test_a_missing_file_suggests_the_nearest_name(tmp_path: Path) -> None:
    write(tmp_path, "a: 1", "jackson.yaml")
    problem = refusal(lambda: read(tmp_path / "jakson.yaml"))
    assert problem.mark == Mark(str(tmp_path / "jakson.yaml"), 0, 0)
    assert ":1:1" not in str(problem)
    assert (problem.found, problem.nearest) == ("no such file", "jackson.yaml")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("nowhere/x.yaml", "no such file"),
        (".", "a folder"),
        ("pipe", "no regular file"),
        ("loop.yaml", "cannot be opened"),
        ("file/x.yaml", "cannot be opened"),
        ("n" * 5000, "cannot be opened"),
        ("nul\0.yaml", "cannot be opened"),
        ("\udcff\ud800.yaml", "cannot be opened"),
    ],
)
def test_a_path_that_is_no_readable_file(tmp_path: Path, path: str, found: str) -> None:
    write(tmp_path, "a: 1", "file")
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "loop.yaml").symlink_to("loop.yaml")
    error = BadInput(refused(lambda: read(tmp_path / path)))
    assert found in error.problems[0].found
    assert str(error).encode()  # can be printed


def test_a_file_without_permission(tmp_path: Path) -> None:
    path = write(tmp_path, "a: 1")
    path.chmod(0)
    if os.access(path, os.R_OK):
        pytest.skip("this user may read every file, as root may")
    assert "without permission" in refusal(lambda: read(path)).found


# --- overlay


@pytest.mark.parametrize(
    ("parent", "child", "data"),
    [
        ("a: 1", "b: 2", {"a": 1, "b": 2}),
        ("a: 1", "a: 2", {"a": 2}),
        ("a: {b: 1, c: 2}", "a: {c: 3}", {"a": {"b": 1, "c": 3}}),
        ("a: {b: {c: 1}}", "a: {b: {d: 2}}", {"a": {"b": {"c": 1, "d": 2}}}),
        ("a: [1, 2, 3]", "a: [4]", {"a": [4]}),
        ("a: [{b: 1}]", "a: [{c: null}]", {"a": [{"c": None}]}),
        ("a: {b: 1, c: 2}", "a: {b: null}", {"a": {"c": 2}}),
        ("a: {b: 1}\nc: 1", "a: null", {"c": 1}),
        ("a: {b: 1}", "a: {b: ~}", {"a": {}}),
        ("a: {b: 1}", "a: {}", {"a": {"b": 1}}),
        ("a: {b: 1}", "a: 5", {"a": 5}),
        ("a: 5", "a: {b: 1}", {"a": {"b": 1}}),
        ("a: [1]", "a: {b: 1}", {"a": {"b": 1}}),
        ("a: null", "a: 1", {"a": 1}),
        ("a: null\nb: 1", "a: null", {"b": 1}),
    ],
)
def test_overlay(tmp_path: Path, parent: str, child: str, data: Any) -> None:
    lower, upper = document(tmp_path, parent, "p.yaml"), document(tmp_path, child, "c.yaml")
    before = repr((lower, upper))
    merged = overlay(lower, upper)
    assert merged.data == data
    assert merged.path == upper.path
    assert repr((lower, upper)) == before
    assert set(merged.marks) == set(places(merged.data))


def test_overlay_marks_who_said_it(tmp_path: Path) -> None:
    parent = document(tmp_path, "a:\n  b: 1\n  c: 2\nl:\n- 1\n- 2\nd: {e: 1}\ng: 1\n", "p.yaml")
    child = document(tmp_path, "\n\na: {c: 3}\nl: [9]\nd: 7\n", "c.yaml")
    merged = overlay(parent, child)
    found = {
        at: (Path(mark.file).name, mark.line, mark.column) for at, mark in merged.marks.items()
    }
    assert found == {
        (): ("c.yaml", 3, 1),
        ("a",): ("c.yaml", 3, 1),
        ("a", "b"): ("p.yaml", 2, 3),
        ("a", "c"): ("c.yaml", 3, 5),
        ("l",): ("c.yaml", 4, 1),
        ("l", 0): ("c.yaml", 4, 5),
        ("d",): ("c.yaml", 5, 1),
        ("g",): ("p.yaml", 8, 1),
    }


def test_deleting_what_is_not_there_suggests_what_is(tmp_path: Path) -> None:
    parent = document(tmp_path, "a: {referral: 1}", "p.yaml")
    child = document(tmp_path, "x: null\na:\n  referal: null\n  new: {z: null}\n", "c.yaml")
    problems = refused(lambda: overlay(parent, child))
    assert [(place(p), p.key, p.nearest) for p in problems] == [
        ((1, 1), "x", ""),
        ((3, 3), "a.referal", "referral"),
        ((4, 9), "a.new.z", ""),
    ]
    assert "`referal`, which is not there to delete" in problems[1].found


# --- chains


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    """The user's folder and the shipped one."""
    mine, shipped = tmp_path / "mine", tmp_path / "shipped"
    mine.mkdir()
    shipped.mkdir()
    return mine, shipped


def test_a_file_that_extends_nothing_is_read_as_it_is(folders: tuple[Path, Path]) -> None:
    path = write(folders[0], "a: 1")
    assert read_chain(path, folders[1]) == read(path)


def test_a_chain_of_three_from_both_folders(folders: tuple[Path, Path]) -> None:
    mine, shipped = folders
    write(shipped, "a: 1\nb: 1\nc: 1\n", "base.yaml")
    write(shipped, "extends: base.yaml\nb: 2\nc: 2\n", "middle.yaml")
    path = write(mine, "extends: middle.yaml\nc: 3\n")
    found = read_chain(path, shipped)
    assert found.data == {"a": 1, "b": 2, "c": 3}
    assert found.path == str(path)
    assert [Path(found.mark((key,)).file).name for key in "abc"] == [
        "base.yaml",
        "middle.yaml",
        "x.yaml",
    ]
    assert ("extends",) not in found.marks


def test_the_own_folder_comes_first(folders: tuple[Path, Path]) -> None:
    mine, shipped = folders
    write(shipped, "a: shipped", "base.yaml")
    write(mine, "a: mine", "base.yaml")
    assert read_chain(write(mine, "extends: base.yaml"), shipped).data == {"a": "mine"}


def test_extends_means_something_only_at_the_top(folders: tuple[Path, Path]) -> None:
    path = write(folders[0], "a: {extends: b.yaml}")
    assert read_chain(path, folders[1]).data == {"a": {"extends": "b.yaml"}}


def test_a_missing_parent_suggests_the_nearest_yaml(folders: tuple[Path, Path]) -> None:
    mine, shipped = folders
    write(shipped, "a: 1", "jackson.yaml")
    write(mine, "a: 1", "jakson.txt")
    path = write(mine, "b: 1\nextends: jakson.yaml\n", "jaksons.yaml")
    problem = refusal(lambda: read_chain(path, shipped))
    assert problem.mark == Mark(str(path), 2, 1)
    assert (problem.key, problem.nearest) == ("extends", "jackson.yaml")
    assert problem.found == "`jakson.yaml`, which is not there"
    assert str(mine) in problem.allowed
    assert str(shipped) in problem.allowed


@pytest.mark.parametrize(
    "name",
    [
        *("/etc/passwd", "../base.yaml", "sub/base.yaml", "./base.yaml", "..", ".", "''"),
        *("'C:base.yaml'", "sub\\base.yaml", "[base.yaml]", "3", "null", "{a: 1}", "true"),
    ],
)
def test_only_a_plain_file_name_is_extended(folders: tuple[Path, Path], name: str) -> None:
    mine, shipped = folders
    write(mine.parent, "a: 1", "base.yaml")
    write(mine, "a: 1", "sub/base.yaml")
    path = write(mine, f"extends: {name}\n")
    problem = refusal(lambda: read_chain(path, shipped))
    assert problem.mark == Mark(str(path), 1, 1)
    assert problem.allowed == "the name of a file, without folders"


def test_a_folder_or_a_broken_link_is_no_parent(folders: tuple[Path, Path]) -> None:
    mine, shipped = folders
    (mine / "folder.yaml").mkdir()
    (mine / "loop.yaml").symlink_to("loop.yaml")
    for name in ("folder.yaml", "loop.yaml", "n" * 5000):
        path = write(mine, f"extends: {name}\n")
        assert "which is not there" in refusal(lambda path=path: read_chain(path, shipped)).found


def test_a_link_must_not_lead_outside(folders: tuple[Path, Path]) -> None:
    mine, shipped = folders
    secret = write(mine.parent, "a: 1", "secret.yaml")
    (mine / "base.yaml").symlink_to(secret)
    write(shipped, "a: 2", "base.yaml")
    path = write(mine, "extends: base.yaml\n")
    problem = refusal(lambda: read_chain(path, shipped))
    assert place(problem) == (1, 1)
    assert "leads outside" in problem.found


def test_a_link_between_the_two_folders_is_fine(folders: tuple[Path, Path]) -> None:
    mine, shipped = folders
    (mine / "base.yaml").symlink_to(write(shipped, "a: 1", "jackson.yaml"))
    assert read_chain(write(mine, "extends: base.yaml"), shipped).data == {"a": 1}


def test_a_linked_folder_of_scenarios_is_fine(folders: tuple[Path, Path]) -> None:
    mine, shipped = folders
    write(mine, "a: 1", "base.yaml")
    write(mine, "extends: base.yaml")
    (mine.parent / "linked").symlink_to(mine)
    assert read_chain(mine.parent / "linked" / "x.yaml", shipped).data == {"a": 1}


@pytest.mark.parametrize(
    ("files", "chain"),
    [
        (["a"], "a.yaml -> a.yaml"),
        (["a", "b", "c"], "a.yaml -> b.yaml -> c.yaml -> a.yaml"),
    ],
)
def test_a_circle_is_named(folders: tuple[Path, Path], files: list[str], chain: str) -> None:
    mine, shipped = folders
    for name, parent in zip(files, [*files[1:], files[0]], strict=True):
        write(mine, f"x: 1\nextends: {parent}.yaml\n", f"{name}.yaml")
    problem = refusal(lambda: read_chain(mine / "a.yaml", shipped))
    assert problem.mark == Mark(str(mine / f"{files[-1]}.yaml"), 2, 1)
    assert problem.found == f"a circle: {chain}"


def test_a_chain_of_ten_is_the_longest(folders: tuple[Path, Path]) -> None:
    mine, shipped = folders
    write(mine, "a: 0\n", "f0.yaml")
    for i in range(1, 12):
        write(mine, f"extends: f{i - 1}.yaml\na: {i}\n", f"f{i}.yaml")
    assert read_chain(mine / "f9.yaml", shipped).data == {"a": 9}
    problem = refusal(lambda: read_chain(mine / "f10.yaml", shipped))
    assert problem.mark == Mark(str(mine / "f1.yaml"), 1, 1)
    assert problem.found.startswith("a longer chain: f10.yaml -> f9.yaml -> ")
    assert problem.found.endswith(" -> f0.yaml")
    assert problem.allowed == "at most 10 files"


def test_mistakes_of_a_parent_are_told_in_the_parent(folders: tuple[Path, Path]) -> None:
    mine, shipped = folders
    base = write(shipped, "a: 1\na: 2\n", "base.yaml")
    path = write(mine, "extends: base.yaml\n")
    assert refusal(lambda: read_chain(path, shipped)).mark == Mark(str(base), 2, 1)


def test_a_bare_number_keeps_the_unit_of_the_number_it_replaces(tmp_path: Path) -> None:
    """144000 in place of 150000 USD/year is a year's; per cent is not carried over."""
    parent = "a: {value: 150000, unit: USD/year, source: x}\nb: {value: 40, unit: '%'}\nc: 3\n"
    (tmp_path / "parent.yaml").write_text(parent)
    child = tmp_path / "child.yaml"
    child.write_text("extends: parent.yaml\na: 144000\nb: 0.5\nc: 4\n")
    merged = read_chain(child, tmp_path)
    assert merged.data == {"a": {"value": 144000, "unit": "USD/year"}, "b": 0.5, "c": 4}
