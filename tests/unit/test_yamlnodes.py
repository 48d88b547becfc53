"""What YAML text becomes, where every value stands, which text is refused."""

import math
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from model import yamlnodes
from model.problems import BadInput, Mark, Problem
from model.yamlfile import Document, read

LOADERS = [yaml.SafeLoader, *([yaml.CSafeLoader] if hasattr(yaml, "CSafeLoader") else [])]


@pytest.fixture(params=LOADERS, ids=lambda loader: loader.__name__, autouse=True)
def _each_parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both the C and the Python parser, as a computer may have only the second."""
    monkeypatch.setattr(yamlnodes, "LOADER", request.param)


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


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("3", 3),
        ("-3", -3),
        ("+4", 4),
        ("0", 0),
        ("-0", 0),
        ("1e-3", 0.001),
        ("1.5e6", 1.5e6),
        ("62.5e6", 62.5e6),
        ("1E+2", 100.0),
        ("1e5", 1e5),
        (".5", 0.5),
        ("5.", 5.0),
        ("-.5e1", -5.0),
        ("0.25", 0.25),
        ("true", True),
        ("True", True),
        ("FALSE", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("012", "012"),
        ("0o14", "0o14"),
        ("0x10", "0x10"),
        ("0b1", "0b1"),
        ("1:30", "1:30"),
        ("1_000", "1_000"),
        ("1e", "1e"),
        (".", "."),
        ("e5", "e5"),
        ("nan", "nan"),
        ("\u0661", "\u0661"),
        ("2020-01", "2020-01"),
        ("2020-01-01", "2020-01-01"),
        ("2020-01-01T10:00:00Z", "2020-01-01T10:00:00Z"),
        ("'3'", "3"),
        ('"true"', "true"),
        ('".nan"', ".nan"),
        ("''", ""),
        ("=", "="),
        ("[1, a]", [1, "a"]),
        ("{b: 1.0}", {"b": 1.0}),
        ("|\n  x\n  y\n", "x\ny\n"),
    ],
)
def test_a_value_becomes_what_a_person_means(tmp_path: Path, written: str, value: Any) -> None:
    found = document(tmp_path, f"a: {written}\n").data["a"]
    assert found == value
    assert type(found) is type(value)


def test_every_key_and_list_element_has_its_mark(tmp_path: Path) -> None:
    text = "# note\na:\n  b: 1\n  cé: {d: 2}\nlist:\n- x\n-   - 1\n    - 2\n"
    read_document = document(tmp_path, text)
    file = str(tmp_path / "x.yaml")
    assert read_document.path == file
    assert read_document.marks == {
        at: Mark(file, line, column)
        for at, line, column in [
            ((), 2, 1),
            (("a",), 2, 1),
            (("a", "b"), 3, 3),
            (("a", "cé"), 4, 3),
            (("a", "cé", "d"), 4, 8),
            (("list",), 5, 1),
            (("list", 0), 6, 3),
            (("list", 1), 7, 5),
            (("list", 1, 0), 7, 7),
            (("list", 1, 1), 8, 7),
        ]
    }


def test_an_alias_is_written_out_as_data_of_its_own(tmp_path: Path) -> None:
    read_document = document(tmp_path, "a: &x\n  b: [1]\nc: *x\n")
    assert read_document.data == {"a": {"b": [1]}, "c": {"b": [1]}}
    read_document.data["a"]["b"].append(2)
    assert read_document.data["c"] == {"b": [1]}
    assert read_document.mark(("c",)).line == 3
    assert read_document.mark(("c", "b", 0)).line == 2


def test_a_byte_order_mark_and_windows_lines_are_accepted(tmp_path: Path) -> None:
    read_document = document(tmp_path, "\ufeffa: 1\r\nb: é\r\n")
    assert read_document.data == {"a": 1, "b": "é"}
    assert read_document.mark(("a",)).column == 1
    assert read_document.mark(("b",)).line == 2


def test_a_quoted_merge_key_is_an_ordinary_key(tmp_path: Path) -> None:
    assert document(tmp_path, "'<<': 1\n").data == {"<<": 1}


def test_one_document_may_have_its_marks(tmp_path: Path) -> None:
    assert document(tmp_path, "%YAML 1.1\n---\na: 1\n...\n").data == {"a": 1}


# --- what is refused in the text

REFUSED_TEXT: list[tuple[str, str | bytes, int, int, str, str, str]] = [
    # name, text, line, column, key, found, allowed
    ("empty", "", 1, 1, "", "a file without data", "`key: value`"),
    ("comments", "# a\n\n# b\n", 1, 1, "", "a file without data", "`key: value`"),
    ("only a marker", "---\n", 1, 1, "", "a file without data", "`key: value`"),
    ("null", "null\n", 1, 1, "", "nothing as the whole file", "a mapping"),
    ("list", "# c\n- 1\n", 2, 1, "", "a list as the whole file", "a mapping"),
    ("text", "  words\n", 1, 3, "", "text as the whole file", "a mapping"),
    ("latin-1", "a: 1\né: é".encode("latin-1"), 2, 1, "", "0xe9, not UTF-8", "UTF-8"),
    ("after a BOM", b"\xef\xbb\xbfa: \xff", 1, 4, "", "0xff, not UTF-8", "UTF-8"),
    ("UTF-16", "a: 1".encode("utf-16"), 1, 1, "", "not UTF-8", "UTF-8"),
    ("NUL", "a: 1\nbé: \x00\n", 2, 5, "", "U+0000", "printable"),
    ("escape sequence", "a: \x1b[2J\n", 1, 4, "", "U+001B", "printable"),
    ("NUL in words", 'a: "\\0"\n', 1, 4, "a", "U+0000", "printable"),
    ("tab", "a:\n\tb: 1\n", 2, 1, "", "a tab in the indentation", "spaces"),
    ("tab after spaces", "a:\n  b: 1\n \tc: 2\n", 3, 2, "", "a tab in the", "spaces"),
    ("colon", "a: b: c\n", 1, 5, "", "a `:`", "in quotes"),
    ("indented", "a: 1\n b: 2\n", 2, 3, "", "a `:`", "indented like its neighbours"),
    ("no colon", "a: 1\nfoo\nb: 2\n", 2, 1, "", "a line without a `:`", "`key: value`"),
    ("dedented", "a:\n  b: 1\n c: 2\n", 3, 2, "", "does not fit the lines above", "alike"),
    ("open quote", "a: 1\nb: 'abc\nc: 1\n", 2, 4, "", "a quote that is never closed", "pairs"),
    ("open bracket", "a: [1, 2\nb: 3\n", 2, 2, "", "a bracket of line 1 not closed", "[1, 2]"),
    ("open brace", "a: {b: 1 c: 2}\n", 1, 11, "", "a bracket of line 1", "{a: 1}"),
    ("bracket", "a: 1\nb: ]\n", 2, 4, "", "a `,` or bracket", "in quotes"),
    ("at sign", "a: @x\n", 1, 4, "", "a character that no value can start", "in quotes"),
    ("per cent", "a: %x\n", 1, 4, "", "a character that no value can start", "in quotes"),
    ("star", "a: *\n", 1, 5, "", "starts with & or *", "in quotes"),
    ("list on a line", "a: - b\n", 1, 4, "", "a `-` where no list", "below its key"),
    ("after the end", "a: 1\n...\nb: 2\n", 3, 1, "", "YAML that cannot be read", "valid YAML"),
    ("two documents", "a: 1\n---\nb: 2\n", 2, 1, "", "a second document", "one document"),
    ("empty second", "a: 1\n---\n", 2, 1, "", "a second document", "one document"),
    ("twice", "a:\n  b: 1\n  c: 2\n  b: 3\n", 4, 3, "a.b", "`b` again, first on line 2", "once"),
    ("twice, quoted", "a: 1\n'a': 2\n", 2, 1, "a", "`a` again, first on line 1", "once"),
    ("number key", "a:\n  1: x\n", 2, 3, "a", "the key `1`, a number", "text as a key"),
    ("truth key", "true: x\n", 1, 1, "", "the key `true`, a truth value", "text as a key"),
    ("no key", "~: x\n", 1, 1, "", "the key `~`, nothing", "text as a key"),
    ("list key", "? [a]\n: 1\n", 1, 3, "", "as a key a list", "text as a key"),
    ("merge", "a: &a {b: 1}\nc:\n  <<: *a\n", 3, 3, "c", "a merge key `<<`", "`extends:"),
    ("python tag", "a: !!python/object:os.x 1\n", 1, 4, "a", "`!!python/object:os.x`", "tags"),
    ("python call", "a: !!python/object/apply:os.abort []\n", 1, 4, "a", "os.abort", "tags"),
    ("own tag", "a:\n- !x {b: 1}\n", 2, 3, "a[0]", "the tag `!x`", "without tags"),
    ("unknown tag", "a: !x!y 1\n", 1, 4, "", "a tag", "without `!`"),
    ("nan", "a:\n  b: .nan\n", 2, 6, "a.b", ".nan", "a finite number"),
    ("inf", "a: [1, -.inf]\n", 1, 8, "a[1]", "-.inf", "a finite number"),
    ("huge", "a: 1e999\n", 1, 4, "a", "1e999, too large", "1.8e308"),
    ("long integer", "a: " + "9" * 400 + "\n", 1, 4, "a", "9..., too large", "1.8e308"),
    ("no anchor", "base: &base 1\na: *bse\n", 2, 4, "a", "`*bse`, named nowhere", "before it"),
    ("in itself", "a: &a [*a]\n", 1, 8, "a[0]", "`*a` inside what it names", "before it"),
]


@pytest.mark.parametrize(
    ("text", "line", "column", "key", "found", "allowed"),
    [pytest.param(*row[1:], id=row[0]) for row in REFUSED_TEXT],
)
def test_a_mistake_is_told_with_its_place(
    tmp_path: Path, text: str | bytes, line: int, column: int, key: str, found: str, allowed: str
) -> None:
    path = write(tmp_path, text)
    problem = refusal(lambda: read(path))
    assert problem.mark == Mark(str(path), line, column)
    assert problem.key == key
    assert found in problem.found
    assert allowed in problem.allowed


def test_an_unknown_escape_is_told_in_words(tmp_path: Path) -> None:
    """The two parsers differ by one column."""
    problem = refusal(lambda: document(tmp_path, 'a: "\\q"\n'))
    assert place(problem) in {(1, 5), (1, 6)}
    assert "`\\` sequence unknown to YAML" in problem.found


@pytest.mark.parametrize("escape", ["\\UFFFFFFFF", "\\ud800"])
def test_an_impossible_character_is_refused(tmp_path: Path, escape: str) -> None:
    problem = refusal(lambda: document(tmp_path, f'a: "{escape}"\n'))
    assert problem.mark.line == 1


def test_a_wrong_alias_suggests_the_nearest(tmp_path: Path) -> None:
    problem = refusal(lambda: document(tmp_path, "base: &base 1\nother: &other 1\na: *bse\n"))
    assert problem.nearest == "base"


def test_several_mistakes_are_told_at_once(tmp_path: Path) -> None:
    text = "a: .inf\nb: !x 1\na: 1\n2: 3\nc: 'open\n"
    problems = refused(lambda: document(tmp_path, text))
    assert [place(problem) for problem in problems] == [(1, 4), (2, 4), (3, 1), (4, 1), (5, 4)]


def test_a_hundred_mistakes_are_enough(tmp_path: Path) -> None:
    problems = refused(lambda: document(tmp_path, "a: 1\n" * 500))
    assert len(problems) == 100


# --- limits


def test_a_file_of_a_megabyte_is_the_largest(tmp_path: Path) -> None:
    text = "a: " + "x" * (1_000_000 - 3)
    assert len(document(tmp_path, text).data["a"]) == 999_997
    problem = refusal(lambda: document(tmp_path, text + "x"))
    assert problem.mark == Mark(str(tmp_path / "x.yaml"), 0, 0)
    assert problem.allowed == "at most 1,000,000 bytes"


def nested(levels: int) -> str:
    """A file whose innermost value stands that many levels deep, the whole being the first."""
    return "a: " + "[" * (levels - 2) + "1" + "]" * (levels - 2) + "\n"


def test_thirty_levels_are_the_deepest(tmp_path: Path) -> None:
    assert document(tmp_path, nested(30)).data
    problem = refusal(lambda: document(tmp_path, nested(31)))
    assert place(problem) == (1, 4 + 29)
    assert (problem.found, problem.allowed) == ("too many levels", "at most 30 levels")


def test_levels_hidden_in_an_alias_count(tmp_path: Path) -> None:
    text = "a: &a " + "[" * 20 + "]" * 20 + "\nb: " + "[" * 10 + "*a" + "]" * 10 + "\n"
    assert document(tmp_path, text.replace("[*a]", "*a")).data
    assert refusal(lambda: document(tmp_path, text)).mark.line == 2


@pytest.mark.parametrize("empty", ["[]", "{}"])
def test_an_empty_value_is_one_level(tmp_path: Path, empty: str) -> None:
    text = f"a: &a {empty}\nb: " + "[" * 28 + "*a" + "]" * 28
    assert document(tmp_path, text).data
    assert refusal(lambda: document(tmp_path, text.replace("*a", "[*a]"))).found


@pytest.mark.parametrize("opening", ["[", "{", "- ", "? ", "[{a: "])
def test_endless_nesting_is_refused_at_the_limit(tmp_path: Path, opening: str) -> None:
    problems = refused(lambda: document(tmp_path, opening * 90_000))
    assert "too many levels" in {problem.found for problem in problems}


def test_fifty_thousand_keys_and_values_are_the_most(tmp_path: Path) -> None:
    fits = 50_000 - 3  # less the whole, the key and the list
    assert len(document(tmp_path, "a: [" + "1," * fits + "]").data["a"]) == fits
    problem = refusal(lambda: document(tmp_path, "a: [" + "1," * fits + "\n1]"))
    assert (place(problem), problem.key) == ((2, 1), f"a[{fits}]")
    assert "at most 50,000 keys and values" in problem.allowed


def test_a_billion_laughs_are_refused_before_they_are_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[object] = []
    monkeypatch.setattr("model.yamlfile._built", lambda *given: built.append(given))
    lines = ["a0: &a0 [x]\n"]
    lines += [f"a{i}: &a{i} [{','.join([f'*a{i - 1}'] * 10)}]\n" for i in range(1, 15)]
    problem = refusal(lambda: document(tmp_path, "".join(lines)))
    assert place(problem) == (6, 14)  # 111,111 + 1 + 1 nodes from here on
    assert problem.found == "too many values"
    assert not built


# --- whatever is read


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text(max_size=200).map(lambda s: s.encode("utf-8"))))
@example(b"")
@example(b"\xef\xbb\xbf\xef\xbb\xbfa: 1")
@example(b'a: "\\UFFFFFFFF"')
def test_whatever_bytes_give_a_document_or_bad_input(content: bytes) -> None:
    only_document_or_bad_input(content)


YAML_PIECES = [
    *("a", "b", "extends", "1", "-1e5", ".nan", "true", "~", "<<", "2020-01-01", "é"),
    *(": ", ":", "- ", ", ", "? ", "[", "]", "{", "}", "\n", "\n  ", "\n ", "\t", "\r", " "),
    *("&a ", "*a", "!x ", "!!str ", "'", '"', "|", ">", "#", "%", "@", "---\n", "...\n", "\\x"),
    *("%YAML 1.2\n", "%TAG ! x\n", "\ufeff", "\x85", "\u2028", "\\U", "!<", "&", "*"),
]


@settings(max_examples=500, deadline=None)
@given(st.lists(st.sampled_from(YAML_PIECES), max_size=30).map("".join))
@example("&a [*a]")
@example("? *a\n: &a x")
def test_whatever_yaml_gives_a_document_or_bad_input(text: str) -> None:
    only_document_or_bad_input(text.encode())


def only_document_or_bad_input(content: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = write(Path(folder), content)
        try:
            found = read(path)
        except BadInput as error:
            check_told(error)
        else:
            assert isinstance(found.data, dict)
            check_marks(found.data, (), found)


def check_told(error: BadInput) -> None:
    assert error.problems
    assert all(problem.mark.line >= 1 <= problem.mark.column for problem in error.problems)
    assert str(error).encode()  # can be printed


def check_marks(data: Any, at: tuple[str | int, ...], found: Document) -> None:
    """Every place has a mark, every key is text and every number finite."""
    assert at in found.marks
    if isinstance(data, dict | list):
        for part, inner in data.items() if isinstance(data, dict) else enumerate(data):
            assert isinstance(part, str if isinstance(data, dict) else int)
            check_marks(inner, (*at, part), found)
    else:
        assert not isinstance(data, float) or math.isfinite(data)
