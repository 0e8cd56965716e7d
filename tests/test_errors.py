"""Errors: one tree, an exit code each."""

from __future__ import annotations

import pytest

from reconciler import errors
from reconciler.errors import FileInvalid, Position, Problem, ReconcilerError

CODES = {
    "ReconcilerError": 1,
    "StepFailed": 1,
    "Interrupted": 1,
    "Usage": 3,
    "FileInvalid": 3,
    "HostRefuses": 4,
    "NotPermitted": 4,
    "Conflict": 4,
    "NotNow": 5,
    "EngineUnreachable": 5,
    "NoEngine": 5,
    "EngineForbidden": 4,
    "Locked": 5,
    "PlanStale": 5,
}


def tree() -> dict[str, type[ReconcilerError]]:
    found = {name: each for name, each in vars(errors).items() if isinstance(each, type)}
    return {name: each for name, each in found.items() if issubclass(each, ReconcilerError)}


def test_every_error_is_in_the_tree_and_has_its_exit_code() -> None:
    assert {name: each.exit_code for name, each in tree().items()} == CODES


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        (
            Problem(Position("a.yaml", 3, 5), "/containers/web", "no image", "add one"),
            "a.yaml:3:5: /containers/web: no image (add one)",
        ),
        (Problem(Position("-", 1, 1), "", "empty"), "-:1:1: empty"),
    ],
)
def test_a_problem_is_one_line(problem: Problem, line: str) -> None:
    assert str(problem) == line


def test_the_middle_of_a_very_long_problem_is_left_out() -> None:
    line = str(Problem(Position("a.yaml", 3, 5), "web", f"{'a-' * 200_000!r} is no image", "take another"))
    assert len(line) < 1000
    assert line.startswith("a.yaml:3:5: web: 'a-a-")
    assert line.endswith("-' is no image (take another)")


def test_a_wrong_file_tells_each_problem_once_in_their_order() -> None:
    first, second = (Problem(Position("a.yaml", line, 1), "", f"wrong in {line}") for line in (2, 10))
    error = FileInvalid([second, first, second])
    assert error.problems == (first, second)
    assert str(error) == f"{first}\n{second}"
