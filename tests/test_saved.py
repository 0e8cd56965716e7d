"""A saved plan is a promise: it holds no secret, and is refused when anything is different by now."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from reconciler import saved
from reconciler.errors import PlanStale, Usage
from reconciler.model import (
    Action,
    Change,
    Changes,
    FieldChange,
    FrozenMap,
    Plan,
    Resource,
    ResourceKey,
    Spec,
    Step,
    StepKey,
    Topology,
    Verb,
    secret,
)
from reconciler.reconcile import Options
from reconciler.secret import Secret
from reconciler.value import dataclass

WEB = ResourceKey("container", "web")
MACHINE = b"what only this machine knows"


@dataclass(frozen=True)
class Thing(Spec):
    word: str = ""
    environment: FrozenMap[str] = secret()


def made(
    token: str = "s3cret",
    *,
    word: str = "a",
    digest: str = "d1",
    source: str = "/x/t.yaml",
    fields: Sequence[FieldChange] = (),
    wait: bool = False,
) -> Plan:
    wanted = Resource(WEB, Thing(word, FrozenMap({"TOKEN": token})))
    hidden = FieldChange("environment.TOKEN", "old", token, secret=True)
    change = Change(WEB, Action.UPDATE, "", wanted, wanted, (hidden, *fields))
    desired = Topology("notes", source=source, digest=digest)
    changes = Changes(desired, Topology("notes"), MappingProxyType({WEB: change}))
    keys = [StepKey(WEB, Verb.UPDATE), *([StepKey(WEB, Verb.WAIT, "healthy")] if wait else [])]
    successors = {before: [after] for before, after in pairwise(keys)}
    return Plan(changes, MappingProxyType({key: Step(key, change) for key in keys}), successors)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "plan.json"


def test_what_is_the_same_is_accepted(path: Path) -> None:
    saved.save(path, made(), machine=MACHINE)
    found = saved.read(path)
    assert (found.file, found.name) == ("/x/t.yaml", "notes")
    saved.check(found, made(), machine=MACHINE)


def test_what_was_chosen_is_chosen_again(path: Path) -> None:
    options = Options(target=(WEB,), replace=(WEB,), adopt=(WEB,), keep=frozenset(("image",)), jobs=3)
    saved.save(path, made(), machine=MACHINE, options=options)
    assert saved.read(path).options == replace(options, jobs=8)
    saved.save(path, made(), machine=MACHINE)
    assert saved.read(path).options == Options()


@pytest.mark.parametrize("chosen", [{"jobs": ["3"]}, {"target": "a/b"}, {"target": [1]}, {"target": ["web"]}, []])
def test_what_cannot_have_been_chosen_makes_no_saved_plan(path: Path, chosen: Any) -> None:
    saved.save(path, made(), machine=MACHINE)
    path.write_text(json.dumps({**json.loads(path.read_text()), "chosen": chosen}))
    with pytest.raises(Usage, match="is not a saved plan"):
        saved.read(path)


def test_waiting_or_not_makes_no_other_plan(path: Path) -> None:
    saved.save(path, made(wait=True), machine=MACHINE)
    saved.check(saved.read(path), made(), machine=MACHINE)


def test_a_saved_plan_holds_no_secret_and_is_its_owners_alone(path: Path) -> None:
    saved.save(path, made(), machine=MACHINE)
    assert "s3cret" not in path.read_text()
    assert "(secret " in path.read_text()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_two_saved_plans_do_not_tell_that_their_secrets_are_the_same(path: Path) -> None:
    saved.save(path, made(), machine=MACHINE)
    first = json.loads(path.read_text())
    saved.save(path, made(), machine=MACHINE)
    second = json.loads(path.read_text())
    assert first["salt"] != second["salt"]
    assert first["plan"] != second["plan"]
    assert first["format_version"] == 1


@pytest.mark.parametrize(
    ("now", "message"),
    [
        (made(token="other"), r"another one by now \(container/web\): plan again"),
        (made(word="b"), r"\(container/web\)"),
        (made(fields=[FieldChange("state", "stopped", "running")]), r"\(container/web\)"),
        (made(digest="d2"), "/x/t.yaml: has changed since the plan was saved"),
    ],
)
def test_what_is_different_is_refused(path: Path, now: Plan, message: str) -> None:
    saved.save(path, made(), machine=MACHINE)
    with pytest.raises(PlanStale, match=message) as caught:
        saved.check(saved.read(path), now, machine=MACHINE)
    assert caught.value.exit_code == 5


def test_another_machine_or_this_one_started_again_refuses_it_and_its_digests_are_others(path: Path) -> None:
    saved.save(path, made(), machine=MACHINE)
    found = saved.read(path)
    with pytest.raises(PlanStale, match="on another machine, or before this one was started again"):
        saved.check(found, made(), machine=b"another")
    now = saved.rendered(made(), saved.key_of(found.salt, b"another"))
    assert now["changes"] != found.plan["changes"]


def test_the_digest_of_the_file_tells_nothing_either(path: Path) -> None:
    saved.save(path, made(digest="the-digest-of-its-bytes"), machine=MACHINE)
    assert "the-digest-of-its-bytes" not in path.read_text()


def test_a_difference_that_no_resource_shows_is_refused_too(path: Path) -> None:
    saved.save(path, made(), machine=MACHINE)
    found = saved.read(path)
    with pytest.raises(PlanStale, match="another one by now: plan again"):
        saved.check(replace(found, plan={**found.plan, "unchanged": 7}), made(), machine=MACHINE)


def test_a_plan_of_standard_input_cannot_be_saved(path: Path) -> None:
    with pytest.raises(Usage, match="standard input, or of a pipe"):
        saved.save(path, made(source="-"), machine=MACHINE)
    assert not path.exists()


def test_nothing_is_written_through_a_link_or_over_what_is_no_file(tmp_path: Path) -> None:
    (tmp_path / "kept").write_text("kept")
    (tmp_path / "link").symlink_to("kept")
    (tmp_path / "dangling").symlink_to("made")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    for name in ("link", "dangling", "folder", "pipe"):
        with pytest.raises(Usage, match=r"cannot be written: it is there, and no file of its own$"):
            saved.save(tmp_path / name, made(), machine=MACHINE)
    assert (tmp_path / "kept").read_text() == "kept"
    assert sorted(each.name for each in tmp_path.iterdir()) == ["dangling", "folder", "kept", "link", "pipe"]


@pytest.mark.parametrize("content", ["name: lab\n", "{}", '["salt"]', "[" * 100_000, "\udcff"])
def test_what_is_no_saved_plan_is_not_overwritten(path: Path, content: str) -> None:
    path.write_text(content, errors="surrogateescape")
    with pytest.raises(Usage, match=r"plan\.json: is there, and is no saved plan: name another file, such as"):
        saved.save(path, made(), machine=MACHINE)
    assert path.read_text(errors="surrogateescape") == content


@pytest.mark.parametrize("content", ["", '{"format_version": 0, "salt": "x"}'])
def test_an_empty_file_and_a_saved_plan_of_any_format_are(path: Path, content: str) -> None:
    path.write_text(content)
    saved.save(path, made(), machine=MACHINE)
    saved.check(saved.read(path), made(), machine=MACHINE)


def test_what_is_named_as_a_saved_plan_and_is_none_is_not_proposed_as_one(tmp_path: Path) -> None:
    (tmp_path / "topology.yaml").write_text("name: lab\n")
    with pytest.raises(Usage, match=r"topology\.yaml: is not a saved plan: .* `reconciler plan --out plan\.json`$"):
        saved.read(tmp_path / "topology.yaml")


def test_a_file_that_others_could_read_is_only_its_owners_afterwards(path: Path) -> None:
    path.write_text('{"salt": "old"}')
    path.chmod(0o666)
    with path.open() as before:
        saved.save(path, made(), machine=MACHINE)
        assert before.read() == '{"salt": "old"}'
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_where_the_last_move_fails_nothing_is_left(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Path, "replace", refused)
    with pytest.raises(Usage, match="cannot be written: Read-only file system"):
        saved.save(path, made(), machine=MACHINE)
    assert list(path.parent.iterdir()) == []


def test_where_nothing_can_be_written_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(Usage, match="cannot be written"):
        saved.save(tmp_path / "nowhere" / "plan.json", made(), machine=MACHINE)
    (tmp_path / "folder").mkdir()
    with pytest.raises(Usage, match="cannot be written"):
        saved.save(tmp_path / "folder", made(), machine=MACHINE)
    assert [each.name for each in tmp_path.iterdir()] == ["folder"]


def test_where_what_is_to_be_written_cannot_be_nothing_is_left(path: Path) -> None:
    with pytest.raises(UnicodeEncodeError):
        saved.save(path, made(source="/\udcff/t.yaml"), machine=MACHINE)
    assert list(path.parent.iterdir()) == []


def test_a_name_that_is_too_long_is_told(tmp_path: Path) -> None:
    with pytest.raises(Usage, match="cannot be written: File name too long"):
        saved.save(tmp_path / ("x" * 300), made(), machine=MACHINE)


def test_a_large_plan_is_read_again(path: Path) -> None:
    wide = made(fields=[FieldChange(f"word.{number}", "a" * 300, "b" * 300) for number in range(20_000)])
    saved.save(path, wide, machine=MACHINE)
    assert path.stat().st_size > 8 << 20
    saved.check(saved.read(path), wide, machine=MACHINE)


@pytest.mark.parametrize("plan", [{}, {"changes": [1], "desired": {}}, {"changes": [], "desired": 1}])
def test_a_plan_that_was_written_into_is_refused_like_another(path: Path, plan: Any) -> None:
    saved.save(path, made(), machine=MACHINE)
    path.write_text(json.dumps({**json.loads(path.read_text()), "plan": plan}))
    with pytest.raises(PlanStale, match="the plan would be another one by now: plan again"):
        saved.check(saved.read(path), made(), machine=MACHINE)


WHOLE = {"format_version": 1, "file": "t", "digest": "d", "name": "n", "salt": 5, "machine": "m", "plan": {}}


@pytest.mark.parametrize(
    "content",
    [
        *("", "no json", "[]", "{}", '{"format_version": 1}', '"text"', "[" * 100_000, json.dumps(WHOLE)),
        *(json.dumps({**WHOLE, "salt": "aa", **odd}) for odd in ({"salt": "\ud800"}, {"file": "a\0b"})),
    ],
    ids=lambda content: content[:20],
)
def test_what_is_no_saved_plan_is_refused(path: Path, content: str) -> None:
    path.write_text(content)
    with pytest.raises(Usage, match="is not a saved plan"):
        saved.read(path)


def test_a_plan_that_is_not_there_and_one_of_another_format_are_refused(path: Path) -> None:
    with pytest.raises(Usage, match="cannot be read: No such file"):
        saved.read(path)
    saved.save(path, made(), machine=MACHINE)
    other: dict[str, Any] = {**json.loads(path.read_text()), "format_version": 2}
    path.write_text(json.dumps(other))
    with pytest.raises(Usage, match="is of format 2, and this program reads 1"):
        saved.read(path)


def test_a_secret_that_was_put_into_another_text_is_not_saved_and_its_change_is_seen(path: Path) -> None:
    Secret("hunter22pw")
    Secret("hunter23pw")
    saved.save(path, made(word="/hunter22pw"), machine=MACHINE)
    assert "hunter22pw" not in path.read_text()
    saved.check(saved.read(path), made(word="/hunter22pw"), machine=MACHINE)
    with pytest.raises(PlanStale, match="container/web"):
        saved.check(saved.read(path), made(word="/hunter23pw"), machine=MACHINE)
