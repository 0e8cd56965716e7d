"""Reading what is live."""

from __future__ import annotations

import contextlib
import importlib
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest
from entries import Entries, host_with, topology
from memory import KINDS, Box, Ground, Guest, MemoryHost, Seat

from reconciler.cli.reading import out_of_reach
from reconciler.errors import EngineUnreachable, HostRefuses, NotNow, NotPermitted, StepFailed
from reconciler.host import Host
from reconciler.host.engine_scope import EngineScope, once
from reconciler.host.kernel import look
from reconciler.host.kernel.elsewhere import Elsewhere
from reconciler.host.marks import Mark
from reconciler.host.scope import Scope, in_reach
from reconciler.kinds.base import Kind
from reconciler.kinds.container.ours import spaces
from reconciler.model import HOST, Resource, ResourceKey, Spec, Topology
from reconciler.observe import _beside, observe
from reconciler.secret import Secret, masked

WEB, FILE = ResourceKey("container", "web"), "/x/topology.yaml"
THERE: Entries = {
    "ground/ext": {"owner": ""},
    "ground/a": {"color": "red"},
    "ground/other": {"owner": "another"},
    "box/a": {"stands_on": ["ground/a", "ground/ext"], "holds": [("p", 1, 1)]},
    "pointer/a": {"refers_to": ["box/a"]},
    "guest/a": {"slot": 100},
}


def keys(observed: Topology) -> list[str]:
    return [f"{each.key}{'' if each.owned else ' not ours'}" for each in observed]


def test_what_is_ours_is_observed_whether_declared_or_not_sorted_by_key() -> None:
    observed = observe(host_with(THERE), topology({}), kinds=KINDS)
    assert keys(observed) == ["box/a", "ground/a", "guest/a", "pointer/a"]
    assert observed.name == "t"


def test_the_keys_of_what_is_there_are_told_though_passwords_stand_in_them() -> None:
    Secret("postgres")
    observe(host_with({"box/postgres": {}, "box/postgres-db": {}}), topology({}), kinds=KINDS)
    assert masked("delete box/postgres, box/postgres-db") == "delete box/postgres, box/postgres-db"


def test_what_stands_for_a_thing_of_no_kind_is_observed_and_told_too() -> None:
    class Seeing(Ground):
        def observe(self, scope: Scope) -> Iterator[Resource]:
            yield Resource(ResourceKey("interface", "@postgres"), Spec(), owned=False)

    Secret("postgres")
    kinds: dict[str, Kind] = {**KINDS, "ground": Seeing()}
    assert keys(observe(host_with({}), topology({}), kinds=kinds)) == ["interface/@postgres not ours"]
    assert masked("interface @postgres") == "interface @postgres"


def test_what_is_external_is_observed_and_what_is_foreign_only_where_it_is_in_the_way() -> None:
    desired = topology(
        {
            "ground/ext": {"external": True},
            "ground/b": {"name": "other"},
            "leaf/a": {"holds": [("p", 0, 5)]},
        }
    )
    observed = observe(host_with(THERE), desired, kinds=KINDS)
    assert keys(observed) == [
        "box/a",
        "ground/@other not ours",
        "ground/a",
        "ground/ext not ours",
        "guest/a",
        "pointer/a",
    ]


def test_what_was_applied_is_observed_as_it_was_declared() -> None:
    entries: Entries = {key: entry for key, entry in THERE.items() if "owner" not in entry}
    entries = {**entries, "box/a": {"stands_on": ["ground/a"]}, "ground/ext": {"external": True}}
    desired = topology(entries)
    observed = observe(host_with({**entries, "ground/ext": {"owner": ""}}), desired, kinds=KINDS)
    assert dict(observed.resources) == {
        key: Resource(key, each.spec, each.needs, observed.resources[key].claims, each.owned, each.part_of)
        for key, each in desired.resources.items()
    }


class Refusing(Guest):
    def observe(self, scope: Scope) -> Iterable[Resource]:  # type: ignore[override]
        raise PermissionError(1, "not you")


class Broken(Seat):
    def observe(self, scope: Scope) -> Iterable[Resource]:  # type: ignore[override]
        yield from super().observe(scope)
        raise KeyError("Id")


def test_a_kind_that_cannot_be_observed_is_told_with_the_reason() -> None:
    observed = observe(host_with(THERE), topology({}), kinds={**KINDS, "guest": Refusing(), "seat": Broken()})
    assert keys(observed) == ["box/a", "ground/a", "pointer/a"]
    assert {kind: type(error) for kind, error in observed.unavailable.items()} == {
        "guest": NotPermitted,
        "seat": StepFailed,
    }
    assert "KeyError: 'Id'" in str(observed.unavailable["seat"])


def test_no_kinds_see_nothing() -> None:
    assert keys(observe(MemoryHost(), topology({}), kinds={})) == []


def test_what_tells_more_than_the_spec_is_live() -> None:
    observed = observe(host_with({"box/a": {}}), topology({}), kinds=KINDS)
    assert observed.resources[ResourceKey("box", "a")].live == {"id": 1}


