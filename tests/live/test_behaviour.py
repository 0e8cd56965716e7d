"""What the command line does when something is in the way, is not allowed, fails, or is to go."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from live import snapshot
from live.lab import IMAGE, run
from live.test_cli import Cli, made
from live.test_interrupted import eventually
from live.witness import link

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("untouched")]

NOBODY = (
    *("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups"),
    *("--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search"),  # the interpreter may be in root's home
)


@pytest.fixture
def cli(tmp_path: Path, engine: Any, image: str) -> Iterator[Cli]:
    yield from made(tmp_path, {})


@pytest.fixture
def foreign(cli: Cli, engine: Any) -> Iterator[str]:
    """A container on a network, both by hand; yields the first part of their names."""
    name = cli.name
    run("docker", "network", "create", "--subnet", "172.31.238.0/24", f"{name}-lan")
    joined = ("--network", f"{name}-lan", "-p", "127.0.0.1:8493:80")
    run("docker", "run", "-d", "--init", *joined, "--name", f"{name}-box", IMAGE, "sleep", "999")
    run("docker", "run", "-d", "--init", "--name", f"{name}x", IMAGE, "sleep", "999")
    yield name
    for each in (f"{name}-box", f"{name}x"):
        run("docker", "rm", "-f", each, check=False)
    run("docker", "network", "rm", f"{name}-lan", check=False)


def life(engine: Any, name: str) -> tuple[str, str]:
    found = engine.inspect_container(name)
    return found["Id"], found["State"]["StartedAt"]


STRANGERS = """
containers:
  box: {image: reconciler-test/busybox, init: true, command: [sleep, '600'], networks: [lan], ports: ["127.0.0.1:8493:80"]}
networks: {lan: {ipam: {config: [{subnet: 172.31.238.0/24}]}}}
"""


def test_a_strangers_container_and_network_are_replaced_only_when_adopted(cli: Cli, engine: Any, foreign: str) -> None:
    cli.write(STRANGERS)
    was, beside = life(engine, f"{foreign}-box"), life(engine, f"{foreign}x")
    done = cli("apply")
    assert (done.returncode, done.stdout) == (4, "")
    assert re.search(r"^error: container/box: .* not ours", done.stderr, re.MULTILINE)
    assert re.search(r"^error: network/lan: .* not ours", done.stderr, re.MULTILINE)
    assert life(engine, f"{foreign}-box") == was

    done = cli("apply", "--adopt", "container/box", "--adopt", "network/lan")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"^  ± container/box +.*\(forces replacement\)$", done.stdout, re.MULTILINE)
    assert re.search(r"^  ± network/lan +.*\(forces replacement\)$", done.stdout, re.MULTILINE)
    assert life(engine, f"{foreign}-box") != was
    assert life(engine, f"{foreign}x") == beside
    assert cli("plan", "--detailed-exitcode").returncode == 0


@pytest.mark.parametrize("end", ["--init", "--rm"])  # the engine removes the volumes of the second when it ends
def test_the_anonymous_volumes_of_an_adopted_container_stay_and_are_told(cli: Cli, engine: Any, end: str) -> None:
    run("docker", "run", "-d", end, "-v", "/data", "--name", f"{cli.name}-box", IMAGE, "sleep", "999")
    volume = engine.inspect_container(f"{cli.name}-box")["Mounts"][0]["Name"]
    cli.write("containers: {box: {image: reconciler-test/busybox, init: true, command: [sleep, '600']}}")
    done = cli("apply", "--adopt", "container/box")
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"its anonymous volumes stay: {volume} of /data" in done.stdout.replace("\n", " ")
    assert not engine.inspect_container(f"{cli.name}-box")["Mounts"]
    engine.remove_volume(volume)


def test_what_is_adopted_is_asked_to_end_though_the_engine_removes_it_then(cli: Cli, tmp_path: Path) -> None:
    script = "trap 'touch /bound/asked; exit 0' TERM; touch /bound/ready; while :; do sleep 0.05; done"
    bound = f"{tmp_path}:/bound"
    run("docker", "run", "-d", "--rm", "-v", bound, "--name", f"{cli.name}-box", IMAGE, "sh", "-c", script)
    eventually((tmp_path / "ready").exists)
    cli.write("containers: {box: {image: reconciler-test/busybox, init: true, command: [sleep, '600']}}")
    assert cli("apply", "--adopt", "container/box").returncode == 0
    assert (tmp_path / "asked").exists()


KERNEL = """
namespaces: {red: }
bridges: {br0: {stp: true}}
veths: [[host:@a 10.74.0.1/30, host:@b]]
"""


def test_what_the_kernel_has_is_adopted_in_place_and_goes_with_the_rest(cli: Cli) -> None:
    cli.write(KERNEL.replace("@", cli.name))
    run("ip", "netns", "add", f"{cli.name}-red")
    run("ip", "-n", f"{cli.name}-red", "link", "add", "mine", "type", "bridge")
    run("ip", "link", "add", f"{cli.name}-br0", "type", "bridge")
    run("ip", "link", "add", f"{cli.name}a", "type", "veth", "peer", "name", f"{cli.name}b")
    indices = [link(f"{cli.name}{each}")["ifindex"] for each in ("-br0", "a", "b")]
    keys = ["namespace/red", "bridge/br0", f"veth/host:{cli.name}a--host:{cli.name}b"]
    done = cli("apply")
    assert done.returncode == 4
    assert [each for each in keys if f"error: {each}: " not in done.stderr] == []
    done = cli("apply", *(word for key in keys for word in ("--adopt", key)))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mine" in run("ip", "-n", f"{cli.name}-red", "link")
    assert [link(f"{cli.name}{each}")["ifindex"] for each in ("-br0", "a", "b")] == indices
    assert cli("destroy").returncode == 0
    assert cli.name not in run("ip", "link") + run("ip", "netns")


FAILING = """
defaults: {containers: {image: reconciler-test/busybox, init: true, network_mode: none, command: [sleep, '600']}}
containers:
  bad: {command: [/no/such/command]}
  late: {depends_on: [bad]}
  later: {depends_on: [late]}
  fine:
