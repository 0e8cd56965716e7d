"""What a Dockerfile says: the images that it refers to, and what only BuildKit does; pure."""

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
_NEEDS_BUILDKIT = re.compile(
    r"\s*(?:RUN|COPY|ADD)\s+(?:--\S+\s+)*?"
    r"(--(?:mount|network|security|chmod|parents|exclude|checksum|keep-git-dir|unpack))[=\s]",
    re.IGNORECASE,
)
"""What the engine's classic builder refuses, or leaves out without a word; `--link` changes nothing."""
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
    """A logical line: its text, where each character of it stands, its number, and whether a heredoc follows."""

    text: str
    places: tuple[int, ...]
    number: int
    heredoc: bool


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


def beyond_classic(text: str, target: str) -> Iterator[tuple[int, str]]:
    """Yield what only BuildKit does, with the number of its line, up to the end of a stage."""
    stage, stages = "", 0
    for line in _lines(text):
        if found := _FROM.fullmatch(line.text):
            if target and target.lower() in (stage, str(stages - 1)):
                return
            stage, stages = (found["stage"] or "").lower(), stages + 1
        elif line.heredoc:
            yield line.number, "a heredoc"
        elif found := _NEEDS_BUILDKIT.match(line.text):
            yield line.number, f"`{found[1]}`"


def _is_stage(name: str, stages: Mapping[str, int]) -> bool:
    return name.isdigit() or name.lower() in stages


def _use(line: _Line, found: re.Match[str], reference: str) -> Use:
    start, end = found.span("ref")
    return Use(line.places[start], line.places[end - 1] + 1, reference)


def _lines(text: str) -> Iterator[_Line]:
    """Join what a line's last character continues; comments, empty lines in between and heredocs do not count."""
    escape, physical = _escape(text), text.split("\n")
    ends = {each.removesuffix("\r").lstrip("\t"): number for number, each in enumerate(physical, 1)}
    pieces: list[tuple[str, int]] = []
    heredocs: list[re.Match[str]] = []
    at = first = 0
    for number, each in enumerate(physical, 1):
        body, start = each.rstrip(), at
        at += len(each) + 1
        if heredocs:
            inside = each.removesuffix("\r")
            if (inside.lstrip("\t") if heredocs[0]["tabs"] else inside) == heredocs[0]["end"]:
                del heredocs[0]
            continue
        if not body or body.lstrip().startswith("#"):
            continue
        goes_on = body.endswith(escape)
        first = first if pieces else number
        pieces.append((body[:-1] if goes_on else body, start))
        if not goes_on:
            joined = "".join(piece for piece, _ in pieces)
            # One without an end is none: 20.10 takes it for a word of the shell, 29 refuses it.
            heredocs = [found for found in _heredocs(joined) if ends.get(found["end"], 0) > number]
            yield _joined(pieces, first, heredoc=bool(heredocs))
            pieces = []
    if pieces:
        yield _joined(pieces, first)


def _escape(text: str) -> str:
    """Return what continues a line, as a directive above everything else may say."""
    directives = takewhile(bool, (_DIRECTIVE.fullmatch(line.strip()) for line in text.split("\n")))
    return next((each["value"] for each in directives if each and each["name"].lower() == "escape"), "\\")


def _heredocs(line: str) -> list[re.Match[str]]:
    return list(_HEREDOC.finditer(_QUOTED.sub("", line))) if _WITH_HEREDOC.match(line) else []


def _joined(pieces: list[tuple[str, int]], number: int, *, heredoc: bool = False) -> _Line:
    text = "".join(piece for piece, _ in pieces)
    places = tuple(start + index for piece, start in pieces for index in range(len(piece)))
    return _Line(text, places, number, heredoc)


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
