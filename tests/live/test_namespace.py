"""Network namespaces against the real kernel, with `ip netns` as a witness."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from live.lab import Lab, run
from live.witness import link, namespaces
from reconciler.errors import Conflict, ReconcilerError
from reconciler.host.kernel.packed import changed, noted
from reconciler.model import Action, ResourceKey

pytestmark = pytest.mark.live

BARE = "namespaces: {red: }"
KEY = "namespace/red"
LONG = "net.ipv4.conf.default.igmpv3_unsolicited_report_interval"
PORTS = "net.ipv4.ip_local_reserved_ports"
MASK = "net.ipv6.icmp.ratemask"
GETIFADDRS = """
import ctypes
class Entry(ctypes.Structure): pass
Entry._fields_ = [("next", ctypes.POINTER(Entry)), ("name", ctypes.c_char_p)]
found, libc = ctypes.POINTER(Entry)(), ctypes.CDLL(None)
assert libc.getifaddrs(ctypes.byref(found)) == 0
names = set()
while found:
    names.add(found.contents.name.decode())
    found = found.contents.next
print(*sorted(names))
"""
ROUNDED, PROCESSORS = "net.ipv6.route.gc_min_interval_ms", "net.core.rps_default_mask"
RESERVED = "/proc/sys/net/ipv4/ip_local_reserved_ports"
FORWARDING = "/proc/sys/net/ipv4/ip_forward"


def sysctl(lab: Lab, path: str) -> str:
    return run("ip", "netns", "exec", f"{lab.name}-red", "cat", path).strip()


def inode(name: str) -> int:
    return Path("/run/netns", name).stat().st_ino


@pytest.mark.parametrize(
    ("after", "path"),
    [
        ("namespaces: {red: {sysctls: {net.ipv4.ip_forward: 1}}}", "sysctls.net.ipv4.ip_forward"),
        ("namespaces: {red: {sysctls: [net/ipv4/ip_forward=1]}}", "sysctls.net.ipv4.ip_forward"),
        ("namespaces: {red: {sysctls: {net.ipv4.ping_group_range: 0 99}}}", "sysctls.net.ipv4.ping_group_range"),
        (
            "namespaces: {red: {sysctls: {net.ipv4.conf.default.rp_filter: 2}}}",
            "sysctls.net.ipv4.conf.default.rp_filter",
        ),
        (f"namespaces: {{red: {{sysctls: {{{LONG}: 900}}}}}}", f"sysctls.{LONG}"),
        (f"namespaces: {{red: {{sysctls: {{{PORTS}: '9148,8082,8080-8081'}}}}}}", f"sysctls.{PORTS}"),
        (f"namespaces: {{red: {{sysctls: {{{MASK}: '3-127,0-1'}}}}}}", f"sysctls.{MASK}"),
        (f"namespaces: {{red: {{sysctls: {{{ROUNDED}: 501}}}}}}", f"sysctls.{ROUNDED}"),
        (f"namespaces: {{red: {{sysctls: {{{PROCESSORS}: '00000001'}}}}}}", f"sysctls.{PROCESSORS}"),
        ("defaults: {namespaces: {sysctls: {net.ipv4.ip_forward: 1}}}\n" + BARE, "sysctls.net.ipv4.ip_forward"),
        ("namespaces: {red: {name: other-%}}", "name"),
    ],
)
def test_an_attribute_is_changed_in_place_and_undone(lab: Lab, after: str, path: str) -> None:
    lab.apply(BARE)
    before = inode(f"{lab.name}-red")
    lab.both_ways(BARE, after.replace("%", lab.name), KEY, Action.UPDATE, path)
    assert inode(f"{lab.name}-red") == before


def test_the_lock_of_ip_netns_in_other_hands_is_waited_for_as_long_as_patience_lasts(lab: Lab) -> None:
    lab.apply("namespaces: {blue: }")
    lab.host.patience = 0.3
    held = os.open("/run/netns", os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(held, fcntl.LOCK_EX)
    try:
        begun = time.monotonic()
        report = lab.attempt(BARE)
        assert time.monotonic() - begun < 5
        assert len(report.failed) == 2
        for each in report.failed:
            assert "has held the lock on /run/netns for 0.3 s (see `lslocks`): run again, or raise" in str(each.error)
    finally:
        os.close(held)
    lab.apply(BARE)


def test_a_namespace_whose_name_cannot_be_taken_stays_ours_and_is_deleted_by_the_next_run(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    lab.apply(BARE)
    alias = link("lo", netns=f"{lab.name}-red")["ifalias"]
    held = os.open("/run/netns", os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(held, fcntl.LOCK_EX)
    monkeypatch.setattr(lab.host, "patience", 0.2)
    try:
        (failed,) = lab.attempt("").failed
        assert "has held the lock on /run/netns" in str(failed.error)
    finally:
        os.close(held)
    assert link("lo", netns=f"{lab.name}-red")["ifalias"] == alias
    assert "kept alive" not in caplog.text
    lab.apply("")
    assert f"{lab.name}-red" not in namespaces()


def test_a_sysctl_that_is_taken_out_goes_back_to_what_a_new_namespace_has(lab: Lab) -> None:
    lab.apply(f"namespaces: {{red: {{sysctls: {{net.ipv4.ip_forward: 1, net.ipv4.ip_default_ttl: 9, {PORTS}: 80}}}}}}")
    assert sysctl(lab, "/proc/sys/net/ipv4/ip_default_ttl") == "9"
    assert sysctl(lab, RESERVED) == "80"
    run("ip", "netns", "exec", f"{lab.name}-red", "sh", "-c", "echo 8000 > /proc/sys/net/ipv4/ipfrag_time")
    lab.apply("namespaces: {red: {sysctls: {net.ipv4.ip_forward: 1}}}")
    assert sysctl(lab, "/proc/sys/net/ipv4/ip_default_ttl") == "64"
    assert sysctl(lab, RESERVED) == "", "which is the value of a new one"
    assert sysctl(lab, FORWARDING) == "1"
    assert sysctl(lab, "/proc/sys/net/ipv4/ipfrag_time") == "8000", "one never declared is left alone"
    noted_alone = changed((), "sysctl", [noted("", "net.ipv4.ip_forward")])
    assert tuple(link("lo", netns=f"{lab.name}-red").get("altnames", ())) == noted_alone


def every_sysctl_of_interfaces() -> dict[str, str]:
    folders = (
        Path("/proc/sys/net", family, "conf", which) for family in ("ipv4", "ipv6") for which in ("all", "default")
    )
    return {
        ".".join(each.parts[3:]): read(each) for folder in folders for each in sorted(folder.iterdir()) if read(each)
    }


def read(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:  # one that is secret, and was never set
        return ""


def test_so_many_sysctls_are_noted_that_programs_still_read_of_lo_and_no_more(lab: Lab) -> None:
    found = dict([*every_sysctl_of_interfaces().items()][:170])
    text = "namespaces: {red: {sysctls: %s}}"
    lab.apply(text % json.dumps(found))
    interfaces = run("timeout", "20", "ip", "netns", "exec", f"{lab.name}-red", sys.executable, "-c", GETIFADDRS)
    assert interfaces.split() == ["lo"], (
        "as hostname, and each program with its own C library's getifaddrs, asks for them"
    )
    lab.apply(text % "{net.ipv4.ip_forward: 0}")
    assert len(link("lo", netns=f"{lab.name}-red")["altnames"]) == 1
    many = {f"net.ipv4.made_up{number}": 1 for number in range(200)}
    with pytest.raises(
        ReconcilerError,
        match=f"{KEY}: 200 sysctls are more than can be noted of it: there is no room for more than 1[0-9]+",
    ):
        lab.attempt(text % json.dumps(many))


@pytest.mark.parametrize("on", [0, 1])
@pytest.mark.parametrize(
    "keys",
    [
        ("net.ipv4.conf.all.accept_redirects", "net.ipv4.ip_forward"),
        ("net.ipv4.conf.default.forwarding", "net.ipv4.conf.lo.forwarding", "net.ipv4.ip_forward"),
        ("net.ipv6.conf.all.forwarding", "net.ipv6.conf.default.forwarding", "net.ipv6.conf.lo.forwarding"),
        ("net.ipv6.conf.all.disable_ipv6", "net.ipv6.conf.default.disable_ipv6"),
    ],
)
def test_sysctls_that_reset_each_other_have_what_is_declared_of_each(lab: Lab, keys: tuple[str, ...], on: int) -> None:
    alike = dict.fromkeys(keys, on)
    different = [{**alike, each: 1 - on} for each in keys]
    fewer = [{key: on for key in keys if key != each} for each in keys]
    for values in (alike, *different, alike, *fewer):
        lab.apply(f"namespaces: {{red: {{sysctls: {json.dumps(values)}}}}}")


def test_a_sysctl_that_is_refused_until_another_is_set_is_set(lab: Lab) -> None:
    text = "namespaces: {red: {sysctls: {net.ipv4.ip_local_port_range: %s, net.ipv4.ip_unprivileged_port_start: %s}}}"
    for values in (("500 900", 0), ("2000 3000", 1999), ("600 900", 500)):
        lab.apply(text % values)


def inherited(lab: Lab) -> list[str]:
    """What the interfaces of red have by themselves of what the namespace has for all."""
    script = "grep . /proc/sys/net/ipv[46]/conf/*/rp_filter /proc/sys/net/ipv6/conf/*/accept_ra"
    script += " /proc/sys/net/ipv6/conf/*/disable_ipv6"
    lines = run("ip", "netns", "exec", f"{lab.name}-red", "sh", "-c", script, check=False).splitlines()
    return [each for each in lines if "/eth" in each or "/br/" in each]


def test_what_interfaces_have_from_a_namespace_is_after_an_edit_what_it_is_in_one_made_anew(lab: Lab) -> None:
    text = (
        "namespaces: {red: {%s routes: [{to: 'fd01::/64', via: 'fd00::2'}]}, blue: }\n"
        "bridges: {br: {namespace: red, addresses: [fd02::1/64]}}\n"
        "veths: [[red:eth0 10.0.0.1/30 fd00::1/64, blue:eth0 fd00::2/64], [red:eth1, br], [red:eth2, blue:eth2]]"
    )
    sysctls = (
        "net.ipv4.conf.default.rp_filter: 2, net.ipv6.conf.default.accept_ra: 0,"
        "net.ipv6.conf.default.disable_ipv6: 1, net.ipv6.conf.all.disable_ipv6: 1"
    )
    bare, given = text % "", text % f"sysctls: {{{sysctls}}},"
    lab.apply(bare)
    before = inherited(lab)
    lab.apply(given)
    edited = inherited(lab)
    lab.apply(bare)
    assert inherited(lab) == before
    lab.apply("")
    lab.apply(given)
    assert inherited(lab) == edited != before


@pytest.mark.parametrize("on", [0, 1])
@pytest.mark.parametrize(
    ("kept", "taken"),
    [
        ("net.ipv4.ip_forward", "net.ipv4.conf.default.forwarding"),
        ("net.ipv6.conf.all.forwarding", "net.ipv6.conf.default.forwarding"),
        ("net.ipv6.conf.all.disable_ipv6", "net.ipv6.conf.default.disable_ipv6"),
    ],
)
def test_a_sysctl_that_is_taken_out_leaves_what_another_decides(lab: Lab, kept: str, taken: str, on: int) -> None:
    def values() -> str:
        family, name = taken.split(".")[1], taken.rpartition(".")[2]
        script = f"cd /proc/sys/net/{family}/conf; grep . all/{name} default/{name} eth0/{name}"
        return run("ip", "netns", "exec", f"{lab.name}-red", "sh", "-c", script)

    text = "namespaces: {red: {sysctls: {%s: %s%s}}}\nveths: [[red:eth0, red:eth1]]"
    less = text % (kept, on, "")
    lab.apply(less)
    fresh = values()
    lab.apply("")
    lab.apply(text % (kept, on, f", {taken}: {on}"))
    lab.apply(less)
    assert values() == fresh


def test_an_interface_that_a_command_told_otherwise_keeps_what_it_was_told(lab: Lab) -> None:
    text = "namespaces: {red: {%s exec: ['echo 1 > /proc/sys/net/ipv4/conf/eth0/rp_filter']}}\nveths: [[red:eth0, red:eth1]]"
    lab.apply(text % "")
    lab.apply(text % "sysctls: {net.ipv4.conf.default.rp_filter: 2},")
    assert [each.rpartition(":")[2] for each in inherited(lab) if "rp_filter" in each] == ["1", "2"]


def test_a_stable_secret_that_is_taken_out_takes_a_new_namespace(lab: Lab) -> None:
    path = "net.ipv6.conf.default.stable_secret"
    text = f'namespaces: {{red: {{sysctls: {{{path}: "2001:db8::%s", net.ipv4.ip_forward: 1}}}}}}'
    lab.apply(text % 1)
    lab.turned(text % 2, KEY, Action.UPDATE, f"sysctls.{path}")
    lab.turned("namespaces: {red: {sysctls: {net.ipv4.ip_forward: 0}}}", KEY, Action.REPLACE, f"sysctls.{path}")


def test_a_sysctl_that_the_kernel_refuses_holds_up_none_of_the_others(lab: Lab) -> None:
    report = lab.attempt(
        "namespaces: {red: {sysctls: {net.ipv4.no_such: 1, net.ipv4.tcp_reordering: -1, net.ipv4.ip_forward: 1}}}"
    )
    assert [str(each.error).count("sysctl net.ipv4.") for each in report.failed] == [2]
    assert sysctl(lab, FORWARDING) == "1"
    lab.apply(BARE)


def test_a_sysctl_that_is_refused_beside_one_that_switches_ipv6_off_takes_no_address_away(lab: Lab) -> None:
    text = "namespaces: {red: {%s}}\nveths: [[red:eth0 fd00::1/64, red:eth1]]"
    lab.apply(text % "")
    report = lab.attempt(text % "sysctls: {net.ipv6.conf.all.disable_ipv6: 1, net.ipv4.no_such: 1}")
    assert [str(each.step.key.key) for each in report.failed] == [KEY]
    assert "fd00::1/64" in run("ip", "-n", f"{lab.name}-red", "-6", "address", "show", "eth0")
    lab.apply(text % "")


def test_a_namespace_is_looked_into_that_has_no_table_of_ipv4_routes(lab: Lab) -> None:
    lab.apply(BARE)
    run("ip", "netns", "add", name := f"{lab.name}-bare")
    try:
        run("ip", "-n", name, "rule", "add", "to", "10.9.0.0/16", "table", "7")
        run("ip", "-n", name, "link", "add", "eth0", "type", "veth", "peer", "name", "eth1")
        run("ip", "-n", name, "address", "add", "10.0.0.1/24", "dev", "eth0")
        text = BARE.replace("red:", f"red: , bare: {{external: true, name: {name}}}")
        assert "namespace/bare" in {str(each) for each in lab.observed(text).resources}
        lab.apply(text)
    finally:
        run("ip", "netns", "del", name)


def test_what_a_hand_changed_is_named_and_mended(lab: Lab) -> None:
    text = "namespaces: {red: {sysctls: {net.ipv4.ip_forward: 1}}}"
    lab.apply(text)
    name = f"{lab.name}-red"
    run("ip", "netns", "exec", name, "sh", "-c", f"echo 0 > {FORWARDING}")
    lab.drifted(text, KEY, Action.UPDATE, "sysctls.net.ipv4.ip_forward")
    assert sysctl(lab, FORWARDING) == "1"
    run("ip", "-n", name, "link", "set", "lo", "down")
    lab.drifted(text, KEY, Action.UPDATE, "lo_up")
    assert "UP" in link("lo", netns=name)["flags"]


def test_the_longest_names_are_marked_and_noted_and_known_again(lab: Lab) -> None:
    red, blue, switch = "r" * 200, "b" * 200, "s" * 200
    text = (
        f"namespaces: {{{red}: {{exec: ['true'], routes: [{{to: 10.7.0.0/16, via: 10.0.0.2}}]}}, {blue}: }}\n"
        f"bridges: {{{switch}: {{mtu: 1400}}}}\n"
        f"veths: [[{red}:eth0 10.0.0.1/24, {blue}:eth0 10.0.0.2/24], [{red}:eth1, {switch}]]"
    )
    lab.apply(text)
    run("ip", "-n", f"{lab.name}-{red}", "link", "set", "eth0", "mtu", "1300")
    pair = f"veth/{blue}:eth0--{red}:eth0"
    lab.drifted(text, pair, Action.UPDATE, f"endpoints.{red}:eth0.mtu")
    assert {key.partition("/")[0] for key in lab.tells("")} == {"namespace", "bridge", "veth", "route", "exec"}
    lab.apply("")
    assert f"{lab.name}-{red}" not in namespaces()


def test_a_namespace_deleted_by_hand_is_made_again(lab: Lab) -> None:
    lab.apply(BARE)
    run("ip", "netns", "del", f"{lab.name}-red")
    lab.drifted(BARE, KEY, Action.CREATE)
    assert f"{lab.name}-red" in namespaces()


def test_a_namespace_unmounted_by_hand_leaves_a_file_that_counts_as_absent(lab: Lab) -> None:
    lab.apply(BARE)
    run("umount", f"/run/netns/{lab.name}-red")
    lab.drifted(BARE, KEY, Action.CREATE)


def test_a_foreign_namespace_of_that_name_is_a_conflict_and_can_be_adopted(lab: Lab) -> None:
    name = f"{lab.name}-red"
    run("ip", "netns", "add", name)
    before = inode(name)
    try:
        with pytest.raises(Conflict, match=f"the name {name} of a network namespace"):
            lab.attempt(BARE)
        report = lab.apply(BARE, adopt=(ResourceKey.of(KEY),))
        assert [str(each.step.key) for each in report.outcomes] == ["update namespace/red"]
        assert inode(name) == before
        lab.destroy()
        assert name not in namespaces()
    finally:
        subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def test_what_is_in_namespaces_that_are_adopted_is_adopted_with_them(lab: Lab) -> None:
    names = [f"{lab.name}-{each}" for each in ("red", "blue", "one", "two")]
    for name in names:
        run("ip", "netns", "add", name)
    try:
        for one, other in (names[:2], names[2:]):  # in fresh namespaces all four ends have the same index
            run("ip", "-n", one, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", other)
        index = link("eth0", netns=names[0])["ifindex"]
        run("ip", "-n", names[0], "link", "add", "br0", "type", "bridge")
        run("ip", "-n", names[0], "route", "add", "unreachable", "10.99.3.0/24")
        text = (
            "namespaces: {red: {routes: [{to: 10.99.3.0/24, via: 10.99.2.2}]}, blue: }\n"
            "bridges: {br0: {namespace: red}}\nveths: [[red:eth0 10.99.2.1/24, blue:eth0 10.99.2.2/24]]"
        )
        keys = ("namespace/red", "namespace/blue", "veth/blue:eth0--red:eth0")
        with pytest.raises(Conflict, match=r"^bridge/br0: interface br0 in namespace/red is held by bridge br0, which"):
            lab.attempt(text, adopt=keys)
        report = lab.apply(text, adopt=(*keys, "bridge/br0"))
        assert {each.step.key.verb for each in report.outcomes} == {"update"}
        assert link("eth0", netns=names[0])["ifindex"] == index
        assert lab.attempt(text, adopt=keys).outcomes == ()
        lab.destroy()
        assert set(names) & set(namespaces()) == set(names[2:])
    finally:
        for name in names:
            run("ip", "netns", "del", name, check=False)


def test_the_namespace_that_is_ours_counts_though_another_has_its_name_and_is_to_be_adopted(lab: Lab) -> None:
    name, other = f"{lab.name}-red", f"{lab.name}-other"
    lab.apply(BARE)
    run("touch", f"/run/netns/{other}")
    run("mount", "--bind", f"/run/netns/{name}", f"/run/netns/{other}")
    run("ip", "netns", "del", name)
    run("ip", "netns", "add", name)
    try:
        for adopt in ((), (KEY,)):
            with pytest.raises(Conflict, match=f"the name {name} of a network namespace is held"):
                lab.attempt(BARE, adopt=adopt)
    finally:
        run("ip", "netns", "del", name)
        lab.destroy()
    assert {name, other} & set(namespaces()) == set()


def test_an_external_namespace_must_exist_and_is_never_touched(lab: Lab) -> None:
    text = f"namespaces: {{red: {{external: true, name: out-{lab.name}}}, blue: }}\nveths: [[red:a, blue:a]]"
    with pytest.raises(Conflict, match="declared external, but there is none"):
        lab.attempt(text)
    run("ip", "netns", "add", f"out-{lab.name}")
    try:
        lab.apply(text)
        assert link("a", netns=f"out-{lab.name}")
        lab.destroy()
        assert f"out-{lab.name}" in namespaces()
        assert not link("a", netns=f"out-{lab.name}")
        assert "UP" not in link("lo", netns=f"out-{lab.name}")["flags"]
    finally:
        run("ip", "netns", "del", f"out-{lab.name}")


@pytest.mark.parametrize("value", ["1", '""'])
def test_an_unknown_sysctl_is_named_and_mended_by_the_next_apply(lab: Lab, value: str) -> None:
    for _ in ("made", "changed"):
        report = lab.attempt(f"namespaces: {{red: {{sysctls: {{net.ipv4.no_such: {value}}}}}}}")
        assert [str(each.error) for each in report.failed] == [
            "namespace/red: a network namespace has no sysctl net.ipv4.no_such: take it out, or load what offers it"
        ]
    lab.apply(BARE)
    assert "altnames" not in link("lo", netns=f"{lab.name}-red"), "nothing is remembered of it"


def test_what_exec_left_running_does_not_keep_a_deleted_namespace_alive(lab: Lab) -> None:
    lab.apply('namespaces: {red: {exec: ["exec -a left-over sleep 300 &"]}}'.replace("exec -a left-over ", ""))
    pids = run("ip", "netns", "pids", f"{lab.name}-red").split()
    assert len(pids) == 1
    lab.destroy()
    assert _has_ended(pids[0])


def _is_alive(pid: str) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def bystander(lab: Lab) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts processes of somebody else in the namespace red."""
    started: list[subprocess.Popen[bytes]] = []

    def begin() -> subprocess.Popen[bytes]:
        argv = ["ip", "netns", "exec", f"{lab.name}-red", "sh", "-c", "echo in; exec sleep 300"]
        started.append(subprocess.Popen(argv, stdout=subprocess.PIPE))
        assert started[-1].stdout
        assert started[-1].stdout.readline() == b"in\n"
        return started[-1]

    yield begin
    for each in started:
        each.kill()
        each.communicate()


