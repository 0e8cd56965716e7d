"""The command line: the only part that prints or exits."""

from __future__ import annotations

import sys
from typing import NoReturn


def main() -> NoReturn:
    """Run the command that the arguments name, and exit with its code."""
    from reconciler.cli.signals import interruption

    interruption.listen()
    from reconciler.cli.run import run

    sys.exit(run(sys.argv[1:]))
