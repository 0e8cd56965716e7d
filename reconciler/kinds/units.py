"""The forms that Compose gives to values: sizes, durations, mappings that may be lists; pure."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from reconciler.secret import alike, veiled

_SIZE = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?)\s*(?:([kmgtp]i?)?b?)", re.IGNORECASE)
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(us|ms|s|m|h)")
_NANOSECONDS = {"us": 10**3, "ms": 10**6, "s": 10**9, "m": 60 * 10**9, "h": 3600 * 10**9}


def size(value: str | float) -> int:
    """Read a size in bytes (`512m` is 512 times 1024 squared; a bare number is bytes); a ValueError if it is none."""
    found = _SIZE.fullmatch(str(value).strip())
    if not found:
        raise ValueError(f"{value!r} is not a size, such as 512m")
    power = " kmgtp".index((found[2] or " ")[0].lower())
    return _times(found[1], 1024**power)


def duration(text: str) -> int:
    """Read a duration in nanoseconds (`1m30s`, `2.5s`); a ValueError if it is none."""
    if not re.fullmatch(f"(?:{_PART.pattern})+", text):
        raise ValueError(f"{text!r} is not a duration with units, such as 1m30s")
    return sum(_times(number, _NANOSECONDS[unit]) for number, unit in _PART.findall(text))


def _times(number: str, unit: int) -> int:
    """Multiply a decimal number, exactly; what is left below one falls off."""
    whole, _, part = number.lstrip("-").partition(".")
    found: int = int(whole + part) * unit // 10 ** len(part)
    return -found if number.startswith("-") else found


def path(text: str) -> str:
    """Normalise a path as the engine does; POSIX would keep two slashes at its beginning, which Linux takes for one."""
    found = posixpath.normpath(text)
    return alike(found[1:] if found.startswith("//") else found, text)


def mapping(value: Mapping[str, Any] | Sequence[str] | None) -> dict[str, str | None]:
    """Read `{NAME: value}` or `[NAME=value]`, secret as names and values say; None where a name stands alone."""
    if isinstance(value, Mapping):
        return {name: None if each is None else veiled(name, scalar(each)) for name, each in value.items()}
    parts = ((each, *each.partition("=")) for each in value or ())
    return {name: alike(veiled(name, text), each) if equals else None for each, name, equals, text in parts}


def steps(value: Mapping[str, Any] | Sequence[str] | None) -> dict[str, str | int]:
    """Return where each name of `{NAME: value}` or `[NAME=value]` stands: under itself, or a number."""
    if isinstance(value, Mapping):
        return {name: name for name in value}
    return {each.partition("=")[0]: number for number, each in enumerate(value or ())}


def parts(text: str) -> list[str]:
    """Split `A[:B[:C]]`; a ValueError if a part is empty, as that of an empty variable is."""
    found = text.split(":", 2)
    if not all(found):
        raise ValueError(f"{text!r} has an empty part: leave its colon out, or give the variable there a value")
    return [alike(each, text) for each in found]


def labels(value: Mapping[str, Any] | Sequence[str] | None) -> dict[str, str]:
    """Read labels or options: a name without a value has an empty one."""
    return {name: each or "" for name, each in mapping(value).items()}


def ranges(found: Iterable[tuple[int, int]]) -> str:
    """Write numbers from first to last each as the kernel does: in order, of ranges that neither overlap nor touch."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(found):
        if joined and first <= joined[-1][1] + 1:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return ",".join(f"{first}-{last}" if first < last else f"{first}" for first, last in joined)


def scalar(value: Any) -> str:
    """Write a scalar of the file as the engine wants it: text, with `true` and `false` for booleans."""
    return str(value).lower() if isinstance(value, bool) else str(value)
