"""The firewall's commands: that one cannot say what there is does not mean that there is nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from kernel_files import topology

from reconciler.errors import HostRefuses, NotNow, NotPermitted, StepFailed
from reconciler.host import Host, firewall
from reconciler.host.marks import Mark
from reconciler.host.privilege import SYS_ADMIN
from reconciler.host.scope import Scope
from reconciler.kinds.bridge.look import _rules
from reconciler.model import ResourceKey
from reconciler.topologies import _in_the_firewall

HELD = """#!/bin/sh
echo "$@" >> {told}
echo "Another app is currently holding the xtables lock. Perhaps you want to use the -w option?" >&2
exit 4
"""
MARK = Mark("lab", ResourceKey("bridge", "br0"))
OURS = '-A DOCKER-USER -i lab-br0 -o lab-br0 -m comment --comment "reconciler lab bridge/br0" -j ACCEPT'
ANSWERS = """#!/bin/sh
/bin/ps -o sid= -p $$ > {folder}/session
said() {{ [ -e {folder}/"$1" ] && /bin/cat {folder}/"$1" || {{ /bin/cat {folder}/"$1".error >&2; exit 1; }}; }}
case "$*" in
*" -S DOCKER-USER") said one;; *" -S") said all;; *) echo "$0 $*" >> {folder}/told; said rest;;
esac
"""


class Commands:
    """The commands of the test's own, in a folder that is the whole of PATH."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.told = folder, folder / "told"
        for name in firewall.FAMILIES:
            self.write(name, ANSWERS.format(folder=folder))
        self.fails("one", "No chain/target/match by that name.")
        self.says("all", "-P FORWARD ACCEPT")

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.write_text(text)
        path.chmod(0o755)

    def says(self, what: str, *lines: str) -> None:
        (self.folder / what).write_text("".join(f"{each}\n" for each in lines))

    def sent(self) -> list[str]:
        """What iptables was told to change, written as it lists rules."""
        told = self.told.read_text().splitlines() if self.told.exists() else []
        calls = (each.partition(" -w 0 ") for each in told)
        return [
            what.replace("reconciler lab bridge/br0", '"reconciler lab bridge/br0"')
            for name, _, what in calls
            if name.endswith("/iptables")
        ]

    def fails(self, what: str, error: str) -> None:
        (self.folder / what).unlink(missing_ok=True)
        (self.folder / f"{what}.error").write_text(error)


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Commands:
    """Commands of the test's own, where frames of bridges come by the firewall, or do not."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(firewall, "_filtered", lambda command: command == "iptables")
    monkeypatch.setattr(firewall, "missing", lambda _: ())
    return Commands(tmp_path)


@pytest.mark.parametrize(("patience", "seconds"), [(0, "0"), (0.2, "1"), (10.0, "10")])
def test_a_lock_that_is_held_for_too_long_is_told_with_its_option(
    commands: Commands, patience: float, seconds: str
) -> None:
    commands.write("iptables", HELD.format(told=commands.told))
    with pytest.raises(NotNow, match=r"iptables -w .* holding the xtables lock.*: run again, or raise --patience"):
        firewall.look(patience)
    assert commands.told.read_text() == f"-w {seconds} -S DOCKER-USER\n"


def test_a_chain_that_is_not_there_means_that_there_is_nothing_to_pass_by(commands: Commands) -> None:
    commands.fails("one", "chain `DOCKER-USER' in table `filter' is incompatible, use 'nft' tool.")
    commands.says("all", "-P FORWARD ACCEPT")
    assert firewall.look(0) == firewall.Rules()


@pytest.mark.parametrize("error", ["can't initialize: Table does not exist", "Failed to initialize: not supported"])
def test_no_chain_is_in_a_table_that_the_kernel_does_not_have(commands: Commands, error: str) -> None:
    commands.fails("all", error)
    assert firewall.look(0) == firewall.Rules()


@pytest.mark.parametrize("rules", [[], [OURS, "-A DOCKER-USER -j RETURN"]])
def test_a_chain_that_the_engine_makes_meanwhile_is_read_out_of_the_whole_table(
    commands: Commands, rules: list[str]
) -> None:
    other = OURS.replace("DOCKER-USER", "DOCKER-USER-2").replace("br0", "br1")
    commands.says("all", "-P FORWARD DROP", "-N DOCKER-USER", "-N DOCKER-USER-2", *rules, other)
    found = firewall.look(0)
    assert found.of("lab") == ({MARK.key: "lab-br0"} if rules else {})
    assert (found.holds("lab", MARK.key), found.holds("other", MARK.key)) == (bool(rules), False)
    assert found.passes("lab", MARK.key, "lab-br0") is bool(rules)


def test_any_other_refusal_is_told_where_frames_of_bridges_come_by_the_chain(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    commands.fails("one", "Permission denied (you must be root)")
    commands.fails("all", "Permission denied (you must be root)")
    with pytest.raises(HostRefuses, match=r"^`iptables -S DOCKER-USER`, .* fails: Permission denied .*: mend that, or"):
        firewall.look(0)


def test_the_missing_capability_is_named(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    commands.fails("one", "# Warning: there are others\nPermission denied\n (you must be root)\n")
    commands.fails("all", "Permission denied (you must be root)")
    monkeypatch.setattr(firewall, "missing", tuple)
    with pytest.raises(
        NotPermitted, match=r"fails: Permission denied; \(you must be root\): run as root, or with CAP_NET"
    ):
        firewall.look(0)


@pytest.mark.parametrize(
    "error",
    [
        "iptables v1.8.9 (nf_tables): Could not fetch rule set generation id: Permission denied (you must be root)",
        "Fatal: can't open lock file /run/xtables.lock: Permission denied",
    ],
)
def test_a_refusal_in_spite_of_the_capability_is_one_of_privilege_to_who_is_not_root(
    commands: Commands, monkeypatch: pytest.MonkeyPatch, error: str
) -> None:
    commands.fails("one", error)
    commands.fails("all", error)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(NotPermitted, match=r"Permission denied.*: run as root: .* its commands keep the ambient ones$"):
        firewall.look(0)


def test_any_refusal_is_all_the_same_where_no_frame_of_a_bridge_comes_by(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands.fails("one", "Permission denied (you must be root)")
    monkeypatch.setattr(firewall, "_filtered", lambda _: False)
    assert firewall.look(0) == firewall.Rules()


def test_the_commands_are_found_though_path_does_not_lead_to_them(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(firewall, "_SBIN", str(commands.folder))
    commands.says("one", "-N DOCKER-USER", OURS)
    assert firewall.look(0).of("lab") == {MARK.key: "lab-br0"}


@pytest.fixture
def nowhere(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    """No command at all, where frames of bridges come by the firewall."""
    monkeypatch.setattr(firewall, "_SBIN", "")
    monkeypatch.delenv("PATH")
    monkeypatch.setattr(os, "defpath", str(commands.folder / "nonexistent"))


@pytest.mark.usefixtures("nowhere")
def test_a_command_that_is_nowhere_is_told_where_a_bridge_is_to_pass() -> None:
    with pytest.raises(HostRefuses, match=r"there is no command iptables: install it, or declare `forward: false`$"):
        firewall.let_pass(MARK, "lab-br0", 0)


@pytest.mark.usefixtures("nowhere")
def test_a_command_that_is_nowhere_has_made_no_rules_that_could_be_listed_or_taken_back() -> None:
    firewall.forbid(MARK, 0)
    assert list(_in_the_firewall(Host())) == []


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize(
    "text",
    [
        "",
        "namespaces: {red: }\nbridges: {br0: {namespace: red}}",
        "bridges: {br0: {forward: false}}",
        "bridges: {br0: {external: true}}",
    ],
)
def test_only_what_is_to_let_a_bridge_pass_needs_the_command(tmp_path: Path, text: str) -> None:
    scope = Scope(Host(), topology(tmp_path, text))
    assert _rules(scope, ["one that is to go"]) == _rules(scope, []) == firewall.Rules()
    passing = Scope(Host(), topology(tmp_path, "bridges: {br0: {forward: false}, br1: }"))
    with pytest.raises(HostRefuses, match="install it"):
        _rules(passing, [])


@pytest.mark.parametrize("lacking", [(), (SYS_ADMIN,)])
def test_the_firewall_is_not_told_of_beside_a_kernel_that_may_not_be_looked_at_either(
    commands: Commands, monkeypatch: pytest.MonkeyPatch, lacking: tuple[str, ...]
) -> None:
    commands.fails("one", "Permission denied (you must be root)")
    commands.fails("all", "Permission denied (you must be root)")
    monkeypatch.setattr(firewall, "missing", tuple)
    monkeypatch.setattr("reconciler.topologies.missing", lambda _: lacking)
    if lacking:
        assert list(_in_the_firewall(Host())) == []
    else:
        with pytest.raises(NotPermitted, match="run as root"):
            list(_in_the_firewall(Host()))


def test_ctrl_c_does_not_reach_the_commands(commands: Commands) -> None:
    commands.says("one", OURS)
    firewall.look(0)
    assert int((commands.folder / "session").read_text()) != os.getsid(0)


def test_a_rule_that_is_not_made_is_told_though_the_command_says_nothing(commands: Commands) -> None:
    commands.says("one", "-N DOCKER-USER")
    commands.fails("rest", "")
    with pytest.raises(StepFailed, match="lets lab-br0 forward: it ended with 1, and said nothing"):
        firewall.let_pass(MARK, "lab-br0", 0)


@pytest.mark.parametrize("undo", ["renamed", "forbidden"])
def test_a_rule_that_is_not_taken_back_is_told(commands: Commands, undo: str) -> None:
    commands.says("one", OURS)
    commands.fails("rest", "no")
    with pytest.raises(StepFailed, match="iptables does not take back the rule that lets lab-br0 forward: no"):
        firewall.forbid(MARK, 0) if undo == "forbidden" else firewall.let_pass(MARK, "lab-other", 0)


def test_a_rule_that_somebody_else_has_taken_back_is_a_success(commands: Commands) -> None:
    commands.says("one", OURS)
    there, gone = "*) ", f"*) echo > {commands.folder / 'one'}; "
    commands.write("iptables", ANSWERS.format(folder=commands.folder).replace(there, gone))
    commands.fails("rest", "Bad rule (does a matching rule exist in that chain?).")
    firewall.forbid(MARK, 0)


DROPPING = OURS.replace("ACCEPT", "DROP")
ELSEWHERE = OURS.replace("-o lab-br0", "-o eth0")
UNNAMED = OURS.replace("-i lab-br0 -o lab-br0 ", "")


@pytest.mark.parametrize(
    ("there", "gone", "made"),
    [
        ([], [], True),
        ([OURS], [], False),
        ([DROPPING], [DROPPING], True),
        ([ELSEWHERE], [ELSEWHERE], True),
        ([UNNAMED], [UNNAMED], True),
        ([OURS, OURS], [OURS], False),
        ([OURS, DROPPING, OURS], [DROPPING, OURS], False),
    ],
)
def test_a_rule_that_a_hand_changed_or_doubled_is_seen_and_becomes_the_one_there_should_be(
    commands: Commands, there: list[str], gone: list[str], *, made: bool
) -> None:
    commands.says("one", "-N DOCKER-USER", *there)
    commands.says("rest", "")
    found = firewall.look(0)
    as_wanted = {wanted: found.passes("lab", MARK.key, "lab-br0", wanted=wanted) is wanted for wanted in (True, False)}
    assert as_wanted == {True: there == [OURS], False: not there}
    assert found.of("lab").keys() == ({MARK.key} if there else set())
    firewall.let_pass(MARK, "lab-br0", 0)
    calls = [each.replace("-A", "-D", 1) for each in gone] + [OURS.replace("-A", "-I", 1)] * made
    assert commands.sent() == calls
    firewall.forbid(MARK, 0)
    iptables = [each.replace("-A", "-D", 1) for each in there]
    assert commands.sent()[len(calls) :] == iptables


def test_a_changed_rule_is_not_as_wanted_though_nothing_would_stop_frames_any_more(
    commands: Commands, monkeypatch: pytest.MonkeyPatch
) -> None:
    commands.says("one", DROPPING)
    monkeypatch.setattr(firewall, "_filtered", lambda _: False)
    assert firewall.look(0).passes("lab", MARK.key, "lab-br0") is False
