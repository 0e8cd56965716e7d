"""Two at once, and a host that changes between plan and step: nothing is lost, and nothing foreign is touched."""

from __future__ import annotations

import random
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from live.boxes import alone, box, text
from live.lab import Lab, busybox_tar, run, started
from live.witness import addresses, link, namespaces, routes
from reconciler import reconcile
from reconciler.errors import Conflict
from reconciler.execute import execute
from reconciler.kinds import kinds
from reconciler.model import Report, Step
from reconciler.reconcile import Options, Progress

pytestmark = pytest.mark.live

KERNEL = "bridges: {br0: {external: true, name: @}}\nnamespaces: {red: }\nveths: [[red:eth0 10.0.0.1/24, br0]]\n"


def finished(processes: list[subprocess.Popen[str]]) -> None:
    for each in processes:
        output, errors = each.communicate(timeout=120)
        assert each.returncode == 0, output + errors


def folders(lab: Lab, count: int, content: str) -> list[Path]:
    made = []
    for number in range(count):
        folder = lab.folder / str(number)
        folder.mkdir()
        folder.joinpath("topology.yaml").write_text(f"name: {lab.name}{number}\n{content.replace('@', lab.name)}")
        made.append(folder)
    return made


@pytest.fixture
def chance(request: pytest.FixtureRequest) -> random.Random:
    return random.Random(request.config.option.hypothesis_seed)


def test_topologies_that_share_a_bridge_leave_each_other_alone(lab: Lab, chance: random.Random) -> None:
    run("ip", "link", "add", lab.name, "type", "bridge")
    some = folders(lab, 3, KERNEL)
    try:
        for _ in range(2):
            finished([started(each, "apply") for each in chance.sample(some, 3)])
            finished([started(some[0], "destroy"), started(some[1], "apply"), started(some[2], "apply")])
            ports = [each for each in run("ip", "-o", "link", "show", "master", lab.name).splitlines() if each]
            assert len(ports) == 2
            finished([started(each, "plan", "--detailed-exitcode") for each in some[1:]])
    finally:
        finished([started(each, "destroy") for each in some])
        assert run("ip", "-o", "link", "show", "master", lab.name) == ""
        run("ip", "link", "delete", lab.name)


def test_topologies_that_share_an_external_network_leave_each_other_alone(
    lab: Lab, engine: Any, image: str, chance: random.Random
) -> None:
    identity = engine.create_network(lab.name)["Id"]
    boxes = {"box": alone(network_mode=None, networks=["lan"])}
    some = folders(lab, 3, text(boxes, networks={"lan": {"external": True, "name": lab.name}}))
    try:
        for _ in range(2):
            finished([started(each, "apply") for each in chance.sample(some, 3)])
            finished([started(some[0], "destroy"), started(some[1], "apply"), started(some[2], "apply")])
            network = engine.inspect_network(lab.name)
            assert network["Id"] == identity
            names = {each["Name"] for each in network["Containers"].values()}
            assert names == {f"{lab.name}1-box", f"{lab.name}2-box"}
            finished([started(each, "plan", "--detailed-exitcode") for each in some[1:]])
    finally:
        finished([started(each, "destroy") for each in some])
        assert engine.inspect_network(lab.name)["Containers"] == {}
        engine.remove_network(lab.name)


PAIR_OF_NAMESPACES = "namespaces: {red: , blue: }\nveths: [[red:eth0 10.0.0.1/24, blue:eth0 10.0.0.2/24]]\n"
CONTAINERS = text({"web": box(networks=["lan"]), "db": box(networks=["lan"])}, networks={"lan": {}}) + "\n"


@pytest.mark.parametrize(("content", "rounds"), [(PAIR_OF_NAMESPACES, 3), (CONTAINERS + PAIR_OF_NAMESPACES, 1)])
def test_applies_and_destroys_of_one_topology_take_turns(
    lab: Lab, image: str, chance: random.Random, content: str, rounds: int
) -> None:
    (folder,) = folders(lab, 1, content)
    for _ in range(rounds):
        finished([started(folder, each) for each in chance.sample(["apply", "apply", "destroy"], 3)])
    finished([started(folder, "apply"), started(folder, "apply")])
    finished([started(folder, "plan", "--detailed-exitcode")])
    finished([started(folder, "destroy"), started(folder, "destroy")])
    assert not any(each.startswith(f"{lab.name}0-") for each in namespaces())


