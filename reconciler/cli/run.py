"""Parse the arguments, run a command, and turn all that goes wrong into words and an exit code."""

from __future__ import annotations

from typing import Any

import typer

from reconciler.cli.app import app
from reconciler.cli.output import complain, note, prepare_streams
from reconciler.cli.signals import interruption
from reconciler.errors import Interrupted, ReconcilerError, Usage

_Refused: type[Exception] = typer.BadParameter.__mro__[2]
"""What the command-line library raises when the arguments are wrong, under whichever name it has it."""


def run(arguments: list[str]) -> int:
    """Run a command; never a traceback, unless asked for."""
    prepare_streams()
    try:
        code = typer.main.get_command(app).main(args=arguments, prog_name="reconciler", standalone_mode=False)
    except _Refused as error:
        return _refused(error, arguments)
    except typer.Abort:
        note("interrupted")
        return Interrupted(interruption.number or 2).exit_code
    except Interrupted as error:
        note("interrupted before the first step: nothing was changed")
        return error.exit_code
    except ReconcilerError as error:
        return complain(error)
    except Exception as error:  # noqa: BLE001 - a fault of ours is told in one line like any other
        return complain(error)
    return int(code or 0)


def _refused(error: Any, arguments: list[str]) -> int:
    """Say in one line what is wrong with the arguments; without any, show what there is."""
    if not arguments:
        error.show()
        return Usage.exit_code
    command = error.ctx.command_path if error.ctx else "reconciler"
    return complain(Usage(f"{error.format_message().rstrip('.')}: see `{command} --help`"))
