"""What is made to cost much is refused within two seconds and 200 MB, in lines, and with exit code 3."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from bombs import BOMBS

from reconciler.errors import FileInvalid
from reconciler.kinds import kinds
from reconciler.topology import load

SECONDS, BYTES = 2.0, 200 << 20
FAR_MORE = 1 << 30


_MEASURED = f"""
import json, os, resource, sys
child = os.fork()
if not child:
    resource.setrlimit(resource.RLIMIT_AS, ({FAR_MORE}, {FAR_MORE}))
    resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
    os.execv(sys.executable, [sys.executable, "-m", "reconciler", "validate", "t.yaml"])
_, status, used = os.wait4(child, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss << 10]))
"""
"""Keeps a bomb that does go off from the machine; small itself, as what it starts begins with its memory (wait4(2))."""


TOLD = {
    "laughs in text": "the aliases and variables stand for too much (name things once, and refer to them)",
    "one variable many times": "name: variables stand for too much text",
    "a variable in many places": "the aliases and variables stand for too much (name things once, and refer to them)",
    "merges in merges": "x-100: nested too deeply",
    "aliases in aliases": "nested too deeply",
    "many values": "t.yaml:2:6: there are more than 400000 keys and values in this file",
    "many ports by ranges": "containers.c1.ports[0]: with this the ranges of ports of the file stand for more than 65535",
    "many exposed ports": "containers.c1.expose[0]: with this the ranges of ports of the file stand for more than 65535",
    "one env_file for many": "variables in what `env_file` names, each time counted",
    "many directives": "there are too many directives",
    "many wrong words": "more is wrong than is told: these are 1000 of it",
}


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize("name", TOLD)
def test_what_goes_beyond_a_bound_is_told_as_that(name: str) -> None:
    lines = told(name)
    assert [each for each in lines if each.endswith(TOLD[name])], lines[:3]


@pytest.mark.usefixtures("folder")
def test_of_ports_that_are_wanted_twice_the_first_of_each_range_is_told() -> None:
    assert [each.split(": ", 2)[2] for each in told("many ports that several want")] == [
        "host port 1/tcp is taken already by container/c0 (declared at t.yaml:2:37)"
    ] * 6
    assert len(told("many ports that one wants twice")) == 6


@pytest.mark.usefixtures("folder")
def test_of_circles_a_hundred_are_told_and_of_other_things_a_thousand() -> None:
    assert len([each for each in told("many circles") if "these need each other" in each]) == 100
    assert len(told("many wrong names")) == 1001


def told(name: str) -> list[str]:
    for file, content in BOMBS[name]().items():
        Path(file).write_bytes(content)
    with pytest.raises(FileInvalid) as caught:
        load("t.yaml", kinds=kinds(), environment={})
    return [str(each) for each in caught.value.problems]


@pytest.mark.parametrize("name", BOMBS)
def test_a_topology_that_is_made_to_cost_much_is_refused_and_costs_little(name: str, tmp_path: Path) -> None:
    for file, content in BOMBS[name]().items():
        (tmp_path / file).write_bytes(content)
    done = subprocess.run(
        [sys.executable, "-c", _MEASURED],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": os.environ.get("PYTHONPATH", "")},
        capture_output=True,
        text=True,
        check=True,
    )
    code, seconds, most = json.loads(done.stdout.splitlines()[-1])
    lines = done.stderr.splitlines()
    assert code == 3, lines[-3:]
    assert lines
    assert all(each.startswith(("t.yaml:", ".env:")) for each in lines), lines[:3]
    assert seconds < SECONDS
    assert most < BYTES