def meanwhile(lab: Lab, content: str, change: Callable[[], None]) -> Report:
    """Plan, let somebody change the host, and only then do it."""
    plan = lab.plan(content)
    change()
    return execute(plan, lab.host, kinds=kinds())


def errors(report: Report) -> str:
    return "\n".join(str(each.error) for each in report.failed)


def replace(name: str, image: str) -> None:
    """Let a foreigner's container stand where one of ours was."""
    run("docker", "rm", "-f", name)
    run("docker", "run", "-d", "--name", name, "--network", "none", image, "sleep", "1000")


def test_a_container_of_a_foreigner_that_took_the_name_is_not_touched(lab: Lab, engine: Any, image: str) -> None:
    lab.apply(text({"box": alone(state="stopped")}))
    name = f"{lab.name}-box"

    def replaced() -> None:
        run("docker", "rm", "-f", name)
        run("docker", "create", "--name", name, "--network", "none", image, "sleep", "1000")

    try:
        report = meanwhile(lab, text({"box": alone()}), replaced)
        assert f"a container {name} that is not ours came in between" in errors(report)
        assert engine.inspect_container(name)["State"]["Status"] == "created"
        report = meanwhile(lab, "", lambda: None)
        assert engine.inspect_container(name)["State"]["Status"] == "created"
    finally:
        run("docker", "rm", "-f", name)


def test_a_container_of_a_foreigner_is_not_connected(lab: Lab, engine: Any, image: str) -> None:
    networks: dict[str, dict[str, str]] = {"lan": {}, "wan": {}}
    lab.apply(text({"box": {**alone(network_mode=None), "networks": ["lan"]}}, networks=networks))
    name = f"{lab.name}-box"

    try:
        both = {**alone(network_mode=None), "networks": ["lan", "wan"]}
        report = meanwhile(lab, text({"box": both}, networks=networks), lambda: replace(name, image))
        assert "that is not ours came in between" in errors(report)
        assert list(engine.inspect_container(name)["NetworkSettings"]["Networks"]) == ["none"]
    finally:
        run("docker", "rm", "-f", name)


@pytest.mark.parametrize("further", ["veths: [[box:eth5, red:eth0]]\n", "exec"])
def test_into_a_container_of_a_foreigner_nothing_is_put(lab: Lab, engine: Any, image: str, further: str) -> None:
    spaces = "namespaces: {red: }\n"
    lab.apply(text({"box": alone()}) + "\n" + spaces)
    name = f"{lab.name}-box"

    try:
        exec_ = {"exec": ["touch /tmp/here"]} if further == "exec" else {}
        after = text({"box": alone(**exec_)}) + "\n" + spaces + ("" if exec_ else further)
        report = meanwhile(lab, after, lambda: replace(name, image))
        assert f"a container {name} that is not ours came in between" in errors(report)
        assert run("docker", "exec", name, "ls", "/tmp", "/sys/class/net").split() == ["/sys/class/net:", "lo", "/tmp:"]
    finally:
        run("docker", "rm", "-f", name)


def test_a_volume_of_a_foreigner_that_took_the_name_stays(lab: Lab, engine: Any) -> None:
    lab.apply("volumes: {data: }\n")
    name = f"{lab.name}-data"
    plan = lab.plan("", keep=frozenset())
    run("docker", "volume", "rm", name)
    run("docker", "volume", "create", name)
    try:
        assert "that is not ours came in between: it stays" in errors(execute(plan, lab.host, kinds=kinds()))
        assert engine.inspect_volume(name)["Labels"] is None
    finally:
        run("docker", "volume", "rm", name)


def test_a_namespace_of_a_foreigner_that_took_the_name_stays(lab: Lab) -> None:
    lab.apply("namespaces: {red: }\n")
    name = f"{lab.name}-red"
    with subprocess.Popen(["ip", "netns", "exec", name, "sleep", "1000"]) as inside:
        try:
            plan = lab.plan("")
            run("ip", "netns", "delete", name)
            run("ip", "netns", "add", name)
            execute(plan, lab.host, kinds=kinds())
            assert name in namespaces()
        finally:
            inside.kill()
            run("ip", "netns", "delete", name)


INTO_A_NAMESPACE = {
    "an end": "namespaces: {red: , blue: }\nveths: [[red:eth0, blue:eth0]]\n",
    "an exec": 'namespaces: {red: {exec: ["ip link add here type bridge"]}}\n',
    "a sysctl": "namespaces: {red: {sysctls: {net.ipv4.ip_forward: 1}}}\n",
    "a bridge": "namespaces: {red: }\nbridges: {inner: {namespace: red}}\n",
    "a route": "namespaces: {red: {routes: [{to: 10.99.42.0/24, via: 10.99.43.2}]}, blue: }\n"
    "veths: [[red:eth0 10.99.43.1/24, blue:eth0 10.99.43.2/24]]\n",
}


