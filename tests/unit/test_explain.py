"""What pydantic refuses, in words, at the line that says it."""

from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    Tag,
    ValidationError,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from model.explain import problem_at, problems_of
from model.problems import BadInput, Mark, Problem
from model.yamlfile import Document, read

Place = tuple[int, int, str]


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Colour(Enum):
    RED = "red"
    GREEN = "green"


class Leaf(Part):
    size: float
    colour: Colour = Colour.RED


class Normal(Part):
    kind: Literal["normal"]
    mean: float
    sd: float


class Uniform(Part):
    kind: Literal["uniform"]
    low: float
    high: float

    @model_validator(mode="after")
    def _in_order(self) -> "Uniform":
        if self.low > self.high:
            raise ValueError("low at most high")
        return self


class Bare(Part):
    """Two shapes without a tag, told apart by their keys."""

    mode: float
    spread: float


class Wide(Part):
    bottom: float
    top: float


def refuse_odd(number: int) -> int:
    if number % 2:
        raise PydanticCustomError(
            "problem",
            "{allowed}",
            {"found": f"{number}, odd", "allowed": "an even number", "nearest": "two"},
        )
    return number


def refuse_three(number: int) -> int:
    if number == 3:
        raise PydanticCustomError("problem", "anything but three")
    return number


class Tree(Part):
    @model_validator(mode="after")
    def _check(self) -> "Tree":
        if self.months < 0:
            raise ValueError("months not before the start")
        if self.leaf and self.leaf.size == 13:
            raise PydanticCustomError(
                "problem", "{allowed}", {"allowed": "another size", "at": ["leaf", "size"]}
            )
        return self

    months: int = 1
    share: float = Field(default=0.5, ge=0, le=1)
    cost: float = Field(default=1.0, gt=0, strict=True)
    flag: bool = Field(default=False, strict=True)
    name: str = Field(default="x", min_length=1, max_length=5)
    code: str = Field(default="a1", pattern="^[a-z][0-9]$")
    side: Literal["left", "right hand"] = "left"
    mixed: Literal["a", 3] = "a"
    only: Literal["one"] = "one"
    colour: Colour = Colour.RED
    leaf: Leaf | None = None
    leaves: list[Leaf] = Field(default=[], max_length=2)
    pair: tuple[int, str] = (1, "a")
    by_name: dict[str, Leaf] = {}
    by_side: dict[Literal["left", "right"], float] = {}
    by_code: dict[Annotated[str, Field(pattern="^[a-z]+$")], Leaf] = {}
    shape: Annotated[Normal | Uniform, Field(discriminator="kind")] | None = None
    either: Bare | Wide | None = None
    amount: float | Leaf | None = None
    auto: Literal["auto"] | float = 1.0
    text_or_list: str | list[int] = ""
    checked: Annotated[int, AfterValidator(lambda x: x)] | bool = True
    even: Annotated[int, AfterValidator(refuse_odd)] = 2
    not_three: Annotated[int, AfterValidator(refuse_three)] = 2
    aliased: int = Field(default=1, alias="other-name")
    choice: int = Field(default=1, validation_alias=AliasChoices("first", "second"))
    branches: list["Tree"] = []
    flower: Annotated[
        Leaf | None, BeforeValidator(lambda x: {"sise": 1, "size": 1} if x == "magic" else x)
    ] = None


@pytest.fixture
def told(tmp_path: Path) -> Callable[..., list[Problem]]:
    """The problems of a text under a model."""

    def explain(text: str, model: type[BaseModel] = Tree) -> list[Problem]:
        path = tmp_path / "x.yaml"
        path.write_text(text, encoding="utf-8")
        document = read(path)
        with pytest.raises(ValidationError) as raised:
            model.model_validate(document.data)
        problems = problems_of(raised.value, document, model)
        assert {problem.mark.file for problem in problems} == {str(path)}
        assert str(BadInput(problems)).encode()
        return problems

    return explain


def place(problem: Problem) -> Place:
    return problem.mark.line, problem.mark.column, problem.key


