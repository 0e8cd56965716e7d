"""What a watch decides: when to look, whom to leave alone, what concerns a topology, and its words; and what a pass does in memory."""

from __future__ import annotations

import math
import os
import queue
import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from entries import Entries, Entry, host_with, topology
from memory import KINDS, MemoryHost

from reconciler import reconcile
from reconciler.errors import Conflict, EngineUnreachable, Interrupted, Locked, ReconcilerError, StepFailed
from reconciler.host import Host
from reconciler.host.lock import locked
from reconciler.host.marks import Mark
from reconciler.host.netlink import (
    BridgeOptions,
    Message,
    add_address,
    add_altname,
    add_route,
    delete_address,
    new_bridge,
    new_nsid,
    new_veth,
    set_link,
)
from reconciler.host.netlink import constants as c
from reconciler.host.netlink.codec import u32
from reconciler.host.netlink.parse import link
from reconciler.kinds.base import Later, Result
from reconciler.kinds.container.spec import ContainerSpec
from reconciler.model import Changes, Outcome, Report, Resource, ResourceKey, Status, Step, StepKey, Topology, Verb
from reconciler.plan import plan
from reconciler.reconcile import Options
from reconciler.render.style import Style
from reconciler.render.values import sealed
from reconciler.render.watching import said_json, said_lines
from reconciler.secret import Secret, publish
from reconciler.watch.agenda import ENDING, GATHER, SETTLE, Agenda
from reconciler.watch.concern import EVENTS, HEALTHY, OVERFLOW, EngineConcern, KernelConcern
from reconciler.watch.one_pass import Manner, Pass
from reconciler.watch.part import Part, Parts
from reconciler.watch.passes import AFTER, Passes
from reconciler.watch.patience import FREE, LONGEST, Patience, Record, pause_after
from reconciler.watch.said import Said, What, said_of
from reconciler.watch.trouble import Trouble

A, B = ResourceKey.of("box/a"), ResourceKey.of("box/b")


# when to look


def test_without_news_one_never_looks() -> None:
    assert Agenda().due == math.inf


def test_one_looks_when_news_has_come_to_an_end_but_does_not_wait_for_that_for_ever() -> None:
    agenda = Agenda()
    agenda.note("a", 1.0)
    assert agenda.due == 1.0 + SETTLE
    agenda.note("b", 1.0 + SETTLE / 2)
    assert agenda.due == pytest.approx(1.0 + SETTLE * 1.5)
    agenda.note("a", 1.0 + GATHER)
    assert agenda.due == 1.0 + GATHER
    assert agenda.taken() == (("a", "b"), None)
    assert agenda.due == math.inf


def test_what_one_looks_at_is_what_all_news_are_about_and_anything_where_one_may_be_about_anything() -> None:
    agenda = Agenda()
    agenda.note("a", 1.0, [A])
    agenda.note("b", 1.0, [B])
    agenda.note("a", 1.0, [A])
    assert agenda.taken() == (("a", "b"), frozenset((A, B)))
    agenda.note("a", 3.0, [A])
    agenda.note("c", 3.0)
    agenda.note("b", 3.0, [B])
    assert agenda.taken() == (("a", "c", "b"), None)
    assert agenda.taken() == ((), frozenset())


def test_what_ends_gets_a_moment_to_start_again_by_itself() -> None:
    agenda = Agenda()
    agenda.ended("web", 1.0)
    agenda.ended("web", 1.1)
    agenda.note("die", 1.1)
    assert agenda.due == 1.0 + ENDING
    agenda.note("start", 1.15)
    agenda.started("web")
    agenda.started("other")
    assert agenda.due == pytest.approx(1.15 + SETTLE)


def test_the_more_often_one_looks_in_vain_the_less_eagerly_one_looks() -> None:
    agenda, now = Agenda(), 0.0
    pauses: list[float] = []
    for _ in range(12):
        agenda.note("noise", now)
        pauses.append(agenda.due - now)
        now = agenda.due
        agenda.taken()
        agenda.looked(now, found=False)
    assert pauses[0] == pauses[1] == pytest.approx(SETTLE)
    assert pauses == pytest.approx(sorted(pauses))
    assert pauses[-1] == pytest.approx(5.0)
    agenda.looked(now, found=True)
    agenda.note("drift", now)
    assert agenda.due == pytest.approx(now + SETTLE)


def test_after_a_calm_time_one_looks_eagerly_again() -> None:
    agenda = Agenda()
    for now in range(8):
        agenda.note("drift", float(now))
        agenda.taken()
        agenda.looked(float(now), found=False)
    agenda.note("drift", 7.0)
    assert agenda.due == pytest.approx(7.0 + 5)
    agenda.taken()
    agenda.looked(100.0, found=False)
    agenda.note("drift", 100.0)
    assert agenda.due == pytest.approx(100.0 + SETTLE)


def test_what_is_news_of_nothing_again_and_again_holds_up_no_other_news() -> None:
    agenda = Agenda()
    for now in range(8):
        for _ in range(2):
            agenda.note(f"noise {now}", float(now), of="network n")
        agenda.note("eth0 in red has changed", float(now), [A])
        agenda.taken()
        agenda.looked(float(now), found=False)
    agenda.note("more noise", 8.0, of="network n")
    assert agenda.due == pytest.approx(7.0 + 5)
    agenda.note("eth0 in red has changed", 8.0, [A])
    assert agenda.due == pytest.approx(7.0 + 5)
    agenda.note("eth0 in blue has changed", 8.0, [B])
    assert agenda.due == pytest.approx(8.0 + SETTLE)
    agenda.taken()
    agenda.looked(8.0, found=True)
    agenda.note("eth0 in red has changed", 8.0, [A])
    assert agenda.due == pytest.approx(8.0 + SETTLE)
    agenda.taken()
    agenda.looked(8.0, found=False)
    agenda.note("more noise", 8.0, of="network n")
    assert agenda.due == pytest.approx(8.0 + SETTLE)


def test_what_was_news_once_does_not_make_one_look_eagerly_at_what_is_news_of_nothing() -> None:
    agenda = Agenda()
    for now in range(8):
        agenda.note("noise", float(now), of="network n")
        agenda.taken()
        agenda.looked(float(now), found=False)
    agenda.note("eth0 in red has changed", 8.0, [A])
    agenda.taken()
    agenda.looked(8.0, found=False)
    agenda.note("noise", 8.0, of="network n")
    assert agenda.due == pytest.approx(7.0 + 5)


# whom to leave alone


