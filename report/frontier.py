"""The frontier for readers: what is searched, what is found, and its files."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import numpy as np

from model.draws import sample
from model.frontier import (
    NONE_LOST,
    Asked,
    Money,
    Ranked,
    Surface,
    asked,
    evaluate,
    grants_by_size,
    picked_on_half,
    ranked,
    sharing,
    surface,
)
from model.loading import Loaded
from model.mixes import Limits, Lines, Mix, lines, mixes
from model.problems import BadInput, Mark, Problem

from . import frontier_words, renderer, solved_files
from .answer_page import Page
from .frontier_names import Names
from .wording import listed, money, number, plural

MOST_VARIANTS = 5000


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
        """What the search will take; nothing where it is little."""
        what = f"{len(self.mixes)} mixes"
        if levels := self.variants - len(self.mixes):
            what += f" and {levels} levels with grants lost"
        return solved_files.cost(self.loaded, self.asked.plan, what, self.variants, draws)


class Found(NamedTuple):
    """All mixes within the limits, ranked, and the surface."""

    mixes: list[Ranked]
    left_out: int  # mixes over a limit that only a run can tell
    misses: list[str]  # which limit leaves out what, where it leaves out all
    picked: float  # P(sustainable, not by luck) of the best of one half of draws on the other half
    surface: Surface | None
    draws: int
    seed: int
    names: Names


def question(
    loaded: Loaded, dues: str, shares: str, loss: str, most_dues: float | None,
    most_contracts: int | None, most_cost: float | None, least_sustainable: float | None,
) -> Question:  # fmt: skip
    """What the options say; BadInput where nothing is left to search."""
    mine, limits = lines(loaded), Limits(most_dues, most_contracts)
    if not mine.keys:
        found_ = f"no dues, fees, contracts or hard-wiring in `{loaded.scenario.name}`"
        _refuse("SCENARIO", found_, "a scenario with one of them, as scenarios/jackson_mix.yaml")
    factors = _numbers(dues, "--dues", math.inf)
    rates = _numbers(shares, "--shares", 1.0)
    found = mixes(loaded, factors, rates, limits)
    if not found:  # dues are the only limit that can leave out all before a run
        dearest = max(loaded.parameters[f"financing.dues.{n}.amount"].central for n in mine.dues)
        least = (
            f"{factors[0]:g} times the dues is {money(factors[0] * dearest)} for the dearest tier"
        )
        _refuse("--most-dues", f"{money(most_dues or 0.0)}: no mix of revenue within the limits",
                f"more, as {least}; or 0 among --dues, which is no dues")  # fmt: skip
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
    chosen = Money(*(x[kept] for x in values))
    within = ranked([q.mixes[k] for k in kept], chosen, seed)
    done = draws * len(q.mixes)
    over = surface(base, q.lost, q.dues, q.shares, q.asked, lambda n: advance(done + n))
    names = Names(q.loaded, q.lines)
    misses = [] if kept else missed(q, values, names)
    picked = picked_on_half(chosen) if kept else math.nan
    return Found(within, len(q.mixes) - len(kept), misses, picked, over, draws, seed, names)


def missed(q: Question, values: Money, names: Names) -> list[str]:
    """Which limit leaves out how many mixes, and which comes nearest to it."""
    p, cost = values.sustainable.mean(axis=1), values.cost.mean(axis=1)
    kinds = np.array([mix.kinds for mix in q.mixes])  # of mixes that are alike the simplest
    out, count = [], plural(len(q.mixes), "mix", "mixes")
    if q.most_cost is not None:
        near, over = int(np.lexsort((kinds, cost))[0]), int((cost > q.most_cost).sum())
        out.append(
            f"--most-cost {money(q.most_cost)} leaves out {over} of {count}; the cheapest is "
            f"{names.mix(q.mixes[near])} at {money(float(cost[near]))}."
        )
    if q.least_sustainable is not None:
        allowed = cost <= (math.inf if q.most_cost is None else q.most_cost)
        among = allowed if allowed.any() else np.ones_like(allowed)
        near = int(np.lexsort((kinds, cost, -np.where(among, p, -1.0)))[0])
        under = int((p < q.least_sustainable).sum())
        within = " within --most-cost" if allowed.any() and not allowed.all() else ""
        out.append(
            f"--least-sustainable {number(q.least_sustainable)} leaves out {under} of {count}; the "
            f"nearest{within} is {names.mix(q.mixes[near])} with {number(float(p[near]), 2)}."
        )
    return out


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


# --- files


def mix_rows(f: Found) -> list[dict[str, Any]]:
    """Every mix within the limits: measures and ranks."""
    by_net = _ranks(f.mixes, [-r.net for r in f.mixes])
    by_worst = _ranks(f.mixes, [-r.worst_decile for r in f.mixes])
    by_regret = _ranks(f.mixes, [r.regret for r in f.mixes])
    return [
        {
            "mix": f.names.mix(r.mix),
            "dues_factor": r.mix.dues,
            "fees": r.mix.fees,
            "hard_wiring": r.mix.hard_wiring,
            "contracts": "; ".join(name for name, _ in r.mix.contracts),
        }
        | {key: value for key, value in r._asdict().items() if key != "mix"}
        | {
            "rank": place,
            "rank_net": by_net[id(r)],
            "rank_worst_decile": by_worst[id(r)],
            "rank_regret": by_regret[id(r)],
        }
        for place, r in enumerate(f.mixes, start=1)
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
            "low": float(s.low[k, j, i]),
            "high": float(s.high[k, j, i]),
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
        "misses": f.misses,
        "best_on_other_half": f.picked,
        "surface": surface_rows(f.surface) if f.surface is not None else [],
    }
    return solved_files.plain(told | ({"folder": str(folder)} if folder else {}))  # type: ignore[no-any-return]


def write(q: Question, f: Found, folder: Path) -> Page:
    """The folder of a search; returns its page."""
    page = frontier_words.page(q, f)
    files: dict[str, bytes] = {}
    pictures = ["frontier.png"] * bool(f.mixes) + ["surface.png"] * (f.surface is not None)
    for name, (spec, _) in zip(pictures, page.charts, strict=True):
        files[name] = renderer.png(spec)
    if f.mixes:
        files["mixes.csv"] = solved_files.table(mix_rows(f))
    if f.surface is not None:
        files["surface.csv"] = solved_files.table(surface_rows(f.surface))
    return solved_files.write(folder, "frontier", as_json(q, f), files, page)
