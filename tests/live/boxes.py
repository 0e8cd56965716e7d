"""Topologies of small containers for the live tests, and a look at them past the reconciler."""

from __future__ import annotations

import json
from typing import Any

from live.lab import IMAGE, Lab
from reconciler.model import Action

Json = dict[str, Any]
BASE: Json = {"image": IMAGE, "init": True, "command": ["sleep", "1000"]}
U, R, D, C = (str(each) for each in (Action.UPDATE, Action.REPLACE, Action.DELETE, Action.CREATE))


def text(containers: Json, **sections: Any) -> str:
    """Write a topology: JSON is YAML."""
    return "\n".join(f"{name}: {json.dumps(each)}" for name, each in {"containers": containers, **sections}.items())


def box(**attributes: Any) -> Json:
    """An entry of `containers`; None takes an attribute away."""
    return {name: each for name, each in {**BASE, **attributes}.items() if each is not None}


def alone(**attributes: Any) -> Json:
    """An entry of a container without a network."""
    return box(**{"network_mode": "none", **attributes})


def lan(subnet: str, **attributes: Any) -> Json:
    """An entry of `networks`."""
    return {"ipam": {"config": [{"subnet": subnet}]}, **attributes}


def inspect(lab: Lab, name: str) -> Json:
    """Inspect a container by its name in the file."""
    found: Json = lab.host.engine.api.inspect_container(f"{lab.name}-{name}")
    return found


def life(lab: Lab, *names: str) -> list[tuple[str, str]]:
    """What a container keeps that nobody touched: its id, and when it was started."""
    return [(each["Id"], each["State"]["StartedAt"]) for each in (inspect(lab, name) for name in names)]


def endpoint(lab: Lab, name: str, network: str) -> Json:
    """A container's endpoint on a network, both by their names in the file."""
    found: Json = inspect(lab, name)["NetworkSettings"]["Networks"][f"{lab.name}-{network}"]
    return found


def inside(lab: Lab, name: str, *argv: str) -> tuple[int, str]:
    """Run a command in a container; its exit code and output."""
    api = lab.host.engine.api
    made = api.exec_create(f"{lab.name}-{name}", list(argv))["Id"]
    output = api.exec_start(made).decode(errors="replace")
    return api.exec_inspect(made)["ExitCode"], output


def reaches(lab: Lab, name: str, target: str) -> bool:
    """Tell whether a container reaches another under a name."""
    return inside(lab, name, "ping", "-c1", "-W2", target)[0] == 0
