"""Making images: each recipe yields an image under the reference that containers run."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.errors import Interrupted, StepFailed
from reconciler.host.marks import LABELS
from reconciler.kinds.image.context import files, write_context, write_tar
from reconciler.kinds.image.inputs import inputs
from reconciler.kinds.image.references import base_tag, inputs_tag, split
from reconciler.kinds.image.rows import image_id
from reconciler.kinds.image.spec import Build, Commit, ImageSpec, Import, Load, Pull
from reconciler.kinds.image.stages import Stages
from reconciler.kinds.image.stream import Built, lines, messages

if TYPE_CHECKING:
    from reconciler.host.engine import Engine

_LOADED = ("Loaded image ID: ", "Loaded image: ")


def make(engine: Engine, spec: ImageSpec) -> None:
    """Make or pull an image, so that its reference points to it; StepFailed says what to do."""
    if spec.recipe is None:
        raise StepFailed("it cannot be made again without the file that declared it")
    if inputs(spec.recipe) != spec.inputs:
        raise StepFailed("its files have changed since the topology was read: run again")
    try:
        _MAKERS[type(spec.recipe)](engine, spec, spec.recipe)
    except Exception as error:
        if engine.stop.is_set():
            raise Interrupted("interrupted while it was made") from error
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            where = f"{tempfile.gettempdir()}, where it is packed for the engine"
            raise StepFailed(f"{error.strerror} in {where}: make room, or set TMPDIR") from error
        raise


def _pull(engine: Engine, spec: ImageSpec, recipe: Pull) -> None:
    if recipe.policy == "never":
        if not image_id(engine, spec.reference):
            raise StepFailed(f"{spec.reference} is not here, and is never pulled: load it, or allow `missing`")
        return
    try:
        with engine.long_call() as api:
            for _ in lines(api.pull(spec.reference, stream=True, decode=True)):
                pass
    except Exception as error:
        raise StepFailed(f"{spec.reference} cannot be pulled: {_text(error)}{_hint(error)}") from error


def _build(engine: Engine, spec: ImageSpec, recipe: Build) -> None:
    built, stages = Built(), Stages(engine, spec)
    bases = {each: image_id(engine, each) for each in spec.bases}  # one that changes meanwhile is seen later
    try:
        with tempfile.TemporaryFile() as context, engine.long_call() as api:
            dockerfile = write_context(context, recipe)
            stream = api.build(
                fileobj=context,
                custom_context=True,
                dockerfile=dockerfile,
                nocache=recipe.no_cache,
                rm=True,
                forcerm=True,
                decode=True,
                buildargs=dict(recipe.args),
                target=recipe.target or None,
                labels=dict(recipe.labels),
                network_mode=recipe.network or None,
            )
            for line in lines(stream):
                if image := built.read(line):
                    stages.take(image, cached=built.cached)
        for tag in (*(base_tag(spec.inputs, *each) for each in bases.items() if each[1]), inputs_tag(spec.inputs)):
            engine.images.tag(built.whole, spec.repository, tag)  # what it stands on comes before what says it is there
    except BaseException:
        stages.abandon()
        raise
    stages.keep_ends()


def _import(engine: Engine, spec: ImageSpec, recipe: Import) -> None:
    with tempfile.TemporaryFile() as packed:
        path = Path(recipe.path)
        if path.is_dir():
            write_tar(packed, path, files(path), extra={}, owners=True)
            packed.flush()
            path = Path(f"/proc/self/fd/{packed.fileno()}")  # it has no name that a kill could leave behind
        repository, tag = split(spec.reference)
        answer = engine.api.import_image_from_file(str(path), repository, tag, list(recipe.changes))
    for _ in lines(messages(answer)):
        pass


def _load(engine: Engine, spec: ImageSpec, recipe: Load) -> None:
    loaded = ""
    with Path(recipe.path).open("rb") as archive:
        for line in lines(engine.api.load_image(archive)):
            for start in _LOADED:
                loaded = line.removeprefix(start) if line.startswith(start) else loaded
    engine.images.tag(loaded, *split(spec.reference))


def _commit(engine: Engine, spec: ImageSpec, recipe: Commit) -> None:
    inspected = engine.containers.inspect(recipe.container)
    labels = inspected["Config"].get("Labels") or {}
    # The engine merges the container's labels in whatever it is told: our marks can only be emptied.
    emptied = [f'LABEL {name}=""' for name in sorted(labels) if name.startswith(LABELS)]
    bases = (base_tag(spec.inputs, each, inspected["Image"]) for each in spec.bases)
    first, *others = (*bases, inputs_tag(spec.inputs))  # what it stands on comes before what says it is there
    made = f"{spec.repository}:{first}"
    if image_id(engine, spec.reference) or not image_id(engine, made):  # else only its last tag was never given
        engine.api.commit(
            recipe.container,
            spec.repository,
            first,
            message=recipe.message,
            author=recipe.author,
            pause=recipe.pause,
            changes=[*recipe.changes, *emptied],
        )
    for tag in others:
        engine.images.tag(made, spec.repository, tag)


_HINTS = {
    "connection refused": "is its registry up, and the address right?",
    "no such host": "is the registry's name right?",
    "network is unreachable": "the engine has no way there: load or build it, or mend the network",
    "i/o timeout": "the engine has no way there: load or build it, or mend the network",
    "too long": "is its registry well?",
    "unknown": "see its name and its tag",
    "not found": "see its name and its tag",
    "denied": "`docker login`, or see its name",
    "unauthorized": "`docker login`, or see its name",
}


def _hint(error: Exception) -> str:
    text = _text(error).lower()
    return next((f" ({hint})" for words, hint in _HINTS.items() if words in text), "")


def _text(error: Exception) -> str:
    from reconciler.host.engine.sdk import explained

    return str(explained(error) or error).strip()


_MAKERS: dict[type, Callable[[Any, ImageSpec, Any], None]] = {
    Pull: _pull,
    Build: _build,
    Import: _import,
    Load: _load,
    Commit: _commit,
}
