"""The very command that runs this again with the privileges that it lacked; pure."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping, Sequence

_PRESERVED = (
    "DOCKER_HOST",
    "DOCKER_CONTEXT",
    "DOCKER_CONFIG",
    "DOCKER_TLS",
    "DOCKER_TLS_VERIFY",
    "DOCKER_CERT_PATH",
)
"""What says where the engine is, and sudo(8) would drop."""


def as_root(arguments: Sequence[str], environment: Mapping[str, str], *, python: str) -> str:
    """Return a command for a shell: with the whole path, since sudo's PATH lacks it, and what leads to the engine."""
    program, *rest = arguments
    kept = [name for name in _PRESERVED if name in environment]
    sudo = ["sudo", *([f"--preserve-env={','.join(kept)}"] if kept else [])]
    run = [python, "-m", "reconciler"] if program.endswith(".py") else [os.path.abspath(program)]  # noqa: PTH100
    return shlex.join([*sudo, *run, *rest])
