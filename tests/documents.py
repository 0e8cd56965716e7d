"""Topology files in a folder of their own, read as documents: what is in them, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from reconciler.errors import FileInvalid
from reconciler.topology.document import Document, read


def write(**files: str | bytes) -> None:
    for name, content in files.items():
        path = Path(name.replace("__", "/") + ("" if name.startswith(".") else ".yaml"))
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def document(text: str | bytes, *, name: str | None = None, **environment: str) -> Document:
    write(t=text)
    found = read("t.yaml", environment=environment, name=name)
    if found.problems:
        raise FileInvalid(found.problems)
    return found


def data(text: str, **environment: str) -> dict[str, Any]:
    return document(text, **environment).data


def problems(text: str | bytes | None = None, **environment: str) -> list[str]:
    if text is not None:
        write(t=text)
    try:
        found = read("t.yaml", environment=environment).problems
    except FileInvalid as error:
        found = error.problems
    assert found
    return [str(each) for each in sorted(set(found))]
