"""Memory file systems: `tmpfs`, by path, with the options of a mount; pure."""

from __future__ import annotations

import re

from reconciler.kinds import units
from reconciler.kinds.container.volumes import Mounts
from reconciler.kinds.entry import Entry
from reconciler.model import FrozenMap
from reconciler.secret import alike

_COUNT = re.compile("(0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]*)[kKmMgGtTpPeE]?")
_ID = re.compile("0[xX][0-9a-fA-F]+|0[0-7]*|[1-9][0-9]{0,9}")
_IDS = 2**32 - 1
"""Users and groups have 32 bits, the highest of which stands for none."""
_OPTIONS = {
    "size": (re.compile(f"{_COUNT.pattern}%?"), "64m"),
    "nr_blocks": (_COUNT, "16k"),
    "nr_inodes": (_COUNT, "10k"),
    "mode": (re.compile("0*[0-3]?[0-7]{1,10}"), "1777"),
    "uid": (_ID, "1000"),
    "gid": (_ID, "1000"),
}
"""Numbers as the kernel reads them (a leading 0 is for octal ones), each with an example; see tmpfs(5).

What the other options say is left to it.
"""


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
        for option in options.split(",") if options else ():
            _check(entry, number, option)
        found[path] = alike(options, each)
    return FrozenMap(found)


def _check(entry: Entry, number: int, option: str) -> None:
    name, _, value = option.partition("=")
    if not option:
        entry.problem(("tmpfs", number), "one of its options is empty", "take the comma too many out")
    if name in _OPTIONS:
        form, example = _OPTIONS[name]
        if not form.fullmatch(value) or (form is _ID and _number(value) >= _IDS):
            message = f"{value!r} is no value of {name} that a tmpfs takes"
            entry.problem(("tmpfs", number), message, f"e.g. {name}={example}")


def _number(text: str) -> int:
    return int(text, 8 if text.isdigit() and text.startswith("0") else 0)
