"""Which capability a refusal is about, and what to type."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from reconciler.cli.privileged import Asked, as_root
from reconciler.errors import HostRefuses, NotPermitted, StepFailed
from reconciler.host import Host
from reconciler.host.netlink import NetlinkError
from reconciler.host.privilege import KERNEL_WORK, effective, missing, remedy, unwritable
from reconciler.kinds import kinds
from reconciler.kinds.base import Kind
from reconciler.kinds.container.config import config
from reconciler.kinds.container.spec import ContainerSpec
from reconciler.model import Action, Change, Changes, Resource, ResourceKey, Spec, Topology
from reconciler.reconcile.refuse import not_permitted
from reconciler.topology import load


def refused(name: str = "", words: str = "Permission denied", number: int = errno.EACCES) -> OSError:
    return PermissionError(number, words, name) if name else PermissionError(number, words)


@pytest.mark.parametrize(
    ("error", "capability"),
    [
        (refused(words="cannot enter a network namespace: Operation not permitted"), "CAP_SYS_ADMIN"),
        (NetlinkError(errno.EPERM), "CAP_NET_ADMIN"),
        (refused("/run/netns/red"), "CAP_DAC_OVERRIDE"),
        (refused("/proc/7/ns/net"), "CAP_SYS_PTRACE"),
        (refused("/proc/sys/net/ipv4/ip_forward"), "CAP_DAC_OVERRIDE"),
    ],
)
def test_a_refusal_names_the_capability(error: OSError, capability: str) -> None:
    explained = Host().explain(error)
    assert isinstance(explained, NotPermitted)
    assert explained.exit_code == 4
    assert str(explained).endswith(f": run as root, or with {capability}")


@pytest.mark.parametrize(
    "error", [NetlinkError(errno.EOPNOTSUPP), NetlinkError(errno.EOPNOTSUPP, "Unknown device type"), OSError(97, "x")]
)
def test_what_the_kernel_does_not_know_is_a_matter_of_the_host(error: OSError) -> None:
    explained = Host().explain(error)
    assert (type(explained), explained.exit_code) == (HostRefuses, 4)
    assert str(explained).endswith(": this kernel lacks what that takes: load its module, or do without it")


def test_what_one_link_cannot_do_another_may() -> None:
    refused = NetlinkError(errno.EOPNOTSUPP, "Device does not allow enslaving to a bridge")
    assert isinstance(Host().explain(refused), StepFailed)


def test_what_else_the_system_refuses_is_no_matter_of_privilege() -> None:
    assert isinstance(Host().explain(NetlinkError(errno.EEXIST)), StepFailed)


def test_the_capabilities_in_effect_are_read_and_what_is_missing_is_named() -> None:
    assert effective("Name:\tx\nCapEff:\t0000000000201000\n") == KERNEL_WORK
    assert effective("CapEff:\t0000000000000000\n") == frozenset() == effective("")
    assert missing([]) == ()
    assert remedy(["CAP_B", "CAP_A"]) == "run as root, or with CAP_A, CAP_B"


def test_who_may_write_into_a_folder_that_is_not_there_yet_is_told_by_the_one_around_it(tmp_path: Path) -> None:
    assert unwritable(tmp_path / "a" / "b") == 0


@pytest.mark.parametrize(("flags", "number"), [(0, errno.EACCES), (os.ST_RDONLY | os.ST_NOSUID, errno.EROFS)])
def test_a_folder_that_nobody_may_write_is_told_from_one_that_we_may_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, flags: int, number: int
) -> None:
    monkeypatch.setattr(os, "access", lambda *_, **__: False)
    monkeypatch.setattr(os, "statvfs", lambda path: SimpleNamespace(f_flag=flags, path=path))
    assert unwritable(tmp_path / "a" / "b") == number


def test_what_lives_in_the_engine_alone_takes_no_capability_and_all_else_does() -> None:
    for kind in kinds().values():
        assert bool(kind.privileges()) is ("kernel" in kind.uses), kind.name


class Privileged(Kind):
    name = "box"

    def privileges(self) -> frozenset[str]:
        return frozenset({"CAP_THAT_NOBODY_HAS"})


@pytest.mark.parametrize(
    ("names", "begins"), [("", ""), ("a", "box/a: changing"), ("abc", "box/a and 2 more: changing")]
)
def test_what_may_not_be_done_is_told_once_for_all_of_a_plan(names: str, begins: str) -> None:
    keys = [ResourceKey("box", each) for each in names]
    by_key = {key: Change(key, Action.CREATE, "absent", Resource(key, Spec())) for key in keys}
    changes = Changes(Topology("t"), Topology("t"), by_key)
    told = [str(each) for each in not_permitted(changes, kinds={"box": Privileged()})]
    assert len(told) == bool(names)
    assert all(each.startswith(begins) and each.endswith("or with CAP_THAT_NOBODY_HAS") for each in told)


@pytest.mark.parametrize(
    ("arguments", "environment", "command"),
    [
        (["/x/bin/reconciler", "apply"], {}, "sudo /x/bin/reconciler apply"),
        (
            ["/x/bin/reconciler", "plan", "a b.yaml"],
            {"DOCKER_HOST": "unix:///s", "DOCKER_CONTEXT": "c", "HOME": "/h"},
            "sudo --preserve-env=DOCKER_HOST,DOCKER_CONTEXT /x/bin/reconciler plan 'a b.yaml'",
        ),
        (["/x/reconciler/__main__.py", "ls"], {}, "sudo /x/bin/python -m reconciler ls"),
    ],
)
def test_the_very_command_is_told(arguments: list[str], environment: dict[str, str], command: str) -> None:
    assert as_root(arguments, environment, python="/x/bin/python") == command


def test_the_command_names_the_files_that_lead_to_the_engine() -> None:
    command = as_root(["/x/reconciler", "ls"], {"DOCKER_CONTEXT": "c"}, python="", leading="/home/a b/.docker")
    assert command == "sudo --preserve-env=DOCKER_CONTEXT 'DOCKER_CONFIG=/home/a b/.docker' /x/reconciler ls"


def test_the_command_keeps_the_variables_that_the_file_has_asked_for(tmp_path: Path) -> None:
    path, names = tmp_path / "t.yaml", set[str]()
    path.write_text(
        "name: t\nnamespaces: {r: {sysctls: {net.ipv4.ip_forward: '${FWD}', net.ipv4.ip_default_ttl: '${TTL:-9}'}}}"
    )
    environment = Asked({"FWD": "1", "HOME": "/root", "DOCKER_HOST": "unix:///x"}, names)
    assert (sorted(environment), len(environment)) == (["DOCKER_HOST", "FWD", "HOME"], 3)
    load(path, kinds=kinds(), environment=environment)
    assert names == {"FWD"}
    command = as_root(["/x/reconciler", "plan"], environment, python="", asked={*names, "DOCKER_HOST", "GONE"})
    assert command == "sudo --preserve-env=DOCKER_HOST,FWD /x/reconciler plan"


def test_a_container_gets_no_privilege_that_is_not_declared() -> None:
    body = config(ContainerSpec(reference="lab"), labels={}, endpoints={})
    host_config = body["HostConfig"]
    assert (host_config["Privileged"], host_config["CapAdd"], host_config["Devices"]) == (False, [], [])
    assert host_config["SecurityOpt"] is None
    modes = {"PidMode", "IpcMode", "UTSMode", "UsernsMode", "CgroupnsMode", "DeviceCgroupRules", "GroupAdd"}
    assert modes.isdisjoint(host_config)
    assert host_config["NetworkMode"] == "none"
