"""What works without root, with just which capabilities, and what is told where one is missing."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from live.lab import NOWHERE, run
from live.test_cli import Cli, made
from live.watched import Watched, is_mended, settled

pytestmark = pytest.mark.live

NAMESPACES = ("net_admin", "sys_admin", "dac_override")
CONTAINERS = ("net_admin", "sys_admin", "sys_ptrace")
WATCHING = (*NAMESPACES, "net_broadcast")
_GROUP_MAY = 0o060
KERNEL = """
namespaces: {{red: {{sysctls: {{net.ipv4.ip_forward: 1}}, exec: ["true"]}}, blue: }}
bridges: {{br0: {{stp: true, addresses: [10.211.9.1/24]}}}}
veths:
  - [red:eth0 10.211.0.1/30, blue:eth0 {address}]
  - [red:eth1 10.211.9.2/24, br0]
host: {{routes: [{{to: 10.211.16.0/24, via: 10.211.9.2}}]}}
"""
ENGINE = """
defaults: {{containers: {{image: reconciler-test/busybox, init: true, command: [sleep, '600']}}}}
containers:
  web: {{networks: [lan], ports: ["127.0.0.1::80"], volumes: ["data:/data"]}}
  peer: {{networks: [lan], links: ["web:w"], environment: {{A: "{address}"}}}}
networks: {{lan: }}
volumes: {{data: }}
"""
WIRED = """
defaults: {{containers: {{image: reconciler-test/busybox, init: true, network_mode: none, command: [sleep, '600']}}}}
containers: {{a: {{exec: ["true"]}}, b: }}
bridges: {{br0: {{addresses: [10.211.9.1/24]}}}}
veths:
  - [a:eth0 10.211.0.1/30, b:eth0 {address}]
  - [a:eth1 10.211.9.2/24, br0]
"""


def somebody(*capabilities: str, group: int | None = None) -> list[str]:
    """A user who is not root, with just these capabilities, and perhaps in the group of the engine's socket."""
    # The interpreter may be in root's home: reading it is all that dac_read_search is for.
    named = ",".join(["-all", *(f"+{each}" for each in (*capabilities, "dac_read_search"))])
    return [
        *("setpriv", "--reuid", "1000", "--regid", "1000"),
        *(["--clear-groups"] if group is None else ["--groups", str(group)]),
        *(f"--inh-caps={named}", f"--ambient-caps={named}", f"--bounding-set={named}"),
    ]


@pytest.fixture
def cli(tmp_path: Path) -> Iterator[Cli]:
    tmp_path.chmod(0o755)
    yield from made(tmp_path, {})


