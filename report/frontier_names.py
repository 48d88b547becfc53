"""Mixes and grants in words."""

from __future__ import annotations

import math

from model.frontier import may_be_renewed
from model.loading import Loaded
from model.mixes import Lines, Mix

from .outcome_names import names_of
from .wording import percent


class Names:
    """What things are called in one scenario; its only contract is `contract`."""

    def __init__(self, loaded: Loaded, lines: Lines) -> None:
        self.loaded, self.names = loaded, names_of(loaded)
        self.only = lines.contracts[0] if len(lines.contracts) == 1 else ""

    def of(self, key: str) -> str:
        return self.names.get(key, key.replace("_", " "))

    def contract(self, key: str) -> str:
        return "contract" if key == self.only else self.of(key)

    def mix(self, mix: Mix) -> str:
        """dues x 4, fees, hard-wiring, contract at 50 %"""
        parts = [f"dues x {mix.dues:g}"] if mix.dues else []
        parts += ["fees"] if mix.fees else []
        parts += ["hard-wiring"] if mix.hard_wiring else []
        for key, rate in mix.contracts:
            at = f" at {percent(rate)}" if math.isfinite(rate) else ""
            parts.append(f"{self.contract(key)}{at}")
        return ", ".join(parts) or "grants alone"

    def lost(self, grant: str) -> str:
        """United Way support not renewed"""
        if not grant:
            return "all grants as in the file"
        renewed = may_be_renewed(self.loaded, grant)
        return f"{self.of(grant)} not renewed" if renewed else f"without {self.of(grant)}"
