"""How the entries of `images` say that an image is made."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from reconciler.host.machine import salt
from reconciler.kinds.entry import Entry, entry_of
from reconciler.kinds.image.archive import check_members, read_archive
from reconciler.kinds.image.bases import Known, bases_of, stands_for
from reconciler.kinds.image.containers import image_of
from reconciler.kinds.image.context import IGNORE, digest_of, read_dockerfile
from reconciler.kinds.image.ignore import Malformed
from reconciler.kinds.image.inputs import inputs
from reconciler.kinds.image.loaded import archives
from reconciler.kinds.image.spec import Build, Commit, Import, Load, Recipe
from reconciler.kinds.labelled import declared_labels
from reconciler.kinds.reading import located
from reconciler.kinds.source import Pointer, Source, home
from reconciler.kinds.units import mapping
from reconciler.model import FrozenMap, How, Need, ResourceKey
from reconciler.secret import veiled
from reconciler.value import dataclass

Said = Mapping[str, Any]
_DOCKERFILE, _HERE = "Dockerfile", "."
_REMOTE = re.compile(r"[a-z][a-z0-9+.-]*://|git@|github\.com/")
"""What Compose would fetch."""


class Others(Known, Protocol):
    """The other images of the file, of which one may be made."""

    def reference(self, name: str) -> str:
        """Return what containers run for an image's name; a plain reference stands for itself."""


