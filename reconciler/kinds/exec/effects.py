"""What is done with the commands of a node."""

from __future__ import annotations

import errno
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconciler.errors import StepFailed
from reconciler.host.kernel.notes import note
from reconciler.host.kernel.reach import inspect
from reconciler.host.kernel.space import LOOPBACK
from reconciler.host.netlink import Socket, add_altname, del_altname
from reconciler.kinds import still_ours
from reconciler.kinds.base import Result
from reconciler.kinds.effects import insist, seen, wanted
from reconciler.kinds.exec.spec import ExecSpec, digest_of, lifetime
from reconciler.model import Status, Step

if TYPE_CHECKING:
    from reconciler.host.kernel import Reach


def ran(step: Step, reach: Reach) -> Result:
    """Run the commands, and note it."""
    from reconciler.kinds.exec.run import run

    spec = ExecSpec.of(wanted(step))
    if digest_of(spec.lines) != spec.commands:
        raise StepFailed("no host remembers its commands: apply the file that declares them")
    inspected: dict[str, Any] | None = None
    if spec.node.kind == "container":
        inspected = inspect(reach.host, spec.at)
        still_ours.insist(step, inspected, spec.node)
        spec = replace(spec, at=spec.at._replace(live=inspected["Id"]))
    run(spec, reach, topology=step.topology)
    text = note("exec", step.topology, spec.node.name, lifetime(inspected), spec.commands)
    insist(reach.socket(spec.at).send([add_altname(LOOPBACK, text)]), errno.EEXIST)
    return Status.DONE


def ran_again(step: Step, reach: Reach) -> Result:
    """Forget that they ran, and run them again."""
    forgotten(step, reach)
    return ran(step, reach)


def forgotten(step: Step, reach: Reach) -> Result:
    """Forget that they ran."""
    handle = seen(step).handle
    if found := reach.again(handle["place"]):
        _forget(found[1], handle["notes"])
    return Status.DONE


def _forget(socket: Socket, texts: Sequence[str]) -> None:
    insist(socket.send([del_altname(LOOPBACK, each) for each in texts]), errno.ENOENT, errno.EINVAL)
