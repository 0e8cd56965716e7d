"""The command line: the only part that prints or exits."""

from __future__ import annotations

import gc
import sys
from typing import NoReturn

_SELDOM = 1_000_000
"""After how many new objects to look for garbage: nearly all that is made here is needed to the end."""


def main() -> NoReturn:
    """Run the command that the arguments name, and exit with its code."""
    from reconciler.cli.signals import interruption

    interruption.listen()
    arguments = sys.argv[1:]
    if arguments == ["--version"]:  # without the library of the command line, which takes longer than all else of it
        from reconciler.cli.version import tell_version

        tell_version()
        sys.exit(0)
    gc.set_threshold(_SELDOM)
    from reconciler.cli.run import run

    code = run(arguments)
    gc.freeze()  # what is left goes with the process: a last look at all of it finds nothing worth its time
    sys.exit(code)
