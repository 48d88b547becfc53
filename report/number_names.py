"""Numbers of a scenario in words: what `financing.accounts.backbone.opening` is to a reader."""

from __future__ import annotations

from collections.abc import Mapping

from .wording import readable

# Last parts of a name that say too little by themselves.
LAST = {
    "opening": "opening cash",
    "amount": "amount",
    "attributed": "share of members attributed",
    "freeze_below": "cash below which hiring stops",
    "minimum_core": "fewest core posts",
    "staff_time": "staff time that it takes",
    "bad_debt": "share never paid",
    "sd": "spread",
    "time_to_trust": "time to win trust",
    "sharing_rate": "share of savings paid",
    "cv": "spread of a member's spending",
    "churn": "share of members who leave",
    "posts": "number of posts",
}


def called(name: str, names: Mapping[str, str]) -> str:
    """financing.accounts.backbone.opening -> Jackson Collaborative Network: opening cash"""
    parts = name.removesuffix(".ratio").split(".")
    if parts[0] != "financing":
        return readable(".".join(parts), dict(names))
    if len(parts) < 4:
        return " ".join(parts[1:]).replace("_", " ")
    what, last = parts[2], parts[-1]
    who = names.get(what, what.replace("_", " "))
    middle = [names.get(part, part.replace("_", " ")) for part in parts[3:-1]]
    return ": ".join([who, *middle, LAST.get(last, last.replace("_", " "))])
