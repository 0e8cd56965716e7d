"""A question to the kernel together with the reading of its answer, and what it says when it refuses."""

import os
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


class NetlinkError(OSError):
    """A request that the kernel refused, with its number and its own words (NLMSGERR_ATTR_MSG), if it had any."""

    def __init__(self, number: int, reason: str = "") -> None:
        """Take a positive errno and the kernel's extended acknowledgement."""
        said = f" (netlink: {reason})" if reason else ""
        super().__init__(number, os.strerror(number) + said)
        self.reason = reason

    def __str__(self) -> str:
        """Read like `File exists (netlink: Nexthop has invalid gateway)`."""
        return str(self.strerror)
