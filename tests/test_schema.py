"""The JSON Schema itself, and what is said of files that break it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.errors import FileInvalid
from reconciler.topology import schema as module
from reconciler.topology.document import read, schema_text
from reconciler.topology.violations import _MESSAGES, flow

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMA: dict[str, Any] = json.loads(schema_text())
EXAMPLE = """
name: notes
defaults: {containers: {image: lab, init: true, command: [sleep, infinity]}}
images:
  lab:   {build: ./images/busybox}
networks:
  test-bridge: {ipam: {config: [{subnet: 172.30.0.0/24}]}}
containers:
  box2:  {networks: {test-bridge: {ipv4_address: 172.30.0.12, aliases: [db]}}}
  box3:  {networks: [test-bridge], links: ["box2:database"]}
  web:   {command: [httpd, -f, -h, /www], ports: ["8080:80"], networks: [test-bridge]}
  leaf1: {network_mode: none, routes: [{to: 10.100.0.0/16, via: [192.168.1.2, 192.168.2.2]}]}
namespaces:
  red:
  blue: {sysctls: {net.ipv4.ip_forward: 1}}
bridges:
  br0: {stp: true, forward_delay: 4s, addresses: [10.9.0.1/24]}
veths:
  - [red:eth0 10.0.0.1/30, blue:eth0 10.0.0.2/30]
  - endpoints:
      - {container: leaf1, interface: eth1, addresses: [192.168.1.1/24], mac: "02:00:00:00:00:01"}
      - {namespace: red, interface: eth1, addresses: [192.168.1.2/24], routes: [{to: default, via: 192.168.1.1}]}
    mtu: 9000
  - [leaf1:eth2 192.168.2.1/24, br0]
"""


def rules(part: Any, where: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield every rule of the schema that stands for a value."""
    yield where, part
    for name in ("properties", "$defs", "patternProperties"):
        for key, each in part.get(name, {}).items():
            yield from rules(each, f"{where}/{key}")
    for name in ("items", "additionalProperties"):
        if isinstance(part.get(name), dict):
            yield from rules(part[name], f"{where}/{name}")


RULES = dict(rules(SCHEMA))
RESOLVED = dict(rules(module.schema()))


def test_it_is_a_valid_schema_of_draft_2020_12() -> None:
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(SCHEMA)


def test_every_property_is_described() -> None:
    bare = [
        f"{where}/{name}"
        for where, rule in RULES.items()
        for name, each in rule.get("properties", {}).items()
        if not each.get("description", "").endswith(".")
    ]
    assert bare == []


def test_every_property_has_its_default_or_says_what_holds_without_it() -> None:
    """Attributes without one are required, name the node of an endpoint, or are absent when undeclared."""
    silent = {
        f"{where}/{name}"
        for where, rule in RULES.items()
        for name, each in rule.get("properties", {}).items()
        if "default" not in each and "Default" not in each["description"] and name not in rule.get("required", ())
    }
    sources = {"build", "pull", "import", "load", "commit"}
    assert silent == {
        *(f"#/image/{each}" for each in sources),
        *(f"#/endpoint/{each}" for each in ("container", "namespace", "bridge", "network", "host")),
        *(f"#/container/{each}" for each in ("image", "build", "network_mode")),
    }


def test_every_mapping_is_closed_or_has_entries_of_one_kind() -> None:
    assert [where for where, rule in RESOLVED.items() if "properties" in rule and rule["additionalProperties"]] == []


def test_every_mapping_with_attributes_may_have_keys_of_its_own() -> None:
    extension = SCHEMA["$defs"]["extension"]
    bare = [
        where
        for where, rule in RESOLVED.items()
        if "properties" in rule and rule.get("patternProperties") != {"^x-": extension}
    ]
    assert bare == []


def test_a_bare_key_is_right_wherever_nothing_is_the_default() -> None:
    wrong = [
        where for where, rule in RESOLVED.items() if rule.get("default") in ({}, []) and "null" not in rule["type"]
    ]
    assert wrong == []


