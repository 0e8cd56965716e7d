"""What a container may use: memory, CPUs, processes; and how `docker update` changes that; pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from typing import Any

from reconciler.kinds.container.quantities import Bytes, size, whole
from reconciler.kinds.container.spec import ContainerSpec
from reconciler.kinds.entry import Entry
from reconciler.kinds.units import ranges

_NANO = 10**9
_SHARES = 1024
"""What a container weighs that declares no cpu_shares."""
_PERIOD = 100_000
"""The engine's CpuPeriod in microseconds where none is set."""
_CPUS = 8192
"""How many the kernel knows at most (CONFIG_NR_CPUS)."""
_LEAST_CPUS = 0.01
"""A millisecond (min_cfs_quota_period) of the period."""
_LEAST_SHARES = 2
_SPAN = re.compile(r"([0-9]{1,4})(?:-([0-9]{1,4}))?")
_PIDS = 1 << 22
"""The highest limit that the kernel takes (PID_MAX_LIMIT)."""
_LEAST_MEMORY = 6 * 1024**2


def limits(entry: Entry) -> dict[str, Any]:
    """Read the limits, as fields of a spec."""
    found = {
        "mem_limit": Bytes(max(0, _size(entry, "mem_limit") or 0)),
        "memswap_limit": _swap(entry),
        "mem_reservation": Bytes(max(0, _size(entry, "mem_reservation") or 0)),
        "cpus": _cpus(entry),
        "cpu_shares": _shares(entry.read(("cpu_shares",), whole, entry.get("cpu_shares") or 0, instead=0)),
        "cpuset": _cpuset(entry),
        "pids_limit": max(0, entry.read(("pids_limit",), whole, entry.get("pids_limit") or 0, _PIDS, instead=0)),
    }
    _check(entry, found)
    return found


def _size(entry: Entry, name: str) -> int | None:
    value = entry.get(name)
    return None if value is None else entry.read((name,), size, value, instead=Bytes(0))


def _swap(entry: Entry) -> Bytes | None:
    found = _size(entry, "memswap_limit")
    return Bytes(found) if found else None


def _cpus(entry: Entry) -> float:
    found = float(entry.get("cpus") or 0)
    if found > _CPUS:
        entry.problem(("cpus",), f"the kernel knows {_CPUS} CPUs at most")
        return 0.0
    if 0 < found < _LEAST_CPUS:
        entry.problem(("cpus",), f"the kernel gives at least {_LEAST_CPUS}", "0 is no limit")
    return round(found * _NANO) / _NANO


def _shares(value: int) -> int:
    return 0 if value == _SHARES else value


def _cpuset(entry: Entry) -> str:
    value = entry.get("cpuset")
    return "" if value is None else entry.read(("cpuset",), cpuset, str(value), instead="")


def cpuset(text: str) -> str:
    """Normalise a list of CPUs: `1,0,3` is `0-1,3`; a ValueError if it is none."""
    numbers = []
    for part in filter(None, text.split(",")):
        found = _SPAN.fullmatch(part.strip())
        if not found or int(found[2] or found[1]) < int(found[1]):
            raise ValueError(f"{text!r} is not a list of CPUs, such as 0-3,6")
        numbers.append((int(found[1]), int(found[2] or found[1])))
    return ranges(numbers)


def _check(entry: Entry, found: Mapping[str, Any]) -> None:
    memory, swap, kept = found["mem_limit"], found["memswap_limit"], found["mem_reservation"]
    if 0 < found["cpu_shares"] < _LEAST_SHARES:
        entry.problem(("cpu_shares",), f"the kernel gives at least {_LEAST_SHARES}", "0 is as undeclared")
    if 0 < memory < _LEAST_MEMORY:
        entry.problem(("mem_limit",), "the engine wants at least 6m")
    if swap is not None and not memory and not entry.incomplete("mem_limit"):
        entry.problem(("memswap_limit",), "this limits memory and swap together: declare mem_limit too")
    elif swap is not None and 0 < swap < memory:
        entry.problem(("memswap_limit",), f"this is memory and swap together: at least {memory}, as mem_limit")
    if memory and kept > memory:
        entry.problem(("mem_reservation",), f"no more can be reserved than mem_limit, {memory}")


