"""The stages together: what the options promise, and what is refused."""

from __future__ import annotations

import ast
import inspect
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from entries import NAME, Entries, host_with, topology
from memory import KINDS, Box, Ground, MemoryHost, MemorySpec, Part, Seat, Volume, World

from reconciler import reconcile
from reconciler.errors import (
    Conflict,
    EngineForbidden,
    EngineUnreachable,
    HostRefuses,
    NoEngine,
    NotPermitted,
    ReconcilerError,
    StepFailed,
    Usage,
)
from reconciler.host.scope import Scope
from reconciler.kinds.base import Kind
from reconciler.model import (
    Action,
    Change,
    Claim,
    Need,
    Outcome,
    Plan,
    Report,
    Resource,
    ResourceKey,
    Status,
    Step,
    StepKey,
    Topology,
    Verb,
)
from reconciler.observe import needed_and_unavailable, observe
from reconciler.reconcile import Options, Progress
from reconciler.reconcile.adopt import adopted
from reconciler.render import report_lines


def key(text: str) -> ResourceKey:
    return ResourceKey.of(text)


def options(**given: Any) -> Options:
    """Options; resources are named by text."""
    keyed = ("target", "replace", "adopt")
    values: Any = {name: tuple(map(key, value)) if name in keyed else value for name, value in given.items()}
    return Options(**values)


def apply(desired: Entries, host: MemoryHost, **given: Any) -> Report:
    return reconcile.apply(topology(desired), host, kinds=KINDS, options=options(**given))


def steps(report: Report) -> list[str]:
    return [f"{each.step.key} {each.status}" for each in report.outcomes]


def ours(host: MemoryHost) -> list[str]:
    return sorted(str(each.key) for each in host.world.things.values() if each.owner == NAME)


# refusals


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"target": ["box/b"]}, "box/b: there is no such resource, neither in the file nor on the host"),
        ({"replace": ["box/b"]}, "box/b: there is no such resource"),
        ({"replace": ["ground/ext"]}, "ground/ext: it is declared external, and so not ours to replace"),
        (
            {"target": ["box/a"], "replace": ["leaf/blue--red"]},
            "leaf/blue--red: it is to be replaced, and --target leaves it out: name it there as well",
        ),
        ({"adopt": ["box/b"]}, r"box/b: only what the file declares can be adopted$"),
        ({"adopt": ["box/aa"]}, r"box/aa: only what the file declares can be adopted: did you mean 'box/a'\?$"),
        ({"target": ["box/aa"]}, r"neither in the file nor on the host: did you mean 'box/a'\?$"),
        ({"target": ["xob/a"]}, "neither in the file nor on the host$"),
        ({"target": ["boxes/a"]}, r"did you mean 'box/a'\?$"),
        ({"target": ["nothing/like/it"]}, "neither in the file nor on the host$"),
        ({"target": ["leaf/red--blue"]}, r"did you mean 'leaf/blue--red'\?$"),
    ],
)
def test_keys_that_make_no_sense_are_refused(given: dict[str, Any], message: str) -> None:
    host = host_with({"ground/ext": {"owner": ""}})
    with pytest.raises(Usage, match=message):
        apply({"box/a": {}, "leaf/blue--red": {}, "ground/ext": {"external": True}}, host, **given)


def test_what_is_not_ours_is_not_replaced() -> None:
    host = host_with({"box/web": {"owner": "", "name": "t-a"}})
    with pytest.raises(Usage, match=r"^box/@t-a: it is not ours to replace$"):
        apply({"box/a": {}}, host, replace=["box/@t-a"])


def test_what_is_kept_or_gone_anyway_may_be_named_to_be_replaced() -> None:
    given: Entries = {"volume/old": {}, "box/old": {}}
    for keep, left in ((None, ["volume/old"]), (frozenset(KINDS), ["box/old", "volume/old"])):
        host = host_with(given)
        assert apply({}, host, replace=[*given], keep=keep).converged
        assert ours(host) == left


def test_keys_may_be_texts() -> None:
    made = Options(target=("box/a",), replace="box/a", adopt=[key("box/b")])
    assert (made.target, made.replace, made.adopt) == ((key("box/a"),), (key("box/a"),), (key("box/b"),))
    with pytest.raises(Usage, match="'box' is not of the form kind/name, such as container/web"):
        Options(target=("box",))


def test_no_jobs_at_all_make_no_sense() -> None:
    with pytest.raises(Usage, match="jobs: 0 is not a number of at least 1"):
        apply({"box/a": {}}, host_with({}), jobs=0)


def test_what_is_in_the_way_twice_is_told_once() -> None:
    class Twice(Ground):
        def lacking(self, scope: Scope) -> Iterable[tuple[ResourceKey, str]]:
            return [(each.key, "there is no floor") for each in scope.desired.of_kind("ground")] * 2

    with pytest.raises(Conflict) as caught:
        reconcile.prepare(topology({"ground/a": {}}), host_with({}), kinds={**KINDS, "ground": Twice()})
    assert str(caught.value) == "ground/a: there is no floor"


def test_all_that_stands_in_the_way_is_told_at_once() -> None:
    host = host_with({"box/web": {"owner": "", "name": "t-a"}})
    with pytest.raises(Conflict) as caught:
        apply({"box/a": {}, "ground/ext": {"external": True}}, host)
    missing, held = str(caught.value).splitlines()
    assert missing == "ground/ext: declared external, but there is none: make it, or take `external` out"
    assert held.startswith("box/a: box name t-a is held by box t-a, which is not ours: remove that, choose another for")
    assert held.endswith("yours, or take it over with `--adopt box/a`")
    assert caught.value.exit_code == 4


class Running(Part):
    missing = "declared external, and it does not run: start it"


