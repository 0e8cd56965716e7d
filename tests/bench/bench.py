"""How fast it is, as ratios to a floor measured in the same run: `python tests/bench/bench.py [engine|kernel]`.

The engine's floor is a bare HTTP client with 8 workers that sends only the calls that cannot be left out; the kernel's
is `ip -batch` with one process for everything. Every figure is the median of some runs, each in turn with its floor.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

RECONCILER = str(Path(sys.executable).with_name("reconciler"))
WORKERS = 8
CONTAINERS = 40
PAIRS, NAMESPACES = 1000, 100
IMAGE = "reconciler-bench/busybox:latest"


def main() -> None:
    """Run the benchmarks that are asked for, all by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="?", choices=["engine", "kernel"])
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    print(f"{'what':34}{'ours':>10}{'floor':>10}{'ratio':>8}")
    for name, bench in (("kernel", kernel), ("engine", engine)):
        if arguments.what in (None, name):
            bench(arguments.runs)


def kernel(runs: int) -> None:
    """Compare a topology of namespaces and veth pairs with `ip -batch`."""
    spaces = [f"bench{number}" for number in range(NAMESPACES)]
    ends = [(f"bench{pair % NAMESPACES}", f"bench{(pair + 1) % NAMESPACES}", pair) for pair in range(PAIRS)]
    text = "name: bench\nprefix: ''\nnamespaces:\n" + "".join(f"  {name}:\n" for name in spaces) + "veths:\n"
    text += "".join(f"  - [{left}:l{n} {_address(n, 1)}, {right}:r{n} {_address(n, 2)}]\n" for left, right, n in ends)
    make = [f"netns add {name}" for name in spaces]
    for left, right, n in ends:
        make += [f"link add l{n} netns {left} type veth peer name r{n} netns {right}"]
    inside = {
        name: [
            line
            for left, right, n in ends
            for owner, end, last in ((left, "l", 1), (right, "r", 2))
            if owner == name
            for line in (f"address add {_address(n, last)} dev {end}{n}", f"link set {end}{n} up")
        ]
        for name in spaces
    }

    def floor_make() -> None:
        _batch(make)
        for name in spaces:
            _batch(inside[name], "-n", name)

    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(text)
        file.flush()
        _compare(
            f"{PAIRS} veth pairs, {NAMESPACES} namespaces",
            runs,
            ours=[_reconciler("apply", file.name), _reconciler("plan", file.name), _reconciler("destroy", file.name)],
            floor=[
                floor_make,
                lambda: _addresses(spaces),
                lambda: _batch([f"netns delete {name}" for name in spaces]),
            ],
        )


def engine(runs: int) -> None:
    """Compare a topology of containers with a bare HTTP client."""
    sys.path.insert(0, str(Path(__file__).parents[1]))
    from live.lab import busybox_tar

    from reconciler.host import Host

    api = Host().engine.api
    api.import_image_from_data(busybox_tar(), repository=IMAGE.partition(":")[0], tag="latest")
    names = [f"bench-c{number}" for number in range(CONTAINERS)]
    body = {"Image": IMAGE, "Cmd": ["sleep", "3600"], "HostConfig": {"Init": True, "NetworkMode": "none"}}
    entries = "".join(f"  {name.removeprefix('bench-')}:\n" for name in names)
    text = f"name: bench\ndefaults: {{containers: {{image: {IMAGE}, init: true, network_mode: none,"
    text += f' command: [sleep, "3600"]}}}}\ncontainers:\n{entries}'

    def make(name: str) -> None:
        _call("POST", f"/containers/create?name={name}", body)
        _call("POST", f"/containers/{name}/start")

    try:
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(text)
            file.flush()
            _compare(
                f"{CONTAINERS} containers",
                runs,
                ours=[
                    _reconciler("apply", file.name),
                    _reconciler("plan", file.name),
                    _reconciler("destroy", file.name, "--now"),
                ],
                floor=[
                    lambda: _each(make, names),
                    lambda: _look(names),
                    lambda: _each(lambda name: _call("DELETE", f"/containers/{name}?force=1"), names),
                ],
            )
    finally:
        api.remove_image(IMAGE, force=True)


def _compare(what: str, runs: int, *, ours: list[Callable[[], Any]], floor: list[Callable[[], Any]]) -> None:
    seconds: dict[tuple[str, int], list[float]] = {}
    for _ in range(runs):
        for side, calls in (("ours", ours), ("floor", floor)):
            for number, call in enumerate(calls):
                started = time.monotonic()
                call()
                seconds.setdefault((side, number), []).append(time.monotonic() - started)
    for number, act in enumerate(("fresh", "no-op", "down")):
        mine, least = (statistics.median(seconds[side, number]) for side in ("ours", "floor"))
        print(f"{what + ', ' + act:34}{mine:9.2f}s{least:9.2f}s{mine / least:8.1f}")


def _reconciler(*arguments: str) -> Callable[[], None]:
    def call() -> None:
        done = subprocess.run([RECONCILER, *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(done.stdout[-2000:] + done.stderr[-2000:])

    return call


def _address(pair: int, last: int) -> str:
    return f"10.{pair // 250}.{pair % 250}.{last}/24"


def _ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


def _addresses(spaces: list[str]) -> None:
    for name in spaces:
        _ip("-n", name, "-j", "address")


def _batch(lines: list[str], *arguments: str) -> None:
    subprocess.run(["ip", *arguments, "-batch", "-"], input="\n".join(lines), text=True, check=True)


def _each(function: Callable[[str], Any], names: list[str]) -> None:
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(function, names))


def _look(names: list[str]) -> None:
    _call("GET", "/containers/json?all=1")
    _each(_inspect, names)


def _inspect(name: str) -> None:
    _call("GET", f"/containers/{name}/json")


class _Connection(http.client.HTTPConnection):
    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.connect(os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock").removeprefix("unix://"))


def _call(method: str, path: str, body: dict[str, Any] | None = None) -> bytes:
    connection = _Connection("localhost")
    connection.request(method, path, json.dumps(body) if body else None, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    content = answer.read()
    if answer.status >= http.client.BAD_REQUEST:
        raise SystemExit(content.decode())
    connection.close()
    return content


if __name__ == "__main__":
    main()
