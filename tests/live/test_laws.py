"""The laws on a real kernel and a real engine: from any topology to any other, beside things that are not ours."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings

from live import bystanders, snapshot
from live.drawing import kept, text, transitions
from live.lab import IMAGE, REQUIRED, Lab, busybox_tar, run
from live.likeness import likeness
from live.made_up import PAIRS, Entries, end_of
from live.witness import ip
from reconciler.host import Host

pytestmark = pytest.mark.live

MANY = os.environ.get("RECONCILER_TEST_ALL")
DOCKERFILE = f"FROM {IMAGE}\nARG N\nENV N=$N\nCOPY Dockerfile /here/\n"
WITHOUT_END = 10**9
NOWHERE = "unix:///nonexistent/docker.sock"
PHASES = [Phase.generate, Phase.shrink] if MANY else [Phase.generate]
"""Shrinking takes minutes."""
CHECKS = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]


@pytest.fixture(scope="session")
def root() -> None:
    if os.geteuid() != 0:
        pytest.fail("live tests must run here, and need root") if REQUIRED else pytest.skip("needs root")


@pytest.fixture(scope="module")
def kernel_as_before(root: None) -> Iterator[Callable[[], None]]:
    """Insists that the host is as it was, with what is not ours."""
    with bystanders.in_the_kernel():
        yield no_trace_in(None)


@pytest.fixture(scope="module")
def as_before(root: None, engine: Any, image: str) -> Iterator[Callable[[], None]]:
    with bystanders.in_the_kernel(), bystanders.in_the_engine(engine):
        yield no_trace_in(engine)


def no_trace_in(engine: Any | None) -> Callable[[], None]:
    before = snapshot.at_rest(engine)

    def insist() -> None:
        assert snapshot.differences(before, snapshot.settled(before, engine)) == {}

    return insist


@settings(max_examples=300 if MANY else 25, phases=PHASES, suppress_health_check=CHECKS)
@given(transitions())
def test_in_the_kernel_any_topology_becomes_any_other(
    kernel_as_before: Callable[[], None], transition: tuple[Entries, Entries]
) -> None:
    with lab(NOWHERE) as made:
        becomes(made, *transition)
    kernel_as_before()


@settings(max_examples=100 if MANY else 12, phases=PHASES, suppress_health_check=CHECKS)
@given(transitions())
def test_in_the_kernel_going_back_restores_what_was(
    kernel_as_before: Callable[[], None], transition: tuple[Entries, Entries]
) -> None:
    with lab(NOWHERE) as made:
        goes_back(made, *transition)
    kernel_as_before()


@settings(
    max_examples=WITHOUT_END if MANY == "forever" else 60 if MANY else 5, phases=PHASES, suppress_health_check=CHECKS
)
@given(transitions(engine=True))
def test_any_topology_becomes_any_other(as_before: Callable[[], None], transition: tuple[Entries, Entries]) -> None:
    with lab() as made:
        becomes(made, *transition, engine=True)
    as_before()


@settings(max_examples=30 if MANY else 4, phases=PHASES, suppress_health_check=CHECKS)
@given(transitions(engine=True))
def test_going_back_restores_what_was(as_before: Callable[[], None], transition: tuple[Entries, Entries]) -> None:
    with lab() as made:
        goes_back(made, *transition)
    as_before()


def goes_back(made: Lab, before: Entries, after: Entries) -> None:
    """Apply one, and then the other with a step that fails: all is again as it was."""
    made.apply(written(made, without_commands(before)))
    failing = {**without_commands(after), "namespaces/bad": {"exec": ["exit 3"]}}
    report = made.attempt(written(made, failing), revert=True)
    assert [str(each.step.key.key) for each in report.failed] == ["exec/bad"]
    assert report.reverted
    errors = [f"{each.step.key}: {each.error}" for each in report.reverted.failed]
    left = [f"{each.key} {each.action} {each.reason} {each.fields}" for each in report.reverted.remaining]
    assert report.reverted.converged, "\n".join(errors + left)
    assert made.tells(written(made, without_commands(before))) == {}


def without_commands(entries: Entries) -> Entries:
    """What was run is not run again on the way back: no host remembers the commands, or that a job was one."""
    kept = {key: {name: each for name, each in entry.items() if name != "exec"} for key, entry in entries.items()}
    return {
        key: {**each, "state": "created"} if each.get("state") == "completed" else each for key, each in kept.items()
    }


@contextmanager
def lab(engine_url: str = "") -> Iterator[Lab]:
    with tempfile.TemporaryDirectory() as folder:
        made = Lab(Path(folder))
        if engine_url:
            made.host = Host(engine_url=engine_url)
        else:
            made.folder.joinpath("root.tar").write_bytes(busybox_tar())
            made.folder.joinpath("context").mkdir()
            made.folder.joinpath("context", "Dockerfile").write_text(DOCKERFILE)
        run("ip", "link", "add", f"{made.name}p", "type", "veth", "peer", "name", f"{made.name}q")
        try:
            yield made
        finally:
            report = made.destroy()
            run("ip", "link", "delete", f"{made.name}p")
            assert report.converged, [str(each.error) for each in report.failed] or report.remaining


def becomes(made: Lab, before: Entries, after: Entries, *, engine: bool = False) -> None:
    """Apply one, the other, and the first again: all rest, what is equal is left alone, and it is as if made afresh."""
    first = applied(made, before, engine=engine)
    with ExitStack() as pinned:
        was = identities(made, before, pinned)
        second = applied(made, after, engine=engine)
        now = identities(made, after, pinned)
    same = kept(before, after)
    assert {key: now[key] for key in same} == {key: was[key] for key in same}
    event(f"kept: {len(same)} of {len(before)}")
    assert unlike(first, applied(made, before, engine=engine)) == "", "the way back"
    made.destroy()
    assert unlike(second, applied(made, after, engine=engine)) == "", "afresh"


def unlike(some: Any, other: Any, at: str = "") -> str:
    """Tell where two likenesses differ; empty where they do not."""
    if not isinstance(some, dict) or not isinstance(other, dict):
        return "" if some == other else f"{at}: {some} and {other}\n"
    return "".join(unlike(some.get(each), other.get(each), f"{at} {each}") for each in sorted({*some, *other}))


def applied(made: Lab, entries: Entries, *, engine: bool) -> dict[str, Any]:
    """Apply a topology and tell what it is like."""
    text = written(made, entries)
    made.apply(text)
    return likeness(made, text, engine=engine)


def written(made: Lab, entries: Entries) -> str:
    return text(entries).replace("@", made.name)


def identities(made: Lab, entries: Entries, pinned: ExitStack) -> dict[str, Any]:
    """What each of a topology's things keeps as long as nobody makes it anew or restarts it."""
    return {key: _IDENTITIES[key.partition("/")[0]](made, key, entries, pinned) for key in entries}


