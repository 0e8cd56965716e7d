"""Where words go: results to standard output, all else to standard error."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sys
import traceback
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, TextIO

from reconciler.errors import Conflict, FileInvalid, ReconcilerError
from reconciler.render.style import Style

_INTERNAL = "this is a fault of reconciler itself: --debug shows where"


@dataclass
class Settings:
    """What the options say that every command has."""

    debug: bool = False


settings = Settings()


def style(stream: TextIO) -> Style:
    """Say how to dress lines for a stream: colours only on a terminal, and not where NO_COLOR is set."""
    colour = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    # Elsewhere nothing is broken into lines, unless COLUMNS asks for it: what reads it looks for whole ones.
    return Style(colour, shutil.get_terminal_size(fallback=(80 if stream.isatty() else 0, 24)).columns)


def prepare_streams() -> None:
    """Never fail over a character that the locale does not have."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]


def say(lines: Iterable[str]) -> None:
    """Print results; who has stopped reading is no reason to stop working."""
    try:
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()
    except OSError as error:
        # What is left in the buffer would fail again at the end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if not isinstance(error, BrokenPipeError):
            raise ReconcilerError(f"standard output cannot be written: {error.strerror}") from error


def say_json(value: Any) -> None:
    """Print a result as JSON."""
    say([json.dumps(value, indent=2, ensure_ascii=False)])


def note(text: str) -> None:
    """Say something that is no result."""
    with contextlib.suppress(OSError):
        sys.stderr.write(f"{text}\n")
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
            note(f"error: {line}{about}" if each_its_own or not number else f"  {line}")
    else:
        note(f"error: {type(error).__name__}: {error} ({_INTERNAL})")
    return error.exit_code if isinstance(error, ReconcilerError) else 1


def show_traceback(errors: Iterable[BaseException]) -> None:
    """Say where errors came from, with what caused them."""
    for error in errors:
        note("".join(traceback.format_exception(error)).rstrip())
