"""Our dataclasses do as those of the standard library, with which each test compares them."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable
from dataclasses import field
from typing import Any

import pytest

from reconciler.model import Claim, FieldChange
from reconciler.value import dataclass as ours

Declare = Callable[..., Any]
DECLARES: list[Declare] = [ours, dataclasses.dataclass]


def declared(declare: Declare, **options: Any) -> Any:
    """A class with all sorts of fields, and one that derives from it."""

    @declare(**options)
    class Thing:
        """A thing."""

        name: str
        size: int = 3
        parts: tuple[str, ...] = ()
        made: list[int] = field(default_factory=list)
        note: str = field(default="", compare=False)
        hidden: str = field(default="h", repr=False)
        count: int = field(init=False, default=7)
        rest: list[int] = field(init=False, default_factory=lambda: [1])

    @declare(**options)
    class Derived(Thing):
        """A thing with more."""

        more: int = 0

    return Thing, Derived


@pytest.mark.parametrize(
    "options", [{}, {"frozen": True}, {"frozen": True, "slots": True}, {"slots": True, "eq": False}]
)
def test_fields_and_defaults_are_those_of_the_standard_library(options: dict[str, bool]) -> None:
    told: list[Any] = []
    for declare in DECLARES:
        thing, derived = declared(declare, **options)
        made = [
            thing("a"),
            thing("a", 4, made=[2]),
            derived(name="b", more=5),
            derived("b", 1, ("x",), [3], "n", "i", 9),
        ]
        told.append([(dataclasses.asdict(each), repr(each), type(each).__match_args__) for each in made])
        told[-1].append([each.rest is not made[0].rest for each in made])
    assert told[0] == told[1]


@pytest.mark.parametrize("options", [{}, {"eq": False}, {"frozen": True}, {"frozen": True, "slots": True}])
def test_equality_is_that_of_the_standard_library(options: dict[str, bool]) -> None:
    told: list[Any] = []
    for declare in DECLARES:
        thing, derived = declared(declare, **options)
        first = thing("a")
        others = [
            first,
            thing("a"),
            thing("a", 4),
            thing("a", note="n"),
            thing("a", hidden="x"),
            derived("a"),
            "a",
            None,
        ]
        told.append([first == each for each in others])
    assert told[0] == told[1]


def test_what_is_frozen_is_hashed_by_its_fields_and_cannot_be_changed() -> None:
    for declare in DECLARES:

        class Point:
            """A point."""

            x: int
            y: tuple[int, ...] = ()
            note: str = field(default="", compare=False)

        point: Any = declare(frozen=True)(Point)
        assert len({point(1), point(1, note="n"), point(2), point(1, (2,))}) == 3
        with pytest.raises(dataclasses.FrozenInstanceError, match="x"):
            point(1).x = 2
        with pytest.raises(dataclasses.FrozenInstanceError, match="x"):
            del point(1).x
        assert dataclasses.replace(point(1), x=2) == point(2)


def test_what_is_not_frozen_can_be_changed_and_has_no_hash() -> None:
    for declare in DECLARES:
        thing = declared(declare)[0]("a")
        thing.name = "b"
        assert thing.name == "b"
        with pytest.raises(TypeError, match="unhashable"):
            hash(thing)


def test_what_has_no_equality_has_its_own_hash() -> None:
    for declare in DECLARES:
        thing = declared(declare, eq=False, slots=True)[0]
        assert len({thing("a"), thing("a")}) == 2


def test_without_fields_all_are_alike() -> None:
    for declare in DECLARES:

        class Nothing:
            """Nothing."""

        nothing: Any = declare(Nothing)
        assert (nothing() == nothing(), repr(nothing())) == (True, f"{nothing.__qualname__}()")


def test_an_order_is_that_of_the_fields() -> None:
    for declare in DECLARES:

        class Pair:
            """A pair."""

            first: int
            second: str = ""

        pair: Any = declare(frozen=True, order=True)(Pair)
        one, other = pair(1, "b"), pair(2)
        assert sorted([other, one, pair(1)]) == [pair(1), one, other]
        assert (one < other, one <= one, one > other, one >= other) == (True, True, False, False)  # noqa: PLR0124
        with pytest.raises(TypeError):
            _ = one < 3


def test_what_a_class_says_itself_stays() -> None:
    for declare in DECLARES:

        class Said:
            """Says itself."""

            name: str
            told: str = field(init=False)

            def __post_init__(self) -> None:
                self.told = self.name.upper()

            def __repr__(self) -> str:
                return f"<{self.told}>"

        said: Any = declare(Said)
        assert repr(said("a")) == "<A>"
        assert (said("a").told, said("a") == said("a")) == ("A", True)


@pytest.mark.parametrize("wrong", [(), ("a", 1, (), [], "", "h", 9)])
def test_wrong_arguments_are_refused_at_the_first_call_as_at_any(wrong: tuple[Any, ...]) -> None:
    thing = declared(ours)[0]
    for _ in range(2):
        with pytest.raises(TypeError, match="argument"):
            thing(*wrong)
    with pytest.raises(TypeError, match="other"):
        thing("a", other=1)


def test_a_class_is_compiled_once_when_it_is_first_made() -> None:
    thing, derived = declared(ours, frozen=True)
    first = thing.__init__
    assert derived("a").name == "a"
    assert thing.__init__ is first
    thing("a")
    assert thing.__init__ is not first
    assert thing.__init__.__qualname__ == f"{thing.__qualname__}.__init__"


def test_values_are_copied_and_pickled() -> None:
    """Frozen ones with slots as well, into which nothing can be set."""
    claim = Claim("port 80", label="port 80")
    for each in (copy.copy(claim), copy.deepcopy(claim), pickle.loads(pickle.dumps(claim))):
        assert each == claim
        assert each.label == claim.label
    change = FieldChange("mtu", 1, 2)
    assert copy.deepcopy(change) == change


def test_a_field_by_keyword_only_is_refused() -> None:
    with pytest.raises(TypeError, match="Thing has a field by keyword only"):

        @ours
        class Thing:
            name: str = field(kw_only=True)
