"""What stands of a topology, seen past the reconciler, without what is another at every making."""

from __future__ import annotations

import re
from typing import Any

from live.witness import ip, namespaces

CHOSEN = ("ports=", "exec=")
"""Notes that begin so hold what is another at every making: an index, a start."""
UNFORGOTTEN = "mtu="
"""How a note begins that the MTU of a bridge was set: the kernel remembers that as long as the bridge lives."""


def standing(name: str, api: Any | None) -> dict[str, Any]:
    """Every interface, address and route of a topology's nodes, and all that the engine has of it."""
    spaces: dict[str, dict[str, Any]] = {"": {}}
    spaces |= {each: {"netns": each} for each in namespaces() if each.startswith(f"{name}-")}
    found: dict[str, Any] = {"containers": {}}
    if api is not None:
        mine = {"label": f"reconciler.topology={name}"}
        for row in api.containers(all=True, filters=mine):
            inspected = api.inspect_container(row["Id"])
            found["containers"][inspected["Name"]] = _container(inspected)
            if pid := inspected["State"]["Pid"]:
                spaces[inspected["Name"]] = {"pid": pid}
        found["everything"] = sorted(
            re.sub(r"^/?[a-z]+_[a-z]+$", "(nameless)", each["Names"][0]) for each in api.containers(all=True)
        )
        found["networks"] = sorted(each["Name"] for each in api.networks(filters=mine))
        found["volumes"] = sorted(each["Name"] for each in api.volumes(filters=mine)["Volumes"] or ())
        found["images"] = sorted(str(some) for each in api.images(all=True) if (some := _tags(each)))
    found["links"] = {place: _links(name, where) for place, where in spaces.items()}
    found["routes"] = {place: _routes(place, where) for place, where in spaces.items()}
    return found


def _tags(image: dict[str, Any]) -> list[str]:
    """The tags of an image, but for those that keep what a build makes on its way.

    Of these, and of what has no tag at all, a kill may leave one too many until the image goes: the engine may still be
    at a step of the killed build when the next one comes to the same. Older engines call these `<none>:<none>`.
    """
    return sorted(each for each in image["RepoTags"] or () if ":stage-" not in each and not each.startswith("<none>"))


def _container(inspected: dict[str, Any]) -> Any:
    networks = inspected["NetworkSettings"]["Networks"]
    ports = inspected["NetworkSettings"]["Ports"]
    return inspected["State"]["Status"], sorted((each, bool(of["EndpointID"])) for each, of in networks.items()), ports


def _links(name: str, where: dict[str, Any]) -> list[Any]:
    """Those of a node; of the host's those only that are ours, or in a bridge of ours."""
    found = []
    for each in ip("address", "show", **where):
        ours = each["ifname"] == "lo" or f"reconciler {name} " in each.get("ifalias", "") or name in str(each)
        if where or ours:
            found.append(_link(each, where))
    return sorted(found, key=str)


def _link(link: dict[str, Any], where: dict[str, Any]) -> Any:
    addresses = sorted(
        f"{each['local']}/{each['prefixlen']}" for each in link["addr_info"] if not each["local"].startswith("fe80:")
    )
    notes = sorted(_note(each) for each in link.get("altnames", ()) if not each.startswith(UNFORGOTTEN))
    up = "UP" in link["flags"]
    alias = link.get("ifalias", "")
    details = link.get("linkinfo", {})
    master = re.sub(r"^br-[0-9a-f]{12}$", "(network)", link.get("master", ""))
    return _named(link, where), alias, notes, link["mtu"], up, master, addresses, details.get("info_kind")


def _named(link: dict[str, Any], where: dict[str, Any]) -> str:
    """The name of an interface, but for an endpoint's in a container: the engine counts on when it connects again."""
    is_endpoint = "pid" in where and link.get("linkinfo", {}).get("info_kind") == "veth" and "ifalias" not in link
    return "(endpoint)" if is_endpoint else str(link["ifname"])


def _note(altname: str) -> str:
    return altname.partition("=")[0] if altname.startswith(CHOSEN) else altname


def _routes(place: str, where: dict[str, Any]) -> list[str]:
    """All routes of a node; of the host's those only that are ours."""
    every = [*ip("route", "show", **where), *ip("-6", "route", "show", **where)]
    chosen = (each for each in every if place or each.get("protocol") in (114, "114"))
    names = {each["ifname"]: _named(each, where) for each in ip("address", "show", **where)}
    told = ({**each, "dev": names.get(each.get("dev", ""))} for each in chosen)
    return sorted(str({name: each.get(name) for name in ("dst", "gateway", "dev", "protocol")}) for each in told)
