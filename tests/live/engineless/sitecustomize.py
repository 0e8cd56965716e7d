"""Read by Python before the command itself, where a test has this folder in PYTHONPATH: this host has no engine."""

from __future__ import annotations

import importlib.util
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any


class _Elsewhere:
    """Finds the module that says where an engine is by default, and makes that say a place where none is."""

    def find_spec(self, name: str, *_: Any) -> ModuleSpec | None:
        if name != "reconciler.host":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(name)
        assert spec
        assert spec.loader
        load = spec.loader.exec_module

        def loaded(module: ModuleType) -> None:
            load(module)
            module.DEFAULT_ENGINE = "unix:///nonexistent/docker.sock"  # type: ignore[attr-defined]

        spec.loader.exec_module = loaded  # type: ignore[method-assign]
        return spec


sys.meta_path.insert(0, _Elsewhere())