def to_engine(spec: ContainerSpec) -> dict[str, Any]:
    """Write the limits as part of a HostConfig."""
    return {
        "Memory": int(spec.mem_limit),
        "MemorySwap": int(spec.memswap_limit or 0),
        "MemoryReservation": int(spec.mem_reservation),
        "NanoCpus": round(spec.cpus * _NANO),
        "CpuQuota": spec.cpu_quota,
        "CpuPeriod": spec.cpu_period,
        "CpuShares": spec.cpu_shares,
        "CpusetCpus": spec.cpuset,
        "PidsLimit": spec.pids_limit or None,
    }


def of_engine(found: Mapping[str, Any], info: Mapping[str, Any], want: ContainerSpec) -> dict[str, Any]:
    """Read the limits out of a HostConfig, as fields of a spec."""
    memory = found.get("Memory") or 0
    quota, period = found.get("CpuQuota") or 0, found.get("CpuPeriod") or 0
    return {
        "mem_limit": Bytes(memory),
        "memswap_limit": _swap_of(memory, found.get("MemorySwap") or 0, info, want.memswap_limit),
        "mem_reservation": Bytes(found.get("MemoryReservation") or 0),
        "cpus": (found.get("NanoCpus") or 0) / _NANO,
        "cpu_quota": max(0, quota),
        # Even the kernel's own, once it was set, is in the way of cpus.
        "cpu_period": 0 if period == _PERIOD and not want.cpus else period,
        "cpu_shares": _shares(found.get("CpuShares") or 0),
        "cpuset": cpuset(found.get("CpusetCpus") or ""),
        "pids_limit": max(0, found.get("PidsLimit") or 0),
    }


def _swap_of(memory: int, swap: int, info: Mapping[str, Any], want: Bytes | None) -> Bytes | None:
    # Where the kernel does not account for swap the engine sets -1, whatever was asked for.
    if not info.get("SwapLimit", True):
        return want
    implied = swap in (0, 2 * memory)
    return None if implied and want is None else Bytes(swap)


def mutable(field: str, observed: ContainerSpec, desired: ContainerSpec) -> bool:
    """Tell whether `docker update` can change a limit: it cannot remove one, apart from pids_limit and its kind."""
    if field in ("mem_limit", "mem_reservation", "cpuset"):
        return bool(getattr(desired, field))
    if field == "memswap_limit":
        return bool(desired.mem_limit)
    if field == "cpus":
        return bool(desired.cpus) and not observed.cpu_period
    if field == "cpu_period":
        return not desired.cpus
    return field in ("cpu_quota", "cpu_shares", "pids_limit")


def update(spec: ContainerSpec, paths: Collection[str]) -> dict[str, Any]:
    """Write the body of an update; memory and swap always go together."""
    body: dict[str, Any] = {}
    if {"mem_limit", "memswap_limit"} & set(paths):
        body |= {"Memory": int(spec.mem_limit), "MemorySwap": int(spec.memswap_limit or 2 * spec.mem_limit)}
    if "mem_reservation" in paths:
        body["MemoryReservation"] = int(spec.mem_reservation)
    if "cpus" in paths:
        body["NanoCpus"] = round(spec.cpus * _NANO)
    if "cpu_quota" in paths:
        body["CpuQuota"] = spec.cpu_quota or -1
    if "cpu_period" in paths:
        body["CpuPeriod"] = spec.cpu_period or _PERIOD
    if "cpu_shares" in paths:
        body["CpuShares"] = spec.cpu_shares or _SHARES
    if "cpuset" in paths:
        body["CpusetCpus"] = spec.cpuset
    if "pids_limit" in paths:
        body["PidsLimit"] = spec.pids_limit
    return body
