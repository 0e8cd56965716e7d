"""Dataclasses that are quick to declare: their methods are shared, or made when they are first called.

`dataclasses` writes and compiles six methods for each class as soon as it is declared, of which a run calls few: that
is a sixth of the time in which all that a command needs is imported.
"""

from __future__ import annotations

import dataclasses
import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from reconciler.secret import MARKER


def _declared(
    cls: type | None = None, /, *, frozen: bool = False, slots: bool = False, order: bool = False, eq: bool = True
) -> Any:
    """Make a dataclass, as `dataclasses.dataclass` does with the same options; none has fields by keyword only."""

    def made(cls: type) -> type:
        cls = dataclasses.dataclass(init=False, repr=False, eq=False, slots=slots)(cls)
        if any(each.kw_only for each in dataclasses.fields(cls)):
            raise TypeError(f"{cls.__qualname__} has a field by keyword only")
        methods = {"__init__": _init(cls, frozen=frozen), "__repr__": _repr}
        if eq:
            methods |= _comparing(cls, hashed=frozen, ordered=order)
        if frozen:
            methods |= {"__setattr__": _refuse, "__delattr__": _refuse}
        if frozen and slots:
            methods |= {"__getstate__": _state, "__setstate__": _restore}
        for name, method in methods.items():
            if name not in cls.__dict__:
                setattr(cls, name, method)
        return cls

    return made(cls) if cls else made


if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    dataclass = _declared

__all__ = ["dataclass"]


def _init(cls: type, *, frozen: bool) -> Callable[..., None]:
    def first(self: Any, *arguments: Any, **named: Any) -> None:
        written = _written(cls, frozen=frozen)
        cls.__init__ = written  # type: ignore[misc]
        written(self, *arguments, **named)

    return first


def _written(cls: type, *, frozen: bool) -> Callable[..., None]:
    """Write and compile the method that takes the fields."""
    scope: dict[str, Any] = {"_set": object.__setattr__, "_absent": dataclasses.MISSING}
    taken, lines = ["self"], ["pass"]
    for each in dataclasses.fields(cls):
        name = value = each.name
        if each.default_factory is not dataclasses.MISSING:
            scope[f"_make_{name}"] = each.default_factory
            value = f"_make_{name}() if {name} is _absent else {name}" if each.init else f"_make_{name}()"
            taken += [f"{name}=_absent"] * each.init
        elif each.default is not dataclasses.MISSING:
            scope[f"_default_{name}"] = each.default
            value = name if each.init else f"_default_{name}"
            taken += [f"{name}=_default_{name}"] * each.init
        elif each.init:
            taken.append(name)
        else:
            continue
        lines.append(f"_set(self, {name!r}, {value})" if frozen else f"self.{name} = {value}")
    if hasattr(cls, "__post_init__"):
        lines.append("self.__post_init__()")
    exec(f"def __init__({', '.join(taken)}):\n " + "\n ".join(lines), scope)  # noqa: S102 - names of fields, as in dataclasses
    written: Callable[..., None] = scope["__init__"]
    written.__qualname__ = f"{cls.__qualname__}.__init__"
    return written


def _comparing(cls: type, *, hashed: bool, ordered: bool) -> dict[str, Any]:
    """How two of the class compare: by the fields that are for it."""
    compared = [each.name for each in dataclasses.fields(cls) if each.compare]
    values: Callable[[Any], Any] = operator.attrgetter(*compared) if compared else lambda _: ()

    def comparing(compare: Callable[[Any, Any], Any]) -> Callable[[Any, object], Any]:
        return lambda self, other: (
            compare(values(self), values(other)) if other.__class__ is self.__class__ else NotImplemented
        )

    compares = (operator.eq, operator.lt, operator.le, operator.gt, operator.ge) if ordered else (operator.eq,)
    found: dict[str, Any] = {f"__{each.__name__}__": comparing(each) for each in compares}
    return {**found, "__hash__": (lambda self: hash(values(self))) if hashed else None}


def _repr(self: Any) -> str:
    told = ", ".join(f"{each.name}={_told(self, each)}" for each in dataclasses.fields(self) if each.repr)
    return f"{type(self).__qualname__}({told})"


def _told(self: Any, each: dataclasses.Field[Any]) -> str:
    """Return how the value of a field is told; that there is nothing is no secret."""
    value = getattr(self, each.name)
    return MARKER if value and "secret" in each.metadata else repr(value)


def _refuse(self: Any, name: str, *_: Any) -> None:
    raise dataclasses.FrozenInstanceError(f"{name!r} of a {type(self).__qualname__} cannot be changed")


def _state(self: Any) -> list[Any]:
    return [getattr(self, each.name) for each in dataclasses.fields(self)]


def _restore(self: Any, state: list[Any]) -> None:
    for each, value in zip(dataclasses.fields(self), state, strict=True):
        object.__setattr__(self, each.name, value)