def test_what_keeps_failing_is_left_alone_twice_as_long_each_time_up_to_a_bound() -> None:
    patience, now = Patience(), 0.0
    pauses: list[float] = []
    for _ in range(12):
        now += patience.failed(A, now).pause
        pauses.append(pause_after(len(pauses) + 1))
        assert patience.next() == now
        assert patience.resting(now - 0.01) == {A}
        assert patience.resting(now) == frozenset()
        assert patience.due(now) == {A}
        assert patience.next(besides={A}) == math.inf
    assert pauses[:5] == [1, 2, 4, 8, 16]
    assert pauses[-1] == LONGEST
    assert now == sum(pauses)


def test_what_was_mended_is_not_left_alone_unless_it_never_lasts() -> None:
    patience = Patience()
    for now in range(FREE):
        assert patience.mended(A, float(now)).pause == 0
    assert patience.next() == math.inf
    assert [patience.mended(A, 10.0).pause for _ in range(3)] == [1, 2, 4]
    assert patience.resting(13.0) == {A}
    assert patience.mended(A, 500.0).pause == 0


def test_success_ends_a_row_of_failures_and_time_forgets_it() -> None:
    patience = Patience()
    patience.failed(A, 0.0)
    patience.failed(B, 0.0)
    assert patience.mended(A, 1.0) == Record(0, 1, 1.0)
    assert patience.failed(B, 1.0).failures == 2
    assert patience.failed(B, 1000.0).failures == 1


def test_what_is_forgiven_is_tried_at_once() -> None:
    patience = Patience()
    patience.failed(A, 0.0)
    patience.failed(B, 0.0)
    patience.forgive([A])
    assert patience.resting(0.5) == {B}
    patience.forgive()
    assert patience.next() == math.inf
    assert pause_after(0) == 0


def test_what_ends_a_whole_pass_is_told_once_and_waited_for_ever_longer() -> None:
    trouble = Trouble()
    assert not trouble
    assert trouble.until == math.inf
    assert trouble.had(StepFailed("a"), 10.0) == ("a", 1)
    assert trouble
    assert trouble.until == 11.0
    assert trouble.had(StepFailed("a"), 11.0) == ("", 2)
    assert trouble.had(StepFailed("b"), 13.0) == ("b", 4)
    assert [trouble.had(StepFailed("b"), 17.0) for _ in range(9)][-1] == ("", 32)


# what concerns a topology: the kernel


RED = {3: ResourceKey.of("namespace/red")}
X = ResourceKey.of("veth/x")
PLAIN: BridgeOptions = {
    "stp": False,
    "priority": 1,
    "hello_time": 200,
    "max_age": 2000,
    "forward_delay": 400,
    "ageing_time": 30000,
}
OURS = Mark("t", X, host="h").alias()
BR, VIA, LEFT = (ResourceKey.of(each) for each in ("bridge/br", "route/host--10.1.0.0/16", "route/host--10.2.0.0/16"))
DECLARED = {"br0": frozenset((BR,)), "lent": frozenset((BR,)), "uplink": frozenset((VIA, LEFT))}


def body(request: bytes) -> bytes:
    return request[16:]


class Ear:
    """A concern of the kernel that tells only the words, and of the last news what it was about."""

    def __init__(self, links: Any = ()) -> None:
        self.concern = KernelConcern(lambda alias: X if alias == OURS else None)
        self.concern.know(RED, DECLARED, links)

    def news(self, message: Message | None) -> str:
        news = self.concern.news(message)
        self.about = set(news.about) if news else None
        return news.reason if news else ""


def ear(links: Any = ()) -> Ear:
    return Ear(links)


def told(nsid: int | None, kind: int, request: bytes, flags: int = 0) -> Message:
    return Message(nsid, kind, flags, body(request))


def named(index: int, name: str, alias: str | None = None) -> bytes:
    """A link of which no kind is told but by `new_veth`."""
    made = new_veth(name, "peer", index=index)
    return made + body(set_link(index, alias=alias))[16:] if alias else made


@pytest.mark.parametrize(
    ("message", "news"),
    [
        (None, OVERFLOW),
        (told(3, c.RTM_NEWLINK, named(5, "eth0")), "eth0 in namespace/red has changed"),
        (told(3, c.RTM_DELLINK, named(5, "eth0")), "eth0 in namespace/red is gone"),
        (told(4, c.RTM_DELLINK, named(5, "eth0")), ""),
        (told(3, c.RTM_NEWADDR, add_address(5, "10.0.0.1/24")), ""),
        (told(3, c.RTM_DELADDR, delete_address(5, "fd00::1/64")), "fd00::1/64 is gone from an interface in namespace/red"),
        (told(3, c.RTM_DELADDR, bytes(16) + bytes(8)), ""),
        (told(3, c.RTM_DELROUTE, add_route("10.1.0.0/16", via=["10.0.0.2"], protocol=0x72)), "the route to 10.1.0.0/16 is gone from namespace/red"),
        (told(3, c.RTM_DELROUTE, add_route("10.1.0.0/16", via=["10.0.0.2"], protocol=0x72), c.NLM_F_EXCL), "the route to 10.1.0.0/16 is gone from namespace/red"),
        (told(3, c.RTM_DELROUTE, add_route("10.1.0.0/16", via=["10.0.0.2"])), ""),
        (told(3, c.RTM_DELROUTE, add_route("10.0.0.0/24", devices=[5], protocol=c.RTPROT_KERNEL)), "the route to 10.0.0.0/24 is gone from namespace/red"),
        (told(3, c.RTM_DELROUTE, add_route("10.0.0.1/32", devices=[5], protocol=c.RTPROT_KERNEL) + u32(c.RTA_TABLE, 255)), ""),
        (told(3, c.RTM_NEWROUTE, add_route("10.0.0.0/24", devices=[5], protocol=c.RTPROT_KERNEL)), ""),
        (told(None, c.RTM_DELROUTE, add_route("10.0.0.0/24", devices=[5], protocol=c.RTPROT_KERNEL)), ""),
        (told(3, c.RTM_NEWROUTE, add_route("10.1.0.0/16", via=["10.0.0.2"]), c.NLM_F_REPLACE), "the route to 10.1.0.0/16 has changed in namespace/red"),
        (told(3, c.RTM_NEWROUTE, add_route("10.1.0.0/16", via=["10.0.0.2"], protocol=0x72), c.NLM_F_EXCL), ""),
        (told(3, c.RTM_NEWROUTE, bytes(16) + bytes(12)), ""),
        (Message(None, c.RTM_DELNSID, 0, body(new_nsid(0))[:4] + b"\x08\0\x01\0\x03\0\0\0"), "the network namespace of namespace/red is gone"),
        (Message(None, c.RTM_DELNSID, 0, body(new_nsid(0))[:4] + b"\x08\0\x01\0\x04\0\0\0"), ""),
        (Message(3, c.RTM_DELNSID, 0, b""), ""),
        (told(3, c.RTM_NEWLINK, bytes(16) + b"\x0a" + bytes(15)), ""),
    ],
)  # fmt: skip
def test_what_the_kernel_tells_concerns_us_where_our_nodes_are(message: Message | None, news: str) -> None:
    concern = ear()
    assert concern.news(message) == news
    if news:
        assert concern.about == (
            {RED[3]} if "namespace/red" in news and not news.startswith("the network namespace") else set()
        )


