"""Where words go: results to standard output, all else to standard error."""

from __future__ import annotations

import codecs
import contextlib
import errno
import json
import os
import select
import stat
import sys
import traceback
from collections.abc import Iterable, Iterator
from dataclasses import field
from typing import TYPE_CHECKING, Any, TextIO

from reconciler.cli.privileged import as_root
from reconciler.errors import Conflict, EngineForbidden, FileInvalid, NotPermitted, ReconcilerError, visible
from reconciler.host.poll import milliseconds
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
_STDERR = 2
_MOMENT = 0.5
"""Seconds for which who reads a log may be slow before lines are left out."""


@dataclass
class Settings:
    """What the options say that every command has."""

    debug: bool = False
    secrets: bool = False
    asked: set[str] = field(default_factory=set)
    """The variables of the environment that the file has asked for."""
    file: str = ""
    """The file that was named."""


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
        sys.stdout.writelines(_dressed(lines))
        sys.stdout.flush()
    except OSError as error:
        if refused := unwritable(error):
            raise refused from error


def unwritable(error: OSError) -> ReconcilerError | None:
    """Give standard output up, and say why; None where who has read it has stopped."""
    is_terminal = stat.S_ISCHR(os.fstat(sys.stdout.fileno()).st_mode)
    # What is left in the buffer would fail again at the end.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    if isinstance(error, BrokenPipeError) or (is_terminal and error.errno == errno.EIO):  # which was hung up
        return None
    return ReconcilerError(f"standard output cannot be written: {error.strerror}")


class Log:
    """Prints what is told as it happens, and waits for nobody who reads it: what cannot be written is left out.

    It complains of that once, tries again with the next lines, and tells how many were left out when it could be.
    """

    def __init__(self) -> None:
        self._rest, self._left_out, self._is_failing, self._is_told = b"", 0, False, False

    def say(self, lines: Iterable[str]) -> None:
        """Print lines, without secrets."""
        self._print(_told(lines))

    def say_json(self, value: Any) -> None:
        """Print a value as JSON on one line."""
        self._print(_json_lines(value))

    def _print(self, lines: Iterable[str]) -> None:
        """Print lines at once, past the buffer: what is left in it would stand between later ones."""
        todo = [each.encode(sys.stdout.encoding, "backslashreplace") for each in _dressed(lines)]
        try:
            with _unwaiting(sys.stdout) as fd:
                self._finish(fd)
                while todo:
                    self._rest = todo[0][self._put(fd, todo[0]) :]
                    del todo[0]
                    self._finish(fd)
        except OSError as error:
            self._left_out += len(todo)
            self._is_failing = True
            self._complain("whoever reads it stalls" if isinstance(error, BlockingIOError) else error.strerror)
        else:
            self._is_failing = self._is_told = False
            self._make_up()

    def _finish(self, fd: int) -> None:
        """Go on with a line that was begun: another one would make it no line at all."""
        while self._rest:
            self._rest = self._rest[self._put(fd, self._rest) :]

    def _put(self, fd: int, content: bytes) -> int:
        """Write what there is room for; where there was none the last time, there is no waiting for it."""
        if not _has_room(fd, 0 if self._is_failing else _MOMENT):
            raise BlockingIOError
        return os.write(fd, content[: select.PIPE_BUF])

    def _complain(self, why: str | None) -> None:
        if not self._is_told and _has_room(_STDERR, 0):
            note(f"standard output cannot be written: {why}: going on without, until it can")
            self._is_told = True

    def _make_up(self) -> None:
        if self._left_out and _has_room(_STDERR, 0):
            lines = "1 line was" if self._left_out == 1 else f"{self._left_out} lines were"
            note(f"standard output can be written again: {lines} left out")
            self._left_out = 0


def _has_room(fd: int, seconds: float) -> bool:
    """Wait until a descriptor takes some bytes, as many as a pipe takes at once (man 7 pipe, PIPE_BUF)."""
    poll = select.poll()
    poll.register(fd, select.POLLOUT)
    return bool(poll.poll(milliseconds(seconds)))


@contextlib.contextmanager
def _unwaiting(stream: TextIO) -> Iterator[int]:
    """The descriptor of a stream; a terminal may have room for less than that, and is opened anew so as not to wait."""
    with contextlib.ExitStack() as stack:
        fd = stream.fileno()
        if stream.isatty():
            with contextlib.suppress(OSError):
                fd = os.open(f"/proc/self/fd/{fd}", os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC)
                stack.callback(os.close, fd)
        yield fd


def _told(lines: Iterable[str]) -> Iterable[str]:
    return lines if settings.secrets else map(masked, lines)


def _json_lines(value: Any, *, indent: int | None = None) -> Iterable[str]:
    # What another encoding lacks is written as JSON writes it, not as Python does.
    is_whole = codecs.lookup(sys.stdout.encoding).name == "utf-8"
    return map(_as_json, json.dumps(value, indent=indent, ensure_ascii=not is_whole).split("\n"))


def _dressed(lines: Iterable[str]) -> Iterator[str]:
    colour = style(sys.stdout).colour
    return (f"{harmless(line, colour=colour)}\n" for line in lines)


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
    arguments = [STANDARD_INPUT if each == settings.file and is_stream(each) else each for each in sys.argv]
    command = as_root(arguments, os.environ, python=sys.executable, asked=settings.asked, leading=leading)
    publish((command,))  # as it was typed, to be typed again
    return f": `{command}`" + (", with the same input" if STANDARD_INPUT in arguments else "")


def show_traceback(errors: Iterable[BaseException]) -> None:
    """Say where errors came from, with what caused them."""
    for error in errors:
        note("".join(traceback.format_exception(error)).rstrip())
