"""Images as the engine lists them: which are ours by our tags, and whether a registry has newer ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from functools import cached_property
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from reconciler.host.engine.asked import Backoff
from reconciler.host.engine.errors import AnswerLost
from reconciler.kinds.calls import status
from reconciler.kinds.image.references import (
    component,
    inputs_of,
    inputs_tag,
    is_mark,
    mark_tag,
    normal,
    root,
    split,
    stage_of,
)
from reconciler.kinds.image.spec import ImageSpec, Load, Pull, tag_claims
from reconciler.model import Resource, ResourceKey

if TYPE_CHECKING:
    from reconciler.host.scope import Scope

Tags = Mapping[str, str]
"""Tags of one repository, and the ids of the images that they point to."""


class Live:
    """All images of an engine, seen from one topology."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.root = root(scope.name)
        self.desired = scope.desired.of_kind("image")
        self.newest: dict[str, str] = {}

    @cached_property
    def ids(self) -> dict[str, str]:
        """Map every tag to the id of its image."""
        rows = self.scope.images.values()
        return {tag: row["Id"] for row in rows for tag in row.get("RepoTags") or () if not tag.startswith("<none>")}

    @cached_property
    def tags_of(self) -> dict[str, list[str]]:
        """Map every id to the tags of its image, in order."""
        found: dict[str, list[str]] = defaultdict(list)
        for tag, identity in sorted(self.ids.items()):
            found[identity].append(tag)
        return found

    @cached_property
    def ours(self) -> dict[str, dict[str, str]]:
        """The tags of ours by the last part of their repository."""
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for reference, identity in self.ids.items():
            if reference.startswith(self.root):
                name, tag = split(reference.removeprefix(self.root))
                found[name][tag] = identity
        return found

    @cached_property
    def marked(self) -> dict[str, str]:
        """Map what would be the mark of each tag to that tag."""
        return {mark_tag(tag): tag for tag in self.ids}

    @cached_property
    def references(self) -> frozenset[str]:
        """What the file's images are known by, those of others among them."""
        return frozenset(normal(reference) for each in self.desired if (reference := _spec(each).reference))

    @cached_property
    def wanted(self) -> frozenset[str]:
        """The same, all declared tags and their marks: what goes does not take them along."""
        specs = [_spec(each) for each in self.desired]
        tagged = {(each.repository, tag) for each in specs for tag in each.tags}
        return self.references.union(*((tag, f"{repository}:{mark_tag(tag)}") for repository, tag in tagged))

    @cached_property
    def marks(self) -> frozenset[str]:
        """All tags of ours that stand for a declared one."""
        return frozenset(tag for tags in self.ours.values() for tag in tags if is_mark(tag))

    @cached_property
    def _externals(self) -> dict[str, str]:
        """The references of declared externals, as tags, and the ids of their images."""
        references = [_spec(each).reference for each in self.desired if not each.owned]
        return {normal(each): self._id(each) for each in references}

    @property
    def _kept(self) -> frozenset[str]:
        """The ids of externals that no tag but perhaps one of ours holds: such an image goes with our tags."""
        alone = (tag for tag in self._externals if tag not in self.ids or tag.startswith(self.root))
        return frozenset(map(self._externals.__getitem__, alone))

    def resources(self) -> Iterator[Resource]:
        """Yield what is ours, pulled, external or in the way."""
        self._ask_registries()
        kept = self._kept
        known = {component(each.key.name): each for each in self.desired if each.owned}
        for each in self.desired:
            yield from self._declared(each)
        for name, tags in sorted(self.ours.items()):
            wanted = known.get(name)
            for each in self._ours(name, tags, wanted):
                itself = wanted is not None and _spec(each).inputs == _spec(wanted).inputs
                if itself or kept.isdisjoint(each.live["own"].values()):
                    yield each
        yield from self._foreign()

    def _declared(self, wanted: Resource) -> Iterator[Resource]:
        """Yield a declared image that we do not make: an external or a pulled one."""
        spec = _spec(wanted)
        if wanted.owned and not isinstance(spec.recipe, Pull):
            return
        identity = self._id(spec.reference)
        if identity:
            name = component(wanted.key.name)
            marks = self._marks(name, identity, itself=True) if wanted.owned else {}
            tags = self._tags(name, identity, spec.tags, marks) if wanted.owned else ()
            # A plain reference has no repository, but one that was an entry before has its marks in that.
            repository = f"{self.root}{name}" if marks else spec.repository
            found = replace(spec, tags=tags, current=self._is_current(spec), repository=repository)
            yield self._resource(wanted.key, found, identity, _named(repository, marks), wanted.owned)

    def _ours(self, name: str, tags: Tags, wanted: Resource | None) -> Iterator[Resource]:
        """Yield what our tags in one repository stand for: the image itself, and what earlier runs left."""
        key = wanted.key if wanted else self.scope.key_of_ours(ResourceKey("image", name), name)
        spec = _spec(wanted) if wanted else ImageSpec()
        pulled = isinstance(spec.recipe, Pull)
        repository = f"{self.root}{name}"
        digests = sorted(
            {inputs_of(tag) or stage_of(tag) for tag in tags} - {""}, key=lambda each: self._age(each, tags)
        )
        whole = [each for each in digests if inputs_tag(each) in tags]
        chosen = spec.inputs if spec.inputs in whole else "" if pulled or not whole else whole[-1]
        main = self._id(spec.reference) if pulled else tags.get(inputs_tag(chosen), "")
        for digest in digests:
            if digest == spec.inputs and digest not in whole:  # a build that was cut off, and is done again
                continue
            itself = digest == chosen
            refs = {tag: at for tag, at in tags.items() if digest in (inputs_of(tag), stage_of(tag))}
            at = key if itself else ResourceKey("image", f"{key.name}:{inputs_tag(digest)}")
            identity = tags.get(inputs_tag(digest), "")
            alone = identity if itself or identity != main else ""
            marks = self._marks(name, alone, itself=itself)
            given = self._tags(name, alone, spec.tags if itself else (), marks)
            made = ImageSpec(f"{repository}:{inputs_tag(digest)}", digest, given, repository=repository)
            found = self._resource(at, made, identity, _named(repository, {**refs, **marks}), owned=True)
            yield found if itself else replace(found, claims=())  # what is to have its tags takes them from it
        if not chosen and not pulled:
            yield from self._only_marks(key, name, tags)

    def _only_marks(self, key: ResourceKey, name: str, tags: Tags) -> Iterator[Resource]:
        """Yield what is left of a pulled image that is declared no longer: the tags that we gave it."""
        repository = f"{self.root}{name}"
        marks = {tag: identity for tag, identity in tags.items() if is_mark(tag)}
        if marks:
            identity = next(iter(marks.values()))
            spec = ImageSpec(tags=self._tags(name, identity, (), marks), repository=repository)
            yield self._resource(key, spec, identity, _named(repository, marks), owned=True)

    def _foreign(self) -> Iterator[Resource]:
        """Yield what is not ours and has a tag that is declared."""
        for each in self.desired:
            spec = _spec(each)
            for tag in spec.tags if each.owned else ():
                identity = self.ids.get(tag, "")
                if identity and mark_tag(tag) not in self.marks and not self._is(each, identity):
                    foreign = ImageSpec(tag, tags=(tag,))
                    yield self._resource(ResourceKey("image", f"@{tag}"), foreign, identity, {}, owned=False)

    def _is(self, wanted: Resource, identity: str) -> bool:
        """Tell whether an image is the very one that is declared, wherever it came from."""
        spec = _spec(wanted)
        same = spec.recipe.ids if isinstance(spec.recipe, Load) else ()
        return identity == self.ids.get(normal(spec.reference)) or identity in same

    def _marks(self, name: str, identity: str, *, itself: bool) -> Tags:
        """Return the marks of one image in a repository: the image itself has all that no other one there has."""
        tags = self.ours.get(name, {})
        others = {at for tag, at in tags.items() if inputs_of(tag)} - {identity}
        marks = {tag: at for tag, at in tags.items() if is_mark(tag)}
        return {tag: at for tag, at in marks.items() if (at not in others if itself else at == identity)}

    def _tags(self, name: str, identity: str, declared: Collection[str], marks: Tags) -> tuple[str, ...]:
        """Return the tags of an image that are declared, and not marked for another, or were once and carry our mark.

        And those that are declared no more, of images of which nothing but such a mark among its own is left.
        """
        ours = self.ours.get(name, {})
        here = {
            tag
            for tag in self.tags_of[identity]
            if ((mark := mark_tag(tag)) in ours and tag not in self._externals)
            or (tag in declared and mark not in self.marks)
        }
        lost = {tag for mark, at in marks.items() if self.ids.get(tag := self.marked.get(mark, "")) == at}
        return tuple(sorted(here | lost.difference(declared, self._externals)))

    def _resource(
        self,
        key: ResourceKey,
        spec: ImageSpec,
        identity: str,
        own: Tags,
        owned: bool,
    ) -> Resource:
        live = {"id": identity, "reference": spec.reference, "tags": tuple(self.tags_of[identity]), "own": dict(own)}
        given = {tag: self.ids[tag] for tag in spec.tags}
        handle = MappingProxyType({"given": given, "references": self.references, "wanted": self.wanted})
        claims = tuple(tag_claims(spec.tags))
        return Resource(key, spec, claims=claims, owned=owned, live=MappingProxyType(live), handle=handle)

    def _id(self, reference: str) -> str:
        """Return the id of the image that a reference points to; empty if there is none."""
        if not reference:
            return ""
        found = self.ids.get(normal(reference))
        return found or self.scope.inspect_image(reference).get("Id", "")

    def _age(self, digest: str, tags: Tags) -> tuple[int, str]:
        row = self.scope.images.get(tags.get(inputs_tag(digest), ""), {})
        return row.get("Created", 0), digest

    def _ask_registries(self) -> None:
        """Ask at once for all images that are to be as new as their registry's."""
        asked = [
            spec.reference
            for each in self.desired
            if isinstance((spec := _spec(each)).recipe, Pull)
            and spec.recipe.policy == "always"
            and "@" not in spec.reference
        ]
        self.newest = dict(zip(asked, self.scope.concurrently(self._newest, asked), strict=True))

    def _newest(self, reference: str) -> str:
        """Return the digest that a registry has for a reference; empty if it does not say, which the pull will."""
        from reconciler.host.engine.sdk import explained

        engine = self.scope.engine
        backoff = Backoff(engine.patience, engine.stop)
        while True:
            try:
                return str(engine.api.inspect_distribution(reference)["Descriptor"]["digest"])
            except Exception as error:
                if status(error):
                    return ""
                if not isinstance(explained(error), AnswerLost) or not backoff.again():
                    raise

    def _is_current(self, spec: ImageSpec) -> bool:
        if spec.reference not in self.newest:
            return True
        row = self.scope.images.get(self._id(spec.reference)) or self.scope.inspect_image(spec.reference)
        return self.newest[spec.reference] in {each.partition("@")[2] for each in row.get("RepoDigests") or ()}


def _spec(resource: Resource) -> ImageSpec:
    spec: Any = resource.spec
    assert isinstance(spec, ImageSpec)  # noqa: S101 - the kind's own
    return spec


def _named(repository: str, tags: Tags) -> dict[str, str]:
    return {f"{repository}:{tag}": identity for tag, identity in tags.items()}
