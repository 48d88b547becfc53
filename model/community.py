"""Community: need levels, deaths and arrivals, and the use of rescue services.

Equations only: each is for one group of people at one instant, rates per month.
Need levels are 0 stable, 1 at risk, 2 in crisis. Explained in docs/model.md, section 1.
"""

from typing import NamedTuple

import numpy as np

from .compiled import equation


class Community(NamedTuple):
    """Parameters of the residents, with a leading [draw] axis outside the compiled loop."""

    people: np.ndarray  # [segment, need] at the start
    onset: np.ndarray  # [segment] stable -> at risk, 1/month
    escalation: np.ndarray  # [segment] at risk -> in crisis, 1/month
    recovery: np.ndarray  # [segment] at risk -> stable, 1/month
    relief: np.ndarray  # [segment] in crisis -> at risk, 1/month
    deaths: np.ndarray  # [segment, need] 1/month
    leaving: np.ndarray  # [segment] 1/month
    entrants: np.ndarray  # [segment] persons/month
    entrant_mix: np.ndarray  # [segment, need] shares
    movement: np.ndarray  # [movement] share of the origin that moves at a month's end


class Use(NamedTuple):
    """Parameters of the services, with a leading [draw] axis outside the compiled loop."""

    rate: np.ndarray  # [segment, need, service] units/person-month at the start
    preventable: np.ndarray  # [service] share
    factor: np.ndarray  # [month, service] trend and shocks, ratio
    price: np.ndarray  # [segment, service, k] USD/unit that the k-th payer pays
    price_factor: np.ndarray  # [month, service] ratio


@equation
def reach(reached, people):
    """Share of people who are reached; nobody is where there are none."""
    return reached / people if people > 0.0 else 0.0


@equation
def with_reach(ratio, reach):
    """Mean ratio of a group of which the share `reach` has the ratio and the rest 1."""
    return 1.0 + reach * (ratio - 1.0)


@equation
def use_left(preventable, falls, rises):
    """Share of use left: ratios below 1 multiply on the preventable part only, so there is a floor;
    those above 1 multiply on all use.
    """
    return ((1.0 - preventable) + preventable * falls) * rises


@equation
def need_changes(stable, at_risk, in_crisis, onset, escalation, recovery, relief):
    """Net change of each need level by moves between them; the three add up to zero."""
    worse = onset * stable
    worst = escalation * at_risk
    better = recovery * at_risk
    eased = relief * in_crisis
    return better - worse, worse + eased - worst - better, worst - eased
