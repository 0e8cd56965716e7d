"""What of something made up a file may say: nodes that are there, and what only one may have."""

from __future__ import annotations

from typing import Literal

from live.boxes import BASE
from live.made_up import NODES, PAIRS, Entries, Entry, end_of


def sound(entries: Entries) -> Entries:
    """Take out what a file may not say: nodes that are not there, and what only one may have."""
    found: Entries = {key: dict(each) for key, each in entries.items() if not key.startswith("veths/")}
    for each in (each for key, each in list(found.items()) if key == "bridges/br1"):
        if f"namespaces/{each['namespace']}" not in found:
            del found["bridges/br1"]
    _containers(found)
    taken: set[str] = set()
    for key in sorted(each for each in entries if each.startswith("veths/")):
        ends = [end_of(each) for each in PAIRS[key.partition("/")[2]]]
        if all(_is_there(end, found) for end in ends) and not taken & {f"{node}:{i}" for _, node, i in ends if i}:
            taken |= {f"{node}:{i}" for _, node, i in ends if i}
            found[key] = _with_addresses_of_its_own(entries[key], taken)
    _routes(found)
    return found


def _is_there(end: tuple[str, str, str], found: Entries) -> bool:
    kind, node, _ = end
    if kind == "host":
        return True
    entry = found.get(f"{NODES[kind]}/{node}")
    is_down = entry is not None and entry.get("state") in ("stopped", "created", "completed")
    return entry is not None and not is_down and not _shares(entry)


def _with_addresses_of_its_own(entry: Entry, taken: set[str]) -> Entry:
    ends = []
    for end in entry["endpoints"]:
        free = [each for each in end.get("addresses", ()) if each not in taken]
        taken.update(free)
        ends.append({**end, "addresses": free} if "addresses" in end else end)
    return {**entry, "endpoints": ends}


def _containers(found: Entries) -> None:
    subnets: set[str] = set()
    for key in [each for each in found if each.startswith("networks/")]:
        subnet = found[key]["ipam"]["config"][0]["subnet"]
        if subnet in subnets:
            del found[key]
        subnets.add(subnet)
    taken: set[str] = set()
    keys = [each for each in found if each.startswith("containers/")]
    for key in keys:
        found[key] = _with_its_mode(found, found[key], key[-1])
    for key in keys:
        found[key] = _container_of(found, found[key], key[-1], taken)


def _with_its_mode(found: Entries, entry: Entry, name: str) -> Entry:
    """Let one share the network of another that comes before it, runs, and has one of its own."""
    mode = entry.pop("network_mode", "")
    owner = mode.removeprefix("service:")
    if mode and owner < name and _runs(found, owner) and not _shares(found[f"containers/{owner}"]):
        return {**entry, "networks": {}, "network_mode": mode, "links": None, "routes": ()}
    return entry


def _shares(entry: Entry) -> bool:
    return str(entry.get("network_mode")).startswith("service:")


def _container_of(found: Entries, entry: Entry, name: str, taken: set[str]) -> Entry:
    joined = {
        network: _its_address(each, found[f"networks/{network}"], taken)
        for network, each in entry["networks"].items()
        if f"networks/{network}" in found
    }
    mode = entry.get("network_mode", "none")
    reach: Entry = {"networks": _with_one_mac(joined)} if joined else {"network_mode": mode, "ports": None}
    made = {**entry, "networks": None, **reach}
    if not _linked(found, entry.get("links"), name):
        made["links"] = None
    # Only on one that comes before it, lest there be a circle.
    others = [each for each in made.get("depends_on", ()) if each < name and _runs(found, each)]
    made["depends_on"] = {each: {"condition": _condition(found, each)} for each in others} or None
    for attribute in ("ports", "container_name"):
        text = str(made.get(attribute))
        made[attribute] = None if text in taken else made.get(attribute)
        taken.add(text)
    if f"images/{made['image']}" not in found:
        made["image"] = BASE["image"]
    if "volumes/v1" not in found:
        made["volumes"] = None
    return {attribute: each for attribute, each in made.items() if each is not None}


def _linked(found: Entries, links: list[str] | None, name: str) -> bool:
    """Tell whether what is linked to is another container, on one of the same networks."""
    target = links[0].partition(":")[0] if links else name
    there = found.get(f"containers/{target}", {}).get("networks", {})
    mine = found[f"containers/{name}"]["networks"] if target != name else {}
    return any(network in there and f"networks/{network}" in found for network in mine)


def _runs(found: Entries, name: str) -> bool:
    entry = found.get(f"containers/{name}")
    return entry is not None and "state" not in entry


def _condition(found: Entries, name: str) -> str:
    return "service_healthy" if found[f"containers/{name}"].get("healthcheck") else "service_started"


def _with_one_mac(joined: Entry) -> Entry:
    """Leave one MAC address alone: older engines give them but with the container, at its first network."""
    first = next((network for network, each in joined.items() if "mac_address" in each), None)
    return {
        network: {name: value for name, value in each.items() if name != "mac_address" or network == first}
        for network, each in joined.items()
    }


def _its_address(joined: Entry, network: Entry, taken: set[str]) -> Entry:
    found = dict(joined)
    subnets = [each["subnet"] for each in network["ipam"]["config"]]
    for name, end, at in (("ipv4_address", "0/24", 0), ("ipv6_address", "/64", 1)):
        if last := found.pop(name, ""):
            address = subnets[at].replace(end, last) if at < len(subnets) else ""
            if address and address not in taken:
                found[name] = address
            taken.add(address)
    return found


def _routes(found: Entries) -> None:
    """Turn wishes for routes into routes by the interfaces that are there and up."""
    for key in [each for each in found if each.startswith(("namespaces/", "containers/", "host/"))]:
        hints, hops = found[key].pop("routes", ()), _hops(found, key.partition("/")[2] or True)
        if found[key].get("state") in ("stopped", "created", "completed"):
            hops = []
        routes = {
            f"10.200.{to}.0/24": [hops[(to + n) % len(hops)] for n in range(min(many, len(hops)))]
            for to, many in hints
            if hops
        }
        if key == "host/" and not routes:
            del found[key]
        if routes:
            found[key]["routes"] = [{"to": to, "via": via} for to, via in sorted(routes.items())]


def _hops(found: Entries, node: str | Literal[True]) -> list[str]:
    ends = [
        end
        for key in sorted(found)
        if key.startswith("veths/")
        for end in found[key]["endpoints"]
        if node in (end.get("namespace"), end.get("container"), end.get("host")) and end.get("up", True)
    ]
    addresses = [each for end in ends for each in end.get("addresses", ()) if "." in each]
    return sorted({each.rpartition(".")[0] + ".254" for each in addresses})
