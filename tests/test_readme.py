"""The README and the guarantees say what there is: sections, commands, options, exit codes, files, tests."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from bombs import BOMBS
from hostile_table import cases
from test_cli import COMMANDS, OPTIONS
from test_errors import tree

from reconciler.cli import app
from reconciler.topology.elsewhere import ELSEWHERE
from reconciler.topology.schema import schema_text

CHECKOUT = Path(__file__).parents[1]
README = (CHECKOUT / "README.md").read_text()
GUARANTEES = (CHECKOUT / "docs/guarantees.md").read_text()
SECTIONS = [
    "Five minutes",
    "The language",
    "The commands",
    "Watching",
    "From Python",
    "How it works",
    "How it compares",
    "Licence",
]
OF_EVERY_COMMAND = {"--help", "--debug", "--name", "--engine-timeout", "--patience"}


def section(name: str) -> str:
    """What stands under a heading."""
    return README.partition(f"\n## {name}\n")[2].partition("\n## ")[0]


def rows(text: str, heading: str) -> Iterator[list[str]]:
    """The rows of the table whose first column has a heading."""
    lines = text.partition(f"\n| {heading} |")[2].splitlines()
    for line in lines[2:]:
        if not line.startswith("|"):
            return
        yield [each.strip() for each in re.split(r"(?<!\\)\|", line)[1:-1]]


def test_it_has_all_that_a_newcomer_looks_for() -> None:
    assert re.findall(r"^## (.*)$", README, re.MULTILINE) == SECTIONS
    assert "scripts/quickstart" in section("Five minutes")
    assert section("Five minutes").count("```yaml\n") == 2
    assert "**To add a kind**" in section("How it works")


def test_its_commands_are_those_there_are_each_with_its_options() -> None:
    told = {each[0].split()[1].strip("`"): each[1] for each in rows(section("The commands"), "command")}
    assert sorted(told) == sorted(app.COMMANDS) == sorted(COMMANDS)
    for command, text in told.items():
        named = set(re.findall(r"--[a-z-]+", text))
        assert named <= set(OPTIONS[command].split()), command
        if command not in ("validate", "ls", "schema"):
            assert set(OPTIONS[command].split()) - OF_EVERY_COMMAND - {"--show-secrets"} <= named, command


def test_every_option_is_explained_somewhere() -> None:
    words = {option for options in OPTIONS.values() for option in options.split()}
    assert {each for each in words | OF_EVERY_COMMAND if each not in README} == set()


def test_its_exit_codes_are_those_of_the_code() -> None:
    (*table,) = rows(section("The commands"), "exit code")
    told = {int(code) for codes, _ in table for code in codes.split(",")}
    pending, interrupted = {0, 2}, {128 + each for each in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM)}
    assert told == pending | interrupted | {each.exit_code for each in tree().values()}
    meaning = dict(table)
    for code, words in {
        "3": ("file", "command line"),
        "4": ("privilege", "feature"),
        "5": ("engine", "locked"),
    }.items():
        assert all(each in meaning[code] for each in words)


def test_its_sections_of_a_file_are_those_of_the_schema() -> None:
    told = {each[0].strip("`") for each in rows(section("The language"), "section")}
    top = json.loads(schema_text())["properties"].keys()
    assert told == top - {"name", "prefix", "include", "defaults"}
    assert all(f"`{each}" in section("The language") for each in top)


def test_it_compares_with_each_of_the_others_and_says_what_is_not_here() -> None:
    for each in ("Docker Compose", "containerlab", "Terraform"):
        assert re.search(rf"^- \*\*{each}\*\* \(", section("How it compares"), re.MULTILINE), each
    assert "What is not here: " in section("How it compares")


def test_the_words_that_it_says_are_not_here_are_refused_with_a_hint() -> None:
    for words, instead in rows(section("How it compares"), "not here"):
        told = re.findall(r"`([a-z_]+)`", words.partition(" of ")[0])
        assert told or words.startswith("`--")
        assert {each for each in told if each not in ELSEWHERE} == set()
        assert instead
        if instead != "nothing":
            assert {each for each in told if ELSEWHERE[each] == ELSEWHERE["attach"]} == set()


@pytest.mark.parametrize("path", re.findall(r"\]\(([^)#:]+)\)", README))
def test_a_file_to_which_it_leads_is_there(path: str) -> None:
    assert (CHECKOUT / path).exists()


@pytest.mark.parametrize("path", sorted(set(re.findall(r"`(scripts/\w+|tests/\w+\.py)`", README + GUARANTEES))))
def test_a_script_or_a_test_that_is_named_is_there(path: str) -> None:
    assert (CHECKOUT / path).exists()


def test_every_test_that_holds_a_promise_is_there() -> None:
    for *_, where in rows(GUARANTEES, "promise"):
        names = re.findall(r"`(?:tests/(?:live/)?)?([\w*]+\.py)`", where)
        assert names, where
        for name in names:
            assert list((CHECKOUT / "tests").rglob(name)), name


def test_the_tables_of_wrong_files_are_as_long_as_is_said() -> None:
    files, bombs = map(int, re.findall(r"more than (\d+)", GUARANTEES)[-2:])
    assert (files, bombs) == (680, 75)
    assert sum(1 for _ in cases()) > files
    assert len(BOMBS) > bombs
