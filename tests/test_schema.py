"""The JSON Schema itself, and what is said of files that break it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.errors import FileInvalid
from reconciler.topology import schema as module
from reconciler.topology.document import read
from reconciler.topology.schema import schema_text
from reconciler.topology.violations import _MESSAGES
from reconciler.topology.wording import flow

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
    package = tmp_path / "reconciler"
    monkeypatch.setattr(module, "__file__", str(package / "topology/schema.py"))
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas/topology.schema.json").write_text(written)
    assert schema_text() == written
    (package / "schemas").mkdir(parents=True)
    (package / "schemas/topology.schema.json").write_text("installed")
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


def test_a_long_value_is_cut(tmp_path: Path) -> None:
    [found] = problems(tmp_path, f"name: x\nprefix: {'-' * 500}\n")
    assert re.fullmatch(r"2:9: prefix: '-{58}… is not a prefix \(e\.g\. lab\)", found)


def test_all_problems_come_at_once_and_in_order(tmp_path: Path) -> None:
    found = problems(tmp_path, "prefix: $NONE\nbridges: {b: {mtu: 1, stpp: on}}\nveths: {}\nveths: []\n")
    assert [each.split(": ")[0] for each in found] == ["1:1", "1:9", "2:20", "2:23", "3:1", "4:1"]


HARMLESS = {
    "name": r"[a-zA-Z0-9][a-zA-Z0-9_.-]*",
    "interface": r"[^\s/:%\x00-\x20\x7f-\x9f]+",
    "mac": r"[0-9a-fA-F:]{17}",
    "ip": r"[0-9a-fA-F.:]+",
}


@pytest.mark.parametrize("definition", HARMLESS)
@given(st.data())
def test_what_becomes_a_label_a_tag_a_path_or_an_argument_holds_nothing_that_these_obey(
    definition: str, data: st.DataObject
) -> None:
    """Strings that Python's own `$` and `.` would take are tried, such as one with a line break at its end."""
    rule = SCHEMA["$defs"][definition]
    text = data.draw(st.one_of(st.from_regex(rule["pattern"]), st.text()))
    if Draft202012Validator(module._resolved(rule, {})).is_valid(text):
        assert re.fullmatch(HARMLESS[definition], text)
        assert definition != "name" or not re.search(r"\.\.|--", text)


def test_an_example_is_written_as_one_would() -> None:
    assert flow({"a": [1, True, "x y", "1", "a, b", ""]}) == '{a: [1, true, x y, "1", "a, b", ""]}'
