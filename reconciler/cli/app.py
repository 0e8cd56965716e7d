"""The commands together, and the options that stand before them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import typer

from reconciler.cli import changing, looking, watching
from reconciler.cli.options import Debug, Verbose, Version

COMMANDS = {
    each.__name__: each
    for each in (
        looking.validate,
        looking.plan,
        changing.apply,
        changing.destroy,
        watching.watch,
        looking.show,
        looking.ls,
        looking.schema,
    )
}
HELP = ("-h", "--help")


def app(arguments: Sequence[str] = ()) -> typer.Typer:
    """Return the command line, as far as the arguments need it: each command takes the library its time to make."""
    made = typer.Typer(
        add_completion=False,
        no_args_is_help=True,
        suggest_commands=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": list(HELP)},
    )
    made.callback()(everything)
    for command in _asked(arguments):
        made.command()(command)
    return made


def _asked(arguments: Sequence[str]) -> Iterable[Callable[..., int]]:
    """Return the one command that is named; all where none is, or where help on all of them is wanted before that."""
    for each in arguments:
        if each in COMMANDS:
            return (COMMANDS[each],)
        if not each.startswith("-") or each in HELP:
            break
    return COMMANDS.values()


def everything(*, _version: Version = False, _debug: Debug = False, _verbose: Verbose = False) -> None:
    """One YAML file says what should exist on this host; `reconciler apply` makes the host so."""