def test_a_destroyed_namespace_in_which_a_process_stays_bears_nothing_of_ours_and_keeps_what_is_not(
    lab: Lab, bystander: Callable[[], subprocess.Popen[bytes]], caplog: pytest.LogCaptureFixture
) -> None:
    lab.apply(
        "namespaces: {red: {exec: ['true'], sysctls: {net.ipv4.ip_forward: 1}}}\n"
        "bridges: {br: {namespace: red}}\nveths: [[red:eth0, red:eth1]]"
    )
    process = bystander()
    run("ip", "-n", f"{lab.name}-red", "link", "add", "theirs", "type", "veth", "peer", "name", "theirs-too")
    lab.apply("")
    links = json.loads(run("nsenter", "-t", str(process.pid), "-n", "ip", "-j", "link"))
    names = {each["ifname"] for each in links if not each["ifname"].startswith(("tunl", "sit"))}
    assert names == {"lo", "theirs", "theirs-too"}
    assert not any("ifalias" in each or "altnames" in each for each in links)
    assert f"namespace/red: what is left of it is kept alive by sleep ({process.pid}): end that" in caplog.text


def test_what_is_left_of_a_namespace_whose_name_was_deleted_by_hand_ends_before_it_is_made_again(
    lab: Lab, bystander: Callable[[], subprocess.Popen[bytes]]
) -> None:
    port = "p" + os.urandom(3).hex()
    text = (
        "namespaces: {red: {exec: ['sleep 300 &']}, blue: }\nbridges: {br: {namespace: red}}\n"
        f"veths: [[red:eth0 10.0.0.1/30, blue:eth0 10.0.0.2/30], [red:eth1, host:{port}]]"
    )
    lab.apply(text)
    (daemon,) = run("ip", "netns", "pids", f"{lab.name}-red").split()
    bystander()
    run("ip", "netns", "del", f"{lab.name}-red")
    lab.drifted(text, KEY, Action.CREATE)
    assert _has_ended(daemon)
    (daemon,) = run("ip", "netns", "pids", f"{lab.name}-red").split()
    run("ip", "netns", "del", f"{lab.name}-red")
    lab.apply("")
    assert _has_ended(daemon)


