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
