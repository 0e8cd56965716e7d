"""Colours, where they are wanted, and the glyph of each action."""

from __future__ import annotations

import re

from reconciler.model import Action
from reconciler.value import dataclass

GLYPHS = {Action.CREATE: "+", Action.UPDATE: "~", Action.REPLACE: "±", Action.DELETE: "-"}
_COLOURS = {"+": 32, "~": 33, "±": 35, "-": 31}
_DIM, _BOLD, _RED, _GREEN, _RESET = 2, 1, 31, 32, 0
_USED = sorted({*_COLOURS.values(), _DIM, _BOLD, _RED, _GREEN, _RESET})
COLOURS = re.compile(rf"(\x1b\[(?:{'|'.join(map(str, _USED))})m)")
"""What lines are dressed with, and nothing else: a text of somebody else's could conceal what follows it."""


@dataclass(frozen=True)
class Style:
    """How lines are dressed: with colours or plain, for which width (0 is as wide as need be), with secrets or not."""

    colour: bool = False
    width: int = 0
    secrets: bool = False

    def glyph(self, action: Action) -> str:
        """Return the sign of an action."""
        sign = GLYPHS[action]
        return self._dressed(sign, _COLOURS[sign])

    def bold(self, text: str) -> str:
        """Return a heading."""
        return self._dressed(text, _BOLD)

    def dim(self, text: str) -> str:
        """Return what matters less."""
        return self._dressed(text, _DIM)

    def bad(self, text: str) -> str:
        """Return what went wrong."""
        return self._dressed(text, _RED)

    def good(self, text: str) -> str:
        """Return what went well."""
        return self._dressed(text, _GREEN)

    def _dressed(self, text: str, code: int) -> str:
        return f"\x1b[{code}m{text}\x1b[{_RESET}m" if self.colour and text else text


PLAIN = Style()