@pytest.fixture
def group(engine: Any, image: str) -> int:
    """The group of the engine's socket."""
    del engine, image
    path = Path(os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://"))
    if not path.exists() or path.stat().st_mode & _GROUP_MAY != _GROUP_MAY or not path.stat().st_gid:
        pytest.skip("no group but root's may speak to the engine")
    return path.stat().st_gid


def lives(cli: Cli, text: str, before: list[str]) -> None:
    """Apply, edit, rest, destroy, all as somebody."""
    cli.write(text.format(address="10.211.0.2/30"))
    assert cli("apply", before=before).returncode == 0
    cli.write(text.format(address="10.211.0.3/29"))
    for arguments in (["apply"], ["plan", "--detailed-exitcode"], ["destroy", "--now", "--volumes"]):
        done = cli(*arguments, before=before)
        assert (done.returncode, "error" in done.stderr) == (0, False), (arguments, done.stdout + done.stderr)


def test_the_kernel_is_worked_with_three_capabilities(cli: Cli) -> None:
    lives(cli, KERNEL, somebody(*NAMESPACES))


def test_containers_are_wired_with_three_capabilities_and_the_sockets_group(cli: Cli, group: int) -> None:
    lives(cli, WIRED, somebody(*CONTAINERS, group=group))


def test_what_lives_in_the_engine_alone_takes_the_sockets_group_and_no_capability(cli: Cli, group: int) -> None:
    lives(cli, ENGINE, somebody(group=group))


@pytest.mark.parametrize("missing", NAMESPACES)
def test_a_missing_capability_is_named_in_one_line_before_anything_is_done(cli: Cli, missing: str) -> None:
    cli.write(KERNEL.format(address="10.211.0.2/30"))
    before = run("ip", "netns"), run("ip", "-o", "link")
    done = cli("apply", before=somebody(*(each for each in NAMESPACES if each != missing)))
    assert done.returncode == 4, done.stdout + done.stderr
    assert re.fullmatch(
        rf"error: .*run as root, or with CAP_{missing.upper()}: `sudo .* -m reconciler apply`\n", done.stderr
    )
    assert (run("ip", "netns"), run("ip", "-o", "link")) == before


def test_a_watch_takes_one_capability_more_than_apply(cli: Cli) -> None:
    cli.write(KERNEL.format(address="10.211.0.2/30"))
    with Watched(cli.folder, environment=NOWHERE, before=somebody(*WATCHING)) as watch:
        watch.until(lambda each: is_mended(each, "exec/red"))
        for link, key in (("eth0", "veth/blue:eth0--red:eth0"), ("eth1", "veth/br0--red:eth1")):
            deletion = ("ip", "-n", f"{cli.name}-red", "link", "delete", link)
            settled(watch)
            watch.mends(f"{link} is deleted, and nobody is root", lambda deletion=deletion: run(*deletion), key)  # type: ignore[misc]
        name = f"{cli.name}-blue"
        settled(watch)
        watch.mends(
            "a namespace is deleted, and nobody is root", lambda: run("ip", "netns", "delete", name), "namespace/blue"
        )
        assert [each for each in watch.words if each["what"] not in ("watching", "mended")] == []
        assert watch.end() == 143


def test_a_watch_over_containers_does_so_as_well(cli: Cli, group: int) -> None:
    cli.write(WIRED.format(address="10.211.0.2/30"))
    with Watched(cli.folder, before=somebody(*CONTAINERS, "net_broadcast", group=group)) as watch:
        watch.until(lambda each: is_mended(each, "exec/a"))
        restart = ("docker", "restart", "-t", "0", f"{cli.name}-a")
        watch.mends(
            "a restart, and nobody is root",
            lambda: run(*restart),
            *("veth/a:eth0--b:eth0", "veth/a:eth1--br0", "exec/a"),
        )
        assert [each for each in watch.words if each["what"] not in ("watching", "mended")] == []
        assert watch.end() == 143


@pytest.mark.parametrize("missing", WATCHING)
def test_a_capability_that_a_watch_lacks_is_named_in_one_line_before_anything_is_done(cli: Cli, missing: str) -> None:
    cli.write(KERNEL.format(address="10.211.0.2/30"))
    cli.environment |= NOWHERE
    before = run("ip", "netns"), run("ip", "-o", "link")
    done = cli("watch", "--json", before=somebody(*(each for each in WATCHING if each != missing)))
    assert done.returncode == 4, done.stdout + done.stderr
    assert re.fullmatch(rf"error: .*\bCAP_{missing.upper()}\b.*\n", done.stderr)
    assert {json.loads(line)["what"] for line in done.stdout.splitlines()} <= {"watching"}
    assert (run("ip", "netns"), run("ip", "-o", "link")) == before


def test_a_namespace_is_not_half_deleted_by_who_may_not_delete_its_name(cli: Cli) -> None:
    cli.write(KERNEL.format(address="10.211.0.2/30"))
    assert cli("apply").returncode == 0
    done = cli("destroy", before=somebody("net_admin", "sys_admin"))
    assert done.returncode == 4, done.stdout + done.stderr
    assert cli("plan", "--detailed-exitcode").returncode == 0


def test_nothing_is_destroyed_by_its_name_by_who_may_not_look_at_all_of_it(cli: Cli, group: int) -> None:
    cli.write(WIRED.format(address="10.211.0.2/30"))
    assert cli("apply").returncode == 0
    for allowed in (somebody(group=group), somebody("net_admin", "sys_admin")):
        done = cli("destroy", "--name", cli.name, before=allowed)
        assert done.returncode == 4, done.stdout + done.stderr
        assert re.fullmatch(rf"error: .*: run as root, or .*: `sudo .* destroy --name {cli.name}`\n", done.stderr)
    assert cli("plan", "--detailed-exitcode").returncode == 0


def test_what_can_be_seen_is_planned_and_the_rest_told(cli: Cli, group: int) -> None:
    cli.write(WIRED.format(address="10.211.0.2/30"))
    done = cli("plan", before=somebody("net_admin", "sys_admin", group=group))
    assert done.returncode == 4, done.stdout + done.stderr
    assert "+ container/a" in done.stdout
    assert "+ bridge/br0" in done.stdout
    assert "may not be looked at: run as root, or with CAP_SYS_PTRACE: `sudo " in done.stderr
    done = cli("plan", before=somebody(group=group))
    assert (done.returncode, "+ container/a" in done.stdout) == (4, True)
    assert "run as root, or with CAP_SYS_ADMIN: `sudo " in done.stderr
    assert cli("validate", before=somebody()).returncode == 0
    assert json.loads(cli("schema", before=somebody()).stdout)


def test_containers_are_not_begun_by_who_cannot_wire_them(cli: Cli, group: int, engine: Any) -> None:
    cli.write(WIRED.format(address="10.211.0.2/30"))
    before = engine.containers(all=True), run("ip", "-o", "link")
    done = cli("apply", before=somebody(*(each for each in CONTAINERS if each != "sys_ptrace"), group=group))
    assert done.returncode == 4, done.stdout + done.stderr
    assert re.fullmatch(r"error: .*run as root, or with CAP_SYS_PTRACE: `sudo .* -m reconciler apply`\n", done.stderr)
    assert (engine.containers(all=True), run("ip", "-o", "link")) == before


def test_the_engine_gives_a_container_no_more_than_one_made_by_hand(cli: Cli, engine: Any, image: str) -> None:
    cli.write(f"containers: {{web: {{image: {image}, command: [sleep, '600'], init: true}}}}")
    assert cli("apply").returncode == 0
    made_by_hand = engine.create_container(image, ["sleep", "600"])["Id"]
    try:
        mine, theirs = (engine.inspect_container(each)["HostConfig"] for each in (f"{cli.name}-web", made_by_hand))
    finally:
        engine.remove_container(made_by_hand, force=True)
    privileges = (
        "Privileged CapAdd CapDrop Devices DeviceRequests DeviceCgroupRules GroupAdd PidMode IpcMode UTSMode UsernsMode"
    )
    for name in (*privileges.split(), "CgroupnsMode", "SecurityOpt", "Binds", "ReadonlyRootfs"):
        assert (mine.get(name) or None) == (theirs.get(name) or None), name
