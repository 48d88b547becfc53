"""Care: how much individuals use, and the events of their use given their paths.

Events of a service are a Poisson process on the time that people have spent, weighted by rate,
frailty, trend and what they are exposed to: months are counted from the path, and a thinned copy
of the same events is what the other world sees.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import special

from model.community import use_left
from model.distributions import Floats

from .case import LEVELS, Case, Flags, Ints, plain
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
    """Use of one service, sorted by person."""

    person: Ints
    time: Floats
    segment: Ints
    usual: Flags  # happens in usual care
    strategy: Flags  # happens in the strategy


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


def rates(case: Case, spans: Spans) -> tuple[Floats, Floats, Ints]:
    """Events/month of a person of frailty 1: [cell, service] in usual care, [exposure, cell,
    service] in the strategy, and the index of each span's exposure. The last cell is ABSENT's.
    """
    segments, levels, services = case.use.rate.shape
    rate = np.zeros((segments * levels + 1, services))
    rate[:-1] = case.use.rate.reshape(-1, services) / case.scatter.length
    masks, exposure = np.unique(spans.exposed, return_inverse=True)
    left = np.stack([_left(case, int(mask)) for mask in masks]) if masks.size else np.ones((1, 1))
    by_exposure = np.repeat(left, LEVELS, axis=1)
    by_exposure = np.concatenate([by_exposure, np.ones((len(left), 1, services))], axis=1)
    return rate, by_exposure * rate, exposure.reshape(-1)


def _left(case: Case, exposed: int) -> Floats:
    """Share of use left [segment, service] to who is exposed to these interventions."""
    falls, rises = np.ones(case.ratio.shape[1:]), np.ones(case.ratio.shape[1:])
    for i, ratio in enumerate(case.ratio):
        if exposed >> i & 1:
            falls, rises = falls * np.minimum(ratio, 1.0), rises * np.maximum(ratio, 1.0)
    out: Floats = _use_left(case.use.preventable, falls, rises)
    return out


def use_of(case: Case, spans: Spans, known: Traits, chance: Chance) -> list[Events]:
    """Events of each service in both worlds."""
    usual, strategy, exposure = rates(case, spans)
    clock = Ramp(np.ascontiguousarray(case.use.factor.T))
    out = []
    for s, name in enumerate(case.names.services):
        rng = chance.stream(f"use.{name}")
        weight = known.frailty[spans.person]
        in_usual = weight * usual[spans.usual, s]
        in_strategy = weight * strategy[exposure, spans.strategy, s]
        out.append(happen(spans, in_usual, in_strategy, clock, s, rng))
    return out


def happen(
    spans: Spans, usual: Floats, strategy: Floats, clock: Ramp, row: int, rng: Any
) -> Events:
    """Poisson events at the larger of both rates, each kept in a world by that world's share.

    clock turns months into the time by which the rates apply: it holds trend and shocks.
    """
    largest = np.maximum(usual, strategy)
    began = clock.at(row, spans.start)
    took = clock.at(row, spans.end) - began
    grown = np.cumsum(largest * took)
    place = _sorted_uniforms(rng, float(grown[-1]) if grown.size else 0.0)
    counts = np.diff(np.searchsorted(place, grown), prepend=0)
    span = np.repeat(np.arange(grown.size), counts)
    part = (grown[span] - place) / (largest * took)[span]
    time = clock.when(row, began[span] + (1.0 - np.clip(part, 0.0, 1.0)) * took[span])
    time = np.clip(time, spans.start[span], spans.end[span])
    in_usual = in_strategy = np.ones(span.size, dtype=np.bool_)
    if (usual != strategy).any():
        u = rng.random(span.size) * largest[span]
        in_usual, in_strategy = u < usual[span], u < strategy[span]
    cell = np.where(in_strategy, spans.strategy[span], spans.usual[span])
    return Events(spans.person[span], time, cell // LEVELS, in_usual, in_strategy)


def _sorted_uniforms(rng: np.random.Generator, length: float) -> Floats:
    """The points of a Poisson process of rate 1 on (0, length), in order."""
    size = int(rng.poisson(length))
    gaps = rng.standard_exponential(size + 1).cumsum()
    out: Floats = gaps[:-1] * (length / gaps[-1])
    return out
