"""The digest of all that goes into an image: the same inputs, the same digest, wherever the file is.

With a secret among them it is another one on each machine: an image's tag is for all to see.
"""

from __future__ import annotations

import hashlib
from functools import singledispatch
from pathlib import Path

from reconciler.host.machine import salt
from reconciler.kinds.image.context import build_files, build_text, digest_file, digest_files, files, short
from reconciler.kinds.image.spec import Build, Commit, Import, Load, Pull, Recipe
from reconciler.model import spelled


@singledispatch
def inputs(recipe: Recipe) -> str:
    """Return the digest of a recipe and of the files that it names; an OSError if they cannot be read."""
    raise TypeError(recipe)


@inputs.register
def _(_recipe: Pull) -> str:
    return ""


@inputs.register
def _(recipe: Build) -> str:
    said = (recipe.args, recipe.target, recipe.labels, recipe.no_cache, recipe.network)
    digest = hashlib.sha256(salt(recipe) + spelled(("build", build_text(recipe), *said)).encode())
    digest_files(digest, Path(recipe.context), build_files(recipe))
    return short(digest)


@inputs.register
def _(recipe: Import) -> str:
    digest = hashlib.sha256(salt(recipe) + spelled(("import", recipe.changes)).encode())
    path = Path(recipe.path)
    if path.is_dir():
        digest_files(digest, path, files(path), owners=True)
    else:
        digest_file(digest, path)
    return short(digest)


@inputs.register
def _(recipe: Load) -> str:
    digest = hashlib.sha256(b"load")
    digest_file(digest, Path(recipe.path))
    return short(digest)


@inputs.register
def _(recipe: Commit) -> str:
    return short(hashlib.sha256(salt(recipe) + spelled(recipe).encode()))