@pytest.mark.parametrize("what", INTO_A_NAMESPACE)
def test_into_a_namespace_of_a_foreigner_nothing_is_put(lab: Lab, what: str) -> None:
    lab.apply("namespaces: {red: }\n")
    where = f"{lab.name}-red"

    def replaced() -> None:
        run("ip", "netns", "delete", where)
        run("ip", "netns", "add", where)
        run("ip", "-n", where, "link", "set", "lo", "up")

    def told() -> list[str]:
        inside = ("ip", "netns", "exec", where)
        looks = (("ip", "-o", "link"), ("ip", "route"), ("cat", "/proc/sys/net/ipv4/ip_forward"))
        return [run(*inside, *look) for look in looks]

    try:
        plan = lab.plan(INTO_A_NAMESPACE[what])
        replaced()
        before = told()
        report = execute(plan, lab.host, kinds=kinds())
        assert re.search(rf"\b{where}'? that is not ours", errors(report)), errors(report)
        assert told() == before
    finally:
        run("ip", "netns", "delete", where)


def test_to_a_network_of_a_foreigner_nothing_is_connected(lab: Lab, engine: Any, image: str) -> None:
    networks: dict[str, dict[str, str]] = {"lan": {}, "wan": {}}
    name = f"{lab.name}-wan"
    before, after = ({"box": {**alone(network_mode=None), "networks": some}} for some in (["lan"], ["lan", "wan"]))
    lab.apply(text(before, networks=networks))

    def replaced() -> None:
        run("docker", "network", "rm", name)
        run("docker", "network", "create", name)

    try:
        report = meanwhile(lab, text(after, networks=networks), replaced)
        assert f"a network {name} that is not ours came in between" in errors(report)
        assert engine.inspect_network(name)["Containers"] == {}
    finally:
        lab.apply(text(before, networks={"lan": {}}))
        run("docker", "network", "rm", name)


def test_to_a_network_of_a_foreigner_nothing_is_connected_on_the_way_back(lab: Lab, engine: Any, image: str) -> None:
    """What goes back goes by what was observed, which tells whose the network was."""
    networks: dict[str, dict[str, str]] = {"lan": {}, "wan": {}}
    name = f"{lab.name}-wan"
    lab.apply(text({"box": box(networks=["lan", "wan"])}, networks=networks))
    after = {"box": box(networks=["lan"]), "bad": alone(command=["false"], depends_on=["box"])}

    def replaced(step: Step) -> None:
        if str(step.key) == "create connect/box--wan":
            run("docker", "network", "rm", name)
            run("docker", "network", "create", name)

    try:
        report = reconcile.apply(
            lab.load(text(after, networks=networks)),
            lab.host,
            kinds=kinds(),
            options=Options(revert=True),
            progress=Progress(started=replaced),
        )
        assert report.reverted
        assert f"a network {name} that is not ours came in between" in errors(report.reverted)
        assert engine.inspect_network(name)["Containers"] == {}
    finally:
        lab.apply(text({"box": box(networks=["lan"])}, networks={"lan": {}}))
        run("docker", "network", "rm", name)


@pytest.mark.parametrize(
    ("kind", "more"),
    [("volume", {"volumes": ["own:/data"]}), ("network", {"network_mode": None, "networks": ["own"]})],
)
def test_a_container_that_was_made_with_what_a_foreigner_put_in_place_of_ours_is_told(
    lab: Lab, engine: Any, image: str, kind: str, more: dict[str, Any]
) -> None:
    sections: dict[str, dict[str, None]] = {f"{kind}s": {"own": None}}
    lab.apply(text({}, **sections))
    name, box = f"{lab.name}-own", text({"box": alone(**more)}, **sections)

    def replaced() -> None:
        run("docker", kind, "rm", name)
        run("docker", kind, "create", name)

    try:
        progress = Progress(planned=lambda _: replaced())
        report = reconcile.apply(lab.load(box), lab.host, kinds=kinds(), progress=progress)
        assert not report.failed
        assert not report.converged
        assert f"{kind}/own" in {str(each.key) for each in report.remaining}
        with pytest.raises(Conflict, match=f"{kind}/own: .*not ours"):
            lab.plan(box)
    finally:
        lab.apply("")
        run("docker", kind, "rm", name)


