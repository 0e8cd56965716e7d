"""Making images: each recipe yields an image under the reference that containers run."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.errors import StepFailed
from reconciler.host.marks import LABELS
from reconciler.kinds.image.context import files, write_context, write_tar
from reconciler.kinds.image.inputs import inputs
from reconciler.kinds.image.look import image_id
from reconciler.kinds.image.references import split, stage_tag
from reconciler.kinds.image.spec import Build, Commit, ImageSpec, Import, Load, Pull
from reconciler.kinds.image.stream import Built, lines, messages
from reconciler.kinds.image.sweep import forget, lineage, listed

if TYPE_CHECKING:
    from docker.api.client import APIClient

_LOADED = ("Loaded image ID: ", "Loaded image: ")


def make(api: APIClient, spec: ImageSpec) -> None:
    """Make or pull an image, so that its reference points to it; StepFailed says what to do."""
    if spec.recipe is None:
        raise StepFailed("it cannot be made again without the file that declared it")
    if inputs(spec.recipe) != spec.inputs:
        raise StepFailed("its files have changed since the topology was read: run again")
    _MAKERS[type(spec.recipe)](api, spec, spec.recipe)


def _pull(api: APIClient, spec: ImageSpec, recipe: Pull) -> None:
    if recipe.policy == "never":
        if not image_id(api, spec.reference):
            raise StepFailed(f"{spec.reference} is not here, and is never pulled: load it, or allow `missing`")
        return
    try:
        for _ in lines(api.pull(spec.reference, stream=True, decode=True)):
            pass
    except Exception as error:
        raise StepFailed(f"{spec.reference} cannot be pulled: {_text(error)}") from error


def _build(api: APIClient, spec: ImageSpec, recipe: Build) -> None:
    built = Built()
    with tempfile.TemporaryFile() as context:
        dockerfile = write_context(context, recipe)
        stream = api.build(
            fileobj=context,
            custom_context=True,
            dockerfile=dockerfile,
            tag=spec.reference,
            nocache=recipe.no_cache,
            rm=True,
            forcerm=True,
            decode=True,
            buildargs=dict(recipe.args),
            target=recipe.target or None,
            labels=dict(recipe.labels),
            network_mode=recipe.network or None,
        )
        try:
            for line in lines(stream):
                built.read(line)
        except BaseException:
            forget(api, reversed(built.made))
            raise
    _keep_stages(api, spec, built.made)


def _keep_stages(api: APIClient, spec: ImageSpec, made: list[str]) -> None:
    """Tag the last image of each other stage: it serves the next build as a cache, and is removed with the image."""
    rows = listed(api)
    inside = set(lineage(rows, [image_id(api, spec.reference)]))
    found = dict.fromkeys(identity for each in made if (identity := image_id(api, each)))
    below = {each for identity in found for each in lineage(rows, [identity])[1:]}
    for number, identity in enumerate(each for each in found if each not in inside | below):
        api.tag(identity, spec.repository, stage_tag(spec.inputs, number))


def _import(api: APIClient, spec: ImageSpec, recipe: Import) -> None:
    with tempfile.NamedTemporaryFile() as packed:
        path = Path(recipe.path)
        if path.is_dir():
            write_tar(packed, path, files(path))
            path = Path(packed.name)
        repository, tag = split(spec.reference)
        answer = api.import_image_from_file(str(path), repository, tag, list(recipe.changes))
    for _ in lines(messages(answer)):
        pass


def _load(api: APIClient, spec: ImageSpec, recipe: Load) -> None:
    loaded = ""
    with Path(recipe.path).open("rb") as archive:
        for line in lines(api.load_image(archive)):
            for start in _LOADED:
                loaded = line.removeprefix(start) if line.startswith(start) else loaded
    api.tag(loaded, *split(spec.reference))


def _commit(api: APIClient, spec: ImageSpec, recipe: Commit) -> None:
    labels = api.inspect_container(recipe.container)["Config"].get("Labels") or {}
    # The engine merges the container's labels in whatever it is told: our marks can only be emptied.
    emptied = [f'LABEL {name}=""' for name in sorted(labels) if name.startswith(LABELS)]
    repository, tag = split(spec.reference)
    api.commit(
        recipe.container,
        repository,
        tag,
        message=recipe.message,
        author=recipe.author,
        pause=recipe.pause,
        changes=[*recipe.changes, *emptied],
    )


def _text(error: Exception) -> str:
    return str(getattr(error, "explanation", None) or error).strip()


_MAKERS: dict[type, Callable[[Any, ImageSpec, Any], None]] = {
    Pull: _pull,
    Build: _build,
    Import: _import,
    Load: _load,
    Commit: _commit,
}
