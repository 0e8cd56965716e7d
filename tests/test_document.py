"""Reading a topology file: YAML 1.2, places, variables, includes, defaults, and everything that can be wrong."""

from __future__ import annotations

import gc
import hashlib
import io
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from reconciler.errors import FileInvalid
from reconciler.topology.document import Document, read, with_defaults


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(**files: str | bytes) -> None:
    for name, content in files.items():
        path = Path(name.replace("__", "/") + ("" if name.startswith(".") else ".yaml"))
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


def document(text: str | bytes, *, name: str | None = None, **environment: str) -> Document:
    write(t=text)
    return read("t.yaml", environment=environment, name=name)


def data(text: str, **environment: str) -> dict[str, Any]:
    return document(text, **environment).data


def problems(text: str | bytes | None = None, **environment: str) -> list[str]:
    if text is not None:
        write(t=text)
    with pytest.raises(FileInvalid) as raised:
        read("t.yaml", environment=environment)
    return [str(each) for each in raised.value.problems]


# YAML 1.2


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("22:22", "22:22"),
        ("02:00:00:00:00:01", "02:00:00:00:00:01"),
        ("1.2.3", "1.2.3"),
        ("2024-01-01", "2024-01-01"),
        ("yes", "yes"),
        ("off", "off"),
        ("1_000", "1_000"),
        ("", None),
        ("~", None),
        ("Null", None),
        ("true", True),
        ("FALSE", False),
        ("12", 12),
        ("-3", -3),
        ("0755", 755),
        ("0o17", 15),
        ("0x1F", 31),
        ("1.5", 1.5),
        ("1.", 1.0),
        ("-1e3", -1000.0),
        ("1e999", "1e999"),
        (".inf", ".inf"),
        ("+", "+"),
        ("9" * 400, "9" * 400),
        ('"12"', "12"),
        ("'true'", "true"),
        ("!!str 12", "12"),
        ("!!int '12'", 12),
        ("!!null ''", None),
        ("!!seq [1]", [1]),
    ],
)
def test_scalars_are_those_of_yaml_1_2(text: str, value: object) -> None:
    found = data(f"name: a\nx-v: {text}\n")["x-v"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "value"), [("yes", True), ("On", True), ("no", False), ("OFF", False), ("true", True)]
)
def test_yes_and_no_are_booleans_where_one_is_wanted(text: str, value: bool) -> None:
    assert data(f"name: a\nbridges: {{b: {{stp: {text}}}}}\n")["bridges"]["b"]["stp"] is value


def test_a_plain_number_is_text_as_written_where_text_is_wanted() -> None:
    web = """
      command: [sleep, 10]
      user: 0100
      restart: no
      cpus: 1.50
      mem_limit: 1024
      environment: {A: 1.10, B: True, C: 0x1F, D: , E: yes}
      ports: [80]
      pids_limit: 10.0
      volumes: [{type: tmpfs, target: /t, tmpfs: {mode: 0755}}]
"""
    assert data(f"name: 12\ncontainers:\n    web:{web}") == {
        "name": "12",
        "containers": {
            "web": {
                "command": ["sleep", "10"],
                "user": "0100",
                "restart": "no",
                "cpus": "1.50",
                "mem_limit": 1024,
                "environment": {"A": "1.10", "B": "True", "C": "0x1F", "D": None, "E": "yes"},
                "ports": [80],
                "pids_limit": 10,
                "volumes": [{"type": "tmpfs", "target": "/t", "tmpfs": {"mode": "0755"}}],
            }
        },
    }


def test_a_bare_key_is_an_entry_that_says_nothing() -> None:
    found = data("name: a\nnamespaces:\n  red:\nveths:\nhost:\ncontainers: {web: {command: , networks: {lan: }}}\n")
    assert found == {
        "name": "a",
        "namespaces": {"red": {}},
        "veths": [],
        "host": {},
        "containers": {"web": {"command": None, "networks": {"lan": {}}}},
    }


def test_anchors_aliases_and_merge_keys_work() -> None:
    text = """
name: a
x-one: &one {image: one, tty: true}
x-two: &two {image: two, init: true}
containers:
  a: &a {<<: *one, image: own}
  b: {<<: [*two, *one]}
  c: *a
  d: {"<<": 1}
""".replace('  d: {"<<": 1}\n', "")
    assert data(text)["containers"] == {
        "a": {"image": "own", "tty": True},
        "b": {"image": "two", "init": True, "tty": True},
        "c": {"image": "own", "tty": True},
    }


