"""What of a container's inspection is read, and against what; pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import field
from typing import Any, TypeVar

from reconciler.kinds.container.spec import ContainerSpec
from reconciler.model import EMPTY, FrozenMap
from reconciler.value import dataclass

T = TypeVar("T")
Json = Mapping[str, Any]


@dataclass(frozen=True)
class Seen:
    """An inspection, and what it is read against: what is wanted, the image's configuration, the engine's settings.

    `named` says which container a live name or an id is: its name in the file, or `@NAME` of a foreign one;
    `live_name` what the one with an id is called. `linked` are those that ours have links to on Docker's own bridge.
    `bridged` are the externals on it. `answers` tells whether a container has the name that a link gave it, which it
    loses when it is made anew.
    `sysctls` are those of its network namespace as they are now, where that was looked into. `mac` tells whether the
    engine gives a MAC address only where a container is made, `mac_of_endpoint` that it is the endpoint's all the
    same: gone with it, whatever the container's configuration goes on to say. `has_init` tells whether the engine's
    init is its first process, None where that is out of sight.
    """

    found: Json
    want: ContainerSpec = field(default_factory=ContainerSpec)
    image: Json = field(default_factory=dict)
    info: Json = field(default_factory=dict)
    current: str = ""
    named: Callable[[str], str] = str
    live_name: Callable[[str], str] = str
    linked: Collection[str] = ()
    bridged: Collection[str] = ()
    answers: Callable[[str, str], bool] = lambda _, __: True
    sysctls: Mapping[str, str] = EMPTY
    mac: bool = False
    mac_of_endpoint: bool = False
    has_init: Callable[[], bool | None] = lambda: None

    @property
    def config(self) -> Json:
        """Its Config."""
        found: Json = self.found["Config"]
        return found

    @property
    def host_config(self) -> Json:
        """Its HostConfig."""
        found: Json = self.found["HostConfig"]
        return found


def unless_default(live: T, default: T, want: T | None) -> T | None:
    """Return a value, or None where it is the default and nothing else is wanted."""
    return None if live == default and want is None else live


def own_entries(live: Mapping[str, str], default: Mapping[str, str], want: Mapping[str, str]) -> FrozenMap[str]:
    """Return the entries that are declared or differ from the image's."""
    return FrozenMap({name: each for name, each in live.items() if name in want or default.get(name) != each})
