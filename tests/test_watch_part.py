"""Which part of a topology a watch looks at after something has happened in the kernel, and what a pass over it does."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.errors import NotNow
from reconciler.host import Host, Memory
from reconciler.host.kernel import Place, Space
from reconciler.host.kernel.known import Known
from reconciler.host.netns import Namespace
from reconciler.kinds import kinds
from reconciler.model import ResourceKey
from reconciler.topology import load
from reconciler.watch.part import Part, Parts

TEXT = """
networks: {lan: {ipam: {config: [{subnet: 172.31.9.0/24}]}}, empty: }
containers:
  leaf: {image: x, network_mode: none, exec: ["true"]}
  web: {image: x, networks: [lan]}
  late: {image: x, network_mode: none, depends_on: [leaf]}
  shared: {image: x, network_mode: none}
  sharer: {image: x, network_mode: "service:shared"}
  other: {external: true}
namespaces: {red: {routes: [{to: 10.9.0.0/16, via: 10.0.0.2}]}, blue: {exec: ["true"]}, green: , grey: , far: {external: true}}
bridges: {br0: , inner: {namespace: green}}
veths:
  - [red:eth0 10.0.0.1/24, blue:eth0 10.0.0.2/24]
  - [blue:eth1, green:eth1]
  - [grey:eth0, br0]
  - [red:eth2, br0]
  - [leaf:eth0, far:eth0]
  - [late:eth0, other:x0]
  - [web:x0, grey:x0]
"""


@pytest.fixture
def parts(tmp_path: Path) -> Parts:
    file = tmp_path / "topology.yaml"
    file.write_text(f"name: t\n{TEXT}")
    return Parts(load(file, kinds=kinds(), environment={}), kinds())


def around(parts: Parts, *about: str) -> Part:
    part = parts.around([ResourceKey.of(each) for each in about])
    assert part is not None
    return part


def names(part: Part) -> set[str]:
    return {str(each.key) for each in part.topology}


def nodes(part: Part) -> set[str]:
    return {each.name for each in part.nodes}


def test_the_part_around_a_namespace_is_what_lives_in_it_with_all_that_this_needs(parts: Parts) -> None:
    part = around(parts, "namespace/red")
    assert names(part) == {
        *("namespace/red", "veth/blue:eth0--red:eth0", "route/red--10.9.0.0/16", "veth/br0--red:eth2"),
        *("namespace/blue", "exec/blue", "veth/blue:eth1--green:eth1", "namespace/green", "bridge/br0"),
    }
    assert nodes(part) == {"host", "red", "blue", "green"}
    assert part.about == {ResourceKey.of("namespace/red")}
    assert (part.topology.name, part.topology.source) == (parts.topology.name, parts.topology.source)
    assert "veth" in part.kinds
    assert "container" not in part.kinds


def test_the_part_around_a_bridge_is_what_is_in_it(parts: Parts) -> None:
    assert names(around(parts, "bridge/br0")) == {
        *("bridge/br0", "veth/br0--red:eth2", "veth/br0--grey:eth0", "namespace/red", "namespace/grey"),
    }
    assert names(around(parts, "bridge/inner")) == {"bridge/inner", "namespace/green"}


def test_the_part_around_several_is_all_of_theirs(parts: Parts) -> None:
    part = around(parts, "bridge/inner", "veth/br0--grey:eth0")
    assert names(part) == {"bridge/inner", "namespace/green", "veth/br0--grey:eth0", "bridge/br0", "namespace/grey"}


def test_what_lives_in_a_container_is_looked_at_without_the_engine(parts: Parts) -> None:
    part = around(parts, "container/leaf")
    assert names(part) == {"veth/far:eth0--leaf:eth0", "exec/leaf", "namespace/far"}
    assert nodes(part) == {"host", "leaf", "far"}
    assert names(around(parts, "container/other")) == {"veth/late:eth0--other:x0"}
    assert nodes(around(parts, "container/other")) == {"host", "late", "other"}


@pytest.mark.parametrize(
    "about",
    [
        "container/web",
        "container/shared",
        "network/lan",
        "network/empty",
        "image/x",
        "namespace/none",
        "container/none",
        "veth/none",
    ],
)
def test_where_the_engine_has_a_say_or_nothing_is_known_there_is_no_part(parts: Parts, about: str) -> None:
    assert parts.around([ResourceKey.of("namespace/red"), ResourceKey.of(about)]) is None
    assert parts.around([ResourceKey.of(about)]) is None


# what is known of namespaces

RED, BLUE = ResourceKey.of("namespace/red"), ResourceKey.of("namespace/blue")
WAY = Namespace(7, ("red",), (), ("/run/netns/red",))
KNOWN = Known({}, {}, None, {RED: (11, WAY), BLUE: (11, WAY)})


def test_a_namespace_is_entered_once_for_all_the_nodes_in_it() -> None:
    assert KNOWN.ways([RED, BLUE]) == [WAY]


def test_a_node_that_was_not_seen_or_is_elsewhere_by_now_is_told() -> None:
    with pytest.raises(NotNow, match="namespace/grey: not where it was seen"):
        KNOWN.ways([RED, ResourceKey.of("namespace/grey")])
    KNOWN.insist([RED], {RED: Space(Place(11), {})})
    with pytest.raises(NotNow, match="namespace/blue, namespace/red"):
        KNOWN.insist([RED, BLUE], {RED: Space(Place(12), {})})


def test_where_nothing_was_seen_yet_that_is_told() -> None:
    with pytest.raises(NotNow, match="nothing was seen yet"):
        assert Memory().recalled
    assert Memory(KNOWN).recalled is KNOWN
    host = Host(memory=Memory(KNOWN))
    near = host.near(frozenset((RED,)))
    assert (near.nodes, near.memory, host.nodes) == (frozenset((RED,)), host.memory, None)
