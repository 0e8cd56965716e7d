"""Which images are ours, and which of their tags: told by tags of our own alone; pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import field
from functools import cached_property

from reconciler.kinds.image.references import (
    base_tag,
    bases_tag,
    belongs_to,
    component,
    inputs_of,
    inputs_tag,
    is_mark,
    mark_tag,
    normal,
    parts_of,
    root,
    split,
)
from reconciler.kinds.image.spec import ImageSpec, Load, Pull
from reconciler.value import dataclass

Ids = Mapping[str, str]
"""Tags, and the ids of the images that they point to."""


@dataclass(frozen=True)
class Held:
    """What one image has of ours: its `own` tags, all in one repository, and those `given` to it for the file.

    What goes does not take along what is to `keep` for the file; its images are `known` by some of that.
    """

    identity: str
    repository: str
    own: Ids
    given: Ids
    keep: frozenset[str]
    known: frozenset[str]

    @property
    def going(self) -> frozenset[str]:
        """The tags that the image loses when it is ours no more."""
        return frozenset({*self.given, *self.own} - self.keep)


@dataclass(frozen=True)
class Repository:
    """Our tags in one repository, each without its name; `made` has the ids of images by their inputs, oldest first.

    What was made is empty where nothing but stages of a build is there.
    """

    name: str
    tags: Ids = field(default_factory=dict)
    made: Ids = field(default_factory=dict)

    def images(self, spec: ImageSpec, pulled: str = "") -> Iterator[Image]:
        """Yield what the tags stand for: the image itself if it was made here, and what earlier runs left.

        Of what is `pulled` from now on, by this id, or is declared no more, perhaps nothing but marks.
        """
        chosen = self.chosen(spec)
        main = self.made.get(chosen, pulled)
        for digest, identity in self.made.items():
            if digest == chosen:
                yield Image(self, identity, digest, declared=spec.tags)
            elif digest != self.cut_off(spec):
                yield Image(self, identity, digest, left=True, double=identity == main)
        if not chosen and not isinstance(spec.recipe, Pull) and (marks := self._marks()):
            yield Image(self, next(iter(marks.values())))

    def chosen(self, spec: ImageSpec) -> str:
        """Return the inputs of the image itself: as declared, else the latest; empty if it was not made here."""
        whole = [digest for digest, identity in self.made.items() if identity]
        if spec.inputs in whole:
            return spec.inputs
        return "" if isinstance(spec.recipe, Pull) or not whole else whole[-1]

    def cut_off(self, spec: ImageSpec) -> str:
        """Return the declared inputs if a build of them did not come to its end: it is done again."""
        return spec.inputs if self.made.get(spec.inputs) == "" else ""

    def marks_of(self, identity: str, *, left: bool) -> dict[str, str]:
        """Return the marks of an image: those on it alone if it was left, else all that are on no other one."""
        others = {at for tag, at in self.tags.items() if inputs_of(tag)} - {identity}
        return {tag: at for tag, at in self._marks().items() if (at == identity if left else at not in others)}

    def _marks(self) -> dict[str, str]:
        return {tag: at for tag, at in self.tags.items() if is_mark(tag)}


@dataclass(frozen=True)
class Image:
    """An image with tags of ours in a repository, made from the inputs of a digest if there is one.

    One that an earlier run `left` has none of the declared tags; a `double` of what is there instead has none at all.
    """

    repository: Repository
    identity: str
    digest: str = ""
    declared: tuple[str, ...] = ()
    left: bool = False
    double: bool = False

    @property
    def reference(self) -> str:
        """What containers run; empty where nothing was made."""
        return f"{self.repository.name}:{inputs_tag(self.digest)}" if self.digest else ""

    @cached_property
    def marks(self) -> Ids:
        """Those of our tags that stand for tags that it has from us."""
        return {} if self.double else self.repository.marks_of(self.identity, left=self.left)

    @cached_property
    def own(self) -> Ids:
        """All of our tags that are there for it, stages of its build among them, as references."""
        tags = self.repository.tags.items()
        made = {tag: at for tag, at in tags if self.digest and self.digest == belongs_to(tag)}
        return {f"{self.repository.name}:{tag}": at for tag, at in {**made, **self.marks}.items()}

    def stands_on(self, bases: Ids) -> bool:
        """Tell whether it was made of what its bases are now; of one of which no tag says so, that is taken as so."""
        return all(self._stands_on(reference, identity) for reference, identity in bases.items())

    def _stands_on(self, reference: str, identity: str) -> bool:
        tags, any_of = self.repository.tags, bases_tag(self.digest, reference)
        return (
            not identity
            or tags.get(base_tag(self.digest, reference, identity)) == self.identity
            or not any(tag.startswith(any_of) for tag in tags)
        )


@dataclass(frozen=True)
class Tags:
    """All tags of an engine, seen from one topology.

    `externals` are the references of what the file calls external; `created` says in seconds when images were made.
    """

    topology: str
    ids: Ids
    externals: Ids = field(default_factory=dict)
    created: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def root(self) -> str:
        """What the repositories of our own tags begin with."""
        return root(self.topology)

    def of(self, identity: str) -> tuple[str, ...]:
        """Return the tags of an image, in order."""
        return tuple(self._of.get(identity, ()))

    @cached_property
    def _of(self) -> Mapping[str, list[str]]:
        found: dict[str, list[str]] = defaultdict(list)
        for tag, identity in sorted(self.ids.items()):
            found[identity].append(tag)
        return found

    @cached_property
    def by_mark(self) -> Mapping[str, str]:
        """Map what would be the mark of each tag to that tag."""
        return {mark_tag(tag): tag for tag in self.ids}

    @cached_property
    def repositories(self) -> Mapping[str, Repository]:
        """Our repositories by the last part of their names, in order."""
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for reference, identity in self.ids.items():
            if reference.startswith(self.root):
                name, tag = split(reference.removeprefix(self.root))
                found[name][tag] = identity
        return {name: self._repository(name, tags) for name, tags in sorted(found.items())}

    def _repository(self, name: str, tags: Ids) -> Repository:
        made = {digest: tags.get(inputs_tag(digest), "") for tag in tags if (digest := belongs_to(tag))}
        ages = sorted((self.created.get(identity, 0), digest) for digest, identity in made.items())
        return Repository(f"{self.root}{name}", tags, {digest: made[digest] for _, digest in ages})

    @cached_property
    def marks(self) -> frozenset[str]:
        """All tags of ours that stand for a declared one."""
        return frozenset(tag for each in self.repositories.values() for tag in each.tags if is_mark(tag))

    def pulled(self, name: str, identity: str, declared: tuple[str, ...]) -> Image:
        """Return an image that is not made here, with what is ours of it in the repository of its name."""
        name = component(name)
        repository = self.repositories.get(name) or Repository(f"{self.root}{name}")
        return Image(repository, identity, declared=declared)

    def given(self, image: Image) -> tuple[str, ...]:
        """Return the tags of an image that are declared, and not marked for another, or were once and carry our mark.

        And those that are declared no more, of images of which nothing but such a mark among its own is left.
        """
        here = () if image.double else self.of(image.identity)
        ours = {tag for tag in here if self._is_given(tag, image)}
        lost = {tag for mark, at in image.marks.items() if self.ids.get(tag := self.by_mark.get(mark, "")) == at}
        return tuple(sorted(ours | lost.difference(image.declared, self.externals)))

    def _is_given(self, tag: str, image: Image) -> bool:
        mark = mark_tag(tag)
        if mark in image.repository.tags and tag not in self.externals:
            return True
        return tag in image.declared and mark not in self.marks

    def carries_external(self, image: Image) -> bool:
        """Tell whether an external, which no tag but perhaps one of ours holds, would go with our tags of an image."""
        return not self._carried.isdisjoint(image.own.values())

    @cached_property
    def _carried(self) -> frozenset[str]:
        alone = (tag for tag in self.externals if tag not in self.ids or tag.startswith(self.root))
        return frozenset(map(self.externals.__getitem__, alone))

    def foreign(self, spec: ImageSpec) -> Iterator[tuple[str, str]]:
        """Yield the declared tags of an image that others gave to another one, which is in the way."""
        for tag in spec.tags:
            identity = self.ids.get(tag, "")
            if identity and mark_tag(tag) not in self.marks and not self._is(spec, identity):
                yield tag, identity

    def topology_of(self, tag: str) -> str:
        """Return the topology that gave a tag, in the form that its name has in a repository; empty if none did."""
        mark = mark_tag(tag)
        marked = (parts_of(each) for each in self.ids if split(each)[1] == mark)
        return next((parts[0] for parts in marked if parts), "")

    def _is(self, spec: ImageSpec, identity: str) -> bool:
        """Tell whether an image is the very one that is declared, wherever it came from."""
        same = spec.recipe.ids if isinstance(spec.recipe, Load) else ()
        return identity == self.ids.get(normal(spec.reference)) or identity in same


def known(specs: Iterable[ImageSpec]) -> frozenset[str]:
    """Return what the images of a file are known by, those of others among them."""
    return frozenset(normal(each.reference) for each in specs if each.reference)


def kept(specs: Iterable[ImageSpec]) -> frozenset[str]:
    """Return the same, and all declared tags and their marks: what goes does not take them along."""
    images = tuple(specs)
    tagged = {(each.repository, tag) for each in images for tag in each.tags}
    return known(images).union(*((tag, f"{repository}:{mark_tag(tag)}") for repository, tag in tagged))
