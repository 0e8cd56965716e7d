"""Two trees made one: a file and an included one, an entry and its defaults."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from reconciler.errors import Problem
from reconciler.secret import alike
from reconciler.topology.schema import Schema, empty, schema, types
from reconciler.topology.tree import ANYTHING, NOTHING, Cut, Node, dotted

T = TypeVar("T")
_ITS_OWN = frozenset(("name", "prefix"))
_INSTEAD = {"image": "build", "build": "image", "networks": "network_mode", "network_mode": "networks"}
"""A default that an entry does without when it has the other one."""
_WITHIN = {"healthcheck": {"disable": "test"}}
"""The same within an attribute."""
_SHORT = {"build": "context"}
"""What a text stands for by itself, where a mapping says more."""
_NOTHING: Mapping[str, str] = MappingProxyType({})


class _Form(Protocol[T]):
    """How a value is held: with its place and what was left out of it, or plainly."""

    def value(self, held: T) -> Any:
        """Return the value, whose parts are held likewise."""

    def cut(self, held: T) -> Cut:
        """Return what was left out of it."""

    def made(self, held: T, value: Any, cut: Cut) -> T:
        """Return another value in its place."""


class _Placed:
    """As nodes of a tree."""

    def value(self, held: Node) -> Any:
        return held.value

    def cut(self, held: Node) -> Cut:
        return held.cut

    def made(self, held: Node, value: Any, cut: Cut) -> Node:
        return replace(held, value=value, cut=cut)


class _Plain:
    """By themselves: nothing was left out."""

    def value(self, held: Any) -> Any:
        return held

    def cut(self, _: Any) -> Cut:
        return NOTHING

    def made(self, _: Any, value: Any, __: Cut) -> Any:
        return value


PLACED, PLAIN = _Placed(), _Plain()


def merge(root: Node, included: Node) -> Iterator[Problem]:
    """Put an included file's content into that of the file which includes it; yield what both declare.

    Its `name` and `prefix` are its own, for when it is applied alone. Its `defaults` hold for what it declares, before
    those of the file that includes it.
    """
    included = defaulted(included, PLACED)
    root.cut = {**included.cut, **root.cut}
    for name, theirs in included.value.items():
        if name not in _ITS_OWN:
            ours = root.value.setdefault(name, theirs)
            if ours is not theirs:
                yield from _merge_both(name, ours, theirs)


def _merge_both(name: str, ours: Node, theirs: Node) -> Iterator[Problem]:
    """Make one of what two files say under a name, as the schema has it; of an extension the first is enough."""
    wanted = schema()["properties"].get(name)
    if wanted is None:
        return
    if isinstance(wanted.get("additionalProperties"), Mapping):
        yield from _merge_section(name, ours, theirs)
    elif "array" in types(wanted):
        _extend(ours, theirs)
    elif name == "host":
        _merge_host(ours, theirs)
    else:
        raise NotImplementedError(f"nobody has said how {name!r} is merged with an included one")


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


def defaulted(root: T, form: _Form[T]) -> T:
    """Return a tree in which every entry has what `defaults` says of its section; that itself is gone."""
    sections = dict(form.value(root))
    defaults = sections.pop("defaults", None) or _nothing(root, "defaults", form)
    for section, wanted in schema()["properties"]["defaults"]["properties"].items():
        default = form.value(defaults).get(section) or _nothing(defaults, section, form)
        if section in sections and (form.value(default) or form.cut(default)):
            entries = sections[section]
            merged = {name: _entry(default, entry, form, wanted) for name, entry in form.value(entries).items()}
            sections[section] = form.made(entries, merged, form.cut(entries))
    return form.made(root, sections, form.cut(root))


def _nothing(around: T, name: str, form: _Form[T]) -> T:
    """Return an empty mapping for one that is not there; anything is missing in it if it was left out."""
    cut = form.cut(around)
    unknown = name in cut or ANYTHING.items() <= cut.items()
    return form.made(around, {}, ANYTHING if unknown else NOTHING)


def _entry(default: T, entry: T, form: _Form[T], wanted: Schema) -> T:
    """Give an entry its defaults; an external one has none."""
    external = form.value(entry).get("external")
    return entry if external and form.value(external) else _over(default, entry, _INSTEAD, form, wanted)


def _over(default: T, entry: T, instead: Mapping[str, str], form: _Form[T], wanted: Schema) -> T:
    """Merge mappings key by key; anything else of the entry's stays as it is."""
    theirs, own, cut = form.value(default), form.value(entry), form.cut(entry)
    if not (isinstance(theirs, dict) and isinstance(own, dict)):
        return entry
    given = {*own, *cut} if cut else own
    inherited = {name: each for name, each in theirs.items() if name not in cut and instead.get(name) not in given}
    lost = {name: each for name, each in form.cut(default).items() if name not in own}
    properties, others = wanted.get("properties", {}), wanted.get("additionalProperties") or {}
    kept = dict(own)
    for name in inherited.keys() & own.keys():
        inner = properties.get(name, others)
        first, then = (_as_mapping(name, each, form, inner) for each in (inherited[name], own[name]))
        kept[name] = _over(first, then, _WITHIN.get(name, _NOTHING), form, inner)
    return form.made(entry, inherited | kept, {**lost, **cut})


def _as_mapping(name: str, held: T, form: _Form[T], wanted: Schema) -> T:
    """Return the mapping that a list or a text is another form of; anything else as it is."""
    value, allowed = form.value(held), types(wanted)
    if "object" not in allowed or isinstance(value, dict):
        return held
    if isinstance(value, str) and name in _SHORT:
        return form.made(held, {_SHORT[name]: held}, NOTHING)
    if "array" not in allowed:
        return held
    found: dict[str, T] = {}
    for each in value or ():
        key, inner = _pair(each, form, wanted)
        if key in found and "array" in types(wanted["additionalProperties"]):
            first = form.value(found[key])
            inner = form.made(each, [*(first if isinstance(first, list) else [found[key]]), inner], NOTHING)
        found[key] = inner
    return form.made(held, found, ANYTHING if form.cut(held) else NOTHING)


def _pair(held: T, form: _Form[T], wanted: Schema) -> tuple[str, T]:
    """Split `NAME=value`, or `NAME:value` where no name has a colon; a name alone is what a bare key would be."""
    text = form.value(held)
    name, separator, rest = text.partition("=")
    if not separator and not re.search(wanted.get("propertyNames", {}).get("pattern", ""), text):
        name, separator, rest = text.partition(":")
    return name, form.made(held, alike(rest, text) if separator else empty(wanted["additionalProperties"]), NOTHING)
