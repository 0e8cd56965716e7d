"""What the effects of all kinds have in common: a result for each step, marks, batches of links."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, TypeVar

from reconciler.errors import HostRefuses, Interrupted, NotPermitted, ReconcilerError, StepFailed
from reconciler.host.kernel import Reach
from reconciler.host.marks import Mark
from reconciler.host.netlink import NetlinkError, Socket, delete_group, set_link
from reconciler.kinds.base import Later, Result
from reconciler.model import Resource, Step

if TYPE_CHECKING:
    from reconciler.host import Host

T = TypeVar("T")
_GROUP_BITS, _INDEX_BITS = 30, 29
_ROUND = 512
_HINTS = {"no space left on device": "the engine's disk is full: see `docker system df`, and `docker system prune`"}


def one_by_one(host: Host, steps: Iterable[Step], act: Callable[[Step, Host], Result]) -> Iterator[Result]:
    """Carry out each step by itself: the failure of one is its own result, and begins with its key."""
    for step in steps:
        try:
            result = act(step, host)
        except Exception as error:  # noqa: BLE001 - what a library raises becomes a value in our words
            yield named(step, host.explain(error))
        else:
            yield _named_later(host, step, result) if isinstance(result, Later) else result


def one_by_one_inside(host: Host, steps: Iterable[Step], act: Callable[[Step, Reach], Result]) -> Iterator[Result]:
    """Carry out each step by itself, with one way into namespaces for all of them."""
    with Reach(host) as reach:
        yield from one_by_one(host, steps, lambda step, _: act(step, reach))


def _named_later(host: Host, step: Step, later: Later) -> Later:
    """Let what is left of a step fail in the name of its key as well."""

    def guarded(act: Callable[[], T]) -> Callable[[], T]:
        def guard() -> T:
            try:
                return act()
            except Exception as error:
                raise named(step, host.explain(error)) from error

        return guard

    return Later(guarded(later.wait), guarded(later.work))


def named(step: Step, error: ReconcilerError) -> ReconcilerError:
    """Put the key in front of what went wrong."""
    text = _with_hint(str(error))
    if str(error).startswith(f"{step.key.key}:") and text == str(error):
        return error
    text = text.removeprefix(f"{step.key.key}: ")
    made = next((each for each in (NotPermitted, HostRefuses, Interrupted) if isinstance(error, each)), StepFailed)
    found = made(f"{step.key.key}: {text}")
    found.__cause__ = error
    return found


def _with_hint(text: str) -> str:
    """Add what to do about what the engine says in a call of any kind."""
    first, *rest = text.split("\n")
    hint = next((hint for words, hint in _HINTS.items() if words in first), "")
    return "\n".join([f"{first}: {hint}" if hint else first, *rest])


def wanted(step: Step) -> Resource:
    """Return what a step is to make."""
    assert step.change.desired is not None  # noqa: S101 - only a deletion has no desired side
    return step.change.desired


def seen(step: Step) -> Resource:
    """Return what a step is to change or delete."""
    assert step.change.observed is not None  # noqa: S101 - only a creation has no observed side
    return step.change.observed


def mark_of(step: Step, host: Host) -> Mark:
    """Return the mark of what a step makes, changes or deletes."""
    return Mark(step.topology, step.key.key, step.source, host.identity)


def new_index() -> int:
    """Choose an interface's index: by it what follows in a message names the new link, and nothing else ever."""
    import secrets

    return (1 << _INDEX_BITS) + secrets.randbits(_INDEX_BITS)


def delete_links(socket: Socket, indices: Sequence[int]) -> None:
    """Delete links of a namespace at once, by a group that only they are in; what is gone already is a success."""
    import secrets

    for start in range(0, len(indices), _ROUND):
        group = (1 << _GROUP_BITS) + secrets.randbits(_GROUP_BITS)
        gathered = (set_link(each, group=group) for each in indices[start : start + _ROUND])
        socket.send([*gathered, delete_group(group)])


def insist(errors: Iterable[NetlinkError | None], *besides: int) -> None:
    """Raise the first error whose number is not among those that do not matter."""
    for error in errors:
        if error is not None and error.errno not in besides:
            raise error
