"""What breaks the schema, in one line each that a person can act on."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache, reduce
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

from reconciler.errors import Problem
from reconciler.topology.compiled import fits
from reconciler.topology.elsewhere import ELSEWHERE
from reconciler.topology.schema import Schema, adapted, extensions, schema, types
from reconciler.topology.tree import Node, find, plain, written
from reconciler.topology.wording import NEARLY, example, flow, hint_of, meant, noun, shown

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import ValidationError

MOST = 1000
"""How many violations are told."""


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
    """A value, a keyword of the schema that it breaks, what that asks, the rule in which it stands, and that around."""

    value: Any
    keyword: str
    asked: Any
    rule: dict[str, Any]
    around: Schema


class _Finding(NamedTuple):
    """What is said of a breach; perhaps of one of its properties or elements, which was perhaps meant to be another."""

    message: str
    hint: str = ""
    step: str | int | None = None
    meant: Sequence[str] = ()


def violations(root: Node) -> list[Violation]:
    """Return everything in a file's tree that the schema does not allow, up to a number that nobody reads."""
    return list(islice(_violations(root), MOST))


def _violations(root: Node) -> Iterator[Violation]:
    values = plain(root)
    if fits(values):
        return
    errors = list(islice(_validator().iter_errors(values), MOST))
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
    breach = _Breach(error.instance, str(error.validator), error.validator_value, rule, _around(error))
    if "propertyNames" in error.relative_schema_path:
        return _misnamed(breach)
    return _MESSAGES[breach.keyword](breach)


def _around(error: ValidationError) -> Schema:
    """Return the rule of the list in which a value stands; an empty one where it stands in none."""
    *path, inner, _ = ("", "", *error.absolute_schema_path)
    return reduce(lambda rule, step: rule[step], path[2:], schema()) if inner == "items" else {}


def _misnamed(breach: _Breach) -> Iterator[_Finding]:
    wanted, name = breach.rule, str(breach.value)
    what = f"is not {wanted['title']}" if "title" in wanted else wanted["description"]
    yield _Finding(f"{name!r} {what}", example(wanted), name)


def _mistyped(breach: _Breach) -> Iterator[_Finding]:
    wanted = breach.rule
    hint = _of_mapping(breach) or example(wanted)
    if isinstance(breach.value, bool) and "string" in types(wanted) and _matches(shown(breach.value), wanted):
        hint = f'as text, write "{shown(breach.value)}"'
    elif isinstance(breach.value, dict) and breach.value.keys() == {"name"} and types(wanted) == ["boolean"]:
        hint = "write true, and `name` beside it"
    elif isinstance(breach.value, str) and _fits(breach.value, types(wanted)):
        hint = "write it without quotes"
    yield _Finding(f"expected {noun(wanted)}, not {shown(breach.value)}", hint)


def _of_mapping(breach: _Breach) -> str:
    """Say how to write a mapping that is not wanted where it stands; empty if there is no way."""
    if not isinstance(breach.value, dict):
        return ""
    for name in breach.around.get("required", ()):
        known = breach.around["properties"][name].get("items", {}).get("properties", {})
        if any(_may_be(each, known.get(key)) for key, each in breach.value.items()):
            return f"write {{{name}: [...]}}, in which mappings may stand"
    return _parted(breach)


def _may_be(value: Any, wanted: Schema | None) -> bool:
    return wanted is not None and (not isinstance(value, str) or "string" in types(wanted))


def _parted(breach: _Breach) -> str:
    """Say that a blank behind a colon made a mapping of a text; empty if it would not be right without."""
    if len(breach.value) != 1 or "string" not in types(breach.rule) or "pattern" not in breach.rule:
        return ""
    [(name, rest)] = breach.value.items()
    text = f"{name}:{rest}"
    return f"no blank after the colon: {text}" if isinstance(rest, str) and _matches(text, breach.rule) else ""


def _matches(text: str, wanted: Schema) -> bool:
    return bool(re.search(wanted.get("pattern", ""), text))


def _fits(text: str, allowed: list[str]) -> bool:
    """Tell whether a text would be right if it were none."""
    value = adapted(text, text, allowed)
    if isinstance(value, bool):
        return "boolean" in allowed
    return isinstance(value, int) if "integer" in allowed else "number" in allowed and isinstance(value, float)


def _unknown(breach: _Breach) -> Iterator[_Finding]:
    wanted = breach.rule
    known, others = wanted["properties"], extensions(wanted)
    for name in breach.value:
        if name not in known and not others.search(name):
            ours = meant(name, known)
            hint = hint_of(ours) or ELSEWHERE.get(name) or _parted(breach)
            yield _Finding(f"unknown attribute {name!r}", hint, name, ours)


def _missing(breach: _Breach) -> Iterator[_Finding]:
    wanted = breach.rule
    for name in wanted["required"]:
        if name not in breach.value:
            yield _Finding(f"{name!r} is missing", example(wanted["properties"][name], name))


def _mismatched(breach: _Breach) -> Iterator[_Finding]:
    wanted = breach.rule
    yield _Finding(f"{shown(breach.value)} is not {noun(wanted)}", example(wanted))


def _unlisted(breach: _Breach) -> Iterator[_Finding]:
    import difflib

    known = breach.rule.get("enum") or [flow(breach.rule["const"])]
    close = difflib.get_close_matches(str(breach.value), known, n=1, cutoff=NEARLY)
    which = known[0] if len(known) == 1 else f"one of {', '.join(known)}"
    hint = f"did you mean {close[0]!r}?" if close else _explanation(breach.rule)
    yield _Finding(f"expected {which}, not {shown(breach.value)}", hint)


def _explanation(rule: dict[str, Any]) -> str:
    """Say why there is but one value to choose: what such an attribute is for."""
    return str(rule["description"]).rstrip(".") if "const" in rule and "default" in rule else ""


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
    yield _Finding("must not be empty", example(breach.rule))


def _long(breach: _Breach) -> Iterator[_Finding]:
    size, most = len(breach.value), breach.asked
    yield _Finding(f"{shown(breach.value)} is too long: {size} characters, at most {most}")


def _few(breach: _Breach) -> Iterator[_Finding]:
    wanted = breach.rule
    if not breach.value:
        yield from _short(breach)
    else:
        comma = breach.keyword == "minItems" and any(_run_together(each, wanted["items"]) for each in breach.value)
        hint = "is a comma missing?" if comma else example(wanted)
        yield _Finding(f"expected {noun(wanted)}, not a list of {len(breach.value)}", hint)


def _run_together(item: Any, wanted: Schema) -> bool:
    """Tell whether more than one word of a text is right by itself."""
    return isinstance(item, str) and sum(_matches(each, wanted) for each in item.split()) > 1


def _repeated(breach: _Breach) -> Iterator[_Finding]:
    items = breach.value
    for index, item in enumerate(items):
        if items.index(item) < index:
            yield _Finding(f"{shown(item)} is listed twice", step=index)


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
