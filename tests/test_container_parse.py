"""A container from the file to the engine: what is read, what is noted as wrong, what is sent."""

from __future__ import annotations

from typing import Any

import pytest
from paper import source

from reconciler.host.marks import ID
from reconciler.kinds.container.config import EMPTY_ENTRYPOINT, config
from reconciler.kinds.container.parse import containers
from reconciler.kinds.container.quantities import Duration
from reconciler.kinds.container.spec import ContainerSpec, Healthcheck, Logging
from reconciler.model import Claim, FrozenMap, Need, Resource, ResourceKey

NETWORKS = {"lan": {}, "docker0": {"external": True, "name": "bridge"}}


def read(data: Any, **others: Any) -> tuple[Resource, list[str]]:
    file = {"containers": {"web": data, **others}, "networks": NETWORKS, "images": {"lab": {"external": True}}}
    made = source({**file, "volumes": {"store": {}}})
    found = {each.key.name: each for each in containers(made)}
    return found["web"], [f"{each.pointer.partition('/web/')[2]}: {each.message}" for each in made.problems]


def spec(data: dict[str, Any], **others: Any) -> ContainerSpec:
    resource, problems = read({"image": "lab", **data}, **others)
    assert problems == []
    assert isinstance(resource.spec, ContainerSpec)
    return resource.spec


def test_a_container_of_which_little_is_said_has_the_defaults() -> None:
    found = spec({})
    assert found == ContainerSpec(name="t-web", image="image/lab", hostname="web", reference="lab")


def test_an_external_container_is_but_a_name() -> None:
    resource, problems = read({"external": True, "container_name": "theirs"})
    assert (resource.spec, resource.owned, problems) == (ContainerSpec("theirs"), False, [])


def test_a_bare_key_needs_an_image() -> None:
    assert set(read(None)[1]) == {": the container has neither 'image' nor 'build'"}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"hostname": "h"}, "h"),
        ({"network_mode": "host"}, None),
        ({"network_mode": "host", "hostname": "h"}, "h"),
        ({"network_mode": "service:db"}, None),
        ({"network_mode": "none"}, "web"),
    ],
)
def test_a_container_is_called_by_its_name_in_the_file_on_a_network_of_its_own(
    data: dict[str, Any], expected: str | None
) -> None:
    assert spec(data, db={"image": "lab"}).hostname == expected


def test_the_stop_grace_period_is_in_whole_seconds_rounded_up() -> None:
    assert spec({"stop_grace_period": "1500ms"}).stop_grace_period == Duration(2 * 10**9)
    assert spec({"stop_grace_period": "0s"}).stop_grace_period == Duration(0)
    assert read({"image": "lab", "stop_grace_period": "soon"})[1] == [
        "stop_grace_period: 'soon' is not a duration with units, such as 1m30s"
    ]
    assert spec({"stop_grace_period": "2562047h"}).stop_grace_period < 2**63
    assert read({"image": "lab", "stop_grace_period": "2562047h1us"})[1] == [
        "stop_grace_period: '2562047h1us' is too long: at most 2562047h"
    ]


def test_only_a_container_that_never_ran_has_that_as_an_attribute() -> None:
    assert [spec({"state": each}).state for each in ("created", "stopped")] == ["created", ""]


def test_a_container_stands_on_what_it_is_made_of_and_claims_its_name() -> None:
    data = {
        "image": "lab",
        "container_name": "own",
        "volumes": ["store:/data"],
        "networks": ["docker0"],
        "links": ["db:sql"],
    }
    resource, problems = read(data, db={"image": "lab", "networks": ["docker0"], "container_name": "theirs"})
    assert problems == []
    assert resource.needs == (
        Need(ResourceKey("container", "db"), "links"),
        Need(ResourceKey("image", "lab"), "image"),
        Need(ResourceKey("volume", "store"), "volumes"),
    )
    assert resource.claims == (Claim("container name own", label="container name 'own'"),)
    assert isinstance(resource.spec, ContainerSpec)
    assert resource.spec.links == ("db:sql",)
    assert resource.spec.link_targets == {"db": "theirs"}


def test_a_shared_network_namespace_is_stood_on_where_its_container_is_of_the_file() -> None:
    shared, _ = read({"image": "lab", "network_mode": "service:db"}, db={"image": "lab"})
    assert Need(ResourceKey("container", "db"), "network_mode") in shared.needs
    foreign, problems = read({"image": "lab", "network_mode": "container:other"})
    assert [each.key.kind for each in foreign.needs] == ["image"]
    assert isinstance(foreign.spec, ContainerSpec)
    assert (foreign.spec.target, problems) == ("other", [])