def test_keys_are_text() -> None:
    assert data("name: a\nnamespaces: {1: , true: , 02: }\n")["namespaces"] == {"1": {}, "true": {}, "02": {}}


def test_a_byte_order_mark_and_windows_lines_are_no_matter() -> None:
    assert document(b"\xef\xbb\xbfname: a\r\nhost:\r\n").data == {"name": "a", "host": {}}


# Places


def test_every_value_knows_its_place() -> None:
    found = document(
        "name: é\nx: 1\n".replace("é", "a").replace("x:", "x-ü:") + "bridges:\n  b:\n    ports: [p, q]\n    mtu: 99\n"
    )
    places = {
        (): "t.yaml:1:1",
        ("name",): "t.yaml:1:7",
        ("bridges", "b"): "t.yaml:4:3",
        ("bridges", "b", "ports"): "t.yaml:5:5",
        ("bridges", "b", "ports", 1): "t.yaml:5:16",
        ("bridges", "b", "mtu"): "t.yaml:6:10",
        ("bridges", "b", "stp"): "t.yaml:4:3",
        ("bridges", "b", "ports", 7): "t.yaml:5:5",
        ("bridges", "b", "mtu", "deeper"): "t.yaml:6:10",
    }
    assert {pointer: str(found.position(pointer)) for pointer in places} == places
    assert str(found.problem(("bridges", "b", "ports", 1), "no", "why")) == "t.yaml:5:16: bridges.b.ports[1]: no (why)"


# Variables


def test_variables_are_replaced_in_values_and_read_as_yaml_again() -> None:
    text = 'name: $N\nbridges: {b: {mtu: $MTU, stp: $STP}}\nx-$N: ["$MTU", $MTU, $$MTU]\n'
    assert data(text, N="a", MTU="1400", STP="yes") == {
        "name": "a",
        "bridges": {"b": {"mtu": 1400, "stp": True}},
        "x-$N": ["1400", 1400, "$MTU"],
    }


def test_an_unset_variable_is_one_problem_at_its_place() -> None:
    assert problems("name: a\nx-a: &a {mtu: $MTU}\nbridges: {b: *a}\n") == [
        "t.yaml:2:15: x-a.mtu: variable 'MTU' is not set (set it, write ${MTU:-default}, or $$MTU for itself)"
    ]


def test_the_file_env_counts_in_the_digest_when_it_is_used() -> None:
    write(**{".env": "N=a\n"})
    plain = document("name: b\n")
    used = document("name: $N\n")
    assert plain.digest == hashlib.sha256(b"name: b\n").hexdigest()
    assert (used.data, used.digest) == ({"name": "a"}, hashlib.sha256(b"name: $N\nN=a\n").hexdigest())


def test_a_wrong_line_of_the_file_env_is_a_problem() -> None:
    write(**{".env": "N=a\n!\n"})
    assert problems("name: $N\n") == [".env:2:1: expected NAME=value (is a quote left open?)"]


def test_bytes_of_the_environment_that_are_no_text_are_refused() -> None:
    assert problems("name: a\nx-v: $V\n", V="\udcff") == ["t.yaml:2:6: x-v: the character U+DCFF is not allowed"]


