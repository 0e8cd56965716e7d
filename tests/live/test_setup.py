"""The set-up of the two scripts on a bare machine: what is missing is installed, and nothing else is touched."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from live.bare import PACKAGES, Machine
from live.lab import REQUIRED

pytestmark = pytest.mark.live

VENV = "python3-venv"
EVERYTHING = [VENV, *PACKAGES]
SHOWS = [
    "reconciler apply topologies/quickstart.yaml",
    "reconciler show topologies/quickstart.yaml",
    "ip -n quickstart-red link delete eth0",
    "python breaks something by hand",
    "reconciler plan topologies/quickstart.yaml",
    "reconciler apply topologies/quickstart.yaml",
    "reconciler plan topologies/quickstart.yaml --detailed-exitcode",
    "reconciler destroy topologies/quickstart.yaml --volumes --images",
]
CHECKS = ["ruff check", "ruff format --check", "mypy ", "lint-imports "]
APT = "apt-get install --yes --no-install-recommends -o DPkg::Lock::Timeout=120"
VENV_MADE = "python3 -m venv --clear .venv"
PIP = "python -m pip install --quiet --disable-pip-version-check --editable"


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    if os.geteuid() != 0:
        pytest.fail("live tests must run here, and need root") if REQUIRED else pytest.skip("needs root")
    return Machine(tmp_path)


def test_on_a_bare_machine_the_quickstart_installs_and_starts_all_it_needs_and_the_second_run_nothing(
    machine: Machine,
) -> None:
    done = machine.run("scripts/quickstart")
    assert done.returncode == 0, done.stdout + done.stderr
    assert machine.log == [
        *("apt-get update", f"{APT} python3 python3-venv", VENV_MADE, f"{PIP} ."),
        *("apt-get update", f"{APT} iproute2 docker.io iptables", "dockerd "),
        *("apt-get update", f"{APT} busybox-static"),
        *SHOWS,
    ]
    assert os.access(machine.checkout / "topologies/images/busybox/busybox", os.X_OK)
    said = [line for line in done.stderr.splitlines() if line.startswith("set-up: ")]
    assert len(said) == len(done.stderr.splitlines()), "it says what it does, and nothing else"

    done = machine.run("scripts/quickstart")
    assert (done.returncode, done.stderr) == (0, "")
    assert machine.log == SHOWS


@pytest.mark.parametrize("missing", EVERYTHING)
def test_what_is_missing_is_installed_and_nothing_else(machine: Machine, missing: str) -> None:
    machine.have_apparmor()
    machine.install(*(each for each in EVERYTHING if each != missing))
    done = machine.run("scripts/quickstart")
    assert done.returncode == 0, done.stdout + done.stderr
    assert machine.installed == ([missing, VENV] if missing == "python3" else [missing])
    assert machine.log.count("dockerd ") == 1


@pytest.mark.parametrize(
    ("there", "installed"), [((), ["iproute2"]), (("iproute2",), []), (("iproute2", "docker.io", "iptables"), [])]
)
def test_where_an_engine_answers_none_is_installed_or_started(
    machine: Machine, there: Sequence[str], installed: list[str]
) -> None:
    machine.install("python3", VENV, "busybox-static", *there)
    machine.start_engine()
    assert machine.run("scripts/quickstart").returncode == 0
    assert machine.installed == installed
    assert "dockerd " not in machine.log


def test_an_engine_that_its_package_starts_is_not_started_twice(machine: Machine) -> None:
    machine.let_packages_start_services()
    assert machine.run("scripts/quickstart").returncode == 0
    assert "docker.io" in machine.installed
    assert "dockerd " not in machine.log


def test_an_engine_that_was_named_and_does_not_answer_is_left_to_who_named_it(machine: Machine) -> None:
    machine.install("python3", VENV)
    machine.environment["DOCKER_HOST"] = "tcp://192.0.2.1:2375"
    done = machine.run("scripts/quickstart")
    assert done.returncode == 1
    assert done.stderr.endswith("set-up: no engine answers at DOCKER_HOST=tcp://192.0.2.1:2375\n")
    assert [machine.installed, "dockerd " in machine.log] == [[], False]


def test_the_environment_is_renewed_when_what_it_takes_has_changed(machine: Machine) -> None:
    machine.install(*EVERYTHING)
    machine.start_engine()
    assert machine.run("scripts/quickstart").returncode == 0
    with (machine.checkout / "pyproject.toml").open("a") as file:
        file.write("# another word\n")
    assert machine.run("scripts/quickstart").returncode == 0
    assert machine.log == [f"{PIP} .", *SHOWS]


def test_where_nothing_can_be_installed_it_says_what_to_install_by_hand(machine: Machine) -> None:
    (machine.bin / "apt-get").unlink()
    machine.install("python3", VENV)
    done = machine.run("scripts/quickstart")
    assert done.returncode == 1
    hint = "set-up: not a Debian: please install by hand what Debian calls iproute2 docker.io iptables\n"
    assert done.stderr.endswith(hint)


def test_an_installation_that_fails_tells_why_and_ends_it(machine: Machine) -> None:
    machine.install("python3", VENV)
    (machine.bin / "apt-get").write_text("#!/bin/bash\necho no such network >&2\nexit 100\n")
    done = machine.run("scripts/quickstart")
    assert done.returncode == 1
    assert done.stderr.endswith("set-up: installing iproute2 docker.io iptables\nno such network\n")
    assert not [line for line in machine.log if line.startswith("reconciler")]


def test_an_engine_that_does_not_come_up_is_told_with_the_end_of_its_log(machine: Machine) -> None:
    machine.install(*EVERYTHING)
    (machine.bin / "dockerd").write_text("#!/bin/bash\necho no cgroups here\n")
    setup = machine.checkout / "scripts/setup.sh"
    setup.write_text(setup.read_text().replace("engine_answers 60", "engine_answers 0"))
    for _ in range(50):  # it is started in the background, and its log may still be empty
        done = machine.run("scripts/quickstart")
        if "no cgroups here\n" in done.stderr:
            break
    assert done.returncode == 1
    assert "no cgroups here\nset-up: the engine has not come up in 60 s\n" in done.stderr


SOMEBODY = ["setpriv", "--reuid=1000", "--regid=1000", "--clear-groups"]
SOMEBODY += [f"--{each}-caps=-all,+dac_override" for each in ("inh", "ambient")]
"""A user who is not root, and may write into root's folders all the same: those of the test are."""


