"""Environment variables: files, values and what is inherited."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from paper import Paper

from reconciler.kinds.container.env_file import parsed, raw
from reconciler.kinds.container.environment import environment, of_engine
from reconciler.kinds.entry import entry_of
from reconciler.kinds.source import Source


def read(folder: Path, environ: Mapping[str, str] | None = None, **data: Any) -> tuple[dict[str, str], list[str]]:
    class Here(Paper):
        def directory(self, pointer: Any) -> Path:
            return folder

        def variable(self, pointer: Any, name: str) -> str | None:
            return (environ or {}).get(name)

    made = Source(Here({"containers": {"web": data}}), name="t")
    return dict(environment(entry_of(made, "web"))), [each.message for each in made.problems]


def test_values_are_text_and_a_bare_name_takes_the_environment_s(tmp_path: Path) -> None:
    assert read(tmp_path, {"HOME": "/root"}, environment={"A": 1, "B": True, "HOME": None}) == (
        {"A": "1", "B": "true", "HOME": "/root"},
        [],
    )
    assert read(tmp_path, {"HOME": "/root"}, environment=["A=1=2", "B=", "HOME"])[0] == {
        "A": "1=2",
        "B": "",
        "HOME": "/root",
    }


def test_a_bare_name_that_is_not_set_is_a_problem(tmp_path: Path) -> None:
    assert read(tmp_path, environment=["A"]) == ({}, ["A has no value, and the environment has none either"])


def test_what_no_process_can_have_in_its_environment_is_a_problem(tmp_path: Path) -> None:
    no_name, nul, latin = "its name has a '=' or NUL in it", "its value has a NUL in it", "its value is not UTF-8"
    found = read(tmp_path, environment={"A=B": "c", "A\0B": "c", "A": "c\0"})
    assert found == ({}, [f"'A=B': {no_name}", f"'A\\x00B': {no_name}", f"'A': {nul}"])
    (tmp_path / "a").write_text("A=a\0b\nB\n")
    (tmp_path / "b").write_text("X\0=b\n")
    files = ["a", {"path": "b", "format": "raw"}]
    assert read(tmp_path, {"B": "b\udcff", "C": "é"}, env_file=files, environment=["C", "B"])[1] == [
        f"'a': line 1: {nul}",
        f"'a': line 2: {latin}",
        f"'b': line 1: {no_name}",
        f"'B': {latin}",
    ]
    assert read(tmp_path, {"C": "é"}, environment=["C"]) == ({"C": "é"}, [])


def test_the_environment_wins_over_files_and_the_later_file_over_the_former(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("A=a\nB=a\nC=a\n")
    (tmp_path / "b").write_text("B=b\nC=b\n")
    assert read(tmp_path, env_file=["a", {"path": "b"}], environment=["C=c"])[0] == {"A": "a", "B": "b", "C": "c"}
    assert read(tmp_path, env_file="a")[0]["A"] == "a"


def test_a_file_that_is_not_there_is_a_problem_unless_it_need_not_be(tmp_path: Path) -> None:
    assert read(tmp_path, env_file="no")[1] == ["there is no file 'no'"]
    assert read(tmp_path, env_file=[{"path": "no", "required": True}])[1] == ["there is no file 'no'"]
    assert read(tmp_path, env_file=[{"path": "no", "required": False}])[1] == []


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "broken").write_text("A=1\n=2\n")
    (tmp_path / "latin").write_bytes(b"A=\xff\n")
    messages = read(tmp_path, env_file=["folder", "broken", "latin"])[1]
    assert messages[0] == "cannot read 'folder': Is a directory"
    assert messages[1] == "'broken': line 2: expected NAME=value"
    assert messages[2] == "'latin' is not UTF-8"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("A=1", "1"),
        ("export A = 1  # one", "1"),
        ("A='$x # \"'", '$x # "'),
        (r'A="a\n\"b\x"', 'a\n"b\\x'),
        ("A=", ""),
        ("A", None),
        ("A=a#b", "a#b"),
        ("A: 1", "1"),
        (r"A='it\'s \n'", r"it's \n"),
        (r'A="^\d+\.\w \"q\" \\ \t\a"', '^\\d+\\.\\w "q" \\ \t\a'),
        ('A="one\\\ntwo"', "one\\\ntwo"),
        ("A= #x", "#x"),
        ("A=#x # no", "#x"),
        ("A=x #y", "x"),
        ("# no\n\nA=1", "1"),
    ],
)
def test_every_line_of_a_file_is_read(line: str, expected: str | None) -> None:
    assert [(name, value) for name, value, _ in parsed(line, lambda _: None)] == [("A", expected)]


def test_what_is_not_in_single_quotes_is_replaced_by_what_is_known_before(tmp_path: Path) -> None:
    lines = ["A=1", "B=$A-${OUT}", 'C="${OWN}\\n\\$A $$A ${NO:-none}"', "D='$A'", "OUT=mine", "E=$OUT", "F=${A}2 # $NO"]
    (tmp_path / "file").write_text("\n".join(lines))
    found = read(tmp_path, {"OUT": "out"}, env_file="file", environment={"OWN": "own"})
    assert found == (
        {"A": "1", "B": "1-out", "C": "own\n$A $A none", "D": "$A", "OUT": "mine", "E": "out", "F": "12", "OWN": "own"},
        [],
    )


def test_raw_takes_every_character_of_a_value_for_itself(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"# no\n\n A='$x # \"'  \r\nB=\nHOME\nC=1=2")
    found = read(tmp_path, {"HOME": "/root"}, env_file=[{"path": "file", "format": "raw"}])
    assert found == ({"A": "'$x # \"'  ", "B": "", "HOME": "/root", "C": "1=2"}, [])
    with pytest.raises(ValueError, match="line 2: expected NAME=value"):
        list(raw("A=1\nB C\n"))


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("secret$NOT", "a variable is not set"),
        ("secret ${NOT:?secret}", "a variable is not set"),
        ("secret ${se-cret!", "'${' without its '}'"),
        ("${se!cret}", "'${…}' is no variable"),
        ("secret$", "a single '$' that begins no variable"),
    ],
)
def test_a_variable_that_is_not_known_is_a_problem_at_its_line_that_tells_no_value(
    tmp_path: Path, value: str, said: str
) -> None:
    (tmp_path / "file").write_text(f"A=1\nB={value}\n")
    assert read(tmp_path, env_file="file") == ({}, [f"'file': line 2: {said}"])


def test_of_a_line_without_a_value_no_more_than_its_number_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("A=a2trazE\na2trazI\nHOME\n")
    message = "'file': line 2: it has no value, and the environment has none for it either"
    assert read(tmp_path, {"HOME": "/root"}, env_file="file") == ({"A": "a2trazE", "HOME": "/root"}, [message])
    assert read(tmp_path, {"HOME": "/root"}, env_file=[{"path": "file"}])[1] == [message]


def test_a_file_that_is_too_large_is_a_problem(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("A=1234567\n" * (1 << 17))
    assert read(tmp_path, env_file="file") == ({}, ["cannot read 'file': it is larger than 1 MiB"])


def test_the_engine_s_list_is_read() -> None:
    assert of_engine(["A=1=2", "B"]) == {"A": "1=2", "B": ""}
    assert of_engine(None) == {}