TREE_KEYS = (
    "months, share, cost, flag, name, code, side, mixed, only, colour, leaf, leaves, pair, "
    "by_name, by_side, by_code, shape, either, amount, auto, text_or_list, checked, even, "
    "not_three, other-name, first, branches, flower"
)
LEAVES = "[{'size': 1}, {'size': 1}, {'size': 1}] (a list)"

# name, text, (line, column, key), found, allowed, nearest
ONE_PROBLEM: list[tuple[str, str, Place, str, str, str]] = [
    ("number", "share: yes", (1, 1, "share"), "'yes' (text)", "a number", ""),
    ("date", "\nshare: 2020-01-01", (2, 1, "share"), "'2020-01-01' (a date)", "a number", ""),
    ("month", "share: 2020-01", (1, 1, "share"), "'2020-01' (a date)", "a number", ""),
    ("list", "share: [1, 2]", (1, 1, "share"), "[1, 2] (a list)", "a number", ""),
    ("mapping", "share: {a: 1}", (1, 1, "share"), "{'a': 1} (a mapping)", "a number", ""),
    ("nothing", "share:", (1, 1, "share"), "nothing", "a number", ""),
    ("strict", "cost: '5'", (1, 1, "cost"), "'5' (text)", "a number", ""),
    ("strict truth", "cost: true", (1, 1, "cost"), "true", "a number", ""),
    ("long", f"share: {'x' * 99}", (1, 1, "share"), f"'{'x' * 56}... (text)", "a number", ""),
    ("whole", "months: 1.5", (1, 1, "months"), "1.5 (a number)", "a whole number", ""),
    ("whole text", "months: x", (1, 1, "months"), "'x' (text)", "a whole number", ""),
    ("truth", "flag: yes", (1, 1, "flag"), "'yes' (text)", "true or false", ""),
    ("text", "name: 3", (1, 1, "name"), "3 (a number)", "text", ""),
    ("short", "name: ''", (1, 1, "name"), "'' (text)", "text with 1 or more characters", ""),
    ("longer", "name: abcdef", (1, 1, "name"), "'abcdef' (text)",
     "text with 5 or fewer characters", ""),
    ("pattern", "code: a", (1, 1, "code"), "'a' (text)", "text like ^[a-z][0-9]$", ""),
    ("too low", "share: -1", (1, 1, "share"), "-1 (a number)", "at least 0", ""),
    ("too high", "share: 2.5", (1, 1, "share"), "2.5 (a number)", "at most 1", ""),
    ("zero", "cost: 0", (1, 1, "cost"), "0 (a number)", "more than 0", ""),
    ("literal", "side: lft", (1, 1, "side"), "'lft' (text)", "one of: left, right hand", "left"),
    ("mixed literal", "mixed: 4", (1, 1, "mixed"), "4 (a number)", "one of: a, 3", ""),
    ("one literal", "only: two", (1, 1, "only"), "'two' (text)", "one of: one", ""),
    ("enum", "colour: gren", (1, 1, "colour"), "'gren' (text)", "one of: red, green", "green"),
    ("no mapping", "leaf: 3", (1, 1, "leaf"), "3 (a number)", "a mapping", ""),
    ("no dict", "by_name: [1]", (1, 1, "by_name"), "[1] (a list)", "a mapping", ""),
    ("no list", "leaves: x", (1, 1, "leaves"), "'x' (text)", "a list", ""),
    ("no tuple", "pair: x", (1, 1, "pair"), "'x' (text)", "a list", ""),
    ("in a tuple", "pair: [1, 2]", (1, 11, "pair[1]"), "2 (a number)", "text", ""),
    ("missing in tuple", "pair: [1]", (1, 1, "pair[1]"), "nothing", "text (required)", ""),
    ("unknown", "leaf: {sise: 1, size: 1}", (1, 8, "leaf.sise"), "unknown key 'sise'",
     "size, colour", "size"),
    ("unknown in list", "leaves:\n- size: 1\n- size: 1\n  clour: red",
     (4, 3, "leaves[1].clour"), "unknown key 'clour'", "size, colour", "colour"),
    ("unknown in dict", "by_name:\n  a: {size: 1, x: 1}", (2, 16, "by_name.a.x"),
     "unknown key 'x'", "size, colour", ""),
    ("unknown by pattern", "by_code: {a: {size: 1, clr: 1}}", (1, 24, "by_code.a.clr"),
     "unknown key 'clr'", "size, colour", "colour"),
    ("unknown, recursive", "branches: [{branches: [{moths: 1}]}]",
     (1, 25, "branches[0].branches[0].moths"), "unknown key 'moths'", TREE_KEYS, "months"),
    ("missing", "leaf:\n  colour: red", (1, 1, "leaf.size"), "nothing", "a number (required)", ""),
    ("missing in list", "leaves:\n- size: 1\n- colour: red", (3, 3, "leaves[1].size"),
     "nothing", "a number (required)", ""),
    ("key", "by_side:\n  lft: 1", (2, 3, "by_side.lft"), "the key `lft`",
     "one of: left, right", "left"),
    ("key pattern", "by_code:\n  A1: {size: 1}", (2, 3, "by_code.A1"), "the key `A1`",
     "text like ^[a-z]+$", ""),
    ("value under a key", "by_side:\n  left: x", (2, 3, "by_side.left"), "'x' (text)",
     "a number", ""),
    ("long list", "leaves: [{size: 1}, {size: 1}, {size: 1}]", (1, 1, "leaves"), LEAVES,
     "2 or fewer items", ""),
    ("wrong tag", "shape:\n  kind: norml", (2, 3, "shape.kind"), "'norml' (text)",
     "one of: normal, uniform", "normal"),
    ("no tag", "shape:\n  mean: 1", (1, 1, "shape.kind"), "nothing",
     "one of: normal, uniform", ""),
    ("tagged no mapping", "shape: 5", (1, 1, "shape"), "5 (a number)", "a mapping", ""),
    ("under a tag", "shape:\n  kind: normal\n  mean: x\n  sd: 1", (3, 3, "shape.mean"),
     "'x' (text)", "a number", ""),
    ("unknown under a tag", "shape: {kind: normal, mean: 1, sd: 1, mena: 1}",
     (1, 39, "shape.mena"), "unknown key 'mena'", "kind, mean, sd", "mean"),
    ("key like the tag", "shape:\n  kind: normal\n  mean: 1\n  sd: 1\n  normal: 1",
     (5, 3, "shape.normal"), "unknown key 'normal'", "kind, mean, sd", ""),
    ("rule under a tag", "shape: {kind: uniform, low: 2, high: 1}", (1, 1, "shape"),
     "{'kind': 'uniform', 'low': 2, 'high': 1} (a mapping)", "low at most high", ""),
    ("number or mapping: neither", "amount: x", (1, 1, "amount"), "'x' (text)",
     "a number or a mapping", ""),
    ("number or mapping: key", "amount: {size: 1, colr: red}", (1, 19, "amount.colr"),
     "unknown key 'colr'", "size, colour", "colour"),
    ("number or mapping: missing", "amount: {}", (1, 1, "amount.size"), "nothing",
     "a number (required)", ""),
    ("of two mappings the likelier", "either: {mode: 1, spread: x}", (1, 19, "either.spread"),
     "'x' (text)", "a number", ""),
    ("word or number", "auto: aut", (1, 1, "auto"), "'aut' (text)",
     "one of: auto or a number", "auto"),
    ("text or list", "text_or_list: [1, x]", (1, 19, "text_or_list[1]"), "'x' (text)",
     "a whole number", ""),
    ("function in a union", "checked: x", (1, 1, "checked"), "'x' (text)",
     "a whole number or true or false", ""),
    ("validator", "months: -1", (1, 1, ""), "{'months': -1} (a mapping)",
     "months not before the start", ""),
    ("validator in words", "even: 3", (1, 1, "even"), "3, odd", "an even number", "two"),
    ("validator of few words", "not_three: 3", (1, 1, "not_three"), "3 (a number)",
     "anything but three", ""),
    ("validator that points", "leaf:\n  size: 13", (2, 3, "leaf.size"),
     "{'leaf': {'size': 13}} (a mapping)", "another size", ""),
    ("alias", "other-nam: 1", (1, 1, "other-nam"), "unknown key 'other-nam'", TREE_KEYS,
     "other-name"),
    ("under an alias", "other-name: x", (1, 1, "other-name"), "'x' (text)", "a whole number", ""),
    ("choice of aliases", "first: x", (1, 1, "first"), "'x' (text)", "a whole number", ""),
    ("made by a validator", "flower: magic", (1, 1, "flower.sise"), "unknown key 'sise'",
     "size, colour", "size"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "where", "found", "allowed", "near"),
    [pytest.param(*row[1:], id=row[0]) for row in ONE_PROBLEM],
)
def test_one_mistake_is_one_problem(
    told: Callable[..., list[Problem]],
    text: str,
    where: Place,
    found: str,
    allowed: str,
    near: str,
) -> None:
    (problem,) = told(text)
    assert place(problem) == where
    assert (problem.found, problem.allowed, problem.nearest) == (found, allowed, near)


