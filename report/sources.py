"""Where an account's revenue comes from, and what its gap means for those who might close it."""

from __future__ import annotations

from typing import NamedTuple

from .money import KINDS, financing_name
from .rundata import DIFFERENCE, DUST, STRATEGY, USUAL, Run, Spread
from .wording import months_of


class Source(NamedTuple):
    """A source of revenue: what it brings with the strategy, and in usual care."""

    key: str
    kind: str
    name: str
    usual: Spread | None
    revenue: Spread
    time: Spread | None
    net: Spread | None

    @property
    def there(self) -> bool:
        """Whether it brings or costs anything."""
        parts = (self.usual, self.revenue, self.time, self.net)
        return any(s is not None and max(abs(s.mean), abs(s.p95)) > DUST for s in parts)

    @property
    def relieves(self) -> float:
        """Mean cost that partners take over: hard-wiring brings that rather than cash."""
        if self.kind != "hard_wiring" or self.net is None:
            return 0.0
        spent = self.time.mean if self.time is not None else 0.0
        return max(0.0, self.net.mean + spent - self.revenue.mean)


def sources(run: Run) -> list[Source]:
    return [s for key in run.subjects("revenue") if (s := source(run, key)) and s.there]


def source(run: Run, key: str) -> Source | None:
    revenue = run.spread("revenue", key, STRATEGY)
    if revenue is None:
        return None
    kind, _, name = key.partition(".")
    return Source(
        key,
        kind,
        financing_name(run, kind, name),
        run.spread("revenue", key, USUAL),
        revenue,
        run.spread("staff_time_cost", key, STRATEGY),
        run.spread("net_contribution", key, STRATEGY),
    )


class Kind(NamedTuple):
    """All sources of a kind: means, which add up."""

    name: str
    revenue: float
    time: float
    relieves: float


def kinds(found: list[Source]) -> list[Kind]:
    out = []
    for kind, name in KINDS.items():
        mine = [s for s in found if s.kind == kind]
        if mine:
            time = sum(s.time.mean for s in mine if s.time is not None)
            out.append(
                Kind(name, sum(s.revenue.mean for s in mine), time, sum(s.relieves for s in mine))
            )
    return out


# --- what the gap means for those who might close it


class Shares(NamedTuple):
    """An amount a year, by paying member and by a payer's member and month."""

    members: float
    per_member: float
    payer: str
    covered: float
    per_member_month: float


def shares(run: Run, yearly: float) -> Shares:
    members = paying_members(run)
    payer, covered = largest_payer(run)
    return Shares(
        members,
        yearly / members if members else 0.0,
        payer,
        covered,
        yearly / (12.0 * covered) if covered else 0.0,
    )


def paying_members(run: Run) -> float:
    """Members that the dues begin with, an input; 0 where there are no dues."""
    tiers = {key.partition(".")[2] for key in run.subjects("revenue") if key.startswith("dues.")}
    found = (run.parameter(f"financing.dues.{tier}.members") for tier in tiers)
    return sum(value for value in found if value is not None)


def largest_payer(run: Run) -> tuple[str, float]:
    """The payer with members that avoids most, and how many it covers on average."""
    avoided = {
        party: s.mean
        for party in run.subjects("member_months")
        if (s := run.spread("avoided_rescue_spending", party, DIFFERENCE)) and s.mean > DUST
    }
    if not avoided:
        return "", 0.0
    party = max(avoided, key=lambda p: avoided[p])
    months = run.spread("member_months", party)
    assert months is not None
    return party, months.mean / months_of(run.summary["start"], run.summary["end"])