def test_a_subnet_that_a_hand_takes_off_a_link_of_ours_in_the_host_is_news() -> None:
    ours = named(5, "veth5", OURS)
    concern = ear([link(body(ours), 0, len(body(ours)))])
    gone = add_route("10.0.0.0/24", devices=[5], protocol=c.RTPROT_KERNEL)
    assert concern.news(told(None, c.RTM_DELROUTE, gone)) == "the route to 10.0.0.0/24 is gone from the host"
    assert concern.about == {X}


@pytest.mark.parametrize("stranger", [named(5, "veth5"), new_bridge("docker0", index=5, **PLAIN)])
def test_a_link_of_somebody_else_in_the_host_is_none_of_our_business(stranger: bytes) -> None:
    concern = ear([link(body(stranger), 0, len(body(stranger)))])
    assert concern.news(told(None, c.RTM_NEWLINK, stranger)) == ""
    assert concern.news(told(None, c.RTM_DELADDR, delete_address(5, "10.0.0.1/24"))) == ""
    assert concern.news(told(None, c.RTM_DELLINK, stranger)) == ""


def test_a_link_of_the_host_with_a_declared_name_is_whoever_made_it() -> None:
    concern = ear()
    bridge = new_bridge("br0", index=6, **PLAIN)
    assert concern.news(told(None, c.RTM_NEWLINK, bridge)) == "br0 in the host has changed"
    assert concern.news(told(None, c.RTM_DELADDR, delete_address(6, "10.0.0.1/24"))) != ""
    assert concern.news(told(None, c.RTM_NEWLINK, named(6, "renamed"))) == "renamed in the host has changed"
    assert concern.about == {BR}
    assert concern.news(told(None, c.RTM_DELLINK, named(6, "renamed"))) == "renamed in the host is gone"
    # A number is used again: what it meant before does not count.
    assert concern.news(told(None, c.RTM_NEWLINK, named(6, "veth6"))) == ""
    assert concern.news(told(None, c.RTM_DELADDR, delete_address(6, "10.0.0.1/24"))) == ""
    assert concern.news(told(None, c.RTM_DELLINK, named(6, "veth6"))) == ""
    also = named(7, "eno1") + body(add_altname(7, "uplink"))[16:]
    assert concern.news(told(None, c.RTM_NEWLINK, also)) == "eno1 in the host has changed"
    assert concern.about == {VIA, LEFT}


def test_what_a_bridge_tells_of_a_port_that_it_borrows_concerns_us_though_that_is_a_pair_of_somebody_else() -> None:
    concern = ear()
    assert concern.news(told(None, c.RTM_NEWLINK, named(5, "lent"))) == "lent in the host has changed"
    of_bridge = bytes((7,)) + body(named(5, "lent"))[1:]
    assert concern.news(Message(None, c.RTM_DELLINK, 0, of_bridge)) == "lent in the host is gone"
    assert concern.about == {BR}


def test_a_link_of_ours_in_the_host_concerns_us_also_when_it_loses_its_mark() -> None:
    concern = ear()
    assert concern.news(told(None, c.RTM_NEWLINK, named(5, "v"))) == ""
    assert concern.news(told(None, c.RTM_NEWLINK, named(5, "v", OURS))) == "v in the host has changed"
    assert concern.about == {X}
    assert concern.news(told(None, c.RTM_NEWLINK, named(5, "v", "mine"))) == "v in the host has changed"
    assert concern.about == {X}
    assert concern.news(told(None, c.RTM_DELADDR, delete_address(5, "10.0.0.1/24"))) != ""
    assert concern.about == {X}
    assert concern.news(told(None, c.RTM_DELLINK, named(5, "v", "mine"))) == "v in the host is gone"
    assert concern.about == {X}
    assert concern.news(told(None, c.RTM_NEWLINK, named(5, "v"))) == ""


def test_what_a_bridge_tells_of_its_ports_concerns_us_where_they_are_ours() -> None:
    concern = ear()
    concern.news(told(None, c.RTM_NEWLINK, named(5, "v", OURS)))
    for index, news in ((5, "v in the host has changed"), (6, "")):
        of_bridge = bytearray(body(named(index, "v")))
        of_bridge[0] = 7
        assert concern.news(Message(None, c.RTM_NEWLINK, 0, bytes(of_bridge))) == news
        assert concern.news(Message(None, c.RTM_DELLINK, 0, bytes(of_bridge))) == news.replace("has changed", "is gone")


def test_noise_over_many_routes_of_the_host_is_news_of_one_thing() -> None:
    agenda, concern = Agenda(), KernelConcern(lambda _: None)
    for now in range(8):
        route = add_route(f"10.{now}.0.0/16", via=["10.0.0.2"])
        news = concern.news(told(None, c.RTM_NEWROUTE, route, c.NLM_F_REPLACE))
        assert news is not None
        agenda.note(news.reason, float(now), news.about or None, of=news.of)
        due = agenda.due
        assert agenda.taken()[1] is None
        agenda.looked(float(now), found=False)
    assert due > 7 + 1


def test_links_that_were_there_before_are_known() -> None:
    parsed = [link(each, 0, len(each)) for each in (body(named(5, "v")), body(named(6, "w", OURS)))]
    concern = ear(links=parsed)
    assert concern.news(told(None, c.RTM_DELLINK, named(5, "v"))) == ""
    assert concern.news(told(None, c.RTM_DELLINK, named(6, "w"))) == "w in the host is gone"


# what concerns a topology: the engine


def event(kind: str, action: str, identity: str = "i", **attributes: str) -> dict[str, Any]:
    return {"Type": kind, "Action": action, "Actor": {"ID": identity, "Attributes": attributes}}


