"""The plainer attributes of a container: every form of Compose, and the engine's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from paper import Paper, source

from reconciler.kinds.container import settings
from reconciler.kinds.container.quantities import Bytes, Duration
from reconciler.kinds.container.spec import Logging
from reconciler.kinds.entry import Entry, entries, entry_of
from reconciler.kinds.source import Source
from reconciler.model import FrozenMap


def entry(**data: Any) -> Entry:
    return entry_of(source({"containers": {"web": data}}), "web")


def problems(made: Entry) -> list[str]:
    return [f"{each.pointer}: {each.message}" for each in made.source.problems]


def test_an_entry_tells_its_attributes_as_lists_and_texts() -> None:
    made, _ = entries(source({"containers": {"web": {"one": "a", "many": [1, 2], "none": {}}, "bare": None}}))
    assert list(made.items("one")) == [(0, "a")]
    assert made.texts("many") == ("1", "2")
    assert made.texts("none") == made.texts("absent") == ()
    assert made.get("absent") is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ({}, None),
        ([], ()),
        ("", ()),
        (["sleep", 9], ("sleep", "9")),
        ("sh -c 'sleep 9'", ("sh", "-c", "sleep 9")),
    ],
)
def test_a_command_is_a_list_or_split_as_a_shell_would(value: Any, expected: tuple[str, ...] | None) -> None:
    assert settings.command(entry(command=value), "command") == expected


def test_a_command_with_an_open_quote_is_a_problem() -> None:
    made = entry(command="echo 'oh")
    assert settings.command(made, "command") == ()
    assert problems(made) == ["containers/web/command: a quote is left open"]


@pytest.mark.parametrize(
    ("value", "expected", "written"),
    [
        (None, "no", ("no", 0)),
        ("always", "always", ("always", 0)),
        ("on-failure:0", "on-failure", ("on-failure", 0)),
        ("on-failure:03", "on-failure:3", ("on-failure", 3)),
    ],
)
def test_a_restart_policy_is_read_and_written(value: str | None, expected: str, written: tuple[str, int]) -> None:
    name, times = written
    assert settings.restart(value) == expected
    assert settings.restart_to_engine(expected) == {"Name": name, "MaximumRetryCount": times}
    assert settings.restart_of_engine({"Name": name, "MaximumRetryCount": times}) == expected


@pytest.mark.parametrize("found", [None, {}, {"Name": "", "MaximumRetryCount": 0}, {"Name": "no"}])
def test_no_restart_policy_is_read_from_either_engine(found: dict[str, Any] | None) -> None:
    assert settings.restart_of_engine(found) == "no"


@pytest.mark.parametrize(
    ("function", "value", "expected"),
    [
        (settings.capabilities, ["cap_net_admin", "NET_RAW", "CAP_NET_RAW"], ("NET_ADMIN", "NET_RAW")),
        (settings.capabilities, None, ()),
        (settings.signal, "usr1", "SIGUSR1"),
        (settings.signal, "SIGTERM", "SIGTERM"),
        (settings.signal, "9", "9"),
        (settings.signal, "", None),
        (settings.directory, "/www/", "/www"),
        (settings.directory, "", None),
        (settings.directory, "//bin", "/bin"),
        (settings.directory, "///bin//x", "/bin/x"),
        (settings.hosts_of_engine, ["b:1", "a:2"], ("a:2", "b:1")),
        (settings.hosts_of_engine, None, ()),
        (settings.sysctls, {"net/ipv4/ip_forward": 1, "net.a/b": "x"}, {"net.ipv4.ip_forward": "1", "net.a/b": "x"}),
        (settings.sysctls, ["kernel.x=1"], {"kernel.x": "1"}),
    ],
)
def test_a_value_is_normalised(function: Callable[[Any], Any], value: Any, expected: Any) -> None:
    assert function(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("/dev/null", "/dev/null:/dev/null:rwm"),
        ("/dev/null:r", "/dev/null:/dev/null:r"),
        ("/dev/null:/dev/x", "/dev/null:/dev/x:rwm"),
        ("/dev/null:/dev/x:mr", "/dev/null:/dev/x:rm"),
        ({"source": "/dev/null"}, "/dev/null:/dev/null:rwm"),
        ({"source": "/dev/null", "target": "/dev/x", "permissions": "w"}, "/dev/null:/dev/x:w"),
    ],
)
def test_every_form_of_a_device_is_read_written_and_read_back(value: Any, expected: str) -> None:
    found = settings.devices(entry(devices=[value]))
    assert found == (expected,)
    assert settings.devices_of_engine(settings.devices_to_engine(found)) == found


def test_no_devices_are_read() -> None:
    assert settings.devices_of_engine(None) == ()


def test_extra_hosts_may_have_several_addresses_in_every_form() -> None:
    forms: list[Any] = [
        {"db": ["10.0.0.6", "FD00::6"], "up": "host-gateway"},
        ["db=10.0.0.6", "db:[fd00::6]", "up:host-gateway"],
    ]
    for form in forms:
        made = entry(extra_hosts=form)
        assert settings.extra_hosts(made) == ("db:10.0.0.6", "db:fd00::6", "up:host-gateway")
        assert problems(made) == []
    assert settings.extra_hosts(entry()) == ()


def test_a_host_without_an_address_is_a_problem() -> None:
    made = entry(extra_hosts=["db=here"])
    settings.extra_hosts(made)
    assert problems(made) == ["containers/web/extra_hosts/0: 'here' is not an address, nor host-gateway"]


def test_addresses_are_normalised_and_others_are_problems() -> None:
    made = entry(dns=["10.0.0.53", "FD00::53", "here"])
    assert settings.addresses(made, "dns") == ("10.0.0.53", "fd00::53")
    assert problems(made) == ["containers/web/dns/2: 'here' is not an address"]


def test_limits_of_the_shell_are_read_written_and_read_back() -> None:
    found = settings.ulimits({"nofile": {"soft": 1, "hard": 2}, "nproc": 3, "core": {"soft": 4, "hard": 4}})
    assert found == {"nofile": "1:2", "nproc": "3", "core": "4"}
    written = settings.ulimits_to_engine(found)
    assert written[1] == {"Name": "nofile", "Soft": 1, "Hard": 2}
    assert settings.ulimits_of_engine(written) == found
    assert settings.ulimits(None) == settings.ulimits_of_engine(None) == {}


def test_logging_is_read() -> None:
    assert settings.logging(entry()) == Logging()
    declared = {"driver": "local", "options": {"max-file": 3}}
    assert settings.logging(entry(logging=declared)) == Logging("local", FrozenMap({"max-file": "3"}))


def confined(folder: Path, *options: str) -> tuple[tuple[str, ...], list[str]]:
    class Here(Paper):
        def directory(self, pointer: Any) -> Path:
            return folder

    made = entry_of(Source(Here({"containers": {"web": {"security_opt": list(options)}}}), name="t"), "web")
    return settings.security(made), problems(made)


def test_a_seccomp_profile_is_read_for_the_engine_wants_its_content(tmp_path: Path) -> None:
    (tmp_path / "profile.json").write_text(json.dumps({"b": 1, "a": []}, indent=2))
    assert confined(tmp_path, "seccomp=profile.json", "label:disable") == (
        ("label:disable", 'seccomp={"a":[],"b":1}'),
        [],
    )
    plain = ("no-new-privileges", "seccomp:unconfined", "seccomp=builtin")
    assert confined(tmp_path, *plain) == (tuple(sorted(plain)), [])


def test_a_seccomp_profile_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "deep.json").write_text("[" * 200_000)
    assert "cannot read the seccomp profile 'deep.json'" in confined(tmp_path, "seccomp=deep.json")[1][0]
    (tmp_path / "broken.json").write_text("{")
    for name in ("none.json", "broken.json"):
        assert f"cannot read the seccomp profile '{name}'" in confined(tmp_path, f"seccomp={name}")[1][0]


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, "0"), (-1, "-1"), (1000, "1000b"), (1024, "1k"), (3 * 1024**2, "3m"), (1024**3, "1g"), (1536, "1536b")],
)
def test_sizes_are_told_with_units(value: int, expected: str) -> None:
    assert str(Bytes(value)) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, "0s"), (90 * 10**9, "1m30s"), (3600 * 10**9, "1h"), (1500 * 10**6, "1s500ms"), (2000, "2us")],
)
def test_durations_are_told_with_units(value: int, expected: str) -> None:
    assert str(Duration(value)) == expected
