"""Variables in values: Compose's forms, and errors where Compose would be silent."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import pytest

from reconciler.kinds.interpolate import ToldAlready, Unresolved, interpolate
from reconciler.topology.dotenv import Variables

if TYPE_CHECKING:
    from pathlib import Path

NOTHING: dict[str, str] = {}
SET = {"A": "1", "EMPTY": "", "_x9": "odd"}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("plain", "plain"),
        ("$A", "1"),
        ("$A/$_x9.$A", "1/odd.1"),
        ("${A}0", "10"),
        ("$$A and $$$A", "$A and $1"),
        ("${EMPTY}|$EMPTY", "|"),
        ("${A:-x}${A-x}", "11"),
        ("${EMPTY:-x}${EMPTY-x}", "x"),
        ("${NONE:-x}${NONE-x}", "xx"),
        ("${NONE:-}", ""),
        ("${NONE:-${ALSO:-$A}}", "1"),
        ("${NONE:-$$}", "$"),
        ('${A:-{"a": {"b": 1}}}', "1"),
        ('${NONE:-{"a": {"b": "$A"}}}.', '{"a": {"b": "1"}}.'),
        ("${NONE:-a:b\nc}", "a:b\nc"),
        ("${A:+x}${A+x}", "xx"),
        ("${EMPTY:+x}${EMPTY+x}", "x"),
        ("${NONE:+x}${NONE+x}", ""),
        ("${A:?no}${A?no}${EMPTY?no}", "11"),
    ],
)
def test_a_text_is_expanded_as_compose_does(text: str, value: str) -> None:
    assert interpolate(text, SET.get) == value


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("$NONE", "variable 'NONE' is not set", "set it, write ${NONE:-default}, or $$NONE for itself"),
        ("${NONE}", "variable 'NONE' is not set", "set it, write ${NONE:-default}, or $$NONE for itself"),
        ("${NONE?}", "variable 'NONE' is not set", ""),
        ("${NONE?give $A}", "variable 'NONE' is not set: give 1", ""),
        ("${EMPTY:?give it}", "variable 'EMPTY' is not set: give it", ""),
        ("${NONE:-$ALSO}", "variable 'ALSO' is not set", "set it, write ${ALSO:-default}, or $$ALSO for itself"),
        (
            "$NONE/${ALSO}:$A:$NONE",
            "variable 'NONE' is not set, variable 'ALSO' is not set",
            "set it, write ${NONE:-default}, or $$NONE for itself",
        ),
        ("costs 5$", "a single '$' that begins no variable", "write $$ for a plain $"),
        ("$1", "a single '$' that begins no variable", "write $$ for a plain $"),
        ("${A", "'${' without its '}'", "write $$ for a plain $"),
        ("${A:-${A}", "'${' without its '}'", "write $$ for a plain $"),
        ("${A!}", "'${A!}' is no variable", "write $$ for a plain $"),
        ("${}", "'${}' is no variable", "write $$ for a plain $"),
        ("${N:-" * 30 + "}" * 30, "variables are nested too deeply", ""),
    ],
)
def test_what_cannot_be_expanded_is_said(text: str, message: str, hint: str) -> None:
    with pytest.raises(Unresolved) as raised:
        interpolate(text, SET.get)
    assert (raised.value.message, raised.value.hint) == (message, hint)


def variables(folder: Path, text: str | bytes, environment: dict[str, str] | None = None) -> Variables:
    (folder / ".env").write_bytes(text.encode() if isinstance(text, str) else text)
    return Variables((environment or NOTHING).get, folder, ".env")


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("X=1", "1"),
        ("X = a b ", "a b"),
        ("export X=1", "1"),
        ("X=a # comment", "a"),
        ("X=a#b", "a#b"),
        ("X= # comment", "# comment"),
        ("X: 1", "1"),
        ("X : 'a' # comment", "a"),
        (r"X='it\'s \n'", r"it's \n"),
        ("X=", ""),
        ("X='a $B # c'", "a $B # c"),
        ("X='a\nb'", "a\nb"),
        ('X="a # b" # comment', "a # b"),
        (r'X="a\n\t\"\$A\\"', 'a\n\t"$A\\'),
        ('X="$Y/${Z:-z}"', "y/z"),
        ("X=$Y", "y"),
        ("X=1\r\n", "1"),
        ("# X=0\n\n  \nX=1\n", "1"),
        ("X=1\nX=2", "2"),
        ("\ufeffX=1", "1"),
    ],
)
def test_the_file_env_is_read_as_compose_does(tmp_path: Path, line: str, value: str) -> None:
    assert variables(tmp_path, line, {"Y": "y"})("X") == value


def test_the_environment_wins_and_the_file_is_used_only_where_it_has_to_be(tmp_path: Path) -> None:
    found = variables(tmp_path, "A=file\nB=$A\nC\n", {"A": "environment"})
    assert (found("A"), found.content) == ("environment", b"")
    assert (found("C"), found("NONE")) == (None, None)
    assert (found("B"), found.content) == ("environment", b"A=file\nB=$A\nC\n")


def test_without_the_file_nothing_is_set(tmp_path: Path) -> None:
    found = Variables(NOTHING.get, tmp_path, ".env")
    assert (found("A"), found.problems) == (None, [])


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("A=1\nB='open\n", ".env:2:1: expected NAME=value (is a quote left open?)"),
        ("A 1\n", ".env:1:1: expected NAME=value"),
        ('A="x" y\n', ".env:1:1: there is more after the closing quote (let one pair of quotes hold it all)"),
        ("A='it''s'\n", ".env:1:1: there is more after the closing quote (let one pair of quotes hold it all)"),
        ("A=$B\n", ".env:1:1: variable 'B' is not set (set it, write ${B:-default}, or $$B for itself)"),
        (b"A=\xff", ".env:1:1: this is not UTF-8 (save the file as UTF-8)"),
    ],
)
def test_a_wrong_line_of_it_is_named(tmp_path: Path, text: str | bytes, problem: str) -> None:
    found = variables(tmp_path, text)
    with contextlib.suppress(ToldAlready):
        found("X")
    assert [str(each) for each in found.problems] == [problem]


@pytest.mark.parametrize(
    ("text", "unknown"),
    [
        ('A="x" y\nB=1\nexport C=2\n', "ABC"),
        ("A=1\nB='open\nC=1\n", "BC"),
        ("A=1\nA='open\nB=1\n", "B"),
        ("A=$N\nB=$A\nC=${B:-c}\nD=1\n", "ABC"),
        (b"A=\xff\n", "ABCDEN"),
    ],
)
def test_of_what_a_wrong_line_may_say_nobody_says_that_it_is_not_set(
    tmp_path: Path, text: str | bytes, unknown: str
) -> None:
    found, not_known = variables(tmp_path, text), ""
    for name in "ABCDEN":
        try:
            found(name)
        except ToldAlready:
            not_known += name
    assert not_known == unknown
    assert len(found.problems) == 1


def test_what_has_been_told_is_left_out_of_what_is_told(tmp_path: Path) -> None:
    found = variables(tmp_path, "A='open\n")
    with pytest.raises(Unresolved) as told:
        interpolate("$N $A ${A:-b}", found)
    assert told.value.message == "variable 'N' is not set"
    with pytest.raises(ToldAlready):
        interpolate("a $A", found)


def test_a_folder_of_that_name_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    found = Variables(NOTHING.get, tmp_path, ".env")
    with pytest.raises(ToldAlready):
        found("X")
    assert [str(each) for each in found.problems] == [".env:1:1: cannot read it: Is a directory"]
