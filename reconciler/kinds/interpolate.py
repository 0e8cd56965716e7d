"""Variables in values, as in Compose; but one that is not set is an error, not blank."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from reconciler.secret import Secret, veiled

Lookup = Callable[[str], str | None]
"""What a variable's name stands for; None if it is not set."""

_NAME = re.compile(r"[_a-zA-Z][_a-zA-Z0-9]*")
_BODY = re.compile(r"(?P<name>[_a-zA-Z][_a-zA-Z0-9]*)(?:(?P<operator>:?[-?+])(?P<word>.*))?", re.DOTALL)
_BRACES = re.compile(r"[{}]")
_PLAIN = "write $$ for a plain $"
_DISCREET = "set what stands behind the $, or write $$ for a plain $"
_UNSET = "a variable is not set"
_MAX_DEPTH = 20
_TOLD = 20
"""How many variables of one text that are not set are told."""
_LONGEST = 1 << 17
"""How long a text with its variables may be: no argument of a process is longer (MAX_ARG_STRLEN)."""


class Unresolved(ValueError):
    """A text in which a variable is not set or badly written."""

    def __init__(self, message: str, hint: str = "", *, discreet: str = "") -> None:
        super().__init__(message)
        self.message, self.hint, self.discreet = message, hint, discreet or message
        """`discreet` is the message without what may be a part of a secret, such as all that stands behind a `$`."""

    def told(self, *, secretive: bool) -> tuple[str, str]:
        """Return the message and the hint, in a value that may be secret without anything of it."""
        return (self.discreet, _DISCREET) if secretive else (self.message, self.hint)


class ToldAlready(Unresolved):
    """A text with a variable of which nobody knows what it is, and that has been told."""

    def __init__(self) -> None:
        super().__init__("a variable is not known")


def interpolate(text: str, lookup: Lookup, *, depth: int = 0) -> str:
    """Replace `$NAME`, `${NAME}`, `${NAME:-word}` and its kin, and `$$`; Unresolved, of all, where that cannot be.

    What a variable with a secret was put into is secret as a whole.
    """
    if depth > _MAX_DEPTH:
        raise Unresolved("variables are nested too deeply")
    parts: list[str] = []
    missing: dict[str, Unresolved] = {}
    at = size = 0
    while (dollar := text.find("$", at)) >= 0 and len(missing) < _TOLD:
        evaluated, end = _found(text, dollar + 1, lookup, depth)
        value = ""
        try:
            value = evaluated()
        except Unresolved as error:
            missing[error.message] = error.with_traceback(None)
        parts += (text[at:dollar], value)
        size += dollar - at + len(value) + 1
        if size > _LONGEST:
            raise Unresolved("variables stand for too much text")
        at = end
    if missing:
        raise _together([each for each in missing.values() if not isinstance(each, ToldAlready)])
    made = "".join(parts) + text[at:]
    return Secret(made) if any(isinstance(each, Secret) for each in parts) else made


def _together(missing: list[Unresolved]) -> Unresolved:
    if not missing:
        return ToldAlready()
    message, discreet = ", ".join(each.message for each in missing), ", ".join(each.discreet for each in missing)
    return Unresolved(message, missing[0].hint, discreet=discreet)


def _found(text: str, start: int, lookup: Lookup, depth: int) -> tuple[Callable[[], str], int]:
    """Find what stands after a dollar sign; return what makes its value, and where it ends."""
    if text.startswith("$", start):
        return lambda: "$", start + 1
    if text.startswith("{", start):
        end = _closing(text, start + 1)
        return partial(_braced, text[start + 1 : end], lookup, depth), end + 1
    name = _NAME.match(text, start)
    if not name:
        raise Unresolved("a single '$' that begins no variable", _PLAIN)
    return partial(_value, name[0], lookup), name.end()


def _closing(text: str, start: int) -> int:
    depth = 1
    for brace in _BRACES.finditer(text, start):
        depth += 1 if brace[0] == "{" else -1
        if depth == 0:
            return brace.start()
    raise Unresolved("'${' without its '}'", _PLAIN)


def _braced(body: str, lookup: Lookup, depth: int) -> str:
    found = _BODY.fullmatch(body)
    if not found:
        raise Unresolved(f"'${{{body}}}' is no variable", _PLAIN, discreet="'${…}' is no variable")
    name, operator, word = found["name"], found["operator"], found["word"]
    if not operator:
        return _value(name, lookup)
    value = _looked_up(name, lookup)
    if value == "" and operator.startswith(":"):
        value = None
    if operator.endswith("+"):
        return "" if value is None else interpolate(word, lookup, depth=depth + 1)
    if value is not None:
        return value
    replacement = veiled(name, interpolate(word, lookup, depth=depth + 1))
    if operator.endswith("-"):
        return replacement
    unset = f"variable {name!r} is not set"
    raise Unresolved(f"{unset}: {replacement}" if replacement else unset, discreet=_UNSET)


def _value(name: str, lookup: Lookup) -> str:
    value = _looked_up(name, lookup)
    if value is None:
        hint = f"set it, write ${{{name}:-default}}, or $${name} for itself"
        raise Unresolved(f"variable {name!r} is not set", hint, discreet=_UNSET)
    return value


def _looked_up(name: str, lookup: Lookup) -> str | None:
    value = lookup(name)
    return None if value is None else veiled(name, value)