@pytest.mark.parametrize(
    ("there", "said"),
    [
        ({}, "box/ext: declared external, but there is none: make it, or take `external` out"),
        ({"box/ext": {"owner": ""}}, "box/ext: declared external, and it does not run: start it"),
    ],
)
def test_an_external_that_lacks_a_part_is_told_otherwise_than_one_that_is_not_there(there: Entries, said: str) -> None:
    desired = topology({"box/ext": {"external": True}, "part/ext": {"external": True, "stands_on": ["box/ext"]}})
    with pytest.raises(Conflict) as caught:
        reconcile.apply(desired, host_with(there), kinds={**KINDS, "part": Running()})
    assert str(caught.value) == said


class Demanding(Ground):
    """Wants something that the host does not have."""

    def lacking(self, scope: Scope) -> Iterable[tuple[ResourceKey, str]]:
        return [(each.key, "there is no floor") for each in scope.desired.of_kind("ground")]


def test_what_the_host_lacks_for_what_is_pending_is_told_before_the_first_step() -> None:
    host, kinds = host_with({"ground/b": {}}), {**KINDS, "ground": Demanding()}
    desired = topology({"ground/a": {}, "ground/b": {}, "box/c": {}})
    with pytest.raises(Conflict) as caught:
        reconcile.apply(desired, host, kinds=kinds)
    assert str(caught.value) == "ground/a: there is no floor"
    assert reconcile.apply(desired, host, kinds=kinds, options=options(target=["box/c"])).converged


class Linked(Ground):
    """Makes links of a type."""

    link = "wire"


