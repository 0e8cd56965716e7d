"""Killed anywhere: whatever `kill -9` leaves, the same command again finishes the job, and nothing is stranded."""

from __future__ import annotations

import io
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
from docker import APIClient

from live import snapshot
from live.lab import NOWHERE, busybox_tar, run
from live.standing import standing
from reconciler.kinds.image import effects
from reconciler.kinds.image.references import split
from reconciler.kinds.image.spec import ImageSpec
from reconciler.kinds.image.stages import Stages
from reconciler.model import ResourceKey

pytestmark = pytest.mark.live

MANY = bool(os.environ.get("RECONCILER_TEST_ALL"))
KILLING = str(Path(__file__).with_name("killing.py"))
RECONCILER = str(Path(sys.executable).with_name("reconciler"))
AT_ONCE = 0.02
"""A step of fewer seconds is over before a timer could strike in it."""
DESTROY = ("destroy", "--volumes", "--images", "--now")

KERNEL = """
namespaces:
  red: {sysctls: {net.ipv4.ip_forward: 1}, exec: ["ip link show eth0"], routes: [{to: 10.96.0.0/16, via: 10.97.1.9}]}
  blue: {sysctls: {net.ipv4.conf.all.rp_filter: 2}}
bridges:
  outer: {ports: [@p], addresses: [10.97.1.1/24, "fd97::1/64"], stp: true, forward_delay: 4s}
  inner: {namespace: red, addresses: [10.97.2.1/24]}
veths:
  - [red:eth0 10.97.0.1/30, blue:eth3 10.97.0.2/30]
  - [red:eth1 10.97.1.2/24, outer]
  - [blue:eth0 10.97.2.2/24, inner]
  - {mtu: 1400, endpoints: [host:@h 10.97.3.1/30, blue:eth1 10.97.3.2/30]}
host: {routes: [{to: 10.98.0.0/16, via: 10.97.3.2}]}
"""
MIXED = """
defaults: {containers: {image: own, init: true, command: [sleep, "1000"]}}
images:
  lab: {build: context}
  own: {import: root.tar, tags: ["@-own:1"]}
  folder: {import: context}
volumes: {data: }
networks:
  lan: {ipam: {config: [{subnet: 172.31.241.0/24}]}}
  wan: {ipam: {config: [{subnet: 172.31.242.0/24}]}}
containers:
  db:
    networks: {lan: {ipv4_address: 172.31.241.10, aliases: [database]}}
    healthcheck: {test: [CMD, "true"], interval: 200ms}
  web:
    networks: {lan: {ipv4_address: 172.31.241.11}, wan: {ipv4_address: 172.31.242.11}}
    ports: ["127.0.0.1:8591:80"]
    links: ["db:store"]
    volumes: ["data:/data"]
    depends_on: {db: {condition: service_healthy}, job: {condition: service_completed_successfully}}
  job: {image: lab, command: [sh, -c, "echo done >/data/note"], network_mode: none, volumes: ["data:/data"]}
  router:
    network_mode: none
    sysctls: {net.ipv4.ip_forward: 1}
    routes: [{to: default, via: 10.97.5.1}]
    exec: ["ip addr show eth0 | grep 10.97.5.2"]
""" + KERNEL.replace("host: {", "  - [router:eth0 10.97.5.2/30, red:eth2 10.97.5.1/30]\nhost: {").replace(
    "host: {",
    "  - endpoints: [{network: wan}, {namespace: blue, interface: eth2, addresses: [172.31.242.9/24]}]\nhost: {",
).replace("host: {", "  - [web:net1 10.97.4.1/30, router:net1 10.97.4.2/30]\nhost: {")
DOCKERFILE = """
FROM scratch AS base
COPY busybox /bin/busybox
RUN ["/bin/busybox", "--install", "-s", "/bin"]
FROM base AS made
RUN mkdir /made && echo one >/made/one
FROM base
ENV A=1
COPY --from=made /made /made
RUN echo two >/made/two
"""


