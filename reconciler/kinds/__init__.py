"""The kinds of the language, found by themselves: every module here that defines a `KIND`."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from reconciler.kinds.base import Kind
from reconciler.model import Action, Status, Verb
from reconciler.secret import publish


@cache
def kinds() -> Mapping[str, Kind]:
    """Return every kind by its name, in alphabetical order; the words of all plans are told from now on."""
    modules = (importlib.import_module(f"{__name__}.{each.name}") for each in pkgutil.iter_modules(__path__))
    found = (module.KIND for module in modules if hasattr(module, "KIND"))
    by_name = {kind.name: kind for kind in sorted(found, key=lambda kind: kind.name)}
    publish((*by_name, *Action, *Verb, *Status))
    return MappingProxyType(by_name)
