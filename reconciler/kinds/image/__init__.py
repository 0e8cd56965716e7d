"""Images: built, pulled, imported, loaded and committed; ours by a tag that carries the digest of their inputs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from reconciler.kinds.base import Kind, Result, Told
from reconciler.kinds.effects import one_by_one
from reconciler.kinds.image.parse import images
from reconciler.kinds.image.spec import ImageSpec
from reconciler.kinds.source import Source
from reconciler.model import Resource, Step

if TYPE_CHECKING:
    from reconciler.host import Host
    from reconciler.host.scope import Scope

_SHORT_ID = 12


class ImageKind(Kind):
    """An image."""

    name = "image"
    spec = ImageSpec
    section = "images"
    uses = frozenset(("engine",))
    irrecoverable = True
    create_before_delete = True
    tentative = True

    def parse(self, source: Source) -> Iterable[Resource]:
        """Read the entries of `images`, what containers build, and the plain references that they run."""
        return images(source)

    def observe(self, scope: Scope) -> Iterable[Resource]:
        """Ours by our tags; pulled and external ones by their references; whatever has a declared tag."""
        from reconciler.kinds.image.look import Live

        return Live(scope).resources()

    def mutable(self, path: str, observed: Resource, desired: Resource) -> bool:
        """Only tags can be moved."""
        del observed, desired
        return path == "tags"

    def tell(self, resource: Resource) -> Told:
        """Its id, and its tags but for those by which it is ours."""
        live = resource.live
        identity = str(live.get("id") or "").removeprefix("sha256:")[:_SHORT_ID]
        return Told((identity, *(each for each in live.get("tags") or () if each not in (live.get("own") or {}))))

    def create(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Make or pull each; one that comes out as it was before is unchanged."""
        from reconciler.kinds.image.effects import created

        return one_by_one(host, steps, created)

    def update(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Give and take tags."""
        from reconciler.kinds.image.effects import retagged

        return one_by_one(host, steps, retagged)

    def delete(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        """Remove our tags, and with the last one the image; what was pulled stays."""
        from reconciler.kinds.image.effects import deleted

        return one_by_one(host, steps, deleted)


KIND = ImageKind()
