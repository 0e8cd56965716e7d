from __future__ import annotations

from pathlib import Path

import pytest
from kernel_files import problems, resource, spec

from reconciler.host.kernel.sysctls import hertz
from reconciler.kinds import kinds
from reconciler.kinds.namespace import sysctls
from reconciler.kinds.namespace.spec import NamespaceSpec
from reconciler.model import Action, Change, FrozenMap, Resource, ResourceKey, Spec, Verb
from reconciler.secret import Secret
from reconciler.topology import load


def test_a_bare_key_is_a_namespace_with_the_prefix(tmp_path: Path) -> None:
    found = resource(tmp_path, "namespaces: {red: }", "namespace/red")
    assert (found.spec.name, dict(found.spec.sysctls), found.spec.lo_up) == ("t-red", {}, True)  # type: ignore[attr-defined]
    assert [str(each) for each in found.claims] == ["the name t-red of a network namespace"]


def test_sysctls_are_a_mapping_or_a_list_in_either_notation(tmp_path: Path) -> None:
    text = "namespaces: {red: {sysctls: %s}}"
    one = spec(tmp_path, text % '{net.ipv4.ip_forward: 1, net.ipv4.tcp_rmem: "1  2\t3"}', "namespace/red")
    two = spec(tmp_path, text % '[net/ipv4/ip_forward=1, "net.ipv4.tcp_rmem=1 2 3"]', "namespace/red")
    assert dict(one.sysctls) == dict(two.sysctls) == {"net.ipv4.ip_forward": "1", "net.ipv4.tcp_rmem": "1 2 3"}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ('"9148,8080-8081"', "8080-8081,9148"),
        ('"3,1,2"', "1-3"),
        ('"7-12,5-9,13,20"', "5-13,20"),
        ('"1-9,2-3,10-10"', "1-10"),
        ("8080", "8080"),
        ('""', ""),
        ('"9-8"', "9-8"),
        ('"80,"', "80,"),
        ('"8080,http"', "8080,http"),
        ('"2,010"', "2,010"),
    ],
)
@pytest.mark.parametrize("key", ["net.ipv4.ip_local_reserved_ports", "net.ipv6.icmp.ratemask"])
def test_what_the_kernel_shows_as_ranges_is_written_as_it_shows_them(
    tmp_path: Path, key: str, value: str, shown: str
) -> None:
    text = "namespaces: {red: {sysctls: {%s: %s, net.ipv4.tcp_fastopen_key: %s}}}"
    found = spec(tmp_path, text % (key, value, value), "namespace/red").sysctls
    assert found[key] == shown
    assert found["net.ipv4.tcp_fastopen_key"] == value.strip('"'), "of any other sysctl nothing is known"


@pytest.mark.parametrize(
    ("key", "value", "shown"),
    [
        ("net.ipv4.ip_default_ttl", '"0x40"', "64"),
        ("net.ipv4.ip_default_ttl", "064", "52"),
        ("net.ipv4.ip_default_ttl", "0", "0"),
        ("net.ipv4.tcp_rmem", '"0x1000 -010 6"', "4096 -8 6"),
        ("net.ipv4.tcp_reordering", "+5", "+5"),
        ("net.core.rps_default_mask", "'0010'", "10"),
        ("net.core.rps_default_mask", "'0'", "0"),
        ("net.core.rps_default_mask", "'0000000a,3'", "a,00000003"),
        ("net.core.rps_default_mask", "all", "all"),
        ("net.core.flow_limit_cpu_bitmap", "'00000000,00000003'", "3"),
        ("net.bridge.bridge-nf-call-iptables", "3", "1"),
        ("net.bridge.bridge-nf-call-iptables", "0", "0"),
        ("net.bridge.bridge-nf-call-iptables", "-1", "1"),
        ("net.bridge.bridge-nf-call-iptables", "'9" + "9" * 5000 + "'", "9" + "9" * 5000),
        ("net.ipv4.icmp_ratelimit", "-7", "-7"),
        ("net.ipv4.icmp_ratelimit", "'\u0663'", "\u0663"),
        ("net.ipv4.icmp_ratemask", "'0x1818'", "6168"),
        ("net.ipv6.conf.default.stable_secret", '"2001:DB8::1"', "2001:0db8:0000:0000:0000:0000:0000:0001"),
        (
            "net.ipv4.tcp_fastopen_key",
            '"0-1-A-3,4-5-6-7"',
            "00000000-00000001-0000000a-00000003,00000004-00000005-00000006-00000007",
        ),
    ],
)
def test_a_number_an_address_and_a_key_are_written_as_the_kernel_shows_them(
    tmp_path: Path, key: str, value: str, shown: str
) -> None:
    found = spec(tmp_path, f"namespaces: {{red: {{sysctls: {{{key}: {value}}}}}}}", "namespace/red").sysctls
    assert found[key] == shown
    assert isinstance(found[key], Secret) is ("secret" in key or "key" in key)


