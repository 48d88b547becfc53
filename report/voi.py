"""The value of information in words: which request is worth most, what only a trial could tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from textwrap import shorten
from typing import Any

from . import voi_figures
from .answer_page import Page, Rows
from .wording import chance, money, number, plural, readable, short_interval, short_money

Row = Mapping[str, Any]
MOST_FACTS = 10
FEW = 1000
MEANT = {
    "use": "use of services, by need",
    "people and need": "numbers of members, by need",
    "prices": "what is paid for each service",
    "payers": "cost trends and terms of rates",
    "what is freed": "what leaves when use falls",
    "reach": "reach of the programmes",
    "programme costs": "cost of the programmes",
    "backbone's money": "the network's own money",
}
TELLS = {
    "payer": "a payer",
    "provider": "providers",
    "programme": "the programme",
    "network": "the network",
    "trial": "only a trial",
    "nobody yet": "",
}
APART = 1e-6


def page(told: Mapping[str, Any], names: Mapping[str, str]) -> Page:
    """Everything that the page and the terminal show."""
    draws, lucks = told["draws"], told["lucks"]
    meta = f"Value of information · {told['value']} · {plural(draws, 'draw')}"
    meta += f" x {lucks} of luck" if lucks > 1 else ""
    charts = []
    if told["evpi"]["value"] > 0.0 and told["evppi"]:
        bars = [_bar(row, names) for row in _shown(told["evppi"])]
        caption = "What knowing it before deciding is worth, USD per decision, with 90 % interval."
        charts.append((voi_figures.worths(bars, told["evpi"]["value"]), caption))
    return Page(
        title=told["decision"],
        meta=f"{meta} · seed {told['seed']}",
        sentences=list(sentences(told, names)),
        charts=charts,
        tables=list(tables(told, names)),
        notes=list(notes(told)),
    )


# --- sentences


def sentences(told: Mapping[str, Any], names: Mapping[str, str]) -> Sequence[str]:
    best = next(o for o in told["options"] if o["name"] == told["best"])
    said = [
        (
            f"On what is known now: {best['name']}, worth {money(best['mean'])} on average "
            f"(standard error {money(best['error'])}). No other option is better "
            f"{chance(told['share_best'])}."
        )
    ]
    if told["evpi"]["value"] <= 0.0:
        said.append(_nothing(told))
        return said
    said.append(_everything(told))
    said += _request(told, names)
    said += [_trial(told), *(_pilot(row, names) for row in told["evsi"])]
    return [words for words in said if words]


def _nothing(told: Mapping[str, Any]) -> str:
    draws = told["draws"] * told["lucks"]
    missed = number(300.0 / draws, 2)
    return (
        f"No information is worth buying for this decision: the answer is `{told['best']}` in all "
        f"{plural(draws, 'draw')} (so another answer is right with a chance below {missed} %, at "
        "95 % confidence, if the scenario's distributions hold)."
    )


def _everything(told: Mapping[str, Any]) -> str:
    words = (
        f"To know everything before deciding would be worth {_amount(told['evpi'])}: no "
        "information is worth more"
    )
    facts = _whole(told, "all facts")
    if facts is None or abs(facts["value"] - told["evpi"]["value"]) < 1e-3 * facts["value"]:
        return f"{words}."
    return (
        f"{words}, and part of it is luck, which nobody can know. All facts without luck are worth "
        f"{_amount(facts)}."
    )


def _request(told: Mapping[str, Any], names: Mapping[str, str]) -> Sequence[str]:
    """Which single request to a payer is worth most."""
    rows = [r for r in told["evppi"] if r["kind"] == "request" and r["teller"] == "payer"]
    rows = sorted(rows, key=lambda row: -row["value"])
    if not rows:
        return ["Nothing uncertain here is a payer's to tell."]
    first, others = rows[0], rows[1:]
    whom, what = _whom(first["ask"], names), MEANT.get(first["meaning"], first["meaning"])
    if first["value"] <= 0.0:
        most = money(max(row["high"] for row in rows))
        return [
            (
                f"No request to a payer is shown to be worth anything: each comes to $0, at "
                f"most {most}."
            )
        ]
    if first["low"] <= 0.0:
        return [
            (
                f"No request to a payer is shown to be worth anything: the one that comes to most, "
                f"to ask {whom} for {what}, comes to {_amount(first)}."
            )
        ]
    rest = f" No other request to a payer exceeds {money(others[0]['value'])}." if others else ""
    return [f"Ask {whom} for {what}: worth up to {_amount(first)} to this decision.{rest}"]


def _trial(told: Mapping[str, Any]) -> str:
    row = next((r for r in told["evppi"] if r["kind"] == "group" and r["teller"] == "trial"), None)
    if row is None:
        return ""
    if row["low"] <= 0.0:
        unsure = "What only a trial could tell (effects) is not shown to be worth anything"
        return f"{unsure}: {_amount(row)}."
    return f"What only a trial could tell (effects) is worth up to {_amount(row)}."


def _pilot(row: Row, names: Mapping[str, str]) -> str:
    return (
        f"A pilot with {row['people']:,} people, half of them served, over {number(row['months'])} "
        f"months, that measures {_effect(row['number'], names)}, is worth up to {_amount(row)}, "
        f"before what it costs. In usual care {number(12 * row['rate'])} events a person-year; "
        f"overdispersion {number(row['overdispersion'])}, an assumption unless it was given."
    )


def _amount(row: Row) -> str:
    between = short_interval(row["low"], row["high"])
    return money(row["value"]) + (f" ({between})" if between else "")


def _whom(party: str, names: Mapping[str, str]) -> str:
    return names.get(party, party.replace("_", " "))


def _effect(name: str, names: Mapping[str, str]) -> str:
    return readable(name.removesuffix(".ratio"), dict(names))


def _whole(told: Mapping[str, Any], name: str) -> Row | None:
    return next((r for r in told["evppi"] if r["kind"] == "whole" and r["name"] == name), None)


# --- tables


def tables(told: Mapping[str, Any], names: Mapping[str, str]) -> Sequence[Rows]:
    options = [
        [o["name"], short_money(o["mean"]), short_money(o["error"]), f"{100 * o['share_best']:.0f}"]
        for o in told["options"]
    ]
    out = [
        Rows("Options", ("option", "mean", "standard\nerror", "best in, of\n100 draws"), options)
    ]
    if told["evpi"]["value"] <= 0.0:
        return out
    headings = (
        "known before deciding",
        "worth",
        "90 % interval",
        "who can tell",
        "share\nexplained",
    )
    shown = _shown(told["evppi"])
    facts = _whole(told, "all facts")
    luck = facts is None or facts["explained"] < 1.0
    everything = "everything, luck included" if luck else "everything"
    rows = [[everything, *_cells(told["evpi"], "", whole=True)]]
    rows += [[label(r, names), *_cells(r, TELLS[r["teller"]])] for r in shown]
    note = (
        "Worth: USD per decision, over the horizon. * doubtful, see below."
        if _doubts(shown)
        else ""
    )
    out.append(Rows("What knowing more is worth", headings, rows, note))
    if told["evsi"]:
        cells = [
            [f"{p['people']:,} people, {_effect(p['number'], names)}", *_cells(p, "this pilot")]
            for p in told["evsi"]
        ]
        out.append(Rows("What a pilot is worth", headings, cells))
    return out


def _cells(row: Row, who: str, whole: bool = False) -> list[str]:
    star = "*" if row["warning"] else ""
    share = "" if whole else f"{100 * row['explained']:.0f} %"
    worth = short_money(row["value"]) + star
    return [worth, short_interval(row["low"], row["high"]), who, share]


def _shown(rows: Sequence[Row]) -> list[Row]:
    """Wholes; meanings; requests that are not a whole meaning; facts that are worth most."""
    sizes = {(r["meaning"], len(r["numbers"])) for r in rows if r["kind"] == "group"}
    wholes = _by_worth(r for r in rows if r["kind"] == "whole")
    groups = _by_worth(r for r in rows if r["kind"] == "group")
    requests = _by_worth(
        r
        for r in rows
        if r["kind"] == "request"
        and r["teller"] == "payer"
        and (r["meaning"], len(r["numbers"])) not in sizes
    )
    facts = _by_worth(r for r in rows if r["kind"] == "fact")[:MOST_FACTS]
    return [
        *wholes,
        *groups,
        *(r for r in requests if r["value"] > 0.0),
        *(f for f in facts if f["value"] > 0.0),
    ]


def _by_worth(rows: Any) -> list[Row]:
    return sorted(rows, key=lambda row: -row["value"])


def label(row: Row, names: Mapping[str, str]) -> str:
    """The name of an ask in words."""
    if row["kind"] == "fact":
        words = [_effect(n, names) for n in row["numbers"]]
        return words[0] + (f" (with {len(words) - 1} tied to it)" if len(words) > 1 else "")
    if row["kind"] == "request":
        return f"{row['meaning']}, from {_whom(row['ask'], names)}"
    return str(row["name"])


def _bar(row: Row, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        "name": shorten(label(row, names), 86, placeholder=" ..."),
        "who": TELLS[row["teller"]] or "all facts",
        "worth": row["value"],
        "low": row["low"],
        "high": row["high"],
    }


# --- notes


def notes(told: Mapping[str, Any]) -> Sequence[str]:
    said = []
    doubts = _doubts(_shown(told["evppi"]))
    said += [f"* {doubts}." if told["evpi"]["value"] > 0.0 and doubts else ""]
    if told["draws"] < FEW and told["evpi"]["value"] > 0.0:
        said.append(f"{plural(told['draws'], 'draw')}: {FEW:,} or more narrow these intervals.")
    if told["usual_care_apart"] > APART:
        share = number(100 * told["usual_care_apart"], 2)
        said.append(
            f"The options do not share usual care (up to {share} % apart). Each is valued beside "
            "its own, so part of a difference between them may be that."
        )
    said.append(
        "Worth is for this one decision, in this community, over the horizon, to the party that "
        "is named: what a better choice gains on average, before what data and trials cost in "
        "money and time. Only what the scenario holds uncertain can be worth knowing."
    )
    return [words for words in said if words]


def _doubts(rows: Sequence[Row]) -> str:
    found = dict.fromkeys(r["warning"] for r in rows if r["warning"])
    return "; ".join(found)
