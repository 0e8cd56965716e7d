"""Published ports: every form, what holds a port of the host, and who gives it to whom."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from live.boxes import C, Json, R, alone, box, inspect, lan, text
from live.lab import IMAGE, Lab
from reconciler.errors import Conflict, Usage
from reconciler.host.marks import ID, Mark
from reconciler.model import Action, ResourceKey

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("image")]

NETWORKS = {"lan": lan("10.230.97.0/24")}
FORMS: list[tuple[object, str, list[tuple[str, str]]]] = [
    (18301, "18301/tcp", [("", "")]),
    ("18302:80", "80/tcp", [("", "18302")]),
    ("127.0.0.1:18303:80", "80/tcp", [("127.0.0.1", "18303")]),
    ("127.0.0.1::80", "80/tcp", [("127.0.0.1", "")]),
    ("[::1]:18304:80", "80/tcp", [("::1", "18304")]),
    ("18305:53/udp", "53/udp", [("", "18305")]),
    ("18306-18307:90-91", "91/tcp", [("", "18307")]),
    ("18308-18312:80", "80/tcp", [("", "18308-18312")]),
    ({"target": 80, "published": 18313, "host_ip": "127.0.0.1"}, "80/tcp", [("127.0.0.1", "18313")]),
    ({"target": "80", "published": "18314-18316"}, "80/tcp", [("", "18314-18316")]),
    ({"target": 53, "protocol": "udp"}, "53/udp", [("", "")]),
    ("0.0.0.0:18317:80", "80/tcp", [("0.0.0.0", "18317")]),
    ("[::]:18317:80", "80/tcp", [("::", "18317")]),
]


def web(**attributes: object) -> Json:
    return box(command=["httpd", "-f", "-h", "/www"], networks=["lan"], **attributes)


def get(port: int, address: str = "127.0.0.1") -> bytes:
    connection = http.client.HTTPConnection(address, port, timeout=3)
    try:
        connection.request("GET", "/")
        return connection.getresponse().read()
    finally:
        connection.close()


def test_every_form_is_applied_and_taken_out_again(lab: Lab) -> None:
    bare = text({"box": box(networks=["lan"])}, networks=NETWORKS)
    published = text({"box": box(networks=["lan"], ports=[form for form, *_ in FORMS])}, networks=NETWORKS)
    lab.apply(bare)
    paths = frozenset(f"ports.{port}" for _, port, _ in FORMS)
    assert lab.tells(published)["container/box"] == (R, paths | {"ports.90/tcp"})
    lab.apply(published)
    found = inspect(lab, "box")["HostConfig"]["PortBindings"]
    for _, port, bindings in FORMS:
        assert set(bindings) <= {(each["HostIp"], each["HostPort"]) for each in found[port]}
    assert lab.tells(bare)["container/box"] == (R, paths | {"ports.90/tcp"})
    lab.apply(bare)


def test_a_published_port_answers_on_the_host(lab: Lab) -> None:
    file = text({"web": web(ports=["127.0.0.1:18320:80"])}, networks=NETWORKS)
    lab.apply(file)
    assert get(18320) == b"hello\n"
    assert dict(lab.live(file, "process/web")["ports"])["80/tcp"] == ("127.0.0.1:18320",)


def test_both_versions_of_one_port_may_be_two_containers(lab: Lab) -> None:
    entries = {"a": web(ports=["0.0.0.0:18332:80"]), "b": web(ports=["[::]:18332:80"])}
    lab.apply(text({"a": entries["a"]}, networks=NETWORKS))
    lab.apply(text(entries, networks=NETWORKS))
    assert get(18332) == b"hello\n"
    assert get(18332, "::1") == b"hello\n"


def test_a_port_moves_from_one_container_to_another(lab: Lab) -> None:
    lab.apply(text({"a": web(ports=["18323:80"]), "b": web()}, networks=NETWORKS))
    lab.apply(text({"a": web(), "b": web(ports=["18323:80"])}, networks=NETWORKS))
    lab.apply(text({"b": web(ports=["18323:80"], state="stopped"), "c": web(ports=["18324:80"])}, networks=NETWORKS))


MARKED = Mark("rv", ResourceKey("container", "web")).labels()


@pytest.mark.parametrize(
    ("labels", "whose"),
    [({}, "not ours"), (MARKED, "not ours"), (MARKED | {ID: "7"}, "of topology rv")],
    ids=["nobody's", "with a mark as anybody writes it", "of another topology"],
)
def test_a_port_that_a_foreign_container_publishes_is_a_conflict(lab: Lab, labels: dict[str, str], whose: str) -> None:
    api, name = lab.host.engine.api, f"{lab.name}-foreign"
    host_config = {"PortBindings": {"80/tcp": [{"HostPort": "18325"}]}, "Init": True}
    body = {"Image": IMAGE, "Cmd": ["sleep", "99"], "ExposedPorts": {"80/tcp": {}}, "HostConfig": host_config}
    body["Labels"] = labels
    made = api.create_container_from_config(body, name)["Id"]
    try:
        api.start(made)
        with pytest.raises(
            Conflict, match=rf"process/web: host port 18325/tcp is held by container {name}, which is {whose}:"
        ):
            lab.plan(text({"web": web(ports=["18325:80"])}, networks=NETWORKS))
        with pytest.raises(Usage, match="process/web: a process goes with its container, which alone can be adopted"):
            lab.plan(text({"web": web(ports=["18325:80"])}, networks=NETWORKS), adopt=(ResourceKey("process", "web"),))
        assert lab.tells(text({"web": web(ports=["18326:80"])}, networks=NETWORKS))["container/web"][0] == C
    finally:
        api.remove_container(made, force=True)


@pytest.mark.parametrize(
    ("address", "published", "taken"),
    [("127.0.0.1", "18327:80", True), ("127.0.0.1", "127.0.0.2:18327:80", False), ("::", "18327:80", True)],
)
def test_a_port_at_which_a_process_listens_is_a_conflict(lab: Lab, address: str, published: str, taken: bool) -> None:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, 18327))
        listener.listen()
        file = text({"web": web(ports=[published])}, networks=NETWORKS)
        if taken:
            me = rf"process {Path('/proc/self/comm').read_text().strip()} \(pid {os.getpid()}\) at \S+:18327/tcp"
            with pytest.raises(Conflict, match=rf"^process/web: host port \S+ is held by {me}, which is not ours: "):
                lab.plan(file)
        else:
            assert lab.tells(file)["container/web"][0] == C


def test_a_port_that_is_taken_at_the_last_moment_is_told_and_the_next_run_finishes(lab: Lab) -> None:
    file = text({"web": web(ports=["127.0.0.1:18328:80"], depends_on=["slow"]), "slow": alone()}, networks=NETWORKS)
    plan = lab.plan(file)
    assert plan.steps
    lab.apply(text({"web": web(ports=["127.0.0.1:18328:80"], state="created"), "slow": alone()}, networks=NETWORKS))
    script = "import socket,sys; s=socket.create_server(('127.0.0.1', 18328)); print('x', flush=True); sys.stdin.read()"
    taker = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert taker.stdout
        taker.stdout.read(1)
        with pytest.raises(Exception, match=r"start|bind|in use|allocated"):
            lab.host.engine.api.start(f"{lab.name}-web")
    finally:
        taker.communicate()
    lab.apply(file)
    assert get(18328) == b"hello\n"


def test_a_port_on_which_the_host_chose_to_publish_gives_way_to_a_declared_one(lab: Lab) -> None:
    lab.apply(text({"a": web(ports=["127.0.0.1::80"])}, networks=NETWORKS))
    chosen = inspect(lab, "a")["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"]
    file = text({"a": web(ports=["127.0.0.1::80"]), "b": web(ports=[f"127.0.0.1:{chosen}:80"])}, networks=NETWORKS)
    assert lab.tells(file)["process/a"][0] == Action.REPLACE
    lab.apply(file)
    assert get(int(chosen)) == b"hello\n"


def test_a_port_of_sctp_is_published_or_the_host_is_said_to_have_no_sctp(lab: Lab) -> None:
    report = lab.attempt(text({"web": web(ports=["127.0.0.1:18329:80/sctp"])}, networks=NETWORKS))
    if has_sctp():
        assert report.converged
        assert inspect(lab, "web")["NetworkSettings"]["Ports"] == {
            "80/sctp": [{"HostIp": "127.0.0.1", "HostPort": "18329"}]
        }
        return
    (failed,) = report.failed
    assert str(failed.error).startswith("process/web: it does not start: ")
    assert str(failed.error).endswith("(this host has no sctp: `modprobe sctp`, or take the port out)")
    lab.apply(text({"web": web()}, networks=NETWORKS))


def has_sctp() -> bool:
    """Tell whether the engine's proxy can listen."""
    try:
        socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_SCTP).close()
    except OSError:
        return False
    return True