@pytest.mark.parametrize(
    ("word", "news"),
    [
        (event("container", "die", name="t-web"), "container t-web: die"),
        (event("container", "exec_create: sh", name="t-web"), ""),
        (event("container", "health_status: healthy", name="t-web"), "container t-web: health_status: healthy"),
        (event("container", "health_status: unhealthy", name="t-web"), ""),
        (event("container", "die", name="other"), ""),
        (event("container", "die", **{"name": "odd", "reconciler.topology": "t"}), "container odd: die"),
        (event("container", "die", **{"name": "odd", "reconciler.topology": "u"}), ""),
        (event("container", "rename", name="odd", oldName="/t-web"), "container odd: rename"),
        (event("network", "disconnect", name="t-lan", container="0123456789abcdef"), "network t-lan: disconnect 0123456789ab"),
        (event("network", "connect", name="bridge", container="known"), "network bridge: connect known"),
        (event("network", "connect", name="bridge", container="other"), ""),
        (event("volume", "destroy", "t-data"), "volume t-data: destroy"),
        (event("image", "untag", "sha256:1"), "image sha256:1: untag"),
        ({"Type": "container", "Action": "die"}, ""),
    ],
)  # fmt: skip
def test_what_the_engine_tells_concerns_us_by_mark_name_or_container(word: dict[str, Any], news: str) -> None:
    concern = EngineConcern("t")
    desired = topology(
        {"box/web": {"name": "t-web"}, "box/lan": {"name": "t-lan"}, "box/data": {"name": "t-data"}, "image/x": {}}
    )
    observed = {
        key: replace(each, live={"id": "known"}) for key, each in desired.resources.items() if key.name == "web"
    }
    concern.know(desired, replace(desired, resources={**desired.resources, **observed}))
    heard = concern.news(word)
    assert (heard.reason if heard else "") == news


@pytest.mark.parametrize(
    ("word", "of"),
    [
        (event("container", "die", name="t-web"), "container t-web"),
        (event("network", "disconnect", name="t-lan", container="known"), "known"),
        (event("network", "connect", name="t-lan", container="other"), "network t-lan"),
        (event("image", "untag", "sha256:1"), "image"),
    ],
)
def test_what_the_engine_tells_is_news_of_one_of_ours_if_that_is_known(word: dict[str, Any], of: str) -> None:
    concern = EngineConcern("t")
    concern.names, concern.ids, concern.images = {"t-web", "t-lan"}, {"known"}, True
    news = concern.news(word)
    assert news is not None
    assert news.of == of


def test_whose_network_one_of_ours_shares_concerns_us_though_it_is_not_declared() -> None:
    key, concern = ResourceKey("container", "web"), EngineConcern("t")
    spec = ContainerSpec("t-web", network_mode="container:theirs", target="theirs")
    concern.know(Topology("t", {key: Resource(key, spec)}), Topology("t"))
    heard = concern.news(event("container", "start", "1a", name="theirs"))
    assert heard is not None
    assert heard.reason == "container theirs: start"
    assert concern.news(event("container", "start", "2b", name="others")) is None


def test_the_engine_is_asked_for_all_that_concerns_us() -> None:
    concern = EngineConcern("t")
    concern.know(topology({"image/a": {}}), topology({}))
    told = {**dict.fromkeys(EVENTS["event"]), HEALTHY: None, "exec_start: true": None, "resize": None, "top": None}
    heard = {each for each in told if concern.news(event("image", each, "1a"))}
    assert {each.partition(":")[0] for each in heard} == set(EVENTS["event"])
    assert HEALTHY in heard


def test_images_concern_us_only_where_there_are_any() -> None:
    concern = EngineConcern("t")
    concern.know(topology({"box/web": {}}), topology({}))
    assert concern.news(event("image", "untag", "sha256:1")) is None


# passes


class Passing:
    """Passes over a host in memory, with what they told; `soon` is done at once, unless others run meanwhile."""

    def __init__(self, host: MemoryHost, **manner: Any) -> None:
        self.host, self.said = host, list[Said]()
        self.steps: list[str] = []
        self.files: dict[str, Topology] = {}
        self.done: list[Pass] = []
        self.todo: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.passes = Passes(
            Manner(
                KINDS,
                Options(wait=False),
                tell=self.said.append,
                idle=lambda: self.steps.append("idle"),
                **{"busy": lambda: self.steps.append("busy"), "lock_timeout": 60, **manner},
            ),
            soon=self.todo.put,
            planned=lambda each: self.steps.append("planned") if each.in_hand else None,
            done=self.done.append,
            ended=lambda _: self.steps.append("ended"),
        )

    def __call__(self, entries: Entries, part: Part | None = None) -> list[tuple[str, str]]:
        self.said.clear()
        self.last = self.begin(entries, part)
        self.passes.run(self.last)
        while not self.todo.empty():
            self.todo.get()()
        if self.last.error:
            raise self.last.error
        return self.heard

    def begin(self, entries: Entries, part: Part | None = None) -> Pass:
        desired = self.files.setdefault(repr(entries), topology(entries))
        return self.passes.begin(desired, self.host, ("why",), part)

    def until(self, seen: Callable[[], object]) -> None:
        """Do what other threads want done until something is seen."""
        while not seen():
            self.todo.get(timeout=60)()

    @property
    def heard(self) -> list[tuple[str, str]]:
        """What was told, apart from waits for other runs of this very test."""
        return [(each.what.value, str(each.key or each.text)) for each in self.said if each.what is not What.WAITING]


def failing(host: MemoryHost, *keys: str) -> None:
    host.world.failing = {StepKey(ResourceKey.of(key), Verb.CREATE) for key in keys}


TWO: Entries = {"ground/a": {}, "box/a": {"stands_on": ["ground/a"]}, "box/b": {}}


def test_a_pass_mends_says_so_and_then_finds_nothing() -> None:
    passing = Passing(MemoryHost())
    assert sorted(passing(TWO)) == [("mended", "box/a"), ("mended", "box/b"), ("mended", "ground/a")]
    assert passing.last.found
    assert {each.because for each in passing.said} == {("why",)}
    assert passing(TWO) == []
    assert not passing.last.found
    assert passing.steps == ["busy", "idle", "planned", "ended", "busy", "idle", "ended"]
    assert passing.passes.retry == math.inf


def test_what_failed_rests_with_all_that_needs_it_while_the_rest_is_mended() -> None:
    passing = Passing(MemoryHost())
    failing(passing.host, "ground/a")
    assert sorted(passing(TWO)) == [("failed", "ground/a"), ("mended", "box/b"), ("skipped", "box/a")]
    assert passing.passes.retry < math.inf
    passing.host.world.fall(next(each.identity for each in passing.host.world.things.values()))
    assert passing(TWO) == [("mended", "box/b")]
    assert passing.last.found
    passing.passes.forgive(ResourceKey.of("ground/x"), among=topology(TWO))
    assert passing(TWO) == []
    assert not passing.last.found
    passing.passes.forgive(ResourceKey.of("ground/a"), among=topology(TWO))
    assert sorted(passing(TWO)) == [("mended", "box/a"), ("mended", "ground/a")]


