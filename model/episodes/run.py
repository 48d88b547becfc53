"""Run: one replication, and many of them in parallel.

Order of a replication, stated here and nowhere else:
 1. residents, arrivals, and their paths through segments and need levels in usual care;
 2. first referrals on those paths, then the event loop of all who are referred;
 3. both worlds laid over each other, person by person;
 4. lasting traits, events of use, and their claims.
Each step has streams of its own, so replications are the same whatever the number of workers.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from multiprocessing import get_context
from typing import NamedTuple, TypeVar

import numpy as np

from model.cluster import mapped
from model.distributions import Floats

from .care import WORLDS, Traits, traits
from .case import Case, Ints
from .chance import Chance
from .claims import Bills, Claims, claims_of, collected
from .desk import Joined
from .outreach import Pathway, pathways
from .pathways import Log, followed
from .people import ALIVE, Newcomers, Paths, newcomers, paths, stints
from .referral import first_referrals
from .series import Activity, Community, Spending, activity, community, presence, spending
from .spans import Spans, spans

T = TypeVar("T")
Progress = Callable[[int], None]


class World(NamedTuple):
    """What one world adds up to."""

    community: Community
    spending: Spending | None


class Replication(NamedTuple):
    """One run of chance: everybody's life, everybody's way through services, and the claims."""

    number: int
    newcomers: Newcomers
    traits: Traits
    spans: Spans
    pathways: Pathway
    bills: Bills | None  # of both worlds, where asked for
    claims: dict[str, Claims]  # of the worlds asked for
    worlds: dict[str, World]
    activity: Activity


def replicate(
    case: Case,
    replication: int,
    seed: int,
    claims: Sequence[str] = ("strategy",),
    with_bills: bool = False,
) -> Replication:
    """One replication, with the claims of the worlds asked for, and the bills behind them."""
    chance = Chance(seed, replication)
    new = newcomers(case, chance)
    stays = stints(case, new, chance)
    lives = paths(case, new, stays, chance)
    first = first_referrals(case, lives, chance)
    log = followed(case, lives, stays, first, chance)
    way = log.episodes
    both = spans(case, lives, log)
    known = traits(case, new.entered.size, chance)
    there = {world: presence(case, both, world, new.entered) for world in claims}
    since = first_starts(way, new.entered.size)
    made = claims_of(case, both, known, there, since, chance)
    every, found = collected(made, claims, with_bills) if claims else (None, {})
    fates = dict(zip(WORLDS, (lives.fate, fate_in_strategy(lives, log)), strict=True))
    worlds = {
        world: World(
            community(case, both, world, new.entered, fates[world]),
            spending(case, found[world]) if world in found else None,
        )
        for world in WORLDS
    }
    served = activity(case, way, log.staffed)
    return Replication(
        replication,
        new,
        known,
        both,
        pathways(case, both, way, chance),
        every,
        found,
        worlds,
        served,
    )


def first_starts(episodes: Joined, people: int) -> Floats:
    """Month of each person's first enrolment, inf for none."""
    out = np.full(people, np.inf)
    np.fmin.at(out, episodes.person, episodes.started)
    return out


def fate_in_strategy(lives: Paths, log: Log) -> Ints:
    """Who died or left in the strategy: as in usual care, except where need was drawn."""
    fate = lives.fate.copy()
    fate[log.moves.person] = ALIVE
    for person, why in log.departed:
        fate[person] = why
    return fate


# --- many replications


def summary(replication: Replication) -> tuple[dict[str, World], Activity]:
    """What a replication adds up to, without its people and claims."""
    return replication.worlds, replication.activity


class Work(NamedTuple):
    """What a worker does for each replication: replicate, then keep what `keep` returns."""

    case: Case
    seed: int
    claims: tuple[str, ...]
    keep: Callable[[Replication], object]
    with_bills: bool

    def __call__(self, replication: int) -> object:
        made = replicate(self.case, replication, self.seed, self.claims, self.with_bills)
        return self.keep(made)


def silent(done: int) -> None:
    """No progress shown."""
    del done


def run(
    case: Case,
    replications: int,
    seed: int,
    keep: Callable[[Replication], T],
    claims: Sequence[str] = ("strategy",),
    workers: int = 1,
    progress: Progress = silent,
    with_bills: bool = False,
    address: str | None = None,
) -> Iterator[T]:
    """What `keep` makes of each replication, in their order; at most two a worker in memory.

    With several workers, or on the Dask cluster at `address`, `keep` and what it returns go
    between processes.
    """
    work = Work(case, seed, tuple(claims), keep, with_bills)
    if address is not None or workers == 1:
        results = mapped(work.__call__, range(replications), address)
    else:
        results = _shared(work, replications, workers)
    for done, result in enumerate(results, start=1):
        progress(done)
        yield result  # type: ignore[misc]


_work: Work


def _begin(work: Work) -> None:
    """In a worker: keep the case, so that it is sent once; Ctrl-C is its parent's to answer."""
    global _work  # noqa: PLW0603  a worker of a pool has no other memory
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _work = work


def _one(replication: int) -> object:
    return _work(replication)


def _shared(work: Work, replications: int, workers: int) -> Iterator[object]:
    """Results in order; few are asked for ahead, so that memory stays bounded."""
    context = get_context("spawn")
    with ProcessPoolExecutor(workers, context, initializer=_begin, initargs=(work,)) as pool:
        ahead = iter(range(replications))
        asked: list[Future[object]] = [pool.submit(_one, k) for k in islice(ahead, 2 * workers)]
        while asked:
            result = asked.pop(0).result()
            asked += [pool.submit(_one, k) for k in islice(ahead, 1)]
            yield result
