"""References to images: their one normal form, and the tags by which we know what is ours; pure."""

from __future__ import annotations

import hashlib
import re

_COMPONENT = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_HOST = r"(?:localhost|[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)+|[a-zA-Z0-9-]+(?=:)|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_REFERENCE = re.compile(
    rf"(?:(?P<host>{_HOST})/)?(?P<path>{_COMPONENT}(?:/{_COMPONENT})*)"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?P<digest>@[a-z0-9]+:[0-9a-f]{32,})?",
    re.ASCII,
)
_ID = re.compile(r"(?:sha256:)?[0-9a-f]{64}")
_HUB = ("docker.io", "index.docker.io")
ROOT = "reconciler"
_INPUTS, _TAG, _STAGE, _BASE = "in-", "tag-", "stage-", "base-"
_LONGEST = 64
_OUR_PARTS = 3
"""Of a repository of ours: the word for all of them, the topology, the image."""
_DIGEST = 6
_SHORT = 12


def normal(reference: str) -> str:
    """Write a reference as the engine lists it (`busybox` is `busybox:latest`); a ValueError if it is none."""
    if _ID.fullmatch(reference):
        return f"sha256:{reference.removeprefix('sha256:')}"
    found = _REFERENCE.fullmatch(reference)
    if not found:
        raise ValueError(f"{reference!r} is not a reference to an image")
    host, path = found["host"] or "", found["path"]
    if host in (*_HUB, ""):
        host, path = "", path.removeprefix("library/")
    name = f"{host}/{path}" if host else path
    if found["digest"]:
        return f"{name}{found['digest']}"
    return f"{name}:{found['tag'] or 'latest'}"


def is_tag(reference: str) -> bool:
    """Tell whether an image can be given a name like this: an id and a digest are none, nor are tags of our own."""
    found = _REFERENCE.fullmatch(reference)
    if not found or found["digest"] or _ID.fullmatch(reference):
        return False
    return not normal(reference).startswith(f"{ROOT}/")


def split(reference: str) -> tuple[str, str]:
    """Take a normal reference with a tag apart."""
    name, _, tag = reference.rpartition(":")
    return name, tag


def key_or_reference(reference: str) -> str:
    """Write a reference for people: one of ours as the image's key, any other as it is."""
    parts = parts_of(reference)
    return f"image/{parts[1]}" if parts else reference


def parts_of(reference: str) -> tuple[str, str] | None:
    """Take the topology and the image, as they stand there, out of the reference of a tag of ours; None of another."""
    parts = split(reference)[0].split("/")
    return (parts[1], parts[2]) if parts[0] == ROOT and len(parts) == _OUR_PARTS else None


def may_be_of(said: str, name: str, reference: str) -> bool:
    """Tell whether a container may have been made of an image of the file: `said` is what the engine was told to run.

    That is the entry of that name, another one with the same inputs, or the very reference.
    """
    if said == reference or key_or_reference(said) == f"image/{component(name)}":
        return True
    (one, digest), (other, inputs) = split(said), split(reference)
    return one.startswith(f"{ROOT}/") and other.startswith(f"{ROOT}/") and digest == inputs


def root(topology: str) -> str:
    """Return what the repositories of our own tags begin with."""
    return f"{ROOT}/{component(topology)}/"


def component(name: str) -> str:
    """Write a name so that it can be a part of a repository; one that had to be changed gets a digest."""
    if re.fullmatch(_COMPONENT, name) and len(name) <= _LONGEST:
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:_DIGEST]
    readable = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:_LONGEST].strip("-")
    return f"{readable}-{digest}" if readable else digest


def inputs_tag(digest: str) -> str:
    """Return the tag that says from which inputs an image was made."""
    return f"{_INPUTS}{digest}"


def inputs_of(tag: str) -> str:
    """Return the digest of the inputs out of a tag; empty if it is another one."""
    return tag.removeprefix(_INPUTS) if tag.startswith(_INPUTS) else ""


def stage_tag(digest: str, number: int) -> str:
    """Return the tag that keeps a stage of a build, which would dangle otherwise."""
    return f"{_STAGE}{digest}-{number}"


def stage_of(tag: str) -> str:
    """Return the digest of the inputs whose build a tag keeps a stage of; empty if it is another one."""
    return tag.removeprefix(_STAGE).partition("-")[0] if tag.startswith(_STAGE) else ""


def base_tag(digest: str, reference: str, identity: str) -> str:
    """Return the tag that says of which image another was made: what a reference pointed to at that time."""
    return f"{bases_tag(digest, reference)}{identity.removeprefix('sha256:')[:_SHORT]}"


def bases_tag(digest: str, reference: str) -> str:
    """Return what such tags of one image and one reference begin with."""
    return f"{_BASE}{digest}-{_hashed(reference)}-"


def belongs_to(tag: str) -> str:
    """Return the digest of the inputs of the image that a tag is there for; empty if it is there for none."""
    if tag.startswith(_BASE):
        return tag.removeprefix(_BASE).partition("-")[0]
    return inputs_of(tag) or stage_of(tag)


def is_base(tag: str) -> bool:
    """Tell whether a tag of ours says of what an image was made."""
    return tag.startswith(_BASE)


def mark_tag(reference: str) -> str:
    """Return the tag that says of a declared tag of an image that we made it."""
    return f"{_TAG}{_hashed(reference)}"


def _hashed(reference: str) -> str:
    return hashlib.sha256(reference.encode()).hexdigest()[:_SHORT]


def is_mark(tag: str) -> bool:
    """Tell whether a tag of ours stands for a declared one."""
    return tag.startswith(_TAG)
