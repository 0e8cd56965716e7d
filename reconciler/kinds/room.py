"""Bounds on what a file may stand for, where a few words may mean much."""

from __future__ import annotations


class Room:
    """Room for so many of what is counted; that there is no more is told once."""

    def __init__(self, most: int, message: str) -> None:
        self._left, self._message = most, message

    def takes(self, count: int) -> bool:
        """Tell whether there is room for so many more; a ValueError at the first for which there is none."""
        before, self._left = self._left, self._left - count
        if self._left < 0 <= before:
            raise ValueError(self._message)
        return self._left >= 0 or not count
