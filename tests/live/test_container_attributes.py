"""Every attribute of a container: applied, changed and taken out again, each time named by the plan."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from live.boxes import R, U, alone, inside, inspect, text
from live.lab import IMAGE, Lab
from reconciler.model import Action, Change

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("image")]

Json = dict[str, Any]
SHELL: Json = {"command": None, "tty": True, "stdin_open": True}
CREATED: Json = {"state": "created"}
"""What is compared all the same and need not run, or cannot everywhere: it is created, not started."""
ON_BRIDGE: Json = {**CREATED, "network_mode": "bridge"}


BIND: Json = {"type": "bind", "source": "./data", "target": "/data"}


@dataclass(frozen=True)
class Row:
    """An attribute with two values; `actions` say what it takes to add, to change and to remove it."""

    name: str
    path: str
    first: Any
    second: Any
    actions: tuple[str, str, str] = (R, R, R)
    base: Json = field(default_factory=dict)

    @property
    def manner(self) -> tuple[Json, tuple[str, ...]]:
        """What rows that stand together have in common; those in place by themselves, lest others force their hand."""
        return self.base, () if self.actions[0] == R else self.actions


IN_PLACE = (U, U, U)
"""What docker update can do."""
NOT_REMOVED = (U, U, R)
"""What docker update can set but not remove."""
NOOP = str(Action.NOOP)
AS_DEFAULT = (NOOP, R, R)
"""Whose first value is the default, so that there is nothing to add."""


def part(path: str, first: Any, second: Any, base: Json) -> Row:
    """A part of an attribute, which is there with and without it: only the part is named."""
    name, _, key = path.partition(".")
    return Row(name, path, base | {key: first}, base | {key: second}, base={**CREATED, name: base})


def mount(kind: str, option: str, first: Any, second: Any, actions: tuple[str, str, str] = (R, R, R)) -> Row:
    """An option of a mount in its long form."""
    plain: Json = BIND if kind == "bind" else {"type": kind, "target": "/data"}
    one, other = ([{**plain, kind: {option: each}}] for each in (first, second))
    return Row("volumes", f"volumes./data.{option}", one, other, actions, {**CREATED, "volumes": [plain]})


def port(option: str, first: Any, second: Any, base: Json) -> Row:
    """An option of a published port, which is published with and without it."""
    one, other = ([{**base, option: each}] for each in (first, second))
    return Row("ports", "ports", one, other, base={**ON_BRIDGE, "ports": [base]})


VOLUME: Json = {"type": "volume", "target": "/data"}
WORDS: Json = {"mode": "ingress", "name": "web", "app_protocol": "http"}
CHECK: Json = {"test": ["CMD", "true"]}
NULL: Json = {"source": "/dev/null"}
LONG: Json = {"target": 80, "published": 18331}
ROWS = [
    Row("pull_policy", "image", "if_not_present", "never", (NOOP, NOOP, NOOP)),
    Row("command", "command", ["sleep", "1001"], "sleep 1002", base=SHELL),
    Row("entrypoint", "entrypoint", ["env"], "timeout 900"),
    Row("environment", "environment.COLOUR", {"COLOUR": "red"}, ["COLOUR=blue", "SIZE=3"]),
    Row("env_file", "environment.FROM_FILE", "one.env", ["two.env"], base=CREATED),
    Row("env_file", "environment.FROM_FILE", [{"path": "one.env"}], [{"path": "two.env"}], base=CREATED),
    Row(
        "env_file",
        "environment.FROM_FILE",
        "one.env",
        [{"path": "two.env"}, {"path": "no.env", "required": False}],
        base=CREATED,
    ),
    Row(
        "env_file",
        "environment.FROM_FILE",
        [{"path": "three.env"}],
        [{"path": "three.env", "format": "raw"}],
        AS_DEFAULT,
        {**CREATED, "env_file": [{"path": "three.env"}]},
    ),
    Row("labels", "labels.role", {"role": "web"}, ["role=db"]),
    Row("hostname", "hostname", "first", "second.example.org"),
    Row("user", "user", "1000", "1000:1000"),
    Row("working_dir", "working_dir", "/tmp", "/www/"),
    Row("tty", "tty", False, True, AS_DEFAULT),
    Row("stdin_open", "stdin_open", False, True, AS_DEFAULT),
    Row("init", "init", False, True, AS_DEFAULT, {"init": None}),
    Row("restart", "restart", "always", "on-failure:3", IN_PLACE),
    Row("ports", "ports.80/tcp", ["18330:80"], ["127.0.0.1:18330:80"], base=ON_BRIDGE),
    Row("ports", "ports.80/tcp", [LONG], [{**LONG, "published": "18331-18332", **WORDS}], base=ON_BRIDGE),
    Row("ports", "ports.80/tcp", [{"target": 80}], ["[::ffff:127.0.0.1]:18330:80"], base=ON_BRIDGE),
    Row("ports", "ports", [{"target": 80, "protocol": "udp"}], [{"target": 80, "protocol": "sctp"}], base=ON_BRIDGE),
    port("host_ip", "127.0.0.1", "127.0.0.2", LONG),
    port("published", 18341, "18342", {"target": 80}),
    port("protocol", "udp", "sctp", LONG),
    Row("ports", "ports", [{"target": 81}], [{"target": 82}], base=ON_BRIDGE),
    Row("expose", "expose", ["3000"], ["3000-3001/udp"]),
    Row("volumes", "volumes./data", ["./data:/data:ro,cached"], [BIND]),
    Row("volumes", "volumes./data", ["store:/data"], ["store:/data:ro,nocopy"]),
    *(
        Row("volumes", f"volumes{path}", [first], [second], base=base)
        for path, first, second, base in (
            (
                "./data.source",
                {**VOLUME, "source": "store"},
                {**VOLUME, "source": "other"},
                {**CREATED, "volumes": [VOLUME]},
            ),
            ("./data", VOLUME, {**VOLUME, "type": "tmpfs"}, CREATED),
            ("", VOLUME, {**VOLUME, "target": "/more"}, CREATED),
        )
    ),
    Row(
        "volumes",
        "volumes./data",
        ["/data"],
        [{"type": "volume", "target": "/data", "source": "store", "consistency": "cached"}],
    ),
    Row("volumes", "volumes./data", [{"type": "tmpfs", "target": "/data"}], [BIND]),
    Row("volumes", "volumes./data.source", ["store:/data"], [BIND], base={**CREATED, "volumes": ["/data"]}),
    Row(
        "volumes",
        "volumes./data.read_only",
        [{**BIND, "read_only": False}],
        [{**BIND, "read_only": True}],
        AS_DEFAULT,
        {**CREATED, "volumes": [BIND]},
    ),
    mount("bind", "propagation", "private", "rslave"),
    mount("bind", "selinux", "z", "Z"),
    mount("bind", "create_host_path", True, False, AS_DEFAULT),
    mount("volume", "nocopy", False, True, AS_DEFAULT),
    mount("tmpfs", "size", "1m", "2m"),
    mount("tmpfs", "mode", "0700", "1755"),
    Row("tmpfs", "tmpfs./scratch", "/scratch", ["/scratch:size=64m,mode=755"]),
    Row(
        "healthcheck",
        "healthcheck.test",
        {"test": ["CMD", "true"], "interval": "500ms"},
        {"test": "true", "interval": "500ms", "timeout": "3s", "retries": 2, "start_period": "1s"},
    ),
    part("healthcheck.test", "true", ["CMD", "false"], {"interval": "1s"}),
    part("healthcheck.interval", "500ms", "2s", CHECK),
    part("healthcheck.timeout", "3s", "1m", CHECK),
    part("healthcheck.retries", 2, 5, CHECK),
    part("healthcheck.start_period", "1s", "1500ms", CHECK),
    Row("healthcheck", "healthcheck.test", {"disable": True}, {**CHECK, "disable": False}, base=CREATED),
    Row("healthcheck", "healthcheck.test", {"disable": False}, {"disable": True}, AS_DEFAULT, CREATED),
    Row("cap_add", "cap_add", ["NET_ADMIN"], ["cap_net_admin", "SYS_TIME"]),
    Row("cap_add", "cap_add", ["ALL"], ["NET_ADMIN"], base=CREATED),
    Row("cap_drop", "cap_drop", ["NET_RAW"], ["ALL"]),
    Row("privileged", "privileged", False, True, AS_DEFAULT, CREATED),
    Row("devices", "devices", ["/dev/null:/dev/nothing"], [{"source": "/dev/zero", "target": "/dev/nothing"}]),
    Row(
        "devices", "devices", [{**NULL, "target": "/dev/x"}], [NULL], base={**CREATED, "devices": ["/dev/null:/dev/y"]}
    ),
    Row("devices", "devices", [{**NULL, "permissions": "r"}], ["/dev/null:rw"], base={**CREATED, "devices": [NULL]}),
    Row(
        "devices",
        "devices",
        [{**NULL, "permissions": "r"}],
        [{**NULL, "permissions": "rw"}],
        base={**CREATED, "devices": [NULL]},
    ),
    Row(
        "devices",
        "devices",
        [{**NULL, "target": "/dev/x"}],
        [{**NULL, "target": "/dev/y"}],
        base={**CREATED, "devices": [NULL]},
    ),
    Row("devices", "devices", [NULL], [{"source": "/dev/zero"}]),
    Row("dns", "dns", "10.0.0.53", ["10.0.0.54", "fd00::53", "::ffff:10.0.0.55"]),
    Row("dns_search", "dns_search", "example.org", ["example.org", "example.net"]),
    Row("dns_opt", "dns_opt", ["ndots:1"], ["ndots:2"]),
    Row("extra_hosts", "extra_hosts", ["db=10.0.0.5"], {"db": ["10.0.0.6", "fd00::6"]}),
    Row("sysctls", "sysctls.net.ipv4.ip_forward", {"net.ipv4.ip_forward": 1}, ["net.ipv4.ip_forward=0"]),
    Row("ulimits", "ulimits.nofile", {"nofile": 1024}, {"nofile": {"soft": 512, "hard": 1024}}),
    Row("ulimits", "ulimits.nofile", {"nofile": {"soft": 512, "hard": 1024}}, {"nofile": {"soft": 256, "hard": 1024}}),
    Row("ulimits", "ulimits.nofile", {"nofile": {"soft": 512, "hard": 1024}}, {"nofile": {"soft": 512, "hard": 768}}),
    Row("ulimits", "ulimits.memlock", {"memlock": -1}, {"memlock": {"soft": 1024, "hard": -1}}, base=CREATED),
    Row("mem_limit", "mem_limit", "64m", "48m", NOT_REMOVED),
    Row("memswap_limit", "memswap_limit", "96m", -1, IN_PLACE, {"mem_limit": "64m"}),
    Row("mem_reservation", "mem_reservation", "32m", "48m", NOT_REMOVED),
    Row("cpus", "cpus", 0.5, "0.75", NOT_REMOVED),
    Row("cpu_shares", "cpu_shares", 512, 256, IN_PLACE),
    Row("cpuset", "cpuset", 0, "0,1", NOT_REMOVED),
    Row("pids_limit", "pids_limit", 100, 200, IN_PLACE),
    Row("shm_size", "shm_size", "32m", 16777216),
    Row("read_only", "read_only", False, True, AS_DEFAULT),
    Row("security_opt", "security_opt", ["no-new-privileges:true"], ["apparmor=unconfined"]),
    Row("stop_signal", "stop_signal", "SIGINT", "USR1"),
    Row("stop_grace_period", "stop_grace_period", "3s", "1m1s"),
    Row("logging", "logging.options.max-size", {"options": {"max-size": "1m"}}, {"options": {"max-size": "2m"}}),
    Row("logging", "logging.driver", {"driver": "none"}, {"driver": "local"}),
    Row("container_name", "name", "lab-first-name", "lab-second-name", IN_PLACE),
]


def grouped() -> list[list[Row]]:
    """Rows that one container can have together, so that there are few: of one base and manner, each attribute once."""
    groups: list[list[Row]] = []
    for row in ROWS:
        fitting = (each for each in groups if each[0].manner == row.manner and row.name not in {r.name for r in each})
        group = next(fitting, None)
        if group is None:
            groups.append(group := [])
        group.append(row)
    return groups


def rows(stage: str) -> str:
    """All rows as one topology: without the attributes, with their first or with their second values."""
    entries = {}
    for number, group in enumerate(grouped()):
        values = {"none": {}, "first": {r.name: r.first for r in group}, "second": {r.name: r.second for r in group}}
        entries[f"c{number}"] = alone(**{**group[0].base, **values[stage]})
    return text(entries, volumes={"store": {}, "other": {}})


@pytest.fixture
def files(lab: Lab) -> Path:
    (lab.folder / "one.env").write_text("FROM_FILE=1\n")
    (lab.folder / "two.env").write_text("export FROM_FILE='2' # two\n")
    (lab.folder / "three.env").write_text("FROM_FILE='3'\n")
    (lab.folder / "data").mkdir()
    return lab.folder


def wrong(told: dict[str, Change], at: int) -> list[str]:
    """The rows whose attribute a plan does not name with the expected action."""
    found = []
    for number, group in enumerate(grouped()):
        change = told.get(f"container/c{number}")
        fields = {each.path: each for each in change.fields} if change else {}
        for row in group:
            named = [each for path, each in fields.items() if path == row.path or path.startswith(f"{row.path}.")]
            forced = any(each.forces for each in named)
            action = (R if forced else str(change.action)) if change and named else NOOP
            if action != row.actions[at]:
                found.append(f"{row.name} {row.path}: {action}, not {row.actions[at]}, of {sorted(fields)}")
    return found


def test_every_attribute_is_applied_changed_and_taken_out_again(lab: Lab, files: Path) -> None:
    lab.apply(rows("none"))
    for at, stage in enumerate(("first", "second", "none")):
        assert wrong(lab.pending(rows(stage)), at) == []
        note(lab, rows(stage), at)
        lab.apply(rows(stage))


def note(lab: Lab, file: str, at: int) -> None:
    for number, group in enumerate(grouped()):
        for row in group:
            if row.actions[at] != NOOP:
                lab.named(file, f"container/c{number}", row.path)


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
HEALTHCHECK --interval=1s --start-period=10s CMD true
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
    ("command", {"command": []}),
    ("healthcheck.test", {"healthcheck": {"disable": True}}),
    ("healthcheck.interval", {"healthcheck": {"interval": "2s"}}),
]


def test_what_an_image_sets_is_no_drift_and_comes_back_when_an_override_is_taken_out(lab: Lab, rich: str) -> None:
    def file(*, overridden: bool) -> str:
        bare = {"image": rich, "command": None, "init": None, **CREATED}
        return text({f"c{at}": alone(**bare | (each if overridden else {})) for at, (_, each) in enumerate(OVERRIDES)})

    lab.apply(file(overridden=False))
    for overridden in (True, False):
        told = lab.tells(file(overridden=overridden))
        for at, (path, _) in enumerate(OVERRIDES):
            assert path in told[f"container/c{at}"][1], (at, path, told)
        lab.apply(file(overridden=overridden))
    same = {"environment": {"COLOUR": "red"}, "labels": {"role": "web"}, "user": "1000", "expose": [80]}
    as_the_image = text({"c0": alone(image=rich, command=None, init=None, **CREATED, **same)})
    assert "container/c0" not in lab.tells(as_the_image)


RESTING: list[Json] = [
    {"healthcheck": {"start_period": "0s"}},
    {"entrypoint": [""], "command": ["sleep", "1000"]},
    {"entrypoint": "''", "command": ["sleep", "1000"]},
    {"command": [""]},
    {"entrypoint": ["sleep"], "command": [""]},
    {"working_dir": "//bin"},
    {"shm_size": 0},
    {"volumes": ["store://more"], "tmpfs": ["//scratch"]},
    {"volumes": [{**BIND, "source": "./da:ta"}, {**BIND, "target": "/da:ta", "read_only": True}]},
    {"volumes": [{**BIND, "source": "./da:ta", "bind": {"propagation": "rslave", "create_host_path": False}}]},
]
"""Values that the engine keeps in another form, or that mean as much as another one."""


def test_a_value_that_means_as_much_as_another_rests_as_it_is_declared(lab: Lab, rich: str, files: Path) -> None:
    (files / "da:ta").mkdir()
    bare = {"image": rich, "command": None, **CREATED}
    lab.apply(text({f"c{at}": alone(**bare | each) for at, each in enumerate(RESTING)}, volumes={"store": {}}))
    assert inspect(lab, "c0")["Config"]["Healthcheck"]["StartPeriod"] == 10**6


def test_a_path_with_a_colon_is_mounted(lab: Lab, files: Path) -> None:
    (files / "da:ta").mkdir()
    (files / "da:ta" / "there").write_text("yes")
    lab.apply(text({"box": alone(volumes=[{**BIND, "source": "./da:ta", "target": "/x:y"}])}))
    assert inside(lab, "box", "cat", "/x:y/there") == (0, "yes")


def test_another_image_replaces_a_container(lab: Lab, rich: str) -> None:
    before, after = (text({"box": alone(image=each, entrypoint=["sleep"], command=["9"])}) for each in (IMAGE, rich))
    lab.edit(before, after, "container/box", Action.REPLACE, "image")


def test_an_edited_build_replaces_the_container_that_declares_it(lab: Lab) -> None:
    (lab.folder / "ctx").mkdir()
    (lab.folder / "ctx/Dockerfile").write_text(f"FROM {IMAGE}\n")
    plain, built, edited = (
        text({"box": alone(**CREATED, **{"image": None, **each})})
        for each in ({"image": IMAGE}, {"build": "./ctx"}, {"build": {"context": "./ctx", "labels": {"a": "b"}}})
    )
    for before, after, key, paths in (
        (plain, built, "image/box", frozenset()),
        (built, edited, "image/box", frozenset({"inputs"})),
        (edited, plain, "container/box", frozenset({"image"})),
    ):
        lab.apply(before)
        told = lab.tells(after)
        assert told[key][1] == paths
        assert told["container/box"][0] == R
        for each, (_, named) in told.items():
            lab.named(after, each, *named)
        lab.apply(after)


def test_privileged_is_applied_and_taken_out_again(lab: Lab) -> None:
    before, after = text({"box": alone()}), text({"box": alone(privileged=True)})
    lab.apply(before)
    assert lab.tells(after)["container/box"] == (R, frozenset({"privileged"}))
    report = lab.attempt(after)
    said = " ".join(str(each.error) for each in report.failed)
    if "unable to apply caps" in said:
        assert "the engine itself lacks a capability" in said
    assert report.converged != bool(said), "one that can is in test_daemons.py"
    lab.apply(before)