@pytest.mark.parametrize(
    ("key", "hertz", "shown"),
    [
        ("net.ipv6.route.gc_min_interval_ms", 250, {1: 4, 501: 504, 9999: 10000, 0: 0}),
        ("net.ipv6.conf.default.mldv1_unsolicited_report_interval", 100, {1: 10, 501: 510, 1000: 1000}),
        ("net.ipv4.neigh.lo.base_reachable_time_ms", 300, {1: 4, 3: 4, 501: 504, 1000: 1000}),
        ("net.ipv4.tcp_invalid_ratelimit", 1000, {1: 1, 9999: 9999}),
        ("net.ipv6.neigh.lo.locktime", 250, {1: 0, 3: 2, 7: 6, 501: 500}),
        ("net.ipv4.neigh.lo.retrans_time", 100, {1: 1, 501: 501}),
        ("net.ipv6.neigh.lo.retrans_time", 250, {1: 1, 501: 501}),
        ("net.ipv4.tcp_rto_max_ms", 250, {1001: 1001}),
    ],
)
def test_a_time_is_what_the_ticks_of_the_kernels_clock_make_of_it(
    monkeypatch: pytest.MonkeyPatch, key: str, hertz: int, shown: dict[int, int]
) -> None:
    monkeypatch.setattr(sysctls, "hertz", lambda: hertz)
    assert {number: int(sysctls.as_shown(key, str(number))) for number in shown} == shown


def test_the_clock_of_this_kernel_ticks_as_fast_as_one_of_linux() -> None:
    assert hertz() in {100, 250, 300, 1000} or hertz() > 1000, "where the clock is a better one nothing is rounded"


def test_what_is_secret_stays_so_when_it_is_written_otherwise(tmp_path: Path) -> None:
    text = "namespaces: {red: {sysctls: {net.ipv4.ip_default_ttl: '${API_TOKEN}'}}}"
    path = tmp_path / "topology.yaml"
    path.write_text(f"name: t\n{text}")
    found = load(path, kinds={"namespace": kinds()["namespace"]}, environment={"API_TOKEN": "0x40"})
    assert isinstance(found.resources[ResourceKey.of("namespace/red")].spec.sysctls["net.ipv4.ip_default_ttl"], Secret)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            "{net.ipv4.ip_forward: 1, net/ipv4/ip_forward: 1}",
            "net.ipv4.ip_forward is declared twice: with dots and with slashes (leave one out)",
        ),
        (
            "{net.ipv4.conf.all.forwarding: 1, net.ipv4.ip_forward: 0}",
            "net.ipv4.ip_forward and net.ipv4.conf.all.forwarding are one value (leave one out)",
        ),
        ("{net.ipv4.conf.all.forwarding: 1, net.ipv4.ip_forward: 1}", ""),
        ("{net.ipv4.route.flush: 1}", "net.ipv4.route.flush has no value: writing to it empties a cache (use exec)"),
    ],
)
def test_what_cannot_rest_is_a_problem(tmp_path: Path, given: str, message: str) -> None:
    assert problems(tmp_path, f"namespaces: {{red: {{sysctls: {given}}}}}") == ([message] if message else [])


@pytest.mark.parametrize(
    ("key", "message"),
    [
        ("kernel.shmmax", "kernel.shmmax is not of a network namespace (only sysctls under net. are)"),
        ("net..x", "net..x is not of a network namespace (only sysctls under net. are)"),
        (
            "net.ipv4.conf.eth0.rp_filter",
            (
                "net.ipv4.conf.eth0.rp_filter: the interface eth0 is made after the namespace "
                "(set net.ipv4.conf.default.rp_filter, or use exec)"
            ),
        ),
        (
            "net/ipv4/conf/eth0.5/rp_filter",
            (
                "net.ipv4.conf.eth0.5.rp_filter: the interface eth0.5 is made after the namespace "
                "(set net.ipv4.conf.default.rp_filter, or use exec)"
            ),
        ),
    ],
)
def test_a_sysctl_that_no_namespace_has_when_it_is_made_is_a_problem(tmp_path: Path, key: str, message: str) -> None:
    assert problems(tmp_path, f"namespaces: {{red: {{sysctls: {{{key}: 1}}}}}}") == [message]


def test_an_external_namespace_is_not_ours_and_has_its_own_name(tmp_path: Path) -> None:
    found = resource(tmp_path, "namespaces: {red: {external: true}}", "namespace/red")
    assert not found.owned
    assert found.spec.name == "red"  # type: ignore[attr-defined]


@pytest.mark.parametrize(("kind", "carried"), [("veth", True), ("route", True), ("exec", True), ("volume", False)])
def test_a_deletion_carries_what_is_inside(kind: str, carried: bool) -> None:
    namespace, inside = (ResourceKey(each, "x") for each in ("namespace", kind))
    changes = [Change(key, Action.DELETE, observed=Resource(key, Spec())) for key in (namespace, inside)]
    found = kinds()["namespace"]
    assert found.carries(Verb.DELETE, *changes) is carried
    assert not found.carries(Verb.CREATE, *changes)


def test_everything_is_mutable_but_a_stable_secret_that_is_taken_out() -> None:
    key = "net.ipv6.conf.default.stable_secret"
    never, unset, one = (
        Resource(ResourceKey("namespace", "x"), NamespaceSpec(sysctls=FrozenMap(each)))
        for each in ({}, {key: ""}, {key: "1::"})
    )
    mutable = kinds()["namespace"].mutable
    assert mutable("name", one, one)
    assert mutable(f"sysctls.{key}", never, one)
    assert mutable(f"sysctls.{key}", one, one)
    assert mutable(f"sysctls.{key}", unset, never)
    assert not mutable(f"sysctls.{key}", one, never)
