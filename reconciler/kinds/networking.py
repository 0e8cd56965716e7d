"""How a container is on the network: its mode, its networks, its links, what it waits for; pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.kinds.entry import Entry, entries, entry_of, found_once
from reconciler.kinds.source import Source
from reconciler.kinds.units import steps
from reconciler.model import ResourceKey
from reconciler.value import dataclass

BRIDGE = "bridge"
"""The live name of Docker's own bridge, and the network mode that means it."""
DEFAULT = "default"
"""The network that is made on demand."""
SHARED = ("service:", "container:")
"""The network modes that share another container's network namespace."""
RUNS = ("running", "paused", "completed")
"""The states of a container that is started."""
UP = ("running", "paused")
"""The states of a container that has a process, and with it a network namespace."""


@dataclass(frozen=True, slots=True)
class Link:
    """A name under which one container reaches another; `networks` are those it is given on."""

    target: str
    alias: str
    networks: tuple[str, ...] = ()


def place(entry: Entry, attribute: str, name: str) -> tuple[str | int, ...]:
    """Return where a name stands in an attribute that is a list or a mapping; the entry itself if it is not there."""
    found = entry.get(attribute)
    if found is None or name not in found:
        return ()
    return (attribute, found.index(name) if isinstance(found, list) else name)


def known(entry: Entry) -> bool:
    """Tell whether all is known of the networks that a container is on; nothing wrong in them was left out."""
    return not (entry.incomplete("networks") or entry.incomplete("network_mode"))


@found_once
def networks(entry: Entry) -> Mapping[str, Mapping[str, Any]]:
    """Return the networks of a container by their names in the file, with what is said of its endpoints."""
    found = entry.get("networks")
    if entry.get("external") or entry.get("network_mode"):
        return {}
    if not found:
        return {DEFAULT: {}} if known(entry) else {}
    return (
        {name: found[name] or {} for name in sorted(found)}
        if isinstance(found, dict)
        else {name: {} for name in sorted(found)}
    )


def is_default_bridge(source: Source, network: str) -> bool:
    """Tell whether a network of the file is Docker's own bridge."""
    return source.live("networks", network) == BRIDGE


@found_once
def on_default_bridge(entry: Entry) -> bool:
    """Tell whether a container is on Docker's own bridge."""
    mode = entry.get("network_mode")
    return mode == BRIDGE or any(is_default_bridge(entry.source, each) for each in networks(entry))


@found_once
def first(entry: Entry) -> str:
    """Return the network that a container is created on; empty if it has none.

    Links on Docker's own bridge need that one; an old engine gives a MAC address there only.
    """
    found, linked = networks(entry), bool(bridge_links(entry))

    def rank(name: str) -> tuple[bool, bool, bool, str]:
        elsewhere = not is_default_bridge(entry.source, name)
        return (linked and elsewhere, "mac_address" not in found[name], elsewhere, name)

    return min(found, key=rank, default="")


def mode(entry: Entry) -> str:
    """Return the network mode; a container of the file is always `service:NAME`, networks have none."""
    found = str(entry.get("network_mode") or "")
    target = shared_with(entry)
    if not found and not networks(entry) and not entry.get("external"):
        return "none"
    return f"service:{target.name}" if target else found


@found_once
def shared_with(entry: Entry) -> ResourceKey | None:
    """Return the container of the file whose network namespace is shared."""
    found = str(entry.get("network_mode") or "")
    kind, _, name = found.partition(":")
    known = name in entry.source.section("containers")
    return ResourceKey("container", name) if found.startswith(SHARED) and (known or kind == "service") else None


def links(entry: Entry) -> Iterator[Link]:
    """Yield the links; those on Docker's own bridge have no networks."""
    for _, each in entry.items("links"):
        target, _, alias = each.partition(":")
        if target in entry.source.section("containers"):
            yield Link(target, alias or target, _in_common(entry, entry_of(entry.source, target)))


def _in_common(entry: Entry, target: Entry) -> tuple[str, ...]:
    theirs = networks(entry) if target.get("external") else networks(target)
    return tuple(each for each in networks(entry) if each in theirs and not is_default_bridge(entry.source, each))


@found_once
def bridge_links(entry: Entry) -> tuple[Link, ...]:
    """Return the links on Docker's own bridge, those among them that `may_be_elsewhere` too."""
    found = links(entry) if on_default_bridge(entry) else ()
    return tuple(each for each in found if not each.networks or may_be_elsewhere(entry, each))


def may_be_elsewhere(entry: Entry, link: Link) -> bool:
    """Tell whether the file does not say on which of a container's networks the target of a link is."""
    return bool(link.networks) and bool(entry_of(entry.source, link.target).get("external"))


@found_once
def dependencies(entry: Entry) -> Mapping[str, str]:
    """Return what must be started before, with its condition."""
    found = entry.get("depends_on") or {}
    if not isinstance(found, dict):
        return dict.fromkeys(found, "service_started")
    return {name: (each or {}).get("condition", "service_started") for name, each in found.items()}


