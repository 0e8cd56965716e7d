"""From a file to the desired topology."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import FileInvalid
from reconciler.kinds import kinds
from reconciler.model import ResourceKey
from reconciler.topology import load

EXAMPLES = sorted((Path(__file__).parents[1] / "topologies").glob("*.yaml"))


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_every_example_is_valid(path: Path, tmp_path: Path) -> None:
    busybox = path.parent / "images" / "busybox" / "busybox"
    assert busybox.parent.is_dir()
    topology = load(path, kinds=kinds(), environment={})
    assert topology.name == path.stem
    assert topology.source == str(path)
    assert len(topology) > 3


def test_a_variable_of_a_container_without_a_value_comes_from_the_env_file(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("WORD=hello\n")
    path = tmp_path / "topology.yaml"
    path.write_text("name: t\ncontainers: {web: {image: busybox, environment: [WORD]}}\n")
    web = load(path, kinds=kinds(), environment={}).resources[ResourceKey("container", "web")]
    assert dict(web.spec.environment) == {"WORD": "hello"}  # type: ignore[attr-defined]


PLACES = [
    ("containers: {a: {image: x, ports: [80]}, b: {image: x, ports: [1, '80:2', '80:3']}}", "containers.b.ports[2]: "),
    ("containers: {a: {image: x, ports: ['80:1']}, b: {image: x, ports: [1, '80:2']}}", "containers.b.ports[1]: "),
    ("containers: {b: {image: x, depends_on: [c, zz]}, c: {image: x}}", "containers.b.depends_on[1]: "),
    ("containers: {b: {image: x, depends_on: {zz: }}}", "containers.b.depends_on.zz: "),
    ("containers: {b: {image: x, networks: [zz]}}", "containers.b.networks[0]: "),
    ("containers: {b: {image: x, networks: {zz: }}}", "containers.b.networks.zz: "),
    (
        (
            "networks: {n: {ipam: {config: [{subnet: 10.1.0.0/24}]}}}\n"
            "containers: {a: {image: x, networks: {n: &e {ipv4_address: 10.1.0.5}}}, b: {image: x, networks: {n: *e}}}"
        ),
        "containers.b.networks.n.ipv4_address: ",
    ),
    ("bridges: {a: {addresses: &e [10.1.0.1/24]}, b: {addresses: *e}}", "bridges.b.addresses: "),
    ("bridges: {a: {ports: [x]}, b: {ports: [y, x]}}", "bridges.b.ports[1]: "),
    ("namespaces: {r: }\nveths: [[r:a, host:a], [r:b, host:a]]", "veths[1][1]: "),
    (
        "networks: {m: {ipam: {config: [{subnet: 10.1.0.0/24}]}}, n: {ipam: {config: [{subnet: 10.1.0.0/16}]}}}",
        "networks.n.ipam.config[0].subnet: ",
    ),
]


@pytest.mark.parametrize(("text", "pointer"), PLACES)
def test_a_problem_is_told_where_it_can_be_mended(tmp_path: Path, text: str, pointer: str) -> None:
    path = tmp_path / "topology.yaml"
    path.write_text(f"name: t\n{text}\n")
    with pytest.raises(FileInvalid) as caught:
        load(path, kinds=kinds(), environment={})
    [found] = caught.value.problems
    assert f"{found.pointer}: " == pointer


def test_all_problems_come_at_once_with_their_places(tmp_path: Path) -> None:
    path = tmp_path / "topology.yaml"
    path.write_text(
        "name: t\n"
        "namespaces: {red: , blue: }\n"
        "bridges: {red: }\n"
        "veths:\n"
        "  - [red:eth0 10.0.0.1/30, bleu:eth0 10.0.0.2/30]\n"
        "  - [red:eth0 10.0.1.1/30, blue:eth1 10.0.1.2/30]\n"
        "  - [red:eth2 10.0.1.1/30, blue:eth2]\n"
    )
    with pytest.raises(FileInvalid) as caught:
        load(path, kinds=kinds(), environment={})
    lines = [str(each).removeprefix(f"{path}:") for each in caught.value.problems]
    assert len(lines) >= 3
    assert any(line.startswith("3:") and "'red' is also the name of" in line for line in lines), lines
    assert any(line.startswith("5:") and "did you mean 'blue'?" in line for line in lines), lines
    assert any(line.startswith("7:") and "taken already" in line for line in lines), lines
