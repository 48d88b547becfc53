"""Text into checked nodes: YAML as people mean it, every value with its place.

Differences from YAML 1.1, each because it surprised somebody: only true and false are booleans;
1e-3 and 62.5e6 are numbers; dates, 012, 0x10, 1:30 and 1_000 stay text; no merge keys, no tags.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import yaml

from .problems import (
    NO_COMMA,
    BadInput,
    Location,
    Mark,
    Problem,
    dotted,
    kind,
    nearest,
    shortened,
)

MAX_BYTES = 1_000_000
MAX_DEPTH = 30
MAX_NODES = 50_000  # keys and values, aliases counted as if written out
MAX_PROBLEMS = 100  # told at once

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|(0|[1-9][0-9]*)(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_WORDS = dict.fromkeys(("", "~", "null", "Null", "NULL")) | {
    word: word.lower() == "true" for word in ("true", "True", "TRUE", "false", "False", "FALSE")
}

# The parser's message, what it means, what to write instead; True: told where the thing began.
_SYNTAX = (
    (
        "mapping (values|keys) are",
        "a `:` or `?` where no key can be",
        "one `key: value` on a line, indented like its neighbours; text with `: ` in quotes",
        False,
    ),
    ("expected ':'", "a line without a `:`", "`key: value` on each line", True),
    ("unexpected end of stream", "a quote that is never closed", "quotes in pairs", True),
    ("found character", "a character that no value can start with", "such text in quotes", False),
    (
        "expected ',' or",
        "a bracket of line {line} not closed, or no comma",
        "`[1, 2]` or `{a: 1}`",
        False,
    ),
    ("entries are not", "a `-` where no list can start", "the list on lines below its key", False),
    ("escape", "a `\\` sequence unknown to YAML", "single quotes, or `\\\\` for a `\\`", False),
    ("alphabetic or numeric", "a value that starts with & or *", "such text in quotes", False),
    (" tag", "a tag", "plain values without `!`", False),
    ("node content", "a `,` or bracket where a value belongs", "such text in quotes", False),
    (
        "expected (<block end>|key|'-')",
        "a line that does not fit the lines above it",
        "entries of one block indented alike, quotes and brackets in pairs",
        False,
    ),
)


@dataclass(slots=True)
class Node:
    """A value before aliases are written out; `size` and `depth` are those after."""

    value: Any  # a scalar, list[Entry] or dict[str, Entry]
    size: int
    depth: int


Entry = tuple[Mark, Node]


class Composer:
    """Nodes from the parser's events. Limits stop it before anything is expanded.

    `one_line` is for a setting: one mark for all, no block mappings or lists.
    """

    def __init__(self, text: str, file: str, one_line: bool = False) -> None:
        self.text, self.file, self.one_line = text, file, one_line
        self.problems: list[Problem] = []
        self.anchors: dict[str, Node | None] = {}  # None while it is being read
        self.count = 0
        self.events: Iterator[Any] = iter(())

    def document(self) -> Entry | None:
        """The only document of the text; None when there is nothing in it."""
        try:
            self._check_characters()
            self.events = yaml.parse(self.text, Loader=LOADER)
            entry = self._only_document()
        except yaml.YAMLError as error:
            self._stop(*self._explained(error))
        except (ValueError, OverflowError) as error:  # from \U escapes, in the Python parser
            self._stop(self._at(None), f"YAML that cannot be read ({error})", "valid YAML")
        if self.problems:
            raise BadInput(self.problems)
        return entry

    def _check_characters(self) -> None:
        if bad := _UNPRINTABLE.search(self.text):
            mark = after(self.file, self.text[: bad.start()])
            self._stop(self._single(mark), _character(bad.group()), "printable text")

    def _only_document(self) -> Entry | None:
        next(self.events)  # the start of the stream
        event = next(self.events)
        if isinstance(event, yaml.StreamEndEvent):
            return None
        event = next(self.events)
        entry = None if _is_empty(event) else self._entry(event, (), 1)
        next(self.events)  # the end of the document
        event = next(self.events)
        if not isinstance(event, yaml.StreamEndEvent):
            self._stop(self._at(event.start_mark), "a second document", "one document in a file")
        return entry

    def _entry(self, event: Any, at: Location, depth: int) -> Entry:
        mark = self._at(event.start_mark)
        if isinstance(event, yaml.AliasEvent):
            return mark, self._alias(event.anchor, mark, at, depth)
        before = self.count
        self._grow(1, depth, mark, at)
        if event.anchor:
            self.anchors[event.anchor] = None
        value, inner = self._value(event, mark, at, depth)
        node = Node(value, self.count - before, inner + 1)
        if event.anchor:
            self.anchors[event.anchor] = node
        return mark, node

    def _alias(self, name: Any, mark: Mark, at: Location, depth: int) -> Node:
        node = self.anchors.get(name)
        if node is None:
            inside = name in self.anchors
            found = f"`*{name}` inside what it names" if inside else f"`*{name}`, named nowhere"
            near = nearest(name, (known for known in self.anchors if known != name))
            self._stop(mark, found, "an `&anchor` that stands before it", at, near)
        self._grow(node.size, depth + node.depth - 1, mark, at)
        return node

    def _grow(self, size: int, depth: int, mark: Mark, at: Location) -> None:
        self.count += size
        if self.count > MAX_NODES:
            allowed = f"at most {MAX_NODES:,} keys and values, aliases written out"
            self._stop(mark, "too many values", allowed, at)
        if depth > MAX_DEPTH:
            self._stop(mark, "too many levels", f"at most {MAX_DEPTH} levels", at)

    def _value(self, event: Any, mark: Mark, at: Location, depth: int) -> tuple[Any, int]:
        """The value and the number of levels inside it."""
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            self._note(mark, f"the tag `{tag}`", "plain values without tags", at)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event, mark, at), 0
        if self.one_line and not event.flow_style:
            self._stop(mark, "a block", "a value, `[1, 2]` or `{a: 1}`; `: ` in quotes", at)
        if isinstance(event, yaml.SequenceStartEvent):
            items = self._items(at, depth + 1)
            return items, max((node.depth for _, node in items), default=0)
        fields = self._fields(at, depth + 1)
        return fields, max((node.depth for _, node in fields.values()), default=0)

    def _items(self, at: Location, depth: int) -> list[Entry]:
        items: list[Entry] = []
        while not isinstance(event := next(self.events), yaml.SequenceEndEvent):
            items.append(self._entry(event, (*at, len(items)), depth))
        return items

    def _fields(self, at: Location, depth: int) -> dict[str, Entry]:
        fields: dict[str, Entry] = {}
        while not isinstance(event := next(self.events), yaml.MappingEndEvent):
            mark, key = self._key(event, at, depth)
            here = at if key is None else (*at, key)
            _, node = self._entry(next(self.events), here, depth)
            if key in fields:
                found = f"the key `{key}` again, first on line {fields[key][0].line}"
                self._note(mark, found, _comma_or("each key once", str(key)), here)
            elif key is not None:
                fields[key] = mark, node
        return fields

    def _key(self, event: Any, at: Location, depth: int) -> tuple[Mark, str | None]:
        """None for a key that is refused."""
        mark, node = self._entry(event, at, depth)
        if isinstance(event, yaml.ScalarEvent) and event.implicit[0] and event.value == "<<":
            self._note(mark, "a merge key `<<`", "`extends: other.yaml` at the top of a file", at)
        elif isinstance(node.value, str):
            return mark, node.value
        else:
            written = getattr(event, "value", "")
            what = f"the key `{shortened(written)}`, " if written else "as a key "
            allowed = _comma_or("text as a key, in quotes if need be", written)
            self._note(mark, what + kind(node.value), allowed, at)
        return mark, None

    def _scalar(self, event: Any, mark: Mark, at: Location) -> str | int | float | bool | None:
        text: str = event.value
        if bad := _UNPRINTABLE.search(text):
            self._note(mark, _character(bad.group()), "printable text", at)
        if not event.implicit[0]:  # quoted
            return text
        if _NOT_FINITE.fullmatch(text):
            self._note(mark, text, "a finite number", at)
        elif _FLOAT.fullmatch(text) and math.isinf(float(text)):
            self._note(mark, f"{shortened(text)}, too large a number", "at most 1.8e308", at)
            return text
        return _plain(text)

    def _explained(self, error: yaml.YAMLError) -> tuple[Mark, str, str]:
        """Where the syntax is wrong, what was found and what is allowed, in a person's words."""
        problem = str(getattr(error, "problem", None) or error)
        mark = self._at(getattr(error, "problem_mark", None))
        if tab := self._tab(mark):
            return tab, "a tab in the indentation", "spaces"
        for pattern, found, allowed, at_start in _SYNTAX:
            if re.search(pattern, problem):
                begun = self._at(getattr(error, "context_mark", None))
                return begun if at_start else mark, found.format(line=begun.line), allowed
        return mark, f"YAML that cannot be read ({problem})", "valid YAML"

    def _tab(self, mark: Mark) -> Mark | None:
        lines = self.text.splitlines()
        line = lines[mark.line - 1] if mark.line <= len(lines) else ""
        indent = line[: len(line) - len(line.lstrip(" \t"))]
        if "\t" not in indent or self.one_line:
            return None
        return Mark(self.file, mark.line, indent.index("\t") + 1)

    def _at(self, mark: Any) -> Mark:
        if mark is None:
            return Mark(self.file, 1, 1)
        return self._single(Mark(self.file, mark.line + 1, mark.column + 1))

    def _single(self, mark: Mark) -> Mark:
        return Mark(self.file, 1, 1) if self.one_line else mark

    def _note(self, mark: Mark, found: str, allowed: str, at: Location, near: str = "") -> None:
        self.problems.append(Problem(mark, dotted(at), found, allowed, near))
        if len(self.problems) >= MAX_PROBLEMS:
            raise BadInput(self.problems)

    def _stop(
        self, mark: Mark, found: str, allowed: str, at: Location = (), near: str = ""
    ) -> NoReturn:
        self._note(mark, found, allowed, at, near)
        raise BadInput(self.problems)


def _comma_or(allowed: str, key: str) -> str:
    """What is allowed where a key may be the end of a number, as in {value: 14,000}."""
    return NO_COMMA if re.fullmatch("[0-9]{3}", key) else allowed


def after(file: str, before: str) -> Mark:
    """The mark of the character that follows the text `before`."""
    lines = (before + "x").splitlines()
    return Mark(file, len(lines), len(lines[-1]))


def _plain(text: str) -> str | int | float | bool | None:
    """An unquoted scalar: null, true, false, a number in decimal digits, or else text."""
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _character(char: str) -> str:
    return f"the character U+{ord(char):04X}"


def _is_empty(event: Any) -> bool:
    """Whether an event is the value that YAML puts where nothing is written."""
    scalar = isinstance(event, yaml.ScalarEvent)
    return scalar and event.implicit[0] and event.value == "" and event.anchor is None
