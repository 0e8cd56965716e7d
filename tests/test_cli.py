"""The command line through its real entry point: what needs neither an engine nor root."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from live.lab import NOWHERE as NO_ENGINE

import reconciler
from reconciler import api
from reconciler.cli.changing import _each_destroyed
from reconciler.cli.signals import Interruption
from reconciler.errors import Conflict, Locked
from reconciler.host.lock import locked
from reconciler.model import Topology
from reconciler.topologies import Found

COMMANDS = ("validate", "plan", "apply", "destroy", "watch", "show", "ls", "schema")
NOWHERE = "unix:///nonexistent/docker.sock"
HEAVY = ("docker", "pyroute2", "networkx", "requests", "rich")


def run(
    *arguments: str,
    cwd: Path | None = None,
    given: str | None = None,
    environment: Mapping[str, str] | None = None,
    before: Sequence[str] = (),
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*before, sys.executable, "-m", "reconciler", *arguments],
        cwd=cwd,
        input=given,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "DOCKER_HOST": NOWHERE, "COLUMNS": "100", **(environment or {})},
    )


@pytest.fixture
def name() -> str:
    return f"t{uuid.uuid4().hex[:6]}"


@pytest.fixture
def file(tmp_path: Path, name: str) -> Path:
    path = tmp_path / "topology.yaml"
    path.write_text(f"name: {name}\nnamespaces: {{red: , blue: }}\n")
    return path


def test_the_command_that_is_installed_is_the_module(file: Path) -> None:
    installed = Path(sys.executable).with_name("reconciler")
    if not installed.exists():
        pytest.skip("the package is not installed")
    done = subprocess.run([installed, "validate", file], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, run("validate", str(file)).stdout)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str) -> None:
    done = run(command, "--help")
    assert done.returncode == 0
    assert f"Usage: reconciler {command}" in done.stdout
    assert "--debug" in done.stdout
    assert "-v" in done.stdout


OPTIONS = {
    "validate": "--name",
    "plan": "--show-secrets --name --detailed-exitcode --json --out --engine-timeout --patience --target --replace --adopt --no-prune",
    "apply": (
        "--show-secrets --name --plan --jobs --target --replace --on-failure --adopt --no-prune --no-wait --wait-timeout "
        "--engine-timeout --patience --lock-timeout --json"
    ),
    "destroy": "--name --all --volumes --images --now --engine-timeout --patience --lock-timeout",
    "watch": (
        "--name --dry-run --jobs --no-prune --resync --json --wait-timeout --engine-timeout --patience --lock-timeout"
    ),
    "show": "--show-secrets --name --json --engine-timeout --patience",
    "ls": "--engine-timeout --patience",
    "schema": "",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_has_its_options_and_no_others(command: str) -> None:
    words = run(command, "--help").stdout.split()
    found = {word.rstrip(",") for word in words if word.startswith("--") and "`" not in word}
    assert found == {*OPTIONS[command].split(), "--help", "--debug", "--verbose"}


def test_the_version_is_told() -> None:
    done = run("--version")
    assert done.returncode == 0
    assert done.stdout.startswith("reconciler ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nonsense"], "error: No such command 'nonsense': see `reconciler --help`"),
        (["plan", "--nonsense"], "error: No such option: --nonsense: see `reconciler plan --help`"),
        (["apply", "--bogus"], "error: No such option: --bogus: see `reconciler apply --help`"),
        (["apply", "--targets", "a/b"], "error: No such option: --targets (did you mean --target?): see"),
        (["aply"], "error: No such command 'aply' (did you mean apply?): see `reconciler --help`"),
        (["up", "-d"], "error: No such command 'up' (did you mean apply?): see"),
        (["deploy"], "error: No such command 'deploy' (did you mean apply?): see"),
        (["down"], "error: No such command 'down' (did you mean destroy?): see"),
        (["ps"], "error: No such command 'ps' (did you mean show?): see"),
        (["status"], "error: No such command 'status' (did you mean show?): see"),
        (["inspect"], "error: No such command 'inspect' (did you mean show?): see"),
        (["logs"], "error: No such command 'logs': see"),
        (["it's"], """error: No such command "it's": see"""),
        (["plan", "a", "b"], "error: Got unexpected extra argument"),
        (["apply", "--target"], "error: Option '--target' requires an argument: see `reconciler apply --help`"),
        (["apply", "--target", "web"], "'web' is not of the form kind/name, such as container/web"),
        (["apply", "--jobs", "0"], "error: Invalid value for '--jobs': '0' is not a number from 1 to 1024: see"),
        (["apply", "--jobs", "x"], "error: Invalid value for '--jobs': 'x' is not a number from 1 to 1024: see"),
        (
            ["apply", "--on-failure", "x"],
            "error: Invalid value for '--on-failure': 'x' is neither keep nor revert: see",
        ),
        (["apply", "--wait-timeout", "5x"], "'5x' is not a duration with units, such as 1m30s"),
        (["apply", "--wait-timeout", f"{'9' * 400}h"], "'--wait-timeout': nobody can wait as long as that: see"),
        (["apply", "--patience", "9" * 400], "'--patience': nobody can wait as long as that: see"),
        (["apply", "--plan", "p", "--target", "a/b"], "error: --plan does what was saved"),
        (["apply", "--plan", "nowhere.json"], "error: nowhere.json: cannot be read: No such file or directory"),
        (["plan", "-", "--out", "p"], "error: a plan of standard input, or of a pipe, cannot be saved"),
        (["plan", "/dev/null", "--out", "p"], "error: a plan of standard input, or of a pipe, cannot be saved"),
        (["plan", "--out", "-"], "error: Invalid value for '--out': a plan is saved in a file: name one, such as"),
        (["watch", "/dev/null"], "error: /dev/null cannot be watched: it is read once"),
        (["destroy", "--all", "--name", "x"], "error: --all means every topology"),
        (["show", "--name", "a/b"], "error: --name: 'a/b' is not a name of letters, digits, "),
        (["destroy", "--name", "x" * 65], "error: --name: 'xxx"),
        (["validate", "f.yaml", "--name", ""], "error: --name: '' is not a name of letters, digits, "),
    ],
)
def test_a_wrong_command_line_is_exit_code_3_and_one_line(arguments: list[str], message: str, tmp_path: Path) -> None:
    done = run(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (3, "")
    assert message in done.stderr
    assert done.stderr.count("\n") == 1


def test_without_a_command_there_is_help_and_exit_code_3() -> None:
    done = run()
    assert (done.returncode, done.stdout) == (3, "")
    assert "Commands:" in done.stderr


def test_validate_says_that_a_file_is_valid(file: Path, name: str) -> None:
    done = run("validate", str(file))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{file}: valid: topology {name} with 2 resources\n"


def test_the_file_is_topology_yaml_here_unless_named(file: Path, name: str, tmp_path: Path) -> None:
    assert f"topology {name} " in run("validate", cwd=tmp_path).stdout
    (tmp_path / "empty").mkdir()
    done = run("validate", cwd=tmp_path / "empty")
    assert done.returncode == 3
    assert done.stderr == "topology.yaml:1:1: there is no file 'topology.yaml'\n"


def test_standard_input_is_read_and_the_name_overridden(file: Path) -> None:
    assert "topology other with" in run("validate", "-", "--name", "other", given=file.read_text()).stdout


def test_what_comes_through_a_pipe_is_from_no_file(file: Path) -> None:
    seen = "import reconciler, sys; print(repr(reconciler.load(sys.argv[1]).source))"
    command = [sys.executable, "-c", seen]
    for path in ("-", "/dev/stdin", "/proc/self/fd/0"):
        done = subprocess.run([*command, path], input=file.read_text(), capture_output=True, text=True, check=False)
        assert done.stdout == "'-'\n", done.stderr
    with file.open() as stream:  # which is a file, whatever leads to it
        done = subprocess.run([*command, "/dev/stdin"], stdin=stream, capture_output=True, text=True, check=False)
    assert done.stdout == f"{str(file)!r}\n"
    with tempfile.TemporaryFile("w+") as stream:  # such as a here-document
        stream.write(file.read_text())
        stream.seek(0)
        done = subprocess.run([*command, "/dev/stdin"], stdin=stream, capture_output=True, text=True, check=False)
    assert done.stdout == "'-'\n", done.stderr


@pytest.mark.parametrize("path", ["-", "/dev/stdin", "pipe"])
def test_the_paths_of_what_comes_through_a_pipe_are_from_here(tmp_path: Path, path: str) -> None:
    (tmp_path / "below").mkdir()
    os.mkfifo(tmp_path / "below" / "pipe")
    (tmp_path / ".env").write_text("NAME=named\n")
    (tmp_path / "box.env").write_text("A=1\n")
    text = "name: ${NAME}\ncontainers: {box: {image: busybox, env_file: box.env}}\n"
    argument = "below/pipe" if path == "pipe" else path
    with subprocess.Popen(
        [sys.executable, "-m", "reconciler", "validate", argument],
        cwd=tmp_path,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        if path == "pipe":
            (tmp_path / "below" / "pipe").write_text(text)
        assert process.communicate("" if path == "pipe" else text, 60)[0].count(": valid: topology named ") == 1


def test_all_problems_of_a_file_are_told_at_once_one_a_line(tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text("name: x\nservices: {}\nbridges: {b: {stpp: true}}\n")
    done = run("validate", str(path))
    assert (done.returncode, done.stdout) == (3, "")
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(f"{path}:2:1: ")
    assert lines[1].startswith(f"{path}:3:")
    assert all("Traceback" not in line for line in lines)


@pytest.mark.parametrize("command", ["plan", "apply", "destroy", "show"])
def test_every_command_refuses_a_wrong_file_alike(command: str, tmp_path: Path) -> None:
    path = tmp_path / "t.yaml"
    path.write_text("name: [")
    done = run(command, str(path))
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith(f"{path}:")


def test_debug_adds_the_traceback_to_an_error_of_ours(tmp_path: Path) -> None:
    done = run("validate", "nowhere.yaml", "--debug", cwd=tmp_path)
    assert done.returncode == 3
    assert done.stderr.startswith("Traceback")
    assert done.stderr.endswith("nowhere.yaml:1:1: there is no file 'nowhere.yaml'\n")
    assert run("--debug", "validate", "nowhere.yaml", cwd=tmp_path).stderr == done.stderr


@pytest.mark.parametrize(
    ("raised", "said"),
    [
        (
            "ZeroDivisionError('oops')",
            "ZeroDivisionError: oops (this is a fault of reconciler itself: --debug shows where)",
        ),
        ("FileNotFoundError(2, 'No such file', '/proc/self/mountinfo')", "/proc/self/mountinfo: No such file"),
    ],
)
def test_a_fault_of_ours_is_one_line_too_and_what_the_system_refuses_is_none(raised: str, said: str) -> None:
    script = (
        "import sys\nimport reconciler.topology\nfrom reconciler.cli import main\n"
        f"def load(*_, **__): raise {raised}\n"
        "reconciler.topology.load = load\nsys.argv = ['reconciler', 'validate', *sys.argv[1:]]\nmain()"
    )
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == f"error: {said}\n"
    done = subprocess.run([*command, "--debug"], capture_output=True, text=True, check=False)
    assert done.stderr.startswith("Traceback")
    assert ", in load\n" in done.stderr
    assert done.stderr.endswith(f"error: {said}\n")


def test_the_schema_is_json_and_names_its_draft() -> None:
    done = run("schema")
    assert done.returncode == 0
    assert json.loads(done.stdout)["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_without_an_engine_the_code_is_5_and_one_line_says_what_to_do(tmp_path: Path, name: str) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(f"name: {name}\nnetworks: {{lan: }}\n")
    for arguments in (["apply", str(path)], ["destroy", str(path)]):
        done = run(*arguments)
        assert (done.returncode, done.stdout) == (5, "")
        assert done.stderr.startswith("error: no Docker Engine listens at unix:///nonexistent/docker.sock: ")
        assert done.stderr.count("\n") == 1


def test_a_partial_plan_is_printed_and_ends_with_the_reason(file: Path, name: str) -> None:
    file.write_text(f"name: {name}\nnetworks: {{lan: }}\n")
    done = run("plan", str(file), "--detailed-exitcode")
    assert done.returncode == 5
    assert done.stdout == "Plan: 1 not looked at.\n"
    assert done.stderr.startswith("error: no Docker Engine listens at ")
    assert done.stderr.endswith("(not looked at: network)\n")
    told = json.loads(run("plan", str(file), "--json").stdout)
    assert "network" in told["unavailable"]
    assert not (file.parent / "plan.json").exists()
    assert run("plan", str(file), "--out", "plan.json", cwd=file.parent).returncode == 5
    assert not (file.parent / "plan.json").exists()


def test_an_engine_that_is_meant_to_be_there_may_hold_more_than_the_file_says(tmp_path: Path, name: str) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(f"name: {name}\n")
    for command in ("plan", "apply"):
        done = run(command, str(path))
        assert (done.returncode, done.stdout) == (0, "Plan: nothing to do; 0 unchanged.\n")
        assert re.match(r"not looked at: connect, container, .* \(no Docker Engine listens at .*\)\n$", done.stderr)
    done = run("destroy", str(path))
    assert done.returncode == 5
    assert re.match(r"error: no Docker Engine listens at .* \(not looked at: connect, container, .*\)\n$", done.stderr)


def test_where_there_is_no_engine_at_all_nobody_misses_it(tmp_path: Path, name: str) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(f"name: {name}\n")
    for command in ("plan", "apply", "destroy"):
        done = run(command, str(path), environment=NO_ENGINE)
        assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("arguments", [["show"], ["show", "--name", "{}"], ["destroy", "--name", "{}"]])
def test_who_cannot_look_does_not_say_that_nothing_is_there(arguments: list[str], tmp_path: Path, name: str) -> None:
    (tmp_path / "topology.yaml").write_text(f"name: {name}\nnetworks: {{lan: }}\n")
    done = run(*(each.format(name) for each in arguments), cwd=tmp_path)
    assert done.returncode in (4, 5)
    assert done.stdout == ""
    assert "(not looked at: " in done.stderr


def test_no_topologies_are_only_told_of_a_host_that_was_looked_at() -> None:
    done = run("ls")
    assert done.returncode in (4, 5)
    assert "No topologies" not in done.stdout


BARE = ["setpriv", "--bounding-set=-all", "--inh-caps=-all"] if os.geteuid() == 0 else []


def test_an_engine_that_may_not_be_spoken_to_is_a_missing_privilege(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text("name: x\nnetworks: {lan: }\n")
    path = tmp_path / "docker.sock"
    with socket.socket(socket.AF_UNIX) as closed:
        closed.bind(str(path))
        closed.listen()
        path.chmod(0)
        done = run("plan", cwd=tmp_path, environment={"DOCKER_HOST": f"unix://{path}"}, before=BARE)
    assert (done.returncode, done.stdout) == (4, "Plan: 1 not looked at.\n")
    assert f"error: the Docker Engine at unix://{path} may not be spoken to (Permission denied): run as root, or" in (
        done.stderr
    )


@pytest.mark.parametrize("value", ["bogus", "http+foo://x", "/var/run/docker.sock"])
def test_an_address_that_is_none_is_named(value: str, tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text("name: x\nnetworks: {lan: }\n")
    done = run("plan", cwd=tmp_path, environment={"DOCKER_HOST": value})
    assert done.returncode == 5
    assert done.stderr.startswith(f"error: {value!r} is no address of a Docker Engine: set DOCKER_HOST to one such as ")


INTERRUPTED = """
import os, sys
class Interrupting:
    def find_spec(self, name, *_):
        if name == {module!r}:
            os.kill(os.getpid(), {number})
