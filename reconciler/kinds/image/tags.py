"""Tagging images and removing tags: what is not ours keeps its names."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING

from reconciler.errors import Conflict, StepFailed
from reconciler.host.engine.errors import CONFLICT, NOT_FOUND
from reconciler.kinds.calls import patiently, status
from reconciler.kinds.image.references import mark_tag, root, split
from reconciler.kinds.image.rows import image_id, tags
from reconciler.kinds.image.sweep import ONE_AT_A_TIME

if TYPE_CHECKING:
    from reconciler.host.engine import Engine
    from reconciler.kinds.image.ownership import Held


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


def marked_elsewhere(engine: Engine, topology: str, repository: str) -> frozenset[str]:
    """Return the marks of the tags that other images of a topology have from us: one that is the same may get them.

    Look before the tags themselves: of two that change at once the one takes a tag, and its mark after it.
    """
    taken_apart = (split(each) for each in _ours(engine, topology))
    return frozenset(tag for name, tag in taken_apart if name != repository)


def give(
    engine: Engine, identity: str, repository: str, before: Mapping[str, str], theirs: Collection[str] = ()
) -> None:
    """Give an image its declared tags, each after its mark.

    One that it had before from elsewhere stays unmarked, but for `theirs`, which others have from us.
    """
    for tag, pointed_to in before.items():
        mark = mark_tag(tag)
        if pointed_to != identity or mark in theirs or image_id(engine, f"{repository}:{mark}"):
            with ONE_AT_A_TIME:
                engine.images.tag(identity, repository, mark)
                engine.images.tag(identity, *split(tag))


def take(engine: Engine, topology: str, held: Held, declared: Collection[str]) -> None:
    """Take the tags that are declared no more from an image, where they are still there, and their marks after them.

    One that another image of ours has by now stays with that, as does what the file knows an image of others by.
    """
    for tag, identity in held.given.items():
        if tag in declared:
            continue
        name = mark_tag(tag)
        mark = f"{held.repository}:{name}"
        if tag not in held.known:
            _remove(engine, tag, identity, partial(_is_elsewhere, engine, topology, held.repository, name))
        remove(engine, {mark: held.own.get(mark, identity)})


def _is_elsewhere(engine: Engine, topology: str, repository: str, mark: str) -> bool:
    return mark in marked_elsewhere(engine, topology, repository)


def insist_on_rest(engine: Engine, held: Held) -> None:
    """Raise StepFailed where an image would lose its last name and something runs it: so it keeps all of them."""

    def look() -> None:
        here = tags(engine.images.inspect(held.identity)) if held.identity else ()
        if here and held.going.issuperset(here) and (names := _who_runs(engine, held.identity)):
            raise StepFailed(f"{names} still runs it: remove that first, then run again")

    patiently(engine, look, passing=lambda error: isinstance(error, StepFailed))


def remove(engine: Engine, references: Mapping[str, str], *, keep: Collection[str] = ()) -> None:
    """Remove references that still point to the given ids; the engine removes an image with its last one."""
    for reference, identity in references.items():
        if reference not in keep and identity:
            _remove(engine, reference, identity)


def _remove(engine: Engine, reference: str, identity: str, unless: Callable[[], bool] = lambda: False) -> None:
    try:
        patiently(
            engine,
            lambda: _remove_if_there(engine, reference, identity, unless),
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


def _remove_if_there(engine: Engine, reference: str, identity: str, unless: Callable[[], bool]) -> None:
    with ONE_AT_A_TIME:
        if image_id(engine, reference) == identity and not unless():
            engine.images.remove(reference)