def test_no_value_has_two_ways_to_be_read() -> None:
    """The loader adapts values by the types of one rule: alternatives may only ask for properties, or for one value."""
    for rule in RESOLVED.values():
        for branch in (*rule.get("oneOf", ()), *rule.get("anyOf", ())):
            assert branch.keys() <= {"type", "required", "properties"}
            assert all(each.keys() == {"const"} for each in branch.get("properties", {}).values())


def test_a_reference_is_never_weakened_beside_it() -> None:
    beside = {"$ref", "description", "default", "title", "examples", "propertyNames"}
    for rule in RULES.values():
        assert "$ref" not in rule or rule.keys() <= beside


def test_every_keyword_that_can_be_broken_has_its_message() -> None:
    checks = Draft202012Validator.VALIDATORS.keys() - {"properties", "patternProperties", "items", "propertyNames"}
    used = {key for rule in RESOLVED.values() for key in rule} & checks - {"if", "then", "else"}
    assert used == _MESSAGES.keys()


@pytest.mark.parametrize("where", [where for where, rule in RESOLVED.items() if "examples" in rule])
def test_every_example_and_default_is_allowed(where: str) -> None:
    rule = RESOLVED[where]
    values = [*rule["examples"], *([rule["default"]] if rule.get("default") is not None else [])]
    for value in values:
        assert [each.message for each in Draft202012Validator(rule).iter_errors(value)] == []


def test_it_is_found_in_an_installation_and_in_a_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written = (Path(__file__).parents[1] / "schemas/topology.schema.json").read_text()
    monkeypatch.setattr(module, "files", lambda _package: tmp_path)
    assert schema_text() == written
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas/topology.schema.json").write_text("installed")
    assert schema_text() == "installed"


def problems(folder: Path, text: str, environment: dict[str, str] | None = None) -> list[str]:
    file = folder / "t.yaml"
    file.write_text(text)
    try:
        found = read(str(file), environment=environment or {}).problems
    except FileInvalid as error:
        found = error.problems
    return [str(each).replace(f"{file}:", "", 1) for each in sorted(set(found))]


def test_the_example_of_the_design_is_right(tmp_path: Path) -> None:
    assert problems(tmp_path, EXAMPLE) == []


