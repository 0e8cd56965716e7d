"""Network namespaces, as `ip netns` shows them, with `lo` up and the sysctls that the file declares."""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from reconciler.host import netns
from reconciler.host.kernel.packed import noted, without_room
from reconciler.host.privilege import DAC_OVERRIDE, KERNEL_WORK, unwritable
from reconciler.kinds.base import Kind, Result, Told
from reconciler.kinds.effects import one_by_one_inside
from reconciler.kinds.namespace.spec import NamespaceSpec, claim
from reconciler.kinds.namespace.sysctls import declared
from reconciler.kinds.source import Source
from reconciler.model import EMPTY, Action, Change, FrozenMap, Resource, ResourceKey, Step, Verb

if TYPE_CHECKING:
    from reconciler.host import Host
    from reconciler.host.scope import Scope


_UNSEEN = (
    f"nobody outside of this mount namespace sees what is mounted in {netns.DIRECTORY} here, and it is gone when the"
    " last process in it ends: run the reconciler outside, by `nsenter --net=…` instead of `ip netns exec`, by"
    " `nsenter --target 1 --mount`, in a unit of systemd without PrivateTmp= and the like"
)


class NamespaceKind(Kind):
    """A network namespace that a name in /run/netns keeps."""

    name = "namespace"
    spec = NamespaceSpec
    section = "namespaces"
    batch = 4096
    uses = frozenset(("kernel",))

    def parse(self, source: Source) -> Iterator[Resource]:
        """Read the entries of `namespaces`."""
        for name, entry in source.section("namespaces").items():
            pointer, live = ("namespaces", name), source.live("namespaces", name)
            sysctls = declared(source, (*pointer, "sysctls"), (entry or {}).get("sysctls"))
            yield source.resource(
                pointer,
                ResourceKey("namespace", name),
                NamespaceSpec(live, FrozenMap(sysctls)),
                claims=[claim(live)],
                owned=not (entry or {}).get("external"),
            )

    def observe(self, scope: Scope) -> Iterator[Resource]:
        """Ours by the mark on `lo`; externals and foreign ones by their names."""
        from reconciler.kinds.namespace import look

        return look.observe(scope)

    def lacking(self, scope: Scope) -> Iterator[tuple[ResourceKey, str]]:
        """Room on `lo`, where it is noted which sysctls were declared."""
        for each in scope.desired.of_kind("namespace"):
            keys = NamespaceSpec.of(each).sysctls if each.owned else EMPTY
            space = scope.kernel.nodes.get(each.key) if keys else None
            notes = [noted("", key) for key in keys]
            left = without_room(space.loopback.altnames if space and space.loopback else (), "sysctl", notes)
            if left:
                message = f"{len(notes)} sysctls are more than can be noted of it"
                yield each.key, f"{message}: there is no room for more than {len(notes) - len(left)}"

    def privileges(self) -> frozenset[str]:
        """Names stand in a folder of root's."""
        return KERNEL_WORK | {DAC_OVERRIDE} if unwritable(netns.DIRECTORY) == errno.EACCES else KERNEL_WORK

    def hindrance(self, action: Action) -> str:
        """Names take a folder that can be written, and mounts in it that do not end with us."""
        if unwritable(netns.DIRECTORY) == errno.EROFS:
            return f"{netns.DIRECTORY} is on a file system that is mounted read-only: mount it writable"
        return _UNSEEN if action is not Action.DELETE and netns.end_with_us() else ""

    def mutable(self, path: str, observed: Resource, desired: Resource) -> bool:
        """All but taking out a stable secret, which no kernel forgets; even the name is only where it is mounted."""
        key = path.removeprefix("sysctls.")
        if not key.endswith(".stable_secret") or not NamespaceSpec.of(observed).sysctls.get(key):
            return True
        return key in NamespaceSpec.of(desired).sysctls

    def carries(self, verb: Verb, change: Change, other: Change) -> bool:
        """What is in a namespace dies with it."""
        del change
        return verb is Verb.DELETE and other.key.kind in ("veth", "bridge", "route", "exec")

    def tell(self, resource: Resource) -> Told:
        """Its name and its declared sysctls."""
        spec = NamespaceSpec.of(resource)
        return Told((spec.name, *(f"{name}={value}" for name, value in spec.sysctls.items())))

    def former(self, observed: Resource) -> Resource | None:
        """What has lost its name is not made again."""
        place = observed.handle.get("place")
        return observed if place is None or place.names else None

    def create(self, host: Host, steps: Sequence[Step]) -> Iterable[Result]:
        """Make each with its mark, then set what is declared."""
        from reconciler.kinds.namespace import effects

        return effects.create(host, steps)

    def update(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Mark, raise `lo`, set and give back sysctls, rename."""
        from reconciler.kinds.namespace import effects

        return one_by_one_inside(host, steps, effects.update)

    def delete(self, host: Host, steps: Sequence[Step]) -> Iterable[Result]:
        """Delete the veths that reach out, so that their far ends are gone at once, then all names."""
        from reconciler.kinds.namespace import removal

        return removal.delete(host, steps)


KIND = NamespaceKind()
