"""Notes of which there may be many, packed: digests of them, many in one altname.

Programs that are told of links 4 KiB at a time, with getifaddrs() of the C library among them, are told of none, and
some wait for ever, once all that is to be said of one link is larger. So there is a bound, and a note takes but a few
bytes: what its digest stands for is found among what there is, be it routes, ports or sysctls.

An altname reads `WORDs=OWNER=…`; a digest of the owner is in it, since a namespace has each altname once. Where nothing
else tells who that is, `WORDs-of=NAME` stands beside it for as long. What former versions wrote, one note each as
`WORD=OWNER=…` or `WORD=…`, is understood.
"""

from __future__ import annotations

import binascii
import errno
import hashlib
import threading
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import NamedTuple

from reconciler.errors import StepFailed
from reconciler.host.kernel.notes import fitted
from reconciler.host.netlink import Link, Socket, add_altname, del_altname, get_link

_DIGEST = 6
"""How many characters of 6 bits a digest has."""
_EACH = 18
"""How many fit into an altname of 127 bytes, with the longest word and the owner."""
_ROOM = 1320
"""How many bytes all altnames of a link may take, ten of the longest: without them `lo` takes 1.7 KiB at most, and a
bridge 2.1."""
_SAFE = str.maketrans("+/", "-_")
"""An altname holds no `/`."""
_TURN = threading.Lock()
"""One at a time reads what is noted and writes it anew."""


class Noted(NamedTuple):
    """A note: the digests of whose it is, and of what."""

    owner: str
    item: str


def noted(owner: str, item: str) -> Noted:
    """Make a note."""
    return Noted(_digest(fitted(owner)), _digest(item))


def written(link: Link | None, word: str) -> frozenset[Noted]:
    """Return the notes of a sort that stand on a link."""
    return read(link.altnames if link else (), word)


def read(altnames: Iterable[str], word: str) -> frozenset[Noted]:
    """Return the notes of a sort among altnames."""
    return frozenset(each for _, pack, _ in _packs(altnames, word) for each in pack)


def by_name(link: Link | None, word: str) -> Iterator[tuple[str, Noted]]:
    """Yield the notes of a sort on a link whose owner's name stands beside them, with that name."""
    for altname in link.altnames if link else ():
        if name := _name(altname, word):
            owner = noted(name, "").owner
            yield from ((name, each) for each in written(link, word) if each.owner == owner)


def without_room(altnames: Collection[str], word: str, wanted: Collection[Noted], name: str = "") -> list[Noted]:
    """Return those of some notes that find no room on a link, beside what others have there, and their owner's name.

    What the same owners noted and is wanted no more goes before; what stands there already has room.
    """
    owners, there = {each.owner for each in wanted}, read(altnames, word)
    others, packs = _sorted_out(altnames, word, owners, {each for each in there if each.owner in owners} - {*wanted})
    others += [each for each in _names(word, name) if each not in others]
    new = [each for each in dict.fromkeys(wanted) if each not in there]
    for at, each in enumerate(new):
        _put(packs, each)
        if not _fits(_texts(others, word, packs), altnames):
            return new[at:]
    return []


def write(
    socket: Socket,
    index: int,
    word: str,
    *,
    add: Collection[Noted] = (),
    drop: Collection[Noted] = (),
    name: str = "",
) -> None:
    """Note something on a link, for an owner whose name is to be told, and take other notes away.

    StepFailed where there is no room for more. What comes, and what goes, is one message each: a kill divides none.
    """
    if not add and not drop:
        return
    with _TURN:
        found = socket.ask([get_link(index)])[0]
        before = found.altnames if isinstance(found, Link) else ()
        after = changed(before, word, add, drop, name)
        if not _fits(after, before):
            raise StepFailed("its notes find no room beside the altnames that are there already: take some away")
        errors = socket.send([add_altname(index, each) for each in after if each not in before])
        if error := next((each for each in errors if each and each.errno != errno.EEXIST), None):
            raise error
        socket.send([del_altname(index, each) for each in before if each not in after])


def changed(
    altnames: Iterable[str], word: str, add: Collection[Noted], drop: Collection[Noted] = (), name: str = ""
) -> tuple[str, ...]:
    """Return the altnames that a link is to have; pure. A name goes with the last note of its owner."""
    others, packs = _sorted_out(altnames, word, {each.owner for each in (*add, *drop)}, {*drop})
    there = {each for pack in packs for each in pack}
    for each in dict.fromkeys(add):
        if each not in there:
            _put(packs, each)
    owners = {pack[0].owner for pack in packs}
    told = dict.fromkeys((*others, *_names(word, name)))
    left = (each for each in told if not (owner := _name(each, word)) or noted(owner, "").owner in owners)
    return _texts(left, word, packs)


def _name(altname: str, word: str) -> str:
    """Return the owner's name that an altname tells; empty if it tells none."""
    first, _, name = altname.partition("=")
    return name if first == f"{word}s-of" else ""


def _names(word: str, name: str) -> list[str]:
    return [f"{word}s-of={name}"] if name else []


def _sorted_out(
    altnames: Iterable[str], word: str, owners: Collection[str], drop: Collection[Noted]
) -> tuple[list[str], list[list[Noted]]]:
    """Return the altnames that stay as they are, and the notes that stay; former ones of the owners are packed."""
    others: list[str] = []
    packs: list[list[Noted]] = []
    former: list[Noted] = []
    for altname, pack, is_former in _packs(altnames, word):
        kept = [each for each in pack if each not in drop]
        if not pack or (is_former and kept and kept[0].owner not in owners):
            others.append(altname)
        elif is_former:
            former += kept
        elif kept:
            packs.append(kept)
    there = {each for pack in packs for each in pack}
    for each in dict.fromkeys(former):
        if each not in there:
            _put(packs, each)
    return others, packs


def _texts(others: Iterable[str], word: str, packs: Iterable[Sequence[Noted]]) -> tuple[str, ...]:
    return (*others, *(f"{word}s={pack[0].owner}={''.join(each.item for each in pack)}" for pack in packs))


def _put(packs: list[list[Noted]], note: Noted) -> None:
    """Put a note to others of its owner where these have room for one."""
    found = next((each for each in packs if each[0].owner == note.owner and len(each) < _EACH), None)
    if found is None:
        packs.append(found := [])
    found.append(note)


def _packs(altnames: Iterable[str], word: str) -> Iterator[tuple[str, list[Noted], bool]]:
    """Yield each altname with the notes of a sort in it, and whether a former version wrote it."""
    for altname in altnames:
        first, *parts = altname.split("=")
        if first == f"{word}s" and len(parts) == 2:  # noqa: PLR2004 - the owner, and the notes
            owner, text = parts
            yield altname, [Noted(owner, text[at : at + _DIGEST]) for at in range(0, len(text), _DIGEST)], False
        elif first == word and parts:
            owner, item = ("", parts[0]) if len(parts) == 1 else (parts[0], "=".join(parts[1:]))
            yield altname, [noted(owner, item)], True
        else:
            yield altname, [], False


def _digest(text: str) -> str:
    return binascii.b2a_base64(hashlib.sha256(text.encode()).digest()).decode()[:_DIGEST].translate(_SAFE)


def _fits(after: Iterable[str], before: Iterable[str]) -> bool:
    return _size(after) <= max(_ROOM, _size(before))


def _size(altnames: Iterable[str]) -> int:
    """How many bytes altnames take in a message: each with its header and a zero, filled up to four bytes."""
    return sum((4 + len(each.encode(errors="surrogateescape")) + 1 + 3) & ~3 for each in altnames)
