"""What the labs of a run have seen of each attribute of the schema: it was applied, changed and removed, and named."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from live.attributes import Values, values
from reconciler.model import ResourceKey

APPLIED, CHANGED, REMOVED = "applied", "changed", "removed"
SEEN: dict[str, set[str]] = defaultdict(set)
"""By attribute: what was seen of it, always at rest afterwards."""
NAMED = {
    r"container\.exec|exec\[\]": "exec/",
    r"namespace\.exec": "exec/",
    r"(container|namespace|host|endpoint)\.routes$": "route/",
    r"(routes\[\]|endpoint\.routes\[\])\.to$": "route/",
    r"(routes\[\]|endpoint\.routes\[\])\.": "route/LAST",
    r"container\.(networks|links)": "connect/(LAST)?|container/(LAST|network_mode)",
    r"container\.network_mode": "container/network_mode|connect/|network/",
    r"container\.env_file": "container/environment",
    r"container\.image": "container/(image)?$",
    r"container\.container_name|prefix": "[a-z]*/name",
    r"container\.state": "(process|container)/state",
    r"container\.build|build\.": "image/inputs|image/$",
    r"[a-z]+\.external": "[a-z]+/$",
    r"image\.(name|tags)": "image/tags",
    r"image\.[a-z]+": "image/inputs|image/$",
    r"bridge\.namespace": "bridge/node",
    r"endpoint\.(bridge|network)": r"veth/endpoints\..*\.master|veth/$",
    r"endpoint\.(container|namespace|host|interface)|veth\.(endpoints|name)": r"veth/endpoints\..*\.LAST|veth/$",
    r"(endpoint|veth)\.": r"veth/endpoints\..*\.LAST",
    r"host$": "route/",
    r"defaults": "namespace/|container/",
    r"include": "[a-z]+/",
    r"[a-z]+s$": "[a-z]+/",
}
"""How a plan names an attribute, as its kind and its path, where that is not by the attribute's own first word."""

ALTERNATIVES = (
    r"endpoint\.(bridge|container|namespace|host|network)$",
    r"image\.(build|pull|import|load|commit|external)$",
    r"container\.(build|image|external)$",
)
"""Of which there is one each time, so that none goes without another coming."""


@dataclass(frozen=True)
class Claim:
    """What a test has insisted on: on the way from one text to another a plan names paths of a resource."""

    before: str
    after: str
    key: str
    paths: tuple[str, ...]


def at_rest(text: str, claims: Iterable[Claim] = ()) -> None:
    """Note what a topology uses that was applied, and what was claimed of the way to it."""
    for _, attribute in values(text):
        SEEN[attribute].add(APPLIED)
    for claim in claims:
        for attribute, what in told(claim):
            SEEN[attribute].add(what)


def told(claim: Claim) -> Iterator[tuple[str, str]]:
    """The attributes that a claim is about, and what became of each.

    Of attributes that differ together, one path speaks only for what holds all of them, lest it be the others' alone.
    """
    before, after = values(claim.before), values(claim.after)
    if before == after:
        yield from ((each, CHANGED) for each in _drifted(after, claim))
        return
    differing = {key for key in {*before, *after} if before.get(key) != after.get(key) and _concerns(claim, key[0])}
    for path in claim.paths or ("",):
        named = {key for key in differing if names(key[1], claim.key, path)}
        for key in named:
            if all(_in_line(key[1], other) for _, other in named):
                yield from ((key[1], each) for each in _became(before.get(key, []), after.get(key, [])))


def names(attribute: str, key: str, path: str) -> bool:
    """Tell whether a path of a change of a resource is that of an attribute."""
    kind, own = key.partition("/")[0], attribute.split(".")
    pattern = next((each for start, each in NAMED.items() if re.match(start, attribute)), None)
    if pattern is None:
        return own[0] == kind and len(own) > 1 and path.split(".", maxsplit=1)[0] == own[1].removesuffix("[]")
    return bool(re.match(pattern.replace("LAST", own[-1].removesuffix("[]")), f"{kind}/{path}"))


def _drifted(now: Values, claim: Claim) -> Iterator[str]:
    """What a hand changed: the attributes of whose very name a path is."""
    for entry, attribute in now:
        last = attribute.rpartition(".")[2]
        for path in claim.paths:
            if _concerns(claim, entry) and names(attribute, claim.key, path) and path.rpartition(".")[2] == last:
                yield attribute


def _concerns(claim: Claim, entry: str) -> bool:
    """Tell whether a resource is declared in an entry: pairs are not told apart, and some things stand above all."""
    section, _, name = entry.partition("/")
    return section in ("", "veths", "host", "defaults") or name == ResourceKey.of(claim.key).name.partition("--")[0]


def _in_line(one: str, other: str) -> bool:
    """Tell whether one attribute holds the other: by its path, or since that one stands in a definition of its own."""
    if any(re.match(each, one) and re.match(each, other) for each in ALTERNATIVES):
        return True
    shorter, longer = sorted((one, other), key=len)
    return longer.startswith(shorter) or shorter.partition(".")[0] != longer.partition(".")[0]


def _became(before: list[str], after: list[str]) -> Iterator[str]:
    if before and after:
        yield CHANGED
    elif before:
        yield REMOVED
