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
from collections import defaultdict
from collections.abc import Mapping, Sequence
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


Rule = tuple[str, ...]
"""The words of a rule as the command lists it, and takes it."""
Held = tuple[str, ResourceKey]
"""What a rule's comment tells of a mark: the topology, and the key."""


@dataclass(frozen=True)
class Rules:
    """What Docker's chain holds with a comment of ours: by command the rules of each mark; and the commands needed.

    A hand may have changed such a rule, or the whole firewall been restored on top of itself.
    """

    held: Mapping[str, Mapping[Held, Sequence[Rule]]] = field(default_factory=lambda: MappingProxyType({}))
    needed: frozenset[str] = frozenset()

    def passes(self, topology: str, key: ResourceKey, bridge: str, *, wanted: bool = True) -> bool | None:
        """Tell whether frames pass within a bridge thanks to us; None where nothing would stop them.

        Where there is another rule than the one that there should be, it is not as is wanted, whatever that is.
        """
        mark = Mark(topology, key)
        found = {command: rules for command, held in self.held.items() if (rules := held.get(_held(mark)))}
        if any(list(rules) != [_rule(mark, bridge)] for rules in found.values()):
            return not wanted
        if not self.needed:
            return True if found else None
        return self.needed <= found.keys()

    def holds(self, topology: str, key: ResourceKey) -> bool:
        """Tell whether a topology has a rule for a bridge, given by its key as a mark holds it."""
        return any((topology, key) in held for held in self.held.values())

    def of(self, topology: str) -> dict[ResourceKey, str]:
        """Return the bridges, by key as a mark holds it, for which a topology has rules."""
        marks = (each for held in self.held.values() for each in held.items())
        return {key: _bridge(rules[0]) for (name, key), rules in marks if name == topology}


def look(patience: float, *, to_pass: bool = False) -> Rules:
    """Read our rules; where there is no such chain, there is nothing to pass by.

    A command that is not there has made none, and is refused only where a bridge is to pass.
    """
    commands = [each for each in FAMILIES if to_pass or _found(each)]
    listed = {command: lines for command in commands if (lines := _listed(command, patience)) is not None}
    held = {command: _ours(lines) for command, lines in listed.items()}
    return Rules(MappingProxyType(held), frozenset(each for each in listed if _filtered(each)))


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


def _ours(lines: Sequence[str]) -> Mapping[Held, Sequence[Rule]]:
    """Read lines such as `-A DOCKER-USER -i br0 -o br0 -m comment --comment "reconciler lab bridge/br0" -j ACCEPT`."""
    found: dict[Held, list[Rule]] = defaultdict(list)
    for line in lines:
        rule = shlex.split(line)[2:]  # behind `-A DOCKER-USER`
        comment = _options(rule).get("--comment", "").split(" ")
        if comment[0] == _WORD and len(comment) == len(("word", "topology", "key")) and "/" in comment[2]:
            found[comment[1], ResourceKey.of(comment[2])].append(tuple(rule))
    return MappingProxyType(dict(found))


def _options(rule: Sequence[str]) -> dict[str, str]:
    return dict(pairwise(rule))


def _bridge(rule: Rule) -> str:
    return _options(rule).get("-i", "")


def let_pass(mark: Mark, bridge: str, patience: float) -> None:
    """Let frames pass within a bridge, in every family that Docker filters, by one rule of ours and no other."""
    rules, right = look(patience, to_pass=True), _rule(mark, bridge)
    for command, held in rules.held.items():
        others = [*held.get(_held(mark), ())]
        there = right in others
        if there:
            others.remove(right)
        _take_back(mark, others, command, patience)
        if not there and command in rules.needed:
            done = _run(patience, command, "-I", CHAIN, *right)
            if done.returncode:
                raise StepFailed(f"{command} refuses the rule that lets {bridge} forward: {_said(done)}")


def forbid(mark: Mark, patience: float) -> None:
    """Take back the rules of a bridge, whatever name it had, and whatever a hand has made of them."""
    for command, held in look(patience).held.items():
        _take_back(mark, held.get(_held(mark), ()), command, patience)


def _take_back(mark: Mark, rules: Sequence[Rule], command: str, patience: float) -> None:
    """Take back rules as they are listed; that somebody else was faster is a success."""
    for rule in rules:
        done = _run(patience, command, "-D", CHAIN, *rule)
        if done.returncode and rule in _ours(_listed(command, patience) or ()).get(_held(mark), ()):
            what = f"the rule that lets {_bridge(rule)} forward"
            raise StepFailed(f"{command} does not take back {what}: {_said(done)}")


def _held(mark: Mark) -> Held:
    """Return what a comment tells of a mark."""
    return mark.topology, mark.short.key


def _rule(mark: Mark, bridge: str) -> Rule:
    """Return the rule that there should be, word by word as it is listed."""
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
