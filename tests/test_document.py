"""Reading a topology file: YAML 1.2, places, variables, and everything that can be wrong with a file."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from types import SimpleNamespace

import pytest
from documents import data, document, problems, write

from reconciler.errors import FileInvalid
from reconciler.topology.document import read

pytestmark = pytest.mark.usefixtures("folder")


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


def test_a_bare_key_is_what_holds_without_it() -> None:
    bare = "environment: , labels: , ports: , volumes: , healthcheck: , depends_on: , env_file: , logging: , dns: "
    found = data(
        f"""
name: a
include:
containers: {{web: {{{bare}, networks: , networks: }}}}
namespaces: {{red: {{sysctls: , routes: , exec: }}}}
bridges: {{b: {{addresses: , ports: }}}}
images: {{i: {{build: {{context: ., args: }}, tags: }}}}
veths: [{{endpoints: [a:b, {{host: true, interface: c, addresses: , routes: }}]}}]
""".replace("networks: , networks: ", "networks: ")
    )
    listed, mapped = (
        ("ports", "volumes", "depends_on", "env_file", "dns"),
        ("environment", "labels", "healthcheck", "logging"),
    )
    assert found["containers"]["web"] == {
        **{each: [] for each in listed},
        **{each: {} for each in mapped},
        "networks": None,
    }
    assert found["namespaces"]["red"] == {"sysctls": {}, "routes": [], "exec": []}
    assert found["bridges"]["b"] == {"addresses": [], "ports": []}
    assert found["images"]["i"] == {"build": {"context": ".", "args": {}}, "tags": []}
    assert found["veths"][0]["endpoints"][1] == {"host": True, "interface": "c", "addresses": [], "routes": []}


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


@pytest.mark.parametrize(("text", "value"), [("${A:-}", ""), ("$B", "~"), ("${C:-null}", "null"), ("!!null '$B'", "~")])
def test_what_variables_leave_nothing_of_is_an_empty_text_and_not_a_key_alone(text: str, value: str) -> None:
    assert data(f"name: a\nx-v: {text}\n", B="~")["x-v"] == value


def test_variables_are_replaced_in_values_and_read_as_yaml_again() -> None:
    text = 'name: $N\nbridges: {b: {mtu: $MTU, stp: $STP}}\nx-$N: ["$MTU", $MTU, $$MTU]\n'
    assert data(text, N="a", MTU="1400", STP="yes") == {
        "name": "a",
        "bridges": {"b": {"mtu": 1400, "stp": True}},
        "x-$N": ["1400", 1400, "$MTU"],
    }


def test_quotes_around_a_variable_do_not_make_it_text_where_a_number_or_boolean_is_wanted() -> None:
    web = (
        """{init: "${I:-true}", tty: "$YES", ulimits: {nproc: "$N", core: "${Q:-5}"}, user: "$N", labels: {a: "$N"}}"""
    )
    assert data(f"name: a\ncontainers: {{web: {web}}}\n", YES="yes", N="07")["containers"]["web"] == {
        "init": True,
        "tty": True,
        "ulimits": {"nproc": 7, "core": 5},
        "user": "07",
        "labels": {"a": "07"},
    }


def test_a_variable_that_is_no_boolean_is_said_as_it_is() -> None:
    assert problems('name: a\ncontainers: {web: {init: "${I:-maybe}"}}\n') == [
        "t.yaml:2:26: containers.web.init: expected true or false, not 'maybe'"
    ]


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
    assert problems("name: $N\n") == [".env:2:1: expected NAME=value"]


def test_bytes_of_the_environment_that_are_no_text_are_refused() -> None:
    assert problems("name: a\nx-v: $V\n", V="\udcff") == ["t.yaml:2:6: x-v: the character U+DCFF is not allowed"]


# What is wrong with the YAML


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "t.yaml:1:1: the file is empty (e.g. name: lab)"),
        (b"name: a\nx-\xc3\xa9: \xff\n", "t.yaml:2:6: this is not UTF-8 (save the file as UTF-8)"),
        (b"name: a\nx-a: \x00\n", "t.yaml:2:6: the character U+0000 is not allowed in YAML"),
        (b"\xff\xfen\0a\0", "t.yaml:1:1: this is not UTF-8 (save the file as UTF-8)"),
        (b"\xfe\xff\0n", "t.yaml:1:1: this is not UTF-8 (save the file as UTF-8)"),
        (b"\0\0\xfe\xff", "t.yaml:1:3: this is not UTF-8 (save the file as UTF-8)"),
        ("n\0a\0", "t.yaml:1:2: the character U+0000 is not allowed in YAML"),
        ("name: a\nx-a: \x1b[2J\n", "t.yaml:2:6: the character U+001B is not allowed in YAML"),
        ("name: a\nx-a: \x7f\n", "t.yaml:2:6: the character U+007F is not allowed in YAML"),
        ("name: a\nx-a: \uffff\n", "t.yaml:2:6: the character U+FFFF is not allowed in YAML"),
        (b"name: a\nx-a: \xed\xa0\x80\n", "t.yaml:2:6: this is not UTF-8 (save the file as UTF-8)"),
        (b"name: a\nx-a: \xc0\xaf\n", "t.yaml:2:6: this is not UTF-8 (save the file as UTF-8)"),
        ("name: a\rname: b\r", "t.yaml:2:1: name: this key is given twice (first in line 1)"),
        ("name: a\x85name: b", "t.yaml:2:1: name: this key is given twice (first in line 1)"),
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
    [found] = problems(f"name: a\nx-a: &a [1, 2]\n{bomb}")
    assert found.endswith("the aliases and variables stand for too much (name things once, and refer to them)")


@pytest.mark.parametrize(
    "said",
    [
        '{PASSWORD: "Tr0ub$hunter22"}',
        '{B_PASSWORD: "x${hun ter22}y"}',
        '{B_PASSWORD: "x${hunter22:?hunter22}y"}',
        '["PASSWORD=Tr0ub$hunter22"]',
        "{A: $WRONG_KEY}",
    ],
)
def test_what_stands_behind_a_dollar_under_a_secret_name_is_not_told(said: str) -> None:
    write(**{".env": "WRONG_KEY=Tr0ub$hunter22\n"})
    told = problems(f"name: a\ncontainers: {{a: {{image: x, environment: {said}}}}}\n")
    assert told
    assert not [each for each in told if "hunter22" in each or "ter22" in each]


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
