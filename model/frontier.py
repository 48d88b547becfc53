"""The sustainability frontier: which mixes of revenue keep the backbone alive, and at what price.

Sustainable: solvent to the end of the horizon, and never with core staff below its minimum for
three months. Net: what all of the backbone's sources bring, and cost of its own that partners take
over, less direct cost and staff time of winning and serving them, over the horizon, nominal USD;
grants count as long as the account lasts. Cost to payers and partners: what dues, fees and
contracts bring, and what partners pay of hard-wired functions. Not by luck: sustainable, and no
settlement paid more than exact measurement would have, or the same mix without its contracts is
sustainable in that draw, too. Worst decile: the mean of the lowest
tenth of draws. Regret: by how much a mix falls short of the best mix of the same draw.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .distributions import Floats
from .draws import Draws
from .ensemble import Progress, silent
from .loading import Loaded
from .mixes import Lines, Mix, financing, lines, with_dues, with_mix, with_share
from .sampling import stream
from .targets import wilson
from .variants import changed, outputs
from .wanted import Plan, plan

WORST = 0.1
RESAMPLES = 200
NONE_LOST = ""


class Money(NamedTuple):
    """What each mix came to [mix, draw]."""

    sustainable: Floats  # 0 or 1
    net: Floats  # USD
    cost: Floats  # USD, of payers and partners
    with_luck: Floats  # 1 where it is sustainable and a settlement paid more than the truth would
    corridor: Floats  # 1 where dues are within what membership is worth; nan: no dues, or unknown
    bare: Floats  # 1 where the same mix without its contracts is sustainable; nan: not among them

    @property
    def not_by_luck(self) -> Floats:
        """1 where it is sustainable without having to be lucky."""
        return np.where(self.bare == 1.0, self.sustainable, self.sustainable - self.with_luck)


class Ranked(NamedTuple):
    """One mix over all draws; low and high are 90 % intervals (Wilson 1927)."""

    mix: Mix
    sustainable: float
    sustainable_low: float
    sustainable_high: float
    not_by_luck: float
    not_by_luck_low: float
    not_by_luck_high: float
    bare: float  # P(sustainable) of the same mix without its contracts
    with_luck: float  # share of draws: sustainable with a settlement above what the truth would pay
    net: float
    net_error: float
    worst_decile: float
    cost: float
    regret: float  # mean
    regret_p95: float
    best_share: float  # share of draws in which no other mix nets more
    corridor: float  # share of draws in which dues are within what membership is worth, or nan
    efficient: bool
    efficient_share: float  # of resamples in which it is efficient


class Surface(NamedTuple):
    """P(sustainable) and its 90 % interval [grant lost, dues, sharing rate]."""

    lost: tuple[str, ...]  # NONE_LOST: none
    dues: tuple[float, ...]
    shares: tuple[float, ...]
    sustainable: Floats
    low: Floats
    high: Floats


# --- what is asked of the model


class Asked(NamedTuple):
    """The outcomes that mixes are judged by, and which of them is what."""

    plan: Plan
    net: tuple[int, ...]
    cost: tuple[int, ...]
    with_luck: int | None  # none without contracts
    corridor: int | None  # none where the file does not say what membership is worth


def asked(loaded: Loaded) -> Asked:
    """What the model is asked for of every mix."""
    f, party, mine = financing(loaded), loaded.scenario.backbone.party, lines(loaded)
    names = [f"p_insolvent:{party}", f"below_core_staff:{party}"]
    own = [f"grants.{n}" for n, g in f.grants.items() if g.account in (None, party)]
    net = [f"net_contribution:{key}" for key in (*own, *mine.keys)]
    paying = [key for key in mine.keys if not key.startswith("hard_wiring.")]
    cost = [f"revenue:{key}" for key in paying] + [f"hard_wired:{party}"]
    amounts = [k for k in mine.keys if _amount_only(loaded, k)]
    cost += [f"revenue:{key}" for key in amounts]
    worth = [f"dues_within_corridor:{party}"] if f.membership and mine.dues else []
    luck = [f"solvent_by_luck:{party}"] if f.contracts else []
    every = [*names, *net, *cost, *luck, *worth]
    at = {name: k for k, name in enumerate(every)}
    with_luck = at[luck[0]] if luck else None
    corridor = at[worth[0]] if worth else None
    net_at, cost_at = tuple(at[n] for n in net), tuple(at[n] for n in cost)
    return Asked(plan(loaded, every), net_at, cost_at, with_luck, corridor)


def _amount_only(loaded: Loaded, key: str) -> bool:
    """Whether a hard-wired line is an amount in a partner's budget, and so a receipt."""
    kind, _, name = key.partition(".")
    return kind == "hard_wiring" and financing(loaded).hard_wiring[name].moves is None


