"""Every wait has a deadline, and every deadline an option: a new one in the program has to find its row here."""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from reconciler import host
from reconciler.cli import output
from reconciler.cli.app import app
from reconciler.host.engine import ssh
from reconciler.host.netlink import transport
from reconciler.kinds.container.spec import STOP_GRACE_PERIOD
from reconciler.kinds.network import beside
from reconciler.kinds.process import effects
from reconciler.watch import agenda, patience

ROOT = Path(__file__).parents[1]
GUARANTEES = (ROOT / "docs/guarantees.md").read_text()
README = (ROOT / "README.md").read_text()

ENGINE, PATIENCE, WAIT, LOCK, RESYNC = (
    f"--{each}" for each in ("engine-timeout", "patience", "wait-timeout", "lock-timeout", "resync")
)
OPTIONS = {
    ENGINE: {"plan", "apply", "destroy", "watch", "show", "ls"},
    PATIENCE: {"plan", "apply", "destroy", "watch", "show", "ls"},
    WAIT: {"apply", "watch"},
    LOCK: {"apply", "destroy", "watch"},
    RESYNC: {"watch"},
}
"""The commands that have each option."""
NONE = "no wait"
"""It is over at once: the kernel answers within the call, or what is waited for does not wait itself."""
GIVEN = "as long as its caller says"
GRACE = "The stop signal"
INTERRUPTED = "A command that runs when the run is interrupted"
STARTED = "A container that was just started"
TRIAL = "A container that the engine restarts"
DUMP = "A look into a namespace that changes all the time"
LISTING = "The bridge of a network that is in no list yet"
SSH = "The end of ssh"
LOG = "The log of a watch"
WATCH = "The pauses of a watch"
UNASKED = {
    GRACE: f"{STOP_GRACE_PERIOD // 10**9} s unless it says otherwise",
    INTERRUPTED: f"{host.ENDING:g} s to end",
    STARTED: "{:g} to {:g} s".format(*effects._GRACE),
    TRIAL: f"{host.TRIAL:g} s",
    DUMP: f"{transport._TRIES} looks",
    LISTING: f"{sum(beside.LISTED_WITHIN):g} s",
    SSH: f"{ssh._MOMENT:g} s",
    LOG: f"{output._MOMENT:g} s",
    WATCH: f"{agenda.SETTLE * 1000:g} ms to {patience.LONGEST / 60:g} minutes",
}
"""The rows of the table in docs/guarantees.md that says why some deadlines have no option, and the figures there."""

