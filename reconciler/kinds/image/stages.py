"""What a build makes on its way: each image is ours by a tag as soon as the engine tells of it, whatever kills us."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import field
from typing import TYPE_CHECKING, Any

from reconciler.host.engine.errors import NOT_FOUND
from reconciler.kinds.calls import status
from reconciler.kinds.image.references import split, stage_of, stage_tag
from reconciler.kinds.image.rows import image_id, tags
from reconciler.kinds.image.sweep import Rows, lineage, listed, sweep, upon
from reconciler.kinds.image.tags import remove
from reconciler.value import dataclass

if TYPE_CHECKING:
    from reconciler.host.engine import Engine
    from reconciler.kinds.image.spec import ImageSpec

_DIGITS = 12
"""How many digits of its id number the tag of an image that is held."""
_ALGORITHM = "sha256:"
_OF_THE_STEP = ("Hostname", "Image")
"""What the configuration of an image says of the step that made it."""


@dataclass
class Stages:
    """The tags of one build, those that an earlier try left among them."""

    engine: Engine
    spec: ImageSpec
    before: frozenset[str] = field(init=False)
    given: list[str] = field(default_factory=list)
    cached: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """See what is there already."""
        self.before = frozenset(self._tagged())

    def take(self, identity: str, *, cached: bool) -> None:
        """Tag an image that the build has just made; what it found in its cache may be anybody's, and can wait."""
        if cached:
            self.cached.append(identity)
        elif tag := _tag(self.engine, self.spec, identity, len(self.before) + len(self.given)):
            self.given.append(tag)

    def keep_ends(self) -> None:
        """Leave the tag of each other stage's last image only: it serves the next build as a cache.

        And that of what a killed build stood on where the engine ended its step beside ours: a deletion finds it by it.
        """
        rows = listed(self.engine)
        inside = set(lineage(rows, [image_id(self.engine, self.spec.reference)]))
        for each in self.cached:
            if not any(identity.startswith(f"{_ALGORITHM}{each}") for identity in inside):
                self.take(each, cached=False)
        tagged = self._tagged()
        doubled = self._doubled(rows, tagged) if self.before else ()
        below = {each for identity in tagged.values() for each in lineage(rows, [identity])[1:]}
        kept: set[str] = set()
        for tag, identity in sorted(tagged.items()):
            if identity in kept or (identity in inside | below and identity not in doubled):
                remove(self.engine, {tag: identity})
            kept.add(identity)

    def abandon(self) -> None:
        """Remove what this build has made."""
        made = {tag: image_id(self.engine, tag) for tag in reversed(self.given)}
        remove(self.engine, made)
        sweep(self.engine, made.values())

    def _doubled(self, rows: Rows, tagged: Mapping[str, str]) -> set[str]:
        """Return those of our images on which nameless ones stand that lead to none that has a name."""
        ends = set(lineage(rows, (identity for identity, row in rows.items() if tags(row))))
        ours = set(tagged.values())
        nearest = (lineage(rows, [each]) for each in upon(rows, ours) if each not in ends)
        return {next(each for each in found if each in ours) for found in nearest}

    def _tagged(self) -> dict[str, str]:
        found = {tag: identity for identity, row in listed(self.engine).items() for tag in tags(row)}
        return {tag: identity for tag, identity in found.items() if self._is_stage(tag)}

    def _is_stage(self, reference: str) -> bool:
        repository, tag = split(reference)
        return repository == self.spec.repository and stage_of(tag) == self.spec.inputs


def hold(engine: Engine, spec: ImageSpec, identities: Iterable[str]) -> dict[str, str]:
    """Give images a tag each: by it they, and what stands on them, stay ours until it goes as the last."""
    given = {_tag(engine, spec, identity, _number(identity)): identity for identity in identities}
    return {tag: identity for tag, identity in given.items() if tag}


def keep_twins(engine: Engine, spec: ImageSpec, before: Rows, known: set[str]) -> None:
    """Tag what the engine has made beside an image for a run that was killed, and is the same: it goes with that image.

    It is none of the `known` ones, nor was it there `before`, but under a name of ours that the new one has taken.
    """
    rows = listed(engine)
    inside, below = set(lineage(rows, known)), {row.get("ParentId") for row in rows.values()}
    for identity in rows.keys() - below - inside:
        robbed = {split(each)[0] for each in tags(before.get(identity, {}))} == {spec.repository}
        if tags(rows[identity]) or not (identity not in before or robbed):
            continue
        alike = (each for each in inside if rows[each]["Size"] == rows[identity]["Size"])
        if any(_content(engine, each) == _content(engine, identity) for each in alike):
            _tag(engine, spec, identity, _number(identity))


def _content(engine: Engine, identity: str) -> Any:
    """Return what is in an image, whenever it was made and on what."""
    found = engine.images.inspect(identity)
    config = {name: each for name, each in (found.get("Config") or {}).items() if name not in _OF_THE_STEP}
    return found.get("RootFS"), config


def _number(identity: str) -> int:
    """Number an image by its id, so that it gets the same tag again after a kill."""
    return int(identity[-_DIGITS:], 16)


def _tag(engine: Engine, spec: ImageSpec, identity: str, number: int) -> str:
    """Tag an image as a stage of a build, and return the tag; empty if the image is gone again already."""
    tag = stage_tag(spec.inputs, number)
    try:
        engine.images.tag(identity, spec.repository, tag)
    except Exception as error:
        if status(error) != NOT_FOUND:
            raise
        return ""
    return f"{spec.repository}:{tag}"
