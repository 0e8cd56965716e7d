"""Starting, stopping, pausing, and waiting until a container is healthy or has completed."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from reconciler.errors import StepFailed
from reconciler.kinds.base import Result
from reconciler.kinds.container.stop import stop
from reconciler.kinds.effects import seen, wanted
from reconciler.kinds.process.live import RESTARTING, TRUSTED, on_trial
from reconciler.kinds.process.spec import ProcessSpec
from reconciler.model import Resource, ResourceKey, Status, Step

if TYPE_CHECKING:
    from reconciler.host import Host

_GRACE = (0.1, 0.5)
"""Seconds, at least and at most, for which a container that was just started is watched: as long as its start took."""
_SHORTEST, _LONGEST = 0.05, 0.5
_TAIL = 10
_SHELLS = ("sh", "ash", "bash", "dash", "zsh", "/bin/sh", "/bin/ash", "/bin/bash", "/bin/dash", "/bin/zsh")
_NOT_FOUND, _NOT_EXECUTABLE, _KILLED = 127, 126, 137


def started(host: Host, step: Step) -> Result:
    """Bring a container that was just created, or is stopped, into its state."""
    resource = wanted(step)
    spec = _spec(resource)
    if spec.state in ("created", "stopped"):
        return Status.DONE
    begun = time.monotonic()
    _start(host, resource)
    if spec.state == "completed":
        _complete(host, resource)
    else:
        _insist_on_life(host, resource, min(max(_GRACE[0], time.monotonic() - begun), _GRACE[1]))
    if spec.state == "paused":
        host.engine.api.pause(spec.container)
    return Status.DONE


def changed(host: Host, step: Step) -> Result:
    """Go from one state to another with the fewest calls."""
    resource, api = wanted(step), host.engine.api
    was, to = _spec(seen(step)).state, _spec(resource).state
    container = _spec(resource).container
    if to == "stopped":
        stop(host, seen(step).live)
    elif was == "paused":
        api.unpause(container)
        if to == "completed":
            _complete(host, resource)
    elif (was, to) == ("running", "paused"):
        api.pause(container)
    elif (was, to) == ("running", "completed"):
        _complete(host, resource)
    elif (was, to) == (RESTARTING, "running"):
        _revive(host, resource)
    else:
        return started(host, step)
    return Status.DONE


def _revive(host: Host, resource: Resource) -> None:
    """Bring up what the engine restarts again and again, and see that it lives this time."""
    api, name = host.engine.api, _spec(resource).container
    before = api.inspect_container(name)
    trial = on_trial(before, time.time())
    if before["State"]["Restarting"]:  # for up to a minute, if it is left to the engine
        api.restart(name, timeout=0)
        before, trial = api.inspect_container(name), TRUSTED
    if trial > 0:
        _insist_on_life(host, resource, trial, "it ends again and again")
    if api.inspect_container(name)["RestartCount"] > before["RestartCount"]:
        raise StepFailed(f"{resource.key}: it has ended once more meanwhile: see its log")


def ended(host: Host, step: Step) -> Result:
    """Stop a container."""
    stop(host, seen(step).live)
    return Status.DONE


def _start(host: Host, resource: Resource) -> None:
    name = _spec(resource).container
    try:
        host.engine.api.start(name)
    except Exception as error:
        raise _not_started(resource, str(host.explain(error))) from error


_HINTS = {
    "port is already allocated": "another container publishes that port: stop it, or publish another one",
    "address already in use": "a process of the host listens there: stop it, or publish another port",
    "Address already in use": "something else has that address on the network: disconnect it, or choose another",
    "unable to apply caps": "the engine itself lacks a capability: take it from privileged or cap_add",
    "executable file not found": "the image has no such command: see `command` and `entrypoint`",
    "no such file or directory": "see `command`, `entrypoint`, `working_dir` and `devices`",
    "permission denied": "the command cannot be executed, or the engine may not do that",
    "error setting rlimit": "the engine's own limit is lower: lower the ulimit",
}


def _not_started(resource: Resource, text: str) -> StepFailed:
    hint = next((hint for words, hint in _HINTS.items() if words in text), "")
    return StepFailed(f"{resource.key}: it does not start: {text}" + (f" ({hint})" if hint else ""))


def _insist_on_life(host: Host, resource: Resource, grace: float, what: str = "it ends right after its start") -> None:
    """Raise if a container ends within so many seconds, whether or not the engine starts it again."""
    import requests

    name = _spec(resource).container
    try:
        code = host.engine.api.wait(name, timeout=grace, condition="not-running")["StatusCode"]  # type: ignore[arg-type]
    except (requests.exceptions.ReadTimeout, requests.exceptions.ConnectionError):
        return
    raise _died(host, resource, what, code)


def _died(host: Host, resource: Resource, what: str, code: int) -> StepFailed:
    name = _spec(resource).container
    inspected = host.engine.api.inspect_container(name)
    tail = host.engine.api.logs(name, tail=_TAIL).decode(errors="replace").strip()
    quiet, said = ("", f"; its log ends:\n{_indented(tail)}") if tail else (" and without a word in its log", "")
    return StepFailed(f"{resource.key}: {what}, with exit code {code}{quiet}: {_advice(inspected, code)}{said}")


def _indented(text: str) -> str:
    return "\n".join(f"  | {line}" for line in text.splitlines())


def _advice(inspected: dict[str, Any], code: int) -> str:
    config, state = inspected["Config"], inspected["State"]
    argv = [*(config.get("Entrypoint") or ()), *(config.get("Cmd") or ())]
    if state.get("OOMKilled"):
        return "it ran out of memory: raise mem_limit"
    if code == 0 and len(argv) == 1 and argv[0] in _SHELLS and not config.get("OpenStdin"):
        return f"{argv[0]!r} without a terminal has nothing to do: declare `tty` and `stdin_open`, or a `command`"
    if code == 0:
        return "its command has come to its end: give it one that goes on, or declare `state: completed`"
    if code in (_NOT_FOUND, _NOT_EXECUTABLE):
        return "the command was not found or cannot be executed: see `command` and `entrypoint`"
    if code == _KILLED:
        return "it was killed: by hand, or for want of memory"
    return "see its command, environment and log"


def _complete(host: Host, resource: Resource) -> None:
    """Wait until a container has run to exit code 0."""
    name = _spec(resource).container
    for _ in _moments(host, resource.key, "has not completed"):
        state = host.engine.api.inspect_container(name)["State"]
        if not state["Running"]:
            if state["ExitCode"]:
                raise _died(host, resource, "it failed", state["ExitCode"])
            return


def healthy(host: Host, step: Step) -> Result:
    """Wait for the healthcheck."""
    resource = wanted(step)
    for _ in _moments(host, resource.key, "is not healthy"):
        inspected = host.engine.api.inspect_container(_spec(resource).container)
        state = inspected["State"]
        if not state["Running"]:
            raise _died(host, resource, "it ended before it was healthy", state["ExitCode"])
        health = state.get("Health")
        if not health:
            raise StepFailed(f"{resource.key}: it has no healthcheck to wait for: declare `healthcheck`")
        if health["Status"] == "unhealthy":
            raise StepFailed(f"{resource.key}: it is unhealthy{_last_word(health)}")
        if health["Status"] == "healthy":
            break
    return Status.DONE


def _last_word(health: dict[str, Any]) -> str:
    log = health.get("Log") or ()
    if not log:
        return ""
    said = f":\n{_indented(log[-1]['Output'].strip())}" if log[-1].get("Output") else ""
    return f": its check ended with exit code {log[-1].get('ExitCode')}{said}"


def _moments(host: Host, key: ResourceKey, what: str) -> Iterator[None]:
    """Yield at shorter, then longer intervals until the host's patience or the run is over."""
    deadline = time.monotonic() + host.wait_timeout
    pause = _SHORTEST
    while True:
        yield
        if time.monotonic() > deadline:
            raise StepFailed(f"{key}: it {what} after {host.wait_timeout:g} s: see its log, or raise --wait-timeout")
        if host.stop.wait(min(pause, host.wait_timeout)):
            raise StepFailed(f"{key}: interrupted while it {what}")
        pause = min(2 * pause, _LONGEST)


def _spec(resource: Resource) -> ProcessSpec:
    assert isinstance(resource.spec, ProcessSpec)  # noqa: S101 - the spec of this kind
    return resource.spec