def test_what_rested_and_is_well_by_now_is_no_longer_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    passing = Passing(MemoryHost())
    failing(passing.host, "box/b")
    passing(TWO)
    for each in host_with({"box/b": {}}).world.things.values():
        passing.host.world.add(replace(each, identity=next(passing.host.world.numbers)))
    monkeypatch.setattr("reconciler.watch.passes.time.monotonic", lambda: passing.passes.retry)
    assert passing(TWO) == []
    assert passing.passes.retry == math.inf


def test_what_somebody_is_in_the_way_of_does_not_hold_up_the_rest_and_is_told_once() -> None:
    passing = Passing(host_with({"box/t-b": {"owner": ""}}))
    said = passing(TWO)
    assert said[0][0] == "blocked"
    assert said[0][1].startswith("box/b: ")
    assert sorted(said[1:]) == [("mended", "box/a"), ("mended", "ground/a")]
    assert passing.passes.retry < math.inf
    assert passing(TWO) == []
    passing.host.world.things.clear()
    assert ("mended", "box/b") in passing(TWO)
    assert passing.passes.retry == math.inf


def test_all_that_is_in_the_way_is_told_in_order() -> None:
    passing = Passing(host_with({f"box/t-{name}": {"owner": ""} for name in "gfedcba"}))
    said = passing({f"box/{name}": {} for name in "gfedcba"})
    assert [text.partition(":")[0] for _, text in said] == [f"box/{name}" for name in "abcdefg"]


def test_what_is_in_the_way_is_looked_for_ever_less_often_until_it_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    passing = Passing(host_with({"box/t-b": {"owner": ""}}))
    monkeypatch.setattr("reconciler.watch.passes.time.monotonic", lambda: 100.0)
    pauses: list[float] = []
    for there in (True, True, True, False, True):
        passing.host.world.things.clear()
        passing.host = host_with({"box/t-b": {"owner": ""}} if there else {})
        passing(TWO)
        pauses.append(passing.passes.retry - 100.0)
    assert pauses == [1, 2, 4, math.inf, 1]


def test_what_cannot_go_because_others_stand_on_it_does_not_hold_up_the_rest() -> None:
    entries: Entries = {"ground/a": {}, "box/a": {"stands_on": ["ground/a"]}}
    passing = Passing(host_with({**entries, "box/x": {"owner": "", "stands_on": ["ground/a"]}}))
    blocked, *rest = passing({"ground/b": {}})
    assert blocked[0] == "blocked"
    assert blocked[1].startswith("ground/a: box x, which is not ours, stands on what is to go")
    assert sorted(rest) == [("mended", "box/a"), ("mended", "ground/b")]


def test_a_conflict_whose_key_is_secret_does_not_hold_up_the_rest_either() -> None:
    publish([Secret("hunter22")])
    entries: Entries = {"ground/hunter22": {}, "box/a": {"stands_on": ["ground/hunter22"]}}
    passing = Passing(host_with({**entries, "box/x": {"owner": "", "stands_on": ["ground/hunter22"]}}))
    blocked, *rest = passing({"ground/b": {}})
    assert blocked[1].startswith("ground/(secret): box x, which is not ours, stands on what is to go")
    assert sorted(rest) == [("mended", "box/a"), ("mended", "ground/b")]


