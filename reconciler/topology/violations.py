"""What breaks the schema, in one line each that a person can act on."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.errors import Problem
from reconciler.topology.elsewhere import ELSEWHERE
from reconciler.topology.schema import adapted, schema, types
from reconciler.topology.tree import Node, find, plain, written
from reconciler.topology.yaml12 import scalar

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

_NEIGHBOURS = {
    "services": ("containers",),
    "nodes": ("containers", "namespaces", "bridges"),
    "links": ("veths",),
    "switches": ("bridges",),
    "topology": ("containers", "namespaces", "bridges", "veths"),
    "name": ("container_name",),
    "binds": ("volumes",),
    "cmd": ("command",),
    "env": ("environment",),
    "memory": ("mem_limit",),
    "cpu": ("cpus",),
    "kind": ("driver",),
    "ip": ("addresses", "ipv4_address"),
    "address": ("addresses", "ipv4_address"),
    "node": ("container", "namespace", "bridge", "network"),
    "mac": ("mac_address",),
}
"""Words of Compose, containerlab, Netplan and their like, and ours for them where they are known."""
_NOUNS = {
    "boolean": "true or false",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "object": "a mapping",
    "array": "a list",
}
_LONGEST = 60
_NEARLY = 0.7
"""How much of two words is to be the same for one to be meant by the other."""


Place = tuple[str | int, ...]
_OF_ABSENCE = frozenset(("required", "oneOf", "anyOf", "dependentRequired", "minItems"))
"""The keywords that are broken by what is not there."""


class Violation(NamedTuple):
    """A problem, the places without which there would be none, and what was perhaps meant around there.

    It `follows` from another one when it only says that something is missing where something was left out.
    """

    problem: Problem
    around: Place
    places: Sequence[Place]
    meant: frozenset[str]
    follows: bool


class _Breach(NamedTuple):
    """A value, a keyword of the schema that it breaks, what that asks, and the rule in which it stands."""

    value: Any
    keyword: str
    asked: Any
    rule: dict[str, Any]


class _Finding(NamedTuple):
    """What is said of a breach; perhaps of one of its properties or elements, which was perhaps meant to be another."""

    message: str
    hint: str = ""
    step: str | int | None = None
    meant: Sequence[str] = ()


def violations(root: Node) -> Iterator[Violation]:
    """Yield everything in a file's tree that the schema does not allow."""
    errors = list(_validator().iter_errors(plain(root)))
    mistyped = {tuple(each.absolute_path) for each in errors if each.validator == "type"}
    for error in errors:
        path = tuple(error.absolute_path)
        if error.validator == "type" or path not in mistyped:
            lacks = bool(find(root, path).cut)
            follows = lacks and (error.validator in _OF_ABSENCE or "else" in error.absolute_schema_path)
            for each in _findings(error):
                place = path if each.step is None else (*path, each.step)
                yield Violation(_problem(root, path, each), path, [place], frozenset(each.meant), follows)


@cache
def _validator() -> Draft202012Validator:
    from jsonschema import Draft202012Validator

    return Draft202012Validator(schema())


def _problem(root: Node, path: tuple[str | int, ...], finding: _Finding) -> Problem:
    if finding.step is None:
        return Problem(find(root, path).position, written(root, path), finding.message, finding.hint)
    inner = (*path, finding.step)
    where = written(root, inner if isinstance(finding.step, int) else path)
    return Problem(find(root, inner).key_position, where, finding.message, finding.hint)


def _findings(error: ValidationError) -> Iterable[_Finding]:
    rule: Any = error.schema
    breach = _Breach(error.instance, str(error.validator), error.validator_value, rule)
    if "propertyNames" in error.relative_schema_path:
        return _misnamed(breach)
    return _MESSAGES[breach.keyword](breach)


def _misnamed(breach: _Breach) -> Iterator[_Finding]:
    wanted, name = breach.rule, str(breach.value)
    what = f"is not {wanted['title']}" if "title" in wanted else wanted["description"]
    yield _Finding(f"{name!r} {what}", _example(wanted), name)


def _mistyped(breach: _Breach) -> Iterator[_Finding]:
    wanted = breach.rule
    hint = _example(wanted)
    if isinstance(breach.value, bool) and "string" in types(wanted):
        hint = f'as text, write "{_shown(breach.value)}"'
    elif isinstance(breach.value, str) and _fits(breach.value, types(wanted)):
        hint = "write it without quotes"
    yield _Finding(f"expected {_noun(wanted)}, not {_shown(breach.value)}", hint)


def _fits(text: str, allowed: list[str]) -> bool:
    """Tell whether a text would be right if it were none."""
    value = adapted(text, text, allowed)
    if isinstance(value, bool):
        return "boolean" in allowed
    return isinstance(value, int) if "integer" in allowed else "number" in allowed and isinstance(value, float)


