"""Files that include others, and entries that have defaults: two trees made one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from documents import data, document, problems, write

from reconciler.secret import Secret
from reconciler.topology import violations
from reconciler.topology.compiled import whole
from reconciler.topology.document import read, with_defaults
from reconciler.topology.schema import schema, schema_text
from reconciler.topology.tree import plain

pytestmark = pytest.mark.usefixtures("folder")

NOT_SECTIONS = {"name", "prefix", "include", "defaults", "host"}


# Includes


def test_included_files_are_parts_of_one() -> None:
    write(
        one="name: other\nprefix: p\nnamespaces: {red: }\nveths: [[red:a, blue:a]]\n"
        "host: {routes: [{to: fd00::/8, dev: a}]}\n",
        sub__two="include: [../one.yaml]\nnamespaces: {blue: }\nx-note: 2\nhost: {routes: [{to: default, dev: b}]}\n"
        "networks:\ncontainers: {web: {build: .}}\n",
    )
    found = document(
        "name: main\nx-note: 1\ninclude: [one.yaml, sub/two.yaml]\nveths: [[red:b, blue:b]]\n"
        "namespaces: {green: }\nhost:\n"
    )
    assert found.data == {
        "name": "main",
        "x-note": 1,
        "veths": [["red:b", "blue:b"], ["red:a", "blue:a"]],
        "namespaces": {"green": {}, "red": {}, "blue": {}},
        "host": {"routes": [{"to": "fd00::/8", "dev": "a"}, {"to": "default", "dev": "b"}]},
        "networks": {},
        "containers": {"web": {"build": "."}},
    }


def test_defaults_hold_for_what_their_file_declares_and_includes_the_nearest_first() -> None:
    write(
        one="defaults: {containers: {image: one, tty: true}}\ninclude: two.yaml\ncontainers: {a: }\n",
        two="defaults: {containers: {image: two}}\ncontainers: {b: , c: {image: own}}\n",
        three="containers: {d: }\n",
    )
    found = with_defaults(
        document(
            "name: main\ninclude: [one.yaml, three.yaml]\ncontainers: {e: }\n"
            "defaults: {containers: {image: main, init: true}}\n"
        )
    )
    assert found.data["containers"] == {
        "a": {"image": "one", "tty": True, "init": True},
        "b": {"image": "two", "tty": True, "init": True},
        "c": {"image": "own", "tty": True, "init": True},
        "d": {"image": "main", "init": True},
        "e": {"image": "main", "init": True},
    }
    assert str(found.position(("containers", "b", "image"))).startswith("two.yaml:1:")


def test_paths_and_places_are_those_of_the_file_which_says_them(folder: Path) -> None:
    write(sub__two="containers: {web: {build: .}}\n", **{"sub/.env": ""})
    found = document("name: a\ninclude: sub/two.yaml\ncontainers: {db: {build: .}}\n")
    assert found.directory(("containers", "web", "build", "context")) == folder / "sub"
    assert found.directory(("containers", "db", "build")) == folder
    assert str(found.position(("containers", "web"))) == "sub/two.yaml:1:14"


@pytest.mark.parametrize("outside", ["../common/net.yaml", "{}/common/net.yaml", "sub/../../common/net.yaml"])
def test_a_file_outside_of_the_topologys_folder_is_read_like_any_other(
    folder: Path, monkeypatch: pytest.MonkeyPatch, outside: str
) -> None:
    (folder / "lab").mkdir()
    monkeypatch.chdir(folder / "lab")
    (folder / "common").mkdir()
    (folder / "common/net.yaml").write_text("include: ../lab/more.yaml\ncontainers: {web: {build: .}}\n")
    (folder / "lab/more.yaml").write_text("namespaces: {red: }\n")
    found = document(f"name: a\ninclude: {outside.format(folder)}\n")
    assert found.data["namespaces"] == {"red": {}}
    assert found.directory(("containers", "web", "build")).resolve() == folder / "common"
    assert found.position(("containers", "web")).path.endswith("common/net.yaml")


def test_an_included_file_has_its_own_variables_after_the_others(folder: Path) -> None:
    (folder / "sub").mkdir()
    (folder / ".env").write_text("A=main\n")
    (folder / "sub/.env").write_text("A=sub\nB=sub\n")
    write(sub__two="x-two: [$A, $B, $C]\n")
    found = document("name: a\ninclude: sub/two.yaml\n", C="environment")
    assert found.data["x-two"] == ["main", "sub", "environment"]
    files = b"name: a\ninclude: sub/two.yaml\n", b"x-two: [$A, $B, $C]\n", b"A=sub\nB=sub\n", b"A=main\n"
    assert found.digest == hashlib.sha256(b"".join(files)).hexdigest()


def test_a_file_that_two_others_include_is_read_once() -> None:
    write(base="namespaces: {red: }\n", one="include: base.yaml\n", two="include: ./base.yaml\n")
    assert data("name: a\ninclude: [one.yaml, two.yaml]\n") == {"name": "a", "namespaces": {"red": {}}}


# Defaults


def test_defaults_are_merged_field_by_field() -> None:
    found = document(
        """
