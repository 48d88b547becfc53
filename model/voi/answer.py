"""Answer: everything that is told of a decision's value of information, in one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from model.distributions import Floats
from model.ensemble import Progress, silent
from model.loading import Loaded

from .asks import ALL_FACTS, Ask, asks, inputs_of
from .decisions import Decision, benefits, undiscounted, usual_care_apart, worth_if_even
from .information import Worth, best, evpi, evppi, evsi
from .nested import cut, nested
from .picked import Picked, picked, with_deviations
from .pilots import Pilot, pilot

NO_SETS: Floats = np.empty(0)


class Answer(NamedTuple):
    """A decision, what each option is worth in each draw, and what knowing more is worth."""

    decision: Decision
    value: str  # whose value, as asked for
    told: Floats  # [luck, draw, option], USD
    evpi: Worth
    worths: tuple[tuple[Ask, Worth], ...]
    picked: Picked | None  # the best request to a payer, with an allowance for picking it
    pilots: tuple[tuple[Pilot, Worth], ...]
    apart: float  # relative difference between the options' usual cares

    @property
    def benefit(self) -> Floats:
        """[draw, option], mean over luck."""
        return np.asarray(self.told.mean(axis=0))

    @property
    def best(self) -> int:
        return best(self.benefit)

    @property
    def share_best(self) -> float:
        """Share of draws in which no option is better than the one that is best on average."""
        return float((self.told.max(axis=2) <= self.told[:, :, self.best]).mean())

    def of(self, name: str) -> Worth | None:
        """What one ask is worth; none where there is no such ask."""
        return next((w for a, w in self.worths if a.kind == "whole" and a.name == name), None)


def answer(
    decision: Decision,
    value: str,
    pilots: Sequence[str] = (),
    seed: int = 1,
    lucks: int = 1,
    progress: Progress = silent,
) -> Answer:
    """Run the options on the same draws and tell what information is worth before choosing."""
    loaded = [option.loaded for option in decision.options]
    richest = max(loaded, key=lambda one: len(one.parameters))
    trials = [pilot(_holder(loaded, words) or richest, words) for words in pilots]
    told = benefits(decision, value, lucks if decision.has_luck else 1, progress)
    whole, benefit = evpi(told, seed), told.mean(axis=0)
    facts = decision.facts
    known_names = list(dict.fromkeys(n for f in facts for n in f.members))
    known = dict(zip(known_names, decision.known(known_names), strict=True))
    party = value.strip().removeprefix("npv:")
    asking = party if party in _payers(loaded[-1]) else ""
    asked = asks([richest, *loaded], facts, asking) if facts else []
    many = sum(map(is_request_to_payer, asked))
    found = [_worth(a, benefit, known, whole, decision.has_luck, seed, many) for a in asked]
    worths = nested([(a, w) for a, (w, _) in zip(asked, found, strict=True)])
    to_payers = [f for a, f in zip(asked, found, strict=True) if is_request_to_payer(a)]
    told_first = picked(to_payers) if whole.value > 0.0 else None
    shown = tuple((p, _study(p, benefit, known, worths, seed)) for p in trials)
    apart = usual_care_apart(decision)
    return Answer(decision, value, told, whole, worths, told_first, shown, apart)


def is_request_to_payer(ask: Ask) -> bool:
    return ask.kind == "request" and ask.teller == "payer"


def _payers(loaded: Loaded) -> set[str]:
    return {party for segment in loaded.scenario.segments.values() for party in segment.payers}


def _holder(loaded: Sequence[Loaded], words: str) -> Loaded | None:
    """The option whose scenario has the effect that a pilot names."""
    return next((one for one in loaded if any(n in words for n in one.effects)), None)


def _worth(
    ask: Ask, benefit: Floats, known: dict[str, Floats], whole: Worth, luck: bool, seed: int,
    many: int,
) -> tuple[Worth, Floats]:  # fmt: skip
    """And how far it may be off [set], of requests to a payer.

    Without chance, all facts are everything; nothing is worth anything if EVPI is 0.
    """
    if whole.value == 0.0:
        return whole._replace(explained=0.0), NO_SETS
    if ask.kind == "whole" and ask.name == ALL_FACTS and not luck:
        return whole, NO_SETS
    inputs = inputs_of(ask, known)
    if is_request_to_payer(ask):
        return with_deviations(benefit, inputs, seed, f"{ask.name}.{ask.whom}", many)
    return evppi(benefit, inputs, seed), NO_SETS


def _study(
    trial: Pilot, benefit: Floats, known: dict[str, Floats],
    worths: Sequence[tuple[Ask, Worth]], seed: int,
) -> Worth:  # fmt: skip
    """Of a trial: worth no more than the number that it measures."""
    ratio = np.maximum(known[trial.number], 1e-3)
    found = evsi(benefit, np.log(ratio), trial.sd(ratio), seed)
    for ask, worth in worths:
        if trial.number in ask.members:
            found = cut(found, worth)
    return found


def as_json(found: Answer) -> dict[str, Any]:
    """Everything for another program; dollars to six digits, so that any machine says the same."""
    names = [option.name for option in found.decision.options]
    means, errors = found.benefit.mean(axis=0), found.benefit.std(axis=0, ddof=1)
    root = np.sqrt(len(found.benefit))
    richest = found.decision.options[-1].loaded
    return {
        "decision": found.decision.title,
        "scenario": richest.scenario.title,
        "value": found.value,
        "unit": "USD per decision, over the horizon",
        "undiscounted": list(undiscounted(found.value)),
        "worth_if_even": _six(worth_if_even(richest)),
        "draws": len(found.benefit),
        "lucks": len(found.told),
        "seed": found.decision.draws[0].seed,
        "options": [
            {"name": name, "mean": _six(m), "error": _six(e / root), "share_best": _six(b)}
            for name, m, e, b in zip(
                names,
                means,
                errors,
                _shares(found.told.reshape(-1, found.told.shape[2])),
                strict=True,
            )
        ],
        "best": names[found.best],
        "share_best": found.share_best,
        "usual_care_apart": _six(found.apart),
        "evpi": _row(found.evpi),
        "evppi": [_asked(a) | _row(w) for a, w in found.worths],
        "best_request": None if found.picked is None else _limits(found.picked),
        "evsi": [_trial(p, w, richest) for p, w in found.pilots],
    }


def _limits(one: Picked) -> dict[str, Any]:
    return {"requests": one.requests, "low": _six(one.low), "high": _six(one.high)}


def _trial(trial: Pilot, worth: Worth, loaded: Loaded) -> dict[str, Any]:
    """With what is left of it if the decision waits for the answer, benefits spread evenly."""
    horizon = loaded.scenario.clock.months
    left = max(0.0, 1.0 - trial.months / horizon)
    waited = {"horizon": horizon, "left_after_waiting": _six(left * worth.value)}
    return trial._asdict() | {"rate": _six(trial.rate)} | _row(worth) | waited


def _asked(ask: Ask) -> dict[str, Any]:
    told = {"name": ask.name, "kind": ask.kind, "meaning": ask.meaning, "teller": ask.teller}
    return told | {"ask": ask.whom, "numbers": list(ask.members)}


def _shares(benefit: Floats) -> Floats:
    """Share of draws in which each option is the best; the first of equals."""
    return np.bincount(benefit.argmax(axis=1), minlength=benefit.shape[1]) / len(benefit)


def _row(worth: Worth) -> dict[str, Any]:
    kept = ("value", "error", "bias", "explained")
    numbers = {name: _six(getattr(worth, name)) for name in kept}
    return numbers | {"low": _six(worth.low), "high": _six(worth.high), "warning": worth.warning}


def _six(x: float) -> float:
    return float(f"{float(x):.6g}")
