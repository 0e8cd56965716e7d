"""Running the commands of a node, in it or only in its network."""

from __future__ import annotations

import os
import subprocess
import tempfile
from typing import TYPE_CHECKING

from reconciler.errors import StepFailed
from reconciler.host import netns
from reconciler.kinds.exec.spec import Command, ExecSpec
from reconciler.kinds.namespace.actions import MARKER

if TYPE_CHECKING:
    from reconciler.host.kernel import Reach

_TAIL = 2000


def run(spec: ExecSpec, reach: Reach, *, topology: str) -> None:
    """Run the commands in order; StepFailed with code and output at the first that does not end with 0."""
    for each in spec.lines:
        if each.in_network:
            code, output = _in_network(spec, each, reach, {**os.environ, MARKER: topology})
        else:
            code, output = _in_container(spec, each, reach)
        if code:
            said = f":\n{output.strip()[-_TAIL:]}" if output.strip() else ", and printed nothing"
            raise StepFailed(f"`{each}` ended with exit code {code}{said}")


def _in_network(spec: ExecSpec, command: Command, reach: Reach, environment: dict[str, str]) -> tuple[int, str]:
    with tempfile.TemporaryFile() as output:  # a pipe would be kept open by what the command leaves running
        try:
            code = netns.call(reach.fd(spec.at), _wait, command.argv, output.fileno(), environment)
        except FileNotFoundError as error:
            raise StepFailed(f"`{command}`: there is no command {command.argv[0]} on the host") from error
        output.seek(0)
        return code, output.read().decode(errors="replace")


def _wait(argv: tuple[str, ...], output: int, environment: dict[str, str]) -> int:
    done = subprocess.run(  # noqa: S603 - the commands are the file's
        argv,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env=environment,
        check=False,
        start_new_session=True,
    )
    return done.returncode


def _in_container(spec: ExecSpec, command: Command, reach: Reach) -> tuple[int, str]:
    api = reach.host.engine.api
    made = api.exec_create(spec.at.live, list(command.argv))["Id"]
    output: bytes = api.exec_start(made)
    return int(api.exec_inspect(made)["ExitCode"] or 0), output.decode(errors="replace")
