"""Limits: how they are written in the file, what the engine makes of them, and what `docker update` can change."""

from __future__ import annotations

from typing import Any

import pytest
from paper import source

from reconciler.kinds.container import limits
from reconciler.kinds.container.quantities import Bytes
from reconciler.kinds.container.spec import ContainerSpec
from reconciler.kinds.entry import entry_of

M = 1024**2
NONE = {
    "mem_limit": 0,
    "memswap_limit": None,
    "mem_reservation": 0,
    "cpus": 0.0,
    "cpu_shares": 0,
    "cpuset": "",
    "pids_limit": 0,
}


def read(**data: Any) -> tuple[dict[str, Any], list[str]]:
    made = source({"containers": {"web": data}})
    found = {name: each for name, each in limits.limits(entry_of(made, "web")).items() if each != NONE[name]}
    return found, [f"{each.pointer.rpartition('/')[2]}: {each.message}" for each in made.problems]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, {}),
        ({"mem_limit": "64m"}, {"mem_limit": 64 * M}),
        ({"mem_limit": "64m", "memswap_limit": "96m"}, {"mem_limit": 64 * M, "memswap_limit": 96 * M}),
        ({"mem_limit": "64m", "memswap_limit": -1}, {"mem_limit": 64 * M, "memswap_limit": -1}),
        ({"memswap_limit": 0, "mem_limit": -1}, {}),
        ({"mem_reservation": "32m"}, {"mem_reservation": 32 * M}),
        ({"cpus": "0.5"}, {"cpus": 0.5}),
        ({"cpus": "0.01", "cpu_shares": 2}, {"cpus": 0.01, "cpu_shares": 2}),
        ({"cpu_shares": 1024}, {}),
        ({"cpu_shares": 512}, {"cpu_shares": 512}),
        ({"cpuset": 0}, {"cpuset": "0"}),
        ({"cpuset": "3,1,0-1, 7"}, {"cpuset": "0-1,3,7"}),
        ({"pids_limit": -1}, {}),
        ({"pids_limit": 9}, {"pids_limit": 9}),
        ({"pids_limit": "-1", "cpu_shares": "1024"}, {}),
        ({"pids_limit": "4194304", "cpu_shares": "73"}, {"pids_limit": 4194304, "cpu_shares": 73}),
        ({"mem_limit": "8191p", "cpus": 8192}, {"mem_limit": 8191 * 1024**5, "cpus": 8192}),
    ],
)
def test_every_form_is_read(data: dict[str, Any], expected: dict[str, Any]) -> None:
    assert read(**data) == (expected, [])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({"mem_limit": "5m"}, "mem_limit: the engine wants at least 6m"),
        ({"mem_limit": "much"}, "mem_limit: 'much' is not a size, such as 512m"),
        ({"memswap_limit": "9m"}, "memswap_limit: this limits memory and swap together: declare mem_limit too"),
        (
            {"mem_limit": "64m", "memswap_limit": "32m"},
            "memswap_limit: this is memory and swap together: at least 64m, as mem_limit",
        ),
        (
            {"mem_limit": "64m", "mem_reservation": "65m"},
            "mem_reservation: no more can be reserved than mem_limit, 64m",
        ),
        ({"mem_reservation": "8192p"}, "mem_reservation: '8192p' is too large: less than 8192p"),
        ({"pids_limit": "4194305"}, "pids_limit: 4194305 is too large: at most 4194304"),
        ({"cpu_shares": 2**63}, "cpu_shares: 9223372036854775808 is too large: at most 9223372036854775807"),
        ({"cpu_shares": "1"}, "cpu_shares: the kernel gives at least 2"),
        ({"cpus": 0.0099}, "cpus: the kernel gives at least 0.01"),
        ({"cpus": 1e-10}, "cpus: the kernel gives at least 0.01"),
        ({"cpus": 8192.5}, "cpus: the kernel knows 8192 CPUs at most"),
        ({"cpus": "9" * 400}, "cpus: the kernel knows 8192 CPUs at most"),
        ({"cpuset": "3-1"}, "cpuset: '3-1' is not a list of CPUs, such as 0-3,6"),
        ({"cpuset": "all"}, "cpuset: 'all' is not a list of CPUs, such as 0-3,6"),
    ],
)
def test_what_the_engine_would_refuse_is_a_problem(data: dict[str, Any], message: str) -> None:
    assert read(**data)[1] == [message]


def spec(**attributes: Any) -> ContainerSpec:
    sizes = {name: Bytes(each) for name, each in attributes.items() if name.startswith("mem")}
    return ContainerSpec(**{**attributes, **sizes})


