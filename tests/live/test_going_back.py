"""Going back: when a step fails and that is wanted, all is again as it was, what was deleted included."""

from __future__ import annotations

from typing import Any

import networkx
import pytest

from live.lab import Lab, busybox_tar, run
from live.witness import link
from reconciler.model import Report, ResourceKey, StepKey, Verb

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("untouched")]

BEFORE = """
defaults: {containers: {image: own, init: true, command: [sleep, "1000"]}}
images: {own: {import: root.tar}}
volumes: {data: }
networks:
  lan: {ipam: {config: [{subnet: 172.31.236.0/24}]}}
  old: {ipam: {config: [{subnet: 172.31.237.0/24}]}}
containers:
  calm: {networks: {lan: }}
  web: {networks: {lan: {ipv4_address: 172.31.236.10, aliases: [www]}}, volumes: ["data:/data"], mem_limit: 64m, ports: ["127.0.0.1:8581:80"]}
  box: {networks: [old], container_name: @-boxed, routes: [{to: 10.200.0.0/16, via: 10.69.0.2}]}
namespaces:
  red: {sysctls: {net.ipv4.ip_forward: 1}, exec: ["true"], routes: [{to: 10.201.0.0/16, via: 10.69.1.1}]}
  old:
bridges: {br0: {addresses: [10.69.1.1/24], stp: true, forward_delay: 4s}}
veths:
  - [box:eth1 10.69.0.1/24, red:eth0 10.69.0.2/24]
  - [red:eth1 10.69.1.2/24, br0]
  - [old:eth0 10.69.2.1/24, red:eth2 10.69.2.2/24]
"""
AFTER = """
defaults: {containers: {image: own, init: true, command: [sleep, "1000"]}}
images: {own: {import: {path: root.tar, changes: [ENV A=1]}}}
networks:
  lan: {ipam: {config: [{subnet: 172.31.236.0/24}]}}
  new: {ipam: {config: [{subnet: 172.31.237.0/24}]}}
volumes: {more: }
containers:
  calm: {image: own, networks: {lan: }}
  web: {networks: {lan: {ipv4_address: 172.31.236.11}}, volumes: ["more:/data"], mem_limit: 96m, ports: ["127.0.0.1:8582:80"]}
  fresh: {networks: [new], ports: ["127.0.0.1:8581:80"]}
namespaces:
  red: {exec: ["true"], routes: [{to: 10.202.0.0/16, via: 10.69.1.1}]}
  new: {exec: ["true"]}
bridges: {br0: {addresses: [10.69.1.1/24, 10.69.3.1/24]}}
veths:
  - {endpoints: [{namespace: red, interface: eth1, addresses: [10.69.1.2/24]}, {bridge: br0, path_cost: 9}], mtu: 1400}
  - [new:eth0 10.69.2.1/24, red:eth2 10.69.2.2/24]
"""
FAILURES = {
    "a command that is not there": "\n  bad: {network_mode: none, command: [/no/such/command]}\nnamespaces:",
    "a command that fails": "\nnamespaces:\n  bad: {exec: [exit 3]}",
}


@pytest.mark.parametrize("failure", FAILURES)
def test_a_failed_step_takes_all_the_others_back(lab: Lab, engine: Any, failure: str) -> None:
    lab.folder.joinpath("root.tar").write_bytes(busybox_tar())
    before, after = BEFORE.replace("@", lab.name), AFTER.replace("\nnamespaces:", FAILURES[failure])
    lab.apply(before)
    was = named(engine, lab)
    index = link(f"{lab.name}-br0")["ifindex"]
    report = lab.attempt(after, revert=True)
    assert len(report.failed) == 1
    assert report.reverted
    assert_went_back(report.reverted)
    assert lab.tells(before) == {}
    assert named(engine, lab) == was
    assert link(f"{lab.name}-br0")["ifindex"] == index
    assert not any(each in (f"{lab.name}-bad", f"{lab.name}-new") for each in run("ip", "netns").split())


def assert_went_back(report: Report) -> None:
    errors = [f"{each.step.key}: {each.error or each.status}" for each in report.outcomes if each.error]
    left = [f"{each.key} {each.action} {each.reason} {each.fields}" for each in report.remaining]
    assert report.converged, "\n".join(errors + left)


