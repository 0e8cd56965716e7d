"""Which attributes of the schema a document uses; what the labs of a run applied is gathered here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

Node = Mapping[str, Any]
SCHEMA: Node = json.loads((Path(__file__).parents[2] / "schemas/topology.schema.json").read_text())
APPLIED: set[str] = set()
"""The attributes that were applied for real, and were at rest afterwards, in this run."""
_BRANCHES = ("anyOf", "oneOf", "allOf")
_SINGLE = ("if", "then", "else")


def record(text: str) -> None:
    """Note what a topology that was applied uses."""
    APPLIED.update(used({"name": "", **(yaml.safe_load(text) or {})}, SCHEMA))


def declared(schema: Node) -> set[str]:
    """Every attribute of a schema, by its path from the definition that it stands in."""
    found: set[str] = set()
    todo: list[tuple[str, Node]] = [("", schema), *schema["$defs"].items()]
    while todo:
        at, node = todo.pop()
        found |= {_path(at, name) for name in node.get("properties", ())}
        todo += [(_path(at, name), each) for name, each in node.get("properties", {}).items()]
        todo += [(f"{at}[]", each) for each in _entries(node)]
        todo += [(at, each) for each in _branches(node)]
    return found


def used(document: Any, schema: Node) -> set[str]:
    """Every attribute that a document names."""
    found: set[str] = set()
    todo: list[tuple[Any, str, Node]] = [(document, "", schema)]
    while todo:
        value, at, node = todo.pop()
        if "$ref" in node:
            name = node["$ref"].rpartition("/")[2]
            todo.append((value, name, schema["$defs"][name]))
        todo += [(value, at, each) for each in _branches(node)]
        if isinstance(value, Mapping):
            properties = node.get("properties", {})
            found |= {_path(at, name) for name in value if name in properties}
            todo += [(each, *_of(at, name, node)) for name, each in value.items()]
        elif isinstance(value, list) and isinstance(node.get("items"), Mapping):
            todo += [(each, f"{at}[]", node["items"]) for each in value]
    return found


def _of(at: str, name: str, node: Node) -> tuple[str, Node]:
    """The path and the schema of one member of a mapping."""
    if name in node.get("properties", {}):
        return _path(at, name), node["properties"][name]
    for pattern, each in node.get("patternProperties", {}).items():
        if re.search(pattern, str(name)):
            return f"{at}[]", each
    others = node.get("additionalProperties")
    return f"{at}[]", others if isinstance(others, Mapping) else {}


def _entries(node: Node) -> Iterator[Node]:
    others = (node.get("items"), node.get("additionalProperties"), *node.get("patternProperties", {}).values())
    return (each for each in others if isinstance(each, Mapping))


def _branches(node: Node) -> Iterator[Node]:
    yield from (each for name in _BRANCHES for each in node.get(name, ()) if isinstance(each, Mapping))
    yield from (node[name] for name in _SINGLE if isinstance(node.get(name), Mapping))


def _path(at: str, name: str) -> str:
    return f"{at}.{name}" if at else name
