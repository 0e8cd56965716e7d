"""`ip` as a witness that shares no code with the program."""

from __future__ import annotations

import json
import subprocess
from typing import Any

from live.lab import run


def ip(*argv: str, netns: str = "", pid: int = 0) -> list[dict[str, Any]]:
    """Ask `ip -j -d` in the host, in a named namespace, or in a process's."""
    enter = ["nsenter", f"--net=/proc/{pid}/ns/net", "--"] if pid else []
    inside = ["-n", netns] if netns else []
    return list(json.loads(run(*enter, "ip", *inside, "-j", "-d", *argv) or "[]"))


def link(name: str, **where: Any) -> dict[str, Any]:
    """Return one link; an empty mapping if there is none."""
    return next((each for each in ip("link", "show", **where) if each["ifname"] == name), {})


def addresses(name: str, **where: Any) -> set[str]:
    """Return the addresses of a link, without those that the kernel gives by itself."""
    found = next((each for each in ip("address", "show", **where) if each.get("ifname") == name), {})
    return {
        f"{each['local']}/{each['prefixlen']}"
        for each in found.get("addr_info", ())
        if not each["local"].startswith("fe80:")
    }


def routes(*argv: str, **where: Any) -> dict[str, dict[str, Any]]:
    """Return routes by destination."""
    return {each["dst"]: each for each in ip(*argv, "route", "show", **where)}


def namespaces() -> set[str]:
    """Return the names that `ip netns` shows."""
    return {line.split()[0] for line in run("ip", "netns", "list").splitlines()}


def pings(target: str, *, netns: str = "", pid: int = 0) -> bool:
    """Tell whether a namespace reaches an address."""
    path = f"/proc/{pid}/ns/net" if pid else f"/run/netns/{netns}"
    argv = ["nsenter", f"--net={path}", "--", "busybox", "ping", "-c1", "-W2", target]
    return subprocess.run(argv, capture_output=True, check=False).returncode == 0
