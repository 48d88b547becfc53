"""The frontier in words: the ends of the efficient set, its tables, what the words mean."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from model.frontier import Ranked, Surface
from model.targets import wilson

from .answer_page import Page, Rows
from .frontier_figure import efficient_set, lost_grants
from .solved_words import UNPRICED
from .wording import capital, listed, money, percent, plural, short_money

if TYPE_CHECKING:
    from .frontier import Found, Question

MOST_SHOWN = 15
EFFICIENT = (
    "no other is at least as good in the chance to last without luck, expected net and cost to "
    "payers and partners, and better in one of them"
)
WORDS = (
    (
        "sustainable",
        (
            "solvent to the end of the horizon, and never below minimum core staff for three "
            "months; intervals are 90 % (Wilson 1927), what this number of draws leaves open"
        ),
    ),
    (
        "with luck",
        (
            "of the sustainable draws, those in which some settlement paid more than exact "
            "measurement would have"
        ),
    ),
    (
        "not by luck",
        (
            "sustainable, and no settlement paid more than exact measurement would have, or the"
            " same mix without its contracts lasts in that draw, too. Mixes are ranked by this,"
            " then by the lowest cost to others"
        ),
    ),
    ("without contracts", "P(sustainable) of the same dues, fees and hard-wiring alone"),
    (
        "net",
        (
            "money that others pay: what all sources bring to the backbone, grants and lucky "
            "settlements included, and cost that partners take over, less direct cost and staff"
            " time; over the horizon, nominal"
        ),
    ),
    (
        "cost to others",
        ("the part of it that payers and partners pay: dues, fees, contracts, and functions"),
    ),
    ("worst 10 %", "mean net of the lowest tenth of draws"),
    ("regret", "how far the net of a mix falls short of the best mix of the same draw, on average"),
    (
        "dues fit",
        (
            "share of draws in which dues lie between what serving members costs and what "
            "membership is worth to them; - without dues, or where the file does not say"
        ),
    ),
    ("in set", "share of resamples of draws in which it is efficient"),
    ("off", "a line that is off is as if the file did not have it"),
    ("levels", "of dues and shares: with fees and hard-wiring as in the file"),
    ("lost grant", "is never renewed; one without a renewal pays nothing at all"),
)


def page(q: Question, f: Found) -> Page:
    """The answer, the charts, the efficient set, and what a lost grant does."""
    charts = []
    if f.mixes:
        numbered = {k: (r, f.names.mix(r.mix)) for k, r in enumerate(shown(f), start=1)}
        caption = "Each mix within the limits; numbers are those of the tables."
        charts.append((efficient_set(f.mixes, numbered), caption))
    if f.surface is not None:
        told = "P(sustainable) over dues and sharing rates, luck of settlements counted."
        charts.append((lost_grants(f.surface, [f.names.lost(g) for g in f.surface.lost]), told))
    tables = [*_mixes(f), *(_surfaces(f, f.surface) if f.surface is not None else [])]
    return Page(
        title="Which mixes of revenue keep the backbone alive, and at whose cost",
        meta=f"Headwater frontier · {q.loaded.scenario.title} · {plural(f.draws, 'draw')} · seed "
        f"{f.seed}",
        sentences=sentences(f),
        charts=charts,
        tables=tables,
        notes=[f"{capital(topic)}: {words}." for topic, words in _notes(q, f)],
    )


def sentences(f: Found) -> list[str]:
    """How many mixes are efficient, what the ends of the set are, and how far luck carries them."""
    if not f.mixes:
        return ["No mix is within the limits.", *f.misses]
    count = sum(r.efficient for r in f.mixes)
    of = plural(len(f.mixes), "mix", "mixes")
    out = [f"{count} of {of} within the limits are efficient: {EFFICIENT}."]
    best_by = (
        ("most likely to last without luck", f.mixes[0]),
        ("most likely to last, luck counted", max(f.mixes, key=lambda r: (r.sustainable, r.net))),
        ("highest expected net", max(f.mixes, key=lambda r: r.net)),
        ("best worst decile", max(f.mixes, key=lambda r: r.worst_decile)),
        ("least expected regret", min(f.mixes, key=lambda r: r.regret)),
    )
    for best in dict.fromkeys(r for _, r in best_by):
        words = listed(word for word, r in best_by if r is best)
        out.append(f"{capital(words)}: {f.names.mix(best.mix)}. {_told(best)}")
    out += _selection(f)
    if f.left_out:
        out.append(f"{plural(f.left_out, 'mix', 'mixes')} left out as beyond the limits.")
    return out


def _told(r: Ranked) -> str:
    """How likely it lasts, how much of that is luck, whether dues are worth it, whose money."""
    told = f"P(sustainable) {_share(r.sustainable)} ({_between(r)})"
    if r.mix.contracts:
        some = "settlement" if len(r.mix.contracts) == 1 else "settlements"
        contract = "contract" if len(r.mix.contracts) == 1 else "contracts"
        told += f", of which {_share(r.with_luck)} with luck of the {some}"
        told += f"; {_share(r.not_by_luck)} not by luck"
        if not math.isnan(r.bare):
            told += f"; {_share(r.bare)} without the {contract}"
    if not math.isnan(r.corridor):
        told += f"; dues are within what membership is worth in {_fit(r)} of draws"
    return (
        f"{told}. Net {money(r.net)} to the backbone, all of it money that others pay, grants "
        f"included; payers and partners pay {money(r.cost)}."
    )


def _share(x: float) -> str:
    return f"{x:.2f}"


def _between(r: Ranked) -> str:
    return _range(r.sustainable_low, r.sustainable_high)


def _range(low: float, high: float) -> str:
    return f"{low:.2f} to {high:.2f}"


def _fit(r: Ranked) -> str:
    return "-" if math.isnan(r.corridor) else f"{100 * r.corridor:.0f} %"


def _selection(f: Found) -> list[str]:
    """The best of many on the same draws looks better than it is."""
    if len(f.mixes) < 2 or math.isnan(f.picked):
        return []
    best = f.mixes[0]
    return [
        (
            f"The first is the best of {len(f.mixes)} on the same draws "
            f"({_share(best.not_by_luck)} not by luck), and the best of many looks better than it "
            f"is: chosen on one half of the draws and judged on the other, it comes to "
            f"{_share(f.picked)} (90 % interval {_range(*wilson(f.picked, f.draws))})."
        )
    ]


def _notes(q: Question, f: Found) -> list[tuple[str, str]]:
    from .frontier import limits_in_words  # noqa: PLC0415  which imports this module

    runs = f"{q.variants} variants on the same {plural(f.draws, 'draw')} and luck"
    only = f.names.only
    contract = [("contract", f.names.of(only))] if only else []
    return [*WORDS, *contract, ("limits", limits_in_words(q)), ("demand", UNPRICED), ("runs", runs)]


# --- tables


def shown(f: Found) -> list[Ranked]:
    """The first efficient mixes: most likely to last without luck, then at the lowest cost."""
    return [r for r in f.mixes if r.efficient][:MOST_SHOWN]


def _mixes(f: Found) -> list[Rows]:
    """Chances of the efficient mixes, and their money."""
    if not f.mixes:
        return []
    count = sum(r.efficient for r in f.mixes)
    more = f", the first {MOST_SHOWN} of {count}" if count > MOST_SHOWN else ""
    chances, amounts = [], []
    for k, r in enumerate(shown(f), start=1):
        bare = "-" if math.isnan(r.bare) else _share(r.bare)
        chances.append([f"{k}  {f.names.mix(r.mix)}", _share(r.not_by_luck),
                        _range(r.not_by_luck_low, r.not_by_luck_high), _share(r.sustainable),
                        bare, _fit(r)])  # fmt: skip
        net = [short_money(x) for x in (r.net, r.worst_decile, r.cost, r.regret)]
        amounts.append([f"{k}  {f.names.mix(r.mix)}", *net, f"{100 * r.efficient_share:.0f} %"])
    heads = (
        "mix",
        "not by\nluck",
        "90 % interval",
        "luck\ncounted",
        "no con-\ntracts",
        "dues\nfit",
    )
    note = "Luck counted: P(sustainable), lucky settlements included."
    money_heads = ("mix", "net", "worst\n10 %", "cost to\nothers", "regret", "in set")
    return [
        Rows(f"The efficient set: chance to last{more}", heads, chances, note),
        Rows(f"The efficient set: money{more}", money_heads, amounts),
    ]


def _surfaces(f: Found, s: Surface) -> list[Rows]:
    """One table a loss; of many losses one table, at the middle sharing rate."""
    if len(s.lost) <= 3:
        return [_surface(f, s, k) for k in range(len(s.lost))]
    i = len(s.shares) // 2
    rows = [
        [f.names.lost(grant), *(_cell(s, k, j, i) for j in range(len(s.dues)))]
        for k, grant in enumerate(s.lost)
    ]
    title = f"P(sustainable) over dues, sharing rate {percent(s.shares[i])}"
    return [Rows(title, ["grant lost", *(f"x {factor:g}" for factor in s.dues)], rows)]


def _surface(f: Found, s: Surface, k: int) -> Rows:
    rows = [
        [f"x {factor:g}", *(_cell(s, k, j, i) for i in range(len(s.shares)))]
        for j, factor in enumerate(s.dues)
    ]
    heads = ["dues", *(f"share {percent(share)}" for share in s.shares)]
    return Rows(f"P(sustainable), {f.names.lost(s.lost[k])}", heads, rows)


def _cell(s: Surface, k: int, j: int, i: int) -> str:
    low, high = 100 * s.low[k, j, i], 100 * s.high[k, j, i]
    return f"{s.sustainable[k, j, i]:.2f} ({low:.0f}-{high:.0f} %)"
