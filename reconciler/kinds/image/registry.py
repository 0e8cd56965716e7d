"""Whether registries have newer images than those that are here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from reconciler.kinds.calls import status
from reconciler.kinds.image.spec import ImageSpec, Pull

if TYPE_CHECKING:
    from reconciler.host.engine import Engine
    from reconciler.host.scope import Scope


def newest(scope: Scope, specs: Iterable[ImageSpec]) -> dict[str, str]:
    """Ask at once for all images that are to be as new as their registry's: the digests by their references."""
    asked = [
        each.reference
        for each in specs
        if isinstance(each.recipe, Pull) and each.recipe.policy == "always" and "@" not in each.reference
    ]
    return dict(zip(asked, scope.concurrently(partial(digest_there, scope.engine), asked), strict=True))


def digest_there(engine: Engine, reference: str) -> str:
    """Return the digest that a registry has for a reference; empty if it does not say, which the pull will."""
    from reconciler.host.engine.asked import Backoff
    from reconciler.host.engine.errors import AnswerLost
    from reconciler.host.engine.sdk import explained

    backoff = Backoff(engine.patience, engine.stop)
    while True:
        try:
            return str(engine.api.inspect_distribution(reference)["Descriptor"]["digest"])
        except Exception as error:
            if status(error):
                return ""
            if not isinstance(explained(error), AnswerLost) or not backoff.again():
                raise


def has_digest(row: Mapping[str, Any], digest: str) -> bool:
    """Tell whether an image that was listed or inspected is what a registry has under a digest."""
    return digest in {each.partition("@")[2] for each in row.get("RepoDigests") or ()}
