"""What of something made up a file may say: nodes that are there, and what only one may have."""

from __future__ import annotations

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
    return entry is not None and entry.get("state") not in ("stopped", "created", "completed")


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
    for key in [each for each in found if each.startswith("containers/")]:
        found[key] = _container_of(found, found[key], key[-1], taken)


def _container_of(found: Entries, entry: Entry, name: str, taken: set[str]) -> Entry:
    joined = {
        network: _its_address(each, found[f"networks/{network}"], taken)
        for network, each in entry["networks"].items()
        if f"networks/{network}" in found
    }
    reach: Entry = {"networks": joined} if joined else {"network_mode": "none", "ports": None}
    made = {**entry, "networks": None, **reach}
    if not _linked(found, entry.get("links"), name):
        made["links"] = None
    # Only on one that comes before it, lest there be a circle.
    others = [each for each in made.get("depends_on", ()) if each < name and _runs(found, each)]
    made["depends_on"] = others or None
    for attribute in ("ports", "container_name"):
        text = str(made.get(attribute))
        made[attribute] = None if text in taken else made.get(attribute)
        taken.add(text)
    if "images/own" not in found:
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


def _its_address(joined: Entry, network: Entry, taken: set[str]) -> Entry:
    if "ipv4_address" not in joined:
        return joined
    address = network["ipam"]["config"][0]["subnet"].replace("0/24", joined["ipv4_address"])
    mine = {} if address in taken else {"ipv4_address": address}
    taken.add(address)
    return {**{name: each for name, each in joined.items() if name != "ipv4_address"}, **mine}


def _routes(found: Entries) -> None:
    """Turn wishes for routes into routes by the interfaces that are there and up."""
    for key in [each for each in found if each.startswith(("namespaces/", "containers/"))]:
        hints, hops = found[key].pop("routes", ()), _hops(found, key.partition("/")[2])
        if found[key].get("state") in ("stopped", "created", "completed"):
            hops = []
        routes = {
            f"10.200.{to}.0/24": [hops[(to + n) % len(hops)] for n in range(min(many, len(hops)))]
            for to, many in hints
            if hops
        }
        if routes:
            found[key]["routes"] = [{"to": to, "via": via} for to, via in sorted(routes.items())]


def _hops(found: Entries, node: str) -> list[str]:
    ends = [
        end
        for key in sorted(found)
        if key.startswith("veths/")
        for end in found[key]["endpoints"]
        if node in (end.get("namespace"), end.get("container")) and end.get("up", True)
    ]
    addresses = [each for end in ends for each in end.get("addresses", ()) if "." in each]
    return sorted({each.rpartition(".")[0] + ".254" for each in addresses})
