"""The whole contract of a kind: what one file must offer to become a kind of the language."""

from __future__ import annotations

from abc import ABC
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, ClassVar

from reconciler.errors import ReconcilerError
from reconciler.host.privilege import KERNEL_WORK
from reconciler.model import Action, Change, Resource, ResourceKey, Spec, Status, Step, Verb
from reconciler.value import dataclass

if TYPE_CHECKING:
    from reconciler.host import Host
    from reconciler.host.scope import Scope
    from reconciler.kinds.source import Source


@dataclass(frozen=True)
class Later:
    """What is left of a step: a wait, which keeps no worker, and then perhaps some more work."""

    wait: Callable[[], None]
    work: Callable[[], Status] = lambda: Status.DONE


Result = Status | ReconcilerError | Later
"""What became of one step: a status, the error that made it fail, or what is left of it to wait for."""

Row = tuple[str, str, str, str, str]
"""Of an interface: its name, its peer, its size and state, its MAC address, its addresses."""


@dataclass(frozen=True)
class Told:
    """What a person is told of a live resource: facts on one line, and rows below the nodes that have interfaces."""

    facts: tuple[str, ...] = ()
    rows: tuple[tuple[ResourceKey, Row], ...] = ()


class Kind(ABC):
    """A kind of resource: some facts, some pure functions, some effects.

    Effects are given *lists* of up to `batch` steps and yield one result an item, in order; an exception is the
    result of every item that has none yet.
    """

    name: ClassVar[str]
    """The first part of its keys."""
    spec: ClassVar[type[Spec]]
    """Its attributes."""
    section: ClassVar[str] = ""
    """The top-level section of the file that declares it, if it has one of its own."""
    part_of: ClassVar[str] = ""
    """The kind under which a person reads it."""
    batch: ClassVar[int] = 1
    """How many steps of one verb it takes at once."""
    uses: ClassVar[frozenset[str]] = frozenset()
    """What of the host it lives in: `engine`, `kernel`."""
    link: ClassVar[str] = ""
    """The type of link (man 8 ip-link) that it makes, if it does, and that the kernel so has to have."""
    kept: ClassVar[bool] = False
    """Whether it is deleted only when asked for."""
    irrecoverable: ClassVar[bool] = False
    """Whether a deleted one cannot be made again, so that it is deleted last, after all else succeeded."""
    replaceable: ClassVar[bool] = True
    """Whether what cannot be changed in place is replaced; otherwise the plan is refused, unless a person asks."""
    create_before_delete: ClassVar[bool] = False
    """Whether a replacement is made before the old one is deleted, which spares what is the new one's by then.

    So two of the kind can hold a claim at once: one takes it from the other.
    """
    missing: ClassVar[str] = "declared external, but there is none: make it, or take `external` out"
    """What to say where one is declared external and none is observed; of a part it is said of the whole."""
    tentative: ClassVar[bool] = False
    """Whether making it may yield what was there before, so that what stands on it is replaced only if changed."""

    def parse(self, source: Source) -> Iterable[Resource]:
        """Read the desired resources out of the file; problems are noted on the source."""
        raise NotImplementedError

    def observe(self, scope: Scope) -> Iterable[Resource]:
        """Read the observed resources: ours, declared externals, and what holds a declared live name."""
        raise NotImplementedError

    def lacking(self, scope: Scope) -> Iterable[tuple[ResourceKey, str]]:
        """Say of desired resources what they take for granted, and the host does not have."""
        del scope
        return ()

    def mutable(self, path: str, observed: Resource, desired: Resource) -> bool:
        """Tell whether the attribute can be changed in place from the observed to the desired value."""
        del path, observed, desired
        return False

    def privileges(self) -> frozenset[str]:
        """Return the capabilities (capabilities(7)) that its steps take of this process."""
        return KERNEL_WORK if "kernel" in self.uses else frozenset()

    def hindrance(self, action: Action) -> str:
        """Say why this host lets nobody do that to one of the kind, and what to do; empty where nothing is known."""
        del action
        return ""

    def carries(self, verb: Verb, change: Change, other: Change) -> bool:
        """Tell whether the step of `change` does the same verb for `other`, which stands on it, along the way."""
        del verb, change, other
        return False

    def host_interfaces(self, resource: Resource) -> Iterable[str]:
        """Return the names of the interfaces of the host that it has to do with, marked or not: a watch hears them."""
        del resource
        return ()

    def public(self, resource: Resource) -> Iterable[str]:
        """Return the words of a resource that are told in any case, though one of them may serve as a password too."""
        return (resource.key.name,)

    def tell(self, resource: Resource) -> Told:
        """Say what is live of an observed resource, for people."""
        return Told((getattr(resource.spec, "name", ""),))

    def former(self, observed: Resource) -> Resource | None:
        """Return what going back makes of something again; None for a symptom, a remainder, what nobody can make."""
        return observed

    def contents(self, observed: Resource) -> str:
        """Say what becomes of what is in it where it is replaced; empty where nothing is in it that a new one lacks."""
        del observed
        return ""

    def undone(self, host: Host, change: Change) -> ReconcilerError | None:
        """Say why what a step has brought about is not so any more, as far as that can be told; None else."""
        del host, change
        return None

    def create(self, host: Host, steps: Sequence[Step]) -> Iterable[Result]:
        """Make what is desired, with its mark."""
        raise NotImplementedError

    def update(self, host: Host, steps: Sequence[Step]) -> Iterable[Result]:
        """Change the observed into the desired, in place."""
        raise NotImplementedError

    def delete(self, host: Host, steps: Sequence[Step]) -> Iterable[Result]:
        """Remove the observed; what is gone already is a success."""
        raise NotImplementedError

    def wait(self, host: Host, steps: Sequence[Step]) -> Iterable[Result]:
        """Wait until the condition of each step holds."""
        raise NotImplementedError
