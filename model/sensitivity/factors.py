"""Factors: what is varied, by meaning, with levers kept apart from facts about the world.

Numbers tied by a rank correlation are one factor: apart, an index of one of them would count
what belongs to the other. Chance (awards, claims) is a factor of its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from model.loading import Loaded
from model.luck import chances, errors
from model.sampling import Correlated, linked

Role = Literal["fact", "lever", "chance"]
CHANCE = "chance"

# Which numbers a network, a funder or a payer decides on; all others are facts about the world.
LEVERS = tuple(
    re.compile(pattern)
    for pattern in (
        r"interventions\.\w+\.staff\.(posts|caseload)$",
        r"financing\.(dues|loans|costs)\.\w+\.amount$",
        r"financing\.fees\.\w+\.price$",
        r"financing\.posts\.\w+\.posts$",
        r"financing\.contracts\.\w+\.terms\..*(rate|limit|cap|fee|price|fixed|withheld)$",
        r"financing\.contracts\.\w+\.covers\.attributed$",
        r"financing\.reinvestment\.\w+\.share$",
    )
)
MEANINGS = (
    ("effects", r"interventions\.\w+\.(effects|need_effects|persistence|completion)"),
    ("effects", r"services\.\w+\.preventable"),
    ("reach", r"interventions\.\w+\.(referral|acceptance|time_to_enroll|patience|duration|staff)"),
    ("programme costs", r"interventions\.\w+\.costs"),
    ("people and need", r"segments\.\w+\.(population|entrants|need|deaths|leaving)"),
    ("people and need", r"movements"),
    ("use", r"segments\.\w+\.use|services\.\w+\.(relative_use|use_trend|shocks)"),
    ("what is freed", r"services\.\w+\.(marginal_share|back_fill|capacity)"),
    ("prices", r"services\.\w+\.|parties\.\w+\.payment_to_cost"),
    ("payers", r"parties\."),
    ("backbone's money", r"financing|backbone"),
)


class Factor(NamedTuple):
    """One thing that varies: the names of its numbers, and what kind of thing it is."""

    name: str
    members: tuple[str, ...]  # dotted names; none for chance
    meaning: str
    role: Role


def factors(loaded: Loaded) -> tuple[Factor, ...]:
    """Everything uncertain in a scenario, chance last."""
    uncertain = loaded.uncertain
    pairs = [Correlated(*c.between, c.rank) for c in loaded.scenario.correlations]
    groups = [tuple(n for n in group if n in uncertain) for group in linked(pairs)]
    tied = {name: group for group in groups for name in group}
    found: list[Factor] = []
    for name in uncertain:
        members = tied.get(name, (name,))
        if members[0] == name:
            found.append(Factor(" & ".join(members), members, meaning(name), role(name)))
    if has_luck(loaded):
        found.append(Factor(CHANCE, (), CHANCE, "chance"))
    return tuple(found)


def levers(loaded: Loaded) -> tuple[Factor, ...]:
    """Levers that the scenario holds fixed, and that are not nothing."""
    return tuple(
        Factor(name, (name,), meaning(name), "lever")
        for name, p in loaded.parameters.items()
        if not p.uncertain and role(name) == "lever" and p.central != 0.0
    )


def has_luck(loaded: Loaded) -> bool:
    """Whether anything in the scenario is left to chance."""
    return any(True for _ in chances(loaded.scenario)) or any(True for _ in errors(loaded.scenario))


def meaning(name: str) -> str:
    """What a number speaks of, in words."""
    return next((word for word, pattern in MEANINGS if re.match(pattern, name)), "other")


def role(name: str) -> Role:
    """Whether somebody decides on a number."""
    return "lever" if any(pattern.match(name) for pattern in LEVERS) else "fact"


def by_meaning(all_factors: Sequence[Factor]) -> tuple[Factor, ...]:
    """One factor for each meaning, so that a few groups stand for a hundred numbers; levers of a
    meaning are a group of their own."""
    groups: dict[tuple[str, Role], list[Factor]] = {}
    for factor in all_factors:
        groups.setdefault((factor.meaning, factor.role), []).append(factor)
    return tuple(
        Factor(
            f"{word}: levers" if kind == "lever" else word,
            tuple(n for f in found for n in f.members),
            word,
            kind,
        )
        for (word, kind), found in groups.items()
    )