WAITS = {
    "cli/output.py:_has_room": (GIVEN,),
    "cli/signals.py:_tell": (NONE,),
    "execute.py:_Run._finished": (GIVEN, "_MOMENT"),
    "host/engine/__init__.py:Engine.pid": (ENGINE,),
    "host/engine/__init__.py:Engine.long_call": (WAIT,),
    "host/engine/asked.py:Backoff.again": (GIVEN, "_LONGEST_PAUSE"),
    "host/engine/breaking.py:broken_off": (NONE,),
    "host/engine/breaking.py:broken_off.watch": (GIVEN, "_MOMENT"),
    "host/engine/caller.py:Caller._patiently": (PATIENCE, "_PASSING"),
    "host/engine/caller.py:Caller._settled": (PATIENCE,),
    "host/engine/caller.py:Caller.stream": (PATIENCE, "_FAILED"),
    "host/engine/connection.py:Connection._patience": (ENGINE, "LONGEST"),
    "host/engine/connection.py:Connection._received": (ENGINE,),
    "host/engine/connection.py:Connection.is_readable": (GIVEN,),
    "host/engine/connection.py:Pool.take": (NONE,),
    "host/engine/containers.py:Containers.wait": (GIVEN, "_MOMENT"),
    "host/engine/dial.py:dial": (ENGINE,),
    "host/engine/events.py:Events.__iter__": (WATCH,),
    "host/engine/events.py:Events.next": (GIVEN,),
    "host/engine/execs.py:Execs._code": (WAIT,),
    "host/engine/execs.py:Execs.run": (WAIT, "ENDING"),
    "host/engine/networks.py:Turns.take": (ENGINE,),
    "host/engine/sdk.py:_Connection.connect": (WAIT,),
    "host/engine/ssh.py:SshLine.__init__": (ENGINE,),
    "host/engine/ssh.py:SshLine._explain": (ENGINE,),
    "host/engine/ssh.py:SshLine.close": (SSH, "_MOMENT"),
    "host/engine/ssh.py:SshLine.recv": (ENGINE,),
    "host/engine/stream.py:Stream.is_readable": (GIVEN,),
    "host/firewall.py:_run": (PATIENCE,),
    "host/kernel/listening.py:files": (NONE, "_RECEIVE"),
    "host/libc.py:aside": (NONE,),
    "host/lock.py:Lock.__init__": (NONE,),
    "host/lock.py:Lock.is_awaited": (NONE,),
    "host/lock.py:_holder": (NONE,),
    "host/lock.py:_hung_up": (GIVEN,),
    "host/lock.py:_taken": (LOCK, "_MOMENT"),
    "host/netlink/listener.py:Listener.heard": (NONE, "_RECEIVE"),
    "host/netlink/transport.py:Socket._receive": (NONE, "_RECEIVE"),
    "host/netlink/transport.py:Socket.dump": (DUMP, "_PAUSE", "_TRIES"),
    "host/netns/naming.py:_lock": (PATIENCE, "_MOMENT"),
    "kinds/calls.py:patiently": (PATIENCE, "_PAUSE"),
    "kinds/container/stop.py:_outlives": (GIVEN,),
    "kinds/container/stop.py:stopping": (GRACE, "STOP_GRACE_PERIOD"),
    "kinds/effects.py:_named_later": (GIVEN,),
    "kinds/exec/run.py:_ended": (WAIT, "ENDING", "_MOMENT"),
    "kinds/image/registry.py:digest_there": (PATIENCE,),
    "kinds/network/beside.py:_insist_on_a_stranger": (LISTING, "LISTED_WITHIN"),
    "kinds/process/effects.py:_complete": (WAIT,),
    "kinds/process/effects.py:_has_news": (WAIT, "_MOMENT"),
    "kinds/process/effects.py:_insist_on_life": (GIVEN,),
    "kinds/process/effects.py:_listening": (ENGINE,),
    "kinds/process/effects.py:changed": (WAIT,),
    "kinds/process/effects.py:completed": (WAIT,),
    "kinds/process/effects.py:healthy": (WAIT,),
    "kinds/process/effects.py:started": (STARTED, "_GRACE"),
    "kinds/veth/make.py:_await_names": (PATIENCE, "_PAUSE"),
    "reconcile/__init__.py:_remaining": (PATIENCE, "SECOND_LOOKS"),
    "watch/engine.py:EngineEars._follow": (WATCH, "_FIRST", "_LONGEST"),
    "watch/engine.py:EngineEars._listened": (WATCH,),
    "watch/loop.py:Loop.__init__": (NONE,),
    "watch/loop.py:Loop._do": (NONE,),
    "watch/loop.py:Loop.hear": (WATCH,),
}
"""What bounds each wait of the program, and the numbers of its module that the function has to do with."""

