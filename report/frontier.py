"""The frontier for readers: the efficient mixes, all mixes ranked, and what a lost grant does."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

from rich.console import Console

from model.draws import sample
from model.frontier import (
    NONE_LOST,
    Asked,
    Ranked,
    Surface,
    asked,
    evaluate,
    grants_by_size,
    may_be_renewed,
    ranked,
    sharing,
    surface,
)
from model.loading import Loaded
from model.mixes import Limits, Lines, Mix, lines, mixes, with_mix
from model.problems import BadInput, Mark, Problem
from model.variants import outputs

from . import renderer, solved_files
from .frontier_figure import efficient_set, lost_grants
from .screen import text, topics
from .solved import UNPRICED
from .solved_view import lines as as_lines
from .solved_view import table
from .terminal import console, show
from .wording import listed, money, number, percent, plural, short_money

PILOT = 40  # draws of one mix, to say beforehand how long all will take
MOST_VARIANTS = 5000
MOST_SHOWN = 15
EFFICIENT = (
    "no other is at least as good in P(sustainable), expected net and cost to payers and partners, "
    "and better in one of them"
)
LASTS = "solvent to the end of the horizon, and never below minimum core staff for three months"
NET = (
    "what all sources of the backbone bring, grants included, and cost that partners take over, "
    "less direct cost and staff time; over the horizon, nominal"
)
LUCK = (
    "of P(sustainable), the draws in which some settlement paid more than exact measurement would "
    "have; whether they would last without it, the mix without the contract says"
)
FIT = (
    "share of draws in which dues lie between what serving members costs and what membership is "
    "worth to them; - without dues, or where the file does not say"
)
WORDS = (
    ("sustainable", f"{LASTS}; ± is the Monte Carlo standard error"),
    ("with luck", LUCK),
    ("net", NET),
    ("cost", "to others: what dues, fees and contracts bring, and partners pay of functions"),
    ("worst 10 %", "mean net of the lowest tenth of draws"),
    ("regret", "how far a mix falls short of the best mix of the same draw, on average"),
    ("dues fit", FIT),
    ("in set", "share of resamples of draws in which it is efficient"),
    ("off", "a line that is off is as if the file did not have it"),
    ("levels", "of dues and shares: with fees and hard-wiring as in the file"),
    ("lost grant", "is never renewed; one without a renewal pays nothing at all"),
)


class Question(NamedTuple):
    """What is searched: mixes within limits, and levels with grants lost."""

    loaded: Loaded
    lines: Lines
    asked: Asked
    mixes: list[Mix]
    limits: Limits
    most_cost: float | None
    least_sustainable: float | None
    lost: list[str]
    dues: list[float]
    shares: list[float]

    @property
    def variants(self) -> int:
        return len(self.mixes) + len(self.lost) * len(self.dues) * len(self.shares)

    def cost(self, draws: int) -> str:
        """What the search will take, from a pilot of a few draws."""
        base = sample(self.loaded, PILOT, 0)
        pair = [with_mix(base, self.lines, mix) for mix in (self.mixes[0], self.mixes[-1])]
        outputs(pair[:1], self.asked.plan)  # the first call starts threads and reads the equations
        began = time.perf_counter()
        outputs(pair, self.asked.plan)
        each = (time.perf_counter() - began) / (2.0 * PILOT)
        runs, levels = self.variants * draws, self.variants - len(self.mixes)
        return (
            f"{len(self.mixes)} mixes and {levels} levels with grants lost, "
            f"{draws:,} draws each: {runs:,} runs, about {number(runs * each, 2)} s here."
        )


class Found(NamedTuple):
    """All mixes within the limits, ranked, and the surface."""

    mixes: list[Ranked]
    left_out: int  # mixes over a limit that only a run can tell
    surface: Surface | None
    draws: int
    seed: int


def question(
    loaded: Loaded, dues: str, shares: str, loss: str, most_dues: float | None,
    most_contracts: int | None, most_cost: float | None, least_sustainable: float | None,
) -> Question:  # fmt: skip
    """What the options say; BadInput where nothing is left to search."""
    mine, limits = lines(loaded), Limits(most_dues, most_contracts)
    factors = _numbers(dues, "--dues", math.inf)
    rates = _numbers(shares, "--shares", 1.0)
    found = mixes(loaded, factors, rates, limits)
    if not found or not mine.keys:
        _refuse(
            "SCENARIO", "no mix of revenue within the limits", "a line of revenue, wider limits"
        )
    within = list(dict.fromkeys(mix.dues for mix in found))
    losses = [] if loss == "none" else grants_by_size(loaded)[: None if loss == "each" else 1]
    contracts = sharing(loaded, mine)
    own = [rate for mix in found for name, rate in mix.contracts if name in contracts]
    levels = sorted({*own}) or [0.0]
    q = Question(
        loaded, mine, asked(loaded), found, limits, most_cost, least_sustainable,
        [NONE_LOST, *losses], within, levels,
    )  # fmt: skip
    if q.variants > MOST_VARIANTS:
        _refuse("--dues", f"{q.variants:,} variants", f"up to {MOST_VARIANTS:,}: fewer levels")
    return q


def _numbers(words: str, option: str, most: float) -> list[float]:
    """`0,1,2` in order; BadInput for what is no number from 0 to `most`."""
    try:
        found = sorted({float(word) for word in words.split(",")})
    except ValueError:
        found = []
    if not found or not all(0.0 <= x <= most and math.isfinite(x) for x in found):
        top = f" to {most:g}" if math.isfinite(most) else ""
        _refuse(option, f"`{words}`", f"numbers from 0{top} with commas between, as in 0,0.5,1")
    return found


def _refuse(option: str, found: str, allowed: str) -> NoReturn:
    raise BadInput([Problem(Mark(option, 0, 0), "", found, allowed)])


def answered(q: Question, draws: int, seed: int, advance: Callable[[int], None]) -> Found:
    """Mixes, then levels with grants lost, all on the same draws."""
    base = sample(q.loaded, draws, seed)
    values = evaluate(base, q.mixes, q.asked, advance)
    kept = [
        k for k in range(len(q.mixes))
        if (q.most_cost is None or values.cost[k].mean() <= q.most_cost)
        and (q.least_sustainable is None or values.sustainable[k].mean() >= q.least_sustainable)
    ]  # fmt: skip
    within = ranked([q.mixes[k] for k in kept], type(values)(*(x[kept] for x in values)), seed)
    done = draws * len(q.mixes)
    over = surface(base, q.lost, q.dues, q.shares, q.asked, lambda n: advance(done + n))
    return Found(within, len(q.mixes) - len(kept), over, draws, seed)


# --- in words


def named(mix: Mix) -> str:
    """dues x 4, fees, plan savings at 50 %"""
    parts = [f"dues x {mix.dues:g}"] if mix.dues else []
    parts += ["fees"] if mix.fees else []
    parts += ["hard-wiring"] if mix.hard_wiring else []
    for name, rate in mix.contracts:
        at = f" at {percent(rate)}" if math.isfinite(rate) else ""
        parts.append(f"{name.replace('_', ' ')}{at}")
    return ", ".join(parts) or "grants alone"


def sentences(f: Found) -> list[str]:
    """How many mixes are efficient, and what the ends of the set are."""
    if not f.mixes:
        return ["No mix is within the limits."]
    count = sum(r.efficient for r in f.mixes)
    of = plural(len(f.mixes), "mix", "mixes")
    out = [f"{count} of {of} within the limits are efficient: {EFFICIENT}."]
    best_by = (
        ("most likely sustainable", max(f.mixes, key=lambda r: (r.sustainable, r.net))),
        ("highest expected net", f.mixes[0]),
        ("best worst decile", max(f.mixes, key=lambda r: r.worst_decile)),
        ("least expected regret", min(f.mixes, key=lambda r: r.regret)),
    )
    for best in dict.fromkeys(r for _, r in best_by):
        words = listed(word for word, r in best_by if r is best)
        out.append(
            f"{words[0].upper()}{words[1:]}: {named(best.mix)} (P(sustainable) {_chance(best)}, "
            f"net {money(best.net)}, cost to others {money(best.cost)})."
        )
    if f.left_out:
        out.append(f"{plural(f.left_out, 'mix', 'mixes')} left out as beyond the limits.")
    return out


def _chance(r: Ranked) -> str:
    return f"{r.sustainable:.2f} ± {r.sustainable_error:.2f}"


def limits_in_words(q: Question) -> str:
    told = []
    if q.limits.dues is not None:
        told.append(f"dues of no tier above {money(q.limits.dues)}")
    if q.limits.contracts is not None:
        told.append(f"at most {plural(q.limits.contracts, 'contract')}")
    if q.most_cost is not None:
        told.append(f"expected cost to payers and partners up to {money(q.most_cost)}")
    if q.least_sustainable is not None:
        told.append(f"P(sustainable) of {number(q.least_sustainable)} or more")
    return listed(told) or "none"


def _notes(q: Question, f: Found) -> list[tuple[str, str]]:
    runs = f"{q.variants} variants on the same {plural(f.draws, 'draw')} and luck"
    return [*WORDS, ("limits", limits_in_words(q)), ("demand", UNPRICED), ("runs", runs)]


# --- at the terminal


def view(q: Question, f: Found, folder: Path, to: Console | None = None) -> None:
    """The answer, the efficient set, the surface, the words."""
    heading = as_lines([q.loaded.scenario.title, "The sustainability frontier"], "bold")
    parts: list[Any] = [heading, as_lines(sentences(f)), _mixes(f)]
    if f.surface is not None:
        parts += _surfaces(q, f.surface)
    show(to or console(), [*parts, topics(_notes(q, f), "dim"), text(f"Files: {folder}")])


def efficient(f: Found) -> list[Ranked]:
    """The efficient mixes, highest chance first, then highest net."""
    return sorted((r for r in f.mixes if r.efficient), key=lambda r: (-r.sustainable, -r.net))


def _mixes(f: Found) -> Any:
    chosen = efficient(f)
    columns = [
        "mix",
        "P(sust.)",
        "with luck",
        "net",
        "worst 10 %",
        "cost",
        "regret",
        "dues fit",
        "in set",
    ]
    rows = [
        [
            f"{k}  {named(r.mix)}",
            _chance(r),
            number(r.with_luck, 2),
            short_money(r.net),
            short_money(r.worst_decile),
            short_money(r.cost),
            short_money(r.regret),
            "-" if math.isnan(r.corridor) else f"{100 * r.corridor:.0f} %",
            f"{100 * r.efficient_share:.0f} %",
        ]
        for k, r in enumerate(chosen[:MOST_SHOWN], start=1)
    ]
    more = f", the first {MOST_SHOWN} of {len(chosen)}" if len(chosen) > MOST_SHOWN else ""
    return table(f"The efficient set{more}", columns, rows)


def lost_name(q: Question, name: str) -> str:
    words = name.replace("_", " ")
    if not name:
        return "all grants as in the file"
    return f"{words} not renewed" if may_be_renewed(q.loaded, name) else f"without {words}"


def _surfaces(q: Question, s: Surface) -> list[Any]:
    """One table a loss; of many losses one table, at the middle sharing rate."""
    if len(s.lost) <= 3:
        return [_surface(q, s, k) for k in range(len(s.lost))]
    middle = len(s.shares) // 2
    rows = [
        [lost_name(q, grant), *(f"{p:.2f} ± {e:.2f}" for p, e in zip(at, off, strict=True))]
        for grant, at, off in zip(
            s.lost, s.sustainable[:, :, middle], s.error[:, :, middle], strict=True
        )
    ]
    title = f"P(sustainable) over dues, sharing rate {percent(s.shares[middle])}"
    return [table(title, ["grant lost", *(f"x {factor:g}" for factor in s.dues)], rows)]


def _surface(q: Question, s: Surface, k: int) -> Any:
    columns = ["dues", *(f"share {percent(share)}" for share in s.shares)]
    rows = [
        [f"x {factor:g}", *(f"{p:.2f} ± {e:.2f}" for p, e in zip(line, error, strict=True))]
        for factor, line, error in zip(s.dues, s.sustainable[k], s.error[k], strict=True)
    ]
    return table(f"P(sustainable), {lost_name(q, s.lost[k])}", columns, rows)


# --- files


def mix_rows(f: Found) -> list[dict[str, Any]]:
    """Every mix within the limits: measures and ranks."""
    by_net = {id(r): k + 1 for k, r in enumerate(f.mixes)}
    by_worst = _ranks(f.mixes, [-r.worst_decile for r in f.mixes])
    by_regret = _ranks(f.mixes, [r.regret for r in f.mixes])
    return [
        {
            "mix": named(r.mix),
            "dues_factor": r.mix.dues,
            "fees": r.mix.fees,
            "hard_wiring": r.mix.hard_wiring,
            "contracts": "; ".join(name for name, _ in r.mix.contracts),
        }
        | {key: value for key, value in r._asdict().items() if key != "mix"}
        | {
            "rank_net": by_net[id(r)],
            "rank_worst_decile": by_worst[id(r)],
            "rank_regret": by_regret[id(r)],
        }
        for r in f.mixes
    ]


def _ranks(found: Sequence[Ranked], keys: Sequence[float]) -> dict[int, int]:
    order = sorted(range(len(found)), key=lambda k: (keys[k], k))
    return {id(found[k]): place + 1 for place, k in enumerate(order)}


def surface_rows(s: Surface) -> list[dict[str, Any]]:
    return [
        {
            "grant_lost": grant or "none",
            "dues_factor": factor,
            "sharing_rate": share,
            "p_sustainable": float(s.sustainable[k, j, i]),
            "standard_error": float(s.error[k, j, i]),
        }
        for k, grant in enumerate(s.lost)
        for j, factor in enumerate(s.dues)
        for i, share in enumerate(s.shares)
    ]


def as_json(q: Question, f: Found, folder: Path | None = None) -> dict[str, Any]:
    told: dict[str, Any] = {
        "scenario": q.loaded.scenario.name,
        "draws": f.draws,
        "seed": f.seed,
        "limits": limits_in_words(q),
        "mixes": mix_rows(f),
        "left_out": f.left_out,
        "surface": surface_rows(f.surface) if f.surface is not None else [],
    }
    return solved_files.plain(told | ({"folder": str(folder)} if folder else {}))  # type: ignore[no-any-return]


def write(q: Question, f: Found, folder: Path) -> None:
    files: dict[str, bytes] = {}
    if f.mixes:
        files["mixes.csv"] = solved_files.table(mix_rows(f))
        shown = enumerate(efficient(f)[:MOST_SHOWN], start=1)
        numbered = {k: (r, named(r.mix)) for k, r in shown}
        files["frontier.png"] = renderer.png(efficient_set(f.mixes, numbered))
    if f.surface is not None:
        files["surface.csv"] = solved_files.table(surface_rows(f.surface))
        panels = {grant or "none": lost_name(q, grant) for grant in f.surface.lost}
        files["surface.png"] = renderer.png(lost_grants(surface_rows(f.surface), panels))
    solved_files.write(folder, "frontier", as_json(q, f), files)