def test_who_is_not_root_uses_sudo_for_what_is_roots_and_for_nothing_else(machine: Machine) -> None:
    machine.install(*EVERYTHING)
    machine.start_engine()
    done = machine.run(*SOMEBODY, "scripts/quickstart")
    assert (done.returncode, machine.log) == (1, [])
    assert done.stderr.endswith("set-up: this needs root: neither root nor sudo is to be had\n")

    machine.allow_sudo()
    done = machine.run(*SOMEBODY, "scripts/quickstart")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [line for line in machine.log if not line.startswith("sudo")] == [VENV_MADE, f"{PIP} .", *SHOWS]
    by_sudo = [" ".join(line.split()[2:]) for line in machine.log if line.startswith("sudo --preserve-env=")]
    assert "sudo -v" in machine.log
    programs = {each.split()[0] for each in by_sudo}
    assert programs == {"unshare", ".venv/bin/python", ".venv/bin/reconciler", "ip"}
    assert not [each for each in by_sudo if "pip" in each or "venv --clear" in each]


def test_the_tests_are_set_up_likewise_and_run_in_order(machine: Machine) -> None:
    done = machine.run("scripts/test")
    assert done.returncode == 0, done.stdout + done.stderr
    fast = "pytest tests -m not live --cov --cov-report=term-missing:skip-covered"
    live = "pytest -p no:cacheprovider tests -m live"
    assert machine.log == [
        *("apt-get update", f"{APT} python3 python3-venv", VENV_MADE, f"{PIP} .[dev]"),
        *CHECKS,
        fast,
        *("apt-get update", f"{APT} iproute2 docker.io iptables", "dockerd "),
        *("apt-get update", f"{APT} busybox-static", "apt-get download docker-registry"),
        "dpkg-deb --extract docker-registry_1_amd64.deb .",
        live,
    ]
    assert machine.run("scripts/test").returncode == 0
    assert machine.log == [*CHECKS, fast, live]
    assert machine.run("scripts/quickstart").returncode == 0
    assert machine.log == SHOWS, "what the tests need is more than what that needs"
    assert machine.run("scripts/test", "--", "-k", "few").returncode == 0
    assert machine.log == [
        *CHECKS,
        "pytest tests -m not live -k few",
        "pytest -p no:cacheprovider tests -m live -k few",
    ]


def test_where_the_engine_comes_without_its_client_the_tests_have_that_installed(machine: Machine) -> None:
    machine.let_the_client_be_apart()
    for script, more in (("scripts/quickstart", []), ("scripts/test", ["docker-cli"]), ("scripts/test", [])):
        done = machine.run(script)
        assert done.returncode == 0, done.stdout + done.stderr
        assert [each for each in machine.installed if each not in EVERYTHING] == more


def test_live_tests_that_cannot_run_are_skipped_aloud_or_fail_where_they_are_required(machine: Machine) -> None:
    machine.install("python3", VENV)
    machine.environment["DOCKER_HOST"] = "tcp://192.0.2.1:2375"
    done = machine.run("scripts/test")
    assert done.returncode == 0
    assert "SKIPPED: all live tests, for the reason above" in done.stdout
    for name in ("CI", "RECONCILER_REQUIRE_LIVE"):
        machine.environment[name] = "true" if name == "CI" else "1"
        done = machine.run("scripts/test")
        assert done.returncode == 1
        assert "FAILED: the live tests are required here, and cannot run" in done.stderr
        del machine.environment[name]


@pytest.mark.parametrize(
    ("command", "fast", "live"),
    [
        (["scripts/test", "--all"], "COVERED (all: 1)", " (all: 1)"),
        (["scripts/test", "--forever"], "CHOSEN (all: forever)", " CHOSEN (all: forever)"),
        ([".ci/run"], "COVERED (required)", " (required)"),
    ],
)
def test_what_the_options_ask_for_reaches_the_tests(machine: Machine, command: list[str], fast: str, live: str) -> None:
    machine.install(*EVERYTHING)
    machine.start_engine()
    done = machine.run(*command)
    assert done.returncode == 0, done.stdout + done.stderr
    words = {"COVERED": "--cov --cov-report=term-missing:skip-covered", "CHOSEN": "-k any_topology_becomes_any_other"}
    for word, said in words.items():
        fast, live = fast.replace(word, said), live.replace(word, said)
    assert [each for each in machine.log if each.startswith("pytest")] == [
        f"pytest tests -m not live {fast}",
        f"pytest -p no:cacheprovider tests -m live{live}",
    ]


def test_who_asks_for_something_else_gets_the_usage(machine: Machine) -> None:
    done = machine.run("scripts/test", "--some")
    assert (done.returncode, machine.log) == (3, [])
    assert "usage: scripts/test [--all | --forever]" in done.stderr