class Meeting(EngineScope):
    """Two looks, each of which ends only when the other one has begun."""

    meeting = threading.Barrier(2)

    @once
    def one(self) -> int:
        """Wait for the other."""
        return self.meeting.wait(10)

    @once
    def other(self) -> int:
        """Wait for the one."""
        return self.meeting.wait(10)


def test_what_does_not_need_one_another_is_looked_at_at_the_same_time() -> None:
    scope = Meeting(Host(), Topology("t"))
    with ThreadPoolExecutor(2) as pool:
        found = [pool.submit(getattr, scope, name) for name in ("one", "other")]
        assert sorted(each.result() for each in found) == [0, 1]


class Silent(EngineScope):
    """Two things of an engine that does not answer, asked for at the same time."""

    meeting = threading.Barrier(2)

    @once
    def one(self) -> int:
        """Fail."""
        self.meeting.wait(10)
        raise EngineUnreachable("no answer to one")

    @once
    def other(self) -> int:
        """Fail as well."""
        self.meeting.wait(10)
        raise EngineUnreachable("no answer to the other")


def test_that_an_engine_does_not_answer_is_told_once_whoever_asked() -> None:
    scope = Silent(Host(), Topology("t"))
    vars(scope)["engine"] = "it has answered before"
    with ThreadPoolExecutor(2) as pool:
        asked = [pool.submit(getattr, scope, name) for name in ("one", "other")]
        errors = [each.exception() for each in asked]
    assert len({str(each) for each in errors}) == 1
    assert {*scope.failed} == {"one", "other", "engine"}
    assert "engine" not in vars(scope)


class Slow(EngineScope):
    """A look that takes its time, and is counted."""

    times = 0

    @once
    def slow(self) -> int:
        """Be slow."""
        self.times += 1
        time.sleep(0.1)  # as long as it takes the others to come
        return self.times


def test_a_look_is_made_by_one_while_the_others_wait() -> None:
    scope = Slow(Host(), Topology("t"))
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: scope.slow, range(4))) == [1] * 4


class Reading(EngineScope):
    """A look that counts how often it is made."""

    times = 0

    @once
    def broken(self) -> int:
        """Fail."""
        self.times += 1
        raise EngineUnreachable("no answer")

    @once
    def refused(self) -> int:
        """Fail for a reason of its own."""
        raise StepFailed("no")


def test_a_look_that_failed_is_not_made_again_by_the_next_who_wants_it() -> None:
    scope = Reading(Host(), Topology("t"))
    for _ in range(3):
        with pytest.raises(EngineUnreachable, match="no answer"):
            assert scope.broken
    assert scope.times == 1


@pytest.mark.parametrize(
    ("error", "told"),
    [(PermissionError(1, "no"), False), (HostRefuses("no"), False), (NotNow("moved"), True), (OSError(5, "io"), True)],
)
def test_only_a_kernel_out_of_reach_is_passed_over(error: Exception, told: bool) -> None:
    scope = Scope(Host(), Topology("t"))
    scope.failed["kernel"] = error
    with pytest.raises(type(error)) if told else contextlib.nullcontext():
        assert (in_reach(scope), spaces(scope)) == (None, {})


def test_whose_kernel_is_not_the_engine_s_is_out_of_reach() -> None:
    web, scope = ResourceKey("container", "web"), Scope(Host(), Topology("t"))
    vars(scope)["kernel"] = SimpleNamespace(stranger=None, nodes={web: "its namespace", HOST: "the host's"})
    assert list(spaces(scope)) == [web]
    vars(scope)["kernel"] = SimpleNamespace(stranger=HostRefuses("elsewhere"), nodes={})
    assert (in_reach(scope), spaces(scope)) == (None, {})


def test_the_topologies_of_the_same_file_are_named_where_this_one_is_new() -> None:
    rows = [{"Labels": Mark(name, WEB, path).labels()} for name, path in (("b", FILE), ("other", "/y.yaml"))]
    links = [SimpleNamespace(alias=Mark("a", WEB, FILE, host).alias()) for host in ("here", "there")]
    links += [SimpleNamespace(alias="uplink"), SimpleNamespace(alias=Mark("c", WEB, FILE, "there").alias())]
    scope = Scope(cast("Any", SimpleNamespace(identity="here")), Topology("t", source=FILE))
    assert _beside(scope) == ()
    vars(scope).update(listed=rows, volumes={"x": {"Labels": None}}, networks={})
    assert _beside(scope) == ("b",)
    vars(scope)["kernel"] = SimpleNamespace(spaces=[SimpleNamespace(links=dict(enumerate(links)))])
    assert _beside(scope) == ("a", "b")
    vars(scope)["networks"] = {"n": {"Labels": Mark("t", WEB, FILE).labels()}}
    assert _beside(scope) == ()


@pytest.mark.parametrize(("declared", "told"), [("box/a", ("old",)), ("guest/a", ())])
def test_no_topology_is_taken_for_new_where_what_is_declared_cannot_be_looked_at(
    monkeypatch: pytest.MonkeyPatch, declared: str, told: tuple[str, ...]
) -> None:
    looked = type("Looked", (Scope,), {"in_sight": lambda _: iter([Mark("old", WEB, FILE)])})
    monkeypatch.setattr(importlib.import_module("reconciler.observe"), "Scope", looked)
    desired = replace(topology({declared: {}}), source=FILE)
    assert observe(host_with({}), desired, kinds={**KINDS, "guest": Refusing()}).beside == told