def test_what_is_left_of_a_namespace_does_not_hold_the_name_that_it_lost(
    lab: Lab, bystander: Callable[[], subprocess.Popen[bytes]]
) -> None:
    lab.apply(BARE)
    process = bystander()
    run("ip", "netns", "del", f"{lab.name}-red")
    report = lab.attempt(BARE, target=(ResourceKey.of(KEY),))
    assert [str(each.step.key) for each in report.outcomes] == [f"create {KEY}"]
    assert f"{lab.name}-red" in namespaces()
    assert "ifalias" in json.loads(run("nsenter", "-t", str(process.pid), "-n", "ip", "-j", "link", "show", "lo"))[0]
    lab.apply(BARE)
    assert (
        "ifalias" not in json.loads(run("nsenter", "-t", str(process.pid), "-n", "ip", "-j", "link", "show", "lo"))[0]
    )


def _has_ended(pid: str) -> bool:
    deadline = time.monotonic() + 2
    while _is_alive(pid) and time.monotonic() < deadline:
        time.sleep(0.01)
    return not _is_alive(pid)


def test_what_stands_in_a_namespace_is_deleted_with_it_and_far_ends_are_gone_at_once(lab: Lab) -> None:
    port = "p" + os.urandom(3).hex()
    lab.apply(f"namespaces: {{red: , blue: }}\nveths: [[red:eth0, blue:eth0], [red:eth1, host:{port}]]")
    assert link(port)
    lab.apply("namespaces: {blue: }")
    assert not link(port)
    assert not link("eth0", netns=f"{lab.name}-blue")