@pytest.mark.parametrize(("names", "few"), [("a", "ground/a"), ("abc", "ground/a and 2 more")])
def test_a_type_of_link_that_the_kernel_does_not_have_is_told_before_the_first_step(
    names: str, few: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    host, kinds = host_with({"ground/gone": {}}), {**KINDS, "ground": Linked()}
    monkeypatch.setattr(host, "lacks", lambda link: link == "wire")
    desired = topology({f"ground/{name}": {} for name in names} | {"box/d": {}})
    with pytest.raises(HostRefuses) as caught:
        reconcile.apply(desired, host, kinds=kinds)
    assert str(caught.value) == f"{few}: this kernel has no wire: `modprobe wire`, or boot one that has it"
    assert ours(host) == ["ground/gone"]
    monkeypatch.setattr(host, "lacks", lambda _: False)
    assert reconcile.apply(desired, host, kinds=kinds).converged
    monkeypatch.setattr(host, "lacks", lambda _: pytest.fail("nothing is to be made"))
    assert reconcile.destroy(desired, host, kinds=kinds).converged


class Hindered(Ground):
    """Is made by nobody on this host."""

    def hindrance(self, action: Action) -> str:
        return "nobody can make one" if action is Action.CREATE else ""


@pytest.mark.parametrize(("names", "few"), [("a", "ground/a"), ("abc", "ground/a and 2 more")])
def test_what_the_host_lets_nobody_do_is_told_before_the_first_step_and_planned_all_the_same(
    names: str, few: str
) -> None:
    host, kinds = host_with({"ground/gone": {}}), {**KINDS, "ground": Hindered()}
    desired = topology({f"ground/{name}": {} for name in names} | {"box/d": {}})
    assert reconcile.prepare(desired, host, kinds=kinds).steps
    with pytest.raises(HostRefuses) as caught:
        reconcile.apply(desired, host, kinds=kinds)
    assert str(caught.value) == f"{few}: nobody can make one"
    assert ours(host) == ["ground/gone"]
    assert reconcile.destroy(desired, host, kinds=kinds).converged


class Precious(Volume):
    replaceable = False

    def contents(self, observed: Resource) -> str:
        return f"{observed.spec.color} is lost"  # type: ignore[attr-defined]


def test_what_is_never_replaced_is_refused_unless_asked_for() -> None:
    kinds = {**KINDS, "volume": Precious()}
    host = host_with({"volume/a": {"shape": "round"}, "volume/b": {}})
    desired = topology({"volume/a": {"shape": "square"}, "volume/b": {}})
    with pytest.raises(Conflict) as caught:
        reconcile.apply(desired, host, kinds=kinds)
    assert str(caught.value) == (
        "volume/a: shape cannot be changed in place, and a volume is never replaced: leave it as it is, declare it"
        " external, or ask for `--replace volume/a`, by which grey is lost"
    )
    report = reconcile.apply(desired, host, kinds=kinds, options=options(replace=["volume/a"]))
    changes = [each.step.change for each in report.outcomes]
    assert [(each.reason, each.contents) for each in changes] == [("asked for", "grey is lost")] * 2
    assert report.converged


def test_what_is_never_replaced_keeps_its_name() -> None:
    host = host_with({"volume/a": {"name": "old"}})
    with pytest.raises(
        Conflict, match=r"volume/a: name cannot be changed in place, .*: write `name: old`, declare it "
    ):
        reconcile.prepare(topology({"volume/a": {}}), host, kinds={**KINDS, "volume": Precious()})


def test_the_options_are_typed_as_they_are() -> None:
    """What may be given to each stands apart, for who checks types."""
    tree = ast.parse(inspect.getsource(Options))
    (typed,) = (each for each in ast.walk(tree) if isinstance(each, ast.FunctionDef) and each.name == "__init__")
    given = zip(typed.args.kwonlyargs, typed.args.kw_defaults, strict=True)
    fields = (each for each in tree.body[0].body if isinstance(each, ast.AnnAssign))  # type: ignore[attr-defined]
    assert {each.arg: ast.unparse(value) for each, value in given if value} == {
        ast.unparse(each.target): ast.unparse(each.value) for each in fields if each.value
    }


# what cannot be observed


class Gone(Seat):
    """A kind that cannot be observed from the n-th time on."""

    def __init__(self, error: Exception, after: int = 0) -> None:
        self.error, self.after, self.times = error, after, itertools.count()

    def observe(self, scope: Scope) -> Iterable[Resource]:  # type: ignore[override]
        if next(self.times) >= self.after:
            raise self.error
        return super().observe(scope)


def with_seats(error: Exception, after: int = 0) -> dict[str, Kind]:
    return {**KINDS, "seat": Gone(error, after)}


def test_what_the_file_declares_must_be_in_reach() -> None:
    kinds = with_seats(EngineUnreachable("no engine"))
    host = MemoryHost()
    made = reconcile.prepare(topology({"seat/a": {}, "box/a": {}}), host, kinds=kinds)
    assert [str(each) for each in made.steps] == ["create box/a"]
    assert list(needed_and_unavailable(made.changes.observed, host, made.changes.desired)) == ["seat"]
    for replaced in ([], ["seat/a"]):
        with pytest.raises(EngineUnreachable):
            reconcile.apply(topology({"seat/a": {}, "box/a": {}}), host, kinds=kinds, options=options(replace=replaced))
    assert host.world.things == {}


def test_where_the_engine_is_known_to_be_away_what_is_in_it_waits_with_all_that_needs_it() -> None:
    desired = topology({"seat/a": {}, "box/a": {"stands_on": ["seat/a"]}, "box/b": {}})
    host = MemoryHost().without_engine("no engine")
    with pytest.raises(EngineUnreachable, match="no engine"):
        assert host.engine
    report = reconcile.apply(desired, host, kinds=with_seats(EngineUnreachable("no engine")))
    assert report.converged
    assert [str(each.key) for each in host.world.things.values()] == ["box/b"]
    with pytest.raises(StepFailed, match="broken"):
        reconcile.apply(desired, host, kinds=with_seats(StepFailed("broken")))


def test_what_rests_does_so_though_something_that_is_as_it_should_be_needs_it() -> None:
    host = host_with({"ground/a": {"color": "red"}, "box/a": {"stands_on": ["ground/a"]}})
    desired: Entries = {"ground/a": {"color": "blue"}, "box/a": {"stands_on": ["ground/a"]}, "box/b": {}}
    report = apply(desired, host, resting=frozenset({key("ground/a")}))
    assert steps(report) == ["create box/b done"]
    assert steps(apply(desired, host)) == ["update ground/a done"]


def test_what_the_file_does_not_declare_may_be_out_of_reach() -> None:
    report = reconcile.apply(topology({"box/a": {}}), MemoryHost(), kinds=with_seats(EngineUnreachable("no engine")))
    assert report.converged


def test_but_not_for_no_good_reason() -> None:
    with pytest.raises(StepFailed, match="KeyError: 'Id'"):
        reconcile.apply(topology({"box/a": {}}), MemoryHost(), kinds=with_seats(KeyError("Id")))


def test_what_cannot_be_looked_at_again_is_not_proved() -> None:
    kinds = with_seats(EngineUnreachable("it went"), after=1)
    report = reconcile.apply(topology({"seat/a": {}, "box/a": {}}), MemoryHost(), kinds=kinds)
    assert not report.failed
    assert [str(each.key) for each in report.remaining] == ["seat/a"]
    assert [str(each) for each in report.unseen] == ["it went"]
    assert next(kinds["seat"].times) == 2, "a look that failed has been patient: it is not repeated"  # type: ignore[attr-defined]
    assert not report.converged


# looking again


class Slow(Ground):
    """A kind whose deleted things are still seen a few times."""

    def __init__(self, times: int) -> None:
        self.left, self.ghosts = times, list[Resource]()

    def observe(self, scope: Scope) -> Iterable[Resource]:  # type: ignore[override]
        found = list(super().observe(scope))
        if not found and self.left:
            self.left -= 1
            return self.ghosts
        self.ghosts = found or self.ghosts
        return found


@pytest.mark.parametrize(
    ("times", "patience", "converged"),
    [(0, 0, True), (2, 0, True), (5, 0, True), (9, 0, False), (9, 0.1, False), (9, 0.2, True)],
)
def test_what_vanishes_late_is_looked_at_a_few_times_and_as_long_as_patience_lasts(
    times: int, patience: float, converged: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconcile, "SECOND_LOOKS", (0.0, 0.01, 0.01, 0.01))
    monkeypatch.setattr(reconcile, "LATE_LOOKS", (0.02, 0.02))
    host = host_with({"ground/a": {}})
    host.patience = patience
    report = reconcile.apply(topology({}), host, kinds={**KINDS, "ground": Slow(times)})
    assert report.converged is converged
    assert [str(each.key) for each in report.remaining] == ["ground/a"] * (not converged)


@pytest.mark.parametrize(("patience", "seconds"), [(0.0, 8), (8.0, 8), (11.9, 8), (12.0, 12), (30.0, 28)])
def test_one_looks_for_what_vanishes_late_no_longer_than_patience_lasts(patience: float, seconds: float) -> None:
    assert sum(reconcile._looks(patience)) == pytest.approx(seconds)


class Forgetful(Ground):
    """A kind whose updates do nothing."""

    def update(self, host: Any, steps: Any) -> Any:
        return [Status.DONE] * len(steps)


def test_what_is_to_be_replaced_stays_where_what_the_new_one_needs_cannot_be_made() -> None:
    host = host_with({"box/a": {}, "part/a": {"stands_on": ["box/a"]}})
    host.world.failing.add(StepKey(key("image/a"), Verb.CREATE))
    desired: Entries = {"image/a": {}, "box/a": {"shape": "square", "stands_on": ["image/a"]}}
    report = apply({**desired, "part/a": {"stands_on": ["box/a"]}}, host)
    assert [str(each.step.key) for each in report.failed] == ["create image/a"]
    assert ours(host) == ["box/a", "part/a"]


def test_success_is_proved_by_looking_not_by_the_absence_of_errors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "SECOND_LOOKS", (0.0,))
    host = host_with({"ground/a": {}})
    desired = topology({"ground/a": {"color": "red"}})
    report = reconcile.apply(desired, host, kinds={**KINDS, "ground": Forgetful()})
    assert not report.failed
    assert not report.converged


