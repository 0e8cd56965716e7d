"""The archives that entries of `images` are loaded from: each is looked into once."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from reconciler.kinds.source import Source, home

if TYPE_CHECKING:
    from reconciler.kinds.image.archive import Archive


def archives(source: Source) -> dict[str, Archive]:
    """Return the archives that can be read by the names of the entries; of others it is told where those are read."""
    found: dict[str, Archive] = {}
    for name, entry in source.section("images").items():
        if "load" in entry:
            from reconciler.kinds.image.archive import read_archive

            with contextlib.suppress(OSError, ValueError):
                path = source.directory(("images", name, "load")) / home(entry["load"])
                if path.is_file():  # a device may never end
                    found[name] = read_archive(path)
    return found
