"""The JSON Schema: its text, and what it makes of values that YAML leaves open."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from reconciler.topology.tree import Node
from reconciler.topology.yaml12 import scalar

Schema = Mapping[str, Any]

_NAME = "topology.schema.json"
_SWITCHES = {
    **dict.fromkeys(("yes", "Yes", "YES", "on", "On", "ON"), True),
    **dict.fromkeys(("no", "No", "NO", "off", "Off", "OFF"), False),
}


def schema_text() -> str:
    """Return the JSON Schema of the language, as it is written."""
    # Not importlib.resources, which takes longer to load than the schema to read.
    installed, checkout = (each / "schemas" / _NAME for each in Path(__file__).parents[1:3])
    return (installed if installed.is_file() else checkout).read_text(encoding="utf-8")


@cache
def schema() -> Schema:
    """Return the schema of one file, references resolved; a file that is included needs no name."""
    text = json.loads(schema_text())
    resolved: dict[str, Any] = _resolved(text, text["$defs"])
    del resolved["required"]
    return resolved


def extensions(wanted: Schema) -> re.Pattern[str]:
    """Return what finds the names under which anything may stand; where there are none, not even an empty name."""
    return re.compile("|".join(wanted.get("patternProperties", ["(?!)"])))


def adapt(node: Node, wanted: Schema) -> None:
    """Make of the values what the schema wants: `yes` true, a plain number text, a bare key `{}`."""
    value = node.value
    if isinstance(value, dict):
        properties, others = wanted.get("properties", {}), wanted.get("additionalProperties")
        for name, child in value.items():
            inner = properties.get(name, others)
            if inner:
                adapt(child, inner)
    elif isinstance(value, list):
        for child in value:
            adapt(child, wanted.get("items", {}))
    else:
        node.value = empty(wanted) if value is None else adapted(value, node.text, types(wanted))


def types(wanted: Schema) -> list[str]:
    """Return the types that a value may have; none where anything goes."""
    found = wanted.get("type", ["boolean"] if wanted.get("const") is True else [])
    return [found] if isinstance(found, str) else found


def empty(wanted: Schema) -> Any:
    """Return what a bare key stands for: the empty default, an entry that says nothing, or nothing at all."""
    default, allowed = wanted.get("default"), types(wanted)
    if default in ({}, []):
        return type(default)()
    return {"object": {}, "array": []}.get(allowed[0]) if allowed[1:] == ["null"] else None


def adapted(value: Any, text: str | None, wanted: list[str]) -> Any:
    """Make of a scalar, and its text unless quotes say that it is nothing else, what these types want."""
    if text is None or not wanted:
        return value
    if isinstance(value, str) and "string" not in wanted:
        value = scalar(text)  # quotes around a variable, which a flow mapping needs, do not make it text
    if isinstance(value, bool):
        return text if {"boolean", "string"} <= set(wanted) else value
    if isinstance(value, (int, float)):
        return _number(value, text, wanted)
    return _SWITCHES.get(text, value) if "boolean" in wanted and "string" not in wanted else value


def _number(value: float, text: str, wanted: list[str]) -> Any:
    """Take a number as it is written where text is wanted: 1.10 is no 1.1 there."""
    if "integer" in wanted and value == int(value):
        return int(value)
    return text if "string" in wanted else value


def _resolved(part: Any, definitions: Schema) -> Any:
    if isinstance(part, list):
        return [_resolved(each, definitions) for each in part]
    if not isinstance(part, dict):
        return part
    own = {name: _resolved(value, definitions) for name, value in part.items() if name not in ("$ref", "$defs")}
    if isinstance(own.get("pattern"), str):
        own["pattern"] = own["pattern"].replace("$", r"\Z")  # where Python's `$` lets a line break pass
    if "$ref" in part:
        return _resolved(definitions[part["$ref"].removeprefix("#/$defs/")], definitions) | own
    return own
