"""The attributes of an image, and the recipes by which one is had; pure."""

from __future__ import annotations

from collections.abc import Iterable

from reconciler.model import EMPTY, Claim, FrozenMap, Spec, secret, uncompared
from reconciler.value import dataclass


@dataclass(frozen=True)
class Pull(Spec):
    """From a registry: `always` asks it at every plan, `never` insists that the image is here."""

    policy: str = "missing"


@dataclass(frozen=True)
class Build(Spec):
    """From a Dockerfile; `bases` says what references in it stand for."""

    context: str = ""
    dockerfile: str = ""
    args: FrozenMap[str] = secret()
    target: str = ""
    labels: FrozenMap[str] = EMPTY
    no_cache: bool = False
    network: str = ""
    bases: FrozenMap[str] = EMPTY


@dataclass(frozen=True)
class Import(Spec):
    """From a root file system: a tar, a compressed one, or a folder."""

    path: str = ""
    changes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Load(Spec):
    """From an archive that `docker save` wrote; `ids` are those that its image may have here."""

    path: str = ""
    ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Commit(Spec):
    """From a container; `made_of` is the digest of how that one is declared."""

    container: str = ""
    made_of: str = ""
    changes: tuple[str, ...] = ()
    message: str = ""
    author: str = ""
    pause: bool = True


Recipe = Pull | Build | Import | Load | Commit


@dataclass(frozen=True)
class ImageSpec(Spec):
    """An image.

    `reference` is what containers run; `inputs` is the digest of all that goes in, empty where nothing is made here;
    `current` says that the registry has nothing newer, and that what it was made of is what is there now. `recipe` is
    how it is had, and `bases` are the references to the images that it was made of, which only the file tells;
    `repository` is where it has our tags.
    """

    reference: str = uncompared("")
    inputs: str = ""
    tags: tuple[str, ...] = ()
    current: bool = True
    recipe: Recipe | None = uncompared()
    repository: str = uncompared("")
    bases: tuple[str, ...] = uncompared(())

    def said(self, path: str) -> str:
        """Inputs are digests, and whether it is current depends on where it comes from."""
        newer = "the registry has a newer one" if isinstance(self.recipe, Pull) else "what it is built on has changed"
        return {"inputs": "what goes into it has changed", "current": newer}.get(path, "")


def tag_claims(tags: Iterable[str]) -> list[Claim]:
    """Return the claims of an image on its tags: a tag points to one image."""
    return [Claim(f"tag {tag}", label=f"image tag {tag}") for tag in tags]
