"""Docker's firewall: frames between the ports of a bridge of ours pass where it drops what is forwarded.

With `bridge-nf-call-iptables` even bridged frames go through FORWARD, whose policy Docker makes DROP. Docker leaves the
chain DOCKER-USER to its users: one rule there, commented with our mark, accepts what stays within the bridge.
"""

from __future__ import annotations

import math
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import field
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType

from reconciler.errors import HostRefuses, NotNow, NotPermitted, StepFailed
from reconciler.host.marks import Mark
from reconciler.host.privilege import NET_ADMIN, missing, remedy
from reconciler.model import ResourceKey
from reconciler.value import dataclass

CHAIN = "DOCKER-USER"
FAMILIES = {"iptables": "bridge-nf-call-iptables", "ip6tables": "bridge-nf-call-ip6tables"}
"""The commands, each with the sysctl (net.bridge.…) that sends bridged frames through their chains."""
_SBIN = "/usr/local/sbin:/usr/sbin:/sbin"
"""Where the commands are that cron, or a user who is not root, has not in PATH."""
_LOCKED = "xtables lock"
"""What iptables speaks of where another program holds its lock for too long."""
_WORD = "reconciler"
_NO_TABLE = ("does not exist", "not supported")
"""What iptables says where the kernel has no such table, so that nobody can have a chain in it."""
_DENIED = "Permission denied"
"""What iptables says to whom it does not serve; the older one takes more than the capability for that (its lock)."""


@dataclass(frozen=True)
class Rules:
    """What Docker's chain holds of ours: by command the bridges that pass, by mark; and the commands that matter."""

    passing: Mapping[str, Mapping[tuple[str, ResourceKey], str]] = field(default_factory=lambda: MappingProxyType({}))
    needed: frozenset[str] = frozenset()

    def passes(self, topology: str, key: ResourceKey, bridge: str) -> bool | None:
        """Tell whether frames pass within a bridge thanks to us; None where nothing would stop them."""
        held = _held(Mark(topology, key))
        found = {command for command, rules in self.passing.items() if rules.get(held) == bridge}
        if not self.needed:
            return True if found else None
        return self.needed <= found

    def of(self, topology: str) -> dict[ResourceKey, str]:
        """Return the bridges, by key as a mark holds it, for which a topology has rules."""
        marks = (each for rules in self.passing.values() for each in rules.items())
        return {key: bridge for (name, key), bridge in marks if name == topology}


def look(patience: float, *, to_pass: bool = False) -> Rules:
    """Read our rules; where there is no such chain, there is nothing to pass by.

    A command that is not there has made none, and is refused only where a bridge is to pass.
    """
    commands = [each for each in FAMILIES if to_pass or _found(each)]
    listed = {command: lines for command in commands if (lines := _listed(command, patience)) is not None}
    passing = {command: MappingProxyType(dict(_ours(lines))) for command, lines in listed.items()}
    return Rules(MappingProxyType(passing), frozenset(each for each in listed if _filtered(each)))


def _listed(command: str, patience: float) -> list[str] | None:
    """List Docker's chain; None where there is none, or where it cannot be read and no frame comes by it."""
    done = _run(patience, command, "-S", CHAIN)
    if not done.returncode:
        return done.stdout.splitlines()
    if not _filtered(command):
        return None
    every = _run(patience, command, "-S")  # of a missing chain iptables may say that it is incompatible
    if not every.returncode:
        return _of_chain(every.stdout.splitlines())
    if any(each in every.stderr for each in _NO_TABLE):
        return None
    what = f"`{command} -S {CHAIN}`, which tells whether frames pass within a bridge, fails: {_said(done)}"
    if not _found(command):
        raise HostRefuses(f"{what}: install it, or declare `forward: false`")
    if lacking := missing([NET_ADMIN]):
        raise NotPermitted(f"{what}: {remedy(lacking)}")
    if os.geteuid() and _DENIED in done.stderr:
        raise NotPermitted(f"{what}: run as root: of the capabilities of a process its commands keep the ambient ones")
    raise HostRefuses(f"{what}: mend that, or set net.bridge.{FAMILIES[command]} to 0 if nothing else needs it")


