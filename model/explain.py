"""What pydantic refuses, told as problems at the lines of the file that says it."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import groupby
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic.json_schema import GenerateJsonSchema

from .problems import NO_COMMA, Location, Problem, described, dotted, nearest, shortened
from .yamlfile import Document

Shape = dict[str, Any]
"""What may stand at a place, as JSON Schema says it."""

_MISSING = ("missing", "missing_argument", "missing_keyword_only_argument")
_EXTRA = ("extra_forbidden", "unexpected_keyword_argument")
_MISMATCH = re.compile(r".*_(type|parsing|from_float)|literal_error|enum")  # another kind of value

# By pydantic's type of error; {names} are of its context.
_ALLOWED = {
    "float_type|float_parsing|decimal_.*|complex_.*": "a number",
    "int_.*": "a whole number",
    "finite_number": "a finite number",
    "bool_.*": "true or false",
    "string_type|string_sub_type|string_unicode": "text",
    "string_too_short": "text with {min_length} or more characters",
    "string_too_long": "text with {max_length} or fewer characters",
    "string_pattern_mismatch": "text like {pattern}",
    "dict_type|mapping_type|model_.*|dataclass_.*": "a mapping",
    "(list|tuple|set|frozen_set|iterable)_type": "a list",
    "too_short": "{min_length} or more items",
    "too_long": "{max_length} or fewer items",
    "greater_than": "more than {gt}",
    "greater_than_equal": "at least {ge}",
    "less_than": "less than {lt}",
    "less_than_equal": "at most {le}",
    "multiple_of": "a multiple of {multiple_of}",
    "date_.*": "a date such as 2027-01-31",
    "none_required": "nothing",
}
_PATTERNS = {
    r"^[a-z][a-z0-9_]{0,59}$": "a name in small letters, digits and _, beginning with a letter",
    r"^(19|20)\d\d-(0[1-9]|1[0-2])$": "a month such as 2029-12",
    r"^(19|20)\d\d-(0[1-9]|1[0-2])-([0-2]\d|3[01])$": "a date such as 2029-12-31",
}
_KINDS = {  # by format or type in JSON Schema
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "string": "text",
    "object": "a mapping",
    "array": "a list",
    "date": "a date such as 2027-01-31",
    "path": "a path",
}
_LABELS = {
    "number": ("float", "decimal"),
    "integer": ("int",),
    "boolean": ("bool",),
    "string": ("str", "date", "path"),
    "object": ("dict",),
    "array": ("list", "tuple", "set", "frozenset"),
}


@dataclass(frozen=True)
class _Branch:
    """One way through a union: where the union is, for pydantic and in the data, and its label."""

    raw: Location
    union: Location
    label: str


@dataclass(frozen=True)
class _Fault:
    """One error of pydantic, placed in the data. `slot` parts faults of one location."""

    location: Location
    slot: str  # "extra", "missing", "key" or "value"
    found: str
    allowed: tuple[str, ...]
    names: tuple[str, ...] = ()  # valid names, where a name is wrong
    near: str = ""
    branches: tuple[_Branch, ...] = ()
    mismatch: bool = False


def problems_of(
    error: ValidationError, document: Document, model: type[BaseModel]
) -> list[Problem]:
    """One problem for each mistake, in the order of the file; unions speak with one voice."""
    faults = [_fault(details, document.data, model) for details in error.errors()]
    order = sorted(_told_once(_likely(faults)), key=_place)
    problems = [_merged(list(group), document) for _, group in groupby(order, key=_place)]
    return sorted(problems, key=lambda problem: (problem.mark, problem.key))


def problem_at(
    document: Document, location: Location, found: str, allowed: str, names: Iterable[str] = ()
) -> Problem:
    """A problem that a check across the file found; `names` are those valid there."""
    names = list(names)
    value = _value_at(document.data, location)
    tried = (found.strip("'`\""), value, location[-1] if location else None)
    near = (nearest(name, names) for name in tried if isinstance(name, str))
    return Problem(
        document.mark(location), dotted(location), found, allowed, next(filter(None, near), "")
    )


def _told_once(faults: list[_Fault]) -> list[_Fault]:
    """Without the missing keys that are there misspelt."""
    meant = {
        (*fault.location[:-1], nearest(str(fault.location[-1]), fault.names))
        for fault in faults
        if fault.slot == "extra"
    }
    return [fault for fault in faults if fault.slot != "missing" or fault.location not in meant]


def _place(fault: _Fault) -> tuple[str, str]:
    return repr(fault.location), fault.slot


def _merged(faults: list[_Fault], document: Document) -> Problem:
    """One problem from what the branches of a union say of one place."""
    first = faults[0]
    allowed = list(dict.fromkeys(words for fault in faults for words in fault.allowed))
    names = [name for fault in faults for name in fault.names]
    near = next((fault.near for fault in faults if fault.near), "")
    if names and not near:
        near = nearest(str(_wrong_name(first, document)), names)
    joined = (", " if first.slot == "extra" else " or ").join(allowed)
    mark = document.mark(first.location)
    return Problem(mark, dotted(first.location), first.found, joined, near)


def _wrong_name(fault: _Fault, document: Document) -> Any:
    by_key = fault.slot in ("extra", "key")
    return fault.location[-1] if by_key else _value_at(document.data, fault.location)


def _value_at(data: Any, location: Location) -> Any:
    for part in location:
        if not _has(data, part):
            return None
        data = data[part]
    return data


def _has(data: Any, part: Any) -> bool:
    if isinstance(data, list):
        return isinstance(part, int) and part < len(data)
    return isinstance(data, dict) and part in data


# --- the branch of a union that was meant


def _likely(faults: Iterable[_Fault], depth: int = 0) -> list[_Fault]:
    """The faults without those of branches that the writer hardly meant."""
    kept: list[_Fault] = []
    unions: dict[Location, dict[str, list[_Fault]]] = {}
    for fault in faults:
        if len(fault.branches) <= depth:
            kept.append(fault)
        else:
            branch = fault.branches[depth]
            unions.setdefault(branch.raw, {}).setdefault(branch.label, []).append(fault)
    for labelled in unions.values():
        for branch_faults in _meant(list(labelled.values()), depth):
            kept += _likely(branch_faults, depth + 1)
    return kept


def _meant(branches: list[list[_Fault]], depth: int) -> list[list[_Fault]]:
    """Of the branches that take this kind of value, those with fewest faults; or else all."""
    fitting = [branch for branch in branches if not _is_mismatch(branch, depth)]
    fewest = min(map(len, fitting), default=0)
    return [branch for branch in fitting if len(branch) == fewest] or branches


def _is_mismatch(branch: list[_Fault], depth: int) -> bool:
    """Whether a branch refuses the value as a whole for its kind."""
    return all(fault.mismatch and fault.location == fault.branches[depth].union for fault in branch)


# --- from one error to one fault


def _fault(details: Any, data: Any, model: type[BaseModel]) -> _Fault:
    error, raw = details["type"], details["loc"]
    schema = _schema(model)
    defs: Mapping[str, Shape] = schema.get("$defs", {})
    walk = _Walk(data, _alternatives(schema, defs), defs)
    walk.follow(raw, error in _MISSING + _EXTRA)
    fault = _told(error, walk, details)
    mismatch = bool(_MISMATCH.fullmatch(error))
    return replace(fault, branches=walk.branches, mismatch=mismatch)


def _told(error: str, walk: "_Walk", details: Any) -> _Fault:
    context = details.get("ctx", {})
    if error in _EXTRA:
        return _unknown_key(walk)
    if error in _MISSING:
        return _Fault(walk.location, "missing", "nothing", (_required(walk),))
    if error.startswith("union_tag_"):
        return _wrong_tag(walk, context)
    found = f"the key `{walk.location[-1]}`" if walk.on_key else described(walk.data)
    slot = "key" if walk.on_key else "value"
    if error == "problem":
        fault = _Fault(walk.location, slot, found, (details["msg"],))
        return _as_raised(fault, context, walk.data)
    names = _listed(context.get("expected", ""))
    if pattern := _pattern(error, walk, context):
        return _Fault(walk.location, slot, found, (pattern,))
    allowed = _one_of(names) if names else _allowed(error, details["msg"], context)
    return _Fault(walk.location, slot, found, (allowed,), names)


def _pattern(error: str, walk: "_Walk", context: Mapping[str, Any]) -> str:
    """The words for a pattern that text, or a bare year, should have had."""
    patterns = [context.get("pattern")]
    if error == "string_type":
        patterns += [shape.get("pattern") for shape in walk.shapes]
    return next((_PATTERNS[known] for known in patterns if known in _PATTERNS), "")


def _unknown_key(walk: "_Walk") -> _Fault:
    names = tuple(
        dict.fromkeys(key for outer in walk.around for key in outer.get("properties", ()))
    )
    found = f"unknown key {shortened(repr(walk.location[-1]))}"
    if re.fullmatch("[0-9]{3}", str(walk.location[-1])):  # {value: 14,000}
        return _Fault(walk.location, "extra", found, (NO_COMMA,))
    return _Fault(walk.location, "extra", found, names or ("no such key",), names)


def _required(walk: "_Walk") -> str:
    fields = [shape for outer in walk.around for shape in _inside(outer, walk.location[-1])]
    words = " or ".join(dict.fromkeys(map(_kind, walk.shapes))) or "a value"
    says = next((shape["description"] for shape in fields if "description" in shape), "")
    says = re.sub(r"[0-9.]+e\+[0-9]+", lambda number: f"{float(number[0]):,.0f}", says)
    return f"{words} (required): {shortened(says, 100)}" if says else f"{words} (required)"


def _wrong_tag(walk: "_Walk", context: Mapping[str, Any]) -> _Fault:
    """The field that tells the branches of a union apart is missing or names none of them."""
    key = context["discriminator"].strip("'")
    tags = _listed(context.get("expected_tags", ""))
    tags = tags or tuple(tag for shape in walk.shapes for tag in walk.tags(shape, key))
    location = (*walk.location, key) if key.isidentifier() else walk.location
    value = _value_at(walk.data, location[len(walk.location) :])
    slot = "value" if "tag" in context else "missing"
    return _Fault(location, slot, described(value), (_one_of(tags),), tags)


def _existing(data: Any, parts: Iterable[str | int]) -> Location:
    """The parts as far as the data has them: a bare number has no `value` of its own."""
    location: Location = ()
    for part in parts:
        if not _has(data, part):
            break
        data, location = data[part], (*location, part)
    return location


def _as_raised(fault: _Fault, context: Mapping[str, Any], data: Any) -> _Fault:
    """The fault with the words of a validator that raised PydanticCustomError("problem", ...)."""
    return replace(
        fault,
        location=(*fault.location, *_existing(data, context.get("at", ()))),
        found=context.get("found") or fault.found,
        allowed=(context["allowed"],) if "allowed" in context else fault.allowed,
        near=context.get("nearest") or "",
    )


def _allowed(error: str, message: str, context: Mapping[str, Any]) -> str:
    if "error" in context:  # a validator's ValueError
        return str(context["error"])
    numbers = {name: _short(value) for name, value in context.items()}
    for pattern, words in _ALLOWED.items():
        if re.fullmatch(pattern, error):
            return words.format_map(numbers)
    return message.removeprefix("Input should be ")


def _short(value: Any) -> Any:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _one_of(names: Iterable[str]) -> str:
    return "one of: " + ", ".join(names)


def _listed(expected: str) -> tuple[str, ...]:
    """pydantic's "'a', 'b' or 3" as names."""
    quoted = re.compile(r"'((?:[^'\\]|\\.)*)'|([^\s,']+)")
    found = [text or bare for text, bare in quoted.findall(expected) if text or bare != "or"]
    return tuple(found)