sys.meta_path.insert(0, Interrupting())
from reconciler.cli import main
sys.argv = ["reconciler", "validate", {file!r}]
main()
"""
"""Runs a command, and gets a signal when a certain module is about to be imported."""


@pytest.mark.parametrize("module", ["reconciler.cli.run", "typer", "reconciler.kinds", "yaml"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_while_it_starts_is_one_line(module: str, number: int, file: Path) -> None:
    script = INTERRUPTED.format(module=module, number=int(number), file=str(file))
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (128 + number, "")
    assert done.stderr == "interrupted before the first step: nothing was changed\n"


HUNG_UP = """
import os, signal, sys, threading
from reconciler.cli.signals import interruption
interruption.listen()
interruption.stop = threading.Event()
for number in {numbers}:
    os.kill(os.getpid(), number)
assert interruption.stop.wait(60)
sys.exit(interruption.exit_code)
"""
"""Has begun its steps, and gets several signals; nobody reads what it says."""


@pytest.mark.parametrize(("numbers", "code"), [("HUP HUP", 129), ("TERM HUP HUP", 143), ("HUP TERM", 143)])
def test_a_terminal_that_is_gone_and_says_so_twice_aborts_nothing(numbers: str, code: int) -> None:
    script = HUNG_UP.format(numbers=[int(getattr(signal, f"SIG{each}")) for each in numbers.split()])
    reader, full = os.pipe()
    os.set_blocking(full, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(full, b"x" * 4096)
    os.set_blocking(full, True)
    done = subprocess.run([sys.executable, "-c", script], stderr=full, check=False, timeout=60)
    assert done.returncode == code
    os.close(reader)
    os.close(full)


def test_who_asks_for_a_hang_up_to_be_ignored_has_it_so() -> None:
    script = HUNG_UP.format(numbers=[1]).replace("wait(60)", "wait(0) is False")
    done = subprocess.run(["nohup", sys.executable, "-c", script], capture_output=True, check=False, timeout=60)
    assert done.returncode == 0


ALL = """
import os, signal, sys, threading
from reconciler.cli.signals import interruption
interruption.listen()
import reconciler.topologies
from reconciler.cli import changing
from reconciler.topologies import Found
reconciler.topologies.topologies = lambda _: (tuple(Found(name, (), {{}}) for name in "abc"), ())
def destroyed(topology):
    if topology.name == "b" and {early}:
        os.kill(os.getpid(), signal.SIGINT)
    print("destroys", topology.name, flush=True)
    interruption.stop = threading.Event()
    if topology.name == "b":
        os.kill(os.getpid(), signal.SIGINT)
    return 0