class Unusable(ValueError):
    """What an entry names is not there, or is something else."""

    def __init__(self, place: Pointer, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.place, self.message, self.hint = place, message, hint


@dataclass(frozen=True, slots=True)
class Recipes:
    """Reads the recipe of one entry, Unusable if it names nothing.

    What it brings along is gathered: `needs`, and the references to the images that it is made of, `bases`.
    """

    source: Source
    others: Others
    name: str
    needs: list[Need]
    bases: list[str]

    def recipe(self, pointer: Pointer, entry: Said) -> tuple[Recipe, str]:
        """Read the one source of an entry that is made here, with the digest of what goes in."""
        read: dict[str, Callable[[Pointer, Any], Recipe]] = {
            "build": self._build,
            "import": self._import,
            "load": self._load,
            "commit": self._commit,
        }
        place = (*pointer, kind := next(each for each in read if each in entry))
        try:
            recipe = read[kind](place, entry[kind])
            return recipe, inputs(recipe)
        except OSError as error:
            raise Unusable(place, f"cannot read {error.filename!r}: {error.strerror}") from error
        except UnicodeDecodeError as error:
            raise Unusable(place, "the Dockerfile is not UTF-8", "save the file as UTF-8") from error
        except Malformed as error:
            raise Unusable(place, f"the build's {IGNORE} cannot be read: {error}") from error

    def _build(self, pointer: Pointer, given: Any) -> Build:
        said, place = _long(pointer, given, "context")
        said = {"context": _HERE, **said}
        if _REMOTE.match(said["context"]):
            hint = "clone it first, and name the folder"
            raise Unusable(place, f"the build's context {said['context']!r} is not on this machine", hint)
        context = self._path(place, said["context"])
        if ".." in located(said["context"]).parts:
            hint = "write its absolute path, or put the file that says this beside it or above it"
            raise Unusable(place, f"the build's context {said['context']!r} leads out of the file's own folder", hint)
        if not context.is_dir():
            raise Unusable(place, f"the build's context {said['context']!r} is not a folder")
        args = FrozenMap(dict(self._args(pointer, said)))
        dockerfile = self._dockerfile(pointer, said, context)
        text, target = read_dockerfile(dockerfile), said.get("target", "")
        self._check(pointer, text, target)
        bases = bases_of(self.others, self.name, text, args)
        self.needs.extend(Need(ResourceKey("image", each), "build") for each in bases.values())
        stand_for = FrozenMap({ref: stands_for(ref, self.others.reference(each)) for ref, each in bases.items()})
        self.bases.extend(stand_for.values())
        return Build(
            context=str(context),
            dockerfile=str(dockerfile),
            args=args,
            target=target,
            labels=declared_labels(self.source, (*pointer, "labels"), said.get("labels")),
            no_cache=bool(said.get("no_cache")),
            network=_network(said.get("network", "")),
            bases=stand_for,
        )

    def _check(self, pointer: Pointer, text: str, target: str) -> None:
        """Note what a Dockerfile wants of BuildKit."""
        from reconciler.kinds.image.dockerfile import beyond_classic

        for number, what in beyond_classic(text, target):
            message = f"line {number} of the Dockerfile: {what} needs BuildKit, and builds use the classic builder"
            self.source.problem(pointer, message, "do without it, or build it elsewhere, and `pull` or `load` it")

    def _dockerfile(self, pointer: Pointer, said: Said, context: Path) -> Path:
        name: str = said.get("dockerfile", _DOCKERFILE)
        file = context / located(name)
        if not file.is_file():
            place, hint = (pointer, "say `dockerfile:`") if name == _DOCKERFILE else ((*pointer, "dockerfile"), "")
            raise Unusable(place, f"there is no {name} in {said['context']!r}", hint)
        if ".." in located(name).parts or not file.resolve().is_relative_to(context.resolve()):
            place = (*pointer, "dockerfile") if "dockerfile" in said else pointer
            raise Unusable(place, f"{name!r} is not in the build's context {said['context']!r}", "put it in there")
        return file

    def _args(self, pointer: Pointer, said: Said) -> dict[str, str]:
        declared, at = mapping(said.get("args")), (*pointer, "args")
        values = {arg: self.source.variable(at, arg) if text is None else text for arg, text in declared.items()}
        return {arg: veiled(arg, text) for arg, text in values.items() if text is not None}

    def _import(self, pointer: Pointer, given: Any) -> Import:
        said, place = _long(pointer, given, "path")
        path = self._path(place, said["path"])
        if not (path.is_file() or path.is_dir()):
            neither = "{!r} is neither a file nor a folder" if path.exists() else "there is no file or folder {!r}"
            raise Unusable(place, neither.format(said["path"]))
        if path.is_file():
            try:
                check_members(path)
            except ValueError as error:
                raise Unusable(place, f"{said['path']!r} {error}") from error
        return Import(str(path), tuple(said.get("changes") or ()))

    def _load(self, pointer: Pointer, given: Any) -> Load:
        path = self._path(pointer, given)
        if not path.is_file():
            raise Unusable(pointer, f"there is no file {given!r}")
        try:
            archive = self.source.once(archives).get(self.name) or read_archive(path)
        except ValueError as error:
            raise Unusable(pointer, f"{given!r} {error}") from error
        return Load(str(path), archive.ids)

    def _commit(self, pointer: Pointer, given: Any) -> Commit:
        said, place = _long(pointer, given, "container")
        container = said["container"]
        if not self.source.reference(place, "containers", container, "container"):
            return Commit()
        kinds = ("container", "process", "exec")
        self.needs.extend(Need(ResourceKey(kind, container), "commit", How.AFTER) for kind in kinds)
        entry = entry_of(self.source, container)
        image = image_of(self.source, container, entry.data)
        if image and image.name != self.name:
            self.needs.append(Need(image, "commit"))
            self.bases.append(self.others.reference(image.name))
        return Commit(
            container=self.source.live("containers", container),
            made_of=self._made_of(entry, image),
            changes=tuple(said.get("changes") or ()),
            message=said.get("message", ""),
            author=said.get("author", ""),
            pause=said.get("pause", True),
        )

    def _made_of(self, entry: Entry, image: ResourceKey | None) -> str:
        """Return the digest of what of a container goes into an image, the reference to its own image among it."""
        from reconciler.kinds.container.committed import committed  # which stands on the kind of the image

        said = committed(entry)
        return digest_of(said, self.others.reference(image.name) if image else "", salted=salt(said))

    def _path(self, pointer: Pointer, text: str) -> Path:
        try:
            return self.source.directory(pointer) / home(text)
        except ValueError as error:
            raise Unusable(pointer, str(error)) from error


def _network(said: str) -> str:
    """Return the network of a build, empty for Docker's own bridge, so that naming the default changes nothing."""
    return "" if said == "default" else said


def _long(pointer: Pointer, given: Any, name: str) -> tuple[Said, Pointer]:
    """Return the long form of a source, and the place of what it names."""
    if not isinstance(given, Mapping):
        return {name: given}, pointer
    return given, (*pointer, name) if name in given else pointer
