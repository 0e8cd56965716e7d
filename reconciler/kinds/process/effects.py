"""Starting, stopping, pausing, and waiting until a container is healthy or has completed."""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any

from reconciler.errors import Interrupted, ReconcilerError, StepFailed
from reconciler.host.engine.asked import Backoff
from reconciler.host.engine.errors import AnswerLost
from reconciler.kinds.base import Later, Result
from reconciler.kinds.container.stop import stopping
from reconciler.kinds.effects import seen, wanted
from reconciler.kinds.networking import UP
from reconciler.kinds.process.live import RESTARTING, is_unhealthy, on_trial
from reconciler.kinds.process.parse import HEALTHY, IF_CHECKED
from reconciler.kinds.process.spec import ProcessSpec
from reconciler.kinds.still_ours import insist
from reconciler.model import Change, Resource, ResourceKey, Status, Step

if TYPE_CHECKING:
    from reconciler.host import Host
    from reconciler.host.engine import Events

_GRACE = (0.1, 0.2)
"""Seconds, at least and at most, for which a container that was just started is watched: a quarter of its start's."""
_MOMENT = 0.25
"""Seconds after which who waits hears that no more waiting is wanted."""
_NEWS = ("health_status", "die")
_CHECKED = (*_NEWS, "exec_die")
"""The same, and the end of each check: who was paused, and is not well, stays unhealthy without a word."""
_TAIL = 10
_SHELLS = ("sh", "ash", "bash", "dash", "zsh", "/bin/sh", "/bin/ash", "/bin/bash", "/bin/dash", "/bin/zsh")
_AT_ONCE, _SINCE = "it ends right after its start", "it has ended since its start"
_NOT_FOUND, _NOT_EXECUTABLE, _KILLED = 127, 126, 137


def started(step: Step, host: Host) -> Result:
    """Bring a container that was just created, or is stopped, into its state."""
    resource = wanted(step)
    spec = ProcessSpec.of(resource)
    if spec.state in ("created", "stopped"):
        return Status.DONE
    insist(step, host.engine.containers.inspect(spec.container), ResourceKey("container", resource.key.name))
    begun = time.monotonic()
    _start(host, resource)
    if spec.state == "completed":
        return Later(lambda: _complete(host, resource))
    grace = min(max(_GRACE[0], (time.monotonic() - begun) / 4), _GRACE[1])
    return Later(lambda: _insist_on_life(host, resource, grace), lambda: _settled(host, spec))


def _settled(host: Host, spec: ProcessSpec) -> Status:
    if spec.state == "paused":
        host.engine.containers.pause(spec.container)
    return Status.DONE


def changed(step: Step, host: Host) -> Result:
    """Go from one state to another with the fewest calls."""
    resource, containers = wanted(step), host.engine.containers
    was, to = ProcessSpec.of(seen(step)).state, ProcessSpec.of(resource).state
    container = ProcessSpec.of(resource).container
    if to == "stopped":
        return ended(step, host)
    if was != "created":
        insist(step, containers.inspect(container), ResourceKey("container", resource.key.name))
    if was == "paused":
        containers.unpause(container)
    elif (was, to) == ("running", "paused"):
        containers.pause(container)
    elif (was, to) == (RESTARTING, "running"):
        return Later(lambda: _revive(host, resource))
    elif was != "running":
        return started(step, host)
    return Later(lambda: _complete(host, resource)) if to == "completed" else Status.DONE


def _revive(host: Host, resource: Resource) -> None:
    """Bring up what the engine restarts again and again, and see that it lives this time."""
    containers, name = host.engine.containers, ProcessSpec.of(resource).container
    before = containers.inspect(name)
    if not host.trial:
        raise StepFailed(f"{resource.key}: it ends again and again{_last_code(before['State'])}: see its log")
    trial = on_trial(before, lambda: host.engine.now, host.trial)
    if before["State"]["Restarting"]:  # for up to a minute, if it is left to the engine
        containers.restart(name, 0)
        before, trial = containers.inspect(name), host.trial
    if trial > 0:
        _insist_on_life(host, resource, trial, "it ends again and again")
    if containers.inspect(name)["RestartCount"] > before["RestartCount"]:
        raise StepFailed(f"{resource.key}: it has ended once more meanwhile: see its log")


def _last_code(state: dict[str, Any]) -> str:
    """Say how it has ended, which is told for as long as it does not run again."""
    runs = state["Running"] and not state["Restarting"]
    return "" if runs else f", the last time with exit code {state['ExitCode']}"


def ended(step: Step, host: Host) -> Result:
    """Stop a container."""
    return stopping(host, seen(step).live, lambda: Status.DONE)


def _start(host: Host, resource: Resource) -> None:
    name = ProcessSpec.of(resource).container
    try:
        host.engine.containers.start(name)
    except Exception as error:
        raise _not_started(resource, str(host.explain(error))) from error


_HALF_STARTED = r"AlreadyExists: task|task \S+ already exists"
_HINTS = {
    "port is already allocated": "another container publishes that port: stop it, or publish another one",
    "address already in use": "a process of the host listens there: stop it, or publish another port",
    "Address already in use": "something else has that address on the network: disconnect it, or choose another",
    _HALF_STARTED: "the engine was killed in the midst of its start: make it anew with --replace container/…",
    "protocol not supported": "this host has no sctp: `modprobe sctp`, or take the port out",
    "unable to apply caps": "the engine itself lacks a capability: take it from privileged or cap_add",
    "apparmor_parser": "this host has AppArmor, but not what its profiles are loaded with: install `apparmor`",
    "executable file not found": "the image has no such command: see `command` and `entrypoint`",
    r"/proc/sys/\S+: no such file": "this kernel has no such sysctl: see `sysctls`",
    r"/proc/sys/\S+: invalid argument": "this kernel takes no such value for it: see `sysctls`",
    "no such file or directory": "see `command`, `entrypoint`, `working_dir` and `devices`",
    "permission denied": "the command cannot be executed, or the engine may not do that",
    "error setting rlimit": "the engine's own limit is lower: lower the ulimit",
}
"""What to do about what the engine says, by patterns."""