sys.exit(changing._each_destroyed(None, destroyed))
"""
"""Destroys three topologies, and gets a signal before the first step for the second one, or after it."""


@pytest.mark.parametrize(
    ("early", "done", "words"),
    [
        (True, "a", "interrupted: what is told above was done, nothing more is started\n"),
        (False, "ab", "\ninterrupted: running steps end, nothing more is started; once more aborts\n"),
    ],
)
def test_an_interruption_spares_all_topologies_that_were_not_begun(early: bool, done: str, words: str) -> None:
    script = ALL.format(early=early)
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert (ended.returncode, ended.stderr) == (130, words)
    assert "".join(line[-1] for line in ended.stdout.splitlines() if line.startswith("destroys")) == done


@pytest.mark.parametrize(
    ("command", "given"), [("validate", "topology.yaml"), ("validate", "-"), ("watch", "topology.yaml")]
)
def test_a_current_directory_that_is_gone_is_told_like_a_file_that_is(tmp_path: Path, command: str, given: str) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    before = ["sh", "-c", f'cd "{gone}" && rmdir "{gone}" && exec "$@"', "sh"]
    done = run(command, given, before=before, environment={"PYTHONSAFEPATH": "1"}, given="name: a")
    assert (done.returncode, done.stdout) == (3, "")
    told = "the current directory: No such file or directory (change to one that is there)"
    assert done.stderr == f"{given}:1:1: {told}\n"


@pytest.mark.parametrize("arguments", [["validate"], ["validate", "--help"], ["-h"]])
def test_a_standard_output_that_is_full_is_no_fault_of_ours(file: Path, arguments: list[str]) -> None:
    argv = [sys.executable, "-m", "reconciler", *arguments, *([str(file)] if arguments == ["validate"] else [])]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(argv, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr == "error: standard output cannot be written: No space left on device\n"


@pytest.mark.parametrize(
    ("command", "code", "told"),
    [
        ("validate {file} >&-", 0, ("", "")),
        ("validate {file} 2>&-", 0, ("{file}: valid: topology {name} with 2 resources\n", "")),
        ("validate nowhere.yaml 2>&-", 3, ("", "")),
        ("validate {file} <&- >&- 2>&-", 0, ("", "")),
        ("--version >&-", 0, ("", "")),
        ("validate - <&-", 3, ("", "<stdin>:1:1: the file is empty (e.g. name: lab)\n")),
    ],
)
def test_a_standard_stream_that_is_closed_is_as_good_as_one_that_leads_nowhere(
    command: str, code: int, told: tuple[str, str], file: Path, name: str
) -> None:
    script = f"{sys.executable} -m reconciler {command}".format(file=file)
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (code, *(each.format(file=file, name=name) for each in told))


@pytest.mark.parametrize("command", ["apply", "destroy"])
def test_a_locked_topology_is_exit_code_5_and_names_the_holder(command: str, file: Path, name: str) -> None:
    with locked(name, timeout=0):
        done = run(command, str(file), "--lock-timeout", "0")
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr.startswith(f"error: {name}: locked by pid {os.getpid()} (")


def test_a_waiter_says_for_whom_it_waits_and_can_be_interrupted(file: Path, name: str) -> None:
    argv = [sys.executable, "-m", "reconciler", "apply", str(file)]
    for number in (signal.SIGINT, signal.SIGTERM):
        with locked(name, timeout=0), subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as waiter:
            assert waiter.stderr
            assert waiter.stderr.readline().startswith(f"waiting for pid {os.getpid()} (")
            waiter.send_signal(number)
            assert waiter.stderr.read() == "interrupted before the first step: nothing was changed\n"
        assert waiter.returncode == 128 + number


def test_what_looks_does_not_wait_for_the_lock(file: Path, name: str) -> None:
    with locked(name, timeout=0):
        assert run("validate", str(file)).returncode == 0
        assert run("plan", str(file)).returncode in (0, 4)


def test_who_stops_reading_hears_no_complaint(file: Path) -> None:
    script = f"{sys.executable} -m reconciler schema | head -c 1"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("{", "")


def test_an_old_locale_is_no_reason_to_fail(file: Path) -> None:
    old = {"LC_ALL": "POSIX", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
    assert run("plan", "--help", environment=old).returncode == 0
    assert run("validate", str(file), environment=old).returncode == 0


def loaded_by(*arguments: str) -> list[str]:
    script = (
        "import sys\nfrom reconciler.cli import main\n"
        f"sys.argv = ['reconciler', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit as end:\n    assert not end.code\n"
        f"print('loaded:', *(each for each in {HEAVY!r} if each in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return done.stdout.splitlines()[-1].split()[1:]


def test_help_schema_and_validate_load_nothing_heavy(file: Path) -> None:
    assert loaded_by("--help") == []
    assert loaded_by("schema") == []
    assert loaded_by("validate", str(file)) == []


def test_the_package_costs_nothing_until_it_is_used() -> None:
    script = "import sys, reconciler\nprint(sorted(each for each in sys.modules if each.startswith('reconciler')))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "['reconciler']\n"


def test_the_package_offers_what_it_says(file: Path, name: str) -> None:
    assert dir(reconciler) == sorted(api.__all__)
    assert all(getattr(reconciler, each) is getattr(api, each) for each in api.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = reconciler.nonsense  # type: ignore[attr-defined]
    desired = reconciler.load(file)
    assert desired.name == name
    changes = reconciler.diff(desired, reconciler.Topology(name))
    made = reconciler.plan(changes)
    assert [str(step.key) for step in made.ordered] == ["create namespace/blue", "create namespace/red"]


def test_the_functions_of_the_stages_stay_functions() -> None:
    import reconciler.diff
    import reconciler.execute
    import reconciler.observe
    import reconciler.plan

    assert all(callable(each) for each in (reconciler.diff, reconciler.execute, reconciler.observe, reconciler.plan))


def there_are(monkeypatch: pytest.MonkeyPatch, *names: str) -> None:
    """Let topologies of these names be on the host, and nobody interrupt."""
    named = tuple(Found(each, ("file",), {}) for each in names)
    monkeypatch.setattr("reconciler.topologies.topologies", lambda _: (named, ()))
    monkeypatch.setattr("reconciler.cli.changing.interruption", Interruption())


def test_of_all_topologies_one_on_which_others_stand_is_destroyed_after_those(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there_are(monkeypatch, "below", "above", "stuck")
    gone: list[str] = []

    def destroyed(topology: Topology) -> int:
        if topology.name == "stuck" or (topology.name == "below" and "above" not in gone):
            raise Conflict(f"network/n: something stands on that of {topology.name}")
        gone.append(topology.name)
        return 0

    assert _each_destroyed(reconciler.Host(), destroyed) == Conflict.exit_code
    assert gone == ["above", "below"]
    assert capsys.readouterr().err == "error: network/n: something stands on that of stuck\n"


def test_of_all_topologies_one_that_fails_spares_the_others_no_word_and_no_end(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    there_are(monkeypatch, "stuck", "busy", "free")
    gone: list[str] = []

    def destroyed(topology: Topology) -> int:
        if topology.name == "stuck":
            raise Conflict("network/n: something stands on it")
        if topology.name == "busy":
            raise Locked("another run holds busy")
        gone.append(topology.name)
        return 0

    assert _each_destroyed(reconciler.Host(), destroyed) == Locked.exit_code
    assert gone == ["free"]
    assert capsys.readouterr().err == "error: another run holds busy\nerror: network/n: something stands on it\n"


@pytest.mark.parametrize("given", ["-", "/dev/stdin", "/dev/fd/0", "/proc/self/fd/0", "link"])
def test_what_is_read_once_cannot_be_watched_though_it_be_a_file(tmp_path: Path, given: str) -> None:
    tmp_path.joinpath("link").symlink_to("/dev/stdin")
    tmp_path.joinpath("topology.yaml").write_text("name: a\n")
    before = ["sh", "-c", f'cd "{tmp_path}" && exec "$@" < topology.yaml', "sh"]
    done = run("watch", given, before=before)
    what = "standard input" if given == "-" else given
    assert (done.returncode, done.stdout, done.stderr) == (3, "", f"error: {what} cannot be watched: it is read once\n")


def test_a_watch_that_would_look_all_the_time_is_refused(tmp_path: Path) -> None:
    done = run("watch", "--resync", "0s", before=["env", "-C", str(tmp_path)])
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == "error: --resync: nothing else would be done than to look: give it some time\n"
