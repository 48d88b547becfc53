"""Changes: what differs between two scenarios, key by key, as assumption or lever.

Documents are compared as they were merged, with references and terms written out; prose, sources
and reasons are no difference. A list is replaced whole, and so is a number with its distribution.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from .loading import MONEY_NAMED, NAMED
from .money_names import MONEY
from .problems import BadInput, Location, Mark, Problem, dotted, nearest
from .quantity import FAMILIES
from .sensitivity.factors import role
from .yamlfile import Document, is_bare

# Who decides: nobody (a fact about the world), somebody, or neither: the frame is how finely time
# is stepped, and which parties have a name.
Kind = Literal["frame", "assumption", "lever"]

# What is said of a number or thing, and is not the number or thing.
PROSE = frozenset(
    {
        *("name", "title", "description", "note", "source", "reason", "ask"),
        *("assumption", "status", "ref", "url"),
    }
)
STEPS: Location = ("clock", "steps_per_month")
# A change of who runs or pays a programme, when, and for whom.
DECIDED = ("operator", "funded_by", "start", "end", "eligible")
# Sources and uses of money that somebody begins or ends.
BEGUN = (
    *("posts", "costs", "dues", "fees", "grants"),
    *("hard_wiring", "loans", "contracts", "reinvestment"),
)
# Parts that make sense as a whole: where more than numbers change in one, all of it is one change.
WHOLE = (("interventions", "effects"), ("contracts", "terms"))


@dataclass(frozen=True)
class Change:
    """One place where two documents differ; None stands for nothing there."""

    at: Location
    old: Any
    new: Any

    @property
    def name(self) -> str:
        return dotted(self.at)

    @property
    def numeric(self) -> bool:
        """Whether a number takes the place of a number."""
        return is_number(self.old) and is_number(self.new)


@dataclass(frozen=True)
class Group:
    """Changes that are made together."""

    name: str
    kind: Kind
    changes: tuple[Change, ...]


def is_number(data: Any) -> bool:
    """Whether data is a number, bare or with its unit, source or distribution."""
    if isinstance(data, dict):
        return "value" in data or any(family in data for family in FAMILIES)
    return is_bare(data)


def without_prose(data: Any) -> Any:
    """What a scenario computes with."""
    if isinstance(data, list):
        return [without_prose(each) for each in data]
    if not isinstance(data, dict):
        return data
    kept = {k: x for k, x in data.items() if k not in PROSE or isinstance(x, dict)}
    return {key: without_prose(each) for key, each in kept.items()}


def changes(first: Document, second: Document) -> list[Change]:
    """Every place where the second document differs from the first."""
    return list(_between(first.data, second.data, ()))


def _between(old: Any, new: Any, at: Location) -> Iterator[Change]:
    if _has_named(at):
        old, new = old or {}, new or {}
    apart = not (isinstance(old, dict) and isinstance(new, dict))
    if without_prose(old) == without_prose(new):
        return
    if apart or is_number(old) or is_number(new):
        yield Change(at, old, new)
        return
    for key in dict.fromkeys([*old, *new]):
        if key not in PROSE or isinstance(old.get(key, new.get(key)), dict):
            yield from _between(old.get(key), new.get(key), (*at, key))


def _has_named(at: Location) -> bool:
    """Whether a place holds things by name: there, nothing is the same as none."""
    return (len(at) == 1 and at[0] in NAMED) or (
        len(at) == 2 and at[0] == MONEY and at[1] in MONEY_NAMED
    )


def with_changes(first: Document, second: Document, chosen: Iterable[Change]) -> Document:
    """The first document with some of the places as they are in the second."""
    data = first.data
    for change in chosen:
        data = _put(data, change.at, change.new)
    return Document(data, {**first.marks, **second.marks}, first.path)


def _put(data: Any, at: Location, value: Any) -> dict[Any, Any]:
    key, *rest = at
    fields = dict(data or {})
    if rest:
        fields[key] = _put(fields.get(key), tuple(rest), value)
    elif value is None:
        fields.pop(key, None)
    else:
        fields[key] = value
    return fields


# --- who decides on what


def kind_of(change: Change) -> Kind:
    """Whether a change is of an assumption or of a lever."""
    at = change.at
    if at == STEPS or (at[0] == "parties" and len(at) == 2):
        return "frame"
    if change.numeric:
        return "lever" if role(change.name) == "lever" else "assumption"
    return "lever" if _decided(change) else "assumption"


def _decided(change: Change) -> bool:
    """Whether somebody decides on what begins, ends or is no number."""
    at = change.at
    if at[0] == "interventions":
        return len(at) == 2 or at[2] in DECIDED or role(change.name) == "lever"
    if at[0] != MONEY:
        return False
    if len(at) < 3 or at[1] not in BEGUN:
        return len(at) == 1
    number = is_number(change.old) or is_number(change.new)
    return len(at) == 3 or at[1] == "contracts" or not number or role(change.name) == "lever"


def groups(found: Sequence[Change], levers: Sequence[str], facts: Sequence[str]) -> list[Group]:
    """Changes as they are made: one by one, parts that make sense as a whole together.

    `levers` and `facts` are names, or beginnings of names, of changes whose kind is to be another.
    """
    by_name: dict[str, list[Change]] = {}
    for change in found:
        by_name.setdefault(_whole_of(change, found), []).append(change)
    out = []
    for name, together in by_name.items():
        kinds = [kind_of(change) for change in together]
        kind: Kind = "lever" if "lever" in kinds else kinds[0]
        out.append(Group(name, kind, tuple(together)))
    for option, names, kind in (("--lever", levers, "lever"), ("--fact", facts, "assumption")):
        for asked in names:
            out = _moved(out, asked, option, kind)
    return out


def _whole_of(change: Change, found: Sequence[Change]) -> str:
    """The name of the part that changes as a whole, or of the change alone."""
    at = change.at
    for above, part in WHOLE:
        if part not in at or above not in at[: at.index(part)]:
            continue
        size = at.index(part) + (2 if part == "effects" else 1)
        inside = [other for other in found if other.at[:size] == at[:size]]
        if len(inside) > 1 and not all(other.numeric for other in inside):
            return dotted(at[:size])
    return change.name


def _moved(found: list[Group], asked: str, option: str, kind: Kind) -> list[Group]:
    hit = [g for g in found if g.name == asked or g.name.startswith(f"{asked}.")]
    if not hit:
        names = [g.name for g in found if g.kind != "frame"]
        allowed = "a key that differs, or its beginning: " + ", ".join(names[:8])
        allowed += " ..." if len(names) > 8 else ""
        problem = Problem(Mark(option, 0, 0), "", f"`{asked}`", allowed, nearest(asked, names))
        raise BadInput([problem])
    return [replace(g, kind=kind) if g in hit and g.kind != "frame" else g for g in found]


def joined(several: Sequence[Group]) -> Group:
    """Groups that only work together, as one."""
    kind: Kind = "lever" if any(g.kind == "lever" for g in several) else several[0].kind
    return Group(
        " + ".join(g.name for g in several), kind, tuple(c for g in several for c in g.changes)
    )
