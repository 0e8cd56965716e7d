"""The commands together, and the options that stand before them."""

from __future__ import annotations

import typer

from reconciler.cli import changing, looking, watching
from reconciler.cli.options import Debug, Verbose, Version

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback()
def everything(*, _version: Version = False, _debug: Debug = False, _verbose: Verbose = False) -> None:
    """One YAML file says what should exist on this host; `reconciler apply` makes the host so."""


for command in (
    looking.validate,
    looking.plan,
    changing.apply,
    changing.destroy,
    watching.watch,
    looking.show,
    looking.ls,
    looking.schema,
):
    app.command()(command)
