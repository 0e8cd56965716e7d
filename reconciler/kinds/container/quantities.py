"""Sizes and durations in specs: numbers to compare, which a person reads with their units; pure."""

from __future__ import annotations

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
