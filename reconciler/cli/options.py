"""The options of the command line, each with its words for --help."""

from __future__ import annotations

import math
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from reconciler.cli.logs import log_calls
from reconciler.cli.output import settings
from reconciler.cli.version import tell_version
from reconciler.kinds.units import duration
from reconciler.model import DEFAULT_FILE, STANDARD_INPUT, ResourceKey

_SECOND = 10**9
_JOBS_MAX = 1024
_ENDLESS = "nobody can wait as long as that"


class OnFailure(StrEnum):
    """What to do when a step has failed, or something still differs."""

    KEEP = "keep"
    REVERT = "revert"


def seconds(text: str | float) -> float:
    """Read a duration: `90s`, `1m30s`, or a plain number of seconds, as the default is one."""
    if isinstance(text, int | float):
        return text
    try:
        found = float(text) if text.replace(".", "", 1).isdecimal() else duration(text) / _SECOND
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
    except OverflowError as error:
        raise typer.BadParameter(_ENDLESS) from error
    if math.isinf(found):
        raise typer.BadParameter(_ENDLESS)
    return found


def plan_file(text: str) -> Path:
    """Read the name of a file for a plan."""
    if text == STANDARD_INPUT:
        raise typer.BadParameter("a plan is saved in a file: name one, such as plan.json")
    return Path(text)


def number_of_jobs(text: str | int) -> int:
    """Read how many steps to run at once."""
    number = int(text) if str(text).isdecimal() else 0
    if not 1 <= number <= _JOBS_MAX:
        raise typer.BadParameter(f"{text!r} is not a number from 1 to {_JOBS_MAX}")
    return number


def on_failure(text: str) -> OnFailure:
    """Read what to do when a step has failed."""
    try:
        return OnFailure(text)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is neither {' nor '.join(OnFailure)}") from error


def key(text: str) -> ResourceKey:
    """Read a key."""
    try:
        return ResourceKey.of(text)
    except ValueError as error:
        raise typer.BadParameter(f"{error}, such as container/web") from error


def _debug(wanted: bool) -> None:
    settings.debug = settings.debug or wanted


def _verbose(wanted: bool) -> None:
    if wanted:
        log_calls()


def _secrets(wanted: bool) -> None:
    settings.secrets = settings.secrets or wanted


def _version(wanted: bool) -> None:
    if wanted:
        tell_version()
        raise typer.Exit


def _seconds(option: str, words: str) -> Any:
    return typer.Option(option, parser=seconds, metavar="T", show_default=False, help=words)


def _keys(option: str, words: str) -> Any:
    return typer.Option(option, parser=key, metavar="KEY", help=f"{words}; repeatable.")


_FILE = f"The topology file, {DEFAULT_FILE} unless named"
File = Annotated[str | None, typer.Argument(metavar="FILE", help=f"{_FILE}; {STANDARD_INPUT} is standard input.")]
Watched = Annotated[str | None, typer.Argument(metavar="FILE", help=f"{_FILE}.")]
Name = Annotated[str | None, typer.Option("--name", metavar="NAME", help="The topology's name, instead of the file's.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on standard output.")]
Debug = Annotated[bool, typer.Option("--debug", callback=_debug, help="Add the traceback to an error.")]
Verbose = Annotated[bool, typer.Option("-v", "--verbose", callback=_verbose, help="Show the calls.")]
Version = Annotated[
    bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
]
ShowSecrets = Annotated[
    bool,
    typer.Option("--show-secrets", callback=_secrets, help="Show secret values; those in errors and logs stay hidden."),
]
LockTimeout = Annotated[
    float,
    _seconds(
        "--lock-timeout", "How long to wait for another run on the same topology, 5m unless told; 0 is not at all."
    ),
]
WaitTimeout = Annotated[
    float,
    _seconds(
        "--wait-timeout",
        "How long to wait for each container to become ready, a command to end, a build to go on; 5m unless told.",
    ),
]
EngineTimeout = Annotated[
    float, _seconds("--engine-timeout", "How long one answer of the engine may take, 2m unless told.")
]
Patience = Annotated[
    float,
    _seconds("--patience", "How long to try again what may pass, such as an engine that restarts; 10s unless told."),
]
DetailedExitCode = Annotated[
    bool, typer.Option("--detailed-exitcode", help="Exit with 2 where there is something to do.")
]
Out = Annotated[
    Path | None, typer.Option("--out", parser=plan_file, metavar="PLAN", help="Save the plan, for `apply --plan`.")
]
SavedPlan = Annotated[
    Path | None, typer.Option("--plan", metavar="PLAN", help="Do what a saved plan promises, or refuse.")
]
Jobs = Annotated[int, typer.Option("--jobs", parser=number_of_jobs, metavar="N", help="How many steps to run at once.")]
Target = Annotated[
    list[ResourceKey] | None, _keys("--target", "Only this, its parts, what they need and what falls with them")
]
Replace = Annotated[list[ResourceKey] | None, _keys("--replace", "Replace this in any case")]
Adopt = Annotated[list[ResourceKey] | None, _keys("--adopt", "Take over, for good, what has the name or place of this")]
Failure = Annotated[
    OnFailure,
    typer.Option(
        "--on-failure",
        parser=on_failure,
        metavar="[keep|revert]",
        help="Where a step fails, or something still differs, whoever did that: keep what is done, or go back, with"
        " which --adopt does not go.",
    ),
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what differs; change nothing.")]
Resync = Annotated[
    float | None,
    _seconds(
        "--resync",
        "How long until one looks though nothing was heard: a sysctl tells nobody of a change. 5m unless told, and "
        "more where looking takes long.",
    ),
]
NoPrune = Annotated[bool, typer.Option("--no-prune", help="Delete nothing that is no longer declared.")]
NoWait = Annotated[bool, typer.Option("--no-wait", help="Do not wait for health checks at the end.")]
Volumes = Annotated[bool, typer.Option("--volumes", help="Remove named volumes too.")]
Images = Annotated[bool, typer.Option("--images", help="Remove our images too.")]
Now = Annotated[bool, typer.Option("--now", help="Kill containers instead of stopping them.")]
Everything = Annotated[bool, typer.Option("--all", help="Every topology on this host.")]
