"""What is read without places is what is read with them; what may be wrong is never read so."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from broken import EXAMPLES, FILES, JUNK, RICH, Place, places, replaced
from hostile_table import CASES
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.errors import FileInvalid
from reconciler.secret import Secret
from reconciler.topology import document, yaml12
from reconciler.topology import quick as quick_way
from reconciler.topology.compiled import _MAKE, fits
from reconciler.topology.document import _with_places, read, with_defaults
from reconciler.topology.include import Reader
from reconciler.topology.quick import quick
from reconciler.topology.schema import schema
from reconciler.topology.violations import _MESSAGES

pytestmark = pytest.mark.usefixtures("folder")
TEXTS = [RICH, *(each.read_text() for each in sorted(EXAMPLES.glob("*.yaml")))]
VALUES = st.one_of([st.tuples(st.just(data), st.sampled_from(list(places(data)))) for data in FILES])


def agree(content: bytes, name: str | None = None) -> bool:
    """Insist that a file is read alike in both ways; tell whether it was read in the quick one."""
    Path("t.yaml").write_bytes(content)
    found = quick(content, name=name)
    if found is not None:
        slow = _with_places("t.yaml", Reader({}, set()), name)
        assert (found, slow.problems) == (slow.data, ())
        fast = read("t.yaml", environment={}, name=name)
        assert (fast.data, fast.digest, fast.problems) == (slow.data, slow.digest, ())
        assert with_defaults(fast).data == with_defaults(slow).data
        assert fast.directory(("containers",)) == slow.directory(("containers",))
    return found is not None


@pytest.mark.parametrize("text", TEXTS, ids=range(len(TEXTS)))
def test_a_file_that_is_right_is_read_in_the_quick_way(text: str) -> None:
    assert agree(text.encode())
    assert agree(text.encode(), name="other")


def test_a_file_that_is_wrong_is_not() -> None:
    for case in CASES:
        agree(case.text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "include: b.yaml",
        "x-a: {password: b}",
        "x-a: [PASSWORD=b]",
        "x-a: https://a:b@c",
        "x-a: '-----BEGIN PRIVATE KEY-----'",
        "x-a: $B",
        "x-a: '$B'",
        "x-a: &b 1",
        "x-a: &b [1]",
        "x-a: &b {}\nx-b: *b",
        "x-a: !!str 1",
        "x-a: !b [1]",
        "x-a: {!!str b: 1}",
        "x-a: {&b b: 1}",
        "x-a: {<<: {b: 1}}",
        "x-a: {? [b] : 1}",
        'x-a: "\\0"',
        "x-a: {b: 1, b: 2}",
        "x-a: " + "[" * 120 + "]" * 120,
        "...\n---\nname: b",
        "x-a: [",
        "x-a: \x01",
        "x-a: \udcff",
    ],
)
def test_what_is_out_of_the_ordinary_is_left_to_the_slow_way(text: str) -> None:
    assert quick(f"name: a\n{text}\n".encode(errors="surrogateescape"), name=None) is None


@pytest.mark.parametrize(
    "text", ["", "[]", "a", "namespaces: {}", "%YAML 1.2\n---\nname: a", "%TAG ! a:\n---\nname: a"]
)
def test_a_whole_file_is_too(text: str) -> None:
    assert quick(text.encode(), name=None) is None


@pytest.mark.parametrize("text", ["name: a\nx-a: [1, [2, {b: 3}], {}]\n", "name: a\nx-a: {b: {c: [1]}, d: 2}\n"])
def test_both_ways_count_alike_up_to_how_many_values_a_file_may_have(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, count = yaml12.compose(text.encode(), "t.yaml")
    for most in range(count + 2):
        monkeypatch.setattr(yaml12, "MAX_NODES", most)
        monkeypatch.setattr(quick_way, "MAX_NODES", most)
        assert agree(text.encode()) == (count <= most)
        if 0 < most < count:
            with pytest.raises(FileInvalid, match="there are more than"):
                yaml12.compose(text.encode(), "t.yaml")


def test_a_name_from_outside_is_looked_at_like_one_of_the_file() -> None:
    assert quick(b"namespaces: {}", name="a") == {"name": "a", "namespaces": {}}
    assert quick(b"namespaces: {}", name="a b") is None


@given(VALUES, st.sampled_from(JUNK))
def test_whatever_stands_in_a_file_both_ways_agree(broken: tuple[Any, Place], junk: Any) -> None:
    agree(json.dumps(replaced(*broken, junk)).encode())


@given(VALUES, st.sampled_from(["yes", "No", "1.50", "0x1F", "0o17", "1e3", "~", "", "null", "True", "-1", "07", ".5"]))
def test_whatever_stands_there_without_quotes_both_ways_agree(broken: tuple[Any, Place], text: str) -> None:
    quoted = json.dumps(replaced(*broken, "PLAIN"))
    agree(quoted.replace('"PLAIN"', text, 1).encode())


@given(VALUES, st.sampled_from(JUNK))
def test_what_fits_is_valid(broken: tuple[Any, Place], junk: Any) -> None:
    data = replaced(*broken, junk)
    assert not fits(json.loads(json.dumps(data))) or Draft202012Validator(schema()).is_valid(data)


def test_every_keyword_of_the_schema_is_tested() -> None:
    assert _MESSAGES.keys() - {"type", "additionalProperties"} == _MAKE.keys() - {"not", "propertyNames"}


def test_what_is_secret_fits_all_the_same() -> None:
    assert fits({"name": "a", "containers": {"c": {"image": "x", "environment": {"PASSWORD": Secret("b")}}}})


def test_places_are_found_when_they_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("t.yaml").write_text("name: a\nbridges: {b: {mtu: 70}}\n")
    found = read("t.yaml", environment={})
    Path("t.yaml").unlink()
    assert str(found.problem(("bridges", "b", "mtu"), "no")) == "t.yaml:2:20: bridges.b.mtu: no"
    monkeypatch.setattr(document, "_root", None)
    assert str(found.position(("name",))) == "t.yaml:1:7"
