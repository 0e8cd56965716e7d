"""The attributes of the commands of a node."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.host.kernel import NOWHERE, Where
from reconciler.host.kernel.notes import digest
from reconciler.host.machine import salt
from reconciler.model import HOST, ResourceKey, Spec, uncompared
from reconciler.value import dataclass

SHELL = ("/bin/sh", "-c")
_ROOM = 16


@dataclass(frozen=True)
class Command:
    """One command; `in_network` is one of the host that runs in the node's network namespace only."""

    argv: tuple[str, ...]
    in_network: bool = False

    def __str__(self) -> str:
        return self.argv[-1] if self.argv[:-1] == SHELL else " ".join(self.argv)


@dataclass(frozen=True)
class ExecSpec(Spec):
    """The commands of a node, of which a host can only tell the digest, and whether they ran since the last start.

    `at` is the `node` as a step finds it; that they ran is remembered in its network namespace.
    """

    commands: str = ""
    current: bool = True
    lines: tuple[Command, ...] = uncompared(())
    node: ResourceKey = uncompared(HOST)
    at: Where = uncompared(NOWHERE)

    def said(self, path: str) -> str:
        """Commands are known by a digest only."""
        words = {"commands": "its commands have changed", "current": "they have not run since the last start"}
        return words.get(path, "")


def command(raw: str | Sequence[str] | Mapping[str, Any], *, in_network: bool) -> Command:
    """Read a command: a text for the shell, a list of words, or a mapping that says where."""
    if isinstance(raw, Mapping):
        return command(raw["command"], in_network=in_network or raw.get("in") == "network")
    return Command((*SHELL, raw) if isinstance(raw, str) else tuple(raw), in_network)


def digest_of(commands: Sequence[Command]) -> str:
    """Return a digest of commands, short enough for a note; nobody can guess elsewhere at a secret in them."""
    salted = salt(tuple(each.argv for each in commands)).decode()
    return digest(salted + json.dumps([[each.argv, each.in_network] for each in commands]))[:_ROOM]


def lifetime(inspected: Mapping[str, Any] | None) -> str:
    """Name what the commands ran in: a start of a container, or a namespace, with which the note dies anyway."""
    if inspected is None:
        return "once"
    return digest(f"{inspected['Id']} {inspected['State']['StartedAt']}")[:8]
