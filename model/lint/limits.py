"""The limits of scenarios/evidence/limits.yaml: each with its unit, source and status."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, ValidationError

from model import yamlfile
from model.evidence import DEFAULT_FOLDER, EvidenceError
from model.evidence_records import FindingId, Key, Record

FILE = DEFAULT_FOLDER / "limits.yaml"
SCHEMA_NAME = "evidence_limits.schema.json"


class Limit(Record):
    """A number beyond which somebody should ask, and where it comes from."""

    value: float = Field(gt=0)
    unit: str
    source: str
    status: Literal["verified", "unverified", "assumption"]
    findings: tuple[FindingId, ...] = Field(default=(), description="that it rests on")
    price_year: int | None = Field(default=None, description="of USD")

    @property
    def told(self) -> str:
        """The source in words, with its findings and how sure it is."""
        cited = f" ({', '.join(self.findings)})" if self.findings else ""
        marks = {"verified": "", "unverified": "; not verified", "assumption": "; an assumption"}
        return f"{self.source}{cited}{marks[self.status]}"


class Kind(Record):
    """A kind of intervention: how it is known, and the best that was published of it."""

    categories: tuple[str, ...] = Field(description="categories of studies")
    words: tuple[str, ...] = Field(description="in the name of an intervention that cites no study")
    saving: Limit | None = None
    roi: Limit | None = None


class Limits(Record):
    """The whole file."""

    limits: dict[Key, Limit]
    kinds: dict[Key, Kind]
    analogues: dict[Key, tuple[Key, ...]]
    marginal_shares: dict[Key, Limit]

    def __getitem__(self, name: str) -> Limit:
        return self.limits[name]

    def marginal_share(self, service: str) -> Limit:
        return self.marginal_shares.get(service, self["marginal_share"])


@cache
def load_limits(file: Path = FILE) -> Limits:
    """The limits, checked; the same object each time."""
    try:
        return Limits.model_validate(yamlfile.read(file).data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "the file"
        raise EvidenceError(f"{file.name}: {where}: {first['msg']}") from error


def schema() -> dict[str, Any]:
    """JSON Schema of the file, for editors."""
    return Limits.model_json_schema()