def state(entry: Entry) -> str:
    """Return the state that is wanted: one for whose completion another waits is to complete."""
    said = entry.get("state") or ("running" if entry.incomplete("state") else "")
    return str(said or ("completed" if entry.name in entry.source.once(_waited_for) else "running"))


def _waited_for(source: Source) -> frozenset[str]:
    """Return the containers for whose completion another one waits."""
    waits = (dependencies(each).items() for each in entries(source))
    return frozenset(name for each in waits for name, how in each if how == "service_completed_successfully")


def runs(entry: Entry) -> bool:
    """Tell whether a container is to be started at all."""
    return state(entry) in RUNS


def check(entry: Entry) -> None:
    """Note what is wrong with how a container is on the network."""
    if entry.get("networks") is not None and entry.get("network_mode"):
        entry.problem(("network_mode",), "a container has either networks or a network_mode", "remove one")
    _check_mode(entry)
    for name in networks(entry):
        if name != DEFAULT:
            entry.source.reference(entry.pointer(*place(entry, "networks", name)), "networks", name, "network")
    for name in dependencies(entry):
        _check_container(entry, place(entry, "depends_on", name), name)
    _check_links(entry)


def _check_mode(entry: Entry) -> None:
    found = str(entry.get("network_mode") or "")
    target = shared_with(entry)
    if target:
        _check_container(entry, ("network_mode",), target.name)
        _check_shared(entry, entry_of(entry.source, target.name))
    elif found.startswith("container:") and (name := entry.source.once(_by_live_name).get(found.partition(":")[2])):
        message = f"{found.partition(':')[2]!r} is what container {name!r} of this file is called on the host"
        entry.problem(("network_mode",), message, f"write `service:{name}`")
    alone = found in ("none", "host") or found.startswith(SHARED)
    if alone and entry.get("ports"):
        hint = f"publish them on {target.name!r}" if target else "give it a network"
        entry.problem(("ports",), f"with network_mode {found} no port can be published", hint)
    _check_sysctls(entry)
    if found.startswith(SHARED):
        for each in ("hostname", "dns", "dns_search", "dns_opt", "extra_hosts", "expose", "links"):
            if entry.get(each):
                entry.problem((each,), f"this is shared with {found.partition(':')[2]!r}: declare it there")


def _by_live_name(source: Source) -> Mapping[str, str]:
    return {source.live("containers", name): name for name in source.section("containers")}


def _check_shared(entry: Entry, target: Entry) -> None:
    """Note where the network namespace that is shared is gone, or never there: the engine joins a running one only."""
    wanted = state(target)
    sure = not (target.get("external") or target.incomplete("state") or entry.incomplete("state"))
    if sure and runs(entry) and wanted not in UP:
        message = f"{target.name!r} is to be {wanted}: it has no network to share"
        entry.problem(("network_mode",), message, "share that of one that runs, or give it a network")


def _check_sysctls(entry: Entry) -> None:
    """Note what the engine sets for no container on the host's network, be it this one's or that of whom it shares."""
    if entry_of(entry.source, entry.source.once(holders)[entry.name]).get("network_mode") != "host":
        return
    for name, step in steps(entry.get("sysctls")).items():
        if name.startswith(("net.", "net/")):
            entry.problem(("sysctls", step), f"on the host's network {name} is the host's own", "set it on the host")


def holders(source: Source) -> Mapping[str, str]:
    """Return whose network namespace each container is in at the end; one of a circle if there is none."""
    found: dict[str, str] = {}
    for entry in entries(source):
        trail: dict[str, None] = {}
        while not (entry.name in trail or entry.name in found) and (target := shared_with(entry)):
            trail[entry.name] = None
            entry = entry_of(source, target.name)  # noqa: PLW2901 - the next on the way
        found |= dict.fromkeys((*trail, entry.name), found.get(entry.name, entry.name))
    return found


def _check_container(entry: Entry, path: tuple[str | int, ...], name: str) -> bool:
    if name == entry.name:
        entry.problem(path, f"{name!r} cannot refer to itself")
        return False
    return entry.source.reference(entry.pointer(*path), "containers", name, "container") is not None


def _check_links(entry: Entry) -> None:
    taken: dict[str, str] = {}
    for number, each in entry.items("links"):
        target, _, alias = each.partition(":")
        _check_link(entry, ("links", number), target)
        if (name := alias or target) in taken:
            message = f"the name {name!r} stands for {taken[name]!r} already"
            entry.problem(("links", number), message, "give it another alias, or remove one")
        taken.setdefault(name, target)


def _check_link(entry: Entry, path: tuple[str | int, ...], target: str) -> None:
    if not _check_container(entry, path, target):
        return
    theirs = entry_of(entry.source, target)
    on_bridge = on_default_bridge(entry) and (theirs.get("external") or on_default_bridge(theirs))
    sure = known(entry) and known(theirs) and not entry.source.incomplete(("networks",))
    if sure and not on_bridge and not _in_common(entry, theirs):
        entry.problem(path, f"{entry.name!r} and {target!r} are on no network together", "give both a network")