class Mortal(Forgetful):
    """A kind that can tell why what was done is undone."""

    def undone(self, host: Any, change: Change) -> StepFailed | None:
        del host
        return StepFailed(f"{change.key}: it has died") if change.key.name == "a" else None


def test_what_is_undone_by_now_has_failed_where_it_can_be_told_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "SECOND_LOOKS", (0.0,))
    host = host_with({"ground/a": {}, "ground/b": {}})
    desired = topology({"ground/a": {"color": "red"}, "ground/b": {"color": "red"}, "box/c": {}})
    report = reconcile.apply(desired, host, kinds={**KINDS, "ground": Mortal()})
    assert steps(report) == ["create box/c done", "update ground/a failed", "update ground/b done"]
    assert [str(each.error) for each in report.failed] == ["ground/a: it has died"]


def test_what_is_undone_is_told_once_of_each_and_never_of_what_failed_or_is_out_of_sight() -> None:
    def outcome(verb: Verb, key: str, status: Status = Status.DONE) -> Outcome:
        change = Change(ResourceKey.of(key), Action.CREATE)
        return Outcome(Step(StepKey(change.key, verb), change), status)

    done = (*(outcome(verb, "ground/a") for verb in (Verb.DELETE, Verb.CREATE)), outcome(Verb.CREATE, "ground/b"))
    left = [each.step.change for each in done]
    told = reconcile._proved(done, left, MemoryHost(), {"ground": Mortal()})
    assert [each.status for each in told] == ["done", "failed", "done"]
    failed = (replace(done[0], status=Status.FAILED), *done[1:])
    assert reconcile._proved(failed, left, MemoryHost(), {"ground": Mortal()}) == failed


def test_nothing_to_do_looks_only_once() -> None:
    kind = Gone(EngineUnreachable("twice"), after=1)
    assert reconcile.apply(topology({"seat/a": {}}), host_with({"seat/a": {}}), kinds={**KINDS, "seat": kind}).converged


def test_progress_is_told() -> None:
    told: list[str] = []

    def planned(made: Plan) -> None:
        told.append(f"{len(made)} planned")

    def started(step: Step) -> None:
        told.append(f"started {step.key}")

    def ended(outcome: Outcome) -> None:
        told.append(f"{outcome.status} {outcome.step.key}")

    progress = Progress(planned, started, ended)
    reconcile.apply(topology({"box/a": {}}), MemoryHost(), kinds=KINDS, progress=progress)
    assert told == ["1 planned", "started create box/a", "done create box/a"]


# keeping and destroying


LAB: Entries = {"volume/a": {}, "image/a": {}, "box/a": {"stands_on": ["volume/a", "image/a"]}}


def test_by_default_only_kept_kinds_are_kept() -> None:
    host = host_with(LAB)
    assert apply({}, host).converged
    assert ours(host) == ["volume/a"]


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ({}, ["image/a", "volume/a"]),
        ({"volumes": True}, ["image/a"]),
        ({"images": True}, ["volume/a"]),
        ({"volumes": True, "images": True}, []),
    ],
)
def test_destroy_leaves_volumes_and_images_unless_asked(given: dict[str, Any], left: list[str]) -> None:
    host = host_with(LAB)
    assert reconcile.destroy(topology(LAB), host, kinds=KINDS, **given).converged
    assert ours(host) == left


HANDED_OVER: Entries = {
    "volume/data": {"external": True, "name": "t-data"},
    "ground/yard": {"external": True, "name": "t-ground"},
    "box/a": {"external": True, "name": "t-a"},
}
ONCE_OURS: Entries = {"volume/data": {}, "ground/ground": {}, "box/a": {}, "box/b": {}}


def test_what_was_ours_and_is_external_by_now_stays() -> None:
    host = host_with(ONCE_OURS)
    assert steps(apply(HANDED_OVER, host)) == ["delete box/b done"]
    assert apply(HANDED_OVER, host).outcomes == ()
    assert reconcile.destroy(topology(HANDED_OVER), host, kinds=KINDS, volumes=True).outcomes == ()
    assert ours(host) == ["box/a", "ground/ground", "volume/data"]


def test_destroy_removes_all_but_what_was_ours_and_is_external_by_now() -> None:
    host = host_with(ONCE_OURS)
    report = reconcile.destroy(topology(HANDED_OVER), host, kinds=KINDS, volumes=True)
    assert (report.converged, steps(report)) == (True, ["delete box/b done"])
    assert ours(host) == ["box/a", "ground/ground", "volume/data"]


def test_destroy_does_not_miss_an_external_and_takes_one_within_ours_along() -> None:
    host = host_with({"ground/a": {}, "seat/mine": {"stands_on": ["ground/a"]}})
    desired: Entries = {
        "box/ext": {"external": True},
        "ground/a": {},
        "seat/ext": {"external": True, "name": "t-mine", "stands_on": ["ground/a"]},
    }
    assert reconcile.destroy(topology(desired), host, kinds=KINDS).converged
    assert ours(host) == []


