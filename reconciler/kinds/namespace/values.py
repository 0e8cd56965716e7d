"""The values of sysctls: set, and those that a new namespace has."""

from __future__ import annotations

import contextlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from reconciler.errors import StepFailed
from reconciler.host.kernel.sysctls import read_sysctl
from reconciler.host.libc import aside, unshare


def write(values: Mapping[str, str], interfaces: Collection[str] = ()) -> None:
    """Set the sysctls that differ, where the calling thread is, and what interfaces there have from them.

    It takes two rounds: one may reset others (ip_forward does conf.all.accept_redirects and conf.default.forwarding),
    or be refused until another is set (ip_local_port_range while its ports are privileged).
    """
    for key, value in _different(values):
        with contextlib.suppress(StepFailed):
            _write(key, value, interfaces)
    refusals = []
    for key, value in _different(values):
        try:
            _write(key, value, interfaces)
        except StepFailed as error:  # which holds up none of the others
            refusals.append(str(error))
    if refusals:
        raise StepFailed("\n".join(refusals))


def _different(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Yield those that differ, each read only when it has its turn."""
    return (each for each in values.items() if read_sysctl(each[0]) != each[1])


def _write(key: str, value: str, interfaces: Collection[str]) -> None:
    former = read_sysctl(key)
    try:
        _path(key).write_text(f"{value}\n")  # an empty value would not be written at all without an end of line
    except FileNotFoundError as error:
        raise StepFailed(f"a network namespace has no sysctl {key}: take it out, or load what offers it") from error
    except OSError as error:
        raise StepFailed(f"the kernel refuses {value!r} for the sysctl {key}: {error.strerror}") from error
    _hand_on(key, former, value, interfaces)


def _hand_on(key: str, former: str, value: str, interfaces: Collection[str]) -> None:
    """Give a default to the interfaces that have the former one: made now, they would have it of themselves.

    Of IPv4 the kernel does so itself, until an interface has an address (inetdev_init, ipv4_devconf_setall).
    """
    parts = key.split(".")
    for each in interfaces if parts[2:4] == ["conf", "default"] else ():
        path = Path("/proc/sys", *parts[:3], each, *parts[4:])
        with contextlib.suppress(OSError):  # gone meanwhile, or not for this sort of interface
            if " ".join(path.read_text().split()) == former:
                path.write_text(f"{value}\n")


def _path(key: str) -> Path:
    return Path("/proc/sys", key.replace(".", "/"))


def of_new_namespace(keys: Sequence[str], declared: Mapping[str, str]) -> dict[str, str]:
    """Read what a new namespace has beside what is declared of it, in one that ends at once.

    One may decide another (ip_forward does conf.default.forwarding). What there is not is left out.
    """

    def read() -> dict[str, str]:
        unshare()
        with contextlib.suppress(StepFailed):  # it is told where it is set in earnest
            write(declared)
        return dict(present(keys))

    return aside(read) if keys else {}


def present(keys: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield those that there are, where the calling thread is, with their values."""
    for key in keys:
        if _path(key).exists():
            yield key, read_sysctl(key)
