"""Sizes, durations and mappings in the forms of Compose."""

from __future__ import annotations

import pytest

from reconciler.kinds.units import duration, labels, mapping, parts, ranges, size, steps


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (512, 512),
        (-1, -1),
        ("-1", -1),
        ("0", 0),
        ("10b", 10),
        ("512m", 512 * 1024**2),
        ("1.5k", 1536),
        ("2KiB", 2048),
        ("2gb", 2 * 1024**3),
        ("1T", 1024**4),
        ("1pb", 1024**5),
        ("0.1k", 102),
        ("-0.1k", -102),
        ("9007199254740993k", 9007199254740993 * 1024),
    ],
)
def test_a_size_is_in_bytes_by_powers_of_1024(text: str | int, value: int) -> None:
    assert size(text) == value


@pytest.mark.parametrize("text", ["", "m", "1x", "1 2", "1ib", "1.m"])
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a size"):
        size(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1s", 10**9),
        ("1m30s", 90 * 10**9),
        ("1.5h", 5400 * 10**9),
        ("250ms", 250 * 10**6),
        ("7us", 7000),
        ("1h2m3s4ms5us", 3723 * 10**9 + 4 * 10**6 + 5000),
        ("0.1s", 10**8),
        ("0.0000000019s", 1),
    ],
)
def test_a_duration_is_in_nanoseconds(text: str, value: int) -> None:
    assert duration(text) == value


@pytest.mark.parametrize("text", ["", "1", "s", "1d", "1s "])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a duration"):
        duration(text)


def test_a_mapping_may_be_a_list_and_its_values_become_text() -> None:
    assert mapping({"a": 1, "b": True, "c": None, "d": "x", "e": 1.5}) == {
        "a": "1",
        "b": "true",
        "c": None,
        "d": "x",
        "e": "1.5",
    }
    assert mapping(["a=1", "b", "c=", "d=e=f"]) == {"a": "1", "b": None, "c": "", "d": "e=f"}
    assert mapping(None) == {}


def test_of_parts_between_colons_none_is_empty() -> None:
    assert [parts(each) for each in ("a", "a:b", "a:b:c:d")] == [["a"], ["a", "b"], ["a", "b", "c:d"]]
    for text in (":a", "a:", "a::b", "a:b:"):
        with pytest.raises(ValueError, match="has an empty part"):
            parts(text)


def test_a_label_without_a_value_is_empty() -> None:
    assert labels(["a", "b=c"]) == {"a": "", "b": "c"}
    assert labels({"a": None}) == {"a": ""}


def test_a_name_stands_under_itself_or_in_an_element_of_a_list() -> None:
    assert steps({"a": 1, "b": None}) == {"a": "a", "b": "b"}
    assert steps(["a=1", "b"]) == {"a": 0, "b": 1}
    assert steps(None) == {}


@pytest.mark.parametrize(
    ("found", "text"),
    [
        ([], ""),
        ([(3, 3), (1, 1), (2, 2), (7, 7)], "1-3,7"),
        ([(7, 12), (5, 9), (13, 13), (20, 20)], "5-13,20"),
        ([(1, 9), (2, 3)], "1-9"),
    ],
)
def test_ranges_are_in_order_and_neither_overlap_nor_touch(found: list[tuple[int, int]], text: str) -> None:
    assert ranges(found) == text
