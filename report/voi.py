"""The value of information in words: which request is worth most, what only a trial could tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from textwrap import shorten
from typing import Any

from model.voi.decisions import terms

from . import voi_figures
from .answer_page import Page, Rows
from .number_names import called
from .outcome_names import outcome
from .renderer import Spec
from .wording import chance, listed, money, number, plural, short_interval, short_money

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
TIED = 0.01  # of EVPI: differences below it are not told in words
TOGETHER = "Together, and by kind"


def page(told: Mapping[str, Any], names: Mapping[str, str]) -> Page:
    """Everything that the page and the terminal show."""
    draws, lucks = told["draws"], told["lucks"]
    meta = f"Value of information · {told['value']} · {plural(draws, 'draw')}"
    meta += f" x {lucks} of luck" if lucks > 1 else ""
    return Page(
        title=told["decision"],
        meta=f"{meta} · seed {told['seed']}",
        sentences=list(sentences(told, names)),
        charts=list(_charts(told, names)),
        tables=list(tables(told, names)),
        notes=list(notes(told, names)),
    )


def _charts(told: Mapping[str, Any], names: Mapping[str, str]) -> Iterator[tuple[Spec, str]]:
    """A picture of each section, all on one scale."""
    whole = told["evpi"]
    if whole["value"] <= 0.0:
        return
    shown = _sections(told["evppi"])
    top = max([whole["high"], *(row["high"] for rows in shown.values() for row in rows)])
    for title, rows in shown.items():
        bars = [_bar(row, names) for row in rows]
        yield (
            voi_figures.worths(title, bars, whole["value"], top),
            (
                "What it is worth to know before deciding, USD. Black lines: 90 % intervals. "
                "Dashed line: everything known, luck included."
            ),
        )


# --- sentences


def sentences(told: Mapping[str, Any], names: Mapping[str, str]) -> Sequence[str]:
    said = [_first(told), _decided(told, names)]
    if told["evpi"]["value"] <= 0.0:
        said.append(_nothing(told))
        return said
    said.append(_everything(told))
    said += _request(told, names)
    said += [_trial(told), *(_pilot(row, names) for row in told["evsi"])]
    return [words for words in said if words]


def _first(told: Mapping[str, Any]) -> str:
    """For a board: what to do, and whether to ask first."""
    best, single = told["best"], told["best_request"]
    if told["evpi"]["value"] <= 0.0:
        ask = "nothing that could be found out first would change it"
    elif single is not None and single["low"] > 0.0:
        ask = "data of a payer could change it: ask first if asking costs less than said below"
    else:
        ask = "no data of a payer is shown to be worth waiting for"
    return f"{told['scenario']}: on what is known now, {quoted(best)}; {ask}."


def _decided(told: Mapping[str, Any], names: Mapping[str, str]) -> str:
    best = next(o for o in told["options"] if o["name"] == told["best"])
    return (
        f"Judged by {in_words(told['value'], names)}: {quoted(best['name'])} comes to "
        f"{money(best['mean'])} on average (standard error {money(best['error'])}), more than any "
        f"other option. No other option is better {chance(told['share_best'])}."
    )


def quoted(option: str) -> str:
    return f"\N{LEFT DOUBLE QUOTATION MARK}{option}\N{RIGHT DOUBLE QUOTATION MARK}"


def in_words(value: str, names: Mapping[str, str]) -> str:
    """npv:backbone - staff_time_cost:x -> net present value: the network less staff time ..."""
    out = ""
    for term in terms(value):
        sign = " less " if term.sign < 0.0 else " plus " if out else ""
        out += f"{sign}{outcome(term.name, names)}"
    return out.strip()


def _nothing(told: Mapping[str, Any]) -> str:
    missed = number(300.0 / told["draws"], 2)
    lucks = f", with {told['lucks']} lucks of each" if told["lucks"] > 1 else ""
    return (
        f"No information is worth buying for this decision: the answer is {quoted(told['best'])} "
        f"in all {plural(told['draws'], 'draw')}{lucks} (so another answer is right with a chance "
        f"below {missed} %, at 95 % confidence, if the scenario's distributions hold)."
    )


def _everything(told: Mapping[str, Any]) -> str:
    words = (
        f"To know everything before deciding would be worth {_amount(told['evpi'])}: no "
        "information is worth more"
    )
    facts = _whole(told, "all facts")
    if facts is None or told["evpi"]["value"] - facts["value"] < TIED * told["evpi"]["value"]:
        return f"{words}."
    return (
        f"{words}, and part of it is luck, which nobody can know. All facts without luck are worth "
        f"{_amount(facts)}."
    )


def _request(told: Mapping[str, Any], names: Mapping[str, str]) -> Sequence[str]:
    """Which single request to a payer is worth most, with an allowance for having picked it."""
    rows = [r for r in told["evppi"] if r["kind"] == "request" and r["teller"] == "payer"]
    if not rows or told["best_request"] is None:
        return ["Nothing uncertain here is a payer's to tell."]
    rows = sorted(rows, key=lambda row: -row["value"])
    first, others, limits = rows[0], rows[1:], told["best_request"]
    whom, what = _whom(first["ask"], names), MEANT.get(first["meaning"], first["meaning"])
    none = "No request to a payer is shown to be worth anything"
    sure = f"it is 95 % sure that none is worth more than {money(limits['high'])}"
    if first["value"] <= 0.0:
        return [f"{none}: each comes to $0, and {sure}."]
    if limits["low"] <= 0.0:
        return [
            (
                f"{none}: the one that comes to most of {limits['requests']}, to ask {whom} for "
                f"{what}, comes to {money(first['value'])}, no more than chance would make the "
                f"largest of so many; {sure}."
            )
        ]
    rest = f" No other request to a payer exceeds {money(others[0]['value'])}." if others else ""
    return [
        (
            f"Ask {whom} for {what}: worth up to {_amount(first)} to this decision, 95 % sure more "
            f"than {money(limits['low'])}, allowing for its being picked from "
            f"{limits['requests']}.{rest}"
        )
    ]


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
        f"months, that measures {called(row['number'], names)}, is worth up to {_amount(row)} if "
        f"its answer came at once, before what it costs. It comes after {number(row['months'])} of "
        f"the {row['horizon']} months at the earliest: if the decision waits for it, and benefits "
        f"are spread evenly, about {money(row['left_after_waiting'])} of that is left. In usual "
        f"care {number(12 * row['rate'])} events a person-year; overdispersion "
        f"{number(row['overdispersion'])}, an assumption unless it was given."
    )


def _amount(row: Row) -> str:
    between = short_interval(row["low"], row["high"])
    return money(row["value"]) + (f" ({between})" if between else "")


def _whom(party: str, names: Mapping[str, str]) -> str:
    return names.get(party, party.replace("_", " "))


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
    facts = _whole(told, "all facts")
    luck = facts is None or facts["explained"] < 1.0
    everything = "everything, luck included" if luck else "everything"
    for title, shown in _sections(told["evppi"]).items():
        rows = [[label(r, names), *_cells(r, TELLS[r["teller"]])] for r in shown]
        if title == TOGETHER:
            rows.insert(0, [everything, *_cells(told["evpi"], "", whole=True)])
        note = "* doubtful, see below." if _doubts(shown) else ""
        out.append(Rows(title, headings, rows, note))
    if told["evsi"]:
        cells = [
            [f"{p['people']:,} people, {called(p['number'], names)}", *_cells(p, "this pilot")]
            for p in told["evsi"]
        ]
        out.append(Rows("What a pilot is worth, if its answer came at once", headings, cells))
    return out


def _cells(row: Row, who: str, whole: bool = False) -> list[str]:
    star = "*" if row["warning"] else ""
    share = "" if whole else f"{100 * row['explained']:.0f} %"
    worth = short_money(row["value"]) + star
    return [worth, short_interval(row["low"], row["high"]), who, share]


def _sections(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """Wholes and meanings; requests to payers; single numbers: those that are worth something."""
    of = {kind: _by_worth(r for r in rows if r["kind"] == kind)
          for kind in ("whole", "group", "request", "fact")}  # fmt: skip
    requests = [r for r in of["request"] if r["teller"] == "payer" and r["value"] > 0.0]
    facts = [r for r in of["fact"] if r["value"] > 0.0][:MOST_FACTS]
    found = {
        TOGETHER: [*of["whole"], *of["group"]],
        "One request to one payer": requests,
        "Single numbers": facts,
    }
    return {title: shown for title, shown in found.items() if shown}


def _by_worth(rows: Any) -> list[Row]:
    return sorted(rows, key=lambda row: -row["value"])


def label(row: Row, names: Mapping[str, str]) -> str:
    """The name of an ask in words."""
    if row["kind"] == "fact":
        words = [called(n, names) for n in row["numbers"]]
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


def notes(told: Mapping[str, Any], names: Mapping[str, str]) -> Sequence[str]:
    said = []
    whole = told["evpi"]
    doubts = _doubts([r for rows in _sections(told["evppi"]).values() for r in rows])
    said += [f"* {doubts}." if whole["value"] > 0.0 and doubts else "", _basis(told, names)]
    if told["draws"] < FEW and whole["value"] > 0.0:
        said.append(f"{plural(told['draws'], 'draw')}: {FEW:,} or more narrow these intervals.")
    if -whole["bias"] > TIED * whole["value"]:
        said.append(
            f"The best two options are nearly tied: the best of close means is high by chance, "
            f"which makes the worth of knowing everything too low. {money(-whole['bias'])} was "
            "added for that, which takes off a part of the error; more draws take off the rest."
        )
    if told["usual_care_apart"] > APART:
        share = number(100 * told["usual_care_apart"], 2)
        said.append(
            f"The options do not share usual care (up to {share} % apart). Each is valued beside "
            "its own, so part of a difference between them may be that."
        )
    said.append(
        "Worth is for this one decision, in this community, over the horizon, to the party that "
        "is named: what a better choice gains on average, before what data and trials cost in "
        "money and time. Only what the scenario holds uncertain can be worth knowing. A part is "
        "told as worth no more than the whole that holds it; equal numbers are equal within error."
    )
    return [words for words in said if words]


def _basis(told: Mapping[str, Any], names: Mapping[str, str]) -> str:
    """Terms that are sums of months, and how much that overstates them."""
    found = told["undiscounted"]
    if not found:
        return ""
    words = listed(outcome(name, names) for name in found)
    if len(found) == len(terms(told["value"])):
        return f"In nominal dollars, the sum of months, no present value: {words}."
    over = number(100.0 * (1.0 / told["worth_if_even"] - 1.0), 2)
    return (
        f"Present values and sums of months are mixed here: {words} is not discounted. Spread "
        f"evenly over the horizon it would count {over} % too much beside a present value. Judge "
        "by terms of one kind where that could turn the answer."
    )


def _doubts(rows: Sequence[Row]) -> str:
    found = dict.fromkeys(r["warning"] for r in rows if r["warning"])
    return "; ".join(found)
