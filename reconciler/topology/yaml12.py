"""YAML 1.2 on the C parser: nodes with their positions, and the scalars of the core schema."""

from __future__ import annotations

import codecs
import math
import re
from typing import TYPE_CHECKING, Any, Final

import yaml

from reconciler.errors import FileInvalid, Position, Problem

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_DEPTH: Final = 100
"""How deep lists and mappings may stand in each other; the language needs a tenth of it."""
MAX_NODES: Final = 400_000
"""How many keys and values a file may have, lists and mappings among these; ten thousand containers have fewer."""
PLAIN: Final = "plain"
"""The tag of a scalar without quotes and tag: what it is, `scalar` says."""
TEXT: Final = "tag:yaml.org,2002:str"
"""The tag of a scalar with quotes."""

_WORDS: Final[Mapping[str, bool | None]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_LONGEST_NUMBER = 300
_DIRECTIVES = 100
"""How many `%TAG` there may be: the parser compares each with all others."""
_TOO_MANY = f"there are more than {MAX_NODES} keys and values in this file"
TOO_DEEP: Final = "nested too deeply"
_UNPRINTABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BREAK = re.compile("\r\n|[\r\n\x85\u2028\u2029]")
"""What ends a line for the parser (YAML 1.1)."""
_HINTS: Final = {
    "mapping values are not allowed": (
        "is this line indented wrongly, does the line before lack ': ', or does a text with ': ' need quotes?"
    ),
    "could not find expected ':'": "is the line before indented wrongly, or does it lack ': '?",
    "found undefined alias": "an anchor stands before its aliases, in the same file",
    "but found another document": "one topology a file: use include",
    "found unexpected end of stream": "is a quote or a bracket left open?",
    "did not find expected ',' or": "is a bracket left open, or does a ${…} within brackets need quotes?",
    "did not find expected": "is a line indented wrongly, or a bracket left open?",
}


def compose(content: bytes, path: str) -> tuple[yaml.Node | None, int]:
    """Parse a file into nodes, None if it is empty, and count them; FileInvalid where it is no YAML."""
    text = decoded(content, path)
    composer = _Composer(text)
    try:
        return composer.get_single_node(), composer.count
    except yaml.MarkedYAMLError as error:
        raise FileInvalid([_problem(error, text, path)]) from error


def scalar(text: str) -> str | float | bool | None:
    """Say what a plain scalar is by YAML 1.2's core schema; infinities and what is no number stay text."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789" or len(text) > _LONGEST_NUMBER:
        return text
    if _INTEGER.fullmatch(text):
        return int(text, {"0o": 8, "0x": 16}.get(text[:2], 10))
    if _FLOAT.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text


class _Composer(yaml.CSafeLoader):
    """The C composer; the tags that it asks for are ours, and so are the limits of depth and number."""

    depth = count = 0

    def resolve(self, kind: type[yaml.Node], _value: Any, implicit: Any) -> str:
        if kind is not yaml.ScalarNode:
            return ""
        return PLAIN if implicit[0] else TEXT

    def descend_resolver(self, parent: yaml.Node | None, _index: Any) -> None:
        self.depth += 1
        self.count += 1
        if parent is not None and self.count > MAX_NODES:
            raise yaml.MarkedYAMLError(problem=_TOO_MANY, problem_mark=parent.start_mark)
        if parent is not None and self.depth > MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem=TOO_DEEP, problem_mark=parent.start_mark)

    def ascend_resolver(self) -> None:
        self.depth -= 1


def decoded(content: bytes, path: str) -> str:
    """Return a file's text; FileInvalid where a byte or a character has no place in YAML."""
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        where = _after(content[: error.start].decode(), path)
        raise FileInvalid([Problem(where, "", "this is not UTF-8", "save the file as UTF-8")]) from error
    if text.count("\n%TAG") > _DIRECTIVES:
        raise FileInvalid([Problem(Position(path, 1, 1), "", "there are too many directives")])
    strange = _UNPRINTABLE.search(text)
    if strange:
        where = _after(text[: strange.start()], path)
        raise FileInvalid([Problem(where, "", f"the character U+{ord(strange[0]):04X} is not allowed in YAML")])
    return text


def _after(before: str, path: str) -> Position:
    return Position(path, before.count("\n") + 1, len(before) - before.rfind("\n"))


def _problem(error: yaml.MarkedYAMLError, text: str, path: str) -> Problem:
    mark = error.problem_mark or yaml.Mark("", 0, 0, 0, None, 0)
    what = ", ".join(each for each in (error.context, error.problem) if each)
    what = TOO_DEEP if "nesting depth" in what else what  # libyaml has a limit of its own from 0.2.6 on
    hint = next((hint for start, hint in _HINTS.items() if str(error.problem).startswith(start)), "")
    lines = [*_BREAK.split(text), ""]  # the parser may stop behind the last line
    if lines[mark.line][mark.column : mark.column + 1] == "\t":
        hint = "indent with blanks, not with tabs"
    elif str(error.problem).startswith("found character that cannot start"):
        hint = "a text that begins with @, ` or % needs quotes"
    return Problem(Position(path, mark.line + 1, mark.column + 1), "", what, hint)