# What is wrong with the YAML


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "t.yaml:1:1: the file is empty (e.g. name: lab)"),
        ("# nothing\n", "t.yaml:1:1: the file is empty (e.g. name: lab)"),
        (
            "- a\n",
            (
                "t.yaml:1:1: expected a mapping with the topology's name and sections, not a list "
                "(e.g. {name: lab, namespaces: {red: {}}})"
            ),
        ),
        ("host:\n", "t.yaml:1:1: 'name' is missing (e.g. name: lab)"),
        (
            "name: a: b\n",
            (
                "t.yaml:1:8: mapping values are not allowed in this context "
                "(is a line indented wrongly, or does a text with ': ' need quotes?)"
            ),
        ),
        (
            "name: a\nhost:\n\troutes: []\n",
            (
                "t.yaml:3:1: while scanning for the next token, found character that cannot start any token "
                "(indent with blanks, not with tabs)"
            ),
        ),
        (
            "name: @a\n",
            (
                "t.yaml:1:7: while scanning for the next token, found character that cannot start any token "
                "(a text that begins with @, ` or % needs quotes)"
            ),
        ),
        ("name: *a\n", "t.yaml:1:7: found undefined alias (an anchor stands before its aliases, in the same file)"),
        (
            "name: a\n---\nname: b\n",
            (
                "t.yaml:2:1: expected a single document in the stream, but found another document "
                "(one topology a file: use include)"
            ),
        ),
        ("%YAML 3.0\n---\nname: a\n", "t.yaml:1:1: found incompatible YAML document"),
        (b"name: a\nx-\xc3\xa9: \xff\n", "t.yaml:2:6: this is not UTF-8 (save the file as UTF-8)"),
        (b"name: a\nx-a: \x00\n", "t.yaml:2:6: the character U+0000 is not allowed in YAML"),
        ('name: "\\0"\n', "t.yaml:1:7: name: the character U+0000 is not allowed"),
        ("name: a\nname: b\n", "t.yaml:2:1: name: this key is given twice (first in line 1)"),
        ("name: a\nx-a: {<<: {}, <<: {}}\n", "t.yaml:2:15: x-a.<<: this key is given twice (first in line 2)"),
        ("name: a\nx-a: {<<: [1]}\n", "t.yaml:2:12: x-a: '<<' can only merge mappings"),
        ("name: a\nx-a: {<<: 1}\n", "t.yaml:2:11: x-a: '<<' can only merge mappings"),
        ("name: a\n? [x]\n: 1\n", "t.yaml:2:3: a key must be text"),
        ("name: a\nx-a: !foo 1\n", "t.yaml:2:6: x-a: unknown tag '!foo'"),
        ("name: a\nx-a: !!set {}\n", "t.yaml:2:6: x-a: unknown tag '!!set'"),
        ("name: a\nx-a: &a [*a]\n", "t.yaml:2:6: x-a[0]: an alias stands inside of what it stands for"),
        ("name: a\nx-a: &a {<<: *a}\n", "t.yaml:2:6: x-a: an alias stands inside of what it stands for"),
    ],
)
def test_a_broken_file_gets_one_line_at_its_place(text: str | bytes, problem: str) -> None:
    assert problems(text) == [problem]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- "])
def test_endless_nesting_is_refused(opening: str) -> None:
    [found] = problems("x-a:\n  " + opening * 200_000)
    assert found.endswith(": nested too deeply")


def test_an_alias_bomb_is_refused_at_once() -> None:
    bomb = "".join(f"x-{b}: &{b} [{', '.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefghi", "bcdefghij", strict=True))
    started = time.monotonic()
    [found] = problems(f"name: a\nx-a: &a [1, 2]\n{bomb}")
    assert found.endswith("the aliases stand for too much (name things once, and refer to them)")
    assert time.monotonic() - started < 5


def test_a_file_that_is_not_there_is_said() -> None:
    assert problems() == ["t.yaml:1:1: there is no file 't.yaml'"]


def test_a_folder_is_said() -> None:
    Path("t.yaml").mkdir()
    assert problems() == ["t.yaml:1:1: 't.yaml' is a folder, not a file"]


def test_a_file_that_cannot_be_read_is_said() -> None:
    Path("t.yaml").symlink_to("t.yaml")
    assert problems() == ["t.yaml:1:1: cannot read 't.yaml': Too many levels of symbolic links"]


# Standard input, names


def test_standard_input_is_read_from_here(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    write(**{".env": "N=a\n"}, more="namespaces: {red: }\n")
    content = b"name: $N\ninclude: more.yaml\n"
    monkeypatch.setattr("sys.stdin", SimpleNamespace(buffer=io.BytesIO(content)))
    found = read("-", environment={})
    assert (found.path, found.data) == ("-", {"name": "a", "namespaces": {"red": {}}})
    assert (str(found.position(("name",))), found.directory(("name",))) == ("<stdin>:1:7", folder)


def test_a_name_from_outside_takes_the_place_of_the_files() -> None:
    assert document("name: a\n", name="b").data == {"name": "b"}
    assert document("host:\n", name="b").data == {"name": "b", "host": {}}
    with pytest.raises(FileInvalid, match=r"t.yaml:1:1: name: 'a b' is not a name"):
        document("name: a\n", name="a b")
    with pytest.raises(FileInvalid, match="not a list"):
        document("[]\n", name="b")


# Includes


MIXED = "name: a\ninclude: one.yaml\nnamespaces: {red: }\nbridges: {b: 1}\nveths: {}\nhost: []\nvolumes: []\n"
MIXED_TOO = """
namespaces: {red: }
bridges: {b: {mtu: 1}}
veths: [[a:b, c:d]]
host: {routes: []}
volumes: {v: }
""".lstrip()


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
        "prefix": "p",
        "x-note": 1,
        "veths": [["red:b", "blue:b"], ["red:a", "blue:a"]],
        "namespaces": {"green": {}, "red": {}, "blue": {}},
        "host": {"routes": [{"to": "fd00::/8", "dev": "a"}, {"to": "default", "dev": "b"}]},
        "networks": {},
        "containers": {"web": {"build": "."}},
    }


