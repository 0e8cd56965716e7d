"""What a hand can do to a container, whose containers are ours, and how one ends."""

from __future__ import annotations

from typing import Any

import docker.errors
import pytest

from live.boxes import D, R, U, alone, inspect, lan, life, text
from live.lab import IMAGE, Lab
from reconciler.errors import Conflict
from reconciler.host.marks import ID
from reconciler.model import Action, ResourceKey
from reconciler.topologies import topologies

pytestmark = [pytest.mark.live, pytest.mark.usefixtures("image")]

Json = dict[str, Any]
DRIFTS: list[tuple[str, Json, Json]] = [
    ("mem_limit", {"mem_limit": "64m"}, {"Memory": 80 << 20, "MemorySwap": 160 << 20}),
    ("memswap_limit", {"mem_limit": "64m"}, {"Memory": 64 << 20, "MemorySwap": 100 << 20}),
    ("mem_reservation", {"mem_reservation": "32m"}, {"MemoryReservation": 40 << 20}),
    ("cpus", {"cpus": 0.5}, {"NanoCpus": 250_000_000}),
    ("cpu_quota", {}, {"CpuQuota": 50_000}),
    ("cpu_period", {}, {"CpuPeriod": 50_000}),
    ("cpu_shares", {}, {"CpuShares": 512}),
    ("cpuset", {"cpuset": "0-1"}, {"CpusetCpus": "0"}),
    ("pids_limit", {}, {"PidsLimit": 99}),
    ("restart", {}, {"RestartPolicy": {"Name": "always", "MaximumRetryCount": 0}}),
]


def test_what_docker_update_did_by_hand_is_undone_in_place(lab: Lab) -> None:
    names = [f"c{number}" for number in range(len(DRIFTS))]
    file = text({name: alone(**each[1]) for name, each in zip(names, DRIFTS, strict=True)})
    lab.apply(file)
    before = life(lab, *names)
    for name, (_, _, body) in zip(names, DRIFTS, strict=True):
        lab.host.engine.containers.update(f"{lab.name}-{name}", body)
    told = lab.tells(file)
    for name, (path, _, _) in zip(names, DRIFTS, strict=True):
        assert told[f"container/{name}"] == (U, frozenset({path}))
    lab.apply(file)
    assert life(lab, *names) == before


def test_a_limit_set_by_hand_that_the_engine_cannot_remove_takes_a_replacement(lab: Lab) -> None:
    file = text({"box": alone()})
    lab.apply(file)
    lab.host.engine.containers.update(f"{lab.name}-box", {"NanoCpus": 500_000_000})
    lab.drifted(file, "container/box", Action.REPLACE, "cpus")


def test_a_period_set_by_hand_is_in_the_way_of_cpus_even_after_it_is_set_back(lab: Lab) -> None:
    file = text({"box": alone()})
    lab.apply(file)
    lab.host.engine.containers.update(f"{lab.name}-box", {"CpuPeriod": 50_000, "CpuQuota": 20_000})
    lab.drifted(file, "container/box", Action.UPDATE, "cpu_period", "cpu_quota")
    lab.edit(file, text({"box": alone(cpus=0.5)}), "container/box", Action.REPLACE, "cpus", "cpu_period")


def test_a_container_renamed_by_hand_gets_its_name_back_in_place(lab: Lab) -> None:
    file = text({"box": alone(), "other": alone()})
    lab.apply(file)
    before = life(lab, "box", "other")
    lab.host.engine.api.rename(f"{lab.name}-box", f"{lab.name}-elsewhere")
    lab.drifted(file, "container/box", Action.UPDATE, "name")
    assert life(lab, "box", "other") == before


def test_a_removed_container_is_made_again_and_others_are_left_alone(lab: Lab) -> None:
    file = text({"box": alone(), "other": alone()})
    lab.apply(file)
    before = life(lab, "other")
    lab.host.engine.api.remove_container(f"{lab.name}-box", force=True)
    lab.drifted(file, "container/box", Action.CREATE)
    assert life(lab, "other") == before


