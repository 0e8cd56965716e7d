"""The images that a Dockerfile refers to, and the same Dockerfile with other references; pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from itertools import takewhile

from reconciler.value import dataclass

_FROM = re.compile(r"\s*FROM\s+(?:--\S+\s+)*(?P<ref>\S+)(?:\s+AS\s+(?P<stage>\S+))?\s*", re.IGNORECASE)
_COPY = re.compile(r"\s*COPY\s+(?:--\S+\s+)*?--from=(?P<ref>\S+)\s.*", re.IGNORECASE | re.DOTALL)
_ARG = re.compile(r"\s*ARG\s+(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_DEFAULT = re.compile(r"(\w+)(?:=(\"[^\"]*\"|'[^']*'|\S*))?")
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)(?::([-+])([^}]*))?\})")
_DIRECTIVE = re.compile(r"#[ \t]*(?P<name>[a-zA-Z][a-zA-Z0-9]*)[ \t]*=[ \t]*(?P<value>.+)")
_WITH_HEREDOC = re.compile(r"\s*(?:ONBUILD\s+)?(?:RUN|COPY|ADD)\s", re.IGNORECASE)
_QUOTED = re.compile(r"(?<!<<)(?<!<<-)([\"'])(?:(?!\1).)*\1")
_HEREDOC = re.compile(r"(?<!\S)\d*<<(?P<tabs>-?)([\"']?)(?P<end>[\w.-]+)\2(?!\S)")
_NOTHING = "scratch"
_LONGEST = 4096
"""More characters than any reference has, whatever its variables are made of."""


@dataclass(frozen=True, slots=True)
class Use:
    """A reference to an image: where it stands in the text, and what it says once its variables are replaced."""

    start: int
    end: int
    reference: str


@dataclass(frozen=True, slots=True)
class _Line:
    """A logical line: its text, and where each character of it stands."""

    text: str
    places: tuple[int, ...]


def uses(text: str, args: Mapping[str, str]) -> Iterator[Use]:
    """Yield the images that FROM and COPY --from name; stages of the same file are none."""
    stages: dict[str, int] = {}
    variables: dict[str, str] = {}
    for line in _lines(text):
        if (found := _ARG.fullmatch(line.text)) and not stages:
            for name, default in _defaults(found["rest"]):
                variables[name] = args.get(name, _expanded(default, variables))
        elif found := _FROM.fullmatch(line.text):
            reference = _expanded(found["ref"], variables)
            if reference.lower() not in (*stages, _NOTHING):
                yield _use(line, found, reference)
            stages[(found["stage"] or f"#{len(stages)}").lower()] = len(stages)
        elif (found := _COPY.fullmatch(line.text)) and not _is_stage(found["ref"], stages):
            yield _use(line, found, found["ref"])


def rewritten(text: str, args: Mapping[str, str], bases: Mapping[str, str]) -> str:
    """Return the Dockerfile with other references in the place of some."""
    for use in sorted(uses(text, args), key=lambda each: -each.start):
        if use.reference in bases:
            text = f"{text[: use.start]}{bases[use.reference]}{text[use.end :]}"
    return text


def _is_stage(name: str, stages: Mapping[str, int]) -> bool:
    return name.isdigit() or name.lower() in stages


def _use(line: _Line, found: re.Match[str], reference: str) -> Use:
    start, end = found.span("ref")
    return Use(line.places[start], line.places[end - 1] + 1, reference)


def _lines(text: str) -> Iterator[_Line]:
    """Join what a line's last character continues; comments, empty lines in between and heredocs do not count."""
    escape = _escape(text)
    pieces: list[tuple[str, int]] = []
    heredocs: list[re.Match[str]] = []
    at = 0
    for physical in text.split("\n"):
        body, start = physical.rstrip(), at
        at += len(physical) + 1
        if heredocs:
            inside = physical.removesuffix("\r")
            if (inside.lstrip("\t") if heredocs[0]["tabs"] else inside) == heredocs[0]["end"]:
                del heredocs[0]
            continue
        if not body or body.lstrip().startswith("#"):
            continue
        goes_on = body.endswith(escape)
        pieces.append((body[:-1] if goes_on else body, start))
        if not goes_on:
            yield (line := _joined(pieces))
            pieces, heredocs = [], _heredocs(line.text)
    if pieces:
        yield _joined(pieces)


def _escape(text: str) -> str:
    """Return what continues a line, as a directive above everything else may say."""
    directives = takewhile(bool, (_DIRECTIVE.fullmatch(line.strip()) for line in text.split("\n")))
    return next((each["value"] for each in directives if each and each["name"].lower() == "escape"), "\\")


def _heredocs(line: str) -> list[re.Match[str]]:
    return list(_HEREDOC.finditer(_QUOTED.sub("", line))) if _WITH_HEREDOC.match(line) else []


def _joined(pieces: list[tuple[str, int]]) -> _Line:
    text = "".join(piece for piece, _ in pieces)
    places = tuple(start + index for piece, start in pieces for index in range(len(piece)))
    return _Line(text, places)


def _defaults(rest: str) -> Iterator[tuple[str, str]]:
    for name, default in _DEFAULT.findall(rest):
        yield name, default.strip("\"'")


def _expanded(reference: str, variables: Mapping[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        known = variables.get(found[1] or found[2], "")
        if found[3] == "-":
            return known or found[4]
        return found[4] if found[3] and known else "" if found[3] else known

    return _VARIABLE.sub(value, reference[:_LONGEST].strip("\"'"))[:_LONGEST]
