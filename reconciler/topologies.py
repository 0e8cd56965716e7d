"""All topologies on a host, by their marks."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from reconciler.errors import NotPermitted, ReconcilerError
from reconciler.host import firewall, netns
from reconciler.host.kernel.packed import by_name
from reconciler.host.kernel.space import LOOPBACK
from reconciler.host.marks import TOPOLOGY, Mark, is_from, of_alias, of_labels, own_labels
from reconciler.host.netlink import Link, Socket, get_link, get_links
from reconciler.host.privilege import SYS_ADMIN, missing
from reconciler.kinds.image.references import component, parts_of
from reconciler.model import ResourceKey
from reconciler.value import dataclass

if TYPE_CHECKING:
    from reconciler.host import Host


@dataclass(frozen=True)
class Found:
    """A topology on the host: the files it came from, and how many resources of each kind carry its mark."""

    name: str
    sources: tuple[str, ...]
    counts: Mapping[str, int]


def topologies(host: Host) -> tuple[tuple[Found, ...], tuple[ReconcilerError, ...]]:
    """Return the topologies by name, and the reasons why a part of the host could not be looked at."""
    marks: set[Mark] = set()
    errors: list[ReconcilerError] = []
    for look in _LOOKS:
        try:
            marks.update(look(host))
        except Exception as error:  # noqa: BLE001 - every reason is kept as a value
            errors.append(host.explain(error))
    return tuple(_gathered(marks)), tuple({str(each): each for each in errors}.values())


def _gathered(marks: Iterable[Mark]) -> Iterator[Found]:
    by_name: dict[str, list[Mark]] = defaultdict(list)
    whole = {component(mark.topology): mark.topology for mark in marks if mark.key.kind != "image"}
    for mark in marks:
        by_name[whole.get(mark.topology, mark.topology) if mark.key.kind == "image" else mark.topology].append(mark)
    for name, mine in sorted(by_name.items()):
        counts = Counter(key.kind for key in {mark.key for mark in mine})
        sources = sorted({mark.source for mark in mine if mark.source})
        whole_paths = [each for each in sources if not any(other != each and is_from(other, each) for other in sources)]
        yield Found(name, tuple(whole_paths), dict(sorted(counts.items())))


def _in_the_engine(host: Host) -> Iterator[Mark]:
    engine = host.engine
    images = {each["Id"]: each for each in engine.images.list()}
    for row in images.values():
        yield from _of_tags(row.get("RepoTags") or ())
    for row in engine.containers.list(label=TOPOLOGY):
        yield from _marks(own_labels(row["Labels"], images.get(row["ImageID"], {}).get("Labels")))
    for row in (*engine.networks.list(label=TOPOLOGY), *engine.volumes.list(label=TOPOLOGY)):
        yield from _marks(row.get("Labels"))


def _of_tags(references: Iterable[str]) -> Iterator[Mark]:
    """Read marks out of an image's tags; a topology has there the form of its name that a repository may have."""
    for reference in references:
        parts = parts_of(reference)
        if parts and parts[0] == component(parts[0]):
            yield Mark(parts[0], ResourceKey("image", parts[1]))


def _marks(labels: Mapping[str, str] | None) -> Iterator[Mark]:
    if mark := of_labels(labels):
        yield mark


def _in_the_kernel(host: Host) -> Iterator[Mark]:
    links = (link for found in netns.visit(lambda _, socket: socket.dump(get_links())) for link in found)
    yield from (mark for link in links if (mark := of_alias(link.alias)) and mark.host == host.identity)


def _in_notes(_: Host) -> Iterator[Mark]:
    """Read of whom the notes are that tell whose a route of the host is."""
    with Socket() as here:
        lo = here.ask([get_link(LOOPBACK)])[0]
    for name, note in by_name(lo if isinstance(lo, Link) else None, "route"):
        yield Mark(name, ResourceKey("route", note.item))


def _in_the_firewall(host: Host) -> Iterator[Mark]:
    """Read whose rules there are: one outlives its bridge where a hand deletes that.

    Who may not enter a namespace has been told so by the look into the kernel.
    """
    try:
        held = firewall.look(host.patience).held
    except NotPermitted:
        if missing([SYS_ADMIN]):
            return
        raise
    for rules in held.values():
        yield from (Mark(name, key) for name, key in rules)


_LOOKS: tuple[Callable[[Host], Iterable[Mark]], ...] = (
    _in_the_engine,
    _in_the_kernel,
    _in_notes,
    _in_the_firewall,
)
