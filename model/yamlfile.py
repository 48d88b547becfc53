"""Scenario files as documents: read, laid over each other, changed by a setting.

Every mistake is a BadInput with file, line and column; no other exception leaves this module.
"""

import codecs
import os
import re
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from pathlib import Path
from typing import Any, NoReturn

from .problems import BadInput, Location, Mark, Problem, described, dotted, kind, nearest, shortened
from .yamlnodes import MAX_BYTES, MAX_DEPTH, Composer, Entry, Node, after

MAX_CHAIN = 10

_SETTING_PATH = re.compile(r"[^.\[\]]+(\.[^.\[\]]+|\[[0-9]{1,9}\])*")


@dataclass(frozen=True)
class Document:
    """Plain data, and the mark of every key and list element; () is the whole document."""

    data: Any
    marks: Mapping[Location, Mark]
    path: str

    def mark(self, location: Location) -> Mark:
        """The mark of the location, or of the nearest place around it that has one."""
        while location and location not in self.marks:
            location = location[:-1]
        return self.marks.get(location, Mark(self.path, 1, 1))


def read(path: Path) -> Document:
    """The mapping in a YAML file; BadInput, and nothing else, when it cannot be read."""
    text = _text(path)
    entry = Composer(text, str(path)).document()
    mark, node = entry or _refuse(
        Mark(str(path), 1, 1), "a file without data", "`key: value` lines"
    )
    if not isinstance(node.value, dict):
        _refuse(mark, f"{kind(node.value)} as the whole file", "a mapping (`key: value` lines)")
    return _document(mark, node, str(path))


def overlay(parent: Document, child: Document) -> Document:
    """The parent with what the child says: mappings merge, lists replace, null deletes.

    What both mention, such as a mapping with additions, has the child's mark.
    """
    merge = _Merge(child)
    data = merge.merged(parent.data, child.data, ())
    if merge.problems:
        raise BadInput(merge.problems)
    kept = {at: mark for at, mark in parent.marks.items() if not merge.replaces(at)}
    said = {at: mark for at, mark in child.marks.items() if at not in merge.deleted}
    return Document(data, kept | said, child.path)


def read_chain(path: Path, shipped: Path) -> Document:
    """The file laid over the one it `extends`, and so on; `shipped` is the second place to look."""
    return reduce(overlay, chain(path, shipped))


def chain(path: Path, shipped: Path) -> list[Document]:
    """The files that `read_chain` lays over each other, the lowest first, without `extends`."""
    paths, documents = [path], [read(path)]
    while "extends" in documents[-1].data:
        paths.append(_parent(documents[-1], paths, shipped))
        documents.append(read(paths[-1]))
    return [without(document, "extends") for document in reversed(documents)]


def assign(document: Document, setting: str) -> Document:
    """The document with one `dotted.path=value`; the value is YAML on one line, null deletes."""
    spot = setting_mark(setting)
    path, equals, text = setting.partition("=")
    path = path.strip()
    if not equals or not _SETTING_PATH.fullmatch(path):
        _refuse(
            spot,
            f"`{shortened(setting)}`",
            "`dotted.path=value`, as in `interventions.X.staff.posts=12`",
        )
    entry = Composer(text, spot.file, one_line=True).document()
    _, node = entry or _refuse(spot, "no value", "a value, or null to delete", path)
    location = _resolved(document.data, path, spot)
    if len(location) + node.depth > MAX_DEPTH:
        _refuse(spot, "too deep a path", f"at most {MAX_DEPTH} levels", dotted(location))
    if node.value is None:
        return _deleted(document, location, spot)
    value = _document(spot, node, spot.file)
    old = reduce(_inside, location, document.data)
    if is_bare(value.data) and has_unit(old):
        spots = dict(value.marks) | {("value",): spot, ("unit",): spot}
        value = Document(in_its_unit(value.data, old), spots, value.path)
    return replaced(document, location, value)


def part_at(document: Document, location: Location) -> Document:
    """What stands at a location, as a document of its own."""
    size = len(location)
    marks = {at[size:]: mark for at, mark in document.marks.items() if at[:size] == location}
    return Document(reduce(_inside, location, document.data), marks, document.path)


def replaced(document: Document, location: Location, value: Document) -> Document:
    """The document with another value at a location."""
    marks = _marks_outside(document, location)
    spot = value.mark(())
    for length in range(1, len(location)):
        marks.setdefault(location[:length], spot)
    marks |= {location + inner: mark for inner, mark in value.marks.items()}
    return Document(_with(document.data, location, value.data), marks, document.path)


def without(document: Document, *keys: str) -> Document:
    """The document without some keys at its top."""
    data = {key: value for key, value in document.data.items() if key not in keys}
    marks = {at: mark for at, mark in document.marks.items() if not at or at[0] not in keys}
    return Document(data, marks, document.path)


