"""A lab whose engine is behind a proxy that lets calls go wrong, and what must hold then."""

from __future__ import annotations

import operator
import os
import random
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import networkx

from live.lab import Lab
from live.proxy import CARRIED_OUT, SAYS, STATUSES, Fault, Proxy, without_ids
from reconciler.errors import ReconcilerError
from reconciler.host import Host
from reconciler.kinds import kinds
from reconciler.model import Report, Status
from reconciler.reconcile import destroy

MANY = bool(os.environ.get("RECONCILER_TEST_ALL"))
ENGINE_TIMEOUT, PATIENCE = 4.0, 0.7
Case = tuple[str, Fault]
Counts = Mapping[str, int]


@dataclass(frozen=True)
class Journey:
    """What there is before, and what is applied then, or nothing: then it is destroyed. LAB is the lab's name."""

    before: str
    after: str


class Door:
    """A lab whose engine is behind a proxy."""

    def __init__(self, lab: Lab, proxy: Proxy, engine: Any) -> None:
        self.lab, self.proxy, self.engine = lab, proxy, engine
        self.nameless = nameless(engine)
        self.text = self.declared = ""

    def left(self) -> list[str]:
        """What there is that has the lab's name, and images without a name that there were not before."""
        names = [
            *(each["Names"][0] for each in self.engine.containers(all=True)),
            *(each["Name"] for each in (*self.engine.networks(), *self.engine.volumes()["Volumes"])),
            *(tag for each in self.engine.images(all=True) for tag in each["RepoTags"] or ()),
        ]
        found = [each for each in names if self.lab.name in each]
        return found + [each for each in nameless(self.engine) if each not in self.nameless]

    def attempt(self, engine_timeout: float = ENGINE_TIMEOUT) -> Report:
        """Apply through the proxy, over a new connection, as every run of the command has."""
        self.lab.host.close()
        self.lab.host = Host(
            engine_url=self.proxy.url, engine_timeout=engine_timeout, patience=PATIENCE, wait_timeout=60
        )
        if self.text:
            return self.lab.attempt(self.text)
        return destroy(self.lab.load(self.declared), self.lab.host, kinds=kinds(), volumes=True, images=True)

    def begin(self, journey: Journey) -> None:
        """Be at the beginning of a journey."""
        self.proxy.disarm()
        insist(self.lab.destroy())
        if journey.before:
            self.text = self.declared = journey.before.replace("LAB", self.lab.name)
            insist(self.attempt())
        self.text = journey.after.replace("LAB", self.lab.name)


def insist(report: Report) -> None:
    """See that it all went well, and else why not."""
    assert report.converged, [*(str(each.error) for each in report.failed), *map(str, report.remaining)]


def nameless(engine: Any) -> list[str]:
    return sorted(each["Id"] for each in engine.images(all=True, filters={"dangling": True}))


ENDLESS = ("/events", "/wait")
"""A slow answer is handed on when it is whole, which these are not for as long as anything runs."""


def heard(door: Door) -> Counts:
    """The calls of an apply that goes well, in order, and how often each was sent."""
    door.proxy.arm("", Fault.SLOW, once=True)
    insist(door.attempt())
    return Counter(door.proxy.calls)


STILL_THERE = ("still on it: disconnect it with", "still runs it: remove that first", "is already in use by container")
"""What is said of things that are in the way and that nobody saw: they were not removed first."""
UNSTEADY = ("/images/ID", "/images/ID/json")
"""Whether an image goes with its last name or after it depends on which of those that share its layers goes first."""


def makes_sense(call: str, fault: Fault, journey: Journey) -> bool:
    """What a look is told not to be there is taken to be gone: to what stands on it, it is still in the way."""
    if fault is Fault.MISSING and not journey.after:
        return not call.startswith("GET ")
    return fault is not Fault.SLOW or not call.endswith(ENDLESS)


def cases(journey: Journey, calls: Iterable[str], seed: int, faults: int) -> list[Case]:
    """Every call with every fault, or a sample of so many faults, each with a call."""
    every = [(call, fault) for call in calls for fault in Fault if makes_sense(call, fault, journey)]
    if MANY:
        return every
    chance = random.Random(seed)
    return [chance.choice([each for each in every if each[1] is fault]) for fault in chance.sample([*Fault], faults)]


