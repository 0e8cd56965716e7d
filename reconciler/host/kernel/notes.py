"""What no host can tell, noted as altnames on a namespace's `lo`: it lives and dies with the namespace.

A note reads `WORD=…`: an altname holds 127 bytes (ALTIFNAMSIZ less one) and no blank, `/` or `:`. Those of which there
may be many are packed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from reconciler.host.marks import cut
from reconciler.host.netlink import Link

_ROOM = 44
"""What there is room for in one part of a note."""


def note(word: str, *parts: str) -> str:
    """Write a note; a part that is too long for it is cut and told apart by a digest."""
    return "=".join((word, *map(fitted, parts)))


def fitted(part: str) -> str:
    """Shorten one of the parts of a note to what there is room for."""
    return cut(part, _ROOM)


def notes(link: Link | None, word: str) -> Iterator[tuple[str, ...]]:
    """Yield the parts of each note of a sort on a link."""
    return read(link.altnames if link else (), word)


def read(altnames: Iterable[str], word: str) -> Iterator[tuple[str, ...]]:
    """Yield the parts of each note of a sort among altnames."""
    for altname in altnames:
        first, *parts = altname.split("=")
        if first == word and parts:
            yield tuple(parts)


def digest(text: str) -> str:
    """Return a digest of 32 hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()[:32]
