"""The archives that entries of `images` are loaded from: each is looked into once."""

from __future__ import annotations

import contextlib

from reconciler.kinds.image.archive import Archive, read_archive
from reconciler.kinds.source import Source, home


def archives(source: Source) -> dict[str, Archive]:
    """Return the archives that can be read by the names of the entries; of others it is told where those are read."""
    found: dict[str, Archive] = {}
    for name, entry in source.section("images").items():
        if "load" in entry:
            with contextlib.suppress(OSError, ValueError):
                path = source.directory(("images", name, "load")) / home(entry["load"])
                if path.is_file():  # a device may never end
                    found[name] = read_archive(path)
    return found