def test_an_engine_that_falls_silent_is_not_asked_for_anything_else() -> None:
    scope = Reading(Host(), Topology("t"))
    vars(scope)["engine"] = "it has answered before"
    with pytest.raises(StepFailed):
        assert scope.refused
    assert scope.engine == "it has answered before"  # type: ignore[comparison-overlap]
    with pytest.raises(EngineUnreachable):
        assert scope.broken
    with pytest.raises(EngineUnreachable, match="no answer"):
        assert scope.networks


class Wire(Ground):
    """Is of the kernel, and perhaps in something of the engine's."""

    uses = frozenset(("kernel",))


@pytest.mark.parametrize(
    ("declared", "engine", "asked"),
    [
        (topology({"box/a": {}}), 1, True),
        (topology({"ground/a": {}}), None, False),
        (Topology("t"), 1, False),
        (Topology("t"), None, True),
    ],
)
def test_where_the_engine_lives_is_asked_where_something_of_it_is_declared_or_all_that_is_known_is_a_name(
    monkeypatch: pytest.MonkeyPatch, declared: Topology, engine: int | None, asked: bool
) -> None:
    host = Host()
    vars(host)["engine"] = SimpleNamespace(pid=engine)
    refusal, scope = HostRefuses("perhaps"), Scope(host, topology({}), ["box"], declared=declared)
    monkeypatch.setattr(look, "stranger", lambda _: refusal)
    vars(scope)["containers"] = {}
    assert look._containers(scope) == ({}, refusal if asked else None)


class Alike(Guest):
    """Is of the kernel as well."""

    uses = frozenset(("kernel",))


class Engines(Box):
    """Is of the engine."""

    uses = frozenset(("engine",))


BOTH = {**KINDS, "ground": Wire(), "box": Engines()}


@pytest.mark.parametrize(
    ("refusal", "desired", "told"),
    [
        (Elsewhere("there"), {"ground/a": {}, "box/b": {}}, "there"),
        (HostRefuses("perhaps"), {"ground/a": {}, "box/b": {}}, ""),
        (
            HostRefuses("perhaps"),
            {"ground/a": {}, "ground/c": {"refers_to": ["box/b"]}, "box/b": {}},
            "ground/c: perhaps",
        ),
        (Elsewhere("there"), {"ground/a": {}}, ""),
        (Elsewhere("there"), {"box/b": {}}, ""),
        (None, {"ground/a": {}, "box/b": {}}, ""),
    ],
)
def test_kernel_work_beside_an_engine_that_lives_elsewhere_is_refused(
    monkeypatch: pytest.MonkeyPatch, refusal: HostRefuses | None, desired: Entries, told: str
) -> None:
    looked = type("Looked", (Scope,), {"kernel": SimpleNamespace(stranger=refusal)})
    monkeypatch.setattr(importlib.import_module("reconciler.observe"), "Scope", looked)
    unavailable = observe(host_with({}), topology(desired), kinds=BOTH).unavailable
    assert {str(name): (str(each), each.exit_code) for name, each in unavailable.items()} == (
        {"ground": (told, 4)} if told else {}
    )
    assert all(type(each) is type(refusal) for each in unavailable.values())


@pytest.mark.parametrize(
    ("declared", "there", "told"),
    [
        (topology({"ground/a": {}, "box/b": {}}), {}, ["ground"]),
        (topology({"ground/a": {}}), {"ground/a": {}}, []),
        (Topology("t"), {"ground/a": {}}, ["ground"]),
        (Topology("t"), {"ground/a": {"owner": "another"}, "box/b": {}}, []),
        (Topology("t", source=FILE), {"ground/a": {}}, []),
    ],
)
def test_so_is_the_removal_of_what_its_file_declares_or_of_which_nothing_but_the_name_is_known(
    monkeypatch: pytest.MonkeyPatch, declared: Topology, there: Entries, told: list[str]
) -> None:
    looked = type("Looked", (Scope,), {"kernel": SimpleNamespace(stranger=Elsewhere("there"))})
    monkeypatch.setattr(importlib.import_module("reconciler.observe"), "Scope", looked)
    nothing = replace(declared, resources={})
    assert list(observe(host_with(there), nothing, kinds=BOTH, declared=declared).unavailable) == told


def test_that_an_engine_lives_elsewhere_is_told_once_for_all_kinds(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    looked = type("Looked", (Scope,), {"kernel": SimpleNamespace(stranger=Elsewhere("there"))})
    monkeypatch.setattr(importlib.import_module("reconciler.observe"), "Scope", looked)
    desired = topology({"ground/a": {}, "guest/a": {}, "box/b": {}})
    assert out_of_reach(observe(host_with({}), desired, kinds={**BOTH, "guest": Alike()}).unavailable) == 4
    assert capsys.readouterr().err == "error: there (not looked at: ground, guest)\n"