def sent(made: ContainerSpec, **options: Any) -> dict[str, Any]:
    return config(made, **{"labels": {}, "endpoints": {}, **options})


def test_what_is_not_declared_is_left_to_the_image_and_the_engine() -> None:
    body = sent(ContainerSpec(reference="lab"))
    assert {"Cmd", "Entrypoint", "StopSignal", "MacAddress", "Healthcheck"}.isdisjoint(body)
    assert body["HostConfig"]["LogConfig"] == {"Type": "", "Config": {}}
    assert body["HostConfig"]["SecurityOpt"] is None
    # Else the label of an image that was committed from a container of ours would count.
    assert body["Labels"] == {"reconciler.logging": "", "reconciler.secret": "[]"}


def test_what_is_declared_is_sent() -> None:
    declared = ContainerSpec(
        reference="lab",
        labels=FrozenMap({"role": "web"}),
        environment=FrozenMap({"A": "1=2"}),
        stop_signal="SIGINT",
        mac_address="02:00:00:00:00:01",
        healthcheck=Healthcheck(retries=2),
        logging=Logging("local", FrozenMap({"max-file": "3", "max-size": "1m"})),
        ports=FrozenMap({"80/tcp": ("8080",)}),
        expose=("90/udp",),
        security_opt=("no-new-privileges",),
        links=("db:sql", "@other:x"),
        link_targets=FrozenMap({"db": "t-db"}),
    )
    body = sent(declared, labels={ID: "1a"})
    assert body["Labels"] == {
        "role": "web",
        ID: "1a",
        "reconciler.logging": "max-file,max-size",
        "reconciler.secret": "[]",
    }
    assert body["HostConfig"]["ContainerIDFile"] == "1a"
    assert body["Env"] == ["A=1=2"]
    assert (body["StopSignal"], body["MacAddress"]) == ("SIGINT", "02:00:00:00:00:01")
    assert body["Healthcheck"]["Retries"] == 2
    # An old engine publishes nothing that is not exposed as well.
    assert body["ExposedPorts"] == {"80/tcp": {}, "90/udp": {}}
    assert body["HostConfig"]["Links"] == ["t-db:sql", "@other:x"]
    assert body["HostConfig"]["SecurityOpt"] == ["no-new-privileges"]


@pytest.mark.parametrize(
    ("made", "options", "expected"),
    [
        (ContainerSpec(command=("a", "b")), {}, {"Cmd": ["a", "b"]}),
        (ContainerSpec(entrypoint=("a",)), {}, {"Entrypoint": ["a"]}),
        (ContainerSpec(entrypoint=()), {}, {"Entrypoint": EMPTY_ENTRYPOINT}),
        # The image's command is only dropped where there is an entrypoint of its own: the image's, said again.
        (ContainerSpec(command=()), {"entrypoint": ["theirs"]}, {"Entrypoint": ["theirs"]}),
        (ContainerSpec(command=()), {}, {"Entrypoint": EMPTY_ENTRYPOINT}),
    ],
)
def test_a_command_or_entrypoint_can_be_taken_away(
    made: ContainerSpec, options: dict[str, Any], expected: dict[str, Any]
) -> None:
    body = sent(made, **options)
    assert {name: body[name] for name in ("Cmd", "Entrypoint") if name in body} == expected


@pytest.mark.parametrize(
    ("made", "options", "expected"),
    [
        (ContainerSpec(network_mode="service:db"), {"target": "1a2b"}, "container:1a2b"),
        (ContainerSpec(network_mode="host"), {}, "host"),
        (ContainerSpec(), {"endpoints": {"t-lan": {}}}, "none"),
        (ContainerSpec(), {"endpoints": {"bridge": {}}}, "bridge"),
        (ContainerSpec(mac_address="02:00:00:00:00:01"), {"endpoints": {"t-lan": {}}}, "t-lan"),
        (ContainerSpec(network_mode="none", mac_address="02:00:00:00:00:01"), {"endpoints": {"t-lan": {}}}, "t-lan"),
        (ContainerSpec(), {}, "none"),
    ],
)
def test_the_mode_of_a_container_names_no_network_that_may_go(
    made: ContainerSpec, options: dict[str, Any], expected: str
) -> None:
    assert sent(made, **options)["HostConfig"]["NetworkMode"] == expected
