"""What the engine tells of a container, in the shapes of both generations, as a spec."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from kernel_files import a_link
from paper import source

from reconciler.host.kernel.space import Place, Space
from reconciler.host.marks import Mark
from reconciler.host.scope import Scope
from reconciler.kinds import kinds
from reconciler.kinds.connect.networks import Networks
from reconciler.kinds.container import effects
from reconciler.kinds.container.config import config
from reconciler.kinds.container.live import spec_of
from reconciler.kinds.container.look import seen_containers
from reconciler.kinds.container.parse import containers
from reconciler.kinds.container.quantities import Bytes, Duration
from reconciler.kinds.container.seen import Seen
from reconciler.kinds.container.spec import ContainerSpec, Healthcheck, Logging
from reconciler.model import FrozenMap, Need, Resource, ResourceKey, Topology

IMAGE: dict[str, Any] = {
    "Env": ["PATH=/bin", "COLOUR=red"],
    "Labels": {"role": "web"},
    "Cmd": ["1000"],
    "Entrypoint": ["sleep"],
    "User": "1000",
    "WorkingDir": "/www",
    "StopSignal": "SIGINT",
    "ExposedPorts": {"80/tcp": {}},
    "Healthcheck": {"Test": ["CMD", "true"]},
}
OLD: dict[str, Any] = {"NetworkMode": "default", "RestartPolicy": {"Name": ""}, "PortBindings": None, "Tmpfs": None}
NEW: dict[str, Any] = {"NetworkMode": "bridge", "RestartPolicy": {"Name": "no"}, "PortBindings": {}, "Tmpfs": {}}
INFO = {"LoggingDriver": "json-file", "SwapLimit": True, "Name": "machine"}
ON_BRIDGE: dict[str, Any] = {"Networks": {"bridge": {}}}


def seen(
    config: Mapping[str, Any] | None = None,
    host_config: Mapping[str, Any] | None = None,
    *,
    want: ContainerSpec | None = None,
    state: Mapping[str, Any] | None = None,
    **options: Any,
) -> ContainerSpec:
    """Read an inspection of which the rest is as a container without any attribute has it."""
    found = {
        "Name": "/t-web",
        "Image": "sha256:0123456789abcdef",
        "State": state or {"Status": "running"},
        "Config": {"Hostname": "web", **IMAGE, **(config or {})},
        "HostConfig": {"LogConfig": {"Type": "json-file"}, "ShmSize": 64 << 20, **OLD, **(host_config or {})},
        "NetworkSettings": options.pop("settings", ON_BRIDGE),
    }
    return spec_of(Seen(found, want or ContainerSpec(), **{"image": IMAGE, "info": INFO, **options}))


PLAIN = ContainerSpec(
    name="t-web",
    image="0123456789ab",
    hostname="web",
    network_mode="bridge",
    reference="sha256:0123456789abcdef",
)


@pytest.mark.parametrize("host_config", [OLD, NEW])
def test_what_the_image_and_the_engine_decide_is_as_undeclared(host_config: dict[str, Any]) -> None:
    found = seen(None, host_config)
    assert found == PLAIN


@pytest.mark.parametrize(("version", "looks"), [((1, 41), 0), ((1, 44), 1), ((1, 99), 0)])
def test_the_networks_are_gone_through_once_for_all_that_have_a_mac_address(
    monkeypatch: pytest.MonkeyPatch, version: tuple[int, int], looks: int
) -> None:
    made: list[Scope] = []

    class Counted(Networks):
        def __init__(self, scope: Scope) -> None:
            super().__init__(scope)
            made.append(scope)

    monkeypatch.setattr("reconciler.kinds.container.look.Networks", Counted)
    found = list(seen_containers(on_lan(version)))
    lan = Need(ResourceKey("connect", "a--@t-lan"), "mac_network")
    assert (len(found), lan in found[0].needs, len(made)) == (3, bool(looks), looks)


def test_the_interfaces_of_its_veths_are_told_of_a_container() -> None:
    scope = on_lan((1, 41))
    links = {2: a_link(2, "eth0"), 3: a_link(3, "eth1", alias="ours"), 4: a_link(4, "a", alias="ours")}
    scope.kernel.nodes[ResourceKey("container", "a")] = Space(Place(1), links)
    found = [ContainerSpec.of(each).spares for each in seen_containers(scope)]
    assert found == [("a", "eth1"), (), ()]


@pytest.mark.parametrize(
    ("there", "bridged", "links"),
    [([], [], ("x:a", "y:b")), ([], ["x"], ("y:b",)), (["/t-x:/t-web/a"], ["x"], ("x:a", "y:b")), ([], ["x", "y"], ())],
)
def test_a_link_whose_target_may_be_elsewhere_differs_only_where_that_is_on_docker_s_own_bridge(
    there: list[str], bridged: list[str], links: tuple[str, ...]
) -> None:
    live = FrozenMap({"x": "t-x", "y": "t-y", "z": "t-z"})
    want = ContainerSpec(links=("x:a", "y:b", "z:c"), link_targets=live, unsure_links=("x", "y"))
    names = {each: name for name, each in live.items()}
    found = seen(None, {"Links": there}, want=want, bridged=bridged, named=lambda name: names[name])
    assert found.links == links
    assert found.link_targets == {each[0]: live[each[0]] for each in links}
    assert found.unsure_links == want.unsure_links


def test_a_default_that_is_written_is_what_it_was_before_it_was() -> None:
    bare, says = {**IMAGE, "StopSignal": None}, {**IMAGE, "StopSignal": "SIGINT"}
    term = ContainerSpec(stop_signal="SIGTERM")
    for each in ({"StopSignal": None}, {"StopSignal": "SIGTERM"}):
        assert seen(each, image=bare, want=term).stop_signal == "SIGTERM"
        assert seen(each, image=bare).stop_signal is None
    assert seen({"StopSignal": "SIGINT"}, image=says, want=term).stop_signal == "SIGINT"
    assert seen({"StopSignal": "SIGTERM"}, image=says).stop_signal == "SIGTERM"


@pytest.mark.parametrize(
    ("said", "want", "runs", "expected"),
    [
        (None, None, False, None),
        (None, False, False, False),
        (None, False, True, True),  # by the engine's own settings
        (None, False, None, None),
        (None, True, True, True),
        (False, None, True, False),
        (True, False, False, True),
    ],
)
def test_an_init_that_nobody_has_declared_is_read_of_what_runs(
    said: bool | None, want: bool | None, runs: bool | None, expected: bool | None
) -> None:
    found = seen(host_config={"Init": said}, want=ContainerSpec(init=want), has_init=lambda: runs)
    assert found.init is expected


DIGITS = [each * 64 for each in "abcd"]
MOUNTS = [
    {"Type": "volume", "Name": DIGITS[0], "Destination": "/of-the-image"},
    {"Type": "volume", "Name": DIGITS[1], "Destination": "/declared/"},
    {"Type": "volume", "Name": DIGITS[2], "Destination": "/external"},
    {"Type": "volume", "Name": "t-data", "Destination": "/named"},
    {"Type": "bind", "Source": "/etc", "Destination": "/bound"},
    {"Type": "tmpfs", "Destination": "/memory"},
]


def test_what_is_in_the_anonymous_volumes_of_a_container_is_said_to_be_lost_with_it_and_that_of_others_to_stay() -> (
    None
):
    scope = on_lan((1, 41))
    ours = scope.containers["a"]
    binds = [f"{DIGITS[2]}:/external", "t-data:/named", "/etc:/bound"]
    declared = [{"Type": "volume", "Target": "/declared"}]
    ours.update(Mounts=MOUNTS, HostConfig={**ours["HostConfig"], "Binds": binds, "Mounts": declared})
    del scope.containers["b"]
    rows = [{"Id": "f", "Names": ["/t-b"], "State": "running", "Mounts": MOUNTS[:1]}]
    vars(scope).update(container_rows=rows, volumes={})
    said = {str(each.key): kinds()["container"].contents(each) for each in seen_containers(scope)}
    assert said == {
        "container/a": "all that is in its anonymous volumes is lost: /declared, /of-the-image",
        "container/c": "",
        "container/@t-b": f"its anonymous volumes stay: {DIGITS[0]} of /of-the-image",
    }


def on_lan(version: tuple[int, int]) -> Any:
    """Three of our containers, with a MAC address on a network."""
    spec = ContainerSpec(mac_address="02:00:00:00:00:01")
    keys = [ResourceKey("container", each) for each in "abc"]
    desired = Topology("t", {each: Resource(each, replace(spec, name=f"t-{each.name}")) for each in keys})
    scope = Scope(cast("Any", SimpleNamespace(engine=SimpleNamespace(version=version))), desired)
    endpoint = {"NetworkID": "1", "MacAddress": spec.mac_address}
    parts = {"Image": "i", "State": {"Status": "running"}, "NetworkSettings": {"Networks": {"t-lan": endpoint}}}
    host_config = {"LogConfig": {"Type": "json-file"}, "ShmSize": 64 << 20, **NEW, "NetworkMode": "t-lan"}
    vars(scope)["containers"] = {
        each.name: {
            "Id": each.name,
            "Name": f"/t-{each.name}",
            "Config": {**IMAGE, "Labels": Mark("t", each).labels()},
            "HostConfig": host_config,
            **parts,
        }
        for each in keys
    }
    vars(scope).update(container_rows=[], networks={"1": {"Name": "t-lan"}}, info=INFO, image_inspections={"i": {}})
    kernel = SimpleNamespace(stranger=None, nodes={}, mine=lambda link: link.alias == "ours")
    vars(scope).update(kernel=kernel, live_names={})
    return scope


WANT = ContainerSpec(
    user="1000",
    working_dir="/www",
    command=("1000",),
    entrypoint=("sleep",),
    environment=FrozenMap({"COLOUR": "red"}),
    labels=FrozenMap({"role": "web"}),
    stop_signal="SIGINT",
    expose=("80/tcp",),
    logging=Logging("json-file"),
    healthcheck=Healthcheck(("CMD", "true")),
)


def test_what_is_declared_is_told_though_it_is_the_image_s() -> None:
    found = seen(want=WANT)
    assert {name: getattr(found, name) for name in DECLARED} == {name: getattr(WANT, name) for name in DECLARED}


DECLARED = [name for name, each in vars(WANT).items() if each != getattr(ContainerSpec(), name)]


@pytest.mark.parametrize(
    ("config", "field", "expected"),
    [
        ({"Cmd": None, "Entrypoint": ["env"]}, "command", None),
        ({"Cmd": ["a"], "Entrypoint": ["env"]}, "command", ("a",)),
        ({"Cmd": None, "Entrypoint": [""]}, "entrypoint", ()),
        ({"Cmd": [""], "Entrypoint": ["env"]}, "command", ("",)),
        ({"User": ""}, "user", ""),
        ({"WorkingDir": "/"}, "working_dir", "/"),
        ({"Env": ["COLOUR=blue", "PATH=/bin"]}, "environment", {"COLOUR": "blue"}),
        ({"Env": None}, "environment", {}),
        ({"Labels": {"role": "web", "reconciler.key": "container/web"}}, "labels", {}),
        ({"StopSignal": "9"}, "stop_signal", "9"),
        ({"StopTimeout": 3}, "stop_grace_period", Duration(3 * 10**9)),
        ({"ExposedPorts": {"80/tcp": {}, "90/udp": {}}}, "expose", ("90/udp",)),
        ({"Healthcheck": {"Test": ["NONE"]}}, "healthcheck", Healthcheck(("NONE",))),
        ({"Tty": True}, "tty", True),
        ({"OpenStdin": True}, "stdin_open", True),
    ],
)
def test_what_a_container_has_of_its_own_is_told(config: dict[str, Any], field: str, expected: Any) -> None:
    assert getattr(seen(config), field) == expected


LABELLED = {"Labels": {"reconciler.logging": "max-size"}}


@pytest.mark.parametrize(
    ("config", "log", "expected"),
    [
        ({}, {"Type": "local"}, Logging("local")),
        ({}, {"Type": "json-file", "Config": {"max-size": "9m"}}, Logging()),
        (LABELLED, {"Type": "json-file", "Config": {"max-size": "1m", "max-file": "5"}}, {"max-size": "1m"}),
        ({"Labels": None}, None, Logging("")),
    ],
)
def test_only_the_log_options_that_were_declared_are_told(config: Any, log: Any, expected: Any) -> None:
    found = seen(config, {"LogConfig": log}).logging
    assert found == (Logging(None, FrozenMap(expected)) if isinstance(expected, dict) else expected)


@pytest.mark.parametrize(
    ("want", "state", "expected"),
    [
        ("", {"Status": "exited"}, ""),
        ("", {"Status": "dead", "Dead": True}, "dead"),
        ("created", {"Status": "created", "StartedAt": "0001-01-01T00:00:00Z"}, "created"),
        ("created", {"Status": "exited", "StartedAt": "2026-01-01T00:00:00Z"}, "exited"),
        ("created", {"Status": "created"}, "created"),
    ],
)
def test_the_state_counts_where_it_must_never_have_run_or_is_beyond_help(
    want: str, state: dict[str, Any], expected: str
) -> None:
    assert seen(want=ContainerSpec(state=want), state=state).state == expected


def test_a_container_runs_the_wanted_image_as_long_as_its_tag_did_not_move() -> None:
    want = ContainerSpec(image="image/lab")
    assert seen(want=want, current="sha256:0123456789abcdef").image == "image/lab"
    assert seen(want=want, current="sha256:other").image == "0123456789ab"


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("reconciler/t/lab:in-0123", "image/lab"),
        ("reconciler/t/lub:in-4567", "image/lab"),
        ("reconciler/t/lub:in-0123", "0123456789ab (image/lub)"),
        ("busybox", "0123456789ab (busybox)"),
    ],
)
def test_an_image_that_is_not_made_yet_may_be_that_of_its_entry_or_of_its_inputs(said: str, told: str) -> None:
    want = ContainerSpec(image="image/lab", reference="reconciler/t/lab:in-4567")
    assert seen({"Image": said}, want=want).image == told


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("nginx", " (nginx)"),
        ("reconciler/t/app:in-0123", " (image/app)"),
        ("reconciler/t:1", " (reconciler/t:1)"),
        ("sha256:0123456789abcdef", ""),
        ("0123456", ""),
    ],
)
def test_another_image_is_told_by_the_name_that_it_had(said: str, told: str) -> None:
    found = seen({"Image": said}, want=ContainerSpec(image="image/lab"), current="sha256:other")
    assert found.image == f"0123456789ab{told}"


@pytest.mark.parametrize(
    ("live", "networks", "want", "expected"),
    [
        ("default", ["bridge"], None, "bridge"),
        ("bridge", [], None, "bridge"),
        ("none", [], None, "none"),
        ("none", ["none"], None, "none"),
        ("none", ["t-lan"], None, ""),
        ("t-lan", ["t-lan"], None, ""),
        ("host", [], "", "host"),
        ("default", ["bridge"], "", ""),
        ("none", [], "bridge", ""),
        ("none", ["bridge"], "bridge", "bridge"),
        ("t-lan", ["t-lan"], "none", "none"),
        ("t-lan", ["t-lan"], "host", ""),
    ],
)
def test_a_mode_that_the_engine_never_updates_is_told_by_what_is_connected(
    live: str, networks: list[str], want: str | None, expected: str
) -> None:
    wanted = ContainerSpec() if want is None else ContainerSpec(name="t-web", network_mode=want)
    found = seen(None, {"NetworkMode": live}, want=wanted, settings={"Networks": {each: {} for each in networks}})
    assert found.network_mode == expected


@pytest.mark.parametrize(("links", "linked"), [(["/t-db:/t-web/sql"], ()), (None, ("t-web",))], ids=["from", "to"])
@pytest.mark.parametrize(
    ("networks", "want", "expected"),
    [
        ([], "bridge", "none"),
        (["t-lan"], "", "none"),
        (["bridge"], "bridge", "bridge"),
        (["bridge", "t-lan"], "", ""),
        ([], "none", "none"),
    ],
)
def test_what_has_links_on_docker_s_own_bridge_cannot_come_back_to_it(
    links: list[str] | None, linked: tuple[str, ...], networks: list[str], want: str, expected: str
) -> None:
    wanted, made = ContainerSpec(name="t-web", network_mode=want), {"NetworkMode": "bridge", "Links": links}
    found = seen(None, made, want=wanted, settings={"Networks": {each: {} for each in networks}}, linked=linked)
    assert found.network_mode == expected


def test_whose_network_namespace_is_shared_is_told_by_its_name_in_the_file() -> None:
    named = {"1a": "db", "2b": "@other"}.__getitem__
    modes = ({"NetworkMode": f"container:{each}"} for each in ("1a", "2b"))
    found = [seen(None, each, named=named, settings={"Networks": None}) for each in modes]
    assert [(each.network_mode, each.target, each.hostname) for each in found] == [
        ("service:db", "1a", None),
        ("container:other", "2b", None),
    ]


@pytest.mark.parametrize(
    ("live", "want", "expected"), [("machine", None, None), ("own", None, "own"), ("machine", "machine", "machine")]
)
def test_on_the_host_s_network_the_host_s_name_is_as_undeclared(
    live: str, want: str | None, expected: str | None
) -> None:
    wanted = ContainerSpec(name="t-web", network_mode="host", hostname=want)
    assert seen({"Hostname": live}, {"NetworkMode": "host"}, want=wanted).hostname == expected


def test_links_are_told_by_the_names_in_the_file() -> None:
    found = seen(None, {"Links": ["/t-db:/t-web/sql", "/x:/t-web/x"]}, named={"t-db": "db", "x": "@x"}.__getitem__)
    assert found.links == ("@x:x", "db:sql")
    assert found.link_targets == {"db": "t-db", "@x": "x"}


def test_a_link_is_none_where_its_target_was_made_anew_and_does_not_answer_to_it() -> None:
    links = {"Links": ["/t-db:/t-web/sql", "/x:/t-web/x"]}
    assert seen(None, links, answers=lambda *link: link == ("/x", "/t-web/x")).links == ("x:x",)


def test_a_mac_address_is_the_container_s_where_the_engine_knows_no_other() -> None:
    mac = "02:00:00:00:00:01"
    assert seen({"MacAddress": mac}, mac=True).mac_address == mac
    assert seen({"MacAddress": ""}, mac=True).mac_address is None
    assert seen(want=ContainerSpec(mac_address=mac)).mac_address == mac


def test_a_mac_address_of_an_old_engine_s_is_for_the_network_that_the_container_was_made_on() -> None:
    address = {"MacAddress": "02:00:00:00:00:01"}

    def read(config: dict[str, Any], *, old: bool) -> str | None:
        want = ContainerSpec(mac_network="t-wan")
        return seen(config, {"NetworkMode": "t-lan"}, want=want, mac=old).mac_network

    assert read(address, old=True) == "t-lan"
    assert read({}, old=True) == "t-wan", "that there is none is told already"
    assert read(address, old=False) == "t-wan", "a later engine gives one anywhere"


def test_a_mac_address_that_is_given_to_an_endpoint_at_its_creation_is_gone_with_that() -> None:
    mac, other = "02:00:00:00:00:01", "02:00:00:00:00:02"

    def read(endpoints: dict[str, Any], want: str | None = mac, config: str = "") -> str | None:
        settings = {"Networks": {"t-wan": {"MacAddress": other}, **endpoints}}
        wanted = ContainerSpec(mac_address=want, mac_network="t-lan")
        on = {"NetworkMode": "t-lan"}
        return seen(
            {"MacAddress": config}, on, want=wanted, settings=settings, mac=True, mac_of_endpoint=True
        ).mac_address

    assert read({"t-lan": {"MacAddress": mac}}) == mac
    assert read({"t-lan": {"MacAddress": other}}) == other
    assert read({"t-lan": {"MacAddress": ""}}) == mac, "it does not run"
    assert read({}, config=mac) is None, "it was disconnected, and a connect would not give it back"
    assert read({"t-lan": {"MacAddress": other}}, None, config=mac) == mac, "it was declared"
    assert read({"t-lan": {"MacAddress": other}}, None) is None, "the engine chose it"


@pytest.mark.parametrize(
    ("privileged", "want", "expected"),
    [(True, (), ()), (True, ("label=disable",), ("label=disable",)), (False, (), ("label=disable",))],
)
def test_what_the_engine_adds_to_a_privileged_container_is_as_undeclared(
    privileged: bool, want: tuple[str, ...], expected: tuple[str, ...]
) -> None:
    host_config = {"Privileged": privileged, "SecurityOpt": ["label=disable"]}
    found = seen(None, host_config, want=ContainerSpec(security_opt=want))
    assert (found.privileged, found.security_opt) == (privileged, expected)


EVERYTHING: dict[str, Any] = {
    "image": "lab",
    "command": "sleep 9",
    "entrypoint": ["env"],
    "environment": {"A": 1},
    "labels": {"a": "b"},
    "hostname": "h",
    "user": "1",
    "working_dir": "/tmp/",
    "tty": True,
    "stdin_open": True,
    "init": True,
    "restart": "on-failure:3",
    "state": "created",
    "ports": ["8080:80", "127.0.0.1::81/udp"],
    "expose": [90],
    "volumes": ["/srv:/srv:ro", "store:/data", {"type": "tmpfs", "target": "/t", "tmpfs": {"size": "1m"}}],
    "tmpfs": ["/run:size=1m"],
    "networks": {"lan": {"mac_address": "02:00:00:00:00:0A"}},
    "healthcheck": {"test": "true", "interval": "2s"},
    "cap_add": ["cap_net_admin"],
    "cap_drop": ["NET_RAW"],
    "privileged": True,
    "devices": ["/dev/null:/dev/x:r"],
    "dns": ["10.0.0.53"],
    "dns_search": ["example.org"],
    "dns_opt": ["ndots:1"],
    "extra_hosts": ["a=10.0.0.1"],
    "sysctls": {"net.ipv4.ip_forward": 1},
    "ulimits": {"nofile": {"soft": 1, "hard": 2}},
    "mem_limit": "64m",
    "memswap_limit": "96m",
    "mem_reservation": "32m",
    "cpus": 0.5,
    "cpu_shares": 512,
    "cpuset": "0",
    "pids_limit": 9,
    "shm_size": "32m",
    "read_only": True,
    "security_opt": ["no-new-privileges"],
    "stop_signal": "usr1",
    "stop_grace_period": "3s",
    "logging": {"driver": "local", "options": {"max-size": "1m"}},
}


def test_an_engine_that_keeps_what_it_was_told_shows_no_difference() -> None:
    file = {"containers": {"web": EVERYTHING}, "networks": {"lan": {}}, "volumes": {"store": {}}}
    made = source({**file, "images": {"lab": {"external": True}}})
    (resource,) = containers(made)
    assert made.problems == []
    want = resource.spec
    assert isinstance(want, ContainerSpec)
    body = json.loads(json.dumps(config(want, labels={"reconciler.key": "x"}, endpoints={"t-lan": {}})))
    found = {
        "Name": f"/{want.name}",
        "Image": "sha256:1",
        "State": {"Status": "created"},
        "Config": body,
        "HostConfig": body["HostConfig"],
        "NetworkSettings": {"Networks": {"t-lan": {}}},
    }
    live = spec_of(Seen(found, want, info=INFO, mac=True))
    differing = [name for name, each in vars(want).items() if getattr(live, name) != each]
    assert differing == ["reference"]
    undeclared = [name for name in EVERYTHING if name in vars(want) and getattr(want, name) == DEFAULT[name]]
    assert undeclared == []


def test_a_sysctl_of_one_interface_that_the_engine_refuses_has_a_hint() -> None:
    said = 'interface specific sysctl setting "net.ipv4.conf.eth0.rp_filter" must be supplied using driver option'
    assert "say `default` in the place of the interface" in effects._hint(ValueError(said), ContainerSpec())


def test_a_name_server_is_the_same_however_the_engine_writes_it() -> None:
    for written in ("::ffff:8.8.8.8", "::FFFF:808:808"):
        made = source({"containers": {"web": {"dns": ["::ffff:8.8.8.8"]}}})
        (resource,) = containers(made)
        assert seen({}, {"Dns": [written]}).dns == ContainerSpec.of(resource).dns
    assert seen({}, {"Dns": ["not one"]}).dns == ("not one",)


DEFAULT = vars(ContainerSpec(shm_size=Bytes(64 << 20)))


@pytest.mark.parametrize(
    ("name", "given", "now", "told"),
    [
        ("net.ipv4.ip_forward", "1", "1", "1"),
        ("net.ipv4.ip_forward", "1", "0", "0"),
        ("net.ipv4.ip_forward", "1", "", "1"),
        ("net.ipv4.ip_local_port_range", "2000  3000", "2000 3000", "2000  3000"),
        ("net.ipv4.ip_local_reserved_ports", "9,8", "8-9", "9,8"),
        ("net.ipv4.conf.eth0.forwarding", "1", "0", "1"),
        ("kernel.shm_rmid_forced", "1", "0", "1"),
    ],
)
def test_a_sysctl_of_its_network_is_told_as_it_is_now(name: str, given: str, now: str, told: str) -> None:
    assert seen({}, {"Sysctls": {name: given}}, sysctls={name: now}).sysctls == {name: told}
    assert seen({}, {"Sysctls": {name: given}}).sysctls == {name: given}
