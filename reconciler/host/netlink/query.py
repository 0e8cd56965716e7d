"""A question to the kernel together with the reading of its answer."""

from collections.abc import Callable
from typing import Generic, TypeVar

from reconciler.value import dataclass

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Query(Generic[T]):
    """A request and the parser of its replies: (buffer, start, end) → what it says, or None to leave it out.

    A dump that the kernel refuses with the errno `nothing` found nothing.
    """

    message: bytes
    parse: Callable[[bytes, int, int], T | None]
    nothing: int = 0
