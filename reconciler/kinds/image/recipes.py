"""How the entries of `images` say that an image is made."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from reconciler.kinds.image.archive import read_archive
from reconciler.kinds.image.bases import Known, bases_of
from reconciler.kinds.image.containers import image_of
from reconciler.kinds.image.context import digest_of
from reconciler.kinds.image.spec import Build, Commit, Import, Load, Recipe
from reconciler.kinds.labelled import declared_labels
from reconciler.kinds.source import Pointer, Source
from reconciler.kinds.units import mapping
from reconciler.model import FrozenMap, How, Need, ResourceKey

Entry = Mapping[str, Any]


class Others(Known, Protocol):
    """The other images of the file, of which one may be made."""

    def reference(self, name: str) -> str:
        """Return what containers run for an image's name; a plain reference stands for itself."""


@dataclass(frozen=True, slots=True)
class Recipes:
    """Reads the recipe of one entry; `needs` and `tags` gather what it brings along."""

    source: Source
    others: Others
    name: str
    needs: list[Need]
    tags: list[str]

    def recipe(self, pointer: Pointer, entry: Entry) -> Recipe:
        """Read the one source of an entry that is made here; an OSError or ValueError where it cannot be read."""
        read: dict[str, Callable[[Pointer, Any], Recipe]] = {
            "build": self._build,
            "import": self._import,
            "load": self._load,
            "commit": self._commit,
        }
        kind = next(each for each in read if each in entry)
        return read[kind]((*pointer, kind), entry[kind])

    def _build(self, pointer: Pointer, given: Any) -> Build:
        said = _long(given, "context")
        context = self._path(pointer, said["context"])
        if not context.is_dir():
            raise ValueError(f"the build's context {context} is not a folder")
        args = FrozenMap(dict(self._args(said)))
        dockerfile = context / said.get("dockerfile", "Dockerfile")
        bases = bases_of(self.others, self.name, dockerfile.read_text(), args)
        self.needs.extend(Need(ResourceKey("image", each), "build") for each in bases.values())
        return Build(
            context=str(context),
            dockerfile=str(dockerfile),
            args=args,
            target=said.get("target", ""),
            labels=declared_labels(self.source, (*pointer, "labels"), said.get("labels")),
            no_cache=bool(said.get("no_cache")),
            network=said.get("network", ""),
            bases=FrozenMap({ref: self.others.reference(each) for ref, each in bases.items()}),
        )

    def _args(self, said: Entry) -> dict[str, str]:
        declared = mapping(said.get("args"))
        values = {arg: self.source.environment.get(arg) if text is None else text for arg, text in declared.items()}
        return {arg: text for arg, text in values.items() if text is not None}

    def _import(self, pointer: Pointer, given: Any) -> Import:
        said = _long(given, "path")
        return Import(str(self._path(pointer, said["path"])), tuple(said.get("changes") or ()))

    def _load(self, pointer: Pointer, given: Any) -> Load:
        path = self._path(pointer, given)
        archive = read_archive(path)
        self.tags.extend(archive.references)
        return Load(str(path), archive.ids)

    def _commit(self, pointer: Pointer, given: Any) -> Commit:
        said = _long(given, "container")
        container, known = said["container"], self.source.section("containers")
        if not self.source.reference(pointer, "containers", container, "container"):
            return Commit()
        kinds = ("container", "process", "exec")
        self.needs.extend(Need(ResourceKey(kind, container), "commit", How.AFTER) for kind in kinds)
        return Commit(
            container=self.source.live("containers", container),
            made_of=self._made_of(container, known[container] or {}),
            changes=tuple(said.get("changes") or ()),
            message=said.get("message", ""),
            author=said.get("author", ""),
            pause=said.get("pause", True),
        )

    def _made_of(self, container: str, entry: Entry) -> str:
        """Return the digest of how a container is declared, its image and its `exec` among it."""
        key = image_of(self.source, container, entry)
        said = {name: value for name, value in entry.items() if not name.startswith("x-")}
        return digest_of(json.dumps(said, sort_keys=True), self.others.reference(key.name) if key else "")

    def _path(self, pointer: Pointer, text: str) -> Path:
        return self.source.directory(pointer) / Path(text).expanduser()


def _long(given: Any, name: str) -> Entry:
    return given if isinstance(given, Mapping) else {name: given}
