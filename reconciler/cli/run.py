"""Parse the arguments, run a command, and turn all that goes wrong into words and an exit code."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import typer

from reconciler.cli.app import COMMANDS, HELP, app
from reconciler.cli.logs import say_warnings
from reconciler.cli.output import complain, prepare_streams, unwritable
from reconciler.errors import ReconcilerError, Usage

_Refused: type[Exception] = typer.BadParameter.__mro__[2]
"""What the command-line library raises when the arguments are wrong, under whichever name it has it."""
_CLOSE = 0.75
"""How alike an option or a command has to be to be what was meant."""
_NEIGHBOURS = {
    **dict.fromkeys(("up", "deploy", "create"), "apply"),
    **dict.fromkeys(("down", "delete", "rm"), "destroy"),
    **dict.fromkeys(("ps", "status", "inspect"), "show"),
    "list": "ls",
    "diff": "plan",
}
"""The commands of Compose, containerlab and their like, and ours for them."""


def run(arguments: list[str]) -> int:
    """Run a command; never a traceback, unless asked for."""
    prepare_streams()
    say_warnings()
    try:
        command = typer.main.get_command(app(arguments))
        code = command.main(args=arguments, prog_name="reconciler", standalone_mode=False)
    except _Refused as error:
        return _refused(error, arguments)
    except ReconcilerError as error:
        return complain(error)
    except Exception as error:  # noqa: BLE001 - a fault of ours is told in one line like any other
        # Help is all that the library prints itself.
        told = unwritable(error) if isinstance(error, OSError) and not set(HELP).isdisjoint(arguments) else None
        return complain(told or (_explained(error) if isinstance(error, OSError) else error))
    return int(code or 0)


def _explained(error: OSError) -> ReconcilerError:
    """What the system refuses before there are steps is no fault of ours, either; --debug shows where all the same."""
    from reconciler.host import Host

    told = Host().explain(error)
    told.__cause__ = error
    return told


def _refused(error: Any, arguments: list[str]) -> int:
    """Say in one line what is wrong with the arguments; without any, show what there is."""
    if not arguments:
        error.show()
        return Usage.exit_code
    return complain(Usage(f"{_said(error)}: see `{_command(error, arguments)} --help`"))


def _said(error: Any) -> str:
    """Put it in the library's words, with our own guess at what was meant."""
    if hasattr(error, "possibilities"):
        return _with_guess(str(error.message), error.option_name, error.possibilities or ())
    text = str(error.format_message()).rstrip(".?")
    unknown = re.fullmatch("No such command '(.*)'", text)
    return _with_guess(text, _NEIGHBOURS.get(unknown[1], unknown[1]), COMMANDS) if unknown else text


def _with_guess(text: str, word: str, known: Iterable[str]) -> str:
    import difflib

    close = difflib.get_close_matches(word, known, n=1, cutoff=_CLOSE)
    return f"{text} (did you mean {close[0]}?)" if close else text


def _command(error: Any, arguments: list[str]) -> str:
    """Name the command that the arguments are for; the library does not always know it."""
    if error.ctx:
        return str(error.ctx.command_path)
    return " ".join(["reconciler", *(each for each in arguments[:1] if each in COMMANDS)])
