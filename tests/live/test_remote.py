"""Engines that are elsewhere: over TCP, TLS and ssh, by DOCKER_HOST and by a context of Docker's own client."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import selectors
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from live.lab import ENGINE, Lab, busybox_tar, run

pytestmark = pytest.mark.live

TEXT = """
images: {made: {import: {path: busybox.tar}}}
networks: {lan: {ipam: {config: [{subnet: 10.237.0.0/24}]}}}
volumes: {data: }
containers: {box: {image: made, init: true, command: [sleep, "1000"], networks: [lan], volumes: ["data:/data"]}}
"""
Cli = Callable[..., subprocess.CompletedProcess[str]]
SOCKET = ENGINE.removeprefix("unix://")

SSH = f"""#!{sys.executable}
import os, socket, sys, threading
open({{told!r}}, "w").write("\\n".join(sys.argv[1:]))
if "nobody" in sys.argv:
    sys.exit("nobody@there: Permission denied (publickey).")
line = socket.socket(socket.AF_UNIX)
line.connect({SOCKET!r})
def away():
    while data := os.read(0, 65536):
        line.sendall(data)
    line.shutdown(socket.SHUT_WR)
threading.Thread(target=away, daemon=True).start()
while data := line.recv(65536):
    os.write(1, data)
"""


@contextlib.contextmanager
def listening(context: ssl.SSLContext | None = None) -> Iterator[int]:
    """A port on the loopback behind which the engine is."""
    with socket.create_server(("127.0.0.1", 0)) as door:
        threading.Thread(target=_welcome, args=(door, context), daemon=True).start()
        yield door.getsockname()[1]
        door.shutdown(socket.SHUT_RDWR)


def _welcome(door: socket.socket, context: ssl.SSLContext | None) -> None:
    while True:
        try:
            client, _ = door.accept()
        except OSError:
            return
        threading.Thread(target=_serve, args=(client, context), daemon=True).start()


def _serve(client: socket.socket, context: ssl.SSLContext | None) -> None:
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as engine, selectors.DefaultSelector() as ready:
        engine.connect(SOCKET)
        with context.wrap_socket(client, server_side=True) if context else client as line:
            ready.register(line, selectors.EVENT_READ, engine)
            ready.register(engine, selectors.EVENT_READ, line)
            while True:
                for key, _ in ready.select():
                    source: Any = key.fileobj
                    data = source.recv(1 << 20)
                    if not data:
                        return
                    key.data.sendall(data)


@pytest.fixture
def cli(lab: Lab, engine: Any) -> Iterator[Cli]:
    """The command, in the lab's folder, with an environment of its own; Docker's own folder is empty."""
    (lab.folder / "busybox.tar").write_bytes(busybox_tar())
    (lab.folder / "topology.yaml").write_text(f"name: {lab.name}\n{TEXT}")
    (lab.folder / "docker").mkdir()
    clean = {name: each for name, each in os.environ.items() if not name.startswith("DOCKER_")}

    def command(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "reconciler", *arguments],
            capture_output=True,
            text=True,
            check=False,
            cwd=lab.folder,
            env={**clean, "DOCKER_CONFIG": str(lab.folder / "docker"), **environment},
        )

    yield command
    assert lab.destroy().converged


def lives_a_life(cli: Cli, **environment: str) -> None:
    """Apply, rest, see it, and destroy."""
    for arguments, words in (
        (["apply"], "Steps: 6 applied, 0 failed, 0 skipped."),
        (["apply"], "Plan: nothing to do"),
        (["show"], "container/box"),
        (["ls"], "container"),
        (["destroy", "--volumes", "--images"], "0 failed, 0 skipped."),
    ):
        done = cli(*arguments, **environment)
        assert done.returncode == 0, done.stderr
        assert words in done.stdout, done.stdout


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority, a server on the loopback and a client of it, as `docker` names their files; and a stranger."""
    folder = tmp_path_factory.mktemp("certificates")
    for name in ("ca", "stranger"):
        subject = ["-subj", f"/CN={name}", "-days", "2"]
        files = ["-keyout", f"{folder}/{name}-key.pem", "-out", f"{folder}/{name}.pem"]
        run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *subject, *files)
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    for name, key in (("server", "server-key"), ("cert", "key")):
        asked, keyed = f"{folder}/{name}.csr", f"{folder}/{key}.pem"
        run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=x", "-keyout", keyed, "-out", asked)
        signer = ["-CA", f"{folder}/ca.pem", "-CAkey", f"{folder}/ca-key.pem", "-CAcreateserial", "-days", "2"]
        run(
            "openssl",
            "x509",
            "-req",
            "-in",
            asked,
            *signer,
            "-extfile",
            f"{folder}/names",
            "-out",
            f"{folder}/{name}.pem",
        )
    return folder