def test_destroy_needs_in_reach_what_the_file_declares() -> None:
    kinds = with_seats(EngineUnreachable("no engine"))
    with pytest.raises(EngineUnreachable):
        reconcile.destroy(topology({"seat/a": {}}), host_with(LAB), kinds=kinds)


OF_A_FILE = replace(topology(LAB), source="/lab.yaml")


@pytest.mark.parametrize(
    ("desired", "error", "unseen"),
    [
        (Topology(NAME), EngineUnreachable("no answer"), ["no answer"]),
        (Topology(NAME), NoEngine("no engine"), ["no engine"]),
        (OF_A_FILE, EngineUnreachable("no answer"), ["no answer"]),
        (OF_A_FILE, NoEngine("no engine"), []),
        (OF_A_FILE, EngineForbidden("no right"), []),
        (OF_A_FILE, NotPermitted("no right"), []),
    ],
)
def test_what_nobody_could_see_is_not_said_to_be_destroyed(
    desired: Topology, error: ReconcilerError, unseen: list[str]
) -> None:
    for given in ({}, LAB):
        report = reconcile.destroy(desired, host_with(given), kinds=with_seats(error))
        assert [str(each) for each in report.unseen] == unseen
        assert report.converged is not bool(unseen)
        assert not report.remaining


@pytest.mark.parametrize("error", [NotPermitted("no right"), EngineForbidden("no right")])
def test_without_a_file_nothing_is_destroyed_by_who_may_not_look_at_all_of_it(error: ReconcilerError) -> None:
    host = host_with(LAB)
    with pytest.raises(type(error), match="no right"):
        reconcile.destroy(Topology(NAME), host, kinds=with_seats(error))
    assert len(ours(host)) == len(LAB)


def test_unless_nothing_of_it_can_be_where_he_may_not_look() -> None:
    report = reconcile.destroy(Topology(NAME), host_with({}), kinds=with_seats(NotPermitted("no right")))
    assert [str(each) for each in report.unseen] == ["no right"]


def test_what_is_destroyed_was_declared_and_is_not_told_otherwise() -> None:
    made: list[Plan] = []
    report = reconcile.destroy(
        topology({"box/a": {}}), host_with({"box/a": {}}), kinds=KINDS, progress=Progress(made.append)
    )
    assert report.converged
    assert [each.reason for each in made[0].changes.pending] == ["to be destroyed"]


# targets


def test_a_target_that_is_gone_afterwards_is_no_error() -> None:
    host = host_with({"box/a": {}, "box/b": {}})
    assert steps(apply({}, host, target=["box/a"])) == ["delete box/a done"]
    assert ours(host) == ["box/b"]


def test_what_a_target_stood_on_stays_where_only_the_target_leaves_it() -> None:
    before: Entries = {
        "ground/old": {},
        "box/web": {},
        "part/old": {"stands_on": ["box/web", "ground/old"]},
        "box/legacy": {"stands_on": ["ground/old"]},
    }
    host = host_with(before)
    desired: Entries = {"ground/new": {}, "box/web": {}, "part/new": {"stands_on": ["box/web", "ground/new"]}}
    report = apply(desired, host, target=["box/web", "part/old", "part/new"])
    assert report.converged
    assert ours(host) == ["box/legacy", "box/web", "ground/new", "ground/old", "part/new"]


def test_what_falls_with_a_target_is_applied_too() -> None:
    before: Entries = {
        "ground/a": {},
        "box/a": {"stands_on": ["ground/a"]},
        "part/a1": {"stands_on": ["box/a"]},
        "pointer/a": {"refers_to": ["ground/a"]},
        "ground/b": {},
        "box/b": {"stands_on": ["ground/b"]},
    }
    host = host_with(before)
    desired = {**before, "ground/a": {"shape": "square"}, "box/b": {"stands_on": ["ground/b"], "color": "red"}}
    report = apply(desired, host, target=["ground/a"])
    assert report.converged
    assert {str(each.step.key.key) for each in report.outcomes} == {"ground/a", "box/a", "part/a1", "pointer/a"}


def test_what_rests_is_left_alone_with_what_needs_it_as_long_as_there_is_something_to_do_for_it() -> None:
    desired: Entries = {
        "ground/a": {},
        "box/a": {"stands_on": ["ground/a"]},
        "box/b": {},
        "leaf/b": {"stands_on": ["box/b"]},
    }
    resting = frozenset({key("ground/a"), key("box/b")})
    host = host_with({"box/b": {}})
    report = apply(desired, host, resting=resting)
    assert report.converged
    assert steps(report) == ["create leaf/b done"]
    assert steps(apply(desired, host, resting=resting)) == []
    assert steps(apply({"box/b": {}}, host, resting=resting)) == ["delete leaf/b done"]


def test_what_rests_is_not_brought_back_by_what_needs_it_and_is_as_it_should_be() -> None:
    before: Entries = {"box/a": {}, "box/b": {"after": {"box/a": ""}}, "pointer/a": {"refers_to": ["box/a"]}}
    desired = {**before, "box/a": {"color": "red"}, "box/c": {}}
    report = apply(desired, host_with(before), resting=frozenset({key("box/a")}))
    assert steps(report) == ["create box/c done"]
    assert {"box/b", "pointer/a"} <= {str(each.key) for each in report.plan.changes}


def test_with_what_rests_rest_its_parts() -> None:
    desired: Entries = {"box/a": {}, "part/a": {"stands_on": ["box/a"]}, "box/b": {}}
    report = apply(desired, host_with({"box/a": {}}), resting=frozenset({key("box/a")}))
    assert report.converged
    assert steps(report) == ["create box/b done"]


