"""JSON Schema of scenario files: what editors complete and check with."""

import json
from typing import Any

from .loading import SHIPPED
from .scenario import Scenario

SCHEMA_FILE = SHIPPED / "schema" / "scenario.schema.json"
CONTRACT = "#/$defs/Contract"


def scenario_schema() -> dict[str, object]:
    """The schema of a scenario file, whole or one that extends another and says what differs."""
    schema = Scenario.model_json_schema(by_alias=True)
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema"
    schema["title"] = "Headwater scenario"
    schema["properties"]["extends"] = {
        "type": "string",
        "description": "the file whose numbers stand where this one is silent",
    }
    _allow_terms_by_name(schema["$defs"])
    required = schema.pop("required")
    schema["if"] = {"not": {"required": ["extends"]}}
    schema["then"] = {"required": required}
    return _partial(schema)


def _allow_terms_by_name(parts: dict[str, Any]) -> None:
    """A contract's terms may be a name, or extend another's (contract_files.py)."""
    says = "a shipped contract, or a file beside the scenario"
    named = {"type": "string", "description": says}
    parts["Contract"]["properties"]["extends"] = named
    parts["ContractLine"]["properties"]["terms"] = {"anyOf": [named, {"$ref": CONTRACT}]}


def _partial(schema: dict[str, object]) -> dict[str, object]:
    """Parts inside may be incomplete too: a what-if says only what differs."""
    parts = schema.get("$defs", {})
    assert isinstance(parts, dict)
    for part in parts.values():
        part.pop("required", None)
    return schema


def scenario_schema_text() -> str:
    return json.dumps(scenario_schema(), indent=1, ensure_ascii=False) + "\n"
