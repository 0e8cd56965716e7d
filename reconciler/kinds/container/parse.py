"""Containers as the file declares them; pure but for env_files and seccomp profiles."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from reconciler.kinds import networking
from reconciler.kinds.container import ports, settings, volumes, waits, words
from reconciler.kinds.container.environment import environment
from reconciler.kinds.container.healthcheck import healthcheck
from reconciler.kinds.container.limits import limits
from reconciler.kinds.container.quantities import Bytes, Duration, duration, size
from reconciler.kinds.container.spec import SHM_SIZE, STOP_GRACE_PERIOD, ContainerSpec
from reconciler.kinds.container.tmpfs import tmpfs
from reconciler.kinds.entry import Entry, entries
from reconciler.kinds.image.containers import image_of
from reconciler.kinds.image.parse import Images
from reconciler.kinds.labelled import declared_labels, live_name
from reconciler.kinds.source import Source
from reconciler.kinds.veth.ends import ends_by_node
from reconciler.model import Claim, FrozenMap, Need, Resource, ResourceKey

_HOSTNAME_MAX = 63
_SECOND = 10**9


def containers(source: Source) -> Iterator[Resource]:
    """Read the entries of `containers`."""
    images = source.once(Images)
    for entry in entries(source):
        if entry.get("external"):
            yield _external(entry)
        else:
            networking.check(entry)
            waits.check(entry)
            words.check(entry)
            yield _container(entry, images)


def name_claim(name: str) -> Claim:
    """Return the claim on a container's live name."""
    return Claim(f"container name {name}", label=f"container name {name!r}")


def _external(entry: Entry) -> Resource:
    key, live = ResourceKey("container", entry.name), entry.source.live("containers", entry.name)
    return entry.source.resource(entry.pointer(), key, ContainerSpec(live), owned=False)


def _container(entry: Entry, images: Images) -> Resource:
    image = image_of(entry.source, entry.name, entry.data)
    spec = ContainerSpec(
        name=live_name(entry.source, "containers", entry.name),
        image=str(image or ""),
        reference=images.reference(image.name) if image else "",
        **_network(entry),
        **_process(entry),
        **_mounted(entry),
        **_confinement(entry),
        **limits(entry),
        labels=declared_labels(entry.source, entry.pointer("labels"), entry.get("labels")),
        restart=settings.restart(entry.get("restart")),
        state="created" if networking.state(entry) == "created" else "",
        logging=settings.logging(entry),
    )
    return entry.source.resource(
        entry.pointer(),
        ResourceKey("container", entry.name),
        spec,
        needs=_needs(entry, image),
        claims=[name_claim(spec.name)],
    )


def _network(entry: Entry) -> dict[str, Any]:
    published = ports.ports(entry)
    first = networking.first(entry)
    mac_address = networking.networks(entry).get(first, {}).get("mac_address", "").lower() or None
    links = networking.bridge_links(entry)
    targets = {each.target: entry.source.live("containers", each.target) for each in links}
    shared = networking.shared_with(entry)
    key, mode = ResourceKey("container", entry.name), networking.mode(entry)
    return {
        "hostname": _hostname(entry, mode),
        "ports": published,
        "expose": ports.expose(entry, published),
        "network_mode": mode,
        "spares": tuple(sorted(end.interface for _, end in entry.source.once(ends_by_node).get(key, ()))),
        "target": entry.source.live("containers", shared.name) if shared else mode.partition(":")[2],
        "links": tuple(sorted(f"{each.target}:{each.alias}" for each in links)),
        "link_targets": FrozenMap(targets),
        "unsure_links": tuple(each.target for each in links if networking.may_be_elsewhere(entry, each)),
        "mac_address": mac_address,
        "mac_network": entry.source.live("networks", first) if mac_address else None,
        "dns": settings.addresses(entry, "dns"),
        "dns_search": entry.texts("dns_search"),
        "dns_opt": entry.texts("dns_opt"),
        "extra_hosts": settings.extra_hosts(entry),
    }


def _hostname(entry: Entry, mode: str) -> str | None:
    declared = entry.get("hostname")
    if declared or mode == "host" or mode.startswith(networking.SHARED):
        return declared or None
    return entry.name[:_HOSTNAME_MAX]


def _process(entry: Entry) -> dict[str, Any]:
    grace = entry.get("stop_grace_period")
    return {
        "command": settings.command(entry, "command"),
        "entrypoint": settings.command(entry, "entrypoint"),
        "environment": environment(entry),
        "user": entry.get("user"),
        "working_dir": settings.directory(entry.get("working_dir")),
        "tty": bool(entry.get("tty")),
        "stdin_open": bool(entry.get("stdin_open")),
        "init": entry.get("init"),
        "healthcheck": healthcheck(entry),
        "stop_signal": settings.signal(entry.get("stop_signal")),
        "stop_grace_period": STOP_GRACE_PERIOD if grace is None else _whole_seconds(entry, grace),
        "ulimits": settings.ulimits(entry.get("ulimits")),
    }


def _whole_seconds(entry: Entry, text: str) -> Duration:
    """Read the stop grace period, rounded up to the seconds in which the engine counts it."""
    found = entry.read(("stop_grace_period",), duration, text, instead=Duration(0))
    return Duration(-(-found // _SECOND) * _SECOND)


def _mounted(entry: Entry) -> dict[str, Any]:
    mounts = volumes.volumes(entry)
    shm = entry.get("shm_size")
    return {
        "volumes": mounts,
        "tmpfs": tmpfs(entry, mounts),
        "shm_size": SHM_SIZE if shm is None else entry.read(("shm_size",), _shm, shm, instead=SHM_SIZE),
        "read_only": bool(entry.get("read_only")),
    }


def _shm(value: str | float) -> Bytes:
    """Read the size of /dev/shm: 0 is the default, as it is to the engine."""
    return size(value) or SHM_SIZE


def _confinement(entry: Entry) -> dict[str, Any]:
    return {
        "cap_add": settings.capabilities(entry.get("cap_add")),
        "cap_drop": settings.capabilities(entry.get("cap_drop")),
        "privileged": bool(entry.get("privileged")),
        "devices": settings.devices(entry),
        "sysctls": settings.sysctls(entry.get("sysctls")),
        "security_opt": settings.security(entry),
    }


def _needs(entry: Entry, image: ResourceKey | None) -> Iterator[Need]:
    if image:
        yield Need(image, "image")
    yield from volumes.needs(entry)
    for link in networking.bridge_links(entry):
        yield Need(ResourceKey("container", link.target), "links")
    shared = networking.shared_with(entry)
    if shared and shared.name in entry.source.section("containers"):
        yield Need(shared, "network_mode")
