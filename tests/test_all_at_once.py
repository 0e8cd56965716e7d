"""Whatever is wrong is told at once, in one line each, and what merely follows from it is not."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from broken import EXAMPLES, FILES, JUNK, Place, places, replaced
from hypothesis import given
from hypothesis import strategies as st

from reconciler.errors import FileInvalid
from reconciler.kinds import kinds
from reconciler.topology import load

NOTHING = "variable 'NOTHING' is not set"


def found(data: Any) -> list[str]:
    Path("t.yaml").write_text(data if isinstance(data, str) else json.dumps(data))
    try:
        load("t.yaml", kinds=kinds(), environment={"ALSO": ""})
    except FileInvalid as error:
        return [str(each) for each in error.problems]
    return []


def without(data: Any, place: Place) -> Any:
    """Return a file in which one value is not known."""
    return replaced(data, place, "${NOTHING}")


@pytest.fixture(scope="module", autouse=True)
def _beside(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """What the files name stands beside them."""
    folder = tmp_path_factory.mktemp("beside")
    (folder / "images").symlink_to(EXAMPLES / "images")
    (folder / "D").write_text("FROM scratch\n")
    with contextlib.chdir(folder):
        yield


VALUES = st.one_of([st.tuples(st.just(data), st.sampled_from(list(places(data)))) for data in FILES])


@pytest.mark.parametrize("data", FILES, ids=lambda data: data["name"])
def test_what_is_broken_in_these_tests_is_right(data: Any) -> None:
    assert found(data) == []


@given(VALUES)
def test_what_follows_from_a_value_that_is_not_known_is_not_told_as_well(broken: tuple[Any, Place]) -> None:
    told = found(without(*broken))
    assert len(told) == 1, told
    assert NOTHING in told[0]


@pytest.mark.parametrize(
    "more",
    [
        {"veths": [{"endpoints": ["red:eth1", "${NOTHING}"]}]},
        {"veths": [{"endpoints": ["red:eth1", {"container": "${NOTHING}", "interface": "eth0"}]}]},
        {"veths": [{"endpoints": ["red:eth1", {"namespace": "red", "interface": "${NOTHING}"}]}]},
        {"veths": [{"endpoints": ["red:eth1", {"bridge": "${NOTHING}", "path_cost": 4}]}]},
        {"host": {"routes": [{"to": "${NOTHING}", "via": "10.0.0.1"}]}},
        {"host": {"routes": [{"to": "default", "via": "${NOTHING}"}]}},
    ],
    ids=["minItems", "oneOf", "dependentRequired", "else", "required", "anyOf"],
)
def test_that_a_value_is_missing_is_not_told_where_it_is_not_known(more: dict[str, Any]) -> None:
    data = {"name": "t", "namespaces": {"red": None}, **more}
    assert [NOTHING in each for each in found(data)] == [True]


@given(VALUES)
def test_what_does_not_follow_from_it_is_told_beside_it(broken: tuple[Any, Place]) -> None:
    data, place = broken
    strange: dict[str, Any] = {"namespaces": {"strange": {"sysctls": {"kernel.x": 1}}}, "bridges": {"odd": {"mtu": 60}}}
    more = {section: {**data.get(section, {}), **entry} for section, entry in strange.items()}
    told = found(without({**data, **more}, place))
    expected = {"namespaces": "kernel.x is not of a network namespace", "bridges": "60 is too small"}
    for section, message in expected.items():
        assert place == (section,) or any(message in each for each in told), told
    assert any(NOTHING in each for each in told)


@given(st.sampled_from(FILES), st.data())
def test_whatever_is_wrong_gets_lines_with_places_and_never_a_traceback(data: Any, drawn: st.DataObject) -> None:
    for _ in range(drawn.draw(st.integers(1, 3))):
        data = replaced(data, drawn.draw(st.sampled_from(list(places(data)))), drawn.draw(st.sampled_from(JUNK)))
    for each in found(data):
        assert re.fullmatch(r"t\.yaml:[0-9]+:[0-9]+: [^\n]+", each)


EXAMPLE_OF_MANY = """
name: all
bridges: {br0: {mtu: 60}, br1: {namespace: nope}, br2: {namespace: wrong!}}
namespaces: {wrong!: }
containers:
  a: {image: "x:1", depends_on: [zz], tty: "${UNSET}"}
  a1: {}
  b: {image: 5x, network_mode: brigde, links: [a], ports: ["80:80"]}
  c: {image: "x:1", env_file: [nowhere, {path: 5, formats: raw}, gone]}
