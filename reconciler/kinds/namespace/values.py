"""The values of sysctls: set, and those that a new namespace has."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from reconciler.errors import StepFailed
from reconciler.host.kernel.look import read_sysctl
from reconciler.host.libc import aside, unshare


def write(values: Mapping[str, str]) -> None:
    """Set the sysctls that differ, where the calling thread is.

    It takes two rounds: one may reset others (ip_forward does conf.all.accept_redirects and conf.default.forwarding),
    or be refused until another is set (ip_local_port_range while its ports are privileged).
    """
    for key, value in _different(values):
        with contextlib.suppress(StepFailed):
            _write(key, value)
    for key, value in _different(values):
        _write(key, value)


def _different(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield those that differ, each read only when it has its turn."""
    return (each for each in values.items() if read_sysctl(each[0]) != each[1])


def _write(key: str, value: str) -> None:
    try:
        _path(key).write_text(f"{value}\n")  # an empty value would not be written at all without an end of line
    except FileNotFoundError as error:
        raise StepFailed(f"this kernel has no sysctl {key}: take it out, or load what offers it") from error
    except OSError as error:
        raise StepFailed(f"the kernel refuses {value!r} for the sysctl {key}: {error.strerror}") from error


def _path(key: str) -> Path:
    return Path("/proc/sys", key.replace(".", "/"))


def of_new_namespace(keys: Sequence[str]) -> dict[str, str]:
    """Read what a new namespace has, in one that ends at once; what it does not have is left out."""

    def read() -> dict[str, str]:
        unshare()
        return dict(_present(keys))

    return aside(read) if keys else {}


def _present(keys: Sequence[str]) -> Iterator[tuple[str, str]]:
    for key in keys:
        if _path(key).exists():
            yield key, read_sysctl(key)
