"""What is done to images."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from reconciler.host.marks import TOPOLOGY
from reconciler.kinds.base import Result
from reconciler.kinds.effects import seen, wanted
from reconciler.kinds.image import stages, tags
from reconciler.kinds.image.look import held_of
from reconciler.kinds.image.make import make
from reconciler.kinds.image.references import is_base, may_be_of, split
from reconciler.kinds.image.spec import ImageSpec
from reconciler.kinds.image.sweep import lineage, listed, roots, sweep, upon
from reconciler.model import Status, Step

if TYPE_CHECKING:
    from reconciler.host import Host
    from reconciler.host.engine import Engine


def created(step: Step, host: Host) -> Result:
    """Make or pull an image, and give it its tags."""
    engine, spec, observed = host.engine, ImageSpec.of(wanted(step)), step.change.observed
    had, before = {held_of(observed).identity} if observed else set(), listed(engine)
    theirs = tags.marked_elsewhere(engine, step.topology, spec.repository) if spec.tags else ()
    tagged = tags.ids_of(engine, spec.tags)
    make(engine, spec)
    identity = str(engine.images.inspect(spec.reference, required=True)["Id"])
    if spec.inputs:
        stages.keep_twins(engine, spec, before, {identity, *had})
    tags.insist_on_ours(engine, step.topology, tagged, {identity, *had})
    tags.give(engine, identity, spec.repository, tagged, theirs)
    same = identity in (had or before) and not _is_another(step, engine, spec, identity)
    return Status.UNCHANGED if same else Status.DONE


def _is_another(step: Step, engine: Engine, spec: ImageSpec, identity: str) -> bool:
    """Tell whether an image is another one than a container runs that hangs on how it comes out."""
    rows = engine.containers.list(label=f"{TOPOLOGY}={step.topology}")
    said = (_said(engine, each) for each in rows if each["ImageID"] != identity)
    return any(may_be_of(each, step.key.key.name, spec.reference) for each in said)


def _said(engine: Engine, row: Mapping[str, Any]) -> str:
    """Return what the engine was told to run: it lists that as long as it means the image that runs, else an id."""
    if row["Image"] != row["ImageID"]:
        return str(row["Image"])
    found = engine.containers.find(row["Id"])
    return str(found["Config"]["Image"]) if found else ""


def retagged(step: Step, host: Host) -> Result:
    """Give and take tags."""
    engine, spec, held = host.engine, ImageSpec.of(wanted(step)), held_of(seen(step))
    theirs = tags.marked_elsewhere(engine, step.topology, spec.repository)
    tagged = tags.ids_of(engine, [tag for tag in spec.tags if tag not in held.given])
    tags.insist_on_ours(engine, step.topology, tagged, {held.identity})
    tags.give(engine, held.identity, spec.repository, tagged, theirs)
    tags.take(engine, step.topology, held, spec.tags)
    return Status.DONE


def deleted(step: Step, host: Host) -> Result:
    """Remove our tags of an image, and what it stands on as far as nothing else does."""
    engine, spec, held = host.engine, ImageSpec.of(seen(step)), held_of(seen(step))
    tags.insist_on_rest(engine, held)
    rows, ours = listed(engine) if spec.inputs else {}, set(held.own.values())
    # Of a build that was cut off, the last image may have no tag of ours yet; one made again keeps a tag below itself.
    cut_off = ours if spec.reference not in held.own else ours & set(lineage(rows, [held.identity])[1:])
    below = [*upon(rows, cut_off), *lineage(rows, {held.identity, *ours})]
    until_last = stages.hold(engine, spec, roots(rows, below, held.own))
    tags.remove(engine, held.given, keep=held.keep)
    made_again = tags.ids_of(engine, {spec.reference} & held.keep)
    said = {tag for tag, at in held.own.items() if is_base(split(tag)[1]) and at in made_again.values()}
    tags.remove(engine, dict(sorted(held.own.items(), reverse=True)), keep={*held.keep, *until_last, *said})
    sweep(engine, [each for each in below if each not in until_last.values()])
    if until_last:
        tags.remove(engine, until_last)
        sweep(engine, below)  # another deletion may have stood on one of them until just now
    return Status.DONE