SPEC = spec(
    mem_limit=64 * M,
    memswap_limit=96 * M,
    mem_reservation=32 * M,
    cpus=0.5,
    cpu_shares=512,
    cpuset="0-1",
    pids_limit=9,
    cpu_quota=7,
    cpu_period=5000,
)


def test_limits_are_written_and_read_back() -> None:
    for each in (SPEC, ContainerSpec()):
        found = limits.of_engine(limits.to_engine(each), {}, each)
        assert found == {name: getattr(each, name) for name in found}


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ({}, {}),
        ({"CpuShares": 1024, "CpuPeriod": 100_000, "CpuQuota": -1, "PidsLimit": -1, "MemorySwap": 0}, {}),
        ({"Memory": 64 * M, "MemorySwap": 128 * M}, {"mem_limit": 64 * M}),
        ({"Memory": 64 * M, "MemorySwap": -1}, {"mem_limit": 64 * M, "memswap_limit": -1}),
        ({"CpusetCpus": "1,0"}, {"cpuset": "0-1"}),
    ],
)
def test_what_the_engine_implies_is_as_undeclared(found: dict[str, Any], expected: dict[str, Any]) -> None:
    read = limits.of_engine(found, {"SwapLimit": True}, ContainerSpec())
    assert read == {**NONE, "cpu_quota": 0, "cpu_period": 0, **expected}


def test_a_declared_swap_is_compared_even_where_it_is_the_implied_one() -> None:
    want = spec(mem_limit=64 * M, memswap_limit=128 * M)
    assert limits.of_engine({"Memory": 64 * M, "MemorySwap": 128 * M}, {}, want)["memswap_limit"] == 128 * M


def test_without_accounting_for_swap_what_is_wanted_counts_as_there() -> None:
    want = spec(mem_limit=64 * M, memswap_limit=96 * M)
    found = limits.of_engine({"Memory": 64 * M, "MemorySwap": -1}, {"SwapLimit": False}, want)
    assert found["memswap_limit"] == 96 * M


@pytest.mark.parametrize(("period", "cpus", "expected"), [(100_000, 0, 0), (100_000, 0.5, 100_000), (5, 0, 5)])
def test_a_period_that_was_set_is_told_where_it_means_something(period: int, cpus: float, expected: int) -> None:
    assert limits.of_engine({"CpuPeriod": period}, {}, spec(cpus=cpus))["cpu_period"] == expected


@pytest.mark.parametrize(
    ("field", "set_by_hand", "changed", "removed"),
    [
        ("mem_limit", False, True, False),
        ("memswap_limit", False, True, False),
        ("mem_reservation", False, True, False),
        ("cpus", False, True, False),
        ("cpus", True, False, False),
        ("cpuset", False, True, False),
        ("cpu_shares", False, True, True),
        ("cpu_quota", False, True, True),
        ("pids_limit", False, True, True),
        ("cpu_period", True, False, True),
        ("image", False, False, False),
    ],
)
def test_what_docker_update_can_change_and_remove(field: str, set_by_hand: bool, changed: bool, removed: bool) -> None:
    observed = ContainerSpec(cpu_period=5 if set_by_hand else 0)
    assert limits.mutable(field, observed, SPEC) == changed
    assert limits.mutable(field, observed, ContainerSpec()) == removed


EMPTY = ContainerSpec()


@pytest.mark.parametrize(
    ("spec", "paths", "body"),
    [
        (SPEC, {"mem_limit"}, {"Memory": 64 * M, "MemorySwap": 96 * M}),
        (spec(mem_limit=64 * M), {"memswap_limit"}, {"Memory": 64 * M, "MemorySwap": 128 * M}),
        (SPEC, {"mem_reservation"}, {"MemoryReservation": 32 * M}),
        (SPEC, {"cpus"}, {"NanoCpus": 500_000_000}),
        (SPEC, {"cpu_quota"}, {"CpuQuota": 7}),
        (EMPTY, {"cpu_quota"}, {"CpuQuota": -1}),
        (SPEC, {"cpu_shares"}, {"CpuShares": 512}),
        (EMPTY, {"cpu_quota", "cpu_period"}, {"CpuQuota": -1, "CpuPeriod": 100_000}),
        (EMPTY, {"cpu_shares"}, {"CpuShares": 1024}),
        (SPEC, {"cpuset"}, {"CpusetCpus": "0-1"}),
        (EMPTY, {"pids_limit", "name"}, {"PidsLimit": 0}),
        (SPEC, {"name"}, {}),
    ],
)
def test_only_what_differs_is_sent_and_memory_and_swap_go_together(
    spec: ContainerSpec, paths: set[str], body: dict[str, int]
) -> None:
    assert limits.update(spec, paths) == body
