"""The moves that are known to be tricky, each by its name, with what must keep its identity meanwhile."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from live.boxes import C, D, Json, alone, box, endpoint, inside, inspect, lan, life, reaches, text
from live.lab import Lab, run
from live.witness import addresses, link, pings, routes
from reconciler.host.marks import KEY

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("image")]

LAN = {"lan": lan("10.230.71.0/24"), "wan": lan("10.230.72.0/24")}
CALM: Json = {"calm": alone()}


def file(containers: Json, more: str = "", **sections: Any) -> str:
    """A topology with one container that nobody touches."""
    return text({**containers, **CALM}, networks=LAN, **sections) + f"\n{more}"


def pid(lab: Lab, name: str) -> int:
    return int(inspect(lab, name)["State"]["Pid"])


# Swaps


def test_two_containers_swap_their_ports(lab: Lab) -> None:
    def published(*ports: int) -> str:
        entries = zip("ab", ports, strict=True)
        return file({name: box(networks=["lan"], ports=[f"127.0.0.1:{each}:80"]) for name, each in entries})

    lab.apply(published(18571, 18572))
    before = life(lab, "calm")
    lab.apply(published(18572, 18571))
    bindings = [inspect(lab, name)["NetworkSettings"]["Ports"]["80/tcp"][0]["HostPort"] for name in "ab"]
    assert (bindings, life(lab, "calm")) == (["18572", "18571"], before)


def test_two_containers_swap_their_addresses(lab: Lab) -> None:
    def addressed(*numbers: int) -> str:
        entries = zip("ab", numbers, strict=True)
        return file({name: box(networks={"lan": {"ipv4_address": f"10.230.71.{each}"}}) for name, each in entries})

    lab.apply(addressed(21, 22))
    before = life(lab, "a", "b", "calm")
    lab.apply(addressed(22, 21))
    found = [endpoint(lab, name, "lan")["IPAddress"] for name in "ab"]
    assert (found, life(lab, "a", "b", "calm")) == (["10.230.71.22", "10.230.71.21"], before)


def test_two_containers_swap_their_names(lab: Lab) -> None:
    def named(*names: str) -> str:
        entries = zip("ab", names, strict=True)
        return file({name: alone(container_name=f"{lab.name}-{each}") for name, each in entries})

    lab.apply(named("one", "two"))
    before = life(lab, "calm")
    lab.apply(named("two", "one"))
    assert life(lab, "calm") == before
    assert [inspect(lab, each)["Config"]["Labels"][KEY] for each in ("one", "two")] == ["container/b", "container/a"]


def test_two_ends_swap_their_addresses(lab: Lab) -> None:
    template = "namespaces: {red: , blue: }\nveths: [[red:a %s/24, blue:a], [red:b %s/24, blue:b]]"
    lab.apply(template % ("10.0.0.1", "10.0.1.1"))
    before = [link(name, netns=f"{lab.name}-red")["ifindex"] for name in "ab"]
    lab.apply(template % ("10.0.1.1", "10.0.0.1"))
    assert addresses("a", netns=f"{lab.name}-red") == {"10.0.1.1/24"}
    after = [link(name, netns=f"{lab.name}-red")["ifindex"] for name in "ab"]
    assert [one == other for one, other in zip(before, after, strict=True)].count(True) == 1, "one makes room"


def test_two_namespaces_and_two_bridges_swap_their_names(lab: Lab) -> None:
    template = (
        "namespaces: {red: {name: '@%s'}, blue: {name: '@%s'}, calm: }\nbridges: {x: {name: '@b%s'}, y: {name: '@b%s'}}\n"
        "veths: [[red:a 10.0.0.1/24, blue:a], [red:b, x], [calm:a, calm:b]]"
    ).replace("@", lab.name)
    lab.apply(template % (1, 2, 1, 2))
    calm = link("a", netns=f"{lab.name}-calm")["ifindex"]
    before = [link(f"{lab.name}b{each}")["ifindex"] for each in (1, 2)]
    lab.apply(template % (2, 1, 2, 1))
    after = [link(f"{lab.name}b{each}")["ifindex"] for each in (2, 1)]
    assert [one == other for one, other in zip(before, after, strict=True)].count(True) == 1, "one makes room"
    assert addresses("a", netns=f"{lab.name}2") == {"10.0.0.1/24"}
    assert link("a", netns=f"{lab.name}-calm")["ifindex"] == calm


# Addresses and networks


def test_a_dynamic_address_in_the_way_of_a_declared_one_gives_way(lab: Lab) -> None:
    dynamic = {name: box(networks=["lan"]) for name in "ab"}
    lab.apply(file(dynamic))
    before, held = life(lab, "a", "b", "calm"), endpoint(lab, "a", "lan")["IPAddress"]
    lab.apply(file({**dynamic, "c": box(networks={"lan": {"ipv4_address": held}})}))
    assert endpoint(lab, "c", "lan")["IPAddress"] == held
    assert life(lab, "a", "b", "calm") == before


def test_a_container_moves_between_networks(lab: Lab) -> None:
    other = {"b": box(networks=["wan"])}
    lab.apply(file({"a": box(networks=["lan"]), **other}))
    before = life(lab, "a", "b", "calm")
    for networks in (["wan"], ["lan", "wan"], ["lan"], ["wan"]):
        lab.apply(file({"a": box(networks=networks), **other}))
        assert reaches(lab, "a", "b") == ("wan" in networks)
    assert life(lab, "a", "b", "calm") == before


STATES = {"runs": "running", "waits": "paused", "stands": "stopped"}


@pytest.mark.parametrize("interface", ["", "eth1"])
def test_a_network_is_replaced_under_running_paused_and_stopped_containers(lab: Lab, interface: str) -> None:
    entries = {
        name: box(networks={"lan": {"aliases": [f"the-{name}"], "ipv4_address": f"10.230.71.{at}"}}, state=state)
        for at, (name, state) in enumerate(STATES.items(), start=11)
    }
    live = [name for name in STATES if name != "stands"]
    pairs = ", ".join(
        f"[{name}:{interface} 10.70.{at}.1/24, red:{name} 10.70.{at}.2/24]" for at, name in enumerate(live)
    )
    more = f"namespaces: {{red: }}\nveths: [{pairs if interface else ''}]"
    lab.apply(file(entries, more))
    before = life(lab, *STATES, "calm")
    ends = [link(interface, pid=pid(lab, name)).get("ifindex") for name in live]
    lab.apply(file(entries, more).replace('"subnet": "10.230.71.0/24"', '"subnet": "10.230.71.0/25"'))
    assert life(lab, *STATES, "calm") == before
    assert [link(interface, pid=pid(lab, name)).get("ifindex") for name in live] == ends
    assert inspect(lab, "waits")["State"]["Paused"]
    assert endpoint(lab, "runs", "lan")["IPAddress"] == "10.230.71.11"
    lab.apply(file({name: {**each, "state": "running"} for name, each in entries.items()}, more))
    assert all(reaches(lab, "runs", f"the-{name}") for name in STATES)
    assert not interface or pings("10.70.0.1", netns=f"{lab.name}-red")


# Ends of veths


def test_an_end_moves_from_a_container_to_a_bridge_to_a_namespace(lab: Lab) -> None:
    containers = {"a": alone()}
    more = "namespaces: {red: , blue: }\nbridges: {br: }\nveths: [[red:calm, blue:calm], {name: w, endpoints: [%s, red:far 10.0.0.2/24]}]"
    places = ("a:near 10.0.0.1/24", "br", "blue:near 10.0.0.1/24")
    lab.apply(file(containers, more % places[0]))
    before = life(lab, "a", "calm"), link("calm", netns=f"{lab.name}-red")["ifindex"], link(f"{lab.name}-br")["ifindex"]
    for at in (1, 2, 0, 2, 1, 0):
        lab.apply(file(containers, more % places[at]))
        assert bool(link("near", pid=pid(lab, "a"))) == (at == 0)
        assert bool(link("near", netns=f"{lab.name}-blue")) == (at == 2)
        assert addresses("far", netns=f"{lab.name}-red") == {"10.0.0.2/24"}
    after = life(lab, "a", "calm"), link("calm", netns=f"{lab.name}-red")["ifindex"], link(f"{lab.name}-br")["ifindex"]
    assert after == before


def test_an_interface_s_name_is_taken_over_by_another_veth(lab: Lab) -> None:
    containers = {"a": alone()}
    more = "namespaces: {red: , blue: }\nveths: [[a:x 10.0.0.1/24, %s:far 10.0.0.2/24], [a:y 10.0.1.1/24, %s:far 10.0.1.2/24]]"
    lab.apply(file(containers, more % ("red", "blue")))
    before = life(lab, "a", "calm")
    lab.apply(file(containers, more % ("blue", "red")))
    assert life(lab, "a", "calm") == before
    assert pings("10.0.0.1", netns=f"{lab.name}-blue")
    assert pings("10.0.1.1", netns=f"{lab.name}-red")


def test_a_namespace_is_replaced_under_its_veths(lab: Lab) -> None:
    more = (
        "namespaces: {red: {routes: [{to: 10.9.0.0/16, via: 10.0.0.2}]}, blue: }\nbridges: {br: {namespace: red}, out: }\n"
        "veths: [[red:a 10.0.0.1/24, blue:a 10.0.0.2/24], [br, out], [blue:calm, out]]"
    )
    lab.apply(more)
    name = f"{lab.name}-blue"
    before = link("calm", netns=name)["ifindex"], link(f"{lab.name}-out")["ifindex"]
    inode = Path("/run/netns", f"{lab.name}-red").stat().st_ino
    with Path("/run/netns", f"{lab.name}-red").open():  # lest its number be given to the next
        run("ip", "netns", "del", f"{lab.name}-red")
        lab.apply(more)
        assert Path("/run/netns", f"{lab.name}-red").stat().st_ino != inode
    assert (link("calm", netns=name)["ifindex"], link(f"{lab.name}-out")["ifindex"]) == before
    assert pings("10.0.0.1", netns=name)
    assert routes(netns=f"{lab.name}-red")["10.9.0.0/16"]["gateway"] == "10.0.0.2"


# Kinds


NODE = {
    "container": "containers: {n: {image: reconciler-test/busybox, init: true, command: [sleep, '999'], network_mode: none}}",
    "namespace": "namespaces: {n: , calm: }",
    "bridge": "bridges: {n: }",
}


@pytest.mark.parametrize("first", NODE)
@pytest.mark.parametrize("second", NODE)
def test_a_node_becomes_one_of_another_kind_under_its_name(lab: Lab, first: str, second: str) -> None:
    def node(kind: str) -> str:
        end = "n" if kind == "bridge" else "n:e 10.0.0.1/24"
        calm = "" if kind == "namespace" else "namespaces: {calm: }\n"
        return f"{calm}{NODE[kind]}\nveths: [[{end}, calm:e 10.0.0.2/24], [calm:x, calm:y]]"

    lab.apply(node(first))
    before = link("x", netns=f"{lab.name}-calm")["ifindex"]
    told = {key: action for key, (action, _) in lab.tells(node(second)).items()}
    assert first == second or (told[f"{first}/n"], told[f"{second}/n"]) == (D, C)
    lab.apply(node(second))
    assert link("x", netns=f"{lab.name}-calm")["ifindex"] == before
    assert second == "bridge" or pings("10.0.0.1", netns=f"{lab.name}-calm")


# Images and links


@pytest.mark.parametrize("same", [True, False])
def test_an_image_is_rebuilt_under_its_tag(lab: Lab, same: bool) -> None:
    context = lab.folder / "ctx"
    context.mkdir()
    (context / ".dockerignore").write_text("*\n")
    dockerfile = "FROM reconciler-test/busybox\nENV N=%d\n# %d\n"
    (context / "Dockerfile").write_text(dockerfile % (1, 1))
    images = {"own": {"build": "./ctx", "tags": [f"{lab.name}/moving:1"]}}
    entries = {"a": alone(image="own"), "b": alone(image="own", labels={"x": "y"})}
    lab.apply(file(entries, images=images))
    before = life(lab, "a", "b", "calm")
    (context / "Dockerfile").write_text(dockerfile % (1 if same else 2, 2))
    assert "image/own" in lab.tells(file(entries, images=images))
    lab.apply(file(entries, images=images))
    after = life(lab, "a", "b", "calm")
    assert [one == other for one, other in zip(before, after, strict=True)] == [same, same, True]
    assert inside(lab, "b", "env")[1].count("N=1") == same


def test_what_runs_goes_on_where_the_image_of_its_replacement_cannot_be_had(lab: Lab) -> None:
    beside = alone(network_mode="service:a")
    lab.apply(file({"a": alone(), "beside": beside}))
    before = life(lab, "a", "beside", "calm")
    report = lab.attempt(file({"a": alone(image="127.0.0.1:1/none:2", environment={"RELEASE": "2"}), "beside": beside}))
    assert [str(each.step.key) for each in report.failed] == ["create image/127.0.0.1:1/none:2"]
    assert life(lab, "a", "beside", "calm") == before


@pytest.mark.parametrize("network", ["bridge", "lan"])
def test_a_link_s_target_is_replaced(lab: Lab, network: str) -> None:
    joined: Json = {"network_mode": "bridge"} if network == "bridge" else {"networks": ["lan"]}

    def linked(**changed: Any) -> str:
        return file({"a": box(**joined, **changed), "b": box(**joined, links=["a:friend"]), "c": box(**joined)})

    lab.apply(linked())
    before = life(lab, "a", "b", "c", "calm")
    lab.apply(linked(environment={"A": "b"}))
    after = life(lab, "a", "b", "c", "calm")
    assert [one == other for one, other in zip(before, after, strict=True)] == [False, network == "lan", True, True]
    assert reaches(lab, "b", "friend")
