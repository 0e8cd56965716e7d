"""The schema as functions: each takes a value, makes of it what the schema wants, and gives up where it may be wrong.

They are quick where all is right, which jsonschema is not; where they give up, that one says what is wrong. So they may
be stricter than the schema, and never more lenient.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from typing import Any

from reconciler.topology.schema import Schema, adapted, empty, extensions, schema, types
from reconciler.topology.yaml12 import scalar

Rule = Callable[[Any], Any]
Test = Callable[[Any], bool]
_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}


class Doubtful(Exception):
    """A value that may be wrong."""


class Plain(str):
    """A scalar without quotes: what it is depends on what is wanted."""

    __slots__ = ()


@cache
def whole() -> Rule:
    """Return the function of a whole file."""
    return _rule(schema())


def fits(values: Any) -> bool:
    """Tell whether a whole file is surely as the schema wants it; its values are read already."""
    try:
        whole()(values)
    except Doubtful:
        return False
    return True


def _rule(wanted: Schema) -> Rule:
    allowed, tests = types(wanted), _tests(wanted)
    kinds = _kinds(allowed)
    texts = "string" in allowed
    within: Mapping[type, Rule] = {dict: _mapping(wanted), list: _list(wanted)}

    def rule(value: Any) -> Any:
        if type(value) is Plain:
            text = str(value)
            value = scalar(text)
            if not texts or type(value) is not str:
                value = adapted(value, text, allowed)
        if value is None:
            value = empty(wanted)
        kind = str if isinstance(value, str) else type(value)
        if kind not in kinds:
            raise Doubtful
        if kind in within:
            within[kind](value)
        for test in tests:
            if not test(value):
                raise Doubtful
        return value

    return rule


def _anything(value: Any) -> Any:
    """Read what may be anything."""
    if isinstance(value, dict):
        return {name: _anything(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_anything(each) for each in value]
    return scalar(str(value)) if type(value) is Plain else value


def _kinds(allowed: Iterable[str]) -> frozenset[type]:
    return frozenset(kind for each in [*allowed] or _TYPES for kind in _TYPES[each])


def _mapping(wanted: Schema) -> Rule:
    """Make the function that reads the entries of a mapping, each in its place; their rules are made on first use."""
    properties, others = wanted.get("properties", {}), wanted.get("additionalProperties", {})
    patterns = extensions(wanted)
    rules: dict[str, Rule] = {}
    other = cache(lambda: _rule(others))

    def found(name: str) -> Rule:
        if name in properties:
            rules[name] = _rule(properties[name])
            return rules[name]
        if patterns.search(name):
            return _anything
        if others is False:
            raise Doubtful
        return other()

    def mapping(value: dict[str, Any]) -> None:
        for name, each in value.items():
            rule = rules.get(name) or found(name)
            value[name] = rule(each)

    return mapping


def _list(wanted: Schema) -> Rule:
    """Make the function that reads the elements of a list, each in its place."""
    rule = cache(lambda: _rule(wanted.get("items", {})))

    def items(value: list[Any]) -> None:
        value[:] = map(rule(), value)

    return items


def _tests(wanted: Schema) -> list[Test]:
    """Make the tests of all keywords that do not say how a value is read."""
    found = [make(wanted[name]) for name, make in _MAKE.items() if name in wanted]
    return [*found, _condition(wanted)] if "if" in wanted else found


def _holds(wanted: Schema) -> Test:
    """Make the test of a part of the schema that only asks, and reads nothing."""
    tests = _tests(wanted)
    if "type" in wanted:
        kinds = _kinds(types(wanted))
        tests.append(lambda value: type(value) in kinds)
    if "properties" in wanted:
        asked = {name: _holds(each) for name, each in wanted["properties"].items()}
        tests.append(lambda value: all(asked[name](each) for name, each in _pairs(value) if name in asked))
    return lambda value: all(test(value) for test in tests)


def _pairs(value: Any) -> Iterable[tuple[str, Any]]:
    return value.items() if isinstance(value, dict) else ()


def _condition(wanted: Schema) -> Test:
    given, then, other = (_holds(wanted.get(name, {})) for name in ("if", "then", "else"))
    return lambda value: then(value) if given(value) else other(value)


def _any_of(branches: list[Schema]) -> Test:
    tests = [_holds(each) for each in branches]
    return lambda value: any(test(value) for test in tests)


def _one_of(branches: list[Schema]) -> Test:
    tests = [_holds(each) for each in branches]
    return lambda value: sum(test(value) for test in tests) == 1


def _not(part: Schema) -> Test:
    test = _holds(part)
    return lambda value: not test(value)


def _names(part: Schema) -> Test:
    test = _holds(part)
    return lambda value: all(test(name) for name, _ in _pairs(value))


def _pattern(text: str) -> Test:
    search = re.compile(text).search
    return lambda value: not isinstance(value, str) or search(value) is not None


def _enum(values: list[Any]) -> Test:
    return lambda value: any(type(value) is type(each) and value == each for each in values)


def _required(names: list[str]) -> Test:
    return lambda value: not isinstance(value, dict) or all(name in value for name in names)


def _dependent(asked: Mapping[str, list[str]]) -> Test:
    return lambda value: all(other in value for name, others in asked.items() if name in value for other in others)


def _at_least(low: float) -> Test:
    return lambda value: type(value) not in (int, float) or value >= low


def _at_most(high: float) -> Test:
    return lambda value: type(value) not in (int, float) or value <= high


def _unique(_: bool) -> Test:
    return lambda value: not isinstance(value, list) or len({*map(str, value)}) == len(value)


_MAKE: Mapping[str, Callable[[Any], Test]] = {
    "enum": _enum,
    "const": lambda value: _enum([value]),
    "pattern": _pattern,
    "minimum": _at_least,
    "maximum": _at_most,
    "minLength": lambda count: lambda value: not isinstance(value, str) or len(value) >= count,
    "maxLength": lambda count: lambda value: not isinstance(value, str) or len(value) <= count,
    "minItems": lambda count: lambda value: not isinstance(value, list) or len(value) >= count,
    "maxItems": lambda count: lambda value: not isinstance(value, list) or len(value) <= count,
    "uniqueItems": _unique,
    "required": _required,
    "dependentRequired": _dependent,
    "propertyNames": _names,
    "oneOf": _one_of,
    "anyOf": _any_of,
    "not": _not,
}
"""How the test of each keyword is made."""
