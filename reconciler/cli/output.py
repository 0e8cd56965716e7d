"""Where words go: results to standard output, all else to standard error."""

from __future__ import annotations

import codecs
import contextlib
import json
import os
import sys
import traceback
from collections.abc import Iterable
from dataclasses import field
from typing import TYPE_CHECKING, Any, TextIO

from reconciler.cli.privileged import as_root
from reconciler.errors import Conflict, EngineForbidden, FileInvalid, NotPermitted, ReconcilerError, visible
from reconciler.model import STANDARD_INPUT
from reconciler.render.style import COLOURS, Style
from reconciler.secret import masked, publish
from reconciler.value import dataclass

if TYPE_CHECKING:
    from reconciler.host import Host
    from reconciler.render.values import Hide

_USUAL = 80
"""How many columns a terminal has that does not say."""
_INTERNAL = "this is a fault of reconciler itself: --debug shows where"


@dataclass
class Settings:
    """What the options say that every command has."""

    debug: bool = False
    secrets: bool = False
    asked: set[str] = field(default_factory=set)
    """The variables of the environment that the file has asked for."""


settings = Settings()


def style(stream: TextIO) -> Style:
    """Say how to dress lines for a stream: colours only on a terminal, and not where NO_COLOR is set."""
    colour = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return Style(colour, _width(stream), settings.secrets)


def _width(stream: TextIO) -> int:
    """How many columns a stream's own terminal has; elsewhere nothing is broken into lines, unless COLUMNS asks for it.

    What reads it there looks for whole ones.
    """
    asked = os.environ.get("COLUMNS", "")
    if asked.isdecimal() and int(asked):
        return int(asked)
    with contextlib.suppress(OSError):
        return os.get_terminal_size(stream.fileno()).columns or _USUAL
    return 0


def prepare_streams() -> None:
    """Never fail over a character that the locale does not have."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def say(lines: Iterable[str]) -> None:
    """Print results, without secrets unless they are asked for."""
    _print(_told(lines))


def say_json(value: Any) -> None:
    """Print a result as JSON; who rendered it has hidden what is secret."""
    _print(_json_lines(value, indent=2))


def _print(lines: Iterable[str]) -> None:
    """Print lines; who has stopped reading is no reason to stop working."""
    try:
        sys.stdout.write(_dressed(lines))
        sys.stdout.flush()
    except OSError as error:
        if refused := unwritable(error):
            raise refused from error


def unwritable(error: OSError) -> ReconcilerError | None:
    """Give standard output up, and say why; None where who has read it has stopped."""
    # What is left in the buffer would fail again at the end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError):
        return None
    return ReconcilerError(f"standard output cannot be written: {error.strerror}")


class Log:
    """Prints what is told as it happens: where that fails it complains once, and tries again with the next lines."""

    def __init__(self) -> None:
        self._is_failing, self._is_cut = False, False

    def say(self, lines: Iterable[str]) -> None:
        """Print lines, without secrets."""
        self._print(_told(lines))

    def say_json(self, value: Any) -> None:
        """Print a value as JSON on one line."""
        self._print(_json_lines(value))

    def _print(self, lines: Iterable[str]) -> None:
        """Print lines at once, past the buffer: what is left in it would stand between later ones."""
        left = (b"\n" if self._is_cut else b"") + _dressed(lines).encode(sys.stdout.encoding, "backslashreplace")
        try:
            while left:
                left, self._is_cut = left[os.write(sys.stdout.fileno(), left) :], True
        except OSError as error:
            if not self._is_failing:
                note(f"standard output cannot be written: {error.strerror}: going on without, until it can")
        self._is_failing = bool(left)
        self._is_cut = self._is_failing and self._is_cut


def _told(lines: Iterable[str]) -> Iterable[str]:
    return lines if settings.secrets else map(masked, lines)


def _json_lines(value: Any, *, indent: int | None = None) -> Iterable[str]:
    # What another encoding lacks is written as JSON writes it, not as Python does.
    is_whole = codecs.lookup(sys.stdout.encoding).name == "utf-8"
    return map(_as_json, json.dumps(value, indent=indent, ensure_ascii=not is_whole).split("\n"))


def _dressed(lines: Iterable[str]) -> str:
    colour = style(sys.stdout).colour
    return "".join(f"{harmless(line, colour=colour)}\n" for line in lines)


def _as_json(line: str) -> str:
    """Escape, as JSON does, what `harmless` would escape in its own way."""
    if line.isprintable():
        return line
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in line)


def harmless(line: str, *, colour: bool = False) -> str:
    """Return a line in which nothing commands a terminal but, where they are wanted, colours."""
    if not colour:
        return visible(line)
    return "".join(part if at % 2 else visible(part) for at, part in enumerate(COLOURS.split(line)))


def hide(host: Host) -> Hide:
    """Say how secrets stand in JSON: as digests that tell no more than which are equal, unless they are asked for."""
    from reconciler.render.values import sealed, shown

    return shown if settings.secrets else sealed(host.key)


def note(text: str) -> None:
    """Say something that is no result, without secrets."""
    with contextlib.suppress(OSError):
        colour = style(sys.stderr).colour
        sys.stderr.write("".join(f"{harmless(line, colour=colour)}\n" for line in masked(text).split("\n")))
        sys.stderr.flush()


def complain(error: BaseException, *, about: str = "") -> int:
    """Say what went wrong and return the exit code; with --debug, also where."""
    if settings.debug:
        show_traceback([error])
    if isinstance(error, FileInvalid):
        note(str(error))
    elif isinstance(error, ReconcilerError):
        lines = str(error).splitlines() or [type(error).__name__]
        each_its_own = isinstance(error, Conflict)
        for number, line in enumerate(lines):
            note(f"error: {line}{_with_privilege(error)}{about}" if each_its_own or not number else f"  {line}")
    else:
        note(f"error: {type(error).__name__}: {error} ({_INTERNAL})")
    return error.exit_code if isinstance(error, ReconcilerError) else 1


def _with_privilege(error: ReconcilerError) -> str:
    """Say how to run this again as root, where it is that which is missing."""
    if not isinstance(error, NotPermitted | EngineForbidden) or not os.geteuid():
        return ""
    from reconciler.host.engine.address import leading_files
    from reconciler.kinds.reading import is_stream

    leading = ""
    with contextlib.suppress(ReconcilerError):  # that is told elsewhere
        leading = leading_files(os.environ)
    # What was read once is not there any more: sudo closes what a shell has opened.
    arguments = [STANDARD_INPUT if is_stream(each) else each for each in sys.argv]
    command = as_root(arguments, os.environ, python=sys.executable, asked=settings.asked, leading=leading)
    publish((command,))  # as it was typed, to be typed again
    return f": `{command}`" + (", with the same input" if STANDARD_INPUT in arguments else "")


def show_traceback(errors: Iterable[BaseException]) -> None:
    """Say where errors came from, with what caused them."""
    for error in errors:
        note("".join(traceback.format_exception(error)).rstrip())
