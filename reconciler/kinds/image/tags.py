"""Tagging images and removing tags: what is not ours keeps its names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from reconciler.errors import StepFailed
from reconciler.kinds.calls import patiently, status
from reconciler.kinds.image.look import image_id
from reconciler.kinds.image.references import mark_tag, split
from reconciler.kinds.image.sweep import ONE_AT_A_TIME

if TYPE_CHECKING:
    from docker.api.client import APIClient

_NOT_FOUND, _IN_USE = 404, 409


def ids_of(api: APIClient, tags: Iterable[str]) -> dict[str, str]:
    """Say where tags point to."""
    return {tag: image_id(api, tag) for tag in tags}


def give(api: APIClient, identity: str, repository: str, before: Mapping[str, str]) -> None:
    """Give an image its declared tags, each after its mark; one that it had before from elsewhere stays unmarked."""
    for tag, pointed_to in before.items():
        mark = mark_tag(tag)
        if pointed_to != identity or image_id(api, f"{repository}:{mark}"):
            with ONE_AT_A_TIME:
                api.tag(identity, repository, mark)
                api.tag(identity, *split(tag))


def take(api: APIClient, identity: str, repository: str, tags: Iterable[str]) -> None:
    """Take tags from an image, where they are still there, and their marks after them."""
    for tag in tags:
        mark = f"{repository}:{mark_tag(tag)}"
        remove(api, {tag: identity})
        remove(api, {mark: image_id(api, mark)})


def remove(api: APIClient, references: Mapping[str, str], *, keep: Collection[str] = ()) -> None:
    """Remove references that still point to the given ids; the engine removes an image with its last one."""
    for reference, identity in references.items():
        if reference not in keep and identity:
            _remove(api, reference, identity)


def _remove(api: APIClient, reference: str, identity: str) -> None:
    try:
        patiently(lambda: _remove_if_there(api, reference, identity), passing=lambda error: status(error) == _IN_USE)
    except Exception as error:
        if status(error) == _NOT_FOUND or not image_id(api, identity):  # it went meanwhile
            return
        if status(error) == _IN_USE:
            rows = api.containers(all=True, filters={"ancestor": identity})
            names = ", ".join(sorted(each["Names"][0].removeprefix("/") for each in rows)) or "something"
            raise StepFailed(f"{names} still runs it, and is not ours: remove that first, then run again") from error
        raise


def _remove_if_there(api: APIClient, reference: str, identity: str) -> None:
    with ONE_AT_A_TIME:
        if image_id(api, reference) == identity:
            api.remove_image(reference, noprune=True)
