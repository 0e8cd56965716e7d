"""Images as the engine lists them: which of them are resources of a topology."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING

from reconciler.kinds.image import registry, rows
from reconciler.kinds.image.ownership import Held, Ids, Image, Repository, Tags, kept, known
from reconciler.kinds.image.references import component, inputs_tag, normal
from reconciler.kinds.image.spec import ImageSpec, Pull, tag_claims
from reconciler.model import Resource, ResourceKey

if TYPE_CHECKING:
    from reconciler.host.scope import Scope


class Live:
    """All images of an engine, seen from one topology."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.desired = scope.desired.of_kind("image")
        self.specs = [ImageSpec.of(each) for each in self.desired]
        self.known, self.keep = known(self.specs), kept(self.specs)
        self.newest: dict[str, str] = {}

    @cached_property
    def ids(self) -> dict[str, str]:
        """Map every tag to the id of its image."""
        return {tag: row["Id"] for row in self.scope.images.values() for tag in rows.tags(row)}

    @cached_property
    def tags(self) -> Tags:
        """All tags, and whose they are."""
        externals = [ImageSpec.of(each).reference for each in self.desired if not each.owned]
        created = {identity: row.get("Created", 0) for identity, row in self.scope.images.items()}
        return Tags(self.scope.name, self.ids, {normal(each): self._id(each) for each in externals}, created)

    def resources(self) -> Iterator[Resource]:
        """Yield what is ours, pulled, external or in the way."""
        self.newest = registry.newest(self.scope, self.specs)
        owned = {component(each.key.name): each for each in self.desired if each.owned}
        for each in self.desired:
            yield from self._not_made_here(each)
        for name, repository in self.tags.repositories.items():
            yield from self._made_here(name, repository, owned.get(name))
        yield from self._foreign()

    def _not_made_here(self, wanted: Resource) -> Iterator[Resource]:
        """Yield a declared image if it is an external or a pulled one."""
        spec = ImageSpec.of(wanted)
        identity = self._id(spec.reference) if not wanted.owned or isinstance(spec.recipe, Pull) else ""
        if not identity:
            return
        found = replace(spec, tags=(), current=self._is_current(spec))
        if not wanted.owned:
            yield self._resource(wanted.key, found, identity)
            return
        image = self.tags.pulled(wanted.key.name, identity, spec.tags)
        # A plain reference has no repository, but one that was an entry before has its marks in that.
        repository = image.repository.name if image.marks else spec.repository
        yield self._of(wanted.key, replace(found, repository=repository), image)

    def _made_here(self, name: str, repository: Repository, wanted: Resource | None) -> Iterator[Resource]:
        """Yield what our tags in one repository stand for, but for what an external would go with."""
        key = wanted.key if wanted else self.scope.key_of_ours(ResourceKey("image", name), name)
        spec = ImageSpec.of(wanted) if wanted else ImageSpec()
        pulled = self._id(spec.reference) if isinstance(spec.recipe, Pull) else ""
        for image in repository.images(spec, pulled):
            if (wanted and image.digest == spec.inputs) or not self.tags.carries_external(image):
                current = image.digest != spec.inputs or image.stands_on(self._bases(spec))
                made = ImageSpec(image.reference, image.digest, current=current, repository=repository.name)
                at = ResourceKey("image", f"{key.name}:{inputs_tag(image.digest)}") if image.left else key
                found = self._of(at, made, image)
                yield replace(found, claims=()) if image.left else found  # what is to have its tags takes them from it

    def _foreign(self) -> Iterator[Resource]:
        """Yield what is not ours and has a tag that is declared."""
        for each in self.desired:
            for tag, identity in self.tags.foreign(ImageSpec.of(each)) if each.owned else ():
                found = self._resource(ResourceKey("image", f"@{tag}"), ImageSpec(tag, tags=(tag,)), identity)
                topology = self.tags.topology_of(tag)
                yield replace(found, live=MappingProxyType({**found.live, "topology": topology}))

    def _of(self, key: ResourceKey, spec: ImageSpec, image: Image) -> Resource:
        return self._resource(key, replace(spec, tags=self.tags.given(image)), image.identity, image.own)

    def _resource(self, key: ResourceKey, spec: ImageSpec, identity: str, own: Ids | None = None) -> Resource:
        given = {tag: self.ids[tag] for tag in spec.tags}
        held = Held(identity, spec.repository, own or {}, given, self.keep, self.known)
        live = {"id": identity, "reference": spec.reference, "tags": self.tags.of(identity), "own": dict(held.own)}
        return Resource(
            key,
            spec,
            claims=tuple(tag_claims(spec.tags)),
            owned=own is not None,
            live=MappingProxyType(live),
            handle=MappingProxyType({"held": held}),
        )

    def _id(self, reference: str) -> str:
        """Return the id of the image that a reference points to; empty if there is none."""
        if not reference:
            return ""
        found = self.ids.get(normal(reference))
        return found or self.scope.inspect_image(reference).get("Id", "")

    def _bases(self, spec: ImageSpec) -> Ids:
        """Say where the references that an image is made of point to."""
        return {each: self.ids.get(normal(each), "") for each in spec.bases}

    def _is_current(self, spec: ImageSpec) -> bool:
        if spec.reference not in self.newest:
            return True
        row = self.scope.images.get(self._id(spec.reference)) or self.scope.inspect_image(spec.reference)
        return registry.has_digest(row, self.newest[spec.reference])


def held_of(resource: Resource) -> Held:
    """Return what an observed image has of ours."""
    held = resource.handle["held"]
    assert isinstance(held, Held)  # noqa: S101 - as Live hands it on
    return held
