"""What a person and a program read: hand-made changes against golden texts, and the rules behind them."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from reconciler.errors import EngineUnreachable, StepFailed
from reconciler.kinds import kinds
from reconciler.kinds.base import Kind
from reconciler.kinds.bridge.spec import BridgeSpec
from reconciler.kinds.connect.spec import ConnectSpec
from reconciler.kinds.container.quantities import Bytes
from reconciler.kinds.container.spec import ContainerSpec
from reconciler.kinds.exec.spec import ExecSpec
from reconciler.kinds.image.spec import Build, ImageSpec, Pull
from reconciler.kinds.namespace.spec import NamespaceSpec
from reconciler.kinds.network.spec import NetworkSpec, Pool
from reconciler.kinds.process.spec import ProcessSpec
from reconciler.kinds.route.spec import RouteSpec
from reconciler.kinds.veth.spec import Endpoint, VethSpec
from reconciler.kinds.volume.spec import VolumeSpec
from reconciler.model import (
    EMPTY,
    HOST,
    Action,
    Change,
    Changes,
    FieldChange,
    FrozenMap,
    Outcome,
    Plan,
    Report,
    Resource,
    ResourceKey,
    Spec,
    Status,
    Step,
    StepKey,
    Topology,
    Verb,
    chosen,
    secret,
    uncompared,
)
from reconciler.render import (
    outcome_line,
    plan_json,
    plan_lines,
    report_json,
    report_lines,
    show_json,
    show_lines,
)
from reconciler.render.listing import topology_lines
from reconciler.render.plan import change_lines
from reconciler.render.style import Style
from reconciler.render.table import blocks, table
from reconciler.render.values import plain, text
from reconciler.topologies import Found
from reconciler.value import dataclass

GOLDEN = Path(__file__).with_name("golden_render")


class State(StrEnum):
    RUNNING = "running"


class Size(int):
    def __str__(self) -> str:
        return f"{int(self) // 1024**2}m"


@dataclass(frozen=True)
class Inner(Spec):
    word: str = ""
    password: str | None = secret(None)


@dataclass(frozen=True)
class Thing(Spec):
    name: str = ""
    image: str = ""
    mem_limit: Size | None = None
    environment: FrozenMap[str] = secret()
    mac: str | None = chosen()
    inner: Inner | None = None
    note: str = uncompared("")


def key(name: str) -> ResourceKey:
    return ResourceKey.of(name)


def change(
    name: str,
    action: Action,
    reason: str = "",
    fields: Sequence[FieldChange] = (),
    *,
    part_of: str = "",
    if_changed: Sequence[str] = (),
    contents: str = "",
    spec: Spec | None = None,
    live: Mapping[str, Any] | None = None,
) -> Change:
    whole = key(part_of) if part_of else None
    spec = spec or (ProcessSpec() if name.startswith("process/") else Thing())
    resource = Resource(key(name), spec, part_of=whole, live=MappingProxyType(dict(live or {})))
    return Change(
        key(name),
        action,
        reason,
        None if action is Action.DELETE else resource,
        None if action is Action.CREATE else resource,
        tuple(fields),
        tuple(map(key, if_changed)),
        contents,
    )


def changes(*found: Change, unavailable: Mapping[str, Any] | None = None) -> Changes:
    observed = Topology("notes", unavailable=MappingProxyType(dict(unavailable or {})))
    return Changes(Topology("notes"), observed, MappingProxyType({each.key: each for each in found}))


def plan(found: Changes, *edges: tuple[StepKey, StepKey], carried: Mapping[StepKey, StepKey] | None = None) -> Plan:
    verbs = {
        Action.CREATE: (Verb.CREATE,),
        Action.UPDATE: (Verb.UPDATE,),
        Action.DELETE: (Verb.DELETE,),
        Action.REPLACE: (Verb.DELETE, Verb.CREATE),
    }
    steps = {
        each: Step(each, one, carried_by=(carried or {}).get(each))
        for one in found.pending
        for each in (StepKey(one.key, verb) for verb in verbs[one.action])
    }
    successors: dict[StepKey, list[StepKey]] = defaultdict(list)
    for before, after in sorted(edges):
        steps |= {each: Step(each, found.by_key[each.key]) for each in (before, after) if each not in steps}
        successors[before].append(after)
    return Plan(found, MappingProxyType(steps), successors)


def field(path: str, observed: Any, desired: Any, **more: Any) -> FieldChange:
    return FieldChange(path, observed, desired, **more)


NOOPS = [change(f"image/i{number}", Action.NOOP) for number in range(12)]
AS_DESIGNED = changes(
    change("network/test-bridge", Action.CREATE, "absent"),
    change("container/web", Action.UPDATE, fields=[field("mem_limit", Size(256 << 20), Size(512 << 20))]),
    change("process/web", Action.UPDATE, fields=[field("state", "stopped", State.RUNNING)], part_of="container/web"),
    change("container/api", Action.REPLACE, fields=[field("image", "lab:1", "lab:2", forces=True)]),
    change("veth/blue:eth1--red:eth1", Action.DELETE, "not declared"),
    *NOOPS,
)
PARTS = changes(
    change("container/made", Action.CREATE, "absent"),
    change("process/made", Action.CREATE, "absent", part_of="container/made"),
    change("connect/made--lan", Action.CREATE, "absent", part_of="container/made"),
    change("container/other", Action.NOOP),
    change("process/other", Action.NOOP, part_of="container/other"),
    change("connect/other--lan", Action.UPDATE, fields=[field("aliases", ("a",), ())], part_of="container/other"),
    change("connect/other--wan", Action.CREATE, "absent", part_of="container/other"),
    change("connect/other--old", Action.DELETE, "not declared", part_of="container/other"),
    change("route/other--default", Action.REPLACE, "stands on process/other", part_of="container/other"),
    change("container/again", Action.REPLACE, "stands on image/lab", if_changed=["image/lab"]),
    change(
        "process/again",
        Action.REPLACE,
        "stands on container/again",
        part_of="container/again",
        if_changed=["image/lab"],
    ),
    change("connect/again--lan", Action.REPLACE, "stands on container/again", part_of="container/again"),
    change("connect/again--new", Action.CREATE, "absent", part_of="container/again"),
    change("image/lab", Action.REPLACE, "", [field("inputs", "1a2b", "3c4d", forces=True)]),
    change("veth/again:eth1--br0", Action.REPLACE, "stands on process/again", if_changed=["image/lab"]),
    change("veth/made:eth1--br0", Action.REPLACE, "stands on a, b", if_changed=["image/a", "image/b"]),
    change("route/host--default", Action.CREATE, "absent", part_of="host/host"),
    change("container/idle", Action.NOOP),
    change("process/idle", Action.CREATE, "absent", part_of="container/idle"),
    change("exec/idle", Action.UPDATE, fields=[field("digest", "a", "b")], part_of="container/idle"),
)
VALUES = changes(
    change(
        "container/v",
        Action.UPDATE,
        fields=[
            field("environment.TOKEN", "s3cret", "t0psecret", secret=True),
            field("flag", observed=False, desired=True),
            field("absent", None, "there"),
            field("empty", "", "two\nlines"),
            field("list", (), ("a b", "c", "", "d")),
            field("map", FrozenMap({"b": 1, "a": (1.5,)}), EMPTY),
            field("inner", None, Inner("w", "hush")),
            field("long", "x", "y" * 500),
            field("key", key("bridge/a"), frozenset({"q", "p"})),
        ],
    ),
    change("veth/" + "long-" * 12 + "name", Action.CREATE, "absent"),
)


@pytest.mark.parametrize(
    ("name", "found"),
    [("as_designed", AS_DESIGNED), ("parts", PARTS), ("values", VALUES), ("nothing", changes(*NOOPS))],
)
def test_a_plan_reads_as_the_golden_text(name: str, found: Changes) -> None:
    assert "\n".join(plan_lines(found)) + "\n" == (GOLDEN / f"{name}.txt").read_text()


POOL, END = Pool("10.0.0.1"), Endpoint(key("namespace/red"), "eth0", ("10.0.0.1/30",))


@pytest.mark.parametrize(
    ("spec", "changed", "said"),
    [
        (BridgeSpec(), field("marked", False, True), "mark missing"),
        (BridgeSpec(), field("marked", False, True, forces=True), "mark missing  (forces replacement)"),
        (VethSpec(), field("endpoints.red:eth0.marked", False, True), "endpoints.red:eth0: mark missing"),
        (
            VethSpec(),
            field("endpoints.red:eth0", None, END),
            "endpoints.red:eth0: unset → {node: namespace/red, interface: eth0, addresses: [10.0.0.1/30]}",
        ),
        (NetworkSpec(), field("ipam.a/24", POOL, None), "ipam.a/24: {gateway: 10.0.0.1} → unset"),
        (VethSpec(), field("e.node", key("namespace/@8880"), HOST), "e.node: another namespace → host"),
        (VethSpec(), field("e.node", key("container/@x"), key("container/y")), "e.node: container x → container/y"),
        (ContainerSpec(), field("mem_limit", Bytes(64 << 20), Bytes(0)), "mem_limit: 64m → unset"),
        (ContainerSpec(), field("cpus", 0.5, 0.0), "cpus: 0.5 → unset"),
        (ContainerSpec(), field("cpuset", "", "0-1"), "cpuset: unset → 0-1"),
        (ContainerSpec(), field("privileged", True, False), "privileged: true → false"),
        (ContainerSpec(), field("cap_add", ("X",), ()), "cap_add: [X] → []"),
        (BridgeSpec(), field("priority", 32768, 0), "priority: 32768 → 0"),
        (ImageSpec(), field("inputs", "1a", "2b"), "what goes into it has changed"),
        (ImageSpec(), field("inputs", "1a", "2b", forces=True), "what goes into it has changed  (forces replacement)"),
        (ImageSpec(recipe=Build()), field("current", False, True), "what it is built on has changed"),
        (ImageSpec(recipe=Pull()), field("current", False, True), "the registry has a newer one"),
        (ImageSpec(), field("tags", ("a",), ()), "tags: [a] → []"),
        (ExecSpec(), field("commands", "1a", "2b"), "its commands have changed"),
        (ExecSpec(), field("current", False, True), "they have not run since the last start"),
    ],
)
def test_an_attribute_that_differs_is_told_in_words_that_a_person_knows(
    spec: Spec, changed: FieldChange, said: str
) -> None:
    (line,) = change_lines([change("bridge/a", Action.UPDATE, fields=[changed], spec=spec)])
    assert line == f"  ~ bridge/a                     {said}"


def test_what_the_file_does_not_know_is_called_by_its_live_name() -> None:
    gone = change("image/@app", Action.DELETE, "not declared")
    assert change_lines([gone]) == ["  - image app                    not declared"]
    done = Outcome(Step(StepKey(gone.key, Verb.DELETE), gone), Status.DONE)
    assert outcome_line(done).split() == ["applied", "delete", "image", "app", "0.00", "s"]
    assert plan_json(plan(changes(gone)))["changes"][0]["key"] == "image/@app"


def test_of_a_part_that_falls_with_its_whole_only_the_attributes_are_told() -> None:
    state = field("state", "created", "running")
    whole = change("container/a", Action.REPLACE, fields=[field("image", "a", "b", forces=True)])
    falling = change("process/a", Action.REPLACE, "stands on container/a", [state], part_of="container/a")
    assert change_lines([whole, falling]) == [
        "  ± container/a                  state: created → running, image: a → b  (forces replacement)"
    ]


ROUTE = Resource(key("route/web--default"), Thing(), part_of=key("container/web"))
DECLARED = {each.key: each for each in (Resource(key("container/web"), Thing()), ROUTE)}
NO_ENGINE = MappingProxyType({"container": EngineUnreachable("no engine")})


@pytest.mark.parametrize(
    ("found", "declared", "source", "said"),
    [
        ([change("bridge/a", Action.CREATE, "absent")], DECLARED, "t", "Plan: 1 to create; 1 not looked at."),
        ([change("bridge/a", Action.NOOP)], DECLARED, "t", "Plan: 1 unchanged; 1 not looked at."),
        ([], DECLARED, "t", "Plan: 1 not looked at."),
        ([change("bridge/a", Action.NOOP)], {}, "t", "Plan: nothing to do; 1 unchanged."),
        ([change("bridge/a", Action.DELETE, "not declared")], {}, "", "Plan: 1 to delete."),
        ([], {}, "", None),
    ],
)
def test_of_what_was_not_looked_at_nothing_is_denied(
    found: list[Change], declared: dict[ResourceKey, Resource], source: str, said: str | None
) -> None:
    seen = replace(
        changes(*found, unavailable=NO_ENGINE),
        desired=Topology("notes", MappingProxyType(declared), source=source),
    )
    assert plan_lines(seen)[-1:] == ([said] if said else [])


def test_on_a_narrow_terminal_each_thing_said_has_a_line_of_its_own() -> None:
    assert plan_lines(AS_DESIGNED, style=Style(width=60))[1:3] == [
        "  ~ container/web                state: stopped → running,",
        "                                 mem_limit: 256m → 512m",
    ]


def test_secrets_are_never_shown() -> None:
    shown = "\n".join(plan_lines(VALUES)) + json.dumps(plan_json(plan(VALUES)))
    assert "s3cret" not in shown
    assert "t0psecret" not in shown
    assert "hush" not in shown


def test_colours_change_nothing_but_the_colours() -> None:
    import re

    coloured = plan_lines(AS_DESIGNED, style=Style(colour=True))
    assert "\x1b[32m+\x1b[0m" in coloured[0]
    assert [re.sub(r"\x1b\[\d+m", "", line) for line in coloured] == plan_lines(AS_DESIGNED)
    assert all("\x1b" not in line for line in plan_lines(AS_DESIGNED))


def test_a_plan_as_json_has_its_changes_its_steps_and_their_order() -> None:
    down, up = StepKey(key("container/api"), Verb.DELETE), StepKey(key("container/api"), Verb.CREATE)
    ready = StepKey(key("container/api"), Verb.WAIT, "healthy")
    found = plan(AS_DESIGNED, (down, up), (up, ready), carried={up: down})
    expected = json.loads((GOLDEN / "as_designed.json").read_text())
    assert json.loads(json.dumps(plan_json(found))) == expected
    assert list(plan_json(found)) == ["format_version", "topology", "changes", "unchanged", "steps"]


def test_a_plan_as_json_says_what_could_not_be_looked_at() -> None:
    found = plan(changes(unavailable={"container": EngineUnreachable("no engine")}))
    assert plan_json(found)["unavailable"] == {"container": "no engine"}


def test_a_tentative_change_as_json_says_on_what_it_hangs() -> None:
    told = {each["key"]: each for each in plan_json(plan(PARTS))["changes"]}
    assert told["container/again"]["if_changed"] == ["image/lab"]
    assert "if_changed" not in told["image/lab"]


def test_a_replacement_says_what_is_lost_for_people_and_for_programs() -> None:
    fields = [field("init", False, True, forces=True)]
    found = changes(
        change("container/a", Action.REPLACE, fields=fields, contents="/data is lost"),
        change("container/b", Action.REPLACE, "stands on image/a", if_changed=["image/a"], contents="/data is lost"),
    )
    assert plan_lines(found)[:2] == [
        "  ± container/a                  init: false → true  (forces replacement), /data is lost",
        "  ± container/b                  stands on image/a, /data is lost  (if it changed)",
    ]
    assert [each["contents"] for each in plan_json(plan(found))["changes"]] == ["/data is lost"] * 2


def step(name: str, verb: Verb = Verb.CREATE) -> Step:
    return Step(StepKey(key(name), verb), change(name, Action.CREATE, "absent"))


def report(*outcomes: Outcome, **more: Any) -> Report:
    return Report(plan(AS_DESIGNED), outcomes, **more)


BAD = report(
    Outcome(step("container/api"), Status.FAILED, StepFailed("it ended with 3\nlog: one\nlog: two"), seconds=1.2345),
    Outcome(step("process/ui"), Status.SKIPPED, cause=StepKey(key("container/api"), Verb.CREATE)),
    Outcome(step("network/lan"), Status.DONE, seconds=0.5),
    Outcome(step("image/lab"), Status.UNCHANGED),
    Outcome(step("container/ok"), Status.NOT_NEEDED),
    Outcome(step("container/late"), Status.SKIPPED),
    remaining=(change("container/api", Action.CREATE, "absent"),),
)


def test_a_closing_table_tells_what_was_applied_what_failed_and_why_the_rest_was_skipped() -> None:
    assert "\n".join(report_lines(BAD)) + "\n" == (GOLDEN / "failed.txt").read_text()


def test_what_went_well_needs_no_table() -> None:
    assert report_lines(report(Outcome(step("network/lan"), Status.DONE))) == ["Steps: 1 applied, 0 failed, 0 skipped."]


def test_nothing_done_needs_no_word() -> None:
    assert report_lines(report()) == []


def test_what_could_not_be_looked_at_again_is_told_with_the_reason() -> None:
    blind = replace(BAD, unseen=(StepFailed("the engine did not answer"),))
    assert report_lines(blind)[-1] == "Not looked at again: the engine did not answer"
    assert report_json(blind)["unseen"] == ["the engine did not answer"]
    assert "unseen" not in report_json(BAD)


def test_going_back_is_told_below() -> None:
    back = report(Outcome(step("network/lan", Verb.DELETE), Status.DONE))
    assert report_lines(replace(BAD, reverted=back))[-2:] == ["Going back:", "Steps: 1 applied, 0 failed, 0 skipped."]


def test_a_report_as_json_has_outcomes_the_rest_and_whether_it_converged() -> None:
    told = report_json(replace(BAD, interrupted=2, reverted=report()))
    assert list(told) == [
        *("format_version", "topology", "changes", "unchanged", "steps"),
        *("outcomes", "remaining", "converged", "interrupted", "reverted"),
    ]
    assert told["outcomes"][0] == {
        "key": "container/api",
        "verb": "create",
        "status": "failed",
        "error": "it ended with 3\nlog: one\nlog: two",
        "seconds": 1.234,
    }
    assert told["outcomes"][1]["cause"] == "create container/api"
    assert told["remaining"] == [{"key": "container/api", "action": "create", "reason": "absent", "fields": {}}]
    assert told["converged"] is False
    assert told["interrupted"] == 2
    assert told["reverted"]["converged"] is True
    assert "interrupted" not in report_json(report())


def test_an_outcome_is_one_line_as_it_happens() -> None:
    assert outcome_line(BAD.outcomes[2]) == "  applied     create network/lan  0.50 s"
    assert "\x1b[31mfailed" in outcome_line(BAD.outcomes[0], style=Style(colour=True))
    assert "\x1b[2mskipped" in outcome_line(BAD.outcomes[1], style=Style(colour=True))
    assert "\x1b[32mapplied" in outcome_line(BAD.outcomes[2], style=Style(colour=True))


def test_changes_alone_have_no_sum() -> None:
    assert change_lines([change("image/a", Action.DELETE, "not declared"), *NOOPS]) == [
        "  - image/a                      not declared"
    ]


def test_a_resource_as_json_has_its_attributes_and_what_is_live_without_secrets() -> None:
    spec = Thing("n", "lab", Size(1 << 20), FrozenMap({"A": "s3cret"}), None, Inner("w", "hush"), "for a step")
    live, handle = MappingProxyType({"ips": ("10.0.0.1",)}), MappingProxyType({"fd": 7})
    told = show_json("notes", [Resource(key("container/a"), spec, live=live, handle=handle)])
    assert told["resources"] == [
        {
            "key": "container/a",
            "spec": {
                "name": "n",
                "image": "lab",
                "mem_limit": "1m",
                "environment": "(secret)",
                "inner": {"word": "w", "password": "(secret)"},
            },
            "live": {"ips": ["10.0.0.1"]},
        }
    ]


def test_that_a_secret_is_not_there_is_no_secret() -> None:
    assert plain(Thing())["environment"] == {}
    assert plain(Inner())["password"] is None


def test_values_that_json_does_not_have_become_what_it_has() -> None:
    assert plain({"b": State.RUNNING, "a": (1, frozenset({2, 1}), None, 1.5, True)}) == {
        "a": [1, [1, 2], None, 1.5, True],
        "b": "running",
    }
    assert plain(Path("/x")) == "/x"
    assert plain(key("image/x")) == "image/x"
    assert text(None) == "unset"


def test_topologies_are_listed_with_their_files_and_counts() -> None:
    found = [
        Found("a", ("/x/a.yaml",), {"container": 2, "image": 1}),
        Found("longer", (), {"veth": 1}),
    ]
    assert topology_lines(found) == [
        "TOPOLOGY  FROM       RESOURCES",
        "a         /x/a.yaml  2 containers, 1 image",
        "longer    ?          1 veth",
    ]
    assert topology_lines([]) == ["No topologies on this host."]


def test_a_table_keeps_to_its_width_and_leaves_empty_columns_out() -> None:
    rows = [("a", "", "one two three four five six"), ("bcd",)]
    assert table(rows, 29) == ["a    one two three four five", "     six", "bcd"]
    assert blocks(rows, 30, indent=" ") == [[" a    one two three four five", "      six"], [" bcd"]]
    assert table([], 30) == []
    assert table([("",)], 30) == [""]


def live(name: str, spec: Spec, part_of: str = "", **facts: Any) -> Resource:
    whole = key(part_of) if part_of else None
    return Resource(key(name), spec, part_of=whole, live=MappingProxyType(facts))


def veth(one: Endpoint, other: Endpoint, *, down: bool = False) -> Resource:
    ends = {f"{each.node.name}:{each.interface}": each for each in (one, other)}
    told = {label: {"mac": each.mac, "addresses": [*each.addresses, "fe80::1/64"]} for label, each in ends.items()}
    return live(f"veth/{'--'.join(sorted(ends))}", VethSpec(FrozenMap(ends)), ends={} if down else told)


WEB, RED = key("container/web"), key("namespace/red")
MAC = "02:00:00:00:00"
LIVE = [
    live("container/web", ContainerSpec("notes-web", "image/lab"), id="4f3c", addresses={"notes-lan": "172.30.0.2"}),
    live(
        "process/web",
        ProcessSpec("running"),
        "container/web",
        pid=7,
        exit_code=0,
        health="healthy",
        ports=FrozenMap({"80/tcp": ("0.0.0.0:8080", "[::]:8080")}),
    ),
    live(
        "connect/web--lan", ConnectSpec("notes-lan"), "container/web", mac="02:42:ac:1e:00:02", addresses=["172.30.0.2"]
    ),
    live(
        "container/done",
        ContainerSpec("notes-done", "0123456789ab", network_mode="bridge"),
        addresses={"bridge": "172.17.0.2", "off": ""},
    ),
    live("process/done", ProcessSpec("stopped"), "container/done", exit_code=3),
    live("container/new", ContainerSpec("notes-new", "image/lab")),
    live("process/new", ProcessSpec("created"), "container/new", exit_code=0),
    live("namespace/red", NamespaceSpec("notes-red", FrozenMap({"net.ipv4.ip_forward": "1"})), pids=(1,)),
    live(
        "bridge/br0", BridgeSpec("notes-br0", stp=True, mtu=1500, addresses=("10.9.0.1/24",)), mac="02:00:00:00:00:09"
    ),
    live("bridge/sw", BridgeSpec("sw", node=RED, mtu=1500, up=False)),
    live("network/lan", NetworkSpec("notes-lan"), id="1", bridge="br-1", subnets=("172.30.0.0/24",)),
    live("network/over", NetworkSpec("notes-over", driver="overlay"), id="2", bridge="", subnets=()),
    live(
        "volume/data", VolumeSpec("notes-data"), id="notes-data", mountpoint="/var/lib/docker/volumes/notes-data/_data"
    ),
    live("image/lab", ImageSpec(), id="sha256:0123456789abcdef", tags=("r/l:in-1", "lab:2"), own={"r/l:in-1": "x"}),
    live("exec/web", Spec(), "container/web"),
    live("route/red--default", RouteSpec(RED, "0.0.0.0/0", ("10.0.0.2",), "eth0"), "namespace/red"),
    live("route/host--10.0.0.0-8", RouteSpec(HOST, "10.0.0.0/8"), "host/host"),
    veth(
        Endpoint(RED, "eth0", ("10.0.0.1/30",), "02:00:00:00:00:01"), Endpoint(WEB, "eth1", ("10.0.0.2/30",), mtu=9000)
    ),
    veth(Endpoint(RED, "eth1", mac="02:00:00:00:00:03"), Endpoint(HOST, "vred", master="bridge/br0", up=False)),
    veth(Endpoint(RED, "eth2"), Endpoint(HOST, "vhost"), down=True),
    live("veth/alone", VethSpec(FrozenMap({"red:eth3": Endpoint(RED, "eth3")}))),
    live("novelty/x", Thing("n"), id="hidden"),
]


class Novelty(Kind):
    """A kind that says nothing of its own."""

    name = "novelty"
    spec = Thing


SHOWN = {**kinds(), "novelty": Novelty()}


@pytest.mark.parametrize("width", [0, 80, 200])
def test_what_is_live_reads_as_the_golden_text(width: int) -> None:
    shown = show_lines("notes", LIVE, kinds=SHOWN, style=Style(width=width))
    assert "\n".join(shown) + "\n" == (GOLDEN / f"show_{width}.txt").read_text()
    assert not width or max(map(len, shown)) <= width


def test_the_order_of_what_is_live_does_not_matter() -> None:
    assert show_lines("notes", LIVE[::-1], kinds=SHOWN) == show_lines("notes", LIVE, kinds=SHOWN)


def test_where_nothing_is_live_show_says_so() -> None:
    assert show_lines("notes", [], kinds={}) == ["notes: nothing is live."]


def test_the_keys_of_what_is_live_stand_out_on_a_terminal() -> None:
    assert show_lines("notes", LIVE[-1:], kinds=SHOWN, style=Style(colour=True)) == ["\x1b[1mnovelty/x\x1b[0m  n"]
