"""An observation inspects many containers at once, and no more of them than it says."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingUnixStreamServer
from typing import Any

import pytest
from fake_engine import PONG, FakeEngine

from reconciler.host import Host
from reconciler.host.engine_scope import INSPECTS, EngineScope, own_labels_of
from reconciler.host.marks import ID, Mark
from reconciler.model import ResourceKey, Topology

CONTAINERS = 20
LONG, SHORT = 5.0, 0.2
"""Seconds for which an inspection waits for as many others as there are to be, and for one more than that."""


class Engine(ThreadingUnixStreamServer):
    """An engine that answers an inspection when as many are under way as there are to be, and counts them."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, path: Path) -> None:
        self.under_way = self.most = self.answered = 0
        self.changed = threading.Condition()
        super().__init__(str(path), _Call)

    def inspect(self) -> None:
        """Be one of those under way, for a while."""
        with self.changed:
            self.under_way += 1
            self.most = max(self.most, self.under_way)
            self.changed.notify_all()
            self.changed.wait_for(lambda: self.most >= INSPECTS, LONG)
            if not self.answered:
                self.changed.wait_for(lambda: self.most > INSPECTS, SHORT)
            self.under_way -= 1
            self.answered += 1


class _Call(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Engine

    def do_GET(self) -> None:
        path = self.path.partition("?")[0].split("/")
        if path[-1] == "_ping":
            self._answer("OK")
        elif path[-2:] == ["containers", "json"]:
            self._answer([_row(number) for number in range(CONTAINERS)])
        else:
            self.server.inspect()
            self._answer({"Name": "host"} if path[-1] == "info" else _inspection(int(path[-2])))

    def _answer(self, content: Any) -> None:
        body = json.dumps(content).encode()
        self.send_response(200)
        self.send_header("Api-Version", "1.41")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def address_string(self) -> str:
        return "a test"

    def log_request(self, code: object = "", size: object = "") -> None:
        """Say nothing."""


RUNNING = {"State": {"Status": "running"}}


def _labels(number: int) -> dict[str, str]:
    return {**Mark("t", ResourceKey("container", f"box{number}")).labels(), ID: str(number)}


def _row(number: int) -> dict[str, Any]:
    return {"Id": str(number), "Names": [f"/t-box{number}"], "Labels": _labels(number)}


def _inspection(number: int) -> dict[str, Any]:
    of_ours = {"Config": {"Labels": _labels(number)}, "HostConfig": {"ContainerIDFile": str(number)}}
    return {"Id": str(number), "Name": f"/t-box{number}", **RUNNING, **of_ours}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with Engine(tmp_path / "engine.sock") as served:
        threading.Thread(target=served.serve_forever, daemon=True).start()
        yield served
        served.shutdown()


def test_the_inspections_of_many_containers_overlap_and_each_is_made_once(engine: Engine, tmp_path: Path) -> None:
    scope = EngineScope(Host(engine_url=f"unix://{tmp_path}/engine.sock"), Topology("t"))
    assert list(scope.containers) == [str(number) for number in range(CONTAINERS)], "in the order of the list"
    assert scope.info == {"Name": "host"}
    assert engine.answered == CONTAINERS + 1, "what the engine says of itself is asked beside them, once"
    assert engine.most == INSPECTS


def test_of_the_others_only_those_are_inspected_whose_network_one_of_ours_shares(tmp_path: Path) -> None:
    modes = {"1": "container:theirs", "2": "container:theirs", "3": "container:gone", "4": "container:1", "5": "none"}
    theirs = {"Id": "theirs", "Name": "/theirs", "Config": {"Labels": None}, "HostConfig": {}, **RUNNING}
    found: dict[str, Any] = {f"GET /containers/{each}/json": _sharing(int(each), mode) for each, mode in modes.items()}
    found |= {"GET /containers/theirs/json": theirs, "GET /containers/json": [_row(int(each)) for each in modes]}
    found |= {"GET /_ping": PONG, "GET /info": {}}
    with FakeEngine(tmp_path, lambda call, _: (200, found[call]) if call in found else 404) as served:
        scope = EngineScope(Host(engine_url=f"unix://{tmp_path}/fake.sock"), Topology("t"))
        assert scope.shared_with == {"theirs": {**theirs, "Config": {"Labels": {}}}}
        calls = sorted(call for call, _ in served.asked if call.endswith(("theirs/json", "gone/json", "1/json")))
    assert calls == [f"GET /containers/{each}/json" for each in ("1", "gone", "theirs")]


def test_one_of_ours_that_is_on_its_way_out_is_nobodys_and_holds_nothing(tmp_path: Path) -> None:
    others = {"Id": "other", "Names": ["/t-box9"], "Labels": {}, "State": "running"}
    theirs = {**others, "Id": "theirs", "State": "removing"}
    going = {**_inspection(2), "State": {"Status": "removing"}}
    found: dict[str, Any] = {"GET /_ping": PONG, "GET /info": {}, "GET /containers/1/json": _inspection(1)}
    found |= {"GET /containers/2/json": going, "GET /containers/json": [*map(_row, (1, 2, 3)), others, theirs]}
    with FakeEngine(tmp_path, lambda call, _: (200, found[call]) if call in found else 404):
        scope = EngineScope(Host(engine_url=f"unix://{tmp_path}/fake.sock"), Topology("t"))
        assert [each["Id"] for each in scope.container_rows] == ["1", "other"]
        assert list(scope.containers) == ["1"]


@pytest.mark.parametrize("state", ["running", "paused", "restarting", "exited", "created", "dead"])
def test_only_what_runs_has_the_ports_and_addresses_that_a_killed_engine_goes_on_telling(
    tmp_path: Path, state: str
) -> None:
    holds = state in ("running", "paused", "restarting")
    endpoint = {"NetworkID": "n", "IPAddress": "10.0.0.9", "GlobalIPv6Address": "fd00::9"}
    ports, bound = [{"PublicPort": 80, "Type": "tcp"}], {"80/tcp": [{"HostPort": "80"}]}
    row = {**_row(1), "State": state, "Ports": ports, "NetworkSettings": {"Networks": {"lan": endpoint}}}
    inspected = {**_inspection(1), "State": {"Status": state}}
    inspected["NetworkSettings"] = {"Ports": bound, "Networks": {"lan": endpoint}}
    found = {"GET /_ping": PONG, "GET /info": {}, "GET /containers/json": [row], "GET /containers/1/json": inspected}
    with FakeEngine(tmp_path, lambda call, _: (200, found[call]) if call in found else 404):
        scope = EngineScope(Host(engine_url=f"unix://{tmp_path}/fake.sock"), Topology("t"))
        (listed,), seen = scope.container_rows, scope.containers["1"]["NetworkSettings"]
    there = {"lan": endpoint if holds else {"NetworkID": "n", "IPAddress": "", "GlobalIPv6Address": ""}}
    assert (listed["Ports"], listed["NetworkSettings"]["Networks"]) == (ports if holds else [], there)
    assert (seen["Ports"], seen["Networks"]) == (bound if holds else {}, there)


def test_a_stranger_run_from_an_image_of_a_container_of_another_topology_is_not_of_that(tmp_path: Path) -> None:
    web = {**Mark("old", ResourceKey("container", "web"), "/x.yaml").labels(), ID: "1"}
    there = {"Id": "there", "ImageID": "base", "Names": ["/old-web"], "Labels": web}
    copied = {**there, "Id": "copied", "ImageID": "committed", "Names": ["/stranger"], "Labels": {**web, "theirs": "1"}}
    images = [{"Id": "base", "Labels": None}, {"Id": "committed", "Labels": web}]
    rows = [copied, {**there, "Names": ["/other"], "Labels": None}]
    found: dict[str, Any] = {
        "GET /_ping": PONG,
        "GET /info": {},
        "GET /images/json": images,
        "GET /containers/json": rows,
    }
    with FakeEngine(tmp_path, lambda call, _: (200, found[call]) if call in found else 404):
        scope = EngineScope(Host(engine_url=f"unix://{tmp_path}/fake.sock"), Topology("t"))
        assert [each["Labels"] for each in scope.container_rows] == [{"theirs": "1"}, None]
        assert [*scope.in_sight()] == []
        rows.append(there)
        scope = EngineScope(Host(engine_url=f"unix://{tmp_path}/fake.sock"), Topology("t"))
        assert [each["Labels"] for each in scope.container_rows][2:] == [web]
        assert [each.topology for each in scope.in_sight()] == ["old"]


def _sharing(number: int, mode: str) -> dict[str, Any]:
    return {**_inspection(number), "HostConfig": {"ContainerIDFile": str(number), "NetworkMode": mode}}


def test_a_container_is_ours_by_an_id_of_its_own_and_not_by_labels_of_its_image() -> None:
    mark = Mark("t", ResourceKey("container", "web")).labels()

    def own(labels: dict[str, str], id_file: str) -> set[str]:
        config = {"Labels": {**labels, "theirs": "1"}}
        return {*own_labels_of({"Config": config, "HostConfig": {"ContainerIDFile": id_file}})}

    assert own({**mark, ID: "1"}, "1") == {*mark, ID, "theirs"}
    for labels, id_file in (({**mark, ID: "1"}, ""), ({**mark, ID: "1"}, "2"), (mark, ""), ({**mark, ID: ""}, "")):
        assert own(labels, id_file) == {"theirs"}