def test_a_foreign_container_with_our_name_is_a_conflict_and_stays_untouched(lab: Lab) -> None:
    api = lab.host.engine.api
    made = api.create_container_from_config({"Image": IMAGE, "Cmd": ["sleep", "9"]}, f"{lab.name}-box")["Id"]
    try:
        file, adopt = text({"box": alone(environment={"A": "b"})}), (ResourceKey("container", "box"),)
        with pytest.raises(Conflict, match=r"container name .* or take it over with `--adopt container/box`"):
            lab.plan(file)
        assert lab.tells(file, adopt=adopt)["container/box"] == (Action.REPLACE, frozenset(["marked"]))
        with pytest.raises(Conflict, match="what it is to take over from others cannot be given back to them"):
            lab.plan(file, adopt=adopt, revert=True)
        lab.apply(file, adopt=adopt)
        with pytest.raises(docker.errors.NotFound):
            api.inspect_container(made)
    finally:
        if api.containers(all=True, filters={"id": made}):
            api.remove_container(made, force=True)


def test_a_container_that_has_our_labels_from_its_image_is_not_ours(lab: Lab) -> None:
    api, repository = lab.host.engine.api, f"{lab.name}/copy"
    file, after = text({"box": alone()}), text({"box": alone(labels={"a": "b"})})
    lab.apply(file)
    original = inspect(lab, "box")["Config"]["Labels"][ID]
    copy = api.commit(f"{lab.name}-box", repository=repository, tag="1")["Id"]
    made = api.create_container_from_config({"Image": copy, "HostConfig": {"Init": True}}, f"{lab.name}-by-hand")["Id"]
    try:
        api.start(made)
        before = api.inspect_container(made)
        assert before["Config"]["Labels"][ID] == original
        assert lab.tells(file) == {}
        lab.apply(after)
        assert lab.destroy().converged
        assert api.inspect_container(made)["State"] == before["State"]
        assert lab.name not in {each.name for each in topologies(lab.host)[0]}
    finally:
        api.remove_container(made, force=True)
        api.remove_image(f"{repository}:1", force=True)


def test_a_copy_stays_foreign_when_the_image_that_it_was_made_of_is_gone(lab: Lab) -> None:
    api, file = lab.host.engine.api, text({"box": alone()})
    lab.apply(file)
    copy = api.commit(f"{lab.name}-box")["Id"]
    made = api.create_container_from_config({"Image": copy}, f"{lab.name}-by-hand")["Id"]
    try:
        api.remove_image(copy, force=True)
        assert lab.tells(file) == {}
        assert lab.destroy().converged
        assert api.inspect_container(made)["Config"]["Labels"][ID]
    finally:
        api.remove_container(made, force=True)


def test_an_external_container_must_be_there_and_is_left_alone(lab: Lab) -> None:
    api, file = lab.host.engine.api, text({"box": {"external": True}, "web": alone(network_mode="service:box")})
    with pytest.raises(Conflict, match="container/box: declared external, but there is none"):
        lab.plan(file)
    body = {"Image": IMAGE, "Cmd": ["sleep", "1000"], "HostConfig": {"Init": True}}
    made = api.create_container_from_config(body, "box")["Id"]
    try:
        with pytest.raises(Conflict, match=r"^container/box: declared external, and it does not run: start it$"):
            lab.plan(file)
        api.start(made)
        lab.apply(file)
        assert inspect(lab, "web")["HostConfig"]["NetworkMode"] == f"container:{made}"
        lab.destroy()
        assert api.inspect_container(made)["State"]["Running"]
    finally:
        api.remove_container(made, force=True)


def test_a_tag_that_moved_replaces_its_containers(lab: Lab) -> None:
    api, tag = lab.host.engine.api, f"{lab.name}/moving:1"
    api.tag(IMAGE, f"{lab.name}/moving", "1")
    file = text({"box": alone(image=tag)})
    lab.apply(file)
    made = api.create_container_from_config({"Image": IMAGE, "Cmd": ["true"]})["Id"]
    api.commit(made, repository=f"{lab.name}/moving", tag="1")
    api.remove_container(made)
    try:
        lab.drifted(file, "container/box", Action.REPLACE, "image")
    finally:
        lab.destroy()
        api.remove_image(tag, force=True)