@pytest.fixture
def secured(certificates: Path) -> Iterator[str]:
    """The address of an engine that lets in only whom its authority has signed."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(certificates / "ca.pem"))
    context.load_cert_chain(certificates / "server.pem", certificates / "server-key.pem")
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # as little as an engine asks
    with listening(context) as port:
        yield f"tcp://127.0.0.1:{port}"


def test_over_tcp(cli: Cli) -> None:
    with listening() as port:
        lives_a_life(cli, DOCKER_HOST=f"tcp://127.0.0.1:{port}")


def test_over_tls_with_the_certificates_that_docker_would_use(cli: Cli, secured: str, certificates: Path) -> None:
    lives_a_life(cli, DOCKER_HOST=secured, DOCKER_TLS_VERIFY="1", DOCKER_CERT_PATH=str(certificates))


def test_over_tls_nobody_is_trusted_unseen(cli: Cli, secured: str, certificates: Path) -> None:
    (certificates / "elsewhere").mkdir()
    (certificates / "elsewhere" / "ca.pem").write_bytes((certificates / "stranger.pem").read_bytes())
    for folder, words in (
        (certificates / "elsewhere", f"no Docker Engine answers at {secured}: .*certificate verify failed"),
        (
            certificates / "none",
            f"DOCKER_TLS_VERIFY is set, and there is no {certificates}/none/ca.pem: set DOCKER_CERT",
        ),
    ):
        done = cli("plan", DOCKER_HOST=secured, DOCKER_TLS_VERIFY="1", DOCKER_CERT_PATH=str(folder))
        assert done.returncode == 5
        assert re.match(f"error: {words}", done.stderr)
        assert "Traceback" not in done.stderr


def test_by_the_context_in_use(cli: Cli, lab: Lab, secured: str, certificates: Path) -> None:
    digest = hashlib.sha256(b"there").hexdigest()
    meta, tls = (lab.folder / "docker" / "contexts" / each / digest for each in ("meta", "tls"))
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(json.dumps({"Name": "there", "Endpoints": {"docker": {"Host": secured}}}))
    tls.mkdir(parents=True)
    (tls / "docker").symlink_to(certificates)
    (lab.folder / "docker" / "config.json").write_text('{"currentContext": "there"}')
    lives_a_life(cli)


def test_over_ssh_as_docker_goes(cli: Cli, lab: Lab) -> None:
    told = lab.folder / "told"
    (lab.folder / "bin").mkdir()
    ssh = lab.folder / "bin" / "ssh"
    ssh.write_text(SSH.format(told=str(told)))
    ssh.chmod(0o755)
    path = f"{ssh.parent}:{os.environ['PATH']}"
    for command in ("apply", "destroy"):
        done = cli(command, DOCKER_HOST="ssh://me@there:2222", PATH=path)
        assert done.returncode == 0, done.stderr
    words = told.read_text().split("\n")
    alive = ["-o", "ServerAliveInterval=30", "-o", "ServerAliveCountMax=3"]
    assert words[2:] == [*alive, "-T", "-l", "me", "-p", "2222", "--", "there", "docker", "system", "dial-stdio"]
    done = cli("plan", DOCKER_HOST="ssh://nobody@there", PATH=path)
    assert done.returncode == 5
    assert "no Docker Engine answers at ssh://nobody@there" in done.stderr
    assert "(ssh: nobody@there: Permission denied (publickey).)" in done.stderr


@pytest.mark.parametrize(
    "kernel",
    [
        'veths: [["box:eth7 10.238.0.1/30", "red:eth0 10.238.0.2/30"]]\nnamespaces: {red: }\n',
        "bridges: {br0: }\n",
        "host: {routes: [{to: 10.238.1.0/24, dev: lo}]}\n",
    ],
)
def test_what_needs_the_kernel_is_refused_with_the_reason_and_before_the_first_step(
    cli: Cli, lab: Lab, kernel: str
) -> None:
    (lab.folder / "topology.yaml").write_text(f"name: {lab.name}\n{TEXT}{kernel}")
    with listening() as port:
        url = f"tcp://127.0.0.1:{port}"
        done = cli("apply", DOCKER_HOST=url)
        assert done.returncode == 4, done
        said = f"the engine at {url} is reached over tcp, which does not tell whether its kernel is this one: run the"
        assert said in done.stderr
        assert lab.observed(TEXT).resources == {}


def test_nor_is_it_removed_over_an_engine_that_may_not_be_the_one_beside_it(cli: Cli, lab: Lab) -> None:
    (lab.folder / "topology.yaml").write_text(f"name: {lab.name}\n{TEXT}namespaces: {{red: }}\n")
    assert cli("apply").returncode == 0
    with listening() as port:
        for arguments in ([], ["--name", lab.name]):
            done = cli("destroy", *arguments, DOCKER_HOST=f"tcp://127.0.0.1:{port}")
            assert (done.returncode, "Steps:" in done.stdout) == (4, False), done
            assert "is reached over tcp, which does not tell whether its kernel is this one" in done.stderr
    assert cli("plan", "--detailed-exitcode").returncode == 0
