"""Information: what it is worth to know all, some, or what a study would show, before deciding.

EVPI = E[max over options] - max over options of E. EVPPI by regression on the draws (Strong, Oakley
and Brennan 2014), EVSI from the same regression with importance weights (Menzies 2016). All in the
unit of the net benefit [draw, option], per decision.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy import special

from model.distributions import Floats
from model.sampling import stream

from .hidden import hidden
from .regression import Fit, fit

SIMULATED = 200  # sets of coefficients, for standard error and bias
TIES = 4096  # simulated sets of the options' means
LIMIT = 1.645  # standard errors: 95 % on one side, 90 % between both
STUDIES, AT_ONCE = 2000, 200  # simulated studies, and how many are weighed at a time
POOR, CROWDED = 1e-3, 0.2


class Worth(NamedTuple):
    """What some information is worth: bias taken off, never below 0 nor above EVPI."""

    value: float
    error: float  # standard error: of the regression and of the draws
    bias: float  # upward, that was taken off; below 0: downward, that was added
    explained: float  # share of the variance of the difference between options
    warning: str
    most: float = np.inf  # what holds this is worth no more, at its own upper limit
    hidden: float = 0.0  # 95 % sure that no straight-line effect below the noise is worth more

    @property
    def low(self) -> float:
        return max(0.0, self.value - LIMIT * self.error)

    @property
    def high(self) -> float:
        return min(max(self.value + LIMIT * self.error, self.hidden), self.most)


def best(benefit: Floats) -> int:
    """The option that is best on average."""
    return int(np.argmax(benefit.mean(axis=0)))


def evpi(told: Floats, seed: int = 1) -> Worth:
    """Everything known, chance included; told [draw, option] or [luck, draw, option].

    Lucks of a draw share its numbers and are no draws of their own: regret is averaged over them
    first. Of options that are nearly tied the best mean is high by chance, which makes the plain
    EVPI too low; that is estimated and added.
    """
    each = told if told.ndim == 3 else told[None]
    means = each.mean(axis=0)
    regret = (each.max(axis=2) - each[:, :, best(means)]).mean(axis=0)
    error = float(regret.std(ddof=1)) / np.sqrt(regret.size) if regret.size > 1 else np.inf
    value = float(regret.mean())
    short = shortfall(means, seed) if value > 0.0 else 0.0
    return Worth(value + short, float(error), -short, 1.0, "")


def shortfall(benefit: Floats, seed: int) -> float:
    """E[max of the means] - max of the means, the means normal: a bootstrap of EVPI's bias."""
    chosen = best(benefit)
    apart = np.delete(benefit, chosen, axis=1) - benefit[:, [chosen]]
    covariance = np.atleast_2d(np.cov(apart.T)) / len(benefit)
    scale = float(np.trace(covariance))
    if not (apart.shape[1] and scale > 0.0):
        return 0.0
    root = np.linalg.cholesky(covariance + 1e-9 * scale * np.eye(len(covariance)))
    normal = stream(seed, "voi.ties").standard_normal((TIES, len(covariance)))
    means = apart.mean(axis=0) + normal @ root.T
    return float(np.maximum(means.max(axis=1), 0.0).mean())


def evppi(benefit: Floats, inputs: Sequence[Floats], seed: int = 1) -> Worth:
    """These inputs known, each [draw], and nothing else."""
    worth = worth_of(benefit, *expected(benefit, inputs, seed))
    return worth._replace(hidden=hidden(benefit, inputs))


def expected(
    benefit: Floats, inputs: Sequence[Floats], seed: int, key: str = ""
) -> tuple[Floats, Floats, list[Fit]]:
    """Net benefit beside the best option's, given the inputs [draw, option], and simulated
    [set of coefficients, draw, option]; a key has random numbers of its own."""
    base = best(benefit)
    others = [d for d in range(benefit.shape[1]) if d != base]
    fits = [fit(inputs, benefit[:, d] - benefit[:, base]) for d in others]
    most = max(f.mean.size for f in fits)
    called = f"voi.coefficients.{key}" if key else "voi.coefficients"
    normal = stream(seed, called).standard_normal((len(fits), most, SIMULATED))
    tied = _correlation([f.residuals for f in fits])
    normal = np.einsum("de,eps->dps", tied, normal)
    known = np.zeros(benefit.shape)
    simulated = np.zeros((SIMULATED, *benefit.shape))
    for d, f, z in zip(others, fits, normal, strict=True):
        known[:, d] = f.fitted
        sets = f.mean[:, None] + f.root @ z[: f.mean.size]
        simulated[:, :, d] = (f.design @ sets).T
    return known, simulated, fits