VETH = "expected a list of two endpoints, or a mapping with 'endpoints'"
PAIR = " (e.g. [red:eth0 10.0.0.1/30, blue:eth0 10.0.0.2/30])"
STATE = "expected one of running, completed, stopped, paused, created"
COMPOSES = "(a word of Compose's, not part of this language)"
WRONG = [
    # unknown words
    ("containers: {web: {imagee: a}}", "2:20: containers.web: unknown attribute 'imagee' (did you mean 'image'?)"),
    ("services: {}", "2:1: unknown attribute 'services' (did you mean 'containers'?)"),
    ("nodes: {}", "2:1: unknown attribute 'nodes' (did you mean 'containers' or 'namespaces' or 'bridges'?)"),
    ("links: []", "2:1: unknown attribute 'links' (did you mean 'veths'?)"),
    ("frobnicate: 1", "2:1: unknown attribute 'frobnicate'"),
    ("containers: {web: {name: a}}", "2:20: containers.web: unknown attribute 'name' (did you mean 'container_name'?)"),
    (
        "containers: {web: {env_file: [{path: a, format: raw}]}}",
        "2:41: containers.web.env_file[0]: unknown attribute 'format' " + COMPOSES,
    ),
    # types
    (
        "containers: [web]",
        "2:1: containers: expected a mapping of names to containers, not a list (e.g. {web: {image: nginx}})",
    ),
    ("containers: {web: nginx}", "2:19: containers.web: expected a mapping, not 'nginx' (e.g. {image: nginx})"),
    ("containers: {web: {tty: maybe}}", "2:25: containers.web.tty: expected true or false, not 'maybe'"),
    (
        'containers: {web: {tty: "yes"}}',
        "2:25: containers.web.tty: expected true or false, not 'yes' (write it without quotes)",
    ),
    (
        'containers: {web: {cpu_shares: "5"}}',
        "2:32: containers.web.cpu_shares: expected a number, not '5' (write it without quotes)",
    ),
    (
        "containers: {web: {ulimits: {nproc: '5.5'}}}",
        "2:37: containers.web.ulimits.nproc: expected a number, or a mapping with 'soft' and 'hard', not '5.5' (e.g. 1024)",
    ),
    (
        'containers: {web: {tty: "5"}}',
        "2:25: containers.web.tty: expected true or false, not '5'",
    ),
    ("containers: {web: {image: }}", "2:20: containers.web.image: expected text, not nothing"),
    ("containers: {web: {image: true}}", '2:27: containers.web.image: expected text, not true (as text, write "true")'),
    (
        "containers: {web: {ulimits: {nofile: {soft: 1.5, hard: 2}}}}",
        "2:45: containers.web.ulimits.nofile.soft: expected a number, not 1.5 (e.g. 1024)",
    ),
    (
        "containers: {web: {healthcheck: {interval: 5}}}",
        "2:44: containers.web.healthcheck.interval: '5' is not a duration with a unit (e.g. 2s)",
    ),
    (
        "veths: [5]",
        "2:9: veths[0]: " + VETH + ", not 5" + PAIR,
    ),
    # forms
    (
        "containers: {web: {mem_limit: much}}",
        "2:31: containers.web.mem_limit: 'much' is not a size with a unit (e.g. 512m)",
    ),
    ("bridges: {b: {mac: zz}}", "2:20: bridges.b.mac: 'zz' is not a MAC address (e.g. 02:00:00:00:00:01)"),
    (
        "networks: {a--b: {}}",
        "2:12: networks: 'a--b' is not a name of letters, digits, '_', '.' and single '-' (e.g. web)",
    ),
    ("images: {a: {pull: ''}}", "2:20: images.a.pull: must not be empty (e.g. nginx:1.27)"),
    (
        "bridges: {b: {ports: [abcdefghijklmnop]}}",
        "2:23: bridges.b.ports[0]: 'abcdefghijklmnop' is too long: 16 characters, at most 15",
    ),
    (
        "bridges: {b: {ports: [a/b]}}",
        "2:23: bridges.b.ports[0]: 'a/b' is not an interface name (no blank, '/' or ':') (e.g. eth1)",
    ),
    ("bridges: {b: {ports: [a, c, a]}}", "2:29: bridges.b.ports[2]: 'a' is listed twice"),
    (
        "containers: {web: {state: runing}}",
        "2:27: containers.web.state: " + STATE + ", not 'runing' (did you mean 'running'?)",
    ),
    (
        "containers: {web: {state: 7}}",
        "2:27: containers.web.state: expected one of running, completed, stopped, paused, created, not 7",
    ),
    (
        "images: {a: {external: false}}",
        "2:10: images.a: needs exactly one of build, pull, import, load, commit, external",
    ),
    (
        "containers: {a: {depends_on: {b: {restart: true}}}}",
        "2:44: containers.a.depends_on.b.restart: expected false, not true",
    ),
    (
        "containers: {a: {depends_on: {b: {required: no}}}}",
        "2:45: containers.a.depends_on.b.required: expected true, not false",
    ),
    (
        "containers: {a: {ports: [{target: 1, mode: ingress}]}}",
        "2:44: containers.a.ports[0].mode: expected host, not 'ingress'",
    ),
    ("containers: {a: {hostname: a b}}", "2:28: containers.a.hostname: 'a b' is not a hostname (e.g. web)"),
    (
        "containers: {a: {working_dir: srv}}",
        "2:31: containers.a.working_dir: 'srv' is not an absolute path (e.g. /srv)",
    ),
    # words of Compose's
    ("version: 3", "2:1: unknown attribute 'version' (not part of this language: take it out)"),
    ("secrets: {}", "2:1: unknown attribute 'secrets' " + COMPOSES),
    ("containers: {a: {profiles: []}}", "2:18: containers.a: unknown attribute 'profiles' " + COMPOSES),
    (
        "containers: {a: {scale: 2}}",
        "2:18: containers.a: unknown attribute 'scale' (not part of this language: each container is an entry of its own)",
    ),
    ("containers: {a: {group_add: []}}", "2:18: containers.a: unknown attribute 'group_add' " + COMPOSES),
    ("containers: {a: {skale: 1}}", "2:18: containers.a: unknown attribute 'skale'"),
    # numbers
    ("bridges: {b: {mtu: 67}}", "2:20: bridges.b.mtu: 67 is too small: at least 68"),
    ("bridges: {b: {priority: 65536}}", "2:25: bridges.b.priority: 65536 is too large: at most 65535"),
    # what is missing, or too much
    (
        "veths: [[a:e]]",
        "2:9: veths[0]: " + VETH + ", not a list of 1" + PAIR,
    ),
    ("veths: [[]]", "2:9: veths[0]: must not be empty (e.g. [red:eth0 10.0.0.1/30, blue:eth0 10.0.0.2/30])"),
    (
        "veths: [{mtu: 1500}]",
        "2:9: veths[0]: 'endpoints' is missing (e.g. endpoints: [red:eth0 10.0.0.1/30, blue:eth0 10.0.0.2/30])",
    ),
    ("host: {routes: [{to: default}]}", "2:17: host.routes[0]: needs at least one of via, dev"),
    ("images: {a: {tags: [b]}}", "2:10: images.a: needs exactly one of build, pull, import, load, commit, external"),
    (
        "images: {a: {build: ., load: x}}",
        "2:10: images.a: needs exactly one of build, pull, import, load, commit, external (it has build and load)",
    ),
    (
        "veths: [{endpoints: [a:b, {container: c}]}]",
        "2:27: veths[0].endpoints[1]: 'interface' is missing beside 'container'",
    ),
    (
        "veths: [{endpoints: [a:b, {bridge: c, addresses: []}]}]",
        "2:39: veths[0].endpoints[1]: 'addresses' has no place on the port of a bridge: give it to the bridge",
    ),
    (
        "veths: [{endpoints: [a:b, {host: yes, interface: c, hairpin: on}]}]",
        "2:53: veths[0].endpoints[1]: 'hairpin' is only of the port of a bridge",
    ),
    (
        "volumes: {v: {external: true, driver: d}}",
        "2:31: volumes.v: 'driver' has no place beside 'external': an external volume is only referred to",
    ),
    (
        "defaults: {containers: {external: true}}",
        "2:25: defaults.containers: 'external' is of one container: it has no default",
    ),
    ("prefix: a--b", "2:9: prefix: 'a--b' is not a prefix (e.g. lab)"),
    ("host: {routes: [{via: 1.1.1.1}]}", "2:17: host.routes[0]: 'to' is missing (e.g. to: 10.100.0.0/16)"),
    ("containers: {web: {volumes: [{type: bind}]}}", "2:30: containers.web.volumes[0]: 'target' is missing"),
    ("images: {a: {build: {dockerfile: D}}}", "2:14: images.a.build: 'context' is missing"),
]


@pytest.mark.parametrize(("text", "problem"), WRONG, ids=[text for text, _ in WRONG])
def test_a_wrong_file_gets_one_line_that_says_what_to_do(tmp_path: Path, text: str, problem: str) -> None:
    assert problems(tmp_path, f"name: x\n{text}\n") == [problem]


def test_a_long_value_is_cut(tmp_path: Path) -> None:
    [found] = problems(tmp_path, f"name: x\nprefix: {'-' * 500}\n")
    assert re.fullmatch(r"2:9: prefix: '-{58}… is not a prefix \(e\.g\. lab\)", found)


def test_all_problems_come_at_once_and_in_order(tmp_path: Path) -> None:
    found = problems(tmp_path, "prefix: $NONE\nbridges: {b: {mtu: 1, stpp: on}}\nveths: {}\nveths: []\n")
    assert [each.split(": ")[0] for each in found] == ["1:1", "1:9", "2:20", "2:23", "3:1", "4:1"]


def test_an_example_is_written_as_one_would() -> None:
    assert flow({"a": [1, True, "x y", "1", "a, b", ""]}) == '{a: [1, true, x y, "1", "a, b", ""]}'
