"""What is done to bridges."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from typing import TYPE_CHECKING

from reconciler.errors import Conflict, StepFailed
from reconciler.host import firewall
from reconciler.host.kernel.packed import write, written
from reconciler.host.netlink import (
    Link,
    Socket,
    add_altname,
    del_altname,
    delete_link,
    get_link,
    new_bridge,
    set_bridge,
    set_link,
)
from reconciler.kinds.base import Result
from reconciler.kinds.bridge.notes import PORT, of_mtu, of_port
from reconciler.kinds.bridge.spec import OPTIONS, BridgeSpec, options
from reconciler.kinds.effects import insist, mark_of, new_index, seen, wanted
from reconciler.kinds.keep_routes import routes_kept
from reconciler.kinds.macs import any_mac
from reconciler.kinds.readdress import readdress
from reconciler.kinds.still_ours import insist_on_link
from reconciler.model import HOST, Status, Step

if TYPE_CHECKING:
    from reconciler.host.kernel import Reach
    from reconciler.host.marks import Mark

_TRIES = 8


def create(step: Step, reach: Reach) -> Result:
    """Make a bridge with its mark, then give it what is declared; one of ours that is there is completed."""
    spec = BridgeSpec.of(wanted(step))
    socket = reach.socket(spec.at)
    index = _made(mark_of(step, reach.host), socket, spec)
    _configure(step, reach, (reach.fd(spec.at), socket), index, (BridgeSpec(), spec))
    return Status.DONE


def _made(mark: Mark, socket: Socket, spec: BridgeSpec) -> int:
    for _ in range(_TRIES):
        index = new_index()
        made = new_bridge(spec.name, index=index, up=True, **options(spec))
        error = socket.send([(made, set_link(index, alias=mark.alias()))])[0]
        if error is None:
            return index
        if error.errno == errno.EEXIST:
            return _ours(mark, socket, spec)
        if error.errno != errno.EBUSY:  # EBUSY: the index is taken
            raise error
    raise StepFailed("the kernel gives no index to the bridge: apply again")


def _ours(mark: Mark, socket: Socket, spec: BridgeSpec) -> int:
    found = socket.ask([get_link(spec.name)])[0]
    if not isinstance(found, Link):
        raise StepFailed(f"an interface {spec.name} in {spec.at} came in between, and is gone: apply again")
    insist_on_link(mark, found, f"an interface {spec.name} in {spec.at}")
    return found.index


def update(step: Step, reach: Reach) -> Result:
    """Close the differences of a bridge."""
    handle = seen(step).handle
    found = reach.again(handle["place"])
    if found is None:
        raise StepFailed("its network namespace has vanished meanwhile: apply again")
    if not isinstance(found[1].ask([get_link(handle["index"])])[0], Link):
        raise StepFailed("it has vanished meanwhile: apply again")
    with routes_kept(found[1], handle["index"]):
        specs = BridgeSpec.of(seen(step)), BridgeSpec.of(wanted(step))
        _configure(step, reach, found, handle["index"], specs)
    return Status.DONE


def _configure(
    step: Step, reach: Reach, place: tuple[int, Socket], index: int, specs: tuple[BridgeSpec, BridgeSpec]
) -> None:
    """Send what differs between what a bridge has and what it is to have; its ports before what a small one forbids."""
    socket, (old, new), mark = place[1], specs, mark_of(step, reach.host)
    if new.altname != old.altname:
        _name_in_full(socket, index, old, new)
    if old.name and old.name != new.name:
        _rename(socket, index, new.name)
    insist(socket.send(_link(mark, index, old, new)))
    insist(socket.send(_sized(index, old, new)), errno.EEXIST)
    insist(socket.send(_parameters(index, old, new)))
    if new.ports != old.ports or not old.noted:
        _lend(socket, index, old, new)
    readdress(place, index, new.name, old=old.addresses, new=new.addresses)
    if new.node == HOST and (new.forward != old.forward or old.name != new.name):
        _forward(mark, new, reach.host.patience)


def _link(mark: Mark, index: int, old: BridgeSpec, new: BridgeSpec) -> list[bytes]:
    up = new.up if new.up != old.up or not old.name else None
    mac = new.mac if new.mac != old.mac else None
    return [set_link(index, alias=mark.alias(), mac=mac if old.own_mac else mac or any_mac(), up=up)]


def _sized(index: int, old: BridgeSpec, new: BridgeSpec) -> list[bytes]:
    """Set the MTU, noted before; only a change makes it hold when a smaller port joins."""
    mtu = old.due_mtu or (new.mtu if new.mtu != old.mtu else None)
    if mtu is None:
        return []
    changed = [set_link(index, mtu=mtu ^ 1)] if old.mtu in (None, mtu) else []
    return [add_altname(index, of_mtu(index)), *changed, set_link(index, mtu=mtu)]


def _parameters(index: int, old: BridgeSpec, new: BridgeSpec) -> list[bytes]:
    """Switch STP off before, and on after, the times that it restricts."""
    if old.name and not any(getattr(old, name) != getattr(new, name) for name in OPTIONS):
        return []
    first = [set_bridge(index, stp=False)] if old.stp and not new.stp else []
    return [*first, set_bridge(index, **options(new))]


def _lend(socket: Socket, index: int, old: BridgeSpec, new: BridgeSpec) -> None:
    """Give back the ports that are borrowed no more, note what is, and take the others."""
    for name in (each for each in old.ports if each not in new.ports):
        if _master(socket, name) == index:
            insist(socket.send([set_link(name, master=0)]), errno.ENODEV)
    answers = socket.ask([get_link(each) for each in new.ports])
    there = {name: each for name, each in zip(new.ports, answers, strict=True) if isinstance(each, Link)}
    for name, found in there.items():
        if (found.master or index) != index:
            raise StepFailed(f"interface {name} in {new.at} has become a port of something else: take it out of there")
    _note(socket, index, [each.index for each in there.values()])
    for name in (each for each in new.ports if each not in old.ports):
        error = socket.send([set_link(name, master=index)])[0]
        if error is not None:
            raise StepFailed(f"interface {name} in {new.at} cannot be a port of {new.name}: {error}")


def _note(socket: Socket, index: int, ports: Iterable[int]) -> None:
    """Note which ports are borrowed, these and no others."""
    bridge, wanted = socket.ask([get_link(index)])[0], {of_port(index, each) for each in ports}
    before = written(bridge if isinstance(bridge, Link) else None, PORT)
    write(socket, index, PORT, add=sorted(wanted - before), drop=before - wanted)


def _master(socket: Socket, name: str) -> int | None:
    found = socket.ask([get_link(name)])[0]
    return (found.master or None) if isinstance(found, Link) else None


def _name_in_full(socket: Socket, index: int, old: BridgeSpec, new: BridgeSpec) -> None:
    """Give the full name of a shortened one, and take the former: after a rename nothing tells that it was ours."""
    error = socket.send([add_altname(index, new.altname)])[0] if new.altname else None
    if error is not None:
        found = socket.ask([get_link(new.altname)])[0]
        if error.errno != errno.EEXIST or not isinstance(found, Link):
            raise error
        if found.index != index:
            what = f"{new.altname} is an altname of the interface {found.name} in {new.at} already"
            raise Conflict(f"{what}: take it from there (`ip link property del`), or name yours")
    if old.altname:
        insist(socket.send([del_altname(index, old.altname)]), errno.ENOENT, errno.EINVAL)


def _rename(socket: Socket, index: int, name: str) -> None:
    error = socket.send([set_link(index, name=name)])[0]
    if error is not None and error.errno == errno.EBUSY:  # before Linux 6.2 only what is down can be renamed
        down, renamed, up = set_link(index, up=False), set_link(index, name=name), set_link(index, up=True)
        insist(socket.send([(down, renamed, up)]))
    elif error is not None:
        raise error


def _forward(mark: Mark, new: BridgeSpec, patience: float) -> None:
    if new.forward:
        firewall.let_pass(mark, new.name, patience)
    else:  # one that is made may find the rule of one that somebody deleted
        firewall.forbid(mark, patience)


def delete(step: Step, reach: Reach) -> Result:
    """Delete a bridge, which gives its ports back, and what lets it forward."""
    handle = seen(step).handle
    found = reach.again(handle["place"]) if "place" in handle else None
    if found:
        insist(found[1].send([delete_link(handle["index"])]), errno.ENODEV)
    if handle.get("rule"):
        firewall.forbid(mark_of(step, reach.host), reach.host.patience)
    return Status.DONE