def test_a_network_that_was_made_again_by_a_foreigner_stays(lab: Lab, engine: Any) -> None:
    lab.apply("networks: {lan: }\n")
    name = f"{lab.name}-lan"
    plan = lab.plan("")
    run("docker", "network", "rm", name)
    run("docker", "network", "create", name)
    try:
        execute(plan, lab.host, kinds=kinds())
        assert engine.inspect_network(name)["Labels"] == {}
    finally:
        run("docker", "network", "rm", name)


def test_an_interface_that_took_the_name_of_a_deleted_end_stays(lab: Lab) -> None:
    content = "namespaces: {red: , blue: }\nveths: [[red:eth0, blue:eth0]]\n"
    lab.apply(content)
    where = f"{lab.name}-red"
    plan = lab.plan("namespaces: {red: , blue: }\n")
    run("ip", "-n", where, "link", "delete", "eth0")
    run("ip", "-n", where, "link", "add", "eth0", "type", "bridge")
    execute(plan, lab.host, kinds=kinds())
    assert link("eth0", netns=where)["linkinfo"]["info_kind"] == "bridge"
    run("ip", "-n", where, "link", "delete", "eth0")


def test_the_name_of_an_end_that_a_foreigner_took_is_waited_for_as_long_as_patience_lasts(lab: Lab) -> None:
    lab.apply("namespaces: {red: , blue: }\n")
    where = f"{lab.name}-red"
    plan = lab.plan("namespaces: {red: , blue: }\nveths: [[red:eth0, blue:eth0]]\n")
    run("ip", "-n", where, "link", "add", "eth0", "type", "bridge")
    lab.host.patience, begun = 0.3, time.monotonic()
    report = execute(plan, lab.host, kinds=kinds())
    assert 0.3 <= time.monotonic() - begun < 3
    assert f"there is an interface eth0 in namespace {where} already" in errors(report)
    assert link("eth0", netns=where)["linkinfo"]["info_kind"] == "bridge"


def test_a_port_that_somebody_else_borrowed_is_left_to_them(lab: Lab) -> None:
    port, theirs = f"{lab.name}p", f"{lab.name}f"
    run("ip", "link", "add", port, "type", "veth", "peer", "name", f"{lab.name}q")
    run("ip", "link", "add", theirs, "type", "bridge")
    try:
        lab.apply("bridges: {br0: }\n")
        content = f"bridges: {{br0: {{ports: [{port}]}}}}\n"
        report = meanwhile(lab, content, lambda: void(run("ip", "link", "set", port, "master", theirs)))
        assert "has become a port of something else" in errors(report)
        assert link(port)["master"] == theirs
        run("ip", "link", "set", port, "nomaster")
        lab.apply(content)
        meanwhile(lab, "bridges: {br0: }\n", lambda: void(run("ip", "link", "set", port, "master", theirs)))
        assert link(port)["master"] == theirs
    finally:
        run("ip", "link", "delete", port)
        run("ip", "link", "delete", theirs)


# bridges

PAIR = "bridges: {br0: }\nnamespaces: {red: }\nveths: [[red:eth0, br0]]\n"


def taken(name: str) -> None:
    """Delete an interface, and make a bridge by hand that has its name."""
    run("ip", "link", "delete", name, check=False)
    run("ip", "link", "add", name, "type", "bridge")


def test_the_name_of_a_bridge_that_a_foreigner_took_is_told_and_theirs_stays(lab: Lab) -> None:
    name = f"{lab.name}-br0"
    try:
        report = meanwhile(lab, "bridges: {br0: {stp: true}}\n", lambda: taken(name))
        assert f"bridge/br0: an interface {name} in the host that is not ours came in between" in errors(report)
        assert untouched_bridge(name)
    finally:
        run("ip", "link", "delete", name)


def test_a_bridge_that_was_made_again_by_a_foreigner_is_neither_changed_nor_deleted(lab: Lab) -> None:
    name = f"{lab.name}-br0"
    try:
        lab.apply("bridges: {br0: }\n")
        changed = "bridges: {br0: {stp: true, mtu: 1400, addresses: [10.99.40.1/24]}}\n"
        report = meanwhile(lab, changed, lambda: taken(name))
        assert errors(report) == "bridge/br0: it has vanished meanwhile: apply again"
        assert untouched_bridge(name)
        run("ip", "link", "delete", name)
        lab.apply("bridges: {br0: }\n")
        assert meanwhile(lab, "", lambda: taken(name)).failed == ()
        assert untouched_bridge(name)
    finally:
        run("ip", "link", "delete", name)