def _not_started(resource: Resource, text: str) -> StepFailed:
    hint = next((hint for words, hint in _HINTS.items() if re.search(words, text)), "")
    return StepFailed(f"{resource.key}: it does not start: {text}" + (f" ({hint})" if hint else ""))


def _insist_on_life(host: Host, resource: Resource, grace: float, what: str = _AT_ONCE) -> None:
    """Raise if a container ends within so many seconds, whether or not the engine starts it again."""
    code = host.engine.containers.wait(ProcessSpec.of(resource).container, grace, host.stop)
    if code is not None:
        raise _died(host, resource, what, code)


def ended_since(host: Host, change: Change) -> ReconcilerError | None:
    """Say how it has ended, whatever the reason; None where it should have or goes on.

    An engine that has much to do tells of the end of a process when that is long over.
    """
    resource = change.desired
    if resource is None or ProcessSpec.of(resource).state not in UP:
        return None
    try:
        state = host.engine.containers.inspect(ProcessSpec.of(resource).container)["State"]
        if state["Running"] and not state["Restarting"]:
            return None
        return _died(host, resource, _SINCE, state["ExitCode"])
    except Exception:  # noqa: BLE001 - that it differs is told all the same
        return None


def _died(host: Host, resource: Resource, what: str, code: int) -> StepFailed:
    name = ProcessSpec.of(resource).container
    inspected = host.engine.containers.inspect(name)
    try:
        tail = host.engine.containers.log_tail(name, _TAIL, terminal=inspected["Config"]["Tty"])
    except Exception as error:  # noqa: BLE001 - that it ended matters more, and some drivers keep nothing to read
        quiet, said = "", f"; its log cannot be read: {host.explain(error)}"
    else:
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
    """Wait until a container has run to exit code 0, as often as the engine tries again by its `restart`."""
    name, deadline = ProcessSpec.of(resource).container, time.monotonic() + host.wait_timeout
    while code := host.engine.containers.wait(name, max(deadline - time.monotonic(), 0), host.stop):
        if not host.engine.containers.inspect(name)["State"]["Running"]:  # it is true of one to be restarted as well
            raise _died(host, resource, "it failed", code)
    if code is None:
        raise _out_of_patience(host, resource.key, "has not completed")


def completed(step: Step, host: Host) -> Result:
    """Wait for the end of what somebody else started."""
    resource = wanted(step)
    return Later(lambda: _complete(host, resource))


def healthy(step: Step, host: Host) -> Result:
    """Wait for the healthcheck; without one that is a failure, unless nobody said that there is one."""
    resource, insists = wanted(step), step.key.condition != IF_CHECKED
    deadline = time.monotonic() + host.wait_timeout
    backoff = Backoff(host.patience, host.stop)
    while True:
        try:
            with _listening(host, resource) as events:
                backoff = Backoff(host.patience, host.stop)
                while (health := _health(host, resource, insists=insists)) != HEALTHY:
                    if not _has_news(host, events, deadline, _CHECKED if health == "unhealthy" else _NEWS):
                        raise _out_of_patience(host, resource.key, "is not healthy")
                return Status.DONE
        except AnswerLost:  # an engine that restarts ends the stream: the next look tells
            if not backoff.again():
                raise


def _listening(host: Host, resource: Resource) -> Events:
    return host.engine.events(filters={"type": ["container"], "container": [ProcessSpec.of(resource).container]})


def _has_news(host: Host, events: Events, deadline: float, news: tuple[str, ...]) -> bool:
    """Wait for an event of such a sort; False when there is none in time, or no more waiting is wanted."""
    while not host.stop.is_set() and time.monotonic() < deadline:
        event = events.next(min(_MOMENT, deadline - time.monotonic()))
        if event and str(event.get("Action")).startswith(news):
            return True
    return False


def _health(host: Host, resource: Resource, *, insists: bool) -> str:
    """Look at the health; raise if it never comes. What has no healthcheck is well, unless somebody insists on one."""
    inspected = host.engine.containers.inspect(ProcessSpec.of(resource).container)
    state = inspected["State"]
    if not state["Running"]:
        raise _died(host, resource, "it ended before it was healthy", state["ExitCode"])
    health = state.get("Health")
    if not health and not insists:
        return HEALTHY
    if not health:
        raise StepFailed(f"{resource.key}: it has no healthcheck to wait for: declare `healthcheck`")
    if is_unhealthy(inspected):
        raise StepFailed(f"{resource.key}: it is unhealthy{_last_word(health)}")
    return str(health["Status"])


def _last_word(health: dict[str, Any]) -> str:
    log = health.get("Log") or ()
    if not log:
        return ""
    said = f":\n{_indented(log[-1]['Output'].strip())}" if log[-1].get("Output") else ""
    return f": its check ended with exit code {log[-1].get('ExitCode')}{said}"


def _out_of_patience(host: Host, key: ResourceKey, what: str) -> StepFailed:
    if host.stop.is_set():
        return Interrupted(f"{key}: interrupted while it {what}")
    return StepFailed(f"{key}: it {what} after {host.wait_timeout:g} s: see its log, or raise --wait-timeout")
