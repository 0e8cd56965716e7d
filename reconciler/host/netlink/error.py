"""What the kernel answers when it refuses."""

import os


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
