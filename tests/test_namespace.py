from __future__ import annotations

from pathlib import Path

import pytest
from kernel_files import problems, resource, spec

from reconciler.kinds import kinds
from reconciler.model import Action, Change, Resource, ResourceKey, Spec, Verb


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


def test_everything_is_mutable() -> None:
    resource = Resource(ResourceKey("namespace", "x"), Spec())
    assert kinds()["namespace"].mutable("name", resource, resource)