def setting_mark(setting: str) -> Mark:
    """The place of what a setting says."""
    return Mark("--set " + shortened(setting, 80), 1, 1)


def _document(mark: Mark, node: Node, path: str) -> Document:
    marks: dict[Location, Mark] = {}
    return Document(_built((mark, node), (), marks), marks, path)


def _built(entry: Entry, at: Location, marks: dict[Location, Mark]) -> Any:
    """The plain data of a node; aliases are written out, each place with a mark of its own."""
    marks[at], node = entry
    if isinstance(node.value, dict):
        return {key: _built(inner, (*at, key), marks) for key, inner in node.value.items()}
    if isinstance(node.value, list):
        return [_built(inner, (*at, index), marks) for index, inner in enumerate(node.value)]
    return node.value


def _refuse(mark: Mark, found: str, allowed: str, key: str = "", near: str = "") -> NoReturn:
    raise BadInput([Problem(mark, key, found, allowed, near)])


# --- from a path to text


def _text(path: Path) -> str:
    start = Mark(str(path), 0, 0)
    content = _content(path, start)
    if len(content) > MAX_BYTES:
        _refuse(start, "a file that is too large", f"at most {MAX_BYTES:,} bytes")
    try:
        content = content.removeprefix(codecs.BOM_UTF8)
        return content.decode()
    except UnicodeDecodeError as error:
        bad = after(str(path), content[: error.start].decode())
        _refuse(bad, f"the byte 0x{content[error.start]:02x}, not UTF-8", "text in UTF-8")


def _content(path: Path, start: Mark) -> bytes:
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):
            _refuse(start, "a folder" if stat.S_ISDIR(mode) else "no regular file", "a file")
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except FileNotFoundError:
        near = nearest(path.name, _names(path.parent))
        _refuse(start, "no such file", "an existing file", near=near)
    except PermissionError:
        _refuse(start, "a file without permission to read it", "a readable file")
    except (OSError, ValueError) as error:
        _refuse(start, f"a path that cannot be opened ({error})", "an existing file")


def _names(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir())
    except (OSError, ValueError):
        return []


# --- one document over another


@dataclass
class _Merge:
    """What laying the child over a parent replaces and deletes, and what is wrong with it."""

    child: Document
    problems: list[Problem] = field(default_factory=list)
    replaced: set[Location] = field(default_factory=set)
    deleted: set[Location] = field(default_factory=set)

    def merged(self, old: Any, new: Any, at: Location) -> Any:
        """The data at one place; what is not a mapping on both sides is replaced whole.

        A bare number keeps the unit of the number that it replaces.
        """
        if is_bare(new) and has_unit(old):
            self.replaced.add(at)
            return in_its_unit(new, old)
        if not (isinstance(old, dict) and isinstance(new, dict)):
            self.replaced.add(at)
        if not isinstance(new, dict):
            return new
        fields = dict(old) if isinstance(old, dict) else {}
        for key, value in new.items():
            self._merge_field(fields, key, value, (*at, key))
        return fields

    def _merge_field(self, fields: dict[str, Any], key: str, value: Any, at: Location) -> None:
        if value is not None:
            fields[key] = self.merged(fields.get(key), value, at)
        elif key in fields:
            del fields[key]
            self.replaced.add(at)
            self.deleted.add(at)
        else:
            self.problems.append(_nothing_to_delete(self.child.mark(at), at, fields))

    def replaces(self, at: Location) -> bool:
        """Whether what stood at a place of the parent is gone."""
        return any(at[:length] in self.replaced for length in range(len(at) + 1))


