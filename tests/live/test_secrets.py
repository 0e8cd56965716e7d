"""No secret is told anywhere: all that is printed, saved and marked in the life of a topology is gathered and searched."""

from __future__ import annotations

import base64
import json
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, quote_plus

import pytest

from live.lab import run
from live.test_cli import Cli, made
from live.watched import Watched, Words, settled

pytestmark = pytest.mark.live

OLD = {
    "literal": "Lit3ral-one/x",
    "file": "Fr0m-file one",
    "url": "Ur1passw0rd-one",
    "variable": "Var1able-one",
    "argument": 'Bui1d Arg "one"',
    "option": "V0lume0ption-one",
    "short": "ab9z",
}
NEW = {name: f"{value}-renewed" for name, value in OLD.items()}
PROXY = "Pr0xy-passw0rd"
TOPOLOGY = """
images:
  built: {{build: {{context: ./ctx, args: {{API_TOKEN: '{argument}'}}}}}}
volumes:
  data: {{labels: {{pass: V0lume-of-all-times}}}}
  share-{generation}: {{driver_opts: {{type: cifs, device: //nas/x, o: "username=joe,password={option}"}}}}
networks:
  lan: {{labels: ["pass=${{CLI_TOKEN}}"]}}
containers:
  web:
    image: built
    user: "{user}"
    init: true
    command: [sh, -c, "sleep 86400", "${{CLI_TOKEN}}"]
    env_file: web.env
    environment:
      PASSWORD: "{literal}"
      LOG_LEVEL: {level}
      ADMIN_PIN: {short}
      DATABASE: "postgres://admin:{url}@db/main"
    healthcheck: {{test: [CMD, "true", "${{CLI_TOKEN}}"], interval: 1s}}
    labels: {{pass: "${{CLI_TOKEN}}"}}
    volumes: ["data:/data"]
    networks: [lan]
namespaces:
  red: {{exec: ["echo says ${{CLI_TOKEN}}; {end}"]}}
"""


@pytest.fixture
def cli(tmp_path: Path, image: str) -> Iterator[Cli]:
    (tmp_path / "ctx").mkdir()
    (tmp_path / "ctx/Dockerfile").write_text(
        f"FROM {image}\nARG API_TOKEN\nRUN echo built with $API_TOKEN through $http_proxy\n"
    )
    yield from made(tmp_path, {})


class Gathered:
    """All that was told, with where."""

    def __init__(self, cli: Cli) -> None:
        self.cli = cli
        self.found: dict[str, str] = {}

    def __call__(self, *arguments: str, code: int = 0) -> str:
        done = self.cli(*arguments)
        assert done.returncode == code, done.stdout + done.stderr
        self.found[f"{len(self.found)} {' '.join(arguments)}"] = done.stdout + done.stderr
        return done.stdout + done.stderr

    def marks(self) -> None:
        """What our marks hold: labels of ours, tags, aliases, comments in the firewall; the user's labels are not ours."""
        name = self.cli.name
        for kind in ("container", "network", "volume"):
            listed = run(
                "docker", kind, "ls", "-q", *(["-a"] if kind == "container" else []), "--filter", f"name={name}"
            )
            for each in listed.split():
                inspected = json.loads(run("docker", kind, "inspect", each))[0]
                labels = inspected.get("Labels") or inspected.get("Config", {}).get("Labels") or {}
                self.found[f"labels of {each}"] = str({k: v for k, v in labels.items() if k.startswith("reconciler.")})
        self.found["tags"] = run("docker", "images", "--no-trunc")
        self.found["links"] = run("ip", "-d", "link") + run("ip", "-n", f"{name}-red", "-d", "link", check=False)
        self.found["firewall"] = run("iptables", "-S", check=False)

    def leaks(self, *values: str) -> list[str]:
        forms = {
            form
            for each in values
            for form in (each, quote(each), quote(each, safe=""), quote_plus(each), json.dumps(each)[1:-1])
        }
        return [f"{where}: {each}" for where, text in self.found.items() for each in forms if each in text]


def write(cli: Cli, secrets: dict[str, str], *, level: str = "info", user: str = "0", end: str = "true") -> None:
    (cli.folder / ".env").write_text(f"CLI_TOKEN='{secrets['variable']}'\n")
    (cli.folder / "web.env").write_text(f"GREETING='{secrets['file']}'\n")
    generation = "old" if secrets is OLD else "new"  # a volume is never replaced
    cli.write(TOPOLOGY.format(**secrets, level=level, user=user, end=end, generation=generation))


