"""What is done to network namespaces."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from reconciler.errors import StepFailed
from reconciler.host import netns
from reconciler.host.kernel.packed import noted, write
from reconciler.host.kernel.space import LOOPBACK
from reconciler.host.libc import aside
from reconciler.host.marks import PROTOCOL, of_alias
from reconciler.host.netlink import (
    Link,
    Socket,
    address_again,
    get_addresses,
    get_link,
    get_links,
    get_routes,
    set_link,
    verbatim,
)
from reconciler.kinds.addresses import is_v6
from reconciler.kinds.base import Result
from reconciler.kinds.effects import insist, mark_of, one_by_one, seen, wanted
from reconciler.kinds.ipv6 import switch_ipv6_on
from reconciler.kinds.keep_routes import routes_kept
from reconciler.kinds.namespace import values
from reconciler.kinds.namespace.spec import NamespaceSpec
from reconciler.kinds.still_ours import insist_on_link
from reconciler.model import Status, Step

if TYPE_CHECKING:
    from reconciler.host import Host
    from reconciler.host.kernel import Reach
    from reconciler.host.marks import Mark


def create(host: Host, steps: Sequence[Step]) -> list[Result]:
    """Make namespaces with their marks, then set their sysctls, all from one helper thread."""
    marks = {step.key: mark_of(step, host) for step in steps}
    return aside(
        lambda: [
            *one_by_one(
                host, steps, lambda step, host: _create(NamespaceSpec.of(wanted(step)), marks[step.key], host.patience)
            )
        ]
    )


def _create(spec: NamespaceSpec, mark: Mark, patience: float) -> Result:
    """Make a namespace; one that we made half is completed."""
    try:
        netns.enter_new(spec.name, mark.alias(), patience=patience)
    except FileExistsError:
        netns.enter_named(spec.name)
        _insist_on_ours(mark, spec.name)
    with Socket() as socket:
        _set(socket, spec.sysctls, spec.sysctls)
    return Status.DONE


def _insist_on_ours(mark: Mark, name: str) -> None:
    with Socket() as socket:
        found = socket.ask([get_link(LOOPBACK)])[0]
    if isinstance(found, Link):  # there is one in every network namespace
        insist_on_link(mark, found, f"a network namespace {name}")


def update(step: Step, reach: Reach) -> Result:
    """Close the differences of a namespace."""
    spec, former = NamespaceSpec.of(wanted(step)), NamespaceSpec.of(seen(step))
    found = reach.again(seen(step).handle["place"])
    if found is None:
        return create(reach.host, [step])[0]
    fd, socket = found
    insist(socket.send([set_link(LOOPBACK, alias=mark_of(step, reach.host).alias(), up=True)]))
    gone = [key for key in former.sysctls if key not in spec.sysctls]
    changed = [key for key, each in spec.sysctls.items() if former.sysctls.get(key) != each]
    interfaces = _ours(socket)
    with _addresses_kept(fd, socket, {*gone, *changed}, interfaces):
        try:
            _give_back(fd, socket, gone, spec.sysctls, interfaces.values())
        except StepFailed as error:
            raise StepFailed(f"{error}: --replace {step.key.key} makes it anew") from error
        finally:
            netns.call(fd, _set, socket, spec.sysctls, changed, interfaces.values())
    if spec.name != former.name:
        alias, patience = mark_of(step, reach.host).alias(), reach.host.patience
        netns.rename(former.name, spec.name, alias, patience=patience)
    return Status.DONE


def _ours(socket: Socket) -> dict[int, str]:
    """Name the interfaces that have a mark, of whichever topology: nobody else tells what they are to have."""
    links = socket.dump(get_links())
    return {each.index: each.name for each in links if each.index != LOOPBACK and of_alias(each.alias)}


@contextlib.contextmanager
def _addresses_kept(
    fd: int, socket: Socket, changing: Collection[str], interfaces: Mapping[int, str]
) -> Iterator[None]:
    """Put our IPv6 addresses and routes back where IPv6 is switched off beside them: what has such a one has IPv6."""
    switched = any(key.endswith(".disable_ipv6") for key in changing)
    found = socket.dump(verbatim(get_addresses())) if switched else ()
    kept = [(each, body) for each, body in found if each.protocol == PROTOCOL and is_v6(each.address)]
    there = socket.dump(get_routes(protocol=PROTOCOL)) if switched else ()
    used = {device for each in there if is_v6(each.destination) for device in each.devices}
    indices = {each.index for each, _ in kept} | (used & interfaces.keys())
    with contextlib.ExitStack() as routes:
        for index in sorted(indices):
            routes.enter_context(routes_kept(socket, index))
        try:
            yield
        finally:
            if indices:
                names = [each.name for each in socket.dump(get_links()) if each.index in indices]
                netns.call(fd, switch_ipv6_on, names)
                socket.send([address_again(body) for _, body in kept])


def _set(socket: Socket, declared: Mapping[str, str], changed: Iterable[str], interfaces: Collection[str] = ()) -> None:
    """Set sysctls where the calling thread is, those to be changed noted before; a change may reset the others."""
    write(socket, LOOPBACK, "sysctl", add=[noted("", key) for key, _ in values.present(changed)])
    values.write(declared, interfaces)


def _give_back(
    fd: int, socket: Socket, keys: Sequence[str], declared: Mapping[str, str], interfaces: Collection[str]
) -> None:
    if keys:
        netns.call(fd, values.write, values.of_new_namespace(keys, declared), interfaces)
        write(socket, LOOPBACK, "sysctl", drop=[noted("", key) for key in keys])