name: a
defaults:
  containers:
    image: lab
    environment: {A: 1, B: 1}
    dns: [10.0.0.1]
    command: [sleep, 1]
    networks: [lan]
  namespaces: {sysctls: {net.ipv4.ip_forward: 1}}
containers:
  plain:
  own: {image: own, environment: {B: 2, C: 2}, dns: [10.0.0.2], command: }
  built: {build: ., environment: [A=3]}
  alone: {network_mode: none}
  far: {external: true}
namespaces:
  red: {external: yes}
  blue: {external: no, sysctls: {net.ipv4.ip_forward: 0, net.core.somaxconn: 1}}
"""
    )
    merged = with_defaults(found)
    common = {"environment": {"A": "1", "B": "1"}, "dns": ["10.0.0.1"], "command": ["sleep", "1"]}
    lan = {"networks": ["lan"]}
    assert "defaults" in found.data
    assert merged.data == {
        "name": "a",
        "containers": {
            "plain": {"image": "lab", **common, **lan},
            "own": {
                "image": "own",
                "environment": {"A": "1", "B": "2", "C": "2"},
                "dns": ["10.0.0.2"],
                "command": None,
                **lan,
            },
            "built": {"build": ".", **common, "environment": {"A": "3", "B": "1"}, **lan},
            "alone": {"image": "lab", "network_mode": "none", **common},
            "far": {"external": True},
        },
        "namespaces": {
            "red": {"external": True},
            "blue": {"external": False, "sysctls": {"net.ipv4.ip_forward": "0", "net.core.somaxconn": "1"}},
        },
    }
    assert str(merged.position(("containers", "plain", "image"))) == "t.yaml:5:12"
    assert str(merged.position(("containers", "own", "environment", "A"))) == "t.yaml:6:22"
    assert str(merged.position(("containers", "own", "environment", "B"))) == "t.yaml:13:38"
    assert str(merged.position(("containers", "plain"))) == "t.yaml:12:3"


FORMS: list[tuple[str, list[str], list[str], dict[str, Any]]] = [
    ("environment", ["{A: 1, B: 1}", "[A=1, B=1]"], ["{B: 2, C: }", "[B=2, C]"], {"A": "1", "B": "2", "C": None}),
    (
        "labels",
        ["{a: b=c, b: 1}", "[a=b=c, b=1]"],
        ["{b: '', 'c:d': }", "[b=, 'c:d']"],
        {"a": "b=c", "b": "", "c:d": None},
    ),
    ("labels", ["{build: a}"], ["[build=b]"], {"build": "b"}),
    ("ulimits", ["{nofile: 1}"], ["{nofile: {soft: 1, hard: 2}}"], {"nofile": {"soft": 1, "hard": 2}}),
    ("networks", ["{a: , b: {aliases: [x]}}"], ["{b: , c: }", "[b, c]"], {"a": {}, "b": {"aliases": ["x"]}, "c": {}}),
    ("networks", ["{a: }", "[a]"], ["{}", "[]", ""], {"a": {}}),
    ("networks", ["{}", "[]", ""], ["{a: }"], {"a": {}}),
    ("depends_on", ["{a: }", "[a]"], ["{b: }", "[b]"], {"a": {}, "b": {}}),
    (
        "sysctls",
        ["{net.a: 1, net.b: 1}", "[net.a=1, net.b=1]"],
        ["{net.b: 2}", "[net.b=2]"],
        {"net.a": "1", "net.b": "2"},
    ),
    (
        "extra_hosts",
        ["{a: [10.0.0.1, 10.0.0.2, 10.0.0.3], b: 10.0.0.1}", "[a=10.0.0.1, 'a:10.0.0.2', a=10.0.0.3, b=10.0.0.1]"],
        ["{b: 'fd00::1'}", "['b:fd00::1']", "['b=fd00::1']"],
        {"a": ["10.0.0.1", "10.0.0.2", "10.0.0.3"], "b": "fd00::1"},
    ),
    (
        "build",
        ["{context: ., args: {A: 1, B: 1}}", "{args: [A=1, B=1], context: .}"],
        ["{context: b, args: {B: 2}}", "{context: b, args: [B=2]}"],
        {"context": "b", "args": {"A": "1", "B": "2"}},
    ),
    ("build", ["{args: {A: 1}}"], ["b", "{context: b}"], {"context": "b", "args": {"A": "1"}}),
    ("build", ["b", "{context: b}"], ["{args: {A: 1}}"], {"context": "b", "args": {"A": "1"}}),
]


@pytest.mark.parametrize(
    ("attribute", "default", "own", "merged"),
    [(name, default, own, merged) for name, defaults, owns, merged in FORMS for default in defaults for own in owns],
)
def test_forms_of_equal_meaning_are_merged_alike(
    attribute: str, default: str, own: str, merged: dict[str, Any]
) -> None:
    text = (
        f"name: a\ndefaults: {{containers: {{{attribute}: {default}}}}}\ncontainers: {{web: {{{attribute}: {own}}}}}\n"
    )
    for also in ("", "x-note: $NOTE\n"):  # read in the quick way, and in the slow one
        found = with_defaults(document(text + also, NOTE="1"))
        assert found.problems == ()
        assert found.data["containers"]["web"][attribute] == merged
        assert plain(found.tree()) == found.data


def test_what_was_merged_of_lists_is_still_where_it_was_written() -> None:
    write(
        t="name: a\ndefaults: {containers: {environment: [A=1]}}\n"
        "containers: {web: {environment: [B=2, C=3]}, db: {environment: [B=2, {}]}}\n"
    )
    found = with_defaults(read("t.yaml", environment={}))
    place = ("containers", "web", "environment", "C")
    assert str(found.problem(place, "wrong")) == "t.yaml:3:39: containers.web.environment[1]: wrong"
    assert str(found.position((*place[:-1], "A"))) == "t.yaml:2:39"
    assert found.incomplete(("containers", "db", "environment", "C"))
    assert not found.incomplete(place)


def test_a_secret_of_a_list_is_one_in_a_mapping() -> None:
    text = "name: a\ndefaults: {containers: {environment: {A: 1}}}\ncontainers: {web: {environment: [PASSWORD=abcd]}}\n"
    found = with_defaults(document(text)).data["containers"]["web"]["environment"]
    assert found == {"A": "1", "PASSWORD": "abcd"}
    assert isinstance(found["PASSWORD"], Secret)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("name: a\n", {"name": "a"}),
        ("name: a\ndefaults:\n", {"name": "a"}),
        ("name: a\ndefaults: {containers: {tty: yes}}\n", {"name": "a"}),
        ("name: a\ndefaults: {containers: {tty: yes}}\nnamespaces: {b: }\n", {"name": "a", "namespaces": {"b": {}}}),
    ],
)
def test_defaults_without_entries_are_nothing(text: str, left: dict[str, Any]) -> None:
    assert with_defaults(document(text)).data == left


@pytest.mark.parametrize("host", ["host:\n", "host: {}\n", "host: {x-note: 1}\n"])
def test_a_host_of_which_an_included_file_says_nothing_stays_as_it_is(host: str) -> None:
    write(more=host)
    found = data("name: a\ninclude: more.yaml\nhost: {routes: [{to: default, dev: b}]}\n")
    assert found["host"] == {"routes": [{"to": "default", "dev": "b"}]}


def test_what_is_of_the_wrong_type_is_told_once() -> None:
    [found] = problems("name: a\nimages: {lab: 5}\n")
    assert found.startswith("t.yaml:2:15: images.lab: expected a mapping with one source: build, pull, ")


# Sections that the schema alone knows of


@pytest.fixture
def extended(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A schema with what it does not have: a section, with its defaults, a list and a text."""
    text = json.loads(schema_text())
    gadget = {"type": ["object", "null"], "default": {}, "properties": {"size": {"type": "string"}}}
    one = {"examples": [{"clock": {"size": "small"}}], "type": "object", "additionalProperties": gadget}
    text["properties"] |= {
        "gadgets": one,
        "wires": {"examples": [["red"]], "type": "array"},
        "motto": {"type": "string"},
    }
    text["properties"]["defaults"]["properties"]["gadgets"] = gadget
    forget = (schema.cache_clear, whole.cache_clear, violations._validator.cache_clear)
    monkeypatch.setattr("reconciler.topology.schema.schema_text", lambda: json.dumps(text))
    for each in forget:
        each()
    yield
    for each in forget:
        each()