def is_bare(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def has_unit(old: Any) -> bool:
    """Whether a number is in a unit that a bare number in its place would be meant in.

    Per cent is not one: 0.4 in place of 50 % is meant as a share.
    """
    unit = old.get("unit") if isinstance(old, dict) else None
    return isinstance(unit, str) and not unit.startswith("%") and unit != "percent"


def in_its_unit(number: Any, old: Any) -> dict[str, Any]:
    """A number that replaces one with a unit is in that unit: 144000 for 150000 USD/year."""
    return {"value": number, "unit": old["unit"]}


def _nothing_to_delete(mark: Mark, at: Location, names: Iterable[str]) -> Problem:
    found = f"null for `{at[-1]}`, which is not there to delete"
    return Problem(
        mark, dotted(at), found, "null for a key that is there", nearest(str(at[-1]), names)
    )


# --- a document and those it extends


def _parent(child: Document, paths: Sequence[Path], shipped: Path) -> Path:
    """The file that the last of `paths` extends, if it lies where it may."""
    name, mark = child.data["extends"], child.mark(("extends",))
    path = named_file(name, paths[-1], (paths[-1].parent, shipped), mark, top=paths[0].parent)
    names = " -> ".join([*(earlier.name for earlier in paths), path.name])
    if any(os.path.realpath(earlier) == os.path.realpath(path) for earlier in paths):
        _refuse(mark, f"a circle: {names}", "files that do not extend themselves", "extends")
    if len(paths) >= MAX_CHAIN:
        _refuse(mark, f"a longer chain: {names}", f"at most {MAX_CHAIN} files", "extends")
    return path


def named_file(
    name: Any,
    asker: Path,
    folders: tuple[Path, ...],
    mark: Mark,
    key: str = "extends",
    top: Path | None = None,
) -> Path:
    """The file of a plain name in the first folder that has it; it may not lead outside them.

    `top` may stand in for the first folder as the place to stay inside.
    """
    if not _is_plain(name):
        _refuse(mark, described(name), "the name of a file, without folders", key)
    path = _located(name, folders, mark, asker.name, key)
    real = Path(os.path.realpath(path))
    inside = (folders[0] if top is None else top, *folders[1:])
    if not any(real.is_relative_to(os.path.realpath(folder)) for folder in inside):
        allowed = f"a file inside {' or '.join(map(str, inside))}"
        _refuse(mark, f"`{name}`, which leads outside to {real}", allowed, key)
    return path


def _is_plain(name: Any) -> bool:
    """Whether a value names a file on Linux, macOS and Windows and names no folder."""
    return isinstance(name, str) and name not in ("", ".", "..") and not set(name) & set("/\\:")


def _located(name: str, folders: Iterable[Path], mark: Mark, asker: str, key: str) -> Path:
    candidates = [folder / name for folder in folders]
    for path in candidates:
        if os.path.isfile(path):  # noqa: PTH113  Path.is_file may raise
            return path
    files = [file for path in candidates for file in _names(path.parent)]
    near = nearest(name, (file for file in files if file.endswith(".yaml") and file != asker))
    places = " or ".join(dict.fromkeys(str(path.parent) for path in candidates))
    _refuse(mark, f"`{name}`, which is not there", f"a file in {places}", key, near)


# --- a setting


def _resolved(data: Any, path: str, spot: Mark) -> Location:
    """The location that a dotted path means in the data; mappings may be missing on the way."""
    location: Location = ()
    for name in re.findall(r"[^.\[\]]+|\[[0-9]+\]", path):
        part = _part(data, name, location, spot)
        location = (*location, part)
        data = _inside(data, part)
    return location


def _inside(data: Any, part: str | int) -> Any:
    """What stands under a key or index; None where nothing does."""
    if isinstance(data, dict):
        return data.get(part)
    return None if data is None else data[part]


def _part(data: Any, name: str, at: Location, spot: Mark) -> str | int:
    """A key or an index, whichever the data has at this place."""
    if isinstance(data, list):
        return _index(data, name, at, spot)
    if data is not None and not isinstance(data, dict):
        found = f"{described(data)}, which has nothing inside"
        _refuse(spot, found, "a path through mappings and lists", dotted(at))
    if name.startswith("["):
        _refuse(spot, f"{name} where there is no list", "names between dots", dotted(at))
    return name


def _index(items: list[Any], name: str, at: Location, spot: Mark) -> int:
    digits = name.strip("[]")
    if re.fullmatch("[0-9]{1,9}", digits) and int(digits) < len(items):
        return int(digits)
    allowed = f"an index from 0 to {len(items) - 1}" if items else "no index: the list is empty"
    _refuse(spot, f"`{digits}` as an index", allowed, dotted(at))


def _with(data: Any, location: Location, value: Any) -> Any:
    """A copy of the data with one value changed; mappings appear where nothing was."""
    if not location:
        return value
    part, rest = location[0], location[1:]
    if isinstance(data, list):
        index = int(part)
        return [*data[:index], _with(data[index], rest, value), *data[index + 1 :]]
    fields = data or {}
    return fields | {part: _with(fields.get(part), rest, value)}


def _deleted(document: Document, location: Location, spot: Mark) -> Document:
    *above, last = location
    around = reduce(_inside, above, document.data)
    if isinstance(around, list):
        left: Any = [item for index, item in enumerate(around) if index != last]
    elif around and last in around:
        left = {key: value for key, value in around.items() if key != last}
    else:
        raise BadInput([_nothing_to_delete(spot, location, around or ())])
    marks = _marks_outside(document, location)
    if isinstance(last, int):
        marks = {_moved_up(at, location): mark for at, mark in marks.items()}
    return Document(_with(document.data, tuple(above), left), marks, document.path)


def _moved_up(at: Location, gone: Location) -> Location:
    """Where a place is once the list element `gone` is."""
    last = len(gone) - 1
    index = at[last] if len(at) > last and at[:last] == gone[:last] else -1
    if int(index) < int(gone[last]):
        return at
    return (*at[:last], int(index) - 1, *at[last + 1 :])


def _marks_outside(document: Document, location: Location) -> dict[Location, Mark]:
    size = len(location)
    return {at: mark for at, mark in document.marks.items() if at[:size] != location}