veths:
  - [a:eth7, 5]
  - [a:eth8 10.0.0.1/24, br9]
  - [br0, b:eth0]
"""


TOLD_OF_MANY = """
bridges.br0.mtu: 60 is too small: at least 68
bridges.br1.namespace: there is no 'nope' in namespaces
bridges.br2.namespace: 'wrong!' is not a name of letters, digits, '_', and single '.' and '-' (e.g. web)
namespaces: 'wrong!' is not a name of letters, digits, '_', and single '.' and '-' (e.g. web)
containers.a.depends_on[0]: there is no 'zz' in containers
containers.a.tty: variable 'UNSET' is not set (set it, write ${UNSET:-default}, or $$UNSET for itself)
containers.a1: the container has neither 'image' nor 'build' (e.g. image: busybox:1.36)
containers.b.network_mode: 'brigde' is not a network mode: none, bridge, host, service:NAME or container:NAME (e.g. none)
containers.c.env_file[0]: there is no file 'nowhere'
containers.c.env_file[1]: unknown attribute 'formats' (did you mean 'format'?)
containers.c.env_file[2]: there is no file 'gone'
veths[0][1]: there is no node '5'
veths[1][1]: there is no node 'br9' (did you mean 'br1'?)
""".strip()


def test_every_stage_tells_what_it_finds_with_its_place_as_the_file_counts() -> None:
    assert [each.partition(" ")[2] for each in found(EXAMPLE_OF_MANY)] == TOLD_OF_MANY.splitlines()


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("include: gone.yaml\nveths: [[far:a, red:b]]", ["there is no file 'gone.yaml'"]),
        ("include: broken.yaml\nbridges: {b: {namespace: far}}", ["found undefined alias"]),
        ("include: ['${UNSET}']\nveths: [[far:a, red:b]]", ["variable 'UNSET' is not set"]),
        ("<<: 5\nveths: [[far:a, red:b]]", ["can only merge mappings"]),
        ("services: {}\nimages: {i: {commit: c}}", ["unknown attribute 'services'"]),
        ("x-a: &a {<<: 5}\ncontainers: {c: {<<: *a}}", ["can only merge mappings"] * 2),
        ("include: wrong.yaml\nveths: [[far:a, red:b]]", ["expected a mapping of names to namespaces"]),
        ("bridges: {b: {namespace: 'a b', ports: [b]}}\nveths: [[b, host:x]]", ["'a b' is not a name"]),
        ("defaults: 5\ncontainers: {c: }", ["expected a mapping with 'containers'"]),
        ("defaults: {containers: 5}\ncontainers: {c: }", ["expected a mapping, not 5"]),
        (
            "defaults: {containers: {imaeg: x}}\ncontainers: {c: , d: {image: 'x y'}}",
            ["did you mean 'image'?", "'x y' is"],
        ),
        (
            "defaults: {containers: {networks: [lan]}}\ncontainers: {c: {image: x, networks: 5}}",
            ["expected a list of n"],
        ),
        ("name: 'a b'\nnamespaces: {r: {sysctls: {a.b: 1}}}", ["given twice", "a.b is not of a network namespace"]),
    ],
)
def test_what_is_missing_for_another_reason_is_not_told_as_well(more: str, told: list[str]) -> None:
    Path("broken.yaml").write_text("namespaces: {a: *b}")
    Path("wrong.yaml").write_text("namespaces: 5")
    lines = found(f"name: t\n{more}\n")
    assert len(lines) == len(told), lines
    assert all(message in each for each, message in zip(lines, told, strict=True)), lines


@pytest.mark.parametrize("name", ["'a b'", "${UNSET}", ""])
def test_a_topology_without_a_right_name_is_looked_at_all_the_same(name: str) -> None:
    assert len(found(f"name: {name}\nveths: [[red:a, blue:b]]\n")) == 3
