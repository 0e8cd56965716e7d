"""The values of sysctls: set, and those that a new namespace has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from reconciler.errors import StepFailed
from reconciler.host.kernel.look import read_sysctl
from reconciler.host.libc import aside, unshare


def write(values: Mapping[str, str]) -> None:
    """Set sysctls where the calling thread is."""
    for key, value in values.items():
        path = Path("/proc/sys", key.replace(".", "/"))
        try:
            path.write_text(value)
        except FileNotFoundError as error:
            raise StepFailed(f"this kernel has no sysctl {key}: take it out, or load what offers it") from error
        except OSError as error:
            raise StepFailed(f"the kernel refuses {value!r} for the sysctl {key}: {error.strerror}") from error


def of_new_namespace(keys: Sequence[str]) -> dict[str, str]:
    """Read what a new namespace has, in one that ends at once; what it does not have is left out."""

    def read() -> dict[str, str]:
        unshare()
        return dict(_present(keys))

    return aside(read) if keys else {}


def _present(keys: Sequence[str]) -> Iterator[tuple[str, str]]:
    for key in keys:
        if value := read_sysctl(key):
            yield key, value