def untouched_bridge(name: str) -> bool:
    found = link(name)
    plain = found["linkinfo"]["info_data"]["stp_state"] == 0 and found["mtu"] == 1500 and not addresses(name)
    return plain and not found.get("ifalias") and found["operstate"] == "DOWN"


@pytest.mark.parametrize("before", ["bridges: {br0: }\nnamespaces: {red: }\n", PAIR])
def test_into_a_bridge_of_a_foreigner_nothing_is_put(lab: Lab, before: str) -> None:
    name = f"{lab.name}-br0"
    lab.apply(before)
    after = PAIR.replace("br0]", "{bridge: br0, path_cost: 9}]").replace("[red:eth0,", "{endpoints: [red:eth0,")
    after = after.replace("9}]]", "9}]}]") if before == PAIR else PAIR
    try:
        report = meanwhile(lab, after, lambda: taken(name))
        assert f"a bridge {name} in the host that is not ours came in between" in errors(report)
        assert run("ip", "-o", "link", "show", "master", name) == ""
    finally:
        run("ip", "link", "delete", name)


def test_into_the_bridge_of_a_network_of_a_foreigner_nothing_is_put(lab: Lab, engine: Any) -> None:
    text = "networks: {lan: {ipam: {config: [{subnet: 10.233.9.0/24}]}}}\nnamespaces: {red: }\n"
    lab.apply(text)
    name = f"{lab.name}-lan"

    def replaced() -> None:
        run("docker", "network", "rm", name)
        run("docker", "network", "create", name)

    try:
        veth = "veths: [{endpoints: [red:eth0, {network: lan}]}]\n"
        report = meanwhile(lab, text + veth, replaced)
        assert f"a network {name} that is not ours came in between" in errors(report)
        bridge = f"br-{engine.inspect_network(name)['Id'][:12]}"
        assert run("ip", "-o", "link", "show", "master", bridge) == ""
    finally:
        run("docker", "network", "rm", name)


# routes

VETH = "namespaces: {red: }\nveths: [[host:@h 10.99.41.1/24, red:eth0 10.99.41.2/24]]\n"
BY_ITS_ADDRESS = VETH + "host: {routes: [{to: 10.99.42.0/24, via: 10.99.41.2}]}\n"
BY_ITS_NAME = VETH + "host: {routes: [{to: 10.99.42.0/24, dev: @h}]}\n"
ON_LO = "host: {routes: [{to: 10.99.42.0/24, dev: lo}]}\n"
TO = "10.99.42.0/24"


@pytest.mark.parametrize("content", [BY_ITS_ADDRESS, BY_ITS_NAME])
def test_no_route_goes_by_an_interface_of_a_foreigner_that_took_the_name(lab: Lab, content: str) -> None:
    name = f"{lab.name}h"
    lab.apply(VETH.replace("@", lab.name))

    def replaced() -> None:
        taken(name)
        run("ip", "address", "add", "10.99.41.1/24", "dev", name)
        run("ip", "link", "set", name, "up")

    try:
        report = meanwhile(lab, content.replace("@", lab.name), replaced)
        assert f"an interface {name} in the host that is not ours came in between" in errors(report)
        assert TO not in routes()
    finally:
        run("ip", "link", "delete", name)


@pytest.mark.parametrize("before", ["", ON_LO])
def test_a_route_of_a_foreigner_that_took_the_place_stays(lab: Lab, before: str) -> None:
    lab.apply(before)

    def replaced() -> None:
        run(
            "ip",
            "route",
            "replace",
            "blackhole" if not before else TO,
            *([TO] if not before else ["dev", "lo", "src", "127.0.0.1"]),
        )

    after = ON_LO if not before else ON_LO.replace("dev: lo", "dev: lo, source: 127.0.0.2")
    try:
        report = meanwhile(lab, after, replaced)
        assert f"a route to {TO} in the host that is not ours came in between" in errors(report)
        assert routes()[TO]["protocol"] == "boot"
        lab.destroy()
        assert routes()[TO]["protocol"] == "boot"
        assert not link("lo").get("altnames")
    finally:
        run("ip", "route", "delete", TO)