def test_what_waits_for_something_that_rests_is_left_alone_though_there_is_nothing_to_do_for_that_itself() -> None:
    desired: Entries = {"box/a": {}, "box/b": {"after": {"box/a": "healthy"}}, "box/c": {"after": {"box/a": ""}}}
    host = host_with({"box/a": {}})
    assert steps(apply(desired, host, resting=frozenset({key("box/a")}))) == ["create box/c done"]


LINKED: Entries = {
    "ground/a": {},
    "ground/b": {},
    "ground/c": {},
    "seat/ab": {"stands_on": ["ground/a", "ground/b"]},
    "leaf/ab": {"stands_on": ["seat/ab"]},
    "seat/bc": {"stands_on": ["ground/b", "ground/c"]},
    "box/a": {"stands_on": ["ground/a"]},
}


@pytest.mark.parametrize(
    ("there", "target", "applied"),
    [
        ("ground/b ground/c seat/bc", "ground/a", "ground/a leaf/ab seat/ab"),
        ("ground/a ground/c box/a", "ground/b", "ground/b leaf/ab seat/ab seat/bc"),
        ("ground/c", "ground/a", "ground/a"),  # what else the seat needs is not there, and not asked for
        ("ground/a ground/b ground/c box/a", "ground/a", ""),  # what is missing did not fall with the target
    ],
)
def test_what_fell_with_a_target_comes_up_with_it(there: str, target: str, applied: str) -> None:
    host = host_with({each: LINKED[each] for each in there.split()})
    report = apply(LINKED, host, target=[target])
    assert report.converged
    assert {str(each.step.key.key) for each in report.outcomes} == set(applied.split())


def test_what_fell_with_a_target_takes_others_as_they_are() -> None:
    host = host_with({each: LINKED[each] for each in ("ground/b", "ground/c", "box/a")})
    report = apply({**LINKED, "ground/b": {"color": "red"}}, host, target=["ground/a"])
    assert report.converged
    assert "seat/ab" not in {str(each.step.key.key) for each in report.outcomes}
    pointed: Entries = {"ground/a": {}, "box/b": {}, "seat/a": {"stands_on": ["ground/a", "box/b"]}}
    report = apply({**pointed, "box/b": {"color": "red"}}, host_with({"box/b": {}}), target=["ground/a"])
    assert {str(each.step.key.key) for each in report.outcomes} == {"ground/a", "seat/a", "box/b"}


def test_what_fell_with_a_target_cannot_come_up_on_what_was_not_looked_at() -> None:
    desired = topology({"ground/a": {}, "seat/a": {"stands_on": ["ground/a"], "after": {"image/x": ""}}})
    report = reconcile.apply(desired, MemoryHost(), kinds=KINDS, options=options(target=["ground/a"]))
    assert [str(each.step.key.key) for each in report.outcomes] == ["ground/a"]


def test_what_falls_with_a_target_that_has_to_be_replaced_for_the_order_is_applied_too() -> None:
    grounds: Entries = {"ground/a": {"holds": [("p", 0, 0)]}, "ground/b": {"holds": [("q", 0, 0)]}}
    boxes: Entries = {f"box/{name}": {"stands_on": [f"ground/{name[0]}"]} for name in ("a", "b", "bb")}
    host = host_with({**grounds, **boxes})
    swapped: Entries = {"ground/a": grounds["ground/b"], "ground/b": grounds["ground/a"]}
    report = apply({**swapped, **boxes}, host, target=["ground/a", "ground/b"])
    assert report.converged
    assert {str(each.step.key.key) for each in report.outcomes} == {"ground/a", "ground/b", "box/a"}


def test_a_target_is_not_given_what_another_holds_that_is_none() -> None:
    host = host_with({"leaf/a": {"holds": [("p", 1, 1)]}})
    desired: Entries = {"leaf/a": {}, "leaf/b": {"holds": [("p", 1, 1)]}}
    with pytest.raises(Conflict, match="leaf/b: p 1-1 is held by leaf/a, which this run leaves alone"):
        apply(desired, host, target=["leaf/b"])
    assert apply(desired, host).converged


# adopting


STRANGE: Entries = {
    "ground/a": {"owner": "", "name": "t-a", "color": "red"},
    "box/web": {"owner": "", "name": "t-web", "color": "red"},
    "box/busy": {"owner": "", "name": "busy", "holds": [("p", 1, 1)]},
}


def test_what_has_the_name_is_adopted_in_place_or_replaced() -> None:
    host = host_with(STRANGE)
    was = {each.spec.name: each.identity for each in host.world.things.values()}
    report = apply({"ground/a": {}, "box/web": {}}, host, adopt=["ground/a", "box/web"])
    assert report.converged
    now = {each.spec.name: each.identity for each in host.world.things.values()}
    assert now["t-a"] == was["t-a"]
    assert now["t-web"] != was["t-web"]
    assert now["busy"] == was["busy"]


def test_what_holds_some_other_claim_is_not_adopted_but_in_the_way() -> None:
    host = host_with(STRANGE)
    with pytest.raises(Conflict, match="box/web: p 1-1 is held by box busy"):
        apply({"box/web": {"holds": [("p", 1, 1)]}}, host, adopt=["box/web"])


def test_where_ours_is_there_already_nothing_is_adopted() -> None:
    host = host_with({**STRANGE, "ground/b": {}})
    assert steps(apply({"ground/b": {}}, host, adopt=["ground/b"])) == []
    with pytest.raises(Conflict):
        apply({"ground/b": {"name": "t-a"}}, host, adopt=["ground/b"])


def test_what_is_ours_under_another_name_is_not_adopted() -> None:
    left = key("box/@t-web")
    found = Topology(NAME, {left: Resource(left, MemorySpec("t-web"))})
    assert adopted(found, topology({"box/web": {}}), [key("box/web")], kinds=KINDS) == found


