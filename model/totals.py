"""Totals: sums in a fixed order, so that the number of draws or threads changes no byte."""

from __future__ import annotations

import numpy as np

from .compiled import loop
from .distributions import Floats


def over_months(x: Floats) -> Floats:
    """Sum over axis 1 of [draw, month] or [draw, month, item], month by month in order."""
    flat = x.reshape(x.shape[0], x.shape[1], -1)
    out = np.zeros((flat.shape[0], flat.shape[2]))
    _add_months(np.ascontiguousarray(flat), out)
    return out.reshape(x.shape[0], *x.shape[2:])


@loop
def _add_months(x, out):
    for draw in range(x.shape[0]):
        for month in range(x.shape[1]):
            for item in range(x.shape[2]):
                out[draw, item] += x[draw, month, item]


def total(x: Floats) -> Floats:
    """Sum over the last axis, in order."""
    flat = np.ascontiguousarray(x.reshape(-1, x.shape[-1], 1))
    out = np.zeros((flat.shape[0], 1))
    _add_months(flat, out)
    return out.reshape(x.shape[:-1])


def weighted(x: Floats, weights: Floats) -> Floats:
    """Sum over months of x times weights, both [draw, month], month by month in order."""
    out = np.zeros(x.shape[0])
    _add_weighted(np.ascontiguousarray(x), np.ascontiguousarray(weights), out)
    return out


@loop
def _add_weighted(x, weights, out):
    for draw in range(x.shape[0]):
        for month in range(x.shape[1]):
            out[draw] += x[draw, month] * weights[draw, month]
