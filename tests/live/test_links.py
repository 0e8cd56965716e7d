"""Container links: on Docker's own bridge, where they are bound to a container, and on user networks, by name."""

from __future__ import annotations

import pytest

from live.boxes import alone, box, endpoint, inside, inspect, lan, life, reaches, text
from live.lab import Lab, run
from reconciler.kinds.connect.spec import MAC_AT_CONNECT
from reconciler.model import Action

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("image")]

NETWORKS = {"lan": lan("10.230.98.0/24"), "docker0": {"external": True, "name": "bridge"}}


def bridged(**attributes: object) -> dict[str, object]:
    return alone(network_mode="bridge", **attributes)


def test_a_link_on_docker_s_own_bridge_is_applied_changed_and_taken_out_again(lab: Lab) -> None:
    plain = text({"a": bridged(), "b": bridged()})
    linked = text({"a": bridged(), "b": bridged(links=["a:first"])})
    lab.apply(plain)
    for file in (text({"a": bridged(), "b": bridged(links=["a"])}), linked):
        lab.drifted(file, "container/b", Action.REPLACE, "links")
    assert reaches(lab, "b", "first")
    lab.drifted(plain, "container/b", Action.REPLACE, "links")


def test_a_stopped_target_is_started_before_its_source_and_a_rename_is_followed(lab: Lab) -> None:
    api, file = lab.host.engine.api, text({"z": bridged(), "b": bridged(links=["z:first"])})
    lab.apply(file)
    for name in ("b", "z"):
        api.kill(f"{lab.name}-{name}")
        api.wait(f"{lab.name}-{name}")
    lab.apply(file)
    assert reaches(lab, "b", "first")
    api.rename(f"{lab.name}-z", f"{lab.name}-elsewhere")
    assert {key: action for key, (action, _) in lab.tells(file).items()} == {"container/z": "update"}
    lab.apply(file)
    assert reaches(lab, "b", "first")


def test_a_link_on_a_user_network_is_changed_without_a_restart(lab: Lab) -> None:
    def file(*links: str) -> str:
        return text({"a": box(networks=["lan"]), "b": box(networks=["lan"], links=list(links))}, networks=NETWORKS)

    lab.apply(file())
    before = life(lab, "a", "b")
    for links in (["a:first"], ["a:second", "a"], []):
        assert set(lab.tells(file(*links))) == {"connect/b--lan"}
        lab.drifted(file(*links), "connect/b--lan", Action.REPLACE, "links")
        assert all(reaches(lab, "b", each.rpartition(":")[2]) for each in links)
    assert life(lab, "a", "b") == before
    assert not endpoint(lab, "b", "lan").get("Links")


def test_two_containers_link_to_each_other_on_a_user_network(lab: Lab) -> None:
    entries = {"a": box(networks=["lan"], links=["b:other"]), "b": box(networks=["lan"], links=["a:other"])}
    lab.apply(text(entries, networks=NETWORKS))
    assert reaches(lab, "a", "other")
    assert reaches(lab, "b", "other")


def test_a_container_on_both_kinds_of_network_has_both_kinds_of_link(lab: Lab) -> None:
    entries = {
        "old": bridged(),
        "new": box(networks=["lan"]),
        "both": box(networks=["docker0", "lan"], links=["old:first", "new:second"]),
    }
    lab.apply(text(entries, networks=NETWORKS))
    assert inspect(lab, "both")["HostConfig"]["Links"]
    assert reaches(lab, "both", "first")
    assert reaches(lab, "both", "second")


@pytest.mark.parametrize("end", ["target", "source"])
@pytest.mark.parametrize("among", [False, True], ids=["alone", "among networks"])
def test_a_link_reaches_its_target_after_either_end_was_taken_off_the_bridge(lab: Lab, end: str, among: bool) -> None:
    target = box(networks=["docker0", "lan"]) if among else bridged()
    source = box(networks=["docker0", "wan"]) if among else bridged()
    entries = {"target": target, "source": {**source, "links": ["target:first"]}}
    file = text(entries, networks={**NETWORKS, "wan": lan("10.230.99.0/24")})
    lab.apply(file)
    api, thief = lab.host.engine.api, f"{lab.name}-thief"
    api.disconnect_container_from_network(f"{lab.name}-{end}", "bridge")
    config = {"Image": box()["image"], "Cmd": ["sleep", "1000"], "HostConfig": {"Init": True}}
    made = api.create_container_from_config(config, thief)["Id"]
    try:
        api.start(made)
        lab.drifted(file, f"container/{end}", Action.REPLACE, "network_mode")
        address = inspect(lab, "target")["NetworkSettings"]["Networks"]["bridge"]["IPAddress"]
        assert f"{address}\tfirst" in inside(lab, "source", "cat", "/etc/hosts")[1]
    finally:
        api.remove_container(made, force=True)


def test_links_on_docker_s_own_bridge_are_there_beside_a_mac_address_on_another_network(lab: Lab) -> None:
    both = box(networks={"docker0": {}, "lan": {"mac_address": "02:00:00:00:98:01"}}, links=["old:first"])
    file = text({"old": bridged(), "both": both}, networks=NETWORKS)
    if lab.host.engine.version >= MAC_AT_CONNECT:
        lab.apply(file)
        assert reaches(lab, "both", "first")
    else:
        said = [str(each.error) for each in lab.attempt(file).failed]
        assert said
        assert all(each.startswith("connect/both--lan: an engine before 29.3 gives") for each in said)


def test_a_link_to_an_external_container_is_on_whichever_network_that_one_is_on(lab: Lab) -> None:
    name, image = f"{lab.name}-foreign", str(alone()["image"])
    source = box(networks=["docker0", "lan"], links=["z:first"])
    entries = {"z": {"external": True, "container_name": name}, "b": source}
    file = text(entries, networks=NETWORKS)
    lab.apply(text({}, networks=NETWORKS))
    try:
        for network, there in (("bridge", [f"/{name}:/{lab.name}-b/first"]), (f"{lab.name}-lan", None)):
            run("docker", "run", "-d", "--init", "--name", name, "--network", network, image, "sleep", "600")
            lab.apply(file)
            assert inspect(lab, "b")["HostConfig"]["Links"] == there
            assert reaches(lab, "b", "first")
            run("docker", "rm", "-f", name)
            lab.apply(text({}, networks=NETWORKS))
        run("docker", "run", "-d", "--init", "--name", name, "--network", f"{lab.name}-lan", image, "sleep", "600")
        lab.apply(file)
        run("docker", "network", "connect", "bridge", name)
        lab.drifted(file, "container/b", Action.REPLACE, "links")
    finally:
        run("docker", "rm", "-f", name)


def test_a_link_to_an_external_container_that_was_made_anew_is_made_anew_as_well(lab: Lab) -> None:
    name, image = f"{lab.name}-foreign", str(alone()["image"])
    file = text({"z": {"external": True, "container_name": name}, "b": bridged(links=["z:first"])})
    make = ("docker", "run", "-d", "--init", "--name", name, image, "sleep", "600")
    run(*make)
    try:
        lab.apply(file)
        assert lab.tells(file) == {}
        run("docker", "rm", "-f", name)
        run(*make)
        lab.drifted(file, "container/b", Action.REPLACE, "links")
        assert reaches(lab, "b", "first")
        lab.host.engine.api.kill(f"{lab.name}-b")
        lab.host.engine.api.wait(f"{lab.name}-b")
        assert set(lab.tells(file)) == {"process/b"}
    finally:
        run("docker", "rm", "-f", name)