def sustainable(values: Floats) -> Floats:
    """[variant, draw] of values [variant, output, draw]: 1 where it is."""
    return (1.0 - values[:, 0]) * (1.0 - values[:, 1])


# --- mixes


def evaluate(base: Draws, found: Sequence[Mix], about: Asked, progress: Progress = silent) -> Money:
    """Every mix on the same draws, in one call."""
    mine = lines(base.loaded)
    variants = [with_mix(base, mine, mix) for mix in found]
    values = outputs(variants, about.plan, progress=progress)
    net, cost = values[:, about.net].sum(axis=1), values[:, about.cost].sum(axis=1)
    none, lasts = np.full(net.shape, np.nan), sustainable(values)
    lucky = np.zeros(net.shape) if about.with_luck is None else lasts * values[:, about.with_luck]
    corridor = none if about.corridor is None else values[:, about.corridor]
    charged = np.array([mix.dues > 0.0 for mix in found])[:, None]
    return Money(lasts, net, cost, lucky, np.where(charged, corridor, none), _bare(found, lasts))


def _bare(found: Sequence[Mix], lasts: Floats) -> Floats:
    """Whether each mix without its contracts lasts [mix, draw]."""
    at = {mix: k for k, mix in enumerate(found)}
    alone = [at.get(mix._replace(contracts=())) for mix in found]
    none = np.full(lasts.shape[1], np.nan)
    return np.stack([none if k is None else lasts[k] for k in alone]) if found else lasts


def ranked(found: Sequence[Mix], money: Money, seed: int) -> list[Ranked]:
    """Every mix with its measures, most likely to last without luck first, then the cheapest."""
    if not found:
        return []
    efficient = pareto(*_judged(money))
    shares, regret = _efficient_shares(money, seed), regrets(money.net)
    out = [
        _measured(mix, Money(*(x[k] for x in money)), regret[k], bool(efficient[k]), shares[k])
        for k, mix in enumerate(found)
    ]
    return sorted(out, key=lambda r: (-r.not_by_luck, r.cost))


def _judged(money: Money) -> tuple[Floats, Floats, Floats]:
    """What mixes are compared by [mix]: chance to last without luck, net, cost to others."""
    return money.not_by_luck.mean(axis=1), money.net.mean(axis=1), money.cost.mean(axis=1)


def _measured(mix: Mix, one: Money, regret: Floats, efficient: bool, share: float) -> Ranked:
    """The measures of one mix from its draws [draw]."""
    draws, lasts, safe = one.net.size, float(one.sustainable.mean()), float(one.not_by_luck.mean())
    return Ranked(
        mix,
        lasts,
        *wilson(lasts, draws),
        safe,
        *wilson(safe, draws),
        float(one.bare.mean()),
        float(one.with_luck.mean()),
        float(one.net.mean()),
        float(one.net.std(ddof=1) / np.sqrt(draws)) if draws > 1 else 0.0,
        worst_decile(one.net),
        float(one.cost.mean()),
        float(regret.mean()),
        float(np.quantile(regret, 0.95)),
        float((regret == 0.0).mean()),
        float(one.corridor.mean()),
        efficient,
        float(share),
    )


def picked_on_half(money: Money) -> float:
    """P(sustainable, not by luck) of the mix that is best on one half of draws, on the other half.

    Both ways round. The best of many on the same draws looks better than it is; this does not.
    nan with fewer than two draws.
    """
    if money.net.shape[1] < 2:
        return float("nan")
    judged = 0.0
    for here, there in ((0, 1), (1, 0)):
        p, cost = (x[:, here::2].mean(axis=1) for x in (money.not_by_luck, money.cost))
        best = int(np.lexsort((cost, -p))[0])
        judged += float(money.not_by_luck[best, there::2].sum())
    return judged / int(money.net.shape[1])