def _correlation(residuals: Sequence[Floats]) -> Floats:
    """Lower root of the correlation of the fits' residuals: options share their draws."""
    if len(residuals) == 1 or any(r.std() <= 0.0 for r in residuals):
        return np.eye(len(residuals))
    matrix = np.corrcoef(np.stack(residuals)) + 1e-6 * np.eye(len(residuals))
    return np.asarray(np.linalg.cholesky(matrix))


def worth_of(benefit: Floats, known: Floats, simulated: Floats, fits: Sequence[Fit]) -> Worth:
    """From what is expected, given the information, to its worth."""
    most = evpi(benefit)
    raw = gain(known)
    sets = gain(simulated)
    # What chance in the coefficients adds to a maximum (Strong and Oakley 2013).
    bias = max(float(sets.mean()) - float(raw), 0.0)
    error = np.hypot(sets.std(), error_of_draws(benefit, known))
    value = min(max(float(raw) - bias, 0.0), most.value)
    unseen, whole = (sum(f.variance[k] for f in fits) for k in range(2))
    explained = max(0.0, 1.0 - unseen / whole) if whole > 0.0 else 1.0
    return Worth(value, float(error), bias, explained, warning(fits), most.high)


def error_of_draws(benefit: Floats, known: Floats) -> float:
    """Standard error of the mean regret, the regression taken as it is."""
    regret = known.max(axis=1) - known[:, best(benefit)]
    return float(regret.std() / np.sqrt(min(len(known), len(benefit))))


def gain(known: Floats) -> Floats:
    """Mean of the best less best of the means; [..., draw, option]."""
    return np.asarray(known.max(axis=-1).mean(axis=-1) - known.mean(axis=-2).max(axis=-1))


def warning(fits: Sequence[Fit]) -> str:
    """What makes the number doubtful, in words."""
    if any(f.complexity > CROWDED * f.residuals.size for f in fits):
        return "too few draws for so many numbers"
    if any(f.misfit < POOR for f in fits):
        return "the fitted curve misses part of it"
    return ""


def evsi(benefit: Floats, truth: Floats, sd: Floats, seed: int = 1) -> Worth:
    """A study that shows `truth` [draw] with a normal error of `sd` [draw].

    What is expected given the study is the mean of what is expected given the truth, weighted by
    the likelihood of what the study showed.
    """
    known, simulated, fits = expected(benefit, [truth], seed)
    rows = np.linspace(0, truth.size - 1, STUDIES).round().astype(int)
    rows = rows[np.argsort(truth[rows], kind="stable")]
    rng = stream(seed, "voi.studies")
    # Errors in strata, in random order, so that few studies stand for many.
    strata = (rng.permutation(rows.size) + rng.random(rows.size)) / rows.size
    shown = truth[rows] + sd[rows] * special.ndtri(strata)
    after = np.empty((STUDIES, benefit.shape[1]))
    sets = np.empty((SIMULATED, STUDIES, benefit.shape[1]))
    for first in range(0, STUDIES, AT_ONCE):
        some = slice(first, first + AT_ONCE)
        weight = likelihood(shown[some], truth, sd)
        after[some] = weight @ known
        sets[:, some] = np.einsum("ki,sid->skd", weight, simulated, optimize=True)
    return worth_of(benefit, _centred(after, known), _centred(sets, simulated), fits)


def likelihood(shown: Floats, truth: Floats, sd: Floats) -> Floats:
    """Weights [study, draw] of the draws, given what each study showed; each row adds up to 1."""
    log = -0.5 * ((shown[:, None] - truth[None]) / sd[None]) ** 2 - np.log(sd[None])
    weight = np.exp(log - log.max(axis=1, keepdims=True))
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


def _centred(after: Floats, before: Floats) -> Floats:
    """Studies are a sample: on average they change no option's expected worth."""
    shift = before.mean(axis=-2, keepdims=True) - after.mean(axis=-2, keepdims=True)
    return np.asarray(after + shift)
