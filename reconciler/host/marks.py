"""How we know what is ours: labels in the engine, aliases on interfaces, a protocol number on addresses and routes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace

from reconciler.errors import Conflict
from reconciler.model import STANDARD_INPUT, ResourceKey
from reconciler.value import dataclass

TOPOLOGY, KEY, SOURCE = "reconciler.topology", "reconciler.key", "reconciler.source"
"""The labels of a mark; `reconciler.` is the prefix of all labels of ours."""
ID = "reconciler.id"
"""The label that is another for each container.

It also stands where the engine keeps the path of a file for the id, which `docker commit` does not copy, as it does
labels: where the two differ the mark came with an image.
"""
LABELS = "reconciler."
PROTOCOL = 0x72
"""The protocol number (IFA_PROTO, rtm_protocol) of our addresses and routes."""
_PREFIX = "reconciler"
ALIAS_MAX = 255
"""An interface's alias holds 255 bytes (IFALIASZ less one), as does a comment of the firewall."""
_ROOM = 120
"""Of which a resource's name gets this much; a topology's has 64 characters at most, a host's identity 16, the path the
rest."""
_DIGEST = 8


@dataclass(frozen=True, slots=True)
class Mark:
    """Says that an object belongs to a topology, as which resource, and from which file.

    `host` is the identity of the host whose it is: one machine has several where engines live in network namespaces of
    their own, and each sees the interfaces of all. What an engine labels needs none: it is seen by that engine only.
    """

    topology: str
    key: ResourceKey
    source: str = ""
    host: str = ""

    @property
    def short(self) -> Mark:
        """Return the mark as an alias holds it: a long name is cut, and told from others by a digest."""
        return replace(self, key=short_key(self.key))

    def labels(self) -> dict[str, str]:
        """Return the mark as labels of a container, network or volume."""
        return {TOPOLOGY: self.topology, KEY: str(self.key), SOURCE: self.source}

    def alias(self) -> str:
        """Return the mark as an interface's alias; a path too long for it loses its beginning, and so its slash."""
        head = f"{_PREFIX} {self.topology} {self.short.key} {self.host} "
        room, path = ALIAS_MAX - len(head.encode()), self.source.encode()
        return head + (self.source if len(path) <= room else path[-room:].decode(errors="ignore").lstrip("/"))

    def is_in(self, alias: str | None) -> bool:
        """Tell whether an alias holds this mark, whichever file it came from."""
        found = of_alias(alias)
        return found is not None and replace(found, source="") == replace(self.short, source="")


def short_key(key: ResourceKey) -> ResourceKey:
    """Return a key as an alias holds it."""
    return ResourceKey(key.kind, cut(key.name, _ROOM))


def cut(text: str, room: int) -> str:
    """Shorten a text to so many bytes, always in the same way; a digest tells it from others that begin alike."""
    if len(text.encode()) <= room:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:_DIGEST]
    return f"{text.encode()[: room - _DIGEST - 1].decode(errors='ignore')}-{digest}"


def own_labels(labels: Mapping[str, str], image: Mapping[str, str] | None) -> dict[str, str]:
    """Return a listed container's labels without a mark that its image's labels have as well, or that anybody wrote."""
    return kept_labels(labels, mark=labels.get(ID, "") not in ("", (image or {}).get(ID)))


def kept_labels(labels: Mapping[str, str], *, mark: bool) -> dict[str, str]:
    """Return labels with their mark, or without."""
    return {name: each for name, each in labels.items() if mark or not name.startswith(LABELS)}


def of_labels(labels: Mapping[str, str] | None) -> Mark | None:
    """Read a mark out of labels."""
    if not labels or TOPOLOGY not in labels:
        return None
    return _mark(labels[TOPOLOGY], labels.get(KEY, ""), labels.get(SOURCE, ""))


def topology_of(labels: Mapping[str, str] | None) -> dict[str, str]:
    """Return what labels tell of whose a foreign object is: the `topology` and its `source`, if it is of one."""
    return _whose(of_labels(labels))


def topology_of_alias(alias: str | None) -> dict[str, str]:
    """Return what the alias of a foreign interface tells of whose it is, alike."""
    return _whose(of_alias(alias))


def _whose(mark: Mark | None) -> dict[str, str]:
    return {"topology": mark.topology, "source": mark.source} if mark else {}


def is_from(file: str, marked: str) -> bool:
    """Tell whether a mark's path is that of a file; one without a slash at its beginning is the end of a long one."""
    if marked in ("", STANDARD_INPUT):
        return False
    return file == marked or (not marked.startswith("/") and file.endswith(marked))


def of_alias(alias: str | None) -> Mark | None:
    """Read a mark out of an interface's alias."""
    prefix, topology, key, host, source = [*(alias or "").split(" ", 4), "", "", "", ""][:5]
    return _mark(topology, key, source, host) if prefix == _PREFIX else None


def came_between(what: str, mark: Mark | None) -> Conflict:
    """Return what to say of something that has the name of ours since the plan was made, and is of whom its mark says.

    Nobody is told to remove what is another topology's.
    """
    if mark is None:
        return Conflict(f"{what} that is not ours came in between: remove it, or name yours")
    return Conflict(f"{what} that is {mark.key} of topology {mark.topology} came in between: choose another for yours")


def _mark(topology: str, key: str, source: str, host: str = "") -> Mark | None:
    """What only looks like a mark of ours is none."""
    try:
        return Mark(topology, ResourceKey.of(key), source, host)
    except ValueError:
        return None
