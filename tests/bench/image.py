"""The image that all containers of a run have: `python -m bench.image make|remove`, without any registry.

In an interpreter of its own, for a process that is measured counts the memory of the one that started it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from bench.measure import inside
from bench.topologies import IMAGE


@contextmanager
def with_image() -> Iterator[None]:
    """Have it for a time."""
    inside("image", "make")
    try:
        yield
    finally:
        inside("image", "remove")


def main() -> None:
    """Make or remove it."""
    from live.lab import busybox_tar

    from reconciler.host import Host

    api = Host().engine.api
    if sys.argv[1] == "make":
        api.import_image_from_data(busybox_tar(), repository=IMAGE.partition(":")[0], tag="latest")
    else:
        api.remove_image(IMAGE, force=True)
    print("{}")


if __name__ == "__main__":
    main()