def test_what_is_adopted_comes_with_what_its_parts_hold_and_need() -> None:
    whole, part, beside = key("box/@t-web"), key("part/@t-web"), key("part/@busy")
    own, needs = Need(key("ground/disk"), "ground"), (Need(key("box/web"), "box"), Need(key("ground/net"), "ground"))
    found = {
        whole: Resource(whole, MemorySpec("t-web"), (own,), (Claim("name"),), owned=False),
        part: Resource(part, MemorySpec(), needs, (Claim("port", 80, 80),), owned=False, part_of=whole),
        beside: Resource(beside, MemorySpec(), owned=False, part_of=key("box/@busy")),
    }
    desired = topology({"box/web": {}, "part/web": {"stands_on": ["box/web"]}})
    made = adopted(Topology(NAME, found), desired, [key("box/web")], kinds=KINDS)
    assert made.resources == {
        beside: found[beside],
        key("box/web"): Resource(
            key("box/web"), MemorySpec("t-web"), (own, needs[1]), (Claim("name"), Claim("port", 80, 80))
        ),
    }


def test_a_part_is_not_adopted_from_what_stays_and_nobody_is_told_to() -> None:
    host = host_with({"part/theirs": {"owner": "", "name": "", "holds": [("p", 1, 1)]}})
    desired: Entries = {"box/web": {}, "part/web": {"stands_on": ["box/web"], "name": "", "holds": [("p", 1, 1)]}}
    with pytest.raises(Usage, match=r"part/web: a part goes with its box, which alone can be adopted$"):
        apply(desired, host, adopt=["part/web"])
    with pytest.raises(Conflict, match=r"part/web: p 1-1 is held by .*: remove that, or choose another for yours"):
        apply(desired, host)


def test_what_is_never_replaced_is_never_adopted_where_it_cannot_be_marked() -> None:
    host = host_with({"volume/x": {"owner": "", "name": "t-a"}})
    kinds: dict[str, Kind] = {**KINDS, "volume": Precious()}
    with pytest.raises(Conflict, match=r"which is not ours: declare it external, or choose another for yours$"):
        reconcile.prepare(topology({"volume/a": {}}), host, kinds=kinds)
    for given in (options(adopt=["volume/a"]), options(adopt=["volume/a"], replace=["volume/a"])):
        with pytest.raises(Conflict) as caught:
            reconcile.prepare(topology({"volume/a": {}}), host, kinds=kinds, options=given)
        assert str(caught.value) == (
            "volume/a: a volume that is not ours cannot be taken over, since it would have to be replaced, by"
            " which grey is lost: declare it external"
        )


def test_what_is_taken_over_is_refused_where_going_back_would_have_to_return_it() -> None:
    host = host_with(STRANGE)
    desired: Entries = {"ground/a": {}, "box/web": {}}
    was = pictured(host.world)
    with pytest.raises(Conflict) as caught:
        apply(desired, host, adopt=["ground/a", "box/web"], revert=True)
    said = "what it is to take over from others cannot be given back to them: leave out `--on-failure revert`"
    assert str(caught.value) == f"box/web: {said}\nground/a: {said}"
    assert pictured(host.world) == was
    apply(desired, host, adopt=["ground/a", "box/web"])
    host.world.failing = {StepKey(key("leaf/z"), Verb.CREATE)}
    report = apply({**desired, "leaf/z": {}}, host, adopt=["ground/a", "box/web"], revert=True)  # ours by now
    assert report.reverted
    assert report.reverted.converged


class InEngine(Box):
    uses = frozenset(("engine",))


def test_where_there_is_nothing_to_take_over_the_command_line_is_wrong_unless_a_killed_run_may_have_left_nothing() -> (
    None
):
    host, desired, given = host_with({}), topology({"box/a": {}, "ground/a": {}}), options(adopt=["box/a", "ground/a"])
    with pytest.raises(Usage, match=r"^ground/a: nothing that could be adopted has its name or place: leave out `--ad"):
        reconcile.prepare(desired, host, kinds={**KINDS, "box": InEngine()}, options=given)
    with pytest.raises(Usage, match=r"^box/a: .* leave out `--adopt box/a`\nground/a: "):
        apply({"box/a": {}, "ground/a": {}}, host, adopt=["box/a", "ground/a"])
    assert not host.world.things
    assert apply({"box/a": {}}, host).converged
    assert apply({"box/a": {}}, host, adopt=["box/a"]).outcomes == ()


def test_where_a_kind_has_no_names_claims_tell_what_is_adopted() -> None:
    held: Entries = {"seat/x": {"owner": "", "name": "", "holds": [("p", 1, 1)]}}
    desired = topology({"seat/a": {"name": "", "holds": [("p", 1, 1)]}, "seat/b": {"name": ""}})
    host = host_with(held)
    only = Topology(NAME, {key("seat/a"): desired.resources[key("seat/a")]})
    assert reconcile.apply(only, host, kinds=KINDS, options=options(adopt=["seat/a"])).converged
    assert len(host.world.things) == 1


# going back


def failing(entries: Entries, step: str) -> MemoryHost:
    host = host_with(entries)
    verb, name = step.split()
    host.world.failing = {StepKey(key(name), Verb(verb))}
    return host


def pictured(world: World) -> set[tuple[str, str, str, str]]:
    return {(str(each.key), each.owner, each.spec.color, each.spec.shape) for each in world.things.values()}


def test_going_back_restores_what_was_kept_kinds_and_all() -> None:
    before: Entries = {"volume/old": {}, "box/a": {"color": "red"}, "ground/a": {}}
    host = failing(before, "create leaf/z")
    was = pictured(host.world)
    desired: Entries = {
        "volume/new": {},
        "box/a": {"shape": "square", "color": "blue"},
        "leaf/z": {"after": {"box/a": "", "volume/new": ""}},
    }
    report = apply(desired, host, revert=True)
    assert report.reverted
    assert report.reverted.converged
    assert not report.converged
    assert pictured(host.world) == was