def test_paths_and_places_are_those_of_the_file_which_says_them(folder: Path) -> None:
    write(sub__two="containers: {web: {build: .}}\n", **{"sub/.env": ""})
    found = document("name: a\ninclude: sub/two.yaml\ncontainers: {db: {build: .}}\n")
    assert found.directory(("containers", "web", "build", "context")) == folder / "sub"
    assert found.directory(("containers", "db", "build")) == folder
    assert str(found.position(("containers", "web"))) == "sub/two.yaml:1:14"


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


@pytest.mark.parametrize(
    ("files", "found"),
    [
        (
            {"t": "name: a\ninclude: one.yaml\n", "one": "include: [t.yaml]\n"},
            ["one.yaml:1:11: include[0]: a file includes itself: t.yaml → one.yaml → t.yaml"],
        ),
        (
            {"t": "name: a\ninclude: t.yaml\n"},
            ["t.yaml:2:10: include: a file includes itself: t.yaml → t.yaml"],
        ),
        (
            {"t": "name: a\ninclude: [none.yaml, .]\n"},
            [
                "t.yaml:2:11: include[0]: there is no file 'none.yaml'",
                "t.yaml:2:22: include[1]: '.' is a folder, not a file",
            ],
        ),
        (
            {"t": "name: a\ninclude: ['', $A, 1, {}]\n"},
            [
                "t.yaml:2:11: include[0]: must not be empty",
                "t.yaml:2:15: include[1]: variable 'A' is not set (set it, write ${A:-default}, or $$A for itself)",
                "t.yaml:2:19: include[2]: there is no file '1'",
                "t.yaml:2:22: include[3]: expected text, not a mapping",
            ],
        ),
        (
            {"t": "name: a\ninclude: '-'\n"},
            ["t.yaml:2:10: include: there is no file '-'"],
        ),
        (
            {
                "t": MIXED,
                "one": MIXED_TOO,
            },
            [
                "one.yaml:2:20: bridges.b.mtu: 1 is too small: at least 68",
                "t.yaml:3:14: namespaces.red: declared in two files (also at one.yaml:1:14)",
                "t.yaml:4:11: bridges.b: declared in two files (also at one.yaml:2:11)",
                "t.yaml:4:14: bridges.b: expected a mapping, not 1 (e.g. {stp: true})",
                "t.yaml:5:1: veths: expected a list of veth",
                "t.yaml:6:1: host: expected a mapping, not a list",
                "t.yaml:7:1: volumes: expected a mapping",
            ],
        ),
    ],
)
def test_what_is_wrong_with_includes_is_said(files: dict[str, str], found: list[str]) -> None:
    write(**files)
    assert [each[: len(line)] for each, line in zip(problems(), found, strict=True)] == found


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
            "built": {"build": ".", **common, "environment": ["A=3"], **lan},
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


# Cost


@pytest.mark.parametrize("enabled", [True, False])
def test_reading_leaves_the_garbage_collector_as_it_was(enabled: bool) -> None:
    before = gc.isenabled()
    (gc.enable if enabled else gc.disable)()
    try:
        document("name: a\n")
        assert gc.isenabled() == enabled
    finally:
        (gc.enable if before else gc.disable)()


def test_a_file_of_a_megabyte_is_read_in_seconds() -> None:
    pairs = "".join(f"  - [n{each}:eth0 10.0.0.1/30, m{each}:eth0 10.0.0.2/30]\n" for each in range(22_000))
    spent = os.times().user
    assert len(data(f"name: a\nveths:\n{pairs}")["veths"]) == 22_000
    assert os.times().user - spent < 10
