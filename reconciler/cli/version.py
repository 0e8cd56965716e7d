"""The answer to `--version`, with nothing imported that is slow to load."""

from __future__ import annotations

import contextlib
import os

from reconciler.version import __version__


def tell_version() -> None:
    """Print it; who has stopped reading is no reason to fail."""
    with contextlib.suppress(OSError):
        os.write(1, f"reconciler {__version__}\n".encode())
