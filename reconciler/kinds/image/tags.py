"""Tagging images and removing tags: what is not ours keeps its names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from reconciler.errors import Conflict, StepFailed
from reconciler.host.engine.errors import CONFLICT, NOT_FOUND
from reconciler.kinds.calls import patiently, status
from reconciler.kinds.image.look import image_id, inspected, tags
from reconciler.kinds.image.references import mark_tag, root, split
from reconciler.kinds.image.sweep import ONE_AT_A_TIME

if TYPE_CHECKING:
    from reconciler.host.engine import Engine


def ids_of(engine: Engine, some: Iterable[str]) -> dict[str, str]:
    """Say where tags point to."""
    return {tag: image_id(engine, tag) for tag in some}


def insist_on_ours(engine: Engine, topology: str, tagged: Mapping[str, str], known: Collection[str]) -> None:
    """Raise Conflict where a tag that is about to be given has come to be that of an image that is not ours.

    One that carries a mark of ours is put back, wherever it points to, and one of a known image is given to no other.
    """
    foreign = [tag for tag, identity in tagged.items() if identity and identity not in known]
    marked = {split(each)[1] for each in _ours(engine, topology)} if foreign else set()
    for tag in foreign:
        if mark_tag(tag) not in marked:
            raise Conflict(f"an image {tag} that is not ours came in between: remove its tag, or choose another")


def _ours(engine: Engine, topology: str) -> list[str]:
    return [tag for row in engine.images.list() for tag in tags(row) if tag.startswith(root(topology))]


def give(engine: Engine, identity: str, repository: str, before: Mapping[str, str]) -> None:
    """Give an image its declared tags, each after its mark; one that it had before from elsewhere stays unmarked."""
    for tag, pointed_to in before.items():
        mark = mark_tag(tag)
        if pointed_to != identity or image_id(engine, f"{repository}:{mark}"):
            with ONE_AT_A_TIME:
                engine.images.tag(identity, repository, mark)
                engine.images.tag(identity, *split(tag))


def take(engine: Engine, repository: str, given: Mapping[str, str], own: Mapping[str, str]) -> None:
    """Take tags from images, where they are still there, and their marks after them."""
    for tag, identity in given.items():
        mark = f"{repository}:{mark_tag(tag)}"
        remove(engine, {tag: identity})
        remove(engine, {mark: own.get(mark, identity)})


def insist_on_rest(engine: Engine, identity: str, going: Collection[str]) -> None:
    """Raise StepFailed where an image would lose its last name and something runs it: so it keeps all of them."""

    def look() -> None:
        here = tags(inspected(engine, identity)) if identity else ()
        if here and set(here).issubset(going) and (names := _who_runs(engine, identity)):
            raise StepFailed(f"{names} still runs it: remove that first, then run again")

    patiently(engine, look, passing=lambda error: isinstance(error, StepFailed))


def remove(engine: Engine, references: Mapping[str, str], *, keep: Collection[str] = ()) -> None:
    """Remove references that still point to the given ids; the engine removes an image with its last one."""
    for reference, identity in references.items():
        if reference not in keep and identity:
            _remove(engine, reference, identity)


def _remove(engine: Engine, reference: str, identity: str) -> None:
    try:
        patiently(
            engine,
            lambda: _remove_if_there(engine, reference, identity),
            passing=lambda error: status(error) == CONFLICT,
        )
    except Exception as error:
        if (status(error) == NOT_FOUND or not image_id(engine, identity)) and not image_id(engine, reference):
            return  # it went meanwhile
        if status(error) == CONFLICT and (names := _who_runs(engine, identity)):
            raise StepFailed(f"{names} still runs it: remove that first, then run again") from error
        raise


def _who_runs(engine: Engine, identity: str) -> str:
    """Name the containers of an image; those of one that was built on it are not among them."""
    rows = (each for each in engine.containers.list(ancestor=identity) if each["ImageID"] == identity)
    return ", ".join(sorted(each["Names"][0].removeprefix("/") for each in rows))


def _remove_if_there(engine: Engine, reference: str, identity: str) -> None:
    with ONE_AT_A_TIME:
        if image_id(engine, reference) == identity:
            engine.images.remove(reference)
