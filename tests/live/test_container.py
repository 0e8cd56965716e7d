"""Every attribute of a container: applied, changed and taken out again; and what a hand can do to it meanwhile."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker.errors
import pytest

from live.boxes import D, R, U, alone, inspect, lan, life, text
from live.lab import IMAGE, Lab
from reconciler.errors import Conflict
from reconciler.host.marks import ID
from reconciler.kinds.container.effects import update
from reconciler.model import Action, ResourceKey

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("image")]

Json = dict[str, Any]
SHELL: Json = {"command": None, "tty": True, "stdin_open": True}


@dataclass(frozen=True)
class Row:
    """An attribute with two values; `actions` say what it takes to add, to change and to remove it."""

    name: str
    path: str
    first: Any
    second: Any
    actions: tuple[str, str, str] = (R, R, R)
    base: Json = field(default_factory=dict)


IN_PLACE = (U, U, U)
"""What docker update can do."""
NOT_REMOVED = (U, U, R)
"""What docker update can set but not remove."""
ROWS = [
    Row("command", "command", ["sleep", "1001"], "sleep 1002", base=SHELL),
    Row("entrypoint", "entrypoint", ["env"], "timeout 900"),
    Row("environment", "environment.COLOUR", {"COLOUR": "red"}, ["COLOUR=blue", "SIZE=3"]),
    Row("env_file", "environment.FROM_FILE", "one.env", [{"path": "two.env"}, {"path": "no.env", "required": False}]),
    Row("labels", "labels.role", {"role": "web"}, ["role=db"]),
    Row("hostname", "hostname", "first", "second.example.org"),
    Row("user", "user", "1000", "1000:1000"),
    Row("working_dir", "working_dir", "/tmp", "/www/"),
    Row("tty", "tty", True, False, (R, R, R)),
    Row("stdin_open", "stdin_open", True, False),
    Row("init", "init", False, True, base={"init": None}),
    Row("restart", "restart", "always", "on-failure:3", IN_PLACE),
    Row("expose", "expose", ["3000"], ["3000-3001/udp"]),
    Row("volumes", "volumes./data", ["./data:/data:ro"], [{"type": "bind", "source": "./data", "target": "/data"}]),
    Row("volumes", "volumes./data", ["store:/data"], ["store:/data:ro,nocopy"]),
    Row("volumes", "volumes./data", ["/data"], [{"type": "volume", "target": "/data", "source": "store"}]),
    Row(
        "volumes",
        "volumes./data",
        [{"type": "tmpfs", "target": "/data"}],
        [{"type": "tmpfs", "target": "/data", "tmpfs": {"size": "1m", "mode": "0700"}}],
    ),
    Row(
        "volumes",
        "volumes./data",
        [{"type": "bind", "source": "./data", "target": "/data", "bind": {"propagation": "private", "selinux": "z"}}],
        [{"type": "bind", "source": "./data", "target": "/data", "bind": {"create_host_path": False}}],
    ),
    Row("tmpfs", "tmpfs./scratch", "/scratch", ["/scratch:size=64m,mode=755"]),
    Row(
        "healthcheck",
        "healthcheck.test",
        {"test": ["CMD", "true"], "interval": "500ms"},
        {"test": "true", "interval": "500ms", "timeout": "3s", "retries": 2, "start_period": "1s"},
    ),
    Row("cap_add", "cap_add", ["NET_ADMIN"], ["cap_net_admin", "SYS_TIME"]),
    Row("cap_drop", "cap_drop", ["NET_RAW"], ["ALL"]),
    Row(
        "devices",
        "devices",
        ["/dev/null:/dev/nothing"],
        [{"source": "/dev/zero", "target": "/dev/nothing", "permissions": "r"}],
    ),
    Row("dns", "dns", "10.0.0.53", ["10.0.0.54", "fd00::53"]),
    Row("dns_search", "dns_search", "example.org", ["example.org", "example.net"]),
    Row("dns_opt", "dns_opt", ["ndots:1"], ["ndots:2"]),
    Row("extra_hosts", "extra_hosts", ["db=10.0.0.5"], {"db": ["10.0.0.6", "fd00::6"]}),
    Row("sysctls", "sysctls.net.ipv4.ip_forward", {"net.ipv4.ip_forward": 1}, ["net.ipv4.ip_forward=0"]),
    Row("ulimits", "ulimits.nofile", {"nofile": 1024}, {"nofile": {"soft": 512, "hard": 1024}}),
    Row("mem_limit", "mem_limit", "64m", "48m", NOT_REMOVED),
    Row("memswap_limit", "memswap_limit", "96m", -1, IN_PLACE, {"mem_limit": "64m"}),
    Row("mem_reservation", "mem_reservation", "32m", "48m", NOT_REMOVED),
    Row("cpus", "cpus", 0.5, "0.75", NOT_REMOVED),
    Row("cpu_shares", "cpu_shares", 512, 256, IN_PLACE),
    Row("cpuset", "cpuset", 0, "0,1", NOT_REMOVED),
    Row("pids_limit", "pids_limit", 100, 200, IN_PLACE),
    Row("shm_size", "shm_size", "32m", 16777216),
    Row("read_only", "read_only", True, False),
    Row("security_opt", "security_opt", ["no-new-privileges:true"], ["apparmor=unconfined"]),
    Row("stop_signal", "stop_signal", "SIGINT", "USR1"),
    Row("stop_grace_period", "stop_grace_period", "3s", "1m1s"),
    Row("logging", "logging.options.max-size", {"options": {"max-size": "1m"}}, {"options": {"max-size": "2m"}}),
    Row("logging", "logging.driver", {"driver": "none"}, {"driver": "local"}),
    Row("container_name", "name", "lab-first-name", "lab-second-name", IN_PLACE),
]


def rows(stage: str) -> str:
    """All rows as one topology, a container each, without the attribute, with its first or its second value."""
    entries = {}
    for number, row in enumerate(ROWS):
        value = {"none": {}, "first": {row.name: row.first}, "second": {row.name: row.second}}[stage]
        entries[f"c{number}"] = alone(**{**row.base, **value})
    return text(entries, volumes={"store": {}})


@pytest.fixture
def files(lab: Lab) -> Path:
    (lab.folder / "one.env").write_text("FROM_FILE=1\n")
    (lab.folder / "two.env").write_text("export FROM_FILE='2' # two\n")
    (lab.folder / "data").mkdir()
    return lab.folder


def wrong(told: dict[str, tuple[str, frozenset[str]]], at: int) -> list[str]:
    """The rows whose attribute a plan does not name with the expected action."""
    found = []
    for number, row in enumerate(ROWS):
        action, paths = told.get(f"container/c{number}", ("no-op", frozenset()))
        default_again = at == 2 and row.second is False
        named = any(path == row.path or path.startswith(f"{row.path}.") for path in paths)
        if not default_again and (action != row.actions[at] or not named):
            found.append(f"{row.name} {row.path}: {action} {sorted(paths)}, not {row.actions[at]}")
    return found


def test_every_attribute_is_applied_changed_and_taken_out_again(lab: Lab, files: Path) -> None:
    lab.apply(rows("none"))
    for at, stage in enumerate(("first", "second", "none")):
        assert wrong(lab.tells(rows(stage)), at) == []
        lab.apply(rows(stage), jobs=4)


DRIFTS: list[tuple[str, Json, Json]] = [
    ("mem_limit", {"mem_limit": "64m"}, {"Memory": 80 << 20, "MemorySwap": 160 << 20}),
    ("memswap_limit", {"mem_limit": "64m"}, {"Memory": 64 << 20, "MemorySwap": 100 << 20}),
    ("mem_reservation", {"mem_reservation": "32m"}, {"MemoryReservation": 40 << 20}),
    ("cpus", {"cpus": 0.5}, {"NanoCpus": 250_000_000}),
    ("cpu_quota", {}, {"CpuQuota": 50_000}),
    ("cpu_shares", {}, {"CpuShares": 512}),
    ("cpuset", {"cpuset": "0-1"}, {"CpusetCpus": "0"}),
    ("pids_limit", {}, {"PidsLimit": 99}),
    ("restart", {}, {"RestartPolicy": {"Name": "always", "MaximumRetryCount": 0}}),
]


def test_what_docker_update_did_by_hand_is_undone_in_place(lab: Lab) -> None:
    names = [f"c{number}" for number in range(len(DRIFTS))]
    file = text({name: alone(**each[1]) for name, each in zip(names, DRIFTS, strict=True)})
    lab.apply(file)
    before = life(lab, *names)
    for name, (_, _, body) in zip(names, DRIFTS, strict=True):
        update(lab.host.engine.api, f"{lab.name}-{name}", body)
    told = lab.tells(file)
    for name, (path, _, _) in zip(names, DRIFTS, strict=True):
        assert told[f"container/{name}"] == (U, frozenset({path}))
    lab.apply(file)
    assert life(lab, *names) == before


def test_a_limit_set_by_hand_that_the_engine_cannot_remove_takes_a_replacement(lab: Lab) -> None:
    file = text({"box": alone()})
    lab.apply(file)
    update(lab.host.engine.api, f"{lab.name}-box", {"NanoCpus": 500_000_000})
    lab.drifted(file, "container/box", Action.REPLACE, "cpus")


def test_a_container_renamed_by_hand_gets_its_name_back_in_place(lab: Lab) -> None:
    file = text({"box": alone(), "other": alone()})
    lab.apply(file)
    before = life(lab, "box", "other")
    lab.host.engine.api.rename(f"{lab.name}-box", f"{lab.name}-elsewhere")
    lab.drifted(file, "container/box", Action.UPDATE, "name")
    assert life(lab, "box", "other") == before


def test_a_removed_container_is_made_again_and_others_are_left_alone(lab: Lab) -> None:
    file = text({"box": alone(), "other": alone()})
    lab.apply(file)
    before = life(lab, "other")
    lab.host.engine.api.remove_container(f"{lab.name}-box", force=True)
    lab.drifted(file, "container/box", Action.CREATE)
    assert life(lab, "other") == before


def test_two_containers_swap_their_names(lab: Lab) -> None:
    first, second = f"{lab.name}-first", f"{lab.name}-second"
    lab.apply(text({"a": alone(container_name=first), "b": alone(container_name=second)}))
    swapped = text({"a": alone(container_name=second), "b": alone(container_name=first)})
    assert set(lab.tells(swapped)) >= {"container/a", "container/b"}
    lab.apply(swapped)


def test_a_foreign_container_with_our_name_is_a_conflict_and_stays_untouched(lab: Lab) -> None:
    api = lab.host.engine.api
    made = api.create_container_from_config({"Image": IMAGE, "Cmd": ["sleep", "9"]}, f"{lab.name}-box")["Id"]
    try:
        with pytest.raises(Conflict, match=r"container/box: container name .* is held by container"):
            lab.plan(text({"box": alone()}))
        lab.apply(text({"box": alone()}), adopt=(ResourceKey("container", "box"),))
        with pytest.raises(docker.errors.NotFound):
            api.inspect_container(made)
    finally:
        if api.containers(all=True, filters={"id": made}):
            api.remove_container(made, force=True)


def test_a_container_that_has_our_labels_from_its_image_is_not_ours(lab: Lab) -> None:
    api, file = lab.host.engine.api, text({"box": alone()})
    lab.apply(file)
    copy = api.commit(f"{lab.name}-box", repository=f"{lab.name}/copy", tag="1")["Id"]
    made = api.create_container_from_config({"Image": copy, "Cmd": ["sleep", "9"]}, f"{lab.name}-by-hand")["Id"]
    try:
        assert api.inspect_container(made)["Config"]["Labels"][ID]
        assert lab.tells(file) == {}
        lab.destroy()
        assert api.inspect_container(made)["Id"] == made
    finally:
        api.remove_container(made, force=True)
        api.remove_image(f"{lab.name}/copy:1", force=True)


def test_an_external_container_must_be_there_and_is_left_alone(lab: Lab) -> None:
    api, file = lab.host.engine.api, text({"box": {"external": True}, "web": alone(network_mode="service:box")})
    with pytest.raises(Conflict, match="container/box: declared external, but there is none"):
        lab.plan(file)
    body = {"Image": IMAGE, "Cmd": ["sleep", "1000"], "HostConfig": {"Init": True}}
    made = api.create_container_from_config(body, "box")["Id"]
    try:
        api.start(made)
        lab.apply(file)
        assert inspect(lab, "web")["HostConfig"]["NetworkMode"] == f"container:{made}"
        lab.destroy()
        assert api.inspect_container(made)["State"]["Running"]
    finally:
        api.remove_container(made, force=True)


DOCKERFILE = f"""
FROM {IMAGE}
ENV COLOUR=red
LABEL role=web
WORKDIR /www
EXPOSE 80
VOLUME /data
STOPSIGNAL SIGINT
USER 1000
ENTRYPOINT ["sleep"]
CMD ["1000"]
HEALTHCHECK --interval=1s CMD true
"""


@pytest.fixture
def rich(lab: Lab) -> Iterator[str]:
    """An image that sets all that an image can set."""
    api, tag = lab.host.engine.api, f"{lab.name}/rich:1"
    said = list(api.build(fileobj=io.BytesIO(DOCKERFILE.encode()), tag=tag, rm=True, forcerm=True, decode=True))
    assert "error" not in said[-1], said[-1]
    yield tag
    lab.destroy()
    api.remove_image(tag, force=True)


OVERRIDES: list[tuple[str, Json]] = [
    ("environment.COLOUR", {"environment": {"COLOUR": "blue"}}),
    ("labels.role", {"labels": {"role": "db"}}),
    ("user", {"user": "0"}),
    ("working_dir", {"working_dir": "/"}),
    ("stop_signal", {"stop_signal": "SIGTERM"}),
    ("command", {"command": ["1001"]}),
    ("entrypoint", {"entrypoint": ["env", "sleep"], "command": ["1000"]}),
    ("entrypoint", {"entrypoint": [], "command": ["sleep", "1000"]}),
    ("command", {"command": [], "state": "created"}),
    ("healthcheck.test", {"healthcheck": {"disable": True}}),
    ("healthcheck.interval", {"healthcheck": {"interval": "2s"}}),
]


def test_what_an_image_sets_is_no_drift_and_comes_back_when_an_override_is_taken_out(lab: Lab, rich: str) -> None:
    def file(*, overridden: bool) -> str:
        bare = {"image": rich, "command": None, "init": None}
        return text({f"c{at}": alone(**bare | (each if overridden else {})) for at, (_, each) in enumerate(OVERRIDES)})

    lab.apply(file(overridden=False))
    for overridden in (True, False):
        told = lab.tells(file(overridden=overridden))
        for at, (path, _) in enumerate(OVERRIDES):
            assert path in told[f"container/c{at}"][1], (at, path, told)
        lab.apply(file(overridden=overridden))
    same = {"environment": {"COLOUR": "red"}, "labels": {"role": "web"}, "user": "1000", "expose": [80]}
    assert lab.tells(text({"c0": alone(image=rich, command=None, init=None, **same)})).get("container/c0") is None


def test_a_tag_that_moved_replaces_its_containers(lab: Lab) -> None:
    api, tag = lab.host.engine.api, f"{lab.name}/moving:1"
    api.tag(IMAGE, f"{lab.name}/moving", "1")
    file = text({"box": alone(image=tag)})
    lab.apply(file)
    made = api.create_container_from_config({"Image": IMAGE, "Cmd": ["true"]})["Id"]
    api.commit(made, repository=f"{lab.name}/moving", tag="1")
    api.remove_container(made)
    try:
        lab.drifted(file, "container/box", Action.REPLACE, "image")
    finally:
        lab.destroy()
        api.remove_image(tag, force=True)


def test_network_modes_are_left_for_each_other_in_place_where_the_engine_can(lab: Lab) -> None:
    networks = {"lan": lan("172.30.91.0/24")}
    steps: list[tuple[Json, str | None]] = [
        ({"network_mode": "none"}, None),
        ({"network_mode": "bridge"}, U),
        ({"network_mode": None, "networks": ["lan"]}, None),
        ({"network_mode": "none"}, None),
        ({"network_mode": "host"}, R),
        ({"network_mode": "none"}, R),
    ]
    before = None
    for attributes, action in steps:
        file = text({"box": alone(**attributes)}, networks=networks)
        if before is not None:
            assert lab.tells(file).get("container/box", (None,))[0] == action
        kept = life(lab, "box") if before is not None else None
        lab.apply(file)
        if action != R and kept:
            assert life(lab, "box") == kept
        before = attributes


def test_anonymous_volumes_go_with_their_container(lab: Lab) -> None:
    api = lab.host.engine.api
    lab.apply(text({"box": alone(volumes=["/data"])}))
    volume = inspect(lab, "box")["Mounts"][0]["Name"]
    lab.destroy()
    with pytest.raises(docker.errors.NotFound):
        api.inspect_volume(volume)


def test_privileged_is_applied_and_taken_out_again(lab: Lab) -> None:
    before, after = text({"box": alone()}), text({"box": alone(privileged=True)})
    lab.apply(before)
    assert lab.tells(after)["container/box"] == (R, frozenset({"privileged"}))
    report = lab.attempt(after)
    said = " ".join(str(each.error) for each in report.failed)
    if "unable to apply caps" in said:
        assert "the engine itself lacks a capability" in said
        lab.apply(before)
        pytest.skip("the engine lacks a capability")
    assert report.converged
    lab.apply(before)


def test_a_command_that_is_not_there_is_told_with_the_key(lab: Lab) -> None:
    report = lab.attempt(text({"box": alone(command=["no-such-command"])}))
    assert [str(each.error).partition(":")[0] for each in report.failed] == ["process/box"]
    assert "command" in str(report.failed[0].error)


def test_stop_asks_first_and_waits_as_long_as_declared(lab: Lab) -> None:
    script = "trap 'echo bye; exit 0' USR1; while :; do sleep 0.05; done"
    file = text({"box": alone(init=None, command=["sh", "-c", script], stop_signal="USR1", stop_grace_period="20s")})
    lab.apply(file)
    lab.host.kill = False
    lab.apply(text({"box": alone(init=None, command=["sh", "-c", script], stop_signal="USR1", state="stopped")}))
    assert inspect(lab, "box")["State"]["ExitCode"] == 0


def test_only_what_is_no_longer_declared_is_deleted(lab: Lab) -> None:
    lab.apply(text({"box": alone(), "boxer": alone()}))
    before = life(lab, "boxer")
    told = lab.tells(text({"boxer": alone()}))
    assert {key: action for key, (action, _) in told.items()} == {"container/box": D, "process/box": D}
    lab.apply(text({"boxer": alone()}))
    assert life(lab, "boxer") == before
