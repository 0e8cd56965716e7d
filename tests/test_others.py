"""What a plan would take away from another file of the same name is told, and what it would make twice."""

from __future__ import annotations

import pytest
from memory import MemorySpec

from reconciler.model import Action, Change, Changes, Resource, ResourceKey, Topology
from reconciler.reconcile.others import made_before, mixed_up, taken_from_others


def doomed(name: str, source: str = "", action: Action = Action.DELETE) -> Change:
    key = ResourceKey("box", name)
    return Change(key, action, observed=Resource(key, MemorySpec(), owned=True, live={"source": source}))


def told(mine: str, *changes: Change) -> list[str]:
    by_key = {each.key: each for each in changes}
    return [*taken_from_others(Changes(Topology("t", source=mine), Topology("t"), by_key))]


WORDS = "unless that is this file before it was moved, --name keeps the two apart"


@pytest.mark.parametrize("change", [doomed("a"), doomed("a", "/x/mine.yaml"), doomed("a", "mine.yaml")])
def test_what_is_of_this_file_or_of_none_is_taken_without_a_word(change: Change) -> None:
    assert told("/x/mine.yaml", change) == []


def test_what_is_of_another_file_is_told_file_by_file_and_not_without_end() -> None:
    changes = [doomed(each, "/y/b.yaml") for each in "abcde"] + [doomed("f", "/y/a.yaml")]
    changes += [doomed("g", "/y/a.yaml", Action.UPDATE)]
    assert told("/x/mine.yaml", *changes) == [
        f"box/f: made from /y/a.yaml: {WORDS}",
        f"box/a, box/b, box/c and 2 more: made from /y/b.yaml: {WORDS}",
    ]
    assert told("", *changes) == []


def test_what_the_file_made_under_another_name_is_told_whatever_is_to_be_done_unless_it_is_named_outside() -> None:
    observed = Topology("t", beside=("rv",))
    made = {ResourceKey("box", "a"): doomed("a", action=Action.CREATE)}
    for changes in (Changes(Topology("t"), observed, made), Changes(Topology("t"), observed, {})):
        assert (
            [*made_before(changes)]
            == [*mixed_up(changes, named=False)]
            == ["topology rv was made from this file too: if that was its name, `reconciler destroy --name rv`"]
        )
        assert [*mixed_up(changes, named=True)] == []
