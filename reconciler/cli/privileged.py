"""The very command that runs this again with the privileges that it lacked; pure."""

from __future__ import annotations

import os
import shlex
from collections.abc import Collection, Iterator, Mapping, Sequence

_PRESERVED = (
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_TLS",
    "DOCKER_TLS_VERIFY",
    "DOCKER_CERT_PATH",
)
"""What says where the engine is, and sudo(8) would drop."""


class Asked(Mapping[str, str]):
    """The environment, which remembers the variables that a file has asked for, and that there are."""

    def __init__(self, environment: Mapping[str, str], names: set[str]) -> None:
        """Put the names of those into a set."""
        self._environment, self._names = environment, names

    def __getitem__(self, name: str) -> str:
        """Return a variable, and remember it."""
        found = self._environment[name]
        self._names.add(name)
        return found

    def __iter__(self) -> Iterator[str]:
        """Every name, which asks for none."""
        return iter(self._environment)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._environment)


def as_root(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    *,
    python: str,
    asked: Collection[str] = (),
    leading: str = "",
) -> str:
    """Return a command for a shell: with the whole path, since sudo's PATH lacks it, and what sudo would drop.

    That is what leads to the engine, be it files of this user's in the folder `leading` there, and what the file has
    `asked` for.
    """
    program, *rest = arguments
    kept = [name for name in (*_PRESERVED, *sorted({*asked} - {*_PRESERVED})) if name in environment]
    sudo = ["sudo", *([f"--preserve-env={','.join(kept)}"] if kept else [])]
    sudo += [f"DOCKER_CONFIG={leading}"] if leading else []
    run = [python, "-m", "reconciler"] if program.endswith(".py") else [os.path.abspath(program)]  # noqa: PTH100
    return shlex.join([*sudo, *run, *rest])
