"""What of a container is in an image that is committed of it; pure but for env_files."""

from __future__ import annotations

from reconciler.kinds.container import ports, settings
from reconciler.kinds.container.environment import environment
from reconciler.kinds.container.healthcheck import healthcheck
from reconciler.kinds.container.tmpfs import tmpfs
from reconciler.kinds.container.volumes import volumes
from reconciler.kinds.entry import Entry
from reconciler.kinds.exec.spec import command
from reconciler.kinds.labelled import declared_labels


def committed(entry: Entry) -> tuple[object, ...]:
    """Return what makes another image, once it is read: how it runs, its commands, and where something is mounted.

    What the engine gives a container besides is not in its image: limits, networks, a restart policy; nor is what a
    command does in its network only.
    """
    published, mounts = ports.ports(entry), volumes(entry)
    commands = [command(each, in_network=False) for each in entry.get("exec") or ()]
    return (
        settings.command(entry, "command"),
        settings.command(entry, "entrypoint"),
        environment(entry),
        declared_labels(entry.source, entry.pointer("labels"), entry.get("labels")),
        entry.get("user"),
        settings.directory(entry.get("working_dir")),
        healthcheck(entry),
        settings.signal(entry.get("stop_signal")),
        sorted({*published, *ports.expose(entry, published)}),
        sorted({*mounts, *tmpfs(entry, mounts)}),
        [each.argv for each in commands if not each.in_network],
    )