def named(engine: Any, lab: Lab) -> dict[str, list[str]]:
    """The names of what there is of a topology."""
    mine = {"label": f"reconciler.topology={lab.name}"}
    return {
        "containers": sorted(each["Names"][0] for each in engine.containers(all=True, filters=mine)),
        "networks": sorted(each["Name"] for each in engine.networks(filters=mine)),
        "volumes": sorted(each["Name"] for each in engine.volumes(filters=mine)["Volumes"] or ()),
        "images": sorted(tag for each in engine.images() for tag in each["RepoTags"] or () if lab.name in tag),
    }


def test_commands_of_what_was_made_anew_are_told_to_be_lost(lab: Lab) -> None:
    before = 'namespaces: {a: {exec: ["true"]}, b: {exec: ["true"]}}\n'
    lab.apply(before)
    report = lab.attempt('namespaces: {a: {exec: ["true"]}, c: {exec: [exit 3]}}\n', revert=True)
    assert report.reverted
    assert [str(each.error) for each in report.reverted.failed] == [
        "exec/b: no host remembers its commands: apply the file that declares them"
    ]
    assert lab.tells(before) == {"exec/b": ("create", frozenset())}
    lab.apply(before)


def test_a_container_that_is_made_again_is_on_its_networks_before_it_starts(lab: Lab, image: str) -> None:
    text = f"""
networks: {{lan: }}
containers:
  web: {{image: {image}, init: true, command: [sleep, "1000"], networks: [lan], environment: {{A: one}}}}
"""
    lab.apply(text)
    report = lab.attempt(text.replace("one", "two") + "namespaces: {bad: {exec: [exit 3]}}\n", revert=True)
    assert report.reverted
    assert_went_back(report.reverted)
    graph = report.reverted.plan.graph
    connect, process = (
        StepKey(ResourceKey(*each), Verb.CREATE) for each in (("connect", "web--lan"), ("process", "web"))
    )
    assert networkx.has_path(graph, connect, process)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('networks: {lan: {mac_address: "02:42:66:00:00:01"}}', "network_mode: none"),
        ("networks: {lan: }", 'networks: {lan: {mac_address: "02:42:66:00:00:01"}}'),
        (
            'networks: {lan: {mac_address: "02:42:66:00:00:01"}, wan: }',
            'networks: {lan: , wan: {mac_address: "02:42:66:00:00:01"}}',
        ),
    ],
    ids=["declared, and its network left", "chosen, and declared", "declared, and moved"],
)
def test_a_mac_address_is_again_as_it_was(lab: Lab, image: str, before: str, after: str) -> None:
    text = f"""
networks:
  lan: {{ipam: {{config: [{{subnet: 172.31.236.0/24}}]}}}}
  wan: {{ipam: {{config: [{{subnet: 172.31.237.0/24}}]}}}}
containers: {{web: {{image: {image}, init: true, command: [sleep, "1000"], %s}}}}
"""
    lab.apply(text % before)
    report = lab.attempt(f"{text % after}namespaces: {{bad: {{exec: [exit 3]}}}}\n", revert=True)
    assert report.reverted
    assert_went_back(report.reverted)
    assert lab.tells(text % before) == {}


def test_a_container_that_never_ran_goes_back_without_the_mac_address_of_the_file_that_failed(
    lab: Lab, image: str
) -> None:
    network = "networks: {lan: {internal: true, ipam: {config: [{subnet: 10.230.97.0/24}]}}}\n"
    box = f"image: '{image}', init: true, command: [sleep, '1000'], state: created"
    before = f"{network}containers: {{box: {{{box}, networks: [lan], ports: ['127.0.0.1:18597:80']}}}}\n"
    after = f"{network}containers: {{box: {{{box}, networks: {{lan: {{mac_address: '02:42:66:00:78:01'}}}}}}}}\n"
    lab.apply(before)
    report = lab.attempt(f"{after}namespaces: {{bad: {{exec: [exit 3]}}}}\n", revert=True)
    assert report.reverted
    assert report.reverted.converged
    assert not lab.pending(before)
    lab.apply(after)
    assert not lab.pending(after)