def test_a_conflict_that_names_no_resource_is_not_got_around(monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[object] = []

    def refused(desired: object, *_: object, **__: object) -> None:
        tried.append(desired)
        raise Conflict("something is in the way")

    monkeypatch.setattr("reconciler.watch.one_pass.reconcile.apply", refused)
    with pytest.raises(Conflict, match="in the way"):
        Passing(MemoryHost())(TWO)
    assert len(tried) == 1


def test_a_pass_waits_for_another_run_and_says_for_whom() -> None:
    passing = Passing(MemoryHost(), lock_timeout=0.01)
    with locked("t", timeout=60), pytest.raises(Locked):
        passing({"box/a": {}})
    assert [each.what for each in passing.said] == [What.WAITING]
    assert f"for pid {os.getpid()} " in passing.said[0].text


def test_for_whom_a_pass_waits_is_told_once_however_often_it_tries() -> None:
    passing = Passing(MemoryHost(), lock_timeout=0.01)
    for told in (1, 0, 0):
        with locked("t", timeout=60), pytest.raises(Locked):
            passing({"box/a": {}})
        assert len(passing.said) == told


def test_a_pass_whose_turn_comes_when_the_file_says_something_else_does_nothing() -> None:
    passing = Passing(MemoryHost())
    begun = passing.begin({"box/a": {}})
    runs = threading.Thread(target=passing.passes.run, args=[begun], daemon=True)
    with locked("t", timeout=60):
        runs.start()
        passing.until(lambda: passing.said)
        passing.passes.renew(topology({"box/b": {}}))
    passing.until(lambda: not passing.passes.running)
    runs.join(60)
    assert (begun.report, begun.error, begun.looked, passing.heard) == (None, None, None, [])
    assert passing.steps == ["idle", "ended"]
    assert passing({"box/b": {}}) == [("mended", "box/b")]


WAITS: Entries = {"box/db": {}, "box/web": {"after": {"box/db": "healthy"}}, "box/c": {}, "ground/a": {}}


class Slow:
    """Passes over a host on which a wait for `box/db` lasts until it may end; the first one has come to that wait."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.passing, self.may_end, self.waits = Passing(MemoryHost()), threading.Event(), 0
        self.wait = KINDS["box"].wait
        monkeypatch.setattr(KINDS["box"], "wait", self._waited)
        failing(self.passing.host, "ground/a")
        self.first = self.begin()
        self.passing.until(lambda: self.first.in_hand == {ResourceKey.of("box/web")})

    def _waited(self, host: Host, steps: Sequence[Step]) -> Iterator[Result]:
        self.waits += 1
        yield Later(lambda: self._await(host, steps))

    def _await(self, host: Host, steps: Sequence[Step]) -> None:
        assert self.may_end.wait(60)
        for each in self.wait(host, steps):
            if isinstance(each, ReconcilerError):
                raise each

    def begin(self, more: Entries | None = None, *about: str) -> Pass:
        entries = {**WAITS, **(more or {})}
        begun = self.passing.begin(entries, around(entries, *about) if about else None)
        threading.Thread(target=self.passing.passes.run, args=[begun], daemon=True).start()
        return begun

    def ends(self, each: Pass) -> list[tuple[str, str]]:
        """Wait until a pass has ended, and return what was told meanwhile."""
        self.passing.said.clear()
        self.passing.until(lambda: each not in self.passing.passes.running)
        assert each.error is None
        return sorted(self.passing.heard)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    made = Slow(monkeypatch)
    yield made
    made.may_end.set()
    made.passing.until(lambda: not made.passing.passes.running)


def test_a_pass_that_waits_holds_up_no_other_and_what_waited_is_done_when_the_wait_is_over(slow: Slow) -> None:
    passes, first = slow.passing.passes, slow.first
    assert first.looked is not None
    assert first.looked + AFTER <= passes.room < first.looked + 60
    passes.forgive()
    beside = slow.begin({"ground/b": {}})
    assert passes.room == math.inf
    assert slow.ends(beside) == [("mended", "box/c"), ("mended", "ground/a"), ("mended", "ground/b")]
    assert (first.joined, beside.joined, slow.waits) == (True, False, 1)
    assert slow.passing.steps == ["busy", "planned", "busy", "planned", "ended"]
    slow.may_end.set()
    assert slow.ends(first) == [("mended", "box/db"), ("mended", "box/web")]
    assert slow.passing.steps[-2:] == ["idle", "ended"]
    assert slow.ends(slow.begin()) == [("mended", "ground/b")]
    assert passes.room == -math.inf


def test_while_others_wait_for_their_turn_no_pass_begins_beside_another_and_they_go_first(
    slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("reconciler.watch.passes.AFTER", 0)
    slow.first.looked = slow.first.began
    passes, waits, had = slow.passing.passes, threading.Event(), threading.Event()
    assert passes.room < time.monotonic()

    def other() -> None:
        with locked("t", timeout=60, waiting=lambda _: waits.set()):
            had.set()

    waiter = threading.Thread(target=other)
    waiter.start()
    assert waits.wait(60)
    for _ in range(2):
        now = time.monotonic()
        assert now < passes.room < now + 60
    slow.may_end.set()
    ended = time.monotonic()
    slow.ends(slow.first)
    assert ended < passes.room < math.inf
    assert had.wait(60)
    waiter.join(60)
    while passes.room > time.monotonic():
        time.sleep(0.01)


def test_what_was_done_beside_a_wait_is_told_as_mended_only_where_a_look_finds_it_at_rest(slow: Slow) -> None:
    world = slow.passing.host.world
    world.fall(next(number for number, each in world.things.items() if each.key.name == "c"))
    assert slow.ends(slow.begin()) == [("mended", "box/c")]
    assert len(slow.passing.done) == 3
    assert slow.ends(slow.begin()) == [("mended", "box/c")]


def test_what_fails_beside_a_wait_is_told_at_once_and_only_once(slow: Slow) -> None:
    slow.passing.until(lambda: slow.first.told)
    assert slow.passing.heard == [("failed", "ground/a")]
    assert slow.passing.passes.retry < math.inf
    slow.may_end.set()
    assert slow.ends(slow.first) == [("mended", "box/c"), ("mended", "box/db"), ("mended", "box/web")]


def test_what_waits_in_vain_is_told_as_a_failure_and_rests_with_what_waited(slow: Slow) -> None:
    slow.passing.host.world.unhealthy.add(ResourceKey.of("box/db"))
    slow.may_end.set()
    assert slow.ends(slow.first) == [("failed", "box/db"), ("mended", "box/c"), ("skipped", "box/web")]
    assert slow.passing.said[0].retry == 1
    assert slow.ends(slow.begin()) == []


def test_what_another_pass_does_anew_meanwhile_is_told_of_by_that_one_alone(slow: Slow) -> None:
    slow.passing.host.world.unhealthy.add(ResourceKey.of("box/db"))
    slow.passing.passes.forgive()
    on: Entries = {"box/x": {"stands_on": ["ground/a"]}}
    slow.ends(slow.begin(on))
    waits: Entry = {"stands_on": ["ground/a"], "after": {"box/db": "healthy"}}
    first = slow.begin({"box/x": {**waits, "color": "red"}})
    slow.passing.until(lambda: ResourceKey.of("box/x") in first.in_hand)
    (ground,) = (each for each in slow.passing.host.world.things.values() if str(each.key) == "ground/a")
    slow.passing.host.world.add(replace(ground, spec=replace(ground.spec, shape="square")))
    second = slow.begin({"box/x": {**waits, "color": "red"}})
    slow.passing.until(lambda: ResourceKey.of("box/x") in second.in_hand)
    slow.passing.said.clear()
    slow.may_end.set()
    slow.passing.until(lambda: not slow.passing.passes.running)
    assert sorted(each for each in slow.passing.heard if each[0] != "mended") == [
        ("failed", "box/db"),
        ("skipped", "box/x"),
    ]


def test_what_an_older_file_fails_at_or_leaves_unlike_itself_is_no_failure_and_is_tried_again(slow: Slow) -> None:
    slow.passing.host.world.unhealthy.add(ResourceKey.of("box/db"))
    slow.passing.until(lambda: slow.first.told)
    slow.passing.passes.renew(topology({**WAITS, "box/c": {"color": "red"}}))
    slow.passing.host.world.fall(next(n for n, each in slow.passing.host.world.things.items() if each.key.name == "c"))
    slow.may_end.set()
    assert slow.ends(slow.first) == []
    assert slow.passing.passes.retry == math.inf
    slow.passing.host.world.unhealthy.clear()
    slow.passing.host.world.failing.clear()
    assert [each for each in slow.ends(slow.begin()) if each[0] != "mended"] == []


def test_what_is_in_the_way_while_another_pass_is_under_way_is_told_only_if_it_stays(slow: Slow) -> None:
    (stranger,) = host_with({"box/t-x": {"owner": ""}}).world.things.values()
    slow.passing.host.world.add(replace(stranger, identity=99))
    assert slow.ends(slow.begin({"box/x": {}})) == [("mended", "box/c")]
    assert slow.passing.passes.retry < math.inf
    slow.may_end.set()
    slow.ends(slow.first)
    assert [what for what, _ in slow.ends(slow.begin({"box/x": {}}))] == ["blocked"]


def test_what_a_pass_has_unmade_is_told_when_it_is_gone(slow: Slow) -> None:
    slow.ends(slow.begin({"box/gone": {}}))
    slow.passing.passes.forgive()
    more = slow.begin({"box/d": {}, "box/e": {"after": {"box/db": "healthy"}}})
    slow.passing.until(lambda: more.in_hand == {ResourceKey.of("box/e")})
    assert slow.ends(slow.begin({"box/d": {}, "box/e": {"after": {"box/db": "healthy"}}})) == [
        ("mended", "box/d"),
        ("mended", "box/gone"),
        ("mended", "ground/a"),
    ]


# passes over a part


OTHERS: Entries = {**TWO, "box/c": {"stands_on": ["ground/a"]}}


def around(entries: Entries, *keys: str) -> Part:
    part = Parts(topology(entries), KINDS).around([ResourceKey.of(key) for key in keys])
    assert part
    return part


def lose(host: MemoryHost, *keys: str) -> None:
    for number, each in [*host.world.things.items()]:
        if str(each.key) in keys:
            host.world.fall(number)


def test_a_pass_over_a_part_mends_that_and_nothing_else() -> None:
    passing = Passing(MemoryHost())
    passing(OTHERS)
    passing.host.world.add(replace(next(iter(host_with({"box/old": {}}).world.things.values())), identity=99))
    lose(passing.host, "box/a", "box/b")
    assert passing(OTHERS, around(OTHERS, "ground/a")) == [("mended", "box/a")]
    assert passing.last.part
    assert sorted(passing(OTHERS)) == [("mended", "box/b"), ("mended", "box/old")]


def test_what_may_be_tried_again_is_looked_for_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    passing = Passing(MemoryHost())
    failing(passing.host, "box/b")
    passing(OTHERS)
    assert passing(OTHERS, around(OTHERS, "ground/a")) == []
    assert passing.last.part
    monkeypatch.setattr("reconciler.watch.passes.time.monotonic", lambda: passing.passes.retry)
    assert passing(OTHERS, around(OTHERS, "ground/a")) == [("mended", "box/b")]
    assert passing.last.part is None


def test_where_a_part_does_not_do_all_is_looked_at_and_what_was_in_the_way_elsewhere_still_is() -> None:
    passing = Passing(host_with({"box/t-b": {"owner": ""}}))
    passing(OTHERS)
    until = passing.passes.retry
    assert passing(OTHERS, around(OTHERS, "ground/a")) == []
    assert passing.passes.retry == until < math.inf
    assert passing.last.part
    assert passing({**OTHERS, "box/d": {}}, around({**OTHERS, "box/d": {}}, "box/b", "box/d")) == [("mended", "box/d")]
    assert passing.last.part is None


def test_what_goes_wrong_once_steps_may_have_begun_is_not_tried_in_another_way() -> None:
    def breaks() -> None:
        raise ReconcilerError("broken")

    passing = Passing(MemoryHost(), busy=breaks)
    with pytest.raises(ReconcilerError, match="broken"):
        passing(OTHERS, around(OTHERS, "ground/a"))
    assert passing.last.part


def test_a_dry_pass_looks_at_everything() -> None:
    passing = Passing(MemoryHost(), dry_run=True)
    assert len(passing(OTHERS, around(OTHERS, "box/b"))) == len(OTHERS)


def test_a_look_at_a_part_tells_nothing_of_what_is_outside(slow: Slow) -> None:
    beside = slow.begin({"ground/b": {}}, "ground/b")
    assert slow.ends(beside) == [("mended", "ground/b")]
    assert beside.part
    assert slow.ends(slow.begin({"ground/b": {}}, "box/c")) == [("mended", "box/c")]


def test_a_dry_pass_changes_nothing_and_tells_what_differs_once() -> None:
    passing = Passing(MemoryHost(), dry_run=True)
    assert sorted(passing({"box/a": {}})) == [("drift", "box/a")]
    assert passing({"box/a": {}}) == []
    assert sorted(passing({"box/a": {}, "box/b": {}})) == [("drift", "box/b")]
    assert not passing.host.world.things
    assert passing.steps == ["planned", "ended"] * 3


def test_a_dry_pass_tells_when_drift_is_over_and_when_it_is_another() -> None:
    passing = Passing(host_with({"box/a": {"color": "red"}, "box/old": {}}), dry_run=True)
    assert sorted(passing({"box/a": {}})) == [("drift", "box/a"), ("drift", "box/old")]
    assert {each.because for each in passing.said} == {("why",)}
    (thing,) = (each for each in passing.host.world.things.values() if each.key == A)
    passing.host.world.add(replace(thing, spec=replace(thing.spec, color="blue")))
    assert passing({"box/a": {}}) == [("drift", "box/a")]
    passing.host.world.add(replace(thing, spec=replace(thing.spec, color="grey")))
    lose(passing.host, "box/old")
    assert sorted(passing({"box/a": {}})) == [("over", "box/a"), ("over", "box/old")]
    assert passing.last.found
    assert passing({"box/a": {}}) == []
    assert not passing.last.found
    lose(passing.host, "box/a")
    assert passing({"box/a": {}}) == [("drift", "box/a")]


def test_drift_that_something_is_in_the_way_of_for_a_while_is_not_over() -> None:
    passing = Passing(host_with({"box/b": {}}), dry_run=True)
    assert passing({"box/a": {}, "box/b": {}}) == [("drift", "box/a")]
    (stranger,) = host_with({"box/t-a": {"owner": ""}}).world.things.values()
    passing.host.world.add(replace(stranger, identity=99))
    assert [what for what, _ in passing({"box/a": {}, "box/b": {}})] == ["blocked"]
    passing.host.world.fall(99)
    assert passing({"box/a": {}, "box/b": {}}) == []


def test_drift_of_what_is_out_of_sight_is_not_over(monkeypatch: pytest.MonkeyPatch) -> None:
    passing = Passing(host_with({"box/old": {}}), dry_run=True)
    assert passing({"ground/a": {}}) == [("drift", "box/old"), ("drift", "ground/a")]
    passing.host = passing.host.without_engine("gone")
    with monkeypatch.context() as patched:
        patched.setattr(KINDS["box"], "observe", _gone)
        assert passing({"ground/a": {}}) == []
    passing.host.world.things.clear()
    assert passing({"ground/a": {}}) == [("over", "box/old")]


def _gone(_: Any) -> Any:
    raise EngineUnreachable("gone")


def test_what_is_taken_from_another_file_of_the_same_name_is_told_before_once(monkeypatch: pytest.MonkeyPatch) -> None:
    for dry_run in (True, False):
        passing = Passing(host_with({"box/b": {}}), dry_run=dry_run)
        said: list[str] = ["box/b: made from /b.yaml: --name keeps the two apart"]
        monkeypatch.setattr("reconciler.reconcile.others.taken_from_others", lambda _, said=said: said)
        assert passing({"box/b": {}}) == [("warning", said[0])]
        assert passing({"box/b": {}}) == []
        said.clear()
        passing({"box/b": {}})
        said += ["box/g", "box/f", "box/e", "box/d", "box/c"]
        assert passing({"box/b": {}}) == [("warning", f"box/{name}") for name in "cdefg"]


def test_that_the_file_had_another_name_is_told_unless_the_watch_was_given_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reconciler.reconcile.others.made_before", lambda _: ["topology old was made from this file"])
    for named, told in ((False, [("warning", "topology old was made from this file")]), (True, [])):
        assert Passing(host_with({"box/b": {}}), named=named)({"box/b": {}}) == told


def test_a_dry_pass_needs_what_the_file_declares_in_reach(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(KINDS["box"], "observe", _gone)
    with pytest.raises(EngineUnreachable, match="gone"):
        Passing(MemoryHost(), dry_run=True)({"box/a": {}})


@pytest.mark.parametrize(
    ("outcomes", "left", "expected"),
    [
        ([Status.DONE], (), (What.MENDED, "")),
        ([Status.DONE], ("box/a",), (What.UNSETTLED, "all was done, and it differs all the same")),
        ([Status.FAILED], ("box/a",), (What.FAILED, "no")),
        ([Status.DONE, Status.SKIPPED], ("box/a",), (What.SKIPPED, "interrupted before its turn")),
        ([Status.NOT_NEEDED], (), None),
        ([Status.UNCHANGED], (), None),
    ],
)
def test_what_became_of_a_resource_is_told_in_one_word(
    outcomes: list[Status], left: tuple[str, ...], expected: tuple[What, str] | None
) -> None:
    (change,) = reconcile.prepare(topology({"box/a": {}}), MemoryHost(), kinds=KINDS).changes.pending
    made = plan(Changes(Topology("t"), Topology("t"), {}), kinds=KINDS)
    verbs = [Verb.DELETE, Verb.CREATE][-len(outcomes) :]
    found = tuple(
        Outcome(Step(StepKey(A, verb), change), status, StepFailed("no") if status is Status.FAILED else None)
        for verb, status in zip(verbs, outcomes, strict=True)
    )
    said = [*said_of(Report(made, found, remaining=tuple(replace(change, key=ResourceKey.of(key)) for key in left)))]
    assert [(each.what, each.text) for each in said] == ([expected] if expected else [])
    assert all(each.key == A for each in said)


def test_what_an_interruption_cuts_short_has_not_failed_and_is_not_said_to_be_tried_again() -> None:
    passing = Passing(MemoryHost())
    (change,) = reconcile.prepare(topology({"box/a": {}}), MemoryHost(), kinds=KINDS).changes.pending
    begun = passing.begin({"box/a": {}})
    passing.passes._noted(begun, Outcome(Step(StepKey(A, Verb.WAIT), change), Status.FAILED, Interrupted("cut short")))
    assert [(each.what, each.text, each.retry) for each in passing.said] == [(What.SKIPPED, "cut short", None)]
    assert passing.passes.retry == math.inf


def test_that_a_wait_is_over_is_no_news() -> None:
    (change,) = reconcile.prepare(topology({"box/a": {}}), MemoryHost(), kinds=KINDS).changes.pending
    made = plan(Changes(Topology("t"), Topology("t"), {}), kinds=KINDS)
    outcome = Outcome(Step(StepKey(A, Verb.WAIT), change), Status.DONE)
    assert [*said_of(Report(made, (outcome,)))] == []


# words


AT = datetime(2026, 1, 2, 3, 4, 5, 67890, UTC)


def test_what_is_told_is_one_line_with_time_key_and_reasons() -> None:
    (change,) = reconcile.prepare(
        topology({"box/a": {"color": "red"}}), host_with({"box/a": {}}), kinds=KINDS
    ).changes.pending
    said = Said(What.MENDED, "", change, 0.123, because=("a", "b", "c", "d"))
    assert said_lines(said, AT) == [
        "2026-01-02 03:04:05.067  mended     ~ box/a                        color: grey → red  (0.12 s)  (a; b; c; …)"
    ]
    failed = Said(What.FAILED, "refused:\n  | why", change, 0.1, retry=4.0, because=("a",))
    assert said_lines(failed, AT) == [
        f"{'2026-01-02 03:04:05.067  failed     ~ box/a':<65}  color: grey → red: refused:  (0.10 s)  (again in 4 s)  (a)",
        "      | why",
    ]
    assert said_lines(Said(What.ENGINE, "it answers"), AT) == ["2026-01-02 03:04:05.067  engine     it answers"]
    assert said_lines(Said(What.ENGINE), AT) == ["2026-01-02 03:04:05.067  engine     "]


def test_colours_tell_good_from_bad() -> None:
    style = Style(colour=True)
    assert "\x1b[32mmended" in said_lines(Said(What.MENDED), AT, style=style)[0]
    assert "\x1b[31mtrouble" in said_lines(Said(What.TROUBLE), AT, style=style)[0]


def test_what_is_told_is_one_json_object_as_well() -> None:
    (change,) = reconcile.prepare(
        topology({"box/a": {"color": "red"}}), host_with({"box/a": {}}), kinds=KINDS
    ).changes.pending
    assert said_json(Said(What.FAILED, "no", change, 0.12345, retry=1.0, because=("a",)), AT) == {
        "time": "2026-01-02T03:04:05.067+00:00",
        "what": "failed",
        "key": "box/a",
        "action": "update",
        "reason": "",
        "fields": {"color": {"observed": "grey", "desired": "red"}},
        "text": "no",
        "because": ["a"],
        "seconds": 0.123,
        "retry": 1.0,
    }
    assert said_json(Said(What.WATCHING, "t"), AT) == {
        "time": "2026-01-02T03:04:05.067+00:00",
        "what": "watching",
        "format_version": 1,
        "text": "t",
    }
    assert "text" not in said_json(Said(What.MENDED, change=change), AT)


def test_however_much_has_happened_at_once_a_line_holds_a_few_reasons_and_how_many_more_there_were() -> None:
    told = said_json(Said(What.MENDED, because=tuple(f"eth{number} is gone" for number in range(1000))), AT)
    assert told["because"] == [f"eth{number} is gone" for number in range(10)]
    assert told["because_more"] == 990


def test_secrets_are_told_as_digests_where_that_is_wanted() -> None:
    before: Entries = {"box/a": {"token": {"A": "old"}}}
    made = reconcile.prepare(topology({"box/a": {"token": {"A": "new"}}}), host_with(before), kinds=KINDS)
    said = Said(What.MENDED, change=made.changes.pending[0])
    assert said_json(said, AT)["fields"]["token.A"] == {
        "observed": "(secret)",
        "desired": "(secret)",
        "forces_replacement": True,
    }
    told = said_json(said, AT, hide=sealed(b"key"))["fields"]["token.A"]
    assert re.fullmatch(r"\(secret \w{8}\) \(secret \w{8}\)", f"{told['observed']} {told['desired']}")
    assert told["observed"] != told["desired"]