class Late(Volume):
    """A kind that can be looked at only the times that are said."""

    def __init__(self, seen: Iterable[bool]) -> None:
        self.seen = iter(seen)

    def observe(self, scope: Scope) -> Iterator[Resource]:
        if not next(self.seen):
            raise EngineUnreachable("no engine")
        return super().observe(scope)


def test_going_back_leaves_alone_what_could_not_be_looked_at_before() -> None:
    host = failing({"volume/data": {}}, "create box/a")
    kinds = {**KINDS, "volume": Late([False, True, True, True])}
    report = reconcile.apply(topology({"box/a": {}, "box/b": {}}), host, kinds=kinds, options=options(revert=True))
    assert report.reverted
    assert report.reverted.converged
    assert ours(host) == ["volume/data"]


class Sick(Ground):
    """What is red is ill, and what is black is dead."""

    def former(self, observed: Resource) -> Resource | None:
        spec: Any = observed.spec
        return None if spec.color == "black" else replace(observed, spec=replace(spec, color="grey"))


def test_going_back_makes_nobody_ill_or_dead_again() -> None:
    host = failing({"ground/ill": {"color": "red"}, "ground/dead": {"color": "black"}}, "create box/a")
    desired = topology({"ground/ill": {"shape": "square"}, "box/a": {}})
    report = reconcile.apply(desired, host, kinds={**KINDS, "ground": Sick()}, options=options(revert=True))
    assert report.reverted
    assert report.reverted.converged
    assert {each[:1] + each[2:] for each in pictured(host.world)} == {("ground/ill", "grey", "round")}


def test_going_back_proves_nothing_of_what_cannot_be_looked_at_again() -> None:
    kinds = with_seats(EngineUnreachable("it went"), after=3)
    host = failing({}, "create box/a")
    report = reconcile.apply(topology({"seat/a": {}, "box/a": {}}), host, kinds=kinds, options=options(revert=True))
    assert report.reverted
    assert [str(each.key) for each in report.reverted.remaining] == ["seat/a"]
    assert [str(each) for each in report.reverted.unseen] == ["it went"]


def test_going_back_proves_nothing_of_what_cannot_be_looked_at_by_now() -> None:
    host = failing({"volume/data": {}}, "create box/a")
    kinds = {**KINDS, "volume": Late([True, True, False, False])}
    report = reconcile.apply(topology({"box/a": {}, "box/b": {}}), host, kinds=kinds, options=options(revert=True))
    assert report.reverted
    assert not report.reverted.converged
    assert [str(each) for each in report.reverted.unseen] == ["no engine"]
    assert report_lines(report)[-1] == "Not looked at again: no engine"
    assert ours(host) == ["volume/data"]


def test_going_back_concerns_all_though_the_run_had_targets() -> None:
    host = failing({"box/a": {}, "box/b": {"color": "red"}}, "create box/a")
    was = pictured(host.world)
    report = apply({"box/a": {"color": "red"}, "box/b": {}}, host, revert=True, target=["box/a"], replace=["box/a"])
    assert report.reverted
    assert steps(report.reverted) == ["create box/a done"]
    assert pictured(host.world) == was


def test_without_a_failure_or_a_wish_or_after_a_stop_nobody_goes_back() -> None:
    assert apply({"box/a": {}}, failing({}, "create box/b"), revert=True).reverted is None
    assert apply({"box/a": {}}, failing({}, "create box/a")).reverted is None
    host = failing({}, "create box/a")

    def stop(_: Outcome) -> None:
        host.stop.set()

    progress = Progress(ended=stop)
    report = reconcile.apply(
        topology({"box/a": {}}), host, kinds=KINDS, options=options(revert=True), progress=progress
    )
    assert report.reverted is None
    assert steps(report) == ["create box/a failed"]


def test_what_still_differs_after_all_steps_is_a_reason_to_go_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reconcile, "SECOND_LOOKS", (0.0,))
    host = host_with({"ground/a": {}, "box/b": {"shape": "square"}})
    was = pictured(host.world)
    desired = topology({"ground/a": {"color": "red"}, "box/b": {}})
    report = reconcile.apply(desired, host, kinds={**KINDS, "ground": Forgetful()}, options=options(revert=True))
    assert (report.failed, [str(each.key) for each in report.remaining]) == ((), ["ground/a"])
    assert report.reverted
    assert report.reverted.converged
    assert pictured(host.world) == was


def test_an_observation_before_going_back_sees_what_is_in_the_way() -> None:
    host = failing({"leaf/a": {"holds": [("p", 1, 1)]}}, "create box/z")
    desired: Entries = {"leaf/a": {}, "box/z": {"after": {"leaf/a": ""}}}

    def occupy(outcome: Outcome) -> None:
        if outcome.status is Status.FAILED:
            host.world.add(
                next(iter(host_with({"leaf/x": {"owner": "", "holds": [("p", 1, 1)]}}).world.things.values()))
            )

    with pytest.raises(ReconcilerError, match="leaf/a: p 1-1 is held by leaf x"):
        reconcile.apply(
            topology(desired), host, kinds=KINDS, options=options(revert=True), progress=Progress(ended=occupy)
        )


def test_what_is_observed_is_never_changed_by_planning() -> None:
    host = host_with(LAB)
    was = dict(host.world.things)
    reconcile.prepare(topology({"box/b": {}}), host, kinds=KINDS)
    assert (host.world.things, host.world.log) == (was, [])
    assert observe(host, topology({}), kinds=KINDS).resources.keys() == {each.key for each in was.values()}