SECTIONS = [each for each in json.loads(schema_text())["properties"] if each not in NOT_SECTIONS]


@pytest.mark.usefixtures("extended")
@pytest.mark.parametrize("section", [*SECTIONS, "gadgets", "wires"])
def test_every_section_of_the_schema_is_merged_with_an_included_ones(section: str) -> None:
    example: Any = schema()["properties"][section]["examples"][0]
    if isinstance(example, dict):
        [entry] = example.values()
        ours, theirs = {"a": entry}, {"b": entry}
        both = ours | theirs
    else:
        ours = theirs = example
        both = ours + theirs
    write(more=json.dumps({section: theirs}))
    assert data(json.dumps({"name": "t", "include": "more.yaml", section: ours}))[section] == both
    if isinstance(example, dict):
        [found] = problems(json.dumps({"name": "t", "include": "more.yaml", section: theirs}))
        assert f"{section}.b: declared in two files" in found


@pytest.mark.usefixtures("extended")
def test_what_nobody_has_said_how_to_merge_is_never_dropped() -> None:
    write(more="motto: no gain\n")
    assert data("name: t\ninclude: more.yaml\n")["motto"] == "no gain"
    with pytest.raises(NotImplementedError, match="motto"):
        data("name: t\ninclude: more.yaml\nmotto: no pain\n")


@pytest.mark.usefixtures("extended")
@pytest.mark.parametrize("note", ["x-note: 1", "x-note: $NOTE"], ids=["without places", "with places"])
def test_every_section_that_the_schema_has_defaults_for_is_given_them(note: str) -> None:
    text = f"name: t\n{note}\ndefaults: {{gadgets: {{size: small}}}}\ngadgets: {{a: , b: {{size: large}}}}\n"
    assert with_defaults(document(text, NOTE="1")).data["gadgets"] == {"a": {"size": "small"}, "b": {"size": "large"}}