def test_problems_come_in_the_order_of_the_file(told: Callable[..., list[Problem]]) -> None:
    problems = told("flag: yes\nmonths: x\nleaf: {size: y, z: 1}\nshare: 7\nzz: 1\n")
    assert [place(problem) for problem in problems] == [
        (1, 1, "flag"),
        (2, 1, "months"),
        (3, 8, "leaf.size"),
        (3, 17, "leaf.z"),
        (4, 1, "share"),
        (5, 1, "zz"),
    ]


def test_branches_as_likely_as_each_other_speak_with_one_voice(
    told: Callable[..., list[Problem]],
) -> None:
    problems = told("either: {colour: red}")
    by_key = {problem.key: problem for problem in problems}
    assert set(by_key) == {f"either.{key}" for key in ("colour", "mode", "spread", "bottom", "top")}
    assert by_key["either.colour"].allowed == "mode, spread, bottom, top"
    assert len(problems) == 5


def test_a_key_and_its_value_are_two_problems(told: Callable[..., list[Problem]]) -> None:
    problems = told("by_side: {lft: x}")
    assert {problem.found for problem in problems} == {"the key `lft`", "'x' (text)"}
    assert {place(problem) for problem in problems} == {(1, 11, "by_side.lft")}


def test_a_file_of_the_wrong_kind_is_told_at_its_start(tmp_path: Path) -> None:
    document = Document([1], {(): Mark("x.yaml", 2, 1)}, "x.yaml")
    with pytest.raises(ValidationError) as raised:
        Tree.model_validate(document.data)
    (problem,) = problems_of(raised.value, document, Tree)
    assert problem == Problem(Mark("x.yaml", 2, 1), "", "[1] (a list)", "a mapping")


