"""The words for what stands in a file, and for what should."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from reconciler.topology.elsewhere import ELSEWHERE
from reconciler.topology.schema import types
from reconciler.topology.yaml12 import scalar

_NEIGHBOURS = {
    "services": ("containers",),
    "nodes": ("containers", "namespaces", "bridges"),
    "links": ("veths",),
    "switches": ("bridges",),
    "topology": ("containers", "namespaces", "bridges", "veths"),
    "name": ("container_name",),
    "binds": ("volumes",),
    "cmd": ("command",),
    "env": ("environment",),
    "memory": ("mem_limit",),
    "cpu": ("cpus",),
    "kind": ("driver",),
    "ip": ("addresses", "ipv4_address"),
    "address": ("addresses", "ipv4_address"),
    "addresses": ("ipv4_address",),
    "dst": ("to", "target"),
    "destination": ("to", "target"),
    "src": ("source",),
    "gw": ("via",),
    "gateway": ("via",),
    "node": ("container", "namespace", "bridge", "network"),
    "mac": ("mac_address",),
    "mac_address": ("mac",),
}
"""Words of Compose, containerlab, Netplan and their like, and ours for them where they are known."""
_NOUNS = {
    "boolean": "true or false",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "object": "a mapping",
    "array": "a list",
}
_LONGEST = 60
NEARLY = 0.7
"""How much of two words is to be the same for one to be meant by the other."""


def noun(wanted: dict[str, Any]) -> str:
    """Say what the schema wants, with its article."""
    return str(wanted.get("title") or " or ".join(_NOUNS[each] for each in types(wanted) if each in _NOUNS))


def example(wanted: dict[str, Any], name: str = "") -> str:
    """Give an example of what the schema wants, if it has one."""
    for each in wanted.get("examples", ()):
        return f"e.g. {name}: {flow(each)}" if name else f"e.g. {flow(each)}"
    return ""


def meant(name: str, known: Iterable[str]) -> list[str]:
    """Return what a word that is not known may stand for: a neighbour's, or one that is written nearly like it."""
    import difflib

    ours = [each for each in _NEIGHBOURS.get(name, ()) if each in known]
    if ours or name in ELSEWHERE:
        return ours
    return difflib.get_close_matches(name, list(known), n=1, cutoff=NEARLY)


def hint_of(words: Iterable[str]) -> str:
    """Make a hint of words that may be meant; empty if there are none."""
    found = " or ".join(map(repr, words))
    return f"did you mean {found}?" if found else ""


def shown(value: Any) -> str:
    """Say what stands in the file, as far as it is worth a line."""
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    if value is None:
        return "nothing"
    text = repr(value) if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def flow(value: Any) -> str:
    """Write a value as YAML in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {flow(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str) and re.fullmatch(r"[\w./][\w./:@= -]*", value) and isinstance(scalar(value), str):
        return value
    return json.dumps(value, ensure_ascii=False)
