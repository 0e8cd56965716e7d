"""The running state of a container as its inspection tells it; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from reconciler.claims import of_nobody
from reconciler.host import TRIAL
from reconciler.kinds.container import ports
from reconciler.kinds.container.healthcheck import retries
from reconciler.kinds.networking import UP
from reconciler.kinds.process.spec import ProcessSpec
from reconciler.model import Claim

Json = Mapping[str, Any]
RESTARTING = "restarting"
_STATES = {"exited": "stopped", "dead": "stopped"}


def state_of(inspected: Json, want: str, *, now: Callable[[], float], trial: float = TRIAL) -> str:
    """Return the state; one that ended with exit code 0 completed, if that is what is wanted.

    What the engine has restarted runs only when it has lived for a while, for else it may be about to end again.
    """
    state = inspected["State"]
    live = _STATES.get(state["Status"], str(state["Status"]))
    if live == "running" and on_trial(inspected, now, trial) > 0:
        return RESTARTING
    if live == "stopped" and want == "completed" and state.get("ExitCode") == 0:
        return want
    # What never ran does not run: for one that is to be stopped that is as good.
    return want if (live, want) == ("created", "stopped") else live


def on_trial(inspected: Json, now: Callable[[], float], trial: float = TRIAL) -> float:
    """Return for how many seconds more a container that the engine restarted by itself has to live to be trusted.

    `now` is the time by the engine's clock. One that started later than that did so before the clock was set back.
    """
    if not (trial and inspected.get("RestartCount")):
        return 0.0
    lived = now() - datetime.fromisoformat(inspected["State"]["StartedAt"]).timestamp()
    return trial - lived if 0 <= lived < trial else 0.0


def spec_of(
    inspected: Json,
    want: str,
    owner: Json | None,
    *,
    now: Callable[[], float],
    trial: float = TRIAL,
    shares: bool | None = None,
) -> ProcessSpec:
    """Read a process; `owner` is the inspection of the container whose network namespace it shares.

    `shares` tells whether it is in that namespace, None where that cannot be seen.
    """
    state = state_of(inspected, want, now=now, trial=trial)
    lost = inspected["State"]["Status"] in UP and owner is not None and not _has_network(inspected, owner, shares)
    return ProcessSpec(state, network_lost=lost, container=inspected["Name"].removeprefix("/"))


def _has_network(inspected: Json, owner: Json, shares: bool | None) -> bool:
    """A container that shares a namespace has it as long as the other one was not started again.

    Where that cannot be seen the times tell, if nobody has set the engine's clock back between the two starts.
    """
    mine, theirs = inspected["State"], owner["State"]
    in_order = str(theirs["StartedAt"]) <= str(mine["StartedAt"]) if shares is None else shares
    return bool(theirs.get("Running")) and in_order


def is_unhealthy(inspected: Json) -> bool:
    """Tell whether the checks of a container have failed as often as they may.

    From a pause until the first check after it the engine calls it unhealthy too, whatever the last one has found.
    """
    health = inspected["State"].get("Health") or {}
    failed: int = health.get("FailingStreak") or 0
    return health.get("Status") == "unhealthy" and failed >= retries(inspected["Config"].get("Healthcheck"))


def claims(inspected: Json) -> Iterator[Claim]:
    """Yield the claims on the ports of the host that are published now; the engine chose what nobody declared."""
    declared = set(ports.claims(ports.of_engine(inspected["HostConfig"].get("PortBindings"))))
    if inspected["State"]["Status"] not in UP:
        return
    live = set(ports.claims(ports.of_engine(inspected["NetworkSettings"].get("Ports")))) - declared
    yield from declared
    wanted = of_nobody(declared if live else ())
    for each in live:
        if not wanted.overlap([each]):
            yield Claim(each.scope, each.low, each.high, each.label, chosen=True)


def facts(inspected: Json) -> Mapping[str, Any]:
    """Return what is never compared: ids, addresses, ports, when it started, how it ended."""
    state = inspected["State"]
    found: dict[str, Any] = {
        "id": inspected["Id"],
        "pid": state.get("Pid") or 0,
        "started_at": state.get("StartedAt") or "",
        "exit_code": state.get("ExitCode"),
        "health": (state.get("Health") or {}).get("Status", ""),
        "grace": inspected["Config"].get("StopTimeout"),
        "signal": inspected["Config"].get("StopSignal") or "",
        "ports": ports.of_engine(inspected["NetworkSettings"].get("Ports")),
    }
    return MappingProxyType(found)
