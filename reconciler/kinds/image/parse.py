"""Images as the file declares them: entries of `images`, what containers build, and plain references."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from reconciler.kinds.image.containers import built_entry, image_of, is_built, made_here, referred, tagged, tags_of
from reconciler.kinds.image.references import component, inputs_tag, is_tag, normal, root
from reconciler.kinds.image.spec import ImageSpec, Pull, tag_claims
from reconciler.kinds.source import Pointer, Source
from reconciler.model import Need, Resource, ResourceKey

_POLICIES = ("always", "missing", "never")
Entry = Mapping[str, Any]


class Images:
    """The images of one file; each is read once, on first use, since one may be made of another."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.entries: dict[str, tuple[Pointer, Entry]] = {}
        self.pulled: dict[str, tuple[Pointer, str]] = {}
        self._specs: dict[str, ImageSpec] = {}
        self._needs: dict[str, list[Need]] = {}
        for name, entry in source.section("images").items():
            self.entries[name] = (("images", name), entry)
        for name, entry in source.section("containers").items():
            self._of_container(name, entry or {})
        self._referred = {normal(each): each for each in self.pulled} | referred(source)

    def resources(self) -> Iterator[Resource]:
        """Make the resource of every image."""
        for name, (pointer, entry) in self.entries.items():
            spec, owned = self.spec(name), not entry.get("external")
            key, claims = ResourceKey("image", name), tag_claims(spec.tags)
            yield self.source.resource(pointer, key, spec, needs=self._needs[name], claims=claims, owned=owned)
        for reference, (pointer, policy) in self.pulled.items():
            spec = ImageSpec(reference, recipe=Pull(policy))
            yield self.source.resource(pointer, ResourceKey("image", reference), spec)

    def named(self, name: str) -> bool:
        """Tell whether there is an entry of that name."""
        return name in self.source.section("images")

    def tagged(self) -> dict[str, str]:
        """Map the tags that entries give to the entries' names."""
        return self.source.once(tagged)

    def referred(self) -> dict[str, str]:
        """Map the references that are pulled or external, in their normal form, to the names of their images."""
        return self._referred

    def reference(self, name: str) -> str:
        """Return what containers run for an image's name; a plain reference stands for itself."""
        return self.spec(name).reference if name in self.entries else name

    def spec(self, name: str) -> ImageSpec:
        """Return the attributes of an entry; where it is made of itself the circle is broken, and told elsewhere."""
        if name not in self._specs:
            self._specs[name], self._needs[name] = ImageSpec(), []
            self._specs[name] = self._read(name, *self.entries[name])
        return self._specs[name]

    def _of_container(self, name: str, entry: Entry) -> None:
        pointer: Pointer = ("containers", name)
        key = image_of(self.source, name, entry)
        if key is None:
            return
        if is_built(self.source, name):
            if self.named(name):
                self.source.problem((*pointer, "build"), f"images has an entry {name!r} too", "keep one of them")
            self.entries.setdefault(name, (pointer, built_entry(entry)))
        elif not made_here(self.source, key.name):
            said = entry.get("pull_policy", "missing").replace("if_not_present", "missing")
            place, before = self.pulled.get(key.name, ((*pointer, "image"), said))
            self.pulled[key.name] = (place, min(said, before, key=_POLICIES.index))

    def _read(self, name: str, pointer: Pointer, entry: Entry) -> ImageSpec:
        if entry.get("external"):
            return ImageSpec(self._checked((*pointer, "name"), entry.get("name", name)))
        self._check_tags(pointer, entry)
        if "pull" in entry:
            pull = entry["pull"] if isinstance(entry["pull"], Mapping) else {"image": entry["pull"]}
            reference = self._checked((*pointer, "pull"), pull["image"])
            tags, repository = tags_of(self.source, name, entry), self._repository(name)
            return ImageSpec(reference, "", tags, recipe=Pull(pull.get("policy", "missing")), repository=repository)
        return self._made(name, pointer, entry)

    def _made(self, name: str, pointer: Pointer, entry: Entry) -> ImageSpec:
        from reconciler.kinds.image.recipes import Recipes, Unusable

        bases: list[str] = []
        tags, repository = tags_of(self.source, name, entry), self._repository(name)
        try:
            recipe, digest = Recipes(self.source, self, name, self._needs[name], bases).recipe(pointer, entry)
        except Unusable as error:
            self.source.problem(error.place, error.message, error.hint)
            return ImageSpec(tags=tags)
        reference = f"{repository}:{inputs_tag(digest)}"
        return ImageSpec(reference, digest, tags, recipe=recipe, repository=repository, bases=tuple(sorted(set(bases))))

    def _repository(self, name: str) -> str:
        return f"{root(self.source.name)}{component(name)}"

    def _check_tags(self, pointer: Pointer, entry: Entry) -> None:
        of_container = pointer[0] == "containers"
        said: list[tuple[Pointer, str]] = [
            ((*pointer, "image") if of_container else (*pointer, "tags", index), tag)
            for index, tag in enumerate(entry.get("tags") or ())
        ]
        if entry.get("name"):
            said.append(((*pointer, "name"), entry["name"]))
        for place, tag in said:
            if not is_tag(tag):
                self.source.problem(place, f"{tag!r} cannot be the tag of an image", "e.g. lab:latest")

    def _checked(self, pointer: Pointer, reference: str) -> str:
        try:
            normal(reference)
        except ValueError as error:
            self.source.problem(pointer, str(error), "e.g. busybox:1.36")
        return reference


def images(source: Source) -> Iterator[Resource]:
    """Read all images that a file declares, and those that its containers imply."""
    return source.once(Images).resources()
