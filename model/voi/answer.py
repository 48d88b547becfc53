"""Answer: everything that is told of a decision's value of information, in one call."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from model.distributions import Floats
from model.ensemble import Progress, silent
from model.loading import Loaded

from .asks import ALL_FACTS, Ask, asks, inputs_of
from .decisions import Decision, benefits, usual_care_apart
from .information import Worth, best, evpi, evppi, evsi
from .pilots import Pilot, pilot


class Answer(NamedTuple):
    """A decision, what each option is worth in each draw, and what knowing more is worth."""

    decision: Decision
    value: str  # whose value, as asked for
    told: Floats  # [luck, draw, option], USD
    evpi: Worth
    worths: tuple[tuple[Ask, Worth], ...]
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
    whole, benefit = evpi(told.reshape(-1, told.shape[2])), told.mean(axis=0)
    facts = decision.facts
    known_names = list(dict.fromkeys(n for f in facts for n in f.members))
    known = dict(zip(known_names, decision.known(known_names), strict=True))
    party = value.strip().removeprefix("npv:")
    asking = party if party in _payers(loaded[-1]) else ""
    asked = asks([richest, *loaded], facts, asking) if facts else []
    worths = tuple((a, _worth(a, benefit, known, whole, decision.has_luck, seed)) for a in asked)
    shown = tuple((p, _study(p, benefit, known, seed)) for p in trials)
    return Answer(decision, value, told, whole, worths, shown, usual_care_apart(decision))


def _payers(loaded: Loaded) -> set[str]:
    return {party for segment in loaded.scenario.segments.values() for party in segment.payers}


def _holder(loaded: Sequence[Loaded], words: str) -> Loaded | None:
    """The option whose scenario has the effect that a pilot names."""
    return next((one for one in loaded if any(n in words for n in one.effects)), None)


def _worth(
    ask: Ask, benefit: Floats, known: dict[str, Floats], whole: Worth, luck: bool, seed: int
) -> Worth:
    """Without chance, all facts are everything; nothing is worth anything if EVPI is 0."""
    if whole.value == 0.0:
        return whole._replace(explained=0.0)
    if ask.kind == "whole" and ask.name == ALL_FACTS and not luck:
        return whole
    return evppi(benefit, inputs_of(ask, known), seed)


def _study(trial: Pilot, benefit: Floats, known: dict[str, Floats], seed: int) -> Worth:
    ratio = np.maximum(known[trial.number], 1e-3)
    return evsi(benefit, np.log(ratio), trial.sd(ratio), seed)


def as_json(found: Answer) -> dict[str, Any]:
    """Everything for another program; dollars to six digits, so that any machine says the same."""
    names = [option.name for option in found.decision.options]
    means, errors = found.benefit.mean(axis=0), found.benefit.std(axis=0, ddof=1)
    root = np.sqrt(len(found.benefit))
    return {
        "decision": found.decision.title,
        "value": found.value,
        "unit": "USD per decision, over the horizon",
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
        "evsi": [p._asdict() | {"rate": _six(p.rate)} | _row(w) for p, w in found.pilots],
    }


def _asked(ask: Ask) -> dict[str, Any]:
    told = {"name": ask.name, "kind": ask.kind, "meaning": ask.meaning, "teller": ask.teller}
    return told | {"ask": ask.whom, "numbers": list(ask.members)}


def _shares(benefit: Floats) -> Floats:
    """Share of draws in which each option is the best; the first of equals."""
    return np.bincount(benefit.argmax(axis=1), minlength=benefit.shape[1]) / len(benefit)


def _row(worth: Worth) -> dict[str, Any]:
    numbers = {k: _six(v) for k, v in worth._asdict().items() if k != "warning"}
    return numbers | {"low": _six(worth.low), "high": _six(worth.high), "warning": worth.warning}


def _six(x: float) -> float:
    return float(f"{float(x):.6g}")