def _of_namespace(made: Lab, key: str, _: Entries, pinned: ExitStack) -> int:
    fd = os.open(f"/run/netns/{made.name}-{key[-1]}", os.O_RDONLY)
    pinned.callback(os.close, fd)  # lest its number be given to another
    return os.fstat(fd).st_ino


def _of_bridge(made: Lab, key: str, entries: Entries, _: ExitStack) -> int:
    name = key.partition("/")[2]
    inside = entries[key].get("namespace")
    where = {"netns": f"{made.name}-{inside}"} if inside else {}
    return _index(name if inside else f"{made.name}-{name}", **where)[0]


def _of_veth(made: Lab, key: str, entries: Entries, _: ExitStack) -> list[tuple[int, int]]:
    found = []
    for kind, node, interface in map(end_of, PAIRS[key.partition("/")[2]]):
        if kind == "host":
            found.append(_index(interface.replace("@", made.name)))
        elif kind == "namespace":
            found.append(_index(interface, netns=f"{made.name}-{node}"))
        elif kind == "container":
            pid = _inspected(made, node, entries)["State"]["Pid"]
            found.append(_index(interface, pid=pid))
    return found


def _index(name: str, **where: Any) -> tuple[int, int]:
    (found,) = (each for each in ip("link", "show", **where) if each["ifname"] == name)
    return found["ifindex"], found.get("link_index", 0)


def _of_container(made: Lab, key: str, entries: Entries, _: ExitStack) -> tuple[str, str]:
    found = _inspected(made, key[-1], entries)
    return found["Id"], found["State"]["StartedAt"]


def _inspected(made: Lab, name: str, entries: Entries) -> dict[str, Any]:
    live = entries[f"containers/{name}"].get("container_name", f"@-{name}").replace("@", made.name)
    found: dict[str, Any] = made.host.engine.api.inspect_container(live)
    return found


_IDENTITIES = {
    "namespaces": _of_namespace,
    "bridges": _of_bridge,
    "veths": _of_veth,
    "containers": _of_container,
    "networks": lambda made, key, *_: made.host.engine.api.inspect_network(f"{made.name}-{key[-2:]}")["Id"],
    "volumes": lambda made, key, *_: made.host.engine.api.inspect_volume(f"{made.name}-{key[-2:]}")["CreatedAt"],
    "images": lambda *_: None,
    "host": lambda *_: None,
}
