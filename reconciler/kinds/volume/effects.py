"""What is done to volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.errors import Conflict, StepFailed
from reconciler.host.engine.errors import CONFLICT, NOT_FOUND
from reconciler.host.marks import of_labels
from reconciler.kinds.base import Result
from reconciler.kinds.calls import patiently, status
from reconciler.kinds.effects import mark_of, seen, wanted
from reconciler.kinds.labelled import secrets_label
from reconciler.kinds.volume.spec import VolumeSpec
from reconciler.model import Status, Step

if TYPE_CHECKING:
    from reconciler.host import Host


def created(step: Step, host: Host) -> Result:
    """Make a volume with its labels."""
    resource = wanted(step)
    spec = VolumeSpec.of(resource)
    marks = mark_of(step, host).labels() | secrets_label(spec)
    made = host.engine.volumes.create(
        {
            "Name": spec.name,
            "Driver": spec.driver,
            "DriverOpts": dict(spec.driver_opts),
            "Labels": {**spec.labels, **marks},
        }
    )
    # The engine answers with an existing volume of the same name as though it had just made it.
    if not marks.items() <= (made.get("Labels") or {}).items():
        raise StepFailed(f"{step.key.key}: a volume {spec.name!r} that is not ours came in between: rename one of them")
    return Status.DONE


def deleted(step: Step, host: Host) -> Result:
    """Remove a volume with its content; one that is gone already is no error."""
    resource, engine = seen(step), host.engine
    name = resource.live["id"]
    try:
        _insist_on_mark(step, host, name)
        patiently(engine, lambda: engine.volumes.remove(name), passing=lambda error: status(error) == CONFLICT)
    except Exception as error:
        if status(error) == NOT_FOUND:
            return Status.DONE
        if status(error) == CONFLICT and (rows := engine.containers.list(volume=name)):
            users = ", ".join(sorted(each["Names"][0].removeprefix("/") for each in rows))
            raise StepFailed(f"{resource.key}: {users} still uses it: remove that first") from error
        raise
    return Status.DONE


def _insist_on_mark(step: Step, host: Host, name: str) -> None:
    """Raise Conflict where somebody has made another volume of the name; in the file ours may be called otherwise."""
    mark = of_labels(host.engine.volumes.inspect(name).get("Labels"))
    if mark is None or mark.topology != step.topology:
        raise Conflict(f"{step.key.key}: a volume {name!r} that is not ours came in between: it stays")