# --- from pydantic's location to a place in the data


@dataclass
class _Walk:
    """A step by step walk through the data and the model's JSON Schema at once."""

    data: Any
    shapes: list[Shape]  # what may stand here
    defs: Mapping[str, Shape]
    around: list[Shape] = field(default_factory=list)  # what may stand one level up
    location: Location = ()
    branches: tuple[_Branch, ...] = ()
    on_key: bool = False

    def follow(self, raw: Location, names_key: bool) -> None:
        """Walk all parts; `names_key`: the last is a key even where the data has none.

        What is neither label nor key is pydantic's own: a validator's name, a union in a union.
        """
        for index, part in enumerate(raw):
            last = index == len(raw) - 1
            if part == "[key]" and last:
                self.on_key = True
            elif meant := self._labelled(str(part)):
                self._branch(raw[: index + 1], meant)
            elif _has(self.data, part) or (last and names_key):
                self._step(part)
            elif len(self.shapes) > 1:
                self._branch(raw[: index + 1], self.shapes)

    def _branch(self, raw: Location, shapes: list[Shape]) -> None:
        union = _Branch(raw[:-1], self.location, str(raw[-1]))
        self.branches, self.shapes = (*self.branches, union), shapes

    def _labelled(self, label: str) -> list[Shape]:
        """The branches of a union that pydantic's label means; none where no union is."""
        if len(self.shapes) < 2:
            return []
        plain = label
        while plain.startswith("function-"):  # function-after[check(), Model]
            plain = plain.partition(", ")[2].removesuffix("]")
        plain = plain.partition("[")[0]
        tagged = [shape for shape in self.shapes if label in self._tags(shape)]
        return tagged or [shape for shape in self.shapes if plain in _labels(shape)]

    def _tags(self, shape: Shape) -> list[str]:
        return [tag for key in shape.get("properties", ()) for tag in self.tags(shape, key)]

    def tags(self, shape: Shape, key: str) -> list[str]:
        """The names that a field of a mapping may hold, if it is one of a few."""
        inner = _alternatives(shape.get("properties", {}).get(key, {}), self.defs)
        return [name for each in inner for name in _choices(each)]

    def _step(self, part: str | int) -> None:
        self.data = self.data[part] if _has(self.data, part) else None
        self.around = self.shapes
        inner = [shape for outer in self.shapes for shape in _inside(outer, part)]
        self.shapes = [shape for each in inner for shape in _alternatives(each, self.defs)]
        self.location = (*self.location, part)


