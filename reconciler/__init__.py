"""A declarative topology reconciler: one YAML file, the Docker Engine and the kernel, compared live.

    desired = reconciler.load("topology.yaml")
    with reconciler.Host() as host:
        report = reconciler.apply(desired, host)
    assert report.converged

Every function takes the `kinds` of the language to work with; by default these are all that there are. What there is
stands in `reconciler.api`, which is imported when something of it is first asked for.
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconciler.api import *  # noqa: F403 - it says itself what it offers


class _Package(ModuleType):
    """Hands on what the interface offers (PEP 562 for a class): importing the package costs nothing.

    The functions `diff`, `plan` and the like stay, though importing the modules of the same names would put these.
    """

    def __getattr__(self, name: str) -> Any:
        api = importlib.import_module("reconciler.api")
        if name != "__all__" and name not in api.__all__:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        return getattr(api, name)

    def __setattr__(self, name: str, value: object) -> None:
        if not (name in _STAGES and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __dir__(self) -> list[str]:
        return sorted(self.__all__)


_STAGES = frozenset({"diff", "execute", "observe", "plan"})
sys.modules[__name__].__class__ = _Package