namespaces: {red: , blue: }
veths: [[bad:eth0, red:eth0], [fine:eth0, blue:eth0]]
"""


def test_what_waits_for_a_failed_step_is_skipped_with_the_cause_and_the_rest_is_done(cli: Cli, engine: Any) -> None:
    cli.write(FAILING)
    done = cli("apply")
    assert done.returncode == 1
    assert re.search(
        r"^  failed      create process/bad  .*exit code 127: the command was not found", done.stdout, re.MULTILINE
    )
    for skipped in ("process/late", "process/later", "veth/bad:eth0--red:eth0"):
        assert f"  skipped     create {skipped}  because create process/bad failed\n" in done.stdout
    for applied in ("process/fine", "veth/blue:eth0--fine:eth0", "namespace/red"):
        assert f"  applied     create {applied}\n" in done.stdout
    assert re.search(r"^Steps: \d+ applied, 1 failed, 3 skipped\.$", done.stdout, re.MULTILINE)
    fine = life(engine, f"{cli.name}-fine")
    cli.write(FAILING.replace("{command: [/no/such/command]}", ""))
    assert cli("apply").returncode == 0
    assert life(engine, f"{cli.name}-fine") == fine


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("namespaces: {red: }\n", r"error: .*run as root.*\n"),
        ("volumes: {data: }\n", r"error: the Docker Engine at \S+ may not be spoken to \(.*\): run as root, .*\n"),
    ],
)
def test_who_may_not_is_told_so_in_one_line(cli: Cli, text: str, says: str) -> None:
    cli.write(text)
    cli.folder.chmod(0o755)
    for command in ("apply", "plan", "destroy"):
        done = cli(command, before=NOBODY)
        assert done.returncode == 4, done.stderr
        assert re.fullmatch(says, done.stderr), done.stderr
    assert cli("validate", before=NOBODY).returncode == 0


ALL = """
defaults: {containers: {image: own, init: true, command: [sleep, '600']}}
images: {own: {import: root.tar}}
volumes: {data: }
networks: {lan: }
containers: {web: {networks: [lan], volumes: ["data:/data", /anonymous]}, box: {network_mode: none}}
namespaces: {red: {sysctls: {net.ipv4.ip_forward: 1}, exec: ["true"]}}
bridges: {br0: {addresses: [10.75.0.1/24]}}
veths: [[box:eth0, red:eth0], [red:eth1 10.75.0.2/24, br0]]
host: {routes: [{to: 10.76.0.0/16, via: 10.75.0.2}]}
"""


def test_destroy_leaves_volumes_and_images_and_with_its_options_nothing(cli: Cli, engine: Any) -> None:
    subprocess.run(["tar", "-cf", str(cli.folder / "root.tar"), "-C", "/", "bin/busybox"], check=True)
    with_busybox = ALL.replace("[sleep, '600']", "[/bin/busybox, sleep, '600']")
    cli.write(with_busybox)
    before = snapshot.at_rest(engine)
    assert cli("apply").returncode == 0
    assert cli("destroy").returncode == 0
    left = snapshot.differences(before, snapshot.settled(before, engine, apart_from=("volumes", "images")))
    assert left.keys() == {"volumes", "images"}
    assert left["volumes"] == {"gone": [], "new": [f"{cli.name}-data"]}
    assert all(f"/{cli.name}/" in tag for _, tags in left["images"]["new"] for tag in tags)
    assert cli("destroy", "--volumes", "--images").returncode == 0
    assert snapshot.differences(before, snapshot.settled(before, engine)) == {}