# --- what is missing


class Needy(Part):
    months: int = Field(description="how long the grant runs")
    rate: float | None
    start: Literal["now", "later"]
    colour: Colour
    leaf: Leaf
    leaves: list[Leaf] = Field(description="x" * 200)
    shape: Annotated[Normal | Uniform, Field(discriminator="kind")]
    amount: float | Leaf
    flag: bool
    name: str = Field(alias="full-name")
    anything: Any


def test_what_is_missing_is_described(told: Callable[..., list[Problem]]) -> None:
    problems = told("{}", Needy)
    assert {problem.found for problem in problems} == {"nothing"}
    assert {place(problem)[:2] for problem in problems} == {(1, 1)}
    assert {problem.key: problem.allowed for problem in problems} == {
        "months": "a whole number (required): how long the grant runs",
        "rate": "a number (required)",
        "start": "one of: now, later (required)",
        "colour": "one of: red, green (required)",
        "leaf": "a mapping (required)",
        "leaves": f"a list (required): {'x' * 97}...",
        "shape": "a mapping (required)",
        "amount": "a number or a mapping (required)",
        "flag": "true or false (required)",
        "full-name": "text (required)",
        "anything": "a value (required)",
    }


# --- types with schemas of their own


class Own:
    """A type that pydantic reads through a model, as a quantity is."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(
            lambda leaf: leaf, handler.generate_schema(Leaf)
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [{"type": "number"}, handler(schema)], "description": "in USD"}


class Owner(Part):
    own: Own
    other: list[Own] = []


@pytest.mark.parametrize(
    ("text", "where", "found", "allowed", "near"),
    [
        ("{}", (1, 1, "own"), "nothing", "a number or a mapping (required): in USD", ""),
        ("own: {sise: 1, size: 1}", (1, 7, "own.sise"), "unknown key 'sise'", "size, colour",
         "size"),
        ("own: {colour: red}", (1, 1, "own.size"), "nothing", "a number (required)", ""),
        ("own: {size: 1}\nother: [{size: x}]", (2, 10, "other[0].size"), "'x' (text)",
         "a number", ""),
    ],
)  # fmt: skip
def test_a_type_with_its_own_schema(
    told: Callable[..., list[Problem]],
    text: str,
    where: Place,
    found: str,
    allowed: str,
    near: str,
) -> None:
    (problem,) = told(text, Owner)
    assert place(problem) == where
    assert (problem.found, problem.allowed, problem.nearest) == (found, allowed, near)


class Checked(Part):
    """Its validator gives it another name in pydantic's locations."""

    size: float

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, data: Any) -> Any:
        return {"size": data} if isinstance(data, str) else data

    @model_validator(mode="after")
    def _check(self) -> "Checked":
        return self


