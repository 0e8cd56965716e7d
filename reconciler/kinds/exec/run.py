"""Running the commands of a node, in it or only in its network."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import tempfile
import time
from typing import TYPE_CHECKING

from reconciler.errors import Interrupted, StepFailed
from reconciler.host import ENDING, netns
from reconciler.kinds.exec.spec import Command, ExecSpec
from reconciler.kinds.namespace.removal import MARKER
from reconciler.secret import masked

if TYPE_CHECKING:
    from reconciler.host import Host
    from reconciler.host.kernel import Reach

_TAIL = 2000
_MOMENT = 0.1
_DENIED = "RTNETLINK answers: Operation not permitted"
"""What ip(8) prints where the container has not the privilege."""
_INSTEAD = (
    "the container has not the privilege: declare its addresses and routes, write "
    "{command: ..., in: network} for the host's own ip, or give it cap_add: [NET_ADMIN]"
)
_ENDLESS = "`{command}` has not ended after {seconds:g} s: let it go on in the background, or raise --wait-timeout"


class _NotExecutable(Exception):
    """What is to be run is a folder, or a file that nobody may execute."""


def run(spec: ExecSpec, reach: Reach, *, topology: str) -> None:
    """Run the commands in order; StepFailed with code and output at the first that does not end with 0."""
    for each in spec.lines:
        if each.in_network:
            code, output = _in_network(spec, each, reach, {**os.environ, MARKER: topology})
        else:
            code, output = _in_container(spec, each, reach)
        if code:
            output = masked(output).strip()  # before it is cut: half a secret would not be known for one
            said = f":\n{output[-_TAIL:]}" if output else ", and printed nothing"
            instead = f"\n{_INSTEAD}" if _DENIED in output and not each.in_network else ""
            raise StepFailed(f"`{each}` ended with exit code {code}{said}{instead}")


def _in_network(spec: ExecSpec, command: Command, reach: Reach, environment: dict[str, str]) -> tuple[int, str]:
    with tempfile.TemporaryFile() as output:  # a pipe would be kept open by what the command leaves running
        try:
            code = netns.call(reach.fd(spec.at), _run, command.argv, output.fileno(), environment, reach.host)
        except FileNotFoundError as error:
            raise StepFailed(f"`{command}`: there is no command {command.argv[0]} on the host") from error
        except _NotExecutable as error:
            raise StepFailed(f"`{command}`: {command.argv[0]} is not executable on the host") from error
        except TimeoutError as error:
            raise _unended(command, reach.host) from error
        output.seek(0)
        return code, output.read().decode(errors="replace")


def _run(argv: tuple[str, ...], output: int, environment: dict[str, str], host: Host) -> int:
    with _started(argv, output, environment) as process:
        try:
            return _ended(process, host)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise


def _started(argv: tuple[str, ...], output: int, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    try:
        return subprocess.Popen(  # noqa: S603 - the commands are the file's
            argv,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )
    except PermissionError as error:  # of execve(2), not of the namespace that is entered
        raise _NotExecutable from error


def _ended(process: subprocess.Popen[bytes], host: Host) -> int:
    """Wait for the end of a command; TimeoutError after the host's patience, or soon after an interruption."""
    deadline, stopped = time.monotonic() + host.wait_timeout, False
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(timeout=_MOMENT)
        if host.stop.is_set() and not stopped:
            deadline, stopped = min(deadline, time.monotonic() + ENDING), True
        if time.monotonic() > deadline:
            raise TimeoutError


def _in_container(spec: ExecSpec, command: Command, reach: Reach) -> tuple[int, str]:
    try:
        return reach.host.engine.execs.run(spec.at.live, command.argv, seconds=reach.host.wait_timeout)
    except TimeoutError as error:
        raise _unended(command, reach.host) from error
    except Exception as error:
        if reach.host.stop.is_set():
            raise _unended(command, reach.host) from error
        raise


def _unended(command: Command, host: Host) -> StepFailed:
    if host.stop.is_set():
        return Interrupted(f"`{command}` was interrupted: it had not ended {ENDING:g} s later")
    return StepFailed(_ENDLESS.format(command=command, seconds=host.wait_timeout))