class _Lenient(GenerateJsonSchema):
    """JSON Schema of whatever can be said in it; anything goes for the rest."""

    def handle_invalid_for_json_schema(self, schema: Any, error_info: str) -> Shape:  # noqa: ARG002
        return {}

    def emit_warning(self, kind: Any, detail: str) -> None:
        pass


@cache
def _schema(model: type[BaseModel]) -> Shape:
    return model.model_json_schema(schema_generator=_Lenient)


def _alternatives(shape: Shape, defs: Mapping[str, Shape]) -> list[Shape]:
    """The shapes a schema stands for, without null and references."""
    if "$ref" in shape:
        name = shape["$ref"].rpartition("/")[2]
        return _alternatives({"title": name, **defs.get(name, {})}, defs)
    for union in ("anyOf", "oneOf", "allOf"):
        if union in shape:
            return [each for part in shape[union] for each in _alternatives(part, defs)]
    return [] if shape.get("type") == "null" else [shape]


def _inside(outer: Shape, part: str | int) -> list[Shape]:
    """The schemas of what stands under a key or index."""
    if isinstance(part, int):
        first: list[Shape] = outer.get("prefixItems", [])
        return [first[part]] if part < len(first) else [outer.get("items", {})]
    if part in outer.get("properties", {}):
        return [outer["properties"][part]]
    others = [*outer.get("patternProperties", {}).values(), outer.get("additionalProperties")]
    return [shape for shape in others if isinstance(shape, dict)]


def _labels(shape: Shape) -> tuple[str, ...]:
    """What pydantic may call this branch of a union."""
    if _choices(shape):
        return ("literal", "enum", str(shape.get("title")))
    if "properties" in shape:
        return (str(shape.get("title")),)
    return _LABELS.get(str(shape.get("type")), ())


def _choices(shape: Shape) -> tuple[str, ...]:
    values = shape.get("enum", [shape["const"]] if "const" in shape else [])
    return tuple(map(str, values))


def _kind(shape: Shape) -> str:
    """What a schema asks for, to the writer of a file."""
    if names := _choices(shape):
        return _one_of(names)
    return _KINDS.get(shape.get("format") or str(shape.get("type")), "a value")