class Victim:
    """A topology under a name of its own, and the command that works on it."""

    def __init__(self, folder: Path, text: str, api: Any | None) -> None:
        self.folder, self.api, self.name = folder, api, f"k{uuid.uuid4().hex[:5]}"
        self.text = text.replace("@", self.name)
        self.environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **({} if api else NOWHERE)}
        self.environment["TMPDIR"] = str(folder / "tmp")
        folder.joinpath("tmp").mkdir()
        folder.joinpath("context").mkdir()
        folder.joinpath("context", "Dockerfile").write_text(DOCKERFILE)
        folder.joinpath("context", "busybox").write_bytes(Path("/bin/busybox").read_bytes())
        folder.joinpath("context", "busybox").chmod(0o755)
        folder.joinpath("root.tar").write_bytes(busybox_tar())
        self.write(self.text)
        self.files = self._files()

    def _files(self) -> set[str]:
        """What is in the topology's folder and beside, and what of the program's is where the system keeps such."""
        beside = (str(each) for each in self.folder.rglob("*") if each.name != "steps.json")
        named = (
            f"{at}/{each}" for at, folders, files in os.walk("/run") for each in (*folders, *files) if self.name in each
        )
        return {*beside, *named}

    def write(self, text: str) -> None:
        self.folder.joinpath("topology.yaml").write_text(f"name: {self.name}\n{text}")

    def killed(self, point: str, *arguments: str) -> int:
        """Run the command and kill it; one that is late, or at its last calls, may be over before."""
        done = self._run([sys.executable, KILLING, point, *arguments])
        certain = point.startswith(("before ", "after "))
        assert done.returncode == -signal.SIGKILL or not certain, f"{point}\n{done.stdout}\n{done.stderr}"
        return done.returncode

    def succeeds(self, *arguments: str) -> None:
        done = self._run([RECONCILER, *arguments])
        assert done.returncode == 0, f"{arguments} → {done.returncode}\n{done.stdout}\n{done.stderr}"

    def _run(self, argv: list[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            argv, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False, timeout=120
        )

    def record(self, *arguments: str, code: int = 0) -> list[tuple[str, int, float]]:
        path = self.folder / "steps.json"
        assert self.killed(f"record {path}", *arguments) == code
        return [tuple(each) for each in json.loads(path.read_text())]

    def standing(self) -> dict[str, Any]:
        return standing(self.name, self.api)

    @cached_property
    def whole(self) -> dict[str, Any]:
        """What stands when all went well."""
        self.succeeds("apply")
        return self.standing()

    def insist_on_all(self, point: str) -> None:
        self.succeeds("plan", "--detailed-exitcode")
        assert snapshot.differences(self.whole, self.standing()) == {}, point

    def insist_on_nothing(self, before: dict[str, Any], point: str) -> None:
        left = snapshot.differences(before, snapshot.settled(before, self.api))
        assert left == {}, point
        assert self._files() == self.files, point


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    """Chance that comes out the same with the same seed, which the report's header tells."""
    return random.Random(request.config.option.hypothesis_seed)


@pytest.fixture(params=["kernel", "mixed"])
def victim(request: pytest.FixtureRequest, lab: Any, tmp_path: Path) -> Iterator[tuple[Victim, dict[str, Any]]]:
    api = request.getfixturevalue("engine") if request.param == "mixed" else None
    made = Victim(tmp_path, MIXED if api else KERNEL, api)
    run("ip", "link", "add", f"{made.name}p", "type", "veth", "peer", "name", f"{made.name}q")
    try:
        yield made, snapshot.at_rest(api)
    finally:
        made.write(made.text)
        made.succeeds(*DESTROY)
        run("ip", "link", "delete", f"{made.name}p")


def points(steps: list[tuple[str, int, float]], chance: random.Random) -> list[str]:
    """Before and after each step, before each of its calls, and at some moment of those that take time."""
    found = []
    for step, calls, seconds in steps:
        if seconds:
            found += [f"before {step}", f"after {step}", *(f"call {step} {each}" for each in range(1, calls + 1))]
            found += [f"late {step} {chance.uniform(0, seconds):.3f}"] * (seconds > AT_ONCE)
    chance.shuffle(found)
    return found


def each(some: list[str], seconds: float, cost: Callable[[str], None]) -> None:
    """Try each point, or as many as there is time for."""
    deadline = time.monotonic() + seconds
    for number, point in enumerate(some):
        if number and not MANY and time.monotonic() > deadline:
            break
        cost(point)


def test_after_a_kill_anywhere_the_same_again_finishes_and_nothing_is_stranded(
    victim: tuple[Victim, dict[str, Any]], chance: random.Random
) -> None:
    made, before = victim
    steps = made.record("apply")
    assert len(steps) > (30 if made.api else 10)
    forth = points(steps, chance)
    made.insist_on_all("never killed")
    back = points(made.record(*DESTROY), chance)
    assert len(forth) > len(back), "each of these comes after one of those"
    ends = itertools.cycle(back)
    made.insist_on_nothing(before, "never killed")

    def cycle(point: str) -> None:
        # The image of a build's first step has no tag of ours for a moment: the next build finds it, no destroy does.
        # With one step at a time none is under way but at its own points.
        if "image/lab" not in point and (MANY or chance.random() < 0.3):
            made.killed(point, "apply", "--jobs", "1")
            made.succeeds(*DESTROY)
            made.insist_on_nothing(before, f"{point}, then destroy")
        made.killed(point, "apply", "--jobs", chance.choice("18"))
        made.succeeds("apply")
        made.insist_on_all(point)
        other = next(ends)
        made.killed(other, *DESTROY)
        made.succeeds(*DESTROY)
        made.insist_on_nothing(before, other)

    each(forth, 25 if made.api else 10, cycle)


def test_a_build_that_was_killed_leaves_nothing_behind(
    lab: Any, engine: Any, tmp_path: Path, chance: random.Random
) -> None:
    made = Victim(tmp_path, "images: {lab: {build: context}}", engine)
    before = snapshot.at_rest(engine)
    for number in range(4, 14) if MANY else chance.sample(range(4, 14), 1):
        made.killed(f"call create image/lab {number}", "apply")
        made.succeeds(*DESTROY)
        made.insist_on_nothing(before, f"at call {number}")
    for number in range(1, 11) if MANY else chance.sample(range(1, 11), 2):
        made.succeeds("apply")
        made.killed(f"call delete image/lab {number}", *DESTROY)
        made.succeeds(*DESTROY)
        made.insist_on_nothing(before, f"at call {number} of the deletion")
    made.killed("call create image/lab 5", "apply")
    made.succeeds("apply")
    made.succeeds(*DESTROY)
    made.insist_on_nothing(before, "found again in the cache")


def test_a_step_that_the_engine_ends_beside_the_next_build_goes_with_the_image(
    lab: Any, engine: Any, tmp_path: Path
) -> None:
    made = Victim(tmp_path, "images: {lab: {build: context}}", engine)
    before = snapshot.at_rest(engine)
    made.killed("after create image/lab", "apply")
    whole = snapshot.snapshot(engine)["images"]
    made.succeeds(*DESTROY)
    made.killed("call create image/lab 3", "apply")
    [first] = (each for each, tags in snapshot.at_rest(engine)["images"] if any(":stage-" in tag for tag in tags))
    text = f'FROM {first}\nRUN ["/bin/busybox", "--install", "-s", "/bin/."]\n'
    told = engine.build(fileobj=io.BytesIO(text.encode()), rm=True, decode=True)
    assert "Successfully built" in "".join(str(each) for each in told)
    made.succeeds("apply")
    assert len(snapshot.snapshot(engine)["images"]) == len(whole) + 1
    made.succeeds("plan", "--detailed-exitcode")
    made.succeeds(*DESTROY)
    made.insist_on_nothing(before, "with what stood beside it")


@pytest.mark.parametrize("steps", [1, 2])
def test_a_first_step_that_the_engine_ends_beside_the_next_build_goes_with_the_image(
    lab: Any, engine: Any, monkeypatch: pytest.MonkeyPatch, steps: int
) -> None:
    """It stands on nothing that has a name, and the next build had begun, so that it was not found in the cache."""
    context = lab.folder / "context"
    context.mkdir()
    context.joinpath("file").write_text(lab.name)
    lines = ["FROM scratch\n", "COPY file /\n", f"ENV NAME={lab.name}\n"]
    context.joinpath("Dockerfile").write_text("".join(lines))
    context.joinpath("of-the-killed").write_text("".join(lines[: steps + 1]))
    before, take = snapshot.at_rest(engine), Stages.take
    beside: list[str] = []

    def taken(stages: Stages, identity: str, *, cached: bool) -> None:
        take(stages, identity, cached=cached)
        if not beside:
            told = engine.build(path=str(context), dockerfile="of-the-killed", nocache=True, rm=True, decode=True)
            beside.append(str([each["aux"]["ID"] for each in told if "aux" in each][-1]))

    monkeypatch.setattr(Stages, "take", taken)
    goes_with_the_image(lab, engine, "images: {lab: {build: context}}\n", beside, before)


@pytest.mark.parametrize(
    ("recipe", "where"),
    [("{import: root.tar}", "import_image_from_file"), ("{import: root.tar}", "listed"), ("{commit: box}", "commit")],
)
def test_what_the_engine_makes_for_a_killed_run_beside_the_next_goes_with_the_image(
    lab: Any, image: str, monkeypatch: pytest.MonkeyPatch, recipe: str, where: str
) -> None:
    """The next run's takes its tag, be it that it was made between the plan and the step."""
    engine = lab.host.engine.api
    (lab.folder / "root.tar").write_bytes(busybox_tar())
    box = f"{{image: '{image}', init: true, network_mode: none, command: [sleep, '1000'], exec: [touch /made]}}"
    text = f"images: {{lab: {recipe}}}\ncontainers: {{box: {box}}}\n"
    before, owner = snapshot.at_rest(engine), effects if where == "listed" else APIClient
    reference, do = ImageSpec.of(lab.load(text).resources[ResourceKey("image", "lab")]).reference, getattr(owner, where)
    beside: list[str] = []

    def twice(*arguments: Any, **named: Any) -> Any:
        if not beside:
            if where == "listed":
                engine.import_image_from_file(str(lab.folder / "root.tar"), *split(reference))
            else:
                do(*arguments, **named)
            [made] = (each for each in engine.images() if any(lab.name in tag for tag in each["RepoTags"] or ()))
            beside.append(made["Id"])
        return do(*arguments, **named)

    monkeypatch.setattr(owner, where, twice)
    goes_with_the_image(lab, engine, text, beside, before)


def goes_with_the_image(lab: Any, engine: Any, text: str, beside: Sequence[str], before: dict[str, Any]) -> None:
    assert lab.apply(text).converged
    assert [tag for tag in engine.inspect_image(beside[0])["RepoTags"] if f"{lab.name}/lab:stage-" in tag]
    assert not lab.pending(text)
    many = len(engine.images(all=True))
    assert lab.apply(text, replace=[ResourceKey("image", "lab")]).converged
    assert len(engine.images(all=True)) < many, "what stood beside the former one has gone with it"
    assert lab.destroy().converged
    assert snapshot.differences(before, snapshot.settled(before, engine)) == {}


def test_of_a_killed_namespace_no_file_stays(lab: Any, tmp_path: Path, chance: random.Random) -> None:
    made = Victim(tmp_path, "namespaces: {red: }", None)
    before = snapshot.at_rest(None)
    for step, arguments in (("create", ("apply",)), ("delete", DESTROY)):
        for number in range(1, 11) if MANY else chance.sample(range(1, 11), 2):
            made.succeeds("apply" if step == "delete" else "validate")
            made.killed(f"call {step} namespace/red {number}", *arguments)
            made.succeeds(*DESTROY)
            made.insist_on_nothing(before, f"{step}, call {number}")


def test_killed_on_the_way_back_the_former_file_restores_all(
    lab: Any, engine: Any, tmp_path: Path, chance: random.Random
) -> None:
    made = Victim(tmp_path, MIXED.replace("[@p]", "[]"), engine)
    before = snapshot.at_rest(engine)
    failing = ("apply", "--on-failure", "revert")
    after = made.text.replace('ports: ["127.0.0.1:8591:80"]', "mem_limit: 64m").replace(
        "ip_forward: 1", "ip_forward: 0"
    )
    after = after.replace("[red:eth0 10.97.0.1/30, blue:eth3", "[red:eth0 10.97.0.5/30, blue:eth4").replace(
        "namespaces:", "namespaces:\n  bad: {exec: [exit 3]}"
    )

    def cycle(point: str) -> None:
        made.write(after)
        made.killed(point, *failing)
        made.write(made.text)
        made.succeeds("apply")
        made.insist_on_all(point)

    try:
        made.succeeds("apply")
        made.insist_on_all("at first")
        made.write(after)
        back = points([each for each in made.record(*failing, code=1) if each[0].startswith("back ")], chance)
        assert back
        made.write(made.text)
        made.succeeds("apply")
        made.insist_on_all("never killed")
        each(back, 10, cycle)
    finally:
        made.write(made.text)
        made.succeeds(*DESTROY)
    made.insist_on_nothing(before, "in the end")