def test_network_modes_are_left_for_each_other_in_place_where_the_engine_can(lab: Lab) -> None:
    networks = {"lan": lan("10.230.91.0/24")}
    steps: list[tuple[Json, str | None]] = [
        ({"network_mode": "none"}, None),
        ({"network_mode": "bridge"}, U),
        ({"network_mode": None, "networks": ["lan"]}, None),
        ({"network_mode": "none"}, None),
        ({"network_mode": "host"}, R),
        ({"network_mode": "none"}, R),
    ]
    before = None
    for attributes, action in steps:
        file = text({"box": alone(**attributes)}, networks=networks)
        if before is not None:
            assert lab.tells(file).get("container/box", (None,))[0] == action
        kept = life(lab, "box") if before is not None else None
        lab.apply(file)
        if action != R and kept:
            assert life(lab, "box") == kept
        before = attributes


def test_anonymous_volumes_go_with_their_container(lab: Lab) -> None:
    api = lab.host.engine.api
    lab.apply(text({"box": alone(volumes=["/data"])}))
    volume = inspect(lab, "box")["Mounts"][0]["Name"]
    change = lab.pending(text({"box": alone(volumes=["/data"], environment={"A": "1"})}))["container/box"]
    assert change.contents == "all that is in its anonymous volumes is lost: /data"
    lab.destroy()
    with pytest.raises(docker.errors.NotFound):
        api.inspect_volume(volume)


def test_what_has_ended_is_started_though_nobody_can_see_its_init_any_more(lab: Lab) -> None:
    lab.apply(text({"box": alone(init=None)}))
    declared = text({"box": alone(init=False)})
    assert lab.pending(declared) == {}
    kept = inspect(lab, "box")["Id"]
    lab.host.engine.api.kill(kept)
    lab.apply(declared)
    assert inspect(lab, "box")["Id"] == kept


def test_a_command_that_is_not_there_is_told_with_the_key(lab: Lab) -> None:
    report = lab.attempt(text({"box": alone(command=["no-such-command"])}))
    assert [str(each.error).partition(":")[0] for each in report.failed] == ["process/box"]
    assert "command" in str(report.failed[0].error)


@pytest.mark.parametrize("emptied", [{"entrypoint": []}, {"entrypoint": ""}, {"command": []}])
def test_a_command_that_the_file_empties_is_told_as_what_it_is(lab: Lab, emptied: Json) -> None:
    report = lab.attempt(text({"box": alone(**{"command": None, **emptied})}))
    (name,) = emptied
    assert str(report.failed[0].error).endswith(f": the file leaves `{name}` empty: say in `command` what is to run")


def test_stop_asks_first_and_waits_as_long_as_declared(lab: Lab) -> None:
    script = "trap 'echo bye; exit 0' USR1; touch /tmp/trapped; while :; do sleep 0.05; done"
    entry = alone(
        init=None,
        command=["sh", "-c", script],
        stop_signal="USR1",
        stop_grace_period="20s",
        healthcheck={"test": ["CMD", "test", "-e", "/tmp/trapped"], "interval": "100ms", "retries": 100},
    )
    lab.apply(text({"box": entry}))
    lab.host.kill = False
    lab.apply(text({"box": {**entry, "state": "stopped"}}))
    assert inspect(lab, "box")["State"]["ExitCode"] == 0


def test_only_what_is_no_longer_declared_is_deleted(lab: Lab) -> None:
    lab.apply(text({"box": alone(), "boxer": alone()}))
    before = life(lab, "boxer")
    told = lab.tells(text({"boxer": alone()}))
    assert {key: action for key, (action, _) in told.items()} == {"container/box": D, "process/box": D}
    lab.apply(text({"boxer": alone()}))
    assert life(lab, "boxer") == before