def test_a_route_of_another_topology_that_came_in_the_place_of_ours_stays(lab: Lab) -> None:
    lab.apply(BY_ITS_ADDRESS.replace("@", lab.name))
    other = Lab(lab.folder)
    theirs = BY_ITS_ADDRESS.replace("@", other.name).replace("10.99.41.", "10.99.43.")

    def replaced() -> None:
        run("ip", "route", "delete", TO)
        other.apply(theirs)

    try:
        assert meanwhile(lab, VETH.replace("@", lab.name), replaced).failed == ()
        assert routes()[TO]["dev"] == f"{other.name}h"
        assert other.tells(theirs) == {}
    finally:
        other.destroy()


def test_into_a_namespace_of_a_foreigner_no_route_is_put(lab: Lab) -> None:
    text = "namespaces: {red: , blue: }\nveths: [[red:eth0 10.0.0.1/24, blue:eth0 10.0.0.2/24]]\n"
    lab.apply(text)
    name = f"{lab.name}-red"

    def replaced() -> None:
        run("ip", "netns", "delete", name)
        run("ip", "netns", "add", name)
        run("ip", "-n", name, "link", "add", "eth0", "up", "type", "bridge")
        run("ip", "-n", name, "address", "add", "10.0.0.1/24", "dev", "eth0")

    try:
        routed = text.replace("red: ,", "red: {routes: [{to: 10.99.44.0/24, via: 10.0.0.2}]},")
        report = meanwhile(lab, routed, replaced)
        assert f"a network namespace {name} that is not ours came in between" in errors(report)
        assert list(routes(netns=name)) == ["10.0.0.0/24"]
    finally:
        run("ip", "netns", "delete", name)


def test_into_a_container_of_a_foreigner_no_route_is_put(lab: Lab, engine: Any, image: str) -> None:
    veth = "namespaces: {red: }\nveths: [[box:eth5 10.0.0.1/24, red:eth5 10.0.0.2/24]]\n"
    lab.apply(text({"box": alone()}) + "\n" + veth)
    name = f"{lab.name}-box"

    try:
        routed = text({"box": alone(routes=[{"to": "10.99.45.0/24", "dev": "lo"}])}) + "\n" + veth
        report = meanwhile(lab, routed.replace('"lo"', '"eth5"'), lambda: replace(name, image))
        assert f"a container {name} that is not ours came in between" in errors(report)
        assert routes(pid=engine.inspect_container(name)["State"]["Pid"]) == {}
    finally:
        run("docker", "rm", "-f", name)


# tags


@pytest.fixture
def theirs(lab: Lab, engine: Any) -> Iterator[str]:
    """An image of a foreigner's, by its id, that has a tag of theirs besides those that a test gives it."""
    engine.import_image_from_data(
        busybox_tar(), repository=f"theirs-{lab.name}", tag="1", changes=[f"LABEL a={lab.name}"]
    )
    yield str(engine.inspect_image(f"theirs-{lab.name}:1")["Id"])
    engine.remove_image(f"theirs-{lab.name}:1")


IMAGE = "images: {made: {import: {path: root.tar}%s}}\n"


@pytest.mark.parametrize("before", ["", IMAGE % ""])
def test_a_tag_that_came_to_be_a_foreigners_is_not_taken_from_their_image(
    lab: Lab, engine: Any, theirs: str, before: str
) -> None:
    (lab.folder / "root.tar").write_bytes(busybox_tar())
    lab.apply(before)
    tag = f"{lab.name}/made:1"
    tagged = IMAGE % f", tags: ['{tag}']"
    try:
        report = meanwhile(lab, tagged, lambda: void(run("docker", "tag", theirs, tag)))
        assert f"an image {tag} that is not ours came in between: remove its tag, or choose another" in errors(report)
        assert engine.inspect_image(tag)["Id"] == theirs
        run("docker", "rmi", tag)
        lab.apply(tagged)
    finally:
        run("docker", "rmi", tag, check=False)


@pytest.mark.parametrize("after", ["", IMAGE % ""])
def test_a_tag_that_was_moved_to_another_image_is_not_removed_from_it(
    lab: Lab, engine: Any, theirs: str, after: str
) -> None:
    (lab.folder / "root.tar").write_bytes(busybox_tar())
    tag = f"{lab.name}/made:1"
    lab.apply(IMAGE % f", tags: ['{tag}']")
    try:
        report = meanwhile(lab, after, lambda: void(run("docker", "tag", theirs, tag)))
        assert not report.failed, errors(report)
        assert engine.inspect_image(tag)["Id"] == theirs
    finally:
        run("docker", "rmi", tag)


def void(_: object) -> None:
    """Make nothing of what something returns."""