def wrong(door: Door, journey: Journey, calls: Counts, seed: int, faults: int = len(Fault)) -> list[str]:
    """What is not as it must be when calls of a journey fail: all of them, or a sample of so many faults."""
    found = []
    for call, fault in cases(journey, calls, seed, faults):
        door.begin(journey)
        try:
            goes_wrong(door, call, fault, calls[call])
            assert journey.after or door.left() == [], "something is left"
        except AssertionError as error:
            found.append(f"{call}: {fault}: {error}")
            print(found[-1])  # noqa: T201 - whole, and also where the rest is never looked at
    return found


def goes_wrong(door: Door, call: str, fault: Fault, times: int) -> None:
    """Let a call fail, see what is said of it and what is done besides, and that the next apply finishes."""
    reads = call.startswith("GET")
    door.proxy.arm(call, fault, once=not reads)
    errors, report = attempted(door)
    sent = list(door.proxy.calls)
    door.proxy.disarm()
    assert door.proxy.hit or call.endswith(UNSTEADY), "it was not called"
    if errors:
        assert fault is not Fault.SLOW, errors
        told = [is_told(each, call, fault, door.lab.name) for each in errors]
        lied = fault is Fault.MISSING  # what is there is taken to be gone
        after = [(reads or lied) and any(words in str(each) for words in STILL_THERE) for each in errors]
        assert any(told) or (lied and (reads or all(after))), list(map(str, errors))
        assert all(map(operator.or_, told, after)), list(map(str, errors))
        assert {each.exit_code for each in errors} <= {1, 5}
    if report:
        assert_each_failure_has_its_resource(report)
        assert_the_rest_is_done(report)
        if fault is not Fault.MISSING or errors:  # what is said to be gone, and is there, is what remains
            assert bool(errors) != report.converged, report.remaining
    else:
        assert reads, "what is written is of a step, and the step is of a report"
    if fault in CARRIED_OUT and not reads:
        assert sent.count(call) <= times + (MORE if call.endswith(SAME_AGAIN) else 0), "it was sent twice"
    insist(door.attempt())
    assert door.attempt().outcomes == ()


def attempted(door: Door) -> tuple[list[ReconcilerError], Report | None]:
    """Apply; what went wrong before the first step is an error as well."""
    try:
        report = door.attempt()
    except ReconcilerError as error:
        return [error], None
    return [*(each.error for each in report.failed if each.error), *report.unseen], report


def assert_each_failure_has_its_resource(report: Report) -> None:
    """A step's error begins with the key; what a look did not get to see still differs, by its key, for all we know."""
    for each in report.failed:
        assert str(each.error).startswith(f"{each.step.key.key}: "), str(each.error)
    if report.unseen:
        remaining = {each.key for each in report.remaining}
        unseen = {each.kind for each in remaining if "engine" in kinds()[each.kind].uses}
        assert unseen
        assert {each.key for each in report.plan.changes.pending if each.key.kind in unseen} <= remaining


def is_told(error: ReconcilerError, call: str, fault: Fault, name: str) -> bool:
    """Tell whether an error names the call and the cause, in words of ours."""
    said = without_ids(str(error)).replace(name, "LAB")
    cause = SAYS if fault in STATUSES else r"the engine (did not answer|was silent)|the connection to the engine broke"
    return bool(call in said and re.search(cause, said))


SAME_AGAIN, MORE = ("/volumes/create", "/tag", "/exec", "/update"), 3
"""What makes no difference the second time, and how often it may be sent more."""


def assert_the_rest_is_done(report: Report) -> None:
    """What does not depend on a failed step is done."""
    graph, failed = report.plan.graph, [each.step.key for each in report.failed]
    behind = {key for each in failed for key in networkx.descendants(graph, each)}
    for each in report.outcomes:
        if each.step.key not in failed:
            wanted = {Status.SKIPPED} if each.step.key in behind else {Status.DONE, Status.UNCHANGED}
            assert each.status in wanted, (each.step.key, each.status)