def test_no_secret_is_told_in_the_life_of_a_topology(cli: Cli) -> None:
    told = Gathered(cli)
    proxies = {"default": {"httpProxy": f"http://joe:{PROXY}@192.0.2.1:3128"}}
    (cli.folder / "config.json").write_text(json.dumps({"proxies": proxies}))
    cli.environment["DOCKER_CONFIG"] = str(cli.folder)
    write(cli, OLD)
    told("validate")
    told("plan", "--json", "--out", "plan.json")
    told("-v", "--debug", "apply", "--plan", "plan.json")
    told("show")
    assert "(secret " in told("show", "--json")
    told("ls")
    told.marks()
    write(cli, NEW, level="debug")
    plan = told("plan", "--out", "plan.json")
    for each in ("PASSWORD", "ADMIN_PIN", "DATABASE", "GREETING"):
        assert f"environment.{each}: (secret) → (secret), changed" in plan
    assert "environment.LOG_LEVEL: info → debug" in plan
    assert "command: (secret) → (secret), changed" in plan
    assert "healthcheck.test: (secret) → (secret), changed" in plan
    told.found["saved"] = (cli.folder / "plan.json").read_text()
    write(cli, NEW, level="debug", user="${CLI_TOKEN}", end="false")
    assert "(secret)" in told("-v", "--debug", "apply", "--on-failure", "revert", "--replace", "image/built", code=1)
    write(cli, NEW, level="debug")
    told("apply", "--json")
    told.marks()
    cli.write("namespaces: {red: }")
    told("plan")
    told("show")
    told("-v", "--debug", "destroy", "--volumes", "--images")
    assert told.leaks(*OLD.values(), *NEW.values(), "V0lume-of-all-times", PROXY) == []


def test_no_secret_is_told_where_a_file_is_wrong(cli: Cli) -> None:
    told = Gathered(cli)
    (cli.folder / ".env").write_text("CLI_TOKEN='Var1able-one'\n")
    cli.write(
        """
containers:
  web:
    image: built
    mem_limit: "${CLI_TOKEN}"
    environment: {PASSWORD: [Lit3ral-one], TOKEN: {a: Lit3ral-two}}
    ports: ["PASSWORD=Lit3ral-three"]
    user: [Lit3ral-public]
    healthcheck: {interval: "${CLI_TOKEN}"}
    links: ["${CLI_TOKEN}"]
"""
    )
    assert "(secret)" in told("--debug", "validate", code=3)
    assert told.leaks("Var1able-one", "Lit3ral-one", "Lit3ral-two", "Lit3ral-three") == []


def test_who_must_see_them_can_and_what_is_no_longer_declared_stays_secret(cli: Cli) -> None:
    write(cli, OLD)
    done = cli("apply")
    assert done.returncode == 0, done.stderr
    assert OLD["literal"] in cli("show", "--show-secrets", "--json").stdout
    write(cli, NEW)
    assert f"environment.GREETING: {OLD['file']} → {NEW['file']}" in cli("plan", "--show-secrets").stdout
    assert NEW["file"] in cli("plan", "--show-secrets", "--json").stdout
    spec = next(each["spec"] for each in cli.told("show")["resources"] if each["key"] == "container/web")
    assert cli.told("show") == cli.told("show")
    assert spec["command"][3] == spec["healthcheck"]["test"][2] != spec["environment"]["PASSWORD"]
    told = Gathered(cli)
    cli.write("containers: {web: {image: reconciler-test/busybox, command: [sleep, '5'], init: true}}")
    plan = told("plan")
    assert "command: (secret) → (secret), changed" in plan
    assert "environment.GREETING: (secret) → unset" in plan
    assert "environment.LOG_LEVEL: info → unset" in plan
    told("plan", "--json")
    assert told.leaks(*OLD.values()) == []


HAND = "By-hand-passw0rd"
WATCHED = """
containers:
  web:
    image: {image}
    init: true
    network_mode: none
    command: [sh, -c, "sleep 86400", "${{CLI_TOKEN}}"]
    environment: {{PASSWORD: "{literal}", ADMIN_PIN: {short}, DATABASE: "postgres://admin:{url}@db/main"}}
    env_file: web.env
    healthcheck: {{test: "echo says ${{CLI_TOKEN}}; {healthy}", interval: 1s, retries: 1}}
  after:
    {{image: {image}, network_mode: none, command: [sleep, "{pause}"], init: true,
    depends_on: {{web: {{condition: service_healthy}}}}}}
namespaces:
  red: {{exec: ["echo says ${{CLI_TOKEN}}; {end}"]}}
"""


