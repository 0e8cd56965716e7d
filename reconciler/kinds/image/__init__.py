"""Images: built, pulled, imported, loaded and committed; ours by a tag that carries the digest of their inputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from reconciler.kinds.base import Kind, Result, Told
from reconciler.kinds.effects import one_by_one, seen, wanted
from reconciler.kinds.image.look import Live, held_of
from reconciler.kinds.image.parse import images
from reconciler.kinds.image.references import is_base, split
from reconciler.kinds.image.spec import ImageSpec
from reconciler.kinds.image.sweep import lineage, listed, roots, sweep, upon
from reconciler.kinds.source import Source
from reconciler.model import Resource, Status, Step

if TYPE_CHECKING:
    from reconciler.host import Host
    from reconciler.host.scope import Scope

_SHORT_ID = 12


class ImageKind(Kind):
    """An image."""

    name = "image"
    spec = ImageSpec
    section = "images"
    uses = frozenset(("engine",))
    irrecoverable = True
    create_before_delete = True
    tentative = True

    def parse(self, source: Source) -> Iterable[Resource]:
        """Read the entries of `images`, what containers build, and the plain references that they run."""
        return images(source)

    def observe(self, scope: Scope) -> Iterable[Resource]:
        """Ours by our tags; pulled and external ones by their references; whatever has a declared tag."""
        return Live(scope).resources()

    def mutable(self, path: str, observed: Resource, desired: Resource) -> bool:
        """Only tags can be moved."""
        del observed, desired
        return path == "tags"

    def tell(self, resource: Resource) -> Told:
        """Its id, and its tags but for those by which it is ours."""
        live = resource.live
        identity = str(live.get("id") or "").removeprefix("sha256:")[:_SHORT_ID]
        return Told((identity, *(each for each in live.get("tags") or () if each not in (live.get("own") or {}))))

    def create(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Make or pull each; one that comes out as it was before is unchanged."""
        return one_by_one(host, steps, lambda step: _created(host, step))

    def update(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Give and take tags."""
        return one_by_one(host, steps, lambda step: _retagged(host, step))

    def delete(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Remove our tags, and with the last one the image; what was pulled stays."""
        return one_by_one(host, steps, lambda step: _deleted(host, step))


def _created(host: Host, step: Step) -> Result:
    from reconciler.kinds.image import tags
    from reconciler.kinds.image.make import make

    engine, spec, before = host.engine, ImageSpec.of(wanted(step)), step.change.observed
    had = {held_of(before).identity} if before else set()
    known = had or {each["Id"] for each in engine.images.list(nameless=True)}
    theirs = tags.marked_elsewhere(engine, step.topology, spec.repository) if spec.tags else ()
    tagged = tags.ids_of(engine, spec.tags)
    make(engine, spec)
    identity = str(engine.images.inspect(spec.reference, required=True)["Id"])
    tags.insist_on_ours(engine, step.topology, tagged, {identity, *had})
    tags.give(engine, identity, spec.repository, tagged, theirs)
    return Status.UNCHANGED if identity in known else Status.DONE


def _retagged(host: Host, step: Step) -> Result:
    from reconciler.kinds.image import tags

    engine, spec, held = host.engine, ImageSpec.of(wanted(step)), held_of(seen(step))
    theirs = tags.marked_elsewhere(engine, step.topology, spec.repository)
    tagged = tags.ids_of(engine, [tag for tag in spec.tags if tag not in held.given])
    tags.insist_on_ours(engine, step.topology, tagged, {held.identity})
    tags.give(engine, held.identity, spec.repository, tagged, theirs)
    tags.take(engine, step.topology, held, spec.tags)
    return Status.DONE


def _deleted(host: Host, step: Step) -> Result:
    from reconciler.kinds.image import stages, tags

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


KIND = ImageKind()
