"""Memory file systems: `tmpfs`, by path, with the options of a mount; pure."""

from __future__ import annotations

import re

from reconciler.kinds import units
from reconciler.kinds.container.volumes import Mounts
from reconciler.kinds.entry import Entry
from reconciler.model import FrozenMap

_NUMBER = "(0[xX][0-9a-fA-F]+|[0-9]+)"
_COUNT = re.compile(f"{_NUMBER}[kKmMgGtTpPeE]?")
_OPTIONS = {
    "size": (re.compile(f"{_COUNT.pattern}%?"), "64m"),
    "nr_blocks": (_COUNT, "16k"),
    "nr_inodes": (_COUNT, "10k"),
    "mode": (re.compile("[0-7]+"), "1777"),
    "uid": (re.compile(_NUMBER), "1000"),
    "gid": (re.compile(_NUMBER), "1000"),
}
"""Numbers as the kernel reads them, each with an example; see tmpfs(5). What the other options say is left to it."""


def tmpfs(entry: Entry, mounts: Mounts) -> FrozenMap[str]:
    """Read `tmpfs`: path → options."""
    found: dict[str, str] = {}
    for number, each in entry.items("tmpfs"):
        said, _, options = str(each).partition(":")
        path = units.path(said)
        if path in found or path in mounts:
            entry.problem(("tmpfs", number), f"two things are mounted at {path}")
        if not path.startswith("/"):
            entry.problem(("tmpfs", number), f"{said!r} is not an absolute path")
        for option in options.split(","):
            _check(entry, number, option)
        found[path] = options
    return FrozenMap(found)


def _check(entry: Entry, number: int, option: str) -> None:
    name, _, value = option.partition("=")
    if name in _OPTIONS:
        form, example = _OPTIONS[name]
        if not form.fullmatch(value):
            entry.problem(("tmpfs", number), f"{option!r} is not an option of a tmpfs", f"e.g. {name}={example}")
