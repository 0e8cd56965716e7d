"""The engine restarts in the midst of an apply, and a start that fails at the last moment: the next apply finishes."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Callable, Iterator
from typing import Any

import docker.errors
import pytest

from live.boxes import alone, endpoint, inspect, lan, life, text
from live.daemon import BRIDGE, Daemon
from live.lab import Lab, busybox_tar, run
from reconciler import reconcile
from reconciler.host import Host
from reconciler.kinds import kinds
from reconciler.model import Outcome, ResourceKey, Status, Step
from reconciler.reconcile import Options, Progress

pytestmark = pytest.mark.live

SUBNET = "10.239.0.0/24"


@pytest.fixture
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    made = Daemon(tmp_path_factory.mktemp("d"))
    run("ip", "link", "add", BRIDGE, "type", "bridge")
    run("ip", "address", "add", "10.238.0.1/24", "dev", BRIDGE)
    try:
        made.start()
        yield made
        made.close()
    finally:
        run("ip", "link", "delete", BRIDGE)


@pytest.fixture
def elsewhere(lab: Lab, daemon: Daemon) -> Iterator[Lab]:
    """A lab on that engine."""
    direct = lab.host
    lab.host = Host(engine_url=daemon.url, wait_timeout=60, kill=True)
    (lab.folder / "busybox.tar").write_bytes(busybox_tar())
    yield lab
    assert lab.destroy().converged
    lab.host = direct


@pytest.mark.parametrize(("end", "after"), [(Daemon.kill, 2), (Daemon.kill, 7), (Daemon.stop, 7)])
def test_an_engine_that_ends_and_is_started_again_is_waited_for(
    elsewhere: Lab, daemon: Daemon, end: Callable[[Daemon], None], after: int
) -> None:
    boxes = {f"box{number}": alone(image="made", network_mode=None, networks=["lan"]) for number in range(5)}
    file = text(boxes, images={"made": {"import": {"path": "busybox.tar"}}}, networks={"lan": lan(SUBNET)})
    ended: list[Outcome] = []

    def restart(outcome: Outcome) -> None:
        ended.append(outcome)
        if len(ended) == after:
            end(daemon)
            daemon.start()

    desired = elsewhere.load(file)
    report = reconcile.apply(
        desired, elsewhere.host, kinds=kinds(), options=Options(jobs=2), progress=Progress(ended=restart)
    )
    assert daemon.starts == 2
    for each in report.failed:
        assert str(each.error).startswith(f"{each.step.key.key}: ")
        said = str(each.error)
        # An engine that is stopped stops its containers, and kills those that do not listen yet.
        stopped = end is Daemon.stop and re.search(
            "it (ends right after|has ended since) its start, with exit code (143|137)", said
        )
        assert stopped or "engine" in said or "container" in said
    stuck = elsewhere.attempt(file).failed  # an engine that was killed in the midst of a start can never start it
    for each in stuck:
        assert re.search(r"AlreadyExists: task|task \S+ already exists", str(each.error))
        assert "make it anew with --replace container/" in str(each.error)
    elsewhere.apply(file, replace=tuple(ResourceKey("container", each.step.key.key.name) for each in stuck))


def test_a_port_taken_between_the_plan_and_the_start_is_named_and_the_container_keeps_its_network(
    lab: Lab, image: str
) -> None:
    web = alone(network_mode=None, networks=["lan"], ports=["127.0.0.1:18981:80"])
    file = text({"web": web, "other": alone()}, networks={"lan": lan(SUBNET)})
    with contextlib.ExitStack() as stack:

        def take(step: Step) -> None:
            if str(step.key.key) == "process/web":
                stack.enter_context(socket.create_server(("127.0.0.1", 18981)))

        report = reconcile.apply(lab.load(file), lab.host, kinds=kinds(), progress=Progress(started=take))
        (failed,) = report.failed
        assert str(failed.step.key.key) == "process/web"
        assert "address already in use" in str(failed.error)
        assert f"POST /containers/{lab.name}-web/start: 500" in str(failed.error)
        assert "stop it, or publish another port" in str(failed.error)
        others = [each.status for each in report.outcomes if each is not failed]
        assert set(others) == {Status.DONE}
    lab.apply(file)
    assert f"{lab.name}-lan" in inspect(lab, "web")["NetworkSettings"]["Networks"]


def test_what_a_connect_that_failed_leaves_behind_is_no_endpoint_and_is_connected_anew(
    lab: Lab, image: str, engine: Any
) -> None:
    address, name = "10.239.0.9", f"{lab.name}-thief"
    entry = alone(network_mode=None, networks={"other": {}, "lan": {"ipv4_address": address}})
    file = text({"web": entry, "calm": alone()}, networks={"lan": lan(SUBNET), "other": lan("10.239.1.0/24")})
    lab.apply(file)
    before = life(lab, "web", "calm")
    engine.disconnect_container_from_network(f"{lab.name}-web", f"{lab.name}-lan")
    run(
        "docker",
        "run",
        "-d",
        "--init",
        "--name",
        name,
        "--network",
        f"{lab.name}-lan",
        "--ip",
        address,
        image,
        "sleep",
        "99",
    )
    try:
        with pytest.raises(docker.errors.APIError, match="Address already in use"):
            engine.connect_container_to_network(f"{lab.name}-web", f"{lab.name}-lan", ipv4_address=address)
        told = endpoint(lab, "web", "lan")
        assert (told["EndpointID"], told["IPAMConfig"]["IPv4Address"]) == ("", address)
    finally:
        engine.remove_container(name, force=True)
    assert lab.tells(file) == {"connect/web--lan": ("create", frozenset())}
    lab.apply(file)
    assert endpoint(lab, "web", "lan")["IPAddress"] == address
    assert life(lab, "web", "calm") == before