SECONDS = {
    "cli/output.py:_MOMENT": LOG,
    "execute.py:_MOMENT": GIVEN,
    "host/__init__.py:ENDING": INTERRUPTED,
    "host/__init__.py:ENGINE_TIMEOUT": ENGINE,
    "host/__init__.py:LOCK_TIMEOUT": LOCK,
    "host/__init__.py:PATIENCE": PATIENCE,
    "host/__init__.py:TRIAL": TRIAL,
    "host/__init__.py:WAIT_TIMEOUT": WAIT,
    "host/engine/asked.py:_FIRST_PAUSE": GIVEN,
    "host/engine/asked.py:_LONGEST_PAUSE": GIVEN,
    "host/engine/breaking.py:_MOMENT": GIVEN,
    "host/engine/containers.py:_MOMENT": GIVEN,
    "host/engine/ssh.py:_MOMENT": SSH,
    "host/lock.py:_MOMENT": GIVEN,
    "host/netlink/transport.py:_PAUSE": DUMP,
    "host/poll.py:LONGEST": GIVEN,
    "host/netns/naming.py:_MOMENT": GIVEN,
    "kinds/calls.py:_PAUSE": GIVEN,
    "kinds/container/spec.py:STOP_GRACE_PERIOD": GRACE,
    "kinds/container/stop.py:_MOMENT": GIVEN,
    "kinds/exec/run.py:_MOMENT": GIVEN,
    "kinds/network/beside.py:LISTED_WITHIN": LISTING,
    "kinds/process/effects.py:_GRACE": STARTED,
    "kinds/process/effects.py:_MOMENT": GIVEN,
    "kinds/veth/make.py:_PAUSE": GIVEN,
    "reconcile/__init__.py:LATE_LOOKS": PATIENCE,
    "reconcile/__init__.py:SECOND_LOOKS": PATIENCE,
    "watch/__init__.py:RESYNC": RESYNC,
    "watch/agenda.py:ENDING": WATCH,
    "watch/agenda.py:GATHER": WATCH,
    "watch/agenda.py:SETTLE": WATCH,
    "watch/engine.py:_FIRST": WATCH,
    "watch/engine.py:_LONGEST": WATCH,
    "watch/file.py:SETTLE": WATCH,
    "watch/file.py:_LONGEST": WATCH,
    "watch/passes.py:AFTER": WATCH,
    "watch/patience.py:LONGEST": WATCH,
    "watch/patience.py:SHORTEST": WATCH,
    "watch/turn.py:_MOMENT": WATCH,
}
"""What each number of seconds belongs to; those of a wait as long as its caller says are how often it looks up."""

BLOCK = {"accept", "communicate", "connect", "create_connection", "flock", "poll", "recv", "recvmsg", "select", "sleep"}
BLOCK |= {"wait", "waitpid", "settimeout", "is_readable", "rest", "broken_off", "Backoff", "Later", "events"}
BARE = {"acquire", "again", "get", "join", "result"}
"""They wait where they are called with nothing, or with a timeout."""
TIMES = re.compile(r"(?:^|_)(TIMEOUT|PATIENCE|PAUSE|MOMENT|GRACE|TRIAL|ENDING|SETTLE|GATHER|LOOKS|DEADLINE)(?:_|$)")
NO_TIME = {"_COUNTS_WELL", "_FAILED", "_PASSING", "_RECEIVE", "_TRIES"}
"""Numbers that stand in a function that waits, and are none of seconds."""


def modules() -> Iterator[tuple[str, ast.Module]]:
    for path in sorted((ROOT / "reconciler").rglob("*.py")):
        yield str(path.relative_to(ROOT / "reconciler")), ast.parse(path.read_text())


def functions(node: ast.AST, name: str = "") -> Iterator[tuple[str, ast.AST]]:
    """Yield every function with its qualified name."""
    for each in ast.iter_child_nodes(node):
        if isinstance(each, ast.FunctionDef | ast.ClassDef):
            inner = f"{name}.{each.name}" if name else each.name
            if isinstance(each, ast.FunctionDef):
                yield inner, each
            yield from functions(each, inner)
        else:
            yield from functions(each, name)


def own(function: ast.AST) -> Iterator[ast.AST]:
    """Yield what is in a function itself, and not in one within it."""
    for each in ast.iter_child_nodes(function):
        if not isinstance(each, ast.FunctionDef):
            yield each
            yield from own(each)


