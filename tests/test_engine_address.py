"""Where an engine is, as Docker's own client reads it."""

from __future__ import annotations

import hashlib
import json
import socket
import ssl
from pathlib import Path
from typing import Any

import pytest

from reconciler.errors import EngineUnreachable
from reconciler.host import DEFAULT_ENGINE
from reconciler.host.engine.address import Address, Tls, address, leading_files, parse
from reconciler.host.engine.dial import dial, trust
from reconciler.secret import masked


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        ("unix:///run/d.sock", Address("unix:///run/d.sock", "unix", path="/run/d.sock")),
        ("unix://d.sock", Address("unix://d.sock", "unix", path="d.sock")),
        ("tcp://box", Address("tcp://box", "tcp", host="box", port=2375)),
        ("tcp://[::1]:1", Address("tcp://[::1]:1", "tcp", host="::1", port=1)),
        ("box:99", Address("box:99", "tcp", host="box", port=99)),
        ("http://box:99", Address("http://box:99", "tcp", host="box", port=99)),
        ("https://box", Address("https://box", "tcp", host="box", port=2376, tls=Tls())),
        ("ssh://me@box:22", Address("ssh://me@box:22", "ssh", host="box", port=22, user="me")),
        ("unix:///run/a#b?c%20.sock", Address("unix:///run/a#b?c%20.sock", "unix", path="/run/a#b?c%20.sock")),
        ("ssh://Lab01", Address("ssh://Lab01", "ssh", host="Lab01")),
        (
            "ssh://me%40corp@Box/d%20.sock",
            Address("ssh://me%40corp@Box/d%20.sock", "ssh", "/d .sock", "Box", user="me@corp"),
        ),
        ("ssh://[fe80::1%25eth0]:22", Address("ssh://[fe80::1%25eth0]:22", "ssh", host="fe80::1%eth0", port=22)),
        ("ssh://box/run/d.sock", Address("ssh://box/run/d.sock", "ssh", path="/run/d.sock", host="box")),
    ],
)
def test_an_address_is_read(url: str, wanted: Address) -> None:
    assert parse(url) == wanted


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("bogus", "it names no way to an engine"),
        ("/run/d.sock", "it names no way to an engine"),
        ("unix://", "it names no socket"),
        ("tcp://", "it names no host"),
        ("tcp://box:port", "Port could not be cast"),
        ("tcp://[::1", "Invalid IPv6 URL"),
        ("ftp://box", "nobody speaks ftp to an engine"),
        ("ssh://-oProxyCommand=x", "it names no host"),
        ("ssh://-l@box", "it names no host"),
        ("ssh://%2doProxyCommand=x", "it names no host"),
    ],
)
def test_what_is_no_address_is_named(url: str, why: str) -> None:
    with pytest.raises(EngineUnreachable, match="is no address of a Docker Engine") as caught:
        parse(url)
    assert f"({why}" in str(caught.value)


def test_a_password_in_an_address_is_told_by_nobody() -> None:
    assert parse("tcp://admin:pw@box:1") == Address("tcp://admin:(secret)@box:1", "tcp", host="box", port=1)
    for url in (
        "ftp://admin:hunter22@box",
        "ssh://admin:hunter22@box",
        "tcp://admin:hunter22@box:x",
        "admin:hunter22@b",
    ):
        with pytest.raises(EngineUnreachable) as caught:
            parse(url)
        assert "admin" in str(caught.value)
        assert "hunter22" not in str(caught.value)
    assert masked("of hunter22") == "of (secret)"


def test_ssh_takes_no_password() -> None:
    with pytest.raises(EngineUnreachable, match="ssh takes no password from it: use a key"):
        parse("ssh://admin:hunter22@box")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder of Docker's own client."""
    return tmp_path


def context(home: Path, name: str, *, tls: bool = False, **endpoint: Any) -> None:
    digest = hashlib.sha256(name.encode()).hexdigest()
    meta = home / "contexts" / "meta" / digest
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": endpoint}}))
    if tls:
        folder = home / "contexts" / "tls" / digest / "docker"
        folder.mkdir(parents=True)
        (folder / "ca.pem").touch()


def found(home: Path, url: str = "", **environment: str) -> Address:
    return address(url, {"DOCKER_CONFIG": str(home), **environment})


def test_without_a_word_it_is_the_socket_of_this_machine(home: Path) -> None:
    assert found(home).url == DEFAULT_ENGINE


def test_the_context_in_use_names_it(home: Path) -> None:
    context(home, "there", Host="tcp://there:1")
    context(home, "elsewhere", Host="ssh://elsewhere")
    (home / "config.json").write_text('{"currentContext": "there"}')
    assert found(home).url == "tcp://there:1"
    assert found(home, DOCKER_CONTEXT="elsewhere").url == "ssh://elsewhere"
    assert found(home, DOCKER_CONTEXT="default").url == DEFAULT_ENGINE
    assert found(home, DOCKER_CONTEXT="elsewhere", DOCKER_HOST="tcp://here").url == "tcp://here"
    assert found(home, "tcp://said", DOCKER_HOST="tcp://here").url == "tcp://said"


def test_a_context_has_its_own_certificates(home: Path) -> None:
    context(home, "there", tls=True, Host="tcp://there")
    context(home, "careless", Host="tcp://there", SkipTLSVerify=True)
    there = found(home, DOCKER_CONTEXT="there")
    assert there.tls
    assert Path(there.tls.ca).parent.name == "docker"
    assert (there.port, there.tls.certificate, there.tls.verify) == (2376, "", True)
    careless = found(home, DOCKER_CONTEXT="careless").tls
    assert careless == Tls(verify=False)