def _unknown(breach: _Breach) -> Iterator[_Finding]:
    wanted = breach.rule
    known = wanted["properties"]
    for name in breach.value:
        if name not in known and not re.search("|".join(wanted.get("patternProperties", ["$^"])), name):
            meant = _meant(name, known)
            hint = _did_you_mean(meant) or ELSEWHERE.get(name, "")
            yield _Finding(f"unknown attribute {name!r}", hint, name, meant)


def _missing(breach: _Breach) -> Iterator[_Finding]:
    wanted = breach.rule
    for name in wanted["required"]:
        if name not in breach.value:
            yield _Finding(f"{name!r} is missing", _example(wanted["properties"][name], name))


def _mismatched(breach: _Breach) -> Iterator[_Finding]:
    wanted = breach.rule
    yield _Finding(f"{_shown(breach.value)} is not {_noun(wanted)}", _example(wanted))


def _unlisted(breach: _Breach) -> Iterator[_Finding]:
    known = breach.rule.get("enum") or [flow(breach.rule["const"])]
    close = difflib.get_close_matches(str(breach.value), known, n=1, cutoff=_NEARLY)
    which = known[0] if len(known) == 1 else f"one of {', '.join(known)}"
    hint = f"did you mean {close[0]!r}?" if close else ""
    yield _Finding(f"expected {which}, not {_shown(breach.value)}", hint)


def _alternatives(breach: _Breach) -> Iterator[_Finding]:
    names = [name for branch in breach.asked for name in branch.get("required", ())]
    given = [name for name in names if breach.value.get(name, False) is not False]
    count = "exactly one" if breach.keyword == "oneOf" else "at least one"
    yield _Finding(f"needs {count} of {', '.join(names)}", f"it has {' and '.join(given)}" if given else "")


def _dependent(breach: _Breach) -> Iterator[_Finding]:
    for name, needs in breach.asked.items():
        for other in needs:
            if name in breach.value and other not in breach.value:
                yield _Finding(f"{other!r} is missing beside {name!r}")


def _low(breach: _Breach) -> Iterator[_Finding]:
    yield _Finding(f"{breach.value} is too small: at least {breach.asked}")


def _high(breach: _Breach) -> Iterator[_Finding]:
    yield _Finding(f"{breach.value} is too large: at most {breach.asked}")


def _short(breach: _Breach) -> Iterator[_Finding]:
    yield _Finding("must not be empty", _example(breach.rule))


def _long(breach: _Breach) -> Iterator[_Finding]:
    size, most = len(breach.value), breach.asked
    yield _Finding(f"{_shown(breach.value)} is too long: {size} characters, at most {most}")


def _few(breach: _Breach) -> Iterator[_Finding]:
    wanted = breach.rule
    if not breach.value:
        yield from _short(breach)
    else:
        yield _Finding(f"expected {_noun(wanted)}, not a list of {len(breach.value)}", _example(wanted))


def _repeated(breach: _Breach) -> Iterator[_Finding]:
    items = breach.value
    for index, item in enumerate(items):
        if items.index(item) < index:
            yield _Finding(f"{_shown(item)} is listed twice", step=index)


_MESSAGES: dict[str, Callable[[_Breach], Iterable[_Finding]]] = {
    "type": _mistyped,
    "additionalProperties": _unknown,
    "required": _missing,
    "pattern": _mismatched,
    "enum": _unlisted,
    "const": _unlisted,
    "oneOf": _alternatives,
    "anyOf": _alternatives,
    "dependentRequired": _dependent,
    "minimum": _low,
    "maximum": _high,
    "minLength": _short,
    "maxLength": _long,
    "minItems": _few,
    "maxItems": _few,
    "uniqueItems": _repeated,
}
"""A message for every keyword of the schema that a file can break."""


def _noun(wanted: dict[str, Any]) -> str:
    """Say what the schema wants, with its article."""
    return str(wanted.get("title") or " or ".join(_NOUNS[each] for each in types(wanted) if each in _NOUNS))


def _example(wanted: dict[str, Any], name: str = "") -> str:
    for each in wanted.get("examples", ()):
        return f"e.g. {name}: {flow(each)}" if name else f"e.g. {flow(each)}"
    return ""


def _meant(name: str, known: Iterable[str]) -> list[str]:
    """Return what a word that is not known may stand for: a neighbour's, or one that is written nearly like it."""
    ours = [each for each in _NEIGHBOURS.get(name, ()) if each in known]
    if ours or name in ELSEWHERE:
        return ours
    return difflib.get_close_matches(name, list(known), n=1, cutoff=_NEARLY)


def _did_you_mean(words: Iterable[str]) -> str:
    found = " or ".join(map(repr, words))
    return f"did you mean {found}?" if found else ""


def _shown(value: Any) -> str:
    if isinstance(value, (dict, list)):
        return "a mapping" if isinstance(value, dict) else "a list"
    if value is None:
        return "nothing"
    text = repr(value) if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def flow(value: Any) -> str:
    """Write a value as YAML in one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {flow(each)}" for name, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    if isinstance(value, str) and re.fullmatch(r"[\w./][\w./:@= -]*", value) and isinstance(scalar(value), str):
        return value
    return json.dumps(value, ensure_ascii=False)
