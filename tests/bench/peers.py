"""The peers: what each is given for the same work, and whether it is here."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from bench.measure import Failed, command
from bench.nouns import Sample, Side
from bench.topologies import COMMAND, IMAGE, NAME, address, boxes, ring, written

COMPOSE_1, COMPOSE_5, CONTAINERLAB, TERRAFORM, MININET = (
    "docker-compose 1.29",
    "Compose v5",
    "containerlab",
    "Terraform",
    "Mininet",
)
Course = Iterator[tuple[str, Sample]]


def lacks(*program: str) -> str:
    """Say why a program is not to be had here, or nothing."""
    if not shutil.which(program[0]):
        return f"no {program[0]} on PATH"
    done = subprocess.run([*program, "version"], capture_output=True, check=False) if program[1:] else None
    return f"no `{' '.join(program)}` here" if done and done.returncode else ""


def compose(folder: Path, count: int, *, program: tuple[str, ...], name: str) -> Side:
    """Containers on one network by a Compose; `down` asks each container, as ours does."""
    service = {"image": IMAGE, "init": True, "command": COMMAND, "networks": ["lan"]}
    networks = {"lan": {"ipam": {"config": [{"subnet": "10.247.0.0/16"}]}}}
    services = dict.fromkeys(boxes(count), service)
    file = written(
        folder, "docker-compose.yaml", json.dumps({"version": "2.4", "services": services, "networks": networks})
    )
    base = (*program, "-p", "benchcompose", "-f", file)

    def course() -> Course:
        try:
            yield "fresh", command(*base, "up", "-d")
            yield "no-op", command(*base, "up", "-d")
            yield "destroy", command(*base, "down", "-t0")
        finally:
            command(*base, "down", "-t0")

    return Side(name, course, partial(lacks, *program))


def composes(folder: Path, count: int) -> tuple[Side, Side]:
    """Both that people use."""
    return (
        compose(folder, count, program=("docker-compose",), name=COMPOSE_1),
        compose(folder, count, program=("docker", "compose"), name=COMPOSE_5),
    )


def containerlab(folder: Path, count: int, *, per: int, edits: bool = False) -> Side:
    """Containers joined by pairs; addresses are set by commands, as it does not set any itself."""
    ends = list(ring(count, per=per))
    before = written(folder, "bench.clab.yml", json.dumps(_clab(count, ends)))
    after = written(folder, "more.clab.yml", json.dumps(_clab(count, [*ends, ("c0", "c1", len(ends))])))

    def course() -> Course:
        try:
            yield "fresh", command("containerlab", "deploy", "-t", before)
            yield "no-op", command("containerlab", "apply", "-t", before)
            if edits:
                yield "one veth added", command("containerlab", "apply", "-t", after)
            yield "destroy", command("containerlab", "destroy", "-t", before, "--cleanup")
        finally:
            command("containerlab", "destroy", "-t", before, "--cleanup")

    return Side(CONTAINERLAB, course, partial(lacks, "containerlab"))


def terraform(folder: Path, count: int) -> Side:
    """Containers on one network by Terraform and its Docker provider."""
    place = folder / "terraform"
    place.mkdir(exist_ok=True)
    (place / "main.tf").write_text(_TERRAFORM % {"count": count, "image": IMAGE, "command": json.dumps(COMMAND)})
    act = (f"-chdir={place}", "-no-color")

    def run(verb: str) -> Sample:
        return command("terraform", act[0], verb, "-auto-approve", act[1])

    def course() -> Course:
        try:
            yield "fresh", run("apply")
            yield "no-op", run("apply")
            yield "destroy", run("destroy")
        finally:
            run("destroy")

    def missing() -> str:
        return lacks("terraform") or _tried(lambda: command("terraform", act[0], "init"))

    return Side(TERRAFORM, course, missing)


def mininet(leaves: int) -> Side:
    """A star of hosts around a Linux bridge, up and down."""
    argv = ("mn", "--topo", f"single,{leaves}", "--switch", "lxbr", "--controller", "none", "--test", "none")

    def course() -> Course:
        yield "up and down", command(*argv)

    return Side(MININET, course, partial(lacks, "mn"))


def _tried(function: Callable[[], object]) -> str:
    try:
        function()
    except Failed as error:
        return f"does not start: {error}"
    return ""


def _clab(count: int, ends: list[tuple[str, str, int]]) -> dict[str, object]:
    lines: dict[str, list[str]] = {each: [] for each in boxes(count)}
    for left, right, n in ends:
        lines[left].append(f"ip address add {address(n, 1)} dev l{n}")
        lines[right].append(f"ip address add {address(n, 2)} dev r{n}")
    node = {"kind": "linux", "image": IMAGE, "cmd": " ".join(COMMAND), "network-mode": "none", "privileged": False}
    nodes = {each: {**node, "exec": lines[each]} for each in lines}
    links = [{"endpoints": [f"{left}:l{n}", f"{right}:r{n}"]} for left, right, n in ends]
    return {"name": NAME, "topology": {"nodes": nodes, "links": links}}


_TERRAFORM = """
terraform {
  required_providers {
    docker = { source = "kreuzwerker/docker" }
  }
}
provider "docker" {}
resource "docker_network" "lan" {
  name = "benchterraform"
  ipam_config { subnet = "10.246.0.0/16" }
}
resource "docker_container" "c" {
  count   = %(count)d
  name    = "benchterraform-c${count.index}"
  image   = "%(image)s"
  command = %(command)s
  init    = true
  networks_advanced { name = docker_network.lan.name }
}
"""
