"""Care: how much individuals use, and the events of their use given their paths.

Events of a service are a Poisson process on the time that people have spent, weighted by rate,
frailty, trend and what they are exposed to: months are counted from the path, and a thinned copy
of the same events is what the other world sees.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy import special

from model.community import use_left
from model.distributions import Floats

from .case import ABSENT, LEVELS, Case, Flags, Ints, plain
from .chance import Chance
from .ramp import Ramp
from .spans import Spans

_use_left = plain(use_left)
WORLDS = ("usual", "strategy")


class Traits(NamedTuple):
    """What lasts with a person [person]."""

    frailty: Floats  # gamma, mean 1, on the use of every service
    other: Floats  # normal score of other care that is not the frailty's
    score: Floats  # normal score of the frailty
    payer: Floats  # in (0, 1): whose member the person is, where a segment has several


class Events(NamedTuple):
    """Use of one service, sorted by span, and so by person and time."""

    span: Ints  # row of the spans
    time: Floats
    usual: Flags  # happens in usual care
    strategy: Flags  # happens in the strategy


class Rates(NamedTuple):
    """Events/month of a person of frailty 1; the last cell is ABSENT's."""

    masks: Ints  # every `exposed` that spans hold
    usual: Floats  # [service, cell]
    strategy: Floats  # [service, exposure x cell]


def traits(case: Case, people: int, chance: Chance) -> Traits:
    """Frailty, and what goes with it by a Gaussian copula."""
    rng, variance = chance.stream("traits"), case.scatter.frailty_variance
    if variance > 0.0:
        gamma = rng.standard_gamma(1.0 / variance, people)
        part = np.clip(special.gammainc(1.0 / variance, gamma), 1e-16, 1.0 - 1e-16)
        frailty, score = gamma * variance, np.asarray(special.ndtri(part), dtype=np.float64)
    else:
        frailty, score = np.ones(people), rng.standard_normal(people)
    return Traits(frailty, rng.standard_normal(people), score, rng.random(people))


def lasting_factor(case: Case, known: Traits, person: Ints, party: Ints) -> Floats:
    """A member's lasting multiple of a party's other care: lognormal, mean 1."""
    other = case.other_care
    variance = np.log1p(other.lasting_share * other.variation**2)
    rho = other.correlation[party]
    score = rho * known.score[person] + np.sqrt(1.0 - rho**2) * known.other[person]
    out: Floats = np.exp(np.sqrt(variance)[party] * score - 0.5 * variance[party])
    return out


# --- rates


def rates(case: Case, exposed: Ints) -> Rates:
    """Rates of all that the spans' exposures make of them."""
    segments, levels, services = case.use.rate.shape
    rate = np.zeros((segments * levels + 1, services))
    rate[:-1] = case.use.rate.reshape(-1, services) / case.scatter.length
    masks = np.append(0, np.unique(exposed[exposed != 0]))
    left = np.stack([_left(case, int(mask)) for mask in masks])
    by_exposure = np.repeat(left, LEVELS, axis=1)
    by_exposure = np.concatenate([by_exposure, np.ones((len(left), 1, services))], axis=1)
    strategy = (by_exposure * rate).reshape(-1, services)
    return Rates(masks, np.ascontiguousarray(rate.T), np.ascontiguousarray(strategy.T))


def _left(case: Case, exposed: int) -> Floats:
    """Share of use left [segment, service] to who is exposed to these interventions."""
    falls, rises = np.ones(case.ratio.shape[1:]), np.ones(case.ratio.shape[1:])
    for i, ratio in enumerate(case.ratio):
        if exposed >> i & 1:
            falls, rises = falls * np.minimum(ratio, 1.0), rises * np.maximum(ratio, 1.0)
    out: Floats = _use_left(case.use.preventable, falls, rises)
    return out


def use_of(
    case: Case, spans: Spans, frailty: Floats, rate: Rates, streams: Sequence[np.random.Generator]
) -> Iterator[Events]:
    """Events of each service in both worlds."""
    clock = Ramp(np.ascontiguousarray(case.use.factor.T))
    weight, cells = frailty[spans.person], rate.usual.shape[1]
    usual = np.where(spans.usual == ABSENT, cells - 1, spans.usual)
    strategy = np.where(spans.strategy == ABSENT, cells - 1, spans.strategy)
    strategy += cells * np.searchsorted(rate.masks, spans.exposed)
    for s in range(len(case.names.services)):
        in_usual, in_strategy = rate.usual[s][usual], rate.strategy[s][strategy]
        yield happen(spans, weight * in_usual, weight * in_strategy, clock, s, streams[s])


def happen(
    spans: Spans, usual: Floats, strategy: Floats, clock: Ramp, row: int, rng: np.random.Generator
) -> Events:
    """Poisson events at the larger of both rates, each kept in a world by that world's share.

    clock turns months into the time by which the rates apply: it holds trend and shocks.
    """
    largest = np.maximum(usual, strategy)
    began = clock.at(row, spans.start)
    took = clock.at(row, spans.end) - began
    grown = np.cumsum(largest * took)
    place = _sorted_uniforms(rng, float(grown[-1]) if grown.size else 0.0)
    span = _rows_of(place, grown)
    since = place - (grown - largest * took)[span]
    time = clock.when(row, began[span] + np.minimum(since / largest[span], took[span]))
    time = np.clip(time, spans.start[span], spans.end[span])
    in_usual, in_strategy = np.ones((2, span.size), dtype=np.bool_)
    apart = np.flatnonzero((usual != strategy)[span])
    if apart.size:
        at = span[apart]
        u = rng.random(apart.size) * largest[at]
        in_usual[apart], in_strategy[apart] = u < usual[at], u < strategy[at]
    return Events(span, time, in_usual, in_strategy)


def _rows_of(place: Floats, grown: Floats) -> Ints:
    """The row in whose part of a cumulated sum each of the ordered places lies."""
    if place.size < grown.size:
        found = np.searchsorted(grown, place, side="left")
        return np.asarray(np.minimum(found, max(grown.size - 1, 0)))
    counts = np.diff(np.searchsorted(place, grown), prepend=0)
    return np.repeat(np.arange(grown.size), counts)


def _sorted_uniforms(rng: np.random.Generator, length: float) -> Floats:
    """The points of a Poisson process of rate 1 on (0, length), in order."""
    size = int(rng.poisson(length))
    gaps = rng.standard_exponential(size + 1).cumsum()
    out: Floats = gaps[:-1] * (length / gaps[-1])
    return out
