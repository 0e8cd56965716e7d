"""Numbers in specs, as far as the engine counts: sizes and durations, which a person reads with their units; pure."""

from __future__ import annotations

from reconciler.kinds import units

_MOST = 2**63 - 1
"""The highest number of the engine, which has 64 bits for each."""
_LONGEST = 2_562_047 * 3600 * 10**9
"""The whole hours of so many nanoseconds."""
_UNITS = ((1024**5, "p"), (1024**4, "t"), (1024**3, "g"), (1024**2, "m"), (1024, "k"))
_TIMES = ((3600 * 10**9, "h"), (60 * 10**9, "m"), (10**9, "s"), (10**6, "ms"), (10**3, "us"))


class Bytes(int):
    """A number of bytes, written as `512m`."""

    __slots__ = ()

    def __str__(self) -> str:
        number, unit = next(
            ((int(self) // each, unit) for each, unit in _UNITS if self and self % each == 0), (self, "b")
        )
        return f"{int(number)}{unit}" if self > 0 else str(int(self))


class Duration(int):
    """A number of nanoseconds, written as `1m30s`."""

    __slots__ = ()

    def __str__(self) -> str:
        parts, rest = [], int(self)
        for each, unit in _TIMES:
            number, rest = divmod(rest, each)
            if number:
                parts.append(f"{number}{unit}")
        return "".join(parts) or "0s"


def size(value: str | float) -> Bytes:
    """Read a size; a ValueError if it is none, or more than the engine counts."""
    found = units.size(value)
    if found > _MOST:
        raise ValueError(f"{value!r} is too large: less than 8192p")
    return Bytes(found)


def duration(text: str) -> Duration:
    """Read a duration; a ValueError if it is none, or more than the engine counts."""
    found = units.duration(text)
    if found > _LONGEST:
        raise ValueError(f"{text!r} is too long: at most 2562047h")
    return Duration(found)


def whole(value: str | int, most: int = _MOST) -> int:
    """Read a whole number, which quotes may make text; a ValueError if it is too large."""
    found = int(value)
    if found > most:
        raise ValueError(f"{found} is too large: at most {most}")
    return found