def test_no_secret_is_told_by_a_watch_whatever_drifts_fails_or_is_wrong(cli: Cli, engine: Any, image: str) -> None:
    told = Gathered(cli)

    def write(secrets: dict[str, str], **how: str) -> None:
        (cli.folder / ".env").write_text(f"CLI_TOKEN='{secrets['variable']}'\n")
        (cli.folder / "web.env").write_text(f"GREETING='{secrets['file']}'\n")
        cli.write(WATCHED.format(**secrets, image=image, **{"healthy": "true", "end": "true", "pause": "600", **how}))

    def until(**expected: str) -> Words:
        return watch.until(lambda each: expected.items() <= each.items(), after=after)

    write(OLD)
    errors, lines = cli.folder / "errors", cli.folder / "lines"
    with (
        errors.open("w") as stream,
        Watched(cli.folder, "-v", "--debug", errors=stream) as watch,
        lines.open("w") as log,
    ):
        after = 0
        until(what="mended", key="process/after")
        command = [*cli.program, "-v", "--debug", "watch", "--dry-run"]
        dry = subprocess.Popen(command, cwd=cli.folder, env=cli.environment, stdout=log, stderr=log)
        try:
            settled(watch)
            after = len(watch.words)
            exchanged(watch, engine, f"{cli.name}-web")
            changed = until(what="mended", key="container/web")["fields"]["environment.PASSWORD"]
            sides = changed["observed"], changed["desired"]
            assert all(re.fullmatch(r"\(secret [0-9a-f]{8}\)", each) for each in sides)
            assert sides[0] != sides[1]
            write(NEW, healthy="false", end="false", pause="601")
            assert "(secret)" in until(what="failed", key="exec/red")["text"]
            assert "(secret)" in until(what="failed", key="process/web")["text"]
            after = len(watch.words)
            cli.write('containers: {web: {image: x, mem_limit: "${CLI_TOKEN}"}}')
            assert "(secret)" in until(what="invalid")["text"]
            write(NEW)
            until(what="mended", key="exec/red")
        finally:
            dry.terminate()
            assert dry.wait(timeout=60) == 143
        told.found = {"log": json.dumps(watch.words, ensure_ascii=False)}
    told.found |= {"errors": errors.read_text(), "dry run": lines.read_text()}
    assert "environment.PASSWORD: (secret) → (secret), changed" in told.found["dry run"]
    assert told.leaks(*OLD.values(), *NEW.values(), HAND) == []


def exchanged(watch: Watched, engine: Any, name: str) -> None:
    """Put another container into the place of one of ours, with our mark and another password."""
    watch.process.send_signal(signal.SIGSTOP)
    try:
        found = engine.inspect_container(name)
        others = [each for each in found["Config"]["Env"] if not each.startswith("PASSWORD=")]
        body = {**found["Config"], "Env": [*others, f"PASSWORD={HAND}"], "HostConfig": found["HostConfig"]}
        engine.remove_container(name, force=True)
        engine.create_container_from_config(body, name)
        engine.start(name)
    finally:
        watch.process.send_signal(signal.SIGCONT)


LOGIN = "Reg1stry-login/one"


class _Indiscreet(BaseHTTPRequestHandler):
    """A registry that says in its error which password was wrong."""

    default_request_version = "HTTP/1.0"
    """To what is no request at all, a TLS greeting, it answers with a status line as others do: engines look for that."""

    def do_GET(self) -> None:
        given = self.headers.get("Authorization", "").partition(" ")[2]
        body = json.dumps(
            {"errors": [{"code": "DENIED", "message": f"no {base64.b64decode(given).decode()}"}]}
        ).encode()
        self.send_response(403 if given else 401)
        self.send_header("WWW-Authenticate", 'Basic realm="here"')
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_HEAD = do_GET  # noqa: N815 - as the class calls it

    def log_message(self, *_: object) -> None:
        """Nothing."""


@pytest.fixture
def indiscreet() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Indiscreet) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_login_of_a_registry_is_told_nowhere_even_if_the_registry_quotes_it(cli: Cli, indiscreet: str) -> None:
    login = base64.b64encode(f"me:{LOGIN}".encode()).decode()
    (cli.folder / "config.json").write_text(json.dumps({"auths": {indiscreet: {"auth": login}}}))
    cli.environment["DOCKER_CONFIG"] = str(cli.folder)
    cli.write(f"containers: {{web: {{image: {indiscreet}/one:1, network_mode: none}}}}")
    told = Gathered(cli)
    assert "no me:(secret)" in told("-v", "--debug", "apply", "--json", code=1)
    assert told.leaks(LOGIN, login) == []