@pytest.mark.parametrize("text", ["{", "[]", "{}"])
def test_a_context_that_is_none_is_named(home: Path, text: str) -> None:
    context(home, "broken", Host="x")
    next((home / "contexts" / "meta").rglob("meta.json")).write_text(text)
    with pytest.raises(EngineUnreachable, match=r"there is no docker context 'broken': see|meta.json is no JSON"):
        found(home, DOCKER_CONTEXT="broken")


def test_the_environment_asks_for_tls(home: Path) -> None:
    for name in ("ca", "cert", "key"):
        (home / f"{name}.pem").touch()
    ca, certificate, key = (str(home / f"{name}.pem") for name in ("ca", "cert", "key"))
    assert found(home, DOCKER_HOST="tcp://box").tls is None
    assert found(home, DOCKER_HOST="tcp://box", DOCKER_TLS_VERIFY="1").tls == Tls(ca, certificate, key)
    assert found(home, DOCKER_HOST="tcp://box", DOCKER_TLS="1").tls == Tls(ca, certificate, key, verify=False)
    for asked in ("DOCKER_TLS_VERIFY", "DOCKER_TLS"):
        said = f"{asked} is set, and there is no {home}/none/ca.pem: set DOCKER_CERT_PATH to the folder that has it"
        with pytest.raises(EngineUnreachable, match=f"^{said}$"):
            found(home, DOCKER_HOST="tcp://box", DOCKER_CERT_PATH=str(home / "none"), **{asked: "1"})


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (["ca"], "ca.pem"),
        (["certificate"], "certificate.pem"),
        (["certificate", "key"], "certificate.pem or /.*/key.pem"),
    ],
)
def test_a_file_that_is_no_certificate_is_named(home: Path, names: list[str], said: str) -> None:
    for name in names:
        (home / f"{name}.pem").write_text("junk")
    words = rf"^/.*/{said} cannot be used to speak to the engine by TLS: .*name another folder \(DOCKER_CERT_PATH, "
    every = ("ca", "certificate", "key")
    ca, certificate, key = (str(home / f"{each}.pem") if each in names else "" for each in every)
    with pytest.raises(EngineUnreachable, match=words):
        trust(Tls(ca, certificate, key))


def test_an_authority_that_was_made_as_docker_s_manual_says_is_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has no key usage, which Python has asked for since 3.13, and `docker` never."""

    def strict(*, cafile: str | None) -> ssl.SSLContext:
        made = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        made.verify_flags |= ssl.VERIFY_X509_STRICT
        return made

    monkeypatch.setattr(ssl, "create_default_context", strict)
    context = trust(Tls())
    assert not context.verify_flags & ssl.VERIFY_X509_STRICT
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


@pytest.mark.parametrize("current", [5, ["x"], "a\udcff"])
def test_a_context_whose_name_is_none_is_not_there(home: Path, current: Any) -> None:
    (home / "config.json").write_text(json.dumps({"currentContext": current}))
    with pytest.raises(EngineUnreachable, match="there is no docker context"):
        found(home)


@pytest.mark.parametrize(
    "meta", [[], {"Endpoints": []}, {"Endpoints": {"docker": "x"}}, {"Endpoints": {"docker": {"Host": 5}}}]
)
def test_a_context_that_names_no_host_is_not_there(home: Path, meta: Any) -> None:
    context(home, "there")
    (path,) = (home / "contexts" / "meta").glob("*/meta.json")
    path.write_text(json.dumps(meta))
    with pytest.raises(EngineUnreachable, match="there is no docker context 'there'"):
        found(home, DOCKER_CONTEXT="there")


def test_a_user_without_a_home_is_told_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    def nobodys() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", nobodys)
    with pytest.raises(EngineUnreachable, match="set DOCKER_CONFIG or HOME"):
        address("", {})
    assert address("unix:///run/d.sock", {}).path == "/run/d.sock"


@pytest.mark.parametrize(
    ("environment", "leads"),
    [
        ({}, True),
        ({"DOCKER_CONTEXT": "default"}, False),
        ({"DOCKER_CONTEXT": "elsewhere"}, True),
        ({"DOCKER_CONFIG": "/x"}, False),
        ({"DOCKER_HOST": "tcp://box"}, False),
        ({"DOCKER_HOST": "tcp://box", "DOCKER_TLS_VERIFY": "1"}, True),
        ({"DOCKER_HOST": "tcp://box", "DOCKER_TLS": "1"}, True),
        ({"DOCKER_HOST": "tcp://box", "DOCKER_TLS": "1", "DOCKER_CERT_PATH": "/x"}, False),
    ],
)
def test_it_is_known_whose_files_lead_there(
    environment: dict[str, str], leads: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".docker").mkdir()
    (tmp_path / ".docker" / "config.json").write_text('{"currentContext": "there"}')
    assert leading_files(environment) == (str(tmp_path / ".docker") if leads else "")


@pytest.mark.parametrize(("timeout", "seconds"), [(120.0, 30), (0.2, 1), (10**6, 8000)])
def test_a_machine_that_has_crashed_is_gone_when_one_answer_would_have_been_late(timeout: float, seconds: int) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        line = dial(parse(f"tcp://127.0.0.1:{door.getsockname()[1]}"), timeout=timeout)
        assert isinstance(line, socket.socket)
        options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT, socket.TCP_USER_TIMEOUT)
        assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        told = [line.getsockopt(socket.IPPROTO_TCP, each) for each in options]
        assert told == [seconds, seconds, 3, 4 * seconds * 1000]
        line.close()
