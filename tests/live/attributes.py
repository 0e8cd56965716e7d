"""Which attributes of the schema a document uses, and with which values, by the entry that they stand in."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

Node = Mapping[str, Any]
Values = dict[tuple[str, str], list[str]]
"""By `section/entry` and attribute: every value that it has there."""
SCHEMA: Node = json.loads((Path(__file__).parents[2] / "schemas/topology.schema.json").read_text())
_BRANCHES = ("anyOf", "oneOf", "allOf")
_SINGLE = ("if", "then", "else")


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


def values(text: str, schema: Node = SCHEMA) -> Values:
    """Every attribute that a topology uses."""
    found: dict[tuple[str, str], set[tuple[str, str]]] = {}
    document = {"name": "", **(yaml.safe_load(text) or {})}
    todo: list[tuple[str, Any, str, Node]] = [("", document, "", schema)]
    while todo:
        where, value, at, node = todo.pop()
        if "$ref" in node:
            name = node["$ref"].rpartition("/")[2]
            todo.append((where, value, name, schema["$defs"][name]))
        todo += [(where, value, at, each) for each in _branches(node)]
        for name, each, path, inner in _members(value, at, node):
            if path:
                found.setdefault((_entry(where), path), set()).add((where, json.dumps(each, sort_keys=True)))
            todo.append((f"{where}/{name}", each, *_of(at, name, node, inner)))
    return {key: [each for _, each in sorted(seen)] for key, seen in found.items()}


def _members(value: Any, at: str, node: Node) -> Iterator[tuple[str, Any, str, Node]]:
    """What stands in a value: its name, itself, the attribute that it is, if it is one, and its schema."""
    if isinstance(value, Mapping):
        properties = node.get("properties", {})
        for name, each in value.items():
            yield str(name), each, _path(at, name) if name in properties else "", {}
    elif isinstance(value, list) and isinstance(node.get("items"), Mapping):
        for number, each in enumerate(value):
            yield str(number), each, "", node["items"]


def _entry(where: str) -> str:
    return "/".join(where.split("/")[1:3])


def _of(at: str, name: str, node: Node, item: Node) -> tuple[str, Node]:
    """The path and the schema of one member."""
    if item:
        return f"{at}[]", item
    if name in node.get("properties", {}):
        return _path(at, name), node["properties"][name]
    for pattern, each in node.get("patternProperties", {}).items():
        if re.search(pattern, name):
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
