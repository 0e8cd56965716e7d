"""The command line on a real kernel and a real engine, through its real entry point."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

import pytest

from live.lab import NOWHERE, RECONCILER, REQUIRED, Engineless, started
from live.lab import run as command

pytestmark = pytest.mark.live

Done = subprocess.CompletedProcess[str]


class Cli:
    """The command line in a folder with a `topology.yaml`, under a topology's name of its own."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder, self.name = folder, f"t{uuid.uuid4().hex[:6]}"
        self.environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **environment}
        self.file = folder / "topology.yaml"
        self.program = RECONCILER

    def write(self, text: str) -> None:
        self.file.write_text(f"name: {self.name}\n{text}")

    def __call__(self, *arguments: str, before: Sequence[str] = ()) -> Done:
        return subprocess.run(
            [*before, *self.program, *arguments],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    def started(self, *arguments: str) -> subprocess.Popen[str]:
        return started(self.folder, *arguments, environment=self.environment)

    def told(self, *arguments: str) -> dict[str, Any]:
        """What a command prints as JSON."""
        done = self(*arguments, "--json")
        assert done.stdout, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


def made(folder: Path, environment: Mapping[str, str]) -> Iterator[Cli]:
    if os.geteuid() != 0:
        pytest.fail("live tests must run here, and need root") if REQUIRED else pytest.skip("needs root")
    cli = Cli(folder, environment)
    yield cli
    cli.write("")
    done = cli("destroy", "--volumes", "--images", "--now")
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def kernel(tmp_path: Path) -> Iterator[Cli]:
    """The command line where there is no engine."""
    yield from made(tmp_path, NOWHERE)


@pytest.fixture
def cli(tmp_path: Path, engine: Any, image: str) -> Iterator[Cli]:
    """The command line with an engine."""
    yield from made(tmp_path, {})


NAMESPACES = "namespaces: {red: , blue: }\nveths: [[red:eth0 10.66.0.1/30, blue:eth0 10.66.0.2/30]]\n"


def test_a_topology_comes_up_drifts_is_mended_and_vanishes(kernel: Cli) -> None:
    kernel.write(NAMESPACES)
    done = kernel("plan", "--detailed-exitcode")
    assert done.returncode == 2
    assert done.stderr == ""
    assert done.stdout == (
        "  + namespace/blue               absent\n"
        "  + namespace/red                absent\n"
        "  + veth/blue:eth0--red:eth0     absent\n"
        "Plan: 3 to create; 0 unchanged.\n"
    )
    planned = done.stdout

    done = kernel("apply")
    assert done.returncode == 0
    assert done.stdout == f"{planned}Steps: 3 applied, 0 failed, 0 skipped.\n"
    steps = re.findall(r"^  applied     create (\S+)  \d\.\d\d s$", done.stderr, re.MULTILINE)
    assert sorted(steps) == ["namespace/blue", "namespace/red", "veth/blue:eth0--red:eth0"]
    assert done.stderr.count("\n") == 3

    for arguments in (["plan", "--detailed-exitcode"], ["apply"]):
        done = kernel(*arguments)
        assert (done.returncode, done.stdout) == (0, "Plan: nothing to do; 3 unchanged.\n")
        assert done.stderr == ""

    command("ip", "-n", f"{kernel.name}-red", "link", "set", "eth0", "mtu", "1400")
    done = kernel("plan", "--detailed-exitcode")
    assert done.returncode == 2
    assert "  ~ veth/blue:eth0--red:eth0     endpoints.red:eth0.mtu: 1400 → 1500\n" in done.stdout
    assert "Plan: 1 to update; 2 unchanged.\n" in done.stdout
    assert kernel("apply").returncode == 0

    done = kernel("destroy")
    assert done.returncode == 0
    assert "Plan: 3 to delete; 0 unchanged.\n" in done.stdout
    assert kernel.name not in command("ip", "netns")
    done = kernel("destroy")
    assert (done.returncode, done.stdout) == (0, "Plan: nothing to do; 0 unchanged.\n")


def test_json_is_alone_on_standard_output_and_stable(kernel: Cli) -> None:
    kernel.write(NAMESPACES)
    plan = kernel.told("plan")
    assert plan == kernel.told("plan")
    assert list(plan) == ["format_version", "topology", "changes", "unchanged", "steps", "unavailable"]
    assert plan["changes"][0] == {
        "key": "namespace/blue",
        "action": "create",
        "reason": "absent",
        "fields": {},
    }
    report = kernel.told("apply")
    assert (report["format_version"], report["topology"], report["converged"]) == (1, kernel.name, True)
    assert report["remaining"] == []
    assert [(each["key"], each["verb"], each["status"]) for each in report["outcomes"]] == [
        ("namespace/blue", "create", "done"),
        ("namespace/red", "create", "done"),
        ("veth/blue:eth0--red:eth0", "create", "done"),
    ]
    command("ip", "-n", f"{kernel.name}-red", "link", "set", "eth0", "mtu", "1400")
    (change,) = kernel.told("plan")["changes"]
    assert change["fields"] == {"endpoints.red:eth0.mtu": {"observed": 1400, "desired": 1500}}
    shown = kernel.told("show")
    assert [each["key"] for each in shown["resources"]] == [
        "namespace/blue",
        "namespace/red",
        "veth/blue:eth0--red:eth0",
    ]
    assert all(set(each) == {"key", "spec", "live"} for each in shown["resources"])
    *namespaces, veth = (each["live"] for each in shown["resources"])
    assert namespaces == [{"source": str(kernel.file)}] * 2
    assert {frozenset(each) for each in veth["ends"].values()} == {frozenset({"mac", "operstate", "addresses"})}


def test_show_reads_well_narrow_and_wide(kernel: Cli) -> None:
    kernel.write(f"{NAMESPACES}bridges: {{br0: {{stp: true, addresses: [10.67.0.1/24, 10.67.1.1/24]}}}}\n")
    kernel.write(kernel.file.read_text().partition("\n")[2].replace("]]\n", "], [red:eth1 10.67.0.2/24, br0]]\n"))
    assert kernel("apply").returncode == 0
    for width in (80, 200):
        kernel.environment["COLUMNS"] = str(width)
        done = kernel("show")
        assert done.returncode == 0
        assert max(map(len, done.stdout.splitlines())) <= width
        assert re.search(r"^bridge/br0 +t\w+-br0, 10.67.0.1/24,", done.stdout, re.MULTILINE)
        assert re.search(r"^  eth0 +↔ blue:eth0 +mtu 1500  [\da-f:]{17}  10.66.0.1/30$", done.stdout, re.MULTILINE)
        assert re.search(r"^  eth1 +↔ br0:\S+ +mtu 1500  [\da-f:]{17}  10.67.0.2/24$", done.stdout, re.MULTILINE)


def test_the_name_alone_will_do_and_says_what_it_could_not_look_at(kernel: Cli) -> None:
    kernel.write(NAMESPACES)
    assert kernel("apply").returncode == 0
    done = kernel("show", "--name", kernel.name)
    assert done.returncode == 5
    assert "namespace/red" in done.stdout
    assert re.match(r"error: no Docker Engine .*\(not looked at: connect, container, .*\)\n$", done.stderr)
    done = kernel("ls")
    assert done.returncode == 5
    assert re.search(rf"^{kernel.name}  +{kernel.file}  +2 namespaces, 1 veth$", done.stdout, re.MULTILINE)
    done = kernel("destroy", "--name", kernel.name)
    assert done.returncode == 5
    assert "Steps: 3 applied, 0 failed, 0 skipped.\n" in done.stdout
    assert kernel.name not in command("ip", "netns")


def test_one_file_runs_twice_side_by_side_under_two_names(kernel: Cli) -> None:
    kernel.write("namespaces: {red: }\n")
    other = f"{kernel.name}x"
    assert kernel("apply").returncode == 0
    assert kernel("apply", "--name", other).returncode == 0
    names = command("ip", "netns")
    assert f"{kernel.name}-red" in names
    assert f"{other}-red" in names
    assert kernel("destroy", "topology.yaml", "--name", other).returncode == 0
    assert f"{other}-red" not in command("ip", "netns")
    assert kernel("plan", "--detailed-exitcode").returncode == 0


def test_a_saved_plan_is_done_as_it_was_or_refused(kernel: Cli) -> None:
    kernel.write(NAMESPACES)
    assert kernel("plan", "--out", "plan.json").returncode == 0
    assert kernel("apply", "--plan", "plan.json").returncode == 0

    done = kernel("apply", "--plan", "plan.json")
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr.startswith("error: the plan would be another one by now (namespace/blue, ")

    command("ip", "-n", f"{kernel.name}-red", "link", "set", "eth0", "mtu", "1400")
    assert kernel("plan", "--out", "plan.json").returncode == 0
    kernel.write(f"{NAMESPACES}# another word\n")
    done = kernel("apply", "--plan", "plan.json")
    assert (done.returncode, done.stdout) == (5, "")
    assert done.stderr == f"error: {kernel.file}: has changed since the plan was saved: plan again\n"


def test_targets_replacements_and_pruning(kernel: Cli) -> None:
    kernel.write(NAMESPACES)
    assert kernel("apply", "--target", "namespace/red").returncode == 0
    assert f"{kernel.name}-blue" not in command("ip", "netns")
    assert kernel("apply").returncode == 0

    done = kernel("apply", "--replace", "namespace/red")
    assert done.returncode == 0
    assert "  ± namespace/red                asked for\n" in done.stdout
    assert "  ± veth/blue:eth0--red:eth0     stands on namespace/red\n" in done.stdout

    assert kernel("plan", "--replace", "namespace/red", "--no-prune", "--out", "plan.json").stdout in done.stdout
    done = kernel("apply", "--plan", "plan.json")
    assert (done.returncode, "  ± namespace/red                asked for\n" in done.stdout) == (0, True)

    done = kernel("apply", "--target", "namespace/green")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.startswith("error: namespace/green: ")

    kernel.write("namespaces: {red: }\n")
    done = kernel("apply", "--no-prune")
    assert (done.returncode, done.stdout) == (0, "Plan: nothing to do; 1 unchanged.\n")
    done = kernel("apply")
    assert done.returncode == 0
    assert "  - namespace/blue               not declared\n" in done.stdout


def test_a_target_that_was_stopped_comes_back_with_its_links(cli: Cli) -> None:
    node = "{image: reconciler-test/busybox, init: true, command: [sleep, '600'], network_mode: none}"
    far = "{namespace: far, interface: e, addresses: [10.66.0.2/30], routes: [{to: 10.99.0.0/16, via: 10.66.0.1}]}"
    cli.write(
        f"containers: {{client: {node}, other: {node}}}\n"
        "namespaces: {far: }\n"
        f"veths: [{{endpoints: [client:eth1 10.66.0.1/30, {far}]}}]\n"
    )
    assert cli("apply").returncode == 0
    command("docker", "stop", "-t", "0", f"{cli.name}-client", f"{cli.name}-other")
    assert cli("apply", "--target", "container/client").returncode == 0
    assert [each["key"] for each in cli.told("plan")["changes"]] == ["process/other"]


def test_what_is_not_ours_is_in_the_way_until_it_is_adopted(kernel: Cli) -> None:
    kernel.write("namespaces: {red: }\n")
    command("ip", "netns", "add", f"{kernel.name}-red")
    done = kernel("plan")
    assert (done.returncode, done.stdout) == (4, "")
    assert done.stderr.startswith("error: namespace/red: ")
    assert done.stderr.count("\n") == 1
    done = kernel("apply", "--adopt", "namespace/red")
    assert done.returncode == 0
    assert kernel("plan", "--detailed-exitcode").returncode == 0


def test_what_another_file_of_the_same_name_made_is_not_deleted_without_a_word(kernel: Cli) -> None:
    kernel.write("namespaces: {red: }\n")
    other = kernel.folder / "other.yaml"
    other.write_text(f"name: {kernel.name}\nnamespaces: {{blue: }}\n")
    assert kernel("apply").returncode == 0
    done = kernel("plan", "other.yaml")
    assert done.returncode == 0
    assert done.stderr == (
        f"warning: namespace/red: made from {kernel.file}: unless that is this file before it was moved, --name keeps the two apart\n"
    )
    assert kernel("plan").stderr == ""


def test_what_a_file_made_under_another_name_is_not_made_again_without_a_word(kernel: Cli) -> None:
    kernel.write("namespaces: {red: }\nveths: [[red:a, red:b]]\n")
    former = f"{kernel.name}-old"
    assert kernel("apply", "--name", former).returncode == 0
    try:
        said = (
            f"warning: topology {former} was made from this file too: if that was its name, `reconciler destroy --name"
        )
        assert kernel("plan").stderr == f"{said} {former}`\n"
        assert kernel("plan", "--name", f"{kernel.name}-new").stderr == ""
        done = kernel("destroy")
        assert (done.returncode, done.stderr) == (0, f"{said} {former}`\n"), "nothing is to be done, and all stays"
        assert kernel("apply").returncode == 0
        assert kernel("plan", "--replace", "namespace/red").stderr == ""
    finally:
        assert kernel("destroy", str(kernel.file), "--name", former).returncode == 0


FAILING = "namespaces: {red: {exec: ['echo why >&2; exit 3']}, blue: }\n"


def test_a_failing_step_is_told_with_its_cause_and_the_rest_is_done(kernel: Cli) -> None:
    kernel.write(FAILING)
    done = kernel("apply")
    assert done.returncode == 1
    assert re.search(r"^  applied     create namespace/blue$", done.stdout, re.MULTILINE)
    assert re.search(r"^  failed      create exec/red  .*3.*", done.stdout, re.MULTILINE)
    assert "why" in done.stdout
    assert "Steps: 2 applied, 1 failed, 0 skipped.\n" in done.stdout
    assert "Still different:\n" in done.stdout
    assert re.search(r"^  failed      create exec/red  \d\.\d\d s$", done.stderr, re.MULTILINE)
    assert "Traceback" not in done.stderr
    assert "Traceback" in kernel("apply", "--debug").stderr
    told = kernel.told("apply")
    assert told["converged"] is False
    assert told["remaining"][0]["key"] == "exec/red"


def test_a_failed_apply_goes_back_where_that_is_wanted(kernel: Cli) -> None:
    kernel.write(FAILING)
    done = kernel("apply", "--on-failure", "revert")
    assert done.returncode == 1
    assert "Going back:\n" in done.stdout
    assert kernel.name not in command("ip", "netns")


SLOW = "namespaces: {a: {exec: ['sleep 1']}, b: {exec: ['sleep 1']}, c: {exec: ['sleep 1']}}\n"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interruption_lets_running_steps_end_and_starts_no_more(kernel: Cli, number: signal.Signals) -> None:
    kernel.write(SLOW)
    with kernel.started("apply", "--jobs", "1") as process:
        assert process.stderr
        _await(process.stderr, "exec/a")
        process.send_signal(number)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert "interrupted: running steps end, nothing more is started" in errors
    assert "  applied     create exec/a" in output
    assert "  skipped     create exec/c  interrupted before its turn\n" in output
    assert "Still different:\n" in output
    kernel.write(SLOW.replace("sleep 1", "true"))
    assert kernel("apply").returncode == 0


def test_a_second_signal_aborts(kernel: Cli) -> None:
    kernel.write(SLOW.replace("sleep 1", "sleep 4"))
    with kernel.started("apply", "--jobs", "1") as process:
        assert process.stderr
        _await(process.stderr, "namespace/c")
        process.send_signal(signal.SIGINT)
        _await(process.stderr, "interrupted")
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
        assert process.stdout
        assert "Steps:" not in process.stdout.read()  # what runs is not waited for, and so nothing is told of it


def test_without_privileges_the_code_is_4_and_one_line_says_what_to_do(kernel: Cli) -> None:
    kernel.write(f"{NAMESPACES}bridges: {{br0: }}\n")
    # The checkout may be in the home of somebody else: reading it is all that dac_read_search is for.
    bare = ["setpriv", *(f"--{each}=-all,+dac_read_search" for each in ("bounding-set", "inh-caps"))]
    done = kernel("apply", before=bare)
    assert (done.returncode, done.stdout) == (4, "")
    assert re.match(r"error: .*root.*\n$", done.stderr)
    done = kernel("plan", before=bare)
    assert (done.returncode, done.stdout) == (4, "Plan: 4 not looked at.\n")
    assert re.match(r"error: .*root.*\(not looked at: bridge, namespace, veth\)\n$", done.stderr)


def test_a_terminal_gets_colours_and_a_live_line_unless_no_color_is_set(kernel: Cli) -> None:
    kernel.write(SLOW.replace("sleep 1", "true"))
    seen = on_a_terminal(kernel, "apply")
    assert "\x1b[32m+\x1b[0m" in seen
    assert "\r\x1b[K  0/6  create namespace/a" in seen
    kernel.environment["NO_COLOR"] = "1"
    assert "\x1b[3" not in on_a_terminal(kernel, "destroy")


def on_a_terminal(cli: Cli, *arguments: str) -> str:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [*RECONCILER, *arguments],
        cwd=cli.folder,
        env={**cli.environment, "TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
    ) as process:
        os.close(theirs)
        seen = b"".join(_read(ours))
        assert process.wait(timeout=60) == 0
    os.close(ours)
    return seen.decode()


def _await(stream: IO[str], word: str) -> None:
    """Read until a line has a word; it must not end before."""
    assert any(word in line for line in iter(stream.readline, "")), f"{word!r} never came"


def _read(fd: int) -> Iterator[bytes]:
    poll = select.poll()
    poll.register(fd, select.POLLIN)
    while poll.poll(60_000):
        try:
            yield os.read(fd, 4096)
        except OSError:  # the other end is closed
            return


def test_v_shows_the_calls(kernel: Cli) -> None:
    kernel.write(NAMESPACES)
    done = kernel("apply", "-v")
    assert done.returncode == 0
    assert re.search(r"^ +\d+ ms  host: RTM_GETLINK x1$", done.stderr, re.MULTILINE)
    assert re.search(rf"^ +\d+ ms  netns {kernel.name}-\w+: RTM_NEWLINK x\d$", done.stderr, re.MULTILINE)


def test_v_shows_the_calls_to_the_engine(cli: Cli) -> None:
    cli.write("networks: {lan: }\n")
    done = cli("plan", "-v")
    assert re.search(r"^ +\d+ ms  engine GET /networks\S*: 200$", done.stderr, re.MULTILINE)
    assert "http://" not in done.stderr


BESIDE = 'mount -t tmpfs none /run/netns; for each; do "$0" -m reconciler $each; echo "-> $?"; done'
"""Runs commands as a host beside this one: in a network namespace, and with names of namespaces, of its own."""


def test_all_topologies_of_this_host_are_listed_and_destroyed(kernel: Cli) -> None:
    kernel.write("namespaces: {red: }\n")
    assert kernel("apply").returncode == 0
    beside = ["unshare", "--mount", "--net", "sh", "-c", BESIDE, sys.executable]
    done = subprocess.run(
        [*beside, "apply", "apply --name zzz", "ls", "destroy --all", "ls"],
        cwd=kernel.folder,
        env=kernel.environment,
        capture_output=True,
        text=True,
        check=False,
    )
    first, second, listed, destroyed, rest = (part.strip() for part in re.split(r"-> \d\n", done.stdout)[:5])
    assert "1 to create" in first
    assert "1 to create" in second
    assert [line.split()[0] for line in listed.splitlines()] == ["TOPOLOGY", kernel.name, "zzz"]
    assert destroyed.count("Steps: 1 applied, 0 failed, 0 skipped.") == 2
    assert f"{kernel.name}:\n" in destroyed
    assert rest == ""  # that there are none cannot be said
    assert re.findall(r"-> (\d)", done.stdout) == ["0", "0", "5", "5", "5"]  # no engine could be asked
    assert kernel("plan", "--detailed-exitcode").returncode == 0


CONTAINERS = """
defaults: {containers: {image: reconciler-test/busybox, init: true, command: [sleep, '600']}}
networks: {lan: {ipam: {config: [{subnet: 10.231.233.0/24}]}}}
volumes: {data: }
containers:
  web:
    networks: {lan: {ipv4_address: 10.231.233.10}}
    ports: ["127.0.0.1:8533:80"]
    volumes: ["data:/data"]
    environment: {TOKEN: s3cret}
    healthcheck: {test: [CMD, "true"], interval: 1s}
"""


def test_containers_come_up_healthy_are_shown_and_only_volumes_stay(cli: Cli) -> None:
    cli.write(CONTAINERS)
    done = cli("apply")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "  + container/web                absent\n" in done.stdout
    assert "wait process/web (healthy)" in done.stderr or "wait container/web (healthy)" in done.stderr
    assert cli("plan", "--detailed-exitcode").returncode == 0

    shown = cli("show", "--name", cli.name)
    assert shown.returncode == 0
    assert re.search(r"^container/web +running \(healthy\), .*127.0.0.1:8533 → 80/tcp$", shown.stdout, re.MULTILINE)
    assert re.search(r"^  \S+ +↔ lan +[\da-f:]{17}  10.231.233.10", shown.stdout, re.MULTILINE)
    assert "s3cret" not in shown.stdout + cli("show", "--json").stdout

    command("docker", "stop", "-t", "1", f"{cli.name}-web")
    done = cli("plan")
    assert "  ~ container/web                state: stopped → running\n" in done.stdout
    assert done.stdout.endswith("Plan: 1 to update; 3 unchanged.\n")

    listed = cli("ls")
    assert listed.returncode == 0
    counts = "1 container, 1 network, 1 volume"
    assert re.search(rf"^{cli.name} +{cli.file} +{counts}$", listed.stdout, re.MULTILINE)

    done = cli("destroy")
    assert done.returncode == 0
    assert "volume/data" not in done.stdout
    assert done.stderr.endswith("kept: volume/data: with --volumes it goes too\n")
    assert f"{cli.name}-data" in command("docker", "volume", "ls", "-q")
    assert cli("destroy", "--volumes").returncode == 0
    assert f"{cli.name}-data" not in command("docker", "volume", "ls", "-q")


def test_secrets_are_shown_nowhere(cli: Cli) -> None:
    cli.write(CONTAINERS)
    assert cli("apply", "--no-wait").returncode == 0
    cli.write(CONTAINERS.replace("s3cret", "t0psecret"))
    plan, told = cli("plan", "--out", "plan.json"), cli("plan", "--json")
    assert "environment.TOKEN: (secret) → (secret), changed" in plan.stdout
    done = cli("apply", "--plan", "plan.json", "-v")
    assert done.returncode == 0, done.stdout + done.stderr
    everything = plan.stdout + told.stdout + done.stdout + done.stderr + (cli.folder / "plan.json").read_text()
    assert "s3cret" not in everything
    assert "t0psecret" not in everything


DYING = """
containers:
  web: {image: reconciler-test/busybox, network_mode: none, command: [sh, -c, 'echo a last word; exit 7']}
"""


def test_a_container_that_dies_is_a_failure_with_its_log(cli: Cli) -> None:
    cli.write(DYING)
    done = cli("apply", "--wait-timeout", "20s")
    assert done.returncode == 1
    assert "a last word" in done.stdout
    assert re.search(r"^  failed .*\b7\b", done.stdout, re.MULTILINE)


LATE = """
defaults: {containers: {image: reconciler-test/busybox, init: true, network_mode: none, command: [sleep, '600']}}
containers:
  web: {command: [sh, -c, 'sleep 0.6; echo a last word; exit 7']}
  well: {healthcheck: {test: [CMD, 'true'], interval: 1s}}
"""


def test_one_that_dies_once_nobody_watches_it_is_no_less_a_failure(cli: Cli) -> None:
    cli.write(LATE)
    done = cli("apply")
    assert done.returncode == 1
    assert re.search(
        r"^  failed      create process/web .* with exit code 7: .*\n +\| a last word$", done.stdout, re.MULTILINE
    )


def test_without_an_engine_what_needs_none_still_plans(kernel: Cli) -> None:
    kernel.write(f"{CONTAINERS}namespaces: {{red: }}\n")
    done = kernel("plan", "--detailed-exitcode")
    assert done.returncode == 5
    assert done.stdout == "  + namespace/red                absent\nPlan: 1 to create; 4 not looked at.\n"
    assert re.match(r"error: no Docker Engine .*not looked at: .*container.*\n$", done.stderr)


def test_the_same_from_python(kernel: Cli) -> None:
    import reconciler

    kernel.write(NAMESPACES)
    host = Engineless()
    desired = reconciler.load(kernel.file)
    made = reconciler.plan(reconciler.diff(desired, reconciler.observe(host, desired)))
    assert len(made) == len(reconciler.prepare(desired, host)) == 3
    assert reconciler.execute(made, host).converged
    assert reconciler.apply(desired, host, lock_timeout=0).outcomes == ()
    assert reconciler.destroy(desired, host, lock_timeout=0).converged
    assert kernel.name not in command("ip", "netns")


DEAF = """
containers:
  box:
    image: "%s"
    network_mode: none
    stop_signal: SIGUSR1
    command: [sh, -c, "trap 'exit 0' USR1; while :; do sleep 0.1; done"]
"""


@pytest.mark.parametrize(("options", "signals"), [((), [signal.SIGUSR1]), (("--now",), [signal.SIGKILL])])
def test_destroy_stops_as_a_container_asks_and_kills_where_told(
    cli: Cli, engine: Any, image: str, options: tuple[str, ...], signals: list[signal.Signals]
) -> None:
    cli.write(DEAF % image)
    assert cli("apply").returncode == 0
    identity = engine.inspect_container(f"{cli.name}-box")["Id"]
    assert cli("destroy", *options).returncode == 0
    told = engine.events(since=0, until=int(time.time()) + 1, decode=True, filters={"container": identity})
    assert [int(each["Actor"]["Attributes"]["signal"]) for each in told if each["Action"] == "kill"] == signals


def test_a_topology_comes_from_standard_input(kernel: Cli) -> None:
    text = f"name: {kernel.name}\nnamespaces: {{red: }}\n"

    def given(*arguments: str) -> int:
        done = subprocess.run(
            [*RECONCILER, *arguments], input=text, env=kernel.environment, capture_output=True, text=True, check=False
        )
        return done.returncode

    assert given("plan", "-", "--detailed-exitcode") == 2
    assert given("apply", "-") == 0
    assert given("plan", "-", "--detailed-exitcode") == 0
    assert given("destroy", "-") == 0
    assert given("plan", "-", "--detailed-exitcode") == 2


_APART = 'unshare --mount --propagation slave "$@"; exit $?'
SEEN_NOWHERE = ("unshare", "--pid", "--fork", "--mount-proc", "sh", "-c", _APART, "sh")
"""With a first process of its own: that of the machine may be out of sight even for root."""
READ_ONLY = ("unshare", "--mount", "sh", "-c", 'mount --bind /run /run; mount -o remount,bind,ro /run; exec "$@"', "sh")


@pytest.mark.parametrize(
    ("before", "why"),
    [
        (
            SEEN_NOWHERE,
            "nobody outside of this mount namespace sees what is mounted in /run/netns here, and it is gone",
        ),
        (READ_ONLY, "/run/netns is on a file system that is mounted read-only: mount it writable"),
    ],
)
def test_namespaces_are_not_begun_where_their_names_cannot_last(kernel: Cli, before: Sequence[str], why: str) -> None:
    kernel.write(f"{NAMESPACES}bridges: {{br0: }}\n")
    links = command("ip", "-o", "link")
    assert kernel("plan", "--detailed-exitcode", before=before).returncode == 2
    refused = kernel("apply", before=before)
    assert (refused.returncode, command("ip", "-o", "link")) == (4, links)
    assert refused.stderr.startswith(f"error: namespace/blue and 1 more: {why}")
    assert refused.stderr.count("\n") == 1
    assert kernel("apply").returncode == 0
    assert kernel("apply", before=SEEN_NOWHERE).returncode == 0, "there is nothing to do"
    assert kernel("destroy", before=SEEN_NOWHERE).returncode == 0
    assert not [each for each in command("ip", "netns").split() if each.startswith(kernel.name)]


@pytest.mark.parametrize("apart", [["unshare", "--net"], ["unshare", "--net", "--pid", "--fork", "--mount-proc"]])
def test_kernel_work_with_an_engine_in_another_network_namespace_is_refused(
    cli: Cli, engine: Any, image: str, apart: list[str]
) -> None:
    box = f'containers: {{box: {{image: "{image}", network_mode: none, command: [sleep, "1000"]}}}}\n'
    cli.write(box + "namespaces: {red: }\nveths: [[box:eth0, red:eth0]]\n")
    refused = cli("plan", before=apart)
    assert refused.returncode == 4
    assert "lives in another network namespace than we do: run the reconciler where the engine runs" in refused.stderr
    cli.write(box + "namespaces: {red: }\nbridges: {br0: }\n")
    assert cli("plan").returncode == 0
    refused = cli("apply", before=apart)
    assert (refused.returncode, "Steps:" in refused.stdout) == (4, False), "it would be in another host than its box"
    assert re.match("error: the engine at .* lives in another network", refused.stderr)
    cli.write(box)
    assert cli("plan", before=apart).returncode == 0
