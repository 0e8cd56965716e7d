"""What is live of a topology, read past the program as well, without what the host chooses for each thing."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import fields
from typing import Any

from live.lab import Lab, run
from live.witness import ip, namespaces
from reconciler.host.marks import ID, KEY, TOPOLOGY, of_alias
from reconciler.model import Spec

Json = dict[str, Any]
OURS = "114"
"""The protocol number of our addresses and routes, as `ip` writes it."""
BRIDGE = ("stp_state", "priority", "hello_time", "max_age", "forward_delay", "ageing_time")
PORT = ("cost", "priority", "hairpin")
MADE_WITH_IT = ("ContainerIDFile", "NetworkMode", "PidsLimit")
"""Of a container's settings: its mark, where it was first connected, and what reads differently after an update."""

NOWHERE = "none"
"""The network that a container is made on that is to have none; one that has left all of its own is on none at all."""


def likeness(made: Lab, text: str, *, engine: bool) -> Json:
    """Everything of a topology's that two applies of one text must agree upon."""
    return {
        "observed": _observed(made, text),
        "host": _inside(made),
        **{name: _inside(made, netns=name) for name in namespaces() if name.startswith(f"{made.name}-")},
        **(_of_engine(made, text) if engine else {}),
    }


def _observed(made: Lab, text: str) -> Json:
    wanted = made.load(text).resources
    ours = (each for each in made.observed(text) if each.owned and (each.key in wanted or each.key.kind != "volume"))
    return {str(each.key): _compared(each.spec, getattr(wanted.get(each.key), "spec", None)) for each in ours}


def _compared(value: Any, wanted: Any) -> Any:
    """The attributes that are compared; one that the host chooses counts where the file names it."""
    if isinstance(value, Mapping):
        return {name: _compared(each, (wanted or {}).get(name)) for name, each in value.items()}
    if not isinstance(value, Spec):
        return str(value)
    told = {each.name: each.metadata for each in fields(value) if "uncompared" not in each.metadata}
    named = {each: getattr(wanted, each, None) for each in told}
    return {
        each: _compared(getattr(value, each), named[each])
        for each, how in told.items()
        if "chosen" not in how or named[each] is not None
    }


# The kernel


def _inside(made: Lab, **where: Any) -> Json:
    """What is in a namespace of ours, or ours in a container's or on the host."""
    routes = (*ip("route", "show", **where), *ip("-6", "route", "show", **where))
    return {
        "links": _links(made, ip("address", "show", **where)),
        "routes": sorted((_route(each) for each in routes if each.get("protocol") == OURS), key=str),
    }


def _links(made: Lab, rows: Iterable[Json]) -> Json:
    marks = ((row, of_alias(row.get("ifalias"))) for row in rows)
    return {row["ifname"]: _link(row) for row, mark in marks if mark and mark.topology == made.name}


def _link(row: Json) -> Json:
    info = row.get("linkinfo", {})
    return {
        "up": "UP" in row["flags"],
        "alias": row["ifalias"],
        "master": "a network's" if row.get("master", "").startswith("br-") else row.get("master"),
        "mtu": row["mtu"],
        "altnames": sorted(filter(None, map(_noted, row.get("altnames", ())))),
        **{name: info.get("info_data", {}).get(name) for name in BRIDGE},
        **{f"port's {name}": info.get("info_slave_data", {}).get(name) for name in PORT},
        "addresses": sorted(f"{each['local']}/{each['prefixlen']}" for each in row["addr_info"] if _lasts(each)),
    }


def _noted(altname: str) -> str:
    """A note; of a port without the index of its bridge, which is another at every making.

    None that its MTU was set: that no bridge forgets.
    """
    return re.sub(r"^ports=[^=]+=", "ports=", altname) if not altname.startswith("mtu=") else ""


def _lasts(address: Json) -> bool:
    return not address["local"].startswith("fe80:")


def _route(row: Json) -> Json:
    """A route by its next hops: by which interface the kernel reaches one is its own choice, where two could."""
    hops = [hop.get("gateway", hop.get("dev")) for hop in row.get("nexthops", [row])]
    return {"hops": sorted(hops), **{name: row.get(name) for name in ("dst", "metric", "prefsrc")}}


# The engine


def _of_engine(made: Lab, text: str) -> Json:
    """What the engine tells; a volume that is declared no longer stays, and is no likeness's business."""
    found = {kind: _rows(kind, made.name) for kind in ("container", "network", "volume")}
    declared = {str(each.key) for each in made.load(text)}
    found["volume"] = [each for each in found["volume"] if each["Labels"][KEY] in declared]
    return {
        **{f"container {each['Name']}": _container(made, each) for each in found["container"]},
        **{f"network {each['Name']}": _network(each) for each in found["network"]},
        **{f"volume {each['Name']}": {**_some(each, "Driver", "Options"), **_labels(each)} for each in found["volume"]},
    }


def _rows(kind: str, topology: str) -> list[Json]:
    everything = ["--all"] if kind == "container" else []
    names = run("docker", kind, "ls", *everything, "-q", "--filter", f"label={TOPOLOGY}={topology}").split()
    return list(json.loads(run("docker", kind, "inspect", *names))) if names else []


def _container(made: Lab, row: Json) -> Json:
    config, pid, joined = row["Config"], row["State"]["Pid"], row["NetworkSettings"]["Networks"]
    image = json.loads(run("docker", "image", "inspect", row["Image"]))[0]["Config"]
    return {
        "state": row["State"]["Status"],
        "image": {name: each for name, each in image.items() if name != "Image"},
        "labels": _labels(config),
        **{name: config.get(name) for name in ("Cmd", "Entrypoint", "User", "ExposedPorts")},
        "Hostname": None if row["HostConfig"]["NetworkMode"].startswith("container:") else config["Hostname"],
        "Env": sorted(config["Env"] or ()),
        **{name: each for name, each in row["HostConfig"].items() if name not in MADE_WITH_IT},
        "mounts": sorted((each["Type"], each["Destination"], each["RW"]) for each in row["Mounts"]),
        "networks": {name: _endpoint(row, each) for name, each in joined.items() if name != NOWHERE},
        "inside": _inside(made, pid=pid) if pid else {},
    }


def _endpoint(row: Json, endpoint: Json) -> Json:
    aliases = set(endpoint.get("Aliases") or ()) - {row["Id"][:12]}
    return {"aliases": sorted(aliases), **{name: endpoint.get(name) or {} for name in ("IPAMConfig", "Links")}}


def _network(row: Json) -> Json:
    return {**_some(row, "Driver", "Options", "Internal", "EnableIPv6", "IPAM"), "labels": _labels(row)}


def _some(row: Json, *names: str) -> Json:
    return {name: row[name] for name in names}


def _labels(row: Json) -> Json:
    return {name: each for name, each in (row["Labels"] or {}).items() if name != ID}