class Odd(Part):
    checked: Checked | list[Checked] = []
    tagged: Annotated[
        Annotated[Leaf, Tag("leaf")] | Annotated[Bare, Tag("bare")],
        Discriminator(lambda data: "bare" if "mode" in data else "leaf"),
    ] = Leaf(size=1)
    nested: float | Annotated[Normal | Uniform, Field(discriminator="kind")] = 1.0
    function: Callable[[], None] | None = None


@pytest.mark.parametrize(
    ("text", "where", "found"),
    [
        ("checked: {size: x}", (1, 11, "checked.size"), "'x' (text)"),
        ("checked: {sise: 1, size: 1}", (1, 11, "checked.sise"), "unknown key 'sise'"),
        ("checked: [{}]", (1, 11, "checked[0].size"), "nothing"),
        ("checked: x", (1, 1, "checked"), "'x' (text)"),
        ("tagged: {mode: x, spread: 1}", (1, 10, "tagged.mode"), "'x' (text)"),
        ("nested: {kind: normal, mean: 1}", (1, 1, "nested.sd"), "nothing"),
        ("nested: {kind: normal, mean: x, sd: 1}", (1, 24, "nested.mean"), "'x' (text)"),
        ("function: 3", (1, 1, "function"), "3 (a number)"),
    ],
)
def test_names_of_pydantics_own_are_dropped_from_the_key(
    told: Callable[..., list[Problem]], text: str, where: Place, found: str
) -> None:
    (problem,) = told(text, Odd)
    assert place(problem) == where
    assert problem.found == found


# --- checks across a file


@pytest.mark.parametrize(
    ("location", "found", "where", "near"),
    [
        (("payer", "contract"), "no contract 'msp'", (2, 3, "payer.contract"), "mssp"),
        (("payer", "contract"), "'aco'", (2, 3, "payer.contract"), "acos"),
        (("mss",), "unknown", (3, 1, "mss"), "mssp"),
        (("payer", "absent"), "nothing", (1, 1, "payer.absent"), ""),
        ((), "nothing", (1, 1, ""), ""),
    ],
)
def test_problem_at(
    tmp_path: Path, location: tuple[str, ...], found: str, where: Place, near: str
) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("payer:\n  contract: msp\nmss: {}\n", encoding="utf-8")
    problem = problem_at(read(path), location, found, "a contract", iter(["mssp", "acos"]))
    assert place(problem) == where
    assert (problem.found, problem.allowed, problem.nearest) == (found, "a contract", near)


def test_problem_at_without_names_suggests_nothing(tmp_path: Path) -> None:
    document = Document({"a": "b"}, {("a",): Mark("x.yaml", 4, 2)}, "x.yaml")
    problem = problem_at(document, ("a",), "b", "c")
    assert problem == Problem(Mark("x.yaml", 4, 2), "a", "b", "c", "")
