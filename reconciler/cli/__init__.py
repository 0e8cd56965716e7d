"""The command line: the only part that prints or exits."""

from __future__ import annotations

import gc
import os
import sys
from typing import NoReturn

_SELDOM = 10_000_000
"""After how many new objects to look for garbage: nearly all that is made here is needed to the end."""
OFTEN = gc.get_threshold()
"""The same for a command that has no end."""


def main() -> NoReturn:
    """Run the command that the arguments name, and exit with its code."""
    _fill_gaps()
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


def _fill_gaps() -> None:
    """Let no other file have the number of a standard stream that is closed, and be told what is meant for that."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: PTH123, SIM115 - pathlib is slow to load
