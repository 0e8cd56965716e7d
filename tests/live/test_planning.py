"""Planning writes nothing: no call that changes anything, no file, no lock; and waits for nobody's lock."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import weakref
from pathlib import Path
from typing import Any

import pytest

from live import ears
from live.lab import Lab, busybox_tar
from reconciler.host.lock import locked
from reconciler.host.scope import Scope
from reconciler.kinds import kinds

pytestmark = pytest.mark.live


def test_a_look_goes_as_soon_as_nobody_wants_it_any_more(lab: Lab) -> None:
    """Without a search for garbage, which is seldom: a watch looks very often."""
    lab.apply("namespaces: {red: , blue: }\nveths: [[red:eth0 10.66.0.1/30, blue:eth0 10.66.0.2/30]]\n")
    desired = lab.load(lab.applied)
    gc.collect()
    gc.disable()
    try:
        scope = Scope(lab.host, desired)
        assert {str(each.key) for kind in kinds().values() for each in kind.observe(scope)} >= set(
            map(str, desired.resources)
        )
        left = [weakref.ref(each) for each in (scope, scope.kernel, *scope.kernel.spaces)]
        del scope
        assert [each() for each in left] == [None] * len(left)
    finally:
        gc.enable()


BEFORE = """
defaults: {containers: {image: own, init: true, command: [sleep, "1000"]}}
images: {own: {import: root.tar}}
volumes: {data: }
networks: {lan: {ipam: {config: [{subnet: 172.31.226.0/24}]}}}
containers:
  web: {networks: {lan: {aliases: [www]}}, volumes: ["data:/data"], ports: ["127.0.0.1:8571:80"]}
  box: {network_mode: none, routes: [{to: 10.200.0.0/16, via: 10.68.0.2}], exec: [echo here]}
namespaces: {red: {sysctls: {net.ipv4.ip_forward: 1}, exec: ["true"]}, blue: }
bridges: {br0: {addresses: [10.68.1.1/24]}}
veths:
  - [box:eth0 10.68.0.1/24, red:eth0 10.68.0.2/24]
  - [red:eth1 10.68.1.2/24, br0]
  - [blue:eth0, red:eth2]
"""
AFTER = (
    BEFORE.replace("import: root.tar", "import: {path: root.tar, changes: [ENV A=1]}")
    .replace("172.31.226", "172.31.227")
    .replace("8571", "8572")
    .replace("aliases: [www]", "aliases: [web2]")
    .replace("ip_forward: 1", "ip_forward: 0")
    .replace("10.68.0.1/24", "10.68.0.9/24")
    .replace("10.68.1.1/24", "10.68.1.9/24, fd68::1/64")
    .replace("  - [blue:eth0, red:eth2]\n", "  - [blue:eth0, red:eth3]\n")
    + "host: {routes: [{to: 10.201.0.0/16, via: 10.68.1.2}]}\n"
)
LOOKS = [
    (["validate"], 0),
    (["schema"], 0),
    (["show"], 0),
    (["ls"], 0),
    (["plan", "--detailed-exitcode"], 0),
    (["plan", "after.yaml", "--detailed-exitcode", "--json"], 2),
    (["plan", "empty.yaml", "--detailed-exitcode"], 2),
]
READ_ONLY = """
while read -r _ _ _ _ path _; do mount -o remount,bind,ro "$path" 2>/dev/null; done </proc/self/mountinfo
touch here /tmp/here 2>/dev/null && exit 99
exec "$@"
"""


@pytest.fixture
def folder(lab: Lab, engine: Any) -> Path:
    """A folder with a topology that is live, and with others of its name."""
    lab.folder.joinpath("root.tar").write_bytes(busybox_tar())
    for name, text in (("after", AFTER), ("empty", "")):
        lab.folder.joinpath(f"{name}.yaml").write_text(f"name: {lab.name}\n{text}")
    lab.apply(BEFORE)
    return lab.folder


def reconciler(folder: Path, *arguments: str, before: tuple[str, ...] = ()) -> subprocess.CompletedProcess[str]:
    places = {name: str(folder) for name in ("HOME", "TMPDIR", "XDG_CACHE_HOME", "XDG_STATE_HOME", "XDG_RUNTIME_DIR")}
    return subprocess.run(
        [*before, sys.executable, "-m", "reconciler", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **places},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_planning_writes_nothing_and_waits_for_nobody(lab: Lab, engine: Any, folder: Path) -> None:
    pid = engine.inspect_container(f"{lab.name}-box")["State"]["Pid"]
    spaces = [f"/run/netns/{lab.name}-red", f"/run/netns/{lab.name}-blue", f"/proc/{pid}/ns/net"]
    places = [str(folder), "/etc", "/run"]
    with ears.in_namespaces(*spaces) as sockets, locked(lab.name, timeout=0):
        started, before = ears.now(), ears.files(engine, places)
        for arguments, code in LOOKS:
            done = reconciler(folder, *arguments)
            assert done.returncode == code, (arguments, done.stderr)
            assert ears.heard(sockets) == [], arguments
            assert ears.events(engine, started) == [], arguments
        assert ears.files(engine, places) == before
        assert reconciler(folder, "apply", "--lock-timeout", "0").returncode == 5
    with ears.in_namespaces(*spaces) as sockets:
        assert reconciler(folder, "apply", "after.yaml").returncode == 0
        assert ears.heard(sockets)
        assert ears.events(engine, started)


def test_planning_needs_no_place_to_write(folder: Path) -> None:
    read_only = ("unshare", "--mount", "bash", "-c", READ_ONLY, "bash")
    done = reconciler(folder, "plan", "after.yaml", "--detailed-exitcode", before=read_only)
    assert done.returncode == 2, done.stderr
