"""Two trees made one: a file and an included one, an entry and its defaults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from reconciler.errors import Problem
from reconciler.topology.tree import ANYTHING, NOTHING, Node, below, dotted

_SECTIONS = frozenset(("images", "volumes", "networks", "containers", "namespaces", "bridges"))
_ITS_OWN = frozenset(("name", "prefix"))
_INSTEAD = {"image": "build", "build": "image", "networks": "network_mode", "network_mode": "networks"}
"""A default that an entry does without when it has the other one."""
_WITHIN = {"healthcheck": {"disable": "test"}}
"""The same within an attribute."""
_NOTHING: Mapping[str, str] = MappingProxyType({})


def merge(root: Node, included: Node) -> Iterator[Problem]:
    """Put an included file's content into that of the file which includes it; yield what both declare.

    Its `name` and `prefix` are its own, for when it is applied alone. Its `defaults` hold for what it declares, before
    those of the file that includes it.
    """
    included = defaulted(included)
    root.cut = {**included.cut, **root.cut}
    for name, theirs in included.value.items():
        if name in _ITS_OWN:
            continue
        ours = root.value.setdefault(name, theirs)
        if ours is theirs:
            continue
        if name in _SECTIONS:
            yield from _merge_section(name, ours, theirs)
        elif name == "veths":
            _extend(ours, theirs)
        elif name == "host":
            _merge_host(ours, theirs)


def defaulted(root: Node) -> Node:
    """Return a tree in which containers and namespaces have what `defaults` says, which itself is gone."""
    sections = dict(root.value)
    defaults = sections.pop("defaults", None) or _nothing(root, "defaults")
    for section in ("containers", "namespaces"):
        if section in sections:
            entries, default = sections[section], below(defaults, section) or _nothing(defaults, section)
            merged = {name: _entry(default, entry) for name, entry in entries.value.items()}
            sections[section] = replace(entries, value=merged)
    return replace(root, value=sections)


def with_plain_defaults(data: Mapping[str, Any]) -> dict[str, Any]:
    """Do the same with values without places, of which none was left out."""
    sections = {name: each for name, each in data.items() if name != "defaults"}
    for section in ("containers", "namespaces"):
        default = data["defaults"].get(section)
        if section in sections and default:
            sections[section] = {name: _plain_entry(default, entry) for name, entry in sections[section].items()}
    return sections


def _plain_entry(default: Mapping[str, Any], entry: Mapping[str, Any]) -> Any:
    if entry.get("external"):
        return entry
    return _plain_over(default, entry, _INSTEAD)


def _plain_over(default: Any, entry: Any, instead: Mapping[str, str]) -> Any:
    if not (isinstance(default, dict) and isinstance(entry, dict)):
        return entry
    inherited = {name: each for name, each in default.items() if instead.get(name) not in entry}
    own = {
        name: _plain_over(inherited[name], each, _WITHIN.get(name, _NOTHING)) if name in inherited else each
        for name, each in entry.items()
    }
    return inherited | own


def _nothing(around: Node, name: str) -> Node:
    """Return an empty mapping for one that is not there; anything is missing in it if it was left out."""
    unknown = name in around.cut or ANYTHING.items() <= around.cut.items()
    return replace(around, value={}, cut=ANYTHING if unknown else NOTHING)


def _merge_section(section: str, ours: Node, theirs: Node) -> Iterator[Problem]:
    entries: dict[str, Node] = ours.value
    for name, entry in theirs.value.items():
        first = ours.cut.get(name) or entries.setdefault(name, entry)
        if first is not entry:
            where = f"also at {entry.key_position}"
            yield Problem(first.key_position, dotted((section, name)), "declared in two files", where)
    ours.cut = {**theirs.cut, **ours.cut}


def _merge_host(ours: Node, theirs: Node) -> None:
    ours.cut = {**theirs.cut, **ours.cut}
    if "routes" in theirs.value:
        given: dict[str, Node] = ours.value
        routes: Node = theirs.value["routes"]
        first = given.setdefault("routes", routes)
        if first is not routes:
            _extend(first, routes)


def _extend(ours: Node, theirs: Node) -> None:
    ours.value += theirs.value
    ours.cut = {**theirs.cut, **ours.cut}


def _entry(default: Node, entry: Node) -> Node:
    """Give an entry its defaults; an external one has none."""
    if "external" in entry.value and entry.value["external"].value:
        return entry
    return _over(default, entry, _INSTEAD)


def _over(default: Node, entry: Node, instead: Mapping[str, str]) -> Node:
    """Merge mappings key by key; anything else of the entry's stays as it is."""
    if not (isinstance(default.value, dict) and isinstance(entry.value, dict)):
        return entry
    given = {*entry.value, *entry.cut}
    inherited = {
        name: node for name, node in default.value.items() if name not in entry.cut and instead.get(name) not in given
    }
    lost = {name: node for name, node in default.cut.items() if name not in entry.value}
    own = {
        name: _over(inherited[name], node, _WITHIN.get(name, _NOTHING)) if name in inherited else node
        for name, node in entry.value.items()
    }
    return replace(entry, value=inherited | own, cut={**lost, **entry.cut})
