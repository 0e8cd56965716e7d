"""Two trees made one: a file and an included one, an entry and its defaults."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

from reconciler.errors import Problem
from reconciler.topology.schema import schema, types
from reconciler.topology.tree import ANYTHING, NOTHING, Cut, Node, dotted

T = TypeVar("T")
_ITS_OWN = frozenset(("name", "prefix"))
_INSTEAD = {"image": "build", "build": "image", "networks": "network_mode", "network_mode": "networks"}
"""A default that an entry does without when it has the other one."""
_WITHIN = {"healthcheck": {"disable": "test"}}
"""The same within an attribute."""
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
    for section in schema()["properties"]["defaults"]["properties"]:
        default = form.value(defaults).get(section) or _nothing(defaults, section, form)
        if section in sections and (form.value(default) or form.cut(default)):
            entries = sections[section]
            merged = {name: _entry(default, entry, form) for name, entry in form.value(entries).items()}
            sections[section] = form.made(entries, merged, form.cut(entries))
    return form.made(root, sections, form.cut(root))


def _nothing(around: T, name: str, form: _Form[T]) -> T:
    """Return an empty mapping for one that is not there; anything is missing in it if it was left out."""
    cut = form.cut(around)
    unknown = name in cut or ANYTHING.items() <= cut.items()
    return form.made(around, {}, ANYTHING if unknown else NOTHING)


def _entry(default: T, entry: T, form: _Form[T]) -> T:
    """Give an entry its defaults; an external one has none."""
    external = form.value(entry).get("external")
    return entry if external and form.value(external) else _over(default, entry, _INSTEAD, form)


def _over(default: T, entry: T, instead: Mapping[str, str], form: _Form[T]) -> T:
    """Merge mappings key by key; anything else of the entry's stays as it is."""
    theirs, own, cut = form.value(default), form.value(entry), form.cut(entry)
    if not (isinstance(theirs, dict) and isinstance(own, dict)):
        return entry
    given = {*own, *cut} if cut else own
    inherited = {name: each for name, each in theirs.items() if name not in cut and instead.get(name) not in given}
    lost = {name: each for name, each in form.cut(default).items() if name not in own}
    kept = {
        name: _over(inherited[name], each, _WITHIN.get(name, _NOTHING), form) if name in inherited else each
        for name, each in own.items()
    }
    return form.made(entry, inherited | kept, {**lost, **cut})
