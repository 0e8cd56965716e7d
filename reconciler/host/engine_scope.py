"""What one observation reads of the engine: each thing is asked for once."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from reconciler.errors import EngineUnreachable
from reconciler.host.marks import ID, TOPOLOGY, Mark, kept_labels, of_labels, own_labels
from reconciler.model import ResourceKey, Topology

if TYPE_CHECKING:
    from reconciler.host import Host
    from reconciler.host.engine import Engine

S = TypeVar("S")
T = TypeVar("T")
GOING = "removing"
"""The state of a container that is on its way out."""
_HOLDING = ("running", "paused", "restarting", GOING)
"""The states in which a container may have the ports and addresses that the engine tells of it."""
INSPECTS = 8
"""How many inspects are under way at once."""


class once(Generic[T]):  # noqa: N801 - it is used as a decorator
    """A property whose first read is done by one thread while the others wait; that it failed is told to all of them.

    Each has a lock of its own, so that what does not need one another is asked at the same time. They are taken in the
    order in which properties are made of one another, which has no circles. Not functools' cached_property: Python
    3.11's has one lock for the scopes of all threads. What was read stands among the attributes of the scope, where it
    is found without a call and without a lock.
    """

    def __init__(self, read: Callable[[Any], T]) -> None:
        self.read, self.__doc__ = read, read.__doc__

    def __get__(self, scope: EngineScope, _: type[EngineScope]) -> T:
        """Return what was read, or read it."""
        name, known = self.read.__name__, vars(scope)
        with scope.lock(name):
            if name not in scope.failed and name not in known:
                try:
                    known[name] = self.read(scope)
                except Exception as error:  # noqa: BLE001 - it is told to whoever asks
                    scope.failed[name] = scope.reason(error)
            if name in scope.failed:
                raise scope.failed[name]
            found: T = known[name]
            return found


class EngineScope:
    """One observation of a host, as far as its engine tells; `of_engine` are the kinds of what is in that.

    `adopting` are the keys of what a run is to take over; `declared` is what the file says where less is desired;
    `is_by_name` where that is nothing, since all that is ours goes of which only the topology's name is known.

    Snapshots are read on first use, once, whichever kinds ask for them, from whichever threads.
    """

    def __init__(
        self,
        host: Host,
        desired: Topology,
        of_engine: Collection[str] = (),
        adopting: Collection[ResourceKey] = (),
        declared: Topology | None = None,
    ) -> None:
        self.host, self.desired, self.name = host, desired, desired.name
        self.declared = desired if declared is None else declared
        self.is_by_name = declared is not None and declared.is_name_alone
        self.of_engine, self.adopting = frozenset(of_engine), frozenset(adopting)
        self.locks: dict[str, threading.RLock] = {}
        self.failed: dict[str, Exception] = {}
        self.image_inspections: dict[str, dict[str, Any]] = {}

    def lock(self, name: str) -> threading.RLock:
        """The lock of a property."""
        return self.locks.setdefault(name, threading.RLock())

    def reason(self, error: Exception) -> Exception:
        """Return why something cannot be read: of an engine that does not answer the first reason, which is told once.

        Nor is it asked for anything else, or each thing would be waited for as long again.
        """
        if not isinstance(error, EngineUnreachable):
            return error
        with self.lock("engine"):
            vars(self).pop("engine", None)
            return self.failed.setdefault("engine", error)

    @once
    def engine(self) -> Engine:
        """The engine; one that does not answer is asked once, whoever wants to know something of it."""
        engine = self.host.engine
        assert engine.version  # noqa: S101 - it answers, or this raises
        return engine

    def mark(self, labels: Mapping[str, str] | None) -> Mark | None:
        """Return the mark in labels if it is of this topology."""
        mark = of_labels(labels)
        return mark if mark and mark.topology == self.name else None

    @once
    def wanted(self) -> Mapping[tuple[str, str], ResourceKey]:
        """The declared live names: (kind, live name) → key."""
        return {(each.key.kind, live): each.key for each in self.desired if (live := getattr(each.spec, "name", ""))}

    @once
    def externals(self) -> frozenset[tuple[str, str]]:
        """What the file calls external: (kind, live name)."""
        return frozenset(place for place, key in self.wanted.items() if not self.desired.resources[key].owned)

    def key_of_ours(self, key: ResourceKey, live: str) -> ResourceKey:
        """Return the key of something of ours: its live name where the file has made its own an external's."""
        declared = self.desired.resources.get(key)
        return key if declared is None or declared.owned else ResourceKey(key.kind, f"@{live}")

    @once
    def info(self) -> dict[str, Any]:
        """What the engine says of itself, its defaults among it."""
        return self.engine.info

    @once
    def now(self) -> float:
        """The time by the engine's clock, not before what was read of containers until somebody asked for it."""
        return self.engine.now

    @once
    def container_rows(self) -> list[dict[str, Any]]:
        """One row for each container there is (GET /containers/json): names, labels, ports, networks.

        What is on its way out counts no more: what it holds is free in a moment.
        """
        return [each for each in self.listed if self._is_there(each["Id"], each.get("State"))]

    @once
    def live_names(self) -> dict[str, str]:
        """What each container is called, by its id."""
        return {row["Id"]: live_name(row) for row in self.container_rows}

    @once
    def containers(self) -> dict[str, dict[str, Any]]:
        """The inspections, by id, of the containers that are ours or hold a declared live name as an external."""
        return {
            identity: each
            for identity, each in self._inspected.items()
            if self._is_there(identity) and self._concerns(each["Name"].removeprefix("/"), each["Config"]["Labels"])
        }

    @once
    def listed(self) -> list[dict[str, Any]]:
        """The rows of all containers, those that are on their way out among them."""
        told = (_without_remains(each, each.get("State")) for each in self.engine.containers.list())
        rows = map(self._with_its_own, told)
        return [self._handed_over("container", live_name(each), each) for each in rows]

    def _with_its_own(self, row: dict[str, Any]) -> dict[str, Any]:
        """Return a row without a mark of another topology that came with the image; of ours an inspection tells."""
        mark = of_labels(row.get("Labels"))
        if mark is None or mark.topology == self.name:
            return row
        image = self.images.get(row["ImageID"], {})
        return {**row, "Labels": own_labels(row["Labels"], image.get("Labels"))}

    @once
    def _inspected(self) -> dict[str, dict[str, Any]]:
        ids = [row["Id"] for row in self.listed if self._concerns(live_name(row), row.get("Labels"))]
        # What all are compared with takes as long as some twenty of them: 20.10 runs runc and docker-init for it.
        asked: list[Callable[[], dict[str, Any]]] = [lambda: self.engine.info] if ids else []
        asked += [partial(self._inspect_container, each) for each in ids]
        found = self.concurrently(lambda ask: ask(), asked)
        return dict(zip(ids, found[1:], strict=True))

    def _is_there(self, identity: str, told: str | None = None) -> bool:
        """Tell whether a container is there to stay; of one that nobody inspects what was told in the list counts."""
        inspected = self._inspected.get(identity, {"State": {"Status": told}})
        return bool(inspected) and inspected["State"].get("Status") != GOING

    @once
    def shared_with(self) -> dict[str, dict[str, Any]]:
        """The inspections, by id, of other containers whose network namespace one of ours shares."""
        ours = [each for each in self.containers.values() if self.mark(each["Config"]["Labels"])]
        modes = (each["HostConfig"]["NetworkMode"].partition(":") for each in ours)
        others = sorted({target for kind, _, target in modes if kind == "container"} - self.containers.keys())
        found = zip(others, self.concurrently(self._inspect_container, others), strict=True)
        return {identity: each for identity, each in found if each}

    def _concerns(self, name: str, labels: Mapping[str, str] | None) -> bool:
        """Tell whether a container is worth a look: a foreign one that is not declared external is not."""
        return bool(self.mark(labels)) or ("container", name) in self.externals

    def _handed_over(self, kind: str, live: str, row: dict[str, Any]) -> dict[str, Any]:
        """Return what was found without a mark of ours if the file calls it external: it was ours once."""
        if (kind, live) not in self.externals or not self.mark(row.get("Labels")):
            return row
        return {**row, "Labels": {name: each for name, each in row["Labels"].items() if name != TOPOLOGY}}

    @once
    def networks(self) -> dict[str, dict[str, Any]]:
        """All networks by id (GET /networks), without their endpoints."""
        rows = self.engine.networks.list()
        return {each["Id"]: self._handed_over("network", each["Name"], each) for each in rows}

    @once
    def volumes(self) -> dict[str, dict[str, Any]]:
        """All volumes by name (GET /volumes)."""
        rows = self.engine.volumes.list()
        return {each["Name"]: self._handed_over("volume", each["Name"], each) for each in rows}

    @once
    def images(self) -> dict[str, dict[str, Any]]:
        """All images by id (GET /images/json)."""
        return {each["Id"]: each for each in self.engine.images.list()}

    def inspect_image(self, reference: str) -> dict[str, Any]:
        """Inspect an image by id or tag, once; an empty dict if there is none."""
        if reference not in self.image_inspections:
            self.image_inspections[reference] = self.engine.images.inspect(reference)
        return self.image_inspections[reference]

    def in_sight(self) -> Iterator[Mark]:
        """Yield the marks, of whichever topology, on what was read already."""
        known = vars(self)
        for rows in (known.get("listed", ()), *(known.get(each, {}).values() for each in ("networks", "volumes"))):
            yield from (mark for row in rows if (mark := of_labels(row.get("Labels"))))

    def concurrently(self, function: Callable[[S], T], items: list[S]) -> list[T]:
        """Apply a function to many items, a few at a time, and keep their order."""
        if len(items) < 2:  # noqa: PLR2004 - no thread for a single one
            return [function(each) for each in items]
        with ThreadPoolExecutor(min(INSPECTS, len(items))) as pool:
            return list(pool.map(function, items))

    def _inspect_container(self, identity: str) -> dict[str, Any]:
        found = self.engine.containers.find(identity) or {}
        if found:
            own, name = {"Labels": own_labels_of(found)}, found["Name"].removeprefix("/")
            found["Config"]["Labels"] = self._handed_over("container", name, own)["Labels"]
            found = _without_remains(found, found["State"].get("Status"))
        return found


def _without_remains(told: dict[str, Any], state: str | None) -> dict[str, Any]:
    """Return what is listed or inspected, without ports and addresses where it does not run.

    An engine that was killed goes on telling those of containers that ended with it, though others can have them.
    """
    if state in _HOLDING:
        return told
    network = told.get("NetworkSettings") or {}
    endpoints = (network.get("Networks") or {}).items()
    without = {name: {**each, "IPAddress": "", "GlobalIPv6Address": ""} for name, each in endpoints}
    return {**told, "Ports": [], "NetworkSettings": {**network, "Ports": {}, "Networks": without}}


def own_labels_of(inspected: Mapping[str, Any]) -> dict[str, str]:
    """Return a container's labels without a mark that it has from its image: `docker commit` copies labels."""
    labels: dict[str, str] = inspected["Config"].get("Labels") or {}
    made = labels.get(ID, "") and labels[ID] == inspected["HostConfig"].get("ContainerIDFile")
    return kept_labels(labels, mark=bool(made))


def live_name(row: Mapping[str, Any]) -> str:
    """Return a listed container's own name: the one with a single slash; the others are names of links."""
    return next((name[1:] for name in row.get("Names") or () if name.count("/") == 1), "")