def _of_chain(lines: Sequence[str]) -> list[str] | None:
    """Take Docker's chain out of a whole table: it may have been made just now; None where it is not in there."""
    return [each for each in lines if each.startswith(f"-A {CHAIN} ")] if f"-N {CHAIN}" in lines else None


def _filtered(command: str) -> bool:
    try:
        return Path("/proc/sys/net/bridge", FAMILIES[command]).read_text().strip() == "1"
    except OSError:
        return False


def _ours(lines: Sequence[str]) -> Iterator[tuple[tuple[str, ResourceKey], str]]:
    """Read lines such as `-A DOCKER-USER -i br0 -o br0 -m comment --comment "reconciler lab bridge/br0" -j ACCEPT`."""
    for line in lines:
        words = shlex.split(line)
        options = dict(pairwise(words))
        comment = options.get("--comment", "").split(" ")
        if comment[0] == _WORD and len(comment) == len(("word", "topology", "key")) and "/" in comment[2]:
            yield (comment[1], ResourceKey.of(comment[2])), options.get("-i", "")


def let_pass(mark: Mark, bridge: str, patience: float) -> None:
    """Let frames pass within a bridge, in every family that Docker filters."""
    rules = look(patience, to_pass=True)
    for command, passing in rules.passing.items():
        former = passing.get(_held(mark))
        if former and former != bridge:
            _take_back(mark, former, command, patience)
        if former != bridge and command in rules.needed:
            done = _run(patience, command, "-I", CHAIN, *_rule(mark, bridge))
            if done.returncode:
                raise StepFailed(f"{command} refuses the rule that lets {bridge} forward: {_said(done)}")


def forbid(mark: Mark, patience: float) -> None:
    """Take back the rules of a bridge, whatever name it had."""
    for command, rules in look(patience).passing.items():
        if bridge := rules.get(_held(mark)):
            _take_back(mark, bridge, command, patience)


def _take_back(mark: Mark, bridge: str, command: str, patience: float) -> None:
    """Take back a rule; that somebody else was faster is a success."""
    done = _run(patience, command, "-D", CHAIN, *_rule(mark, bridge))
    if done.returncode and _held(mark) in dict(_ours(_listed(command, patience) or ())):
        raise StepFailed(f"{command} does not take back the rule that lets {bridge} forward: {_said(done)}")


def _held(mark: Mark) -> tuple[str, ResourceKey]:
    """Return what a comment tells of a mark."""
    return mark.topology, mark.short.key


def _rule(mark: Mark, bridge: str) -> tuple[str, ...]:
    comment = " ".join((_WORD, *map(str, _held(mark))))
    return ("-i", bridge, "-o", bridge, "-m", "comment", "--comment", comment, "-j", "ACCEPT")


def _said(done: subprocess.CompletedProcess[str]) -> str:
    """Return what a command said in one line, but for what it says beside: that there are tables of the other tool."""
    lines = (each.strip() for each in done.stderr.splitlines() if not each.startswith("#"))
    return "; ".join(filter(None, lines)) or f"it ended with {done.returncode}, and said nothing"


def _found(command: str) -> str | None:
    return shutil.which(command, path=os.pathsep.join((os.environ.get("PATH", os.defpath), _SBIN)))


def _run(patience: float, command: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a command out of reach of Ctrl-C; NotNow where another program holds the firewall's lock for so many seconds.

    One that is not there fails like any other.
    """
    argv = (command, "-w", str(math.ceil(patience)), *arguments)
    found = _found(command)
    if found is None:
        return subprocess.CompletedProcess(argv, 127, "", f"there is no command {command}")
    done = subprocess.run(  # noqa: S603 - no shell, words of ours
        (found, *argv[1:]), capture_output=True, text=True, check=False, start_new_session=True
    )
    if done.returncode and _LOCKED in done.stderr:
        raise NotNow(f"{shlex.join(argv)}: {done.stderr.strip()}: run again, or raise --patience")
    return done