def waits(call: ast.AST) -> bool:
    """Tell whether a call may block."""
    if not isinstance(call, ast.Call):
        return False
    words = ast.unparse(call.func).split(".")
    if words[-1] == "run":
        return words[0] == "subprocess"
    if words[-1] in ("connect", "create") and "networks" in words:
        return False
    if words[-1] == "next":
        return words[-2:-1] in (["events"], ["self"])
    return words[-1] in BLOCK or (
        words[-1] in BARE and not call.args and {each.arg for each in call.keywords} <= {"timeout"}
    )


def is_number(module: str, name: str) -> bool:
    """Tell whether a name of a module is that of a constant that is a number, or several."""
    imported: Any = importlib.import_module(".".join(["reconciler", *module.removesuffix(".py").split("/")]))
    found = getattr(imported, name, None)
    numbers = found if isinstance(found, tuple) else (found,)
    return name.isupper() and all(isinstance(each, int | float) and not isinstance(each, bool) for each in numbers)


def found_waits() -> Iterator[tuple[str, tuple[str, ...]]]:
    for module, tree in modules():
        for name, function in functions(tree):
            inside = list(own(function))
            if any(map(waits, inside)):
                names = {each.id for each in inside if isinstance(each, ast.Name)}
                yield f"{module}:{name}", tuple(sorted(each for each in names if is_number(module, each)))


def found_seconds() -> Iterator[str]:
    """Yield the constants that are called so, and those whose docstring begins with `Seconds`."""
    for module, tree in modules():
        after = [*tree.body[1:], None]
        for statement, following in zip(tree.body, after, strict=True):
            said = (
                isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant) and following.value.value
            )
            names = [
                each.id
                for target in (statement.targets if isinstance(statement, ast.Assign) else ())
                for each in ast.walk(target)
                if isinstance(each, ast.Name) and is_number(module, each.id)
            ]
            yield from (
                f"{module}:{each}" for each in names if TIMES.search(each) or str(said or "").startswith("Seconds")
            )


def test_every_wait_of_the_program_is_known_with_what_bounds_it() -> None:
    assert dict(found_waits()) == {where: tuple(sorted(numbers)) for where, (_, *numbers) in WAITS.items()}


def test_every_number_of_seconds_is_the_default_of_an_option_or_is_explained() -> None:
    assert set(found_seconds()) == SECONDS.keys()
    known = {each.partition(":")[2] for each in SECONDS} | NO_TIME
    assert {each for _, *numbers in WAITS.values() for each in numbers} <= known


@pytest.mark.parametrize("option", OPTIONS)
def test_a_deadline_has_its_option_and_the_option_its_words(option: str) -> None:
    bound = {each for each, *_ in WAITS.values()} | set(SECONDS.values())
    assert bound <= {*OPTIONS, *UNASKED, NONE, GIVEN}
    assert option in bound
    group: Any = typer.main.get_command(app())
    having = {name for name, command in group.commands.items() if any(option in each.opts for each in command.params)}
    assert having == OPTIONS[option]
    assert f"`{option}`" in README


@pytest.mark.parametrize("what", UNASKED)
def test_what_has_no_option_is_explained_in_the_guarantees(what: str) -> None:
    assert what in {each for each, *_ in WAITS.values()} | set(SECONDS.values())
    row = re.search(rf"^\| {re.escape(what)}[^|]*\|([^|]+)\|[^|]+\|$", GUARANTEES, re.MULTILINE)
    assert row
    assert UNASKED[what] in row[1]


@pytest.mark.parametrize(
    ("code", "blocks"),
    [
        ("lock.acquire()", True),
        ("lock.acquire(timeout=3)", True),
        ("time.sleep(1)", True),
        ("thing.get('a')", False),
        ("queue.get(timeout=3)", True),
        ("', '.join(words)", False),
        ("thread.join()", True),
        ("engine.networks.connect(a, b)", False),
        ("socket.connect(a)", True),
        ("subprocess.run(argv)", True),
        ("command.run(argv)", False),
        ("next(each)", False),
        ("events.next(1)", True),
        ("wait", False),
    ],
)
def test_a_call_that_may_block_is_recognised(code: str, blocks: bool) -> None:
    assert waits(ast.parse(code, mode="eval").body) is blocks