def worst_decile(values: Floats) -> float:
    """Mean of the lowest tenth of values [draw], one at least."""
    count = max(1, round(WORST * values.size))
    return float(np.sort(values)[:count].mean())


def regrets(net: Floats) -> Floats:
    """By how much each mix falls short of the best of the same draw [mix, draw]."""
    return np.asarray(net.max(axis=0) - net)


def pareto(p: Floats, net: Floats, cost: Floats) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    """Which mixes no other is at least as good as in all three and better in one [mix].

    Better is a higher chance, a higher net, a lower cost to payers and partners.
    """
    scores = np.stack([p, net, -cost], axis=1)
    as_good = (scores[:, None, :] >= scores[None, :, :]).all(axis=2)
    better = (scores[:, None, :] > scores[None, :, :]).any(axis=2)
    return np.asarray(~(as_good & better).any(axis=0))


def _efficient_shares(money: Money, seed: int) -> Floats:
    """In what share of resamples of draws each mix is efficient [mix]."""
    mixes, draws = money.net.shape
    rng = stream(seed, "frontier.bootstrap")
    counts = rng.multinomial(draws, np.full(draws, 1.0 / draws), size=RESAMPLES) / draws
    p, net, cost = (x @ counts.T for x in (money.not_by_luck, money.net, money.cost))
    found = np.zeros(mixes)
    for k in range(RESAMPLES):
        found += pareto(p[:, k], net[:, k], cost[:, k])
    return found / RESAMPLES


# --- loss of a grant


def grants_by_size(loaded: Loaded) -> list[str]:
    """The backbone's grants that are there: those that may be renewed first, then by size.

    Size is what a grant brings over the horizon before renewals.
    """
    f, scenario = financing(loaded), loaded.scenario
    party, clock = scenario.backbone.party, scenario.clock
    size: dict[str, float] = {}
    for name, grant in f.grants.items():
        months = clock.index(min(grant.end, clock.end)) - max(clock.index(grant.start), 0) + 1
        amount = loaded.parameters[f"financing.grants.{name}.amount"].central
        if grant.account in (None, party) and months > 0 and amount > 0.0:
            size[name] = amount * months
    return sorted(size, key=lambda name: (f.grants[name].renewal is None, -size[name]))


def surface(
    base: Draws,
    lost: Sequence[str],
    dues: Sequence[float],
    shares: Sequence[float],
    about: Asked,
    progress: Progress = silent,
) -> Surface:
    """P(sustainable) over dues, sharing rates (of every contract that shares savings) and losses.

    A grant that is lost is never renewed; one that has no renewal pays nothing at all.
    """
    mine = lines(base.loaded)
    variants = [
        changed(base, with_level(base, mine, factor, share) | without_grant(base.loaded, grant))
        for grant in lost
        for factor in dues
        for share in shares
    ]
    found = sustainable(outputs(variants, about.plan, progress=progress)).mean(axis=1)
    p = found.reshape(len(lost), len(dues), len(shares))
    ends = np.array([wilson(float(x), base.size) for x in p.ravel()]).reshape(*p.shape, 2)
    return Surface(tuple(lost), tuple(dues), tuple(shares), p, ends[..., 0], ends[..., 1])


def with_level(base: Draws, mine: Lines, factor: float, share: float) -> dict[str, Floats]:
    """All dues times a factor and all sharing rates at one value."""
    out = with_dues(base, mine, factor)
    for name in sharing(base.loaded, mine):
        out |= with_share(base, name, share)
    return out


def sharing(loaded: Loaded, mine: Lines) -> list[str]:
    """The contracts that share savings."""
    f = financing(loaded)
    return [n for n in mine.contracts if f.contracts[n].terms.shared_savings is not None]


def without_grant(loaded: Loaded, name: str) -> dict[str, Floats]:
    """The numbers that make a grant lost."""
    if name == NONE_LOST:
        return {}
    at = f"financing.grants.{name}"
    lost = "renewal.chance" if may_be_renewed(loaded, name) else "amount"
    return {f"{at}.{lost}": np.zeros(())}


def may_be_renewed(loaded: Loaded, name: str) -> bool:
    return financing(loaded).grants[name].renewal is not None
